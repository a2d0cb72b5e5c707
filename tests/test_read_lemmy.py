"""Lemmy: posts and comments as the API answers them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import lemmy
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "lemmy"
DUMP, POST = FIXTURES / "dump", FIXTURES / "post.json"


def records(path: Path = DUMP, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(lemmy.read(export))


def messages(path: Path = DUMP) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_an_instance_is_the_source_and_a_community_a_channel() -> None:
    source, channel, *_ = records()
    assert source == Source("lemmy", "lemmy.example", "lemmy.example")
    assert channel == Channel("12", "sailing", "forum")


def test_a_post_has_its_title_and_its_words_or_its_link() -> None:
    assert messages()["70"] == Message(
        "70", "12", "2", datetime(2024, 3, 1, 10, 0, 0, 123_456, tzinfo=UTC), "For a **mooring** line.\n\nThanks",
        title="Which knot?", conversation_id="70", permalink="https://lemmy.example/post/70",
    )  # fmt: skip
    assert messages()["71"].text == "https://example.org/chart"
    assert messages()["71"].edited_at == datetime(2024, 3, 1, 12, tzinfo=UTC)


def test_comments_answer_what_their_path_says() -> None:
    links = {id_: (m.conversation_id, m.parent_id, m.basis) for id_, m in messages().items() if m.parent_id}
    assert links == {
        "comment:90": ("70", "70", "explicit"),
        "comment:91": ("70", "comment:90", "explicit"),
        "comment:92": ("70", "comment:91", "explicit"),
        "comment:93": ("70", "comment:88", "explicit"),  # which the export lacks
    }


def test_moderators_are_staff_bots_say_so_and_a_deleted_account_is_nobody() -> None:
    assert [record for record in records() if isinstance(record, Member)] == [
        Member("3", "harbourmaster", "harbourmaster", is_staff=True),
        Member("2", "Ada L.", "ada"),
        Member("4", "tidebot", "tidebot", is_bot=True),
    ]
    assert messages()["72"].member_id is None


def test_what_was_deleted_or_removed_keeps_no_words() -> None:
    post, comment = messages()["72"], messages()["comment:93"]
    assert (post.text, post.title, post.deleted_at) == ("", None, datetime(2024, 3, 2, 12, tzinfo=UTC))
    assert (comment.text, comment.deleted_at) == ("", comment.sent_at)


def test_a_private_community_is_left_out_unless_asked_for() -> None:
    with Export(DUMP) as export:
        assert "73" not in [record.id for record in lemmy.read(export) if isinstance(record, Message)]
        assert dict(export.left_out) == {"private messages": 1}
    assert Channel("13", "club", "forum", is_private=True) in records(include_private=True)


def test_one_post_by_the_names_of_lemmy_1() -> None:
    (post,) = messages(POST).values()
    assert (post.title, post.text, post.sent_at) == ("From 1.0", "New names", datetime(2025, 10, 1, 10, tzinfo=UTC))


def test_what_has_no_date_is_refused() -> None:
    assert [(r.file, r.reason) for r in records() if isinstance(r, Refused)] == [
        ("comments.json", "it has no date"),
        ("posts.json", "Invalid RFC3339 encoded datetime - at `$.post.published`"),
    ]


def test_another_file_is_not_lemmys(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"posts": []}')
    with pytest.raises(ExportError, match="no posts or comments as Lemmy"):
        records(tmp_path)


@pytest.mark.parametrize("fixture", [DUMP, POST], ids=lambda path: path.name)
def test_damage_is_refused_and_nothing_worse(fixture: Path, tmp_path: Path) -> None:
    for path in damaged(fixture, tmp_path):
        with Export(path) as export:
            if lemmy.detects(export):
                assert all(isinstance(record, Record) for record in lemmy.read(export))
