"""The pages, empty and full: what they show is what the metrics say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from data.demo import Community
from data.identities import Identities
from data.records import Channel, Member, Message, Source
from data.settings import Settings
from data.store import Chunk, Store
from ingest.load import load_demo
from ingest.progress import Progress
from metrics import guard, metric
from metrics.__main__ import app as command
from metrics.metric import Question, ask
from pages import _ask, _documents, _figures, _safe, _show, _words
from tests import sparse

EMBER = _figures.LIGHT.ember
FRAME = Path(__file__).parent.parent / "pages" / "_frame.py"
PERIOD_PAGES = ("responsiveness.py", "returning_members.py", "relationships.py")
PAGES = sorted(path.name for path in FRAME.parent.glob("[!_]*.py"))
Open = Callable[..., AppTest]


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page over a folder's data, as a reader would."""

    def open_page(folder: Path, page: str = "weekly_health.py", **address: str) -> AppTest:
        monkeypatch.setenv("HEARTH_DATA", str(folder))
        app = AppTest.from_file(str(FRAME), default_timeout=60)
        app.query_params.update(address)
        app.run()
        return app if page == "weekly_health.py" else app.switch_page(page).run()

    return open_page


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A small made-up community in three places."""
    store = _ask._store(tmp_path_factory.mktemp("demo"))  # the pages' own: a folder has one reader a process
    load_demo(store, Settings(), Progress(True), Community(days=200, asks_a_day=4.0))
    return store


# Two whole weeks and a day: in the first 2 of 3 asks are answered within a day, in the second 1 of 2.
FEW = [
    {"id": "a", "by": "ann", "at": "2026-10-05T09:00Z", "in": "a", "text": "How do I bend it?"},
    {"by": "staff", "at": "2026-10-05T11:00Z", "in": "a", "to": "a", "text": "Warm it first."},
    {"id": "b", "by": "bob", "at": "2026-10-06T09:00Z", "in": "b", "text": "Where is the door?"},
    {"by": "ann", "at": "2026-10-06T10:00Z", "in": "b", "to": "b", "text": "Round the back."},
    {"id": "c", "by": "cem", "at": "2026-10-07T09:00Z", "in": "c", "text": "Is anybody there?"},
    {"id": "d", "by": "ann", "at": "2026-10-12T09:00Z", "in": "d", "text": "And how do I glue it?"},
    {"by": "bob", "at": "2026-10-12T09:30Z", "in": "d", "to": "d", "text": "With patience."},
    {"id": "e", "by": "dee", "at": "2026-10-13T09:00Z", "in": "e", "text": "Which glue?", "permalink": "https://f.example/e"},
    {"id": "f", "by": "bob", "at": "2026-10-19T12:00Z", "in": "f", "text": "Good morning to all of you here"},
]  # fmt: skip


@pytest.fixture
def few(tmp_path: Path) -> Store:
    sparse.put(tmp_path / "few", FEW)
    return _ask._store(tmp_path / "few")


def shown(app: AppTest) -> dict[str, str]:
    """The cards of a page, by their names."""
    return {card.label: card.value for card in app.metric}


def words(app: AppTest) -> str:
    """All that a page says."""
    kinds = (
        app.title,
        app.subheader,
        app.markdown,
        app.caption,
        app.text,
        app.info,
        app.warning,
        app.error,
        app.code,
    )
    return "\n".join(str(each.value) for kind in kinds for each in kind)


def drawn(app: AppTest, index: int) -> dict[str, Any]:
    """A chart as the browser gets it. Plotly raises ValueError for what is no figure."""
    figure: dict[str, Any] = json.loads(app.get("plotly_chart")[index].proto.spec)
    go.Figure(figure)
    return figure


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_hearth_leads_to_the_first_load(see: Open, tmp_path: Path, page: str) -> None:
    """Every page says what to do, and with which commands."""
    app = see(tmp_path, page)
    said = words(app)
    assert not app.exception
    assert "Load your first export" in said
    assert all(command in said for command in ("make run EXPORTS=", "ingest load", "ingest demo"))


@pytest.mark.parametrize("page", PAGES)
def test_a_full_page_draws_all_of_itself_and_says_it_is_a_demo(see: Open, demo: Store, page: str) -> None:
    app = see(demo.folder, page)
    assert not app.exception
    assert not app.warning, "no card failed"
    assert any("Demo" in badge.value for badge in app.markdown)


def test_the_cards_are_the_metrics_numbers(see: Open, demo: Store) -> None:
    """Each card, told from the rows that the metric gives for that week."""
    app = see(demo.folder)
    monday = date(2026, 11, 9)
    since, until = date(2026, 5, 18), date(2026, 11, 16)

    def row(name: str, hours: float | None = None) -> dict[str, Any]:
        rows = ask(demo, Settings(), Question(name, since, until, hours=hours)).rows
        return rows.row(by_predicate=pl.col("week") == monday, named=True)

    share, flow, welcome = row("answered_within", 24.0), row("member_flow"), row("newcomer_welcome")
    waiting = ask(demo, Settings(), Question("unanswered", since)).rows
    said = row("conversation_share")
    assert share["asks"] >= _words.FEW
    assert shown(app) == {
        "Answered within 24 h": f"{share['share'] * 100:.0f}\u00a0%",
        "Waiting past target now": f"{waiting['is_past_target'].sum():,}",
        "Newcomers welcomed": f"{welcome['welcomed']} of {welcome['newcomers']}",
        "Returning members": str(flow["members"] - flow["new"]),
        "Net sentiment": f"{row('net_sentiment')['points']:+.0f}",
        "Conversation share": _words.rate(said["share"], said["conversation"] + said["broadcast"]),
    }


def test_few_asks_are_counted_out_and_make_no_percentage(see: Open, few: Store) -> None:
    """1 of 2 this week, 2 of 3 the week before."""
    app = see(few.folder)
    assert shown(app)["Answered within 24 h"] == "1 of 2"
    assert "week before: 2 of 3" in words(app)
    assert "1 of 2 asks were answered within a day" in words(app)
    assert "50\u00a0%" not in words(app)


def test_a_week_can_be_chosen_by_its_address(see: Open, few: Store) -> None:
    app = see(few.folder, week="Week of 5 Oct 2026")
    assert shown(app)["Answered within 24 h"] == "2 of 3"


def test_an_unfinished_week_is_not_offered(see: Open, few: Store) -> None:
    """The data ends on a Monday at noon: that week has just begun."""
    assert see(few.folder).selectbox(key="week").options[0] == "Week of 12 Oct 2026"


def test_days_that_no_load_covers_are_unknown_and_never_zero(see: Open, tmp_path: Path) -> None:
    """The week of 5 October lies between two exports: no number, and a hole in the line."""
    store = sparse.store_of(tmp_path, FEW[:2], since="2026-09-28T00:00Z", until="2026-10-06T00:00Z")
    late = [row | {"source": "acme"} for row in FEW[5:]]
    sparse.load(store, late, since="2026-10-12T00:00Z", until="2026-10-20T00:00Z")
    app = see(store.folder, week="Week of 5 Oct 2026")
    assert shown(app)["Answered within 24 h"] == "unknown"
    assert all(value == "unknown" for title, value in shown(app).items() if title != "Waiting past target now")
    assert "We can't tell how this week went" in words(app)
    chart = drawn(see(store.folder), 0)
    line = next(trace for trace in chart["data"] if trace.get("mode") == "lines+markers")
    assert line["y"][line["x"].index("2026-10-05")] is None
    assert line["hovertext"][line["x"].index("2026-10-05")].endswith("unknown<br>of 1 ask")


def test_places_narrow_every_number(see: Open, demo: Store) -> None:
    """Chosen in the address or on the page; that the choice goes along to the next page, a browser proves."""
    everywhere, mail = see(demo.folder), see(demo.folder, platform="Mail")
    assert shown(mail) != shown(everywhere)
    assert mail.multiselect(key="platform").value == ["mail"]
    asked = see(demo.folder, "unanswered.py")
    asked.multiselect(key="platform").set_value(["mail"]).run()
    assert set(asked.dataframe[0].value["Where"].str.split(" · ").str[-1]) == {"Mail"}


def test_nonsense_in_the_address_is_ignored(see: Open, demo: Store) -> None:
    app = see(demo.folder, platform="' or 1=1 --", week="yesterday", period="for ever", channel="<b>")
    assert not app.exception
    assert shown(app) == shown(see(demo.folder))


def test_the_list_says_how_many_wait_and_opens_what_they_said(see: Open, few: Store) -> None:
    """Three people wait; the second row, once chosen, opens its words."""
    app = see(few.folder, "unanswered.py")
    assert "3 people are waiting; the longest for 12 days." in words(app)
    waiting = app.dataframe[0].value
    assert set(waiting["They said"]) == {
        "Is anybody there?",
        "Which glue?",
        "Good morning to all of you here",
    }
    second = waiting["They said"][1]
    app.session_state["asks"] = {"selection": {"rows": [], "columns": [], "cells": [(1, "They said")]}}
    app.run()
    assert second in [text.value for text in app.text]


def test_only_a_real_address_opens_the_platform(see: Open, few: Store) -> None:
    app = see(few.folder, "unanswered.py")
    urls = []
    for row in range(3):
        app.session_state["asks"] = {"selection": {"rows": [], "columns": [], "cells": [(row, "They said")]}}
        app.run()
        urls += [link.proto.url for link in app.get("link_button")]
    assert urls == ["https://f.example/e"]


def test_everyone_answered_is_good_news(see: Open, tmp_path: Path) -> None:
    store = sparse.store_of(tmp_path, FEW[:4])
    assert "Everyone has been answered." in words(see(store.folder, "unanswered.py"))


@pytest.mark.parametrize("page", ["weekly_health.py", *PERIOD_PAGES, "sources.py"])
def test_every_chart_is_one_that_plotly_can_draw(see: Open, demo: Store, page: str) -> None:
    """They are made without Plotly's own checks, for speed."""
    app = see(demo.folder, page)
    assert app.get("plotly_chart")
    for index in range(len(app.get("plotly_chart"))):
        assert drawn(app, index)["data"]


