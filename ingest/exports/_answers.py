"""Answers of an API, or a chat's own JSON, as somebody saved them: a list, one object, or one a line.

Where the rows of a file lie flat, rows() gives them as structs. Where they lie at any depth, or with a little of a
script's own around them, answers() gives what a file holds piece by piece, and unfolded() the rows in each, as dicts.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TypeVar

import msgspec

from data.records import Refused
from ingest.archive import BOM, UNFIT, Export

T = TypeVar("T")

HEAD = 16384
LONG = 1 << 18  # a first message may be long, and hide the marks behind it
SUFFIXES = {"", ".json", ".jsonl", ".ndjson"}
MANY_LINES = re.compile(rb"\{\s*\n")

Row = dict[str, Any]


class Answer(NamedTuple):
    """One object or list of a file, undecoded, and where it stands."""

    place: str
    raw: bytes


def likely(export: Export) -> Iterator[str]:
    """The files that may hold JSON, by their names."""
    return (name for name in export.files() if PurePosixPath(name).suffix.lower() in SUFFIXES)


def beginning(export: Export, name: str) -> bytes:
    """The first 64 KB of a file that begins as JSON does; of another, nothing."""
    head = export.head(name).removeprefix(BOM).lstrip()
    return head if head[:1] in (b"{", b"[") else b""


def kinds(export: Export, marks: Mapping[str, tuple[bytes, ...]], limit: int | None = None) -> dict[str, list[str]]:
    """The names of the files by kind: the first in `marks` whose marks all stand in the file's beginning."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in islice(likely(export), limit):
        head = export.head(name, HEAD)
        kind = _kind(head, marks)
        if kind is None and len(head) == HEAD:
            kind = _kind(export.head(name, LONG), marks)
        if kind:
            found[kind].append(name)
    return found


def rows(export: Export, name: str, type: type[T], key: str | None = None) -> Iterator[T | Refused]:
    """The rows of a file: it is their list, holds it under `key`, has one on each line, or is the only one."""
    head = export.head(name, LONG).removeprefix(BOM).lstrip()
    if head.startswith(b"["):
        yield from export.array(name, type)
    elif key and msgspec.json.encode(key) in head:
        yield from export.array(name, type, key)
    else:
        for answer in _one_or_many(export, name, head):
            yield row(answer.raw, type, name, answer.place)


def row(raw: bytes | msgspec.Raw, type: type[T], file: str, place: str) -> T | Refused:
    """One row as a struct, or the reason why it is none."""
    try:
        return msgspec.json.decode(raw, type=type)
    except UNFIT as error:
        return Refused(file, place, str(error), bytes(raw))


def answers(export: Export, name: str) -> Iterator[Answer | Refused]:
    """What a file holds, piece by piece: only one object over many lines is taken as a whole."""
    head = beginning(export, name)
    if head.startswith(b"["):
        for number, raw in enumerate(export.array(name, msgspec.Raw), 1):
            yield raw if isinstance(raw, Refused) else Answer(f"record {number}", bytes(raw))
    else:
        yield from _one_or_many(export, name, head)


def decoded(raw: bytes) -> object:
    """Any JSON, or one of UNFIT; half a surrogate pair, which is no text, becomes U+FFFD."""
    try:
        return msgspec.json.decode(raw)
    except UNFIT:
        try:
            text = json.dumps(json.loads(raw), ensure_ascii=False)
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from None
        return msgspec.json.decode(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


class Shape(NamedTuple):
    """How rows lie in an answer."""

    holders: Sequence[str]  # the keys below which more of them may be, in the order in which they are read
    is_row: Callable[[Row], bool]
    told: Callable[[Row], Row]  # what a row's children are given, unless they say it themselves


def unfolded(answer: Answer, file: str, shape: Shape) -> Iterator[Row | Refused]:
    """Every row of an answer, parents before their children; Refused where it is no such answer."""
    try:
        value = decoded(answer.raw)
    except UNFIT as error:
        yield Refused(file, answer.place, str(error), answer.raw)
        return
    if not isinstance(value, list) and not (isinstance(value, dict) and _may_hold(value, shape)):
        yield Refused(file, answer.place, "it holds nothing that is known here", answer.raw)
    waiting: list[tuple[object, Row]] = [(value, {})]
    holders = shape.holders[::-1]
    while waiting:
        thing, above = waiting.pop()
        if isinstance(thing, list):
            waiting += [(each, above) for each in reversed(thing)]
        elif isinstance(thing, dict):
            if is_row := shape.is_row(thing):
                thing = {**above, **thing} if above else thing
                yield thing
            if not thing.keys().isdisjoint(holders):  # which most rows' are, and that is quickly known
                below = shape.told(thing) if is_row else above
                waiting += [(thing[key], below) for key in holders if key in thing]


def placed(export: Export, name: str, shape: Shape) -> Iterator[tuple[str, Row] | Refused]:
    """Every row of a file's answers, with the place of its answer."""
    for answer in answers(export, name):
        if isinstance(answer, Refused):
            yield answer
            continue
        for found in unfolded(answer, name, shape):
            yield found if isinstance(found, Refused) else (answer.place, found)


def refused(row: Row, file: str, place: str, shape: Shape, reason: Exception) -> Refused:
    """One row, without those that lie in it."""
    alone = {key: value for key, value in row.items() if key not in shape.holders}
    return Refused(file, place, str(reason), msgspec.json.encode(alone))


def _kind(head: bytes, marks: Mapping[str, tuple[bytes, ...]]) -> str | None:
    return next((kind for kind, wanted in marks.items() if all(mark in head for mark in wanted)), None)


def _one_or_many(export: Export, name: str, head: bytes) -> Iterator[Answer]:
    if MANY_LINES.match(head):
        yield Answer("byte 0", export.read(name).removeprefix(BOM))
        return
    for number, line in export.lines(name):
        if line and not line.isspace():
            yield Answer(f"line {number}", line)


def _may_hold(value: Row, shape: Shape) -> bool:
    return shape.is_row(value) or not value.keys().isdisjoint(shape.holders)
