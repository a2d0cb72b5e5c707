"""Rocket.Chat: saved answers of the API (channels.messages, channels.history), or a mongoexport of its messages.

Answers of channels.list, channels.info, rooms.get and users.list beside them tell which rooms are private, and people's
roles. The data that a member downloads for themselves is not read: it names neither messages nor threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._answers import kinds, rows
from ingest.exports._format import Format
from ingest.exports._moments import epoch_ms, iso

PLATFORM = "rocketchat"
FORMAT = Format(
    group="Chats",
    get=(
        "save the API's answers to channels.messages or channels.history; or on the server: mongoexport "
        "--collection rocketchat_message"
    ),
    holds=("public rooms' messages with threads, edits and reactions; roles where users.list stands beside them"),
    cannot_tell="encrypted words",
)

PUBLIC = "c"  # a room's type; p is private, d direct messages, l a visitor's talk with an agent, v a call
REMOVED = "rm"
ENCRYPTED = "e2e"
STAFF = {"admin", "moderator", "owner", "leader"}
ROCKET_CAT = "rocket.cat"  # speaks for the server
QUOTED = re.compile(r"\[ ?\]\([^)\s]*[?&]msg=(\w+)\)\s*")

MARKS = {
    "rooms": (b'"_id"', b'"t"', b'"usersCount"'),  # they come with their last message
    "users": (b'"username"', b'"roles"', b'"_id"'),
    "messages": (b'"rid"', b'"msg"', b'"ts"'),
}
ROOMS = ("channels", "groups", "update")  # the keys under which the API lists rooms

Id = Annotated[str, msgspec.Meta(min_length=1)]
Time = str | dict[str, Any]  # mongoexport writes {"$date": ...}


class Room(msgspec.Struct):
    """A channel, a group, or a talk between some."""

    id: Id = msgspec.field(name="_id")
    t: str
    name: str = ""
    fname: str = ""  # the name as it is shown


class Address(msgspec.Struct):
    address: str = ""


class User(msgspec.Struct):
    """An account, or what a message tells of one."""

    id: Id = msgspec.field(name="_id")
    username: str = ""
    name: str | None = None
    roles: list[str] = []
    type: str = "user"
    emails: list[Address] = []


class Info(msgspec.Struct):
    """An answer about one room."""

    channel: Room


class Reacted(msgspec.Struct):
    usernames: list[str] = []


class Raw(msgspec.Struct):
    """A message. `tmid` names its thread's first, `t` says that it is an event, and which."""

    id: Id = msgspec.field(name="_id")
    rid: Id
    ts: Time
    u: User
    msg: str = ""
    t: str | None = None
    tmid: str | None = None
    alias: str | None = None
    bot: Any = None
    mentions: list[User] | None = None
    reactions: dict[str, Reacted] | None = None
    attachments: list[msgspec.Raw] | None = None
    files: list[msgspec.Raw] | None = None
    edited_at: Time | None = msgspec.field(name="editedAt", default=None)
    updated_at: Time | None = msgspec.field(name="_updatedAt", default=None)
    is_hidden: bool = msgspec.field(name="_hidden", default=False)
    parent: str | None = None


