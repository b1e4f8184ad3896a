"""Between a notice's fields and the values of the desk's form. Pure; driven by fields.toml.

`read` gives the values that the form shows, `write` takes the form's values back into the fields. What must
stay true, and the tests prove for any record: writing back what was read changes nothing, and a changed value
changes the field it stands in and no other. So a form never loses what it does not know (decision 1), and
every other value keeps its origin.

Values are lists of strings by input name, in the order of the inputs, as a browser sends them; the inputs of
one field with several columns are read side by side. A name that was not sent means "not shown": untouched.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from catalogue import unimarc
from catalogue.i18n import _, said
from catalogue.text import fold
from catalogue.unimarc import KINDS, Field, Fields

Values = dict[str, list[str]]
Texts = tuple[str, ...]
Pairs = list[list[str]]

KIND = "kind"  # the one input that no field of the table describes: the leader and 608 say it
NAMED = ("author", "body")  # blocks of people and bodies
MAIN_ROLES = ("", "070", "300", "651")  # who takes 700/701; other roles are secondary, 702
SUBDIVISION = " -- "


@dataclass(frozen=True, slots=True)
class Column:
    """One input: the subfields its text is made of, and how."""

    name: str
    labels: tuple[str, str]
    codes: str
    how: str
    choices: str
    default: str
    drops: tuple[str, ...]

    @property
    def label(self) -> str:
        return said(self.labels)


@dataclass(frozen=True, slots=True)
class FormField:
    """One block of fields.toml."""

    key: str
    labels: tuple[str, str]
    helps: tuple[str, str]
    tags: tuple[str, ...]
    indicators: str
    columns: tuple[Column, ...]
    repeatable: str  # "", "field" or "subfield"
    whole: bool
    single_valued: bool
    short: bool
    fixed: tuple[tuple[str, str], ...]
    relation: str
    marked: str
    language: str
    not_language: str
    main: frozenset[str]
    more: frozenset[str]
    when: str  # the input that must have a value for this one to be shown
    required: frozenset[str]
    level: str

    @property
    def label(self) -> str:
        return said(self.labels)

    @property
    def help(self) -> str:
        return said(self.helps)

    def has_value(self, values: Mapping[str, Sequence[str]]) -> bool:
        return any(text for c in self.columns for text in values.get(c.name, ()))

    def is_in(self, kind: str, where: str) -> bool:
        kinds: frozenset[str] = getattr(self, where)
        return kind in kinds or "*" in kinds

    def means(self, f: Field) -> bool:
        """Whether this field of a notice is the one meant: 461 is a host or a series, 014 a DOI or something else."""
        if f["t"] not in self.tags or "s" not in f:
            return False
        if self.relation:
            return any(link.relation == self.relation for link in unimarc.links([f]))
        if self.marked:
            return any(fold(value) == self.marked for value in unimarc.subfields(f, "b2"))
        if self.language or self.not_language:
            said = unimarc.first(f, "z")
            return said == self.language if self.language else said != self.not_language
        return True


@dataclass(frozen=True, slots=True)
class Entry:
    """A value as the form shows it, and where it stands: the field, the subfield when only that one is meant."""

    at: int
    texts: Texts
    pair: int = -1
    companions: tuple[int, ...] = ()


# --- the table -------------------------------------------------------------------------------


def _load() -> tuple[dict[str, FormField], dict[str, dict[str, tuple[str, str]]], dict[str, tuple[str, str]]]:
    table = tomllib.loads((Path(__file__).parent / "fields.toml").read_text("utf-8"))
    lists = {name: {code: (fr, en) for code, (fr, en) in rows.items()} for name, rows in table.pop("lists").items()}
    others = {tag: (fr, en) for tag, (fr, en) in table.pop("other_tags").items()}
    return {key: _form_field(key, block) for key, block in table.items()}, lists, others


def _form_field(key: str, block: Mapping[str, Any]) -> FormField:
    only = block.get("only", {})
    columns = block.get("columns") or [{"name": key, **block}]
    return FormField(
        key=key,
        labels=(block["fr"], block["en"]),
        helps=(block.get("fr_help", ""), block.get("en_help", "")),
        tags=tuple(block["tags"]),
        indicators=block["indicators"],
        columns=tuple(_column(c) for c in columns),
        repeatable=block.get("repeatable", ""),
        whole=block.get("whole", False),
        single_valued=block.get("single_valued", False),
        short=block.get("short", False),
        fixed=tuple((code, value) for code, value in block.get("fixed", ())),
        relation=only.get("relation", ""),
        marked=only.get("marked", ""),
        language=only.get("language", ""),
        not_language=only.get("not_language", ""),
        main=frozenset(block.get("main", ())),
        more=frozenset(block.get("more", ())),
        when=block.get("when", ""),
        required=frozenset(block.get("required", ())),
        level=block.get("level", "error"),
    )


def _column(row: Mapping[str, Any]) -> Column:
    return Column(
        name=row["name"],
        labels=(row["fr"], row["en"]),
        codes=row["codes"],
        how=row.get("how", "text"),
        choices=row.get("choices", ""),
        default=row.get("default", ""),
        drops=tuple(row.get("drops", ())),
    )


FORM, LISTS, OTHER_TAGS = _load()
BY_TAG = {tag: [f for f in FORM.values() if tag in f.tags] for form_field in FORM.values() for tag in form_field.tags}


def choices(column: Column) -> list[tuple[str, str]]:
    """(code, words) to choose from, in the order of the table."""
    return [(code, said(words)) for code, words in LISTS[column.choices].items()]


def choice_label(column: Column, code: str) -> str:
    words = LISTS[column.choices].get(code)
    return said(words) if words else code


def name_of_value(f: Field, code: str) -> str:
    """What a value of a notice is called on the screen: the form's own label, else the field's name, and the number of
    a field that has none only where nothing else would tell it from another."""
    meant = [form_field for form_field in BY_TAG.get(f["t"], ()) if form_field.means(f)]
    for form_field in meant:
        for column in form_field.columns:
            if code in column.codes:
                # « Auteur » rather than « Nom, prénom » : in a history the column stands alone.
                return form_field.label if column is form_field.columns[0] else column.label
    if words := OTHER_TAGS.get(f["t"]):
        return said(words)
    return meant[0].label if meant else _("Autre champ (%(tag)s)") % {"tag": f["t"]}


def shown(kind: str, values: Values) -> tuple[list[FormField], list[FormField]]:
    """The fields shown at once for a kind, and those under « Plus de champs »: what has a value is never hidden."""
    main = [f for f in FORM.values() if f.is_in(kind, "main")]
    more = [
        f
        for f in FORM.values()
        if f not in main and ((f.is_in(kind, "more") and _is_wanted(f, values)) or f.has_value(values))
    ]
    return main, more


def _is_wanted(f: FormField, values: Values) -> bool:
    return not f.when or FORM[f.when].has_value(values)


@cache
def required(kind: str) -> tuple[FormField, ...]:
    return tuple(f for f in FORM.values() if f.is_in(kind, "required"))


def field_of(tag: str, code: str, kind: str = "") -> str:
    """The key of the form's field where a problem with this tag and subfield is shown, "" when there is none."""
    found = [f for f in FORM.values() if tag in f.tags and any(code in c.codes for c in f.columns)]
    if tag == "608":
        return KIND
    return next((f.key for f in found if f.is_in(kind, "main")), found[0].key if found else "")


