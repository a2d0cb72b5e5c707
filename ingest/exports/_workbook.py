"""An .xlsx as its sheets, each of them a CSV: what reads tables reads these too.

Only what the cells show is kept, not how: dates as ISO 8601, shares as percentages, no formulas, no styles.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO

from data.records import Refused
from ingest.archive import Export, ExportError
from ingest.exports._xml import Element, elements

LARGEST = 64 << 20  # characters of a sheet; no table of totals has so many
LAST_ROW, LAST_COLUMN = 1 << 20, 1 << 14  # where Excel's sheets end
DATES = {*range(14, 18), 22, *range(27, 37), *range(50, 59)}  # formats that need no telling: ECMA-376, 18.8.30
SHARES = {9, 10}
LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # words, colours and languages within a format
DAY_ONE, DAY_ONE_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet's times have no zone
PART = "xl/workbook.xml"


def is_workbook(export: Export) -> bool:
    """An .xlsx is a zip, and looks like a folder of its parts."""
    return PART in export.files()


class Workbook(Export):
    """The sheets of an .xlsx as files, `Followers.csv` for the sheet Followers."""

    def __init__(self, export: Export) -> None:
        vars(self).update(vars(export))
        self._whole = export
        self._parts = dict(_parts(export))
        self._read: dict[str, bytes] = {}

    def files(self, pattern: str = "*") -> list[str]:  # noqa: ARG002 - its sheets are all alike
        return list(self._parts)

    def head(self, name: str, size: int = 65536) -> bytes:
        return self._sheet(name)[:size]

    def open(self, name: str, *, counted: bool = True) -> BinaryIO:  # noqa: ARG002 - counted as the parts are read
        return io.BytesIO(self._sheet(name))

    def _sheet(self, name: str) -> bytes:
        if name not in self._read:
            self._read[name] = _as_csv(self._whole, self._parts[name], name)
        return self._read[name]


def _parts(export: Export) -> Iterator[tuple[str, str]]:
    """Each sheet's name, and the part it is in."""
    targets = {each.attributes.get("Id"): each for each in _all(export, "xl/_rels/workbook.xml.rels", "Relationship")}
    for number, sheet in enumerate(_all(export, PART, "sheet"), 1):
        found = targets.get(sheet.attributes.get("r:id"))
        target = found.attributes.get("Target", "") if found else ""
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if part in export.files():
            yield f"{sheet.attributes.get('name', number)}.csv", part


def _as_csv(export: Export, part: str, name: str) -> bytes:
    """A sheet's rows, each on the line of its number and as wide as the widest: Excel leaves out empty cells."""
    words = [_words(each) for each in _all(export, "xl/sharedStrings.xml", "si")]
    formats, day_one = _formats(export), _day_one(export)
    lines: list[list[str]] = []
    size = width = 0
    for row in _all(export, part, "row"):
        number = min(_number(row.attributes.get("r")) or 0, LAST_ROW)
        lines += [[] for _ in range(len(lines) + 1, number)]
        fields: list[str] = []
        for cell in row.all("c"):
            fields += [""] * (_column(cell.attributes.get("r", "")) - len(fields))
            fields.append(" ".join(_shown(cell, words, formats, day_one).split()))
        lines.append(fields)
        size, width = size + sum(map(len, fields)), max(width, len(fields))
        if size + width * len(lines) > LARGEST:
            raise ExportError(f"{export.name}: the sheet {name.removesuffix('.csv')} is too large. Save it as CSV.")
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([*line, *[""] * (width - len(line))] for line in lines)
    return out.getvalue().encode("utf-8", "replace")


def _shown(cell: Element, words: list[str], formats: list[str], day_one: datetime) -> str:
    kind, value = cell.attributes.get("t", "n"), cell["v"]
    if kind == "s":
        place = _number(value)
        return words[place] if place is not None and place < len(words) else ""
    if kind == "inlineStr":
        return "".join(_words(each) for each in cell.all("is"))
    if kind != "n" or not value:
        return {"e": "", "b": "TRUE" if value == "1" else "FALSE"}.get(kind, value)
    style = _number(cell.attributes.get("s")) or 0
    try:
        return _written(float(value), formats[style] if style < len(formats) else "", day_one)
    except (ValueError, OverflowError):
        return value


def _written(value: float, format_: str, day_one: datetime) -> str:
    if format_ == "date":
        moment = day_one + timedelta(seconds=round(value * 86_400))
        return moment.isoformat(" ").removesuffix(" 00:00:00")
    if format_ == "share":
        return f"{round(value * 100, 10):.10g}%"
    return f"{value:.0f}" if value == int(value) else repr(value)


def _formats(export: Export) -> list[str]:
    """What the numbers of each style are: "date", "share", or plain."""
    codes = {_number(each.attributes.get("numFmtId")): each for each in _all(export, "xl/styles.xml", "numFmt")}
    own = {number: _kind(each.attributes.get("formatCode", "")) for number, each in codes.items()}
    styles = [style for each in _all(export, "xl/styles.xml", "cellXfs") for style in each.all("xf")]
    numbers = [_number(style.attributes.get("numFmtId")) for style in styles]
    return [own.get(each) or ("date" if each in DATES else "share" if each in SHARES else "") for each in numbers]


def _kind(code: str) -> str:
    bare = LITERAL.sub("", code).lower()
    return "date" if re.search("[yd]", bare) else "share" if "%" in bare else ""


def _day_one(export: Export) -> datetime:
    flags = [each.attributes.get("date1904") for each in _all(export, PART, "workbookPr")]
    return DAY_ONE_1904 if flags and flags[0] in {"1", "true"} else DAY_ONE


def _words(element: Element) -> str:
    """The words of a text, of which each part may look its own way; not how they are spoken."""
    return "".join(
        each.text if each.name == "t" else _words(each) for each in element.children if each.name in {"t", "r"}
    )


def _column(place: str) -> int:
    """C7 is in column 2."""
    letters = place.rstrip("0123456789")
    if not re.fullmatch("[A-Z]{1,3}", letters):
        return 0
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return min(number - 1, LAST_COLUMN)


def _number(written: str | None) -> int | None:
    return int(written) if written and re.fullmatch(r"\d{1,9}", written) else None


def _all(export: Export, part: str, name: str) -> Iterator[Element]:
    """The elements of a part, if it is there. Raises ExportError where one is broken: none may be lost unnoticed."""
    for each in elements(export, part, name) if part in export.files() else ():
        if isinstance(each, Refused):
            raise ExportError(f"{export.name}: {part} is damaged ({each.reason}). Save the sheets as CSV instead.")
        yield each
