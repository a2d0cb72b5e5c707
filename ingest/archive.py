"""An export as it lies on disk: a folder, a zip, a tar or one file. Never unpacked, only streamed.

Files are reached by exact name from a list that was checked first, so no name in an archive can lead
anywhere. What is wrong with the export as a whole raises ExportError; what is wrong with one record
comes out as Refused, and the rest is kept.
"""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import os
import posixpath
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fnmatch import translate
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Generic, Protocol, Self, TypeVar, cast

import msgspec
import zstandard
from isal import isal_zlib
from msgspec import inspect

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
MAX_HEADER = 1 << 20  # of a tar: the longest real ones hold one long name
MAX_RAW = 1 << 20  # what is kept of a refused record
MAX_SEAMS = 1000  # commas tried after a broken record: else a crafted file could take hours
SAMPLE = 100  # records of each kind whose fields are compared with those we know
GLANCE = 1 << 14  # the part of a block in which its last whole element is looked for

TAR = re.compile(r"(?i)\.(tgz|tar(\.(gz|bz2|xz|zst))?)$")
ENDING = re.compile(r"(?i)\.(zip|tgz|(tar\.)?(gz|bz2|xz|zst)|tar)$")

LOCAL_HEADER = struct.Struct("<26x2H")  # of a zip's member: the lengths of its name and of what else stands before it

BOM = b"\xef\xbb\xbf"
DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, zstandard.ZstdError, struct.error),
    *(cast("type[Exception]", isal_zlib.IsalError), EOFError, OSError, RuntimeError, ValueError),
)
UNDECODED = (msgspec.Raw, dict[str, msgspec.Raw])
UNFIT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class ExportError(Exception):
    """What is wrong with an export as a whole, in words for the person who ran the load."""


