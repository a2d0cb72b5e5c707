"""Disqus: threads and comments as its XML export holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import disqus
from tests.damage import damaged

HARBOUR = Path(__file__).parent / "fixtures" / "disqus" / "harbour-blog-2023-06-01.xml"


def records(path: Path = HARBOUR) -> list[Record]:
    with Export(path) as export:
        return list(disqus.read(export))


def messages() -> dict[str, Message]:
    return {record.id: record for record in records() if isinstance(record, Message)}


def test_a_forum_is_the_source() -> None:
    source, channel, *_ = records()
    assert source == Source("disqus", "harbour-blog", "harbour-blog")
    assert channel == Channel("harbour-blog", "Comments", "forum")


def test_a_page_opens_a_conversation_and_its_owner_is_staff() -> None:
    assert messages()["thread:500"] == Message(
        "thread:500", "harbour-blog", "harbourmaster", datetime(2023, 5, 1, 8, tzinfo=UTC), "", title="Fog ’signals",
        conversation_id="thread:500", permalink="https://blog.example.org/fog/",
    )  # fmt: skip
    assert messages()["thread:502"].text == "When is high water?"


def test_comments_answer_the_page_or_each_other() -> None:
    links = {id_: (m.conversation_id, m.parent_id, m.member_id) for id_, m in messages().items() if m.parent_id}
    grace = "guest:b533d4547eaa5a0f"  # sha256("grace@example.com")
    assert links == {
        "600": ("thread:500", "thread:500", "ada_sails"),
        "601": ("thread:500", "600", "harbourmaster"),
        "602": ("thread:500", "601", grace),
        "603": ("thread:500", "thread:500", None),  # a guest without an address
        "605": ("thread:500", "604", grace),  # what it answers was deleted
        "610": ("thread:501", "thread:501", "ada_sails"),  # its page was deleted
    }


def test_a_link_keeps_its_words() -> None:
    assert messages()["601"].text == "One long, rule 35."


def test_members_are_told_once_and_keep_a_known_address() -> None:
    assert [(r.id[:6], r.name, r.email, r.is_staff) for r in records() if isinstance(r, Member)] == [
        ("harbou", "Harbour Master", None, True),
        ("guest:", "Guest Author", "guest@example.org", True),
        ("ada_sa", "Ada", "ada@example.com", False),
        ("guest:", "Grace", "grace@example.com", False),
    ]


def test_deleted_spam_and_unapproved_are_left_out_and_counted() -> None:
    with Export(HARBOUR) as export:
        list(disqus.read(export))
        assert dict(export.left_out) == {"deleted pages": 1, "deleted comments": 1, "spam": 1, "unapproved comments": 1}


def test_what_has_no_date_or_thread_is_refused_without_addresses() -> None:
    refused = [record for record in records() if isinstance(record, Refused)]
    assert [record.reason for record in refused] == ["its date cannot be read", "it has no thread"]
    assert "192.0.2" not in repr(records())


def test_another_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text("<disqus/>")
    with pytest.raises(ExportError, match="no Disqus export"):
        records(tmp_path)


def test_damage_is_refused_and_nothing_worse(tmp_path: Path) -> None:
    for path in damaged(HARBOUR, tmp_path):
        with Export(path) as export:
            if disqus.detects(export):
                assert all(isinstance(record, Record) for record in disqus.read(export))
