"""Who is still waiting? The most urgent first, with what they said, what is marked of it, and where to answer them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from textwrap import wrap
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import streamlit as st

from data.handover import HandoverError, hand_over
from data.marks import MarksError, Target
from metrics.metric import Answer
from pages import _ask, _filters, _marks, _show, _words
from pages._ask import Row, kept
from pages._filters import View
from pages._marks import HANDING, Done, Key, Standing, key_of
from pages._reader import WHO
from pages._safe import gist, label, line, narrow, plain, web_link

LISTED = 200
"""So many asks are listed: whoever has more waiting starts at the top anyway."""
TOLD = 30
"""So many of a conversation's last messages are shown."""
FITS, LONG, WINDOW = 1, 260, 300
"""So many messages, and letters of them, fit beside the list; more scroll in a window so high, above the marks."""
COPIED = 360
"""So high is the text that is handed over; what is longer scrolls."""
SAID = 4
"""So much of what somebody said before is shown."""
UNDOABLE = 10
"""So many of the last marks, of everybody, can be taken back in one place."""
NOBODY = "Nobody said yet who is marking: take an ask under Everyone's with M, and this shows what is yours."
ALL, NOBODYS, MINE, SNOOZED = "Everyone's", "Nobody's", "Mine", "Snoozed"
LIST, OPEN, DRAWN, OWN = "asks", "the ask that is open", "the asks as they were drawn", "it moved by our own hand"
REFUSED = "why it was not handed over"
ROW, LINES, FIRST = 84, 4, 86
"""A row has room for so many lines, and they for at most so many letters of what was said."""
NAME, PLACE, THREAD = 36, 40, 66
"""Letters that are told at most of a name, of a channel with its platform, and of the thread."""
URGENCY = 56
OF_WORDS, OF_NAME, OF_PLACE = 21, 13, 17
"""Letters that fit a line of the column of words, of the column of names, and of the column of places."""
WIDTHS = {"Waiting": 66, "They said": 157, "Who": 102, "Marked": 82, "Where": 132, "Why": 78}
"""Of the columns: all of them fit beside a conversation on a screen of 1280, and a phone shows who said what."""
ORDER = (
    "Of asks past their target, with the same reasons, those of about three days stand first: an answer can still "
    "reach them. Older ones slip back, by half every four weeks, so that they do not bury what can be saved today."
)
ASKS_NOTHING = ("opens a thread", "help channel", "newcomer")
"""Reasons that lie in where or by whom something was said, not in the words."""
KEYS = {
    "A, N, S": "Answered elsewhere, No reply needed, Snooze: the ask leaves the list, and the next one opens.",
    "M": "Mine: the ask stays in the list under your name, and the next one opens too, so that you can go through all "
    "of them first. Yours wait under *Mine*. On an ask of yours it is *Let go*, and that one stays open.",
    "U": "Takes your last mark back, says which, and opens that ask again.",
    "J, K": "The next ask, the previous one. In the list the arrows do the same.",
    "Ticked": "Where asks are ticked, a mark goes to all of those.",
}
WEIGHTS = {
    "past_target": "waiting for longer than the target",
    "newcomer": "somebody's first post",
    "unhappy": "unhappy, by the scorer",
    "question": "a question, or a mention of staff or the brand",
    "let_down": "nobody answered what they asked before",
    "age": "waiting for three days; less before, and half as much every four weeks after",
}


@dataclass(frozen=True)
class Board:
    """The asks to show, the most urgent first, how many there are in all, and who is waiting altogether."""

    rows: pl.DataFrame
    cells: pl.DataFrame
    found: int
    now: Row
    answer: Answer


