"""Google+: posts and their comments, from a Takeout's JSON and from its pages."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import google_plus
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "google_plus"
JSON, PAGES = FIXTURES / "takeout-json", FIXTURES / "takeout-html"
TIDE = "AAAAAAAAAAA"


def records(path: Path, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(google_plus.read(export))


def messages(path: Path = JSON, include_private: bool = False) -> dict[str, Message]:
    return {record.id: record for record in records(path, include_private) if isinstance(record, Message)}


def test_the_account_is_the_source_and_its_staff() -> None:
    assert records(JSON)[0] == Source("google_plus", "1001", "Tim Harbour")
    assert Member("1001", "Tim Harbour", is_staff=True) in records(JSON)
    assert records(PAGES)[0] == Source("google_plus", "+TimHarbour", "Tim O'Harbour")
    assert Member("+TimHarbour", "Tim O'Harbour", is_staff=True) in records(PAGES)


def test_every_post_and_comment_becomes_one_message_or_one_refusal() -> None:
    assert len(messages(JSON)) == 3 + 3
    assert [(r.place, r.reason[:14]) for r in records(JSON) if isinstance(r, Refused)] == [
        ("record 4", "it has no time"),
        ("record 5", "Expected `str`"),
        ("byte 0", "Google+ Stream"),
    ]
    assert len(messages(PAGES)) == 3 + 2
    assert [r.place for r in records(PAGES) if isinstance(r, Refused)] == ["record 3"]


@pytest.mark.parametrize("path", [JSON, PAGES], ids=["json", "pages"])
def test_a_post_is_the_same_from_json_and_from_its_page(path: Path) -> None:
    post = messages(path)[TIDE]
    assert post.text.startswith("The tide is out.\nCome & see")
    assert post.sent_at == datetime(2014, 6, 30, 14, 4, tzinfo=UTC)
    assert post.edited_at == datetime(2014, 7, 1, 8, 6, 58, tzinfo=UTC)
    assert (post.conversation_id, post.parent_id, post.channel_id) == (TIDE, None, "stream")
    assert post.permalink == f"https://plus.google.com/+TimHarbour/posts/{TIDE}"


@pytest.mark.parametrize("path", [JSON, PAGES], ids=["json", "pages"])
def test_comments_stand_in_the_thread_of_their_post(path: Path) -> None:
    comments = [message for message in messages(path).values() if message.parent_id == TIDE]
    assert [(m.text, m.conversation_id, m.basis) for m in comments if m.member_id] == [
        ("When is it in?", TIDE, "thread"),
        ("At nine", TIDE, "thread"),
    ]
    assert [m.sent_at.hour for m in comments][:2] == [15, 15]
    assert all(m.id.startswith(f"{TIDE}:") for m in comments)


def test_a_comment_has_its_own_id_author_and_edit() -> None:
    said = messages()
    assert (said[f"{TIDE}:c-1"].member_id, said[f"{TIDE}:c-2"].member_id) == ("1002", "1001")
    assert said[f"{TIDE}:c-2"].edited_at == datetime(2014, 6, 30, 15, 31, tzinfo=UTC)
    assert said[f"{TIDE}:c-3"].member_id is None


def test_plus_ones_name_who_gave_them_but_not_who_shared_it() -> None:
    assert [r for r in records(JSON) if isinstance(r, Reaction)] == [
        Reaction(TIDE, "+1", "1002"),
        Reaction(TIDE, "+1", "1003"),
    ]
    assert [r for r in records(PAGES) if isinstance(r, Reaction)] == [
        Reaction(TIDE, "+1", "+Martin"),
        Reaction(TIDE, "+1", "1002"),
    ]


def test_a_community_is_a_channel() -> None:
    assert Channel("communities/77", "Boats", "forum") in records(JSON)
    assert messages()["FFFFFFFFFFF"].member_id == "1003"
    assert Channel("communities/77", "Boats & Oars", "forum") in records(PAGES)
    assert messages(PAGES)["HHHHHHHHHHH"].channel_id == "communities/77"


def test_words_that_were_shared_again_are_not_the_accounts() -> None:
    for path, name in ((JSON, "FFFFFFFFFFF"), (PAGES, "GGGGGGGGGGG")):
        assert "someone else's words" not in str(records(path))
        assert messages(path)[name].attachments == 1


def test_public_is_told_in_any_language_by_a_flag_or_by_circles() -> None:
    assert {"CCCCCCCCCCC", TIDE} <= messages().keys()
    assert "GGGGGGGGGGG" in messages(PAGES)  # Öffentlich


@pytest.mark.parametrize(("path", "number"), [(JSON, 3), (PAGES, 1)], ids=["json", "pages"])
def test_what_some_only_may_see_is_left_out_and_counted(path: Path, number: int) -> None:
    with Export(path) as export:
        found = str(list(google_plus.read(export)))
        assert export.left_out == {"private messages": number}
    assert "only you" not in found
    assert "closed house" not in found


def test_private_posts_are_read_where_that_is_allowed() -> None:
    said = messages(JSON, include_private=True)
    assert (said["BBBBBBBBBBB"].channel_id, said["BBBBBBBBBBB:d-1"].channel_id) == ("private", "private")
    assert Channel("communities/78", "Closed", "forum", is_private=True) in records(JSON, include_private=True)
    assert messages(PAGES, include_private=True)["BBBBBBBBBBB"].channel_id == "private"


def test_pictures_descriptions_are_no_posts(tmp_path: Path) -> None:
    shutil.copytree(JSON / "Google+ Stream" / "Photos", tmp_path / "Photos")
    with Export(tmp_path) as export:
        assert google_plus.detects(export) == 0
    with pytest.raises(ExportError, match="holds no posts"):
        records(tmp_path)


@pytest.mark.parametrize("fixture", [JSON, PAGES], ids=lambda path: path.name)
def test_damage_never_stops_the_reader(tmp_path: Path, fixture: Path) -> None:
    for spoilt in damaged(fixture, tmp_path):
        with Export(spoilt) as export:
            assert 0 <= google_plus.detects(export) <= 1
        try:
            assert isinstance(records(spoilt, include_private=True)[0], Source)
        except ExportError:
            continue
