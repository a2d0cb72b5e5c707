"""Discord: the JSON files of DiscordChatExporter, one a channel or thread, in a folder or zip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Literal

import msgspec

from data.records import Basis, Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._moments import iso, utc

PLATFORM = "discord"
FORMAT = Format(
    group="Chats",
    get=("DiscordChatExporter, a program of its own: choose the server's channels and threads > Export > Format: JSON"),
    holds="messages with replies, threads, edits, reactions and mentions; who is a bot",
    cannot_tell="deleted messages; who is staff",
    is_seen=True,
)

THREADS = {"GuildPublicThread", "GuildNewsThread"}
PRIVATE_THREAD = "GuildPrivateThread"  # a channel of its own: the one it hangs under is not private
PRIVATE = {PRIVATE_THREAD, "DirectTextChat", "DirectGroupTextChat"}
DIRECT = "0"  # the guild that direct messages are said to be in
SPOKEN = {"Default", "Reply", "20", "21"}  # 20: a slash command's answer, 21: a thread's first words
DELETED = "456226577798135808"  # the one account Discord shows for every deleted one
MESSAGES = re.compile(rb'(?<!\\)"messages"\s*:\s*\[')
BEGINNING = re.compile(rb'\s*\{\s*"guild"')
EMOJI = re.compile(r"<a?(:\w+:)\d+>")

Id = Annotated[str, msgspec.Meta(min_length=1)]


class Guild(msgspec.Struct, frozen=True):
    """The server, or "Direct Messages" with the id 0."""

    id: Id
    name: str


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """A channel or thread. A thread's `category` is the channel it hangs under."""

    id: Id
    type: str
    name: str
    category: str | None = None
    category_id: str | None = None


class Range(msgspec.Struct, frozen=True):
    """The dates the export was asked for."""

    after: str | None = None
    before: str | None = None


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """What a file says before its messages."""

    guild: Guild
    channel: Place
    date_range: Range = Range()
    exported_at: str | None = None

    @property
    def is_private(self) -> bool:
        return self.channel.type in PRIVATE


class User(msgspec.Struct, frozen=True, rename="camel"):
    """An author, a mentioned person, or somebody who reacted."""

    id: Id
    name: str = ""
    nickname: str | None = None
    is_bot: bool = False


class Emoji(msgspec.Struct, frozen=True):
    """`code` is "thumbsup" where `name` is the sign itself; older files lack it."""

    name: str = ""
    code: str | None = None


class RawReaction(msgspec.Struct, frozen=True):
    """Who reacted is known where it was exported with users."""

    emoji: Emoji
    count: int = 1
    users: list[User] = []


class Reference(msgspec.Struct, frozen=True, rename="camel"):
    """What a reply, a pin, a forward or a thread starter points to."""

    message_id: str | None = None
    channel_id: str | None = None


class Raw(msgspec.Struct, frozen=True, rename="camel"):
    """A message as DiscordChatExporter writes it."""

    id: Id
    type: str
    timestamp: datetime
    author: User
    timestamp_edited: str | None = None
    content: str = ""
    attachments: list[msgspec.Raw] = []
    stickers: list[msgspec.Raw] = []
    reactions: list[RawReaction] = []
    mentions: list[User] = []
    reference: Reference | None = None


def detects(export: Export) -> float:
    """High when one of the first .json files begins with a guild and a channel."""
    names = islice(export.files("*.json"), 5)
    return 0.95 if any(isinstance(_header(export, name), Header) for name in names) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one guild, then each file's messages. Private threads and direct messages are left out."""
    names = sorted(export.files("*.json"), key=_part)
    found = {name: header for name in names if (header := _header(export, name))}
    headers = {name: header for name, header in found.items() if isinstance(header, Header)}
    kept = {name: header for name, header in headers.items() if export.include_private or not header.is_private}
    yield _source(export, list(kept.values()), len(found))
    yield from (header for header in found.values() if isinstance(header, Refused))
    server = Server()
    for name, header in kept.items():
        yield from server.channel(header.channel)
        for raw in export.array(name, Raw, key="messages"):
            yield from [raw] if isinstance(raw, Refused) else server.records(raw, header, name)
    for name in headers.keys() - kept.keys():
        export.left_out["private messages"] += sum(1 for _ in export.array(name, msgspec.Raw, key="messages"))


