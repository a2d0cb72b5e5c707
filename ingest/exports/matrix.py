"""Matrix: rooms as Element exports them in the format JSON, or saved answers of the API to /rooms/{id}/messages.

What members change later is applied to what they said: edits, redactions and reactions are events of their own in
Matrix, and may come before the message where the newest stands first. So every file is gone through twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, unquote

import msgspec

from data.records import Basis, Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports._answers import kinds, rows
from ingest.exports._format import Format
from ingest.exports._moments import epoch_ms

PLATFORM = "matrix"
FORMAT = Format(
    group="Chats",
    get=(
        "in Element, in the room: Room info > Export Chat > Format: JSON, From the beginning; or save the "
        "API's answers to /rooms/{id}/messages"
    ),
    holds="one room's messages with replies, threads, edits and reactions; who has power there",
    cannot_tell="encrypted words; in an export from Element only what its owner could read",
)

MARKS = {"events": (b'"origin_server_ts"', b'"event_id"', b'"sender"')}
NAME = re.compile(rb'\{\s*"room_name"\s*:\s*("(?:[^"\\]|\\.)*")')
EDIT, THREAD = "m.replace", "m.thread"
SPOKEN = {"m.room.message", "m.room.encrypted", "m.sticker", "m.poll.start", "org.matrix.msc3381.poll.start"}
UNREADABLE = "m.bad.encrypted"
FILES = {"m.image", "m.file", "m.audio", "m.video"}
CLOSED = {"invite", "private", "knock"}  # join rules; the others let in everybody, or all of a community
MODERATOR = 50  # a power level
QUOTE = re.compile(r"(?:> [^\n]*\n)+\n?")  # what older clients put before a reply's own words
EVENT_ID = re.compile(r"\$[\w-]+", re.ASCII)  # as rooms of today name theirs
TELLING = re.compile(rb"m\.notice|m\.new_content")  # what a first look at a message is for
PILL = re.compile(r"matrix\.to/#/(?:@|%40)([^\"'?<>\s]+?:[^\"'?<>\s]+)")
FALLBACK = re.compile(r"<mx-reply>.*?(?:</mx-reply>|\Z)", re.DOTALL)

ABSENT = msgspec.Raw()
T = TypeVar("T")
Id = Annotated[str, msgspec.Meta(min_length=1)]


class Unsigned(msgspec.Struct, gc=False):
    """What a server adds. `redacted_because` is the event that took the words away."""

    redacted_because: msgspec.Raw = ABSENT


class Event(msgspec.Struct, gc=False):
    """An event of a room; one with a state key sets something of the room."""

    event_id: Id
    type: str
    sender: str
    origin_server_ts: int
    content: msgspec.Raw = msgspec.Raw(b"{}")
    room_id: str = ""
    state_key: str | None = None
    redacts: str | None = None
    unsigned: Unsigned | None = None


class Redaction(msgspec.Struct):
    """The content of a redaction, in newer rooms, and the moment of one."""

    redacts: str | None = None
    origin_server_ts: int = 0


class Answered(msgspec.Struct):
    event_id: str | None = None


class Relation(msgspec.Struct, rename={"in_reply_to": "m.in_reply_to"}):
    """What an event says of another. In a thread, an answer to its last message is only for older clients."""

    rel_type: str | None = None
    event_id: str | None = None
    key: str | None = None
    in_reply_to: Answered | None = None
    is_falling_back: bool = False


class Mentions(msgspec.Struct):
    user_ids: list[str] = []


class Question(msgspec.Struct):
    body: str | None = None


class Poll(msgspec.Struct):
    question: Question = msgspec.field(default_factory=Question)


class Said(
    msgspec.Struct,
    gc=False,
    rename={
        "relates_to": "m.relates_to",
        "mentions": "m.mentions",
        "new": "m.new_content",
        "poll": "org.matrix.msc3381.poll.start",
    },
):
    """The content of a message, an edit or a reaction."""

    body: str | None = None
    msgtype: str | None = None
    formatted_body: str | None = None
    relates_to: Relation | None = None
    mentions: Mentions | None = None
    new: msgspec.Raw = ABSENT
    poll: Poll | None = None

    @property
    def question(self) -> str:
        """What a poll asks."""
        return (self.poll.question.body or "") if self.poll else ""


class State(msgspec.Struct):
    """The content of events that describe a room: each sets one of these."""

    name: str | None = None
    displayname: str | None = None
    membership: str | None = None
    join_rule: str | None = None
    users: dict[str, Any] = {}


def detects(export: Export) -> float:
    """High when a file holds a room's events."""
    return 0.9 if kinds(export, MARKS, limit=20).get("events") else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one server, then room after room its messages, each preceded by its author where they are new."""
    files = kinds(export, MARKS)["events"]
    if not files:
        raise ExportError(f"matrix: {export.name} holds no events. Export a room from Element with the format JSON.")
    server = _Server(export)
    for file in files:
        server.first_look(file)
    export.done = 0  # this was only a first look: the bytes count when the messages are read
    yield server.source()
    for file in files:
        for event in _events(export, file):
            yield from [event] if isinstance(event, Refused) else server.records(event, file)


def _events(export: Export, file: str) -> Iterator[Event | Refused]:
    return rows(export, file, Event, "messages" if b'"messages"' in export.head(file) else "chunk")


class _Server:
    """What the rooms' events say of one another."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.rooms: Counter[str] = Counter()
        self.room_names: dict[str, str] = {}
        self.rules: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.levels: dict[str, int] = {}
        self.edits: dict[tuple[str, str], tuple[int, Said]] = {}  # the newest of each message, by its own sender
        self.gone: dict[str, int] = {}
        self.bots: set[str] = set()
        self.told_rooms: set[str] = set()
        self.told_members: set[str] = set()

    def first_look(self, file: str) -> None:
        """Take note of what a file's events change: messages, members and rooms."""
        room_id = ""
        for event in _events(self.export, file):
            if isinstance(event, Refused):
                continue
            room_id = _room_id(event, file)
            self.rooms[room_id] += 1
            if event.state_key is not None:
                self._learn_state(event, room_id)
            elif event.type == "m.room.redaction":
                target = event.redacts or (_decoded(event.content, Redaction) or Redaction()).redacts
                if target:
                    self.gone[target] = event.origin_server_ts
            elif event.type in SPOKEN and TELLING.search(event.content):
                self._learn_edit(event, _decoded(event.content, Said) or Said())
        if room_id and (title := NAME.match(self.export.head(file))):
            self.room_names.setdefault(room_id, _decoded(msgspec.Raw(title[1]), str) or room_id)

    def _learn_edit(self, event: Event, said: Said) -> None:
        if said.msgtype == "m.notice":  # what programs say, so that they do not answer one another
            self.bots.add(event.sender)
        to = said.relates_to
        new = _decoded(said.new, Said) if said.new else None
        if new and to and to.rel_type == EDIT and to.event_id:
            known = self.edits.get((to.event_id, event.sender))
            if known is None or known[0] < event.origin_server_ts:
                self.edits[to.event_id, event.sender] = event.origin_server_ts, new

    def _learn_state(self, event: Event, room_id: str) -> None:
        state = _decoded(event.content, State) or State()
        if event.type == "m.room.member" and state.displayname and event.state_key:
            self.names[event.state_key] = state.displayname
        elif event.type == "m.room.name" and state.name:
            self.room_names[room_id] = state.name
        elif event.type == "m.room.join_rules" and state.join_rule:
            self.rules[room_id] = state.join_rule
        elif event.type == "m.room.power_levels":
            self.levels |= {user: level for user, level in state.users.items() if isinstance(level, int)}

    def source(self) -> Source:
        """The server that most rooms are named after; rooms of version 12 and later are named after none."""
        domains = Counter({room.partition(":")[2]: count for room, count in self.rooms.items() if ":" in room})
        domain = domains.most_common(1)[0][0] if domains else self.export.name
        return Source(PLATFORM, domain, domain)

    def records(self, event: Event, file: str) -> Iterator[Record]:
        """The message or system line that an event is, or the reaction. What changes others was learnt before."""
        room_id = _room_id(event, file)
        said = _decoded(event.content, Said) if event.type in SPOKEN or event.type == "m.reaction" else None
        to = said.relates_to if said else None
        if event.type == "m.room.redaction" or (to and to.rel_type == EDIT):
            return
        is_private = self.rules.get(room_id) in CLOSED
        is_hidden = is_private and not self.export.include_private
        if event.type == "m.reaction":
            if to and to.event_id and to.key and event.event_id not in self.gone and not is_hidden:
                yield Reaction(to.event_id, to.key, event.sender)
        elif is_hidden:
            self.export.left_out["private messages"] += 1
        elif (sent_at := epoch_ms(event.origin_server_ts)) is None:
            yield Refused(file, f"event {event.event_id}", "its time is none", msgspec.json.encode(event))
        else:
            if room_id not in self.told_rooms:
                self.told_rooms.add(room_id)
                yield Channel(room_id, self.room_names.get(room_id, room_id), "chat", is_private)
            if event.sender not in self.told_members:
                self.told_members.add(event.sender)
                yield self._member(event.sender)
            yield self._message(event, said or Said(), room_id, sent_at)

    def _member(self, id_: str) -> Member:
        handle = id_.removeprefix("@").partition(":")[0]
        is_bot = id_ in self.bots
        is_staff = not is_bot and self.levels.get(id_, 0) >= MODERATOR
        return Member(id_, self.names.get(id_) or handle or id_, handle or None, is_bot=is_bot, is_staff=is_staff)

    def _message(self, event: Event, said: Said, room_id: str, sent_at: datetime) -> Message:
        edited, new = self.edits.get((event.event_id, event.sender), (0, said))
        deleted_at = self._deleted_at(event, sent_at)
        thread_id, parent_id, basis = _answered(said.relates_to)
        is_spoken = event.type in SPOKEN
        return Message(
            event.event_id,
            room_id,
            event.sender,
            sent_at,
            "" if deleted_at else _text(new, said) if is_spoken else _told(event),
            kind="message" if is_spoken else "system",
            conversation_id=thread_id,
            parent_id=parent_id,
            basis=basis,
            edited_at=epoch_ms(edited) if edited else None,
            deleted_at=deleted_at,
            mentions=() if deleted_at else _mentions(new),
            attachments=int(not deleted_at and (said.msgtype in FILES or event.type == "m.sticker")),
            permalink=f"https://matrix.to/#/{_quoted(room_id)}/{_quoted_event(event.event_id)}",
        )

    def _deleted_at(self, event: Event, sent_at: datetime) -> datetime | None:
        because = event.unsigned.redacted_because if event.unsigned else ABSENT
        told = (_decoded(because, Redaction) or Redaction()).origin_server_ts if because else 0
        moment = self.gone.get(event.event_id) or told
        return (epoch_ms(moment or event.origin_server_ts) or sent_at) if moment or because else None


