"""A file of messages in, a line of JSON for each out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from ingest.archive import ExportError
from ingest.enrich import words
from ingest.enrich.scorer import Scorer

DIGITS: Final = 4


def texts_of(path: Path, column: str | None) -> pl.Series:
    """Each line of a text file, or each row of a column of a CSV or Parquet file, in order."""
    if column:
        return _column(path, column)
    if path.suffix in (".csv", ".parquet"):
        raise ExportError(f"{path}: it is a table. Say which column has the text: --column NAME")
    return _lines(path)


def scored(texts: pl.Series, scorer: Scorer, platform: str | None, tick: Callable[[int], None]) -> Iterator[str]:
    """A JSON object for each text; `tick` is told how many are done."""
    for since in range(0, len(texts), scorer.at_once):
        for row in scorer.score(texts[since : since + scorer.at_once], platform).iter_rows(named=True):
            yield _told(row)
        tick(min(since + scorer.at_once, len(texts)))


def _told(row: dict[str, object]) -> str:
    numbers = {name: _rounded(row[f"p_{name}"]) for name in ("negative", "neutral", "positive")}
    flags = words.names(int(str(row["flags"])))
    rest = {"confidence": _rounded(row["confidence"]), "language": row["language"], "flags": flags}
    return msgspec.json.encode({"label": row["label"], **numbers, **rest}).decode()


def _rounded(value: object) -> float | None:
    return round(value, DIGITS) if isinstance(value, float) else None


def _lines(path: Path) -> pl.Series:
    try:
        read = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: it cannot be read ({error.strerror}). Is the path right?") from None
    lines = read.removesuffix(b"\n").split(b"\n") if read else []
    return pl.Series([line.rstrip(b"\r").decode(errors="replace") for line in lines], dtype=pl.String)


def _column(path: Path, column: str) -> pl.Series:
    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ExportError(f"{path}: it is no CSV or Parquet file ({str(error).splitlines()[0]}).") from None
    if column not in table.columns:
        raise ExportError(f"{path}: there is no column {column!r}; there are: {', '.join(table.columns)}")
    return table[column]
