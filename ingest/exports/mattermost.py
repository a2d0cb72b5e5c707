"""Mattermost: the bulk export (.jsonl, or the zip around it), or saved answers of the API.

A bulk export tells no ids: there a message is named by its channel, its moment and its author, and people go by their
usernames. Answers of /channels/{id}/posts are read together with those of /users, /channels and /teams beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._answers import kinds, row, rows
from ingest.exports._format import Format
from ingest.exports._moments import epoch_ms

PLATFORM = "mattermost"
FORMAT = Format(
    group="Chats",
    get=(
        "on the server: mmctl export create, then mmctl export download; or save the API's answers to "
        "/channels/{id}/posts, with those to /users beside them"
    ),
    holds="public channels' posts with threads and reactions; members with their roles",
    cannot_tell="of the bulk export: ids of posts, deleted posts, and people go by their usernames",
)

OPEN = "O"  # a channel's type; P is private, D and G are direct messages of two and of more
ADMIN = re.compile(r"\b(?:system|team)_admin\b")
MENTION = re.compile(r"(?<![\w.@-])@([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
MOVED = re.compile(r"@?(\S+) (?:has )?(?:joined|left) the (?:channel|team)\.")  # of exports older than `type`

T = TypeVar("T")
Id = Annotated[str, msgspec.Meta(min_length=1)]

MARKS = {
    "bulk": (b'"type"', b'"version"', b'"team"', b'"channel"', b'"username"'),
    "posts": (b'"order"', b'"posts"'),
    "users": (b'"username"', b'"roles"'),
    "channels": (b'"display_name"', b'"team_id"'),
    "teams": (b'"display_name"', b'"allow_open_invite"'),
}
TEAM = re.compile(rb'"type"\s*:\s*"team"\s*,\s*"team"\s*:\s*\{[^{}]*?"name"\s*:\s*"([^"]+)"')
DIRECT = re.compile(rb'\s*\{\s*"type"\s*:\s*"direct_post"')


class Team(msgspec.Struct):
    """A team, in either form. A bulk export tells its name only."""

    name: Id
    id: str = ""
    display_name: str = ""


class Room(msgspec.Struct):
    """A channel, in either form."""

    name: Id
    type: str
    id: str = ""
    team: str = ""
    team_id: str = ""
    display_name: str = ""


class Membership(msgspec.Struct):
    """What somebody may do in a team."""

    roles: str | None = None


class User(msgspec.Struct):
    """An account, in either form."""

    username: Id
    id: str = ""
    nickname: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None  # a bot's
    email: str | None = None
    roles: str | None = None
    teams: list[Membership] | None = None
    is_bot: bool = False


class Emoji(msgspec.Struct):
    """A reaction, in either form."""

    emoji_name: str
    user: str | None = None
    user_id: str | None = None


class Meta(msgspec.Struct):
    """What the API adds to a post."""

    reactions: list[Emoji] | None = None


class Post(msgspec.Struct):
    """A post or a reply. `user`, `team` and `channel` are names in a bulk export; the ids are the API's."""

    create_at: int
    message: str = ""
    type: str | None = None
    props: Any = None
    user: str | None = None
    team: str = ""
    channel: str = ""
    channel_members: list[str] = []
    replies: list[msgspec.Raw] | None = None
    reactions: list[Emoji] | None = None
    attachments: list[msgspec.Raw] | None = None
    edit_at: int | None = None
    id: str = ""
    user_id: str = ""
    channel_id: str = ""
    root_id: str = ""
    delete_at: int = 0
    file_ids: list[str] | None = None
    metadata: Meta | None = None


class Line(msgspec.Struct):
    """A line of a bulk export."""

    type: str
    team: Team | None = None
    channel: Room | None = None
    user: User | None = None
    bot: User | None = None
    post: Post | None = None
    direct_post: Post | None = None


class Page(msgspec.Struct):
    """An answer to /channels/{id}/posts."""

    posts: dict[str, msgspec.Raw]


