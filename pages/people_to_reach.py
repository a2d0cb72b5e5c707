"""Whom should we talk to today? Five short lists of people, with what they said and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import streamlit as st

from metrics.metric import Answer
from pages import _ask, _filters, _marks, _reader, _show, _words
from pages._ask import Row
from pages._filters import View
from pages._safe import label

LISTED = 10
"""So many people a list, and so many more at a click: all at once would be a report, not a day's work."""
MOST = 1000
"""So many of a list are looked through for those who had a word of ours, or shown at the very most."""
SHOWN = "how many people are shown of each list"
UNHAPPY_DAYS = timedelta(days=28)


Found = tuple[list[Row], int, Answer | None]
"""The first people of a list, how many there are in all, and the metric's answer where one made it."""


@dataclass(frozen=True)
class People:
    """The first of a list, how many there are in all, whom somebody reached, and the metric's answer if one made it."""

    first: list[Row]
    total: int
    done: tuple[Row, ...] = ()
    answer: Answer | None = None


@dataclass(frozen=True)
class List:
    """What a list is called by how many it has, who is on it, why each is, and how they are found."""

    one: str
    more: str
    none: str
    find: Callable[[View, int], Found]
    why: Callable[[Row], str]
    found: str


def page() -> None:
    """Draw whom to talk to today, then who has fallen silent."""
    view = _filters.places()
    name = _reader.who()
    _marks.last_done(_marks.take_back)
    with _show.contained("Whom to talk to today"):
        st.subheader(_sentence(TODAY, view) or "Nobody is waiting for a word from us.")
        until = _words.moment(view.as_of, _ask.state().settings.zone)
        st.caption(f"Days count back from {until}, where the data ends. Somebody can be on two lists.")
        _who_marks(name)
    _draw(TODAY, view)
    followed = _filters.followed(view)
    with _show.contained("Who has fallen silent"):
        if followed is None:
            st.subheader("Who has fallen silent is not told here.")
        else:
            st.subheader(_sentence(SILENT, followed) or "Nobody whom we know has fallen silent.")
        if closed := _filters.closed(view):
            st.caption(_show.left_out(closed))
    if followed is not None:
        _draw(SILENT, followed)


def _who_marks(name: str | None) -> None:
    """Who marks whom as reached; or the question, which nobody has to answer who only looks."""
    if not name:
        with st.popover("Mark people as reached", type="tertiary"):
            _reader.introduce("Who is marking?", "a mark says who made it")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Marking as **{label(name)}**", width="content")
        st.button("Somebody else?", on_click=_reader.leave, type="tertiary")


def _sentence(lists: dict[str, List], view: View) -> str:
    """How many there are on each list; nothing where all are empty."""
    counts = [(each, _people(title, each, view).total) for title, each in lists.items()]
    told = ", ".join(_title(each, total) for each, total in counts if total)
    return told and f"{told}."


def _title(each: List, total: int) -> str:
    return _words.count(total, each.one, each.more) if total else each.none


def _people(title: str, each: List, view: View) -> People:
    """Who is on a list and had no word of ours yet. Where nobody is marked the first are all that is asked for."""
    reached, shown = _marks.reached(), _shown(title)
    found, total, answer = each.find(view, MOST if reached or shown > LISTED else LISTED)
    done = [row for row in found if _marks.key_of(row) in reached]
    left = [row for row in found if _marks.key_of(row) not in reached]
    return People(left[:shown], total - len(done), tuple(done), answer)


def _shown(title: str) -> int:
    found: int = st.session_state.get(SHOWN, {}).get(title, LISTED)
    return found


def _more(title: str) -> None:
    st.session_state[SHOWN] = {**st.session_state.get(SHOWN, {}), title: _shown(title) + LISTED}


def _draw(lists: dict[str, List], view: View) -> None:
    """The lists side by side, each in its card: whom, why, where, and what they said."""
    with st.grid(len(lists), min_column_width=320):
        for title, each in lists.items():
            with _show.contained(title), st.container(border=True):
                people = _people(title, each, view)
                st.markdown(f"**{_title(each, people.total)}**")
                st.caption(each.found)
                for row in people.first:
                    _show.said(row, each.why(row), view.as_of, partial(_done, title, row))
                _below(title, people)


