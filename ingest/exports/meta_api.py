"""Facebook pages and Instagram accounts: saved answers of the Graph API, posts with their comments and replies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from data.records import Audience, Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._members import Members

PLATFORM = "facebook"  # of an Instagram account the source says so
FORMAT = Format(
    group="Social platforms",
    get=("save the Graph API's answers as .json: a page's or account's posts with their comments and replies"),
    holds="one Facebook page's or Instagram account's posts, with everybody's comments and replies",
    cannot_tell="authors that Facebook withholds; comments never asked for",
    is_seen=True,
)

GLANCE = 4 << 20  # an answer holds 100 items at most: this is all of it, with the address of the next at its end
FACEBOOK = re.compile(rb'"created_time"\s*:\s*"\d{4}-\d\d-\d\dT[\d:]+\+0000"|"fan_count"\s*:\s*\d')
INSTAGRAM = re.compile(rb'"timestamp"\s*:\s*"\d{4}-\d\d-\d\dT[\d:]+\+0000"|"media_count"\s*:\s*\d')
INSIGHTS = re.compile(rb'"end_time"\s*:\s*"[\dT:-]+\+0000"')
PROFILE = re.compile(
    rb'\s*\{(?!\s*"business_discovery").{0,65536}?"(?:fan_count|followers_count|media_count)"\s*:', re.DOTALL
)
UNDER_DATA = re.compile(rb'\s*\{\s*"data"\s*:\s*\[')
ASKED = re.compile(rb"graph\.(?:facebook|instagram)\.com/v[\d.]+/(?:(\d+)_)?(\d+)/(\w+)\?")
# Where the id of the page or account is told for certain; else, where it is most often.
STATED = {
    "facebook": re.compile(
        rb"graph\.facebook\.com/v[\d.]+/(\d+)/(?:feed|posts|published_posts|tagged)\b"
        rb'|"permalink_url"\s*:\s*"https://www\.facebook\.com/(\d+)/posts/'
    ),
    "instagram": re.compile(
        rb"graph\.(?:facebook|instagram)\.com/v[\d.]+/(\d+)/(?:media|tags|stories)\b"
        rb'|"(?:owner|user)"\s*:\s*\{\s*"id"\s*:\s*"(\d+)"'
    ),
}
LIKELY = {
    "facebook": re.compile(rb'/(\d+)_\d+/comments|"id"\s*:\s*"(\d+)_\d+"'),
    "instagram": re.compile(rb'"id"\s*:\s*"(1784\d+)/insights()'),
}
# Whose pictures they are: the name beside a picture's kind, in whichever order.
BESIDE = re.compile(
    rb'"media_type"\s*:[^{}]{0,4096}?"username"\s*:\s*"([^"]+)"|"username"\s*:\s*"([^"]+)"[^{}]{0,4096}?"media_type"'
)
COMMENT_LINK = re.compile(r"facebook\.com/(\d+)/posts/(\d+)/?\?comment_id=(\d+)(?:&reply_comment_id=(\d+))?")
ITEM_ID = re.compile(r"\d+(?:_\d+)+")
KINDS = ("like", "love", "care", "haha", "wow", "sad", "angry", "thankful", "pride")
EDGES = attrgetter(*KINDS)
OWN_EDGES = {"posts", "published_posts", "media"}


class Person(msgspec.Struct, frozen=True):
    """An author, or a page or person that a text names."""

    id: str = ""
    name: str = ""
    username: str = ""


class Ref(msgspec.Struct, frozen=True):
    """What a comment answers, or is under."""

    id: str = ""


class Summary(msgspec.Struct, frozen=True):
    """How many there are, of whom the answer holds some or none."""

    total_count: int = 0


class Edge(msgspec.Struct, frozen=True, gc=False):
    """A list inside an item."""

    data: list[msgspec.Raw] = []
    summary: Summary = Summary()


NONE = Edge()


class Reading(msgspec.Struct, frozen=True):
    """A figure of a day."""

    value: Any = None
    end_time: str = ""


class Node(msgspec.Struct, frozen=True, gc=False):
    """Any item of any answer: a post, a comment, a private message, a figure, the account itself."""

    id: str = ""
    created_time: str = ""
    timestamp: str = ""
    message: str = ""
    story: str = ""
    text: str = ""
    caption: str = ""
    media_type: str = ""
    author: Person | None = msgspec.field(name="from", default=None)
    user: Person | None = None
    owner: Person | None = None
    username: str = ""
    name: str = ""
    type: str = ""
    parent: Ref | None = None
    parent_id: str = ""
    media: Ref | None = None
    permalink_url: str = ""
    permalink: str = ""
    is_private: bool = False
    to: Any = None
    like_count: int = 0
    fan_count: int | None = None
    followers_count: int | None = None
    media_count: int | None = None
    message_tags: list[Person] = []
    attachment: Any = None
    attachments: Edge = NONE
    children: Edge = NONE
    comments: Edge = NONE
    replies: Edge = NONE
    messages: Edge = NONE
    reactions: Edge = NONE
    likes: Edge | int = 0  # a number on the oldest comments
    like: Edge = NONE
    love: Edge = NONE
    care: Edge = NONE
    haha: Edge = NONE
    wow: Edge = NONE
    sad: Edge = NONE
    angry: Edge = NONE
    thankful: Edge = NONE
    pride: Edge = NONE
    values: list[Reading] = []
    data: list[msgspec.Raw] = []

    @property
    def is_said(self) -> bool:
        """Whether it is a post or a comment: not an album, a shop, or a figure."""
        if self.created_time:
            return bool(ITEM_ID.fullmatch(self.id) or COMMENT_LINK.search(self.permalink_url))
        return bool(self.timestamp and (self.text or self.caption or self.media_type))


NODE = msgspec.json.Decoder(Node)


class Above(NamedTuple):
    """Where an item was found: under which post and comment, and by which question."""

    post_id: str | None = None
    comment_id: str | None = None
    edge: str = ""


class At(NamedTuple):
    """Where an item stands."""

    file: str
    number: int


class Place(NamedTuple):
    """The page or account that the answers are about."""

    platform: str
    id: str
    name: str
    username: str
    followers: int | None


def detects(export: Export) -> float:
    """High when one of the first .json files has an address of the Graph API, or its way to write times."""
    heads = [_head(export, name, 1 << 16) for name in islice(export.files("*.json"), 12)]
    return 0.9 if any(_is_relevant(head) for head in heads) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one page or account, then each file's items, down to the replies."""
    names = [name for name in export.files("*.json") if _is_relevant(_head(export, name, 1 << 16))]
    place = _place(export, names)
    yield Source(place.platform, place.id, place.name)
    yield Channel(place.id, place.name, "forum")
    answers = _Answers(export, place)
    for name in names:
        above = _asked(_head(export, name, GLANCE), place)
        for number, node in enumerate(_nodes(export, name), 1):
            yield from [node] if isinstance(node, Refused) else answers.records(node, above, At(name, number))
    if place.followers and answers.latest:
        yield Audience("followers", answers.latest, place.followers)


