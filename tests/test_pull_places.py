"""What each service's own traps do to a pull, what deletions upstream do here, and what the command says."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from data.records import Channel, Member, Messages, Record, Source
from data.spool import FILE, Kept, Looked, Spool, failures, looked_at
from data.store import Busy, Loader, Store
from ingest.apis._service import services
from ingest.load import Job as LoadJob
from ingest.load import load, load_records
from ingest.progress import Progress
from ingest.pull import Job, forecast
from ingest.wanted import seconds
from tests.command import hearth
from tests.conftest import ROOT
from tests.fakes.discourse import Discourse
from tests.fakes.reddit import PEOPLE, Reddit
from tests.fakes.server import Fake, Reply, Request, Script, serving
from tests.test_pull import FAKES, QUICK, child, compare, every_service, held, orphans, pace, place, run

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MANY = os.environ.get("HEARTH_SCRIPTS") is not None


def host(fake: Fake) -> str:
    return fake.address.removeprefix("http://")


def covered(folder: Path) -> list[tuple[datetime, datetime]]:
    return Store(folder).query("select covered_since, covered_until from loads order by load_id").rows()


# Reddit


def test_where_reddits_list_ends_there_is_a_gap_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds 1,000: what was posted before them and after the last pull is missing, and its days are not covered."""
    with place("reddit", monkeypatch, size=5) as fake:
        assert isinstance(fake, Reddit)
        run(fake, tmp_path)
        left_at = fake.now
        for _ in range(1300):
            fake.say(post=True)
            fake.now += timedelta(minutes=20)
        (pulled,) = run(fake, tmp_path).pulls
        (gap,) = (gap for gap in pulled.gaps if gap.startswith("new"))
        reached = fake.things[-1000].at
        assert f"ends at {reached:%Y-%m-%d %H:%M}" in gap
        assert f"{left_at:%Y-%m-%d}" in gap
        ((_, _), (since, _)) = covered(tmp_path)
        assert since == reached
        days = Store(tmp_path).read("coverage")
        missing = days.filter(~pl.col("is_covered"))["day"].to_list()
        assert missing[0] == (left_at + timedelta(days=1)).date()
        assert missing[-1] == (reached - timedelta(days=1)).date()
        assert len(held(tmp_path)) >= 1000


