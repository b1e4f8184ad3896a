"""A notice as its page would show it, from fields that nobody has written yet; what would change is marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalogue import differences, unimarc
from catalogue.differences import Pieces
from catalogue.i18n import _
from catalogue.identifiers import format_isbn
from catalogue.reading import FACTS, SCHEMES
from catalogue.unimarc import Fields


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    pieces: Pieces  # "ins" is what changes


@dataclass(frozen=True, slots=True)
class Preview:
    """A notice as its page would show it, with what is new in it marked."""

    kind: str
    title: Pieces
    year: str
    facts: tuple[Fact, ...]


def preview(fields: Fields, now: Fields | None = None) -> Preview:
    """`now`: how it stands; what differs from it is marked."""
    was = dict(_facts(now)) if now is not None else None
    facts = [Fact(label, _marked(text, None if was is None else was.get(label, ""))) for label, text in _facts(fields)]
    first, last = unimarc.years(fields)
    title = unimarc.full_title(fields)
    return Preview(
        kind=unimarc.kind(fields),
        title=_marked(title, None if now is None else unimarc.full_title(now)),
        year="–".join(str(year) for year in dict.fromkeys((first, last)) if year),
        facts=tuple(facts),
    )


def _marked(text: str, before: str | None) -> Pieces:
    if before is None or before == text:
        return (("same", text),)
    woven = differences.words(before, text) if before else (("ins", text),)
    return differences.shortened(tuple(piece for piece in woven if piece[0] != "del"))


def _facts(fields: Fields) -> Iterator[tuple[str, str]]:
    for label, found in (
        (_("Auteurs"), [a.name for a in unimarc.responsibilities(fields)]),
        (_("Dans"), [link.title for link in (unimarc.host_serial(fields), unimarc.host_issue(fields)) if link]),
        *((_(label), list(read(fields))) for label, read in FACTS),
        (_("Résumé"), [unimarc.texts(fields).abstract]),
        (_("Sujets"), [subject.label for subject in unimarc.subjects(fields)]),
        (_("En ligne"), [url for url, _words in unimarc.online(fields)]),
        (_("Numéros"), [_number(*pair) for pair in unimarc.identifiers(fields) if pair[0] in SCHEMES]),
    ):
        values = dict.fromkeys(words for value in found if (words := " ".join(str(value).split())))
        if values:
            yield label, " ; ".join(values)


def _number(scheme: str, value: str) -> str:
    return f"{SCHEMES[scheme]} {format_isbn(value) if scheme == 'isbn' else value}"