# --- reading ---------------------------------------------------------------------------------


def blank() -> Values:
    """The values of a new form."""
    return {"language": ["fre"]}


def read(fields: Fields) -> Values:
    """Every value the form can show, by input name."""
    return {KIND: [kind_of(fields)], **read_some(fields, FORM)}


def read_some(fields: Fields, keys: Iterable[str]) -> Values:
    """The values of some blocks of the table: an import looks at a few of them, in every record."""
    values: Values = {}
    tags = {f["t"] for f in fields}
    for key in keys:
        form_field = FORM[key]
        found = [] if tags.isdisjoint(form_field.tags) else _entries(form_field, fields)
        for n, column in enumerate(form_field.columns):
            values[column.name] = [entry.texts[n] for entry in found]
    return values


def kind_of(fields: Fields) -> str:
    """The kind, "" as long as nothing says it: a draft may have neither leader nor 608."""
    if any(f["t"] in ("000", "608") for f in fields):
        return unimarc.kind(fields)
    return ""


def rest(fields: Fields) -> Fields:
    """What no input shows; the form keeps it untouched."""
    told = {n for form_field in FORM.values() for entry in _entries(form_field, fields) for n in _places(entry)}
    return [f for n, f in enumerate(fields) if n not in told and f["t"] != "000" and not _says_kind(f)]


