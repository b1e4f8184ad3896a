"""What the outside sources answer, made into proposals for the desk's form. Pure.

    proposals = propose(values, answers, {"crossref": ["abstract"]})
    values = apply(values, proposals)      # empty fields only: what was filled is never touched

The sources are merged field by field: values that say the same thing are one proposal with several labels, the value
of the most sources (then of the one believed first) enters an empty field, and the others are choices beside it.
Whoever was asked for a number answers about that number; who was asked for a title may answer about several
documents: each is listed, and only one that cannot be mistaken fills the form by itself.

Subjects are proposed as words: what they are in our thesaurus is for the thesaurus to say (`words`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalogue import form
from catalogue.form import FORM, KIND, FormField, Texts, Values
from catalogue.found.answers import Answer, from_row, to_row
from catalogue.found.documents import (
    Document,
    Told,
    grouped,
    is_alike,
    labels_of,
    listed,
    nearest_first,
    taken_of,
    told_by,
)
from catalogue.found.signs import FULLEST, fullness, sign_of
from catalogue.text import fold
from catalogue.unimarc import KINDS

__all__ = [
    "Answer",
    "Document",
    "Proposals",
    "Proposed",
    "Word",
    "apply",
    "from_row",
    "is_alike",
    "propose",
    "to_row",
]

NEVER = ("subject", "keyword", "note", "holdings")  # said as words, or about their copy and not about the document
MOST_WORDS = 20
MOST_CHOICES = 4


@dataclass(frozen=True, slots=True)
class Proposed:
    """A value for one field of the form: by input name, as `form.Values` has them, and who says it."""

    key: str
    values: Mapping[str, tuple[str, ...]]
    labels: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def text(self) -> str:
        """On one line, for a choice to be read."""
        columns = FORM[self.key].columns if self.key in FORM else ()
        names = [c.name for c in columns if c.how != "choice"] or list(self.values)
        rows = zip(*(self.values[name] for name in names), strict=True)
        return " ; ".join(", ".join(part for part in row if part) for row in rows)


@dataclass(frozen=True, slots=True)
class Word:
    """A subject in somebody else's words."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposals:
    """What may enter empty fields, what else is said of filled ones, and the documents that were found."""

    filled: Mapping[str, Proposed]
    choices: Mapping[str, tuple[Proposed, ...]]
    words: tuple[Word, ...] = ()
    documents: tuple[Document, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.filled or self.choices or self.words or self.documents)


def propose(
    values: Values,
    answers: Iterable[Answer],
    habits: Mapping[str, Sequence[str]] | None = None,
    *,
    title: str = "",
    chosen: str = "",
) -> Proposals:
    """What the answers bring to a form that holds these values.

    `habits`: by source, the fields of the form that are never to be proposed from it. `title`: the title that was
    asked for, when it was one; `chosen`: the document that somebody has taken among several.
    """
    habits = habits or {}
    groups = grouped(told_by(answers), bool(title))
    if title:
        groups = nearest_first(groups, title)
    taken = taken_of(groups, title, chosen)
    filled: dict[str, Proposed] = {}
    choices: dict[str, tuple[Proposed, ...]] = {}
    if (kind := _kind(values, taken, habits)) is not None:
        filled[KIND] = kind
    wanted = kind.values[KIND][0] if kind else next(iter(values.get(KIND, ())), "")
    for key, form_field in FORM.items():
        if key in NEVER:
            continue
        said = list(_candidates(form_field, taken, habits, wanted))
        ours = _rows(form_field, values)
        sign = sign_of(key, ours)
        others = [proposed for each, proposed in said if each != sign]
        if not ours and others:
            filled[key], *others = others
        if others:
            choices[key] = tuple(others[:MOST_CHOICES])
    return Proposals(filled, choices, _words(values, taken, habits), listed(groups, taken))


