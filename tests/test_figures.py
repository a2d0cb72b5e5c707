"""What a chart is made of: an unknown is no zero, a gap no bridge, and names do not lie on each other."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from metrics.metric import Answer, Question, metrics
from pages._figures import LIGHT, Clock, Curve, Figure, Lines, Shape, Step, Steps, Triangle, figure, is_empty, strips

MONDAY = date(2026, 10, 5)
WAITS = Lines((("hours_p50", "half"), ("hours_p90", "9 in 10")), "asks", "hours")


def made(rows: pl.DataFrame, shape: Shape) -> Figure:
    """A figure that Plotly accepts: it raises ValueError for what is none."""
    found = figure(rows, shape, LIGHT)
    go.Figure(found)
    return found


def hours(**cells: tuple[int, int | None]) -> pl.DataFrame:
    """A week of hours: `d2h14=(asks, staff)`; all others are quiet, with one of the team there."""
    rows: list[dict[str, Any]] = []
    for weekday in range(1, 8):
        for hour in range(24):
            asks, staff = cells.get(f"d{weekday}h{hour}", (0, 1))
            share = 0.5 if asks else None
            rows.append({"weekday": weekday, "hour": hour, "asks": asks, "share": share, "staff": staff})
    return pl.DataFrame(rows)


def weeks(*values: tuple[float | None, float | None, int]) -> pl.DataFrame:
    """Weeks with the two waits and the number of asks."""
    columns = {"week": [MONDAY + timedelta(weeks=place) for place in range(len(values))]}
    names = ("hours_p50", "hours_p90", "asks")
    return pl.DataFrame(columns | {name: [row[place] for row in values] for place, name in enumerate(names)})


def test_a_ring_stands_where_people_asked_and_the_team_never_was() -> None:
    """Not where nobody asked, and not where it is unknown whether the team was there."""
    drawn = made(hours(d2h14=(3, 0), d3h9=(0, 0), d7h23=(20, 2), d1h0=(1, None)), Clock(4.0))
    asks, team, rings = drawn["data"]
    assert list(zip(rings["x"], rings["y"], strict=True)) == [(14, 1)]
    assert (asks["z"][1][14], asks["z"][6][23], team["z"][6][23], team["z"][0][0]) == (3, 20, 2, None)
    assert asks["hovertext"][1][14] == (
        "Tuesday, 14:00–15:00<br>3 asks, about 2 of 3 answered within 4 h<br>nobody of the team spoke"
    )
    assert asks["hovertext"][6][23].endswith("20 asks, 50\u00a0% answered within 4 h<br>2 people of the team spoke")
    assert asks["hovertext"][0][0].endswith("unknown people of the team spoke")


def test_a_cohort_shows_what_is_known_hatches_what_is_not_covered_and_leaves_the_rest_empty() -> None:
    """May has two months after it, the second not covered; June has one, of few; July none, so it has no row."""
    rows = pl.DataFrame(
        [
            (date(2026, 5, 1), 0, 1.0, 40),
            (date(2026, 5, 1), 1, 0.25, 40),
            (date(2026, 5, 1), 2, None, 40),
            (date(2026, 6, 1), 0, 1.0, 12),
            (date(2026, 6, 1), 1, 0.25, 12),
            (date(2026, 7, 1), 0, 1.0, 9),
        ],
        schema=["cohort", "month", "share", "members"],
        orient="row",
    )
    drawn = made(rows, Triangle())
    heat, hatched = drawn["data"]
    assert heat["text"] == [["25\u00a0%", ""], ["3 of 12", ""]]
    assert heat["z"] == [[0.25, None], [0.25, None]]
    assert (hatched["x"], [base + 0.45 for base in hatched["base"]]) == ([2], [0.0])
    assert [name.strip() for name in drawn["layout"]["yaxis"]["ticktext"]] == ["May 2026 · 40", "Jun 2026 · 12"]
    assert is_empty(rows.filter(pl.col("month") == 0), Triangle())


def test_a_month_is_as_large_as_it_was_where_a_source_ended_since() -> None:
    months = [(date(2026, 5, 1), 1, 0.3, 40), (date(2026, 5, 1), 2, 0.5, 2)]
    rows = pl.DataFrame(months, schema=["cohort", "month", "share", "members"], orient="row")
    drawn = made(rows, Triangle())
    assert drawn["data"][0]["text"] == [["30\u00a0%", "1 of 2"]]
    assert [name.strip() for name in drawn["layout"]["yaxis"]["ticktext"]] == ["May 2026 · 40"]


@pytest.mark.parametrize(("now", "before", "upper"), [(0.8, 0.6, "this period"), (0.6, 0.8, "before")])
def test_the_names_of_two_curves_stand_on_their_own_sides(now: float, before: float, upper: str) -> None:
    """Whichever is higher has its name above it, so that neither lies on the other's line."""

    def curve(share: float) -> pl.DataFrame:
        rows = [{"week": None, "hours": hours, "share": share, "low": 0.5, "high": 0.9, "asks": 40} for hours in (1, 4)]
        return pl.DataFrame(rows, schema_overrides={"week": pl.Date})

    answer = Answer(metrics()["answered_within"], Question("answered_within"), curve(before), "", "")
    notes = made(curve(now), Curve(answer))["layout"]["annotations"]
    above = [note["text"] for note in notes if (note["yanchor"], note["yshift"]) == ("bottom", 10)]
    below = [note["text"] for note in notes if (note["yanchor"], note["yshift"]) == ("top", -10)]
    assert (len(above), len(below), upper in above[0]) == (1, 1, True)


