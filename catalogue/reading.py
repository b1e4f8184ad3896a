"""What visitors' pages say about notices: read for many at once, in a few queries, as plain values.

A page asks once: `result_cards` for a list, `notice_page` for one document at its permanent address.
The number of queries never depends on the number of notices. Words are in the current language; what
Flask, the index or an export knows stays out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from catalogue import claims, db, items, shelved, unimarc
from catalogue.date_words import spoken
from catalogue.digital import REMOVED, path_of
from catalogue.i18n import ISO_639, N_, _, current_language, format_date, format_number, language_name
from catalogue.identifiers import format_isbn, is_code
from catalogue.models import (
    Agent,
    Batch,
    Centre,
    Claim,
    DigitalDocument,
    Holding,
    Item,
    Location,
    Notice,
    NoticeAgent,
    NoticeConcept,
    NoticeIdentifier,
    NoticeLink,
    Revision,
    Source,
    SourceRecord,
)
from catalogue.unimarc import Fields

SHOWN_AUTHORS = 3  # on a result; the document's page has them all
SHOWN_TITLES = 60  # articles of an issue, issues of a journal
SHOWN_NEIGHBOURS = 5

WITH_A_PAGE = ("published", "withdrawn")  # what visitors may read at its address
CATALOGUE_LANGUAGE = "fr"  # what a summary is written in when its record does not say

# What somebody did, when it is not simply to have written it (UNIMARC's relator codes).
ROLES = {
    "010": N_("adaptation"),
    "080": N_("préface"),
    "100": N_("auteur cité"),
    "205": N_("collaboration"),
    "220": N_("compilation"),
    "300": N_("réalisation"),
    "340": N_("édition scientifique"),
    "395": N_("fondation"),
    "440": N_("illustration"),
    "470": N_("entretien"),
    "557": N_("organisation"),
    "600": N_("photographie"),
    "651": N_("direction de publication"),
    "673": N_("direction de recherche"),
    "695": N_("conseil scientifique"),
    "727": N_("direction de thèse"),
    "730": N_("traduction"),
}
FORMATS = {
    "application/pdf": "PDF",
    "application/epub+zip": "EPUB",
    "application/msword": "Word",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/vnd.oasis.opendocument.text": "ODT",
    "application/vnd.ms-powerpoint": "PowerPoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint",
}
ENDINGS = {".pdf": "PDF", ".epub": "EPUB", ".doc": "Word", ".docx": "Word", ".odt": "ODT", ".mp3": "MP3", ".mp4": "MP4"}


Question = Select[*tuple[Any, ...]]


# --- values ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OnlineWay:
    url: str
    label: str  # what the record says of it, "" often
    format: str  # « PDF », « PDF, 2,1 Mo », ""
    sha256: str = ""  # of a file of ours
    gave: str = ""  # where it was, when `url` leads to the copy that a web archive keeps
    since: datetime | None = None  # nothing answers there any more

    @property
    def host(self) -> str:
        return (urlsplit(self.url).hostname or "").removeprefix("www.")


@dataclass(frozen=True, slots=True)
class Copy:
    call_number: str
    location: str
    section: str
    available: bool
    status_words: str


@dataclass(frozen=True, slots=True)
class PartnerCopy:
    centre: str
    call_number: str


@dataclass(frozen=True, slots=True)
class Access:
    """How one can read it, best way first on each side."""

    online: tuple[OnlineWay, ...] = ()
    dead: tuple[OnlineWay, ...] = ()  # links that nobody answers any more, and of which no copy is known
    copies: tuple[Copy, ...] = ()
    partners: tuple[PartnerCopy, ...] = ()
    host: str = ""  # the copies are those of what it is in: "issue", or "monograph" for a chapter
    issues: int = 0  # a journal: how many of its issues stand on our shelves

    @property
    def away(self) -> bool:
        return bool(self.copies) and not any(copy.available for copy in self.copies)


@dataclass(frozen=True, slots=True)
class Card:
    """One result."""

    notice_id: int
    address: str
    kind: str
    year: str
    title: str
    language: str  # of the title, two letters, "" when unknown
    authors: tuple[str, ...]
    more_authors: bool
    host: str  # « La Gazette des communes, n° 2710 », "" unless it is part of something
    summary: str
    summary_language: str
    owner: str  # the partner who described it, "" when it is ours
    access: Access
    themes: tuple[str, ...] = ()  # its keywords too
    names: tuple[str, ...] = ()  # all of them


@dataclass(frozen=True, slots=True)
class TitleLine:
    """A document named in a short list."""

    address: str
    title: str
    language: str
    detail: str


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    role: str
    agent_id: int | None = None  # of their page


@dataclass(frozen=True, slots=True)
class Host:
    """What it is part of; with an address when that has a page here."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TitleList:
    title: str
    entries: tuple[TitleLine, ...]
    left: int  # how many more there are


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Everything the page of one document says."""

    notice_id: int
    address: str
    kind: str
    level: str
    title: str
    rest: str  # the title's complement, with the sign that joins it
    language: str
    dated: str
    authors: tuple[Author, ...]
    hosts: tuple[Host, ...]
    place_in_host: str
    access: Access
    summary: tuple[str, ...]
    summary_language: str
    contents: tuple[str, ...]
    themes: tuple[str, ...]
    keywords: tuple[str, ...]
    lists: tuple[TitleList, ...]
    facts: tuple[Fact, ...]
    provenance: tuple[str, ...]
    withdrawn: bool
    withdrawn_on: date | None


@dataclass(frozen=True, slots=True)
class Moved:
    """Merged into another notice, whose address this is."""

    address: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Erased for a legal reason: when, and the reason as it may be told."""

    on: date
    reason: str


