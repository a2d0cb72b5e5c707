"""The analyst's journey, in a real Chromium: filter, share, take the rows along, open the files again."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import openpyxl
import pytest

from data import explore, export
from data.demo import Community
from data.explore import View
from data.settings import Settings
from data.store import Store
from ingest.load import load_demo
from ingest.progress import Progress
from tests.browser import open_page, server, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROKEN = '[data-testid="stAlert"], [data-testid="stException"]'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """So much that a file of it all takes a while."""
    store = Store(tmp_path_factory.mktemp("demo"))
    load_demo(store, Settings(), Progress(True), Community())
    return store


@pytest.fixture(scope="module")
def address(demo: Store) -> Iterator[str]:
    with server(demo.folder) as served:
        yield f"{served}/explore"


def unfold(page: Page, window: str) -> None:
    """Open one of the small windows in which the rarer fields are."""
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile(f"^{window}")).click()
    page.get_by_test_id("stPopoverBody").wait_for()


def top_of_rows(page: Page) -> float:
    """How far down the first row of data begins."""
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box
    return box["y"]


def choose(page: Page, title: str, value: str) -> None:
    """Pick something in a list, by typing its name."""
    lists = page.locator('[data-testid="stSelectbox"], [data-testid="stMultiSelect"]')
    lists.filter(has=page.get_by_text(title, exact=True)).locator("input").click()
    page.keyboard.type(value)
    page.get_by_role("option", name=value, exact=True).click()
    page.keyboard.press("Tab")  # Escape would empty a list that may be empty
    settle(page)


def filter_asks(page: Page) -> None:
    """The unhappy asks that wait and hold a word, those that wait longest first."""
    choose(page, "Look into", "Asks")
    unfold(page, "Filters")
    choose(page, "Reason", "unhappy")
    choose(page, "Answered", "Waiting")
    assert page.get_by_role("button", name="Filters: 2").is_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Text contains").fill("the")
    page.keyboard.press("Enter")
    settle(page)
    unfold(page, "Columns and order")
    choose(page, "Sort by", "Hours")
    page.keyboard.press("Escape")


def told(page: Page) -> str:
    """The fingerprint of the rows that are shown."""
    found = re.search(r"Fingerprint: (\S+)\.", page.get_by_text("Fingerprint:").inner_text())
    assert found
    return found[1]


def press(page: Page, form: str) -> None:
    """Choose a format."""
    page.get_by_test_id("stRadio").get_by_text(form, exact=True).click()
    page.get_by_text(NOTE[form]).wait_for()
    settle(page)


def take(page: Page, form: str) -> bytes:
    """The file of one format."""
    press(page, form)
    with page.expect_download() as coming:
        page.get_by_role("button", name=re.compile("^Download")).click()
    return Path(coming.value.path()).read_bytes()


NOTE = {"CSV": "For spreadsheets", "XLSX": "For Excel", "Parquet": "For DuckDB", "JSON": "A list of objects"}


def test_the_analyst_filters_shares_and_takes_the_rows_along(
    chromium: Browser, address: str, demo: Store, artefacts: Path, tmp_path: Path
) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
    open_page(page, address)
    filter_asks(page)
    page.get_by_text("The same from the command line").click()
    settle(page)
    command = page.get_by_test_id("stCode").last.inner_text()
    since = re.search(r"--since=(\S+)", command)
    assert since
    assert command.endswith("--reason=unhappy --answered=no --contains=the --sort=hours --output asks.xlsx")
    view = View(
        "asks", date.fromisoformat(since[1]), reasons=("unhappy",), answered=False, contains="the", sort="hours"
    )
    count = explore.count(demo, Settings(), view)
    assert count > 1
    assert page.get_by_role("heading", name=re.compile(f"^{count} asks")).is_visible()
    assert told(page) == explore.fingerprint(Settings(), view, demo.snapshot or "")
    assert top_of_rows(page) < 400, "one row of fields, then the rows"

    other = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    open_page(other, page.url)
    other.get_by_role("heading", name=re.compile(f"^{count} asks")).wait_for()
    assert told(other) == told(page)
    assert top_of_rows(other) < 844, "on a phone's first screen, too"
    assert other.locator(BROKEN).count() == 0

    page.screenshot(path=artefacts / "explore-journey.png")
    files = {form: take(page, form) for form in ("CSV", "XLSX", "Parquet", "JSON")}
    for form, content in files.items():
        to = io.BytesIO()
        export.write(explore.extract(demo, Settings(), view), form.lower(), to)
        assert content == to.getvalue(), f"{form} is the file that the command line writes"
    assert_same_rows(files, demo, view, tmp_path)
    assert page.locator(BROKEN).count() == 0


def assert_same_rows(files: dict[str, bytes], demo: Store, view: View, folder: Path) -> None:
    """Each file, opened by a program that knows nothing of us, holds the messages of the query in its order."""
    with explore.extract(demo, Settings(), view).open() as reader:
        wanted = reader.read_all()["message"].to_pylist()
    for form in ("CSV", "Parquet", "JSON"):
        (folder / f"rows.{form.lower()}").write_bytes(files[form])
    asked = "select message::varchar from '{}'"
    found = {
        form: [row[0] for row in duckdb.execute(asked.format(folder / f"rows.{form.lower()}")).fetchall()]
        for form in ("CSV", "Parquet")
    }
    found["JSON"] = [row["message"] for row in json.loads(files["JSON"])]
    sheet = openpyxl.load_workbook(io.BytesIO(files["XLSX"])).worksheets[0]
    lines = list(sheet.iter_rows(values_only=True))
    found["XLSX"] = [str(line[lines[0].index("message")]) for line in lines[1:]]
    assert found == dict.fromkeys(found, wanted)


def test_a_long_file_shows_how_far_it_is_and_can_be_cancelled(chromium: Browser, address: str, demo: Store) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
    open_page(page, f"{address}?period=All+time")
    prepare = page.get_by_role("button", name=re.compile("^Prepare a file of"))
    prepare.click()
    page.get_by_text(re.compile(r"^[\d,]+ of [\d,]+ rows")).wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    assert prepare.is_visible()
    press(page, "Parquet")
    prepare.click()
    with page.expect_download() as coming:
        page.get_by_role("button", name=re.compile("^Download,")).click(timeout=60_000)
    ((rows,),) = duckdb.execute(f"select count(*) from read_parquet('{coming.value.path()}')").fetchall()  # noqa: S608
    assert rows == explore.count(demo, Settings(), View("messages"))
    assert page.locator(BROKEN).count() == 0
