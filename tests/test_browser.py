"""A real Chromium against a real server: what no page script can prove alone."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data.demo import Community
from data.marks import Marks
from data.records import Channel, Member, Message, Refused, Source
from data.settings import Settings
from data.store import Chunk, Store
from ingest.load import derive_again, load_demo
from ingest.progress import Progress
from metrics.metric import metrics
from tests.test_safe import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

PAGES = (
    "", "unanswered", "people_to_reach", "responsiveness", "returning_members", "relationships", "is_it_right",
    "sources", "definitions", "vanity_drawer",
)  # fmt: skip
DRAWN = '[data-testid="stHeading"]'
Serve = Callable[[Path], str]


@contextmanager
def server(root: Path, folder: Path) -> Iterator[str]:
    """Hearth itself on a free port, over a folder's data. Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.port", str(port)]
    process = subprocess.Popen(
        command, cwd=root, env=os.environ | {"HEARTH_DATA": str(folder)}, stdout=subprocess.DEVNULL
    )
    try:
        yield _wait_for(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(300):
        assert process.poll() is None, "the server stopped before it answered"
        try:
            fetch(address, "/_stcore/health")
        except OSError:
            time.sleep(0.2)
        else:
            return address
    raise TimeoutError("the server did not answer within a minute")


@pytest.fixture(scope="module")
def serve(root: Path) -> Iterator[Serve]:
    """Start a server, or give the one that already serves the folder."""
    with ExitStack() as running:
        known: dict[Path, str] = {}

        def start(folder: Path) -> str:
            if folder not in known:
                known[folder] = running.enter_context(server(root, folder))
            return known[folder]

        yield start


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    load_demo(Store(folder), Settings(), Progress(True), Community(days=400))
    return folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A community whose every name, title, message, channel, file and reason is up to something."""
    folder = tmp_path_factory.mktemp("hostile")
    now = datetime(2026, 11, 16, tzinfo=UTC)
    with Store(folder).loading(Settings()) as loader:
        for platform in ("slack", HOSTILE[8] + HOSTILE[0]):
            load = loader.begin(
                Source(platform, HOSTILE[3], f"{HOSTILE[0]} {HOSTILE[3]} {HOSTILE[9]}"), f"{HOSTILE[1]}.zip"
            )
            loader.take(load, _hostile_chunk(now))
            loader.finish(load)
    derive_again(Store(folder), Settings(), Progress(True))  # which also hears how all of it sounds
    return folder


def _hostile_chunk(now: datetime) -> Chunk:
    """Asks on each of two months' days; every other one is answered."""
    chunk = Chunk(refused=[Refused(text, text, text, text.encode()) for text in HOSTILE])
    for number, text in enumerate(HOSTILE[::-1] * 3):
        asked = now - timedelta(days=number, hours=5)
        place, asker, other = f"c{number % len(HOSTILE)}", f"u{number}", f"u{number + 1}"
        chunk.members += [Member(asker, text), Member(other, text)]
        chunk.channels.append(Channel(place, text[:200], "forum"))
        link = ("javascript:alert(1)", "data:text/html,x", None)[number % 3]
        thread = f"m{number}"
        chunk.messages.append(
            Message(
                thread,
                place,
                asker,
                asked,
                f"{text} I love this lamp, thank you ?",
                title=text[:300],
                conversation_id=thread,
                permalink=link,
            )
        )
        replier = other if number % 2 else asker
        chunk.messages.append(
            Message(f"r{number}", place, replier, asked + timedelta(hours=1), text, conversation_id=thread,
                    parent_id=thread, basis="thread")
        )  # fmt: skip
    return chunk


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A new reader with a browser of their own."""
    with ExitStack() as opened:

        def new(*, is_dark: bool = False, is_phone: bool = False, bypass_csp: bool = False) -> Page:
            width, height = (390, 844) if is_phone else (1440, 900)
            context = chromium.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if is_dark else "light",
                bypass_csp=bypass_csp,
            )
            opened.callback(context.close)
            return context.new_page()

        yield new


def open_page(page: Page, address: str) -> None:
    """Go there and wait until the page has stopped changing."""
    page.goto(address)
    page.wait_for_selector(DRAWN, timeout=60_000)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the script has run and the charts are drawn; the policy forbids a test to evaluate words."""
    page.wait_for_timeout(400)
    page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=60_000)
    page.wait_for_timeout(900)


