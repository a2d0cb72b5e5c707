"""How any metric looks: one palette, one template, cards, charts, and the small doors under each chart.

Pages bring the words; this draws. A value nobody knows is a gap, never a zero. Figures are kept,
because drawing one costs more than sending it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from metrics.metric import Answer, Metric
from pages import _ask, _filters, _safe, _words
from pages._ask import kept
from pages._figures import DARK, LIGHT, Curve, Figure, Line, Shape, counted, figure, is_empty, strips
from pages._filters import Weeks

TABLES = 64
"""So many prepared tables are kept."""
OPENED = 1000
"""So many rows travel to the reader when a view is opened."""
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


def card(title: str, value: str, note: str, before: str, trail: Sequence[float | None] = (), about: str = "") -> None:
    """A headline number: its value, the weeks that led here, what it is of, and the week before beside it."""
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.metric(title, value, help=about or None, chart_data=_last_known(trail), delta_color="off")
        st.caption(f"{note}  \n{before}")


def _last_known(trail: Sequence[float | None]) -> list[float] | None:
    """The weeks since the last gap: a small line cannot show a hole, and must not bridge one."""
    known: list[float] = []
    for value in reversed(trail):
        if value is None:
            break
        known.append(value)
    return known[::-1] if len(known) > 2 else None


def how_to_load(title: str) -> None:
    """The commands that load an export, or the made-up community."""
    st.subheader(title)
    st.markdown("All the exports you have, in one go:")
    st.code('make run EXPORTS="path/to/export.zip path/to/folder"', language="shell")
    st.markdown("One more, while the dashboard stays up:")
    st.code(".venv/bin/python -m ingest load path/to/export.zip", language="shell")
    st.markdown("Or a made-up community, to look around first:")
    st.code(".venv/bin/python -m ingest demo", language="shell")


# A period's page --------------------------------------------------------------------------------


def page(words: Callable[[Weeks], tuple[str, str]], charts: Mapping[str, Callable[[Weeks], None]]) -> None:
    """A page about a period of weeks: the finding and what follows in words, then the pictures.

    They stand two by two; one that is left over has the whole width.
    """
    period = _filters.weeks()
    if period is None:
        st.info("There is no complete week yet. Numbers start after the first one, Monday to Sunday.")
        return
    with contained("The period in words"):
        st.caption(_filters.freshness(period.view, period.newest + _filters.WEEK, "the last week"))
        finding, story = words(period)
        st.subheader(finding)
        st.markdown(story)
    titles = list(charts)
    for row in (titles[: len(titles) // 2 * 2], titles[len(titles) // 2 * 2 :]):
        with st.grid(min(2, len(row)) or 1, min_column_width=380):
            for title in row:
                with contained(title):
                    charts[title](period)


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


def doors(answer: Answer, part: str = "") -> None:
    """Three small doors: the rows behind a view, what the number means, and a file of it. `part`: of a view of two."""
    key = f"{answer.metric.name}-{answer.question.by}{part}"
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
            table(_readable(answer.rows.head(OPENED)), f"The rows behind {answer.metric.title}", width=620)
            more = len(answer.rows) > OPENED
            some = f"The first {_words.whole(OPENED)} of {_words.whole(len(answer.rows))}"
            cut = f"{some}; the download has them all. " if more else ""
            st.caption(f"{cut}Fingerprint: {answer.fingerprint}")
    if meaning.open:
        with meaning:
            definition(answer.metric, {"fingerprint": answer.fingerprint})


def definition(metric: Metric, more: Mapping[str, str]) -> None:
    """The definition card: what the metric's file says of itself, what more there is to say, and the SQL."""
    st.markdown(f"**{metric.title}**")
    with st.container(gap="xxsmall"):
        for name, text in {**metric.card, **more}.items():
            label, words = st.columns([1, 5], gap="small")
            label.caption(name.replace("_", " ").capitalize())
            words.text(text)
    st.code(metric.sql, language="sql", height=240)


def _readable(rows: pl.DataFrame) -> pl.DataFrame:
    """The row without a week is the whole period, and says so."""
    if "week" not in rows.columns:
        return rows
    return rows.with_columns(pl.col("week").dt.to_string("%Y-%m-%d").fill_null("all weeks"))


def coverage(since: date, title: str, note: str) -> None:
    """Messages by day and source; days that no load covers are hatched."""
    with st.container(border=True):
        st.markdown(f"**{title}**")
        _plot(_strips(since, _is_dark()), f"{title}. {note}")
        st.caption(note)


def table(frame: pl.DataFrame, alt: str, **options: Any) -> Any:
    """A table of anything, its columns named in plain words and its texts made safe."""
    cells, columns = _prepared(frame)
    return st.dataframe(
        cells,
        hide_index=True,
        column_config=columns | options.pop("column_config", {}),
        placeholder=_words.UNKNOWN,
        alt=_safe.line(alt),
        **options,
    )


_tables: OrderedDict[int, tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]] = OrderedDict()


def _prepared(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    """A frame's safe cells and how its columns read, kept for as long as the very same frame is shown again."""
    found = _tables.get(id(frame))
    if found is None or found[0] is not frame:
        found = _tables[id(frame)] = (frame, _safe.cells(frame), _columns(frame))
        if len(_tables) > TABLES:
            _tables.popitem(last=False)
    return found[1], found[2]


def _columns(frame: pl.DataFrame) -> dict[str, Any]:
    """How each column reads: shares as percentages, weeks as dates, waits with one decimal."""
    columns: dict[str, Any] = {}
    for name, kind in frame.schema.items():
        title = name.replace("_", " ").removeprefix("is ").capitalize()
        if kind == pl.Date:
            columns[name] = st.column_config.DateColumn(title, format="localized")
        elif kind == pl.Datetime:
            zone = str(_ask.state().settings.zone)
            columns[name] = st.column_config.DatetimeColumn(f"{title} ({zone})", format="localized", timezone=zone)
        elif name.endswith("share") or name in ("low", "high"):
            columns[name] = st.column_config.NumberColumn(title, format="percent")
        elif kind.is_numeric():
            columns[name] = st.column_config.NumberColumn(title, format="%.1f" if kind.is_float() else "localized")
        else:
            columns[name] = title
    return columns


def _is_dark() -> bool:
    return bool(st.context.theme.type == "dark")


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


@kept(16, is_worded=True)
def _strips(since: date, is_dark: bool) -> Figure:
    days = _ask.read("coverage").filter(pl.col("day") >= since)
    return strips(days, DARK if is_dark else LIGHT)
