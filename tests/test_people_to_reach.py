"""People to reach: long lists open, and whoever had a word of ours leaves until they say something new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data.marks import Marks, MarksError
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
    assert "Nobody to thank" in words(app)
    sparse.load(store, [praise(0)], since=SINCE, until="2026-10-21T00:00Z")
    assert "Nobody to thank" in words(see())
    sparse.load(store, [praise(0, day=8)], since=SINCE, until="2026-10-22T00:00Z")
    assert thanked(see()) == ["Who00"]


def test_without_a_name_nobody_is_marked_and_the_lists_stand(see: Open, tmp_path: Path) -> None:
    sparse.load(_ask._store(tmp_path), [praise(0)], since=SINCE, until="2026-10-20T00:00Z")
    app = see(who=None)
    assert thanked(app) == ["Who00"]
    assert not [each for each in app.button if each.label == "Done"]
    app.text_input[0].set_value("Ana")
    assert [each.label for each in press(app, "Begin").button if each.label == "Done"] == ["Done"]


def test_a_mark_that_cannot_be_kept_is_told(see: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse.load(_ask._store(tmp_path), [praise(0)], since=SINCE, until="2026-10-20T00:00Z")
    app = see()

    def full(*_: object) -> int:
        raise MarksError("the disk is full")

    monkeypatch.setattr(Marks, "add", full)
    app = press(app, "Done")
    assert "the disk is full" in words(app)
    assert thanked(app) == ["Who00"]
