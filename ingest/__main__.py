"""Bring what communities said into the database."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from data.command import STOPPED, run
from data.meant import meant
from data.settings import Settings, SettingsError, data_folder, lines_of, marks_place, read_settings
from data.spool import failures, looked_at
from data.store import NOTHING, Busy, Store, StoreError
from ingest.apis._client import PullError
from ingest.apis._service import services
from ingest.archive import ExportError
from ingest.load import (
    Failed,
    Loaded,
    NoReader,
    NothingLoaded,
    Summary,
    derive_again,
    listen,
    load,
    load_demo,
    readers,
    retry,
    unmatched,
)
from ingest.load import Job as LoadJob
from ingest.manual import in_full, in_short
from ingest.progress import Progress
from ingest.pull import Forecast, Job, forecast, forget_unloaded, pull, pulls_called
from ingest.pull import Summary as PullSummary
from ingest.pull import forget as forget_whole
from ingest.wanted import COMMAND, chosen, options, seconds

if TYPE_CHECKING:
    import polars as pl

    from data.identities import Identities, Verdict

ALL_IN, FAILED, WRONG_USAGE, REFUSALS, BUSY = 0, 1, 2, 3, 4
MISUSES = (NoReader, SettingsError)
FEW = 3  # names of fields that a summary gives
SHOWN = 80  # bytes of a record that was refused

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Data = Annotated[Path | None, typer.Option("--data", help="The folder with the database (HEARTH_DATA, else data/).")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="The settings file (HEARTH_SETTINGS, else hearth.toml).")
]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")]


def _platforms() -> str:
    first_lines = {name: (sys.modules[f"ingest.exports.{name}"].__doc__ or "").splitlines()[0] for name in readers()}
    return "\n\n".join(f"{name}: {line}" for name, line in first_lines.items())


@app.command("load", epilog=_platforms())
def load_command(
    paths: Annotated[list[Path], typer.Argument(help="Exports: files, folders or zips.", show_default=False)],
    platform: Annotated[str | None, typer.Option(help="The reader to use, instead of looking inside.")] = None,
    source: Annotated[str | None, typer.Option(help="Name the source, where the export does not.")] = None,
    private: Annotated[
        str | None,
        typer.Option("--include-private", metavar="REASON", help="Read private content too; the ledger keeps why."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what a load would do; keep nothing.")] = False,
    as_json: Json = False,
    data: Data = None,
    settings_file: SettingsFile = None,
) -> None:
    """Load exports. Loading the same again adds nothing; a load that was cut off goes on with the same command."""
    settings = read_settings(settings_file)
    if private is not None and not private.strip():
        raise typer.BadParameter("say why private content is read: --include-private 'members agreed on 3 May'")
    job = LoadJob(paths, platform, source, private)
    store = Store(data_folder(data))
    with _failures_too(as_json):
        if dry_run:
            with store.rehearsal() as copy:
                summary = load(job, copy, settings, Progress(as_json=as_json))
                refused, names = copy.read("refused_by_reason").to_dicts(), _names(copy)
            summary.snapshot = None
        else:
            summary = load(job, store, settings, Progress(as_json=as_json))
            names = _names(store)
    _say(summary, names, as_json, dry_run)
    if dry_run and not as_json:
        print("".join(f"{_refusal(row)}\n" for row in refused), end="")
    if settings.sentiment.scorer == "strong" and not as_json:
        print("The scorer `strong` takes its time: .venv/bin/python -m ingest score lets it hear what is new.")
    _exit(summary)


@app.command("retry")
def retry_command(as_json: Json = False, data: Data = None, settings_file: SettingsFile = None) -> None:
    """Load the exports again of which records were refused, where they still lie where they were."""
    with _failures_too(as_json):
        store = _filled(data)
        summary = retry(store, read_settings(settings_file), Progress(as_json=as_json))
    _say(summary, _names(store), as_json)
    _exit(summary)


@contextmanager
def _failures_too(as_json: bool) -> Iterator[None]:
    """A program that asked for JSON gets it also where nothing could be loaded."""
    try:
        yield
    except NothingLoaded as error:
        if as_json:
            print(msgspec.json.encode(Summary([], error.failed, [], 0.0, None)).decode())
        raise


def _exit(summary: Summary) -> None:
    if summary.failed:
        raise typer.Exit(FAILED)
    raise typer.Exit(REFUSALS if any(each.refused for each in summary.loads) else ALL_IN)


def _filled(data: Path | None) -> Store:
    """The database, where something is loaded."""
    store = Store(data_folder(data))
    if not store.snapshot:
        raise StoreError(NOTHING)
    return store


@app.command()
def demo(
    always: Annotated[bool, typer.Option("--always", help="Even where something is loaded already.")] = False,
    as_json: Json = False,
    data: Data = None,
    settings_file: SettingsFile = None,
) -> None:
    """Load a made-up community to look around in, if the database is empty."""
    from data.demo import Community

    store = Store(data_folder(data))
    if store.snapshot and not always:
        print("Something is loaded already, so the demo is left out.", file=sys.stderr)
        return
    community = Community(until=_last_monday())
    summary = load_demo(store, read_settings(settings_file), Progress(as_json=as_json), community)
    _say(summary, _names(store), as_json)


@app.command()
def derive(as_json: Json = False, data: Data = None, settings_file: SettingsFile = None) -> None:
    """Work every number out again, after a change in the settings or an update of Hearth."""
    store = _filled(data)
    snapshot = derive_again(store, read_settings(settings_file), Progress(as_json=as_json))
    if as_json:
        print(msgspec.json.encode({"snapshot": snapshot or store.snapshot}).decode())
    else:
        same = f"Nothing has changed since {store.snapshot} was published, so it stays."
        print(f"Published {snapshot}." if snapshot else same)


@app.command()
def forget(
    platform: Annotated[str, typer.Argument(help="The source's platform, as `status` names it.", show_default=False)],
    source: Annotated[str, typer.Argument(help="Its id or its name.", show_default=False)],
    is_sure: Annotated[bool, typer.Option("--yes", help="Yes: it cannot be taken back.")] = False,
    data: Data = None,
    settings_file: SettingsFile = None,
) -> None:
    """Take a source out again, all that was loaded into it, and where its pulls stood; its words leave the files."""
    store, settings = Store(data_folder(data)), read_settings(settings_file)
    job = Job(settings.pulls, lines=lines_of("pulls", settings_file) if settings.pulls else ())
    sources = store.read("sources").to_dicts() if store.snapshot else []
    known = [each for each in sources if each["platform"] == platform]
    pulls = pulls_called(store, platform, source)
    ended = {pull.partition(":")[2] for pull in pulls}
    found = [each for each in known if source in (each["source"], each["source_name"])]
    found = found or [each for each in known if each["source"] in ended]
    if pulls and not found:
        what = f"what pulls keep of {platform} {source}, of which nothing is loaded,"
        _ask_whether_sure(what, is_sure)
        print(f"Forgot {what} with {_many(forget_unloaded(job, store, pulls), 'page')}.")
        return
    if not store.snapshot:
        raise StoreError(NOTHING)
    if len(found) != 1:
        names = [each["source" if found else "source_name"] for each in found or known]
        raise typer.BadParameter(
            f"{platform} {source}: {'name one by its id' if found else 'there is no such source'}{meant(source, names)}"
        )
    (one,) = found
    what = f"{_many(one['messages'], 'message')} of {platform} {one['source_name']}"
    _ask_whether_sure(what, is_sure)
    snapshot = forget_whole(job, store, settings, Progress(), platform, one["source"])
    print(f"Forgot {what}. Published {snapshot}. To load or pull it again would bring all of it back.")


def _ask_whether_sure(what: str, is_sure: bool) -> None:
    if not is_sure:
        raise typer.BadParameter(f"{what} would leave for good. If that is meant, add: --yes")


@app.command()
def score(
    sample: Annotated[int | None, typer.Option(help="Hear at most so many texts now.", min=1)] = None,
    data: Data = None,
    settings_file: SettingsFile = None,
) -> None:
    """Let the scorer of the settings hear what it has not heard yet; a slow one takes a night, and can be stopped."""
    heard, left, snapshot = listen(_filled(data), read_settings(settings_file), Progress(), sample)
    print(f"Heard {heard:,} texts, {left:,} are left. Published {snapshot}.")


@app.command()
def status(as_json: Json = False, data: Data = None, settings_file: SettingsFile = None) -> None:
    """What is in, how fresh it is, what was refused, and whom the roster names in vain."""
    store, now = Store(data_folder(data)), datetime.now(UTC)
    settings, is_filled = read_settings(settings_file), store.snapshot is not None
    sources = store.read("sources").to_dicts() if is_filled else []
    refused = store.read("refused_by_reason").to_dicts() if is_filled else []
    alone = unmatched(store, settings) if is_filled else []
    pulls, failed = looked_at(store.folder), failures(store.folder, now)
    if as_json:
        counted = [{**row, "raw": _legible(row["raw"])} for row in refused]
        found = {"snapshot": store.snapshot, "sources": sources, "refused": counted, "pulls": pulls, "failed": failed}
        print(msgspec.json.encode({**found, "unmatched": alone}).decode())
        return
    if not is_filled:
        print(NOTHING)
    for row in sources:
        print(
            f"{row['platform']} {row['source_name']}: {_many(row['messages'], 'message')}"
            f" by {_speakers(row)}, {_reach(row)}"
        )
    for said in (*(each.said(now) for each in pulls), *(each.said(now) for each in failed)):
        print(said)
    for row in refused:
        print(_refusal(row))
    _say_unmatched(alone)


def _refusal(row: dict[str, Any]) -> str:
    """What was refused and why, and the first of it: where it stands, and how it begins."""
    first = ": ".join(filter(None, (row["place"], _legible(row["raw"]))))
    return f"refused {row['count']:,} of {row['file']}: {row['reason']}{f' ({first})' if first else ''}"


def _legible(raw: bytes) -> str:
    """The beginning of a record in one line; it may hold anything, also what a terminal would obey."""
    text = raw[:SHOWN].decode("utf-8", "backslashreplace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _reach(source: dict[str, Any]) -> str:
    """From when to when something was said, and up to when it would be known if there was more."""
    last, known = source["last_at"], f"{source['as_of']:%Y-%m-%d %H:%M} UTC"
    if last is None:
        return f"known up to {known}"
    said = f"{source['first_at']:%Y-%m-%d} to {last:%Y-%m-%d %H:%M} UTC"
    return said if said.endswith(known) else f"{said}, known up to {known}"


def _speakers(source: dict[str, Any]) -> str:
    """Who spoke there, in words: bots are no members, and the team is told apart."""
    told = [_many(source["members"], "member")]
    told += [f"{source['staff']:,} staff"] if source["staff"] else []
    told += [_many(source["bots"], "bot")] if source["bots"] else []
    return " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))


@app.command("formats")
def formats_command(
    name: Annotated[str | None, typer.Argument(help="Only this one, in full.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as one JSON list.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/platforms.md.")] = False,
) -> None:
    """What can be loaded: what to download and where, what it holds, and what it cannot tell."""
    from ingest.formats import document, formats, in_full, listed

    known, name = readers(), name.lower() if name else None
    if name is not None and name not in known:
        raise typer.BadParameter(f"{name}: there is no such format{meant(name, known)}")
    told = [each for each in formats() if name in (None, each.name)]
    if as_json:
        print(msgspec.json.encode(told).decode())
    elif as_markdown:
        print(document(), end="")
    else:
        print(in_full(told[0]) if name else listed(told))


@app.command()
def sentiment(
    file: Annotated[Path, typer.Argument(help="Text, a message a line; or a CSV or Parquet file.", show_default=False)],
    column: Annotated[str | None, typer.Option(help="The column of a CSV or Parquet file that has the text.")] = None,
    scorer: Annotated[
        str | None, typer.Option(help="Who scores: linear, vader or strong (the settings', else linear).")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="The model of strong (the settings').")] = None,
    platform: Annotated[str | None, typer.Option(help="Where it was said, such as reddit or github.")] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Say how messages sound: a line of JSON for each. Null: unclassified, and the flags say why."""
    from ingest.enrich.linear import PLATFORMS
    from ingest.enrich.lines import scored, texts_of
    from ingest.enrich.scorer import scorer as named

    asked = read_settings(settings_file).sentiment
    known = sorted({reader.PLATFORM for reader in readers().values()} | PLATFORMS.keys())
    if platform and platform not in known:
        raise typer.BadParameter(f"--platform {platform}: there is no such platform{meant(platform, known)}")
    texts, out = texts_of(file, column), sys.stdout  # a bar takes what is printed beside it for its own
    try:
        chosen = named(
            scorer or asked.scorer.replace("off", "linear"), asked.words, folder or asked.model_folder, asked.threads
        )
    except LookupError as error:
        raise typer.BadParameter(str(error)) from None
    with Progress(quiet=out.isatty()).count("How messages sound", len(texts)) as tick:
        for line in scored(texts, chosen, platform, tick):
            print(line, file=out)