# --- a list ----------------------------------------------------------------------------------


def result_cards(session: Session, notice_ids: Sequence[int], *, withdrawn: bool = False) -> list[Card]:
    """One card for each of these notices that is published, in their order: an index may know less than the base does.

    `withdrawn`: those too, for lists that keep what somebody had chosen.
    """
    statuses = WITH_A_PAGE if withdrawn else ("published",)
    rows = {row.id: row for row in session.execute(_notices(Notice.id.in_(notice_ids), Notice.status.in_(statuses)))}
    access = _accesses(session, list(rows.values()))
    themes: defaultdict[int, list[str]] = defaultdict(list)
    named = select(NoticeConcept.notice_id, NoticeConcept.label).where(NoticeConcept.notice_id.in_(rows))
    for notice_id, label in session.execute(named.order_by(NoticeConcept.notice_id, NoticeConcept.pos)):
        themes[notice_id].append(label)
    return [_card(rows[i], access[i], themes[i]) for i in notice_ids if i in rows]


def title_lines(session: Session, notice_ids: Sequence[int]) -> list[TitleLine]:
    """The same notices as short lines, in their order."""
    rows = {row.id: row for row in session.execute(_lines().where(Notice.id.in_(notice_ids)))}
    return [_line(rows[i]) for i in notice_ids if i in rows]


def published(session: Session, notice_ids: Sequence[int]) -> list[int]:
    """Those of these notices that are published, in their order: what an index says is not taken for granted."""
    found: set[int] = set()
    for part in db.chunks(notice_ids):
        found.update(session.scalars(select(Notice.id).where(Notice.id.in_(part), Notice.status == "published")))
    return [i for i in notice_ids if i in found]


def title_of(session: Session, address: str) -> str:
    """The title of a document that has a page, "" otherwise."""
    where = (Notice.address == address, Notice.status.in_(WITH_A_PAGE))
    return session.scalar(select(Notice.title).where(*where)) or ""


