"""A made-up group that tells a bot what is said, as Telegram's Bot API does: once, in order, and for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script

PEOPLE = ("Ada", "Bo", "Cem", "Dia", "Eli", "Fay")
TOKEN = "123456789:AAmade-up-token-that-is-never-shown-00"
CHAT = {"id": -1001234567890, "type": "supergroup", "title": "Lumo", "username": "lumo"}
KEPT = timedelta(hours=24)


@dataclass
class Said:
    """A message of the group."""

    id: int
    who: int
    said: str
    at: datetime
    answers: Said | None = None
    edited: datetime | None = None


class Telegram(Fake):
    """`said` is the truth; `queue` is what the bot was not told yet, with the moment it came up."""

    SECRETS = {"TELEGRAM_BOT_TOKEN": TOKEN}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 150) -> None:
        super().__init__(script)
        self.said: list[Said] = []
        self.updates: list[tuple[datetime, dict[str, Any]]] = []
        self.queue: list[tuple[datetime, dict[str, Any]]] = []
        self.next, self.hears_all, self.has_webhook = 70_001, True, False
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "telegram", "chat": str(CHAT["id"]), "address": self.address}

    def say(self) -> Said:
        self.now += timedelta(seconds=self.chance.randint(20, 150))
        answers = self.chance.choice(self.said[-20:]) if self.said and self.chance.random() < 0.5 else None
        number = len(self.said) + 1
        said = Said(number, self.chance.randrange(len(PEOPLE)), f"Word {number} is said", self.now, answers)
        self.said.append(said)
        self._tell("message", said)
        if number % 9 == 0:
            elsewhere = {"id": 42, "type": "private", "first_name": "Gus"}
            self._queue({"message": {"message_id": number, "date": 1, "chat": elsewhere, "text": "Between us"}})
        return said

    def change(self) -> None:
        said = self.chance.choice(self.said[-20:])
        said.said, said.edited = said.said + " indeed", self.now
        self._tell("edited_message", said)

    def delete(self, count: int) -> None:
        """A bot is never told."""
        for said in self.chance.sample(self.said, count):
            self.said.remove(said)

    def renew(self) -> None:
        self.queue = list(self.updates)

    def truth(self) -> dict[str, str]:
        return {f"1234567890:{each.id}": each.said for each in self.said}

    def answer(self, request: Request) -> Reply:
        bot, _, method = request.path.strip("/").partition("/")
        if bot != f"bot{TOKEN}":
            return Reply({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        match method:
            case "getUpdates":
                return self._updates(request)
            case "getMe":
                told = {"id": 9, "is_bot": True, "first_name": "Hearth", "can_read_all_group_messages": self.hears_all}
                return Reply({"ok": True, "result": told})
            case "getChat":
                return Reply({"ok": True, "result": CHAT})
            case "getWebhookInfo":
                return Reply({"ok": True, "result": {"url": "", "pending_update_count": len(self.queue)}})
        return Reply({"ok": False, "error_code": 404, "description": "Not Found"}, 404)

    def _updates(self, request: Request) -> Reply:
        if self.misled == "lost" or self.has_webhook:
            return Reply({"ok": False, "error_code": 409, "description": "Conflict"}, 409)
        told_before = self.queue[:3]
        offset = int(request.query.get("offset") or 0)
        self.queue = [each for each in self.queue if each[1]["update_id"] >= offset and self.now - each[0] < KEPT]
        found = [] if self.misled == "empty" else [told for _, told in self.queue]
        if self.misled == "loop":
            found = [told for _, told in told_before]
        return Reply({"ok": True, "result": found[: int(request.query.get("limit") or 100)]})

    def _tell(self, kind: str, said: Said) -> None:
        self._queue({kind: self._told(said)})

    def _queue(self, told: dict[str, Any]) -> None:
        told = {"update_id": self.next, **told}
        self.next += 1
        self.updates.append((self.now, told))
        self.queue.append((self.now, told))

    def _told(self, said: Said, *, bare: bool = False) -> dict[str, Any]:
        told: dict[str, Any] = {
            "message_id": said.id, "date": int(said.at.timestamp()), "chat": CHAT, "text": said.said,
            "from": {"id": 500 + said.who, "is_bot": said.who == 5, "first_name": PEOPLE[said.who]},
        }  # fmt: skip
        if said.edited:
            told["edit_date"] = int(said.edited.timestamp())
        if said.answers and not bare:
            told["reply_to_message"] = self._told(said.answers, bare=True)
        return told


FAKE = Telegram
