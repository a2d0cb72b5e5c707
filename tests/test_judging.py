"""How right the scorer is: proved on simulated communities of which the truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.judging import FEW, LABELS, Counts, confusion, corrections, draw, judge, mistakes

ERRS = ((0.65, 0.25, 0.10), (0.12, 0.70, 0.18), (0.05, 0.20, 0.75))
"""Of each truth, which shares the simulated scorer gives each label."""
STRATUM = ("platform", "label", "sureness")


def community(chance: np.random.Generator, messages: int, truth: Sequence[float], skill: float = 0.0) -> pl.DataFrame:
    """A simulated community: one platform in five messages, and a scorer that is `skill` better where it is sure."""
    true = chance.choice(3, messages, p=truth)
    sureness = chance.choice(3, messages, p=[0.2, 0.4, 0.4])
    errs = np.array(ERRS)[true]
    better = skill * (sureness - 0.8)[:, None]
    errs = np.where(better > 0, errs * (1 - better) + np.eye(3)[true] * better, errs * (1 + better) - better / 3)
    heard = (errs.cumsum(axis=1) < chance.random((messages, 1))).sum(axis=1).clip(max=2)
    names = np.array(LABELS)
    pool = pl.DataFrame(
        {
            "line_id": np.arange(messages),
            "text_key": np.arange(messages),
            "platform": chance.choice(["mail", "slack"], messages, p=[0.2, 0.8]),
            "truth": names[true],
            "label": names[heard],
            "sureness": sureness,
            "confidence": np.array([0.45, 0.6, 0.85])[sureness],
            "turn": chance.permutation(messages),
        }
    )
    return pool.with_columns(
        pl.col("turn").rank("ordinal").over(STRATUM).cast(pl.Int64), lines=pl.len().over(STRATUM).cast(pl.Int64)
    )


def counts(frame: pl.DataFrame) -> Counts:
    """How many of each label the scorer gave."""
    return dict(frame.group_by("label").len().iter_rows())


def net(frame: pl.DataFrame) -> float:
    """The true one."""
    return 100 * (share(frame["truth"] == "positive") - share(frame["truth"] == "negative"))


def share(cases: pl.Series) -> float:
    """Of cases that are true."""
    return int(cases.sum()) / len(cases)


def labels(*rows: tuple[str, str, int]) -> pl.DataFrame:
    """Labelled messages of equal weight: truth, label, and how many of them."""
    each = [(truth, label) for truth, label, count in rows for _ in range(count)]
    return pl.DataFrame(each, schema=["truth", "label"], orient="row").with_columns(
        weight=pl.lit(1.0), platform=pl.lit("slack"), text=pl.lit("Hello there")
    )


# Choosing ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool() -> pl.DataFrame:
    return community(np.random.default_rng(5), 6000, (0.3, 0.5, 0.2))


def test_two_hundred_are_drawn_and_stand_for_all(pool: pl.DataFrame) -> None:
    drawn = draw(pool)
    assert len(drawn) == 200
    assert drawn["weight"].sum() == pytest.approx(len(pool))
    assert drawn.select(STRATUM).n_unique() == pool.select(STRATUM).n_unique(), "no stratum is unheard"


def test_the_doubtful_and_the_small_have_more_than_their_share(pool: pl.DataFrame) -> None:
    drawn = draw(pool)
    for part in (pl.col("sureness") == 0, pl.col("platform") == "mail"):
        assert len(drawn.filter(part)) / len(drawn) > 1.2 * len(pool.filter(part)) / len(pool)


def test_the_same_seed_draws_the_same_in_the_same_order(pool: pl.DataFrame) -> None:
    assert draw(pool, seed=3).equals(draw(pool.sample(fraction=1, shuffle=True, seed=1), seed=3))
    assert not draw(pool, seed=3).equals(draw(pool, seed=4))


def test_turns_that_cannot_come_up_may_be_missing(pool: pl.DataFrame) -> None:
    """The database hands over the first turns of each stratum only."""
    assert draw(pool.filter(pl.col("turn") <= 200)).equals(draw(pool))


def test_a_text_that_is_drawn_twice_is_asked_once_and_stands_for_both(pool: pl.DataFrame) -> None:
    repeated = pool.with_columns(text_key=pl.col("line_id") % 50)
    drawn = draw(repeated)
    assert drawn["text_key"].is_unique().all()
    assert drawn["weight"].sum() == pytest.approx(len(pool))


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12), wanted=st.integers(1, 250))
def test_every_stratum_is_heard_and_none_beyond_what_it_has(sizes: list[int], wanted: int) -> None:
    rows = [
        {"line_id": 100 * place + turn, "text_key": 100 * place + turn, "platform": f"p{place}", "label": "neutral",
         "sureness": 1, "confidence": 0.5, "lines": size, "turn": turn}
        for place, size in enumerate(sizes) for turn in range(1, size + 1)
    ]  # fmt: skip
    drawn = draw(pl.DataFrame(rows), wanted)
    assert len(drawn) == max(min(wanted, sum(sizes)), len(sizes))
    assert drawn["weight"].sum() == pytest.approx(sum(sizes))
    assert drawn["platform"].n_unique() == len(sizes)


# Judging ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("truth", "skill"), [((0.3, 0.5, 0.2), 0.0), ((0.6, 0.3, 0.1), 0.4)])
def test_the_adjusted_net_is_unbiased_and_its_interval_covers_as_it_says(truth: Sequence[float], skill: float) -> None:
    """In 600 communities of 3,000 messages, 200 labelled in each; the plain net is 10 to 25 points off."""
    chance = np.random.default_rng(11)
    errors, plain, covered, accurate = [], [], [], []
    for _ in range(600):
        people = community(chance, 3000, truth, skill)
        judged = judge(draw(people), counts(people))
        assert judged
        found, true = judged.adjusted(counts(people)), net(people)
        errors.append(found.value - true)
        plain.append(judged.plain - true)
        covered.append(found.low <= true <= found.high)
        accurate.append(judged.accuracy.value - share(people["truth"] == people["label"]))
    assert abs(np.mean(errors)) < 3 * np.std(errors) / 600**0.5
    assert abs(np.mean(accurate)) < 3 * np.std(accurate) / 600**0.5
    assert 0.93 <= np.mean(covered) <= 0.97
    assert abs(np.mean(plain)) > 8


def test_a_part_that_sounds_otherwise_is_adjusted_without_labels_of_its_own() -> None:
    """An unhappy channel of 1,500: the scorer errs there as on the whole, but the shares are others."""
    chance = np.random.default_rng(12)
    errors, covered = [], []
    for _ in range(300):
        people, unhappy = (community(chance, 1500, truth) for truth in ((0.2, 0.5, 0.3), (0.6, 0.3, 0.1)))
        judged = judge(draw(people), counts(people))
        assert judged
        found = judged.adjusted(counts(unhappy))
        errors.append(found.value - net(unhappy))
        covered.append(found.low <= net(unhappy) <= found.high)
    assert abs(np.mean(errors)) < 1.5
    assert 0.93 <= np.mean(covered) <= 0.985, "a little wide: chance in the counts is counted in full"


def test_every_beginning_of_the_labelling_is_fair() -> None:
    """Whoever stops after 40 has an estimate as unbiased as after 200, only wider."""
    chance = np.random.default_rng(13)
    errors, widths = [], []
    for _ in range(250):
        people = community(chance, 3000, (0.3, 0.5, 0.2), skill=0.4)
        drawn = draw(people)
        for part in (drawn.head(40), drawn):
            judged = judge(part, counts(people))
            assert judged
            found = judged.adjusted(counts(people))
            widths.append(found.high - found.low)
            errors.append(judged.accuracy.value - share(people["truth"] == people["label"]))
    assert abs(np.mean(errors[::2])) < 0.015
    assert np.mean(widths[::2]) > 1.8 * np.mean(widths[1::2])


def test_the_sums_by_hand() -> None:
    """40 heard negative, 30 of them so; 40 neutral, all so; 20 positive, 10 of them neutral. Counted 400, 400, 200.

    True: negative 0.4 x 0.75 = 0.3; neutral 0.4 x 0.25 + 0.4 + 0.2 x 0.5 = 0.6; positive 0.1: net -20, plain -20.
    Right: 0.3 + 0.4 + 0.1. Recall: 1, 0.4 / 0.6 and 1. Where 20, 40, 40 % are heard, 4 of 6 neutral ones are heard so:
    60 % are neutral, and 10 of 60 go to either side: 10 % negative, 30 % positive.
    """
    told = labels(
        ("negative", "negative", 30), ("neutral", "negative", 10), ("neutral", "neutral", 40),
        ("neutral", "positive", 10), ("positive", "positive", 10), ("unsure", "positive", 7),
    )  # fmt: skip
    judged = judge(told, {"negative": 400, "neutral": 400, "positive": 200})
    assert judged
    assert judged.labels == 100, "what people could not tell is left out"
    assert judged.accuracy.value == pytest.approx(0.8)
    assert (judged.accuracy.low, judged.accuracy.high) == pytest.approx((0.7112, 0.8666), abs=1e-4)  # Wilson, 80 of 100
    assert judged.recall.value == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert judged.plain == pytest.approx(-20)
    assert judged.adjusted(judged.counted).value == pytest.approx(-20)
    assert judged.adjusted({"negative": 200, "neutral": 400, "positive": 400}).value == pytest.approx(20)
    assert confusion(told).rows() == [("negative", 30, 0, 0), ("neutral", 10, 40, 10), ("positive", 0, 0, 10)]


def test_weights_count_as_so_many_messages() -> None:
    """A right message that stands for three, and a wrong one that stands for one: 3 of 4."""
    told = labels(("neutral", "neutral", 15), ("negative", "neutral", 15))
    weighed = told.with_columns(weight=pl.when(pl.col("truth") == "neutral").then(3.0).otherwise(1.0))
    judged = judge(weighed, {"neutral": 100})
    assert judged
    assert judged.accuracy.value == pytest.approx(0.75)


def test_a_truth_that_nobody_met_has_no_recall() -> None:
    """Neutral and positive only, 3 of 4 and 1 of 2: 62.5 %, not a third less."""
    told = labels(
        ("neutral", "neutral", 30), ("neutral", "positive", 10), ("positive", "positive", 5), ("positive", "neutral", 5)
    )
    judged = judge(told, {"neutral": 35, "positive": 15})
    assert judged
    assert judged.recall.value == pytest.approx((0.75 + 0.5) / 2)


def test_under_twenty_labels_there_is_no_judgement() -> None:
    assert judge(labels(("neutral", "neutral", FEW - 1), ("unsure", "neutral", 50)), {"neutral": 9}) is None
    assert judge(labels(("neutral", "neutral", FEW)), {"neutral": 9})


@given(
    cells=st.lists(st.integers(0, 30), min_size=9, max_size=9).filter(lambda cells: sum(cells) >= FEW),
    counted=st.lists(st.integers(0, 5000), min_size=3, max_size=3).filter(lambda each: sum(each) > 0),
)
def test_every_estimate_stays_within_its_bounds(cells: list[int], counted: list[int]) -> None:
    """Whatever the labels say, even that the scorer is worse than none."""
    pairs = [(truth, label) for truth in LABELS for label in LABELS]
    judged = judge(
        labels(*((*pair, count) for pair, count in zip(pairs, cells, strict=True))), {"neutral": 60, "positive": 40}
    )
    assert judged
    found = judged.adjusted(dict(zip(LABELS, counted, strict=True)))
    assert -100 <= found.low <= found.value <= found.high <= 100
    for share in (judged.accuracy, judged.recall):
        assert 0 <= share.low <= share.value <= share.high <= 1


# Correcting -------------------------------------------------------------------------------------


def leaning(messages: int, bias: Sequence[float], platform: str = "slack", seed: int = 3) -> pl.DataFrame:
    """Labelled messages of a platform on which the scorer's log-odds are off by `bias`."""
    chance = np.random.default_rng(seed)
    said = chance.dirichlet((1.2, 1.2, 1.2), messages)
    true = said * np.exp(bias)
    true /= true.sum(axis=1, keepdims=True)
    truth = (true.cumsum(axis=1) < chance.random((messages, 1))).sum(axis=1).clip(max=2)
    names = np.array(LABELS)
    return pl.DataFrame(dict(zip(LABELS, said.T, strict=True))).with_columns(
        truth=pl.Series(names[truth]), label=pl.Series(names[said.argmax(axis=1)]),
        platform=pl.lit(platform), weight=pl.lit(1.0), text=pl.lit(""),
    )  # fmt: skip


