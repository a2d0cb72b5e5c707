"""What the project's own documents say, so that a page need not say it a second time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from data.lacks import Lack

ROOT = Path(__file__).parent.parent
READER = re.compile(
    r"^### (\w+).*\n\n(.+)\n\n- Get it: (.+)\n(?:- Or pull it: .+\n)?- Holds: (.+)\n"
    r"(?:- In short: \*\*(.+)\*\*.*\n)?- Cannot tell: (.+)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Reader:
    """What one reader reads, how to come by it, what it holds, lacks and cannot tell: all in Markdown."""

    name: str
    reads: str
    get: str
    holds: str
    lacks: tuple[Lack, ...]
    cannot_tell: str


@cache
def rules() -> tuple[str, ...]:
    """The points of README.md under "What each number means", as Markdown. Raises LookupError where it has none."""
    part = re.search(r"^## What each number means\n(.*?)(?=^## )", _text("README.md"), re.MULTILINE | re.DOTALL)
    points = re.findall(r"^- (.*(?:\n  .*)*)", part[1], re.MULTILINE) if part else []
    if not points:
        raise LookupError("README.md: the points under 'What each number means' are missing")
    return tuple(" ".join(point.split()) for point in points)


@cache
def readers() -> tuple[Reader, ...]:
    """The readers of docs/platforms.md. Raises LookupError where it tells of none."""
    found = READER.findall(_text("docs/platforms.md"))
    if not found:
        raise LookupError("docs/platforms.md: what each reader reads and cannot tell is missing")
    return tuple(
        Reader(
            name, reads, get, holds, cast("tuple[Lack, ...]", tuple(lacks.split(", ")) if lacks else ()), cannot_tell
        )
        for name, reads, get, holds, lacks, cannot_tell in found
    )


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")
