"""phpBB: boards of three ages, the dumps they come in, and the BBCode they are written in."""

from __future__ import annotations

import bz2
import io
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _bbcode, _sqldump, phpbb

FIXTURES = Path(__file__).parent / "fixtures" / "phpbb"
BOARD, QUAY, SLIP = FIXTURES / "harbour-board.sql", FIXTURES / "quay-2009.sql", FIXTURES / "slip-2003.sql"


def records(path: Path = BOARD, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(phpbb.read(export))


def messages(path: Path = BOARD, include_private: bool = False) -> dict[str, Message]:
    return {record.id: record for record in records(path, include_private) if isinstance(record, Message)}


def test_a_post_is_told_with_its_topic_and_its_author() -> None:
    assert messages()["2"] == Message(
        "2",
        "2",
        "4",
        datetime(2026, 5, 1, 10, 0, tzinfo=UTC),
        "Yes, every hour :) https://ferry.example",
        title='Does the "ferry" run?',
        conversation_id="topic:10",
        parent_id="1",
        basis="explicit",
        edited_at=datetime(2026, 5, 1, 10, 6, 40, tzinfo=UTC),
        attachments=1,
        permalink="https://harbour.example/board/viewtopic.php?p=2#p2",
    )


def test_the_board_its_forums_and_its_members() -> None:
    found = records()
    assert found[0] == Source("phpbb", "harbour.example/board", "Harbour & Friends")
    assert [record for record in found if isinstance(record, Channel)] == [
        Channel("2", "Ferries", "forum"),
        Channel("3", "Nets & knots", "forum"),
    ]
    assert [record for record in found if isinstance(record, Member)] == [
        Member("3", "ada"),  # not yet let into the group she asked for
        Member("4", "Bo & Co", is_staff=True),
        Member("6", "Harbour Bot", is_bot=True),
    ]
    assert "example.org" not in str(found)


def test_words_stay_as_they_were_written() -> None:
    found = messages()
    assert found["1"].text == 'Is it open; today (really)?\nIt\'s "cold" & dark'
    assert found["7"].text == "Try a[i] = 1\n  b[i] = 2"
    assert (found["3"].member_id, found["3"].basis, found["1"].basis) == (None, "thread", None)
    assert found["5"].deleted_at == datetime(2026, 5, 1, 12, 53, 20, tzinfo=UTC)


def test_what_not_everybody_may_read_is_left_out_and_counted() -> None:
    with Export(BOARD) as export:
        found = {record.id for record in phpbb.read(export) if isinstance(record, Message)}
        assert export.left_out == {"private messages": 3, "posts not approved": 1}
    assert found == {"1", "2", "3", "5", "7", "10"}
    everything = messages(include_private=True)
    assert set(everything) == found | {"4", "6", "pm:1", "pm:2"}
    assert (everything["pm:2"].conversation_id, everything["pm:2"].basis) == ("pm:1", "thread")
    assert Channel("4", "Crew only", "forum", is_private=True) in records(include_private=True)


def test_a_broken_row_is_refused_alone() -> None:
    found = [record for record in records() if isinstance(record, Refused)]
    assert [record.reason for record in found] == [
        "its time is no number: soon",
        "it has 4 values, phpbb_posts has 14 columns",
    ]
    whole = BOARD.read_bytes()
    for record in found:
        assert whole[int(record.place.removeprefix("byte ")) :].startswith(record.raw)


def test_a_board_of_2009_keeps_html_around_bbcode() -> None:
    found = messages(QUAY)
    assert found["1"].text == "Is <high> water :?\nsee http://tide.example/now"
    assert found["2"].text == "At six, it's here"
    assert {record.id: record.is_staff for record in records(QUAY) if isinstance(record, Member)} == {
        "2": True,
        "3": False,
    }


def test_a_board_of_2003_keeps_words_in_a_table_of_their_own() -> None:
    found = messages(SLIP)
    assert [(m.text, m.title, m.member_id) for m in found.values()] == [
        ("Which paint?", "Paint", "2"),
        ("Caf\u00e9 green", "Paint", None),
    ]
    (refused,) = [record for record in records(SLIP) if isinstance(record, Refused)]
    assert refused.reason == "its words are not in the dump"


def test_a_compressed_dump_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "harbour-board.sql.bz2"
    path.write_bytes(bz2.compress(BOARD.read_bytes()))
    assert records(path) == records()


def test_another_dump_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "blog.sql").write_text("CREATE TABLE `wp_posts` (`id` int);\nINSERT INTO `wp_posts` VALUES (1);\n")
    with Export(tmp_path) as export:
        assert phpbb.detects(export) == 0.0
        with pytest.raises(ExportError, match="no dump of a phpBB board"):
            list(phpbb.read(export))


