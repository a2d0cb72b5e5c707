"""Every statistic against an implementation that is not ours, and against the examples of its textbook."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight  # type: ignore[import-untyped]
from statsmodels.stats.proportion import (  # type: ignore[import-untyped]
    confint_proportions_2indep,
    proportion_confint,
)

from data.store import Store
from metrics.guard import _normal, _student
from metrics.metric import HERE, Question, _macros, ask
from tests import sparse

EXACT = 1e-9
MACROS = _macros() + (HERE / "statistics" / "macros.sql").read_text("utf-8")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A real store to ask: what is in it does not matter here."""
    return sparse.store_of(tmp_path_factory.mktemp("store"), [{"by": "ana", "at": "2026-01-05T10:00Z"}])


def told(store: Store, sql: str, **params: Any) -> Any:
    """The one row of a question to the macros; its only value where it has one."""
    (row,) = store.query(sql, params, MACROS).rows()
    return row[0] if len(row) == 1 else row


# --- shares ------------------------------------------------------------------------------------------------------

WILSON = "select wilson_low($k, $n), wilson_high($k, $n)"
NEWCOMBE = """
    select
        difference_low($a / $m, wilson_low($a, $m), $b / $n, wilson_high($b, $n)),
        difference_high($a / $m, wilson_high($a, $m), $b / $n, wilson_low($b, $n))
"""


def test_wilson_is_that_of_statsmodels(store: Store) -> None:
    rng = np.random.default_rng(1)
    for n in rng.integers(1, 2000, 100):
        k = int(rng.integers(0, n + 1))
        assert told(store, WILSON, k=k, n=int(n)) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=EXACT)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(k: int, n: int, low: float, high: float, store: Store) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""
    assert told(store, WILSON, k=k, n=n) == pytest.approx((low, high), abs=6e-5)


