"""Microsoft Teams: saved answers of the Graph API to /teams/{id}/channels/{id}/messages, with or without replies.

Replies come inside the message they answer, or in answers to /messages/{id}/replies. Answers to /channels, /members and
/teams beside them tell names, who owns the team, and which channels are private. Chats between people are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._answers import kinds, row, rows
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._moments import utc

PLATFORM = "teams"
FORMAT = Format(
    group="Chats",
    get="save the Graph API's answers to /teams/{id}/channels/{id}/messages, with or without replies",
    holds="a team's channel messages with their replies and reactions",
    cannot_tell="chats, which are private; roles, without the `/members` answer beside it",
)

SPOKEN = "message"
OPEN = {"standard", "shared", ""}  # a channel's membership; the third is private
REFERENCE = "messageReference"  # an attachment that is no file but the message answered
TEAM = re.compile(rb'"teamId"\s*:\s*"([^"]+)"')

MARKS = {
    "messages": (b'"messageType"', b'"createdDateTime"', b'"body"'),
    "channels": (b'"membershipType"', b'"displayName"'),
    "members": (b'"roles"', b'"userId"'),
    "teams": (b'"displayName"', b'"visibility"'),
}

Id = Annotated[str, msgspec.Meta(min_length=1)]
Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class Named(msgspec.Struct, rename="camel"):
    """A user, an app, or a team."""

    id: str | None = None
    display_name: str | None = None


class Room(msgspec.Struct, rename="camel"):
    """A channel. `layout_type` is post, where every message has its own replies, or chat."""

    id: Id
    display_name: str
    membership_type: str | None = None
    layout_type: str | None = None


class Belonging(msgspec.Struct, rename="camel"):
    """Somebody's membership in a team."""

    user_id: str | None = None
    display_name: str | None = None
    email: str | None = None
    roles: list[str] = []


class Identity(msgspec.Struct):
    """Who did something: one of the two."""

    user: Named | None = None
    application: Named | None = None


class Body(msgspec.Struct, rename="camel"):
    content_type: str = "text"
    content: str | None = None


class Place(msgspec.Struct, rename="camel"):
    team_id: str | None = None
    channel_id: str | None = None


class Mention(msgspec.Struct):
    mentioned: Identity | None = None


class Reacted(msgspec.Struct, rename="camel"):
    reaction_type: str
    display_name: str | None = None  # of an emoji that is the team's own
    user: Identity | None = None


class Attachment(msgspec.Struct, rename="camel"):
    id: str | None = None
    content_type: str | None = None


class Raw(msgspec.Struct, rename="camel"):
    """A message as Graph answers it. Its id is only unique in its channel."""

    id: Id
    created_date_time: Aware
    message_type: str = SPOKEN
    body: Body = msgspec.field(default_factory=Body)
    from_: Identity | None = msgspec.field(name="from", default=None)
    channel_identity: Place | None = None
    chat_id: str | None = None  # instead of a channel
    reply_to_id: str | None = None
    subject: str | None = None
    last_edited_date_time: Aware | None = None
    deleted_date_time: Aware | None = None
    web_url: str | None = None
    mentions: list[Mention] = []
    reactions: list[Reacted] = []
    attachments: list[Attachment] = []
    replies: list[msgspec.Raw] = []


