"""Pages as received: on disk under their sha256, gzipped, and safe there before anybody reads them.

A page is written, and the disk has said that it has it, before a row refers to it. Two nights may bring the same
bytes: then they share a file, and `harvest.retention` removes it when nobody refers to it any more. Whoever makes a
row looks for the file once more inside its transaction, which is where retention looks for rows.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
from pathlib import Path

from catalogue.config import Settings
from catalogue.models import RawPage
from harvest.oai_page import HarvestStopped

LEVEL = 3  # of gzip's nine: half the time of the fifth, for pages an eighth larger


def page_path(settings: Settings, sha256: str) -> Path:
    return settings.pages_dir / sha256[:2] / f"{sha256}.xml.gz"


def put(settings: Settings, raw: bytes) -> str:
    """Write it, unless it is there; returns its name once the disk has it."""
    sha256 = hashlib.sha256(raw).hexdigest()
    path = page_path(settings, sha256)
    if path.exists():
        return sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    with beside.open("wb") as out:
        out.write(gzip.compress(raw, LEVEL, mtime=0))
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)
    _sync_names(path.parent)
    return sha256


def get(settings: Settings, row: RawPage) -> bytes:
    """The bytes of a page. Raises HarvestStopped when they are lost, or are no longer the ones that came."""
    lost = HarvestStopped("oai.page_lost", {"page": str(row.seq)})
    try:
        raw = gzip.decompress(page_path(settings, row.sha256).read_bytes())
    except (OSError, EOFError) as error:
        raise lost from error
    if hashlib.sha256(raw).hexdigest() != row.sha256:
        raise lost
    return raw


def _sync_names(folder: Path) -> None:
    """The name of a new file is the folder's to keep; Windows has no such thing to ask for."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
