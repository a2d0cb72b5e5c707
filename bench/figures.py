"""One speed figure: what it is, what it was measured against, and the goal it is held to."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from math import isnan

import msgspec


class Broken(Exception):
    """A run that must not count: it drew an error, or it lost a record."""


class Figure(msgspec.Struct, frozen=True):
    """A measured value: a ratio, or an amount in `unit`; nan where there is none. A goal is the most it may be."""

    part: str
    what: str
    value: float
    unit: str = "x"
    goal: float | None = None
    against: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal was met; empty where there is none."""
        if self.goal is None or isnan(self.value):
            return ""
        return "met" if self.value <= self.goal else "MISSED"


def say(what: str) -> None:
    """Tell who waits what is being done."""
    print(f"bench: {what} ...", file=sys.stderr, flush=True)


def worked(question: Callable[[], object]) -> float:
    """Processor seconds that a question takes, those of DuckDB's threads too."""
    began = time.process_time()
    question()
    return time.process_time() - began


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table, a part below the other."""
    rows = [("", "figure", "goal", "", "measured against")]
    for part in dict.fromkeys(each.part for each in figures):
        rows += [("", "", "", "", ""), (part, "", "", "", "")]
        rows += [_row(each) for each in figures if each.part == part]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    what, figure, goal, verdict = (f"{{:{side}{width}}}" for side, width in zip("<>><", widths, strict=True))
    form = f"{what}  {figure}  {goal}  {verdict}  {{}}"
    return "\n".join(form.format(*row).rstrip() for row in rows)


def as_json(figures: Sequence[Figure]) -> str:
    """The figures, each with its verdict, as one JSON array."""
    told = [msgspec.structs.asdict(each) | {"verdict": each.verdict} for each in figures]
    return msgspec.json.encode(told).decode()


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    goal = "" if figure.goal is None else f"<= {figure.goal:g} {figure.unit}"
    value = "" if isnan(figure.value) else f"{figure.value:,.{2 if figure.value >= 1 else 3}f} {figure.unit}"
    return f"  {figure.what}", value, goal, figure.verdict, figure.against
