"""Saving what a person typed: the one door from the desk's forms to notices and copies.

A draft accepts anything and erases nothing; a notice is published once nothing holds it back. A save made on
an older state changes nothing: it comes back as a comparison, value by value, with everything that was typed.
Every save is a lot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import authorities, db, form, history, items, judgements, notices, sources
from catalogue.form import Journal, Term, Values
from catalogue.headings import OURS
from catalogue.i18n import _, current_language
from catalogue.identifiers import format_isbn
from catalogue.models import Agent, Batch, ConceptScheme, Item, Notice, NoticeIdentifier, NoticeLink, Revision
from catalogue.models.place import ITEM_STATUSES
from catalogue.problems import Problem
from catalogue.text import fold, sort_key
from catalogue.unimarc import KINDS, Fields, RecordItem, identifiers, occurrence
from catalogue.validation import validate

# What a button asks -> the status it leads to; "" keeps the one it has (a new notice is a draft).
ASKED = {"save": "", "publish": "published", "propose": "candidate"}
EDITABLE = ("draft", "candidate", "published", "withdrawn")
RECENT_ISSUES = 200  # of a journal, among which the issue of an article is looked for
UNFINISHED = ("draft", "candidate")  # what a contributor may write in


@dataclass(frozen=True, slots=True)
class Other:
    """Another notice that carries the same identifier."""

    address: str
    title: str
    status: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of the form that is not the same any more: what I typed, what stands there now."""

    key: str
    label: str
    mine: tuple[str, ...]
    now: tuple[str, ...]
    choice: str  # "mine" or "now", the one proposed
    both: bool  # both sides changed it: look twice


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a save. `done`: "saved", "published", "proposed", "unchanged"; or, and nothing was written,
    "problems", "duplicate", "stale", "copy" (what is wrong is in the copy that came with it)."""

    done: str
    address: str = ""
    batch_id: int | None = None
    problems: tuple[Problem, ...] = ()
    others: tuple[Other, ...] = ()
    synonyms: tuple[tuple[str, str], ...] = ()
    compared: tuple[Compared, ...] = ()
    version: int = 0


def save(
    session: Session,
    notice: Notice | None,
    values: Mapping[str, Sequence[str]],
    *,
    by: str,
    asked: str = "save",
    version: int = 0,
    choices: Mapping[str, str] | None = None,
    not_the_same: Collection[str] = (),
    why: str = "",
    new_address: str = "",
    copy: Copy | None = None,
) -> Outcome:
    """Write the form's values into a notice, new or at `version`; `choices` says, after a comparison, what to take.

    `not_the_same` are the addresses of notices that the person has looked at and told from this one: it is kept as
    their judgement. `copy` is a first copy, described in the same form, which is added once.
    """
    copy, wrong = _to_add(session, copy)
    base: Fields = notice.fields if notice else []
    if notice is not None and notice.version == version:
        values = _chosen(base, values, choices or {})
    elif notice is not None and not _is_said_already(notice, values, asked):
        return _compare(session, notice, values, version)
    elif notice is not None and copy is None:
        return Outcome("unchanged", notice.address, version=notice.version)
    after, synonyms = _linked(session, base, form.write(base, values))
    problems = validate(after, form.kind_of(after))
    status = ASKED[asked] or (notice.status if notice else "draft")
    held_back = _held_back(problems, notice, status)
    address = notice.address if notice else ""
    if held_back:
        told = (p if p in held_back or p.level != "error" else replace(p, level="warning") for p in problems)
        return Outcome("problems", address, problems=tuple(told), version=version)
    if wrong is not None:
        return Outcome("copy", address, problems=(*problems, wrong), version=version)
    others = _others(session, notice, base, after)
    if status == "published" and any(other.address not in not_the_same for other in others):
        return Outcome("duplicate", address, problems=tuple(problems), others=others, version=version)
    kind, done = _named(notice, status)
    if notice is None:
        batch = history.open_batch(session, kind, by=by, why=why)
        notice = notices.create(session, after, by=by, status=status, batch=batch, address=new_address)
    else:
        same = [occurrence(f) for f in after] == [occurrence(f) for f in notice.fields]
        if same and status == notice.status and copy is None:
            _tell_apart(session, notice, not_the_same, by=by)
            return Outcome("unchanged", address, problems=tuple(problems), version=version)
        batch = history.open_batch(session, kind, by=by, why=why)
        notices.revise(session, notice, after, by=by, status=status, batch=batch)
    if copy is not None:
        _put_copy(session, notice, copy, batch)
    _tell_apart(session, notice, not_the_same, by=by, batch=batch)
    return Outcome(done, notice.address, batch.id, tuple(problems), others, synonyms, version=notice.version)


def _is_said_already(notice: Notice, values: Mapping[str, Sequence[str]], asked: str) -> bool:
    """A form sent twice: the notice says all of it, and stands where the button leads."""
    status = ASKED[asked] or notice.status
    return status == notice.status and form.tidy(values).items() <= form.read(notice.fields).items()


def _tell_apart(
    session: Session, notice: Notice, addresses: Collection[str], *, by: str, batch: Batch | None = None
) -> None:
    """« Ce n’est pas la même », once: what was judged so already is left alone."""
    others = session.execute(select(Notice.id, Notice.status).where(Notice.address.in_(list(addresses)))).all()
    here = judgements.end_of(session, notice.id, candidate=notice.status == "candidate")
    ends = [(here, judgements.end_of(session, n, candidate=status == "candidate")) for n, status in others]
    known = judgements.verdict(session, ends)
    for pair in ends:
        if pair[0] != pair[1] and (pair not in known or known[pair].verdict != "different"):
            batch = batch or history.open_batch(session, "judge", by=by)
            judgements.judge(session, *pair, "different", by=by, batch=batch)


def _named(notice: Notice | None, status: str) -> tuple[str, str]:
    """(kind of lot, what was done)."""
    if status == "published" and (notice is None or notice.status != "published"):
        return "publish", "published"
    if status == "candidate" and (notice is None or notice.status != "candidate"):
        return "propose", "proposed"
    return ("create" if notice is None else "edit"), "saved"


def _held_back(problems: Iterable[Problem], notice: Notice | None, status: str) -> list[Problem]:
    """What forbids this save: only publishing is ever refused, and never for what was so before it.

    An import may publish what lacks a subject; correcting a comma there must not demand the subject.
    """
    if status != "published":
        return []
    errors = [p for p in problems if p.level == "error"]
    if notice is None or notice.status != "published":
        return errors
    before = validate(notice.fields, form.kind_of(notice.fields))
    known = {(p.tag, p.code, p.params.get("value")) for p in before}
    return [p for p in errors if (p.tag, p.code, p.params.get("value")) not in known]


def decide(session: Session, notice: Notice, asked: str, *, by: str) -> Outcome:
    """Publish a candidate, or put it aside (its address lives on): a lot of its own.

    What a partner describes is published as it came; what was written here still needs what publishing needs.
    """
    if notice.status != "candidate":
        return Outcome("unchanged", notice.address)
    if asked == "publish" and not sources.origins(session, notice):
        problems = validate(notice.fields, form.kind_of(notice.fields))
        if any(p.level == "error" for p in problems):
            return Outcome("problems", notice.address, problems=tuple(problems))
    batch = history.open_batch(session, asked, by=by)
    notices.set_status(session, notice, "published" if asked == "publish" else "withdrawn", by=by, batch=batch)
    return Outcome("published" if asked == "publish" else "put_aside", notice.address, batch.id)


# --- two people at once ----------------------------------------------------------------------


def fields_at(session: Session, notice: Notice, version: int) -> Fields | None:
    """The notice as it was at a version: what the next revision found."""
    if version == notice.version:
        return list(notice.fields)
    before = session.scalar(
        select(Revision.before).where(
            Revision.entity == "notice", Revision.entity_id == notice.id, Revision.version == version + 1
        )
    )
    return list(before["fields"]) if before else None


def _compare(session: Session, notice: Notice, values: Mapping[str, Sequence[str]], version: int) -> Outcome:
    base = fields_at(session, notice, version)
    now = form.read(notice.fields)
    # What was typed, on the fields it was typed on; a base nobody knows counts as the present one.
    mine = form.tidy(values)
    before = form.read(base) if base is not None else now
    rows = []
    for key, columns in [(form.KIND, (form.KIND,)), *((f.key, _names(f)) for f in form.FORM.values())]:
        if columns[0] not in mine:
            continue
        ours, theirs, first = (_rows(side, columns) for side in (mine, now, before))
        if ours != theirs:
            choice = "now" if ours == first else "mine"
            both = first not in (ours, theirs)
            rows.append(Compared(key, label_of(key), _words(key, ours), _words(key, theirs), choice, both))
    return Outcome("stale", notice.address, compared=tuple(rows), version=notice.version)


def _chosen(
    base: Fields, values: Mapping[str, Sequence[str]], choices: Mapping[str, str]
) -> Mapping[str, Sequence[str]]:
    now = form.read(base)
    out = dict(values)
    for key, side in choices.items():
        if side == "now" and (key in form.FORM or key == form.KIND):
            for name in (form.KIND,) if key == form.KIND else _names(form.FORM[key]):
                out[name] = now[name]
    return out


def _names(form_field: form.FormField) -> tuple[str, ...]:
    return tuple(column.name for column in form_field.columns)


def _rows(values: Values, names: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(values.get(name, []) for name in names), strict=False))


def _words(key: str, rows: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Each value in words: « Dupont, Anne (traducteur) »."""
    if key == form.KIND:
        return tuple(kind_label(code) for (code,) in rows if code)
    out = []
    for row in rows:
        columns = form.FORM[key].columns
        words = [form.choice_label(c, t) if c.choices else t for c, t in zip(columns, row, strict=True) if t]
        out.append(f"{words[0]} ({', '.join(words[1:])})" if len(words) > 1 else "".join(words))
    return tuple(out)


