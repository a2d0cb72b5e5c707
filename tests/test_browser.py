"""A real Chromium against a real server: what no page script can prove alone."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench import ready
from data import explore
from data.marks import Marks
from data.records import Channel, Member, Message, Refused, Source
from data.settings import Settings
from data.store import Chunk, Store
from ingest.load import derive_again
from ingest.progress import Progress
from metrics.metric import metrics
from pages._reader import COOKIE
from tests.browser import BROKEN, DESK, PAGES, PHONE, fetch, open_page, server, settle
from tests.conftest import Serve, Visit
from tests.test_accessibility import unfit, violations
from tests.test_safe import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Dialog, Page, Request


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


def test_the_first_request_of_a_server_may_be_a_deep_link(demo: Path, visit: Visit) -> None:
    """On a fresh server the frame stands around a page that was typed into the address bar, and nothing is missing."""
    with server(demo) as address:
        page, missing = visit(), list[str]()
        page.on("response", lambda reply: missing.append(reply.url) if reply.status >= 400 else None)
        open_page(page, f"{address}/unanswered")
        assert page.title() == "Unanswered · Hearth"
        assert page.get_by_text("Demo: made-up people").is_visible()
        assert page.get_by_role("link", name="Weekly health").count() > 0
        assert page.get_by_text("are waiting").is_visible()
        assert not missing


@pytest.mark.parametrize(("is_dark", "paper"), [(False, "rgb(251, 250, 247)"), (True, "rgb(21, 23, 28)")])
def test_until_the_first_words_come_there_is_paper_and_no_grey_block(
    serve: Serve, demo: Path, visit: Visit, is_dark: bool, paper: str
) -> None:
    """In the reader's own light, from the first moment on, and on every page: here nothing comes at all."""
    for path in ("", "unanswered"):
        page = visit(is_dark=is_dark)
        page.route_web_socket("**/_stcore/stream", lambda _: None)
        page.goto(f"{serve(demo)}/{path}", wait_until="commit")
        page.wait_for_function("document.documentElement && document.body")
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == paper
        page.get_by_test_id("stAppSkeleton").wait_for()
        blocks = page.locator('[data-testid="stAppSkeleton"] *, [data-testid="stSkeleton"]')
        assert blocks.count() > 0
        assert not [each for each in blocks.all() if each.is_visible()]


