"""The texts of our files: read where nobody has read them yet, kept beside the file, given to the index.

Reading a file that nobody vouches for is another process's work (`catalogue.pdf_text`); here it is decided which,
and written down what came of it. Nothing is locked while a file is being read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from catalogue import digital, notices, pdf_text
from catalogue.db import Database
from catalogue.models import DigitalDocument, Notice

log = logging.getLogger("travee")


@dataclass(frozen=True, slots=True)
class Read:
    """What came of one file: so many pages, or the reason."""

    sha256: str
    notice_ids: tuple[int, ...]
    pages: int
    reason: str = ""


def attach(
    session: Session, notice: Notice, path: Path, folder: Path, *, rights: str, label: str = ""
) -> DigitalDocument:
    """Keep this file as one of the notice's; its text is read in its turn (`read_waiting`)."""
    row = digital.add_file(session, notice, path, folder, rights=rights, label=label)
    notices.queue_index(session, [notice.id])
    return row


def detach(session: Session, document: DigitalDocument, folder: Path) -> None:
    digital.remove(session, document, folder)
    notices.queue_index(session, [document.notice_id])


def read_waiting(base: Database, folder: Path, notice_ids: Sequence[int] | None = None) -> Iterator[Read]:
    """Read the files nobody has looked into yet, or again those of these notices; one after the other."""
    with base.read() as session:
        waiting = digital.without_text(session, notice_ids)
    for sha256 in waiting:
        yield _read(base, folder, sha256)


def _read(base: Database, folder: Path, sha256: str) -> Read:
    try:
        found = pdf_text.extract(digital.file_path(folder, sha256))
    except OSError:
        log.exception("the file %s cannot be read", sha256)
        found = pdf_text.Extracted(reason="lost")
    if not found.reason:
        digital.keep_text(folder, sha256, found.pages)
    with base.write() as session:
        ids = digital.set_text(session, sha256, reason=found.reason)
        notices.queue_index(session, ids)
        if not ids:  # it was erased meanwhile
            digital.sweep(session, [sha256], folder)
    return Read(sha256, tuple(ids), len(found.pages), found.reason)
