"""Whom should we talk to today? Five short lists of people, with what they said and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

import streamlit as st

from metrics.metric import Answer
from pages import _ask, _filters, _marks, _show, _words
from pages._ask import Row
from pages._filters import View
from pages._safe import label

LISTED = 10
"""So many people a list, and so many more at a click: all at once would be a report, not a day's work."""
MOST = 1000
"""So many of a list are looked through for those who had a word of ours, or shown at the very most."""
SHOWN = "how many people are shown of each list"
UNHAPPY_DAYS = timedelta(days=28)
NEWEST = 14
"""So many days the shortest lists look back, as they say."""


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
    """How a list is counted, what it says where it is empty, who is on it, and why each is."""

    one: str
    more: str
    none: str
    find: Callable[[View, int], Found]
    why: Callable[[Row], str]
    found: str
    unknown: Callable[[View], str] = lambda _: ""
    """Why nobody can know who is on it; nothing where it can be known."""


def _silent(view: View) -> str:
    """Which sources end before the days that most lists look at, so that nobody is there from them."""
    last = _filters.last_day(view.as_of)
    ends = _filters.endings(view, last - timedelta(days=NEWEST - 1), label)
    return f"{'; '.join(ends)}: nobody from there is on a list of newer days. " if ends else ""


def page() -> None:
    """Draw whom to talk to today, then who has fallen silent."""
    view = _filters.places()
    _marks.meet()
    with _show.contained("Whom to talk to today"):
        st.subheader(_sentence(TODAY, view, "is waiting for a word from us"))
        until = _words.moment(view.as_of, _ask.state().settings.zone)
        st.caption(f"Days count back from {until}, where the data ends. {_silent(view)}Somebody can be on two lists.")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _marks.marking()
        _marks.last_done(_marks.take_back)
        if not _unheard(view) and not _filters.has_team(view):
            _show.name_the_staff("nobody can tell who was thanked by us already")
    _draw(TODAY, view)
    followed = _filters.followed(view)
    with _show.contained("Who has fallen silent"):
        if followed is None:
            st.subheader("Who has fallen silent is not told here.")
        else:
            st.subheader(_sentence(SILENT, followed, "whom we know has fallen silent"))
        if closed := _filters.closed(view):
            st.caption(_show.left_out(closed))
    if followed is not None:
        _draw(SILENT, followed)


def _sentence(lists: dict[str, List], view: View, none: str) -> str:
    """How many there are on each list, or that there is nobody; and of which lists nobody can know."""
    known = {title: each for title, each in lists.items() if not each.unknown(view)}
    counts = [(each, _people(title, each, view).total) for title, each in known.items()]
    told = ", ".join(_words.count(total, each.one, each.more) for each, total in counts if total)
    hidden = ", ".join(title.lower() for title in lists if title not in known)
    if not hidden:
        return f"{told}." if told else f"Nobody {none}."
    rest = [f"{told}."] if told else [f"Nobody else {none}."] * bool(known)
    return " ".join([*rest, f"Not known: {hidden}."])


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
                st.markdown(f"**{title}**")
                st.caption(each.found)
                if unknown := each.unknown(view):
                    st.markdown(f"Unknown: {unknown}")
                else:
                    _listed(title, each, view)


def _listed(title: str, each: List, view: View) -> None:
    """The people of a list; or that there is nobody."""
    people = _people(title, each, view)
    if not people.first:
        st.markdown(each.none)
    for row in people.first:
        _show.said(row, each.why(row), view.as_of, partial(_done, title, row))
    _below(title, people)


def _done(title: str, row: Row) -> None:
    """The button that says somebody had a word of ours."""
    if row["message"]:
        name = f"{title} {'/'.join(_marks.key_of(row))}"
        told = f"That {label(row['name'] or 'somebody')} was reached is kept as soon as you have given a name."
        pressed = (told, partial(_marks.reach, row))
        st.button("Done", key=name, on_click=_marks.named, args=pressed, type="tertiary", icon=":material/check:")


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
                _marks.told([_marks.reached()[key] for key in named], _marks.take_back, "done", named)
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


# What nobody knows ------------------------------------------------------------------------------


def _reaches(days: int, why: str) -> Callable[[View], str]:
    """Whether the data of the places is long enough to tell: from the first day that a load covers to its end."""

    def unknown(view: View) -> str:
        first = view.covers(_ask.read("coverage"))["day"].min()
        is_long = isinstance(first, date) and view.as_of.date() - first >= timedelta(days=days)
        return "" if is_long else f"{why}, and here there is less."

    return unknown


def _unheard(view: View) -> str:
    """Whether the scorer has heard nothing at all of these places, so that nobody sounds like anything."""
    heard = _ask.answer(view.question("data_trust")).rows["unclassified_share"]
    is_heard = (heard.fill_null(1.0) < 1).any()
    return "" if is_heard else "no message here is classified, so nobody knows who is pleased and who is unhappy."


# Why ---------------------------------------------------------------------------------------------


def _why_new(row: Row) -> str:
    return f"first post, {row['reason']}" if row["reason"] not in (None, "newcomer") else "first post"


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
        "No newcomer of the last 14 days waits for a greeting.",
        _of_kind("newcomer"),
        _why_new,
        "First posts of the last 14 days that nobody has replied to, those that ask something first.",
        _reaches(60, "who is new can be told after 60 days of data"),
    ),
    "Unhappy people": List(
        "unhappy ask to answer",
        "unhappy asks to answer",
        "No unhappy ask of the last 28 days is waiting.",
        _unhappy,
        _why_unhappy,
        "Asks of the last 28 days without a reply that the scorer hears as unhappy, the most urgent first. "
        "Older ones stand under *Unanswered*.",
        _unheard,
    ),
    "Praise to thank": List(
        "person to thank",
        "people to thank",
        "Nobody of the last 14 days is left to thank.",
        _of_kind("praise"),
        _why_praise,
        "What the scorer hears as praise, of the last 14 days, and no staff spoke there since.",
        _unheard,
    ),
}
SILENT = {
    "Regulars drifting away": List(
        "regular drifting away",
        "regulars drifting away",
        "No regular is drifting away.",
        _drifting,
        _why_drifting,
        "Silent for 14 days and for 3 times their usual gap, the most active first.",
        _reaches(28, "who is drifting away can be told after four weeks of data"),
    ),
    "Lost after an unanswered ask": List(
        "person lost after an unanswered ask",
        "people lost after an unanswered ask",
        "Nobody was lost after an unanswered ask.",
        _of_kind("lost"),
        lambda _: "asked, and has been silent since",
        "Silent for 28 to 90 days, and their last ask has no reply. Whether they left for that, nobody knows.",
        _reaches(28, "who left can be told after four weeks of data"),
    ),
}


page()