def test_a_list_goes_on_where_its_last_post_was_deleted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reddit answers with nothing to `after=` a deleted post: that is not the end."""

    class Vanishing(Reddit):
        vanished = False

        def answer(self, request: Request) -> Reply:
            after = request.query.get("after", "")
            self.vanished = bool(after) and not self.vanished
            if self.vanished and request.path.endswith("/new"):
                self.by_name[after].gone = "author"
            return super().answer(request)

    for name, secret in Reddit.SECRETS.items():
        monkeypatch.setenv(name, secret)
    fake = Vanishing(size=0)
    for _ in range(250):
        fake.say(post=True)
    with serving(fake):
        run(fake, tmp_path, look=True)
        assert held(tmp_path).keys() == fake.truth().keys()
        assert len(fake.truth()) < 250


def test_an_old_root_completes_a_conversation_without_stretching_what_is_covered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("reddit", monkeypatch, size=0) as fake:
        assert isinstance(fake, Reddit)
        old = fake.say(post=True)
        fake.now += timedelta(days=40)
        for _ in range(130):
            fake.say(post=True)
        since = fake.now
        fake.now += timedelta(days=10)
        reply = fake.say(post=False)
        reply.parent = reply.post = old
        old.replies.append(reply)
        run(fake, tmp_path, since=f"{since:%Y-%m-%d}")
        assert {old.name, reply.name} <= held(tmp_path).keys()
        ((covered_since, _),) = covered(tmp_path)
        assert covered_since > old.at + timedelta(days=39)
        assert orphans(tmp_path) == 0


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"subreddit": "closed"}, "r/closed: it is private, banned or not there (Forbidden)"),
        ({"subreddit": "nowhere"}, "r/nowhere: it is private, banned or not there (NotFound)"),
        ({"subreddit": "two words"}, "subreddit must be one name"),
    ],
)
def test_what_reddit_refuses_is_said_in_words(
    row: dict[str, Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("reddit", monkeypatch, size=3) as fake:
        (failed,) = run(fake, tmp_path, **row).failed
    assert says in failed.reason


def test_a_credential_that_reddit_does_not_take_is_named_but_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("reddit", monkeypatch, size=3) as fake:
        monkeypatch.setenv("REDDIT_CLIENT_SECRET", "a-wrong-secret-of-ours")
        (failed,) = run(fake, tmp_path).failed
        assert "REDDIT_CLIENT_SECRET" in failed.reason
        assert "a-wrong-secret-of-ours" not in failed.reason
        monkeypatch.delenv("REDDIT_CLIENT_SECRET")
        (failed,) = run(fake, tmp_path).failed
        assert "REDDIT_CLIENT_SECRET is not set. It stands beside" in failed.reason, "the one that lacks"


# Discourse


@pytest.mark.parametrize("window", [True, False])
def test_older_forums_look_for_posts_in_fifty_numbers(window: bool, tmp_path: Path) -> None:
    """A page may be empty in the middle, where posts were deleted."""
    fake = Discourse(size=400, window=window)
    for post in fake.posts[100:280]:
        post.is_deleted = True
    with serving(fake):
        run(fake, tmp_path)
        assert held(tmp_path).keys() == fake.truth().keys()
        assert fake.asked["/posts.json"] < 20


def test_a_forum_for_those_who_signed_in_says_which_key_it_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Discourse(size=5, key="a-key-of-our-own-making")
    with serving(fake):
        (failed,) = run(fake, tmp_path).failed
        assert "DISCOURSE_API_KEY" in failed.reason
        monkeypatch.setenv("DISCOURSE_API_KEY", "a-key-of-our-own-making")
        assert run(fake, tmp_path).failed == []
        assert len(held(tmp_path)) == 5


def test_replies_pulled_later_find_what_they_answer(tmp_path: Path) -> None:
    """Discourse tells a parent by its number in the topic: the part of the topic that has it is asked for again."""
    fake = Discourse(size=120, part=3)
    with serving(fake):
        run(fake, tmp_path)
        for _ in range(4):
            for _ in range(15):
                fake.say()
            run(fake, tmp_path)
        assert orphans(tmp_path) == 0
        whole = tmp_path / "whole"
        run(fake, whole)
    parents = "select message_id, parent_id, conversation_id, text from messages order by all"
    assert Store(tmp_path).query(parents).rows() == Store(whole).query(parents).rows()


def test_an_edit_is_taken_over_when_the_page_comes_again(tmp_path: Path) -> None:
    fake = Discourse(size=30)
    with serving(fake):
        run(fake, tmp_path)
        edited = fake.posts[-5]
        edited.said, edited.edited = "Something else?", fake.now + timedelta(minutes=1)
        fake.say()
        run(fake, tmp_path)
    assert held(tmp_path)[str(edited.id)] == "Something else?"


def test_two_forums_on_one_machine_are_two_sources_and_what_was_said_opens_where_it_is(tmp_path: Path) -> None:
    with serving(one := Discourse(size=5)), serving(other := Discourse(size=7)):
        for fake in (one, other):
            run(fake, tmp_path, address=f"{fake.address.upper().replace('HTTP', 'http')}/")
        rows = Store(tmp_path).read("sources").select("source", "source_name", "messages").rows()
        links = set(Store(tmp_path).query("select permalink from messages")["permalink"].to_list())
    assert sorted(rows) == sorted([(host(one), host(one), 5), (host(other), host(other), 7)])
    assert {link.rpartition("/t/")[0] for link in links} == {one.address, other.address}


# One conversation, pulled or loaded


def test_what_was_pulled_and_what_was_saved_are_one_conversation(tmp_path: Path) -> None:
    """The same answers, saved as files by somebody and loaded: nothing is new, and there is one source."""
    fake = Discourse(size=45)
    saved = tmp_path / "saved"
    saved.mkdir()
    with serving(fake):
        run(fake, tmp_path)
        for path in ("site", "posts"):
            reply = fake.answer(Request("GET", f"/{path}.json", {}, {}, {}, b""))
            (saved / f"{path}.json").write_bytes(reply.body)
    job = LoadJob([saved], source=host(fake))  # what is saved does not tell the port, so links to it do not either
    (loaded,) = load(job, Store(tmp_path), QUICK, Progress(quiet=True)).loads
    assert (loaded.inserted, loaded.updated + loaded.unchanged) == (0, 45)
    assert len(Store(tmp_path).read("sources")) == 1


# How far back


@pytest.mark.parametrize("service", sorted(FAKES) if MANY else ["discourse", "github", "telegram", "x"])
def test_an_earlier_day_than_before_is_gone_back_to_once(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Or it is said why not. The same day again, a later one or none change nothing."""
    monkeypatch.setattr(Loader, "derive", lambda _: True)
    with place(service, monkeypatch, size=60, **FAKES[service].ORDINARY) as fake:
        fake.now += timedelta(days=2)
        fake.say()
        first, later = (f"{day:%Y-%m-%d}" for day in (fake.BEGINS, fake.now))
        run(fake, tmp_path, since=later, deletions=False)
        (pulled,) = run(fake, tmp_path, since=first, deletions=False, quiet=False).pulls
        if service == "telegram":
            assert "tells nothing twice: load an export" in pulled.gaps[-1]
            return
        assert f"{service}: all since {first} is asked for again; before, it was {later}." in capfd.readouterr().err
        compare(fake, tmp_path)
        earliest = Store(tmp_path).query("select min(covered_since) from loads").item()
        assert earliest < fake.BEGINS + timedelta(days=1)
        for day in (first, later, None):
            run(fake, tmp_path, since=day, deletions=False, quiet=False)
        assert "asked for again" not in capfd.readouterr().err


def test_a_dry_run_counts_what_an_earlier_day_would_ask_for(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=300)):
        run(fake, tmp_path, since=f"{fake.now:%Y-%m-%d}", deletions=False)
        for day, note in ((fake.now, "topics to be looked up"), (fake.BEGINS, "300 posts in all")):
            job = Job([{**fake.row(), "since": f"{day:%Y-%m-%d}"}], pace(fake))
            (told,) = forecast(job, Store(tmp_path), QUICK, Progress(quiet=True))
            assert note in told.note


# A dry run


