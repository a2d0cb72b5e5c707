"""What people mark on the pages: what stands now, who did it, and the numbers that follow a little later.

The journal has the last word. What the newest snapshot does not know of yet is laid over what it says, so that a list
moves with the click; a quiet while after the last mark the numbers are worked out again in the background.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl
import streamlit as st

from data.marks import MarksError, Target
from data.settings import Settings, midnight
from data.store import Busy, Store
from pages import _ask, _words
from pages._ask import Row, kept
from pages._filters import View
from pages._reader import WHO, introduce, leave, who
from pages._safe import label, plain

DONE, BACK, TROUBLE = "what was marked in this session", "what was taken back last", "what could not be kept"
WAITS, HANDING = "what waits until somebody gives a name", "the ask that is being handed over"
SETTLED = ("answered", "no_reply")
"""Marks that end a wait."""
QUIET, LONGEST, LATER = 5.0, 60.0, 20.0
"""Seconds after the last mark until the numbers follow; at most after the first; and when another load is at work."""
LOOKED = 5.0
"""Seconds between two looks whether anybody else has marked something."""
REMEMBERED = 1000
"""So many marked asks are remembered, to come back as soon as a mark is taken back."""
TOLD = 300
"""Characters: two names, two marks, and which of them counts."""
ABOUT_ASKS = ("ask", "note", "handover")
WORDS = {"answered": "answered elsewhere", "no_reply": "no reply needed", "snoozed": "snoozed", "mine": "taken",
         "note": "a note", "sent": "handed over", "done": "reached"}  # fmt: skip
_KEY = ("platform", "source", "message")
_log = logging.getLogger("hearth.pages")

Key = tuple[str, str, str]


def key_of(ask: Row) -> Key:
    """What a mark names an ask by."""
    return ask["platform"], ask["source"], ask["message"]


@dataclass(frozen=True)
class Standing:
    """What stands now about asks: `states` a row an ask, and what of it the numbers know."""

    states: pl.DataFrame  # platform, source, message, number, value, by, at, until; and note and handed, as times
    reopened: frozenset[Key]  # settled as the numbers know it, and not any more
    newer: int  # decisions that the numbers do not know yet
    known: int  # decisions that they know


NOTHING = Standing(pl.DataFrame(), frozenset(), 0, 0)
"""What stands where the journal cannot be read."""


def standing() -> Standing:
    """What stands now. Raises MarksError where the journal cannot be read."""
    return _standing(_ask.marks().stamp, int(time.time() // 60))


@kept(8)
def _standing(stamp: str, minute: int) -> Standing:  # noqa: ARG001 - parts of the key: a snooze ends by itself
    journal = _ask.marks()
    said = {
        kind: pl.DataFrame(journal.current(kind)).rename({"native_id": "message"}) for kind in (*ABOUT_ASKS, "label")
    }
    states = said["ask"].select(*_KEY, "value", "by", "at", "until", pl.col("id").alias("number"))
    for kind, column in (("note", "noted"), ("handover", "handed")):
        words = said[kind].select(*_KEY, pl.col("note").alias(column))
        states = states.join(words, list(_KEY), "full", coalesce=True)
    now = {("ask", *row) for row in said["ask"].filter(pl.col("value").is_in(SETTLED)).select(*_KEY, "value").rows()}
    now |= {("label", *row) for row in said["label"].select(*_KEY, "value").rows()}
    then = set(_ask.read("decided").filter(pl.col("kind") != "person").rows())
    apart = {row[:4] for row in now ^ then}
    settled = {row[1:4] for row in now if row[0] == "ask"}
    reopened = frozenset(row[1:4] for row in then if row[0] == "ask") - settled
    return Standing(states, reopened, len(apart), len(then))


def over(rows: pl.DataFrame, stands: Standing, view: View) -> pl.DataFrame:
    """Asks that wait, with what stands about each; those that a mark has settled are gone, those taken back return."""
    back = [row for key in stands.reopened if (row := _remembered.get((_ask.state().folder, key)))]
    if back:
        fresh = view.covers(pl.DataFrame(back, schema=rows.schema)).join(rows, list(_KEY), "anti")
        zone = _ask.state().settings.zone
        for day, is_in in ((view.since, pl.Expr.ge), (view.until, pl.Expr.lt)):
            fresh = fresh.filter(is_in(pl.col("asked_at"), midnight(day, zone))) if day else fresh
        rows = pl.concat([rows, fresh]).sort(["priority", "asked_at"], descending=[True, False], maintain_order=True)
    told = rows.join(stands.states, list(_KEY), "left", maintain_order="left")
    return told.filter(~pl.col("value").is_in(SETTLED).fill_null(value=False))


# Marking ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """One press of a button: whose was marked how, in words, and the numbers in the journal."""

    words: str
    numbers: tuple[int, ...]
    first: Key | None = None  # the ask that was marked, or the first of them
    beside: str = ""  # what whoever pressed should know of it


@dataclass(frozen=True)
class Waiting:
    """What somebody pressed before giving a name: in words, and as it will be done then."""

    words: str
    work: Callable[[], object] | None = None


def named(words: str, work: Callable[[], object] | None = None) -> None:
    """Do what was pressed; where nobody said yet who is there, ask for the name first."""
    if work and st.session_state.get(WHO):
        work()
    else:
        st.session_state[WAITS] = Waiting(words, work)


def meet() -> str | None:
    """Who is there. Where something was pressed without a name: the question for it; with one, what waited is done."""
    name, waits = who(), st.session_state.get(WAITS)
    if waits is not None and name:
        del st.session_state[WAITS]
        if waits.work:
            waits.work()
    elif waits is not None:
        _ask_name(waits.words)
    return name


def key(letter: str) -> str | None:
    """The key that presses a button: none while a window is open, for what is typed there would press them all."""
    return None if WAITS in st.session_state or HANDING in st.session_state else letter


def marking() -> None:
    """Who is marking, and the way to be somebody else, or to say it."""
    if told := st.session_state.get(WHO):
        st.caption(f"Marking as **{label(told)}**", width="content")
        st.button("Somebody else?", on_click=leave, type="tertiary")
    else:
        st.button("Say who is marking", on_click=named, args=("Every mark says who made it.",), type="tertiary")


def _forget_waiting() -> None:
    st.session_state.pop(WAITS, None)


@st.dialog("Who is marking?", on_dismiss=_forget_waiting)
def _ask_name(words: str) -> None:
    st.markdown(words)
    introduce("Your name", "a mark says who made it")


def mark(kind: str, value: str, asks: Sequence[Row], note: str | None = None, until: datetime | None = None) -> bool:
    """Write the same down about some asks, in the name of who is there; whether it is kept."""
    try:
        stands, name = standing(), st.session_state[WHO]
        asks = [ask for ask in asks if kind != "ask" or not _stands(stands, ask, value, name)]
        if not asks:
            return False  # a key that was pressed twice
        targets = [Target(*key_of(ask)) for ask in asks]
        numbers = _ask.marks().add_all(kind, targets, value, name, note, until)
    except MarksError as error:
        st.session_state[TROUBLE] = str(error)
        return False
    _remember(asks)
    others = _others(stands, asks, name) if kind == "ask" else ""
    _keep(Done(f"{called(asks)}: {WORDS[value]}.", tuple(numbers), key_of(asks[0]), others))
    return True


def _keep(done: Done) -> None:
    st.session_state.pop(BACK, None)
    st.session_state.setdefault(DONE, []).append(done)


def take_back(done: Done) -> None:
    """Undo all that one press marked, and say what that was."""
    try:
        _ask.marks().undo_all(done.numbers, st.session_state[WHO])
    except MarksError as error:
        st.session_state[TROUBLE] = str(error)
        return
    st.session_state[DONE] = [each for each in st.session_state.get(DONE, []) if each.numbers != done.numbers]
    st.session_state[BACK] = done.words


def _stands(stands: Standing, ask: Row, value: str, who: str) -> bool:
    found = stands.states.filter(_is(ask)).select("value", "by").rows()
    return value != "snoozed" and found == [(value, who)]


def _is(ask: Row) -> pl.Expr:
    return pl.all_horizontal(pl.col(name) == ask[name] for name in _KEY)


def called(asks: Sequence[Row]) -> str:
    """Whose some asks are: a name, or how many."""
    return asks[0]["name"] or "Somebody" if len(asks) == 1 else _words.count(len(asks), "ask")


def _others(stands: Standing, asks: Sequence[Row], who: str) -> str:
    """That somebody else had marked one of them since it was drawn: both marks are kept, the last one counts."""
    for ask in asks:
        for row in stands.states.filter(_is(ask)).drop_nulls("number").iter_rows(named=True):
            if row["by"] != who and row["number"] != ask.get("number"):
                return f" {row['by']} had just marked it as {WORDS[row['value']]}: both are kept, yours counts."
    return ""


# Showing ----------------------------------------------------------------------------------------


def last_done(back: Callable[[Done], None]) -> None:
    """What was taken back just now; what was marked last in this session, and the way back."""
    if trouble := st.session_state.pop(TROUBLE, None):
        st.warning("Your last mark was not kept. Nothing else is lost; try again.")
        st.text(plain(trouble))
    back_again, done = st.session_state.get(BACK), st.session_state.get(DONE)
    said = [f"**Taken back** · {label(back_again)}"] if back_again else []
    if done:
        before = "Before that · " if back_again else ""
        said.append(f":gray[{before}{label(done[-1].words + done[-1].beside, TOLD)}]")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if said:
            st.markdown("  \n".join(said), width="content")
        if done:
            name = f"undo {done[-1].numbers}"
            st.button("Undo", key=name, on_click=back, args=(done[-1],), shortcut=key("U"), type="tertiary")


def told(
    rows: Sequence[Row], back: Callable[[Done], None], place: str, names: Mapping[Key, str], *, is_plain: bool = False
) -> None:
    """Marks with who and when, each with the way back. `names`: whom each is about; `is_plain`: that is seen anyway.

    A mark may be told in two places of a page; `place` tells them apart.
    """
    zone = _ask.state().settings.zone
    for row in rows:
        about = names.get((row["platform"], row["source"], row["native_id"]), "Somebody")
        words = f"{'' if is_plain else f'{label(about)}: '}{state(row)} · {_words.moment(row['at'], zone)}"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"{words} · {label(row['note'])}" if row["note"] else words, width="content")
            done = Done(f"{about}: {WORDS[row['value']]} by {row['by']}.", (row["id"],))
            pressed = ("Who takes it back is kept, too.", partial(back, done))
            st.button("Undo", key=f"back {place} {row['id']}", on_click=named, args=pressed, type="tertiary")


def state(row: Row) -> str:
    """What stands, and who did it: "snoozed until Mon 23 Nov 2026, 09:00 by Ana"."""
    until = f" until {_words.moment(row['until'], _ask.state().settings.zone)}" if row["until"] else ""
    return f"{WORDS[row['value']].capitalize()}{until} by {label(row['by'])}"


# People who had a word --------------------------------------------------------------------------


def reached() -> dict[Key, Row]:
    """What people said of which somebody marked that they had a word of ours. Nothing where the journal fails."""
    try:
        return _reached(_ask.marks().stamp)
    except MarksError:
        return {}


@kept(8)
def _reached(stamp: str) -> dict[Key, Row]:  # noqa: ARG001 - a part of the key
    rows = _ask.marks().current("reach").to_pylist()
    return {(row["platform"], row["source"], row["native_id"]): row for row in rows}


def reach(row: Row) -> None:
    """Note that somebody had a word of ours for what they said. What they say next is another matter."""
    try:
        number = _ask.marks().add("reach", Target(*key_of(row)), "done", st.session_state[WHO])
    except MarksError as error:
        st.session_state[TROUBLE] = str(error)
        return
    _keep(Done(f"{called([row])}: {WORDS['done']}.", (number,)))


# Remembering ------------------------------------------------------------------------------------

_remembered: OrderedDict[tuple[Path, Key], Row] = OrderedDict()
_lock = threading.Lock()


def _remember(asks: Sequence[Row]) -> None:
    with _lock:
        for ask in asks:
            _remembered[_ask.state().folder, key_of(ask)] = ask
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)


# Following --------------------------------------------------------------------------------------


class Follower:
    """Lets the numbers of one folder follow its marks: not each of them, but a quiet while after the last."""

    def __init__(self, folder: Path) -> None:
        self._store, self._lock = Store(folder), threading.Lock()
        self._timer: threading.Timer | None = None
        self._since: float | None = None
        self._left: tuple[str | None, str] | None = None  # the data and settings with which it is a load's work

    def is_left(self, settings: Settings) -> bool:
        """Whether more than marks has changed, so that a load has to see to it."""
        return self._left == (self._store.snapshot, settings.fingerprint)

    def call(self, settings: Settings, *, is_new: bool) -> None:
        """Follow soon; what `is_new` puts it off until it is quiet again."""
        if self.is_left(settings):
            return
        with self._lock:
            if self._timer is None or is_new:
                self._since = self._since or time.monotonic()
                self._wait(min(QUIET, max(0.0, self._since + LONGEST - time.monotonic())), settings)

    def _wait(self, seconds: float, settings: Settings) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self._follow, (settings,))
        self._timer.daemon = True
        self._timer.start()

    def _follow(self, settings: Settings) -> None:
        with self._lock:
            self._timer = self._since = None
        try:
            is_done = self._store.follow_marks(settings)
        except Busy:
            with self._lock:
                self._wait(LATER, settings)
        except Exception:  # noqa: BLE001 - whatever it is, the next load sees to it
            _log.exception("the numbers could not follow the marks")
            self._left = (self._store.snapshot, settings.fingerprint)
        else:
            self._left = None if is_done else (self._store.snapshot, settings.fingerprint)


@st.cache_resource(show_spinner=False)
def _follower(folder: Path) -> Follower:
    return Follower(folder)


def follow(stands: Standing) -> str:
    """See that the numbers follow; what they know, in words."""
    state = _ask.state()
    if not stands.newer:
        return f"The numbers know of {_words.count(stands.known, 'mark')}." if stands.known else ""
    newer = _words.count(stands.newer, "mark is newer than the numbers", "marks are newer than the numbers")
    follower = _follower(state.folder)
    is_new = st.session_state.get("marks followed") != (pulse := _ask.pulse())
    st.session_state["marks followed"] = pulse
    follower.call(state.settings, is_new=is_new)
    if follower.is_left(state.settings):
        return f"{newer}: they count from the next load, or `.venv/bin/python -m ingest derive`, on."
    return f"{newer}, which follow in a moment."


@st.fragment(run_every=LOOKED)
def watch(words: str, drawn: object) -> None:
    """Say what the numbers know; draw the page anew once they know more, or somebody else has marked something."""
    if words:
        st.caption(words)
    if _ask.pulse() != drawn:
        st.rerun()


def now() -> datetime:
    """The clock on the wall, which marks go by."""
    return datetime.now(UTC)
