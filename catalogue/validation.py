"""What is wrong, or missing, in a notice's fields. Pure: fields in, problems out; driven by fields.toml.

Level "error" holds a publication back until a person has seen to it; "warning" is said beside the field and
holds nothing back: books do carry wrong ISBNs, and a draft accepts anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from catalogue import dates, form, unimarc
from catalogue.form import FormField, Values
from catalogue.identifiers import find_doi, find_ean, find_isbn, find_issn
from catalogue.problems import SENTENCES, Problem
from catalogue.text import fold
from catalogue.unimarc import Field, Fields

ByTag = dict[str, list[Field]]

_NO_DATE = frozenset({"s d", "sd", "sans date", "n d", "nd", "date inconnue"})
_FOUR_DIGITS = re.compile(r"(?<!\d)\d{4}(?!\d)")  # « 1376 »: a year well written, that nobody printed in
_TAGS = frozenset(f"{n:03}" for n in range(1000))
_NUMBERED = frozenset(tag for key in ("isbn", "issn", "doi", "address") for tag in form.FORM[key].tags)
_SUBJECTS = frozenset(("600", "601", "602", "604", "605", "606", "607", "610"))
_CHECKED = ("date", "issue_date", "isbn", "issn", "doi", "address")
# (tag, subfield, key) of what UNIMARC allows once; a tag that several blocks share is the first one's.
_ONCE = [
    (f.tags[0], f.columns[0].codes[0], f.key)
    for f in form.FORM.values()
    if f.single_valued and form.field_of(f.tags[0], f.columns[0].codes[0]) == f.key
]


def validate(fields: Fields, kind: str) -> list[Problem]:
    """Every problem, in the order of the form; `kind` is "" as long as nobody has chosen one.

    Every record of an import goes through here: what nothing is said of costs next to nothing.
    """
    by_tag: ByTag = {}
    for f in fields:
        by_tag.setdefault(f["t"], []).append(f)
    values = form.read_some(fields, _CHECKED)
    problems = [*_missing(fields, by_tag, kind), *_dates(values), *_structure(by_tag)]
    if not by_tag.keys().isdisjoint(_NUMBERED):
        problems += [*_numbers(values), *_addresses(values)]
    if len(problems) < 2:
        return problems
    order = [form.KIND, *form.FORM]
    return sorted(problems, key=lambda p: order.index(form.field_of(p.tag, p.subfield, kind) or order[-1]))


def _missing(fields: Fields, by_tag: ByTag, kind: str) -> Iterator[Problem]:
    if not kind:
        yield Problem("608", "a", "kind.missing", "error")
    for needed in form.required(kind or "other"):
        if not (_shows(by_tag, needed) or _has(fields, by_tag, needed)):
            code = f"{needed.key}.missing"
            column = needed.columns[0]
            yield Problem(
                needed.tags[0],
                column.codes[0],
                code if code in SENTENCES else "field.missing",
                needed.level,
                {"label": needed.label},
            )


def _shows(by_tag: ByTag, needed: FormField) -> bool:
    """Whether the first input of a block has a value. Said of nearly every record, and found without reading it all."""
    codes = needed.columns[0].codes
    for tag in needed.tags:
        for f in by_tag.get(tag, ()):
            if needed.means(f) and any(c in codes and form.one_line(v) for c, v in f["s"]):
                return True
    return False


def _has(fields: Fields, by_tag: ByTag, needed: FormField) -> bool:
    """A date may be said anywhere a date is read from, a subject by a keyword: the reader finds it all the same."""
    if needed.key in ("date", "issue_date"):
        return unimarc.years(fields)[0] is not None
    return needed.key == "subject" and not by_tag.keys().isdisjoint(_SUBJECTS) and bool(unimarc.subjects(fields))


def _dates(values: Values) -> Iterator[Problem]:
    years = set()
    for key, tag, code in (("date", "210", "d"), ("issue_date", "463", "e")):
        for text in values[key]:
            understood = dates.understand(unimarc.clean(text))
            years.add(understood.year)
            if understood.impossible:
                yield Problem(tag, code, "date.impossible", "error", {"value": text})
            if understood.year is None and _says_unknown(text):
                yield Problem(tag, code, "date.none", "info", {"value": text})
            elif understood.year is None:
                why = "date.out_of_range" if _FOUR_DIGITS.search(text) else "date.unclear"
                yield Problem(tag, code, why, "error", {"value": text})
    if len(years - {None}) > 1:
        params = {"issue": values["issue_date"][0], "value": values["date"][0]}
        yield Problem("463", "e", "date.two_years", "warning", params)


def _says_unknown(text: str) -> bool:
    """« [19..] », « s.d. », « à paraître »: a cataloguer's way to say that there is no date, not a slip."""
    return text.startswith("[") or fold(text) in _NO_DATE or not re.search(r"\d", text)


def _numbers(values: Values) -> Iterator[Problem]:
    for text in values["isbn"]:  # PMB keeps ISSN and EAN in the same field: they are no mistake there
        if not (find_isbn(text) or find_issn(text) or find_ean(text)):
            yield Problem("010", "a", "isbn.invalid", "warning", {"value": text})
    for text in values["issn"]:
        if not find_issn(text):
            yield Problem("011", "a", "issn.invalid", "warning", {"value": text})
    for text in values["doi"]:
        if not find_doi(text):
            yield Problem("014", "a", "doi.invalid", "warning", {"value": text})


def _addresses(values: Values) -> Iterator[Problem]:
    for text in values["address"]:
        if not _is_web_address(text):
            yield Problem("856", "u", "url.invalid", "error", {"value": text})


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)


def _structure(by_tag: ByTag) -> Iterator[Problem]:
    for tag, same in by_tag.items():
        if tag not in _TAGS:
            yield from [Problem(tag, "", "tag.invalid", "warning", {"value": tag})] * len(same)
    for tag, code, key in _ONCE:
        same = by_tag.get(tag, [])
        # In another script the same field stands once more ($7).
        if len(same) > 1 and sum(not unimarc.first(f, "7") for f in same) > 1:
            yield Problem(tag, code, "field.not_repeatable", "warning", {"label": form.FORM[key].label})
