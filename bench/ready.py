"""How long a reader waits for a page in a real Chromium: until its last chart is drawn, beside the bare page's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.figures import say
from tests.browser import BROKEN, DESK, HEADING, find, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

LOADS = 5
"""So many times each page is opened, after once to warm up: what never changes is then in the browser's cache."""


@dataclass(frozen=True)
class Waits:
    """Seconds from the click on an address to the last change on the screen; and how many elements were errors."""

    bare: list[float] = field(default_factory=list)
    real: list[float] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)


def measure(names: Iterable[str], real: str, bare: str, loads: int = LOADS) -> dict[str, Waits]:
    """Each page and its bare one, `loads` times. Empty where there is no Chromium."""
    if not loads:
        return {}
    with _reader() as page:
        if page is None:
            say("there is no Chromium here: how soon a page is drawn is not measured")
            return {}
        return {name: by_turns(page, f"http://{real}/{name}", f"http://{bare}/{name}", loads) for name in names}


@contextmanager
def _reader() -> Iterator[Page | None]:
    from playwright.sync_api import sync_playwright

    found = find()
    if found is None:
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser.new_context(viewport=DESK).new_page()
        browser.close()


def by_turns(page: Page, real: str, bare: str, loads: int) -> Waits:
    """A page and its bare one by turns, so that a busy moment strikes both."""
    waits = Waits()
    _open(page, bare)
    _open(page, real)
    for _ in range(loads):
        waits.bare.append(_open(page, bare))
        waits.real.append(_open(page, real))
        waits.errors.append(page.locator(BROKEN).count())
    return waits


def _open(page: Page, address: str) -> float:
    page.goto(address)
    page.wait_for_selector(HEADING, timeout=120_000)
    return settle(page)
