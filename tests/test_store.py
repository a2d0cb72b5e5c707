"""The store: what goes in once stays, in any order; what is cut off goes on; what is read is whole."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import store as door
from data.records import Message, Refused, Source
from data.store import Busy, Chunk, NoData, Store, StoreError
from tests import sparse

ROWS: list[dict[str, Any]] = [
    {"id": "q1", "by": "ana", "at": "2026-01-05T10:00Z", "reactions": ["ben"]},
    {"id": "a1", "by": "staff_kim", "at": "2026-01-05T12:00Z", "to": "q1", "text": "Turn it twice."},
    {"id": "q2", "by": "ben", "at": "2026-01-06T10:00Z", "in": "t2"},
    {"id": "a2", "by": "ana", "at": "2026-01-06T12:00Z", "in": "t2", "text": "Turn it twice."},
    {"id": "s1", "by": "cem", "at": "2026-01-07T10:00Z", "kind": "system", "text": "cem has joined"},
]


def tables(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every table of facts and all that is derived, without the ledger: what must not depend on how it was loaded."""
    names = (
        "sources", "channels", "members", "messages", "reactions", "places", "source_days", "people",
        "resolved", "conversations", "asks", "member_days", "member_weeks", "reply_pairs",
        "newcomers", "lapses", "staff_days", "audience",
    )  # fmt: skip
    return {name: store.query(f"from {name} order by all").to_dicts() for name in names}


def load_rows(store: Store, rows: list[dict[str, Any]]) -> None:
    sparse.load(store, rows, since="2026-01-01T00:00Z", until="2026-01-31T00:00Z")


def test_loading_the_same_again_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    load_rows(store, ROWS)
    once = tables(store)
    load_rows(store, ROWS)
    assert tables(store) == once
    (again, first) = store.read("loads").to_dicts()
    assert (first["inserted"], first["unchanged"]) == (5, 0)
    assert (again["inserted"], again["updated"], again["unchanged"]) == (0, 0, 5)


def versions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few messages, some of them in several versions: edited, deleted, both."""
    rows = []
    for number in range(draw(st.integers(1, 5))):
        base = {"id": f"m{number}", "by": f"p{number % 3}", "at": f"2026-01-{10 + number:02}T10:00Z", "text": "How so?"}
        rows.append(base)
        rows += [
            {**base, "text": f"How so, version {edit}?", "edited": f"2026-01-20T1{edit}:00Z"}
            for edit in range(draw(st.integers(0, 2)))
        ]
        if draw(st.booleans()):
            rows.append({**base, "text": "", "deleted": "2026-01-15T10:00Z"})
    return rows


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.composite(versions)(), st.randoms(use_true_random=False))
def test_overlapping_exports_in_any_order_give_the_same_tables(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], rng: random.Random
) -> None:
    """The newest edit wins; a deletion wins for ever, even when an older export is loaded later."""
    straight, shuffled = (Store(tmp_path_factory.mktemp("order")) for _ in range(2))
    load_rows(straight, rows)
    mixed = rows * 2
    rng.shuffle(mixed)
    cut = rng.randrange(len(mixed))
    for part in (mixed[:cut], mixed[cut:]):
        if part:
            load_rows(shuffled, part)
    assert tables(shuffled) == tables(straight)
    for row in straight.query("from messages").to_dicts():
        mine = [each for each in rows if each["id"] == row["message_id"]]
        assert (row["deleted_at"] is not None) == any("deleted" in each for each in mine)
        if row["deleted_at"] is None:
            assert row["text"] == mine[-1]["text"]


def test_a_chunk_that_does_not_add_up_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    load_rows(store, ROWS[:1])
    monkeypatch.setattr(door.Loader, "_take_messages", lambda *_: door.Fate(read=5, inserted=4))
    with pytest.raises(StoreError, match="does not add up"):
        load_rows(store, ROWS)
    monkeypatch.undo()
    with store.loading(sparse.settings()) as loader:
        loader.publish()
    assert store.query("from messages").height == 1


def test_refused_records_are_kept_once_with_their_bytes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    broken = Refused("a.json", "byte 12", "text is a number", b'{"text": 5}\xff')
    for _ in range(2):
        with store.loading(sparse.settings()) as loader:
            begun = loader.begin(Source("forum", "acme", "Acme"), "a.json")
            fate = loader.take(begun, Chunk(refused=[broken]))
            loader.finish(begun)
            loader.derive()
            loader.publish()
        assert (fate.read, fate.refused) == (1, 1)
    (row,) = store.read("refused").to_dicts()
    assert (row["file"], row["place"], row["raw"]) == ("a.json", "byte 12", b'{"text": 5}\xff')


def test_what_a_later_load_of_the_same_file_reads_well_waits_no_longer(tmp_path: Path) -> None:
    """It stays in the quarantine with its bytes; another file's refusal, or the same once more, counts."""
    store = Store(tmp_path)
    broken = [Refused("a.json", f"byte {at}", "text is a number", b'{"text": %d}' % at) for at in range(2)]
    waiting = []
    for file, refused in (
        ("a.zip", broken),
        ("b.zip", []),
        ("a.zip", broken[:1]),
        ("a.zip", []),
        ("a.zip", broken[1:]),
    ):
        with store.loading(sparse.settings()) as loader:
            begun = loader.begin(Source("forum", "acme", "Acme"), file)
            loader.take(begun, Chunk(refused=refused))
            loader.finish(begun)
            loader.derive()
            loader.publish()
        waiting.append(sorted(store.read("refused")["place"]))
        assert store.read("refused_by_reason")["count"].sum() == len(waiting[-1])
    assert waiting == [["byte 0", "byte 1"], ["byte 0", "byte 1"], ["byte 0"], [], ["byte 1"]]
    assert store.query("from refused").height == 2


