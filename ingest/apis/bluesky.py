"""Bluesky: one account (--account name.bsky.social), its posts, who answers or mentions it, and their whole threads.

All of it is public there. It is asked for through the account's own server, with an app password. Posts cannot be
edited; a deletion is noticed by asking which of the posts that are held are still there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any

import msgspec

from ingest.apis._client import Answer, Client, Dialect, Line, LostPlace, PullError, Refusal
from ingest.apis._service import At, Estimate, Held, Known, Page, Place, Wanted, walked
from ingest.exports import bluesky
from ingest.exports._moments import utc

READER = "bluesky"
DIALECT = Dialect(READER, "Bluesky")
TERMS = (
    "Bluesky's posts are public, and its terms ask that what is deleted there goes here too: Hearth looks every day. "
    "An app password reads direct messages only where that was ticked: leave it unticked."
)
SECRETS = {
    "BLUESKY_APP_PASSWORD": "Of the very account: Settings, Privacy and security, App passwords, Add. Never the "
    "account's own password.",
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(hours=1)
IS_WHOLE = False

SAID = ["mention", "reply", "quote"]
LISTS: Mapping[str, tuple[str, Mapping[str, Any], str]] = {
    "posts": ("app.bsky.feed.getAuthorFeed", {"filter": "posts_with_replies"}, "feed"),
    "mentions": ("app.bsky.notification.listNotifications", {"reasons": SAID}, "notifications"),
}
PAGE = 100
SOME = 25  # posts that may be asked for at once
DEEP = 1000  # levels below a post: as many as there may be
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
EXPIRED = {"ExpiredToken", "InvalidToken"}


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Bluesky needs."""

    account: Annotated[str, "its handle, such as harbour.bsky.social"]
    address: Annotated[str, "of the account's own server"] = "https://bsky.social"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not HOST.fullmatch(self.account.removeprefix("@").lower()):
            raise ValueError(f"account must be a handle, such as harbour.bsky.social, not {self.account!r}")


class Session(msgspec.Struct, rename="camel"):
    """What signing in gives."""

    access_jwt: str
    refresh_jwt: str
    did: str


class Item(msgspec.Struct, rename="camel"):
    """A post as a list tells it: what is needed to go on. What its writer made of `record` is not to be relied on."""

    uri: str
    record: dict[str, Any]
    indexed_at: datetime
    reply_count: int = 0

    @property
    def root(self) -> str:
        """The post that began it all: itself, where it answers none."""
        try:
            return str(self.record["reply"]["root"]["uri"])
        except (KeyError, TypeError):
            return self.uri

    @property
    def said_at(self) -> datetime:
        """As the lists are ordered: a writer's clock may be ahead, or say nothing."""
        try:
            written = utc(datetime.fromisoformat(self.record["createdAt"]))
        except (KeyError, TypeError, ValueError):
            written = None
        return min(written or _at(self.indexed_at), _at(self.indexed_at))

    @property
    def is_shared(self) -> bool:
        return self.root != self.uri or self.reply_count > 0


def connect(wanted: Wanted, line: Line, known: Known) -> Account:
    """The account, by its own server. Signs in at once: only that tells the id that the account has everywhere."""
    assert isinstance(wanted, Options)  # noqa: S101
    password = line.secret("BLUESKY_APP_PASSWORD", SECRETS["BLUESKY_APP_PASSWORD"])
    server = Server(Client(line, wanted.address), wanted.account.removeprefix("@").lower(), password)
    try:
        account = Account(server, server.signed_in().did, known)
    except PullError:
        line.opened.close()
        raise
    account.named = wanted.account
    return account


