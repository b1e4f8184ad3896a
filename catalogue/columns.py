"""Spreadsheets: what a column may hold (columns.toml), and how a row becomes a record. Pure.

A centre's list in Excel is a catalogue too. Each column is given a meaning: guessed from its heading, or
chosen on screen and remembered in the profile of the source:

    {"columns": {"Titre": "title", "Dispo": "skip"},
     "sheet": {"separator": ";", "kind": "report", "name": "Feuil1", "defaults": {"location": "Réserve"}}}

A value goes where the form of the desk would put it (`catalogue.form`), so that a notice from a row and a
notice typed by hand are made alike. A column that means nothing known is kept as a note, with its heading.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from catalogue import form, pmb, unimarc
from catalogue.i18n import said
from catalogue.identifiers import find_doi, find_isbn, find_issn
from catalogue.problems import Problem
from catalogue.text import fold
from catalogue.unimarc import KINDS, Field, Fields, RecordItem

Profile = Mapping[str, Any]

OTHER, SKIP = "other", "skip"
GROUPS: Mapping[str, tuple[str, str]] = {
    "document": ("Le document", "The document"),
    "publication": ("Sa publication", "Its publication"),
    "subject": ("Ses sujets", "Its subjects"),
    "copy": ("L’exemplaire", "The copy"),
    "other": ("Le reste", "The rest"),
}
SEPARATORS = (";", "|", "/", ",", "\n")  # between the values of one cell
_SEEN_OFTEN = (";", "|", " / ", "\n")  # a comma also stands between a surname and a first name
_FORMULA = re.compile(r"'(?=[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])")  # as `export.tables` marks them
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ufeff]")
# What Excel makes of a long number, in a file that was opened in it and saved as CSV.
_ROUNDED = re.compile(r"\d[.,]\d+E\+\d+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """One block of columns.toml."""

    code: str
    labels: tuple[str, str]
    group: str
    headings: frozenset[str]
    beside: Mapping[str, frozenset[str]]
    input: str
    role: str
    field: str
    copy: str
    many: bool
    example: str

    @property
    def label(self) -> str:
        return said(self.labels)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to hold. `why`: "chosen" (in the profile), "heading", "values" or "unknown"."""

    meaning: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows of one sheet are read: the headings, and beside each its meaning."""

    headings: tuple[str, ...]
    meanings: tuple[str, ...]
    separator: str = ";"
    kind: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)  # a word of this source -> a kind of ours


@dataclass(frozen=True, slots=True)
class Described:
    """What one row says."""

    fields: Fields
    items: tuple[RecordItem, ...]
    number: str
    problems: tuple[Problem, ...]


# --- the table -------------------------------------------------------------------------------


_TABLE = tomllib.loads((Path(__file__).parent / "columns.toml").read_text("utf-8"))


def _meaning(code: str, block: Mapping[str, Any]) -> Meaning:
    own = code in {column.name for f in form.FORM.values() for column in f.columns}
    return Meaning(
        code=code,
        labels=(block["fr"], block["en"]),
        group=block["group"],
        headings=frozenset(map(plain_heading, block["headings"])),
        beside={other: frozenset(map(plain_heading, words)) for other, words in block.get("beside", {}).items()},
        input=block.get("input", code if own else ""),
        role=block.get("role", ""),
        field=block.get("field", ""),
        copy=block.get("copy", ""),
        many=block.get("many", False),
        example=block.get("example", ""),
    )


def plain_heading(heading: str) -> str:
    """A heading as it is compared: « N° d’inventaire » and « Numéros d'inventaire » are one.

    >>> plain_heading("Auteur(s)"), plain_heading("N° de la revue")
    ('auteur', 'numero de la revue')
    """
    words = fold(re.sub(r"\bn\s*[°º]|№", "numero ", heading, flags=re.I)).split()
    words = [word[:-1] if len(word) > 3 and word[-1] in "sx" else word for word in words]
    while len(words) > 1 and words[-1] in ("s", "e", "es"):  # « Auteur(e)(s) »
        words.pop()
    return " ".join(words)


MEANINGS: Mapping[str, Meaning] = {code: _meaning(code, block) for code, block in _TABLE.items() if code != "languages"}
_BY_NUMBERING = {plain_heading(h): code for code, block in _TABLE.items() for h in block.get("numbered", ())}
_BY_HEADING = {words: m.code for m in MEANINGS.values() for words in m.headings}
_SINGLE = frozenset(column.name for f in form.FORM.values() if not f.repeatable for column in f.columns)
_FINDERS: Mapping[str, Callable[[str], str | None]] = {"isbn": find_isbn, "issn": find_issn, "doi": find_doi}


def _kind_words() -> dict[str, str]:
    words: dict[str, str] = {}
    for k in KINDS.values():
        for word in (k.fr, k.en, k.form, k.code, *k.also):
            words.setdefault(plain_heading(word), k.code)
    for k in KINDS.values():  # as Zotero's own CSV says it; its « document » is any of several
        if k.zotero != "document":
            words.setdefault(plain_heading(k.zotero), k.code)
    return words


_KIND_WORDS = _kind_words()
_LANGUAGES = _TABLE["languages"] | {
    fold(word): code for code, names in form.LISTS["languages"].items() for word in (code, *names)
}


# --- what a column holds ---------------------------------------------------------------------


def unique(headings: Sequence[str]) -> tuple[str, ...]:
    """The headings, each once: « Auteur », « Auteur (2) »; a column without one is named by its place.

    >>> unique(["Auteur", "", " Auteur "])
    ('Auteur', 'Colonne 2', 'Auteur (2)')
    """
    met: Counter[str] = Counter()
    out: list[str] = []
    for n, heading in enumerate(headings, 1):
        name = form.one_line(heading) or f"Colonne {n}"
        met[name] += 1
        out.append(f"{name} ({met[name]})" if met[name] > 1 else name)
    return tuple(out)


def guess(headings: Sequence[str], samples: Iterable[Sequence[str]], profile: Profile | None = None) -> list[Guess]:
    """What each column seems to hold: chosen once for this source, else by its heading, else by its values."""
    chosen = {h: code for h, code in _chosen(profile).items() if code in MEANINGS}
    alike = {plain_heading(h): code for h, code in chosen.items()}
    rows = list(samples)
    found = []
    for n, heading in enumerate(headings):
        plain = plain_heading(re.sub(r" \(\d+\)$", "", heading))
        if code := chosen.get(heading) or alike.get(plain, ""):
            found.append(Guess(code, "chosen"))
        elif code := _BY_HEADING.get(plain, ""):
            found.append(Guess(code, "heading"))
        elif code := _by_values([row[n] for row in rows if n < len(row) and row[n].strip()]):
            found.append(Guess(code, "values"))
        else:
            found.append(Guess(OTHER, "unknown"))
    there = {one.meaning for one in found}
    found = [_beside(heading, one, there) for heading, one in zip(headings, found, strict=True)]
    there = {one.meaning for one in found}
    for n, (heading, one) in enumerate(zip(headings, found, strict=True)):
        if one.why == "unknown" and (code := _BY_NUMBERING.get(plain_heading(heading), "")) not in there:
            values = [row[n].strip() for row in rows if n < len(row) and any(row)]
            if code and values and all(values) and len(set(values)) == len(values):
                found[n] = Guess(code, "heading")
                there.add(code)
    return found


def _chosen(profile: Profile | None) -> Mapping[str, str]:
    chosen = (profile or {}).get("columns") or {}
    return {str(h): str(code) for h, code in chosen.items()} if isinstance(chosen, Mapping) else {}


def _beside(heading: str, one: Guess, there: Collection[str]) -> Guess:
    """« Numéro » is the journal's where there is a column for the journal."""
    if one.why != "unknown":
        return one
    plain = plain_heading(heading)
    for m in MEANINGS.values():
        if m.code not in there and any(other in there and plain in words for other, words in m.beside.items()):
            return Guess(m.code, "heading")
    return one


