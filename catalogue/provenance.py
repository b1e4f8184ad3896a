"""Where each value of a notice comes from, in words: « repris de RECI le 3 mars, gardé le nôtre depuis ».

And which records of others speak of it: who has linked them to it, when, and why.

A field occurrence says who says it ("o": "l" for us, else claims) and in which revision it came ("r"). A claim whose
record no longer says it, in the version agreed on, is one against which somebody kept ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db, source_terms
from catalogue.i18n import _, format_date, of
from catalogue.judgements import MACHINE
from catalogue.matching import reasons_of
from catalogue.merging import said
from catalogue.merging.slots import Said
from catalogue.models import Batch, Claim, Judgement, Notice, Revision, Source, SourceRecord, SourceVersion
from catalogue.notices import LOCAL
from catalogue.terms import Terms


@dataclass(frozen=True, slots=True)
class Speaker:
    """A source that says, or said, a value; `still`: it does in the version agreed on. `gone`: deleted there."""

    source: str
    still: bool
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Who says one field: us or not, which sources, and the lot that put it there."""

    ours: bool
    speakers: tuple[Speaker, ...]
    by: str = ""
    at: datetime | None = None
    kind: str = ""  # of that lot: edit, import, harvest, accept, rule, join…

    @property
    def sentence(self) -> str:
        """« saisi ici par claire le 3 mars 2024 », « repris de RECI le 3 mars 2024, gardé le nôtre depuis »."""
        on = format_date(self.at)
        if not self.speakers:
            return _("saisi ici par %(by)s le %(on)s") % {"by": self.by, "on": on}
        names = ", ".join(dict.fromkeys(s.source for s in self.speakers))
        if self.ours:
            text = _("saisi ici ; %(sources)s dit de même") % {"sources": names}
        elif self.kind == "rule":
            text = _("repris %(of_source)s le %(on)s par une règle de cette source")
            text %= {"of_source": of(names), "on": on}
        else:
            text = _("repris %(of_source)s le %(on)s") % {"of_source": of(names), "on": on}
        if not any(s.still for s in self.speakers):
            text += _(", gardé le nôtre depuis")
        elif all(s.gone for s in self.speakers):
            text += _(", supprimé chez eux depuis")
        return text


def of_notice(session: Session, notice: Notice) -> list[Origin]:
    """One origin a field, in the order of the record; four statements for all."""
    speakers = _speakers(session, {o for f in notice.fields for o in f.get("o", ()) if o != LOCAL})
    lots = _lots(session, {f["r"] for f in notice.fields if "r" in f})
    out = []
    for f in notice.fields:
        by, at, kind = lots.get(f.get("r", 0), ("", None, ""))
        who: Sequence[str | int] = f.get("o", ())
        says = said(f)
        known = [(name, says in words, gone) for o in who if o in speakers for name, words, gone in [speakers[o]]]
        out.append(Origin(LOCAL in who, tuple(Speaker(*row) for row in known), by, at, kind))
    return out


def _speakers(session: Session, claim_ids: Iterable[int]) -> dict[int | str, tuple[str, set[Said], bool]]:
    """Claim -> its source, what that said when it was agreed on, and whether it has deleted its record."""
    out: dict[int | str, tuple[str, set[Said], bool]] = {}
    for part in db.chunks(sorted(claim_ids)):
        statement = (
            select(Claim.id, Source.name, SourceVersion.fields, Claim.state)
            .join(SourceRecord, SourceRecord.id == Claim.record_id)
            .join(Source, Source.id == SourceRecord.source_id)
            .outerjoin(SourceVersion, SourceVersion.id == Claim.base_version_id)
            .where(Claim.id.in_(part))
        )
        for claim_id, name, fields, state in session.execute(statement):
            out[claim_id] = (name, {said(f) for f in fields or ()}, state == "withdrawn")
    return out


def _lots(session: Session, revisions: Iterable[int]) -> dict[int, tuple[str, datetime, str]]:
    out: dict[int, tuple[str, datetime, str]] = {}
    for part in db.chunks(sorted(revisions)):
        statement = select(Revision.id, Batch.by, Batch.at, Batch.kind).join(Batch, Batch.id == Revision.batch_id)
        for number, by, at, kind in session.execute(statement.where(Revision.id.in_(part))):
            out[number] = (by, at, kind)
    return out


# --- who speaks of it ------------------------------------------------------------------------

REASONS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Spoken:
    """A record of a source that speaks of a notice, and who has said that it does."""

    claim: int
    source: str
    terms: Terms
    identifier: str
    sentence: str
    reasons: tuple[str, ...]
    gone: bool  # its partner has deleted it
    may_part: bool  # « Ce n’est pas la même »: it was joined, and others speak of the notice too


def links_of(session: Session, notice: Notice) -> list[Spoken]:
    """The records that speak of this notice, in the order in which they came."""
    statement = (
        select(Claim, Source, SourceRecord.identifier, Judgement)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .join(Source, Source.id == SourceRecord.source_id)
        .outerjoin(Judgement, Judgement.id == Claim.judgement_id)
        .where(Claim.notice_id == notice.id, Claim.state.in_(("linked", "withdrawn")))
        .order_by(Claim.id)
    )
    rows = session.execute(statement).all()
    made = _made(session, [claim.id for claim, *_more in rows])
    voices = {o for f in notice.fields for o in f.get("o", ())}
    return [
        Spoken(
            claim=claim.id,
            source=source.name,
            terms=source_terms.of_source(source),
            identifier=identifier,
            sentence=_link_words(made.get(claim.id), judgement),
            reasons=tuple(_reasons(judgement))[:REASONS_SHOWN],
            gone=claim.state == "withdrawn",
            may_part=claim.id in made and voices != {claim.id},
        )
        for claim, source, identifier, judgement in rows
    ]


def _made(session: Session, claim_ids: Sequence[int]) -> dict[int, Batch]:
    """Claim -> the lot that joined its record to the notice; one that the notice was made from is not there."""
    statement = (
        select(Revision.entity_id, Batch)
        .join(Batch, Batch.id == Revision.batch_id)
        .where(Revision.entity == "claim", Revision.entity_id.in_(claim_ids), Revision.before.is_(None))
        .order_by(Revision.id)
    )
    return {claim_id: batch for claim_id, batch in session.execute(statement)}


def _link_words(lot: Batch | None, judgement: Judgement | None) -> str:
    if judgement is not None and judgement.by != MACHINE:
        said_so = {"by": judgement.by, "on": format_date(judgement.at)}
        return _("%(by)s a dit le %(on)s que c’est la même.") % said_so
    if judgement is not None:
        return _("Travée l’a reconnue le %(on)s.") % {"on": format_date(judgement.at)}
    if lot is not None:
        return _("Reliée le %(on)s à son numéro, par %(by)s.") % {"by": lot.by, "on": format_date(lot.at)}
    return _("La notice a été faite d’après elle.")


def _reasons(judgement: Judgement | None) -> Iterable[str]:
    """Why, in sentences: what somebody wrote, what the rules of recognition found."""
    kept = judgement.reasons if judgement is not None else ()
    yield from (row for row in kept if isinstance(row, str))
    rows = [row for row in kept if isinstance(row, Mapping) and "code" in row]
    yield from (reason.sentence for reason in reasons_of({"reasons": rows}))
