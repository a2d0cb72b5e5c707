"""Learn the weights of the linear scorer from a folder of labelled messages: `make sentiment`.

The folder's train.parquet has columns text, label, source, licence and a teacher's teacher_negative,
teacher_neutral, teacher_positive. Only sources whose licence lets the weights be shared are read; no row is kept.
The same rows give the same weights, byte for byte, on the same kind of machine.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import typer

from ingest.enrich import words
from ingest.enrich.grams import ENGLISH, MARKS, PER_BYTE, compiled, fold, hash_bytes, pieces, slot, token_end
from ingest.enrich.grams import words as word_slots
from ingest.enrich.linear import (
    KINDS,
    PIECE_SHARE,
    WEIGHTS,
    WORD_SHARE,
    Model,
    buffers,
    negation_marks,
    share,
)
from ingest.enrich.scorer import LABELS

SOURCES: Final = {"semeval": "tweet", "kaggle_tweets": "tweet", "goemotions": "forum", "senti4sd": "developer"}
EMPHASIS: Final = {"semeval": 0.8, "kaggle_tweets": 1.5, "goemotions": 1.2, "senti4sd": 11.0}  # the last has few rows
TEACHER: Final = 0.6  # how far the teacher's shades are believed, beside the label
WORD_SLOTS, PIECE_SLOTS = 1_400_000, 1_000_000
ROUNDS: Final = 4
MODELS: Final = 5  # learnt in different orders; their mean is better than any
RATE: Final = 0.1
UNKNOWN_KIND: Final = 0.3  # of the messages teach the kind `other`, as if their platform were not known
RARE: Final = 1 << 24  # counters that tell what occurs only once, which teaches nothing
ENGLISH_FROM: Final = 15  # times that a word occurs until it is known as English
TEMPERATURES: Final = (0.75, 0.75, 0.75, 0.75)  # by kind; teaching with soft labels leaves it too unsure
SEED: Final = 20_130


@dataclass(frozen=True)
class Rows:
    """The messages as slots. `words` of each row's slots are of words, the rest of pieces."""

    slots: npt.NDArray[np.uint32]
    ends: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64]
    targets: npt.NDArray[np.float32]
    emphasis: npt.NDArray[np.float32]
    kinds: npt.NDArray[np.int64]


@compiled
def slots_of(text: Any, ends: Any, marks: Any, of_words: int, of_pieces: int) -> Any:
    """Every slot of every text; where each text's end; how many of them are of words."""
    found = np.empty((len(text) + 2 * len(ends)) * PER_BYTE, np.uint32)
    until, of_word = np.zeros(len(ends), np.int64), np.zeros(len(ends), np.int64)
    total = since = 0
    for row in range(len(ends)):
        folded = np.empty(ends[row] - since + 2, np.uint8)
        size = fold(text[since : ends[row]], folded)
        since = ends[row]
        of_word[row], _, _ = word_slots(folded[:size], marks, of_words, found[total:])
        total += of_word[row]
        total += pieces(folded[:size], of_pieces, of_words, found[total:])
        until[row] = total
    return found[:total], until, of_word


@compiled
def english_marks(text: Any, ends: Any, least: int) -> Any:
    """The marks of words that occur often enough."""
    counts, since = np.zeros(MARKS, np.int64), 0
    for row in range(len(ends)):
        folded = np.empty(ends[row] - since + 2, np.uint8)
        size = fold(text[since : ends[row]], folded)
        since, at = ends[row], 1
        while at < size:
            end = token_end(folded[:size], at)
            counts[slot(hash_bytes(folded, at, end), MARKS)] += folded[at] != 32
            at = end + (folded[at] == 32) * (at + 1 - end)
    return (counts >= least).astype(np.uint8) * ENGLISH


@compiled
def wrongs(negative: Any, positive: Any, target: Any, emphasis: Any) -> Any:
    """How far the shares of negative and positive are above what they should be."""
    top = max(negative, positive, np.float32(0))
    grown = np.exp(negative - top), np.exp(-top), np.exp(positive - top)
    total = grown[0] + grown[1] + grown[2]
    return (grown[0] / total - target[0]) * emphasis, (grown[2] / total - target[2]) * emphasis


@compiled
def learn(
    slots: Any,
    ends: Any,
    of_words: Any,
    shares: Any,
    targets: Any,
    emphasis: Any,
    kinds: Any,
    orders: Any,
    size: int,
    rate: float,
) -> Any:
    """Weights and biases by AdaGrad, one message at a time. Slot `size` is where rare slots go: it learns nothing."""
    weights, seen = np.zeros((size + 1, 2), np.float32), np.full((size + 1, 2), 1e-4, np.float32)
    bias = np.zeros((4, 2), np.float32)
    for turn in range(len(orders)):
        step = np.float32(rate * (1 - turn / len(orders)))
        for row in orders[turn]:
            since, until = ends[row - 1] if row else 0, ends[row]
            middle, kind = since + of_words[row], kinds[turn, row]
            negative, positive = bias[kind]
            for at in range(since, until):
                part = shares[row, 0 if at < middle else 1]
                negative += weights[slots[at], 0] * part
                positive += weights[slots[at], 1] * part
            wrong = wrongs(negative, positive, targets[row], emphasis[row])
            for side in range(2):
                bias[kind, side] -= np.float32(0.02) * step * wrong[side]
            for at in range(since, until):
                if slots[at] < size:
                    part = shares[row, 0 if at < middle else 1]
                    for side in range(2):
                        slope = wrong[side] * part
                        seen[slots[at], side] += slope * slope
                        weights[slots[at], side] -= step * slope / np.sqrt(seen[slots[at], side])
    return weights[:size], bias