# A page, the place of a chart on it, where in the chart the numbers stand, and the metric and column they are of.
DRAWN_NUMBERS = [
    ("responsiveness.py", 0, "scatter", "answered_within", "share"),
    ("responsiveness.py", 1, "scatter", "time_to_first_response", "hours_p50"),
    ("responsiveness.py", 2, "scatter", "staff_response", "share"),
    ("responsiveness.py", 3, "scatter", "peer_first_share", "share"),
    ("responsiveness.py", 4, "heatmap", "coverage_by_hour", "asks"),
    ("responsiveness.py", 5, "scatter", "time_to_next_response", "hours_p50"),
    ("responsiveness.py", 6, "scatter", "responder_load", "top1_share"),
    ("returning_members.py", 0, "bar", "member_flow", "new"),
    ("returning_members.py", 1, "scatter", "retention", "share"),
    ("returning_members.py", 2, "scatter", "newcomer_welcome", "share"),
    ("returning_members.py", 4, "heatmap", "cohort_return", "share"),
    ("relationships.py", 0, "scatter", "conversation_share", "share"),
    ("relationships.py", 3, "scatter", "two_way_conversations", "share"),
    ("relationships.py", 4, "scatter", "relationship_depth", "deep_pairs"),
    ("relationships.py", 6, "scatter", "praise_thanked", "share"),
    ("relationships.py", 1, "scatter", "staff_presence", "substantive_share"),
]
WEEKS = ("--since", "2026-05-18", "--until", "2026-11-16")