def _by_values(values: Sequence[str]) -> str:
    if len(values) < 2:
        return ""
    for m in MEANINGS.values():
        finder = _FINDERS.get(m.example)
        if m.example == "url":
            alike = sum(v.strip().lower().startswith(("http://", "https://")) for v in values)
        else:
            alike = sum(bool(finder(v)) and len(v) < 40 for v in values) if finder else 0
        if alike > len(values) * 0.8:
            return m.code
    return ""


def names_title(headings: Sequence[str], profile: Profile | None = None) -> bool:
    """Whether a row can be the headings of a list of documents: one of its cells says where the title is."""
    return any(g.meaning == "title" for g in guess(unique(headings), (), profile))


def plan(headings: Sequence[str], samples: Sequence[Sequence[str]], profile: Profile | None = None) -> Plan:
    """How to read a sheet: by the profile of its source, and by what its first rows look like."""
    profile = profile or {}
    sheet = profile.get("sheet") or {}
    meanings = tuple(g.meaning for g in guess(headings, samples, profile))
    separator = sheet.get("separator", "")
    kind = sheet.get("kind", "")
    return Plan(
        headings=tuple(headings),
        meanings=meanings,
        separator=separator if separator in SEPARATORS else guess_separator(meanings, samples),
        kind=kind if kind in KINDS else "",
        defaults={k: str(v) for k, v in (sheet.get("defaults") or {}).items() if k in MEANINGS and v},
        kinds={plain_heading(word): code for word, code in (profile.get("kinds") or {}).items() if code in KINDS},
    )


