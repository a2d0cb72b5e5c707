"""The Graph API's answers: posts, comments and replies, however they were asked for and saved."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Audience, Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import meta_api
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "meta_api"
QUAY, LIGHTHOUSE = FIXTURES / "quayhouse", FIXTURES / "lighthouse"
DUMP = Path("facebook_instagram_api") / "sns-sdks+python-facebook"


def records(path: Path, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(meta_api.read(export))


def messages(path: Path = QUAY) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_a_page_and_an_account_are_the_source_of_their_own_platform() -> None:
    assert records(QUAY)[:2] == [Source("facebook", "500", "Quay House"), Channel("500", "Quay House", "forum")]
    assert records(LIGHTHOUSE)[0] == Source("instagram", "17840001", "The Lighthouse")


def test_every_post_comment_and_reply_becomes_one_message_or_one_refusal() -> None:
    found = records(QUAY)
    assert sum(isinstance(record, Message) for record in found) == 3 + 3 + 3 + 1 + 1
    assert [(r.file, r.reason[:16]) for r in found if isinstance(r, Refused)] == [
        ("feed.json", "it has no time t"),
        ("feed.json", "Expected `str`, "),
    ]
    assert len(messages(LIGHTHOUSE)) == 2 + 3 + 2 + 1 + 1


def test_what_answers_what_is_known_by_nesting_links_ids_and_what_was_asked() -> None:
    links = {m.id: (m.conversation_id, m.parent_id) for m in messages().values()}
    assert links == {
        "500_201": ("500_201", None),
        "201_301": ("500_201", "500_201"),
        "201_302": ("500_201", "201_301"),
        "201_303": ("500_201", "500_201"),
        "500_202": ("500_202", None),
        "500_203": ("500_203", None),
        "202_311": ("500_202", "500_202"),  # without an id: by its link
        "202_312": ("500_202", "202_311"),
        "202_313": ("500_202", "500_202"),  # by its own id
        "202_314": ("500_202", "202_313"),  # by the address of the next page
        "500_202_315": ("500_202", "500_202"),
    }
    assert {m.id: (m.conversation_id, m.parent_id) for m in messages(LIGHTHOUSE).values()} == {
        "1790001": ("1790001", None),
        "1780001": ("1790001", "1790001"),
        "1780002": ("1790001", "1780001"),
        "1780003": ("1790001", "1790001"),
        "1790002": ("1790002", None),
        "1780004": ("1790002", "1790002"),
        "1780005": ("1790002", "1790002"),
        "1780006": (None, "1780004"),
        "1780007": ("1790001", "1780001"),
    }


def test_the_page_is_staff_and_an_unnamed_author_is_nobody() -> None:
    said = messages()
    assert [said[name].member_id for name in ("500_201", "201_302", "201_301", "201_303")] == [
        "500",
        "500",
        "601",
        None,
    ]
    members = [record for record in records(QUAY) if isinstance(record, Member)]
    assert members == [Member("500", "Quay House", "quayhouse", is_staff=True), Member("601", "Ada")]


def test_an_instagram_account_is_known_by_its_name_and_by_being_told_as_user() -> None:
    said = messages(LIGHTHOUSE)
    assert {name for name, message in said.items() if message.member_id == "17840001"} == {
        "1790001",
        "1790002",
        "1780002",
        "1780005",
    }
    assert said["1780001"].member_id == said["1780007"].member_id == "username:ada.l"
    assert said["1780004"].member_id is None


def test_posts_of_an_edge_that_only_the_page_writes_to_are_the_pages(tmp_path: Path) -> None:
    for edge, author in (("posts", "500"), ("feed", None)):
        address = f"https://graph.facebook.com/v19.0/500/{edge}?access_token=x"
        post = {"id": "500_1", "created_time": "2025-10-09T08:00:00+0000", "message": "hello"}
        (tmp_path / "a.json").write_text(json.dumps({"data": [post], "paging": {"next": address}}))
        assert messages(tmp_path)["500_1"].member_id == author


def test_a_message_keeps_its_words_time_link_mentions_and_attachments() -> None:
    post = messages()["500_201"]
    assert (post.text, post.attachments) == ("Soup or chowder? 🍲", 1)
    assert post.sent_at == datetime(2025, 10, 9, 8, 0, tzinfo=UTC)
    assert post.permalink == "https://www.facebook.com/500/posts/201/"
    assert messages()["201_301"].mentions == ("500",)
    album = messages(LIGHTHOUSE)["1790001"]
    assert (album.text, album.attachments, album.permalink) == ("Light on ☀", 2, "https://www.instagram.com/p/AAA/")


def test_what_the_platform_says_is_a_system_line() -> None:
    assert [message.text for message in messages().values() if message.kind == "system"] == [
        "Quay House updated their cover photo."
    ]


def test_reactions_are_counted_by_kind() -> None:
    assert [record for record in records(QUAY) if isinstance(record, Reaction)] == [
        Reaction("500_201", "like", count=7),
        Reaction("500_201", "love", count=2),
        Reaction("201_301", "like", count=1),
        Reaction("201_303", "like", count=4),
        Reaction("500_202", "care", count=1),
        Reaction("500_202", "reaction", count=2),
    ]


def test_totals_go_to_the_vanity_drawer() -> None:
    assert [record for record in records(QUAY) if isinstance(record, Audience)] == [
        Audience("page_impressions", datetime(2025, 10, 8, 7, 0, tzinfo=UTC), 40),
        Audience("followers", datetime(2025, 10, 9, 8, 24, tzinfo=UTC), 1234),
    ]


def test_the_inbox_and_private_comments_are_left_out_and_counted() -> None:
    with Export(QUAY) as export:
        found = str(list(meta_api.read(export)))
        assert export.left_out == {"private messages": 3}
    assert "A table, please" not in found
    assert "between us" not in found


def test_the_inbox_is_read_where_that_is_allowed() -> None:
    found = {r.id: r for r in records(QUAY, include_private=True) if isinstance(r, Message)}
    assert (found["m_1"].member_id, found["m_1"].channel_id, found["m_1"].attachments) == ("601", "private:t_1", 1)
    assert found["m_2"].member_id == "500"
    assert found["201_304"].channel_id == "private"
    assert Channel("private:t_1", "Inbox", "chat", is_private=True) in records(QUAY, include_private=True)


def test_tokens_and_addresses_are_dropped() -> None:
    for path in (QUAY, LIGHTHOUSE):
        said = str(records(path, include_private=True))
        assert "EAASECRET" not in said
        assert "@facebook.com" not in said


def test_somebody_elses_pictures_are_not_the_accounts() -> None:
    assert "somebody else's" not in str(records(LIGHTHOUSE))


def test_several_pages_or_platforms_at_once_are_asked_for_one_by_one(tmp_path: Path) -> None:
    shutil.copytree(QUAY, tmp_path / "both" / "quay")
    other = {"id": "501", "name": "Other", "fan_count": 1, "username": "other"}
    (tmp_path / "both" / "other.json").write_text(json.dumps(other))
    with pytest.raises(ExportError, match=r"several pages \(500, 501\)"):
        records(tmp_path / "both")
    (tmp_path / "both" / "other.json").unlink()
    shutil.copytree(LIGHTHOUSE, tmp_path / "both" / "lighthouse")
    with pytest.raises(ExportError, match="Facebook and Instagram"):
        records(tmp_path / "both")


def test_other_files_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": 1}')
    with pytest.raises(ExportError, match="no answer of the Graph API"):
        records(tmp_path)


@pytest.mark.parametrize("fixture", [QUAY, LIGHTHOUSE], ids=lambda path: path.name)
def test_damage_never_stops_the_reader(tmp_path: Path, fixture: Path) -> None:
    for spoilt in damaged(fixture, tmp_path):
        with Export(spoilt) as export:
            assert 0 <= meta_api.detects(export) <= 1
        try:
            assert isinstance(records(spoilt, include_private=True)[0], Source)
        except ExportError:
            continue


def words(item: Any, keys: tuple[str, ...]) -> list[str]:
    """Every text under these keys of every item that has a time, at any depth."""
    if isinstance(item, list):
        return [word for each in item for word in words(each, keys)]
    if not isinstance(item, dict):
        return []
    own = [item[key] for key in keys if key in item and ("created_time" in item or "timestamp" in item)]
    return own + [word for value in item.values() for word in words(value, keys)]


@pytest.mark.parametrize(
    ("file", "keys"),
    [
        ("facebook/apidata/posts/feeds_default_fields_p1.json", ("message",)),
        ("facebook/apidata/posts/multi_posts_data.json", ("message",)),
        ("facebook/apidata/comments/comments_p1.json", ("message",)),
        ("facebook/apidata/comments/comments_info.json", ("message",)),
        ("facebook/apidata/groups/feed_p1.json", ("message",)),
        ("facebook/models/post.json", ("message",)),
        ("instagram/apidata/medias/comments_p1.json", ("text",)),
        ("instagram/apidata/comments/comments_fields.json", ("text",)),
        ("instagram/models/ig_comment.json", ("text",)),
        ("instagram/apidata/users/tagged_medias.json", ("caption",)),
    ],
)
def test_recorded_answers_are_read_whole(samples: Path, file: str, keys: tuple[str, ...]) -> None:
    path = samples / DUMP / file
    found = records(path)
    assert not [record for record in found if isinstance(record, Refused)]
    said = [record.text for record in found if isinstance(record, Message) and record.text]
    assert sorted(said) == sorted(filter(None, words(json.loads(path.read_text()), keys)))
    with Export(path) as export:
        assert meta_api.detects(export) == 0.9


def test_replies_among_recorded_comments_point_to_comments(samples: Path) -> None:
    path = samples / DUMP / "facebook" / "apidata" / "comments" / "comments_p1.json"
    replies = path.read_text().count("reply_comment_id=")
    said = messages(path)
    assert sum(m.parent_id != m.conversation_id for m in said.values()) == replies > 0
    assert {m.parent_id for m in said.values()} <= {*said, "19292868552_10158407654328553"}
