"""Who scores: what every scorer offers, and where to find one by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import polars as pl

from ingest.enrich.words import default_overlay

Texts = Sequence[object] | pl.Series

SCHEMA: Final = {
    "p_negative": pl.Float32,
    "p_neutral": pl.Float32,
    "p_positive": pl.Float32,
    "label": pl.String,
    "confidence": pl.Float32,
    "language": pl.String,
    "flags": pl.UInt16,
}
"""A row for each text. Unclassified: all null but `flags`, which say why, and `language` where it was found."""

LABELS: Final = ("negative", "neutral", "positive")


class Scorer(Protocol):
    """Says how a message sounds. The same text has the same scores, whatever it is scored beside."""

    name: str
    version: str  # changes with the weights and the words of the house; scores of two versions are never mixed
    languages: frozenset[str] | None  # None: it does not ask

    def score(self, texts: Texts, platform: str | None = None) -> pl.DataFrame:
        """Columns as in SCHEMA."""


def scorer(name: str = "linear", words: Mapping[str, str] | None = None) -> Scorer:
    """A scorer by name; `words` of the house are added to, and win over, those that come with it."""
    meanings = default_overlay() | dict(words or {})
    if name == "linear":
        from ingest.enrich.linear import Linear

        return Linear.load(meanings)
    if name == "vader":
        from ingest.enrich.vader import Vader

        return Vader(meanings)
    raise LookupError(f"no scorer {name!r}; there are: linear, vader")
