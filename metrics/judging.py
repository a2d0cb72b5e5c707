"""How right the scorer is about this community, by the labels that people gave to some of its messages.

Messages to label are drawn by strata, so that doubtful ones, rare labels and small platforms have their part; a
message's weight says how many it stands for, and keeps every estimate unbiased. What the scorer counted is then
adjusted by how it was seen to err (adjusted classify-and-count: Gart and Buck 1966, Forman 2008).

A frame of labelled messages has the columns truth (what people said), label (what the scorer said), its chances
negative, neutral and positive, platform, weight and text. What people could not tell is left out of every estimate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

LABELS: Final = ("negative", "neutral", "positive")
WANTED: Final = 200
"""So many messages are drawn: enough to know the accuracy to about 6 points."""
FEW: Final = 20
"""Under so many labels there are counts only."""
DRAWS: Final = 2000
Z: Final = NormalDist().inv_cdf(0.975)
STIFFNESS: Final = 4.0
"""A platform's correction is held back as if by about 20 labels that need none."""
FOLDS: Final = 5
WORDS: Final = 5
MARKED: Final = 1.96  # standard errors by which a word must be commoner among the mistakes

Counts = Mapping[str, int]
Floats = npt.NDArray[np.float64]


# Choosing ---------------------------------------------------------------------------------------


def draw(pool: pl.DataFrame, wanted: int = WANTED, seed: int = 0) -> pl.DataFrame:
    """The messages to label, at most `wanted`, in an order of which every beginning is a fair sample.

    pool: a row a message, with its stratum (platform, label, sureness), the stratum's size (lines) and mean confidence,
    and the message's turn in the stratum's random order; turns beyond `wanted` may be missing. A text that was drawn
    twice is asked once, with the weight of both. Adds weight: how many messages it stands for.
    """
    stratum = ["platform", "label", "sureness"]
    strata = pool.group_by(stratum).agg(pl.col("lines", "confidence").first()).sort(stratum)
    unsure = (1 - strata["confidence"]).clip(0.05).sqrt()
    worth = (strata["lines"].cast(pl.Float64).sqrt() * unsure).to_list()
    allotted = pl.Series("allotted", _allot(strata["lines"].to_list(), worth, wanted), pl.Int64)
    drawn = pool.join(strata.select(stratum).with_columns(allotted), stratum).filter(
        pl.col("turn") <= pl.col("allotted")
    )
    weighed = drawn.with_columns(weight=pl.col("lines") / pl.col("allotted")).sort("line_id")
    once = weighed.group_by("text_key", maintain_order=True).agg(
        pl.all().exclude("weight").first(), pl.col("weight").sum()
    )
    order = np.random.default_rng(seed).permutation(len(once))  # not by turn: that would begin with the large strata
    return once.select(*pool.columns, "weight")[order]


def _allot(sizes: Sequence[int], worth: Sequence[float], wanted: int) -> list[int]:
    """How many of each stratum: one of each, so that none is unheard, then where the next tells most.

    That is Wright's exact allocation (2012), with the root of a stratum's size instead of its size: a compromise
    between the whole, which large strata decide, and each of the parts (Bankier 1988).
    """
    given = [1] * len(sizes)
    waiting = [(-each / sqrt(2), index) for index, each in enumerate(worth) if sizes[index] > 1]
    heapify(waiting)
    while waiting and sum(given) < wanted:
        _, index = heappop(waiting)
        given[index] += 1
        if given[index] < sizes[index]:
            heappush(waiting, (-worth[index] / sqrt(given[index] * (given[index] + 1)), index))
    return given


# Judging ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval: a share from 0 to 1, or points from -100 to 100."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Judgement:
    """How right the scorer is, over all classified messages: `accuracy`, and recall averaged over the labels met.

    labels: how many it rests on. plain: the net that the scorer's labels make, in points.
    """

    labels: int
    accuracy: Estimate
    recall: Estimate
    plain: float
    counted: Counts
    joint: Floats  # shares of all messages, by truth and label
    draws: Floats  # the same, as it might be: DRAWS times

    def adjusted(self, counted: Counts) -> Estimate:
        """The net of a group of messages in points, adjusted by how the scorer errs; its labels as counted there.

        In another group than the whole it is taken to err as it does on the whole. The shares stay between 0 and 1.
        """
        shares = _shares(counted)
        drawn = np.broadcast_to(shares, (DRAWS, 3))
        if dict(counted) != dict(self.counted):  # a part of the whole, and so a matter of chance itself
            drawn = _generator().dirichlet(shares * sum(counted.values()) + 1e-6, DRAWS)
        nets = _net(_solved(self.draws, drawn))
        return _estimate(float(_net(_solved(self.joint, shares))), nets)


