"""Meta's Graph API, as Facebook pages and Instagram accounts are asked: its pages, its limits, its refusals.

The token goes in a header and never into an address; the addresses of next pages, in which Meta repeats it, are
written anew without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, NamedTuple

import msgspec

from ingest.apis import _service
from ingest.apis._client import Answer, Client, Dialect, PullError, Refusal
from ingest.apis._service import At, Estimate, Held, Known, Page, Wanted, walked
from ingest.exports._moments import utc

ADDRESS = "https://graph.facebook.com/v23.0"
LIMITED = {4, 17, 32, 613, 80001, 80002}
MOMENTARY = {1, 2}
UNKNOWN = {102, 190}
FORBIDDEN = {3, 10, *range(200, 300)}
MISSING = {100, 803}
NEARLY = 95  # per cent of a limit, at which we slow down
REST = 300.0  # seconds, where Meta does not say how long
TRIES = 6
SOME = 50  # ids that may be asked for at once


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull from Meta needs."""

    address: Annotated[str, "of another server that speaks as Meta's does"] = ADDRESS

    @staticmethod
    def checked(number: str, name: str) -> None:
        """ValueError for what is no id."""
        if not number.isdecimal():
            raise ValueError(f"{name} must be its number, such as 17841400000000000, not {number!r}")


class Listed(NamedTuple):
    """A page of a list: what is on it, and where the next one begins."""

    rows: list[dict[str, Any]]
    after: str | None


class Graph:
    """Asks, and waits where Meta says that it is too much."""

    def __init__(self, client: Client, token_name: str, how: str) -> None:
        self._client, self._line, self._token_name, self._how = client, client.line, token_name, how

    def asked(self, path: str, params: Mapping[str, Any]) -> Answer:
        """The answer. Raises Refusal for what is not there, PullError for all that a person must mend."""
        for number in range(TRIES):
            try:
                answer = self._client.get(f"/{path}", params)
            except Refusal as refusal:
                self._bear(refusal, number)
                continue
            if _used(answer) >= NEARLY:
                self._line.hold(REST)
            return answer
        raise PullError(
            f"{self._line.service}: Meta's limit is used up, and stays so. What was pulled is kept; give the same "
            "command again in an hour."
        )

    def listed(self, path: str, params: Mapping[str, Any], after: str | None) -> Listed:
        """A page of a list. That it is empty is not believed the first time."""
        asked = {**params, "after": after}
        first = self._once(path, asked)
        return first if first.rows or first.after else self._once(path, asked)

    def _once(self, path: str, params: Mapping[str, Any]) -> Listed:
        told = Dialect(self._line.service, "the Graph API").decoded(self.asked(path, params).body, dict[str, Any])
        rows, paging = told.get("data"), told.get("paging") or {}
        if not isinstance(rows, list):
            raise PullError(f"{self._line.service}: {path} is no list. What was pulled is kept; try again later.")
        return Listed(rows, following(paging))

    def missing(self, ids: list[str]) -> set[str]:
        """Those of the ids that Meta does not know any more. If one is missing, it answers for none of them."""
        if not ids:
            return set()
        try:
            self.asked("", {"ids": ",".join(ids), "fields": "id"})
        except Refusal as refusal:
            if code(refusal) not in MISSING:
                raise
            half = len(ids) // 2
            return set(ids) if not half else self.missing(ids[:half]) | self.missing(ids[half:])
        return set()

    def _bear(self, refusal: Refusal, number: int) -> None:
        """Wait where that helps; else say what a person must mend, or leave it to who asked."""
        found = code(refusal)
        if found in LIMITED:
            self._line.hold(_regained(refusal.answer) or REST)
        elif found in MOMENTARY:
            self._line.hold(2.0**number)
        elif found in UNKNOWN:
            raise PullError(
                f"{refusal} {self._token_name} is not valid (any more): such a token ends after some weeks, with a "
                f"change of the password, or when its permission is taken back. {self._how}"
            ) from None
        elif found in FORBIDDEN:
            raise PullError(f"{refusal} {self._token_name} lacks a permission. {self._how}") from None
        else:
            raise refusal


class Place(_service.Place):
    """One page or account: what it is, its posts, and below each of them what was said."""

    LISTS: Mapping[str, str] = {}  # the streams that last, with the edges that they go through

    def __init__(self, graph: Graph, source: str, known: Known) -> None:
        self.graph, self.source, self.known = graph, source, known

    def streams(self) -> tuple[str, ...]:
        """What it is, then its posts. What is below them is gone through once for each."""
        return ("account", *self.LISTS)

    def fetch(self, stream: str, at: At) -> Page:
        """One page of any stream."""
        raise NotImplementedError

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What Meta does not know any more, fifty at a time; never, while the page or account itself is not there."""
        self.graph.asked(self.source, {"fields": "id"})
        while some := sorted({each.id for each in islice(held, SOME)}):
            yield frozenset(self.graph.missing(some))

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By going through the posts: a request for each page of them, and for the comments below each."""
        pages, follow = walked(self, at)
        return Estimate(pages + len(follow), note=f"{len(follow):,} posts with comments; long ones take several")


def page(path: str, listed: Listed) -> bytes | None:
    """An answer as it may be kept: where it came from, said first and without the token, and what it holds."""
    address = f"https://graph.facebook.com/v23.0/{path}?after={listed.after or ''}"
    kept = [row for row in listed.rows if not row.get("is_private")]
    return msgspec.json.encode({"paging": {"next": address}, "data": kept}) if kept else None


def following(paging: Mapping[str, Any]) -> str | None:
    """Where a list goes on; Meta gives a cursor at its end, too."""
    return str(paging["cursors"]["after"]) if "next" in paging and "after" in paging.get("cursors", {}) else None


def moment(row: Mapping[str, Any], field: str) -> datetime:
    """When something was said, or changed. PullError where that cannot be read."""
    try:
        found = utc(datetime.fromisoformat(row[field]))
    except (KeyError, TypeError, ValueError):
        found = None
    if found is None:
        raise PullError(f"Meta: {row.get('id', 'an item')} has no {field}. What was pulled is kept; try again later.")
    return found


def code(refusal: Refusal) -> int:
    """Meta's own number for what is wrong; 0 for none."""
    with suppress(ValueError, KeyError, TypeError):
        return int(refusal.answer.json()["error"]["code"])
    return 0


def _used(answer: Answer) -> float:
    """The largest share of a limit that is used up, in per cent."""
    with suppress(ValueError, TypeError, AttributeError):
        usage = json.loads(answer.headers.get("x-app-usage", "{}"))
        return max((float(share) for share in usage.values()), default=0)
    return 0


def _regained(answer: Answer) -> float:
    """The seconds after which Meta will answer again, if it says so."""
    with suppress(ValueError, TypeError, AttributeError):
        told = json.loads(answer.headers.get("x-business-use-case-usage", "{}"))
        minutes = [use.get("estimated_time_to_regain_access", 0) for uses in told.values() for use in uses]
        return 60.0 * max(minutes, default=0)
    return 0
