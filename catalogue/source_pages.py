"""The page of a source: what it is, how its copies are read, what its codes mean here.

A source's profile is a small dictionary of its own (`Source.profile`). This module reads and writes four things
in it: "items" (a habit's name or a table, `catalogue.item_profiles`), and what the source's codes mean
("states", "locations", "sections", "kinds": `catalogue.copies.CODES`). Each change remembers who made it and how
it was before ("changes"), and can be taken up again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from catalogue import copies, db, desk_reading, history, imports, item_profiles, items, pmb, sources, unimarc
from catalogue.copies import CODES
from catalogue.desk_history import item_status_words, title_or_none
from catalogue.i18n import N_, _, current_language, format_number, ngettext
from catalogue.imports import RunLine
from catalogue.models import Batch, Claim, Item, Notice, Revision, Run, Source, SourceRecord, SourceVersion
from catalogue.unimarc import KINDS, Field, Fields, Record, RecordItem

LOOKED_AT = 1_000  # records last received whose copies are read for the page
PREVIEWED = 5
CODES_SHOWN = 60
CHANGES_KEPT = 10
LONGEST_WORD = 80  # signs of a code or of what it means
KEPT = ("items", *CODES.values())  # what of a profile this page writes
OUR_STATES = ("available", "on_loan", "missing", "repair", "withdrawn")
REREAD = "reread"

SOURCE_KINDS = {"oai": N_("partenaire moissonné (OAI-PMH)"), "file": N_("fichiers importés")}
RESEND = {"yes": N_("oui"), "no": N_("non"), "partly": N_("en partie")}
COLUMNS = {
    "barcode": N_("Code-barres"),
    "call_number": N_("Cote"),
    "location": N_("Emplacement"),
    "section": N_("Section"),
    "status": N_("État"),
    "type": N_("Type"),
    "inventory_number": N_("N° d’inventaire"),
    "owner": N_("Propriétaire"),
    "note": N_("Note"),
}


class Received(NamedTuple):
    """A record as last received."""

    record_id: int
    fields: Fields
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SourceLine:
    name: str
    kind: str
    records: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code of the source, how often it was met, and what it means here: `given` by the profile, else `usual`."""

    about: str
    code: str
    count: int
    given: str
    usual: str

    @property
    def about_words(self) -> str:
        return _(imports.ABOUT[self.about])

    @property
    def is_known(self) -> bool:
        return bool(self.given or self.usual)


@dataclass(frozen=True, slots=True)
class PreviewCopy:
    """A copy as received and as a profile reads it."""

    title: str
    address: str
    received: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Version:
    """How the profile was before a change."""

    number: int
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SourcePage:
    name: str
    kind: str
    facts: tuple[tuple[str, str], ...]
    runs: tuple[RunLine, ...]
    last_harvest: str
    text: str
    codes: tuple[CodeRow, ...]
    more_codes: int
    preview: tuple[PreviewCopy, ...]
    copies_read: int
    looked_at: int
    versions: tuple[Version, ...]
    rereadable: int


# --- reading ---------------------------------------------------------------------------------


def list_sources(session: Session) -> list[SourceLine]:
    records = select(SourceRecord.source_id, func.count().label("n")).group_by(SourceRecord.source_id).subquery()
    runs = select(Run.source_id, func.max(Run.started_at).label("at")).group_by(Run.source_id).subquery()
    statement = (
        select(Source, func.coalesce(records.c.n, 0), runs.c.at)
        .outerjoin(records, records.c.source_id == Source.id)
        .outerjoin(runs, runs.c.source_id == Source.id)
        .where(Source.removed_at.is_(None))
        .order_by(Source.name)
    )
    return [SourceLine(s.name, _(SOURCE_KINDS[s.kind]), n, at) for s, n, at in session.execute(statement)]


