"""Weekly health: its verdicts are the command line's, its sheet needs nothing but itself, and unknown is never 0."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from data.demo import Community
from data.settings import Settings, Targets
from data.store import Store
from ingest.load import load_demo
from ingest.progress import Progress
from metrics import guard
from metrics.__main__ import app as command
from metrics.guard import compare
from metrics.metric import Question, ask
from pages import _ask, _figures, _sheet
from pages._figures import Trail
from tests import sparse
from tests.test_safe import HOSTILE

FRAME = Path(__file__).parent.parent / "pages" / "_frame.py"
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SIX = (
    "Answered within 24 h", "Waiting past target now", "Newcomers welcomed", "Returning members", "Net sentiment",
    "Conversation share",
)  # fmt: skip
Open = Callable[..., AppTest]


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open the page over a folder's data, as a reader would."""

    def open_page(folder: Path, **address: str) -> AppTest:
        monkeypatch.setenv("HEARTH_DATA", str(folder))
        app = AppTest.from_file(str(FRAME), default_timeout=60)
        app.query_params.update(address)
        return app.run()

    return open_page


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A made-up community of more than a year, in three places."""
    store = _ask._store(tmp_path_factory.mktemp("demo"))
    load_demo(store, Settings(), Progress(True), Community(days=420))
    return store


def fallen(folder: Path, name: str = "Acme") -> Store:
    """Twelve weeks: 60 asks each, all answered within the hour, but none of those in the channel `help` of the last."""
    rows: list[dict[str, Any]] = []
    for week in range(12):
        for each in range(60):
            at = MONDAY + timedelta(weeks=week, hours=2 * each)
            channel = ("help", "sales")[each % 2]
            row = {"id": f"q{week}-{each}", "by": f"m{week}-{each}", "at": at, "channel": channel, "source": name}
            rows.append(row)
            if week < 11 or channel == "sales":
                reply = {"id": f"a{week}-{each}", "by": "staff_kim", "at": at + timedelta(hours=1), "in": row["id"]}
                rows.append(row | reply | {"text": "Turn it."})
    store = _ask._store(folder)
    until = (MONDAY + timedelta(weeks=12, days=2)).isoformat()
    sparse.load(store, rows, forum=("help", "sales"), since="2025-06-02T00:00Z", until=until)
    return store


def values(app: AppTest) -> dict[str, str]:
    """The six numbers, by their names."""
    return {card.label: card.value for card in app.metric}


def sheet(app: AppTest) -> str:
    """What the browser would print."""
    (found,) = (body for each in app.get("html") if "hearth-sheet" in (body := str(each.proto.body)))
    return found


class Words(HTMLParser):
    """What a sheet says, by its headings, and where it would go for anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "style")]
        self.addresses += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


# --- the numbers and their verdicts ------------------------------------------------------------------------------


ASKED = (("answered_within", "members"), ("waiting_now", "members"), ("newcomer_welcome", "members"),
         ("member_flow", "back"), ("conversation_share", "members"))  # fmt: skip


@pytest.mark.parametrize(("name", "column"), ASKED)
@pytest.mark.parametrize("monday", [date(2026, 11, 9), date(2026, 9, 21)])
def test_a_verdict_from_rows_that_were_asked_already_is_the_guards_own(
    demo: Store, name: str, column: str, monday: date
) -> None:
    """To the last digit: the page asks less, and says the same."""
    question = Question(name, monday, monday + guard.WEEK, hours=24.0 if name == "answered_within" else None)

    def rows(asked: Question) -> list[dict[str, Any]]:
        known = guard.own if asked.name in guard.OWN else None
        return known(demo, Settings(), asked) if known else ask(demo, Settings(), asked).rows.to_dicts()

    reused = compare(demo, Settings(), question, column=column, rows=rows)
    anew = compare(demo, Settings(), question, column=column)
    assert (reused.verdict, reused.because, reused.said) == (anew.verdict, anew.because, anew.said)
    for one, other in ((reused.now, anew.now), (reused.before, anew.before)):
        assert (one.value, one.low, one.high, one.n) == pytest.approx((other.value, other.low, other.high, other.n))
    assert reused.doubt == pytest.approx(anew.doubt)