@pytest.mark.parametrize(
    ("service", "path", "hidden"),
    [
        ("discourse", "/about.json", ("about", "stats")),
        ("stackexchange", "/questions", ()),
        ("telegram", "/getWebhookInfo", ("result",)),
    ],
)
def test_a_total_that_is_not_told_is_unknown_and_not_none(
    service: str, path: str, hidden: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(service, monkeypatch, size=20) as fake:
        answer = fake.answer

        def silent(request: Request) -> Reply:
            reply = answer(request)
            if request.path.endswith(path):
                inner = reply.value
                for name in hidden:
                    inner = inner[name]
                for name in ("posts_count", "total", "pending_update_count"):
                    inner.pop(name, None)
            return reply

        given = [f"--{name}={value}" for name, value in fake.row().items() if name != "service"]
        for is_told in (True, False):
            fake.answer = answer if is_told else silent  # type: ignore[method-assign]
            said = hearth("ingest", "pull", service, *given, "--dry-run", data=tmp_path).stdout
            assert ("about " in said) == is_told
            assert ("an unknown number of requests. " in said) != is_told
            assert ("does not tell how many" in said) != is_told
            assert said.endswith("\nNothing was pulled: this was a dry run.\n")


def test_a_dry_run_that_lacks_a_credential_says_no_more_than_that(tmp_path: Path) -> None:
    done = hearth("ingest", "pull", "reddit", "--subreddit", "lumo", "--dry-run", data=tmp_path, check=1)
    assert done.stdout == ""
    assert done.stderr.startswith("hearth: reddit: It costs nothing; how many requests it takes can be told only with")


# News


def test_a_pull_without_news_publishes_nothing(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=40)):
        words = ["pull", "discourse", "--address", fake.address]
        assert "Published snap-000001.duckdb" in hearth("ingest", *words, data=tmp_path).stdout
        said = hearth("ingest", *words, data=tmp_path)
        assert "0 new messages\nNothing is new, so nothing was published (" in said.stdout
        assert "Working out" not in said.stderr
        assert json.loads(hearth("ingest", *words, "--json", data=tmp_path).stdout)["snapshot"] is None
        assert Store(tmp_path).snapshot == "snap-000001.duckdb"


def test_how_far_it_reaches_is_told_once_an_hour_where_nobody_says_anything(tmp_path: Path) -> None:
    """Else who waits for an answer there would grow no older."""
    with serving(fake := Discourse(size=40)):
        run(fake, tmp_path)
        for minutes, is_told in ((50, False), (50, True), (5, False)):
            fake.now += timedelta(minutes=minutes)
            assert (run(fake, tmp_path).snapshot is not None) == is_told
        (row,) = Store(tmp_path).read("sources").to_dicts()
        assert timedelta(minutes=5) <= fake.now - row["as_of"] < timedelta(minutes=10)
        fake.say()
        assert run(fake, tmp_path).snapshot, "there is news"


def test_what_was_worked_out_before_a_plug_was_pulled_is_published_although_nothing_is_new(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=40)):
        run(fake, tmp_path)
        fake.say()
        for point in ("derive:1", "named:1"):
            process = child(fake, tmp_path, point)
            process.join()
            assert process.exitcode == 137
        assert run(fake, tmp_path).snapshot
        assert held(tmp_path).keys() == fake.truth().keys()
        assert run(fake, tmp_path).snapshot is None


def test_what_is_pulled_for_the_first_time_was_just_seen_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """So it is worked out once. What was deleted while it came is found a day after it began."""
    with serving(fake := Discourse(size=40)):
        answer = fake.answer

        def losing(request: Request) -> Reply:
            reply = answer(request)
            fake.posts[7].is_deleted |= request.path == "/posts.json"
            return reply

        fake.answer = losing  # type: ignore[method-assign]
        began = fake.now
        run(fake, tmp_path, quiet=False)
        assert capfd.readouterr().err.count("Working out") == 1
        (looked,) = looked_at(tmp_path)
        assert (looked.looked_at, looked.can_tell) == (began, True)
        assert "8" in held(tmp_path)
        fake.now += timedelta(days=1)
        run(fake, tmp_path)
        compare(fake, tmp_path)


# Deletions


def save(fake: Reddit, path: Path) -> None:
    """All that is there, as somebody saves it."""
    path.write_text(json.dumps({"kind": "Listing", "data": {"children": [fake._told(each) for each in fake.things]}}))


def test_a_deletion_takes_words_and_author_and_wins_over_an_older_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    with place("reddit", monkeypatch, size=60) as fake:
        assert isinstance(fake, Reddit)
        run(fake, tmp_path)
        save(fake, saved / "before.json")
        gone = [each for each in fake.things if PEOPLE[each.who] == "zoe77"]
        for each in gone:
            each.gone = "author"
        (pulled,) = run(fake, tmp_path, look=True).pulls
        assert pulled.deleted == len(gone) > 3
        for each in gone:
            each.gone = "moderator"  # an export that names the author of what is gone
        save(fake, saved / "between.json")
        for _ in range(2):
            rows = Store(tmp_path).query(
                "select text, title, member_id, permalink from messages where deleted_at is not null"
            )
            assert set(rows.rows()) == {("", None, None, None)}
            assert "zoe77" not in Store(tmp_path).query("select member_id from members")["member_id"].to_list()
            assert held(tmp_path).keys() == fake.truth().keys()
            load(LoadJob([saved], platform="reddit", source="lumo"), Store(tmp_path), QUICK, Progress(quiet=True))


