"""How any metric looks: one palette, one template, cards, charts, and the small doors under each chart.

Pages bring the words; this draws. A value nobody knows is a gap, never a zero. Figures are kept,
because drawing one costs more than sending it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import uuid4

import plotly.graph_objects as go
import polars as pl
import pyarrow as pa
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from metrics.metric import Answer, Metric, Question
from pages import _ask, _filters, _limits, _safe, _sheet, _words
from pages._ask import kept
from pages._figures import DARK, LIGHT, Curve, Figure, Line, Shape, Trail, counted, figure, is_empty, small, strips
from pages._filters import View, Weeks
from pages._safe import label
from pages._sheet import Number, Sheet

TABLES = 64
"""So many prepared tables are kept."""
OPENED = 1000
"""So many rows travel to the reader when a view is opened."""
GLANCED = 4.0
"""Seconds between two glances at whether the page is light or dark."""
SENTENCE = 600
"""Characters: what the guard says, with room for its reasons."""
UNKEPT = "What they said is not kept."
WHY_CLOSED = (
    "the platform's terms forbid to follow single members over time; where you may all the same, take it out of "
    "`no_profiles` under `[privacy]` in `hearth.toml`"
)
T = TypeVar("T")
_log = logging.getLogger("hearth.pages")


# Cards ------------------------------------------------------------------------------------------


@contextmanager
def contained(title: str) -> Iterator[None]:
    """Keep a failure inside its card: say what happened and what to do, and note it in the server's log."""
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever it is, the other cards are worth showing
        number = uuid4().hex[:8]
        _log.exception("%s failed, note %s", title, number)
        st.warning(
            f"**{title}** could not be worked out; the rest of the page is not affected. Reload the page. "
            f"If it stays like this, look for note {number} in the server's log."
        )


