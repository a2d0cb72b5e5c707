"""Slack: the .zip a workspace owner downloads under "Import/Export Data", or that zip unpacked.

The folders of private channels and direct messages are read only when they are asked for. Messages are
named by channel and `ts`, and carry no channel themselves: it is the name of the folder they lie in.
The day in a file's name is cut in Pacific time, so a message's day is taken from its `ts`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from data.records import Channel, Member, Message, Messages, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format

PLATFORM = "slack"
FORMAT = Format(
    group="Chats",
    get=(
        "on slack.com, as an owner or admin: the workspace's name > Tools & settings > Workspace settings > "
        "Import/Export Data > Export > Entire history > Start Export"
    ),
    holds=(
        "the public channels' messages with their threads, edits and reactions; members with their roles; "
        "private ones only when asked for"
    ),
    cannot_tell="messages of a free workspace older than a year",
    is_seen=True,
)

SPOKEN = {
    None,
    "",
    "file_share",
    "me_message",
    "thread_broadcast",
    "bot_message",
    "file_comment",
    "tombstone",
}
SLACKBOT = "USLACKBOT"  # a bot, though its own entry in users.json says it is none
PACIFIC = ZoneInfo("America/Los_Angeles")
DAY = re.compile(r"(?:([^/]+)/)?\d{4}-\d\d-\d\d\.json")
CLOSED = ("groups.json", "dms.json", "mpims.json")  # lists of what not everybody may read
DIRECT = re.compile(r"D[0-9A-Z]{7,}|mpdm-.*")  # folders of direct messages, should dms.json be missing
STAMP = re.compile(rb'"ts"\s*:\s*"\d+\.\d+"')
TEAM = re.compile(rb'"team"\s*:\s*"([TE]\w+)"')
TITLE = re.compile(r"\s+slack export\b(?:.* - (\w{3} \d{1,2} \d{4}))?.*", re.IGNORECASE)
MARKUP = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
TOKEN = re.compile(r"xox[a-z](?:\.xox[a-z])?-[\w-]+")  # what opens a file's address, or the workspace

MANY = 20_000  # usual rows that make a table

T = TypeVar("T")
Id = Annotated[str, msgspec.Meta(min_length=1)]
Aware = Annotated[datetime, msgspec.Meta(tz=True)]

MOMENT = msgspec.json.Decoder(Aware, strict=False)  # of epoch seconds: exact, and twice as fast as datetime
ABSENT = msgspec.Raw()
NOBODY: tuple[str, ...] = ()


class Raw(msgspec.Struct, gc=False):
    """A message as Slack writes it. What is often odd, or rarely there, is decoded only when needed."""

    ts: Id
    user: str | None = None
    text: str | None = None
    subtype: str | None = None
    thread_ts: str | None = None
    bot_id: str | None = None
    username: str | None = None
    reactions: msgspec.Raw = ABSENT
    edited: msgspec.Raw = ABSENT
    files: msgspec.Raw = ABSENT
    file: msgspec.Raw = ABSENT  # until 2018, instead of files
    attachments: msgspec.Raw = ABSENT
    comment: msgspec.Raw = ABSENT  # until 2018, of a file_comment
    user_profile: msgspec.Raw = ABSENT
    bot_profile: msgspec.Raw = ABSENT


class Spoken(msgspec.Struct, gc=False):
    """Of a message, what tells its writer's name."""

    ts: str = ""
    user: str | None = None
    user_profile: msgspec.Raw = ABSENT


class Profile(msgspec.Struct):
    """A user's or a bot's names."""

    name: str | None = None
    display_name: str | None = None
    real_name: str | None = None
    email: str | None = None


class User(msgspec.Struct):
    """A line of users.json. Deleted users lack most of it."""

    id: Id
    team_id: str | None = None
    name: str | None = None
    real_name: str | None = None
    is_bot: bool | None = None
    is_workflow_bot: bool | None = None
    is_admin: bool | None = None
    is_owner: bool | None = None
    is_primary_owner: bool | None = None
    updated: int | str | None = None
    profile: msgspec.Raw = ABSENT


