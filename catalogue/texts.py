"""The texts of our files: read where nobody has read them yet, kept beside the file, given to the index.

Reading a file that nobody vouches for is another process's work (`catalogue.pdf_text`); here it is decided which,
and written down what came of it. Nothing is locked while a file is being read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from catalogue import digital, notices, pdf_text
from catalogue.db import Database
from catalogue.i18n import N_
from catalogue.models import DigitalDocument, Notice

log = logging.getLogger("travee")

LATER = "later"  # told, not kept
# Why a file gives no text, as people read it.
REASONS: Mapping[str, str] = {
    "encrypted": N_("il est protégé par un mot de passe"),
    "broken": N_("ce n’est pas un PDF lisible"),
    "too_many_pages": N_("il a plus de 2 000 pages"),
    "too_much_text": N_("il contient plus de texte qu’un index n’en peut garder"),
    "too_large": N_("il pèse plus de 250 Mo"),
    "too_heavy": N_("le lire demande trop de mémoire, ou il est abîmé"),
    "too_long": N_("le lire prend trop de temps"),
    "no_text": N_("ses pages sont des images, ou ses lettres n’ont pas de nom : il faudrait le reconnaître (OCR)"),
    "lost": N_("le fichier n’est plus à sa place"),
    LATER: N_("la machine n’a pas pu le lire maintenant, il sera relu"),
}


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


def read_waiting(base: Database, folder: Path, notice_id: int | None = None, *, again: bool = False) -> Iterator[Read]:
    """Read the files nobody has looked into yet, one after the other; `again`: the others too."""
    with base.read() as session:
        waiting = digital.to_read(session, notice_id, again=again)
    for sha256 in waiting:
        yield _read(base, folder, sha256)


def _read(base: Database, folder: Path, sha256: str) -> Read:
    path = digital.file_path(folder, sha256)
    try:
        found = pdf_text.extract(path) if path.is_file() else pdf_text.Extracted(reason="lost")
    except OSError:  # no memory or no process to spare: it waits
        log.exception("the file %s cannot be read now", sha256)
        return Read(sha256, (), 0, LATER)
    if not found.reason:
        digital.keep_text(folder, sha256, found.pages)
    with base.write() as session:
        ids = digital.set_text(session, sha256, reason=found.reason)
        notices.queue_index(session, ids)
        if not ids:  # it was erased meanwhile
            digital.sweep(session, [sha256], folder)
    return Read(sha256, tuple(ids), len(found.pages), found.reason)
