"""Every page over real exports of four kinds: it stands, and its six numbers are the command line's."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from metrics.__main__ import app as command
from pages import _ask, _words
from tests.test_pages import FRAME, PAGES, shown

Open = Callable[..., AppTest]
PLATFORMS = ("", "Slack", "Mail", "Discourse", "Discord")
WEEK = timedelta(weeks=1)


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch, real: Path) -> Open:
    """Open a page over the real exports, at an address."""
    monkeypatch.setenv("HEARTH_DATA", str(real))

    def open_page(page: str = "weekly_health.py", **address: str) -> AppTest:
        app = AppTest.from_file(str(FRAME), default_timeout=60)
        app.query_params.update(address)
        app.run()
        return app if page == "weekly_health.py" else app.switch_page(page).run()

    return open_page


def told(folder: Path, name: str, *options: str) -> list[dict[str, Any]]:
    """What the command line tells."""
    printed = CliRunner().invoke(command, [name, *options, "--data", str(folder), "--format", "json"])
    assert printed.exit_code == 0, printed.output
    rows: list[dict[str, Any]] = json.loads(printed.stdout)
    return rows


def expected(folder: Path, monday: date, options: tuple[str, ...]) -> dict[str, str]:
    """The six numbers of a week, from what the command line prints of it."""
    week = (*options, "--since", str(monday), "--until", str(monday + WEEK))

    def row(name: str, *more: str) -> dict[str, Any]:
        return next((each for each in told(folder, name, *week, *more) if each["week"]), {})

    asked, new, flow, mood, said = (
        row("answered_within", "--hours", "24"),
        row("newcomer_welcome"),
        row("member_flow"),
        row("net_sentiment"),
        row("conversation_share"),
    )
    (now,) = told(folder, "waiting_now", *options, "--since", str(monday - 25 * WEEK))
    posts = said.get("conversation", 0) + said.get("broadcast", 0)
    has_new = new.get("share") is not None
    back = None if flow.get("members") is None else flow["members"] - flow["new"]
    return {
        "Answered within 24 h": _words.rate(asked.get("share"), asked.get("asks")),
        "Waiting past target now": f"{now['past_target']:,}",
        "Newcomers welcomed": f"{new['welcomed']:,} of {new['newcomers']:,}" if has_new else "unknown",
        "Returning members": "unknown" if back is None else f"{back:,}",
        "Net sentiment": _words.net(mood),
        "Conversation share": _words.rate(said.get("share"), posts),
    }


@pytest.mark.parametrize("page", PAGES)
def test_a_page_stands_over_real_exports(see: Open, page: str) -> None:
    """No failure, no card that failed, and something is said."""
    app = see(page)
    assert not app.exception
    assert not app.error
    assert not app.warning
    assert app.subheader


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_six_numbers_are_the_command_lines(see: Open, real: Path, platform: str) -> None:
    """Of all places, and of each platform's own newest week."""
    app = see(**({"platform": platform} if platform else {}))
    monday = datetime.strptime(f"{app.selectbox(key='week').value} +0000", "Week of %d %b %Y %z").date()
    options = (f"--platform={platform.lower()}",) if platform else ()
    numbers = shown(app)
    assert numbers == expected(real, monday, options)
    assert sum(value != "unknown" for value in numbers.values()) >= 2, "else little was compared"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_stands_over_a_community_of_one_week(see: Open, page: str) -> None:
    """The Slack export is eight days long: nothing before it, no newcomer, nobody known as staff."""
    app = see(page, platform="Slack")
    assert not app.exception
    assert not app.error
    assert not app.warning


def test_a_member_of_a_real_community_has_a_page(see: Open, real: Path) -> None:
    found = _ask._store(real).read("members_named", text="", closed=(), limit=3)
    for account in found["account"]:
        app = see("member.py")
        app.query_params.update(member=account)
        app.run()
        assert not app.exception
        assert " was here on " in app.subheader[0].value
