"""What X charges stays within the budget, whatever goes wrong; nothing is paid for twice; what is gone there goes."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from data.settings import SettingsError
from data.spool import Spool
from data.store import Store
from ingest.apis._client import PullError
from ingest.apis.x import PRICES
from ingest.load import Job as LoadJob
from ingest.load import load
from ingest.progress import Progress
from ingest.pull import Job, forecast
from tests.fakes.server import FAULTS, MISLED, Request, Script, serving
from tests.fakes.x import KEYS, TOKEN, US, X
from tests.test_pull import QUICK, compare, held, pace, run

SCRIPTS = int(os.environ.get("HEARTH_SCRIPTS", "3"))
WHOLE_MONTH = "2026-03"
PLACES = "select message_id, member_id, conversation_id, parent_id from messages order by 1"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"X_BEARER_TOKEN": TOKEN, **KEYS}.items():
        monkeypatch.setenv(name, value)


def dollars(billed: Counter[str]) -> float:
    return sum(PRICES[kind] * count for kind, count in billed.items())


def booked(folder: Path) -> Counter[str]:
    with Spool(folder) as spool:
        return Counter(spool.spent("x", WHOLE_MONTH))


def told(fake: X, folder: Path, **row: Any) -> Any:
    (found,) = forecast(Job([{**fake.row(), **row}], pace(fake)), Store(folder), QUICK, Progress(quiet=True))
    return found


@pytest.mark.parametrize("seed", range(SCRIPTS))
def test_no_script_costs_a_single_resource_more_than_the_budget(seed: int, tmp_path: Path) -> None:
    """Over several runs, with answers lost on the way; in resources and in dollars."""
    chance = random.Random(seed)
    owned = chance.random() < 0.5
    script = Script(seed, chance.choice((0.0, 0.2, 0.4)), FAULTS + MISLED)
    fake = X(script, size=chance.choice((20, 90, 160)), owned=owned)
    fake.life = chance.choice((0.0, 0.2))
    resources, run_most = chance.choice((0, 1, 5, 11, 40, 140)), chance.choice((7, 30, 1000))
    most: dict[str, Any] = {
        "run_resources": run_most,
        "budget_resources": resources,
        "budget_dollars": chance.choice((0.05, 0.3, 1.0)),
    }
    with serving(fake):
        for _ in range(3):
            before = fake.billed.total()
            run(fake, tmp_path, quiet=True, **{**most, "deletions": False})
            assert fake.billed.total() - before <= run_most
            assert fake.billed.total() <= booked(tmp_path).total() <= resources
            assert dollars(fake.billed) <= dollars(booked(tmp_path)) + 1e-9 <= most["budget_dollars"] + 2e-9


def said(folder: Path) -> set[str]:
    """The numbers of the posts that are kept: loaded, or waiting in the spool until both lists were begun."""
    words = " ".join(held(folder).values()) if Store(folder).snapshot else ""
    with closing(sqlite3.connect(folder / "spool.sqlite")) as spool:
        for (body,) in spool.execute("select body from pages"):
            words += zstandard.decompress(body).decode()
    return set(re.findall(r"Word (\d+) ", words))


def test_a_budget_is_spent_to_its_last_page_and_all_that_was_paid_for_is_kept(tmp_path: Path) -> None:
    fake = X(size=150)
    with serving(fake):
        (failed,) = run(fake, tmp_path, budget_resources=100).failed
        assert "the budget is used up" in failed.reason
        assert 80 <= fake.billed.total() <= 100
        assert len(said(tmp_path)) == fake.billed["post"]
        assert booked(tmp_path) == fake.billed
        assert run(fake, tmp_path, budget_resources=10_000).failed == []
        compare(fake, tmp_path)


def test_what_one_run_may_spend_is_told_apart_from_the_months_budget(tmp_path: Path) -> None:
    """And where not one page fits, that waiting for the next month does not help."""
    fake = X(size=150)
    with serving(fake):
        (failed,) = run(fake, tmp_path, budget_dollars=5, run_dollars=0.001).failed
        assert "what one run may spend is used up: $0.00 in this run" in failed.reason
        assert failed.reason.endswith("the same command goes on with a larger run_dollars or run_resources.")
        (failed,) = run(fake, tmp_path, budget_dollars=5, run_dollars=0.2).failed
        assert failed.reason.endswith("What was pulled is kept; the same command goes on.")


def test_what_waits_because_a_budget_ended_too_soon_is_told_of_and_loaded_by_the_next_run(tmp_path: Path) -> None:
    """Before each list was begun no range is covered; then they take turns, so that each page paid for covers more."""
    fake = X(size=400)
    with serving(fake):
        (pulled,) = run(fake, tmp_path, run_resources=60).pulls
        assert pulled.waiting > 0
        assert Store(tmp_path).snapshot is None
        (pulled,) = run(fake, tmp_path, run_resources=150).pulls
        assert pulled.waiting == 0
        there, (since, _) = (
            held(tmp_path),
            Store(tmp_path).query("select covered_since, covered_until from loads").row(0),
        )
        assert {str(post.id) for post in fake.posts if post.is_ours and post.at >= since} <= there.keys()
        assert fake.now - since > timedelta(hours=5)


def test_nothing_is_paid_for_twice(tmp_path: Path) -> None:
    """Neither a post nor an author, however often and on whatever day it is pulled."""
    fake = X(size=200)
    with serving(fake):
        run(fake, tmp_path)
        people = {post.author for post in fake.posts}
        assert fake.billed == Counter(post=200, user=len(people))
        for day in range(1, 3):
            fake.now += timedelta(days=1)
            for _ in range(20):
                fake.say()
            people |= {post.author for post in fake.posts}
            run(fake, tmp_path)
            compare(fake, tmp_path)
            wanted = Counter(post=len(fake.posts), user=len(people))
            assert (fake.billed - wanted).total() <= day, "at most the newest post again, which may have come late"


def test_what_completes_a_conversation_is_asked_for_even_where_nobody_mentions_us(tmp_path: Path) -> None:
    fake = X(size=3)
    with serving(fake):
        run(fake, tmp_path)
        fake.now += timedelta(hours=3)
        stranger = fake._add("8100", fake.posts[-1], is_ours=False)
        run(fake, tmp_path)
        assert str(stranger.id) in held(tmp_path)
        fake.now += timedelta(days=30)  # search finds none of what follows, and the root was never pulled
        root = fake._add("8101", None, is_ours=False)
        middle = fake._add("8102", root, is_ours=False)
        fake.now += timedelta(days=30)
        fake._add("8103", middle, is_ours=True)
        run(fake, tmp_path)
        compare(fake, tmp_path)


def test_own_posts_cost_a_fifth_where_the_account_owns_the_app(tmp_path: Path) -> None:
    fake = X(size=120, owned=True)
    with serving(fake):
        run(fake, tmp_path)
        compare(fake, tmp_path)
    own = sum(post.author == US for post in fake.posts)
    assert fake.billed["owned"] == own > 20
    assert fake.billed["post"] == 120 - own
    assert booked(tmp_path) == fake.billed


def test_used_up_credit_ends_a_run_and_keeps_what_came(tmp_path: Path) -> None:
    fake = X(size=150)
    with serving(fake):
        run(fake, tmp_path, run_resources=90)
        before = said(tmp_path)
        fake.has_credit = False
        (failed,) = run(fake, tmp_path).failed
        assert "402" in failed.reason
        assert "Add credit" in failed.reason
        assert said(tmp_path) == before != set()
        fake.has_credit = True
        assert run(fake, tmp_path).failed == []
        compare(fake, tmp_path)


def test_a_limit_is_waited_for_as_x_tells_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It answers so often in a quarter of an hour, and says when the next one begins. A log says how long that is."""
    fake = X(size=150)
    fake.limit = 3
    with serving(fake):
        began = fake.now
        assert run(fake, tmp_path, quiet=False, deletions=False).failed == []
        said = capfd.readouterr().err
        assert re.search(r"^x: its limit is used up; going on in \d+ min, at \d\d:\d\d:00 UTC$", said, re.MULTILINE)
        assert fake.now - began >= timedelta(minutes=15 - began.minute % 15) - timedelta(seconds=1)
        assert fake.refused == 0, "it was not asked in vain"
        compare(fake, tmp_path)