def told(store: Store, name: str, *options: str) -> list[dict[str, Any]]:
    """What the command line tells of a metric in the 26 weeks."""
    asked = [name, *WEEKS, *options, "--data", str(store.folder), "--format", "json"]
    rows: list[dict[str, Any]] = json.loads(CliRunner().invoke(command, asked).stdout)
    return rows


@pytest.fixture(scope="module")
def opened(demo: Store) -> Iterator[Callable[[str], AppTest]]:
    """A page over the demo, opened once for all who look at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTH_DATA", str(demo.folder))

        @cache
        def look(page: str) -> AppTest:
            return AppTest.from_file(str(FRAME), default_timeout=60).run().switch_page(page).run()

        yield look


@pytest.mark.parametrize(("page", "index", "kind", "name", "column"), DRAWN_NUMBERS, ids=str)
def test_a_drawn_number_is_the_command_lines(
    opened: Callable[[str], AppTest], demo: Store, page: str, index: int, kind: str, name: str, column: str
) -> None:
    """The ember line, the lowest bars, or the upper cells."""
    traces = [trace for trace in drawn(opened(page), index)["data"] if trace["type"] == kind]
    is_line = kind == "scatter"
    first = next(trace for trace in traces if not is_line or (trace["mode"] == "lines+markers" and EMBER in str(trace)))
    values = first["y"] if kind != "heatmap" else [cell for row in first["z"] for cell in row if cell is not None]
    rows = told(demo, name)
    if name == "cohort_return":
        rows = [row for row in rows if row["month"] > 0]
    elif name == "answered_within":
        rows = [row for row in rows if row["week"] is None]
    elif name != "coverage_by_hour":
        rows = [row for row in rows if row["week"] is not None]
    assert values == pytest.approx([row[column] for row in rows])
    assert len(values) > 3


def test_the_grey_curve_is_the_period_before(opened: Callable[[str], AppTest], demo: Store) -> None:
    """With its own rows, definition and file below it."""
    lines = [trace for trace in drawn(opened("responsiveness.py"), 0)["data"] if trace["mode"] == "lines+markers"]
    before = told(demo, "answered_within", "--since", "2025-11-17", "--until", "2026-05-18")
    assert lines[0]["y"] == pytest.approx([row["share"] for row in before if row["week"] is None])
    assert lines[0]["y"] != lines[1]["y"]
    assert len(opened("responsiveness.py").get("download_button")) == 9


def test_a_funnel_counts_what_the_command_line_tells(opened: Callable[[str], AppTest], demo: Store) -> None:
    """Unhappy asks, step by step; and newcomers, the welcomed and the others apart."""
    (loop,) = [row for row in told(demo, "detractor_recovery") if row["week"] is None]
    steps = drawn(opened("relationships.py"), 5)["data"][0]["x"]
    assert steps == [loop[step] for step in ("negative", "answered", "spoke_again", "recovered")]
    both = [row for row in told(demo, "newcomer_return") if row["week"] is None]
    newcomers, *rest = drawn(opened("returning_members.py"), 3)["data"][0]["x"]
    assert newcomers == sum(row["newcomers"] for row in both)
    assert rest == [count for row in both for count in (row["newcomers"], round(row["share"] * row["newcomers"]))]
    assert "An association, not an effect" in words(opened("returning_members.py"))


def test_the_headlines_say_what_the_command_line_tells(opened: Callable[[str], AppTest], demo: Store) -> None:
    """Each page's finding, with the guard's own sentence where it judges the metric."""
    (within,) = [row["share"] for row in told(demo, "answered_within", "--hours", "24") if row["week"] is None]
    assert f"{within * 100:.0f} % of asks were answered within a day" in words(opened("responsiveness.py"))
    stay = told(demo, "retention")[-1]
    back = f"{stay['share'] * 100:.0f} % of members came back in the week of 9 Nov 2026"
    assert back in words(opened("returning_members.py"))
    (said,) = [row for row in told(demo, "conversation_share") if row["week"] is None]
    relationships = words(opened("relationships.py"))
    assert f"{said['share'] * 100:.0f} % of messages by the team answered a member" in relationships
    question = Question("conversation_share", date(2026, 5, 18), date(2026, 11, 16))
    assert _safe.label(guard.compare(demo, Settings(), question).sentence, 400) in relationships


@pytest.mark.parametrize("page", PERIOD_PAGES)
@pytest.mark.parametrize("period", ["4 weeks", "All time"])
def test_a_page_draws_any_period(see: Open, demo: Store, page: str, period: str) -> None:
    """All time has nothing before it, so nothing is compared."""
    app = see(demo.folder, page)
    app.selectbox(key="period").set_value(period).run()
    assert not app.exception
    assert not app.warning
    assert ("the 4 weeks before" in words(app)) == (period == "4 weeks")


def test_a_page_of_few_counts_and_makes_no_percentage(see: Open, few: Store) -> None:
    """Three of five asks in two weeks, and within four hours the same three."""
    for page in PERIOD_PAGES:
        app = see(few.folder, page)
        assert not app.exception
        assert not app.warning
        assert [each.value for each in [*app.subheader, *app.markdown] if " %" in each.value] == []
    said = words(see(few.folder, "responsiveness.py"))
    assert "3 of 5 asks were answered within a day, 3 of 5 within four hours." in said


def test_days_that_no_load_covers_make_no_finding(see: Open, tmp_path: Path) -> None:
    """Nine weeks, a hole of five, and one more: no share of all of them is told, and nothing is zero."""
    late = FEW[0] | {"id": "late", "in": "late", "at": "2026-11-10T09:00Z", "source": "acme"}
    store = sparse.store_of(tmp_path, FEW[:2], since="2026-08-03T00:00Z", until="2026-10-06T00:00Z")
    sparse.load(store, [late], since="2026-11-09T00:00Z", until="2026-11-16T00:00Z")
    said = "\n".join(words(see(store.folder, page)) for page in PERIOD_PAGES)
    assert "An unknown share of asks were answered within a day." in said
    assert "We can't tell when the team was there" in said
    assert "\n0 of" not in said


def test_sources_shows_every_load_and_what_was_refused(see: Open, few: Store) -> None:
    app = see(few.folder, "sources.py")
    loads = next(frame.value for frame in app.dataframe if "inserted" in frame.value.columns)
    assert loads["read"].tolist() == [len(FEW)]
    assert "Nothing was refused" in words(app)


# On 20 October: whom to greet, answer and thank, who is drifting or lost; and, named so, who is on no list.
TODAY = [
    {"by": "nia", "at": "2026-10-18T09:00Z", "id": "1", "text": "Where do I begin?", "permalink": "https://f.example/1"},
    {"by": "no_answered", "at": "2026-10-18T09:00Z", "id": "2", "text": "Where do I end?"},
    {"by": "tess", "at": "2026-10-18T10:00Z", "to": "2", "text": "At the beginning."},
    {"by": "no_longago", "at": "2026-10-05T23:00Z", "id": "3", "text": "Where is the middle?"},
    *({"by": who, "at": "2026-05-02T09:00Z", "id": who} for who in ("sol", "no_soothed", "quin", "no_thanked", "tess")),
    {"by": "sol", "at": "2026-10-12T09:00Z", "id": "4", "sounds": "negative", "permalink": "javascript:alert(1)"},
    {"by": "no_soothed", "at": "2026-10-12T09:00Z", "id": "5", "sounds": "negative"},
    {"by": "staff", "at": "2026-10-12T10:00Z", "to": "5", "text": "We send a new one."},
    {"by": "quin", "at": "2026-10-14T09:00Z", "id": "6", "sounds": "positive"},
    {"by": "quin", "at": "2026-10-15T09:00Z", "id": "7", "sounds": "positive"},
    {"by": "no_thanked", "at": "2026-10-14T09:00Z", "id": "8", "sounds": "positive"},
    {"by": "staff", "at": "2026-10-14T10:00Z", "to": "8", "text": "That is kind of you."},
    {"by": "tam", "at": "2026-09-01T09:00Z", "id": "9", "text": "Will it rain?"},
    {"by": "no_back", "at": "2026-09-01T09:00Z", "id": "10", "text": "Will it snow?"},
    {"by": "no_back", "at": "2026-10-19T09:00Z", "id": "11", "text": "Will it thaw?"},
    {"by": "tess", "at": "2026-10-19T10:00Z", "to": "11", "text": "It will."},
    {"by": "no_helped", "at": "2026-09-01T09:00Z", "id": "12", "text": "Will it freeze?"},
    {"by": "tess", "at": "2026-10-09T09:00Z", "to": "12", "text": "It may."},
    *({"by": "xia", "at": f"2026-07-0{day}T09:00Z", "id": f"x{day}"} for day in range(1, 7)),
    {"by": "uma", "at": "2026-09-01T09:00Z", "id": "9", "text": "Will it hail?", "platform": "discord"},
]  # fmt: skip


def listed(app: AppTest) -> list[tuple[str, str]]:
    """Who is on the lists with a page of their own, each with why."""
    whys = [each.value[len(":small[") : -1] for each in app.markdown if re.match(r":small\[[^*]", each.value)]
    people = [each.value.strip("*") for each in app.page_link if each.value.startswith("**")]
    return list(zip(people, whys, strict=True))


def test_people_to_reach_are_those_whom_a_word_of_ours_would_reach(see: Open, tmp_path: Path) -> None:
    """Each list has the one who belongs there, once, and nobody who was answered, thanked or came back."""
    sparse.put(tmp_path, TODAY, until="2026-10-20T00:00Z")
    app = see(tmp_path, "people_to_reach.py")
    assert listed(app) == [
        ("Nia", "first post\\, question"),
        ("Sol", "unhappy\\, past the target"),
        ("Quin", "praise"),
        ("Xia", "silent for 105 days\\, where 1 day is usual\\; their last ask had no reply"),
        ("Tam", "asked\\, and has been silent since"),
    ]
    assert [each.value for each in app.subheader] == [
        "1 newcomer to greet, 1 unhappy ask to answer, 1 person to thank.",
        "1 regular drifting away, 1 person lost after an unanswered ask.",
    ]
    assert [link.proto.url for link in app.get("link_button")] == ["https://f.example/1"]
    assert "Where do I begin?" in [each.value for each in app.text]


def test_nobody_is_followed_where_the_terms_forbid_it_unless_the_settings_say_so(
    see: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uma is on Discord, and has been silent since her ask; her words of today may still be answered."""
    sparse.put(tmp_path, TODAY, until="2026-10-20T00:00Z")
    app = see(tmp_path, "people_to_reach.py")
    assert "Without Discord: the platform's terms forbid" in words(app)
    app.multiselect(key="platform").set_value(["discord"]).run()
    assert "Who has fallen silent is not told here." in words(app)
    assert "Uma" not in words(app)
    settings = tmp_path / "hearth.toml"
    settings.write_text("[privacy]\nno_profiles = []\n", "utf-8")
    monkeypatch.setenv("HEARTH_SETTINGS", str(settings))
    app.run()
    assert listed(app) == [("Uma", "asked\\, and has been silent since")]
    assert "Without Discord" not in words(app)


