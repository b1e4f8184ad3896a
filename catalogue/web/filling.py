"""The form of a notice between two clicks: what is written in it, what was found elsewhere, what is proposed. Pure.

A browser sends all of it back with every button, so that nothing is lost without a script and nothing waits on the
server. What was found enters empty fields only, and says from where; where something is written already, it is
proposed under the field. Nothing here is trusted more than what a person types.

    trouve_title   "bnf|BnF"            where the value of that field comes from, while it is tagged
    propose        a value that the form did not take, as JSON: field, source, label, values by input
    pas_la_meme    the addresses of the notices that were looked at: other documents
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from catalogue import form
from catalogue.form import FORM, Values
from catalogue.identifiers import is_code
from catalogue.text import fold
from catalogue.unimarc import KINDS

MOST_PROPOSED = 20
LONGEST = 20_000  # signs of one proposal


@dataclass(frozen=True, slots=True)
class Offer:
    """The value of one field, from somewhere: by the names of its inputs."""

    key: str
    source: str
    label: str
    values: Mapping[str, Sequence[str]]

    @property
    def words(self) -> str:
        """As it is shown under the field: each value, its columns together."""
        columns = _columns(self.key)
        rows = zip(*(self.values.get(name, [""]) for name, _default in columns), strict=False)
        return " ; ".join(
            text
            for row in rows
            if (text := " – ".join(t for t, c in zip(row, columns, strict=True) if t and t != c[1]))
        )


@dataclass(frozen=True, slots=True)
class Filling:
    """`found`: field -> (source, label); `proposed` in the order of their arrival."""

    values: Values
    found: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    proposed: tuple[Offer, ...] = ()
    apart: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        kind = next(iter(self.values.get(form.KIND, ())), "")
        return kind if kind in KINDS else ""


def names() -> list[str]:
    return [form.KIND, *(c.name for f in FORM.values() for c in f.columns)]


def read(posted: MultiDict[str, str]) -> Filling:
    """The form that came; what was not on the page is not there."""
    values = {name: posted.getlist(name) for name in names() if name in posted}
    found = {}
    for key in (form.KIND, *FORM):
        source, bar, label = posted.get(f"trouve_{key}", "")[:200].partition("|")
        if bar and source:
            found[key] = (source, label)
    proposed = [offer for text in posted.getlist("propose")[:MOST_PROPOSED] if (offer := _offer(text))]
    apart = tuple(dict.fromkeys(a for a in posted.getlist("pas_la_meme")[:50] if is_code(a)))
    return Filling(values, found, tuple(proposed), apart)


def as_text(offer: Offer) -> str:
    said = {"k": offer.key, "s": offer.source, "l": offer.label, "v": {n: list(v) for n, v in offer.values.items()}}
    return json.dumps(said, ensure_ascii=False)


def _offer(text: str) -> Offer | None:
    """What a browser sends back of a proposal; anything else is no proposal."""
    try:
        said: Any = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("v"), dict) or said.get("k") not in (form.KIND, *FORM):
        return None
    values = {
        name: [str(one) for one in said["v"][name]]
        for name, _default in _columns(said["k"])
        if isinstance(said["v"].get(name), list)
    }
    return Offer(said["k"], str(said.get("s", ""))[:60], str(said.get("l", ""))[:80], values) if values else None


# --- acts ------------------------------------------------------------------------------------


def offers_of(values: Mapping[str, Sequence[str]], source: str, label: str) -> list[Offer]:
    """Values by the names of inputs, field by field, empty ones left out."""
    out = []
    for key in (form.KIND, *FORM):
        mine = {name: list(values[name]) for name, _default in _columns(key) if name in values}
        if _says(key, mine):
            out.append(Offer(key, source, label, mine))
    return out


def offer(filling: Filling, offers: Iterable[Offer]) -> Filling:
    """Into empty fields, tagged; beside what is written there, as a proposal; not at all where it is the same."""
    values, found, proposed = dict(filling.values), dict(filling.found), list(filling.proposed)
    for one in offers:
        if not _says(one.key, values):
            values |= {name: list(texts) for name, texts in one.values.items()}
            found[one.key] = (one.source, one.label)
        elif not _holds(one, values) and not any(_same(one, other) for other in proposed):
            proposed.append(one)
    return replace(filling, values=values, found=found, proposed=tuple(proposed[:MOST_PROPOSED]))


def take(filling: Filling, at: int) -> Filling:
    """« Prendre »: it replaces a single value, and joins those of a list."""
    if not 0 <= at < len(filling.proposed):
        return filling
    one = filling.proposed[at]
    values = dict(filling.values)
    rows = _rows(one.key, one.values)
    if one.key in FORM and FORM[one.key].repeatable:
        mine = _rows(one.key, values)
        known = {fold(row[0]) for row in mine}
        rows = [*mine, *(row for row in rows if fold(row[0]) not in known)]
    values |= _as_values(one.key, rows)
    rest = tuple(other for n, other in enumerate(filling.proposed) if n != at)
    return replace(filling, values=values, found={**filling.found, one.key: (one.source, one.label)}, proposed=rest)


def drop(filling: Filling, key: str) -> tuple[Filling, Offer | None]:
    """Take out what was found for a field, and what that was."""
    if key not in filling.found:
        return filling, None
    source, label = filling.found[key]
    columns = _columns(key)
    gone = Offer(key, source, label, {name: list(filling.values.get(name, ())) for name, _default in columns})
    values = {**filling.values, **{name: [] for name, _default in columns}}
    return replace(filling, values=values, found={k: v for k, v in filling.found.items() if k != key}), gone


def never(filling: Filling, source: str, key: str) -> Filling:
    """No more proposals for this field from this source."""
    kept = tuple(o for o in filling.proposed if (o.source, o.key) != (source, key))
    return replace(filling, proposed=kept)


def add_subject(filling: Filling, label: str) -> Filling:
    """« + Discrimination »: in the first empty row."""
    rows = [text for text in filling.values.get("subject", []) if text.strip()]
    if fold(label) in {fold(text) for text in rows} or not label.strip():
        return filling
    return replace(filling, values={**filling.values, "subject": [*rows, form.one_line(label)[:300]]})


# --- the parts -------------------------------------------------------------------------------


def _columns(key: str) -> list[tuple[str, str]]:
    """(input, what it says when nobody has said anything)."""
    return [(form.KIND, "")] if key == form.KIND else [(c.name, c.default) for c in FORM[key].columns]


def _rows(key: str, values: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    columns = _columns(key)
    longest = max((len(values.get(name, ())) for name, _default in columns), default=0)
    rows = [
        tuple(texts[n] if n < len(texts := list(values.get(name, ()))) else default for name, default in columns)
        for n in range(longest)
    ]
    return [
        row for row in rows if row[0].strip() or any(t.strip() and not c[1] for t, c in zip(row, columns, strict=True))
    ]


def _as_values(key: str, rows: Sequence[tuple[str, ...]]) -> Values:
    return {name: [row[n] for row in rows] for n, (name, _default) in enumerate(_columns(key))}


def _says(key: str, values: Mapping[str, Sequence[str]]) -> bool:
    return bool(_rows(key, values))


def _holds(one: Offer, values: Mapping[str, Sequence[str]]) -> bool:
    """Whether the form says it already, give or take an accent or a role."""
    there = {fold(row[0]) or row[0] for row in _rows(one.key, values)}
    return all((fold(row[0]) or row[0]) in there for row in _rows(one.key, one.values))


def _same(one: Offer, other: Offer) -> bool:
    return one.key == other.key and _holds(one, other.values)
