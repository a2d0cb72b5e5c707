"""Discourse: any forum by its address (--address https://forum.example.org); with an API key also closed categories.

Its list of posts runs by their numbers, newest first, and is complete; what a new reply answers is asked for beside it,
so that a conversation has its beginning. Deletions show in a topic's list of its posts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ingest.apis._client import Client, Line, LostPlace, PullError, Refusal
from ingest.apis._service import At, Estimate, Held, Known, Page, Place, Wanted, walked
from ingest.archive import UNFIT
from ingest.exports import discourse
from ingest.exports._moments import utc

READER = "discourse"
TERMS = "A forum has terms of its own: read them, and ask its owners before you pull a forum that is not yours."
SECRETS = {
    "DISCOURSE_API_KEY": "Only for closed categories: Admin, Advanced, API keys, New key, with the scope to read.",
    "DISCOURSE_API_USERNAME": "Only beside a key: the account it belongs to.",
}
OPTIONAL = frozenset(SECRETS)
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(hours=1)
IS_WHOLE = True  # a reply names the number of a post, and the post tells which message that is

LATE = 100  # so many numbers of posts that were told are asked for again
WINDOW = 50  # older forums look for posts in so many numbers at a time, and may find none
MISSING = (403, 404, 410)


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Discourse needs."""

    address: Annotated[str, "of the forum, such as https://forum.example.org"]


class Posts(msgspec.Struct):
    """An answer of /posts.json."""

    latest_posts: list[msgspec.Raw]


class Found(NamedTuple):
    """A post, and its bytes as they came."""

    post: discourse.Post
    raw: msgspec.Raw

    def is_edited_since(self, at: At) -> bool:
        """Whether it changed after it was told."""
        changed_at = utc(self.post.updated_at)
        return self.post.version > 1 and not at.is_reached(changed_at)


class Stream(msgspec.Struct):
    """The numbers of all posts that a topic still has."""

    stream: list[int] = []


class Topic(msgspec.Struct):
    """An answer of /t/ID.json."""

    post_stream: Stream


class Statistics(msgspec.Struct):
    """How many posts there are; older forums name it otherwise."""

    posts_count: int | None = None
    post_count: int | None = None


class Inner(msgspec.Struct):
    """What a forum tells of itself."""

    stats: Statistics


class About(msgspec.Struct):
    """An answer of /about.json."""

    about: Inner


def connect(wanted: Wanted, line: Line, known: Known) -> Forum:
    """The forum at an address."""
    assert isinstance(wanted, Options)  # noqa: S101
    headers = {}
    if key := line.secret("DISCOURSE_API_KEY", SECRETS["DISCOURSE_API_KEY"], default=""):
        name = line.secret("DISCOURSE_API_USERNAME", SECRETS["DISCOURSE_API_USERNAME"], default="system")
        headers = {"Api-Key": key, "Api-Username": name}
    return Forum(Client(line, wanted.address, headers), known)