def test_accounts_of_one_person_are_one_to_thank(see: Open, tmp_path: Path) -> None:
    """Quin praised on the forum; Quinta, somebody says, is Quin, and praised last."""
    praise = {"by": "quinta", "id": "q", "at": "2026-10-16T09:00Z", "sounds": "positive", "platform": "discord"}
    store, marks = _ask._store(tmp_path), _ask._marks(tmp_path)
    sparse.load(store, [*TODAY, praise], until="2026-10-20T00:00Z")
    assert "2 people to thank" in words(see(tmp_path, "people_to_reach.py"))
    Identities(store, marks).decide("same", "forum:acme:quin", "discord:acme:quinta", "Ana")
    with store.loading(Settings()) as loader:
        loader.derive()
        loader.publish()
    marks.close()
    app = see(tmp_path, "people_to_reach.py")
    assert "1 person to thank" in words(app)
    assert ":small[**Quinta** · praise]" in [each.value for each in app.markdown], "on Discord nobody has a page"
    assert "Quin" not in [name for name, _ in listed(app)]


def test_when_nobody_waits_for_a_word_the_page_says_so(see: Open, tmp_path: Path) -> None:
    """And where the scorer has heard nothing it does not say so of what only the scorer can tell."""
    calm = {"by": "ann", "at": "2026-10-06T11:00Z", "in": "b", "to": "b", "sounds": "neutral"}
    sparse.load(_ask._store(tmp_path), [*FEW[:4], calm], until="2026-10-07T00:00Z")
    said = words(see(tmp_path, "people_to_reach.py"))
    assert "Nobody is waiting for a word from us." in said
    assert "Nobody whom we know has fallen silent." in said
    sparse.load(_ask._store(tmp_path / "unheard"), FEW[:4], until="2026-10-07T00:00Z")
    said = words(see(tmp_path / "unheard", "people_to_reach.py"))
    assert "Nobody else is waiting for a word from us. Not known: unhappy people, praise to thank." in said


