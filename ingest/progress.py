"""How far a load is: a bar on a terminal, a plain line now and then elsewhere. Always on standard error.

For a program that waits, such as the dashboard, each is a line of JSON: {"step", "done", "of", "unit", "records"}.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

Tick = Callable[[int, int], None]
"""Called with the bytes and the records read so far."""

QUIET_SECONDS = 5.0
SPARSE_SECONDS = 30.0  # between two words on a pull, which may wait for a quarter of an hour
TOLD_SECONDS = 0.2  # between two lines of JSON


class Progress:
    """Tells whoever waits what is happening. `quiet` says nothing at all; `as_json` speaks to a program."""

    def __init__(self, quiet: bool = False, as_json: bool = False) -> None:
        self.quiet, self.as_json = quiet, as_json
        self.console = Console(stderr=True)

    @contextmanager
    def export(self, name: str, size: int) -> Iterator[Tick]:
        """Follow one export of `size` bytes (0: not known)."""
        if self.quiet:
            yield _silent
        elif self.as_json:
            yield _told(name, size, "bytes")
        elif self.console.is_terminal:
            with self._bar() as bar:
                task = bar.add_task(name, total=size or None, records="")
                began = time.monotonic()

                def tick(done: int, records: int) -> None:
                    rate = records / max(time.monotonic() - began, 0.001)
                    bar.update(task, completed=done, records=f"{records:,} records, {rate:,.0f} a second")

                yield tick
        else:
            yield _plain(name, size)

    @contextmanager
    def count(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Follow one step that does so many things."""
        if self.quiet:
            yield _silent
        elif self.as_json:
            told = _told(what, total, "texts")
            yield lambda done: told(done, done)
        elif self.console.is_terminal:
            with self._bar(MofNCompleteColumn()) as bar:
                task = bar.add_task(what, total=total, records="")
                yield lambda done: bar.update(task, completed=done)
        else:
            sys.stderr.write(f"{what}: {total:,} ...\n")
            tick = _plain(what, total)
            yield lambda done: tick(done, done)

    @property
    def has_countdown(self) -> bool:
        """Whether what is told each second is seen as it changes: on a terminal, or by a program."""
        return self.as_json or self.console.is_terminal

    def note(self, text: str) -> None:
        """Say something that stays on the screen."""
        if not self.quiet:
            sys.stderr.write(f"{text}\n")

    @contextmanager
    def told(self, what: str) -> Iterator[Callable[[str], None]]:
        """Follow one step that tells in words how far it is."""
        if self.quiet:
            yield _silent
        elif self.as_json:
            yield lambda text: _told(f"{what}: {text}", 0, "")(0, 0)
        elif self.console.is_terminal:
            with self.console.status(escape(what)) as status:
                yield lambda text: status.update(escape(f"{what}: {text}"))
        else:
            yield _lines(what)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Follow one step whose length is not known."""
        if self.quiet:
            yield
        elif self.as_json:
            _told(what, 0, "")
            yield
        elif self.console.is_terminal:
            with self.console.status(what):
                yield
        else:
            sys.stderr.write(f"{what} ...\n")
            yield

    def _bar(self, done: ProgressColumn | None = None) -> Bar:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            done or DownloadColumn(),
            TextColumn("{task.fields[records]}"),
            TimeRemainingColumn(),
        )
        return Bar(*columns, console=self.console, transient=True)


def _silent(*_: object) -> None:
    pass


def _told(step: str, of: int, unit: str) -> Tick:
    """Lines of JSON: one at once, then a few a second at most."""
    last = 0.0

    def tick(done: int, records: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= TOLD_SECONDS:
            last = now
            said = {"step": step, "done": done, "of": of, "unit": unit, "records": records}
            sys.stderr.write(f"{msgspec.json.encode(said).decode()}\n")
            sys.stderr.flush()

    tick(0, 0)
    return tick


def _lines(what: str) -> Callable[[str], None]:
    last = -SPARSE_SECONDS

    def tell(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= SPARSE_SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"{what}: {text}\n")

    return tell


def _plain(name: str, size: int) -> Tick:
    began = last = time.monotonic()

    def tick(done: int, records: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= QUIET_SECONDS:
            last = now
            share = f", {done / size:.0%}" if size else ""
            rate = records / (now - began)
            sys.stderr.write(f"{name}: {records:,} records{share}, {rate:,.0f} a second\n")

    return tick