def ids_with_theme(session: Session, themes: Sequence[str], *, limit: int, offset: int = 0) -> tuple[int, list[int]]:
    """How many published notices have one of these themes, and a page of them, newest first.

    For the day when the index does not answer: themes stay browsable.
    """
    chosen = select(NoticeConcept.notice_id).where(NoticeConcept.label.in_(themes), NoticeConcept.free.is_(False))
    where = (Notice.status == "published", Notice.id.in_(chosen))
    total = session.scalar(select(func.count()).select_from(Notice).where(*where)) or 0
    page = select(Notice.id).where(*where).order_by(func.coalesce(Notice.year, 0).desc(), Notice.id.desc())
    return total, list(session.scalars(page.limit(limit).offset(offset)))


# --- one document ----------------------------------------------------------------------------


def notice_page(session: Session, address: str) -> NoticePage | Moved | Gone | None:
    """What stands at this permanent address; None when nothing was ever shown there."""
    if not is_code(address):  # whatever was typed: nothing of it reaches the database
        return None
    row = session.execute(_notices(Notice.address == address)).one_or_none()
    if row is None or row.status in ("draft", "candidate"):
        return None
    if row.status == "merged":
        return _survivor(session, row)
    if row.status == "erased":
        on, reason = _turned(session, row.id, "erased") or (row.updated_at, "")
        return Gone(on.date(), reason)
    fields: Fields = row.fields
    links = session.execute(_targets_of([row.id])).all()
    themes = session.execute(_concepts_of(row.id)).all()
    proper = unimarc.title(fields) or row.title
    withdrawn = row.status == "withdrawn"
    turned = _turned(session, row.id, "withdrawn") if withdrawn else None
    return NoticePage(
        notice_id=row.id,
        address=row.address,
        kind=row.kind,
        level=row.level,
        title=proper,
        rest=row.title[len(proper) :] if row.title.startswith(proper) else "",
        language=html_language(row.language),
        dated=_dated(row),
        authors=tuple(_authors(fields, _known_agents(session, row.id))),
        hosts=tuple(_hosts(fields, links)),
        place_in_host=_place_in_host(row, issue_named=any(link.relation == "host_issue" for link in links)),
        access=_accesses(session, [row])[row.id],
        summary=_paragraphs(unimarc.texts(fields).abstract),
        summary_language=_summary_language(fields),
        contents=_paragraphs(unimarc.texts(fields).contents),
        themes=tuple(t.label for t in themes if not t.free),
        keywords=tuple(t.label for t in themes if t.free),
        lists=tuple(_lists(session, row, links, [t.concept_id for t in themes if t.concept_id])),
        facts=tuple(_facts(session, row)),
        provenance=tuple(session.scalars(_sources_of(row.id))),
        withdrawn=withdrawn,
        withdrawn_on=turned[0].date() if turned else None,
    )


def html_language(code: str) -> str:
    """The two letters of a record's language; "" for what HTML has no certain name for."""
    return ISO_639.get(code, "")


# --- queries ---------------------------------------------------------------------------------


def _notices(*where: Any) -> Question:
    """What cards and pages read of a notice."""
    columns = (
        *(Notice.id, Notice.address, Notice.status, Notice.kind, Notice.level, Notice.title, Notice.year),
        *(Notice.year_end, Notice.language, Notice.fields, Notice.updated_at, Notice.merged_into_id),
        *(Centre.name.label("owner"), Centre.is_ours),
    )
    return select(*columns).join(Centre, Centre.id == Notice.owner_id).where(*where)


def _lines() -> Question:
    columns = (Notice.id, Notice.address, Notice.title, Notice.kind, Notice.year, Notice.year_end, Notice.language)
    return select(*columns).where(Notice.status == "published")


def _targets_of(notice_ids: Sequence[int]) -> Question:
    """Where the links of these notices lead, among notices that have a page."""
    target = aliased(Notice)
    return (
        select(
            NoticeLink.notice_id,
            NoticeLink.relation,
            *(target.id.label("target_id"), target.address, target.title, target.level, target.status),
        )
        .join(target, target.id == NoticeLink.target_id)
        .where(NoticeLink.notice_id.in_(notice_ids), target.status.in_(WITH_A_PAGE))
        .order_by(NoticeLink.id)
    )


