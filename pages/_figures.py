"""What a chart is made of: plain data in Plotly's own form, which costs a tenth of Plotly's objects.

Nothing is sent or drawn here. A value nobody knows is a gap, never a zero.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal

import polars as pl

from metrics import guard
from pages import _safe, _words

Figure = dict[str, Any]
HEIGHT = 270
DAY_LONG = 86_400_000  # milliseconds, as Plotly counts
WEEK_LONG = 7 * DAY_LONG
LEFT_ABOVE = {"xanchor": "left", "yanchor": "bottom"}


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


@dataclass(frozen=True)
class Line:
    """A value by week, its band, what it was counted of, a target, and the week whose value is written out.

    `split`: one line for each platform, below one another on the same scale.
    """

    value: str
    of: str
    unit: Literal["share", "hours", "points"]
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


def figure(rows: pl.DataFrame, shape: Shape, colors: Palette) -> Figure:
    """The chart of a metric's rows."""
    if isinstance(shape, Stack):
        return _stacked(rows, shape, colors)
    return _multiples(rows, shape, colors) if shape.is_split else _single(rows, shape, colors)


def _single(rows: pl.DataFrame, shape: Line, colors: Palette) -> Figure:
    weeks = _every_week(rows)
    strip = _Strip(weeks, shape, colors, colors.ember, _top(weeks, shape))
    notes = _week_notes(weeks, shape, colors.ember)
    layout = {"yaxis": strip.scale(), "annotations": notes}
    if shape.target is not None:
        layout["shapes"] = [_target_line(shape.target, colors)]
        notes.append(_target_note(shape.target, colors))
    return {"data": strip.traces(), "layout": _paper(colors, weeks["week"]) | layout}


def _multiples(rows: pl.DataFrame, shape: Line, colors: Palette) -> Figure:
    """One strip below the other, so that a phone can show them too."""
    whole = rows.filter(pl.col("week").is_null()).sort(shape.of, descending=True).head(6)
    calendar = _every_week(rows.select(pl.col("week").unique()))["week"]
    layout = _paper(colors, calendar, max(HEIGHT, 75 * len(whole)))
    data, titles = [], []
    height = 1 / max(len(whole), 1)
    for index, total in enumerate(whole.iter_rows(named=True)):
        name, axis = total["platform"], f"y{index + 1 if index else ''}"
        floor = 1 - (index + 1) * height
        domain = [floor + 0.1 * height, floor + 0.72 * height]
        weeks = _every_week(rows.filter(pl.col("platform") == name), calendar)
        strip = _Strip(weeks, shape, colors, platform_color(name), _top(rows, shape), axis)
        data += strip.traces()
        layout[f"yaxis{axis[1:]}"] = strip.scale() | {"domain": domain, "anchor": "x"}
        title = f"<b>{_safe.figure_text(_words.platform(name))}</b> {_reads(total, shape)}"
        titles.append({"text": title, "x": 0, "y": domain[1], "xref": "paper", "yref": "paper", **LEFT_ABOVE})
    layout["xaxis"]["anchor"] = f"y{len(whole)}" if len(whole) > 1 else "y"
    return {"data": data, "layout": layout | {"annotations": titles}}


@dataclass(frozen=True)
class _Strip:
    """One line and where it is drawn: its weeks, its ink, the top of its scale, and its axis."""

    weeks: pl.DataFrame
    shape: Line
    colors: Palette
    ink: str
    top: float
    axis: str = "y"

    def traces(self) -> list[Figure]:
        """The line over its band, and the weeks of which nothing is known hatched."""
        return [each | {"yaxis": self.axis} for each in (self._unknown(), *self._band(), self._line())]

    def scale(self) -> Figure:
        """The axis it stands on."""
        if self.shape.unit == "hours":
            return {"range": [0, self.top], "ticksuffix": " h"}
        if self.shape.unit == "points":
            return {"range": [-self.top, self.top], "zeroline": True, "zerolinecolor": self.colors.muted}
        ticks = (0, 0.5, 1) if self.shape.is_split else (0, 0.25, 0.5, 0.75, 1)
        return {"range": [0, self.top], "tickvals": ticks, "ticktext": [_words.percent(tick) for tick in ticks]}

    def _unknown(self) -> Figure:
        """A week without asks is an empty place; one that the loads do not cover is hatched."""
        rows = self.weeks.filter(pl.col(self.shape.value).is_null() & (pl.col(self.shape.of) != 0))
        floor = -self.top if self.shape.unit == "points" else 0
        return {
            "type": "bar",
            "x": _days(rows["week"]),
            "y": [self.top - floor] * len(rows),
            "base": floor,
            "width": 6 * DAY_LONG,
            "marker": {"pattern": _hatch(self.colors), "line": {"width": 0}},
            "hoverinfo": "text",
            "hovertext": [f"Week of {_words.day(week)}<br>{self._why()}" for week in rows["week"]],
        }

    def _why(self) -> str:
        """Why nothing is drawn: a median may also lie beyond what has been seen."""
        uncovered = "too few of its days are covered"
        return uncovered if self.shape.unit == "share" else f"fewer than half are answered yet, or {uncovered}"

    def _band(self) -> Iterator[Figure]:
        for days, edge in _bands(self.weeks, self.shape):
            yield {
                "type": "scatter",
                "x": days,
                "y": edge,
                "fill": "toself",
                "fillcolor": _tint(self.ink, 0.15),
                "mode": "none",
                "hoverinfo": "skip",
            }

    def _line(self) -> Figure:
        """Points that stand on few things are hollow."""
        weeks, shape = self.weeks, self.shape
        few = guard.FEW_WORDS if shape.unit == "points" else _words.FEW
        fills = [self.colors.card if (of or 0) < few else self.ink for of in weeks[shape.of]]
        return {
            "type": "scatter",
            "x": _days(weeks["week"]),
            "y": weeks[shape.value].to_list(),
            "mode": "lines+markers",
            "line": {"color": self.ink, "width": 2},
            "marker": {"size": 5, "color": fills, "line": {"color": self.ink, "width": 1.5}},
            "hoverinfo": "text",
            "hovertext": [_hover(week, shape) for week in weeks.iter_rows(named=True)],
            "cliponaxis": False,
        }


