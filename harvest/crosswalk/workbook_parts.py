"""The parts of a workbook, each looked at before openpyxl reads it.

openpyxl builds in memory all that stands between two rows, two shared strings, or in a whole part of any other
kind: a file of a few kilobytes can name millions of cells there. So each part is parsed once beforehand, by a parser
that builds nothing and only counts (decision 10). Parts that openpyxl does not ask for (pictures, pivot tables,
macros, links to other files) are never opened.
"""

from __future__ import annotations

import zipfile
from typing import IO, Any
from xml.parsers import expat

from harvest.crosswalk.grid import Unreadable, shown

UNPACKED = 500_000_000  # bytes of a workbook once opened
RATIO, ALWAYS = 200, 20_000_000  # a packed part may grow so much, and to this size in any case
ELEMENTS = 200_000  # in one row or one string: a row of Excel's 16,384 columns, ten elements each
WHOLE = 250_000  # in a part of another kind: Excel's 65,490 styles, three elements each
ALL = (40_000_000, 3_000_000)  # in a sheet; in the shared strings
TOGETHER = 50_000_000  # bytes that are read in one piece
DEEPEST = 100  # elements in one another
_LET_GO = {2: " row", 1: " si"}  # what openpyxl lets go of once it is read, by how deep it stands
_PIECE = 1 << 16
_ENCRYPTED = 1  # bit of a zip's entry


class Parts(zipfile.ZipFile):
    """A workbook from anywhere. `computes`: whether a sheet that was opened has formulas."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self.computes = False
        self._looked_at: set[tuple[str, bool]] = set()
        names = self.namelist()
        if "xl/workbook.xml" not in names and "/xl/workbook.xml" not in names:
            raise Unreadable("sheet.not_workbook", found=shown(names))
        total = 0
        for part in self.infolist():
            total += part.file_size
            if part.file_size > max(ALWAYS, RATIO * part.compress_size) or total > UNPACKED:
                raise _too_big()
            if part.flag_bits & _ENCRYPTED:
                raise Unreadable("sheet.locked")

    def open(self, name: Any, mode: Any = "r", pwd: bytes | None = None, *, force_zip64: bool = False) -> IO[bytes]:
        """A part that is read row by row or string by string."""
        self._look_at(name, whole=False)
        return super().open(name, mode, pwd, force_zip64=force_zip64)

    def read(self, name: Any, pwd: bytes | None = None) -> bytes:
        """A part of which all is built in memory at once."""
        self._look_at(name, whole=True)
        with super().open(name) as part:
            return part.read()

    def _look_at(self, name: Any, *, whole: bool) -> None:
        key = name.filename if isinstance(name, zipfile.ZipInfo) else str(name), whole
        if key not in self._looked_at:
            with super().open(name) as part:
                self.computes |= _Counting(whole=whole).computes(part)
            self._looked_at.add(key)


class _Counting:
    """One part, parsed without keeping anything of it."""

    def __init__(self, *, whole: bool) -> None:
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        self._whole, self._most = whole, WHOLE if whole else ELEMENTS
        self._root = ""
        self._depth = self._together = self._all = self._since = 0
        self._formulas = False

    def computes(self, part: IO[bytes]) -> bool:
        """Whether it is a sheet with formulas. Raises Unreadable for what nobody should build in memory."""
        try:
            while piece := part.read(_PIECE):
                self._parser.Parse(piece)
                if self._parser.CurrentByteIndex - self._since > TOGETHER:
                    raise _too_big()
        except expat.ExpatError as error:
            if self._whole or not self._root:  # sheets and strings are given as far as they go
                raise SyntaxError(str(error)) from error
        return self._formulas

    def _start(self, name: str, attributes: object) -> None:
        local = name.rpartition(" ")[2]
        self._root = self._root or local
        self._depth += 1
        self._together += 1
        self._all += 1
        self._formulas |= local == "f" and self._root == "worksheet"
        if self._depth > DEEPEST or self._together > self._most or self._all > ALL[self._root == "sst"]:
            raise _too_big()

    def _end(self, name: str) -> None:
        self._depth -= 1
        if not self._whole and name.endswith(_LET_GO.get(self._depth, "\0")):
            self._together, self._since = 0, self._parser.CurrentByteIndex

    def _doctype(self, *told: object) -> None:
        raise Unreadable("sheet.doctype")


def _too_big() -> Unreadable:
    return Unreadable("sheet.grows", limit=str(UNPACKED // 1_000_000))