def test_a_token_that_x_does_not_take_is_named_but_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_BEARER_TOKEN", "not-the-token-of-this-app")
    fake = X(size=3)
    with serving(fake):
        (failed,) = run(fake, tmp_path).failed
    assert "401" in failed.reason
    assert "X_BEARER_TOKEN" in failed.reason
    assert "not-the-token-of-this-app" not in failed.reason


def test_what_protected_accounts_say_is_not_kept(tmp_path: Path) -> None:
    """Not even where the budget ends between a post and the news that its author is protected."""
    fake = X(size=60)
    fake.protected = {fake.posts[-1].author, fake.posts[20].author} - {US}
    with serving(fake):
        for most in (15, 30, 1000):
            run(fake, tmp_path, run_resources=most)
            words = " ".join(held(tmp_path).values()) if Store(tmp_path).snapshot else ""
            assert not any(f"Word {post.number} " in words for post in fake.posts if post.author in fake.protected)
        compare(fake, tmp_path)


def test_the_versions_of_an_edited_post_are_one_message_with_the_newest_words(tmp_path: Path) -> None:
    """Whether the older one came before or not; and who answers a later version answers that message."""
    fake = X(size=30)
    with serving(fake):
        run(fake, tmp_path)
        known = fake._add("8200", None, is_ours=True)
        run(fake, tmp_path)
        fake.now += timedelta(minutes=20)
        fake.edit(known)
        new = fake._add("8201", None, is_ours=True)
        fake.now += timedelta(minutes=5)
        fake.edit(new)
        answers = [fake._add(US, each, is_ours=True) for each in (known, new)]
        run(fake, tmp_path)
        compare(fake, tmp_path)
        asked = "select message_id, sent_at, edited_at, permalink from messages where edited_at is not null order by 2"
        rows = {row[0]: row[1:] for row in Store(tmp_path).query(asked).rows()}
        assert rows.keys() == {str(known.id), str(new.id)}
        for post in (known, new):
            sent_at, edited_at, permalink = rows[str(post.id)]
            assert sent_at == post.at.replace(microsecond=0) < edited_at
            assert permalink.endswith(f"/{post.newest}")
        parents = dict(Store(tmp_path).query("select message_id, parent_id from messages").rows())
        assert [parents[str(each.id)] for each in answers] == [str(known.id), str(new.id)]


