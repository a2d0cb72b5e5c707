"""Any table: columns by mapping or by common names, ids byte for byte, one lost quote costs one row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import generic

FIXTURES = Path(__file__).parent / "fixtures" / "generic"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HEADER = "id,author,sent_at,text\n"


def records(path: Path, mappings: Sequence[Mapping[str, Any]] = ()) -> list[Record]:
    with Export(path, mappings) as export:
        return list(generic.read(export))


def messages(path: Path, mappings: Sequence[Mapping[str, Any]] = ()) -> list[Message]:
    return [record for record in records(path, mappings) if isinstance(record, Message)]


def refused(path: Path) -> list[tuple[str, str, bytes]]:
    return [(r.place, r.reason, r.raw) for r in records(path) if isinstance(r, Refused)]


def table(folder: Path, text: str, name: str = "table.csv") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder / name


def test_ids_are_text_byte_for_byte() -> None:
    assert [message.id for message in messages(FIXTURES / "posts.csv")] == ["007", "3.0", "3.10"]
    assert messages(FIXTURES / "events.ndjson")[0].id == "12345678901234567890123"


def test_plain_column_names_are_known_whatever_their_case_spaces_or_delimiter() -> None:
    first, second, _ = messages(FIXTURES / "posts.csv")
    assert first == Message(
        "007", "help", "ada", datetime(2026, 5, 1, 10, tzinfo=UTC), "Where do I moor?", conversation_id="007"
    )
    assert (second.parent_id, second.conversation_id, second.basis) == ("007", "007", "explicit")
    assert second.text == 'West quay;\nask for "Sam".'


def test_a_table_is_one_source_whose_channels_are_told_once() -> None:
    found = records(FIXTURES / "posts.csv")
    assert found[0] == Source("generic", "posts", "posts")
    assert [record.id for record in found if isinstance(record, Channel)] == ["help", "pier"]


def test_blank_rows_are_no_rows() -> None:
    assert len(messages(FIXTURES / "posts.csv")) == 3
    assert refused(FIXTURES / "posts.csv") == []


def test_json_keys_are_columns_and_members_keep_names_and_flags() -> None:
    members = [record for record in records(FIXTURES / "events.ndjson") if isinstance(record, Member)]
    assert [(m.id, m.name, m.is_bot) for m in members] == [("u1", "u1", False), ("tide", "Tide table", True)]
    said = messages(FIXTURES / "events.ndjson")
    assert said[0].text == 'café "open"?'
    assert [message.sent_at for message in said] == [NOON - timedelta(minutes=m) for m in (120, 115, 110)]
    assert said[2].parent_id == "2"


def test_equal_rows_without_an_id_are_two_messages_and_the_same_two_next_time() -> None:
    ids = [message.id for message in messages(FIXTURES / "chat.json")]
    assert len(set(ids)) == 2
    assert ids == [message.id for message in messages(FIXTURES / "chat.json")]


MAPPING = {
    "match": "dump-*.csv",
    "platform": "mastodon",
    "source": "harbour.example",
    "name": "Harbour",
    "kind": "forum",
    "time_zone": "Europe/Berlin",
    "sent_at_format": "%d.%m.%Y %H:%M",
    "columns": {
        "id": "Nr", "channel": "=help", "member": "Wer", "name": "Name", "email": "Post", "sent_at": "Wann",
        "text": "Was", "conversation": "Faden", "is_staff": "Team", "kind": "Art", "deleted_at": "Weg",
    },
}  # fmt: skip
DUMP = (
    "Nr\tWer\tName\tPost\tWann\tWas\tFaden\tTeam\tArt\tWeg\n"
    "1\t7\tAda\tada@example.org\t01.05.2026 14:00\tHallo?\tf1\tja\t\t\n"
    "2\t7\tAda\tada@example.org\t01.12.2026 13:00\tjoined\t\tyes\tsystem\t01.12.2026 13:05\n"
)


def test_a_mapping_names_platform_source_and_columns(tmp_path: Path) -> None:
    table(tmp_path, "a,b\n1,2\n", "other.csv")  # no mapping matches it: it is not read
    table(tmp_path, DUMP, "dump-1.csv")
    assert records(tmp_path, [MAPPING]) == [
        Source("mastodon", "harbour.example", "Harbour"),
        Channel("help", "help", "forum"),
        Member("7", "Ada", email="ada@example.org", updated_at=NOON),
        Message("1", "help", "7", NOON, "Hallo?", conversation_id="f1"),
        Member(
            "7",
            "Ada",
            email="ada@example.org",
            is_staff=True,
            updated_at=datetime(2026, 12, 1, 12, tzinfo=UTC),
        ),
        Message(
            "2",
            "help",
            "7",
            datetime(2026, 12, 1, 12, tzinfo=UTC),
            "joined",
            kind="system",
            deleted_at=datetime(2026, 12, 1, 12, 5, tzinfo=UTC),
        ),
    ]


@pytest.mark.parametrize(
    ("written", "deleted_at"),
    [("", None), ("0", None), ("FALSE", None), ("0000-00-00 00:00:00", None), ("yes", NOON), ("1", NOON)],
)
def test_a_bare_yes_or_no_tells_whether_a_message_is_deleted(
    tmp_path: Path, written: str, deleted_at: datetime | None
) -> None:
    rows = table(tmp_path, f"time,text,deleted_at\n2026-05-01T12:00Z,hello,{written}\n")
    assert [message.deleted_at for message in messages(rows)] == [deleted_at]


@pytest.mark.parametrize("written", ["some day", "31.31.2026", "99999999999999999999"])
def test_what_may_be_deleted_is_neither_shown_nor_lost(tmp_path: Path, written: str) -> None:
    rows = table(tmp_path, f"time,text,deleted_at\n2026-05-01T12:00Z,hello,{written}\n2026-05-01T12:01Z,there,\n")
    assert [message.text for message in messages(rows)] == ["there"]
    assert [told[:2] for told in refused(rows)] == [("line 2", generic.UNTOLD)]


def test_a_mapping_reaches_into_nested_json(tmp_path: Path) -> None:
    line = {"who": {"id": "u1", "is": {"called": "Ada"}}, "at": "2026-05-01T12:00Z", "text": "hi"}
    path = table(tmp_path, json.dumps(line), "x.jsonl")
    columns = {"member": "who.id", "name": "who.is.called", "sent_at": "at", "parent": "often.missing"}
    (_, _, member, message) = records(path, [{"columns": columns}])
    assert member == Member("u1", "Ada", updated_at=NOON)
    assert isinstance(message, Message)
    assert (message.member_id, message.parent_id) == ("u1", None)


def test_a_missing_column_is_answered_with_the_lines_to_write(tmp_path: Path) -> None:
    path = table(tmp_path, "Nr,Wann,Body\n1,2026-05-01,hi\n")
    with pytest.raises(ExportError) as caught:
        records(path)
    assert "Its columns: Nr, Wann, Body." in str(caught.value)
    assert '[[tables]]\nmatch = "table.csv"\ncolumns = { text = "Body", sent_at = "..." }' in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"kind": "board"}, "chat, forum."),
        ({"columns": {"sender": "Who"}}, "id, channel, member, name,"),
        ({"colums": {}}, "match, platform, source, name,"),
    ],
)
def test_a_wrong_mapping_is_named_with_what_is_allowed(tmp_path: Path, wrong: dict[str, Any], allowed: str) -> None:
    with pytest.raises(ExportError) as caught:
        records(table(tmp_path, "text,sent_at\nhi,2026-05-01\n"), [{"match": "other.csv"}, wrong])
    assert str(caught.value).startswith("hearth.toml: [[tables]], row 2: ")
    assert f"Allowed: {allowed}" in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (
            {"columns": {"sent_at": "When"}},
            "table.csv has no column 'When'. Its columns: id, author, sent_at, text",
        ),
        ({"colums": {}}, "unknown field `colums`"),
        ({"columns": {"sender": "author"}}, "Invalid enum value 'sender'"),
        ({"time_zone": "Mars/Olympus"}, "there is no time zone 'Mars/Olympus'"),
    ],
)
def test_a_mapping_that_cannot_work_is_named(tmp_path: Path, mapping: Mapping[str, Any], words: str) -> None:
    with pytest.raises(ExportError) as caught:
        records(table(tmp_path, HEADER), [mapping])
    assert words in str(caught.value)


def test_files_of_several_sources_are_asked_for_one_by_one(tmp_path: Path) -> None:
    table(tmp_path, HEADER, "a.csv")
    table(tmp_path, HEADER, "b.csv")
    with pytest.raises(ExportError, match="several sources"):
        records(tmp_path, [{"match": name + ".csv", "source": name} for name in "ab"])


def test_a_folder_without_tables_is_refused_in_words(tmp_path: Path) -> None:
    table(tmp_path, "{}", "settings.json")
    with pytest.raises(ExportError, match=r"holds no \.csv"):
        records(tmp_path)


@pytest.mark.parametrize(("name", "channel"), [("general/2026-05-01.csv", "general"), ("general.csv", "general")])
def test_without_a_channel_column_the_folder_or_file_names_the_channel(tmp_path: Path, name: str, channel: str) -> None:
    (tmp_path / "general").mkdir()
    table(tmp_path, HEADER + "1,ada,2026-05-01,hi\n", name)
    table(tmp_path, HEADER, "empty.csv")
    assert [message.channel_id for message in messages(tmp_path)] == [channel]


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01T14:00:00.0000000+02:00",
        "2026-05-01 12:00:00 UTC",
        "2026-05-01 12:00:00",
        "1777636800",
        "1777636800.000000",
        "1777636800000",
        "1777636800000000",
        "Fri, 01 May 2026 14:00:00 +0200",
        "Fri May 01 12:00:00 +0000 2026",
        " 2026-05-01 12:00 ",
    ],
)
def test_a_time_is_read_however_it_is_written(tmp_path: Path, written: str) -> None:
    (message,) = messages(table(tmp_path, HEADER + f'1,ada,"{written}",hi\n'))
    assert message.sent_at == NOON
    assert message.sent_at.tzinfo is UTC


@pytest.mark.parametrize("written", ["", "05/01/2026 12:00", "soon", "99999999999999999999"])
def test_a_row_whose_time_cannot_be_read_is_refused(tmp_path: Path, written: str) -> None:
    path = table(tmp_path, HEADER + f"1,ada,{written},hi\n2,ada,2026-05-01,hi\n")
    ((place, reason, raw),) = refused(path)
    assert place == "line 2"
    assert reason.startswith("its time cannot be read" if written else "it has no time")  # the same for every such row
    assert written.encode() in raw
    assert [message.id for message in messages(path)] == ["2"]


def test_a_row_with_fields_too_few_or_too_many_is_refused_with_its_line(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER + "1,ada,2026-05-01,hi\n2,ada\n\n3,ada,2026-05-01,a,b\n4,ada,2026-05-01,hi\n")
    assert refused(path) == [
        ("line 3", "it has 2 fields, the header has 4", b"2,ada\n"),
        ("line 5", "it has 5 fields, the header has 4", b"3,ada,2026-05-01,a,b\n"),
    ]
    assert [message.id for message in messages(path)] == ["1", "4"]


@pytest.mark.parametrize("rest", ["", '4,ada,2026-05-01,"fine, too"\n'])
def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path, rest: str) -> None:
    path = table(tmp_path, HEADER + '1,ada,2026-05-01,"lost\n2,ada,2026-05-01,hi\n3,ada,2026-05-01,hi\n' + rest)
    assert [(place, raw) for place, _, raw in refused(path)] == [("line 2", b'1,ada,2026-05-01,"lost\n')]
    assert [message.id for message in messages(path)] == ["2", "3", "4"][: 2 + bool(rest)]


def test_a_lost_quote_does_not_make_memory_or_time_grow_with_the_file(tmp_path: Path) -> None:
    row = "2,ada,2026-05-01," + "x" * 1000 + "\n"
    path = table(tmp_path, HEADER + '1,ada,2026-05-01,"lost\n' + row * 2000)
    assert len(messages(path)) == 2000
    assert [place for place, *_ in refused(path)] == ["line 2"]


def test_a_field_of_over_a_million_characters_is_taken_for_a_lost_quote(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER + f"1,ada,2026-05-01,{'x' * (1 << 20)}\n2,ada,2026-05-01,{'x' * (1 << 21)}\n")
    assert [(place, reason) for place, reason, _ in refused(path)] == [
        ("line 3", "field larger than field limit (1048576)")
    ]


def test_a_broken_line_of_ndjson_is_refused_alone(tmp_path: Path) -> None:
    good = '{"id": 1, "time": "2026-05-01", "text": "hi"}'
    path = table(tmp_path, f'{good}\n{{"id": 2, "time"\n[1]\n{good}\n', "x.ndjson")
    assert [(place, raw) for place, _, raw in refused(path)] == [
        ("line 2", b'{"id": 2, "time"'),
        ("line 3", b"[1]"),
    ]
    assert len(messages(path)) == 2


@pytest.mark.parametrize("broken", ['{"text": "\\ud800"}', '{"a":' * 100_000], ids=["half a letter", "nested deep"])
def test_json_that_no_text_can_hold_is_refused_alone(tmp_path: Path, broken: str) -> None:
    good = '{"id": 1, "time": "2026-05-01", "text": "hi"}'
    for path in (
        table(tmp_path, f"{good}\n{broken}\n{good}\n", "x.ndjson"),
        table(tmp_path, f"[{good},{broken},{good}]", "x.json"),
    ):
        assert len(refused(path)) == 1
        assert len(messages(path)) >= 1


def test_a_link_that_is_no_web_address_is_dropped(tmp_path: Path) -> None:
    rows = "1,2026-05-01,hi,javascript:alert(1)\n2,2026-05-01,hi,https://example.org/2\n"
    path = table(tmp_path, "id,time,text,url\n" + rows)
    assert [message.permalink for message in messages(path)] == [None, "https://example.org/2"]


def test_bytes_that_are_no_text_are_replaced_and_the_row_is_kept(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(HEADER.encode() + b"1,ada,2026-05-01,caf\xe9\n")
    assert [message.text for message in messages(tmp_path / "x.csv")] == ["caf\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_change_nothing(tmp_path: Path, encoding: str, end: str) -> None:
    text = HEADER + '1,Grâce,2026-05-01,"a ""b"""\n'
    (tmp_path / "x.csv").write_bytes(text.replace("\n", end).encode(encoding))
    (message,) = messages(tmp_path / "x.csv")
    assert (message.id, message.member_id, message.text) == ("1", "Grâce", 'a "b"')