def test_definitions_hold_every_number_and_its_words_until_one_is_looked_for(see: Open, few: Store) -> None:
    """Each metric once, and in any order; one that is found alone is open, with its card and its SQL."""
    app = see(few.folder, "definitions.py")
    asked = [_safe.label(each.asks) for each in metric.metrics().values()]
    assert sorted(each.label.split(" · ")[1] for each in app.expander[:-1]) == sorted(asked)
    said = words(app)
    assert all(f"**{word}**" in said for word in ("Source", "Ask", "Reply", "Newcomer", "Lapsed"))
    app.text_input(key="find").set_value("SILENT gap").run()
    assert [each.label.split(" · ")[0] for each in app.expander] == ["**Drifting**"]
    drifting = metric.named("drifting")
    assert app.code[0].value == drifting.sql.strip()
    assert [text for text in drifting.card.values() if text not in words(app)] == []
    app.text_input(key="find").set_value("<script>").run()
    assert "Nothing here speaks of that." in words(app)
    assert not app.exception
    assert not app.warning


def test_definitions_say_of_every_reader_what_it_cannot_tell(see: Open, few: Store, root: Path) -> None:
    files = {path.stem for path in (root / "ingest" / "exports").glob("*.py") if path.stem[0] != "_"}
    assert {each.name for each in _documents.readers()} == files
    app = see(few.folder, "definitions.py")
    app.text_input(key="find").set_value("pipermail").run()
    assert "Found: 1 form of export." in words(app)
    assert "It cannot tell: who is staff." in words(app)