class Export:
    """A folder, a zip, a tar or one file, opened for reading. A context manager.

    Names are posix, and start below the folder that wraps everything, if one does: that is kept in
    `wrapping`, with a slash at its end. A file ending in `.gz`, `.bz2`, `.xz` or `.zst` appears without
    that ending and is decompressed as it is read. `size` and `done` are bytes, uncompressed except for
    those, for a progress bar. `mappings` are the [[tables]] of hearth.toml.

    Answers of an API that were just pulled lie nowhere on disk: they come as Pages instead of a path, are known by
    `is_pulled`, and have their source's id for a name. `address` is where they came from.

    `include_private` asks the reader for direct messages and private channels too. `left_out` counts, by
    kind, what the reader left out on purpose ("private messages": 12): no record stands for these.
    `unknown` counts the fields of JSON records that no struct of the reader names ("Message.blocks": 7),
    in the first hundred records of each kind only: it tells that a format grew, not how often.
    """

    def __init__(
        self, path: Path | Pages, mappings: Sequence[Mapping[str, Any]] = (), *, include_private: bool = False
    ) -> None:
        self.path = Path(path.name) if isinstance(path, Pages) else Path(path)
        self.mappings = mappings
        self.include_private = include_private
        self.left_out = Counter[str]()
        self._place: _Place = path if isinstance(path, Pages) else _place(self.path)
        self.wrapping = _wrapping(self._place.members)
        self._members = _named(self._place.members, len(self.wrapping))
        self._fields = _Fields()
        self.is_pulled, self.address = isinstance(path, Pages), path.address if isinstance(path, Pages) else None
        self.name = path.name if isinstance(path, Pages) else _called(self.path)
        self.size = sum(member.size for member in self._members.values())
        self.done = 0

    @property
    def unknown(self) -> Counter[str]:
        """Fields that were met but are not known, by struct and name."""
        return self._fields.unknown

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

    def read(self, name: str, *, counted: bool = True) -> bytes:
        """All of a file, of at most 512 MB."""
        member = self._member(name)
        if member.unpack or member.size > SMALL:
            with self._stream(name, counted) as stream:
                content = stream.read(MAX_AT_ONCE + 1)
        else:  # without the layers of a stream: most exports are many small files
            content = self._read_small(member, name, counted)
        if len(content) > MAX_AT_ONCE:
            raise ExportError(f"{self._label(name)} is too large to be read in one piece")
        return content

    def open(self, name: str, *, counted: bool = True) -> BinaryIO:
        """A file as a buffered stream. In a zip its checksum has passed before the first byte comes.

        A file that must be gone through twice is `counted` in `done` the second time only.
        """
        member = self._member(name)
        if isinstance(self._place, _Zip) and not member.is_verified:
            if counted and member.size <= SMALL and not member.unpack:
                return io.BytesIO(self.read(name))
            self._verify(name)
        return self._stream(name, counted)

    def lines(self, name: str, *, counted: bool = True) -> Iterator[tuple[int, bytes]]:
        """Each line's number, from 1, and the line without its end. Of a line over 32 MB, its start."""
        with self.open(name, counted=counted) as stream:
            for number in itertools.count(1):
                line = rest = stream.readline(MAX_RECORD)
                if not line:
                    return
                while len(rest) == MAX_RECORD and not rest.endswith(b"\n"):
                    rest = stream.readline(MAX_RECORD)
                line = line.removesuffix(b"\n").removesuffix(b"\r")
                yield number, line.removeprefix(BOM) if number == 1 else line

    def decode(self, name: str, type: type[T], *, counted: bool = True) -> T:
        """A small JSON file as `type`, all of it or an ExportError."""
        content = self.read(name, counted=counted).removeprefix(BOM)
        try:
            decoded = _decoded(msgspec.json.Decoder(type), content)
        except UNFIT as error:
            raise ExportError(f"{self._label(name)} cannot be read: {_reason(error)}") from None
        self._fields.compare(content, type)
        return decoded

    def array(self, name: str, type: type[T], key: str | None = None) -> Iterator[T | Refused]:
        """The elements of a JSON list: the file's own, or the one under `key` at its top.

        The file's own may be a script's, `window.x = [...]`. An element that does not fit `type` comes out
        as Refused, and so does a cut-off end. Memory does not grow with the file. What comes out nests at
        most 64 deep.
        """
        return itertools.chain.from_iterable(self._arrays(name, type, key))

    def _arrays(self, name: str, type: type[T], key: str | None) -> Iterator[Sequence[T | Refused]]:
        """The same elements, as many at once as are decoded at once."""
        member = self._member(name)
        elements = _Elements(name, type, self._fields)
        if key is not None or member.unpack or member.size > BLOCK:
            with self.open(name) as stream:
                yield from elements.streamed(_Window(stream), key)
            return
        content = self.read(name)
        whole = elements.whole(content)
        yield from elements.streamed(_Window(io.BytesIO(content)), None) if whole is None else [whole]

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
        return io.BufferedReader(_Unpacked(checked, label, member.unpack) if member.unpack else checked)

    def _read_small(self, member: _Member, name: str, counted: bool) -> bytes:
        try:
            content = member.whole()
        except DAMAGE as error:
            raise _damaged(self._label(name), error) from None
        if len(content) != member.size:
            raise ExportError(f"{self._label(name)} {self._place.mismatch}")
        if counted:
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
    """One file of the export. `size` is uncompressed, except for one that `unpack` decompresses."""

    open: Callable[[], IO[bytes]]
    size: int
    unpack: _Unpack | None = None
    inflate: Callable[[], bytes] | None = None
    is_verified: bool = False

    def whole(self) -> bytes:
        """All of it at once, as it is stored."""
        if self.inflate:
            return self.inflate()
        with self.open() as stored:
            return stored.read()


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
            self._zip, self._file = zipfile.ZipFile(path), path.open("rb")
        except DAMAGE:
            raise ExportError(_not_a_zip(path)) from None
        try:
            self.members = _listed(self._checked(path.name), path)
        except ExportError:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()
        self._zip.close()

    def _checked(self, zip_name: str) -> Iterator[tuple[str, _Member]]:
        reached = 0
        for info in sorted(self._zip.infolist(), key=lambda info: info.header_offset):
            name = _zip_name(info)
            if fault := _fault(name, info, overlaps=info.header_offset < reached):
                raise ExportError(f"{zip_name}: {name!r} {fault}. Export it again")
            reached = info.header_offset + info.compress_size
            if not name.endswith("/") and not stat.S_ISLNK(info.external_attr >> 16):
                inflate = partial(self._inflated, info) if info.compress_type == zipfile.ZIP_DEFLATED else None
                yield name, _Member(partial(self._zip.open, info), info.file_size, inflate=inflate)

    def _inflated(self, info: zipfile.ZipInfo) -> bytes:
        """A member in one piece, which is three times as quick as through zipfile. Of one that lies, what it says."""
        self._file.seek(info.header_offset)
        name, extra = LOCAL_HEADER.unpack(self._file.read(LOCAL_HEADER.size))
        self._file.seek(name + extra, os.SEEK_CUR)
        content = isal_zlib.decompressobj(-15).decompress(self._file.read(info.compress_size), info.file_size + 1)
        if isal_zlib.crc32(content) != info.CRC:
            raise zipfile.BadZipFile("its checksum is wrong")
        return bytes(content)