def confusion(labelled: pl.DataFrame) -> pl.DataFrame:
    """How often the scorer gave each label (a column) to messages of each truth (a row, named in `truth`)."""
    counts = _usable(labelled).group_by("truth", "label").len()
    pairs = {(row["truth"], row["label"]): row["len"] for row in counts.iter_rows(named=True)}
    return pl.DataFrame(
        [{"truth": truth} | {label: pairs.get((truth, label), 0) for label in LABELS} for truth in LABELS]
    )


def judge(labelled: pl.DataFrame, counted: Counts) -> Judgement | None:
    """How right the scorer is, by labelled messages of a whole in which it gave so many of each label.

    None under 20 labels. The intervals are of Dirichlet draws, but for the accuracy's, which is Wilson's; both by the
    number of labels of equal weight that would tell as much (Kish 1965).
    """
    usable = _usable(labelled)
    if len(usable) < FEW:
        return None
    truth, label, weight = _columns(usable)
    told = np.zeros((3, 3))
    np.add.at(told, (truth, label), weight)
    known = told / np.maximum(told.sum(axis=0), 1e-12)
    effective = np.array([_effective(weight[label == each]) for each in range(3)])
    shares = _shares(counted)
    joint = np.where(effective > 0, known, 1 / 3) * shares
    met = joint.sum(axis=1) > 0  # a truth that nobody met has no recall
    drawn = _generator().standard_gamma(known * effective + 1 / 3, (DRAWS, 3, 3))
    draws = drawn / drawn.sum(axis=1, keepdims=True) * shares
    return Judgement(
        labels=len(usable),
        accuracy=_wilson(float(np.trace(joint)), _effective(weight)),
        recall=_estimate(float(_recalls(joint)[met].mean()), _recalls(draws)[:, met].mean(axis=1)),
        plain=float(_net(shares)),
        counted=dict(counted),
        joint=joint,
        draws=draws,
    )


def _usable(labelled: pl.DataFrame) -> pl.DataFrame:
    """What both people and the scorer could tell."""
    return labelled.filter(pl.col("truth").is_in(LABELS), pl.col("label").is_in(LABELS))


