"""A made-up channel that speaks as the YouTube Data API does: commentThreads, comments, videos, and its units."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back, latest

PEOPLE = ("@ada", "@bo-marsh", "@cem", "@dia", "@eli", "@lumo")
KEY = "AIzaMadeUpKey0123456789abcdefghijklmnopq"
CHANNEL, VIDEOS = "UClumoLumoLumoLumoLumo1", ("vidAAAAAAA1", "vidBBBBBBB2", "vidCCCCCCC3")


@dataclass
class Thing:
    """A thread (no thread of its own), or a reply to it."""

    number: int
    who: int
    said: str
    at: datetime
    video: str
    thread: Thing | None = None
    edited: datetime | None = None
    is_deleted: bool = False
    below: list[Thing] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.thread.id}.re{self.number}" if self.thread else f"Ugx{self.number}AaABAg"

    @property
    def is_gone(self) -> bool:
        return self.is_deleted or bool(self.thread and self.thread.is_deleted)

    def left(self) -> list[Thing]:
        return [each for each in self.below if not each.is_deleted]


class YouTube(Fake):
    """`things` is the truth. A thread shows so many of its replies at once, and a list of replies has such pages."""

    SECRETS = {"YOUTUBE_API_KEY": KEY}  # noqa: RUF012
    ORDINARY = {"shown": 5, "page": 100}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 220, shown: int = 2, page: int = 3) -> None:
        super().__init__(script)
        self.things: list[Thing] = []
        self.threads: list[Thing] = []
        self.by_id: dict[str, Thing] = {}
        self.shown, self.page, self.units = shown, page, 10_000
        self.closed = set[str]()  # videos under which nobody may comment
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "youtube", "channel": CHANNEL, "address": self.address}

    def say(self) -> Thing:
        """Somebody comments, or answers a comment."""
        self.now += timedelta(minutes=self.chance.randint(1, 40))
        number, who = 100 + len(self.things), self.chance.randrange(len(PEOPLE))
        threads = latest((each for each in back(self.threads) if not each.is_deleted), 20)
        is_thread = not threads or self.chance.random() < 0.4
        thread = None if is_thread else self.chance.choice(threads)
        video = thread.video if thread else self.chance.choice(VIDEOS)
        thing = Thing(number, who, f"Word {number} <of> {PEOPLE[who]}", self.now, video, thread)
        (thread.below if thread else self.threads).append(thing)
        self.things.append(thing)
        self.by_id[thing.id] = thing
        return thing

    def change(self) -> None:
        """Somebody edits or deletes one of the last comments."""
        thing = self.chance.choice([each for each in self.things[-60:] if not each.is_gone])
        if self.chance.random() < 0.5:
            thing.said, thing.edited = thing.said + " Indeed!", self.now
        else:
            thing.is_deleted = True

    def left(self) -> list[Thing]:
        return [each for each in self.things if not each.is_gone]

    def truth(self) -> dict[str, str]:
        """Without what was edited: an edit of a reply deep in a thread is told by nothing."""
        return {each.id: f"Word {each.number} <of>" for each in self.left()}

    def answer(self, request: Request) -> Reply:
        return self._refused(request) or self._answer(request)

    def _refused(self, request: Request) -> Reply | None:
        if request.headers.get("x-goog-api-key") != KEY:
            return wrong(400, "badRequest", "API_KEY_INVALID")
        if self.units < 1:
            return wrong(403, "quotaExceeded")
        self.units -= 1
        if self.misled == "lost" and "pageToken" in request.query:
            return wrong(400, "invalidPageToken")
        if self.misled == "lost":
            return wrong(403, "rateLimitExceeded")
        return None

    def _answer(self, request: Request) -> Reply:
        assert "id" in request.query["part"] or request.path == "/videos"
        match request.path:
            case "/commentThreads":
                return self._threads(request)
            case "/comments" if "id" in request.query:
                ids = request.query["id"].split(",")
                assert len(ids) <= 50
                there = [each for each in map(self._there, ids) if each and self.misled != "empty"]
                return listed("comment", [{"id": each.id} for each in there])
            case "/comments":
                return self._replies(request)
            case "/videos":
                return listed("video", [self._video(each) for each in request.query["id"].split(",")])
        return wrong(404, "notFound")

    def _threads(self, request: Request) -> Reply:
        """Newest first; the token is a place in time, which stays when others go."""
        query = request.query
        assert query["order"] == "time"
        if query.get("videoId") in self.closed:
            return wrong(403, "commentsDisabled")
        assert query.get("videoId") or query["allThreadsRelatedToChannelId"] == CHANNEL
        token = None if self.misled == "loop" else query.get("pageToken")
        size = int(query["maxResults"]) if self.page > 10 else 20
        found = back(self.threads, int(token[1:]) if token else None, lambda each: each.number)
        wanted = (each for each in found if not each.is_deleted and query.get("videoId") in (None, each.video))
        rest = list(islice(wanted, size + 1))
        page = rest[:size] if self.misled != "empty" else []
        following = f"Q{page[-1].number}" if page and len(rest) > size else None
        return listed("commentThread", [self._thread(each) for each in page], following)

    def _replies(self, request: Request) -> Reply:
        found = self._there(request.query["parentId"])
        if not found:
            return wrong(404, "commentNotFound")
        token = request.query.get("pageToken")
        rest = [each for each in found.left() if not token or each.number > int(token[1:])]
        page = rest[: self.page]
        following = f"R{page[-1].number}" if len(rest) > self.page else None
        return listed("comment", [self._comment(each) for each in page], following)

    def _there(self, id_: str) -> Thing | None:
        thing = self.by_id.get(id_)
        return thing if thing and not thing.is_gone else None

    def _thread(self, thing: Thing) -> dict[str, Any]:
        replies = thing.left()
        said = {"channelId": CHANNEL, "videoId": thing.video, "topLevelComment": self._comment(thing)}
        told: dict[str, Any] = {"kind": "youtube#commentThread", "id": thing.id}
        told["snippet"] = {**said, "canReply": True, "totalReplyCount": len(replies), "isPublic": True}
        shown = [self._comment(each) for each in replies[-self.shown :]]
        return told | ({"replies": {"comments": shown}} if shown else {})

    def _comment(self, thing: Thing) -> dict[str, Any]:
        name, under = PEOPLE[thing.who], {"parentId": thing.thread.id} if thing.thread else {"videoId": thing.video}
        who = CHANNEL if name == "@lumo" else f"UCmember{thing.who:014}"
        return {
            "kind": "youtube#comment", "id": thing.id,
            "snippet": {
                "channelId": CHANNEL, "textDisplay": thing.said, "textOriginal": thing.said, **under,
                "authorDisplayName": name, "authorChannelId": {"value": who}, "likeCount": thing.number % 3,
                "publishedAt": stamp(thing.at), "updatedAt": stamp(thing.edited or thing.at),
            },
        }  # fmt: skip

    def _video(self, video: str) -> dict[str, Any]:
        said = {"channelId": CHANNEL, "channelTitle": "Lumo", "title": f"How to {video[3:]}"}
        return {"kind": "youtube#video", "id": video, "snippet": said}


def listed(kind: str, items: list[dict[str, Any]], following: str | None = None) -> Reply:
    token = {"nextPageToken": following} if following else {}
    return Reply({"kind": f"youtube#{kind}ListResponse", **token, "items": items})


def wrong(status: int, reason: str, detail: str = "") -> Reply:
    details = {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]} if detail else {}
    told = {"code": status, "message": "made up", "errors": [{"domain": "youtube", "reason": reason}], **details}
    return Reply({"error": told}, status)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


FAKE = YouTube