PULL = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command("pull", epilog=in_short(), context_settings=PULL)
def pull_command(
    context: typer.Context,
    service: Annotated[str | None, typer.Argument(help="The service, with options of its own: see below.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All the rows of pulls in hearth.toml.")] = False,
    every: Annotated[str | None, typer.Option(metavar="15m", help="Go on pulling, so often, until stopped.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would ask for, and what that costs.")] = False,
    deletions: Annotated[bool, typer.Option("--deletions-now", help="Look for deletions now, not once a day.")] = False,
    as_json: Json = False,
    data: Data = None,
    settings_file: SettingsFile = None,
    is_lost: Annotated[
        bool, typer.Option("--help", help="Show this message and exit; of one service, all it takes.")
    ] = False,
) -> None:
    """Pull from an API what is new, and load it. A pull that was cut off goes on with the same command."""
    if is_lost:
        print(in_full(service) if service in services() else context.get_help())
        return
    settings = read_settings(settings_file)
    rows = _rows(service, everything, context.args, settings, dry_run=dry_run)
    job = Job(rows, first=1 if everything else COMMAND, look_now=deletions)
    if everything:
        job.lines = lines_of("pulls", settings_file)
        if not any(row.get("on", True) for row in rows):
            print("Nothing is pulled: every row of [[pulls]] has on = false.", file=sys.stderr)
    store, progress = Store(data_folder(data)), Progress(as_json=as_json)
    if dry_run:
        _rehearse(job, store, settings, progress, as_json)
        return
    pause = _pause(every)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager stops us as Ctrl-C does
    while pause is not None:
        _pull_once_of_many(job, store, settings, progress, as_json)
        print(f"The next pull is in {every}. Ctrl-C stops.", file=sys.stderr)
        time.sleep(pause)
    summary = pull(job, store, settings, progress)
    _say_pulled(summary, as_json)
    if summary.failed:
        raise typer.Exit(_failure(summary.failed))
    raise typer.Exit(REFUSALS if any(load.refused for each in summary.pulls for load in each.loads) else ALL_IN)