def listen(page: Page, address: str) -> list[str]:
    """What the page asks of others, what its policy stops, and what it pops up; filled while it is used."""
    heard: list[str] = []

    def on_request(request: Request) -> None:
        if not request.url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
            heard.append(request.url)

    def on_console(said: ConsoleMessage) -> None:
        if "Content Security Policy" in said.text:
            heard.append(said.text)

    def on_dialog(dialog: Dialog) -> None:
        heard.append(dialog.message)
        dialog.dismiss()

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("dialog", on_dialog)
    return heard


def test_the_first_request_of_a_server_may_be_a_deep_link(root: Path, demo: Path, visit: Callable[..., Page]) -> None:
    """On a fresh server the frame stands around a page that was typed into the address bar."""
    with server(root, demo) as address:
        page = visit()
        open_page(page, f"{address}/unanswered")
        assert page.title() == "Unanswered · Hearth"
        assert page.get_by_text("Demo: made-up people").is_visible()
        assert page.get_by_role("link", name="Weekly health").count() > 0
        assert page.get_by_text("are waiting").is_visible()


@pytest.mark.parametrize(
    ("name", "charts", "last"),
    [
        ("responsiveness", 7, "g.scatterlayer path.js-line"),
        ("returning_members", 5, "g.hm"),
        ("relationships", 6, "g.scatterlayer path.js-line"),
    ],
)
def test_a_deep_link_draws_a_page_to_its_last_chart(
    serve: Serve, demo: Path, visit: Callable[..., Page], artefacts: Path, name: str, charts: int, last: str
) -> None:
    """No error and no warning; every chart has its ink, also on a phone in the dark, and none is too wide."""
    page = visit(is_phone=True, is_dark=True)
    open_page(page, f"{serve(demo)}/{name}")
    drawn = page.locator(".js-plotly-plot")
    drawn.last.scroll_into_view_if_needed()
    page.screenshot(path=artefacts / f"{name}-phone-dark.png")
    assert drawn.count() == charts
    assert drawn.last.locator(last).count() > 0
    assert page.locator('[data-testid="stAlert"], [data-testid="stException"]').count() == 0
    wide = "(e => e.scrollWidth - e.clientWidth)(document.querySelector('[data-testid=stMain]'))"
    assert page.evaluate(wide) <= 0


@pytest.mark.parametrize("script", ["_frame", "_show", "_filters", "weekly_health.py"])
def test_no_other_file_of_the_pages_is_a_page(
    serve: Serve, demo: Path, visit: Callable[..., Page], script: str
) -> None:
    """An address that is no page leads to the frame, not around it."""
    page = visit()
    open_page(page, f"{serve(demo)}/{script}")
    assert page.get_by_text("Demo: made-up people").is_visible()


@pytest.mark.parametrize(
    ("look", "options"),
    [
        ("light", {}),
        ("dark", {"is_dark": True}),
        ("phone", {"is_phone": True}),
        ("phone-dark", {"is_phone": True, "is_dark": True}),
    ],
)
def test_every_page_is_drawn_in_light_and_dark_and_on_a_phone(
    serve: Serve, demo: Path, visit: Callable[..., Page], artefacts: Path, look: str, options: dict[str, bool]
) -> None:
    """Nothing fails, nothing is wider than the screen, and the first screen is kept to be looked at."""
    page = visit(**options)
    paper = "rgb(21, 23, 28)" if "dark" in look else "rgb(251, 250, 247)"
    for name in PAGES:
        open_page(page, f"{serve(demo)}/{name}")
        page.screenshot(path=artefacts / f"{name or 'weekly_health'}-{look}.png")
        assert page.locator('[data-testid="stAlert"], [data-testid="stException"]').count() == 0
        background = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        assert page.evaluate(background) == paper
        main = "(e => e.scrollWidth - e.clientWidth)(document.querySelector('[data-testid=stMain]'))"
        assert page.evaluate(main) <= 0


