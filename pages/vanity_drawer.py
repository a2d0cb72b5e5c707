"""Are you living or existing in social media? The platforms' own totals, beside the weeks of what counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import polars as pl
import streamlit as st

from metrics.metric import Question
from pages import _ask, _filters, _show, _words
from pages._ask import Row, kept
from pages._filters import Week

WEEKS = 8
"""So many weeks stand beside the totals."""
TOTAL = ("platform", "source", "measure", "of_what")
"""What makes a total the same one."""
LISTED = 50
"""So many totals are shown: the whole sources' first, then those of single posts."""


def page() -> None:
    """Draw the totals, plain and small, and the weeks."""
    week = _filters.week()
    st.subheader("Are you living or existing in social media?")
    st.caption("Followers, likes and impressions stay in this drawer: in no headline, and in no score.")
    if week is None:
        st.info("There is no complete week yet that could stand beside the totals.")
        return
    left, right = st.columns([2, 3], gap="medium")
    with left, _show.contained("Existing"), st.container(border=True):
        _existing(week)
    with right, _show.contained("Living"), st.container(border=True):
        _living(week)


def _existing(week: Week) -> None:
    """The newest totals that the exports tell of, and those from before the weeks beside them."""
    st.markdown("**Existing: what the platforms count**")
    question = week.now.question("audience")
    answer = _ask.answer(question)
    if answer.rows.is_empty():
        st.caption(f"Followers, likes and impressions are {_words.UNKNOWN}: no export of this period has totals.")
        return
    first = week.monday - (WEEKS - 1) * _filters.WEEK
    _show.table(_totals(question, first), answer.metric.asks)
    if len(answer.rows) > LISTED:
        of = _words.count(len(answer.rows), "total")
        st.caption(f"{LISTED} of {of}, the whole sources' first. The download has them all.")
    st.caption(
        f"The newest value of each, and the newest before {_words.day(first)}, where the weeks beside it begin. "
        "Exports do not say which are of a day and which of a lifetime, so no difference is taken."
    )
    _show.doors(answer)


def _living(week: Week) -> None:
    """The six numbers of Weekly health, the newest week first."""
    st.markdown("**Living: what counts**")
    _show.table(_weeks(week), "The numbers of Weekly health by week")
    (now,) = _ask.rows(week.now.question("waiting_now"))
    waiting = _words.count(now["past_target"], "ask of the period waits", "asks of the period wait")
    st.caption(
        "Asks answered within 24 h, newcomers welcomed, members who came back, how members sound, and how much of what "
        f"the team says is conversation. The sixth: {waiting} past the target where the data ends. "
        "Weekly health has the intervals and the rows."
    )


@kept(16, is_worded=True)
def _totals(question: Question, first: date) -> pl.DataFrame:
    rows = _ask.answer(question).rows.sort(pl.col("of_what") != "", maintain_order=True).head(LISTED)
    before = _ask.answer(replace(question, since=None, until=first)).rows.to_dicts()
    was = {tuple(row[name] for name in TOTAL): row["value"] for row in before}
    return pl.DataFrame([_total(row, was.get(tuple(row[name] for name in TOTAL))) for row in rows.to_dicts()])


def _total(row: Row, before: float | None) -> Row:
    """One total as a line; its numbers are text, so that none stands out by its digits."""
    return {
        "Counted": row["measure"].replace("_", " "),
        "Value": _words.whole(row["value"]),
        "Before": _words.whole(before),
        "Of": row["of_what"] or row["source_name"],
        "Platform": _words.platform(row["platform"]),
        "On": _words.day(row["measured_at"].astimezone(_ask.state().settings.zone)),
    }


@kept(16, is_worded=True)
def _weeks(week: Week) -> pl.DataFrame:
    """A row a week; a number that nobody knows says so."""
    rows = {name: _by_week(week, name) for name in {name for name, _ in NUMBERS.values()}}
    mondays = [week.monday - each * _filters.WEEK for each in range(WEEKS)]
    known = [monday for monday in mondays if any(monday in each for each in rows.values())]
    return pl.DataFrame(
        [
            {"Week of": _words.day(monday)}
            | {title: tell(rows[name].get(monday, {})) for title, (name, tell) in NUMBERS.items()}
            for monday in known
        ]
    )


def _by_week(week: Week, name: str) -> dict[object, Row]:
    hours = 24.0 if name == "answered_within" else None
    return {row["week"]: row for row in _ask.rows(week.view.question(name, hours=hours))}


def _returning(row: Row) -> str:
    """Members who had posted before."""
    members, new = row.get("members"), row.get("new")
    return _words.whole(None if members is None or new is None else members - new)


def _conversation(row: Row) -> str:
    """How much of what the team said in public was conversation."""
    if row.get("conversation") is None:
        return _words.UNKNOWN
    return _words.rate(row["share"], row["conversation"] + row["broadcast"])


NUMBERS: dict[str, tuple[str, Callable[[Row], str]]] = {
    "Within 24 h": ("answered_within", lambda row: _words.rate(row.get("share"), row.get("asks"))),
    "Welcomed": ("newcomer_welcome", lambda row: _words.rate(row.get("share"), row.get("newcomers"))),
    "Returning": ("member_flow", _returning),
    "Net sentiment": ("net_sentiment", _words.net),
    "Conversation": ("conversation_share", _conversation),
}


page()