def _pull_once_of_many(job: Job, store: Store, settings: Settings, progress: Progress, as_json: bool) -> None:
    """One of the pulls of --every: what it cannot do now, the next one may."""
    try:
        _say_pulled(pull(job, store, settings, progress), as_json)
    except StoreError as error:
        print(f"hearth: {error}", file=sys.stderr)


def _rows(
    service: str | None, everything: bool, words: list[str], settings: Settings, *, dry_run: bool
) -> list[dict[str, Any]]:
    """The rows of [[pulls]], or the one that the options make."""
    if everything and service:
        raise typer.BadParameter(f"--all pulls what hearth.toml lists; say either that or {service}, not both")
    if not everything and not service:
        raise typer.BadParameter(f"name a service ({', '.join(services())}), or say --all")
    if service:
        try:
            row = options(service, words)
            chosen(row, COMMAND, is_rehearsed=dry_run)
        except SettingsError as error:
            raise typer.BadParameter(str(error)) from None
        return [row]
    if words:
        raise typer.BadParameter(f"{' '.join(words)}: with --all the options stand in hearth.toml, under [[pulls]]")
    if not settings.pulls:
        raise typer.BadParameter("--all: hearth.toml lists nothing under [[pulls]]")
    return list(settings.pulls)


def _pause(every: str | None) -> float | None:
    try:
        return seconds(every) if every else None
    except ValueError as error:
        raise typer.BadParameter(f"--every: {error}") from None