def _says_kind(f: Field) -> bool:
    return f["t"] == "608" and unimarc.first(f, "2") == "travee"


def _places(entry: Entry) -> tuple[int, ...]:
    return (entry.at, *entry.companions)


def _entries(form_field: FormField, fields: Fields) -> list[Entry]:
    meant = [n for n, f in enumerate(fields) if f["t"] in form_field.tags and form_field.means(f)]
    if form_field.repeatable == "subfield":
        return _subfield_entries(form_field, fields, meant)
    companions = _companions(fields, meant) if form_field.columns[0].how == "subject" else {}
    hidden = {n for others in companions.values() for n in others}
    found = []
    for n in meant:
        if n in hidden:
            continue
        texts = tuple(text_of(column, fields[n]) for column in form_field.columns)
        if not _is_empty(form_field, texts):
            found.append(Entry(n, texts, companions=tuple(companions.get(n, ()))))
    return found if form_field.repeatable else found[:1]


def _subfield_entries(form_field: FormField, fields: Fields, meant: Sequence[int]) -> list[Entry]:
    (column,) = form_field.columns
    for n in meant:
        found = [
            Entry(n, (text,), pair)
            for pair, (code, value) in enumerate(fields[n]["s"])
            if code in column.codes and (text := one_line(value))
        ]
        if found:
            return found
    return []


def _is_empty(form_field: FormField, texts: Texts) -> bool:
    """A role without a name says nothing."""
    return not any(text for column, text in zip(form_field.columns, texts, strict=True) if not column.default)


def _companions(fields: Fields, meant: Sequence[int]) -> dict[int, list[int]]:
    """PMB writes one 606 for each language of a descriptor, with the same number: one is shown, the French rather."""
    by_node: dict[tuple[str, str], list[int]] = {}
    for n in meant:
        node, language = unimarc.typed(fields[n], "id"), unimarc.typed(fields[n], "lang")
        if node and language:
            by_node.setdefault((unimarc.typed(fields[n], "idthes"), node), []).append(n)
    out = {}
    for places in by_node.values():
        languages = [unimarc.typed(fields[n], "lang")[:2] for n in places]
        if len(set(languages)) == len(places) > 1:
            chosen = places[languages.index("fr")] if "fr" in languages else places[0]
            out[chosen] = [n for n in places if n != chosen]
    return out


def text_of(column: Column, f: Field) -> str:
    """What an input shows of a field."""
    pairs = f["s"]
    if column.how == "person":
        family, given = _first(pairs, "a"), _first(pairs, "b")
        return f"{family}, {given}" if family and given else family or given
    if column.how == "lines":
        return "\n".join(t for code, v in pairs if code in column.codes and (t := many_lines(v)))
    joint = {"subject": SUBDIVISION, "body": ". "}.get(column.how, " ; ")
    return one_line(joint.join(t for code, v in pairs if code in column.codes and (t := one_line(v))))


