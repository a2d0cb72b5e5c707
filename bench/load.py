"""How long a load takes, and how much memory, beside `json.loads` on the very same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import IO, Any

import msgspec

from bench.figures import Broken, Figure, say
from data.demo import write_slack

ROOT = Path(__file__).parent.parent
WORK = ROOT / "bench" / "work"
REPEATS = 3
HELD_FROM = 1_000_000
"""The goals are for so many messages: with fewer, starting Python weighs too much."""
LARGE = 3_000_000
FEW, MANY = 100_000, 10_000_000
"""The goals of metrics and of deriving are for many; with few, starting on a question weighs more than answering it."""
FATES = ("inserted", "updated", "unchanged", "refused")
MADE_BY = ("data/demo.py", "data/lanterns.py", "data/demo_words.toml")
"""What decides what stands in an export; and what else decides which facts a load makes of it."""
LOADED_BY = (*MADE_BY, "data/columns.py", "data/merge.sql", "data/schema.sql", "ingest/exports/slack.py")
KEEPS_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}  # as everywhere but in some containers: else each start compiles anew
KEPT, DROPPED = "json.loads, results kept", "json.loads, results dropped"


@dataclass(frozen=True)
class Run:
    """What a process printed, and what it took: seconds, seconds of processor time, gigabytes at most."""

    said: Any
    waited: float
    worked: float
    peak: float


def figures(messages: int, is_full: bool = False, work: Path = WORK, repeats: int = REPEATS) -> list[Figure]:
    """Baseline and load by turns, so that a busy minute strikes both. Raises Broken when a record is lost."""
    path, folder = export(messages, work), work / f"data-{messages}"
    rounds = [_round(path, folder, messages) for _ in range(repeats)]
    kept, dropped, deaf, first, again = (middle(runs) for runs in zip(*rounds, strict=True))
    goal, most, least = (2.0, 1.0, 0.2) if messages >= HELD_FROM else (None, None, None)
    heard = f"{first.waited:.1f} s, of them {first.waited - deaf.waited:.1f} s for how messages sound"
    found = [
        _ratio("time waited, sentiment aside", deaf.waited, kept.waited, KEPT, goal),
        _ratio("processor time, sentiment aside", deaf.worked, kept.worked, KEPT, goal),
        _ratio("processor time, sentiment aside", deaf.worked, dropped.worked, DROPPED),
        Figure("load", "share of it for sentiment", 1 - deaf.waited / first.waited, goal=least, against=heard),
        _ratio("processor time, same export again", again.worked, first.worked, "the first load"),
        Figure("load", "most memory", first.peak, "GB", most, f"{messages:,} messages"),
    ]
    return [*found, _memory_growth(first.peak, messages, work)] if is_full else found


def export(messages: int, work: Path = WORK) -> Path:
    """A made-up Slack export of so many rows."""
    return written(work / f"slack-{messages}.zip", messages, write_slack)


def written(path: Path, messages: int, write: Callable[[Path, int], object], made_by: Sequence[str] = MADE_BY) -> Path:
    """A made-up export, which `write` writes once, until one of the files that decide what stands in it changes."""
    note = path.with_suffix(".made-by")
    if not (path.exists() and is_current(note, made_by)):
        say(f"writing an export of {messages:,} messages, which takes about {_about(messages, 30)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"unfinished-{path.name}")
        write(unfinished, messages)
        unfinished.replace(path)
        note.write_text(fingerprint(made_by), "utf-8")
    return path


def database(messages: int, work: Path = WORK) -> Path:
    """The folder that a load of so many messages filled, brought up to date with today's rules."""
    folder = work / f"data-{messages}"
    if (folder / "CURRENT").exists() and is_current(folder / "made-by", LOADED_BY):
        run("-m", "ingest", "derive", "--data", str(folder))
    else:
        path = export(messages, work)
        say(f"loading {messages:,} messages, which takes about {_about(messages, 18)}")
        load(path, folder, messages)
    return folder


