"""YouTube: comments and replies as the Data API answers them, from saved answers in any arrangement."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import youtube
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "youtube"
HARBOUR, LISTED, ALONE = FIXTURES / "harbour", FIXTURES / "all-answers.json", FIXTURES / "one-comment.json"
OWNER, ADA, VIDEO = "UCharbour0000000000000aa", "UCada000000000000000000a", "vid00000001"
ANSWERS = Path("youtube_api") / "sns-sdks+python-youtube"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(youtube.read(export))


def messages(path: Path = HARBOUR) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_the_channel_whose_videos_these_are_is_the_source() -> None:
    assert records(HARBOUR)[0] == Source("youtube", OWNER, "Harbour Film")
    assert records(LISTED)[0] == Source("youtube", OWNER, OWNER)
    assert records(ALONE)[0] == Source("youtube", "one-comment", "one-comment")


def test_every_comment_becomes_one_message_or_one_refusal() -> None:
    found = records(HARBOUR)
    assert sum(isinstance(record, Message) for record in found) == 3 + 1 + 1 + 1 + 2
    assert [(r.place, r.reason) for r in found if isinstance(r, Refused)] == [
        ("record 1", "it has no time that can be read, or no id"),
        ("byte 5834", "Expected `str`, got `int` - at `$.id`"),
    ]
    assert list(messages(LISTED)) == ["UgF1", "UgF2"]


def test_a_video_is_a_channel_by_its_title_and_the_channels_own_page_is_one() -> None:
    assert [record for record in records(HARBOUR) if isinstance(record, Channel)] == [
        Channel(VIDEO, 'Regatta "2025"', "forum"),
        Channel(OWNER, "Harbour Film", "forum"),
    ]
    assert messages()["UgD1"].channel_id == OWNER
    assert messages()["UgD1"].permalink is None


def test_a_reply_answers_its_threads_first_comment() -> None:
    links = {name: (m.conversation_id, m.parent_id, m.basis) for name, m in messages().items()}
    assert links == {
        "UgA1": ("UgA1", None, None),
        "UgA1.r2": ("UgA1", "UgA1", "explicit"),
        "UgA1.r1": ("UgA1", "UgA1", "explicit"),
        "UgA1.r3": ("UgA1", "UgA1", "explicit"),  # told by its id alone
        "UgB1": ("UgB1", None, None),
        "UgC1": ("UgC1", None, None),
        "UgD1": ("UgD1", None, None),
    }
    assert messages(ALONE)["UgG1.z"].parent_id == "UgG1"


def test_further_replies_are_under_the_video_of_their_thread() -> None:
    """Their own answer does not say which, and stands in a file that comes first by its name."""
    assert messages()["UgA1.r3"].channel_id == VIDEO
    twice = [record for record in records(HARBOUR) if isinstance(record, Message) and record.id == "UgA1.r2"]
    assert twice[0] == twice[1]


def test_the_owner_is_staff_and_an_account_that_is_gone_is_nobody() -> None:
    members = [record for record in records(HARBOUR) if isinstance(record, Member)]
    assert members == [
        Member(ADA, "@ada", "@ada"),
        Member(OWNER, "@harbour", "@harbour", is_staff=True),
        Member("UCgrace0000000000000000a", "Grace"),
    ]
    assert messages()["UgC1"].member_id is None


def test_text_is_the_original_or_the_displayed_without_its_markup() -> None:
    assert messages()["UgB1"].text == "Nice & calm\nwater"
    assert messages()["UgA1"].text == "When is the regatta?"


def test_times_are_utc_and_an_edit_is_later_than_the_comment() -> None:
    answer = messages()["UgA1.r2"]
    assert answer.sent_at == datetime(2025, 10, 9, 9, 30, tzinfo=UTC)
    assert answer.edited_at == datetime(2025, 10, 9, 9, 31, tzinfo=UTC)
    assert messages()["UgA1.r1"].sent_at == datetime(2025, 10, 9, 8, 30, 0, 250_000, tzinfo=UTC)
    assert messages()["UgA1.r1"].edited_at is None


def test_likes_and_links() -> None:
    assert [record for record in records(HARBOUR) if isinstance(record, Reaction)] == [
        Reaction("UgA1", "like", count=3)
    ]
    assert messages()["UgA1"].permalink == f"https://www.youtube.com/watch?v={VIDEO}&lc=UgA1"


def test_comments_that_nobody_sees_are_left_out_and_counted() -> None:
    with Export(HARBOUR) as export:
        assert "buy my boat" not in str(list(youtube.read(export)))
        assert export.left_out == {"comments that nobody sees yet": 1}


def test_two_channels_at_once_are_asked_for_one_by_one(tmp_path: Path) -> None:
    shutil.copytree(HARBOUR, tmp_path / "both")
    other = LISTED.read_text().replace(OWNER, "UCother")
    (tmp_path / "both" / "other.json").write_text(other)
    with pytest.raises(ExportError, match=f"several channels.*{OWNER}, UCother"):
        records(tmp_path / "both")


def test_videos_without_comments_are_refused_in_words(tmp_path: Path) -> None:
    shutil.copy(HARBOUR / "videos.json", tmp_path)
    with Export(tmp_path) as export:
        assert youtube.detects(export) == 0
    with pytest.raises(ExportError, match="with comments"):
        records(tmp_path)


@pytest.mark.parametrize("fixture", [HARBOUR, LISTED, ALONE], ids=lambda path: path.name)
def test_damage_never_stops_the_reader(tmp_path: Path, fixture: Path) -> None:
    for spoilt in damaged(fixture, tmp_path):
        with Export(spoilt) as export:
            assert 0 <= youtube.detects(export) <= 1
        try:
            assert isinstance(records(spoilt)[0], Source)
        except ExportError:
            continue


def comments(item: Any) -> list[tuple[str, str]]:
    """Id and text of everything with a text, at any depth."""
    if isinstance(item, list):
        return [found for each in item for found in comments(each)]
    if not isinstance(item, dict):
        return []
    own = item["snippet"] if isinstance(item.get("snippet"), dict) else {}
    found = [(item["id"], own["textOriginal"])] if "textOriginal" in own else []
    return found + [each for value in item.values() for each in comments(value)]


def test_recorded_answers_are_read_whole(samples: Path) -> None:
    files = sorted((samples / ANSWERS).rglob("*.json"))
    total = 0
    for file in files:
        expected = comments(json.loads(file.read_text()))
        found = records(file)
        assert [(m.id, m.text) for m in found if isinstance(m, Message)] == expected, file
        assert not [record for record in found if isinstance(record, Refused)]
        total += len(expected)
    assert (len(files), total) == (13, 28)


def test_recorded_replies_point_to_their_thread(samples: Path) -> None:
    file = samples / ANSWERS / "comments" / "comments_by_parent_paged_1.json"
    items = json.loads(file.read_text())["items"]
    assert {m.id: m.parent_id for m in messages(file).values()} == {i["id"]: i["snippet"]["parentId"] for i in items}