def test_a_header_repeated_where_files_were_joined_is_no_row(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER + "1,ada,2026-05-01,hi\n" + HEADER + "2,ada,2026-05-01,hi\n")
    assert (len(messages(path)), refused(path)) == (2, [])


@pytest.mark.parametrize("author", ["", "[deleted]"])
def test_a_missing_or_deleted_author_is_nobody(tmp_path: Path, author: str) -> None:
    path = table(tmp_path, HEADER + f"1,{author},2026-05-01,hi\n")
    assert [message.member_id for message in messages(path)] == [None]
    assert not [record for record in records(path) if isinstance(record, Member)]


def test_a_table_of_names_only_never_takes_a_name_for_an_id(tmp_path: Path) -> None:
    path = table(tmp_path, "display_name,sent_at,text\nAda,2026-05-01,hi\n")
    assert [record.id for record in records(path) if isinstance(record, Member)] == ["name:ada"]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20),
            st.integers(0, 2_000_000_000),
        )
    )
)
def test_whatever_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int]]
) -> None:
    lines = [
        f'{number},"{text.replace(chr(34), chr(34) * 2)}",ada,{at + 10**9}\n' for number, (text, at) in enumerate(rows)
    ]
    path = table(tmp_path_factory.mktemp("written"), "id,text,author,timestamp\n" + "".join(lines))
    assert [(message.id, message.text) for message in messages(path)] == [
        (str(number), text) for number, (text, _) in enumerate(rows)
    ]


