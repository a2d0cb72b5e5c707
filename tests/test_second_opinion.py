"""A second opinion: what the metrics say of random communities, counted again in plain Python from the words alone.

Nothing here knows the SQL. It is slow and literal on purpose: lists, loops, and one rule a function.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from data.store import Store
from tests import sparse
from tests.test_metrics import rows_of

ZONES = {6: "Australia/Lord_Howe", 11: "America/New_York"}  # by seed: in these, each mistake once made shows
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
Z = 1.959963984540054
# What is said, and whether it needs a reply; None: as the channel and the place have it.
TEXTS: dict[str, bool | None] = {
    "How do I bend the wick?": True,
    "Which oil does it take": True,
    sparse.SOUNDS["negative"][0]: True,
    sparse.SOUNDS["positive"][0]: None,
    "I moved it to the kitchen on Tuesday": None,
    "thanks!": False,
    "ok": False,
}
TARGETS: dict[str, float] = {"help": 8, "desk": 4}
PURPOSES = {"help": "help", "lounge": "chat"}
OPEN_DAYS, OPENS, CLOSES = (0, 1, 2, 3, 4), time(9), time(17, 30)
HELPER_SINCE, HELPER_UNTIL = date(2026, 3, 1), date(2026, 4, 20)
Waits = list[tuple[float, str]]  # hours, and who ended them: staff, member, or "" where nobody has


class Said(NamedTuple):
    """One message; `thread` is the one it begins with, `who` unlike anybody's where the account is gone."""

    at: datetime
    id: str
    by: str | None
    text: str
    channel: str
    thread: str
    deleted: bool
    load: int

    @property
    def who(self) -> str:
        return self.by or f"? {self.id}"


class Ask(NamedTuple):
    """What one member said before anybody else, and what came after it."""

    first: Said
    turn: list[Said]
    after: list[Said]
    is_opener: bool
    needs_reply: bool


def community(seed: int) -> list[Said]:
    """Members, a team, a helper who is staff for a while, a bot and closed accounts, with a hole in the data."""
    dice, begun = random.Random(seed), datetime(2026, 1, 7, 5, tzinfo=UTC)
    people = [(f"m{i}", 0.0 if i < 5 else dice.uniform(0, 130)) for i in range(14)]
    said: list[Said] = []
    for thread in range(170):
        day, channel = dice.uniform(0, 140), dice.choice(["help", "desk", "lounge"])
        at = begun + timedelta(days=day)
        here = [name for name, since in people if since <= day <= since + (45 if int(name[1:]) % 3 else 200)]
        asker = dice.choices([dice.choice(here), "staff_kim", "bot_hello", None], [86, 6, 4, 4])[0]
        for number in range(dice.choice([1, 1, 2, 3, 4, 6])):
            crowd = [asker, dice.choice(["staff_kim", "staff_lea", "helper"]), dice.choice(here), "bot_hello", None]
            by = dice.choices(crowd, [36, 26, 26, 7, 5])[0] if number else asker
            at += timedelta(seconds=dice.randint(60, dice.choice([3600, 30_000, 90_000, 250_000]))) if number else HOUR
            text, load = dice.choice(list(TEXTS)), int(at > begun + timedelta(days=82))
            if not timedelta(days=75) < at - begun < timedelta(days=82):
                names, gone = (f"s{thread}.{number}", f"s{thread}.0"), dice.random() < 0.05
                said.append(Said(at.replace(microsecond=0), names[0], by, text, channel, names[1], gone, load))
    return sorted(said)


def settings(seed: int) -> dict[str, Any]:
    helper = {"role": "staff", "id": "helper", "valid_from": HELPER_SINCE, "valid_to": HELPER_UNTIL}
    named = {name: {"channel": name} for name in ("help", "desk", "lounge")}
    for name, hours in TARGETS.items():
        named[name] |= {"target_hours": hours, "calendar": "office"}  # type: ignore[dict-item] # as TOML mixes them
    for name, purpose in PURPOSES.items():
        named[name] |= {"purpose": purpose}
    days = ["mon", "tue", "wed", "thu", "fri"]
    office = {"name": "office", "days": days, "opens": OPENS, "closes": CLOSES}
    return {
        "community": {"time_zone": ZONES[seed]},
        "roster": [helper],
        "channels": list(named.values()),
        "calendars": [office],
    }


