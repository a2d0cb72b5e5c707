"""Lantern Makers: a made-up community with known habits, played forward event by event.

Its people build lamps from kits and talk about it in three places. Everything follows from the seed. Posts
come in the order of time, and each conversation is planned when it begins: any number needs little memory.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from heapq import heappop, heappush
from itertools import accumulate, count
from pathlib import Path
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from data.records import Channel, Member, Message

MINUTE, HOUR, DAY = 60, 3600, 86_400
UNTIL = datetime(2026, 11, 16, tzinfo=UTC)
TOPICS = ("wick", "solder", "firmware", "shipping", "battery", "glass", "app")
TONGUES = {"en": 90, "de": 5, "es": 3, "fr": 2}
ZONES = {
    "Europe/Berlin": 34,
    "Europe/London": 26,
    "Europe/Helsinki": 8,
    "Africa/Lagos": 6,
    "America/New_York": 12,
    "America/Sao_Paulo": 4,
    "America/Los_Angeles": 3,
    "Asia/Kolkata": 5,
    "Australia/Sydney": 2,
}
HOURS = (2, 1, 0, 0, 0, 1, 3, 7, 9, 10, 10, 9, 10, 9, 9, 9, 9, 10, 12, 15, 17, 15, 9, 5)  # when people write
EMOJI = {"heart": "❤️", "tada": "🎉", "fire": "🔥", "eyes": "👀", "candle": "🕯️", "raised_hands": "🙌"}
EMPLOYER = "lanternmakers.example"

# Name, time zone, days off (Monday is 0), and how much of the team's answering each one does.
TEAM = (
    ("Ana Ribeiro", "Europe/Lisbon", (5, 6), 9),
    ("Jonas Brandt", "Europe/Berlin", (6, 0), 4),
    ("Priya Raman", "America/Toronto", (4, 5), 3),
    ("Mateo Quintana", "America/Bogota", (5, 6), 2),
    ("Grace Waititi", "Pacific/Auckland", (6, 0), 2),
)


@dataclass(frozen=True)
class Place:
    """Where one platform's people talk. `rooms` says in which channels a kind of talk happens."""

    platform: str
    id: str
    share: float  # of the community's people and asks
    rows_per_ask: float  # measured: how many messages come with one ask of the whole community
    tick: int  # microseconds between two moments the platform can tell apart
    channels: tuple[Channel, ...]
    rooms: dict[str, tuple[int, ...]]
    talk: dict[str, int]  # what people come to do, and how often


SLACK = Place(
    platform="slack",
    id="T07LANTERN",
    share=0.5,
    rows_per_ask=2.32,
    tick=1,
    channels=(
        Channel("C07HELPDESK", "help", "chat"),
        Channel("C07GENERAL0", "general", "chat"),
        Channel("C07SHOWTELL", "show-and-tell", "chat"),
        Channel("C07NEWSNEWS", "announcements", "chat"),
    ),
    rooms={"ask": (0,), "chat": (1,), "show": (2,), "news": (3,)},
    talk={"ask": 45, "chat": 35, "show": 12, "praise": 8},
)
DISCORD = Place(
    platform="discord",
    id="1013554411778244608",
    share=0.35,
    rows_per_ask=1.7,
    tick=1000,
    channels=(
        Channel("1013554412642271232", "bench-talk", "chat"),
        Channel("1013554413271416832", "help-desk", "forum"),
    ),
    rooms={"ask": (0, 1, 1), "chat": (0,), "show": (0,), "news": (0,)},
    talk={"ask": 45, "chat": 35, "show": 12, "praise": 8},
)
MAIL = Place(
    platform="mail",
    id="lantern-makers",
    share=0.15,
    rows_per_ask=0.58,
    tick=1_000_000,
    channels=(Channel("lantern-makers", "lantern-makers", "forum"),),
    rooms={"ask": (0,), "chat": (0,), "news": (0,)},
    talk={"ask": 95, "praise": 5},
)
PLACES = {place.platform: place for place in (SLACK, DISCORD, MAIL)}


