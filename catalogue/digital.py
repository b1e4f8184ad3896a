"""The only writer of DigitalDocument: the addresses a notice gives, and the files that are ours.

*Addresses* follow the notice: each one that its fields give has a row, written with the notice and gone with it.
`notices` calls this at every write; `travee check` compares. What stands at an address is somebody else's, and is
not fetched.

*Files* lie in the folder of files under their sha256, each once whoever shares it: `ab/ab12…` as it came,
`ab/ab12….txt` its text, pages parted by a form feed. A row with a file belongs to people: no field makes it go.

*Rights* are of a row with a file: "open" is for everybody; "protected" is found by its words, its page named, and
never quoted nor given; "staff" is for the team, and not even found. `text_ref` says what became of its text: "" not
looked at yet, the file's sha256 when there is one, "none:encrypted" when there is none, and why.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from catalogue import db
from catalogue.models import DigitalDocument, Notice
from catalogue.unimarc import OnlineFile

RIGHTS = ("open", "protected", "staff")
SEARCHED = ("open", "protected")
PDF = "application/pdf"
NONE = "none:"
PAGE_END = "\f"
# By the ending of the name; a PDF is known by its first bytes.
MEDIA_TYPES = {
    ".epub": "application/epub+zip",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".txt": "text/plain",
}
OTHER = "application/octet-stream"


# --- addresses -------------------------------------------------------------------------------


def add_addresses(session: Session, online: Mapping[int, Sequence[OnlineFile]]) -> None:
    """Of notices that have just been made."""
    db.insert_rows(session, DigitalDocument, [_row(n, said) for n, several in online.items() for said in several])


def follow_addresses(session: Session, online: Mapping[int, Sequence[OnlineFile]]) -> None:
    """Let the rows of these notices say what their fields say; those with a file stay as they are."""
    found = addresses_of(session, online)
    fresh: dict[int, Sequence[OnlineFile]] = {}
    gone: list[int] = []
    for notice_id, several in online.items():
        wanted = {said.url: said for said in several}
        for row in found[notice_id]:
            said = wanted.pop(row.url, None)
            if row.sha256:
                continue
            if said is None:
                gone.append(row.id)
            else:
                row.label = said.label
                row.media_type, row.size = said.media_type or row.media_type, said.size or row.size
        fresh[notice_id] = tuple(wanted.values())
    add_addresses(session, fresh)
    for part in db.chunks(gone):
        session.execute(delete(DigitalDocument).where(DigitalDocument.id.in_(part)))
    session.flush()


def addresses_of(session: Session, notice_ids: Iterable[int]) -> dict[int, list[DigitalDocument]]:
    """The rows with an address, by notice; the one with a file first, so that it is the one that counts."""
    out: defaultdict[int, list[DigitalDocument]] = defaultdict(list)
    for part in db.chunks(notice_ids):
        rows = select(DigitalDocument).where(DigitalDocument.notice_id.in_(part), DigitalDocument.url != "")
        for row in session.scalars(rows.order_by(DigitalDocument.sha256 == "", DigitalDocument.id)):
            out[row.notice_id].append(row)
    return out


def differ(rows: Sequence[DigitalDocument], said: Iterable[OnlineFile]) -> bool:
    """Whether a notice's rows are not what its fields say; a file may keep an address that went."""
    wanted = {one.url for one in said}
    return not {row.url for row in rows if not row.sha256} <= wanted <= {row.url for row in rows}


def _row(notice_id: int, said: OnlineFile) -> dict[str, object]:
    return {
        "notice_id": notice_id,
        "url": said.url,
        "label": said.label,
        "media_type": said.media_type,
        "size": said.size,
        "sha256": "",
        "rights": "",
        "text_ref": "",
    }


# --- files -----------------------------------------------------------------------------------


def file_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256


def text_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / f"{sha256}.txt"


def path_of(document: DigitalDocument) -> str:
    """Where visitors ask for it, behind the address of its notice."""
    return f"fichier/{document.id}"


def add_file(
    session: Session, notice: Notice, path: Path, folder: Path, *, rights: str, label: str = ""
) -> DigitalDocument:
    """Keep this file as one of the notice's. The same file again changes its rights and words only."""
    if rights not in RIGHTS:
        raise ValueError(f"no such rights: {rights}")
    sha256, size, is_pdf = _keep(path, folder)
    same = DigitalDocument.notice_id == notice.id, DigitalDocument.sha256 == sha256
    row = session.scalar(select(DigitalDocument).where(*same).order_by(DigitalDocument.id).limit(1))
    if row is None:
        kind = PDF if is_pdf else MEDIA_TYPES.get(path.suffix.lower(), OTHER)
        row = DigitalDocument(notice_id=notice.id, sha256=sha256, size=size, media_type=kind)
        row.text_ref = _known_text(session, sha256)
        session.add(row)
    row.rights, row.label = rights, label or row.label or ""
    session.flush()
    return row


def _known_text(session: Session, sha256: str) -> str:
    """What is known of the text of the same file elsewhere."""
    known = select(DigitalDocument.text_ref).where(DigitalDocument.sha256 == sha256, DigitalDocument.text_ref != "")
    return session.scalar(known.limit(1)) or ""


