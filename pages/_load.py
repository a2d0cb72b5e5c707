"""Bring exports in, by upload, by command, or the demo in one click: how far it is, and what came of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from data.settings import settings_path
from pages import _ask, _child, _documents, _show, _words
from pages._child import CannotStart, Outcome, Step, Work
from pages._safe import label, line, plain

INSIDE = "Look inside (usual)"
WATCHED, CLOSED, ROUND = "the work this reader saw", "the work this reader is done with", "uploads so far"
TOLD_ON = "the page on which the end of the work was told"
OUTDATED = {
    "rules": "**These numbers were worked out by an older Hearth.** Until they are worked out again, some pages cannot "
    "be drawn and some numbers follow older rules. Nothing that was loaded is lost.",
    "settings": "**The settings have changed since these numbers were worked out.** They count once the numbers are "
    "worked out again.",
    "newer": "**This data was made by a newer Hearth than this one.** Update Hearth, then start it again.",
}
BUSY = "Another load holds the database."
MOST_SAID = 2000
DERIVE = ".venv/bin/python -m ingest derive"


# What runs, and what came of it --------------------------------------------------------------------


def status(page: str) -> None:
    """How far the work is that runs, on every page; when it is done, what came of it.

    What went well goes with the page on which it was told; what did not waits until somebody closes it.
    """
    work = _child.newest(_ask.state().folder)
    if work is None or st.session_state.get(CLOSED) == work.number:
        return
    is_mine = st.session_state.get(WATCHED) == work.number
    if work.outcome is None:
        st.session_state[WATCHED] = work.number
        _running()
    elif not _is_well(work.outcome):
        if is_mine or page == "Sources" or not _ask.state().snapshot:
            _ended(work, work.outcome)
    elif is_mine:
        if st.session_state.setdefault(f"{TOLD_ON} {work.number}", page) == page:
            _ended(work, work.outcome)
        else:
            _close(work.number)


def _is_well(outcome: Outcome) -> bool:
    """Whether there is nothing left to do about it."""
    return outcome.code in (0, 3) and not outcome.summary.get("failed")


@st.fragment(run_every=1.0)
def _running() -> None:
    """A bar that moves by itself; when the work ends, the page shows the new numbers."""
    work = _child.newest(_ask.state().folder)
    if work is None or work.outcome:
        st.rerun()
    step = work.step() or Step("Starting")
    with st.container(border=True, key="running"):
        st.markdown(f"**{label(work.title)}**")
        st.progress(min(step.done / step.of, 1.0) if step.of else 0.0, _far(step))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("It goes on when you close this page. If Hearth itself is stopped, the same again goes on.")
            st.button("Cancel", on_click=work.cancel, disabled=work.is_cancelled, key="cancel")


def _far(step: Step) -> str:
    """How far a step is, in words: "acme.zip: 12 of 180 MB, 130,000 records"."""
    name = label(step.step)
    if step.unit == "bytes":
        size = f"{_size(step.done)} of {_size(step.of)}" if step.of else _size(step.done)
        return f"{name}: {size}, {_words.count(step.records, 'record')}"
    return f"{name}: {step.done:,} of {step.of:,}" if step.of else f"{name} …"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f}\u00a0MB" if count >= 1e5 else f"{count / 1e3:,.1f}\u00a0kB"


def _ended(work: Work, outcome: Outcome) -> None:
    if st.session_state.get(WATCHED) == work.number and outcome.summary.get("loads") and not _unsure():
        _clear(work.number)
    with st.container(border=True, key="ended"):
        _told(work, outcome)
        st.button("Close", on_click=_close, args=(work.number,), key="close")


def _clear(number: str) -> None:
    """Empty the box, once. It stays full where nothing went in, or a kind has to be chosen: then another try may do."""
    if not st.session_state.get(f"cleared {number}"):
        st.session_state[f"cleared {number}"] = True
        st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def _close(number: str) -> None:
    st.session_state[CLOSED] = number


def _told(work: Work, outcome: Outcome) -> None:
    """What came of it, in words."""
    if work.is_cancelled and outcome.code:
        st.markdown(f"**{label(work.title)} was cancelled.** What was read so far is kept; the same again goes on.")
        return
    summary = outcome.summary
    for load in summary.get("loads", []):
        _load_told(load)
    for failed in summary.get("failed", []):
        _failure_told(failed)
    for row in summary.get("unmatched", []):
        number, _, names = row.partition(": ")
        st.caption(f"Nobody who spoke matches row {number} of the roster: {label(names)}.")
    if summary.get("snapshot") and "loads" not in summary:
        st.markdown("**The numbers are worked out anew.**")
    elif not summary.get("failed") and "loads" not in summary:
        st.markdown(f"**{label(work.title)} did not work.** {BUSY if outcome.code == _child.BUSY else ''}")
        st.text(plain(outcome.said.removeprefix("hearth: ")[-MOST_SAID:]))


def _load_told(load: dict[str, Any]) -> None:
    file = Path(load["path"]).name
    place = f"{label(_words.platform(load['platform']))} {label(_name(load))}"
    if load["unchanged"] and not load["inserted"] + load["updated"]:
        st.markdown(f"**Nothing new in {label(file)}**: what can be read of it was in already, as {place}.")
    else:
        st.markdown(
            f"**{label(file)} is in**, as {place}: {_words.count(load['messages'], 'message')} in "
            f"{_words.count(load['channels'], 'channel')}; it names {_words.count(load['members'], 'account')}, also "
            "of people who said nothing in it."
        )
    refused = " The refused ones, with their reasons, are under *Refused* on this page." if load["refused"] else ""
    st.caption(
        f"{_words.count(load['read'], 'record')} read = {load['inserted']:,} inserted + {load['updated']:,} updated + "
        f"{load['unchanged']:,} unchanged + {load['refused']:,} refused.{refused}{_left_out(load['left_out'])}"
    )
    if load.get("disputed"):
        st.warning(
            f"**{_words.count(load['disputed'], 'record')} named another author** than one of the same id. The newer "
            "counts. Where ids were given out anew, as after a move to another server, the two are no copies: load "
            "such an export under a source of its own, by *More choices*."
        )
    if load.get("twin"):
        _twin_told(load, label(file), label(load["twin"]))


def _twin_told(load: dict[str, Any], file: str, twin: str) -> None:
    """Where a new source has what another one has: that it counts twice, and what makes one of the two."""
    st.warning(
        f"**{file} counts twice**: {_words.count(load['shared'], 'record')} of it, by id and time, came under another "
        f"name before, *{twin}*. If both are one place, take this one out again by the command below, and load it "
        f"again with *{twin}* as the name of the source, under *More choices*."
    )
    out = f".venv/bin/python -m ingest forget {load['platform']} {shlex.quote(plain(load['source']))} --yes"
    st.code(command(out), language="shell")


def _name(load: dict[str, Any]) -> str:
    """What a load's source is called."""
    sources = _ask.read("sources").filter(platform=load["platform"], source=load["source"])
    return sources["source_name"][0] if len(sources) else str(load["source"])


