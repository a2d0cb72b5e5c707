"""Exports that were cut short, or had a byte or a value changed: a reader may refuse them, but never fall over."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

VALUE = re.compile(rb'(?<=[:,>])\s*("[^"]*"|-?\d+|\[|\{)')
OTHERS = (b"null", b"[]", b"{}", b'"x"', b"-1", b"1e400", b'""', b"true", b"99999999999999", b'"\\ud800"', b",", b"<b>")


def damaged(fixture: Path, folder: Path, times: int = 150) -> Iterator[Path]:
    """Copies of a fixture, one at a time, each with one file spoilt, always in the same ways."""
    dice = random.Random(fixture.name)
    for _ in range(times):
        spoilt = folder / fixture.name
        if fixture.is_file():
            shutil.copy(fixture, spoilt)
            victims = [spoilt]
        else:
            shutil.rmtree(spoilt, ignore_errors=True)
            shutil.copytree(fixture, spoilt)
            victims = sorted(path for path in spoilt.rglob("*") if path.is_file())
        victim = dice.choice(victims)
        victim.write_bytes(_spoil(victim.read_bytes(), dice))
        yield spoilt


def _spoil(content: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    values = list(VALUE.finditer(content))
    way = dice.random()
    if way < 0.5 and values:
        value = dice.choice(values)
        return content[: value.start(1)] + dice.choice(OTHERS) + content[value.end(1) :]
    return content[:at] if way < 0.7 else content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]
