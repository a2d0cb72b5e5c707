"""Stack Exchange: the rows of a site's data dump."""

from __future__ import annotations

import random
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import stackexchange

SAILING = Path(__file__).parent / "fixtures" / "stackexchange" / "sailing.example.com"


def records(path: Path = SAILING) -> list[Record]:
    with Export(path) as export:
        return list(stackexchange.read(export))


def messages(path: Path = SAILING) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_a_site_is_the_source_and_its_questions_a_forum() -> None:
    source, channel, *_ = records()
    assert source == Source("stackexchange", "sailing.example.com", "sailing.example.com")
    assert channel == Channel("questions", "Questions and answers", "forum")


def test_a_question_begins_a_conversation() -> None:
    assert messages()["1"] == Message(
        "1", "questions", "10", datetime(2024, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC),
        "How do I reef & heave to?\nwind > 30",
        title='Reefing in a "blow"', conversation_id="1", edited_at=datetime(2024, 3, 1, 11, tzinfo=UTC),
        permalink="https://sailing.example.com/q/1",
    )  # fmt: skip


def test_answers_and_comments_say_what_they_answer() -> None:
    links = {id_: (m.conversation_id, m.parent_id, m.basis) for id_, m in messages().items()}
    assert links == {
        "1": ("1", None, None),
        "2": ("1", "1", "explicit"),
        "3": ("1", "1", "explicit"),
        "4": ("900", "900", "explicit"),  # its question was deleted
        "5": ("5", None, None),
        "comment:1": (None, "1", "explicit"),
        "comment:2": (None, "1", "explicit"),
        "comment:3": (None, "2", "explicit"),  # on an answer: derivation finds the question
    }


def test_a_quotation_is_marked_and_a_comment_is_text_already() -> None:
    assert messages()["3"].text == "> heave to?\nBack the jib."
    assert messages()["comment:1"].text == "Which boat? <3"


def test_a_tag_wiki_is_a_system_line() -> None:
    assert [id_ for id_, message in messages().items() if message.kind == "system"] == ["5"]


def test_an_accepted_answer_is_acknowledged_by_the_asker() -> None:
    assert [r for r in records() if isinstance(r, Reaction)] == [Reaction("3", "accepted", "10")]


def test_members_come_from_users_xml_and_one_it_lacks_is_a_number() -> None:
    assert [record for record in records() if isinstance(record, Member)] == [
        Member("-1", "Community", is_bot=True),
        Member("10", "Ada"),
        Member("11", "Grace"),
        Member("12", "user 12"),
    ]


def test_a_deleted_account_is_nobody() -> None:
    assert [id_ for id_, message in messages().items() if message.member_id is None] == ["3", "comment:3"]


def test_rows_without_id_or_date_are_refused() -> None:
    refused = [record for record in records() if isinstance(record, Refused)]
    assert [(r.file, r.reason) for r in refused] == [
        ("Posts.xml", "its date cannot be read"),
        ("Posts.xml", "it has no id"),
        ("Comments.xml", "it has no date that can be read"),
    ]
    posts = (SAILING / "Posts.xml").read_bytes()
    assert posts[int(refused[0].place.removeprefix("byte ")) :].startswith(b'<row Id="6"')
    assert b'CreationDate="yesterday"' in refused[0].raw


