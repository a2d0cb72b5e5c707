"""What the project's own documents say, so that a page need not say it a second time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
READER = re.compile(r"^\| `(\w+)`(?: \*\w+\*)? \| (.+) \| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Reader:
    """What one reader reads, and what its data cannot tell: both in Markdown."""

    name: str
    reads: str
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
    """The tables of docs/platforms.md, a row each. Raises LookupError where it has none."""
    found = tuple(Reader(*row) for row in READER.findall(_text("docs/platforms.md")))
    if not found:
        raise LookupError("docs/platforms.md: the tables with 'what it cannot tell' are missing")
    return found


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")
