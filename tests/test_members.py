"""Who comes, stays and leaves: what worked examples of one load cannot show."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from data.records import Audience, Channel, Message, Source
from data.store import Chunk, Store
from tests import sparse
from tests.test_metrics import rows_of

BY_WEEK = [
    "newcomer_welcome", "newcomer_return", "retention", "relationship_depth", "conversation_share",
    "two_way_conversations", "unanswered_then_lost",
]  # fmt: skip


def daily(who: str, since: str, days: int) -> list[dict[str, Any]]:
    """One message a day."""
    first = date.fromisoformat(since)
    return [{"id": f"{who}-{n}", "by": who, "at": f"{first + timedelta(n)}T10:00Z"} for n in range(days)]


@pytest.fixture(scope="module")
def with_a_hole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two loads with a week between them."""
    folder = tmp_path_factory.mktemp("hole")
    store = sparse.store_of(folder, daily("ana", "2026-01-05", 7), until="2026-01-11T20:00Z")
    sparse.load(store, daily("ana", "2026-01-19", 7), since="2026-01-19T00:00Z", until="2026-03-01T00:00Z")
    return store


@pytest.mark.parametrize("name", BY_WEEK)
def test_a_week_that_no_load_covers_is_unknown_never_zero(name: str, with_a_hole: Store) -> None:
    hole = [row for row in rows_of(with_a_hole, name) if row["week"] == date(2026, 1, 12)]
    assert hole
    for row in hole:
        assert {row.get(key) for key in ("share", "low", "difference", "pairs", "two_way_share")} == {None}


def test_a_month_that_no_load_covers_is_unknown_never_zero(tmp_path: Path) -> None:
    store = sparse.store_of(tmp_path, daily("ana", "2026-01-05", 7), until="2026-01-31T20:00Z")
    sparse.load(store, daily("ben", "2026-03-01", 7), since="2026-03-01T00:00Z", until="2026-04-01T00:00Z")
    shares = {(row["cohort"].month, row["month"]): row["share"] for row in rows_of(store, "cohort_return")}
    assert shares == {(1, 0): 1.0, (1, 1): None, (1, 2): 0.0, (3, 0): 1.0}


@pytest.mark.parametrize(("stated", "is_silence"), [("2026-01-10T20:00Z", False), ("2026-02-28T20:00Z", True)])
def test_a_hole_in_the_data_is_no_silence(stated: str, is_silence: bool, tmp_path: Path) -> None:
    """ana's last word is of 9 Jan. Where no load covers what came after, nobody knows whether she left."""
    store = sparse.store_of(tmp_path, daily("ana", "2026-01-05", 5), until=stated)
    sparse.load(store, daily("ben", "2026-03-01", 3), since="2026-03-01T00:00Z")
    assert [row["member"] for row in rows_of(store, "drifting")] == ["ana"] * is_silence
    assert rows_of(store, "unanswered_then_lost")[0]["lapsed"] == is_silence


def test_who_is_still_here_in_another_channel_has_not_lapsed(tmp_path: Path) -> None:
    asked = {"by": "ana", "at": "2026-01-05T10:00Z"}
    here = {"by": "ana", "at": "2026-01-20T10:00Z", "channel": "lounge"}
    for rows, lapsed in (([asked], 1), ([asked, here], 0)):
        store = sparse.store_of(tmp_path / str(lapsed), rows, until="2026-02-10T00:00Z")
        assert rows_of(store, "unanswered_then_lost", channels=["help"])[0]["lapsed"] == lapsed


def test_retention_is_what_member_flow_retains_of_what_it_retains_and_loses(tmp_path: Path) -> None:
    people = {f"p{number}": number for number in range(2, 9)}
    rows = [row for who, step in people.items() for row in daily(who, "2025-11-03", 90)[:: step * 2]]
    store = sparse.store_of(tmp_path, rows, until="2026-02-01T00:00Z")
    question: dict[str, Any] = {"since": "2025-11-10", "until": "2026-01-26"}
    retained, flow = (rows_of(store, name, **question) for name in ("retention", "member_flow"))
    assert [row["retained"] for row in retained] == [row["retained"] for row in flow]
    assert [row["members"] for row in retained] == [row["retained"] + row["lapsed"] for row in flow]
    assert len({row["share"] for row in retained}) > 3


