"""Large exports in every dialect of JSON that Hearth reads: a fixture's rows again and again, each time as others."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatch
from functools import cache, partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from data.lanterns import SLACK, UNTIL, Habits, Life

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"
STRIDE = 100_000  # between the numbers of one copy and those of the next
EARLIER = timedelta(minutes=-7)  # the same between their moments: none may lie in the future
ISO = re.compile(r'(?<=")(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)(?=:\d\d)')
EPOCH = re.compile(r'(?<=[ "])(1[3-9]\d{8})(\d{3})?(?=[.,}"\]])')
OF_X = re.compile(r'(?<=")\w{3} (\w{3} \d\d \d\d:\d\d)(:\d\d \+0000) (\d{4})(?=")')
NO_ESCAPE = re.compile(r"(?<!\\)\\x..")  # Telegram Desktop writes it; json.loads does not take it
SCRIPT = re.compile(r"window\.[\w.]+ = ")
HERE = "the rows"

Json = Any


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to make a large export of: see dialects.toml."""

    name: str
    fixture: str
    files: str
    rows: str = ""
    but: list[str] = []
    ids: list[str] = []
    words: str = ""
    is_paged: bool = False

    @property
    def reader(self) -> str:
        return self.fixture.partition("/")[0]

    @property
    def is_lined(self) -> bool:
        """Whether each line of a file is one JSON value."""
        return self.is_paged or self.rows == "lines"

    def spoken(self, export: Path) -> list[Path]:
        """The files of an export, or of the fixture, that hold the rows."""
        return [
            each for each in _files(export) if export.is_file() or fnmatch(str(each.relative_to(export)), self.files)
        ]

    def raws(self, export: Path) -> Iterator[bytes]:
        """What json.loads takes: files, or their lines."""
        for file in self.spoken(export):
            said = SCRIPT.sub("", _text(file), 1).encode()
            yield from said.splitlines() if self.is_lined else [said]

    def write(self, export: Path, copies: int) -> None:
        """The fixture, in which its rows stand so many times, each time with other ids, moments and words."""
        fixture = FIXTURES / self.fixture
        spoken = self.spoken(fixture)
        for file in _files(fixture):
            target = export / file.relative_to(fixture)
            target.parent.mkdir(parents=True, exist_ok=True)
            if file not in spoken:
                shutil.copyfile(file, target)
            elif self.rows == "files":
                for copy, row in enumerate(self._copies([json.loads(_text(file))], copies)):
                    target.with_stem(f"{target.stem}{copy}").write_text(row, "utf-8")
            else:
                said = self._said(_text(file), copies).encode()
                target.write_bytes(zstandard.compress(said) if file.suffix == ".zst" else said)

    def _said(self, text: str, copies: int) -> str:
        """A file's text, with its rows said again and again."""
        if self.rows == "lines":
            rows = [row for line in text.splitlines() if (row := self._decoded(line)) and not self._is_out(row)]
            spoken = [row for row in rows if _reached(row, self.words.split("/"))]
            once = [json.dumps(row) for row in rows if row not in spoken]
            return "\n".join([*once, *self._copies(spoken, copies), ""])
        script = SCRIPT.match(text)
        holder = whole = {"": self._decoded(text[script.end() if script else 0 :])}
        *above, last = ["", *filter(None, self.rows.split("/"))]
        for key in above:
            holder = holder[key]
        rows, holder[last] = holder[last], HERE
        before, after = json.dumps(whole[""]).split(json.dumps(HERE))
        said = list(self._copies(rows, copies))
        page = len(rows) if self.is_paged else len(said)
        pages = (", ".join(said[at : at + page]) for at in range(0, len(said), page))
        return "\n".join(f"{script[0] if script else ''}{before}[{rows}]{after}" for rows in pages)

    def _decoded(self, text: str) -> Json:
        """A value without the objects that are to be left out; None where it is no JSON at all."""
        try:
            return self._kept(json.loads(text))
        except ValueError:
            return None

    def _kept(self, thing: Json) -> Json:
        """What lies deepest is left out first: a reply, rather than the whole thread that it is in."""
        if isinstance(thing, dict):
            return {key: self._kept(each) for key, each in thing.items()}
        if not isinstance(thing, list):
            return thing
        return [each for each in map(self._kept, thing) if not (isinstance(each, dict) and self._is_out(each))]

    def _is_out(self, thing: Json) -> bool:
        return any(mark in json.dumps(thing, ensure_ascii=False) for mark in self.but)

    def _copies(self, rows: list[Json], copies: int) -> Iterator[str]:
        said = cycle(_words())
        raws = [json.dumps(row) for row in rows]
        for copy in range(copies):
            for raw in raws:
                row = json.loads(raw)
                _change(row, self.words.split("/"), lambda text: _longer(text, next(said)))
                if copy:
                    for path in self.ids:
                        _change(row, path.split("/"), partial(_other, copy=copy))
                yield _earlier(json.dumps(row), copy)


def dialects() -> list[Dialect]:
    """All of them."""
    return msgspec.convert(
        tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["dialect"], list[Dialect]
    )


def _files(path: Path) -> list[Path]:
    return sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


def _text(file: Path) -> str:
    raw = file.read_bytes()
    if file.suffix == ".zst":
        raw = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(raw).read()  # as far as any looks back
    return NO_ESCAPE.sub("", raw.decode("utf-8-sig"))


@cache
def _words() -> list[str]:
    return [post.text for post in islice(Life(Habits(7, UNTIL, 730), SLACK).posts(), 1000)]


def _reached(thing: Json, path: list[str]) -> list[tuple[dict[str, Json], str]]:
    """Whatever a path of keys leads to, through any lists on its way: the object, and its last key."""
    if isinstance(thing, list):
        return [found for each in thing for found in _reached(each, path)]
    if not isinstance(thing, dict) or path[0] not in thing:
        return []
    return _reached(thing[path[0]], path[1:]) if len(path) > 1 else [(thing, path[0])]


def _change(row: Json, path: list[str], how: Callable[[Json], Json]) -> None:
    for holder, key in _reached(row, path):
        holder[key] = how(holder[key])


def _longer(text: Json, words: str) -> Json:
    """What is said in a fixture is short: it is said after some words of a usual length."""
    if not isinstance(text, str) or not text:
        return text
    return f"<p>{words}</p>{text}" if text.startswith("<") else f"{words} {text}"


def _other(id: Json, copy: int) -> Json:
    """The same id for each of its places in one copy, and another in the next."""
    if isinstance(id, list):
        return [_other(each, copy) for each in id]
    if isinstance(id, int):
        return id + copy * STRIDE
    if not isinstance(id, str) or not id:
        return id
    return str(int(id) + copy * STRIDE) if id.isdecimal() else f"{id}{copy}"


def _earlier(raw: str, copy: int) -> str:
    """A row with every moment in it moved back."""
    earlier = EARLIER * copy

    def iso(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) + earlier).isoformat(found[0][10], "minutes")

    def epoch(found: re.Match[str]) -> str:
        return f"{int(found[1]) + int(earlier.total_seconds())}{found[2] or ''}"

    def of_x(found: re.Match[str]) -> str:
        moment = datetime.strptime(f"{found[1]} {found[3]} +0000", "%b %d %H:%M %Y %z") + earlier
        return moment.strftime(f"%a %b %d %H:%M{found[2]} %Y")

    return OF_X.sub(of_x, EPOCH.sub(epoch, ISO.sub(iso, raw)))