@pytest.mark.parametrize(
    ("row", "is_matched"),
    [
        ({"id": "ana"}, True),
        ({"id": "Ana"}, False),
        ({"name": "ANA"}, True),
        ({"name": "an"}, False),
        ({"pattern": "A*"}, True),
        ({"pattern": "b*"}, False),
        ({"id": "ana", "platform": "forum"}, True),
        ({"id": "ana", "platform": "slack"}, False),
        ({"id": "ana", "source": "Acme"}, True),
        ({"id": "ana", "source": "acme"}, True),
        ({"id": "ana", "source": "other"}, False),
        ({"id": "ana", "name": "ben"}, False),
        ({"email_domain": "acme.example"}, True),
        ({"email_domain": "example"}, False),
    ],
)
def test_a_roster_row_is_said_to_match_where_the_rules_match_it(
    row: dict[str, str], is_matched: bool, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    ana = {"id": "ana", "name": "Ana", "email": "ana@acme.example"}
    sparse.load(store, ROWS[:1], {"roster": [{"role": "staff", **row}]}, members=[ana])
    naming = dict.fromkeys(("platform", "source", "id", "name", "email_domain", "pattern")) | row
    assert (store.query("from people")["role"].to_list() == ["staff"]) == is_matched
    assert store.read("roster_unmatched", rows=[{"number": 1, **naming}]).is_empty() == is_matched


def test_a_source_is_called_what_the_settings_call_it(tmp_path: Path) -> None:
    """Everywhere, also after another load; by its id or its export's name; and without a row as its export does."""
    store = Store(tmp_path)
    row = {"platform": "forum", "source": "Acme", "name": "The Acme forum"}
    staff = [{"role": "staff", "source": "Acme", "id": "ana"}]
    given = {"sources": [row, row | {"name": "Never"}], "roster": staff}
    called = []
    for said in ({}, given, given, given | {"sources": [row | {"source": "acme"}]}, {}):
        sparse.load(store, ROWS[:1], said)
        tables = [store.read(name)["source_name"].unique().to_list() for name in ("sources", "places", "coverage")]
        assert tables[0] == tables[1] == tables[2]
        called += tables[0]
        if said:
            assert store.query("from people")["role"].to_list() == ["staff"], "the export's name still stands for it"
            naming = dict.fromkeys(("platform", "name", "email_domain", "pattern")) | {"source": "Acme", "id": "ana"}
            assert store.read("roster_unmatched", rows=[{"number": 1, **naming}]).is_empty()
    assert called == ["Acme", *["The Acme forum"] * 3, "Acme"]


@pytest.mark.parametrize("link", [{"to": "q1"}, {"in": "q1"}, {"to": "q1", "in": "q1"}])
def test_a_copy_that_knows_what_it_answers_wins_over_one_that_does_not(link: dict[str, str], tmp_path: Path) -> None:
    """Such as an archive with its reply links, and a dump without: whatever else they say, in either order."""
    plain = {"id": "a1", "by": "staff_kim", "at": "2026-01-05T12:00Z", "text": "Turn it twice. And wait."}
    linked = {**plain, "text": "Turn it twice.", **link}
    for number, copies in enumerate(([plain, linked], [linked, plain])):
        store = Store(tmp_path / str(number))
        for copy in copies:
            load_rows(store, [ROWS[0], copy])
        (kept,) = store.query("from messages where message_id = 'a1'").to_dicts()
        assert (kept["parent_id"], kept["conversation_id"]) == (link.get("to"), link.get("in"))


@pytest.mark.parametrize("at", ["1970-01-01T00:00Z", "2138-01-01T00:00Z"])
def test_a_time_that_cannot_be_is_refused_and_the_rest_kept(at: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    sparse.load(store, [*ROWS, {"id": "odd", "by": "ana", "at": at}], since=None)
    assert store.query("from messages").height == 5
    (row,) = store.read("refused").to_dicts()
    assert row["reason"].startswith("its time cannot be")


def test_text_comes_back_as_it_went_in(tmp_path: Path) -> None:
    texts = [
        "NUL \x00 inside",
        "👩‍👩‍👧 family",
        "\u202eright to left",
        "x" * 100_000,
        "'; drop table messages; --",
        "\r\n\t",
    ]
    rows = [
        {"id": f"007e{n}", "by": "1234567890123456789", "at": "2026-01-05T10:00Z", "text": t}
        for n, t in enumerate(texts)
    ]
    store = Store(tmp_path)
    load_rows(store, rows)
    kept = store.query("select message_id, member_id, text from messages order by message_id").to_dicts()
    assert [row["text"] for row in kept] == texts
    assert {row["member_id"] for row in kept} == {"1234567890123456789"}
    assert [row["message_id"] for row in kept] == [f"007e{n}" for n in range(len(texts))]


def test_half_a_surrogate_pair_spoils_nothing_but_itself(tmp_path: Path) -> None:
    store = Store(tmp_path)
    load_rows(store, [*ROWS[:2], {"id": "half", "by": "ana", "at": "2026-01-05T13:00Z", "text": "a \ud800 b"}])
    assert store.query("select text from messages where message_id = 'half'").item() == "a ? b"


def test_readers_see_a_new_snapshot_without_a_restart_and_an_old_one_to_its_end(tmp_path: Path) -> None:
    store = Store(tmp_path)
    load_rows(store, ROWS[:1])
    old = store.snapshot
    with store._cursor("") as cursor:
        load_rows(store, ROWS)
        assert cursor.sql("from messages").pl().height == 1
    assert store.snapshot != old
    assert store.query("from messages").height == 5


def test_a_damaged_file_is_told_in_words(tmp_path: Path) -> None:
    store = Store(tmp_path)
    load_rows(store, ROWS)
    (tmp_path / (store.snapshot or "")).write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreError, match="the database could not go on"):
        Store(tmp_path).query("from messages")
    (tmp_path / door.MASTER).write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreError, match="What was published before is untouched"):
        load_rows(store, ROWS)


