"""The operator's way in a real Chromium: from an empty database to a roster that was edited, and taken back."""

from __future__ import annotations

import io
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data.store import Store
from tests.browser import HEADING, server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OURS = """# Acme's own settings.
[community]
name = "Acme"

[[roster]]
role = "bot"  # it only counts
name = "Beeper"
"""
LONG = 180_000
ROW = 35  # pixels of a line of the table
REAL = "slack/bcneng+bcneng-slack-exporter-typescript"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, and no data yet."""
    (tmp_path / "hearth.toml").write_text(OURS)
    monkeypatch.setenv("HEARTH_SETTINGS", str(tmp_path / "hearth.toml"))
    return tmp_path


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    """Hearth itself, over nothing."""
    with server(home / "data") as address:
        yield address


@pytest.fixture
def export(root: Path) -> bytes:
    """A real workspace's export where it lies beside the project, else a made-up one; as a zip."""
    real = root.parent / "shared" / "samples" / REAL
    place = real if real.is_dir() else root / "tests" / "fixtures" / "slack" / "quay"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(place.rglob("*.json")):
            archive.write(file, file.relative_to(place))
    return held.getvalue()


@pytest.fixture
def reader(chromium: Browser, address: str) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.wait_for_selector(HEADING, timeout=LONG)
    yield page
    page.close()


def messages(page: Page) -> int:
    """How many the Sources page says there are."""
    told = page.get_by_role("heading", name=re.compile("messages? from")).inner_text(timeout=LONG)
    return int(re.sub(r"\D", "", told.split("message")[0]))


def work(page: Page, artefacts: Path, name: str) -> str:
    """Wait while something works and its bar moves; what came of it, in words."""
    page.wait_for_selector(".st-key-running [role=progressbar]", timeout=LONG)
    page.screenshot(path=str(artefacts / f"operator-{name}-running.png"))
    page.wait_for_selector(".st-key-ended", timeout=LONG)
    page.wait_for_selector(".st-key-running", state="detached", timeout=LONG)
    page.screenshot(path=str(artefacts / f"operator-{name}.png"))
    return page.locator(".st-key-ended").inner_text()


def close(page: Page) -> None:
    """Done with what a work came to: the page moves up."""
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector(".st-key-ended", state="detached", timeout=LONG)
    rest(page)  # until then what was drawn before stands beside what is drawn anew


def part(page: Page, name: str) -> None:
    """Turn to a part of the page."""
    rest(page)
    page.get_by_role("radio", name=name, exact=True).click()


def test_from_an_empty_database_to_a_roster_edited_and_taken_back(
    reader: Page, address: str, home: Path, export: bytes, artefacts: Path
) -> None:
    """First visit, the demo in one click, a real export by upload, the numbers move, an edit, and its undo."""
    reader.get_by_role("button", name="Look around with the demo").click()
    assert "15," in work(reader, artefacts, "demo")
    reader.get_by_text("Demo: made-up people").wait_for(timeout=LONG)
    close(reader)

    reader.goto(f"{address}/sources")
    made_up = messages(reader)
    part(reader, "Load more")
    reader.locator("input[type=file]").set_input_files(
        {"name": "Acme export.zip", "mimeType": "application/zip", "buffer": export}
    )
    reader.get_by_role("button", name="Load", exact=True).click()
    assert "Acme export.zip is in, as Slack" in work(reader, artefacts, "upload")
    store = Store(home / "data")
    assert messages(reader) == store.read("sources")["messages"].sum() != made_up
    assert reader.get_by_text("Demo: made-up people").count() == 0, "made-up people leave when real ones come"
    close(reader)

    part(reader, "Who is who")
    roles = "select member_id, role from people order by source_key, member_id"
    before = store.query(roles).to_dicts()
    busiest = store.query("select member_id from people where role = 'member' order by messages desc limit 1").item()
    write_a_row(reader, busiest)
    reader.get_by_role("button", name="Save the roster").click()
    work(reader, artefacts, "roster")
    text = (home / "hearth.toml").read_text()
    assert tomllib.loads(text)["roster"][1] == {"role": "staff", "id": busiest}
    assert "# Acme's own settings." in text
    assert "# it only counts" in text
    assert {"member_id": busiest, "role": "staff"} in store.query(roles).to_dicts()

    close(reader)
    reader.get_by_role("button", name="Take back the last save").click()
    work(reader, artefacts, "undo")
    assert (home / "hearth.toml").read_text() == OURS
    assert store.query(roles).to_dicts() == before


def write_a_row(page: Page, member_id: str) -> None:
    """A second row of the roster, by the keyboard: staff is who has this id. The grid is drawn, so it has no cells."""
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for(timeout=LONG)
    rest(page)
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 60, box["y"] + 2 * ROW + ROW / 2)
    role = page.locator("input[id^=react-select]")
    role.wait_for(timeout=LONG)
    page.keyboard.press("Escape")  # staff is what a new row says
    role.wait_for(state="detached", timeout=LONG)
    rest(page)
    for _ in range(4):  # role, name, platform, source, id
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator("textarea.gdg-input").wait_for(timeout=LONG)
    page.keyboard.type(member_id, delay=20)
    page.keyboard.press("Enter")


def rest(page: Page) -> None:
    """Wait until nothing runs and the grid has drawn itself, which it does a moment later."""
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=LONG)
    page.wait_for_timeout(1000)