def test_a_thousand_deleted_of_many_are_gone_after_one_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1 % of what is held; a second look changes nothing. HEARTH_SCRIPTS makes it 1,000 of 100,000."""
    size = 100_000 if MANY else 4_000
    with place("reddit", monkeypatch, size=size) as fake:
        assert isinstance(fake, Reddit)
        for number, thing in enumerate(fake.things):
            thing.at = NOW + timedelta(minutes=3 * number)  # all of it in the past
        fake.now = fake.things[-1].at
        rows = [
            {"id": each.name, "channel_id": "lumo", "member_id": PEOPLE[each.who], "sent_at": each.at,
             "text": f"Word {each.number} <", "conversation_id": (each.post or each).name,
             "parent_id": each.parent.name if each.parent else None}
            for each in fake.things
        ]  # fmt: skip
        records: list[Record] = [Source("reddit", "lumo", "r/Lumo"), Channel("lumo", "r/Lumo", "forum")]
        records += [Member(name, name) for name in PEOPLE]
        records.append(Messages(pl.DataFrame(rows).to_arrow()))
        load_records(iter(records), "an archive", Store(tmp_path), QUICK, Progress(quiet=True))
        fake.delete(size // 100)
        (pulled,) = run(fake, tmp_path, look=True).pulls
        assert pulled.deleted >= size // 100 * 0.9, "what the list showed was seen there"
        assert held(tmp_path).keys() == fake.truth().keys()
        (again,) = run(fake, tmp_path, look=True).pulls
        assert again.deleted == 0
        assert fake.asked["/api/info"] <= 2 * size / 100


@every_service
def test_deletions_are_looked_for_once_a_day(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with place(service, monkeypatch, size=40) as fake:
        run(fake, tmp_path)
        (looked,) = looked_at(tmp_path)
        if not looked.can_tell:
            pytest.skip(f"{service} does not tell what is deleted")
        fake.delete(5)
        fake.now += timedelta(hours=2)
        run(fake, tmp_path)
        assert looked_at(tmp_path) == [looked]
        fake.now += timedelta(hours=19)
        run(fake, tmp_path)
        compare(fake, tmp_path)


def test_where_nearly_all_seems_deleted_nothing_is_forgotten_without_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("reddit", monkeypatch, size=250) as fake:
        run(fake, tmp_path)
        fake.delete(200)
        fake.now += timedelta(days=1)
        (failed,) = run(fake, tmp_path).failed
        assert "--deletions-now" in failed.reason
        assert len(held(tmp_path)) > 150
        assert run(fake, tmp_path, look=True).failed == []
        compare(fake, tmp_path)


# Forgotten


def test_what_is_forgotten_is_not_pulled_again_by_itself_and_whole_where_it_is_asked_for(tmp_path: Path) -> None:
    """Nothing of it is left: neither in the spool. While hearth.toml would bring it back it is not forgotten at all."""
    settings, data = tmp_path / "hearth.toml", tmp_path / "data"
    with serving(fake := Discourse(size=130)):
        listed = f'[[pulls]]\nservice = "discourse"\naddress = "{fake.address}"\non = true\n'
        settings.write_text(f'{listed}[sentiment]\nscorer = "off"\n')
        pull = ["ingest", "pull", "--all", "--settings", str(settings)]
        hearth(*pull, data=data)
        forget = ["ingest", "forget", "discourse", host(fake), "--yes", "--settings", str(settings)]
        (refused,) = hearth(*forget, data=data, check=2).stderr.splitlines()
        assert refused.startswith(
            f"hearth: {settings}, line 1: [[pulls]] row 1, discourse: the next pull would bring it back whole. Write on"
        )
        assert len(held(data)) == 130
        settings.write_text(settings.read_text().replace("on = true", "on = false"))
        with Spool(data) as spool:
            spool.reserve("discourse", "2026-03", "a run", {"post": 5})
            spool.keep(f"discourse:{host(fake)}", spool.streams(f"discourse:{host(fake)}")[0], Kept("p", b"Word 7", 1))
        told = hearth(*forget, data=data).stdout
        assert told.endswith("To load or pull it again would bring all of it back.\n")
        assert host(fake).encode() not in (data / FILE).read_bytes()
        assert looked_at(data) == []
        hearth(*pull, data=data)
        assert Store(data).read("sources").is_empty()
        with Spool(data) as spool:
            assert spool.spent("discourse", "2026-03") == {"post": 5}, "a budget holds whatever is forgotten"
        run(fake, data)
        compare(fake, data)


def test_what_was_pulled_and_never_loaded_is_forgotten_too(tmp_path: Path) -> None:
    """By the name that `status` has for it, or by its id; and an empty folder stays as it is."""
    with Spool(tmp_path / "data") as spool:
        spool.begin("discourse:127.0.0.1", ["posts"])
        spool.keep("discourse:127.0.0.1", spool.streams("discourse:127.0.0.1")[0], Kept("p", b"Word 7", 1))
    forget = ["ingest", "forget", "discourse", "127.0.0.1"]
    assert "If that is meant, add: --yes" in hearth(*forget, data=tmp_path / "data", check=2).stderr
    told = hearth(*forget, "--yes", data=tmp_path / "data").stdout
    assert told == "Forgot what pulls keep of discourse 127.0.0.1, of which nothing is loaded, with 1 page.\n"
    with Spool(tmp_path / "data") as spool:
        assert spool.pulls() == {}
    hearth(*forget, "--yes", data=tmp_path / "none", check=1)
    assert not (tmp_path / "none" / FILE).exists()


def test_nothing_is_forgotten_while_a_pull_of_it_runs(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=5)):
        run(fake, tmp_path)
        words = ["ingest", "forget", "discourse", host(fake), "--yes"]
        with Spool(tmp_path):
            assert "a pull is running already" in hearth(*words, data=tmp_path, check=4).stderr
        assert len(held(tmp_path)) == 5


# What failed


def test_a_pull_that_failed_is_told_until_one_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When, why and what to do, without a secret; also where it is not known yet which place it is."""
    with place("slack", monkeypatch, size=20) as fake:
        words = [
            "ingest",
            "pull",
            "slack",
            "--address",
            fake.address + fake.row()["address"].removeprefix(fake.address),
        ]
        monkeypatch.setenv("SLACK_TOKEN", "xoxb-a-wrong-token-of-ours")
        failed = hearth(*words, data=tmp_path, check=1).stderr.splitlines()[-1]
        said = hearth("ingest", "status", data=tmp_path).stdout
        why = failed.removeprefix("hearth: slack: ")
        assert re.fullmatch(
            rf"slack: WARNING: the last pull failed within the last hour, at {datetime.now(UTC):%Y-%m}-\d\d "
            rf"\d\d:\d\d UTC\. {re.escape(why)}\n", said.partition("PATH\n")[2],
        )  # fmt: skip
        assert "SLACK_TOKEN" in why
        assert not told_in(tmp_path, "xoxb-a-wrong-token-of-ours")
        monkeypatch.setenv("SLACK_TOKEN", fake.SECRETS["SLACK_TOKEN"])
        hearth(*words, data=tmp_path)
        assert "failed" not in hearth("ingest", "status", data=tmp_path).stdout
        assert json.loads(hearth("ingest", "status", "--json", data=tmp_path).stdout)["failed"] == []