@pytest.mark.parametrize("board", [BOARD, QUAY, SLIP])
def test_no_change_of_a_byte_makes_it_stumble(tmp_path: Path, board: Path) -> None:
    chance, whole = random.Random(9), board.read_bytes()
    for turn in range(300):
        content = bytearray(whole)
        content[chance.randrange(len(content))] = chance.randrange(256)
        (tmp_path / "a.sql").write_bytes(content if turn % 4 else content[: chance.randrange(len(content))])
        with suppress(ExportError):
            records(tmp_path / "a.sql")


# The dump


def inserted(tmp_path: Path, dump: bytes, table: str = "t") -> list[_sqldump.Row | Refused]:
    (tmp_path / "d.sql").write_bytes(dump)
    with Export(tmp_path / "d.sql") as export:
        return list(_sqldump.rows(export, "d.sql", {table}))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"NULL", None),
        (b"-1.5e3", "-1.5e3"),
        (b"'it''s'", "it's"),
        (rb"'it\'s \\ \n \0 \%'", "it's \\ \n  %"),
        (b'"a ""b"" \'c\'"', "a \"b\" 'c'"),
        (b"'), (2); INSERT INTO `t` VALUES (9'", "), (2); INSERT INTO `t` VALUES (9"),
        (b"0x68C3A9", "h\u00e9"),
        (b"_binary 'x'", "x"),
        ("'h\u00e9'".encode("cp1252"), "h\u00e9"),
        (b"''", ""),
    ],
)
def test_a_value_is_what_was_stored(tmp_path: Path, written: bytes, value: str | None) -> None:
    (row,) = inserted(tmp_path, b"-- it's\nREPLACE INTO `db`.`t` (`a`, b) VALUES\n( " + written + b" ,'z') ;\n")
    assert isinstance(row, _sqldump.Row)
    assert row.values == {"a": value, "b": "z"}


def test_other_statements_are_passed_by_whatever_they_hold(tmp_path: Path) -> None:
    dump = b"""/*!40000 ALTER TABLE `t` DISABLE KEYS */;
    # it's a comment
    CREATE TABLE `t` (\n `a` int DEFAULT '0', -- it's\n `b c` text,\n PRIMARY KEY (`a`)\n);
    INSERT INTO `u` VALUES ('INSERT INTO `t` VALUES (1,2);\\'');
    /* INSERT INTO `t` VALUES (3,4); */
    INSERT INTO t (a, b) VALUES (5, 6),(7,8);"""
    found = [row.values for row in inserted(tmp_path, dump) if isinstance(row, _sqldump.Row)]
    assert found == [{"a": "5", "b": "6"}, {"a": "7", "b": "8"}]


@pytest.mark.parametrize("dump", [b"INSERT INTO t (a) VALUES (1),(2", b"INSERT INTO t (a) VALUES (1)", b"x'" * 9])
def test_a_dump_that_ends_too_soon_says_so(tmp_path: Path, dump: bytes) -> None:
    found = inserted(tmp_path, dump)
    assert [type(row) for row in found] == [_sqldump.Row, Refused] * dump.startswith(b"INSERT")