def _week_notes(weeks: pl.DataFrame, shape: Line, ink: str) -> list[Figure]:
    """The chosen week's value, written beside the line's end or above its point."""
    notes = []
    for row in weeks.filter((pl.col("week") == shape.week) & pl.col(shape.value).is_not_null()).iter_rows(named=True):
        is_last = row["week"] == weeks["week"].max()
        place = {"xanchor": "left", "xshift": 8} if is_last else {"yanchor": "bottom", "yshift": 8}
        text, font = f"<b>{_reads(row, shape)}</b>", {"color": ink, "size": 14}
        notes.append({"text": text, "font": font, "x": row["week"].isoformat(), "y": row[shape.value], **place})
    return notes


def _target_line(target: float, colors: Palette) -> Figure:
    """A dashed line in ink across the whole chart."""
    ends = {"x0": 0, "x1": 1, "xref": "x domain", "y0": target, "y1": target, "yref": "y"}
    return {"type": "line", **ends, "line": {"dash": "dash", "color": colors.ink, "width": 1}}


def _target_note(target: float, colors: Palette) -> Figure:
    """The target's value, at the end of its line."""
    place = {"x": 1, "xref": "x domain", "xanchor": "right", "y": target, "yref": "y", "yanchor": "bottom"}
    return {"text": f"target {_words.wait(target)}", "font": {"color": colors.ink}, **place}


def _stacked(rows: pl.DataFrame, shape: Stack, colors: Palette) -> Figure:
    weeks = _every_week(rows)
    days = _days(weeks["week"])
    inks = [colors.ember, *(_tint(colors.ink, strength) for strength in (0.62, 0.36, 0.18))]
    bars = [
        {"y": weeks[name].to_list(), "name": name.capitalize(), "marker": {"color": ink, "line": {"width": 0}}}
        for name, ink in zip(shape.above, inks, strict=True)
    ]
    away = {"pattern": _hatch(colors), "line": {"width": 0}}
    bars.append({"y": (-weeks[shape.below]).to_list(), "name": shape.below.capitalize(), "marker": away})
    texts = [_told(week, (*shape.above, shape.below)) for week in weeks.iter_rows(named=True)]
    shared = {"type": "bar", "x": days, "hovertext": texts, "hoverinfo": "text"}
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    layout = {"barmode": "relative", "bargap": 0.25, "showlegend": True, "legend": legend}
    return {"data": [each | shared for each in bars], "layout": _paper(colors, weeks["week"]) | layout}


def _told(week: dict[str, Any], names: tuple[str, ...]) -> str:
    counts = (f"{name.capitalize()}: <b>{_words.whole(week[name])}</b>" for name in names)
    return "<br>".join([f"Week of {_words.day(week['week'])}", *counts])


def strips(days: pl.DataFrame, colors: Palette) -> Figure:
    """One strip a source, a stripe a day; days that no load covers are hatched."""
    sources = days.partition_by("platform", "source", maintain_order=True)
    data, names = [], []
    for row, mine in enumerate(sources):
        missing = _days(mine.filter(~pl.col("is_covered"))["day"])
        data += [_warmth(mine, row, colors), _missing(missing, row, colors)]
        name = f"{_words.platform(mine['platform'][0])} · {mine['source_name'][0]}"
        names.append(_safe.figure_text(name, 30))
    rows = {"range": [len(sources) - 0.5, -0.5], "showgrid": False, "color": colors.ink}
    layout = {
        "template": _template(colors),
        "height": 64 + 34 * len(sources),
        "xaxis": {"tickformat": "%b %Y", "nticks": 6},
        "yaxis": rows | {"tickvals": list(range(len(sources))), "ticktext": names},
    }
    return {"data": data, "layout": layout}


