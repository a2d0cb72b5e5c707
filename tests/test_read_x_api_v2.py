"""X's API: posts in pages, with whatever fields somebody asked for."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import x_api_v2

FIXTURES = Path(__file__).parent / "fixtures" / "x_api_v2"
MENTIONS, SEARCH = FIXTURES / "lighthouse-mentions", FIXTURES / "foghorn-search.ndjson"
ASK, ANSWER, RETWEET = "2050123055014871041", "2050138154509271041", "2050153254003671041"
FIRST, EDITED = "2050485442880471041", "2050490476045271041"
ROOT, REPLY, PROTECTED = "2050800000000000001", "2050847830746071041", "2050847830746071042"


def records(path: Path, *, private: bool = False) -> list[Record]:
    with Export(path, include_private=private) as export:
        return list(x_api_v2.read(export))


def messages(path: Path = MENTIONS, *, private: bool = False) -> dict[str, Message]:
    return {record.id: record for record in records(path, private=private) if isinstance(record, Message)}


def left_out(path: Path) -> Counter[str]:
    with Export(path) as export:
        assert list(x_api_v2.read(export))
        return export.left_out


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 5, day, hour, minute, tzinfo=UTC)


def test_every_post_is_one_message_with_all_that_is_told_of_it() -> None:
    assert records(MENTIONS)[:2] == [
        Source("x", "lighthouse-mentions", "lighthouse-mentions"),
        Channel("posts", "posts", "forum"),
    ]
    assert messages() == {
        each.id: each
        for each in (
            Message(
                ASK, "posts", "501", at(1, 10), "@lighthouse is the lamp lit & turning tonight?", conversation_id=ASK,
                mentions=("42",), permalink=f"https://x.com/ada_afloat/status/{ASK}",
            ),
            Message(
                ANSWER, "posts", "42", at(1, 11), "It is, from dusk.", conversation_id=ASK, parent_id=ASK,
                basis="explicit", permalink=f"https://x.com/lighthouse/status/{ANSWER}",
            ),
            Message(
                RETWEET, "posts", "502", at(1, 12), "RT @lighthouse: The quay is closed on…", kind="system",
                conversation_id=RETWEET, permalink=f"https://x.com/ben/status/{RETWEET}",
            ),
            Message(
                FIRST, "posts", "501", at(2, 8), "@lighthouse How wide is the beam, in the end? It looked narrow "
                "from the mole, and wide from the reef.", conversation_id=FIRST, edited_at=at(2, 10, 20),
                attachments=2, permalink=f"https://x.com/ada_afloat/status/{EDITED}",
            ),
            Message(
                REPLY, "posts", "504", at(3, 10), "Is that so?", conversation_id=ROOT, parent_id=ROOT,
                basis="explicit", permalink=f"https://x.com/i/status/{REPLY}",
            ),
            Message(
                ROOT, "posts", "42", at(3, 6, 50), "The beam is 3 degrees wide.", conversation_id=ROOT,
                permalink=f"https://x.com/lighthouse/status/{ROOT}",
            ),
        )
    }  # fmt: skip


def test_writers_are_named_where_the_answer_names_them() -> None:
    """But not those who write for their followers alone."""
    found = [record for record in records(MENTIONS) if isinstance(record, Member)]
    assert found == [
        Member("501", "Ada 🌊", "ada_afloat"),
        Member("42", "The Lighthouse", "lighthouse"),
        Member("502", "Ben", "ben"),
        Member("504", "504"),
    ]


def test_likes_are_counted_but_not_those_of_what_a_retweet_repeats() -> None:
    assert [record for record in records(MENTIONS) if isinstance(record, Reaction)] == [Reaction(ASK, "like", count=2)]


def test_what_is_quoted_withheld_or_for_followers_is_left_out_and_counted() -> None:
    counts = {"posts that X withheld": 1, "posts only quoted or shared": 2, "private messages": 1}
    assert left_out(MENTIONS) == counts
    assert messages(private=True).keys() - messages().keys() == {PROTECTED}


def test_a_post_that_cannot_be_read_is_refused_alone() -> None:
    (refused,) = [record for record in records(MENTIONS) if isinstance(record, Refused)]
    assert (refused.file, refused.place) == ("page-2.json", "line 1, post 3")
    assert json.loads(refused.raw)["id"] == "2050847830746071043"


def test_posts_of_which_only_the_text_was_asked_for_have_the_time_of_their_ids() -> None:
    """Without a time only what is older than the ids that hold one, and that is said."""
    found = messages(SEARCH)
    assert [(each.member_id, each.sent_at, each.kind) for each in found.values()] == [
        (None, at(1, 8), "message"),  # (id >> 22) ms after X's first moment
        (None, at(1, 8), "system"),
        (None, at(1, 8), "message"),
    ]
    (refused,) = [record for record in records(SEARCH) if isinstance(record, Refused)]
    assert refused.reason == "post 20: it has no created_at"


def test_a_post_of_a_thread_whose_parent_is_not_told_belongs_to_it_all_the_same(tmp_path: Path) -> None:
    post = {"id": ANSWER, "text": "So?", "author_id": "5", "conversation_id": ASK}
    (tmp_path / "a.json").write_text(json.dumps([post, {**post, "id": ASK}]))
    found = messages(tmp_path / "a.json")
    assert [(each.parent_id, each.basis) for each in found.values()] == [(None, "thread"), (None, None)]


def test_one_post_alone_is_no_list(tmp_path: Path) -> None:
    for indent in (None, 1):
        path = tmp_path / f"{indent}.json"
        path.write_text(json.dumps({"data": {"id": ASK, "text": "So?", "author_id": "5"}}, indent=indent))
        assert list(messages(path)) == [ASK]


def test_what_is_not_of_x_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"data": [{"id": "5", "text": "So?"}]}')
    (tmp_path / "b.csv").write_text("id,text\n5,So?\n")
    with Export(tmp_path) as export:
        assert x_api_v2.detects(export) == 0
    (tmp_path / "a.json").unlink()
    with pytest.raises(ExportError, match="holds no saved answers"):
        records(tmp_path)


def test_real_answers_are_read_whole(samples: Path) -> None:
    """Of those recorded with all fields, and of those without: counted here by their ids."""
    for folder, least in (("tweepy_unpacked", 100), ("sns-sdks+python-twitter/tweet", 25)):
        names = sorted((samples / "x_api_v2" / folder).glob("*.json"))
        seen = 0
        for path in names:
            with Export(path) as export:
                if not x_api_v2.detects(export):
                    continue
            data = json.loads(path.read_text()).get("data", [])
            rows = data if isinstance(data, list) else [data]
            wanted = {(row.get("edit_history_tweet_ids") or [row["id"]])[0] for row in rows}
            found = records(path)
            assert not [record for record in found if isinstance(record, Refused)]
            assert wanted <= {record.id for record in found if isinstance(record, Message)}
            seen += len(wanted)
        assert seen >= least
