"""Every page is for everybody: axe-core finds nothing serious, the keyboard reaches everything, and it shows where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.browser import PAGES, open_page
from tests.conftest import Serve, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

EXCEPTIONS = {
    ("svg-img-alt", "stMetricChart"): "the small line in Streamlit's metric; the card says the same in words",
}
"""A rule and the element it does not hold for, with the reason."""
FOUND = """async () => {
  const {violations} = await axe.run(document, {resultTypes: ['violations']});
  return violations.filter(each => ['serious', 'critical'].includes(each.impact)).flatMap(each =>
    each.nodes.map(node => ({
      rule: each.id,
      html: node.html.slice(0, 200),
      why: node.failureSummary,
      within: (document.querySelector(node.target.at(-1))?.closest('[data-testid]') || {dataset: {}}).dataset.testid,
    })));
}"""


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(serve: Serve, demo: Path, visit: Visit, is_dark: bool) -> None:
    page, address = visit(is_dark=is_dark), serve(demo)
    found = {}
    for name in PAGES:
        open_page(page, f"{address}/{name}")
        if mine := violations(page):
            found[name] = mine
    assert found == {}


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds serious or critical on a page as it stands, but for the exceptions."""
    page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(FOUND)
    return [each for each in found if (each["rule"], each["within"]) not in EXCEPTIONS]