def _answered(to: Relation | None) -> tuple[str | None, str | None, Basis | None]:
    """The thread, the message answered, and how that is known."""
    if to is None:
        return None, None, None
    thread_id = to.event_id if to.rel_type == THREAD else None
    answered = to.in_reply_to.event_id if to.in_reply_to and not (thread_id and to.is_falling_back) else None
    if answered:
        return thread_id, answered, "explicit"
    return thread_id, thread_id, "thread" if thread_id else None


def _text(said: Said, first: Said) -> str:
    """Somebody's own words, without those they answer."""
    text = (said.body or said.question) if said.msgtype != UNREADABLE else ""
    is_reply = first.relates_to is not None and first.relates_to.in_reply_to is not None
    return QUOTE.sub("", text, count=1) if is_reply and text.startswith("> <") else text


def _told(event: Event) -> str:
    """What an event of the room says, in short: "join" for one who came, else its type."""
    return (_decoded(event.content, State) or State()).membership or event.type


def _mentions(said: Said) -> tuple[str, ...]:
    """Whom a message calls. Before there was a field for it, links to members did."""
    if said.mentions is not None:
        return tuple(dict.fromkeys(said.mentions.user_ids))
    if not said.formatted_body or "matrix.to" not in said.formatted_body:
        return ()
    linked = PILL.findall(FALLBACK.sub("", said.formatted_body))
    return tuple(dict.fromkeys("@" + unquote(name) for name in linked))


@cache
def _quoted(room_id: str) -> str:
    return quote(room_id)


def _quoted_event(event_id: str) -> str:
    return f"%24{event_id[1:]}" if EVENT_ID.fullmatch(event_id) else quote(event_id)


def _room_id(event: Event, file: str) -> str:
    return event.room_id or file


def _decoded(raw: msgspec.Raw, type_: type[T]) -> T | None:
    """A part of an event, or None where it is not of the usual shape."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except UNFIT:
        return None
