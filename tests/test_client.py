"""A service is asked patiently, within its limits, never on another host, and no secret of it is told."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.apis import _client
from ingest.apis._client import ATTEMPTS, BudgetSpent, Client, Line, Pace, PullError, Refusal, checked, session
from tests.fakes.server import HTML, Fake, Reply, Request, serving

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = "0123456789-made-up-token"


class Scripted(Fake):
    """Answers what it is told to, one after the other; then that all is well."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__()
        self.now = NOON
        self.replies, self.seen = list(replies), list[Request]()

    def answer(self, request: Request) -> Reply:
        self.seen.append(request)
        return self.replies.pop(0) if self.replies else Reply({"ok": True})


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.waited, self.said = 0.0, list[str]()

    def sleep(self, seconds: float) -> None:
        self.waited += seconds

    def now(self) -> float:
        return NOON.timestamp() + self.waited

    def line(self) -> Line:
        return Line("forum", Pace(self.sleep, self.now), self.said.append)


@contextmanager
def asked(*replies: Reply) -> Iterator[tuple[Client, Clock, Scripted]]:
    clock, fake = Clock(), Scripted(*replies)
    with serving(fake) as address, (line := clock.line()).opened:
        line.hide(TOKEN)
        yield Client(line, address, {"Authorization": f"Bearer {TOKEN}"}), clock, fake


def test_a_refusal_whose_reason_is_cut_off_is_heard_again() -> None:
    """A service may say only in words whether something is gone, or too much was asked."""
    said = {"error": {"code": 100}}
    with asked(Reply(b'{"error": {"co', 400), Reply(said, 400)) as (client, _, fake):
        with pytest.raises(Refusal) as refused:
            client.get("/some")
        assert refused.value.answer.json() == said
        assert len(fake.seen) == 2


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7, 9),
        ({"Retry-After": f"{NOON + timedelta(seconds=40):%a, %d %b %Y %H:%M:%S} GMT"}, 40, 42),
        ({}, 0.5, 1.5),
        ({"Retry-After": "soon"}, 0.5, 1.5),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOON.timestamp()) + 300)}, 300, 302),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-03-02T12:05:00.000Z"}, 300, 302),
    ],
    ids=str,
)
def test_it_waits_as_long_as_it_is_told_and_counts_down(headers: dict[str, str], least: float, most: float) -> None:
    with asked(Reply({}, 429, headers)) as (client, clock, _):
        assert client.get("/posts.json").json() == {"ok": True}
    assert least <= clock.waited <= most
    assert "429" in clock.said[0]
    assert f"going on in {clock.waited:.0f} s" in clock.said[0]
    assert len(clock.said) >= clock.waited, "it counts every second down"


@pytest.mark.parametrize("reset", ["90", str(int(NOON.timestamp()) + 90), "2026-03-02T12:01:30Z"])
def test_a_limit_that_is_used_up_is_waited_out_before_the_next_question(reset: str) -> None:
    told = {"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": reset}
    with asked(Reply({"n": 1}, headers=told)) as (client, clock, fake):
        client.get("/a")
        assert clock.waited == 0, "what came is handed on at once"
        client.get("/b")
        assert 89 <= clock.waited <= 91
        assert len(fake.seen) == 2


@pytest.mark.parametrize(
    ("reply", "least", "most"),
    [
        (Reply({"message": "slow down"}, 403, {"Retry-After": "30"}), 30, 32),
        (Reply({"message": "You have exceeded a secondary rate limit."}, 403), 60, 63),
        (
            Reply(
                {"message": "API rate limit exceeded"},
                403,
                {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOON.timestamp()) + 300)},
            ),
            300,
            303,
        ),
    ],
    ids=["told how long", "not told", "told when"],
)
def test_a_403_that_only_asks_for_patience_is_no_refusal(reply: Reply, least: float, most: float) -> None:
    with asked(reply) as (client, clock, _):
        assert client.get("/repos").json() == {"ok": True}
    assert least <= clock.waited <= most