def attempted(work: Callable[[], T]) -> T | Exception:
    """What some work brings; or its failure, to be told where it belongs."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - see `contained`, which tells it
        return error


def card(title: str, value: str, note: str, before: str) -> None:
    """A headline number: its value, what it is of, and a second note."""
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.metric(title, value)
        st.caption(f"{note}  \n{before}")


def number(told: Number) -> None:
    """A number of the week: value, band, verdict, the weeks that led here, and who and what is behind it."""
    with st.container(border=True, height="stretch", gap="xxsmall", vertical_alignment="distribute"):
        with st.container(gap="xxsmall"):
            st.metric(told.title, told.value, help=told.about)
            shape, color, verdict, why = _words.verdict(told.change)
            because = f"  \n:small[:gray[{label(why)}]]" if why else ""
            st.caption(told.note)
            st.markdown(f":{color}[**{shape} {verdict}**]{because}")
            if told.before:
                st.caption(told.before)
            _limited(told.question)
        with st.container(gap="xxsmall"):
            _plot(
                _small(told.trail, _ask.answer(told.question).fingerprint, _is_dark()),
                _sheet.told(told.trail, told.title),
            )
            with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center"):
                page, words, address = told.people
                st.page_link(page, label=words, query_params=_filters.to_rows(address), width="content")
                rows = st.popover("Rows", type="tertiary", key=f"rows-{told.title}", on_change="rerun")
        if rows.open:
            with rows:
                _behind(told)


def _behind(told: Number) -> None:
    """The rows behind a number, week by week, with a file of them and their fingerprint."""
    st.markdown(f"**{label(told.change.sentence, SENTENCE)}**")
    answer = _ask.answer(told.question)
    rows = answer.rows.sort("week", descending=True, nulls_last=False) if "week" in answer.rows.columns else answer.rows
    table(readable(rows.head(OPENED)), f"The rows behind {told.title}", width=620)
    st.caption(f"{label(answer.metric.formula)}. Fingerprint: {answer.fingerprint}")
    file = f"{answer.fingerprint}.csv"
    st.download_button("Download", lambda: _safe.csv(answer.rows), file, "text/csv", on_click="ignore")
    with st.expander("Definition"):
        definition(answer.metric, {"fingerprint": answer.fingerprint})


def sheet(found: Sheet, buttons: DeltaGenerator) -> None:
    """The week as one sheet: what the browser prints, and a file."""
    with buttons:
        week = found.week.lower().replace(",", "").replace(" ", "-")
        name = "-".join(["weekly-health", week, *(mark for _, mark in found.fingerprints[:1])]) + ".html"
        st.download_button(
            "Download the report", lambda: _sheet.document(found).encode(), name, "text/html", on_click="ignore"
        )
        st.caption("Print or save as PDF with Ctrl+P, on a Mac ⌘P: one light page.", width="content")
    st.html(_printed(found))


@kept(32)
def _printed(found: Sheet) -> str:
    return _sheet.printed(found)


def how_to_load(title: str) -> None:
    """The commands that load an export, or the made-up community."""
    st.subheader(title)
    st.markdown("All the exports you have, in one go:")
    st.code('make run EXPORTS="path/to/export.zip path/to/folder"', language="shell")
    st.markdown("One more, while the dashboard stays up:")
    st.code(".venv/bin/python -m ingest load path/to/export.zip", language="shell")
    st.markdown("Or a made-up community, to look around first:")
    st.code(".venv/bin/python -m ingest demo", language="shell")


# People -----------------------------------------------------------------------------------------


def somebody(name: str, what: str, account: str | None, platform: str) -> None:
    """Somebody by name, a door to their page where members may be followed there, and what there is to say of them."""
    if account is None or platform in _ask.closed():
        st.markdown(f":small[**{_safe.label(name, 60)}**{' · ' if what else ''}{what}]")
        return
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center"):
        door = f"**{_safe.label(name, 60)}**"
        st.page_link("member.py", label=door, icon=":material/person:", query_params=_filters.to_member(account))
        if what:
            st.markdown(f":small[{what}]", width="content")


def said(row: _ask.Row, why: str, as_of: datetime, act: Callable[[], None] | None = None) -> None:
    """Who and why, their words, when and where, a door to the platform, and what can be done about it."""
    ago = _words.age((as_of - row["said_at"]).total_seconds() / 3600)
    account = ":".join((row["platform"], row["source"], row["member"])) if row["member"] else None
    with st.container(gap="xxsmall"):
        somebody(row["name"] or "Somebody", _safe.label(why), account, row["platform"])
        st.text(_safe.gist(row["text"], 220) or _safe.line(row["title"], 220) or UNKEPT)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            where = f"{_safe.label(row['channel_name'])}, {_safe.label(_words.platform(row['platform']))}"
            st.caption(f"{ago} ago · {where}", width="content")
            if link := _safe.web_link(row["permalink"]):
                st.link_button(f"Open on {_safe.label(link[1])}", link[0], type="tertiary")
            if act:
                act()


def left_out(platforms: Sequence[str]) -> str:
    """That some platforms' members are left out, why, and which setting would change it."""
    return f"Without {' and '.join(_safe.label(_words.platform(name)) for name in platforms)}: {WHY_CLOSED}."


