"""Which documents the answers are about: their records put together, and the one that can be meant. Pure.

Whoever was asked for a number answers about that number; who was asked for a title may answer about several documents.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalogue import form, unimarc
from catalogue.form import Values
from catalogue.found.answers import Answer
from catalogue.identifiers import find_doi, find_isbn
from catalogue.text import fold
from catalogue.unimarc import Fields

MOST = 12  # documents to choose from
_ENOUGH = 0.7  # of the words of a title that was asked for, or of one that was found


@dataclass(frozen=True, slots=True)
class Document:
    """One of the documents that the answers are about. `taken`: the proposals are made of it."""

    key: str
    title: str
    author: str
    year: str
    kind: str
    labels: tuple[str, ...]
    taken: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One record of one answer, as the form would show it."""

    answer: Answer
    place: int
    fields: Fields
    values: Values

    @property
    def title(self) -> str:
        return next(iter(self.values["title"]), "")

    @property
    def year(self) -> str:
        said = " ".join([*self.values["date"], *self.values["issue_date"]])
        return found[0] if (found := re.search(r"\d{4}", said)) else ""

    @property
    def author(self) -> str:
        return next(iter([*self.values["author"], *self.values["body"]]), "")

    @property
    def numbers(self) -> frozenset[str]:
        isbns = {find_isbn(value) or "" for value in self.values["isbn"]}
        return frozenset((isbns | {find_doi(value) or "" for value in self.values["doi"]}) - {""})


def is_alike(title: str, record: Fields) -> bool:
    """Whether a record may be the one whose title (or whole reference) was typed."""
    asked = set(_long_words(title))
    got = set(_long_words(" ".join(unimarc.values(record, "200", "a") + unimarc.values(record, "200", "e"))))
    head = set(_long_words(" ".join(unimarc.values(record, "200", "a"))))
    if not (asked and head):
        return False
    common = len(asked & got)
    return common >= _ENOUGH * len(asked) or len(asked & head) >= max(2, _ENOUGH * len(head))


def _long_words(text: str) -> list[str]:
    words = fold(text).split()
    return [word for word in words if len(word) > 2] or words


def told_by(answers: Iterable[Answer]) -> list[Told]:
    ordered = sorted(answers, key=lambda answer: (answer.rank, answer.source))
    return [Told(a, n, record, form.read(record)) for a in ordered for n, record in enumerate(a.records)]


def grouped(told: Iterable[Told], by_title: bool) -> list[list[Told]]:
    groups: list[list[Told]] = []
    for one in told:
        for group in groups:
            if any(_same(one, other, by_title) for other in group):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _same(one: Told, other: Told, by_title: bool) -> bool:
    if not by_title and one.place == other.place == 0:
        return True
    if one.numbers & other.numbers:
        return True
    agree = one.year == other.year or not (one.year and other.year)
    names = [fold(each.author.partition(",")[0]) for each in (one, other)]
    return agree and fold(one.title) == fold(other.title) != "" and (names[0] == names[1] or not all(names))


def _key(group: Sequence[Told]) -> str:
    first = group[0]
    said = f"{min(first.numbers, default='')} {fold(first.title)} {first.year}"
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def nearest_first(groups: list[list[Told]], title: str) -> list[list[Told]]:
    asked = set(_long_words(title))

    def far(group: list[Told]) -> tuple[float, int, int]:
        got = set(_long_words(f"{group[0].title} {' '.join(group[0].values['subtitle'])}"))
        shared = len(asked & got) / len(asked | got) if asked | got else 0.0
        return -shared, -len({one.answer.source for one in group}), group[0].answer.rank

    return sorted(groups, key=far)


def taken_of(groups: list[list[Told]], title: str, chosen: str) -> list[Told]:
    """The document that the form is filled with: the one chosen, else the only one that can be meant."""
    if chosen:
        return next((group for group in groups if _key(group) == chosen), [])
    if not title or len(groups) == 1:
        return groups[0] if groups else []
    whole = [g for g in groups if fold(title) in (fold(g[0].title), fold(f"{g[0].title} {_subtitle(g)}"))]
    return whole[0] if len(whole) == 1 else []


def _subtitle(group: Sequence[Told]) -> str:
    return " ".join(group[0].values["subtitle"])


def listed(groups: Sequence[list[Told]], taken: Sequence[Told]) -> tuple[Document, ...]:
    """Each document once, when there is a choice."""
    if len(groups) < 2:
        return ()
    return tuple(
        Document(
            key=_key(group),
            title=group[0].title,
            author=group[0].author,
            year=next((one.year for one in group if one.year), ""),
            kind=form.kind_of(group[0].fields),
            labels=labels_of(group),
            taken=group is taken,
        )
        for group in groups[:MOST]
    )


def labels_of(told: Iterable[Told]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.answer.label for one in told))