def test_the_vanity_drawer_is_plain_and_holds_what_counts_beside(see: Open, tmp_path: Path) -> None:
    """The newest value of a total, the whole source's first, and each week as Weekly health tells it."""
    totals = [
        {"measure": "likes", "at": "2026-10-18T00:00Z", "value": 40, "of": "<b>a post</b>"},
        {"measure": "total_followers", "at": "2026-08-10T00:00Z", "value": 1200},
        {"measure": "total_followers", "at": "2026-10-18T00:00Z", "value": 1234.0},
    ]
    sparse.load(_ask._store(tmp_path), FEW, audience=totals)
    app = see(tmp_path, "vanity_drawer.py")
    existing, living = (frame.value for frame in app.dataframe)
    assert existing.to_numpy().tolist() == [
        ["total followers", "1,234", "1,200", "Acme", "Forum", "18 Oct 2026"],
        ["likes", "40", "unknown", "<b>a post</b>", "Forum", "18 Oct 2026"],
    ]
    assert living["Week of"][0] == "12 Oct 2026"
    assert living["Within 24 h"][:2].tolist() == ["1 of 2", "2 of 3"]
    assert living["Welcomed"][:2].tolist() == ["0 of 1", "2 of 3"]
    assert living["Returning"][:2].tolist() == ["2", "0"]
    assert living["Conversation"][:2].tolist() == ["unknown", "1 of 1"]
    assert not app.metric, "no total is a headline"


@pytest.mark.parametrize("page", ["responsiveness.py", "relationships.py"])
def test_where_nobody_is_known_as_staff_what_staff_do_is_unknown(see: Open, tmp_path: Path, page: str) -> None:
    """And not none: there are public messages, answers and praise, only nobody knows whose."""
    sparse.put(tmp_path, [row | {"by": row["by"].replace("staff", "kim")} for row in FEW])
    app = see(tmp_path, page)
    assert not app.warning
    said = words(app)
    assert said.count("Unknown: nobody who spoke here is known as staff") >= 2
    assert not any(wrong in said for wrong in ("No public messages", "Nobody of the team", "An unknown share"))


def test_a_community_of_one_week_has_a_bar_to_see_and_no_newcomer_is_denied(see: Open, tmp_path: Path) -> None:
    """Plotly would draw a lone week a millisecond wide; and who is new nobody can tell before 60 days are past."""
    sparse.load(_ask._store(tmp_path), [row for row in FEW if row["at"] < "2026-10-12"], since="2026-10-05T00:00Z",
                until="2026-10-13T00:00Z")  # fmt: skip
    app = see(tmp_path, "returning_members.py")
    assert all(each["width"] > 5 * 86_400_000 for each in drawn(app, 0)["data"])
    assert "No newcomers can be told yet: the data starts under 60 days before" in words(app)


def test_totals_that_no_export_has_are_unknown_not_zero(see: Open, few: Store) -> None:
    app = see(few.folder, "vanity_drawer.py")
    assert "Followers, likes and impressions are unknown" in words(app)
    assert len(app.dataframe) == 1


def test_a_source_whose_data_ends_before_the_week_is_named(see: Open, tmp_path: Path) -> None:
    """What follows its last day is silence, not change: the page says so."""
    store = Store(tmp_path)
    sparse.load(store, [{"id": "1", "by": "ana", "at": "2026-01-06T10:00Z", "source": "old"}])
    sparse.load(
        store, [{"id": "2", "by": "ben", "at": "2026-03-03T10:00Z", "source": "fresh"}], until="2026-03-09T00:00Z"
    )
    app = see(tmp_path, "weekly_health.py")
    said = words(app)
    assert "Not all of it reaches this week: Forum Old ends on 6 Jan 2026. Of the week's days it does reach," in said
    assert "the week's days covered" not in said, "a whole of what is not whole"


def test_a_source_in_which_nobody_spoke_fails_no_page(see: Open, tmp_path: Path) -> None:
    """Somebody joined, nobody said a word: it has days, and no first message. The data beside it has just begun."""
    store = _ask._store(tmp_path)
    sparse.load(store, FEW, since=None)
    joined = Message("j", "lobby", "eve", datetime(2026, 10, 6, tzinfo=UTC), "eve joined", "system")
    days = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC)
    with store.loading(Settings()) as loader:
        begun = loader.begin(Source("slack", "quiet", "Quiet", *days), "quiet.json")
        loader.take(
            begun, Chunk([joined], channels=[Channel("lobby", "Lobby", "chat")], members=[Member("eve", "Eve")])
        )
        loader.finish(begun)
        loader.derive()
        loader.publish()
    assert store.read("sources").filter(source="quiet")["first_at"].to_list() == [None]
    for page in ("weekly_health.py", "people_to_reach.py", "sources.py", "explore.py"):
        app = see(tmp_path, page)
        assert not app.exception
        assert not app.warning, page


def test_a_new_load_is_seen_at_once(see: Open, few: Store) -> None:
    """What was kept belongs to the old snapshot."""
    assert shown(see(few.folder))["Answered within 24 h"] == "1 of 2"
    sparse.load(few, [{"by": "ann", "at": "2026-10-13T10:00Z", "in": "e", "to": "e", "id": "new"}])
    assert shown(see(few.folder))["Answered within 24 h"] == "2 of 2"


