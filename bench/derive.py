"""Deriving all from the facts, beside a plain copy of the messages; and deriving after new messages, beside all."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import duckdb
import polars as pl

from bench import load
from bench.figures import Broken, Figure, say, worked
from data.columns import MESSAGES
from data.records import Member, Messages, Source
from data.settings import read_settings
from data.store import MASTER, Chunk, Loader, Store

HERE = Path(__file__).parent
ROUNDS = 3
NEW = 1000
GOALS = 5.0, 0.1


def figures(messages: int, folder: Path, rounds: int = ROUNDS) -> list[Figure]:
    """Copy, full derivation and the one after new messages, by turns, on a throw-away copy of the database."""
    store, goals = Store(folder), GOALS if messages >= load.MANY else (None, None)
    with store.rehearsal() as rehearsed:
        taken = [_round(store, rehearsed, turn + 1) for turn in range(rounds)]
    copied, whole, after = (median(times) for times in zip(*taken, strict=True))
    return [
        Figure("derive", "all", whole / copied, goal=goals[0], against=f"{whole:.1f} s to {copied:.1f} s for a copy"),
        Figure(
            "derive", f"after {NEW:,} new messages", after / whole, goal=goals[1],
            against=f"{after:.1f} s to {whole:.1f} s for all",
        ),
    ]  # fmt: skip


def _round(store: Store, rehearsed: Store, turn: int) -> tuple[float, float, float]:
    """Processor seconds of a copy of the messages, of deriving all, and of deriving after new messages."""
    say(f"round {turn}: a copy of the messages")
    copied = _copied(rehearsed.folder / MASTER)
    with rehearsed.loading(read_settings()) as loader:
        loader.touch_all()
        say(f"round {turn}: deriving all")
        whole = worked(loader.derive)
        _take_later(store, loader, turn)
        say(f"round {turn}: deriving after new messages")
        return copied, whole, worked(loader.derive)


def _copied(database: Path) -> float:
    """A copy by a connection that has as much memory as the loader's."""
    with duckdb.connect(str(database), config={"memory_limit": "500MB", "preserve_insertion_order": False}) as own:
        taken = worked(lambda: own.execute((HERE / "copy.sql").read_text("utf-8")))
        own.execute("drop table copied")
    return taken


def _take_later(store: Store, loader: Loader, turn: int) -> None:
    """Load new messages, as an export that goes on where the last one ended. Raises Broken when one is not new."""
    ((platform, source, name),) = store.query((HERE / "source.sql").read_text("utf-8")).iter_rows()
    later = store.query((HERE / "later.sql").read_text("utf-8"), {"messages": NEW, "turn": turn})
    newcomers = later.filter(pl.col("newcomer").is_not_null()).unique("member_id")
    chunk = Chunk(
        many=[Messages(later.select(set(later.columns) & set(MESSAGES.names)).to_arrow())],
        members=[Member(each["member_id"], each["newcomer"]) for each in newcomers.iter_rows(named=True)],
    )
    account = loader.begin(Source(platform, source, name), "what came later")
    loader.take(account, chunk)
    loader.finish(account)
    if account.fate.inserted != NEW:
        raise Broken(f"{NEW:,} new messages should be inserted; the load says {account.fate}")
