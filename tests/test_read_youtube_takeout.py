"""YouTube in Google Takeout: an account's own comments, in each order of columns, in other languages, and as a page."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import youtube, youtube_takeout
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "youtube_takeout"
OLD, NEW = FIXTURES / "takeout-2023", FIXTURES / "takeout-2026"
UKRAINIAN, PAGE = FIXTURES / "komentari.csv", FIXTURES / "my-comments.html"
OWN, SECOND = "UCharbourharbourharbour1", "UCsecondsecondsecondsec2"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(youtube_takeout.read(export))


def messages(path: Path = OLD) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_the_account_is_the_source_by_the_name_of_its_channel() -> None:
    assert records(OLD)[0] == Source("youtube", OWN, "Harbour Film")
    assert records(NEW)[0] == Source("youtube", OWN, OWN)
    assert records(PAGE)[0] == Source("youtube", "my-comments", "my-comments")


def test_every_row_becomes_one_message_or_one_refusal() -> None:
    found = records(OLD)
    assert len(messages(OLD)) == 2 + 2 + 1
    assert [(r.file, r.place) for r in found if isinstance(r, Refused)] == [("comments/comments.csv", "line 4")]
    assert len(messages(NEW)) == 3 + 1
    assert [r.reason for r in records(NEW) if isinstance(r, Refused)] == ["it has 4 fields, the header has 9"]


def test_all_orders_of_columns_tell_the_same() -> None:
    first = messages()["UgAAAAAAAAAA1"]
    assert (first.member_id, first.channel_id) == (OWN, "vid00000001")
    assert first.sent_at == datetime(2023, 9, 19, 17, 42, 53, 434_647, tzinfo=UTC)
    assert first.permalink == "https://www.youtube.com/watch?v=vid00000001&lc=UgAAAAAAAAAA1"
    second = messages()["UgDDDDDDDDDD1"]
    assert (second.member_id, second.channel_id) == (SECOND, "vid00000003")
    third = messages(NEW)["UgFFFFFFFFFF1"]
    assert (third.text, third.channel_id, third.parent_id) == ("a", "vid00000001", None)
    fourth = messages(NEW)["UgJJJJJJJJJJ1"]
    assert (fourth.text, fourth.channel_id) == ("short table", "vid00000004")


def test_text_is_put_together_from_its_parts_in_either_arrangement() -> None:
    assert messages()["UgAAAAAAAAAA1"].text == "Lovely light, as always 🌅"
    assert messages()["UgBBBBBBBBBB1.r1"].text == '@Grace see the chart, "page 2"'
    assert messages()["UgDDDDDDDDDD1"].text == "> quoted\nRight!"
    assert messages()["UgEEEEEEEEEE1.r9"].text == "plain, as it was"


def test_a_text_names_channels() -> None:
    assert messages()["UgBBBBBBBBBB1.r1"].mentions == ("UCgrace",)
    assert messages(NEW)["UgGGGGGGGGGG1.r3"].mentions == ("UCx",)


def test_a_reply_knows_its_parent_and_its_thread() -> None:
    links = {name: (m.conversation_id, m.parent_id) for name, m in {**messages(OLD), **messages(NEW)}.items()}
    assert {name: link for name, link in links.items() if link[1]} == {
        "UgBBBBBBBBBB1.r1": ("UgBBBBBBBBBB1", "UgBBBBBBBBBB1"),
        "UgEEEEEEEEEE1.r9": ("UgEEEEEEEEEE1", "UgEEEEEEEEEE1"),  # by its id alone
        "UgGGGGGGGGGG1.r3": ("UgGGGGGGGGGG1", "UgGGGGGGGGGG1.r2"),
    }
    assert links["UgAAAAAAAAAA1"] == ("UgAAAAAAAAAA1", None)


def test_what_was_said_in_a_live_chat_is_a_chat_of_its_own() -> None:
    line = messages()["UgLLLLLLLLLLAABDqgB5OC1kgI"]
    assert (line.channel_id, line.conversation_id, line.permalink) == ("vid00000001:live", None, None)
    assert Channel("vid00000001:live", "vid00000001:live", "chat") in records(OLD)
    assert Channel("vid00000001", "vid00000001", "forum") in records(OLD)


def test_a_comment_under_a_post_is_in_the_post() -> None:
    assert messages(NEW)["UgHHHHHHHHHH1"].channel_id == "UgkxPost1"


def test_every_channel_of_the_account_is_staff() -> None:
    assert [record for record in records(OLD) if isinstance(record, Member)] == [
        Member(SECOND, SECOND, is_staff=True),
        Member(OWN, "Harbour Film", is_staff=True),
    ]


def test_a_header_in_an_unknown_language_is_read_by_what_its_columns_hold() -> None:
    assert {name: (m.text, m.channel_id, m.parent_id) for name, m in messages(UKRAINIAN).items()} == {
        "UgKKKKKKKKKK1": ("Дуже гарно", "vid00000004", None),
        "UgKKKKKKKKKK2.r1": ("Так", "vid00000004", "UgKKKKKKKKKK2"),
    }


def test_the_old_page_tells_time_video_and_sometimes_the_comments_id() -> None:
    first, reply, again = messages(PAGE).values()
    assert (first.text, first.channel_id) == ("Great sail & crew", "vid00000001")
    assert first.sent_at == datetime(2020, 4, 27, 23, 18, 23, tzinfo=UTC)
    assert first.permalink is None
    assert (reply.id, reply.parent_id, reply.text) == ("UgMMMMMMMMMM1.r4", "UgMMMMMMMMMM1", "line one\nline two")
    assert reply.permalink == "https://www.youtube.com/watch?v=vid00000002&lc=UgMMMMMMMMMM1.r4"
    assert again.id == f"{first.id}:2"
    assert [r.place for r in records(PAGE) if isinstance(r, Refused)] == ["record 3"]


def test_a_page_is_read_in_pieces_wherever_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = records(PAGE)
    for size in (1, 7, 64):
        monkeypatch.setattr(youtube_takeout, "BLOCK", size)
        assert records(PAGE) == whole


def test_what_the_account_said_meets_what_the_api_tells_of_it(tmp_path: Path) -> None:
    """The same comment from both is the same message, but for what only one of them knows."""
    answer = Path(__file__).parent / "fixtures" / "youtube" / "all-answers.json"
    with Export(answer) as export:
        theirs = next(record for record in youtube.read(export) if isinstance(record, Message))
    header = "Comment ID,Channel ID,Comment Create Timestamp,Video ID,Comment Text"
    row = f'{theirs.id},{theirs.member_id},2025-10-09T08:00:00Z,{theirs.channel_id},"{{""text"":""one""}}"'
    (tmp_path / "comments.csv").write_text(f"{header}\n{row}\n")
    assert messages(tmp_path)[theirs.id] == theirs


def test_a_takeout_without_comments_says_what_to_do(tmp_path: Path) -> None:
    shutil.copytree(OLD / "YouTube and YouTube Music" / "subscriptions", tmp_path / "subscriptions")
    with Export(tmp_path) as export:
        assert youtube_takeout.detects(export) == 0
    with pytest.raises(ExportError, match="holds no comments"):
        records(tmp_path)


@pytest.mark.parametrize("fixture", [OLD, NEW, UKRAINIAN, PAGE], ids=lambda path: path.name)
def test_damage_never_stops_the_reader(tmp_path: Path, fixture: Path) -> None:
    for spoilt in damaged(fixture, tmp_path):
        with Export(spoilt) as export:
            assert 0 <= youtube_takeout.detects(export) <= 1
        try:
            assert isinstance(records(spoilt)[0], Source)
        except ExportError:
            continue
