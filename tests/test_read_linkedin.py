"""LinkedIn: what one person posted and commented, under posts we mostly never see."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import linkedin

ARCHIVE = Path(__file__).parent / "fixtures" / "linkedin" / "Complete_LinkedInDataExport_05-31-2026"
HOUSE, LINES, REPOST = "ugcPost:7458194261025673216", "share:7448081445065035776", "share:7448000000000000001"
FRIENDS = "share:7447000000000000001"


def records(path: Path, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(linkedin.read(export))


def messages(path: Path = ARCHIVE, *, include_private: bool = False) -> list[Message]:
    return [record for record in records(path, include_private=include_private) if isinstance(record, Message)]


def said(text: str, *, include_private: bool = False) -> Message:
    (found,) = (message for message in messages(include_private=include_private) if message.text == text)
    return found


def test_the_person_is_the_source_and_staff_by_the_name_in_the_profile() -> None:
    source, member, place, *_ = records(ARCHIVE)
    assert source == Source("linkedin", "name:ada keeper", "Ada Keeper")
    assert member == Member("name:ada keeper", "Ada Keeper", is_staff=True)
    assert place == Channel("posts", "posts", "forum")


def test_without_a_profile_the_number_in_the_names_tells(tmp_path: Path) -> None:
    shutil.copy(ARCHIVE / "Comments_17529409.csv", tmp_path)
    assert records(tmp_path)[0] == Source("linkedin", "17529409", "member 17529409")


def test_comments_of_nobody_are_asked_for_with_the_archive(tmp_path: Path) -> None:
    shutil.copy(ARCHIVE / "Comments_17529409.csv", tmp_path / "Comments.csv")
    with pytest.raises(ExportError, match=r"with Profile\.csv"):
        records(tmp_path / "Comments.csv")


def test_a_post_is_named_as_its_link_names_it() -> None:
    assert [message.id for message in messages()[-3:]] == [HOUSE, LINES, REPOST]
    house = messages()[-3]
    assert house.sent_at == datetime(2026, 5, 7, 16, 41, 18, tzinfo=UTC)
    assert house.text == 'Open house on Sunday.\n\nBring the "children", please'
    assert (house.member_id, house.attachments, house.kind) == ("name:ada keeper", 1, "message")
    assert house.permalink == "https://www.linkedin.com/feed/update/urn%3Ali%3AugcPost%3A7458194261025673216"
    assert messages()[-2].text == "One line\nanother line"


def test_passing_on_somebody_elses_post_says_nothing() -> None:
    assert [message.id for message in messages() if message.kind == "system"] == [REPOST]


def test_a_picture_without_words_is_a_message(tmp_path: Path) -> None:
    row = "2026-05-05 09:00:00,https://www.linkedin.com/posts/ada_x-activity-7100000000000000009-Ab,,,https://a/1.jpg,PUBLIC"
    shares = tmp_path / "Shares_5.csv"
    shares.write_text(f"Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n{row}\n")
    (picture,) = messages(shares)
    assert (picture.id, picture.kind, picture.attachments) == ("activity:7100000000000000009", "message", 1)


def test_a_comment_belongs_to_the_post_it_is_under() -> None:
    comment = said('Yes, "all day" long\nand after')
    assert (comment.conversation_id, comment.basis, comment.parent_id) == (HOUSE, "thread", None)
    other = [message for message in messages() if message.text == "Congratulations!"]
    assert [message.conversation_id for message in other] == ["activity:7401794121226567681"] * 2


def test_comments_have_ids_of_their_own_that_stay(tmp_path: Path) -> None:
    ids = [message.id for message in messages()]
    assert len(set(ids)) == len(ids) == 6
    later = tmp_path / "later"
    shutil.copytree(ARCHIVE, later)
    rows = (later / "Comments_17529409.csv").read_text()
    newest = "2026-05-30 10:00:00,https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A9,New"
    (later / "Comments_17529409.csv").write_text(rows.replace("Message\n", f"Message\n{newest}\n", 1))
    assert set(ids) < {message.id for message in messages(later)}


def test_a_comment_without_its_day_is_refused() -> None:
    (refused,) = (record for record in records(ARCHIVE) if isinstance(record, Refused))
    assert (refused.file, refused.place) == ("Comments_17529409.csv", "line 6")
    assert b"without its day" in refused.raw


def test_what_is_for_connections_only_and_messages_are_left_out_and_counted() -> None:
    with Export(ARCHIVE) as export:
        found = str(list(linkedin.read(export)))
        assert export.left_out == Counter({"private messages": 1 + 3})
    assert "friends" not in found
    assert "tide" not in found
    assert "bo@example.org" not in str(records(ARCHIVE, include_private=True))


def test_private_words_are_read_on_request() -> None:
    assert len(messages(include_private=True)) == 6 + 4
    assert FRIENDS in {message.id for message in messages(include_private=True)}
    asked = said("When is the tide?", include_private=True)
    assert (asked.member_id, asked.channel_id, asked.conversation_id, asked.title) == (
        "https://www.linkedin.com/in/bo",
        "messages:c1",
        "c1",
        "Tide",
    )
    assert said("At noon", include_private=True).member_id == "name:ada keeper"
    assert said("I am gone", include_private=True).member_id is None
    found = records(ARCHIVE, include_private=True)
    assert Channel("messages:c2", "Crew", "chat", is_private=True) in found
    assert [record.name for record in found if isinstance(record, Member)] == ["Ada Keeper", "Bo Sailor"]


def test_broken_messages_are_not_kept_either(tmp_path: Path) -> None:
    shutil.copytree(ARCHIVE, tmp_path / "a")
    with (tmp_path / "a" / "messages.csv").open("a") as file:
        file.write("c3,a secret cut short\n")
    assert "secret" not in str(records(tmp_path / "a"))
    assert any(
        isinstance(row, Refused) and b"secret" in row.raw for row in records(tmp_path / "a", include_private=True)
    )


def test_comments_of_other_platforms_are_not_ours(tmp_path: Path) -> None:
    (tmp_path / "comments.csv").write_text("id,permalink,date,subreddit,link,parent,body\n1,/r/a,2026-05-01,a,,,Hi\n")
    with Export(tmp_path) as export:
        assert linkedin.detects(export) == 0


def test_damaged_bytes_never_stop_the_reader(tmp_path: Path) -> None:
    dice = random.Random(5)
    files = sorted(ARCHIVE.iterdir())
    for _ in range(300):
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        shutil.copytree(ARCHIVE, tmp_path / "a")
        victim = tmp_path / "a" / dice.choice(files).name
        content = victim.read_bytes()
        at = dice.randrange(len(content))
        victim.write_bytes(
            content[:at] if dice.random() < 0.3 else content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]
        )
        try:
            found = records(tmp_path / "a", include_private=True)
        except ExportError:
            continue
        assert isinstance(found[0], Source)
