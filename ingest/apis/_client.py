"""How a service is asked: patiently, within its limits, and without telling a secret.

`Line` is the patience: it tries again, waits as long as it is told to, and gives up in words. `Client` asks over it by
httpx; `session` lends it to libraries that speak through requests, such as praw and tweepy.
"""

from __future__ import annotations

import email.utils
import io
import ipaddress
import json
import logging
import os
import random
import re
import stat
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from http.client import responses
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from ingest.archive import UNFIT

if TYPE_CHECKING:
    import ssl

    import httpx
    import requests

SECRETS_FILE = Path(".streamlit/secrets.toml")
ATTEMPTS = 6  # with the pauses between them about a minute and a half
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
SILENCE = 3.0  # seconds: who sees no countdown is told of a wait by which they hear nothing for longer
A_YEAR = 366 * 86400.0  # who asks for more makes no sense
LONGEST_WAIT = 20 * 60.0  # services count by a quarter of an hour; who asks for more is told to come back
TIMEOUT = 30.0  # of silence
LONGEST_ANSWER = 5 * 60.0  # also where a little of it comes all the time
MOST = 64 << 20  # bytes of one answer
REDIRECTS = 5
TRANSIENT = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}
CREDIT, FORBIDDEN = 402, 403
UNSET = "not set"  # in place of a credential, where nothing is asked for
ONLINE = "Is the address right, and is this machine online? "
ADDRESS = "Is the address right? "
SECOND_LIMIT = 60.0  # to wait for, where a 403 says that it was too much at once, and not how long to wait

# Shapes that tokens have, wherever they turn up.
TOKENS = re.compile(
    r"(?i)\b(?:bearer|basic|bot)\s+[\w.~+/=%-]{8,}"
    r"|\b(?:gh[pousr]_|github_pat_|xox[abeoprs]-|xapp-|sk-|EAA|AAAA|AIza|ya29\.)[\w.%-]{10,}"
    r"|\d{6,}:[\w-]{30,}"
    r"|(?<=[?&])(?:key|api_key|token|access_token|client_secret|code|password)=[^&\s\"']+"
    r"|(?<=://)[^/@\s:]+:[^/@\s]+(?=@)"
)
SAID_WAIT = re.compile(rb'"retry[_-]after"\s*:\s*(\d+(?:\.\d+)?)')
GIVEN = re.compile(rb'"(?:access|refresh)_token"\s*:\s*"([^"]+)"')


HOST = re.compile(r"[\w.-]*\w|[0-9a-f:.]+")  # a name, or a number as IPv4 or IPv6 writes it

T = TypeVar("T")


class PullError(Exception):
    """What is wrong with a pull, in words for the person who ran it. What was pulled before is kept."""


class Unset(PullError):
    """Credentials are not set."""


class LostPlace(PullError):
    """The service no longer knows the cursor, or leads in a circle: the sweep begins again."""


class BudgetSpent(PullError):
    """Another call might cost more than the budget has left, or the service wants money."""


class Answer(NamedTuple):
    """What came back: the headers' names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Dialect(NamedTuple):
    """How a service answers: decodes it by shape. PullError where it is not what such a service answers."""

    service: str
    named: str  # as people write it

    def decoded(self, body: bytes | msgspec.Raw, kind: type[T]) -> T:
        """An answer, or a part of one."""
        with self._understood():
            return msgspec.json.decode(body, type=kind)

    def shaped(self, value: Mapping[str, Any], kind: type[T]) -> T:
        """The same of what is decoded already."""
        with self._understood():
            return msgspec.convert(value, kind)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except UNFIT as error:
            raise PullError(f"{self.service}: what it answers is not what {self.named} answers ({error}).") from None


class Refusal(PullError):
    """The service answered, and said no."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer, self.status = answer, answer.status


