"""What the clean-up tasks (chantiers) have in common: a group to settle, and how a task looks like. Values only.

A task is a line of the registry (`catalogue.cleaning.CHANTIERS`): how groups are found in the whole base, how one of
them stands now, what settling it does. A group is found by a look through the base, at night or when it is asked for;
what is shown and done is read anew from the base each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.desk_history import title_or_none
from catalogue.models import Batch, Notice

SAMPLES = 3  # titles shown of a member
LARGEST = 12  # members of a group: more are another group


@dataclass(frozen=True, slots=True)
class Found:
    """A group as a look found it. `name` names it for ever; `refs` are what it was made of; `weight`: how many
    notices or copies it is about."""

    name: str
    refs: tuple[str, ...]
    weight: int = 1

    @property
    def key(self) -> str:
        return key_of(self.name)


@dataclass(frozen=True, slots=True)
class Member:
    """One of a group's forms, with how often it is met. `version`: so that a change by somebody else is seen."""

    ref: str
    label: str
    count: int = 1
    about: str = ""
    samples: tuple[tuple[str, str], ...] = ()  # (title, address)
    version: int = 0
    ticked: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """A group as it stands now. `refs`: what it was found by (`Found.refs`); `form` is proposed, `field` names its
    input where it is not « Remplacer par »; `unit`: what is counted, "notice" or "copy"; `changes`: how many change if
    it is settled as it is proposed, where that is not what its ticked members have together."""

    members: tuple[Member, ...]
    refs: tuple[str, ...] = ()
    form: str = ""
    field: str = ""
    hint: str = ""
    reasons: tuple[str, ...] = ()
    compare: tuple[str, str] | None = None  # the addresses of two notices that have a page side by side
    has_form: bool = True
    unit: str = "notice"
    changes: int | None = None

    @property
    def mark(self) -> str:
        """What a page that shows it has seen."""
        return key_of(repr([(m.ref, m.label, m.count, m.version) for m in self.members]))

    @property
    def count(self) -> int:
        """How many change if it is settled as it is proposed."""
        return sum(m.count for m in self.members if m.ticked) if self.changes is None else self.changes

    @property
    def is_of_one_label(self) -> bool:
        """Two of its members are written alike."""
        return len({member.label for member in self.members}) < len(self.members)

    def chosen(self, ticked: Iterable[str]) -> list[Member]:
        wanted = set(ticked)
        return [member for member in self.members if member.ref in wanted]


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling did: its lot, how many notices or copies it changed, `told` what else is to be known; or `problem`,
    a sentence, and nothing."""

    batch: Batch | None = None
    n: int = 0
    problem: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Chantier:
    """A task. `find` goes through the whole base, surest groups first; `read` says how one stands (None: nothing is
    left to settle); `apply` replaces the ticked members; `apart` remembers that all is well as it is, beyond the group
    itself. `helped`: the same as somebody without an account does it, where that is something else."""

    title: str
    lead: str
    apart_words: str
    find: Callable[[Session], Iterable[Found]]
    read: Callable[[Session, Sequence[str]], Group | None]
    apply: Callable[[Session, Group, Sequence[Member], str, str], Settled]  # …, ticked, form, by
    apart: Callable[[Session, Group, Sequence[Member], str], Batch | None] = field(
        default=lambda _session, _group, _members, _by: None
    )
    helped: Chantier | None = None


def key_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:40]


def samples_of(session: Session, notice_ids: Iterable[int]) -> tuple[tuple[str, str], ...]:
    """The titles and addresses of the first of these."""
    first = sorted(notice_ids)[:SAMPLES]
    rows = session.execute(select(Notice.title, Notice.address).where(Notice.id.in_(first)).order_by(Notice.id))
    return tuple((title_or_none(title), address) for title, address in rows)
