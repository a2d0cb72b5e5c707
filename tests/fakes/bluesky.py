"""A made-up network that speaks as Bluesky does: sessions, feeds, notifications, threads and single posts."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import islice
from typing import Any

from tests.fakes import mastodon
from tests.fakes.mastodon import OWN, PEOPLE, Post
from tests.fakes.server import Reply, Request, Script, back

PASSWORD = "abcd-efgh-made-upab"
HANDLE = "harbour.bsky.social"
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class Bluesky(mastodon.Mastodon):
    """The same people with the same habits; here nobody whispers, and nobody can edit."""

    SECRETS = {"BLUESKY_APP_PASSWORD": PASSWORD}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 160) -> None:
        self.issued = 0
        super().__init__(script, size)

    def row(self) -> dict[str, Any]:
        return {"service": "bluesky", "account": HANDLE, "address": self.address}

    def change(self) -> None:
        post = self.chance.choice(self.left()[-15:])
        if self._may_go(post):
            self._delete(post)

    def expired(self) -> None:
        self.tokens = {token for token in self.tokens if "refresh" in token}

    def answer(self, request: Request) -> Reply:
        name = request.path.removeprefix("/xrpc/")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if name == "com.atproto.server.createSession":
            given = json.loads(request.body)
            is_known = given == {"identifier": HANDLE, "password": PASSWORD}
            return self._session() if is_known else no("AuthenticationRequired", 401)
        if token not in self.tokens:
            return no("ExpiredToken", 400)
        if name == "com.atproto.server.refreshSession":
            return self._session() if "refresh" in token else no("InvalidToken", 400)
        reply = self._told(name, request)
        reply.headers |= {"ratelimit-limit": "3000", "ratelimit-remaining": "2990"}
        reply.headers |= {"ratelimit-reset": str(int(self.now.timestamp()) + 300), "ratelimit-policy": "3000;w=300"}
        return reply

    def _session(self) -> Reply:
        self.issued += 1
        access, refresh = (f"eyJ-made-up-{kind}-{self.issued:04}-never-shown" for kind in ("access", "refresh"))
        self.tokens |= {access, refresh}
        return Reply({"accessJwt": access, "refreshJwt": refresh, "handle": HANDLE, "did": did(OWN), "active": True})

    def _told(self, name: str, request: Request) -> Reply:  # noqa: PLR0911
        query = request.query
        match name:
            case "app.bsky.actor.getProfile":
                pinned = {"uri": self._uri(next(iter(self.posts.values())))}
                return Reply({**person(OWN), "followersCount": 12, "pinnedPost": pinned})
            case "app.bsky.feed.getAuthorFeed":
                assert query["actor"] == did(OWN)
                return self._page(self.own, request, "feed", self._item)
            case "app.bsky.notification.listNotifications":
                return self._page(self.mentions, request, "notifications", self._notification)
            case "app.bsky.feed.getPostThread":
                post = self._found(query["uri"])
                return Reply({"thread": self._tree(post, int(query["depth"]))}) if post else no("NotFound", 400)
            case "app.bsky.feed.getPosts":
                assert len(request.many["uris"]) <= 25
                found = [post for uri in request.many["uris"] if (post := self._found(uri))]
                return Reply({"posts": [self._view(post) for post in found]})
            case "com.atproto.repo.getRecord":
                uri = f"at://{query['repo']}/{query['collection']}/{query['rkey']}"
                return Reply({"uri": uri, "value": {}}) if self._found(uri) else no("RecordNotFound", 400)
        return no("MethodNotImplemented", 501)

    def _page(self, posts: list[Post], request: Request, key: str, told: Any) -> Reply:
        cursor, limit = request.query.get("cursor"), int(request.query["limit"])
        if cursor and self.misled == "lost":
            return no("InvalidRequest", 400)
        if self.misled == "loop":
            cursor = None
        if self.misled == "empty":
            return Reply({key: []})
        older = back(posts, cursor, lambda post: stamp(post.at))
        page = list(islice((post for post in older if not (post.is_deleted or post.is_direct)), limit))
        more = {"cursor": stamp(page[-1].at)} if len(page) == limit else {}
        return Reply({key: [told(post) for post in page], **more})

    def _found(self, uri: str) -> Post | None:
        number = sum(LETTERS.index(letter) << 5 * place for place, letter in enumerate(uri.rpartition("/3")[2]))
        post = self.posts.get(number)
        return post if post and self._uri(post) == uri and not (post.is_deleted or post.is_direct) else None

    def _item(self, post: Post) -> dict[str, Any]:
        if post.is_boost and post.parent:
            reason = {"$type": "app.bsky.feed.defs#reasonRepost", "by": person(OWN), "uri": self._uri(post)}
            return {"post": self._view(post.parent), "reason": {**reason, "indexedAt": stamp(post.at)}}
        return {"post": self._view(post)}

    def _notification(self, post: Post) -> dict[str, Any]:
        view = self._view(post)
        told = {key: view[key] for key in ("uri", "cid", "author", "record", "indexedAt")}
        return {**told, "reason": "reply" if post.parent and post.parent.who == OWN else "mention", "isRead": False}

    def _tree(self, post: Post, depth: int) -> dict[str, Any]:
        answers = [each for each in post.answers if not each.is_deleted]
        shown = [self._tree(each, depth - 1) for each in answers] if depth else []
        return {"$type": "app.bsky.feed.defs#threadViewPost", "post": self._view(post), "replies": shown}

    def _view(self, post: Post) -> dict[str, Any]:
        record: dict[str, Any] = {"$type": "app.bsky.feed.post", "text": post.said, "createdAt": stamp(post.at)}
        if post.parent:
            refs = {"root": post.root, "parent": post.parent}
            record["reply"] = {name: {"uri": self._uri(each), "cid": "bafy"} for name, each in refs.items()}
        answers = sum(not each.is_deleted for each in post.answers)
        return {
            "uri": self._uri(post), "cid": "bafy", "author": person(post.who), "record": record,
            "replyCount": answers, "repostCount": 0, "likeCount": post.number % 3, "indexedAt": stamp(post.at),
        }  # fmt: skip

    def _uri(self, post: Post | None) -> str:
        assert post
        key = "".join(LETTERS[post.number >> shift & 31] for shift in range(0, 30, 5))
        return f"at://{did(post.who)}/app.bsky.feed.{'repost' if post.is_boost else 'post'}/3{key}"


def did(who: str) -> str:
    return f"did:plc:{who.partition('@')[0]:a<24}"


def person(who: str) -> dict[str, Any]:
    name = who.partition("@")[0]
    assert who in PEOPLE
    return {"did": did(who), "handle": f"{name}.bsky.social", "displayName": name.title()}


def no(error: str, status: int) -> Reply:
    return Reply({"error": error, "message": f"{error} is what is wrong"}, status)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


FAKE = Bluesky
