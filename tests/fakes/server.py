"""A small service on loopback that can be scripted to fail, by a seed: what comes out of it must be true all the same.

A fake gives `answer(request)`. Between it and the one who asks stands a Script, which draws for each request whether,
and how, it goes wrong. Faults are few enough in a row that patience is rewarded.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

HTML = b"<!doctype html><html><body><h1>We will be back soon</h1></body></html>"
FAULTS = ("429", "429 bare", "429 date", "500", "502", "503", "timeout", "reset", "truncated", "html", "401")
MISLED = ("loop", "lost", "empty")  # what a fake itself must do: lead back, forget a cursor, show an empty list
T = TypeVar("T")
IN_A_ROW = 4  # faults at most, so that six attempts suffice


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    many: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Reply:
    """What is answered: a value becomes JSON."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()


class Script:
    """What goes wrong, drawn by a seed. `rate` is the share of requests that do; 0: nothing."""

    def __init__(self, seed: int = 0, rate: float = 0.0, faults: tuple[str, ...] = FAULTS + MISLED) -> None:
        self.chance, self.rate, self.faults = random.Random(seed), rate, faults
        self.happened = Counter[str]()
        self._row = 0

    def draw(self) -> str | None:
        """The next request's fault."""
        if self._row < IN_A_ROW and self.chance.random() < self.rate:
            fault = self.chance.choice(self.faults)
            self._row += IN_A_ROW if fault in MISLED else 1  # what misleads does so once, not again at once
            self.happened[fault] += 1
            return fault
        self._row = 0
        return None


class Fake:
    """One service with a community whose truth is known. What a subclass of it gives, tests/test_pull.py needs.

    `now` is its clock, which goes on with what is said; `life` is how much happens between two requests; `misled` is
    what the request at hand shall do wrong by itself; `asked` counts requests by path, `billed` resources by kind.
    """

    BEGINS = datetime(2026, 3, 2, 8, tzinfo=UTC)  # what is first said
    SEED = 7  # who says what there, and when
    SECRETS: Mapping[str, str] = {}  # credentials that it accepts, by their names in the environment
    ORDINARY: Mapping[str, Any] = {}  # how to make it no meaner than the service is
    ENDLESS: Mapping[str, Any] = {}  # and so that it lists all there is at once, as no service does

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.asked, self.billed = Counter[str](), Counter[str]()
        self.address, self.misled, self.life = "", "", 0.0
        self.tokens = set[str]()
        self.now = self.BEGINS
        self.chance = random.Random(self.SEED)
        self.lock = threading.Lock()

    def row(self) -> dict[str, Any]:
        """The row of [[pulls]] by which it is pulled."""
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        """What it answers when nothing goes wrong."""
        raise NotImplementedError

    def say(self) -> object:
        """Somebody writes something."""
        raise NotImplementedError

    def change(self) -> None:
        """Somebody edits or deletes something late enough to be noticed by an overlap."""

    def delete(self, count: int) -> None:
        """So many messages are deleted."""
        for said in self.chance.sample(self.left(), count):
            said.is_deleted = True

    def left(self) -> list[Any]:
        """What is there: things with `is_deleted`, for a fake that has no `delete` of its own."""
        raise NotImplementedError

    def renew(self) -> None:
        """Somebody else begins to ask: what is told only once is told again."""

    def truth(self) -> dict[str, str]:
        """What is there: the beginning of each message's words, by the id that the store has for it."""
        raise NotImplementedError

    def expired(self) -> None:
        """A token is no longer valid: a fake with tokens forgets it."""

    def before(self) -> None:
        """Time passes between two requests."""
        self.now += timedelta(seconds=1)
        if self.chance.random() < self.life:
            self.say()
        if self.chance.random() < self.life:
            self.change()


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    """Serve on a free port of this machine; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    fake.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake.address
    finally:
        server.shutdown()
        server.server_close()


def back(things: Sequence[T], before: Any = None, key: Callable[[T], Any] | None = None) -> Iterator[T]:
    """Things that lie in the order of their keys, the newest first; only those before a key, where one is given."""
    last = len(things) if before is None else bisect_left(things, before, key=key)
    return (things[number] for number in range(last - 1, -1, -1))


def latest(things: Iterable[T], count: int) -> list[T]:
    """The first so many of things that come newest first, in the order in which they were said."""
    return list(islice(things, count))[::-1]


def _handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # an answer in one piece: of two, the second waits 40 ms for the first to be acknowledged

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            many = parse_qs(parts.query, keep_blank_values=True)
            one = {name: values[-1] for name, values in many.items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, parts.path, one, many, headers, self.rfile.read(length))
            with fake.lock, suppress(BrokenPipeError, ConnectionResetError):
                fake.asked[parts.path] += 1
                _go_wrong(self, fake, request, fake.script.draw())

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815

        def send(self, reply: Reply, body: bytes | None = None) -> None:
            content = reply.body if body is None else body
            self.send_response(reply.status)
            if "Content-Type" not in reply.headers:
                self.send_header("Content-Type", "application/json; charset=utf-8")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) if body is None else len(body)))
            self.end_headers()
            self.wfile.write(content)

        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
            return format_datetime(fake.now, usegmt=True)

        def log_message(self, *_: object) -> None:
            """Nothing on the console."""

    return Handler


def _go_wrong(handler: Any, fake: Fake, request: Request, fault: str | None) -> None:
    fake.before()
    fake.misled = fault if fault in MISLED else ""
    if fault in PLAIN:
        handler.send(PLAIN[fault])
    elif fault == "reset":
        _reset(handler)
    elif fault == "timeout":
        handler.close_connection = True  # the connection ends with no answer, as a gateway gives up
    elif fault == "401":
        fake.expired()
        handler.send(fake.answer(request))
    elif fault == "truncated":
        _truncate(handler, fake.answer(request))
    else:
        handler.send(fake.answer(request))


def _reset(handler: Any) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _truncate(handler: Any, reply: Reply) -> None:
    """Half of the body, now and then with a length that says it is all."""
    half = reply.body[: len(reply.body) // 2]
    handler.send_response(reply.status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(half) if len(half) % 2 else len(reply.body)))
    handler.end_headers()
    handler.wfile.write(half)
    handler.close_connection = True


PLAIN: dict[str | None, Reply] = {
    "429": Reply({"errors": ["slow down"]}, 429, {"Retry-After": "3"}),
    "429 bare": Reply({"errors": ["slow down"]}, 429),
    "429 date": Reply({"errors": ["slow down"]}, 429, {"Retry-After": "Mon, 02 Mar 2026 08:00:05 GMT"}),
    "500": Reply({"error": "internal"}, 500),
    "502": Reply(HTML, 502, {"Content-Type": "text/html"}),
    "503": Reply(HTML, 503, {"Content-Type": "text/html", "Retry-After": "1"}),
    "html": Reply(HTML, 200, {"Content-Type": "text/html"}),
}