def wilson(k: int, n: int) -> tuple[float | None, float | None, float | None]:
    if not n:
        return None, None, None
    share, whole = k / n, 1 + Z * Z / n
    middle = (share + Z * Z / (2 * n)) / whole
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / whole
    return share, max(0.0, middle - half), min(1.0, middle + half)


def rate(k: int, n: int, *, known: bool) -> dict[str, float | None]:
    return dict(zip(("share", "low", "high"), wilson(k, n) if known else (None,) * 3, strict=True))


def curve(waits: Waits) -> Iterator[tuple[float, float, float, float]]:
    """Hours; the share still waiting and the share staff reached first by then; Greenwood's sum so far."""
    waiting, reached, spread = 1.0, 0.0, 0.0
    for at in sorted({hours for hours, by in waits if by}):
        risk = sum(hours >= at for hours, _ in waits)
        ended = [by for hours, by in waits if by and hours == at]
        reached += waiting * ended.count("staff") / risk
        waiting *= 1 - len(ended) / risk
        spread += len(ended) / (risk * (risk - len(ended))) if risk > len(ended) else math.inf
        yield at, waiting, reached, spread


def answered_by_then(waits: Waits, hours: float) -> tuple[float | None, float | None, float | None]:
    """Kaplan and Meier's share and its log-log band; Wilson's of those watched so long where that is not defined."""
    waiting, spread = 1.0, 0.0
    for at, left, _, variance in curve(waits):
        if at <= hours:
            waiting, spread = left, variance
    known = sum(bool(by) or wait >= hours for wait, by in waits)
    if waiting == 0:
        return wilson(known, known)
    if not any(wait >= hours for wait, _ in waits):
        return None, None, None
    if waiting == 1:
        return wilson(0, known)
    step = math.exp(Z * math.sqrt(spread) / abs(math.log(waiting)))
    return 1 - waiting, 1 - waiting ** (1 / step), 1 - waiting**step


def reached_at(waits: Waits, share: float) -> float | None:
    return next((at for at, waiting, _, _ in curve(waits) if 1 - waiting >= share - 1e-12), None)


