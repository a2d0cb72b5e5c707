"""Blogger: posts and comments from a Takeout and from the older backup."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import blogger
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "blogger"
TAKEOUT, BACKUP = FIXTURES / "takeout", FIXTURES / "blog-01-01-2011.xml"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(blogger.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


@pytest.mark.parametrize(("path", "blog", "name"), [(TAKEOUT, "77", "Harbour notes"), (BACKUP, "88", "The Pier")])
def test_a_blog_goes_by_its_number(path: Path, blog: str, name: str) -> None:
    source, channel, *_ = records(path)
    assert source == Source("blogger", blog, name)
    assert channel == Channel("blog", name, "forum")


def test_comments_of_a_takeout_answer_the_post_or_each_other() -> None:
    links = {id_: (m.conversation_id, m.parent_id, m.basis, m.member_id) for id_, m in messages(TAKEOUT).items()}
    assert links == {
        "post-1": ("post-1", None, None, "name:Skipper"),
        "post-2": ("post-1", "post-3", "explicit", "name:Skipper"),
        "post-3": ("post-1", "post-1", "explicit", "111"),
        "post-4": ("post-1", "post-1", "explicit", None),
    }


def test_comments_of_a_backup_do_too() -> None:
    links = {id_: (m.conversation_id, m.parent_id, m.member_id) for id_, m in messages(BACKUP).items()}
    assert links == {
        "post-1": ("post-1", None, "900"),
        "post-3": ("post-1", "post-1", "901"),
        "post-4": ("post-1", "post-3", "900"),
        "post-5": ("post-1", "post-1", None),
    }


def test_a_post_has_its_title_and_text_and_a_comment_no_title() -> None:
    assert messages(BACKUP)["post-1"] == Message(
        "post-1", "blog", "900", datetime(2010, 3, 1, 18, tzinfo=UTC), "They rise.", title="Fees",
        conversation_id="post-1", permalink="http://pier.example.org/2010/03/fees.html",
    )  # fmt: skip
    assert messages(BACKUP)["post-3"].title is None
    assert messages(TAKEOUT)["post-1"].text == "All & sundry."
    assert messages(TAKEOUT)["post-3"].text == "When?\nAnd where?"


def test_who_writes_posts_is_staff_also_where_a_comment_came_first() -> None:
    told = [(record.id, record.is_staff) for record in records(TAKEOUT) if isinstance(record, Member)]
    assert told == [("name:Skipper", False), ("name:Skipper", True), ("111", False)]
    assert [(r.id, r.name, r.email, r.is_staff) for r in records(BACKUP) if isinstance(r, Member)] == [
        ("900", "Skipper", None, True),
        ("901", "Grace", None, False),
    ]


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        (
            TAKEOUT,
            {"spam": 1, "deleted comments": 1, "unapproved comments": 1, "drafts": 1, "deleted posts": 1},
        ),
        (BACKUP, {"drafts": 1}),
    ],
)
def test_what_is_not_public_is_left_out_and_counted(path: Path, left_out: dict[str, int]) -> None:
    with Export(path) as export:
        list(blogger.read(export))
        assert dict(export.left_out) == left_out


def test_what_has_no_post_or_date_is_refused() -> None:
    refused = [record for record in records(TAKEOUT) if isinstance(record, Refused)]
    assert [record.reason for record in refused] == [
        "it does not say which post it is about",
        "its date cannot be read",
    ]


def test_several_blogs_are_loaded_one_by_one(tmp_path: Path) -> None:
    shutil.copy(BACKUP, tmp_path / "one.xml")
    shutil.copy(BACKUP, tmp_path / "two.xml")
    with pytest.raises(ExportError, match=r"several blogs \(one\.xml, two\.xml\)"):
        records(tmp_path)


@pytest.mark.parametrize("fixture", [TAKEOUT, BACKUP], ids=lambda path: path.name)
def test_damage_is_refused_and_nothing_worse(fixture: Path, tmp_path: Path) -> None:
    for path in damaged(fixture, tmp_path):
        with Export(path) as export:
            if blogger.detects(export):
                assert all(isinstance(record, Record) for record in blogger.read(export))
