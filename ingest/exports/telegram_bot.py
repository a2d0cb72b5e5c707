"""Telegram's Bot API: saved answers of getUpdates, of one group or channel.

What a bot is told is what Telegram Desktop exports of the same group, message by message: the same ids, the same
answers. Only the bot knows for sure who is a bot. Talks with the bot alone are left out.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports._answers import kinds, rows
from ingest.exports._format import Format
from ingest.exports.telegram import LINKED, PLATFORM

FORMAT = Format(
    group="Chats",
    get="save the Bot API's answers to getUpdates, of one group",
    holds="what was said since the bot came, with replies, topics and edits; who is a bot",
    cannot_tell="what was said before the bot came; deleted messages; reactions",
)

SUPER = "-100"  # stands before the ids of supergroups and channels
ABSENT = msgspec.Raw()
Seconds = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800)]  # since the first of 1970, up to the year 9999
MARKS = {"updates": (b'"update_id"', b'"result"')}
ATTACHED = (
    "photo", "video", "document", "audio", "voice", "video_note", "animation", "sticker", "paid_media", "story",
)  # fmt: skip
SERVICE = (
    "new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo", "delete_chat_photo",
    "group_chat_created", "supergroup_chat_created", "channel_chat_created", "migrate_to_chat_id",
    "migrate_from_chat_id", "pinned_message", "forum_topic_created", "forum_topic_edited", "forum_topic_closed",
    "forum_topic_reopened", "boost_added", "video_chat_started", "video_chat_ended", "video_chat_scheduled",
    "video_chat_participants_invited", "message_auto_delete_timer_changed", "general_forum_topic_hidden",
    "general_forum_topic_unhidden", "giveaway_created", "giveaway_completed", "chat_background_set",
)  # fmt: skip


class Chat(msgspec.Struct, frozen=True):
    """Where it was said, or who said it in the name of a whole chat."""

    id: int
    type: str
    title: str | None = None
    username: str | None = None

    @property
    def bare(self) -> str:
        """The id as Telegram Desktop writes it."""
        return bare(self.id)


class User(msgspec.Struct, frozen=True):
    """Somebody, or a bot."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str | None = None


class Entity(msgspec.Struct, frozen=True):
    """A marked part of a text; `user` where it mentions somebody who has no @name."""

    type: str
    user: User | None = None


class Option(msgspec.Struct, frozen=True):
    """One of the answers a poll offers."""

    text: str = ""


class Poll(msgspec.Struct, frozen=True):
    """A question with answers to choose from."""

    question: str = ""
    options: list[Option] = []


class Topic(msgspec.Struct, frozen=True):
    """The line that opened a topic."""

    name: str = ""


class Answered(msgspec.Struct, frozen=True):
    """The message that was answered, as far as its place goes."""

    message_id: int
    chat: Chat | None = None
    forum_topic_created: Topic | None = None