def _left_out(kinds: dict[str, int]) -> str:
    told = ", ".join(f"{count:,} {label(kind)}" for kind, count in kinds.items())
    return f" Left out on purpose: {told}." if told else ""


def _failure_told(failed: dict[str, Any]) -> None:
    name = Path(failed["path"]).name
    if kinds := failed.get("readers"):
        st.markdown(
            f"**{label(name)} was not loaded yet.** It looks like {' and like '.join(f'`{each}`' for each in kinds)}: "
            "choose which under *More choices*, then load it again."
        )
        return
    st.markdown(f"**{label(name)} was not loaded.**")
    st.text(plain(failed["reason"].removeprefix(f"{failed['path']}: ")))


# What can be begun ---------------------------------------------------------------------------------


def begin(title: str, verb: str, options: Sequence[str] = (), uploads: Sequence[_child.Upload] = ()) -> None:
    """Begin a piece of work and show how far it is; where it cannot begin, say why."""
    try:
        work = _child.start(title, verb, _ask.state().folder, settings_path(), options, uploads)
    except (CannotStart, OSError) as error:
        st.warning(label(str(error)))
        return
    st.session_state[WATCHED] = work.number
    st.rerun()


def may_load() -> bool:
    """Whether this dashboard may write into the data folder."""
    return _child.may_load(_ask.state().folder)


def is_running() -> bool:
    """Whether work of this dashboard runs."""
    work = _child.newest(_ask.state().folder)
    return work is not None and work.outcome is None


def outdated() -> None:
    """Where the numbers are not what they would be now: why, and a button that sets it right."""
    why = _ask.outdated()
    if why is None or is_running():
        return
    with st.container(border=True, key="outdated"):
        st.markdown(OUTDATED[why])
        if why == "newer":
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            if may_load() and st.button("Work the numbers out now", type="primary", key="derive"):
                begin("Working the numbers out", "derive")
            st.markdown(f"By command: `{command(DERIVE)}`", width="content")


