"""Mastodon: one account of any instance (--account name@host), its posts, who mentions it, and their whole threads.

It is the account's own instance that is asked, and shows what it knows of others. Posts to followers only and direct
ones are never kept. An edit is seen again while it is fresh, or when its thread goes on; a deletion by asking, post by
post, what the instance still shows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from ingest.apis._client import HOST, Answer, Client, Dialect, Line, LostPlace, PullError, Refusal
from ingest.apis._service import At, Estimate, Held, Known, Page, Place, Wanted, walked
from ingest.exports import _statuses
from ingest.exports._moments import utc

READER = "mastodon"
DIALECT = Dialect(READER, "Mastodon")
TERMS = (
    "An instance has rules of its own, and people there often say that they want no robots: pull the account of your "
    "own community only. Posts to followers and direct ones are never kept."
)
SECRETS = {
    "MASTODON_TOKEN": "Of the very account: Preferences, Development, New application, with the scopes read:accounts, "
    "read:statuses and read:notifications only; then its access token.",
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(hours=1)
IS_WHOLE = True  # a reply names an instance's number of a post, which only that post's own page explains

LISTS = {"statuses": 40, "mentions": 80}  # so many at once, at most
SOUNDED = 300  # threads that an estimate goes through
SOME = 20  # posts that may be asked for at once
MISSING = (404, 410)
NEXT = re.compile(r'<[^>]*[?&]max_id=([^&>]+)[^>]*>\s*;\s*rel="next"')
LOCAL = re.compile(r"/(?:ap/)?users/[^/]+/statuses/(\w+)(?:/activity)?|/@[^/]+/(\w+)")


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Mastodon needs."""

    account: Annotated[str, "such as harbour@social.example"]
    address: Annotated[str | None, "of the instance, where it is not the host in the account's name"] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        name, _, host = self.account.removeprefix("@").partition("@")
        if not name or not HOST.fullmatch(host.partition(":")[0]):
            raise ValueError(f"account must be a name and a host, such as harbour@social.example, not {self.account!r}")


class Post(msgspec.Struct):
    """What paging must know of a status."""

    id: str
    uri: str
    created_at: _statuses.Aware
    visibility: str
    edited_at: _statuses.Aware | None = None
    in_reply_to_id: str | None = None
    replies_count: int = 0
    reblog: Any = None

    @property
    def is_open(self) -> bool:
        return self.visibility in _statuses.OPEN


class Item(msgspec.Struct):
    """A mention, or in a list of statuses one of them: by which number, and when."""

    id: str
    created_at: _statuses.Aware
    status: dict[str, Any] | None = None


class Thread(msgspec.Struct):
    """What stands above a post, and below it."""

    ancestors: list[dict[str, Any]]
    descendants: list[dict[str, Any]]


def connect(wanted: Wanted, line: Line, known: Known) -> Instance:
    """The account on its instance."""
    assert isinstance(wanted, Options)  # noqa: S101
    name, _, host = wanted.account.removeprefix("@").partition("@")
    token = line.secret("MASTODON_TOKEN", SECRETS["MASTODON_TOKEN"])
    client = Client(line, wanted.address or f"https://{host}", {"Authorization": f"Bearer {token}"})
    return Instance(client, name, known)