def test_a_pause_may_be_asked_for_in_other_ways_than_by_a_header() -> None:
    with asked() as (client, clock, _):
        client.line.hold(12)
        client.get("/questions")
        client.get("/questions")
    assert 12 <= clock.waited <= 13


def test_who_asks_for_hours_is_told_to_the_person() -> None:
    with (
        asked(Reply({}, 429, {"Retry-After": "7200"})) as (client, clock, _),
        pytest.raises(PullError, match="14:00 UTC"),
    ):
        client.get("/a")
    assert clock.waited == 0


@pytest.mark.parametrize("told", ["inf", "1e400", "99999999999999999", "nan", "-5"])
def test_a_wait_without_sense_ends_in_words(told: str) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": told}
    for replies in ([Reply({}, 429, {"Retry-After": told})], [Reply({}, 429, headers)], [Reply({}, 200, headers)]):
        with asked(*replies) as (client, clock, _):
            with suppress(PullError):
                client.get("/a")
                client.get("/b")
            assert clock.waited < 300


@pytest.mark.parametrize("address", ["https://ana:sesame@forum.example", "https://:sesame@forum.example"])
def test_a_password_in_an_address_is_neither_used_nor_told(address: str) -> None:
    with pytest.raises(PullError, match="no name and no password") as refused:
        Client(Clock().line(), address)
    assert "sesame" not in str(refused.value)