@pytest.mark.parametrize("page", PAGES)
def test_an_error_stays_in_its_card(see: Open, demo: Store, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    """Each metric of a page fails once: where it stands there is a note to look for, and all else is there."""
    real, asked, broken = metric.ask, set[str](), ""

    def fails(store: Store, settings: Settings, question: Question) -> metric.Answer:
        asked.add(question.name)
        if question.name == broken:
            raise RuntimeError("a secret that no reader should see")
        return real(store, settings, question)

    def anew() -> AppTest:
        for shelf in _ask._shelves.values():
            shelf.clear()
        return app.run()

    monkeypatch.setattr(_ask, "ask", fails)
    app = see(demo.folder, page)
    asked.clear()
    assert not anew().warning
    for broken in sorted(asked):
        assert not anew().exception, broken
        titles = [warning.value.split("**")[1] for warning in app.warning]
        assert titles, f"{broken} fails, and nothing says so"
        assert not [title for title in titles if app.title[0].value.startswith(f"{title} :gray")], f"{broken}: no page"
        assert all("note" in warning.value for warning in app.warning)
        assert "secret" not in words(app)


def test_a_wrong_setting_is_told_in_full(
    see: Open, few: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "hearth.toml"
    settings.write_text('[community]\ntime_zone = "Mars/Olympus"\n', "utf-8")
    monkeypatch.setenv("HEARTH_SETTINGS", str(settings))
    said = words(see(few.folder))
    assert str(settings) in said
    assert "'Mars/Olympus' is not known. Allowed: a name such as 'Europe/Berlin'" in said


def test_the_doors_hold_the_same_rows_under_the_same_fingerprint(see: Open, few: Store) -> None:
    """The rows that were drawn are the rows that are opened and downloaded."""
    app = see(few.folder)
    weeks = guard.weeks_up_to(date(2026, 10, 12))
    answer = ask(few, Settings(), Question("answered_within", weeks.since, weeks.until, hours=24.0))
    line = next(trace for trace in drawn(app, 0)["data"] if trace.get("mode") == "lines+markers")
    rows = answer.rows.filter(pl.col("week").is_not_null())
    assert [value for value in line["y"] if value is not None] == rows["share"].drop_nulls().to_list()
    assert answer.fingerprint in app.get("html")[0].proto.body, "the sheet carries it"
    assert len(app.get("download_button")) == 1, "the report; each card's file stands behind its rows"


@pytest.mark.parametrize(
    ("hours", "said"),
    [(None, "unknown"), (0.25, "15 min"), (5.0, "5 h"), (5.17, "5 h 10 min"), (76.0, "3 d 4 h")],
)
def test_a_wait_is_told_in_two_units_at_most(hours: float | None, said: str) -> None:
    assert _words.wait(hours) == said


@pytest.mark.parametrize(
    ("hours", "said"), [(0.4, "24 minutes"), (1.0, "1 hour"), (50.0, "2 days"), (1600.0, "9 weeks")]
)
def test_an_age_is_one_word(hours: float, said: str) -> None:
    assert _words.age(hours) == said


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        (None, "12,400 asks"),
        ("en-US", "12,400 asks"),
        ("de-DE", "12.400 asks"),
        ("de-CH", "12’400 asks"),
        ("fr", "12\u202f400 asks"),
    ],
)
def test_thousands_are_set_apart_as_the_readers_browser_does(
    see: Open, demo: Store, monkeypatch: pytest.MonkeyPatch, locale: str | None, said: str
) -> None:
    """In words, in charts, and on a page that another reader has seen before; under a thousand nothing changes."""
    monkeypatch.setattr(type(st.context), "locale", property(lambda _: locale))
    assert _words.count(12400, "ask") == said
    assert _words.count(400, "ask") == "400 asks"
    app = see(demo.folder, "sources.py")
    total = f"{_ask._store(demo.folder).read('sources')['messages'].sum():,}"
    assert app.subheader[0].value.startswith(f"{total.replace(',', said[2])} messages")
    assert drawn(app, 0)["layout"]["template"]["layout"]["separators"] == f".{said[2]}"


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "Sun 15 Nov 2026, 22:40 UTC"),
        ("Europe/Berlin", "Sun 15 Nov 2026, 23:40 UTC+1"),
        ("America/St_Johns", "Sun 15 Nov 2026, 19:10 UTC−3:30"),
    ],
)
def test_a_time_is_the_communitys_with_its_distance_from_utc(zone: str, said: str) -> None:
    assert _words.moment(datetime(2026, 11, 15, 22, 40, tzinfo=UTC), ZoneInfo(zone)) == said


@pytest.mark.parametrize(
    ("locale", "said", "table", "axis"),
    [
        (None, "9 Nov 2026", "D MMM YYYY", "%-d %b"),
        ("de-DE", "9 Nov 2026", "D MMM YYYY", "%-d %b"),
        ("en-GB", "9 Nov 2026", "D MMM YYYY", "%-d %b"),
        ("en-US", "Nov 9, 2026", "MMM D, YYYY", "%b %-d"),
        ("ja", "2026 Nov 9", "YYYY MMM D", "%b %-d"),
    ],
)
def test_a_day_is_written_as_the_readers_browser_orders_it(
    see: Open, demo: Store, monkeypatch: pytest.MonkeyPatch, locale: str | None, said: str, table: str, axis: str
) -> None:
    """In words, tables and charts, whoever saw the page before; and anybody's address names the same week."""
    monkeypatch.setattr(type(st.context), "locale", property(lambda _: locale))
    for week in ("9 Nov 2026", "Nov 9, 2026", "2026 Nov 9"):
        app = see(demo.folder, week=f"Week of {week}")
        assert app.selectbox(key="week").value == f"Week of {said}"
    older = see(demo.folder, week="Week of Oct 12, 2026").selectbox(key="week").value
    assert older == f"Week of {said.replace('Nov', 'Oct').replace('9', '12')}"
    assert drawn(app, 0)["layout"]["template"]["layout"]["xaxis"]["tickformat"] == axis
    assert f"Week of {said}<br>" in str(drawn(app, 0)["data"])
    columns = json.loads(see(demo.folder, "sources.py").dataframe[0].proto.columns)
    assert columns["until"]["type_config"]["format"] == f"{table}, HH:mm [UTC]"