class Raw(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A message, a post of a channel, or a service line."""

    message_id: int
    date: Seconds
    chat: Chat
    sender: User | None = None
    sender_chat: Chat | None = None
    edit_date: Seconds | None = None
    text: str = ""
    caption: str = ""
    entities: list[Entity] = []
    caption_entities: list[Entity] = []
    poll: Poll | None = None
    message_thread_id: int | None = None
    is_topic_message: bool = False
    reply_to_message: Answered | None = None
    forum_topic_created: Topic | None = None


class Update(msgspec.Struct, frozen=True):
    """One of the things a bot is told; of the others nothing is kept."""

    update_id: int
    message: msgspec.Raw = ABSENT
    edited_message: msgspec.Raw = ABSENT
    channel_post: msgspec.Raw = ABSENT
    edited_channel_post: msgspec.Raw = ABSENT

    @property
    def said(self) -> msgspec.Raw:
        """The message in its newest form."""
        return self.message or self.edited_message or self.channel_post or self.edited_channel_post


def detects(export: Export) -> float:
    """High for an answer of getUpdates."""
    return 0.95 if kinds(export, MARKS, limit=20)["updates"] else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one chat, its people, and its messages in the order in which the bot was told."""
    chat: _Chat | None = None
    early: list[Refused] = []  # before anybody knows which chat it is
    for found in _told(export):
        if chat is None:
            if isinstance(found, Refused):
                early.append(found)
                continue
            chat = _Chat(found[0].chat)
            yield from (*chat.beginning(), *early)
        yield from [found] if isinstance(found, Refused) else chat.records(*found)
    if chat is None:
        raise ExportError(f"telegram_bot: {export.name} holds no message of a group or channel.")


def bare(chat: int) -> str:
    """The id of a group or channel without what the Bot API puts before it."""
    return str(chat).removeprefix(SUPER).removeprefix("-")


def _told(export: Export) -> Iterator[tuple[Raw, dict[str, Any], str] | Refused]:
    """What was said in a group or channel, each with all its fields by name and its file."""
    for name in kinds(export, MARKS)["updates"]:
        for update in rows(export, name, Update, "result"):
            if isinstance(update, Refused):
                yield update
            elif update.said:
                try:
                    raw, fields = msgspec.json.decode(update.said, type=Raw), msgspec.json.decode(update.said)
                except UNFIT as error:
                    yield Refused(name, f"update {update.update_id}", str(error), bytes(update.said))
                    continue
                if raw.chat.type == "private":
                    export.left_out["private messages"] += 1
                else:
                    yield raw, fields, name


class _Chat:
    """What must be remembered between the messages of the chat."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.is_private = chat.username is None
        self.members: dict[str, Member] = {}
        self.topics: dict[int, str] = {}
        self.met: set[int] = set()

    def beginning(self) -> Iterator[Record]:
        name = self.chat.title or self.chat.bare
        yield Source(PLATFORM, self.chat.bare, name)
        yield Channel(self.chat.bare, name, "chat", self.is_private)

    def records(self, raw: Raw, fields: dict[str, Any], name: str) -> Iterator[Record]:
        if raw.chat.id != self.chat.id:
            reason = f"it was said in {raw.chat.title or raw.chat.id}: load each group or channel singly"
            yield Refused(name, f"message {raw.message_id} of chat {raw.chat.id}", reason, msgspec.json.encode(fields))
            return
        self.met.add(raw.message_id)
        yield from self._answered(fields, name)
        sent_at = datetime.fromtimestamp(raw.date, UTC)
        action = next((each for each in SERVICE if each in fields), None)
        channel_id = yield from self._channel(raw, sent_at)
        member_id = yield from self._member(raw, sent_at)
        parent_id = self._parent(raw)
        yield Message(
            f"{self.chat.bare}:{raw.message_id}",
            channel_id,
            member_id,
            sent_at,
            _line(action, fields) if action else _said(raw),
            kind="system" if action else "message",
            parent_id=parent_id,
            basis="explicit" if parent_id else None,
            edited_at=datetime.fromtimestamp(raw.edit_date, UTC) if raw.edit_date else None,
            mentions=tuple(f"user{each.user.id}" for each in raw.entities + raw.caption_entities if each.user),
            attachments=1 if any(each in fields for each in ATTACHED) else 0,
            permalink=f"https://t.me/c/{self.chat.bare}/{raw.message_id}" if self._has_links() else None,
        )

    def _answered(self, fields: dict[str, Any], name: str) -> Iterator[Record]:
        """The message answered comes along: it may be older than the bot is here. What itself answers is not told."""
        to = fields.get("reply_to_message") or {}
        if to.get("date") and to["message_id"] not in self.met and to.get("chat", {}).get("id") == self.chat.id:
            try:
                raw = msgspec.convert(to, Raw, strict=False)
            except msgspec.ValidationError as error:
                place = f"what message {to['message_id']} is told to be"
                yield Refused(name, place, str(error), msgspec.json.encode(to))
            else:
                yield from self.records(raw, to, name)

    def _has_links(self) -> bool:
        return f"private_{self.chat.type}" in LINKED

    def _channel(self, raw: Raw, seen_at: datetime) -> Generator[Channel, None, str]:
        """The group, or its topic; a topic's name is told where it was opened, and by what answers that line."""
        topic = raw.message_thread_id if raw.is_topic_message or raw.forum_topic_created else None
        if topic is None:
            return self.chat.bare
        channel_id = f"{self.chat.bare}/{topic}"
        opened = raw.forum_topic_created or (raw.reply_to_message and raw.reply_to_message.forum_topic_created)
        name = opened.name if opened else ""
        if topic not in self.topics or (name and self.topics[topic] != name):
            self.topics[topic] = name
            yield Channel(channel_id, name or channel_id, "chat", self.is_private, updated_at=seen_at if name else None)
        return channel_id

    def _parent(self, raw: Raw) -> str | None:
        """The message answered: nobody's, where it is the line that opened the topic."""
        to = raw.reply_to_message
        if to is None or (raw.is_topic_message and to.message_id == raw.message_thread_id):
            return None
        return f"{(to.chat or self.chat).bare}:{to.message_id}"

    def _member(self, raw: Raw, seen_at: datetime) -> Generator[Member, None, str | None]:
        """Who spoke: a person, a bot, or a whole chat, as which its admins may speak."""
        member = _person(raw.sender, seen_at) if raw.sender else None
        if sent_as := raw.sender_chat:
            is_staff = sent_as.id == self.chat.id
            name = sent_as.title or sent_as.bare
            member = Member(f"channel{sent_as.bare}", name, sent_as.username, is_staff=is_staff, updated_at=seen_at)
        if member is None:
            return None
        known = self.members.get(member.id)
        if known is None or (known.name, known.handle) != (member.name, member.handle):
            self.members[member.id] = member
            yield member
        return member.id


def _person(user: User, seen_at: datetime) -> Member:
    name = f"{user.first_name} {user.last_name}".strip() or user.username or f"user{user.id}"
    return Member(f"user{user.id}", name, user.username, is_bot=user.is_bot, updated_at=seen_at)


def _said(raw: Raw) -> str:
    if raw.poll and not (raw.text or raw.caption):
        return "\n- ".join([raw.poll.question, *(option.text for option in raw.poll.options)])
    return raw.text or raw.caption


def _line(action: str, fields: dict[str, Any]) -> str:
    """A service line in words: `new chat members: Ada, Grace`."""
    told = fields[action]
    people = [told] if action == "left_chat_member" else told if action == "new_chat_members" else []
    about = ", ".join(str(each.get("first_name", "")) for each in people if isinstance(each, dict))
    named = told if isinstance(told, str) else told.get("name") if isinstance(told, dict) else None
    return ": ".join(filter(None, [action.replace("_", " "), about or named]))