FAULTS: dict[str, Reply] = {
    "500": Reply({}, 500),
    "a page in place of JSON": Reply(HTML, 200, {"Content-Type": "text/html"}),
    "half of it": Reply(b'{"latest_posts": [{"id": 1', 200),
    "nothing": Reply(b"", 200),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_tries_again_and_gives_up_in_words(fault: str) -> None:
    with asked(*[FAULTS[fault]] * (ATTEMPTS - 1)) as (client, clock, _):
        assert client.get("/a").json() == {"ok": True}
    assert 10 < clock.waited < 120
    with (
        asked(*[FAULTS[fault]] * ATTEMPTS) as (client, _, fake),
        pytest.raises(PullError, match="again later") as gave_up,
    ):
        client.get(f"/a?key={TOKEN}")
    assert len(fake.seen) == ATTEMPTS
    assert TOKEN not in str(gave_up.value)


@contextmanager
def slow(*parts: bytes) -> Iterator[str]:
    """A server that answers whoever asks with these parts, one each tenth of a second, and then with silence."""
    is_over = threading.Event()

    class Slowly(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                for part in parts:
                    self.request.sendall(part)
                    is_over.wait(0.1)
            is_over.wait(10)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Slowly) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        is_over.set()
        server.shutdown()


BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n["


@pytest.mark.parametrize("is_library", [False, True])
@pytest.mark.parametrize(
    ("parts", "says"),
    [((), "in time"), ((BEGUN,), "in time"), ((BEGUN, *[b" "] * 50), "come to an end")],
    ids=["silent", "silent after its first words", "without an end"],
)
def test_who_is_silent_or_never_ends_is_given_up_and_tried_again(
    parts: tuple[bytes, ...], says: str, is_library: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_client, "TIMEOUT", 0.3)
    monkeypatch.setattr(_client, "LONGEST_ANSWER", 0.2)
    monkeypatch.setattr(_client, "ATTEMPTS", 2)
    clock = Clock()
    with slow(*parts) as address, (line := clock.line()).opened:
        ask = session(line).get if is_library else Client(line, address).get
        with pytest.raises(PullError, match=says) as gave_up:
            ask(f"{address}/a" if is_library else "/a")
    assert "also after" in str(gave_up.value)


def test_a_server_that_is_not_there_is_told_by_its_name_alone() -> None:
    clock = Clock()
    with (
        clock.line().opened,
        pytest.raises(PullError, match=r"no connection to 127.0.0.1.*also after \d+ s.*right") as gave_up,
    ):
        Client(clock.line(), "http://127.0.0.1:9").get(f"/bot{TOKEN}/getUpdates")
    clock.line().opened.close()
    assert gave_up.value.__cause__ is None


class Meter:
    """Counts what attempts cost."""

    def __init__(self) -> None:
        self.asked = self.free = 0

    def ask(self) -> None:
        self.asked += 1

    def refused(self) -> None:
        self.free += 1


@pytest.mark.parametrize("is_library", [False, True])
def test_what_was_never_sent_costs_nothing_and_is_told_with_where_it_should_have_gone(is_library: bool) -> None:
    clock, meter = Clock(), Meter()
    with (line := clock.line()).opened:
        line.meter = meter
        ask = session(line).get if is_library else Client(line, "http://127.0.0.1:9").get
        with pytest.raises(PullError, match=r"no connection to 127\.0\.0\.1:9"):
            ask("http://127.0.0.1:9/a" if is_library else "/a")
    assert meter.asked == meter.free == ATTEMPTS


def test_what_may_have_been_heard_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "TIMEOUT", 0.3)
    clock, meter = Clock(), Meter()
    with slow() as address, (line := clock.line()).opened:
        line.meter = meter
        with pytest.raises(PullError):
            session(line).get(f"{address}/a")
    assert (meter.asked, meter.free) == (ATTEMPTS, 0)


def test_a_credential_that_can_be_none_is_named_without_a_letter_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("tök\u201cxyz", "two\nlines"):
        monkeypatch.setenv("SLACK_TOKEN", wrong)
        with pytest.raises(PullError, match="SLACK_TOKEN holds a line end, or a sign") as refused:
            Clock().line().secret("SLACK_TOKEN", "how")
        assert not {"tök", "xyz", "two", "lines"} & set(str(refused.value).split())
    monkeypatch.setenv("SLACK_TOKEN", " xoxb-1\n")
    assert Clock().line().secret("SLACK_TOKEN", "how") == "xoxb-1"


def test_what_is_refused_is_not_tried_again() -> None:
    with (
        asked(Reply({"errors": ["no"]}, 404)) as (client, _, fake),
        pytest.raises(Refusal, match="404 Not Found") as no,
    ):
        client.get("/a")
    assert (no.value.status, len(fake.seen)) == (404, 1)


def test_used_up_credit_ends_it() -> None:
    with asked(Reply({}, 402)) as (client, _, fake), pytest.raises(BudgetSpent, match="402"):
        client.get("/a")
    assert len(fake.seen) == 1


def test_an_answer_without_an_end_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "MOST", 1000)
    with asked(Reply({"words": "x" * 5000})) as (client, _, _fake), pytest.raises(PullError, match="not taken"):
        client.get("/a")


def test_no_credential_goes_to_another_host() -> None:
    with asked() as (_, _, other):
        away = Reply(b"", 302, {"Location": f"{other.address}/steal"})
        with asked(away) as (client, _, _fake), pytest.raises(PullError, match="no credential goes"):
            client.get("/a")
        assert other.seen == []


def test_it_follows_within_a_host_but_not_in_a_circle() -> None:
    with asked(Reply(b"", 301, {"Location": "/t/topic/5.json"})) as (client, _, fake):
        assert client.get("/t/5.json").json() == {"ok": True}
        assert [each.path for each in fake.seen] == ["/t/5.json", "/t/topic/5.json"]
    circle = [Reply(b"", 302, {"Location": "/a"})] * 9
    with asked(*circle) as (client, _, fake), pytest.raises(PullError, match="without an end"):
        client.get("/a")


@pytest.mark.parametrize(
    "address", ["http://forum.example.org", "ftp://forum.example.org", "https://me:pw@forum.example"]
)
def test_an_address_where_others_read_along_is_refused(address: str) -> None:
    with pytest.raises(PullError):
        Client(Clock().line(), address)


