"""Bluesky: a repository as it is handed out, and answers of the API."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import bluesky
from ingest.exports._car import Cid, Damaged, Repository, decoded

FIXTURES = Path(__file__).parent / "fixtures" / "bluesky"
CAR, THREAD, FEED = (FIXTURES / name for name in ("harbour.car", "thread.json", "feed.jsonl"))
HARBOUR, GRACE = "did:plc:harbourharbourharbour222", "did:plc:gracegracegracegrace2222"


def post(account: str, key: str) -> str:
    return f"at://{account}/app.bsky.feed.post/{key}"


MOORING, ANSWER = post(HARBOUR, "3lab22222222a"), post(HARBOUR, "3lab22222222b")
QUESTION = post(GRACE, "3lzz22222222b")
REPOST = f"at://{HARBOUR}/app.bsky.feed.repost/3lac22222222a"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(bluesky.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def refused(path: Path) -> list[Refused]:
    return [record for record in records(path) if isinstance(record, Refused)]


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 2, hour, minute, tzinfo=UTC)


# A repository


def test_a_repository_is_its_account_and_tells_its_posts_in_their_order() -> None:
    assert records(CAR)[:3] == [
        Source("bluesky", HARBOUR, "Harbour"),
        Channel("posts", "posts", "forum"),
        Member(HARBOUR, "Harbour", is_staff=True),
    ]
    assert list(messages(CAR)) == [
        *(post(HARBOUR, f"3lab22222222{letter}") for letter in "abce"),
        REPOST,
    ]


def test_a_post_has_its_mentions_and_whole_links_though_they_are_placed_by_bytes() -> None:
    assert messages(CAR)[MOORING] == Message(
        MOORING,
        "posts",
        HARBOUR,
        at(9),
        "Mooring is free ⚓ for @grace.example: https://harbour.example/mooring",
        conversation_id=MOORING,
        mentions=(GRACE,),
        permalink=f"https://bsky.app/profile/{HARBOUR}/post/3lab22222222a",
    )


def test_several_links_of_a_post_are_whole(tmp_path: Path) -> None:
    thread = json.loads(THREAD.read_text())
    text, links = "a.example/on… b.example/tw…", ["https://a.example/one", "https://b.example/two/three"]
    places = [(0, 15), (16, 31)]
    thread["thread"]["post"]["record"] |= {
        "text": text,
        "facets": [
            {"index": {"byteStart": since, "byteEnd": until}, "features": [{"uri": link}]}
            for (since, until), link in zip(places, links, strict=True)
        ],
    }
    (tmp_path / "thread.json").write_text(json.dumps(thread))
    assert messages(tmp_path / "thread.json")[MOORING].text == " ".join(links)


def test_a_reply_names_its_parent_and_the_post_that_began_it_all() -> None:
    reply = messages(CAR)[ANSWER]
    assert (reply.parent_id, reply.conversation_id, reply.basis) == (QUESTION, MOORING, "explicit")
    assert reply.sent_at == datetime(2026, 1, 2, 10, 0, 0, 123_000, tzinfo=UTC)


def test_pictures_beside_a_quotation_and_films_are_counted() -> None:
    said = messages(CAR)
    assert [said[post(HARBOUR, f"3lab22222222{letter}")].attachments for letter in "abce"] == [0, 0, 2, 1]
    assert said[post(HARBOUR, "3lab22222222e")].sent_at == at(12)  # a time without a zone is UTC


def test_a_repost_is_a_system_line_and_the_same_one_in_a_feed() -> None:
    assert messages(CAR)[REPOST] == messages(FEED)[REPOST]
    assert messages(CAR)[REPOST].kind == "system"


def test_a_post_with_no_time_is_refused_by_its_name() -> None:
    (broken,) = refused(CAR)
    assert (broken.file, broken.place) == ("harbour.car", "app.bsky.feed.post/3lab22222222d")
    assert b"When was this?" in broken.raw


def test_a_damaged_post_is_refused_and_the_others_are_kept(tmp_path: Path) -> None:
    (tmp_path / "x.car").write_bytes(CAR.read_bytes().replace(b"Two boats", b"Two goats"))
    assert len(messages(tmp_path / "x.car")) == 4
    assert "checksum" in refused(tmp_path / "x.car")[0].reason


def test_of_a_cut_off_repository_what_is_there_is_kept(tmp_path: Path) -> None:
    content = CAR.read_bytes()
    for size in range(0, len(content), 7):
        (tmp_path / "x.car").write_bytes(content[:size])
        try:
            found = records(tmp_path / "x.car")
        except ExportError:
            assert size < 400, "the first block names the account: from there on nothing is lost"
            continue
        assert any(isinstance(record, Refused) for record in found)
    assert refused(tmp_path / "x.car")[0].place.startswith("byte ")


def test_posts_whose_names_are_lost_with_the_tree_are_refused_one_by_one(tmp_path: Path) -> None:
    content = bytearray(CAR.read_bytes())
    root = Repository(bytes(content), "x.car")._tree
    assert isinstance(root, Cid)
    content[content.rindex(root) + len(root)] ^= 1
    (tmp_path / "x.car").write_bytes(content)
    assert not messages(tmp_path / "x.car")
    assert [each.reason for each in refused(tmp_path / "x.car")] == [
        "its block does not match its checksum",
        *["the damaged tree lacks its name"] * 6,
    ]


def test_flipped_bytes_never_change_a_word(tmp_path: Path) -> None:
    """What is not refused is as it was: checksums see to it."""
    content, sound, luck = CAR.read_bytes(), messages(CAR), random.Random(7)
    for _ in range(300):
        flipped = bytearray(content)
        flipped[luck.randrange(len(content))] ^= 1 << luck.randrange(8)
        (tmp_path / "x.car").write_bytes(flipped)
        try:
            found = messages(tmp_path / "x.car")
        except ExportError:
            continue
        assert found.items() <= sound.items()


def encoded(value: Any) -> bytes:
    """DAG-CBOR of small values, as its specification says."""
    if isinstance(value, Cid):
        return b"\xd8\x2a" + encoded(b"\0" + value)
    if isinstance(value, bytes | str):
        content = value.encode() if isinstance(value, str) else value
        kind = 0x60 if isinstance(value, str) else 0x40
        return bytes([kind + len(content)] if len(content) < 24 else [kind + 24, len(content)]) + content
    if isinstance(value, dict):
        return bytes([0xA0 + len(value)]) + b"".join(encoded(key) + encoded(each) for key, each in value.items())
    if isinstance(value, list):
        return bytes([0x80 + len(value)]) + b"".join(map(encoded, value))
    return bytes([value]) if value < 24 else b"\x19" + int(value).to_bytes(2)


def repository(*values: dict[str, Any]) -> bytes:
    """A .car file of some blocks, the last of which is the commit."""
    blocks = [encoded(value) for value in values]
    names = [Cid(b"\x01\x71\x12\x20" + hashlib.sha256(block).digest()) for block in blocks]
    parts = [encoded({"roots": [names[-1]], "version": 1}), *(n + b for n, b in zip(names, blocks, strict=True))]
    return b"".join(_length(len(part)) + part for part in parts)


def _length(size: int) -> bytes:
    return bytes([size] if size < 128 else [0x80 | size & 0x7F, size >> 7])


def name_of(value: dict[str, Any]) -> Cid:
    return Cid(b"\x01\x71\x12\x20" + hashlib.sha256(encoded(value)).digest())


def test_names_that_go_on_as_the_last_one_did_are_put_together() -> None:
    record, other = {"text": "a"}, {"text": "b"}
    node = {
        "e": [
            {"k": b"x.y/1a", "p": 0, "t": 0, "v": name_of(record)},
            {"k": b"b", "p": 5, "t": 0, "v": name_of(other)},
        ],
        "l": 0,
    }
    content = repository(record, other, node, {"did": "did:x", "data": name_of(node)})
    found = list(Repository(content, "x.car").entries({"x.y"}))
    assert [(each.name, each.record) for each in found if not isinstance(each, Refused)] == [
        ("x.y/1a", record),
        ("x.y/1b", other),
    ]


@pytest.mark.parametrize(
    "node",
    [
        {"e": [5]},
        {"e": [{"k": "text", "p": 0, "v": 0}]},
        {"e": [{"k": b"x.y/1", "p": 0, "v": 5}]},
        {"e": [{"k": b"x" * 200, "p": 200 * number, "v": 5} for number in range(6)]},
    ],
    ids=["no entry", "no key", "no link", "long name"],
)
def test_a_crafted_tree_does_no_harm(node: dict[str, Any]) -> None:
    content = repository(node, {"did": "did:x", "data": name_of(node)})
    (refused,) = Repository(content, "x.car").entries({"x.y"})
    assert isinstance(refused, Refused)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x81" * 10_000,
        b"\x9b" + b"\xff" * 8,
        b"\x5b" + b"\xff" * 8,
        b"\xc1\x00",
        b"\x1c",
        b"\xf8\x00",
        b"\x61\xff",
    ],
    ids=["empty", "deep", "long list", "long bytes", "tag", "number", "constant", "text"],
)
def test_what_is_no_dag_cbor_is_called_damaged(block: bytes) -> None:
    with pytest.raises(Damaged):
        decoded(block)


def test_numbers_and_constants_are_decoded() -> None:
    block = bytes.fromhex("8a 00 17 1818 190100 1a00010000 20 f4 f5 f6 fb3ff8000000000000")
    assert decoded(block) == [0, 23, 24, 256, 65_536, -1, False, True, None, 1.5]


# Answers of the API


def test_a_thread_is_told_with_everybody_in_it() -> None:
    ahead = post(GRACE, "3lzz22222222e")
    assert {name: (m.member_id, m.parent_id) for name, m in messages(THREAD).items()} == {
        MOORING: (HARBOUR, None),
        QUESTION: (GRACE, MOORING),
        ANSWER: (HARBOUR, QUESTION),
        ahead: (GRACE, MOORING),
    }
    assert messages(THREAD)[ahead].sent_at == at(15)  # not the year 2031 that its writer's clock said


def test_who_began_most_conversations_is_the_source_and_its_staff() -> None:
    for path in (THREAD, FEED):
        assert records(path)[0] == Source("bluesky", HARBOUR, "Harbour")
        assert {record for record in records(path) if isinstance(record, Member)} == {
            Member(HARBOUR, "Harbour", "harbour.example", is_staff=True),
            Member(GRACE, "Grace", "grace.example"),
        }


def test_what_was_only_passed_on_is_nobodys_ask() -> None:
    """Neither the reposted post nor the one it answers are told, but that it was reposted is."""
    assert set(messages(FEED)) == {REPOST, MOORING, QUESTION, ANSWER}


def test_a_repost_without_an_address_is_named_after_what_it_passed_on(tmp_path: Path) -> None:
    feed = json.loads(FEED.read_text())
    del feed["feed"][0]["reason"]["uri"]
    (tmp_path / "feed.json").write_text(json.dumps(feed))
    assert f"{post(GRACE, '3lzz22222222d')}/reposted/{HARBOUR}" in messages(tmp_path / "feed.json")


def test_only_a_post_has_a_page_of_its_own() -> None:
    assert bluesky._permalink(MOORING) == f"https://bsky.app/profile/{HARBOUR}/post/3lab22222222a"
    assert bluesky._permalink(f"at://{HARBOUR}/app.bsky.feed.generator/boats") is None


def test_likes_are_counted() -> None:
    assert [record for record in records(THREAD) if isinstance(record, Reaction)] == [
        Reaction(MOORING, "like", count=5),
        Reaction(ANSWER, "like", count=1),
    ]


def test_a_post_is_the_same_in_the_repository_and_in_answers() -> None:
    own, told = messages(CAR), messages(THREAD)
    assert own[MOORING].conversation_id == told[MOORING].conversation_id
    assert own[ANSWER] == told[ANSWER]


def test_a_repository_beside_answers_says_whose_they_are(tmp_path: Path) -> None:
    shutil.copy(CAR, tmp_path)
    shutil.copy(THREAD, tmp_path)
    found = records(tmp_path)
    assert found[0] == Source("bluesky", HARBOUR, "Harbour")
    assert {record.id for record in found if isinstance(record, Message)} == set(messages(CAR)) | set(messages(THREAD))


def test_a_bad_post_of_an_answer_is_refused_alone() -> None:
    (broken,) = refused(FEED)
    assert (broken.place, "createdAt" in broken.reason) == ("line 1", True)


def test_a_repository_that_names_nobody_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "x.car").write_bytes(repository({"did": 5}))
    with pytest.raises(ExportError, match="does not name its account"):
        records(tmp_path / "x.car")


def test_several_repositories_are_asked_for_one_by_one(tmp_path: Path) -> None:
    shutil.copy(CAR, tmp_path)
    (tmp_path / "x.car").write_bytes(repository({"did": "did:x"}))
    with pytest.raises(ExportError, match="one by one"):
        records(tmp_path)
