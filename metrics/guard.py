"""Whether a change is real: one metric in two periods, and what can honestly be said of the difference.

Shares are told apart by Newcombe's interval (1998, method 10), which takes Kaplan-Meier's bands as well as Wilson's. It
is widened by the design effect: asks of one member are alike, so they tell less than as many asks of as many members.
Medians are compared by what they stand for: the share answered within the wait that was the median before. Counts
swing from week to week by more than chance alone, so their usual swing is measured, over the weeks before.

The two periods must be equally mature. Where the last asks of one are too young, the hours that they fill are left out
at the end of both, channel by channel (statistics/both.sql), and the sentence says so; where that would leave out more
than a quarter of either, it is too early. "No clear change" is said only of what was compared: where one of the two is
unknown or not covered alike they cannot be, and where one has too few there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from math import expm1, hypot, inf, log1p, sqrt
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

import polars as pl

from data.settings import Settings, midnight
from metrics.metric import HERE, Asked, Population, Question, _macros, _params, _short, ask, fingerprint, metrics

Verdict = Literal[
    "clear better", "clear worse", "no clear change", "too early", "too few to compare", "cannot be compared"
]  # fmt: skip
Row = dict[str, Any]
Split = str | None
AsksRows = Callable[[Question], list[Row]]

CLEAR: tuple[Verdict, ...] = ("clear worse", "clear better")
COMPARED: tuple[Verdict, ...] = (*CLEAR, "no clear change")
"""What can only be said of two periods that were compared; the other verdicts say why they were not."""
FEW = 20
"""Under so many a share is told as "7 of 12", and no change is clear."""
DOUBT = 0.05
Z = NormalDist().inv_cdf(1 - DOUBT / 2)
WEEK = timedelta(weeks=1)
SWINGS = 8
"""So many swings from week to week must be known before one can be told from the usual."""
LOOK_BACK = 26 * WEEK
RATES: dict[str, float | None] = {"answered_within": 24.0, "reply_rate": None}
"""The shares of asks, and the target where the question names none; None: each channel's own."""
COUNTED = HERE / "statistics" / "counted"
FEW_WORDS = 50
"""Under so many classified messages sentiment is told by counts alone."""
LEFT_OUT = 0.25
"""So much of a period may be left out because it is too young, or was as late in the other."""
BACK = ("retained", "returning", "reactivated")
"""Who had posted before, by when: members = new + these."""
COUNTS = ("members", "new", "back", *BACK, "lapsed")
WAITING = "waiting_now"
OWN = {WAITING: "waiting", "reach": "reach"}
"""What is asked by a query of statistics/, by the name that a question about it has."""


@dataclass(frozen=True)
class Period:
    """`[since, until)`, in days of the community's time zone."""

    since: date
    until: date

    @property
    def before(self) -> Period:
        """The period just before, equally long."""
        return Period(self.since - (self.until - self.since), self.since)