# Estimates


def test_a_dry_run_asks_nothing_unless_told_to_and_then_its_questions_count(tmp_path: Path) -> None:
    fake = X(size=100)
    with serving(fake):
        at_most = told(fake, tmp_path, count=False)
        assert fake.asked == {}
        assert at_most.note.startswith("At most, for nothing is known yet")
        told(fake, tmp_path)
        assert fake.billed == booked(tmp_path) == Counter(count=2)
        run(fake, tmp_path, count=False)
        fake.asked.clear()
        assert "posts a day of late" in told(fake, tmp_path, count=False).note
        assert fake.asked == {}


def test_a_dry_run_needs_neither_budget_nor_credential_as_long_as_it_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("X_BEARER_TOKEN")
    fake = X(size=20)
    with serving(fake):
        at_most = told(fake, tmp_path, count=False, budget_dollars=None)
        assert at_most.dollars > 20
        assert "The budget" not in at_most.note
        with pytest.raises(SettingsError, match="say how much a month"):
            told(fake, tmp_path, budget_dollars=None)
        with pytest.raises(PullError, match="X_BEARER_TOKEN is not set"):
            told(fake, tmp_path)
        assert fake.asked == {}
        assert booked(tmp_path).total() == 0


def test_an_estimate_in_dollars_is_what_is_then_billed(tmp_path: Path) -> None:
    fake = X(size=400, owned=True)
    with serving(fake):
        found = told(fake, tmp_path)
        fake.billed.clear()
        run(fake, tmp_path)
        assert found.dollars == pytest.approx(dollars(fake.billed), rel=0.1)


