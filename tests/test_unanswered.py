"""Unanswered: what people mark moves the list at once and the numbers soon after, and can be taken back."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from data.marks import Marks, Target
from data.records import Channel, Source
from data.settings import Settings
from data.store import Chunk, Store
from metrics.__main__ import app as command
from metrics.metric import Question, ask
from pages import _ask, _marks, _reader
from tests import sparse
from tests.desk import Serve

FRAME = Path(__file__).parent.parent / "pages" / "_frame.py"
Open = Callable[..., AppTest]
NOON = "2026-10-20T12:00Z"
# Asked by four people; ann and bob were here before, and bob's earlier ask was never answered.
ROWS: list[dict[str, Any]] = [
    {"id": "a0", "by": "ann", "at": "2026-08-03T09:00Z", "in": "a0", "text": "Where do I start?"},
    {"by": "staff_kim", "at": "2026-08-03T12:00Z", "in": "a0", "to": "a0", "text": "With the wick, then the glass."},
    {"id": "b0", "by": "bob", "at": "2026-08-05T09:00Z", "in": "b0", "text": "Is there a manual?"},
    {"id": "a", "by": "ann", "at": "2026-10-13T09:00Z", "in": "a", "text": "How do I bend it?"},
    {"id": "b", "by": "bob", "at": "2026-10-14T09:00Z", "in": "b", "text": "Which glue?", "permalink": "https://f.example/b"},
    {"id": "c", "by": "cem", "at": "2026-10-19T09:00Z", "in": "c", "text": "Is anybody there?"},
    {"id": "d", "by": "dee", "at": "2026-10-20T09:00Z", "in": "d", "text": "What is a lantern?"},
]  # fmt: skip
CALENDAR = {"channels": [{"channel": "help", "target_hours": 24.0, "calendar": "office"}],
            "calendars": [{"name": "office"}]}  # fmt: skip


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open the page as a reader would; the numbers do not follow by themselves, so that a test says when."""
    monkeypatch.setattr(_marks.Follower, "call", lambda *_, **__: None)

    def open_page(folder: Path, who: str | None = "Ana", **address: str) -> AppTest:
        monkeypatch.setenv("HEARTH_DATA", str(folder))
        app = AppTest.from_file(str(FRAME), default_timeout=60)
        app.query_params.update(address)
        if who:
            app.session_state[_reader.WHO] = who
        app.run()
        return app.switch_page("unanswered.py").run()

    yield open_page
    _marks._remembered.clear()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    sparse.put(tmp_path, ROWS, until=NOON)
    return _ask._store(tmp_path)


@pytest.fixture
def marks(store: Store) -> Iterator[Marks]:
    journal = Marks(store.folder)
    yield journal
    journal.close()


def listed(app: AppTest) -> list[str]:
    """What the people of the list said, in its order."""
    return list(app.dataframe[0].value["They said"]) if app.dataframe else []


def words(app: AppTest) -> str:
    kinds = (app.subheader, app.markdown, app.caption, app.text, app.warning, app.error, app.code, app.toast)
    said = "\n".join(str(each.value) for kind in kinds for each in kind)
    return re.sub(r"\\(?=[!-/:-@[-`{-~])|\u2060", "", said)  # as it is read, not as Markdown spells it


def press(app: AppTest, name: str, place: int = 0) -> AppTest:
    """Press a button by what stands on it."""
    assert not app.exception
    return [each for each in app.button if each.label == name][place].click().run()


def open_row(app: AppTest, place: int, ticked: tuple[int, ...] = ()) -> AppTest:
    app.session_state["asks"] = {"selection": {"rows": list(ticked), "columns": [], "cells": [(place, "They said")]}}
    return app.run()


def counted(store: Store) -> int:
    """How many wait, as the command line says it."""
    printed = CliRunner().invoke(command, ["waiting_now", "--format", "json", "--data", str(store.folder)])
    return int(json.loads(printed.stdout)[0]["asks"])


def heading(app: AppTest) -> str:
    return str(app.subheader[0].value)