def _warmth(days: pl.DataFrame, row: int, colors: Palette) -> Figure:
    """A day is as warm as its source's busiest day lets it be: a small source's rhythm shows too."""
    known = days.select(pl.when("is_covered").then("messages"))["messages"].to_list()
    most = max(count or 0 for count in known) or 1
    return {
        "type": "heatmap",
        "x": _days(days["day"]),
        "y": [row],
        "z": [[None if count is None else (count / most) ** 0.5 for count in known]],
        "zmin": 0,
        "zmax": 1,
        "ygap": 8,
        "colorscale": [[0, colors.faint], [1, colors.ember]],
        "showscale": False,
        "customdata": [known],
        "hovertemplate": "%{x|%-d %b %Y}: %{customdata:,} messages<extra></extra>",
    }


def _missing(days: list[str], row: int, colors: Palette) -> Figure:
    return {
        "type": "bar",
        "x": days,
        "y": [0.64] * len(days),
        "base": [row - 0.32] * len(days),
        "width": DAY_LONG,
        "marker": {"pattern": _hatch(colors), "line": {"width": 0}},
        "hovertemplate": "%{x|%-d %b %Y}: no load covers this day<extra></extra>",
    }


def _hatch(colors: Palette) -> Figure:
    return {"shape": "/", "size": 5, "solidity": 0.2, "fgcolor": colors.muted, "bgcolor": "rgba(0,0,0,0)"}


def _bands(weeks: pl.DataFrame, shape: Line) -> Iterator[tuple[list[str], list[float]]]:
    """The outline of each unbroken run of the band: it must not bridge a gap either."""
    if not shape.low:
        return
    run: list[tuple[str, float, float]] = []
    for week, low, high in [*weeks.select("week", shape.low, shape.high).iter_rows(), (None, None, None)]:
        if low is not None and high is not None:
            run.append((week.isoformat(), low, high))
        elif run:
            days = [week for week, _, _ in run]
            yield days + days[::-1], [low for _, low, _ in run] + [high for _, _, high in reversed(run)]
            run = []


def _hover(week: dict[str, Any], shape: Line) -> str:
    value = f"<b>{_reads(week, shape)}</b>"
    if shape.unit == "points":
        value += f" ({_words.net_range(week)})"
    elif shape.low and week[shape.low] is not None:
        value += f" ({week[shape.low] * 100:.0f}–{week[shape.high] * 100:.0f}\u00a0%)"
    of = _words.count(week[shape.of], shape.of.removesuffix("s"))
    return "<br>".join([f"Week of {_words.day(week['week'])}", value, of])


def _reads(row: dict[str, Any], shape: Line) -> str:
    value = row[shape.value]
    if shape.unit == "points":
        return _words.net(row)
    return _words.rate(value, row[shape.of]) if shape.unit == "share" else _words.wait(value)


def _top(rows: pl.DataFrame, shape: Line) -> float:
    if shape.unit == "share":
        return 1.0
    if shape.unit == "points":
        ends = [abs(value) for value in (*rows[shape.low], *rows[shape.high]) if value is not None]
        return min(100.0, 10 * -(-max(ends, default=20.0) // 10))
    highest = rows[shape.value].max()
    return 1.15 * max(float(highest) if isinstance(highest, int | float) else 1.0, shape.target or 0.0)


def _every_week(rows: pl.DataFrame, calendar: pl.Series | None = None) -> pl.DataFrame:
    """One row a week without holes: a week that has no row has no value."""
    weeks = rows.filter(pl.col("week").is_not_null())
    if calendar is None:
        calendar = weeks.select(pl.date_range(pl.col("week").min(), pl.col("week").max(), "1w"))["week"]
    return calendar.rename("week").to_frame().join(weeks, on="week", how="left", maintain_order="left")


def _days(days: pl.Series) -> list[str]:
    return [day.isoformat() for day in days]


def _paper(colors: Palette, weeks: pl.Series, height: int = HEIGHT) -> Figure:
    """The layout of a figure in the one style, its weeks named by their Monday."""
    layout: Figure = {"template": _template(colors), "height": height, "xaxis": {}}
    first, last = weeks.min(), weeks.max()
    if isinstance(first, date) and isinstance(last, date):
        every = max(1, -(-len(weeks) // 5))
        half = timedelta(days=4)
        reach = [(first - half).isoformat(), (last + half).isoformat()]
        layout["xaxis"] = {"range": reach, "tick0": first.isoformat(), "dtick": every * WEEK_LONG}
    return layout


@cache
def _template(colors: Palette) -> Figure:
    axis = {"fixedrange": True, "zeroline": False, "showline": False, "ticks": "", "color": colors.muted}
    return {
        "layout": {
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
    }


def _tint(color: str, strength: float) -> str:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{strength})"


def platform_color(platform: str) -> str:
    """A platform's own colour, the same on every page and every day."""
    return _PLATFORMS.get(platform) or _OTHERS[zlib.crc32(platform.encode()) % len(_OTHERS)]
