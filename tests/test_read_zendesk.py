"""Zendesk: tickets with comments from its JSON export, from the API and from a CSV."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import zendesk
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "zendesk"
EXPORT, API, CSV = FIXTURES / "tickets.json", FIXTURES / "api", FIXTURES / "csv"


def records(path: Path = EXPORT) -> list[Record]:
    with Export(path) as export:
        return list(zendesk.read(export))


def messages(path: Path = EXPORT) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def staff(path: Path) -> dict[str, bool]:
    return {record.id: record.is_staff for record in records(path) if isinstance(record, Member)}


def test_a_help_desk_is_named_by_its_address_and_groups_are_channels() -> None:
    found = records()
    assert found[0] == Source("zendesk", "harbour.zendesk.com", "harbour.zendesk.com")
    channels = [record for record in found if isinstance(record, Channel)]
    assert channels == [Channel("5", "Moorings", "forum"), Channel("tickets", "Tickets", "forum")]


def test_a_ticket_is_a_conversation_whose_first_comment_has_its_subject() -> None:
    assert messages()["100"] == Message(
        "100", "5", "10", datetime(2024, 5, 1, 9, tzinfo=UTC), "Is berth 12 free?", title="Berth 12",
        conversation_id="ticket:1", permalink="https://harbour.zendesk.com/agent/tickets/1",
    )  # fmt: skip
    below = [(m.id, m.title, m.basis, m.member_id) for m in messages().values() if m.conversation_id == "ticket:1"]
    assert below == [("100", "Berth 12", None, "10"), ("102", None, "thread", "21"), ("103", None, "thread", "10")]


def test_a_comment_in_html_is_read_with_its_quotation_and_attachments() -> None:
    assert messages()["102"].text == "Yes & cheap.\n> Is berth 12 free?"
    assert messages()["102"].attachments == 1
    assert "SECRET" not in repr(records())


def test_private_notes_and_deleted_tickets_are_left_out_and_counted() -> None:
    with Export(EXPORT) as export:
        ids = [record.id for record in zendesk.read(export) if isinstance(record, Message)]
        assert ids == ["100", "102", "103", "200", "201", "202"]
        assert dict(export.left_out) == {"private notes": 1, "deleted tickets' comments": 1}


def test_agents_are_staff_by_role_by_the_ticket_or_because_they_did_not_ask() -> None:
    assert staff(EXPORT) == {"10": False, "20": True, "21": True, "77": True, "-1": False}
    assert [r.name for r in records() if isinstance(r, Member) and r.is_bot] == ["Zendesk"]
    assert staff(API) == {"10": False, "20": True, "99": True, "30": False}  # 30 is copied in
    assert staff(CSV) == {"10": False, "20": True}


def test_answers_of_the_api_are_put_together() -> None:
    found = messages(API)
    assert {id_: (m.conversation_id, m.title, m.member_id) for id_, m in found.items()} == {
        "800": ("ticket:8", "Keys", "10"),
        "801": ("ticket:8", None, "99"),
        "802": ("ticket:8", None, "30"),
        "ticket:9": ("ticket:9", "Lamp", "30"),  # its comments are not there: what was asked is
    }
    assert found["ticket:9"].text == "The lamp is out."


def test_a_csv_of_comments_is_read_with_the_tables_beside_it() -> None:
    found = messages(CSV)
    assert found["0500"] == Message(
        "0500", "tickets", "10", datetime(2024, 7, 1, 9, tzinfo=UTC), "When does the office open?\n\nAda",
        title="Opening hours", conversation_id="ticket:40",
    )  # fmt: skip
    assert found["501"].sent_at == datetime(2024, 7, 1, 9, 20, 0, 500_000, tzinfo=UTC)
    assert found["504"].text == "True"
    assert list(found) == ["0500", "501", "504"]


def test_what_cannot_be_read_is_refused_alone_and_without_addresses() -> None:
    assert [(r.place, r.reason) for r in records() if isinstance(r, Refused)] == [
        ("line 2", "Invalid RFC3339 encoded datetime - at `$.created_at`"),
        ("line 2", "Object missing required field `created_at`"),
    ]
    assert [(r.place, r.reason) for r in records(CSV) if isinstance(r, Refused)] == [
        ("line 7", "Expected `bool`, got `str` - at `$.public`"),
        ("line 9", "it does not say which ticket it is in"),
    ]
    assert "192.0.2.9" not in repr(records())
    assert "555 0100" not in repr(records())


def test_tickets_alone_say_nothing(tmp_path: Path) -> None:
    shutil.copy(CSV / "tickets.csv", tmp_path)
    with pytest.raises(ExportError, match="holds no ticket comments"):
        records(tmp_path)


@pytest.mark.parametrize("fixture", [EXPORT, API, CSV], ids=lambda path: path.name)
def test_damage_is_refused_and_nothing_worse(fixture: Path, tmp_path: Path) -> None:
    for path in damaged(fixture, tmp_path):
        with Export(path) as export:
            if zendesk.detects(export):
                assert all(isinstance(record, Record) for record in zendesk.read(export))
