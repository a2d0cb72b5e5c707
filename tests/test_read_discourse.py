"""Discourse: posts, replies and quotations as its API answers them."""

from __future__ import annotations

import json
import random
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import discourse

FIXTURES = Path(__file__).parent / "fixtures" / "discourse"
PAGES = FIXTURES / "pages"


def records(path: Path, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(discourse.read(export))


def messages(path: Path = PAGES, include_private: bool = False) -> dict[str, Message]:
    return {record.id: record for record in records(path, include_private) if isinstance(record, Message)}


def post(**given: Any) -> dict[str, Any]:
    said = {"id": 1, "topic_id": 2, "post_number": 1, "username": "ada", "user_id": 3, "cooked": "<p>Hi</p>"}
    return {**said, "created_at": "2026-05-01T10:00:00Z", "category_id": 7, **given}


def test_a_page_gives_posts_with_all_that_is_said_of_them() -> None:
    assert messages()["106"] == Message(
        "106",
        "7",
        "3",
        datetime(2026, 5, 3, 7, 30, tzinfo=UTC),
        "Thanks & good night",
        title="Does the ferry run?",
        conversation_id="topic:20",
        parent_id="103",
        basis="explicit",
        edited_at=datetime(2026, 5, 3, 7, 45, tzinfo=UTC),
        permalink="https://talk.harbour.example/t/20/4",
    )


def test_the_address_in_its_pictures_names_the_forum() -> None:
    assert records(PAGES)[0] == Source("discourse", "talk.harbour.example", "talk.harbour.example")


def test_channels_are_categories_and_their_own_file_names_them() -> None:
    found = [record for record in records(PAGES) if isinstance(record, Channel)]
    assert found == [Channel("7", "Travel", "forum"), Channel("8", "Gear", "forum")]
    told = [record for record in records(FIXTURES / "topic-31.json") if isinstance(record, Channel)]
    assert told == [Channel("7", "category 7", "forum")]


def test_members_are_numbers_and_flags_tell_staff_and_bots() -> None:
    found = {record.id: record for record in records(PAGES) if isinstance(record, Member)}
    assert set(found) == {"3", "4", "5", "-1"}
    last = datetime(2026, 5, 2, 11, tzinfo=UTC)
    assert found["4"] == Member("4", "Bo Marsh", "bo", is_staff=True, updated_at=last)
    assert (found["5"].name, found["5"].handle) == ("cy", "cy")
    assert found["-1"].is_bot


def test_a_reply_names_the_post_whose_number_it_tells() -> None:
    found = messages()
    assert (found["106"].parent_id, found["106"].basis) == ("103", "explicit")
    assert (found["105"].parent_id, found["105"].basis) == ("topic:21:6", "explicit")  # not in the export
    assert (found["103"].parent_id, found["103"].basis) == (None, "thread")


def test_a_quotation_is_a_reply_where_no_other_is_told_but_never_of_a_topic_s_first_post() -> None:
    found = messages()
    assert (found["107"].parent_id, found["107"].basis) == ("99", "explicit")
    assert (found["99"].parent_id, found["99"].basis) == (None, None)


def test_text_is_what_was_said_not_what_was_quoted() -> None:
    found = messages()
    assert found["107"].text == "Every hour, see @Ada."
    assert found["103"].text == "Yes: :ferry:\nhttps://ferry.example/times\ntimetable b.pdf"
    assert found["103"].attachments == 2


def test_a_mention_is_a_member_we_have_met(tmp_path: Path) -> None:
    assert messages()["107"].mentions == ()  # pages run backwards: Ada has not spoken yet
    again = '<p><a class="mention" href="/u/Ada">@Ada</a> <a class="mention" href="/u/nobody">@nobody</a></p>'
    (tmp_path / "a.json").write_text(
        json.dumps([post(), post(id=5, post_number=2, username="bo", user_id=4, cooked=again)])
    )
    assert messages(tmp_path)["5"].mentions == ("3",)


def test_what_only_staff_may_read_is_left_out_and_counted() -> None:
    with Export(PAGES) as export:
        found = [record.id for record in discourse.read(export) if isinstance(record, Message)]
        assert "108" not in found  # a whisper
        assert "102" not in found  # in a closed category
        assert export.left_out == {"private messages": 2}
    everything = records(PAGES, include_private=True)
    assert {"108", "102"} <= {record.id for record in everything if isinstance(record, Message)}
    assert Channel("9", "Crew", "forum", is_private=True) in everything


@pytest.mark.parametrize(
    "content",
    [
        {"private_posts": [post(), {"id": "broken"}]},
        {"post_stream": {"posts": [post(), {"id": "broken"}]}, "archetype": "private_message"},
    ],
)
def test_personal_messages_are_left_out_and_counted(tmp_path: Path, content: dict[str, Any]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    with Export(tmp_path) as export:
        assert [type(record) for record in discourse.read(export)] == [Source]
        assert export.left_out == {"private messages": 2}
    assert list(messages(tmp_path, include_private=True)) == ["1"]


def test_what_happened_to_a_topic_is_a_system_line() -> None:
    pinned = messages()["104"]
    assert (pinned.kind, pinned.text, pinned.member_id) == ("system", "pinned.enabled", "-1")


def test_a_post_taken_back_is_empty_and_its_account_may_be_gone() -> None:
    gone = messages()["101"]
    assert (gone.text, gone.member_id) == ("", None)
    assert gone.deleted_at == datetime(2026, 5, 2, 10, 20, tzinfo=UTC)


def test_likes_are_counted_once() -> None:
    found = [record for record in records(PAGES) if isinstance(record, Reaction)]
    assert found == [Reaction("107", "heart", None, 2), Reaction("107", "tada", None, 1), Reaction("105", "like")]


def test_a_topic_s_file_tells_its_posts_what_they_belong_to() -> None:
    found = records(FIXTURES / "topic-31.json")
    assert [(m.id, m.title, m.channel_id, m.parent_id) for m in found if isinstance(m, Message)] == [
        ("201", "Rope", "7", None),
        ("202", "Rope", "7", "201"),
    ]
    (refused,) = [record for record in found if isinstance(record, Refused)]
    assert (refused.file, refused.place, refused.raw) == ("topic-31.json", "post 3", b'{\n    "id": 203\n   }')


def test_an_archive_holds_a_post_again_under_its_topic_s_new_title() -> None:
    found = [record for record in records(FIXTURES / "archive") if isinstance(record, Message)]
    assert [(m.id, m.title) for m in found] == [("301", "Lamps and oil"), ("301", "Lamps"), ("302", "Lamps")]
    assert found[2].text == "oil = 1\n  wick = 2"
    assert found[2].parent_id == "301"


@pytest.mark.parametrize("name", ["posts.json", "posts.jsonl"])
def test_posts_in_a_list_or_in_lines(tmp_path: Path, name: str) -> None:
    rows = [json.dumps(post(id=number, post_number=number)) for number in (1, 2)]
    (tmp_path / name).write_text("[" + ",".join(rows) + "]" if name.endswith(".json") else "\n".join(rows) + "\n{\n")
    found = records(tmp_path / name)
    assert [record.id for record in found if isinstance(record, Message)] == ["1", "2"]
    assert [record.place for record in found if isinstance(record, Refused)] == ["line 3"] * name.endswith("l")
    assert found[0] == Source("discourse", "posts", "posts")


def test_a_post_in_no_known_category_still_has_a_channel(tmp_path: Path) -> None:
    (tmp_path / "7.json").write_text(json.dumps({"post_stream": {"posts": [post(category_id=None)]}, "id": 2}))
    assert messages(tmp_path)["1"].channel_id == "unknown"


@pytest.mark.parametrize(
    ("cooked", "said"),
    [
        ("<aside class='quote'><aside>a</aside>b</aside>c", "c"),
        ("a<aside>never closed <p>b", "a"),
        ("a</aside>b", "ab"),
        (
            '<aside data-onebox-src="https://x.example/?a=1&amp;b=2"><aside>y</aside></aside>',
            "https://x.example/?a=1&b=2",
        ),
    ],
)
def test_an_aside_is_not_what_a_post_says(cooked: str, said: str) -> None:
    assert discourse.body(cooked) == said


def test_an_export_without_posts_says_what_to_save(tmp_path: Path) -> None:
    (tmp_path / "categories.json").write_text('{"category_list": {"categories": []}}')
    with Export(tmp_path) as export, pytest.raises(ExportError, match=r"Save the answers of /posts\.json"):
        list(discourse.read(export))


def test_no_change_of_a_byte_or_a_type_makes_it_stumble(tmp_path: Path) -> None:
    chance = random.Random(5)
    whole = (PAGES / "posts-2.json").read_bytes()
    topic = (FIXTURES / "topic-31.json").read_bytes()
    for turn in range(400):
        content = bytearray(topic if turn % 2 else whole)
        if turn % 3 == 0:
            del content[chance.randrange(len(content)) :]
        elif turn % 3 == 1:
            content[chance.randrange(len(content))] = chance.randrange(256)
        else:
            keys = re.findall(rb'"\w+": ', content)
            content = bytearray(content.replace(chance.choice(keys), chance.choice(keys)))
        (tmp_path / "a.json").write_bytes(content)
        with suppress(ExportError):
            for record in records(tmp_path):
                msgspec.json.encode(record) if not isinstance(record, Refused) else None


def test_a_real_archive_of_a_forum_is_read_whole(samples: Path) -> None:
    (folder,) = (samples / "discourse_posts").glob("*/posts")
    rows = [json.loads(path.read_bytes()) for path in folder.rglob("*.json")]
    ids = {(row["topic_id"], row["post_number"]): str(row["id"]) for row in rows}
    found = records(folder)
    told = [record for record in found if isinstance(record, Message)]
    assert len(told) == len(rows) == 4725
    assert not [record for record in found if isinstance(record, Refused)]
    assert {message.id for message in told} == set(ids.values())
    replies = {str(row["id"]): row["reply_to_post_number"] for row in rows if row["reply_to_post_number"]}
    parents = {message.id: message.parent_id for message in told}
    topics = {str(row["id"]): row["topic_id"] for row in rows}
    assert len(replies) == 2325
    assert all(
        parents[reply] == ids.get((topics[reply], number), f"topic:{topics[reply]}:{number}")
        for reply, number in replies.items()
    )
    assert {record.id for record in found if isinstance(record, Member) and record.is_staff} == {
        str(row["user_id"]) for row in rows if row["staff"]
    }
    assert {message.id for message in told if message.deleted_at} == {
        str(row["id"]) for row in rows if row["user_deleted"]
    }