@pytest.mark.parametrize(
    ("address", "means"),
    [
        ("https://Forum.Example:443/", "https://forum.example"),
        ("forum.example:8443", "https://forum.example:8443"),
        ("https://example.org/Forum/", "https://example.org/Forum"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:4000", "http://[::1]:4000"),
    ],
)
def test_an_address_is_one_however_it_is_written(address: str, means: str) -> None:
    assert checked(address) == checked(means) == means


def test_a_library_that_speaks_through_requests_is_as_patient() -> None:
    clock, fake = Clock(), Scripted(FAULTS["500"], FAULTS["half of it"], Reply({"n": 7}), Reply({"no": 1}, 404))
    with serving(fake) as address, (line := clock.line()).opened:
        patient = session(line)
        assert patient.get(f"{address}/a", params={"b": "c"}).json() == {"n": 7}
        assert patient.request("GET", f"{address}/a").status_code == 404, "the library has words of its own"
        assert len(fake.seen) == 4
        fake.replies = [FAULTS["500"]] * ATTEMPTS
        with pytest.raises(PullError):
            patient.get(f"{address}/a")


# Credentials

SECRET_SHAPES = {
    "Authorization: Bearer abcDEF123456.xyz": "abcDEF",
    "token ghp_0123456789abcdefABCDEF": "ghp_",
    "xoxb-123456789012-abcdefghij": "xoxb",
    "https://api.telegram.org/bot123456789:AAEhBP0av28fL3Pz_qwertyuiop1234567890/getMe": "AAEh",
    "https://www.googleapis.com/youtube/v3/x?part=id&key=AIzaSyA-made-up_0123456789": "AIza",
    "https://me:pass-word@host/x": "pass-word",
    "?access_token=EAAGm0PX4ZCpsBA&limit=5": "EAAG",
}


@pytest.mark.parametrize("text", SECRET_SHAPES)
def test_what_looks_like_a_token_is_hidden(text: str) -> None:
    assert SECRET_SHAPES[text] not in Clock().line().clean(text)


def test_words_that_are_no_secret_stay() -> None:
    said = "new: 12 pages, 1,204 messages, back to 2026-03-02 08:00"
    assert Clock().line().clean(said) == said


def test_a_token_that_was_just_given_is_hidden() -> None:
    with asked(Reply({"access_token": "fresh-and-short-lived"})) as (client, clock, _):
        client.get("/login")
        client.line.say("got fresh-and-short-lived")
    assert clock.said == ["got [hidden]"]


@pytest.fixture
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".streamlit").mkdir()

    def write(values: dict[str, Any], mode: int = 0o600) -> None:
        path = tmp_path / ".streamlit" / "secrets.toml"
        path.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items()))
        path.chmod(mode)

    return write


def test_a_credential_comes_from_the_environment_else_from_the_secrets_file(
    secrets_file: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking, line = Clock().line(), Clock().line()
    lacking.secret("FORUM_KEY", "Ask Ana.")
    with pytest.raises(PullError, match=r"FORUM_KEY is not set. Ask Ana. .*chmod 600"):
        lacking.check()
    assert line.secret("FORUM_KEY", "Ask Ana.", default="") == ""
    line.check()
    secrets_file({"FORUM_KEY": "from-the-file"})
    assert line.secret("FORUM_KEY", "Ask Ana.") == "from-the-file"
    monkeypatch.setenv("FORUM_KEY", "from-the-environment")
    assert line.secret("FORUM_KEY", "Ask Ana.") == "from-the-environment"
    assert line.clean("from-the-file, from-the-environment") == "[hidden], [hidden]"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secrets_file_that_others_can_read_is_refused(mode: int, secrets_file: Callable[..., None]) -> None:
    secrets_file({"FORUM_KEY": "from-the-file"}, mode)
    with pytest.raises(PullError, match="chmod 600"):
        Clock().line().secret("FORUM_KEY", "Ask Ana.")