def test_a_platforms_own_reader_is_never_outbid(tmp_path: Path) -> None:
    def value(path: Path, mappings: Sequence[Mapping[str, Any]] = ()) -> float:
        with Export(path, mappings) as export:
            return generic.detects(export)

    unknown = table(tmp_path, "a,b\n1,2\n")
    assert value(table(tmp_path, "{}", "x.json")) == 0
    assert 0.2 <= value(unknown) < value(FIXTURES / "posts.csv") < value(unknown, [{"match": "table.csv"}]) <= 0.3


GROUP = FIXTURES / "harbour-group"
KHOROS = FIXTURES / "messages.csv"
MYSPACE = FIXTURES / "comments.tsv"


def test_a_facebook_group_is_known_by_its_columns() -> None:
    found = records(GROUP)
    assert found[0] == Source("facebook", "harbour-group", "harbour-group")
    assert [record for record in found if isinstance(record, Channel)] == [Channel("group", "group", "forum")]
    said = {record.id: record for record in found if isinstance(record, Message)}
    assert [(m.id, m.conversation_id, m.parent_id, m.member_id) for m in said.values()] == [
        ("1_21", "1_2", None, "name:bo marsh"),
        ("1_22", "1_2", "1_21", "name:ada"),
        ("1_2", "1_2", None, "name:ada"),
    ]
    assert said["1_2"].sent_at == datetime(2017, 7, 1, 14, 30, tzinfo=UTC)  # the scraper took five hours off


