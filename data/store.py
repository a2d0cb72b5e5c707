"""The only door to the database: facts in, through one loader at a time; tables out, from the newest snapshot."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
import tomllib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from data import columns
from data.records import Audience, Channel, Member, Message, Messages, Reaction, Refused, Source
from data.settings import Settings, has_marks, marks_place

if TYPE_CHECKING:
    import polars as pl  # a load has no use for it

# It warns of a copy of the rows; `sql`, which it recommends, plans every question twice, which costs a tenth of a page.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
HERE = Path(__file__).parent
MIGRATIONS = HERE / "migrations"
MASTER, POINTER, LOCK = "hearth.duckdb", "CURRENT", "hearth.lock"
TAKEN_BACK = "taken-back"  # lies in the folder from when something is taken away until no file there holds it any more
UNPUBLISHED = "unpublished"  # lies in the folder from when numbers are worked out until they are published
KEPT_SNAPSHOTS = 3  # a reader may hold an old one for the length of one page
COURTEOUS = ("courtesies", "thanks", "solved")
DERIVE = ("lines", "conversations", "afterwards")
BYTES_FOR_A_THREAD = 1 << 30  # of a snapshot that is asked: about four million messages
FOR_A_THREAD = 20_000  # messages that are derived
SLICE = 1_500_000  # lines whose conversations are derived at once, within the memory below
FEW = 0.05  # of a source's messages: up to so much news, only what it concerns is derived anew
NOTHING = "Nothing is loaded yet. Load an export: .venv/bin/python -m ingest load PATH"
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # nothing we read is older; a 1970 date is an empty clock


class StoreError(Exception):
    """What is wrong with the database, and what to do."""


class Busy(StoreError):
    """Another loader is at work."""


class NoData(StoreError):
    """Nothing has been loaded yet."""


# --- reading -----------------------------------------------------------------------------------------------------


class Store:
    """One folder with one community's database. Safe to share between threads; reads never wait for a load."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, _Pool] = {}

    @property
    def snapshot(self) -> str | None:
        """The newest published snapshot's name; None where nothing is loaded yet."""
        try:
            return (self.folder / POINTER).read_text().strip() or None
        except FileNotFoundError:
            return None

    def query(self, sql: str, params: Mapping[str, object] | None = None, macros: str = "") -> pl.DataFrame:
        """Rows of one question to the newest snapshot. Values are bound by `$name`.

        Raises NoData before the first load.
        """
        import polars as pl

        with self._cursor(macros) as cursor:
            return pl.DataFrame(cursor.execute(sql, _used(sql, params or {})).to_arrow_table())

    @contextmanager
    def stream(self, sql: str, params: Mapping[str, object], rows: int) -> Iterator[pa.RecordBatchReader]:
        """The same, in batches of just so many rows: for what need not fit into memory."""
        with self._cursor("") as cursor, cursor.sql(sql, params=_used(sql, params)).to_arrow_reader(rows) as reader:
            yield pa.RecordBatchReader.from_batches(reader.schema, _even(reader, rows))

    def read(self, name: str, **params: object) -> pl.DataFrame:
        """One of the named tables of data/reads/, such as `loads` or `conversation`."""
        return self.query(_text(f"reads/{name}.sql"), params)

    def outdated(self, settings: Settings) -> Literal["rules", "settings", "newer"] | None:
        """Why the newest snapshot's numbers are not what they would be if they were worked out now; None: they are.

        rules: an older Hearth made it, and a question of this one may fail; newer: a newer one did.
        """
        try:
            (made,) = self.read("made_with").to_dicts()
        except duckdb.Error:  # it is so old that it does not say
            return "rules"
        if made["schema_version"] > _newest_schema():
            return "newer"
        rules, _, rest = (made["derived_with"] or "").partition("-")
        if made["schema_version"] < _newest_schema() or rules != _rules():
            return "rules"
        return None if rest == settings.derived_fingerprint else "settings"

    @contextmanager
    def loading(self, settings: Settings) -> Iterator[Loader]:
        """The one loader. Raises Busy, naming the holder, while another is at work."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (
            locked(self.folder / LOCK),
            _in_words(self.folder / MASTER),
            closing(_open_master(self.folder)) as connection,
        ):
            yield Loader(self.folder, connection, settings)

    @contextmanager
    def glimpse(self, settings: Settings) -> Iterator[Loader | None]:
        """A loader that may only look, to see whether there is anything to do; None where there is.

        Without it the whole database is copied, for what is published may not be written to.
        """
        published = self.folder / (self.snapshot or "")
        is_all = published.is_file() and (self.folder / MASTER).exists() and published.samefile(self.folder / MASTER)
        if not is_all or self.outdated(settings):
            yield None
            return
        with closing(_open_snapshot(published)) as connection:
            loader = Loader(self.folder, connection, settings)
            yield None if loader.is_behind or loader.is_undecided else loader

    def follow_marks(self, settings: Settings) -> bool:
        """Let the numbers follow what people decided since, in what it concerns, and publish them.

        False where more than that has changed: that is a load's work, or that of `python -m ingest derive`. Raises
        Busy while one is at work.
        """
        with self.loading(settings) as loader:
            if loader.is_behind:
                return False
            if loader.derive():
                loader.publish()
        return True

    @contextmanager
    def rehearsal(self) -> Iterator[Store]:
        """A throw-away copy of the whole database, to try a load on."""
        with tempfile.TemporaryDirectory(prefix="hearth-") as folder:
            copy = Store(Path(folder))
            if (self.folder / MASTER).exists():
                with locked(self.folder / LOCK):
                    if (self.folder / f"{MASTER}.wal").exists():
                        _open_master(self.folder).close()  # closing writes the log into the file
                    shutil.copyfile(self.folder / MASTER, copy.folder / MASTER)
            yield copy

    @contextmanager
    def _cursor(self, macros: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor to the newest snapshot, for one thread at a time. Idle ones keep their macros, which cost 10 ms."""
        name = self.snapshot
        if name is None:
            raise NoData(NOTHING)
        with self._lock:
            pool = self._newest(name)
            cursor = pool.idle[macros].pop() if pool.idle.get(macros) else None
        if cursor is None:
            cursor = pool.connection.cursor()
            if macros:
                cursor.execute(macros)
        try:
            with _stopped_by_hand():
                yield cursor
        finally:
            with self._lock:
                pool.idle.setdefault(macros, []).append(cursor)

    def _newest(self, name: str) -> _Pool:
        """The snapshot of that name, or the one after it, where that one has gone in the meantime."""
        try:
            return self._pool(name)
        except StoreError:
            newest = self.snapshot
            if newest in {None, name}:
                raise
            return self._pool(newest)

    def _pool(self, name: str) -> _Pool:
        if name not in self._open:
            with _in_words(self.folder / name):
                self._open[name] = _Pool(_open_snapshot(self.folder / name))
            for old in list(self._open)[:-2]:
                del self._open[old]  # its last reader closes it
        return self._open[name]


