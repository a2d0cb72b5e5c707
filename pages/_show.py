"""How any metric looks: one palette, one template, cards, charts, and the small doors under each chart.

Pages bring the words; this draws. A value nobody knows is a gap, never a zero. Figures are kept,
because drawing one costs more than sending it.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal
from uuid import uuid4

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from metrics.metric import Answer
from pages import _ask, _safe, _words
from pages._ask import kept

HEIGHT = 270
DAY_LONG = 86_400_000  # milliseconds, as Plotly counts
WEEK_LONG = 7 * DAY_LONG
LEFT_ABOVE = {"xanchor": "left", "yanchor": "bottom"}
TABLES = 64
"""So many prepared tables are kept."""
OPENED = 1000
"""So many rows travel to the reader when a view is opened."""
_log = logging.getLogger("hearth.pages")


@dataclass(frozen=True)
class Palette:
    """Paper, ink, one ember: see the theme, which has the same colours."""

    card: str
    ink: str
    muted: str
    faint: str
    ember: str


LIGHT = Palette(card="#FFFFFF", ink="#1F2430", muted="#5A6170", faint="#E6E2D9", ember="#B0431B")
DARK = Palette(card="#1D2027", ink="#ECEAE4", muted="#A4ABB8", faint="#33373F", ember="#F08A5D")
# Okabe–Ito: told apart by colour-blind readers too. A platform keeps its colour on every page.
_PLATFORMS = {
    "slack": "#CC79A7",
    "discord": "#0072B2",
    "reddit": "#D55E00",
    "x": "#56B4E9",
    "mail": "#E69F00",
}
_OTHERS = ("#E69F00", "#009E73", "#56B4E9", "#CC79A7", "#0072B2", "#D55E00")


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


# Charts -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A value by week, its band, what it was counted of, a target, and the week whose value is written out.

    `split`: one line for each platform, below one another on the same scale.
    """

    value: str
    of: str
    unit: Literal["share", "hours"]
    low: str = ""
    high: str = ""
    target: float | None = None
    week: date | None = None
    is_split: bool = False


@dataclass(frozen=True)
class Stack:
    """Counts by week that add up, and one below the line that went away."""

    above: tuple[str, ...]
    below: str


Shape = Line | Stack


