"""Who is still waiting? The most urgent first, with what they said and where to answer them."""

from __future__ import annotations

import polars as pl
import streamlit as st

from metrics.metric import Answer, Question
from pages import _ask, _filters, _show, _words
from pages._ask import Row, kept
from pages._safe import label, line, plain, web_link

LISTED = 200
"""So many asks are listed: whoever has more waiting starts at the top anyway."""
TOLD = 30
"""So many of a conversation's last messages are shown."""
FITS = 4
"""So many messages fit beside the list; more get a window of their own to scroll in."""
WIDTHS = {"Waiting": 75, "They said": 215, "Who": 130, "Visit": 80, "Where": 125, "Why": 130}


def page() -> None:
    """Draw how many wait, the list on the left, and the opened conversation on the right."""
    view = _filters.period()
    with _show.contained("How many are waiting"):
        (now,) = _ask.rows(view.question("waiting_now"))
        st.subheader(_count(now))
        first = f" The {LISTED} most urgent are listed, the download has them all." if now["asks"] > LISTED else ""
        until = _words.moment(view.as_of, _ask.state().settings.zone)
        st.caption(f"Ages count up to {until}, where the data ends.{first}")
    with _show.contained("The list of asks"):
        _waiting(_ask.answer(view.question("unanswered", limit=LISTED)))


def _waiting(answer: Answer) -> None:
    """Everyone who waits, and the words of one of them."""
    if answer.rows.is_empty():
        st.caption("A longer period or more places may show others.")
        return
    left, right = st.columns([2, 1], gap="medium")
    with left:
        chosen = _list(answer)
    with right, _show.contained("The conversation"):
        _conversation(answer.rows.row(chosen, named=True))


def _count(now: Row) -> str:
    """How many people wait, how long the longest has, and how many waits are past their target."""
    if not now["of_asks"]:
        return "No ask was found here, so nobody is waiting."
    if not now["asks"]:
        return "Everyone has been answered."
    waiting = f"{_words.count(now['people'], 'person is', 'people are')} waiting"
    longest = f"the longest for {_words.age(now['hours_longest'])}"
    late = f" {_words.count(now['past_target'], 'ask is', 'asks are')} past the target." if now["past_target"] else ""
    return f"{waiting}; {longest}.{late}"


def _list(answer: Answer) -> int:
    """The list; the row whose conversation is open, by its place in it."""
    chosen = _show.table(
        _entries(answer.question),
        "Asks without an answer, the most urgent first",
        height=560,
        row_height=44,
        key="asks",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        column_config={
            "Urgency": st.column_config.ProgressColumn(min_value=0, max_value=1, format=" ", width=65),
            **{name: st.column_config.TextColumn(width=width) for name, width in WIDTHS.items()},
        },
    )
    _show.doors(answer)
    selected = chosen.selection.rows
    return selected[0] if selected and selected[0] < len(answer.rows) else 0


@kept(64, is_worded=True)
def _entries(question: Question) -> pl.DataFrame:
    return pl.DataFrame([_entry(row) for row in _ask.answer(question).rows.iter_rows(named=True)])


def _entry(row: Row) -> Row:
    """One ask as a line of the list."""
    return {
        "Urgency": row["priority"],
        "Waiting": _words.age(row["age_hours"]),
        "They said": line(row["title"] or row["text"]),
        "Who": line(row["name"], 40) or "Somebody",
        "Visit": _visits(row),
        "Where": f"{line(row['channel_name'], 30)} · {_words.platform(row['platform'])}",
        "Why": _why(row),
    }


def _why(row: Row) -> str:
    """Why it needs a reply, and that somebody is unhappy where the scorer is sure of it."""
    told = [*(["unhappy"] if row["sentiment"] == "negative" else []), row["reason"]]
    return ", ".join(dict.fromkeys(told))


def _visits(row: Row) -> str:
    return "newcomer" if row["is_newcomer"] else _words.ordinal(row["visits"], "visit")


def _conversation(ask: Row) -> None:
    """What was said, who by, and a door to the platform."""
    zone = _ask.state().settings.zone
    who = label(ask["name"] or "Somebody")
    st.markdown(f"**{who}** · {_visits(ask)} · in {label(ask['channel_name'])}, {label(ask['source_name'])}")
    st.caption(
        f"Waiting {_words.age(ask['age_hours'])}, target {_words.wait(ask['target_hours'])}. "
        f"Needs a reply: {label(_why(ask))}."
    )
    if link := web_link(ask["permalink"]):
        st.link_button(f"Answer on {label(link[1])}", link[0], type="primary")
    said = _ask.read("conversation", source_key=ask["source_key"], conversation=ask["conversation"])
    if len(said) > TOLD:
        st.caption(f"{len(said) - TOLD} earlier messages are not shown.")
    with st.container(height=520 if len(said) > FITS else "content", border=True):
        for message in said.tail(TOLD).iter_rows(named=True):
            _bubble(message, f"{_words.moment(message['sent_at'], zone)}")


def _bubble(message: Row, sent: str) -> None:
    """One message: who, in which role, when, and the very words."""
    author = message["author"] or "Somebody"
    marks = [label(author), message["role"], sent]
    marks += ["edited"] if message["edited_at"] else []
    marks += ["the ask"] if message["is_ask"] else []
    with st.chat_message(plain(author)[:1]):
        st.caption(" · ".join(marks))
        if message["title"]:
            st.markdown(f"**{label(message['title'])}**")
        if message["is_deleted"]:
            st.caption("This message was deleted.")
        elif message["text"]:
            st.text(plain(message["text"]))


page()
