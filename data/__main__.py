"""Take rows out: any table as a file, filtered as on the page Explore. `export messages --format xlsx` is a start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer

from data import explore, export
from data.command import WRONG_USAGE, day, run
from data.explore import View
from data.meant import meant
from data.settings import SettingsError, data_folder, read_settings
from data.store import Store, StoreError

YesNo = StrEnum("YesNo", ["yes", "no"])
Words = list[str] | None

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.command("tables")
def list_tables(
    table: Annotated[str | None, typer.Argument(help="Only this one.", show_default=False)] = None,
) -> None:
    """What can be exported: the tables, and what each of their columns means."""
    for each in [explore.named(table)] if table else explore.tables().values():
        print(f"{each.name}: {each.about}")
        for column in each.columns:
            print(
                fill(
                    explore.meaning(column, each.name),
                    110,
                    initial_indent=f"  {column:<18}",
                    subsequent_indent=" " * 20,
                )
            )
        print()
    if not table:
        print("The rows of a metric: python -m metrics NAME --format xlsx --output FILE")


@app.command("export")
def export_table(
    table: Annotated[str, typer.Argument(help=f"One of: {', '.join(explore.tables())}.", show_default=False)],
    since: Annotated[str | None, typer.Option(help="First day, such as 2026-01-05.")] = None,
    until: Annotated[str | None, typer.Option(help="The day after the last one.")] = None,
    platform: Annotated[Words, typer.Option(help="Only this platform (may be repeated, as all that follow).")] = None,
    source: Annotated[Words, typer.Option(help="Only this source, by id or name.")] = None,
    channel: Annotated[Words, typer.Option(help="Only this channel, by id or name.")] = None,
    role: Annotated[Words, typer.Option(help=f"Only of: {', '.join(explore.ROLES)}.")] = None,
    reason: Annotated[Words, typer.Option(help="Only asks that need a reply for this reason.")] = None,
    sentiment: Annotated[Words, typer.Option(help=f"Only what sounds: {', '.join(explore.SENTIMENTS)}.")] = None,
    kind: Annotated[Words, typer.Option(help=f"Only visits of: {', '.join(explore.KINDS)}.")] = None,
    answered: Annotated[YesNo | None, typer.Option(help="Only what has a reply, or has none.")] = None,
    contains: Annotated[str, typer.Option(help="Only where these words stand, in any case.", show_default=False)] = "",
    columns: Annotated[str, typer.Option(help="Only these columns, with commas between.", show_default=False)] = "",
    sort: Annotated[str, typer.Option(help="The column to sort by, the newest or largest first.")] = "",
    ascending: Annotated[bool, typer.Option("--ascending", help="The oldest or smallest first.")] = False,
    inferred: Annotated[bool, typer.Option("--inferred", help="Count replies that are only guessed.")] = False,
    form: Annotated[
        str, typer.Option("--format", help=f"One of: {', '.join(export.FORMATS)}; as --output ends, else csv.")
    ] = "",
    output: Annotated[Path | None, typer.Option(help="The file to write; left out: standard output.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="The folder with the database.")] = None,
    settings_file: Annotated[Path | None, typer.Option("--settings", help="The settings file.")] = None,
) -> None:
    """Write all the rows of a table to a file. What is told of them stands in it, or beside it in FILE.about.json."""
    view = View(
        table, day(since, "--since"), day(until, "--until"),
        tuple(platform or ()), tuple(source or ()), tuple(channel or ()), inferred,
        tuple(role or ()), tuple(reason or ()), tuple(sentiment or ()),
        None if answered is None else answered == YesNo.yes, contains,
        tuple(filter(None, columns.replace(" ", "").split(","))), sort, not ascending,
        tuple(kind or ()),
    )  # fmt: skip
    explore.check(view)
    store, settings = Store(data_folder(data)), read_settings(settings_file)
    _check_values(store, view)
    chosen = export.format_of(form, output)
    for told in export.save(explore.extract(store, settings, view), chosen, output, _progress()):
        print(told, file=sys.stderr)


def _check_values(store: Store, view: View) -> None:
    """Refuse a place or a reason that is not there."""
    explore.check_places(store, {"platform": view.platforms, "source": view.sources, "channel": view.channels})
    reasons = store.read("reasons")["reason"].to_list() if view.reasons else []
    if missing := [each for each in view.reasons if each not in reasons]:
        raise LookupError(f"--reason {missing[0]}: there is none{meant(missing[0], reasons)}")


def _progress() -> Callable[[int], None]:
    """How many rows are written, on a terminal."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda rows: print(f"\r{rows:,} rows", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Run; say what went wrong in words, never as a traceback."""
    try:
        sys.exit(run(app))
    except (LookupError, OSError, SettingsError, StoreError) as error:
        print(f"hearth: {error.args[0] if isinstance(error, LookupError) else error}", file=sys.stderr)
        sys.exit(WRONG_USAGE if isinstance(error, LookupError | SettingsError) else 1)


if __name__ == "__main__":
    main()
