"""VADER, the usual lexicon, for comparison: the package vaderSentiment is needed only by the tests and the bench."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import polars as pl

from ingest.enrich import words
from ingest.enrich.scorer import SCHEMA, Texts
from ingest.enrich.words import UNCLASSIFIED, Flag, Overlay

NEUTRAL = 0.05  # a compound score nearer to 0 than this is neutral, as its authors have it


class Vader:
    """The same rules of what is scored as ours, so that only the scoring differs."""

    name = "vader"
    languages: frozenset[str] | None = None
    at_once = 4_096

    def __init__(self, meanings: Mapping[str, str]) -> None:
        try:
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]
        except ImportError:
            raise LookupError(
                "the scorer 'vader' needs a package: .venv/bin/python -m pip install vaderSentiment"
            ) from None
        self._scores = SentimentIntensityAnalyzer().polarity_scores
        self.overlay = Overlay(meanings)
        self.version = version("vaderSentiment")

    def score(self, texts: Texts, platform: str | None = None) -> pl.DataFrame:
        """A row for each text, as in SCHEMA. VADER knows no platforms, and its shares are not probabilities."""
        del platform
        plain, flags = words.said(words.as_texts(texts), self.overlay)
        silent = (plain.str.strip_chars() == "") & (flags & int(UNCLASSIFIED) == 0)
        flags = flags + silent.cast(pl.UInt16) * int(Flag.nothing_said)
        rows = [self._row(text, flag) for text, flag in zip(plain, flags, strict=True)]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def _row(self, text: str, flags: int) -> tuple[object, ...]:
        if flags & UNCLASSIFIED:
            return (None, None, None, None, None, None, flags)
        found = self._scores(text)
        compound = found["compound"]
        label = "positive" if compound >= NEUTRAL else "negative" if compound <= -NEUTRAL else "neutral"
        return (found["neg"], found["neu"], found["pos"], label, abs(compound), None, flags)
