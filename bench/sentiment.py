"""How right, how honest and how fast the scorer is, beside VADER, on sets it was never trained on."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from bench.figures import Figure
from bench.load import run
from ingest.enrich.scorer import LABELS, Scorer, scorer
from metrics.quantify import shares

SETS: Final = Path(__file__).parents[2] / "shared" / "sentiment" / "validation.parquet"
GOALS: Final = {  # macro-averaged recall, and the platform that the set is from
    "tweeteval_val": (66.0, "x"),
    "goemotions_dev": (70.0, "reddit"),
    "kaggle_test": (74.0, "x"),
    "senti4sd_test": (82.0, "stackoverflow"),
}
ROUNDS: Final = 3
BINS: Final = 10
FASTER: Final = 12
MEMORY: Final = 250
ALONE: Final = (
    "import sys; from ingest.enrich.scorer import scorer; "
    "scorer().score(['Thanks, it works', 'It is broken again', 'Wo finde ich das?'] * 20_000)"
)


ALONE_STRONG: Final = (
    "from pathlib import Path; from ingest.enrich.scorer import scorer; "
    "scorer('strong', folder=Path({folder!r})).score([f'Thanks, it works on {{at}}' for at in range(300)])"
)
SAMPLE: Final = 1500  # messages of each set that a model of hundreds of megabytes is asked about


def figures(path: Path = SETS, strong: Path | None = None) -> list[Figure]:
    """All figures; none, and a word why, where the sets are missing. `strong`: a folder with a model to set beside."""
    if not path.exists():
        print(f"sentiment is skipped: {path.name} with its labelled messages is not there", file=sys.stderr)
        return []
    table, ours, vader = pl.read_parquet(path), scorer(), scorer("vader")
    sets = {name: table.filter(pl.col("source") == name) for name in GOALS}
    found = [figure for name, rows in sets.items() for figure in _accuracy(name, rows, ours, vader)]
    found += [*_nets(sets, ours, vader), _speed(table["text"], ours, vader), _memory()]
    return [*found, *_strong(sets, ours, strong)] if strong else found


def _accuracy(name: str, rows: pl.DataFrame, ours: Scorer, vader: Scorer) -> list[Figure]:
    """Goals are the most a figure may be, so what is told is how much recall is missing from 100."""
    least, platform = GOALS[name]
    scores = ours.score(rows["text"], platform)
    theirs, generic = recall(vader.score(rows["text"]), rows["label"]), recall(ours.score(rows["text"]), rows["label"])
    mine, classified = recall(scores, rows["label"]), 100 * scores["label"].count() / len(scores)
    against = (
        f"recall {mine:.1f}, VADER {theirs:.1f}; {generic:.1f} without the platform; en, {classified:.1f} % classified"
    )
    return [
        Figure("sentiment", f"{name} missed", 100 - mine, "points", 100 - least, against),
        Figure("sentiment", f"{name} calibration", calibration(scores, rows["label"]), "points", 5.0),
    ]


def recall(scores: pl.DataFrame, labels: pl.Series) -> float:
    """Recall averaged over the three labels, of what was classified, in points."""
    right = pl.DataFrame({"label": labels, "found": scores["label"]}).drop_nulls()
    return 100 * float(np.mean([(right.filter(label=label)["found"] == label).mean() for label in LABELS]))


def calibration(scores: pl.DataFrame, labels: pl.Series) -> float:
    """Expected calibration error: how far confidence is from being right, over ten equal bins, in points."""
    right = pl.DataFrame({"sure": scores["confidence"], "is_right": scores["label"] == labels}).drop_nulls()
    bins = right.group_by((pl.col("sure") * BINS).floor()).agg(
        pl.len(), (pl.col("sure").mean() - pl.col("is_right").mean()).abs().alias("off")
    )
    return 100 * float((bins["off"] * bins["len"]).sum()) / len(right)


def _nets(sets: dict[str, pl.DataFrame], ours: Scorer, vader: Scorer) -> list[Figure]:
    """How far the estimated net of positive over negative is off, set by set and on average."""
    off, plain, found = [], [], []
    for name, rows in sets.items():
        true = _net(rows["label"])
        estimate = shares(ours.score(rows["text"], GOALS[name][1]))
        counted = _net(vader.score(rows["text"])["label"])
        if estimate is None:
            continue
        off.append(abs(estimate.net - true))
        plain.append(abs(counted - true))
        against = f"true {true:.1f}, estimated {estimate.net:.1f}, VADER's count {counted:.1f}"
        found.append(Figure("sentiment", f"{name} net", off[-1], "points", 8.0, against))
    against = f"VADER's count {np.mean(plain):.1f}"
    return [*found, Figure("sentiment", "net on average", float(np.mean(off)), "points", 4.0, against)]


def _net(labels: pl.Series) -> float:
    known = labels.drop_nulls()
    return 100 * (len(known.filter(known == "positive")) - len(known.filter(known == "negative"))) / len(known)


def _speed(texts: pl.Series, ours: Scorer, vader: Scorer) -> Figure:
    """Seconds of ours for one of VADER's, both on one core, by turns, each at its best."""
    many = pl.concat([texts] * 5)
    ours.score(texts[:10])
    times = [(_worked(ours, many) / 5, _worked(vader, texts)) for _ in range(ROUNDS)]
    mine, theirs = min(mine for mine, _ in times), min(theirs for _, theirs in times)
    against = f"{len(texts) / mine:,.0f} messages a second, VADER {len(texts) / theirs:,.0f}: {theirs / mine:.1f} times"
    return Figure("sentiment", "processor time", mine / theirs, "x", 1 / FASTER, against)


def _worked(each: Scorer, texts: pl.Series) -> float:
    began = time.process_time()
    each.score(texts)
    return time.process_time() - began


def _memory() -> Figure:
    return Figure(
        "sentiment", "most memory", run("-c", ALONE).peak * 1000, "MB", MEMORY, "60,000 messages in a process"
    )


def _strong(sets: dict[str, pl.DataFrame], ours: Scorer, folder: Path) -> list[Figure]:
    """A model that somebody brought, on some of each set: it is held to no goal."""
    strong, found, waited = scorer("strong", folder=folder), [], 0.0
    few = {name: rows.sample(min(SAMPLE, len(rows)), seed=1) for name, rows in sets.items()}
    for name, rows in few.items():
        began = time.monotonic()
        scores = strong.score(rows["text"])
        waited += time.monotonic() - began
        mine, theirs = recall(ours.score(rows["text"], GOALS[name][1]), rows["label"]), recall(scores, rows["label"])
        against = f"recall {theirs:.1f}, ours {mine:.1f} on the same {len(rows):,}"
        found.append(Figure("sentiment", f"strong: {name} missed", 100 - theirs, "points", None, against))
    peak = 1000 * run("-c", ALONE_STRONG.format(folder=str(folder))).peak
    each = 1000 * waited / sum(len(rows) for rows in few.values())
    return [
        *found,
        Figure("sentiment", "strong: a message", each, "ms", None, f"{1000 / each:,.0f} messages a second"),
        Figure("sentiment", "strong: most memory", peak, "MB", None, "300 messages in a process"),
    ]