def detects(export: Export) -> float:
    """High when a file holds messages with a room and a time."""
    return 0.9 if kinds(export, MARKS, limit=20).get("messages") else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one server, its members, then its messages, each preceded by its room and author where they are new."""
    files = kinds(export, MARKS)
    if not files["messages"]:
        raise ExportError(f"rocketchat: {export.name} holds no messages. Give answers of the API, or a mongoexport.")
    yield Source(PLATFORM, export.name, export.name)
    server = _Server(export, [room for file in files["rooms"] for room in _rooms(export, file)])
    for user in (user for file in files["users"] for user in rows(export, file, User, "users")):
        yield from [user] if isinstance(user, Refused) else server.met(_member(user))
    for file in files["messages"]:
        for raw in rows(export, file, Raw, "messages"):
            yield from [raw] if isinstance(raw, Refused) else server.records(raw, file)


def _rooms(export: Export, file: str) -> Iterator[Room]:
    """The rooms of an answer. What was said badly of one is not needed."""
    head = export.head(file)
    key = next((key for key in ROOMS if msgspec.json.encode(key) in head), None)
    if key is None and b'"channel"' in head:
        yield from (info.channel for info in rows(export, file, Info) if isinstance(info, Info))
    else:
        yield from (room for room in rows(export, file, Room, key) if isinstance(room, Room))


class _Server:
    """What must be remembered between messages."""

    def __init__(self, export: Export, rooms: list[Room]) -> None:
        self.export = export
        self.rooms = {room.id: _channel(room) for room in rooms}
        self.members: dict[str, str] = {}  # ids by username
        self.told: set[str] = set()

    def met(self, member: Member) -> Iterator[Member]:
        if member.id not in self.told:
            self.told.add(member.id)
            self.members[member.handle or member.id] = member.id
            yield member

    def records(self, raw: Raw, file: str) -> Iterator[Record]:
        """The message with its reactions, and before it what is new of its room and author."""
        room = self.rooms.get(raw.rid) or _unlisted(raw)
        if room.is_private and not self.export.include_private:
            self.export.left_out["private messages"] += 1
            return
        sent_at = _time(raw.ts)
        if sent_at is None:
            yield Refused(file, f"message {raw.id}", "its time is none", msgspec.json.encode(raw))
            return
        if f"room {room.id}" not in self.told:
            self.told.add(f"room {room.id}")
            yield room
        author = _author(raw)
        yield from self.met(author)
        for user in raw.mentions or []:
            self.members.setdefault(user.username, user.id)
        yield _message(raw, author.id, sent_at)
        for name, reacted in (raw.reactions or {}).items():
            yield from (Reaction(raw.id, name.strip(":"), self.members.get(who, who)) for who in reacted.usernames)


def _message(raw: Raw, member_id: str, sent_at: datetime) -> Message:
    quoted = QUOTED.match(raw.msg)
    parent_id = quoted[1] if quoted else raw.tmid or None
    # A hidden row with a parent is what a message said before it was edited.
    is_gone = raw.t == REMOVED or (raw.is_hidden and raw.parent is not None)
    edited_at = _time(raw.edited_at)
    return Message(
        raw.id,
        raw.rid,
        member_id,
        sent_at,
        "" if is_gone or raw.t == ENCRYPTED else QUOTED.sub("", raw.msg),
        kind="message" if raw.t in (None, "", REMOVED, ENCRYPTED) else "system",
        conversation_id=raw.tmid or None,
        parent_id=parent_id,
        basis=("explicit" if quoted else "thread") if parent_id else None,
        edited_at=edited_at,
        deleted_at=(edited_at or _time(raw.updated_at) or sent_at) if is_gone else None,
        mentions=tuple(dict.fromkeys(user.id for user in raw.mentions or [] if user.id not in ("all", "here"))),
        attachments=len(raw.files if raw.files is not None else [] if quoted else raw.attachments or []),
    )


def _author(raw: Raw) -> Member:
    """Who wrote it. What an integration posts may come under another name than its account's."""
    if raw.bot and raw.alias:
        return Member(f"bot:{raw.alias}", raw.alias, is_bot=True)
    user = raw.u
    return Member(user.id, user.name or user.username or user.id, user.username or None, is_bot=bool(raw.bot))


def _member(user: User) -> Member:
    """An account."""
    is_bot = user.type == "bot" or "bot" in user.roles or user.id == ROCKET_CAT
    return Member(
        user.id,
        user.name or user.username or user.id,
        user.username or None,
        next((email.address for email in user.emails if email.address), None),
        is_bot=is_bot,
        is_staff=not is_bot and not STAFF.isdisjoint(user.roles),
    )


def _channel(room: Room) -> Channel:
    name = "direct messages" if room.t == "d" else room.fname or room.name or room.id
    return Channel(room.id, name, "chat", is_private=room.t != PUBLIC)


def _unlisted(raw: Raw) -> Channel:
    """A room of which nothing is told. That of two people is named by both their ids."""
    is_direct = raw.u.id != raw.rid and raw.u.id in raw.rid
    return Channel(raw.rid, "direct messages" if is_direct else raw.rid, "chat", is_private=is_direct)


def _time(written: Time | None) -> datetime | None:
    value = written.get("$date") if isinstance(written, dict) else written
    value = value.get("$numberLong") if isinstance(value, dict) else value
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal() and len(value) < 20):
        return epoch_ms(int(value))
    return iso(value) if isinstance(value, str) else None
