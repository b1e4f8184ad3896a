"""The files of a notice, as people handle them: give one, say who may open it, take it off. Each act is a lot.

    with documents.given(folder, stream, "Rapport.pdf", limit=…) as came:    # outside a transaction: it takes time
        …
        documents.add(session, notice, came, folder, rights="open", by="claire")

The links of a notice are in its fields (`catalogue.links`).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import dead_links, digital, file_store, file_types, history, notices, remembered
from catalogue.db import Database
from catalogue.file_store import Received
from catalogue.file_types import Refusal
from catalogue.i18n import N_, _, format_number
from catalogue.models import Batch, DigitalDocument, Notice
from catalogue.reading import size_words
from catalogue.texts import REASONS

KIND = "document"  # of a lot
RIGHTS_WORDS: Mapping[str, str] = {
    "open": N_("ouvert à tous"),
    "protected": N_("à lire sur place"),
    "staff": N_("réservé à l’équipe"),
    digital.REMOVED: N_("retiré"),
}
LONGEST_LABEL = 200
MEGABYTE = 1 << 20


CHECKED, CHECK_ASKED = "documents.checked", "documents.check_asked"
CHECKED_AGAIN = timedelta(days=7)
FROM_HOUR = 1  # of the night; a machine that sleeps at night does it when it wakes
SHOWN_FAULTS = 50
FAULT_WORDS: Mapping[str, str] = {
    "file_missing": N_("le fichier n’est plus à sa place : remettez-le depuis une sauvegarde"),
    "file_changed": N_("le fichier n’est plus celui qui avait été donné : remettez-le depuis une sauvegarde"),
    "text_missing": N_("son texte n’est plus là : « travee check --repair » le fera relire"),
    "orphan": N_("aucune notice ne connaît ce fichier du dossier : une base remise d’une sauvegarde, peut-être"),
}


class NotKept(Exception):
    """A file that is not kept: `str()` is the sentence for who gave it."""


@dataclass(frozen=True, slots=True)
class Given:
    """A file that came whole and may be kept."""

    received: Received
    media_type: str
    label: str  # what its name says


@dataclass(frozen=True, slots=True)
class Added:
    """The document; the lot, None when nothing was changed; what there is to say, "" mostly."""

    document: DigitalDocument
    batch: Batch | None
    said: str


@contextmanager
def given(folder: Path, stream: IO[bytes], name: str, *, limit_mb: int = 0) -> Iterator[Given]:
    """Take a file in, and look at what it is. Raises NotKept; what is not added within the block is forgotten."""
    clean = file_types.clean_name(name)
    try:
        with file_store.received(folder, stream, limit=limit_mb * MEGABYTE) as came:
            kind = file_types.recognise(came.path, name)
            if isinstance(kind, Refusal):
                raise NotKept(kind.sentence())
            yield Given(came, kind.media_type, file_types.label_of(name))
    except file_store.TooLarge:
        words = _("« %(name)s » dépasse %(n)s Mo : donnez un fichier plus léger, ou l’adresse où il se trouve.")
        raise NotKept(words % {"name": clean, "n": format_number(limit_mb)}) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        words = _(
            "« %(name)s » n’a pas pu être gardé : le disque est plein ou fermé en écriture. "
            "Prévenez la personne qui administre Travée."
        )
        raise NotKept(words % {"name": clean}) from error


def add(
    session: Session,
    notice: Notice,
    came: Given,
    folder: Path,
    *,
    rights: str,
    by: str,
    label: str = "",
    batch: Batch | None = None,
) -> Added:
    """Keep it as one of the notice's. One that the notice has already stays as it is, and that is said; one that was
    removed comes back."""
    label = clean_label(label)
    known = digital.find_file(session, notice, came.received.sha256)
    if (
        known is not None
        and known.rights != digital.REMOVED
        and (known.rights, known.label)
        == (
            rights,
            label or known.label,
        )
    ):
        return Added(
            known,
            None,
            _("Cette notice a déjà ce fichier, sous le nom « %(name)s ».") % {"name": known.label or known.id},
        )
    is_new = known is None or known.rights == digital.REMOVED
    batch = batch or history.open_batch(session, KIND, by=by)
    row = digital.add_file(
        session,
        notice,
        came.received,
        folder,
        media_type=came.media_type,
        rights=rights,
        label=label or ("" if known else came.label),
        batch=batch,
    )
    notices.queue_index(session, [notice.id])
    return Added(
        row, batch, "" if is_new else _("Cette notice avait déjà ce fichier : il a changé de nom ou de droits.")
    )


def attach(
    session: Session,
    notice: Notice,
    path: Path,
    folder: Path,
    *,
    rights: str,
    label: str = "",
    by: str = "travee",
    checked: bool = False,
) -> DigitalDocument:
    """A file of this machine, whatever it is unless it is to be `checked`; its text is read in its turn."""
    with path.open("rb") as stream:
        if checked:
            with given(folder, stream, path.name) as came:
                return add(session, notice, came, folder, rights=rights, by=by, label=label).document
        with file_store.received(folder, stream) as file:
            kind = file_types.recognise(file.path, path.name)
            media_type = file_types.OTHER if isinstance(kind, Refusal) else kind.media_type
            return add(
                session, notice, Given(file, media_type, label), folder, rights=rights, by=by, label=label
            ).document


def change(session: Session, document: DigitalDocument, *, rights: str, label: str, by: str) -> Batch | None:
    """Say anew what it is called and who may open it. None when that changes nothing."""
    if rights not in digital.RIGHTS:
        raise ValueError(f"no such rights: {rights}")
    values = {"rights": rights, "label": clean_label(label)}
    if {**digital.snapshot(document), **values} == digital.snapshot(document):
        return None
    batch = history.open_batch(session, KIND, by=by)
    digital.revise(session, document, values, batch=batch)
    notices.queue_index(session, [document.notice_id])
    return batch


def remove(session: Session, document: DigitalDocument, *, by: str, why: str = "") -> Batch:
    """The notice no longer has this file. It can be had back for thirty days."""
    batch = history.open_batch(session, KIND, by=by, why=why)
    digital.remove(session, document, batch=batch)
    notices.queue_index(session, [document.notice_id])
    return batch


def clean_label(label: str) -> str:
    return " ".join(file_types.without_controls(label).split())[:LONGEST_LABEL]


# --- shown -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A file or a link of a notice, as the desk shows it."""

    number: int
    is_file: bool
    path: str  # where it opens: behind the notice's address for a file
    label: str
    format: str  # « PDF, 2,1 Mo »
    rights: str
    rights_words: str
    text_words: str  # what became of its text, "" when there is nothing to say
    trouble: str  # what is wrong with it
    has_picture: bool
    version: int