def test_newcombe_is_that_of_statsmodels(store: Store) -> None:
    rng = np.random.default_rng(2)
    for m, n in rng.integers(1, 500, (100, 2)):
        a, b = int(rng.integers(0, m + 1)), int(rng.integers(0, n + 1))
        theirs = confint_proportions_2indep(a, m, b, n, method="newcomb", compare="diff")
        assert told(store, NEWCOMBE, a=a, m=int(m), b=b, n=int(n)) == pytest.approx(theirs, abs=EXACT)


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
    ],
)
def test_newcombe_as_published(a: int, m: int, b: int, n: int, low: float, high: float, store: Store) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10."""
    assert told(store, NEWCOMBE, a=a, m=m, b=b, n=n) == pytest.approx((low, high), abs=6e-5)


# --- waits -------------------------------------------------------------------------------------------------------

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def loaded_with(folder: Path, waits: Sequence[float], is_answered: Sequence[bool]) -> Store:
    """Asks of one week that waited so long, until they were answered or the data ended."""
    rows: list[dict[str, Any]] = []
    for number, (wait, answered) in enumerate(zip(waits, is_answered, strict=True)):
        asked = AS_OF - timedelta(hours=100 if answered else wait)
        rows.append({"id": f"q{number}", "by": f"m{number}", "at": asked})
        if answered:
            at = asked + timedelta(hours=wait)
            rows.append({"id": f"a{number}", "by": "staff_kim", "at": at, "in": f"q{number}", "text": "Turn it twice."})
    return sparse.store_of(folder, rows, until=AS_OF.isoformat())


def answered_within(folder: Path, waits: Sequence[float], is_answered: Sequence[bool], hours: float) -> dict[str, Any]:
    """What the metric says of such asks."""
    loaded = loaded_with(folder, waits, is_answered)
    return ask(loaded, sparse.settings(), Question("answered_within", hours=hours)).rows.to_dicts()[0]


def test_kaplan_meier_and_its_band_are_those_of_scipy_and_statsmodels(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for case in range(8):
        waits = rng.integers(1, 40, 60) / 2  # ties between answered ones, and with those who still wait
        is_answered = rng.random(60) < 0.6
        hours = float(rng.integers(4, 18))
        ours = answered_within(tmp_path / str(case), waits.tolist(), is_answered.tolist(), hours)
        theirs = SurvfuncRight(waits, is_answered.astype(int))
        waiting = theirs.surv_prob[theirs.surv_times <= hours][-1]
        assert ours["share"] == pytest.approx(1 - waiting, abs=EXACT)
        curve = stats.ecdf(stats.CensoredData(waits[is_answered], right=waits[~is_answered])).sf
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs says aloud that there is no band before the first answer
            band = curve.confidence_interval(method="log-log")
        assert ours["low"] == pytest.approx(1 - band.high.evaluate(hours), abs=EXACT)
        assert ours["high"] == pytest.approx(1 - band.low.evaluate(hours), abs=EXACT)


@pytest.mark.parametrize("is_even", [True, False], ids=["given up after the slowest reply", "given up in between"])
def test_the_quantiles_are_the_first_waits_by_which_the_curve_is_there(is_even: bool, tmp_path: Path) -> None:
    """Of the week and of the whole period alike, though these are looked up in different ways."""
    rng = np.random.default_rng(7)
    for case in range(4):
        waits, is_answered = rng.integers(1, 40, 80) / 2, rng.random(80) < 0.93
        waits[~is_answered] += 20 * is_even
        loaded = loaded_with(tmp_path / str(case), waits.tolist(), is_answered.tolist())
        theirs = SurvfuncRight(waits, is_answered.astype(int))
        wanted = [theirs.surv_times[theirs.surv_prob <= left + 1e-12][0] for left in (0.5, 0.25, 0.1)]
        rows = ask(loaded, sparse.settings(), Question("time_to_first_response")).rows.to_dicts()
        asked = [row for row in rows if row["asks"]]
        assert [row["week"] for row in asked] == [None, (AS_OF - timedelta(days=7)).date()]
        for row in asked:
            assert [row["hours_p50"], row["hours_p75"], row["hours_p90"]] == wanted
            assert row["hours_p50_answered_only"] == np.median(waits[is_answered])


REMISSION = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("weeks", "kept", "error"), [(6, 0.857, 0.0764), (10, 0.753, 0.0963), (16, 0.627, 0.1141), (23, 0.448, 0.1346)]
)
def test_kaplan_meier_as_published(weeks: int, kept: float, error: float, store: Store, tmp_path: Path) -> None:
    """Freireich's 6-MP patients in Cox and Oakes, Analysis of Survival Data (1984): S(t), and Greenwood's error."""
    row = answered_within(tmp_path, REMISSION, list(map(bool, ENDED)), weeks)
    assert 1 - row["share"] == pytest.approx(kept, abs=6e-4)
    assert incidence(store, REMISSION, ENDED, weeks)["variance"] ** 0.5 == pytest.approx(error, abs=6e-5)


# --- waits that something else may end ---------------------------------------------------------------------------


def incidence(store: Store, waits: Sequence[float], events: Sequence[int], until: float) -> Any:
    """The share with event 1, with its variance and interval."""
    return told(
        store,
        "select cumulative_incidence(list_transform(list_zip($waits::double[], $events::integer[]), "
        "lambda pair: {hours: pair[1], event: pair[2]}), $until::double)",
        waits=list(map(float, waits)),
        events=list(map(int, events)),
        until=float(until),
    )


def test_aalen_johansen_is_that_of_statsmodels(store: Store) -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        waits, events = rng.integers(1, 30, 80).astype(float), rng.integers(0, 3, 80)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs divides by zero where nobody is left
            theirs = CumIncidenceRight(waits, events)
        for until in (3.0, 11.5, 20.0):
            place = np.flatnonzero(theirs.times <= until)[-1]
            ours = incidence(store, waits.tolist(), events.tolist(), until)
            assert ours["share"] == pytest.approx(theirs.cinc[0][place], abs=EXACT)
            assert ours["variance"] == pytest.approx(theirs.cinc_se[0][place] ** 2, abs=EXACT)


def test_without_other_events_it_is_kaplan_meier_with_greenwoods_band(store: Store, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    waits, is_answered = rng.integers(1, 40, 60) / 2, rng.random(60) < 0.6
    for hours in (2.0, 7.0, 12.0):
        row = answered_within(tmp_path / str(hours), waits.tolist(), is_answered.tolist(), hours)
        ours = incidence(store, waits.tolist(), is_answered.astype(int).tolist(), hours)
        assert [ours[key] for key in ("share", "low", "high")] == pytest.approx(
            [row[key] for key in ("share", "low", "high")], abs=EXACT
        )


def test_staff_response_is_aalen_johansens(store: Store, tmp_path: Path) -> None:
    """The metric reckons by the row what the macro reckons of a list, ties included; its median is the curve's."""
    rng = np.random.default_rng(6)
    waits, events = rng.integers(1, 40, 60) / 2, rng.integers(0, 3, 60)
    rows: list[dict[str, Any]] = []
    for number, (wait, event) in enumerate(zip(waits.tolist(), events.tolist(), strict=True)):
        asked = AS_OF - timedelta(hours=100 if event else wait)
        rows.append({"id": f"q{number}", "by": f"m{number}", "at": asked})
        if event:
            by, at = {1: "staff_kim", 2: "zoe"}[event], asked + timedelta(hours=wait)
            rows.append({"by": by, "at": at, "in": f"q{number}", "text": "Turn it twice."})
    loaded = sparse.store_of(tmp_path, rows, until=AS_OF.isoformat())
    for hours in (0.25, 4.0, 12.0):
        row = ask(loaded, sparse.settings(), Question("staff_response", hours=hours)).rows.to_dicts()[0]
        ours = incidence(store, waits.tolist(), events.tolist(), hours)
        keys = ("share", "low", "high") if hours > 1 else ("share", "low")
        assert [row[key] for key in keys] == pytest.approx([ours[key] for key in keys], abs=EXACT)
        assert row["peer_first"] == int(((events == 2) & (waits <= hours)).sum())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs divides by zero where nobody is left
        theirs = CumIncidenceRight(waits, events)
    half = np.flatnonzero(theirs.cinc[0] >= 0.5)
    assert row["hours_p50"] == (theirs.times[half[0]] if half.size else None)


