"""A made-up organization that speaks as Zulip's API does: users, channels, messages around an anchor, narrowed."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back

EMAIL, KEY = "hearth-bot@lumo.example", "made-up-zulip-key-never-shown-00"
PEOPLE = ("Ada", "Bo", "Cem", "Dia", "Eli")
CHANNELS = {21: "help", 22: "general"}
CAP = 40  # messages an answer, whatever is asked for


@dataclass
class Said:
    """A message in a topic of a channel."""

    id: int
    channel: int
    topic: str
    who: int
    said: str
    at: datetime
    edited: datetime | None = None
    is_deleted: bool = False


class Zulip(Fake):
    """`said` is the truth. `is_old`: the server does not know include_anchor; `limited`: it hides what is older."""

    SECRETS = {"ZULIP_EMAIL": EMAIL, "ZULIP_API_KEY": KEY}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 180) -> None:
        super().__init__(script)
        self.said: list[Said] = []
        self.is_old, self.limited = False, 0
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "zulip", "address": self.address, "organization": "lumo"}

    def say(self) -> Said:
        self.now += timedelta(minutes=self.chance.randint(5, 60))
        number = 5000 + 3 * len(self.said)
        last = self.said[-1] if self.said and self.chance.random() < 0.7 else None
        channel = last.channel if last else self.chance.choice(list(CHANNELS))
        topic = last.topic if last else f"topic {self.chance.randrange(12)}"
        said = Said(number, channel, topic, self.chance.randrange(len(PEOPLE)), f"Word {number} said", self.now)
        self.said.append(said)
        return said

    def change(self) -> None:
        said = self.chance.choice(self.said[-20:])
        if self.chance.random() < 0.5:
            said.said, said.edited = said.said + " indeed", self.now
        else:
            said.is_deleted = True

    def left(self) -> list[Said]:
        return [each for each in self.said if not each.is_deleted]

    def truth(self) -> dict[str, str]:
        return {str(each.id): f"Word {each.id} said" for each in self.left()}

    def answer(self, request: Request) -> Reply:
        pair = base64.b64encode(f"{EMAIL}:{KEY}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return Reply({"result": "error", "msg": "Invalid API key", "code": "UNAUTHORIZED"}, 401)
        match request.path.removeprefix("/api/v1/"):
            case "users":
                told = [
                    {"user_id": n, "full_name": name, "is_bot": False, "role": 400} for n, name in enumerate(PEOPLE, 1)
                ]
                return _yes(members=told)
            case "streams":
                told = [{"stream_id": id_, "name": name, "invite_only": False} for id_, name in CHANNELS.items()]
                return _yes(streams=told)
            case "messages":
                return self._messages(request)
        return Reply({"result": "error", "msg": "Not found"}, 404)

    def _messages(self, request: Request) -> Reply:
        query, narrow = request.query, json.loads(request.query["narrow"])
        if self.misled == "lost" and query["anchor"].isdecimal():
            return Reply({"result": "error", "msg": "Invalid anchor", "code": "BAD_REQUEST"}, 400)
        shown = self.left()[-self.limited :] if self.limited else self.left()
        named = {each["operator"]: each["operand"] for each in narrow}
        if named.get("streams") != "public":
            shown = [each for each in shown if (each.channel, each.topic) == (named["stream"], named["topic"])]
        if query["anchor"] == "oldest":
            page, is_end = shown[: int(query["num_after"])], True
        else:
            page, is_end = self._before(shown, query)
        page = [] if self.misled == "empty" else page
        told = [self._told(each) for each in page]
        return _yes(
            messages=told, found_oldest=is_end, found_newest=False, history_limited=bool(self.limited) and is_end
        )

    def _before(self, shown: list[Said], query: dict[str, str]) -> tuple[list[Said], bool]:
        anchor = int(query["anchor"]) if query["anchor"].isdecimal() and self.misled != "loop" else 1 << 60
        is_within = self.is_old or query.get("include_anchor") != "false"
        size = min(CAP, int(query["num_before"]))
        older = list(islice(back(shown, anchor, lambda each: each.id), size + 1))
        itself = [each for each in back(shown, anchor + 1, lambda each: each.id) if each.id == anchor][:is_within]
        return older[:size][::-1] + itself, len(older) <= size

    def _told(self, said: Said) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": said.id, "sender_id": said.who + 1, "sender_full_name": PEOPLE[said.who], "avatar_url": None,
            "sender_email": f"user{said.who + 1}@lumo.example", "sender_realm_str": "lumo", "client": "website",
            "content": f"<p>{said.said}</p>", "content_type": "text/html", "display_recipient": CHANNELS[said.channel],
            "stream_id": said.channel, "type": "stream", "subject": said.topic, "timestamp": int(said.at.timestamp()),
            "reactions": [], "flags": ["read"], "topic_links": [], "submessages": [],
        }  # fmt: skip
        return told | ({"last_edit_timestamp": int(said.edited.timestamp())} if said.edited else {})


def _yes(**told: Any) -> Reply:
    return Reply({"result": "success", "msg": "", **told})


FAKE = Zulip
