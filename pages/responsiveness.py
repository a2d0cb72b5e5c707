"""Does somebody answer, and how soon?"""

from __future__ import annotations

import streamlit as st

from metrics.metric import Answer
from pages import _ask, _figures, _filters, _show, _words
from pages._ask import Row
from pages._filters import View, Weeks
from pages._safe import label

NAMED = 8
"""So many people who answer are named."""
OPEN = 5
"""So many follow-ups that are left open are shown."""

SOON, DAY = 4.0, 24.0
NOT_SO_MANY = "Left out or hatched: not so many are answered yet."
Parts = tuple[tuple[str, str], ...]
PARTS: Parts = (("hours_p50", "half"), ("hours_p75", "3 in 4"), ("hours_p90", "9 in 10"))


def words(period: Weeks) -> tuple[str, str]:
    """How many are answered and how soon, and whether that has changed."""
    told = _within(_ask.answer(period.view.question("answered_within")))
    day, soon = told[DAY], told[SOON]
    if not day["asks"]:
        return "Nobody asked anything in these weeks.", ""
    finding = f"{_words.part(day['share'], day['asks'], 'ask')} were answered within a day"
    if soon["share"] is not None:
        finding += f", {_words.rate(soon['share'], soon['asks'])} within four hours"
    return f"{finding}.", period.change("answered_within")


def answered(period: Weeks) -> None:
    """The share answered within some hours, in this period and in the one before."""
    answer = _ask.answer(period.view.question("answered_within"))
    told = _within(answer)
    known = [
        f"{_words.rate(row['share'], row['asks'])} within {_words.wait(hours)}"
        for hours, row in told.items()
        if row["share"] is not None
    ]
    note = f"{_words.count(told[DAY]['asks'], 'ask')}; the band is the 95\u00a0% interval."
    before = _ask.answer(period.before.question("answered_within")) if period.before else None
    if before:
        note += f" Grey: the {period.length} before, {_words.count(_within(before)[DAY]['asks'], 'ask')}."
    _show.chart(answer, _figures.Curve(before), f"Answered: {', '.join(known) or _words.UNKNOWN}", note)


def waits(period: Weeks) -> None:
    """The waits within which half, three quarters and nine in ten are answered."""
    answer = _ask.answer(period.view.question("time_to_first_response"))
    row = _ask.whole(answer.question)
    note = f"{_words.count(row['asks'], 'ask')}, those still waiting too. {NOT_SO_MANY}"
    _show.chart(answer, _figures.Lines(PARTS, "asks", "hours"), _waits(row, PARTS, "asks"), note)


def by_staff(period: Weeks) -> None:
    """The share that the team answers first."""
    if not _show.of_team(period, "staff_response"):
        return
    peers = _ask.whole(period.view.question("staff_response"))["peer_first"]
    note = f"A peer got there first for {_words.whole(peers)} of them."
    _show.share(period, "staff_response", "were answered by the team first, within a day", "asks", "ask", note)


def by_peers(period: Weeks) -> None:
    """The share of the answered that another member answers first."""
    if _show.of_team(period, "peer_first_share"):
        _show.share(period, "peer_first_share", "were answered by another member first", "answered", "answered ask")


def in_time(period: Weeks) -> None:
    """The share answered within the target, in open hours."""
    found = "were answered within the target, in open hours"
    why_none = "in these weeks: an ask falls due where the settings give its channel a target and a calendar"
    _show.share(period, "within_target", found, "due", "due ask", why_none=why_none)


def load(period: Weeks) -> None:
    """How much hangs on few people."""
    answer = _ask.answer(period.view.question("responder_load"))
    row = _ask.whole(answer.question)
    one, three = (_words.rate(row[column], row["replies"]) for column in ("top1_share", "top3_share"))
    title = f"The busiest person gives {one} of first answers, the busiest three {three}"
    if row["top1_share"] is None:
        title = "We can't tell how much of the answering hangs on few people"
    half = _words.count(row["people_for_half"], "person gives", "people give")
    parts = (("top1_share", "one"), ("top3_share", "three"))
    note = f"Of {_words.count(row['replies'], 'first answer')} by anybody; {half} half of them."
    _show.chart(answer, _figures.Lines(parts, "replies", "share", "first answer"), title, note)


