"""One load: find the platform, read, hand over, say what became of every record."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec
import pyarrow as pa

from data.meant import meant
from data.records import Audience, Channel, Member, Message, Messages, Reaction, Record, Refused, Source
from data.settings import Settings
from data.store import Chunk, Load, Loader, Store
from ingest import exports
from ingest.archive import Export, ExportError, Pages
from ingest.exports._format import Format
from ingest.progress import Progress, Tick

if TYPE_CHECKING:
    import polars as pl  # where nothing is to be scored, a load has no use for it

    from data.demo import Community
    from ingest.enrich.scorer import Scorer

CHUNK_MESSAGES = 130_000
CHUNK_BYTES = 96 << 20  # a chunk of long messages is cut sooner, so that memory does not grow with them
AN_HOUR = timedelta(hours=1)
QUICK = 4096  # a scorer that hears fewer texts at once takes hours over what others hear in seconds
NAMING = ("platform", "source", "id", "name", "email_domain", "pattern")  # what a row of the roster may name people by
SURE = 0.5  # a reader less sure than this is only taken when no other is sure


class Unsure(ExportError):
    """Two readers are equally sure that an export is theirs."""

    def __init__(self, message: str, readers: list[str]) -> None:
        super().__init__(message)
        self.readers = readers


class NoReader(ExportError):
    """There is no reader of the name that somebody gave."""


class NothingLoaded(ExportError):
    """Of all exports none could be loaded."""

    def __init__(self, failed: list[Failed]) -> None:
        super().__init__("\n".join(each.reason for each in failed))
        self.failed = failed


class Reader(Protocol):
    """What a module in ingest/exports/ offers."""

    PLATFORM: str
    FORMAT: Format

    def detects(self, export: Export) -> float:
        """How sure it is, 0 to 1, that the export is its own."""

    def read(self, export: Export) -> Iterator[Record]:
        """The export's records: its Source first."""


class Loaded(msgspec.Struct):
    """What one export gave: read = inserted + updated + unchanged + refused."""

    path: str
    platform: str
    source: str
    read: int
    inserted: int
    updated: int
    unchanged: int
    refused: int
    messages: int  # distinct messages of this export
    system: int  # joins, pins and the like
    duplicate: int  # the same record again within this export
    members: int
    spoke: int  # members of whom there is a message
    channels: int
    reactions: int
    left_out: dict[str, int]  # passed over on purpose, by kind: private messages, spam
    unknown: dict[str, int]  # fields that the reader does not know; counted on the first records of each kind
    disputed: int = 0  # whose id another author's record has, too: the newer one of the two is kept
    twin: str | None = None  # another source of the platform with nearly the same messages, if this one is new
    shared: int = 0  # so many messages are in both


class Failed(msgspec.Struct):
    """An export that could not be loaded, and why. `readers`: those that are equally sure that it is theirs.

    `is_misused`: what was asked for cannot be asked for like this, whatever the export or the service says.
    """

    path: str
    reason: str
    readers: list[str] = []
    is_misused: bool = False


class Summary(msgspec.Struct):
    """What a whole load gave. `snapshot` is None where nothing was kept."""

    loads: list[Loaded]
    failed: list[Failed]
    unmatched: list[str]  # the roster's rows that match nobody, in words
    seconds: float
    snapshot: str | None


def readers() -> dict[str, Reader]:
    """Every reader by its file name: there is no list to keep. A name with a leading underscore is no reader."""
    names = sorted(each.name for each in pkgutil.iter_modules(exports.__path__) if not each.name.startswith("_"))
    return {name: cast(Reader, importlib.import_module(f"ingest.exports.{name}")) for name in names}


@dataclass
class Job:
    """What to load, and how."""

    paths: Sequence[Path]
    platform: str | None = None
    source: str | None = None
    private: str | None = None  # why private content may be read; None: it is left out


Found = tuple[Path, Reader, Job]  # an export, and how it is to be read


