"""What an import says of itself: read from its run, as values for a page, a JSON document or a spreadsheet.

The importer leaves its counts and its report with the run at every transaction (`harvest.report`), so an import
that was killed has said what it did until then. What can change is looked up now: where a record's notice
lives, which refused records still wait, which codes its source's profile has learnt to read since, whether the
lot can be taken back.

Who may not decide on notices (`sees_all`) sees what the public will see: of a record whose notice is not
published, its place in the file and what is wrong, not its title nor what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from catalogue import copies, db, form, import_words, lots, proposals, sources
from catalogue.desk_history import NOT_UNDOABLE, title_or_none
from catalogue.i18n import N_, _
from catalogue.import_words import counted
from catalogue.models import Batch, Claim, Notice, Refused, Revision, Run, Source, SourceRecord
from catalogue.problems import Refusal, sentence

RUNS_PER_PAGE = 25
REFUSED_SHOWN = 50
CODES_SHOWN = 300
SILENT = timedelta(minutes=15)  # an import that has said nothing for so long has been killed

OTHERS_SHOWN = 5  # values of a problem, beside the one in its sentence
# What is said of the file itself, though its reader may say it beside a record.
OF_FILE = (
    "sheet.column",
    "sheet.read_as",
    "sheet.other_sheets",
    "sheet.lines_above",
    "pmbsql.",
    "charset.windows_file",
)
# Of the tables of a base: those that were taken, and those that are its program's own affair. Both are folded.
TAKEN = ("pmbsql.taken",)
TECHNICAL = ("pmbsql.left_derived", "pmbsql.left_settings", "pmbsql.left_personal")
# Notices that are known here, and that their record has not changed, or not by itself.
UNCHANGED = ("record.says_less", "record.other_document", "record.hidden_since", "record.hidden_there")
# Of what a sentence is made of, what says nothing of the document.
HARMLESS = frozenset(("position", "row", "line", "limit", "columns", "tag", "label", "charset", "code"))

LEVELS: Mapping[str, str] = {
    "info": N_("pour information"),
    "warning": N_("à vérifier"),
    "error": N_("à compléter"),
}
ABOUT: Mapping[str, str] = {
    "status": N_("État"),
    "location": N_("Emplacement"),
    "section": N_("Section"),
    "type": N_("Type"),
}
STATES: Mapping[str, str] = {
    "waiting": N_("attend"),
    "settled": N_("entrée depuis"),
    "aside": N_("mise de côté"),
}


@dataclass(frozen=True, slots=True)
class RunLine:
    """One import in the list of them."""

    id: int
    file: str
    source: str
    at: datetime
    state: str
    trouble: bool
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Met:
    """A record where a problem was met; `address` and `title` when its notice is known, and may be seen."""

    position: int
    identifier: str
    value: str
    sentence: str
    address: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class ToldLine:
    """A problem: the sentence with the values of the first record, how often, and in which records first."""

    code: str
    tag: str
    subfield: str
    level: str
    checked: bool
    count: int
    sentence: str
    first: tuple[Met, ...]

    @property
    def of_file(self) -> bool:
        """Whether this is said of the whole file, not of some of its records."""
        return self.code.startswith(OF_FILE) or (bool(self.first) and not self.first[0].position)

    @property
    def others(self) -> tuple[str, ...]:
        """Values other than the first one, which stands in the sentence."""
        values = dict.fromkeys(met.value for met in self.first if met.value)
        return tuple(values)[1 : OTHERS_SHOWN + 1]

    @property
    def place(self) -> str:
        """« 010 $a », for who knows the format."""
        return f"{self.tag} ${self.subfield}" if self.subfield else self.tag

    @property
    def field(self) -> str:
        return import_words.field_label(self.tag, self.subfield)

    @property
    def level_words(self) -> str:
        return _(LEVELS[self.level])


@dataclass(frozen=True, slots=True)
class RefusedLine:
    id: int
    position: int
    identifier: str
    title: str
    code: str
    sentence: str
    state: str  # waiting | settled | aside
    by: str

    @property
    def state_words(self) -> str:
        return _(STATES[self.state])


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A code of the source that means nothing here yet."""

    about: str
    code: str
    count: int

    @property
    def about_words(self) -> str:
        return _(ABOUT[self.about])