def test_a_long_dump_is_read_through_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sqldump, "BLOCK", 64)
    said = ["it's; (" * count for count in range(60)]
    rows = b",".join(b"(%d,'%b')" % (number, text.replace("'", "''").encode()) for number, text in enumerate(said))
    dump = b"INSERT INTO u VALUES " + rows + b";\nINSERT INTO t (a,b) VALUES " + rows + b";\n"
    found = [row.values["b"] for row in inserted(tmp_path, dump) if isinstance(row, _sqldump.Row)]
    assert found == said


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_what_mysql_writes_is_read_back(texts: list[str]) -> None:
    def quoted(text: str) -> str:
        for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\x1a", "\\Z")):
            text = text.replace(plain, escaped)
        return f"('{text}')"

    dump = f"INSERT INTO t (a) VALUES {','.join(map(quoted, texts))};\n"  # noqa: S608 - it is never run
    stream = io.BytesIO(dump.encode())
    found = list(_sqldump._Dump("d", stream, {"t"}).rows())
    assert [row.values["a"] for row in found if isinstance(row, _sqldump.Row)] == texts


@given(st.lists(st.sampled_from([b"INSERT INTO t (a) VALUES ", *(bytes([c]) for c in b"(),;'\"\\`-#/* \n1a")])))
def test_no_bytes_make_it_stumble(pieces: list[bytes]) -> None:
    stream = io.BytesIO(b"".join(pieces))
    list(_sqldump._Dump("d", stream, {"t"}).rows())


# BBCode


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[b]bold[/b] [color=#f00]red[/color] [sic] a[0] [i]x[/i]", "bold red [sic] a[0] x"),
        ("[quote]a[quote=b]c[/quote]d[/quote]e", "e"),
        ("[quote=x]never closed", "never closed"),
        ("[url=http://a.example]words[/url] [url]http://b.example[/url]", "words http://b.example"),
        ("[code]if (a[i]) [b]x[/b][/code]", "if (a[i]) [b]x[/b]"),
        ("a[img]http://c.example/d.png[/img]b", "ab"),
        ("[img]never closed", "never closed"),
        ("[list=1:ab12][*:ab12]one[/*:m:ab12][*:ab12]two[/list:o:ab12]", "one\n\ntwo"),
        ("one\r\n\r\n\r\n\r\ntwo", "one\n\ntwo"),
        ("[/quote][/b]]][[b", "]][[b"),
    ],
)
def test_bbcode_as_text(written: str, said: str) -> None:
    assert _bbcode.words(written) == said


@pytest.mark.parametrize(
    ("written", "post_id"),
    [
        ("[quote=ada post_id=12 time=3 user_id=4]a[/quote]", "12"),
        ("[QUOTE=Bo;34]a[/QUOTE][QUOTE=Cy;56]b[/QUOTE]", "34"),
        ("[QUOTE=Bo;n78]a[/QUOTE]", "78"),
        ('[QUOTE="Cy, post: 90, member: 1"]a[/QUOTE]', "90"),
        ("[quote=&quot;ada&quot;:2k1]a[/quote:2k1]", None),
        ("[quote]12[/quote]", None),
    ],
)
def test_a_quotation_tells_what_it_quotes(written: str, post_id: str | None) -> None:
    assert _bbcode.cited(written) == post_id


@pytest.mark.parametrize("piece", ["[quote]", "[code]", "[img]x[/img", "[b", "[url=", "[/quote]", "[quote=;1"])
def test_the_time_bbcode_takes_grows_with_its_length_only(piece: str) -> None:
    began = time.process_time()
    _bbcode.words(piece * 50_000)
    _bbcode.cited(piece * 50_000)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "run",
    [b"CREATE TABLE " + b"a" * 200_000, b"INSERT INTO t" + b" " * 200_000, b"INSERT " + b"a " * 100_000]
    + [b"INSERT INTO t (a, b) VALUES (" + run for run in (b"9" * 200_000 + b"'x')", b"_" * 200_000, b"a " * 100_000)],
)
def test_a_long_run_of_one_sign_takes_no_longer_than_its_length(tmp_path: Path, run: bytes) -> None:
    began = time.monotonic()
    inserted(tmp_path, run)
    inserted(tmp_path, b"CREATE TABLE t (a int, b int);\n" + run + b");\n")
    assert time.monotonic() - began < 1


def test_an_account_without_a_number_is_nobody(tmp_path: Path) -> None:
    dump = (BOARD.parent / "slip-2003.sql").read_bytes()
    (tmp_path / "slip.sql").write_bytes(dump.replace(b"VALUES('2', '1', 'ada'", b"VALUES('', '1', 'ada'"))
    assert not [record for record in records(tmp_path / "slip.sql") if isinstance(record, Member)]