class Lost(Exception):
    """No answer came, or not all of it. Says why without an address, which may hold a key; `look`: what to look at.

    is_sent: whether the question may have been heard, and charged.
    """

    def __init__(self, why: str, look: str = "", *, is_sent: bool = True) -> None:
        super().__init__(why)
        self.look, self.is_sent = look, is_sent


@dataclass
class Pace:
    """The clock by which to wait. A test gives one that runs faster."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    chance: random.Random = field(default_factory=random.Random)


class Meter(Protocol):
    """Counts what each attempt may cost: an answer that was lost may have been charged all the same."""

    def ask(self) -> None:
        """Before each attempt. Raises BudgetSpent where another one might be too dear."""

    def refused(self) -> None:
        """The attempt was answered, and not charged."""


class Line:
    """The patience with one service. `say` counts a wait down; `announce` writes down that one begins, unless short."""

    def __init__(
        self, service: str, pace: Pace | None = None, say: Callable[[str], None] = lambda _: None,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.service, self.pace, self._say, self._announce = service, pace or Pace(), say, announce
        self.meter: Meter | None = None
        self.asked_at: datetime | None = None  # by the service's own clock
        self.opened = ExitStack()  # connections, to be closed when the pull ends
        self.given: list[str] = []  # the names of the credentials that are set
        self._secrets: set[str] = set()
        self._until, self._heard_at = 0.0, 0.0  # when it answers again; up to when it was said what it does
        self._lacks: dict[str, str] = {}  # what is needed and not set, and how to come by each

    def secret(self, name: str, how: str, default: str | None = None) -> str:
        """A credential from the environment, else from .streamlit/secrets.toml. `check` tells of all that lack."""
        value = (os.environ.get(name) or _filed(name) or "").strip()
        if value:
            self.given.append(name)
            self.hide(value)
            if not (value.isascii() and value.isprintable()):
                raise PullError(
                    f"{self.service}: {name} holds a line end, or a sign that no such credential has, as a typographic "
                    "quotation mark would be. Copy it again."
                )
            return value
        if default is not None:
            return default
        self._lacks[name] = how
        return UNSET

    def check(self) -> None:
        """Raise Unset where a credential is lacking, with all that are, and how to come by each."""
        if not self._lacks:
            return
        names, is_one = list(self._lacks), len(self._lacks) == 1
        lacking = f"{names[0]} is" if is_one else f"{', '.join(names[:-1])} and {names[-1]} are"
        ways = self._lacks[names[0]] if is_one else " ".join(f"{name}: {how}" for name, how in self._lacks.items())
        raise Unset(
            f"{self.service}: {lacking} not set. {ways} Put {'it' if is_one else 'them'} in the environment, or in "
            f'{SECRETS_FILE} (chmod 600) as {names[0] if is_one else "NAME"} = "...".'
        )

    def hide(self, value: str) -> None:
        """Never show this, such as a token that the service just gave."""
        if len(value) > 3:
            self._secrets.add(value)

    def clean(self, text: str) -> str:
        """A text without any secret in it."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "[hidden]")
        return TOKENS.sub("[hidden]", text)

    def say(self, text: str) -> None:
        """Show what is happening."""
        self._say(self.clean(text))

    def call(self, ask: Callable[[], Answer], what: str, *, is_json: bool = True) -> Answer:
        """Ask until there is an answer, waiting in between. Raises Refusal, BudgetSpent, or PullError in the end."""
        self.check()
        why, look, began = "", "", self.pace.now()
        self._heard_at = max(self._heard_at, began)
        for attempt in range(ATTEMPTS):
            self.wait_for_room()
            if self.meter:
                self.meter.ask()
            try:
                answer = ask()
                self._note(answer)
                if not _asks_for_patience(answer):
                    return self._judged(answer, what, is_json=is_json)
                why, look = f"it answers {answer.status} {responses.get(answer.status, '')}".rstrip(), ""
                if self.meter:
                    self.meter.refused()
            except Lost as lost:
                answer, why, look = None, str(lost), lost.look
                if self.meter and not lost.is_sent:
                    self.meter.refused()
            if attempt < ATTEMPTS - 1:
                self._pause(attempt, answer, why)
        tried = _lasted(self.pace.now() - began)
        raise PullError(
            f"{self.service}: {why}, also after {tried} of trying ({self.clean(what)}). {look}"
            "What was pulled before is kept; give the same command again later."
        )

    def _judged(self, answer: Answer, what: str, *, is_json: bool) -> Answer:
        if 200 <= answer.status < 300:
            if is_json and not _is_json(answer.body):
                raise Lost("what it answers is cut off, or is not what such a service answers", ADDRESS)
            if given := GIVEN.search(answer.body):
                self.hide(given[1].decode(errors="replace"))
            return answer
        if self.meter:
            self.meter.refused()
        if 300 <= answer.status < 400:
            return answer
        if answer.status == CREDIT:
            raise BudgetSpent(
                f"{self.service}: it answers 402: the credit there is used up. What was pulled is kept. Add credit, "
                "then give the same command again."
            )
        if "json" in answer.headers.get("content-type", "") and answer.body and not _is_json(answer.body):
            raise Lost(f"it answers {answer.status}, and why is cut off")
        message = f"{self.service}: {self.clean(what)} was answered {answer.status} {responses.get(answer.status, '')}."
        raise Refusal(message, answer)

    def _note(self, answer: Answer) -> None:
        """The service's clock, and how much it will still answer."""
        with suppress(TypeError, ValueError):
            self.asked_at = email.utils.parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
        with suppress(KeyError, ValueError):
            left, reset = _limits(answer.headers)
            if left < 1 and not _asks_for_patience(answer):
                self._until = self.pace.now() + _seconds(reset, self.pace.now())

    def hold(self, seconds: float) -> None:
        """Ask nothing for so long: for a service that tells its limits in a way of its own."""
        self._until = max(self._until, self.pace.now() + seconds)

    def wait_for_room(self) -> None:
        """Wait, if the service has said that its limit is used up, until it answers again."""
        self.wait(self._until - self.pace.now(), "its limit is used up")
        self._until = 0.0

    def _pause(self, attempt: int, answer: Answer | None, why: str) -> None:
        told = _told_to_wait(answer, self.pace.now()) if answer else None
        pause = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * self.pace.chance.uniform(0.5, 1.5)
        # A little more than told, so that many who were told the same do not come back at once.
        self.wait(told + pause / 10 if told is not None else pause, why)

    def wait(self, seconds: float, why: str) -> None:
        """Wait, and show for how long still. PullError where that is too long."""
        if seconds > LONGEST_WAIT:
            back = datetime.fromtimestamp(self.pace.now() + min(seconds, A_YEAR), UTC)
            raise PullError(
                f"{self.service}: {why}, and it asks to come back at {back:%Y-%m-%d %H:%M} UTC. "
                "What was pulled is kept; give the same command again then."
            )
        until = self.pace.now() + seconds
        if until - self._heard_at > SILENCE:
            self._heard_at = until
            at = datetime.fromtimestamp(until, UTC)
            self._announce(self.clean(f"{why}; going on in {_lasted(seconds)}, at {at:%H:%M:%S} UTC"))
        while seconds > 0:
            self.say(f"{why}; going on in {max(1, round(seconds))} s")
            step = min(seconds, 1.0)
            self.pace.sleep(step)
            seconds -= step


