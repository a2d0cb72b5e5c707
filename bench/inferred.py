"""How right guessed replies are, beside two plainer guesses, on chats whose reply links people made by hand."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from bench.figures import Broken, Figure
from data.records import Channel, Member, Message, Record, Refused, Source
from data.settings import Settings
from data.store import Chunk, Store
from ingest.archive import Export
from ingest.exports import irc

HERE: Final = Path(__file__).parent
LOGS: Final = HERE.parents[1] / "shared/samples/irc/jkkummerfeld+irc-disentanglement/data/train"
HELD_OUT: Final = slice(2, None, 3)
"""Every third day, the first of them the third. The rule was made on the others."""
CLEARLY: Final = 5.0
"""Points of F1 by which the rule must beat the better of the two."""
PATIENCE: Final = timedelta(minutes=30)

Link = tuple[str, str]
"""The id of a message, and of the one that it answers."""


class Score(NamedTuple):
    """In points; the links that people made are the truth."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.precision * self.recall / (self.precision + self.recall)


@dataclass(frozen=True)
class Log:
    """One day: what people said, no bot's words and no joins, and the lines that each line was linked to.

    Both by line number. Not every line was looked at; one that was and answers nothing is linked to itself.
    """

    said: dict[int, Message]
    linked: dict[int, set[int]]

    def links(self) -> set[Link]:
        """Replies: between two people, whoever goes on with their own words answers nobody."""
        pairs = ((line, other) for line, others in self.linked.items() for other in others)
        both = ((self.said[line], self.said[other]) for line, other in pairs if {line, other} <= self.said.keys())
        return {(line.id, other.id) for line, other in both if line.member_id != other.member_id}

    def judged(self) -> set[str]:
        """The lines that were looked at."""
        return {self.said[line].id for line in self.linked.keys() & self.said.keys()}

    def openers(self) -> dict[str, datetime | None]:
        """Each line that begins a conversation, and when somebody else first spoke in it."""
        first: dict[int, int] = {}
        found: dict[int, datetime | None] = {}
        for line, others in sorted(self.linked.items()):
            opener = first[line] = line if min(others) == line else first.get(min(others), min(others))
            if opener == line and line in self.said:
                found[line] = None
            elif line in self.said and opener in found and self.said[line].member_id != self.said[opener].member_id:
                found[opener] = found[opener] or self.said[line].sent_at
        return {self.said[line].id: answered_at for line, answered_at in found.items()}


def figures(folder: Path = LOGS) -> list[Figure]:
    """All figures; none, and a word why, where the logs are missing."""
    if not folder.is_dir():
        print("inferred is skipped: the IRC logs with reply links made by hand are not there", file=sys.stderr)
        return []
    paths = sorted(folder.glob("*.raw.txt"))[HELD_OUT]
    with tempfile.TemporaryDirectory(prefix="hearth-") as work:
        store = Store(Path(work))
        logs = _load(store, paths)
        return [*_links(store, logs), *_asks(store, logs)]


def next_speaker(log: Log) -> Iterator[Link]:
    """Everything answers the last words of anybody else, within half an hour."""
    before = other = None
    for line in log.said.values():
        if before and before.member_id != line.member_id:
            other = before
        if other and line.sent_at - other.sent_at <= PATIENCE:
            yield line.id, other.id
        before = line


def names_the_other(log: Log) -> Iterator[Link]:
    """What has the nick of somebody who has spoken answers their last words."""
    last: dict[str, Message] = {}
    for line in log.said.values():
        words = (word.strip(".,:;!?@()").lower() for word in line.text.split())
        named = next((word for word in words if len(word) > 2 and word in last and word != line.member_id), None)
        if named:
            yield line.id, last[named].id
        last[str(line.member_id)] = line


def score(found: set[Link], true: set[Link]) -> Score:
    """How many of those found are true, and how many of the true are found."""
    right = 100 * len(found & true)
    return Score(right / max(len(found), 1), right / max(len(true), 1))


