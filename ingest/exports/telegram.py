"""Telegram: result.json as Telegram Desktop exports it, of one group or of a whole account.

Somebody who exports one group or channel has chosen to hand it over, so it is read, be it public or private. Nobody
chose each chat of a whole account: of that, public groups and channels are read, and the others only when private
ones are asked for, as is a chat of two people, with a bot, or with oneself. Load a group one way only: alone it is a
source, in an account it is a channel of the source that the account is.

A topic is a channel of its own, for people talk there for years about many things: it is no conversation.
Exports older than 2021 tell local times without their zone: these are taken as UTC.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from string import ascii_letters
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from data.records import Channel, Member, Message, Messages, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._moments import iso

if TYPE_CHECKING:
    from typing_extensions import Buffer

PLATFORM = "telegram"
FORMAT = Format(
    group="Chats",
    get=(
        "in Telegram Desktop, in the group: ⋮ > Export chat history > Format: Machine-readable JSON; or a "
        "whole account: Settings > Advanced > Export Telegram data"
    ),
    holds="a group's or channel's messages with replies, topics, edits and reactions",
    cannot_tell=(
        "who is a bot; who is staff, unless they speak as the group; deleted messages; the time zone before 2021"
    ),
    is_seen=True,
)

PUBLIC = {"public_supergroup", "public_channel"}
SHARED = PUBLIC | {"private_group", "private_supergroup", "private_channel"}
LINKED = SHARED - {"private_group"}  # the only ones whose messages have an address
BOT = re.compile(r"(?:\b|_)[Bb]ot$|[a-z]Bot$")  # but not Talbot
BLOCK = 1 << 20
MANY = 20_000  # plain messages that are handed on as one table: fewer are cheaper one by one
FOUNDED = datetime(2013, 1, 1, tzinfo=UTC)  # what is older is no time: old exports say 1970 of what nobody edited
NOBODY: tuple[str, ...] = ()
LOOK = 1 << 13  # the longest head of a chat: its name has at most 255 letters

STRING = rb'"(?:[^"\\]++|\\.)*+"'
PAIRS = rb'(?:\s*+"\w++"\s*+:\s*+(?:' + STRING + rb'|[^\s,"\[\]{}]++)\s*+,)*+\s*+'
LIST = re.compile(rb'"messages"\s*+:\s*+\[')  # never inside a text: there its second quote would follow a backslash
HEAD = re.compile(rb"\{(" + PAIRS + rb")\Z", re.DOTALL)
ALONE = re.compile(rb"(?:\xef\xbb\xbf)?\s*+\{(" + PAIRS + rb')"messages"\s*+:\s*+\[', re.DOTALL)
ACCOUNT = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*+\{\s*+"about"\s*+:\s*+' + STRING + rb"\s*+,\s*+"
    rb'"(?:personal_information|profile_pictures|stories|contacts|frequent_contacts|sessions|(?:left_)?chats)"\s*+:',
    re.DOTALL,
)
PERSON = re.compile(rb'"personal_information"\s*+:\s*+(\{(?:[^{}"]++|' + STRING + rb")*+\})", re.DOTALL)
BACKSLASH = ord("\\")
ESCAPE = re.compile(rb"\\x(?=[0-9A-Fa-f]{2})")


class Head(msgspec.Struct, frozen=True, gc=False):
    """What is said of a chat before its messages. Some have no name: Saved Messages, or a deleted account's."""

    id: int
    type: str
    name: str | None = None


class Person(msgspec.Struct, frozen=True, gc=False):
    """Whose account it is."""

    user_id: int
    first_name: str = ""
    last_name: str = ""


class Part(msgspec.Struct, frozen=True, gc=False):
    """A marked part of a text; `user_id` where it mentions somebody who has no @name."""

    text: str
    user_id: int | None = None


