"""Who scores: what every scorer offers, and where to find one by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.enrich.words import UNCLASSIFIED, default_overlay

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
    at_once: int  # how many texts to give it together: some seconds of work

    def score(self, texts: Texts, platform: str | None = None) -> pl.DataFrame:
        """Columns as in SCHEMA."""


def rows(chances: npt.NDArray[np.float64], languages: pl.Series, flags: pl.Series) -> pl.DataFrame:
    """SCHEMA's columns, from the chances of the three labels; those of the unclassified are left out."""
    best = chances.argmax(axis=1)
    label = pl.Series(LABELS, dtype=pl.String).gather(best)
    columns = [*chances.T, label, chances[np.arange(len(best)), best], languages, flags]
    found = pl.DataFrame(dict(zip(SCHEMA, columns, strict=True)), schema_overrides=SCHEMA)
    scores = [name for name in SCHEMA if name not in {"language", "flags"}]
    classified = pl.col("flags") & int(UNCLASSIFIED) == 0
    return found.with_columns(pl.when(classified).then(pl.col(scores)))


def scorer(
    name: str = "linear",
    words: Mapping[str, str] | None = None,
    folder: Path | None = None,
    threads: int | None = None,
) -> Scorer:
    """A scorer by name; `words` of the house are added to, and win over, those that come with it.

    `folder` is where the model of "strong" lies, `threads` how many messages it hears at once. LookupError: there is
    no such scorer, or what it needs is missing.
    """
    meanings = default_overlay() | dict(words or {})
    if name == "linear":
        from ingest.enrich.linear import Linear

        return Linear.load(meanings)
    if name == "vader":
        from ingest.enrich.vader import Vader

        return Vader(meanings)
    if name == "strong":
        from ingest.enrich.strong import Strong

        return Strong.load(folder, meanings, threads)
    raise LookupError(f"no scorer {name!r}; there are: linear, vader, strong")
