"""Deriving only what the news concerns gives the tables that deriving everything gives."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data import store as door
from data.identities import Identities
from data.marks import Marks, Target
from data.records import Source
from data.store import Busy, Store
from tests import sparse

SAID = (
    "How does the lamp work?", "Thanks!", "ok", "It is on the shelf by the door.", "And then?", "Turn it twice.",
    sparse.SOUNDS["negative"][0], sparse.SOUNDS["positive"][0], sparse.SOUNDS["neutral"][0],
)  # fmt: skip
SETTINGS = {
    "community": {"time_zone": "Europe/Berlin", "brands": ["lamp"]},
    "calendars": [{"name": "office", "opens": time(9), "closes": time(17)}],
    "channels": [{"channel": "help", "purpose": "help", "target_hours": 8, "calendar": "office"}],
}  # fmt: skip
START = datetime(2026, 1, 5, tzinfo=UTC)
SLICES = (20, 45, 60)  # lines: ninety of them in five slices, in three, in two


def community(rng: random.Random, size: int) -> list[dict[str, Any]]:
    """Messages over half a year: chat and threads, answers to what is there and to what is missing, mentions."""
    people = [f"p{number}" for number in range(8)] + ["staff_kim", "staff_lee", "bot_hal"]
    rows: list[dict[str, Any]] = []
    at = START
    for number in range(size):
        at += timedelta(minutes=rng.choice((1, 5, 25, 40, 300, 1500, 9000, 50000)))
        row: dict[str, Any] = {
            "id": f"m{number}", "by": rng.choice([*people, *people[:3], None]), "at": at,
            "channel": rng.choice(("help", "lounge", "forum")), "text": rng.choice(SAID),
        }  # fmt: skip
        if row["channel"] == "forum" and rows and rng.random() < 0.7:
            row["in"] = rng.choice([each["id"] for each in rows[-6:]])
        elif rng.random() < 0.35:
            row["to"] = f"m{max(0, number + rng.choice((-1, -2, -3, -7, 2)))}"
            row["at"] -= timedelta(hours=rng.choice((0, 0, 0, 30)))
        if rng.random() < 0.2:
            row["mentions"] = (rng.choice(people),)
        if rng.random() < 0.1:
            row["reactions"] = [rng.choice(people)]
        if rng.random() < 0.05:
            row["kind"] = "system"
        rows.append(row)
    return rows


def later_versions(rng: random.Random, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some of them edited, deleted, no longer anybody's, or reacted to."""
    changed: list[dict[str, Any]] = []
    for row in rows:
        edited = row["at"] + timedelta(days=1)
        ways = ({"deleted": edited.isoformat()}, {"edited": edited.isoformat(), "text": rng.choice(SAID)},
                {"edited": edited.isoformat(), "by": None}, {"reactions": ["staff_kim"]},
                {"edited": edited.isoformat(), "kind": "system"})  # fmt: skip
        changed.append({**row, **rng.choice(ways)})
    return changed


def load(store: Store, rows: list[dict[str, Any]], until: datetime) -> None:
    """One export, whose days end where it says."""
    with store.loading(sparse.settings(SETTINGS)) as loader:
        begun = loader.begin(Source("forum", "acme", "Acme", sparse.moment(START), sparse.moment(until)), "acme.json")
        loader.take(begun, sparse.chunk(rows, [], ["forum"]))
        loader.finish(begun)
        sparse.score(loader)
        loader.derive()
        loader.publish()


def derive_all(store: Store) -> None:
    with store.loading(sparse.settings(SETTINGS)) as loader:
        loader.touch_all()
        loader.derive()
        loader.publish()


