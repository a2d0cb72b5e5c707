"""A MySQL dump, row by row: what mysqldump, phpMyAdmin and the boards' own backups write, for every reader of one.

Nothing is executed. Statements are followed as text, within a window that never holds more than one long row.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

from data.records import Refused
from ingest.archive import BLOCK, MAX_RAW, MAX_RECORD, Export

LOOK = 1 << 20  # bytes of a dump in which a table of the board's begins
QUOTED = rb"""'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+\""""
BLANK = re.compile(rb"(?:\s++|--(?=\s)[^\n]*+\n|#[^\n]*+\n|/\*(?!!).*?\*/)*+", re.DOTALL)
COLUMN = re.compile(
    rb'^\s*+[`"]?(?!(?:PRIMARY|UNIQUE|KEY|INDEX|FULLTEXT|CONSTRAINT)\b)(\w+)[`"]?\s+\w', re.IGNORECASE | re.MULTILINE
)
# Possessive throughout: a long run of one sign must not be gone over again from each of its places.
NAME = rb'(?:[`"]?[^\s`"().,;]++[`"]?\.)?+[`"]?(\w++)[`"]?'
CREATE = re.compile(rb"CREATE\s++TABLE\s++(?:IF\s++NOT\s++EXISTS\s++)?+" + NAME + rb"\s*+\(", re.IGNORECASE)
INSERT = re.compile(
    rb"(?:INSERT|REPLACE)\s++(?:\w++\s++)*?INTO\s++" + NAME + rb"\s*+(?:\(([^()]*+)\))?+\s*+VALUES\s*+", re.IGNORECASE
)
VALUE = re.compile(rb"\s*+(?:_\w+\s*+)?+(" + QUOTED + rb"|[^\s'\"(),;]++)\s*+([,)])", re.DOTALL)
ROW = re.compile(rb"\((?:\s*+(?:_\w+\s*+)?+(?:" + QUOTED + rb"|[^\s'\"(),;]++)\s*+,?+)++\)", re.DOTALL)
BETWEEN = re.compile(rb"\s*+([,;]|\Z)\s*+")
STATEMENT = re.compile(rb"(?:[^'\"`;]++|" + QUOTED + rb"|`[^`]*+`)*+", re.DOTALL)
SEAM = re.compile(rb"\)\s*,\s*(?=\()|(?=;\s*\n)")
OPENING = ord("(")
ESCAPE = re.compile(rb"\\(.)|''|\"\"", re.DOTALL)
ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"", b"Z": b"\x1a", b"b": b"\b"}


class Row(NamedTuple):
    """A row of a table by column, and where it stands."""

    table: str
    place: str
    values: Mapping[str, str | None]
    raw: bytes

    def text(self, column: str) -> str:
        """A value, or nothing where there is none."""
        return self.values.get(column) or ""


def find(export: Export, ours: re.Pattern[bytes], table: re.Pattern[bytes]) -> tuple[str, str] | None:
    """The first dump that says what only `ours` matches, and the beginning of its tables' names: `table`'s group."""
    for name in export.files("*.sql"):
        head = export.head(name, LOOK)
        if ours.search(head) and (found := table.search(head)):
            return name, found[1].decode()
    return None


def number(written: str, column: str) -> str:
    """An id as it is written, or ValueError."""
    if not re.fullmatch(r"-?[0-9]{1,20}", written):
        raise ValueError(f"its {column} is no number: {written[:40]}")
    return written


def moment(written: str) -> datetime:
    """Seconds since 1970 as a moment. ValueError, OverflowError or OSError where they are none."""
    return datetime.fromtimestamp(int(number(written, "time")), UTC)


def rows(export: Export, file: str, wanted: Container[str], *, counted: bool = True) -> Iterator[Row | Refused]:
    """The rows of the wanted tables, in the dump's order. A row that cannot be read is refused alone."""
    with export.open(file, counted=counted) as stream:
        yield from _Dump(file, stream, wanted).rows()


