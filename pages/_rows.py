"""Who is who, what channels are for, and when somebody is there: edited here, kept in hearth.toml."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from shlex import quote
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import streamlit as st

from data import settings_file
from data.settings import SettingsError, settings_path
from data.settings_file import Part
from pages import _ask, _load, _show, _words
from pages._ask import kept
from pages._safe import label, line, plain

SUGGESTED, TWICE = 10, 3
"""So many of each kind are suggested, and so many pairs of one name told."""
MISSING, AIMLESS = "People who may be missing here", "Channels without a purpose"
EDITS = "how often the settings were changed here"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WAS = "row"  # which row of the file a row of the editor is
CALLED = "called"  # what the account of a row by id is called: to be read, not to be written
COLUMNS: dict[Part, tuple[str, ...]] = {
    "roster": (
        "role", "name", "platform", "source", "id", "email_domain", "pattern", "valid_from", "valid_to",
    ),
    "channels": ("channel", "platform", "source", "purpose", "target_hours", "calendar"),
    "calendars": ("name", "time_zone", "days", "opens", "closes", "holidays", "valid_from"),
}  # fmt: skip
READ: dict[str, Callable[[str], Any]] = {
    "valid_from": date.fromisoformat, "valid_to": date.fromisoformat,
    "opens": time.fromisoformat, "closes": time.fromisoformat,
}  # fmt: skip
NAMED: dict[Part, tuple[str, ...]] = {
    "roster": ("platform", "source", "id"),
    "channels": ("platform", "source", "channel"),
}
CHOICES: dict[Part, str] = {"roster": "role", "channels": "purpose"}
HOURS: dict[str, Any] = {"days": DAYS[:5], "opens": time(9), "closes": time(17)}
Rows = Sequence[Mapping[str, Any]]
Suggestion = dict[str, dict[str, Any]]
"""What is shown of it, and the row that it would be."""
HELP = re.compile(r"help|support|question|ask|how-?to|troubleshoot|bug", re.IGNORECASE)
CHAT = re.compile(r"general|random|off-?topic|chat|lounge|introduc|announce|jobs?\b|show", re.IGNORECASE)


def people() -> None:
    """The roster, and people who look as if they belonged on it."""
    st.markdown(
        "Staff are the people whose answers count as ours; bots never answer. The first row that fits counts, and wins "
        "over the platform's own flag. A row names people by id, name, e-mail domain or pattern (`*` and `?`); what "
        "stands empty holds everywhere and always."
    )
    _editor("roster", "Roster", _people_missing)


def channels() -> None:
    """What channels are for, and when somebody is there to answer."""
    st.markdown(
        "In a **help** channel every opener needs a reply, in **chat** only a question does. The target says how soon; "
        "with a calendar it counts open hours. `*` and `?` stand for letters: `help-*`. The first row that fits counts."
    )
    _editor(
        "channels",
        "Channels",
        lambda held: _suggestions("channels", AIMLESS, _new("channels", _channels_suggested(), held)),
    )
    st.subheader("Calendars")
    st.markdown(
        "Rows of one name are versions: each holds from its day on, until the next one's. Holidays: 2026-12-25."
    )
    _editor("calendars", "Calendars")


def undo() -> None:
    """Take the last change of the settings back; or, once that is done, put it back."""
    path = settings_path()
    if not settings_file.may_write(path):
        return
    name, what = label(path.name), label(" and ".join(settings_file.last_changed(path)) or "settings")
    if settings_file.can_undo(path):
        words = f"It was of the {what}: {name} goes back to how it was before, and the numbers are worked out again."
        _way("Take back the last save", "undo", lambda: settings_file.undo_settings(path), words)
    elif settings_file.can_redo(path):
        words = f"The last save, of the {what}, is taken back. This saves it again, and works the numbers out again."
        _way("Put it back", "redo", lambda: settings_file.redo_settings(path), words)


def _way(title: str, key: str, write: Callable[[], None], words: str) -> None:
    """A button that goes a step back or forth, and what it does."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(title, key=key, disabled=_load.is_running()):
            _keep(write)
        st.caption(words, width="content")


# The editor ----------------------------------------------------------------------------------------