def load(path: Path, folder: Path, messages: int, settings: Path | None = None) -> Run:
    """Load an export into an emptied folder. Raises Broken when a record is lost."""
    shutil.rmtree(folder, ignore_errors=True)
    done = _load(path, folder, settings)
    account(done.said["loads"], messages, "inserted")
    (folder / "made-by").write_text(fingerprint(LOADED_BY), "utf-8")
    return done


def account(loads: Iterable[dict[str, int]], messages: int, fate: str) -> None:
    """Every row of the export must have been read and met the one fate. Raises Broken otherwise."""
    counts = {name: sum(each[name] for each in loads) for name in ("read", *FATES)}
    if counts["read"] != messages or counts[fate] != messages:
        raise Broken(f"{messages:,} rows went in, and all should be {fate}; the load says {counts}")


def run(*words: str) -> Run:
    """Run Python with these words to its end. Raises Broken where it fails."""
    code, done = watched(sys.executable, *words)
    if code:
        raise Broken(f"`python {' '.join(words)}` ended with {code}")
    said = msgspec.json.decode(done.said) if done.said.startswith("{") else {}
    return replace(done, said=said)


def watched(*command: str, folder: Path = ROOT, errors: IO[bytes] | None = None, **variables: str) -> tuple[int, Run]:
    """How a command ended, and its run, with what it said as text. Its complaints go to `errors`."""
    done = subprocess.run(  # noqa: S603 - Hearth itself, or a pinned peer
        [sys.executable, str(ROOT / "bench" / "process.py"), *command],
        cwd=folder, stdout=subprocess.PIPE, stderr=errors, env=os.environ | KEEPS_COMPILED | variables, check=True,
    )  # fmt: skip
    told = msgspec.json.decode(done.stdout)
    return told["code"], Run(told["said"], told["waited"], told["worked"], told["peak"])


def _round(path: Path, folder: Path, messages: int) -> tuple[Run, ...]:
    baselines = _decode(path, "kept"), _decode(path, "dropped")
    deaf = load(path, folder, messages, settings=ROOT / "bench" / "deaf.toml")
    return *baselines, deaf, load(path, folder, messages), _again(path, folder, messages)


def _load(path: Path, folder: Path, settings: Path | None = None) -> Run:
    more = ["--settings", str(settings)] if settings else []
    return run("-m", "ingest", "load", str(path), "--json", "--data", str(folder), *more)


def _again(path: Path, folder: Path, messages: int) -> Run:
    done = _load(path, folder)
    account(done.said["loads"], messages, "unchanged")
    return done


def is_current(note: Path, sources: Sequence[str]) -> bool:
    """Whether what a note stands beside was made by these very files."""
    return note.exists() and note.read_text("utf-8") == fingerprint(sources)


def fingerprint(sources: Sequence[str]) -> str:
    return hashlib.sha256(b"".join((ROOT / source).read_bytes() for source in sources)).hexdigest()


def _about(messages: int, seconds: int) -> str:
    """How long so many messages take, at so many seconds a million."""
    waited = messages * seconds / 1e6
    return f"{waited / 60:.0f} minutes" if waited >= 60 else f"{waited:.0f} seconds"


def _decode(path: Path, results: str) -> Run:
    """Only what json.loads itself takes: not Python's start, not the unzipping."""
    done = run("-m", "bench.decode", str(path), results)
    return Run({}, done.said["waited"], done.said["worked"], done.peak)


def middle(runs: Sequence[Run]) -> Run:
    """The median of each measure."""
    return Run({}, *(median(getattr(each, name) for each in runs) for name in ("waited", "worked", "peak")))


def _ratio(what: str, mine: float, theirs: float, name: str, goal: float | None = None) -> Figure:
    return Figure("load", what, mine / theirs, goal=goal, against=f"{mine:.1f} s to {theirs:.1f} s for {name}")


def _memory_growth(peak: float, messages: int, work: Path) -> Figure:
    """Memory must not grow with the export."""
    folder = work / f"data-{LARGE}"
    large = load(export(LARGE, work), folder, LARGE)
    shutil.rmtree(folder)
    against = f"{large.peak:.2f} GB to {peak:.2f} GB for {messages:,} messages"
    return Figure("load", f"most memory at {LARGE:,}", large.peak / peak, goal=1.1, against=against)
