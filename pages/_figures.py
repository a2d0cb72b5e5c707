"""What a chart is made of: plain data in Plotly's own form, which costs a tenth of Plotly's objects.

Nothing is sent or drawn here. A value nobody knows is a gap, never a zero.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import count
from math import log10
from operator import itemgetter
from typing import Any, Literal

import polars as pl

from metrics import guard
from metrics.metric import Answer
from pages import _safe, _words

Figure = dict[str, Any]
HEIGHT = 270
KNOTS = 24
"""So many people stand round a ring: more names would touch on a phone."""
SMALL = 64
DAY_LONG = 86_400_000  # milliseconds, as Plotly counts
SHORT = 62
"""Days: a time shorter than that is told by its days, not its months."""
WEEK_LONG = 7 * DAY_LONG
LEFT_ABOVE = {"xanchor": "left", "yanchor": "bottom"}
BESIDE = {"xanchor": "left", "yanchor": "middle", "xshift": 8}
MARGINS = {"l": 8, "r": 8, "t": 12, "b": 28}
"""Of a chart that names nothing at the end of its lines."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNCOVERED = "too few of its days are covered"
NOT_REACHED = f"fewer than half are answered yet, or {UNCOVERED}"
QUARTERS = (0, 0.25, 0.5, 0.75, 1)
SHARES: Figure = {"range": [0, 1], "tickvals": QUARTERS, "ticktext": [_words.percent(tick) for tick in QUARTERS]}
"""The axis of a share."""


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

    `noun`: what it was counted of, in the singular, where the column's name does not say it.
    `is_split`: one line for each platform, below one another on the same scale. `ends`: the platforms of which a source
    ended, and on which day: a fall after it need be none.
    """

    value: str
    of: str
    unit: Literal["share", "hours", "points"]
    low: str = ""
    high: str = ""
    target: float | None = None
    week: date | None = None
    is_split: bool = False
    noun: str = ""
    ends: tuple[tuple[str, date], ...] = ()


@dataclass(frozen=True)
class Stack:
    """Counts by week that add up, and, where `below` names it, one that is drawn below the line."""

    above: tuple[str, ...]
    below: str = ""


@dataclass(frozen=True)
class Lines:
    """Up to three values by week that belong together, each called by its name where its line ends."""

    values: tuple[tuple[str, str], ...]  # a column, and its name
    of: str
    unit: Literal["share", "hours", "count"]
    noun: str = ""


@dataclass(frozen=True)
class Curve:
    """The share answered within each of some hours, over its band; and the same in the period before."""

    before: Answer | None


@dataclass(frozen=True)
class Clock:
    """The hours of the week: when people ask, over when the team is there."""

    hours: float  # what the rows' share is answered within


@dataclass(frozen=True)
class Triangle:
    """A month's newcomers a row, and how many of them were there in each month after."""


@dataclass(frozen=True)
class Step:
    """A bar of a funnel: what it counts, how many, of how many, and whether it is on the way that is looked at."""

    name: str
    count: int
    of: int | None = None
    is_way: bool = True

    @property
    def told(self) -> str:
        """In words: "406", "307 of 406, 76 %", "3 of 12"."""
        if self.of is None:
            return _words.whole(self.count)
        share = f", {_words.percent(self.count / self.of)}" if self.of >= _words.FEW else ""
        return f"{_words.whole(self.count)} of {_words.whole(self.of)}{share}"


@dataclass(frozen=True)
class Steps:
    """Bars below one another, each a part of one above it."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Web:
    """Who talks with whom: people round a ring, each pair a line that is the wider the more days they talked."""


@dataclass(frozen=True)
class Trail:
    """The weeks that led to a number, for a line so small that it has no axes: on a card, or on paper (_sheet.py).

    lows, highs: the band, None where there is none. floor, top: the ends of its scale. told: what each week's point
    says. target: where one is set, and how it reads. cuts: where a source ended, in weeks from the first.
    """

    weeks: tuple[date, ...]
    values: tuple[float | None, ...]
    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]
    floor: float
    top: float
    told: tuple[str, ...]
    target: float | None = None
    target_told: str = ""
    cuts: tuple[float, ...] = ()

    def runs(self) -> list[list[int]]:
        """The places of weeks that are known, run by run: neither a line nor a band may bridge a gap."""
        found: list[list[int]] = [[]]
        for place, value in enumerate(self.values):
            if value is not None:
                found[-1].append(place)
            elif found[-1]:
                found.append([])
        return [run for run in found if run]

    def dots(self) -> set[int]:
        """The places that need a point: the newest, if it is known, and those that no line reaches."""
        runs = self.runs()
        return {run[0] for run in runs if len(run) == 1} | {len(self.values) - 1} & {run[-1] for run in runs}

    def banded(self, run: list[int]) -> list[tuple[int, float, float]]:
        """The places of a run that have a band, with its ends within the scale."""
        ends = ((place, self.lows[place], self.highs[place]) for place in run)
        return [
            (place, max(low, self.floor), min(high, self.top))
            for place, low, high in ends
            if low is not None and high is not None
        ]


Shape = Line | Lines | Stack | Curve | Clock | Triangle | Steps | Web
SUMS = {
    "staff messages": pl.col("conversation") + pl.col("broadcast"),
    "staff turns": (pl.col("people") * pl.col("replies")).round().cast(pl.Int64),
}
"""What a metric's rows tell without saying it."""


