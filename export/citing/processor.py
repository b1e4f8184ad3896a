"""References laid out by citeproc-py in a CSL style. Only this module knows citeproc.

citeproc-py 0.11 has faults that a reader would see, mended here in subclasses that this module's own loader puts in
place, nothing of the library being changed:

- what stands in for a missing author (the title, often, by way of a macro) is said again further on, against CSL's
  rule for `cs:substitute`;
- `initialize="false"` is not read: MLA would shorten given names;
- a range of dates within one year loses its year;
- it escapes some values and not others: its marks are signs that no value holds (`runs`), so nothing needs escaping.

A style that cannot lay out a document (a bug of either) never loses it: `plain_reference` does, and it is told.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from citeproc import CitationStylesBibliography, CitationStylesStyle, model, source
from citeproc.source import Citation, CitationItem, Date, DateRange, LiteralDate, Reference
from citeproc.string import String
from lxml import etree

from catalogue.i18n import _
from catalogue.text import fold
from export.citing.items import KIND_ROWS, Cited, Item
from export.citing.runs import Marks, Run, cut, in_french, repaired, unmarked

log = logging.getLogger("travee")

_HERE = Path(__file__).parent
_NAMESPACE = "http://purl.org/net/xbiblio/csl"
_LOCALES = {"fr": "fr-FR", "en": "en-GB"}
# What a style may print and a reference does without: the notice’s own summary and keywords are told elsewhere.
_NOT_LAID_OUT = frozenset(("id", "type", "keyword", "abstract", "note", "source", "custom", "season", "PMID"))
_DATES = frozenset(("issued", "accessed"))


@dataclass(frozen=True, slots=True)
class Style:
    code: str
    fr: str
    en: str
    file: str
    locale: str
    english: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)

    def name(self, language: str) -> str:
        return self.en if language == "en" else self.fr


STYLES: Mapping[str, Style] = {
    code: Style(code, **row) for code, row in tomllib.loads((_HERE / "styles.toml").read_text("utf-8")).items()
}
USUAL = next(iter(STYLES))


@dataclass(frozen=True, slots=True)
class LaidOut:
    """`plainly`: the style could not do it, and the reference is a simple one of ours."""

    runs: tuple[Run, ...]
    plainly: bool = False


class Processor:
    """References in one style and one language, numbered in the order they are asked for."""

    def __init__(self, style: str = USUAL, language: str = "fr") -> None:
        chosen = STYLES[style]
        file = chosen.english if chosen.english and language == "en" else chosen.file
        locale = _LOCALES.get(language, "fr-FR") if chosen.locale == "page" else chosen.locale
        self._style, self._lock = _loaded(file, locale)
        self._instead = chosen.instead
        self._french = locale.startswith("fr")
        self._count = 0

    def lay_out(
        self, cited: Cited, *, accessed: tuple[int, int, int] | None = None, number: int | None = None
    ) -> LaidOut:
        """`number`: its own in a list of which only a part is laid out."""
        self._count = number or self._count + 1
        try:
            marked = self._rendered(cited, accessed)
        except Exception as fault:  # a style or citeproc that stumbles over one document must not lose the others
            log.warning("%s cannot be laid out by %s: %r", cited.address, self._style.xml.docinfo.URL, fault)
            marked = ""
        if not unmarked(marked).strip(" .,;:[]()"):
            return LaidOut(plain_reference(cited, french=self._french), plainly=True)
        return LaidOut(cut(marked))

    def _rendered(self, cited: Cited, accessed: tuple[int, int, int] | None) -> str:
        reference = _reference(cited, accessed, self._instead)
        with self._lock:  # citeproc keeps what it is doing in the style itself
            listed = CitationStylesBibliography(self._style, {reference.key: reference}, Marks)
            (asked,) = Citation([CitationItem(reference.key)]).cites
            listed.register(asked.citation)
            listed.keys = [""] * (self._count - 1) + [reference.key]  # what numbered styles count by
            layout = self._style.root.layout
            layout.repressed = {}
            marked = str(layout.format(layout.wrap(layout.render_children(asked))) or "")
        text = repaired(marked)
        date = reference.get("issued")
        literal = date.text if isinstance(date, LiteralDate) else ""
        for between in (", ", ","):  # styles that write the year and the day apart say words twice
            text = text.replace(f"{literal}{between}{literal}", literal) if literal else text
        if self._french:
            if place := cited.item.get("publisher-place"):  # « Lille: Éditions »: a style made for English
                text = text.replace(f"{place}: ", f"{place} : ")
            return in_french(text)
        return text


def plain_reference(cited: Cited, *, french: bool = True) -> tuple[Run, ...]:
    """« Dumas, Agnès. La ville en miettes. Éditions du Canal, 1998. »: what any document can be named by."""
    item = cited.item
    names = [
        ", ".join(part for part in (n.get("literal") or n.get("family", ""), n.get("given", "")) if part)
        for variable in ("author", "editor", "director")
        for n in item.get(variable, ())
    ]
    more = "…" if len(names) > 10 else ""
    head = "; ".join(names[:10]) + more
    told = [item.get("container-title", ""), item.get("volume", ""), item.get("issue", ""), item.get("publisher", "")]
    tail = ", ".join(part for part in (*told, cited.date, item.get("URL", "")) if part)
    title = Marks.Italic(item["title"])
    text = ". ".join(part for part in (head, title, tail) if part) + "."
    return cut(in_french(repaired(text)) if french else repaired(text))


# --- what citeproc reads ---------------------------------------------------------------------


def _reference(cited: Cited, accessed: tuple[int, int, int] | None, instead: Mapping[str, str]) -> Reference:
    item = dict(cited.item)
    row = KIND_ROWS[cited.kind]
    if item["type"] == row["csl"]:
        named = any(variable in item for variable in ("author", "director", "editor"))
        item["type"] = row.get("laid_out" if named else "nameless", row.get("laid_out", item["type"]))
    item["type"] = instead.get(item["type"], item["type"])
    genre = item.pop("genre", "")
    if genre and fold(genre) not in fold(item["title"]).split():  # else the title has said it
        item["genre"] = genre[:1].upper() + genre[1:]
    if "DOI" in item and not item["type"].startswith("article"):  # styles print it of articles alone
        item["URL"] = f"https://doi.org/{item.pop('DOI')}"
    if accessed and "URL" in item:
        item["accessed"] = {"date-parts": [list(accessed)]}
    reference = Reference(cited.address, item["type"])
    for name, value in item.items():
        key = name.replace("-", "_")
        if name in _NOT_LAID_OUT:
            continue
        if name in _DATES:
            reference[key] = _date(value)
        elif isinstance(value, list):
            reference[key] = [source.Name(**name_) for name_ in value]
        else:
            reference[key] = value if name == "language" else String(value)
    return reference


def _date(value: Item) -> Date | DateRange | LiteralDate:
    """A date that is not sure is told in brackets; several months of one year are its year, which citeproc can say."""
    parts = [dict(zip(("year", "month", "day"), part, strict=False)) for part in value.get("date-parts", ())]
    if not parts:
        return LiteralDate(value["literal"])
    if value.get("circa"):
        return LiteralDate("[" + _("vers {0}").format(parts[0]["year"]) + "]")
    if len(parts) == 1:
        return Date(**parts[0])
    if parts[0]["year"] == parts[1]["year"]:
        return Date(year=parts[0]["year"])
    return DateRange(begin=Date(year=parts[0]["year"]), end=Date(year=parts[1]["year"]))


# --- styles ----------------------------------------------------------------------------------


class _Quick:
    """What citeproc looks up again and again in the XML, remembered by the style: half of the time went there."""

    def get_macro(self, name: str) -> Any:
        return self.get_root().macros[name]  # type: ignore[attr-defined]

    def get_layout(self) -> Any:
        return self.get_root().layout  # type: ignore[attr-defined]

    def get_term(
        self, name: str, form: str | None = None, fallback_locale: bool = True, zero_padded: bool = False
    ) -> Any:
        terms: dict[Any, Any] = self.get_root().terms  # type: ignore[attr-defined]
        asked = (name, form, fallback_locale, zero_padded)
        if asked not in terms:
            terms[asked] = super().get_term(name, form, fallback_locale, zero_padded)  # type: ignore[misc]
        return terms[asked]

    def get_locale_option(self, name: str) -> Any:
        terms: dict[Any, Any] = self.get_root().terms  # type: ignore[attr-defined]
        if name not in terms:
            terms[name] = super().get_locale_option(name)  # type: ignore[misc]
        return terms[name]


class _Text(model.Text):
    """Remembers which variables it has said, for `_Substitute`."""

    def _variable(self, item: Any, context: Any) -> Any:
        said = super()._variable(item, context)
        if said:
            context.get_layout().repressed.setdefault("said", []).append(self.get("variable"))
        return said


class _Substitute(model.Substitute):
    """« Substituted variables are suppressed in the rest of the output » (CSL 1.0.2, cs:substitute), macros too."""

    def render(self, item: Any, context: Any = None, **kwargs: Any) -> Any:
        repressed = context.get_layout().repressed
        repressed["said"] = []
        rendered = super().render(item, context=context, **kwargs)
        if rendered:
            repressed.setdefault(f"{{{_NAMESPACE}}}text", []).extend(repressed["said"])
        return rendered


class _Name(model.Name):
    def get_option(self, name: str, context: Any = None, sort_options: Any = None) -> Any:
        """As the library's, of a bibliography; « et-al-min » and its kin are numbers, two others yes or no."""
        if name == "initialize-with" and self.get("initialize") == "false":
            return None
        wider = self.get_root().layout.getparent()
        value = self.get(name, wider.get_option(f"name-{name}" if name in ("form", "delimiter") else name))
        if name in ("initialize-with-hyphen", "et-al-use-last"):
            return value.lower() == "true"
        return int(value) if name.startswith("et-al") else value


