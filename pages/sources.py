"""Where do the numbers come from, how fresh are they, and what is missing?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from data.spool import Looked, failures, looked_at
from metrics.metric import Question
from pages import _ask, _filters, _load, _rows, _show, _words
from pages._ask import kept
from pages._safe import label, line, plain

YEAR, LONG = timedelta(days=365), timedelta(days=56)
REFUSED_SHOWN, RAW_SHOWN = 100, 2000
GAPS = 4
WHOLE = 1000  # letters of why a pull failed: what to do stands at its end
LEDGER = ("loaded_at", "platform", "source_name", "file")
COUNTS = ("read", "inserted", "updated", "unchanged", "refused", "seconds")


def page() -> None:
    """Draw what was read, how far it reaches, what was refused; or what loads more, and the settings."""
    st.subheader(summary(_ask.read("sources")))
    with st.container(horizontal=True, vertical_alignment="center"):
        part = _filters.choice("Part", list(PARTS), "part")
        if part in EDITED:
            _rows.undo()
    for title, draw in PARTS[part].items():
        with _show.contained(title):
            draw()


def summary(sources: pl.DataFrame) -> str:
    """How much there is, from where, until when."""
    newest = sources["as_of"].max()
    until = _words.moment(newest if isinstance(newest, datetime) else None, _ask.state().settings.zone)
    messages = _words.count(int(sources["messages"].sum()), "message")
    return f"{messages} from {_words.count(len(sources), 'source')}, the newest from {until}."


def inside() -> None:
    """What is in, a row a source, and how fresh it is."""
    with st.container(border=True):
        st.markdown("**What is in**")
        _show.table(
            _inside(datetime.now(UTC).replace(minute=0, second=0, microsecond=0)), "The sources, and how fresh each is"
        )
        st.caption(
            "Until: the last moment the data covers; an old export does not go on ageing. Members, staff and bots: "
            f"who spoke, accounts of one person once. {' '.join(map(_end, _ended()))}"
        )
        _looked_for_deletions(datetime.now(UTC))
        _failed_pulls(datetime.now(UTC))


def _failed_pulls(now: datetime) -> None:
    """The places of which the last pull failed: when, and why, with what to do."""
    if failed := failures(_ask.state().folder, now):
        said = "".join(f"\n- {label(each.said(now).replace(': WARNING:', ':', 1), WHOLE)}" for each in failed)
        st.warning(f"**The last pull failed.** Until one works, what is new there is not here.\n{said}")


def _looked_for_deletions(now: datetime) -> None:
    """Of what is pulled, when it was last looked for what is deleted there: a day may pass, not more."""
    looks = looked_at(_ask.state().folder)
    late, told = ([each for each in looks if each.is_late(now) == is_late] for is_late in (True, False))
    if late:
        said = "".join(f"\n- {_look(each, now)}" for each in late)
        st.warning(f"**What was deleted there may still be here.** A pull looks for it, best every day.\n{said}")
    if told:
        st.caption("  \n".join(_look(each, now) for each in told))


def _look(look: Looked, now: datetime) -> str:
    """A look in words; that it is late, the page says by its place."""
    return label(look.said(now).replace(": WARNING:", ":").partition(" WARNING:")[0])


@kept(4)
def _inside(now: datetime) -> pl.DataFrame:
    """A row a source: when it was loaded last, how far it reaches, how much there is, what was refused."""
    keys = ["platform", "source"]
    loads = _ask.read("loads").group_by(keys).agg(pl.col("loaded_at").max().alias("last_load"), pl.len().alias("loads"))
    refused = _ask.read("refused_by_reason").group_by(keys).agg(pl.col("count").sum().alias("refused"))
    sources = _ask.read("sources").join(loads, keys, "left").join(refused, keys, "left").sort("platform", "source_name")
    return _spelled(sources).select(
        "platform",
        "source_name",
        pl.col("as_of").alias("until"),
        pl.Series("age", [_words.age((now - each).total_seconds() / 3600) for each in sources["as_of"]], pl.String),
        "messages",
        "members",
        "staff",
        "bots",
        pl.col("refused").fill_null(0),
        "last_load",
        pl.col("loads").fill_null(0),
    )


def _ended() -> list[_ask.Row]:
    """The sources whose data ends long before the newest one's, with their last `day`, the oldest first."""
    ends = _filters.ended(_filters.View(_filters.EVER), date.max)
    newest = max((each["day"] for each in ends), default=date.min)
    return sorted((each for each in ends if newest - each["day"] > LONG), key=lambda each: str(each["day"]))


def _end(source: _ask.Row) -> str:
    """That it ended, or that its export is old."""
    newest = _ask.read("sources")["as_of"].to_list()
    before = _words.age((max(newest) - source["as_of"]).total_seconds() / 3600)
    return (
        f"{label(_words.platform(source['platform']))} {label(source['source_name'])} ends on "
        f"{_words.day(source['day'])}, {before} before the newest: it has ended, or a newer export is waiting to be "
        "loaded."
    )


def covered() -> None:
    """The last year's days by source: how much was said, and which days no load covers."""
    days = _ask.read("coverage")
    missing = int((~days["is_covered"]).sum())
    reach = " up to where each source ends" if _ended() else ""
    title = f"{_words.count(missing, 'day is', 'days are') if missing else 'No day is'} missing{reach}"
    note = "A stripe is a day of the last year, warmer with more messages. Hatched: no load covers it."
    last = days["day"].max()
    if isinstance(last, date):
        _show.coverage(last - YEAR, title, "  \n".join([note, *_gaps(days, last - YEAR)]))


