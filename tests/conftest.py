"""What more than one test file needs: where things are, and a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import browser
from tests.desk import Desk, Serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real-shaped exports that lie beside the project on some machines, never inside it."""
    folder = ROOT.parent / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip("the sample exports are not on this machine")
    return folder


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """A folder for screenshots and logs of a test, ignored by git."""
    folder = ROOT / "tests" / "artefacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium. Without one these tests are skipped, but never in CI."""
    found = browser.find()
    if found is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("no Chromium on this machine: `make test` installs one where it may")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def desk() -> Iterator[Serve]:
    """Start a help desk on this machine, which answers as it is told to."""
    with ExitStack() as running:

        def start(
            status: int = 200, says: bytes = b"", headers: dict[str, str] | None = None, silence: float = 0
        ) -> Desk:
            found = Desk(status, says, headers or {}, silence)
            running.callback(found.close)
            return found

        yield start