class Opinion:
    """What is true of a community, from the words of the definitions."""

    def __init__(self, seed: int) -> None:
        self.zone, self.said = ZoneInfo(ZONES[seed]), community(seed)
        self.as_of = self.said[-1].at
        self.days: set[date] = set()
        for load in (0, 1):
            days = [self.day(each.at) for each in self.said if each.load == load]
            self.days |= {min(days) + DAY * n for n in range((max(days) - min(days)).days + 1)}
        self.firsts: dict[str | None, Said] = {}
        for each in self.said:
            self.firsts.setdefault(each.by, each)

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def week(self, at: datetime) -> date:
        return self.day(at) - DAY * self.day(at).weekday()

    def role(self, each: Said) -> str:
        """At the time of the message."""
        if each.by == "helper":
            return "staff" if HELPER_SINCE <= self.day(each.at) < HELPER_UNTIL else "member"
        return next((role for role in ("staff", "bot") if (each.by or "").startswith(role)), "member")

    def is_human(self, each: Said) -> bool:
        return not each.deleted and self.role(each) != "bot"

    def hours(self, since: datetime, until: datetime) -> float:
        return (until - since) / HOUR

    def open_hours(self, since: datetime, until: datetime) -> float:
        total, day = 0.0, self.day(since)
        while day <= self.day(until):
            opens, closes = (datetime.combine(day, at, self.zone).astimezone(UTC) for at in (OPENS, CLOSES))
            if day.weekday() in OPEN_DAYS:
                total += max(0.0, self.hours(max(opens, since), min(closes, until)))
            day += DAY
        return total

    def is_newcomer(self, each: Said) -> bool:
        return each.by is not None and self.firsts[each.by] is each and each.at - self.said[0].at >= timedelta(days=60)

    @cached_property
    def threads(self) -> dict[str, list[Said]]:
        found: dict[str, list[Said]] = defaultdict(list)
        for each in self.said:
            found[each.thread].append(each)
        return found

    @cached_property
    def turns(self) -> dict[str, list[list[Said]]]:
        """What one person says before anybody else speaks, by conversation."""
        found: dict[str, list[list[Said]]] = defaultdict(list)
        for each in filter(self.is_human, self.said):
            turns = found[each.thread]
            if turns and turns[-1][-1].who == each.who:
                turns[-1].append(each)
            else:
                turns.append([each])
        return found

    @cached_property
    def asks(self) -> list[Ask]:
        """Openers, and members' words after a day of silence between both sides, needing a reply or not."""
        found = []
        for thread, turns in self.turns.items():
            for before, turn in zip([None, *turns], turns, strict=False):
                is_opener = turn[0].id == thread
                is_late = before is not None and turn[0].at - before[-1].at >= DAY
                if self.role(turn[0]) == "member" and (is_opener or is_late):
                    after = [each for later in turns for each in later if each > turn[0]]
                    found.append(Ask(turn[0], turn, after, is_opener, self.needs_reply(turn, is_opener=is_opener)))
        return sorted(found, key=lambda ask: ask.first)

    def needs_reply(self, turn: list[Said], *, is_opener: bool) -> bool:
        needs = [TEXTS[each.text] for each in turn]
        if all(need is False for need in needs):
            return False
        if True in needs or any(map(self.is_newcomer, turn)):
            return True
        purpose = PURPOSES.get(turn[0].channel)
        return purpose == "help" if purpose else is_opener  # the desk is a forum channel

    def reply(self, ask: Ask) -> Said | None:
        return next((each for each in ask.after if each.who != ask.first.who), None)

    def wait(self, ask: Ask) -> tuple[float, str]:
        reply = self.reply(ask)
        return self.hours(ask.first.at, reply.at if reply else self.as_of), self.role(reply) if reply else ""

    def in_time(self, asks: list[Ask]) -> tuple[list[Ask], list[Ask]]:
        """Those old enough to judge, and those of them with a reply within the channel's target, or a day."""
        ripe = [ask for ask in asks if self.hours(ask.first.at, self.as_of) >= TARGETS.get(ask.first.channel, 24)]
        return ripe, [
            ask for ask in ripe if self.wait(ask)[1] and self.wait(ask)[0] <= TARGETS.get(ask.first.channel, 24)
        ]

    def is_known(self, week: date | None) -> bool:
        """Whether 90 % of the days are covered, of those between the first covered day and as_of."""
        since, until = min(self.days), self.day(self.as_of)
        if week:
            since, until = max(since, week), min(until, week + 6 * DAY)
        days = [since + DAY * n for n in range((until - since).days + 1)]
        return sum(day in self.days for day in days) >= 0.9 * len(days)

    def weeks(self) -> list[date | None]:
        first, last = (day - DAY * day.weekday() for day in (min(self.days), self.day(self.as_of)))
        return [None, *(first + DAY * n for n in range(0, (last - first).days + 1, 7))]


Rows = Iterator[dict[str, Any]]


def by_week(
    opinion: Opinion, items: Iterable[Any], at: Callable[[Any], datetime]
) -> Iterator[tuple[dict[str, date | None], list[Any], bool]]:
    items = list(items)
    for week in opinion.weeks():
        yield {"week": week}, [i for i in items if week in (None, opinion.week(at(i)))], opinion.is_known(week)


def asks_by_week(opinion: Opinion) -> Iterator[tuple[dict[str, date | None], list[Ask], bool]]:
    return by_week(opinion, [ask for ask in opinion.asks if ask.needs_reply], lambda ask: ask.first.at)


def answered_within(opinion: Opinion) -> Rows:
    for week, asks, known in asks_by_week(opinion):
        for hours in (1.0, 4.0, 24.0, 72.0):
            band = answered_by_then(list(map(opinion.wait, asks)), hours) if known and asks else (None,) * 3
            yield week | {"hours": hours, "share": band[0], "low": band[1], "high": band[2], "asks": len(asks)}


def time_to_first_response(opinion: Opinion) -> Rows:
    for week, asks, known in asks_by_week(opinion):
        waits = list(map(opinion.wait, asks))
        quantiles = [reached_at(waits, share) if known else None for share in (0.5, 0.75, 0.9)]
        answered = [hours for hours, by in waits if by]
        yield (
            week
            | dict(zip(("hours_p50", "hours_p75", "hours_p90"), quantiles, strict=True))
            | {
                "hours_p50_answered_only": statistics.median(answered) if known and answered else None,
                "asks": len(asks),
                "answered": len(answered),
            }
        )