def first_visit() -> None:
    """What a reader of an empty database finds: load something, or look around."""
    st.markdown("Nothing is loaded yet, so there is nothing to show.")
    ours, looking = st.columns([3, 2], gap="medium")
    with ours:
        upload("Load your first export")
    with looking:
        st.subheader("Just looking?")
        with st.container(border=True):
            st.markdown("A made-up community in three places, with their questions, answers and silences.")
            if st.button("Look around with the demo", disabled=is_running() or not may_load(), key="demo"):
                begin("Making up a community", "demo")
            st.caption("It takes half a minute, and leaves when your first export comes.")


def upload(title: str) -> None:
    """Files to load, with the choices that the command has too."""
    limit = st.get_option("server.maxUploadSize")
    st.subheader(title)
    with st.container(border=True):
        if may_load():
            _files_to_load(limit)
        else:
            st.markdown("This dashboard may only read the database. Load by command, on the machine that holds it.")
    with st.expander(f"Bigger than {limit} MB, a folder, or by command"):
        _exact_command()
        _show.how_to_load("All at once, or only the demo")


def _files_to_load(limit: int) -> None:
    files = st.file_uploader(
        f"Exports as their platforms hand them out, zips or single files: up to {limit} MB each, "
        f"{_child.MOST_FILES} at once. A folder: zip it first.",
        accept_multiple_files=True,
        key=f"exports-{st.session_state.get(ROUND, 0)}",
    )
    unsure = _unsure()
    with st.expander("More choices", expanded=bool(unsure)):
        options = _choices([kind for kinds in unsure.values() for kind in kinds])
    if unsure and any(option.startswith("--platform=") for option in options):
        files = [each for each in files if each.name in unsure] or files  # the others were recognised, and are in
    with st.container(horizontal=True, vertical_alignment="center"):
        is_asked = st.button("Load", type="primary", disabled=not files or is_running(), key="load")
        st.caption("The platform is recognised by looking inside. What is loaded twice adds nothing.", width="content")
    if is_asked:
        names = line(", ".join(each.name for each in files), 80)
        begin(f"Loading {names}", "load", options, [(each.name, each) for each in files])


def _unsure() -> dict[str, list[str]]:
    """The uploads that the last load could not tell the kind of: what each may be, by name."""
    work = _child.newest(_ask.state().folder)
    failed = work.outcome.summary.get("failed", []) if work and work.outcome else []
    return {Path(each["path"]).name: each["readers"] for each in failed if each.get("readers")}


def _choices(likely: Sequence[str]) -> list[str]:
    """The kind, likely ones first, the source's name and a reason for private content, as options of the command."""
    gets = {each.name: each.get for each in _documents.readers()}
    kinds = [*dict.fromkeys([*likely, *gets])]
    kind = st.selectbox("Kind of export", [INSIDE, *kinds], key="kind of export", help="Where two kinds fit, choose.")
    if kind in gets:
        st.caption(f"Where to get it: {gets[kind]}")
    source = st.text_input("Name of the source", key="source name", help="Only where the export does not name it.")
    private = st.text_input(
        "Why private messages may be read",
        key="private",
        help="Private channels and direct messages are left out, unless a reason stands here. The ledger keeps it.",
        placeholder="Empty: they are left out",
    )
    chosen = {"platform": "" if kind == INSIDE else kind, "source": source, "include-private": private}
    return [f"--{name}={value.strip()}" for name, value in chosen.items() if value and value.strip()]


def _exact_command() -> None:
    """The command for one export, to be copied: a path can hold what a shell takes for an order."""
    place = st.text_input(
        "Where does the export lie, on the machine that runs Hearth?", "path/to/export.zip", key="place"
    )
    st.code(command(f".venv/bin/python -m ingest load {shlex.quote(plain(place).strip())}"), language="shell")
    st.caption("If it is cut off, the same command goes on. Every page shows the new numbers, without a restart.")


def command(plainly: str) -> str:
    """A command for a terminal, with the folder and settings that this dashboard uses."""
    named = [
        f"{name}={shlex.quote(os.environ[name])}" for name in ("HEARTH_DATA", "HEARTH_SETTINGS") if os.environ.get(name)
    ]
    return " ".join([*named, plainly])
