"""Zulip: the public channels of an organization (--address https://org.zulipchat.com), all that was ever said there.

All public channels come in one list, by the numbers of their messages; a topic that goes on is asked for its first
message, so that it has its beginning. Deletions are looked for once a day among the last thirty days.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from ingest.apis._client import Client, Line, LostPlace, PullError, Refusal
from ingest.apis._service import At, Estimate, Held, Known, Page, Place, Wanted, walked

READER = "zulip"
TERMS = "An organization's messages belong to it: ask its owners, and tell its members where the law asks for it."
SECRETS = {
    "ZULIP_EMAIL": "The address of the account that the key belongs to; of a bot: Settings, Bots.",
    "ZULIP_API_KEY": "Settings, Account & privacy, API key; or of a bot: Settings, Bots, Add a new bot.",
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(days=1)
IS_WHOLE = True  # a channel's kind and a member's role stand in lists of their own

PAGE = 1000
LOOK_BACK = timedelta(days=30)  # for deletions: only what is there can be listed, nothing asked for singly
CLOUD = ".zulipchat.com"
LISTS = {
    "users": ("/api/v1/users", {"client_gravatar": "true"}),
    "streams": ("/api/v1/streams", {"include_public": "true", "include_subscribed": "false"}),
}
PUBLIC = [{"operator": "streams", "operand": "public"}]
FIELDS = (
    "id", "sender_id", "sender_full_name", "timestamp", "content", "type", "display_recipient", "stream_id", "subject",
    "sender_email", "sender_realm_str", "client", "content_type", "last_edit_timestamp",
)  # fmt: skip
EMOJI = ("emoji_name", "user_id", "user_profile")


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Zulip needs."""

    address: Annotated[str, "of the organization, such as https://lumo.zulipchat.com"]
    organization: Annotated[str, "what an export of it calls it; else as the address does"] = ""


def connect(wanted: Wanted, line: Line, known: Known) -> Organization:
    """The organization at an address."""
    assert isinstance(wanted, Options)  # noqa: S101
    email = line.secret("ZULIP_EMAIL", SECRETS["ZULIP_EMAIL"])
    key = line.secret("ZULIP_API_KEY", SECRETS["ZULIP_API_KEY"])
    pair = base64.b64encode(f"{email}:{key}".encode()).decode()
    line.hide(pair)
    client = Client(line, wanted.address, {"Authorization": f"Basic {pair}"})
    name = wanted.organization or urlsplit(client.address).netloc.removesuffix(CLOUD)
    return Organization(client, name, known)


class Organization(Place):
    """One organization."""

    def __init__(self, client: Client, source: str, known: Known) -> None:
        self._client, self._line, self._known = client, client.line, known
        self.source = source

    def streams(self) -> tuple[str, ...]:
        """Members and channels, then all that was said."""
        return (*LISTS, "messages")

    def fetch(self, stream: str, at: At) -> Page:
        """A list, a page of messages from the newest back, or the first message of a topic."""
        if stream in LISTS:
            path, params = LISTS[stream]
            return Page(None, msgspec.json.encode(self._asked(path, params)), f"{stream}.json", covers=False)
        if stream == "messages":
            return self._page(at)
        _, channel, topic = stream.split(":", 2)
        return self._beginning(channel, topic)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What is not there any more, or not in public."""
        numbers = {int(each.id) for each in held if each.id.isdecimal()}
        there, lowest, is_end = set[int](), None, not numbers
        while not is_end:
            answer = self._messages(None if lowest is None else str(lowest))
            found = answer["messages"]
            there |= {each["id"] for each in found}
            lowest = min((each["id"] for each in found), default=lowest)
            is_end = lowest is None or not found or answer.get("found_oldest") or lowest <= min(numbers)
            if found and answer.get("found_oldest") and not answer.get("history_limited"):
                lowest = 0  # and before it there is nothing
        if lowest is not None:
            yield frozenset(str(number) for number in numbers - there if number >= lowest)

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By going through the messages."""
        pages, topics = walked(self, {"messages": at["messages"]})
        return Estimate(len(LISTS) + pages + len(topics), note=f"{len(topics):,} topics that go on")

    def _page(self, at: At) -> Page:
        answer = self._messages(at.cursor)
        found = answer["messages"]
        if not found:
            return Page(None)
        oldest = min(map(_moment, found))
        is_end = bool(answer.get("found_oldest"))
        is_new = at.mark is None and at.since is None
        topics = {f"topic:{each['stream_id']}:{each['subject']}" for each in found}
        return Page(
            None if is_end or at.is_reached(oldest) else str(min(each["id"] for each in found)),
            _told(found), "messages.json", len(found), oldest, mark=str(found[-1]["id"]),
            is_capped=is_end and bool(answer.get("history_limited")) and at.mark is None,
            follow=() if is_new else tuple(sorted(topics)),
        )  # fmt: skip

    def _messages(self, before: str | None) -> dict[str, Any]:
        """A page of what was said in public, by number. That there is nothing is asked twice."""
        params = {
            "anchor": before or "newest", "num_before": PAGE, "num_after": 0, "narrow": json.dumps(PUBLIC),
            "include_anchor": "false" if before else None,
        }  # fmt: skip
        answer = dict[str, Any]()
        for _ in range(2):
            answer = answer if answer.get("messages") else self._asked("/api/v1/messages", params)
        found = sorted(answer["messages"], key=lambda each: each["id"])
        if before and found and found[-1]["id"] > int(before):
            raise LostPlace("it answers with what is newer than what was asked for")
        # Before Zulip 6 the anchor itself comes along.
        answer["messages"] = [each for each in found if str(each["id"]) != before]
        return answer

    def _beginning(self, channel: str, topic: str) -> Page:
        narrow = [{"operator": "stream", "operand": int(channel)}, {"operator": "topic", "operand": topic}]
        params = {"anchor": "oldest", "num_before": 0, "num_after": 1, "narrow": json.dumps(narrow)}
        found = self._asked("/api/v1/messages", params)["messages"]
        return Page(None, _told(found) if found else None, "messages.json", len(found), covers=False)

    def _asked(self, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client.get(path, params).json()
        except Refusal as refusal:
            if refusal.status in (401, 403):
                raise PullError(
                    f"{refusal} It does not accept ZULIP_EMAIL with ZULIP_API_KEY (any more): look at Settings, "
                    "Account & privacy, API key. What was pulled is kept."
                ) from None
            raise
        if not isinstance(answer, dict) or answer.get("result") != "success":
            raise PullError(f"zulip: {path} is not what Zulip answers. Is it the address of an organization?")
        return answer


def _told(found: list[dict[str, Any]]) -> bytes:
    """Messages with no more than is needed."""
    return msgspec.json.encode({"result": "success", "messages": [_bare(each) for each in found]})


def _bare(message: Mapping[str, Any]) -> dict[str, Any]:
    reactions = [{name: each[name] for name in EMOJI if name in each} for each in message.get("reactions", ())]
    return {**{name: message[name] for name in FIELDS if name in message}, "reactions": reactions}


def _moment(message: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(message["timestamp"], UTC)
