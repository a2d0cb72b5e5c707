"""Zulip: an organization's export, a folder of zulip-archive, or saved answers of the messages API.

A topic is a conversation. It is named by its channel and its words, for its first message may lie outside the export;
without the mark of a resolved topic, so that resolving one does not begin another. Direct messages and private
channels are left out, and so is a channel of which realm.json says nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import unquote

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._answers import kinds, rows
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._moments import epoch

PLATFORM = "zulip"
FORMAT = Format(
    group="Chats",
    get=(
        "in Zulip, as an administrator: Organization settings > Data exports > Start export; or a "
        "zulip-archive folder, or save the API's answers to /messages"
    ),
    holds="public channels' messages by topic, with reactions and edits; members with their roles",
    cannot_tell=(
        "whom a message in a topic answers, unless it quotes; zulip-archive gives only names: no ids, roles "
        "or reactions"
    ),
    is_seen=True,
)

MODERATOR = 300  # owners are 100, administrators 200, members 400, guests 600
IN_CHANNEL = 2  # of a recipient's types; 1 is a direct message, 3 a group's
RESOLVED = "✔ "
NOTICES = "Notification Bot"  # says who moved, renamed or resolved a topic
SERVICE = {NOTICES, "Welcome Bot", "Email Gateway"}  # where nothing but a name is given
SERVICE_AT = ("notification-bot@", "welcome-bot@", "emailgateway@")
REALM = re.compile(rb'"sender_realm_str"\s*:\s*"(?!zulipinternal")([a-z0-9-]+)"')
FIRST_ID = re.compile(rb'"id"\s*:\s*(\d+)')
HIDDEN = re.compile(r"user\d+@")  # the address of somebody whose own is hidden
DELETED = re.compile(r"Deleted user \d+", re.IGNORECASE)
GONE = {"<p>(deleted)</p>", "(deleted)"}  # what Zulip puts in place of deleted words

ESCAPE = re.compile(r"\.([0-9A-F]{2})")
LINK = r'#narrow/[^"\s)]*?/(?:near|with)/(\d+)'
SAID = re.compile(
    rf'<p><span class="user-mention[^>]*>[^<]*</span> <a [^>]*?{LINK}"[^>]*>[^<]*</a>:</p>\s*<blockquote>'
)
QUOTE = re.compile(r"<(/?)blockquote>")
MENTION = re.compile(r'<span class="user-mention"[^>]*?data-user-id="(\d+)"[^>]*>@?([^<]*)<')
UPLOAD = re.compile(r'href="([^"]*/?user_uploads/[^"]*)"|\]\((/user_uploads/[^)\s]*)\)')
WRITTEN_SAID = re.compile(
    rf"@_\*\*[^*\n]+\*\* \[[^\]\n]*\]\([^)\s]*{LINK}\):\n(`{{3,}})quote\n.*?\n\2[ \t]*\n?", re.DOTALL
)
WRITTEN = re.compile(r"(@_?|#)\*\*([^*\n|]+)(?:\|(\d+))?\*\*")

UNKNOWN = Channel("unknown", "unknown", "forum", is_private=True)
Id = Annotated[int, msgspec.Meta(ge=0)]
MARKS = {
    "answer": (b'"sender_full_name"', b'"display_recipient"'),
    "topic": (b'"sender_full_name"', b'"timestamp"'),
    "batch": (b'"zerver_message"',),
    "realm": (b'"zerver_realm"',),
    "index": (b'"streams"', b'"latest_id"'),
    "users": (b'"members"', b'"full_name"'),
    "streams": (b'"stream_id"', b'"invite_only"'),
}


class Archived(msgspec.Struct, gc=False):
    """A message as zulip-archive keeps it: of its sender, no more than a name."""

    id: Id
    sender_full_name: str
    timestamp: float
    content: str


class Recipient(msgspec.Struct):
    """Where a message went. In an export: a type, and the id of that channel, person or group."""

    id: int
    type: int = 1
    type_id: int = 0


class Emoji(msgspec.Struct):
    """A reaction, in the API's words or in those of an export's table."""

    emoji_name: str
    user_id: int | None = None
    user: dict[str, Any] = {}  # until 2019, instead of user_id
    user_profile: int | None = None
    message: int | None = None


class Answered(msgspec.Struct, gc=False):
    """A message as the API answers it. `display_recipient` is a channel's name, or the people of a direct message."""

    id: Id
    sender_id: int
    sender_full_name: str
    timestamp: float
    content: str
    type: Literal["stream", "private"]
    display_recipient: str | list[Recipient]
    stream_id: int | None = None
    subject: str = ""
    sender_email: str = ""
    sender_realm_str: str = ""
    client: str = ""
    content_type: str = "text/html"
    last_edit_timestamp: float | None = None
    reactions: list[Emoji] = []


