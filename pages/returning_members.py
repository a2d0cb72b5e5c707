"""Do people come back?"""

from __future__ import annotations

from pages import _ask, _figures, _filters, _show, _words
from pages._ask import Row
from pages._figures import Step
from pages._filters import Weeks


def words(period: Weeks) -> tuple[str, str]:
    """How many of a week's members came back in the newest, and who else was there."""
    stay, flow = (_newest(period, name) for name in ("retention", "member_flow"))
    if not stay.get("members"):
        return "We can't tell yet who came back in the last week.", ""
    week = f"in the week of {_words.day(period.newest)}"
    sure = _words.interval(stay["low"], stay["high"], stay["members"], "member")
    kinds = ("new", "returning", "reactivated", "lapsed")
    new, returning, reactivated, lapsed = (_words.whole(flow.get(kind)) for kind in kinds)
    were = f"{sure} of the week before"
    if (stay["members"] or 0) < _words.FEW:
        were = f"{_words.count(stay['members'], 'member')} had been there the week before"
    told = f"{were[0].upper()}{were[1:]}. Also there: {new} seen for the first time, "
    told += f"{returning} after a break, {reactivated} after 8 weeks or more; {lapsed} stayed away."
    return f"{_words.part(stay['share'], stay['members'], 'member')} came back {week}.", told


def flow_by_week(period: Weeks) -> None:
    """Who posted, by what they had done before; below the line, who stayed away."""
    answer = _ask.answer(period.view.question("member_flow"))
    row = _ask.whole(answer.question)
    title = "We can't tell how many members posted"
    if row["members"] is not None:
        new = f"{_words.whole(row['new'])} of them seen for the first time"
        title = f"{_words.count(row['members'], 'member')} posted, {new}"
    note = "Retained: there the week before too. Returning: after a break; reactivated: of 8 weeks or more. "
    note += "Below the line, lapsed: there the week before, and not in this one."
    shape = _figures.Stack(("new", "retained", "returning", "reactivated"), "lapsed")
    _show.chart(answer, shape, title, note)


def stayed(period: Weeks) -> None:
    """The share of a week's members who are there in the next. The newest week is told: no other speaks for it."""
    answer, row = _ask.answer(period.view.question("retention")), _newest(period, "retention")
    title, note = "The newest week cannot be judged yet", _words.BAND.capitalize()
    if members := row.get("members"):
        title = f"{_words.part(row['share'], members, 'member')} of the week before came back in the newest week"
        note = f"In the newest week {_words.interval(row['low'], row['high'], members, 'member')}; {_words.BAND}"
    shape = _figures.Line("share", "members", "share", "low", "high", week=period.newest)
    _show.chart(answer, shape, title, note)


def cohorts(period: Weeks) -> None:
    """Each month's newcomers, and who of them was there later."""
    answer = _ask.answer(period.view.question("cohort_return"))
    later = [row for row in _ask.rows(answer.question) if row["month"] == 1 and row["share"] is not None]
    people = sum(row["members"] for row in later)
    back = sum(row["share"] * row["members"] for row in later)
    title = "No month after a first one is over yet"
    if people:
        title = f"{_words.part(back / people, people, 'member')} were back in the month after their first"
    note = "A row: the month they were first seen in, and how many they were. A column: so many months later."
    _show.chart(answer, _figures.Triangle(), title, note)


def welcomed(period: Weeks) -> None:
    """The share of newcomers whose first post was answered within a day."""
    note, why_none = period.change("newcomer_welcome"), "in these weeks"
    if _filters.is_young(period.view, period.newest):
        why_none = "can be told yet: the data starts under 60 days before"
    found = "were welcomed within a day"
    _show.share(period, "newcomer_welcome", found, "newcomers", "newcomer", note, why_none)


def welcome_and_return(period: Weeks) -> None:
    """From the first post to the welcome to the return, beside those who had no welcome."""
    answer = _ask.answer(period.view.question("newcomer_return"))
    welcomed, others = both = [row for row in _ask.rows(answer.question) if row["week"] is None]
    first, second = (_words.rate(row["share"], row["newcomers"]) for row in both)
    title = "We can't tell yet which newcomers came back"
    if any(row["share"] is not None for row in both):
        title = f"Came back within 28 days: {first} of the welcomed, {second} of the others"
    sure = (_words.interval(row["low"], row["high"], row["newcomers"], "newcomer") for row in both)
    note = f"Welcomed: {next(sure)}; others: {next(sure)}{_apart(welcomed, others)}. An association, not an effect: "
    note += "who writes a better first post may both be answered more and come back more."
    _show.chart(answer, _figures.Steps(_steps(welcomed, others)), title, note)


CHARTS = {
    "Who came and went": flow_by_week,
    "Back the next week": stayed,
    "Welcomed": welcomed,
    "Welcome and return": welcome_and_return,
    "By month": cohorts,
}


def _newest(period: Weeks, name: str) -> Row:
    """A metric's row of the newest week."""
    found = (row for row in _ask.rows(period.view.question(name)) if row["week"] == period.newest)
    return next(found, {})


def _apart(welcomed: Row, others: Row) -> str:
    """How far the two shares lie apart; nothing where one of them stands on few."""
    low, high = welcomed["difference_low"], welcomed["difference_high"]
    if low is None or min(welcomed["newcomers"], others["newcomers"]) < _words.FEW:
        return ""
    return f"; the difference is {_words.points(low)} to {_words.points(high)} points"


def _steps(welcomed: Row, others: Row) -> tuple[Step, ...]:
    """The way of the welcomed in ember, that of the others in grey; none where too few days are covered."""
    everybody = welcomed["newcomers"] + others["newcomers"]
    if not everybody or any(row["newcomers"] and row["share"] is None for row in (welcomed, others)):
        return ()
    steps = [Step("Newcomers whose 28 days are over", everybody)]
    for row, name in ((welcomed, "Welcomed within a day"), (others, "Not welcomed")):
        back = round((row["share"] or 0) * row["newcomers"])
        steps.append(Step(name, row["newcomers"], everybody, row["welcomed"]))
        steps.append(Step("… and came back", back, row["newcomers"], row["welcomed"]))
    return tuple(steps)


_show.page(words, CHARTS)