def _rehearse(job: Job, store: Store, settings: Settings, progress: Progress, as_json: bool) -> None:
    failed: list[Failed] = []
    found = forecast(job, store, settings, progress, failed)
    _say_forecast(found, as_json)
    _say_failed(failed)
    if found and not as_json:
        print("Nothing was pulled: this was a dry run.")
    if failed:
        raise typer.Exit(_failure(failed))


def _say_forecast(found: list[Forecast], as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for each in found:
        billed = ", ".join(_many(count, kind) for kind, count in each.resources.items())
        cost = f"; {billed}: ${each.dollars:,.2f}" if billed else ""
        count = "an unknown number of requests" if each.requests is None else f"about {_many(each.requests, 'request')}"
        print(f"{each.service} {each.named}: {count}{cost}. {each.note}", flush=True)


def _say_pulled(summary: PullSummary, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(summary).decode(), flush=True)
    else:
        _say_pulls_in_words(summary)
    _say_failed(summary.failed)


def _failure(failed: list[Failed]) -> int:
    return WRONG_USAGE if any(each.is_misused for each in failed) else FAILED


def _say_failed(failed: list[Failed]) -> None:
    for each in failed:
        row = each.path.rpartition(": ")[2]
        reason = each.reason.removeprefix(f"{row}: ").removeprefix(f"{row.rpartition(', ')[2]}: ")
        print(f"hearth: {each.path}: {reason}", file=sys.stderr)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _say_pulls_in_words(summary: PullSummary) -> None:
    for each in summary.pulls:
        if not (each.pages or each.loads or each.waiting):
            continue  # it failed before its first page, which is told below
        new = sum(load.inserted for load in each.loads)
        cost = f", ${each.dollars:,.2f}" if each.spent else ""
        gone = f", {each.deleted:,} deleted upstream and now here" if each.deleted else ""
        print(f"{each.service} {each.named}: {_many(each.pages, 'page')}, {_many(new, 'new message')}{cost}{gone}")
        for gap in each.gaps:
            print(f"  a gap: {gap}")
        if each.waiting:
            wait = "wait" if each.waiting > 1 else "waits"
            print(f"  {_many(each.waiting, 'page')} {wait} to be loaded: the next pull goes on from there.")
    if summary.snapshot:
        print(f"Published {summary.snapshot} ({summary.seconds:.1f} s).", flush=True)
    elif any(each.loads for each in summary.pulls):
        print(f"Nothing is new, so nothing was published ({summary.seconds:.1f} s).", flush=True)


people = typer.Typer(
    help="Say which accounts are one person's: see who may be, decide, take back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(people, name="people")

One = Annotated[str, typer.Argument(help="An account, as a list names it: platform:source:id.", show_default=False)]
Other = Annotated[str, typer.Argument(help="Another.", show_default=False)]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides: kept with the decision.")]
Note = Annotated[str | None, typer.Option(help="Why, in your own words.")]
WHEN = "It counts from the next load on, or now: .venv/bin/python -m ingest derive"


@people.command("suggest")
def suggest_people(
    limit: Annotated[int, typer.Option(help="At most so many pairs.", min=1)] = 20,
    as_json: Json = False,
    data: Data = None,
    settings_file: SettingsFile = None,
) -> None:
    """Accounts that may be one person's, and what they share, the strongest first. Nothing is merged by itself."""
    with _identities(data, settings_file) as identities:
        found = identities.suggestions(limit, read_settings(settings_file))
    _print_table(found, as_json, "No two accounts look like one person's that nobody has decided about.")


@people.command("decided")
def decided_people(as_json: Json = False, data: Data = None, settings_file: SettingsFile = None) -> None:
    """What people decided, with the number that takes it back."""
    import polars as pl

    with _identities(data, settings_file) as identities:
        decided = pl.DataFrame(identities.decided())
    _print_table(decided, as_json, "Nobody has decided anything about accounts yet.")


@people.command("same")
def same_people(
    one: One, other: Other, by: By, note: Note = None, data: Data = None, settings_file: SettingsFile = None
) -> None:
    """Merge two accounts: they are the same person, and so is whoever is the same as either."""
    _decide("same", (one, other), by, note, data, settings_file)


@people.command("different")
def different_people(
    one: One, other: Other, by: By, note: Note = None, data: Data = None, settings_file: SettingsFile = None
) -> None:
    """Say that two accounts are different people, so that they are suggested no more."""
    _decide("different", (one, other), by, note, data, settings_file)


@people.command("undo")
def undo_people(
    number: Annotated[int, typer.Argument(help="The decision, as `people decided` numbers it.", show_default=False)],
    by: By,
    data: Data = None,
    settings_file: SettingsFile = None,
) -> None:
    """Take a decision about people back: every number is again what it was before."""
    with _identities(data, settings_file) as identities:
        identities.undo(number, by)
    print(f"Took decision {number} back. {WHEN}")


def _decide(
    value: Verdict, pair: tuple[str, str], by: str, note: str | None, data: Path | None, settings_file: Path | None
) -> None:
    with _identities(data, settings_file) as identities:
        number = identities.decide(value, *pair, by, note)
    print(f"Kept as decision {number}. {WHEN}")


@contextmanager
def _identities(data: Path | None, settings_file: Path | None) -> Iterator[Identities]:
    """Who is who; what cannot be decided is told as a wrong use of the command."""
    from data.identities import Identities
    from data.marks import Marks, MarksError

    store = _filled(data)
    try:
        with closing(Marks(marks_place(store.folder, read_settings(settings_file)))) as marks:
            yield Identities(store, marks)
    except (LookupError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    except MarksError as error:
        raise StoreError(str(error)) from error


def _print_table(rows: pl.DataFrame, as_json: bool, none: str) -> None:
    import polars as pl

    if as_json:
        print(msgspec.json.encode(rows.to_dicts()).decode())
    elif rows.is_empty():
        print(none)
    else:
        # Whole, for what is cut short cannot be copied.
        with pl.Config(
            tbl_rows=-1, tbl_cols=-1, tbl_width_chars=-1, fmt_str_lengths=1000, fmt_table_cell_list_len=-1,
            tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True,
        ):  # fmt: skip
            print(rows)


def _last_monday() -> datetime:
    """The demo ends with the last complete week, so that its Monday page is today's."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday())


Names = dict[tuple[str, str], str]
"""What a source is called, by its platform and id."""


def _names(store: Store) -> Names:
    rows = store.read("sources").to_dicts() if store.snapshot else []
    return {(row["platform"], row["source"]): row["source_name"] for row in rows}


def _say(summary: Summary, names: Names, as_json: bool, dry_run: bool = False) -> None:
    if as_json:
        print(msgspec.json.encode(summary).decode())
    else:
        _say_in_words(summary, names, dry_run)
    for loaded in summary.loads:
        if loaded.twin is not None:
            print(f"hearth: {_twice(loaded)}", file=sys.stderr)
    for each in summary.failed:
        print(f"hearth: {each.path} was not loaded. {each.reason.removeprefix(f'{each.path}: ')}", file=sys.stderr)


def _twice(each: Loaded) -> str:
    """What to do where a new source has what another one has."""
    return (
        f"{each.path}: {each.platform} {each.source} is new here, but {_many(each.shared, 'record')} of it, by id and "
        f"time, {'are' if each.shared > 1 else 'is'} in {each.platform} {each.twin} already and would count twice. If "
        f"they are one, take the new one out again: .venv/bin/python -m ingest forget {each.platform} "
        f"{shlex.quote(each.source)}; then load the export into the other: add --source {shlex.quote(each.twin or '')}"
    )


def _say_in_words(summary: Summary, names: Names, dry_run: bool) -> None:
    for each in summary.loads:
        print(
            f"{each.path}: {each.platform} {names.get((each.platform, each.source), each.source)}\n"
            f"  read {each.read:,} = inserted {each.inserted:,} + updated {each.updated:,}"
            f" + unchanged {each.unchanged:,} + refused {each.refused:,}\n"
            f"  kept {_many(each.messages, 'message')}, {_many(each.system, 'system line')},"
            f" {_many(each.duplicate, 'duplicate')}; {_many(each.members, 'member')}{_who_spoke(each)},"
            f" {_many(each.channels, 'channel')}, {_many(each.reactions, 'reaction')}"
        )
        if each.disputed:
            print(f"  {_many(each.disputed, 'record')} named another author than one of the same id: the newer counts")
        if each.twin is not None:
            print(f"  {_many(each.shared, 'record')} of it counted twice: {each.platform} {each.twin} has the same")
        if each.left_out:
            print("  left out on purpose: " + ", ".join(f"{count:,} {what}" for what, count in each.left_out.items()))
        if each.unknown:
            print(f"  no number needs these details, so they stay in the export: {_some(each.unknown)}")
    done = "Nothing was kept: this was a dry run" if dry_run else f"Published {summary.snapshot}"
    print(f"{done} ({summary.seconds:.1f} s).")
    if any(each.refused for each in summary.loads) and not dry_run:
        print("Some records were refused and kept aside: .venv/bin/python -m ingest status says why.")
    _say_unmatched(summary.unmatched)


def _say_unmatched(rows: list[str]) -> None:
    for row in rows:
        print(f"[[roster]] row {row}: nobody who spoke matches it.")


def _who_spoke(each: Loaded) -> str:
    """How many of the members said anything: an export may name all who ever joined."""
    return ", all of whom spoke" if each.spoke == each.members > 1 else f", {each.spoke:,} of whom spoke"


def _some(fields: dict[str, int]) -> str:
    """The commonest fields by their own names, and how many more there are."""
    ordered = sorted(fields, key=lambda name: (-fields[name], name))
    names = list(dict.fromkeys(name.rpartition(".")[2] for name in ordered))
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def main() -> None:
    """Run a command; say what went wrong in words, never as a traceback."""
    try:
        code = run(app)
    except (ExportError, PullError, SettingsError, StoreError) as error:
        print(f"hearth: {error}", file=sys.stderr)
        sys.exit(BUSY if isinstance(error, Busy) else WRONG_USAGE if isinstance(error, MISUSES) else FAILED)
    if code == STOPPED:
        print("hearth: stopped. What was read so far is kept; the same command goes on.", file=sys.stderr)
    sys.exit(code)


class _WithoutPandas:
    """Pyarrow imports pandas for its first array, which takes a third of a second. Nothing here has a use for it."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


if __name__ == "__main__":
    sys.meta_path.insert(0, _WithoutPandas())
    main()