class _Answers:
    """What must be remembered between the items."""

    def __init__(self, export: Export, place: Place) -> None:
        self.export, self.place = export, place
        self.members = Members()
        self.threads: set[str] = set()
        self.latest: datetime | None = None

    def records(self, node: Node, above: Above, at: At) -> Iterator[Record]:
        """An item and all below it."""
        if node.data:
            yield from self._below(node.data, above, at)
        if node.data and not node.id:
            return  # a list, with whatever stands before it
        if node.to is not None or node.messages.data or node.is_private:
            yield from self._private(node, at)
        elif node.is_said or above.comment_id or (above.post_id and (node.text or node.message)):
            yield from self._said(node, above, at)
        else:
            yield from self._figures(node)

    def _said(self, node: Node, above: Above, at: At) -> Iterator[Record]:
        sent_at = _moment(node.created_time or node.timestamp)
        node_id, post_id, parent_id = _links(node, above, self.place)
        if sent_at is None or not node_id:
            yield _refused(node, at, "it has no id" if sent_at else "it has no time that can be read")
            return
        self.latest = max(sent_at, self.latest or sent_at)
        member = self._author(node, is_own=node_id == post_id and above.edge in OWN_EDGES)
        if member:
            yield from self.members.tell(member)
        text = node.message or node.text or node.caption
        yield Message(
            node_id,
            self.place.id,
            member.id if member else None,
            sent_at,
            text or node.story,
            kind="system" if node.story and not text else "message",
            conversation_id=post_id,
            parent_id=parent_id,
            basis="explicit" if parent_id else None,
            mentions=tuple(tag.id for tag in node.message_tags if tag.id),
            attachments=_attachments(node),
            permalink=next(
                (link for link in (node.permalink_url, node.permalink) if link.startswith("https://")), None
            ),
        )
        yield from _reactions(node, node_id)
        if inside := [*node.comments.data, *node.replies.data]:
            yield from self._below(inside, Above(post_id or node_id, None if node_id == post_id else node_id), at)

    def _below(self, raws: list[msgspec.Raw], above: Above, at: At) -> Iterator[Record]:
        """Items inside an item: a wrong one takes none of the others with it."""
        for raw in raws:
            node = _node(raw, at)
            yield from [node] if isinstance(node, Refused) else self.records(node, above, at)

    def _author(self, node: Node, is_own: bool) -> Member | None:
        """Who wrote it. Instagram's ids of people differ from app to app; its names are one account's at a time."""
        person, place = node.author or node.user or node.owner or Person(), self.place
        handle = person.username or node.username
        # Instagram tells the user of a comment only where it is the account itself.
        if is_own or node.user or person.id == place.id or (handle and handle == place.username):
            return Member(place.id, place.name, place.username or None, is_staff=True)
        member_id = f"username:{handle}" if handle else person.id
        return Member(member_id, person.name or handle or member_id, handle or None) if member_id else None

    def _private(self, node: Node, at: At) -> Iterator[Record]:
        """A thread of the inbox, a message of one, or a comment that only the page and its author see."""
        is_thread = node.to is None and not node.is_private
        if not self.export.include_private:
            self.export.left_out["private messages"] += len(node.messages.data) if is_thread else 1
            return
        channel = Channel(f"private:{node.id}" if is_thread else "private", "Inbox", "chat", is_private=True)
        if channel.id not in self.threads:
            self.threads.add(channel.id)
            yield channel
        for row in (_node(raw, at) for raw in node.messages.data) if is_thread else [node]:
            if isinstance(row, Refused):
                yield row
                continue
            sent_at, member = _moment(row.created_time or row.timestamp), self._author(row, is_own=False)
            if sent_at is None or not row.id:
                yield _refused(row, at, "it has no time that can be read, or no id")
                continue
            if member:
                yield from self.members.tell(member)
            text, author = row.message or row.text, member.id if member else None
            yield Message(row.id, channel.id, author, sent_at, text, attachments=_attachments(row))

    def _figures(self, node: Node) -> Iterator[Audience]:
        """Insights: a figure for each day. Those of a whole life have no time, and those by country are many."""
        of = node.id.partition("/")[0]
        for reading in node.values:
            measured_at = _moment(reading.end_time)
            if measured_at and isinstance(reading.value, int | float):
                yield Audience(node.name, measured_at, reading.value, "" if of == self.place.id else of)


