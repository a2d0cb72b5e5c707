"""What stands in the data? Any table or metric, filtered, sorted, and as a file of exactly those rows."""

from __future__ import annotations

import shlex
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any

import polars as pl
import streamlit as st

from data import explore, export
from data.explore import Extract
from data.store import words_since
from metrics.extract import Shown, extract, shown
from metrics.metric import Answer, By, Population, Question, metrics
from pages import _ask, _filters, _show, _words
from pages._ask import kept
from pages._safe import label, line, plain

FITS = 12
"""So many rows need no window to scroll in."""
LARGEST_FILE = 500_000_000
"""Bytes that are handed through a page; the command line writes what is larger."""
PREPARED = "the prepared file"
BLANK: dict[str, object] = {"columns": [], "sort": None}
"""What another table's columns would make no sense of."""
SPLITS: dict[str, By] = {"platform": "platform", "source": "source", "channel": "channel"}
ASKS: dict[str, Population] = {"What needs a reply": "asks", "Every opener": "openers"}
Stamp = tuple[object, ...]


@dataclass(frozen=True)
class Rows:
    """What the reader looks at: how many rows, one page of them, and all that belongs to a file of them."""

    name: str
    title: str
    about: str
    count: int
    unknown: str  # what stands where nothing is known
    page: Callable[[int], pl.DataFrame]
    columns: tuple[str, ...]
    extract: Callable[[], Extract]
    fingerprint: str
    query: str
    values: Mapping[str, object]
    command: str
    left_out: tuple[str, ...]


class Held:
    """A prepared file, without a name on the disk: it goes when the reader does, or asks for another."""

    def __init__(self, key: tuple[str, str, str]) -> None:
        self.key, self.notes = key, list[str]()
        self.file = TemporaryFile()  # noqa: SIM115 - closed with whoever holds it
        weakref.finalize(self, self.file.close)


def page() -> None:
    """Draw the choice, the rows, and the ways out."""
    names = {name: table.title for name, table in explore.tables().items()}
    names = {"messages": names.pop("messages"), **names}
    names |= {name: f"Metric: {metric.title}" for name, metric in metrics().items()}
    with st.container(horizontal=True, vertical_alignment="center"):
        name = _filters.one_of("Look into", names, "table", BLANK, width=240, label_visibility="collapsed")
        with st.container(width="content"):
            view = _filters.period()
        fields = st.container(horizontal=True, vertical_alignment="center", width="content")
    with _show.contained("The rows"):
        with fields:
            found = _metric(view, name) if name in metrics() else _table(view, name or "messages")
        _draw(found, view)


# What is looked at --------------------------------------------------------------------------------


def _table(view: _filters.View, name: str) -> Rows:
    """A table's rows, after its own filters."""
    table, settings, store = explore.named(name), _ask.state().settings, _ask.store()
    filters = _row_filters(table)
    shown_columns, sort, is_descending = _shape(table.name, table.columns)
    chosen = explore.View(
        name, view.since, view.until, view.platforms, view.sources, view.channels, view.inferred,
        **filters, columns=shown_columns, sort=sort, is_descending=is_descending,
    )  # fmt: skip
    explore.check(chosen)
    stamp = (settings.privacy.no_profiles, words_since(settings).date())
    platforms, number = _ask.read("places")["platform"].unique(), _count(chosen, stamp)
    return Rows(
        name,
        _words.count(number, name[:-1], name),
        table.about,
        number,
        "",
        lambda number: _page(chosen, number, stamp),
        chosen.columns or table.columns,
        lambda: explore.extract(store, settings, chosen),
        explore.fingerprint(settings, chosen, _ask.state().snapshot or ""),
        explore.query(chosen),
        explore.bound(chosen, settings),
        _command(["data", "export", name], view, _options(chosen), is_ascending=bool(sort) and not is_descending),
        tuple(explore.left_out(settings, name, table.columns, platforms)),
    )


