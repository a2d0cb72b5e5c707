"""Discord: the data package of one account, of before and since 2023."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import discord_package

PACKAGE = Path(__file__).parent / "fixtures" / "discord_package" / "package"
GUILD, GENERAL, GRACE = "9000000000000000001", "7000000000000000001", "8000000000000000002"


def records(path: Path = PACKAGE, *, private: bool = False) -> list[Record]:
    with Export(path, include_private=private) as export:
        return list(discord_package.read(export))


def messages(path: Path = PACKAGE, *, private: bool = False) -> dict[str, Message]:
    return {record.id: record for record in records(path, private=private) if isinstance(record, Message)}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy to be changed."""
    return shutil.copytree(PACKAGE, tmp_path / "package")


def described(package: Path, folder: str, **changes: object) -> None:
    path = package / "messages" / folder / "channel.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_all_in_one_server_is_that_server_and_by_that_member() -> None:
    assert records()[:2] == [
        Source("discord", GUILD, "Harbour"),
        Member(GRACE, "Grace", "grace"),
    ]
    assert {message.member_id for message in messages().values()} == {GRACE}


def test_a_csv_and_a_json_of_messages_are_read_alike() -> None:
    first, second, third = messages()["1400000000000000003"], messages()["1400000000000000007"], messages()[
        "1400000000000000021"
    ]  # fmt: skip
    assert (first.text, first.mentions) == ("At pier 5, @8000000000000000001 :quay:", ("8000000000000000001",))
    assert (second.text, second.attachments) == ("", 2)
    assert third.text == "Is there fuel?"
    assert first.permalink == f"https://discord.com/channels/{GUILD}/{GENERAL}/1400000000000000003"


def test_a_time_is_the_exact_one_that_is_in_the_id(package: Path) -> None:
    """The id, and its time, are the example of Discord's own manual."""
    file = package / "messages" / "c1400000000000000020" / "messages.json"
    file.write_text('[{"ID": 175928847299117063, "Timestamp": "2016-04-30 11:18:25", "Contents": "x"}]')
    assert messages(package)["175928847299117063"].sent_at == datetime(2016, 4, 30, 11, 18, 25, 796_000, tzinfo=UTC)


def test_a_thread_is_a_conversation_in_a_place_of_its_own() -> None:
    said = messages()["1400000000000000021"]
    assert (said.channel_id, said.conversation_id, said.title) == (
        "1400000000000000020", "1400000000000000020", "Engine trouble",
    )  # fmt: skip
    assert Channel(GENERAL, "general", "chat") in records()


def test_direct_messages_are_left_out_and_counted_unless_asked_for() -> None:
    with Export(PACKAGE) as export:
        assert "A secret" not in str(list(discord_package.read(export)))
        assert export.left_out == {"private messages": 1}
    assert messages(private=True)["1400000000000000060"].text == "A secret"


@pytest.mark.parametrize("change", [{"type": 12}, {"type": "PRIVATE_THREAD"}, {"guild": None}])
def test_a_private_thread_and_a_server_that_was_left_are_left_out(package: Path, change: dict[str, object]) -> None:
    described(package, f"c{GENERAL}", **change)
    assert list(messages(package)) == ["1400000000000000021"]


def test_of_several_servers_the_account_is_the_source(package: Path) -> None:
    described(package, "c1400000000000000020", guild={"id": "5", "name": "Airport"})
    found = records(package)
    assert found[0] == Source("discord", f"account:{GRACE}", "Grace on Discord")
    names = {record.name for record in found if isinstance(record, Channel)}
    assert names == {"Harbour: general", "Airport: Engine trouble"}


def test_folders_of_any_language_and_age_are_found(package: Path) -> None:
    (package / "messages").rename(package / "Nachrichten")
    (package / "Nachrichten" / f"c{GENERAL}").rename(package / "Nachrichten" / GENERAL)
    assert messages(package) == messages()


def test_an_id_that_a_spreadsheet_rounded_is_refused() -> None:
    (refused,) = (record for record in records() if isinstance(record, Refused))
    assert (refused.place, refused.reason) == ("message 3", "its id is not a number")


def test_a_table_without_its_header_is_refused_whole(package: Path) -> None:
    (package / "messages" / f"c{GENERAL}" / "messages.csv").write_text("1,2,3,4\n")
    (refused,) = (record for record in records(package) if isinstance(record, Refused))
    assert refused.reason == "its first line should be ID,Timestamp,Contents,Attachments"


def test_nothing_of_the_persons_own_data_is_kept() -> None:
    assert "192.0.2.1" not in str(records())
    assert "grace@example.org" not in str(records())


def test_what_is_missing_is_said_in_words(package: Path) -> None:
    for folder in (f"c{GENERAL}", "c1400000000000000020"):
        shutil.rmtree(package / "messages" / folder)
    with pytest.raises(ExportError, match="--include-private"):
        records(package)
    (package / "account" / "user.json").unlink()
    with pytest.raises(ExportError, match=r"account/user\.json is missing"):
        records(package)


def test_no_damage_ever_raises_anything_but_an_export_error(package: Path) -> None:
    dice, files = random.Random(7), sorted(path for path in package.rglob("*") if path.is_file())
    whole = {path: path.read_bytes() for path in files}
    for _ in range(300):
        path = dice.choice(files)
        broken = bytearray(whole[path][: dice.randrange(len(whole[path]))] if dice.random() < 0.3 else whole[path])
        for _ in range(dice.randrange(1, 4) if broken else 0):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken)
        with Export(package) as export:
            discord_package.detects(export)
            try:
                list(discord_package.read(export))
            except ExportError as error:
                assert str(error).startswith("discord: ")  # noqa: PT017 - one of hundreds may raise
        path.write_bytes(whole[path])


def test_a_channel_that_cannot_be_told_is_refused_and_its_words_are_not_read(package: Path) -> None:
    described(package, f"c{GENERAL}", id="")
    found = records(package)
    (refused,) = (record for record in found if isinstance(record, Refused))
    assert (refused.file, refused.place) == (f"messages/c{GENERAL}/channel.json", "byte 0")
    assert [record.id for record in found if isinstance(record, Message)] == ["1400000000000000021"]