@dataclass(frozen=True)
class Reading:
    """A metric in one period: a share of n, a count, or (`hours`) a median wait with the share it is judged by."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    hours: float | None = None

    @property
    def arms(self) -> tuple[float, float]:
        """How far the interval reaches down and up. Not of a reading that is unknown."""
        value = self.value or 0.0
        return value - (self.low or 0.0), (self.high or 0.0) - value


@dataclass(frozen=True)
class Change:
    """Two readings, and what may be said of them.

    difference: now minus before, in the unit of the readings, with its 95 % interval; None where it would claim too
    much. doubt: how often a community in which nothing changed would differ as much (the p-value). because: what the
    verdict rests on, where that is not the interval. fingerprints: of the two answers, and of the guard that judged.
    """

    metric: str
    now: Reading
    before: Reading
    said: str
    verdict: Verdict
    because: str = ""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    doubt: float | None = None
    fingerprints: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """All of it in one plain sentence."""
        return f"{self.said}: {self.verdict}" + (f" ({self.because})" if self.because else "")


@dataclass(frozen=True)
class Counted:
    """What a share counts: of what, what is met, and the macro `counted_in` that gives the rows."""

    of: str
    met: str
    sql: str


@dataclass(frozen=True)
class Family:
    """The changes that one page shows, judged together, and a short sentence that says so."""

    changes: tuple[Change, ...]
    sentence: str


def compare(
    store: Asked,
    settings: Settings,
    question: Question,
    previous: Period | None = None,
    column: str = "members",
    rows: AsksRows | None = None,
) -> Change:
    """One metric in the question's period and in `previous`: the period just before, unless told.

    column: which count of `member_flow`; back: all who had posted before. rows: of two weeks, what gives the rows of a
    question about `weeks_up_to` them, so that what a page has asked already serves here too. Raises LookupError for
    what cannot be compared.
    """
    both = _both(store, settings, replace(question, by=None), previous, rows)
    if question.name == "time_to_first_response":
        return both.medians()
    return both.each(column)[None]


def weeks_up_to(week: date) -> Period:
    """The weeks whose rows tell a week, the one before, and the usual swing until then."""
    return Period(week - WEEK - LOOK_BACK, week + WEEK)


def count_of(row: Row, column: str) -> int | None:
    """One of a week's counts; back: all members who had posted before."""
    if column != "back":
        return row.get(column)
    parts = [row.get(part) for part in BACK]
    return None if None in parts else sum(part or 0 for part in parts)


def own(store: Asked, settings: Settings, question: Question) -> list[Row]:
    """What the guard asks by a query of its own.

    waiting_now: how many asks were past their target at the end of each week, as past_target of asks. reach: whether
    the sources reach equally far into the question's period and the one before it.
    """
    return _both(store, settings, question, None).queried(OWN[question.name]).to_dicts()


def compare_each(
    store: Asked, settings: Settings, question: Question, previous: Period | None = None, column: str = "members"
) -> dict[Split, Change]:
    """The same for each platform, source or channel that the question is split by. Not for medians."""
    return _both(store, settings, question, previous).each(column)


@cache
def version() -> str:
    """Changes when the way of judging does: this file, or a query or macro of metrics/statistics."""
    code = [HERE / "guard.py", *sorted((HERE / "statistics").rglob("*.sql"))]
    return _short("".join(path.read_text("utf-8") for path in code), 8)


def points(rows: Iterable[Row], week: date) -> Change:
    """Net sentiment in a week and the week before, from the weekly rows of `net_sentiment`, against its usual swing."""
    weeks = {row["week"]: row for row in rows if row["week"] is not None and row["week"] <= week}
    now, before = (_points(weeks.get(each, {})) for each in (week, week - WEEK))
    swing = _swing([_points(weeks[each]).value for each in sorted(weeks) if each < week], float)
    change = Change("net_sentiment", now, before, _points_said(now, before), "no clear change")
    if now.n and before.n and min(now.n, before.n) < FEW_WORDS:
        return replace(
            change, verdict="too few to compare", because=_needed(now, before, FEW_WORDS, "classified messages")
        )
    if now.value is None or before.value is None:
        return replace(change, verdict="cannot be compared", because=_unknown(now, before, "week"))
    if swing is None:
        return replace(change, verdict="too early", because="too few weeks to know the usual swing")
    apart = now.value - before.value
    doubt = _doubt(_normal(abs(apart) / swing.size, swing.freedom)) if apart and swing.size else 1.0
    verdict: Verdict = "no clear change"
    if abs(apart) > swing.reach:
        verdict = "clear better" if apart > 0 else "clear worse"
    low, high = apart - swing.reach, apart + swing.reach
    return replace(change, verdict=verdict, difference=apart, low=low, high=high, doubt=doubt)


@cache
def shares() -> dict[str, Counted]:
    """Each metric that is a share of countable things, and what it counts, as the head of its file says it."""
    found = {}
    for path in sorted(COUNTED.glob("*.sql")):
        sql = path.read_text("utf-8")
        of, met = sql.partition("\n")[0].removeprefix("-- ").split(": ")
        found[path.stem] = Counted(of, met, sql)
    return {"answered_within": found["reply_rate"]} | found  # the same where all asks are old enough