class _Tar:
    """A tar, in which members are reached by their place. No link or device in it is ever followed.

    One that is compressed cannot be searched, so it is decompressed once, into a temporary file without
    a name, within the same limits as everything.
    """

    mismatch = "is cut off: download the tar again"

    def __init__(self, path: Path) -> None:
        unpack = _packing(re.sub(r"(?i)\.tgz$", ".gz", path.name))
        self._file: IO[bytes] = _spooled(path, unpack) if unpack else path.open("rb")
        try:
            self.members = _listed(self._checked(path.name), path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()

    def _checked(self, tar_name: str) -> Iterator[tuple[str, _Member]]:
        for info in self._headers(tar_name):
            name = _tar_name(info)
            if fault := _misplaced(name) or ("is packed in a way that cannot be read" if info.issparse() else None):
                raise ExportError(f"{tar_name}: {name!r} {fault}. Export it again")
            if info.isreg():
                yield name, _Member(partial(self._open, info.offset_data, info.size), info.size)

    def _open(self, offset: int, size: int) -> IO[bytes]:
        return io.BufferedReader(_Part(self._file, offset, size))

    def _headers(self, tar_name: str) -> Iterator[tarfile.TarInfo]:
        """Every header up to the empty one that ends a tar: without it, something may be missing."""
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", _Headers(self._file)), mode="r:") as tar:
                for info in itertools.islice(tar, MAX_MEMBERS + 1):
                    if info.size < 0:
                        raise tarfile.ReadError
                    yield info
                self._file.seek(tar.offset)
                ending = self._file.read(tarfile.BLOCKSIZE)
        except DAMAGE:
            raise ExportError(f"{tar_name} is not a tar, or is damaged or incomplete: download it again") from None
        if ending != bytes(tarfile.BLOCKSIZE):
            raise ExportError(f"{tar_name} is incomplete: download it again")


class _Headers:
    """A tar's file as tarfile may see it: of itself it would take a header of any size into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.tell, self.seek = file, file.tell, file.seek

    def read(self, size: int) -> bytes:
        if size > MAX_HEADER:
            raise tarfile.ReadError
        return self._file.read(size)


class _Part(io.RawIOBase):
    """The bytes of one member of a tar."""

    def __init__(self, file: IO[bytes], offset: int, size: int) -> None:
        self._file, self._offset, self._until = file, offset, offset + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        self._file.seek(self._offset)
        content = self._file.read(min(len(view), self._until - self._offset))
        self._offset += len(content)
        view[: len(content)] = content
        return len(content)


class Pages:
    """Answers of an API, by file name, with their sizes: `read` gives one's bytes each time it is asked."""

    mismatch = "is not as long as it was when it was pulled"

    def __init__(
        self, name: str, sizes: Mapping[str, int], read: Callable[[str], bytes], address: str | None = None
    ) -> None:
        self.name, self.address = name, address
        found = ((file, _Member(partial(self._open, file, read), size)) for file, size in sizes.items())
        self.members = _listed(found, Path(name))

    def close(self) -> None:
        """Nothing is held open."""

    def _open(self, file: str, read: Callable[[str], bytes]) -> IO[bytes]:
        return io.BytesIO(read(file))


_Place = _Folder | _Zip | _Tar | Pages


def _place(path: Path) -> _Place:
    try:
        if path.is_dir():
            return _Folder(path)
        with path.open("rb") as file:
            begun = file.read(tarfile.BLOCKSIZE)
        if begun[:4] in (b"PK\3\4", b"PK\5\6") or path.suffix.lower() == ".zip":
            return _Zip(path)
        return _Tar(path) if begun[257:262] == b"ustar" or TAR.search(path.name) else _Folder(path)
    except OSError as error:
        raise ExportError(f"{error.filename or path} cannot be opened: {error.strerror}") from None


def _called(path: Path) -> str:
    name = path.resolve().name
    return name if path.is_dir() else ENDING.sub("", name)


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


def _tar_name(info: tarfile.TarInfo) -> str:
    name = info.name.encode(errors="surrogateescape").decode(errors="replace")
    return name.replace("\\", "/").removeprefix("./")


def _misplaced(name: str) -> str | None:
    if name.startswith("/") or ".." in name.split("/") or re.match("[A-Za-z]:", name):
        return "is a name that leads out of the export"
    if name.count("/") > MAX_PATH_DEPTH:
        return f"lies more than {MAX_PATH_DEPTH} folders deep"
    return None


def _fault(name: str, info: zipfile.ZipInfo, overlaps: bool) -> str | None:
    if misplaced := _misplaced(name):
        return misplaced
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
    """Sorted, without the wrapping folder and the endings of compression, except where two would share a name."""
    named = {}
    for name, member in members.items():
        member.unpack = _packing(name)
        bare = name.rpartition(".")[0] if member.unpack else name
        is_taken = bare != name and (bare in members or bare[skip:] in named)
        named[(name if is_taken else bare)[skip:]] = member
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
    """A compressed file, decompressed, within the limits."""

    def __init__(self, packed: _Checked, label: str, unpack: _Unpack) -> None:
        self._packed, self._label, self._made = packed, label, 0
        self._unpacked = unpack(io.BufferedReader(packed))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        try:
            content = self._unpacked.read1(len(view))
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


class _Zstandard:
    """A .zst. The library's own reader takes a cut-off file for a whole one; here it is an EOFError."""

    _FED = 4096  # at once: hostile bytes grow 32,000 times before they can be counted

    def __init__(self, packed: BinaryIO) -> None:
        # Reddit archives look back 2 GB, the most the format allows.
        self._library = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        self._packed, self._frame, self._rest, self._made = packed, self._library.decompressobj(), b"", io.BytesIO()
        self._is_begun = False

    def read1(self, size: int) -> bytes:
        while not (made := self._made.read(size)):
            fresh = self._rest or self._packed.read(self._FED)
            if not fresh and self._is_begun:
                raise EOFError
            if not fresh:
                return b""
            self._made, self._rest, self._is_begun = io.BytesIO(self._frame.decompress(fresh)), b"", True
            if self._frame.eof:
                self._rest, self._is_begun = self._frame.unused_data, False
                self._frame = self._library.decompressobj()
        return made


class _Reads(Protocol):
    """What decompresses: a file that hands out at most so many bytes at once."""

    def read1(self, size: int, /) -> bytes: ...


_Unpack = Callable[[BinaryIO], _Reads]

_PACKINGS: dict[str, _Unpack] = {
    ".gz": lambda packed: gzip.GzipFile(fileobj=packed),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _Zstandard,
}


def _packing(name: str) -> _Unpack | None:
    return _PACKINGS.get(posixpath.splitext(name)[1].lower())


def _spooled(path: Path, unpack: _Unpack) -> IO[bytes]:
    """A compressed tar, decompressed into a file that has no name and is gone once it is closed."""
    checked = _Checked(io.FileIO(path), path.name, path.stat().st_size, _Folder.mismatch, _uncounted)
    try:
        with _Unpacked(checked, path.name, unpack) as unpacked, ExitStack() as unless_whole:
            spool = unless_whole.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(unpacked, spool, BLOCK)
            spool.seek(0)
            unless_whole.pop_all()
            return spool
    except OSError as error:
        raise ExportError(f"{path.name} cannot be decompressed: {error.strerror}. Unpack it, load the folder") from None


def _damaged(label: str, error: Exception) -> ExportError:
    if isinstance(error, NotImplementedError):
        return ExportError(f"{label} is packed in a way that cannot be read: unpack it and load the folder")
    if isinstance(error, OSError) and error.strerror:
        return ExportError(f"{label} cannot be read: {error.strerror}")
    if isinstance(error, EOFError):
        return ExportError(f"{label} is incomplete: download it again")
    return ExportError(f"{label} is damaged: download it again")


class _Fields:
    """Counts the fields that no struct names, in the first records of each kind."""

    def __init__(self) -> None:
        self._met = Counter[str]()
        self._read = set[str]()
        self._compared = Counter[object]()

    @property
    def unknown(self) -> Counter[str]:
        """What none of the structs names: a reader may look at the same record twice, each time for other fields."""
        return Counter({name: count for name, count in self._met.items() if name.split(".")[1] not in self._read})

    def compare(self, content: bytes, type: object) -> None:
        """Look at JSON that was decoded as `type`, or as a list of it, while there is something to learn."""
        room = SAMPLE - self._compared[type]
        if room <= 0 or len(content) > 2 * BLOCK:
            return
        with suppress(*UNFIT):  # what had to be mended is not looked at
            value = msgspec.json.decode(content)
            kind = inspect.type_info(type)
            rows = value if isinstance(value, list) and not isinstance(kind, inspect.ListType) else [value]
            self._compared[type] += len(rows)
            for row in rows[:room]:
                self._walk(row, kind)

    def _walk(self, value: object, kind: inspect.Type) -> None:
        if isinstance(kind, inspect.StructType) and isinstance(value, dict):
            known = {field.encode_name for field in kind.fields} | {kind.tag_field}
            self._read |= {name for name in known if name}
            self._met.update(f"{kind.cls.__name__}.{name}" for name in value.keys() - known)
        for inner, its_kind in _parts(value, kind):
            self._walk(inner, its_kind)


def _parts(value: object, kind: inspect.Type) -> Iterable[tuple[object, inspect.Type]]:
    """What a value holds, each with what it was decoded as."""
    match value, kind:
        case _, inspect.UnionType():
            return [(value, each) for each in kind.types]
        case list(), inspect.ListType() | inspect.VarTupleType():
            return [(item, kind.item_type) for item in value[:SAMPLE]]
        case dict(), inspect.DictType():
            return [(item, kind.value_type) for item in value.values()]
        case dict(), inspect.StructType():
            return [(value[field.encode_name], field.type) for field in kind.fields if field.encode_name in value]
    return []


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

    def __init__(self, file: str, type: type[T], fields: _Fields) -> None:
        self._file, self._type, self._fields = file, type, fields
        self._one = msgspec.json.Decoder(type)
        self._many = msgspec.json.Decoder(list[type])  # type: ignore[valid-type]
        self._may_be_deep = type not in UNDECODED and not isinstance(type, msgspec.StructMeta)

    def whole(self, content: bytes) -> list[T] | None:
        """Every element of a list at once, or None if it must be gone through with more care."""
        try:
            values = self._many.decode(content)
        except UNFIT:
            return None
        if self._may_be_deep and any(map(_is_deep, values)):
            return None
        self._fields.compare(content, self._type)
        return values

    def streamed(self, window: _Window, key: str | None) -> Iterator[Sequence[T | Refused]]:
        """Elements after elements, from a stream, with whatever precedes and follows a list under `key`."""
        if window.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ExportError(f"{self._file} is UTF-16 text: save it as UTF-8")
        if _entered(window, key):
            yield from self._walked(window, key)
        else:
            wanted = "a list" if key is None else f"a list called {key!r}"
            yield [Refused(self._file, "byte 0", f"there should be {wanted} in it", window.data[:1024])]

    def _walked(self, window: _Window, key: str | None) -> Iterator[Sequence[T | Refused]]:
        while True:
            if run := self._run(window):
                yield run
            elif last := _last(window, key):
                if last[1]:
                    yield [self._single(last[1], window.offset + last.start(1))]
                return
            elif not window.ended and len(window.data) < MAX_RECORD:
                window.more()
            elif seam := self._seam(window.data):
                yield [self._single(window.data[: seam.start()], window.offset)]
                window.drop(seam.end())
            elif window.ended:
                yield list(self._tail(window.data, window.offset))
                return
            else:
                reason = f"broken, or larger than {MAX_RECORD >> 20} MB"
                yield [self._refused(window.data, window.offset, reason)]
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
        return re.compile(rb"(?:\xef\xbb\xbf)?+\s*+(?:[\w.]++\s*+=\s*+)?+\[")
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