def test_the_page_stays_silent_and_within_its_policy(serve: Serve, demo: Path, visit: Callable[..., Page]) -> None:
    """No request to any other host, and nothing that the policy had to stop."""
    page, address = visit(), serve(demo)
    heard = listen(page, address)
    for name in PAGES:
        open_page(page, f"{address}/{name}")
    assert heard == []


@pytest.mark.parametrize("name", PAGES)
def test_hostile_words_reach_nobody(
    serve: Serve, hostile: Path, visit: Callable[..., Page], artefacts: Path, name: str
) -> None:
    """Without the policy to catch them: no request, no link, no script, no forged shape, no dialog."""
    page, address = visit(bypass_csp=True), serve(hostile)
    heard = listen(page, address)
    open_page(page, f"{address}/{name}")
    _touch_everything(page)
    page.screenshot(path=artefacts / f"hostile-{name or 'weekly_health'}.png", full_page=True)
    assert heard == []
    assert _attacker_links(page, address) == []
    assert page.evaluate("window.PWNED") is None
    assert page.locator('[style*="90px"], .katex, [data-testid="stMain"] img').count() == 0
    assert page.locator('[data-testid="stException"], [data-testid="stAlert"]').count() == 0


def _attacker_links(page: Page, address: str) -> list[str]:
    found: list[str] = page.evaluate("[...document.querySelectorAll('a')].map(a => a.href.baseVal ?? a.href)")
    return [link for link in found if link and not link.startswith(address)]


def _label_some(page: Page) -> None:
    """So many that the figures appear, with the words that mark the mistakes."""
    if (name := page.get_by_label("Your name")).count():
        name.fill(HOSTILE[0][:80])
        page.keyboard.press("Enter")
        settle(page)
        for count in range(1, 26):
            page.keyboard.press("3")
            page.get_by_text(f"{count} so far").wait_for()
        settle(page)


def _touch_everything(page: Page) -> None:
    """Open the filters and the doors, hover over the charts, walk through the list, label messages."""
    _label_some(page)
    if (places := page.locator('[data-testid="stPopover"] button').first).count():
        places.click()
        settle(page)
        if (channels := page.get_by_label("Channels")).count():
            channels.click()
            settle(page)
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    for text in ("Rows", "The records themselves"):
        if (door := page.get_by_text(text, exact=True)).count():
            door.first.click()
            settle(page)
            page.keyboard.press("Escape")
    for chart in page.locator(".js-plotly-plot").all():
        chart.hover()
        page.wait_for_timeout(150)
    if page.url.endswith("/unanswered"):
        box = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
        assert box is not None
        for row in range(11):
            page.mouse.click(box["x"] + 18, box["y"] + 58 + 44 * row)
            page.wait_for_timeout(250)
        settle(page)


def test_the_choice_goes_along_from_page_to_page(serve: Serve, demo: Path, visit: Callable[..., Page]) -> None:
    """Chosen on one page, kept over another that has no filters, and there again."""
    page = visit()
    open_page(page, f"{serve(demo)}/unanswered?platform=Mail&period=13+weeks")
    for name in ("Sources", "Weekly health"):
        page.get_by_role("link", name=name).first.click()
        settle(page)
    assert page.locator('[data-testid="stPopover"]').first.inner_text().startswith("Mail")
    assert "platform=Mail" in page.url
    assert "period=13" in page.url