def _first(pairs: Pairs, code: str) -> str:
    return next((one_line(v) for c, v in pairs if c == code), "")


_NOT_SORTED = (0x88, 0x89, 0x98, 0x9C)  # the marks around an article not to be sorted
_UNSEEN = (0x200B, 0xFEFF)  # a space of no width, a mark of byte order: pasted along, and they part a word in two
_ONE_LINE: dict[int, str] = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ") | dict.fromkeys(
    (*_NOT_SORTED, *_UNSEEN), ""
)
_MANY_LINES = {number: sign for number, sign in _ONE_LINE.items() if chr(number) != "\n"}
_BLANKS = re.compile(" +")


def one_line(value: str) -> str:
    """As an input of one line shows it, and gives it back; no-break spaces stay."""
    return _BLANKS.sub(" ", value.translate(_ONE_LINE)).strip(" ")


def many_lines(value: str) -> str:
    """As a text area shows it, whatever a browser makes of line ends; paragraphs stay."""
    value = value.replace("\r\n", "\n").replace("\r", "\n").translate(_MANY_LINES)
    return re.sub(" *\n", "\n", value).strip(" \n")


# --- writing ---------------------------------------------------------------------------------


def write(fields: Fields, values: Mapping[str, Sequence[str]]) -> Fields:
    """The fields with the form's values in them; what was not sent, or not changed, is left as it is."""
    out = list(fields)
    for form_field in FORM.values():
        if any(column.name in values for column in form_field.columns):
            out = _write(form_field, out, _sent(form_field, values))
    kind = next(iter(values.get(KIND, ())), "")
    if kind in KINDS and kind != kind_of(out):
        out = unimarc.with_kind(out, kind)
    return out


def tidy(values: Mapping[str, Sequence[str]]) -> Values:
    """Values as the form would show them again: for putting two of them side by side."""
    out: Values = {KIND: list(values.get(KIND, ()))}
    for form_field in FORM.values():
        if any(column.name in values for column in form_field.columns):
            kept = [texts for texts in _sent(form_field, values) if not _is_empty(form_field, texts)]
            for n, column in enumerate(form_field.columns):
                out[column.name] = [texts[n] for texts in kept]
    return out


def _sent(form_field: FormField, values: Mapping[str, Sequence[str]]) -> list[Texts]:
    """What the browser sent, a row an entry, empty rows included: they say which one was emptied."""
    lists = [values.get(column.name, ()) for column in form_field.columns]
    rows = zip_longest(*lists, fillvalue="")
    sent = [
        tuple(
            many_lines(text) if column.how == "lines" else one_line(text)
            for column, text in zip(form_field.columns, row, strict=True)
        )
        for row in rows
    ]
    return sent if form_field.repeatable else sent[:1]


def _write(form_field: FormField, fields: Fields, sent: list[Texts]) -> Fields:
    entries = _entries(form_field, fields)
    wanted = [texts for texts in sent if not _is_empty(form_field, texts)]
    if wanted == [entry.texts for entry in entries]:
        return fields
    pairing = _pair([entry.texts for entry in entries], sent, lambda texts: _is_empty(form_field, texts))
    if form_field.repeatable == "subfield":
        return _write_subfields(form_field, fields, entries, pairing)
    return _write_fields(form_field, fields, entries, pairing)


def _pair(known: list[Texts], sent: list[Texts], is_empty: Any) -> list[tuple[Texts, int | None]]:
    """Each value wanted, with the known one it comes from: the same in its place, the same elsewhere, the one it
    was typed over, or none."""
    free = set(range(len(known)))
    found: dict[int, int] = {}
    places = [n for n, texts in enumerate(sent) if not is_empty(texts)]
    for n in places:
        if n in free and known[n] == sent[n]:
            found[n] = n
            free.discard(n)
    for n in places:
        if n not in found and (same := next((k for k in sorted(free) if known[k] == sent[n]), None)) is not None:
            found[n] = same
            free.discard(same)
    for n in places:
        if n not in found and n in free:
            found[n] = n
            free.discard(n)
    return [(sent[n], found.get(n)) for n in places]


