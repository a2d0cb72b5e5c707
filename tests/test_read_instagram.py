"""Instagram: the account's own comments and posts, with labels in any language, and its followers as one total."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Audience, Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import facebook, instagram
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "instagram"
BAKERY = FIXTURES / "instagram-quay_bakery-2025-11-02-AbCd1234"
OLD = FIXTURES / "harbour.mail_20210304"
NEWEST = FIXTURES / "instagram-lighthouse-2026-06-01-Zz"


def records(path: Path, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(instagram.read(export))


def messages(path: Path = BAKERY, include_private: bool = False) -> list[Message]:
    return [record for record in records(path, include_private) if isinstance(record, Message)]


def saying(text: str, path: Path = BAKERY, include_private: bool = False) -> Message:
    (found,) = (message for message in messages(path, include_private) if message.text == text)
    return found


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return folder


def test_every_comment_and_post_becomes_one_message_or_one_refusal() -> None:
    found = records(BAKERY)
    assert sum(isinstance(record, Message) for record in found) == 3 + 2 + 1 + 2 + 1
    assert [record.place for record in found if isinstance(record, Refused)] == ["record 4", "byte 774"]


def test_the_account_is_the_source_and_its_staff() -> None:
    assert records(BAKERY)[:2] == [
        Source("instagram", "quay_bakery", "Quay Bakery"),
        Member("quay_bakery", "Quay Bakery", "quay_bakery", is_staff=True),
    ]
    assert records(OLD)[0] == Source("instagram", "harbour.mail", "harbour.mail")
    assert records(NEWEST)[0] == Source("instagram", "lighthouse", "lighthouse")


def test_labels_in_any_language_tell_words_owner_and_time_by_their_shape() -> None:
    french = saying("Merci ! À demain 🥐")
    assert (french.title, french.channel_id) == ("@ada.l", "comments")
    assert french.sent_at == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
    assert saying("Leuk!").title == "@grace_h"
    assert saying("♥").title is None


def test_a_comment_without_words_keeps_whose_post_it_is_under() -> None:
    (sticker,) = (message for message in messages() if not message.text)
    assert sticker.title == "@grace_h"


def test_a_comment_under_the_accounts_own_post_is_at_home() -> None:
    assert saying("Fresh at seven").channel_id == "posts"
    assert saying("Nice boat").channel_id == "comments"
    assert {channel for channel in records(BAKERY) if isinstance(channel, Channel)} == {
        Channel("posts", "Own posts", "forum"),
        Channel("comments", "Comments elsewhere", "forum"),
    }


def test_a_post_has_its_own_words_or_those_of_its_only_picture() -> None:
    single = saying("Pain du jour — 20 % 🥖")
    assert (single.sent_at, single.attachments) == (datetime(2025, 10, 9, 8, 55, tzinfo=UTC), 1)
    several = saying("Two loaves")
    assert (several.sent_at, several.attachments) == (datetime(2025, 10, 9, 8, 55, 12, tzinfo=UTC), 2)
    assert saying("Kneading").channel_id == "posts"


def test_stories_likes_and_archived_posts_are_not_read() -> None:
    said = str(records(BAKERY))
    assert "gone tomorrow" not in said
    assert "hidden away" not in said
    assert "👍" not in said


def test_the_oldest_comments_are_entries_of_a_list() -> None:
    assert [(message.text, message.title) for message in messages(OLD)] == [("Schön! 🌊", "@ada.l"), ("ok", None)]


def test_the_newest_comments_are_labels() -> None:
    assert [(message.id, message.text) for message in messages(NEWEST)] == [
        ("18056521565574781", "Grüße vom Turm"),
        ("77", "Light on"),
    ]
    assert messages(NEWEST)[1].sent_at == datetime(2025, 10, 9, 8, 53, 26, tzinfo=UTC)


def test_followers_of_all_files_are_one_total() -> None:
    assert [record for record in records(BAKERY) if isinstance(record, Audience)] == [
        Audience("followers", datetime(2025, 10, 9, 8, 52, 30, tzinfo=UTC), 3)
    ]
    assert "instagram.com" not in str(records(BAKERY)), "who follows is not kept"


def test_private_threads_are_left_out_counted_and_read_where_that_is_allowed() -> None:
    with Export(BAKERY) as export:
        assert "Open?" not in str(list(instagram.read(export)))
        assert export.left_out == {"private messages": 2}
    assert saying("Oui, à sept heures", include_private=True).member_id == "quay_bakery"
    asked = saying("Open?", include_private=True)
    assert (asked.member_id, asked.attachments) == ("name:Grace H", 1)
    assert "s3cret" not in str(records(BAKERY, include_private=True))


def test_a_download_without_words_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="format JSON"):
        records(write(tmp_path, "your_instagram_activity/likes/liked_posts.json", {"likes_media_likes": []}))


def test_facebooks_files_are_not_taken_for_instagrams() -> None:
    for path in (FIXTURES.parent / "facebook").iterdir():
        with Export(path) as export:
            assert instagram.detects(export) == 0
    for path in FIXTURES.iterdir():
        with Export(path) as export:
            assert (facebook.detects(export), instagram.detects(export)) == (0, 0.95)
    for path in NEWEST.rglob("*"):  # the newest dialect of both is the same: a folder or a file of it, too
        with Export(path) as export:
            assert (facebook.detects(export), instagram.detects(export)) == (0, 0.95), path


@pytest.mark.parametrize("fixture", [BAKERY, OLD, NEWEST], ids=lambda path: path.name)
def test_damage_never_stops_the_reader(tmp_path: Path, fixture: Path) -> None:
    for spoilt in damaged(fixture, tmp_path):
        with Export(spoilt) as export:
            assert 0 <= instagram.detects(export) <= 1
        try:
            assert isinstance(records(spoilt, include_private=True)[0], Source)
        except ExportError:
            continue


def test_a_sample_inbox_is_read_whole(samples: Path) -> None:
    file = samples / "instagram_export" / "joweich+chat-miner" / "test_export.json"
    rows = json.loads(file.read_text())["messages"]
    with Export(file) as export:
        assert [type(record) for record in instagram.read(export)] == [Source, Member]
        assert export.left_out == {"private messages": len(rows)}
    said = messages(file, include_private=True)
    assert [(m.text, m.sent_at.timestamp() * 1000) for m in said] == [(r["content"], r["timestamp_ms"]) for r in rows]
