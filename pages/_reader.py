"""Who is there: a reader gives a name once, and their browser is known by it from then on.

The browser keeps a number in a cookie, the journal which name was given under it: not the number itself, so that
whoever reads the journal cannot pass for anybody. Nothing stands in the address, where a link would hand the name on.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

import streamlit as st

from data.marks import LONGEST_NAME, MarksError, Target
from pages import _ask

WHO = "who is there"
"""Where a session keeps the name that signs."""
ASKED = "the journal was asked who is there"
COOKIE = "hearth_reader"
DAYS = 400
"""No browser keeps a cookie for longer."""


def cookie() -> str:
    """A cookie for a browser that has none: no script can read it, and no other site can send it."""
    return f"{COOKIE}={secrets.token_urlsafe(24)}; Max-Age={DAYS * 86400}; Path=/; HttpOnly; SameSite=Strict"


def who() -> str | None:
    """The name that signs: given in this session, or in an earlier one of the same browser. None: nobody said yet."""
    if WHO not in st.session_state and not st.session_state.get(ASKED):
        st.session_state[ASKED] = True
        if (row := _known()) is not None:
            st.session_state[WHO] = row["by"]
    name: str | None = st.session_state.get(WHO)
    return name


def introduce(question: str, why: str) -> None:
    """Ask who is there; `why` a name is needed."""
    with st.form("introduction", border=False):
        name = st.text_input(question, max_chars=LONGEST_NAME)
        is_ready = st.form_submit_button("Begin", type="primary")
        st.caption("This browser will be known by it, until you say that you are somebody else.")
    if is_ready and name.strip():
        st.session_state[WHO] = " ".join(name.split())
        _remember(st.session_state[WHO])
        st.rerun()
    if is_ready:
        st.caption(f"A name first, please: {why}.")


def leave() -> None:
    """Somebody else sits here now."""
    st.session_state.pop(WHO, None)
    st.session_state[ASKED] = True
    if (row := _known()) is not None:
        try:
            _ask.marks().undo(row["id"], row["by"])
        except MarksError:
            return  # the next visit is greeted by the old name, and can say so again


def _remember(name: str) -> None:
    if (browser := _browser()) is not None and (_known() or {}).get("by") != name:  # a run can be begun anew
        try:
            _ask.marks().add("reader", browser, "here", name)
        except MarksError:
            return  # the session knows the name; what is marked says what is wrong


def _known() -> _ask.Row | None:
    """What the journal knows of this browser, if anybody gave a name here."""
    if (browser := _browser()) is None:
        return None
    try:
        rows: list[_ask.Row] = _ask.marks().history("reader", browser).to_pylist()
    except MarksError:
        return None
    gone = {row["undoes"] for row in rows}
    return next((row for row in reversed(rows) if row["value"] and row["id"] not in gone), None)


def _browser() -> Target | None:
    """The browser, as the journal names it."""
    number = st.context.cookies.get(COOKIE)
    return Target("hearth", "browser", sha256(number.encode()).hexdigest()) if isinstance(number, str) else None
