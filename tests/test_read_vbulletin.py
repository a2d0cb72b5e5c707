"""vBulletin: threads, answers and quotations of a board's dump."""

from __future__ import annotations

import gzip
import random
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import vbulletin

BOARD = Path(__file__).parent / "fixtures" / "vbulletin" / "lighthouse-2012.sql"


def records(path: Path = BOARD, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(vbulletin.read(export))


def messages(path: Path = BOARD, include_private: bool = False) -> dict[str, Message]:
    return {record.id: record for record in records(path, include_private) if isinstance(record, Message)}


def test_a_post_is_told_with_its_thread_and_its_author() -> None:
    assert messages()["2"] == Message(
        "2",
        "1",
        "4",
        datetime(2012, 5, 1, 9, 0, tzinfo=UTC),
        "Cotton, it's cheap \u263a",
        title="Which wick?",
        conversation_id="thread:10",
        parent_id="1",
        basis="thread",
        permalink="http://lighthouse.example/forum/showthread.php?p=2#post2",
    )


def test_the_board_its_forums_and_its_members() -> None:
    found = records()
    assert found[0] == Source("vbulletin", "lighthouse.example/forum", "Lighthouse Forum")
    assert Channel("1", "Lights & lamps", "forum") in found
    members = [record for record in found if isinstance(record, Member)]
    assert members == [Member("3", "ada"), Member("4", "bo", is_staff=True)]


def test_an_answer_to_the_first_post_was_not_chosen_any_other_was() -> None:
    found = messages()
    assert (found["1"].parent_id, found["1"].basis) == (None, None)
    assert (found["3"].parent_id, found["3"].basis) == ("2", "explicit")
    assert found["3"].member_id is None  # a guest


def test_words_stay_and_tags_go() -> None:
    found = messages()["1"]
    assert (found.text, found.attachments) == ("Which wick burns longest?", 1)


def test_a_post_or_its_thread_may_be_deleted() -> None:
    found = messages()
    assert found["5"].deleted_at == datetime(2012, 5, 1, 12, 0, tzinfo=UTC)
    assert found["7"].deleted_at == found["7"].sent_at  # no log says when


def test_what_not_everybody_may_read_is_left_out_and_counted() -> None:
    with Export(BOARD) as export:
        found = {record.id for record in vbulletin.read(export) if isinstance(record, Message)}
        assert export.left_out == {"private messages": 2, "posts not approved": 1}
    assert found == {"1", "2", "3", "5", "7"}
    assert set(messages(include_private=True)) == found | {"4", "6", "pm:1"}
    assert Channel("3", "Keepers' rota", "forum", is_private=True) in records(include_private=True)


def test_a_broken_row_is_refused() -> None:
    (refused,) = [record for record in records() if isinstance(record, Refused)]
    assert refused.raw.startswith(b"(8, 10, 1")


def test_a_compressed_dump_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "lighthouse-2012.sql.gz"
    path.write_bytes(gzip.compress(BOARD.read_bytes()))
    assert records(path) == records()


def test_another_dump_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "shop.sql").write_text("CREATE TABLE `post` (`id` int);\nINSERT INTO `post` VALUES (1);\n")
    with Export(tmp_path) as export:
        assert vbulletin.detects(export) == 0.0
        with pytest.raises(ExportError, match="no dump of a vBulletin board"):
            list(vbulletin.read(export))


def test_no_change_of_a_byte_makes_it_stumble(tmp_path: Path) -> None:
    chance, whole = random.Random(9), BOARD.read_bytes()
    for turn in range(400):
        content = bytearray(whole)
        content[chance.randrange(len(content))] = chance.randrange(256)
        (tmp_path / "a.sql").write_bytes(content if turn % 4 else content[: chance.randrange(len(content))])
        with suppress(ExportError):
            records(tmp_path / "a.sql")


def test_a_thread_that_names_no_forum_is_in_an_unknown_one(tmp_path: Path) -> None:
    dump = re.sub(rb"\((10, '[^']*', \d+), \d+,", rb"(\1, NULL,", BOARD.read_bytes())
    (tmp_path / "a.sql").write_bytes(dump)
    assert {message.channel_id for message in messages(tmp_path / "a.sql").values()} >= {"unknown"}
