"""Telegram's Bot API: what a bot is told, and what Desktop exports of the same words, is one conversation."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source, singly
from ingest.archive import Export, ExportError
from ingest.exports import telegram, telegram_bot

ROPEWALK = Path(__file__).parent / "fixtures" / "telegram_bot" / "ropewalk.json"
GROUP = "1000000077"


def records(path: Path = ROPEWALK) -> list[Record]:
    with Export(path) as export:
        return list(singly(telegram_bot.read(export)))


def messages(found: list[Record]) -> dict[str, Message]:
    """By number, each in its last form."""
    return {each.id.partition(":")[2]: each for each in found if isinstance(each, Message)}


def test_the_group_its_topics_and_its_people() -> None:
    found = records()
    assert found[0] == Source("telegram", GROUP, "Ropewalk")
    opened = datetime(2024, 5, 1, 18, 2, tzinfo=UTC)
    assert [each for each in found if isinstance(each, Channel)] == [
        Channel(GROUP, "Ropewalk", "chat"),
        Channel(f"{GROUP}/13", "Ropes", "chat", updated_at=opened),
    ]
    people = {each.id: (each.name, each.is_bot, each.is_staff) for each in found if isinstance(each, Member)}
    assert people == {
        "user501": ("Ada Ahn", False, False),
        "user502": ("Ben", False, False),
        "user503": ("Tide clock", True, False),
        f"channel{GROUP}": ("Ropewalk", False, True),
    }


def test_messages_answers_edits_and_service_lines() -> None:
    said = messages(records())
    assert said["3"].text == "Who has the key?", "what is answered comes along"
    assert (said["11"].text, said["11"].parent_id, said["11"].basis) == ("I have it.", f"{GROUP}:3", "explicit")
    assert said["11"].edited_at == datetime(2024, 5, 1, 18, 1, 40, tzinfo=UTC)
    assert (said["12"].text, said["12"].mentions, said["12"].attachments) == ("This one, Ben?", ("user502",), 1)
    assert (said["14"].channel_id, said["14"].parent_id) == (f"{GROUP}/13", None), "a topic is no conversation"
    assert said["15"].member_id == f"channel{GROUP}"
    assert {number: each.text for number, each in said.items() if each.kind == "system"} == {
        "13": "forum topic created: Ropes",
        "16": "new chat members: Cem",
    }
    assert said["11"].permalink == f"https://t.me/c/{GROUP}/11"
    assert "Between us" not in str(said)


def test_one_group_at_a_time(tmp_path: Path) -> None:
    answer = json.loads(ROPEWALK.read_text())
    answer["result"][1]["message"]["chat"]["id"] = -42
    (tmp_path / "a.json").write_text(json.dumps(answer))
    assert "12" not in messages(records(tmp_path))
    (tmp_path / "a.json").write_text(json.dumps({"ok": True, "result": [{"update_id": 1, "my_chat_member": {}}]}))
    with pytest.raises(ExportError, match="no message of a group"):
        records(tmp_path)


def test_what_is_broken_is_refused_behind_the_group(tmp_path: Path) -> None:
    """Also where it comes before anybody knows which group it is; and a moment that no calendar has."""
    answer = json.loads(ROPEWALK.read_text())
    answer["result"][0]["message"]["date"] = -(10**15)
    answer["result"][1]["message"]["reply_to_message"] = {**answer["result"][1]["message"], "message_id": 2, "text": 5}
    (tmp_path / "a.json").write_text(json.dumps(answer))
    found = records(tmp_path)
    assert isinstance(found[0], Source)
    assert [each.place for each in found if isinstance(each, Refused)] == [
        f"update {answer['result'][0]['update_id']}",
        "what message 2 is told to be",
    ]
    assert messages(found)["12"].parent_id == f"{GROUP}:2"


def test_it_is_the_same_conversation_as_in_an_export(tmp_path: Path) -> None:
    """Two of its messages, in the words of Telegram Desktop."""
    rows = [
        {"id": 3, "type": "message", "date_unixtime": "1714500000", "from": "Ada Ahn", "from_id": "user501",
         "text": "Who has the key?"},
        {"id": 11, "type": "message", "date_unixtime": "1714586400", "edited": "x", "edited_unixtime": "1714586500",
         "from": "Ben", "from_id": "user502", "text": "I have it.", "reply_to_message_id": 3},
    ]  # fmt: skip
    result = {"name": "Ropewalk", "type": "public_supergroup", "id": int(GROUP), "messages": rows}
    (tmp_path / "result.json").write_text(json.dumps(result))
    with Export(tmp_path) as export:
        exported = list(singly(telegram.read(export)))
    told = records()
    assert exported[0] == told[0]
    assert messages(exported) == {number: messages(told)[number] for number in ("3", "11")}
