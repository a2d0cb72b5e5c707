"""Why an answer is empty or unknown, in the words that the pages have for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import polars.selectors as cs

from data import explore
from data.settings import Settings
from data.store import Store
from metrics.metric import Answer, Question

OF_TEAM = (
    "conversation_share", "coverage_by_hour", "peer_first_share", "praise_thanked", "staff_presence", "staff_response"
)  # fmt: skip
"""What tells of the team, and is unknown where nobody is known as staff."""
TAKES_DAYS = {
    "newcomer_welcome": ("who is new", 60), "newcomer_return": ("who is new", 60),
    "drifting": ("who is drifting away", 28), "unanswered_then_lost": ("who left", 28),
    "relationship_depth": ("how deep it goes", 89),
}  # fmt: skip
"""What can be told only after so many days of data."""
COVERED = 0.9


def reasons(store: Store, settings: Settings, answer: Answer) -> list[str]:
    """What an answer leaves out, and why nothing or not all of it is known: a sentence each; none where all is."""
    question, rows = answer.question, answer.rows
    platforms = _here(store, "sources", question)["platform"].unique()
    told = explore.left_out(settings, question.name, rows.columns, platforms)
    whole = rows.filter(pl.col("week").is_null()) if "week" in rows.columns else rows
    if not whole.is_empty() and not any(each.null_count() for each in whole if each.name != "week"):
        return told
    known = list(_unknown(store, settings, question))
    counts = whole.select(cs.integer())
    if not known and not counts.sum_horizontal().sum():
        known = ["There is nothing of the kind in these days and places."]
    return [*told, *known]


def _unknown(store: Store, settings: Settings, question: Question) -> Iterator[str]:
    """What of the data makes a number unknown."""
    sources = _here(store, "sources", question)
    if question.name in OF_TEAM and not sources["staff"].sum():
        yield "Unknown: nobody who spoke here is known as staff. Name them under [[roster]] in hearth.toml."
    what, days = TAKES_DAYS.get(question.name, ("", 0))
    known: list[date] = _here(store, "coverage", question)["day"].to_list()
    last = max((day for day in known if question.until is None or day < question.until), default=None)
    if days and last and last - min(known) < timedelta(days=days):
        yield f"Unknown: {what} can be told after {days} days of data, and here there is less."
    if question.name == "within_target" and not any(each.calendar for each in settings.channels):
        yield "Unknown: no channel has a calendar. Name one under [[channels]] and [[calendars]] in hearth.toml."
    share = _covered(store, question)
    if share is not None and share < COVERED:
        yield f"Unknown: only {share * 100:.0f}\u00a0% of these days are covered by a load."


def _here(store: Store, table: str, question: Question) -> pl.DataFrame:
    """The rows of one of the store's tables that lie in a question's platforms and sources."""
    rows = store.read(table)
    if question.platforms:
        rows = rows.filter(pl.col("platform").is_in(question.platforms))
    if question.sources:
        rows = rows.filter(pl.any_horizontal(pl.col("source", "source_name").is_in(question.sources)))
    return rows


def _covered(store: Store, question: Question) -> float | None:
    """The share of the period's days that loads cover."""
    days = _here(store, "coverage", question)
    for day, is_in in ((question.since, pl.Expr.ge), (question.until, pl.Expr.lt)):
        days = days.filter(is_in(pl.col("day"), day)) if day else days
    share = days["is_covered"].mean()
    return share if isinstance(share, float) else None