def detects(export: Export) -> float:
    """High when a file holds messages with a type, a body and a time."""
    return 0.9 if kinds(export, MARKS, limit=20).get("messages") else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one team, its members, then its messages, each followed by the replies that come inside it."""
    files = kinds(export, MARKS)
    if not files["messages"]:
        raise ExportError(f"teams: {export.name} holds no messages. Give answers of the Graph API to /messages.")
    yield _source(export, files)
    rooms = [room for file in files["channels"] for room in rows(export, file, Room, "value")]
    team = _Team(export, [room for room in rooms if isinstance(room, Room)])
    for person in (person for file in files["members"] for person in rows(export, file, Belonging, "value")):
        if isinstance(person, Belonging) and person.user_id:
            yield from team.met(_member(person, person.user_id))
    for file in files["messages"]:
        for raw in rows(export, file, Raw, "value"):
            yield from [raw] if isinstance(raw, Refused) else team.thread(raw, file)


def _source(export: Export, files: dict[str, list[str]]) -> Source:
    heads = (export.head(file) for file in files["messages"])
    ids = {found.decode(errors="replace") for head in heads for found in TEAM.findall(head)}
    if len(ids) > 1:
        raise ExportError(f"teams: {export.name} holds messages of {len(ids)} teams. Load them one by one.")
    id_ = min(ids, default=export.name)
    named = (team for file in files["teams"] for team in rows(export, file, Named, "value"))
    names = {team.id: team.display_name for team in named if isinstance(team, Named)}
    return Source(PLATFORM, id_, names.get(id_) or export.name)


class _Team:
    """What must be remembered between messages."""

    def __init__(self, export: Export, rooms: list[Room]) -> None:
        self.export = export
        self.rooms = {room.id: _channel(room) for room in rooms}
        self.told: set[str] = set()

    def met(self, member: Member) -> Iterator[Member]:
        if member.id not in self.told:
            self.told.add(member.id)
            yield member

    def thread(self, raw: Raw, file: str) -> Iterator[Record]:
        """A message, and the replies inside it."""
        room_id = raw.channel_identity.channel_id if raw.channel_identity else None
        if room_id:
            room = self.rooms.get(room_id) or Channel(room_id, room_id, "forum")
        else:
            room = Channel(raw.chat_id or "chats", "direct messages", "chat", is_private=True)
        if room.is_private and not self.export.include_private:
            self.export.left_out["private messages"] += 1 + len(raw.replies)
            return
        if room.id not in self.told:
            self.told.add(room.id)
            yield room
        yield from self._records(raw, file, room)
        for each in raw.replies:
            reply = row(each, Raw, file, f"reply to {raw.id}")
            if isinstance(reply, Refused):
                yield reply
            else:
                reply.reply_to_id = reply.reply_to_id or raw.id
                yield from self._records(reply, file, room)

    def _records(self, raw: Raw, file: str, room: Channel) -> Iterator[Record]:
        sent_at = utc(raw.created_date_time)
        if sent_at is None:
            yield Refused(file, f"message {raw.id}", "its time is none", msgspec.json.encode(raw))
            return
        author = _author(raw.from_)
        if author:
            yield from self.met(author)
        message = _message(raw, sent_at, room, author.id if author else None)
        yield message
        for reacted in raw.reactions:
            user = reacted.user.user if reacted.user else None
            yield Reaction(message.id, reacted.display_name or reacted.reaction_type, user.id if user else None)


def _message(raw: Raw, sent_at: datetime, room: Channel, member_id: str | None) -> Message:
    root = raw.reply_to_id if raw.reply_to_id != raw.id else None
    answered = next((a.id for a in raw.attachments if a.content_type == REFERENCE and a.id), None) or root
    in_posts = room.kind == "forum" or root is not None
    users = (mention.mentioned.user for mention in raw.mentions if mention.mentioned)
    content = raw.body.content or ""
    return Message(
        f"{room.id}:{raw.id}",
        room.id,
        member_id,
        sent_at,
        "" if raw.deleted_date_time else plain(content) if raw.body.content_type == "html" else content,
        kind="message" if raw.message_type == SPOKEN else "system",
        title=raw.subject or None,
        conversation_id=f"{room.id}:{root or raw.id}" if in_posts else None,
        parent_id=f"{room.id}:{answered}" if answered else None,
        basis=("thread" if answered == root else "explicit") if answered else None,
        edited_at=utc(raw.last_edited_date_time),
        deleted_at=(utc(raw.deleted_date_time) or sent_at) if raw.deleted_date_time else None,
        mentions=tuple(dict.fromkeys(user.id for user in users if user and user.id)),
        attachments=sum(attachment.content_type != REFERENCE for attachment in raw.attachments),
        permalink=raw.web_url or None,
    )


def _author(identity: Identity | None) -> Member | None:
    """Who wrote it: a person, or an app, which is a bot."""
    for named in (identity.user, identity.application) if identity else ():
        if named and named.id:
            is_bot = identity is not None and named is identity.application
            return Member(named.id, named.display_name or named.id, is_bot=is_bot)
    return None


def _member(person: Belonging, id_: str) -> Member:
    is_owner = "owner" in person.roles
    return Member(id_, person.display_name or id_, email=person.email or None, is_staff=is_owner)


def _channel(room: Room) -> Channel:
    is_private = (room.membership_type or "") not in OPEN
    return Channel(room.id, room.display_name, "chat" if room.layout_type == "chat" else "forum", is_private)
