"""A made-up X that speaks as the API (version 2) does, and charges as it does: once a day of UTC for each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back

US, HANDLE = "7001", "Lumo"
TOKEN = "AAAAAAAAAAAAAAAAAAAAAmadeup%2Fbearer%3Dnever2beShown77"
KEYS = {"X_API_KEY": "made-up-api-key-1", "X_API_SECRET": "made-up-api-secret-2"}
KEYS |= {"X_ACCESS_TOKEN": f"{US}-made-up-access-3", "X_ACCESS_SECRET": "made-up-access-secret-4"}
FIRST = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
WEEK = timedelta(days=7)
EDITABLE = timedelta(hours=1)
NEW_FACE = 0.3  # so often somebody writes who was never here
ENDLESS = 1 << 30  # a list that is never cut short


@dataclass
class Post:
    """`is_ours`: it mentions the account, or is its own; others are found by their conversation alone."""

    id: int
    number: int
    author: str
    at: datetime
    root: Post | None
    parent: Post | None
    is_ours: bool
    answers: int = 0  # the version of `parent` that it answers
    gone: bool = False
    answered: list[Post] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)  # `id` is the first one; each edit has its own

    @property
    def conversation(self) -> str:
        return str((self.root or self).id)

    @property
    def newest(self) -> int:
        return self.versions[-1]


@dataclass
class Job:
    """A batch compliance job."""

    kind: str
    ids: list[str] = field(default_factory=list)
    status: str = "created"
    looks: int = 0


class X(Fake):
    """`posts` is the truth. What is charged stands in `billed`; `suspended` and `protected` are accounts."""

    SECRETS = {"X_BEARER_TOKEN": TOKEN}  # noqa: RUF012
    ENDLESS = {"cap": ENDLESS}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 200, cap: int = 800, owned: bool = False) -> None:
        super().__init__(script)
        self.cap, self.owned = cap, owned
        self.posts: list[Post] = []
        self.ours: dict[bool, list[Post]] = {True: [], False: []}  # by whether we wrote them, or were mentioned
        self.by_version: dict[int, Post] = {}
        self.people: list[str] = ["8000"]
        self.suspended, self.protected = set[str](), set[str]()
        self.jobs: dict[str, Job] = {}
        self.paid = set[tuple[str, str, str]]()
        self.has_credit, self.limit, self.reset = True, 1000, 0  # so many answers until then
        self.refused = 0
        while len(self.posts) < size:
            self.say()

    def row(self) -> dict[str, Any]:
        return {
            "service": "x", "account": HANDLE, "address": self.address, "count": True, "owned": self.owned,
            "budget_dollars": 1000 if self.cap < ENDLESS else 100_000,
        }  # fmt: skip

    def say(self) -> Post:
        """The account posts or answers; somebody mentions it; now and then somebody answers without doing so."""
        draw = self.chance.random()
        later = [post for post in self.posts[-40:] if not post.gone and not (post.root or post).gone]
        answered = self.chance.choice(later) if later else None
        if draw < 0.3:
            return self._add(US, answered if draw < 0.2 else None, is_ours=True)
        author = self._somebody()
        if draw < 0.94 or answered is None:
            return self._add(author, answered if draw < 0.65 else None, is_ours=True)
        if draw < 0.97:
            return self._add(author, answered, is_ours=False)
        return self._add(self._somebody(), self._add(author, None, is_ours=False), is_ours=True)

    def _somebody(self) -> str:
        if self.chance.random() < NEW_FACE:
            self.people.append(str(8000 + len(self.people)))
        return self.chance.choice(self.people[-20:])

    def _add(self, author: str, parent: Post | None, *, is_ours: bool) -> Post:
        self.now += timedelta(minutes=self.chance.randint(1, 12))
        number = len(self.posts) + 1
        id_ = self._id(number)
        root, answers = (parent.root or parent, parent.newest) if parent else (None, 0)
        self.posts.append(post := Post(id_, number, author, self.now, root, parent, is_ours, answers, versions=[id_]))
        self.by_version[id_] = post
        if parent:
            parent.answered.append(post)
        if is_ours:
            self.ours[author == US].append(post)
        return post

    def _id(self, number: int) -> int:
        return ((self.now - FIRST) // timedelta(milliseconds=1)) << 22 | number % 4096

    def change(self) -> None:
        """Somebody edits a young post, or deletes one; but not the one by which a stranger's answer is found."""
        young = [post for post in self.posts[-20:] if post.is_ours and not post.gone and self.now - post.at < EDITABLE]
        if young and self.chance.random() < 0.5:
            self.edit(self.chance.choice(young))
        elif (some := self.chance.choice(self.posts[-60:])) in self._loose():
            some.gone = True

    def edit(self, post: Post) -> None:
        """Its writer changes a post, which thereby gets another id."""
        post.versions.append(self._id(post.number))
        self.by_version[post.newest] = post

    def delete(self, count: int) -> None:
        for post in self.chance.sample(self._loose(), count):
            post.gone = True

    def _loose(self) -> list[Post]:
        held = {post.conversation for post in self.posts if not post.is_ours}
        return [post for post in self._there() if not post.is_ours or post.conversation not in held]

    def truth(self) -> dict[str, str]:
        return {str(post.id): words(post, post.newest) for post in self._there() if post.author not in self.protected}

    def _there(self) -> list[Post]:
        return list(filter(self._is_there, self.posts))

    def _is_there(self, post: Post) -> bool:
        return not post.gone and post.author not in self.suspended

    # What it answers

    def answer(self, request: Request) -> Reply:
        place = request.path.strip("/").split("/")
        if place[0] == "lists":
            return self._list_of(self.jobs[place[1]], request)
        given = request.headers.get("authorization", "")
        if given != f"Bearer {TOKEN}" and f'oauth_token="{KEYS["X_ACCESS_TOKEN"]}"' not in given:
            return Reply({"title": "Unauthorized", "status": 401, "detail": "Unauthorized"}, 401)
        if not self.has_credit:
            return Reply({"title": "CreditsDepleted", "detail": "credits are used up", "status": 402}, 402)
        reset = int(self.now.timestamp() // 900 + 1) * 900
        if reset > self.reset:
            self.limit, self.reset = self.limit if not self.reset else 1000, reset
        self.limit -= 1
        headers = {"x-rate-limit-remaining": str(max(self.limit, 0)), "x-rate-limit-reset": str(reset)}
        if self.limit < 0:
            self.refused += 1
            return Reply({"title": "Too Many Requests", "status": 429}, 429, headers)
        reply = self._answer(place[1:], request, is_user=given.startswith("OAuth"))
        reply.headers |= headers
        return reply

    def _answer(self, place: list[str], request: Request, *, is_user: bool) -> Reply:  # noqa: PLR0911
        query = request.query
        match place:
            case ["users", "by", "username", name]:
                found = [US] if name.lower() == HANDLE.lower() else []
                (told,) = self._users(found, query) or (None,)
                return Reply({"data": told} if told else {"errors": [{"title": "Not Found Error", "value": name}]})
            case ["users"]:
                return Reply({"data": self._users(query["ids"].split(","), query)})
            case ["users", "7001", kind]:
                assert 5 <= int(query["max_results"]) <= 100
                assert kind == "mentions" or query["exclude"] == "retweets"
                ours = list(filter(self._is_there, self.ours[kind == "tweets"]))
                charge = "owned" if is_user and self.owned and kind == "tweets" else "post"
                return self._page(ours[-self.cap :], query, "pagination_token", charge)
            case ["tweets", "search", "recent"]:
                assert 10 <= int(query["max_results"]) <= 100
                return self._page(self._found(query["query"]), query, "next_token")
            case ["tweets", "counts", "recent"]:
                self.billed["count"] += 1
                found_ = self._within(self._found(query["query"]), query)
                return Reply({"data": [], "meta": {"total_tweet_count": len(found_)}})
            case ["tweets"]:
                assert len(query["ids"].split(",")) <= 100
                ids = {int(each) for each in query["ids"].split(",")}
                named = {post.id: post for each in ids if (post := self.by_version.get(each))}
                posts = [named[each] for each in sorted(named) if self._is_there(named[each])]
                told_ = self._told(posts, query, "post", ids)
                return Reply({"data": told_} if told_ else {"errors": [{"title": "Not Found Error"}]})
            case ["compliance", "jobs", *number]:
                return self._job(number, request)
        return Reply({"title": "Not Found", "status": 404}, 404)

    def _found(self, query: str) -> list[Post]:
        """What search finds by one of its questions, in the last week."""
        assert len(query) <= 512
        assert "-is:retweet" in query
        young = takewhile(lambda post: post.at > self.now - WEEK, back(self.posts))
        those = list(filter(self._is_there, young))[::-1]
        if ids := re.findall(r"conversation_id:(\d+)", query):
            assert f"-from:{HANDLE} -@{HANDLE}" in query
            return [post for post in those if post.conversation in ids and not post.is_ours]
        return [post for post in those if post.is_ours and (post.author == US) == query.startswith("from:")]

    def _within(self, posts: list[Post], query: dict[str, str]) -> list[Post]:
        since, until = int(query.get("since_id", 0)), int(query.get("until_id", 1 << 63))
        start = query.get("start_time")
        after = datetime.fromisoformat(start) if start else FIRST
        return [post for post in posts if since < post.newest < until and post.at >= after]

    def _page(self, posts: list[Post], query: dict[str, str], name: str, charge: str = "post") -> Reply:
        token = query.get(name)
        if token and self.misled == "lost":
            return Reply({"errors": [{"message": f"'{name}' is invalid"}], "status": 400}, 400)
        within = sorted(self._within(posts, query), key=lambda post: -post.newest)
        if token and self.misled != "loop":
            within = [post for post in within if post.newest < int(token, 36)]
        page = within[: int(query["max_results"])]
        if not page or (token and self.misled == "empty"):
            return Reply({"meta": {"result_count": 0}})
        meta: dict[str, Any] = {"result_count": len(page), "newest_id": str(page[0].newest)}
        if len(within) > len(page):
            meta["next_token"] = _in_36(page[-1].newest)
        return Reply({"data": self._told(page, query, charge), "meta": meta})

    def _charge(self, kind: str, id_: str) -> None:
        day = f"{self.now:%Y-%m-%d}"
        if (day, kind, id_) not in self.paid:
            self.paid.add((day, kind, id_))
            self.billed[kind] += 1

    def _users(self, ids: list[str], query: dict[str, str]) -> list[dict[str, Any]]:
        """Users; unless asked for more, X tells an id, a name and a handle."""
        known = [each for each in ids if each not in self.suspended]
        for each in known:
            self._charge("user", each)
        more = "protected" in query.get("user.fields", "")
        return [
            {"id": each, "name": f"N {each}", "username": HANDLE if each == US else f"n{each}"}
            | ({"protected": each in self.protected} if more else {})
            for each in known
        ]

    def _told(
        self, posts: list[Post], query: dict[str, str], charge: str, ids: set[int] | None = None
    ) -> list[dict[str, Any]]:
        """Posts as they are now; the very versions, where they are asked for by their ids."""
        shown = [(post, id_) for post in posts for id_ in post.versions if id_ in (ids or {post.newest})]
        for _, id_ in shown:
            self._charge(charge, str(id_))
        wanted = {"id", "text", "edit_history_tweet_ids", *query.get("tweet.fields", "").split(",")}
        return [{name: value for name, value in self._all(*each).items() if name in wanted} for each in shown]

    def _all(self, post: Post, id_: int) -> dict[str, Any]:
        mention = f"@{HANDLE} " if post.is_ours and post.author != US else ""
        answers = sum(not each.gone for each in post.answered)
        told: dict[str, Any] = {
            "id": str(id_), "text": f"{words(post, id_)}{mention}&lt;ok&gt;?", "author_id": post.author,
            "edit_history_tweet_ids": [str(each) for each in post.versions], "conversation_id": post.conversation,
            "created_at": f"{FIRST + timedelta(milliseconds=id_ >> 22):%Y-%m-%dT%H:%M:%S}.000Z",
            "public_metrics": {"like_count": 0, "reply_count": answers, "retweet_count": 0, "quote_count": 0},
        }  # fmt: skip
        if mention:
            told["entities"] = {"mentions": [{"start": 7, "end": 12, "username": HANDLE, "id": US}]}
        if post.parent:
            told["referenced_tweets"] = [{"type": "replied_to", "id": str(post.answers)}]
            told["in_reply_to_user_id"] = post.parent.author
        return told

    # Batch compliance

    def _job(self, number: list[str], request: Request) -> Reply:
        if request.method == "POST":
            kind = json.loads(request.body)["type"]
            if any(job.kind == kind and job.status in {"created", "in_progress"} for job in self.jobs.values()):
                return Reply({"title": "ConcurrentJob", "status": 409, "detail": "one job at a time"}, 409)
            self.jobs[name := str(100 + len(self.jobs))] = Job(kind)
            return Reply({"data": self._told_job(name)})
        for job in self.jobs.values():
            job.looks += job.status == "in_progress"
            job.status = "complete" if job.looks > 2 else job.status
        if not number:
            some = [name for name, job in self.jobs.items() if job.kind == request.query["type"]]
            return Reply({"data": [self._told_job(name) for name in some], "meta": {"result_count": len(some)}})
        return Reply({"data": self._told_job(number[0])})

    def _told_job(self, name: str) -> dict[str, Any]:
        job, later = self.jobs[name], f"{self.now + timedelta(minutes=15):%Y-%m-%dT%H:%M:%S}.000Z"
        return {
            "id": name, "type": job.kind, "name": "hearth", "status": job.status, "resumable": False,
            "upload_url": f"{self.address}/lists/{name}?X-Goog-Signature=00", "upload_expires_at": later,
            "download_url": f"{self.address}/lists/{name}?X-Goog-Signature=00", "download_expires_at": later,
        }  # fmt: skip

    def _list_of(self, job: Job, request: Request) -> Reply:
        assert "authorization" not in request.headers, "no credential goes to another host"
        if request.method == "PUT":
            job.ids, job.status = request.body.decode().split("\n"), "in_progress"
            return Reply(b"", headers={"Content-Type": "text/plain"})
        there = {str(post.id): post for post in self.posts}
        if job.kind == "tweets":
            why = {each: self._why(there[each]) for each in job.ids}
        else:
            why = {each: "suspended" for each in job.ids if each in self.suspended}
        told = {"action": "delete", "created_at": "2026-03-01T00:00:00.000Z"}
        lines = [json.dumps({"id": each, **told, "reason": reason}) for each, reason in why.items() if reason]
        return Reply("\n".join(lines).encode(), headers={"Content-Type": "text/plain"})

    def _why(self, post: Post) -> str:
        return "deleted" if post.gone else "scrub_geo" if post.number % 7 == 0 else ""


def words(post: Post, id_: int) -> str:
    """How one version of a post begins."""
    return f"Word {post.number} " + "Indeed! " * post.versions.index(id_)


def _in_36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (_in_36(number // 36) if number >= 36 else "") + digits[number % 36]


FAKE = X