def test_khoros_messages_are_known_by_their_columns_and_lose_their_html() -> None:
    said = messages(KHOROS)
    assert [(m.id, m.channel_id, m.conversation_id, m.parent_id) for m in said] == [
        ("7", "lamps", "7", None),
        ("8", "lamps", "7", "7"),
    ]
    assert said[1].text == "> Which wick?\nCotton & wool"
    assert said[0].permalink == "https://lamps.example/t5/lamps/td-p/7"
    assert said[0].sent_at == datetime(2024, 3, 5, 18, 0, tzinfo=UTC)


def test_a_table_of_myspace_comments_is_known_by_its_columns() -> None:
    (said,) = messages(MYSPACE)
    assert (said.channel_id, said.member_id, said.text) == ("harbourband", "4711", "thanks for the add!")
    assert said.sent_at == datetime(2008, 2, 15, 5, 41, tzinfo=UTC)


def test_what_hearth_toml_says_wins_over_what_we_know() -> None:
    (source, *_) = records(
        KHOROS, [{"match": "messages.csv", "platform": "lamps", "columns": {"sent_at": "post_time"}}]
    )
    assert source == Source("lamps", "messages", "messages")


def test_a_real_dump_with_a_broken_row_loses_that_row_only(samples: Path) -> None:
    """5,000 tweets, saved again by a program that broke one of them in two."""
    found = records(samples / "x_twcs" / "monalisapatra26+data_visualization" / "twcs.csv")
    said = [record for record in found if isinstance(record, Message)]
    assert (len(said), sum(isinstance(record, Refused) for record in found)) == (4_999, 2)
    assert sum(message.parent_id is not None for message in said) == 3_694


def test_a_byte_that_is_no_letter_costs_one_record_of_a_list(tmp_path: Path) -> None:
    rows = [{"id": str(n), "author": "ada", "sent_at": "2026-05-01T12:00Z", "text": "caf#"} for n in range(3)]
    broken = json.dumps(rows).encode().replace(b"caf#", b"caf\xe9", 1)
    (tmp_path / "list.json").write_bytes(broken)
    assert [message.id for message in messages(tmp_path / "list.json")] == ["1", "2"]
    assert [place for place, _, _ in refused(tmp_path / "list.json")] == ["record 1"]