class Room(msgspec.Struct):
    """A line of channels.json, groups.json, dms.json or mpims.json; dms have no name."""

    id: Id
    name: str = ""
    is_general: bool | None = None
    is_archived: bool | None = None
    is_private: bool | None = None
    is_im: bool | None = None
    is_mpim: bool | None = None

    @property
    def is_open(self) -> bool:
        return not (self.is_private or self.is_im or self.is_mpim)


class Reacted(msgspec.Struct):
    """A reaction. `count` may exceed the users that are named."""

    name: str
    users: list[str] = []
    count: int = 0


class Edited(msgspec.Struct):
    ts: str


class Comment(msgspec.Struct):
    user: str | None = None
    comment: str | None = None


def detects(export: Export) -> float:
    """High when day files lie in channel folders and their rows have a Slack time stamp."""
    names = export.files("*.json")
    days = (name for name in names if DAY.fullmatch(name))
    if not any(STAMP.search(export.head(name)) for name in islice(days, 5)):
        return 0.0
    return 0.95 if "channels.json" in names or "users.json" in names else 0.8


def read(export: Export) -> Iterator[Record]:
    """Yield one workspace, its members and channels, then their messages. What is private is left out."""
    rooms = [*_listed(export, "channels.json", Room), *_closed(export)]
    users = _listed(export, "users.json", User) + _listed(export, "org_users.json", User)
    folders = _folders(export, rooms)
    yield _source(export, users, rooms, folders)
    yield from (row for row in (*rooms, *users) if isinstance(row, Refused))
    known = [room for room in rooms if isinstance(room, Room)]
    channels = _channels([room for room in known if room.is_open or export.include_private])
    yield from dict.fromkeys(channels.values())
    workspace = Workspace(channel for channel in channels.values())
    yield from workspace.members(users) if users else workspace.writers(export, folders)
    users.clear()  # hundreds of thousands take more memory than all that follows
    for folder, days in folders.items():
        channel = channels.get(folder)
        if channel is None:
            channel = Channel(f"name:{folder}", folder, "chat", DIRECT.fullmatch(folder) is not None)
            yield channel
        usual: list[Raw] = []
        for day in days:
            rest = _without_usual(export.array(day, Raw), usual, workspace.names)
            yield from workspace.messages(rest, channel.id, day)
            if len(usual) >= MANY:
                yield from workspace.many(usual, channel.id, folder)
                usual.clear()
        yield from workspace.many(usual, channel.id, folder)


def _without_usual(rows: Iterator[Raw | Refused], usual: list[Raw], names: dict[str, str]) -> Iterator[Raw | Refused]:
    """The rows that need a closer look; what somebody we know wrote is put into `usual`."""
    for raw in rows:
        if (
            type(raw) is Raw
            and (raw.bot_id or raw.user) in names
            and raw.subtype != "tombstone"
            and not raw.comment
            and (not raw.bot_id or raw.subtype in SPOKEN)
        ):
            usual.append(raw)
        else:
            yield raw


