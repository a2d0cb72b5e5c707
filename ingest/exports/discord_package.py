"""Discord: the data package of one account, as Discord sends it under Settings, Data & Privacy.

It holds that account's own messages and nobody else's, without replies and reactions: of use for the account of a
brand, beside an export of its server. Where all of them were written in one server, that server is the source, as in
every other export of it; else the account is one source, in which each server's channels bear its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import BOM, Export, ExportError
from ingest.exports import _sheets
from ingest.exports._format import Format
from ingest.exports.discord import EMOJI
from ingest.exports.discord_html import ID, moment

PLATFORM = "discord"
FORMAT = Format(
    group="Chats",
    get=(
        "in Discord: User Settings > Data & Privacy > Request all of my Data > Messages; the .zip comes by "
        "e-mail, within a month"
    ),
    holds="one account's own messages, by server and channel",
    cannot_tell="what others said; replies; reactions",
    lacks=("own posts only", "no replies"),
)

T = TypeVar("T")
Id = Annotated[str, msgspec.Meta(min_length=1)]

FOLDER = re.compile(r"(?:.*/)?c?\d+/channel\.json")  # the folders above bear names in the account's language
PRIVATE = {1, 3, 12, "DM", "GROUP_DM", "PRIVATE_THREAD"}
THREADS = {10, 11, 12, "ANNOUNCEMENT_THREAD", "PUBLIC_THREAD", "PRIVATE_THREAD", "NEWS_THREAD"}
COLUMNS = ["ID", "Timestamp", "Contents", "Attachments"]
MENTION = re.compile(r"<@!?(\d+)>")


class Guild(msgspec.Struct, frozen=True):
    """A server."""

    id: Id
    name: str = ""


class Place(msgspec.Struct, frozen=True):
    """A channel, thread or direct conversation. One in a server that was left has no `guild`."""

    id: Id
    type: int | str
    name: str | None = None
    guild: Guild | None = None

    @property
    def is_private(self) -> bool:
        return self.type in PRIVATE or self.guild is None


class Folder(NamedTuple):
    """A channel with the file that holds what was said there."""

    place: Place
    file: str


class User(msgspec.Struct, frozen=True):
    """Whose package it is."""

    id: Id
    username: str
    global_name: str | None = None


class Raw(msgspec.Struct, frozen=True):
    """A message; until 2023 a line of a CSV."""

    id: str | int = msgspec.field(name="ID")
    contents: str | None = msgspec.field(name="Contents", default=None)
    attachments: str | None = msgspec.field(name="Attachments", default=None)


def detects(export: Export) -> float:
    """High when one of the first channel.json files has its messages beside it."""
    return 0.95 if any(isinstance(each, Folder) for each in _folders(export, look=5)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the server or the account, its one member, then each channel's messages."""
    user, found = _user(export), list(_folders(export))
    folders = [each for each in found if isinstance(each, Folder)]
    kept = [folder for folder in folders if export.include_private or not folder.place.is_private]
    source = _source(export, user, [folder.place for folder in kept])
    yield source
    yield Member(user.id, user.global_name or user.username, user.username)
    yield from (each for each in found if isinstance(each, Refused))
    for place, file in folders:
        if export.include_private or not place.is_private:
            yield from _messages(export, file, place, user, source)
        else:
            export.left_out["private messages"] += sum(1 for _ in _rows(export, file))


def _messages(export: Export, file: str, place: Place, user: User, source: Source) -> Iterator[Record]:
    name, guild_id = place.name or "direct messages", place.guild.id if place.guild else "@me"
    thread_id = place.id if place.type in THREADS else None
    is_alone = place.guild is None or place.guild.id == source.id
    full_name = name if is_alone or not place.guild else f"{place.guild.name}: {name}"
    yield Channel(place.id, full_name, None if thread_id else "chat", place.is_private)
    for number, raw in enumerate(_rows(export, file), 1):
        if isinstance(raw, Refused):
            yield raw
            continue
        message_id, text = str(raw.id), raw.contents or ""
        if not ID.fullmatch(message_id):
            yield Refused(file, f"message {number}", "its id is not a number", msgspec.json.encode(raw))
            continue
        yield Message(
            message_id,
            place.id,
            user.id,
            moment(message_id),
            MENTION.sub(r"@\1", EMOJI.sub(r"\1", text)),
            title=place.name if thread_id else None,
            conversation_id=thread_id,
            mentions=tuple(MENTION.findall(text)),
            attachments=len((raw.attachments or "").split()),
            permalink=f"https://discord.com/channels/{guild_id}/{place.id}/{message_id}",
        )


def _folders(export: Export, look: int | None = None) -> Iterator[Folder | Refused]:
    """Each channel that has its messages beside it, of the first `look` files that describe one.

    What was said in one that cannot be told to be public is not read.
    """
    names = set(export.files("*messages.*"))
    described = (name for name in export.files("*channel.json") if FOLDER.fullmatch(name))
    for name in islice(described, look):
        stem = name.removesuffix("channel.json") + "messages"
        file = next((file for file in (f"{stem}.json", f"{stem}.csv") if file in names), None)
        head = export.head(name)
        if file:
            place = _decoded(head, Place)
            yield (
                Folder(place, file) if place else Refused(name, "byte 0", "it does not tell which channel it is", head)
            )


def _user(export: Export) -> User:
    for name in export.files("*user.json"):
        if user := _decoded(export.head(name, 1 << 24), User):
            return user
    raise ExportError(f"discord: account/user.json is missing from {export.name}: it tells whose messages these are.")


def _decoded(json: bytes, type: type[T]) -> T | None:
    try:
        return msgspec.json.decode(json.removeprefix(BOM), type=type)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _source(export: Export, user: User, places: list[Place]) -> Source:
    guilds = {place.guild.id: place.guild.name for place in places if place.guild}
    if not places:
        raise ExportError(
            f"discord: {export.name} holds private messages only, left out unless asked for: --include-private"
        )
    if len(guilds) == 1 and all(place.guild for place in places):
        return Source(PLATFORM, *next(iter(guilds.items())))
    return Source(PLATFORM, f"account:{user.id}", f"{user.global_name or user.username} on Discord")


def _rows(export: Export, file: str) -> Iterator[Raw | Refused]:
    if file.endswith(".json"):
        yield from export.array(file, Raw)
        return
    sheet = _sheets.find(export, file, lambda columns: columns == COLUMNS)
    if sheet is None:
        yield Refused(file, "line 1", f"its first line should be {','.join(COLUMNS)}", export.head(file, 1024))
        return
    for row in _sheets.rows(export, sheet):
        yield row if isinstance(row, Refused) else Raw(row.fields[0], row.fields[2], row.fields[3])
