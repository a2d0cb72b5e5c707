"""Discord: the CSV files of DiscordChatExporter."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import discord_csv

HARBOUR = Path(__file__).parent / "fixtures" / "discord_csv" / "harbour"
GENERAL = HARBOUR / "Harbour - Text Channels - general [7000000000000000001].csv"
ADA, GRACE = "8000000000000000001", "8000000000000000002"
HEADER = "AuthorID,Author,Date,Content,Attachments,Reactions"
TWO_LINES = 'Where do I moor, "please"?\nIt is 9 m long'
ROWS = [
    '"1","ada","2026-05-01T10:00:00.0000000+00:00","one","",""',
    '"1","ada","2026-05-01T10:00:00.0000000+00:00","two","",""',
    '"1","ada","2026-05-01T10:01:00.0000000+00:00","three","",""',
]


def records(path: Path = HARBOUR, *, private: bool = False) -> list[Record]:
    with Export(path, include_private=private) as export:
        return list(discord_csv.read(export))


def messages(path: Path = HARBOUR) -> list[Message]:
    return [record for record in records(path) if isinstance(record, Message)]


def sheet(folder: Path, *rows: str, name: str = "Harbour - Rooms - general [7].csv", header: str = HEADER) -> Path:
    (folder / name).write_text("\n".join([header, *rows, ""]))
    return folder


def test_server_and_channels_are_told_by_the_names_of_the_files() -> None:
    found = records()
    assert found[0] == Source("discord", "Harbour", "Harbour")
    assert [record for record in found if isinstance(record, Channel)] == [
        Channel("7000000000000000001", "general", "chat"),
    ]


def test_every_row_in_order() -> None:
    assert [(m.sent_at, m.member_id, m.kind, m.text, m.attachments) for m in messages()] == [
        (datetime(2026, 5, 1, 10, 0, 0, 20_000, tzinfo=UTC), ADA, "message", TWO_LINES, 2),
        (datetime(2026, 5, 1, 10, 0, 0, 20_000, tzinfo=UTC), ADA, "message", "Anybody?", 0),
        (datetime(2026, 5, 1, 10, 5, 0, 123_456, tzinfo=UTC), GRACE, "message", "At pier 5", 0),
        (datetime(2026, 5, 1, 10, 6, tzinfo=UTC), None, "message", "Thanks", 0),
        (datetime(2026, 5, 1, 10, 7, tzinfo=UTC), GRACE, "system", "Pinned a message.", 0),
        (datetime(2026, 5, 1, 10, 30, tzinfo=UTC), ADA, "message", "Fish?", 0),
        (datetime(2026, 5, 1, 10, 31, tzinfo=UTC), GRACE, "message", "Soup", 0),
    ]


def test_members_are_told_once() -> None:
    assert [(r.id, r.name) for r in records() if isinstance(r, Member)] == [(ADA, "ada"), (GRACE, "grace")]


def test_reactions_are_counted() -> None:
    first = messages()[0].id
    assert [record for record in records() if isinstance(record, Reaction)] == [
        Reaction(first, "👍", count=3),
        Reaction(first, "🎉"),
    ]


def test_a_thread_is_a_conversation_in_the_channel_it_hangs_under() -> None:
    first, second = messages()[-2:]
    for message in (first, second):
        assert (message.channel_id, message.conversation_id) == ("7000000000000000001", "7000000000000000030")
        assert message.title == "Lunch plans"
    assert (first.basis, second.basis) == (None, "thread")


def test_ids_stay_the_same_when_the_text_is_edited_and_more_is_said(tmp_path: Path) -> None:
    before = [message.id for message in messages(sheet(tmp_path, *ROWS[:2]))]
    after = [message.id for message in messages(sheet(tmp_path, *(row.replace("one", "1") for row in ROWS)))]
    assert after[:2] == before
    assert len(set(after)) == 3


def test_files_of_before_2020_tell_no_ids_of_authors_and_times_in_words(tmp_path: Path) -> None:
    row = '"ada#0001","02-Jul-20 03:14 PM","Hello","",""'
    (message,) = messages(sheet(tmp_path, row, header=HEADER.removeprefix("AuthorID,")))
    assert (message.member_id, message.sent_at) == ("name:ada#0001", datetime(2020, 7, 2, 15, 14, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "kind"),
    [("Joined the server.", "system"), ("Changed the channel name: quay", "system"), ("Joined the server!", "message")],
)
def test_what_the_program_says_itself_is_a_system_line(tmp_path: Path, text: str, kind: str) -> None:
    (message,) = messages(sheet(tmp_path, ROWS[0].replace("one", text)))
    assert message.kind == kind


@pytest.mark.parametrize(
    ("name", "guild", "channel"),
    [
        ("Harbour - Rooms - general [7] (after 2024-01-01) [part 2].csv", "Harbour", "7"),
        ("Harbour - Rooms - general (loud) [7].csv", "Harbour", "7"),
        ("Harbour - Rooms - general.csv", "Harbour", "category:general"),
    ],
)
def test_a_files_name_is_understood(tmp_path: Path, name: str, guild: str, channel: str) -> None:
    folder = sheet(tmp_path, ROWS[0], name=name)
    assert records(folder)[0] == Source("discord", guild, guild)
    assert messages(folder)[0].channel_id == channel


def test_a_row_without_a_date_or_a_field_is_refused_alone(tmp_path: Path) -> None:
    assert [r.place for r in records() if isinstance(r, Refused)] == ["line 8"]
    folder = sheet(tmp_path, ROWS[0], '"1","ada","2026-05-01T10:00:00+00:00"', ROWS[2])
    assert [type(record) for record in records(folder)][3:] == [Message, Refused, Message]


def test_direct_messages_are_left_out_and_counted(tmp_path: Path) -> None:
    shutil.copytree(HARBOUR, tmp_path, dirs_exist_ok=True)
    sheet(tmp_path, *ROWS, name="Direct Messages - Private - ada [9].csv")
    with Export(tmp_path) as export:
        assert sum(isinstance(record, Message) for record in discord_csv.read(export)) == 7
        assert export.left_out == {"private messages": 3}


def test_only_direct_messages_two_servers_and_none_are_refused_in_words(tmp_path: Path) -> None:
    sheet(tmp_path, *ROWS, name="Direct Messages - Private - ada [9].csv")
    with pytest.raises(ExportError, match="--include-private"):
        records(tmp_path)
    sheet(tmp_path, *ROWS, name="Airport - Rooms - gates [8].csv")
    with pytest.raises(ExportError, match=r"several servers \(Airport, Direct Messages\)"):
        records(tmp_path, private=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "table.csv").write_text("id,text\n1,x\n")
    with pytest.raises(ExportError, match="no CSV file of Discord"):
        records(tmp_path / "other")


def test_no_damage_ever_raises_anything_but_an_export_error(tmp_path: Path) -> None:
    whole, dice = GENERAL.read_bytes(), random.Random(7)
    for _ in range(300):
        broken = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.3 else whole)
        for _ in range(dice.randrange(1, 9) if broken else 0):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        (tmp_path / GENERAL.name).write_bytes(broken)
        with Export(tmp_path) as export:
            discord_csv.detects(export)
            try:
                list(discord_csv.read(export))
            except ExportError as error:
                assert str(error).startswith("discord: ")  # noqa: PT017 - one of hundreds may raise