def name_the_staff(why: str) -> None:
    """Where nobody is known as staff: that it is so, and the way to say who is."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Nobody who spoke here is known as staff, so {why}.", width="content")
        st.page_link("sources.py", label="Say who is staff", query_params=_filters.to_roster(), width="content")


def trust(view: View, until: date, of: str, days: str, more: str = "", why: str = "") -> None:
    """How far the data reaches and how much it covers, in a line; what else to know of it opens beside it.

    `more`: what is said where a source ends. `why`: what nobody knows without staff, where nobody is known as staff.
    """
    notes = _filters.notes(view, until, of, days, more)
    count = len(notes) + bool(why)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_filters.freshness(view, until, of, days), width="content")
        if not count:
            return
        with st.popover(f"{_words.count(count, 'thing')} to know about this data", type="tertiary", key="to know"):
            for each in notes:
                st.markdown(each)
            if why:
                name_the_staff(why)


# A period's page --------------------------------------------------------------------------------


def page(
    words: Callable[[Weeks], tuple[str, str]],
    charts: Mapping[str, Callable[[Weeks], None]],
    of_team: str = "",
    last: Collection[str] = (),
) -> None:
    """A page about a period of weeks: the finding and what follows in words, then the pictures.

    They stand two by two; one that is left over has the whole width. `of_team`: what nobody knows without staff.
    `last`: the charts that stand last then, for they say no more than that.
    """
    period = _filters.weeks()
    if period is None:
        st.info("There is no complete week yet. Numbers start after the first one, Monday to Sunday.")
        return
    with contained("The period in words"):
        finding, story = words(period)
        st.subheader(finding)
        st.markdown(story)
        why = of_team if not _filters.has_team(period.view) else ""
        trust(period.view, period.newest + _filters.WEEK, "the last week", "days", why=why)
    is_known = not last or _filters.has_team(period.view)
    titles = sorted(charts, key=lambda title: title in last and not is_known)
    for row in (titles[: len(titles) // 2 * 2], titles[len(titles) // 2 * 2 :]):
        with st.grid(min(2, len(row)) or 1, min_column_width=380):
            for title in row:
                with contained(title):
                    charts[title](period)


def of_team(period: Weeks, name: str) -> bool:
    """Whether somebody is known as staff; where nobody is, a card says that a metric of what staff do is unknown."""
    if _filters.has_team(period.view):
        return True
    answer = _ask.answer(period.view.question(name))
    with st.container(border=True, height="stretch"):
        st.markdown("**Unknown: nobody who spoke here is known as staff**")
        st.caption(answer.metric.asks)
        doors(answer)
    return False


def share(
    period: Weeks, name: str, found: str, of: str, noun: str, note: str = "", why_none: str = "in these weeks"
) -> None:
    """A share by week in its band. `found` goes on where "61 % of asks" ends; `of` and `noun`: as of a line."""
    answer = _ask.answer(period.view.question(name))
    row = next(counted(answer.rows, of).filter(pl.col("week").is_null()).iter_rows(named=True))
    title = f"{_words.part(row['share'], row[of], noun)} {found}" if row[of] else f"No {noun}s {why_none}"
    shape = Line("share", of, "share", "low", "high", week=period.newest, noun=noun)
    sure = _words.interval(row["low"], row["high"], row[of], noun)
    chart(answer, shape, title, f"{sure[0].upper()}{sure[1:]}; {_words.BAND} {note}".strip())


# Charts -----------------------------------------------------------------------------------------


def chart(answer: Answer, shape: Shape, title: str, note: str) -> None:
    """A chart in its card: the finding as title, the picture, what was asked, and the doors."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        if is_empty(answer.rows, shape):
            st.caption(f"There is nothing to draw yet. {answer.metric.asks}")
        else:
            caption = f"{answer.metric.asks} {note}"
            _plot(_figure(answer, shape, _is_dark()), f"{title}. {caption}")
            st.caption(caption)
        doors(answer)
        if isinstance(shape, Curve) and shape.before:
            doors(shape.before, "before")


def picture(rows: pl.DataFrame, shape: Shape, title: str, note: str, name: str) -> None:
    """A chart of one of the store's tables, in its card, with its rows and a file of them, called by its `name`."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        if is_empty(rows, shape):
            st.caption(f"There is nothing to draw. {note}")
            return
        _plot(_drawn(rows, shape, _is_dark()), f"{title}. {note}")
        st.caption(note)
        table_doors(rows, title, name)


def table_doors(rows: pl.DataFrame, title: str, name: str) -> None:
    """The rows behind a list or picture of one of the store's tables, and a file of them."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        opened = st.popover("Rows", type="tertiary", key=f"rows-{name}", on_change="rerun")
        st.download_button(
            "Download",
            lambda: _safe.csv(rows),
            f"{name}-{_ask.state().snapshot}.csv",
            "text/csv",
            key=f"file-{name}",
            on_click="ignore",
            type="tertiary",
        )
    if opened.open:
        with opened:
            table(rows.head(OPENED), f"The rows behind {title}", width=620)