def test_nothing_loaded_leads_to_the_first_load(see: Open, tmp_path: Path) -> None:
    app = see(tmp_path / "none")
    assert "Load your first export" in words(app)
    assert not app.exception


def test_the_most_urgent_stands_first_and_says_why(see: Open, store: Store) -> None:
    """The weights stand on the page, as the settings have them; bob's last ask was never answered."""
    app = see(store.folder)
    assert listed(app)[0] == "Which glue?"
    assert "Urgency 0.69: past target 0.40, question or mention 0.10, let down before 0.10, age 0.09." in words(app)
    assert "**40\u00a0%** waiting for longer than the target" in words(app)
    assert heading(app) == "4 people are waiting; the longest for 10 weeks. 4 asks are past the target."


def test_their_own_words_come_first_and_the_thread_says_where(see: Open, tmp_path: Path) -> None:
    """No quote, no mark of Markdown, no long name that a cell would break anywhere; a title alone is what was said."""
    asked = {"in": "a", "channel": "lantern-makers-and-blowers"}
    rows = [
        {"id": "a", "by": "ann", "at": "2026-10-13T09:00Z", "title": "Bending **brass** [help]", **asked,
         "text": "> Try heat.\n\n**How** do I [bend](https://f.example/bend) `it`?"},
        {"id": "b", "by": "bob", "at": "2026-10-14T09:00Z", "in": "b", "title": "Which glue?", "text": ""},
        {"id": "c", "by": "cem", "at": "2026-10-14T09:30Z", "in": "c", "title": "Bending brass [help]", "text": "How?"},
    ]  # fmt: skip
    sparse.put(tmp_path, rows, until=NOON)
    app = see(tmp_path)
    told = {row["They said"]: row for row in app.dataframe[0].value.to_dict("records")}
    assert set(told) == {"How do I bend it?", "Which glue?", "How?"}
    assert told["How?"]["Where"] == "Bending brass [help] · help · Forum"
    where = told["How do I bend it?"]["Where"]
    assert where == "Bending brass… · lantern-makers- and-blowers · Forum", "four lines, three are the channel's"
    assert told["Which glue?"]["Where"] == "help · Forum"
    app = open_row(app, list(app.dataframe[0].value["They said"]).index("How do I bend it?"))
    assert "**How** do I [bend](https://f.example/bend) `it`?" in app.text[0].value, "opened, it is as it was written"


def test_praise_that_opens_a_thread_says_so_and_is_to_be_thanked(see: Open, tmp_path: Path) -> None:
    """In a forum every opener needs a reply: a word of thanks is one, and its row says why it stands here."""
    rows = [{"by": "ann", "at": "2026-08-12T09:00Z", "in": "z", "id": "z", "text": "Is this the forum?"},
            {"by": "ann", "at": "2026-10-12T09:00Z", "in": "a", "id": "a", "sounds": "positive"}]  # fmt: skip
    sparse.put(tmp_path, rows, until=NOON)
    app = see(tmp_path)
    place = listed(app).index(praise := sparse.SOUNDS["positive"][0])
    assert app.dataframe[0].value["Why"][place] == "praise, opens a thread"
    assert app.dataframe[0].value["Why"][1 - place] == "question"
    assert "Needs a reply: praise, opens a thread." in words(open_row(app, place))
    said = words(app.switch_page("people_to_reach.py").run())
    assert "1 person to thank" in said
    assert praise in said


def test_a_phone_shows_who_said_what(see: Open, store: Store) -> None:
    """Beside the boxes to tick, in the 358 points that a phone of 390 leaves; a desk of 1280 has room for all."""
    drawn = json.loads(see(store.folder).dataframe[0].proto.columns)
    widths = {name: each["width"] for name, each in drawn.items() if "width" in each}
    order = list(see(store.folder).dataframe[0].value)
    first = order[: order.index("Who") + 1]
    assert "They said" in first
    assert 33 + sum(widths[name] for name in first) <= 358
    assert 33 + sum(widths.values()) <= 730