@dataclass(frozen=True, slots=True)
class ImportPage:
    id: int
    file: str
    source: str
    format: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float
    status: str
    state: str
    reason: str
    counts: Mapping[str, int]
    entered: tuple[str, ...]
    refused_words: str
    kinds: tuple[tuple[str, int], ...]  # of the notices made, by code
    told: tuple[ToldLine, ...]
    more_told: int
    codes: tuple[CodeLine, ...]
    more_codes: int
    refused: tuple[RefusedLine, ...]  # the first `REFUSED_SHOWN`; `refused` has them all
    refused_count: int
    refused_waiting: int
    elsewhere: int  # refused records that another import of the same file has met again since
    waiting: tuple[str, ...]
    in_inbox: bool
    lot: int | None
    not_undoable: str
    stopped: bool = False

    @property
    def read_as(self) -> tuple[tuple[ToldLine, str], ...]:
        """How the file was read: each column of a sheet, each table of a base, and what was supposed to read it."""
        lines = (line for line in self.told if line.of_file and line.code not in TAKEN + TECHNICAL)
        return tuple((line, met.sentence) for line in lines for met in line.first)

    @property
    def taken(self) -> tuple[str, ...]:
        """The tables of a base that came in."""
        return self._sentences(TAKEN)

    @property
    def technical(self) -> tuple[str, ...]:
        """The tables of a base that describe no document."""
        return self._sentences(TECHNICAL)

    def _sentences(self, codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(met.sentence for line in self.told if line.code in codes for met in line.first)

    @property
    def repaired(self) -> tuple[ToldLine, ...]:
        return tuple(line for line in self.told if not (line.checked or line.of_file or line.code in UNCHANGED))

    @property
    def left_alone(self) -> tuple[ToldLine, ...]:
        """Why notices that are known here do not say what the file says."""
        return tuple(line for line in self.told if line.code in UNCHANGED)

    @property
    def codes_about(self) -> tuple[tuple[str, tuple[CodeLine, ...]], ...]:
        """The codes that mean nothing here yet, by what they are about."""
        return tuple((words, tuple(lines)) for words, lines in groupby(self.codes, lambda line: line.about_words))

    @property
    def to_check(self) -> tuple[ToldLine, ...]:
        return tuple(line for line in self.told if line.checked)


# --- the list --------------------------------------------------------------------------------


def list_runs(session: Session, page: int = 1, *, source_id: int | None = None) -> tuple[list[RunLine], bool]:
    """A page of imports, newest first, and whether there are older ones. The reports stay where they are."""
    statement = (
        select(Run, Source.name, Run.checkpoint["file"].as_string(), Run.checkpoint["at"].as_string())
        .join(Source, Source.id == Run.source_id)
        .where(Run.kind == "import")
        .options(defer(Run.checkpoint))
        .order_by(Run.id.desc())
        .limit(RUNS_PER_PAGE + 1)
        .offset((page - 1) * RUNS_PER_PAGE)
    )
    if source_id is not None:
        statement = statement.where(Run.source_id == source_id)
    lines = [_run_line(run, name, file or "", said or "") for run, name, file, said in session.execute(statement)]
    return lines[:RUNS_PER_PAGE], len(lines) > RUNS_PER_PAGE


def _run_line(run: Run, source: str, file: str, said: str) -> RunLine:
    state, stopped = _state(run, said)
    why = _reason(run)
    told = [*([why] if why else []), *import_words.in_short(run.counts)]
    return RunLine(run.id, file, source, run.started_at, state, stopped or run.status == "incomplete", tuple(told))


def _state(run: Run, said: str) -> tuple[str, bool]:
    """In words, and whether it has stopped without saying why."""
    if run.status == "running":
        last = datetime.fromisoformat(said) if said else run.started_at
        if db.now() - last > SILENT:
            return _("arrêté en route"), True
        return _("en cours"), False
    return (_("complet"), False) if run.status == "complete" else (_("incomplet"), False)


def _reason(run: Run) -> str:
    return sentence(run.reason["code"], run.reason.get("params")) if run.reason else ""


# --- one import ------------------------------------------------------------------------------


def find(session: Session, run_id: int) -> tuple[Run, Source] | None:
    run = session.get(Run, run_id)
    return (run, session.get_one(Source, run.source_id)) if run is not None and run.kind == "import" else None


def page(session: Session, run: Run, source: Source, *, sees_all: bool = True) -> ImportPage:
    kept: Mapping[str, Any] = run.checkpoint.get("report") or {}
    counts = run.counts
    state, stopped = _state(run, run.checkpoint.get("at", ""))
    count = select(func.count(Refused.id), func.count(Refused.settled_at)).where(Refused.run_id == run.id)
    n_refused, n_settled = session.execute(count).one()
    codes = tuple(unknown_codes(kept.get("codes") or {}, source.profile))
    batch = session.get(Batch, run.batch_id) if run.batch_id else None
    code = lots.why_not(session, batch) if batch else ""
    candidates = _candidates(session, batch) if batch else 0
    asked = proposals.count(session, run_id=run.id)
    proposed = sum(asked[category] for category in proposals.CATEGORIES)
    told = tuple(_told(session, source, kept.get("told") or (), sees_all))
    no_notices = import_words.only_authorities(counts)
    return ImportPage(
        id=run.id,
        file=run.checkpoint.get("file", ""),
        source=source.name,
        format=kept.get("format", ""),
        started_at=run.started_at,
        ended_at=run.ended_at,
        seconds=float(kept.get("seconds", 0)),
        status=run.status,
        state=state,
        reason=_reason(run) or (sentence("import.interrupted") if stopped else ""),
        counts=counts,
        entered=tuple(words for _name, _n, words in import_words.entered(counts)),
        refused_words=counted("authorities_refused" if no_notices else "refused", n_refused),
        kinds=tuple(_most(kept.get("kinds") or {})),
        told=told,
        more_told=int(kept.get("more_told", 0)),
        codes=codes[:CODES_SHOWN],
        more_codes=max(0, len(codes) - CODES_SHOWN),
        refused=tuple(refused(session, run, sees_all=sees_all, limit=REFUSED_SHOWN)),
        refused_count=n_refused,
        refused_waiting=n_refused - n_settled,
        elsewhere=max(0, counts.get("refused", 0) - n_refused),
        waiting=tuple(_waiting(candidates, proposed, counts, told)),
        in_inbox=bool(candidates or proposed),
        lot=batch.id if batch else None,
        not_undoable=_(NOT_UNDOABLE[code]) if code else "",
        stopped=stopped,
    )


def _waiting(candidates: int, proposed: int, counts: Mapping[str, int], told: Iterable[ToldLine]) -> Iterator[str]:
    """What a person still has to see to, refused records aside."""
    if candidates:
        yield counted("candidates", candidates)
    if proposed:
        yield counted("waiting", proposed)
    if n := counts.get("to_complete", 0):
        lacking = [(line.tag, line.subfield, line.count) for line in told if line.checked and line.level == "error"]
        yield f"{counted('to_complete', n)} {import_words.missing(lacking)}".rstrip()


def _candidates(session: Session, batch: Batch) -> int:
    made = select(Revision.entity_id).where(
        Revision.batch_id == batch.id, Revision.entity == "notice", Revision.version == 1
    )
    statement = select(func.count()).select_from(Notice).where(Notice.id.in_(made), Notice.status == "candidate")
    return session.scalar(statement) or 0


def _most(counted: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))


