"""Find a Chromium for the tests that need one: `python -m tests.browser` also installs it, where it may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
INSTALL_SECONDS = 600


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


def main() -> int:
    """Say which Chromium the tests will use; 1 when there is none and CI asked for one."""
    found = find() or install()
    print("Chromium:", found or "none could be found or installed; tests that need a browser are skipped")
    return int(found is None and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())