class Instance(Place):
    """One account. Remembers the numbers of the posts that it told, and the threads."""

    def __init__(self, client: Client, name: str, known: Known) -> None:
        self._client, self._name, self._known = client, name.lower(), known
        self.source = f"{name}@{urlsplit(client.address).netloc}".lower()
        self._number, self._contexts = "", 0
        self._met, self._threads = set[str](), set[str]()

    def streams(self) -> tuple[str, ...]:
        """The account, then its own posts, then who mentions it. What was met before is loaded by now."""
        self._met.clear()
        self._threads.clear()
        return ("account", *LISTS)

    def fetch(self, stream: str, at: At) -> Page:
        """One page of a list, the account, or the thread around a post."""
        if stream == "account":
            return Page(None, self._account(), _statuses.ACCOUNT, covers=False)
        if stream in LISTS:
            return self._list(stream, at)
        _, number, parent = stream.split(":")
        return self._thread(number, parent)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What the instance no longer shows, twenty at a time. It is asked twice before anything is taken for gone."""
        while some := list(islice(held, SOME)):
            numbers = defaultdict[str, set[str]](set)
            for each in some:
                if number := self._local(each):
                    numbers[number].add(each.id)
            missing = numbers.keys() - self._shown(sorted(numbers))
            yield frozenset(each for number in sorted(missing) if self._is_gone(number) for each in numbers[number])

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By going through the lists, and through some of the threads: how many of them are one shows only then."""
        pages, threads = walked(self, at)
        before = self._contexts
        for name in threads[:SOUNDED]:
            self.fetch(name, At())
        share = max(1.0, len(threads) / SOUNDED)
        return Estimate(pages + round((self._contexts - before) * share), note=f"{len(threads):,} threads, some shared")

    def _list(self, stream: str, at: At) -> Page:
        items, following = self._told(stream, at.cursor)
        if not items:
            items, following = self._told(stream, at.cursor)  # nothing is believed the second time
        if not items and at.mark and not at.cursor:
            raise LostPlace("it answers that there is nothing")
        if not items:
            return Page(None)
        lowest, highest = min(items, key=_order), max(items, key=_order)
        if at.cursor and _order(highest) >= _ranked(at.cursor):
            raise LostPlace("it answers with what is newer than what was asked for")
        oldest = utc(min(each.created_at for each in items))
        fresh = self._fresh(items, at)
        self._met |= {post.id for post, _ in fresh}
        return Page(
            None if at.is_reached(oldest) else following or lowest.id,
            msgspec.json.encode([row for _, row in fresh]) if fresh else None, f"{stream}.json", len(fresh), oldest,
            mark=highest.id, follow=tuple(_threads(post for post, _ in fresh)),
        )  # fmt: skip

    def _told(self, stream: str, before: str | None) -> tuple[list[Item], str | None]:
        """A page of a list, and where the next one begins, if it says so."""
        if stream == "statuses":
            path, only = f"/api/v1/accounts/{self._own()}/statuses", {}
        else:
            path, only = "/api/v1/notifications", {"types[]": "mention"}
        answer = self._asked(path, {"limit": LISTS[stream], "max_id": before, **only})
        found = NEXT.search(answer.headers.get("link", ""))
        rows = DIALECT.decoded(answer.body, list[dict[str, Any]])
        if stream == "statuses":
            rows = [{"id": row.get("id"), "created_at": row.get("created_at"), "status": row} for row in rows]
        return [DIALECT.shaped(row, Item) for row in rows], found[1] if found else None

    def _fresh(self, items: list[Item], at: At) -> list[tuple[Post, dict[str, Any]]]:
        """The open posts that are new to us, or were edited since."""
        posts = [
            (post, item.status) for item in items if item.status and (post := DIALECT.shaped(item.status, Post)).is_open
        ]
        held = self._known.messages(post.uri for post, _ in posts)
        return [(post, row) for post, row in posts if post.uri not in held or _is_edited_since(post, at)]

    def _thread(self, number: str, parent: str) -> Page:
        """All around a post, from the first one of its thread; nothing, where that was told by another way."""
        if parent in self._met or number in self._threads:
            return Page(None, covers=False)
        found = self._context(number)
        self._threads.add(number)
        if found and found.ancestors:
            root = DIALECT.shaped(found.ancestors[0], Post).id
            whole = self._context(root) if root not in self._threads else None
            self._threads.add(root)
            found.descendants += [*whole.ancestors, *whole.descendants] if whole else []
        rows = [*found.ancestors, *found.descendants] if found else []
        posts = {post.id: row for row in rows if (post := DIALECT.shaped(row, Post)).is_open}
        self._met |= posts.keys()
        return Page(
            None, msgspec.json.encode(list(posts.values())) if posts else None, "thread.json", len(posts), covers=False
        )

    def _context(self, number: str) -> Thread | None:
        self._contexts += 1
        try:
            return DIALECT.decoded(self._client.get(f"/api/v1/statuses/{number}/context").body, Thread)
        except Refusal as refusal:
            if refusal.status in MISSING:
                return None
            raise

    def _shown(self, numbers: list[str]) -> set[str]:
        """Those of the posts that the instance shows. Before version 4.3 it cannot be asked for several."""
        if not numbers:
            return set()
        try:
            answer = self._asked("/api/v1/statuses", {"id[]": numbers})
        except Refusal as refusal:
            if refusal.status in (*MISSING, 405):
                return set()
            raise
        return {post.id for post in DIALECT.decoded(answer.body, list[Post])}

    def _is_gone(self, number: str) -> bool:
        try:
            self._asked(f"/api/v1/statuses/{number}")
        except Refusal as refusal:
            if refusal.status in MISSING:
                return True
            raise
        return False

    def _local(self, held: Held) -> str | None:
        """The instance's own number of a post, which stands in one of its addresses."""
        for address in (held.id, held.permalink or ""):
            found = LOCAL.fullmatch(address.removeprefix(self._client.address))
            if found and address.startswith(self._client.address):
                return found[1] or found[2]
        return None

    def _own(self) -> str:
        if not self._number:
            self._account()
        return self._number

    def _account(self) -> bytes:
        body = self._asked("/api/v1/accounts/verify_credentials").body
        account = DIALECT.decoded(body, _statuses.Account)
        if account.acct.partition("@")[0].lower() != self._name:
            raise PullError(
                f"mastodon: MASTODON_TOKEN belongs to {account.handle}, not to {self._name}. Make one while signed in "
                "as the account that is to be pulled."
            )
        self._number = account.id
        shown = {field: getattr(account, field) for field in account.__struct_fields__}
        return msgspec.json.encode(shown)  # without what only the account itself may see, such as its drafts' settings

    def _asked(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        try:
            return self._client.get(path, params)
        except Refusal as refusal:
            if refusal.status in (401, 403):
                raise PullError(
                    f"{refusal} MASTODON_TOKEN is not valid (any more), or lacks a scope: read:accounts, read:statuses "
                    "and read:notifications. Make one under Preferences, Development."
                ) from None
            raise


def _threads(posts: Iterable[Post]) -> Iterator[str]:
    """What is to be had as a whole: the thread of a reply, and of a post that was answered."""
    for post in posts:
        if not post.reblog and (post.in_reply_to_id or post.replies_count):
            yield f"thread:{post.id}:{post.in_reply_to_id or ''}"


def _is_edited_since(post: Post, at: At) -> bool:
    return post.edited_at is not None and not at.is_reached(utc(post.edited_at))


def _order(item: Item) -> tuple[int, str]:
    return _ranked(item.id)


def _ranked(number: str) -> tuple[int, str]:
    """Numbers grow; those of some servers are letters, too."""
    return len(number), number