def test_the_page_says_what_the_command_line_says(see: Open, demo: Store) -> None:
    """The week's own rows and, behind each number's door, the guard's own sentence."""
    app = see(demo.folder)
    week = ("--since", "2026-11-09", "--until", "2026-11-16", "--data", str(demo.folder))

    def told(name: str, *options: str) -> dict[str, Any]:
        rows = json.loads(CliRunner().invoke(command, [name, *week, *options, "--format", "json"]).stdout)
        return next(row for row in rows if row["week"] is None)

    said = told("answered_within", "--hours", "24")
    assert values(app)["Answered within 24 h"] == f"{said['share'] * 100:.0f}\u00a0%"
    said = told("conversation_share")
    assert values(app)["Conversation share"] == f"{said['share'] * 100:.0f}\u00a0%"
    compared = CliRunner().invoke(command, ["answered_within", *week, "--hours", "24", "--compare"]).stdout.strip()
    app.session_state["rows-Answered within 24 h"] = True
    verdict = compared.rpartition(": ")[2]
    assert any(verdict in each.value for each in app.markdown)


def test_the_waiting_of_a_week_is_what_an_older_export_would_have_said(tmp_path: Path) -> None:
    """At the end of each week: those asked in the 26 weeks before, a day or more ago, and without a reply so far.

    The first ask waits over the end of week 0 and is answered in week 1; the second is never answered, and after 26
    weeks is no longer waited for; the third waits for less than a day when its week ends.
    """
    rows = [
        {"id": "a", "by": "ann", "at": "2026-01-07T00:00Z"},
        {"by": "bob", "at": "2026-01-14T00:00Z", "in": "a", "text": "Turn it."},
        {"id": "b", "by": "bob", "at": "2026-01-14T12:00Z"},
        {"id": "c", "by": "cem", "at": "2026-01-18T12:00Z"},
        {"by": "ann", "at": "2026-01-20T12:00Z", "in": "c", "text": "Turn it."},
    ]
    store = sparse.store_of(tmp_path, rows, since="2026-01-05T00:00Z", until="2026-08-31T00:00Z")
    asked = Question("waiting_now", date(2026, 1, 5), date(2026, 8, 31))
    late = {row["week"]: row["past_target"] for row in guard.own(store, sparse.settings(), asked)}
    weeks = [late[date(2026, 1, 5) + each * guard.WEEK] for each in range(34)]
    assert weeks[:3] == [1, 1, 1], "a; b, for c has waited twelve hours; b, for c was answered"
    assert weeks[3:27] == [1] * 24
    assert weeks[27:] == [0] * 7, "b was asked over 26 weeks before"


# --- in words ----------------------------------------------------------------------------------------------------


def test_a_clear_fall_is_the_headline_and_what_moved_it_adds_up(see: Open, tmp_path: Path) -> None:
    """Half of the asks went unanswered, all of them in one channel: 50 points, and 30 of 30 there."""
    app = see(fallen(tmp_path).folder)
    assert app.subheader[0].value.startswith("Fewer people were answered within a day")
    assert any(":red[**▼ clear worse**]" in each.value for each in app.markdown)
    (moved,) = [each for each in app.expander if each.label.startswith("What moved it · Answered within 24 h")]
    assert "help" in moved.label
    app.session_state["moved-Answered within 24 h"] = True
    app.run()
    (parts,) = [frame.value for frame in app.dataframe if "together, points" in frame.value.columns]
    channel = parts[parts["seen by"] == "channel"]
    assert channel["together, points"].sum() == pytest.approx(-50)
    assert "help" in sheet(app)


def test_one_week_is_too_early_for_any_verdict(see: Open, tmp_path: Path) -> None:
    rows = [{"id": str(each), "by": f"m{each}", "at": MONDAY + timedelta(hours=each)} for each in range(40)]
    store = _ask._store(tmp_path)
    sparse.load(store, rows, since=MONDAY.isoformat(), until="2026-01-13T00:00Z")
    app = see(store.folder)
    assert not app.exception
    assert not app.warning
    assert app.subheader[0].value == "This is the first whole week, so there is nothing to compare it with yet."
    verdicts = [each.value for each in app.markdown if "◔" in each.value]
    assert len(verdicts) == len(SIX)
    assert all("the first week" in each and "nothing to compare it with yet" in each for each in verdicts)
    assert "too early" not in sheet(app)
    assert values(app)["Answered within 24 h"] == "0\u00a0%"
    assert values(app)["Newcomers welcomed"] == "unknown", "the data has just begun"
    assert values(app)["Conversation share"] == "unknown", "nobody is known to be staff"
    (door,) = [each for each in app.page_link if each.label == "Say who is staff"]
    assert (door.proto.page, parse_qs(door.proto.query_string)["part"]) == ("sources", ["Who is who"])


