"""What people decide: nothing is lost, everything can be taken back, and it can be told who did what."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.marks import FILE, KINDS, SCHEMA, Marks, MarksError, Target
from data.settings import MarksSettings, Settings, marks_place

ASK = Target("slack", "T1", "1700000000.1")
OTHER = Target("slack", "T2", "1700000000.1")
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real PostgreSQL, started for these tests; skipped, saying why, where there is none."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path(shutil.which("postgres") or "/none").parent]
    if not (programs[-1] / "initdb").exists():
        pytest.skip("PostgreSQL is not on this machine: its package is called postgresql")
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed: it is called psycopg")
    user = _servant()
    with tempfile.TemporaryDirectory(prefix="hearth-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        _run([programs[-1] / "initdb", "-D", folder / "db", "-A", "trust", "-U", "hearth", "--no-sync"], user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        control = [programs[-1] / "pg_ctl", "-D", folder / "db", "-w"]
        options = f"-p {port} -k '' -h 127.0.0.1 -c fsync=off"
        _run([*control, "-l", folder / "log", "-o", options, "start"], user)
        yield f"postgresql+psycopg://hearth:secret@127.0.0.1:{port}/postgres"
        _run([*control, "-m", "fast", "stop"], user)


def _servant() -> str | None:
    """Who runs the server, which refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")


def _run(command: list[object], user: str | None) -> None:
    subprocess.run(
        [str(each) for each in command], check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, timeout=60
    )