def doors(answer: Answer, part: str = "") -> None:
    """Three small doors: the rows behind a view, what the number means, and a file of it. `part`: of a view of two."""
    key = f"{answer.metric.name}-{answer.question.by}{part}"
    if not part:
        _limited(answer.question)
    everything = _ask.later(answer)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if part:
            st.caption(f"{part.capitalize()}:", width="content")
        rows = st.popover("Rows", type="tertiary", key=f"rows-{key}", on_change="rerun")
        meaning = st.popover(
            "Definition", type="tertiary", key=f"meaning-{key}", on_change="rerun", help=answer.fingerprint
        )
        st.download_button(
            "Download",
            lambda: _safe.csv(everything()),
            f"{answer.fingerprint}.csv",
            "text/csv",
            key=f"file-{key}",
            on_click="ignore",
            type="tertiary",
        )
    if rows.open:
        with rows:
            table(readable(answer.rows.head(OPENED)), f"The rows behind {answer.metric.title}", width=620)
            more = len(answer.rows) > OPENED
            some = f"The first {_words.whole(OPENED)} of {_words.whole(len(answer.rows))}"
            cut = f"{some}; the download has them all. " if more else ""
            st.caption(f"{cut}Fingerprint: {answer.fingerprint}")
    if meaning.open:
        with meaning:
            definition(answer.metric, {"fingerprint": answer.fingerprint})


def _limited(question: Question) -> None:
    """Where the format of a source limits a number: which source, what it lacks, and beside it what follows."""
    if told := _limits.said([question], label):
        st.caption(told, help=_limits.why(question, label))


def definition(metric: Metric, more: Mapping[str, str]) -> None:
    """The definition card: what the metric's file says of itself, what more there is to say, and the SQL."""
    st.markdown(f"**{metric.title}**")
    with st.container(gap="xxsmall"):
        for name, text in {**metric.card, **more}.items():
            label, words = st.columns([1, 5], gap="small")
            label.caption(name.replace("_", " ").capitalize())
            words.text(text)
    st.code(metric.sql, language="sql", height=240)


def readable(rows: pl.DataFrame) -> pl.DataFrame:
    """The row without a week is the whole period, and says so; beside it weeks are written as they sort by letters."""
    if "week" not in rows.columns or not rows["week"].has_nulls():
        return rows
    return rows.with_columns(pl.col("week").cast(pl.String).fill_null("all weeks"))


def coverage(since: date, title: str, note: str) -> None:
    """Messages by day and source; days that no load covers are hatched."""
    with st.container(border=True):
        st.markdown(f"**{title}**")
        _plot(_strips(since, _is_dark()), f"{title}. {note}")
        st.caption(note)


def table(frame: pl.DataFrame, alt: str, meanings: Mapping[str, str] | None = None, **options: Any) -> Any:
    """A table of anything, its columns named in plain words and its texts made safe. `meanings`: help of columns."""
    cells, columns = _prepared(frame)
    for name, meaning in (meanings or {}).items():
        said = {"label": columns[name]} if isinstance(columns[name], str) else columns[name]
        columns = columns | {name: {**said, "help": meaning}}
    return st.dataframe(
        cells,
        hide_index=True,
        column_config=columns | options.pop("column_config", {}),
        placeholder=options.pop("placeholder", _words.UNKNOWN),
        alt=_safe.line(alt),
        **options,
    )


_preparing = threading.Lock()
_tables: OrderedDict[tuple[int, str], tuple[pl.DataFrame, pa.Table, dict[str, Any]]] = OrderedDict()