class _Dump:
    """A window onto the dump, the columns of the tables that passed, and how far we are."""

    def __init__(self, file: str, stream: BinaryIO, wanted: Container[str]) -> None:
        self.file, self.stream, self.wanted = file, stream, wanted
        self.columns: dict[str, list[str]] = {}
        self.data, self.at, self.offset, self.ended = b"", 0, 0, False

    def rows(self) -> Iterator[Row | Refused]:
        while True:
            self._fill()
            self.at = _end(BLANK, self.data, self.at)
            if self.at == len(self.data) and self.ended:
                return
            if insert := INSERT.match(self.data, self.at):
                table = insert[1].decode()
                if table in self.wanted:
                    self.at = insert.end()
                    columns = _names(insert[2]) if insert[2] else self.columns.get(table, [])
                    yield from self._inserted(table, columns)
                    continue
            elif create := CREATE.match(self.data, self.at):
                self._create(create)
            self._pass_by()

    def _fill(self, least: int = BLOCK) -> None:
        """See to it that the window holds that much from here on, unless the dump ends before."""
        if not self.ended and len(self.data) - self.at < least:
            self.offset += self.at
            fresh = self.stream.read(2 * least)
            self.ended = len(fresh) < 2 * least
            self.data, self.at = self.data[self.at :] + fresh, 0

    def _create(self, create: re.Match[bytes]) -> None:
        end = _end(STATEMENT, self.data, create.end())
        self.columns[create[1].decode()] = [name.decode() for name in COLUMN.findall(self.data, create.end(), end)]

    def _pass_by(self) -> None:
        """On to behind the statement's end, however far that is."""
        while True:
            self.at = _end(STATEMENT, self.data, self.at)
            room = len(self.data) - self.at
            if self.data[self.at : self.at + 1] == b";" or (room and (self.ended or room >= MAX_RECORD)):
                self.at += 1  # a quote that is never closed is passed by as well
                return
            if self.ended:
                return
            self._fill(max(BLOCK, 2 * room))

    def _inserted(self, table: str, columns: list[str]) -> Iterator[Row | Refused]:
        while True:
            self._fill()
            row = self._row()
            yield self._read(row, table, columns) if row else self._broken()
            self._fill()
            between = BETWEEN.match(self.data, self.at)
            if not between:
                return
            self.at = between.end()
            if not between[1] and row:
                yield Refused(self.file, f"byte {self.offset + self.at}", "the dump ends here: is it cut off?", b"")
            if between[1] != b",":
                return

    def _row(self) -> re.Match[bytes] | None:
        """The row here, with as much of the dump as it takes."""
        while not (row := ROW.match(self.data, self.at)):
            room = len(self.data) - self.at
            if self.ended or room >= MAX_RECORD or (room and self.data[self.at] != OPENING):
                return None
            self._fill(max(BLOCK, 2 * room))
        return row

    def _read(self, row: re.Match[bytes], table: str, columns: list[str]) -> Row | Refused:
        raw, place, self.at = row[0], f"byte {self.offset + self.at}", row.end()
        values = list(_values(raw))
        if len(values) != len(columns):
            reason = f"it has {len(values)} values, {table} has {len(columns)} columns"
            return Refused(self.file, place, reason, raw[:MAX_RAW])
        return Row(table, place, dict(zip(columns, values, strict=True)), raw)

    def _broken(self) -> Refused:
        """What is no row, up to where the next may begin."""
        start, seam = self.at, SEAM.search(self.data, self.at + 1)
        self.at = seam.start() + seam[0].startswith(b")") if seam else len(self.data)
        raw = self.data[start : min(self.at, start + MAX_RAW)]
        return Refused(self.file, f"byte {self.offset + start}", "it is no row: is the dump damaged or cut off?", raw)


def _end(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    match = pattern.match(data, position)
    return match.end() if match else position


def _names(columns: bytes) -> list[str]:
    return [name.decode() for name in re.findall(rb"\w+", columns)]


def _values(row: bytes) -> Iterator[str | None]:
    """The values of a row, as far as they are separated by commas."""
    at = 1
    while found := VALUE.match(row, at):
        yield _value(found[1])
        at = found.end()


def _value(written: bytes) -> str | None:
    """A value as text. Old dumps are not UTF-8, whatever they say."""
    if written[:1] in (b"'", b'"'):
        raw = written[1:-1]
        if b"\\" in raw or written[:1] * 2 in raw:
            raw = ESCAPE.sub(lambda found: ESCAPED.get(found[1], found[1]) if found[1] else found[0][:1], raw)
    elif written[:2] == b"0x" and len(written) % 2 == 0:
        raw = bytes.fromhex(written[2:].decode("ascii", "replace"))
    else:
        return None if written.upper() == b"NULL" else written.decode("ascii", "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
