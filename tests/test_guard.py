"""The change guard: no alarm where nothing changed, and one where something did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]

from data.records import Channel, Member, Messages, Source
from data.store import Chunk, Store
from metrics import guard as guard_room
from metrics.guard import FEW, Change, Period, Reading, compare, compare_each, guard
from metrics.metric import By, Question
from tests import sparse

COMMUNITIES = 400
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = 168.0  # in hours
BY_DAY = np.array([1.2, 1.2, 1.1, 1.1, 1.0, 0.7, 0.7])
BY_HOUR = 1.2 + np.sin((np.arange(24) - 9) / 24 * 2 * np.pi)
Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


# --- made-up communities -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asks:
    """What was asked in many communities: where, by whom, in which hour, and the wait (infinite: never answered)."""

    community: Places
    member: Places
    at: Numbers
    wait: Numbers
    hours: float  # so long the data reaches


def asks(seed: int, a_day: int, never: Sequence[float], communities: int = COMMUNITIES, after: float = 72) -> Asks:
    """Weeks of asks, one for each share that is never answered, and some hours for the last answers to come in.

    Busy days and hours come again each week. Of 150 members, few ask much and many little; half of them are there in a
    week. Some are answered less often than others, and later: their asks are alike, so weeks swing by more than the
    number of asks alone would have it.
    """
    rng = np.random.default_rng(seed)
    counts = rng.poisson(7 * a_day, (communities, len(never)))
    community = np.repeat(np.arange(communities), counts.sum(1))
    week = np.concatenate([np.repeat(np.arange(len(never)), each) for each in counts])
    liveliness = rng.lognormal(0, 1, (communities, 1, 150)) * (rng.random((communities, len(never), 150)) < 0.5)
    shares = (liveliness / liveliness.sum(2, keepdims=True)).reshape(-1, 150)
    drawn = zip(counts.ravel(), shares, strict=True)
    member = np.concatenate([rng.choice(150, count, p=share) for count, share in drawn])
    luck = rng.random((communities, 150))
    ignored = np.stack([stats.beta.ppf(luck, 5.7 * share, 5.7 * (1 - share)) for share in never])
    day, hour = (rng.choice(len(by), community.size, p=by / by.sum()) for by in (BY_DAY, BY_HOUR))
    pace = rng.normal(0, 0.5, (communities, 150))[community, member]
    wait = 10 * np.exp(rng.normal(0, 1.2, community.size) + pace)
    is_answered = rng.random(community.size) >= ignored[week, community, member]
    at = week * WEEK + day * 24 + hour + rng.random(community.size)
    return Asks(community, member, at, np.where(is_answered, wait, np.inf), len(never) * WEEK + after)


def visits(seed: int, weeks: int, swing: float) -> Asks:
    """Members who look in now and then, in weeks of which some are lively and some are not. Nobody answers."""
    rng = np.random.default_rng(seed)
    found = []
    for community in range(COMMUNITIES):
        often = rng.beta(0.6, 1.2, int(rng.integers(90, 240)))
        lively = np.exp(rng.normal(0, swing, (weeks, 1)))
        week, member = np.nonzero(rng.random((weeks, often.size)) < often * lively)
        found.append((np.full(week.size, community), member, (week + rng.random(week.size)) * WEEK))
    where, who, at = (np.concatenate(each) for each in zip(*found, strict=True))
    return Asks(where, who, at, np.full(at.size, np.inf), weeks * WEEK)


def store_of(folder: Path, said: Asks) -> Store:
    """A real store with one channel a community: four hundred of them are asked about in one query."""
    channel = np.char.add("c", np.char.zfill(said.community.astype(str), 3))
    ask = np.char.add("q", np.arange(said.at.size).astype(str))
    by = np.char.add(np.char.add(channel, "-"), said.member.astype(str))
    there = said.at + said.wait < said.hours
    tables = [_messages(ask, channel, by, said.at, ask, "How does this work?")]
    if there.any():
        at = (said.at + said.wait)[there]
        reply = _messages(np.char.add("a", ask[there]), channel[there], ["staff"] * at.size, at, ask[there], "Turn it.")
        tables.append(reply.append_column("basis", pa.array(["thread"] * at.size)))
    chunk = Chunk(
        many=[Messages(table) for table in tables],
        channels=[Channel(name, name, "forum") for name in np.unique(channel)],
        members=[Member("staff", "Staff", is_staff=True)],
    )
    store = Store(folder)
    with store.loading(sparse.settings()) as loader:
        until = MONDAY + timedelta(hours=said.hours)
        begun = loader.begin(Source("forum", "acme", "Acme", MONDAY, until), "acme.json")
        loader.take(begun, chunk)
        loader.finish(begun)
        loader.derive()
        loader.publish()
    return store


def _messages(ids: Any, channel: Any, by: Any, at: Numbers, conversation: Any, text: str) -> pa.Table:
    moments = np.datetime64("2026-01-05", "us") + (at * 3.6e9).astype("timedelta64[us]")
    columns = {"id": ids, "channel_id": channel, "member_id": by, "conversation_id": conversation}
    return pa.table(columns | {"sent_at": pa.array(moments, pa.timestamp("us", "UTC")), "text": [text] * at.size})


def week(number: int) -> Period:
    """The days of a week, the first is 0."""
    since = MONDAY.date() + timedelta(weeks=number)
    return Period(since, since + timedelta(weeks=1))


def question(
    name: str = "reply_rate", number: int = 1, hours: float | None = None, by: By | None = None, channel: str = ""
) -> Question:
    """A metric in a week, perhaps in one channel, which is one community."""
    days = week(number)
    return Question(name, days.since, days.until, by, channels=(channel,) if channel else (), hours=hours)


def changes(store: Store, name: str, weeks: Iterable[int], hours: float | None = None) -> list[Change]:
    """Each community's change from the week before, for each of these weeks."""
    asked = [question(name, number, hours, by="channel") for number in weeks]
    return [change for each in asked for change in compare_each(store, sparse.settings(), each).values()]


