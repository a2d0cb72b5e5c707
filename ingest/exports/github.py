"""GitHub: issues, pull requests, their comments and discussions, as the API or `gh issue list --json` answers them.

A member's id is the login: discussions, which only GraphQL tells, have no other. Messages are named by what follows
the # in their address, which is the same in every API, and conversations as GitHub writes them: owner/name#12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, NamedTuple, cast

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports import _answers
from ingest.exports._answers import Row, Shape
from ingest.exports._format import Format
from ingest.exports._members import Members
from ingest.exports._moments import settle

PLATFORM = "github"
FORMAT = Format(
    group="Forums, questions and code",
    get=(
        "with GitHub's own program: gh issue list --state all --json "
        "author,body,comments,createdAt,number,title,url; or save the API's answers as .json"
    ),
    holds="issues, pull requests, reviews and discussions with their comments; who belongs to the project",
    cannot_tell="whom a comment on an issue answers; when an issue's text was edited",
    is_seen=True,
)

ADDRESS = re.compile(
    r"https?://[^/\s]+/(?P<repo>[^/\s]+/[^/\s]+)/(?P<kind>issues|pull|discussions)/(?P<number>\d+)"
    r"[^#\s]*(?:#(?P<anchor>[\w-]+))?"
)
STORED = re.compile(rb'"(?:html_url|url)"\s*:\s*"https?://[^/"\s]+/[^/"\s]+/[^/"\s]+/(?:issues|pull|discussions)/\d')
STAFF = {"OWNER", "MEMBER", "COLLABORATOR"}
GHOST = {None, "", "ghost"}  # who GitHub shows for a deleted account
HIDDEN = {"SPAM", "ABUSE"}
PLACES = {"issues": "issues", "pull": "pull requests", "discussions": "discussions"}
# Not a package (@babel/core), a team (@org/team) or the end of an address.
MENTION = re.compile(r"(?<![\w`/.@-])@([A-Za-z\d][A-Za-z\d-]{0,38})(?![\w/-])")
UNSAID = re.compile(r"<!--.*?(?:-->\s*|\Z)", re.DOTALL)  # the hints of an issue's template
THUMBS = {
    "THUMBS_UP": "+1",
    "THUMBS_DOWN": "-1",
    "LAUGH": "laugh",
    "HOORAY": "hooray",
    "CONFUSED": "confused",
    "HEART": "heart",
    "ROCKET": "rocket",
    "EYES": "eyes",
}

# GraphQL's names, and those of reviews, for what REST calls otherwise.
RENAMED = {
    "createdAt": "created_at",
    "submittedAt": "created_at",
    "submitted_at": "created_at",
    "author": "user",
    "authorAssociation": "author_association",
    "updatedAt": "updated_at",
    "isMinimized": "is_minimized",
    "minimizedReason": "minimized_reason",
    "reactionGroups": "reaction_groups",
    "lastEditedAt": "edited_at",
    "deletedAt": "deleted_at",
    "bodyText": "body",
}
SAID = {"body", "bodyText"}
HOLDERS = (
    *("data", "organization", "repository", "search", "issues", "pullRequests", "discussions", "issue", "pullRequest"),
    *("discussion", "nodes", "edges", "node", "items", "comments", "comment_data", "reviews", "review_data"),
    *("replies",),
)
LOOK = 100  # so many rows of each file tell which repositories they are of
FEW = 20  # files that are looked into to know the export

MOST = 2**31 - 1
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Few = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


class User(msgspec.Struct):
    """An account: a User, a Bot, an Organization or a Mannequin."""

    login: str | None = None
    name: str | None = None
    type: str | None = None
    is_bot: bool | None = None
    typename: str | None = msgspec.field(default=None, name="__typename")

    @property
    def bot(self) -> bool:
        return "Bot" in (self.type, self.typename) or bool(self.is_bot) or (self.login or "").endswith("[bot]")

    @property
    def id(self) -> str | None:
        """The login, or None for nobody. GraphQL writes that of dependabot[bot] without its ending."""
        login = (self.login or "").removeprefix("app/")
        if login in GHOST:
            return None
        return login + "[bot]" if self.bot and not login.endswith("[bot]") else login


class Count(msgspec.Struct, rename="camel"):
    total_count: Few = 0


class Group(msgspec.Struct):
    """How many gave one reaction, in GraphQL."""

    content: str
    users: Count | None = None
    reactors: Count | None = None


class Category(msgspec.Struct):
    name: str = ""


class Item(msgspec.Struct):
    """An issue, pull request, discussion, comment or review, by REST's names for what it has."""

    html_url: str
    created_at: Aware
    user: User | None = None
    title: str | None = None
    body: str | None = None
    author_association: str | None = None
    updated_at: Aware | None = None
    edited_at: Aware | None = None
    deleted_at: Aware | None = None
    in_reply_to_id: int | str | None = None
    is_minimized: bool | None = None
    minimized_reason: str | None = None
    reactions: Any = None
    reaction_groups: list[Group] | None = None
    state: str | None = None
    category: Category | None = None
    above: str | None = None  # the address of what it lies under


