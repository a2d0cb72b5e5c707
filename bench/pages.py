"""What a page costs: a real server, beside one with a bare page that draws the same from literals.

The processor's time is told first, then how long a reader waits in a real Chromium.
"""

from __future__ import annotations

import itertools
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1.element_tree import Block, parse_tree_from_messages
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from bench import ready
from bench.figures import Broken, Figure
from bench.ready import Waits

ROOT = Path(__file__).parent.parent
DASHBOARD, BARE = ROOT / "dashboard.py", ROOT / "bench" / "bare_app.py"
FRONT = "weekly_health"
"""The page without a name in the address."""
RUNS = 15
REPEATED, NEW, READY, GROWN = 1.3, 2.5, 1.5, 1.5
FAILED = ("exception", "error", "warning")
"""A page that meets these has not done its work: a card that fails leaves a warning in its place."""
START, IDLE = 60.0, 0.06
"""Seconds a server may take to start, and how long it must rest before a run counts as over."""
View = tuple[tuple[str, ...], str]
"""Some channels, and a period."""


@dataclass(frozen=True)
class Cost:
    """What a page's run took: seconds of the server's processor time, and the bytes it sends."""

    worked: float
    sent: int


@dataclass(frozen=True)
class Server:
    """Streamlit's own server with one app, in a process of its own."""

    address: str
    process: subprocess.Popen[bytes]

    def worked(self) -> float:
        """Seconds of processor time so far, of all its threads: Linux has a clock for each process."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def rest(self) -> float:
        """Wait until it has nothing left to do. The same seconds."""
        before = self.worked()
        while True:
            time.sleep(IDLE)
            now = self.worked()
            if now - before < IDLE / 20:
                return now
            before = now


@contextmanager
def serving(app: Path, **environment: object) -> Iterator[Server]:
    """Serve an app on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port)]
    told = {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in environment.items()}}
    quiet = ["--server.headless", "true", "--logger.level", "error"]
    process = subprocess.Popen([*command, *quiet], cwd=ROOT, env=told, stdout=subprocess.DEVNULL)  # noqa: S603 - Hearth
    try:
        yield Server(f"127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Session:
    """A reader with one page open."""

    server: Server
    page: str  # its name in the address; empty for the first
    line: ClientConnection = field(init=False)
    told: list[ForwardMsg] = field(default_factory=list)
    chosen: dict[str, WidgetState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.line = _connect(self.server)
        self.run()

    def run(self) -> Cost:
        """Run the page once more. Raises Broken when it drew an error."""
        before = self.server.rest()
        ask = BackMsg()
        ask.rerun_script.page_name = self.page
        ask.rerun_script.widget_states.widgets.extend(self.chosen.values())
        self.line.send(ask.SerializeToString())
        sent = self._listen()
        for node in self.drawn():
            if node.type in FAILED:
                said = str(getattr(node, "value", node))[:300]
                raise Broken(f"the page {self.page or 'at the front'} drew an element of kind {node.type}: {said}")
        return Cost(self.server.rest() - before, sent)

    def drawn(self) -> Block:
        """What it drew last."""
        return parse_tree_from_messages(self.told).main

    def views(self) -> list[View]:
        """Every choice of channels and period that the page's filters offer, each time of other channels."""
        channel, period = self._choice("channel"), self._choice("period")
        if channel is None or period is None:
            return []
        names = list(channel.proto.options)[:6]
        some = [chosen for count in range(1, len(names)) for chosen in itertools.combinations(names, count)]
        return [(chosen, when) for when in period.proto.options for chosen in some]

    def look(self, channels: Sequence[str], period: str) -> Cost:
        """Choose, as a reader would, and run the page."""
        where, when = self._choice("channel"), self._choice("period")
        if where is None or when is None:
            raise Broken(f"the page {self.page} has no filters to choose from")
        for state in (WidgetState(id=where.proto.id), WidgetState(id=when.proto.id)):
            self.chosen[state.id] = state
        self.chosen[where.proto.id].string_array_value.data[:] = channels
        self.chosen[when.proto.id].string_value = period
        return self.run()

    def _listen(self) -> int:
        """Take what the server sends until the run is over. The bytes of it."""
        self.told, sent = [], 0
        while not self.told or self.told[-1].WhichOneof("type") != "script_finished":
            content = self.line.recv()
            sent += len(content)
            self.told.append(ForwardMsg.FromString(content))
        return sent

    def _choice(self, key: str) -> Any:
        found = (node for node in self.drawn() if node.type in ("multiselect", "selectbox"))
        return next((node for node in found if getattr(node, "key", None) == key), None)


def _connect(server: Server) -> ClientConnection:
    """A reader's line to a server, as soon as it answers."""
    late = time.monotonic() + START
    while time.monotonic() < late and server.process.poll() is None:
        try:
            return connect(
                f"ws://{server.address}/_stcore/stream",
                subprotocols=[Subprotocol("streamlit")],
                origin=Origin(f"http://{server.address}"),
                max_size=None,
                legacy=True,  # the line lives as long as the server, not as long as a block
            )
        except (OSError, WebSocketException):
            time.sleep(0.2)
    raise Broken(f"the server at {server.address} did not answer within {START:.0f} s")


@dataclass(frozen=True)
class Costs:
    """A page's runs, in the three ways that are compared, and how long a reader waits for it."""

    bare: list[Cost]
    repeated: list[Cost]
    new: list[Cost]
    waits: Waits | None = None


def figures(folder: Path, smaller: Path | None = None, runs: int = RUNS, loads: int = ready.LOADS) -> list[Figure]:
    """Every page over a folder's data; beside a smaller one, also how its cost grows. Raises Broken."""
    found, before = measure(folder, runs, loads), measure(smaller, runs, loads) if smaller else {}
    return [
        figure
        for page, costs in found.items()
        for figure in (*_held(page, costs), *(_growth(page, before[page], costs) if before else ()))
    ]


def measure(folder: Path, runs: int = RUNS, loads: int = ready.LOADS) -> dict[str, Costs]:
    """Run every page over a folder's data in all ways, and open it. Raises Broken when one drew an error."""
    names = sorted(path.stem for path in (ROOT / "pages").glob("[!_]*.py"))
    with ExitStack() as open_servers:
        real = open_servers.enter_context(serving(DASHBOARD, HEARTH_DATA=folder))
        readers = {name: Session(real, "" if name == FRONT else name) for name in names}
        told = {name: [each.SerializeToString() for each in reader.told] for name, reader in readers.items()}
        record = folder / "bare.msgpack"
        record.write_bytes(msgspec.msgpack.encode(told))
        bare = open_servers.enter_context(serving(BARE, HEARTH_BARE=record))
        unseen = {view for reader in readers.values() for view in reader.views()}
        costs = {name: _by_turns(reader, Session(bare, reader.page), runs, unseen) for name, reader in readers.items()}
        addresses = {reader.page: name for name, reader in readers.items()}
        waits = ready.measure(addresses, real.address, bare.address, loads)
        return {f"{name}.py": replace(costs[name], waits=waits.get(page)) for page, name in addresses.items()}


def _by_turns(reader: Session, plain: Session, runs: int, unseen: set[View]) -> Costs:
    """Bare, with the same filters, with others: by turns, so that a busy moment strikes all three."""
    restless = Session(reader.server, reader.page)
    if (missing := kinds(reader.drawn())) != (drawn := kinds(plain.drawn())):
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


def kinds(block: Block) -> Counter[str]:
    """How many there are of each kind of element and container."""
    return Counter(each.type for each in block)


def _held(page: str, costs: Costs) -> Iterator[Figure]:
    """A page against its bare one."""
    least = _worked(costs.bare)
    for ways, runs, goal in (("the same filters", costs.repeated, REPEATED), ("new filters", costs.new, NEW)):
        if runs:
            against = f"{_worked(runs) * 1e3:.1f} ms to {least * 1e3:.1f} ms of processor time for the bare page"
            yield Figure("pages", f"{page}, {ways}", _worked(runs) / least, goal=goal, against=against)
    sent, plain = costs.repeated[-1].sent / 1e3, costs.bare[-1].sent / 1e3
    yield Figure("pages", f"{page}, sent", sent, "KB", against=f"{plain:,.1f} KB for the bare page")
    if costs.waits:
        waited, least = median(costs.waits.real), median(costs.waits.bare)
        against = f"{waited:.2f} s to {least:.2f} s until the last chart of the bare page is drawn"
        yield Figure("pages", f"{page}, ready", waited / least, goal=READY, against=against)
        yield Figure("pages", f"{page}, errors", max(costs.waits.errors), "elements", goal=0)


def _growth(page: str, before: Costs, after: Costs) -> Iterator[Figure]:
    """A page over more data against the same page over less."""
    for ways, few, many in (
        ("the same filters", before.repeated, after.repeated),
        ("new filters", before.new, after.new),
    ):
        if few and many:
            against = f"{_worked(many) * 1e3:.1f} ms to {_worked(few) * 1e3:.1f} ms for the smaller data"
            grown = _worked(many) / _worked(few)
            yield Figure("pages", f"{page}, {ways}, larger data", grown, goal=GROWN, against=against)
    if before.waits and after.waits:
        waited, least = median(after.waits.real), median(before.waits.real)
        against = f"{waited:.2f} s to {least:.2f} s until the last chart over the smaller data is drawn"
        yield Figure("pages", f"{page}, ready, larger data", waited / least, goal=GROWN, against=against)


def _worked(runs: Sequence[Cost]) -> float:
    return median(run.worked for run in runs)