def _links(node: Node, above: Above, place: Place) -> tuple[str, str | None, str | None]:
    """An item's own id, its post's and its parent's. A post is its own post and has no parent."""
    if node.permalink_url and (link := COMMENT_LINK.search(node.permalink_url)):
        page, post, comment, reply = link.groups()
        node_id = node.id or f"{post}_{reply or comment}"
        return node_id, f"{page}_{post}", f"{post}_{comment}" if reply else f"{page}_{post}"
    parent_id = (node.parent.id if node.parent else "") or node.parent_id or above.comment_id
    post_id = above.post_id or (node.media.id if node.media else None)
    *post, _ = node.id.split("_")  # a comment's id has that of its post before it, with the page's or without
    if post_id is None and place.platform == "facebook" and post and post != [place.id]:
        post_id = f"{place.id}_{post[-1]}"
    is_comment = bool(post_id or parent_id or node.text)
    return node.id, post_id if is_comment else node.id, (parent_id or post_id) if is_comment else None


def _attachments(node: Node) -> int:
    counted = len(node.attachments.data) or len(node.children.data)
    return counted or int(node.attachment is not None or bool(node.media_type))


def _reactions(node: Node, node_id: str) -> Iterator[Reaction]:
    """How many of which kind: who they were is not kept."""
    edges = zip(KINDS, EDGES(node), strict=True)
    kinds = {kind: count for kind, edge in edges if edge is not NONE and (count := edge.summary.total_count)}
    likes = node.likes if isinstance(node.likes, int) else max(node.likes.summary.total_count, len(node.likes.data))
    if most := max(kinds.get("like", 0), node.like_count, likes):
        kinds["like"] = most
    if not kinds and (node.reactions.data or node.reactions.summary.total_count):
        named = (_node(raw, At("", 0)) for raw in node.reactions.data)
        kinds = Counter(each.type.lower() or "reaction" for each in named if isinstance(each, Node))
        kinds["reaction"] += max(0, node.reactions.summary.total_count - len(node.reactions.data))
    yield from (Reaction(node_id, kind, count=count) for kind, count in kinds.items() if count > 0)


# Files, and what they are about


def _head(export: Export, name: str, size: int) -> bytes:
    return export.head(name, size).removeprefix(b"\xef\xbb\xbf").replace(b"\\/", b"/")