def load(job: Job, store: Store, settings: Settings, progress: Progress) -> Summary:
    """Load every export under the job's paths and publish what they gave. One that fails does not stop the others.

    Raises NoReader where the job names none that there is; NothingLoaded where all fail, before anything is published;
    StoreError where the database cannot.
    """
    if job.platform:
        _named(job.platform)
    failed: list[Failed] = []
    found: list[Found] = []
    for path in job.paths:
        with _noted(path, failed):
            found += [(each, reader, job) for each, reader in find(path, job.platform, settings, failed)]
    return _load_found(found, failed, store, settings, progress)


def retry(store: Store, settings: Settings, progress: Progress) -> Summary:
    """Load the exports again of which records were refused, as they were loaded: what is read now waits no longer.

    Only a whole export can be read again: a record alone does not say who spoke where, and its kept bytes are capped.
    Raises NothingLoaded where none of them lies where it was.
    """
    failed: list[Failed] = []
    found: list[Found] = []
    for row in store.read("refused_exports").to_dicts():
        path = Path(row["path"] or row["export"] or f"an export of {row['platform']} {row['source_name']}")
        with _noted(path, failed):
            if not row["path"] or not path.exists():
                raise ExportError(f"{path}: is not where it was. Load it again from where it is now.")
            found.append((path, _named(row["reader"]), Job([path], None, row["source"], row["private_reason"])))
    if not found and not failed:
        raise ExportError("Nothing was refused, so there is nothing to try again.")
    return _load_found(found, failed, store, settings, progress)


def _load_found(
    found: Sequence[Found], failed: list[Failed], store: Store, settings: Settings, progress: Progress
) -> Summary:
    began = time.monotonic()
    loads: list[Loaded] = []
    snapshot = None
    if found:
        with store.loading(settings) as loader:
            loader.forget_demo()
            for path, reader, job in found:
                with _noted(path, failed):
                    loads.append(_load_one(loader, path, reader, job, settings, progress))
            snapshot = _publish(loader, settings, progress) if loads else None
    if not loads:
        raise NothingLoaded(failed)
    return Summary(loads, failed, unmatched(store, settings), round(time.monotonic() - began, 3), snapshot)


def load_pulled(
    pages: Pages, reader: Reader, told: Source, file: str, store: Store, settings: Settings, progress: Progress
) -> Summary:
    """Load what was pulled from an API, and publish it. `told` is its source, with the very range that is covered."""
    with Export(pages, settings.tables) as export:
        records = _stated(reader.read(export), told) if pages.members else iter([told])
        return load_records(records, file, store, settings, progress, export, _name(reader))


def load_records(
    records: Iterator[Record],
    file: str,
    store: Store,
    settings: Settings,
    progress: Progress,
    export: Export | None = None,
    reader: str | None = None,
) -> Summary:
    """Load records that lie in no file of their own, and publish them. `file` is what the ledger calls them.

    `reader` is what read them, where a reader did. Where they tell nothing new, nothing is published: how far a source
    reaches is told once an hour then.
    """
    began = time.monotonic()
    with store.loading(settings) as loader:
        loader.forget_demo()
        with progress.export(file, export.size if export else 0) as tick:
            load = _hand_over(loader, records, file, tick, export, reader=reader, keeps_raw=False)
        is_news = loader.has_news or load.fate.refused
        snapshot = _publish(loader, settings, progress) if is_news else None
    loaded = _account(load, Path(file), dict(export.unknown) if export else None)
    return Summary([loaded], [], unmatched(store, settings), round(time.monotonic() - began, 3), snapshot)


def _stated(records: Iterator[Record], told: Source) -> Iterator[Record]:
    """The same records, of the source that was pulled: pages may tell less of it than it is known by."""
    for record in records:
        yield msgspec.structs.replace(told, name=record.name) if isinstance(record, Source) else record


@contextmanager
def _noted(path: Path, failed: list[Failed]) -> Iterator[None]:
    """Note why an export cannot be loaded, and go on."""
    try:
        yield
    except ExportError as error:
        failed.append(_failed(path, error))


def _failed(path: Path, error: ExportError) -> Failed:
    return Failed(str(path), str(error), error.readers if isinstance(error, Unsure) else [])


