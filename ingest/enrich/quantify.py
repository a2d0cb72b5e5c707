"""How many messages of a group are negative, neutral and positive: an estimate, not a count of labels.

A count of labels is drawn towards the shares the scorer was trained on. The prior adjustment of Saerens, Latinne
and Decaestecker (2002) asks which shares explain the scores best; it is nearly right where labels look as they did
in training, and far off where they do not. So it is tempered with the plain count, and what is told beside the
estimate is how far the estimators disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

ROUNDS: Final = 60
TRUST: Final = 0.5  # in the adjustment, the rest in the count
FLOOR: Final = 0.02  # no label is ever wholly absent
SAMPLING: Final = 1.96  # standard errors to either side: 95 %

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Shares of the classified messages, 0 to 1, and the net of positive over negative in points, with its range."""

    negative: float
    neutral: float
    positive: float
    net: float
    net_from: float  # the lowest and the highest of the estimators, each with its chance of sampling
    net_to: float
    classified: int
    unclassified: int


def shares(scores: pl.DataFrame) -> Shares | None:
    """The shares of a group of scored messages; None where nothing was classified."""
    known = scores.filter(pl.col("label").is_not_null())
    chances = known.select("p_negative", "p_neutral", "p_positive").to_numpy().astype(np.float64)
    if not len(chances):
        return None
    count = np.bincount(chances.argmax(axis=1), minlength=3) / len(chances)
    adjusted = _adjusted(chances)
    best = TRUST * adjusted + (1 - TRUST) * count
    nets = [_net(each) for each in (count, chances.mean(axis=0), adjusted, best)]
    spread = SAMPLING * 100 * float(np.sqrt((best[0] + best[2] - (best[2] - best[0]) ** 2) / len(chances)))
    low, high = max(-100.0, min(nets) - spread), min(100.0, max(nets) + spread)
    negative, neutral, positive = (float(each) for each in best)
    unknown = len(scores) - len(chances)
    return Shares(negative, neutral, positive, nets[-1], low, high, len(chances), unknown)


def _adjusted(chances: Floats) -> Floats:
    """The shares under which the scores, learnt from equal shares, are most likely: found by repeated weighing."""
    prior = chances.mean(axis=0)
    for _ in range(ROUNDS):
        weighed = chances * prior
        prior = np.maximum((weighed / weighed.sum(axis=1, keepdims=True)).mean(axis=0), FLOOR)
        prior /= prior.sum()
    return np.asarray(prior, np.float64)


def _net(found: Floats) -> float:
    return 100 * float(found[2] - found[0])