def told_in(folder: Path, secret: str) -> bool:
    return any(secret.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_of_what_never_came_no_deletions_are_missed_and_a_wrong_name_is_forgotten_after_a_week(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=20)):
        fake.script.rate, fake.script.faults, fake.script._row = 1.0, ("500",), -(10**6)
        run(fake, tmp_path)
        assert looked_at(tmp_path) == [], "nothing came, so nothing has to go"
        (failure,) = failures(tmp_path, fake.now)
        assert failure.named == f"discourse {host(fake)}"
        assert failure.reason.startswith("it answers 500 Internal Server Error, also after")
        assert failures(tmp_path, fake.now + timedelta(days=8)) == []
        fake.script.rate = 0.0
        run(fake, tmp_path)
        assert failures(tmp_path, fake.now) == []
        fake.script.rate, fake.script._row = 1.0, -(10**6)
        run(fake, tmp_path)
        (failure,) = failures(tmp_path, fake.now + timedelta(days=8))
        assert "8 days ago" in failure.said(fake.now + timedelta(days=8)), "what worked once is not forgotten"
        fake.script.rate = 0.0
        run(fake, tmp_path, address=f"{fake.address}/")
        assert failures(tmp_path, fake.now) == [], "the same place in other words"


def test_a_spool_of_an_older_hearth_tells_what_it_knows(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.begin("reddit:lumo", ["new"])
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("drop table tries")
    assert [each.pull for each in looked_at(tmp_path)] == ["reddit:lumo"]
    assert failures(tmp_path, NOW) == []


def test_status_tells_when_something_was_said_last_and_up_to_when_that_is_known(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=20)):
        first, last = fake.posts[0].at, fake.posts[-1].at
        fake.now += timedelta(days=3)
        run(fake, tmp_path)
    said = hearth("ingest", "status", data=tmp_path).stdout
    reach = f"{first:%Y-%m-%d} to {last:%Y-%m-%d %H:%M} UTC, known up to {last + timedelta(days=3):%Y-%m-%d %H:%M} UTC"
    assert said.splitlines()[0].endswith(reach)


