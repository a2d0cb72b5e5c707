"""Gitter: saved answers of the API's /rooms/{id}/chatMessages, with that of /rooms beside them if there is one.

A message does not say its room: it lies in a folder, or in a file, that bears the room's name or id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._answers import kinds, rows
from ingest.exports._format import Format
from ingest.exports._moments import utc

PLATFORM = "gitter"
FORMAT = Format(
    group="Chats",
    get=(
        "save the API's answers to /rooms/{id}/chatMessages, a file or folder a room: old copies, for Gitter "
        "has moved to Matrix"
    ),
    holds="rooms' messages with threads and edits",
    cannot_tell="who is staff or a bot; reactions",
)

MARKS = {
    "messages": (b'"fromUser"', b'"sent"', b'"text"'),
    "rooms": (b'"githubType"', b'"uri"'),
}
PAGE = re.compile(r"(?:^|[-_. ])(?:page|part|messages|chatMessages)?[-_. ]*\d*$", re.IGNORECASE)
SIGN = re.compile(r"[^\w]+|_+")
GHOST = "ghost~"  # the username of a deleted account begins so

Id = Annotated[str, msgspec.Meta(min_length=1)]
Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class Room(msgspec.Struct, rename="camel"):
    """A room of the answer to /rooms. A talk between two has no uri."""

    id: Id
    name: str
    uri: str | None = None
    one_to_one: bool = False
    public: bool = True
    security: str | None = None


class User(msgspec.Struct, rename="camel"):
    """Who wrote a message."""

    id: Id
    username: str
    display_name: str | None = None


class Mention(msgspec.Struct, rename="camel"):
    """Somebody called in a message; without an id, a group or nobody."""

    user_id: str | None = None


class Raw(msgspec.Struct, rename="camel"):
    """A message. `parent_id` names the first of its thread."""

    id: Id
    sent: Aware
    text: str = ""
    from_user: User | None = None
    edited_at: Aware | None = None
    parent_id: str | None = None
    mentions: list[Mention] = []


def detects(export: Export) -> float:
    """High when a file holds messages that name who sent them, and when."""
    return 0.9 if kinds(export, MARKS, limit=20).get("messages") else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one community, then room after room its messages, each preceded by its author where they are new."""
    files = kinds(export, MARKS)
    if not files["messages"]:
        raise ExportError(f"gitter: {export.name} holds no messages. Give answers of the API's chatMessages.")
    found = [room for file in files["rooms"] for room in rows(export, file, Room)]
    rooms = {_key(name): room for room in found if isinstance(room, Room) for name in (room.id, room.name)}
    places = {file: _place(export, file, rooms) for file in files["messages"]}
    yield _source(export, list(places.values()))
    yield from (room for room in found if isinstance(room, Refused))
    told: set[str] = set()
    for file, room in places.items():
        if room.is_private and not export.include_private:
            export.left_out["private messages"] += sum(1 for _ in rows(export, file, Raw))
            continue
        if room.id not in told:
            told.add(room.id)
            yield room
        for raw in rows(export, file, Raw):
            yield from [raw] if isinstance(raw, Refused) else _records(raw, file, room, told)


def _records(raw: Raw, file: str, room: Channel, told: set[str]) -> Iterator[Record]:
    sent_at = utc(raw.sent)
    if sent_at is None:
        yield Refused(file, f"message {raw.id}", "its time is none", msgspec.json.encode(raw))
        return
    author = raw.from_user
    if author and author.username.startswith(GHOST):
        author = None
    if author and author.id not in told:
        told.add(author.id)
        yield Member(author.id, author.display_name or author.username or author.id, author.username or None)
    parent_id = raw.parent_id or None
    yield Message(
        raw.id,
        room.id,
        author.id if author else None,
        sent_at,
        raw.text,
        conversation_id=parent_id,
        parent_id=parent_id,
        basis="thread" if parent_id else None,
        edited_at=utc(raw.edited_at),
        mentions=tuple(dict.fromkeys(mention.user_id for mention in raw.mentions if mention.user_id)),
    )


def _place(export: Export, file: str, rooms: dict[str, Room]) -> Channel:
    """The room whose name a file's folder bears, or else the file, but for the number of a page."""
    folder, _, name = f"{export.wrapping}{file}".rpartition("/")
    stem = PAGE.sub("", name.rpartition(".")[0])
    for label in (f"{folder}/{stem}", stem, folder, folder.rpartition("/")[2]):
        if room := rooms.get(_key(label)):
            is_private = room.one_to_one or not room.public or room.security in {"PRIVATE", "INHERITED_PRIVATE"}
            return Channel(room.id, "direct messages" if room.one_to_one else room.name, "chat", is_private)
    label = f"{folder}/{stem}".strip("/") or export.name
    return Channel(label, label, "chat")


def _source(export: Export, rooms: list[Channel]) -> Source:
    """The community, which stands before the slash in the name of each of its rooms."""
    names = {room.name.partition("/")[0] for room in rooms if "/" in room.name and not room.is_private}
    name = min(names) if len(names) == 1 else export.name
    return Source(PLATFORM, name, name)


def _key(name: str) -> str:
    """A room's name as it may stand in a file's name."""
    return SIGN.sub("-", name).strip("-").lower()