def alarms(found: Sequence[Change]) -> float:
    """The share of clear changes, in percent."""
    return 100 * sum(each.verdict.startswith("clear") for each in found) / len(found)


@pytest.fixture(scope="module")
def unchanged() -> Asks:
    """20 asks a day, a quarter of them never answered, the median wait of the others 10 h; five weeks."""
    return asks(seed=2, a_day=20, never=[0.25] * 5)


@pytest.fixture(scope="module")
def communities(unchanged: Asks, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same, loaded."""
    return store_of(tmp_path_factory.mktemp("unchanged"), unchanged)


# --- nothing changed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "hours"), [("reply_rate", 24.0), ("reply_rate", 4.0), ("answered_within", 24.0)])
def test_where_nothing_changed_about_5_in_100_are_false_alarms(name: str, hours: float, communities: Store) -> None:
    found = changes(communities, name, range(1, 5), hours)
    assert len(found) == 4 * COMMUNITIES
    assert 3.5 <= alarms(found) <= 6.5
    verdicts = Counter(each.verdict for each in found)
    assert verdicts["clear better"] > 0.25 * alarms(found) < verdicts["clear worse"]


def test_the_simple_interval_would_raise_too_many(communities: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why the guard counts by member: Newcombe's interval alone takes asks of one member for as many members'."""
    clustered = guard_room._rates_apart
    monkeypatch.setattr(
        guard_room,
        "_rates_apart",
        lambda now, before, facts: clustered(now, before, facts | {"design_effect": 1.0, "members": 10**6}),
    )
    assert alarms(changes(communities, "reply_rate", range(1, 5), 24.0)) > 6.5


def test_what_other_products_show_fails_this_test(unchanged: Asks) -> None:
    """Seen on the Monday after, the rate over all asks and the mean wait of the answered ones get worse and better.

    Nothing changed: this week's asks have had less time, and of those only the quick answers are there.
    """
    is_now = unchanged.at >= WEEK
    seen = unchanged.at < 2 * WEEK
    answered = unchanged.at + unchanged.wait < 2 * WEEK
    rates, means = [], []
    for community in range(COMMUNITIES):
        here = seen & (unchanged.community == community)
        both = [answered[here & part] for part in (~is_now, is_now)]
        rates.append(stats.chi2_contingency([[x.sum(), (~x).sum()] for x in both], correction=False).pvalue)
        waits = [unchanged.wait[here & part & answered] for part in (~is_now, is_now)]
        means.append(stats.ttest_ind(*waits, equal_var=False).pvalue)
    for name, doubts in (("the naive rate", rates), ("the naive mean wait", means)):
        naive = 100 * np.mean(np.array(doubts) < 0.05)
        assert naive > 2 * 6.5, f"{name}: {naive:.1f} % false alarms"


def test_a_median_raises_few_false_alarms(tmp_path: Path) -> None:
    """Asked one by one, so only of a hundred communities: 5 expected, and over 10 once in seventy."""
    store = store_of(tmp_path, asks(seed=2, a_day=20, never=[0.25] * 2, communities=100))
    asked = [question("time_to_first_response", channel=f"c{number:03}") for number in range(100)]
    found = [compare(store, sparse.settings(), each) for each in asked]
    assert all(each.difference is not None for each in found)
    assert alarms(found) <= 10


def test_lively_and_quiet_weeks_are_no_change_in_members(tmp_path: Path) -> None:
    """Weeks that swing by 15 %: to take members for independent (Poisson) would raise twice the alarms."""
    store = store_of(tmp_path, visits(seed=1, weeks=15, swing=0.15))
    found = changes(store, "member_flow", [13, 14])
    assert 3.5 <= alarms(found) <= 6.5
    poisson = [abs(each.now.n - each.before.n) > 1.96 * (each.now.n + each.before.n) ** 0.5 for each in found]
    assert 100 * np.mean(poisson) > 1.5 * 6.5


# --- something changed -------------------------------------------------------------------------------------------


def test_fifteen_points_at_60_asks_a_day_are_found(tmp_path: Path) -> None:
    """The true share answered within a day falls from 56 % to 41 %, as more are never answered."""
    store = store_of(tmp_path, asks(seed=3, a_day=60, never=[0.25, 0.45], communities=100))
    for name in ("reply_rate", "answered_within"):
        found = Counter(each.verdict for each in changes(store, name, [1], 24.0))
        assert found["clear worse"] >= 80
        assert found["clear better"] == 0
    turned = question(number=0, hours=24.0, by="channel")
    better = compare_each(store, sparse.settings(), turned, week(1))
    assert sum(each.verdict == "clear better" for each in better.values()) >= 80


# --- too early, too few ------------------------------------------------------------------------------------------


def one_by_one(asked: int, answered: int, number: int) -> list[dict[str, Any]]:
    """Asks of as many members in a week, from its first hour on, the first so many answered an hour later."""
    rows: list[dict[str, Any]] = []
    for each in range(asked):
        at = MONDAY + timedelta(weeks=number, hours=each)
        rows.append({"id": f"q{number}-{each}", "by": f"m{number}-{each}", "at": at})
        if each < answered:
            at += timedelta(hours=1)
            rows.append({"id": f"a{number}-{each}", "by": "staff_kim", "at": at, "in": rows[-1]["id"], "text": "Yes."})
    return rows


def loaded(folder: Path, before: tuple[int, int], now: tuple[int, int], until: str = "2026-01-25T00:00Z") -> Store:
    rows = one_by_one(*before, number=0) + one_by_one(*now, number=1)
    return sparse.store_of(folder, rows, since=MONDAY.isoformat(), until=until)


def test_the_sentence_says_it_all(tmp_path: Path) -> None:
    """61 of 100 has the interval of Wilson 0.512 to 0.700, 58 of 100 that of 0.482 to 0.672."""
    store = loaded(tmp_path, (100, 58), (100, 61))
    change = compare(store, sparse.settings(), question(hours=24.0))
    assert change.sentence.replace("\u00a0", " ") == (
        "Of asks at least 24 h old, 61 % were answered within 24 h (51–70 %, 61 of 100); the week before 58 %: "
        "no clear change"
    )
    assert (change.now.low, change.now.high, change.now.n) == pytest.approx((0.5120, 0.6998, 100), abs=1e-4)
    # Newcombe: 0.03 - sqrt(0.098² + 0.092²) and 0.03 + sqrt(0.090² + 0.098²); by members of one ask hardly longer.
    assert (change.difference, change.low, change.high) == pytest.approx((0.03, -0.104, 0.163), abs=4e-3)


def test_few_asks_are_told_as_parts_and_never_clear(tmp_path: Path) -> None:
    change = compare(loaded(tmp_path, (30, 30), (FEW - 1, 0)), sparse.settings(), question(hours=24.0))
    assert (change.verdict, change.difference) == ("too few to compare", None)
    assert change.sentence == (
        "Of asks at least 24 h old, 0 of 19 were answered within 24 h; the week before 30 of 30: "
        "too few to compare (only 19 asks this week and 30 the week before; a comparison takes at least 20 in each)"
    )
    before = compare(loaded(tmp_path / "one", (1, 1), (30, 30)), sparse.settings(), question(hours=24.0))
    assert before.because == "30 asks this week but only 1 the week before; a comparison takes at least 20 in each"
    enough = compare(loaded(tmp_path / "more", (30, 30), (FEW, 0)), sparse.settings(), question(hours=24.0))
    assert enough.verdict == "clear worse"


def test_many_asks_of_one_member_are_never_clear(tmp_path: Path) -> None:
    rows = one_by_one(30, 30, number=0) + [
        {"id": f"q{each}", "by": "ana", "at": MONDAY + timedelta(weeks=1, hours=each)} for each in range(40)
    ]
    store = sparse.store_of(tmp_path, rows, since=MONDAY.isoformat(), until="2026-01-25T00:00Z")
    change = compare(store, sparse.settings(), question(hours=24.0))
    assert (change.verdict, change.because) == ("too few to compare", "the asks are of one member alone")


@pytest.mark.parametrize("name", ["reply_rate", "answered_within", "time_to_first_response"])
def test_young_asks_make_it_too_early(name: str, tmp_path: Path) -> None:
    """Of 100 asks, one an hour, 24 are under a day old when the data ends with the hundredth."""
    store = loaded(tmp_path, (100, 80), (100, 0), until="2026-01-16T03:00Z")
    change = compare(store, sparse.settings(), question(name, hours=24.0))
    assert change.verdict == "too early"
    assert change.difference is None


def test_too_many_young_asks_are_told(tmp_path: Path) -> None:
    """Of 160 hourly asks those from the 96th hour on are under three days old: more than a quarter."""
    store = loaded(tmp_path, (160, 80), (160, 0), until="2026-01-18T23:00Z")
    change = compare(store, sparse.settings(), question(hours=72.0))
    assert (change.verdict, change.because) == ("too early", "64 of the asks are not yet 72 h old")


def test_the_last_hours_are_left_out_of_both_weeks(tmp_path: Path) -> None:
    """Under a day old are the asks of the last 24 hours, 16 of them; the week before loses its last 24 hours too."""
    store = loaded(tmp_path, (160, 160), (160, 100), until="2026-01-18T23:00Z")
    change = compare(store, sparse.settings(), question(hours=24.0))
    assert (change.now.n, change.before.n) == (144, 144)
    assert change.now.value == pytest.approx(100 / 144)
    assert change.before.value == 1.0
    assert change.verdict == "clear worse"
    assert "without the last hours of both, which are too young to judge (16 of now and 16 of then)" in change.said


def test_a_week_that_has_just_ended_raises_no_more_false_alarms(tmp_path: Path) -> None:
    """On Monday at midnight Sunday's asks are too young; to leave them out of one week only would be unfair to it."""
    store = store_of(tmp_path, asks(seed=4, a_day=20, never=[0.25] * 2, after=0))
    found = changes(store, "reply_rate", [1], 24.0)
    assert Counter(each.verdict for each in found)["too early"] <= 0.02 * COMMUNITIES
    assert 2.5 <= alarms(found) <= 7.5  # of 400: 5 expected, and 95 of 100 seeds lie between


def test_a_week_whose_data_ends_early_is_too_early(tmp_path: Path) -> None:
    """All its asks are old enough; yet a week of three days is not one of seven."""
    store = loaded(tmp_path, (60, 50), (30, 0), until="2026-01-15T12:00Z")
    change = compare(store, sparse.settings(), question(hours=24.0))
    assert (change.verdict, change.because) == ("too early", "the data of Acme does not cover both periods alike")


def test_uncovered_days_cannot_be_compared_and_are_never_worse(tmp_path: Path) -> None:
    store = sparse.store_of(tmp_path, one_by_one(60, 50, 0), since=MONDAY.isoformat(), until="2026-01-11T20:00Z")
    sparse.load(store, one_by_one(30, 0, 3), since="2026-01-26T00:00Z", until="2026-02-08T00:00Z")
    assert compare(store, sparse.settings(), question(number=1, hours=24.0)).verdict == "cannot be compared"
    assert compare(store, sparse.settings(), question(number=3, hours=24.0)).verdict == "cannot be compared"


@pytest.mark.parametrize(
    ("asked", "because"),
    [((0, 30), "the week before is unknown"), ((30, 0), "this week is unknown"), ((0, 0), "both weeks are unknown")],
)
def test_a_week_without_an_ask_is_unknown_and_never_too_early(
    asked: tuple[int, int], because: str, tmp_path: Path
) -> None:
    """Covered to the last day, and long over: waiting for more would tell nothing."""
    before, now = asked
    store = loaded(tmp_path, (before, 0), (now, 0))
    sparse.load(store, one_by_one(30, 0, 3), since=MONDAY.isoformat(), until="2026-02-08T00:00Z")
    change = compare(store, sparse.settings(), question(hours=24.0))
    assert (change.verdict, change.because, change.doubt) == ("cannot be compared", because, None)


def test_members_need_some_weeks_to_tell_a_swing(tmp_path: Path) -> None:
    change = compare(loaded(tmp_path, (100, 58), (50, 30)), sparse.settings(), question("member_flow"))
    assert (change.verdict, change.because) == ("too early", "the usual swing is known after 10 whole weeks")


def test_a_median_says_what_is_compared(tmp_path: Path) -> None:
    """The week before half were answered within the hour; this week a third were, so the median is not reached."""
    change = compare(loaded(tmp_path, (90, 60), (90, 30)), sparse.settings(), question("time_to_first_response"))
    assert change.verdict == "clear worse"
    assert change.sentence.replace("\u00a0", " ") == (
        "Half of 90 asks are answered within a time not reached yet, the week before within 1 h; "
        "within 1 h 33 % are (25–44 %), and 67 % were: clear worse"
    )


def test_more_lapsed_members_are_worse_and_more_members_better(tmp_path: Path) -> None:
    rows = [
        {"id": f"m{number}-{each}", "by": f"m{each}", "at": MONDAY + timedelta(weeks=number, hours=each)}
        for number in range(14)
        for each in range(80 + number % 3 if number != 12 else 160)
    ]
    until = (MONDAY + timedelta(weeks=14, hours=1)).isoformat()
    store = sparse.store_of(tmp_path, rows, since=MONDAY.isoformat(), until=until)
    assert compare(store, sparse.settings(), question("member_flow", 12)).verdict == "clear better"
    assert compare(store, sparse.settings(), question("member_flow", 13)).verdict == "clear worse"
    with pytest.raises(LookupError, match="no count 'friends'"):
        compare(store, sparse.settings(), question("member_flow", 12), column="friends")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (question("unanswered"), "unanswered cannot be compared"),
        (Question("reply_rate"), "needs the first day"),
        (Question("member_flow", date(2026, 1, 13), date(2026, 1, 20)), "Monday to Monday"),
    ],
)
def test_what_cannot_be_compared_is_said(asked: Question, said: str, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=said):
        compare(loaded(tmp_path, (2, 1), (2, 1)), sparse.settings(), asked)