def test_a_chat_is_told_with_its_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its source is what an export of Telegram Desktop calls it, without."""
    with place("telegram", monkeypatch, size=20) as fake:
        words = ["ingest", "pull", "telegram", "--chat", "-1001234567890", "--address", fake.address]
        assert hearth(*words, "--dry-run", data=tmp_path).stdout.startswith("telegram -1001234567890: about ")
        done = hearth(*words, data=tmp_path)
        assert done.stdout.startswith("telegram -1001234567890: ")
        assert "telegram -1001234567890: updates: page 1" in done.stderr
        assert "telegram -1001234567890: it does not tell what" in hearth("ingest", "status", data=tmp_path).stdout
        (row,) = Store(tmp_path).read("sources").to_dicts()
        assert row["source"] == "1234567890"
        words[4] = "1001234567890"
        assert "with its sign" in hearth(*words, data=tmp_path, check=2).stderr


# The spool


def test_the_spool_is_its_owners_alone_and_empty_after_a_load(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=60)):
        run(fake, tmp_path)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    with Spool(tmp_path) as spool:
        assert spool.waiting(f"discourse:{host(fake)}") == (0, 0)
    with sqlite3.connect(tmp_path / FILE) as db:
        assert db.execute("select count(*) from pages").fetchone() == (0,)


def test_only_one_pull_at_a_time_and_a_load_beside_it_loses_nothing(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=60)):
        with Spool(tmp_path), pytest.raises(Busy, match="a pull is running already"):
            run(fake, tmp_path)
        with Store(tmp_path).loading(QUICK), pytest.raises(Busy, match="a load is running already"):
            run(fake, tmp_path)
        asked = fake.asked["/posts.json"]
        run(fake, tmp_path)
        assert len(held(tmp_path)) == 60
        assert fake.asked["/posts.json"] < 2 * asked + 2


def test_a_service_that_gives_up_leaves_what_came(tmp_path: Path) -> None:
    fake = Discourse(Script(1, 0.0), size=200)
    with serving(fake):
        fake.script.rate, fake.script.faults = 1.0, ("500",)
        fake.script._row = -(10**6)
        (failed,) = run(fake, tmp_path).failed
        assert re.search(r"it answers 500 Internal Server Error, also after \d+ (s|min) of trying", failed.reason)
        fake.script.rate = 0.0
        run(fake, tmp_path)
        assert len(held(tmp_path)) == 200


@every_service
def test_a_wait_is_announced_where_nobody_sees_a_countdown(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also before it is known which place it is. Nobody waits for longer than a few seconds without a word."""
    with place(service, monkeypatch, size=3) as fake:
        fake.script.rate, fake.script.faults, fake.script._row = 1.0, ("500",), -(10**6)
        assert run(fake, tmp_path, quiet=False).failed
    told = capfd.readouterr().err
    said = re.findall(
        rf"^{service}: [^;\n]+; going on in (\d+) s, at \d\d:\d\d:\d\d UTC$",
        told, re.MULTILINE,
    )  # fmt: skip
    assert 3 <= len(said) <= 5, told
    assert all(1 <= int(each) <= 24 for each in said)


# The command


def test_the_command_pulls_what_the_settings_list_and_says_what_came(tmp_path: Path) -> None:
    settings = tmp_path / "hearth.toml"
    with serving(fake := Discourse(size=30)):
        settings.write_text(
            f'[[pulls]]\nservice = "discourse"\naddress = "{fake.address}"\n'
            '[[pulls]]\nservice = "reddit"\nsubreddit = "lumo"\non = false\n'
            '[sentiment]\nscorer = "off"\n'
        )
        told = hearth("ingest", "pull", "--all", "--dry-run", "--settings", settings, data=tmp_path / "data").stdout
        assert f"discourse {host(fake)}: about 2 requests. 30 posts in all" in told
        assert "Nothing was pulled" in told
        done = json.loads(
            hearth("ingest", "pull", "--all", "--json", "--settings", settings, data=tmp_path / "data").stdout
        )
        (pulled,) = done["pulls"]
        assert (pulled["source"], pulled["messages"], pulled["gaps"], pulled["dollars"]) == (host(fake), 30, [], 0)
        said = hearth("ingest", "status", "--settings", settings, data=tmp_path / "data").stdout
        assert f"discourse {host(fake)}: looked for what is deleted there" in said
        settings.write_text(settings.read_text().replace("on = false", "on = true"))
        failed = hearth(
            "ingest", "pull", "--all", "--settings", settings, data=tmp_path / "data", check=1, REDDIT_CLIENT_ID=""
        )
        assert "REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET are not set" in failed.stderr
        assert f"discourse {host(fake)}: " in failed.stdout, "one that fails does not stop the others"


WRONG_ROWS = {
    'adress = "https://forum.example"': "adress is not known; did you mean address? There are: on, since,",
    "": 'address is missing. Discourse: any forum by its address (address = "https://forum.example.org"); with',
    'address = "http://forum.example"': "address http://forum.example: over http anybody on the way can read along, so",
    "address = 5": 'address is 5. Write it in quotes: address = "5".',
    'address = "https://forum.example"\nprices = { post = 5 }': "prices: post is not known. There are: none",
    'address = "https://forum.example"\nsince = "May"': "since is 'May'. Write a day such as 2026-05-01.",
}


@pytest.mark.parametrize("row", WRONG_ROWS, ids=str)
def test_a_wrong_row_is_a_wrong_use_and_says_in_one_line_what_is_allowed(row: str, tmp_path: Path) -> None:
    """By the line at which it begins, told once, and in the words of the file."""
    settings = tmp_path / "hearth.toml"
    settings.write_text(f'[[roster]]\nrole = "bot"\npattern = "*-feed"\n\n[[pulls]]\nservice = "discourse"\n{row}\n')
    for words in (["--dry-run"], []):
        done = hearth("ingest", "pull", "--all", *words, "--settings", settings, data=tmp_path / "data", check=2)
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"hearth: {settings}, line 5: [[pulls]] row 1, discourse: {WRONG_ROWS[row]}")
        assert "--" not in line


