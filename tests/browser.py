"""A real Chromium before a real server: found, started, opened, waited for. `python -m tests.browser` installs one."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

ROOT = Path(__file__).parent.parent
FRONT = "weekly_health"
PAGES = ("", *sorted(path.stem for path in (ROOT / "pages").glob("[!_]*.py") if path.stem != FRONT))
"""Every page as the address names it: the front page has no name there."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
INSTALL_SECONDS = 600
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
HEADING = '[data-testid="stHeading"]'
BROKEN = '[data-testid="stAlert"], [data-testid="stException"]'
"""What stands in the place of a card that failed."""
AT_REST = """() => new Promise(done => {
  const isBusy = () => !document.querySelector('[data-test-script-state="notRunning"]')
    || document.querySelector('[data-testid="stSkeleton"], [data-testid="stAppSkeleton"]')
    || [...document.querySelectorAll('[data-testid="stPlotlyChart"]')].some(each => !each.querySelector('.main-svg'));
  let changed = performance.now();
  const watch = new MutationObserver(() => { changed = performance.now(); });
  watch.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
  const look = setInterval(() => {
    if (isBusy() || performance.now() - changed < QUIET) return;
    clearInterval(look);
    watch.disconnect();
    done(changed / 1000);
  }, 25);
})"""
"""Resolves when the script has run, every chart is drawn, and nothing has changed for a moment: when that began."""
QUIET = 300
"""Milliseconds: a choice in a table waits 150 before it is sent."""


def find() -> str | None:
    """Path of a Chromium on this machine, or the one Playwright brought, or None."""
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    if on_path or MAC.exists():
        return on_path or str(MAC)
    return _of_playwright()


def _of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> str | None:
    """Ask the system's packages first, then Playwright; what both left is the answer."""
    for command in (*_apt(), [sys.executable, "-m", "playwright", "install", "chromium"]):
        print("Trying:", " ".join(command), flush=True)
        if _works(command) and (found := find()):
            return found
    return None


def _apt() -> list[list[str]]:
    if not shutil.which("apt-get"):
        return []
    apt = ["apt-get", "-y", "-qq"] if os.geteuid() == 0 else ["sudo", "-n", "apt-get", "-y", "-qq"]
    return [[*apt, "update"], [*apt, "install", "--no-install-recommends", "chromium"]]


def _works(command: list[str]) -> bool:
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Hearth itself on a free port, over a folder's data. Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"HEARTH_DATA": str(folder)}, stdout=subprocess.DEVNULL
    )
    try:
        yield _wait_for(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        assert process.poll() is None, "the server stopped before it answered"
        try:
            fetch(address, "/_stcore/health")
        except OSError:
            time.sleep(0.1)
        else:
            return address
    raise TimeoutError("the server did not answer within a minute")


def fetch(address: str, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    """One request and its answer's head, whatever it says."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse()
    finally:
        connection.close()


def open_page(page: Page, address: str) -> None:
    """Go there and wait until the page has stopped changing."""
    page.goto(address)
    page.wait_for_selector(HEADING, timeout=60_000)
    settle(page)


def settle(page: Page) -> float:
    """Wait until the page is at rest. The seconds since it was asked for until its last change."""
    since: float = page.evaluate(AT_REST.replace("QUIET", str(QUIET)))
    return since


def main() -> int:
    """Say which Chromium the tests will use; 1 when there is none and CI asked for one."""
    found = find() or install()
    print("Chromium:", found or "none could be found or installed; tests that need a browser are skipped")
    return int(found is None and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())