def _concepts_of(notice_id: int) -> Question:
    return (
        select(NoticeConcept.label, NoticeConcept.free, NoticeConcept.concept_id)
        .where(NoticeConcept.notice_id == notice_id)
        .order_by(NoticeConcept.pos)
    )


def _sources_of(notice_id: int) -> Question:
    """The partners whose records say something of this notice; a file of our own is no partner."""
    return (
        select(Source.name)
        .distinct()
        .join(SourceRecord, SourceRecord.source_id == Source.id)
        .join(Claim, Claim.record_id == SourceRecord.id)
        .where(Claim.notice_id == notice_id, Claim.state == "linked", Source.kind == "oai")
        .order_by(Source.name)
    )


def _survivor(session: Session, row: Row[Any]) -> Moved | None:
    """The notice that stands at the end of a chain of merges."""
    seen = {row.id}
    target_id = row.merged_into_id
    while target_id is not None and target_id not in seen:
        seen.add(target_id)
        columns = (Notice.address, Notice.status, Notice.merged_into_id)
        found = session.execute(select(*columns).where(Notice.id == target_id)).one_or_none()
        if found is None:
            return None
        if found.status != "merged":
            return Moved(found.address)
        target_id = found.merged_into_id
    return None


def _turned(session: Session, notice_id: int, status: str) -> tuple[datetime, str] | None:
    """When the notice last took this status, and why: the revision that found it with another one."""
    statement = (
        select(Revision.before, Batch.at, Batch.why)
        .join(Batch, Batch.id == Revision.batch_id)
        .where(Revision.entity == "notice", Revision.entity_id == notice_id)
        .order_by(Revision.id.desc())
    )
    for before, at, why in session.execute(statement):
        if before is None or before.get("status") != status:
            return at, why
    return None


def _accesses(session: Session, rows: Sequence[Row[Any]]) -> dict[int, Access]:
    """How each of these documents can be read. A part has the copies of what it is in."""
    ids = [row.id for row in rows]
    articles = [row.id for row in rows if row.level == "article"]
    host_of = shelved.hosts_of(session, articles) if articles else {}
    copies = _copies(session, sorted({*ids, *(host.notice_id for host in host_of.values())}))
    digital = _grouped(session, select(DigitalDocument).where(DigitalDocument.notice_id.in_(ids)), DigitalDocument.id)
    holdings = _grouped(session, select(Holding).where(Holding.notice_id.in_(ids), claims.is_held()), Holding.id)
    serials = [row.id for row in rows if row.level == "serial"]
    issues = shelved.issues_on_shelf(session, serials) if serials else {}
    out = {}
    for row in rows:
        own, host = copies[row.id], host_of.get(row.id)
        ways = list(_online(row.address, row.fields, digital[row.id]))
        out[row.id] = Access(
            online=tuple(way for way in ways if way.gave or not way.since),
            dead=tuple(way for way in ways if way.since and not way.gave),
            copies=tuple(own or (copies[host.notice_id] if host else ())),
            partners=tuple(_partners(row, holdings[row.id])),
            host=host.level if host and not own else "",
            issues=issues.get(row.id, 0),
        )
    return out


def _copies(session: Session, notice_ids: Sequence[int]) -> defaultdict[int, list[Copy]]:
    statement = (
        select(Item.notice_id, Item.call_number, Item.section, Item.status, Item.lent_until, Location.name)
        .outerjoin(Location, Location.id == Item.location_id)
        .where(Item.notice_id.in_(notice_ids), items.is_public())
        .order_by(Item.status != "available", Item.call_key == "", Item.call_key, Item.id)
    )
    out: defaultdict[int, list[Copy]] = defaultdict(list)
    for notice_id, call_number, section, status, until, location in session.execute(statement):
        words = _copy_words(status, until)
        out[notice_id].append(Copy(call_number, location or "", section, status == "available", words))
    return out