class Kept(msgspec.Struct, gc=False):
    """A message of an organization's export. `content` is Markdown."""

    id: Id
    sender: int
    recipient: int
    subject: str
    date_sent: float
    content: str
    rendered_content: str | None = None
    last_edit_time: float | None = None


class Realm(msgspec.Struct):
    """The organization. `uuid` is missing until 2022."""

    id: int
    string_id: str
    name: str = ""
    uuid: str | None = None


class User(msgspec.Struct):
    """An account, in the words of an export or of the API's list of users. `role` is missing until 2020."""

    full_name: str = ""
    id: int | None = None
    user_id: int | None = None
    email: str | None = None
    delivery_email: str | None = None
    is_bot: bool = False
    role: int | None = None
    is_admin: bool = False
    is_realm_admin: bool = False


class Stream(msgspec.Struct):
    """A channel, in the words of an export or of the API's list of channels."""

    name: str
    id: int | None = None
    stream_id: int | None = None
    invite_only: bool = False


class Tables(msgspec.Struct):
    """What is read of realm.json."""

    zerver_realm: Annotated[list[Realm], msgspec.Meta(min_length=1)]
    zerver_stream: list[Stream] = []
    zerver_recipient: list[Recipient] = []
    zerver_userprofile: list[User] = []
    zerver_userprofile_mirrordummy: list[User] = []
    zerver_userprofile_crossrealm: list[User] = []
    zerver_reaction: list[Emoji] = []


class Indexed(msgspec.Struct):
    """A channel of stream_index.json, which names it."""

    id: int


class Index(msgspec.Struct):
    """zulip-archive's list of channels, and the moment it last looked."""

    streams: dict[str, Indexed] = {}
    time: float | None = None


class Line(NamedTuple):
    """A message of any of the three, in the same words."""

    file: str
    id: int
    channel: Channel
    topic: str
    sender: Member
    sent: float
    content: str
    is_html: bool = True
    edited: float | None = None
    reactions: Sequence[Emoji] = ()
    is_named: bool = False  # its sender, and whom it calls, are known by name only


class Said(NamedTuple):
    """The sender's own words, whom they call (id, name), and the ids of the messages they quote."""

    text: str
    called: list[tuple[str, str]]
    quoted: list[str]


Lines = Iterator[Line | Refused]


def detects(export: Export) -> float:
    """High when one of the first files is of one of the three kinds."""
    return 0.95 if kinds(export, MARKS, limit=20).keys() & {"realm", "index", "topic", "answer"} else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one organization, then its messages, each preceded by its channel and sender where they are new."""
    source, lines = _opened(export)
    yield source
    organization = _Organization(export)
    for line in lines:
        yield from [line] if isinstance(line, Refused) else organization.records(line)


def _opened(export: Export) -> tuple[Source, Lines]:
    names = kinds(export, MARKS)
    if names["realm"]:
        return _exported(export, names["realm"][0], names["batch"])
    if names["answer"]:
        return _answered(export, names["answer"], names["users"], names["streams"])
    if names["topic"]:
        return _archived(export, names["topic"], names["index"])
    raise ExportError(
        f"zulip: {export.name} holds no messages. Give an organization's export, a folder of zulip-archive "
        "or saved answers of the API's /messages."
    )


def _exported(export: Export, name: str, batches: list[str]) -> tuple[Source, Lines]:
    """An organization's export: realm.json, and batches of messages beside it."""
    tables = export.decode(name, Tables)
    realm = tables.zerver_realm[0]
    source = Source(PLATFORM, realm.uuid or realm.string_id or realm.name, realm.name or realm.string_id)
    users = [*tables.zerver_userprofile, *tables.zerver_userprofile_mirrordummy, *tables.zerver_userprofile_crossrealm]
    members = {user.id: _member(user) for user in users}
    streams = {stream.id: stream for stream in tables.zerver_stream}
    channels = {to.id: _channel(to, streams) for to in tables.zerver_recipient}
    reactions: dict[int | None, list[Emoji]] = defaultdict(list)
    for emoji in tables.zerver_reaction:
        reactions[emoji.message].append(emoji)

    def line(row: Kept, file: str) -> Line:
        return Line(
            file,
            row.id,
            channels.get(row.recipient, UNKNOWN),
            row.subject,
            members.get(row.sender) or Member(str(row.sender), f"user {row.sender}"),
            row.date_sent,
            row.content if row.rendered_content is None else row.rendered_content,
            row.rendered_content is not None,
            row.last_edit_time,
            reactions.pop(row.id, ()),
        )

    found = ((file, row) for file in batches for row in export.array(file, Kept, key="zerver_message"))
    return source, (row if isinstance(row, Refused) else line(row, file) for file, row in found)