def guess_separator(meanings: Sequence[str], samples: Iterable[Sequence[str]]) -> str:
    """The sign that most often stands inside cells of columns that hold several values."""
    counts: Counter[str] = Counter()
    for row in samples:
        for code, cell in zip(meanings, row, strict=False):
            if MEANINGS[code].many:
                counts.update(sign for sign in _SEEN_OFTEN if sign in cell.strip())
    return counts.most_common(1)[0][0].strip(" ") if counts else ";"


def asked_kinds(plan: Plan, rows: Iterable[Sequence[str]]) -> dict[str, str]:
    """The words of these rows for the kind of document that mean none of ours by themselves, and what the source
    has answered for each, "" when it has not."""
    at = [n for n, code in enumerate(plan.meanings) if code == "kind"]
    words = dict.fromkeys(form.one_line(row[n]) for row in rows for n in at if n < len(row))
    answers = {word: plan.kinds.get(plain_heading(word), "") for word in words if word}
    return {word: code for word, code in answers.items() if code or plain_heading(word) not in _KIND_WORDS}


def _kind_of(plan: Plan, word: str) -> str:
    plain = plain_heading(word)
    return plan.kinds.get(plain) or _KIND_WORDS.get(plain, "")


# --- a row -----------------------------------------------------------------------------------


def describe(plan: Plan, cells: Sequence[str]) -> Described:
    """The record that one row describes; cells beyond the headings are kept as notes."""
    row = _Row(plan)
    for n, cell in enumerate(cells):
        heading, code = (plan.headings[n], plan.meanings[n]) if n < len(plan.headings) else (f"Colonne {n + 1}", OTHER)
        if text := row.clean(cell):
            row.take(heading, MEANINGS[code], text)
    if len(cells) > len(plan.headings):
        row.tell("", "sheet.long_row", more=" · ".join(c.strip() for c in cells[len(plan.headings) :])[:200])
    return row.described()


