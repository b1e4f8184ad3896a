"""The texts of our files: read where nobody has read them yet, kept beside the file, given to the index.

Reading a file that nobody vouches for is another process's work (`catalogue.pdf_text`); here it is decided which,
and written down what came of it: a text, a small picture of the first page. Nothing is locked while a file is being
read. Words on pictures of pages are recognised later, by who has time (`recognise_waiting`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalogue import digital, file_store, notices, pdf_text, recognition
from catalogue.db import Database
from catalogue.file_types import PDF
from catalogue.i18n import N_
from catalogue.pdf_text import Extracted

log = logging.getLogger("travee")

LATER = "later"  # told, not kept
RECOGNISED_AT_ONCE = 20  # files, before others have their turn
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
    "no_page": N_("il n’a aucune page"),
    "unrecognised": N_("ses pages sont des images où aucun mot n’a été reconnu"),
    "image": N_("c’est une image"),
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


def read_waiting(base: Database, folder: Path, notice_id: int | None = None, *, again: bool = False) -> Iterator[Read]:
    """Read the files nobody has looked into yet, one after the other; `again`: the others too."""
    with base.read() as session:
        waiting = digital.to_read(session, notice_id, again=again)
    for sha256, media_type in waiting:
        path = file_store.file_path(folder, sha256)
        try:
            found = _look_into(path, media_type, folder, sha256)
        except OSError:  # no memory or no process to spare: it waits
            log.exception("the file %s cannot be read now", sha256)
            yield Read(sha256, (), 0, LATER)
            continue
        yield _write_down(base, folder, sha256, found)


def _look_into(path: Path, media_type: str, folder: Path, sha256: str) -> Extracted:
    if not path.is_file():
        return Extracted(reason="lost")
    found = pdf_text.extract(path) if media_type == PDF else Extracted(reason="image")
    if found.reason not in ("encrypted", "broken", "too_large") and (picture := pdf_text.draw(path)):
        file_store.keep_picture(folder, sha256, picture)
    return found


def recognise_waiting(base: Database, folder: Path, *, stopping: Callable[[], bool] = lambda: False) -> Iterator[Read]:
    """Recognise the words of files whose pages are pictures, where the system can (`catalogue.recognition`)."""
    if not recognition.program():
        return
    with base.read() as session:
        waiting = digital.to_recognise(session, RECOGNISED_AT_ONCE)
    for sha256 in waiting:
        path = file_store.file_path(folder, sha256)
        try:
            found = recognition.recognise(path, stopping=stopping) if path.is_file() else Extracted(reason="lost")
        except OSError:
            log.exception("the words of %s cannot be recognised now", sha256)
            return
        if found is None:
            return
        yield _write_down(base, folder, sha256, found, recognised=True)


def _write_down(base: Database, folder: Path, sha256: str, found: Extracted, *, recognised: bool = False) -> Read:
    if not found.reason:
        file_store.keep_text(folder, sha256, found.pages)
    with base.write() as session:
        ids = digital.set_text(session, sha256, reason=found.reason, recognised=recognised)
        notices.queue_index(session, ids)
        if not ids:  # it was erased meanwhile
            digital.sweep(session, [sha256], folder)
    return Read(sha256, tuple(ids), len(found.pages), found.reason)