Text = str | list[str | Part]
Moment = str | int | None
SenderId = str | int | None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One of the answers a poll offers."""

    text: Text = ""


class Poll(msgspec.Struct, frozen=True, gc=False):
    """A question with answers to choose from."""

    question: Text = ""
    answers: list[Answer] = []


class Reactor(msgspec.Struct, frozen=True, gc=False):
    """One of those who reacted last: others are only counted."""

    from_id: SenderId = None


class RawReaction(msgspec.Struct, frozen=True, gc=False):
    """`type` is emoji, custom_emoji or paid."""

    type: str = "emoji"
    emoji: str | None = None
    count: int = 1
    recent: list[Reactor] = []


class Raw(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A message, a service line, or an "unsupported" one, of which only the id is told."""

    id: int
    type: str
    date: str | None = None
    date_unixtime: Moment = None
    edited: str | None = None
    edited_unixtime: Moment = None
    sender: str | None = msgspec.field(name="from", default=None)  # None: a deleted account
    sender_id: SenderId = msgspec.field(name="from_id", default=None)
    actor: str | None = None
    actor_id: SenderId = None
    action: str | None = None
    title: str | None = None
    members: list[str | None] = []
    reply_to_message_id: int | None = None
    reply_to_peer_id: str | None = None
    via_bot: str | None = None
    inline_bot_buttons: list[msgspec.Raw] = []
    photo: str | None = None
    file: str | None = None
    poll: Poll | None = None
    reactions: list[RawReaction] = []
    text: Text = ""


Place = tuple[int | None, str | None]
"""The topic a message is in, and the message that it answers."""


def detects(export: Export) -> float:
    """High for a file that begins with a chat's name, type and id, or with an account; 0 for several such files."""
    found = _results(export, 5)
    if len(found) == 1:
        return 0.95
    return 0.5 if not found and _pages(export) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one chat, or one account with its public chats."""
    name = _result(export)
    head = export.head(name)
    with export.open(name) as stream:
        chats = _Chats(export, name, stream)
        yield from _account(chats, name, head) if ACCOUNT.match(head) else _alone(chats, name)


def _alone(chats: _Chats, name: str) -> Iterator[Record]:
    head = next(chats.heads(), None)
    if not isinstance(head, Head):
        raise ExportError(f"telegram: {name} does not say which chat it is. Export it again with Telegram Desktop.")
    if head.type not in SHARED and not chats.include_private:
        raise ExportError(
            f"telegram: {name} is a private chat, and these are left out unless they are asked for: --include-private"
        )
    yield Source(PLATFORM, str(head.id), _name(head))
    yield from _Chat(head, {}).records(chats, name)


def _account(chats: _Chats, name: str, beginning: bytes) -> Iterator[Record]:
    yield _owner(beginning)
    members: dict[str, Member] = {}
    is_anything_kept = False
    for head in chats.heads():
        if isinstance(head, Refused):
            yield head
        elif head.type in PUBLIC or chats.include_private:
            is_anything_kept = True
            yield from _Chat(head, members).records(chats, name)
        else:
            chats.left_out["private messages"] += sum(1 for _ in chats.array(name, msgspec.Raw, key="messages"))
    if not is_anything_kept:
        raise ExportError(
            f"telegram: {name} holds no public group or channel. Export the group alone, from its own menu, "
            "or ask for private ones too: --include-private"
        )


class _Chats(Export):
    """A result.json in one pass. After each of heads(), open() is that chat's messages, as if in their own file."""

    def __init__(self, export: Export, name: str, stream: BinaryIO) -> None:
        vars(self).update(vars(export))
        self._pieces = _pieces(stream, name)
        self._met: Head | Refused | None = None  # the next chat's head, once the messages before it are read

    def heads(self) -> Iterator[Head | Refused]:
        while head := self._met or next((piece for piece in self._pieces if not isinstance(piece, bytes)), None):
            self._met = None
            yield head

    def open(self, name: str, *, counted: bool = True) -> BinaryIO:  # noqa: ARG002 - the one file there is
        return io.BufferedReader(_Joined(self._messages()), BLOCK)

    def _messages(self) -> Iterator[bytes]:
        yield b'{"messages":['
        for piece in self._pieces:
            if not isinstance(piece, bytes):
                self._met = piece
                return
            yield piece


