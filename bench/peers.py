"""A load beside other readers of the same exports: chat-analytics, chat-miner, whatstk and slack-export-viewer.

    python -m bench peers [--messages 300000]

It takes about a quarter of an hour and asks the registries of npm and PyPI, so it runs only when it is named. Each peer
is installed into a folder of its own under bench/work, in the version pinned here, never beside what Hearth uses.

Peers differ in what they do with an export. chat-analytics makes a report of it (words, languages, sentiment); the
others only parse it. Ours is the whole load with its default settings: read, kept, heard, derived, published.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path

from bench import chats, load
from bench.figures import Figure, say
from bench.load import WORK, Run

MESSAGES = 300_000
"""The goal is for so many messages: with fewer, starting up weighs too much."""
REPEATS = 3
PATIENCE = 600  # seconds that an installation may take
MADE_BY = (*load.MADE_BY, "bench/chats.py")
EXPORTS = {
    "telegram": ("json", chats.write_telegram),
    "whatsapp": ("txt", chats.write_whatsapp),
    "discord": ("json", chats.write_discord),
}
TOLD = re.compile(r"(\d+) messages")
FAULT = re.compile(r"^(?:npm error|ERROR:|\w*(?:Error|Exception)\b).*", re.MULTILINE)


class Unfit(Exception):
    """Why a peer has no figure: it cannot be installed, or does not read the file."""


@dataclass(frozen=True)
class Peer:
    """Another tool that reads exports. Its words run it on a file, and it tells "300000 messages"."""

    name: str
    version: str
    is_node: bool
    words: dict[str, Sequence[str]]  # by platform
    goals: dict[str, float] = field(default_factory=dict)  # the most that our time waited may be of its

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


REPORT = "node_modules/chat-analytics/dist/lib/CLI.js"
MINED = (
    "import sys; from chatminer.chatparsers import {} as Parser; parser = Parser(sys.argv[1]); "
    "parser.parse_file(); print(len(parser.parsed_messages.get_df()), 'messages')"
)
READ = "import sys; from whatstk import WhatsAppChat; print(len(WhatsAppChat.from_source(sys.argv[1]).df), 'messages')"
VIEWED = (
    "import sys; from slackviewer.config import Config; from slackviewer.reader import Reader; "
    "channels = Reader(Config({'archive': sys.argv[1]})).compile_channels(); "
    "print(sum(map(len, channels.values())), 'messages')"
)
PEERS = (
    Peer(
        "chat-analytics", "1.1.2", is_node=True,
        words={name: (REPORT, "-p", name, "-o", "report.html", "-i") for name in EXPORTS},
        goals={"telegram": 0.25},
    ),
    Peer(
        "chat-miner", "0.6.0", is_node=False,
        words={
            "telegram": ("-c", MINED.format("TelegramJsonParser")),
            "whatsapp": ("-c", MINED.format("WhatsAppParser")),
        },
    ),
    Peer("whatstk", "0.9.1", is_node=False, words={"whatsapp": ("-c", READ)}),
    Peer("slack-export-viewer", "3.5.0", is_node=False, words={"slack": ("-c", VIEWED)}),
)  # fmt: skip


def figures(messages: int, work: Path = WORK, repeats: int = REPEATS, peers: Sequence[Peer] = PEERS) -> list[Figure]:
    """Each peer and our load by turns on the same file. Raises Broken when our load loses a record."""
    found: list[Figure] = []
    for peer in peers:
        for platform in peer.words:
            part = f"{platform}, beside {peer}"
            try:
                home = installed(peer, work)
                found += _beside(part, peer, platform, home, messages, repeats)
            except Unfit as reason:
                found.append(Figure(part, "no figure", nan, against=str(reason)))
    return found


def installed(peer: Peer, work: Path = WORK) -> Path:
    """The peer's own folder, with the peer in it. Raises Unfit where it does not install."""
    home = work / f"peer-{peer.name}-{peer.version}"
    if not (home / "installed").exists():
        say(f"installing {peer}")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for command in _steps(peer, home):
            _install(command, home)
        (home / "installed").touch()
    return home


def run(peer: Peer, platform: str, path: Path, home: Path, messages: int) -> Run:
    """The peer on a file. Raises Unfit where it fails, or has not read every message."""
    temporary = home / "tmp"  # what it unpacks it may keep there, and would find again
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    program = "node" if peer.is_node else str(home / "bin" / "python")
    with (home / "complaints.txt").open("w+b") as complaints:
        code, done = load.watched(
            program, *peer.words[platform], str(path), folder=home, errors=complaints, TMPDIR=str(temporary)
        )
        complaints.seek(0)
        said = complaints.read().decode("utf-8", "replace")
    if code:
        raise Unfit(f"it ended with {code}: {why(said)}")
    counts = TOLD.findall(done.said)
    if counts != [str(messages)]:
        raise Unfit(f"it read {', '.join(counts) or 'nothing'} of {messages} messages")
    return done


def why(complaints: str) -> str:
    """What a failed command says is the matter, in one line."""
    lines = complaints.strip().splitlines() or ["it does not say why"]
    fault = FAULT.search(complaints)
    return fault[0] if fault else lines[-1]


def compared(part: str, ours: Run, theirs: Run, goal: float | None = None) -> Iterator[Figure]:
    """What we took of what they took: seconds, processor seconds, memory."""
    for what, mine, other, unit in (
        ("time waited", ours.waited, theirs.waited, "s"),
        ("processor time", ours.worked, theirs.worked, "s"),
        ("most memory", ours.peak, theirs.peak, "GB"),
    ):
        held = goal if what == "time waited" else None
        yield Figure(part, what, mine / other, goal=held, against=f"{mine:.2f} {unit} to {other:.2f} {unit}")


def _beside(part: str, peer: Peer, platform: str, home: Path, messages: int, repeats: int) -> list[Figure]:
    path = _export(platform, messages, home.parent)
    say(f"reading {path.stat().st_size / 1e6:.0f} MB of {part}")
    theirs, ours = [], []
    for _ in range(repeats):
        theirs.append(run(peer, platform, path, home, messages))
        ours.append(load.load(path, home.parent / "data-peers", messages))
    goal = peer.goals.get(platform) if messages >= MESSAGES else None
    return list(compared(part, load.middle(ours), load.middle(theirs), goal))


def _export(platform: str, messages: int, work: Path) -> Path:
    if platform not in EXPORTS:
        return load.export(messages, work)
    suffix, write = EXPORTS[platform]
    return load.written(work / f"{platform}-{messages}.{suffix}", messages, write, MADE_BY)


def _steps(peer: Peer, home: Path) -> list[list[str]]:
    if peer.is_node:
        return [["npm", "install", "--no-fund", "--no-audit", "--ignore-scripts", f"{peer.name}@{peer.version}"]]
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", str(home)], [*pip, f"{peer.name}=={peer.version}"]]


def _install(command: Sequence[str], home: Path) -> None:
    try:
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603 - pinned above
    except FileNotFoundError:
        raise Unfit(f"it does not install: {command[0]} is not on this machine") from None
    except subprocess.TimeoutExpired:
        raise Unfit(f"it does not install within {PATIENCE} s") from None
    if done.returncode:
        raise Unfit(f"it does not install: {why(done.stderr)}")
