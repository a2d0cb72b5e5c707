"""Exports that are damaged, odd or hostile: a reader refuses them in words, and never falls over or stands still.

Every reader is given spoilt copies of its own fixtures, always the same ones: 40 of them, or as many as HEARTH_FUZZ
says. HEARTH_FUZZ=2000 takes some minutes. What fails is left in tests/artefacts to be looked at.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source, singly
from ingest.archive import Export, ExportError
from tests.test_reader_contract import READERS, Reader, exports, moments

TIMES = int(os.environ.get("HEARTH_FUZZ", "40"))
PATIENCE = 10.0  # seconds

DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP] if isinstance(DEEP, dict) else {"a": DEEP}
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1e308, 10**30, -(10**15), 4_102_444_800, 0.1),
    *("", "x", "\ud83d", "a\udc00b", "\0", "<b>&#x110000;", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
    *([], {}, [None], [[]], {"": None}, DEEP, "9" * 400, "https://", "../../etc/passwd", "[deleted]"),
]
INSERTED = [
    *(b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\0", b"\\ud800", b'"', b"'", b",", b"\n", b"\r", b"<", b"<!--", b"</"),
    *(
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"(" * 5_000,
        b"<a>" * 5_000,
        b"&" * 5_000,
        b"<!--" * 5_000,
        b"@" * 5_000,
        b'<!ENTITY x "y">',
        b"9" * 5_000,
    ),
]

Dice = random.Random


class Hang(BaseException):
    """A reader took longer than anybody would wait. No `except Exception` of a reader catches this."""


# Ways to spoil a file


def flipped(content: bytes, dice: Dice) -> bytes:
    spoilt = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        spoilt[dice.randrange(len(spoilt))] ^= 1 << dice.randrange(8)
    return bytes(spoilt)


def cut(content: bytes, dice: Dice) -> bytes:
    return content[: dice.randrange(len(content))]


def holed(content: bytes, dice: Dice) -> bytes:
    since = dice.randrange(len(content))
    return content[:since] + content[since + dice.randint(1, 200) :]


def doubled(content: bytes, dice: Dice) -> bytes:
    since = dice.randrange(len(content))
    until = since + dice.randint(1, 500)
    return content[:until] + content[since:]


def filled(content: bytes, dice: Dice) -> bytes:
    at = dice.randrange(len(content) + 1)
    return content[:at] + dice.choice(INSERTED) + content[at:]


def in_utf16(content: bytes, _: Dice) -> bytes:
    return content.decode(errors="replace").encode("utf-16")


def retyped(content: bytes, dice: Dice) -> bytes:
    """JSON, or JSON lines, with some values dropped, renamed, or become something else. Other files are flipped."""
    lines = content.splitlines(keepends=True)
    for whole in ([content], lines):
        at = dice.randrange(len(whole))
        try:
            value = json.loads(whole[at])
        except (ValueError, RecursionError):
            continue
        for _ in range(dice.randint(1, 3)):
            value = _changed(value, dice)
        return b"".join([*whole[:at], json.dumps(value).encode(), b"\n", *whole[at + 1 :]])
    return flipped(content, dice)


def _changed(value: Any, dice: Dice) -> Any:
    if not isinstance(value, dict | list) or not value or dice.random() < 0.15:
        return dice.choice(ODD)
    if isinstance(value, list):
        at = dice.randrange(len(value))
        return [*value[:at], _changed(value[at], dice), *value[at + 1 :]]
    key = dice.choice(list(value))
    rest = {name: each for name, each in value.items() if name != key}
    way = dice.random()
    return (
        rest
        if way < 0.2
        else {**rest, key + "x": value[key]}
        if way < 0.25
        else {**value, key: _changed(value[key], dice)}
    )


SPOILING: list[Callable[[bytes, Dice], bytes]] = [
    *(retyped, retyped, retyped, retyped, flipped, flipped, cut, holed, doubled, filled, filled, in_utf16),
]


def spoilt_copy(fixture: Path, folder: Path, dice: Dice) -> Path:
    """A copy of an export with one file spoilt or missing; now and then as a zip that is damaged itself."""
    copy = folder / fixture.name
    shutil.copytree(fixture, copy) if fixture.is_dir() else shutil.copy(fixture, copy)
    files = sorted(path for path in [copy, *copy.rglob("*")] if path.is_file())
    way = dice.random()
    if way < 0.08:
        return _spoilt_zip(files, folder, dice)
    victim = dice.choice(files)
    if way < 0.12 and len(files) > 1:
        victim.unlink()
    elif content := victim.read_bytes():
        victim.write_bytes(dice.choice(SPOILING)(content, dice))
    return copy


def _spoilt_zip(files: list[Path], folder: Path, dice: Dice) -> Path:
    packed = folder / "packed.zip"
    with zipfile.ZipFile(packed, "w", dice.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
    packed.write_bytes(dice.choice([flipped, cut, holed, doubled])(packed.read_bytes(), dice))
    return packed


# What a reader may do with it


def faults(found: list[Record], export: Export) -> Iterator[str]:
    """Why the store could not take what was read, or could not account for it."""
    if not isinstance(found[0], Source) or sum(isinstance(record, Source) for record in found) != 1:
        yield "the Source must come first, and once"
    if not 0 <= export.done <= export.size:
        yield f"{export.done} bytes were read of {export.size}"
    told: dict[type, set[str | None]] = {Channel: set(), Member: {None}}
    for record in found:
        if isinstance(record, Channel | Member):
            told[type(record)].add(record.id)
    for record in found:
        for fault in (*_untold(record, told), *_unfit(record)):
            yield f"{fault}: {record!r}"


def _untold(record: Record, told: dict[type, set[str | None]]) -> Iterator[str]:
    if isinstance(record, Message) and record.channel_id not in told[Channel]:
        yield "a channel that nobody told of"
    if isinstance(record, Message) and record.member_id not in told[Member]:
        yield "a member that nobody told of"


def _unfit(record: Record) -> Iterator[str]:
    if isinstance(record, Source | Channel | Member | Message) and not record.id:
        yield "no id"
    if isinstance(record, Refused) and not (record.file and record.place and record.reason):
        yield "refused without a place or a reason"
    if isinstance(record, Reaction) and not 0 < record.count < 2**31:
        yield "a count that is none"
    if any(moment.tzinfo is not UTC for moment in moments(record)):
        yield "a time that is not UTC"
    try:
        msgspec.msgpack.encode(record)
    except (UnicodeEncodeError, OverflowError) as error:  # text that is no text, or a number beyond all bounds
        yield f"cannot be stored ({error})"


@contextmanager
def patience() -> Iterator[None]:
    def give_up(_: int, __: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault_of(reader: Reader, path: Path, include_private: bool) -> str | None:
    """What is wrong with how a reader takes an export, if anything."""
    try:
        with patience(), Export(path, include_private=include_private) as export:
            if not 0 <= reader.detects(export) <= 1:
                return "detects must say something between 0 and 1"
            found = list(singly(reader.read(export)))
            return next(faults(found, export), None)
    except ExportError as error:
        return None if str(error).strip() else "an ExportError without words"
    except Hang:
        return f"took longer than {PATIENCE:.0f} s"
    except Exception as error:  # noqa: BLE001 - any other exception is what this test is looking for
        places = [
            place for place in traceback.extract_tb(error.__traceback__) if "exports" in Path(place.filename).parts
        ]
        where = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}: {places[-1].line}" if places else ""
        return f"{type(error).__name__}: {error}{where}"


needs_alarm = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no alarm to end a hang with")


@needs_alarm
@pytest.mark.parametrize("name", READERS)
def test_a_reader_survives_whatever_it_is_given(name: str, tmp_path: Path, artefacts: Path) -> None:
    found: dict[str, list[str]] = {}
    fixtures = exports(name)
    for number in range(TIMES):
        dice = Dice(f"{name} {number}")
        folder = tmp_path / str(number)
        folder.mkdir()
        path = spoilt_copy(dice.choice(fixtures), folder, dice)
        if fault := fault_of(READERS[name], path, include_private=dice.random() < 0.3):
            kept = artefacts / f"fuzz-{name}-{number}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept)
            found.setdefault(re.sub(r"\d+", "0", fault)[:80], []).append(f"{kept.name}: {fault[:300]}")
        shutil.rmtree(folder)
    assert not found, "\n".join(f"{len(cases)} times, such as {cases[0]}" for cases in found.values())


class Fake:
    """A reader that does what it is told to."""

    PLATFORM = "fake"

    def __init__(self, *records: Record | Exception | None) -> None:
        self._records = records

    def detects(self, export: Export) -> float:
        return len(export.files())

    def read(self, _: Export) -> Iterator[Record]:
        for record in self._records:
            if isinstance(record, Exception):
                raise record
            while record is None:
                pass
            yield record


SOURCE, CHANNEL = Source("fake", "1", "Fake"), Channel("1", "one", "chat")
SAID = Message("1", "1", None, datetime(2026, 1, 1, tzinfo=UTC), "Ahoy")


@needs_alarm
@pytest.mark.parametrize(
    ("records", "fault"),
    [
        ((SOURCE, CHANNEL, SAID), None),
        ((SOURCE, ExportError("It is empty. Export it again.")), None),
        ((SOURCE, ExportError("")), "without words"),
        ((SOURCE, KeyError("ts")), "KeyError"),
        ((SOURCE, None), "took longer"),
        ((CHANNEL, SOURCE), "the Source must come first"),
        ((SOURCE, SAID), "a channel that nobody told of"),
        ((SOURCE, CHANNEL, replace(SAID, member_id="2")), "a member that nobody told of"),
        ((SOURCE, CHANNEL, replace(SAID, id="")), "no id"),
        ((SOURCE, CHANNEL, replace(SAID, text="\ud800")), "cannot be stored"),
        ((SOURCE, CHANNEL, replace(SAID, sent_at=datetime(2026, 1, 1))), "not UTC"),  # noqa: DTZ001 - that is the fault
        ((SOURCE, CHANNEL, SAID, Reaction("1", "like", count=2**40)), "a count that is none"),
        ((SOURCE, Refused("a.json", "", "broken", b"")), "refused without"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_a_reader_must_not_do_is_noticed(
    records: tuple[Record | Exception | None, ...], fault: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.PATIENCE", 0.2)
    (tmp_path / "file.txt").write_text("Ahoy")
    found = fault_of(cast("Reader", Fake(*records)), tmp_path, include_private=False)
    assert found is None if fault is None else fault in (found or "")
