"""A made-up subreddit that speaks as Reddit does: sign-in, /new, /comments, whole conversations, "more", /api/info."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back

PEOPLE = ("ada_q", "bo_marsh", "cem", "dia-l", "zoe77", "fay_o", "LumoBot")
ID, SECRET = "hearth-test-client", "s3cr3t-of-the-made-up-app-77"
CAP = 1000
GONE = ("author", "moderator", "account")


@dataclass
class Thing:
    """A post (no parent) or a comment, and what answers it."""

    number: int
    who: int
    said: str
    at: datetime
    post: Thing | None = None
    parent: Thing | None = None
    replies: list[Thing] = field(default_factory=list)
    edited: datetime | None = None
    gone: str = ""  # by its author, a moderator, or with its account

    @property
    def name(self) -> str:
        return f"t{1 if self.parent else 3}_{self.number:x}"


class Reddit(Fake):
    """`things` is the truth, in the order in which they were written.

    A conversation shows so many answers to one comment at once, and so many levels: Reddit itself shows more.
    """

    SECRETS = {"REDDIT_CLIENT_ID": ID, "REDDIT_CLIENT_SECRET": SECRET}  # noqa: RUF012

    ORDINARY = {"shown": 200, "depth": 10}  # noqa: RUF012
    ENDLESS = {"cap": 1 << 30}  # noqa: RUF012

    def __init__(
        self, script: Script | None = None, size: int = 200, cap: int = CAP, shown: int = 3, depth: int = 3
    ) -> None:
        super().__init__(script)
        self.shown, self.depth = shown, depth
        self.things: list[Thing] = []
        self.by_name: dict[str, Thing] = {}
        self.lists: dict[bool, list[Thing]] = {True: [], False: []}  # by whether they are posts
        self.cap, self.issued = cap, 0
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "reddit", "subreddit": "Lumo", "address": self.address}

    def say(self, *, post: bool | None = None) -> Thing:
        """Somebody posts, or answers one of the later things."""
        self.now += timedelta(minutes=self.chance.randint(1, 40))
        number, who = 10_000 + len(self.things), self.chance.randrange(len(PEOPLE))
        is_post = not self.things or (self.chance.random() < 0.3 if post is None else post)
        parent = None if is_post else self.chance.choice(self.things[-40:])
        thing = Thing(number, who, f"Word {number} &lt;{PEOPLE[who]}&gt;?", self.now, parent=parent)
        if parent:
            thing.post = parent.post or parent
            parent.replies.append(thing)
        self.things.append(thing)
        self.by_name[thing.name] = thing
        self.lists[is_post].append(thing)
        return thing

    def change(self) -> None:
        """Somebody deletes one of the last things, or a moderator removes it."""
        self.chance.choice(self.things[-150:]).gone = self.chance.choice(GONE)

    def delete(self, count: int) -> None:
        for thing in self.chance.sample(self.left(), count):
            thing.gone = self.chance.choice(GONE)

    def truth(self) -> dict[str, str]:
        return {thing.name: f"Word {thing.number} <" for thing in self.left()}

    def left(self) -> list[Thing]:
        return [thing for thing in self.things if not thing.gone]

    def expired(self) -> None:
        self.tokens.clear()

    def answer(self, request: Request) -> Reply:
        if request.path.endswith("/api/v1/access_token"):
            return self._token(request)
        if request.headers.get("authorization", "").removeprefix("bearer ") not in self.tokens:
            return Reply({"message": "Unauthorized", "error": 401}, 401)
        reply = self._answer(request)
        reply.headers |= {"x-ratelimit-remaining": "990.0", "x-ratelimit-used": "10", "x-ratelimit-reset": "300"}
        return reply

    def _token(self, request: Request) -> Reply:
        wanted = "Basic " + base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != wanted:
            return Reply({"message": "Unauthorized", "error": 401}, 401)
        self.issued += 1
        token = f"eyJ-made-up-token-{self.issued:04}-never-to-be-shown"
        self.tokens.add(token)
        return Reply({"access_token": token, "token_type": "bearer", "expires_in": 86400, "scope": "*"})

    def _answer(self, request: Request) -> Reply:  # noqa: PLR0911
        match request.path.strip("/").split("/"):
            case ["r", "Lumo", "new"]:
                return Reply(self._listing(self.lists[True], request))
            case ["r", "Lumo", "comments"]:
                return Reply(self._listing(self.lists[False], request))
            case ["comments", number]:
                return self._conversation(self.by_name[f"t3_{number}"], None)
            case ["comments", number, "_", comment]:
                return self._conversation(self.by_name[f"t3_{number}"], self.by_name[f"t1_{comment}"])
            case ["api", "morechildren"]:
                return Reply(self._more(request))
            case ["api", "info"]:
                names = request.query["id"].split(",")
                assert len(names) <= 100
                return Reply(_list([self._told(self.by_name[name]) for name in names if name in self.by_name]))
            case ["r", "closed", _]:
                return Reply({"reason": "private", "message": "Forbidden", "error": 403}, 403)
        return Reply({"message": "Not Found", "error": 404}, 404)

    def _listing(self, things: list[Thing], request: Request) -> dict[str, Any]:
        """Newest first, to the cap; after one that was deleted since, nothing."""
        limit, after = int(request.query.get("limit", 25)), request.query.get("after")
        if self.misled == "loop":
            after = None
        if self.misled == "empty" or (after and not _is_listed(self.by_name[after])):
            return _list([])
        older = back(things, self.by_name[after].number if after else None, lambda each: each.number)
        rest = list(islice(filter(_is_listed, older), limit + 1))
        if self.cap < len(things):  # it ends a thousand below the newest, wherever that is by now
            shown = {each.number for each in islice(filter(_is_listed, back(things)), self.cap)}
            rest = [each for each in rest if each.number in shown]
        page = rest[:limit]
        more = page[-1].name if len(rest) > limit and self.misled != "lost" else None
        return _list([self._told(each) for each in page], more)

    def _conversation(self, post: Thing, start: Thing | None) -> Reply:
        roots = [start] if start else post.replies
        return Reply([_list([self._told(post)]), _list(self._tree(roots, post, 0))])

    def _tree(self, things: list[Thing], parent: Thing, depth: int) -> list[dict[str, Any]]:
        if depth == self.depth and things:
            return [_more(parent, [])]
        shown = [self._told(each, self._tree(each.replies, each, depth + 1)) for each in things[: self.shown]]
        hidden = things[self.shown :]
        return [*shown, _more(parent, [f"{each.number:x}" for each in hidden])] if hidden else shown

    def _more(self, request: Request) -> dict[str, Any]:
        numbers = request.query["children"].split(",")
        assert len(numbers) <= 100
        found = list[dict[str, Any]]()
        for number in numbers:
            thing = self.by_name[f"t1_{number}"]
            found.append(self._told(thing))
            if thing.replies:
                found.append(_more(thing, [f"{each.number:x}" for each in thing.replies]))
        return {"json": {"errors": [], "data": {"things": found}}}

    def _told(self, thing: Thing, replies: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        gone, author = thing.gone, PEOPLE[thing.who]
        words = {"author": "[deleted]", "moderator": "[removed]"}.get(gone, thing.said)
        told: dict[str, Any] = {
            "id": f"{thing.number:x}", "name": thing.name, "subreddit": "Lumo", "subreddit_id": "t5_lumo",
            "subreddit_name_prefixed": "r/Lumo", "subreddit_type": "public", "score": 3, "distinguished": None,
            "author": None if gone in {"author", "account"} else author, "created_utc": thing.at.timestamp(),
            "edited": thing.edited.timestamp() if thing.edited else False, "stickied": False,
        }  # fmt: skip
        if thing.parent:
            assert thing.post
            told |= {"body": words, "link_id": thing.post.name, "parent_id": thing.parent.name}
            told |= {
                "replies": _list(replies) if replies else "",
                "permalink": f"/r/Lumo/comments/x/_/{thing.number:x}/",
            }
            return {"kind": "t1", "data": told}
        told |= {"title": f"Post {thing.number}", "selftext": words, "num_comments": _count(thing), "is_self": True}
        told |= {"removed_by_category": gone if gone == "moderator" else None, "url": "", "upvote_ratio": 0.9}
        return {"kind": "t3", "data": told | {"permalink": f"/r/Lumo/comments/{thing.number:x}/_/"}}


def _is_listed(thing: Thing) -> bool:
    return thing.gone in {"", "moderator"}


def _count(thing: Thing) -> int:
    return sum(1 + _count(each) for each in thing.replies)


def _list(children: list[dict[str, Any]], after: str | None = None) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"after": after, "dist": len(children), "before": None, "children": children}}


def _more(parent: Thing, children: list[str]) -> dict[str, Any]:
    told = {"parent_id": parent.name, "children": children, "count": len(children), "id": "_", "name": "t1__"}
    return {"kind": "more", "data": told}


FAKE = Reddit
