"""An export as it lies on disk: a folder, a zip or one file. Never unpacked, only streamed.

Files are reached by exact name from a list that was checked first, so no name in an archive can lead
anywhere. What is wrong with the export as a whole raises ExportError; what is wrong with one record
comes out as Refused, and the rest is kept.
"""

from __future__ import annotations

import gzip
import io
import itertools
import lzma
import os
import posixpath
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import translate
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Generic, Self, TypeVar

import msgspec

from data.records import Refused

if TYPE_CHECKING:
    from typing_extensions import Buffer

T = TypeVar("T")

MAX_TOTAL = 64 << 30  # bytes in all: over ten minutes of reading, and no community's export comes near
MAX_RATIO = 300  # real exports shrink 5 to 40 times; deflate's limit, which bombs sit at, is 1,030
RATIO_FROM = 1 << 20  # a small file of blanks shrinks a lot and harms nobody
MAX_MEMBERS = 1_000_000  # a file per channel per day, for 270 channels over 10 years
MAX_PATH_DEPTH = 32  # exports nest 6 deep at most
MAX_JSON_DEPTH = 64  # records nest about 15 deep; parsers give up, or crash, from 128 on
MAX_AT_ONCE = 512 << 20  # for read(), which holds the whole file in memory
SMALL = 64 << 20  # up to here a member is held in memory until its checksum has passed
BLOCK = 1 << 20  # of a larger file, this much is decoded at a time: it stays in the processor's cache
MAX_RECORD = 32 << 20  # one element or one line; the largest real ones are some 100 KB
MAX_RAW = 1 << 20  # what is kept of a refused record
MAX_SEAMS = 1000  # commas tried after a broken record: else a crafted file could take hours
GLANCE = 1 << 14  # the part of a block in which its last whole element is looked for

BOM = b"\xef\xbb\xbf"
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError),
)
UNFIT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class ExportError(Exception):
    """What is wrong with an export as a whole, in words for the person who ran the load."""