def rows_of(folder: Path) -> tuple[pl.DataFrame, Rows, npt.NDArray[np.uint8]]:
    """The rows that may be learnt from, as slots, and the marks of English words."""
    table = pl.read_parquet(folder / "train.parquet").filter(pl.col("source").is_in(list(SOURCES)))
    said, _ = words.said(table["text"], words.Overlay({}))
    text, ends = buffers(said)
    marks = negation_marks()
    slots, until, of_words = slots_of(text, ends, marks, WORD_SLOTS, PIECE_SLOTS)
    apart, _, _ = slots_of(text, ends, marks, RARE, RARE)
    slots[np.bincount(apart, minlength=2 * RARE)[apart] < 2] = WORD_SLOTS + PIECE_SLOTS
    kinds = table["source"].replace_strict(SOURCES).replace_strict({kind: at for at, kind in enumerate(KINDS)})
    rows = Rows(slots, until, of_words, _targets(table), _emphasis(table), kinds.to_numpy().astype(np.int64))
    return table, rows, english_marks(text, ends, ENGLISH_FROM)


def _targets(table: pl.DataFrame) -> npt.NDArray[np.float32]:
    """The label, softened by what the teacher saw."""
    mixed = {
        label: TEACHER * pl.col(f"teacher_{label}") + (1 - TEACHER) * (pl.col("label") == label) for label in LABELS
    }
    return np.ascontiguousarray(table.select(**mixed).to_numpy(), np.float32)


def _emphasis(table: pl.DataFrame) -> npt.NDArray[np.float32]:
    """The labels of a source weigh the same together, so that none is guessed for being common."""
    balanced = pl.len().over("source") / 3 / pl.len().over("source", "label")
    return table.select(balanced * pl.col("source").replace_strict(EMPHASIS)).to_series().to_numpy().astype(np.float32)


def learn_all(rows: Rows) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The mean of several models."""
    size = WORD_SLOTS + PIECE_SLOTS
    counts = np.diff(rows.ends, prepend=0)
    shares = np.stack([share(rows.words, WORD_SHARE), share(counts - rows.words, PIECE_SHARE)], axis=1).astype(
        np.float32
    )
    found = []
    for model in range(MODELS):
        chance = np.random.default_rng(SEED + model)
        orders = np.stack([chance.permutation(len(rows.ends)) for _ in range(ROUNDS)])
        unknown = chance.random(orders.shape) < UNKNOWN_KIND
        kinds = np.where(unknown, KINDS.index("other"), rows.kinds)
        found.append(
            learn(rows.slots, rows.ends, rows.words, shares, rows.targets, rows.emphasis, kinds, orders, size, RATE)
        )
    return np.mean([weights for weights, _ in found], axis=0), np.mean([bias for _, bias in found], axis=0)


def codebook(
    weights: npt.NDArray[np.float32], often: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """A byte for each slot, and the 256 pairs the bytes stand for: k-means, in which what is met often counts more."""
    used = np.flatnonzero(weights.any(axis=1))
    points, heed = weights[used].astype(np.float64), np.sqrt(often[used] + 1.0)
    chance = np.random.default_rng(SEED)
    strength = heed * np.abs(points).sum(axis=1)
    pairs = points[chance.choice(len(points), 256, replace=False, p=strength / strength.sum())]
    pairs[0] = 0
    for _ in range(12):
        nearest = _nearest(points, pairs)
        heeded = np.bincount(nearest, heed, 256)
        sums = np.stack([np.bincount(nearest, heed * points[:, side], 256) for side in range(2)], axis=1)
        pairs = np.where(heeded[:, None] > 0, sums / np.maximum(heeded, 1e-9)[:, None], pairs)
        pairs[0] = 0
    codes = np.zeros(len(weights), np.uint8)
    codes[used] = _nearest(points, pairs)
    return codes, pairs


def _nearest(points: npt.NDArray[np.float64], pairs: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    found = np.empty(len(points), np.int64)
    for since in range(0, len(points), 20_000):
        part = points[since : since + 20_000]
        found[since : since + 20_000] = ((pairs**2).sum(axis=1) - 2 * part @ pairs.T).argmin(axis=1)
    return found


def model_of(
    weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], rows: Rows, english: npt.NDArray[np.uint8]
) -> Model:
    """What was learnt, made small."""
    often = np.bincount(rows.slots, minlength=len(weights) + 1)[: len(weights)]
    codes, pairs = codebook(weights, often)
    unit = float(np.abs(pairs).max() / 32_000)
    whole = np.rint(pairs / unit).astype(np.int16)
    temperatures = np.array(TEMPERATURES)
    return Model(codes, whole, unit, bias.astype(np.float64), temperatures, np.packbits(english), WORD_SLOTS)


def main(
    data: Annotated[Path, typer.Option(help="The folder with train.parquet.")],
    to: Annotated[Path, typer.Option(help="Where the weights go.")] = WEIGHTS,
) -> None:
    """Learn the weights of the linear scorer."""
    began = time.perf_counter()
    _, rows, english = rows_of(data)
    weights, bias = learn_all(rows)
    model_of(weights, bias, rows, english).write(to)
    spent = time.perf_counter() - began
    sys.stderr.write(f"{to}: {len(rows.ends):,} messages, {to.stat().st_size:,} bytes, {spent:.0f} s\n")


if __name__ == "__main__":
    typer.run(main)
