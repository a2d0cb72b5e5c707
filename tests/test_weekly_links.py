"""A number of the week opens onto exactly the people and words behind it: the rows of its own week, in Explore."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from pages import _ask
from tests import sparse
from tests.test_pages import FRAME, shown

Open = Callable[..., AppTest]
# The week of 5 October; before it ann spoke. ann asks again and is answered, bob is new and waits, staff speaks twice.
ROWS: list[dict[str, Any]] = [
    {"id": "o", "by": "ann", "at": "2026-09-28T09:00Z", "in": "o", "text": "Where is the door?"},
    {"id": "p", "by": "cem", "at": "2026-09-29T09:00Z", "in": "p", "text": "What is a wick?"},
    {"id": "a", "by": "ann", "at": "2026-10-05T09:00Z", "in": "a", "text": "How do I bend it?"},
    {"by": "staff_kim", "at": "2026-10-05T11:00Z", "in": "a", "to": "a", "text": "Warm it first."},
    {"by": "ann", "at": "2026-10-06T11:00Z", "in": "a", "sounds": "positive"},
    {"id": "b", "by": "bob", "at": "2026-10-11T22:00Z", "in": "b", "text": "Which glue?"},
    {"id": "n", "by": "staff_kim", "at": "2026-10-09T09:00Z", "in": "n", "text": "News of the week."},
    {"id": "l", "by": "dee", "at": "2026-10-12T00:30Z", "in": "l", "text": "Is it Monday yet?"},
]
WEEK = "Week of 5 Oct 2026"


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page over a folder's data, at an address."""

    def open_page(folder: Path, page: str = "weekly_health.py", **address: list[str] | str) -> AppTest:
        monkeypatch.setenv("HEARTH_DATA", str(folder))
        app = AppTest.from_file(str(FRAME), default_timeout=60)
        if page != "weekly_health.py":
            app.switch_page(page)
        app.query_params.update(address)
        return app.run()

    return open_page


def links(app: AppTest) -> dict[str, tuple[str, dict[str, list[str]]]]:
    """Where the links of the page lead, by what they say."""
    protos = [each.proto for each in app.get("page_link")]
    return {each.label: (f"{each.page}.py", parse_qs(each.query_string)) for each in protos}


def follow(see: Open, folder: Path, words: str, **address: str) -> AppTest:
    page, query = links(see(folder, **address))[words]
    app = see(folder, page, **query)
    assert not app.exception
    assert not app.warning
    return app


@pytest.mark.parametrize(
    ("words", "title", "expected"),
    [
        ("The asks", "2 asks", {"How do I bend it?", "Which glue?"}),
        ("Who came", "1 newcomer", {"Which glue?"}),
        ("What they said", "1 message", {"This lamp made the whole evening bright for us."}),
        ("Our posts", "2 messages", {"Warm it first.", "News of the week."}),
    ],
)
def test_a_number_opens_onto_the_words_of_its_own_week(
    see: Open, tmp_path: Path, words: str, title: str, expected: set[str]
) -> None:
    """Of an older week, too; nothing of the Monday after it."""
    sparse.load(_ask._store(tmp_path), ROWS, until="2026-10-21T00:00Z")
    app = follow(see, tmp_path, words, week=WEEK)
    assert app.subheader[0].value == title
    assert set(app.dataframe[0].value["text"]) == expected


def test_who_came_back_is_who_the_number_counts(see: Open, tmp_path: Path) -> None:
    sparse.load(_ask._store(tmp_path), ROWS, until="2026-10-21T00:00Z")
    assert shown(see(tmp_path, week=WEEK))["Returning members"] == "1"
    app = follow(see, tmp_path, "Who came back", week=WEEK)
    rows = app.dataframe[0].value
    assert list(zip(rows["name"], rows["kind"], strict=True)) == [("Ann", "retained")]


def test_who_waits_is_whom_the_number_counts(see: Open, tmp_path: Path) -> None:
    """Those of the 26 weeks up to now, whatever period was chosen; an older ask is not among them."""
    old = {"id": "x", "by": "eve", "at": "2026-01-05T09:00Z", "in": "x", "text": "Is anybody here?"}
    sparse.load(_ask._store(tmp_path), [old, *ROWS], until="2026-10-21T00:00Z")
    told = shown(see(tmp_path, period="A year"))["Waiting past target now"]
    app = follow(see, tmp_path, "Who waits", period="A year")
    assert int(told) == len(app.dataframe[0].value) == 4
    assert "Is anybody here?" not in set(app.dataframe[0].value["They said"])


def test_a_link_keeps_the_places(see: Open, tmp_path: Path) -> None:
    elsewhere = [row | {"platform": "mail"} for row in ROWS if row.get("id") in ("o", "a")]
    sparse.load(_ask._store(tmp_path), [*ROWS, *elsewhere], until="2026-10-21T00:00Z")
    app = follow(see, tmp_path, "The asks", week=WEEK, platform="Mail")
    assert app.subheader[0].value == "1 ask"
