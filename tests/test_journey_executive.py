"""Monday morning: the executive reads the week, asks what moved it, and takes it along on paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import open_page, server, settle
from tests.test_browser import listen
from tests.test_weekly import SIX, Words, fallen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard over a community whose channel `help` was left alone last week."""
    folder = fallen(tmp_path_factory.mktemp("fallen")).folder
    with server(folder) as running:
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A browser in the dark: what comes out of the printer must be light all the same."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    yield context.new_page()
    context.close()


def test_the_executive_reads_the_week_and_prints_it(page: Page, address: str, artefacts: Path) -> None:
    """The headline, what moved it, the rows, one page of paper, one file, the people; and nobody else was asked."""
    heard = listen(page, address)
    open_page(page, address)
    page.get_by_role("heading", name="Fewer people were answered within a day").wait_for()
    assert page.locator('[data-testid="stMetric"]').count() == len(SIX)
    assert page.get_by_text("▼ clear worse").first.is_visible()
    page.locator(".js-plotly-plot .main-svg").nth(11).wait_for(state="attached")
    page.get_by_text("What moved it · Answered within 24 h").click()
    page.get_by_text("add up to −50 points").wait_for()
    page.screenshot(path=artefacts / "executive.png", full_page=True)
    _printed(page)
    _downloaded(page)
    page.get_by_role("link", name="Who waits").first.click()
    page.get_by_text("are waiting").wait_for()
    assert heard == []


def _printed(page: Page) -> None:
    """One page of A4, light, and on it the six numbers and no control."""
    paper = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    assert re.findall(rb"/MediaBox\s*\[0 0 (\d+)[.\d]* (\d+)", paper) == [(b"594", b"841")]
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor") == "rgb(255, 255, 255)"
    said = page.locator("body").inner_text()
    page.emulate_media(media="screen")
    assert [title for title in SIX if title not in said] == []
    assert "What moved it" in said
    assert not any(word in said for word in ("Download", "All places", "Unanswered", "Rows"))


def _downloaded(page: Page) -> None:
    """A file that opens by itself, with the numbers of the page."""
    shown = dict(zip(SIX, (each.replace("\u00a0", " ") for each in _values(page)), strict=True))
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download the report").click()
    text = begun.value.path().read_text("utf-8")
    words = Words(text)
    assert {title: words.said[words.said.index(title) + 1] for title in SIX} == shown
    assert not any("//" in each for each in words.addresses)
    alone = page.context.new_page()
    asked = list[str]()
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(f"file://{begun.value.path()}")
    alone.close()
    assert [each for each in asked if not each.startswith(("file:", "data:"))] == []
    settle(page)


def _values(page: Page) -> list[str]:
    found: Callable[[], list[str]] = page.locator('[data-testid="stMetricValue"]').all_inner_texts
    return found()