def test_a_platform_on_which_the_scorer_leans_is_set_right() -> None:
    """Of many labels the correction is the lean itself, and more messages are right with it."""
    bias = (0.9, 0.0, -0.9)
    (row,) = corrections(leaning(3000, bias)).to_dicts()
    assert [row[label] for label in LABELS] == pytest.approx(bias, abs=0.15)
    assert row["right_corrected"] > row["right"] + 100


def test_few_labels_correct_little_and_very_few_nothing() -> None:
    """The same lean by 3,000, 30 and 19 labels, in a mean of many platforms."""
    sizes = (3000, 30, FEW - 1)
    found = [
        np.mean([corrections(leaning(size, (0.9, 0.0, -0.9), seed=seed))["negative"].item() for seed in range(20)])
        for size in sizes
    ]
    assert found[0] > 1.4 * found[1] > 0.2
    assert found[2] == 0


def test_where_the_scorer_is_right_nothing_is_to_be_corrected() -> None:
    (row,) = corrections(leaning(3000, (0, 0, 0))).to_dicts()
    assert max(abs(row[label]) for label in LABELS) < 0.12


def test_a_correction_that_sets_no_more_right_is_none() -> None:
    """All are right already, though the scorer was unsure: to lean would only break some."""
    sure = leaning(200, (0, 0, 0)).with_columns(truth=pl.col("label"))
    (row,) = corrections(sure).to_dicts()
    assert [row[label] for label in LABELS] == [0, 0, 0]
    assert row["right"] == 200


