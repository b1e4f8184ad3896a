"""What a MySQL dump holds, read as text: nothing in it is ever executed.

mysqldump, mariadb-dump, phpMyAdmin and PMB's own scripts write the same few statements: CREATE TABLE, INSERT
(or REPLACE) … VALUES, SET NAMES, and comments. Everything else is passed over. Literals are those of the MySQL
manual, section « Literal Values »: strings with backslashes or doubled quotes, numbers, NULL, hexadecimal
(0x…, x'…') and bits.

Read piece by piece: a row is given as soon as it is whole, and a value longer than LONG (a file kept in the
base) only as its size, so that memory does not depend on the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

LONG = 1_000_000  # bytes of a value: of a longer one, only the size is given
MAX_STATEMENT = 4_000_000  # bytes of a CREATE TABLE, or of a comment
ROWS = 500  # given at once

_PIECE = 1 << 18
_HEADER = 1 << 16  # an INSERT's, with its columns


@dataclass(frozen=True, slots=True)
class Long:
    """A value too long to be given; `size` in bytes."""

    size: int


Value = bytes | None | Long


@dataclass(frozen=True, slots=True)
class Created:
    """A CREATE TABLE: its columns in order, and its character set, "" when it names none."""

    table: str
    columns: tuple[str, ...]
    charset: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table. Of a table that nobody wants they are only counted.

    `columns` are those that the INSERT names, else those of CREATE TABLE, else none.
    """

    table: str
    columns: tuple[str, ...]
    count: int
    rows: list[tuple[Value, ...]]


