"""A made-up site that speaks as the API of Stack Exchange does: lists by activity, ids in batches, filters, backoff."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back, latest

PEOPLE = ("Ada Q", "Bo Marsh", "Cem & Co", "Dia", "Eli", "Fay")
SITE, KEY = "sailing.example.com", "U4DMV*8nvpm3EOpvf69Rxw(("
FILTER = "!nNPvSNdWme"
DAY_QUOTA = 10_000
FIRST = 500


@dataclass
class Thing:
    """A question (no parent), an answer to it, or a comment on either."""

    number: int
    kind: str
    who: int
    said: str
    at: int
    active: int
    parent: Thing | None = None
    edited: int | None = None
    is_deleted: bool = False
    below: list[Thing] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"comment:{self.number}" if self.kind == "comment" else str(self.number)

    @property
    def root(self) -> Thing:
        return self.parent.root if self.parent else self

    @property
    def is_gone(self) -> bool:
        return self.is_deleted or bool(self.parent and self.parent.is_gone)

    def left(self, kind: str) -> list[Thing]:
        return [each for each in self.below if each.kind == kind and not each.is_deleted]


class StackExchange(Fake):
    """`things` is the truth. A question shows so many of its answers and comments at once: few."""

    SECRETS = {"STACKEXCHANGE_KEY": KEY}  # noqa: RUF012
    ORDINARY = {"shown": 50}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 220, shown: int = 3) -> None:
        super().__init__(script)
        self.things: list[Thing] = []
        self.questions: list[Thing] = []
        self.shown, self.quota, self.scolded = shown, DAY_QUOTA, 0
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "stackexchange", "site": SITE, "tagged": "knots", "address": self.address}

    def say(self) -> Thing:
        """Somebody asks, answers or comments."""
        self.now += timedelta(minutes=self.chance.randint(1, 40))
        number, who, at = FIRST + len(self.things), self.chance.randrange(len(PEOPLE)), int(self.now.timestamp())
        questions = latest((each for each in back(self.questions) if not each.is_gone), 15)
        draw = self.chance.random()
        kind = "question" if not questions or draw < 0.3 else "answer" if draw < 0.6 else "comment"
        parent = self.chance.choice(questions) if kind != "question" else None
        if parent and kind == "comment":
            parent = self.chance.choice([parent, *parent.left("answer")])
        thing = Thing(number, kind, who, f"Word {number} & more of {PEOPLE[who]}", at, at, parent)
        if parent:
            parent.below.append(thing)
        if kind == "answer":
            thing.root.active = at
        self.things.append(thing)
        self.questions += [thing] if kind == "question" else []
        return thing

    def change(self) -> None:
        """Somebody edits or deletes one of the last things."""
        thing = self.chance.choice([each for each in self.things[-60:] if not each.is_gone])
        if self.chance.random() < 0.5:
            thing.said += " Indeed!"
            if thing.kind != "comment":
                thing.edited = thing.root.active = int(self.now.timestamp())
        else:
            thing.is_deleted = True

    def left(self) -> list[Thing]:
        return [each for each in self.things if not each.is_gone]

    def truth(self) -> dict[str, str]:
        return {each.id: each.said for each in self.left()}

    def answer(self, request: Request) -> Reply:
        if request.query.get("key") not in (None, KEY):
            return wrong(400, 401, "bad_parameter", "`key` doesn't match a known application")
        if self.misled == "lost":
            self.scolded += 1
            told = "too many requests from this IP, more requests available in 9 seconds"
            return wrong(400, 502, "throttle_violation", told)
        self.quota -= 1
        if request.path == "/filters/create":
            assert "question.answers" in request.query["include"].split(";")
            return self._wrapped([{"filter": FILTER}])
        if request.query.get("site") != SITE:
            return wrong(400, 400, "bad_parameter", "No site found for name")
        assert request.query["filter"] in (FILTER, "total"), "fields are asked for explicitly"
        return self._asked(request)

    def _asked(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["questions"]:
                return self._questions(request)
            case ["questions", number, "answers"]:
                return self._part(self._one(number).left("answer"), request)
            case ["posts", number, "comments"]:
                return self._part(self._one(number).left("comment"), request)
            case ["posts" | "comments" as kind, ids]:
                wanted = ids.split(";")
                assert len(wanted) <= 100
                named = sorted(int(each) - FIRST for each in wanted)
                found = [self.things[each] for each in named if each < len(self.things) and self.misled != "empty"]
                found = [
                    each for each in found if (each.kind == "comment") == (kind == "comments") and not each.is_gone
                ]
                return self._wrapped([{f"{kind[:-1]}_id": each.number} for each in found])
        return wrong(404, 404, "no_method", "no method found with this name")

    def _one(self, number: str) -> Thing:
        return self.things[int(number) - FIRST]

    def _questions(self, request: Request) -> Reply:
        query = request.query

        def order(each: Thing) -> int:
            return each.active if query["sort"] == "activity" else each.at

        least = 0 if self.misled == "loop" else int(query.get("min", 0))
        found = [each for each in self.questions if not each.is_deleted and order(each) >= least]
        found = sorted(found, key=order) if self.misled != "empty" else []
        assert query["order"] == "asc"
        if query["filter"] == "total":
            return Reply({"total": len(found)})
        return self._part(found, request)

    def _part(self, things: list[Thing], request: Request) -> Reply:
        size, page = int(request.query["pagesize"]), int(request.query["page"])
        assert page <= 25
        assert size <= 100
        shown = things[(page - 1) * size : page * size]
        return self._wrapped([self._told(each) for each in shown], more=len(things) > page * size)

    def _wrapped(self, items: list[dict[str, Any]], *, more: bool = False) -> Reply:
        pause = {"backoff": 10} if self.chance.random() < 0.1 else {}
        return Reply({"items": items, "has_more": more, **pause, "quota_max": DAY_QUOTA, "quota_remaining": self.quota})

    def _told(self, thing: Thing) -> dict[str, Any]:
        told: dict[str, Any] = {"creation_date": thing.at, "score": thing.number % 4}
        told["owner"] = {"user_id": 70 + thing.who, "display_name": PEOPLE[thing.who].replace("&", "&amp;")}
        if thing.kind == "comment":
            assert thing.parent
            return told | {"comment_id": thing.number, "post_id": thing.parent.number, "body_markdown": thing.said}
        told |= {"question_id": thing.root.number, "body": f"<p>{thing.said.replace('&', '&amp;')}</p>"}
        told |= {"last_edit_date": thing.edited} if thing.edited else {}
        comments, answers = thing.left("comment"), thing.left("answer")
        told |= {"comment_count": len(comments)}
        told |= {"comments": [self._told(each) for each in comments[: self.shown]]} if comments else {}
        if thing.kind == "answer":
            return told | {"answer_id": thing.number}
        told |= {"answers": [self._told(each) for each in answers[: self.shown]]} if answers else {}
        told |= {"title": f"Title {thing.number}", "last_activity_date": thing.active, "answer_count": len(answers)}
        return told | {"link": f"https://{SITE}/questions/{thing.number}/title"}


def wrong(status: int, number: int, name: str, message: str) -> Reply:
    return Reply({"error_id": number, "error_name": name, "error_message": message}, status)


FAKE = StackExchange
