"""Google+: the posts of a Google Takeout of 2018 or 2019, with their comments, a .json or .html file a post."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain, unescape
from ingest.exports._members import Members

PLATFORM = "google_plus"
FORMAT = Format(
    group="Social platforms",
    get="nowhere any more: Google+ closed in 2019; a Takeout of 2018 or 2019 is needed, as JSON or HTML",
    holds="the account's posts with the comments under them, and the posts of its communities",
    cannot_tell="comments made elsewhere; whom a comment answers inside a post",
)

LOOK = 200  # posts that are looked at to see whose they are
POST = re.compile(
    rb'"url"\s*:\s*"https://plus\.google\.com/[^"]*/posts/[^"]+".*"creationTime"\s*:\s*"\d{4}-', re.DOTALL
)
PAGE = re.compile(
    rb'href="https://plus\.google\.com/[^"]*/posts/[^"]+">[^<>]*</a>.*<div class="main-content">', re.DOTALL
)
AUTHOR = re.compile(rb'"author"\s*:\s*\{[^{}]{0,2000}?"resourceName"\s*:\s*"users/(\w+)"')
AUTHOR_NAME = re.compile(rb'"author"\s*:\s*\{[^{}]{0,2000}?"displayName"\s*:\s*("(?:[^"\\]|\\.)*")')

# The page's parts, each found from where the one before it ended.
PERSON = re.compile(r'<a [^<>]*?href="([^"]*)"[^<>]*>([^<>]*)</a>')
POSTED = re.compile(r'<a [^<>]*?href="([^"]*/posts/[^"]*)"[^<>]*>([^<>]*)</a>(?:<span> - [^<>:]*: ([^<>]*)</span>)?')
AUTHORED = re.compile(r'<a [^<>]*?href="([^"]*)"[^<>]*?class="author"[^<>]*>([^<>]*)</a>')
TIME = re.compile(r'<span class="time">[^<>\d]*([^<>]*)</span>')
SHARED = re.compile(r'<div class="visibility">(.*?)</div>', re.DOTALL)
PLUS_ONES = re.compile(r'<div class="plus-oners">(.*?)</div>', re.DOTALL)
PUBLIC = {"public", "öffentlich", "openbaar", "público", "pubblico", "offentligt", "offentlig", "publik", "公開"}


class Person(msgspec.Struct, frozen=True, rename="camel"):
    """An author, or somebody who liked a post. In a page only the name and the address are told."""

    display_name: str = ""
    profile_page_url: str = ""
    resource_name: str = ""

    @property
    def id(self) -> str:
        """The number that the account has; the name in its address where no number is told."""
        return self.resource_name.removeprefix("users/") or _tail(self.profile_page_url)


class PlusOne(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody liked it."""

    plus_oner: Person = Person()


class Named(msgspec.Struct, frozen=True, rename="camel"):
    """A community, a collection, or a circle."""

    resource_name: str = ""
    display_name: str = ""
    type: str = ""


class Standard(msgspec.Struct, frozen=True):
    """Shared with circles."""

    circles: list[Named] = []


class InCommunity(msgspec.Struct, frozen=True):
    """Shared in a community."""

    community: Named = Named()


class Acl(msgspec.Struct, frozen=True, rename="camel"):
    """Who may see a post. `is_public` is missing from exports made before late 2018."""

    is_public: bool | None = None
    visible_to_standard_acl: Standard | None = None
    community_acl: InCommunity | None = None

    @property
    def is_for_all(self) -> bool:
        if self.is_public is not None or not self.visible_to_standard_acl:
            return self.is_public or (self.is_public is None and self.community_acl is not None)
        return any(circle.type == "CIRCLE_TYPE_PUBLIC" for circle in self.visible_to_standard_acl.circles)


class Comment(msgspec.Struct, frozen=True, rename="camel"):
    """A comment, in HTML."""

    creation_time: str = ""
    update_time: str = ""
    author: Person | None = None
    content: str = ""
    resource_name: str = ""
    media: Any = None


class Album(msgspec.Struct, frozen=True):
    """Several pictures."""

    media: list[msgspec.Raw] = []