class Workspace:
    """The names that must be known to write a message's text in plain words."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self.channels = {channel.id: channel.name for channel in channels}
        self.names: dict[str, str] = {}  # of members, by id
        self.nameless: set[str] = set()

    def members(self, users: Iterable[User | Refused]) -> Iterator[Member]:
        for user in users:
            if not isinstance(user, Refused):
                yield self._known(_member(user))

    def writers(self, export: Export, folders: dict[str, list[str]]) -> Iterator[Member]:
        """Where users.json is missing: whoever wrote, by the newest name their messages give."""
        newest: dict[str, tuple[str, Profile]] = {}
        for day in (day for days in folders.values() for day in days):
            for raw in export.array(day, Spoken):
                if isinstance(raw, Refused) or not raw.user or raw.ts <= newest.get(raw.user, ("",))[0]:
                    continue
                if profile := _decoded(raw.user_profile, Profile):
                    newest[raw.user] = raw.ts, profile
        export.done = 0  # this was only a first look: the bytes count when the messages are read
        for user, (ts, profile) in newest.items():
            yield self._known(_profiled(user, profile, _time(ts)))

    def messages(self, rows: Iterable[Raw | Refused], channel_id: str, day: str) -> Iterator[Record]:
        """One message for each row, preceded by its writer where that one is new."""
        for raw in rows:
            if isinstance(raw, Refused):
                yield raw
                continue
            try:
                sent_at = MOMENT.decode(raw.ts)
            except msgspec.MsgspecError:
                yield Refused(day, f"ts {raw.ts}", "its ts is no time", msgspec.json.encode(raw))
                continue
            member_id = raw.user
            if raw.bot_id or raw.subtype or member_id not in self.names:
                member_id = yield from self._writer(raw, sent_at)
            text, mentions = raw.text or "", NOBODY
            if "<" in text or "&" in text or "xox" in text or raw.subtype:
                text, mentions = self._plain(raw, text)
            message_id = f"{channel_id}:{raw.ts}"
            root_id = f"{channel_id}:{raw.thread_ts}" if raw.thread_ts else None
            parent_id = root_id if root_id != message_id else None
            yield Message(
                message_id,
                channel_id,
                member_id,
                sent_at,
                text,
                kind="message" if raw.subtype in SPOKEN else "system",
                conversation_id=root_id,
                parent_id=parent_id,
                basis="thread" if parent_id else None,
                edited_at=_time(_edited_ts(raw)) if raw.edited else None,
                deleted_at=sent_at if raw.subtype == "tombstone" else None,
                mentions=mentions,
                attachments=_attached(raw),
            )
            if raw.reactions:
                yield from _reactions(raw.reactions, message_id)

    def many(self, rows: list[Raw], channel_id: str, folder: str) -> Iterator[Record]:
        """Usual rows: by the table where they are many, else one by one."""
        if len(rows) <= MANY // 10:
            yield from self.messages(rows, channel_id, folder)
            return
        try:
            table = self._table(rows, channel_id)
        except (pa.ArrowInvalid, UnicodeEncodeError):  # a row among them is odd after all
            yield from self.messages(rows, channel_id, folder)
            return
        yield Messages(table)
        for raw in rows:
            if raw.reactions:
                yield from _reactions(raw.reactions, f"{channel_id}:{raw.ts}")

    def _table(self, rows: list[Raw], channel_id: str) -> pa.Table:
        texts = [raw.text or "" for raw in rows]
        mentions = [NOBODY] * len(rows)
        for place, text in enumerate(texts):
            if "<" in text or "&" in text or "xox" in text:
                texts[place], mentions[place] = self._plain(rows[place], text)
        ts = pa.array([raw.ts for raw in rows])
        roots = pa.array([raw.thread_ts or None for raw in rows], pa.string())
        root_ids = pc.binary_join_element_wise(channel_id, roots, ":")
        is_reply = pc.fill_null(pc.not_equal(ts, roots), False)
        nothing = pa.scalar(None, pa.string())
        return pa.table(
            {
                "id": pc.binary_join_element_wise(channel_id, ts, ":"),
                "channel_id": pa.repeat(channel_id, len(rows)),
                "member_id": pa.array([raw.bot_id or raw.user for raw in rows]),
                "sent_at": _times(ts),
                "text": pa.array(texts),
                "kind": pa.array(["message" if raw.subtype in SPOKEN else "system" for raw in rows]),
                "mentions": pa.array(mentions, pa.list_(pa.string())),
                "conversation_id": root_ids,
                "parent_id": pc.if_else(is_reply, root_ids, nothing),
                "basis": pc.if_else(is_reply, "thread", nothing),
                "edited_at": _times(pa.array([_edited_ts(raw) if raw.edited else None for raw in rows], pa.string())),
                "attachments": pa.array([_attached(raw) for raw in rows], pa.int32()),
            }
        )

    def _writer(self, raw: Raw, seen_at: datetime) -> Generator[Member, None, str | None]:
        """Who wrote it. What an app posts is the app's, even when it says in whose name."""
        if raw.subtype == "tombstone":  # it names Slackbot, not the one whose words are gone
            return None
        if raw.subtype in SPOKEN and (raw.bot_id or raw.subtype == "bot_message"):
            return (yield from self._bot(raw, seen_at))
        user = raw.user
        if user is None and raw.comment:
            user = (_decoded(raw.comment, Comment) or Comment()).user
        if user and user not in self.names:
            profile = _decoded(raw.user_profile, Profile) or Profile()
            yield from self._met(_profiled(user, profile, seen_at))
        return user or None

    def _bot(self, raw: Raw, seen_at: datetime) -> Generator[Member, None, str | None]:
        bot = raw.bot_id or raw.user or (f"bot:{raw.username}" if raw.username else None)
        if bot is None:
            return None
        profile = _decoded(raw.bot_profile, Profile) or Profile()
        name = profile.name or raw.username or bot
        if bot not in self.names:
            yield from self._met(Member(bot, name, is_bot=True, updated_at=seen_at))
        return bot

    def _met(self, member: Member) -> Iterator[Member]:
        """A writer whom users.json lacks. Some rows, such as joins, tell nothing but the id."""
        if member.name != member.id:
            yield self._known(member)
        elif member.id not in self.nameless:
            self.nameless.add(member.id)
            yield Member(member.id, member.id, is_bot=member.is_bot)

    def _known(self, member: Member) -> Member:
        self.names[member.id] = member.name
        return member

    def _plain(self, raw: Raw, text: str) -> tuple[str, tuple[str, ...]]:
        """The text without Slack's markup and escapes, and the members it mentions."""
        if raw.subtype == "tombstone":
            return "", ()
        if raw.comment:
            text = (_decoded(raw.comment, Comment) or Comment()).comment or text
        mentions: list[str] = []
        if "<" in text:
            text = MARKUP.sub(lambda found: self._said(found, mentions), text)
        if "&" in text:
            text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        if "xox" in text:
            text = TOKEN.sub("[token removed]", text)
        return text, tuple(dict.fromkeys(mentions))

    def _said(self, found: re.Match[str], mentions: list[str]) -> str:
        kind, target, label = found.groups()
        if kind == "@":
            mentions.append(target)
            return "@" + self.names.get(target, label or target)
        if kind == "#":
            return "#" + (label or self.channels.get(target, target))
        if kind == "!":
            return _called(target, label)
        if ":" not in target:
            return found[0]  # no link: an app wrote a bare "<"
        if not label or label == target:
            return target
        return label if target.endswith((f"://{label}", f":{label}")) else f"{label} ({target})"