def guard(changes: Iterable[Change]) -> Family:
    """Judge the changes of one page together, by Holm's rule (1979).

    Of many numbers some look changed by chance. Of m, the least doubtful must be m times less doubtful than alone, the
    next m - 1 times, and so on: then a page on which nothing changed raises a false alarm in 5 % of weeks at most.
    """
    changes = tuple(changes)
    held = holm([each.doubt for each in changes])
    judged = tuple(each if place in held else _held_back(each) for place, each in enumerate(changes))
    tested = sum(each.doubt is not None for each in changes)
    said = f"{tested} numbers are compared here, so each must change by more than it would have to alone."
    return Family(judged, said if tested > 1 else "")


def holm(doubts: Sequence[float | None]) -> set[int]:
    """The places of those that hold when all are judged together. None: not tested."""
    tested = sorted((doubt, place) for place, doubt in enumerate(doubts) if doubt is not None)
    held = set[int]()
    for rank, (doubt, place) in enumerate(tested):
        if doubt * (len(tested) - rank) > DOUBT:
            break
        held.add(place)
    return held


def _held_back(change: Change) -> Change:
    if change.verdict not in CLEAR:
        return change
    return replace(change, verdict="no clear change", because="with so many numbers compared at once")


# Asking -----------------------------------------------------------------------------------------


def _both(
    store: Asked, settings: Settings, question: Question, previous: Period | None, rows: AsksRows | None = None
) -> _Both:
    if question.since is None or question.until is None:
        raise LookupError(
            "a comparison needs the first day of its period and the day after the last: --since and --until"
        )
    period = Period(question.since, question.until)
    asked = replace(question, hours=question.hours or RATES.get(question.name))
    return _Both(store, settings, asked, period, previous or period.before, rows)