def _grouped(session: Session, statement: Question, order: Any) -> defaultdict[int, list[Any]]:
    out: defaultdict[int, list[Any]] = defaultdict(list)
    for row in session.scalars(statement.order_by(order)):
        out[row.notice_id].append(row)
    return out


def _lists(
    session: Session, row: Row[Any], links: Sequence[Row[Any]], concept_ids: Sequence[int]
) -> Iterable[TitleList]:
    """The other documents that this page leads to."""
    newest = (func.coalesce(Notice.year, 0).desc(), Notice.sort_key.desc())
    if row.level == "issue":
        yield from _parts(session, row.id, "host_issue", "article", _("Articles de ce numéro"), (Notice.id,))
    elif row.level == "serial":
        yield from _parts(session, row.id, "host_serial", "issue", _("Numéros"), newest)
    elif row.level == "monograph":
        yield from _parts(session, row.id, "host_issue", "article", _("Chapitres de ce livre"), (Notice.id,))
    elif row.level == "article":
        host = next((link for link in links if link.relation == "host_issue"), None)
        if host is not None:
            title = _("Dans le même numéro") if host.level == "issue" else _("Dans le même livre")
            order = (Notice.id,)
            yield from _parts(session, host.target_id, "host_issue", "article", title, order, but=row.id, shown=8)
    if concept_ids and row.level in ("monograph", "article", "set"):
        yield from _neighbours(session, row, concept_ids, [link.target_id for link in links])


def _parts(
    session: Session,
    host_id: int,
    relation: str,
    level: str,
    title: str,
    order: Sequence[Any],
    *,
    but: int = 0,
    shown: int = SHOWN_TITLES,
) -> Iterable[TitleList]:
    chosen = select(NoticeLink.notice_id).where(NoticeLink.target_id == host_id, NoticeLink.relation == relation)
    where = (Notice.id.in_(chosen), Notice.level == level, Notice.id != but)
    found = session.execute(_lines().where(*where).order_by(*order).limit(shown)).all()
    total = len(found)
    if total == shown:
        counted = select(func.count()).select_from(Notice).where(*where, Notice.status == "published")
        total = session.scalar(counted) or total
    if found:
        yield TitleList(title, tuple(map(_line, found)), total - len(found))


def _neighbours(
    session: Session, row: Row[Any], concept_ids: Sequence[int], elsewhere: Sequence[int]
) -> Iterable[TitleList]:
    """Documents that share most of its themes, the latest first among equals."""
    shared = func.count(NoticeConcept.concept_id.distinct())
    statement = (
        _lines()
        .join(NoticeConcept, NoticeConcept.notice_id == Notice.id)
        .where(NoticeConcept.concept_id.in_(concept_ids), Notice.id.not_in((row.id, *elsewhere)))
        .group_by(Notice.id)
        .order_by(shared.desc(), func.coalesce(Notice.year, 0).desc(), Notice.id.desc())
        .limit(SHOWN_NEIGHBOURS)
    )
    found = session.execute(statement).all()
    if found:
        yield TitleList(_("Sur les mêmes thèmes"), tuple(map(_line, found)), 0)


# --- words -----------------------------------------------------------------------------------


def _card(row: Row[Any], access: Access, themes: Sequence[str]) -> Card:
    fields: Fields = row.fields
    names = list(dict.fromkeys(a.name for a in unimarc.responsibilities(fields)))
    return Card(
        notice_id=row.id,
        address=row.address,
        kind=row.kind,
        year=_years(row),
        title=row.title,
        language=html_language(row.language),
        authors=tuple(names[:SHOWN_AUTHORS]),
        more_authors=len(names) > SHOWN_AUTHORS,
        host=_host_words(row),
        summary=" ".join(unimarc.texts(fields).abstract.split()),
        summary_language=_summary_language(fields),
        owner="" if row.is_ours else row.owner,
        access=access,
        themes=tuple(dict.fromkeys(themes)),
        names=tuple(names),
    )