def _prepared(frame: pl.DataFrame) -> tuple[pa.Table, dict[str, Any]]:
    """A frame's safe cells and how its columns read, kept for as long as the very same frame is shown again.

    As Arrow, which Streamlit sends as it is; a frame it would turn into one of pandas' first, on every run. Every
    reader's thread comes here: two who show a frame at once prepare it once.
    """
    key = id(frame), _words.day_form()
    with _preparing:
        found = _tables.get(key)
        if found is None or found[0] is not frame:
            told = _told(frame)
            found = _tables[key] = (frame, _safe.cells(told).to_arrow(), _columns(told))
        _tables.move_to_end(key)
        if len(_tables) > TABLES:
            _tables.popitem(last=False)
        return found[1], found[2]


def _told(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame with yes and no in words, and its keys as texts: a browser cannot count as far as they go."""
    is_yes = pl.when(pl.col(pl.Boolean)).then(pl.lit("yes")).when(pl.col(pl.Boolean).not_()).then(pl.lit("no"))
    return frame.with_columns(is_yes.name.keep(), pl.col("^.*_key$").cast(pl.String))


def _columns(frame: pl.DataFrame) -> dict[str, Any]:
    """How each column reads: shares as percentages, weeks as dates, waits with one decimal."""
    columns: dict[str, Any] = {}
    for name, kind in frame.schema.items():
        title = _words.column(name)
        if kind == pl.Date:
            columns[name] = st.column_config.DateColumn(title, format=_words.days_in_tables())
        elif kind == pl.Datetime:
            columns[name] = moments(title)
        elif name.endswith("share") or name in ("low", "high"):
            columns[name] = st.column_config.NumberColumn(title, format="percent")
        elif kind.is_numeric():
            columns[name] = st.column_config.NumberColumn(title, format="%.1f" if kind.is_float() else "localized")
        else:
            columns[name] = title
    return columns


def moments(title: str) -> Any:
    """A column of times where the community lives, each with its distance from UTC."""
    zone = _ask.state().settings.zone
    told = _words.moments_in_tables(zone)
    return st.column_config.DatetimeColumn(title, format=told, timezone=str(zone), help=f"In {zone}.")


def _is_dark() -> bool:
    return bool(st.context.theme.type == "dark")


@st.fragment(run_every=GLANCED)
def follow_theme(drawn: str | None) -> None:
    """Draw the page anew where the reader switched between light and dark: only another run of a page tells of it."""
    if st.context.theme.type != drawn:
        st.rerun()


class _Ready(go.Figure):  # type: ignore[misc]
    """A figure in the form it is sent in.

    Streamlit would check a dict on every draw, which costs more than the rest of it; the tests check ours.
    """

    def __init__(self, figure: Figure) -> None:
        self.__dict__["sent"] = figure

    def to_dict(self) -> Figure:
        """As it is."""
        figure: Figure = self.__dict__["sent"]
        return figure


def _plot(figure: Figure, alt: str) -> None:
    height = figure["layout"]["height"]
    st.plotly_chart(_Ready(figure), theme=None, config={"displayModeBar": False}, alt=alt, height=height)


@kept(256, is_worded=True)
def _figure(answer: Answer, shape: Shape, is_dark: bool) -> Figure:
    drawn = figure(answer.rows, shape, DARK if is_dark else LIGHT)
    drawn["layout"]["meta"] = {"fingerprint": answer.fingerprint}
    return drawn


def _drawn(rows: pl.DataFrame, shape: Shape, is_dark: bool) -> Figure:
    """The same of one of the store's tables."""
    return figure(rows, shape, DARK if is_dark else LIGHT)


@kept(256)
def _small(trail: Trail, fingerprint: str, is_dark: bool) -> Figure:
    drawn = small(trail, DARK if is_dark else LIGHT)
    drawn["layout"]["meta"] = {"fingerprint": fingerprint}
    return drawn


@kept(16, is_worded=True)
def _strips(since: date, is_dark: bool) -> Figure:
    days = _ask.read("coverage").filter(pl.col("day") >= since)
    return strips(days, DARK if is_dark else LIGHT)
