"""The thesaurus as a search needs it: which words of a question name a theme, and which themes answer it too.

Kept in memory, by the same stems as the index, so that « logements sociaux » names « Logement social »; read again
when the tables have changed, at most once a minute.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue.models import Concept, ConceptLabel, ConceptRelation
from indexes.analysis import fold, terms
from indexes.grammar import All, Either, Word, parse
from indexes.queries import Widening
from indexes.suggestions import NO_OTHER_NAMES, OtherNames

LONGEST_NAME = 6  # words of a label that a question may hold
MOST_THEMES = 80  # of one widening
FRESH = 60.0  # seconds

Name = tuple[str, ...]


@dataclass(frozen=True)
class _Known:
    stamp: tuple[int, ...] = ()
    labels: dict[int, str] = field(default_factory=dict)
    named: dict[Name, list[int]] = field(default_factory=dict)
    narrower: dict[int, list[int]] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)  # language -> the French label -> that of there
    others: OtherNames = NO_OTHER_NAMES


class Thesaurus:
    """Safe among threads: what it knows is replaced as a whole."""

    def __init__(self) -> None:
        self._known = _Known()
        self._looked_at = 0.0
        self._lock = threading.Lock()

    def widenings(self, session: Session, text: str) -> list[Widening]:
        """The longest stretches of a question that name a theme, and what else to look for.

        A theme whose documents all hold the words anyhow asks for nothing else: its name is known, that is all. What
        stands in quotes is meant as it is; each side of « OU » is read by itself.
        """
        known = self._fresh(session)
        if not known.named:
            return []
        clauses = parse(text).positive
        sides = [option for c in clauses if isinstance(c, Either) for option in c.options]
        runs = [[c for c in clauses if isinstance(c, Word)]]
        runs += [list(side.words) for side in sides if isinstance(side, Word | All)]
        return [widening for words in runs for widening in _stretches(known, _plain(text, words))]

    def names(self, session: Session, language: str) -> Mapping[str, str]:
        """What themes are called in another language: by their French label, those that have a name there."""
        return self._fresh(session).names.get(language, {})

    def other_names(self, session: Session) -> OtherNames:
        """By what names themes are proposed beside their own: synonyms, other languages."""
        return self._fresh(session).others

    def _fresh(self, session: Session) -> _Known:
        with self._lock:
            if time.monotonic() - self._looked_at > FRESH or not self._looked_at:
                stamp = _stamp(session)
                if stamp != self._known.stamp:
                    self._known = _read(session, stamp)
                self._looked_at = time.monotonic()
            return self._known


def _plain(text: str, words: Sequence[Word]) -> list[Word]:
    plain = (word for word in words if not (word.parts or word.prefix or _quoted(text, word)))
    return sorted(plain, key=lambda word: word.start)


def _quoted(text: str, word: Word) -> bool:
    return text[: word.start].rstrip().endswith(('"', "«", "“"))


def _stretches(known: _Known, words: Sequence[Word]) -> Iterator[Widening]:
    at = 0
    while at < len(words):
        for length in range(min(LONGEST_NAME, len(words) - at), 0, -1):
            stretch = words[at : at + length]
            name = tuple(word.term for word in stretch)
            if found := known.named.get(name):
                labels = _answers(known, found, name)
                yield Widening(stretch[0].start, stretch[-1].end, known.labels[found[0]], labels)
                at += length - 1
                break
        at += 1


def _answers(known: _Known, found: Sequence[int], name: Name) -> tuple[str, ...]:
    """The themes to look for beside the words: their own names when others were typed, and all that is narrower."""
    seen, row = list(found), list(found)
    while row and len(seen) < MOST_THEMES:
        row = [n for concept in row for n in known.narrower.get(concept, ()) if n not in seen]
        seen += dict.fromkeys(row)
    labels = [known.labels[concept] for concept in seen[:MOST_THEMES]]
    return tuple(dict.fromkeys(label for label in labels if not set(name) <= set(terms(label))))


def _stamp(session: Session) -> tuple[int, ...]:
    counted = [
        session.execute(select(func.count(table.id), func.max(table.id))).one()
        for table in (ConceptLabel, ConceptRelation)
    ]
    moved = session.execute(select(func.count(Concept.id), func.sum(Concept.version))).one()
    return tuple(int(number or 0) for row in (*counted, moved) for number in row)


def _read(session: Session, stamp: tuple[int, ...]) -> _Known:
    labels = {
        i: label for i, label in session.execute(select(Concept.id, Concept.label).where(Concept.status == "accepted"))
    }
    named: defaultdict[Name, list[int]] = defaultdict(list)
    for concept_id, label in labels.items():
        _put(named, label, concept_id)
    names: defaultdict[str, dict[str, str]] = defaultdict(dict)
    also: list[tuple[str, str]] = []
    others = select(ConceptLabel.concept_id, ConceptLabel.type, ConceptLabel.language, ConceptLabel.label)
    for concept_id, type_, language, label in session.execute(others.order_by(ConceptLabel.id)):
        if concept_id in labels:
            _put(named, label, concept_id)
            if type_ in ("preferred", "alternate") and fold(label) != fold(labels[concept_id]):
                also.append((label, labels[concept_id]))
            if type_ == "preferred" and language not in ("", "fr"):
                names[language].setdefault(labels[concept_id], label)
    narrower: defaultdict[int, list[int]] = defaultdict(list)
    relations = select(ConceptRelation.concept_id, ConceptRelation.target_id).where(
        ConceptRelation.type == "broader", ConceptRelation.target_id.is_not(None)
    )
    for concept_id, target_id in session.execute(relations.order_by(ConceptRelation.id)):
        if concept_id in labels and target_id in labels:
            narrower[target_id].append(concept_id)
    return _Known(stamp, labels, dict(named), dict(narrower), dict(names), OtherNames(also))


def _put(named: dict[Name, list[int]], label: str, concept_id: int) -> None:
    name = tuple(terms(label))
    if 0 < len(name) <= LONGEST_NAME and concept_id not in named[name]:
        named[name].append(concept_id)