def reply_rate(opinion: Opinion) -> Rows:
    for week, asks, known in asks_by_week(opinion):
        ripe, hit = opinion.in_time(asks)
        counted = {"answered": len(hit), "asks": len(ripe), "too_young": len(asks) - len(ripe)}
        yield week | rate(len(hit), len(ripe), known=known) | counted


def staff_response(opinion: Opinion) -> Rows:
    """Without its band, which has a formula of its own."""
    for week, asks, known in asks_by_week(opinion):
        waits = list(map(opinion.wait, asks))
        steps = [(at, waiting, reached) for at, waiting, reached, _ in curve(waits)]
        due = [(waiting, reached) for at, waiting, reached in steps if at <= 24]
        told = any(hours >= 24 for hours, _ in waits) or (due and due[-1][0] == 0)
        yield week | {
            "share": (due[-1][1] if due else 0.0) if known and told else None,
            "hours_p50": next((at for at, _, reached in steps if reached >= 0.5 - 1e-12), None) if known else None,
            "peer_first": sum(by == "member" and hours <= 24 for hours, by in waits),
            "asks": len(asks),
        }


def peer_first_share(opinion: Opinion) -> Rows:
    for week, asks, known in asks_by_week(opinion):
        ripe, hit = opinion.in_time(asks)
        by = Counter(opinion.wait(ask)[1] for ask in hit)
        staff = by["staff"] / len(ripe) if known and ripe else None
        counted = {"staff_share": staff, "answered": len(hit), "asks": len(ripe)}
        yield week | rate(by["member"], len(hit), known=known) | counted


def responder_load(opinion: Opinion) -> Rows:
    for week, asks, known in asks_by_week(opinion):
        people = Counter(reply.who for ask in asks if (reply := opinion.reply(ask)))
        most, total = [n for _, n in people.most_common()], people.total()
        shown = known and total
        yield week | {
            "top1_share": most[0] / total if shown else None,
            "top3_share": sum(most[:3]) / total if shown else None,
            "people_for_half": next(n for n in range(1, 99) if 2 * sum(most[:n]) >= total) if shown else None,
            "replies": total,
        }


def within_target(opinion: Opinion) -> Rows:
    for week, asks, known in asks_by_week(opinion):
        due = [
            (ask, hours)
            for ask in asks
            if (hours := TARGETS.get(ask.first.channel)) and opinion.open_hours(ask.first.at, opinion.as_of) >= hours
        ]
        met = [
            ask
            for ask, hours in due
            if (reply := opinion.reply(ask)) and opinion.open_hours(ask.first.at, reply.at) <= hours
        ]
        yield week | rate(len(met), len(due), known=known) | {"met": len(met), "due": len(due)}


def two_way_conversations(opinion: Opinion) -> Rows:
    firsts: dict[str, Ask] = {}
    for ask in opinion.asks:
        if ask.needs_reply:
            firsts.setdefault(ask.first.thread, ask)
    old = [ask for ask in firsts.values() if opinion.as_of - ask.first.at >= 72 * HOUR]
    for week, asks, known in by_week(opinion, old, lambda ask: ask.first.at):
        k = sum(
            any(
                each.who == ask.first.who and each > reply and each.at - ask.first.at <= 72 * HOUR for each in ask.after
            )
            for ask in asks
            if (reply := opinion.reply(ask))
        )
        yield week | rate(k, len(asks), known=known) | {"two_way": k, "conversations": len(asks)}


def newcomer_welcome(opinion: Opinion) -> Rows:
    new = [
        each
        for each in opinion.said
        if opinion.is_newcomer(each) and not each.deleted and opinion.role(each) == "member"
    ]
    old = [each for each in new if opinion.as_of - each.at >= DAY]
    for week, posts, known in by_week(opinion, old, lambda each: each.at):
        k = sum(
            any(
                opinion.is_human(each) and each.who != post.who and post < each and each.at - post.at <= DAY
                for each in opinion.threads[post.thread]
            )
            for post in posts
        )
        yield week | rate(k, len(posts), known=known) | {"welcomed": k, "newcomers": len(posts)}