def test_each_platform_has_its_own_correction() -> None:
    both = corrections(pl.concat([leaning(400, (1, 0, -1)), leaning(400, (-1, 0, 1), "mail", 4)]))
    assert both["platform"].to_list() == ["mail", "slack"]
    assert both["negative"].sign().to_list() == [-1, 1]


# Erring -----------------------------------------------------------------------------------------


def test_the_commonest_mistake_comes_first_with_the_words_that_mark_it() -> None:
    """ "Great" said in mockery; every message says "the", so it marks nothing."""
    rows = [("negative", "positive", f"great the server fell over {n}") for n in range(6)]
    rows += [("neutral", "negative", f"the process was killed {n}") for n in range(3)]
    rows += [("neutral", "neutral", f"the lamp is on the table {n}") for n in range(30)]
    told = pl.DataFrame(rows, schema=["truth", "label", "text"], orient="row").with_columns(weight=pl.lit(1.0))
    first, second = mistakes(told).to_dicts()
    assert (first["truth"], first["label"], first["messages"]) == ("negative", "positive", 6)
    assert first["share"] == pytest.approx(6 / 39)
    assert {"great", "server", "fell"} <= set(first["words"])
    assert "the" not in first["words"]
    assert (second["truth"], second["label"]) == ("neutral", "negative")
    assert "killed" in second["words"]


def test_no_mistake_is_an_empty_table() -> None:
    assert mistakes(labels(("neutral", "neutral", 30))).is_empty()
