"""Zulip: topics as conversations, in an organization's export, in zulip-archive and in the API's answers."""

from __future__ import annotations

import json
import shutil
import tarfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import zulip
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "zulip"
ARCHIVE, EXPORT, ANSWERS = (FIXTURES / f"harbour-{name}" for name in ("archive", "export", "answers"))


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(zulip.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def members(path: Path) -> dict[str, Member]:
    return {record.id: record for record in records(path) if isinstance(record, Member)}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            ARCHIVE,
            Source("zulip", "harbour-archive", "harbour-archive", None, datetime(2024, 5, 2, 9, 0, 0, 500_000, UTC)),
        ),
        (EXPORT, Source("zulip", "6f1d0c1e-0000-4000-8000-000000000002", "Harbour")),
        (ANSWERS, Source("zulip", "harbour", "harbour")),
    ],
)
def test_the_organization_is_the_source(path: Path, source: Source) -> None:
    assert records(path)[0] == source


@pytest.mark.parametrize(("path", "said", "refused"), [(ARCHIVE, 9, 1), (EXPORT, 6, 1), (ANSWERS, 4, 0)])
def test_every_public_row_becomes_a_message_or_is_refused(path: Path, said: int, refused: int) -> None:
    found = records(path)
    assert sum(isinstance(record, Message) for record in found) == said
    assert sum(isinstance(record, Refused) for record in found) == refused


def test_topics_whose_files_begin_with_a_dot_are_read_under_their_own_names() -> None:
    titles = {name: message.title for name, message in messages(ARCHIVE).items()}
    assert (titles["101"], titles["88"], titles["120"]) == ("where to moor?", "[old] ropes", "fog")


def test_channels_are_forums_under_the_name_the_index_gives() -> None:
    channels = [record for record in records(ARCHIVE) if isinstance(record, Channel)]
    assert channels == [Channel("4", "harbour help", "forum"), Channel("9", "weather", "forum")]


def test_without_an_index_the_folder_names_the_channel(tmp_path: Path) -> None:
    shutil.copytree(ARCHIVE / "4-harbour-help", tmp_path / "4-harbour-help")
    (channel,) = (record for record in records(tmp_path / "4-harbour-help") if isinstance(record, Channel))
    assert channel == Channel("4", "harbour-help", "forum")


def test_resolving_a_topic_does_not_begin_another_conversation() -> None:
    said = messages(ANSWERS)
    assert said["2001"].conversation_id == said["2002"].conversation_id == "21:ropes"
    assert said["2002"].title == "ropes"


def test_the_first_words_of_a_topic_open_it_also_where_batches_overlap() -> None:
    assert {name: message.basis for name, message in messages(EXPORT).items() if message.title == "engine"} == {
        "1001": None,
        "1002": "explicit",
        "1003": "thread",
        "1000": None,  # earlier, in a later file
    }


def test_what_the_notification_bot_says_is_a_system_line_and_opens_nothing() -> None:
    for path, expected in ((ARCHIVE, {"90", "111"}), (EXPORT, {"1003"})):
        found = messages(path)
        assert {name for name, message in found.items() if message.kind == "system"} == expected
    assert messages(ARCHIVE)["88"].basis is None


def test_a_quoting_reply_answers_the_message_and_says_only_its_own_words() -> None:
    html, markdown = messages(ARCHIVE)["104"], messages(EXPORT)["1002"]
    assert (html.parent_id, html.basis, html.text) == ("102", "explicit", "How deep is it?")
    assert (markdown.parent_id, markdown.basis, markdown.text) == ("1001", "explicit", "@Ada Lark ask in #help")


def test_a_topics_first_message_may_quote_another_topic_and_answers_nobody() -> None:
    assert (messages(ARCHIVE)["88"].parent_id, messages(ARCHIVE)["88"].text) == (None, "Are old ropes any good?")


def test_those_who_are_called_are_mentioned_and_those_who_are_named_silently_are_not() -> None:
    assert messages(ARCHIVE)["102"].mentions == ("Ada Lark",)
    assert messages(ARCHIVE)["104"].mentions == ()
    assert messages(ARCHIVE)["119"].mentions == ()  # everybody
    assert messages(EXPORT)["1002"].mentions == messages(ANSWERS)["2002"].mentions == ("11",)


def test_text_is_plain_and_files_are_counted() -> None:
    first = messages(ARCHIVE)["101"]
    assert (first.text, first.attachments) == ("Where do I moor a ten metre boat? See boat.png", 1)
    assert messages(ARCHIVE)["102"].text == "@Ada Lark berth 5 is free :anchor:"
    assert messages(ANSWERS)["2006"].text == "plain *words*"


def test_deleted_words_and_deleted_people_are_told_as_such() -> None:
    gone = messages(ARCHIVE)["105"]
    assert (gone.text, gone.deleted_at) == ("", datetime(2024, 5, 1, 8, 3, 20, tzinfo=UTC))
    assert messages(ARCHIVE)["88"].member_id is messages(EXPORT)["1007"].member_id is None


