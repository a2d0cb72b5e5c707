"""Work that the dashboard has done by `python -m ingest`: one child process at a time, which outlives the page.

Whoever closes the page does not stop it; whoever stops the dashboard does, and the same again goes on where it was.
What was uploaded lies in a private folder beside the database, and only as long as the child runs. A file's own name
comes from a stranger: what it is kept under is made of its letters and digits, in a folder of ours.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

ROOT = Path(__file__).parent.parent
UPLOADS = "uploads"
MOST_FILES = 20
ROOM = 3  # times as much free disk as is uploaded: the files, the database with them in it, and its copy
PATIENCE = 10.0  # seconds that a child has to end by itself
TOLD = 4096  # bytes at the end of what it says that hold its newest line
BUSY, CANCELLED = 4, 130
# What the child gets of our environment: no keys, nothing that is not its business.
PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "NUMBA_CACHE_DIR", "HEARTH_MARKS_URL",
    "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT",
)  # fmt: skip

Upload = tuple[str, BinaryIO]
"""A file's own name, and its bytes."""


class CannotStart(Exception):
    """Why the work cannot begin, and what to do."""


class Step(msgspec.Struct):
    """How far a child is: `done` of `of` (0: not known), counted in `unit`."""

    step: str
    done: int = 0
    of: int = 0
    unit: str = ""
    records: int = 0


@dataclass(frozen=True)
class Outcome:
    """How it ended: the exit code, the summary it printed, and what it said was wrong."""

    code: int
    summary: dict[str, Any]
    said: str


@dataclass
class Work:
    """One piece of work, running or done."""

    title: str
    began: datetime
    room: Path
    names: Mapping[str, str]  # where each upload is kept: what its owner calls it
    process: subprocess.Popen[bytes]
    number: str = field(default_factory=lambda: secrets.token_hex(4))
    is_cancelled: bool = False
    outcome: Outcome | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def step(self) -> Step | None:
        """The newest that it said of how far it is."""
        for line in reversed(_tail(self.room / "said").splitlines()):
            with suppress(msgspec.DecodeError):
                step = msgspec.json.decode(line, type=Step)
                return msgspec.structs.replace(step, step=self._called(step.step))
        return None

    def cancel(self) -> None:
        """Have it stopped, without waiting."""
        self.is_cancelled = True
        threading.Thread(target=self.stop, daemon=True).start()

    def stop(self) -> None:
        """Ask it to stop, then make it, and wait for its end."""
        for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(asked)
            if self.ended.wait(PATIENCE):
                return

    def wait(self) -> None:
        """Wait for its end, note what came of it, and remove what was uploaded."""
        code = self.process.wait()
        printed, said = _tail(self.room / "printed", None), _tail(self.room / "said", None)
        words = "\n".join(line for line in said.splitlines() if not line.startswith("{"))
        try:
            summary = self._called(msgspec.json.decode(printed or "{}"))
        except msgspec.DecodeError:  # it printed words, such as that there was nothing to do
            summary = {}
        self.outcome = Outcome(code, summary, self._called(words or printed))
        shutil.rmtree(self.room, ignore_errors=True)
        self.ended.set()

    def _called(self, told: Any) -> Any:
        """What was told, with each upload called as its owner calls it, not by where it is kept."""
        if isinstance(told, str):
            for place, name in self.names.items():
                told = told.replace(place, name).replace(Path(place).name, name)
            return told
        if isinstance(told, list):
            return [self._called(each) for each in told]
        return {key: self._called(value) for key, value in told.items()} if isinstance(told, dict) else told


_works: dict[Path, Work] = {}
_lock = threading.Lock()


def newest(folder: Path) -> Work | None:
    """The work that runs on a folder's data, or the last that did."""
    return _works.get(folder.resolve())


def may_load(folder: Path) -> bool:
    """Whether the dashboard may write into the data folder at all."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return os.access(place, os.W_OK)


def start(
    title: str, verb: str, folder: Path, settings: Path, options: Sequence[str] = (), uploads: Sequence[Upload] = ()
) -> Work:
    """Begin a piece of work on a folder's data: `python -m ingest verb`, with what was uploaded.

    Raises CannotStart where other work of this dashboard runs, or where the uploads are too many.
    """
    place = folder.resolve()
    with _lock:
        running = _works.get(place)
        if running and not running.outcome:
            raise CannotStart(
                f"“{running.title}” is running since {running.began:%H:%M} UTC. Wait for it, or cancel it."
            )
        room = _room(place)
        try:
            kept = _keep(room, uploads)
            work = _begin(title, [verb, "--json", *options, "--", *kept], place, settings, room, kept)
        except BaseException:
            shutil.rmtree(room, ignore_errors=True)
            raise
        _works[place] = work
    threading.Thread(target=work.wait, daemon=True).start()
    return work


def _begin(title: str, arguments: list[str], place: Path, settings: Path, room: Path, names: Mapping[str, str]) -> Work:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"HEARTH_DATA": str(place), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    if settings.exists():
        environment["HEARTH_SETTINGS"] = str(settings.resolve())
    with _own(room / "printed") as printed, _own(room / "said") as said:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell, and every argument is one of ours
            [sys.executable, "-m", "ingest", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            env=environment,
        )
    return Work(title, datetime.now(UTC), room, names, process)


def _room(place: Path) -> Path:
    """A new private folder; those that a dashboard left which was killed are swept."""
    uploads = place / UPLOADS
    uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in uploads.iterdir():
        if not _lives(left.name.partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    room = uploads / f"{os.getpid()}-{secrets.token_hex(8)}"
    room.mkdir(mode=0o700)
    return room


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


def _keep(room: Path, uploads: Sequence[Upload]) -> dict[str, str]:
    """Put what was uploaded into the room. Where each lies, and its own name."""
    if len(uploads) > MOST_FILES:
        raise CannotStart(
            f"{len(uploads)} files are too many at once. Load up to {MOST_FILES}, or put them into one zip."
        )
    need, free = ROOM * sum(_size(file) for _, file in uploads), shutil.disk_usage(room).free
    if need > free:
        raise CannotStart(
            f"The disk has {free >> 20:,} MB left, and this needs about {need >> 20:,} MB. Make room, then load again."
        )
    kept = {}
    for number, (name, file) in enumerate(uploads):
        place = room / str(number) / calm_name(name)
        place.parent.mkdir(mode=0o700)
        with _own(place) as handle:
            file.seek(0)
            shutil.copyfileobj(file, handle, 1 << 20)
        kept[str(place)] = name
    return kept


def calm_name(name: str) -> str:
    """A name to keep a file under, from what a stranger calls it: readers look at it, none of it is a path."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    calm = re.sub(r"[^\w .,()\[\]+#@-]", "_", last).strip(" .")
    stem, dot, ending = calm.rpartition(".")
    short = f"{stem[:80]}{dot}{ending[:20]}" if dot else calm[:80]
    return short or "export"


def _own(place: Path) -> BinaryIO:
    return os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _tail(place: Path, most: int | None = TOLD) -> str:
    try:
        with place.open("rb") as file:
            if most:
                file.seek(max(0, _size(file) - most))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def stop_all() -> None:
    """The dashboard ends: so does its work, in good order, and what was uploaded goes."""
    for work in _works.values():
        if not work.outcome:
            work.is_cancelled = True
            work.stop()