def page(session: Session, source: Source, *, text: str | None = None, version: int | None = None) -> SourcePage:
    """The page; with another `text`, what that profile would read; with a `version`, the profile of that time."""
    profile = _profile_of(source, version)
    text = item_profiles.format_items(profile.get("items") or item_profiles.AUTO) if text is None else text
    chosen, problems = item_profiles.parse_items(text)
    tried = {**profile, "items": chosen if not problems else profile.get("items")}
    received = list(_received(session, source))
    read = [(v, copy) for v in received for copy in read_copies(v.fields, v.items, tried)]
    codes = tuple(_codes(received, read, profile))
    runs, _older = imports.list_runs(session, source_id=source.id)
    return SourcePage(
        name=source.name,
        kind=source.kind,
        facts=tuple((label, value) for label, value in _facts(session, source) if value),
        runs=tuple(runs[:5]),
        last_harvest=_last_harvest(session, source),
        text=text,
        codes=codes[:CODES_SHOWN],
        more_codes=max(0, len(codes) - CODES_SHOWN),
        preview=tuple(_preview(session, read[:PREVIEWED], tried)),
        copies_read=len(read),
        looked_at=len(received),
        versions=tuple(_versions(source)),
        rereadable=session.scalar(select(func.count()).select_from(_made_by(source).subquery())) or 0,
    )


def _profile_of(source: Source, version: int | None) -> Mapping[str, Any]:
    changes = source.profile.get("changes") or []
    if version is None or not 0 <= version < len(changes):
        return source.profile
    return {**source.profile, **dict.fromkeys(KEPT), **changes[version]["before"]}


def _versions(source: Source) -> Iterator[Version]:
    """Latest first: what each change replaced."""
    changes = source.profile.get("changes") or []
    for number, change in reversed(list(enumerate(changes))):
        yield Version(number, change["by"], datetime.fromisoformat(change["at"]))


def _facts(session: Session, source: Source) -> Iterator[tuple[str, str]]:
    count = select(func.count()).select_from(SourceRecord).where(SourceRecord.source_id == source.id)
    n = session.scalar(count) or 0
    yield _("Genre"), _(SOURCE_KINDS[source.kind])
    yield _("Adresse"), source.url
    yield _("Format demandé"), source.prefix
    yield _("Ensemble"), source.set_spec
    yield _("Licence"), source.licence
    yield _("Peut-on redonner ses notices ?"), _(RESEND[source.resend])
    yield _("Identifiants"), source.identity
    yield _("Notices reçues"), format_number(n)


def _last_harvest(session: Session, source: Source) -> str:
    statement = select(Run).where(Run.source_id == source.id, Run.kind == "harvest").order_by(Run.id.desc()).limit(1)
    run = session.scalar(statement)
    return desk_reading.harvest_sentence(run, source.name) if run else ""


def _received(session: Session, source: Source) -> Iterator[Received]:
    statement = (
        select(SourceVersion.record_id, SourceVersion.fields, SourceVersion.items)
        .join(SourceRecord, SourceRecord.latest_version_id == SourceVersion.id)
        .where(SourceRecord.source_id == source.id, SourceVersion.deleted.is_(False))
        .order_by(SourceVersion.id.desc())
        .limit(LOOKED_AT)
    )
    yield from (Received(*row) for row in session.execute(statement))


def read_copies(
    fields: Sequence[Field], kept: Sequence[Mapping[str, Any]], profile: Mapping[str, Any]
) -> list[RecordItem]:
    """The copies of a record as received, read by a profile: in what was taken for copies then, and in the rest."""
    groups: list[list[Field]] = [list(item.get("fields", ())) for item in kept]
    together = list(chain.from_iterable(groups))
    habit = copies.habit_of(together or list(fields), profile)
    if habit is None:
        return [pmb.item_from_fields(group) for group in groups]
    found = [f for f in (*fields, *together) if f["t"] == habit["field"] and "s" in f]
    return [copies.from_field(f, habit) for f in found]


def _preview(
    session: Session, read: Iterable[tuple[Received, RecordItem]], profile: Mapping[str, Any]
) -> Iterator[PreviewCopy]:
    for version, copy in read:
        meant = copies.meaning(copy, profile)
        values = {name: getattr(copy, name) for name in COLUMNS}
        values |= {"status": item_status_words(meant.state), "location": meant.location, "section": meant.section}
        yield PreviewCopy(
            title=title_or_none(unimarc.title(version.fields)),
            address=_address(session, version),
            received=" ".join(_as_written(f) for f in copy.fields),
            values=tuple((_(label), values[name]) for name, label in COLUMNS.items() if values[name]),
        )


