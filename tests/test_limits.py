"""Where a source's format limits a number, the number says so: which source, what it lacks, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data.lacks import LACKS
from metrics.metric import metrics
from tests import sparse
from tests.command import hearth

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
CHAT = FIXTURES / "whatsapp" / "WhatsApp Chat - Sailors"
ARCHIVE = FIXTURES / "x" / "lighthouse"
Open = Callable[..., AppTest]
See = Callable[..., dict[str, str]]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Load some exports, if any, and open a page."""

    def open_page(page: str, *exports: Path, **chosen: object) -> AppTest:
        if exports:
            hearth("ingest", "load", *exports, data=tmp_path / "data", check=None)
        monkeypatch.setenv("HEARTH_DATA", str(tmp_path / "data"))
        app = AppTest.from_file(str(ROOT / "pages" / "_frame.py"), default_timeout=60)
        for name, value in chosen.items():
            app.session_state[name] = value
        app.run()
        app = app if page == "weekly_health.py" else app.switch_page(page).run()
        assert not app.exception
        assert not app.warning
        return app

    return open_page


@pytest.fixture
def see(opened: Open) -> See:
    """The same; what is said to limit the numbers of the page, with what is said of it on hover."""

    def limits(*page: str | Path, **chosen: object) -> dict[str, str]:
        said = opened(*page, **chosen).caption
        return {each.value: each.help for each in said if each.value.startswith("Limited: ")}

    return limits


def test_a_number_names_the_source_that_limits_it_and_says_what_follows(see: See) -> None:
    told = see("responsiveness.py", CHAT)
    assert "Limited: no replies (WhatsApp Sailors)" in told
    assert "Limited: no replies (WhatsApp Sailors); no time zone (WhatsApp Sailors)" in told, "of the hours of the week"
    assert LACKS["no replies"].so in told["Limited: no replies (WhatsApp Sailors)"]
    assert see("returning_members.py").keys() == {
        "Limited: no member ids (WhatsApp Sailors)",
        "Limited: no replies (WhatsApp Sailors); no member ids (WhatsApp Sailors)",
    }


def test_what_tells_all_that_a_number_needs_limits_none(see: See) -> None:
    assert see("responsiveness.py", FIXTURES / "slack" / "quay") == {}
    assert see("vanity_drawer.py", CHAT) == {}, "totals need no replies"


def test_a_source_is_one_accounts_own_until_somebody_else_speaks_in_it(see: See, tmp_path: Path) -> None:
    told = see("relationships.py", ARCHIVE)
    assert "Limited: own posts only (X" in "".join(told)
    assert LACKS["own posts only"].so in "".join(told.values())
    other = FIXTURES / "x" / "foghorn-2019"
    hearth("ingest", "load", other, "--source", "42", data=tmp_path / "data", check=None)
    assert see("relationships.py") == {}


def test_a_source_limits_no_number_of_other_places_and_periods(see: See) -> None:
    said = "".join(see("responsiveness.py", CHAT, FIXTURES / "irc" / "irssi", ARCHIVE))
    assert "own posts only (X" in said
    assert "no replies (WhatsApp Sailors)" in said
    assert "no replies (2 sources)" in "".join(see("responsiveness.py", period="All time")), "also what ended long ago"
    assert "own posts only (X" in "".join(narrow := see("responsiveness.py", platform=["x"]))
    assert "replies" not in "".join(narrow)


def test_what_was_loaded_before_readers_were_noted_is_not_judged(see: See, tmp_path: Path) -> None:
    sparse.put(tmp_path / "data", [{"by": "ann", "at": "2026-10-05T09:00Z", "id": "a"}])
    assert see("responsiveness.py") == {}


def test_the_printed_week_names_them_too(opened: Open) -> None:
    """Nobody can point at a word on paper, so their names stand there."""
    printed = "".join(each.proto.body for each in opened("weekly_health.py", CHAT).get("html"))
    assert "Limited: no replies (WhatsApp Sailors); no member ids (WhatsApp Sailors)" in printed


def test_a_metric_needs_what_formats_may_lack() -> None:
    """A word that no lack knows would limit nothing, silently."""
    known = {each.needs for each in LACKS.values()}
    told = {name: set(each.needs.split(", ")) for name, each in metrics().items()}
    assert {name for name, needs in told.items() if not needs <= known} == {"audience", "data_trust"}
    assert {need for needs in told.values() for need in needs} >= known
