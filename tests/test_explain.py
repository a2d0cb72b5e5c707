"""What moved a share: the parts add up, a planted cause is found, and chance is not taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from data.store import Store
from metrics.explain import COUNTS, REST, SCHEMA, Explanation, Group, _taken_apart, explain
from metrics.guard import FEW, _both, compare, shares
from metrics.metric import Question, ask
from tests import sparse
from tests.command import hearth

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
Rows = list[dict[str, Any]]


# --- the arithmetic ----------------------------------------------------------------------------------------------


def counted(groups: dict[str, tuple[int, int, int, int]]) -> pl.DataFrame:
    """Rows of parts.sql by channel, each thing by a member of its own, from (met, n) before and now."""
    rows = [
        row(group, f"{group}-{is_now}-{each}", is_now, each < met)
        for group, counts in groups.items()
        for is_now, (met, n) in enumerate([counts[:2], counts[2:]])
        for each in range(n)
    ]
    return frame(rows)


def row(group: str, member: str, is_now: int, met: float, n: float = 1) -> tuple[Any, ...]:
    return ("channel", group, member, *((0, 0, met, n) if is_now else (met, n, 0, 0)))


def frame(rows: list[Any]) -> pl.DataFrame:
    schema = {"dimension": pl.String, "group": pl.String, "drawn_id": pl.String, **dict.fromkeys(COUNTS, pl.Float64)}
    return pl.DataFrame(rows, schema, orient="row")


one = st.tuples(st.sampled_from("abcde"), st.integers(0, 30), st.booleans(), st.booleans())


@given(st.lists(one, min_size=80, max_size=300))
def test_the_parts_of_a_dimension_add_up_to_the_difference(drawn: list[tuple[str, int, bool, bool]]) -> None:
    """Whoever asked what and where: nothing is left over, however small a group is in either period."""
    counts = frame([row(group, str(member), is_now, met) for group, member, met, is_now in drawn])
    found, _ = _taken_apart(counts)
    met_before, n_before, met, n = counts.select(COUNTS).sum().row(0)
    if found:
        assert sum(each.part for each in found) == pytest.approx(met / n - met_before / n_before, abs=1e-12)
        assert (sum(each.n for each in found), sum(each.n_before for each in found)) == (n, n_before)
    for each in found:
        assert each.part == pytest.approx(each.rate_part + each.mix_part, abs=1e-12)
        assert each.low is None or each.high is None or each.low <= each.part <= each.high
        assert each.name == REST or min(each.n, each.n_before) >= FEW


def by_name(groups: list[Group]) -> dict[str, Group]:
    return {each.name: each for each in groups}


def test_kitagawa_by_hand() -> None:
    """Half of the asks are in each channel before: 60 of 100 and 90 of 100 answered. Now 150 and 50: 75 and 45.

    75 % were answered, and 60 % are: 15 points fewer. `help` fell from 60 to 50 %, at a mean size of (0.5 + 0.75) / 2:
    its rate part is -0.10 * 0.625 = -0.0625. Its size grew by 0.25, at a mean share of 0.55, which is 0.125 under the
    community's 0.675: -0.03125. `chat` stayed at 90 %: nothing; its size fell by 0.25, at 0.225 over: -0.05625.
    """
    found = by_name(_taken_apart(counted({"help": (60, 100, 75, 150), "chat": (90, 100, 45, 50)}))[0])
    assert found["help"][2:6] == (100, 150, 0.6, 0.5)
    assert found["help"][6:9] == pytest.approx((-0.0625, -0.03125, -0.09375))
    assert found["chat"][6:9] == pytest.approx((0, -0.05625, -0.05625))


def test_small_groups_are_the_rest_and_never_named() -> None:
    """`tiny` had one ask less than enough before; `new` was not there: all of what it adds is mix."""
    groups = {"help": (90, 100, 90, 100), "tiny": (FEW - 1, FEW - 1, 0, 60), "new": (0, 0, 0, 60)}
    found, movers = _taken_apart(counted(groups))
    assert [(each.name, each.n_before, each.n) for each in found] == [("help", 100, 100), (REST, 19, 120)]
    assert {each.group.name for each in movers} <= {"help"}
    assert _taken_apart(counted({"one": (19, 19, 0, 40), "two": (0, 0, 0, 40)})) == ([], [])


def test_thirty_of_thirty_is_not_certain() -> None:
    """Leaving out one member changes nothing in 30 of 30 and 0 of 30, yet the doubt is what 60 single asks leave.

    What help adds beyond its size is -0.25. With one more met and one not, each share of 31 in 32 has a variance of
    31 / 32³; either channel counts for half, twice over: 0.25² * 4 * 31 / 32³, so the effect is 16.3 deviations.
    """
    groups, movers = _taken_apart(counted({"help": (30, 30, 0, 30), "chat": (30, 30, 30, 30)}))
    assert by_name(groups)["help"].part == pytest.approx(-0.5)
    (doubt,) = (each.doubt for each in movers if each.group.name == "help" and not each.is_mix)
    assert doubt == pytest.approx(2 * stats.t.sf(0.25 / (0.25 * (4 * 31 / 32**3) ** 0.5), 29), rel=0.2, abs=0)


def test_a_part_has_the_interval_of_as_many_new_communities() -> None:
    """The jackknife's interval has the true part in 95 of 100 communities drawn alike, members asking many times."""
    rng = np.random.default_rng(4)
    # half of the asks are in help and 80 % answered, of the others 60 %; then 60 % are in help, and 40 % answered
    true = (0.5 + 0.6) / 2 * (0.4 - 0.8) + (0.6 - 0.5) * ((0.8 + 0.4) / 2 - (0.7 + 0.48) / 2)
    held = 0
    for _ in range(200):
        drawn = [*members(rng, 0, 0.5, (0.8, 0.6)), *members(rng, 1, 0.6, (0.4, 0.6))]
        part = by_name(_taken_apart(frame(drawn))[0])["help"]
        held += part.low is not None and part.high is not None and part.low < true < part.high
    assert held >= 182  # 190 expected, and fewer than 182 once in a hundred