def _line(row: Row[Any]) -> TitleLine:
    kind = unimarc.KINDS.get(row.kind)
    words = getattr(kind, current_language(), "") if kind else ""
    detail = ", ".join(part for part in (words, _years(row)) if part)
    return TitleLine(row.address, row.title, html_language(row.language), detail)


def _years(row: Row[Any]) -> str:
    if row.year and row.year_end and row.year_end != row.year:
        return f"{row.year}–{row.year_end}"
    return str(row.year or "")


def _dated(row: Row[Any]) -> str:
    """The date as the document gives it, with its year when the words leave it out."""
    return spoken(unimarc.date_text(row.fields)) or _years(row)


def _known_agents(session: Session, notice_id: int) -> dict[str, int]:
    """Name -> the person or body that has a page."""
    statement = (
        select(NoticeAgent.name, Agent.id)
        .join(Agent, Agent.id == NoticeAgent.agent_id)
        .where(NoticeAgent.notice_id == notice_id, Agent.status == "accepted")
    )
    return {name: agent_id for name, agent_id in session.execute(statement)}


def _authors(fields: Fields, known: Mapping[str, int]) -> Iterable[Author]:
    seen: dict[str, Author] = {}
    for a in unimarc.responsibilities(fields):
        seen.setdefault(a.name, Author(a.name, _(ROLES.get(a.role, "")), known.get(a.name)))
    return seen.values()


def _hosts(fields: Fields, links: Sequence[Row[Any]]) -> Iterable[Host]:
    """The journal, then the issue, or what the record calls them when they have no page."""
    known = {link.relation: link for link in links}
    serial, issue = unimarc.host_serial(fields), unimarc.host_issue(fields)
    if target := known.get("host_serial"):
        yield Host(target.title, target.address)
    elif serial and serial.title:
        yield Host(serial.title, "")
    if target := known.get("host_issue"):
        yield Host(_issue_words(issue) or target.title, target.address)


def _place_in_host(row: Row[Any], *, issue_named: bool) -> str:
    """« n° 2710, 18 mars 2024, p. 22-24 »: what is left to say once its hosts are named."""
    if row.level != "article":
        return ""
    issue = "" if issue_named else _issue_words(unimarc.host_issue(row.fields))
    return ", ".join(part for part in (issue, unimarc.extent(row.fields)) if part)


def _issue_words(issue: unimarc.Link | None) -> str:
    if issue is None:
        return ""
    number = issue.volume or issue.title
    if number.isdigit():
        number = _("n° %(number)s") % {"number": number}
    return ", ".join(part for part in (number, spoken(issue.date)) if part)


def _host_words(row: Row[Any]) -> str:
    if row.level not in ("article", "issue"):
        return ""
    serial = unimarc.host_serial(row.fields)
    issue = unimarc.host_issue(row.fields) if row.level == "article" else None
    return ", ".join(part for part in (serial.title if serial else "", _issue_words(issue)) if part)


def _summary_language(fields: Fields) -> str:
    said = unimarc.values(fields, "101", "d")
    return html_language(said[0].strip().lower()[:3]) if said else CATALOGUE_LANGUAGE


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _online(address: str, fields: Fields, digital: Sequence[DigitalDocument]) -> Iterable[OnlineWay]:
    """Files of ours that anybody may open, then each address once: what the fields say, and what is known of it."""
    for d in digital:
        if d.sha256 and d.rights == "open":
            label = d.label or _("Fichier gardé au centre")
            yield OnlineWay(f"/d/{address}/{path_of(d)}", label, _format("", d), d.sha256)
    known = {d.url: d for d in digital if d.rights != REMOVED and d.url.startswith(("http://", "https://"))}
    words = dict(unimarc.online(fields)) | {url: d.label for url, d in known.items() if d.label}
    dead = {url: d for url, d in known.items() if d.alive is False}
    for url in sorted(dict.fromkeys((*words, *known)), key=lambda url: url in dead):  # what answers first
        said = words.get(url, "")
        if url not in dead:
            yield OnlineWay(url, said, _format(url, known.get(url)))
        elif copy := dead[url].archived_url:
            yield OnlineWay(copy, said, _format(url, dead[url]), gave=url, since=dead[url].failing_since)
        else:
            yield OnlineWay(url, said, "", since=dead[url].failing_since or dead[url].checked_at)