@dataclass(frozen=True)
class Habits:
    """How people behave, and for how long. The days before `until`, a midnight, are played."""

    seed: int = 7
    until: datetime = UNTIL
    days: int = 730
    asks_a_day: float = 9.0  # about, on all platforms: the size of everything
    newcomers_per_ask: float = 0.3
    broadcasts_per_ask: float = 0.28
    bot_posts_per_ask: float = 0.4
    wait_hours: float = 5.5  # median of the asks that are answered at all
    wait_spread: float = 1.25  # sigma of the log-normal wait
    weekend_slowdown: float = 1.8
    never_share: float = 0.18
    recent_weeks: int = 8  # since then answers come faster; 0: nothing ever changed
    recent_wait_hours: float = 2.2
    recent_never_share: float = 0.10
    staff_share: float = 0.62
    unhappy_share: float = 0.14
    recovered_share: float = 0.6
    two_way_share: float = 0.55
    return_welcomed: float = 0.5
    return_unwelcomed: float = 0.22
    regular_share: float = 0.22  # of newcomers who came back
    lost_share: float = 0.15  # of people whose ask is never answered, and who then leave
    praise_answered: float = 0.55

    @property
    def since(self) -> datetime:
        """The first covered moment."""
        return self.until - timedelta(days=self.days)

    @property
    def recent_since(self) -> datetime:
        """The moment from which answers come faster."""
        return self.until - timedelta(weeks=self.recent_weeks)


@dataclass(slots=True, eq=False)
class Person:
    """Somebody with an account on one platform, and when they come and go."""

    id: str
    name: str
    handle: str
    zone: ZoneInfo
    joined: int
    is_bot: bool = False
    tongue: str = "en"
    is_new: bool = True
    is_closed: bool = False  # the account is deleted by the time of the export
    gap: float = 12.0  # days between two visits
    leaves: float = math.inf
    days_off: tuple[int, ...] = ()  # weekdays; only the team has them
    friends: list[Person] = field(default_factory=list)

    @property
    def is_staff(self) -> bool:
        """Whether they are on the team."""
        return bool(self.days_off)

    @property
    def first_name(self) -> str:
        """What others call them."""
        return self.name.split()[0]

    def is_awake(self, at: float) -> bool:
        """Whether they might write then: not at night, and the team not on a day off."""
        local = datetime.fromtimestamp(at, self.zone)
        return 7 <= local.hour < 23 and local.weekday() not in self.days_off and at < self.leaves

    def is_gone(self, place: Place) -> bool:
        """Whether the platform no longer says who they were. Slack goes on naming deleted accounts."""
        return self.is_closed and place is DISCORD

    def member(self, place: Place) -> Member:
        """Their record. It says who is staff, so that the demo needs no roster."""
        if place is MAIL:
            return Member(self.id, self.name, email=self.id, is_staff=self.is_staff)
        return Member(self.id, self.name, self.handle, is_bot=self.is_bot, is_staff=self.is_staff)