class Export:
    """A folder, a zip or one file, opened for reading. A context manager.

    Names are posix, and start below the folder that wraps everything, if one does: that is kept in
    `wrapping`, with a slash at its end. A file ending in `.gz` appears without that ending and is
    decompressed as it is read. `size` and `done` are bytes, uncompressed except for those, for a
    progress bar. `mappings` are the [[tables]] of hearth.toml.
    """

    def __init__(self, path: Path, mappings: Sequence[Mapping[str, Any]] = ()) -> None:
        self.path = Path(path)
        self.mappings = mappings
        self._place: _Place = _place(self.path)
        self.wrapping = _wrapping(self._place.members)
        self._members = _named(self._place.members, len(self.wrapping))
        self.name = self.path.resolve().name.removesuffix(".zip")
        self.size = sum(member.size for member in self._members.values())
        self.done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._place.close()

    def files(self, pattern: str = "*") -> list[str]:
        """The names that match, sorted. Letters' case counts; `*` also crosses `/`."""
        matches = re.compile(translate(pattern)).match
        return [name for name in self._members if matches(name)]

    def head(self, name: str, size: int = 65536) -> bytes:
        """The first `size` bytes, to see what a file is. Not counted in `done`."""
        with self._stream(name, counted=False) as stream:
            return stream.read(size)

    def read(self, name: str) -> bytes:
        """All of a file, of at most 512 MB."""
        member = self._member(name)
        if member.is_gzip or member.size > SMALL:
            with self._stream(name) as stream:
                content = stream.read(MAX_AT_ONCE + 1)
        else:  # without the layers of a stream: most exports are many small files
            content = self._read_small(member, name)
        if len(content) > MAX_AT_ONCE:
            raise ExportError(f"{self._label(name)} is too large to be read in one piece")
        return content

    def open(self, name: str) -> BinaryIO:
        """A file as a buffered stream. In a zip its checksum has passed before the first byte comes."""
        member = self._member(name)
        if isinstance(self._place, _Zip) and not member.is_verified:
            if member.size <= SMALL and not member.is_gzip:
                return io.BytesIO(self.read(name))
            self._verify(name)
        return self._stream(name)

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """Each line's number, from 1, and the line without its end. Of a line over 32 MB, its start."""
        with self.open(name) as stream:
            for number in itertools.count(1):
                line = rest = stream.readline(MAX_RECORD)
                if not line:
                    return
                while len(rest) == MAX_RECORD and not rest.endswith(b"\n"):
                    rest = stream.readline(MAX_RECORD)
                line = line.removesuffix(b"\n").removesuffix(b"\r")
                yield number, line.removeprefix(BOM) if number == 1 else line

    def decode(self, name: str, type: type[T]) -> T:
        """A small JSON file as `type`, all of it or an ExportError."""
        content = self.read(name).removeprefix(BOM)
        try:
            return _decoded(msgspec.json.Decoder(type), content)
        except UNFIT as error:
            raise ExportError(f"{self._label(name)} cannot be read: {_reason(error)}") from None

    def array(self, name: str, type: type[T], key: str | None = None) -> Iterator[T | Refused]:
        """The elements of a JSON list: the file's own, or the one under `key` at its top.

        An element that does not fit `type` comes out as Refused, and so does a cut-off end. Memory
        does not grow with the file. What comes out nests at most 64 deep.
        """
        member = self._member(name)
        elements = _Elements(name, type)
        if key is not None or member.is_gzip or member.size > BLOCK:
            with self.open(name) as stream:
                yield from elements.streamed(_Window(stream), key)
            return
        content = self.read(name)
        whole = elements.whole(content)
        yield from elements.streamed(_Window(io.BytesIO(content)), None) if whole is None else whole

    def _member(self, name: str) -> _Member:
        try:
            return self._members[name]
        except KeyError:
            raise ExportError(f"{name} is missing from {self.path.name}") from None

    def _label(self, name: str) -> str:
        return f"{name} in {self.path.name}" if self.path.name != name else name

    def _stream(self, name: str, counted: bool = True) -> BinaryIO:
        member, label = self._member(name), self._label(name)
        try:
            stored = member.open()
        except DAMAGE as error:
            raise _damaged(label, error) from None
        count = self._count if counted else _uncounted
        checked = _Checked(stored, label, member.size, self._place.mismatch, count)
        return io.BufferedReader(_Unpacked(checked, label) if member.is_gzip else checked)

    def _read_small(self, member: _Member, name: str) -> bytes:
        try:
            with member.open() as stored:
                content = stored.read()
        except DAMAGE as error:
            raise _damaged(self._label(name), error) from None
        if len(content) != member.size:
            raise ExportError(f"{self._label(name)} {self._place.mismatch}")
        self._count(member.size)
        return content

    def _count(self, size: int) -> None:
        self.done += size

    def _verify(self, name: str) -> None:
        """Read a member to its end, where its checksum is compared."""
        with self._stream(name, counted=False) as stream:
            while stream.read(BLOCK):
                pass
        self._members[name].is_verified = True


@dataclass(slots=True)
class _Member:
    """One file of the export. `size` is uncompressed, except for a .gz."""

    open: Callable[[], IO[bytes]]
    size: int
    is_gzip: bool = False
    is_verified: bool = False


class _Folder:
    """Files on disk: all below a folder, or just the one."""

    mismatch = "changed while it was read. Is it still being written? Load it again when it is complete"

    def __init__(self, path: Path) -> None:
        self._root = path.resolve()
        found = self._below() if path.is_dir() else iter([(path.name, path)])
        self.members = _listed(((name, self._member(file)) for name, file in found), path)

    def close(self) -> None:
        """Nothing is held open."""

    def _below(self) -> Iterator[tuple[str, Path]]:
        waiting = [self._root]
        while waiting:
            for entry in os.scandir(waiting.pop()):
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif self._is_ours(entry, path):
                    relative = path.relative_to(self._root).as_posix()
                    yield os.fsencode(relative).decode(errors="replace"), path

    def _member(self, path: Path) -> _Member:
        return _Member(partial(io.FileIO, path), path.stat().st_size)

    def _is_ours(self, entry: os.DirEntry[str], path: Path) -> bool:
        """Not a pipe or a device, nor a link that leads outside or nowhere."""
        return entry.is_file() and (not entry.is_symlink() or path.resolve().is_relative_to(self._root))