# --- by member, against numpy ------------------------------------------------------------------------------------


def test_the_design_effect_is_the_jackknife_of_numpy(unchanged: Asks, communities: Store) -> None:
    zero = unchanged.community == 0
    parts = [zero & (unchanged.at // WEEK == number) for number in (1, 2)]
    met = unchanged.wait <= 24

    def apart(left_out: int | None) -> float:
        before, now = (met[part & (unchanged.member != left_out)].mean() for part in parts)
        return float(now - before)

    people = np.unique(unchanged.member[parts[0] | parts[1]])
    left_out = np.array([apart(each) for each in people])
    variance = (people.size - 1) / people.size * ((left_out - apart(None)) ** 2).sum()
    simple = sum(met[part].mean() * (1 - met[part].mean()) / part.sum() for part in parts)
    both = guard_room._both(communities, sparse.settings(), question(number=2, hours=24.0, channel="c000"), None)
    told = both.told("repeats")[None]
    assert told["design_effect"] == pytest.approx(variance / simple, abs=1e-9)
    assert told["members"] == min(np.unique(unchanged.member[part]).size for part in parts)


# --- many numbers on one page ------------------------------------------------------------------------------------


def family(*doubts: float | None) -> list[Change]:
    reading = Reading(0.5, 0.4, 0.6, 100)
    early = Change("reply_rate", reading, reading, "Half", "too early")
    return [
        early
        if doubt is None
        else replace(early, verdict="clear worse" if doubt < 0.05 else "no clear change", doubt=doubt)
        for doubt in doubts
    ]


def test_holm_as_in_his_paper() -> None:
    """Of 0.01, 0.02, 0.03 and one that is too early: 0.01 * 3 and 0.02 * 2 hold, 0.03 * 1 too; 0.02 * 3 would not."""
    judged = guard(family(0.01, None, 0.03, 0.02))
    assert [each.verdict for each in judged.changes] == ["clear worse", "too early", "clear worse", "clear worse"]
    judged = guard(family(0.02, 0.2, 0.03))
    assert [each.verdict for each in judged.changes] == ["no clear change"] * 3
    assert judged.changes[0].sentence == "Half: no clear change (with so many numbers compared at once)"
    assert judged.sentence.startswith("3 numbers are compared here")
    assert guard(family(0.02)).changes[0].verdict == "clear worse"
    assert guard(family(0.02, None)).sentence == ""


def test_a_page_of_numbers_raises_hardly_more_alarms_than_one(communities: Store) -> None:
    """Three shares over four weeks, twelve numbers a page: alone, one page in three would raise an alarm."""
    names: list[tuple[str, float]] = [("reply_rate", 24.0), ("reply_rate", 4.0), ("answered_within", 72.0)]
    found = [changes(communities, name, [number], hours) for name, hours in names for number in range(1, 5)]
    pages = list(zip(*found, strict=True))

    def alarming(each: Iterable[Change]) -> bool:
        return any(change.verdict.startswith("clear") for change in each)

    assert np.mean([alarming(page) for page in pages]) > 0.2
    assert np.mean([alarming(guard(page).changes) for page in pages]) <= 0.065


def _weeks_of(points: list[float], messages: int = 200) -> list[dict[str, Any]]:
    monday = date(2026, 1, 5)
    return [
        {
            "week": monday + timedelta(weeks=place),
            "points": value,
            "low": value - 9,
            "high": value + 9,
            "messages": messages,
        }
        for place, value in enumerate(points)
    ]


def test_sentiment_is_judged_by_its_own_swing() -> None:
    """Weeks that swing by 3 points: 4 more is nothing, 20 more is clear; of few messages nothing is."""
    usual = [20.0, 23, 20, 23, 20, 23, 20, 23, 20, 23, 20]
    monday = date(2026, 1, 5) + timedelta(weeks=len(usual))
    assert guard_room.points(_weeks_of([*usual, 24]), monday).verdict == "no clear change"
    better = guard_room.points(_weeks_of([*usual, 40]), monday)
    assert (better.verdict, better.difference) == ("clear better", 20)
    assert guard_room.points(_weeks_of([*usual, 0]), monday).verdict == "clear worse"
    few = guard_room.points(_weeks_of([*usual, 40], messages=49), monday)
    assert (few.verdict, few.because) == (
        "too few to compare",
        "only 49 classified messages this week and 49 the week before; a comparison takes at least 50 in each",
    )
    gone = guard_room.points(_weeks_of(usual), monday)
    assert (gone.verdict, gone.because) == ("cannot be compared", "this week is unknown")
    assert guard_room.points(_weeks_of([20, 40]), date(2026, 1, 12)).verdict == "too early"