def _times(ts: pa.Array) -> pa.Array:
    """Epoch seconds as text, with up to 6 digits behind the point, exactly."""
    return pc.multiply(ts.cast(pa.decimal128(18, 6)), 1_000_000).cast(pa.int64()).cast(pa.timestamp("us", "UTC"))


def _called(target: str, label: str | None) -> str:
    """Of `<!here>`, a user group or a date: the words a reader sees."""
    if target.startswith("date^"):
        return label or ""
    name = label or target.removeprefix("subteam^")
    return name if name.startswith("@") else f"@{name}"


def _listed(export: Export, name: str, type: type[T]) -> list[T | Refused]:
    return list(export.array(name, type)) if name in export.files(name) else []


def _closed(export: Export) -> Iterator[Room]:
    """The private channels and direct messages. Where their list cannot be read, nothing is: none may pass for open."""
    for name in CLOSED:
        for room in export.decode(name, list[Room]) if name in export.files(name) else ():
            room.is_private = True
            yield room


def _folders(export: Export, rooms: list[Room | Refused]) -> dict[str, list[str]]:
    """The day files of each folder. What a private one holds is only counted, unless it is asked for."""
    closed = {key for room in rooms if isinstance(room, Room) and not room.is_open for key in (room.id, room.name)}
    folders: dict[str, list[str]] = {}
    alone = Path(export.wrapping).name or export.name  # where the one channel's folder wraps everything
    for name in export.files("*.json"):
        if found := DAY.fullmatch(name):
            folder = found[1] or alone
            if export.include_private or not (folder in closed or DIRECT.fullmatch(folder)):
                folders.setdefault(folder, []).append(name)
            else:
                export.left_out["private messages"] += sum(1 for _ in export.array(name, msgspec.Raw))
    if not folders:
        raise ExportError(
            f"slack: {export.name} holds no day file of a public channel, such as general/2024-05-31.json. "
            "Is it a workspace export?"
        )
    return folders


