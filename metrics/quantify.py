"""How many messages of a group are negative, neutral and positive: an estimate, not a count of labels.

A count of labels is drawn towards the shares the scorer was trained on. The prior adjustment of Saerens, Latinne
and Decaestecker (2002) asks which shares explain the scores best; it is nearly right where labels look as they did
in training, and far off where they do not. So it is tempered with the plain count, and what is told beside the
estimate is how far the estimators disagree, and how far they would swing with other members (a bootstrap).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

ROUNDS: Final = 60
ROUNDS_MORE: Final = 12  # of a replicate, which begins where the estimate ended
TRUST: Final = 0.5  # in the adjustment, the rest in the count
FLOOR: Final = 0.02  # no label is ever wholly absent
BUCKETS: Final = 64  # members are drawn by the bucket: a hash of who they are
REPLICATES: Final = 200
SEED: Final = 2002

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
    """The shares of a group of scored messages, each by somebody else; None where nothing was classified."""
    known = scores.filter(pl.col("label").is_not_null())
    if known.is_empty():
        return None
    chances = known.select("p_negative", "p_neutral", "p_positive").to_numpy().astype(np.float64)
    labels = chances.argmax(axis=1)
    members = np.zeros((1, BUCKETS, len(labels)))
    members[0, np.arange(len(labels)) % BUCKETS, np.arange(len(labels))] = 1
    best, low, high = _estimated(members, chances, labels)
    negative, neutral, positive, net, since, until = (
        float(each) for each in (*best[0], _net(best)[0], low[0], high[0])
    )
    return Shares(negative, neutral, positive, net, since, until, len(labels), len(scores) - len(labels))


def net(rows: pl.DataFrame) -> pl.DataFrame:
    """What `net_sentiment` says, from its counts by week, split, bucket of members and kind of message, in this order.

    A kind is 100 times the label's place, from 1, and its cell of chances; null: unclassified.
    """
    grouped = rows.with_columns(pl.struct("week", "split").rle_id().alias("group"))
    is_classified = pl.col("kind").is_not_null()
    groups = grouped.group_by("group", "week", "split", maintain_order=True).agg(
        pl.col("is_known").first(),
        pl.col("messages").filter(is_classified).sum(),
        pl.col("messages").filter(~is_classified).sum().alias("unclassified"),
    )
    figures = _figures(grouped.filter(is_classified & pl.col("is_known")))
    found = [_row(figures.get(group), *told) for group, *told in groups.iter_rows()]
    return pl.DataFrame(found, schema=_schema(rows), orient="row")


def _figures(rows: pl.DataFrame) -> dict[int, list[float]]:
    """Points, low, high and the share of negative for each group that has classified messages."""
    if rows.is_empty():
        return {}
    groups, group = np.unique(rows["group"].to_numpy(), return_inverse=True)
    kinds, kind = np.unique(rows["kind"].to_numpy(), return_inverse=True)
    members = np.zeros((len(groups), BUCKETS, len(kinds)))
    members[group, rows["bucket"].to_numpy(), kind] = rows["messages"].to_numpy()
    best, low, high = _estimated(members, _chances(kinds % 100), kinds // 100 - 1)
    return dict(zip(groups.tolist(), np.stack([_net(best), low, high, best[:, 0]], axis=1).tolist(), strict=True))


def _row(
    figures: Sequence[float | None] | None,
    week: object,
    split: object,
    is_known: bool,
    messages: int,
    unclassified: int,
) -> tuple[object, ...]:
    is_told = is_known and messages + unclassified
    share = unclassified / (messages + unclassified) if is_told else None
    return week, split, *(figures or (None,) * 4), share, messages


def _schema(rows: pl.DataFrame) -> dict[str, pl.DataType | type[pl.DataType]]:
    figures = ("points", "low", "high", "negative_share", "unclassified_share")
    ends = {"week": rows.schema["week"], "split": rows.schema["split"]}
    return {**ends, **dict.fromkeys(figures, pl.Float64), "messages": pl.Int64}


def _chances(cells: npt.NDArray[np.int64]) -> Floats:
    """The chances a cell stands for: the middle of its tenths of negative and positive."""
    negative, positive = cells // 10 / 10 + 0.05, cells % 10 / 10 + 0.05
    found = np.stack([negative, np.maximum(1 - negative - positive, FLOOR), positive], axis=1)
    return np.asarray(found / found.sum(axis=1, keepdims=True), np.float64)


def _estimated(members: Floats, chances: Floats, labels: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """The shares of each group, (groups, 3), and the ends of its net.

    From how many messages of each kind each bucket of members wrote, (groups, buckets, kinds), and a kind's chances.
    """
    one_hot = np.eye(3)[labels]
    whole = members.sum(axis=1)
    start, count = _mean(whole, chances), _mean(whole, one_hot)
    adjusted = _adjusted(whole, chances, start, ROUNDS)
    best = TRUST * adjusted + (1 - TRUST) * count
    again = np.stack([_replicates(*each, chances, one_hot) for each in zip(members, adjusted, strict=True)])
    low, high = np.percentile(again, [2.5, 97.5], axis=1) - _net(best)
    nets = np.stack([_net(each) for each in (count, start, adjusted, best)])
    return best, np.maximum(-100.0, nets.min(axis=0) + low), np.minimum(100.0, nets.max(axis=0) + high)


def _replicates(members: Floats, adjusted: Floats, chances: Floats, one_hot: Floats) -> Floats:
    """The net of one group, (buckets, kinds), as if other members had spoken, again and again."""
    heard = members.any(axis=0)
    drawn = _drawn(members[members.any(axis=1)].compress(heard, axis=1))  # [:, heard] is laid out so that BLAS crawls
    prior = np.repeat(adjusted[np.newaxis], len(drawn), 0)
    found = TRUST * _adjusted(drawn, chances[heard], prior, ROUNDS_MORE) + (1 - TRUST) * _mean(drawn, one_hot[heard])
    return _net(found)


def _drawn(members: Floats) -> Floats:
    """The counts again and again, as if other members had spoken: whole buckets are drawn."""
    return np.asarray(_weights(len(members)) @ members, np.float64)


@cache
def _weights(buckets: int) -> Floats:
    """How often each bucket is drawn in each replicate: always the same, by a fixed seed."""
    drawn = np.random.default_rng(SEED).multinomial(buckets, np.full(buckets, 1 / buckets), REPLICATES)
    return np.asarray(drawn, np.float64)


def _mean(counts: Floats, values: Floats) -> Floats:
    """The mean of values, (groups, 3), under each row of counts, (rows, groups)."""
    return np.asarray(counts @ values / counts.sum(axis=1, keepdims=True), np.float64)


def _adjusted(counts: Floats, chances: Floats, prior: Floats, rounds: int) -> Floats:
    """The shares under which the scores, learnt from equal shares, are most likely: found by repeated weighing."""
    whole = counts.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        prior = np.maximum(prior * ((counts / (prior @ chances.T)) @ chances) / whole, FLOOR)
        prior = prior / prior.sum(axis=1, keepdims=True)
    return np.asarray(prior, np.float64)


def _net(found: Floats) -> Floats:
    return np.asarray(100 * (found[:, 2] - found[:, 0]), np.float64)
