"""Everything that waits: by kind, a page at a time, with what may be decided at one go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from catalogue import desk_reading, inbox, proposals, proposed, reviewing, visits
from catalogue.desk_history import title_or_none
from catalogue.i18n import N_, _
from catalogue.identifiers import find_isbn
from catalogue.inbox import InboxEntry, Share
from catalogue.merging import GROUPS, slot_of
from catalogue.models import Proposal
from catalogue.proposals import CATEGORIES
from catalogue.proposals.reading import of_waiting
from catalogue.visits import Suggestion

SHOWN = 6  # of each kind, on the page of all
PER_PAGE = 40  # of one kind
MESSAGES_SHOWN = 20

# What each list is called; the word in its address.
TITLES: Mapping[str, str] = {
    "run": N_("Moissons incomplètes"),
    "candidate": N_("Nouvelles notices"),
    "safe": N_("Ajouts sûrs"),
    "update": N_("Mises à jour"),
    "conflict": N_("Conflits"),
    "deleted": N_("Supprimées chez eux"),
    "twin": N_("Doublons possibles"),
    "lookup": N_("Recherches faites la nuit"),
}
NAMES: Mapping[str, str] = {
    "run": "moissons",
    "candidate": "nouvelles",
    "safe": "surs",
    "update": "mises-a-jour",
    "conflict": "conflits",
    "deleted": "supprimees",
    "twin": "doublons",
    "lookup": "recherches",
}
KIND_OF = {name: kind for kind, name in NAMES.items()}
MEANINGS: Mapping[str, str] = {
    "candidate": N_("Décrites par un partenaire ou proposées à la relecture ; le public ne les voit pas encore."),
    "proposed": N_("Proposées à la relecture par quelqu’un d’ici ; le public ne les voit pas encore."),
    "described": N_("Décrites par un partenaire ; le public ne les voit pas encore."),
    "safe": N_("Un partenaire dit quelque chose là où nous ne disons rien : rien de ce qui est écrit ici ne change."),
    "update": N_(
        "Le partenaire a changé ce que nous avions repris de lui ; ou, la première fois, il le dit autrement que nous."
    ),
    "conflict": N_("Le partenaire et nous avons changé la même chose : à lire une par une."),
    "deleted": N_(
        "Le partenaire a supprimé sa notice. La nôtre reste ; prendre note, c’est ne plus se dire repris de lui."
    ),
    "twin": N_("Deux notices se ressemblent trop pour que Travée tranche seule."),
    "lookup": N_("Ce que vous cherchiez à cataloguer quand une source ne répondait pas ; elle a été redemandée."),
}


@dataclass(frozen=True, slots=True)
class Message:
    """What a visitor wrote."""

    id: int
    subject: str
    name: str
    email: str
    message: str
    at: datetime
    about: str
    address: str
    suggestion: Suggestion | None = None  # what they would like us to buy
    isbn: str = ""  # of it, where they have given one


@dataclass(frozen=True, slots=True)
class Section:
    """What waits of one kind: a page of it, and what may be decided at one go."""

    kind: str
    name: str
    title: str
    meaning: str
    total: int
    entries: tuple[InboxEntry, ...]
    shares: tuple[Share, ...]
    acts: tuple[str, ...]
    about: tuple[tuple[str, int], ...] = ()  # « Résumé », in how many of them; on the page of that kind alone


@dataclass(frozen=True, slots=True)
class ToReview:
    messages: tuple[Message, ...]
    more_messages: int
    tabs: tuple[tuple[str, str, int], ...]  # name, title, how many
    sections: tuple[Section, ...]
    last_harvest: str
    kind: str
    page: int
    pages: int
    mark: int  # what the page has seen: a button decides that, and nothing that comes later

    @property
    def is_empty(self) -> bool:
        return not (self.messages or self.tabs)


def to_review(
    session: Session, *, kind: str = "", source: str = "", run_id: int | None = None, page: int = 1
) -> ToReview:
    """Everything that awaits a person; with a kind, all of that kind, a page at a time."""
    mark = proposals.mark_now(session)  # before anything is read
    of_source = inbox.shares(session, run_id=run_id, source=source)
    counts = inbox.count_inbox(session, run_id=run_id, source=source, known=of_source)
    shown = [kind] if kind else [k for k in TITLES if k in counts]
    size = PER_PAGE if kind else SHOWN
    pages = max(1, -(-counts.get(kind, 0) // PER_PAGE)) if kind else 1
    page = min(max(page, 1), pages)
    offset = (page - 1) * size if kind else 0

    def entries(one: str) -> tuple[InboxEntry, ...]:
        found = inbox.list_inbox(session, kinds=(one,), run_id=run_id, source=source, limit=size, offset=offset)
        return tuple(_signed(session, found) if one == "candidate" else found)

    sections = [
        Section(
            kind=one,
            name=NAMES[one],
            title=_(TITLES[one]),
            meaning=_meaning(one, of_source.get(one, ())),
            total=counts[one],
            entries=entries(one),
            shares=tuple(of_source.get(one, ())),
            acts=reviewing.ACTS.get(one, ()),
            about=tuple(_about(session, one, source, run_id)) if kind in CATEGORIES else (),
        )
        for one in shown
        if one in counts
    ]
    alone = not (kind or source or run_id)
    messages = list(_messages(session)) if alone else []
    return ToReview(
        messages=tuple(messages),
        more_messages=counts.get("request", 0) - len(messages) if alone else 0,
        tabs=tuple((NAMES[k], _(title), counts[k]) for k, title in TITLES.items() if k in counts),
        sections=tuple(sections),
        last_harvest="" if counts else desk_reading.last_harvest(session),
        kind=kind,
        page=page,
        pages=pages,
        mark=mark,
    )


def _meaning(kind: str, brought: Iterable[Share]) -> str:
    """What a list holds, in a line; new notices are of two sorts, and it is said when there is but one of them."""
    if kind == "candidate":
        sorts = {"described" if share.source else "proposed" for share in brought}
        kind = sorts.pop() if len(sorts) == 1 else kind
    return _(MEANINGS[kind]) if kind in MEANINGS else ""


def _signed(session: Session, entries: Iterable[InboxEntry]) -> list[InboxEntry]:
    """Who proposed each that no partner brought: a `candidate`'s ref is its address."""
    entries = list(entries)
    names = proposed.by_whom(session, [one.ref for one in entries if not one.source])
    said = _("proposée par %(name)s")
    return [replace(one, detail=said % {"name": names[one.ref]}) if one.ref in names else one for one in entries]