class Post(msgspec.Struct, frozen=True, rename="camel"):
    """A post with its comments."""

    url: str
    creation_time: str
    update_time: str = ""
    author: Person | None = None
    content: str = ""
    comments: list[msgspec.Raw] = []
    plus_ones: list[PlusOne] = []
    post_acl: Acl = Acl()
    media: Any = None
    link: Any = None
    reshared_post: Any = None
    album: Album = Album()


COMMENT = msgspec.json.Decoder(Comment)


def detects(export: Export) -> float:
    """High when one of the first files is a post."""
    names = [name for name in islice(export.files(), 3000) if name.endswith((".json", ".html"))]
    likely = sorted(names, key=lambda name: not re.match(r"\d{8} - ", name.rpartition("/")[2]))[:12]
    return 0.95 if any(_is_post(export.head(name)) for name in likely) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the account as the source, then each post with its comments. Posts for some only are left out."""
    names = [name for name in export.files() if name.endswith((".json", ".html")) and _is_post(export.head(name))]
    if not names:
        raise ExportError(f"google_plus: {export.name} holds no posts. Give the folder Google+ Stream of a Takeout.")
    owner = _owner(export, names)
    yield Source(PLATFORM, owner.id or export.name, owner.display_name or owner.id or export.name)
    stream = _Stream(export, owner)
    for name in names:
        post = _post(export, name)
        yield from [post] if isinstance(post, Refused) else stream.records(post, name)


class _Stream:
    """What must be remembered between posts."""

    def __init__(self, export: Export, owner: Person) -> None:
        self.export, self.owner = export, owner
        self.members = Members()
        self.channels: set[str] = set()

    def records(self, post: Post, name: str) -> Iterator[Record]:
        is_private = not post.post_acl.is_for_all
        if is_private and not self.export.include_private:
            self.export.left_out["private messages"] += 1 + len(post.comments)
            return
        sent_at, post_id = _moment(post.creation_time), _tail(post.url)
        if sent_at is None or not post_id:
            yield Refused(name, "byte 0", "it has no time that can be read, or no address", msgspec.json.encode(post))
            return
        channel = self._channel(post, is_private)
        if channel.id not in self.channels:
            self.channels.add(channel.id)
            yield channel
        yield from self._told(post.author)
        yield Message(
            post_id,
            channel.id,
            post.author.id or None if post.author else None,
            sent_at,
            plain(post.content),
            conversation_id=post_id,
            edited_at=_later(post.update_time, sent_at),
            attachments=len(post.album.media) + sum(map(bool, (post.media, post.link, post.reshared_post))),
            permalink=post.url if post.url.startswith("https://") else None,
        )
        for plus_one in post.plus_ones:
            yield from self._told(plus_one.plus_oner)
            yield Reaction(post_id, "+1", plus_one.plus_oner.id or None)
        yield from self._comments(post, post_id, channel.id, name)

    def _comments(self, post: Post, post_id: str, channel_id: str, name: str) -> Iterator[Record]:
        seen = Counter[str]()
        for number, raw in enumerate(post.comments, 1):
            comment = _comment(raw, name, number)
            sent_at = None if isinstance(comment, Refused) else _moment(comment.creation_time)
            if isinstance(comment, Refused):
                yield comment
                continue
            if sent_at is None:
                yield Refused(name, f"record {number}", "it has no time that can be read", bytes(raw)[: 1 << 20])
                continue
            yield from self._told(comment.author)
            author_id, text = comment.author.id if comment.author else "", plain(comment.content)
            made_up = hashlib.sha256(f"{author_id}\0{sent_at}\0{text}".encode("utf-8", "replace")).hexdigest()[:12]
            seen[made_up] += 1
            made_up += f".{seen[made_up]}" if seen[made_up] > 1 else ""
            yield Message(
                f"{post_id}:{_tail(comment.resource_name) or made_up}",
                channel_id,
                author_id or None,
                sent_at,
                text,
                conversation_id=post_id,
                parent_id=post_id,
                basis="thread",
                edited_at=_later(comment.update_time, sent_at),
                attachments=int(bool(comment.media)),
            )

    def _told(self, person: Person | None) -> Iterator[Member]:
        if person and person.id:
            is_staff = person.id == self.owner.id
            yield from self.members.tell(Member(person.id, person.display_name or person.id, is_staff=is_staff))

    def _channel(self, post: Post, is_private: bool) -> Channel:
        """A community; or the stream, of which what is for some only is a part of its own."""
        community = post.post_acl.community_acl.community if post.post_acl.community_acl else None
        if community and community.resource_name:
            name = community.display_name or community.resource_name
            return Channel(community.resource_name, name, "forum", is_private=is_private)
        if is_private:
            return Channel("private", "Shared with some", "forum", is_private=True)
        return Channel("stream", "Stream", "forum")


def _is_post(head: bytes) -> bool:
    return bool(POST.search(head) or PAGE.search(head))


def _owner(export: Export, names: list[str]) -> Person:
    """Whose Takeout it is: the author of most posts, of which some were others', in a community."""
    authors = Counter(filter(None, (_author(export, name) for name in names[:LOOK])))
    return max(authors, key=lambda author: (authors[author], author.id), default=Person())