def test_a_newcomer_is_called_so_wherever_they_stand(see: Open, tmp_path: Path) -> None:
    sparse.put(tmp_path, [*ROWS, {"id": "d1", "by": "dee", "at": "2026-10-20T09:05Z", "in": "d", "text": "Really?"}])
    app = see(tmp_path)
    app = press(open_row(app, listed(app).index("What is a lantern?")), "Hand over")
    assert "**Dee** · newcomer" in words(app)
    said = [each.value for each in app.caption if "Oct 2026, 09:0" in each.value and "Dee" in each.value]
    assert len(said) == 2
    assert all(" · newcomer · " in each for each in said)
    assert app.code[0].value.count("Dee (newcomer)") == 2


def test_waits_are_told_by_the_wall_and_in_open_hours(
    see: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked on Wednesday at 9:00, and it is Tuesday noon: six days, of which 4 times 8 hours and 3 are open."""
    store = _ask._store(tmp_path)
    sparse.load(store, ROWS, CALENDAR, until=NOON)
    path = tmp_path / "hearth.toml"
    path.write_text('[[channels]]\nchannel = "help"\ncalendar = "office"\n[[calendars]]\nname = "office"\n')
    monkeypatch.setenv("HEARTH_SETTINGS", str(path))
    app = see(store.folder)
    (row,) = app.dataframe[0].value.query("`They said` == 'Which glue?'").to_dict("records")
    assert row["Waiting"] == "6 days, 35 h open"
    assert "Waiting 6 days, 35 h of it while somebody is there; target 24 h." in words(app)


def test_the_persons_history_is_told(see: Open, store: Store) -> None:
    app = open_row(see(store.folder), listed(see(store.folder)).index("How do I bend it?"))
    assert "Here since 3 Aug 2026, on 1 day before. Of 1 ask before, 1 answered." in words(app)
    assert "asked, answered after 3 h" in words(app)
    assert "Where do I start?" in words(app)
    app = open_row(app, listed(app).index("What is a lantern?"))
    assert "Nothing is known of them from before." in words(app)


def test_where_profiles_are_forbidden_nobody_is_followed(
    see: Open, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No visits, no history, no weight for it; and it says so."""
    path = tmp_path / "hearth.toml"
    path.write_text('[privacy]\nno_profiles = ["forum"]\n')
    monkeypatch.setenv("HEARTH_SETTINGS", str(path))
    app = see(store.folder)
    app = open_row(app, listed(app).index("Which glue?"))
    assert "Forum’s terms forbid to follow single members over time" in words(app)
    assert not any(told in words(app) for told in ("Is there a manual?", "visit", "let down before 0"))
    assert not any("visit" in who for who in app.dataframe[0].value["Who"])


@pytest.mark.parametrize(("button", "value"), [("Answered elsewhere", "answered"), ("No reply needed", "no_reply")])
def test_what_is_settled_leaves_at_once_the_numbers_follow_and_undo_brings_it_back(
    see: Open, store: Store, marks: Marks, button: str, value: str
) -> None:
    app = see(store.folder)
    before, first = counted(store), listed(app)[0]
    app = press(app, button)
    assert first not in listed(app)
    assert "1 mark is newer than the numbers" in words(app)
    (row,) = marks.current("ask").to_pylist()
    assert (row["native_id"], row["value"], row["by"]) == ("b", value, "Ana")
    shown = heading(app)
    assert counted(store) == before, "the numbers do not know yet"
    assert store.follow_marks(Settings())
    assert counted(store) == before - 1
    app.run()
    assert heading(app) == shown, "what was laid over is what the numbers say now"
    assert "The numbers know of 1 mark." in words(app)
    app = press(app, "Undo")
    assert f"**Taken back** · Bob: {_marks.WORDS[value]}." in words(app)
    assert listed(app)[0] == first, "also where the numbers had followed already"
    assert store.follow_marks(Settings())
    assert counted(store) == before
    assert heading(app.run()) != shown


def test_the_list_is_the_command_lines(see: Open, store: Store, marks: Marks) -> None:
    """Before anything is marked, while marks are newer than the numbers, and after."""
    for step in ("", "c", "d"):
        if step:
            marks.add("ask", Target("forum", "acme", step), "answered", "Ben")
            shown = listed(see(store.folder))
            store.follow_marks(Settings())
        waiting = [row["text"] for row in ask(store, Settings(), Question("unanswered")).rows.to_dicts()]
        assert listed(see(store.folder)) == waiting
        assert not step or shown == waiting


def test_several_are_marked_and_taken_back_at_once(see: Open, store: Store, marks: Marks) -> None:
    app = see(store.folder)
    before = listed(app)
    app = open_row(app, 0, (1, 2, 4))
    assert "**3 asks are ticked:** a mark goes to all of them." in words(app)
    app = press(app, "No reply needed")
    assert listed(app) == [before[0], before[3]]
    assert "3 asks: no reply needed." in words(app)
    app = press(app, "Undo")
    assert listed(app) == before
    assert marks.current("ask").num_rows == 0


def test_a_snoozed_ask_comes_back_when_its_time_is_over(
    see: Open, store: Store, marks: Marks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It still waits, so no number changes; where snoozed ones are shown it can be seen."""
    app = see(store.folder)
    first, said = listed(app)[0], heading(app)
    app.selectbox(key="snooze").set_value("for 3 hours").run()
    app = press(app, "Snooze")
    (row,) = marks.current("ask").to_pylist()
    assert abs(row["until"] - datetime.now(UTC) - timedelta(hours=3)) < timedelta(minutes=1)
    assert first not in listed(app)
    assert heading(app) == said
    assert listed(see(store.folder, whose="Snoozed")) == [first]
    assert "Snoozed until" in words(see(store.folder, whose="Snoozed"))
    monkeypatch.setattr("data.marks.datetime", Later)
    monkeypatch.setattr(time, "time", lambda: datetime.now(UTC).timestamp() + 4 * 3600)
    assert first in listed(app.run())


class Later(datetime):
    """Four hours from now."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(hours=4)


def test_what_is_mine_stays_under_my_name_and_can_be_let_go(see: Open, store: Store) -> None:
    app = see(store.folder)
    first, columns = listed(app)[0], list(app.dataframe[0].value)
    app = press(app, "Mine")
    assert listed(app)[0] == first
    assert app.dataframe[0].value["Marked"][0] == "Ana’s"
    assert list(app.dataframe[0].value) == columns, "nothing moves where a mark is made"
    assert listed(see(store.folder, whose="Mine")) == [first]
    assert listed(see(store.folder, who="Ben", whose="Mine")) == []
    assert first not in listed(see(store.folder, whose="Nobody's"))
    app = press(open_row(app, 0), "Let go")
    assert "**Taken back** · Bob: taken." in words(app)
    assert app.dataframe[0].value["Marked"][0] == ""
    assert first in listed(see(store.folder, whose="Nobody's"))


@pytest.mark.parametrize("whose", ["Everyone's", "Nobody's"])
@pytest.mark.parametrize("button", ["Answered elsewhere", "No reply needed", "Snooze", "Mine"])
def test_a_mark_opens_the_next_ask_whether_its_own_leaves_the_list_or_not(
    see: Open, store: Store, button: str, whose: str
) -> None:
    """So a list is cleared by keys alone; what is taken back is open again; at the end of the list nothing jumps."""
    app = see(store.folder, whose=whose)
    before = listed(app)
    app = press(open_row(app, 1), button)
    assert said_in_the_open_ask(app) == before[2]
    app = press(app, "Undo")
    assert said_in_the_open_ask(app) == before[1]
    assert (button == "Mine") or listed(app) == before
    app = press(open_row(app, len(before) - 1), "Mine")
    assert said_in_the_open_ask(app) == listed(app)[-1]


def said_in_the_open_ask(app: AppTest) -> str:
    return str(app.text[0].value)


def test_what_is_taken_back_is_told_with_whose_it_was_and_what_stands_before_it(see: Open, store: Store) -> None:
    """Whoever presses U twice reads twice what that did."""
    app = see(store.folder)
    second = app.dataframe[0].value["Who"][1].split()[0]
    app = press(press(app, "Answered elsewhere"), "No reply needed")
    app = press(app, "Undo")
    said = words(app)
    assert f"**Taken back** · {second}: no reply needed." in said
    assert ":gray[Before that · Bob: answered elsewhere.]" in said
    app = press(app, "Undo")
    assert "**Taken back** · Bob: answered elsewhere." in words(app)
    app = press(app, "Mine")
    assert "Taken back" not in words(app), "a new mark is the last thing that was done"


def test_the_keys_say_where_they_lead(see: Open, store: Store) -> None:
    """Each key that presses a button stands in the help."""
    app = see(store.folder)
    told = {key for keys in unanswered_keys(app) for key in keys}
    assert {each.proto.shortcut.upper() for each in press(app, "Mine").button if each.proto.shortcut} <= told


def unanswered_keys(app: AppTest) -> list[list[str]]:
    heads = (each.value.partition("** · ")[0].removeprefix("**") for each in app.markdown if "** · " in each.value)
    return [head.split(", ") for head in heads]


def test_a_note_is_kept_for_the_others(see: Open, store: Store, marks: Marks) -> None:
    marks.add("note", Target("forum", "acme", "b"), "note", "Ben", note="He *wrote* to [us](http://x) twice.")
    app = see(store.folder)
    assert app.dataframe[0].value["Marked"][0] == "note"
    assert r"A note by Ben" in words(app)
    assert "He *wrote* to [us](http://x) twice." in words(app)
    assert not any("He *wrote*" in each.value for each in app.caption), "as words, not as markup"
    assert heading(app) == heading(see(store.folder, who=None))


def test_what_was_marked_lately_says_whose_it_is_beside_the_open_ask_too(see: Open, store: Store, marks: Marks) -> None:
    marks.add("note", Target("forum", "acme", "b"), "note", "Ben", note="He wrote twice.")
    app = see(store.folder)
    app.session_state["lately"] = True  # what is under that name is open
    app.run()
    assert not app.exception
    assert "Bob in help: A note by Ben" in words(app)
    app = press(app, "Undo", place=-1)
    assert "A note by Ben" not in words(app)
    assert "**Taken back** · Bob: a note by Ben." in words(app)


def test_two_sessions_lose_nothing_and_see_each_other(see: Open, store: Store, marks: Marks) -> None:
    """Both rows are in the journal; the later one is told of the earlier; each one's list moves."""
    ana, ben = see(store.folder, who="Ana"), see(store.folder, who="Ben")
    first, second = listed(ana)[:2]
    open_row(press(ana, "Mine"), 0)
    ben = press(ben, "Answered elsewhere")
    assert "Ana had just marked it as taken: both are kept, yours counts." in words(ben)
    assert [row["by"] for row in marks.history("ask", Target("forum", "acme", "b")).to_pylist()] == ["Ana", "Ben"]
    ana.run()
    assert listed(ana)[0] == second
    assert "The ask you had open: Answered elsewhere by Ben." in words(ana)
    ben = press(ben, "Undo")
    assert ben.dataframe[0].value["Marked"][0] == "Ana’s", "what was decided before counts again"
    assert first == listed(ana.run())[0]


def test_what_is_pressed_without_a_name_asks_for_it_and_is_done_then(see: Open, store: Store, marks: Marks) -> None:
    """Asked once, then remembered; nothing is kept before."""
    app = see(store.folder, who=None)
    first = listed(app)[0]
    app = press(app, "Answered elsewhere")
    assert "**Answered elsewhere** is kept as soon as you have given a name" in words(app)
    assert listed(app)[0] == first
    assert marks.current("ask").num_rows == 0
    assert not any(each.proto.shortcut for each in app.button), "else the letters of a name would press them"
    app.text_input[0].set_value("  Ana   Ruiz ")
    app = press(app, "Begin")
    assert {each.proto.shortcut.upper() for each in app.button} >= {"A", "N", "M", "S", "U"}
    assert first not in listed(app)
    assert [row["by"] for row in marks.current("ask").to_pylist()] == ["Ana Ruiz"]
    assert "Marking as **Ana Ruiz**" in words(press(app, "Mine"))
    assert not app.text_input, "the question is gone"


def test_the_ask_stands_before_what_was_said_earlier(see: Open, store: Store) -> None:
    """However long the conversation is, whoever opens it reads the ask first."""
    told = [{"by": "tess", "at": f"2026-10-14T10:{n:02}Z", "in": "e", "text": f"Word {n}."} for n in range(40)]
    rows = [*ROWS, *told, {"id": "e", "by": "eve", "at": "2026-10-14T09:30Z", "in": "e", "text": "Where was I?"},
            {"by": "eve", "at": "2026-10-17T09:00Z", "in": "e", "text": "Which of these glues is it?"}]  # fmt: skip
    sparse.load(store, rows, until=NOON)
    app = see(store.folder)
    app = open_row(app, listed(app).index("Which of these glues is it?"))
    said = [each.value for each in app.text]
    assert said[0] == "Which of these glues is it?"
    assert said[-30:] != said, "what stood before follows"
    assert "**Before it**, the last 29 of 41" in words(app)


def test_a_name_is_known_in_the_same_browser_until_somebody_else_sits_there(
    see: Open, store: Store, marks: Marks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each `see` is a new visit. Nothing stands in the address."""
    monkeypatch.setattr(_reader, "_browser", lambda: Target("hearth", "browser", "one"))
    app = press(see(store.folder, who=None), "Say who is marking")
    app.text_input[0].set_value("Ana")
    app = press(app, "Begin")
    assert "Marking as **Ana**" in words(app)
    again = see(store.folder, who=None)
    assert "Marking as **Ana**" in words(again)
    assert "Ana" not in str(again.query_params)
    assert [row["by"] for row in marks.current("reader").to_pylist()] == ["Ana"]
    monkeypatch.setattr(_reader, "_browser", lambda: Target("hearth", "browser", "another"))
    assert "Marking as" not in words(see(store.folder, who=None))
    monkeypatch.setattr(_reader, "_browser", lambda: Target("hearth", "browser", "one"))
    press(again, "Somebody else?")
    assert "Marking as" not in words(see(store.folder, who=None))


def test_everyone_answered_tells_when_and_by_whom(see: Open, tmp_path: Path) -> None:
    """In the data, or by a mark since."""
    store = _ask._store(tmp_path)
    sparse.load(store, ROWS[:2], until="2026-08-03T12:12Z")
    app = see(store.folder)
    assert "Everyone has been answered. Last ask answered 12 minutes ago by Staff_Kim." in words(app)
    sparse.load(store, ROWS[:3])
    app = press(see(store.folder), "Answered elsewhere")
    assert heading(app) == "Everyone has been answered. Last ask answered 0 minutes ago by Ana."
    assert "Undo" in [each.label for each in app.button]


def test_a_damaged_journal_leaves_the_list_in_peace(see: Open, store: Store) -> None:
    (store.folder / "marks.sqlite").write_bytes(b"not a database" * 100)
    app = see(store.folder)
    assert not app.exception
    assert "What people marked cannot be read" in words(app)
    assert len(listed(app)) == 5


def test_the_numbers_follow_by_themselves_when_it_is_quiet(store: Store, marks: Marks, monkeypatch: Any) -> None:
    """Not at each mark; and again later where a load is at work."""
    monkeypatch.setattr(_marks, "QUIET", 0.3)
    monkeypatch.setattr(_marks, "LATER", 0.3)
    follower, before = _marks.Follower(store.folder), counted(store)
    with store.loading(Settings()):
        for name in ("a", "b", "c"):
            marks.add("ask", Target("forum", "acme", name), "answered", "Ana")
            follower.call(Settings(), is_new=True)
        time.sleep(0.8)
        assert counted(store) == before
    for _ in range(100):
        time.sleep(0.1)
        if counted(store) == before - 3:
            break
    assert counted(store) == before - 3
    assert store.snapshot == "snap-000002.duckdb", "once for all of them"
    assert not follower.is_left(Settings())
    assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer) and each.is_alive()]


def test_more_than_marks_is_left_to_a_load(store: Store, marks: Marks) -> None:
    other = sparse.settings({"community": {"time_zone": "Asia/Tokyo"}})
    marks.add("ask", Target("forum", "acme", "a"), "answered", "Ana")
    follower = _marks.Follower(store.folder)
    follower._follow(other)
    assert follower.is_left(other)
    assert not follower.is_left(Settings())


def hand_over(app: AppTest) -> AppTest:
    """Open the window; what is in it is drawn only then."""
    return press(app, "Hand over")


def test_an_ask_goes_to_a_help_desk_and_that_is_kept(
    see: Open, store: Store, marks: Marks, desk: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its conversation, its link, who and how long; a refusal is told, and nothing is kept of it."""
    path, taker = store.folder / "hearth.toml", desk()
    path.write_text(f'[handover]\nurl = "{taker.url}"\n')
    monkeypatch.setenv("HEARTH_SETTINGS", str(path))
    app = hand_over(see(store.folder))
    assert "**Send it to 127.0.0.1**" in words(app), "where it goes stands before the button"
    assert "gets this ask, who asked, 1 message of the conversation, the link, and your name." in words(app)
    assert not taker.heard
    text = app.code[0].value
    assert text.startswith("Bob asked in help, Acme (Forum), Wed 14 Oct 2026, 09:00 UTC\nWaiting 6 days; target 24 h.")
    assert "https://f.example/b\n" in text
    assert text.endswith("Bob (member)\nWhich glue?")
    app = press(app, "Send it")
    ((_, _, body),) = taker.heard
    assert (body["id"], body["person"], body["handed_over_by"]) == ("forum:acme:b", "Bob", "Ana")
    assert [(each["author"], each["text"], each["is_the_ask"]) for each in body["conversation"]] == [
        ("Bob", "Which glue?", True)
    ]
    assert app.dataframe[0].value["Marked"][0] == "handed over"
    assert not app.code, "the window is closed"
    (row,) = marks.current("handover").to_pylist()
    assert (row["by"], row["note"]) == ("Ana", "to 127.0.0.1")
    taker.close()
    app = press(hand_over(see(store.folder)), "Send it again")
    assert "It was not handed over." in words(app)
    assert "could not be reached" in words(app)
    assert marks.current("handover").num_rows == 1


def test_the_window_to_hand_over_says_first_that_it_is_for_copying_and_closes_with_its_ask(
    see: Open, store: Store
) -> None:
    app = hand_over(see(store.folder))
    told = [each.value for each in app.markdown if "goes nowhere by itself" in each.value]
    assert told, "no help desk is set"
    assert app.code[0].value.startswith("Bob asked")
    assert not [each.label for each in app.button if each.proto.shortcut], "a key would mark what lies behind it"
    app = open_row(app, 1)
    assert not app.code
    assert [each.label for each in app.button if each.proto.shortcut]


def test_a_private_conversation_is_handed_over_only_on_purpose(
    see: Open, tmp_path: Path, desk: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, taker = _ask._store(tmp_path), desk()
    sparse.load(store, ROWS, until=NOON)
    _make_private(store)
    (tmp_path / "hearth.toml").write_text(f'[handover]\nurl = "{taker.url}"\n')
    monkeypatch.setenv("HEARTH_SETTINGS", str(tmp_path / "hearth.toml"))
    app = hand_over(see(store.folder))
    assert "This was said in a private place." in app.code[0].value
    (send,) = [each for each in app.button if each.label == "Send it"]
    assert send.disabled
    app.checkbox[0].check().run()
    press(app, "Send it")
    assert taker.heard[0][2]["is_private"]


def _make_private(store: Store) -> None:
    with store.loading(Settings()) as loader:
        begun = loader.begin(Source("forum", "acme", "Acme"), "channels.json")
        loader.take(begun, Chunk(channels=[Channel("help", "help", "forum", is_private=True)]))
        loader.finish(begun)
        loader.derive()
        loader.publish()