def _metric(view: _filters.View, name: str) -> Rows:
    """A metric's rows, by its own filters."""
    metric, by, count = metrics()[name], "", ""
    takes = [field for field, option in (("by", "by"), ("count", "population")) if metric.takes(option)]
    if takes:
        with _filters.folded("Filters", takes, "filters", usual=next(iter(ASKS))):
            if "by" in takes:
                by = _filters.one_of("Split by", _same(SPLITS), "by", index=None, placeholder="Nothing")
            if "count" in takes:
                count = _filters.one_of("Count", _same(ASKS), "count")
    asked = view.question(name, SPLITS.get(by))
    question = replace(asked, population=ASKS.get(count, "asks"))
    answer = _ask.answer(question)
    columns, sort, is_descending = _shape(name, tuple(answer.rows.columns))
    return _rows_of(answer, Shown(columns, sort, is_descending), view)


def _rows_of(answer: Answer, as_: Shown, view: _filters.View) -> Rows:
    state, store, name = _ask.state(), _ask.store(), answer.metric.name
    rows = shown(state.settings, answer, as_)
    asked, is_ascending = answer.question, bool(as_.sort) and not as_.is_descending
    options = {"by": asked.by, "sort": as_.sort, "columns": ",".join(as_.columns)}
    options |= {"population": asked.population} if asked.population != "asks" else {}
    return Rows(
        name,
        f"{answer.metric.title}: {_words.count(len(rows), 'row')}",
        answer.metric.asks,
        len(rows),
        _words.UNKNOWN,
        lambda number: _cut(_named(rows, answer.question).slice(number * explore.PAGE, explore.PAGE)),
        tuple(rows.columns),
        lambda: extract(store, state.settings, answer, as_),
        answer.fingerprint,
        answer.metric.sql,
        {name: value for name, value in vars(answer.question).items() if value},
        _command(["metrics", name], view, options, is_ascending=is_ascending),
        tuple(explore.left_out(state.settings, name, answer.rows.columns, _ask.read("places")["platform"].unique())),
    )


def _named(rows: pl.DataFrame, asked: Question) -> pl.DataFrame:
    """The rows with their sources by name: as they are read here, not as they go into a file."""
    is_split = asked.by == "source" and "source" in rows.columns
    return explore.with_names(_ask.store(), rows) if is_split else rows


def _row_filters(table: explore.Table) -> dict[str, Any]:
    """What the table can be filtered by, beside the period and the places."""
    found: dict[str, Any] = {"contains": _words_sought()}
    several = {
        "roles": explore.ROLES,
        "reasons": _ask.read("reasons")["reason"].to_list() if "reasons" in table.filters else (),
        "sentiments": explore.SENTIMENTS,
        "kinds": explore.KINDS,
    }
    takes = [name for name in (*several, "answered") if name in table.filters]
    if not takes:
        return found
    with _filters.folded("Filters", [name.removesuffix("s") for name in takes], "filters"):
        for name in (each for each in several if each in takes):
            key = name.removesuffix("s")
            found[name] = _filters.some_of(key.capitalize(), _same(several[name]), key)
        if "answered" in takes:
            words = {"yes": "Answered", "no": "Waiting"}
            said = _filters.one_of("Answered", words, "answered", index=None, placeholder="All")
            found["answered"] = {"yes": True, "no": False}.get(said)
    return found


def _words_sought() -> str:
    return _filters.sought("Text contains", "Text contains", "contains", 210, label_visibility="collapsed")


def _shape(name: str, columns: tuple[str, ...]) -> tuple[tuple[str, ...], str, bool]:
    """Which columns, sorted by which, and whether the largest come first."""
    titles = {column: _words.column(column) for column in columns}
    with _filters.folded("Columns and order", ("columns", "sort", "ascending"), "shape"):
        chosen = _filters.some_of("Columns", titles, "columns")
        sort = _filters.one_of("Sort by", titles, "sort", index=None, placeholder="As it comes")
        is_ascending = _filters.switched("Smallest first", "ascending", "The oldest or smallest first, not the newest.")
        with st.expander("What the columns mean", key=f"columns-of-{name}"):
            for column in columns:
                st.markdown(f"**{titles[column]}** · {explore.meaning(column, name)}")
    return chosen, sort, not is_ascending