class Server:
    """The account's server. Its token lives two hours, and is renewed once before that is an error."""

    def __init__(self, client: Client, handle: str, password: str) -> None:
        self._client, self._handle, self._password = client, handle, password
        self._session: Session | None = None

    def asked(self, name: str, params: Mapping[str, Any]) -> Answer:
        """The answer to a question by its name. Raises Refusal, or PullError where signing in fails."""
        session = self._session or self.signed_in()
        try:
            return self._answer(name, params, session)
        except Refusal as refusal:
            if _error(refusal) not in EXPIRED:
                raise
        try:
            return self._answer(name, params, self._renewed(session))
        except Refusal as refusal:
            if _error(refusal) not in EXPIRED:
                raise
            raise self._unknown(refusal) from None

    def signed_in(self) -> Session:
        """A session by the app password."""
        named = {"identifier": self._handle, "password": self._password}
        try:
            return self._begun(self._client.send("POST", "/xrpc/com.atproto.server.createSession", body=named))
        except Refusal as refusal:
            raise self._unknown(refusal) from None

    def _renewed(self, session: Session) -> Session:
        headers = {"Authorization": f"Bearer {session.refresh_jwt}"}
        try:
            answer = self._client.send("POST", "/xrpc/com.atproto.server.refreshSession", headers=headers)
        except Refusal:
            return self.signed_in()
        return self._begun(answer)

    def _begun(self, answer: Answer) -> Session:
        self._session = session = DIALECT.decoded(answer.body, Session)
        self._client.line.hide(session.access_jwt)
        self._client.line.hide(session.refresh_jwt)
        return session

    def _answer(self, name: str, params: Mapping[str, Any], session: Session) -> Answer:
        headers = {"Authorization": f"Bearer {session.access_jwt}"}
        return self._client.send("GET", f"/xrpc/{name}", params=params, headers=headers)

    def _unknown(self, refusal: Refusal) -> PullError:
        return PullError(
            f"{refusal} {self._handle} with BLUESKY_APP_PASSWORD is not known there (any more). Make a new one under "
            "Settings, Privacy and security, App passwords; if the account is on a server of its own, give its address."
        )