def _done(title: str, row: Row) -> None:
    """The button that says somebody had a word of ours."""
    if row["message"] and st.session_state.get(_reader.WHO):
        name = f"{title} {'/'.join(_marks.key_of(row))}"
        st.button("Done", key=name, on_click=_marks.reach, args=(row,), type="tertiary", icon=":material/check:")


def _below(title: str, people: People) -> None:
    """The way to the rest of a list, and to those who had a word of ours."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if (rest := people.total - len(people.first)) > 0:
            st.caption(f"{len(people.first):,} of {_words.whole(people.total)}", width="content")
        if rest > 0 and len(people.first) < MOST:
            st.button(f"Show {min(rest, LISTED)} more", key=f"more {title}", on_click=_more, args=(title,))
        if people.done:
            named = {_marks.key_of(row): row["name"] or "Somebody" for row in people.done}
            with st.popover(f"{len(people.done):,} done", type="tertiary"):
                _marks.told([_marks.reached()[key] for key in named], _marks.take_back, named)
                st.caption("Whoever says something new is on the list again.")
        if people.answer is not None:
            _show.doors(people.answer)


# Who ---------------------------------------------------------------------------------------------


def _of_kind(kind: str) -> Callable[[View, int], Found]:
    """The people of one kind, as the store's table tells them."""

    def find(view: View, limit: int) -> Found:
        rows = _ask.read("to_reach", **view.places, inferred=view.inferred, limit=limit).to_dicts()
        mine = [row for row in rows if row["kind"] == kind]
        return mine, mine[0]["in_all"] if mine else 0, None

    return find


def _unhappy(view: View, limit: int) -> Found:
    """The unhappy among the asks without a reply."""
    lately = replace(view, since=(view.as_of - UNHAPPY_DAYS).date())
    rows = [row for row in _ask.rows(lately.question("unanswered")) if row["sentiment"] == "negative"]
    return [row | {"said_at": row["asked_at"]} for row in rows[:limit]], len(rows), None


def _drifting(view: View, limit: int) -> Found:
    """Regulars who fell silent."""
    answer = _ask.answer(view.question("drifting"))
    first = [row | {"said_at": row["last_at"], "title": None} for row in answer.rows.head(limit).to_dicts()]
    return first, len(answer.rows), answer


# Why ---------------------------------------------------------------------------------------------


def _why_praise(row: Row) -> str:
    return "praise, so far with a reaction only" if row["is_reacted"] else "praise"


def _why_unhappy(row: Row) -> str:
    late = ", past the target" if row["is_past_target"] else ""
    reason = "" if row["reason"] == "unhappy" else f", {row['reason']}"
    return f"unhappy{reason}{late}"


def _why_drifting(row: Row) -> str:
    usual = _words.count(max(1, round(row["usual_gap"])), "day is", "days are")
    silent = f"silent for {_words.count(row['silent_days'], 'day')}, where {usual} usual"
    return f"{silent}; their last ask had no reply" if row["is_last_ask_unanswered"] else silent


TODAY = {
    "Newcomers to greet": List(
        "newcomer to greet",
        "newcomers to greet",
        "No newcomer to greet",
        _of_kind("newcomer"),
        lambda _: "first post",
        "First posts of the last 14 days that nobody has replied to, where the data starts 60 days before them.",
    ),
    "Unhappy people": List(
        "unhappy ask to answer",
        "unhappy asks to answer",
        "No unhappy ask to answer",
        _unhappy,
        _why_unhappy,
        "Asks of the last 28 days without a reply that the scorer hears as unhappy, the most urgent first.",
    ),
    "Praise to thank": List(
        "person to thank",
        "people to thank",
        "Nobody to thank",
        _of_kind("praise"),
        _why_praise,
        "What the scorer hears as praise, of the last 14 days, and no staff spoke there since.",
    ),
}
SILENT = {
    "Regulars drifting away": List(
        "regular drifting away",
        "regulars drifting away",
        "No regular is drifting away",
        _drifting,
        _why_drifting,
        "Silent for 14 days and for 3 times their usual gap, the most active first.",
    ),
    "Lost after an unanswered ask": List(
        "person lost after an unanswered ask",
        "people lost after an unanswered ask",
        "Nobody was lost after an unanswered ask",
        _of_kind("lost"),
        lambda _: "asked, and has been silent since",
        "Silent for 28 to 90 days, and their last ask has no reply. Whether they left for that, nobody knows.",
    ),
}


page()
