"""A bibliography: notices as references in a style, grouped and ordered, ready to be printed. Pure.

`compose` makes the one value that every printed form shows (`as_html`, `as_text`, `as_docx`, `as_pdf`): what they
say is decided here, how it looks is theirs. Where documents stand is asked of the database before (`whereabouts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from catalogue.i18n import _, current_language, format_date, ngettext, use_language
from catalogue.text import fold, sort_key
from catalogue.unimarc import KINDS
from export.citing.items import CUT, KIND_ROWS, Cited, cited, line
from export.citing.processor import STYLES, USUAL, Processor
from export.citing.runs import Run
from export.records import Outgoing

GROUPS = ("none", "theme", "kind")
ORDERS = ("given", "author", "date")
LONGEST_SUMMARY = 4_000  # signs, of one document
LONGEST_TITLE = 300  # of the bibliography


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a document can be read: its call number as the spine label has it, then words."""

    call_number: str = ""
    words: tuple[str, ...] = ()  # « Espace doc, Logement », « Chez un partenaire : ORIV »


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody asked of a bibliography. `accessed` is the day they read what is online."""

    title: str = ""
    style: str = USUAL
    group: str = "none"
    order: str = "given"
    summaries: bool = False
    locations: bool = False
    accessed: date | None = None
    centre: str = ""
    base_url: str = ""
    language: str = "fr"  # of its words


@dataclass(frozen=True, slots=True)
class Entry:
    address: str
    permalink: str
    title: str
    language: str  # of the title, two letters
    runs: tuple[Run, ...]
    summary: tuple[str, ...] = ()
    place: Whereabouts | None = None
    plainly: bool = False  # the style could not lay it out
    number: int = 0  # its place in the whole, from 1

    @property
    def short_link(self) -> str:
        """The permalink as one reads it on paper."""
        return self.permalink.split("://", 1)[-1]


@dataclass(frozen=True, slots=True)
class Group:
    heading: str  # "" when nothing is grouped
    entries: tuple[Entry, ...]
    total: int = 0  # of its documents, laid out or not


@dataclass(frozen=True, slots=True)
class Bibliography:
    title: str
    line: str  # under the title: « 12 documents · ISO 690 (auteur-date) · Espace doc, 21 mars 2024 »
    language: str
    centre: str
    on: date | None = None  # the day it was made
    groups: tuple[Group, ...] = ()
    told: tuple[str, ...] = ()  # at the end: what the reader has to know of how it was made
    addresses: tuple[str, ...] = ()  # of all its documents, laid out or not

    @property
    def entries(self) -> list[Entry]:
        return [entry for group in self.groups for entry in group.entries]


def compose(
    notices: Iterable[Outgoing],
    wishes: Wishes,
    places: Mapping[str, Whereabouts] | None = None,
    shown: range | None = None,
) -> Bibliography:
    """`places`: by address, for those who asked where to find the documents. `shown`: the entries to lay out, counted
    from 0 through all groups, when a page shows a part of a long list."""
    with use_language(wishes.language):
        found: list[Cited] = []
        licences: dict[str, None] = {}
        for notice in notices:
            found.append(cited(notice, wishes.base_url))
            licences |= dict.fromkeys(licensed.words for licensed in notice.licences)
        return _composed(found, wishes, places or {}, list(licences), range(len(found)) if shown is None else shown)


def _composed(
    found: Sequence[Cited],
    wishes: Wishes,
    places: Mapping[str, Whereabouts],
    licences: Sequence[str],
    shown: range,
) -> Bibliography:
    style = wishes.style if wishes.style in STYLES else USUAL
    processor = Processor(style, wishes.language)
    groups, before = [], 0
    for heading, members in _grouped(_ordered(found, wishes.order), wishes.group):
        numbered = [(number, one) for number, one in enumerate(members, before + 1) if number - 1 in shown]
        entries = [_entry(one, number, processor, wishes, places.get(one.address)) for number, one in numbered]
        before += len(members)
        if entries:
            groups.append(Group(heading, tuple(entries), len(members)))
    plainly = [entry for group in groups for entry in group.entries if entry.plainly]
    count = ngettext("{n} document", "{n} documents", len(found)).format(n=len(found))
    on = format_date(wishes.accessed) if wishes.accessed else ""
    centre = line(wishes.centre)
    made = ", ".join(part for part in (centre, on) if part)
    return Bibliography(
        title=line(wishes.title, LONGEST_TITLE) or _("Bibliographie"),
        line=" · ".join(part for part in (count, STYLES[style].name(wishes.language), made) if part),
        language=wishes.language,
        centre=centre,
        on=wishes.accessed,
        groups=tuple(groups),
        addresses=tuple(one.address for one in found),
        told=(*_told(plainly, STYLES[style].name(wishes.language)), *map(line, licences)),
    )


def _told(plainly: Sequence[Entry], style: str) -> Iterable[str]:
    if plainly:
        words = ngettext(
            "{n} référence que le style {style} ne sait pas présenter l’est simplement : {titles}.",
            "{n} références que le style {style} ne sait pas présenter le sont simplement : {titles}.",
            len(plainly),
        )
        titles = "; ".join(entry.title[:80] for entry in plainly[:5]) + (" …" if len(plainly) > 5 else "")
        yield words.format(n=len(plainly), style=style, titles=titles)


def _entry(one: Cited, number: int, processor: Processor, wishes: Wishes, place: Whereabouts | None) -> Entry:
    on = wishes.accessed
    laid_out = processor.lay_out(one, accessed=(on.year, on.month, on.day) if on else None, number=number)
    return Entry(
        address=one.address,
        permalink=one.permalink,
        title=one.item["title"],
        language=one.item["language"],
        runs=laid_out.runs,
        summary=_shortened(one.summary) if wishes.summaries else (),
        place=_told_place(place) if place and wishes.locations else None,
        plainly=laid_out.plainly,
        number=number,
    )


def _told_place(place: Whereabouts) -> Whereabouts:
    """As any program can take it: call numbers and locations were typed or received too."""
    return Whereabouts(line(place.call_number), tuple(line(words) for words in place.words))


def _shortened(paragraphs: Sequence[str]) -> tuple[str, ...]:
    out, left = [], LONGEST_SUMMARY
    for paragraph in paragraphs:
        if len(paragraph) > left:
            out.append(paragraph[: max(left - len(CUT), 0)].rstrip() + CUT)
            break
        out.append(paragraph)
        left -= len(paragraph)
    return tuple(out)


# --- order and groups ------------------------------------------------------------------------


def _ordered(found: Sequence[Cited], order: str) -> list[Cited]:
    if order == "author":
        return sorted(found, key=lambda one: (_head(one), one.year or 0, sort_key(one.item["title"])))
    if order == "date":
        return sorted(found, key=lambda one: -(one.year or 0))
    return list(found)


def _head(one: Cited) -> str:
    """What a reference begins with: its first author, else its title."""
    for variable in ("author", "editor", "director", "translator"):
        for name in one.item.get(variable, ()):
            return fold(" ".join((name.get("literal") or name.get("family", ""), name.get("given", ""))))
    return sort_key(one.item["title"])


def _grouped(found: Sequence[Cited], how: str) -> list[tuple[str, list[Cited]]]:
    if how == "kind":
        column = 1 if current_language() == "en" else 0
        kinds = [kind for kind in KINDS if any(one.kind == kind for one in found)]
        return [(KIND_ROWS[kind]["heading"][column], [one for one in found if one.kind == kind]) for kind in kinds]
    if how == "theme":
        return _by_theme(found)
    return [("", list(found))] if found else []


def _by_theme(found: Sequence[Cited]) -> list[tuple[str, list[Cited]]]:
    """Each document once, under that of its themes which most of the others share: few groups, and full ones."""
    shared = Counter(fold(theme) for one in found for theme in {fold(t): t for t in one.themes}.values())
    groups: dict[str, list[Cited]] = {}
    words: dict[str, str] = {}
    for one in found:
        best = max(one.themes, key=lambda theme: shared[fold(theme)], default="")
        groups.setdefault(fold(best), []).append(one)
        words.setdefault(fold(best), best)
    others = groups.pop("", [])
    out = [(words[key], groups[key]) for key in sorted(groups)]
    return [*out, (_("Autres documents"), others)] if others and out else out or [("", others)] if others else out