def chart(answer: Answer, shape: Shape, title: str, note: str) -> None:
    """A chart in its card: the finding as title, the picture, what was asked, and the doors."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        if not any(row["week"] for row in _ask.rows(answer.question)):
            st.caption("There is no week to draw yet.")
            return
        caption = f"{answer.metric.asks} {note}"
        _plot(_figure(answer, shape, _is_dark()), f"{title}. {caption}")
        st.caption(caption)
        doors(answer)


def doors(answer: Answer) -> None:
    """Three small doors: the rows behind a view, what the number means, and a file of it."""
    key = f"{answer.metric.name}-{answer.question.by}"
    everything = _ask.later(replace(answer.question, limit=None))
    with st.container(horizontal=True, gap="small"):
        rows = st.popover("Rows", type="tertiary", key=f"rows-{key}", on_change="rerun")
        meaning = st.popover("Definition", type="tertiary", key=f"meaning-{key}", on_change="rerun")
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
            if len(answer.rows) > OPENED:
                st.caption(f"The first {OPENED:,} of {len(answer.rows):,}. The download has them all.")
    if meaning.open:
        with meaning:
            st.text(answer.metric.about)
            st.caption(f"Definition and settings: {answer.fingerprint}")
            st.code(answer.metric.sql, language="sql")


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
            columns[name] = st.column_config.DateColumn(title, format="D MMM YYYY")
        elif kind == pl.Datetime:
            columns[name] = st.column_config.DatetimeColumn(title, format="D MMM YYYY, HH:mm")
        elif name.endswith("share") or name in ("low", "high"):
            columns[name] = st.column_config.NumberColumn(title, format="percent")
        elif kind.is_numeric():
            columns[name] = st.column_config.NumberColumn(title, format="%.1f" if kind.is_float() else "localized")
        else:
            columns[name] = title
    return columns


def _is_dark() -> bool:
    return bool(st.context.theme.type == "dark")


def _plot(figure: go.Figure, alt: str) -> None:
    st.plotly_chart(figure, theme=None, config={"displayModeBar": False}, alt=alt)


# Figures ----------------------------------------------------------------------------------------


@kept(256)
def _figure(answer: Answer, shape: Shape, is_dark: bool) -> go.Figure:
    colors = DARK if is_dark else LIGHT
    if isinstance(shape, Stack):
        return _as_sent(_stacked(answer.rows, shape, colors))
    if shape.is_split:
        return _as_sent(_multiples(answer.rows, shape, colors))
    return _as_sent(_single(answer.rows, shape, colors))


def _as_sent(figure: go.Figure) -> go.Figure:
    """With dates as the text they are sent as, so that it is written once and not for each reader."""
    return go.Figure(json.loads(figure.to_json()))


def _single(rows: pl.DataFrame, shape: Line, colors: Palette) -> go.Figure:
    weeks = _every_week(rows)
    figure = _paper(colors, weeks["week"])
    _Strip(figure, weeks, shape, colors, colors.ember, _top(weeks, shape)).draw()
    _name_week(figure, weeks, shape, colors.ember)
    if shape.target is not None:
        _name_target(figure, shape.target, colors)
    return figure


def _multiples(rows: pl.DataFrame, shape: Line, colors: Palette) -> go.Figure:
    """One strip below the other, so that a phone can show them too."""
    whole = rows.filter(pl.col("week").is_null()).sort(shape.of, descending=True).head(6)
    calendar = _every_week(rows.select(pl.col("week").unique()))["week"]
    figure = _paper(colors, calendar, max(HEIGHT, 75 * len(whole)))
    height = 1 / max(len(whole), 1)
    for index, total in enumerate(whole.iter_rows(named=True)):
        name = total["platform"]
        number = index + 1 if index else ""
        floor = 1 - (index + 1) * height
        domain = [floor + 0.1 * height, floor + 0.72 * height]
        figure.update_layout({f"yaxis{number}": {"domain": domain, "anchor": "x"}})
        weeks = _every_week(rows.filter(pl.col("platform") == name), calendar)
        _Strip(figure, weeks, shape, colors, platform_color(name), _top(rows, shape), f"y{number}").draw()
        title = f"<b>{_safe.figure_text(_words.platform(name))}</b> {_reads(total, shape)}"
        figure.add_annotation(text=title, x=0, y=domain[1], xref="paper", yref="paper", **LEFT_ABOVE)
    figure.update_xaxes(anchor=f"y{len(whole)}" if len(whole) > 1 else "y")
    return figure


@dataclass(frozen=True)
class _Strip:
    """Where one line is drawn: its weeks, its ink, the top of its scale, and its axis."""

    figure: go.Figure
    weeks: pl.DataFrame
    shape: Line
    colors: Palette
    ink: str
    top: float
    axis: str = "y"

    def draw(self) -> None:
        """The line over its band, and the weeks of which nothing is known hatched."""
        self._unknown()
        self._band()
        self._line()
        self.figure.update_layout({f"yaxis{self.axis[1:]}": {"range": [0, self.top], **_scale(self.shape)}})

    def _unknown(self) -> None:
        """A week without asks is an empty place; one that the loads do not cover is hatched."""
        rows = self.weeks.filter(pl.col(self.shape.value).is_null() & (pl.col(self.shape.of) != 0))
        self.figure.add_bar(
            x=rows["week"].to_list(),
            y=[self.top] * len(rows),
            width=6 * DAY_LONG,
            marker={"pattern": _hatch(self.colors), "line": {"width": 0}},
            hoverinfo="text",
            hovertext=[f"Week of {_words.day(week)}<br>{self._why()}" for week in rows["week"]],
            yaxis=self.axis,
        )

    def _why(self) -> str:
        """Why nothing is drawn: a median may also lie beyond what has been seen."""
        uncovered = "too few of its days are covered"
        return uncovered if self.shape.unit == "share" else f"fewer than half are answered yet, or {uncovered}"

    def _band(self) -> None:
        for days, edge in _bands(self.weeks, self.shape):
            self.figure.add_scatter(
                x=days,
                y=edge,
                fill="toself",
                fillcolor=_tint(self.ink, 0.15),
                mode="none",
                hoverinfo="skip",
                yaxis=self.axis,
            )

    def _line(self) -> None:
        """Points that stand on few things are hollow."""
        weeks, shape = self.weeks, self.shape
        fills = [self.colors.card if (of or 0) < _words.FEW else self.ink for of in weeks[shape.of]]
        self.figure.add_scatter(
            x=weeks["week"].to_list(),
            y=weeks[shape.value].to_list(),
            mode="lines+markers",
            line={"color": self.ink, "width": 2},
            marker={"size": 5, "color": fills, "line": {"color": self.ink, "width": 1.5}},
            hoverinfo="text",
            hovertext=[_hover(week, shape) for week in weeks.iter_rows(named=True)],
            cliponaxis=False,
            yaxis=self.axis,
        )


def _name_week(figure: go.Figure, weeks: pl.DataFrame, shape: Line, ink: str) -> None:
    """The chosen week's value, written beside the line's end or above its point."""
    for row in weeks.filter((pl.col("week") == shape.week) & pl.col(shape.value).is_not_null()).iter_rows(named=True):
        is_last = row["week"] == weeks["week"].max()
        place = {"xanchor": "left", "xshift": 8} if is_last else {"yanchor": "bottom", "yshift": 8}
        text, font = f"<b>{_reads(row, shape)}</b>", {"color": ink, "size": 14}
        figure.add_annotation(text=text, font=font, x=row["week"], y=row[shape.value], **place)


def _name_target(figure: go.Figure, target: float, colors: Palette) -> None:
    """A dashed line in ink, with its value at its end."""
    line = {"dash": "dash", "color": colors.ink, "width": 1}
    note = {"text": f"target {_words.wait(target)}", "font": {"color": colors.ink}, "xanchor": "right"}
    figure.add_hline(target, line=line, annotation=note, annotation_position="top right")


def _stacked(rows: pl.DataFrame, shape: Stack, colors: Palette) -> go.Figure:
    weeks = _every_week(rows)
    figure = _paper(colors, weeks["week"])
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    figure.update_layout(barmode="relative", bargap=0.25, showlegend=True, legend=legend)
    days = weeks["week"].to_list()
    inks = [colors.ember, *(_tint(colors.ink, strength) for strength in (0.62, 0.36, 0.18))]
    for name, ink in zip(shape.above, inks, strict=True):
        figure.add_bar(x=days, y=weeks[name].to_list(), name=name.capitalize(), marker_color=ink)
    away = (-weeks[shape.below]).to_list()
    figure.add_bar(x=days, y=away, name=shape.below.capitalize(), marker={"pattern": _hatch(colors)})
    names = (*shape.above, shape.below)
    texts = [
        "<br>".join(
            [
                f"Week of {_words.day(week['week'])}",
                *(f"{name.capitalize()}: <b>{_words.whole(week[name])}</b>" for name in names),
            ]
        )
        for week in weeks.iter_rows(named=True)
    ]
    figure.update_traces(hovertext=texts, hoverinfo="text", marker_line_width=0)
    return figure


@kept(16)
def _strips(since: date, is_dark: bool) -> go.Figure:
    """One strip a source, a stripe a day."""
    colors = DARK if is_dark else LIGHT
    days = _ask.read("coverage").filter(pl.col("day") >= since)
    sources = days.partition_by("platform", "source", maintain_order=True)
    figure = go.Figure(layout={"template": _template(colors), "height": 64 + 34 * len(sources)})
    names = []
    for row, mine in enumerate(sources):
        _draw_days(figure, mine, row, colors)
        _draw_missing(figure, mine.filter(~pl.col("is_covered"))["day"].to_list(), row, colors)
        name = f"{_words.platform(mine['platform'][0])} · {mine['source_name'][0]}"
        names.append(_safe.figure_text(name, 30))
    ticks = {"tickvals": list(range(len(sources))), "ticktext": names, "color": colors.ink}
    figure.update_yaxes(range=[len(sources) - 0.5, -0.5], showgrid=False, **ticks)
    figure.update_xaxes(tickformat="%b %Y", nticks=6)
    return _as_sent(figure)


def _draw_days(figure: go.Figure, days: pl.DataFrame, row: int, colors: Palette) -> None:
    """A day is as warm as its source's busiest day lets it be: a small source's rhythm shows too."""
    known = days.select(pl.when("is_covered").then("messages"))["messages"].to_list()
    most = max(count or 0 for count in known) or 1
    figure.add_heatmap(
        x=days["day"].to_list(),
        y=[row],
        z=[[None if count is None else (count / most) ** 0.5 for count in known]],
        zmin=0,
        zmax=1,
        ygap=8,
        colorscale=[[0, colors.faint], [1, colors.ember]],
        showscale=False,
        customdata=[known],
        hovertemplate="%{x|%-d %b %Y}: %{customdata:,} messages<extra></extra>",
    )


def _draw_missing(figure: go.Figure, days: list[date], row: int, colors: Palette) -> None:
    figure.add_bar(
        x=days,
        y=[0.64] * len(days),
        base=[row - 0.32] * len(days),
        width=DAY_LONG,
        marker={"pattern": _hatch(colors), "line": {"width": 0}},
        hovertemplate="%{x|%-d %b %Y}: no load covers this day<extra></extra>",
    )


def _hatch(colors: Palette) -> dict[str, Any]:
    return {"shape": "/", "size": 5, "solidity": 0.2, "fgcolor": colors.muted, "bgcolor": "rgba(0,0,0,0)"}


def _bands(weeks: pl.DataFrame, shape: Line) -> Iterator[tuple[list[date], list[float]]]:
    """The outline of each unbroken run of the band: it must not bridge a gap either."""
    if not shape.low:
        return
    run: list[tuple[date, float, float]] = []
    for week, low, high in [*weeks.select("week", shape.low, shape.high).iter_rows(), (None, None, None)]:
        if low is not None and high is not None:
            run.append((week, low, high))
        elif run:
            days = [week for week, _, _ in run]
            yield days + days[::-1], [low for _, low, _ in run] + [high for _, _, high in reversed(run)]
            run = []


def _hover(week: dict[str, Any], shape: Line) -> str:
    value = f"<b>{_reads(week, shape)}</b>"
    if shape.low and week[shape.low] is not None:
        value += f" ({week[shape.low] * 100:.0f}–{week[shape.high] * 100:.0f}\u00a0%)"
    of = _words.count(week[shape.of], shape.of.removesuffix("s"))
    return "<br>".join([f"Week of {_words.day(week['week'])}", value, of])


def _reads(row: dict[str, Any], shape: Line) -> str:
    value = row[shape.value]
    return _words.rate(value, row[shape.of]) if shape.unit == "share" else _words.wait(value)


def _scale(shape: Line) -> dict[str, Any]:
    if shape.unit == "hours":
        return {"ticksuffix": " h"}
    ticks = (0, 0.5, 1) if shape.is_split else (0, 0.25, 0.5, 0.75, 1)
    return {"tickvals": ticks, "ticktext": [_words.percent(tick) for tick in ticks]}


def _top(rows: pl.DataFrame, shape: Line) -> float:
    if shape.unit == "share":
        return 1.0
    highest = rows[shape.value].max()
    return 1.15 * max(float(highest) if isinstance(highest, int | float) else 1.0, shape.target or 0.0)


def _every_week(rows: pl.DataFrame, calendar: pl.Series | None = None) -> pl.DataFrame:
    """One row a week without holes: a week that has no row has no value."""
    weeks = rows.filter(pl.col("week").is_not_null())
    if calendar is None:
        calendar = weeks.select(pl.date_range(pl.col("week").min(), pl.col("week").max(), "1w"))["week"]
    return calendar.rename("week").to_frame().join(weeks, on="week", how="left", maintain_order="left")


def _paper(colors: Palette, weeks: pl.Series, height: int = HEIGHT) -> go.Figure:
    """An empty figure in the one style, its weeks named by their Monday."""
    figure = go.Figure(layout={"template": _template(colors), "height": height})
    first, last = weeks.min(), weeks.max()
    if isinstance(first, date) and isinstance(last, date):
        every = max(1, -(-len(weeks) // 5))
        half = timedelta(days=4)
        figure.update_xaxes(range=[first - half, last + half], tick0=last, dtick=every * WEEK_LONG)
    return figure


@cache
def _template(colors: Palette) -> go.layout.Template:
    axis = {"fixedrange": True, "zeroline": False, "showline": False, "ticks": "", "color": colors.muted}
    return go.layout.Template(
        layout={
            "font": {"family": "Source Sans, sans-serif", "size": 13, "color": colors.muted},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 78, "t": 12, "b": 28},
            "showlegend": False,
            "hoverlabel": {
                "bgcolor": colors.card,
                "bordercolor": colors.faint,
                "font": {"color": colors.ink},
            },
            "xaxis": {**axis, "showgrid": False, "type": "date", "tickformat": "%-d %b", "tickangle": 0},
            "yaxis": {**axis, "gridcolor": colors.faint, "gridwidth": 1, "nticks": 5, "automargin": True},
            "annotationdefaults": {"showarrow": False, "font": {"color": colors.ink}},
        }
    )


def _tint(color: str, strength: float) -> str:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{strength})"


def platform_color(platform: str) -> str:
    """A platform's own colour, the same on every page and every day."""
    return _PLATFORMS.get(platform) or _OTHERS[zlib.crc32(platform.encode()) % len(_OTHERS)]