_MENDED = {"text": _Text, "substitute": _Substitute, "name": _Name}
_OF_LOCALES = frozenset(("locale", "term"))  # they are the places where the others look


class _Style(CitationStylesStyle):
    """A CSL file read with our elements in the place of the library's."""

    def __init__(self, path: Path, locale: str) -> None:
        lookup = etree.ElementNamespaceClassLookup()
        elements = lookup.get_namespace(_NAMESPACE)
        elements[None] = model.CitationStylesElement
        for name, element in _elements():
            mended = _MENDED.get(name, element)
            elements[name] = mended if name in _OF_LOCALES else type(mended.__name__, (_Quick, mended), {})
        parser = etree.XMLParser(remove_comments=True, no_network=True, resolve_entities=False)
        parser.set_element_class_lookup(lookup)
        self.xml = etree.parse(str(path), parser)
        self.root = self.xml.getroot()
        self.root.macros = {macro.get("name"): macro for macro in self.root.iterchildren(f"{{{_NAMESPACE}}}macro")}
        self.root.terms = {}
        self.root.layout = self.root.bibliography.layout
        self.root.set_locale_list(locale, validate=False)


def _elements() -> Iterator[tuple[str, type]]:
    for element in model.CitationStylesElement.__subclasses__():
        if element.__module__ == model.__name__:
            yield element.__name__.replace("_", "-").lower(), element


@lru_cache(maxsize=16)
def _loaded(file: str, locale: str) -> tuple[_Style, Lock]:
    """A style, read once a process, and the lock that whoever lays out with it holds."""
    return _Style(_HERE / "styles" / f"{file}.csl", locale), Lock()
