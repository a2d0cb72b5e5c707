"""Bluesky: an account's repository, the .car file of Settings > Account > Export my data, or saved feeds and threads.

The repository holds the account's own posts, saved answers of getAuthorFeed or getPostThread also those around them;
a post has the same address in both. The account, in answers that of profile.json or else the one that began most
conversations, is the community's own side. A repost says nothing of its own and is a system line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import Annotated, Any

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports import _answers
from ingest.exports._answers import Row, Shape
from ingest.exports._car import Damaged, Repository
from ingest.exports._format import Format
from ingest.exports._members import Members

PLATFORM = "bluesky"
FORMAT = Format(
    group="Social platforms",
    get=(
        "in Bluesky: Settings > Account > Export my data > Download CAR file; or save the API's answers to "
        "getAuthorFeed and getPostThread"
    ),
    holds=(
        "the account's own posts, with the addresses of what they answer; saved feeds and threads also those "
        "around them"
    ),
    cannot_tell="edits; from the .car alone what others said and answered, and the handle",
    lacks=("own posts only",),
)

POST, REPOST, PROFILE = "app.bsky.feed.post", "app.bsky.feed.repost", "app.bsky.actor.profile"
ADDRESS = re.compile(r"at://([^/]+)/([^/]+)/([^/]+)")
CAR = re.compile(rb"[\x80-\xff]?[\x01-\x7f]\xa2eroots")
STORED = re.compile(rb'"uri"\s*:\s*"at://[^"/]+/app\.bsky\.feed\.post/')
PARTS = {"uri", "author", "record"}
HOLDERS = ("data", "feed", "thread", "notifications", "posts", "reply", "root", "parent", "post", "replies")
CUT = (b"...", "…".encode())  # how a link that is shown cut short ends
ACCOUNT = "profile.json"  # beside saved answers: whose they are, as getProfile tells it
POSTS = Channel("posts", "posts", "forum")
FEW = 20  # files that are looked into to know the export
LOOK = 100  # so many posts of each file tell whose they are

Address = Annotated[str, msgspec.Meta(pattern=r"^at://[^/]+/[^/]+/[^/]+$")]


class Ref(msgspec.Struct):
    """What a record points to."""

    uri: Address


class Reply(msgspec.Struct):
    root: Ref
    parent: Ref


class Feature(msgspec.Struct):
    did: str | None = None
    uri: str | None = None


class Slice(msgspec.Struct, rename="camel"):
    """A part of a text, in bytes of UTF-8."""

    byte_start: int = 0
    byte_end: int = 0


class Facet(msgspec.Struct):
    """What a part of a text stands for: a mention of somebody, or a link."""

    index: Slice
    features: list[Feature] = []


class Media(msgspec.Struct):
    """Pictures or a film."""

    images: list[Any] = []
    video: Any = None


class Embed(Media):
    """What a post carries along; `media` where that is a quoted post as well."""

    media: Media | None = None


class Post(msgspec.Struct, rename="camel"):
    """A record of the collection app.bsky.feed.post. `created_at` is what the writer's clock said."""

    created_at: datetime
    text: str = ""
    reply: Reply | None = None
    facets: list[Facet] | None = None
    embed: Embed | None = None


class Repost(msgspec.Struct, rename="camel"):
    """A record of the collection app.bsky.feed.repost."""

    created_at: datetime
    subject: Ref


class Profile(msgspec.Struct, rename="camel"):
    display_name: str | None = None


class Author(msgspec.Struct, rename="camel"):
    did: Annotated[str, msgspec.Meta(min_length=1)]
    handle: str | None = None
    display_name: str | None = None


class Reposted(msgspec.Struct):
    """That a post is in a feed only because somebody passed it on: who, when, and the address of that deed."""

    post: str
    by: Author
    at: datetime
    address: Address | None = None


class View(msgspec.Struct, rename="camel"):
    """A post as the API shows it. `indexed_at` is when the network saw it first."""

    uri: Address
    author: Author
    record: Post
    indexed_at: datetime | None = None
    like_count: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    reposted: Reposted | None = None
    is_repost: bool = False

    @property
    def root(self) -> str:
        return self.record.reply.root.uri if self.record.reply else self.uri


