"""Discourse: saved answers of its API (/posts.json, /t/ID.json), or a folder of the discourse-archive tool.

A topic is a conversation. What a post quotes is left out: it stands where it was said. A reply names the number of a
post in its topic, and a post's number is known once that post has passed: pages of /posts.json run from the newest
post backwards, so replies wait for what they answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._moments import utc

PLATFORM = "discourse"
FORMAT = Format(
    group="Forums, questions and code",
    get=(
        "save the forum's answers to /posts.json or /t/ID.json, with categories.json beside them; or a folder "
        "of the discourse-archive tool"
    ),
    holds="public topics with their posts, replies, edits and likes; who is staff",
    cannot_tell="category names without `categories.json`; replies that Discourse stores without a link",
    is_seen=True,
)

T = TypeVar("T")

ACTION, WHISPER = 3, 4  # of a post's types: closed, split, pinned; said to staff only
LIKE = 2  # of what can be done with a post: the others are flags

START = rb"(?:\xef\xbb\xbf)?\s*"
PAGE = re.compile(START + rb'\{\s*"(latest_posts|private_posts)"\s*:\s*\[')
STREAM = re.compile(rb'"post_stream"\s*:\s*\{')
LIST, OBJECT = re.compile(START + rb"\[\s*\{"), re.compile(START + rb"\{")
KEYS = (b'"username"', b'"created_at"', b'"cooked"')  # of a post: its number may stand far behind
HOST = re.compile(rb"/user_avatar/([\w.-]+)/")
ASIDE = re.compile(r"<(/?)aside\b([^>]*)>")
QUOTED = re.compile(r'\bdata-(post|topic)="(\d+)"')
PREVIEWED = re.compile(r'\bdata-onebox-src="([^"]*)"')
MENTION = re.compile(r'<a class="mention" href="[^"]*/u(?:sers)?/([^"/]+)"')
ATTACHED = re.compile(
    r'<a class="attachment"|<(?:img|video|audio)\b(?![^>]*class="(?:emoji|avatar|site-icon|thumbnail))'
)

Kind = Literal["latest_posts", "private_posts", "topic", "list", "lines", "post"]
Number = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
Id = Annotated[str, msgspec.Meta(pattern=r"^(-?\d+|topic:\d+:\d+)$")]  # in tables; where none is told, an address


class Action(msgspec.Struct):
    """How often something was done with a post."""

    id: int
    count: int = 0


class Emoji(msgspec.Struct):
    """A reaction of the plugin of that name, in which a like is one of many."""

    id: str
    count: int = 0


class Post(msgspec.Struct):
    """A post as the API answers it. What stands under `post_stream` lacks the topic's title and category."""

    id: Number | Id
    topic_id: Number
    post_number: Number
    created_at: datetime
    username: str | None = None
    name: str | None = None
    user_id: Number | None = None
    cooked: str | None = None
    raw: Any = None
    updated_at: datetime | None = None
    reply_to_post_number: Number | None = None
    post_type: int = 1
    action_code: str | None = None
    moderator: bool | None = None
    admin: bool | None = None
    staff: bool | None = None
    deleted_at: datetime | None = None
    user_deleted: bool | None = None
    version: int = 1
    topic_title: str | None = None
    topic_slug: str | None = None
    category_id: Number | str | None = None
    actions_summary: list[Action] | None = None
    reactions: list[Emoji] | None = None


POST = msgspec.json.Decoder(Post)


class Stream(msgspec.Struct, frozen=True):
    posts: list[msgspec.Raw] = []


class Topic(msgspec.Struct):
    """An answer of /t/ID.json, or of /t/ID/posts.json, which says nothing about the topic."""

    post_stream: Stream
    id: Number | None = None
    title: str | None = None
    slug: str | None = None
    category_id: Number | None = None
    archetype: str = "regular"


class Category(msgspec.Struct):
    """Only some may read what is in a restricted one."""

    id: Number | str
    name: str
    read_restricted: bool = False
    subcategory_list: list[Category] | None = None


