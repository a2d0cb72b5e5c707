"""A CSV as platforms hand it out and as people save it again: its header found, its rows told from its damage."""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from data.records import Refused
from ingest.archive import Export

DELIMITERS = ",;\t"
ABOVE = 12  # rows that may stand above a header: a description, the dates asked for
MAX_FIELD = 1 << 20  # characters; what is longer is a quote that was never closed
HEAD = 1 << 16
LOOK = 50  # rows that show what a column holds


class Sheet(NamedTuple):
    """Where a file's table begins, and how it is written."""

    file: str
    columns: list[str]
    begins: int  # the number of the first line below the header, less one
    delimiter: str
    encoding: str
    escape: str | None = None  # what stands before a quote inside quotes, where it is not a second quote


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row that has a field for each column."""

    line: int
    fields: list[str]


def find(export: Export, name: str, is_header: Callable[[list[str]], bool]) -> Sheet | None:
    """The table whose header passes, among a file's first rows; of several readings of them, the widest."""
    head = export.head(name, HEAD)
    encoding = _encoding(head)
    text = head.decode(encoding, "replace")
    found = [_found(name, text, delimiter, encoding, is_header) for delimiter in DELIMITERS if delimiter in text]
    return max(filter(None, found), key=lambda sheet: len(sheet.columns), default=None)


def first(export: Export, sheet: Sheet) -> list[list[str]]:
    """The first rows below the header, to see what the columns hold. Not counted as read."""
    lines = io.StringIO(export.head(sheet.file, HEAD).decode(sheet.encoding, "replace"), newline="")
    found = _sound(csv.reader(islice(lines, sheet.begins, None), delimiter=sheet.delimiter))
    return [row for row in islice(found, LOOK) if len(row) == len(sheet.columns) and any(row)]


def rows(export: Export, sheet: Sheet) -> Iterator[Row | Refused]:
    """Each row below the header. Blank rows are none, nor is a header that joined files repeat.

    Of a row with a field too few or too many, or a quote that is never closed, the first line is refused and what
    follows is read again: one lost quote must not swallow the rows behind it.
    """
    with io.TextIOWrapper(export.open(sheet.file), sheet.encoding, "replace", newline="") as stream:
        for _ in islice(stream, sheet.begins):
            pass
        lines = _Lines(stream, sheet.begins)
        reader = lines.reader(sheet)
        width = len(sheet.columns)
        while True:
            lines.forget()
            try:
                row = next(reader, None)
                fault = _fault(row, width) if row and len(row) != width else None
            except csv.Error as error:
                row, fault = [], str(error)
            if row is None:
                return
            if fault:
                yield Refused(sheet.file, f"line {lines.number + 1}", fault, lines.give_back())
                reader = lines.reader(sheet)
            elif any(row) and row != sheet.columns:
                yield Row(lines.number + 1, row if len(row) == width else row[:width])


def _fault(row: list[str], width: int) -> str | None:
    """What is wrong with a row of another width. More fields than columns do no harm where they are empty."""
    if not any(row[width:] if len(row) > width else row):
        return None
    return f"it has {len(row)} fields, the header has {width}"


class _Lines:
    """The lines of a stream. Those taken for one row can be given back, but for the first."""

    def __init__(self, stream: Iterator[str], number: int) -> None:
        csv.field_size_limit(MAX_FIELD)
        self.stream = stream
        self.number = number  # of lines before the row that is being read
        self.returned: deque[str] = deque()
        self.taken: list[str] = []

    def reader(self, sheet: Sheet) -> Iterator[list[str]]:
        """Rows from here on."""
        return csv.reader(self._lines(), delimiter=sheet.delimiter, escapechar=sheet.escape, strict=True)

    def forget(self) -> None:
        """On to the next row."""
        self.number += len(self.taken)
        self.taken.clear()

    def give_back(self) -> bytes:
        """Keep the row's first line, which is returned; the others are read again."""
        self.returned.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        return "".join(self.taken).rstrip("\r\n").encode("utf-8", "replace")

    def _lines(self) -> Iterator[str]:
        while (line := self.returned.popleft() if self.returned else next(self.stream, None)) is not None:
            self.taken.append(line)
            yield line


def _found(name: str, text: str, delimiter: str, encoding: str, is_header: Callable[[list[str]], bool]) -> Sheet | None:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in islice(_sound(lines), ABOVE):
        columns = [column.strip() for column in row]
        if is_header(columns):
            return Sheet(name, columns, lines.line_num, delimiter, encoding)
    return None


def _sound(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from lines
    except csv.Error:
        return


def _encoding(head: bytes) -> str:
    """UTF-16 and UTF-8 by their marks; else UTF-8 where it fits, or what Excel writes for Western languages."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"