def _as_written(f: Field) -> str:
    return f"{f['t']} " + " ".join(f"${code} {value}" for code, value in f.get("s", ()))


def _address(session: Session, version: Received) -> str:
    statement = (
        select(Notice.address)
        .join(Claim, Claim.notice_id == Notice.id)
        .where(Claim.record_id == version.record_id, Claim.state == "linked")
        .limit(1)
    )
    return session.scalar(statement) or ""


def _codes(
    received: Iterable[Received], read: Iterable[tuple[Received, RecordItem]], profile: Mapping[str, Any]
) -> Iterator[CodeRow]:
    """Codes met in what was received, and those the profile names; what means nothing here yet comes first."""
    met: Counter[tuple[str, str]] = Counter()
    for version in received:
        met.update(copies.codes_of(Record(version.fields)))
    for _version, copy in read:
        met.update(copies.codes_of(Record([], (copy,))))
    for about, name in CODES.items():
        met.update({(about, code): 0 for code in profile.get(name) or {}})
    found = [_code_row(about, code, n, profile) for (about, code), n in met.items() if len(code) <= LONGEST_WORD]
    order = list(CODES)
    yield from sorted(found, key=lambda row: (row.is_known, order.index(row.about), -row.count, row.code))


def _code_row(about: str, code: str, n: int, profile: Mapping[str, Any]) -> CodeRow:
    given = str((profile.get(CODES[about]) or {}).get(code, ""))
    usual = ""
    if copies.is_known(about, code):
        usual = item_status_words(copies.state(code)) if about == "status" else code
    return CodeRow(about, code, n, given, usual)


def choices(about: str) -> list[tuple[str, str]]:
    """What a code may mean, where that is a choice; nothing for a place, which has any name."""
    if about == "status":
        return [(state, item_status_words(state)) for state in OUR_STATES]
    if about == "type":
        return [(kind.code, kind.en if current_language() == "en" else kind.fr) for kind in KINDS.values()]
    return []


# --- writing ---------------------------------------------------------------------------------


def save(
    session: Session,
    source: Source,
    chosen: str | Mapping[str, Any],
    meanings: Iterable[tuple[str, str, str]],
    *,
    by: str,
) -> bool:
    """Keep how copies are read, and what codes mean: (about, code, meaning). False when nothing changes."""
    before = {name: source.profile[name] for name in KEPT if source.profile.get(name)}
    after: dict[str, Any] = {name: dict(before.get(name) or {}) for name in CODES.values()}
    for about, code, means in meanings:
        if about not in CODES or not code or len(code) > LONGEST_WORD:
            continue
        allowed = [value for value, _words in choices(about)]
        means = means.strip()[:LONGEST_WORD]
        if means and (means in allowed or not allowed):
            after[CODES[about]][code] = means
        elif not means:
            after[CODES[about]].pop(code, None)
    if chosen != item_profiles.AUTO or "items" in before:
        after["items"] = chosen
    after = {name: value for name, value in after.items() if value}
    if after == before:
        return False
    change = {"by": by, "at": db.now().isoformat(), "before": before}
    changes = [*(source.profile.get("changes") or []), change][-CHANGES_KEPT:]
    others = {name: value for name, value in source.profile.items() if name not in KEPT}
    source.profile = {**others, **after, "changes": changes}
    session.flush()
    return True


@dataclass(slots=True)
class Reread:
    """What reading the copies again has done; `touched` were changed by somebody here, and stay as they are."""

    batch: Batch | None = None
    changed: int = 0
    touched: int = 0
    barcodes: int = 0  # would take the barcode of another copy