class Forum(Place):
    """One forum. Remembers the addresses of the posts it met, so that none of them is asked for on its own."""

    def __init__(self, client: Client, known: Known) -> None:
        self._client, self._known = client, known
        self.source, self.address = urlsplit(client.address).netloc, client.address
        self._met: set[str] = set()

    def streams(self) -> tuple[str, ...]:
        """Categories, whose names no post tells, then posts. What was met before is loaded by now."""
        self._met.clear()
        return ("categories", "posts")

    def fetch(self, stream: str, at: At) -> Page:
        """One page of the posts, the categories, or the part of a topic around a post."""
        if stream == "categories":
            return Page(None, self._asked("/site.json"), "site.json", covers=False)
        if stream == "posts":
            return self._posts(at)
        return self._topic(stream.removeprefix("post:"))

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """Of each topic's posts, those that its list lacks. What we may no longer see is not taken for deleted."""
        self._asked("/site.json")
        for topic, posts in groupby(held, lambda each: each.conversation_id):
            ids = frozenset(each.id for each in posts)
            left = self._left(topic)
            if left is not None and ids - left:
                yield ids - left

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By the number of posts there are; of those since the last pull, by going through them."""
        if at["posts"].mark is None:
            stats = msgspec.json.decode(self._asked("/about.json"), type=About).about.stats
            posts = stats.post_count if stats.posts_count is None else stats.posts_count
            if posts is None:
                return Estimate(None, note="this forum does not tell how many posts there are")
            return Estimate(2 + posts // WINDOW, note=f"{posts:,} posts in all; fewer if `since` is given")
        pages, follow = walked(self, at)
        topics = {each.split(":")[2] for each in follow if each.removeprefix("post:") not in self._met}
        return Estimate(pages + len(topics), note=f"{len(topics):,} topics to be looked up")

    def _posts(self, at: At) -> Page:
        before, _, is_wide = (at.cursor or "").partition(" ")
        posts = self._page(before or None) or self._page(before or None)  # nothing is believed the second time
        if not posts and at.mark and not before:
            raise LostPlace("it answers that there is nothing")
        if not posts:
            return self._empty(int(before or 0), bool(is_wide))
        lowest, highest = min(posts), max(posts)
        if before and highest > int(before):
            raise LostPlace("it answers with posts that are newer than those asked for")
        oldest = utc(posts[lowest].post.created_at)
        is_back = lowest <= int(at.mark) - LATE if at.mark else at.is_reached(oldest)
        # A list that reaches further than a window would, ends only where it is empty.
        wide = " wide" if is_wide or highest - lowest >= WINDOW else ""
        fresh = self._fresh(posts, at)
        return Page(
            None if is_back or lowest <= 1 else f"{lowest - 1}{wide}",
            msgspec.json.encode(Posts([each.raw for each in fresh])) if fresh else None, "posts.json",
            len(fresh), oldest, mark=str(highest),
            follow=self._beginnings([each.post for each in fresh]) if at.mark or at.since else (),
        )  # fmt: skip

    def _fresh(self, posts: Mapping[int, Found], at: At) -> list[Found]:
        """The posts that are new to us, or were edited since. Of the others it is known already what they answer."""
        held = self._known.messages(str(number) for number in posts)
        return [each for number, each in posts.items() if str(number) not in held or each.is_edited_since(at)]

    def _empty(self, before: int, is_wide: bool) -> Page:
        further = before - WINDOW
        return Page(None if is_wide or further <= 0 else str(further))

    def _beginnings(self, posts: list[discourse.Post]) -> tuple[str, ...]:
        """What posts answer, and the first post of each topic that is new to us."""
        self._met |= {discourse.address(post.topic_id, post.post_number) for post in posts}
        answered = {found for post in posts if post.post_number != 1 and (found := discourse.parent(post))}
        topics = {discourse.conversation(post.topic_id): post.topic_id for post in posts}
        new = topics.keys() - self._known.sizes(topics)
        first = {discourse.address(topics[name], 1) for name in new}
        return tuple(f"post:{address}" for address in sorted((answered | first) - self._met))

    def _topic(self, address: str) -> Page:
        """The part of a topic around a post, unless that post has come by another way."""
        if address in self._met:
            return Page(None, covers=False)
        _, topic_id, number = address.split(":")
        try:
            answer = self._client.get(f"/t/{topic_id}/{number}.json").body
        except Refusal as refusal:
            if refusal.status in MISSING:
                return Page(None, covers=False)
            raise
        topic = _told(answer)
        held = self._known.messages(str(post["id"]) for post in topic["post_stream"]["posts"])
        posts = [_bare(post) if str(post["id"]) in held else post for post in topic["post_stream"]["posts"]]
        self._met |= {discourse.address(post["topic_id"], post["post_number"]) for post in posts}
        body = msgspec.json.encode({**topic, "post_stream": {"posts": posts}})
        return Page(None, body, "topic.json", len(posts), covers=False)

    def _left(self, topic: str | None) -> frozenset[str] | None:
        """The posts that a topic still has; None where that cannot be told."""
        number = (topic or "").rpartition(":")[2]
        if not number.isdecimal():
            return None
        try:
            answer = self._client.get(f"/t/{number}.json").body
        except Refusal as refusal:
            if refusal.status in MISSING:
                return None if refusal.status == 403 else frozenset()
            raise
        return frozenset(str(each) for each in msgspec.json.decode(answer, type=Topic).post_stream.stream)

    def _page(self, before: str | None) -> dict[int, Found]:
        """A page of the posts, by their numbers."""
        return {int(each.post.id): each for each in _decoded(self._asked("/posts.json", {"before": before}))}

    def _asked(self, path: str, params: Mapping[str, str | None] | None = None) -> bytes:
        return self._client.get(path, params).body


def _decoded(answer: bytes) -> list[Found]:
    try:
        posts = msgspec.json.decode(answer, type=Posts).latest_posts
        return [Found(discourse.POST.decode(raw), raw) for raw in posts]
    except UNFIT as error:
        raise PullError(f"discourse: /posts.json is not what Discourse answers ({error}). Is it a forum?") from None


def _told(answer: bytes) -> dict[str, Any]:
    topic = msgspec.json.decode(answer)
    if not isinstance(topic, dict) or not isinstance(topic.get("post_stream", {}).get("posts"), list):
        raise PullError("discourse: a topic is not what Discourse answers. Is it a forum?")
    return topic


def _bare(post: dict[str, Any]) -> dict[str, Any]:
    """A post that we hold, only to tell its number: what it answers may not be in this part of the topic."""
    return {**post, "cooked": "", "reply_to_post_number": None, "version": 1, "actions_summary": [], "reactions": []}