def list_all(session: Session, notice_id: int) -> list[DigitalDocument]:
    """Every file and address of a notice, what was removed too."""
    rows = select(DigitalDocument).where(DigitalDocument.notice_id == notice_id).order_by(DigitalDocument.id)
    return list(session.scalars(rows))


def lines(session: Session, notice_id: int, folder: Path) -> list[Line]:
    """The files of a notice, then its links."""
    rows = [row for row in list_all(session, notice_id) if row.rights != digital.REMOVED]
    return [line_of(row, folder) for row in sorted(rows, key=lambda row: row.sha256 == "")]


def line_of(row: DigitalDocument, folder: Path) -> Line:
    is_file = bool(row.sha256)
    there = is_file and file_store.file_path(folder, row.sha256).is_file()
    trouble = dead_links.fault_words(row.fault) if row.fault and row.alive is not None else ""
    return Line(
        number=row.id,
        is_file=is_file,
        path=digital.path_of(row) if is_file else row.url,
        label=row.label or row.url or _("Fichier"),
        format=_format(row),
        rights=row.rights,
        rights_words=rights_words(row.rights),
        text_words=_text_words(row) if is_file else "",
        trouble=trouble if not is_file or there else _("le fichier n’est plus à sa place : voyez vos sauvegardes"),
        has_picture=is_file and file_store.picture_path(folder, row.sha256).is_file(),
        version=row.version,
    )