def _is_relevant(head: bytes) -> bool:
    return any(kind.search(head) for kind in (FACEBOOK, INSTAGRAM, INSIGHTS))


def _asked(head: bytes, place: Place) -> Above:
    """What was asked for, by the address of the next page, which has more of the same."""
    found = ASKED.search(head)
    if not found:
        return Above()
    before, asked, edge = ((part or b"").decode() for part in found.groups())
    if edge == "replies":
        return Above(None, asked)
    if edge != "comments":
        return Above(edge=edge)
    if place.platform == "instagram":
        return Above(asked)
    if before and before != place.id:  # a comment's own comments
        return Above(f"{place.id}_{before}", f"{before}_{asked}")
    return Above(f"{place.id}_{asked}")


def _place(export: Export, names: list[str]) -> Place:
    """The one page or account that everything is about, by what it says of itself or by addresses."""
    if not names:
        raise ExportError(f"meta_api: {export.name} holds no answer of the Graph API with posts or comments.")
    clues = _Clues()
    for name in names:
        clues.look(_head(export, name, GLANCE))
    platform = _platform(export, clues)
    ids = {profile.id for profile in clues.profiles} | set(clues.stated[platform]) or _first(clues.likely[platform])
    if len(ids) > 1:
        several = ", ".join(sorted(ids))
        raise ExportError(f"meta_api: {export.name} is about several pages ({several}). Load them one by one.")
    place_id = next(iter(ids), export.name.removesuffix(".json"))
    profile = clues.profiles[0] if clues.profiles else Node()
    username = profile.username or next(iter(_first(clues.usernames)), "")
    name = profile.name or profile.username or place_id
    return Place(platform, place_id, name, username, profile.followers_count or profile.fan_count)


class _Clues:
    """What the files tell of whom they are about."""

    def __init__(self) -> None:
        self.platforms: set[str] = set()
        self.stated = {platform: Counter[str]() for platform in STATED}
        self.likely = {platform: Counter[str]() for platform in LIKELY}
        self.usernames = Counter[str]()
        self.profiles: list[Node] = []

    def look(self, head: bytes) -> None:
        self.platforms |= {
            name for name, kind in (("facebook", FACEBOOK), ("instagram", INSTAGRAM)) if kind.search(head)
        }
        for platform, stated in self.stated.items():
            stated.update(_found(STATED[platform], head))
            self.likely[platform].update(_found(LIKELY[platform], head))
        self.usernames.update(_found(BESIDE, head))
        if PROFILE.match(head) and (profile := _profile(head)):
            self.profiles.append(profile)


def _platform(export: Export, clues: _Clues) -> str:
    if len(clues.platforms) > 1:
        raise ExportError(f"meta_api: {export.name} holds answers about Facebook and Instagram. Load them one by one.")
    return next(iter(clues.platforms), "instagram" if clues.likely["instagram"] else "facebook")


def _found(pattern: re.Pattern[bytes], head: bytes) -> Iterator[str]:
    return ((one or other).decode("utf-8", "replace") for one, other in pattern.findall(head))


def _first(found: Counter[str]) -> set[str]:
    return {name for name, _ in found.most_common(1)}


def _profile(head: bytes) -> Node | None:
    """What a page or account says of itself, where that is the whole of a file."""
    try:
        node = NODE.decode(head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return node if node.id and not (node.created_time or node.timestamp) else None


def _nodes(export: Export, name: str) -> Iterator[Node | Refused]:
    head = export.head(name).removeprefix(b"\xef\xbb\xbf")
    if head.lstrip().startswith(b"["):
        return export.array(name, Node)
    return export.array(name, Node, key="data") if UNDER_DATA.match(head) else _single(export, name)


def _single(export: Export, name: str) -> Iterator[Node | Refused]:
    """A file that is one item, or several by their ids."""
    try:
        fields = export.decode(name, dict[str, msgspec.Raw])
    except ExportError as error:
        yield Refused(name, "byte 0", str(error), export.head(name, 1024))
        return
    whole = "id" in fields or "data" in fields
    parts = (
        [msgspec.json.encode(fields)] if whole else [bytes(raw) for raw in fields.values() if bytes(raw)[:1] == b"{"]
    )
    yield from (_node(raw, At(name, number)) for number, raw in enumerate(parts, 1))


def _node(raw: bytes | msgspec.Raw, at: At) -> Node | Refused:
    try:
        return NODE.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refused(at.file, f"record {at.number}", str(error), bytes(raw)[: 1 << 20])


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written) if written else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _refused(node: Node, at: At, reason: str) -> Refused:
    return Refused(at.file, f"record {at.number}", reason, msgspec.json.encode(node))