# How it looks -------------------------------------------------------------------------------------


def _draw(rows: Rows, view: _filters.View) -> None:
    """How many there are, a page of them, and the ways out."""
    zone = _ask.state().settings.zone
    st.subheader(rows.title)
    left_out = " ".join(label(each) for each in rows.left_out)
    st.caption(
        f"{rows.about} Data to {_words.moment(view.as_of, zone)}; days begin at midnight, {label(str(zone))}. "
        f"Each time says how far it is from UTC; in a file they are in UTC. {left_out}"
    )
    if not rows.count:
        st.caption("A longer period, more places or fewer filters may show some.")
    else:
        _leaf(rows)
    _ways_out(rows, view)


def _leaf(rows: Rows) -> None:
    """One page of the rows, and below it the way to the others."""
    pages = -(-rows.count // explore.PAGE)
    above = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        number = _filters.page_of(pages)
        if pages > 1:
            first, last = number * explore.PAGE + 1, min((number + 1) * explore.PAGE, rows.count)
            st.caption(f"Rows {first:,} to {last:,} of {rows.count:,}; sorting and filters above reach them all.")
    meanings = {column: explore.meaning(column, rows.name) for column in rows.columns}
    height = 520 if rows.count > FITS else "auto"
    with above:
        alt = f"{rows.title}, page {number + 1} of {pages}"
        _show.table(_show.readable(rows.page(number)), alt, meanings, height=height, placeholder=rows.unknown)


def _ways_out(rows: Rows, view: _filters.View) -> None:
    """The file, the query, and the command that writes the same file."""
    with st.container(border=True):
        st.markdown("**Take exactly these rows with you**")
        form = st.radio(
            "File",
            list(export.FORMATS),
            list(export.FORMATS).index("xlsx"),
            format_func=lambda name: export.FORMATS[name].title,
            key="file",
            horizontal=True,
            label_visibility="collapsed",
        )
        st.caption(NOTES[form])
        with st.container(horizontal=True, vertical_alignment="center"):
            _file(rows, form)
            beside = f"{rows.fingerprint}{export.FORMATS[form].ending}.about.json"
            st.download_button(
                "About these rows", lambda: export.about(rows.extract()), beside, "application/json",
                key="about", on_click="ignore", type="tertiary",
                help="Fingerprint, filters, as of, columns and query, as JSON.",
            )  # fmt: skip
        st.caption(f"Fingerprint: {label(rows.fingerprint)}. To share this view, copy the page's address.")
    with st.expander("The query"):
        st.code(_bound(rows), language="sql")
    with st.expander("The same from the command line"):
        st.code(f"{rows.command} --output {rows.name}{export.FORMATS[form].ending}", language="shell")
        if view.moves:
            st.caption(
                f"The command keeps to these days, so that it tells the same period later too. The page’s address says "
                f"“{view.moves}”, which moves on with the data: copy the command again when newer data is in."
            )


NOTES = {
    "csv": "For spreadsheets: a text that could be a formula begins with an apostrophe. Numbers stay numbers.",
    "raw-csv": "For programs: every text as it was written. Do not open it in a spreadsheet, where a text can be "
    "a formula.",
    "xlsx": "For Excel and its kin: typed, no formulas, no links, ids as text; a second sheet says what the rows are. "
    f"Texts over {export.LETTERS:,} characters are cut, and counted there; past {export.LINES - 1:,} rows a new sheet "
    "begins.",
    "parquet": "For DuckDB, Polars, pandas or R: typed; what the rows are stands in its metadata, under `hearth`.",
    "json": "A list of objects, one a line; times as text in UTC.",
}


def _file(rows: Rows, form: str) -> None:
    """The file itself: at the click, or prepared first, with a bar, where it takes long."""
    name, media = f"{rows.fingerprint}{export.FORMATS[form].ending}", export.FORMATS[form].media
    if rows.count <= export.AT_ONCE:
        st.download_button("Download", lambda: _written(rows, form), name, media, key="take", on_click="ignore")
        return
    key = (rows.fingerprint, rows.query, form)
    held = st.session_state.get(PREPARED)
    if held and held.key == key:
        _offer(held, name, media)
    elif st.button(f"Prepare a file of {rows.count:,} rows", key="prepare", type="primary"):
        _prepare(rows, form, key)


def _written(rows: Rows, form: str) -> bytes:
    to = BytesIO()
    export.write(rows.extract(), form, to)
    return to.getvalue()


def _prepare(rows: Rows, form: str, key: tuple[str, str, str]) -> None:
    """Write the file row by row. Whatever is clicked meanwhile ends it: the next step of the bar is its last."""
    st.button("Cancel", key="cancel")
    bar = st.progress(0.0, "Asking for the rows")

    def seen(done: int) -> None:
        told = f"{done:,} of {rows.count:,} rows" if done < rows.count else "All rows written, packing the file"
        bar.progress(min(done / rows.count, 1.0), told)

    held = Held(key)
    held.notes = export.write(rows.extract(), form, held.file, seen)
    st.session_state[PREPARED] = held
    st.rerun()


def _offer(held: Held, name: str, media: str) -> None:
    """The prepared file, and what did not fit into it."""
    size = held.file.seek(0, 2)
    if size > LARGEST_FILE:
        st.warning(f"The file has {size / 1e6:,.0f} MB, more than a page can hand over. Use the command below.")
        return

    def everything() -> bytes:
        held.file.seek(0)
        return held.file.read()

    st.download_button(
        f"Download, {size / 1e6:,.1f} MB", everything, name, media, key="take", on_click="ignore", type="primary"
    )
    for note in held.notes:
        st.caption(label(note))


def _bound(rows: Rows) -> str:
    """The query, and above it what its names are bound to."""
    bound = [f"-- ${name} = {plain(str(value))}" for name, value in rows.values.items()]
    return "\n".join([*(line(each, 300) for each in bound), plain(rows.query)])


def _options(chosen: explore.View) -> dict[str, Any]:
    """A table's own filters, columns and sorting as the command line calls them."""
    return {
        "role": chosen.roles,
        "reason": chosen.reasons,
        "sentiment": chosen.sentiments,
        "kind": chosen.kinds,
        "answered": {True: "yes", False: "no"}.get(chosen.answered) if chosen.answered is not None else None,
        "contains": chosen.contains,
        "columns": ",".join(chosen.columns),
        "sort": chosen.sort,
    }


def _command(words: list[str], view: _filters.View, options: Mapping[str, Any], *, is_ascending: bool) -> str:
    """The command that writes the same rows."""
    places = {"platform": view.platforms, "source": view.sources, "channel": view.channels}
    said = {"since": view.since, "until": view.until, **places, **options}
    told = [
        f"--{name}={shlex.quote(str(each))}"
        for name, value in said.items()
        for each in (value if isinstance(value, tuple) else (value,))
        if each not in (None, "")
    ]
    flags = [*(["--inferred"] if view.inferred else []), *(["--ascending"] if is_ascending else [])]
    return plain(" ".join([".venv/bin/python", "-m", *words, *told, *flags]))


# What is kept -------------------------------------------------------------------------------------


@kept(256)
def _count(chosen: explore.View, _stamp: Stamp) -> int:
    """How many rows; the stamp holds what the state's does not know of."""
    return explore.count(_ask.store(), _ask.state().settings, chosen)


@kept(32)
def _page(chosen: explore.View, number: int, _stamp: Stamp) -> pl.DataFrame:
    return explore.rows(_ask.store(), _ask.state().settings, chosen, number)


def _cut(rows: pl.DataFrame) -> pl.DataFrame:
    """Long texts cut, as a table's are."""
    return rows.with_columns(pl.col(pl.String).str.slice(0, explore.LETTERS))


def _same(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


page()
