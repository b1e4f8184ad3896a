"""Pure: what a file is, by what it holds (`file_types.toml`), and why one is not kept.

    recognise(path, "rapport.pdf")   -> FileType, or Refusal: a code and what its sentence needs

A name proves nothing: a program called `.pdf` is refused, a PDF called `.doc` is a PDF. Nothing is unpacked: of a ZIP
envelope the list of members is read, after a look at how long that list is, and a few bytes of one member.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import puremagic

from catalogue.i18n import N_, _, current_language

OTHER = "application/octet-stream"
HEAD = 1024
LOOKED_AT = 1 << 16  # bytes of a text
MOST_MEMBERS, LONGEST_LIST = 10_000, 4 << 20  # of a ZIP envelope
LONGEST_NAME = 120
# What a machine would run, by its first bytes, whatever it is called and whatever else it pretends to be.
PROGRAMS = tuple(bytes.fromhex(head) for head in ("4d5a", "7f454c46", "cafebabe", "feedface", "feedfacf", "cffaedfe"))
SCRIPTS = (b"#!", b"<script", b"<?php", b"@echo off")
SENTENCES: Mapping[str, str] = {
    "empty": N_("Le fichier « %(name)s » est vide : choisissez-en un autre."),
    "program": N_(
        "« %(name)s » est un programme, quel que soit son nom : il n’a pas été gardé. "
        "Demandez le document lui-même à qui vous l’a envoyé."
    ),
    "macros": N_(
        "« %(name)s » contient des macros, qui sont des programmes : enregistrez-le sans macros, ou en PDF, "
        "puis envoyez-le de nouveau."
    ),
    "damaged": N_("« %(name)s » est abîmé : ouvrez-le sur votre ordinateur, enregistrez-le de nouveau et renvoyez-le."),
    "other": N_(
        "« %(name)s » n’est pas d’un type que Travée garde (son contenu est celui d’un fichier %(found)s). "
        "Enregistrez-le en PDF, puis envoyez-le de nouveau."
    ),
    "unknown": N_(
        "« %(name)s » n’est pas d’un type que Travée garde, ou il est abîmé. Enregistrez-le en PDF, puis envoyez-le "
        "de nouveau."
    ),
}


@dataclass(frozen=True, slots=True)
class FileType:
    code: str
    labels: tuple[str, str]  # in French, in English
    media_type: str
    endings: tuple[str, ...]
    starts: tuple[re.Pattern[bytes], ...] = ()
    within: bytes = b""
    holds: str = ""
    stream: bytes = b""
    text: bool = False

    @property
    def label(self) -> str:
        return self.labels[current_language() == "en"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not kept: a key of SENTENCES, and what the sentence needs."""

    code: str
    name: str
    found: str = ""

    def sentence(self) -> str:
        return _(SENTENCES[self.code]) % {"name": self.name, "found": self.found}


def _first_bytes(pattern: str) -> re.Pattern[bytes]:
    pairs = (pattern[n : n + 2] for n in range(0, len(pattern), 2))
    return re.compile(b"".join(b"." if pair == ".." else re.escape(bytes.fromhex(pair)) for pair in pairs), re.S)


def _load() -> dict[str, FileType]:
    table = tomllib.loads((Path(__file__).parent / "file_types.toml").read_text("utf-8"))
    return {
        code: FileType(
            code=code,
            labels=(row["label"][0], row["label"][1]),
            media_type=row["media_type"],
            endings=tuple(row["endings"]),
            starts=tuple(_first_bytes(one) for one in row.get("starts", ())),
            within=row.get("within", "").encode(),
            holds=row.get("holds", ""),
            stream=row.get("stream", "").encode("utf-16-le"),
            text=row.get("text", False),
        )
        for code, row in table.items()
    }


TYPES: Mapping[str, FileType] = _load()
PDF = TYPES["pdf"].media_type
PICTURES = frozenset(kind.media_type for kind in TYPES.values() if kind.media_type.startswith("image/"))
ENDINGS = {kind.media_type: kind.endings[0] for kind in TYPES.values()}
BY_MEDIA_TYPE = {kind.media_type: kind for kind in TYPES.values()}


