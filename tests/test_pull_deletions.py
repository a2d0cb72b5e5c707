"""What is deleted upstream is gone here after one look: of each service, and from every byte of the folder.

HEARTH_HELD says how many messages are held; one in a hundred of them is deleted.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from data.store import Loader
from tests.fakes.server import Fake
from tests.test_pull import FAKES, held, place, run
from tests.test_store import legible, legibly

USUAL = 200
HELD = int(os.environ.get("HEARTH_HELD", USUAL))
MOST_BETWEEN = timedelta(minutes=50)  # two messages of any fake, on average: none may come from the future
TELL = sorted(FAKES.keys() - {"telegram"})  # a bot is never told


@pytest.fixture(autouse=True)
def _legible(monkeypatch: pytest.MonkeyPatch) -> None:
    legibly(monkeypatch)


def delete(fake: Fake, count: int) -> set[str]:
    """Delete so many; the beginnings of their words, without what is said elsewhere, too, as what was passed on is."""
    before = fake.truth()
    fake.delete(count)
    after = fake.truth()
    return {before[each] for each in before.keys() - after.keys()} - after.keys() - set(after.values())


@pytest.mark.parametrize("service", TELL)
def test_one_in_a_hundred_is_deleted_and_not_a_byte_of_it_is_left_after_one_look(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if service != "reddit":  # for what follows from the facts is worked out by the same rules
        monkeypatch.setattr(Loader, "derive", lambda _: True)
    monkeypatch.setattr(Fake, "BEGINS", Fake.BEGINS - HELD * MOST_BETWEEN)
    with place(service, monkeypatch, size=HELD, **FAKES[service].ORDINARY, **FAKES[service].ENDLESS) as fake:
        run(fake, tmp_path, deletions=False)
        fake.now += timedelta(hours=1)
        fake.say()
        run(fake, tmp_path, deletions=False)  # the snapshot before this one is kept for those who still read it
        deleted = delete(fake, max(3, HELD // 100))
        words = legible(deleted, tmp_path)
        # X hands out what mentions nobody for a week only, so that not all of a long time was ever here.
        assert words if service == "x" and HELD > USUAL else words == deleted != set(), (
            "what is looked for can be found"
        )
        (pulled,) = run(fake, tmp_path, look=True).pulls
        assert pulled.deleted > 0
        assert held(tmp_path).keys() <= fake.truth().keys()
        assert legible(words, tmp_path) == set()
        assert len(list(tmp_path.glob("snap-*.duckdb"))) == 1
        (again,) = run(fake, tmp_path, look=True).pulls
        assert again.deleted == sum(load.updated for load in again.loads) == 0


@pytest.mark.parametrize("service", ["telegram", "zulip"])
def test_a_service_that_cannot_tell_says_so(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with place(service, monkeypatch, size=3) as fake:
        (pulled,) = run(fake, tmp_path).pulls
    said = [gap for gap in pulled.gaps if "does not tell what is deleted" in gap]
    assert bool(said) == (service not in TELL)


@pytest.mark.parametrize("service", ["discord", "slack", "zulip"])
def test_what_can_only_be_listed_is_looked_for_a_month_back_daily_and_all_the_way_once_a_month(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loader, "derive", lambda _: True)
    with place(service, monkeypatch, size=40, **FAKES[service].ORDINARY) as fake:
        for days in (0, 40):  # it is looked for all the way, as that is more than a month
            fake.now += timedelta(days=days)
            run(fake, tmp_path)
        delete(fake, 3)
        for days, left in ((1, 3), (31, 0)):
            fake.now += timedelta(days=days)
            run(fake, tmp_path)
            assert len(held(tmp_path).keys() - fake.truth().keys()) == left
