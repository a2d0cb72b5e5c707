"""Files of any rows: CSV, XLSX, Parquet and JSON, written batch by batch, so that memory does not grow with the rows.

What a file says of itself (fingerprint, filters, as of) stands inside where the format has a place for it: a second
sheet of XLSX, Parquet's own metadata under the key `hearth`. A comment in a CSV, or an object around the rows of a
JSON, would break the programs that read them: there it is a file of its own beside them, `FILE.about.json`.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow as pa

from data.explore import Extract
from data.meant import meant

FORMULA = r"^[\s\p{Cc}\p{Cf}]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|^[\t\r\n]"
"""A text that a spreadsheet may take for a formula: the signs also full-width, and after what is not seen."""
LINES = 1_048_576
"""So many lines has a sheet of Excel, its head included; what is more goes on in the next sheet."""
WIDE = {"text": 60, "last_words": 60, "title": 30, "name": 20}
"""Columns of an Excel sheet that need more room than their name; moments need 20 letters."""
LETTERS = 32_767
"""So much text fits into a cell of Excel; what is longer is cut, and the sheet about the file says so."""
EXACT = 2**53
"""Spreadsheets know whole numbers up to here; longer ones are ids, and stay text."""
AT_ONCE = 20_000
"""Files of so many rows take no time worth a word."""
STEP = 1000
"""After so many rows of a sheet, which take long, whoever waits hears of it."""
Seen = Callable[[int], None]
MOMENT = "%Y-%m-%dT%H:%M:%S%.fZ"


@dataclass(frozen=True)
class Format:
    """A kind of file: its name for people, the ending of its files, and what a browser calls it."""

    title: str
    ending: str
    media: str
    write: Callable[[Extract, pa.RecordBatchReader, IO[bytes], Seen], list[str]]
    tells: bool  # whether what is told of the rows stands in the file itself


def write(extract: Extract, form: str, to: IO[bytes], seen: Seen = lambda _: None) -> list[str]:
    """Write all the rows; `seen` hears how many have been written so far. What did not fit, in sentences."""
    with extract.open() as reader:
        return FORMATS[form].write(extract, reader, to, seen)


def save(extract: Extract, form: str, path: Path | None, seen: Seen = lambda _: None) -> list[str]:
    """Write a file whole or not at all, and what is told of it; to standard output without a path. What happened."""
    if path is None:
        with tempfile.TemporaryFile() as whole:
            notes = write(extract, form, whole, seen)
            whole.seek(0)
            shutil.copyfileobj(whole, sys.stdout.buffer)
        return [*notes, f"{_rows(extract)} [{extract.fingerprint}]"]
    if path.is_dir():
        raise LookupError(f"{path} is a folder. Name a file in it, such as {path / f'rows{FORMATS[form].ending}'}")
    if not path.absolute().parent.is_dir():
        raise LookupError(f"{path}: there is no such folder. Make it first, or name another.")
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as to:
            notes = write(extract, form, to, seen)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    beside = path.with_name(f"{path.name}.about.json")
    if not FORMATS[form].tells:
        beside.write_bytes(about(extract))
    also = "" if FORMATS[form].tells else f", and what they are in {beside.name}"
    return [*notes, f"{_rows(extract)} in {path}{also} [{extract.fingerprint}]"]


def format_of(form: str, path: Path | None) -> str:
    """The format asked for, else the one of a file's ending, else CSV. Raises LookupError, with those there are."""
    if form and form not in FORMATS:
        raise LookupError(f"no format {form!r}{meant(form, FORMATS)}")
    endings = {each.ending: name for name, each in FORMATS.items()}
    matching = [ending for ending in endings if path and path.name.lower().endswith(ending)]
    if path and path.suffix and not (form or matching):
        raise LookupError(
            f"{path}: no format ends in {path.suffix}{meant(path.suffix, endings)}. Or name it: --format csv"
        )
    return form or (endings[max(matching, key=len)] if matching else "csv")


