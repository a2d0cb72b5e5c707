"""Do we know each other?"""

from __future__ import annotations

import polars as pl
import streamlit as st

from pages import _ask, _figures, _filters, _show, _words
from pages._figures import Step
from pages._filters import Weeks
from pages._safe import label

DRAWN = 60
"""So many pairs are looked at for the picture."""
LISTED = 9
"""So many pairs are listed by name."""
DEEP = "Deep: both replied, on 3 or more of the last 90 days."

UNHAPPY = {
    "negative": "Unhappy asks",
    "answered": "… answered within a week",
    "spoke_again": "… and the asker spoke again",
    "recovered": "… and ended better",
}


def words(period: Weeks) -> tuple[str, str]:
    """How much of what the team says is conversation, and whether that has changed."""
    if not _filters.has_team(period.view):
        return "We can't tell how much of what the team says is conversation.", ""
    row = _ask.whole(period.view.question("conversation_share"))
    said = row["conversation"] + row["broadcast"]
    if not said:
        return "Nobody of the team said anything in public in these weeks.", ""
    finding = f"{_words.part(row['share'], said, 'message')} by the team answered a member."
    return finding, period.change("conversation_share")


def conversation(period: Weeks) -> None:
    """The share of the team's public messages that answer a member."""
    found = "by the team answered a member"
    if _show.of_team(period, "conversation_share"):
        _show.share(period, "conversation_share", found, "staff messages", "public message")


def two_way(period: Weeks) -> None:
    """The share of conversations that went there and back again."""
    found = "went there and back: an ask, a reply, and the asker again"
    _show.share(period, "two_way_conversations", found, "conversations", "conversation")


def pairs(period: Weeks) -> None:
    """How many pairs talk, and how many of them often and both ways."""
    answer = _ask.answer(period.view.question("relationship_depth"))
    row = _ask.whole(answer.question)
    title = "We can't tell yet who talks with whom: depth takes 90 days to see"
    if row["pairs"] is not None:
        pairs = _words.count(row["pairs"], "pair")
        title = f"{_words.whole(row['deep_pairs'])} of the {pairs} of all these weeks talked often, and both ways"
    both_ways = _words.rate(row["two_way_share"], row["pairs"])
    note = f"In {both_ways} of the pairs each has replied to the other. Deep: both did, on 3 or more days of 90."
    shape = _figures.Lines((("deep_pairs", "deep"), ("pairs", "all pairs")), "pairs", "count")
    _show.chart(answer, shape, title, note)


def web(period: Weeks) -> None:
    """Who talks with whom: the deepest pairs, drawn."""
    rows = _deepest(period)
    if rows is None or rows.is_empty():
        _no_pairs(rows, period)
        return
    first, deep = rows.row(0, named=True), rows["deep"][0]
    names = f"{_name(first['name'])} and {_name(first['other_name'])}"
    days = _words.count(first["days"], "day")
    title = f"No pair talks often and both ways in 90 days; {names} come nearest, on {days}"
    if deep:
        title = f"{_words.count(deep, 'pair talks', 'pairs talk')} often and both ways in 90 days; {names} on {days}"
    note = f"{DEEP} Of the deepest the first {_figures.KNOTS} people, to {_words.day(period.newest + _filters.WEEK)}: "
    note += "diamonds are the team, circles members; the wider a line, the more days."
    if closed := _filters.closed(period.view):
        note += f" {_show.left_out(closed)}"
    _show.picture(rows, _figures.Web(), title, note, "pairs")


def by_name(period: Weeks) -> None:
    """The deepest pairs by name, each a door to a member's page."""
    rows = _deepest(period)
    if rows is None or rows.is_empty():
        _no_pairs(rows, period)
        return
    with st.container(border=True, height="stretch"):
        st.markdown("**The pairs who know each other best**")
        for row in rows.head(LISTED).to_dicts():
            with st.container(gap="xxsmall"):
                with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                    for end in ("", "other_"):
                        team = "team" if row[f"{end}role"] == "staff" else ""
                        _show.somebody(row[f"{end}name"] or "Somebody", team, row[f"{end}account"], "")
                there, back = row["one_to_other"], row["other_to_one"]
                replies = _words.count(there, "reply", "replies")
                st.caption(f"On {_words.count(row['days'], 'day')}: {replies} by the first, {back:,} by the other.")


def _deepest(period: Weeks) -> pl.DataFrame | None:
    """The pairs of the last 90 days of the period; None where members may not be followed."""
    view = _filters.followed(period.view)
    if view is None:
        return None
    return _ask.read("pairs", **view.places, until=period.newest + _filters.WEEK, limit=DRAWN)


def _no_pairs(rows: pl.DataFrame | None, period: Weeks) -> None:
    """Why there is nobody to draw or to list."""
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**Who talks with whom is not told here**" if rows is None else "**No two people talk both ways yet**"
        )
        st.caption(_show.left_out(_filters.closed(period.view)) if rows is None else DEEP)


def _name(name: str | None) -> str:
    return label(name or "Somebody", 40)


def unhappy(period: Weeks) -> None:
    """From an unhappy ask to its answer, to the next words of its asker, to a better end."""
    answer = _ask.answer(period.view.question("detractor_recovery"))
    row = _ask.whole(answer.question)
    asks = row["negative"]
    counts = [row[column] for column in UNHAPPY]
    steps = [Step(name, *pair) for name, *pair in zip(UNHAPPY.values(), counts, [None, *counts], strict=False)]
    title = (
        f"{_words.part(row['share'], asks, 'unhappy ask')} ended better" if asks else "No unhappy asks in these weeks"
    )
    note = f"Ended better: {_words.interval(row['low'], row['high'], asks, 'unhappy ask')}. {_words.SOUNDS}"
    _show.chart(answer, _figures.Steps(() if row["share"] is None else tuple(steps)), title, note)


def praise(period: Weeks) -> None:
    """The share of praise that the team thanks."""
    if not _show.of_team(period, "praise_thanked"):
        return
    only = _ask.whole(period.view.question("praise_thanked"))["reacted_only"]
    note = f"{_words.whole(only)} more had a reaction and no words. {_words.SOUNDS}"
    found = "were thanked by the team within three days"
    _show.share(period, "praise_thanked", found, "praise", "praising message", note)


def substance(period: Weeks) -> None:
    """The share of the team's replies that say something."""
    if not _show.of_team(period, "staff_presence"):
        return
    answer = _ask.answer(period.view.question("staff_presence"))
    row = _ask.whole(answer.question)
    turns = round((row["people"] or 0) * (row["replies"] or 0))
    title = "No replies by the team in these weeks, or none that can be told"
    if turns:
        title = f"{_words.part(row['substantive_share'], turns, 'reply', 'replies')} by the team say something"
    people, days = _words.count(row["people"], "person", "people"), _words.count(row["days"], "day")
    note = f"{_words.whole(turns)} replies by {people} on {days}. The rest only thank, or repeat what was said before."
    shape = _figures.Line("substantive_share", "staff turns", "share", week=period.newest, noun="turn")
    _show.chart(answer, shape, title, note)


CHARTS = {
    "Conversation": conversation,
    "Substance": substance,
    "Who talks with whom": web,
    "By name": by_name,
    "There and back": two_way,
    "Pairs": pairs,
    "Unhappy asks": unhappy,
    "Praise": praise,
}


_show.page(words, CHARTS, "what the team says and answers is unknown", ("Conversation", "Substance", "Praise"))
