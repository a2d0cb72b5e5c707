"""A metric is one SQL file; this asks it. The header of the file is its definition card."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import polars.selectors as cs

from data.meant import meant
from data.settings import Settings, midnight
from data.store import words_since
from metrics import quantify

HERE = Path(__file__).parent
By = Literal["platform", "source", "channel"]
Population = Literal["asks", "openers"]
TARGETS = (1.0, 4.0, 24.0, 72.0)
MACROS = ("moments", "shares", "places", "asks", "waits", "members", "pairs")
"""What several metrics share, each a definition with its source; a later one may stand on an earlier one."""


FINISHES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {"": lambda rows: rows, "net": quantify.net}
"""What SQL cannot say in a screen, by the name in a metric's header."""


class Asked(Protocol):
    """Whatever can answer a query: the store."""

    @property
    def snapshot(self) -> str | None:
        """The name of the data it answers from."""

    def query(self, sql: str, params: Mapping[str, object] | None = None, macros: str = "") -> pl.DataFrame:
        """Rows of one query, values bound by `$name`."""


NO_COUNTS = ("hours", "weekday", "hour", "month")
"""Columns of whole numbers that say of what a row is, not how many."""


@dataclass(frozen=True)
class Metric:
    """One definition, as its SQL file says it."""

    name: str
    title: str
    asks: str
    formula: str
    unit: str
    better: str
    leaves_out: str
    needs: str  # what an export may lack: data/lacks.py
    source: str
    about: str
    sql: str
    finish: str = ""  # what works the rows out that SQL has counted

    @property
    def version(self) -> str:
        """Changes when what can change a number or its verdict does; what the header only tells is no part of it."""
        code = (HERE / "quantify.py").read_text("utf-8") if self.finish else ""
        return _short(self.better + self.finish + self.sql + _macros() + code, 8)

    def takes(self, option: str) -> bool:
        """Whether its rows depend on one of a question's options: by, hours, population or limit."""
        return any(f"${name}" in self.sql for name in ({"hours": ("hours", "targets")}.get(option, (option,))))

    @property
    def card(self) -> dict[str, str]:
        """The definition card, line by line: the file's own words. Its SQL belongs below."""
        return {
            "question": self.asks,
            "formula": self.formula,
            "unit": self.unit,
            "better": self.better,
            "leaves_out": self.leaves_out,
            "needs": self.needs,
            "source": self.source,
            "about": self.about,
        }


@dataclass(frozen=True)
class Question:
    """A metric over a period `[since, until)` of days in the community's time zone, and what to leave out."""

    name: str
    since: date | None = None
    until: date | None = None
    by: By | None = None
    platforms: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    population: Population = "asks"
    hours: float | None = None
    inferred: bool = False
    limit: int | None = None  # of lists: the first so many rows


@dataclass(frozen=True)
class Answer:
    """The rows, and the fingerprint that every chart, table and export of them carries."""

    metric: Metric
    question: Question
    rows: pl.DataFrame = field(compare=False)
    fingerprint: str
    snapshot: str


@cache
def metrics() -> dict[str, Metric]:
    """Every metric by its file name."""
    files = sorted(HERE.glob("*.sql"))
    return {path.stem: _card(path) for path in files}


def named(name: str) -> Metric:
    """One metric. Raises LookupError, with the names there are."""
    known = metrics()
    if name not in known:
        raise LookupError(f"no metric {name!r}{meant(name, known)}")
    return known[name]


def ask(store: Asked, settings: Settings, question: Question) -> Answer:
    """Ask one question of the newest data.

    Raises LookupError for an unknown metric, and the store's NoData before the first load.
    """
    metric = named(question.name)
    snapshot, rows = _told(store, metric, _params(question, settings.zone) | _weights(settings))
    if "split" in rows.columns:
        rows = _empty_last(rows).rename({"split": question.by}) if question.by else rows.drop("split")
    rows = _without_old_words(rows, settings)
    return Answer(metric, question, rows, fingerprint(metric, question, settings, snapshot), snapshot)


def fingerprint(metric: Metric, question: Question, settings: Settings, snapshot: str) -> str:
    """Which definition, settings, question and data made a number: metric-definition-settings-question-data."""
    asked = _short(repr(replace(question, limit=None)), 6)
    data = re.sub(r"\D", "", snapshot).lstrip("0") or "0"
    return f"{metric.name}-{metric.version}-{settings.fingerprint[:6]}-{asked}-{data}"


def _told(store: Asked, metric: Metric, params: Mapping[str, object]) -> tuple[str, pl.DataFrame]:
    """The rows, and the snapshot they are of: where a newer one came in between, it is asked again."""
    while True:
        snapshot = store.snapshot or ""
        rows = store.query(metric.sql, params, _macros())
        if snapshot == (store.snapshot or ""):
            return snapshot, FINISHES[metric.finish](rows)


def _empty_last(rows: pl.DataFrame) -> pl.DataFrame:
    """The parts of a split in their order, but those in which nothing was counted after all others."""
    counts = rows.select(cs.integer() - cs.by_name(*NO_COUNTS, require_all=False)).columns
    counted = pl.sum_horizontal(pl.lit(0), *counts).sum().over("split")
    return rows.sort(counted == 0, maintain_order=True) if counts else rows


def _without_old_words(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Words that have grown too old since the last load are not handed out either."""
    moments = rows.select(cs.datetime()).columns
    if not (settings.retention.text_days and moments):
        return rows
    words = [name for name in ("title", "text") if name in rows.columns]
    return rows.with_columns(pl.when(pl.col(moments[0]) >= words_since(settings)).then(pl.col(words)).name.keep())


def _params(question: Question, zone: ZoneInfo) -> dict[str, Any]:
    since, until = question.since, question.until
    return {
        "since": since,
        "until": until,
        "since_at": midnight(since, zone),
        "until_at": midnight(until, zone),
        "is_whole_weeks": all(day is None or day.weekday() == 0 for day in (since, until)),
        "by": question.by or "",
        "platforms": list(question.platforms),
        "sources": list(question.sources),
        "channels": list(question.channels),
        "population": question.population,
        "hours": question.hours,
        "targets": [question.hours] if question.hours else list(TARGETS),
        "inferred": question.inferred,
        "limit": question.limit,
    }


def _weights(settings: Settings) -> dict[str, Any]:
    """What makes an ask more urgent, and on which platforms nobody may be followed over time."""
    weights = {f"weight_{name}": weight for name, weight in msgspec.structs.asdict(settings.priority).items()}
    return {"unfollowed": list(settings.privacy.no_profiles), **weights}


def _card(path: Path) -> Metric:
    """Read a definition from the head of its file: a line for each field, an empty one, and what else to know."""
    text = path.read_text("utf-8")
    sql = re.sub(r"\A(--.*\n)+", "", text)
    lines = [line[2:].strip() for line in text.removesuffix(sql).splitlines()]
    fields = (line.split(": ", 1) for line in lines[: lines.index("")])
    said = {key.replace(" ", "_"): value for key, value in fields}
    return Metric(path.stem, about=" ".join(lines[lines.index("") :]).strip(), sql=sql, **said)


def _short(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


@cache
def _macros() -> str:
    return "\n".join((HERE / "macros" / f"{name}.sql").read_text("utf-8") for name in MACROS)
