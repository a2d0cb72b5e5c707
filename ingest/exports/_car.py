"""A repository of the AT protocol as it is handed out: one .car file of blocks, each named by its own checksum.

A record does not say its name. A tree does, whose nodes are blocks too and may come in any order, so all blocks are
held in memory. Both formats, CAR v1 and DAG-CBOR, are frozen and small: with a library, lengths, depth and checksums
would still have to be watched here.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from data.records import Refused

MAX_DEPTH = 64
MAX_NAME = 1024  # bytes: the protocol allows no more
MAX_RAW = 1 << 20
CONSTANTS = {20: False, 21: True, 22: None}
WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
SHA_256 = b"\x01\x71\x12\x20"  # how the name of a DAG-CBOR block begins


class Damaged(ValueError):
    """What is wrong with a block, or with the file around it."""


class Cid(bytes):
    """The name of a block."""

    __slots__ = ()


class Entry(NamedTuple):
    """A record and its name in the repository, such as app.bsky.feed.post/3l2ab."""

    name: str
    record: dict[str, Any]
    block: bytes  # as it came


class Repository:
    """What a .car file holds. `account` is whose it is; Damaged where that cannot be told."""

    def __init__(self, content: bytes, file: str) -> None:
        self._file = file
        self._blocks: dict[Cid, bytes] = {}
        self._cut: Refused | None = None
        header, at = _sized(content, 0)
        self._gather(content, at)
        roots = _map(decoded(header)).get("roots")
        commit = _map(decoded(self._block(roots[0] if isinstance(roots, list) and roots else None, set())))
        if not isinstance(commit.get("did"), str):
            raise Damaged("it does not name its account")
        self.account: str = commit["did"]
        self._tree = commit.get("data")

    def entries(self, collections: set[str]) -> Iterator[Entry | Refused]:
        """The records of some collections by their names, which sort by time; Refused for what cannot be reached."""
        if self._cut:
            yield self._cut
        used = set[Cid]()
        waiting: list[tuple[str | None, object]] = [(None, self._tree)]
        is_whole = True
        while waiting:
            name, cid = waiting.pop()
            if name is None and cid in used:
                continue
            try:
                block = self._block(cid, used)
                value = _map(decoded(block))
                below = [] if name else [each for each in _below(value) if _is_wanted(each[0], collections)]
            except Damaged as error:
                is_whole = is_whole and name is not None
                yield Refused(self._file, name or "its tree of names", str(error), self._raw(cid))
                continue
            waiting += reversed(below)
            if name:
                yield Entry(name, value, block)
        if not is_whole:
            yield from self._nameless(used, collections)

    def _raw(self, cid: object) -> bytes:
        return self._blocks.get(cid, b"")[:MAX_RAW] if isinstance(cid, Cid) else b""

    def _nameless(self, used: set[Cid], collections: set[str]) -> Iterator[Refused]:
        """The records that a damaged tree no longer names."""
        kinds = [b"e$type" + _text(collection) for collection in collections]
        for cid, block in self._blocks.items():
            if cid not in used and any(kind in block for kind in kinds):
                yield Refused(self._file, f"block {cid.hex()}", "the damaged tree lacks its name", self._raw(cid))

    def _gather(self, content: bytes, at: int) -> None:
        while at < len(content):
            begun = at
            try:
                block, at = _sized(content, at)
            except Damaged as error:
                self._cut = Refused(self._file, f"byte {begun}", str(error), content[begun:][:MAX_RAW])
                return
            size = len(SHA_256) + 32
            self._blocks[Cid(block[:size])] = block[size:]

    def _block(self, cid: object, used: set[Cid]) -> bytes:
        if not isinstance(cid, Cid) or cid not in self._blocks:
            raise Damaged("its block is missing")
        used.add(cid)
        block = self._blocks[cid]
        if not cid.startswith(SHA_256) or hashlib.sha256(block).digest() != cid[len(SHA_256) :]:
            raise Damaged("its block does not match its checksum")
        return block


def _is_wanted(name: str | None, collections: set[str]) -> bool:
    return name is None or name.partition("/")[0] in collections


def _below(node: dict[str, Any]) -> list[tuple[str | None, object]]:
    """What a node of the tree names, in order: records by name, and further nodes. A name may begin as the last did."""
    found: list[tuple[str | None, object]] = [(None, node["l"])] if node.get("l") else []
    entries, name = node.get("e"), b""
    for entry in entries if isinstance(entries, list) else ():
        fields = _map(entry)
        shared, rest = fields.get("p"), fields.get("k")
        if not isinstance(shared, int) or not isinstance(rest, bytes):
            raise Damaged("it is no node of a tree")
        name = name[:shared] + rest
        if len(name) > MAX_NAME:
            raise Damaged("it names a record at too great length")
        found.append((name.decode(errors="replace"), fields.get("v")))
        if fields.get("t"):
            found.append((None, fields["t"]))
    return found


def _text(words: str) -> bytes:
    """A short text as DAG-CBOR."""
    head = [0x60 + len(words)] if len(words) < 24 else [0x78, len(words)]
    return bytes(head) + words.encode()


def _map(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Damaged("it is not what it should be")
    return value


def _sized(content: bytes, at: int) -> tuple[bytes, int]:
    """A part that is preceded by its length, and where it ends."""
    length = shift = 0
    while True:
        if at >= len(content) or shift > 63:
            raise Damaged("the file is cut off")
        length |= (content[at] & 0x7F) << shift
        at, shift, is_last = at + 1, shift + 7, content[at] < 0x80
        if is_last:
            break
    if at + length > len(content):
        raise Damaged("the file is cut off")
    return content[at : at + length], at + length


def decoded(block: bytes) -> object:
    """A block's value: DAG-CBOR, whose only tag marks a Cid. Raises Damaged."""
    reading = _Reading(block)
    value = reading.value(0)
    if reading.at != len(block):
        raise Damaged("something follows its value")
    return value


