"""A community manager's morning, in two real browsers: five asks by keyboard, one taken back, one handed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data.demo import Community
from data.marks import Marks
from data.settings import read_settings
from data.store import Store
from ingest.load import load_demo
from ingest.progress import Progress
from metrics.metric import Question, ask
from tests.browser import open_page, server, settle
from tests.desk import Serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SINCE = date(2026, 8, 17)  # 13 weeks before the demo's data ends


@pytest.fixture
def morning(tmp_path: Path, desk: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Store, list[Any]]]:
    """A small community's dashboard with a help desk: its address, its data, and what the desk heard."""
    taker = desk()
    settings = tmp_path / "hearth.toml"
    settings.write_text(f'[handover]\nurl = "{taker.url}"\n')
    monkeypatch.setenv("HEARTH_SETTINGS", str(settings))
    store = Store(tmp_path / "data")
    load_demo(store, read_settings(settings), Progress(True), Community(days=120, asks_a_day=4.0))
    with server(store.folder) as address:
        yield f"{address}/unanswered?period=13+weeks", store, taker.heard


def arrive(opened: ExitStack, chromium: Browser, address: str, name: str) -> Page:
    """Somebody opens the page in a browser of their own, and says who they are, all by keyboard."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened.callback(context.close)
    page = context.new_page()
    open_page(page, address)
    page.get_by_role("button", name="Say who is marking").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Your name").wait_for()
    settle(page)
    for key in (*name, "Enter"):
        page.keyboard.press(key)
    page.get_by_text(f"Marking as {name}").wait_for()
    settle(page)
    return page


def heading(page: Page) -> Locator:
    return page.locator('[data-testid="stHeading"]').last


def past_target(page: Page) -> int:
    """How many asks the page says are past their target: the most urgent are."""
    found = re.search(r"([\d,]+) asks are past", heading(page).inner_text())
    assert found
    return int(found[1].replace(",", ""))


def press(page: Page, key: str, until: str) -> None:
    """Press a key and wait until the page says so."""
    page.keyboard.press(key)
    page.get_by_text(until).first.wait_for()
    settle(page)


def told(store: Store) -> int:
    (row,) = ask(store, read_settings(), Question("waiting_now", SINCE)).rows.to_dicts()
    return int(row["past_target"])


def test_five_asks_by_keyboard_one_taken_back_one_handed_over_and_two_people_at_once(
    morning: tuple[str, Store, list[Any]], chromium: Browser, artefacts: Path
) -> None:
    address, store, heard = morning
    before = told(store)
    with ExitStack() as opened, closing(Marks(store.folder)) as journal:
        ana = arrive(opened, chromium, address, "Ana")
        assert past_target(ana) == before
        _clears_five_and_undoes_one(ana, journal)
        ana.screenshot(path=artefacts / "manager-five.png")
        ben = arrive(opened, chromium, address, "Ben")
        assert past_target(ana) == past_target(ben) == before - 4
        _both_at_once(ana, ben, journal)
        _hands_one_over(ana, artefacts)
        assert len(heard) == 1
        ana.get_by_text("The numbers know of 6 marks.").wait_for(timeout=120_000)
        settle(ana)
        assert past_target(ana) == told(store) == before - 6
        ana.get_by_text("Nobody's", exact=True).click()
        settle(ana)
        assert "whose=Nobody" in ana.url
        assert "period=13" in ana.url
        _looks(opened, chromium, ana.url, artefacts)


def _clears_five_and_undoes_one(ana: Page, journal: Marks) -> None:
    before = past_target(ana)
    for count in range(1, 6):
        press(ana, "a", "answered elsewhere.")
        assert journal.current("ask").num_rows == count
        assert past_target(ana) == before - count, "at once, whatever the numbers know"
    press(ana, "u", "Taken back")
    assert past_target(ana) == before - 4


def _both_at_once(ana: Page, ben: Page, journal: Marks) -> None:
    """Ben takes the ask that Ana has open, which she sees without a click, and goes back to it; both press a key."""
    press(ben, "m", "taken.")
    ana.get_by_text("Taken by Ben").wait_for(timeout=30_000)
    press(ben, "k", "Taken by Ben")
    ana.keyboard.press("j")
    settle(ana)
    ana.keyboard.press("n")
    ben.keyboard.press("a")
    settle(ana)
    settle(ben)
    marked = [(row["value"], row["by"]) for row in journal.lately(("ask",), 3).to_pylist()]
    assert sorted(marked) == [("answered", "Ben"), ("mine", "Ben"), ("no_reply", "Ana")]


def _hands_one_over(ana: Page, artefacts: Path) -> None:
    """The window takes the focus, leaves with Escape, and no key pressed in it marks anything."""
    for way_out in ("Escape", None):
        ana.get_by_role("button", name="Hand over").click()
        ana.get_by_role("dialog").get_by_role("button", name="Send it").wait_for()
        settle(ana)
        assert ana.evaluate("!!document.activeElement.closest('[role=dialog]')")
        ana.keyboard.press("n")
        if way_out:
            ana.keyboard.press(way_out)
            ana.get_by_role("dialog").wait_for(state="detached")
            settle(ana)
    settle(ana)
    ana.screenshot(path=artefacts / "manager-handing-over.png")
    ana.get_by_role("button", name="Send it").click()
    ana.get_by_text("Handed over by Ana").wait_for()
    settle(ana)


def _looks(opened: ExitStack, chromium: Browser, address: str, artefacts: Path) -> None:
    """The same in the dark and on a phone, for whoever gets the address: nothing fails, nothing is too wide."""
    for look, width in (("dark", 1440), ("phone", 390)):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme="dark")
        opened.callback(context.close)
        page = context.new_page()
        open_page(page, address)
        page.screenshot(path=artefacts / f"manager-{look}.png", full_page=True)
        assert page.locator('[data-testid="stAlert"], [data-testid="stException"]').count() == 0
        assert (
            page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('[data-testid=stMain]'))") <= 0
        )