def test_the_keyboard_walks_through_the_list(serve: Serve, demo: Path, visit: Callable[..., Page]) -> None:
    """Arrow down: the next person's words are opened."""
    page = visit()
    open_page(page, f"{serve(demo)}/unanswered")
    box = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 300, box["y"] + 58 + 44)
    settle(page)
    words = "[...document.querySelectorAll('[data-testid=stChatMessage]')].map(each => each.innerText).join()"
    opened = page.evaluate(words)
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"opened => {words} != opened", arg=opened)


def test_messages_are_labelled_by_keyboard_and_a_label_is_taken_back(
    serve: Serve, demo: Path, visit: Callable[..., Page], artefacts: Path
) -> None:
    """Digits in the name are no labels; three keys are three labels; U takes the last one back."""
    page = visit()
    open_page(page, f"{serve(demo)}/is_it_right")
    page.get_by_label("Your name").fill("")
    page.keyboard.type("Ana 123")
    page.keyboard.press("Enter")
    settle(page)
    shown = [page.locator('[data-testid="stText"]').inner_text()]
    for count, key in enumerate("132", 1):
        page.keyboard.press(key)
        page.get_by_text(f"{count} so far").wait_for()
        settle(page)
        shown.append(page.locator('[data-testid="stText"]').inner_text())
    page.screenshot(path=artefacts / "is_it_right-labelling.png")
    page.keyboard.press("u")
    page.get_by_text("2 so far").wait_for()
    settle(page)
    assert page.locator('[data-testid="stText"]').inner_text() == shown[2]
    journal = Marks(demo)
    kept = journal.current("label").to_pylist()
    assert [(row["value"], row["by"]) for row in kept] == [("negative", "Ana 123"), ("positive", "Ana 123")]
    journal.close()


def test_chart_table_definition_and_download_of_a_view_carry_one_fingerprint(
    serve: Serve, demo: Path, visit: Callable[..., Page], artefacts: Path
) -> None:
    page = visit()
    open_page(page, serve(demo))
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download").first.click()
    name = begun.value.suggested_filename
    assert re.fullmatch(r"answered_within-[0-9a-f]{8}-[\w-]+\.csv", name)
    first = begun.value.path().read_text("utf-8").splitlines()[0]
    assert first == '"week","hours","share","low","high","asks"'
    fingerprint = name.removesuffix(".csv")
    assert page.evaluate("document.querySelector('.js-plotly-plot').layout.meta.fingerprint") == fingerprint
    page.get_by_role("button", name="Rows").first.click()
    page.get_by_text(f"Fingerprint: {fingerprint}").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Definition").first.click()
    card = page.locator('[data-testid="stPopoverBody"]')
    card.get_by_text(fingerprint, exact=True).wait_for()
    card.get_by_text("waits_in").first.wait_for()
    page.screenshot(path=artefacts / "definition.png")
    said = card.inner_text()
    known = metrics()["answered_within"]
    assert [text for text in (known.title, *known.card.values()) if text not in said] == []
    assert "Leaves out" in said
    assert "waits_in" in said, "the SQL"


def test_every_answer_carries_the_strict_headers(serve: Serve, demo: Path) -> None:
    """One policy for pages, files and errors; the server's own figures are for this machine."""
    address = serve(demo)
    for path in ("/", "/unanswered", "/static/nothing.js", "/_stcore/health"):
        headers = fetch(address, path).headers
        scripts = headers["Content-Security-Policy"].split("script-src")[1].split(";")[0]
        assert scripts.startswith(" 'self' 'wasm-unsafe-eval' 'sha256-")
        assert "unsafe-inline" not in scripts
        assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
        assert headers["Referrer-Policy"] == "no-referrer"
    assert fetch(address, "/_stcore/metrics").status == 200
    assert fetch(address, "/_stcore/metrics", {"X-Forwarded-For": "203.0.113.9"}).status == 403


def fetch(address: str, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    """One request and its answer's head, whatever it says."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse()
    finally:
        connection.close()