def counted(rows: pl.DataFrame, of: str) -> pl.DataFrame:
    """The rows, with the column that says what they were counted of."""
    return rows.with_columns(SUMS[of].alias(of)) if of in SUMS else rows


def figure(rows: pl.DataFrame, shape: Shape, colors: Palette) -> Figure:
    """The chart of a metric's rows."""
    if isinstance(shape, Line):
        rows = counted(rows, shape.of)
        return _multiples(rows, shape, colors) if shape.is_split else _single(rows, shape, colors)
    return _DRAWN[type(shape)](rows, shape, colors)


def is_empty(rows: pl.DataFrame, shape: Shape) -> bool:
    """Whether there is nothing to draw yet."""
    if isinstance(shape, Steps):
        return not shape.steps
    if isinstance(shape, Line | Lines):
        return not any(counted(rows, shape.of).filter(pl.col("week").is_not_null())[shape.of])
    if isinstance(shape, Triangle):
        return not any(rows["month"])
    return not any(rows["week"]) if isinstance(shape, Stack) else rows.is_empty()


# By week ----------------------------------------------------------------------------------------


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
    """One strip below the other, so that a phone can show them too; none where there is nothing in all these weeks."""
    whole = rows.filter(pl.col("week").is_null(), pl.col(shape.of) > 0).sort(shape.of, descending=True).head(6)
    calendar = _every_week(rows.select(pl.col("week").unique()))["week"]
    layout = _paper(colors, calendar, max(HEIGHT, 75 * len(whole)))
    data, titles, cuts, monday = [], [], list[Figure](), min(calendar, default=date.max)
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
        ends = [day for of, day in shape.ends if of == name and day >= monday]
        cuts += [_dotted(monday, cut(monday, day), f"{axis} domain", colors) for day in ends]
    layout["xaxis"]["anchor"] = f"y{len(whole)}" if len(whole) > 1 else "y"
    return {"data": data, "layout": layout | {"annotations": titles, "shapes": cuts}}


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
        return SHARES | ({"tickvals": (0, 0.5, 1), "ticktext": SHARES["ticktext"][::2]} if self.shape.is_split else {})

    def _unknown(self) -> Figure:
        """A week without asks is an empty place; one that the loads do not cover is hatched."""
        rows = self.weeks.filter(pl.col(self.shape.value).is_null() & (pl.col(self.shape.of) != 0))
        floor = -self.top if self.shape.unit == "points" else 0
        return _hatched(rows["week"], floor, self.top, self._why(), self.colors)

    def _why(self) -> str:
        """Why nothing is drawn: a median may also lie beyond what has been seen."""
        return NOT_REACHED if self.shape.unit == "hours" else UNCOVERED

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
        told = [_hover(week, shape) for week in weeks.iter_rows(named=True)]
        return _marked(_days(weeks["week"]), weeks[shape.value].to_list(), self.ink, fills) | {"hovertext": told}


