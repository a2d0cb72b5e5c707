"""GitHub, Stack Exchange and YouTube: what each of them does in a way of its own, and that an export tells the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from data.settings import SettingsError
from data.store import Store
from ingest.apis import github, stackexchange
from ingest.load import Job as Paths
from ingest.load import Loaded, load
from ingest.progress import Progress
from ingest.wanted import chosen
from tests.fakes.github import NAME, GitHub, stamp
from tests.fakes.server import Reply, Request
from tests.fakes.stackexchange import SITE, StackExchange
from tests.fakes.youtube import CHANNEL, VIDEOS, YouTube
from tests.test_pull import QUICK, compare, held, run
from tests.test_pull import place as place_of

Patch = pytest.MonkeyPatch


def loaded(path: Path, folder: Path) -> Loaded:
    (told,) = load(Paths([path]), Store(folder), QUICK, Progress(quiet=True)).loads
    return told


def sources(folder: Path) -> list[tuple[str, str, int]]:
    return Store(folder).read("sources").select("source", "source_name", "messages").rows()


def said(folder: Path) -> list[tuple[Any, ...]]:
    """What is held, without the moment's fraction, which not every export tells."""
    asked = "select message_id, member_id, channel_id, text, conversation_id, parent_id, permalink from messages"
    return sorted(Store(folder).query(asked).rows(), key=repr)


@contextmanager
def place(service: str, monkeypatch: Patch, **made: Any) -> Iterator[Any]:
    """A fake of a kind that the test knows."""
    with place_of(service, monkeypatch, **made) as fake:
        yield fake


@contextmanager
def pulled(service: str, folder: Path, monkeypatch: Patch, **made: Any) -> Iterator[Any]:
    with place(service, monkeypatch, **made) as fake:
        assert run(fake, folder).failed == []
        compare(fake, folder)
        yield fake


# The same in an export


def saved_by_gh(fake: GitHub, folder: Path) -> Path:
    """Lists as `gh api` saves them; discussions as one GraphQL answer."""
    folder.mkdir()
    kinds = {"issues": {"issue", "pull"}, "comments": {"comment"}, "lines": {"line"}}
    for name, kind in kinds.items():
        rows = [fake._told(each) for each in fake.left() if each.kind in kind]
        (folder / f"{name}.json").write_text(json.dumps(rows))
    fake.shown = 1000
    found = [fake._discussion(each, None) for each in fake.left() if each.kind == "discussion"]
    answer = {"data": {"repository": {"discussions": {"nodes": found}}}}
    (folder / "discussions.json").write_text(json.dumps(answer))
    return folder


def dumped(fake: StackExchange, folder: Path) -> Path:
    """The site as its data dump has it."""
    site = folder / SITE
    site.mkdir(parents=True)
    posts, comments = list[str](), list[str]()
    for each in fake.left():
        row = {"Id": each.number, "CreationDate": datetime.fromtimestamp(each.at, UTC).isoformat()[:19] + ".500"}
        if each.kind == "comment":
            assert each.parent
            told = {"PostId": each.parent.number, "Text": each.said, "UserId": 70 + each.who}
            comments.append(element({**row, **told}))
        else:
            body = "<p>" + each.said.replace("&", "&amp;") + "</p>"
            told = {"PostTypeId": 2 if each.parent else 1, "Body": body, "OwnerUserId": 70 + each.who}
            title = {"ParentId": each.parent.number} if each.parent else {"Title": f"Title {each.number}"}
            posts.append(element({**row, **told, **title}))
    (site / "Posts.xml").write_text(f"<posts>{''.join(posts)}</posts>")
    (site / "Comments.xml").write_text(f"<comments>{''.join(comments)}</comments>")
    return site


def element(row: dict[str, Any]) -> str:
    return "<row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in row.items()) + "/>"


def saved_by_youtube(fake: YouTube, folder: Path) -> Path:
    """One answer with all threads, and the replies within."""
    folder.mkdir()
    fake.shown = 1000
    items = [fake._thread(each) for each in fake.left() if not each.thread]
    answer = {"kind": "youtube#commentThreadListResponse", "items": items}
    (folder / "threads.json").write_text(json.dumps(answer))
    return folder