def _answered(export: Export, answers: list[str], users: list[str], lists: list[str]) -> tuple[Source, Lines]:
    """Answers of the API to /messages. Those to /users and /streams beside them, if any, tell roles and privacy."""
    heads = (export.head(name) for name in answers[:20])
    realms = Counter(found[1].decode() for head in heads for found in REALM.finditer(head))
    name = realms.most_common(1)[0][0] if realms else export.name
    people = [row for file in users for row in rows(export, file, User, "members")]
    members = {user.user_id: _member(user) for user in people if isinstance(user, User)}
    streams = [row for file in lists for row in rows(export, file, Stream, "streams")]
    closed = {stream.stream_id for stream in streams if isinstance(stream, Stream) and stream.invite_only}

    def line(row: Answered, file: str) -> Line:
        is_bot = row.client == "Internal" or row.client.endswith("Webhook") or row.sender_email.startswith(SERVICE_AT)
        return Line(
            file,
            row.id,
            _addressed(row, closed),
            row.subject,
            members.get(row.sender_id) or Member(str(row.sender_id), row.sender_full_name, is_bot=is_bot),
            row.timestamp,
            row.content,
            row.content_type == "text/html",
            row.last_edit_timestamp,
            row.reactions,
        )

    in_order = sorted(answers, key=lambda file: _first_id(export.head(file)))  # what opens a topic comes first
    said = ((file, row) for file in in_order for row in rows(export, file, Answered, "messages"))
    return Source(PLATFORM, name, name), (row if isinstance(row, Refused) else line(row, file) for file, row in said)


def _first_id(head: bytes) -> int:
    found = FIRST_ID.search(head)
    return int(found[1]) if found else 0


def _archived(export: Export, topics: list[str], indexes: list[str]) -> tuple[Source, Lines]:
    """A folder of zulip-archive: 27-harbour/where.20to.20moor.3F.json and so on, and stream_index.json."""
    index = export.decode(indexes[0], Index) if indexes else Index()
    streams = {str(stream.id): name for name, stream in index.streams.items()}
    source = Source(PLATFORM, export.name, export.name, covered_until=epoch(index.time))
    return source, (line for file in topics for line in _topic(export, file, streams))


def _topic(export: Export, file: str, streams: dict[str, str]) -> Lines:
    above = export.path.resolve()
    folder = f"{above if above.is_dir() else above.parent}/{export.wrapping}{file}".split("/")[-2]
    number, _, name = folder.partition("-")
    channel = Channel(number or folder, streams.get(number) or _unescaped(name) or number, "forum")
    topic = _unescaped(file.rpartition("/")[2].removesuffix(".json"))
    for row in export.array(file, Archived):
        if isinstance(row, Refused):
            yield row
        else:
            sender = _named(row.sender_full_name)
            yield Line(file, row.id, channel, topic, sender, row.timestamp, row.content, is_named=True)


@lru_cache
def _named(name: str) -> Member:
    return Member(name, name, is_bot=name in SERVICE)