def _load(store: Store, paths: list[Path]) -> list[Log]:
    """The days, read and kept as any export is; what they say by line."""
    logs, chunk = [], Chunk()
    for path in paths:
        with Export(path) as export:
            records = list(irc.read(export))
        chunk.channels += [record for record in records if isinstance(record, Channel)]
        chunk.members += [record for record in records if isinstance(record, Member)]
        logs.append(_log(path, records))
        chunk.messages += [record for record in records if isinstance(record, Message)]
    with store.loading(Settings()) as loader:
        begun = loader.begin(Source(irc.PLATFORM, "#ubuntu", "#ubuntu"), LOGS.name)
        loader.take(begun, chunk)
        loader.finish(begun)
        loader.derive()
        loader.publish()
    return logs


def _log(path: Path, records: list[Record]) -> Log:
    """Raises Broken where a line of the file is missing, for then all numbers after it would be wrong."""
    lines = [record for record in records if isinstance(record, Message | Refused)]
    if len(lines) != path.read_bytes().count(b"\n"):
        raise Broken(f"{path.name}: {len(lines):,} lines were read, and there are more or fewer")
    bots = {record.id for record in records if isinstance(record, Member) and record.is_bot}
    said = {
        number: line
        for number, line in enumerate(lines)
        if isinstance(line, Message) and line.kind == "message" and line.member_id not in bots
    }
    linked: dict[int, set[int]] = {}
    for pair in path.with_name(path.name.replace(".raw.", ".annotation.")).read_text().splitlines():
        other, line = sorted(map(int, pair.split()[:2]))
        linked.setdefault(line, set()).add(other)
    return Log(said, linked)


def _links(store: Store, logs: list[Log]) -> list[Figure]:
    """What is told is how much is missing from 100, for goals are the most a figure may be."""
    rows = store.query((HERE / "inferred_links.sql").read_text("utf-8")).to_dicts()
    found = {
        "": {(row["line"], row["guessed"]) for row in rows},
        "ties alone": {(row["line"], row["tied"]) for row in rows if row["tied"]},
        "names the other": {link for log in logs for link in names_the_other(log)},
        "next speaker": {link for log in logs for link in next_speaker(log)},
    }
    true = {link for log in logs for link in log.links()}
    judged = {line for log in logs for line in log.judged()}
    scores = {name: score({link for link in links if link[0] in judged}, true) for name, links in found.items()}
    mine, best = scores.pop(""), max(scores["names the other"].f1, scores["next speaker"].f1)
    goal = round(100 - best - CLEARLY, 1)
    return [_missed("precision", mine, scores), _missed("recall", mine, scores), _missed("f1", mine, scores, goal)]


def _missed(measure: str, mine: Score, others: dict[str, Score], goal: float | None = None) -> Figure:
    value = getattr(mine, measure)
    against = [f"{measure} {value:.1f}", *(f"{name} {getattr(each, measure):.1f}" for name, each in others.items())]
    return Figure("inferred", f"links: {measure} missed", 100 - value, "points", goal, ", ".join(against))


def _asks(store: Store, logs: list[Log]) -> list[Figure]:
    """Of conversations that members began: whose first answer was not found, and who was not answered at all."""
    rows = {row["line"]: row for row in store.query((HERE / "inferred_asks.sql").read_text("utf-8")).to_dicts()}
    true = {line: at for log in logs for line, at in log.openers().items()}
    answered = {line for line, at in true.items() if at}
    tied = {line: row["tied_at"] for line, row in rows.items() if line in true and row["tied_at"]}
    mine = {line: row["guessed_at"] for line, row in rows.items() if line in true and row["guessed_at"]}
    first, first_tied = (sum(true[line] == at for line, at in found.items()) for found in (mine, tied))
    wrong, wrong_tied = (len(found.keys() - answered) for found in (mine, tied))
    missed = f"{first:,} found of {len(answered):,}, by ties alone {first_tied:,}; {len(true):,} began a conversation"
    called = f"{wrong:,} of {len(mine):,} called answered, by ties alone {wrong_tied:,} of {len(tied):,}"
    return [
        Figure("inferred", "asks: first answers missed", 100 - 100 * first / len(answered), "points", None, missed),
        Figure("inferred", "asks: nobody had answered", 100 * wrong / len(mine), "points", None, called),
    ]
