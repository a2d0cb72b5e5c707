"""Slack: the public channels of a workspace that the app was invited to, with their threads.

Slack lists what began a thread; what was answered is asked for thread by thread. Each pull looks again at what was said
in the last two weeks, so an answer to an older thread, or an edit there, is not seen. Deletions are looked for once a
day among the last thirty days. An app that is sold outside of Slack's Marketplace gets fifteen messages a minute since
2025; one that a workspace made for itself does not have that limit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from ingest.apis import _service
from ingest.apis._client import ATTEMPTS, Client, Line, LostPlace, PullError
from ingest.apis._service import At, Estimate, Held, Known, Page, Wanted

READER = "slack_api"
TERMS = (
    "A workspace belongs to its owner: ask them, and tell its members where the law asks for it. Slack forbids to "
    "train language models on what it answers, and to copy more than is needed. Only public channels are pulled."
)
SECRETS = {
    "SLACK_TOKEN": (
        "Make an app at https://api.slack.com/apps with the bot scopes channels:read, channels:history and users:read, "
        "install it, take its Bot User OAuth Token (xoxb-...), and invite it: /invite @app in each channel."
    )
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(days=14)  # a thread shows that it was answered only where it began
IS_WHOLE = True  # messages name channels and members that stand in lists of their own

PAGE = 200
LOOK_BACK = timedelta(days=30)  # for deletions: only what is there can be listed, nothing asked for singly
SLOW = 15  # messages an answer, and one answer a minute, for apps that are sold outside of the Marketplace
SLOWLY = (
    "Slack gives this app fifteen messages a minute, as it does since 2025 to apps sold outside of its Marketplace: "
    "an app that the workspace made for itself is faster."
)
LISTS = {"channels": "conversations.list", "users": "users.list"}
LOST = {"invalid_cursor", "invalid_ts_latest", "invalid_ts_oldest"}
CLOSED = {"not_in_channel", "channel_not_found", "is_archived", "thread_not_found"}
BUSY = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "ratelimited"}
UNSIGNED = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "no_permission", "access_denied", "not_allowed_token_type", "org_login_required", "ekm_access_denied",
}  # fmt: skip


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Slack needs."""

    channels: Annotated[str, "their names, with commas; else all public ones that the app is in"] = ""
    address: Annotated[str, "of another server that speaks as Slack does"] = "https://slack.com/api"


class Place(msgspec.Struct, frozen=True):
    """Where the walk through the channels stands."""

    left: list[str]  # channels to come; the first is the one at hand
    latest: str | None = None  # its messages from here back are to come


def connect(wanted: Wanted, line: Line, known: Known) -> Workspace:
    """The workspace that the token belongs to: the token alone knows which, so Slack is asked."""
    assert isinstance(wanted, Options)  # noqa: S101
    token = line.secret("SLACK_TOKEN", SECRETS["SLACK_TOKEN"])
    client = Client(line, wanted.address, {"Authorization": f"Bearer {token}"})
    return Workspace(client, wanted, known)


