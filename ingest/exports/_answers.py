"""Answers of an API as somebody saved them: a list, one object, or one a line; rows at any depth in them.

For every reader of a platform whose answers people keep as they came, or with a little of a script's own around them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import msgspec

from data.records import Refused
from ingest.archive import UNFIT, Export

SUFFIXES = {"", ".json", ".jsonl", ".ndjson"}
BOM = b"\xef\xbb\xbf"
MANY_LINES = re.compile(rb"[{\[]\s*\n")

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


def answers(export: Export, name: str) -> Iterator[Answer | Refused]:
    """What a file holds, piece by piece: only one object over many lines is taken as a whole."""
    head = beginning(export, name)
    if head.startswith(b"["):
        for number, raw in enumerate(export.array(name, msgspec.Raw), 1):
            yield raw if isinstance(raw, Refused) else Answer(f"record {number}", bytes(raw))
    elif MANY_LINES.match(head):
        yield Answer("byte 0", export.read(name).removeprefix(BOM))
    else:
        for number, line in export.lines(name):
            if line and not line.isspace():
                yield Answer(f"line {number}", line)


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
    while waiting:
        thing, above = waiting.pop()
        if isinstance(thing, list):
            waiting += [(each, above) for each in reversed(thing)]
        elif isinstance(thing, dict):
            if shape.is_row(thing):
                thing = {**above, **thing}
                above = shape.told(thing)
                yield thing
            waiting += [(thing[key], above) for key in reversed(shape.holders) if key in thing]


def refused(row: Row, file: str, place: str, shape: Shape, reason: Exception) -> Refused:
    """One row, without those that lie in it."""
    alone = {key: value for key, value in row.items() if key not in shape.holders}
    return Refused(file, place, str(reason), msgspec.json.encode(alone))


def _may_hold(value: Row, shape: Shape) -> bool:
    return shape.is_row(value) or not value.keys().isdisjoint(shape.holders)