@pytest.mark.parametrize(
    ("service", "export"), [("github", saved_by_gh), ("stackexchange", dumped), ("youtube", saved_by_youtube)]
)
def test_a_conversation_that_was_pulled_and_is_loaded_from_an_export_is_one(
    service: str, export: Any, tmp_path: Path, monkeypatch: Patch
) -> None:
    with pulled(service, tmp_path / "data", monkeypatch, size=80) as fake:
        before, (known,) = said(tmp_path / "data"), sources(tmp_path / "data")
        told = loaded(export(fake, tmp_path / "export"), tmp_path / "data")
        assert told.refused == 0
        assert told.messages == len(before)
        assert said(tmp_path / "data") == before
        assert [each[0] for each in sources(tmp_path / "data")] == [known[0]], "it is the same source"


# GitHub


def test_a_private_repository_is_left_out_unless_a_reason_is_given(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("github", monkeypatch, size=20, private=True) as fake:
        (failed,) = run(fake, tmp_path).failed
        assert "is private, so it is left out" in failed.reason
        assert set(fake.asked) == {f"/repos/{NAME}"}, "nothing of it was asked for"
        assert run(fake, tmp_path, private="our own tracker").failed == []
        compare(fake, tmp_path)


def test_without_a_token_discussions_are_left_out_and_that_is_said(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("github", monkeypatch, size=60) as fake:
        monkeypatch.delenv("GITHUB_TOKEN")
        summary = run(fake, tmp_path, look=True)
        assert (summary.failed, summary.pulls[0].gaps) == ([], [github.UNSIGNED])
        assert held(tmp_path).keys() == {each.id for each in fake.left() if (each.root or each).kind != "discussion"}


def test_what_changes_within_one_second_is_told_however_much_it_is(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("github", monkeypatch, size=700) as fake:
        for each in fake.things:
            each.updated = fake.now
        assert run(fake, tmp_path).failed == []
        compare(fake, tmp_path)


def test_an_edit_is_told_again_and_what_it_said_before_is_gone(tmp_path: Path, monkeypatch: Patch) -> None:
    with pulled("github", tmp_path, monkeypatch, size=120) as fake:
        for kind in ("issue", "comment", "line", "said"):
            thing = next(each for each in fake.things if each.kind == kind)
            fake.now += timedelta(days=2)
            thing.said, thing.edited = f"Better words of {kind}", fake.now
            thing.updated = (thing.root or thing).updated = fake.now
        assert run(fake, tmp_path).failed == []
        assert held(tmp_path) == fake.truth()


def test_a_conversation_that_began_before_our_time_comes_whole(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("github", monkeypatch, size=400) as fake:
        since = fake.things[300].at.date() + timedelta(days=1)
        assert run(fake, tmp_path, since=since).failed == []
        found, roots = held(tmp_path), {each.id: each for each in fake.things if not each.root}
        here = {name for name in roots if name in found}
        assert any(roots[name].at.date() < since for name in here)
        missing = [each.id for each in fake.left() if (each.root or each).id in here and each.id not in found]
        assert missing == []
        covered = Store(tmp_path).read("coverage").filter(is_covered=True)
        assert covered["day"].min() == since, "older messages came along, but only this range is known"


def test_a_comment_that_left_a_gap_is_a_tombstone(tmp_path: Path, monkeypatch: Patch) -> None:
    """A discussion's comment that was deleted after it had been answered stays, without its words."""
    with place("github", monkeypatch, size=120) as fake:
        graphed = fake._graphed
        gone = next(each.parent for each in fake.things if each.kind == "said" and each.parent)
        empty = {"deletedAt": stamp(fake.now), "body": "", "author": None}
        monkeypatch.setattr(fake, "_graphed", lambda each: {**graphed(each), **(empty if each is gone else {})})
        assert run(fake, tmp_path).failed == []
        assert fake.truth().keys() - held(tmp_path).keys() == {gone.id}


# Stack Exchange


def test_a_pause_that_is_asked_for_in_the_answer_is_kept(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("stackexchange", monkeypatch, size=20) as fake:
        monkeypatch.setattr(fake.chance, "random", lambda: 0.0)  # every answer asks for ten seconds
        began = fake.now
        assert run(fake, tmp_path, deletions=False).failed == []
        assert fake.now - began >= timedelta(seconds=10 * (sum(fake.asked.values()) - 1))


def test_the_requests_of_a_day_are_not_exceeded_and_the_next_day_goes_on(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("stackexchange", monkeypatch, size=300) as fake:
        fake.quota = 5
        (failed,) = run(fake, tmp_path).failed
        assert "the requests of today are used up" in failed.reason
        assert fake.quota == 0
        fake.quota = 10_000
        assert run(fake, tmp_path).failed == []
        compare(fake, tmp_path)


def test_each_tag_is_asked_for_by_itself() -> None:
    row = {"service": "stackexchange", "site": SITE, "tagged": "knots, Ropes;knots"}
    options = chosen(row, 1)[1]
    assert isinstance(options, stackexchange.Options)
    assert options.tags == ("knots", "ropes")


def test_a_site_that_is_not_there_is_told_in_its_own_words(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("stackexchange", monkeypatch, size=3) as fake:
        (failed,) = run(fake, tmp_path, site="nowhere.example.com").failed
        assert "No site found for name" in failed.reason


# YouTube


def test_a_video_under_which_nobody_may_comment_stops_no_other(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("youtube", monkeypatch, size=90) as fake:
        fake.closed = {VIDEOS[1]}
        assert run(fake, tmp_path, videos=",".join(VIDEOS)).failed == []
        assert held(tmp_path).keys() == {each.id for each in fake.left() if each.video != VIDEOS[1]}
        assert sources(tmp_path)[0][:2] == (CHANNEL, "Lumo")
        names = Store(tmp_path).query("select name from channels order by name")["name"].to_list()
        assert names == ["How to AAAAAAA1", "How to CCCCCCC3"], "videos are known by their titles"


def test_the_units_of_a_day_are_told_and_the_next_day_goes_on(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("youtube", monkeypatch, size=200) as fake:
        fake.units = 4
        (failed,) = run(fake, tmp_path).failed
        assert "the units of today are used up" in failed.reason
        fake.units = 10_000
        assert run(fake, tmp_path).failed == []
        compare(fake, tmp_path)


def test_a_key_that_is_not_valid_is_named_and_not_shown(tmp_path: Path, monkeypatch: Patch) -> None:
    for service, name in (("youtube", "YOUTUBE_API_KEY"), ("github", "GITHUB_TOKEN")):
        with place(service, monkeypatch, size=3) as fake:
            monkeypatch.setenv(name, "AIzaAnotherKeyThatIsWrong12345")
            (failed,) = run(fake, tmp_path).failed
            assert name in failed.reason
            assert "AnotherKey" not in failed.reason


def test_the_key_stands_in_no_address(tmp_path: Path, monkeypatch: Patch) -> None:
    with place("youtube", monkeypatch, size=30) as fake:
        seen = list[Request]()

        def noted(request: Request) -> Reply:
            seen.append(request)
            return YouTube.answer(fake, request)

        monkeypatch.setattr(fake, "answer", noted)
        assert run(fake, tmp_path).failed == []
        assert seen
        assert not any(secret in str(each.query) for each in seen for secret in fake.SECRETS.values())


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"service": "github", "repository": "lumo"}, "owner/name"),
    ({"service": "stackexchange", "site": "stackoverflow"}, "stackoverflow.com"),
    ({"service": "youtube", "channel": "@lumo"}, "begins with UC"),
]


@pytest.mark.parametrize(("row", "told"), WRONG)
def test_an_option_that_is_wrong_says_what_it_must_be(row: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        chosen({**row, "since": date(2026, 1, 1)}, 1)


def test_what_is_said_while_the_fakes_are_idle_is_found_by_the_next_pull(tmp_path: Path, monkeypatch: Patch) -> None:
    """A reply to what is a week old, which no list brings forward."""
    for service in ("stackexchange", "youtube"):
        with pulled(service, tmp_path / service, monkeypatch, size=60) as fake:
            fake.now += timedelta(days=7)
            for _ in range(30):
                fake.say()
            assert run(fake, tmp_path / service).failed == []
            compare(fake, tmp_path / service)