def test_waits_stand_on_a_scale_of_doubling_steps_with_a_gap_where_none_is_known() -> None:
    """Few asks make a hollow point; a week of asks without any wait is hatched, one without asks is empty."""
    drawn = made(weeks((4.0, 200.0, 40), (None, None, 30), (None, None, 0), (6.0, None, 12)), WAITS)
    hatched, half, most = drawn["data"]
    assert drawn["layout"]["yaxis"]["type"] == "log"
    assert half["y"] == [4.0, None, None, 6.0]
    assert most["y"] == [200.0, None, None, None]
    assert hatched["x"] == ["2026-10-12"]
    assert half["marker"]["color"][0] == LIGHT.ember
    assert half["marker"]["color"][3] == LIGHT.card
    assert "half: <b>6 h</b><br>9 in 10: <b>not reached</b><br>12 asks" in half["hovertext"][3]


@pytest.mark.parametrize("apart", [0.0, 0.01, 5.0, 400.0])
def test_the_names_of_lines_that_end_together_do_not_touch(apart: float) -> None:
    notes = made(weeks((1.0, 900.0, 40), (8.0, 8.0 + apart, 40)), WAITS)["layout"]["annotations"]
    assert [note["text"] for note in notes] == ["half", "9 in 10"]
    assert notes[1]["y"] - notes[0]["y"] >= 0.08 - 1e-9


def test_a_funnel_tells_each_step_of_the_one_it_is_a_part_of() -> None:
    """Twenty make a percentage; fewer are counted."""
    drawn = made(pl.DataFrame(), Steps((Step("Asks", 40), Step("answered", 10, 40), Step("thanked", 3, 10, False))))
    names = [note["text"] for note in drawn["layout"]["annotations"]]
    assert names == ["Asks <b>40</b>", "answered <b>10 of 40, 25\u00a0%</b>", "thanked <b>3 of 10</b>"]
    assert drawn["data"][0]["x"] == [40, 10, 3]
    assert is_empty(pl.DataFrame(), Steps(()))


@pytest.mark.parametrize(("length", "step"), [(8, None), (61, None), (90, "M1"), (365, "M3")])
def test_the_days_covered_name_no_month_twice(length: int, step: str | None) -> None:
    """Within two months days are named; else months, and none between them."""
    days = [date(2026, 1, 1) + timedelta(days=each) for each in range(length)]
    known = {"platform": "slack", "source_name": "Acme", "source": "acme", "messages": 3, "is_covered": True}
    axis = strips(pl.DataFrame([{**known, "day": day} for day in days]), LIGHT)["layout"]["xaxis"]
    assert axis.get("dtick") == step
    assert ("%b<br>%Y" in axis["tickformat"]) == (step is not None)
