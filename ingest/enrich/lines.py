"""A file of messages in, a line of JSON for each out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from ingest.archive import ExportError
from ingest.enrich import words
from ingest.enrich.scorer import Scorer

AT_ONCE: Final = 16_384
DIGITS: Final = 4


def scored(path: Path, column: str | None, scorer: Scorer, platform: str | None) -> Iterator[str]:
    """A JSON object for each line of a text file, or each row of a column of a CSV or Parquet file, in order."""
    texts = _column(path, column) if column else _lines(path)
    for since in range(0, len(texts), AT_ONCE):
        for row in scorer.score(texts[since : since + AT_ONCE], platform).iter_rows(named=True):
            yield _told(row)


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
