"""How is the community? One week, the week before it, and the weeks that led here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import streamlit as st

from metrics import guard
from metrics.metric import Question, metrics
from pages import _ask, _figures, _filters, _show, _words
from pages._ask import Row
from pages._filters import Week
from pages._safe import label

DAY = 24.0
LIMITS = "The scorer misses sarcasm and slang, knows English only, and reads complaints too kindly: trust the change."


def page() -> None:
    """Draw the page: the sentence, the cards, the charts."""
    week = _filters.week()
    if week is None:
        st.info("There is no complete week yet. Numbers start after the first one, Monday to Sunday.")
        return
    with _show.contained("The week in a sentence"):
        st.caption(_filters.freshness(week.view, week.monday + _filters.WEEK, "this week"))
        st.subheader(sentence(week))
    with st.grid(6, min_column_width=170):
        for title, card in CARDS.items():
            with _show.contained(title):
                card(title, week)
    charts = [title for title in CHARTS if title != "By platform" or _filters.platforms(week.view) > 1]
    with st.grid(2, min_column_width=380):
        for title in charts:
            with _show.contained(title):
                CHARTS[title](week)


# In words ---------------------------------------------------------------------------------------


def sentence(week: Week) -> str:
    """The week in plain words. It states levels: whether a change is real is not for a sentence to guess."""
    now, _ = _weeks(_answered(week), week.monday)
    if now.get("asks") == 0:
        return "Nobody asked anything this week."
    if now.get("share") is None:
        return "We can't tell how this week went: too few of its days are covered."
    of = "of asks" if now["asks"] >= _words.FEW else "asks"
    half = _weeks(_waits(week), week.monday)[0].get("hours_p50")
    soon = f", and half of all asks within {_words.wait(half)}" if half is not None and half < DAY else ""
    return f"{_words.rate(now['share'], now['asks'])} {of} were answered within a day{soon}."


# Cards ------------------------------------------------------------------------------------------


def answered(title: str, week: Week) -> None:
    """The share of the week's asks that were answered within a day."""
    question = _answered(week)
    now, before = _weeks(question, week.monday)
    value, was = (_words.rate(row.get("share"), row.get("asks")) for row in (now, before))
    note = _words.interval(now.get("low"), now.get("high"), now.get("asks"), "ask") + _without_guesses(week)
    _show.card(title, value, note, f"week before: {was}", _trail(question, "share", week), _asks(question))


def half_wait(title: str, week: Week) -> None:
    """The wait by which half of the week's asks were answered."""
    question = _waits(week)
    now, before = _weeks(question, week.monday)
    note, was = f"of {_words.count(now.get('asks'), 'ask')}", f"week before: {_words.half_wait(before)}"
    _show.card(title, _words.half_wait(now), note, was, _trail(question, "hours_p50", week), _asks(question))


def waiting(title: str, week: Week) -> None:
    """The asks that wait longer than their channel's target, as things stand when the data ends."""
    question = week.now.question("waiting_now")
    (now,) = _ask.rows(question)
    note = f"the oldest for {_words.age(now['hours_longest'])}" if now["past_target"] else "nobody waits too long"
    since = f" since {_words.day(week.now.since)}" if week.now.since else ""
    of = f"of {_words.count(now['asks'], 'ask')} without a reply{since}"
    _show.card(title, _words.whole(now["past_target"]), note, of, about=_asks(question))


def newcomers(title: str, week: Week) -> None:
    """The members who posted for the first time."""
    question = _flow(week)
    now, before = _weeks(question, week.monday)
    if _filters.is_young(week):
        seen = f"{_words.whole(now.get('new'))} of {_words.count(now.get('members'), 'member')} seen first"
        _show.card(title, _words.UNKNOWN, seen, "the data starts under 60 days before", about=_asks(question))
        return
    note = f"of {_words.count(now.get('members'), 'member')} who posted"
    was = f"week before: {_words.whole(before.get('new'))}"
    _show.card(title, _words.whole(now.get("new")), note, was, _trail(question, "new", week), _asks(question))


def returning(title: str, week: Week) -> None:
    """The members who had posted before."""
    question = _flow(week)
    now, before = _weeks(question, week.monday)
    stayed = now.get("retained")
    note = f"{_words.whole(stayed)} {'was' if stayed == 1 else 'were'} here the week before too"
    was = f"week before: {_words.whole(_back(before))}"
    trail = [_back(row) for row in _up_to(question, week)]
    _show.card(title, _words.whole(_back(now)), note, was, trail, _asks(question))


def sentiment(title: str, week: Week) -> None:
    """How members sound, against the community's own past: the level leans on the scorer."""
    question = _sounds(week)
    rows = _ask.rows(question)
    change = guard.points(rows, week.monday)
    now, before = _weeks(question, week.monday)
    level = f"{_words.net(now)}: {_words.net_range(now)}; {_words.percent(now.get('unclassified_share'))} unclassified"
    values = {"no clear change": "steady", "too early": "too early"}
    value = values.get(change.verdict, f"{change.difference or 0:+.0f} points")
    note = f"{change.verdict}; {level}"
    if change.now.value is None or change.before.value is None:  # there is nothing to compare
        value, note = _words.net(now), level
    trail = [row["points"] if row["messages"] >= guard.FEW_WORDS else None for row in _up_to(question, week)]
    about = f"{_asks(question)} {LIMITS}"
    _show.card(title, value, note, f"week before: {_words.net(before)}", trail, about)