def members(rng: np.random.Generator, period: int, size: float, answered: tuple[float, float]) -> Iterator[Any]:
    """Asks of 150 members, each at home in one channel; some are answered less often than others."""
    for member in range(150):
        place = int(rng.random() > size)
        share = rng.beta(5 * answered[place], 5 * (1 - answered[place]))
        asks = 1 + rng.poisson(2)
        yield row(("help", "chat")[place], f"{period}-{member}", period, rng.binomial(asks, share), asks)


def test_where_all_fell_alike_hardly_ever_a_group_is_named() -> None:
    """20 points fewer in five channels of many sizes: every part is clearly not 0, and yet none explains it."""
    rng, named, sizes = np.random.default_rng(5), 0, (400, 200, 100, 80, 60)
    for _ in range(200):
        groups = {
            f"c{place}": (int(rng.binomial(n, 0.7)), n, int(rng.binomial(n, 0.5)), n) for place, n in enumerate(sizes)
        }
        named += any(not each.is_mix for each in _taken_apart(counted(groups))[1])
    assert named <= 18  # 10 expected at most, and over 18 once in a hundred


# --- communities -------------------------------------------------------------------------------------------------


def asked(number: int, channel: str, answered: int, of: int, days: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Rows:
    """Asks of as many members in a week, on some of its days at ten, the first so many answered an hour later."""
    rows: Rows = []
    for each in range(of):
        at = MONDAY + timedelta(weeks=number, days=days[each % len(days)], hours=10, seconds=each)
        key = f"{channel}{number}-{days[0]}-{each}"
        rows.append({"id": f"q{key}", "by": f"m{key}", "at": at, "channel": channel})
        if each < answered:
            at += timedelta(hours=1)
            reply = {"id": f"a{key}", "by": "staff_kim", "at": at, "in": f"q{key}", "channel": channel, "text": "Yes."}
            rows.append(reply)
    return rows


def explained(folder: Path, rows: Rows, name: str = "reply_rate") -> Explanation:
    forum = sorted({row["channel"] for row in rows})
    store = sparse.store_of(folder, rows, forum=forum, since=MONDAY.isoformat(), until="2026-01-25T00:00Z")
    return explain(store, sparse.settings(), question(name))


def question(name: str = "reply_rate", **given: Any) -> Question:
    week = MONDAY.date() + timedelta(weeks=1)
    return Question(name, week, week + timedelta(weeks=1), **{"hours": 24.0} | given)


def plain(found: Explanation) -> str:
    return found.sentence.replace("\u00a0", " ")


@pytest.mark.parametrize("name", ["reply_rate", "answered_within"])
def test_the_channel_that_got_worse_is_named(name: str, tmp_path: Path) -> None:
    """80 % to 60 % of all: 50 fewer of 250, every one of them in help, where 100 ask."""
    before = asked(0, "help", 80, 100) + asked(0, "chat", 80, 100) + asked(0, "sales", 40, 50)
    now = asked(1, "help", 30, 100) + asked(1, "chat", 80, 100) + asked(1, "sales", 40, 50)
    found = explained(tmp_path, before + now, name)
    assert plain(found) == ("The fall of 20 points comes from asks in help: 80 % to 30 % answered within 24 h.")
    first = found.rows.row(0, named=True)
    assert (first["dimension"], first["group"], first["n_before"], first["n"]) == ("channel", "help", 100, 100)
    assert (first["rate_part"], first["mix_part"], first["part"]) == pytest.approx((-0.2, 0, -0.2))
    assert first["high"] < -0.1
    assert dict(found.rows.schema) == SCHEMA


def test_simpson_only_the_mix_moved(tmp_path: Path) -> None:
    """Every channel answers as before, 90 % in chat and 40 % in help, and yet 65 % become 50 %.

    Before, of 200 asks 100 are in either: 90 + 40 = 130. Now 40 are in chat and 160 in help: 36 + 64 = 100.
    """
    before = asked(0, "chat", 90, 100) + asked(0, "help", 40, 100)
    found = explained(tmp_path, before + asked(1, "chat", 36, 40) + asked(1, "help", 64, 160))
    assert plain(found) == (
        "The fall of 15 points comes from another mix of channels: fewer asks in chat, 50 % to 20 % of all."
    )
    channels = found.rows.filter(pl.col("dimension") == "channel")
    assert channels["rate_part"].to_list() == pytest.approx([0, 0], abs=1e-12)
    assert channels["part"].sum() == pytest.approx(-0.15)


def test_what_moved_it_back_is_told_too(tmp_path: Path) -> None:
    """Help answers 90 of 150 fewer; chat, as large, 50 of 150 more."""
    before = asked(0, "help", 120, 150) + asked(0, "chat", 60, 150)
    found = explained(tmp_path, before + asked(1, "help", 30, 150) + asked(1, "chat", 110, 150))
    assert plain(found) == (
        "The fall of 13 points comes from asks in help (30 points): 80 % to 20 % answered within 24 h; "
        "asks in chat gave 17 points back (40 % to 73 % answered within 24 h)."
    )


def test_a_weekend_is_named(tmp_path: Path) -> None:
    """In one channel, so that only the time of the week can tell."""
    weekend = (5, 6)
    before = asked(0, "help", 80, 100) + asked(0, "help", 80, 100, weekend)
    found = explained(tmp_path, before + asked(1, "help", 80, 100) + asked(1, "help", 30, 100, weekend))
    assert plain(found).startswith("The fall of 25 points comes from asks at weekends: 80 % to 30 % answered")
    assert set(found.rows["dimension"]) == {"time"}


def test_a_fall_everywhere_has_no_explanation(tmp_path: Path) -> None:
    before = asked(0, "help", 80, 100) + asked(0, "chat", 80, 100)
    found = explained(tmp_path, before + asked(1, "help", 50, 100) + asked(1, "chat", 50, 100))
    assert found.change.verdict == "clear worse"
    assert found.sentence == "No single channel, platform or time of the week explains it."
    assert len(found.rows) == 2


def test_where_no_change_is_clear_nothing_is_explained(tmp_path: Path) -> None:
    before = asked(0, "help", 80, 100) + asked(0, "chat", 60, 100)
    found = explained(tmp_path, before + asked(1, "help", 70, 100) + asked(1, "chat", 70, 100))
    assert found.change.verdict == "no clear change"
    assert (found.sentence, len(found.rows)) == ("", 0)
    assert dict(found.rows.schema) == SCHEMA


def test_the_fingerprint_is_carried(tmp_path: Path) -> None:
    """That of the metric, and of how it was explained: another period before is another explanation."""
    rows = asked(0, "help", 80, 100) + asked(1, "help", 30, 100)
    store = sparse.store_of(tmp_path, rows, since=MONDAY.isoformat(), until="2026-01-25T00:00Z")
    found = explain(store, sparse.settings(), question())
    assert found.fingerprint.startswith(ask(store, sparse.settings(), question()).fingerprint + "-explained-")
    other = explain(store, sparse.settings(), question(), _both(store, sparse.settings(), question(), None).period)
    assert other.fingerprint != found.fingerprint


@pytest.mark.parametrize("name", ["retention", "unanswered", "time_to_first_response", "nope"])
def test_what_cannot_be_explained_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=f"{name} cannot be explained"):
        explained(tmp_path, asked(0, "help", 1, 2), name)


