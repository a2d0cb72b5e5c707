"""WordPress: posts and comments as WXR holds them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import wordpress
from tests.damage import damaged

HARBOUR = Path(__file__).parent / "fixtures" / "wordpress" / "harbour.WordPress.2024-04-01.xml"
DAY = datetime(2024, 3, 1, tzinfo=UTC)
ADA = "guest:b5fc85e55755f9e0"  # the first half of sha256("ada@example.com")'s first 32 digits


def records(path: Path = HARBOUR, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(wordpress.read(export))


def messages(path: Path = HARBOUR) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_a_blog_is_named_by_its_address() -> None:
    assert records()[0] == Source("wordpress", "blog.example.org", "Harbour & Sea")


def test_posts_and_pages_are_channels() -> None:
    channels = [record for record in records() if isinstance(record, Channel)]
    assert channels == [Channel("post", "Posts", "forum"), Channel("page", "Pages", "forum")]


def test_authors_are_staff_and_guests_are_known_by_their_address() -> None:
    assert [record for record in records() if isinstance(record, Member)] == [
        Member("1", "The Skipper", "skipper", "skipper@example.org", is_staff=True),
        Member("2", "mate", "mate", "mate@example.org", is_staff=True),
        Member(ADA, "Ada", email="ada@example.com"),
        Member("77", "Reader", email="r@example.net"),
        Member("login:ghost", "ghost", "ghost", is_staff=True),
    ]


def test_a_post_opens_a_conversation() -> None:
    assert messages()["10"] == Message(
        "10", "post", "1", DAY.replace(hour=9), "New fees from May.\n> Why?", title="Moorings & fees",
        conversation_id="10", edited_at=datetime(2024, 3, 2, 9, tzinfo=UTC),
        permalink="https://blog.example.org/moorings/",
    )  # fmt: skip


def test_comments_answer_the_post_or_each_other() -> None:
    below = {id_: (m.parent_id, m.member_id, m.kind) for id_, m in messages().items() if m.conversation_id == "10"}
    assert below == {
        "10": (None, "1", "message"),
        "comment:100": ("10", ADA, "message"),
        "comment:101": ("comment:100", "1", "message"),
        "comment:102": ("comment:101", ADA, "message"),
        "comment:103": ("10", None, "system"),  # a pingback
        "comment:104": ("10", None, "message"),  # a guest without an address
        "comment:109": ("10", "77", "message"),
    }
    assert {m.basis for m in messages().values() if m.parent_id} == {"explicit"}


def test_text_without_paragraphs_keeps_its_lines() -> None:
    said = messages()
    assert said["comment:100"].text == 'How much?\nAnd for "small" boats?'
    assert said["comment:101"].text == "Ten a metre & no more."
    assert said["11"].text == "First line\nSecond line\none"


def test_a_time_without_utc_is_the_blogs_own() -> None:
    assert messages()["comment:109"].sent_at == datetime(2024, 3, 2, 8, tzinfo=UTC)


def test_what_is_not_public_is_left_out_and_counted() -> None:
    with Export(HARBOUR) as export:
        ids = {record.id for record in wordpress.read(export) if isinstance(record, Message)}
        assert ids.isdisjoint({"12", "13", "14", "comment:105", "comment:106", "comment:107", "comment:110"})
        assert dict(export.left_out) == {
            "spam": 1,
            "unapproved comments": 1,
            "deleted comments": 1,
            "drafts": 2,  # a draft with a comment
            "private messages": 3,  # a private post with a comment, and one with a password
            "items that are no posts": 2,
        }


def test_private_posts_come_when_asked_for_in_a_private_channel() -> None:
    found = records(include_private=True)
    private = [r.id for r in found if isinstance(r, Message) and r.channel_id == "private"]
    assert private == ["13", "comment:111", "14"]
    assert Channel("private", "Private", "forum", is_private=True) in found


def test_rows_without_a_date_are_refused_without_address_or_ip() -> None:
    refused = [record for record in records() if isinstance(record, Refused)]
    assert [record.reason for record in refused] == ["its date cannot be read"] * 2
    assert b"No date" in refused[0].raw
    assert b"r@example.net" not in refused[0].raw
    assert b"192.0.2.7" not in refused[0].raw


def test_no_ip_gets_into_a_record() -> None:
    assert "192.0.2" not in repr(records())


def test_the_parts_of_a_large_blog_are_one(tmp_path: Path) -> None:
    shutil.copy(HARBOUR, tmp_path / "blog.001.xml")
    (tmp_path / "blog.002.xml").write_text(HARBOUR.read_text().replace(">10</wp:post_id>", ">20</wp:post_id>"))
    found = [record for record in records(tmp_path) if isinstance(record, Message)]
    assert len(found) == 2 * len(messages())
    assert "20" in {message.id for message in found}


def test_another_xml_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text("<rss><channel><item/></channel></rss>")
    with pytest.raises(ExportError, match=r"no WXR file\. Export it under"):
        records(tmp_path)


def test_damage_is_refused_and_nothing_worse(tmp_path: Path) -> None:
    for path in damaged(HARBOUR, tmp_path):
        with Export(path) as export:
            if wordpress.detects(export):
                assert all(isinstance(record, Record) for record in wordpress.read(export))