class _Reading:
    """Where in a block we are."""

    def __init__(self, block: bytes) -> None:
        self._block, self.at = block, 0

    def value(self, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise Damaged(f"it is nested more than {MAX_DEPTH} deep")
        kind, low = divmod(self._take(1)[0], 32)
        if kind == 7:
            return struct.unpack(">d", self._take(8))[0] if low == 27 else self._constant(low)
        number = self._number(low)
        if kind == 4:
            return [self.value(depth + 1) for _ in range(number)]
        if kind == 5:
            return {str(self.value(depth + 1)): self.value(depth + 1) for _ in range(number)}
        if kind == 6:
            return self._link(number, depth)
        return number if kind == 0 else -1 - number if kind == 1 else self._string(kind, number)

    def _string(self, kind: int, size: int) -> object:
        content = self._take(size)
        try:
            return content if kind == 2 else content.decode()
        except UnicodeDecodeError:
            raise Damaged("its text is not valid UTF-8") from None

    def _link(self, tag: int, depth: int) -> Cid:
        value = self.value(depth + 1)
        if tag != 42 or not isinstance(value, bytes) or not value.startswith(b"\0"):
            raise Damaged(f"it has an unknown tag {tag}")
        return Cid(value[1:])

    def _constant(self, low: int) -> object:
        if low not in CONSTANTS:
            raise Damaged("it is no DAG-CBOR")
        return CONSTANTS[low]

    def _number(self, low: int) -> int:
        if low >= 24 and low not in WIDTHS:
            raise Damaged("it is no DAG-CBOR")
        return low if low < 24 else int.from_bytes(self._take(WIDTHS[low]))

    def _take(self, size: int) -> bytes:
        taken = self._block[self.at : self.at + size]
        if len(taken) != size:
            raise Damaged("it is cut off")
        self.at += size
        return taken
