"""A made-up server that speaks as Discord's API does: channels, a forum, threads open and closed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back

GUILD, TOKEN = "900000000000000001", "MTk4made-up.Gtoken.never-shown-anywhere-at-all"
CHANNELS = {"901": (0, "general"), "902": (15, "help"), "903": (0, "staff"), "904": (4, "Quays"), "905": (0, "quiet")}
PEOPLE = ("ada", "bo", "cem", "dia", "eli")
EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


@dataclass
class Said:
    """A message in a channel or thread."""

    number: int
    room: str
    who: int
    said: str
    at: datetime
    answers: Said | None = None
    is_deleted: bool = False
    edited: datetime | None = None

    @property
    def id(self) -> str:
        return snowflake(self.at, self.number)


class Discord(Fake):
    """`said` is the truth; `withheld`: the bot lacks the intent to see content; `page`: closed threads an answer."""

    SECRETS = {"DISCORD_BOT_TOKEN": TOKEN}  # noqa: RUF012

    ORDINARY = {"page": 100}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 180, page: int = 5) -> None:
        super().__init__(script)
        self.page = page
        self.said: list[Said] = []
        self.by_room = defaultdict[str, list[Said]](list)
        self.begun: list[str] = []
        self.threads: dict[str, str] = {}  # by id, the channel they hang under
        self.withheld = False
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "discord", "guild": GUILD, "address": self.address}

    def say(self) -> Said:
        self.now += timedelta(minutes=self.chance.randint(5, 60))
        number = len(self.said) + 1
        room = "901"
        if self.chance.random() < 0.5:
            room = self.chance.choice(self.begun[-4:]) if self.begun and self.chance.random() < 0.9 else ""
        if not room:
            room = snowflake(self.now, number)  # a forum's thread is named by its first message
            self.threads[room] = "902"
            self.begun.append(room)
        before = [each for each in self.said[-30:] if each.room == room]
        answers = self.chance.choice(before) if before and self.chance.random() < 0.4 else None
        self.said.append(
            Said(number, room, self.chance.randrange(len(PEOPLE)), f"Word {number} said", self.now, answers)
        )
        self.by_room[room].append(self.said[-1])
        return self.said[-1]

    def change(self) -> None:
        said = self.chance.choice(self.said[-15:])
        if self.chance.random() < 0.5:
            said.said, said.edited = said.said + " indeed", self.now
        else:
            said.is_deleted = True

    def left(self) -> list[Said]:
        return [each for each in self.said if not each.is_deleted]

    def truth(self) -> dict[str, str]:
        return {each.id: f"Word {each.number} said" for each in self.left()}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bot {TOKEN}":
            return Reply({"message": "401: Unauthorized", "code": 0}, 401)
        match request.path.strip("/").split("/"):
            case ["guilds", guild, *what] if guild == GUILD:
                return Reply(self._guild(what))
            case ["channels", channel, "threads", "archived", "public"]:
                return self._archived(channel, request)
            case ["channels", channel, "messages"]:
                return self._messages(channel, request)
        return Reply({"message": "Unknown Guild", "code": 10004}, 404)

    def _guild(self, what: list[str]) -> Any:
        if what == ["channels"]:
            return [self._channel(id_) for id_ in CHANNELS]
        active = {"threads": [self._thread(id_) for id_ in self.begun[-3:]], "members": []}
        return active if what else {"id": GUILD, "name": "Lumo"}

    def _channel(self, id_: str) -> dict[str, Any]:
        kind, name = CHANNELS[id_]
        hidden = [{"id": GUILD, "type": 0, "allow": "0", "deny": str(1 << 10)}] if name == "staff" else []
        last = self.by_room[id_][-1].id if id_ in self.by_room else None
        return {
            "id": id_, "type": kind, "name": name, "guild_id": GUILD, "parent_id": "904" if kind == 0 else None,
            "permission_overwrites": hidden, "last_message_id": last,
        }  # fmt: skip

    def _thread(self, id_: str) -> dict[str, Any]:
        last = self.by_room[id_][-1]
        closed = last.at + timedelta(hours=1)
        return {
            "id": id_, "type": 11, "name": f"Thread {id_[-3:]}", "parent_id": self.threads[id_], "guild_id": GUILD,
            "last_message_id": last.id, "thread_metadata": {"archived": False, "archive_timestamp": closed.isoformat()},
        }  # fmt: skip

    def _archived(self, channel: str, request: Request) -> Reply:
        closed = [self._thread(id_) for id_ in self.begun[:-3] if self.threads[id_] == channel]
        closed.sort(key=lambda each: str(each["thread_metadata"]["archive_timestamp"]), reverse=True)
        before = request.query.get("before") or "9999"
        closed = [each for each in closed if each["thread_metadata"]["archive_timestamp"] < before]
        return Reply({"threads": closed[: self.page], "members": [], "has_more": len(closed) > self.page})

    def _messages(self, channel: str, request: Request) -> Reply:
        if self.misled == "lost" and "before" in request.query:
            return Reply({"message": "Invalid Form Body", "code": 50035}, 400)
        before = int(request.query.get("before") or 1 << 62) if self.misled != "loop" else 1 << 62
        there = (each for each in back(self.by_room[channel], before, lambda each: int(each.id)) if not each.is_deleted)
        found = [] if self.misled == "empty" else list(islice(there, int(request.query["limit"])))
        reply = Reply([self._told(each) for each in found])
        left = "0" if self.chance.random() < 0.1 else "4"
        reply.headers |= {
            "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": left, "X-RateLimit-Reset-After": "1.5",
            "X-RateLimit-Reset": f"{self.now.timestamp() + 1.5:.3f}", "X-RateLimit-Bucket": "abcd1234",
        }  # fmt: skip
        return reply

    def _told(self, said: Said, *, alone: bool = False) -> dict[str, Any]:
        name = PEOPLE[said.who]
        told: dict[str, Any] = {
            "id": said.id, "type": 19 if said.answers else 0, "channel_id": said.room, "timestamp": said.at.isoformat(),
            "edited_timestamp": said.edited.isoformat() if said.edited else None, "attachments": [], "embeds": [],
            "content": "" if self.withheld else said.said, "mentions": [],
            "author": {"id": f"{7000 + said.who}", "username": name, "global_name": name.title(), "avatar": "f00"},
        }  # fmt: skip
        if said.answers:
            told["message_reference"] = {"type": 0, "channel_id": said.room, "message_id": said.answers.id}
            if not alone:
                gone = said.answers.is_deleted
                told["referenced_message"] = None if gone else self._told(said.answers, alone=True)
        return told


def snowflake(at: datetime, number: int) -> str:
    return str((round((at - EPOCH).total_seconds() * 1000) << 22) + number)


FAKE = Discord