def test_the_headline_stands_before_what_is_to_know_of_the_data(see: Open, tmp_path: Path) -> None:
    """One line tells how far the data reaches; the rest of it opens beside that line."""
    app = see(broken_off(tmp_path).folder)
    first = next(each for each in in_order(app.main) if each.type in ("caption", "subheader", "markdown"))
    assert first.value == app.subheader[0].value
    (line,) = [each.value for each in app.caption if each.value.startswith("Data to")]
    assert line == "Data to the end of Sun 29 Mar 2026 · 1 of 2 sources ends before this week does"
    (window,) = [each for each in blocks(app.main) if each.type == "popover" and "to know" in each.proto.popover.label]
    assert window.proto.popover.label == "3 things to know about this data"
    assert [each.value.split()[0] for each in window.markdown] == ["Data:", "Not"]
    assert [each.label for each in window.get("page_link")] == ["Say who is staff"]


def in_order(block: Any) -> Iterator[Any]:
    """What stands in a part of the page, from its top to its end."""
    for each in block.children.values():
        yield from in_order(each) if hasattr(each, "children") else (each,)


def blocks(block: Any) -> Iterator[Any]:
    """A part of the page and the parts in it."""
    yield block
    for each in block.children.values():
        if hasattr(each, "children"):
            yield from blocks(each)


def verdicts(app: AppTest) -> list[str]:
    """What the tiles say of their changes, one each."""
    found = [re.match(r":\w+\[\*\*. (.+?)\*\*\]", each.value) for each in app.markdown]
    return [each[1] for each in found if each]


def told(folder: Path, asks: tuple[int, int], replied: bool = True) -> Store:
    """A forum of a year, silent but for its last two whole weeks with so many asks each, by members never seen."""
    store = _ask._store(folder)
    rows: list[dict[str, Any]] = [{"by": "old", "at": "2025-03-05T10:00Z", "text": "Good morning to you all"}]
    for week, number in enumerate(asks):
        for each in range(number):
            at = MONDAY + timedelta(weeks=week, hours=each)
            rows.append({"id": f"q{week}-{each}", "by": f"m{week}-{each}", "at": at, "in": f"q{week}-{each}"})
            if replied:
                rows.append({"by": "kim", "at": at + timedelta(hours=1), "in": f"q{week}-{each}", "text": "Turn it."})
    sparse.load(store, rows, since="2025-01-06T00:00Z", until="2026-01-21T00:00Z")
    return store


def test_what_is_too_few_or_unknown_is_no_verdict_of_no_change(see: Open, tmp_path: Path) -> None:
    """Three asks, and four the week before; nobody is staff: of six numbers not one can be compared."""
    app = see(told(tmp_path, (4, 3)).folder)
    said = dict(zip(SIX, verdicts(app), strict=True))
    assert said["Answered within 24 h"] == said["Newcomers welcomed"] == "too few to compare"
    assert said["Conversation share"] == "cannot be compared"
    assert not {"no clear change", "too early"} & set(said.values())
    sure = "We can't tell whether anything changed in this week: none of the numbers can be compared."
    assert app.subheader[0].value == sure
    assert sure in unescape(sheet(app))
    assert "no clear change" not in sheet(app)


def test_a_week_after_a_silent_one_is_not_too_early(see: Open, tmp_path: Path) -> None:
    app = see(told(tmp_path, (0, 30)).folder)
    (tile,) = [each.value for each in app.markdown if "the week before is unknown" in each.value][:1]
    assert "cannot be compared" in tile
    assert "too early" not in verdicts(app)[0]


def test_the_headline_counts_only_what_was_compared(see: Open, tmp_path: Path) -> None:
    """60 asks in each week, all answered: the two shares are compared, what nobody can know is not."""
    app = see(told(tmp_path, (60, 60)).folder)
    steady = verdicts(app).count("no clear change")
    assert len(SIX) / 2 <= steady < len(SIX)
    assert app.subheader[0].value == f"No clear change in what can be compared: {steady} of the 6 numbers."


def test_where_most_cannot_be_compared_the_headline_says_that_first(see: Open, tmp_path: Path) -> None:
    """Nobody asks, nobody is staff: that one number stayed as it was is no good news."""
    app = see(broken_off(tmp_path).folder)
    assert verdicts(app).count("no clear change") == 1, "else the case is not met"
    least = "Too little to compare this week: only 1 of the 6 numbers can be; it did not clearly change."
    assert app.subheader[0].value == least
    assert least in sheet(app)


