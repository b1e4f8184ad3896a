"""What this process remembers of people and bodies: how they are called, and which may be one.

Names are folded and compared once; afterwards a change costs what it touches. Nothing of it is kept elsewhere: a
process that starts reads the names anew. Ask it with a session that only reads: what a writer has not committed yet
is nobody's knowledge.
"""

from __future__ import annotations

import threading

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.authorities import near, proposals
from catalogue.authorities.near import Group, Name
from catalogue.models import Agent, AgentIdentifier, Judgement
from catalogue.text import fold

Stamp = tuple[int, ...]
LONGEST_ASKED = 200  # signs


class NameBook:
    """Safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: Stamp = ()
        self._versions: dict[int, int] = {}
        self._forms: dict[int, str] = {}  # agent -> its name and its variants, folded, each word behind a blank
        self._kept = near.Kept()
        self._judged: Stamp = ()
        self._groups: list[Group] | None = None

    def find(self, session: Session, words: str) -> set[int]:
        """Agents that have words beginning so in their name or a variant, or this very identifier."""
        with self._lock:
            self._refresh(session)
            wanted = [f" {word}" for word in fold(words[:LONGEST_ASKED]).split()]
            found = {n for n, forms in self._forms.items() if all(w in forms for w in wanted)} if wanted else set()
        number = "".join(words.split()).removeprefix("ISNI")
        if any(sign.isdecimal() for sign in number):
            named = select(AgentIdentifier.agent_id).join(Agent, Agent.id == AgentIdentifier.agent_id)
            found |= set(session.scalars(named.where(AgentIdentifier.value == number, Agent.status == "accepted")))
        return found

    def groups(self, session: Session) -> list[Group]:
        """What `authorities.find_near` would say, the surest first."""
        with self._lock:
            self._refresh(session)
            judged = _judged(session)
            if self._groups is None or judged != self._judged:
                self._groups = self._kept.groups(proposals.judged_apart(session))
                self._judged = judged
            return self._groups

    def _refresh(self, session: Session) -> None:
        stamp = _stamp(session)
        if stamp == self._stamp:
            return
        statement = select(Agent.id, Agent.version).where(Agent.status == "accepted")
        now = {number: version for number, version in session.execute(statement)}
        moved = [number for number, version in now.items() if self._versions.get(number) != version]
        gone = self._versions.keys() - now.keys()
        names = [name for part in db.chunks(moved) for name in proposals.read_names(session, Agent.id.in_(part))]
        self._kept.put(names, gone)
        for number in gone:
            del self._forms[number]
        self._forms |= {name.id: _forms(name) for name in names}
        self._versions, self._stamp, self._groups = now, stamp, None


def _forms(name: Name) -> str:
    return " ".join(f" {fold(form)}" for form in (name.name, *name.variants))


def _stamp(session: Session) -> Stamp:
    """Changes with every change of an agent: versions only grow."""
    return tuple(session.execute(select(func.count(), func.coalesce(func.sum(Agent.version), 0))).one())


def _judged(session: Session) -> Stamp:
    counted = select(func.count(), func.coalesce(func.sum(Judgement.version), 0)).where(*proposals.ABOUT_AGENTS)
    return tuple(session.execute(counted).one())