class Client:
    """Asks one address over httpx. Goes to no other host, and takes no answer larger than 64 MB."""

    def __init__(self, line: Line, address: str, headers: Mapping[str, str] | None = None) -> None:
        import httpx  # takes as long as all the rest, and no other command needs it

        try:
            self.line, self.address = line, checked(address)
        except ValueError as error:
            raise PullError(f"{line.service}: {error}.") from None
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells every address, and some hold a key
        named = {"User-Agent": "Hearth (self-hosted community health)", "Accept": "application/json"}
        named |= headers or {}
        self._http = httpx.Client(headers=named, timeout=TIMEOUT, follow_redirects=False, verify=_trusted())
        line.opened.callback(self._http.close)

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, is_json: bool = True) -> Answer:
        """The answer to a path below the address; `params` without those that are None."""
        return self.send("GET", path, params=params, is_json=is_json)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        is_json: bool = True,
    ) -> Answer:
        """The answer to any request; `body` is sent as JSON. Raises as Line.call does."""
        url = self.address + path
        given = {name: value for name, value in (params or {}).items() if value is not None}
        what = f"{method} {urlsplit(url).path}"
        for _ in range(REDIRECTS):
            request = self._http.build_request(method, url, params=given or None, json=body, headers=headers)
            answer = self.line.call(partial(self._once, request), what, is_json=is_json)
            if "location" not in answer.headers or not 300 <= answer.status < 400:
                return answer
            url, given = self._led_to(url, answer.headers["location"]), {}
        raise PullError(f"{self.line.service}: {what} leads from one address to the next without an end.")

    def _once(self, request: httpx.Request) -> Answer:
        import httpx

        try:
            with_body = self._http.send(request, stream=True)
            try:
                body = _bounded(with_body.iter_bytes(), self.line.service)
            finally:
                with_body.close()
        except httpx.TimeoutException:
            raise Lost("it does not answer in time") from None
        except httpx.ConnectError as error:
            raise _unconnected(self.line.service, request.url.netloc.decode(), error, is_sent=False) from None
        except httpx.HTTPError:
            raise Lost("the connection failed") from None
        return Answer(with_body.status_code, {name.lower(): value for name, value in with_body.headers.items()}, body)

    def _led_to(self, url: str, location: str) -> str:
        led = urljoin(url, location)
        if _origin(led) != _origin(url):
            raise PullError(
                f"{self.line.service}: {urlsplit(url).netloc} sends us on to {urlsplit(led).netloc or 'nowhere'}, and "
                "no credential goes to another host. If that is the right address, give it instead."
            )
        return led


