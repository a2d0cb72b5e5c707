"""Rocket.Chat: messages, threads and quotes in the API's answers and in a mongoexport."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import rocketchat
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "rocketchat"
ANSWERS, DUMP = FIXTURES / "answers", FIXTURES / "messages.ndjson"


def records(path: Path, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(rocketchat.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_every_public_row_becomes_a_message_or_is_refused() -> None:
    assert list(messages(ANSWERS)) == ["m1", "m2", "m3", "m4", "m5", "m6", "m7"]
    refused = [(record.place, record.reason) for record in records(ANSWERS) if isinstance(record, Refused)]
    assert [reason for _, reason in refused] == ["its time is none", "Object missing required field `u`"]
    assert refused[0][0] == "message m8"
    assert list(messages(DUMP)) == ["d1", "d2", "d3"]


def test_a_thread_hangs_on_its_first_message_and_a_quote_on_the_one_it_quotes() -> None:
    links = {name: (m.conversation_id, m.parent_id, m.basis) for name, m in messages(ANSWERS).items() if m.parent_id}
    assert links == {"m2": ("m1", "m1", "thread"), "m3": (None, "m2", "explicit")}
    assert messages(DUMP)["d2"].parent_id == "d1"


def test_a_quotes_link_is_no_words_and_no_file() -> None:
    assert (messages(ANSWERS)["m3"].text, messages(ANSWERS)["m3"].attachments) == ("how deep?", 0)
    assert messages(ANSWERS)["m2"].attachments == 1


def test_events_are_system_lines_and_encrypted_words_are_words_nobody_can_read() -> None:
    kinds = {name: message.kind for name, message in messages(ANSWERS).items()}
    assert [name for name, kind in kinds.items() if kind == "system"] == ["m4"]
    assert messages(ANSWERS)["m7"].text == ""


def test_removed_messages_and_what_stood_there_before_an_edit_are_deleted() -> None:
    assert messages(ANSWERS)["m5"].deleted_at == datetime(2024, 5, 1, 10, 9, tzinfo=UTC)
    before = messages(DUMP)["d3"]
    assert (before.text, before.deleted_at) == ("", datetime(2024, 5, 1, 10, 2, tzinfo=UTC))


def test_times_of_either_form_are_utc() -> None:
    assert messages(ANSWERS)["m1"].sent_at == datetime(2024, 5, 1, 10, 0, 0, 500_000, UTC)
    assert messages(ANSWERS)["m3"].edited_at == datetime(2024, 5, 1, 10, 7, tzinfo=UTC)
    times = [message.sent_at for message in messages(DUMP).values()]
    assert times[:2] == [datetime(2024, 5, 1, 10, tzinfo=UTC), datetime(2024, 5, 1, 10, 1, 40, 250_000, UTC)]


def test_people_have_roles_and_an_integration_speaks_for_itself() -> None:
    assert {record.id: record for record in records(ANSWERS) if isinstance(record, Member)} == {
        "u1": Member("u1", "Ada Lark", "ada", "ada@example.org"),
        "u2": Member("u2", "Grace W.", "grace", is_staff=True),
        "rocket.cat": Member("rocket.cat", "Rocket.Cat", "rocket.cat", is_bot=True),
        "bot:ships": Member("bot:ships", "ships", is_bot=True),
    }
    assert messages(ANSWERS)["m6"].member_id == "bot:ships"


def test_mentions_are_people_and_reactions_are_theirs() -> None:
    assert messages(ANSWERS)["m1"].mentions == ("u2",)  # and everybody
    reactions = [record for record in records(ANSWERS) if isinstance(record, Reaction)]
    assert reactions == [Reaction("m1", "anchor", "u2"), Reaction("m1", "anchor", "bo")]


def test_private_groups_and_talks_between_two_are_left_out_unless_asked_for() -> None:
    with Export(ANSWERS) as export:
        assert "secret" not in str(list(rocketchat.read(export)))
        assert export.left_out == {"private messages": 2}
    found = records(ANSWERS, include_private=True)
    assert [r for r in found if isinstance(r, Channel)] == [
        Channel("r1", "Help!", "chat"),
        Channel("r2", "crew", "chat", is_private=True),
        Channel("u1u2", "direct messages", "chat", is_private=True),  # told by its id alone
    ]


def test_an_export_without_messages_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ExportError, match="holds no messages"):
        records(tmp_path)


@pytest.mark.parametrize("path", [ANSWERS, DUMP], ids=["answers", "dump"])
def test_a_damaged_export_is_read_or_refused_but_never_falls_over(path: Path, tmp_path: Path) -> None:
    for spoilt in damaged(path, tmp_path):
        with suppress(ExportError):
            assert isinstance(records(spoilt, include_private=True)[0], Source)