# What REST answers lies flat, and is decoded at once: nothing in it holds other items, or has GraphQL's names.
FLAT = cast(
    "msgspec.json.Decoder[Item]",
    msgspec.json.Decoder(
        msgspec.defstruct(
            "Flat",
            [*((name, str | float | None, None) for name in HOLDERS), *((name, None, None) for name in RENAMED)],
            bases=(Item,),
        )
    ),
)


class Place(NamedTuple):
    """What an item's address tells."""

    repo: str
    kind: str
    number: str
    anchor: str | None

    @property
    def conversation_id(self) -> str:
        return f"{self.repo}#{self.number}"

    @property
    def message_id(self) -> str:
        return self.anchor or self.conversation_id


def detects(export: Export) -> float:
    """High when one of the first files holds issues, discussions or comments with their addresses."""
    return 0.9 if any(_files(export, FEW)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one repository, or the owner of several, with a channel for issues, pull requests and each category."""
    files = list(_files(export))
    if not files:
        raise ExportError(f"github: {export.name} holds no issues, discussions or comments with their html_url or url.")
    yield _source(export, files)
    github = _GitHub()
    for name in files:
        for item in _items(export, name):
            yield from [item] if isinstance(item, Refused) else github.records(item)


class _GitHub:
    """What must be remembered between items: the channels, and who has been met."""

    def __init__(self) -> None:
        self._channels: set[str] = set()
        self._members = Members()

    def records(self, item: Item) -> Iterator[Record]:
        place = _place(item.html_url)
        channel = _channel(place, item.category)
        if channel.id not in self._channels:
            self._channels.add(channel.id)
            yield channel
        user = item.user or User()
        user_id, is_staff = user.id, item.author_association in STAFF
        if user_id and not self._members.knows(user_id, is_staff):
            seen_at = item.created_at if is_staff else None
            member = Member(user_id, user.name or user_id, user_id, None, user.bot, is_staff, seen_at)
            yield from self._members.tell(member)
        yield _message(item, place, channel.id, user_id)
        if item.reactions or item.reaction_groups:
            yield from _reactions(item, place.message_id)


def _message(item: Item, place: Place, channel_id: str, member_id: str | None) -> Message:
    body = item.body or ""
    text = (UNSAID.sub("", body) if "<!--" in body else body).replace("\r\n", "\n").strip()
    parent_id = _parent_id(item, place)
    is_hidden = item.is_minimized and (item.minimized_reason or "").upper() in HIDDEN
    is_edited = place.anchor and item.updated_at and item.updated_at > item.created_at  # labels change an issue too
    return Message(
        place.message_id,
        channel_id,
        member_id,
        item.created_at,
        "" if is_hidden or item.deleted_at else text,
        kind="message" if text or item.title or not item.state else "system",  # an approval without words
        title=item.title or None,
        conversation_id=place.conversation_id,
        parent_id=parent_id,
        basis="explicit" if parent_id else "thread" if place.anchor else None,
        edited_at=item.edited_at or (item.updated_at if is_edited else None),
        deleted_at=item.deleted_at or (item.created_at if is_hidden else None),
        mentions=tuple(dict.fromkeys(MENTION.findall(text))) if "@" in text else (),
        permalink=item.html_url,
    )


def _parent_id(item: Item, place: Place) -> str | None:
    """What a line of a review or of a discussion answers. An issue's comments only follow one another."""
    if item.in_reply_to_id:
        return f"discussion_r{item.in_reply_to_id}"
    if place.kind == "discussions" and item.above and ADDRESS.match(item.above):
        return _place(item.above).message_id
    return None


def _reactions(item: Item, message_id: str) -> Iterator[Reaction]:
    counts = item.reactions if isinstance(item.reactions, dict) else {}
    for name in THUMBS.values():
        if isinstance(count := counts.get(name), int) and 0 < count <= MOST:
            yield Reaction(message_id, name, count=count)
    for group in item.reaction_groups or ():
        if count := (group.users or group.reactors or Count()).total_count:
            yield Reaction(message_id, THUMBS.get(group.content, group.content.lower()), count=count)


@lru_cache(64)
def _place(address: str) -> Place:
    """What an address names: that of one item is asked for several times in a row."""
    found = ADDRESS.match(address)
    if not found:
        raise ValueError(f"its address is not that of an issue, pull request or discussion: {address}")
    return Place(*found.groups())


def _channel(place: Place, category: Category | None) -> Channel:
    channel_id, name = f"{place.repo}/{place.kind}", f"{place.repo.partition('/')[2]} {PLACES[place.kind]}"
    if category and category.name:
        channel_id, name = f"{channel_id}/{category.name}", f"{name}: {category.name}"
    return Channel(channel_id, name, "forum")


def _source(export: Export, files: list[str]) -> Source:
    """The repository, by the first items of each file; of several, their owner."""
    repos: dict[str, str] = {}
    for name in files:
        for item in islice(_items(export, name), LOOK):
            if isinstance(item, Item):
                repo = _place(item.html_url).repo
                repos.setdefault(repo.lower(), repo)
    export.done = 0  # this was only a first look: the bytes count when the items are read
    names = list(repos.values())
    owners = {repo.lower().partition("/")[0]: repo.partition("/")[0] for repo in names}
    names = names if len(names) == 1 else list(owners.values()) if len(owners) == 1 else ["GitHub"]
    return Source(PLATFORM, names[0].lower(), names[0])


# How a file holds its items


def _files(export: Export, most: int | None = None) -> Iterator[str]:
    for name in islice(_answers.likely(export), most):
        if STORED.search(_answers.beginning(export, name)):
            yield name


def _items(export: Export, name: str) -> Iterator[Item | Refused]:
    for answer in _answers.answers(export, name):
        if isinstance(answer, Refused):
            yield answer
            continue
        if item := _flat(answer.raw):
            yield item
            continue
        for row in _answers.unfolded(answer, name, SHAPE):
            yield row if isinstance(row, Refused) else _item(row, name, answer.place)


def _flat(raw: bytes) -> Item | None:
    try:
        item = FLAT.decode(raw)
        settle(item)
    except (*UNFIT, ValueError):
        return None
    return item if ADDRESS.match(item.html_url) else None


def _item(row: Row, file: str, place: str) -> Item | Refused:
    fields = {RENAMED.get(key, key): value for key, value in row.items()}
    fields["html_url"] = _address(row)
    try:
        item = msgspec.convert(fields, Item)
        _place(item.html_url)
        settle(item)
    except (*UNFIT, ValueError) as error:
        return _answers.refused(row, file, place, SHAPE, error)
    return item


def _address(item: Row) -> object:
    return item.get("html_url") or item.get("url")


def _is_item(thing: Row) -> bool:
    return (
        not SAID.isdisjoint(thing)
        or ("title" in thing and "number" in thing)
        or ADDRESS.match(str(_address(thing))) is not None
    )


def _told(item: Row) -> Row:
    """What a comment does not say itself: what it lies under, and in which category."""
    return {"above": _address(item), "category": item.get("category")}


SHAPE = Shape(HOLDERS, _is_item, _told)
