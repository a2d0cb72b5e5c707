"""Discord's API: its pages, and an export of the same words, are one conversation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Source, singly
from ingest.archive import Export, ExportError
from ingest.exports import discord, discord_api

HARBOUR = Path(__file__).parent / "fixtures" / "discord_api" / "harbour"
GUILD = "7000000000000000000"


def records(path: Path = HARBOUR) -> list[Record]:
    with Export(path) as export:
        return list(singly(discord_api.read(export)))


def messages(found: list[Record]) -> dict[str, Message]:
    return {each.id: each for each in found if isinstance(each, Message)}


def test_the_server_its_open_channels_and_whoever_wrote() -> None:
    found = records()
    assert found[0] == Source("discord", GUILD, "Harbour")
    channels = {each.id: (each.name, each.kind, each.is_private) for each in found if isinstance(each, Channel)}
    assert channels == {"7001": ("general", "chat", False), "7005": ("help", "forum", False)}
    people = {each.id: (each.name, each.handle, each.is_bot) for each in found if isinstance(each, Member)}
    assert people == {"71": ("Ada Lark", "ada_l", False), "72": ("bo", "bo", False), "73": ("tide", "tide", True)}
    assert "Between us" not in str(found)


def test_a_thread_whose_newer_page_comes_first_begins_once() -> None:
    said = messages(records())
    assert {id_: each.basis for id_, each in said.items() if each.conversation_id == "70050"} == {
        "70050": None,
        "70052": "thread",
    }


def test_accounts_without_names_show_as_numbers(tmp_path: Path) -> None:
    page = json.loads((HARBOUR / "1-general.json").read_text())
    for message in page["messages"]:
        for person in (message["author"], *message["mentions"]):
            person.pop("username", None)
            person.pop("global_name", None)
    (tmp_path / "page.json").write_text(json.dumps(page))
    found = records(tmp_path)
    assert {each.name for each in found if isinstance(each, Member)} == {"71", "72", "73"}
    assert messages(found)["70010"].text == "Who has a rope, @72? :knot:"


def test_one_server_at_a_time(tmp_path: Path) -> None:
    page = json.loads((HARBOUR / "1-general.json").read_text())
    for number in ("1", "2"):
        (tmp_path / f"{number}.json").write_text(json.dumps({**page, "guild": {"id": number, "name": number}}))
    with pytest.raises(ExportError, match="2 servers"):
        records(tmp_path)


def test_it_is_the_same_conversation_as_in_an_export(tmp_path: Path) -> None:
    """Two of its messages, in the words of DiscordChatExporter."""
    ada = {"id": "71", "name": "ada_l", "nickname": "Ada Lark", "isBot": False}
    bo = {"id": "72", "name": "bo", "nickname": None, "isBot": False}
    rows = [
        {"id": "70010", "type": "Default", "timestamp": "2024-05-01T18:00:00.123+00:00", "author": ada,
         "content": "Who has a rope, @bo? :knot:", "mentions": [bo], "attachments": [{"id": "1"}]},
        {"id": "70011", "type": "Reply", "timestamp": "2024-05-01T18:01:00+00:00", "author": bo, "content": "I do",
         "timestampEdited": "2024-05-01T18:02:00+00:00", "reference": {"messageId": "70010", "channelId": "7001"}},
    ]  # fmt: skip
    channel = {"id": "7001", "type": "GuildTextChat", "name": "general"}
    whole = {"guild": {"id": GUILD, "name": "Harbour"}, "channel": channel, "messages": rows}
    (tmp_path / "general.json").write_text(json.dumps(whole))
    with Export(tmp_path) as export:
        exported = list(singly(discord.read(export)))
        assert discord_api.detects(export) == 0
    told = messages(records())
    assert messages(exported) == {id_: told[id_] for id_ in ("70010", "70011")}
    assert exported[0] == records()[0]