class _Zip:
    """A zip, whose list of members is believed only as far as it can be checked."""

    mismatch = "is damaged: its real size is not the one the zip states. Download the zip again"

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except DAMAGE:
            raise ExportError(_not_a_zip(path)) from None
        try:
            self.members = _listed(self._checked(path.name), path)
        except ExportError:
            self.close()
            raise

    def close(self) -> None:
        self._zip.close()

    def _checked(self, zip_name: str) -> Iterator[tuple[str, _Member]]:
        reached = 0
        for info in sorted(self._zip.infolist(), key=lambda info: info.header_offset):
            name = _zip_name(info)
            if fault := _fault(name, info, overlaps=info.header_offset < reached):
                raise ExportError(f"{zip_name}: {name!r} {fault}. Export it again")
            reached = info.header_offset + info.compress_size
            if not name.endswith("/") and not stat.S_ISLNK(info.external_attr >> 16):
                yield name, _Member(partial(self._zip.open, info), info.file_size)


_Place = _Folder | _Zip


def _place(path: Path) -> _Place:
    try:
        if path.is_dir():
            return _Folder(path)
        with path.open("rb") as file:
            is_zip = file.read(4) in (b"PK\3\4", b"PK\5\6") or path.suffix.lower() == ".zip"
        return _Zip(path) if is_zip else _Folder(path)
    except OSError as error:
        raise ExportError(f"{error.filename or path} cannot be opened: {error.strerror}") from None


def _not_a_zip(path: Path) -> str:
    with path.open("rb") as file:
        begun = file.read(2) == b"PK"
    if begun or path.stat().st_size == 0:
        return f"{path.name} is incomplete ({path.stat().st_size:,} bytes): download it again"
    return f"{path.name} is not a zip. Was an error page saved under its name? Download it again"


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The member's name as it was meant: many zips hold UTF-8 without saying so, or backslashes."""
    name = info.filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return name.replace("\\", "/").removeprefix("./")


def _fault(name: str, info: zipfile.ZipInfo, overlaps: bool) -> str | None:
    if name.startswith("/") or ".." in name.split("/") or re.match("[A-Za-z]:", name):
        return "is a name that leads out of the export"
    if name.count("/") > MAX_PATH_DEPTH:
        return f"lies more than {MAX_PATH_DEPTH} folders deep"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if overlaps:
        return "overlaps another member, as only a zip bomb does"
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * info.compress_size:
        return f"claims to shrink over {MAX_RATIO} times, as only a zip bomb does"
    return None


def _listed(found: Iterator[tuple[str, _Member]], path: Path) -> dict[str, _Member]:
    """The members by name, without what macOS adds; no name twice, and within the limits."""
    members: dict[str, _Member] = {}
    total = 0
    for name, member in found:
        if _is_litter(name):
            continue
        if name in members:
            raise ExportError(f"{path.name} holds {name!r} twice. Export it again")
        members[name] = member
        total += member.size
        if len(members) > MAX_MEMBERS or total > MAX_TOTAL:
            raise ExportError(f"{path.name} holds more than {MAX_MEMBERS:,} files or {MAX_TOTAL >> 30} GB")
    return members


