"""A metric's rows on their way into a file, with what is told of them."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from typing import Any

import polars as pl
import pyarrow as pa

from data import explore
from data.explore import Extract
from data.meant import meant
from data.settings import Settings
from data.store import Store
from metrics.metric import Answer, Question


@dataclass(frozen=True)
class Shown:
    """Which columns, in which order of rows. No columns means all; no column to sort by, the metric's own order."""

    columns: tuple[str, ...] = ()
    sort: str = ""
    is_descending: bool = True


def shown(settings: Settings, answer: Answer, as_: Shown) -> pl.DataFrame:
    """The rows as a page or a file shows them. Raises LookupError for a column that is not there.

    Members are not followed over time on platforms whose terms forbid it.
    """
    if answer.metric.name in explore.PROFILES:
        followed = answer.rows.filter(~pl.col("platform").is_in(settings.privacy.no_profiles))
        answer = replace(answer, rows=followed)
    return arranged(answer, as_)


def arranged(answer: Answer, as_: Shown) -> pl.DataFrame:
    """All its rows, in the columns and the order that are wanted. Raises LookupError for a column that is not there."""
    rows = answer.rows
    if missing := [name for name in (*as_.columns, *filter(None, [as_.sort])) if name not in rows.columns]:
        raise LookupError(f"{answer.metric.name} has no column {missing[0]!r}{meant(missing[0], rows.columns)}")
    if as_.sort:
        rows = rows.sort(as_.sort, descending=as_.is_descending, nulls_last=True, maintain_order=True)
    return rows.select(as_.columns or rows.columns)


def extract(store: Store, settings: Settings, answer: Answer, as_: Shown) -> Extract:
    """The rows for a file."""
    rows = shown(settings, answer, as_)
    about = _about(store, settings, answer, rows) | ({"sorted by": as_.sort} if as_.sort else {})
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    batches = table.combine_chunks().to_batches(explore.BATCH)
    return Extract(
        answer.metric.name,
        answer.fingerprint,
        len(rows),
        about,
        lambda: nullcontext(pa.RecordBatchReader.from_batches(table.schema, batches)),
    )


def _about(store: Store, settings: Settings, answer: Answer, rows: pl.DataFrame) -> dict[str, Any]:
    metric, asked, plain = answer.metric, answer.question, Question(answer.metric.name)
    chosen = {each.name: getattr(asked, each.name) for each in fields(asked)}
    places = store.read("places")["platform"].unique()
    return {
        "what": f"{metric.title}. {metric.asks}",
        "fingerprint": answer.fingerprint,
        "rows": len(rows),
        **explore.circumstances(store, settings, asked),
        "filters": {
            name: value
            for name, value in chosen.items()
            if value != getattr(plain, name) and name not in ("since", "until")
        },
        "left out": [metric.leaves_out, *explore.left_out(settings, metric.name, answer.rows.columns, places)],
        "columns": {name: explore.meaning(name, metric.name) for name in rows.columns},
        "query": metric.sql,
    }