@dataclass(frozen=True)
class _Both:
    """A question about two periods."""

    store: Asked
    settings: Settings
    question: Question
    period: Period
    previous: Period
    known: AsksRows | None = None

    def each(self, column: str) -> dict[Split, Change]:
        """A change for each split."""
        if self.question.name in shares():
            return self.rates()
        if self.question.name in {"member_flow", WAITING}:
            return self.counts(column if self.question.name == "member_flow" else "past_target")
        can = ", ".join([*shares(), "member_flow", WAITING])
        raise LookupError(f"{self.question.name} cannot be compared so; {can} can")

    def rates(self) -> dict[Split, Change]:
        """Shares, such as of asks answered in time."""
        now, before = self.whole(self.period), self.whole(self.previous)
        reach, repeats = self.reach(), self.told("repeats")
        found = {}
        for split in now | before:
            facts = reach.get(split, {}) | repeats.get(split, {})
            readings = _judged(now.get(split, {}), facts), _judged(before.get(split, {}), facts, "_before")
            said = self.rates_said(*readings) + self.left_out_said(facts)
            found[split] = self.judged(*readings, said, facts, _rates_apart(*readings, facts))
        return found

    def medians(self) -> Change:
        """Median waits, by the share answered within what the median was before (or is now, where it was none)."""
        (now,), (before,) = (self.whole(each).values() for each in (self.period, self.previous))
        hours = before["hours_p50"] or now["hours_p50"]
        shares = replace(self.question, name="answered_within", hours=hours or RATES["answered_within"])
        (change,) = replace(self, question=shares).rates().values()
        first, second = (replace(r, hours=w["hours_p50"]) for r, w in ((change.now, now), (change.before, before)))
        said = self.medians_said(first, second, hours)
        change = replace(
            change, metric=self.question.name, now=first, before=second, said=said, fingerprints=self.fingerprints
        )
        if hours is None and change.verdict != "too early":
            return _untold(change, "too early", "fewer than half are answered so far")
        return change

    def counts(self, column: str) -> dict[Split, Change]:
        """Members of two weeks, or asks that wait, against the usual swing."""
        if self.question.name != WAITING and column not in COUNTS:
            raise LookupError(f"no count {column!r} of members; there are: {', '.join(COUNTS)}")
        if any(each.until - each.since != WEEK or each.since.weekday() for each in (self.period, self.previous)):
            raise LookupError("counts are compared week with week, Monday to Monday")
        reach = self.reach()
        found = {}
        for split, weeks in self.by_week().items():
            past = [count_of(weeks[week], column) for week in sorted(weeks) if week <= self.previous.since]
            swing = _swing(past[1:])  # the data rarely begins on a Monday
            now, before = (_week(weeks.get(each.since, {}), column, swing) for each in (self.period, self.previous))
            facts = reach.get(split, {}) | {"swing": swing, "is_better": column != "lapsed"}
            said = self.counts_said(column, now, before)
            found[split] = self.judged(now, before, said, facts, _counts_apart(now, before, swing))
        return found

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """What a change carries."""
        metric, snapshot = metrics()[self.question.name], self.store.snapshot or ""
        asked = (self.over(each) for each in (self.period, self.previous))
        return (*(fingerprint(metric, each, self.settings, snapshot) for each in asked), f"guard-{version()}")

    def over(self, period: Period) -> Question:
        """The question about one period."""
        return replace(self.question, since=period.since, until=period.until)

    def rows(self, period: Period) -> list[Row]:
        """The metric's rows in a period, each with its `split`."""
        asked = self.over(period)
        if self.known:
            rows = self.known(asked)
        elif asked.name in OWN:
            rows = own(self.store, self.settings, asked)
        else:
            rows = ask(self.store, self.settings, asked).rows.to_dicts()
        return [row | {"split": row.get(self.question.by or "")} for row in rows]

    def whole(self, period: Period) -> dict[Split, Row]:
        """The rows of a whole period."""
        if self.known and period.until - period.since == WEEK:
            return {split: rows.get(period.since, {}) for split, rows in self.by_week().items()}
        return {row["split"]: row for row in self.rows(period) if row["week"] is None}

    def by_week(self) -> dict[Split, dict[date, Row]]:
        """The rows by split and week, from long before both periods to the end of the later one."""
        since = min(self.period.since, self.previous.since) - LOOK_BACK
        weeks: dict[Split, dict[date, Row]] = {}
        for row in self.rows(Period(since, max(self.period.until, self.previous.until))):
            if row["week"] is not None:
                weeks.setdefault(row["split"], {})[row["week"]] = row
        return weeks

    def reach(self) -> dict[Split, Row]:
        """Whether both periods are covered alike: the same whatever is counted in them."""
        if self.known is None or self.previous != self.period.before:
            return self.told("reach")
        asked = replace(self.over(self.period), name="reach", hours=None, population="asks")
        return {row["split"]: row for row in self.known(asked)}

    def told(self, name: str) -> dict[Split, Row]:
        """What one of the guard's own queries says of both periods."""
        return {row["split"]: row for row in self.queried(name).to_dicts()}

    def queried(self, name: str) -> pl.DataFrame:
        """The rows of one of the queries of statistics/ about both periods."""
        zone = self.settings.zone
        counted = [shares()[self.question.name].sql, _sql("both")] if self.question.name in shares() else []
        macros = "\n".join([_macros(), *counted])
        params = _params(self.question, zone) | {
            "zone": str(zone),
            "before_since": self.previous.since,
            "before_until": self.previous.until,
            "before_since_at": midnight(self.previous.since, zone),
            "before_until_at": midnight(self.previous.until, zone),
        }
        return self.store.query(_sql(name), params, macros)

    # Judging ------------------------------------------------------------------------------------

    def judged(self, now: Reading, before: Reading, said: str, facts: Row, apart: _Apart | None) -> Change:
        """Clear where the periods are alike, the numbers are large enough, and the interval leaves out zero."""
        change = Change(self.question.name, now, before, said, "no clear change", fingerprints=self.fingerprints)
        if untold := self.untold(now, before, facts, apart):
            return replace(change, verdict=untold[0], because=untold[1])
        if apart and (apart.low > 0 or apart.high < 0):
            is_better = metrics()[self.question.name].better == ("higher" if apart.difference > 0 else "lower")
            is_better = is_better is facts.get("is_better", True)
            change = replace(change, verdict="clear better" if is_better else "clear worse")
        return apart.told(change) if apart else change

    def untold(self, now: Reading, before: Reading, facts: Row, apart: _Apart | None) -> tuple[Verdict, str] | None:
        """Why the two periods are not compared, if they are not: the verdict, and what it rests on."""
        if facts.get("is_uneven"):
            first, until = (midnight(each, self.settings.zone) for each in (self.period.since, self.period.until))
            is_open = first < facts["as_of"] < until  # a later export may bring the rest
            uneven = f"the data of {facts['source_name']} does not cover both periods alike"
            return "too early" if is_open else "cannot be compared", uneven
        if any(_left_out(facts, period) > LEFT_OUT for period in ("", "_before")):
            limit, young = self.question.hours, facts["too_young"]
            age = "too young to judge" if limit is None else f"not yet {_wait(limit)} old"
            return "too early", f"{young} of the {self.of} {'is' if young == 1 else 'are'} {age}"
        if now.value is None or before.value is None:
            return "cannot be compared", _unknown(now, before, self.noun)
        if min(now.n, before.n) < FEW:
            return "too few to compare", _needed(now, before, FEW, self.of, self.noun, self.then)
        if facts.get("swing", 0.0) is None:
            return "too early", f"the usual swing is known after {SWINGS + 2} whole weeks"
        return None if apart else ("too few to compare", f"the {self.of} are of one member alone")

    # Saying -------------------------------------------------------------------------------------

    @property
    def noun(self) -> str:
        """What either period is called."""
        lengths = {each.until - each.since for each in (self.period, self.previous)}
        return "week" if lengths == {WEEK} else "period"

    @property
    def then(self) -> str:
        """What the other period is called."""
        days = (self.previous.until - self.previous.since).days
        if self.previous != self.period.before:
            return f"from {self.previous.since} to {self.previous.until - timedelta(days=1)}"
        if days == WEEK.days:
            return "the week before"
        return f"the {days // 7} weeks before" if days % 7 == 0 else f"the {days} days before"

    @property
    def of(self) -> str:
        """What is counted, in words."""
        if self.question.name not in shares():
            return "waiting asks" if self.question.name == WAITING else "members"
        return self.question.population if self.question.name in RATES else shares()[self.question.name].of

    @property
    def met(self) -> str:
        """What they were, those that count."""
        within = self.question.hours is not None and self.question.name in RATES
        return f"answered within {_wait(self.question.hours)}" if within else shares()[self.question.name].met

    def left_out_said(self, facts: Row) -> str:
        """What is left out at the end of both periods, in words."""
        if not facts.get("left_out") and not facts.get("left_out_before"):
            return ""
        parts = f"{facts['left_out']:,} of now and {facts['left_out_before']:,} of then"
        return f", without the last hours of both, which are too young to judge ({parts})"

    def rates_said(self, now: Reading, before: Reading) -> str:
        """Two shares in words."""
        if now.value is None or before.value is None:
            return metrics()[self.question.name].title
        hours = self.question.hours
        old = " old enough to judge" if hours is None else f" at least {_wait(hours)} old"
        of = f"Of {self.of}{old if self.question.name in RATES else ''}"
        if min(now.n, before.n) < FEW:
            return f"{of}, {_part(now)} were {self.met}; {self.then} {_part(before)}"
        sure = f"({_range(now)}, {_part(now)})"
        return f"{of}, {_percent(now.value)} were {self.met} {sure}; {self.then} {_percent(before.value)}"

    def medians_said(self, now: Reading, before: Reading, hours: float | None) -> str:
        """Two median waits in words, and the shares by which they are compared."""
        of: Population = self.question.population
        half = f"Half of {now.n} {of} are answered within {_wait(now.hours)}, {self.then} within {_wait(before.hours)}"
        if hours is None or now.value is None or before.value is None:
            return half
        if min(now.n, before.n) < FEW:
            return f"{half}; within {_wait(hours)} {_part(now)} are, and {_part(before)} were"
        shares = f"{_percent(now.value)} are ({_range(now)}), and {_percent(before.value)} were"
        return f"{half}; within {_wait(hours)} {shares}"

    def counts_said(self, column: str, now: Reading, before: Reading) -> str:
        """Two counts in words."""
        of = {
            "members": "members",
            "back": "members who had posted before",
            "past_target": "asks waiting past their target at the week's end",
        }.get(column, f"{column} members")
        if now.value is None or before.value is None:
            return of.capitalize()
        usual = "" if now.low is None else f" (a week like this has {now.low:,.0f}–{now.high:,.0f})"
        return f"{now.value:,} {of}{usual}; {self.then} {before.value:,}"