def _gaps(days: pl.DataFrame, since: date) -> Iterator[str]:
    """Each platform's days in words: present, partial (of some of its sources only), missing; and where it ended."""
    whole = []
    reached = days["day"].max()
    for (platform,), all_days in days.sort("platform").group_by("platform", maintain_order=True):
        name, mine = label(_words.platform(str(platform))), all_days.filter(pl.col("day") >= since)
        last = max(all_days["day"])
        end = f"ended on {_words.day(last)}" if isinstance(reached, date) and reached - last > LONG else ""
        by_day = mine.group_by("day").agg(pl.col("is_covered").mean().alias("share")).sort("day")
        partial = by_day.filter(pl.col("share").is_between(0, 1, "none"))["day"].to_list()
        missing = by_day.filter(pl.col("share") == 0)["day"].to_list()
        if mine.is_empty():
            yield f"{name} {end}."
        elif not partial and not missing:
            whole.append(f"{name}, which {end}" if end else name)
        else:
            parts = [f"{len(by_day) - len(missing) - len(partial):,} of {_words.count(len(by_day), 'day')} are present"]
            parts += [f"{len(partial):,} partial, of some of its sources only ({_runs(partial)})"] * bool(partial)
            parts += [f"{len(missing):,} missing ({_runs(missing)})"] * bool(missing)
            yield f"{name}: {'; '.join([*parts, *([f'it {end}'] if end else [])])}."
    if whole:
        yield f"Every day is present of {'; '.join(whole)}."


def _runs(days: Sequence[date]) -> str:
    """Days as runs, the newest first: "3 May 2026 to 6 May 2026, 1 Feb 2026 and 2 earlier gaps"."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    told = [_words.day(run[0]) + (f" to {_words.day(run[-1])}" if len(run) > 1 else "") for run in reversed(runs)]
    more = len(told) - GAPS
    return ", ".join(told[:GAPS]) + (f" and {_words.count(more, 'earlier gap')}" if more > 0 else "")


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
    """Why records were refused, what can be done, and on demand the records as they stood."""
    reasons = _ask.read("refused_by_reason")
    with st.container(border=True):
        if reasons.is_empty():
            st.markdown("**Nothing was refused**")
            return
        count = _words.count(int(reasons["count"].sum()), "record was", "records were")
        st.markdown(f"**{count} refused**")
        _show.table(_refusals(), "Why records were refused")
        _retry()
        opened = st.expander("The records themselves", on_change="rerun", key="refused")
        if opened.open:
            with opened:
                _records()


def _retry() -> None:
    """Read the exports again that still lie where they were; name those that have to be loaded again by hand."""
    exports = _ask.read("refused_exports").to_dicts()
    here = [row for row in exports if row["path"] and Path(row["path"]).exists()]
    gone = [row for row in exports if row not in here]
    st.caption(
        "A record can only be read again with its whole export, once that was mended or Hearth was updated: alone it "
        "does not say who spoke where. What a load of the same file reads leaves this list."
    )
    if (
        here
        and _load.may_load()
        and st.button(f"Try again: {label(_files(here))}", key="retry", disabled=_load.is_running())
    ):
        _load.begin(f"Trying again {_files(here)}", "retry")
    if gone:
        st.markdown(f"To try again, load once more under *{MORE}*: {label(_files(gone))}.")


def _files(exports: Sequence[Mapping[str, Any]]) -> str:
    """The names of exports: "acme.zip, and 2 more"."""
    names = [line(row["export"] or f"what was cut off of {row['source_name']}", 40) for row in exports]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _records() -> None:
    """The refused records, bytes that are no text shown by their numbers."""
    records = _ask.read("refused").head(REFUSED_SHOWN)
    texts = [plain(raw[:RAW_SHOWN].decode("utf-8", "backslashreplace")) for raw in records["raw"]]
    shown = records.select("file", "place", "reason", pl.Series("record", texts, pl.String))
    _show.table(shown, "Refused records as they stood in the export")
    st.caption(f"The newest {REFUSED_SHOWN}, and of each its first {RAW_SHOWN:,} bytes.")


@kept(4)
def _trust() -> pl.DataFrame:
    return _spelled(_ask.answer(Question("data_trust")).rows.drop("source"))


def _spelled(rows: pl.DataFrame) -> pl.DataFrame:
    """Platforms as they write themselves."""
    names = {name: _words.platform(name) for name in rows["platform"].unique()}
    return rows.with_columns(pl.col("platform").replace_strict(names, return_dtype=pl.String))


@kept(4)
def _refusals() -> pl.DataFrame:
    return _spelled(_ask.read("refused_by_reason").drop("place", "raw"))


@kept(4)
def _ledger() -> pl.DataFrame:
    loads = _ask.read("loads").select(*LEDGER, *COUNTS, "left_out", "private_reason")
    return _spelled(loads).with_columns(pl.col("private_reason").fill_null(""))  # none was needed: not unknown


IN, MORE, HOURS = "What is in", "Load more", "Channels and hours"
PARTS = {
    IN: {
        "What is in": inside,
        "The days covered": covered,
        "The refused records": refused,
        "What can be trusted": trusted,
        "The loads": loaded,
    },
    MORE: {"Load more": lambda: _load.upload("Load more")},
    _filters.ROSTER: {"The roster": _rows.people},
    HOURS: {"The channels": _rows.channels},
}
EDITED = (_filters.ROSTER, HOURS)
"""Parts that change the settings."""


page()
