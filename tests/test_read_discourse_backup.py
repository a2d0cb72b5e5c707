"""Discourse backups: a dump's posts with what the rest of it tells of them, and tables of posts."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import discourse_backup

FIXTURES = Path(__file__).parent / "fixtures" / "discourse_backup"
BACKUP = FIXTURES / "harbour-talk-2026-05-05-033000-v20260501"
EXPLORED = FIXTURES / "unanswered-asks.csv"
ARCHIVE = FIXTURES / "user_archive-cy-260505-101010-3"


def records(path: Path, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(discourse_backup.read(export))


def messages(path: Path = BACKUP, include_private: bool = False) -> dict[str, Message]:
    return {record.id: record for record in records(path, include_private) if isinstance(record, Message)}


def moment(day: int, hour: int) -> datetime:
    return datetime(2026, 5, day, hour, 0, 0, 123456, UTC)


def test_a_post_is_told_with_its_topic_and_its_author() -> None:
    assert messages()["3"] == Message(
        "3",
        "7",
        "4",
        moment(1, 10),
        r"Yes: C:\\ferry",
        title="Does the ferry run?",
        conversation_id="topic:20",
        parent_id="2",
        basis="explicit",
        edited_at=moment(1, 11),
        permalink="https://talk.harbour.example/t/20/2",
    )


def test_the_source_is_the_address_in_pictures_with_the_site_s_title() -> None:
    assert records(BACKUP)[0] == Source("discourse", "talk.harbour.example", "Harbour Talk")


def test_without_pictures_the_source_is_the_backup_s_name_without_its_date(tmp_path: Path) -> None:
    dump = (BACKUP / "dump.sql").read_bytes().replace(b"/user_avatar/", b"/x/")
    (tmp_path / "harbour-talk-2026-05-05-033000-v20260501.sql.gz").write_bytes(gzip.compress(dump))
    (path,) = tmp_path.iterdir()
    assert records(path)[0] == Source("discourse", "harbour-talk", "Harbour Talk")


def test_a_backup_as_it_is_downloaded_reads_the_same(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / f"{BACKUP.name}.tar.gz", "w:gz") as tar:
        for name, content in (
            ("dump.sql.gz", gzip.compress((BACKUP / "dump.sql").read_bytes())),
            ("uploads/default/original/1X/a.png", b"\x89PNG"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    (path,) = tmp_path.iterdir()
    assert records(path) == records(BACKUP)
    with Export(path) as export:
        assert discourse_backup.detects(export) == 0.9


def test_members_are_told_of_without_their_addresses() -> None:
    found = {record.id: record for record in records(BACKUP) if isinstance(record, Member)}
    assert found["3"] == Member("3", "Ada Quill", "ada", updated_at=moment(1, 9))
    assert (found["4"].is_staff, found["-1"].is_bot) == (True, True)
    assert set(found) == {"-1", "3", "4", "5"}  # not who only reads
    assert messages()["10"].member_id is None  # its account is gone
    assert "192.0.2" not in str(records(BACKUP))


def test_what_not_everybody_may_read_is_left_out_and_counted() -> None:
    with Export(BACKUP) as export:
        found = {record.id for record in discourse_backup.read(export) if isinstance(record, Message)}
        assert export.left_out == {"private messages": 3}  # a whisper, a personal message, a closed category
    assert found == {"1", "2", "3", "4", "8", "9", "10"}
    assert set(messages(include_private=True)) == found | {"5", "6", "7"}
    assert Channel("9", "Crew", "forum", is_private=True) in records(BACKUP, include_private=True)


def test_system_lines_deletions_likes_and_parents_that_are_not_there() -> None:
    found = messages()
    assert (found["4"].kind, found["4"].text) == ("system", "closed.enabled")
    assert found["8"].deleted_at == moment(4, 8)  # its topic was deleted
    assert (found["9"].deleted_at, found["9"].text) == (moment(3, 10), "")
    assert found["10"].parent_id == "topic:20:99"
    assert [record for record in records(BACKUP) if isinstance(record, Reaction)] == [Reaction("2", "like", None, 2)]


def test_a_broken_row_is_refused_and_a_row_of_another_table_starts_nothing() -> None:
    found = [record for record in records(BACKUP) if isinstance(record, Refused)]
    assert [(record.file, record.place, record.raw[:4]) for record in found] == [
        ("dump.sql", "line 45", b"x\t3\t"),
        ("dump.sql", "line 46", b"12\t3"),
    ]


def test_a_dump_that_is_cut_off_is_not_read_in_part(tmp_path: Path) -> None:
    dump = (BACKUP / "dump.sql").read_bytes()
    block = dump.index(b"COPY public.posts (id, user_id")
    for size in range(dump.index(b"\n", block) + 1, dump.index(b"\n\\.\n", block), 40):
        (tmp_path / "dump.sql").write_bytes(dump[:size])
        with pytest.raises(ExportError, match="cut off in its table posts"):
            records(tmp_path)


def test_a_question_to_the_database_gives_posts() -> None:
    found = records(EXPLORED)
    assert found[0] == Source("discourse", "unanswered-asks", "unanswered-asks")
    told = [record for record in found if isinstance(record, Message)]
    assert [(m.id, m.parent_id, m.text, m.sent_at.hour) for m in told] == [
        ("31", None, "Which oil,\nwhich wick?", 10),
        ("32", "31", "Any.", 11),
    ]
    assert [record.place for record in found if isinstance(record, Refused)] == ["line 5", "line 6"]
    assert Member("3", "ada", "ada", updated_at=told[0].sent_at) in found


def test_a_member_s_archive_gives_the_public_posts_of_one_member() -> None:
    with Export(ARCHIVE) as export:
        found = list(discourse_backup.read(export))
        assert export.left_out == {"private messages": 1}
    (told,) = [record for record in found if isinstance(record, Message)]
    assert (told.id, told.member_id, told.conversation_id, told.text) == ("topic:31:1", "5", "topic:31", "Which rope?")
    assert Channel("Travel|Gear", "Travel|Gear", "forum") in found
    assert found[0] == Source("discourse", "talk.harbour.example", "talk.harbour.example")
    assert set(messages(ARCHIVE, include_private=True)) == {"topic:31:1", "topic:32:2"}


def test_no_change_of_a_byte_makes_it_stumble(tmp_path: Path) -> None:
    chance = random.Random(6)
    for source in (BACKUP / "dump.sql", EXPLORED, ARCHIVE / "user_archive.csv", ARCHIVE / "preferences.json"):
        whole = source.read_bytes()
        folder = tmp_path / source.stem
        folder.mkdir()
        (folder / "user_archive.csv").write_bytes((ARCHIVE / "user_archive.csv").read_bytes())
        for turn in range(150):
            content = bytearray(whole)
            content[chance.randrange(len(content))] = chance.randrange(256)
            (folder / source.name).write_bytes(content if turn % 3 else content[: chance.randrange(len(content))])
            with Export(folder) as export:
                assert discourse_backup.detects(export) in (0.0, 0.9)
            with suppress(ExportError):
                records(folder)
