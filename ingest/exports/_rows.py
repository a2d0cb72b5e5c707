"""Rows as dicts, alike from JSON that an API answered and from a CSV of the same columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TypeVar

import msgspec

from data.records import Refused
from ingest.archive import Export
from ingest.exports import _answers, _sheets
from ingest.exports._answers import Row, Shape
from ingest.exports._moments import settle

T = TypeVar("T", bound=msgspec.Struct)

FLAGS = {"public", "private"}
SHORT = {"t": "true", "f": "false"}  # as PostgreSQL writes them


def is_sheet(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in {".csv", ".tsv"}


def columns(export: Export, name: str, is_header: Callable[[Collection[str]], bool]) -> bool:
    """Whether a file is a sheet with such columns."""
    return is_sheet(name) and _sheets.find(export, name, is_header) is not None


def first(export: Export, name: str, column: str) -> str | None:
    """What the first row of a sheet with such a column says there."""
    sheet = _sheets.find(export, name, lambda columns: column in columns)
    found = _sheets.first(export, sheet) if sheet else []
    return found[0][sheet.columns.index(column)] or None if sheet and found else None


def rows(
    export: Export,
    name: str,
    shape: Shape,
    is_header: Callable[[Collection[str]], bool],
    renamed: Mapping[str, str],
) -> Iterator[tuple[str, Row] | Refused]:
    """Each row of a file with its place. Columns of a sheet go by the names that the API has for them."""
    if sheet := _sheets.find(export, name, is_header) if is_sheet(name) else None:
        names = [renamed.get(column, column) for column in sheet.columns]
        for row in _sheets.rows(export, sheet):
            yield row if isinstance(row, Refused) else (f"line {row.line}", _named(names, row.fields))
        return
    yield from _answers.placed(export, name, shape)


def converted(row: Row, type: type[T], file: str, place: str) -> T | Refused:
    """A row as `type`, its moments in UTC; numbers and dates may be written as text, as they are in a sheet."""
    try:
        found = msgspec.convert(row, type, strict=False)
        settle(found)
    except ValueError as error:
        return refused(row, type, file, place, str(error))
    return found


def refused(row: Row, type: type[T], file: str, place: str, reason: str) -> Refused:
    """A row that cannot be read, but for what lies deeper in it: there people's addresses stand."""
    flat = {key: row[key] for key in type.__struct_fields__ if not isinstance(row.get(key, {}), dict | list)}
    return Refused(file, place, reason, msgspec.json.encode(flat))


def _named(names: list[str], fields: list[str]) -> Row:
    """An empty field says nothing."""
    told = {name: field for name, field in zip(names, fields, strict=True) if field}
    return told | {flag: SHORT.get(told[flag], told[flag].lower()) for flag in FLAGS & told.keys()}
