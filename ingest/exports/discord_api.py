"""Discord's API: a channel's or thread's messages, with what the API tells of the channel beside them.

A page is {"channel": ..., "parent": ..., "guild": {"id", "name"}, "begins": ..., "messages": [...]}: `parent` is the
channel that a thread hangs under, and `begins` says that nothing was said there before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from data.records import Record, Refused, Source
from ingest.archive import BOM, Export, ExportError
from ingest.exports import discord
from ingest.exports._answers import kinds
from ingest.exports._format import Format
from ingest.exports.discord import PLATFORM, Emoji, Guild, Id, Place, RawReaction, Reference, Server

FORMAT = Format(
    group="Chats",
    get="save pages of the API as .json, each with its channel beside the messages",
    holds=("the public channels' messages with replies, threads, edits and counts of reactions; who is a bot"),
    cannot_tell="names, unless they were asked for; who reacted; deleted messages",
)

MARKS = {"said": (b'"channel"', b'"parent"', b'"guild"', b'"begins"', b'"messages"')}
LIST = re.compile(rb',\s*"messages"\s*:\s*\[')
MENTION = re.compile(r"<@!?(\d+)>")
PLACES = {
    0: "GuildTextChat", 2: "GuildVoiceChat", 5: "GuildNews", 10: "GuildNewsThread", 11: "GuildPublicThread",
    12: "GuildPrivateThread", 13: "GuildStageVoice", 15: "GuildForum", 16: "GuildForum",
}  # fmt: skip
FORUMS = {15, 16}
TYPES = {0: "Default", 19: "Reply"}


class Room(msgspec.Struct, frozen=True):
    """A channel or thread."""

    id: Id
    type: int
    name: str = ""


class Heading(msgspec.Struct, frozen=True):
    """What a page says before its messages."""

    channel: Room
    parent: Room | None
    guild: Guild
    begins: bool


class Person(msgspec.Struct, frozen=True):
    """An author or a mentioned person; without names where nobody asked for them."""

    id: Id
    username: str = ""
    global_name: str | None = None
    bot: bool = False

    @property
    def user(self) -> discord.User:
        return discord.User(self.id, self.username, self.global_name, self.bot)


class Counted(msgspec.Struct, frozen=True):
    """A reaction: who reacted is not told."""

    emoji: Emoji
    count: int = 1


class Referred(msgspec.Struct, frozen=True):
    """What a reply answers."""

    message_id: str | None = None
    channel_id: str | None = None


class Raw(msgspec.Struct, frozen=True):
    """A message as the API answers it."""

    id: Id
    type: int
    timestamp: datetime
    author: Person
    edited_timestamp: str | None = None
    content: str = ""
    attachments: list[msgspec.Raw] = []
    sticker_items: list[msgspec.Raw] = []
    reactions: list[Counted] = []
    mentions: list[Person] = []
    message_reference: Referred | None = None


def detects(export: Export) -> float:
    """High for a page with a channel and its messages."""
    return 0.95 if kinds(export, MARKS, limit=20)["said"] else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one guild, then each page's messages. Private threads are left out."""
    headings = {name: heading for name in kinds(export, MARKS)["said"] if (heading := _heading(export, name))}
    guilds = {heading.guild.id: heading.guild for heading in headings.values()}
    if len(guilds) != 1:
        raise ExportError(f"discord_api: {export.name} holds {len(guilds)} servers. Load one at a time.")
    ((_, guild),) = guilds.items()
    yield Source(PLATFORM, guild.id, guild.name)
    server = Server()
    for name, heading in headings.items():
        place = _place(heading)
        if place.type == discord.PRIVATE_THREAD and not export.include_private:
            export.left_out["private messages"] += sum(1 for _ in export.array(name, msgspec.Raw, key="messages"))
        else:
            yield from _page(export, name, heading, place, server)


def _page(export: Export, name: str, heading: Heading, place: Place, server: Server) -> Iterator[Record]:
    header = discord.Header(heading.guild, place)
    # Where it does not begin here, what began the thread came earlier, or comes with another page.
    (server.begun.discard if heading.begins else server.begun.add)(place.id)
    yield from server.channel(place, is_forum=heading.parent is not None and heading.parent.type in FORUMS)
    for raw in export.array(name, Raw, key="messages"):
        yield from [raw] if isinstance(raw, Refused) else server.records(_exported(raw), header, name)


def _heading(export: Export, name: str) -> Heading | None:
    head = export.head(name).removeprefix(BOM).lstrip()
    found = LIST.search(head)
    try:
        return msgspec.json.decode(head[: found.start()] + b"}", type=Heading) if found else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _place(heading: Heading) -> Place:
    """The channel in the words of an export."""
    room, parent = heading.channel, heading.parent
    kind = PLACES.get(room.type, str(room.type))
    return Place(room.id, kind, room.name or room.id, parent.name if parent else None, parent.id if parent else None)


def _exported(raw: Raw) -> discord.Raw:
    """A message in the words of an export."""
    referred = raw.message_reference
    names = {person.id: person.global_name or person.username or person.id for person in raw.mentions}
    return discord.Raw(
        raw.id,
        TYPES.get(raw.type, str(raw.type)),
        raw.timestamp,
        raw.author.user,
        raw.edited_timestamp,
        MENTION.sub(lambda found: "@" + names.get(found[1], found[1]), raw.content),
        raw.attachments,
        raw.sticker_items,
        [RawReaction(each.emoji, each.count) for each in raw.reactions],
        [person.user for person in raw.mentions],
        Reference(referred.message_id, referred.channel_id) if referred else None,
    )