def derived(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every derived table, sorted."""
    names = re.findall(r"^create or replace table (\w+)", (door.HERE / "derived.sql").read_text("utf-8"), re.MULTILINE)
    return {name: store.query(f"from {name} order by all").rows() for name in names}


@pytest.mark.parametrize("seed", range(5))
def test_a_few_news_at_a_time_give_the_tables_that_all_at_once_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whatever comes, in whatever order: answers before what they answer, edits, deletions, new silences.

    And in however many slices.
    """
    monkeypatch.setattr(door, "FEW", 100)
    rng = random.Random(seed)
    store, rows = Store(tmp_path), community(rng, 90)
    late = rng.sample(rows[10:], 25)
    first = [row for row in rows if row not in late]
    pieces = [first[:50], first[50:], late[:12], [*late[12:], *later_versions(rng, rng.sample(rows, 6))]]
    until = START
    for piece in pieces:
        until = max(until, *(row["at"] for row in piece)) + timedelta(days=rng.choice((0, 40)))
        monkeypatch.setattr(door, "SLICE", SLICES[seed % len(SLICES)])
        load(store, piece, until)
        found = derived(store)
        monkeypatch.setattr(door, "SLICE", 1000)
        derive_all(store)
        for name, table in derived(store).items():
            assert found[name] == table, name
        if seed % 2 and piece is pieces[0]:
            merge(store)
    decide(store, rng, first[:50])
    assert store.follow_marks(sparse.settings(SETTINGS))
    found = derived(store)
    derive_all(store)
    for name, table in derived(store).items():
        assert found[name] == table, f"{name}, after what people decided"


def decide(store: Store, rng: random.Random, rows: list[dict[str, Any]]) -> None:
    """People mark asks, label messages, and take some of both back."""
    with closing(Marks(store.folder)) as marks:
        for row in rng.sample(rows, 6):
            target = Target("forum", "acme", row["id"])
            marks.add("ask", target, rng.choice(("answered", "no_reply", "mine")), "Ana")
            marks.add("label", target, rng.choice(("negative", "neutral", "positive")), "Ben")
        for kind in ("ask", "label"):
            marks.undo(rng.choice(marks.current(kind)["id"].to_pylist()), "Cem")


def merge(store: Store) -> None:
    """Two accounts are one person's."""
    with closing(Marks(store.folder)) as marks:
        Identities(store, marks).decide("same", "forum:acme:p6", "forum:acme:p7", "Ana")


def test_only_what_the_news_concerns_is_written_again(tmp_path: Path) -> None:
    """Of a hundred threads one gets an answer: the rows of the others stay as they lie."""
    rows = [
        {"id": f"q{number}", "by": f"p{number}", "at": START + timedelta(hours=number), "in": f"q{number}"}
        for number in range(100)
    ]
    store, until = Store(tmp_path), START + timedelta(days=30)
    load(store, rows, until)
    _spoil(store, "update asks set reason = 'as it lay'")
    load(store, [{"id": "a7", "by": "p8", "at": START + timedelta(hours=200), "in": "q7"}], until)
    reasons = dict(store.query("select message_id, reason from asks").rows())
    assert {name for name, reason in reasons.items() if reason != "as it lay"} == {"q7", "q8", "a7"}


def _spoil(store: Store, sql: str) -> None:
    """Change the loader's own database behind its back."""
    master = store.folder / door.MASTER
    door._make_own(master)
    with duckdb.connect(str(master)) as connection:
        connection.execute(sql)


def test_a_mark_concerns_its_own_message(tmp_path: Path) -> None:
    """Of a hundred threads one is marked: the rows of the others stay as they lie, and nothing is published twice."""
    rows = [
        {"id": f"q{number}", "by": f"p{number}", "at": START + timedelta(hours=number), "channel": "forum"}
        for number in range(100)
    ]
    store, given = Store(tmp_path), sparse.settings(SETTINGS)
    load(store, rows, START + timedelta(days=30))
    with closing(Marks(tmp_path)) as marks:
        marks.add("ask", Target("forum", "acme", "q7"), "mine", "Ana")
        assert store.follow_marks(given)
        assert store.snapshot == "snap-000001.duckdb", "whose it is changes no number"
        number = marks.add("ask", Target("forum", "acme", "q7"), "no_reply", "Ana")
        _spoil(store, "update asks set reason = 'as it lay'")
        assert store.follow_marks(given)
        assert _reasons(store) == {"as it lay", "marked: no reply needed"}
        marks.undo(number, "Ben")
        assert store.follow_marks(given)
        assert _reasons(store) == {"as it lay", "question"}
        snapshot = store.snapshot
        assert store.follow_marks(given)
        assert store.snapshot == snapshot


def _reasons(store: Store) -> set[str]:
    return set(store.query("select distinct reason from asks")["reason"])


def test_marks_wait_for_a_load_where_more_has_changed(tmp_path: Path) -> None:
    """Other settings, or a load that was cut off: that is no work for between two clicks."""
    store = Store(tmp_path)
    load(store, [{"id": "q", "by": "p", "at": START, "in": "q"}], START + timedelta(days=3))
    with closing(Marks(tmp_path)) as marks:
        marks.add("ask", Target("forum", "acme", "q"), "no_reply", "Ana")
    snapshot = store.snapshot
    assert not store.follow_marks(sparse.settings({**SETTINGS, "community": {"time_zone": "Asia/Tokyo"}}))
    assert store.snapshot == snapshot
    derive_all(store)
    assert _reasons(store) == {"marked: no reply needed"}
    with store.loading(sparse.settings(SETTINGS)) as loader:
        with pytest.raises(Busy):
            store.follow_marks(sparse.settings(SETTINGS))
        begun = loader.begin(Source("forum", "acme", "Acme"), "more.json")
        loader.take(begun, sparse.chunk([{"id": "r", "by": "s", "at": START, "in": "q"}], [], ["forum"]))
    assert not store.follow_marks(sparse.settings(SETTINGS))
