"""Slack's API: saved answers of conversations.list, users.list, conversations.history and conversations.replies.

An answer with messages does not say of which channel they are, so it must stand beside them: {"channel": "C1",
"messages": [...]}. Private channels are left out, and so is a channel of which no list says that it is open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from data.records import Channel, Record, Refused, Source
from ingest.archive import Export
from ingest.exports._answers import kinds, rows
from ingest.exports._format import Format
from ingest.exports.slack import PLATFORM, Raw, Room, User, Workspace

FORMAT = Format(
    group="Chats",
    get=(
        'save the API\'s answers, a page a line: {"channel": "C1", "messages": [...]}, with those of '
        "conversations.list and users.list beside them"
    ),
    holds=("the public channels' messages with the threads that were asked for, reactions, members with their roles"),
    cannot_tell="threads never asked for; deleted messages",
)

TEAM = re.compile(rb'"(?:team|team_id|context_team_id)"\s*:\s*"([TE]\w+)"')
CHANNEL = re.compile(rb'"channel"\s*:\s*"([A-Z0-9]+)"')
MARKS = {
    "said": (b'"ok"', b'"channel"', b'"messages"'),
    "rooms": (b'"ok"', b'"channels"'),
    "users": (b'"ok"', b'"members"'),
}


def detects(export: Export) -> float:
    """High when one of the first files is an answer with messages, and names their channel."""
    said = kinds(export, MARKS, limit=20)["said"]
    return 0.95 if any(CHANNEL.search(export.head(name)) for name in said) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one workspace, its channels and members, then their messages. What is private is left out."""
    names = kinds(export, MARKS)
    heads = (export.head(name) for name in (*names["users"], *names["said"], *names["rooms"]))
    team = next((found[1].decode() for head in heads if (found := TEAM.search(head))), export.name)
    yield Source(PLATFORM, team, team)
    rooms = [row for name in names["rooms"] for row in rows(export, name, Room, "channels")]
    users = [row for name in names["users"] for row in rows(export, name, User, "members")]
    yield from (row for row in (*rooms, *users) if isinstance(row, Refused))
    known = {room.id: room for room in rooms if isinstance(room, Room)}
    channels = {id_: Channel(id_, room.name or id_, "chat", not room.is_open) for id_, room in known.items()}
    yield from (channel for channel in channels.values() if export.include_private or not channel.is_private)
    workspace = Workspace(channels.values())
    yield from workspace.members(users)
    for name in names["said"]:
        yield from _said(export, name, channels, workspace)


def _said(export: Export, name: str, channels: dict[str, Channel], workspace: Workspace) -> Iterator[Record]:
    found = CHANNEL.search(export.head(name))
    channel_id = found[1].decode() if found else "unknown"
    if channel_id not in channels:
        channels[channel_id] = Channel(channel_id, channel_id, "chat", is_private=True)
        if export.include_private:
            yield channels[channel_id]
    if channels[channel_id].is_private and not export.include_private:
        export.left_out["private messages"] += sum(1 for _ in export.array(name, msgspec.Raw, "messages"))
    else:
        yield from workspace.messages(export.array(name, Raw, "messages"), channel_id, name)