def label_of(key: str) -> str:
    return _("Type de document") if key == form.KIND else form.FORM[key].label


def kind_label(code: str) -> str:
    kind = KINDS.get(code)
    return code if kind is None else kind.en if current_language() == "en" else kind.fr


# --- what a save finds out -------------------------------------------------------------------


def _linked(session: Session, before: Fields, after: Fields) -> tuple[Fields, tuple[tuple[str, str], ...]]:
    terms = find_terms(session, form.typed_subjects(before, after))
    journals = find_journals(session, form.typed_journals(before, after))
    names = find_names(session, form.typed_names(before, after))
    fields, told = form.link(before, after, terms, journals, names)
    return fields, tuple(told)


def find_names(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Our numbers of people and bodies by folded name, where only one of ours answers to it."""
    wanted = {fold(name) for name in names}
    keys = {sort_key(name) for name in names}
    found: dict[str, list[int]] = {}
    for part in db.chunks(sorted(keys)):
        statement = select(Agent.id, Agent.name).where(Agent.sort_key.in_(part), Agent.status == "accepted")
        for number, name in session.execute(statement):
            found.setdefault(fold(name), []).append(number)
    return {name: f"{OURS}:{same[0]}" for name, same in found.items() if name in wanted and len(same) == 1}


def find_terms(session: Session, labels: Sequence[str]) -> dict[str, Term]:
    """Terms of our thesauri by the folded words they answer to."""
    known = authorities.find_concepts(session, labels) if labels else {}
    codes = {number: code for number, code in session.execute(select(ConceptScheme.id, ConceptScheme.code))}
    return {words: Term(concept.label, codes[concept.scheme_id]) for words, concept in known.items()}


def find_journals(session: Session, titles: Sequence[str]) -> dict[str, Journal]:
    """Journals of ours by folded title, where only one answers to it."""
    if not titles:
        return {}
    found: dict[str, list[Notice]] = {}
    statement = select(Notice).where(
        Notice.level == "serial",
        Notice.status.in_(("published", "draft", "candidate")),
        Notice.sort_key.in_({sort_key(title) for title in titles}),
    )
    for notice in session.scalars(statement):
        found.setdefault(fold(notice.title), []).append(notice)
    alone = {words: same[0] for words, same in found.items() if len(same) == 1}
    numbers = select(NoticeIdentifier.notice_id, NoticeIdentifier.value).where(
        NoticeIdentifier.notice_id.in_({n.id for n in alone.values()}), NoticeIdentifier.scheme == "issn"
    )
    issns = {notice_id: issn for notice_id, issn in session.execute(numbers)}
    return {
        words: Journal(n.title, n.address, issns.get(n.id, ""), _issues_of(session, n)) for words, n in alone.items()
    }


def _issues_of(session: Session, serial: Notice) -> dict[str, str]:
    """The addresses of a journal's latest issues by their folded numbers; a number given twice leads to none."""
    statement = (
        select(Notice.address, Notice.fields)
        .join(NoticeLink, NoticeLink.notice_id == Notice.id)
        .where(NoticeLink.target_id == serial.id, NoticeLink.relation == "host_serial", Notice.level == "issue")
        .where(Notice.status.in_(("published", "draft", "candidate")))
        .order_by(Notice.id.desc())
        .limit(RECENT_ISSUES)
    )
    found: dict[str, list[str]] = {}
    for address, fields in session.execute(statement):
        if number := form.read_some(fields, ("number",))["number"]:
            found.setdefault(fold(number[0]), []).append(address)
    return {number: same[0] for number, same in found.items() if len(same) == 1}


def _others(session: Session, notice: Notice | None, before: Fields, after: Fields) -> tuple[Other, ...]:
    """Notices with an identifier this save brings in; an ISSN belongs to the journal alone."""
    schemes = {"isbn", "doi"} | ({"issn"} if form.kind_of(after) == "serial" else set())
    known = set(identifiers(before)) if notice and notice.status == "published" else set()
    wanted = [pair for pair in identifiers(after) if pair[0] in schemes and pair not in known]
    out: dict[int, Other] = {}
    for (scheme, value), numbers in notices.find_by_identifier(session, wanted).items():
        for number in numbers:
            if notice is None or number != notice.id:
                other = notices.get(session, number)
                out[number] = Other(
                    other.address, other.title, other.status, format_isbn(value) if scheme == "isbn" else value
                )
    return tuple(out[number] for number in sorted(out))


# --- copies ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Copy:
    """What the form of a copy says."""

    call_number: str = ""
    barcode: str = ""
    location: str = ""
    section: str = ""
    inventory_number: str = ""
    status: str = "available"
    hidden: bool = False  # from the public
    code: str = ""  # the one it is to have, which the form carries: sent twice, it adds one copy


@dataclass(frozen=True, slots=True)
class CopyOutcome:
    batch_id: int | None = None
    problems: tuple[Problem, ...] = field(default=())
    stale: bool = False


def add_copy(session: Session, notice: Notice, copy: Copy, *, by: str) -> CopyOutcome:
    """A new copy of a notice, ours."""
    fresh, wrong = _to_add(session, copy)
    if wrong is not None:
        return CopyOutcome(problems=(wrong,))
    if fresh is None:
        return CopyOutcome()
    batch = history.open_batch(session, "copy", by=by)
    _put_copy(session, notice, fresh, batch)
    return CopyOutcome(batch.id)


def _to_add(session: Session, copy: Copy | None) -> tuple[Copy | None, Problem | None]:
    """The copy, None when the same form has added it already (a double click, the Back button); what is wrong."""
    if copy is None:
        return None, None
    known = session.scalar(select(Item).where(Item.code == copy.code)) if copy.code else None
    if known is None:
        return copy, _barcode_elsewhere(session, copy.barcode, None)
    stands = known.call_number, known.barcode or "", known.inventory_number
    if stands == (copy.call_number, copy.barcode, copy.inventory_number):
        return None, None
    said = {"call_number": known.call_number or known.code}
    return copy, Problem("995", "f", "item.added_before", "error", said)


def _put_copy(session: Session, notice: Notice, copy: Copy, batch: Batch) -> None:
    received = RecordItem(
        barcode=copy.barcode,
        call_number=copy.call_number,
        location=copy.location,
        section=copy.section,
        inventory_number=copy.inventory_number,
        hidden=items.HIDDEN_HERE if copy.hidden else None,
    )
    items.add_many(session, [(notice.id, received)], batch=batch, codes=[copy.code] if copy.code else ())


def revise_copy(session: Session, item: Item, copy: Copy, *, by: str, version: int) -> CopyOutcome:
    """Change a copy; nothing is written when somebody else changed it meanwhile."""
    if item.version != version:
        return CopyOutcome(stale=True)
    if problem := _barcode_elsewhere(session, copy.barcode, item):
        return CopyOutcome(problems=(problem,))
    values: dict[str, Any] = {
        "call_number": copy.call_number,
        "barcode": copy.barcode or None,
        "location_id": items.name_location(session, copy.location),
        "section": copy.section,
        "inventory_number": copy.inventory_number,
        "status": copy.status if copy.status in ITEM_STATUSES else item.status,
    }
    if copy.hidden != bool(items.why_hidden(item)):
        values["extra"] = items.with_hidden(item.extra, items.HIDDEN_HERE if copy.hidden else ())
    if all(getattr(item, name) == value for name, value in values.items()):
        return CopyOutcome()
    batch = history.open_batch(session, "copy", by=by)
    items.revise(session, item, values, by=by, batch=batch)
    return CopyOutcome(batch.id)


def _barcode_elsewhere(session: Session, barcode: str, item: Item | None) -> Problem | None:
    """A barcode names one copy only: said beside the field, and where the other copy is."""
    if not barcode:
        return None
    taken = items.barcodes_taken(session, notices.our_centre(session), [barcode]).get(barcode)
    if taken is None or (item is not None and taken == item.id):
        return None
    other = session.get_one(Item, taken)
    title = notices.get(session, other.notice_id).title
    return Problem("995", "f", "item.barcode_elsewhere", "error", {"barcode": barcode, "title": title})