def _format(row: DigitalDocument) -> str:
    known = file_types.BY_MEDIA_TYPE.get(row.media_type)
    return ", ".join(part for part in (known.label if known else "", size_words(row.size) if row.size else "") if part)


def _text_words(row: DigitalDocument) -> str:
    if digital.has_text(row):
        words = _("texte reconnu") if digital.is_recognised(row) else _("texte lu")
        return words if row.rights in digital.SEARCHED else _("%(text)s, pas cherché") % {"text": words}
    if row.media_type == file_types.PDF and not row.text_ref:
        return _("texte pas encore lu")
    reason = digital.why_no_text(row)
    return _("pas de texte : %(why)s") % {"why": _(REASONS[reason])} if reason in REASONS and reason != "image" else ""


def rights_words(rights: str) -> str:
    return _(RIGHTS_WORDS[rights]) if rights in RIGHTS_WORDS else ""


# --- looked after ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overview:
    """All files of the centre, in figures."""

    files: int
    size: str
    by_rights: tuple[tuple[str, int], ...]
    unread: int  # PDF files nobody has looked into yet
    pictures_only: int  # whose words would have to be recognised
    recognised: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of the last time that every file was compared with its checksum."""

    at: datetime
    files: int
    total: int
    faults: tuple[tuple[str, int, str], ...]  # (address of the notice or sha256, document, what)


def overview(session: Session) -> Overview:
    kept = DigitalDocument.sha256 != "", DigitalDocument.rights != digital.REMOVED
    count = lambda *where: session.scalar(select(func.count()).select_from(DigitalDocument).where(*kept, *where)) or 0  # noqa: E731
    size = session.scalar(select(func.sum(DigitalDocument.size)).where(*kept)) or 0
    is_pdf = DigitalDocument.media_type == file_types.PDF
    return Overview(
        files=count(),
        size=size_words(int(size)),
        by_rights=tuple((rights_words(r), count(DigitalDocument.rights == r)) for r in digital.RIGHTS),
        unread=count(is_pdf, DigitalDocument.text_ref == ""),
        pictures_only=count(is_pdf, DigitalDocument.text_ref == digital.NO_TEXT),
        recognised=count(DigitalDocument.text_ref.startswith(digital.RECOGNISED)),
    )


def check_files(base: Database, folder: Path, at: datetime, stopping: Callable[[], bool] = lambda: False) -> None:
    """Read every file and keep what was found, for the desk to show. What is stopped half-way begins anew."""
    with base.read() as session:
        known = digital.known_files(session)
    found = list(digital.lost_files(known, folder, stopping=stopping))
    if stopping():
        return
    files = len({sha256 for _address, _number, sha256, _ref in known})
    with base.write() as session:
        gone = {number for _a, number, _s, _r in known} - set(session.scalars(select(DigitalDocument.id)))
        found = [fault for fault in found if fault.document_id not in gone]  # its file went with it meanwhile
        faults = [[f.address or f.sha256, f.document_id, f.what] for f in found[:SHOWN_FAULTS]]
        remembered.write(
            session, CHECKED, {"at": at.isoformat(), "files": files, "total": len(found), "faults": faults}
        )
        remembered.forget(session, CHECK_ASKED)


def checked(session: Session) -> Checked | None:
    kept = remembered.read(session, CHECKED)
    if not isinstance(kept, dict):
        return None
    faults = tuple((str(a), int(n), str(what)) for a, n, what in kept["faults"])
    return Checked(datetime.fromisoformat(kept["at"]), kept["files"], kept["total"], faults)


def ask_check(session: Session) -> None:
    remembered.write(session, CHECK_ASKED, True)


def check_is_due(session: Session, at: datetime) -> bool:
    """When somebody asked; else once a week, by night: `at` is said on the clock of the centre."""
    last = checked(session)
    if check_is_asked(session) or last is None:
        return True
    return at.hour >= FROM_HOUR and at.date() - last.at.astimezone(at.tzinfo).date() >= CHECKED_AGAIN


def check_is_asked(session: Session) -> bool:
    return bool(remembered.read(session, CHECK_ASKED, False))