# --- problems --------------------------------------------------------------------------------


def _told(session: Session, source: Source, kept: Sequence[Mapping[str, Any]], sees_all: bool) -> Iterator[ToldLine]:
    """Warnings before what is only said, the most frequent first; what is said of the file, as its reader says it."""
    homes = _homes(session, source, {met[1] for told in kept for met in told["first"] if met[1]})
    rank = {level: n for n, level in enumerate(("warning", "error", "info"))}

    def place(told: Mapping[str, Any]) -> tuple[int, int, str, str]:
        if told["code"].startswith(OF_FILE):
            return 0, 0, "", ""
        return rank.get(told["level"], 3), -told["count"], told["code"], told["tag"]

    for told in sorted(kept, key=place):
        of_file = told["code"].startswith(OF_FILE)
        first = tuple(
            _met(told, met, homes.get(met[1]), shown=sees_all or of_file or not met[0]) for met in told["first"]
        )
        clear = [met for met in first if met.value] or list(first)
        yield ToldLine(
            code=told["code"],
            tag=told["tag"],
            subfield=told["subfield"],
            level=told["level"],
            checked=told["checked"],
            count=told["count"],
            sentence=clear[0].sentence if clear else sentence(told["code"], {"tag": told["tag"]}),
            first=first,
        )


