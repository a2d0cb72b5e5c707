"""How long a load takes in each dialect of JSON that Hearth reads, beside `json.loads` on the very same bytes."""

from __future__ import annotations

import gc
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.dialects import Dialect, dialects
from bench.figures import Broken, Figure, say, worked
from bench.load import ROOT, WORK, fingerprint, is_current
from data.records import Message, singly
from data.settings import read_settings
from data.store import Store
from ingest.archive import Export
from ingest.load import Job, Loaded, load, readers
from ingest.progress import Progress

MADE_BY = ("bench/dialects.py", "bench/dialects.toml")
REPEATS = 2
GOAL = 2.5
HELD_FROM = 100_000
FEW = 100
"""What so few messages take is opening a database and starting to derive: in a large load it is nothing."""


def figures(messages: int, work: Path = WORK, repeats: int = REPEATS, wanted: str = "") -> list[Figure]:
    """Processor time of each dialect's load, sentiment aside. Raises Broken where messages are lost or refused."""
    return [_figure(each, messages, work, repeats) for each in dialects() if wanted in each.name]


def _figure(dialect: Dialect, messages: int, work: Path, repeats: int) -> Figure:
    """By turns, so that a busy minute strikes both; the results of json.loads are kept, as a program keeps them."""
    export, few = _export(dialect, messages, work), _export(dialect, FEW, work)
    raws = list(dialect.raws(export))
    size = sum(map(len, raws)) / messages
    say(f"loading {messages:,} messages of {dialect.name}")
    parts = (
        lambda: [json.loads(raw) for raw in raws],
        lambda: _read(dialect, export),
        lambda: _load(dialect, export),
        lambda: _load(dialect, few),
    )
    rounds = [[_took(part) for part in parts] for _ in range(repeats)]
    plain, read, whole, start = map(median, zip(*rounds, strict=True))
    against = f"{whole - start:.2f} s, {read:.2f} s of them to read, to {plain:.2f} s for messages of {size:,.0f} bytes"
    goal = GOAL if messages >= HELD_FROM else None
    return Figure("readers", dialect.name, (whole - start) / plain, goal=goal, against=against)


def _took(part: Callable[[], object]) -> float:
    gc.collect()
    return worked(part)


def _read(dialect: Dialect, path: Path) -> None:
    with Export(path) as export:
        for _ in readers()[dialect.reader].read(export):
            pass


def _load(dialect: Dialect, path: Path) -> Loaded:
    settings, quiet = read_settings(ROOT / "bench" / "deaf.toml"), Progress(quiet=True)
    with tempfile.TemporaryDirectory() as folder:
        (loaded,) = load(Job([path], dialect.reader), Store(Path(folder)), settings, quiet).loads
    return loaded


def _export(dialect: Dialect, messages: int, work: Path) -> Path:
    """An export of about so many messages; written once, until what makes it up changes."""
    folder = work / f"readers-{messages}" / re.sub(r"\W+", "-", dialect.name)
    export, note = folder / Path(dialect.fixture).name, folder / "made-by"
    if not is_current(note, MADE_BY):
        say(f"writing {messages:,} messages of {dialect.name}")
        shutil.rmtree(folder, ignore_errors=True)
        copies = round(messages / _said_by_one(dialect))
        dialect.write(export, copies)
        loaded = _load(dialect, export)
        if abs(loaded.messages - messages) > messages / 50 + FEW or loaded.refused > 10:
            raise Broken(f"{dialect.name}: {copies:,} copies of its rows should be {messages:,} messages, not {loaded}")
        note.write_text(fingerprint(MADE_BY), "utf-8")
    return export


def _said_by_one(dialect: Dialect) -> int:
    """How many messages one copy of the rows adds."""
    with tempfile.TemporaryDirectory() as folder:
        few, more = (Path(folder) / str(copies) / Path(dialect.fixture).name for copies in (2, 3))
        dialect.write(few, 2)
        dialect.write(more, 3)
        return said(dialect, more) - said(dialect, few)


def said(dialect: Dialect, path: Path) -> int:
    """How many messages an export holds, each counted once, without joins and the like."""
    with Export(path) as export:
        records = singly(readers()[dialect.reader].read(export))
        return len({each.id for each in records if isinstance(each, Message) and each.kind == "message"})