def _editor(part: Part, title: str, suggest: Callable[[Rows], Rows] = lambda _: ()) -> None:
    """The rows of a part in a table to write in, what `suggest` would add to them, and one button that keeps both."""
    path = settings_path()
    text = settings_file.settings_text(path)
    held = settings_file.rows_of(text, part)
    edited = st.data_editor(
        _table(part, held),
        num_rows="dynamic",
        hide_index=True,
        column_config=_columns(part),
        column_order=_shown(part),
        disabled=[CALLED],
        key=f"{part}-{st.session_state.get(EDITS, 0)}",
        alt=f"{title}: rows to edit",
        placeholder="",
    )
    ticked = suggest(held)
    try:
        rows = [*(_row(each) for each in edited.to_dict("records")), *((None, dict(each)) for each in ticked)]
        changed = settings_file.with_rows(text, part, rows, path)
    except (SettingsError, ValueError) as error:
        _wrong(error)
        return
    _saving(part, title, text, changed, rows, len(ticked))


def _saving(
    part: Part, title: str, text: str, changed: str, rows: Sequence[tuple[int | None, dict[str, Any]]], ticked: int
) -> None:
    """The button that keeps what was written and ticked; where the file may not be written, the rows to paste."""
    path = settings_path()
    if changed == text:
        tick, or_tick = (" or tick", ", or tick a suggestion") if part in CHOICES else ("", "")
        none = "" if rows else f"No row yet: click into the empty one{or_tick}. "
        st.caption(f"{none}What you write{tick} here is kept in {label(path.name)} once you save it.")
    elif settings_file.may_write(path):
        if st.button(f"Save the {title.lower()}", type="primary", key=f"save-{part}", disabled=_load.is_running()):
            _keep(lambda: settings_file.write_settings(path, changed, text))
        told = f"{_words.count(ticked, 'suggestion is', 'suggestions are')} ticked. " if ticked else ""
        st.caption(f"{told}Nothing is saved yet. Saving works every number out again, and can be taken back.")
    else:
        st.info(f"This dashboard may not write {label(str(path))}. Put this into it, in place of its [[{part}]] rows:")
        st.code(plain(settings_file.only_rows(part, [row for _, row in rows])), language="toml")
        st.markdown(f"Then: `{_load.command(_load.DERIVE)}`")


def _wrong(error: Exception) -> None:
    st.info("This cannot be saved yet.")
    st.text(plain(error.row or str(error) if isinstance(error, SettingsError) else str(error)))


def _keep(write: Callable[[], None]) -> None:
    """Change the file, then work the numbers out again."""
    try:
        write()
    except SettingsError as error:
        _wrong(error)
        return
    st.session_state[EDITS] = st.session_state.get(EDITS, 0) + 1
    if _load.may_load():
        _load.begin("Working the new settings in", "derive")
    st.rerun()