def _met(told: Mapping[str, Any], met: Sequence[Any], home: _Home | None, *, shown: bool) -> Met:
    position, identifier, given = met
    public = shown or (home is not None and home.status == "published")
    params = given if public else {k: v if k in HARMLESS else "…" for k, v in given.items()}
    return Met(
        position,
        identifier if public else "",
        _value(params) if public else "",
        sentence(told["code"], {"tag": told["tag"], **_labelled(told["tag"], told["subfield"], params)}),
        home.address if home and public else "",
        home.title if home and public else "",
    )


def _labelled(tag: str, subfield: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The label of a field in the reader's language, not in that of the import."""
    key = form.field_of(tag, subfield) if "label" in params else ""
    return {**params, "label": form.FORM[key].label} if key in form.FORM else params


def _value(params: Mapping[str, Any]) -> str:
    """What differs from one record to the next: the value itself."""
    return " · ".join(str(value) for name, value in params.items() if name not in ("label", "position", "tag", "limit"))


class _Home(NamedTuple):
    address: str
    title: str
    status: str


def _homes(session: Session, source: Source, identifiers: Iterable[str]) -> dict[str, _Home]:
    """The notices of these records, by their identifier."""
    out: dict[str, _Home] = {}
    for part in db.chunks(sorted(identifiers)):
        statement = (
            select(SourceRecord.identifier, Notice.address, Notice.title, Notice.status)
            .join(Claim, Claim.record_id == SourceRecord.id)
            .join(Notice, Notice.id == Claim.notice_id)
            .where(SourceRecord.source_id == source.id, SourceRecord.identifier.in_(part), Claim.state == "linked")
            .order_by(Claim.id)
        )
        for identifier, address, title, status in session.execute(statement):
            out[identifier] = _Home(address, title_or_none(title.partition("\n")[0]), status)
    return out


def unknown_codes(codes: Mapping[str, Mapping[str, int]], profile: Mapping[str, Any]) -> Iterator[CodeLine]:
    """Codes that mean nothing here, the most frequent first; none for too many different ones to tell apart."""
    for about in ABOUT:
        for code, n in _most(codes.get(about) or {}):
            if not copies.is_known(about, code, profile):
                yield CodeLine(about, code, n)


# --- refused records -------------------------------------------------------------------------


def refused(session: Session, run: Run, *, sees_all: bool = True, limit: int | None = None) -> Iterator[RefusedLine]:
    """The refused records of an import, as they stood in the file, read as they are asked for."""
    statement = select(Refused).where(Refused.run_id == run.id).options(defer(Refused.raw)).limit(limit)
    for row in session.scalars(statement.order_by(Refused.position, Refused.id)).yield_per(1000):
        aside = str(row.params.get(sources.ASIDE, ""))
        params = row.params if sees_all else {k: v if k in HARMLESS else "…" for k, v in row.params.items()}
        yield RefusedLine(
            id=row.id,
            position=row.position,
            identifier=row.identifier if sees_all else "",
            title=str(row.params.get("title", "")) if sees_all else "",
            code=row.code,
            sentence=sentence(row.code, params),
            state="aside" if aside else "settled" if row.settled_at else "waiting",
            by=aside,
        )


def still_refused(session: Session, refused_ids: Iterable[int]) -> list[Refusal]:
    """Those of these that wait, each with why."""
    out = []
    for part in db.chunks(refused_ids):
        statement = select(Refused).where(Refused.id.in_(part), Refused.settled_at.is_(None))
        for row in session.scalars(statement.options(defer(Refused.raw)).order_by(Refused.id)):
            out.append(Refusal(row.position, row.identifier, row.code, row.params))
    return out
