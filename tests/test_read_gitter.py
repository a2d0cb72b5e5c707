"""Gitter: rooms by the files their messages lie in."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import gitter
from tests.damage import damaged

HARBOUR = Path(__file__).parent / "fixtures" / "gitter" / "harbour"


def records(path: Path = HARBOUR, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(gitter.read(export))


def messages(path: Path = HARBOUR) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_every_public_row_becomes_a_message_or_is_refused() -> None:
    assert list(messages()) == ["m1", "m2", "m3", "m5"]
    (refused,) = (record for record in records() if isinstance(record, Refused))
    assert refused.file == "harbour_help/messages-2.json"


def test_the_community_is_the_source_and_rooms_are_known_by_folder_or_file() -> None:
    assert records()[0] == Source("gitter", "harbour", "harbour")
    assert [record for record in records(include_private=True) if isinstance(record, Channel)] == [
        Channel("r0000003", "harbour/crew", "chat", is_private=True),  # harbour-crew.json
        Channel("r0000001", "harbour/help", "chat"),  # harbour_help/messages-1.json
        Channel("r0000002", "harbour/quay.js", "chat"),  # r0000002.json
        Channel("r0000004", "direct messages", "chat", is_private=True),
    ]


def test_without_a_list_of_rooms_the_file_names_the_room(tmp_path: Path) -> None:
    (tmp_path / "quay-2.json").write_text((HARBOUR / "r0000002.json").read_text())
    assert messages(tmp_path)["m5"].channel_id == "quay"


def test_a_thread_hangs_on_its_first_message() -> None:
    links = {name: (m.conversation_id, m.parent_id, m.basis) for name, m in messages().items()}
    assert links["m2"] == ("m1", "m1", "thread")
    assert links["m1"] == (None, None, None)


def test_a_deleted_account_is_nobody() -> None:
    assert messages()["m3"].member_id is None
    assert {record.id: record for record in records() if isinstance(record, Member)} == {
        "a1": Member("a1", "Ada Lark", "ada"),
        "g1": Member("g1", "Grace W.", "grace"),
    }


def test_times_are_utc_and_mentions_are_people() -> None:
    assert messages()["m1"].sent_at == datetime(2020, 5, 1, 10, 0, 0, 500_000, UTC)
    assert messages()["m3"].sent_at == datetime(2020, 5, 1, 10, 3, tzinfo=UTC)
    assert messages()["m2"].edited_at == datetime(2020, 5, 1, 10, 2, tzinfo=UTC)
    assert messages()["m1"].mentions == ("g1",)  # and a group


def test_private_rooms_and_talks_between_two_are_left_out_unless_asked_for() -> None:
    with Export(HARBOUR) as export:
        assert "secret" not in str(list(gitter.read(export)))
        assert export.left_out == {"private messages": 3}
    found = records(include_private=True)
    assert sum("secret" in record.text for record in found if isinstance(record, Message)) == 3


def test_an_export_without_messages_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(ExportError, match="holds no messages"):
        records(tmp_path)


def test_a_damaged_export_is_read_or_refused_but_never_falls_over(tmp_path: Path) -> None:
    for spoilt in damaged(HARBOUR, tmp_path):
        with suppress(ExportError):
            assert isinstance(records(spoilt, include_private=True)[0], Source)