def test_roles_and_bots_are_taken_from_the_accounts() -> None:
    assert members(EXPORT) == {
        "11": Member("11", "Ada Lark", email="ada@example.org"),
        "12": Member("12", "Grace Wade", email="grace@harbour.example.org", is_staff=True),
        "5": Member("5", "Notification Bot", email="notification-bot@zulip.com", is_bot=True),
        "13": Member("13", "tide-bot", is_bot=True),
    }
    assert members(ANSWERS)["12"] == Member("12", "Grace Wade", is_staff=True)
    assert members(ANSWERS)["60"].is_bot
    assert {name for name, member in members(ARCHIVE).items() if member.is_bot} == {"Notification Bot", "Welcome Bot"}


def test_reactions_name_who_reacted_in_either_dialect() -> None:
    assert [record for record in records(EXPORT) if isinstance(record, Reaction)] == [
        Reaction("1001", "thumbs_up", "12")
    ]
    assert [record for record in records(ANSWERS) if isinstance(record, Reaction)] == [
        Reaction("2001", "heart", "12"),
        Reaction("2001", "eyes", "13"),
    ]


@pytest.mark.parametrize(("path", "hidden"), [(EXPORT, 4), (ANSWERS, 2)])
def test_what_is_private_is_left_out_and_counted_unless_it_is_asked_for(path: Path, hidden: int) -> None:
    with Export(path) as export:
        public = list(zulip.read(export))
        assert export.left_out == {"private messages": hidden}
    assert "secret" not in str(public)
    assert "crew only" not in str(public)
    with Export(path, include_private=True) as export:
        found = list(zulip.read(export))
        assert not export.left_out
    private = {record.id for record in found if isinstance(record, Channel) and record.is_private}
    hidden_ones = [record for record in found if isinstance(record, Message) and record.channel_id in private]
    assert len(hidden_ones) == hidden
    assert all("secret" in message.text for message in hidden_ones)


def test_direct_messages_have_no_topic_and_are_two_peoples_whoever_writes() -> None:
    with Export(ANSWERS, include_private=True) as export:
        found = list(zulip.read(export))
    (direct,) = (record for record in found if isinstance(record, Message) and record.id == "2004")
    assert (direct.channel_id, direct.conversation_id, direct.title) == ("direct:11,12", None, None)


def test_times_and_edits_are_utc() -> None:
    first = messages(EXPORT)["1001"]
    assert first.sent_at == datetime(2024, 5, 1, 7, 53, 20, 250_000, UTC)
    assert first.edited_at == datetime(2024, 5, 1, 7, 54, 50, tzinfo=UTC)


def test_an_export_is_read_from_the_tar_it_comes_in(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "zulip-export-x.tar.gz", "w:gz") as packed:
        packed.add(EXPORT, "zulip-export-x")
    assert records(tmp_path / "zulip-export-x.tar.gz") == records(EXPORT)


def test_a_topic_is_known_even_where_its_first_message_is_very_long(tmp_path: Path) -> None:
    folder = tmp_path / "1-long"
    folder.mkdir()
    row = {"content": "<p>word </p>" * 9000, "id": 1, "sender_full_name": "Ada", "timestamp": 1714550000}
    (folder / "words.json").write_text(json.dumps([row]))
    assert len(messages(tmp_path)) == 1


def test_an_export_without_messages_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ExportError, match="holds no messages"):
        records(tmp_path)


@pytest.mark.parametrize("path", [ARCHIVE, EXPORT, ANSWERS])
def test_a_damaged_export_is_read_or_refused_but_never_falls_over(path: Path, tmp_path: Path) -> None:
    for spoilt in damaged(path, tmp_path):
        with suppress(ExportError), Export(spoilt, include_private=True) as export:
            assert isinstance(next(zulip.read(export)), Source)
            assert list(zulip.read(export))


def test_a_real_archive_is_read_whole(samples: Path) -> None:
    root = samples / "zulip_archive" / "NCAR+zulip-archive"
    files = [file for file in root.rglob("*") if file.parent.name[:1].isdecimal() and file.suffix == ".json"]
    rows = [row for file in files for row in json.loads(file.read_text())]
    found = records(root)
    said = {record.id: record for record in found if isinstance(record, Message)}
    assert not [record for record in found if isinstance(record, Refused)]
    assert (len(said), len(rows)) == (6707, 6707)
    assert len({message.conversation_id for message in said.values()}) == len(files) == 831
    assert len({row["sender_full_name"] for row in rows}) == sum(isinstance(record, Member) for record in found) == 171
    assert sum(message.kind == "system" for message in said.values()) == sum(
        row["sender_full_name"] == "Notification Bot" for row in rows
    )
    quoting = [row for row in rows if row["content"].startswith("<p>") and ">said</a>:</p>" in row["content"]]
    parents = [message.parent_id for message in said.values() if message.parent_id]
    assert len(quoting) - 5 <= len(parents) <= len(quoting)  # the first message of a topic may quote another
    assert all(parent in said for parent in parents)
    assert not any("<p>" in message.text or "</" in message.text for message in list(said.values())[:200])
