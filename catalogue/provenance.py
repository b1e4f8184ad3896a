"""Where each value of a notice comes from, in words: « repris de RECI le 3 mars, gardé le nôtre depuis ».

A field occurrence says who says it ("o": "l" for us, else claims) and in which revision it came ("r"). A claim whose
record no longer says it, in the version agreed on, is one against which somebody kept ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.i18n import _, format_date
from catalogue.merging import said
from catalogue.merging.slots import Said
from catalogue.models import Batch, Claim, Notice, Revision, Source, SourceRecord, SourceVersion
from catalogue.notices import LOCAL


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
            text = _("repris de %(sources)s le %(on)s par une règle de cette source") % {"sources": names, "on": on}
        else:
            text = _("repris de %(sources)s le %(on)s") % {"sources": names, "on": on}
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