def apply(values: Values, proposals: Proposals, only: Iterable[str] | None = None) -> Values:
    """The values with the proposals in their empty fields; `only` these fields, where told."""
    out = {name: list(said) for name, said in values.items()}
    wanted = set(proposals.filled) if only is None else set(only)
    for key, proposed in proposals.filled.items():
        if key in wanted and not _is_filled(key, values):
            out.update({name: list(said) for name, said in proposed.values.items()})
    return out


def _is_filled(key: str, values: Values) -> bool:
    return any(values.get(KIND, ())) if key == KIND else bool(_rows(FORM[key], values))


def _rows(form_field: FormField, values: Values) -> list[Texts]:
    """What stands in a field of the form, entry by entry; a role without a name is nothing."""
    lists = [values.get(column.name, []) for column in form_field.columns]
    length = max((len(one) for one in lists), default=0)
    rows = [tuple(one[n].strip() if n < len(one) else "" for one in lists) for n in range(length)]
    return [row for row in rows if any(t for t, c in zip(row, form_field.columns, strict=True) if not c.default)]


def _kind(values: Values, taken: Sequence[Told], habits: Mapping[str, Sequence[str]]) -> Proposed | None:
    """The kind that most of them say, when none is chosen; « autre » says nothing."""
    if any(values.get(KIND, ())):
        return None
    said: dict[str, list[Told]] = {}
    for one in taken:
        kind = form.kind_of(one.fields)
        if kind in KINDS and kind != "other" and KIND not in habits.get(one.answer.source, ()):
            said.setdefault(kind, []).append(one)
    if not said:
        return None
    kind, who = max(said.items(), key=lambda item: (len({o.answer.source for o in item[1]}), -item[1][0].answer.rank))
    return Proposed(KIND, {KIND: (kind,)}, labels_of(who), _sources(who))


def _candidates(
    form_field: FormField, taken: Sequence[Told], habits: Mapping[str, Sequence[str]], kind: str
) -> Iterator[tuple[object, Proposed]]:
    """Each thing that is said of a field, once, with its sign: what most say first, then who is believed first."""
    said: dict[object, list[tuple[Told, list[Texts]]]] = {}
    for one in taken:
        if form_field.key not in habits.get(one.answer.source, ()):
            rows = _rows(form_field, _moved(one.values, kind))
            if rows:
                said.setdefault(sign_of(form_field.key, rows), []).append((one, rows))
    ordered = sorted(said.items(), key=lambda item: -len({one.answer.source for one, _rows in item[1]}))
    for sign, who in ordered:
        rows = max((rows for _one, rows in who), key=fullness) if form_field.key in FULLEST else who[0][1]
        if not form_field.repeatable:
            rows = rows[:1]
        names = [column.name for column in form_field.columns]
        columns = {name: tuple(row[n] for row in rows) for n, name in enumerate(names)}
        told = [one for one, _rows in who]
        yield sign, Proposed(form_field.key, columns, labels_of(told), _sources(told))


def _moved(values: Values, kind: str) -> Values:
    """An article's date is that of its issue, any other document's is its own: put where this kind asks for it."""
    if kind not in KINDS:
        return values
    here, there = ("issue_date", "date") if KINDS[kind].level == "article" else ("date", "issue_date")
    if not any(values[here]) and any(values[there]):
        return {**values, here: values[there][:1], there: []}
    return values


def _words(values: Values, taken: Sequence[Told], habits: Mapping[str, Sequence[str]]) -> tuple[Word, ...]:
    there = {fold(word) for word in values.get("subject", ())}
    said: dict[str, tuple[str, list[Told]]] = {}
    for one in taken:
        if "subject" in habits.get(one.answer.source, ()):
            continue
        for text in [*one.values["subject"], *one.values["keyword"]]:
            if fold(text) and fold(text) not in there and len(text) <= 200:
                said.setdefault(fold(text), (text, []))[1].append(one)
    ordered = sorted(said.values(), key=lambda word: -len({one.answer.source for one in word[1]}))
    return tuple(Word(text, labels_of(who)) for text, who in ordered[:MOST_WORDS])


def _sources(told: Iterable[Told]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.answer.source for one in told))
