"""X: an account's own posts, in every shape its archive has had."""

from __future__ import annotations

import json
import random
import re
import shutil
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Audience, Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import x

FIXTURES = Path(__file__).parent / "fixtures" / "x"
LIGHTHOUSE = FIXTURES / "lighthouse"
OLDEST = FIXTURES / "foghorn-2013"
OLD = FIXTURES / "foghorn-2019"

ROOT, OWN, REPLY = "2050123055014871040", "2050124313306071040", "2050138154509271040"
RETWEET, FIRST, EDITED, LONG = (
    "2050153254003671040",
    "2050485442880471040",
    "2050490476045271040",
    "2050847830746071040",
)


def records(path: Path, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(x.read(export))


def messages(path: Path = LIGHTHOUSE, *, include_private: bool = False) -> dict[str, Message]:
    found = records(path, include_private=include_private)
    return {record.id: record for record in found if isinstance(record, Message)}


def left_out(path: Path) -> Counter[str]:
    with Export(path) as export:
        assert list(x.read(export))
        return export.left_out


def script(path: Path, name: str, rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{name} = {json.dumps(rows)}")
    return path


def archive(folder: Path, posts: list[dict[str, Any]]) -> Path:
    """An archive of these posts and nothing else but whose they are."""
    shutil.copytree(OLD, folder, dirs_exist_ok=True)
    script(folder / "tweet.js", "window.YTD.tweet.part0", posts)
    return folder


def post(**fields: object) -> dict[str, Any]:
    return {"id_str": "5", "created_at": "Sun Feb 03 10:00:00 +0000 2019", "full_text": "Boo", **fields}


def test_every_row_of_the_posts_becomes_one_message() -> None:
    found = records(LIGHTHOUSE)
    assert sum(isinstance(record, Message) for record in found) == 6 + 1 + 1 + 1
    assert not [record for record in found if isinstance(record, Refused)]


def test_the_account_is_the_source_from_its_first_day_to_the_archives() -> None:
    since, until = datetime(2015, 3, 1, 10, tzinfo=UTC), datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert records(LIGHTHOUSE)[0] == Source("x", "42", "@lighthouse", since, until)
    until = datetime(2013, 2, 7, 12, tzinfo=UTC)
    assert records(OLDEST)[0] == Source("x", "7", "@foghorn", datetime(2009, 6, 30, 5, tzinfo=UTC), until)
    assert records(OLD)[0] == Source("x", "7", "@foghorn", datetime(2009, 6, 30, 5, tzinfo=UTC), None)


def test_one_part_of_an_archive_states_no_beginning(tmp_path: Path) -> None:
    shutil.copytree(LIGHTHOUSE, tmp_path / "part")
    manifest = tmp_path / "part" / "data" / "manifest.js"
    manifest.write_text(manifest.read_text().replace('"isPartialArchive": false', '"isPartialArchive": true'))
    (source, *_) = records(tmp_path / "part")
    assert isinstance(source, Source)
    assert (source.covered_since, source.covered_until) == (None, datetime(2026, 6, 1, 12, tzinfo=UTC))


def test_the_account_is_staff_and_its_address_is_left_alone() -> None:
    until = datetime(2026, 6, 1, 12, tzinfo=UTC)
    members = [record for record in records(LIGHTHOUSE) if isinstance(record, Member)]
    assert members == [Member("42", "The Lighthouse 🗼", "lighthouse", is_staff=True, updated_at=until)]
    assert "lighthouse.example" not in str(records(LIGHTHOUSE, include_private=True))


def test_an_archive_without_account_js_goes_by_its_manifest(tmp_path: Path) -> None:
    shutil.copytree(LIGHTHOUSE, tmp_path / "a")
    (tmp_path / "a" / "data" / "account.js").unlink()
    (source, member, *_) = records(tmp_path / "a")
    assert source == Source("x", "42", "@lighthouse", None, datetime(2026, 6, 1, 12, tzinfo=UTC))
    assert isinstance(member, Member)
    assert (member.id, member.name, member.is_staff) == ("42", "The Lighthouse 🗼", True)


def test_posts_of_nobody_are_asked_for_with_the_archive(tmp_path: Path) -> None:
    shutil.copy(LIGHTHOUSE / "data" / "tweets.js", tmp_path)
    with pytest.raises(ExportError, match="Load the whole archive"):
        records(tmp_path / "tweets.js")


def test_a_deleted_post_that_does_not_say_when_is_deleted_all_the_same(tmp_path: Path) -> None:
    path = archive(tmp_path, [post(id_str="1")])
    script(path / "deleted-tweets.js", "window.YTD.deleted_tweets.part0", [post(id_str="2")])
    gone = messages(path)["2"]
    assert (messages(path)["1"].deleted_at, gone.deleted_at) == (None, gone.sent_at)


def test_posts_and_communities_are_forums() -> None:
    places = [record for record in records(LIGHTHOUSE) if isinstance(record, Channel)]
    assert sorted(place.id for place in places) == ["communities", "posts"]
    assert {place.kind for place in places} == {"forum"}
    assert messages()["2052000000000000001"].channel_id == "communities"


def test_a_reply_names_what_it_answers_there_or_not() -> None:
    said = messages()
    assert (said[OWN].parent_id, said[OWN].basis) == (ROOT, "explicit")
    assert (said[REPLY].parent_id, said[REPLY].basis) == ("2050000000000000999", "explicit")
    assert [id_ for id_, message in said.items() if message.parent_id] == [REPLY, OWN]
    assert messages(OLDEST)["299000000000000001"].parent_id == "298999999999999999"


def test_escapes_are_undone_and_mentions_are_accounts_once() -> None:
    reply = messages()[REPLY]
    assert reply.text == "@keeper @gone Thanks & welcome, 1 < 2"
    assert reply.mentions == ("501",)
    assert messages(OLDEST)["299000000000000001"].text == "@keeper Yes & no"


def test_a_retweet_says_nothing_of_its_own() -> None:
    kinds = {id_: message.kind for id_, message in (messages() | messages(OLDEST)).items()}
    assert [id_ for id_, kind in kinds.items() if kind == "system"] == [RETWEET, "299000000000000002"]


def test_the_versions_of_an_edited_post_are_one_message_sent_when_the_first_was() -> None:
    versions = [record for record in records(LIGHTHOUSE) if isinstance(record, Message) and record.id == FIRST]
    first, edited = sorted(versions, key=lambda version: version.edited_at is not None)
    assert EDITED not in messages()
    assert (first.text, first.edited_at) == ("The lamp is lit at nine tonight", None)
    assert (edited.text, edited.edited_at) == (
        "The lamp is lit at eight tonight",
        datetime(2026, 5, 2, 8, 20, tzinfo=UTC),
    )
    assert first.sent_at == edited.sent_at == datetime(2026, 5, 2, 8, tzinfo=UTC)


def test_a_long_post_has_its_whole_text_from_the_note_of_its_day() -> None:
    text = messages()[LONG].text
    assert text.startswith("The lamp was rebuilt")
    assert text.endswith("Q & A below.")
    assert len(text) > 300


def test_a_post_that_only_ends_in_an_ellipsis_stays_as_it_is(tmp_path: Path) -> None:
    text = "The lamp was rebuilt over the winter, and nobody knew…"
    folder = archive(tmp_path / "a", [post(full_text=text)])
    shutil.copy(LIGHTHOUSE / "data" / "note-tweet.js", folder)
    assert messages(folder)["5"].text == text


def test_a_deleted_post_says_when() -> None:
    assert messages()["2051000000000000001"].deleted_at == datetime(2026, 5, 4, 8, 1, tzinfo=UTC)


def test_pictures_are_counted_and_links_lead_to_the_post() -> None:
    root = messages()[ROOT]
    assert (root.attachments, root.permalink) == (2, f"https://x.com/lighthouse/status/{ROOT}")
    assert messages(OLDEST)["2500000001"].attachments == 1


def test_likes_are_counts_without_names_and_never_a_retweets() -> None:
    likes = [record for record in records(LIGHTHOUSE) if isinstance(record, Reaction)]
    assert likes == [Reaction(FIRST, "like", count=3), Reaction(ROOT, "like", count=12)]


def test_followers_are_one_number_at_the_archives_date() -> None:
    audience = [record for record in records(LIGHTHOUSE) if isinstance(record, Audience)]
    assert audience == [Audience("followers", datetime(2026, 6, 1, 12, tzinfo=UTC), 3)]


def test_posts_of_2013_and_2019_are_read() -> None:
    assert messages(OLDEST)["2500000001"].sent_at == datetime(2009, 7, 1, tzinfo=UTC)
    assert messages(OLDEST)["299000000000000001"].sent_at == datetime(2013, 2, 6, 8, tzinfo=UTC)
    only = messages(OLD)["1090000000000000001"]
    assert (only.text, only.sent_at) == ("Two blasts means fog", datetime(2019, 2, 3, 10, tzinfo=UTC))


def test_private_words_are_left_out_and_counted() -> None:
    assert "circle" not in str(records(LIGHTHOUSE))
    assert "tide" not in str(records(LIGHTHOUSE))
    assert left_out(LIGHTHOUSE) == {"private messages": 1 + 2 + 2}


def test_private_words_are_read_on_request() -> None:
    found = records(LIGHTHOUSE, include_private=True)
    said = messages(include_private=True)
    assert len([record for record in found if isinstance(record, Message)]) == 9 + 5
    places = {record.id: record for record in found if isinstance(record, Channel)}
    assert [id_ for id_, place in places.items() if place.is_private] == [
        "direct:2055000000000000000",
        "direct:42-501",
        "circle",
    ]
    asked, answered = said["2054000000000000001"], said["2054000000000000002"]
    assert (asked.member_id, asked.text, asked.conversation_id, asked.basis) == (
        "501",
        "When is the tide?",
        "42-501",
        None,
    )
    assert (answered.member_id, answered.text, answered.basis, answered.attachments) == (
        "42",
        "At noon & at six",
        "thread",
        1,
    )
    joined = said["2055000000000000000:participantsJoin:2026-05-08T08:05:00.000Z"]
    assert (joined.kind, joined.member_id) == ("system", "501")
    assert Reaction("2054000000000000001", "like", "42") in found
    assert Member("501", "501") in found


@pytest.mark.parametrize(("newest", "kept"), [("2026-03-01T00:00:00.000Z", 0), ("2025-12-01T00:00:00.000Z", 1)])
def test_protected_posts_are_for_followers_only(tmp_path: Path, newest: str, kept: int) -> None:
    folder = archive(tmp_path / "a", [post()])
    steps = [
        {"protectedHistory": {"protectedAt": newest, "action": "Protect"}},
        {"protectedHistory": {"protectedAt": "2026-02-01T00:00:00.000Z", "action": "Unprotect"}},
    ]
    script(folder / "protected-history.js", "window.YTD.protected_history.part0", steps)
    assert len(messages(folder)) == kept
    assert left_out(folder)["private messages"] == 1 - kept
    assert len(messages(folder, include_private=True)) == 1


def test_the_oldest_archives_say_it_on_each_post(tmp_path: Path) -> None:
    shutil.copytree(OLDEST, tmp_path / "a")
    for month in (tmp_path / "a").rglob("20*.js"):
        month.write_text(month.read_text().replace('"protected": false', '"protected": true'))
    assert not messages(tmp_path / "a")
    assert left_out(tmp_path / "a") == {"private messages": 3}


def test_a_broken_private_message_is_not_kept_either(tmp_path: Path) -> None:
    shutil.copytree(LIGHTHOUSE, tmp_path / "a")
    for file in (tmp_path / "a" / "data").glob("*direct*.js"):
        file.write_text(file.read_text()[:-30])
    assert "tide" not in str(records(tmp_path / "a"))
    assert any(isinstance(record, Refused) for record in records(tmp_path / "a", include_private=True))


@pytest.mark.parametrize(
    "fields", [{"created_at": "yesterday"}, {"id_str": ""}, {"favorite_count": "many"}, {"deleted_at": "soon"}]
)
def test_a_post_that_does_not_fit_is_refused_alone(tmp_path: Path, fields: dict[str, str]) -> None:
    found = records(archive(tmp_path / "a", [post(**fields), post(id_str="6")]))
    (refused,) = (record for record in found if isinstance(record, Refused))
    assert refused.file == "tweet.js"
    assert b"Boo" in refused.raw
    assert [record.id for record in found if isinstance(record, Message)] == ["6"]


def test_the_place_of_a_broken_post_is_its_byte_in_the_file(tmp_path: Path) -> None:
    folder = archive(tmp_path / "a", [post(), post(id_str=5)])
    (refused,) = (record for record in records(folder) if isinstance(record, Refused))
    at = int(refused.place.removeprefix("byte "))
    assert (folder / "tweet.js").read_bytes()[at:].startswith(refused.raw)


def test_a_file_that_was_cut_off_keeps_what_it_has(tmp_path: Path) -> None:
    folder = archive(tmp_path / "a", [post(id_str=str(n)) for n in range(1, 20)])
    text = (folder / "tweet.js").read_text()
    (folder / "tweet.js").write_text(text[: len(text) // 2])
    found = records(folder)
    assert isinstance(found[-1], Refused)
    assert sum(isinstance(record, Message) for record in found) > 5


def test_a_large_file_is_read_like_a_small_one(tmp_path: Path) -> None:
    folder = archive(tmp_path / "a", [post(id_str=str(n), full_text="fog " * 60) for n in range(1, 6001)])
    assert (folder / "tweet.js").stat().st_size > 1 << 20
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for path in folder.iterdir():
            packed.write(path, path.name)
    for path in (folder, tmp_path / "a.zip"):
        assert [record.id for record in records(path) if isinstance(record, Message)] == [
            str(n) for n in range(1, 6001)
        ]


def test_a_zip_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "twitter-2026-06-01.zip", "w") as packed:
        for path in LIGHTHOUSE.rglob("*.*"):
            packed.writestr(path.relative_to(LIGHTHOUSE).as_posix(), b"\xef\xbb\xbf" + path.read_bytes())
    assert records(tmp_path / "twitter-2026-06-01.zip") == records(LIGHTHOUSE)


@pytest.mark.parametrize("fixture", [LIGHTHOUSE, OLDEST, OLD])
def test_damaged_bytes_never_stop_the_reader(tmp_path: Path, fixture: Path) -> None:
    dice = random.Random(5)
    files = sorted(fixture.rglob("*.js"))
    for _ in range(150):
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        shutil.copytree(fixture, tmp_path / "a")
        victim = tmp_path / "a" / dice.choice(files).relative_to(fixture)
        victim.write_bytes(damaged(victim.read_bytes(), dice))
        try:
            found = records(tmp_path / "a", include_private=True)
        except ExportError:
            continue
        assert isinstance(found[0], Source)


def damaged(content: bytes, dice: random.Random) -> bytes:
    """Cut short, one byte flipped, or one value of another type."""
    at = dice.randrange(len(content))
    values = list(re.finditer(rb': ("[^"]*"|\d+)', content))
    if dice.random() < 0.5 and values:
        value = dice.choice(values)
        other = dice.choice([b"null", b"[]", b"{}", b'"x"', b"-1", b"1e400", b'""', b"true"])
        return content[: value.start(1)] + other + content[value.end(1) :]
    return content[:at] if dice.random() < 0.4 else content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]


def test_a_real_archive_is_read_whole(samples: Path) -> None:
    folder = samples / "x_archive" / "alrocar+tw"
    text = (folder / "data" / "tweets.js").read_text()
    rows = [row["tweet"] for row in json.loads(text[text.index("[") :])]
    found = records(folder)
    said = {record.id: record for record in found if isinstance(record, Message)}
    assert len(said) == len(rows) == 820
    assert not [record for record in found if isinstance(record, Refused)]
    answers = {row["id_str"]: row["in_reply_to_status_id_str"] for row in rows if "in_reply_to_status_id_str" in row}
    assert {id_: message.parent_id for id_, message in said.items() if message.parent_id} == answers
    assert len(answers) == 534
    assert sum(message.kind == "system" for message in said.values()) == text.count('"full_text" : "RT @') == 9
    likes = sum(record.count for record in found if isinstance(record, Reaction))
    assert likes == sum(int(row["favorite_count"]) for row in rows if not row["full_text"].startswith("RT @"))
    first = min(said.values(), key=lambda message: message.sent_at).sent_at
    assert first.strftime("%a %b %d %H:%M:%S +0000 %Y") == min(rows, key=lambda row: int(row["id"]))["created_at"]