def _asks(question: Question) -> str:
    """What a metric asks, in its own words."""
    return metrics()[question.name].asks


CARDS = {
    "Answered within 24 h": answered,
    "Half are answered within": half_wait,
    "Waiting past target now": waiting,
    "Newcomers": newcomers,
    "Returning members": returning,
    "Net sentiment": sentiment,
}


# Charts -----------------------------------------------------------------------------------------


def answered_by_week(week: Week) -> None:
    """The share answered within a day, by week, with its band."""
    question = _answered(week)
    whole = _ask.whole(question)
    title = f"{_words.rate(whole['share'], whole['asks'])} answered within a day over these weeks"
    title = title if whole["asks"] else "Nobody asked anything in these weeks"
    shape = _figures.Line("share", "asks", "share", "low", "high", week=week.monday)
    _show.chart(_ask.answer(question), shape, title, f"{_words.count(whole['asks'], 'ask')}; {_words.BAND}")


def answered_by_platform(week: Week) -> None:
    """The same share on each platform."""
    question = week.view.question("answered_within", "platform", DAY)
    shape = _figures.Line("share", "asks", "share", "low", "high", is_split=True)
    note = "One line a platform, all on the same scale."
    _show.chart(_ask.answer(question), shape, _spread(question), note)


def wait_by_week(week: Week) -> None:
    """The median wait, by week, with the target where all the places share one."""
    question = _waits(week)
    whole = _ask.whole(question)
    reached = f"Half of all asks are answered within {_words.half_wait(whole)}"
    title = reached if whole["hours_p50"] is not None else "Fewer than half of all asks are answered"
    title = title if whole["asks"] else "Nobody asked anything in these weeks"
    shape = _figures.Line("hours_p50", "asks", "hours", target=_filters.target(week.view), week=week.monday)
    note = f"{_words.count(whole['asks'], 'ask')}; those still waiting count too."
    _show.chart(_ask.answer(question), shape, title, note)


def sentiment_by_week(week: Week) -> None:
    """How members sound, by week, with the range of the estimate."""
    question = _sounds(week)
    whole = _ask.whole(question)
    title = f"Net sentiment {_words.net(whole)} over these weeks"
    shape = _figures.Line("points", "messages", "points", "low", "high", week=week.monday)
    note = f"{_words.count(whole['messages'], 'classified message')}; the band spans estimators and members. {LIMITS}"
    _show.chart(_ask.answer(question), shape, title, note)


def flow_by_week(week: Week) -> None:
    """Who posted, by what they had done before, and who stayed away."""
    question = _flow(week)
    now, _ = _weeks(question, week.monday)
    posted = _words.count(now.get("members"), "member")
    shape = _figures.Stack(("new", "retained", "returning", "reactivated"), "lapsed")
    title = f"{posted} posted this week, {_words.whole(now.get('new'))} of them seen first"
    _show.chart(_ask.answer(question), shape, title, "Lapsed: posted the week before, and not in this one.")


CHARTS = {
    "Answered within a day": answered_by_week,
    "By platform": answered_by_platform,
    "The wait": wait_by_week,
    "Who came and went": flow_by_week,
    "How members sound": sentiment_by_week,
}


# Rows -------------------------------------------------------------------------------------------


def _answered(week: Week) -> Question:
    return week.view.question("answered_within", hours=DAY)


def _waits(week: Week) -> Question:
    return week.view.question("time_to_first_response")


def _sounds(week: Week) -> Question:
    return week.view.question("net_sentiment")


def _flow(week: Week) -> Question:
    return week.view.question("member_flow")


def _weeks(question: Question, monday: date) -> tuple[Row, Row]:
    """The rows of a week and of the week before; an empty one where there is none."""
    rows = {row["week"]: row for row in _ask.rows(question)}
    return rows.get(monday, {}), rows.get(monday - _filters.WEEK, {})


def _up_to(question: Question, week: Week) -> list[Row]:
    return [row for row in _ask.rows(question) if row["week"] and row["week"] <= week.monday]


def _trail(question: Question, column: str, week: Week) -> list[float | None]:
    """A column's weeks up to the chosen one."""
    return [row[column] for row in _up_to(question, week)]


def _without_guesses(week: Week) -> str:
    """Where guessed replies are counted, the figure without them stands beside."""
    if not week.view.inferred:
        return ""
    certain = replace(week, view=replace(week.view, inferred=False))
    now, _ = _weeks(_answered(certain), week.monday)
    return f"; {_words.rate(now.get('share'), now.get('asks'))} without guessed replies"


def _back(row: Row) -> int | None:
    """Members who had posted before: the week before, lately, or long ago."""
    parts = [row.get(kind) for kind in ("retained", "returning", "reactivated")]
    return None if None in parts else sum(part or 0 for part in parts)


def _spread(question: Question) -> str:
    """How far the platforms lie apart, in words."""
    known = [row for row in _ask.rows(question) if row["week"] is None and row["share"] is not None]
    known.sort(key=lambda row: row["share"])
    if not known:
        return "No platform can be told yet"
    if len(known) == 1:
        return f"Only {label(_words.platform(known[0]['platform']))} can be told yet"
    least, most = (
        f"{_words.rate(row['share'], row['asks'])} on {label(_words.platform(row['platform']))}"
        for row in (known[0], known[-1])
    )
    return f"Answered within a day: from {least} to {most}"


page()