def test_old_snapshots_are_cleared_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for count in range(1, 6):
        load_rows(store, ROWS[:count])
        assert store.query("from messages").height == count
    assert len(list(tmp_path.glob("snap-*"))) == door.KEPT_SNAPSHOTS


def test_two_stores_of_one_process_read_the_same_snapshot(tmp_path: Path) -> None:
    load_rows(Store(tmp_path), ROWS)
    assert [Store(tmp_path).query("from messages").height for _ in range(2)] == [5, 5]


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store = Store(tmp_path)
    load_rows(store, ROWS)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(
            lambda n: store.query("select $n::integer as n from messages", {"n": n})["n"].to_list(), range(100)
        )
        assert list(found) == [[n] * 5 for n in range(100)]


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/passwd')",
        "attach '/etc/hostname' as other",
        "copy messages to 'out.csv'",
        "set threads = 1",
        "create table mine as select 1",
        "install httpfs",
        "delete from messages",
    ],
)
def test_a_reader_can_reach_nothing_but_the_snapshot(statement: str, tmp_path: Path) -> None:
    sparse.put(tmp_path, ROWS)
    with pytest.raises(duckdb.Error):
        Store(tmp_path).query(statement)


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoData, match="python -m ingest load PATH"):
        Store(tmp_path).query("select 1")


