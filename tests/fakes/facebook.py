"""A made-up page that speaks as the Graph API does: feed, comments, ids, and errors with codes of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back, latest

TOKEN = "EAAmadeUpTokenOfThePage0123456789abcdefXYZ"
PAGE_ID = "500"
FIRST = 2000
PEOPLE = ("500", "601", "602", "603", "604")
NAMES = ("Quay House", "Ada", "Bo", "Cem", "Dia")


@dataclass
class Item:
    """A post (nothing above it), a comment, or an answer to one."""

    number: int
    who: int
    said: str
    at: datetime
    post: Item | None = None
    parent: Item | None = None
    touched: datetime | None = None
    is_deleted: bool = False
    below: list[Item] = field(default_factory=list)  # of a post all that is said there, of a comment its answers

    @property
    def id(self) -> str:
        return f"{self.post.number}_{self.number}" if self.post else f"{PAGE_ID}_{self.number}"


class Facebook(Fake):
    """`items` is the truth. Who deletes a post or a comment deletes all below it."""

    SECRETS = {"FACEBOOK_PAGE_TOKEN": TOKEN}  # noqa: RUF012
    HOST = "https://graph.facebook.com/v23.0"

    def __init__(self, script: Script | None = None, size: int = 160) -> None:
        super().__init__(script)
        self.items: list[Item] = []
        self.posts: list[Item] = []
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "facebook", "page": PAGE_ID, "address": self.address}

    def say(self) -> Item:
        """Somebody posts, comments on one of the later posts, or answers a comment."""
        self.now += timedelta(minutes=self.chance.randint(1, 40))
        number, who = FIRST + len(self.items), self._author()
        posts = latest(left(back(self.posts)), 8)
        if not posts or self.chance.random() < 0.2:
            item = Item(number, who, f"Word {number} said", self.now, touched=self.now)
        else:
            post = self.chance.choice(posts)
            above = [each for each in left(post.below) if each.parent is post]
            parent = self.chance.choice(above) if above and self.chance.random() < 0.4 else post
            commenter = self.chance.randrange(len(PEOPLE))
            item = Item(number, commenter, f"Word {number} said", self.now, post, parent)
            post.touched = self.now
            for each in {id(post): post, id(parent): parent}.values():
                each.below.append(item)
        self.items.append(item)
        self.posts += [] if item.post else [item]
        return item

    def change(self) -> None:
        item = self.chance.choice(self.left()[-20:])
        if self.chance.random() < 0.6:
            item.said += " Indeed!"
            (item.post or item).touched = self.now
        else:
            self._delete(item)

    def delete(self, count: int) -> None:
        some = self.left()
        self.chance.shuffle(some)
        for item in islice(left(some), count):
            self._delete(item)

    def truth(self) -> dict[str, str]:
        return {item.id: f"Word {item.number} said" for item in self.left()}

    def left(self) -> list[Item]:
        return list(left(self.items))

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return no(190, "Error validating access token", "OAuthException")
        if self.script.rate and self.chance.random() < self.script.rate / 10:
            return self._too_much()
        reply = self._answer(request)
        usage = {"call_count": 28, "total_time": 25, "total_cputime": 25}
        return Reply(reply.value, reply.status, {"X-App-Usage": json.dumps(usage), "facebook-api-version": "v23.0"})

    def _too_much(self) -> Reply:
        number = self.chance.choice((4, 17, 32, 613))
        told = {PAGE_ID: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 3}]}
        return no(number, "Application request limit reached", "OAuthException") if number != 32 else Reply(
            no(32, "Page request limit reached", "OAuthException").value, 400,
            {"X-Business-Use-Case-Usage": json.dumps(told)},
        )  # fmt: skip

    def _answer(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case [""]:
                return self._by_ids(request.query["ids"].split(","))
            case [number] if number == self.place():
                return Reply(self._about())
            case [number, "feed"] if number == self.place():
                return self._list(list(left(back(self.posts))), request, self._post)
            case [number, "comments"]:
                return self._below(number, request)
        return no(100, "Unsupported get request. Object does not exist", "GraphMethodException")

    def place(self) -> str:
        return PAGE_ID

    def _about(self) -> dict[str, Any]:
        return {"id": PAGE_ID, "name": NAMES[0], "username": "quayhouse", "fan_count": 12, "followers_count": 14}

    def _by_ids(self, ids: list[str]) -> Reply:
        assert len(ids) <= 50
        if gone := [each for each in ids if not self._found(each)]:
            return no(803, f"(#803) Some of the aliases you requested do not exist: {gone[0]}", "OAuthException", 404)
        return Reply({each: {"id": each} for each in ids})

    def _below(self, number: str, request: Request) -> Reply:
        post = self._found(number)
        if not post or post.post:
            return no(100, "Unsupported get request. Object does not exist", "GraphMethodException")
        assert request.query["filter"] == "stream"
        return self._list(list(left(post.below)), request, self._comment)

    def _found(self, number: str) -> Item | None:
        place = int(number.rpartition("_")[2]) - FIRST
        found = self.items[place] if 0 <= place < len(self.items) else None
        return found if found and found.id == number and not found.is_deleted else None

    def _list(self, items: list[Item], request: Request, told: Any) -> Reply:
        after, limit = request.query.get("after"), int(request.query["limit"])
        if after and self.misled == "lost":
            return no(100, "(#100) Invalid cursor", "OAuthException")
        if self.misled == "loop":
            after = None
        if self.misled == "empty":
            return Reply({"data": []})
        if after:  # the list goes on after that place, though the item itself may be gone
            is_back = len(items) > 1 and items[0].number > items[-1].number
            items = [item for item in items if (item.number < int(after)) == is_back and item.number != int(after)]
        page = items[:limit]
        paging: dict[str, Any] = {"cursors": {"before": "x", "after": str(page[-1].number)}} if page else {}
        if len(items) > limit:
            paging["next"] = f"{self.HOST}{request.path}?access_token={TOKEN}&limit={limit}&after={page[-1].number}"
        return Reply({"data": [told(item) for item in page], "paging": paging})

    def _post(self, item: Item) -> dict[str, Any]:
        return {
            "id": item.id, "created_time": stamp(item.at), "updated_time": stamp(item.touched or item.at),
            "message": item.said, "from": person(item.who),
            "permalink_url": f"https://www.facebook.com/{PEOPLE[item.who]}/posts/{item.number}",
            "comments": {"data": [], "summary": {"order": "chronological", "total_count": len(list(left(item.below)))}},
            "like": {"data": [], "summary": {"total_count": item.number % 3}},
        }  # fmt: skip

    def _comment(self, item: Item) -> dict[str, Any]:
        assert item.parent
        above = {} if item.parent is item.post else {"parent": {"id": item.parent.id}}
        return {
            "id": item.id, "created_time": stamp(item.at), "message": item.said, "from": person(item.who),
            "like_count": item.number % 2, "is_private": False, **above,
        }  # fmt: skip

    def _author(self) -> int:
        return self.chance.choice((0, 0, 1))

    def _delete(self, item: Item) -> None:
        for each in (item, *item.below):
            each.is_deleted = True
        (item.post or item).touched = self.now


def left(items: Iterable[Item]) -> Iterator[Item]:
    return (item for item in items if not item.is_deleted)


def person(who: int) -> dict[str, str]:
    return {"id": PEOPLE[who], "name": NAMES[who]}


def no(code: int, message: str, kind: str, status: int = 400) -> Reply:
    return Reply({"error": {"message": message, "type": kind, "code": code, "fbtrace_id": "A1"}}, status)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}+0000"


FAKE = Facebook