class Server:
    """What must be remembered between the messages of one guild."""

    def __init__(self) -> None:
        self.channels: dict[str, int] = {}  # how much is known of each: see channel()
        self.members: dict[str, Member] = {}
        self.begun: set[str] = set()  # threads whose first message has passed

    def channel(self, place: Place, is_forum: bool = False) -> Iterator[Channel]:
        """A thread's channel is the one it hangs under; what that channel's own file says wins."""
        if place.type in THREADS:
            rank = 1 if is_forum else 0
            channel = Channel(_channel_id(place), place.category or "unknown", "forum" if is_forum else None)
        else:
            rank = 2
            kind: Literal["forum", "chat"] = "forum" if place.type == "GuildForum" else "chat"
            channel = Channel(place.id, place.name, kind, is_private=place.type in PRIVATE)
        if rank > self.channels.get(channel.id, -1):
            self.channels[channel.id] = rank
            yield channel

    def records(self, raw: Raw, header: Header, file: str) -> Iterator[Record]:
        place, author, sent_at = header.channel, raw.author, utc(raw.timestamp)
        if sent_at is None:
            yield Refused(file, f"message {raw.id}", "its time is none", msgspec.json.encode(raw))
            return
        in_thread = place.type in THREADS or place.type == PRIVATE_THREAD
        if place.type in THREADS and raw.id == place.id:  # only a forum keeps a thread's starter in the thread
            yield from self.channel(place, is_forum=True)
        yield from self._member(author, sent_at)
        parent_id = _parent_id(raw, place)
        guild_id = "@me" if header.guild.id == DIRECT else header.guild.id
        yield Message(
            raw.id,
            _channel_id(place),
            None if author.id == DELETED else author.id,
            sent_at,
            EMOJI.sub(r"\1", raw.content),
            kind="message" if raw.type in SPOKEN else "system",
            title=place.name if in_thread else None,
            conversation_id=place.id if in_thread else None,
            parent_id=parent_id,
            basis="explicit" if parent_id else self._basis(raw, place, in_thread),
            edited_at=iso(raw.timestamp_edited),  # some files hold it in words of the exporting machine's language
            mentions=tuple(user.id for user in raw.mentions if user.id != DELETED),
            attachments=len(raw.attachments) + len(raw.stickers),
            permalink=f"https://discord.com/channels/{guild_id}/{place.id}/{raw.id}",
        )
        yield from _reactions(raw)

    def _basis(self, raw: Raw, place: Place, in_thread: bool) -> Basis | None:
        is_first = place.id not in self.begun or raw.id == place.id
        self.begun.add(place.id)
        return "thread" if in_thread and not is_first else None

    def _member(self, user: User, seen_at: datetime) -> Iterator[Member]:
        if user.id == DELETED:
            return
        name = user.nickname or user.name or user.id
        known = self.members.get(user.id)
        if known is None or (known.name, known.handle, known.is_bot) != (name, user.name, user.is_bot):
            member = Member(user.id, name, user.name or None, is_bot=user.is_bot, updated_at=seen_at)
            self.members[user.id] = member
            yield member


def _part(name: str) -> tuple[str, int]:
    """A sorting key that puts `x [part 2].json` after `x.json`."""
    stem, _, part = name.removesuffix(".json").rpartition(" [part ")
    number = part.removesuffix("]")
    return (stem, int(number)) if stem and number.isdecimal() else (name.removesuffix(".json"), 1)


def _header(export: Export, name: str) -> Header | Refused | None:
    """What a file says of itself; Refused where it is damaged, None for some other JSON."""
    head = export.head(name).removeprefix(b"\xef\xbb\xbf")
    found = MESSAGES.search(head)
    if not found or not BEGINNING.match(head):
        return None
    try:
        return msgspec.json.decode(head[: found.start()].rstrip().removesuffix(b",") + b"}", type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Refused(name, "byte 0", f"what stands before its messages cannot be read: {error}", head[:1024])


def _source(export: Export, headers: list[Header], files: int) -> Source:
    """The guild, and the widest range its files state: one without `after` goes back to the start."""
    named = {header.guild.id: header.guild.name for header in headers}
    guilds = {id_: name for id_, name in named.items() if id_ != DIRECT} or named
    if len(guilds) != 1:
        raise ExportError(_not_one(export, sorted(guilds.values()), files))
    since = [iso(header.date_range.after) for header in headers]
    until = [moment for header in headers if (moment := _until(header))]
    ((guild_id, name),) = guilds.items()
    return Source(
        PLATFORM,
        guild_id,
        name,
        covered_since=min(filter(None, since)) if all(since) else None,
        covered_until=max(until, default=None),
    )


def _not_one(export: Export, guilds: list[str], files: int) -> str:
    if guilds:
        return f"discord: {export.name} holds several servers ({', '.join(guilds)}). Load them one by one."
    if files:
        return f"discord: {export.name} holds private messages only, left out unless asked for: --include-private"
    return f"discord: {export.name} holds no DiscordChatExporter file. Export with the format JSON."


def _until(header: Header) -> datetime | None:
    stated = (iso(header.date_range.before), iso(header.exported_at))
    return min(filter(None, stated), default=None)


def _channel_id(place: Place) -> str:
    if place.type not in THREADS:
        return place.id
    return place.category_id or f"category:{place.category}"


def _parent_id(raw: Raw, place: Place) -> str | None:
    """Only a reply's reference names a parent: pins, forwards and thread starters have one too."""
    to = raw.reference
    if raw.type != "Reply" or to is None or to.channel_id not in (None, place.id):
        return None
    return to.message_id


def _reactions(raw: Raw) -> Iterator[Reaction]:
    for reaction in raw.reactions:
        name = reaction.emoji.code or reaction.emoji.name
        named = [user.id for user in reaction.users if user.id != DELETED]
        yield from (Reaction(raw.id, name, user_id) for user_id in named)
        if reaction.count > len(named):
            yield Reaction(raw.id, name, count=reaction.count - len(named))
