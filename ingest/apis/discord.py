"""Discord: one server (--guild ID) that a bot of yours is in: open channels, threads and forums.

Discord forbids to profile its users, so nobody's name is asked for or kept unless you say `names = true`; accounts then
show as numbers. Channels that not everybody may see, and private threads, are left out. Deletions are looked for once a
day among the last thirty days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from ingest.apis import _service
from ingest.apis._client import Client, Line, LostPlace, PullError, Refusal
from ingest.apis._service import At, Estimate, Held, Known, Page, Wanted

READER = "discord_api"
TERMS = (
    "Discord's developer policy forbids to profile its users, to train models on messages, and to use them for "
    "anything but what the bot says it is for; who asks must be deleted. So names are left out unless `names` is true."
)
SECRETS = {
    "DISCORD_BOT_TOKEN": (
        "Make an application at https://discord.com/developers/applications, switch on Bot, Message Content Intent, "
        "take the bot's token, and invite it with the rights View Channels and Read Message History."
    )
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(days=1)
IS_WHOLE = True

PAGE = 100
LOOK_BACK = timedelta(days=30)  # for deletions: only what is there can be listed, nothing asked for singly
EPOCH = datetime(2015, 1, 1, tzinfo=UTC)  # from which Discord's numbers count milliseconds
SPOKEN_IN = {0, 2, 5, 13}
FORUMS = {15, 16}
OPEN_THREADS = {10, 11}
VIEW = 1 << 10  # of permissions
MISSING = (403, 404)
FEW = 5  # messages that are all blank: fewer may be so by chance
FIELDS = ("id", "type", "channel_id", "timestamp", "edited_timestamp", "content", "message_reference")
BLANK = (
    "Every message came without words: switch on the Message Content Intent under Bot at "
    "https://discord.com/developers/applications, or nothing can be told but who wrote when."
)


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Discord needs."""

    guild: Annotated[str, "the server's number: Copy Server ID"]
    channels: Annotated[str, "their names, with commas; else all that everybody may see"] = ""
    names: Annotated[bool, "keep the names of those who write"] = False
    address: Annotated[str, "of another server that speaks as Discord does"] = "https://discord.com/api/v10"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.guild.isdecimal():
            raise ValueError(f"guild must be a server's number (Copy Server ID), not {self.guild!r}")


class Place(msgspec.Struct, frozen=True):
    """Where the walk through the channels stands."""

    left: list[str]  # channels and threads to come; the first is the one at hand
    before: str | None = None  # its messages older than this one are to come


class Rooms(msgspec.Struct):
    """What can be read of a server."""

    name: str
    by_id: dict[str, dict[str, Any]]
    note: str


def connect(wanted: Wanted, line: Line, known: Known) -> Server:
    """One server."""
    assert isinstance(wanted, Options)  # noqa: S101
    token = line.secret("DISCORD_BOT_TOKEN", SECRETS["DISCORD_BOT_TOKEN"])
    named = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (self-hosted Hearth, 1)"}
    return Server(Client(line, wanted.address, named), wanted, known)