def _hatched(weeks: pl.Series, floor: float, top: float, why: str, colors: Palette) -> Figure:
    """Weeks of which nothing is known."""
    return {
        "type": "bar",
        "x": _days(weeks),
        "y": [top - floor] * len(weeks),
        "base": floor,
        "width": 6 * DAY_LONG,
        "marker": {"pattern": _hatch(colors), "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": [f"Week of {_words.day(week)}<br>{why}" for week in weeks],
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
        for name, ink in zip(shape.above, inks, strict=False)
    ]
    if shape.below:
        away = {"pattern": _hatch(colors), "line": {"width": 0}}
        bars.append({"y": (-weeks[shape.below]).to_list(), "name": shape.below.capitalize(), "marker": away})
    told = (*shape.above, *filter(None, [shape.below]))
    texts = [_told(week, told) for week in weeks.iter_rows(named=True)]
    # Left to itself a lone week is drawn a millisecond wide.
    shared = {"type": "bar", "x": days, "width": 5.25 * DAY_LONG, "hovertext": texts, "hoverinfo": "text"}
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    layout = {"barmode": "relative", "showlegend": len(told) > 1, "legend": legend}
    layout |= {"yaxis": _both_ways(weeks, shape), "margin": MARGINS}
    return {"data": [each | shared for each in bars], "layout": _paper(colors, weeks["week"]) | layout}


def _both_ways(weeks: pl.DataFrame, shape: Stack) -> Figure:
    """An axis that counts up from the line and down from it: what is below it is no less than nothing."""
    up = max((sum(filter(None, week)) for week in weeks.select(shape.above).iter_rows()), default=0) or 1
    down = max((gone or 0 for gone in weeks[shape.below]), default=0) if shape.below else 0
    step = next(size for size in _steps_of_counts() if (up + down) / size <= 7)
    ticks = list(range(-(down // step) * step, up + step, step))
    return {"tickvals": ticks, "ticktext": [_words.whole(abs(tick)) for tick in ticks]}


def _steps_of_counts() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50 and on."""
    return (size * 10**power for power in count() for size in (1, 2, 5))


def _together(rows: pl.DataFrame, shape: Lines, colors: Palette) -> Figure:
    """Lines on one scale; waits on one of doubling steps, since the longest are a hundred times the shortest."""
    weeks = _every_week(rows)
    columns = [column for column, _ in shape.values]
    unknown = weeks.filter(pl.col(shape.of).ne_missing(0), *(pl.col(column).is_null() for column in columns))
    inks = (colors.ember, colors.ink, colors.muted)
    scale = _scale([value for column in columns for value in weeks[column] if value is not None], shape)
    texts = [_named(week, shape) for week in weeks.iter_rows(named=True)]
    why = NOT_REACHED if shape.unit == "hours" else UNCOVERED
    data = [_hatched(unknown["week"], 0, 1, why, colors) | {"yaxis": "y2"}]
    days = _days(weeks["week"])
    is_few = [shape.unit != "count" and (of or 0) < _words.FEW for of in weeks[shape.of]]
    for column, ink in zip(columns, inks, strict=False):
        fills = [colors.card if few else ink for few in is_few]
        data.append(_marked(days, weeks[column].to_list(), ink, fills) | {"hovertext": texts})
    unseen = {"range": [0, 1], "overlaying": "y", "visible": False, "fixedrange": True}
    axes = {"yaxis": scale, "yaxis2": unseen, "annotations": _end_names(weeks, shape, inks, scale)}
    return {"data": data, "layout": _paper(colors, weeks["week"]) | axes}


def _scale(values: list[float], shape: Lines) -> Figure:
    if shape.unit == "share":
        return SHARES
    if shape.unit == "count":
        return {"range": [0, 1.1 * max([*values, 1])]}
    ticks = (1 / 60, 0.25, 1, 4, 24, 72, 168, 672, 2016)
    known = [max(value, 1 / 60) for value in values] or [1, 24]
    ends = [log10(0.7 * min(known)), log10(1.4 * max(known))]
    return {"type": "log", "range": ends, "tickvals": ticks, "ticktext": [_words.wait(tick) for tick in ticks]}


def _named(week: dict[str, Any], shape: Lines) -> str:
    """What a week's point says."""
    told = (f"{name}: <b>{_value(week[column], week[shape.of], shape)}</b>" for column, name in shape.values)
    return "<br>".join([f"Week of {_words.day(week['week'])}", *told, _counted(week, shape)])


def _value(value: float | None, of: int | None, shape: Lines) -> str:
    if shape.unit == "share":
        return _words.rate(value, of)
    if shape.unit == "count":
        return _words.whole(None if value is None else int(value))
    return _words.wait(value, "not reached" if of else _words.UNKNOWN)


def _end_names(weeks: pl.DataFrame, shape: Lines, inks: tuple[str, ...], scale: Figure) -> list[Figure]:
    """Each line's name where it ends, moved up from the one below it where they would touch."""
    low, high = scale["range"]
    ends = []
    for (column, name), ink in zip(shape.values, inks, strict=False):
        last = weeks.filter(pl.col(column).is_not_null()).tail(1)
        if len(last):
            value = last[column][0]
            place = (log10(max(value, 1 / 60)) if shape.unit == "hours" else value) - low
            ends.append((place / (high - low), last["week"][0], name, ink))
    notes, floor = [], 0.0
    for place, week, name, ink in sorted(ends, key=itemgetter(0)):
        floor = max(place, floor)
        where = {"x": week.isoformat(), "y": floor, "yref": "y domain"}
        notes.append({"text": name, "font": {"color": ink}, **where, **BESIDE})
        floor += 0.08
    return notes


def _told(week: dict[str, Any], names: tuple[str, ...]) -> str:
    counts = (f"{name.capitalize()}: <b>{_words.whole(week[name])}</b>" for name in names)
    return "<br>".join([f"Week of {_words.day(week['week'])}", *counts])


# On a card --------------------------------------------------------------------------------------


def small(trail: Trail, colors: Palette) -> Figure:
    """A trail of weeks over its band, its last point filled; the target dashed, with its value at the end."""
    days = [week.isoformat() for week in trail.weeks]
    data = [_ribbon(trail.banded(run), days, colors) for run in trail.runs()]
    dots = trail.dots()
    line = _marked(days, list(trail.values), colors.ember, colors.ember)
    sizes = [7 if place in dots else 0 for place in range(len(days))]
    line |= {"marker": {"size": sizes, "color": colors.ember}, "hovertext": list(trail.told)}
    room = 0.08 * (trail.top - trail.floor)
    layout: Figure = {"template": _template(colors), "height": SMALL, "margin": {"l": 4, "r": 6, "t": 4, "b": 2}}
    layout["xaxis"] = {"visible": False, "fixedrange": True, "range": [days[0], days[-1]]} if days else {}
    layout["yaxis"] = {"visible": False, "fixedrange": True, "range": [trail.floor - room, trail.top + room]}
    layout["shapes"] = [*_unknown_weeks(trail, colors), *_cut_lines(trail, colors)]
    if trail.target is not None:
        note = {"text": trail.target_told, "font": {"color": colors.ink, "size": 11}, "x": 0, "xref": "x domain"}
        note |= {"xanchor": "left", "y": trail.target, "yref": "y", "yanchor": "bottom", "yshift": -2}
        layout |= {"shapes": [*layout["shapes"], _target_line(trail.target, colors)], "annotations": [note]}
    return {"data": [*data, line], "layout": layout}


def _unknown_weeks(trail: Trail, colors: Palette) -> list[Figure]:
    """A grey stripe behind each week of which nothing is known."""
    stripe = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": {"width": 0}}
    return [
        stripe
        | {"x0": f"{week - timedelta(days=4)}T12:00", "x1": f"{week + timedelta(days=3)}T12:00"}
        | {"fillcolor": colors.faint}
        for week, value in zip(trail.weeks, trail.values, strict=True)
        if value is None
    ]


def _cut_lines(trail: Trail, colors: Palette) -> list[Figure]:
    """A dotted line where a source ended: what falls there may only have ceased to be told."""
    return [_dotted(trail.weeks[0], cut, "paper", colors) for cut in trail.cuts]


def cut(first: date, day: date) -> float:
    """Where a source ended among the weeks from `first` on, in weeks: a week's point stands for its middle."""
    return ((day - first).days + 1) / 7 - 0.5


def _dotted(first: date, weeks: float, across: str, colors: Palette) -> Figure:
    """A dotted line so many weeks after the first, over the whole height of what is named."""
    moment = (datetime.combine(first, time()) + timedelta(weeks=weeks)).isoformat(timespec="minutes")
    where = {"xref": "x", "x0": moment, "x1": moment, "yref": across, "y0": 0, "y1": 1}
    return {"type": "line", **where, "line": {"color": colors.muted, "width": 1.5, "dash": "dot"}}


def _ribbon(ends: list[tuple[int, float, float]], days: list[str], colors: Palette) -> Figure:
    """A band's outline, there and back."""
    return {
        "type": "scatter",
        "x": [days[place] for place, _, _ in [*ends, *reversed(ends)]],
        "y": [*(low for _, low, _ in ends), *(high for _, _, high in reversed(ends))],
        "fill": "toself",
        "fillcolor": _tint(colors.ember, 0.15),
        "mode": "none",
        "hoverinfo": "skip",
    }


# By hour, by month, by step ---------------------------------------------------------------------


def _curve(rows: pl.DataFrame, shape: Curve, colors: Palette) -> Figure:
    """The period in ember, over the one before it in grey."""
    hours = rows["hours"].unique().sort().to_list()
    data: list[Figure] = []
    notes: list[Figure] = []
    drawn = [] if shape.before is None else [(shape.before.rows, colors.muted, "before")]
    for answer, ink, name in (*drawn, (rows, colors.ember, "<b>this period</b>")):
        whole = answer.filter(pl.col("week").is_null() & pl.col("share").is_not_null()).sort("hours")
        places = [hours.index(each) for each in whole["hours"]]
        data += _curve_of(whole, places, ink)
        for place, share in zip(places[-1:], whole["share"].tail(1), strict=True):
            notes.append({"text": name, "font": {"color": ink}, "x": place, "y": share, "xanchor": "right"})
    sides = [{"yanchor": "top", "yshift": -10}, {"yanchor": "bottom", "yshift": 10}]
    notes.sort(key=lambda note: float(note["y"]))  # each on its own side of the other
    notes = [note | side for note, side in zip(notes, sides[-len(notes) :], strict=False)]
    ticks = {"tickvals": list(range(len(hours))), "ticktext": [_words.wait(each) for each in hours]}
    layout = _paper(colors, pl.Series()) | {"annotations": notes, "yaxis": SHARES}
    layout["xaxis"] = {"type": "linear", "range": [-0.3, len(hours) - 0.7], **ticks}
    return {"data": data, "layout": layout | {"margin": MARGINS}}


def _curve_of(whole: pl.DataFrame, places: list[int], ink: str) -> Iterator[Figure]:
    """A line over its band."""
    shape = Line("share", "asks", "share", "low", "high")
    band = {"y": [*whole["low"], *reversed(whole["high"])], "fill": "toself", "fillcolor": _tint(ink, 0.15)}
    yield {"type": "scatter", "x": places + places[::-1], **band, "mode": "none", "hoverinfo": "skip"}
    yield _marked(places, whole["share"].to_list(), ink, ink) | {
        "hovertext": [
            f"Within {_words.wait(row['hours'])}: {_sure(row, shape)}<br>{_counted(row, shape)}"
            for row in whole.iter_rows(named=True)
        ]
    }


def _marked(across: list[Any], up: list[Any], ink: str, fills: str | list[str]) -> Figure:
    """A line with a point for each value, hollow where it stands on few."""
    return {
        "type": "scatter",
        "x": across,
        "y": up,
        "mode": "lines+markers",
        "line": {"color": ink, "width": 2},
        "marker": {"size": 5, "color": fills, "line": {"color": ink, "width": 1.5}},
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _clock(rows: pl.DataFrame, shape: Clock, colors: Palette) -> Figure:
    """Asks above, the team below. A ring: people asked in that hour, and nobody of the team was ever there."""
    week = rows.sort("weekday", "hour")
    told = _grid([_hour_told(row, shape) for row in week.iter_rows(named=True)])
    alone = week.filter((pl.col("asks") > 0) & (pl.col("staff") == 0))
    rings = {
        "type": "scatter",
        "x": alone["hour"].to_list(),
        "y": (alone["weekday"] - 1).to_list(),
        "yaxis": "y2",
        "mode": "markers",
        "marker": {"symbol": "circle-open", "size": 6, "color": colors.ember, "line": {"width": 1.5}},
        "hoverinfo": "skip",
    }
    asks, team = (
        _heat(_grid(week[column].to_list()), told, ink, colors)
        for column, ink in (("asks", colors.ember), ("staff", colors.ink))
    )
    titles = [
        {"text": f"<b>{text}</b>", "x": 0, "y": top, "xref": "paper", "yref": "paper", **LEFT_ABOVE}
        for text, top in (("Asks", 0.93), ("People of the team who spoke", 0.42))
    ]
    days = {"range": [6.5, -0.5], "tickvals": list(range(7)), "ticktext": [day[:3] for day in DAYS], "showgrid": False}
    layout = _paper(colors, pl.Series(), 380) | {"annotations": titles, "margin": MARGINS}
    hours = (0, 6, 12, 18, 23)
    layout["xaxis"] = {"type": "linear", "range": [-0.5, 23.5], "anchor": "y2", "tickvals": hours}
    layout["xaxis"]["ticktext"] = [f"{hour}:00" for hour in hours]
    layout |= {"yaxis": days | {"domain": [0.52, 0.93]}, "yaxis2": days | {"domain": [0, 0.41]}}
    return {"data": [asks, team | {"yaxis": "y2"}, rings], "layout": layout}


def _grid(values: list[Any]) -> list[list[Any]]:
    """A week's hours as seven rows."""
    return [values[first : first + 24] for first in range(0, 168, 24)]


def _heat(values: list[list[Any]], told: list[list[str]], ink: str, colors: Palette) -> Figure:
    """Cells that are the fuller of ink the more they hold, from 0."""
    return {
        "type": "heatmap",
        "z": values,
        "zmin": 0,
        "zmax": max([value for row in values for value in row if value is not None], default=1) or 1,
        "xgap": 1,
        "ygap": 1,
        "colorscale": [[0, colors.faint], [1, ink]],
        "showscale": False,
        "hovertext": told,
        "hoverinfo": "text",
        "hoverongaps": False,
    }


def _hour_told(row: dict[str, Any], shape: Clock) -> str:
    """What an hour of the week says."""
    asked = _words.count(row["asks"], "ask")
    if row["asks"]:
        asked += f", {_words.rate(row['share'], row['asks'])} answered within {_words.wait(shape.hours)}"
    team = "nobody" if row["staff"] == 0 else _words.count(row["staff"], "person", "people")
    return f"{DAYS[row['weekday'] - 1]}, {row['hour']}:00–{row['hour'] + 1}:00<br>{asked}<br>{team} of the team spoke"


def _triangle(rows: pl.DataFrame, _: Triangle, colors: Palette) -> Figure:
    """A row for each month's newcomers; what is not over is left out, what the loads do not cover is hatched."""
    cohorts = rows.filter(pl.col("month") > 0)["cohort"].unique().sort().to_list()
    months = list(range(1, rows.select(pl.col("month").max()).item() + 1))
    found = {(row["cohort"], row["month"]): row for row in rows.iter_rows(named=True)}
    cells = [[found.get((cohort, month)) for month in months] for cohort in cohorts]
    shares = [[cell and cell["share"] for cell in row] for row in cells]
    heat = _heat(shares, [[_cohort_told(cell) for cell in row] for row in cells], colors.ember, colors)
    heat |= {"x": months, "text": [[_cohort_share(cell) for cell in row] for row in cells], "texttemplate": "%{text}"}
    heat |= {"colorscale": [[0, colors.faint], [1, _tint(colors.ember, 0.6)]], "textfont": {"color": colors.ink}}
    sizes = dict(rows.group_by("cohort").agg(pl.col("members").max()).iter_rows())  # a source that ended leaves fewer
    names = [f"{cohort:%b %Y} · {_words.whole(sizes[cohort])} " for cohort in cohorts]
    down = {"range": [len(cohorts) - 0.5, -0.5], "tickvals": list(range(len(cohorts))), "ticktext": names}
    layout = _paper(colors, pl.Series(), 60 + 32 * len(cohorts)) | {"yaxis": down | {"showgrid": False}}
    layout["xaxis"] = {
        "type": "linear",
        "side": "top",
        "tickvals": months,
        "range": [0.5, len(months) + 0.5],
    }
    return {"data": [heat, _uncovered(cells, colors)], "layout": layout | {"margin": MARGINS | {"t": 28}}}


def _uncovered(cells: list[list[dict[str, Any] | None]], colors: Palette) -> Figure:
    """The cells of months that the loads do not cover."""
    places = [
        (month, row)
        for row, months in enumerate(cells)
        for month, cell in enumerate(months, 1)
        if cell and cell["share"] is None
    ]
    return {
        "type": "bar",
        "x": [month for month, _ in places],
        "y": [0.9] * len(places),
        "base": [row - 0.45 for _, row in places],
        "width": 0.94,
        "marker": {"pattern": _hatch(colors), "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": f"not known: {UNCOVERED}",
    }


def _cohort_share(cell: dict[str, Any] | None) -> str:
    return "" if cell is None or cell["share"] is None else _words.rate(cell["share"], cell["members"])


def _cohort_told(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return ""
    of = f"of {_words.count(cell['members'], 'member')} first seen in {cell['cohort']:%B %Y}"
    return f"<b>{_cohort_share(cell)}</b> {of}<br>posted {_words.count(cell['month'], 'month')} later"


def _steps(_: pl.DataFrame, shape: Steps, colors: Palette) -> Figure:
    """Each bar with its name above it, so that a phone has room for both."""
    inks = [colors.ember if step.is_way else _tint(colors.ink, 0.36) for step in shape.steps]
    counts = [step.count for step in shape.steps]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": counts,
        "y": list(range(len(inks))),
        "width": 0.36,
        "marker": {"color": inks, "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": [f"{step.name}<br><b>{step.told}</b>" for step in shape.steps],
    }
    names = [
        {"text": f"{step.name} <b>{step.told}</b>", "x": 0, "y": row - 0.2, **LEFT_ABOVE}
        for row, step in enumerate(shape.steps)
    ]
    layout = _paper(colors, pl.Series(), 30 + 50 * len(inks)) | {"annotations": names, "margin": MARGINS}
    layout["xaxis"] = {"type": "linear", "visible": False, "range": [0, max(counts, default=1) or 1]}
    layout["yaxis"] = {"range": [len(inks) - 0.6, -0.8], "visible": False}
    return {"data": [bars], "layout": layout}


# Round a ring -----------------------------------------------------------------------------------


def _web(rows: pl.DataFrame, _: Web, colors: Palette) -> Figure:
    """The deepest pairs. Names stand outside the ring, at heights of their own, so that no two touch."""
    pairs = _in_view(rows)
    knots = {row[f"{end}account"]: row[f"{end}role"] for row in pairs for end in ("", "other_")}
    names = _told_apart({row[f"{end}account"]: row[f"{end}name"] for row in pairs for end in ("", "other_")})
    places = _places_round(_ring(pairs))
    most = max(row["days"] for row in pairs)
    layout = _paper(colors, pl.Series(), 100 + 20 * len(places)) | {"margin": MARGINS | {"b": 12}}
    layout["shapes"] = [_bow(row, places, most, colors) for row in pairs]
    layout["annotations"] = [_knot_name(names[each], places[each]) for each in places]
    layout["xaxis"] = {"type": "linear", "range": [-2.5, 2.5], "visible": False}
    layout["yaxis"] = {"range": [-1.05, 1.05], "visible": False}
    met = {each: [row for row in pairs if each in (row["account"], row["other_account"])] for each in places}
    dots = {
        "type": "scatter",
        "x": [x for x, _ in places.values()],
        "y": [y for _, y in places.values()],
        "mode": "markers",
        "marker": {
            "size": 11,
            "symbol": ["diamond" if knots[each] == "staff" else "circle" for each in places],
            "color": [colors.ember if knots[each] == "staff" else colors.ink for each in places],
        },
        "hoverinfo": "text",
        "hovertext": [_knot_told(each, names[each], met[each]) for each in places],
        "cliponaxis": False,
    }
    return {"data": [dots], "layout": layout}


def _told_apart(names: dict[str, str | None]) -> dict[str, str]:
    """The names, for the figure; one that two accounts have stands above their platforms."""
    known = list(names.values())
    return {
        account: _safe.figure_text(name or "Somebody", 16)
        + (f"<br>{_safe.figure_text(_words.platform(account.partition(':')[0]), 16)}" if known.count(name) > 1 else "")
        for account, name in names.items()
    }


def _in_view(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """The first pairs, of as many people as there is room for."""
    people: set[str] = set()
    pairs = []
    for row in rows.iter_rows(named=True):
        both = {row["account"], row["other_account"]}
        if len(people | both) <= KNOTS:
            people |= both
            pairs.append(row)
    return pairs


def _ring(pairs: list[dict[str, Any]]) -> list[str]:
    """People in an order that keeps lines short: each in turn goes where those they talk with are nearest."""
    ties: dict[str, dict[str, int]] = {}
    for row in pairs:
        for one, other in ((row["account"], row["other_account"]), (row["other_account"], row["account"])):
            ties.setdefault(one, {})[other] = row["days"]
    waiting = sorted(ties, key=lambda each: (-sum(ties[each].values()), each))
    ring: list[str] = [waiting.pop(0)]
    while waiting:
        each = max(waiting, key=lambda who: sum(ties[who].get(known, 0) for known in ring))
        waiting.remove(each)
        ring.insert(min(range(len(ring)), key=lambda spot: _reach(ring, spot, ties[each])), each)
    return ring


def _reach(ring: list[str], spot: int, ties: dict[str, int]) -> int:
    """How far somebody at a spot of the ring would be from those they talk with, by days."""
    far = 0
    for place, other in enumerate(ring):
        if other in ties:
            apart = abs(place + (place >= spot) - spot)
            far += ties[other] * min(apart, len(ring) + 1 - apart)
    return far


def _places_round(ring: list[str]) -> dict[str, tuple[float, float]]:
    """Down the right side and up the left, at even heights. Who talks with each other shares the top, or the bottom."""
    right, quarter = -(-len(ring) // 2), len(ring) // 4
    ring = ring[-quarter:] + ring[:-quarter]
    places = {}
    for number, each in enumerate(ring):
        side, row, of = (1, number, right) if number < right else (-1, len(ring) - 1 - number, len(ring) - right)
        height = 1 - (2 * row + 1) / of
        places[each] = (side * (0.2 + 0.8 * (1 - height * height) ** 0.5), height)
    return places


def _bow(row: dict[str, Any], places: dict[str, tuple[float, float]], most: int, colors: Palette) -> Figure:
    """A pair's line, drawn towards the middle of the ring."""
    (x, y), (to_x, to_y) = places[row["account"]], places[row["other_account"]]
    inward = 0.5 - 0.22 * min(2.0, ((x - to_x) ** 2 + (y - to_y) ** 2) ** 0.5)
    by_x, by_y = inward * (x + to_x), inward * (y + to_y)
    has_team = "staff" in (row["role"], row["other_role"])
    line = {"width": 1 + 4 * row["days"] / most, "color": _tint(colors.ember if has_team else colors.ink, 0.45)}
    path = f"M {x:.3f},{y:.3f} Q {by_x:.3f},{by_y:.3f} {to_x:.3f},{to_y:.3f}"
    return {"type": "path", "path": path, "line": line, "layer": "below"}


def _knot_name(name: str, place: tuple[float, float]) -> Figure:
    """A name beside its knot, on the outer side."""
    x, y = place
    side = {"xanchor": "left", "xshift": 9} if x > 0 else {"xanchor": "right", "xshift": -9}
    return {"text": name, "font": {"size": 12}, "align": side["xanchor"], "x": x, "y": y, **side}


def _knot_told(account: str, name: str, pairs: list[dict[str, Any]]) -> str:
    """Whom somebody talks with, on how many days."""
    told = [f"<b>{name}</b>"]
    for row in pairs[:6]:
        other = row["other_name"] if row["account"] == account else row["name"]
        told.append(f"with {_safe.figure_text(other or 'somebody', 30)} on {_words.count(row['days'], 'day')}")
    return "<br>".join([*told, *([f"and {len(pairs) - 6} more"] if len(pairs) > 6 else [])])


# By day and source ------------------------------------------------------------------------------


def strips(days: pl.DataFrame, colors: Palette) -> Figure:
    """One strip a source, a stripe a day; days that no load covers are hatched."""
    sources = days.partition_by("platform", "source", maintain_order=True)
    data, names = [], []
    for row, mine in enumerate(sources):
        missing = _days(mine.filter(~pl.col("is_covered"))["day"])
        data += [_warmth(mine, row, colors), _missing(missing, row, colors)]
        told = (_words.platform(mine["platform"][0]), mine["source_name"][0])
        names.append("<br>".join(_safe.figure_text(each, 22) for each in told))
    rows = {"range": [len(sources) - 0.5, -0.5], "showgrid": False, "color": colors.ink}
    layout = {
        "template": _template(colors),
        "height": 80 + 40 * len(sources),
        "margin": {"b": 48, "r": 12},
        "xaxis": _months(days["day"].min(), days["day"].max()),
        "yaxis": rows | {"tickvals": list(range(len(sources))), "ticktext": names},
    }
    return {"data": data, "layout": layout}


def _months(first: Any, last: Any) -> Figure:
    """Ticks at the months, each once; within two months, where there would be hardly any, at days."""
    length = (last - first).days if first and last else 0
    if length < SHORT:
        return {"tickformat": _day_and_month(), "nticks": min(length + 1, 8)}
    return {"tickformat": "%b<br>%Y", "dtick": "M1" if length < 200 else "M3"}


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
        "hovertemplate": f"%{{x|{_words.day_form()}}}: %{{customdata:,}} messages<extra></extra>",
    }


def _missing(days: list[str], row: int, colors: Palette) -> Figure:
    return {
        "type": "bar",
        "x": days,
        "y": [0.64] * len(days),
        "base": [row - 0.32] * len(days),
        "width": DAY_LONG,
        "marker": {"pattern": _hatch(colors), "line": {"width": 0}},
        "hovertemplate": f"%{{x|{_words.day_form()}}}: no load covers this day<extra></extra>",
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
    return "<br>".join([f"Week of {_words.day(week['week'])}", _sure(week, shape), _counted(week, shape)])


def _sure(row: dict[str, Any], shape: Line) -> str:
    """A value, and how sure it is."""
    value = f"<b>{_reads(row, shape)}</b>"
    if shape.unit == "points":
        value += f" ({_words.net_range(row)})"
    elif shape.low and row[shape.low] is not None:
        value += f" ({row[shape.low] * 100:.0f}–{row[shape.high] * 100:.0f}\u00a0%)"
    return value


def _counted(row: dict[str, Any], shape: Line | Lines) -> str:
    return _words.count(row[shape.of], shape.noun or shape.of.removesuffix("s"))


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


def _template(colors: Palette) -> Figure:
    """What all charts have in common."""
    return _styled(colors, _words.between(), _day_and_month())


def _day_and_month() -> str:
    """A day of a known year, in the reader's order."""
    return "%-d %b" if _words.day_form().startswith("%-d") else "%b %-d"


@cache
def _styled(colors: Palette, between: str, day_and_month: str) -> Figure:
    axis = {"fixedrange": True, "zeroline": False, "showline": False, "ticks": "", "color": colors.muted}
    return {
        "layout": {
            "font": {"family": "Source Sans, sans-serif", "size": 13, "color": colors.muted},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 78, "t": 12, "b": 28},
            "showlegend": False,
            "separators": f".{between}",
            "hoverlabel": {
                "bgcolor": colors.card,
                "bordercolor": colors.faint,
                "font": {"color": colors.ink},
            },
            "xaxis": {
                **axis,
                "showgrid": False,
                "type": "date",
                "tickformat": day_and_month,
                "tickangle": 0,
                "ticklabelstandoff": 4,
            },
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


_DRAWN: dict[type[Shape], Callable[[pl.DataFrame, Any, Palette], Figure]] = {
    Stack: _stacked,
    Lines: _together,
    Curve: _curve,
    Clock: _clock,
    Triangle: _triangle,
    Steps: _steps,
    Web: _web,
}
"""What draws each kind, but for the line by week."""