def test_what_staff_say_in_private_is_no_share_of_the_conversation(tmp_path: Path) -> None:
    store = Store(tmp_path)
    at = sparse.moment("2026-01-06T10:00Z")
    with store.loading(sparse.settings()) as loader:
        begun = loader.begin(Source("forum", "acme", "Acme", at - timedelta(9), at + timedelta(9)), "acme.json")
        channels = [Channel("open", "open"), Channel("shut", "shut", is_private=True)]
        said = [Message(f"m-{each.id}", each.id, "staff_kim", at, "A new lamp is out.") for each in channels]
        members = sparse.chunk([], [{"id": "staff_kim"}], []).members
        loader.take(begun, Chunk(messages=said, channels=channels, members=members))
        loader.finish(begun)
        loader.derive()
        loader.publish()
    assert rows_of(store, "conversation_share")[0]["broadcast"] == 1


def test_of_two_totals_for_one_moment_the_one_loaded_last_stays(tmp_path: Path) -> None:
    """A platform revises its totals, up or down; loading the same again changes nothing."""
    total = {"measure": "impressions", "at": "2026-01-05T00:00Z"}
    store = sparse.store_of(tmp_path, [], audience=[{**total, "value": 55, "of": "post"}, {**total, "value": 40}])
    sparse.load(store, [], audience=[{**total, "value": 38}])
    sparse.load(store, [], audience=[{**total, "value": 38}])
    assert [(row["of_what"], row["value"]) for row in rows_of(store, "audience")] == [("", 38.0), ("post", 55.0)]
    assert store.query("from audience").height == 2


def test_of_two_totals_for_one_moment_in_one_export_the_higher_stays(tmp_path: Path) -> None:
    totals = [{"measure": "likes", "at": "2026-01-05T00:00Z", "value": value} for value in (3, 5, 4)]
    assert [row["value"] for row in rows_of(sparse.store_of(tmp_path, [], audience=totals), "audience")] == [5.0]


def test_totals_of_another_source_stay_as_they_are(tmp_path: Path) -> None:
    totals = [{"measure": "likes", "at": "2026-01-05T00:00Z", "value": 3}]
    store = sparse.store_of(tmp_path, [], audience=totals)
    bolt = [{"by": "ana", "at": "2026-01-05T10:00Z", "source": "bolt"}]
    sparse.load(store, bolt, audience=[{**totals[0], "value": 9}])
    assert [(row["source"], row["value"]) for row in rows_of(store, "audience")] == [("acme", 3.0), ("bolt", 9.0)]


def test_of_the_demo_nothing_is_left(tmp_path: Path) -> None:
    """Every table that holds anything of a source is emptied of it when the demo leaves."""
    store = Store(tmp_path)
    rows = [
        *daily("ana", "2026-01-05", 3),
        {"by": "staff_kim", "at": "2026-01-05T11:00Z", "to": "ana-0", "text": "Turn it twice."},
    ]
    totals = Audience("likes", sparse.moment("2026-01-05T10:00Z"), 3)
    with store.loading(sparse.settings()) as loader:
        stated = Source("demo", "acme", "Acme", sparse.moment("2025-01-06T00:00Z"), sparse.moment("2026-03-01T00:00Z"))
        begun = loader.begin(stated, "demo", is_demo=True)
        loader.take(begun, sparse.chunk(rows, [], ["help"], [totals]))
        loader.finish(begun)
        loader.derive()
        loader.publish()
    tables = ("newcomers", "lapses", "staff_days", "audience")
    assert all(store.query(f"from {name}").height for name in tables)
    with store.loading(sparse.settings()) as loader:
        loader.forget_demo()
        loader.publish()
    assert not any(store.query(f"from {name}").height for name in tables)