class CategoryList(msgspec.Struct, frozen=True):
    categories: list[Category] = []


class Site(msgspec.Struct):
    """An answer of /categories.json or /site.json."""

    category_list: CategoryList = CategoryList()
    categories: list[Category] = []


def detects(export: Export) -> float:
    """High when one of the first .json files holds posts as they were written and cooked, as only Discourse's are."""
    return 0.9 if any(_kind(export, name) for name in islice(_files(export), 20)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one forum, then each file's posts. Whispers, personal messages and closed categories are left out."""
    files = [(name, kind) for name in _files(export) if (kind := _kind(export, name))]
    if not files:
        raise ExportError(f"discourse: {export.name} holds no posts. Save the answers of /posts.json or of /t/ID.json.")
    host = export.name if export.is_pulled else _host(export, [name for name, _ in files])
    name = host or re.sub(r"\.\w+$", "", export.name)
    yield Source(PLATFORM, name, name)
    forum = Forum(export, export.address or at(host), _categories(export))
    for name, kind in files:
        for post in _posts(export, name, kind):
            yield from [post] if isinstance(post, Refused) else forum.records(post, name)
    yield from forum.rest()


def conversation(topic_id: object) -> str:
    """A topic's conversation. Not its first post's id, which a part of the topic does not tell."""
    return f"topic:{topic_id}"


def address(topic_id: object, number: object) -> str:
    """What a post is called as long as its id is not known."""
    return f"topic:{topic_id}:{number}"


def body(cooked: str) -> str:
    """What a post says, without what it quotes. Of a link's preview only its address is left."""
    if "aside" not in cooked:
        return plain(cooked)
    said, depth, position = list[str](), 0, 0
    for aside in ASIDE.finditer(cooked):
        if depth == 0:
            preview = PREVIEWED.search(aside[2])
            said += [cooked[position : aside.start()], f"<p>{preview[1]}</p>" if preview else ""]
        depth = max(0, depth + (-1 if aside[1] else 1))
        position = aside.end()
    return plain("".join(said) + ("" if depth else cooked[position:]))


def quoted(cooked: str, topic_id: int) -> str | None:
    """The number of the first post of the same topic that a post quotes."""
    for aside in ASIDE.finditer(cooked):
        where = dict(QUOTED.findall(aside[2]))
        if where.get("topic", str(topic_id)) == str(topic_id) and (number := where.get("post")):
            return str(number)
    return None


def at(host: str | None) -> str | None:
    """The address of a forum of which an export tells no more than where it lies."""
    return f"https://{host}" if host else None


class Forum:
    """What must be remembered between the posts of one forum."""

    def __init__(self, export: Export, address: str | None, categories: Iterable[Category]) -> None:
        self.export, self.address = export, address
        self.categories: dict[int | str | None, Category] = {each.id: each for each in categories}
        self.topics: dict[
            int, tuple[str | None, int | str | None]
        ] = {}  # title and category, which not every answer tells
        self.channels: set[str] = set()
        self.members: dict[int, tuple[str, str | None, bool]] = {}  # name, handle, and whether they are staff
        self.handles: dict[str, str] = {}  # member ids by the names in mentions
        self.ids: dict[str, str] = {}  # by address
        self.waiting: dict[str, list[Message]] = {}  # replies, by the address of what they answer

    def records(self, post: Post, file: str) -> Iterator[Record]:
        title, category_id = self._topic(post)
        category = self.categories.get(category_id)
        is_closed = category is not None and category.read_restricted
        if (post.post_type == WHISPER or is_closed) and not self.export.include_private:
            self.export.left_out["private messages"] += 1
            return
        sent_at = utc(post.created_at)
        if sent_at is None:
            yield Refused(file, f"post {post.id}", "its time is none", msgspec.json.encode(post))
            return
        post.created_at = sent_at
        channel_id = _channel_id(category_id)
        if channel_id not in self.channels:
            yield self._channel(channel_id, category)
        if post.user_id is not None:
            yield from self._member(post, post.user_id)
        message = self._message(post, title, channel_id)
        yield from self._in_order(message, address(post.topic_id, post.post_number))
        if post.reactions or post.actions_summary:
            yield from _reactions(post)

    def rest(self) -> Iterator[Message]:
        """The replies to posts that are not in the export."""
        for messages in self.waiting.values():
            yield from messages

    def _in_order(self, message: Message, here: str) -> Iterator[Message]:
        """The message, unless it must wait for its parent, and those that waited for it."""
        self.ids[here] = message.id
        if message.parent_id is None:
            yield message
        elif parent_id := self.ids.get(message.parent_id):
            yield msgspec.structs.replace(message, parent_id=parent_id)
        else:
            self.waiting.setdefault(message.parent_id, []).append(message)
        for reply in self.waiting.pop(here, ()):
            yield msgspec.structs.replace(reply, parent_id=message.id)

    def _topic(self, post: Post) -> tuple[str | None, int | str | None]:
        title, category_id = self.topics.get(post.topic_id, (None, None))
        told = post.topic_title or title, category_id if post.category_id is None else post.category_id
        self.topics[post.topic_id] = told
        return told

    def _channel(self, channel_id: str, category: Category | None) -> Channel:
        self.channels.add(channel_id)
        name = category.name if category else f"category {channel_id}" if channel_id.isdecimal() else channel_id
        return Channel(channel_id, name, "forum", is_private=category is not None and category.read_restricted)

    def _member(self, post: Post, user_id: int) -> Iterator[Member]:
        """Who wrote it, where that is news. -1 is the system, -2 the guide of newcomers."""
        name, handle = post.name or post.username or f"member {user_id}", post.username or None
        is_staff = bool(post.staff or post.admin or post.moderator)
        self.handles[(handle or "").lower()] = str(user_id)
        if self.members.get(user_id) != (name, handle, is_staff):
            self.members[user_id] = name, handle, is_staff
            yield Member(str(user_id), name, handle, None, user_id < 0, is_staff, post.created_at)

    def _message(self, post: Post, title: str | None, channel_id: str) -> Message:
        cooked = post.cooked or ""
        answered = None if post.post_number == 1 else parent(post)
        return Message(
            str(post.id),
            channel_id,
            None if post.user_id is None else str(post.user_id),
            post.created_at,
            _text(post),
            kind="system" if post.action_code or post.post_type == ACTION else "message",
            title=title,
            conversation_id=conversation(post.topic_id),
            parent_id=answered,
            basis="explicit" if answered else "thread" if post.post_number != 1 else None,
            edited_at=utc(post.updated_at) if post.version > 1 else None,
            deleted_at=_deleted_at(post),
            mentions=tuple(dict.fromkeys(self._mentioned(cooked))),
            attachments=len(ATTACHED.findall(cooked)),
            permalink=f"{self.address}/t/{post.topic_id}/{post.post_number}" if self.address else None,
        )

    def _mentioned(self, cooked: str) -> Iterator[str]:
        """Of those who are named, whom we have met."""
        for name in MENTION.findall(cooked) if 'class="mention"' in cooked else ():
            if member_id := self.handles.get(name.lower()):
                yield member_id


def _channel_id(category_id: int | str | None) -> str:
    return "unknown" if category_id is None else str(category_id)


def parent(post: Post) -> str | None:
    """The address of what is answered: by the platform's own link, else by a quotation."""
    number = post.reply_to_post_number or quoted(post.cooked or "", post.topic_id)
    return address(post.topic_id, number) if number and str(number) != str(post.post_number) else None


def _text(post: Post) -> str:
    if post.user_deleted:
        return ""  # all that is left is a line that says so
    said = body(post.cooked) if post.cooked else post.raw if isinstance(post.raw, str) else ""
    return said or post.action_code or ""


def _deleted_at(post: Post) -> datetime | None:
    """The moment staff deleted a post, or its author took it back, which is its last change."""
    moment = post.deleted_at or ((post.updated_at or post.created_at) if post.user_deleted else None)
    return (utc(moment) or utc(post.created_at)) if moment else None


def _reactions(post: Post) -> Iterator[Reaction]:
    """Where the plugin counts reactions, likes are among them."""
    counts = [(each.id, each.count) for each in post.reactions or ()]
    counts = counts or [("like", each.count) for each in post.actions_summary or () if each.id == LIKE]
    yield from (Reaction(str(post.id), name, count=count) for name, count in counts if count > 0)


# Which files, and what they hold


def _files(export: Export) -> Iterator[str]:
    return (name for name in export.files() if name.lower().endswith((".json", ".jsonl", ".ndjson")))


def _kind(export: Export, name: str) -> Kind | None:
    """How a file holds posts, if it does."""
    head = export.head(name)
    if page := PAGE.match(head):
        return "latest_posts" if page[1] == b"latest_posts" else "private_posts"
    if not all(key in head for key in KEYS):
        return None
    if not name.lower().endswith(".json"):
        return "lines"
    if OBJECT.match(head):
        return "topic" if STREAM.search(head) else "post"
    return "list" if LIST.match(head) else None


def _posts(export: Export, name: str, kind: Kind) -> Iterator[Post | Refused]:
    match kind:
        case "latest_posts":
            return export.array(name, Post, key=kind)
        case "private_posts":
            return _personal(export, export.array(name, Post, key=kind))
        case "list":
            return export.array(name, Post)
        case "lines":
            return (_post(name, f"line {number}", line) for number, line in export.lines(name) if line.strip())
        case "post":
            return iter([_whole(export, name, Post)])
    return _topic(export, name)


def _whole(export: Export, name: str, type: type[T]) -> T | Refused:
    try:
        return export.decode(name, type)
    except ExportError as error:
        return Refused(name, "byte 0", str(error), export.head(name))


def _topic(export: Export, name: str) -> Iterator[Post | Refused]:
    """The posts of a topic's answer, each told of what it belongs to."""
    topic = _whole(export, name, Topic)
    if isinstance(topic, Refused):
        return iter([topic])
    posts = (_post(name, f"post {number}", raw) for number, raw in enumerate(topic.post_stream.posts, 1))
    told = (post if isinstance(post, Refused) else _told(post, topic) for post in posts)
    return _personal(export, told) if topic.archetype == "private_message" else told


def _told(post: Post, topic: Topic) -> Post:
    post.topic_title = post.topic_title or topic.title
    post.category_id = topic.category_id if post.category_id is None else post.category_id
    return post


def _personal(export: Export, posts: Iterator[Post | Refused]) -> Iterator[Post | Refused]:
    """Posts of personal messages: none, unless they are asked for."""
    for post in posts:
        if export.include_private:
            yield post
        else:
            export.left_out["private messages"] += 1


def _post(file: str, place: str, raw: bytes | msgspec.Raw) -> Post | Refused:
    try:
        return POST.decode(raw)
    except UNFIT as error:
        return Refused(file, place, str(error), bytes(raw))


def _host(export: Export, names: list[str]) -> str | None:
    """The forum's address, which pictures of its members tell: nothing else in a post does."""
    for name in names[:200]:
        if found := HOST.search(export.head(name)):
            return found[1].decode()
    return None


def _categories(export: Export) -> Iterator[Category]:
    """What saved answers of /categories.json and /site.json tell of them."""
    names = [name for name in export.files("*.json") if name.rpartition("/")[2] in ("categories.json", "site.json")]
    for name in names:
        site = export.decode(name, Site)
        waiting = [*site.categories, *site.category_list.categories]
        while waiting:
            yield (category := waiting.pop())
            waiting += category.subcategory_list or []