def _author(export: Export, name: str) -> Person | None:
    head = export.head(name)
    if name.endswith(".html"):
        return _person(AUTHORED.search(head.decode("utf-8", "replace")))
    found, named = AUTHOR.search(head), AUTHOR_NAME.search(head)
    try:
        display_name = msgspec.json.decode(named[1], type=str) if named else ""
    except UNFIT:
        display_name = ""
    return Person(display_name, resource_name=f"users/{found[1].decode()}") if found else None


def _post(export: Export, name: str) -> Post | Refused:
    try:
        return _of_page(export.read(name)) if name.endswith(".html") else export.decode(name, Post)
    except ExportError as error:
        return Refused(name, "byte 0", str(error), export.head(name, 1024))


def _comment(raw: msgspec.Raw, name: str, number: int) -> Comment | Refused:
    try:
        return COMMENT.decode(raw)
    except UNFIT as error:
        return Refused(name, f"record {number}", str(error), bytes(raw)[: 1 << 20])


def _of_page(content: bytes) -> Post:
    """A page, as the post it shows. Of a post that was shared again, only the words added to it are the author's."""
    page = content.decode("utf-8", "replace")
    above, _, rest = page.partition('<div class="main-content">')
    below, _, comments = rest.partition('<div class="comments">')
    said, _, _ = below.partition("</div>")
    posted, shared, liked = POSTED.search(above), SHARED.search(below), PLUS_ONES.search(below)
    return Post(
        posted[1] if posted else "",
        posted[2] if posted else "",
        (posted[3] or "") if posted else "",
        _person(AUTHORED.search(above)),
        said,
        [msgspec.Raw(msgspec.json.encode(each)) for each in _comments_of(comments)],
        [PlusOne(person) for found in PERSON.finditer(liked[1] if liked else "") if (person := _person(found))],
        _acl(shared[1] if shared else ""),
        media='class="media-link"' in below,
        link='class="link-embed"' in below,
        reshared_post='class="reshare-attribution"' in below,
    )


def _comments_of(page: str) -> Iterator[Comment]:
    for each in page.split('<div class="comment">')[1:]:
        written, _, said = each.partition('<div class="comment-content">')
        time = TIME.search(written)
        yield Comment(time[1] if time else "", "", _person(AUTHORED.search(written)), said.partition("</div>")[0])


def _acl(shared: str) -> Acl:
    """From "Shared with: Public, Ada" in any language, or "Shared to the community Boats"."""
    community = next((found for found in PERSON.finditer(shared) if "/communities/" in found[1]), None)
    words = {word.strip().lower() for word in re.split("[:,]", plain(shared))}
    return Acl(
        bool(PUBLIC & words) or community is not None,
        community_acl=InCommunity(Named(f"communities/{_tail(community[1])}", unescape(community[2])))
        if community
        else None,
    )


def _person(found: re.Match[str] | None) -> Person | None:
    return Person(unescape(found[2]).strip(), unescape(found[1])) if found else None


def _tail(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written.strip())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _later(written: str, sent_at: datetime) -> datetime | None:
    moment = _moment(written)
    return moment if moment and moment > sent_at else None