def _table(part: Part, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A part's rows as the editor shows them.

    Of objects: to a typed column that is empty the editor cannot add a row without a value.
    """
    told = [{**(HOURS if part == "calendars" else {}), **row, WAS: number} for number, row in enumerate(rows)]
    for row in told:
        if isinstance(row.get("holidays"), list):
            row["holidays"] = ", ".join(str(day) for day in row["holidays"])
    shown = [*_shown(part), WAS]
    if part == "roster":
        told = [{**row, CALLED: name} for row, name in zip(told, _called(rows), strict=True)]
    return pd.DataFrame([{name: row.get(name) for name in shown} for row in told], columns=shown, dtype=object)


def _shown(part: Part) -> tuple[str, ...]:
    """A part's columns as the editor has them: the roster's with the names that ids stand for."""
    at = COLUMNS[part].index("id") + 1 if part == "roster" else 0
    return (*COLUMNS[part][:at], CALLED, *COLUMNS[part][at:]) if at else COLUMNS[part]


def _called(rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """What the account of each row by id is called, where anybody with it spoke."""
    known = _named(rows)
    return [next((f"{_who(each)}, {_seen(each)}" for each in known if _fits(row, each)), None) for row in rows]


def _named(rows: Rows) -> list[_ask.Row]:
    """The accounts that have one of the ids of some rows."""
    ids = tuple(sorted({str(row["id"]) for row in rows if row.get("id")}))
    return _ask.read("named", ids=ids).to_dicts() if ids else []


def _seen(account: Mapping[str, Any]) -> str:
    """By what an account is known from others of its name: "@ana, 12 messages, last on 3 May 2026"."""
    handle = [f"@{line(account['handle'], 40)}"] if account["handle"] else []
    last = _words.day(account["last_at"].astimezone(_ask.state().settings.zone))
    return ", ".join([*handle, _words.count(account["messages"], "message"), f"last on {last}"])


def _fits(row: Mapping[str, Any], account: Mapping[str, Any]) -> bool:
    places = all(row.get(place) in (None, account[place]) for place in ("platform", "source"))
    return places and row.get("id") == account["member_id"]


def _row(shown: Mapping[str, Any]) -> tuple[int | None, dict[str, Any]]:
    """A row of the editor as the file holds it. Raises ValueError for a day or time that is none."""
    row = {name: value for name, value in shown.items() if isinstance(value, list) or not pd.isna(value)}
    was = row.pop(WAS, None)
    row.pop(CALLED, None)
    for name in READ.keys() & row.keys():
        row[name] = READ[name](row[name]) if isinstance(row[name], str) else row[name]
    if "holidays" in row:
        row["holidays"] = [date.fromisoformat(day) for day in re.split(r"[,\s]+", row["holidays"].strip()) if day]
    return None if was is None else int(was), row


def _columns(part: Part) -> dict[str, Any]:
    """How each column is written in."""
    column, days = st.column_config, _words.days_in_tables()
    kinds = {
        "role": column.SelectboxColumn("Role", options=["staff", "member", "bot"], required=True, default="staff"),
        "purpose": column.SelectboxColumn("Purpose", options=["help", "chat"]),
        "target_hours": column.NumberColumn("Target, hours", min_value=0.0),
        "calendar": column.SelectboxColumn("Calendar", options=_calendars()),
        "days": column.MultiselectColumn("Days", options=list(DAYS)),
        "channel": column.TextColumn("Channel", required=True),
        "platform": column.SelectboxColumn("Platform", options=_platforms()),
        "opens": column.TimeColumn("Opens", format="HH:mm"),
        "closes": column.TimeColumn("Closes", format="HH:mm"),
        "valid_from": column.DateColumn("From", format=days, help="From this day on. Empty: since ever."),
        "valid_to": column.DateColumn("Until", format=days, help="Up to, but not on, this day. Empty: still."),
        "email_domain": column.TextColumn("E-mail domain"),
        "pattern": column.TextColumn("Pattern", help="Of a name or handle, such as *-feed"),
        "id": column.TextColumn("Id", help="The platform's own"),
        CALLED: column.TextColumn("Whose it is", help="Whose account has this id: to be read only."),
    }
    if part == "calendars":
        kinds["name"] = column.TextColumn("Name", required=True)
    return {name: kinds.get(name, name.replace("_", " ").capitalize()) for name in _shown(part)}


def _calendars() -> list[str]:
    return sorted({each.name for each in _ask.state().settings.calendars})


def _platforms() -> list[str]:
    settings = _ask.state().settings
    named = {row.platform for row in settings.roster} | {row.platform for row in settings.channels}
    return sorted({name for name in named if name} | set(_ask.read("sources")["platform"].to_list()))


# Suggestions ---------------------------------------------------------------------------------------


def _new(part: Part, found: list[Suggestion], held: Rows) -> list[Suggestion]:
    """The suggestions that the file does not follow yet."""
    named = [{name: row.get(name) for name in NAMED[part]} for row in held]
    return [each for each in found if {name: each["row"][name] for name in NAMED[part]} not in named]


def _people_missing(held: Rows) -> Rows:
    """Who may be missing, and who stands twice; the rows that are ticked."""
    found = _new("roster", _people_suggested(), held)
    ticked = _suggestions("roster", MISSING, found)
    with _show.contained("Who stands here twice"):
        _twice()
    return ticked


def _twice() -> None:
    """Accounts of one name that stand in the roster or beside it: that they may be one person's, and how to say so."""
    for one, other in _ask.twins()[:TWICE]:
        st.markdown(
            f"**{label(_who(one))}** stands here twice. The first command joins the two accounts, so that they never "
            "answer their own ask; the role stays each account’s. The second says that they are two people, and they "
            f"are not named here any more. Both count from the next load or `{_load.DERIVE}` on."
        )
        accounts = f'{quote(plain(_account_of(one)))} {quote(plain(_account_of(other)))} --by "Your name"'
        both = (_load.command(f".venv/bin/python -m ingest people {word} {accounts}") for word in ("same", "different"))
        st.code("\n".join(both), language="shell", wrap_lines=True)


def _account_of(row: Mapping[str, Any]) -> str:
    """An account as the command names it."""
    return ":".join((row["platform"], row["source"], row["member_id"]))


def _suggestions(part: Part, title: str, found: list[Suggestion]) -> Rows:
    """What Hearth would add, to be ticked: nothing is added by itself. The rows that are ticked."""
    if not found:
        return ()
    with st.expander(f"{title}: {len(found)}", key=f"{part}-suggested"):
        choice = CHOICES[part]
        rows = st.data_editor(
            pl.DataFrame([{"add": False, **each["shown"]} for each in found]),
            hide_index=True,
            disabled=[name for name in found[0]["shown"] if name != choice],
            column_config=_suggested_columns(part, found[0]["shown"]),
            key=f"{part}-suggested-{st.session_state.get(EDITS, 0)}",
            alt=title,
        ).to_dicts()
    return [each["row"] | {choice: row[choice]} for each, row in zip(found, rows, strict=True) if row["add"]]


def _suggested_columns(part: Part, shown: Mapping[str, Any]) -> dict[str, Any]:
    """How each column of the suggestions is shown, and which may be chosen from."""
    column = st.column_config
    options = {"role": ["staff", "member", "bot"], "purpose": ["help", "chat"]}
    return {name: name.capitalize() for name in shown} | {
        "add": column.CheckboxColumn("Add"),
        CHOICES[part]: column.SelectboxColumn(
            CHOICES[part].capitalize(), options=options[CHOICES[part]], required=True
        ),
        "messages": column.NumberColumn("Messages", format="localized"),
        "last_seen": _show.moments("Last seen"),
    }


@kept(4)
def _people_suggested() -> list[Suggestion]:
    """Members who answer first so often that they may be staff, or who speak as bots do."""
    found = _ask.read("suggested_roles", limit=SUGGESTED).to_dicts()
    return [
        {
            "shown": {
                "role": row["role"], "who": _who(row), "account": _account(row), "where": _where(row),
                "why": _why(row), "messages": row["messages"], "last_seen": row["last_at"],
            },
            "row": {
                "platform": row["platform"], "source": row["source"], "id": row["member_id"],
                settings_file.NOTE: _who(row),
            },
        }
        for row in found
    ]  # fmt: skip


def _who(row: Mapping[str, Any]) -> str:
    return line(row["name"] or row["handle"] or row["member_id"], 60)


def _account(row: Mapping[str, Any]) -> str:
    """What tells an account from another of the same name: its handle, and the platform's own id."""
    handle = f"@{line(row['handle'], 40)}" if row["handle"] and row["handle"] != row["member_id"] else ""
    return " · ".join(filter(None, (handle, line(row["member_id"], 40))))


def _where(row: Mapping[str, Any]) -> str:
    return f"{_words.platform(row['platform'])} · {line(row['source_name'], 40)}"


def _why(row: Mapping[str, Any]) -> str:
    if row["role"] == "staff":
        return f"first to answer {row['first_replies']:,} of {_words.count(row['answered'], 'answered ask')}"
    if row["is_named_so"]:
        return "called like a bot"
    return f"of {_words.count(row['messages'], 'message')} only {_words.percent(row['differing_share'])} differ"


@kept(4)
def _channels_suggested() -> list[Suggestion]:
    """Chat channels whose purpose nobody has said, the busiest first, and what their name suggests."""
    places = _ask.read("places").filter(pl.col("purpose").is_null()).sort("messages", descending=True).head(30)
    return [
        {
            "shown": {
                "purpose": _purpose(row["channel_name"] or "", row["kind"]),
                "channel": line(row["channel_name"] or row["channel"]),
                "where": _where(row), "messages": row["messages"],
            },
            "row": {
                "channel": row["channel"], "platform": row["platform"], "source": row["source"],
                settings_file.NOTE: line(row["channel_name"], 60),
            },
        }
        for row in places.to_dicts()
    ]  # fmt: skip


def _purpose(name: str, kind: str | None) -> str:
    """What a name suggests; where it says nothing: as it would count without a purpose."""
    if CHAT.search(name) or HELP.search(name):
        return "chat" if CHAT.search(name) else "help"
    return "chat" if kind == "chat" else "help"