def load_demo(store: Store, settings: Settings, progress: Progress, community: Community) -> Summary:
    """Load the made-up community, each of its sources labelled as a demo."""
    began = time.monotonic()
    loads = []
    with store.loading(settings) as loader:
        for name, records in community.sources():
            with progress.export(f"demo {name}", 0) as tick:
                load = _hand_over(loader, records(), f"demo {name}", tick, is_demo=True)
            loads.append(_account(load, Path(f"demo {name}")))
        snapshot = _publish(loader, settings, progress)
    return Summary(loads, [], unmatched(store, settings), round(time.monotonic() - began, 3), snapshot)


def unmatched(store: Store, settings: Settings) -> list[str]:
    """The rows of the roster that match nobody who spoke, such as `3: platform = slack, name = Ana Ruiz`."""
    rows = [
        {"number": number, **{name: getattr(row, name) for name in NAMING}}
        for number, row in enumerate(settings.roster, 1)
    ]
    may_ask = rows and store.outdated(settings) not in ("rules", "newer")
    alone = store.read("roster_unmatched", rows=rows)["number"] if may_ask else ()
    said = {row["number"]: [f"{name} = {row[name]}" for name in NAMING if row[name]] for row in rows}
    return [f"{number}: {', '.join(said[number])}" for number in alone]


def derive_again(store: Store, settings: Settings, progress: Progress) -> str | None:
    """Work every number out again, after a change in the settings, and publish; None where nothing has changed."""
    with store.glimpse(settings) as loader:
        if loader and _has_heard(loader, settings):
            return None
    with store.loading(settings) as loader:
        return _publish(loader, settings, progress, everywhere=True)


def forget_source(
    store: Store, settings: Settings, progress: Progress, platform: str, source: str, too: Callable[[], None]
) -> str:
    """Take one source out again, work every number out without it, and publish. `too`: what else is to go with it."""
    with store.loading(settings) as loader:
        loader.forget(platform, source)
        too()  # before that is published: where the plug is pulled, the same command still finds the source
        return _derive(loader, progress)


def find(
    path: Path, platform: str | None, settings: Settings, failed: list[Failed] | None = None
) -> list[tuple[Path, Reader]]:
    """The exports at a path, each with its reader: the path itself, or what lies in the folder.

    Raises ExportError where nothing is recognised, or where two readers are equally sure. Given `failed`, what cannot
    be opened inside a folder is noted there instead.
    """
    if not path.exists():
        raise ExportError(f"{path}: there is no such file or folder.")
    whole = _recognise(path, platform, settings)
    inside = sorted(path.iterdir()) if path.is_dir() and not platform else []
    # A folder may hold exports of several kinds: then it is none itself. Of its files the folders and zips can tell.
    telling = [each for each in inside if not whole or each.is_dir() or each.suffix == ".zip"]
    found = [(each, reader) for each in telling if (reader := _inside(each, platform, settings, failed))]
    if whole:
        if {reader.PLATFORM for _, reader in found} <= {whole.PLATFORM}:
            return [(path, whole)]
        rest = [each for each in inside if each not in telling]
        found += [(each, reader) for each in rest if (reader := _inside(each, platform, settings, failed))]
        found.sort(key=lambda each: each[0])
    if not found:
        raise ExportError(_unknown(path, is_empty=path.is_dir() and not inside))
    return found


def _unknown(path: Path, *, is_empty: bool) -> str:
    """What to do with a file or folder that no reader takes for its own."""
    lists = "`.venv/bin/python -m ingest formats` lists what can be loaded, and where to get it."
    if is_empty:
        return f"{path}: this folder is empty. {lists}"
    return (
        f"{path}: no export is recognised here. {lists} If this is one of these, name it: --platform NAME. Any other "
        "table, CSV or JSON, can be read once hearth.toml says, under [[tables]], which column is what."
    )


def _inside(path: Path, platform: str | None, settings: Settings, failed: list[Failed] | None) -> Reader | None:
    try:
        return _recognise(path, platform, settings)
    except ExportError as error:
        if failed is None:
            raise
        failed.append(Failed(str(path), str(error)))
        return None


def _recognise(path: Path, platform: str | None, settings: Settings) -> Reader | None:
    if path.name.startswith("."):
        return None
    if platform:
        return _named(platform)
    with Export(path, settings.tables) as export:
        sure = sorted(((reader.detects(export), name) for name, reader in readers().items()), reverse=True)
    (best, name), (second, other) = sure[0], sure[1]
    if best >= SURE and best - second < 0.1:
        raise Unsure(f"{path}: looks like {name} and like {other}. Say which: --platform {name}", [name, other])
    return readers()[name] if best > 0.15 else None


