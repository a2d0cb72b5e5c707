"""Mastodon: the archive of one account, and what the API answers about it."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import mastodon

ARCHIVE = Path(__file__).parent / "fixtures" / "mastodon" / "archive-2026"
ANSWERS = ARCHIVE.parent / "api-2026"
HARBOUR = "https://social.example/users/harbour"


def records(path: Path, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(mastodon.read(export))


def messages(path: Path = ARCHIVE) -> dict[str, Message]:
    """By the last part of their address."""
    found = (record for record in records(path) if isinstance(record, Message))
    return {record.id.removeprefix(f"{HARBOUR}/statuses/"): record for record in found}


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def test_the_account_is_the_source_and_its_own_staff() -> None:
    assert records(ARCHIVE)[:3] == [
        Source("mastodon", "harbour@social.example", "@harbour@social.example"),
        Member(HARBOUR, "Harbour Café", "@harbour@social.example", is_staff=True),
        Channel("posts", "posts", "forum"),
    ]


def test_public_and_unlisted_posts_are_told_and_a_broken_one_is_refused() -> None:
    assert list(messages()) == ["1", "2", "3", "6/activity", "7"]
    (refused,) = (record for record in records(ARCHIVE) if isinstance(record, Refused))
    assert refused.file == "outbox.json"
    assert "published" in refused.reason


def test_a_post_is_told_in_plain_words() -> None:
    assert messages()["1"] == Message(
        f"{HARBOUR}/statuses/1",
        "posts",
        HARBOUR,
        at(2, 9),
        "Fresh bread & coffee!\nSee https://harbour.example/menu",
        conversation_id="tag:social.example,2026-01-01:objectId=1:objectType=Conversation",
        attachments=1,
        permalink="https://social.example/@harbour/1",
    )


def test_a_reply_names_what_it_answers_on_whatever_server() -> None:
    reply = messages()["2"]
    assert (reply.parent_id, reply.basis) == ("https://far.example/users/grace/statuses/77", "explicit")
    assert reply.conversation_id == "tag:far.example,2026-01-02:objectId=9:objectType=Conversation"
    assert reply.mentions == ("https://far.example/users/grace",)
    assert (reply.text, reply.edited_at) == ("@grace until noon", at(2, 10, 5))


def test_an_answer_to_itself_stays_in_its_conversation_and_a_warning_is_its_title() -> None:
    aside, first = messages()["3"], messages()["1"]
    assert (aside.parent_id, aside.conversation_id) == (first.id, first.conversation_id)
    assert (aside.title, aside.text) == ("Coffee talk", "Unlisted aside")


def test_a_boost_is_a_system_line_and_a_poll_says_its_choices() -> None:
    boost, poll = messages()["6/activity"], messages()["7"]
    assert (boost.kind, boost.text) == ("system", "https://far.example/users/grace/statuses/80")
    assert (poll.kind, poll.text) == ("message", "Which cake?\n- Plum\n- Poppy")


def test_a_boost_that_holds_the_whole_post_does_not_put_words_into_the_accounts_mouth(tmp_path: Path) -> None:
    outbox = json.loads((ARCHIVE / "outbox.json").read_text())
    first, boost = outbox["orderedItems"][0], outbox["orderedItems"][5]
    outbox["orderedItems"] = [{**boost, "object": first["object"]}]
    (tmp_path / "outbox.json").write_text(json.dumps(outbox))
    (boosted,) = messages(tmp_path).values()
    assert (boosted.id, boosted.kind, boosted.text) == (boost["id"], "system", first["object"]["id"])


def test_what_was_for_followers_or_for_one_is_left_out_and_counted_unless_it_is_asked_for() -> None:
    with Export(ARCHIVE) as export:
        assert "secret" not in repr(list(mastodon.read(export)))
        assert export.left_out == {"private messages": 2}
    found = records(ARCHIVE, include_private=True)
    private = Channel("private", "followers only and direct", "forum", is_private=True)
    assert private in found
    whispered = [record for record in found if isinstance(record, Message) and record.channel_id == private.id]
    assert [message.text for message in whispered] == ["For followers: a secret", "Only for grace: a secret"]


@pytest.mark.parametrize("public", ["as:Public", "Public", ["https://www.w3.org/ns/activitystreams#Public"]])
@pytest.mark.parametrize("field", ["to", "cc"])
def test_everybody_is_written_in_several_ways(tmp_path: Path, field: str, public: object) -> None:
    outbox = json.loads((ARCHIVE / "outbox.json").read_text())
    outbox["orderedItems"] = [{**outbox["orderedItems"][4], "to": None, "cc": [], field: public}]
    (tmp_path / "outbox.json").write_text(json.dumps(outbox))
    assert list(messages(tmp_path)) == ["5"]


def test_without_actor_json_the_account_is_who_posted(tmp_path: Path) -> None:
    shutil.copy(ARCHIVE / "outbox.json", tmp_path)
    assert records(tmp_path)[0] == records(ARCHIVE)[0]
    assert messages(tmp_path) == messages()
    with Export(tmp_path) as export:
        assert list(mastodon.read(export))
        assert export.done == export.size


def test_an_archive_that_names_nobody_is_asked_for_whole(tmp_path: Path) -> None:
    (tmp_path / "outbox.json").write_text('{"orderedItems": []}')
    with pytest.raises(ExportError, match=r"lacks actor\.json"):
        records(tmp_path)


def test_a_folder_without_an_outbox_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"no outbox\.json"):
        records(tmp_path)


def test_a_packed_archive_is_read_as_it_came(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as packed:
        packed.add(ARCHIVE, arcname=".")
    assert records(tmp_path / "archive.tar.gz") == records(ARCHIVE)


def test_a_moment_at_the_end_of_time_is_refused_alone(tmp_path: Path) -> None:
    outbox = json.loads((ARCHIVE / "outbox.json").read_text())
    outbox["orderedItems"][0]["published"] = "9999-12-31T23:59:59-10:00"
    (tmp_path / "outbox.json").write_text(json.dumps(outbox))
    assert list(messages(tmp_path)) == ["2", "3", "6/activity", "7"]
    assert sum(isinstance(record, Refused) for record in records(tmp_path)) == 2


def test_a_real_archive_is_read_whole(samples: Path) -> None:
    path = samples / "mastodon" / "dealingwith+masto-archive"
    items = json.loads((path / "outbox.json").read_text())["orderedItems"]
    found = [record for record in records(path) if isinstance(record, Message)]
    assert len(found) == len(items) == 1_511
    assert Counter(m.kind for m in found) == Counter(message=1_185, system=326)
    answers = {i["object"]["id"]: i["object"]["inReplyTo"] for i in items if i["type"] == "Create"}
    assert {m.id: m.parent_id for m in found if m.kind == "message"} == answers
    assert not [m for m in found if "<" in m.text and "class=" in m.text]


# What the API answers


def test_the_api_tells_the_accounts_posts_as_its_archive_does_but_for_the_conversations_name() -> None:
    """So what is pulled and what is loaded from an archive are the same messages, whichever comes first."""
    archived, told = messages(), messages(ANSWERS)
    assert {"1", "2", "3", "6/activity", "7"} == archived.keys() & told.keys()
    for name, message in archived.items():
        assert told[name] == msgspec.structs.replace(message, conversation_id=None)


def test_what_others_said_has_its_address_as_its_id_and_is_answered_on_the_own_instance() -> None:
    said = messages(ANSWERS)["https://far.example/users/grace/statuses/77"]
    assert (said.member_id, said.mentions) == ("https://far.example/users/grace", (HARBOUR,))
    assert said.permalink == "https://social.example/@grace@far.example/900"
    members = {record.id: record for record in records(ANSWERS) if isinstance(record, Member)}
    assert {each.handle: each.is_staff for each in members.values()} == {
        "@harbour@social.example": True,
        "@grace@far.example": False,
    }


def test_a_reply_to_what_may_not_be_seen_is_a_reply_all_the_same() -> None:
    reply = messages(ANSWERS)["https://far.example/users/grace/statuses/82"]
    assert (reply.parent_id, reply.basis) == ("https://social.example/statuses/999", "explicit")


def test_a_post_of_the_api_that_cannot_be_read_is_refused_alone_and_one_for_followers_left_out() -> None:
    (refused,) = (record for record in records(ANSWERS) if isinstance(record, Refused))
    assert (refused.file, refused.place, "created_at" in refused.reason) == ("mentions.json", "record 2", True)
    with Export(ANSWERS) as export:
        assert mastodon.detects(export) == 0.9
        assert "secret" not in repr(list(mastodon.read(export)))
        assert export.left_out == {"private messages": 1}
    assert "For followers: a secret" in repr(records(ANSWERS, include_private=True))


def test_an_answer_that_cannot_be_is_refused_or_does_without(tmp_path: Path) -> None:
    """More favourites than can be counted; an account whose address names no host."""
    shutil.copytree(ANSWERS, tmp_path / "api")
    account = json.loads((ANSWERS / "account.json").read_text())
    (tmp_path / "api" / "account.json").write_text(json.dumps({**account, "uri": "nowhere", "url": "nowhere"}))
    statuses = json.loads((ANSWERS / "statuses.json").read_text())
    statuses[0]["favourites_count"] = 10**30
    (tmp_path / "api" / "statuses.json").write_text(json.dumps(statuses))
    found = records(tmp_path / "api")
    assert found[0] == Source("mastodon", account["username"], f"@{account['username']}")
    assert any("favourites_count" in each.reason for each in found if isinstance(each, Refused))