def member_flow(opinion: Opinion) -> Rows:
    posts = [each for each in opinion.said if opinion.is_human(each) and each.by and opinion.role(each) == "member"]
    for week in opinion.weeks():
        since, until = (week, week + 7 * DAY) if week else (min(opinion.days), date.max)
        now = {each.who: each.at for each in reversed(posts) if since <= opinion.day(each.at) < until}
        before = {each.who: each.at for each in posts if opinion.day(each.at) < since}
        lately = {who for who, at in before.items() if opinion.day(at) >= since - 7 * DAY}
        kinds = Counter(
            "new" if who not in before
            else "retained" if who in lately
            else "returning" if at - before[who] < timedelta(days=56)
            else "reactivated"
            for who, at in now.items()
        )  # fmt: skip
        counted = {"members": len(now), "lapsed": len(lately - now.keys())}
        counted |= {kind: kinds[kind] for kind in ("new", "retained", "returning", "reactivated")}
        yield {"week": week} | {name: n if opinion.is_known(week) else None for name, n in counted.items()}


def conversation_share(opinion: Opinion) -> Rows:
    staff = [each for each in opinion.said if opinion.is_human(each) and opinion.role(each) == "staff"]
    for week, said, known in by_week(opinion, staff, lambda each: each.at):
        k = sum(
            any(
                each < mine and opinion.is_human(each) and opinion.role(each) == "member"
                for each in opinion.threads[mine.thread]
            )
            for mine in said
        )
        yield week | rate(k, len(said), known=known) | {"conversation": k, "broadcast": len(said) - k}


def time_to_next_response(opinion: Opinion) -> Rows:
    """Of who asked, after others have spoken, within a day of them, and saying more than thanks."""
    starts, waits = {ask.first: ask for ask in opinion.asks}, []
    for turns in opinion.turns.values():
        asked: set[str] = set()
        for turn, after in zip(turns, [*turns[1:], None], strict=True):
            if turn[0] in starts:
                asked |= {turn[0].who} if starts[turn[0]].needs_reply else set()
            elif turn[0].who in asked and opinion.role(turn[0]) == "member" and not all(map(is_courtesy, turn)):
                until, by = (after[0].at, "anybody") if after else (opinion.as_of, "")
                waits.append((turn[0].at, opinion.hours(turn[0].at, until), by))
    for week, found, known in by_week(opinion, waits, lambda wait: wait[0]):
        curve_of = [wait[1:] for wait in found]
        yield week | {
            "hours_p50": reached_at(curve_of, 0.5) if known else None,
            "hours_p90": reached_at(curve_of, 0.9) if known else None,
            "turns": len(found),
        }


def is_courtesy(each: Said) -> bool:
    return TEXTS[each.text] is False


METRICS = (
    answered_within, time_to_first_response, reply_rate, staff_response, peer_first_share, responder_load,
    within_target, two_way_conversations, newcomer_welcome, member_flow, conversation_share, time_to_next_response,
)  # fmt: skip


@cache
def opinion_of(seed: int) -> Opinion:
    return Opinion(seed)


@pytest.fixture(scope="module", params=sorted(ZONES))
def seed_and_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Store]:
    seed: int = request.param
    store = Store(tmp_path_factory.mktemp("opinion") / "data")
    for load in (0, 1):
        rows = [
            {"id": each.id, "by": each.by, "at": each.at, "text": each.text, "channel": each.channel, "in": each.thread}
            | ({"deleted": each.at} if each.deleted else {})
            for each in opinion_of(seed).said
            if each.load == load
        ]
        sparse.load(store, rows, given=settings(seed), forum=("help", "desk"), since=None)
    return seed, store


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)
def test_a_second_opinion_agrees(seed_and_store: tuple[int, Store], metric: Callable[[Opinion], Rows]) -> None:
    """Every row of a metric is what the words of its definition make of the messages, to nine digits."""
    seed, store = seed_and_store
    wanted = list(metric(opinion_of(seed)))
    shown = [{key: row[key] for key in wanted[0]} for row in rows_of(store, metric.__name__, settings(seed))]
    assert len(shown) == len(wanted) > 15
    differ = [
        (want["week"], key, got[key], want[key])
        for got, want in zip(shown, wanted, strict=True)
        for key in want
        if not is_alike(got[key], want[key])
    ]
    assert not differ


def is_alike(got: Any, want: Any) -> bool:
    return bool(
        got == want or (got is not None and want is not None and math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-12))
    )
