"""Notices about to leave: their fields without who said them, their copies as a record describes them.

Every format starts from here, in bulk, with a number of queries that does not depend on the number of notices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import copies, db, source_terms, unimarc
from catalogue.items import is_public, why_hidden
from catalogue.models import (
    Claim,
    Item,
    Location,
    Notice,
    NoticeConcept,
    NoticeLink,
    Source,
    SourceRecord,
    SourceVersion,
)
from catalogue.pmb import link_target, names_issue, stays_here
from catalogue.projection import project
from catalogue.reading import WITH_A_PAGE
from catalogue.terms import NO, allows
from catalogue.unimarc import Field, Fields, RecordItem, bare
from export import leaving, numbers
from export.leaving import Licensed, Speakers, Withheld

HOSTS = ("host_serial", "host_issue")
PUBLIC_NAMES = ("barcode", "call_number", "location", "section", "status", "type", "owner")


@dataclass(frozen=True, slots=True)
class Said:
    """A record of a source that speaks of a notice, as last received."""

    source: str
    identifier: str
    datestamp: str
    deleted: bool
    title: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice on its way out. `fields` begin with the leader; `licences`: those that others must be told."""

    address: str
    status: str
    kind: str
    title: str
    year: int | None
    fields: Fields
    items: tuple[RecordItem, ...] = ()
    states: tuple[str, ...] = ()  # of the items, in our words
    sources: tuple[Said, ...] = ()
    licences: tuple[Licensed, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)  # a subject as it is written: as pages show it

    def numbered(self) -> Fields:
        """The fields with a record number: the source's own, else the notice's permanent address."""
        if any(f["t"] == "001" and f.get("v") for f in self.fields):
            return self.fields
        return [*self.fields[:1], Field(t="001", v=self.address), *self.fields[1:]]


def with_items(notice: Outgoing) -> Fields:
    """The fields of a record, its copies among them: an issue's behind the link to it, the others in order of tags."""
    fields = notice.numbered()
    if not notice.items:
        return fields
    links = {link_target(f): n for n, f in enumerate(fields) if names_issue(f) and link_target(f)}
    usual = next((n - 1 for n, f in enumerate(fields) if f["t"] > "995" and n), len(fields) - 1)
    behind: dict[int, Fields] = {}
    for item in notice.items:
        behind.setdefault(links.get(item.issue_of, usual), []).extend(copies.to_fields(item))
    return [told for n, f in enumerate(fields) for told in (f, *behind.get(n, ()))]


def load(
    session: Session, notice_ids: Iterable[int], *, public: bool = False, withheld: Withheld | None = None
) -> Iterator[Outgoing]:
    """These notices, in this order; withdrawn copies stay behind.

    `public`: without what the public may not see: notices that have no page, copies, files, holdings and fields
    that are hidden from it, what a source says of a copy beside what the catalogue shows of it, and the names of
    parts that are not published; and without what its source does not allow to send out again, which `withheld` is
    told (`export.leaving`): a notice of which nothing may leave is left out. Else all goes out, and says what is
    hidden: a Travée that reads it keeps it so. Where two sources have given two notices one number, both go out
    under their addresses (`export.numbers`).
    """
    withheld = Withheld() if withheld is None else withheld
    for part in db.chunks(notice_ids):
        wanted = select(Notice).where(Notice.id.in_(part))
        found = {n.id: n for n in session.scalars(wanted.where(Notice.status.in_(WITH_A_PAGE)) if public else wanted)}
        items, sources = _items(session, part, public), _sources(session, part, public)
        labels = _labels(session, part)
        unseen = _unseen_targets(session, part) if public else {}
        speakers = leaving.speakers_of(session, found.values()) if public else {}
        shared, leads = numbers.shared(session, part), numbers.shared_targets(session, part)
        for notice_id in part:
            if notice_id in found:
                row = found[notice_id]
                notice = _outgoing(row, row.fields, items.get(notice_id, []), sources.get(notice_id, []))
                notice = replace(notice, labels=_shown_labels(row.fields, labels.get(notice_id, [])))
                if public:
                    allowed = _allowed(row, notice, speakers, withheld) if speakers else notice
                    if allowed is None:
                        continue
                    notice = _for_public(allowed, unseen.get(notice_id, ()))
                own, targets = shared.get(notice_id, {}), leads.get(notice_id, {})
                if own or targets:
                    notice = replace(notice, fields=numbers.renumbered(notice.fields, own, targets))
                yield notice


def select_ids(session: Session, statuses: Sequence[str]) -> list[int]:
    return list(session.scalars(select(Notice.id).where(Notice.status.in_(statuses)).order_by(Notice.id)))


def hosts_first(session: Session, notice_ids: Sequence[int]) -> list[int]:
    """Periodicals, then their issues, then the rest, each as before: for programs that read a file only once."""
    rank: dict[int, int] = {}
    for part in db.chunks(notice_ids):
        for notice_id, level in session.execute(select(Notice.id, Notice.level).where(Notice.id.in_(part))):
            rank[notice_id] = {"serial": 0, "issue": 1}.get(level, 2)
    return sorted(notice_ids, key=lambda notice_id: rank.get(notice_id, 2))


def record_item(item: Item, location: str) -> RecordItem:
    """A copy as a record describes it: what was received, and what we know of it now."""
    extra: dict[str, Any] = item.extra or {}
    codes = extra.get("codes") or {}
    state = copies.as_received("status", item.status, codes)
    return RecordItem(
        barcode=item.barcode or "",
        call_number=item.call_number,
        location=copies.as_received("location", location, codes),
        section=copies.as_received("section", item.section, codes),
        status=state if state != item.status else copies.words(item.status, extra.get("status", "")),
        type=extra.get("type", ""),
        inventory_number=item.inventory_number,
        note=extra.get("note", ""),
        owner=_owner(extra),
        fields=tuple(extra.get("fields", ())),
        hidden=why_hidden(item),
    )


