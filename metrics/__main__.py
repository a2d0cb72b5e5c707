"""Ask a metric from the command line: the same numbers as the pages show."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import date, timedelta
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import Annotated

import polars as pl
import typer

from data import explore, export
from data.command import WRONG_USAGE, day, run
from data.settings import Settings, SettingsError, data_folder, read_settings
from data.store import Store, StoreError
from metrics.explain import explain
from metrics.extract import Shown, arranged, extract
from metrics.guard import LOOK_BACK, compare
from metrics.metric import Metric, Question, ask, metrics, named
from metrics.unknown import reasons


class By(StrEnum):
    """What to split by."""

    platform = "platform"
    source = "source"
    channel = "channel"


class Population(StrEnum):
    """Which asks."""

    asks = "asks"
    openers = "openers"


class Format(StrEnum):
    """How to print."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"
    xlsx = "xlsx"
    raw_csv = "raw-csv"


app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main_command(
    name: Annotated[str | None, typer.Argument(help="A metric; leave it out to list them.", show_default=False)] = None,
    since: Annotated[str | None, typer.Option(help="First day, such as 2026-01-05.")] = None,
    until: Annotated[str | None, typer.Option(help="The day after the last one.")] = None,
    by: Annotated[By | None, typer.Option(help="Split by.")] = None,
    platform: Annotated[list[str] | None, typer.Option(help="Only this platform (may be repeated).")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only this source, by id or name.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Only this channel, by id or name.")] = None,
    population: Annotated[Population, typer.Option(help="What needs a reply, or every opener.")] = Population.asks,
    hours: Annotated[float | None, typer.Option(help="The target, in hours.", min=0.001)] = None,
    inferred: Annotated[bool, typer.Option("--inferred", help="Count replies that are only inferred.")] = False,
    limit: Annotated[int | None, typer.Option(help="Of a list, the first so many rows.", min=1)] = None,
    card: Annotated[bool, typer.Option("--card", help="Print its definition instead, as text or JSON.")] = False,
    compared: Annotated[bool, typer.Option("--compare", help="Say what changed since the period before.")] = False,
    explained: Annotated[bool, typer.Option("--explain", help="And what moved it, if the change is clear.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    columns: Annotated[str, typer.Option(help="Only these, with commas between.")] = "",
    sort: Annotated[str, typer.Option(help="The column to sort by, the largest first.")] = "",
    ascending: Annotated[bool, typer.Option("--ascending", help="The smallest first.")] = False,
    output: Annotated[Path | None, typer.Option(help="A file to write, with what is told of it.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="The folder with the database.")] = None,
    settings_file: Annotated[Path | None, typer.Option("--settings", help="The settings file.")] = None,
) -> None:
    """Print one metric, or the list of them."""
    if name is None or card:
        _print_card(named(name), form) if name else _print_names()
        return
    question = Question(
        name, day(since, "--since"), day(until, "--until"), by.value if by else None,
        tuple(platform or ()), tuple(source or ()), tuple(channel or ()), population.value, hours, inferred, limit,
    )  # fmt: skip
    store = Store(data_folder(data))
    if name in metrics():
        _check(store, question)
    settings = read_settings(settings_file)
    if compared or explained:
        (_explain if explained else _compare)(store, settings, question, form)
    else:
        chosen = Shown(tuple(filter(None, columns.replace(" ", "").split(","))), sort, not ascending)
        _tell(store, settings, question, chosen, form, output)


def _tell(
    store: Store, settings: Settings, question: Question, chosen: Shown, form: Format, output: Path | None
) -> None:
    """Print the rows, or write them to a file with what is told of them."""
    answer = ask(store, settings, question)
    if output or form in (Format.xlsx, Format.raw_csv):
        asked = export.format_of("" if form is Format.table else form.value, output)
        for told in export.save(extract(store, settings, answer, chosen), asked, output):
            print(told, file=sys.stderr)
    else:
        rows = arranged(answer, chosen)
        is_named = form is Format.table and question.by == "source" and "source" in rows.columns
        _print(explore.with_names(store, rows) if is_named else rows, form, answer.fingerprint)
        print(f"{answer.metric.title}: {answer.metric.asks} [{answer.fingerprint}]", file=sys.stderr)
        for said in (_days_told(store, settings, question), *reasons(store, settings, answer)):
            print(said, file=sys.stderr)


OPEN_LISTS = ("unanswered", "waiting_now")
"""What stands on Unanswered, which begins with the days up to now, not with whole weeks."""


def _days_told(store: Store, settings: Settings, question: Question) -> str:
    """Which days it looks at; where nobody chose any, also with which the pages begin."""
    sources = store.read("sources")
    if sources.is_empty():
        return "Nothing is loaded any more. Load an export: .venv/bin/python -m ingest load PATH"
    newest = max(sources["as_of"])
    last = (newest - timedelta(microseconds=1)).astimezone(settings.zone).date()
    if question.since or question.until:
        last = min(last, question.until - timedelta(days=1)) if question.until else last
        return f"From {question.since or 'the first day'} to {last}"
    monday, weeks = _monday(newest.astimezone(settings.zone).date()), f"{LOOK_BACK.days // 7} weeks"
    is_open = question.name in OPEN_LISTS
    begins = f"the page Unanswered begins with the last {weeks}" if is_open else f"the pages begin with {weeks}"
    if question.platforms or question.sources or question.channels:
        return f"Of all days; {begins}"
    first = min(sources["first_at"].drop_nulls(), default=newest).astimezone(settings.zone).date()
    until = "" if is_open else f" --until {monday}"
    return f"Of all days, {first} to {last}; {begins}: --since {monday - LOOK_BACK}{until}"


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _print_names() -> None:
    for each in metrics().values():
        print(f"{each.name:<26} {each.asks}")


def _compare(store: Store, settings: Settings, question: Question, form: Format) -> None:
    """Print the change since the period before: its sentence, or all that is known of it."""
    found = compare(store, settings, question)
    if form is Format.table:
        print(found.sentence)
    elif form is Format.json:
        print(json.dumps({**asdict(found), "sentence": found.sentence}, ensure_ascii=False))
    else:
        raise typer.BadParameter(f"a change has no {form} form; choose table or json", param_hint="--format")


def _explain(store: Store, settings: Settings, question: Question, form: Format) -> None:
    """Print what moved a number since the period before: the rows alone go to stdout."""
    found = explain(store, settings, question)
    if form is Format.table and found.rows.is_empty():
        print("There is nothing to explain: nothing changed clearly.")
    else:
        _print(found.rows, form, found.fingerprint)
    for said in filter(None, (found.change.sentence, found.sentence, f"[{found.fingerprint}]")):
        print(said, file=sys.stderr)


def _check(store: Store, question: Question) -> None:
    """Refuse a place that is not there, and a period that ends before it begins: both would look like silence."""
    chosen = {"platform": question.platforms, "source": question.sources, "channel": question.channels}
    explore.check_places(store, chosen)
    _check_options(named(question.name), question)
    if question.since and question.until and question.since >= question.until:
        raise LookupError(f"--since {question.since} is not before --until {question.until}")


def _check_options(metric: Metric, question: Question) -> None:
    """Refuse what would change nothing: it would look as if it had."""
    given = {name: getattr(question, name) for name in ("by", "hours", "limit")}
    given["population"] = question.population != "asks"
    for option, value in given.items():
        if value and not metric.takes(option):
            raise LookupError(f"{metric.name} takes no --{option}: its rows are the same with and without")


def _print_card(metric: Metric, form: Format) -> None:
    said = {**metric.card, "definition": f"{metric.name}-{metric.version}"}
    if form is Format.json:
        print(json.dumps({"name": metric.name, "title": metric.title, **said, "sql": metric.sql}, ensure_ascii=False))
    elif form is Format.table:
        print(f"{metric.title}\n")
        for name, text in said.items():
            print(fill(text, 100, initial_indent=f"{name.replace('_', ' '):<12}", subsequent_indent=" " * 12))
        print(f"\n{metric.sql}", end="")
    else:
        raise typer.BadParameter(f"a card has no {form} form; choose table or json", param_hint="--format")


def _print(rows: pl.DataFrame, form: Format, fingerprint: str) -> None:
    """The rows. A table's, CSV's and JSON's fingerprint is told beside them; Parquet has a place for it inside."""
    if form is Format.json:
        print(rows.with_columns(pl.col(pl.Date).dt.to_string("iso")).write_json())
    elif form is Format.csv:
        print(rows.write_csv(), end="")
    elif form is Format.parquet:
        buffer = BytesIO()
        rows.write_parquet(buffer, metadata={"fingerprint": fingerprint})
        sys.stdout.buffer.write(buffer.getvalue())
    else:
        with pl.Config(
            tbl_rows=-1, tbl_cols=-1, tbl_width_chars=-1, fmt_str_lengths=80, float_precision=3,
            tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True,
        ):  # fmt: skip
            print(rows)


def main() -> None:
    """Run; say what went wrong in words, never as a traceback."""
    try:
        sys.exit(run(app))
    except (LookupError, SettingsError, StoreError) as error:
        print(f"hearth: {error.args[0] if error.args else error}", file=sys.stderr)
        sys.exit(WRONG_USAGE if isinstance(error, LookupError | SettingsError) else 1)


if __name__ == "__main__":
    main()
