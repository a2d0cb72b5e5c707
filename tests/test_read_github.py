"""GitHub: issues, pull requests and discussions, by REST, GraphQL and gh."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import github

FIXTURES = Path(__file__).parent / "fixtures" / "github"
REST = FIXTURES / "harbour-rest"
DISCUSSIONS = FIXTURES / "harbour-discussions.json"
GH = FIXTURES / "gh-list.json"
LAMP = "https://github.com/lighthouse/Lamp"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(github.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def members(path: Path) -> dict[str, Member]:
    return {record.id: record for record in records(path) if isinstance(record, Member)}


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def issue(**fields: Any) -> dict[str, Any]:
    return {
        "html_url": f"{LAMP}/issues/1",
        "number": 1,
        "title": "Dark",
        "created_at": "2026-03-01T00:00:00Z",
        "user": {"login": "ada-l", "type": "User"},
        "body": "No light.",
        **fields,
    }


def read_list(folder: Path, *items: dict[str, Any]) -> list[Record]:
    path = folder / "issues.json"
    path.write_text(json.dumps(items))
    return records(path)


def test_every_issue_comment_and_review_is_one_message_or_refused() -> None:
    assert list(messages(REST)) == [
        *("issuecomment-5001", "issuecomment-5002", "issuecomment-5003", "issuecomment-5004"),
        *("lighthouse/Lamp#7", "lighthouse/Lamp#8", "discussion_r61", "discussion_r62", "pullrequestreview-71"),
    ]
    (refused,) = (record for record in records(REST) if isinstance(record, Refused))
    assert (refused.file, refused.place) == ("comments.json", "record 5")
    assert "created_at" in refused.reason


def test_a_repository_is_the_source_with_channels_for_issues_and_pull_requests() -> None:
    found = records(REST)
    assert found[0] == Source("github", "lighthouse/lamp", "lighthouse/Lamp")
    assert [record for record in found if isinstance(record, Channel)] == [
        Channel("lighthouse/Lamp/issues", "Lamp issues", "forum"),
        Channel("lighthouse/Lamp/pull", "Lamp pull requests", "forum"),
    ]


def test_an_issue_is_told_without_its_templates_hints() -> None:
    assert messages(REST)["lighthouse/Lamp#7"] == Message(
        "lighthouse/Lamp#7",
        "lighthouse/Lamp/issues",
        "ada-l",
        at(2, 9),
        "It flickers at night.\n\n@grace do you see it? Uses @lamp/core, see @lighthouse/keepers.",
        title="Lamp flickers",
        conversation_id="lighthouse/Lamp#7",
        mentions=("grace",),  # neither the package nor the team
        permalink=f"{LAMP}/issues/7",  # updated_at moved, but that is no edit: a label moves it too
    )


def test_a_hint_that_never_ends_hides_the_rest_and_costs_no_time(tmp_path: Path) -> None:
    found = read_list(tmp_path, issue(body="No light." + "<!-- " * 200_000))
    assert [record.text for record in found if isinstance(record, Message)] == ["No light."]


def test_comments_follow_their_issue_and_review_comments_name_what_they_answer() -> None:
    links = {name: (m.conversation_id, m.parent_id, m.basis) for name, m in messages(REST).items()}
    assert links["issuecomment-5001"] == ("lighthouse/Lamp#7", None, "thread")
    assert links["issuecomment-5004"] == ("lighthouse/Lamp#6", None, "thread")  # whose issue is not here
    assert links["discussion_r61"] == ("lighthouse/Lamp#8", None, "thread")
    assert links["discussion_r62"] == ("lighthouse/Lamp#8", "discussion_r61", "explicit")


def test_a_comment_that_was_changed_is_edited() -> None:
    edited = {name: message.edited_at for name, message in messages(REST).items() if message.edited_at}
    assert edited == {"issuecomment-5002": at(2, 11, 30)}
    assert messages(DISCUSSIONS)["lighthouse/Lamp#9"].edited_at == at(4, 9, 10)


def test_an_approval_without_words_is_a_system_line() -> None:
    assert [name for name, m in messages(REST).items() if m.kind == "system"] == ["pullrequestreview-71"]


def test_owners_members_and_collaborators_are_staff_and_ghosts_are_nobody() -> None:
    found = members(REST)
    assert {name for name, member in found.items() if member.is_staff} == {"grace", "bosun-jo"}
    assert found["grace"] == Member("grace", "grace", "grace", is_staff=True, updated_at=at(2, 10))
    assert found["ada-l"] == Member("ada-l", "ada-l", "ada-l")
    assert "ghost" not in found
    said = messages(REST)
    assert [said[f"issuecomment-{n}"].member_id for n in (5003, 5004)] == [None, None]


def test_a_bot_is_the_same_one_in_every_api() -> None:
    assert members(REST)["dependabot[bot]"].is_bot
    assert members(GH)["dependabot[bot]"].is_bot
    assert members(DISCUSSIONS)["keeper-app[bot]"].is_bot
    assert not members(GH)["ada-l"].is_bot


def test_reactions_are_counted_by_the_same_names_in_every_api() -> None:
    assert [record for record in records(REST) if isinstance(record, Reaction)] == [
        Reaction("lighthouse/Lamp#7", "+1", count=2),
        Reaction("lighthouse/Lamp#7", "eyes", count=1),
    ]
    assert [record for record in records(DISCUSSIONS) if isinstance(record, Reaction)] == [
        Reaction("lighthouse/Lamp#9", "+1", count=3)
    ]


def test_a_discussion_is_a_tree_in_the_channel_of_its_category() -> None:
    said = messages(DISCUSSIONS)
    assert {(m.channel_id, m.conversation_id) for m in said.values()} == {
        ("lighthouse/Lamp/discussions/Q&A", "lighthouse/Lamp#9")
    }
    assert {name: (m.parent_id, m.basis) for name, m in said.items()} == {
        "lighthouse/Lamp#9": (None, None),
        "discussioncomment-91": ("lighthouse/Lamp#9", "explicit"),
        "discussioncomment-92": ("discussioncomment-91", "explicit"),
        "discussioncomment-93": ("lighthouse/Lamp#9", "explicit"),
        "discussioncomment-94": ("lighthouse/Lamp#9", "explicit"),
    }


def test_spam_is_gone_but_outdated_words_were_said() -> None:
    said = messages(DISCUSSIONS)
    assert (said["discussioncomment-93"].text, said["discussioncomment-93"].deleted_at) == ("", at(4, 12))
    assert (said["discussioncomment-94"].text, said["discussioncomment-94"].deleted_at) == ("Old advice.", None)


def test_the_same_issue_is_the_same_message_by_rest_and_by_gh() -> None:
    for name in ("lighthouse/Lamp#7", "issuecomment-5001"):
        rest, gh = messages(REST)[name], messages(GH)[name]
        for field in ("channel_id", "member_id", "sent_at", "conversation_id", "basis", "permalink"):
            assert getattr(rest, field) == getattr(gh, field)
    assert members(GH)["ada-l"].name == "Ada L."


@pytest.mark.parametrize(
    ("other", "source"),
    [("lighthouse/Bell", ("lighthouse", "lighthouse")), ("tower/Bell", ("github", "GitHub"))],
    ids=["one owner", "two owners"],
)
def test_several_repositories_are_one_source_with_channels_for_each(
    tmp_path: Path, other: str, source: tuple[str, str]
) -> None:
    found = read_list(tmp_path, issue(), issue(html_url=f"https://github.com/{other}/issues/1"))
    assert found[0] == Source("github", *source)
    assert len({record.id for record in found if isinstance(record, Message)}) == 2
    assert [r.name for r in found if isinstance(r, Channel)] == ["Lamp issues", "Bell issues"]


def test_a_server_of_a_companys_own_is_github_too(tmp_path: Path) -> None:
    found = read_list(tmp_path, issue(html_url="https://git.example.org/lighthouse/Lamp/issues/1"))
    assert found[0] == Source("github", "lighthouse/lamp", "lighthouse/Lamp")


@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": None},
        {"created_at": "0001-01-01T00:00:00+23:00"},
        {"html_url": None},
        {"html_url": "https://github.com/lighthouse"},
        {"user": "ada"},
        {"title": ["Dark"]},
    ],
    ids=["no time", "before all time", "no address", "another address", "no user", "no title"],
)
def test_an_item_that_does_not_fit_is_refused_alone(tmp_path: Path, fields: dict[str, Any]) -> None:
    found = read_list(tmp_path, issue(html_url=f"{LAMP}/issues/2"), issue(**fields))
    assert [type(record) for record in found] == [Source, Channel, Member, Message, Refused]


def test_other_json_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "releases.json").write_bytes((REST / "releases.json").read_bytes())
    with pytest.raises(ExportError, match="html_url"):
        records(tmp_path)


def test_real_answers_are_read_whole(samples: Path) -> None:
    folder = samples / "github_api" / "dogsheep+github-to-sqlite"
    files = ("issues.json", "issue-comments.json", "pull_requests.json")
    rows = [row for file in files for row in json.loads((folder / file).read_text())]
    found = [record for record in records(folder) if isinstance(record, Message)]
    assert sorted(m.permalink or "" for m in found) == sorted(row["html_url"] for row in rows)
    assert len(found) == 6
    assert not [record for record in records(folder) if isinstance(record, Refused)]


@pytest.mark.parametrize("path", [REST, DISCUSSIONS, GH], ids=lambda path: path.name)
def test_what_lies_flat_says_the_same_whichever_way_it_is_decoded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = records(path)
    monkeypatch.setattr(github, "_flat", {}.get)
    assert records(path) == at_once


def test_an_issue_that_holds_its_comments_tells_them_too(tmp_path: Path) -> None:
    (issue, *_), (comment, *_) = (
        json.loads((REST / name).read_text("utf-8")) for name in ("issues.json", "comments.json")
    )
    path = tmp_path / "issues.json"
    path.write_text(json.dumps([{**issue, "comment_data": [comment]}]), "utf-8")
    assert list(messages(path)) == ["lighthouse/Lamp#7", "issuecomment-5001"]