def detects(export: Export) -> float:
    """High when a file begins as a bulk export does, or holds posts and their order."""
    return 0.9 if kinds(export, MARKS, limit=20).keys() & {"bulk", "posts"} else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one server or team, its channels and members, and its posts, in a bulk export each with its replies."""
    files = kinds(export, MARKS)
    if files["bulk"]:
        yield from _exported(export, files["bulk"])
    elif files["posts"]:
        yield from _answered(export, files)
    else:
        raise ExportError(f"mattermost: {export.name} holds no posts. Give a bulk export, or answers of the API.")


def _exported(export: Export, files: list[str]) -> Iterator[Record]:
    teams = {found.decode(errors="replace") for file in files for found in TEAM.findall(export.head(file, 1 << 20))}
    name = ", ".join(sorted(teams)) or export.name
    yield Source(PLATFORM, name, name)
    server = _Server(export)
    for file in files:
        for number, raw in export.lines(file):
            if not raw.strip():
                continue
            line = row(raw, Line, file, f"line {number}")
            if not isinstance(line, Refused):
                yield from server.line(line, file, number)
            elif DIRECT.match(raw) and not export.include_private:
                export.left_out["private messages"] += 1
            else:
                yield line


def _answered(export: Export, files: dict[str, list[str]]) -> Iterator[Record]:
    """Saved answers of the API, of one team or of all that lie together."""
    teams = [team for file in files["teams"] for team in rows(export, file, Team) if isinstance(team, Team)]
    rooms = [room for file in files["channels"] for room in rows(export, file, Room) if isinstance(room, Room)]
    names = {team.id: team.display_name or team.name for team in teams}
    ids = sorted(set(names) or {room.team_id for room in rooms if room.team_id})
    source = ", ".join(ids) or export.name
    yield Source(PLATFORM, source, ", ".join(names.get(id_, export.name) for id_ in ids) or export.name)
    server = _Server(export)
    for room in rooms:
        server.place(room.id, room)
    for user in (user for file in files["users"] for user in rows(export, file, User)):
        yield user if isinstance(user, Refused) else server.member(user)
    for file in files["posts"]:
        for id_, raw in export.decode(file, Page).posts.items():
            post = row(raw, Post, file, f"post {id_}")
            yield from [post] if isinstance(post, Refused) else server.post(post, file)


class _Server:
    """What must be remembered between posts."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.places: dict[str, Channel] = {}
        self.usernames: dict[str, str] = {}  # members' ids
        self.told: set[str] = set()

    def line(self, line: Line, file: str, number: int) -> Iterator[Record]:
        """What a line of a bulk export tells."""
        if line.channel:
            self.place(f"{line.channel.team}/{line.channel.name}", line.channel)
        elif line.user:
            yield self.member(line.user)
        elif line.bot:
            line.bot.is_bot = True
            yield self.member(line.bot)
        elif post := line.post or line.direct_post:
            yield from self._talk(post, file, number)

    def place(self, id_: str, room: Room) -> None:
        self.places[id_] = Channel(id_, room.display_name or room.name, "chat", room.type != OPEN)

    def member(self, user: User) -> Member:
        """An account, from now on known by its username."""
        id_ = user.id or user.username
        self.usernames[user.username] = id_
        self.told.add(id_)
        full = " ".join(filter(None, (user.first_name, user.last_name)))
        roles = " ".join(filter(None, (user.roles, *(team.roles for team in user.teams or []))))
        return Member(
            id_,
            user.nickname or full or user.display_name or user.username,
            user.username,
            user.email or None,
            is_bot=user.is_bot,
            is_staff=not user.is_bot and ADMIN.search(roles) is not None,
        )

    def _talk(self, post: Post, file: str, number: int) -> Iterator[Record]:
        """A post of a bulk export, and the replies inside it."""
        channel_id = f"{post.team}/{post.channel}"
        if post.channel_members:
            channel_id = "direct:" + ",".join(sorted(post.channel_members))
            self.places[channel_id] = Channel(channel_id, "direct messages", "chat", is_private=True)
        if self._is_hidden(channel_id):
            self.export.left_out["private messages"] += 1 + len(post.replies or ())
            return
        post.channel_id, post.id = channel_id, _named(post, channel_id)
        yield from self.post(post, file)
        for raw in post.replies or []:
            reply = row(raw, Post, file, f"line {number}")
            if isinstance(reply, Refused):
                yield reply
                continue
            reply.channel_id, reply.id, reply.root_id = channel_id, _named(reply, channel_id), post.id
            yield from self.post(reply, file)

    def post(self, post: Post, file: str) -> Iterator[Record]:
        """A post, and before it what is new of its channel and author."""
        if self._is_hidden(post.channel_id):
            self.export.left_out["private messages"] += 1
            return
        channel = self.places.get(post.channel_id) or Channel(post.channel_id, post.channel_id, "chat")
        sent_at = epoch_ms(post.create_at)
        if sent_at is None or not (post.id and post.channel_id):
            reason = "its time is none" if sent_at is None else "it does not say its id and its channel"
            yield Refused(file, f"post {post.id}", reason, msgspec.json.encode(post))
            return
        if f"channel {channel.id}" not in self.told:
            self.told.add(f"channel {channel.id}")
            yield channel
        author = _author(post)
        if author and author.id not in self.told:
            self.told.add(author.id)
            yield author
        yield self._message(post, sent_at, author)
        for emoji in (post.metadata.reactions if post.metadata else post.reactions) or []:
            yield Reaction(post.id, emoji.emoji_name, emoji.user_id or emoji.user)

    def _is_hidden(self, channel_id: str) -> bool:
        channel = self.places.get(channel_id)
        return channel is not None and channel.is_private and not self.export.include_private

    def _message(self, post: Post, sent_at: datetime, author: Member | None) -> Message:
        deleted_at = epoch_ms(post.delete_at) or sent_at if post.delete_at else None
        moved = None if post.type else MOVED.fullmatch(post.message)
        is_system = (post.type or "").startswith("system_") or (moved is not None and moved[1] == post.user)
        called = (
            self.usernames.get(name) or self.usernames.get(name.rstrip("._-")) for name in MENTION.findall(post.message)
        )
        return Message(
            post.id,
            post.channel_id,
            author.id if author else None,
            sent_at,
            "" if deleted_at else post.message,
            kind="system" if is_system else "message",
            conversation_id=post.root_id or None,
            parent_id=post.root_id or None,
            basis="thread" if post.root_id else None,
            edited_at=epoch_ms(post.edit_at) if post.edit_at else None,
            deleted_at=deleted_at,
            mentions=tuple(dict.fromkeys(filter(None, called))),
            attachments=len(post.attachments or post.file_ids or ()),
        )


def _author(post: Post) -> Member | None:
    """Who wrote it. What a webhook posts comes under the account of whoever set the webhook up."""
    props = post.props if isinstance(post.props, dict) else {}
    if props.get("from_webhook") == "true":
        name = str(props.get("override_username") or props.get("webhook_display_name") or "webhook")
        return Member(f"webhook:{name}", name, is_bot=True)
    id_ = post.user_id or post.user
    return Member(id_, id_, is_bot=props.get("from_bot") == "true") if id_ else None


def _named(post: Post, channel_id: str) -> str:
    return f"{channel_id}:{post.create_at}:{post.user}"
