"""Whatever goes wrong on the way, a pull ends with what is there: no gap, no double, no endless loop, no secret told.

Each service with a fake in tests/fakes stands these tests. HEARTH_SCRIPTS and HEARTH_KILLS say how often; a few
times by default.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import pkgutil
import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from data.settings import Sentiment, Settings
from data.store import Loader, Store
from ingest.apis._client import Pace
from ingest.apis._service import services
from ingest.progress import Progress
from ingest.pull import Job, Summary, forecast, pull
from tests import fakes
from tests.fakes.server import Fake, Reply, Script, serving

FAKES: dict[str, type[Fake]] = {
    each.name: importlib.import_module(f"tests.fakes.{each.name}").FAKE
    for each in pkgutil.iter_modules(fakes.__path__)
    if each.name != "server"
}
SCRIPTS = int(os.environ.get("HEARTH_SCRIPTS", "3"))  # of each service
KILLS = int(os.environ.get("HEARTH_KILLS", "1"))
QUICK = Settings(sentiment=Sentiment(scorer="off"))
POINTS = ("page:2", "kept:2", "finish:1", "derive:1", "pointer:1", "erased:1")
FACTS = ("messages", "members", "channels", "reactions")
TABLES = (*FACTS, "asks", "conversations", "source_days")


def test_every_service_has_a_fake_that_it_is_tried_against() -> None:
    assert services().keys() == FAKES.keys()


every_service = pytest.mark.parametrize("service", sorted(FAKES))


@contextmanager
def place(service: str, monkeypatch: pytest.MonkeyPatch, script: Script | None = None, **made: Any) -> Iterator[Fake]:
    """A fake that is being served, and whose credentials are in the environment."""
    fake = FAKES[service](script, **made)
    for name, secret in fake.SECRETS.items():
        monkeypatch.setenv(name, secret)
    with serving(fake):
        yield fake


def pace(fake: Fake) -> Pace:
    """The fake's own clock: to wait is to let its time pass."""

    def sleep(seconds: float) -> None:
        fake.now += timedelta(seconds=seconds)

    def now() -> float:
        return fake.now.timestamp()

    return Pace(sleep, now, random.Random(3))


def run(fake: Fake, folder: Path, *, look: bool = False, quiet: bool = True, **row: Any) -> Summary:
    job = Job([{**fake.row(), **row}], pace(fake), look_now=look)
    return pull(job, Store(folder), QUICK, Progress(quiet))


def held(folder: Path) -> dict[str, str]:
    """The words of what is held with its author, by id; each id once."""
    rows = Store(folder).query("select message_id, text, member_id, deleted_at from messages")
    assert rows["message_id"].n_unique() == len(rows)
    there = rows.filter(rows["member_id"].is_not_null() & rows["deleted_at"].is_null())
    return dict(there.select("message_id", "text").iter_rows())