class Broken(Exception):
    """The dump stops making sense; `code` ends the code of a refusal, « pmbsql.cut »."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def read(stream: BinaryIO, wanted: Callable[[str], bool]) -> Iterator[Created | Rows]:
    """The tables and the rows of a dump, in order. Raises Broken where it is cut or makes no sense."""
    yield from Dump(stream, wanted)


_NAME = rb"(?:`[^`]+`|[\w$]+)(?:\s*\.\s*(?:`[^`]+`|[\w$]+))?"
_INSERT = re.compile(
    rb"(?:INSERT|REPLACE)\s+(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE)\s+)*(?:INTO\s+)?"
    rb"(" + _NAME + rb")\s*(\([^()]*+\))?\s*VALUES?\s*(?=\()",
    re.I,
)
_CREATE = re.compile(rb"CREATE\s+(?:TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(" + _NAME + rb")\s*\(", re.I)
_SET_NAMES = re.compile(rb"SET\s+(?:NAMES|CHARACTER\s+SET)\s+['\"]?(\w+)", re.I)
_DELIMITER = re.compile(rb"DELIMITER\s+(\S+)[^\n]*\n", re.I)
_ENDED = re.compile(rb"^[ \t]*DELIMITER\s+;[^\n]*\n?", re.M | re.I)
_CHARSET = re.compile(rb"(?:CHARSET|CHARACTER\s+SET)\s*=?\s*(\w+)", re.I)
_NO_COLUMN = re.compile(rb"(?:PRIMARY|UNIQUE|KEY|INDEX|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|CHECK)\b", re.I)

_STRING = rb"'(?:[^'\\]++|\\.|'')*+'|\"(?:[^\"\\]++|\\.|\"\")*+\""
_ROW = re.compile(rb"\s*+\(((?:[^'\"()]++|" + _STRING + rb")*+)\)", re.S)
_PART = re.compile(rb"[^;'\"`]++|" + _STRING + rb"|`[^`]*+`|;", re.S)
_DEFINITION = re.compile(_STRING + rb"|`[^`]*`|[(),]|[^'\"`(),]+", re.S)
_CHARSET_OF_VALUE = rb"(?:_[A-Za-z0-9]+\s*+)?"
_VALUE = re.compile(
    rb"\s*+(?:"
    rb"" + _CHARSET_OF_VALUE + rb"'(?P<string>(?:[^'\\]++|\\.|'')*+)'"
    rb"|(?P<number>[-+]?[0-9.][0-9.eE+-]*+)"
    rb"|(?P<null>NULL)"
    rb"|" + _CHARSET_OF_VALUE + rb"0x(?P<hex>[0-9A-Fa-f]*+)"
    rb"|" + _CHARSET_OF_VALUE + rb"x'(?P<quoted_hex>[0-9A-Fa-f]*+)'"
    rb"|b'(?P<bits>[01]*+)'"
    rb'|"(?P<double>(?:[^"\\]++|\\.|"")*+)"'
    rb"|(?P<word>TRUE|FALSE|CURRENT_TIMESTAMP(?:\(\))?|DEFAULT)"
    rb")\s*+(?:,|\Z)",
    re.S | re.I,
)
_LONG_START = re.compile(rb"\s*+" + _CHARSET_OF_VALUE + rb"(?:(?P<quote>['\"])|0x|x(?='))", re.I)
_SHORT = re.compile(rb"\s*+[^'\"(),]*+(?=[,)])")
_INSIDE = {b"'": re.compile(rb"(?:[^'\\]++|\\.|'')*+", re.S), b'"': re.compile(rb'(?:[^"\\]++|\\.|"")*+', re.S)}
_HEX_DIGITS = re.compile(rb"[0-9A-Fa-f]*+")
_ESCAPE = {b"'": re.compile(rb"\\(.)|''", re.S), b'"': re.compile(rb'\\(.)|""', re.S)}
_MEANING = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}


class Dump:
    """A dump being read. `charset` is what SET NAMES said last; `cut_short` when its last line is missing."""

    def __init__(self, stream: BinaryIO, wanted: Callable[[str], bool]) -> None:
        self.charset = ""
        self.not_understood = 0  # INSERTs that have no VALUES
        self._stream, self._wanted = stream, wanted
        self._columns: dict[str, tuple[str, ...]] = {}
        self._data, self._at, self._passed = b"", 0, 0
        self._announced = self._completed = False

    @property
    def cut_short(self) -> bool:
        """mysqldump says when it begins and when it has ended; said once, the end is expected."""
        return self._announced and not self._completed

    def __iter__(self) -> Iterator[Created | Rows]:
        while self._pass_blank():
            self._fill(_HEADER)
            if found := self._take(_INSERT):
                yield from self._rows(_bare(found[1]), _names(found[2] or b""))
            elif found := _CREATE.match(self._data, self._at):
                table = _bare(found[1])
                self._columns[table], charset = _columns(self._statement())
                yield Created(table, self._columns[table], charset)
            elif found := self._take(_DELIMITER):
                self._pass_routines(found[1])
            else:
                self._other_statement()

    # --- the bytes

    def _more(self) -> bool:
        rest = self._data[self._at :]
        piece = self._stream.read(max(_PIECE, len(rest)))
        self._passed += self._at
        self._data, self._at = rest + piece, 0
        return bool(piece)

    def _fill(self, size: int) -> None:
        while len(self._data) - self._at < size and self._more():
            pass

    def _take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        found = pattern.match(self._data, self._at)
        if found:
            self._at = found.end()
        return found

    def _broken(self, code: str, **params: str) -> Broken:
        return Broken(code, offset=str(self._passed + self._at), **params)

    # --- between statements

    def _pass_blank(self) -> bool:
        """Go to the next statement; False at the end of the file."""
        while True:
            self._fill(_HEADER)
            data, at = self._data, self._at
            while at < len(data) and data[at : at + 1] in b" \t\r\n\0;\xef\xbb\xbf":
                at += 1
            self._at = at
            if data.startswith((b"--", b"#"), at):
                self._pass_comment(b"\n")
            elif data.startswith(b"/*", at):
                self._pass_comment(b"*/")
            elif at < len(data):
                return True
            elif not self._more():
                return False

    def _pass_comment(self, end: bytes) -> None:
        while (found := self._data.find(end, self._at)) < 0:
            if len(self._data) - self._at > MAX_STATEMENT:
                raise self._broken("malformed")
            if not self._more():
                found = len(self._data)
                break
        comment = self._data[self._at : found]
        self._at = min(found + len(end), len(self._data))
        self._announced |= comment.startswith((b"-- MySQL dump", b"-- MariaDB dump"))
        self._completed |= comment.startswith(b"-- Dump completed")
        if comment.startswith(b"/*!"):
            self._set_charset(comment[3:].lstrip(b"0123456789M "))

    def _set_charset(self, statement: bytes) -> None:
        if found := _SET_NAMES.match(statement):
            self.charset = found[1].decode("ascii", "replace").lower()

    def _other_statement(self) -> None:
        head = self._data[self._at : self._at + 200]
        self._set_charset(head)
        self.not_understood += head[:7].upper() in (b"INSERT ", b"REPLACE")
        self._statement(kept=False)

    def _pass_routines(self, delimiter: bytes) -> None:
        """Triggers and procedures, up to the line that makes « ; » the end of a statement again."""
        if delimiter == b";":
            return
        while True:
            if found := _ENDED.search(self._data, self._at):
                self._at = found.end()
                return
            self._at = max(self._at, len(self._data) - 100)
            if not self._more():
                self._at = len(self._data)
                return

    def _statement(self, *, kept: bool = True) -> bytes:
        """Up to its « ; », quotes respected."""
        pieces: list[bytes] = []
        size = 0
        while True:
            found = _PART.match(self._data, self._at)
            if found is None or (found.end() == len(self._data) and found[0] != b";"):
                # What touches the end of the buffer may go on behind it.
                if len(self._data) - self._at > MAX_STATEMENT:
                    raise self._broken("malformed")
                if self._more():
                    continue
                if found is None and self._at < len(self._data):
                    raise self._broken("cut", table="", rows="0")
            if found is None:
                return b"".join(pieces)
            self._at = found.end()
            if found[0] == b";":
                return b"".join(pieces)
            size += len(found[0])
            if kept:
                pieces.append(found[0])
                if size > MAX_STATEMENT:
                    raise self._broken("malformed")

    # --- rows

    def _rows(self, table: str, named: tuple[str, ...]) -> Iterator[Rows]:
        columns = named or self._columns.get(table, ())
        wanted = self._wanted(table)
        rows: list[tuple[Value, ...]] = []
        count = total = 0
        while True:
            row = self._row(table, total, wanted)
            count, total = count + 1, total + 1
            if wanted:
                if columns and len(row) != len(columns):
                    raise self._broken("malformed")
                rows.append(row)
            again = self._comma(table, total)
            if count == ROWS or not again:
                yield Rows(table, columns, count, rows)
                rows, count = [], 0
            if not again:
                return

    def _comma(self, table: str, total: int) -> bool:
        """Whether another row of the same INSERT follows."""
        while True:
            sign = self._data[self._at : self._at + 1]
            while sign.isspace():
                self._at += 1
                sign = self._data[self._at : self._at + 1]
            if sign == b",":
                self._at += 1
                return True
            if sign == b";":
                self._at += 1
                return False
            if sign:
                self._statement(kept=False)  # ON DUPLICATE KEY UPDATE …
                return False
            if not self._more():
                raise self._broken("cut", table=table, rows=str(total))

    def _row(self, table: str, total: int, wanted: bool) -> tuple[Value, ...]:
        while True:
            found = _ROW.match(self._data, self._at)
            if found:
                self._at = found.end()
                return self._values(found.start(1), found.end(1)) if wanted else ()
            while self._data[self._at : self._at + 1].isspace():
                self._at += 1
            if self._at < len(self._data) and self._data[self._at : self._at + 1] != b"(":
                raise self._broken("malformed")
            if len(self._data) - self._at > LONG:
                return self._long_row(table, total)
            if not self._more():
                raise self._broken("cut", table=table, rows=str(total))

    def _values(self, at: int, end: int) -> tuple[Value, ...]:
        values: list[Value] = []
        for found in _VALUE.finditer(self._data, at, end):
            if found.start() != at:
                break
            at = found.end()
            values.append(_value(found))
        if at != end or not values:
            raise self._broken("malformed")
        return tuple(values)

    def _long_row(self, table: str, total: int) -> tuple[Value, ...]:
        """A row that holds something long, value by value: what is read is let go."""
        cut = self._broken("cut", table=table, rows=str(total))
        self._at += 1
        values: list[Value] = []
        while True:
            self._fill(100)
            if found := self._take(_LONG_START):
                values.append(self._long_value(found["quote"], cut))
            else:
                while not (found := _SHORT.match(self._data, self._at)):
                    if len(self._data) - self._at > LONG:
                        raise self._broken("malformed")
                    if not self._more():
                        raise cut
                self._at = found.end()
                short = _VALUE.fullmatch(found[0])
                if short is None:
                    raise self._broken("malformed")
                values.append(_value(short))
            self._fill(100)
            while self._data[self._at : self._at + 1].isspace():
                self._at += 1
            sign = self._data[self._at : self._at + 1]
            self._at += 1
            if sign == b")":
                return tuple(values)
            if sign != b",":
                raise self._broken("malformed") if sign else cut

    def _long_value(self, quote: bytes | None, cut: Broken) -> Value:
        """A string, or hexadecimal digits, with their end; `Long` when it is too long to be kept."""
        if quote is None and self._data[self._at : self._at + 1] == b"'":
            self._at += 1
            closed = b"'"
        else:
            closed = quote or b""
        inside = _INSIDE[quote] if quote else _HEX_DIGITS
        kept, size = b"", 0
        while True:
            found = inside.match(self._data, self._at)
            part = found[0] if found else b""
            # A doubled quote, or a backslash and its sign, may stand across two pieces: wait for what follows.
            whole = self._at + len(part) + 2 <= len(self._data)
            self._at += len(part)
            size += len(part)
            if size <= LONG:
                kept += part
            if whole:
                break
            if not self._more():
                break
        if closed:
            if self._data[self._at : self._at + 1] != closed:
                raise cut
            self._at += 1
        if size > LONG:
            return Long(size if quote else size // 2)
        return _unescape(kept, quote) if quote else _from_hex(kept)


def _value(found: re.Match[bytes]) -> Value:
    kind = found.lastgroup
    text: bytes = found[found.lastindex or 0]
    if kind == "string":
        return _unescape(text, b"'")
    if kind == "double":
        return _unescape(text, b'"')
    if kind == "number":
        return text
    if kind == "hex" or kind == "quoted_hex":
        return _from_hex(text)
    if kind == "bits":
        return str(int(text or b"0", 2)).encode()
    return {b"TRUE": b"1", b"FALSE": b"0"}.get(text.upper())


def _unescape(text: bytes, quote: bytes) -> bytes:
    if b"\\" not in text and quote not in text:
        return text
    return _ESCAPE[quote].sub(lambda m: _MEANING.get(m[1], m[1]) if m[1] is not None else quote, text)


def _from_hex(digits: bytes) -> bytes:
    return bytes.fromhex(("0" if len(digits) % 2 else "") + digits.decode("ascii"))


def _bare(name: bytes) -> str:
    """The table of « `base`.`table` »."""
    return name.rpartition(b".")[2].strip().strip(b"`").decode("utf-8", "replace")


def _names(columns: bytes) -> tuple[str, ...]:
    return tuple(_bare(name) for name in columns.strip(b"()").split(b",") if name.strip())


def _columns(statement: bytes) -> tuple[tuple[str, ...], str]:
    """The columns of a CREATE TABLE in order, and its character set."""
    names: list[str] = []
    depth, fresh, end = 0, False, 0
    for found in _DEFINITION.finditer(statement):
        token = found[0].strip()
        if token == b"(":
            depth += 1
            fresh = depth == 1
        elif token == b")":
            depth -= 1
            end = found.end()
        elif token == b"," and depth == 1:
            fresh = True
        elif token and fresh and depth == 1:
            fresh = False
            if not _NO_COLUMN.match(token):
                names.append(_bare(token.split()[0]))
    charset = _CHARSET.search(statement, end)
    return tuple(names), charset[1].decode("ascii", "replace").lower() if charset else ""
