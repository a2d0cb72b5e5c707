"""What the pages ask of the store. What was worked out for one reader is kept for all of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, cast

import polars as pl
import streamlit as st

from data.identities import Identities
from data.marks import Marks, MarksError
from data.settings import CommunitySettings, Settings, data_folder, has_marks, marks_place, read_settings, settings_path
from data.store import Store
from metrics import guard
from metrics.explain import Explanation, explain
from metrics.guard import Change, compare
from metrics.metric import TARGETS, Answer, Question, ask
from pages import _words

Row = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")
STATE = "what is loaded"
SUGGESTED = 10_000
"""So many pairs of accounts are looked through for those of one member."""
_shelves: dict[str, OrderedDict[Hashable, Future[Any]]] = {}
_lock = threading.Lock()
_making = threading.RLock()


@dataclass(frozen=True)
class State:
    """What is loaded, and how it is set. All of a page speaks of one state."""

    folder: Path
    snapshot: str | None
    settings: Settings
    stamp: str  # changes whenever an answer may: a part of the key of all that is kept


def kept(entries: int, *, is_worded: bool = False) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the results of a function for all readers, the last used `entries` of them, for each stamp.

    What `is_worded` is kept for each way to write numbers and days, too.

    Two who ask the same at once wait for one answer; an error is not kept. A hit takes some
    microseconds, Streamlit's own cache some hundred: a page has thirty. The shelf has the function's
    name, because Streamlit defines a page's functions anew on each run.
    """

    def wrap(work: Callable[P, T]) -> Callable[P, T]:
        shelf = _shelves.setdefault(f"{work.__code__.co_filename} {work.__qualname__}", OrderedDict())

        def look_up(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (stamp(), args, tuple(kwargs.items()), is_worded and _words.manner())
            with _lock:
                found = shelf.get(key)
                is_new = found is None
                future: Future[T] = shelf.setdefault(key, Future()) if found is None else found
                shelf.move_to_end(key)
                if len(shelf) > entries:
                    shelf.popitem(last=False)
            if is_new:
                _fulfil(future, lambda: work(*args, **kwargs), lambda: shelf.pop(key, None))
            return future.result()

        return look_up

    return wrap


def _fulfil(future: Future[T], work: Callable[[], T], forget: Callable[[], object]) -> None:
    """Do the work for all who wait for it; what failed is asked again by the next."""
    try:
        future.set_result(work())
    except BaseException as error:
        forget()
        future.set_exception(error)
        raise


def _shared(entries: int | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make a thing once for all readers. Streamlit's own cache takes half a millisecond for each look."""

    def wrap(make: Callable[P, T]) -> Callable[P, T]:
        made = cast("Callable[P, T]", lru_cache(entries)(make))

        def look_up(*args: P.args, **kwargs: P.kwargs) -> T:
            with _making:
                return made(*args, **kwargs)

        return look_up

    return wrap


def begin() -> State:
    """Note what is loaded and how it is set, once for each run of a page. Raises SettingsError."""
    path, folder = settings_path(), data_folder()
    settings, fingerprint = _settings(path, path.stat().st_mtime_ns if path.exists() else 0)
    snapshot = _store(folder).snapshot
    state = State(folder, snapshot, settings, f"{folder} {snapshot} {fingerprint} {settings.targets}")
    st.session_state[STATE] = state
    return state


def state() -> State:
    """What this run of the page speaks of."""
    found: State = st.session_state[STATE]
    return found


def stamp() -> str:
    """Of the state that this run of the page speaks of."""
    return state().stamp


@kept(256)
def answer(question: Question) -> Answer:
    """The answer to a question."""
    return ask(_store(state().folder), state().settings, question)


def later(shown: Answer) -> Callable[[], pl.DataFrame]:
    """All the rows of an answer. Where only the first are shown, it is asked again when somebody wants the file.

    Raises LookupError where the data has changed since: the file would bear a wrong name.
    """
    store, settings = _store(state().folder), state().settings

    def everything() -> pl.DataFrame:
        if shown.question.limit is None:
            return shown.rows
        found = ask(store, settings, replace(shown.question, limit=None))
        if found.fingerprint != shown.fingerprint:
            raise LookupError(f"{shown.fingerprint} is not the newest data any more: reload the page, then download")
        return found.rows

    return everything


@kept(256)
def rows(question: Question) -> list[Row]:
    """The same, row by row: for answers of a few hundred rows."""
    return answer(question).rows.to_dicts()


def whole(question: Question) -> Row:
    """The row of the whole period."""
    return next(row for row in rows(question) if row["week"] is None)


@kept(128)
def change(question: Question) -> Change:
    """What may be said of a metric in the question's period and in the one just before it, equally long."""
    return compare(_store(state().folder), state().settings, question, rows=_drawn)


def _drawn(question: Question) -> list[Row]:
    """The rows of a question; of one target those among the rows of all, which a page draws anyhow."""
    if question.name == "answered_within" and question.hours in TARGETS:
        return [row for row in rows(replace(question, hours=None)) if row["hours"] == question.hours]
    return weekly(question)


@kept(256)
def weekly(question: Question) -> list[Row]:
    """The rows of a question by week, also of what only the guard asks."""
    if question.name in guard.OWN:
        return guard.own(_store(state().folder), state().settings, question)
    return rows(question)


@kept(256)
def of_week(question: Question, column: str = "members") -> Change:
    """What may be said of a metric in the question's week and in the one before, from rows by week asked already."""
    return compare(_store(state().folder), state().settings, question, column=column, rows=weekly)


@kept(64)
def moved(question: Question, change: Change) -> Explanation:
    """What moved a share, in parts that add up to the change."""
    return explain(_store(state().folder), state().settings, question, known=change)


@kept(128)
def read(name: str, **params: int | str | date | tuple[int | str, ...] | None) -> pl.DataFrame:
    """One of the store's tables: sources, places, loads, refused, coverage, conversation."""
    return _store(state().folder).read(name, **params)


def closed() -> tuple[str, ...]:
    """The platforms whose terms forbid to follow single members."""
    return state().settings.privacy.no_profiles


def suggestions() -> pl.DataFrame:
    """Pairs of accounts that may be one person's, as data/identities.py suggests them."""
    place = marks_place(state().folder, state().settings)
    return _suggestions(marks().stamp if has_marks(place) else "")


@kept(2)
def _suggestions(decided: str) -> pl.DataFrame:  # noqa: ARG001 - a part of the key
    return Identities(_store(state().folder), marks()).suggestions(SUGGESTED)


def twins() -> list[tuple[Row, Row]]:
    """Accounts of one name in the team of which nobody decided anything, as data/identities.py finds them."""
    return Identities(store(), marks()).twins(state().settings)


def store() -> Store:
    """The data itself, for files that are too long to keep."""
    return _store(state().folder)


@kept(4)
def outdated() -> Literal["rules", "settings", "newer"] | None:
    """Why the numbers are not what they would be if they were worked out now; None: they are."""
    return _store(state().folder).outdated(state().settings)


def community() -> str:
    """What the community is called: as the settings say, else as all of its sources are called."""
    named = state().settings.community.name
    return (_called() or named) if named == CommunitySettings().name else named


@kept(4)
def _called() -> str | None:
    """What all sources are called, where they agree on one name."""
    names = [] if state().snapshot is None else read("sources")["source_name"].unique().to_list()
    return names[0] if len(names) == 1 else None


def marks() -> Marks:
    """What people decided. Its `stamp` belongs to the key of whatever is kept of it."""
    return _marks(marks_place(state().folder, state().settings))


def pulse() -> tuple[str | None, str]:
    """What changes as soon as anything is loaded or marked, be it by somebody else: not of this run, but of now."""
    try:
        return _store(state().folder).snapshot, marks().stamp
    except MarksError:
        return _store(state().folder).snapshot, ""


@_shared()
def _marks(place: Path | str) -> Marks:
    return Marks(place)


@_shared()
def _store(folder: Path) -> Store:
    return Store(folder)


@_shared(2)
def _settings(path: Path, changed: int) -> tuple[Settings, str]:
    settings = read_settings(path if changed else None)
    return settings, settings.fingerprint
