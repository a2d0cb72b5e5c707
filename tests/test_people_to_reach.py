"""People to reach: long lists open, and whoever had a word of ours leaves until they say something new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data.marks import Marks, MarksError
from data.settings import Settings
from pages import _ask, _reader
from tests import sparse
from tests.test_pages import FRAME, words

Open = Callable[..., AppTest]
MONDAY = datetime(2026, 10, 12, tzinfo=UTC)
SINCE = "2026-10-10T00:00Z"  # too late to tell newcomers: they would be greeted, too


def praise(number: int, day: int = 0) -> dict[str, Any]:
    """Praise of somebody, each a minute after the other."""
    at = MONDAY + timedelta(days=day, minutes=number)
    return {"id": f"p{number}-{day}", "by": f"who{number:02}", "at": at, "in": f"p{number}", "sounds": "positive"}


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Open:
    """Open the page, as somebody whose name is known."""
    monkeypatch.setenv("HEARTH_DATA", str(tmp_path))

    def open_page(who: str | None = "Ana") -> AppTest:
        app = AppTest.from_file(str(FRAME), default_timeout=60)
        if who:
            app.session_state[_reader.WHO] = who
        return app.switch_page("people_to_reach.py").run()

    return open_page


def thanked(app: AppTest) -> list[str]:
    """Who stands on the list of those to thank: the latest to speak stands first."""
    return [each.value.strip("*") for each in app.page_link if "Who" in each.value]


def press(app: AppTest, name: str, place: int = 0) -> AppTest:
    assert not app.exception
    return [each for each in app.button if each.label == name][place].click().run()


def test_a_long_list_opens_ten_by_ten(see: Open, tmp_path: Path) -> None:
    sparse.load(_ask._store(tmp_path), [praise(number) for number in range(23)], since=SINCE, until="2026-10-20T00:00Z")
    app = see()
    assert len(thanked(app)) == 10
    app = press(app, "Show 10 more")
    assert (len(thanked(app)), "20 of 23" in words(app)) == (20, True)
    app = press(app, "Show 3 more")
    assert thanked(app) == [f"Who{number:02}" for number in reversed(range(23))]
    assert not [each for each in app.button if each.label.startswith("Show")]


def test_whoever_had_a_word_leaves_the_list_and_can_be_brought_back(see: Open, tmp_path: Path) -> None:
    """Kept with who and when; the next one moves up, the count goes down, and everybody else sees it."""
    sparse.load(_ask._store(tmp_path), [praise(number) for number in range(12)], since=SINCE, until="2026-10-20T00:00Z")
    app = press(see(), "Done")
    assert thanked(app) == [f"Who{number:02}" for number in reversed(range(1, 11))]
    assert "11 people to thank" in words(app)
    (kept,) = Marks(tmp_path).current("reach").to_pylist()
    assert (kept["native_id"], kept["value"], kept["by"]) == ("p11-0", "done", "Ana")
    other = see("Ben")
    assert "Who11" not in thanked(other)
    assert "Who11: Reached by Ana" in words(other).replace("\\", "")
    assert thanked(press(other, "Undo"))[0] == "Who11"
    assert thanked(press(app, "Undo"))[0] == "Who11"


def test_something_new_brings_somebody_back(see: Open, tmp_path: Path) -> None:
    """A new load of the same words does not; praise of a later day does."""
    store = _ask._store(tmp_path)
    sparse.load(store, [praise(0)], since=SINCE, until="2026-10-20T00:00Z")
    app = press(see(), "Done")
    assert "Nobody of the last 14 days is left to thank." in words(app)
    sparse.load(store, [praise(0)], since=SINCE, until="2026-10-21T00:00Z")
    assert "Nobody of the last 14 days is left to thank." in words(see())
    sparse.load(store, [praise(0, day=8)], since=SINCE, until="2026-10-22T00:00Z")
    assert thanked(see()) == ["Who00"]


def test_what_is_pressed_without_a_name_asks_for_it_and_is_done_then(see: Open, tmp_path: Path) -> None:
    """Nothing is kept before; whoever closes the question has marked nobody, and is not asked again."""
    sparse.load(_ask._store(tmp_path), [praise(number) for number in range(2)], since=SINCE, until="2026-10-20T00:00Z")
    app = press(see(who=None), "Done")
    assert "That Who01 was reached is kept as soon as you have given a name." in words(app)
    assert thanked(app) == ["Who01", "Who00"]
    assert not Marks(tmp_path).current("reach").num_rows
    app.text_input[0].set_value("Ana")
    app = press(app, "Begin")
    assert thanked(app) == ["Who00"]
    (kept,) = Marks(tmp_path).current("reach").to_pylist()
    assert (kept["native_id"], kept["by"]) == ("p1-0", "Ana")
    assert "Marking as **Ana**" in words(app)
    assert not app.text_input, "the question is gone"


def test_newcomers_who_ask_something_stand_before_those_who_only_say_hello(see: Open, tmp_path: Path) -> None:
    rows = [
        {"id": "a", "by": "ana", "at": MONDAY, "in": "a", "text": "Which glue holds the glass?"},
        {
            "id": "b",
            "by": "ben",
            "at": MONDAY + timedelta(days=1),
            "in": "b",
            "text": "Thanks, that solved my problem with it!",
        },
    ]
    sparse.load(_ask._store(tmp_path), rows, until="2026-10-20T00:00Z")
    app = see()
    assert [each.value.strip("*") for each in app.page_link if each.value.strip("*") in ("Ana", "Ben")] == [
        "Ana",
        "Ben",
    ]
    assert "first post, question" in words(app).replace("\\", "")
    assert app.subheader[0].value.startswith("2 newcomers to greet.")


def test_what_nobody_can_know_is_not_told_as_nobody(see: Open, tmp_path: Path) -> None:
    """Two weeks of data know no newcomer and nobody who left; where the scorer is off nobody sounds pleased."""
    rows = [{"id": "a", "by": "ana", "at": MONDAY, "in": "a", "text": "Which glue holds the glass?"}]
    store = _ask._store(tmp_path)
    sparse.load(store, rows, since=SINCE, until="2026-10-20T00:00Z")
    with store.loading(Settings()) as loader:
        loader._db.execute("delete from scores; delete from sentiments")
        loader.derive()
        loader.publish()
    app = see()
    said = words(app)
    assert "Not known: newcomers to greet, unhappy people, praise to thank." in said
    assert "Not known: regulars drifting away, lost after an unanswered ask." in said
    assert said.count("Unknown: ") == 5
    assert "Nobody of the last 14 days is left to thank." not in said


def test_an_unhappy_ask_older_than_its_list_is_not_told_as_none(see: Open, tmp_path: Path) -> None:
    """It still stands under Unanswered: the card says of which days it speaks, and where the others are."""
    asks = [{"id": f"u{days}", "by": f"eve{days}", "at": MONDAY - timedelta(days=days), "in": f"u{days}",
             "sounds": "negative"} for days in (20, 40)]  # fmt: skip
    sparse.load(_ask._store(tmp_path), asks[1:], until="2026-10-12T00:00Z")
    said = words(see())
    assert "No unhappy ask of the last 28 days is waiting." in said
    assert "Older ones stand under *Unanswered*." in said
    sparse.load(_ask._store(tmp_path), asks[:1], until="2026-10-12T00:00Z")
    assert "No unhappy ask" not in words(see())
    assert "1 unhappy ask to answer" in words(see())


def test_a_mark_that_cannot_be_kept_is_told(see: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse.load(_ask._store(tmp_path), [praise(0)], since=SINCE, until="2026-10-20T00:00Z")
    app = see()

    def full(*_: object) -> int:
        raise MarksError("the disk is full")

    monkeypatch.setattr(Marks, "add", full)
    app = press(app, "Done")
    assert "the disk is full" in words(app)
    assert thanked(app) == ["Who00"]