def test_a_second_loader_is_told_who_holds_the_database(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with (
        store.loading(sparse.settings()),
        pytest.raises(Busy, match=f"a load is running already \\(process {os.getpid()}, since"),
        Store(tmp_path).loading(sparse.settings()),
    ):
        pass
    with store.loading(sparse.settings()):
        pass


# --- pulled plugs ------------------------------------------------------------------------------------------------

LOAD_SOME = """
import sys
from pathlib import Path
from data.store import Store
from tests import sparse
days = [f"2026-01-{1 + n % 28:02}T10:00Z" for n in range(60)]
rows = [{"id": f"m{n}", "by": f"p{n % 7}", "at": at, "in": f"t{n % 11}"} for n, at in enumerate(days)]
store = Store(Path(sys.argv[1]))
with store.loading(sparse.settings()) as loader:
    from data.records import Source
    begun = loader.begin(Source("forum", "acme", "Acme"), "acme.json")
    for part in range(0, 60, 10):
        loader.take(begun, sparse.chunk(rows[part:part + 10], (), ()))
    loader.finish(begun)
    loader.derive()
    loader.publish()
"""


def _load_some(folder: Path, fail_at: str = "") -> int:
    environment = {**os.environ, "HEARTH_FAIL_AT": fail_at, "PYTHONPATH": "."}
    root = Path(__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-c", LOAD_SOME, str(folder)], env=environment, cwd=root, check=False, capture_output=True
    ).returncode


def test_the_same_command_goes_on_wherever_the_plug_was_pulled(tmp_path: Path) -> None:
    """Every named place of a load, first without and then on top of an older snapshot: readers see the old or the new
    tables, never something between; the same command ends at the tables of an undisturbed run."""
    assert _load_some(tmp_path / "whole") == 0
    whole = tables(Store(tmp_path / "whole"))
    for place in ("chunk:1", "chunk:4", "finish", "deriving:1", "deriving:3", "derive", "named", "pointer"):
        folder = tmp_path / place.replace(":", "-")
        assert _load_some(folder, place) == 137, place
        if Store(folder).snapshot:
            assert tables(Store(folder)) == whole, place
        assert _load_some(folder) == 0, place
        assert tables(Store(folder)) == whole, place


def test_what_is_published_never_changes(tmp_path: Path) -> None:
    """A snapshot and the loader's own file may be one file, until the loader writes."""
    store = Store(tmp_path)
    load_rows(store, ROWS[:2])
    published = tmp_path / str(store.snapshot)
    before = published.read_bytes()
    load_rows(store, ROWS)
    assert published.read_bytes() == before
    assert store.query("select count(*) from messages").item() == len(ROWS)


def test_a_load_that_fails_leaves_the_published_tables_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    load_rows(store, ROWS)
    before = tables(store)
    with pytest.raises(ZeroDivisionError):
        _fail_half_way(store)
    assert tables(store) == before


def _fail_half_way(store: Store) -> None:
    with store.loading(sparse.settings()) as loader:
        begun = loader.begin(Source("forum", "acme", "Acme"), "b.json")
        loader.take(begun, Chunk(messages=[_message("new")]))
        _ = 1 / 0


def _message(name: str) -> Message:
    return Message(name, "help", "ana", sparse.moment("2026-01-08T10:00Z"), "How?")


# --- schema ------------------------------------------------------------------------------------------------------


def test_an_older_schema_is_brought_up_to_date_and_the_old_file_kept(tmp_path: Path) -> None:
    store, migrations = Store(tmp_path / "data"), tmp_path / "migrations"
    load_rows(store, ROWS)
    shutil.copytree(door.HERE / "migrations", migrations)
    newest = 1 + len(list(migrations.iterdir()))
    (migrations / "999_moods.sql").write_text("alter table messages add column mood varchar;")
    connection = duckdb.connect(str(store.folder / door.MASTER))
    door._migrate(connection, store.folder, migrations)
    assert connection.execute("select count(*) from messages where mood is null").fetchall() == [(5,)]
    assert connection.execute("select schema_version from about").fetchall() == [(newest + 1,)]
    connection.close()
    assert (store.folder / f"hearth-schema-{newest}.duckdb").exists()
    with pytest.raises(StoreError, match="made by a newer Hearth"), store.loading(sparse.settings()):
        pass


def test_a_migration_makes_the_versions_of_an_edited_post_one_message_where_that_can_be_told(tmp_path: Path) -> None:
    """A thread that somebody goes on with, and an answer given twice, stay what they are."""
    store = Store(tmp_path)
    at = "2026-01-05T10:{:02}Z".format
    post = {"platform": "x", "by": "ana"}
    rows: list[dict[str, Any]] = [
        {**post, "id": "1", "in": "1", "at": at(0), "text": "Which lamp is best for a small cabin?"},
        {**post, "id": "2", "in": "1", "at": at(9), "text": "Which lamp is best for a smal cabin now?"},
        {**post, "id": "3", "in": "1", "at": at(20), "text": "Which lamp is best for a small cabin now?"},
        {**post, "id": "4", "in": "1", "at": at(30), "text": "And here is the cabin: a view of the lake."},
        {**post, "id": "5", "in": "1", "to": "3", "by": "ben", "at": at(40), "text": "The pewter one, by far."},
        {**post, "id": "6", "in": "1", "to": "3", "by": "ben", "at": at(50), "text": "The pewter one, by far!"},
    ]
    sparse.load(store, rows)
    with closing(duckdb.connect(str(tmp_path / "hearth.duckdb"))) as old:
        old.execute("delete from touched; update about set schema_version = 4")
    sparse.load(store, [])
    found = {row["message_id"]: row for row in store.query("from messages").to_dicts()}
    assert found.keys() == {"1", "4", "5", "6"}
    assert found["1"]["text"] == "Which lamp is best for a small cabin now?"
    assert (found["1"]["sent_at"], found["1"]["edited_at"]) == (sparse.moment(at(0)), sparse.moment(at(20)))
    assert found["5"]["parent_id"] == found["6"]["parent_id"] == "1"
    assert store.query("select count(*) from asks where message_id = '1' and reply_at is not null").item() == 1


def test_every_migration_ends_at_the_schema_of_a_new_database(tmp_path: Path) -> None:
    store = Store(tmp_path)
    load_rows(store, ROWS)
    connection = duckdb.connect(str(store.folder / door.MASTER))
    tables_now = "select table_name, column_name, data_type from duckdb_columns() order by all"
    whole, keys = connection.execute(tables_now).fetchall(), connection.execute("select text_key from messages")
    before = sorted(keys.fetchall())
    connection.execute("alter table messages drop column text_key; drop table scores; drop table scorer")
    connection.execute("alter table touched drop column is_whole; drop table news")
    connection.execute("alter table sources drop column export_name")
    for column in ("left_out", "private_reason", "path", "reader"):
        connection.execute(f"alter table loads drop column {column}")
    connection.execute("update about set schema_version = 1")
    door._migrate(connection, store.folder)
    assert connection.execute(tables_now).fetchall() == whole
    assert sorted(connection.execute("select text_key from messages").fetchall()) == before
    connection.close()


class Unplugged:
    """A connection that is gone before it has run so many statements."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, statements: int) -> None:
        self.connection, self.left = connection, statements

    def execute(self, *statement: Any) -> duckdb.DuckDBPyConnection:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self.connection.execute(*statement)


def test_a_plug_pulled_while_a_database_is_made_leaves_one_that_can_be_made(tmp_path: Path) -> None:
    """A schema without its version would be taken for an old one, and brought up to date in vain."""
    for statements in range(4):
        folder = tmp_path / str(statements)
        folder.mkdir()
        with closing(duckdb.connect(str(folder / door.MASTER))) as connection, pytest.raises(KeyboardInterrupt):
            door._migrate(Unplugged(connection, statements), folder)  # type: ignore[arg-type]
        load_rows(Store(folder), ROWS)
        assert Store(folder).query("select count(*) from messages").item() == len(ROWS)


def test_a_change_of_the_settings_is_worked_into_every_source(tmp_path: Path) -> None:
    store = Store(tmp_path)
    load_rows(store, ROWS)
    assert store.query("select role from people where member_id = 'ana'").item() == "member"
    with store.loading(sparse.settings({"roster": [{"role": "staff", "id": "ana"}]})) as loader:
        loader.derive()
        loader.publish()
    assert store.query("select role from people where member_id = 'ana'").item() == "staff"
    with store.loading(sparse.settings()) as loader:
        loader.derive()
        loader.publish()
    assert store.query("select role from people where member_id = 'ana'").item() == "member"


def test_words_older_than_the_settings_allow_go_and_the_numbers_stay(tmp_path: Path) -> None:
    store, keep = Store(tmp_path), {"retention": {"text_days": 30}}
    load_rows(store, ROWS)
    before = store.query("select message_id, reason, needs_reply, reply_at from asks order by all").to_dicts()
    for _ in range(2):
        sparse.load(store, ROWS, keep, since="2026-01-01T00:00Z", until="2026-01-31T00:00Z")
        assert store.query("select distinct text from messages")["text"].to_list() == [""]
        assert (
            store.query("select message_id, reason, needs_reply, reply_at from asks order by all").to_dicts() == before
        )
        assert store.read("loads")["unchanged"][0] == 5


def test_words_past_retention_lie_in_no_file_and_what_they_were_said_beside_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor titles without a text, nor the bytes of what was refused that long ago. Where nothing goes, nothing does."""
    legibly(monkeypatch)
    store, keep = Store(tmp_path), {"retention": {"text_days": 30}}
    now = datetime.now(UTC)
    old, young = f"{now - timedelta(days=40):%Y-%m-%dT%H:%MZ}", f"{now - timedelta(days=2):%Y-%m-%dT%H:%MZ}"
    rows: list[dict[str, Any]] = [
        {"id": "q1", "by": "ana", "at": old, "text": "a marigold lantern?"},
        {"id": "q2", "by": "ben", "at": old, "text": "", "title": "a walnut lantern"},
        {"id": "q3", "by": "cem", "at": young, "text": "a pewter lantern?"},
    ]
    words = {"marigold", "walnut", "pewter", "broken by hand"}
    for _ in range(2):
        sparse.load(store, rows)
    refuse(store, f"broken by hand, {'and' * 9}")
    assert legible(words, tmp_path) == words
    sparse.load(store, rows)
    assert len(list(tmp_path.glob("snap-*.duckdb"))) == 3
    sparse.load(store, rows, keep)
    assert legible(words, tmp_path) == {"pewter", "broken by hand"}
    for files in (2, 3):  # nothing more is old enough: who still reads an older one may
        sparse.load(store, rows, keep)
        assert len(list(tmp_path.glob("snap-*.duckdb"))) == files
    with store.loading(sparse.settings(keep)) as loader:
        loader._run("update refused set refused_at = now() - interval 31 day")
        loader.publish()
    assert legible(words, tmp_path) == {"pewter"}
    assert store.query("select count(*) from refused").item() == 1


def refuse(store: Store, raw: str) -> None:
    with store.loading(sparse.settings()) as loader:
        begun = loader.begin(Source("forum", "acme", "Acme"), "posts.csv")
        loader.take(begun, Chunk(refused=[Refused("posts.csv", "line 9", "no time", raw.encode())]))
        loader.finish(begun)
        loader.publish()


def legibly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words lie in the file as they are: compressed, no search would find any."""
    opened = door._open_master

    def uncompressed(folder: Path) -> duckdb.DuckDBPyConnection:
        connection = opened(folder)
        connection.execute("set force_compression = 'uncompressed'")
        return connection

    monkeypatch.setattr(door, "_open_master", uncompressed)


def legible(words: set[str], folder: Path) -> set[str]:
    """Those words that stand anywhere in any file."""
    stored = b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {each for each in words if each.encode() in stored}


def test_times_are_utc_whatever_the_machine_says(tmp_path: Path) -> None:
    store = Store(tmp_path)
    load_rows(store, ROWS[:1])
    kept = store.query("select sent_at from messages")
    assert kept.schema["sent_at"] == pl.Datetime("us", "UTC")
    assert kept.item() == sparse.moment("2026-01-05T10:00Z")
    assert kept.item().utcoffset() == timedelta(0)
