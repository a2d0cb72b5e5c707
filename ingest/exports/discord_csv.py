"""Discord: the CSV files of DiscordChatExporter, for where there are neither its JSON nor its HTML pages.

They tell no ids of messages, no replies and no bots, and of server and channel only what is in the files' names: a
server's name stands for its id. So load a server as CSV only if there is nothing else of it, or it is there twice.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Generator, Iterator
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import NamedTuple

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _sheets
from ingest.exports._format import Format
from ingest.exports._moments import utc
from ingest.exports.discord import DELETED
from ingest.exports.discord_html import FILE_ID, could_be_channel

PLATFORM = "discord"
FORMAT = Format(
    group="Chats",
    get=(
        "DiscordChatExporter, a program of its own: > Format: CSV; only where neither its JSON nor its HTML can be had"
    ),
    holds="messages, threads by the names of their files, counts of reactions",
    cannot_tell="message ids, replies, bots, the server's id",
    lacks=("no replies",),
)

COLUMNS = ["Author", "Date", "Content", "Attachments", "Reactions"]  # and since 2020, before them, AuthorID
DECORATION = re.compile(r"(?: \[\d+\])?(?: \((?:after|before|\d{4}-)[^()]*\))?(?: \[part \d+\])?$")
REACTION = re.compile(r"([^,]+) \((\d+)\)(?:,|$)")
NOTICE = re.compile(
    r"(?:Added .+ to the group|Added a recipient|Left the group|Removed .+ from the group|Removed a recipient"
    r"|Started a call that lasted [\d.,]+ minutes|Changed the channel name(?:: .*)?|Changed the channel icon"
    r"|Pinned a message|Started a thread|Joined the server)\.?",
    re.DOTALL,
)
YOUNGEST = "%d-%b-%y %I:%M %p"  # how the program wrote times until 2020: 02-Jul-20 03:14 PM


class Place(NamedTuple):
    """What a file's name tells. `parent` is the channel that a thread hangs under."""

    sheet: _sheets.Sheet
    guild: str
    id: str | None
    name: str
    parent: str | None

    @property
    def is_private(self) -> bool:
        return self.guild == "Direct Messages"


def detects(export: Export) -> float:
    """High when one of the first .csv files has DiscordChatExporter's columns."""
    return 0.95 if any(_sheet(export, name) for name in islice(export.files("*.csv"), 5)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one server, then each file's rows."""
    places = [_place(export, sheet) for name in export.files("*.csv") if (sheet := _sheet(export, name))]
    kept = [place for place in places if export.include_private or not place.is_private]
    yield _source(export, kept, len(places))
    guild = _Guild(kept)
    for place in places:
        if place in kept:
            yield from guild.records(export, place)
        else:
            export.left_out["private messages"] += sum(1 for _ in _sheets.rows(export, place.sheet))


class _Guild:
    """What must be remembered between the rows of one server."""

    def __init__(self, places: list[Place]) -> None:
        self.ids = {place.name: place.id for place in places if place.id and not place.parent}
        self.channels: set[str] = set()
        self.members: dict[str, str] = {}

    def records(self, export: Export, place: Place) -> Iterator[Record]:
        name = place.parent or place.name
        channel_id = (self.ids.get(name) if place.parent else place.id) or f"category:{name}"
        if channel_id not in self.channels:
            self.channels.add(channel_id)
            yield Channel(channel_id, name, None if place.parent else "chat", place.is_private)
        spoken = _Spoken()
        for row in _sheets.rows(export, place.sheet):
            if isinstance(row, Refused):
                yield row
                continue
            fields = dict(zip(place.sheet.columns, row.fields, strict=True))
            if sent_at := _moment(fields["Date"]):
                yield from self._message(fields, sent_at, place, channel_id, spoken)
            else:
                raw = ",".join(row.fields).encode()
                yield Refused(place.sheet.file, f"line {row.line}", "it has no date that can be read", raw)

    def _message(
        self, fields: dict[str, str], sent_at: datetime, place: Place, channel_id: str, spoken: _Spoken
    ) -> Iterator[Record]:
        member_id = yield from self._member(fields, sent_at)
        thread_id = (place.id or f"thread:{place.name}") if place.parent else None
        is_first = not spoken.at
        message_id = spoken.id(thread_id or channel_id, sent_at, member_id)
        yield Message(
            message_id,
            channel_id,
            member_id,
            sent_at,
            fields["Content"],
            kind="system" if NOTICE.fullmatch(fields["Content"]) else "message",
            title=place.name if thread_id else None,
            conversation_id=thread_id,
            basis="thread" if thread_id and not is_first else None,
            attachments=len(fields["Attachments"].split(",")) if fields["Attachments"] else 0,
        )
        for name, count in REACTION.findall(fields["Reactions"]):
            yield Reaction(message_id, name, count=int(count))

    def _member(self, fields: dict[str, str], seen_at: datetime) -> Generator[Member, None, str | None]:
        """Tell who wrote, where it is news, and return the id; without one, the name stands for it."""
        name = re.sub(r"#\d{4}$", "", fields["Author"])
        member_id = fields.get("AuthorID", f"name:{fields['Author']}")
        if member_id in (DELETED, "", "name:") or name == "Deleted User":
            return None
        if self.members.get(member_id) != name:
            self.members[member_id] = name
            yield Member(member_id, name or member_id, name or None, updated_at=seen_at)
        return member_id


class _Spoken:
    """Ids made from who spoke where and when, and which of that author's messages of that moment it is."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.turns: Counter[str | None] = Counter()

    def id(self, place_id: str, sent_at: datetime, member_id: str | None) -> str:
        if sent_at != self.at:
            self.at, self.turns = sent_at, Counter()
        self.turns[member_id] += 1
        said = f"{place_id} {sent_at.isoformat()} {member_id} {self.turns[member_id]}"
        return "sha:" + hashlib.sha256(said.encode()).hexdigest()[:16]


def _sheet(export: Export, name: str) -> _sheets.Sheet | None:
    return _sheets.find(export, name, lambda columns: columns in (COLUMNS, ["AuthorID", *COLUMNS]))


def _place(export: Export, sheet: _sheets.Sheet) -> Place:
    """Server, channel and thread from a name like `Server - category - channel [id].csv`."""
    found = FILE_ID.search(sheet.file)
    stem = DECORATION.sub("", PurePosixPath(sheet.file).stem)
    guild, *middle, name = stem.split(" - ") if " - " in stem else (export.name, stem)
    is_thread = bool(middle) and could_be_channel(middle[-1]) and not could_be_channel(name)
    return Place(sheet, guild, found and found[1], name or "unknown", middle[-1] if is_thread else None)


def _source(export: Export, places: list[Place], files: int) -> Source:
    guilds = sorted({place.guild for place in places})
    if len(guilds) > 1:
        raise ExportError(f"discord: {export.name} holds several servers ({', '.join(guilds)}). Load them one by one.")
    if guilds:
        return Source(PLATFORM, guilds[0], guilds[0])
    what = "direct messages only, left out unless asked for: --include-private" if files else "no CSV file of Discord"
    raise ExportError(f"discord: {export.name} holds {what}")


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        try:
            moment = datetime.strptime(written, YOUNGEST)  # noqa: DTZ007 - such a file does not tell the zone
        except ValueError:
            return None
    return utc(moment)
