"""What moved a share: a clear change, taken apart by channel, platform, time of the week and more.

Each group's part of the difference is in two: its own share changed (rate), and it has more or less of what is counted
(mix). Kitagawa (1955) weighs both by the mean of the two periods, so that the parts add up to the whole difference,
with nothing left over. A group's mix is told against the whole community's share (Griliches and Regev 1995): more asks
where few are answered pull down. Seen by channel and seen by platform it is the same change twice: only the parts of
one dimension may be added.

Parts swing by chance, so each has a 95 % interval of its own, by leaving out one member at a time (the jackknife; Efron
and Stein 1981). The sentence is stricter. A group is named only if its rate part is clearly larger than its size
alone would make it, for where all fell alike no group explains the fall; a dimension's mix only if that is clearly not
0; and all of these of all dimensions are judged together, by Holm's rule.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from data.settings import Settings
from metrics.guard import (
    FEW,
    Change,
    Period,
    Z,
    _Both,
    _both,
    _doubt,
    _normal,
    _percent,
    _sql,
    _student,
    compare,
    holm,
    shares,
)
from metrics.metric import Asked, Question, fingerprint, metrics

REST = "the rest"
"""The groups of which one of the periods has under FEW."""
TOLD = 0.01
"""A part under a point is not told."""
COUNTS = ("met_before", "n_before", "met", "n")
AT_ONCE = 1000  # members, each left out of a copy of the counts
DIMENSIONS = {
    "channel": ("channels", "in {}"),
    "source": ("sources", "in {}"),
    "platform": ("platforms", "on {}"),
    "time": ("times of the week", "{}"),
    "newcomer": ("newcomers and others", "{}"),
    "reason": ("reasons to reply", "with the reason “{}”"),
}
"""How a dimension's mix is told, and what stands in one of its groups; of equal explanations the first is told."""
SCHEMA = {
    "dimension": pl.String, "group": pl.String, "n_before": pl.Int64, "n": pl.Int64,
    "share_before": pl.Float64, "share": pl.Float64, "rate_part": pl.Float64, "mix_part": pl.Float64,
    "part": pl.Float64, "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """The change, its parts as rows, and one sentence: empty, like the rows, where no change is clear.

    rows: one a group, by dimension; n and share, of what the metric counts; rate_part + mix_part = part, in shares
    (0.01 is a point), and low to high its 95 % interval, null where one member is all there is. The parts of a
    dimension add up to the difference.
    """

    change: Change
    rows: pl.DataFrame
    sentence: str
    fingerprint: str


class Group(NamedTuple):
    """One row: as in SCHEMA."""

    dimension: str
    name: str
    n_before: int
    n: int
    share_before: float | None
    share: float | None
    rate_part: float
    mix_part: float
    part: float
    low: float | None
    high: float | None


class Mover(NamedTuple):
    """What may have moved the share: a group's own share or, of a dimension, the mix; `group` stands for it then.

    was, now: the group's share, or how much of all it counts.
    """

    group: Group
    is_mix: bool
    was: float
    now: float
    part: float
    excess: float  # what the group's size alone would not make of it
    doubt: float | None


def explain(
    store: Asked,
    settings: Settings,
    question: Question,
    previous: Period | None = None,
    known: Change | None = None,
) -> Explanation:
    """What moved a metric between `previous`, the period just before unless told, and the question's.

    known: their change, where it has been judged already. Raises LookupError for what is no share of things that each
    stand in one place, and where no period is told.
    """
    if question.name not in shares():
        raise LookupError(f"{question.name} cannot be explained so; {', '.join(shares())} can")
    both = _both(store, settings, replace(question, by=None), previous)
    change = known or compare(store, settings, both.question, previous)
    made = fingerprint(metrics()[question.name], both.question, settings, store.snapshot or "")
    groups, movers = _taken_apart(both.queried("parts")) if change.verdict.startswith("clear") else ([], [])
    rows = pl.DataFrame(groups, SCHEMA, orient="row")
    sentence = _sentence(both, change, movers) if groups else ""
    return Explanation(change, rows, sentence, f"{made}-explained-{_version(both)}")


def _version(both: _Both) -> str:
    """Changes when the way to explain does, or the period that it is compared with."""
    code = [Path(__file__).read_text("utf-8"), *(_sql(name) for name in ("both", "parts"))]
    said = [*code, shares()[both.question.name].sql, repr(both.previous)]
    return hashlib.sha256("".join(said).encode()).hexdigest()[:8]


# Taking apart -----------------------------------------------------------------------------------


def _taken_apart(counted: pl.DataFrame) -> tuple[list[Group], list[Mover]]:
    """All groups, the largest parts first, and what clearly moved the share, from the rows of parts.sql."""
    groups, movers = list[Group](), list[Mover]()
    for dimension in DIMENSIONS:
        here = _gathered(counted.filter(pl.col("dimension") == dimension))
        if here["group"].n_unique() > 1:
            found, tried = _Seen.by(dimension, here).told()
            groups += sorted(found, key=lambda each: (each.name == REST, -abs(each.part), each.name))
            movers += tried
    held = holm([each.doubt for each in movers])
    return groups, [each for place, each in enumerate(movers) if place in held and abs(each.part) >= TOLD]


def _gathered(here: pl.DataFrame) -> pl.DataFrame:
    """A row each group and member, the small groups in one."""
    is_large = pl.min_horizontal(pl.col("n_before", "n").sum().over("group")) >= FEW
    named = pl.when(is_large).then("group").otherwise(pl.lit(REST)).alias("group")
    return here.with_columns(named).group_by("group", "drawn_id").agg(pl.col(*COUNTS).sum()).sort("group", "drawn_id")


@dataclass(frozen=True)
class _Seen:
    """What is counted, seen by one dimension: for each group and member there, the four COUNTS (4, rows)."""

    dimension: str
    names: list[str]
    group: npt.NDArray[np.intp]
    member: npt.NDArray[np.intp]
    rows: Floats

    @classmethod
    def by(cls, dimension: str, here: pl.DataFrame) -> _Seen:
        """From gathered rows."""
        names, group = np.unique(here["group"].to_list(), return_inverse=True)
        member = np.unique(here["drawn_id"].to_numpy(), return_inverse=True)[1]
        return cls(dimension, names.tolist(), group, member, here.select(COUNTS).to_numpy().astype(np.float64).T)

    def told(self) -> tuple[list[Group], list[Mover]]:
        """The groups, and what may have moved the share."""
        counts, size = self.counts(), len(self.names)
        parts, freedom = _parts(counts), self.freedom()
        swings = np.sqrt(np.maximum(self.jackknifed(), _least(counts, parts)))
        groups = [self.row(place, counts, parts, _arm(swings[place], freedom[place])) for place in range(size)]
        beyond = [_doubt_of(parts.judged[size + place], swings[size + place], freedom[place]) for place in range(size)]
        named = [(place, group) for place, group in enumerate(groups) if group.name != REST]
        movers = [
            Mover(g, False, g.share_before or 0, g.share or 0, g.rate_part, parts.judged[size + place], beyond[place])
            for place, g in named
        ]
        mix = float(parts.mix.sum())
        group = max((group for _, group in named), key=lambda each: each.mix_part * mix)
        was, now = group.n_before / counts[1].sum(), group.n / counts[3].sum()
        return groups, [*movers, Mover(group, True, was, now, mix, mix, _doubt_of(mix, swings[-1], freedom[-1]))]

    def row(self, place: int, counts: Floats, parts: Parts, arm: float | None) -> Group:
        """One group."""
        met_before, n_before, met, n = counts[:, place].tolist()
        rate, mix = float(parts.rate[place]), float(parts.mix[place])
        shares_then_now = met_before / n_before if n_before else None, met / n if n else None
        span = (None, None) if arm is None else (rate + mix - arm, rate + mix + arm)
        name = self.names[place]
        return Group(self.dimension, name, int(n_before), int(n), *shares_then_now, rate, mix, rate + mix, *span)

    def counts(self) -> Floats:
        """The four counts of each group."""
        return np.stack([np.bincount(self.group, row, len(self.names)) for row in self.rows])

    def freedom(self) -> list[int]:
        """For each group, and for all: how many members there were when there were fewer, less one."""
        there = self.rows[[1, 3]] > 0
        groups = [min(row[self.group == place].sum() for row in there) - 1 for place in range(len(self.names))]
        return [*groups, min(np.unique(self.member[row]).size for row in there) - 1]

    def jackknifed(self) -> Floats:
        """The variance of each of `Parts.judged`, by leaving out one member at a time."""
        counts, members = self.counts(), int(self.member.max()) + 1
        whole = _parts(counts).judged[:, None]
        squares = np.zeros(len(whole))
        for first in range(0, members, AT_ONCE):
            here = (self.member >= first) & (self.member < first + AT_ONCE)
            own = np.zeros((*counts.shape, min(AT_ONCE, members - first)))
            own[:, self.group[here], self.member[here] - first] = self.rows[:, here]
            squares += ((_parts(counts[:, :, None] - own).judged - whole) ** 2).sum(1)
        return squares * (members - 1) / members


class Parts(NamedTuple):
    """Arrays of (groups, ...): what each adds to the difference, and how much of all it counts on average."""

    rate: Floats
    mix: Floats
    weight: Floats

    @property
    def judged(self) -> Floats:
        """Below each other: each group's part, its rate part beyond what its size makes of all, and the whole mix."""
        beyond = self.rate - self.weight * self.rate.sum(0)
        return np.concatenate([self.rate + self.mix, beyond, self.mix.sum(0, keepdims=True)])


def _parts(counts: Floats) -> Parts:
    """From the four counts of each group, (4, groups, ...). A group that is not there in one period is all mix."""
    met_before, n_before, met, n = counts
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing left over is unknown, and stays so
        before, now = met_before / n_before, met / n
        before, now = np.where(n_before > 0, before, now), np.where(n > 0, now, before)
        before, now = (np.where((n_before > 0) | (n > 0), share, 0.0) for share in (before, now))
        weight_before, weight = n_before / n_before.sum(0), n / n.sum(0)
        middle = (met_before.sum(0) / n_before.sum(0) + met.sum(0) / n.sum(0)) / 2
    mean = (weight_before + weight) / 2
    return Parts(mean * (now - before), (weight - weight_before) * ((before + now) / 2 - middle), mean)


def _least(counts: Floats, parts: Parts) -> Floats:
    """What the variances of `Parts.judged` are at least: those of as many single asks, none of them certain.

    One more that is met and one that is not, in either period (Agresti and Caffo 2000): 30 of 30 may be luck too.
    """
    n = counts[1::2] + 2
    shares_of_more = (counts[::2] + 1) / n
    each = parts.weight**2 * (shares_of_more * (1 - shares_of_more) / n).sum(0)
    beyond = (1 - parts.weight) ** 2 * each + parts.weight**2 * (each.sum() - each)
    return np.concatenate([each, beyond, [0.0]])


def _arm(swing: float, freedom: int) -> float | None:
    """How far a 95 % interval reaches."""
    return None if freedom < 1 or np.isnan(swing) else float(swing) * _student(Z, freedom)


def _doubt_of(effect: float, swing: float, freedom: int) -> float | None:
    """How often chance alone does as much; None where that cannot be known."""
    if freedom < 1 or np.isnan(swing):
        return None
    return _doubt(_normal(abs(float(effect)) / float(swing), freedom)) if swing > 0 else 1.0


# Words ------------------------------------------------------------------------------------------


def _sentence(both: _Both, change: Change, movers: list[Mover]) -> str:
    """What moved it most and, seen the same way, what moved it back."""
    apart = change.difference or 0.0
    lead = max(
        (each for each in movers if each.part * apart > 0), key=lambda each: round(abs(each.excess), 9), default=None
    )
    if lead is None:
        return "No single channel, platform or time of the week explains it."
    against = [each for each in movers if each.group.dimension == lead.group.dimension and each.part * apart < 0]
    whole = f"the {'fall' if apart < 0 else 'rise'} of {_points(apart)}"
    portion = lead.part / apart
    of = f"{_points(lead.part)} of {whole} come" if portion < 0.5 else f"Most of {whole} comes"
    of = f"{whole.capitalize()} comes" if portion >= 0.95 else of
    more = f" ({_points(lead.part)})" if portion >= 1.05 else ""
    back = "".join(f"; {_back(each, both, apart)}" for each in sorted(against, key=lambda each: -abs(each.part))[:1])
    return f"{of} from {_what(lead, both.of)}{more}: {_how(lead, both)}{back}."


def _back(mover: Mover, both: _Both, apart: float) -> str:
    """What moved it the other way."""
    moved = f"gave {_points(mover.part)} back" if apart < 0 else f"took {_points(mover.part)} back"
    return f"{_what(mover, both.of)} {moved} ({_how(mover, both)})"


def _what(mover: Mover, of: str) -> str:
    mixed, where = DIMENSIONS[mover.group.dimension]
    return f"another mix of {mixed}" if mover.is_mix else f"{of} {where.format(mover.group.name)}"


def _how(mover: Mover, both: _Both) -> str:
    """What the share of the group was and is, or how much of all it was and is."""
    was, now = _percent(mover.was), _percent(mover.now)
    if not mover.is_mix:
        return f"{was} to {now} {both.met}"
    fewer = "fewer" if mover.now < mover.was else "more"
    return f"{fewer} {both.of} {DIMENSIONS[mover.group.dimension][1].format(mover.group.name)}, {was} to {now} of all"


def _points(part: float) -> str:
    points = f"{abs(part) * 100:.0f}"
    return f"{points} point" + ("" if points == "1" else "s")