def _format(url: str, digital: DigitalDocument | None) -> str:
    path = urlsplit(url).path.lower()
    ending = next((name for end, name in ENDINGS.items() if path.endswith(end)), "")
    name = FORMATS.get(digital.media_type if digital else "", "") or ending
    size = size_words(digital.size) if digital and digital.size and name else ""
    return ", ".join(part for part in (name, size) if part)


def size_words(octets: int) -> str:
    if octets < 1_000_000:
        return _("%(n)s ko") % {"n": format_number(max(1, round(octets / 1000)))}
    return _("%(n)s Mo") % {"n": format_number(round(octets / 1_000_000, 1))}


def _partners(row: Row[Any], holdings: Sequence[Holding]) -> Iterable[PartnerCopy]:
    """Who else has it. The partner who described it has it, even when no copy was told."""
    found = {(h.centre_label, h.call_number): PartnerCopy(h.centre_label, h.call_number) for h in holdings}
    if not found and not row.is_ours:
        return [PartnerCopy(row.owner, "")]
    return list(found.values())


def _copy_words(status: str, until: date | None) -> str:
    if status == "on_loan":
        return _("sorti, de retour le %(day)s") % {"day": format_date(until)} if until else _("sorti")
    return {
        "available": _("à consulter sur rendez-vous"),
        "missing": _("introuvable pour le moment"),
        "repair": _("en réparation"),
    }.get(status, "")


# What « Description » says, in order: the label and where the values come from.
FACTS: tuple[tuple[str, Callable[[Fields], Iterable[str]]], ...] = (
    (N_("Éditeur"), lambda fields: unimarc.publishers(fields)),
    (N_("Édition"), lambda fields: unimarc.values(fields, "205", "a")),
    (N_("Description"), lambda fields: [unimarc.extent(fields)]),
    (N_("Collection"), lambda fields: _paragraphs(unimarc.texts(fields).series)),
    (N_("Langue"), lambda fields: [language_name(code) for code in unimarc.languages(fields)]),
    (N_("Note"), lambda fields: unimarc.values(fields, "300", "a")),
    (N_("État de la collection"), unimarc.holdings),
)
SCHEMES = {"isbn": "ISBN", "issn": "ISSN", "doi": "DOI", "ean": "EAN"}


def _facts(session: Session, row: Row[Any]) -> Iterable[Fact]:
    for label, read in FACTS:
        if label == N_("Description") and row.level == "article":
            continue  # its pages are said beside its journal
        if found := tuple(dict.fromkeys(v for value in read(row.fields) if (v := unimarc.clean(value)))):
            yield Fact(_(label), found)
    own: dict[str, list[str]] = {}
    for label, value in unimarc.custom_values(row.fields):
        own.setdefault(label, []).append(value)
    for label, said in own.items():
        yield Fact(label, tuple(dict.fromkeys(said)))
    statement = (
        select(NoticeIdentifier.scheme, NoticeIdentifier.value)
        .where(NoticeIdentifier.notice_id == row.id, NoticeIdentifier.scheme.in_(SCHEMES))
        .order_by(NoticeIdentifier.id)
    )
    grouped: dict[str, list[str]] = {}
    for scheme, value in session.execute(statement):
        grouped.setdefault(scheme, []).append(format_isbn(value) if scheme == "isbn" else value)
    for scheme, values in grouped.items():
        yield Fact(SCHEMES[scheme], tuple(values))