def _about(session: Session, kind: str, source: str, run_id: int | None) -> Iterable[tuple[str, int]]:
    """What these questions are about, by group of fields, most frequent first."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    change = (func.json_each if sqlite else func.jsonb_array_elements)(Proposal.changes).table_valued("value")
    read = (func.json_extract, "$.tag") if sqlite else (func.jsonb_extract_path_text, "tag")
    tag = read[0](change.c.value, read[1])
    # The fields stay in the database: reading all that thousands propose took most of the time of the page.
    asked = of_waiting(select(Proposal.id, tag), kind, source, run_id).join(change, true()).distinct()
    met = Counter(group for _id, group in {(number, slot_of(tag).group) for number, tag in session.execute(asked)})
    return [(GROUPS[group].label, n) for group, n in met.most_common()]


def _messages(session: Session) -> Iterable[Message]:
    for row, notice in visits.list_waiting(session, MESSAGES_SHOWN):
        suggestion = visits.suggested(row.message) if row.subject == "buy" else None
        yield Message(
            id=row.id,
            subject=_(inbox.SUBJECTS[row.subject]),
            name=row.name,
            email=row.email,
            message=row.message,
            at=row.created_at,
            about=title_or_none(notice.title) if notice else "",
            address=notice.address if notice else "",
            suggestion=suggestion,
            isbn=(find_isbn(suggestion.by) or "") if suggestion else "",
        )