@dataclass(slots=True, eq=False)
class Post:
    """Something said. `root` is its thread's first post, `parent` the one the platform says it answers."""

    at: int
    seq: int
    channel: Channel
    person: Person
    text: str
    kind: Literal["message", "system"] = "message"
    title: str | None = None
    root: Post | None = None
    parent: Post | None = None
    mention: Person | None = None
    edited: int | None = None
    is_deleted: bool = False
    photos: int = 0
    replies: list[Post] = field(default_factory=list)
    reactions: list[tuple[str, Person]] = field(default_factory=list)

    @property
    def head(self) -> Post | None:
        """The first post of its thread; None when it stands alone in a chat channel."""
        return self.root or (self if self.replies or self.channel.kind == "forum" else None)

    @property
    def ts(self) -> str:
        """Slack's id within a channel: epoch seconds with six decimals."""
        return f"{self.at}.{self.seq % 1_000_000:06}"

    def people(self) -> list[Person]:
        """Everybody this post names."""
        mentioned = [self.mention] if self.mention else []
        return [self.person, *mentioned, *(person for _, person in self.reactions)]

    def sent_at(self, place: Place) -> datetime:
        """When it was sent, as exactly as the platform tells."""
        microsecond = self.seq % 1_000_000 // place.tick * place.tick
        return datetime.fromtimestamp(self.at, UTC).replace(microsecond=microsecond)

    def id(self, place: Place) -> str:
        """The platform's id, unique within the source."""
        if place is SLACK:
            return f"{self.channel.id}:{self.ts}"
        if place is DISCORD:
            return str(_snowflake(self.at * 1000 + self.seq % 1_000_000 // 1000, self.seq))
        return f"{self.at:x}.{self.seq:x}@{self.person.id.partition('@')[2]}"

    def message(self, place: Place) -> Message:
        """The record a reader would make of it. A mail names only the one it answers, not its thread."""
        sent_at, mention, thread = self.sent_at(place), self.mention, None if place is MAIL else self.head
        is_nobodys = self.is_deleted or self.person.is_gone(place)
        text = f"@{mention.name} {self.text}" if mention else self.text
        return Message(
            id=self.id(place),
            channel_id=self.channel.id,
            member_id=None if is_nobodys else self.person.id,
            sent_at=sent_at,
            text="" if self.is_deleted else text,
            kind=self.kind,
            title=self.title,
            conversation_id=thread.id(place) if thread else None,
            parent_id=self.parent.id(place) if self.parent else None,
            basis="explicit" if self.parent and place is not SLACK else "thread" if self.root else None,
            edited_at=datetime.fromtimestamp(self.edited, UTC) if self.edited and not self.is_deleted else None,
            deleted_at=sent_at if self.is_deleted else None,
            mentions=(mention.id,) if mention and not mention.is_gone(place) else (),
            attachments=self.photos,
        )


class Scene(dict[str, str]):
    """What stays the same through one conversation: the topic, the kit, who is spoken to."""

    def say(self, rng: Random, slot: str) -> str:
        """A new sentence of the kind `slot`."""
        if slot in self:
            return self[slot]
        phrases = _words()[self["topic"]][slot]
        pieces = phrases[int(rng.random() * len(phrases))]
        if len(pieces) == 1:
            return pieces[0]
        return "".join([self.say(rng, piece) if odd % 2 else piece for odd, piece in enumerate(pieces)])


@cache
def _words() -> dict[str, dict[str, list[list[str]]]]:
    """Each topic's phrases, its own before the general ones, cut so that every second piece is a slot."""
    raw = tomllib.loads(Path(__file__).with_name("demo_words.toml").read_text("utf-8"))
    cut = {
        topic: {slot: [re.split(r"\{(\w+)\}", phrase) for phrase in said] for slot, said in lists.items()}
        for topic, lists in raw.items()
    }
    return {topic: cut["any"] | lists for topic, lists in cut.items()}


def _pace(planned: float, said: float) -> float:
    """How much oftener regulars visit, so that what is said stays near what is planned."""
    return min(max((planned / said) ** 4, 0.5), 2.0)


def _weekday(at: float) -> int:
    return int(at // DAY + 3) % 7  # the epoch began on a Thursday


def _snowflake(ms: int, seq: int) -> int:
    return (ms - 1_420_070_400_000) << 22 | seq & 0x3FFFFF


class Life:
    """One platform's days."""

    def __init__(self, habits: Habits, place: Place) -> None:
        self.habits, self.place = habits, place
        self.asks_a_day = habits.asks_a_day * place.share
        self.since = int(habits.since.timestamp())
        self.recent = habits.recent_since.timestamp()
        self.rng = Random(f"{habits.seed}/{place.platform}")  # noqa: S311 - chance, not secrecy
        self.chance = self.rng.random
        self.seq = count(1)
        self.due: list[tuple[int, int, Post | Person]] = []  # what is to be said, and who will come
        self.pace = 1.0
        self.hours = list(accumulate(HOURS))
        self.team = [self._account(self.since, name, zone, days_off) for name, zone, days_off, _ in TEAM]
        self.feed = self._bot("GitHub", "B07GITHUB00")
        self.greeter = self._bot("Welcome Lamp", "U07WELCOME0")
        self.regulars: list[Person] = []  # the longest here first

    def posts(self) -> Iterator[Post]:
        """Everything said, oldest first, without end: cut it by time or by number."""
        said, plan = 0, self.habits.asks_a_day * self.place.rows_per_ask
        self._found()
        for day in count():
            morning = self.since + day * DAY
            self._dawn(morning)
            while self.due and self.due[0][0] < morning + DAY:
                at, _, due = heappop(self.due)
                if isinstance(due, Post):
                    said += 1
                    yield due
                else:
                    self._visit(due, at)
            self.pace = _pace(plan * (day + 14), said + plan * 13)

    # Days

    def _dawn(self, morning: int) -> None:
        """What a day brings by itself: newcomers, news and bots."""
        rate = 0.6 if _weekday(morning) >= 5 else 1.16
        for _ in range(self._poisson(rate * self.habits.newcomers_per_ask)):
            self._arrive(self._stranger(morning), morning)
        for _ in range(self._poisson(rate * self.habits.broadcasts_per_ask)):
            person = self.rng.choice([each for each in self.team if _weekday(morning) not in each.days_off])
            self._post(person, self._hour(person, morning), "news", "broadcast", self._scene())
        for _ in range(self._poisson(self.habits.bot_posts_per_ask) if self.place is not MAIL else 0):
            self._post(self.feed, morning + self.rng.randrange(DAY), "chat", "feed", self._scene())
        if self.place is SLACK and morning == self.since + (self.habits.days - 3) * DAY:
            self._ask(self._stranger(morning), morning, None, is_unhappy=True)

    def _hour(self, person: Person, morning: int) -> int:
        """A likely second for them to write, by their own clock, within the day that begins at `morning`."""
        offset = datetime.fromtimestamp(morning, person.zone).utcoffset() or timedelta()
        hour = self.rng.choices(range(24), cum_weights=self.hours)[0]
        second = hour * HOUR + int(self.chance() * HOUR) - int(offset.total_seconds())
        return morning + max(second % DAY, 5 * MINUTE)

    def _wait(self, at: int) -> float | None:
        """Seconds until the first answer, or None for never."""
        habits, is_recent = self.habits, at >= self.recent
        if self.chance() < (habits.recent_never_share if is_recent else habits.never_share):
            return None
        hours = habits.recent_wait_hours if is_recent else habits.wait_hours
        slow = habits.weekend_slowdown if _weekday(at) >= 5 else 1.0
        return max(self.rng.lognormvariate(math.log(hours * slow), habits.wait_spread) * HOUR, MINUTE)

    def _soon(self, median: float) -> int:
        return max(int(self.rng.lognormvariate(math.log(median), 1.0)), 40)

    def _poisson(self, per_ask: float) -> int:
        """How often something happens on one day that happens `per_ask` times an ask."""
        mean, n = per_ask * self.asks_a_day, 0
        passed = self.rng.expovariate(1)
        while passed < mean:
            passed, n = passed + self.rng.expovariate(1), n + 1
        return n

    def _pick(self, weights: dict[str, int]) -> str:
        return self.rng.choices(list(weights), list(weights.values()))[0]

    # People

    def _account(self, at: int, name: str, zone: str, days_off: tuple[int, ...] = ()) -> Person:
        n = next(self.seq)
        handle = re.sub(r"[^a-z.]", "", name.lower().replace(" ", ".")) + ("" if days_off else str(n))
        ids = {
            "slack": f"U{(n * 0x9E3779B1 + 0x2A5B7C1D3) & 0xFFFFFFFFFF:010X}",
            "discord": str(_snowflake(at * 1000, n)),
            "mail": f"{handle}@{EMPLOYER if days_off else 'example.' + ('org', 'com', 'net')[n % 3]}",
        }
        return Person(ids[self.place.platform], name, handle, ZoneInfo(zone), at, days_off=days_off)

    def _bot(self, name: str, slack_id: str) -> Person:
        bot = self._account(self.since, name, "UTC")
        bot.is_bot, bot.id = True, slack_id if self.place is SLACK else bot.id
        return bot

    def _stranger(self, at: int) -> Person:
        names = _words()["names"]
        name = " ".join(self.rng.choice(names[part])[0] for part in ("first", "last"))
        person = self._account(at, name, self._pick(ZONES))
        person.tongue = self._pick(TONGUES)
        person.is_closed = self.place is not MAIL and self.chance() < 0.02
        return person

    def _found(self) -> None:
        """The people who were there before the data begins: about as many as are regulars at any time."""
        for _ in range(round(5.5 * self.asks_a_day)):
            person = self._stranger(self.since)
            person.is_new = person.is_closed = False
            self._settle(person, self.since)
            day = self.since + self.rng.randrange(int(person.gap) + 1) * DAY
            self._push(self._hour(person, day), person)

    def _arrive(self, person: Person, morning: int) -> None:
        """Join, be greeted by a bot, and come to speak three minutes later."""
        at = self._hour(person, morning)
        self._push(at, person)
        if self.place is not MAIL:
            join = self._post(person, at - 3 * MINUTE, "chat", None, self._scene())
            join.kind, join.text = "system", "Joined the server."
            if self.place is SLACK:
                join.text, join.mention = "has joined the channel", person
            self._post(self.greeter, at - 3 * MINUTE + 2, "chat", "welcome_bot", self._scene())

    def _visit(self, person: Person, at: int) -> None:
        if at >= person.leaves:
            self._drift(person, at)
            return
        wait = self._wait(at)
        if person.is_new:
            self._debut(person, at, wait)
            return
        kind = self._pick(self.place.talk)
        if kind == "ask":
            if wait is None and self.chance() < self.habits.lost_share:
                person.leaves = at + 1
            self._ask(person, at, wait)
        else:
            self._tell(person, at, kind)
        self._return(person, at, max(1, round(self.rng.expovariate(self.pace / person.gap))))

    def _debut(self, person: Person, at: int, wait: float | None) -> None:
        """A first post. Those who are welcomed within a day come back more often; the rest never."""
        person.is_new = False
        is_welcomed = wait is not None and wait < DAY
        share = self.habits.return_welcomed if is_welcomed else self.habits.return_unwelcomed
        person.leaves = at - at % DAY + DAY
        if self.chance() < share and not person.is_closed:
            back = self._return(person, at, self.rng.randint(1, 22))
            person.leaves = back + 1 + self.rng.expovariate(1 / 25) * DAY
            if self.chance() < self.habits.regular_share:
                self._settle(person, back)
        if self.place is not MAIL and self.chance() < 0.2:
            self._introduce(person, at, wait)
        else:
            self._ask(person, at, wait)

    def _settle(self, person: Person, at: int) -> None:
        """Make somebody a regular, with the two latest regulars as friends, until they drift away."""
        person.gap = self.rng.uniform(2.5, 9)
        person.leaves = at + (30 + self.rng.expovariate(1 / 280)) * DAY
        for friend in self.regulars[-2:]:
            friend.friends.append(person)
            person.friends.append(friend)
        self.regulars.append(person)

    def _drift(self, person: Person, at: int) -> None:
        """Stay away. A few regulars come back months later, for some weeks."""
        if person in self.regulars:
            self.regulars.remove(person)
            if self.chance() < 0.25:
                person.leaves = self._return(person, at, self.rng.randint(60, 240)) + 40 * DAY

    def _return(self, person: Person, at: int, days: int) -> int:
        day = at - at % DAY + days * DAY
        if _weekday(day) >= 5 and self.chance() < 0.4:
            day += 2 * DAY
        back = self._hour(person, day)
        self._push(back, person)
        return back

    def _responder(self, at: int, *others: Person) -> Person:
        """Who answers `others` then: of the team or of the regulars, whoever is awake."""
        team = [(each, load) for each, (*_, load) in zip(self.team, TEAM, strict=True)]
        on_duty = {each: load for each, load in team if each.is_awake(at) and each not in others}
        if on_duty and self.chance() < self.habits.staff_share:
            return self.rng.choices(list(on_duty), list(on_duty.values()))[0]
        peer = None
        for _ in range(12 if self.regulars else 0):
            # Squared, the draw prefers the first: the old hands help most.
            drawn = self.regulars[int(self.chance() ** 2 * len(self.regulars))]
            if drawn not in others:
                peer = drawn
                if peer.is_awake(at):
                    return peer
        return next(iter(on_duty), None) or peer or self.team[0]

    # Conversations

    def _ask(self, person: Person, at: int, wait: float | None, is_unhappy: bool | None = None) -> None:
        unhappy = self.chance() < self.habits.unhappy_share if is_unhappy is None else is_unhappy
        scene = self._scene(person.tongue if person.tongue != "en" else None)
        ask = self._post(person, at, "ask", "angry" if unhappy else "opener", scene)
        if self.chance() < 0.12:
            self._reply(ask, person, at + self.rng.randint(20, 55), "more", scene)
        if wait is None:
            return
        answer = self._answer(ask, wait, "sorry" if unhappy else "answer", scene)
        ask.is_deleted = self.place is SLACK and bool(ask.replies) and self.chance() < 0.006
        self._follow(ask, answer, unhappy, scene)

    def _follow(self, ask: Post, answer: Post, unhappy: bool, scene: Scene) -> None:
        """After the first answer: others chime in, the asker speaks again, and may be answered again."""
        if self.chance() < 0.3:
            at = answer.at + self._soon(2 * HOUR)
            self._reply(ask, self._responder(at, ask.person, answer.person), at, "add", scene)
        back = answer.at + self._soon(1.5 * HOUR)
        if self.chance() >= self.habits.two_way_share or back >= ask.person.leaves:
            return
        good = self.chance() < (self.habits.recovered_share if unhappy else 0.7)
        slot = ("relief" if good else "still") if unhappy else "thanks" if good else "further"
        word = self._reply(answer, ask.person, back, slot, scene)
        wait = self._wait(back)
        if wait and (not good or self.chance() < 0.2):
            self._answer(word, wait, "closing" if good else "answer", scene)

    def _introduce(self, person: Person, at: int, wait: float | None) -> None:
        scene = self._scene()
        scene["me"] = person.first_name
        hello = self._post(person, at, "chat", "intro", scene)
        if wait is not None:
            self._answer(hello, wait, "greet", scene)

    def _tell(self, person: Person, at: int, kind: str) -> None:
        """Small talk, a finished lamp, or praise: friends answer, the team thanks, many react."""
        scene = self._scene()
        post = self._post(person, at, kind if kind == "show" else "chat", kind, scene)
        post.photos = int(kind == "show")
        self._react(post, {"show": 4, "praise": 2}.get(kind, 1))
        if kind == "praise" and self.chance() < self.habits.praise_answered:
            at = post.at + self._soon(6 * HOUR)
            on_duty = [each for each in self.team if each.is_awake(at)]
            self._reply(post, self.rng.choice(on_duty or self.team), at, "praise_reply", scene)
        for friend in person.friends[-3:] if kind != "praise" else ():
            at = post.at + self._soon(12 * MINUTE)
            if self.chance() < 0.45 and friend.is_awake(at):
                self._reply(post, friend, at, "chat_reply", scene)

    def _answer(self, to: Post, wait: float, slot: str, scene: Scene) -> Post:
        at = to.at + int(wait)
        return self._reply(to, self._responder(at, to.person), at, slot, scene)

    def _reply(self, to: Post, person: Person, at: int, slot: str, scene: Scene) -> Post:
        """Say something to `to`, tied to it as the platform does; or soon after it in the open channel."""
        scene["you"] = to.person.first_name
        post = self._post(person, at, to.channel, slot, scene)
        is_chat = to.channel.kind == "chat"
        if is_chat and at - to.at < 20 * MINUTE and not to.root and self.chance() < 0.5:
            post.mention = to.person if person is not to.person and self.chance() < 0.5 else None
            return post
        if self.place is SLACK or not is_chat:
            post.root = to.root or to
            post.root.replies.append(post)
            post.title = post.root.title
        if self.place is SLACK:
            post.parent = post.root  # its threads are flat
        elif self.place is MAIL or is_chat or self.chance() < 0.4:
            post.parent = to
        return post

    def _post(self, person: Person, at: int, room: str | Channel, slot: str | None, scene: Scene) -> Post:
        """Write something down to be said at `at`: in a channel, or as the opener of a kind of talk."""
        places, is_opener = self.place.channels, isinstance(room, str)
        channel = places[self.rng.choice(self.place.rooms[room])] if isinstance(room, str) else room
        post = Post(at, next(self.seq), channel, person, scene.say(self.rng, slot) if slot else "")
        if is_opener and channel.kind == "forum":
            is_ask = slot in {"opener", "angry"}
            post.title = scene.say(self.rng, "title") if is_ask else re.split("[.:!]", post.text)[0]
        if not person.is_bot and self.place is not MAIL and self.chance() < 0.04:
            post.edited = at + self.rng.randint(30, 1800)
        if self.chance() < 0.06:
            self._react(post, 2)
        self._push(at, post)
        return post

    def _react(self, post: Post, most: int) -> None:
        if self.place is not MAIL:
            people = self.rng.sample([*self.team, *self.regulars[:40]], self.rng.randint(0, most))
            others = [person for person in people if person is not post.person]
            post.reactions += [(self.rng.choice(tuple(EMOJI)), person) for person in others]

    def _scene(self, topic: str | None = None) -> Scene:
        scene = Scene(topic=topic or self.rng.choice(TOPICS))
        scene["kit"] = scene.say(self.rng, "kit")
        return scene

    def _push(self, at: int, due: Post | Person) -> None:
        heappush(self.due, (at, due.seq if isinstance(due, Post) else next(self.seq), due))
