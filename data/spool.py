"""The spool: pages as an API handed them out and the place in each stream, until they are loaded. Then they are erased.

One SQLite file in the data folder, which its owner alone may read. A page and the cursor after it are written in one
transaction, so that a pull which is cut off anywhere goes on at the very page it had reached.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import zstandard

from data.store import Busy, StoreError, failpoint, locked, split, statements

FILE: Final = "spool.sqlite"
LOCK: Final = "spool.lock"
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
MOMENTS: Final = ("told_until", "asked_at", "reached", "covered_since", "covered_until")
FLAGS: Final = ("is_lasting", "is_open", "is_resumed")


@dataclass(frozen=True)
class Stream:
    """One thing that is gone through page by page, and where it stands."""

    name: str
    is_lasting: bool = True  # swept by every pull; else gone through once
    is_open: bool = True
    is_resumed: bool = False  # its sweep was begun by an earlier run
    cursor: str | None = None
    mark: str | None = None  # what the last whole sweep noted
    new_mark: str | None = None  # and this one
    told_until: datetime | None = None  # all before this was told by whole sweeps: the watermark
    asked_at: datetime | None = None  # when this sweep asked for its first page
    reached: datetime | None = None  # how far back it has come
    covered_since: datetime | None = None  # what sweeps before it told, and no load has stated yet
    covered_until: datetime | None = None

    @property
    def told(self) -> tuple[datetime, datetime] | None:
        """The range of which everything is known, and that no load has stated yet: the newest, where there are two."""
        before = (self.covered_since, self.covered_until) if self.covered_since and self.covered_until else None
        if not self.reached or not self.asked_at:
            return before
        if before and before[1] >= self.reached:
            return min(before[0], self.reached), max(before[1], self.asked_at)
        return self.reached, self.asked_at


@dataclass(frozen=True)
class Kept:
    """A page to be kept."""

    name: str
    body: bytes
    messages: int


@dataclass(frozen=True)
class Spent:
    """What a page really cost, and what had been reserved for it."""

    service: str
    month: str
    run: str
    billed: Mapping[str, int]
    reserved: tuple[int, ...]
    charged: Mapping[str, tuple[str, ...]]  # ids by kind: each is paid for once a day
    day: str


@dataclass(frozen=True)
class Looked:
    """When deletions were last looked for; `can_tell`: that service tells of them."""

    pull: str  # such as reddit:lumo
    looked_at: datetime | None
    can_tell: bool
    named: str = ""  # as people call it, where that is not the pull's name

    def is_late(self, now: datetime) -> bool:
        """Whether what was deleted there may be here for more than a day."""
        return self.looked_at is None or (self.can_tell and now - self.looked_at > DAY)

    def said(self, now: datetime) -> str:
        """When that was, in words, with a warning after a day."""
        name = self.named or self.pull.replace(":", " ", 1)
        if self.looked_at is None:
            return f"{name}: WARNING: it was never looked for what is deleted there. The next pull does it."
        if not self.can_tell:
            return f"{name}: it does not tell what is deleted there."
        said = f"{name}: looked for what is deleted there {_ago(now - self.looked_at)}"
        return f"{said}. WARNING: that is more than a day. Pull daily." if self.is_late(now) else f"{said}."


@dataclass(frozen=True)
class Failure:
    """That the last pull of a place failed, and why: the reason says what to do."""

    named: str  # such as reddit lumo
    failed_at: datetime
    reason: str

    def said(self, now: datetime) -> str:
        """The same in words."""
        when = f"{_ago(now - self.failed_at)}, at {self.failed_at:%Y-%m-%d %H:%M} UTC"
        return f"{self.named}: WARNING: the last pull failed {when}. {self.reason}"


def _ago(time: timedelta) -> str:
    if time < HOUR:
        return "within the last hour"
    return f"{time / HOUR:,.0f} h ago" if time < 3 * DAY else f"{time / DAY:,.0f} days ago"


class Spool:
    """The one process that pulls. A context manager; Busy where there is another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._held = locked(self._folder / LOCK, "a pull")
        self._held.__enter__()
        os.close(os.open(self._folder / FILE, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(self._folder / FILE, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        for name in ("steer", "lay_out"):
            self._run(name)
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._held.__exit__(None, None, None)

    # Streams

    def streams(self, pull: str) -> list[Stream]:
        """The streams of a pull, those that last first, else in the order in which they came."""
        return [_stream(row) for row in self._run("streams", pull=pull)]

    def left(self, pull: str) -> list[Stream]:
        """Of the open streams those that last, and the next of the others."""
        return [_stream(row) for row in self._run("open_streams", pull=pull)]

    def resume(self, pull: str) -> None:
        """Note which sweeps an earlier run has left open."""
        with self._transaction():
            self._run("mark_resumed", pull=pull)

    def begin(self, pull: str, names: Iterable[str], *, again: bool = False) -> None:
        """Open a sweep of each stream that has none open; with `again`, from its beginning even so."""
        is_open = {each.name for each in self.streams(pull) if each.is_open and not again}
        with self._transaction():
            for name in names:
                if name not in is_open:
                    self._run("begin_sweep", pull=pull, stream=name)
                    self._run("forget_cursors", pull=pull, stream=name)

    def again(self, pull: str, stream: str) -> Stream:
        """Begin a sweep again that lost its place."""
        self.begin(pull, [stream], again=True)
        return next(each for each in self.streams(pull) if each.name == stream)

    def reach(self, pull: str) -> str | None:
        """The earliest day that was wanted of a pull; "": all there is; None: that was never noted."""
        rows = self._run("reach", pull=pull)
        return str(rows[0]["since"]) if rows else None

    def note_reach(self, pull: str, since: str, *, again: bool) -> None:
        """Note how far back a pull goes; with `again` it goes through all of it once more."""
        with self._transaction():
            self._run("note_reach", pull=pull, since=since)
            if again:
                self._run("go_through_again", pull=pull)

    def is_met(self, pull: str, stream: str, cursor: str) -> bool:
        """Whether this sweep has been at a cursor before."""
        ((count,),) = self._run("is_met", pull=pull, stream=stream, digest=_digest(cursor))
        return bool(count)

    def keep(
        self, pull: str, stream: Stream, page: Kept | None, follow: Iterable[str] = (), spent: Spent | None = None
    ) -> None:
        """A page, the stream as it stands after it, what it leads to and what it cost: all of it or nothing."""
        with self._transaction():
            if page:
                packed = zstandard.compress(page.body, 3)
                values = {"name": page.name, "messages": page.messages, "size": len(page.body), "body": packed}
                self._run("keep_page", pull=pull, stream=stream.name, **values)
            failpoint("page")
            values = {name: _written(value) for name, value in asdict(stream).items() if name not in SET_ELSEWHERE}
            self._run("keep_stream", pull=pull, stream=stream.name, **values)
            if stream.cursor is not None:
                self._run("keep_cursor", pull=pull, stream=stream.name, digest=_digest(stream.cursor))
            for name in follow:
                self._run("follow", pull=pull, stream=name)
            if spent:
                self._settle(spent)
        failpoint("kept")

    # Pages

    def pages(self, pull: str) -> dict[str, int]:
        """The pages that wait to be loaded, by file name, in their order, with their sizes."""
        return {f"{row['number']:09}/{row['name']}": row["size"] for row in self._run("pages", pull=pull)}

    def read(self, file: str) -> bytes:
        """One page's bytes, as they came."""
        ((body,),) = self._run("page", number=int(file.partition("/")[0]))
        return zstandard.decompress(body)

    def waiting(self, pull: str) -> tuple[int, int]:
        """How many pages, and messages on them, wait to be loaded."""
        ((pages, messages),) = self._run("waiting", pull=pull)
        return int(pages), int(messages)

    def discard(self, pull: str, file: str) -> None:
        """A page that cannot be read: it goes, and what it belongs to is gone through again."""
        with self._transaction():
            self._run("discard", pull=pull, number=int(file.partition("/")[0]))

    def erase(self, pull: str, *, is_claimed: bool) -> None:
        """The pages of a pull are loaded: nothing of them stays here. `is_claimed`: what they cover is told, too."""
        with self._transaction():
            self._run("erase", pull=pull)
            self._run("settle_streams", pull=pull, is_claimed=is_claimed)
        failpoint("erased")

    def forget(self, pulls: Iterable[str]) -> None:
        """All that is kept of pulls, as if there had been none; but what was spent stays spent."""
        with self._transaction():
            for pull in pulls:
                self._run("forget_pull", pull=pull)

    def pulls(self) -> dict[str, str | None]:
        """Each pull of which anything is kept, and what it was asked for as, where that is known."""
        return {row["pull"]: row["named"] for row in self._run("all_pulls")}

    def pull_of(self, place: str) -> str | None:
        """The pull that a place, as it was asked for, turned out to be; None where that is not known."""
        rows = self._run("pull_of", place=place)
        return rows[0]["pull"] if rows else None

    # What was spent, and when deletions were looked for

    def reserve(self, service: str, month: str, run: str, bill: Mapping[str, int]) -> tuple[int, ...]:
        """Count resources as spent, before they are asked for. The numbers by which that is taken back."""
        with self._transaction():
            return self._spend(service, month, run, bill)

    def release(self, numbers: Iterable[int]) -> None:
        """Nothing was spent of what was reserved."""
        with self._transaction():
            for number in numbers:
                self._run("release", number=number)

    def spent(self, service: str, month: str | None, run: str | None = None) -> dict[str, int]:
        """Resources by kind, of a month or of one run, which may go on into the next."""
        return {kind: int(count) for kind, count in self._run("spent", service=service, month=month, run=run)}

    def note_looked(self, pull: str, at: datetime, *, can_tell: bool) -> None:
        """Deletions upstream were looked for, or cannot be."""
        with self._transaction():
            self._run("note_looked", pull=pull, looked_at=at.isoformat(), can_tell=can_tell)

    def note_try(self, place: str, pull: str | None, named: str, at: datetime, reason: str | None) -> None:
        """How the last pull of a place ended: why it failed, or None. `pull`: None where that was not known yet."""
        values = {"place": place, "pull": pull, "named": named, "reason": reason}
        with self._transaction():
            self._run("note_try", tried_at=at.isoformat(), **values)
            self._run("forget_failed", **values)

    def looked(self, pull: str) -> datetime | None:
        """When deletions were last looked for."""
        rows = self._run("looked", pull=pull)
        return datetime.fromisoformat(rows[0]["looked_at"]) if rows else None

    def _settle(self, spent: Spent) -> None:
        for number in spent.reserved:
            self._run("release", number=number)
        billed = Counter(spent.billed)
        self._run("forget_charged", service=spent.service, day=spent.day)
        for kind, ids in spent.charged.items():
            for each in ids:
                values = {"service": spent.service, "day": spent.day, "kind": kind, "digest": _digest(each)}
                billed[kind] += len(self._run("charge", **values))
        self._spend(spent.service, spent.month, spent.run, billed)

    def _spend(self, service: str, month: str, run: str, bill: Mapping[str, int]) -> tuple[int, ...]:
        values = {"service": service, "month": month, "run": run}
        rows = [self._run("spend", kind=kind, resources=count, **values) for kind, count in bill.items() if count]
        return tuple(int(row["number"]) for (row,) in rows)

    def _run(self, statement: str, /, **values: Any) -> list[sqlite3.Row]:
        rows: list[sqlite3.Row] = []
        with _in_words(self._folder / FILE):
            for each in split(statements("spool.sql")[statement]):
                rows = self._db.execute(each, values).fetchall()
        return rows

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _in_words(self._folder / FILE):
            self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        finally:
            if self._db.in_transaction:  # it is not where Ctrl-C came just after the commit
                self._db.execute("rollback")


SET_ELSEWHERE: Final = ("name", "is_lasting", "is_resumed")


def looked_at(folder: Path) -> list[Looked]:
    """When deletions upstream were last looked for, pull by pull. What never came for a pull failed has none."""
    with _read_only(folder) as read:
        named, failed = dict(read("all_named")), {pull for (pull,) in read("failed_pulls")}
        return [
            Looked(pull, datetime.fromisoformat(at) if at else None, bool(can_tell), named.get(pull, ""))
            for pull, at, can_tell in read("all_looked")
            if at or pull not in failed
        ]


def failures(folder: Path, now: datetime) -> list[Failure]:
    """The places of which the last pull failed."""
    with _read_only(folder) as read:
        rows = read("all_failed", since=(now - WEEK).isoformat())
        return [Failure(named, datetime.fromisoformat(at), reason) for named, at, reason in rows]


@contextmanager
def _read_only(folder: Path) -> Iterator[Callable[..., list[Any]]]:
    """Asks the spool without writing to it: nothing where there is none, or where an older Hearth made it."""
    say = statements("spool.sql")
    if not (folder / FILE).exists():
        yield lambda _, **__: []
        return
    address = f"{(folder / FILE).resolve().as_uri()}?mode=ro"
    with _in_words(folder / FILE), closing(sqlite3.connect(address, uri=True)) as db:
        is_new = db.execute(say["has_tries"]).fetchone() == (1,)
        yield lambda name, **values: db.execute(say[name], values).fetchall() if is_new or name == "all_looked" else []


def _stream(row: sqlite3.Row) -> Stream:
    values: dict[str, Any] = {**dict(row), "name": row["stream"]}
    del values["pull"], values["stream"]
    for name in FLAGS:
        values[name] = bool(values[name])
    for name in MOMENTS:
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Stream(**values)


def _written(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _digest(cursor: str) -> str:
    return hashlib.sha256(cursor.encode()).hexdigest()


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """What SQLite cannot do, told to the person who asked."""
    try:
        yield
    except sqlite3.Error as error:
        kind = Busy if "locked" in str(error) else StoreError
        raise kind(
            f"{path}: what was pulled cannot be kept ({error}). Make room on the disk if that is what is missing, then "
            "give the same command again."
        ) from error