class Workspace(_service.Place):
    """One workspace."""

    def __init__(self, client: Client, wanted: Options, known: Known) -> None:
        self._client, self._wanted, self._known, self._line = client, wanted, known, client.line
        day = wanted.since
        self._first = _ts(datetime(day.year, day.month, day.day, tzinfo=UTC)) if day else None
        self._rooms: list[dict[str, Any]] = []
        self._is_listed, self._asks = False, 0
        self.source = str(self._asked("auth.test")["team_id"])

    def streams(self) -> tuple[str, ...]:
        """Names first, then the messages of one channel after the other."""
        self._rooms, self._is_listed = [], False
        return ("channels", "users", "messages")

    def fetch(self, stream: str, at: At) -> Page:
        """One page of a list, of a channel's messages, or of a thread."""
        if stream in LISTS:
            return self._list(stream, at.cursor)
        if stream == "messages":
            return self._messages(at)
        return self._thread(stream.removeprefix("thread:"), at.cursor)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What Slack no longer lists. A channel that we may no longer see tells nothing."""
        said = defaultdict[str, list[Held]](list)
        for each in held:
            said[each.id.rpartition(":")[0]].append(each)
        for channel, some in said.items():
            if missing := self._missing(channel, some):
                yield missing

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By going through the channels; how many pages the lists have is known then, too."""
        lists = [self._walked(stream, at[stream]) for stream in LISTS]
        pages, threads = self._walked("messages", at["messages"])
        return Estimate(1 + sum(count for count, _ in lists) + pages + threads, note=f"{threads:,} threads")

    def _walked(self, stream: str, at: At) -> tuple[int, int]:
        asked, page = self._asks, self.fetch(stream, at)
        follow = set(page.follow)
        while page.cursor is not None:
            page = self.fetch(stream, msgspec.structs.replace(at, cursor=page.cursor))
            follow |= set(page.follow)
        return self._asks - asked, len(follow)

    def _list(self, stream: str, cursor: str | None) -> Page:
        kinds = {"types": "public_channel"} if stream == "channels" else {}
        answer = self._asked(LISTS[stream], {"limit": PAGE, "cursor": cursor, **kinds})
        following = _following(answer)
        if stream == "channels":
            self._rooms += answer["channels"]
            self._is_listed = following is None
        return Page(following, msgspec.json.encode({"team_id": self.source, **answer}), f"{stream}.json", covers=False)

    def _messages(self, at: At) -> Page:
        """The channel at hand, newest first, then the next one."""
        place = msgspec.json.decode(at.cursor, type=Place) if at.cursor else None
        told = (at.mark or "").split()
        mark, note = None, ""
        if place is None:
            place, outside = self._begun()
            mark, note = " ".join(place.left), outside
        if not place.left:
            return Page(None, mark=mark, note=note)
        channel = place.left[0]
        oldest = _ts(at.since) if channel in told and at.since else self._first
        answer = self._history(channel, oldest, place.latest)
        found = answer["messages"] if answer else []
        is_more = answer is not None and answer.get("has_more") and found
        if is_more and len(found) <= SLOW:
            note = " ".join(filter(None, [note, SLOWLY]))
        following = Place(place.left, found[-1]["ts"]) if is_more else Place(place.left[1:])
        cursor = msgspec.json.encode(following).decode() if following.left else None
        return Page(
            cursor, self._told(channel, found), "said.json", len(found),
            _moment(found[-1]["ts"]) if found else None, mark=mark, note=note,
            is_capped=bool(answer and answer.get("is_limited") and channel not in told),
            follow=self._threads(channel, found),
        )  # fmt: skip

    def _begun(self) -> tuple[Place, str]:
        """All channels that are wanted and can be read, and in words those that cannot."""
        cursor = None
        while not self._is_listed:
            cursor = self._list("channels", cursor).cursor
        rooms = {room["id"]: room for room in self._rooms if not room.get("is_private")}
        wanted = {name.strip().removeprefix("#") for name in self._wanted.channels.split(",") if name.strip()}
        if unknown := wanted - {room["name"] for room in rooms.values()} - rooms.keys():
            raise PullError(f"slack: there is no public channel {', '.join(sorted(unknown))}. Look at `channels`.")
        chosen = [room for room in rooms.values() if not wanted or wanted & {room["name"], room["id"]}]
        outside = [room["name"] for room in chosen if room.get("is_member") is False]
        note = f"The app is not in {len(outside):,} public channels, so they are missing: /invite it" if outside else ""
        return Place(sorted(room["id"] for room in chosen if room.get("is_member") is not False)), note

    def _history(self, channel: str, oldest: str | None, latest: str | None) -> dict[str, Any] | None:
        """A page of a channel; None where it cannot be read any more. That there is nothing is asked twice."""
        # Without `latest` Slack begins at `oldest`.
        params = {
            "channel": channel, "limit": PAGE, "oldest": oldest,
            "latest": latest or _ts(self._now() + timedelta(minutes=5)),
        }  # fmt: skip
        answer: dict[str, Any] = {}
        for _ in range(2):
            answer = self._asked("conversations.history", params, may_be_closed=True)
            if not answer or answer["messages"]:
                break
        if answer and latest and answer["messages"] and not _later(latest, answer["messages"][0]["ts"]):
            raise LostPlace("it answers with what is newer than what was asked for")
        return answer or None

    def _threads(self, channel: str, found: list[dict[str, Any]]) -> tuple[str, ...]:
        """The threads of which the last answer is not held yet."""
        roots = [each for each in found if each.get("reply_count") and each.get("latest_reply")]
        latest = {f"{channel}:{each['latest_reply']}": each["ts"] for each in roots}
        lacking = latest.keys() - self._known.messages(latest)
        threads = {latest[id_] for id_ in lacking} | self._broadcast(channel, found)
        return tuple(f"thread:{channel}:{ts}" for ts in sorted(threads))

    def _broadcast(self, channel: str, found: list[dict[str, Any]]) -> set[str]:
        """The threads from which something was said in the channel, too: they may be older than what is looked at."""
        both = [each for each in found if each.get("subtype") == "thread_broadcast"]
        answers = {f"{channel}:{each['ts']}": each["thread_ts"] for each in both}
        return {answers[id_] for id_ in answers.keys() - self._known.messages(answers)}

    def _thread(self, root: str, cursor: str | None) -> Page:
        channel, _, ts = root.partition(":")
        params = {"channel": channel, "ts": ts, "limit": PAGE, "cursor": cursor}
        answer: dict[str, Any] = {}
        for _ in range(2):
            answer = self._asked("conversations.replies", params, may_be_closed=True)
            if not answer or answer["messages"]:
                break
        found = answer.get("messages", [])
        return Page(_following(answer), self._told(channel, found), "said.json", len(found), covers=False)

    def _told(self, channel: str, found: list[dict[str, Any]]) -> bytes | None:
        if not found:
            return None
        return msgspec.json.encode({"ok": True, "team": self.source, "channel": channel, "messages": found})

    def _missing(self, channel: str, held: list[Held]) -> frozenset[str] | None:
        """Of a channel's messages, those that are gone. A thread with fewer answers than we hold is asked for."""
        there, is_limited = dict[str, dict[str, Any]](), False
        since = _before(held)
        answer = self._history(channel, since, None)
        if answer and answer.get("has_more") and len(answer["messages"]) <= SLOW:
            # At a page a minute, to list the whole of a channel could take weeks.
            since = max(since, _ts(self._now() - LOOK_BACK), key=_moment)
            held = [each for each in held if _later(each.id.rpartition(":")[2], since)]
        while answer and answer["messages"]:
            there |= {f"{channel}:{each['ts']}": each for each in answer["messages"]}
            is_limited = is_limited or bool(answer.get("is_limited"))
            if not answer.get("has_more"):
                break
            answer = self._history(channel, since, answer["messages"][-1]["ts"])
        if answer is None:
            return None
        if is_limited or answer.get("is_limited"):  # the plan hides what is older, and deletes nothing
            shown = min(map(_moment_of, there), default=datetime.max.replace(tzinfo=UTC))
            held = [each for each in held if min(map(_moment_of, {each.id, each.conversation_id or each.id})) >= shown]
        return frozenset(self._gone_roots(there, held)) | frozenset(self._gone_replies(there, held))

    def _gone_roots(self, there: Mapping[str, Mapping[str, Any]], held: list[Held]) -> Iterator[str]:
        for each in held:
            if each.conversation_id in (None, each.id):
                found = there.get(each.id)
                if found is None or (found.get("subtype") == "tombstone" and each.member_id is not None):
                    yield each.id

    def _gone_replies(self, there: Mapping[str, Mapping[str, Any]], held: list[Held]) -> Iterator[str]:
        replies = [each for each in held if each.conversation_id not in (None, each.id)]
        counts = Counter(str(each.conversation_id) for each in replies)
        short = {root for root, count in counts.items() if there.get(root, {}).get("reply_count", 0) < count}
        left = {root: self._replies(root) for root in short}
        yield from (
            each.id for each in replies if each.conversation_id in left and each.id not in left[each.conversation_id]
        )

    def _replies(self, root: str) -> set[str]:
        found, cursor, is_first = set[str](), None, True
        while is_first or cursor:
            page = self._thread(root, cursor)
            said = msgspec.json.decode(page.body)["messages"] if page.body else []
            found |= {f"{root.partition(':')[0]}:{each['ts']}" for each in said}
            cursor, is_first = page.cursor if page.cursor != cursor else None, False
        return found

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._line.pace.now(), UTC)

    def _asked(
        self, method: str, params: Mapping[str, Any] | None = None, *, may_be_closed: bool = False
    ) -> dict[str, Any]:
        """An answer that says ok, or {} where it `may_be_closed`, and is. Slack refuses with status 200."""
        error = ""
        for attempt in range(ATTEMPTS):
            self._asks += 1
            answer = self._client.get(f"/{method}", params).json()
            if isinstance(answer, dict) and answer.get("ok") is True:
                return answer
            error = str(answer.get("error")) if isinstance(answer, dict) else "not an answer of Slack"
            if error not in BUSY:
                break
            self._line.wait(2.0**attempt, f"it answers {error}")
        if error in LOST:
            raise LostPlace("it does not know the place any more")
        if error in CLOSED and may_be_closed:
            return {}
        raise PullError(_refused(method, error))


def _refused(method: str, error: str) -> str:
    if error in UNSIGNED:
        return (
            f"slack: {method} was refused ({error}): SLACK_TOKEN is not valid (any more), or lacks one of the scopes "
            "channels:read, channels:history, users:read. Look at https://api.slack.com/apps, install the app again, "
            "and set SLACK_TOKEN anew. What was pulled is kept."
        )
    return f"slack: {method} was refused ({error}). What was pulled is kept; give the same command again later."


def _following(answer: Mapping[str, Any]) -> str | None:
    return (answer.get("response_metadata") or {}).get("next_cursor") or None


def _ts(moment: datetime) -> str:
    return f"{moment.timestamp():.6f}"


def _before(held: list[Held]) -> str:
    """A moment before all of them."""
    return _ts(min(_moment(each.id.rpartition(":")[2]) for each in held) - timedelta(seconds=1))


def _moment(ts: str) -> datetime:
    seconds, _, rest = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(rest[:6].ljust(6, "0")))


def _moment_of(id_: str) -> datetime:
    return _moment(id_.rpartition(":")[2])


def _later(ts: str, other: str) -> bool:
    return _moment(ts) > _moment(other)