@cache
def _trusted() -> ssl.SSLContext:
    """Who is believed to be who they say. To read that list takes longer than many an answer, so it is read once."""
    import httpx

    return httpx.create_ssl_context()


def session(line: Line, *, is_json: bool = True) -> requests.Session:
    """A session of requests that is patient, for libraries that bring no patience of their own."""
    import requests
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    class Patient(requests.Session):
        def request(self, method: Any, url: Any, **options: Any) -> Any:  # type: ignore[override]
            options["allow_redirects"] = False
            options["stream"] = True
            options.setdefault("timeout", TIMEOUT)
            try:
                what = f"{method.upper()} {urlsplit(url).path}"
                answer = line.call(lambda: once(method, url, options), what, is_json=is_json)
            except Refusal as refusal:
                answer = refusal.answer  # the library has words of its own for each
            response = requests.Response()
            response.status_code, response.url, response.raw = answer.status, url, io.BytesIO(answer.body)
            response.headers.update(answer.headers)
            return response

    patient = line.opened.enter_context(Patient())

    def once(method: str, url: str, options: Mapping[str, Any]) -> Answer:
        try:
            with super(Patient, patient).request(method, url, **options) as response:
                body = _bounded(_arriving(response.raw), line.service)
        except (requests.Timeout, ReadTimeoutError):
            raise Lost("it does not answer in time") from None
        except requests.ConnectionError as error:
            asked = urlsplit(str(error.request.url if error.request else url)).netloc  # a library may be led elsewhere
            raise _unconnected(line.service, asked, error, is_sent=not _is_unheard(error)) from None
        except (requests.RequestException, HTTPError):
            raise Lost("the connection failed") from None
        return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)

    return patient