@pytest.fixture(params=["sqlite", "postgres"])
def marks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Marks]:
    """A journal of each kind; what stands in PostgreSQL from an earlier test is about other targets."""
    journal = Marks(tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres"))
    yield journal
    journal.close()


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Target:
    """A message no other test speaks of."""
    return Target("slack", request.node.name, "1700000000.1")


def decided(marks: Marks, target: Target, kind: str = "ask") -> list[str]:
    """What counts for a target."""
    rows = marks.current(kind).to_pylist()
    return [row["value"] for row in rows if (row["source"], row["native_id"]) == (target.source, target.native_id)]


def test_the_newest_decision_counts_and_the_older_are_kept(marks: Marks, target: Target) -> None:
    marks.add("ask", target, "mine", "Ana")
    marks.add("ask", target, "answered", "Ben", note="by phone")
    assert decided(marks, target) == ["answered"]
    told = marks.history("ask", target).to_pylist()
    assert [(row["value"], row["by"], row["note"]) for row in told] == [
        ("mine", "Ana", None),
        ("answered", "Ben", "by phone"),
    ]


def test_what_is_taken_back_gives_way_to_what_was_decided_before(marks: Marks, target: Target) -> None:
    """Undo is a row of its own, signed by who did it; twice changes nothing more."""
    marks.add("ask", target, "mine", "Ana")
    wrong = marks.add("ask", target, "answered", "Ben")
    undo = marks.undo(wrong, "Cem")
    assert marks.undo(wrong, "Dee") > undo
    assert decided(marks, target) == ["mine"]
    rows = marks.history("ask", target).to_pylist()
    assert [(row["value"], row["by"], row["undoes"]) for row in rows[2:]] == [
        (None, "Cem", wrong),
        (None, "Dee", wrong),
    ]


def test_the_only_decision_taken_back_leaves_none(marks: Marks, target: Target) -> None:
    marks.undo(marks.add("ask", target, "mine", "Ana"), "Ana")
    assert decided(marks, target) == []


def test_an_older_decision_taken_back_leaves_the_newest_in_force(marks: Marks, target: Target) -> None:
    first = marks.add("ask", target, "mine", "Ana")
    marks.add("ask", target, "no_reply", "Ben")
    marks.undo(first, "Ana")
    assert decided(marks, target) == ["no_reply"]


def test_what_is_over_gives_way_to_what_was_decided_before(marks: Marks, target: Target) -> None:
    """A snooze ends by itself: then it is still hers."""
    now = datetime.now(UTC)
    marks.add("ask", target, "mine", "Ana")
    marks.add("ask", target, "snoozed", "Ana", until=now + timedelta(hours=1))
    assert decided(marks, target) == ["snoozed"]
    marks.add("ask", target, "snoozed", "Ben", until=now - timedelta(seconds=1))
    assert decided(marks, target) == ["snoozed"], "the one before it is not over"
    marks.undo(marks.history("ask", target)["id"].to_pylist()[1], "Ana")
    assert decided(marks, target) == ["mine"]


def test_several_are_written_and_taken_back_all_or_none(marks: Marks, target: Target) -> None:
    others = [Target("slack", target.source, f"{number}") for number in range(3)]
    numbers = marks.add_all("ask", others, "answered", "Ana")
    assert [decided(marks, each) for each in others] == [["answered"]] * 3
    with pytest.raises(LookupError, match="no decision has the number 123456789"):
        marks.undo_all([numbers[0], 123456789], "Ana")
    assert [decided(marks, each) for each in others] == [["answered"]] * 3
    marks.undo_all(numbers, "Ana")
    assert [decided(marks, each) for each in others] == [[]] * 3


def test_what_was_decided_lately_is_told_of_all_kinds_without_what_was_taken_back(marks: Marks, target: Target) -> None:
    marks.add("ask", target, "mine", "Ana")
    wrong = marks.add("ask", target, "answered", "Ben")
    marks.add("note", target, "note", "Cem", note="by phone")
    marks.add("label", target, "negative", "Cem")
    marks.undo(wrong, "Ben")
    lately = marks.lately(("ask", "note"), 2).to_pylist()
    assert [(row["value"], row["by"]) for row in lately] == [("note", "Cem"), ("mine", "Ana")]
    assert len(marks.history("ask", target, "note")) == 4


def test_a_question_makes_no_journal(tmp_path: Path) -> None:
    journal = Marks(tmp_path / "none")
    assert journal.stamp == ""
    assert journal.lately(("ask",), 3).num_rows == journal.history("ask", ASK).num_rows == 0
    assert not (tmp_path / "none").exists()


def test_kinds_and_sources_are_kept_apart(marks: Marks, target: Target) -> None:
    """The same native id in another workspace is another message."""
    marks.add("label", target, "negative", "Ana")
    marks.add("ask", Target(target.platform, f"{target.source}-2", target.native_id), "mine", "Ana")
    assert decided(marks, target) == []
    assert decided(marks, target, "label") == ["negative"]


def test_times_are_kept_in_utc_to_the_microsecond(marks: Marks, target: Target) -> None:
    until = datetime(2026, 11, 23, 9, 0, 0, 7, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    before = datetime.now(UTC)
    marks.add("ask", target, "snoozed", "Ana", until=until)
    (row,) = marks.history("ask", target).to_pylist()
    assert row["until"] == until
    assert row["until"].utcoffset() == timedelta(0)
    assert before <= row["at"] <= datetime.now(UTC)


def test_every_table_has_the_same_columns_even_when_empty(marks: Marks) -> None:
    assert marks.history("label", Target("x", "y", "z")).schema == SCHEMA
    assert marks.current("label").schema == SCHEMA


def test_the_stamp_changes_with_every_row_and_with_nothing_else(marks: Marks, target: Target) -> None:
    stamps = [marks.stamp]
    number = marks.add("ask", target, "mine", "Ana")
    stamps.append(marks.stamp)
    marks.undo(number, "Ana")
    stamps.append(marks.stamp)
    marks.current("ask")
    assert marks.stamp == stamps[-1]
    assert len(set(stamps)) == 3


def test_threads_at_once_lose_nothing(marks: Marks, target: Target) -> None:
    """Eight people, fifty decisions each, every tenth taken back."""

    def decide(person: int) -> None:
        for number in range(50):
            row = marks.add("label", Target("slack", target.source, f"{person}-{number}"), "neutral", f"P{person}")
            if number % 10 == 0:
                marks.undo(row, f"P{person}")

    with ThreadPoolExecutor(8) as people:
        list(people.map(decide, range(8)))
    mine = [row for row in marks.current("label").to_pylist() if row["source"] == target.source]
    assert len(mine) == 8 * 45
    assert len({row["id"] for row in mine}) == len(mine)


WRITER = """
import sys
from pathlib import Path
from data.marks import Marks, Target

place, source, person = sys.argv[1:]
marks = Marks(place if "://" in place else Path(place))
for number in range(60):
    marks.add("label", Target("slack", source, str(number)), "neutral", person)
    marks.current("label")
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_at_once_lose_nothing_not_even_at_the_very_first(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """All find no table and make it; all decide about the same sixty messages."""
    place = tmp_path / "new" if kind == "sqlite" else _new_database(request.getfixturevalue("postgres"))
    command = [sys.executable, "-c", WRITER, str(place), "T"]
    running = [subprocess.Popen([*command, person], cwd=ROOT) for person in ("Ana", "Ben", "Cem")]
    assert [each.wait(90) for each in running] == [0, 0, 0]
    journal = Marks(place)
    told = journal.history("label", Target("slack", "T", "7")).to_pylist()
    assert sorted(row["by"] for row in told) == ["Ana", "Ben", "Cem"]
    assert len(journal.current("label")) == 60
    journal.close()


def _new_database(address: str) -> str:
    import psycopg

    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("create database fresh")
    return address.replace("/postgres", "/fresh")


def test_what_was_written_is_seen_by_another_at_once(tmp_path: Path) -> None:
    ana, ben = Marks(tmp_path), Marks(tmp_path)
    before = ben.stamp
    ana.add("ask", ASK, "mine", "Ana")
    assert ben.stamp != before
    assert decided(ben, ASK) == ["mine"]
    ana.close()
    ben.close()


def test_a_reader_at_work_keeps_no_writer_waiting(tmp_path: Path) -> None:
    """Somebody reads the whole journal, and somebody decides meanwhile: the reader sees what was there before."""
    journal = Marks(tmp_path)
    journal.add("ask", ASK, "mine", "Ana")
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as reader:
        reader.execute("begin")
        assert reader.execute("select count(*) from journal").fetchall() == [(1,)]
        journal.add("ask", OTHER, "mine", "Ben")
        assert reader.execute("select count(*) from journal").fetchall() == [(1,)]
    journal.close()


def test_a_decision_survives_a_kill(tmp_path: Path) -> None:
    """Killed while it writes: what it was told is kept is there, and the journal opens."""
    code = WRITER.replace("range(60)", "range(10**9)").replace("    marks.current", "    print(number, flush=True) #")
    command = [sys.executable, "-c", code, str(tmp_path), "T", "Ana"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
    journal = Marks(tmp_path)
    kept = {row["native_id"] for row in journal.current("label").to_pylist()}
    assert {str(number) for number in told} <= kept
    journal.close()


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    journal = Marks(tmp_path / "new")
    journal.add("ask", ASK, "mine", "Ana")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes[FILE] == 0o600
    assert set(modes.values()) == {0o600}, "the log beside it holds the same words"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    journal.close()


def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    journal = Marks(tmp_path)
    with pytest.raises(ValueError, match=r"no mark ask = 'maybe'; there are: .*ask = answered"):
        journal.add("ask", ASK, "maybe", "Ana")
    with pytest.raises(ValueError, match="no mark hat = 'red'"):
        journal.add("hat", ASK, "red", "Ana")
    with pytest.raises(ValueError, match="needs the name"):
        journal.add("ask", ASK, "mine", " \n ")
    with pytest.raises(ValueError, match="needs a time zone"):
        journal.add("ask", ASK, "snoozed", "Ana", until=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake
    with pytest.raises(LookupError, match="no decision has the number 7"):
        journal.undo(7, "Ana")
    undo = journal.undo(journal.add("ask", ASK, "mine", "Ana"), "Ana")
    with pytest.raises(LookupError, match=f"no decision has the number {undo}"):
        journal.undo(undo, "Ana")
    assert len(journal.history("ask", ASK)) == 2
    journal.close()


def test_what_is_wrong_is_told_with_the_place_and_what_to_do(tmp_path: Path) -> None:
    """A damaged file, a server that is not there, an address that is none; and never the password."""
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(MarksError, match=rf"{FILE}: decisions cannot be .* not a database"):
        _ = Marks(tmp_path).stamp
    with pytest.raises(MarksError, match="cannot be read") as odd:
        _ = Marks("postgres:nonsense").stamp
    with pytest.raises(MarksError) as gone:
        _ = Marks("postgresql+psycopg://ana:sesame@127.0.0.1:1/hearth").stamp
    assert "sesame" not in f"{odd.value}{gone.value}"


def test_the_address_comes_from_the_environment_then_the_settings_then_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEARTH_MARKS_URL", raising=False)
    here, there = tmp_path / "here.db", tmp_path / "there.db"
    settings = Settings(marks=MarksSettings(url=f"sqlite:///{here}"))
    for expected, given_settings in ((tmp_path / FILE, Settings()), (here, settings)):
        journal = Marks(marks_place(tmp_path, given_settings))
        journal.add("ask", ASK, "mine", "Ana")
        journal.close()
        assert expected.exists()
    monkeypatch.setenv("HEARTH_MARKS_URL", f"sqlite:///{there}")
    journal = Marks(marks_place(tmp_path, settings))
    assert decided(journal, ASK) == []
    journal.close()
    assert there.exists()


def test_where_decisions_are_kept_changes_no_number() -> None:
    """Else a password would be a part of every fingerprint, too."""
    assert Settings(marks=MarksSettings(url="x")).fingerprint == Settings().fingerprint
    assert msgspec.convert({"marks": {"url": "x"}}, Settings).marks.url == "x"


TARGETS = [ASK, OTHER, Target("mail", "T1", "a")]
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from((*KINDS["ask"], "undo the last", "undo the first"))), max_size=12
)


@given(steps=STEPS)
def test_whatever_is_decided_the_journal_says_what_a_stack_would(
    steps: list[tuple[int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Beside a plain list of decisions for each target, from which undoing takes one out."""
    journal = Marks(tmp_path_factory.mktemp("journal"))
    stacks: dict[Target, list[tuple[int, str]]] = {target: [] for target in TARGETS}
    for place, step in steps:
        stack = stacks[TARGETS[place]]
        if not step.startswith("undo"):
            stack.append((journal.add("ask", TARGETS[place], step, "Ana"), step))
        elif stack:
            number, _ = stack.pop(-1 if step == "undo the last" else 0)
            journal.undo(number, "Ana")
    expected = sorted(stack[-1] for stack in stacks.values() if stack)
    assert [(row["id"], row["value"]) for row in journal.current("ask").to_pylist()] == expected
    journal.close()