class Account(Place):
    """One account. Remembers the threads that it told."""

    def __init__(self, server: Server, did: str, known: Known) -> None:
        self._server, self.source, self._known = server, did, known
        self._threads = set[str]()

    def streams(self) -> tuple[str, ...]:
        """The account, then its own posts, then who answers or mentions it."""
        self._threads.clear()
        return ("profile", *LISTS)

    def fetch(self, stream: str, at: At) -> Page:
        """One page of a list, the account, or a thread."""
        if stream == "profile":
            answer = self._server.asked("app.bsky.actor.getProfile", {"actor": self.source})
            return Page(None, answer.body, bluesky.ACCOUNT, covers=False)
        if stream in LISTS:
            return self._list(stream, at)
        root, _, post = stream.removeprefix("thread:").partition(" ")
        return self._thread(root, post)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What is no longer shown, twenty-five at a time. It is asked twice before anything is taken for gone."""
        while some := {each.id for each in islice(held, SOME)}:
            found = {address: match for address in some if (match := bluesky.ADDRESS.fullmatch(address))}
            posts = {address for address, match in found.items() if match[2] == bluesky.POST}
            missing = posts - self._shown(posts) if posts else set()
            passed_on = {address for address, match in found.items() if match[2] == bluesky.REPOST}
            yield frozenset({address for address in missing if self._is_gone(address)} | self._taken_back(passed_on))

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By going through the lists, which is free: a request for signing in, for each page, and for each thread."""
        pages, follow = walked(self, at)
        threads = {name.partition(" ")[0] for name in follow}
        return Estimate(1 + pages + len(threads), note=f"{len(threads):,} threads")

    def _list(self, stream: str, at: At) -> Page:
        rows, following = self._told(stream, at.cursor)
        if not rows and following is None:
            rows, following = self._told(stream, at.cursor)  # nothing is believed the second time
        if not rows and at.mark and not at.cursor:
            raise LostPlace("it answers that there is nothing")
        moments = [_moment(row) for row in rows]
        oldest = min(moments, default=None)
        said = [row for row in rows if "post" in row or row.get("reason") in SAID]  # not likes and followers
        posts = [DIALECT.shaped(row.get("post", row), Item) for row in said if not isinstance(row.get("reason"), dict)]
        held = self._known.messages(post.uri for post in posts)
        fresh = [post for post in posts if post.uri not in held and post.is_shared]
        body = msgspec.json.encode({LISTS[stream][2]: said}) if said else None
        return Page(
            None if at.is_reached(oldest) else following, body,
            f"{stream}.json", len(said), oldest, mark=max(moments).isoformat() if moments else None,
            follow=tuple(dict.fromkeys(f"thread:{post.root} {post.uri}" for post in fresh)),
        )  # fmt: skip

    def _told(self, stream: str, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """A page of a list, and where the next one begins."""
        name, params, key = LISTS[stream]
        whose = {"actor": self.source} if stream == "posts" else {}
        answer = DIALECT.decoded(
            self._server.asked(name, {**params, **whose, "limit": PAGE, "cursor": cursor}).body, dict[str, Any]
        )
        rows = answer.get(key)
        if not isinstance(rows, list):
            raise PullError(f"bluesky: {name} answers without {key}. What was pulled is kept; try again later.")
        return rows, answer.get("cursor") or None

    def _thread(self, root: str, post: str) -> Page:
        """A thread from its first post on; where that is deleted, what is left around the post that led here."""
        if root in self._threads:
            return Page(None, covers=False)
        self._threads.add(root)
        answer = self._asked_thread(root, depth=DEEP) or self._asked_thread(post, depth=DEEP)
        if answer is None:
            return Page(None, covers=False)
        return Page(None, answer.body, "thread.json", answer.body.count(b'"indexedAt"'), covers=False)

    def _asked_thread(self, address: str, depth: int) -> Answer | None:
        """None where there is no such post, or not for us."""
        params = {"uri": address, "depth": depth, "parentHeight": depth}
        try:
            answer = self._server.asked("app.bsky.feed.getPostThread", params)
        except Refusal as refusal:
            if _error(refusal) == "NotFound":
                return None
            raise
        thread = DIALECT.decoded(answer.body, dict[str, Any]).get("thread")
        return answer if isinstance(thread, dict) and "post" in thread else None

    def _shown(self, posts: set[str]) -> set[str]:
        answer = self._server.asked("app.bsky.feed.getPosts", {"uris": sorted(posts)})
        return {row["uri"] for row in DIALECT.decoded(answer.body, dict[str, Any])["posts"]}

    def _is_gone(self, address: str) -> bool:
        """Whether there is no such post. One that is only hidden from the account, by a block, is still there."""
        try:
            answer = self._server.asked("app.bsky.feed.getPostThread", {"uri": address, "depth": 0, "parentHeight": 0})
        except Refusal as refusal:
            if _error(refusal) == "NotFound":
                return True
            raise
        thread = DIALECT.decoded(answer.body, dict[str, Any]).get("thread")
        return isinstance(thread, dict) and thread.get("notFound") is True

    def _taken_back(self, reposts: set[str]) -> set[str]:
        """Of the account's own reposts, those that it took back."""
        return {address for address in reposts if address.startswith(f"at://{self.source}/") and self._is_lost(address)}

    def _is_lost(self, address: str) -> bool:
        repo, collection, key = address.removeprefix("at://").split("/")
        try:
            self._server.asked("com.atproto.repo.getRecord", {"repo": repo, "collection": collection, "rkey": key})
        except Refusal as refusal:
            if _error(refusal) == "RecordNotFound":
                return True
            raise
        return False


def _moment(row: Mapping[str, Any]) -> datetime:
    """When a list has it: when it was said, passed on, or told to the account."""
    reason = row.get("reason")
    if isinstance(reason, dict) and "indexedAt" in reason:
        return _at(msgspec.convert(reason["indexedAt"], datetime))
    return (
        DIALECT.shaped(row["post"], Item).said_at if "post" in row else _at(msgspec.convert(row["indexedAt"], datetime))
    )


def _at(moment: datetime) -> datetime:
    found = utc(moment)
    assert found  # noqa: S101
    return found


def _error(refusal: Refusal) -> str:
    try:
        return str(refusal.answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return ""