def page() -> None:
    """Draw the list on the left and the opened conversation on the right."""
    view = _filters.period()
    name = _marks.meet()
    try:
        stands = _marks.standing()
    except MarksError as error:
        st.warning("What people marked cannot be read, so the list stands as the data tells it.")
        st.text(plain(str(error)))
        stands = _marks.NOTHING
    drawn = _ask.pulse()
    head = st.container(gap="xxsmall")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        whose = _filters.choice("Whose asks", [ALL, NOBODYS, MINE, SNOOZED], "whose")
        _everybodys()
        _keys()
        _marks.marking()
    with _show.contained("Who is waiting"):
        board = _board(view, whose, name, drawn, int(time.time() // 60))
        with head:
            _head(view, board, stands, drawn)
        if board.rows.is_empty():
            _keep_it()
            _last_done()
            is_nobody = whose == MINE and not st.session_state.get(WHO)
            st.caption(NOBODY if is_nobody else _none(whose))
        else:
            _draw(board, stands)


def _draw(board: Board, stands: Standing) -> None:
    chosen, ticked = _chosen(board)
    left, right = st.columns([2, 1], gap="medium")
    with left, _show.contained("The list of asks"), st.container(key="waiting"):
        _list(board)
    with right, _show.contained("The conversation"):
        _last_done()
        _opened(board.rows.row(chosen, named=True), [board.rows.row(each, named=True) for each in ticked], stands)
    with _show.contained("What the list is made of"):
        _below(board)


@kept(64, is_worded=True)
def _board(view: View, whose: str, who: str | None, drawn: object, minute: int) -> Board:  # noqa: ARG001 - of the key
    """The list as the marks leave it. Where there are none, the first rows are all that is asked for."""
    try:
        stands = _marks.standing()
    except MarksError:
        stands = _marks.NOTHING
    (now,) = _ask.rows(view.question("waiting_now"))
    if stands.states.is_empty() and not stands.reopened:
        answer = _ask.answer(view.question("unanswered", limit=LISTED))
        rows = answer.rows if whose in (ALL, NOBODYS) else answer.rows.clear()
        return Board(rows, _cells(rows), now["asks"] if len(rows) else 0, now, answer)
    answer = _ask.answer(view.question("unanswered"))
    told = _marks.over(answer.rows, stands, view)
    if len(told) != now["asks"]:
        now = now | _waiting(told)
    rows = told.filter(_belongs(whose, who))
    return Board(rows.head(LISTED), _cells(rows.head(LISTED)), len(rows), now, answer)


def _belongs(whose: str, who: str | None) -> pl.Expr:
    is_snoozed = (pl.col("value") == "snoozed").fill_null(value=False)
    taken = (pl.col("value") == "mine").fill_null(value=False)
    return {
        ALL: ~is_snoozed,
        NOBODYS: ~is_snoozed & ~taken & pl.col("handed").is_null(),
        MINE: taken & (pl.col("by") == (who or "")),
        SNOOZED: is_snoozed,
    }[whose]


def _waiting(told: pl.DataFrame) -> Row:
    """What `waiting_now` will say once the numbers know of the last marks."""
    return {
        "asks": len(told),
        "people": told["person"].n_unique(),
        "past_target": int(told["is_past_target"].sum()),
        "hours_longest": told["age_hours"].max(),
    }


# Above the list ---------------------------------------------------------------------------------


def _head(view: View, board: Board, stands: Standing, drawn: object) -> None:
    """Who waits, until when ages count, and what the numbers know of the marks."""
    st.subheader(_count(board.now, view))
    st.caption(_until(view))
    _marks.watch(_marks.follow(stands), drawn)


def _until(view: View) -> str:
    """Up to when ages count: nobody knows what came after a source's data end."""
    last = _words.moment(view.as_of, _ask.state().settings.zone)
    if view.covers(_ask.read("places"))["as_of"].n_unique() > 1:
        return f"Ages count up to where the data of each source ends, {last} at the latest."
    return f"Ages count up to {last}, where the data ends."


def _count(now: Row, view: View) -> str:
    """How many people wait, how long the longest has, and how many waits are past their target."""
    if not now["of_asks"]:
        return "No ask was found here, so nobody is waiting."
    if not now["asks"]:
        return f"Everyone has been answered. {_last(view)}".strip()
    waiting = f"{_words.count(now['people'], 'person is', 'people are')} waiting"
    longest = f"the longest for {_words.age(now['hours_longest'])}"
    late = f" {_words.count(now['past_target'], 'ask is', 'asks are')} past the target." if now["past_target"] else ""
    return f"{waiting}; {longest}.{late}"


def _last(view: View) -> str:
    """When the last ask was answered, and by whom: in the data, or by a mark since."""
    told = _ask.read("last_answer", platforms=view.platforms, sources=view.sources, channels=view.channels).to_dicts()
    found = [(row["at"], row["by"], view.as_of) for row in told]
    answered = [row for row in _lately() if row["value"] == "answered"]
    found += [(row["at"], row["by"], _marks.now()) for row in answered[:1]]
    if not found:
        return ""
    at, by, until = max(found)
    ago = _words.age(max(0.0, (until - at).total_seconds() / 3600))
    return f"Last ask answered {ago} ago by {label(by or 'somebody')}."


def _none(whose: str) -> str:
    return {
        ALL: "A longer period or more places may show others.",
        NOBODYS: "Everything here has somebody who sees to it.",
        MINE: "Nothing is yours here. M takes an ask; it stays in the list, under your name.",
        SNOOZED: "Nothing is snoozed here.",
    }[whose]


def _last_done() -> None:
    """What was marked last in this session, and the way back."""
    _marks.last_done(_take_back)


def _everybodys() -> None:
    """What anybody marked last, each with the way back."""
    lately = st.popover("Marked lately", type="tertiary", key="lately", on_change="rerun")
    if lately.open:
        with lately:
            rows = _lately()
            _marks.told(rows, _take_back, "lately", _about(rows))
            if not rows:
                st.caption("Nothing is marked yet.")


def _keys() -> None:
    """What each key does, and where it leads."""
    with st.popover("Keys", type="tertiary"):
        for keys, words in KEYS.items():
            st.markdown(f"**{keys}** · {words}")


def _about(rows: list[Row]) -> dict[Key, str]:
    """Who asked what was marked, and where."""
    asked = _ask.read("asked", messages=tuple(row["native_id"] for row in rows))
    return {key_of(row): f"{row['name'] or 'Somebody'} in {row['channel']}" for row in asked.iter_rows(named=True)}


def _take_back(done: Done) -> None:
    """Take it back, and open the ask that returns."""
    st.session_state[OWN] = True
    _marks.take_back(done)
    if done.first:
        st.session_state[OPEN] = done.first
        st.session_state[LIST] = _selection()


def _lately() -> list[Row]:
    try:
        found: list[Row] = _ask.marks().lately(_marks.ABOUT_ASKS, UNDOABLE).to_pylist()
    except MarksError:
        return []
    return found


# The list ---------------------------------------------------------------------------------------


def _chosen(board: Board) -> tuple[int, list[int]]:
    """The row that is open and those that are ticked: the asks that the reader saw there, wherever they stand now."""
    keys = [key_of(row) for row in board.rows.select("platform", "source", "message").iter_rows(named=True)]
    place = {key: index for index, key in enumerate(keys)}
    seen: list[Key] = st.session_state.get(DRAWN, keys)
    now = st.session_state.get(LIST, {}).get("selection", {})
    rows, cells = now.get("rows") or [], now.get("cells") or []
    opened = seen[cells[0][0]] if cells and cells[0][0] < len(seen) else st.session_state.get(OPEN, keys[0])
    ticked = [place[seen[each]] for each in rows if each < len(seen) and seen[each] in place]
    if opened not in place:
        _tell_gone(opened)
        opened = keys[min(seen.index(opened) if opened in seen else 0, len(keys) - 1)]
    st.session_state[OPEN], st.session_state[DRAWN] = opened, keys
    if st.session_state.get(HANDING, opened) != opened:
        _keep_it()
    st.session_state.pop(OWN, None)
    if [cell[0] for cell in cells] != [place[opened]] or sorted(rows) != sorted(ticked):
        st.session_state[LIST] = _selection(place[opened], ticked)
    return place[opened], ticked


def _selection(opened: int | None = None, ticked: Sequence[int] = ()) -> dict[str, Any]:
    cells = [] if opened is None else [(opened, "They said")]
    return {"selection": {"rows": list(ticked), "columns": [], "cells": cells}}


def _tell_gone(key: Key) -> None:
    """Whoever had it open is told that somebody else marked it meanwhile."""
    if st.session_state.get(OWN):
        return
    rows = [row for row in _lately() if (row["platform"], row["source"], row["native_id"]) == key]
    if rows and rows[0]["by"] != st.session_state.get(WHO):
        st.toast(f"The ask you had open: {_marks.state(rows[0])}.")


def _list(board: Board) -> None:
    _show.table(
        board.cells,
        "Asks without an answer, the most urgent first",
        height=560,
        row_height=ROW,
        key=LIST,
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        column_config={
            "Urgency": st.column_config.ProgressColumn(
                min_value=0,
                max_value=1,
                format=" ",
                width=URGENCY,
                help="Of what it is made: open an ask, or see below.",
            ),
            **{name: st.column_config.TextColumn(width=width) for name, width in WIDTHS.items()},
        },
    )


def _below(board: Board) -> None:
    """How many more there are, the doors, and what makes an ask urgent."""
    if board.found > LISTED:
        st.caption(f"The {LISTED} most urgent of {board.found:,}. The download has them all.")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _show.doors(board.answer)
        with st.popover("What makes it urgent", type="tertiary"):
            _weights()


def _weights() -> None:
    """The weights as the settings have them, as shares of the whole."""
    weights = {name: getattr(_ask.state().settings.priority, name) for name in WEIGHTS}
    for name, words in WEIGHTS.items():
        st.markdown(f"**{_words.percent(weights[name] / sum(weights.values()))}** {words}")
    st.caption(ORDER)
    st.caption("Set under `[priority]` in `hearth.toml`.")


def _cells(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame([_entry(row) for row in rows.iter_rows(named=True)])


def _entry(row: Row) -> Row:
    """One ask as a line of the list."""
    open_hours = row["business_age_hours"]
    return {
        "Waiting": _words.age(row["age_hours"]) + ("" if open_hours is None else f", {_open(open_hours)} open"),
        "They said": _words_of(row),
        "Who": " · ".join(filter(None, (narrow(row["name"], OF_NAME, NAME) or "Somebody", _visits(row)))),
        "Marked": _marks_of(row),
        "Where": _where(row),
        "Why": _why(row),
        "Urgency": row["priority"],
    }


def _words_of(row: Row) -> str:
    """What they said, as much of it as a row has room for."""
    said = gist(row["text"], FIRST) or gist(row["title"], FIRST)
    return " ".join(wrap(said, OF_WORDS, max_lines=LINES, placeholder="…", break_on_hyphens=False))


def _where(row: Row) -> str:
    """Where it was said: in which thread, if that has a name and the words are not it, and in which channel."""
    place = narrow(f"{line(row['channel_name'], PLACE - 12)} · {_words.platform(row['platform'])}", OF_PLACE, PLACE)
    room = LINES - len(wrap(place, OF_PLACE))
    thread = narrow(gist(row["title"], THREAD), OF_PLACE, THREAD) if room and gist(row["text"]) else ""
    told = wrap(f"{thread} ·", OF_PLACE, max_lines=room, placeholder="… ·") if thread else []
    return " ".join([*told, place])


def _marks_of(row: Row) -> str:
    """What stands about an ask that still waits, in a few words."""
    taken = {"mine": f"{line(row.get('by'), 30)}’s", "snoozed": f"snoozed by {line(row.get('by'), 30)}"}
    told = [taken.get(row.get("value") or "", "")]
    told += ["handed over"] if row.get("handed") else []
    told += ["note"] if row.get("noted") else []
    return ", ".join(filter(None, told))


def _why(row: Row) -> str:
    """Why it needs a reply; that somebody is unhappy, or pleased and asks nothing, where the scorer is sure of it."""
    is_praise = row["sentiment"] == "positive" and row["reason"] in ASKS_NOTHING
    heard = "unhappy" if row["sentiment"] == "negative" else "praise" if is_praise else ""
    return ", ".join(dict.fromkeys(filter(None, (heard, row["reason"]))))


def _visits(row: Row) -> str:
    if row["is_newcomer"]:
        return "newcomer"
    return "" if _is_closed(row["platform"]) else _words.ordinal(row["visits"], "visit")


def _is_closed(platform: str) -> bool:
    """Whether the platform's terms forbid to follow its members over time."""
    return platform in _ask.closed()


# The opened ask ---------------------------------------------------------------------------------


def _opened(ask: Row, ticked: list[Row], stands: Standing) -> None:
    """Who and where, their words before all else, ways to answer, the marks, how urgent it is, and the person."""
    told = " · ".join(filter(None, (f"**{label(ask['name'] or 'Somebody')}**", _visits(ask))))
    st.markdown(f"{told} · in {label(ask['channel_name'])}, {label(ask['source_name'])}")
    said = _ask.read("conversation", source_key=ask["source_key"], conversation=ask["conversation"])
    _conversation(ask, said)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if link := web_link(ask["permalink"]):
            st.link_button(f"Answer on {label(link[1])}", link[0], type="primary")
        _handing_over(ask, said)
    if stands is not _marks.NOTHING:
        _buttons(ticked or [ask])
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _steps(st.session_state[DRAWN].index(key_of(ask)), len(st.session_state[DRAWN]))
        _note(ask)
    st.caption(f"{_wait(ask)} Needs a reply: {label(_why(ask))}.  \nUrgency {ask['priority']:.2f}: {ask['because']}.")
    _standing(ask)
    _person(ask)


def _conversation(ask: Row, said: pl.DataFrame) -> None:
    """What was said: the ask and what followed first, so that whoever opens it reads it; then what stood before."""
    asked_at = said.filter(message=ask["message"])["sent_at"].min()
    is_before = pl.col("sent_at") < pl.lit(asked_at or ask["asked_at"])  # the ask's own clock may have been wrong
    since, before = said.filter(~is_before).head(TOLD), said.filter(is_before)
    shown = before.tail(max(0, TOLD - len(since)))
    is_long = len(since) + len(shown) > FITS or int(said["text"].str.len_chars().sum()) > LONG
    with st.container(height=WINDOW if is_long else "content", border=True, autoscroll=False, key="conversation"):
        _bubbles(since, ask)
        if len(before):
            hidden = f", the last {len(shown)} of {len(before):,}" if len(shown) < len(before) else ""
            st.caption(f"**Before it**{hidden}")
            _bubbles(shown, ask)


def _bubbles(messages: pl.DataFrame, ask: Row) -> None:
    for message in messages.iter_rows(named=True):
        _bubble(message, _role(message, ask), _words.moment(message["sent_at"], _ask.state().settings.zone))


def _role(message: Row, ask: Row) -> str:
    """Who somebody is here; whoever asks as a newcomer is called so wherever they are named."""
    is_new = ask["is_newcomer"] and message["role"] == "member" and message["member"] == ask["member"]
    return "newcomer" if is_new else str(message["role"])


def _wait(ask: Row) -> str:
    """How long, by the clock on the wall and in open hours, and of what target."""
    open_hours = ask["business_age_hours"]
    opened = "" if open_hours is None else f", {_open(open_hours)} of it while somebody is there"
    return f"Waiting {_words.age(ask['age_hours'])}{opened}; target {_words.wait(ask['target_hours'])}."


def _open(hours: float) -> str:
    """Open hours stay hours: of what would a day be made?"""
    return _words.wait(hours) if hours < 1 else f"{hours:,.0f} h"


def _buttons(meant: list[Row]) -> None:
    """The marks with their keys. Without a name they ask for one first."""
    if len(meant) > 1:
        st.markdown(f"**{len(meant)} asks are ticked:** a mark goes to all of them.")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        _button("Answered elsewhere", "A", meant, "answered")
        _button("No reply needed", "N", meant, "no_reply")
        if all(_is_own(each) for each in meant):
            done = Done(f"{_marks.called(meant)}: taken.", tuple(each["number"] for each in meant))
            st.button(
                "Let go", key=f"let go {done.numbers}", on_click=_take_back, args=(done,), shortcut=_marks.key("M")
            )
        else:
            _button("Mine", "M", meant, "mine")
        terms = _terms(_marks.now().astimezone(_ask.state().settings.zone))
        term = st.selectbox("Snooze", list(terms), 1, key="snooze", label_visibility="collapsed", width=182)
        _button("Snooze", "S", meant, "snoozed", terms[term])


def _steps(place: int, of: int) -> None:
    """The way to the ask before and the one after."""
    for words, key, to in (("Next", "J", place + 1), ("Previous", "K", place - 1)):
        name, is_none = f"{words} {place}", not 0 <= to < of
        st.button(
            words, key=name, on_click=_go, args=(to,), shortcut=_marks.key(key), type="tertiary", disabled=is_none
        )


def _button(words: str, key: str, meant: list[Row], value: str, until: datetime | None = None) -> None:
    """One mark. A press that comes late speaks of the asks it was meant for."""
    name = f"{value} {'; '.join('/'.join(key_of(ask)) for ask in meant)}"
    told = f"**{words}** is kept as soon as you have given a name: every mark says who made it."
    pressed = (told, partial(_mark, value, meant, until))
    st.button(words, key=name, on_click=_marks.named, args=pressed, shortcut=_marks.key(key))


def _mark(value: str, meant: list[Row], until: datetime | None) -> None:
    if _marks.mark("ask", value, meant, until=until):
        st.session_state[OWN] = True
        st.session_state[LIST] = _selection(_after(meant))  # what was ticked is done


def _after(meant: list[Row]) -> int:
    """The place of the ask that opens after a mark: the next one without it, wherever the marked ones stand then."""
    drawn, marked = st.session_state[DRAWN], {key_of(ask) for ask in meant}
    opened: int = drawn.index(st.session_state[OPEN])
    return next((place for place in range(opened, len(drawn)) if drawn[place] not in marked), opened)


def _go(place: int) -> None:
    st.session_state[OPEN] = st.session_state[DRAWN][place]
    st.session_state[LIST] = _selection(place, st.session_state.get(LIST, {}).get("selection", {}).get("rows") or [])


def _is_own(ask: Row) -> bool:
    return (ask.get("value"), ask.get("by")) == ("mine", st.session_state.get(WHO))


def _terms(now: datetime) -> dict[str, datetime]:
    """How long an ask may be snoozed, and until when that is."""
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    monday = morning + timedelta(days=7 - now.weekday())
    return {
        "for 3 hours": now + timedelta(hours=3),
        "until tomorrow, 09:00": morning + timedelta(days=1),
        "until Monday, 09:00": monday,
        "for a week": now + timedelta(days=7),
    }


def _bubble(message: Row, role: str, sent: str) -> None:
    """One message: who, in which role, when, and the very words."""
    author = message["author"] or "Somebody"
    marks = [label(author), role, sent]
    marks += ["edited"] if message["edited_at"] else []
    marks += ["the ask"] if message["is_ask"] else []
    with st.chat_message(plain(author)[:1]):
        st.caption(" · ".join(marks))
        if message["title"]:
            st.markdown(f"**{label(gist(message['title']))}**")
        if message["is_deleted"]:
            st.caption("This message was deleted.")
        elif message["text"]:
            st.text(plain(message["text"]))


def _standing(ask: Row) -> None:
    """What was decided about it and stands, with who and when."""
    if ask.get("value") is None and not ask.get("noted") and not ask.get("handed"):
        return
    rows = _ask.marks().history("ask", Target(*key_of(ask)), "note", "handover").to_pylist()
    gone = {row["undoes"] for row in rows}
    st.markdown("**Marked**")
    names = {key_of(ask): ask["name"] or "Somebody"}
    left = [row for row in rows if row["value"] and row["id"] not in gone]
    _marks.told(left, _take_back, "open", names, is_plain=True)


def _note(ask: Row) -> None:
    """Words for the others who answer."""
    window = st.popover("Note", type="tertiary", key="note", on_change="rerun")
    if window.open:
        with window, st.form(f"note {key_of(ask)}", border=False, clear_on_submit=True):
            words = st.text_area("What the others should know", max_chars=2000)
            if st.form_submit_button("Keep it") and words.strip():
                keep = partial(_marks.mark, "note", "note", [ask], note=words.strip())
                _marks.named("The note is kept as soon as you have given a name.", keep)
                st.rerun()


# The person -------------------------------------------------------------------------------------


def _person(ask: Row) -> None:
    """Who they are to us: visits, what they asked before and whether anybody answered, their last words."""
    if _is_closed(ask["platform"]):
        name = label(_words.platform(ask["platform"]))
        st.caption(
            f"What they said before is not shown: {name}’s terms forbid to follow single members over time; "
            "`no_profiles` under `[privacy]` in `hearth.toml` decides."
        )
        return
    before = ask["asked_at"].isoformat()
    rows = _ask.read("history", person=ask["person"], before=before, unfollowed=_ask.closed(), limit=SAID).to_dicts()
    if not rows:
        st.caption("Nothing is known of them from before.")
        return
    known, zone = rows[0], _ask.state().settings.zone
    st.markdown("**Before this**")
    st.caption(
        f"Here since {_words.day(known['first_at'].astimezone(zone))}, on {_words.count(known['days'], 'day')} before. "
        f"{_asked_before(known)}"
    )
    for row in rows:
        st.caption(f"{_words.moment(row['sent_at'], zone)} · {label(row['channel_name'])}{_fate(row)}")
        st.text(gist(row["text"], 160) or line(row["title"], 160) or _show.UNKEPT)


def _asked_before(known: Row) -> str:
    if not known["asks"]:
        return "They asked nothing before."
    return f"Of {_words.count(known['asks'], 'ask')} before, {known['answered']} answered."


def _fate(row: Row) -> str:
    """What became of an ask."""
    if not row["is_ask"]:
        return ""
    if row["reply_at"] is None:
        return " · asked, answered elsewhere" if row["is_settled"] else " · asked, not answered"
    return f" · asked, answered after {_words.wait((row['reply_at'] - row['sent_at']).total_seconds() / 3600)}"


# Handing over -----------------------------------------------------------------------------------


def _handing_over(ask: Row, said: pl.DataFrame) -> None:
    """The way to a help desk, and the ask as text to copy: a window of its own, which says where it goes."""
    desk = _desk()
    about = f"Sends it to {label(desk)}, once you say so there; or copy it." if desk else "Gives it as text to copy."
    hand = partial(st.session_state.update, {HANDING: key_of(ask)})
    st.button("Hand over", type="tertiary", on_click=hand, help=about)
    if st.session_state.get(HANDING) == key_of(ask) and _marks.WAITS not in st.session_state:
        _hand_over(ask, said)


def _desk() -> str | None:
    """The host of the help desk, if one is set."""
    url = _ask.state().settings.handover.url
    return urlsplit(url).hostname if url else None


def _keep_it() -> None:
    st.session_state.pop(HANDING, None)


@st.dialog("Hand over", width="medium", on_dismiss=_keep_it)
def _hand_over(ask: Row, said: pl.DataFrame) -> None:
    """Where it goes is said before anything does; then its very words, to read and to copy."""
    url, desk = _ask.state().settings.handover.url, _desk()
    if url and desk:
        _send(url, desk, ask, said)
        st.markdown("**Or copy it as text**")
    else:
        st.markdown("**Copy it as text**  \nIt goes nowhere by itself: paste it where it belongs.")
    st.code(_as_text(ask, said), language=None, height=COPIED, wrap_lines=True)
    if not desk:
        st.caption("To send it to a help desk from here, set `url` under `[handover]` in `hearth.toml`.")


def _send(url: str, desk: str, ask: Row, said: pl.DataFrame) -> None:
    """Where it goes and what goes there, then the button; a private conversation goes only if somebody says so."""
    messages = _words.count(min(len(said), TOLD), "message")
    st.markdown(
        f"**Send it to {label(desk)}**  \nThe help desk under `[handover]` in `hearth.toml` gets this ask, who asked, "
        f"{messages} of the conversation, the link, and your name."
    )
    may = not ask["is_private"] or st.checkbox("It was said in a private place, and may leave it")
    if trouble := st.session_state.pop(REFUSED, None):
        st.error("It was not handed over.")
        st.text(plain(trouble))
    if st.button(f"Send it{' again' if ask.get('handed') else ''}", type="primary", disabled=not may):
        told = f"It is sent to {label(desk)} as soon as you have given a name."
        _marks.named(told, partial(_send_off, url, ask, said, may))
        st.rerun()


def _send_off(url: str, ask: Row, said: pl.DataFrame, may: bool) -> None:
    """Send it, keep that it was sent, and close the window; where it was refused, say why."""
    try:
        host = hand_over(url, _body(ask, said), although_private=may)
    except HandoverError as error:
        st.session_state[REFUSED] = str(error)
        return
    _marks.mark("handover", "sent", [ask], note=f"to {host}")
    _keep_it()


def _body(ask: Row, said: pl.DataFrame) -> dict[str, Any]:
    """What a help desk is told: the ask, who hands it over, and the conversation so far."""
    told = ("platform", "source", "message", "permalink", "asked_at", "age_hours", "business_age_hours", "target_hours",
            "is_past_target", "reason", "sentiment", "priority", "is_private")  # fmt: skip
    named = {"person": ask["name"], "source_name": ask["source_name"], "channel": ask["channel_name"]}
    messages = said.tail(TOLD).drop("is_ask", "member").to_dicts()
    return {
        "id": ":".join(key_of(ask)),
        **{name: ask[name] for name in told},
        **{name: plain(text) for name, text in named.items()},
        "handed_over_by": st.session_state[WHO],
        "handed_over_at": _marks.now(),
        "text": _as_text(ask, said),
        "conversation": [_kept(each) | {"is_the_ask": each["message"] == ask["message"]} for each in messages],
    }


def _kept(message: Row) -> Row:
    return {name: plain(value) if isinstance(value, str) else value for name, value in message.items()}


def _as_text(ask: Row, said: pl.DataFrame) -> str:
    """Who asked, where, how long ago, the way there, and the conversation: in plain words."""
    zone = _ask.state().settings.zone
    where = f"{line(ask['channel_name'])}, {line(ask['source_name'])} ({_words.platform(ask['platform'])})"
    link = web_link(ask["permalink"])
    told = [
        f"{line(ask['name']) or 'Somebody'} asked in {where}, {_words.moment(ask['asked_at'], zone)}",
        *(["This was said in a private place."] if ask["is_private"] else []),
        f"{_wait(ask)} Needs a reply: {_why(ask)}.",
        *([link[0]] if link else []),
    ]
    for row in said.tail(TOLD).iter_rows(named=True):
        words = "This message was deleted." if row["is_deleted"] else plain(row["text"])
        title = [line(row["title"])] if row["title"] else []
        sent = _words.moment(row["sent_at"], zone)
        told += ["", f"{sent} · {line(row['author']) or 'Somebody'} ({_role(row, ask)})", *title, words]
    return "\n".join(told)


page()
