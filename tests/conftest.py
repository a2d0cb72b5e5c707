"""What more than one test file needs: where things are, a made-up community, a server over it, and a browser."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests import browser
from tests.desk import Desk
from tests.desk import Serve as ServeDesk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = browser.ROOT
Serve = Callable[[Path], str]
Visit = Callable[..., "Page"]
settings.register_profile("any machine", deadline=None)  # a busy one is no failure
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def main_stays() -> Iterator[None]:
    """A page that AppTest ran stays behind as `__main__`, and a child process of a later test would run it again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


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


@pytest.fixture(scope="session")
def between_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one run share."""
    mine = tmp_path_factory.getbasetemp()
    return mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """A folder for many who only look: the first makes it, and nobody sees it unfinished."""
    if not folder.exists():
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
        make(unfinished)
        with suppress(OSError):  # somebody else was quicker
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a made-up community, made once for all who only look. Who changes it takes `own_demo`."""
    from data.demo import Community
    from data.settings import Settings
    from data.store import Store
    from ingest.load import load_demo
    from ingest.progress import Progress

    folder = tmp_path_factory.mktemp("demo")
    load_demo(Store(folder), Settings(), Progress(True), Community(days=400))
    return folder


# Of each kind of real export a part that loads in seconds: a whole one, or the files that match.
REAL = {
    "slack": ("slack/bcneng+bcneng-slack-exporter-typescript", ""),
    "mail": ("mailman_pipermail/MichaelChirico+r-mailing-list-archive/r-package-devel", "202[56]q*.txt"),
    "posts": ("discourse_posts/jamesob+delving-bitcoin-archive/posts", "2026-0[5-8]-*"),
    "discord": ("discord_dce_json_derived/meshcore_dev", "MeshCore - [gt]*.json"),
}


@pytest.fixture(scope="session")
def real(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of four real communities, loaded once for all who only look: a chat, a list, a forum, a server."""
    from data.settings import Settings
    from data.store import Store
    from ingest.load import Job, load
    from ingest.progress import Progress

    folder, cut = tmp_path_factory.mktemp("real"), tmp_path_factory.mktemp("cut")
    if missing := [place for place, _ in REAL.values() if not (samples / place).exists()]:
        pytest.skip(f"not among the sample exports of this machine: {', '.join(missing)}")
    for name, (place, parts) in REAL.items():
        (cut / name).mkdir()
        for part in sorted((samples / place).glob(parts or "*")):
            to = cut / name / part.name
            shutil.copytree(part, to, copy_function=shutil.copyfile) if part.is_dir() else shutil.copyfile(part, to)
    load(Job([cut / name for name in REAL]), Store(folder), Settings(), Progress(True))
    return folder


@pytest.fixture(scope="module")
def own_demo(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same community for one test file alone: marks and loads there trouble nobody else."""
    return Path(shutil.copytree(demo, tmp_path_factory.mktemp("own") / "demo"))


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Start a server over a folder, or give the address of the one that serves it already."""
    with ExitStack() as running:
        known: dict[Path, str] = {}

        def start(folder: Path) -> str:
            if folder not in known:
                known[folder] = running.enter_context(browser.server(folder))
            return known[folder]

        yield start


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """A new reader with a browser of their own; `options` as Playwright knows them."""
    with ExitStack() as opened:

        def new(*, is_dark: bool = False, is_phone: bool = False, **options: Any) -> Page:
            window, colors = browser.PHONE if is_phone else browser.DESK, "dark" if is_dark else "light"
            context = chromium.new_context(**{"viewport": window, "color_scheme": colors} | options)
            opened.callback(context.close)
            return context.new_page()

        yield new


@pytest.fixture
def desk() -> Iterator[ServeDesk]:
    """Start a help desk on this machine, which answers as it is told to."""
    with ExitStack() as running:

        def start(
            status: int = 200, says: bytes = b"", headers: dict[str, str] | None = None, silence: float = 0
        ) -> Desk:
            found = Desk(status, says, headers or {}, silence)
            running.callback(found.close)
            return found

        yield start