def tables(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The facts, and what follows from them, in an order of their own."""
    store = Store(folder)
    return {name: sorted(store.query(f"from {name}").rows(), key=repr) for name in TABLES}


def orphans(folder: Path) -> int:
    """Replies whose parent is here, but is not what they name."""
    asked = """
        select count(*) from messages as reply
        where reply.parent_id is not null and reply.parent_id not in (select message_id from messages)
    """
    return int(Store(folder).query(asked).item())


@every_service
@pytest.mark.parametrize("seed", range(SCRIPTS))
def test_whatever_goes_wrong_nothing_is_lost(
    service: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Faults, and people who write, edit and delete meanwhile; then the same command until it is through.

    Only the facts are looked at: to work out what follows from them takes longer than all the rest.
    """
    monkeypatch.setattr(Loader, "derive", lambda _: True)
    chance = random.Random(seed)
    script = Script(seed, chance.choice((0.05, 0.2, 0.4)))
    with place(service, monkeypatch, script, size=chance.choice((3, 60, 230))) as fake:
        fake.life = chance.choice((0.0, 0.1, 0.3))
        for _ in range(2):
            assert through(fake, tmp_path)
            for _ in range(chance.choice((0, 1, 25))):
                fake.say()
        fake.life, script.rate = 0.0, 0.0
        run(fake, tmp_path, look=True)
        compare(fake, tmp_path)
        assert sum(fake.asked.values()) < 2500, "it asks without an end"
    assert not told(fake, capfd, tmp_path), "a secret was told"


@every_service
def test_what_is_shaped_otherwise_than_usual_ends_in_words(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Something in an answer is missing, or is of another kind: the pull fails, and the next one goes on."""
    monkeypatch.setattr(Loader, "derive", lambda _: True)
    chance = random.Random(5)
    with place(service, monkeypatch, size=30) as fake:
        answer = fake.answer
        for round_ in range(5 * SCRIPTS):
            fake.answer = lambda request: bent(answer(request), chance)  # type: ignore[method-assign]
            run(fake, tmp_path / str(round_ % 2), look=chance.random() < 0.3, quiet=False)
            fake.say()
        fake.answer = answer  # type: ignore[method-assign]
        assert run(fake, tmp_path / "0").failed == []
    assert not told(fake, capfd, tmp_path)


def bent(reply: Reply, chance: random.Random) -> Reply:
    """The same answer, with one thing in it, somewhere, in place of which stands something else."""
    if reply.status >= 300 or isinstance(reply.value, bytes) or chance.random() < 0.7:
        return reply
    value = json.loads(json.dumps(reply.value))
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        places += [(inner, key) for key in keys]
        waiting += [inner[key] for key in keys]
    if places:
        inner, key = chance.choice(places[:12] if chance.random() < 0.5 else places)
        inner[key] = chance.choice((None, "", "x", 5, [], {}, [5], {"x": 5}))
    return Reply(value, reply.status, reply.headers)


def through(fake: Fake, folder: Path) -> bool:
    """The same command until nothing fails: it must not take long."""
    return any(not run(fake, folder, quiet=False).failed for _ in range(12))


def compare(fake: Fake, folder: Path) -> None:
    found, truth = held(folder), fake.truth()
    assert found.keys() - truth.keys() == set(), "something is held that is deleted, or was never said"
    assert truth.keys() - found.keys() == set(), "something is missing"
    assert all(found[each].startswith(words) for each, words in truth.items())
    younger = "select count(*) from messages where (sent_at <= (select max(covered_until) from loads)) is not true"
    assert Store(folder).query(younger).item() == 0, "something is younger than the data"


def told(fake: Fake, capfd: pytest.CaptureFixture[str], folder: Path) -> list[str]:
    """The secrets that were printed, or stand in any file."""
    said = "".join(capfd.readouterr()).encode() + b"".join(
        path.read_bytes() for path in folder.rglob("*") if path.is_file()
    )
    return [secret for secret in (*fake.SECRETS.values(), *fake.tokens) if secret.encode() in said]


@every_service
def test_pulling_again_adds_nothing_and_the_range_covered_is_that_which_was_pulled(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(service, monkeypatch) as fake:
        run(fake, tmp_path)
        before = tables(tmp_path)
        summary = run(fake, tmp_path, look=True)
        assert summary.failed == []
        (again,) = summary.pulls
        assert again.deleted == sum(load.inserted + load.updated + load.refused for load in again.loads) == 0
        after = tables(tmp_path)
        assert [name for name in FACTS if before[name] != after[name]] == []
        (row,) = Store(tmp_path).read("sources").to_dicts()
        assert row["first_at"] == Store(tmp_path).query("select min(sent_at) from messages").item()
        assert timedelta(0) <= fake.now - row["as_of"] < timedelta(hours=1)
        assert orphans(tmp_path) == 0


@every_service
@pytest.mark.parametrize("seed", range(7, 7 + max(1, SCRIPTS // 10)))
def test_the_estimate_is_what_the_service_then_counts(
    service: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all, and of what was said since. How many write for the first time is chance: of a few posts, it shows."""
    monkeypatch.setattr(Fake, "SEED", seed)
    monkeypatch.setattr(Loader, "derive", lambda _: True)
    with place(service, monkeypatch, size=400, **FAKES[service].ORDINARY) as fake:
        for _ in range(2):
            (told,) = forecast(Job([fake.row()], pace(fake)), Store(tmp_path), QUICK, Progress(quiet=True))
            fake.asked.clear()
            fake.billed.clear()
            run(fake, tmp_path, deletions=False)
            requests, billed = sum(fake.asked.values()), sum(fake.billed.values())
            assert told.requests is not None
            assert abs(told.requests - requests) <= max(4 if billed else 2, requests / 10), (told, fake.asked)
            assert abs(sum(told.resources.values()) - billed) <= billed / 10, (told, fake.billed)
            for _ in range(200):
                fake.say()


# Killed

FORKS = multiprocessing.get_context("forkserver")


def in_a_child(row: dict[str, Any], now: float, folder: str, secrets: dict[str, str], fail_at: str) -> None:
    os.environ.update({**secrets, "HEARTH_FAIL_AT": fail_at})
    steady = Pace(lambda _: None, lambda: now, random.Random(3))
    pull(Job([row], steady, look_now=True), Store(Path(folder)), QUICK, Progress(quiet=True))


def child(fake: Fake, folder: Path, fail_at: str = "") -> multiprocessing.context.ForkServerProcess:
    FORKS.set_forkserver_preload(["tests.test_pull"])
    given = (fake.row(), fake.now.timestamp(), str(folder), dict(fake.SECRETS), fail_at)
    process = FORKS.Process(target=in_a_child, args=given)
    process.start()
    return process


@pytest.mark.parametrize(("service", "points"), [("discourse", POINTS), *((name, [""] * KILLS) for name in FAKES)])
def test_a_plug_pulled_anywhere_changes_nothing(
    service: str, points: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a named step, or at a random moment; then the same command: the tables are those of an undisturbed pull."""
    chance = random.Random(1)
    with place(service, monkeypatch, size=60) as fake:
        before = time.monotonic()
        whole = child(fake, tmp_path / "whole")
        whole.join()
        assert whole.exitcode == 0
        lasts, wanted = time.monotonic() - before, tables(tmp_path / "whole")
        for number, point in enumerate(points):
            fake.renew()
            process = child(fake, tmp_path / str(number), point)
            if not point:
                time.sleep(chance.uniform(0.3, 1) * lasts)
                process.kill()
            process.join()
            assert process.exitcode == 137 if point else process.exitcode in {0, -signal.SIGKILL}
            run(fake, tmp_path / str(number), look=True)
            found = tables(tmp_path / str(number))
            # The day of the pull itself may differ: what was repeated took longer.
            assert {name for name in TABLES if found[name] != wanted[name]} <= {"source_days"}, point