def reread(session: Session, source: Source, *, by: str) -> Reread:
    """Read the copies that files of this source brought again, by its profile of today: one lot, undone as one.

    Only copies that nobody has touched since are changed, and none goes or comes: what another profile would
    find elsewhere in the records comes with the next import.
    """
    history.take(session, "change", 0)
    out = Reread()
    ids = list(session.scalars(_made_by(source)))
    places: dict[str, int | None] = {"": None}
    rows: list[tuple[Item, dict[str, Any]]] = []
    for part in db.chunks(ids):
        touched = _touched(session, part)
        out.touched += len(touched)
        for item in session.scalars(select(Item).where(Item.id.in_(part), Item.id.not_in(touched)).order_by(Item.id)):
            if values := _read_again(session, item, source.profile, places):
                rows.append((item, values))
    lost = items.barcodes_lost(session, [(item, {**items.snapshot(item), **values}) for item, values in rows])
    out.barcodes = len(lost)
    rows = [(item, values) for item, values in rows if item.id not in lost]
    if rows:
        out.batch = history.open_batch(session, REREAD, by=by, why=source.name)
        items.revise_many(session, rows, batch=out.batch)
        out.changed = len(rows)
    return out


def _made_by(source: Source) -> Select[Any]:
    """The copies that imports of this source have made."""
    return (
        select(Revision.entity_id)
        .join(Run, Run.batch_id == Revision.batch_id)
        .where(Run.source_id == source.id, Revision.entity == "item", Revision.version == 1)
        .distinct()
        .order_by(Revision.entity_id)
    )


def _touched(session: Session, item_ids: Sequence[int]) -> set[int]:
    """Among these copies, those that an act other than an import, or a reading like this one, has changed."""
    undone = aliased(Batch)
    statement = (
        select(Revision.entity_id)
        .join(Batch, Batch.id == Revision.batch_id)
        .outerjoin(undone, undone.id == Batch.undoes_id)
        .where(Revision.entity == "item", Revision.entity_id.in_(item_ids))
        .where(Batch.kind.not_in(("import", REREAD)), or_(undone.kind.is_(None), undone.kind != REREAD))
    )
    return set(session.scalars(statement))


def _read_again(
    session: Session, item: Item, profile: Mapping[str, Any], places: dict[str, int | None]
) -> dict[str, Any]:
    """What would change in a copy; nothing for one that this profile finds elsewhere."""
    fields: list[Field] = list(item.extra.get("fields", ()))
    habit = copies.habit_of(fields, profile) if fields else None
    if not fields or (habit is not None and not any(f["t"] == habit["field"] for f in fields)):
        return {}
    copy = copies.from_fields(fields, profile)
    meant = copies.meaning(copy, profile)
    if meant.location not in places:
        places[meant.location] = items.name_location(session, meant.location)
    said = {
        name: value for name, value in item.extra.items() if name not in ("fields", "note", "status", "type", "codes")
    }
    values: dict[str, Any] = {
        "call_number": copy.call_number,
        "inventory_number": copy.inventory_number,
        "section": meant.section,
        "status": meant.state,
        "location_id": places[meant.location],
        "extra": {**said, **items.extra_of(copy, profile)},
    }
    if copy.barcode != said.get("barcode_refused"):
        values["barcode"] = copy.barcode[: items.LONGEST_BARCODE] or None
    return {name: value for name, value in values.items() if getattr(item, name) != value}


def reread_words(done: Reread) -> list[str]:
    """What was done, in sentences."""
    n = {"changed": done.changed, "touched": done.touched, "barcodes": done.barcodes}
    shown = {name: format_number(count) for name, count in n.items()}
    words = [
        ngettext("%(changed)s exemplaire a été relu.", "%(changed)s exemplaires ont été relus.", done.changed) % shown
        if done.changed
        else _("Rien n’a changé : ces exemplaires disaient déjà cela.")
    ]
    if done.touched:
        text = ngettext(
            "%(touched)s a été modifié ici depuis, il n’a pas bougé.",
            "%(touched)s ont été modifiés ici depuis, ils n’ont pas bougé.",
            done.touched,
        )
        words.append(text % shown)
    if done.barcodes:
        text = ngettext(
            "%(barcodes)s prendrait le code-barres d’un autre, il n’a pas bougé.",
            "%(barcodes)s prendraient le code-barres d’un autre, ils n’ont pas bougé.",
            done.barcodes,
        )
        words.append(text % shown)
    return words


def find(session: Session, name: str) -> Source | None:
    source = sources.find(session, name)
    return source if source is not None and source.removed_at is None else None