def _write_fields(
    form_field: FormField, fields: Fields, entries: list[Entry], pairing: list[tuple[Texts, int | None]]
) -> Fields:
    out: list[Field | None] = list(fields)
    kept = [k for _texts, k in pairing if k is not None]
    for rank, entry in enumerate(entries):
        if rank not in kept:
            out[entry.at] = None if form_field.whole else _emptied(form_field, fields[entry.at], entry.texts)
            for n in entry.companions:
                out[n] = None
    # The places of those that stay, taken in the order wanted.
    slots = iter(sorted(entries[k].at for k in kept))
    spare = [n for n, f in enumerate(fields) if _waits_for(form_field, f)]
    after: dict[int | None, list[Field]] = {}
    last: int | None = None
    for texts, k in pairing:
        if k is not None:
            entry, place = entries[k], next(slots)
            last, out[place] = place, _edited(form_field, fields[entry.at], entry.texts, texts)
            if texts != entry.texts:
                for n in entry.companions:
                    out[n] = None
        elif spare:
            last = spare.pop(0)
            out[last] = _edited(form_field, fields[last], ("",) * len(texts), texts)
        else:
            after.setdefault(last, []).append(_new(form_field, [f for f in out if f], texts, after))
    result: Fields = []
    for n, f in enumerate(out):
        if f is not None:
            result.append(f)
        result.extend(after.get(n, ()))
    for f in after.get(None, ()):
        result.insert(_place_for(f["t"], result), f)
    return result


def _waits_for(form_field: FormField, f: Field) -> bool:
    """A field that is there for another of its values (210 with a date only) takes a new publisher in."""
    if form_field.whole or not form_field.means(f):
        return False
    return _is_empty(form_field, tuple(text_of(column, f) for column in form_field.columns))


def _write_subfields(
    form_field: FormField, fields: Fields, entries: list[Entry], pairing: list[tuple[Texts, int | None]]
) -> Fields:
    (column,) = form_field.columns
    code = column.codes[0]
    if entries:
        at = entries[0].at
    else:
        meant = [n for n, f in enumerate(fields) if form_field.means(f)]
        if not meant:
            fresh = _new(form_field, fields, pairing[0][0], {})
            fresh["s"] = [[code, texts[0]] for texts, _k in pairing]
            at = _place_for(fresh["t"], fields)
            return [*fields[:at], fresh, *fields[at:]]
        at = meant[0]
    f = _copy(fields[at])
    pairs: list[list[str] | None] = list(f["s"])
    kept = [k for _texts, k in pairing if k is not None]
    for rank, entry in enumerate(entries):
        if rank not in kept:
            pairs[entry.pair] = None
    slots = iter(sorted(entries[k].pair for k in kept))
    after: dict[int | None, Pairs] = {}
    last: int | None = None
    for (text,), k in pairing:
        if k is None:
            after.setdefault(last, []).append([code, text])
            continue
        old, place = f["s"][entries[k].pair], next(slots)
        last, pairs[place] = place, list(old) if entries[k].texts == (text,) else [old[0], text]
    result: Pairs = []
    for n, pair in enumerate(pairs):
        if pair is not None:
            result.append(pair)
        result.extend(after.get(n, ()))
    for pair in after.get(None, ()):
        result.insert(_place_in(result, code), pair)
    f["s"] = result
    return [*fields[:at], *([f] if result else []), *fields[at + 1 :]]


def _new(form_field: FormField, fields: Iterable[Field], texts: Texts, besides: Mapping[Any, list[Field]]) -> Field:
    others = [*fields, *(f for new in besides.values() for f in new)]
    f: Field = {"t": _new_tag(form_field, others, texts), "i": form_field.indicators, "s": []}
    for column, text in zip(form_field.columns, texts, strict=True):
        if text:
            f["s"] = _put(column, f["s"], text)
    _fix(form_field, f)
    return f