class _Row:
    """One row on its way to a record."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.values: form.Values = {}
        self.given: list[str] = []
        self.fields: Fields = []
        self.copy: dict[str, list[str]] = {}
        self.kind, self.number, self.type = "", "", ""
        self.problems: list[Problem] = []
        self.seen: set[str] = set()

    def tell(self, tag: str, code: str, **params: str) -> None:
        self.problems.append(Problem(tag, "", code, "warning", params))

    def clean(self, cell: str) -> str:
        """A cell as text: in NFC, without control characters, nor the sign by which spreadsheets mark a text."""
        if _CONTROLS.search(cell):
            cell = _CONTROLS.sub("", cell)
            self.tell("", "sheet.controls")
        if not cell.isascii():
            cell = unicodedata.normalize("NFC", cell)
        return _FORMULA.sub("", cell.strip(), count=1)

    def take(self, heading: str, m: Meaning, text: str) -> None:
        self.seen.add(m.code)
        if m.code == SKIP:
            return
        if _ROUNDED.fullmatch(text):
            self.tell("", "sheet.rounded", heading=heading, value=text)
        parts = self._parts(m, text) if m.many else [text]
        if m.code == OTHER or self._is_full(m):
            self.values.setdefault("note", []).append(f"{heading} : {text}")
        elif m.copy:
            self.copy.setdefault(m.copy, []).extend(map(form.one_line, parts) if m.copy != "note" else [text])
        elif m.field:
            self.fields += [_field(m.field, form.one_line(part)) for part in parts]
        elif m.code == "record_number":
            self.number = form.one_line(text)
        elif m.code == "kind":
            self._take_kind(form.one_line(text))
        elif m.code == "author_given":
            self.given += parts
        elif m.code == "language":
            self._take_languages(heading, parts)
        else:
            self.values.setdefault(m.input, []).extend(parts)
            if m.role:
                self.values.setdefault(f"{m.input}_role", []).extend(m.role for _part in parts)

    def _is_full(self, m: Meaning) -> bool:
        """Whether a notice has one such value only, and another column gave it already."""
        if m.code in ("record_number", "kind"):
            return bool(self.number if m.code == "record_number" else self.kind or self.type)
        return m.input in _SINGLE and bool(self.values.get(m.input))

    def _parts(self, m: Meaning, text: str) -> list[str]:
        sign = self.plan.separator
        if sign == "/":  # with blanks only: « http://… », « 364/DUM » and « femmes/hommes » are one value
            found = re.split(r"\s/\s|\n", text)
        elif m.example == "url" and sign in ",;":  # signs that an address may hold
            found = re.split(r"\n|[\s,;]+(?=https?://)", text)
        elif m.input == "author" and sign == ",":  # « Dupont, Anne » is one person
            found = text.split("\n")
        else:
            found = re.split(rf"{re.escape(sign)}|\n", text)
        return [part.strip() for part in found if part.strip()]

    def _take_kind(self, word: str) -> None:
        self.kind = _kind_of(self.plan, word)
        if not self.kind:
            self.type = word
            self.tell("099", "sheet.kind_unknown", value=word[:80])

    def _take_languages(self, heading: str, parts: Sequence[str]) -> None:
        for part in parts:
            if code := _LANGUAGES.get(fold(part)) or (part.lower() if re.fullmatch("[A-Za-z]{3}", part) else ""):
                self.values.setdefault("language", []).append(code)
            else:
                self.values.setdefault("note", []).append(f"{heading} : {part}")
                self.tell("101", "sheet.language_unknown", value=part[:80])

    def described(self) -> Described:
        for code, value in self.plan.defaults.items():
            if code not in self.seen and (self.copy or not MEANINGS[code].copy):
                self.take("", MEANINGS[code], value)
        kind = self.kind or self.plan.kind or ("article" if self.values.get("journal") else "book")
        self._join_given_names()
        if KINDS[kind].level == "article" and "issue_date" not in self.values and "date" in self.values:
            self.values["issue_date"] = self.values.pop("date")  # an article has the date of its issue
        fields = form.write([{"t": "000", "v": unimarc.LEADER}], self.values)
        for f in self.fields:
            fields = _put(fields, f)
        if self.type:
            fields.append({"t": "099", "i": "  ", "s": [["t", self.type]]})
        if self.number:
            fields.append({"t": "001", "v": self.number})
        fields.sort(key=lambda f: f["t"])
        return Described(unimarc.with_kind(fields, kind), self._copies(), self.number, tuple(self.problems))

    def _join_given_names(self) -> None:
        """« Dupont » and « Anne », of two columns, are one person."""
        names = self.values.get("author", [])
        for n, given in enumerate(self.given):
            if n < len(names) and "," not in names[n]:
                names[n] = f"{names[n]}, {given}"
            else:
                self.values.setdefault("note", []).append(f"{MEANINGS['author_given'].labels[0]} : {given}")

    def _copies(self) -> tuple[RecordItem, ...]:
        """One copy a barcode; what is said once, the place for instance, is true of all of them."""
        if not self.copy:
            return ()
        one_each = ("barcode", "inventory_number", "call_number")
        count = max((len(self.copy.get(name, ())) for name in one_each), default=1) or 1
        items = []
        for n in range(count):
            said: dict[str, Any] = {name: _nth(values, n, count) for name, values in self.copy.items()}
            item = RecordItem(**said)
            items.append(replace(item, fields=tuple(pmb.item_to_fields(item))))
        return tuple(items)


def _nth(values: Sequence[str], n: int, count: int) -> str:
    if len(values) == count:
        return values[n]
    return values[0] if len(values) == 1 else " ; ".join(values) if n == 0 else ""


def _field(place: str, text: str) -> Field:
    tag, code = place.split(" $")
    return {"t": tag, "i": "1 " if tag == "200" else "  ", "s": [[code, text]]}


def _put(fields: Fields, f: Field) -> Fields:
    """A title and a description stand once in a notice: what is said of them joins the field that is there."""
    at = next((n for n, other in enumerate(fields) if f["t"] in ("200", "215") and other["t"] == f["t"]), None)
    if at is None:
        return [*fields, f]
    joined: Field = {**fields[at], "s": [*fields[at]["s"], *f["s"]]}
    return [*fields[:at], joined, *fields[at + 1 :]]
