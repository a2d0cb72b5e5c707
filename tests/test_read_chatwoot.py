"""Chatwoot: messages from the API's answers and from the database's tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import chatwoot
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "chatwoot"
ANSWER, LIST, TABLES = FIXTURES / "conversation-50.json", FIXTURES / "conversations.json", FIXTURES / "tables"
NINE = datetime(2024, 5, 1, 9, tzinfo=UTC)


def records(path: Path = ANSWER) -> list[Record]:
    with Export(path) as export:
        return list(chatwoot.read(export))


def messages(path: Path = ANSWER) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


@pytest.mark.parametrize("path", [ANSWER, LIST, TABLES], ids=lambda path: path.name)
def test_an_account_is_the_source(path: Path) -> None:
    assert records(path)[0] == Source("chatwoot", "account:3", "Chatwoot account 3")


def test_a_conversation_is_a_thread_in_its_inbox() -> None:
    assert Channel("inbox:7", "Inbox 7", "forum") in records()
    assert messages()["11"] == Message(
        "11", "inbox:7", "contact:1", NINE, "Is the crane working?", conversation_id="conversation:50"
    )
    links = {id_: (m.parent_id, m.basis) for id_, m in messages().items() if id_ != "11"}
    assert links.pop("15") == ("11", "explicit")
    assert set(links.values()) == {(None, "thread")}


def test_activity_and_templates_are_system_lines() -> None:
    assert [id_ for id_, message in messages().items() if message.kind == "system"] == ["12", "13"]


def test_agents_are_staff_contacts_members_and_automation_a_bot() -> None:
    assert [record for record in records() if isinstance(record, Member)] == [
        Member("contact:1", "Ada", email="ada@example.com"),
        Member("automation", "Automation", is_bot=True),
        Member("user:1", "Sam", email="sam@harbour.example", is_staff=True),
        Member("bot:1", "Greeter", is_bot=True),
    ]
    assert (messages()["13"].member_id, messages()["17"].member_id) == (None, "automation")


def test_private_notes_are_left_out_and_counted() -> None:
    with Export(ANSWER) as export:
        assert "14" not in [record.id for record in chatwoot.read(export) if isinstance(record, Message)]
        assert dict(export.left_out) == {"private notes": 1}


def test_a_deleted_message_keeps_no_words() -> None:
    deleted = messages()["18"]
    assert (deleted.text, deleted.deleted_at) == ("", NINE + timedelta(hours=1))


def test_a_telephone_number_is_no_name_and_a_files_address_is_not_kept() -> None:
    assert Member("contact:2", "contact 2") in records(LIST)
    assert "SECRET" not in repr(records(LIST))
    assert "555" not in repr([*records(), *records(LIST), *records(TABLES)])


def test_a_message_inside_its_conversation_needs_no_number_of_it() -> None:
    first = messages(LIST)["21"]
    assert (first.conversation_id, first.channel_id, first.attachments) == ("conversation:51", "inbox:8", 1)
    assert first.sent_at == datetime(2024, 5, 2, 9, 0, 0, 500_000, tzinfo=UTC)


def test_tables_are_read_with_their_people() -> None:
    found = messages(TABLES)
    assert {id_: (m.text, m.member_id, m.parent_id) for id_, m in found.items()} == {
        "31": ("Do you take cards?\nOr cash?", "contact:5", None),
        "32": ("Cards", "user:2", "31"),
        "34": ("t", "contact:6", None),
    }
    assert [(r.id, r.name) for r in records(TABLES) if isinstance(r, Member)] == [
        ("contact:5", "Grace"),
        ("user:2", "Kim"),
        ("contact:6", "contact 6"),
    ]


def test_a_message_without_a_date_is_refused() -> None:
    (refused,) = (record for record in records(LIST) if isinstance(record, Refused))
    assert refused.reason == "Object missing required field `created_at`"
    assert b'"id":22' in refused.raw


def test_another_file_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"payload": []}')
    with pytest.raises(ExportError, match="no messages with a message_type"):
        records(tmp_path)


@pytest.mark.parametrize("fixture", [ANSWER, LIST, TABLES], ids=lambda path: path.name)
def test_damage_is_refused_and_nothing_worse(fixture: Path, tmp_path: Path) -> None:
    for path in damaged(fixture, tmp_path):
        with Export(path) as export:
            if chatwoot.detects(export):
                assert all(isinstance(record, Record) for record in chatwoot.read(export))
