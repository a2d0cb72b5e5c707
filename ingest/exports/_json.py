"""JSON files as a chat's API or export leaves them: what each of them holds, and its rows, typed and streamed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeVar

import msgspec

from data.records import Refused
from ingest.archive import UNFIT, Export

T = TypeVar("T")

HEAD = 16384
LONG = 1 << 18  # a first message may be long, and hide the marks behind it
SPREAD = re.compile(rb"\{\s*\n")  # one object over many lines


def kinds(export: Export, marks: Mapping[str, tuple[bytes, ...]], limit: int | None = None) -> dict[str, list[str]]:
    """The names of the JSON files by kind: the first in `marks` whose marks all stand in the file's beginning."""
    found: dict[str, list[str]] = defaultdict(list)
    names = (name for name in export.files() if name.lower().endswith((".json", ".jsonl", ".ndjson")))
    for name in islice(names, limit):
        head = export.head(name, HEAD)
        kind = _kind(head, marks)
        if kind is None and len(head) == HEAD:
            kind = _kind(export.head(name, LONG), marks)
        if kind:
            found[kind].append(name)
    return found


def rows(export: Export, name: str, type: type[T], key: str | None = None) -> Iterator[T | Refused]:
    """The rows of a file: it is their list, holds it under `key`, has one on each line, or is the only one."""
    head = export.head(name, LONG).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"["):
        yield from export.array(name, type)
    elif key and msgspec.json.encode(key) in head:
        yield from export.array(name, type, key)
    elif SPREAD.match(head):
        yield decoded(export.read(name).removeprefix(b"\xef\xbb\xbf"), type, name, "byte 0")
    else:
        for number, line in export.lines(name):
            if line.strip():
                yield decoded(line, type, name, f"line {number}")


def decoded(raw: bytes | msgspec.Raw, type: type[T], file: str, place: str) -> T | Refused:
    """One row, or the reason why it is none."""
    try:
        return msgspec.json.decode(raw, type=type)
    except UNFIT as error:
        return Refused(file, place, str(error), bytes(raw))


def _kind(head: bytes, marks: Mapping[str, tuple[bytes, ...]]) -> str | None:
    return next((kind for kind, wanted in marks.items() if all(mark in head for mark in wanted)), None)