# Arithmetic -------------------------------------------------------------------------------------


class _Apart(NamedTuple):
    """A difference, its 95 % interval, and how often chance alone does as much."""

    difference: float
    low: float
    high: float
    doubt: float

    def told(self, change: Change) -> Change:
        """A change with all of it."""
        return replace(change, **self._asdict())


def _rates_apart(now: Reading, before: Reading, facts: Row) -> _Apart | None:
    """Newcombe's interval, its arms longer by the design effect, and by Student's where few members asked."""
    if now.value is None or before.value is None or facts.get("members", 0) < 2:
        return None
    longer = sqrt(facts["design_effect"] or 1) * _student(Z, facts["members"] - 1) / Z
    difference = now.value - before.value
    down, up = (longer * hypot(now.arms[way], before.arms[1 - way]) for way in (0, 1))
    towards_zero = down if difference > 0 else up
    return _Apart(difference, difference - down, difference + up, _doubt(Z * abs(difference) / towards_zero))


def _counts_apart(now: Reading, before: Reading, swing: _Swing | None) -> _Apart | None:
    """Two weeks on square roots, where large and small weeks swing alike; back by a² - b² = (a - b)(a + b)."""
    if now.value is None or before.value is None or swing is None:
        return None
    apart, scale = sqrt(now.value) - sqrt(before.value), sqrt(now.value) + sqrt(before.value)
    strength = _normal(abs(apart) / swing.size, swing.freedom) if swing.size else inf
    doubt = _doubt(strength) if apart else 1.0
    return _Apart(now.value - before.value, (apart - swing.reach) * scale, (apart + swing.reach) * scale, doubt)