class _Joined(io.RawIOBase):
    """Pieces of bytes as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        while not self._held and (piece := next(self._pieces, None)) is not None:
            self._held = piece
        size = min(len(view), len(self._held))
        view[:size], self._held = self._held[:size], self._held[size:]
        return size


class _Chat:
    """What must be remembered between the messages of one chat."""

    def __init__(self, head: Head, members: dict[str, Member]) -> None:
        self.head, self.members = head, members
        self.topics: dict[int, int] = {}  # of each message in a topic: which

    def records(self, export: Export, name: str) -> Iterator[Record]:
        yield Channel(str(self.head.id), _name(self.head), "chat", is_private=self.head.type not in PUBLIC)
        plain: list[Raw] = []
        places: list[Place | None] = []  # of plain messages; None: simply in the chat
        for raw in export.array(name, Raw, key="messages"):
            if isinstance(raw, Refused):
                yield msgspec.structs.replace(raw, place=f"{raw.place} of the messages of chat {self.head.id}")
            elif self._is_plain(raw):
                plain.append(raw)
                places.append(self._place(raw) if self.topics or raw.reply_to_peer_id else None)
                if len(plain) == MANY:
                    yield from self._many(plain, places, name)
                    plain.clear()
                    places.clear()
            else:
                yield from self._one(raw, name)
        yield from self._many(plain, places, name)

    def _is_plain(self, raw: Raw) -> bool:
        """Whether somebody we know simply said it."""
        known = self.members.get(raw.sender_id) if type(raw.sender_id) is str else None
        return (
            known is not None
            and known.name == raw.sender
            and raw.type == "message"
            and type(raw.date_unixtime) is str
            and (raw.edited is None or type(raw.edited_unixtime) is str)
            and raw.id > 0
            and not (raw.actor or raw.actor_id or raw.action or raw.poll or raw.inline_bot_buttons)
        )

    def _many(self, plain: list[Raw], places: list[Place | None], name: str) -> Iterator[Record]:
        """What was simply said: by the table where it is much, else one by one."""
        table = self._table(plain, places) if len(plain) > MANY // 10 else None
        if table is None:
            for raw, place in zip(plain, places, strict=True):
                yield from self._one(raw, name, place or (None, self._answered(raw)))
            return
        yield Messages(table)
        for raw in plain:
            if raw.reactions:
                yield from _reactions(raw, f"{self.head.id}:{raw.id}")

    def _table(self, plain: list[Raw], places: list[Place | None]) -> pa.Table | None:
        """Plain messages; None where one of them is odd after all."""
        texts = [raw.text for raw in plain]
        try:
            numbers = pa.array([raw.id for raw in plain]).cast(pa.string())
            channels, parents = self._placed(plain, places, numbers)
            sent_at = _times([raw.date_unixtime for raw in plain])
            edited_at = _times([raw.edited_unixtime or None for raw in plain])
            said = pa.array([text if type(text) is str else _plain(text) for text in texts], pa.string())
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
            return None
        if sent_at.null_count:
            return None
        mentions = [NOBODY if type(text) is str else _mentions(text) for text in texts]
        return pa.table(
            {
                "id": pc.binary_join_element_wise(str(self.head.id), numbers, ":"),
                "channel_id": channels,
                "member_id": pa.array([raw.sender_id for raw in plain]),
                "sent_at": sent_at,
                "text": said,
                "parent_id": parents,
                "basis": pc.if_else(parents.is_valid(), "explicit", pa.scalar(None, pa.string())),
                "edited_at": edited_at,
                "mentions": pa.array(mentions, pa.list_(pa.string())),
                "attachments": pa.array([1 if raw.photo or raw.file else 0 for raw in plain], pa.int32()),
                **self._links(numbers),
            }
        )

    def _placed(self, plain: list[Raw], places: list[Place | None], numbers: pa.Array) -> tuple[pa.Array, pa.Array]:
        """The channel of each, and what it answers."""
        chat = str(self.head.id)
        if any(places):
            told = [place or (None, self._answered(raw)) for raw, place in zip(plain, places, strict=True)]
            channels = [f"{chat}/{topic}" if topic else chat for topic, _ in told]
            return pa.array(channels), pa.array([parent_id for _, parent_id in told], pa.string())
        replies = pa.array([raw.reply_to_message_id for raw in plain], pa.int64()).cast(pa.string())
        answered = pc.if_else(pc.equal(replies, numbers), None, replies)
        return pa.repeat(chat, len(plain)), pc.binary_join_element_wise(chat, answered, ":")

    def _links(self, numbers: pa.Array) -> dict[str, pa.Array]:
        if self.head.type not in LINKED:
            return {}
        return {"permalink": pc.binary_join_element_wise(f"https://t.me/c/{self.head.id}", numbers, "/")}

    def _one(self, raw: Raw, name: str, place: Place | None = None) -> Iterator[Record]:
        if sent_at := _moment(raw.date_unixtime, raw.date):
            yield from self._message(raw, sent_at, place)
        else:
            yield Refused(name, f"message {raw.id} of chat {self.head.id}", _undated(raw), msgspec.json.encode(raw))

    def _message(self, raw: Raw, sent_at: datetime, place: Place | None) -> Iterator[Record]:
        """What has a place already is plain: who said it is known, and may have another name by now."""
        message_id = f"{self.head.id}:{raw.id}"
        topic, parent_id = place or self._place(raw)
        channel_id = f"{self.head.id}/{topic}" if topic else str(self.head.id)
        if topic == raw.id:
            is_private = self.head.type not in PUBLIC
            yield Channel(channel_id, raw.title or channel_id, "chat", is_private, updated_at=sent_at)
        is_system = raw.type == "service"
        member_id = _peer(raw.sender_id) if place else (yield from self._member(raw, sent_at))
        yield Message(
            message_id,
            channel_id,
            member_id,
            sent_at,
            _line(raw) if is_system else _said(raw),
            kind="system" if is_system else "message",
            parent_id=parent_id,
            basis="explicit" if parent_id else None,
            edited_at=_moment(raw.edited_unixtime, raw.edited),
            mentions=_mentions(raw.text),
            attachments=1 if raw.photo or raw.file else 0,
            permalink=f"https://t.me/c/{self.head.id}/{raw.id}" if self.head.type in LINKED and raw.id > 0 else None,
        )
        if raw.reactions:
            yield from _reactions(raw, message_id)

    def _place(self, raw: Raw) -> Place:
        """The topic, and the message answered: nobody's, where it points to the line that opened the topic."""
        to = raw.reply_to_message_id
        if raw.action == "topic_created":
            self.topics[raw.id] = raw.id
            return raw.id, None
        if to is None or to == raw.id:
            return None, None
        if raw.reply_to_peer_id:
            return None, f"{raw.reply_to_peer_id.lstrip(ascii_letters)}:{to}"
        topic = self.topics.get(to)
        if topic:
            self.topics[raw.id] = topic
        return topic, None if to == topic else self._answered(raw)

    def _answered(self, raw: Raw) -> str | None:
        """What a message answers where there are no topics."""
        to = raw.reply_to_message_id
        return None if to is None or to == raw.id else f"{self.head.id}:{to}"

    def _member(self, raw: Raw, seen_at: datetime) -> Generator[Member, None, str | None]:
        """Tell who spoke, where it is news, and return the id. Only bots set buttons under their messages."""
        name, member_id = raw.actor or raw.sender, _peer(raw.actor_id or raw.sender_id)
        if not name or not member_id:
            return None
        known = self.members.get(member_id) or Member(member_id, "")
        has_buttons = bool(raw.inline_bot_buttons) and not raw.via_bot
        is_bot = known.is_bot or has_buttons or (known.name != name and bool(BOT.search(name)))
        is_staff = known.is_staff or member_id == f"channel{self.head.id}"  # only admins speak as the chat itself
        if (known.name, known.is_bot, known.is_staff) != (name, is_bot, is_staff):
            member = Member(member_id, name, is_bot=is_bot, is_staff=is_staff, updated_at=seen_at)
            self.members[member_id] = member
            yield member
        return member_id