class Server(_service.Place):
    """One server, its channels one after the other."""

    def __init__(self, client: Client, wanted: Options, known: Known) -> None:
        self._client, self._line, self._wanted, self._known = client, client.line, wanted, known
        self.source = wanted.guild
        day = wanted.since
        self._first = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
        self._rooms: Rooms | None = None
        self._asks = 0

    def streams(self) -> tuple[str, ...]:
        """One list, of all that is said."""
        self._rooms = None
        return ("messages",)

    def fetch(self, stream: str, at: At) -> Page:  # noqa: ARG002
        """One page of the channel at hand, newest first."""
        rooms = self._listed(at.since)
        told = (at.mark or "").split()
        if at.cursor is None:
            left = [id_ for id_, room in rooms.by_id.items() if self._is_news(room, self._since(room, told, at))]
            place, note = Place(sorted(left)), rooms.note
            mark = " ".join(sorted(id_ for id_, room in rooms.by_id.items() if room["type"] not in OPEN_THREADS))
        else:
            place, note, mark = msgspec.json.decode(at.cursor, type=Place), "", None
        while place.left and place.left[0] not in rooms.by_id:
            place = Place(place.left[1:])
        if not place.left:
            return Page(None, mark=mark, note=note)
        room = rooms.by_id[place.left[0]]
        found = self._messages(room["id"], place.before)
        since = self._since(room, told, at)
        is_end = len(found) < PAGE or At(since=since).is_reached(_moment(found[-1]["id"]))
        following = Place(place.left[1:]) if is_end else Place(place.left, found[-1]["id"])
        return Page(
            msgspec.json.encode(following).decode() if following.left else None,
            self._told(rooms, room, found, begins=len(found) < PAGE), "said.json", len(found),
            _moment(found[-1]["id"]) if found else None, mark=mark,
            note=" ".join(filter(None, [note, BLANK if _is_blank(found) else ""])),
        )  # fmt: skip

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What is not there any more. A channel that we may not see now tells nothing."""
        rows = list(held)
        since = min((_moment(each.id) for each in rows), default=EPOCH) - timedelta(seconds=1)
        self._rooms = None
        rooms = self._listed(since)
        there, seen = set[str](), set[str]()
        for room in rooms.by_id.values():
            found = self._since_then(room, since) if self._is_news(room, since) else set()
            if found is not None:
                there |= found
                seen.add(room["id"])
        yield frozenset(each.id for each in rows if each.id not in there and _room(each, rooms) in seen)

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By going through the channels."""
        asked, stands = self._asks, at["messages"]
        page = self.fetch("messages", stands)
        while page.cursor is not None:
            page = self.fetch("messages", msgspec.structs.replace(stands, cursor=page.cursor))
        return Estimate(self._asks - asked, note=f"{len(self._listed(stands.since).by_id):,} channels and threads")

    def _since(self, room: Mapping[str, Any], told: list[str], at: At) -> datetime | None:
        """How far back to go: all the way in a channel that is new to us."""
        channel = room["parent_id"] if room["type"] in OPEN_THREADS else room["id"]
        return at.since if channel in told else self._first

    def _is_news(self, room: Mapping[str, Any], since: datetime | None) -> bool:
        last = room.get("last_message_id")
        return room["type"] not in FORUMS and last is not None and (since is None or _moment(last) > since)

    def _since_then(self, room: Mapping[str, Any], since: datetime) -> set[str] | None:
        """The messages of a channel back to a moment; None where they cannot be seen."""
        there, before = set[str](), None
        while True:
            try:
                found = self._messages(room["id"], before, may_be_closed=False)
            except Refusal as refusal:
                if refusal.status in MISSING:
                    return None
                raise
            there |= {each["id"] for each in found}
            if len(found) < PAGE or _moment(found[-1]["id"]) <= since:
                return there
            before = found[-1]["id"]

    def _messages(self, channel: str, before: str | None, *, may_be_closed: bool = True) -> list[dict[str, Any]]:
        """Newest first. That there is nothing is asked twice."""
        found: list[dict[str, Any]] = []
        try:
            for _ in range(2):
                found = found or self._asked(f"/channels/{channel}/messages", {"limit": PAGE, "before": before})
        except Refusal as refusal:
            if may_be_closed and refusal.status in MISSING:
                return []
            raise
        if before and found and int(found[0]["id"]) >= int(before):
            raise LostPlace("it answers with what is newer than what was asked for")
        return found

    def _told(self, rooms: Rooms, room: dict[str, Any], found: list[dict[str, Any]], *, begins: bool) -> bytes | None:
        """A page with no more than is needed, the oldest message first. What is answered comes along, if we lack it."""
        answered = {each["id"]: each for reply in found if (each := reply.get("referenced_message"))}
        lacking = answered.keys() - self._known.messages(answered) - {each["id"] for each in found}
        here = [answered[id_] for id_ in lacking if answered[id_].get("channel_id") == room["id"]]
        parent = rooms.by_id.get(room.get("parent_id") or "") if room["type"] in OPEN_THREADS else None
        said = sorted([*here, *found], key=lambda each: int(each["id"]))
        page = {
            "channel": _bare_room(room), "parent": _bare_room(parent) if parent else None,
            "guild": {"id": self.source, "name": rooms.name}, "begins": begins,
            "messages": [self._bare(each) for each in said],
        }  # fmt: skip
        return msgspec.json.encode(page) if said else None

    def _bare(self, message: Mapping[str, Any]) -> dict[str, Any]:
        told = {name: message[name] for name in FIELDS if name in message}
        told["author"] = self._person(message["author"])
        told["mentions"] = [self._person(each) for each in message.get("mentions", ())]
        for name in ("attachments", "sticker_items"):
            told[name] = [{"id": each["id"]} for each in message.get(name, ())]
        told["reactions"] = [
            {"emoji": {"name": each["emoji"].get("name") or ""}, "count": each.get("count", 1)}
            for each in message.get("reactions", ())
        ]
        return told

    def _person(self, person: Mapping[str, Any]) -> dict[str, Any]:
        kept = ("id", "bot", "username", "global_name") if self._wanted.names else ("id", "bot")
        return {name: person[name] for name in kept if person.get(name) is not None}

    def _listed(self, since: datetime | None) -> Rooms:
        """What everybody may see: channels, and threads that were open at that time or later."""
        if self._rooms is None:
            channels = self._asked(f"/guilds/{self.source}/channels")
            is_open = {each["id"]: not self._is_closed(each) for each in channels}
            wanted = {name.strip().removeprefix("#") for name in self._wanted.channels.split(",") if name.strip()}
            rooms = {
                each["id"]: each for each in channels if each["type"] in SPOKEN_IN | FORUMS and is_open[each["id"]]
                and (not wanted or wanted & {each["name"], each["id"]})
            }  # fmt: skip
            closed = sum(not each for each in is_open.values())
            note = f"{closed:,} channels that not everybody may see are left out." if closed else ""
            threads = [*self._active(), *(thread for id_ in rooms for thread in self._archived(rooms[id_], since))]
            shown = {
                each["id"]: each for each in threads if each["parent_id"] in rooms and each["type"] in OPEN_THREADS
            }
            self._rooms = Rooms(self._asked(f"/guilds/{self.source}")["name"], {**rooms, **shown}, note)
        return self._rooms

    def _is_closed(self, channel: Mapping[str, Any]) -> bool:
        rules = channel.get("permission_overwrites") or ()
        return any(each["id"] == self.source and int(each.get("deny") or 0) & VIEW for each in rules)

    def _active(self) -> list[dict[str, Any]]:
        return list(self._asked(f"/guilds/{self.source}/threads/active")["threads"])

    def _archived(self, channel: Mapping[str, Any], since: datetime | None) -> Iterator[dict[str, Any]]:
        """A channel's threads that were closed, the last one first."""
        before = None
        while channel["type"] in FORUMS | {0, 5}:
            try:
                answer = self._asked(
                    f"/channels/{channel['id']}/threads/archived/public", {"limit": PAGE, "before": before}
                )
            except Refusal as refusal:
                if refusal.status in MISSING:
                    return
                raise
            yield from answer["threads"]
            last = answer["threads"][-1]["thread_metadata"]["archive_timestamp"] if answer["threads"] else None
            is_old = last is not None and since is not None and datetime.fromisoformat(last) < since
            if not answer.get("has_more") or last in (None, before) or is_old:
                return
            before = last

    def _asked(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self._asks += 1
        try:
            return self._client.get(path, params).json()
        except Refusal as refusal:
            if refusal.status == 401:
                raise PullError(
                    "discord: it does not accept DISCORD_BOT_TOKEN (any more). Reset the token under Bot at "
                    "https://discord.com/developers/applications, and set it anew. What was pulled is kept."
                ) from None
            if refusal.status in MISSING and path.startswith("/guilds/"):
                raise PullError(
                    f"discord: the bot is not in the server {self.source}, or lacks the right View Channels. Invite it."
                ) from None
            raise


def _bare_room(room: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": room["id"], "type": room["type"], "name": room.get("name") or ""}


def _room(held: Held, rooms: Rooms) -> str:
    """The thread in which a message was said, or else the channel."""
    conversation = held.conversation_id or ""
    return conversation if conversation in rooms.by_id else held.channel_id or ""


def _is_blank(found: list[dict[str, Any]]) -> bool:
    """Whether what people wrote is withheld: nobody writes nothing, again and again."""
    said = [each for each in found if each["type"] in (0, 19) and not each["author"].get("bot")]
    parts = ("content", "attachments", "embeds", "sticker_items", "poll")
    return len(said) >= FEW and not any(each.get(part) for each in said for part in parts)


def _moment(snowflake: str) -> datetime:
    return EPOCH + timedelta(milliseconds=int(snowflake) >> 22)