def who_answers(period: Weeks) -> None:
    """The people who give most first answers, each a door to their page."""
    view, closed = _filters.followed(period.view), _filters.closed(period.view)
    with st.container(border=True, height="stretch"):
        found = [] if view is None else _of_period("responders", view, NAMED, inferred=view.inferred)
        first = found[0] if found else {}
        told = (
            f"{_person(first)} answered first most often: {first['replies']:,} of {first['of_all']:,} times"
            if first
            else ""
        )
        st.markdown(f"**{told or ('Nobody answered in these weeks' if view else 'Who answers is not told here')}**")
        for row in found:
            with st.container(gap="xxsmall"):
                team = "team, " if row["role"] == "staff" else ""
                where = _words.platform(row["platform"] or "account gone")
                _show.somebody(
                    row["name"] or "Somebody", f"{team}{label(where)}", row["account"], row["platform"] or ""
                )
                share = _words.rate(row["replies"] / row["of_all"], row["of_all"])
                answers = _words.count(row["replies"], "first answer")
                st.caption(f"{answers}, {share}; in {_words.count(row['weeks'], 'week')}")
        if closed:
            st.caption(_show.left_out(closed))


def left_open(period: Weeks) -> None:
    """The newest follow-ups that nobody has answered, with their words."""
    found = _of_period("follow_ups", period.view, OPEN)
    with st.container(border=True, height="stretch"):
        title = _words.count(found[0]["in_all"], "follow-up is", "follow-ups are") if found else "No follow-up is"
        st.markdown(f"**{title} left open**")
        st.caption(
            "Who asked spoke again, and nobody has said anything since. Thanks alone are not counted. "
            "Those with a question first:"
        )
        for row in found:
            _show.said(row, "", period.view.as_of)


def _of_period(name: str, view: View, limit: int, **more: bool) -> list[Row]:
    """One of the store's tables, asked of a period."""
    days = {"since": view.since, "until": view.until, "zone": str(_ask.state().settings.zone)}
    return _ask.read(name, **view.places, **days, limit=limit, **more).to_dicts()


def _person(row: Row) -> str:
    return label(row["name"] or "Somebody", 60)


def hours_of_the_week(period: Weeks) -> None:
    """When people ask, against when the team is there."""
    answer = _ask.answer(period.view.question("coverage_by_hour", hours=SOON))
    hours = _ask.rows(answer.question)
    asks = _words.count(sum(hour["asks"] for hour in hours), "ask")
    alone = sum(hour["asks"] for hour in hours if hour["staff"] == 0)
    title = f"{_words.whole(alone)} of {asks} came at an hour when the team was never there"
    if any(hour["staff"] is None for hour in hours):
        why = "too few of the days are covered" if _filters.has_team(period.view) else "nobody is known as staff"
        title = f"We can't tell when the team was there: {why}"
    zone = _ask.state().settings.zone
    note = f"{asks}, by the hour they came, in {zone}. Ringed: asked at, and the team never there."
    _show.chart(answer, _figures.Clock(SOON), title, note)


def follow_ups(period: Weeks) -> None:
    """The waits of those who speak again after an answer."""
    answer = _ask.answer(period.view.question("time_to_next_response"))
    row = _ask.whole(answer.question)
    parts = (PARTS[0], PARTS[2])
    note = f"{_words.count(row['turns'], 'follow-up')}, those left open too. {NOT_SO_MANY}"
    shape = _figures.Lines(parts, "turns", "hours", "follow-up")
    _show.chart(answer, shape, _waits(row, parts, "follow-ups", "turns"), note)


CHARTS = {
    "Answered": answered,
    "Waits": waits,
    "The team first": by_staff,
    "Peers first": by_peers,
    "When people ask": hours_of_the_week,
    "Within target": in_time,
    "Follow-ups": follow_ups,
    "Follow-ups left open": left_open,
    "Load": load,
    "Who answers": who_answers,
}


def _within(answer: Answer) -> dict[float, Row]:
    """The rows of the whole period, by the hours within which."""
    return {row["hours"]: row for row in _ask.rows(answer.question) if row["week"] is None}


def _waits(row: Row, parts: Parts, nouns: str, of: str = "asks") -> str:
    """As far as they are reached: "Half of asks are answered within 6 h, 3 in 4 within 27 h"."""
    if not row[of]:
        return f"No {nouns} in these weeks"
    reached = [(name, _words.wait(row[column])) for column, name in parts if row[column] is not None]
    if not reached:
        return f"We can't tell yet within what wait half of {nouns} are answered"
    (first, soonest), *rest = reached
    return f"{first.capitalize()} of {nouns} are answered within {soonest}" + "".join(
        f", {name} within {wait}" for name, wait in rest
    )


_show.page(words, CHARTS, "what the team answers is unknown")