def _allowed(row: Notice, notice: Outgoing, speakers: Speakers, withheld: Withheld) -> Outgoing | None:
    """The notice as it may be given to others; None when nothing of it may. What is computed from its fields (its
    title as a list shows it, its year, its kind) is computed from those that leave."""
    may, stays = leaving.parted(row.fields, speakers)
    if stays:
        withheld.add(row.address, stays, speakers, whole=not may)
        if not may:
            return None
        p = project(may)
        notice = replace(notice, fields=_fields(may), title=p.title, year=p.year, kind=p.kind)
    licensed = leaving.licences(may, speakers)
    return replace(notice, fields=leaving.with_notes(notice.fields, licensed), licences=licensed)


def _for_public(notice: Outgoing, unseen: Sequence[tuple[str, str]]) -> Outgoing:
    fields = [f for f in unimarc.shown(notice.fields) if not _leads_to(f, unseen)]
    return replace(notice, fields=fields, items=tuple(_public_item(item) for item in notice.items))


def _public_item(item: RecordItem) -> RecordItem:
    """What the public sees of a copy: no note, no inventory number, nothing of its fields as received."""
    return RecordItem(**{name: getattr(item, name) for name in PUBLIC_NAMES})


def _leads_to(f: Field, unseen: Sequence[tuple[str, str]]) -> bool:
    return any(
        link.relation == relation and promise.endswith(f":{link.target}")
        for link in (unimarc.links([f]) if unseen else ())
        for relation, promise in unseen
    )


def _unseen_targets(session: Session, ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """The links of these notices that name a notice which is not published: (relation, promise).

    What it is in (its periodical, its issue) is part of its own description, and is shown on its page.
    """
    statement = (
        select(NoticeLink.notice_id, NoticeLink.relation, NoticeLink.promise)
        .join(Notice, Notice.id == NoticeLink.target_id)
        .where(NoticeLink.notice_id.in_(ids), NoticeLink.relation.not_in(HOSTS), Notice.status != "published")
    )
    out: dict[int, list[tuple[str, str]]] = {}
    for notice_id, relation, promise in session.execute(statement):
        out.setdefault(notice_id, []).append((relation, promise))
    return out


def _owner(extra: dict[str, Any]) -> str:
    fields: list[Field] = list(extra.get("fields", ()))
    return copies.from_fields(fields).owner if fields else ""


def _fields(kept: Fields) -> Fields:
    """Fields of a notice as they go out: the leader first, without who says them and what stays here."""
    fields = [bare(f) for f in kept if not stays_here(f)]
    if not fields or fields[0]["t"] != "000":
        fields = [Field(t="000", v=unimarc.leader(fields)), *(f for f in fields if f["t"] != "000")]
    return fields


def _outgoing(notice: Notice, fields: Fields, items: Sequence[tuple[Item, str]], sources: Sequence[Said]) -> Outgoing:
    return Outgoing(
        address=notice.address,
        status=notice.status,
        kind=notice.kind,
        title=notice.title,
        year=notice.year,
        fields=_fields(fields),
        items=tuple(record_item(item, location) for item, location in items),
        states=tuple(item.status for item, _location in items),
        sources=tuple(sources),
    )


def _items(session: Session, ids: Sequence[int], public: bool) -> dict[int, list[tuple[Item, str]]]:
    statement = (
        select(Item, Location.name)
        .outerjoin(Location, Location.id == Item.location_id)
        .where(Item.notice_id.in_(ids), is_public() if public else Item.status != "withdrawn")
        .order_by(Item.id)
    )
    out: dict[int, list[tuple[Item, str]]] = {}
    for item, location in session.execute(statement):
        out.setdefault(item.notice_id, []).append((item, location or ""))
    return out


def _labels(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    """What pages call the subjects of these notices, in the order of `unimarc.subjects`."""
    statement = select(NoticeConcept.notice_id, NoticeConcept.label).where(NoticeConcept.notice_id.in_(ids))
    out: dict[int, list[str]] = {}
    for notice_id, label in session.execute(statement.order_by(NoticeConcept.notice_id, NoticeConcept.pos)):
        out.setdefault(notice_id, []).append(label)
    return out


def _shown_labels(fields: Fields, labels: Sequence[str]) -> dict[str, str]:
    written = (subject.label for subject in unimarc.subjects(fields)) if labels else ()
    return {said: shown for said, shown in zip(written, labels, strict=False) if said != shown}


def _sources(session: Session, ids: Sequence[int], public: bool) -> dict[int, list[Said]]:
    """What sources last said of these notices; for the public, only of those that allow it."""
    statement = (
        select(Claim.notice_id, Source, SourceRecord.identifier, SourceVersion)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
        .where(Claim.notice_id.in_(ids), Claim.state == "linked")
        .order_by(Claim.id)
    )
    out: dict[int, list[Said]] = {}
    for notice_id, source, identifier, version in session.execute(statement):
        terms = source_terms.of_source(source)
        if public and terms.resend == NO:
            continue
        title = unimarc.full_title(version.fields) if not public or allows(terms, "title") else ""
        said = Said(source.name, identifier, version.datestamp, version.deleted, title, terms.licence)
        out.setdefault(notice_id, []).append(said)
    return out