@pytest.mark.parametrize(("zone", "told"), [("UTC", "[UTC]"), ("Europe/Berlin", "[UTC]Z")])
def test_a_table_writes_days_and_times_as_the_words_do(
    see: Open, few: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str, told: str
) -> None:
    """Not as the browser would: the day with its month in letters, the time with its distance from UTC."""
    settings = tmp_path / "hearth.toml"
    settings.write_text(f'[community]\ntime_zone = "{zone}"\n', "utf-8")
    monkeypatch.setenv("HEARTH_SETTINGS", str(settings))
    columns = json.loads(see(few.folder, "sources.py").dataframe[0].proto.columns)
    assert columns["until"]["type_config"]["format"] == f"D MMM YYYY, HH:mm {told}"
    assert columns["until"]["type_config"]["timezone"] == zone


def test_a_table_of_weeks_sorts_by_time(see: Open, demo: Store) -> None:
    """Beside the whole period too, which has no day: a browser sorts what is left by its letters."""
    weeks = see(demo.folder, "explore.py", table="Metric: Reply rate").dataframe[0].value["week"].to_list()
    mondays = [each for each in weeks if each != "all weeks"]
    assert len(weeks) == len(mondays) + 1
    assert sorted(mondays) == sorted(mondays, key=date.fromisoformat)
    alone = pl.DataFrame({"week": [date(2026, 11, 9)]})
    assert _show.readable(alone) is alone, "a column of days only is one already"


def test_a_table_says_yes_and_no_and_tells_its_keys_to_the_last_digit(see: Open, demo: Store) -> None:
    """A browser counts up to 2^53; what is larger it marks red, as if it were wrong."""
    table = see(demo.folder, "explore.py", table="Metric: Unanswered").dataframe[0].value
    assert set(table["is_private"]) == {"no"}
    rows = ask(demo, Settings(), Question("unanswered")).rows
    assert set(table["source_key"]) <= {str(key) for key in rows["source_key"]}


def test_a_page_of_a_long_table_says_which_rows_it_shows(see: Open, demo: Store) -> None:
    said = words(see(demo.folder, "explore.py", rows="2", period="All time"))
    assert re.search(r"Rows 1,001 to [12],\d{3} of \d,\d{3};", said)


def test_a_share_of_few_is_a_count() -> None:
    """Twenty is where a percentage begins; asks too young to judge make an honest "about"."""
    assert _words.rate(0.5, 19) == "about 10 of 19"
    assert _words.rate(6 / 12, 12) == "6 of 12"
    assert _words.rate(0.5, 20) == "50\u00a0%"
    assert _words.rate(None, 40) == "unknown"
    assert _words.rate(None, 0) == "unknown"


def test_two_who_ask_the_same_at_once_wait_for_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ask, "stamp", lambda: "now")
    asked: list[int] = []
    gate = Event()

    @_ask.kept(4)
    def slow(number: int) -> int:
        asked.append(number)
        gate.wait(5)
        return number * 2

    with ThreadPoolExecutor(4) as readers:
        answers = [readers.submit(slow, 21) for _ in range(4)]
        gate.set()
    assert [answer.result() for answer in answers] == [42] * 4
    assert asked == [21]


def test_a_table_that_many_show_at_once_is_prepared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a crowd of others never leaves more behind than are kept."""
    asked: list[int] = []
    cells = _safe.cells

    def slow(frame: pl.DataFrame) -> pl.DataFrame:
        asked.append(frame["number"][0])
        time.sleep(0.02)
        return cells(frame)

    monkeypatch.setattr(_safe, "cells", slow)
    monkeypatch.setattr(_show, "TABLES", 3)
    monkeypatch.setattr(_show, "_tables", OrderedDict())
    frames = [pl.DataFrame({"number": [number]}) for number in range(3)]
    with ThreadPoolExecutor(9) as pool:
        shown = list(pool.map(_show._prepared, frames * 3))
    assert [cells["number"][0].as_py() for cells, _ in shown] == [0, 1, 2] * 3
    assert sorted(asked) == [0, 1, 2]
    _show._prepared(pl.DataFrame({"number": [3]}))
    assert len(_show._tables) == 3


def test_an_error_is_not_kept_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ask, "stamp", lambda: "now")
    asked: list[int] = []

    @_ask.kept(2)
    def once_wrong(number: int) -> int:
        asked.append(number)
        if len(asked) == 1:
            raise LookupError("not yet")
        return number

    with pytest.raises(LookupError):
        once_wrong(1)
    assert [once_wrong(number) for number in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert asked == [1, 1, 2, 3, 2], "1 was used last each time, so 2 had to make room for 3"


LOADED = """
import ast, asyncio, sys
from importlib import import_module
from pathlib import Path
import dashboard

async def begin():
    async with dashboard.warm(None):
        known = {name.partition(".")[0] for name in sys.modules} | sys.stdlib_module_names
        for page in Path("pages").glob("[!_]*.py"):
            for line in ast.parse(page.read_text("utf-8")).body:
                for name in [line.module] if isinstance(line, ast.ImportFrom) else []:
                    import_module(name)
        print(*({name.partition(".")[0] for name in sys.modules} - known))

asyncio.run(begin())
"""


def test_what_a_page_needs_is_loaded_before_its_first_visitor_comes() -> None:
    """A library that comes later is looked through for garbage after every run of every page."""
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=FRAME.parent.parent, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