def _results(export: Export, look: int | None = None) -> list[str]:
    """The files that are such exports, among the first `look` JSON files."""
    names = islice(export.files("*.json"), look)
    return [name for name in names if _is_result(export.head(name))]


def _is_result(beginning: bytes) -> bool:
    alone = ALONE.match(beginning)
    return isinstance(_head(alone[1]), Head) if alone else bool(ACCOUNT.match(beginning))


def _pages(export: Export) -> list[str]:
    names = islice(export.files("*messages.html"), 1)
    return [name for name in names if b'class="page_wrap"' in export.head(name)]


def _result(export: Export) -> str:
    names = _results(export)
    if len(names) == 1:
        return names[0]
    if names:
        raise ExportError(f"telegram: {export.name} holds several exports ({', '.join(names[:5])}). Load them singly.")
    raise ExportError(
        f"telegram: {export.name} holds no result.json with a chat. "
        "Export it again with Telegram Desktop, and choose the format: machine-readable JSON"
    )


def _pieces(stream: BinaryIO, name: str) -> Iterator[bytes | Head | Refused]:
    """The file's bytes, and in the place of what is said of a chat before its messages, that."""
    held, offset = b"", 0
    for block in _mended(stream):
        held += block
        while found := LIST.search(held):
            head = HEAD.search(held, max(0, found.start() - LOOK), found.start())
            start = head.start() if head else found.start()
            yield held[:start]
            raw, place = held[start : found.end()], f"byte {offset + start}"
            unread = Refused(name, place, "it cannot be read which chat begins here, so its messages are not", raw)
            yield (head and _head(head[1])) or unread
            held, offset = held[found.end() :], offset + found.end()
        yield held[:-LOOK]
        held, offset = held[-LOOK:], offset + len(held[:-LOOK])
    yield held


