"""Subjects as the desk asks for them: what a typed word leads to, and what a title and an abstract make one think of.

The words are kept in memory (`indexes.headwords`) and read again when the tables have changed: a small base at once, by
who asks; a great one by the thread that reads ahead, so that nobody waits, and never for more than a small part of the
time. What is shown is checked against the base all the same. Documents like a text are looked for in the search index
at the moment of asking: there is nothing to learn, and nothing that grows old.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.orm import Session

from catalogue.i18n import _, format_number, ngettext
from indexes import headwords, proposing, sync
from indexes.headwords import Found, Headwords
from indexes.proposing import Proposed
from indexes.reader import Snapshot

SMALL = 2_000, 20_000  # names, and rows of what notices are about: so few are read again by who asks
REST = 20  # times as long as it took, before it is read again
AT_LAST = 600.0  # seconds: where no thread reads ahead, somebody does wait in the end
EMPTY = Snapshot(Path(), 0, ())


class Subjects:
    """What this process knows of subjects. Safe among threads: what it knows is replaced as a whole."""

    def __init__(self) -> None:
        self._known: Headwords | None = None
        self._stamp: tuple[int, ...] = ()
        self._read_at = 0.0
        self._took = 0.0
        self._lock = threading.Lock()

    def known(self, session: Session) -> Headwords:
        known, age = self._known, time.monotonic() - self._read_at
        if known is None or ((self._is_small(known) or age > AT_LAST) and self._stamp != headwords.stamp(session)):
            return self._read(session)
        return known

    def _is_small(self, known: Headwords) -> bool:
        return len(known.names) <= SMALL[0] and self._stamp[-1] <= SMALL[1]

    def read_ahead(self, session: Session) -> None:
        """For the thread that does so: read again what has changed, unless that was done a moment ago."""
        if self._known is None or (
            time.monotonic() - self._read_at > REST * self._took and self._stamp != headwords.stamp(session)
        ):
            self._read(session)

    def _read(self, session: Session) -> Headwords:
        with self._lock:
            stamp = headwords.stamp(session)
            if self._known is not None and stamp == self._stamp:
                return self._known
            begun = time.monotonic()
            self._known, self._stamp = headwords.read(session), stamp
            self._read_at = time.monotonic()
            self._took = self._read_at - begun
            return self._known


class Descriptor(NamedTuple):
    """A term that is proposed, and why. `concept_id`: None for a word of this base that no thesaurus has yet."""

    concept_id: int | None
    label: str
    why: str
    path: tuple[str, ...] = ()


class Proposer:
    """What answers one request."""

    def __init__(self, session: Session, index: Callable[[], sync.Index], subjects: Subjects) -> None:
        self._session, self._index, self._known = session, index, subjects.known(session)

    def propose(
        self, title: str, abstract: str, limit: int = 5, *, already: Collection[str] = (), but: int | None = None
    ) -> list[Descriptor]:
        """At most `limit`, the likeliest first: none merged or withdrawn, none that the form has already.

        `but`: the notice in hand, which is like itself and says nothing new.
        """
        asked = title, abstract
        found = proposing.propose(
            self._snapshot(), self._session, self._known, *asked, limit=limit, already=already, but=but
        )
        living = set(headwords.living(self._session, [one.head for one in found]))
        return [
            Descriptor(one.head.concept_id, one.head.label, why(one), self._known.path(one.head))
            for one in found
            if one.head in living
        ]

    def complete(self, typed: str, *, limit: int = 12) -> list[Found]:
        """The terms that hold the words typed."""
        found = self._known.beginning(typed, limit=limit)
        living = set(headwords.living(self._session, [one.head for one in found]))
        return [one for one in found if one.head in living]

    def near(self, word: str, *, limit: int = 3) -> list[str]:
        """Terms of the thesaurus whose names share most with a word."""
        return self._known.near(word, limit=limit)

    def is_known(self, typed: str) -> bool:
        """Whether a term of the thesaurus goes by just this name."""
        found = self._known.find(typed)
        return found is not None and not found.candidate

    def _snapshot(self) -> Snapshot:
        """Where the index does not answer, the names of the thesaurus still do."""
        try:
            return self._index().snapshot()
        except OSError:
            return EMPTY


def why(one: Proposed) -> str:
    """« le mot “orientation” ; 12 documents proches »."""
    said: list[str] = []
    if one.words:
        words = _list(one.words)
        if one.via:
            said.append(_("%(words)s, par le synonyme « %(name)s »") % {"words": words, "name": one.via})
        else:
            said.append(ngettext("le mot %(words)s", "les mots %(words)s", len(one.words)) % {"words": words})
    if one.documents:
        told = ngettext("%(n)s document proche", "%(n)s documents proches", one.documents)
        said.append(told % {"n": format_number(one.documents)})
    return " ; ".join(said)


def _list(words: Sequence[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)