def test_the_events_share_out_all_who_no_longer_wait(store: Store) -> None:
    """Worked by hand. At 1 h one of 5 is answered by staff: 1/5. At 2 h a peer gets there first: 1/5, and 3/5 still
    wait. At 3 h one of them stops being watched; at 4 h staff answer one of the last two: 1/5 + 3/5 * 1/2 = 1/2."""
    waits, events = [1, 2, 3, 4, 5], [1, 2, 0, 1, 0]
    assert incidence(store, waits, events, 4.5)["share"] == pytest.approx(1 / 2)
    assert incidence(store, waits, [{1: 2, 2: 1}.get(each, 0) for each in events], 4.5)["share"] == pytest.approx(1 / 5)


def test_a_share_is_unknown_while_nobody_has_waited_so_long(store: Store) -> None:
    assert incidence(store, [1, 2], [1, 0], 24) is None
    assert incidence(store, [30, 40], [1, 0], 24)["share"] == 0


# --- the bootstrap -----------------------------------------------------------------------------------------------

BOOTSTRAP = """
    select bootstrap(list_transform(
        list_zip($members::ubigint[], $parts::double[], $wholes::double[]),
        lambda each: {member: each[1], part: each[2], whole: each[3]}
    ))
"""


def test_the_bootstrap_by_member_agrees_with_numpy(store: Store) -> None:
    """Within Monte-Carlo error: the ends of a 95 % interval from 1000 draws wander by a sixth of its standard error."""
    rng = np.random.default_rng(6)
    members = rng.integers(0, 2**63, 200, dtype=np.uint64)
    wholes = rng.integers(1, 12, 200)
    parts = rng.binomial(wholes, rng.beta(2, 2, 200))
    ours = told(store, BOOTSTRAP, members=members.tolist(), parts=parts.tolist(), wholes=wholes.tolist())
    drawn = rng.integers(0, 200, (20_000, 200))
    figures = parts[drawn].sum(1) / wholes[drawn].sum(1)
    error = figures.std()
    assert [ours["low"], ours["high"]] == pytest.approx(np.quantile(figures, [0.025, 0.975]), abs=error / 4)
    alone = np.sqrt(parts.sum() / wholes.sum() * (1 - parts.sum() / wholes.sum()) / wholes.sum())
    assert ours["high"] - ours["low"] > 1.3 * 2 * 1.96 * alone, "single messages would claim to know more"
    order = rng.permutation(200)
    again = {"members": members[order].tolist(), "parts": parts[order].tolist(), "wholes": wholes[order].tolist()}
    assert told(store, BOOTSTRAP, **again) == pytest.approx(ours, abs=EXACT)


def test_the_weights_are_poisson_and_know_nothing_of_each_other(store: Store) -> None:
    rows = store.query(
        "select list(poisson_weight(chance(hash(member), replicate)) order by replicate) as weights "
        "from range(300) as m(member), range(500) as r(replicate) group by member",
        macros=MACROS,
    )
    weights = np.array(rows["weights"].to_list(), dtype=float)
    expected = [*stats.poisson.pmf(range(5), 1), stats.poisson.sf(4, 1)]
    counted = [*((weights == number).sum() for number in range(5)), (weights > 4).sum()]
    assert stats.chisquare(counted, np.array(expected) * weights.size).pvalue > 0.001
    for table, drawn in ((weights, 500), (weights.T, 300)):
        apart = np.corrcoef(table)[np.triu_indices(len(table), 1)]
        assert apart.std() * np.sqrt(drawn) == pytest.approx(1, abs=0.05)
        assert np.abs(apart).max() < 6 / np.sqrt(drawn)


# --- Student's distribution --------------------------------------------------------------------------------------


@pytest.mark.parametrize("freedom", [1, 2, 5.3, 8, 17, 60, 1000])
def test_student_in_closed_form(freedom: float) -> None:
    """Wallace, Ann. Math. Statist. 30 (1959) 1124: 2 % off from 5 degrees on; with fewer, not too bold."""
    for z in (1.96, 2.64, 3.0):
        exact = stats.t.isf(stats.norm.sf(z), freedom)
        assert _student(z, freedom) >= exact * 0.999
        assert freedom < 5 or _student(z, freedom) == pytest.approx(exact, rel=0.02)
        assert _normal(_student(z, freedom), freedom) == pytest.approx(z, abs=EXACT)
