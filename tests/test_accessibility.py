"""A page is for everybody: axe-core finds nothing serious, the keyboard reaches everything, and it shows where.

tests/test_browser.py asks this of every page while it has it open.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import AXE_SCRIPT

from tests.browser import open_page, settle
from tests.conftest import Serve, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

SERIOUS = """async () => {
  const {violations} = await axe.run(document, {resultTypes: ['violations']});
  return violations.filter(each => ['serious', 'critical'].includes(each.impact)).flatMap(each =>
    each.nodes.map(node => ({
      rule: each.id,
      html: node.html.slice(0, 200),
      why: node.failureSummary,
    })));
}"""
LOOKS = """
  const looks = element => {
    const {outlineStyle, outlineWidth, borderColor, boxShadow} = getComputedStyle(element);
    return [outlineStyle == 'none' ? '' : outlineWidth, borderColor, boxShadow].join();
  };
  const around = element => element && element != document.body ? [element, ...around(element.parentElement)] : [];
  const name = element => element.outerHTML.replace(/class="[^"]*"/g, '').slice(0, 160);
"""
REMEMBER = f"""() => {{ {LOOKS}
  // Of choices of which one is made, Tab stops at that one; arrows reach the others.
  const controls = 'a[href], button:not([role=radio][aria-checked=false]), input, select, textarea, summary, '
    + '[role=button], [role=tab]';
  window.unfocused = new Map([...document.querySelectorAll('body *')].map(each => [each, looks(each)]));
  window.unreached = new Set([...document.querySelectorAll(controls)].filter(each =>
    each.tabIndex >= 0 && !each.disabled && !each.closest('[inert]')
    && each.checkVisibility({{visibilityProperty: true}})));
  return window.unreached.size;
}}"""
STEP = f"""async () => {{ {LOOKS}
  const here = document.activeElement;
  window.unreached.delete(here);
  if (here === document.body) return 'outside';
  if (here.role === 'gridcell') return '';  // the table draws the mark of its cell itself, on a canvas
  for (let patience = 20; patience; patience--) {{
    const isShown = here.checkVisibility({{opacityProperty: true, visibilityProperty: true}});
    if (isShown && around(here).slice(0, 5).some(each => looks(each) != window.unfocused.get(each))) return '';
    await new Promise(done => setTimeout(done, 25));
  }}
  return name(here);
}}"""
LEFT = f"() => {{ {LOOKS} return [...window.unreached].map(name); }}"
UNNAMED = """() => [...document.querySelectorAll('[data-testid="stPlotlyChart"], [data-testid="stDataFrame"] canvas')]
  .filter(each => !(each.ariaLabel || each.closest('[aria-label]'))).length"""


def unfit(page: Page) -> list[Any]:
    """What keeps somebody from a page: what axe-core finds, what Tab passes by, and where it stops unseen."""
    return [*violations(page), *lost_by_keyboard(page)]


def violations(page: Page) -> list[Any]:
    """What axe-core finds serious or critical on a page as it stands."""
    page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(SERIOUS)
    return found


def lost_by_keyboard(page: Page) -> list[str]:
    """The controls that Tab does not reach, and the places where it stops without a mark."""
    steps: int = page.evaluate(REMEMBER)
    unmarked: list[str] = []
    for _ in range(2 * steps):  # lists and regions that scroll are stops, too
        page.keyboard.press("Tab")
        told: str = page.evaluate(STEP)
        if told == "outside":
            break
        unmarked += [f"no mark: {told}"] if told else []
    left: list[str] = page.evaluate(LEFT)
    return unmarked + [f"not reached: {each}" for each in left]


def test_every_chart_and_table_has_a_name(serve: Serve, demo: Path, visit: Visit) -> None:
    page = visit()
    open_page(page, f"{serve(demo)}/relationships")
    assert page.locator('[data-testid="stPlotlyChart"]').count() > 3
    assert page.evaluate(UNNAMED) == 0


def test_a_week_is_chosen_and_a_definition_read_without_a_mouse(serve: Serve, demo: Path, visit: Visit) -> None:
    """Past the menu at once, to the week, two weeks back; then a door is opened, and Escape leads back to it."""
    page = visit()
    open_page(page, serve(demo))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Week":
            break
    for key in ("Enter", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
        page.wait_for_timeout(100)
    settle(page)
    assert re.search(r"week=Week\+of\+Oct\+26", page.url), page.url
    door = page.get_by_role("button", name="Definition").first
    door.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Leaves out").first.wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Leaves out").first.wait_for(state="hidden")
    assert door.evaluate("each => each === document.activeElement")