class _Organization:
    """What must be remembered between messages."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.told: dict[tuple[type, str], Channel | Member] = {}
        self.first: dict[str, int] = {}  # the lowest id of each topic so far

    def records(self, line: Line) -> Iterator[Record]:
        """The message with its reactions, and before it what is new of its channel and sender."""
        if line.channel.is_private and not self.export.include_private:
            self.export.left_out["private messages"] += 1
            return
        sent_at = epoch(line.sent)
        if sent_at is None:
            raw = msgspec.json.encode((line.id, line.sent, line.content))
            yield Refused(line.file, f"message {line.id}", "its time is none", raw)
            return
        is_known = line.sender.id != "" and not DELETED.fullmatch(line.sender.name)
        yield from self._new(line.channel)
        if is_known:
            yield from self._new(line.sender)
        yield self._message(line, sent_at, line.sender.id if is_known else None)
        for emoji in line.reactions:
            user = emoji.user_profile or emoji.user_id or emoji.user.get("id")
            yield Reaction(str(line.id), emoji.emoji_name, str(user) if user else None)

    def _new(self, record: Channel | Member) -> Iterator[Channel | Member]:
        known = self.told.get((type(record), record.id))
        if known is not record and known != record:
            self.told[type(record), record.id] = record
            yield record

    def _message(self, line: Line, sent_at: datetime, member_id: str | None) -> Message:
        said = _said(line.content) if line.is_html else _written(line.content)
        topic = line.topic.removeprefix(RESOLVED) if line.channel.kind == "forum" else None
        topic_id = None if topic is None else f"{line.channel.id}:{topic}"
        is_notice, is_gone = line.sender.name == NOTICES, line.content in GONE
        opens = topic_id is not None and not is_notice and self._opens(topic_id, line.id)
        parent_id = said.quoted[0] if said.quoted and not opens else None  # its first message answers nobody in a topic
        edited_at = epoch(line.edited)
        return Message(
            str(line.id),
            line.channel.id,
            member_id,
            sent_at,
            "" if is_gone else said.text,
            kind="system" if is_notice else "message",
            title=topic or None,
            conversation_id=topic_id,
            parent_id=parent_id,
            basis="explicit" if parent_id else None if opens or topic is None else "thread",
            edited_at=edited_at,
            deleted_at=(edited_at or sent_at) if is_gone else None,
            mentions=tuple(dict.fromkeys([called[line.is_named] for called in said.called])) if said.called else (),
            attachments=len(set(UPLOAD.findall(line.content))) if "user_uploads" in line.content else 0,
        )

    def _opens(self, topic: str, id: int) -> bool:
        """Whether nobody said anything in a topic before, as far as we have read: batches overlap in time."""
        is_first = id <= self.first.get(topic, id)
        if is_first:
            self.first[topic] = id
        return is_first


def _said(html: str) -> Said:
    """A message as Zulip shows it. What a quoting reply quotes is somebody else's words."""
    if "#narrow/" not in html:
        return Said(plain(html), _called(html), [])
    own, quoted, position = [], [], 0
    for found in SAID.finditer(html):
        if found.start() >= position:
            own.append(html[position : found.start()])
            quoted.append(found[1])
            position = _end_of_quote(html, found.end())
    own.append(html[position:])
    left = "".join(own)
    return Said(plain(left), _called(left), quoted)


def _called(html: str) -> list[tuple[str, str]]:
    return MENTION.findall(html) if "user-mention" in html else []


def _end_of_quote(html: str, position: int) -> int:
    depth = 1
    for tag in QUOTE.finditer(html, position):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.end()
    return len(html)


def _written(markdown: str) -> Said:
    """A message as its sender typed it, where no more is kept."""
    quoted = [found[1] for found in WRITTEN_SAID.finditer(markdown)]
    own = WRITTEN_SAID.sub("", markdown)
    called = [(found[3], found[2]) for found in WRITTEN.finditer(own) if found[1] == "@" and found[3]]
    return Said(WRITTEN.sub(lambda found: found[1].rstrip("_") + found[2], own).strip(), called, quoted)


def _unescaped(name: str) -> str:
    """A name as it stands in links and file names: ".20" is a space."""
    return unquote(ESCAPE.sub(r"%\1", name))


def _member(user: User) -> Member:
    """An account. Zulip's own bots belong to no organization, and come with an address only."""
    email = user.delivery_email or user.email
    name = user.full_name or (email or "").partition("@")[0].replace("-", " ").title()
    return Member(
        str(user.id or user.user_id),
        name,
        email=None if email is None or HIDDEN.match(email) else email,
        is_bot=user.is_bot or not user.full_name,
        is_staff=user.is_admin or user.is_realm_admin or (user.role is not None and user.role <= MODERATOR),
    )


def _channel(to: Recipient, streams: dict[int | None, Stream]) -> Channel:
    """Where a message of an organization's export was sent."""
    if to.type != IN_CHANNEL:
        return Channel(f"direct:{to.id}", "direct messages", "chat", is_private=True)
    stream = streams.get(to.type_id)
    return Channel(str(to.type_id), stream.name, "forum", stream.invite_only) if stream else UNKNOWN


def _addressed(row: Answered, closed: set[int | None]) -> Channel:
    """Where a message of the API was sent."""
    to = row.display_recipient
    if isinstance(to, str):
        return Channel(str(row.stream_id or f"name:{to}"), to, "forum", row.stream_id in closed)
    people = ",".join(str(person.id) for person in sorted(to, key=lambda person: person.id))
    return Channel(f"direct:{people}", "direct messages", "chat", is_private=True)