def _named(platform: str) -> Reader:
    known = readers()
    if platform not in known:
        raise NoReader(f"--platform {platform}: there is no such reader{meant(platform, known)}")
    return known[platform]


def _name(reader: Reader) -> str:
    return next(name for name, each in readers().items() if each is reader)


def _load_one(loader: Loader, path: Path, reader: Reader, job: Job, settings: Settings, progress: Progress) -> Loaded:
    before = _size_and_time(path)
    with (
        Export(path, settings.tables, include_private=job.private is not None) as export,
        progress.export(path.name, export.size) as tick,
    ):
        load = _hand_over(loader, reader.read(export), path.name, tick, export, job, _name(reader))
        unknown = dict(export.unknown)
    if _size_and_time(path) != before:
        raise ExportError(f"{path}: changed while it was being read. Wait until it is written, then load it again.")
    return _account(load, path, unknown)


def _hand_over(
    loader: Loader,
    records: Iterator[Record],
    file: str,
    tick: Tick,
    export: Export | None = None,
    job: Job | None = None,
    reader: str | None = None,
    is_demo: bool = False,
    keeps_raw: bool = True,
) -> Load:
    first = next(records, None)
    if not isinstance(first, Source):
        raise ExportError(f"{file}: holds no messages.")
    job = job or Job(())
    load = loader.begin(msgspec.structs.replace(first, id=job.source) if job.source else first, file, is_demo)
    load.private_reason, load.reader, load.keeps_raw = job.private, reader, keeps_raw
    load.slack = timedelta(0) if keeps_raw else AN_HOUR  # else each pull of a quiet place would publish
    load.path = str(export.path.absolute()) if export else None
    with ThreadPoolExecutor(1) as database:  # it merges one chunk while the next is being read
        taken: Future[object] | None = None
        for chunk in _chunks(records, export, tick):
            if taken:
                taken.result()
            taken = database.submit(loader.take, load, chunk)
        if taken:
            taken.result()
    if export:
        load.left_out = dict(export.left_out)
    loader.finish(load)
    return load


def _chunks(records: Iterator[Record], export: Export | None, tick: Tick) -> Iterator[Chunk]:
    """Records by noun, cut where enough messages or bytes have come together."""
    chunk, begun, many, cut = Chunk(), 0, 0, 0
    lists: dict[type, list[Any]] = _lists(chunk)
    for record in records:
        kind = type(record)
        lists[kind].append(record)
        if isinstance(record, Messages):
            many += record.table.num_rows
        elif kind is not Message or len(chunk.messages) % 256:
            continue
        done, messages = export.done if export else 0, len(chunk.messages) + many
        tick(done, cut + messages)
        if messages >= CHUNK_MESSAGES or done - begun > CHUNK_BYTES:
            yield chunk
            chunk, begun, many, cut = Chunk(), done, 0, cut + messages
            lists = _lists(chunk)
    yield chunk


def _lists(chunk: Chunk) -> dict[type, list[Any]]:
    return {
        Message: chunk.messages,
        Messages: chunk.many,
        Channel: chunk.channels,
        Member: chunk.members,
        Reaction: chunk.reactions,
        Audience: chunk.audience,
        Refused: chunk.refused,
    }


def _publish(loader: Loader, settings: Settings, progress: Progress, *, everywhere: bool = False) -> str:
    _listen(loader, settings, progress, everywhere)
    return _derive(loader, progress)


def _derive(loader: Loader, progress: Progress) -> str:
    pa.default_memory_pool().release_unused()  # what comes now needs the memory more
    with progress.step("Working out conversations, asks and replies"):
        loader.derive()
    with progress.step("Publishing"):
        return loader.publish()