def _keep(path: Path, folder: Path) -> tuple[str, int, bool]:
    """Copy it under its own name, safe on the disk before a row refers to it: (sha256, bytes, is it a PDF)."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"new-{secrets.token_hex(8)}"
    digest = hashlib.sha256()
    try:
        with path.open("rb") as given, beside.open("xb") as kept:
            head = given.read(1024)  # ISO 32000-1, annex H: the mark may stand anywhere in these
            given.seek(0)
            while block := given.read(1 << 20):
                digest.update(block)
                kept.write(block)
            kept.flush()
            os.fsync(kept.fileno())
        size, sha256 = beside.stat().st_size, digest.hexdigest()
        target = file_path(folder, sha256)
        target.parent.mkdir(exist_ok=True)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return sha256, size, b"%PDF-" in head


def files_of(session: Session, notice_ids: Iterable[int]) -> dict[int, list[DigitalDocument]]:
    out: defaultdict[int, list[DigitalDocument]] = defaultdict(list)
    for part in db.chunks(notice_ids):
        rows = select(DigitalDocument).where(DigitalDocument.notice_id.in_(part), DigitalDocument.sha256 != "")
        for row in session.scalars(rows.order_by(DigitalDocument.id)):
            out[row.notice_id].append(row)
    return out


def remove(session: Session, document: DigitalDocument, folder: Path) -> None:
    """The notice no longer has this file; the bytes go when nobody else has it."""
    session.delete(document)
    session.flush()
    sweep(session, [document.sha256], folder)


def sweep(session: Session, shas: Iterable[str], folder: Path) -> int:
    """Delete these files and their texts where no row names them any more; how many. Call it in a transaction
    that writes: whoever adds the same file waits for its end."""
    wanted = sorted(set(shas) - {""})
    named: set[str] = set()
    for part in db.chunks(wanted):
        named |= set(session.scalars(select(DigitalDocument.sha256).where(DigitalDocument.sha256.in_(part))))
    gone = [sha256 for sha256 in wanted if sha256 not in named]
    for sha256 in gone:
        file_path(folder, sha256).unlink(missing_ok=True)
        text_path(folder, sha256).unlink(missing_ok=True)
    return len(gone)


# --- texts -----------------------------------------------------------------------------------


def to_read(session: Session, notice_id: int | None = None, *, again: bool = False) -> list[str]:
    """The PDF files nobody has looked into yet, the oldest first; `again`: the others too."""
    statement = select(DigitalDocument.sha256).where(DigitalDocument.sha256 != "", DigitalDocument.media_type == PDF)
    if not again:
        statement = statement.where(DigitalDocument.text_ref == "")
    if notice_id is not None:
        statement = statement.where(DigitalDocument.notice_id == notice_id)
    return list(dict.fromkeys(session.scalars(statement.order_by(DigitalDocument.id))))


def set_text(session: Session, sha256: str, *, reason: str = "") -> list[int]:
    """This file has a text now, or none for this reason; returns the notices that have the file."""
    ref = f"{NONE}{reason}" if reason else sha256
    session.execute(update(DigitalDocument).where(DigitalDocument.sha256 == sha256).values(text_ref=ref))
    rows = select(DigitalDocument.notice_id).where(DigitalDocument.sha256 == sha256)
    return sorted(set(session.scalars(rows)))


def keep_text(folder: Path, sha256: str, pages: Iterable[str]) -> None:
    path = text_path(folder, sha256)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    beside.write_text(PAGE_END.join(pages), "utf-8")
    beside.replace(path)


def read_pages(path: Path) -> list[str]:
    """The pages of a text; none when it is not there any more."""
    try:
        return path.read_text("utf-8").split(PAGE_END)
    except OSError:
        return []


def searched(session: Session, notice_ids: Iterable[int]) -> dict[int, list[DigitalDocument]]:
    """The documents whose texts are found, by notice, in the order in which the index counts them."""
    every = files_of(session, notice_ids).items()
    found = {n: [d for d in rows if d.text_ref == d.sha256 and d.rights in SEARCHED] for n, rows in every}
    return {n: rows for n, rows in found.items() if rows}


# --- checking --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LostFile:
    """`what`: "file_missing", "file_changed", "text_missing"."""

    address: str
    document_id: int
    sha256: str
    what: str


def lost_files(session: Session, folder: Path) -> Iterator[LostFile]:
    """Every file that is not there as it was given, read whole; every text that went."""
    rows = session.execute(
        select(Notice.address, DigitalDocument.id, DigitalDocument.sha256, DigitalDocument.text_ref)
        .join(Notice, Notice.id == DigitalDocument.notice_id)
        .where(DigitalDocument.sha256 != "")
        .order_by(DigitalDocument.sha256, DigitalDocument.id)
    ).all()
    seen: dict[str, str] = {}
    for address, document_id, sha256, ref in rows:
        if sha256 not in seen:
            seen[sha256] = _fault_of(file_path(folder, sha256), sha256)
        if seen[sha256]:
            yield LostFile(address, document_id, sha256, seen[sha256])
        elif ref == sha256 and not text_path(folder, sha256).is_file():
            yield LostFile(address, document_id, sha256, "text_missing")


def _fault_of(path: Path, sha256: str) -> str:
    try:
        with path.open("rb") as kept:
            return "" if hashlib.file_digest(kept, "sha256").hexdigest() == sha256 else "file_changed"
    except OSError:
        return "file_missing"


def forget_texts(session: Session, shas: Iterable[str]) -> None:
    """Texts that are lost: they are read from their files again."""
    for part in db.chunks(sorted(set(shas))):
        session.execute(update(DigitalDocument).where(DigitalDocument.sha256.in_(part)).values(text_ref=""))