def test_posts_alone_are_enough_and_without_a_host_there_are_no_links(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    shutil.copy(SAILING / "Posts.xml", tmp_path / "site")
    found = messages(tmp_path / "site")
    assert sorted(found) == ["1", "2", "3", "4", "5"]
    assert found["1"].permalink is None


def test_a_file_that_declares_entities_is_not_read(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE posts [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><posts><row Id="1" Body="&b;"/></posts>'
    (tmp_path / "Posts.xml").write_text(bomb)
    with pytest.raises(ExportError, match=r"Posts\.xml declares XML entities"):
        records(tmp_path)


def test_a_folder_without_posts_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "Users.xml").write_text("<users></users>")
    with pytest.raises(ExportError, match=r"Posts\.xml is missing.*Unpack"):
        records(tmp_path)


def test_a_broken_row_costs_only_itself(tmp_path: Path) -> None:
    shutil.copytree(SAILING, tmp_path / "x")
    posts = (SAILING / "Posts.xml").read_bytes()
    (tmp_path / "x" / "Posts.xml").write_bytes(posts.replace(b'<row Id="2" ', b'<row Id="2 '))
    found = records(tmp_path / "x")
    assert "2" not in {r.id for r in found if isinstance(r, Message)}
    assert sum(isinstance(record, Message | Refused) for record in found) == 7 + 4


def test_no_damage_raises_anything_else(tmp_path: Path) -> None:
    chance = random.Random(9)
    whole = (SAILING / "Posts.xml").read_bytes()
    for _ in range(300):
        raw = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.3 else whole)
        for _ in range(chance.randrange(1, 6) if raw else 0):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        (tmp_path / "Posts.xml").write_bytes(raw)
        with Export(tmp_path) as export:
            assert 0 <= stackexchange.detects(export) <= 1
            assert all(isinstance(record, Record) for record in stackexchange.read(export))


def test_the_real_dump(samples: Path) -> None:
    folder = samples / "stackexchange" / "mattly+ssdug-graphql"
    found = records(folder)
    said = [record for record in found if isinstance(record, Message)]
    posts = (folder / "Posts.xml").read_text("utf-8-sig")
    comments = (folder / "Comments.xml").read_text("utf-8-sig")
    assert len(said) == posts.count("<row ") + comments.count("<row ") == 177 + 230
    assert sum(m.parent_id is not None for m in said) == posts.count(" ParentId=") + comments.count(" PostId=")
    assert sum(m.kind == "system" for m in said) == len(re.findall(r'PostTypeId="[^12]"', posts))
    assert sum(isinstance(r, Reaction) for r in found) == posts.count(" AcceptedAnswerId=")
    assert sum(m.member_id is None for m in said) == (posts + comments).count("<row ") - len(
        re.findall(r' (?:Owner)?UserId="', posts + comments)
    )
    assert not [record for record in found if isinstance(record, Refused)]


# Answers of the API

API = Path(__file__).parent / "fixtures" / "stackexchange" / "api"


def test_answers_of_the_api_tell_the_same_site_with_the_same_ids() -> None:
    with Export(API) as export:
        assert stackexchange.detects(export) > 0.9
    told = records(API)
    assert told[:2] == [
        Source("stackexchange", "sailing.example.com", "sailing.example.com"),
        Channel("questions", "Questions and answers", "forum"),
    ]
    assert {id_: (m.conversation_id, m.parent_id, m.basis, m.text) for id_, m in messages(API).items()} == {
        "1": ("1", None, None, "How do I reef & heave to?"),
        "2": ("1", "1", "explicit", "Back the jib."),
        "comment:3": (None, "2", "explicit", "Thanks, *that* did it <3"),
        "comment:1": (None, "1", "explicit", "Which boat?"),
    }


def test_a_question_of_the_api_says_when_by_whom_and_what_was_accepted() -> None:
    assert messages(API)["1"] == Message(
        "1", "questions", "10", datetime(2024, 3, 1, 10, tzinfo=UTC), "How do I reef & heave to?",
        title='Reefing in a "blow"', conversation_id="1", edited_at=datetime(2024, 3, 1, 11, tzinfo=UTC),
        permalink="https://sailing.example.com/q/1",
    )  # fmt: skip
    told = records(API)
    assert messages(API)["2"].member_id is None, "its account is gone"
    assert Reaction("2", "accepted", "10") in told
    assert [each for each in told if isinstance(each, Member)] == [
        Member("10", "Cem & Co"),
        Member("-1", "Community", is_bot=True),
    ]
    assert sum(isinstance(each, Refused) for each in told) == 1, "the question without a date"