def recognise(path: Path, name: str) -> FileType | Refusal:
    """What this file is; `name`: what its owner calls it. OSError when it cannot be read."""
    name = clean_name(name)
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
        if not head:
            return Refusal("empty", name)
        if head.startswith(PROGRAMS) or head[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(SCRIPTS):
            return Refusal("program", name)
        if head.startswith(b"PK\x03\x04"):
            return _in_envelope(file, name)
        for kind in TYPES.values():
            if _is(kind, head, file, name):
                return kind
    found = _resembles(head[:8192])
    return Refusal("other", name, found) if found else Refusal("unknown", name)


def _is(kind: FileType, head: bytes, file: BinaryIO, name: str) -> bool:
    if kind.text:
        return name.lower().endswith(kind.endings) and _is_text(head)
    if kind.within:
        return kind.within in head[:HEAD]
    if kind.stream:
        return any(p.match(head) for p in kind.starts) and _says(file, kind.stream)
    return any(p.match(head) for p in kind.starts)


def _is_text(head: bytes) -> bool:
    """Words, not something else: no control but tabulations and ends of lines."""
    return not re.search(rb"[\x00-\x08\x0e-\x1f]", head)


def _says(file: BinaryIO, words: bytes) -> bool:
    """Whether these bytes are somewhere in it, block after block."""
    file.seek(0)
    before = b""
    while block := file.read(1 << 20):
        if words in before + block:
            return True
        before = block[-len(words) :]
    return False


def _in_envelope(file: BinaryIO, name: str) -> FileType | Refusal:
    if not _is_short(file):
        return Refusal("damaged", name)
    try:
        with zipfile.ZipFile(file) as envelope:
            members = set(envelope.namelist())
            if any(member.lower().endswith("vbaproject.bin") for member in members):
                return Refusal("macros", name)
            for kind in TYPES.values():
                member, _sign, begins = kind.holds.partition("=")
                if member in members and _begins(envelope, member, begins.encode()):
                    return kind
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError):
        # OSError too: a directory that points before the file is sought there.
        return Refusal("damaged", name)
    return Refusal("other", name, ".zip")


def _begins(envelope: zipfile.ZipFile, member: str, begins: bytes) -> bool:
    if not begins:
        return True
    with envelope.open(member) as file:
        return file.read(len(begins) + 2).strip() == begins


def _is_short(file: BinaryIO) -> bool:
    """Whether the list of members, which a reader takes into memory whole, is one (PKWARE's APPNOTE, 4.3.16; the
    record before it, where there is one, is the one that readers believe: 4.3.14)."""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - (1 << 16) - 22 - 76))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) < at + 22:
        return False
    counted, sized = end[at + 10 : at + 12], end[at + 12 : at + 16]
    if at >= 20 and end.startswith(b"PK\x06\x07", at - 20):
        if at < 76 or not end.startswith(b"PK\x06\x06", at - 76):
            return False
        counted, sized = end[at - 44 : at - 36], end[at - 36 : at - 28]
    count, size = int.from_bytes(counted, "little"), int.from_bytes(sized, "little")
    return count <= MOST_MEMBERS and size <= LONGEST_LIST


def _resembles(head: bytes) -> str:
    """The ending that files which begin so have, "" when nobody knows."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return ""
    return next((match.extension for match in found if match.extension), "")


def clean_name(name: str) -> str:
    r"""What a file is called, without the folders it came from nor signs that hide or turn what follows them.

    >>> clean_name("C:\\Mes documents\\Fonds d'été.pdf"), clean_name("facture\u202efdp.exe"), clean_name("../..")
    ("Fonds d'été.pdf", 'facturefdp.exe', 'fichier')
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = re.sub(r"[\"<>|:*?]+", " ", without_controls(last))
    seen = " ".join(unicodedata.normalize("NFC", seen).split()).strip(" .")
    if len(seen) > LONGEST_NAME:
        stem, dot, ending = seen.rpartition(".")
        short = dot and len(ending) <= 5
        seen = f"{stem[: LONGEST_NAME - 6].rstrip()}…{dot}{ending}" if short else seen[: LONGEST_NAME - 1] + "…"
    return seen or "fichier"


def without_controls(text: str) -> str:
    """Without signs that nobody sees, or that turn what follows them; any blank is one."""
    return "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")


def label_of(name: str) -> str:
    """The name without its ending: what the file is called until somebody says better.

    >>> label_of("Rapport_2024.pdf"), label_of("Notes")
    ('Rapport_2024', 'Notes')
    """
    clean = clean_name(name)
    stem, dot, ending = clean.rpartition(".")
    return stem if dot and stem and len(ending) <= 5 else clean