def _arriving(raw: Any) -> Iterator[bytes]:
    """An answer as it comes: else who sends little at a time is waited for until there is much."""
    while part := raw.read1(1 << 16, decode_content=True):
        yield part


def _is_unheard(error: Exception) -> bool:
    """Whether no connection came about at all."""
    from urllib3.exceptions import NewConnectionError

    return isinstance(getattr(next(iter(error.args), None), "reason", None), NewConnectionError)


def _unconnected(service: str, host: str, error: Exception, *, is_sent: bool) -> Exception:
    """Why nobody answers at a host. To try again does not mend a certificate."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return PullError(
            f"{service}: the certificate of {host} is not valid, so nothing was sent there. Is the address right, and "
            "this machine's clock?"
        )
    return Lost(f"no connection to {host}", ONLINE, is_sent=is_sent)


def _bounded(parts: Iterator[bytes], service: str) -> bytes:
    body, began = bytearray(), time.monotonic()
    for part in parts:
        body += part
        if time.monotonic() - began > LONGEST_ANSWER:
            raise Lost("what it answers does not come to an end")
        if len(body) > MOST:
            raise PullError(f"{service}: an answer of more than {MOST >> 20} MB was not taken.")
    return bytes(body)


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _filed(name: str) -> str | None:
    """A credential of the secrets file, which nobody else may be able to read."""
    try:
        mode = SECRETS_FILE.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise PullError(f"{SECRETS_FILE}: others can read it, so it is not used. Do: chmod 600 {SECRETS_FILE}")
        value = tomllib.loads(SECRETS_FILE.read_text("utf-8")).get(name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise PullError(f"{SECRETS_FILE}: cannot be read as TOML, so no credential is taken from it.") from None
    return str(value) if value else None


def checked(address: str) -> str:
    """An address that a credential may be sent to: https, or this very machine. ValueError for any other."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if "@" in parts.netloc:
        raise ValueError("address must hold no name and no password")
    if parts.scheme not in ("https", "http") or not HOST.fullmatch(host):
        raise ValueError(f"address {address!r} is no address, which is like https://forum.example.org")
    if parts.scheme == "http" and not _is_here(host):
        raise ValueError(f"address {address}: over http anybody on the way can read along, so it must begin with https")
    netloc = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _limits(headers: Mapping[str, str]) -> tuple[float, str]:
    """How many answers are left, and when there will be more, in any of the services' ways to say so."""
    for family in ("x-ratelimit-", "x-rate-limit-", "ratelimit-"):
        if f"{family}remaining" in headers:
            return float(headers[f"{family}remaining"]), headers[f"{family}reset"]
    raise KeyError("no limits are told")


def _seconds(reset: str, now: float) -> float:
    """A moment, or a number of seconds, as seconds from now."""
    with suppress(ValueError):
        number = float(reset)
        return number - now if number > 1e9 else number
    return datetime.fromisoformat(reset).timestamp() - now


def _lasted(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _asks_for_patience(answer: Answer) -> bool:
    """Whether another attempt may be answered: also after a 403 which only says that it was too much at once."""
    if answer.status != FORBIDDEN:
        return answer.status in TRANSIENT
    return "retry-after" in answer.headers or b"rate limit" in answer.body[:4096].lower()


def _told_to_wait(answer: Answer, now: float) -> float | None:
    """How long the service asks to be left alone."""
    told = answer.headers.get("retry-after")
    if told:
        with suppress(ValueError):
            return max(0.0, float(told))
        with suppress(TypeError, ValueError):
            return max(0.0, email.utils.parsedate_to_datetime(told).timestamp() - now)
    if answer.status == 429 and (found := SAID_WAIT.search(answer.body)):
        return float(found[1])
    if answer.status in (429, FORBIDDEN):
        with suppress(KeyError, ValueError):
            left, reset = _limits(answer.headers)
            if left < 1:
                return max(0.0, _seconds(reset, now))
    return SECOND_LIMIT if answer.status == FORBIDDEN else None