def listen(store: Store, settings: Settings, progress: Progress, most: int | None = None) -> tuple[int, int, str]:
    """Let the scorer of the settings hear what it has not heard yet, `most` texts of it; then the numbers are its own.

    How many texts it heard, how many are left, and the snapshot. What it heard is kept, wherever this is cut off.
    """
    with store.loading(settings) as loader:
        heard = _scorer(settings)
        texts = loader.unscored(heard.name, heard.version, everywhere=True)
        few = texts if most is None else min(most, texts)
        _hear(loader, heard, few, progress)
        loader.use_scorer(heard.name, heard.version)
        if few:
            loader.touch_all()
        return few, texts - few, _derive(loader, progress)


def _has_heard(loader: Loader, settings: Settings) -> bool:
    """Whether there is nothing to hear for who would listen."""
    if settings.sentiment.scorer == "off":
        return loader.uses_scorer("off", "")
    heard = _listener(loader, settings)
    if heard is None:
        return True
    return loader.uses_scorer(heard.name, heard.version) and not loader.unscored(
        heard.name, heard.version, everywhere=True
    )


def _listener(loader: Loader, settings: Settings) -> Scorer | None:
    """Who listens while something is loaded: not a slow one, but where there are numbers of its own, nobody else."""
    heard = _scorer(settings)
    if heard.at_once >= QUICK:
        return heard
    return None if loader.uses_scorer(heard.name, heard.version) else _scorer(settings, "linear")


def _listen(loader: Loader, settings: Settings, progress: Progress, everywhere: bool) -> None:
    """Let the scorer hear each text it has not heard, once. A slow one listens only when it is told to."""
    if settings.sentiment.scorer == "off":
        loader.use_scorer("off", "")
        return
    heard = _listener(loader, settings)
    if heard is None:
        return
    is_used = loader.uses_scorer(heard.name, heard.version)
    texts = loader.unscored(heard.name, heard.version, everywhere=everywhere or not is_used)
    _hear(loader, heard, texts, progress)
    if everywhere and texts:
        loader.touch_all()
    loader.use_scorer(heard.name, heard.version)


def _scorer(settings: Settings, name: str | None = None) -> Scorer:
    """The scorer of the settings, or another one with their words."""
    from ingest.enrich.scorer import scorer

    asked = settings.sentiment
    if asked.scorer == "off":
        raise ExportError('scorer = "off" stands under [sentiment] in the settings: name one to let it listen.')
    try:
        return scorer(name or asked.scorer, asked.words, asked.model_folder, asked.threads)
    except LookupError as error:
        raise ExportError(f"[sentiment] in the settings: {error.args[0]}") from None


def _hear(loader: Loader, heard: Scorer, texts: int, progress: Progress) -> None:
    if texts:
        import polars as pl

        with progress.count("How messages sound", texts) as tick:
            for done in range(0, texts, heard.at_once):
                tick(done)
                some = loader.texts(done, min(heard.at_once, texts - done))
                loader.keep_scores(heard.name, heard.version, _scores(heard, pl.DataFrame(some)))


def _scores(heard: Scorer, texts: pl.DataFrame) -> pa.Table:
    """What a scorer says of texts from one or more platforms."""
    import polars as pl

    parts = [
        heard.score(part["text"], platform).select(
            part["text_key"],
            pl.col("p_negative").alias("negative"),
            pl.col("p_neutral").alias("neutral"),
            pl.col("p_positive").alias("positive"),
            "label",
            "language",
            "flags",
        )
        for (platform,), part in texts.group_by("platform", maintain_order=True)
    ]
    return pl.concat(parts).to_arrow()


def _account(load: Load, path: Path, unknown: dict[str, int] | None = None) -> Loaded:
    fate = load.fate
    return Loaded(
        path=str(path),
        platform=load.source.platform,
        source=load.source.id,
        read=fate.read,
        inserted=fate.inserted,
        updated=fate.updated,
        unchanged=fate.unchanged,
        refused=fate.refused,
        messages=load.messages,
        system=load.system,
        duplicate=fate.read - fate.refused - load.messages - load.system,
        members=len(load.members | load.spoke),
        spoke=len(load.spoke),
        channels=len(load.channels),
        reactions=load.reactions,
        left_out=load.left_out,
        unknown=unknown or {},
        disputed=load.disputed,
        twin=load.twin,
        shared=load.shared,
    )


def _size_and_time(path: Path) -> tuple[int, float]:
    state = path.stat()
    return state.st_size, state.st_mtime