@dataclass
class _Pool:
    """One snapshot's connection, and its idle cursors by the macros they know."""

    connection: duckdb.DuckDBPyConnection
    idle: dict[str, list[duckdb.DuckDBPyConnection]] = field(default_factory=dict)


@contextmanager
def _stopped_by_hand() -> Iterator[None]:
    """Ctrl-C while DuckDB is at work is Ctrl-C."""
    try:
        yield
    except RuntimeError as error:
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from error
        raise


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """What DuckDB cannot do, told to the person who asked: a full disk, a damaged file, too little memory."""
    try:
        with _stopped_by_hand():
            yield
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise StoreError(
            f"{path}: the database could not go on ({said}). What was published before is untouched; "
            "make room on the disk if that is what is missing, then give the same command again."
        ) from error


def _open_snapshot(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection that can reach nothing but this file."""
    connection = duckdb.connect(
        str(path),
        read_only=True,
        config={
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "memory_limit": "2GB",
            "threads": _threads(path.stat().st_size if path.is_file() else 0, BYTES_FOR_A_THREAD),
        },
    )
    # A file that this process has open already is shared by DuckDB, locked as it is.
    if connection.execute(_text("reads/is_locked.sql")).fetchall() == [(False,)]:
        connection.execute("set global TimeZone = 'UTC'; set global lock_configuration = true")
    return connection


def _threads(much: int, for_one: int) -> int:
    """How many threads work on so much: to share a little out costs more processor time than it saves waiting."""
    return min(1 + much // for_one, os.cpu_count() or 1)


# --- loading -----------------------------------------------------------------------------------------------------


@dataclass
class Chunk:
    """Some of an export's records, by noun. About a hundred thousand messages at a time."""

    messages: list[Message] = field(default_factory=list)
    many: list[Messages] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    audience: list[Audience] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass
class Fate:
    """What became of the records read: read = inserted + updated + unchanged + refused."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0

    def add(self, other: Fate) -> None:
        """Count another chunk in. Raises StoreError when a record is unaccounted for."""
        if other.read != other.inserted + other.updated + other.unchanged + other.refused:
            raise StoreError(f"a chunk does not add up, so it was not kept: {other}")
        for each in fields(Fate):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass
class Load:
    """One export on its way in, and what became of it."""

    load_id: int
    source: Source
    source_key: int
    file: str
    started: float
    fate: Fate = field(default_factory=Fate)
    chunks: int = 0
    since: datetime | None = None
    until: datetime | None = None
    messages: int = 0
    system: int = 0
    members: set[str] = field(default_factory=set)
    spoke: set[str] = field(default_factory=set)  # members, too, but only those of whom there is a message
    channels: set[str] = field(default_factory=set)
    reactions: int = 0
    left_out: dict[str, int] = field(default_factory=dict)  # passed over on purpose, by kind
    private_reason: str | None = None  # why private content is read all the same
    path: str | None = None  # where the export is
    reader: str | None = None  # what reads it
    keeps_news: bool = False  # what is new is noted, for only what it concerns will be derived anew
    keeps_raw: bool = True  # of what is refused; nobody could tell when that is deleted where it was pulled from
    is_first: bool = False  # of its source nothing is here yet
    twin: str | None = None  # another source that has nearly the same messages
    shared: int = 0  # so many of them
    disputed: int = 0  # records whose id another author's record has, too
    slack: timedelta = timedelta(0)  # it may reach so much further than before without being news


class Loader:
    """Writes facts, one transaction a chunk, works out what follows from them, and publishes."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self.folder, self.settings, self._db = folder, settings, connection
        for name, table in _decided(marks_place(folder, settings)).items():
            connection.register(name, table)
        self._merge("deciding")
        self.is_behind = self._is_behind()
        self._touch_what_changed()
        self._merge("apart")

    def begin(self, source: Source, file: str, is_demo: bool = False) -> Load:
        """Start on an export of one source."""
        key = source_key(source.platform, source.id)
        load = Load(time.time_ns() // 1000, source, key, file, time.monotonic())
        values = {"source_key": key, "platform": source.platform, "source": source.id}
        with self._transaction():
            self._merge("note_source", **values, name=source.name, is_demo=is_demo)
            ((load.keeps_news, load.is_first),) = self._merge("keeps_news", source_key=key)
        self._merge("seen")
        return load

    def forget_demo(self) -> None:
        """Made-up people leave when real ones come: no number may mix them."""
        with self._transaction():
            self._merge("leaving", platform=None, source=None)
            self._merge("forget")

    def forget(self, platform: str, source: str) -> None:
        """Take a source out with all that was loaded into it, from the files too; then everything is derived anew."""
        with self._transaction():
            self._merge("leaving", platform=platform, source=source)
            self._merge("forget")
            self.touch_all()
        (self.folder / TAKEN_BACK).touch()

    def take(self, load: Load, chunk: Chunk) -> Fate:
        """Merge a chunk and its ledger row in one transaction."""
        messages, odd = _plausible(columns.message_table(chunk.messages, chunk.many))
        refused = chunk.refused + columns.refused_rows(odd, load.file, "its time cannot be")
        with self._transaction():
            fate = self._take_messages(load, messages)
            fate.read, fate.refused = fate.read + len(refused), len(refused)
            is_stirred = self._take_rest(load, chunk, refused)
            is_described = self._describe(load, chunk)
            if is_described or is_stirred or fate.inserted or fate.updated:
                self._merge("note_touched", source_key=load.source_key)
            load.chunks += 1
            ledger = {each.name: getattr(fate, each.name) for each in fields(Fate)}
            self._merge("note_chunk", load_id=load.load_id, chunk=load.chunks, **ledger)
            load.fate.add(fate)
            is_system = pc.equal(messages["kind"], "system")
            system = pc.sum(is_system).as_py() or 0
            load.spoke.update(filter(None, pc.unique(messages["member_id"].filter(pc.invert(is_system))).to_pylist()))
            load.system, load.messages = load.system + system, load.messages + messages.num_rows - system
            failpoint("chunk")
        return fate

    def finish(self, load: Load) -> None:
        """Close the load's account in the ledger."""
        if load.fate.inserted < load.fate.read - load.fate.refused:  # else none came twice
            known, load.system = self._merge("distinct_seen")[0]
            load.messages = known - load.system
        since, until = load.source.covered_since, load.source.covered_until
        if load.source.is_exact:
            since = since or (load.since if until else None)
        else:
            since, until = _least(load.since, since), max(filter(None, (load.until, until)), default=None)
        span = {"covered_since": since, "covered_until": until}
        with self._transaction():
            self._merge("forget_unnamed", source_key=load.source_key)
            if self._merge("reaches_further", source_key=load.source_key, slack=load.slack, **span) != [(False,)]:
                self._merge("note_touched", source_key=load.source_key)
            self._merge(
                "note_load",
                load_id=load.load_id, source_key=load.source_key, file=load.file,
                seconds=time.monotonic() - load.started,
                **{each.name: getattr(load.fate, each.name) for each in fields(Fate)},
                messages=load.messages, system=load.system, members=len(load.members), channels=len(load.channels),
                reactions=load.reactions, **span,
                left_out_kinds=list(load.left_out), left_out_counts=list(load.left_out.values()),
                private_reason=load.private_reason, path=load.path, reader=load.reader,
            )  # fmt: skip
        failpoint("finish")
        for twin in self._merge("twin", source_key=load.source_key, platform=load.source.platform):
            load.twin, load.shared = twin

    @property
    def has_news(self) -> bool:
        """Whether anything waits to be derived, or to be published since a load was cut off."""
        return self._merge("count_touched") != [(0,)] or (self.folder / UNPUBLISHED).exists()

    def uses_scorer(self, name: str, version: str) -> bool:
        """Whether the numbers are made of what this version of this scorer said."""
        return self._merge("used_scorer", name=name, version=version) == [(1,)]

    def use_scorer(self, name: str, version: str) -> None:
        """Make the numbers of what this version of this scorer said: no number mixes two."""
        with self._transaction():
            if not self.uses_scorer(name, version):
                self.touch_all()  # every number made of scores changes
            self._merge("use_scorer", name=name, version=version)

    def unscored(self, name: str, version: str, *, everywhere: bool = False) -> int:
        """How many texts of new messages, or of all, this version of a scorer has not heard; `texts` gives them."""
        ((count,),) = self._merge("note_unscored", name=name, version=version, everywhere=everywhere)
        return int(count)

    def texts(self, done: int, count: int) -> pa.Table:
        """Some of the texts that `unscored` found, after so many: text_key, platform, text."""
        query = statements("merge.sql")["next_unscored"]
        return self._db.sql(query, params={"done": done, "count": count}).to_arrow_table()

    def touch_all(self) -> None:
        """Have everything derived anew."""
        self._merge("note_all_touched")

    def keep_scores(self, name: str, version: str, scores: pa.Table) -> None:
        """Keep what a scorer said: text_key, negative, neutral, positive, label, language, flags."""
        self._db.register("batch", scores)
        with self._transaction():
            self._merge("keep_scores", name=name, version=version)
        failpoint("scores")

    @property
    def is_undecided(self) -> bool:
        """Whether people decided something that the numbers do not know, or words are older than they may be."""
        return self._merge("count_redecided") != [(0,)] or self._merge(
            "count_old_words", words_since=words_since(self.settings)
        ) != [(0,)]

    def derive(self) -> bool:
        """Work out conversations, asks and weeks again where facts, settings or decisions changed; whether any had."""
        with self._transaction():
            if self._merge("derives_all") == [(True,)]:
                # DuckDB keeps a note in memory of each row that is deleted, but of none when a table is dropped.
                self._run(_text("derived.sql"))
            self._merge("note_decided")
            if self._merge("count_touched") == [(0,)]:
                return False
            ((messages,),) = self._merge("count_messages")
            self._db.execute(f"set threads = {_threads(messages, FOR_A_THREAD)}")
            (self.folder / UNPUBLISHED).touch()
            self._stage_settings()
            self._name_sources()
            self._merge("note_merged")
            slices = self._derive("lines", slice=SLICE) or [(0, 0)]
            for since, until in slices:
                rows = {"since_row": since, "until_row": until}
                self._derive("conversations", is_last=(since, until) == slices[-1], **rows)
            self._derive("afterwards")
        failpoint("derive")
        return True

    def publish(self) -> str:
        """Make everything loaded so far visible, as a new numbered snapshot. Its name. The loader's last act."""
        if self.settings.retention.text_days:
            self._take_old_words(words_since(self.settings))
        self._db.execute("checkpoint")
        is_taken_back = (self.folder / TAKEN_BACK).exists()
        if is_taken_back:
            self._rewrite()
        self._db.close()  # nothing may write to what is published
        newest = max((_number(path) for path in self.folder.glob("snap-*.duckdb")), default=0)
        name = f"snap-{newest + 1:06d}.duckdb"
        _second_name(self.folder / MASTER, self.folder / name)
        failpoint("named")
        _point_to(self.folder, name)
        failpoint("pointer")
        (self.folder / UNPUBLISHED).unlink(missing_ok=True)
        for old in sorted(self.folder.glob("snap-*.duckdb"), key=_number)[: -1 if is_taken_back else -KEPT_SNAPSHOTS]:
            old.unlink(missing_ok=True)
        if is_taken_back:
            for copy in self.folder.glob("hearth-schema-*.duckdb"):
                copy.unlink()
            (self.folder / TAKEN_BACK).unlink()
        return name

    def _take_old_words(self, since: datetime) -> None:
        """Words older than the settings allow go, and from the files, too: what followed from them stays."""
        with self._transaction():
            self._merge("note_verdicts", words_since=since)
            taken = (self._merge(name, words_since=since) for name in ("take_words", "take_refused"))
            if sum(count for ((count,),) in taken):
                (self.folder / TAKEN_BACK).touch()

    def _rewrite(self) -> None:
        """Put a new file in the database's place that holds nothing but what is there."""
        path = self.folder / f"{MASTER}.tmp"
        path.unlink(missing_ok=True)
        self._run(statements("merge.sql")["rewrite"], {"path": str(path)})
        self._db.close()
        _sync(path)
        path.replace(self.folder / MASTER)
        failpoint("rewritten")

    def _take_messages(self, load: Load, messages: pa.Table) -> Fate:
        if not messages.num_rows:
            return Fate()
        span = pc.min_max(messages["sent_at"]).as_py()
        load.since, load.until = _least(load.since, span["min"]), max(filter(None, (load.until, span["max"])))
        key = pa.repeat(pa.scalar(load.source_key, pa.int64()), messages.num_rows)
        self._db.register("batch", messages.append_column("source_key", key))
        ((again, repeats),) = self._merge("arrive")
        if repeats:
            repeats = messages.num_rows - pc.count_distinct(messages["id"]).as_py()
        self._merge("stage_newest" if repeats else "stage")
        self._merge("note_seen")
        ((known,),) = self._merge("met") if again or load.keeps_news or not load.is_first else [(0,)]
        for count in ["count_disputed_within"] * (repeats > 0) + ["count_disputed"] * (known > 0):
            load.disputed += self._merge(count)[0][0]
        if load.keeps_news:
            self._merge("note_new_messages")
        newer, distinct = 0, messages.num_rows - repeats
        if known:
            ((newer,),) = self._merge("known", words_since=words_since(self.settings))
            if newer and self._merge("count_taken_back") != [(0,)]:
                (self.folder / TAKEN_BACK).touch()
            self._merge("note_unnamed")
            if newer and load.keeps_news:
                self._merge("note_newer_messages", source_key=load.source_key)
            self._merge("drop_older", source_key=load.source_key)
            self._merge("insert_newer")
        else:
            self._merge("insert_all")
        return Fate(messages.num_rows, distinct - known, newer, known - newer + repeats)

    def _take_rest(self, load: Load, chunk: Chunk, refused: list[Refused]) -> bool:
        """Merge reactions, totals and what was refused; whether a reaction is new."""
        is_stirred = False
        if chunk.reactions:
            self._db.register("batch", columns.reaction_table(chunk.reactions))
            ((reacted,),) = self._merge("merge_reactions", source_key=load.source_key)
            if reacted and load.keeps_news:
                self._merge("note_reacted_messages", source_key=load.source_key)
            is_stirred = bool(reacted)
        if chunk.audience:
            self._db.register("batch", columns.audience_table(chunk.audience))
            self._merge("merge_audience", source_key=load.source_key)
        load.reactions += sum(each.count for each in chunk.reactions)
        if refused:
            self._db.register("batch", columns.refused_table(refused, keeps_raw=load.keeps_raw))
            self._merge("quarantine", source_key=load.source_key, load_id=load.load_id)
        return is_stirred

    def _describe(self, load: Load, chunk: Chunk) -> bool:
        """Merge what is said of channels and members; whether any of it is new, for then roles may be too."""
        load.channels.update(each.id for each in chunk.channels)
        load.members.update(each.id for each in chunk.members)
        changed = False
        for noun, table in (
            ("channels", chunk.channels and columns.channel_table(chunk.channels)),
            ("members", chunk.members and columns.member_table(chunk.members)),
        ):
            if table:
                self._db.register("batch", table)
                if self._merge(f"note_{noun}", source_key=load.source_key) != [(0,)]:
                    self._merge(f"merge_{noun}", source_key=load.source_key)
                    changed = True
        return changed

    def _follow_to_roots(self) -> None:
        """Follow ties by doubling: n rounds are 2^n steps, so a chain of a million ends in 20; the rest is circles."""
        say = statements("derive/lines.sql")
        for _ in range(24):
            if self._run(say["roots_open"]) == [(0,)]:
                return
            self._run(say["roots_double"])
        self._run(say["roots_circles"])

    def _derive(self, name: str, *, is_last: bool = True, **values: object) -> list[tuple[Any, ...]]:
        """Run a file's sections, roots_ as often as it takes, last_ for the last slice only; the last one's rows.

        What free_ and last_ drop is given back.
        """
        rows: list[tuple[Any, ...]] = []
        values |= {"zone": self.settings.community.time_zone, "few": FEW, **_patterns(self.settings.community.brands)}
        for section, statement in statements(f"derive/{name}.sql").items():
            if section == "roots_open":
                self._follow_to_roots()
            elif not section.startswith("roots_") and not (section.startswith("last_") and not is_last):
                rows = self._run(statement, values)
            if section.startswith(("free_", "last_")):
                self._give_back()
        return rows

    def _give_back(self) -> None:
        """End the transaction, where much is derived: DuckDB keeps in memory what was dropped in it until then."""
        if self._merge("derives_whole") == [(True,)]:
            self._merge("note_begun")
            self._db.execute("commit")
            failpoint("deriving")
            self._db.execute("begin")

    def _stage_settings(self) -> None:
        self._db.register("roster", columns.roster_table(self.settings.roster, self.settings.zone))
        said, zone = self.settings, self.settings.community.time_zone
        self._db.register("channel_rules", columns.channel_rule_table(said.channels, said.calendars, zone))
        self._db.execute(_text("needs_reply.sql"))

    def _name_sources(self) -> None:
        """Call each source what the settings call it."""
        rows = self.settings.sources
        places = {"platforms": [each.platform for each in rows], "sources": [each.source for each in rows]}
        self._merge("name_sources", **places, names=[each.name for each in rows])

    def _is_behind(self) -> bool:
        """Whether more than a few messages wait to be derived: facts, rules, settings, or who is whom."""
        return (
            self._merge("derived_with") != [(self._made_by(),)]
            or self._merge("count_touched") != [(0,)]
            or self._merge("count_renamed") != [(0,)]
        )

    def _made_by(self) -> str:
        """The rules and the settings by which the numbers are worked out."""
        return f"{_rules()}-{self.settings.derived_fingerprint}"

    def _touch_what_changed(self) -> None:
        """A change of the rules or the settings makes every derived table stale."""
        if self._merge("derived_with") == [(self._made_by(),)]:
            return
        with self._transaction():
            self._run(_text("derived.sql"))
            self._merge("note_derived_with", current=self._made_by())
            self._merge("note_all_touched")

    def _merge(self, statement: str, /, **params: object) -> list[tuple[Any, ...]]:
        return self._run(statements("merge.sql")[statement], params)

    def _run(self, text: str, params: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for statement in split(text):
            rows = self._db.execute(statement, _used(statement, params or {}) or None).fetchall()
        return rows

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            with suppress(duckdb.TransactionException):  # Ctrl-C came just after the commit
                self._db.execute("rollback")
            raise


def _decided(place: Path | str) -> dict[str, pa.Table]:
    """What people decided, as the SQL names it and columns.py lays it out. Where nobody has, no journal is opened."""
    if not has_marks(place):
        return {"labels": columns.mark_table(), "marks": columns.mark_table(), "persons": columns.person_table()}
    from data.identities import merged
    from data.marks import Marks

    with closing(Marks(place)) as marks:
        said = {kind: marks.current(kind).to_pylist() for kind in ("label", "ask", "person")}
    marked = {"labels": columns.mark_table(said["label"]), "marks": columns.mark_table(said["ask"])}
    return {**marked, "persons": columns.person_table(merged(said["person"]))}


def words_since(settings: Settings) -> datetime:
    """Words older than this are neither kept nor handed out."""
    days = settings.retention.text_days
    return datetime.now(UTC) - timedelta(days=days) if days else EARLIEST


@cache
def _rules() -> str:
    """A hash of the rules by which the numbers are worked out."""
    files = ("derived.sql", "needs_reply.sql", "words.toml", *(f"derive/{name}.sql" for name in DERIVE))
    return _hash("".join(map(_text, files)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def source_key(platform: str, source: str) -> int:
    """A number for (platform, source) that is the same in every database and in any order of loading."""
    return int.from_bytes(hashlib.sha256(f"{platform}\0{source}".encode()).digest()[:8], "big") >> 1


def failpoint(name: str) -> None:
    """Die here when a test asks for it, as a pulled plug would: HEARTH_FAIL_AT=name:n means at the n-th time."""
    wanted, _, count = os.environ.get("HEARTH_FAIL_AT", "").partition(":")
    if wanted == name:
        _passed[name] = _passed.get(name, 0) + 1
        if _passed[name] == int(count or 1):
            os._exit(137)


_passed: dict[str, int] = {}


def _even(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows, always cut in the same places: a query that runs on several processors cuts where it likes."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        while sum(each.num_rows for each in waiting) >= rows:
            table = pa.Table.from_batches(waiting)
            yield from table.slice(0, rows).combine_chunks().to_batches()
            waiting = table.slice(rows).to_batches()
    if waiting:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()


# --- the folder --------------------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path, what: str = "a load") -> Iterator[None]:
    """Hold a lock for one process. The kernel lets go of it when the process dies, so it is never stale."""
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "another process"
            raise Busy(
                f"{path.parent}: {what} is running already ({holder}). Wait for it, or stop it, then try again."
            ) from None
        handle.truncate(0)
        handle.write(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        handle.flush()
        yield
        handle.truncate(0)


def _open_master(folder: Path) -> duckdb.DuckDBPyConnection:
    _make_own(folder / MASTER)
    connection = duckdb.connect(
        str(folder / MASTER),
        config={
            "memory_limit": "500MB",
            "block_allocator_memory": "300MB",  # taken once: to give it back and take it anew costs a twentieth
            "temp_directory": str(folder / "spool"),
            "preserve_insertion_order": False,
            "checkpoint_threshold": "1GB",  # once, when the load is published: in between it costs a third more
            "autoinstall_known_extensions": False,
        },
    )
    connection.execute("set TimeZone = 'UTC'")
    if not (folder / POINTER).exists():
        connection.execute("set max_vacuum_tasks = 0")  # a first load leaves no gaps to close, and that takes a second
    _migrate(connection, folder)
    connection.execute(statements("merge.sql")["version"])
    return connection


def _newest_schema(migrations: Path = MIGRATIONS) -> int:
    return 1 + len(list(migrations.glob("[0-9]*.sql")))


def _migrate(connection: duckdb.DuckDBPyConnection, folder: Path, migrations: Path = MIGRATIONS) -> None:
    """Bring the schema up to date, one file a version. The database as it was is kept beside it."""
    steps = sorted(migrations.glob("[0-9]*.sql"))
    newest, say = _newest_schema(migrations), statements("merge.sql")
    if connection.execute(say["is_new"]).fetchall() == [(True,)]:
        connection.execute(f"begin; {_text('schema.sql')}; {say['note_new']}")
        connection.execute(say["note_version"], {"version": newest})
        connection.execute("commit")
        return
    (version,) = connection.execute(say["schema_version"]).fetchall()[0]
    if version > newest:
        raise StoreError(
            f"{folder}: this database was made by a newer Hearth (schema {version}). Update Hearth, then try again."
        )
    if version < newest:
        connection.execute("checkpoint")
        shutil.copyfile(folder / MASTER, folder / f"hearth-schema-{version}.duckdb")
    for reached, step in list(enumerate(steps, 2))[version - 1 :]:
        connection.execute("begin")
        connection.execute(step.read_text("utf-8"))
        connection.execute(say["note_version"], {"version": reached})
        connection.execute("commit")


def _second_name(path: Path, name: Path) -> None:
    """Let a file be found by a second name, which is cheaper than a copy; a copy where names cannot be shared."""
    _sync(path)
    try:
        name.hardlink_to(path)
    except OSError:
        _copy(path, name)


def _make_own(path: Path) -> None:
    """What is published does not change: a file that a snapshot shares is written to only as a copy."""
    if path.exists() and path.stat().st_nlink > 1:
        _copy(path, path)


def _copy(path: Path, to: Path) -> None:
    unfinished = to.with_name(f"{to.name}.tmp")
    shutil.copyfile(path, unfinished)
    _sync(unfinished)
    unfinished.replace(to)


def _point_to(folder: Path, name: str) -> None:
    pointer = folder / f"{POINTER}.tmp"
    pointer.write_text(name)
    _sync(pointer)
    pointer.replace(folder / POINTER)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _number(path: Path) -> int:
    return int(re.sub(r"\D", "", path.name) or 0)


# --- SQL files ---------------------------------------------------------------------------------------------------


@cache
def _text(name: str) -> str:
    return (HERE / name).read_text("utf-8")


@cache
def statements(file: str) -> dict[str, str]:
    """The named statements of a file: each begins with a line `-- name: it`."""
    parts = re.split(r"^-- name: (\w+)$", _text(file), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@cache
def split(text: str) -> list[str]:
    """The single statements of a text."""
    without_comments = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
    return [each.strip() for each in without_comments.split(";") if each.strip()]


def _used(statement: str, params: Mapping[str, object]) -> dict[str, object]:
    """The values a statement speaks of: DuckDB refuses any other."""
    named = set(re.findall(r"\$(\w+)", statement))
    return {name: value for name, value in params.items() if name in named}


@cache
def _patterns(brands: tuple[str, ...]) -> dict[str, str]:
    """The regular expressions of needs_reply.sql, from data/words.toml.

    Each edge takes RE2 milliseconds to build, many times in a load: there are as few as the rules allow.
    """
    words = tomllib.loads(_text("words.toml"))
    unspaced = words.pop("unspaced")
    apart, run_on = _either(words, unspaced, spaced=True), _either(words, unspaced, spaced=False)
    edge = r"(?:[^\p{L}\p{M}\p{N}]\p{M}*)"  # a sign of Hindi is a letter with its marks; an emoji, too, may carry one
    ends = rf"(?:{edge}|$)"
    # One word after a greeting: to look further takes RE2 several times as long for the whole.
    opens = rf"(?:^(?:(?:{apart['greetings']})(?:[,،!\s]+[^\s.!?]+)??[,،!\s]\s*)?|[\n。！？]\s*|[.!?:;؟؛।]\s+)"
    closes = r"[\s\"'”」』）)~～…^]*(?:[.!。！，\n]|$)"
    return {
        "question": rf"(?:{opens}(?:{apart['questions']})|(?:^|{edge})(?:{apart['asks']})){ends}"
        rf"|{run_on['asks']}|(?:{apart['endings']}|{run_on['endings']}){closes}",
        "courtesy": rf"(?:{edge}|(?:{_parts(apart, COURTEOUS)}){ends}|{_parts(run_on, COURTEOUS)})*",
        **{name: rf"(?:^|{edge})(?:{apart[name]}){ends}|{run_on[name]}" for name in ("thanks", "solved", "turns")},
        "brands": rf"(^|{edge})({_any([brand.lower() for brand in brands])})({edge}|$)" if brands else r"[^\s\S]",
    }


def _parts(alternatives: Mapping[str, str], names: Iterable[str]) -> str:
    return "|".join(alternatives[name] for name in names)


def _either(words: Mapping[str, Mapping[str, list[str]]], unspaced: list[str], *, spaced: bool) -> dict[str, str]:
    """Each part's words, of the languages that put spaces between words or of those that do not."""
    return {
        part: _any(chain.from_iterable(said for language, said in by.items() if (language in unspaced) != spaced))
        for part, by in words.items()
    }


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word).replace("'", "['’]") for word in sorted(words, key=len, reverse=True))


def _plausible(messages: pa.Table) -> tuple[pa.Table, pa.Table]:
    """What may be kept, and what is from a time that cannot be."""
    latest = pa.scalar(datetime.now(UTC) + timedelta(days=1), columns.MICROSECONDS)
    fits = pc.and_(pc.greater_equal(messages["sent_at"], EARLIEST), pc.less_equal(messages["sent_at"], latest))
    if pc.all(fits, skip_nulls=False).as_py():
        return messages, messages.slice(0, 0)  # a filter copies all that it lets through
    return messages.filter(fits), messages.filter(pc.invert(fits))


def _least(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)