def _mended(stream: BinaryIO) -> Iterator[bytes]:
    """The file in blocks, mended, none of which ends within an escape."""
    cut_off = b""
    while block := stream.read(BLOCK):
        block = cut_off + block
        last = block.rfind(b"\\", -3)  # may begin an escape of four, or may itself be escaped
        end = len(block[: last + 1].rstrip(b"\\")) if last >= 0 else len(block)
        cut_off = block[end:]
        yield _mend(block[:end])
    yield cut_off


def _mend(json: bytes) -> bytes:
    r"""Telegram writes a control character as \x07, which is no JSON: \u0007 is."""
    return ESCAPE.sub(_mended_one, json) if b"\\x" in json else json


def _mended_one(found: re.Match[bytes]) -> bytes:
    """An escape mended, unless its backslash is a letter of the text, as one with an odd number before it is."""
    begun = at = found.start()
    while at and found.string[at - 1] == BACKSLASH:
        at -= 1
    return found[0] if (begun - at) % 2 else b"\\u00"


def _head(pairs: bytes) -> Head | None:
    try:
        return msgspec.json.decode(b"{" + _mend(pairs).strip().removesuffix(b",") + b"}", type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _owner(beginning: bytes) -> Source:
    """The account. Whoever left their personal information out of the export has one without a name."""
    found = PERSON.search(beginning)
    try:
        person = msgspec.json.decode(_mend(found[1]) if found else b"", type=Person)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Source(PLATFORM, "account", "Telegram account")
    name = f"{person.first_name} {person.last_name}".strip()
    return Source(PLATFORM, f"user{person.user_id}", name or "Telegram account")


def _name(head: Head) -> str:
    return head.name or head.type.replace("_", " ").capitalize()


def _peer(id_: SenderId) -> str | None:
    """A sender's id. Before 2021 it was the bare number of a user."""
    return f"user{id_}" if isinstance(id_, int) else id_ or None


def _moment(unix: Moment, local: str | None) -> datetime | None:
    try:
        moment = datetime.fromtimestamp(int(unix), UTC) if unix else iso(local)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment and moment >= FOUNDED else None


def _times(unix: Sequence[Moment]) -> pa.Array:
    """Seconds since 1970, written as text, as moments; null for what is no time. ArrowInvalid: one is no number."""
    seconds = pa.array(unix, pa.string()).cast(pa.int64())
    is_time = pc.and_(pc.greater_equal(seconds, int(FOUNDED.timestamp())), pc.less(seconds, 1 << 36))
    return pc.if_else(is_time, seconds, None).cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("us", "UTC"))


def _undated(raw: Raw) -> str:
    if raw.type == "unsupported":
        return "Telegram Desktop could not export it, and left only its number: a newer version may"
    return "it has no date that can be read"


def _plain(text: Text) -> str:
    return text if isinstance(text, str) else "".join(part if isinstance(part, str) else part.text for part in text)


def _said(raw: Raw) -> str:
    text = _plain(raw.text)
    if raw.poll and not text:
        return "\n- ".join([_plain(raw.poll.question), *(_plain(answer.text) for answer in raw.poll.answers)])
    return text


def _line(raw: Raw) -> str:
    """A service line in words: `invite members: Ada, Grace`."""
    about = ", ".join(filter(None, [*raw.members, raw.title])) or _plain(raw.text)
    return ": ".join(filter(None, [(raw.action or "").replace("_", " "), about]))


def _mentions(text: Text) -> tuple[str, ...]:
    if isinstance(text, str):
        return NOBODY
    return tuple(f"user{part.user_id}" for part in text if isinstance(part, Part) and part.user_id)


def _reactions(raw: Raw, message_id: str) -> Iterator[Reaction]:
    unnamed: Counter[str] = Counter()
    for reaction in raw.reactions:
        name = reaction.emoji or reaction.type.replace("_", " ")
        named = [member_id for each in reaction.recent if (member_id := _peer(each.from_id))]
        unnamed[name] += max(0, reaction.count - len(named))
        yield from (Reaction(message_id, name, member_id) for member_id in named)
    yield from (Reaction(message_id, name, count=count) for name, count in unnamed.items() if count)