def _new_tag(form_field: FormField, others: Iterable[Field], texts: Texts) -> str:
    """700 once for the main author, 701 for the next ones, 702 for secondary roles; and so for bodies."""
    if form_field.tags[0] not in ("700", "710"):
        return form_field.tags[0]
    if texts[1] not in MAIN_ROLES:
        return form_field.tags[2]
    return form_field.tags[1 if any(f["t"] in ("700", "710", "720") for f in others) else 0]


def _edited(form_field: FormField, f: Field, before: Texts, texts: Texts) -> Field:
    if before == texts:
        return f
    f = _copy(f)
    for column, old, new in zip(form_field.columns, before, texts, strict=True):
        if old != new:
            _drop(f, column.drops)
            f["s"] = _put(column, f["s"], new)
    _fix(form_field, f)
    return f


def _emptied(form_field: FormField, f: Field, texts: Texts) -> Field | None:
    """What is left of a field that had more to say than this value, None when nothing is."""
    f = _edited(form_field, f, texts, ("",) * len(texts))
    left = [pair for pair in f["s"] if tuple(pair) not in form_field.fixed and pair[1].strip()]
    return f if left else None


def _drop(f: Field, names: Collection[str]) -> None:
    for name in names:
        if name == "@":
            f.pop("x", None)
            continue
        code, _colon, key = name.partition(":")
        f["s"] = [p for p in f["s"] if p[0] != code or (key and not p[1].startswith(key + ":"))]


def _fix(form_field: FormField, f: Field) -> None:
    for code, value in form_field.fixed:
        if not any(c == code and fold(v) == fold(value) for c, v in f["s"]):
            f["s"].append([code, value])


def _put(column: Column, pairs: Pairs, text: str) -> Pairs:
    if column.how == "person":
        family, _comma, given = (part.strip() for part in text.partition(","))
        return _set(_set(pairs, "a", family or given), "b", given if family else "")
    if column.how == "body":
        return _set(_set(pairs, "a", text), "b", "")
    if column.how == "subject":
        return _put_subject(column, pairs, text)
    return _set(pairs, column.codes[0], text)


def _put_subject(column: Column, pairs: Pairs, text: str) -> Pairs:
    """« Logement -- Lille »: the head in $a, what follows in the subfield it came from, else $x."""
    codes = {value: code for code, value in reversed(pairs) if code in column.codes}
    words = [word for word in (part.strip() for part in text.split(SUBDIVISION.strip())) if word]
    fresh = [["a" if n == 0 else codes.get(word, "x").replace("a", "x"), word] for n, word in enumerate(words)]
    at = next((n for n, pair in enumerate(pairs) if pair[0] in column.codes), len(pairs))
    return [*pairs[:at], *fresh, *(p for p in pairs[at:] if p[0] not in column.codes)]


def _set(pairs: Pairs, code: str, value: str) -> Pairs:
    """One value in the place of those that had this code; "" takes them away."""
    at = next((n for n, pair in enumerate(pairs) if pair[0] == code), None)
    if at is None:
        at = _place_in(pairs, code)
    before, after = pairs[:at], [p for p in pairs[at:] if p[0] != code]
    return [*before, *([[code, value]] if value else []), *after]


def _place_in(pairs: Pairs, code: str) -> int:
    """Letters in their order, then numbers: where a cataloguer would write it."""
    rank = (code.isdigit(), code)
    return next((n for n, (c, _v) in enumerate(pairs) if (c.isdigit(), c) > rank), len(pairs))


def _place_for(tag: str, fields: Fields) -> int:
    return next((n for n, f in enumerate(fields) if f["t"] > tag), len(fields))


