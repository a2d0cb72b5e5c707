"""A made-up repository that speaks as GitHub does: lists of issues and comments over REST, discussions over GraphQL."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back, latest

PEOPLE = ("ada-q", "bo-marsh", "cem", "dia", "eli77", "fay", "lumo-bot[bot]")
TOKEN = "github_pat_made_up_11ABCDEFG0aaaabbbbccccdddd"
NAME = "Lumo/App"
FIRST, BEFORE = 1000, "2000-01-01T00:00:00Z"
PLACES = {"issue": "issues", "pull": "pull", "discussion": "discussions"}
ANCHORS = {"comment": "issuecomment-", "line": "discussion_r", "said": "discussioncomment-"}


@dataclass
class Thing:
    """An issue, pull request or discussion (no root), or what was said there."""

    number: int
    kind: str
    who: int
    said: str
    at: datetime
    updated: datetime
    root: Thing | None = None
    parent: Thing | None = None
    edited: datetime | None = None
    is_deleted: bool = False
    below: list[Thing] = field(default_factory=list)

    @property
    def address(self) -> str:
        root = self.root or self
        anchor = f"#{ANCHORS[self.kind]}{self.number}" if self.root else ""
        return f"https://github.com/{NAME}/{PLACES[root.kind]}/{root.number}{anchor}"

    @property
    def id(self) -> str:
        return f"{ANCHORS[self.kind]}{self.number}" if self.root else f"{NAME}#{self.number}"

    @property
    def is_gone(self) -> bool:
        return self.is_deleted or bool(self.root and self.root.is_deleted) or bool(self.parent and self.parent.is_gone)


class GitHub(Fake):
    """`things` is the truth. A discussion shows so many comments at once, and so many replies to one: few.

    `listed`: so many discussions on a page.
    """

    SECRETS = {"GITHUB_TOKEN": TOKEN}  # noqa: RUF012
    ENDLESS = {"listed": 20}  # noqa: RUF012

    def __init__(
        self, script: Script | None = None, size: int = 220, shown: int = 3, *, private: bool = False, page: int = 100,
        listed: int = 4,
    ) -> None:  # fmt: skip
        super().__init__(script)
        self.listed = listed
        self.things: list[Thing] = []
        self.kinds = defaultdict[str, list[Thing]](list)
        self.roots: list[Thing] = []
        self.shown, self.private, self.page, self.scolds = shown, private, page, 0
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "github", "repository": NAME, "address": self.address}

    def say(self) -> Thing:
        """Somebody opens something, or says something where others did."""
        self.now += timedelta(minutes=self.chance.randint(1, 40))
        number, who = FIRST + len(self.things), self.chance.randrange(len(PEOPLE))
        roots = latest((each for each in back(self.roots) if not each.is_gone), 25)
        if not roots or self.chance.random() < 0.3:
            kind = self.chance.choice(("issue", "pull", "discussion")) if roots else "issue"
            thing = Thing(number, kind, who, f"Word {number} of @{PEOPLE[who]}", self.now, self.now)
        else:
            thing = self._below(self.chance.choice(roots), number, who)
        self.things.append(thing)
        self.kinds[thing.kind].append(thing)
        self.roots += [] if thing.root else [thing]
        return thing

    def _below(self, root: Thing, number: int, who: int) -> Thing:
        kind = {"issue": "comment", "pull": self.chance.choice(("comment", "line")), "discussion": "said"}[root.kind]
        parent = None
        if kind == "said":
            parent = self.chance.choice([None, *(each for each in root.below if not each.parent and not each.is_gone)])
        if kind == "line":
            parent = self.chance.choice(
                [None, *(each for each in root.below if each.kind == "line" and not each.parent)]
            )
        thing = Thing(number, kind, who, f"Word {number} of @{PEOPLE[who]}", self.now, self.now, root, parent)
        if kind == "line" and parent and parent.is_gone:
            thing.parent = None
        root.below.append(thing)
        root.updated = self.now
        return thing

    def change(self) -> None:
        """Somebody edits or deletes one of the last things."""
        thing = self.chance.choice([each for each in self.things[-60:] if not each.is_gone])
        if self.chance.random() < 0.5:
            thing.said += " Indeed!"
            thing.edited = thing.updated = (thing.root or thing).updated = self.now
        else:
            thing.is_deleted = True

    def left(self) -> list[Thing]:
        return [each for each in self.things if not each.is_gone]

    def truth(self) -> dict[str, str]:
        return {each.id: each.said for each in self.left()}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") not in (None, f"Bearer {TOKEN}"):
            return Reply({"message": "Bad credentials"}, 401)
        if self.misled == "lost" and self.chance.random() < 0.5:
            return self._scolded()
        if request.path == "/graphql":
            return self._graph(json.loads(request.body)) if "authorization" in request.headers else Reply({}, 401)
        prefix = f"/repos/{NAME}"
        return self._rest(request.path.removeprefix(prefix).strip("/"), request) if prefix in request.path else gone()

    def _scolded(self) -> Reply:
        """The second limit: too much at once, said in one of two ways."""
        self.scolds += 1
        headers = {"Retry-After": "7", "x-ratelimit-remaining": "4000"} if self.scolds % 2 else {}
        return Reply({"message": "You have exceeded a secondary rate limit."}, 403, headers)

    # REST

    def _rest(self, path: str, request: Request) -> Reply:
        kinds = {"issues": ("issue", "pull"), "issues/comments": ("comment",), "pulls/comments": ("line",)}
        match path.split("/"):
            case [""]:
                told = {"full_name": NAME, "private": self.private, "has_discussions": True}
                return Reply({**told, "created_at": stamp(self.things[0].at)})
            case ["issues"] | ["issues" | "pulls", "comments"]:
                return self._list([each for kind in kinds[path] for each in self._left_of(kind)], request)
            case ["issues", number] | ["issues" | "pulls", "comments", number]:
                kind = kinds[path.rpartition("/")[0]]
                found = self._numbered(int(number))
                if not found or found.kind not in kind or found.is_gone:
                    return gone(410 if found and found.kind in kind and not found.root else 404)
                return Reply(self._told(found))
            case ["issues" | "pulls", number, "comments"]:
                kind = kinds[f"{path.partition('/')[0]}/comments"]
                root = self._numbered(int(number))
                said = root.below if root else []
                return self._list([each for each in said if each.kind in kind and not each.is_gone], request)
        return gone()

    def _numbered(self, number: int) -> Thing | None:
        return self.things[number - FIRST] if 0 <= number - FIRST < len(self.things) else None

    def _left_of(self, kind: str) -> list[Thing]:
        return [each for each in self.kinds[kind] if not each.is_gone]

    def _list(self, things: list[Thing], request: Request) -> Reply:
        query = {} if self.misled == "loop" else request.query
        since, order = datetime.fromisoformat(query.get("since", BEFORE)), request.query.get("sort", "created")
        things = [each for each in things if each.updated >= since] if self.misled != "empty" else []
        things.sort(key=lambda each: (each.updated if order == "updated" else each.at, each.number))
        size, page = min(int(query.get("per_page", 30)), self.page), int(query.get("page", 1))
        headers = {"x-ratelimit-remaining": "4990", "x-ratelimit-reset": str(int(self.now.timestamp()) + 3000)}
        last = -(-len(things) // size)
        if page < last and self.misled != "lost":
            address = f"{self.address}{request.path}?per_page={size}&page="
            headers["Link"] = f'<{address}{page + 1}>; rel="next", <{address}{last}>; rel="last"'
        return Reply([self._told(each) for each in things[(page - 1) * size : page * size]], headers=headers)

    def _told(self, thing: Thing) -> dict[str, Any]:
        name = PEOPLE[thing.who]
        told: dict[str, Any] = {
            "url": f"https://api.github.com/repos/{NAME}/issues/{thing.number}", "html_url": thing.address,
            "id": thing.number, "node_id": node(thing),
            "created_at": stamp(thing.at), "updated_at": stamp(thing.updated),
            "author_association": "MEMBER" if thing.who == 0 else "NONE", "body": thing.said,
            "user": {"login": name, "id": thing.who, "type": "Bot" if name.endswith("]") else "User"},
            "reactions": {"total_count": thing.number % 3, "+1": thing.number % 3, "heart": 0},
        }  # fmt: skip
        if thing.parent:
            told["in_reply_to_id"] = thing.parent.number
        if not thing.root:
            told |= {"title": f"Title {thing.number}", "number": thing.number, "state": "open", "comments": 1}
        return told | ({"pull_request": {"url": ""}} if thing.kind == "pull" else {})

    # GraphQL

    def _graph(self, asked: dict[str, Any]) -> Reply:
        given, headers = asked["variables"], {"x-ratelimit-remaining": "4980", "x-ratelimit-resource": "graphql"}
        if self.misled == "lost" and given.get("after"):
            kind, said = "INVALID_CURSOR_ARGUMENTS", f"`{given['after']}` does not appear to be a valid cursor."
            return Reply({"data": None, "errors": [{"type": kind, "message": said}]}, headers=headers)
        if self.misled == "loop":
            given["after"] = None
        if "ids" in given:
            assert len(given["ids"]) <= 100
            found_ = [(each, self._noded(each)) for each in given["ids"]]
            nodes = [each and {"id": id_, "lastEditedAt": each.edited and stamp(each.edited)} for id_, each in found_]
            return Reply({"data": {"nodes": nodes}})
        if "id" in given:
            found = self._noded(given["id"])
            told = found and self._comment(found, given["after"], whole=True)
            return Reply({"data": {"node": told}}, headers=headers)
        assert f"{given['owner']}/{given['name']}" == NAME
        if "number" in given:
            found = self._numbered(given["number"])
            is_there = found is not None and found.kind == "discussion" and not found.is_gone
            return self._one(found if is_there else None, given["after"])
        return Reply({"data": {"repository": {"discussions": self._many(given["after"])}}}, headers=headers)

    def _noded(self, id_: str) -> Thing | None:
        number = id_.removeprefix(node_of(""))
        found = self._numbered(int(number)) if number.isdecimal() else None
        return found if found and not found.is_gone else None

    def _one(self, found: Thing | None, after: str | None) -> Reply:
        if found:
            return Reply({"data": {"repository": {"discussion": self._discussion(found, after)}}})
        errors = [{"type": "NOT_FOUND", "message": "Could not resolve to a Discussion."}]
        return Reply({"data": {"repository": {"discussion": None}}, "errors": errors})

    def _many(self, after: str | None) -> dict[str, Any]:
        """Newest change first; the cursor is a place among the changes, which stays when others go."""
        found = self._left_of("discussion") if self.misled != "empty" else []
        found.sort(key=lambda each: (each.updated, each.number), reverse=True)
        rest = (
            found[bisect_left(found, True, key=lambda each: f"{stamp(each.updated)} {each.number}" < after) :]
            if after
            else found
        )
        page = rest[: self.listed]
        end = f"{stamp(page[-1].updated)} {page[-1].number}" if page else None
        nodes = [self._discussion(each, None) for each in page]
        return {"totalCount": len(found), "pageInfo": info(len(rest) > self.listed, end), "nodes": nodes}

    def _discussion(self, thing: Thing, after: str | None) -> dict[str, Any]:
        roots = [each for each in thing.below if not each.parent and not each.is_gone]
        shown, pages = self._part(roots, after)
        return {**self._opening(thing), "comments": {**pages, "nodes": [self._comment(each, None) for each in shown]}}

    def _opening(self, thing: Thing) -> dict[str, Any]:
        told = {"title": f"Title {thing.number}", "number": thing.number, "category": {"name": "Q&A"}}
        return {**self._graphed(thing), **told}

    def _comment(self, thing: Thing, after: str | None, *, whole: bool = False) -> dict[str, Any]:
        assert thing.root
        replies = [each for each in thing.root.below if each.parent is thing and not each.is_gone]
        shown, pages = self._part(replies, after)
        below = {**pages, "nodes": [self._graphed(each) for each in shown]}
        told = {"id": node(thing), **self._graphed(thing), "replies": below}
        return {**told, "discussion": self._opening(thing.root)} if whole else told

    def _part(self, things: list[Thing], after: str | None) -> tuple[list[Thing], dict[str, Any]]:
        rest = [each for each in things if not after or each.number > int(after)]
        shown = rest[: self.shown]
        return shown, {"pageInfo": info(len(rest) > self.shown, str(shown[-1].number) if shown else None)}

    def _graphed(self, thing: Thing) -> dict[str, Any]:
        name = PEOPLE[thing.who]
        is_bot = name.endswith("[bot]")
        return {
            "url": thing.address, "body": thing.said, "createdAt": stamp(thing.at), "updatedAt": stamp(thing.updated),
            "lastEditedAt": thing.edited and stamp(thing.edited), "authorAssociation": "NONE",
            "author": {"__typename": "Bot" if is_bot else "User", "login": name.removesuffix("[bot]")},
            "reactionGroups": [{"content": "HEART", "reactors": {"totalCount": thing.number % 2}}],
            "isMinimized": False, "minimizedReason": None, "deletedAt": None,
        }  # fmt: skip


def node(thing: Thing) -> str:
    return node_of(thing.number)


def node_of(number: object) -> str:
    return f"DC_kw{number}"


def info(has_next: bool, end: str | None) -> dict[str, Any]:
    return {"hasNextPage": has_next, "endCursor": end}


def gone(status: int = 404) -> Reply:
    return Reply({"message": "Not Found"}, status)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


FAKE = GitHub