class _Swing(NamedTuple):
    """How far neighbouring weeks lie apart (counts: their square roots), and how well that is known."""

    size: float
    freedom: float

    @property
    def reach(self) -> float:
        """A swing that 95 of 100 weeks keep within."""
        return _student(Z, self.freedom) * self.size


def _swing(values: Sequence[float | None], scale: Callable[[float], float] = sqrt) -> _Swing | None:
    """From week to week, so that slow growth is no swing. Neighbours share a week: von Neumann 1941 has 2/3 left."""
    steps = [scale(b) - scale(a) for a, b in pairwise(values) if a is not None and b is not None]
    if len(steps) < SWINGS:
        return None
    return _Swing(sqrt(sum(step * step for step in steps) / len(steps)), 2 * len(steps) / 3)


def _week(row: Row, column: str, swing: _Swing | None) -> Reading:
    """A week's count, and what a week like it may have: one week swings by 1/√2 of what two do."""
    count = count_of(row, column)
    of = row.get("asks", count) or 0  # what waits is few of many, and may be none
    if count is None or swing is None:
        return Reading(count, None, None, of)
    arm = swing.reach / sqrt(2)
    return Reading(count, max(0.0, sqrt(count) - arm) ** 2, (sqrt(count) + arm) ** 2, of)