def _copy(f: Field) -> Field:
    """The field to work on, no longer known as anybody's: who changes it says so anew."""
    return deepcopy(unimarc.bare(f))


# --- what a save finds out -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a thesaurus: its preferred label and its thesaurus' code."""

    label: str
    scheme: str


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal we have a notice of, and its issues by their folded numbers."""

    title: str
    address: str
    issn: str
    issues: Mapping[str, str] = dataclass_field(default_factory=dict)


def typed_subjects(before: Fields, after: Fields) -> list[str]:
    """The subjects that are new or changed."""
    return [text_of(FORM["subject"].columns[0], f) for f in _fresh("subject", before, after)]


def typed_journals(before: Fields, after: Fields) -> list[str]:
    """The journals to look for: a new one, or the one whose issue is new."""
    return all_journals(after) if _fresh("journal", before, after) or _fresh("issue_number", before, after) else []


def _fresh(key: str, before: Fields, after: Fields) -> list[Field]:
    known = {unimarc.occurrence(f) for f in before}
    return [f for f in after if FORM[key].means(f) and unimarc.occurrence(f) not in known]


def typed_names(before: Fields, after: Fields) -> list[str]:
    return [text for key in NAMED for f in _fresh(key, before, after) if (text := text_of(FORM[key].columns[0], f))]


def link(
    before: Fields,
    after: Fields,
    terms: Mapping[str, Term],
    journals: Mapping[str, Journal],
    names: Mapping[str, str] | None = None,
) -> tuple[Fields, list[tuple[str, str]]]:
    """Tie what was just typed to our thesaurus, our journals and issues, and our people and bodies, all found by
    folded words; `names` gives the number of each of ours.

    Returns the fields, and (typed, preferred) for each term that another word stands for: the person is told.
    What was there before is not touched.
    """
    fresh = {id(f) for key in ("subject", "journal", "issue_number", *NAMED) for f in _fresh(key, before, after)}
    journal = next((j for text in all_journals(after) if (j := journals.get(fold(text)))), None)
    out: Fields = []
    told: list[tuple[str, str]] = []
    seen = {fold(text_of(FORM["subject"].columns[0], f)) for f in after if id(f) not in fresh and f["t"] == "606"}
    for f in after:
        if id(f) not in fresh:
            out.append(f)
        elif f["t"] == "606":
            text = text_of(FORM["subject"].columns[0], f)
            term = terms.get(fold(text))
            if term and fold(term.label) != fold(text):
                told.append((text, term.label))
            if fold(term.label if term else text) not in seen:  # the same subject twice says nothing more
                seen.add(fold(term.label if term else text))
                out.append({"t": "606", "i": f["i"], "s": [["a", term.label], ["2", term.scheme]]} if term else f)
        elif f["t"] == "461":
            ours = journals.get(fold(unimarc.first(f, "t")))
            out.append(_attached(f, ours) if ours else f)
        elif f["t"] == "463":
            issue = journal.issues.get(fold(unimarc.first(f, "v"))) if journal else None
            out.append(_with_link(f, "0", issue) if issue and not unimarc.first(f, "0") else f)
        else:
            number = (names or {}).get(fold(unimarc.name_of(f)))
            out.append(_with_link(f, "3", number) if number and not unimarc.first(f, "3") else f)
    return out, told


def all_journals(fields: Fields) -> list[str]:
    """What the fields say an article appeared in."""
    return [text_of(FORM["journal"].columns[0], f) for f in fields if FORM["journal"].means(f)]


def _with_link(f: Field, code: str, number: str) -> Field:
    """A link leads its field, as cataloguers write it."""
    f = _copy(f)
    f["s"] = [[code, number], *f["s"]]
    return f


def _attached(f: Field, journal: Journal) -> Field:
    f = _copy(f)
    pairs = _set(_set(f["s"], "t", journal.title), "x", journal.issn)
    f["s"] = [["0", journal.address], *(p for p in pairs if p[0] != "0")]
    return f