# --- what is counted is what the metric counts -------------------------------------------------------------------


YOUNG = "2026-01-18T12:00Z"
OPEN = {
    "community": {"time_zone": "Europe/Berlin"},
    "calendars": [{"name": "days"}],
    "channels": [
        {"channel": "help", "target_hours": 4.0, "calendar": "days"},
        {"channel": "sales", "target_hours": 30.0, "calendar": "days"},
    ],
}


@pytest.fixture(scope="module", params=["2026-02-25T00:00Z", YOUNG])
def lively(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two weeks of everything: newcomers, praise, peers, calendars, and staff who say this and that.

    The data ends long after, or while the last of it is too young to judge.
    """
    rng, rows = np.random.default_rng(6), list[dict[str, Any]]()
    for each in range(400):
        at = MONDAY + timedelta(hours=float(rng.random() * 14 * 24))
        channel, sounds = ("help", "chat", "sales")[each % 3], rng.choice(["positive", "negative"])
        row = {"id": f"q{each}", "by": f"m{rng.integers(150)}", "at": at, "channel": channel}
        rows.append(row | ({"sounds": sounds} if rng.random() < 0.4 else {}))
        for turn, by in enumerate(
            rng.permutation(np.array(["staff_kim", f"m{rng.integers(150)}", f"{row['by']}"]))[: rng.integers(4)]
        ):
            later = at + timedelta(hours=float(rng.exponential(30)))
            rows.append({"id": f"a{each}-{turn}", "by": by, "at": later, "in": row["id"], "channel": channel})
    for each in range(40):
        at = MONDAY + timedelta(hours=float(rng.random() * 14 * 24))
        rows.append({"id": f"s{each}", "by": "staff_kim", "at": at, "channel": "chat", "text": "We have news for you."})
    rows.append({"id": "first", "by": "staff_kim", "at": "2025-10-01T00:00Z", "channel": "help"})
    folder, forum = tmp_path_factory.mktemp("lively"), ["help", "chat", "sales"]
    rows = [each for each in rows if sparse.moment(each["at"]) < sparse.moment(request.param)]
    return sparse.store_of(folder, rows, given=OPEN, forum=forum, since="2025-10-01T00:00Z", until=request.param)


@pytest.mark.parametrize("name", sorted(shares()))
@pytest.mark.parametrize("channels", [(), ("help",)])
def test_what_is_counted_is_what_the_metric_counts(name: str, channels: tuple[str, ...], lively: Store) -> None:
    """In both periods, so that the guard and the explanation speak of the same number.

    Where the last of it is too young the period before loses its last hours too: it is no longer the whole week.
    """
    hours = {"answered_within": 24.0}.get(name)
    both = _both(lively, sparse.settings(OPEN), question(name, hours=hours, channels=channels), None)
    rows = both.queried("parts").filter(pl.col("dimension") == "channel").select(COUNTS).sum()
    met_before, n_before, met, n = rows.row(0)
    told = [both.whole(each)[None]["share"] for each in (both.previous, both.period)]
    facts = both.told("repeats")[None]
    assert min(n, n_before) >= 4
    if name != "answered_within" or not facts["too_young"]:  # with young ones it estimates
        assert told[1] == pytest.approx(met / n, abs=1e-12)
    if not facts["too_young"]:
        assert told[0] == pytest.approx(met_before / n_before, abs=1e-12)
    change = compare(lively, sparse.settings(OPEN), both.question)
    assert (change.now.n, change.before.n) == (n, n_before)
    if change.difference is not None:
        assert change.difference == pytest.approx(met / n - met_before / n_before, abs=1e-12)


def test_the_command_line_compares_and_explains(tmp_path: Path) -> None:
    rows = asked(0, "help", 80, 100) + asked(0, "chat", 80, 100) + asked(1, "help", 30, 100) + asked(1, "chat", 80, 100)
    data = tmp_path / "data"
    sparse.store_of(data, rows, forum=["help", "chat"], since=MONDAY.isoformat(), until="2026-01-25T00:00Z")
    words = ("metrics", "reply_rate", "--since", "2026-01-12", "--until", "2026-01-19")
    compared = hearth(*words, "--compare", data=data).stdout.replace("\u00a0", " ")
    assert compared.startswith("Of asks old enough to judge, 55 % were answered in time (48–62 %, 110 of 200);")
    told = hearth(*words, "--explain", "--format", "csv", data=data)
    assert told.stdout.splitlines()[1].startswith("channel,help,100,100,0.8,0.3,-0.25,")
    assert "comes from asks in help" in told.stderr
    assert "-explained-" in told.stderr
    quiet = (
        "metrics",
        "reply_rate",
        "--since",
        "2026-01-12",
        "--until",
        "2026-01-19",
        "--channel",
        "chat",
        "--explain",
    )
    told = hearth(*quiet, data=data)
    assert told.stdout == "There is nothing to explain: nothing changed clearly.\n"
    assert "no clear change" in told.stderr
    assert hearth(*quiet, "--format", "json", data=data).stdout == "[]\n"
    assert len(hearth(*quiet, "--format", "csv", data=data).stdout.splitlines()) == 1
    assert "cannot be explained" in hearth("metrics", "retention", *words[2:], "--explain", data=data, check=2).stderr
