"""What the address of a page of results asks, understood and written one way. Pure.

Parameters and their values are French words that never change (`/recherche?q=école&type=rapport&acces=en-ligne`):
every state of the results is an address that can be sent or kept. Two addresses that ask the same thing are
sent to one spelling (`Asked.params`); what is unknown is dropped, but a year that cannot be understood is told
at its field, and words that are too many are told to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from catalogue.i18n import _

PER_PAGE = 20
LAST_PAGE = 2_500  # 50,000 documents: farther than anybody reads
LONGEST_QUERY = 400
LONGEST_VALUE = 200
LONGEST_YEAR = 10  # signs, of what was typed in place of one
MOST_VALUES = 40  # of all filters together

# parameter -> the index's filter, in the order of a canonical address and of the filters on the page.
FILTERS = {"acces": "access", "type": "kind", "theme": "theme", "langue": "language"}
# Filters of one choice among few; themes and languages are values of the catalogue itself.
WORDS: dict[str, dict[str, str]] = {
    "acces": {"en-ligne": "online", "sur-place": "onsite", "chez-un-partenaire": "partner"},
    "type": {
        "ouvrage": "book",
        "rapport": "report",
        "etude": "study",
        "article": "article",
        "article-de-presse": "press_article",
        "revue": "serial",
        "numero": "issue",
        "dossier": "dossier",
        "multimedia": "multimedia",
        "page-web": "web_page",
        "these": "thesis",
        "texte-officiel": "legal",
        "autre": "other",
    },
    "fonds": {"nous": "local", "reseau": "network"},
    "tri": {"pertinence": "relevance", "recent": "added", "annee": "newest", "titre": "title"},
}
_SAID = {name: {value: word for word, value in words.items()} for name, words in WORDS.items()}
_YEAR = r"[12][0-9]{3}"
_YEARS = re.compile(rf"({_YEAR})?\s*-\s*({_YEAR})?|({_YEAR})")

Params = list[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """One question: words, filters, order, page. `chosen` holds (filter, value) pairs, each once."""

    query: str = ""
    chosen: tuple[tuple[str, str], ...] = ()
    first_year: int | None = None
    last_year: int | None = None
    scope: str = "local"
    sort: str = ""  # "" is the usual order: relevance when there are words, newest when there are none
    page: int = 1
    widen: bool = True  # through the thesaurus
    default_scope: str = "local"
    typed_years: tuple[str, str] = ("", "")
    errors: tuple[tuple[str, str], ...] = field(default=())  # (id of the field, sentence)
    is_cut: bool = False  # the words were longer than what is read of them

    def values(self, key: str) -> tuple[str, ...]:
        return tuple(value for name, value in self.chosen if name == key)

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """As the index takes them."""
        out = {key: values for key in FILTERS.values() if (values := self.values(key))}
        if self.first_year or self.last_year:
            out["year"] = (f"{self.first_year or ''}-{self.last_year or ''}",)
        return out | {"scope": (self.scope,)}

    @property
    def is_narrowed(self) -> bool:
        return bool(self.chosen or self.first_year or self.last_year)

    @property
    def offset(self) -> int:
        return (self.page - 1) * PER_PAGE

    def params(self) -> Params:
        """The canonical parameters."""
        out: Params = [("q", self.query)] if self.query else []
        for name, key in FILTERS.items():
            out += [(name, said(name, value)) for value in self.values(key)]
        if self.first_year and self.first_year == self.last_year:
            out.append(("annee", str(self.first_year)))
        elif self.first_year or self.last_year:
            out.append(("annee", f"{self.first_year or ''}-{self.last_year or ''}"))
        if self.scope != self.default_scope:
            out.append(("fonds", said("fonds", self.scope)))
        if not self.widen:
            out.append(("elargir", "non"))
        if self.sort:
            out.append(("tri", said("tri", self.sort)))
        if self.page > 1:
            out.append(("page", str(self.page)))
        return out

    def but(self, **changes: object) -> Asked:
        """The same question changed, from its first page."""
        return replace(self, **{"page": 1, "errors": (), "is_cut": False, **changes})  # type: ignore[arg-type]

    def without(self, key: str, value: str) -> Asked:
        return self.but(chosen=tuple(pair for pair in self.chosen if pair != (key, value)))

    def without_years(self) -> Asked:
        return self.but(first_year=None, last_year=None, typed_years=("", ""))

    def without_filters(self) -> Asked:
        return self.without_years().but(chosen=())


def said(name: str, value: str) -> str:
    """The word that an address uses for a value: kinds added to the table later keep their code."""
    return _SAID.get(name, {}).get(value, value)


def query_string(params: Iterable[tuple[str, str]]) -> str:
    written = urlencode(list(params))
    return f"?{written}" if written else ""


def understand(pairs: Sequence[tuple[str, str]], default_scope: str = "local") -> Asked:
    """Read the parameters of an address. Forms send `annee_de` and `annee_a`, addresses say `annee=2018-2024`."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        value = " ".join(value.split())
        if value:
            given.setdefault(name, []).append(value)
    one = {name: values[0] for name, values in given.items()}
    typed = one.get("annee_de", ""), one.get("annee_a", "")
    if not any(typed) and not _YEARS.fullmatch(one.get("annee", "-")):
        typed = one["annee"][:LONGEST_YEAR], ""  # told where years are typed
    errors = tuple(
        (name, _("Écrivez l’année sur 4 chiffres, par exemple 2024."))
        for name, text in zip(("annee_de", "annee_a"), typed, strict=True)
        if text and not re.fullmatch(_YEAR, text)
    )
    if errors:
        first = last = None
    elif any(typed):
        first, last = (int(text) if text else None for text in typed)
    else:
        first, last = _year_range(one.get("annee", ""))
    if first and last and first > last:
        first, last = last, first
    sort = WORDS["tri"].get(one.get("tri", ""), "")
    query = one.get("q", "")[:LONGEST_QUERY].rstrip()
    return Asked(
        query=query,
        chosen=tuple(_chosen(given))[:MOST_VALUES],
        first_year=first,
        last_year=last,
        scope=WORDS["fonds"].get(one.get("fonds", ""), default_scope),
        sort="" if sort == usual_sort(query) or (sort == "relevance" and not query) else sort,
        widen=not query or one.get("elargir") != "non",
        page=min(int(one["page"]), LAST_PAGE) if re.fullmatch(r"[1-9][0-9]{0,5}", one.get("page", "")) else 1,
        default_scope=default_scope,
        typed_years=typed if errors else (str(first or ""), str(last or "")),
        errors=errors,
        is_cut=len(one.get("q", "")) > LONGEST_QUERY,
    )


def usual_sort(query: str) -> str:
    return "relevance" if query else "newest"


def _chosen(given: dict[str, list[str]]) -> Iterable[tuple[str, str]]:
    for name, key in FILTERS.items():
        words = WORDS.get(name)
        found = {words.get(v) if words else v[:LONGEST_VALUE] for v in given.get(name, ())}
        yield from ((key, value) for value in sorted(v for v in found if v))


def _year_range(text: str) -> tuple[int | None, int | None]:
    found = _YEARS.fullmatch(text)
    if not found:
        return None, None
    if found[3]:
        return int(found[3]), int(found[3])
    return int(found[1]) if found[1] else None, int(found[2]) if found[2] else None