def test_that_every_row_is_switched_off_is_said(tmp_path: Path) -> None:
    settings = tmp_path / "hearth.toml"
    settings.write_text('[[pulls]]\nservice = "reddit"\nsubreddit = "lumo"\non = false\n')
    done = hearth("ingest", "pull", "--all", "--settings", settings, data=tmp_path / "data")
    assert done.stderr == "Nothing is pulled: every row of [[pulls]] has on = false.\n"


def test_what_fails_is_told_with_the_line_of_its_row_once(tmp_path: Path) -> None:
    settings = tmp_path / "hearth.toml"
    settings.write_text('[[pulls]]\nservice = "reddit"\nsubreddit = "lumo"\n')
    done = hearth(
        "ingest", "pull", "--all", "--settings", settings, data=tmp_path / "data", check=1, REDDIT_CLIENT_ID=""
    )
    assert done.stderr.startswith(f"hearth: {settings}, line 1: [[pulls]] row 1, reddit: REDDIT_CLIENT_ID and REDDIT")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["pull"], 2, "name a service (bluesky"),
        (["pull", "myspace"], 2, "there is no service 'myspace'; there are: bluesky"),
        (["pull", "discourse"], 2, "--address is missing"),
        (
            ["pull", "discourse", "--adress", "x"],
            2,
            "--adress is not known; did you mean --address? There are:",
        ),
        (["pull", "discourse", "--address"], 2, "--address needs a value after it"),
        (["pull", "discourse", "https://forum.example"], 2, "Write it after the name of an option: --address https"),
        (
            ["pull", "discourse", "--address", "https://f.example", "--since", "May"],
            2,
            "Write a day such as 2026-05-01",
        ),
        (
            ["pull", "discourse", "--address", "my forum"],
            2,
            "--address 'my forum' is no address, which is like https://",
        ),
        (["pull", "discourse", "--address", "/nothere"], 2, "--address '/nothere' is no address"),
        (["pull", "discourse", "--address", "https://forum.example:port"], 2, "is no address"),
        (["pull", "discourse", "--address", "https://me:sesame@forum.example"], 2, "must hold no name and no password"),
        (["pull", "mastodon", "--account", "lumo@my host"], 2, "--account must be a name and a host"),
        (["pull", "discourse", "--nothing"], 2, "--nothing is not known; there are: "),
        (["pull", "x", "--account", "lumo"], 2, "such as --budget-dollars 5"),
        (["pull", "x", "--account", "lumo", "--budget-dollars", "five"], 2, "Write a number such as 5"),
        (["pull", "twitter"], 2, "there is no service 'twitter'"),
        (["pull", "discourse", "--address", "http://forum.example"], 2, "over http anybody on the way can read along"),
        (["pull", "--all"], 2, "lists nothing under"),
        (["pull", "discourse", "--address", "https://forum.example", "--every", "often"], 2, "is no time: write 90s"),
        (
            ["pull", "reddit", "--subreddit", "lumo", "--budget-dollars", "-1"],
            2,
            "--budget-dollars must not be below 0",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_use_is_said_in_words(words: list[str], code: int, says: str, tmp_path: Path) -> None:
    (told,) = hearth("ingest", *words, data=tmp_path, check=code).stderr.splitlines()
    assert told.startswith("hearth: ")
    assert says in told
    assert "sesame" not in told


def test_of_what_was_gone_through_once_no_cursor_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the same conversation, gone through again, would seem to lead in a circle."""
    with place("reddit", monkeypatch, size=90, shown=1) as fake:
        run(fake, tmp_path)
        assert any("morechildren" in path for path in fake.asked)
    with closing(sqlite3.connect(tmp_path / "spool.sqlite")) as spool:
        assert {name for (name,) in spool.execute("select stream from cursors")} <= {"new", "comments"}


def test_a_page_that_cannot_be_read_is_left_out_told_and_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("discourse", monkeypatch, size=120) as fake:
        answer = fake.answer

        def spoilt(request: Request) -> Reply:
            reply = answer(request)
            if request.path == "/site.json":
                reply.value["categories"][0]["read_restricted"] = None
            return reply

        fake.answer = spoilt  # type: ignore[method-assign]
        for _ in range(2):  # it is in nobody's way, and nothing is told before it is whole
            (failed,) = run(fake, tmp_path).failed
            assert "site.json" in failed.reason
            assert "left out; the same command asks for it again" in failed.reason
            assert Store(tmp_path).snapshot is None
            with Spool(tmp_path) as spool:
                assert spool.waiting(f"discourse:{host(fake)}")[1] >= 120, "what came with it is kept"
        fake.answer = answer  # type: ignore[method-assign]
        assert run(fake, tmp_path).failed == []
        compare(fake, tmp_path)


def test_a_page_of_messages_that_cannot_be_read_takes_the_watermark_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("discourse", monkeypatch, size=120) as fake:
        run(fake, tmp_path)
        for _ in range(3):
            fake.say()
        read = Spool.read
        with monkeypatch.context() as torn:
            torn.setattr(Spool, "read", lambda spool, file: b"[" if "posts" in file else read(spool, file))
            (failed,) = run(fake, tmp_path).failed
        assert "left out" in failed.reason
        with Spool(tmp_path) as spool:
            (posts,) = (each for each in spool.streams(f"discourse:{host(fake)}") if each.name == "posts")
        assert (posts.told_until, posts.mark, posts.is_open) == (None, None, True)
        assert run(fake, tmp_path).failed == []
        compare(fake, tmp_path)


def test_of_many_conversations_only_the_next_is_read(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.begin("reddit:lumo", ["new", "comments"])
        for name in ("conversation:b", "conversation:a", "conversation:c"):
            spool.keep("reddit:lumo", spool.left("reddit:lumo")[0], None, [name])
        assert [each.name for each in spool.left("reddit:lumo")] == ["new", "comments", "conversation:b"]
        first = spool.left("reddit:lumo")[-1]
        spool.keep("reddit:lumo", replace(first, is_open=False), None)
        assert [each.name for each in spool.left("reddit:lumo")] == ["new", "comments", "conversation:a"]


def test_it_goes_on_pulling_until_it_is_stopped(tmp_path: Path) -> None:
    with serving(fake := Discourse(size=20)):
        words = ["pull", "discourse", "--address", fake.address, "--every", "1s", "--data", str(tmp_path)]
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        waiting = time.monotonic() + 120
        while fake.asked["/posts.json"] < 3 and time.monotonic() < waiting:
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "stopped" in said


@pytest.mark.parametrize(
    ("looked_for", "says"),
    [
        (Looked("reddit:lumo", NOW - timedelta(hours=3), can_tell=True), "reddit lumo: looked for what is deleted"),
        (Looked("reddit:lumo", NOW - timedelta(hours=25), can_tell=True), "25 h ago. WARNING: that is more than a day"),
        (Looked("reddit:lumo", None, can_tell=False), "WARNING: it was never looked for"),
        (Looked("mail:list", NOW, can_tell=False), "it does not tell what is deleted"),
    ],
    ids=["in time", "late", "never", "cannot"],
)
def test_the_status_warns_when_nobody_looked_for_deletions_for_a_day(looked_for: Looked, says: str) -> None:
    assert says in looked_for.said(NOW)
    assert looked_for.is_late(NOW) == ("WARNING" in says)


@pytest.mark.parametrize(("text", "wanted"), [("90s", 90), ("15m", 900), ("6h", 21600), ("1d", 86400)])
def test_a_time_is_read_as_people_write_it(text: str, wanted: float) -> None:
    assert seconds(text) == wanted
    with pytest.raises(ValueError, match="15m"):
        seconds(text[:-1])


def test_help_names_every_service_with_its_terms_and_what_it_needs() -> None:
    told = " ".join(hearth("ingest", "pull", "--help").stdout.split())
    assert "asks for its approval" in told
    assert "Needed: --subreddit, REDDIT_CLIENT_ID, REDDIT_CLIENT_SECRET. Optional: --address." in told
    assert "Needed: --address. Optional: DISCOURSE_API_KEY, DISCOURSE_API_USERNAME." in told
    assert "Needed: --account, --budget-dollars or --budget-resources, X_BEARER_TOKEN. Optional: --owned" in told
    assert "--dry-run" in told, "and of the command itself"


@every_service
def test_help_of_one_service_tells_all_that_it_takes_and_which_of_it_is_needed(service: str) -> None:
    told = hearth("ingest", "pull", service, "--help").stdout
    module = services()[service]
    for name, how in module.SECRETS.items():
        is_optional = name in getattr(module, "OPTIONAL", ())
        assert re.search(
            rf"^  {name} \({'optional' if is_optional else 'needed'}\) +{re.escape(how)}$", told, re.MULTILINE
        )
    for field in msgspec.structs.fields(module.Options):
        if not field.name.startswith(("service", "on", "prices", "budget", "run")):
            wanted = "needed" if field.required else "optional"
            assert re.search(rf"^  --{field.name} \({wanted}\) +\w", told, re.MULTILINE), field.name
    assert ("--budget-dollars (one of the two)" in told) == bool(module.PRICES)
    assert module.TERMS in told


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["reddit", "--subreddit", "lumo"], "REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET"),
        (["zulip", "--address", "https://lumo.example"], "ZULIP_EMAIL and ZULIP_API_KEY"),
        (
            ["x", "--account", "lumo", "--owned", "--budget-dollars", "5"],
            "X_BEARER_TOKEN, X_API_KEY, X_API_SECRET, X_ACCESS_TOKEN and X_ACCESS_SECRET",
        ),
        (["telegram", "--chat", "@lumo"], "TELEGRAM_BOT_TOKEN"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_all_credentials_that_lack_are_named_at_once_with_where_to_get_them(
    words: list[str], names: str, tmp_path: Path
) -> None:
    """Nothing is asked for, and nothing is kept of the place."""
    (told,) = hearth("ingest", "pull", *words, data=tmp_path, check=1).stderr.splitlines()
    assert told.startswith(f"hearth: {words[0]}: {names} {'are' if ' and ' in names else 'is'} not set. ")
    assert all(services()[words[0]].SECRETS[name] in told for name in re.findall(r"\w+_\w+", names))
    assert f"chmod 600) as {'NAME' if ' and ' in names else names} = " in told
    assert looked_at(tmp_path) == []
