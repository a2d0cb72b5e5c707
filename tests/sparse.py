"""A community from sparse rows: what a worked example leaves out has a plain default."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from data.records import Audience, Channel, Member, Message, Reaction, Source
from data.settings import Settings
from data.store import Chunk, Loader, Store

# What is said where a row tells only how it sounds, and the chances a scorer gives it: negative, neutral, positive.
SOUNDS = {
    "negative": ("This lamp is a bad one and it broke again.", (0.95, 0.04, 0.01)),
    "neutral": ("The lamp stands on the table by the door.", (0.01, 0.98, 0.01)),
    "positive": ("This lamp made the whole evening bright for us.", (0.01, 0.04, 0.95)),
}
LONG_BEFORE = "2025-01-06T00:00Z"  # data starts well before, so that newcomers can be told


def moment(text: str | datetime) -> datetime:
    """A time as a worked example writes it."""
    found = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    return found.astimezone(UTC)


def settings(given: Mapping[str, Any] | None = None) -> Settings:
    """Settings from a TOML table."""
    return msgspec.convert(dict(given or {}), Settings)


def message(row: Mapping[str, Any], number: int) -> Message:
    """One message; `by` is the member, `at` the time, `to` the message it answers, `in` the thread."""
    known = {"by", "at", "to", "in", "channel", "edited", "deleted", "source", "platform", "reactions", "sounds"}
    rest = {key: value for key, value in row.items() if key not in known}
    return Message(
        id=str(rest.pop("id", f"m{number}")),
        channel_id=row.get("channel", "help"),
        member_id=row.get("by") or None,
        sent_at=moment(row["at"]),
        text=rest.pop("text", SOUNDS.get(row.get("sounds", ""), ("How does this work?",))[0]),
        conversation_id=row.get("in"),
        parent_id=row.get("to"),
        basis="explicit" if row.get("to") else "thread" if row.get("in") and row.get("in") != row.get("id") else None,
        edited_at=moment(row["edited"]) if "edited" in row else None,
        deleted_at=moment(row["deleted"]) if "deleted" in row else None,
        mentions=tuple(rest.pop("mentions", ())),
        **rest,
    )


def chunk(
    rows: Iterable[Mapping[str, Any]],
    members: Sequence[Mapping[str, Any]],
    forum: Sequence[str],
    audience: Sequence[Audience] = (),
) -> Chunk:
    """Rows as records. Members whose id starts with `staff` or `bot` are flagged so by the platform."""
    rows = list(rows)
    messages = [message(row, number) for number, row in enumerate(rows)]
    flagged = {row["id"]: row for row in members}
    ids = sorted({each.member_id for each in messages if each.member_id} | set(flagged))
    return Chunk(
        messages=messages,
        channels=[
            Channel(id=name, name=name, kind="forum" if name in forum else "chat")
            for name in sorted({each.channel_id for each in messages})
        ],
        members=[
            Member(
                id=each,
                name=flagged.get(each, {}).get("name", each.title()),
                email=flagged.get(each, {}).get("email"),
                is_bot=each.startswith("bot"),
                is_staff=each.startswith("staff"),
            )
            for each in ids
        ],
        reactions=[
            Reaction(each.id, "heart", member_id=by)
            for each, row in zip(messages, rows, strict=True)
            for by in row.get("reactions", ())
        ],
        audience=list(audience),
    )


def load(
    store: Store,
    rows: Iterable[Mapping[str, Any]],
    given: Mapping[str, Any] | None = None,
    members: Sequence[Mapping[str, Any]] = (),
    forum: Sequence[str] = ("help",),
    since: str | None = LONG_BEFORE,
    until: str | None = None,
    audience: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Load rows, source by source, and publish. `since` and `until`: the range the export states. Totals go to each."""
    totals = [Audience(row["measure"], moment(row["at"]), row["value"], row.get("of", "")) for row in audience]
    rows = list(rows)
    sources = sorted({(row.get("platform", "forum"), row.get("source", "acme")) for row in rows}) or [("forum", "acme")]
    with store.loading(settings(given)) as loader:
        for platform, source in sources:
            mine = [r for r in rows if (r.get("platform", "forum"), r.get("source", "acme")) == (platform, source)]
            stated = Source(
                platform, source, source.title(), moment(since) if since else None, moment(until) if until else None
            )
            begun = loader.begin(stated, f"{source}.json")
            loader.take(begun, chunk(mine, members, forum, totals))
            loader.finish(begun)
        score(loader)
        loader.derive()
        loader.publish()


def put(folder: Path, rows: Iterable[Mapping[str, Any]], **options: Any) -> None:
    """Load rows into a folder where nothing is yet. The same rows are loaded once a process, and copied for the next.

    Not for who changes how rows are loaded: that one takes `load`.
    """
    rows = list(rows)
    told = json.dumps([rows, options], sort_keys=True, default=str)
    if told not in _LOADED:
        _LOADED[told] = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        load(Store(Path(_LOADED[told].name)), rows, **options)
    shutil.copytree(_LOADED[told].name, folder, dirs_exist_ok=True)


_LOADED: dict[str, tempfile.TemporaryDirectory[str]] = {}


def score(loader: Loader) -> None:
    """Let a scorer that knows only the texts of SOUNDS say how each message sounds."""
    labels = {text: (label, *chances) for label, (text, chances) in SOUNDS.items()}
    if count := loader.unscored("sparse", "1", everywhere=True):
        texts = loader.texts(0, count)
        known = [labels.get(text, (None,) * 4) for text in texts["text"].to_pylist()]
        label, negative, neutral, positive = zip(*known, strict=True)
        columns = {"negative": negative, "neutral": neutral, "positive": positive}
        scores = pa.table({"text_key": texts["text_key"], "label": pa.array(label, pa.string())})
        for name, values in columns.items():
            scores = scores.append_column(name, pa.array(values, pa.float32()))
        loader.keep_scores("sparse", "1", scores)
    loader.use_scorer("sparse", "1")


def store_of(folder: Path, rows: Iterable[Mapping[str, Any]], **options: Any) -> Store:
    """A new store with these rows."""
    store = Store(folder)
    load(store, rows, **options)
    return store