def _is_litter(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._")


def _wrapping(names: Iterable[str]) -> str:
    """The innermost folder that holds every file."""
    folders = {posixpath.dirname(f"/{name}") for name in names} or {"/"}
    path = posixpath.commonpath(folders)
    return "" if path == "/" else path[1:] + "/"


def _named(members: dict[str, _Member], skip: int) -> dict[str, _Member]:
    """Sorted, without the wrapping folder and the ending `.gz`."""
    named = {}
    for name, member in members.items():
        member.is_gzip = name.lower().endswith(".gz")
        bare = name[:-3] if member.is_gzip and name[:-3] not in members else name
        named[bare[skip:]] = member
    return dict(sorted(named.items()))


def _uncounted(size: int) -> None:
    """For bytes that are read to look, not to load."""


class _Checked(io.RawIOBase):
    """A member's bytes, counted as they come: neither the disk's nor the zip's word is taken for the size."""

    def __init__(self, source: IO[bytes], label: str, size: int, mismatch: str, count: Callable[[int], None]) -> None:
        self._source, self._label, self._size = source, label, size
        self._mismatch, self._count, self.seen = mismatch, count, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        try:
            content = self._source.read(len(view))
        except DAMAGE as error:
            raise _damaged(self._label, error) from None
        self.seen += len(content)
        if self.seen > self._size or (not content and self.seen < self._size):
            raise ExportError(f"{self._label} {self._mismatch}")
        self._count(len(content))
        view[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._source.close()
        super().close()


class _Unpacked(io.RawIOBase):
    """A .gz, decompressed, within the limits."""

    def __init__(self, packed: _Checked, label: str) -> None:
        self._packed, self._label, self._made = packed, label, 0
        self._gzip = gzip.GzipFile(fileobj=io.BufferedReader(packed))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        try:
            content = self._gzip.read1(len(view))
        except DAMAGE as error:
            raise _damaged(self._label, error) from None
        self._made += len(content)
        if self._made > min(MAX_TOTAL, max(RATIO_FROM, MAX_RATIO * self._packed.seen)):
            raise ExportError(f"{self._label} grows over {MAX_RATIO} times, as only a bomb does")
        view[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._packed.close()
        super().close()


def _damaged(label: str, error: Exception) -> ExportError:
    if isinstance(error, NotImplementedError):
        return ExportError(f"{label} is packed in a way that cannot be read: unpack it and load the folder")
    if isinstance(error, OSError) and error.strerror:
        return ExportError(f"{label} cannot be read: {error.strerror}")
    if isinstance(error, EOFError):
        return ExportError(f"{label} is incomplete: download it again")
    return ExportError(f"{label} is damaged: download it again")


_STRING = rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"'


def _nested(depth: int) -> bytes:
    """The pattern of brackets within brackets. Possessive throughout, so it takes linear time."""
    pattern = rb"[\[{](?:[^\[\]{}\"]++|" + _STRING + rb")*+[\]}]"
    for _ in range(depth - 1):
        pattern = rb"[\[{](?:[^\[\]{}\"]++|" + _STRING + rb"|" + pattern + rb")*+[\]}]"
    return pattern


_ANY = rb"\s*+(" + _nested(MAX_JSON_DEPTH) + rb"|" + _STRING + rb'|[^\s,\[\]{}"]++)\s*+'
_VALUE = re.compile(_ANY, re.DOTALL)
_ELEMENT = re.compile(_ANY + rb",", re.DOTALL)
_RUN = re.compile(rb"(?>(?:" + _ANY + rb",)*)", re.DOTALL)
_LAST = re.compile(rb"(?>(?:" + _ANY + rb")?)\s*+\]\s*+", re.DOTALL)
_CLOSED = re.compile(rb"\s*+\]\s*+\Z")
_SEAM = re.compile(rb",\s*+(?=\{)")
_LONE = re.compile(
    rb"(\\[^u]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u(?![dD][89a-fA-F])....)|\\u[dD][89a-fA-F]..", re.DOTALL
)


class _Window:
    """The part of a stream that is being looked at, and where in the file it lies."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.data, self.offset, self.ended = stream, b"", 0, False
        self.more()

    def more(self) -> None:
        # Doubling keeps the work on one very long element in proportion to its length.
        wanted = max(BLOCK, len(self.data))
        fresh = self._stream.read(wanted)
        self.ended = len(fresh) < wanted
        self.data += fresh

    def drop(self, size: int) -> None:
        self.data = self.data[size:]
        self.offset += size


class _Elements(Generic[T]):
    """The elements of one file's JSON list, each of which stands or falls alone."""

    def __init__(self, file: str, type: type[T]) -> None:
        self._file = file
        self._one = msgspec.json.Decoder(type)
        self._many = msgspec.json.Decoder(list[type])  # type: ignore[valid-type]
        self._is_struct = isinstance(type, msgspec.StructMeta)

    def whole(self, content: bytes) -> list[T] | None:
        """Every element of a list at once, or None if it must be gone through with more care."""
        try:
            values = self._many.decode(content)
        except UNFIT:
            return None
        return values if self._is_struct or not any(map(_is_deep, values)) else None

    def streamed(self, window: _Window, key: str | None) -> Iterator[T | Refused]:
        """Element after element, from a stream, with whatever precedes and follows a list under `key`."""
        if window.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ExportError(f"{self._file} is UTF-16 text: save it as UTF-8")
        if _entered(window, key):
            yield from self._walked(window, key)
        else:
            wanted = "a list" if key is None else f"a list called {key!r}"
            yield Refused(self._file, "byte 0", f"there should be {wanted} in it", window.data[:1024])

    def _walked(self, window: _Window, key: str | None) -> Iterator[T | Refused]:
        while True:
            if run := self._run(window):
                yield from run
            elif last := _last(window, key):
                if last[1]:
                    yield self._single(last[1], window.offset + last.start(1))
                return
            elif not window.ended and len(window.data) < MAX_RECORD:
                window.more()
            elif seam := self._seam(window.data):
                yield self._single(window.data[: seam.start()], window.offset)
                window.drop(seam.end())
            elif window.ended:
                yield from self._tail(window.data, window.offset)
                return
            else:
                reason = f"broken, or larger than {MAX_RECORD >> 20} MB"
                yield self._refused(window.data, window.offset, reason)
                self._skip(window)

    def _run(self, window: _Window) -> list[T] | list[T | Refused]:
        """The elements that the window holds whole, up to the last comma between two of them."""
        for find_end in (_likely_end, _end_of_run):
            end = find_end(window.data)
            if end and (values := self.whole(b"".join((b"[", memoryview(window.data)[: end - 1], b"]")))):
                window.drop(end)
                return values
        return self._one_by_one(window)

    def _one_by_one(self, window: _Window) -> list[T | Refused]:
        data, position, found = window.data, 0, []
        while element := _ELEMENT.match(data, position):
            start, position = element.start(1), element.end()
            value = self._single(element[1], window.offset + start)
            if isinstance(value, Refused) and not _is_json(element[1]):
                if not (seam := self._seam(data, start)):
                    position = start
                    break
                value = self._single(data[start : seam.start()], window.offset + start)
                position = seam.end()
            found.append(value)
        window.drop(position)
        return found

    def _single(self, raw: bytes, offset: int) -> T | Refused:
        try:
            value = _decoded(self._one, raw)
        except UNFIT as error:
            return self._refused(raw, offset, _reason(error))
        if _is_deep(value):
            return self._refused(raw, offset, f"nested more than {MAX_JSON_DEPTH} deep")
        return value

    def _refused(self, raw: bytes, offset: int, reason: str) -> Refused:
        bare = raw.lstrip()
        return Refused(self._file, f"byte {offset + len(raw) - len(bare)}", reason, bare[:MAX_RAW])

    def _skip(self, window: _Window) -> None:
        """On to the next sound element, or to the list's end."""
        seam = None
        while not seam and not window.ended:
            window.drop(len(window.data) - BLOCK)
            window.more()
            seam = self._seam(window.data)
        closed = _CLOSED.search(window.data)
        window.drop(seam.end() if seam else closed.start() if closed else len(window.data))

    def _seam(self, data: bytes, position: int = 0) -> re.Match[bytes] | None:
        """The first comma after which an element begins that fits: brackets and quotes prove nothing here."""
        for seam in itertools.islice(_SEAM.finditer(data, position + 1), MAX_SEAMS):
            element = _VALUE.match(data, seam.end(), seam.end() + BLOCK)
            if element and not isinstance(self._single(element[0], 0), Refused):
                return seam
        return None

    def _tail(self, data: bytes, offset: int) -> Iterator[T | Refused]:
        """The end of a file whose last element is broken, or whose list is never closed."""
        element, closed = _VALUE.match(data), _CLOSED.search(data)
        end = element.end() if element else closed.start() if closed else len(data)
        last = self._single(data[:end], offset)
        is_sound, is_closed = not isinstance(last, Refused), closed is not None and closed.start() == end
        if is_sound or is_closed:
            yield last
        if not is_closed:
            start = end if is_sound else 0
            yield self._refused(data[start:], offset + start, "the list has no proper end: is the file cut off?")


def _last(window: _Window, key: str | None) -> re.Match[bytes] | None:
    """The list's end with the element before it, unless what follows shows that it is not the end."""
    last = _LAST.match(window.data)
    if not last:
        return None
    after = window.data[last.end() : last.end() + 1]
    ends = key is not None and after in b",}" if after else window.ended
    return last if ends else None


def _entered(window: _Window, key: str | None) -> bool:
    """Move the window to the first element, past the list's own bracket."""
    while not (end := _end(_opening(key), window.data)):
        if window.ended or len(window.data) >= MAX_RECORD:
            return False
        window.more()
    window.drop(end)
    return True


@cache
def _opening(key: str | None) -> re.Pattern[bytes]:
    if key is None:
        return re.compile(rb"(?:\xef\xbb\xbf)?+\s*+\[")
    name = re.escape(msgspec.json.encode(key))
    before = rb"(?>(?:\s*+(?!%b\s*+:)%b\s*+:%b,)*)" % (name, _STRING, _ANY)
    return re.compile(rb"(?:\xef\xbb\xbf)?+\s*+\{%b\s*+%b\s*+:\s*+\[" % (before, name), re.DOTALL)


def _likely_end(data: bytes) -> int:
    """Where the last whole element of a window ends, judged from its last part only: a guess, or 0.

    The first seam from which elements follow one another up to the window's cut edge is not inside
    an element, unless it is inside the one that is cut. Decoding then proves it or not.
    """
    position = len(data) - GLANCE
    if position < GLANCE:
        return 0
    while seam := _SEAM.search(data, position):
        end = _end(_RUN, data, seam.start() + 1) or seam.start() + 1
        beyond = _VALUE.match(data, end)
        if not beyond:
            return end
        position = beyond.end()
    return 0


def _end_of_run(data: bytes) -> int:
    return _end(_RUN, data)


def _end(pattern: re.Pattern[bytes], data: bytes, position: int = 0) -> int:
    match = pattern.match(data, position)
    return match.end() if match else 0


def _is_json(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except UNFIT:
        return False
    return True


def _decoded(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """One value; half a surrogate pair, which is no text, becomes U+FFFD."""
    try:
        return decoder.decode(raw)
    except UNFIT:
        mended = _LONE.sub(lambda found: found[1] or rb"\ufffd", raw)
        if mended == raw:
            raise
        return decoder.decode(mended)


def _is_deep(value: object) -> bool:
    """Whether lists and objects of any shape nest too deep. What a struct leaves out does no harm."""
    level = [value]
    depth = 0
    while level and depth < MAX_JSON_DEPTH:
        level, depth = list(itertools.chain.from_iterable(map(_inside, level))), depth + 1
    return bool(level)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "not valid UTF-8"
    return str(error)
