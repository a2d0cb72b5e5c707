"""What does each number mean? Every definition with its SQL, the words, and what each platform cannot tell."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from metrics.metric import Metric, metrics
from pages import _ask, _documents, _filters, _show, _words
from pages._documents import Reader
from pages._safe import label

READABLE = 780
"""So many pixels wide is text that is read, not looked through."""
CREED = {
    "Visitors asking questions get a response": (
        "answered_within",
        "time_to_first_response",
        "reply_rate",
        "within_target",
        "unanswered",
        "waiting_now",
        "time_to_next_response",
        "staff_response",
        "peer_first_share",
    ),
    "Meet and greet any new member": ("newcomer_welcome", "newcomer_return"),
    "One-way communication is an epic fail": ("conversation_share", "two_way_conversations"),
    "Networking, not acquainting": ("relationship_depth",),
    "Thank promoters profusely; work with detractors": ("net_sentiment", "praise_thanked", "detractor_recovery"),
    "It is a marathon, not a sprint": (
        "member_flow",
        "retention",
        "cohort_return",
        "drifting",
        "unanswered_then_lost",
    ),
    "Numbers can be manipulated": ("data_trust",),
    "Accounts are run by people, daily": ("responder_load", "staff_presence", "coverage_by_hour"),
    "Are you living or existing in social media?": ("audience",),
}
"""What people who ran communities said, and the numbers that follow it. Any other metric stands below them."""
NOUNS = (
    "**Community**: all the sources together, and everybody who speaks there.",
    "**Source**: one workspace, server, subreddit, page or list, on one **platform**; it has **channels**.",
    "**Member**: somebody who is neither staff nor a bot. Accounts that were merged are one member.",
    "**Staff** answer for the community; a **bot** is no human and answers nobody. The settings' roster says who.",
    "**Message**: what somebody wrote, once. A **reaction**, such as a heart, acknowledges one and replies to nothing.",
    "**Staff reply**, **peer reply**: a reply by staff, or by another member. **Wait**: from an ask to its reply.",
    "**Week**: Monday to Sunday, cut in the community's time zone. An ask belongs to the week in which it was asked.",
    "**As of**: the last moment that a source's data covers, not the clock on the wall.",
)


def page() -> None:
    """Draw what was looked for: numbers, words, exports; all of them until somebody looks for one."""
    sought = _filters.sought("Find a number or a word", "such as wait, newcomer or Slack")
    with _show.contained("What was found"):
        st.subheader(_sentence(sought))
    with _show.contained("The numbers"):
        _draw_numbers(_numbers(sought))
    with _show.contained("The words"):
        _draw_points("The words", _points(sought))
    with _show.contained("What the data cannot tell"):
        _draw_readers(_readers(sought), is_all=not sought)


def _sentence(sought: str) -> str:
    """How much there is, or was found."""
    if not sought:
        return f"{_words.count(len(metrics()), 'number')}, each one question and one SQL file."
    numbers, points, readers = (len(find(sought)) for find in (_numbers, _points, _readers))
    found = ((numbers, "number"), (points, "word"), (readers, "form of export", "forms of export"))
    told = ", ".join(_words.count(*each) for each in found if each[0])
    return f"Found: {told}." if told else "Nothing here speaks of that. Fewer letters may find more."


# What is found ----------------------------------------------------------------------------------


def _numbers(sought: str) -> dict[str, Metric]:
    return {name: each for name, each in metrics().items() if _speaks_of(sought, _said(each))}


def _points(sought: str) -> list[str]:
    return [each for each in NOUNS + _documents.rules() if _speaks_of(sought, each)]


def _readers(sought: str) -> list[Reader]:
    return [each for each in _documents.readers() if _speaks_of(sought, _cannot_tell(each))]


def _speaks_of(sought: str, text: str) -> bool:
    """Whether a text has every word that is looked for, in any order."""
    return all(word in text.casefold() for word in sought.casefold().split())


def _said(metric: Metric) -> str:
    return " ".join([metric.name, metric.title, *metric.card.values()])


def _cannot_tell(reader: Reader) -> str:
    lacks = f"**{', '.join(reader.lacks)}**: " if reader.lacks else ""
    return f"`{reader.name}`. {reader.reads} It cannot tell: {lacks}{reader.cannot_tell}"


# How it is drawn --------------------------------------------------------------------------------


def _draw_numbers(found: dict[str, Metric]) -> None:
    """The definitions under the words that they follow; one that was found alone is open."""
    listed = {name for names in CREED.values() for name in names}
    creed = CREED | {"And": tuple(name for name in found if name not in listed)}
    for said, names in creed.items():
        mine = [found[name] for name in names if name in found]
        if mine:
            with st.container(gap="xsmall"):
                st.caption(said)
                for metric in mine:
                    _draw_number(metric, len(found) == 1)


def _draw_number(metric: Metric, is_alone: bool) -> None:
    title = f"**{label(metric.title)}** · {label(metric.asks)}"
    card = st.expander(title, is_alone, on_change="rerun", key=f"{metric.name}-{is_alone}")
    if card.open:
        with card:
            _show.definition(metric, {"name": metric.name, "version": metric.version})


def _draw_points(title: str, points: Iterable[str]) -> None:
    """A list of points, where there are any."""
    if told := "\n".join(f"- {point}" for point in points):
        st.subheader(title)
        with st.container(width=READABLE):
            st.markdown(told)


def _draw_readers(readers: list[Reader], is_all: bool) -> None:
    """What exports cannot tell: those of the loaded platforms first, and behind a door all the others."""
    loaded = set(_ask.read("sources")["platform"])
    ours = [each for each in readers if each.name in loaded or each.name.rsplit("_", 1)[0] in loaded]
    _draw_points("What the data cannot tell", map(_cannot_tell, ours if is_all else readers))
    if is_all:
        with st.expander(f"{len(readers) - len(ours)} more forms of export"), st.container(width=READABLE):
            st.markdown("\n".join(f"- {_cannot_tell(each)}" for each in readers if each not in ours))


page()
