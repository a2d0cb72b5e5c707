"""Speed figures, each a ratio to a baseline measured in the same run. Without a part: all of them but peers."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench import load, peers
from bench.figures import Broken, Figure, as_json, say, table


class Part(StrEnum):
    """What to measure."""

    load = "load"
    metrics = "metrics"
    derive = "derive"
    pages = "pages"
    sentiment = "sentiment"
    inferred = "inferred"
    readers = "readers"
    peers = "peers"


USUAL = tuple(part for part in Part if part is not Part.peers)
"""Peers are installed first, and take a quarter of an hour."""
SIZES = {Part.metrics: load.MANY, Part.derive: load.MANY, Part.readers: load.FEW, Part.peers: peers.MESSAGES}
WHAT = (
    "What to measure. peers: other readers of the same exports, which it installs from npm and PyPI under bench/work; "
    "it takes a quarter of an hour."
)

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main_command(
    parts: Annotated[list[Part] | None, typer.Argument(help=WHAT, show_default=False)] = None,
    messages: Annotated[
        int | None,
        typer.Option(
            help="Size of the made-up export.",
            min=1000,
            show_default=f"{load.HELD_FROM:,}, of metrics and derive {load.MANY:,}, of readers {load.FEW:,}, "
            f"of peers {peers.MESSAGES:,}",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"{load.FEW:,} messages.")] = False,
    full: Annotated[bool, typer.Option("--full", help=f"Also load {load.LARGE:,} messages.")] = False,
    strong: Annotated[Path | None, typer.Option(help="A model's folder, to set beside our scorer.")] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure, and print what was found. A missed goal is no failure: the machine may be busy."""
    found: list[Figure] = []
    for part in Part:
        if part in (parts or USUAL):
            size = messages or SIZES.get(part, load.HELD_FROM)
            found += _measure(part, load.FEW if quick else size, full, strong)
    print(as_json(found) if as_json_ else table(found))


def _measure(part: Part, messages: int, full: bool, strong: Path | None) -> list[Figure]:
    """One part. The heavy libraries of the pages are loaded only where they are needed."""
    say(f"measuring {part}")
    if part is Part.load:
        return load.figures(messages, full)
    if part is Part.sentiment:
        from bench import sentiment

        return sentiment.figures(strong=strong)
    if part in {Part.inferred, Part.readers}:
        from bench import inferred, readers

        return inferred.figures() if part is Part.inferred else readers.figures(messages)
    if part is Part.peers:
        return peers.figures(messages)
    return _measure_database(part, messages, load.database(messages))


def _measure_database(part: Part, messages: int, folder: Path) -> list[Figure]:
    """A part that asks what is loaded already."""
    if part is Part.metrics:
        from bench import metrics

        return metrics.figures(messages, folder, load.database(load.FEW) if messages > load.FEW else None)
    if part is Part.derive:
        from bench import derive

        return derive.figures(messages, folder)
    from bench import pages

    smaller = load.WORK / f"data-{load.FEW}"
    has_smaller = messages > load.FEW and (smaller / "CURRENT").exists()
    return pages.figures(folder, load.database(load.FEW) if has_smaller else None)


def main() -> None:
    """Run; end with 1 where a run must not count."""
    try:
        app()
    except Broken as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
