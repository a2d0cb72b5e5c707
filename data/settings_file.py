"""Writes hearth.toml as a careful person would: comments and order stay, and what stood there can be had back."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Item, Table

from data.settings import PARTS, SettingsError, parse_settings

Part = Literal["roster", "channels", "calendars"]
Row = Mapping[str, Any]
NOTE = "note"  # of a new row: for whoever reads the file, written behind its first setting as a comment
BEFORE, UNDONE = (
    "before",
    "undone",
)  # what the file held before the last change, and what it held before that was undone


def settings_text(path: Path) -> str:
    """The file as it stands; empty where there is none yet."""
    return path.read_text("utf-8") if path.exists() else ""


def rows_of(text: str, part: Part) -> list[dict[str, Any]]:
    """The rows of a part, as they stand in the text."""
    return list(tomllib.loads(text).get(part, []))


def with_rows(text: str, part: Part, rows: Sequence[tuple[int | None, Row]], path: Path) -> str:
    """The text with these rows in a part: each with the number of the row it was, None for a new one.

    An empty value leaves a setting out. Raises SettingsError where the settings could not be used so.
    """
    old = rows_of(text, part)
    meant = [_clean(part, row, () if was is None else old[was]) for was, row in rows]
    try:
        document = tomlkit.parse(_cut(text, part, {was for was, _ in rows}))
        _put(document, part, [was for was, _ in rows], meant, [row.get(NOTE) for _, row in rows])
        changed = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise SettingsError(f"{path}: {error}") from None
    wanted = {name: value for name, value in tomllib.loads(text).items() if name != part}
    if tomllib.loads(changed) != (wanted | {part: meant} if meant else wanted):
        raise SettingsError(f"{path}: [[{part}]] is written in a form that only a person can change. Edit the file.")
    parse_settings(changed, path)
    return changed


def only_rows(part: Part, rows: Sequence[Row]) -> str:
    """The rows alone, to be pasted into a file by hand."""
    document = tomlkit.document()
    _put(document, part, [None] * len(rows), [_clean(part, row) for row in rows], [row.get(NOTE) for row in rows])
    return tomlkit.dumps(document)


def may_write(path: Path) -> bool:
    """Whether the file may be changed: one that is read-only, or lies in such a folder, is left alone."""
    place = path.resolve()
    if place.exists() and not place.stat().st_mode & 0o222:  # also where a superuser could
        return False
    return os.access(place.parent, os.W_OK) and (not place.exists() or os.access(place, os.W_OK))


def write_settings(path: Path, text: str, seen: str) -> None:
    """Put a text in the file's place, whole or not at all. What stood there, `seen`, is kept for `undo_settings`.

    Raises SettingsError where somebody else has changed the file since it was seen, or where it cannot be written.
    """
    _write(path, text, seen, BEFORE)
    _beside(path, UNDONE).unlink(missing_ok=True)


def undo_settings(path: Path) -> None:
    """Put back what stood in the file before the last change. What it held is kept for `redo_settings`.

    Raises SettingsError where there is nothing to put back.
    """
    if not can_undo(path):
        raise SettingsError(f"{path}: nothing was changed here, so there is nothing to undo.")
    _put_back(path, BEFORE, UNDONE)


def redo_settings(path: Path) -> None:
    """Bring the change back that `undo_settings` took back. Raises SettingsError where none was."""
    if not can_redo(path):
        raise SettingsError(f"{path}: nothing was taken back here, so there is nothing to bring back.")
    _put_back(path, UNDONE, BEFORE)


def can_undo(path: Path) -> bool:
    """Whether what stood in the file before is still known, and differs."""
    return _differs(path, BEFORE)


def can_redo(path: Path) -> bool:
    """Whether a change was taken back, and is still known."""
    return _differs(path, UNDONE)


def last_changed(path: Path) -> tuple[Part, ...]:
    """The parts in which the file differs from what `undo_settings` or `redo_settings` would put there."""
    kept = next((_beside(path, each) for each in (BEFORE, UNDONE) if _differs(path, each)), path)
    text, other = settings_text(path), settings_text(kept)
    return tuple(part for part in get_args(Part) if rows_of(text, part) != rows_of(other, part))


def _put_back(path: Path, kept: str, other: str) -> None:
    _write(path, _beside(path, kept).read_text("utf-8"), settings_text(path), other)
    _beside(path, kept).unlink(missing_ok=True)


def _write(path: Path, text: str, seen: str, kept: str) -> None:
    if settings_text(path) != seen:
        raise SettingsError(f"{path}: was changed by somebody else just now. Reload the page, then change it again.")
    parse_settings(text, path)
    try:
        _replace(_beside(path, kept), seen, path)
        _replace(path.resolve(), text, path)
    except OSError as error:
        raise SettingsError(f"{path}: could not be written ({error.strerror}). It is as it was.") from error


def _differs(path: Path, kept: str) -> bool:
    place = _beside(path, kept)
    return place.exists() and place.read_text("utf-8") != settings_text(path)


def _beside(path: Path, kept: str) -> Path:
    place = path.resolve()
    return place.with_name(f"{place.name}.{kept}")


def _replace(place: Path, text: str, like: Path) -> None:
    """Write beside, then rename: whoever reads sees the old file or the new one."""
    unfinished = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    mode = like.stat().st_mode & 0o777 if like.exists() else 0o600
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    unfinished.replace(place)


def _cut(text: str, part: Part, kept: set[int | None]) -> str:
    """The text without the tables that are not kept. What is written between two of them speaks of what follows."""
    left: list[str] = []
    notes: list[str] = []
    number, is_cut = -1, False
    for line in text.splitlines(keepends=True):
        if not line.strip() or line.lstrip().startswith("#"):
            notes.append(line)
            continue
        if line.lstrip().startswith("["):
            is_ours = re.match(rf"\s*\[\[\s*{part}\s*\]\]", line) is not None
            number += is_ours
            left += notes
            is_cut, notes = is_ours and number not in kept, []
        if not is_cut:
            left += [*notes, line]
        notes = []
    return "".join(left + notes)


def _put(
    document: tomlkit.TOMLDocument,
    part: Part,
    were: Sequence[int | None],
    rows: Sequence[Row],
    notes: Sequence[str | None],
) -> None:
    """Make a document's part hold these rows, each in the table it came from."""
    found = document.get(part)
    held: AoT | Array = found if isinstance(found, AoT | Array) else tomlkit.aot()
    if isinstance(held, Array):
        for number in sorted(set(range(len(held))) - set(were), reverse=True):
            del held[number]
    kept = [row for was, row in zip(were, rows, strict=True) if was is not None]
    for table, row in zip(held, kept, strict=True):
        _update(table, row)
    for was, row, note in zip(were, rows, notes, strict=True):
        if was is None:
            held.append(_table(row, note) if isinstance(held, AoT) else dict(row))
    if not held:
        document.pop(part, None)
    elif found is None:
        document.append(part, held)


def _update(table: Any, row: Row) -> None:
    for key in [key for key in table if key not in row]:
        del table[key]
    for key, value in row.items():
        if key not in table or table[key].unwrap() != value:
            table[key] = value


def _table(row: Row, note: str | None) -> Table:
    table = tomlkit.table()
    for number, (key, value) in enumerate(row.items()):
        item: Item = tomlkit.item(value)
        if note and number == len(row) - 1:
            item.comment("".join(letter for letter in note if letter.isprintable()))
        table.add(key, item)
    table.add(tomlkit.nl())
    return table


def _clean(part: Part, row: Row, spelled: Collection[str] = ()) -> dict[str, Any]:
    """What is worth a line: nothing empty, and no default that was not spelled out before."""
    kind = PARTS[part]
    defaults = dict(zip(reversed(kind.__struct_fields__), reversed(kind.__struct_defaults__), strict=False))
    said = {key: _plain(value) for key, value in row.items() if key != NOTE and value not in (None, "")}
    return {key: value for key, value in said.items() if key in spelled or value != _plain(defaults.get(key))}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    return list(value) if isinstance(value, list | tuple) else value
