"""What a service charges never exceeds the budget by a single resource, whatever goes wrong; and it is not wasted.

The service is a small one of our own, priced and shaped as X is: it charges for posts, and for their authors once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data.settings import SettingsError
from data.spool import Spool, Stream
from data.store import Store
from ingest.apis._client import BudgetSpent, Client, Line, Pace, PullError
from ingest.apis._service import At, Bill, Estimate, Known, Page, Place, Room, Wanted
from ingest.progress import Progress
from ingest.pull import Budget, Job, Pull
from ingest.wanted import chosen
from tests.fakes.server import FAULTS, Fake, Reply, Request, Script, serving
from tests.test_pull import QUICK, SCRIPTS, pace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Charging(Fake):
    """Hands out posts, newest first, and charges for each time it does, also when the answer is lost on the way."""

    def __init__(self, script: Script | None = None, posts: int = 300) -> None:
        super().__init__(script)
        self.posts = posts
        self.has_credit, self.circles = True, 0
        self.now = START + timedelta(minutes=posts)

    def answer(self, request: Request) -> Reply:
        if not self.has_credit:
            return Reply({"title": "CreditsDepleted"}, 402)
        newest = int(request.query.get("next_token", self.posts))
        known = int(request.query.get("since_id", 10**18)) - 10**18
        numbers = range(newest, max(known, newest - int(request.query["max_results"])), -1)
        authors = sorted({number % 9 for number in numbers})
        self.billed += {"post": len(numbers), "user": len(authors)}
        page = {
            "data": [self._post(number) for number in numbers],
            "includes": {"users": [{"id": str(who + 1), "name": f"N{who}", "username": f"n{who}"} for who in authors]},
            "meta": {"result_count": len(numbers)},
        }
        if numbers and numbers[-1] > known + 1:
            page["meta"]["next_token"] = str(numbers[-1] - 1)  # type: ignore[index]
        if self.circles and "next_token" in page["meta"]:
            self.circles -= 1
            page["meta"]["next_token"] = str(self.posts)  # type: ignore[index]
        return Reply(page)

    def _post(self, number: int) -> dict[str, Any]:
        at = START + timedelta(minutes=number)
        return {
            "id": str(10**18 + number), "text": f"Word {number}", "author_id": str(number % 9 + 1),
            "created_at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z", "conversation_id": str(10**18 + number),
            "edit_history_tweet_ids": [str(10**18 + number)],
        }  # fmt: skip


class Account(Place):
    """The one place of the service."""

    source = "lumo"

    def __init__(self, client: Client) -> None:
        self._client = client

    def streams(self) -> tuple[str, ...]:
        return ("posts",)

    def most(self, stream: str, at: At, room: Room) -> Bill | None:  # noqa: ARG002
        """A page of posts, each of which may have an author of its own."""
        return next((bill for size in (100, 30, 10, 1) if room.fits(bill := {"post": size, "user": size})), None)

    def fetch(self, stream: str, at: At) -> Page:  # noqa: ARG002
        asked = {"max_results": at.bill["post"], "next_token": at.cursor, "since_id": at.mark}
        answer = self._client.get("/posts", asked)
        page = answer.json()
        if not page["data"]:
            return Page(None)
        users = {"user": len(page["includes"]["users"])}
        oldest = datetime.fromisoformat(page["data"][-1]["created_at"])
        following = page["meta"].get("next_token")
        return Page(
            following,
            answer.body,
            "posts.json",
            len(page["data"]),
            oldest,
            mark=page["data"][0]["id"],
            billed={"post": len(page["data"]), **users},
        )

    def estimate(self, at: Mapping[str, At]) -> Estimate:  # noqa: ARG002
        return Estimate(0)


class Priced:
    """A service that charges, as a module would be one."""

    READER, TERMS, OVERLAP, IS_WHOLE = "x_api_v2", "", timedelta(0), False
    SECRETS: Mapping[str, str] = {}
    PRICES: Mapping[str, float] = {"post": 0.005, "user": 0.010}
    Options = Wanted

    def __init__(self, fake: Fake) -> None:
        self._fake = fake

    def connect(self, wanted: Wanted, line: Line, known: Known) -> Account:  # noqa: ARG002
        return Account(Client(line, self._fake.address))


def run(fake: Charging, folder: Path, **budget: Any) -> Pull:
    """One pull, to its end or to whatever stops it."""
    wanted = Wanted(service="priced", **budget)
    with Spool(folder) as spool:
        job = Job([], pace(fake))
        one = Pull(Priced(fake), wanted, job, spool, Store(folder), QUICK, Progress(quiet=True))
        try:
            one.run()
        finally:
            one.close()
    return one


def kept(folder: Path) -> int:
    store = Store(folder)
    return int(store.query("select count(*) from messages").item()) if store.snapshot else 0


def dollars(fake: Charging) -> float:
    return sum(Priced.PRICES[kind] * count for kind, count in fake.billed.items())


@pytest.mark.parametrize("seed", range(max(4, SCRIPTS)))
def test_no_script_exceeds_the_budget_by_a_single_resource(seed: int, tmp_path: Path) -> None:
    """Answers that are lost may have been charged, and are counted so: the budget holds over runs and months."""
    chance = random.Random(seed)
    fake = Charging(Script(seed, 0.4, FAULTS))
    resources = chance.choice((0, 1, 7, 150, 400))
    with serving(fake):
        for _ in range(3):
            with suppress(BudgetSpent, PullError):  # by luck, 400 are enough for all
                run(fake, tmp_path, budget_resources=resources, run_resources=chance.choice((None, 90)))
            assert sum(fake.billed.values()) <= resources
    with Spool(tmp_path) as spool:
        assert sum(fake.billed.values()) <= sum(spool.spent("priced", "2026-03").values()) <= resources


def test_the_budget_is_spent_to_where_nothing_fits_and_goes_on_next_month(tmp_path: Path) -> None:
    fake = Charging(posts=200)
    with serving(fake):
        with pytest.raises(BudgetSpent, match=r"\$0.50 this month"):
            run(fake, tmp_path, budget_dollars=0.5)
        assert 0.48 < dollars(fake) <= 0.5
        march = kept(tmp_path)
        assert march == fake.billed["post"], "all that was paid for is loaded"
        with pytest.raises(BudgetSpent):
            run(fake, tmp_path, budget_dollars=0.5)
        assert dollars(fake) <= 0.5
        fake.now += timedelta(days=31)
        run(fake, tmp_path, budget_dollars=5)
        assert kept(tmp_path) == 200
        assert fake.billed["post"] == 200, "nothing is paid for twice"


def test_a_run_that_goes_on_into_the_next_month_spends_of_that_months_budget(tmp_path: Path) -> None:
    fake = Overnight(posts=900)
    fake.now = datetime(2026, 3, 31, 23, 50, tzinfo=UTC)
    with serving(fake):
        for _ in range(2):
            with pytest.raises(BudgetSpent):
                run(fake, tmp_path, budget_resources=450, run_resources=700)
    assert fake.by_month.keys() == {"2026-03", "2026-04"}
    assert max(fake.by_month.values()) <= 450


class Overnight(Charging):
    """Takes three minutes for an answer."""

    def __init__(self, posts: int) -> None:
        super().__init__(posts=posts)
        self.by_month = Counter[str]()

    def answer(self, request: Request) -> Reply:
        month, before = f"{self.now:%Y-%m}", self.billed.total()
        reply = super().answer(request)
        self.by_month[month] += self.billed.total() - before
        self.now += timedelta(minutes=3)
        return reply


@pytest.mark.parametrize(("hour", "minute", "counted"), [(12, 0, 2), (23, 55, 4), (0, 5, 4)])
def test_around_midnight_nothing_is_taken_for_paid_already(
    hour: int, minute: int, counted: int, tmp_path: Path
) -> None:
    """It is paid for once a day: but whose clock says which day it is, nobody knows."""
    now = datetime(2026, 3, 5, hour, minute, tzinfo=UTC).timestamp()
    with Spool(tmp_path) as spool:
        budget = Budget(Wanted(service="priced", budget_resources=50), Priced.PRICES, spool, Pace(now=lambda: now))
        for _ in range(2):
            budget.meter({"post": 5}).ask()
            spool.keep("priced:lumo", Stream("posts"), None, spent=budget.settled({}, {"post": ("7", "8")}))
        assert spool.spent("priced", "2026-03") == {"post": counted}


def test_used_up_credit_ends_a_run_with_everything_kept(tmp_path: Path) -> None:
    fake = Charging(posts=200)
    with serving(fake):
        with pytest.raises(BudgetSpent):
            run(fake, tmp_path, run_resources=130, budget_resources=10_000)
        first = kept(tmp_path)
        fake.has_credit = False
        with pytest.raises(BudgetSpent, match="402"):
            run(fake, tmp_path, budget_resources=10_000)
        assert kept(tmp_path) == first > 0
        with Spool(tmp_path) as spool:
            assert sum(spool.spent("priced", "2026-03").values()) == sum(fake.billed.values()), (
                "a refusal costs nothing"
            )
        fake.has_credit = True
        run(fake, tmp_path, budget_resources=10_000)
        assert kept(tmp_path) == 200


@pytest.mark.parametrize("circles", [2, 10**6])
def test_a_cursor_that_leads_in_a_circle_is_noticed(circles: int, tmp_path: Path) -> None:
    """Once or twice, and the sweep begins again; without an end, and it ends with a word."""
    fake = Charging(posts=250)
    fake.circles = circles
    with serving(fake):
        if circles == 2:
            run(fake, tmp_path, budget_resources=100_000)
            assert kept(tmp_path) == 250
        else:
            with pytest.raises(PullError, match="lost its place 4 times"):
                run(fake, tmp_path, budget_resources=100_000)
            assert sum(fake.asked.values()) < 20


def test_the_days_covered_are_those_that_were_paid_for(tmp_path: Path) -> None:
    """The newest come first: what is older stays a gap until it is pulled."""
    fake = Charging(posts=200)
    with serving(fake):
        with pytest.raises(BudgetSpent):
            run(fake, tmp_path, run_resources=130, budget_resources=10_000)
        ((since, until),) = Store(tmp_path).query("select covered_since, covered_until from loads").rows()
        assert since == START + timedelta(minutes=200 - kept(tmp_path) + 1)
        assert until >= START
        run(fake, tmp_path, budget_resources=10_000)
        assert Store(tmp_path).query("select min(covered_since) from loads").item() == START + timedelta(minutes=1)


def test_a_service_that_charges_wants_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.wanted.services", lambda: {"priced": Priced(Fake())})
    with pytest.raises(SettingsError, match="budget_dollars = 5"):
        chosen({"service": "priced"}, 1)
    with pytest.raises(SettingsError, match="must not be below 0"):
        chosen({"service": "priced", "budget_dollars": -1}, 1)
    assert not chosen({"service": "priced"}, 1, is_rehearsed=True)[1].has_budget
    assert chosen({"service": "priced", "budget_dollars": 5}, 1)[1].budget_dollars == 5
