"""What every reader of exports promises, checked on each one's own fixtures.

A fixture is an export in tests/fixtures/<reader>/: each entry there, where the reader knows every one
of them for its own; else the folder as a whole.
"""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
import pytest

import ingest.exports
from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export

FIXTURES = Path(__file__).parent / "fixtures"
KNOWN = 0.2  # a reader that says less does not take the export for its own

# Message ids a fixture holds twice on purpose, because real exports do.
REPEATED = {"mail": {"two@example.org"}}

# How many rows (messages, system lines, broken ones) each fixture holds, counted by hand.
ROWS = {
    "discord/harbour": 18,
    "generic/chat.json": 2,
    "generic/events.ndjson": 3,
    "generic/posts.csv": 3,
    "slack/quay": 14,
    "slack/boatyard-2016": 7,
    "slack/slipway": 4,
    "mail/harbour-help": 9,
    "mail/lighthouse@example.org-2024-05.mbox": 4,
}


class Reader(Protocol):
    """A module of ingest/exports."""

    PLATFORM: str
    __doc__: str | None
    __name__: str

    def detects(self, export: Export) -> float: ...
    def read(self, export: Export) -> Iterator[Record]: ...


READERS: dict[str, Reader] = {
    found.name: cast("Reader", import_module(f"ingest.exports.{found.name}"))
    for found in pkgutil.iter_modules(ingest.exports.__path__)
}


def detects(reader: Reader, path: Path) -> float:
    with Export(path) as export:
        return reader.detects(export)


def read(reader: Reader, path: Path) -> list[Record]:
    with Export(path) as export:
        return list(reader.read(export))


def exports(name: str) -> list[Path]:
    """The fixtures of a reader."""
    folder = FIXTURES / name
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    alone = entries and all(detects(READERS[name], entry) >= KNOWN for entry in entries)
    return entries if alone or not entries else [folder]


CASES = [pytest.param(name, path, id=f"{name}-{path.name}") for name in READERS for path in exports(name)]
each_fixture = pytest.mark.parametrize(("name", "path"), CASES)
each_reader = pytest.mark.parametrize("name", READERS)


def moments(value: object) -> Iterator[datetime]:
    """Every time in a record."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from moments(getattr(value, field))


@each_reader
def test_a_reader_says_what_it_reads_in_one_line(name: str) -> None:
    reader = READERS[name]
    line = (reader.__doc__ or "").strip().partition("\n")[0]
    assert line.endswith("."), "the first line is the help text"
    assert reader.PLATFORM


@each_reader
def test_a_reader_has_a_fixture(name: str) -> None:
    assert exports(name), f"tests/fixtures/{name} is empty or missing"


@each_fixture
def test_a_reader_knows_its_own_better_than_any_other_does(name: str, path: Path) -> None:
    values = {other: detects(reader, path) for other, reader in READERS.items()}
    assert all(0 <= value <= 1 for value in values.values())
    best = max(values.values())
    assert [other for other, value in values.items() if value == best] == [name], values


@each_reader
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("notes.txt", b"From time to time: milk\n10:30 bread, 2026\n"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("settings.json", b'{"name": "x", "messages": 5, "channel": {"id": "1"}}'),
        ("page.html", b"<!doctype html><title>x</title><p>From here</p>"),
        ("empty.csv", b""),
        ("broken.json", b'[{"id": '),
        ("nothing", b""),
    ],
)
def test_a_reader_leaves_what_is_not_its_own(name: str, file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    assert detects(READERS[name], tmp_path / file) < KNOWN
    assert detects(READERS[name], tmp_path) < KNOWN


@each_fixture
def test_the_source_comes_first_and_once(name: str, path: Path) -> None:
    found = read(READERS[name], path)
    assert isinstance(found[0], Source)
    assert sum(isinstance(record, Source) for record in found) == 1
    assert found[0].platform
    assert found[0].id
    assert found[0].name


@each_fixture
def test_a_fixture_holds_messages(name: str, path: Path) -> None:
    assert any(isinstance(record, Message) for record in read(READERS[name], path))


@each_fixture
def test_every_row_becomes_one_message_or_one_refused(name: str, path: Path) -> None:
    rows = sum(isinstance(record, Message | Refused) for record in read(READERS[name], path))
    fixture = path.relative_to(FIXTURES).as_posix()
    assert ROWS.get(fixture) == rows, f"count the rows of {fixture} by hand and write them into ROWS"


@each_fixture
def test_times_are_aware_and_utc(name: str, path: Path) -> None:
    for record in read(READERS[name], path):
        for moment in moments(record):
            assert moment.tzinfo is UTC, record


@each_fixture
def test_message_ids_are_unique(name: str, path: Path) -> None:
    ids = Counter(record.id for record in read(READERS[name], path) if isinstance(record, Message))
    assert {id_ for id_, times in ids.items() if times > 1} <= REPEATED.get(name, set())


@each_fixture
def test_what_a_message_names_is_told_or_empty_never_blank(name: str, path: Path) -> None:
    """A parent may be missing from the export; a channel or an author may not."""
    found = read(READERS[name], path)
    channels = {record.id for record in found if isinstance(record, Channel)}
    members = {record.id for record in found if isinstance(record, Member)}
    for message in (record for record in found if isinstance(record, Message)):
        assert message.channel_id in channels
        assert message.member_id is None or message.member_id in members
        assert message.parent_id != message.id
        assert "" not in (message.id, message.parent_id, message.conversation_id, message.title)


@each_fixture
def test_an_answer_says_how_it_is_known(name: str, path: Path) -> None:
    for message in read(READERS[name], path):
        if isinstance(message, Message) and message.parent_id:
            assert message.basis is not None
            assert message.basis != "inferred", "guessing is for derive.sql"


@each_fixture
def test_reactions_are_on_messages_of_the_export(name: str, path: Path) -> None:
    found = read(READERS[name], path)
    ids = {record.id for record in found if isinstance(record, Message)}
    assert {record.message_id for record in found if isinstance(record, Reaction)} <= ids


@each_fixture
def test_channels_and_members_are_not_told_again_without_news(name: str, path: Path) -> None:
    last: dict[tuple[type, str], Any] = {}
    for record in read(READERS[name], path):
        if isinstance(record, Channel | Member):
            undated = msgspec.structs.replace(record, updated_at=None)
            assert last.get((type(record), record.id)) != undated
            last[type(record), record.id] = undated


@each_fixture
def test_what_is_refused_has_a_place_and_a_reason(name: str, path: Path) -> None:
    for record in read(READERS[name], path):
        if isinstance(record, Refused):
            assert record.file
            assert record.place
            assert record.reason


@each_fixture
def test_reading_twice_yields_the_same(name: str, path: Path) -> None:
    assert read(READERS[name], path) == read(READERS[name], path)


@each_fixture
def test_all_bytes_are_counted_for_the_progress_bar(name: str, path: Path) -> None:
    with Export(path) as export:
        for _ in READERS[name].read(export):
            assert 0 <= export.done <= export.size
        assert export.done > 0
