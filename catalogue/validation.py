"""What is wrong, or missing, in a notice's fields. Pure: fields in, problems out; driven by fields.toml.

Level "error" holds a publication back until a person has seen to it; "warning" is said beside the field and
holds nothing back: books do carry wrong ISBNs, and a draft accepts anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from catalogue import form, unimarc
from catalogue.identifiers import find_doi, find_ean, find_isbn, find_issn
from catalogue.problems import SENTENCES, Problem
from catalogue.text import fold
from catalogue.unimarc import Fields

_TAG = re.compile(r"[0-9]{3}")
_NO_DATE = frozenset({"s d", "sd", "sans date", "n d", "nd", "date inconnue"})


def validate(fields: Fields, kind: str) -> list[Problem]:
    """Every problem, in the order of the form; `kind` is "" as long as nobody has chosen one."""
    problems = [
        *_missing(fields, kind),
        *_dates(fields),
        *_numbers(fields),
        *_addresses(fields),
        *_structure(fields),
    ]
    order = [form.KIND, *form.FORM]
    return sorted(problems, key=lambda p: order.index(form.field_of(p.tag, p.subfield, kind) or order[-1]))


def _missing(fields: Fields, kind: str) -> Iterator[Problem]:
    if not kind:
        yield Problem("608", "a", "kind.missing", "error")
    for wanted in form.required(kind or "other"):
        if not _has(fields, wanted.key):
            code = f"{wanted.key}.missing"
            column = wanted.columns[0]
            yield Problem(
                wanted.tags[0],
                column.codes[0],
                code if code in SENTENCES else "field.missing",
                wanted.level,
                {"label": wanted.label},
            )


def _has(fields: Fields, key: str) -> bool:
    """A date may be said anywhere a date is read from, a subject by a keyword: the reader finds it all the same."""
    if form.read(fields)[form.FORM[key].columns[0].name]:
        return True
    if key in ("date", "issue_date"):
        return unimarc.years(fields)[0] is not None
    return key == "subject" and bool(unimarc.subjects(fields))


def _dates(fields: Fields) -> Iterator[Problem]:
    values = form.read(fields)
    understood = set()
    for key, tag, code in (("date", "210", "d"), ("issue_date", "463", "e")):
        for text in values[key]:
            year = unimarc.years([{"t": "210", "i": "  ", "s": [["d", text]]}])[0]
            understood.add(year)
            if year is None:
                yield Problem(tag, code, "date.unclear", "warning" if _says_unknown(text) else "error", {"value": text})
    if len(understood - {None}) > 1:
        params = {"issue": values["issue_date"][0], "value": values["date"][0]}
        yield Problem("463", "e", "date.two_years", "warning", params)


def _says_unknown(text: str) -> bool:
    """« [19..] », « s.d. », « à paraître »: a cataloguer's way to say that there is no date, not a slip."""
    return text.startswith("[") or fold(text) in _NO_DATE or not re.search(r"\d", text)


def _numbers(fields: Fields) -> Iterator[Problem]:
    values = form.read(fields)
    for text in values["isbn"]:  # PMB keeps ISSN and EAN in the same field: they are no mistake there
        if not (find_isbn(text) or find_issn(text) or find_ean(text)):
            yield Problem("010", "a", "isbn.invalid", "warning", {"value": text})
    for text in values["issn"]:
        if not find_issn(text):
            yield Problem("011", "a", "issn.invalid", "warning", {"value": text})
    for text in values["doi"]:
        if not find_doi(text):
            yield Problem("014", "a", "doi.invalid", "warning", {"value": text})


def _addresses(fields: Fields) -> Iterator[Problem]:
    for text in form.read(fields)["address"]:
        if not _is_web_address(text):
            yield Problem("856", "u", "url.invalid", "error", {"value": text})


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)


def _structure(fields: Fields) -> Iterator[Problem]:
    for f in fields:
        if not _TAG.fullmatch(f["t"]):
            yield Problem(f["t"], "", "tag.invalid", "warning", {"value": f["t"]})
    for form_field in form.FORM.values():
        tag, code = form_field.tags[0], form_field.columns[0].codes[0]
        first_of_tag = form.field_of(tag, code) == form_field.key
        if form_field.single_valued and first_of_tag and sum(f["t"] == tag for f in fields) > 1:
            yield Problem(tag, code, "field.not_repeatable", "warning", {"label": form_field.label})
