"""A made-up workspace that speaks as Slack's Web API does: lists, histories, threads. It refuses with status 200."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back, latest

PEOPLE = ("UADA00001", "UBOO00002", "UCEM00003", "UDIA00004", "UELI00005")
ROOMS = {"C0GENERAL": "general", "C000HELP1": "help", "C00EMPTY1": "empty"}
TOKEN = "xoxb-1111111111-made-up-never-shown"


@dataclass
class Said:
    """A message: one with a root answers it."""

    number: int
    room: str
    who: int
    said: str
    at: datetime
    root: Said | None = None
    replies: list[Said] = field(default_factory=list)
    edited: datetime | None = None
    is_deleted: bool = False

    @property
    def ts(self) -> str:
        return f"{self.at.timestamp():.0f}.{self.number:06}"

    def left(self) -> list[Said]:
        return [each for each in self.replies if not each.is_deleted]


class Slack(Fake):
    """`said` is the truth. `most`: so many messages an answer, as Slack gives to some apps."""

    SECRETS = {"SLACK_TOKEN": TOKEN}  # noqa: RUF012

    ORDINARY = {"most": 200}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 180, most: int = 15) -> None:
        super().__init__(script)
        self.said: list[Said] = []
        self.roots: list[Said] = []
        self.by_room = defaultdict[str, list[Said]](list)  # the same, room by room
        self.by_ts: dict[str, Said] = {}
        self.most, self.refusal, self.is_limited = most, "", False
        self.hides: datetime | None = None  # what is older than this, as the plan that costs nothing does
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "slack", "address": self.address}

    def say(self, to: Said | None = None) -> Said:
        self.now += timedelta(minutes=self.chance.randint(5, 90))
        number = len(self.said) + 1
        roots = latest((each for each in back(self.roots) if not each.is_deleted), 10)
        root = to or (self.chance.choice(roots) if roots and self.chance.random() < 0.5 else None)
        room = root.room if root else self.chance.choice(("C0GENERAL", "C000HELP1"))
        said = Said(number, room, self.chance.randrange(len(PEOPLE)), f"Word {number} &lt;of&gt;?", self.now, root)
        if root:
            root.replies.append(said)
        else:
            self.roots.append(said)
            self.by_room[room].append(said)
        self.said.append(said)
        self.by_ts[said.ts] = said
        return said

    def change(self) -> None:
        said = self.chance.choice(self.said[-20:])
        if self.chance.random() < 0.5:
            said.said, said.edited = said.said + " Indeed!", self.now
        else:
            said.is_deleted = True

    def left(self) -> list[Said]:
        return [each for each in self.said if not each.is_deleted]

    def truth(self) -> dict[str, str]:
        return {f"{each.room}:{each.ts}": f"Word {each.number} <" for each in self.left()}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _no("invalid_auth")
        if self.refusal:
            return _no(self.refusal)
        return {
            "auth.test": self._team, "conversations.list": self._rooms, "users.list": self._users,
            "conversations.history": self._history, "conversations.replies": self._replies,
        }[request.path.strip("/")](request)  # fmt: skip

    def _team(self, _: Request) -> Reply:
        return Reply({"ok": True, "team": "Lumo", "team_id": "T0000LUMO", "user_id": "UBOT00000"})

    def _rooms(self, request: Request) -> Reply:
        assert request.query["types"] == "public_channel"
        told = [{"id": id_, "name": name, "is_private": False, "is_member": True} for id_, name in ROOMS.items()]
        told.append({"id": "C00AWAY01", "name": "away", "is_private": False, "is_member": False})
        return self._cut("channels", told, request, 2)

    def _users(self, request: Request) -> Reply:
        told = [
            {"id": id_, "team_id": "T0000LUMO", "name": id_.lower(), "profile": {"display_name": id_[1:4].title()}}
            for id_ in PEOPLE
        ]
        return self._cut("members", told, request, 3)

    def _cut(self, key: str, told: list[Any], request: Request, size: int) -> Reply:
        start = int(request.query.get("cursor") or 0) if self.misled != "loop" else 0
        if self.misled == "lost" and start:
            return _no("invalid_cursor")
        following = str(start + size) if start + size < len(told) else ""
        page = told[start : start + size]
        return Reply({"ok": True, key: page, "response_metadata": {"next_cursor": following}})

    def _history(self, request: Request) -> Reply:
        room, query = request.query["channel"], request.query
        if room not in ROOMS:
            return _no("not_in_channel")
        if self.misled == "lost":
            return _no("internal_error" if self.chance.random() < 0.5 else "invalid_ts_latest")
        before = float("inf") if self.misled == "loop" else float(query["latest"])
        size = min(self.most, int(query["limit"]))
        there = (
            each for each in back(self.by_room[room], before, lambda each: float(each.ts))
            if (each.left() or not each.is_deleted) and not self._hides(each)
            and float(query.get("oldest", 0)) < float(each.ts)
        )  # fmt: skip
        shown = list(islice(there, size + 1))
        page = [] if self.misled == "empty" else [self._told(each) for each in shown[:size]]
        limited = {"is_limited": True} if self.is_limited else {}
        return Reply({"ok": True, "messages": page, "has_more": len(shown) > size and bool(page), **limited})

    def _replies(self, request: Request) -> Reply:
        root = self.by_ts.get(request.query["ts"])
        if root is None or self._hides(root) or (root.is_deleted and not root.left()):
            return _no("thread_not_found")
        reply = self._cut("messages", [self._told(each) for each in (root, *root.left())], request, self.most)
        if self.misled == "empty":
            reply.value = {"ok": True, "messages": []}
        return reply

    def _hides(self, said: Said) -> bool:
        return self.hides is not None and said.at < self.hides

    def _told(self, said: Said) -> dict[str, Any]:
        told: dict[str, Any] = {"type": "message", "user": PEOPLE[said.who], "text": said.said, "ts": said.ts}
        if said.is_deleted:
            told |= {"subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted.", "hidden": True}
        if said.edited:
            told["edited"] = {"user": PEOPLE[said.who], "ts": f"{said.edited.timestamp():.6f}"}
        if said.root:
            told |= {"thread_ts": said.root.ts, "parent_user_id": PEOPLE[said.root.who]}
        elif left := said.left():
            told |= {"thread_ts": said.ts, "reply_count": len(left), "latest_reply": left[-1].ts}
        return told


def _no(error: str) -> Reply:
    return Reply({"ok": False, "error": error})


FAKE = Slack