def about(extract: Extract) -> bytes:
    """What is told of the rows, as JSON: the file that stands beside a CSV or a JSON."""
    return json.dumps(extract.about, ensure_ascii=False, indent=2, default=_iso).encode()


def calm(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows for a spreadsheet: a text that could be a formula gets a `'`. Numbers stay numbers."""
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(text.str.contains(FORMULA)).then("'" + text).otherwise(text).name.keep())


def _rows(extract: Extract) -> str:
    return f"{extract.rows:,} {'row' if extract.rows == 1 else 'rows'}"


def _csv(_: Extract, reader: pa.RecordBatchReader, to: IO[bytes], seen: Seen) -> list[str]:
    for is_first, frame in _frames(reader, seen):
        to.write(calm(frame).write_csv(include_header=is_first, quote_style="always", datetime_format=MOMENT).encode())
    return []


def _raw_csv(_: Extract, reader: pa.RecordBatchReader, to: IO[bytes], seen: Seen) -> list[str]:
    """Texts as they are. An empty text is `""`, and what is not known is nothing at all."""
    for is_first, frame in _frames(reader, seen):
        to.write(frame.write_csv(include_header=is_first, datetime_format=MOMENT).encode())
    return []


def _json(_: Extract, reader: pa.RecordBatchReader, to: IO[bytes], seen: Seen) -> list[str]:
    """A list of objects, one a line."""
    to.write(b"[")
    is_begun = False
    for _first, frame in _frames(reader, seen):
        moments = pl.col(pl.Datetime("us", "UTC")).dt.strftime(MOMENT)
        lines = frame.with_columns(moments).write_ndjson().rstrip("\n")
        if lines:
            to.write((",\n" if is_begun else "\n").encode() + lines.replace("\n", ",\n").encode())
            is_begun = True
    to.write(b"\n]\n")
    return []


def _parquet(extract: Extract, reader: pa.RecordBatchReader, to: IO[bytes], seen: Seen) -> list[str]:
    import pyarrow.parquet as pq

    schema = reader.schema.with_metadata({"hearth": about(extract)})
    done = 0
    with pq.ParquetWriter(to, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch.cast(schema))
            seen(done := done + batch.num_rows)
    return []


def _xlsx(extract: Extract, reader: pa.RecordBatchReader, to: IO[bytes], seen: Seen) -> list[str]:
    """Typed cells. No text becomes a formula, a link or a number, whatever it looks like."""
    import xlsxwriter

    quiet = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(to, {**quiet, "constant_memory": True, "use_zip64": True})
    book.set_properties({"title": extract.name, "comments": extract.fingerprint, "created": _made(extract)})
    try:
        notes = _filled(_Sheets(book, extract.name, reader.schema.names), extract, reader, seen)
    except BaseException:
        for sheet in book.worksheets():  # the rows of each wait in a file of its own, which only a whole book closes
            sheet._opt_close()  # noqa: SLF001 - there is no other way
        raise
    book.close()
    return notes


def _filled(sheets: _Sheets, extract: Extract, reader: pa.RecordBatchReader, seen: Seen) -> list[str]:
    """All rows, and what is told of them; what did not fit."""
    done = 0
    for _first, frame in _frames(reader, lambda _: None):
        for row in frame.iter_rows():
            sheets.add(row)
            done += 1
            if done % STEP == 0:
                seen(done)
    notes = sheets.notes()
    sheets.tell({**extract.about, **({"did not fit": notes} if notes else {})})
    return notes


class _Sheets:
    """The sheets of a workbook: the rows, on as many as they need, and what is told of them."""

    def __init__(self, book: Any, name: str, columns: list[str]) -> None:
        self.book, self.name, self.columns = book, name, columns
        self.bold = book.add_format({"bold": True})
        self.moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.sheets = self.cut = 0
        self.begin()

    def begin(self) -> None:
        """Begin a sheet with the columns' names."""
        self.sheets += 1
        self.sheet = self.book.add_worksheet(self.name[:25] + (f" {self.sheets}" if self.sheets > 1 else ""))
        self.sheet.freeze_panes(1, 0)
        for column, name in enumerate(self.columns):
            self.sheet.write_string(0, column, name, self.bold)
            self.sheet.set_column(
                column, column, 20 if name.endswith("_at") else WIDE.get(name, max(12, len(name) + 2))
            )
        self.line = 1

    def add(self, row: Iterable[object]) -> None:
        """One row; in a new sheet where this one is full."""
        if self.line == LINES:
            self.begin()
        for column, value in enumerate(row):
            if value is not None:
                self.put(column, value)
        self.line += 1

    def put(self, column: int, value: object) -> None:
        """One cell, by its type."""
        sheet, line = self.sheet, self.line
        if isinstance(value, bool):
            sheet.write_boolean(line, column, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(line, column, value.astimezone(UTC).replace(tzinfo=None), self.moment)
        elif isinstance(value, date):
            sheet.write_datetime(line, column, value, self.day)
        elif isinstance(value, int | float) and abs(value) < EXACT:
            sheet.write_number(line, column, value)
        else:
            sheet.write_string(line, column, self.fitting(str(value)))

    def fitting(self, text: str) -> str:
        """A text that a cell can hold. What XML has no sign for is shown as a replacement."""
        if not text.isascii():
            text = text.translate(_NO_SIGNS)
        if len(text) <= LETTERS:
            return text
        self.cut += 1
        return text[: LETTERS - 1] + "…"

    def notes(self) -> list[str]:
        """What a spreadsheet could not hold, in sentences."""
        told = []
        if self.cut:
            texts = "text is" if self.cut == 1 else "texts are"
            told.append(f"{self.cut:,} {texts} longer than the {LETTERS:,} characters of a cell, and cut.")
        if self.sheets > 1:
            told.append(f"The rows are on {self.sheets} sheets: one holds {LINES - 1:,} at most.")
        return told

    def tell(self, about: Mapping[str, Any]) -> None:
        """The sheet about the file: a name and its words a line."""
        self.sheet, self.line = self.book.add_worksheet("about"), 0
        self.sheet.set_column(0, 0, 30)
        self.sheet.set_column(1, 1, 100)
        for name, words in _told(about):
            self.sheet.write_string(self.line, 0, self.fitting(name), self.bold)
            self.put(1, words)
            self.line += 1


_NO_SIGNS = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def _told(about: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, object]]:
    """What is told, line by line: parts of parts bear both names."""
    for name, words in about.items():
        if isinstance(words, Mapping):
            yield from _told(words, f"{within}{name}: ")
        elif isinstance(words, list | tuple):
            yield f"{within}{name}", ", ".join(map(str, words))
        elif words is not None:
            yield f"{within}{name}", words


def _frames(reader: pa.RecordBatchReader, seen: Seen) -> Iterator[tuple[bool, pl.DataFrame]]:
    """Batch by batch, and whether it is the first; where there are no rows, one without any."""
    done = 0
    for batch in reader:
        yield done == 0, pl.DataFrame(batch)
        seen(done := done + batch.num_rows)
    if not done:
        yield True, pl.DataFrame(reader.schema.empty_table())


def _made(extract: Extract) -> datetime:
    """When a file says it was made: where its data ends, so that the same rows are the same file."""
    moments = [each for each in extract.about.get("as of", {}).values() if isinstance(each, datetime)]
    return max(moments, default=datetime(2000, 1, 1, tzinfo=UTC)).astimezone(UTC).replace(tzinfo=None)


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


FORMATS: dict[str, Format] = {
    "csv": Format("CSV", ".csv", "text/csv", _csv, tells=False),
    "raw-csv": Format("raw CSV (for machines)", ".raw.csv", "text/csv", _raw_csv, tells=False),
    "xlsx": Format(
        "XLSX", ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx, tells=True
    ),
    "parquet": Format("Parquet", ".parquet", "application/vnd.apache.parquet", _parquet, tells=True),
    "json": Format("JSON", ".json", "application/json", _json, tells=False),
}