def detects(export: Export) -> float:
    """High when one of the first files is a repository, or holds posts as the API answers them."""
    return 0.95 if any(_repositories(export, FEW)) or any(_stored(export, FEW)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the account with its posts, and in answers those of everybody around them."""
    stored = list(_stored(export))
    began, authors = _first_look(export, stored)
    repositories = {name: _opened(export, name) for name in _repositories(export)}
    account = _account(export, list(repositories.values()), began, authors)
    yield Source(PLATFORM, account.did, account.display_name or account.handle or account.did)
    yield POSTS
    bluesky = _Bluesky(account)
    for name, repository in repositories.items():
        yield from bluesky.own(repository, name)
    for name in stored:
        for view in _views(export, name):
            yield from [view] if isinstance(view, Refused) else bluesky.records(view)


class _Bluesky:
    """Whose posts they are, and who has been told of."""

    def __init__(self, account: Author) -> None:
        self._account, self._members = account, Members()

    def own(self, repository: Repository, file: str) -> Iterator[Record]:
        """The posts and reposts of a repository. They are told like the API's, as far as it has what these have."""
        for entry in repository.entries({POST, REPOST}):
            if isinstance(entry, Refused):
                yield entry
                continue
            uri = f"at://{self._account.did}/{entry.name}"
            try:
                if entry.name.startswith(REPOST):
                    repost = msgspec.convert(entry.record, Repost)
                    view = View(uri, self._account, Post(_utc(repost.created_at), repost.subject.uri), is_repost=True)
                else:
                    view = View(uri, self._account, _dated(msgspec.convert(entry.record, Post)))
            except (*UNFIT, OverflowError) as error:
                yield Refused(file, entry.name, str(error), entry.block)
                continue
            yield from self.records(view)

    def records(self, view: View) -> Iterator[Record]:
        author = view.author
        is_own = author.did == self._account.did
        name = author.display_name or author.handle or author.did
        yield from self._members.tell(Member(author.did, name, author.handle, is_staff=is_own))
        yield _repost(view) if view.is_repost else _message(view)
        if view.like_count > 0 and not view.is_repost:
            yield Reaction(view.uri, "like", count=view.like_count)


def _message(view: View) -> Message:
    post, reply = view.record, view.record.reply
    embed = post.embed or Embed()
    media = embed.media or embed
    features = [feature for facet in post.facets or () for feature in facet.features]
    return Message(
        view.uri,
        POSTS.id,
        view.author.did,
        min(post.created_at, view.indexed_at or post.created_at),  # a clock may be ahead, as the API assumes too
        _whole(post),
        conversation_id=view.root,
        parent_id=reply.parent.uri if reply else None,
        basis="explicit" if reply else None,
        mentions=tuple(dict.fromkeys(feature.did for feature in features if feature.did)),
        attachments=len(media.images) + (media.video is not None),
        permalink=_permalink(view.uri),
    )


def _repost(view: View) -> Message:
    """Its text is the address of what was passed on."""
    passed_on, sent_at = view.record.text, view.record.created_at
    return Message(
        view.uri, POSTS.id, view.author.did, sent_at, passed_on, kind="system", permalink=_permalink(passed_on)
    )


def _whole(post: Post) -> str:
    """The text, in which links that were cut short are whole."""
    content, said, at = post.text.encode(), list[bytes](), 0
    for facet in sorted(post.facets or (), key=lambda facet: facet.index.byte_start):
        start, end = facet.index.byte_start, facet.index.byte_end
        link = next((feature.uri for feature in facet.features if feature.uri), None)
        if link and at <= start < end <= len(content) and content[start:end].endswith(CUT):
            said += content[at:start], link.encode()
            at = end
    return b"".join((*said, content[at:])).decode(errors="replace")


def _permalink(uri: str) -> str | None:
    found = ADDRESS.fullmatch(uri)
    return f"https://bsky.app/profile/{found[1]}/post/{found[3]}" if found and found[2] == POST else None


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _dated(post: Post) -> Post:
    post.created_at = _utc(post.created_at)
    return post


# Whose it is


def _first_look(export: Export, stored: list[str]) -> tuple[list[str], dict[str, Author]]:
    """Who began conversations, most of them first, and whoever spoke, by the first posts of each file."""
    began, authors = Counter[str](), dict[str, Author]()
    for name in stored:
        for view in islice(_views(export, name), LOOK):
            if isinstance(view, View):
                authors.setdefault(view.author.did, view.author)
                began[view.root.split("/")[2]] += 1
    export.done = 0  # the bytes count when the posts are read
    return [did for did, _ in began.most_common()], authors


def _account(export: Export, repositories: list[Repository], began: list[str], authors: dict[str, Author]) -> Author:
    """Whose posts they are: the repository's account; in answers, the one that began most conversations."""
    if not repositories and (profile := _profile(export)):
        return profile
    owners = list({repository.account for repository in repositories})
    if len(owners) > 1:
        raise ExportError(f"bluesky: {export.name} holds repositories of several accounts. Load them one by one.")
    if not owners and not began:
        raise ExportError(f"bluesky: {export.name} holds no posts: neither a repository nor saved feeds or threads.")
    did = (owners or began)[0]
    return authors.get(did) or Author(did, display_name=_own_name(repositories))


def _profile(export: Export) -> Author | None:
    names = [name for name in export.files(f"*{ACCOUNT}") if name.rpartition("/")[2] == ACCOUNT]
    return export.decode(names[0], Author) if names else None


def _own_name(repositories: list[Repository]) -> str | None:
    for repository in repositories:
        for entry in repository.entries({PROFILE}):
            if not isinstance(entry, Refused) and isinstance(name := entry.record.get("displayName"), str):
                return name or None
    return None


# How a file holds its posts


def _repositories(export: Export, most: int | None = None) -> Iterator[str]:
    names = (name for name in export.files() if PurePosixPath(name).suffix.lower() in {"", ".car"})
    for name in islice(names, most):
        if CAR.match(export.head(name, 64)):
            yield name


def _opened(export: Export, name: str) -> Repository:
    try:
        return Repository(export.read(name), name)
    except Damaged as error:
        raise ExportError(f"bluesky: {name} cannot be read: {error}. Download it again.") from None


def _stored(export: Export, most: int | None = None) -> Iterator[str]:
    for name in islice(_answers.likely(export), most):
        if name.rpartition("/")[2] != ACCOUNT and STORED.search(_answers.beginning(export, name)):
            yield name


def _views(export: Export, name: str) -> Iterator[View | Refused]:
    for found in _answers.placed(export, name, SHAPE):
        if isinstance(found, Refused):
            yield found
            continue
        place, row = found
        if not _deed(row):
            yield from _view(row, name, place)


def _view(row: Row, file: str, place: str) -> Iterator[View | Refused]:
    try:
        view = msgspec.convert(row, View)
        view.indexed_at = view.indexed_at and _utc(view.indexed_at)
        _dated(view.record)
        deed = view.reposted
        if deed and deed.post == view.uri:
            address = deed.address or f"{view.uri}/reposted/{deed.by.did}"
            yield View(address, deed.by, Post(_utc(deed.at), view.uri), is_repost=True)
        elif not deed:  # else it is what the reposted one answered: nobody here spoke
            yield view
    except (*UNFIT, OverflowError) as error:
        yield _answers.refused(row, file, place, SHAPE, error)


def _is_view(thing: Row) -> bool:
    """A post, not a list or feed, which look alike; or an item of a feed that says who passed it on."""
    if len(PARTS & thing.keys()) < 2 or "blocked" in thing:
        return _deed(thing) is not None
    found = ADDRESS.fullmatch(str(thing.get("uri")))
    return not found or found[2] == POST


def _deed(item: Row) -> Row | None:
    reason, post = item.get("reason"), item.get("post")
    if not isinstance(reason, dict) or not isinstance(post, dict) or "by" not in reason:
        return None
    return {"post": post.get("uri"), "by": reason["by"], "at": reason.get("indexedAt"), "address": reason.get("uri")}


def _told(row: Row) -> Row:
    deed = _deed(row)
    return {"reposted": deed} if deed else {}


SHAPE = Shape(HOLDERS, _is_view, _told)