def _channels(rooms: list[Room]) -> dict[str, Channel]:
    """The channels by the folder they may lie in: their name or their id. A talk between two has no name.

    An archived channel may share its name with one in use, which is then the folder's.
    """
    rooms.sort(key=lambda room: not room.is_archived)
    channels = {room.id: Channel(room.id, room.name or _unnamed(room), "chat", not room.is_open) for room in rooms}
    return {**channels, **{room.name: channels[room.id] for room in rooms if room.name}}


def _unnamed(room: Room) -> str:
    return room.id if room.is_open else "direct messages"


def _source(
    export: Export, users: list[User | Refused], rooms: list[Room | Refused], folders: dict[str, list[str]]
) -> Source:
    """The workspace. Its id is the team's, else the one channel's that every workspace has."""
    teams = Counter(user.team_id for user in users if isinstance(user, User) and user.team_id)
    if not teams:
        days = islice((day for days in folders.values() for day in days), 20)
        teams = Counter(team.decode() for day in days for team in TEAM.findall(export.head(day)))
    general = [room.id for room in rooms if isinstance(room, Room) and room.is_general]
    team = max(teams, key=lambda team: (teams[team], team), default=None)
    title = TITLE.search(export.name)
    name = export.name[: title.start()] if title else export.name
    return Source(PLATFORM, team or next(iter(general), export.name), name, covered_until=_stated(title))


def _stated(title: re.Match[str] | None) -> datetime | None:
    """The last day the export's name states, from its first moment on: how much of it is in, none can tell.

    The first day is not taken: a free workspace states its founding and hands out three months.
    """
    try:
        day = datetime.strptime(title[1], "%b %d %Y").replace(tzinfo=PACIFIC) if title and title[1] else None
    except ValueError:
        return None
    return day.astimezone(UTC) if day else None


def _member(user: User) -> Member:
    profile = _decoded(user.profile, Profile) or Profile()
    name = profile.display_name or user.real_name or profile.real_name or user.name or user.id
    return Member(
        user.id,
        name,
        user.name,
        profile.email,
        is_bot=bool(user.is_bot or user.is_workflow_bot) or user.id == SLACKBOT,
        is_staff=bool(user.is_admin or user.is_owner or user.is_primary_owner),
        updated_at=_time(str(user.updated)) if user.updated else None,
    )


def _profiled(user: str, profile: Profile, seen_at: datetime | None) -> Member:
    name = profile.display_name or profile.real_name or profile.name
    fallback = "Slackbot" if user == SLACKBOT else user
    return Member(user, name or fallback, profile.name, is_bot=user == SLACKBOT, updated_at=seen_at)


def _reactions(raw: msgspec.Raw, message_id: str) -> Iterator[Reaction]:
    for reacted in _decoded(raw, list[Reacted]) or []:
        users = dict.fromkeys(reacted.users)
        for user in users:
            yield Reaction(message_id, reacted.name, user)
        if reacted.count > len(users):
            yield Reaction(message_id, reacted.name, None, reacted.count - len(users))


def _attached(raw: Raw) -> int:
    """How many files and link previews hang on it."""
    if not (raw.files or raw.attachments or raw.file):
        return 0
    files = len(_decoded(raw.files, list[msgspec.Raw]) or []) or bytes(raw.file).startswith(b"{")
    return files + len(_decoded(raw.attachments, list[msgspec.Raw]) or [])


def _edited_ts(raw: Raw) -> str | None:
    edited = _decoded(raw.edited, Edited)
    return edited.ts if edited else None


def _time(ts: str | None) -> datetime | None:
    try:
        return MOMENT.decode(ts) if ts else None
    except msgspec.MsgspecError:
        return None


@cache
def _decoder(type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)


def _decoded(raw: msgspec.Raw, type: type[T]) -> T | None:
    """A part of a row, or None where it is missing or not of the usual shape."""
    if not raw:
        return None
    try:
        decoded: T = _decoder(type).decode(raw)  # type: ignore[arg-type]  # mypy takes a class for unhashable
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return decoded
