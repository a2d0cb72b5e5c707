"""What each metric costs over the whole history by week, beside the same question put to the raw messages.

The plain questions stand in bench/plain/, as an analyst would write them in SQL, and in bench/pandas_plain.py. They ask
for less than the metrics do, and say what they leave out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import pandas as pd  # type: ignore[import-untyped] # ships no types
import polars as pl

from bench import load, pandas_plain
from bench.figures import Figure, say, worked
from data.settings import read_settings
from data.store import Store
from metrics.metric import Question, ask, metrics

HERE = Path(__file__).parent
PLAIN = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "plain").glob("*.sql"))}
MACROS = PLAIN.pop("macros")
ROUNDS = 3
GOALS = {"plain SQL": 0.2, "pandas": 0.02, "fewer messages": 20.0}
"""The most that a metric may take of the same question put to the raw messages, and of itself put to few messages."""
LISTED = 200
"""Rows of a list, as many as its page shows."""
Asked = dict[tuple[str, str], Callable[[], object]]
"""A question by metric and by who is asked: "" for the metric itself, else the name of a goal."""


def figures(messages: int, folder: Path, smaller: Path | None = None, rounds: int = ROUNDS) -> list[Figure]:
    """Every metric beside its plain twins, by turns; its growth, where there is a smaller database to grow from."""
    times = _times(_asked(folder, smaller), rounds)
    against = {"fewer messages": f"with {load.FEW:,} messages"}
    found = [
        Figure(
            f"metrics beside {whom}", name, times[name, ""] / taken,
            goal=GOALS[whom] if messages >= load.MANY else None,
            against=f"{times[name, ''] * 1e3:,.0f} ms to {taken * 1e3:,.0f} ms {against.get(whom, '')}".rstrip(),
        )
        for whom in GOALS
        for (name, asked), taken in times.items()
        if asked == whom
    ]  # fmt: skip
    return found + [
        Figure("metrics without a plain twin", name, times[name, ""] * 1e3, "ms", against="it reads no messages")
        for name in metrics()
        if name not in PLAIN
    ]


def raw_tables(store: Store) -> pandas_plain.Raw:
    """The raw tables in memory, as pandas holds them."""
    tables = {name: _table(store, name) for name in ("messages", "members", "scores", "reactions")}
    return pandas_plain.Raw(**tables, listed=LISTED)


def plain(store: Store, name: str) -> pl.DataFrame:
    """What plain SQL answers to a metric's question."""
    return store.query(PLAIN[name], {"limit": LISTED}, MACROS)


def _table(store: Store, name: str) -> pd.DataFrame:
    return store.query((HERE / "raw" / f"{name}.sql").read_text("utf-8")).to_pandas()


def _asked(folder: Path, smaller: Path | None) -> Asked:
    store, settings = Store(folder), read_settings()
    few = Store(smaller) if smaller else None
    say("reading the raw tables into pandas")
    raw, asked = raw_tables(store), Asked()
    for name in metrics():
        question = Question(name, limit=LISTED)
        asked[name, ""] = partial(ask, store, settings, question)
        if few:
            asked[name, "fewer messages"] = partial(ask, few, settings, question)
        if name in PLAIN:
            asked[name, "plain SQL"] = partial(plain, store, name)
            asked[name, "pandas"] = partial(getattr(pandas_plain, name), raw)
    return asked


def _times(asked: Asked, rounds: int) -> dict[tuple[str, str], float]:
    """Processor seconds, those of DuckDB's threads too; pandas, which takes minutes, is asked in one round."""
    taken: dict[tuple[str, str], list[float]] = {each: [] for each in asked}
    for number in range(rounds):
        for (name, whom), question in asked.items():
            if not whom:
                say(f"round {number + 1} of {rounds}: {name}")
            elif whom == "pandas" and number:
                continue
            taken[name, whom].append(worked(question))
    return {each: median(times) for each, times in taken.items()}
