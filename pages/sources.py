"""Where do the numbers come from, how fresh are they, and what is missing?"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import streamlit as st

from metrics.metric import Question
from pages import _ask, _show, _words
from pages._ask import kept
from pages._safe import label, plain

YEAR = timedelta(days=365)
REFUSED_SHOWN = 100
LEDGER = ("loaded_at", "platform", "source_name", "file")
COUNTS = ("read", "inserted", "updated", "unchanged", "refused", "seconds")


def page() -> None:
    """Draw what was read, how far it reaches, what was refused, and how to load more."""
    st.subheader(summary(_ask.read("sources")))
    for title, part in PARTS.items():
        with _show.contained(title):
            part()
    _show.how_to_load("Load more")


def summary(sources: pl.DataFrame) -> str:
    """How much there is, from where, until when."""
    newest = sources["as_of"].max()
    until = _words.moment(newest if isinstance(newest, datetime) else None, _ask.state().settings.zone)
    messages = _words.count(int(sources["messages"].sum()), "message")
    return f"{messages} from {_words.count(len(sources), 'source')}, the newest from {until}."


def covered() -> None:
    """The last year's days by source: how much was said, and which days no load covers."""
    days = _ask.read("coverage")
    missing = int((~days["is_covered"]).sum())
    title = f"{_words.count(missing, 'day is', 'days are')} missing" if missing else "No day is missing"
    note = "A stripe is a day of the last year, warmer with more messages. Hatched: no load covers it."
    last = days["day"].max()
    if isinstance(last, date):
        _show.coverage(last - YEAR, title, note + _before(days, last - YEAR))


def _before(days: pl.DataFrame, since: date) -> str:
    """The sources that ended before a day, in words: they have no stripe."""
    ends = days.group_by("platform", "source_name").agg(pl.col("day").max()).filter(pl.col("day") < since)
    return "".join(
        f" {_words.platform(row['platform'])} {label(row['source_name'])} ended on {_words.day(row['day'])}."
        for row in ends.sort("day", "platform").iter_rows(named=True)
    )


def trusted() -> None:
    """What each source lacks, in shares."""
    answer = _ask.answer(Question("data_trust"))
    with st.container(border=True):
        st.markdown("**How far each source can be trusted**")
        _show.table(_trust(), answer.metric.asks)
        st.caption("Unknown members: deleted or unnamed accounts. Inferred replies: no thread or mention says so.")
        _show.doors(answer)


def loaded() -> None:
    """Every load, and what became of its records."""
    loads = _ask.read("loads")
    with st.container(border=True):
        st.markdown(f"**{_words.count(len(loads), 'load')}, the newest first**")
        _show.table(_ledger(), "Every load and what became of its records")
        st.caption(
            "Read = inserted + updated + unchanged + refused: no record is lost without a word. Left out: passed by on "
            "purpose, such as private messages; where they were read, the reason stands beside."
        )


def refused() -> None:
    """Why records were refused, and on demand the records as they stood."""
    reasons = _ask.read("refused_by_reason")
    with st.container(border=True):
        if reasons.is_empty():
            st.markdown("**Nothing was refused**")
            return
        count = _words.count(int(reasons["count"].sum()), "record was", "records were")
        st.markdown(f"**{count} refused**")
        _show.table(reasons, "Why records were refused")
        opened = st.expander("The records themselves", on_change="rerun", key="refused")
        if opened.open:
            with opened:
                _records()


def _records() -> None:
    """The refused records, bytes that are no text shown by their numbers."""
    records = _ask.read("refused").head(REFUSED_SHOWN)
    texts = [plain(raw.decode("utf-8", "backslashreplace")[:2000]) for raw in records["raw"]]
    shown = records.select("file", "place", "reason", pl.Series("record", texts, pl.String))
    _show.table(shown, "Refused records as they stood in the export")


@kept(4)
def _trust() -> pl.DataFrame:
    return _ask.answer(Question("data_trust")).rows.drop("source")


@kept(4)
def _ledger() -> pl.DataFrame:
    return _ask.read("loads").select(*LEDGER, *COUNTS, "left_out", "private_reason")


PARTS = {
    "The days covered": covered,
    "What can be trusted": trusted,
    "The loads": loaded,
    "The refused records": refused,
}


page()