def test_below_a_base_path_pages_are_the_same(demo: Path, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy gives Hearth a folder of its address: ours from the first moment on, and all of it comes."""
    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", "team/hearth")
    with server(demo) as address:
        for name in ("", "unanswered"):
            page = visit()
            page.goto(f"{address}/team/hearth/{name}", wait_until="commit")
            page.wait_for_function("document.documentElement && document.body")
            assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(251, 250, 247)"
            open_page(page, f"{address}/team/hearth/{name}")
            assert page.get_by_role("link", name="Weekly health").count() > 0


def test_a_small_button_can_be_read_while_it_is_open_in_the_dark(serve: Serve, demo: Path, visit: Visit) -> None:
    page = visit(is_dark=True)
    open_page(page, f"{serve(demo)}/unanswered")
    button = page.get_by_role("button", name="Keys")
    button.click()
    page.get_by_text("The next ask, the previous one.").wait_for()
    settle(page)
    assert button.evaluate("each => getComputedStyle(each).color") == "rgb(240, 138, 93)"


def test_what_is_copied_has_no_joiner(serve: Serve, demo: Path, visit: Visit) -> None:
    """A name or id in a sentence is kept from turning into a link by a sign that nobody sees: it stays on the page."""
    page = visit()
    open_page(page, f"{serve(demo)}/definitions")
    copied = page.evaluate("""() => {
      const shown = document.body.appendChild(document.createElement("p"));
      shown.textContent = "mail:\u2060r-package-devel:\u2060mail:\u20604e1cf0";
      getSelection().selectAllChildren(shown);
      const event = new ClipboardEvent("copy", {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
      shown.dispatchEvent(event);
      return event.clipboardData.getData("text/plain");
    }""")
    assert copied == "mail:r-package-devel:mail:4e1cf0"


def test_no_other_file_of_the_pages_is_a_page(serve: Serve, demo: Path, visit: Visit) -> None:
    """An address that is no page leads to the frame, not around it."""
    page = visit()
    for script in ("_frame", "_show", "_filters", "weekly_health.py"):
        open_page(page, f"{serve(demo)}/{script}")
        assert page.get_by_text("Demo: made-up people").is_visible()


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_every_page_is_drawn_to_its_last_chart_for_everybody_on_a_desk_and_on_a_phone(
    serve: Serve, demo: Path, visit: Visit, artefacts: Path, is_dark: bool
) -> None:
    """Nothing fails, nothing is wider than the screen, nobody else is asked, and what is seen is kept to be looked at.

    Nothing serious for axe-core; Tab passes by nothing, and where it stops can be seen. In the light a desk's window
    becomes as small as a phone, in the dark it goes the other way.
    """
    page, address = visit(is_dark=is_dark, is_phone=is_dark, reduced_motion="reduce"), serve(demo)
    heard, lost = listen(page, address), {}
    look, windows = ("dark", (PHONE, DESK)) if is_dark else ("light", (DESK, PHONE))
    for name in PAGES:
        open_page(page, f"{address}/{name}")
        for window in windows:
            page.set_viewport_size(window)
            settle(page)
            device = "phone" if window is PHONE else "desk"
            page.screenshot(path=artefacts / f"{name or 'weekly_health'}-{look}-{device}.png")
            assert page.evaluate(SEEN) == {"paper": PAPER[look], "broken": 0, "blank": 0, "too wide": 0}, name
        page.set_viewport_size(DESK)
        settle(page)
        lost[name] = unfit(page)
    assert {name: found for name, found in lost.items() if found} == {}
    assert heard == []


PAPER = {"light": "rgb(251, 250, 247)", "dark": "rgb(21, 23, 28)"}
SEEN = """() => {
  const all = each => [...document.querySelectorAll(each)];
  const [app] = all('[data-testid="stApp"]'), [main] = all('[data-testid="stMain"]');
  return {
    'paper': getComputedStyle(app).backgroundColor,
    'broken': all('[data-testid="stAlert"], [data-testid="stException"]').length,
    'blank': all('.js-plotly-plot').filter(each => !each.querySelector('g.trace, g.hm')).length,
    'too wide': main.scrollWidth - main.clientWidth,
  };
}"""


def test_hostile_words_reach_nobody(serve: Serve, hostile: Path, visit: Visit, artefacts: Path) -> None:
    """Without the policy to catch them: no request, no link, no script, no forged shape, no dialog."""
    page, address = visit(bypass_csp=True), serve(hostile)
    heard = listen(page, address)
    for name in PAGES:
        open_page(page, f"{address}/{name}")
        _touch_everything(page)
        page.screenshot(path=artefacts / f"hostile-{name or 'weekly_health'}.png", full_page=True)
        assert heard == [], name
        assert _attacker_links(page, address) == [], name
        assert page.evaluate("window.PWNED") is None, name
        assert (
            page.locator('[style*="90px"], .katex, [data-testid="stMain"] img:not(.hearth-sheet img)').count() == 0
        ), name
        assert page.locator(BROKEN).count() == 0, name


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
    if page.url.endswith("/unanswered"):
        box = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
        assert box is not None
        for row in range(11):
            page.mouse.click(box["x"] + 18, box["y"] + 36 + 84 * 1.5 * row)
            page.wait_for_timeout(250)
        settle(page)


def test_the_choice_goes_along_from_page_to_page(serve: Serve, demo: Path, visit: Visit) -> None:
    """Chosen on one page, kept over another that has no filters, and there again."""
    page = visit()
    open_page(page, f"{serve(demo)}/unanswered?platform=Mail&period=13+weeks")
    for name in ("Sources", "Weekly health"):
        page.get_by_role("link", name=name).first.click()
        settle(page)
    assert page.locator('[data-testid="stPopover"]').first.inner_text().startswith("Mail")
    assert "platform=Mail" in page.url
    assert "period=13" in page.url


def test_a_number_opens_onto_its_own_week_whatever_was_chosen_before(serve: Serve, demo: Path, visit: Visit) -> None:
    """Not onto the year that was chosen; and the address says so, for whoever gets it."""
    page = visit()
    open_page(page, f"{serve(demo)}/?period=A+year")
    page.get_by_role("link", name="The asks", exact=True).click()
    page.wait_for_url("**/explore?**")
    settle(page)
    assert "period=Own+dates" in page.url
    week = explore.View("asks", date(2026, 11, 9), date(2026, 11, 16))
    count = explore.count(Store(demo), Settings(), week)
    told = f"{count} asks"
    assert page.get_by_role("heading", name=told).count() == 1
    open_page(other := visit(), page.url)
    assert other.get_by_role("heading", name=told).count() == 1


def test_the_keyboard_walks_through_the_list(serve: Serve, demo: Path, visit: Visit) -> None:
    """Arrow down: the next person's words are opened."""
    page = visit()
    open_page(page, f"{serve(demo)}/unanswered")
    box = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 300, box["y"] + 36 + 84 * 1.5)
    settle(page)
    words = "[...document.querySelectorAll('[data-testid=stChatMessage]')].map(each => each.innerText).join()"
    opened = page.evaluate(words)
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"opened => {words} != opened", arg=opened)


def test_messages_are_labelled_by_keyboard_and_a_label_is_taken_back(
    serve: Serve, own_demo: Path, visit: Visit, artefacts: Path
) -> None:
    """Digits in the name are no labels; three keys are three labels; U takes the last one back."""
    page = visit()
    open_page(page, f"{serve(own_demo)}/is_it_right")
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
    journal = Marks(own_demo)
    kept = journal.current("label").to_pylist()
    assert [(row["value"], row["by"]) for row in kept] == [("negative", "Ana 123"), ("positive", "Ana 123")]
    journal.close()


def test_chart_table_definition_and_download_of_a_view_carry_one_fingerprint(
    serve: Serve, demo: Path, visit: Visit, artefacts: Path
) -> None:
    page = visit()
    open_page(page, f"{serve(demo)}/responsiveness")
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


def test_the_bench_waits_for_the_last_chart_and_counts_what_failed(
    serve: Serve, demo: Path, visit: Visit, tmp_path: Path
) -> None:
    """A page with six charts takes longer to be drawn than one that has nothing to draw; neither failed."""
    waits = ready.by_turns(visit(), f"{serve(demo)}/relationships", f"{serve(tmp_path)}/", 2)
    assert min(waits.real) > min(waits.bare) > 0.05
    assert waits.errors == [0, 0]


def test_charts_follow_the_theme_that_the_reader_chooses(serve: Serve, demo: Path, visit: Visit) -> None:
    """And on a desk every page has its place at the top, none hides behind "1 more"."""
    from playwright.sync_api import expect

    page = visit()
    open_page(page, f"{serve(demo)}/responsiveness")
    assert page.get_by_role("link", name="The vanity drawer").is_visible()
    page.get_by_test_id("stMainMenu").get_by_role("button").click()
    page.get_by_test_id("stMainMenuPopover").get_by_text("Dark").last.click()
    ink = page.locator(".xtick text").first
    expect(ink).to_have_css("fill", "rgb(164, 171, 184)", timeout=20_000)


def test_a_name_outlives_a_reload_and_stays_in_its_browser(serve: Serve, own_demo: Path, visit: Visit) -> None:
    """Whoever is asked for it types at once, however they came to the page."""
    address, page, other = serve(own_demo), visit(), visit()
    open_page(page, address)
    page.get_by_role("link", name="Unanswered").click()
    page.get_by_test_id("stDataFrame").first.wait_for()
    settle(page)
    page.keyboard.press("m")
    page.get_by_label("Your name").wait_for()
    settle(page)
    assert violations(page) == []
    for key in (*"Noor", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("Marking as").wait_for()
    open_page(page, f"{address}/unanswered")
    assert page.get_by_text("Marking as Noor").count() == 1
    (kept,) = [each for each in page.context.cookies() if each["name"] == COOKIE]
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Strict")
    assert "Noor" not in kept["value"]
    with closing(Marks(own_demo)) as journal:
        known = journal.current("reader").to_pylist()
    assert [each["by"] for each in known].count("Noor") == 1
    assert kept["value"] not in str(known), "whoever reads the journal passes for nobody"
    open_page(other, f"{address}/unanswered")
    assert other.get_by_role("button", name="Say who is marking").count() == 1


@pytest.mark.parametrize("size", [(1440, 900), (1280, 800), (390, 844)])
def test_whoever_opens_an_ask_reads_its_words_without_scrolling(
    serve: Serve, demo: Path, visit: Visit, size: tuple[int, int]
) -> None:
    """And every column of the list is seen whole, but on a phone."""
    width, height = size
    page = visit(viewport={"width": width, "height": height})
    open_page(page, f"{serve(demo)}/unanswered")
    settle(page)
    table, words = page.get_by_test_id("stDataFrame").first, page.get_by_test_id("stChatMessage").first
    before = words.inner_text()
    if width < 640:
        table.scroll_into_view_if_needed()
        page.evaluate("element => element.scrollIntoView()", table.element_handle())
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 200, box["y"] + 36 + 84 * 1.5)
    page.wait_for_function(
        "before => document.querySelector('[data-testid=stChatMessage]').innerText != before", arg=before
    )
    settle(page)
    told = words.get_by_test_id("stText").first.bounding_box()
    assert told is not None
    assert told["y"] > 0
    assert told["y"] + told["height"] <= height
    if width > 640:
        door = page.get_by_role("button", name="Hand over").bounding_box()
        assert door is not None
        assert door["y"] + door["height"] <= height
        room = "e => e.querySelector('.dvn-scroller').scrollWidth - e.querySelector('.dvn-scroller').clientWidth"
        assert table.evaluate(room) <= 1


@pytest.mark.parametrize(("width", "rows"), [(1440, [6]), (1280, [3, 3]), (390, [1] * 6)])
def test_no_number_of_the_week_stands_alone_in_its_row(
    serve: Serve, demo: Path, visit: Visit, width: int, rows: list[int]
) -> None:
    """Six side by side, or three above three; those of one row are equally high."""
    page = visit(viewport={"width": width, "height": 900})
    open_page(page, serve(demo))
    cards = "e => (b => [Math.round(b.top), Math.round(b.bottom)])(e.closest('[data-testid=stVerticalBlock]')"
    cards += ".parentElement.closest('[data-testid=stVerticalBlock]').getBoundingClientRect())"
    found = [tuple(each.evaluate(cards)) for each in page.get_by_test_id("stMetric").all()]
    assert [found.count(each) for each in dict.fromkeys(found)] == rows


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
