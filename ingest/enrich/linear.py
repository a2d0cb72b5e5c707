"""Our own scorer: a linear model over hashed words and pieces of words, in one byte a slot.

Each byte names one of 256 pairs of whole-number weights, (negative, positive), beside neutral's 0. Sums are of
whole numbers and what follows are plain float64 steps in one order, so that every machine finds the same score.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.enrich import language, words
from ingest.enrich.grams import (
    ENGLISH,
    MARKS,
    NEGATES,
    NEGATIONS,
    PER_BYTE,
    Slots,
    compiled,
    fold,
    hash_bytes,
    pieces,
    slot,
)
from ingest.enrich.grams import words as word_slots
from ingest.enrich.scorer import SCHEMA, Texts, rows
from ingest.enrich.words import UNCLASSIFIED, Flag, Overlay, raised

WEIGHTS: Final = Path(__file__).parent / "weights.npz"
CHUNK: Final = 32_768  # messages at a time, so that memory does not grow with their number
KINDS: Final = ("tweet", "forum", "developer", "other")
PLATFORMS: Final = {
    "x": "tweet",
    "twitter": "tweet",
    "mastodon": "tweet",
    "bluesky": "tweet",
    "reddit": "forum",
    "discourse": "forum",
    "github": "developer",
    "gitlab": "developer",
    "stackoverflow": "developer",
}
WORD_SHARE, PIECE_SHARE = 0.6, 0.4  # of a text's words and of its pieces in what is learnt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Model:
    """What was learnt. Slots of words stand before slots of pieces."""

    codes: npt.NDArray[np.uint8]  # a slot's pair
    pairs: npt.NDArray[np.int16]  # (256, 2)
    unit: float  # of one step of a weight
    bias: Floats  # (kinds, 2)
    temperature: Floats  # (kinds,)
    english: npt.NDArray[np.uint8]  # a bit for each mark
    word_slots: int

    @classmethod
    def read(cls, path: Path) -> Model:
        """The model in a file."""
        with np.load(path, allow_pickle=False) as file:
            return cls(
                file["codes"],
                file["pairs"],
                float(file["unit"]),
                file["bias"],
                file["temperature"],
                file["english"],
                int(file["word_slots"]),
            )

    def write(self, path: Path) -> None:
        """Keep it; the same model gives the same bytes."""
        np.savez_compressed(path, **{each.name: getattr(self, each.name) for each in fields(self)})

    @cached_property
    def both(self) -> Ints:
        """Each pair in one number, positive above negative, so that one sum serves both."""
        return self.pairs[:, 0].astype(np.int64) + (self.pairs[:, 1].astype(np.int64) << 32)

    @cached_property
    def marks(self) -> npt.NDArray[np.uint8]:
        """What is known of each word: whether it is English, and whether it negates."""
        return negation_marks() | np.unpackbits(self.english) * np.uint8(ENGLISH)


def negation_marks() -> npt.NDArray[np.uint8]:
    """The marks with nothing but the negations."""
    marks = np.zeros(MARKS, np.uint8)
    for word in NEGATIONS.split():
        text = np.frombuffer(word.encode(), np.uint8)
        marks[slot(np.uint64(hash_bytes(text, 0, len(text))), MARKS)] |= NEGATES
    return marks


def buffers(texts: pl.Series) -> tuple[npt.NDArray[np.uint8], Ints]:
    """The bytes of all texts, one after another, and where each ends."""
    joined = texts.str.join("").cast(pl.Binary).item() or b""
    return np.frombuffer(joined, np.uint8), np.cumsum(texts.str.len_bytes().to_numpy(), dtype=np.int64)


@compiled
def total(found: Slots, codes: npt.NDArray[np.uint8], both: Ints) -> tuple[int, int]:
    """The sums of the negative and the positive weights of some slots."""
    summed = 0
    for at in found:
        summed += both[codes[at]]
    negative = ((summed + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
    return negative, (summed - negative) >> 32


@compiled
def weigh(
    text: npt.NDArray[np.uint8],
    ends: Ints,
    marks: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.uint8],
    both: Ints,
    slots: int,
) -> Ints:
    """For each text: slots of words and of pieces, words, English words; sums of weights of words, then of pieces."""
    told = np.zeros((len(ends), 8), np.int64)
    longest = since = 0
    for until in ends:
        longest, since = max(longest, until - since), until
    folded, found = np.empty(longest + 2, np.uint8), np.empty((longest + 2) * PER_BYTE, np.uint32)
    since = 0
    for row in range(len(ends)):
        size = fold(text[since : ends[row]], folded)
        since = ends[row]
        told[row, 0], told[row, 2], told[row, 3] = word_slots(folded[:size], marks, slots, found)
        told[row, 4], told[row, 5] = total(found[: told[row, 0]], codes, both)
        told[row, 1] = pieces(folded[:size], len(codes) - slots, slots, found)
        told[row, 6], told[row, 7] = total(found[: told[row, 1]], codes, both)
    return told


def share(count: Ints | Floats, whole: float) -> Floats:
    """How much each of so many slots counts: a long text says more, but not as much more as it is longer."""
    return np.asarray(whole / np.sqrt(np.sqrt(np.maximum(count, 1))), np.float64)


def exponential(power: Floats) -> Floats:
    """The number e to a power of at most 0, by the same steps on every machine; libraries differ in the last digit."""
    small = np.maximum(power, -60.0) / 256
    grown = 1 + small * (1 + small / 2 * (1 + small / 3 * (1 + small / 4 * (1 + small / 5))))
    for _ in range(8):
        grown *= grown
    return grown


def shares_of(logits: Floats) -> Floats:
    """Probabilities of the three labels from their logits."""
    top = np.maximum(np.maximum(logits[:, :1], logits[:, 1:2]), logits[:, 2:])  # sooner done than max(axis=1)
    grown = exponential(logits - top)
    return np.asarray(grown / (grown[:, :1] + grown[:, 1:2] + grown[:, 2:]), np.float64)


@dataclass(frozen=True)
class Heard:
    """What messages say before it is asked how they sound."""

    plain: pl.Series
    told: Ints  # by `weigh`
    languages: pl.Series
    flags: pl.Series


class Linear:
    """The default scorer: offline, and fast enough to score everything."""

    name = "linear"
    languages: frozenset[str] | None = frozenset({"en"})
    at_once = 16_384

    def __init__(self, model: Model, meanings: Mapping[str, str], learnt: bytes) -> None:
        self.model = model
        self.overlay = Overlay(meanings)
        self.version = hashlib.sha256(learnt + json.dumps(sorted(meanings.items())).encode()).hexdigest()[:12]

    @classmethod
    def load(cls, meanings: Mapping[str, str], path: Path = WEIGHTS) -> Linear:
        """The scorer with the weights in a file."""
        return cls(Model.read(path), meanings, path.read_bytes())

    def score(self, texts: Texts, platform: str | None = None) -> pl.DataFrame:
        """A row for each text, as in SCHEMA."""
        kind = KINDS.index(PLATFORMS.get(platform or "", "other"))
        parts = [self._score(part, kind) for part in _chunks(texts)]
        return pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMA)

    def logits(self, told: Ints, kind: int) -> Floats:
        """Of negative, neutral and positive, from what `weigh` told, before the temperature."""
        found = np.zeros((len(told), 3))
        sums = told[:, 4:6] * share(told[:, :1], WORD_SHARE) + told[:, 6:] * share(told[:, 1:2], PIECE_SHARE)
        found[:, ::2] = sums * self.model.unit + self.model.bias[kind]
        return found

    def hear(self, texts: pl.Series, known: frozenset[str] | None) -> Heard:
        """What is said and in which language, of those `known`. Other scorers ask too: so all leave the same out."""
        plain, flags = words.said(texts, self.overlay)
        told = weigh(*buffers(plain), self.model.marks, self.model.codes, self.model.both, self.model.word_slots)
        spoken, english = told[:, 2], told[:, 3]
        languages = language.of(plain, spoken, english)
        flags = flags + raised((flags & int(UNCLASSIFIED) == 0).to_numpy() & (spoken == 0), Flag.nothing_said)
        if known is not None:
            is_known = languages.is_in(list(known)).fill_null(value=True)
            flags = flags + raised(~is_known.to_numpy(), Flag.language)
        return Heard(plain, told, languages, flags)

    def _score(self, texts: pl.Series, kind: int) -> pl.DataFrame:
        heard = self.hear(texts, self.languages)
        chances = shares_of(self.logits(heard.told, kind) / self.model.temperature[kind])
        return rows(chances, heard.languages, heard.flags)


def _chunks(texts: Texts) -> Iterator[pl.Series]:
    for since, until in pairwise([*range(0, len(texts), CHUNK), len(texts)]):
        yield words.as_texts(texts[since:until])