def test_prices_are_settings(tmp_path: Path) -> None:
    fake = X(size=40)
    with serving(fake):
        (pulled,) = run(fake, tmp_path, prices={"post": 1, "user": 0}, budget_dollars=20).pulls
        assert pulled.dollars == fake.billed["post"] <= 20
        assert fake.billed["post"] > 10
        (failed,) = run(fake, tmp_path, prices={"tweet": 1}).failed
        assert "tweet is not known. There are: post, user, owned, count" in failed.reason


# Deletions


def test_posts_and_accounts_that_are_gone_at_x_are_gone_here(tmp_path: Path) -> None:
    fake = X(size=200)
    with serving(fake):
        run(fake, tmp_path)
        fake.delete(20)
        fake.suspended.add(next(post.author for post in fake.posts if post.author != US))
        (pulled,) = run(fake, tmp_path, look=True).pulls
        assert pulled.deleted == 200 - len(fake.truth()) > 20
        compare(fake, tmp_path)
        assert run(fake, tmp_path, look=True).pulls[0].deleted == 0


def test_a_look_for_deletions_takes_up_what_an_earlier_one_left(tmp_path: Path) -> None:
    """X takes one job of a kind at a time: one that runs is waited for, one that waits for ids is given them."""
    fake = X(size=30)
    with serving(fake):
        run(fake, tmp_path)
        from tests.fakes.x import Job as Compliance

        fake.jobs |= {"900": Compliance("tweets", [], "in_progress"), "901": Compliance("users")}
        fake.delete(3)
        assert run(fake, tmp_path, look=True).failed == []
        compare(fake, tmp_path)
        assert fake.jobs["901"].status == "complete"


def test_what_was_pulled_and_what_was_saved_are_one_conversation(tmp_path: Path) -> None:
    fake = X(size=80)
    saved = tmp_path / "lumo"
    saved.mkdir()
    with serving(fake):
        run(fake, tmp_path / "data")
        before = Store(tmp_path / "data").query(PLACES).rows()
        fields = "author_id,conversation_id,created_at,referenced_tweets,entities,public_metrics,edit_history_tweet_ids"
        for number, page in enumerate(pages(fake, fields)):
            (saved / f"page-{number}.json").write_bytes(page)
        summary = load(LoadJob([saved], "x_api_v2", "lumo"), Store(tmp_path / "data"), QUICK, Progress(quiet=True))
    assert sum(each.inserted for each in summary.loads) == 0
    assert len(before) == 80
    after = Store(tmp_path / "data").query(PLACES).rows()
    assert after == before
    assert Store(tmp_path / "data").query("select count(*) from sources").item() == 1


def pages(fake: X, fields: str) -> Iterator[bytes]:
    """The account's lists, as somebody saved them with authors expanded."""
    for kind in ("mentions", "tweets"):
        query = {"max_results": "100", "exclude": "retweets", "tweet.fields": fields}
        request = Request("GET", f"/2/users/{US}/{kind}", query, {}, {"authorization": f"Bearer {TOKEN}"}, b"")
        page = fake.answer(request).value
        authors = sorted({post["author_id"] for post in page["data"]})
        page["includes"] = {"users": [{"id": each, "name": f"N {each}", "username": f"n{each}"} for each in authors]}
        yield json.dumps(page).encode()


def test_where_xs_list_ends_there_is_a_gap_and_it_is_said(tmp_path: Path) -> None:
    fake = X(size=20, cap=790)
    with serving(fake):
        run(fake, tmp_path)
        left_at = fake.now
        fake.now += timedelta(days=1)
        for _ in range(1400):
            fake.say()
        (pulled,) = run(fake, tmp_path).pulls
        (gap,) = (gap for gap in pulled.gaps if gap.startswith("mentions"))
        assert f"was told before up to {left_at:%Y-%m-%d}" in gap
        (since, _) = Store(tmp_path).query("select covered_since, covered_until from loads order by load_id").rows()[-1]
        assert since > left_at
