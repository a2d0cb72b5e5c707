"""What each metric costs over the whole history, beside one plain look at every message."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from bench.figures import Figure
from data.settings import Settings, read_settings
from data.store import Store
from metrics.metric import Question, ask, metrics

REPEATS = 5
SCAN = (Path(__file__).parent / "scan.sql").read_text("utf-8")


def figures(folder: Path, repeats: int = REPEATS) -> list[Figure]:
    """Every metric by week, all of them and the scan by turns."""
    store, settings = Store(folder), read_settings()
    rounds = [_round(store, settings) for _ in range(repeats)]
    times = {name: median(each[name] for each in rounds) for name in rounds[0]}
    scan = times.pop("")
    against = "{:.0f} ms to {:.0f} ms for one scan of all messages"
    return [
        Figure("metrics", name, worked / scan, against=against.format(worked * 1e3, scan * 1e3))
        for name, worked in times.items()
    ]


def _round(store: Store, settings: Settings) -> dict[str, float]:
    """Processor seconds of the scan, under no name, and of each metric."""
    asked = {name: partial(ask, store, settings, Question(name)) for name in metrics()}
    return {"": _worked(partial(store.query, SCAN))} | {name: _worked(each) for name, each in asked.items()}


def _worked(question: Callable[[], object]) -> float:
    """Processor seconds, those of DuckDB's threads too."""
    began = time.process_time()
    question()
    return time.process_time() - began
