"""What a page costs the processor, beside a bare page that draws the same from literals."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar
from unittest.mock import patch

from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from bench import bare
from bench.figures import Broken, Figure

ROOT = Path(__file__).parent.parent
FRAME, BARE_FRAME = ROOT / "pages" / "_frame.py", ROOT / "bench" / "bare_frame.py"
RUNS = 15
REPEATED, NEW = 1.3, 2.5
FAILED = ("exception", "error", "warning")
"""A page that meets these has not done its work: a card that fails leaves a warning in its place."""
View = tuple[tuple[str, ...], str]
"""Some channels, and a period."""


@dataclass(frozen=True)
class Cost:
    """What a page's run took: seconds of processor time, and the bytes it sends."""

    worked: float
    sent: int


class Runner(LocalScriptRunner):
    """Streamlit's own way to run a script, with a clock on it and nothing else."""

    last: ClassVar[Cost] = Cost(0.0, 0)

    def _run_script_thread(self) -> None:
        began = time.process_time()
        super()._run_script_thread()
        worked = time.process_time() - began
        Runner.last = Cost(worked, sum(message.ByteSize() for message in self.forward_msgs()))


@contextmanager
def clocked(folder: Path) -> Iterator[None]:
    """Look at the data of a folder; keep compiled scripts from run to run, as the server does."""
    kept = ScriptCache()
    with (
        patch.dict(os.environ, {"HEARTH_DATA": str(folder)}),
        patch.object(app_test, "LocalScriptRunner", Runner),
        patch.object(app_test, "ScriptCache", lambda: kept),
        patch.object(local_script_runner, "ScriptCache", lambda: kept),
    ):
        yield


class Session:
    """A reader with one page open."""

    def __init__(self, page: str, *, is_bare: bool = False) -> None:
        self.page, self.is_bare = page, is_bare
        self.app = AppTest.from_file(BARE_FRAME if is_bare else FRAME, default_timeout=600)
        if is_bare:
            self.app.session_state["bare page"] = Path(page).stem
        else:
            self.app.run()
            self.app.switch_page(page)
        self.run()

    def run(self) -> Cost:
        """Run the page once more. Raises Broken when it drew an error."""
        self.app.run()
        for kind in FAILED:
            for element in self.app.get(kind):
                name, said = ("the bare " * self.is_bare) + self.page, str(getattr(element, "value", element))
                raise Broken(f"{name} drew an element of kind {kind}: {said[:300]}")
        return Runner.last

    def views(self) -> list[View]:
        """Every choice of channels and period that the page's filters offer."""
        if not {"channel", "period"} <= {each.key for each in (*self.app.multiselect, *self.app.selectbox)}:
            return []
        names = self.app.multiselect(key="channel").options[:6]
        some = [chosen for count in range(1, len(names)) for chosen in itertools.combinations(names, count)]
        return list(itertools.product(some, self.app.selectbox(key="period").options))

    def look(self, channels: Sequence[str], period: str) -> Cost:
        """Choose, as a reader would, and run the page."""
        self.app.multiselect(key="channel").set_value(list(channels))
        self.app.selectbox(key="period").set_value(period)
        return self.run()


@dataclass(frozen=True)
class Costs:
    """A page's runs, in the three ways that are compared."""

    bare: list[Cost]
    repeated: list[Cost]
    new: list[Cost]


def figures(folder: Path, smaller: Path | None = None, runs: int = RUNS) -> list[Figure]:
    """Every page over a folder's data; beside a smaller one, also how its cost grows. Raises Broken."""
    found, before = measure(folder, runs), measure(smaller, runs) if smaller else {}
    return [
        figure
        for page, costs in found.items()
        for figure in (*_held(page, costs), *(_growth(page, before[page], costs) if before else ()))
    ]


def measure(folder: Path, runs: int = RUNS) -> dict[str, Costs]:
    """Run every page over a folder's data, in all three ways. Raises Broken when one drew an error."""
    pages = sorted(path.name for path in FRAME.parent.glob("[!_]*.py"))
    with clocked(folder):
        readers = [Session(page) for page in pages]
        for reader in readers:
            bare.record(Path(reader.page).stem, reader.app.main)
        unseen = {view for reader in readers for view in reader.views()}
        return {reader.page: _by_turns(reader, runs, unseen) for reader in readers}


def _by_turns(reader: Session, runs: int, unseen: set[View]) -> Costs:
    """Bare, with the same filters, with others: by turns, so that a busy moment strikes all three."""
    plain, restless = Session(reader.page, is_bare=True), Session(reader.page)
    if (missing := bare.kinds(reader.app.main)) != (drawn := bare.kinds(plain.app.main)):
        raise Broken(f"the bare {reader.page} drew {drawn - missing} too many and {missing - drawn} too few")
    views = sorted(unseen & set(reader.views()))
    views = random.Random(7).sample(views, min(runs, len(views)))
    unseen.difference_update(views)  # an answer kept for one page may serve another
    costs = Costs([], [], [])
    for _, view in itertools.zip_longest(range(runs), views):
        costs.bare.append(plain.run())
        costs.repeated.append(reader.run())
        if view:
            costs.new.append(restless.look(*view))
    return costs


def _held(page: str, costs: Costs) -> Iterator[Figure]:
    """A page against its bare one."""
    least = _worked(costs.bare)
    for ways, runs, goal in (("the same filters", costs.repeated, REPEATED), ("new filters", costs.new, NEW)):
        if runs:
            against = f"{_worked(runs) * 1e3:.1f} ms to {least * 1e3:.1f} ms of processor time for the bare page"
            yield Figure("pages", f"{page}, {ways}", _worked(runs) / least, goal=goal, against=against)
    sent, plain = costs.repeated[-1].sent / 1e3, costs.bare[-1].sent / 1e3
    yield Figure("pages", f"{page}, sent", sent, "KB", against=f"{plain:,.1f} KB for the bare page")


def _growth(page: str, before: Costs, after: Costs) -> Iterator[Figure]:
    for ways, few, many in (
        ("the same filters", before.repeated, after.repeated),
        ("new filters", before.new, after.new),
    ):
        if few and many:
            against = f"{_worked(many) * 1e3:.1f} ms to {_worked(few) * 1e3:.1f} ms for the smaller data"
            grown = _worked(many) / _worked(few)
            yield Figure("pages", f"{page}, {ways}, larger data", grown, against=against)


def _worked(runs: Sequence[Cost]) -> float:
    return median(run.worked for run in runs)