def _columns(usable: pl.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """Truth and label as 0, 1, 2, and the weights."""
    places = {label: place for place, label in enumerate(LABELS)}
    truth, label = (
        usable[name].replace_strict(places, return_dtype=pl.Int64).to_numpy() for name in ("truth", "label")
    )
    return truth, label, usable["weight"].cast(pl.Float64).to_numpy()


def _effective(weight: Floats) -> float:
    """As many of equal weight would tell as much."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def _shares(counted: Counts) -> Floats:
    counts = np.array([counted.get(label, 0) for label in LABELS], np.float64)
    return np.asarray(counts / max(counts.sum(), 1.0), np.float64)


def _recalls(joint: Floats) -> Floats:
    """Of each truth, how much was heard as such."""
    right: Floats = np.diagonal(joint, axis1=-2, axis2=-1)
    return np.asarray(right / np.maximum(joint.sum(axis=-1), 1e-12), np.float64)


def _solved(joint: Floats, shares: Floats) -> Floats:
    """The true shares under which these labels are to be expected; none below 0."""
    heard = joint / np.maximum(joint.sum(axis=-1, keepdims=True), 1e-12)  # of each truth, how it is labelled
    true = (np.linalg.pinv(np.swapaxes(heard, -1, -2)) @ shares[..., None])[..., 0]
    bounded = np.clip(true, 1e-9, None)
    return np.asarray(bounded / bounded.sum(axis=-1, keepdims=True))


def _net(shares: Floats) -> Floats:
    return np.asarray(100 * (shares[..., 2] - shares[..., 0]))


def _estimate(value: float, draws: Floats) -> Estimate:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(value, min(float(low), value), max(float(high), value))


def _wilson(share: float, of: float) -> Estimate:
    middle = (share * of + Z * Z / 2) / (of + Z * Z)
    half = Z * sqrt(share * (1 - share) * of + Z * Z / 4) / (of + Z * Z)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


def _generator() -> np.random.Generator:
    return np.random.default_rng(2026)  # the same labels give the same interval


# Correcting -------------------------------------------------------------------------------------


def corrections(labelled: pl.DataFrame) -> pl.DataFrame:
    """What to add to the log-odds of each label on each platform, and how many would be right without and with.

    Columns: platform, labels, negative, neutral, positive, right, right_corrected: the last on messages that the
    correction did not learn from. It is none, all zeros, under 20 labels and where it would set no more right.
    """
    usable = _usable(labelled).sort("platform")
    return pl.DataFrame(
        [_correction(name, part) for (name,), part in usable.group_by("platform", maintain_order=True)],
        schema={"platform": pl.String, "labels": pl.Int64}
        | dict.fromkeys(LABELS, pl.Float64)
        | {"right": pl.Int64, "right_corrected": pl.Int64},
        orient="row",
    )


def _correction(platform: object, part: pl.DataFrame) -> tuple[object, ...]:
    truth, label, _ = _columns(part)
    chances = np.log(np.maximum(part.select(LABELS).to_numpy().astype(np.float64), 1e-6))
    right = int((truth == label).sum())
    if len(part) < FEW:
        return platform, len(part), 0.0, 0.0, 0.0, right, right
    folds = np.arange(len(part)) % FOLDS
    corrected = 0
    for fold in range(FOLDS):
        known, new = folds != fold, folds == fold
        bias = _bias(chances[known], truth[known])
        corrected += int(((chances[new] + bias).argmax(axis=1) == truth[new]).sum())
    bias = _bias(chances, truth) if corrected > right else np.zeros(3)
    return platform, len(part), *bias.tolist(), right, corrected


def _bias(chances: Floats, truth: npt.NDArray[np.int64]) -> Floats:
    """The most likely correction, held back by STIFFNESS: Newton's method, from none.

    Without weights: what is corrected is the truth at given chances, and messages were drawn by their chances only.
    """
    bias = np.zeros(3)
    for _ in range(20):
        odds = np.exp(chances + bias)
        expected = odds / odds.sum(axis=1, keepdims=True)
        slope = (np.eye(3)[truth] - expected).sum(axis=0) - STIFFNESS * bias
        curve = np.diag(expected.sum(axis=0)) - expected.T @ expected + STIFFNESS * np.eye(3)
        bias = bias + np.linalg.solve(curve, slope)
    return bias


# Erring -----------------------------------------------------------------------------------------


def mistakes(labelled: pl.DataFrame) -> pl.DataFrame:
    """What the scorer gets wrong most: truth, label, messages, share (of all messages) and the words that mark them.

    Words are those commoner in these messages than in the other labelled ones, by their log-odds with a prior of
    how common they are altogether (Monroe, Colaresi and Quinn 2008).
    """
    usable = _usable(labelled).with_row_index("message")
    wrong = usable.filter(pl.col("truth") != pl.col("label"))
    found = wrong.group_by("truth", "label").agg(
        pl.len().cast(pl.Int64).alias("messages"), (pl.col("weight").sum() / usable["weight"].sum()).alias("share")
    )
    word = pl.col("text").fill_null("").str.to_lowercase().str.extract_all(r"\p{L}[\p{L}'’]{2,}").list.unique()
    said = usable.select("message", "truth", "label", word.alias("word")).explode("word").drop_nulls("word")
    kinds = [(row["truth"], row["label"]) for row in found.iter_rows(named=True)]
    words = pl.Series("words", [_marking(said, *kind) for kind in kinds], pl.List(pl.String))
    return found.with_columns(words).sort("share", "truth", "label", descending=[True, False, False])


def _marking(said: pl.DataFrame, truth: str, label: str) -> list[str]:
    is_here = (pl.col("truth") == truth) & (pl.col("label") == label)
    words = said.group_by("word").agg(is_here.sum().alias("here"), (~is_here).sum().alias("there"))
    prior = 10 * (pl.col("here") + pl.col("there")) / len(said)
    here, there = pl.col("here") + prior, pl.col("there") + prior
    odds = [(each / (each.sum() - each)).log() for each in (here, there)]
    marked = words.with_columns(standing=(odds[0] - odds[1]) / (1 / here + 1 / there).sqrt())
    found = marked.filter(pl.col("here") >= 3, pl.col("standing") >= MARKED)
    return found.sort(["standing", "word"], descending=[True, False])["word"].head(WORDS).to_list()
