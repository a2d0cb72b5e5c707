"""Discord: channels, threads and replies as DiscordChatExporter writes them."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import discord

HARBOUR = Path(__file__).parent / "fixtures" / "discord" / "harbour"
GENERAL, HELP, THREAD = "7000000000000000001", "7000000000000000002", "70000000000000000020"
ADA, GRACE = "8000000000000000001", "8000000000000000002"


def records(path: Path, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(discord.read(export))


def messages(path: Path = HARBOUR) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def file(name: str) -> dict[str, Any]:
    """A file of the fixture, to be changed."""
    (path,) = (path for path in HARBOUR.iterdir() if path.name.endswith(f" - {name}].json"))
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def write(folder: Path, content: dict[str, Any], name: str = "channel.json") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return folder


def test_every_row_of_a_public_file_becomes_one_message() -> None:
    found = records(HARBOUR)
    assert sum(isinstance(record, Message) for record in found) == 12 + 3 + 1 + 2
    assert not [record for record in found if isinstance(record, Refused)]


def test_a_guild_is_the_source_with_the_widest_range_its_files_state() -> None:
    since, until = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
    assert records(HARBOUR)[0] == Source("discord", "9000000000000000001", "Harbour", since, until)


def test_a_channel_exported_from_its_start_states_no_beginning(tmp_path: Path) -> None:
    content = file("general [7000000000000000001")
    content["dateRange"] = {"after": None, "before": None}
    folder = write(tmp_path, content)
    (source, *_) = records(write(folder, file("Lunch [300"), "stated.json"))
    assert isinstance(source, Source)
    assert (source.covered_since, source.covered_until) == (None, datetime(2026, 5, 2, tzinfo=UTC))


def test_an_export_never_covers_what_came_after_it_was_made(tmp_path: Path) -> None:
    content = file("general [7000000000000000001")
    content["dateRange"]["before"] = "2030-01-01T00:00:00+00:00"
    (source, *_) = records(write(tmp_path, content))
    assert isinstance(source, Source)
    assert source.covered_until == datetime(2026, 5, 2, tzinfo=UTC)


def test_a_channel_chats_and_one_whose_threads_hold_their_first_words_is_a_forum() -> None:
    kinds = {record.id: record for record in records(HARBOUR) if isinstance(record, Channel)}
    assert kinds == {GENERAL: Channel(GENERAL, "general", "chat"), HELP: Channel(HELP, "help", "forum")}


def test_a_channels_own_file_outranks_what_its_threads_suggest(tmp_path: Path) -> None:
    """The thread's file is read after the channel's, and before it."""
    thread = file("Engine trouble [70000000000000000020")
    thread["channel"] |= {"categoryId": GENERAL}
    for thread_name in ("a.json", "z.json"):
        folder = write(tmp_path / thread_name[0], thread, thread_name)
        write(folder, file("general [7000000000000000001"), "m.json")
        last = [record for record in records(folder) if isinstance(record, Channel)][-1]
        assert last == Channel(GENERAL, "general", "chat")


def test_a_thread_is_a_conversation_in_the_channel_it_hangs_under() -> None:
    said = messages()
    for name in (THREAD, "201", "202", "203"):
        assert (said[name].channel_id, said[name].conversation_id) == (HELP, THREAD)
        assert said[name].title == "Engine trouble"
    assert (said["302"].channel_id, said["302"].conversation_id) == (GENERAL, "300")
    assert (said["100"].conversation_id, said["100"].title) == (None, None)


def test_an_old_thread_without_its_channels_id_goes_by_the_channels_name(tmp_path: Path) -> None:
    content = file("Lunch [300")
    content["channel"]["categoryId"] = None
    assert messages(write(tmp_path, content))["302"].channel_id == "category:general"


def test_only_a_reply_has_a_parent() -> None:
    links = {name: (message.parent_id, message.basis) for name, message in messages().items()}
    assert {name: link for name, link in links.items() if link[1]} == {
        "101": ("100", "explicit"),
        "110": ("99", "explicit"),  # its parent was deleted
        "201": (None, "thread"),
        "202": ("201", "explicit"),
        "203": (None, "thread"),
        "302": (None, "thread"),
    }
    assert [name for name, (parent_id, _) in links.items() if parent_id] == ["101", "110", "202"]


def test_joins_pins_and_boosts_are_system_lines() -> None:
    system = [name for name, message in messages().items() if message.kind == "system"]
    assert system == ["103", "108", "109"]


def test_a_deleted_account_is_nobody() -> None:
    assert messages()["104"].member_id is None
    assert messages()["104"].mentions == ()
    assert "456226577798135808" not in {record.id for record in records(HARBOUR) if isinstance(record, Member)}


def test_members_are_told_once_and_again_when_their_name_changes() -> None:
    told = [(r.id, r.name, r.handle, r.is_bot) for r in records(HARBOUR) if isinstance(r, Member)]
    assert told.count((GRACE, "Grace (harbour)", "grace", False)) == 1
    assert ("8000000000000000003", "tide-bot", "tide-bot", True) in told
    assert [name for id_, name, *_ in told if id_ == ADA] == ["Ada", "Ada L.", "Ada"]


def test_times_of_any_offset_and_precision_are_utc() -> None:
    first = messages()["100"]
    assert first.sent_at == datetime(2026, 5, 1, 10, 0, 0, 20_000, tzinfo=UTC)
    assert first.edited_at == datetime(2026, 5, 1, 10, 5, 0, 123_456, tzinfo=UTC)
    assert first.sent_at.tzinfo is UTC


def test_an_edit_time_in_words_does_not_cost_the_message() -> None:
    assert messages()["111"].edited_at is None


def test_a_message_keeps_its_words_mentions_attachments_and_link() -> None:
    first = messages()["100"]
    assert first.text == "Where do I moor? :anchor:"
    assert (first.mentions, first.attachments) == ((GRACE,), 1)
    assert first.permalink == f"https://discord.com/channels/9000000000000000001/{GENERAL}/100"
    in_thread = messages()["201"].permalink
    assert in_thread == f"https://discord.com/channels/9000000000000000001/{THREAD}/201"


def test_reactions_name_who_is_known_and_count_the_others() -> None:
    assert [record for record in records(HARBOUR) if isinstance(record, Reaction)] == [
        Reaction("100", "thumbsup", GRACE),
        Reaction("100", "thumbsup", count=2),
        Reaction("100", "anchor", count=2),
    ]


def test_private_threads_are_left_out_and_counted() -> None:
    assert "401" not in messages()
    assert "Secret" not in str(records(HARBOUR))
    with Export(HARBOUR) as export:
        list(discord.read(export))
        assert export.left_out == {"private messages": 1}
        assert export.done == export.size


def test_a_private_thread_that_is_asked_for_is_a_channel_of_its_own() -> None:
    with Export(HARBOUR, include_private=True) as export:
        found = list(discord.read(export))
        assert not export.left_out
    assert Channel("400", "Secret", "chat", is_private=True) in found
    assert not any(each.is_private for each in found if isinstance(each, Channel) and each.id != "400")
    (secret,) = (each for each in found if isinstance(each, Message) and each.channel_id == "400")
    assert (secret.id, secret.conversation_id, secret.title) == ("401", "400", "Secret")


def test_direct_messages_that_are_asked_for_go_with_their_server_or_stand_alone(tmp_path: Path) -> None:
    content = file("Secret [400")
    content["guild"] = {"id": "0", "name": "Direct Messages"}
    content["channel"] = {"id": "500", "type": "DirectTextChat", "name": "grace"}
    folder = write(tmp_path / "a", content)
    source, channel, *_, message = records(folder, include_private=True)
    assert source == Source("discord", "0", "Direct Messages", None, datetime(2026, 5, 2, tzinfo=UTC))
    assert channel == Channel("500", "grace", "chat", is_private=True)
    assert isinstance(message, Message)
    assert (message.conversation_id, message.permalink) == (None, "https://discord.com/channels/@me/500/401")
    source, *_ = records(write(folder, file("Lunch [300"), "lunch.json"), include_private=True)
    assert isinstance(source, Source)
    assert source.name == "Harbour"


def test_a_time_before_all_time_is_refused(tmp_path: Path) -> None:
    content = file("Lunch [300")
    content["messages"][0]["timestamp"] = "0001-01-01T00:00:00+14:00"
    (refused,) = (each for each in records(write(tmp_path, content)) if isinstance(each, Refused))
    assert (refused.place, refused.reason) == ("message 301", "its time is none")


@pytest.mark.parametrize("kind", ["GuildPrivateThread", "DirectTextChat", "DirectGroupTextChat"])
def test_an_export_of_nothing_but_private_words_is_refused(tmp_path: Path, kind: str) -> None:
    content = file("Secret [400")
    content["channel"]["type"] = kind
    with pytest.raises(ExportError, match="private messages only"):
        records(write(tmp_path, content))


def test_two_servers_at_once_are_asked_for_one_by_one(tmp_path: Path) -> None:
    shutil.copytree(HARBOUR, tmp_path / "both")
    other = file("Lunch [300")
    other["guild"] = {"id": "1", "name": "Airport"}
    with pytest.raises(ExportError, match=r"several servers \(Airport, Harbour\)"):
        records(write(tmp_path / "both", other))


def test_a_folder_of_other_json_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Export with the format JSON"):
        records(write(tmp_path, {"messages": []}))


def test_a_message_that_does_not_fit_is_refused_alone(tmp_path: Path) -> None:
    content = file("Lunch [300")
    content["messages"][0]["timestamp"] = "noon"
    found = records(write(tmp_path, content))
    assert [type(record) for record in found] == [Source, Channel, Refused, Member, Message]


def test_a_file_that_was_cut_off_keeps_what_it_has(tmp_path: Path) -> None:
    text = json.dumps(file("general [7000000000000000001"))
    (tmp_path / "cut.json").write_text(text[: len(text) // 2])
    found = records(tmp_path)
    assert isinstance(found[-1], Refused)
    assert sum(isinstance(record, Message) for record in found) > 3


def test_a_damaged_beginning_is_refused_and_the_other_files_are_read(tmp_path: Path) -> None:
    broken = file("Lunch [300")
    broken["guild"] = {"id": 5}
    folder = write(tmp_path, broken, "a.json")
    found = records(write(folder, file("general [7000000000000000001"), "b.json"))
    (refused,) = (record for record in found if isinstance(record, Refused))
    assert (refused.file, refused.place) == ("a.json", "byte 0")
    assert sum(isinstance(record, Message) for record in found) == 12


def test_a_zip_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "harbour.zip", "w") as packed:
        for path in HARBOUR.iterdir():
            packed.writestr(f"harbour/{path.name}", b"\xef\xbb\xbf" + path.read_bytes())
    assert records(tmp_path / "harbour.zip") == records(HARBOUR)


def test_a_real_server_of_thirty_thousand_messages_is_read_whole(samples: Path) -> None:
    found = records(samples / "discord_dce_json_derived" / "meshcore_dev")
    said = [record for record in found if isinstance(record, Message)]
    assert len(said) + sum(isinstance(record, Refused) for record in found) == 30_925
    assert sum(message.basis == "explicit" for message in said) == 6_022
    assert sum(message.id == message.conversation_id for message in said) == 381
    ids = {message.id for message in said}
    assert len(ids) == len(said)
    assert all(message.parent_id in ids for message in said if message.parent_id)