def _doubt(strength: float) -> float:
    return 2 * NormalDist().cdf(-strength)


def _normal(t: float, freedom: float) -> float:
    """Student's t as a normal deviate (Wallace 1959): 2 % off from 5 degrees on; with fewer, not too bold."""
    return (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * log1p(t * t / freedom))


def _student(z: float, freedom: float) -> float:
    """The way back."""
    root = z * (8 * freedom + 3) / (8 * freedom + 1)
    return sqrt(freedom * expm1(root * root / freedom))


def _points(row: Row) -> Reading:
    """A week's net sentiment; no value where too few messages were classified."""
    n = row.get("messages") or 0
    return Reading(row.get("points") if n >= FEW_WORDS else None, row.get("low"), row.get("high"), n)


def _points_said(now: Reading, before: Reading) -> str:
    """Two weeks' sentiment in words."""
    told = [f"{each.n:,} classified messages" if each.value is None else f"{each.value:+.0f}" for each in (now, before)]
    span = "" if now.value is None else f" ({now.low or 0:+.0f} to {now.high or 0:+.0f}, of {now.n:,} messages)"
    return f"Net sentiment {told[0]}{span}; the week before {told[1]}"


def _judged(row: Row, facts: Row, period: str = "") -> Reading:
    """A share of a period as the metric tells it; where something is left out, of the rest (Wilson 1927)."""
    n, met, share = facts.get(f"asks{period}", 0), facts.get(f"met{period}", 0), row.get("share")
    if share is None or not (facts.get("left_out") or facts.get("left_out_before")):
        return Reading(share, row.get("low"), row.get("high"), n)
    if not n:
        return Reading(None, None, None, 0)
    middle = (met + Z * Z / 2) / (n + Z * Z)
    arm = Z / (n + Z * Z) * sqrt(met * (n - met) / n + Z * Z / 4)
    return Reading(met / n, max(0.0, middle - arm), min(1.0, middle + arm), n)


def _left_out(facts: Row, period: str) -> float:
    """How much of a period is too young, or was as late in the other."""
    gone: int = facts.get(f"left_out{period}", 0)
    return gone / (gone + facts.get(f"asks{period}", 0)) if gone else 0.0


def _needed(now: Reading, before: Reading, few: int, of: str, noun: str = "week", then: str = "the week before") -> str:
    """How many there were of both, which of them are too few, and how many it takes."""
    one = of.removesuffix("s") if of.endswith("s") else of.replace("s ", " ", 1)
    told = f"{now.n:,} {one if now.n == 1 else of} {'this' if noun == 'week' else 'in this'} {noun}"
    told, link = (f"only {told}", "and") if now.n < few else (told, "but only")
    return f"{told} {link} {before.n:,} {then}; a comparison takes at least {few} in each"


def _unknown(now: Reading, before: Reading, noun: str) -> str:
    """Which of the two is unknown."""
    if now.value is None and before.value is None:
        return f"both {noun}s are unknown"
    return f"this {noun} is unknown" if now.value is None else f"the {noun} before is unknown"


def _untold(change: Change, verdict: Verdict, because: str) -> Change:
    return replace(change, verdict=verdict, because=because, difference=None, low=None, high=None, doubt=None)


@cache
def _sql(name: str) -> str:
    return (HERE / "statistics" / f"{name}.sql").read_text("utf-8")


# Words ------------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    return f"{share * 100:.0f}\u00a0%"


def _range(reading: Reading) -> str:
    return f"{(reading.low or 0) * 100:.0f}–{(reading.high or 0) * 100:.0f}\u00a0%"


def _part(reading: Reading) -> str:
    return f"{(reading.value or 0) * reading.n:,.0f} of {reading.n:,}"


def _wait(hours: float | None) -> str:
    """A wait or an age: "40 min", "24 h", "3.5 h"."""
    if hours is None:
        return "a time not reached yet"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.{0 if hours >= 10 or hours == int(hours) else 1}f} h"
