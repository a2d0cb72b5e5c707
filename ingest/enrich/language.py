"""The language of what was said. Most English is known by its words; only the doubtful is looked at closer."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

KNOWN: Final = 0.75  # share of words known as English from which no further question is asked
SHORT: Final = 2  # words; fewer say too little to tell a name from a language

CODES: Final = {
    "ara": "ar",
    "cmn": "zh",
    "deu": "de",
    "eng": "en",
    "fra": "fr",
    "hin": "hi",
    "ita": "it",
    "jpn": "ja",
    "kor": "ko",
    "nld": "nl",
    "por": "pt",
    "rus": "ru",
    "spa": "es",
    "swe": "sv",
    "tur": "tr",
    "vie": "vi",
}


def of(texts: pl.Series, spoken: npt.NDArray[Any], english: npt.NDArray[Any]) -> pl.Series:
    """Two-letter codes; null where nothing was said, `und` where no language could be told."""
    is_known = (spoken > 0) & (english >= spoken * KNOWN)
    found = pl.Series(np.where(is_known, "en", ""), dtype=pl.String).set(pl.Series(spoken == 0), None)
    doubtful = pl.Series(np.flatnonzero((spoken > 0) & ~is_known))
    if doubtful.is_empty():
        return found
    guessed = _guess(texts.gather(doubtful))
    # The library names one of its 16 languages even for what is in none: English needs an English word to be sure.
    is_foreign = (guessed == "en") & pl.Series((english == 0) & (spoken > SHORT)).gather(doubtful)
    return found.scatter(doubtful, guessed.set(is_foreign, "und"))


def _guess(texts: pl.Series) -> pl.Series:
    from polars_whichlang import detect_lang

    guessed = texts.to_frame("text").select(detect_lang(pl.col("text"))).to_series()
    return guessed.replace_strict(CODES, default="und", return_dtype=pl.String)