def test_by_platform_shows_no_week_after_the_chosen_one(see: Open, demo: Store) -> None:
    """In the picture, in its title and in its shares: they are those of the weeks that lead to it."""
    app = see(demo.folder, week="Week of 21 Sep 2026")
    drawn = [json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart")]
    weeks = {day[:10] for trace in drawn[6] for day in trace.get("x") or ()}
    assert max(weeks) == max(day[:10] for trace in drawn[0] for day in trace.get("x") or ()) == "2026-09-21"
    assert any("over the weeks up to 27 Sep 2026: from " in each.value for each in [*app.markdown, *app.subheader])
    newest = see(demo.folder)
    assert app.get("plotly_chart")[6].proto.spec != newest.get("plotly_chart")[6].proto.spec


def broken_off(folder: Path) -> Store:
    """Twelve weeks in two places; the old one is covered to the end of 24 Feb, a Tuesday, in the eighth week."""
    store = _ask._store(folder)
    for name, weeks, until in (("fresh", 12, "2026-03-30T00:00Z"), ("old", 7, "2026-02-25T00:00Z")):
        rows = [
            {"by": f"{name}{each}", "at": MONDAY + timedelta(weeks=week, hours=each), "source": name, "text": "Morning"}
            for week in range(weeks)
            for each in range(30)
        ]
        sparse.load(store, rows, since="2025-06-02T00:00Z", until=until)
    return store


def test_a_trail_marks_where_a_source_ended(see: Open, tmp_path: Path) -> None:
    """A cliff that may only be silence: dotted on the card and on paper, said once, with one date."""
    app = see(broken_off(tmp_path).folder)
    card = json.loads(app.get("plotly_chart")[SIX.index("Returning members")].proto.spec)
    dotted = [each for each in card["layout"]["shapes"] if each["line"].get("dash") == "dot"]
    assert [each["x0"] for each in dotted] == ["2026-02-21T12:00"], "on Tuesday night of a week drawn from Thursday on"
    said = " ".join(each.value for each in [*app.caption, *app.markdown])
    assert "Forum Old to the end of Tue 24 Feb 2026" in said
    assert "Forum Old ends on 24 Feb 2026." in said
    assert "25 Feb" not in said
    assert "A dotted line in a trail: there a source ends." in said
    pictures = re.findall(r"base64,([^\"]+)", sheet(app))
    assert "1.5 3" in base64.b64decode(pictures[SIX.index("Returning members")]).decode()


def test_a_platform_is_marked_where_a_source_of_it_ended(see: Open, tmp_path: Path) -> None:
    """In its own strip, at the same place as in the trails; the other platform's strip stays unmarked."""
    for name, weeks, until in (("forum", 12, "2026-03-30T00:00Z"), ("mail", 7, "2026-02-25T00:00Z")):
        rows = [
            {"by": f"{name}{each}", "at": MONDAY + timedelta(weeks=week, hours=each), "platform": name, "source": name}
            for week in range(weeks)
            for each in range(8)
        ]
        sparse.load(_ask._store(tmp_path), rows, since="2025-06-02T00:00Z", until=until)
    app = see(tmp_path)
    layout = json.loads(app.get("plotly_chart")[6].proto.spec)["layout"]
    marks = [(each["x0"], each["yref"]) for each in layout["shapes"]]
    assert marks == [("2026-02-21T12:00", "y2 domain")]
    assert "Mail" in layout["annotations"][1]["text"]
    assert "A dotted line: there a source ends." in " ".join(each.value for each in app.caption)


def test_no_trail_is_marked_where_all_sources_reach(see: Open, demo: Store) -> None:
    app = see(demo.folder)
    assert "dotted" not in " ".join(each.value for each in app.caption)
    assert not any('"dot"' in chart.proto.spec for chart in app.get("plotly_chart"))


def test_who_waits_now_is_told_apart_from_who_waited_then(see: Open, demo: Store) -> None:
    """The big number is of the data's last day, the other five of the chosen week: the small print says so."""
    app = see(demo.folder, week="Week of 21 Sep 2026")
    assert values(app)["Waiting past target now"] == values(see(demo.folder))["Waiting past target now"]
    said = [each.value for each in app.caption]
    (now,) = [each for each in said if each.startswith("now, on ")]
    assert re.match(r"now, on \d+ Nov 2026: of [\d,]+ asks without a reply, ", now)
    late = {row["week"]: row["past_target"] for row in guard.own(demo, Settings(), Question(
        "waiting_now", date(2026, 9, 14), date(2026, 9, 28)))}  # fmt: skip
    end, before = late[date(2026, 9, 21)], late[date(2026, 9, 14)]
    assert f"compared: {end:,} at the chosen week's end, {before:,} a week before" in said


def test_the_rule_has_its_name_in_the_help_only(see: Open, demo: Store) -> None:
    (how,) = [each for each in see(demo.folder).caption if "numbers are compared here" in each.value]
    assert "Holm" not in how.value
    assert "Holm" in how.proto.help


def test_a_clear_change_says_how_many_others_cannot_be_compared(see: Open, tmp_path: Path) -> None:
    app = see(fallen(tmp_path).folder)
    said = verdicts(app)
    steady, untold = said.count("no clear change"), sum(not each.startswith(("clear", "no clear")) for each in said)
    assert untold, "else the case is not met"
    assert f"; {untold} cannot be compared." in app.subheader[0].value
    assert f"No clear change in {steady} other" in app.subheader[0].value


def test_a_share_of_too_few_messages_is_not_told_beside_too_few(see: Open, tmp_path: Path) -> None:
    rows = [
        {
            "id": f"{week}-{each}",
            "by": f"m{each}",
            "at": MONDAY + timedelta(weeks=week, hours=each),
            "sounds": "negative",
        }
        for week in range(2)
        for each in range(12)
    ]
    store = _ask._store(tmp_path)
    sparse.load(store, rows, since=MONDAY.isoformat(), until="2026-01-21T00:00Z")
    app = see(store.folder)
    assert values(app)["Net sentiment"] == "too few"
    assert "of 12 classified messages" in [each.value for each in app.caption]
    assert not [each.value for each in app.caption if each.value.endswith("negative")]


def test_a_platform_on_which_nobody_asked_has_a_line_and_no_axis(see: Open, tmp_path: Path) -> None:
    """In the page's picture, in its words, and on paper."""
    store = told(tmp_path, (60, 60))
    old = {"id": "old", "by": "ana", "at": "2024-03-05T10:00Z", "platform": "slack", "source": "T1"}
    sparse.load(store, [old], since="2024-03-04T00:00Z", until="2024-03-11T00:00Z")
    app = see(store.folder)
    assert any("Nobody asked on Slack in these weeks." in each.value for each in app.caption)
    titles = [
        note["text"]
        for chart in app.get("plotly_chart")[6:]
        for note in json.loads(chart.proto.spec)["layout"].get("annotations", [])
    ]
    assert [each.split("</b>")[0] for each in titles] == ["<b>Forum"]
    assert "Nobody asked on Slack in these weeks." in sheet(app)


def test_nobody_is_asked_who_is_staff_where_that_is_known(see: Open, tmp_path: Path) -> None:
    assert not [each for each in see(fallen(tmp_path).folder).page_link if each.label == "Say who is staff"]


def test_a_target_of_ones_own_is_drawn_with_its_value(
    see: Open, demo: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And decides nothing: the fingerprint of a number stays."""
    settings = tmp_path / "hearth.toml"
    settings.write_text("[targets]\nanswered_within = 0.9\nwaiting_now = 10\n", "utf-8")
    monkeypatch.setenv("HEARTH_SETTINGS", str(settings))
    app = see(demo.folder)
    notes = [
        note["text"]
        for chart in app.get("plotly_chart")[:6]
        for note in json.loads(chart.proto.spec)["layout"].get("annotations", [])
    ]
    assert notes == ["target 90\u00a0%", "target 10"]
    pictures = re.findall(r"base64,([^\"]+)", sheet(app))
    assert "stroke-dasharray" in base64.b64decode(pictures[0]).decode()
    assert Settings(targets=Targets(waiting_now=10)).fingerprint == Settings().fingerprint


# --- on paper ----------------------------------------------------------------------------------------------------


def test_the_report_holds_the_six_numbers_and_needs_nothing_but_itself(see: Open, demo: Store) -> None:
    """No script, no address but pictures within; and all that the page says."""
    app = see(demo.folder)
    monkeyed = Words(sheet(app))
    assert set(monkeyed.tags) <= {"style", "div", "header", "strong", "span", "p", "h1", "h2", "h3", "section",
                                  "article", "small", "img", "footer"}  # fmt: skip
    assert all(each.startswith("data:image/svg+xml;base64,") for each in monkeyed.addresses)
    assert len(monkeyed.addresses) == 6 + 3, "a trail a number, and one a platform"
    assert "url(" not in sheet(app)
    assert "@import" not in sheet(app)
    for title, value in values(app).items():
        place = monkeyed.said.index(title)
        assert monkeyed.said[place + 1] == value.replace("\u00a0", " ")
    assert app.subheader[0].value in monkeyed.said


def test_the_report_carries_the_fingerprint_of_all_that_stands_on_it_and_says_what_is_unknown(
    see: Open, demo: Store, tmp_path: Path
) -> None:
    """As the page does: of each number, of what moved it and of the platforms; and that nobody is known as staff."""
    told = sheet(see(demo.folder))
    since, until = date(2026, 5, 18), date(2026, 11, 16)
    platforms = ask(demo, Settings(), Question("answered_within", since, until, "platform", hours=24.0))
    assert f"By platform: {platforms.fingerprint}" in told
    assert len(re.findall(r"[a-z_]+-[0-9a-f]{8}-[0-9a-f]{6}-[0-9a-f]{6}-\d+", told)) == 6 + 1
    assert "is unknown." not in told
    rows = [{"by": "ann", "at": f"2026-10-{day}T10:00Z", "in": f"a{day}"} for day in ("06", "13")]
    sparse.load(_ask._store(tmp_path), rows, until="2026-10-19T00:00Z")
    app = see(tmp_path)
    assert "so what the team says is unknown" in " ".join(each.value for each in app.caption)
    assert "Nobody who spoke here is known as staff, so what the team says is unknown." in sheet(app)


def test_words_of_others_do_nothing_in_the_report() -> None:
    """Names that are up to something come out as text, in the page's sheet and in the file."""
    known = Trail((date(2026, 1, 5),), (0.5,), (0.4,), (0.6,), 0.0, 1.0, (HOSTILE[0],), 0.9, HOSTILE[1])
    reading = guard.Reading(0.5, 0.4, 0.6, 40)
    change = guard.Change("reply_rate", reading, reading, "", "clear better", "; ".join(HOSTILE))
    number = _sheet.Number(
        HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3], change, known, "", Question("x"), ("", "", ())
    )
    for text in HOSTILE:
        place = _sheet.Place(text, text, known)
        found = _sheet.Sheet(
            text, text, text, text, text, (number,), (text,), (place,), text, text, text, ((text, text),), (text,)
        )
        document = _sheet.document(found)
        usual = {"html", "head", "meta", "title", "body", "style", "main", "div", "header", "strong", "span", "p",
                 "h1", "h2", "h3", "section", "article", "small", "img", "footer"}  # fmt: skip
        words = Words(document)
        assert set(words.tags) <= usual
        assert all(each.startswith("data:image/svg+xml;base64,") for each in words.addresses)
    drawn = _sheet.svg(known)
    assert not set(Words(drawn).tags) - {"svg", "rect", "polygon", "polyline", "circle", "line", "text"}


def test_a_trail_bridges_no_gap() -> None:
    """Known, unknown, known: two runs, a point where no line reaches, and the unknown week in grey."""
    weeks = tuple(date(2026, 1, 5) + each * guard.WEEK for each in range(4))
    trail = Trail(weeks, (0.2, None, 0.4, 0.6), (0.1, None, 0.3, 0.5), (0.3, None, 0.5, 0.7), 0, 1, ("",) * 4)
    assert trail.runs() == [[0], [2, 3]]
    assert trail.dots() == {0, 3}
    drawn = _sheet.svg(trail)
    assert (drawn.count("<polyline"), drawn.count("<rect"), drawn.count("<circle")) == (2, 1, 2)
    figure = _figures.small(trail, _figures.LIGHT)
    assert [each["mode"] for each in figure["data"]] == ["none", "none", "lines+markers"]
    assert figure["data"][-1]["y"] == [0.2, None, 0.4, 0.6]
    assert [each["x0"] for each in figure["layout"]["shapes"]] == ["2026-01-08T12:00"], "the unknown week is grey"


def test_a_trail_has_no_last_point_where_the_last_week_is_unknown() -> None:
    """Else an old value would look like today's."""
    weeks = tuple(date(2026, 1, 5) + each * guard.WEEK for each in range(3))
    assert Trail(weeks, (0.2, 0.3, None), (None,) * 3, (None,) * 3, 0, 1, ("",) * 3).dots() == set()
