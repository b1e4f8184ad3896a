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

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import copies, db, desk_reading, imports, item_profiles, pmb, rereading, source_codes, sources, unimarc
from catalogue.copies import CODES
from catalogue.desk_history import item_status_words, title_or_none
from catalogue.i18n import N_, _, current_language, format_number
from catalogue.imports import RunLine
from catalogue.models import Claim, Notice, Run, Source, SourceRecord, SourceVersion
from catalogue.unimarc import KINDS, Field, Fields, Record, RecordItem

LOOKED_AT = 1_000  # records last received whose copies are read for the page
PREVIEWED = 5
CODES_SHOWN = 60
CHANGES_KEPT = 10
LONGEST_WORD = 80  # signs of a code or of what it means
KEPT = ("items", *CODES.values())  # what of a profile this page writes
OUR_STATES = ("available", "on_loan", "missing", "repair", "withdrawn")

SOURCE_KINDS = {"oai": N_("partenaire moissonné (OAI-PMH)"), "file": N_("fichiers importés")}
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


Meaning = tuple[str, str, str]  # about, code, what it means


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
    understood: bool  # the text; else nothing is read by it
    preview: tuple[PreviewCopy, ...]
    copies_read: int
    looked_at: int
    counted_all: bool  # the codes: in all that was received, not only in what was looked at
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


def page(
    session: Session,
    source: Source,
    *,
    text: str | None = None,
    meanings: Iterable[Meaning] = (),
    version: int | None = None,
) -> SourcePage:
    """The page; with another `text` and other `meanings`, what that profile would read; with a `version`, the
    profile of that time. A text that is not understood reads nothing: what another would read says nothing of it."""
    profile = {**_profile_of(source, version)}
    text = item_profiles.format_items(profile.get("items") or item_profiles.AUTO) if text is None else text
    chosen, problems = item_profiles.parse_items(text)
    tried = {**profile, **_with_meanings(profile, meanings), "items": chosen}
    received = list(_received(session, source))
    known = {**tried, "items": profile.get("items")} if problems else tried
    read = [(v, copy) for v in received for copy in read_copies(v.fields, v.items, known)]
    met, counted_all = _met(session, source, received, read)
    codes = list(_codes(met, profile))
    shown_codes = tuple(_some(codes))
    runs, _older = imports.list_runs(session, source_id=source.id)
    return SourcePage(
        name=source.name,
        kind=source.kind,
        facts=tuple((label, value) for label, value in _facts(session, source) if value),
        runs=tuple(runs[:5]),
        last_harvest=_last_harvest(session, source),
        text=text,
        codes=shown_codes,
        more_codes=len(codes) - len(shown_codes),
        understood=not problems,
        preview=() if problems else tuple(_preview(session, read[:PREVIEWED], tried)),
        copies_read=len(read),
        looked_at=len(received),
        counted_all=counted_all,
        versions=tuple(_versions(source)),
        rereadable=session.scalar(select(func.count()).select_from(rereading.made_by(source).subquery())) or 0,
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


def _met(
    session: Session, source: Source, received: Sequence[Received], read: Iterable[tuple[Received, RecordItem]]
) -> tuple[source_codes.Codes, bool]:
    """Codes met, in all the records as long as the profile reads the last ones as they were read when they came."""
    of_records: source_codes.Codes = Counter()
    for version in received:
        of_records.update(copies.codes_of(Record(version.fields)))
    now: source_codes.Codes = Counter()
    for _version, copy in read:
        now.update(copies.codes_of(Record([], (copy,))))
    then = Counter(
        (name, item[name]) for version in received for item in version.items for name in CODES if item.get(name)
    )
    if len(received) == LOOKED_AT and now == then:
        return source_codes.count_all(session, source), True
    return now + of_records, len(received) < LOOKED_AT


def _codes(met: source_codes.Codes, profile: Mapping[str, Any]) -> Iterator[CodeRow]:
    """Codes met, and those the profile names; what means nothing here yet comes first, then what somebody has
    answered, which can be corrected."""
    met = met.copy()
    for about, name in CODES.items():
        met.update({(about, code): 0 for code in profile.get(name) or {}})
    found = [_code_row(about, code, n, profile) for (about, code), n in met.items() if len(code) <= LONGEST_WORD]
    order = list(CODES)
    yield from sorted(
        found, key=lambda row: (row.is_known, not row.given, order.index(row.about), -row.count, row.code)
    )


def _some(codes: Sequence[CodeRow]) -> Iterator[CodeRow]:
    """As many as a page can hold; what was answered can always be corrected, and is there before the rest."""
    left = max(CODES_SHOWN // 2, CODES_SHOWN - sum(bool(row.given) for row in codes))
    others = [row for row in codes if not row.given][:left]
    yield from (row for row in codes if row.given or row in others)


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
    meanings: Iterable[Meaning],
    *,
    by: str,
) -> bool:
    """Keep how copies are read, and what codes mean: (about, code, meaning). False when nothing changes."""
    before = {name: source.profile[name] for name in KEPT if source.profile.get(name)}
    after: dict[str, Any] = _with_meanings(before, meanings)
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


def _with_meanings(profile: Mapping[str, Any], meanings: Iterable[Meaning]) -> dict[str, Any]:
    """What the codes mean, with what was said of some of them; a meaning left empty is forgotten."""
    after: dict[str, dict[str, str]] = {name: dict(profile.get(name) or {}) for name in CODES.values()}
    for about, code, means in meanings:
        if about not in CODES or not code or len(code) > LONGEST_WORD:
            continue
        allowed = [value for value, _words in choices(about)]
        means = means.strip()[:LONGEST_WORD]
        if means and (means in allowed or not allowed):
            after[CODES[about]][code] = means
        elif not means:
            after[CODES[about]].pop(code, None)
    return dict(after)


def is_name(name: str) -> bool:
    """Whether a source can be called so: browsers take « . » and « .. » out of the address of its page."""
    return any(c.isalnum() for c in name) and not {".", "..", ""} & set(name.split("/"))


def find(session: Session, name: str) -> Source | None:
    source = sources.find(session, name)
    return source if source is not None and source.removed_at is None else None
