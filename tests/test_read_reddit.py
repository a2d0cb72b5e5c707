"""Reddit: answers of the API, dumps of many years, what scripts made, and an account's own data."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import reddit, reddit_account

FIXTURES = Path(__file__).parent / "fixtures"
ANSWERS = FIXTURES / "reddit" / "harbour-answers.json"
DUMP = FIXTURES / "reddit" / "harbour-dump"
SITE = FIXTURES / "reddit" / "RC_2012-01.ndjson"
SCRIPT = FIXTURES / "reddit" / "script.json"
ACCOUNT = FIXTURES / "reddit_account" / "export_ada_l"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list((reddit_account if path == ACCOUNT else reddit).read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def members(path: Path) -> list[Member]:
    return [record for record in records(path) if isinstance(record, Member)]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def comment(**fields: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "link_id": "t3_p1",
        "parent_id": "t3_p1",
        "subreddit": "harbour",
        "author": "ada_l",
        "body": "Ahoy",
        "created_utc": 1767348000,
        **fields,
    }


def read_lines(folder: Path, *rows: dict[str, Any]) -> list[Record]:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return records(path)


def only(found: list[Record]) -> Message:
    (message,) = (record for record in found if isinstance(record, Message))
    return message


# Answers of the API


def test_every_comment_of_a_tree_is_one_message_and_what_more_stands_for_is_none() -> None:
    found = records(ANSWERS)
    assert [record.id for record in found if isinstance(record, Message)] == [
        *("t3_boat01", "t1_c1", "t1_c2", "t1_c3", "t1_c4", "t1_c5", "t1_c6", "t1_c7"),
        *("t1_c8", "t1_c2"),  # from a later answer, which holds one of them again
    ]
    assert not [record for record in found if isinstance(record, Refused)]


def test_a_subreddit_is_the_source_and_its_one_channel_is_a_forum() -> None:
    assert records(ANSWERS)[0] == Source("reddit", "harbour", "r/Harbour")
    assert [record for record in records(ANSWERS) if isinstance(record, Channel)] == [
        Channel("harbour", "r/Harbour", "forum")
    ]


def test_a_submission_opens_a_conversation() -> None:
    assert messages(ANSWERS)["t3_boat01"] == Message(
        "t3_boat01",
        "harbour",
        "ada_l",
        at(2, 10),  # created is eight hours off: only created_utc tells the time
        "The engine & the pump are silent.\n\n> it clicks",
        title="Engine won't start?",
        conversation_id="t3_boat01",
        edited_at=at(2, 10, 10),
        permalink="https://www.reddit.com/r/Harbour/comments/boat01/engine/",
    )


def test_a_comment_names_what_it_answers_also_where_that_is_missing() -> None:
    said = messages(ANSWERS)
    links = {name: (message.parent_id, message.conversation_id, message.basis) for name, message in said.items()}
    assert links["t1_c1"] == ("t3_boat01", "t3_boat01", "explicit")
    assert links["t1_c3"] == ("t1_c1", "t3_boat01", "explicit")
    assert links["t1_c8"] == ("t1_c404", "t3_boat01", "explicit")
    assert said["t1_c1"].mentions == ("bosun-jo",)
    assert said["t1_c1"].permalink == "https://www.reddit.com/comments/boat01/_/c1"


def test_deleted_and_removed_words_are_gone_and_deleted_accounts_are_nobody() -> None:
    said = messages(ANSWERS)
    gone = {name for name, message in said.items() if message.deleted_at}
    assert gone == {"t1_c5", "t1_c7"}
    assert [said[name].text for name in sorted(gone)] == ["", ""]
    assert [name for name, message in said.items() if message.member_id is None] == ["t1_c5", "t1_c6"]
    assert said["t1_c6"].text == "I sold that engine once."


def test_who_speaks_as_a_moderator_is_staff_and_automoderator_is_a_bot() -> None:
    found = {member.id: (member.is_staff, member.is_bot) for member in members(ANSWERS)}
    assert found["bosun-jo"] == (True, False)
    assert found["AutoModerator"] == (True, True)
    assert found["ada_l"] == (False, False)


# Dumps


def test_a_compressed_dump_with_a_long_window_and_a_plain_one_are_read_together() -> None:
    assert list(messages(DUMP)) == [f"t1_k{n}" for n in range(1, 6)] + [f"t3_s{n}" for n in range(1, 5)]
    assert records(DUMP)[0] == Source("reddit", "harbour", "r/harbour")  # the crosspost's origin is no subreddit of it


def test_a_broken_line_is_refused_with_its_number_and_the_rest_is_kept() -> None:
    refused = [record for record in records(DUMP) if isinstance(record, Refused)]
    assert [(each.file, each.place) for each in refused] == [
        ("harbour_comments", "line 7"),
        ("harbour_comments", "line 8"),
    ]
    assert "created_utc" in refused[0].reason
    assert refused[1].raw == b'{"author":"cut","bo'


def test_half_a_surrogate_pair_costs_one_sign_not_the_line() -> None:
    assert messages(DUMP)["t1_k2"].text == "Thanks \ufffd\u2693, u/bosun-jo"


def test_what_its_author_deleted_after_the_dump_was_made_is_not_kept() -> None:
    regretted = messages(DUMP)["t1_k3"]
    assert (regretted.text, regretted.deleted_at) == ("", regretted.sent_at)
    removed = messages(DUMP)["t3_s3"]
    assert (removed.text, removed.title, removed.deleted_at) == ("", None, removed.sent_at)


def test_what_a_moderator_may_still_see_but_removed_is_not_kept(tmp_path: Path) -> None:
    removed = {"id": "p1", "title": "Cheap boats", "selftext": "Buy!", "removed_by_category": "moderator"}
    message = only(read_lines(tmp_path, {**comment(link_id=None, parent_id=None, body=None), **removed}))
    assert (message.text, message.title, message.deleted_at) == ("", None, message.sent_at)


def test_escapes_are_undone_once(tmp_path: Path) -> None:
    message = only(read_lines(tmp_path, comment(body="&lt;b&gt; &amp;amp; ?a=1&amp;copy=2\r\n")))
    assert message.text == "<b> &amp; ?a=1&copy=2\n"


def test_a_moderator_without_a_badge_today_stays_staff() -> None:
    told = [member for member in members(DUMP) if member.id == "bosun-jo"]
    assert told == [Member("bosun-jo", "bosun-jo", is_staff=True, updated_at=messages(DUMP)["t1_k1"].sent_at)]
    assert [member.id for member in members(DUMP) if member.is_bot] == ["TideBot"]


def test_a_badge_that_comes_later_is_told_and_its_absence_has_no_date(tmp_path: Path) -> None:
    plain, badge = comment(), comment(id="c2", distinguished="admin", created_utc=1767348060)
    found = read_lines(tmp_path, plain, badge, comment(id="c3"))
    assert [record for record in found if isinstance(record, Member)] == [
        Member("ada_l", "ada_l"),
        Member("ada_l", "ada_l", is_staff=True, updated_at=at(2, 10, 1)),
    ]


def test_a_link_post_says_its_address_and_counts_its_pictures() -> None:
    said = messages(DUMP)
    assert (said["t3_s2"].title, said["t3_s2"].text) == ("Sunset", "https://i.redd.it/sunset.jpeg")
    assert [said[f"t3_s{n}"].attachments for n in (1, 2, 4)] == [0, 1, 2]


def test_a_dump_of_the_whole_site_is_one_source_with_a_channel_for_each_subreddit() -> None:
    found = records(SITE)
    assert found[0] == Source("reddit", "reddit", "Reddit")
    assert [record.id for record in found if isinstance(record, Channel)] == ["harbour", "boats"]


def test_times_written_as_text_and_edits_without_a_time_are_understood() -> None:
    said = messages(SITE)
    assert said["t1_m1"].sent_at == datetime(2012, 1, 1, tzinfo=UTC)
    assert [said[f"t1_m{n}"].edited_at for n in (1, 2, 3)] == [None, datetime(2012, 1, 1, 0, 2, tzinfo=UTC), None]


@pytest.mark.parametrize("written", [1767348000, 1767348000.5, "1767348001", "2026-01-02T10:00:00Z"])
def test_a_time_may_be_a_number_or_text(tmp_path: Path, written: object) -> None:
    sent_at = only(read_lines(tmp_path, comment(created_utc=written))).sent_at
    assert sent_at.replace(second=0, microsecond=0) == at(2, 10)


@pytest.mark.parametrize("written", [True, None, "soon", 1e300, [], 10**30])
def test_no_time_is_refused(tmp_path: Path, written: object) -> None:
    (source, refused) = read_lines(tmp_path, comment(created_utc=written))
    assert isinstance(source, Source)
    assert isinstance(refused, Refused)


def test_one_account_is_one_member_in_every_form() -> None:
    for path in (ANSWERS, DUMP, SITE, SCRIPT, ACCOUNT):
        assert "ada_l" in {member.id for member in members(path)}


def test_a_private_subreddit_is_left_out_and_counted_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(comment(subreddit_type="private")) + "\n")
    with Export(path) as export:
        assert len(list(reddit.read(export))) == 1
        assert export.left_out == {"private messages": 1}
    with Export(path, include_private=True) as export:
        found = list(reddit.read(export))
        assert Channel("harbour", "r/harbour", "forum", is_private=True) in found
        assert only(found).text == "Ahoy"


# What scripts make


def test_comments_that_only_lie_below_what_they_answer_get_their_parents() -> None:
    links = {name: (m.channel_id, m.parent_id, m.conversation_id) for name, m in messages(SCRIPT).items()}
    assert links == {
        "t3_q1": ("harbour", None, "t3_q1"),
        "t1_r1": ("harbour", "t3_q1", "t3_q1"),
        "t1_r2": ("harbour", "t1_r1", "t3_q1"),
        "t1_r3": ("harbour", "t3_q1", "t3_q1"),
    }


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda row: [row],
        lambda row: {"data": [row]},
        lambda row: {"kind": "t1", "data": row},
        lambda row: {"kind": "Listing", "data": {"children": [{"kind": "t1", "data": row}]}},
        lambda row: [{"submission": {"id": "p1", "title": "x", "created_utc": 1767340000}, "comments": [row]}],
    ],
    ids=["list", "data", "thing", "listing", "script"],
)
@pytest.mark.parametrize("indent", [None, 1], ids=["one line", "many lines"])
def test_a_comment_is_found_however_the_file_wraps_it(tmp_path: Path, wrapped: Any, indent: int | None) -> None:
    path = tmp_path / "wrapped.json"
    path.write_text(json.dumps(wrapped(comment()), indent=indent))
    assert messages(path)["t1_c1"].text == "Ahoy"


def test_one_bad_comment_does_not_cost_its_replies(tmp_path: Path) -> None:
    bad = comment(id=5, replies=[comment(id="c2", parent_id="t1_c1")])
    found = read_lines(tmp_path, bad)
    assert only(found).id == "t1_c2"
    (refused,) = (record for record in found if isinstance(record, Refused))
    assert b"replies" not in refused.raw


def test_other_json_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"name": 1}')
    with pytest.raises(ExportError, match="no submissions or comments"):
        records(tmp_path)


# An account's own data


def test_an_accounts_own_words_are_told_by_subreddit() -> None:
    found = records(ACCOUNT)
    assert found[:2] == [Source("reddit", "u/ada_l", "u/ada_l"), Member("ada_l", "ada_l", is_staff=True)]
    assert {name: (m.channel_id, m.parent_id, m.conversation_id) for name, m in messages(ACCOUNT).items()} == {
        "t1_c2": ("harbour", "t1_c1", "t3_boat01"),
        "t1_c10": ("harbour", "t3_boat01", "t3_boat01"),
        "t1_c11": ("boats", "t1_c12", "t3_zz9"),
        "t3_boat01": ("harbour", None, "t3_boat01"),
    }
    assert messages(ACCOUNT)["t3_boat01"].text == 'The engine & the pump are silent.\n\nIt clicks, "always".'


def test_the_same_comment_is_the_same_message_in_the_api_and_in_the_accounts_data() -> None:
    told, own = messages(ANSWERS)["t1_c2"], messages(ACCOUNT)["t1_c2"]
    for field in ("id", "channel_id", "member_id", "sent_at", "text", "conversation_id", "parent_id"):
        assert getattr(told, field) == getattr(own, field)


def test_no_address_of_the_account_is_kept_not_even_of_a_refused_row() -> None:
    refused = [record for record in records(ACCOUNT) if isinstance(record, Refused)]
    assert [(each.file, each.place) for each in refused] == [("comments_2.csv", f"line {n}") for n in (2, 3, 4)]
    assert b"2026-01-04 09:00:00 UTC" in refused[2].raw
    everything = repr(records(ACCOUNT))
    assert "192.0.2" not in everything
    assert "2001:db8" not in everything


def test_private_messages_are_left_out_and_counted_unless_they_are_asked_for() -> None:
    with Export(ACCOUNT) as export:
        assert not [r for r in reddit_account.read(export) if "secret" in repr(r) or "Ahoy" in repr(r)]
        assert export.left_out == {"private messages": 3}
    with Export(ACCOUNT, include_private=True) as export:
        found = [record for record in reddit_account.read(export) if isinstance(record, Message)]
        assert not export.left_out
    assert [(m.id, m.channel_id, m.member_id, m.text) for m in found[4:]] == [
        ("ch1", "room1", "grace", "Ahoy in private"),
        ("t4_mm1", "messages", "grace", "Do not tell."),
        ("t4_mm2", "messages", "ada_l", "Never."),
    ]


def test_an_accounts_data_without_its_name_is_asked_for_whole(tmp_path: Path) -> None:
    (tmp_path / "comments.csv").write_bytes((ACCOUNT / "comments_1.csv").read_bytes())
    with Export(tmp_path) as export, pytest.raises(ExportError, match=r"lacks statistics\.csv"):
        list(reddit_account.read(export))


# Real ones


def test_a_real_month_of_comments_is_read_whole(samples: Path) -> None:
    path = samples / "reddit_pushshift" / "tanaym42+anlp-project" / "RC_2005-12.zst"
    with zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(path.open("rb")) as stream:
        rows = [json.loads(line) for line in io.TextIOWrapper(stream, "utf-8")]
    said = messages(path)
    assert len(said) == len(rows) == 1_075
    assert sum(message.member_id is None for message in said.values()) == 185
    assert sum(bool(message.deleted_at) for message in said.values()) == 120
    assert {row["id"]: row["parent_id"] for row in rows} == {m.id[3:]: m.parent_id for m in said.values()}


@pytest.mark.parametrize("name", ["replace__all", "replace__on_direct_comment"])
def test_a_real_tree_of_comments_is_read_whole(samples: Path, name: str) -> None:
    path = samples / "reddit_praw" / "unpacked" / f"TestCommentForest.test_{name}.json"
    rows: list[str] = []

    def noted(thing: dict[str, Any]) -> dict[str, Any]:
        if thing.get("kind") in ("t1", "t3"):
            rows.append(thing["data"]["name"])
        return thing

    json.loads(path.read_text(), object_hook=noted)
    found = [record.id for record in records(path) if isinstance(record, Message)]
    assert sorted(found) == sorted(rows)
    assert len(found) == {"replace__all": 554, "replace__on_direct_comment": 150}[name]


def test_a_line_of_every_year_fits(samples: Path, tmp_path: Path) -> None:
    """Lines made from what the archive says of each month's fields: each type a field ever had, one at a time."""
    values = {"string": "1600000000", "int": 1600000000, "float": 1.6e9, "bool": False, "null": None, "array": []}
    schemas = sorted((samples / "reddit_schemas").glob("*/schemas/*/*/R*.json"))
    for schema in schemas:
        fields: dict[str, list[dict[str, str]]] = json.loads(schema.read_text())[0]["schema"]
        plain = {name: values.get(kinds[0]["type"], {}) for name, kinds in fields.items()}
        rows = [plain] + [
            {**plain, name: values.get(kind["type"], {})} for name, kinds in fields.items() for kind in kinds[1:]
        ]
        found = read_lines(tmp_path, *rows)
        assert not [record for record in found if isinstance(record, Refused)], schema.name
        assert sum(isinstance(record, Message) for record in found) == len(rows)
    assert len(schemas) == 41
