"""Exports as they come: cut off, damaged, hostile, huge. What is bad is named; the rest is read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import struct
import tarfile
import tempfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from data.records import Refused
from ingest import archive
from ingest.archive import Export, ExportError


class Said(msgspec.Struct):
    id: str
    text: str = ""


def packed(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as zipped:
        warnings.simplefilter("ignore")  # some of these hold a name twice, on purpose
        for name, content in files.items():
            zipped.writestr(zipfile.ZipInfo(name), content, method)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    """A tar, compressed as its name says."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, each in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(each)
            tar.addfile(info, io.BytesIO(each))
    path.write_bytes(PACKINGS.get(path.suffix.replace(".tgz", ".gz"), bytes)(content.getvalue()))
    return path


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def elements(tmp_path: Path, content: bytes, type: Any = Said, key: str | None = None) -> list[Any]:
    path = tmp_path / "rows.json"
    path.write_bytes(content)
    with Export(path) as export:
        return list(export.array("rows.json", type, key))


def told(found: list[Any]) -> list[str]:
    """The ids of what was read, and the reasons of what was not."""
    return [each.reason if isinstance(each, Refused) else each.id for each in found]


@pytest.fixture
def in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is streamed, a few records at a time, as only huge ones are."""
    monkeypatch.setattr(archive, "SMALL", 100)
    monkeypatch.setattr(archive, "BLOCK", 256)
    monkeypatch.setattr(archive, "GLANCE", 64)


# What is in an export


FILES = {"users.json": b"[]", "general/2024-05-01.json": b"[1]", "general/b.JSON": b"", ".hidden": b"x"}


def test_a_folder_a_zip_and_a_tar_wrapped_or_not_are_the_same_export(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / "plain" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "plain" / name).write_bytes(content)
    packed(tmp_path / "zipped.zip", FILES)
    packed(tmp_path / "wrapped.zip", {f"My export/2024/{name}": content for name, content in FILES.items()})
    tarred(tmp_path / "tarred.tar", FILES)
    for packing in ("tgz", "tar.gz", "tar.bz2", "tar.xz", "tar.zst"):
        tarred(tmp_path / f"wrapped.{packing}", {f"./backup/{name}": content for name, content in FILES.items()})
    for path in sorted(tmp_path.iterdir()):
        with Export(path) as export:
            assert export.files() == sorted(FILES)
            assert export.files("*.json") == ["general/2024-05-01.json", "users.json"]
            assert {name: export.read(name) for name in export.files()} == FILES
            assert export.name == path.name.partition(".")[0]
            assert (export.size, export.done) == (6, 6)


def test_a_file_gone_through_twice_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\n")
    for path in (tmp_path / "a.txt", packed(tmp_path / "a.zip", {"a.txt": b"one\ntwo\n"})):
        with Export(path) as export:
            assert list(export.lines("a.txt", counted=False)) == [(1, b"one"), (2, b"two")]
            assert export.done == 0
            assert list(export.lines("a.txt")) == [(1, b"one"), (2, b"two")]
            assert export.done == export.size == 8


def test_one_file_is_an_export(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_bytes(b"hello")
    with Export(tmp_path / "talk.txt") as export:
        assert (export.files(), export.name) == (["talk.txt"], "talk.txt")
        assert export.head("talk.txt", 4) == b"hell"
        assert export.done == 0
        assert export.open("talk.txt").read() == b"hello"
        assert export.done == 5


@pytest.mark.parametrize("ending", PACKINGS)
def test_a_compressed_file_is_read_under_its_own_name(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"2003-May.txt{ending}").write_bytes(PACKINGS[ending](b"From: a\n" * 9))
    (tmp_path / f"2003-June.txt{ending}").write_bytes(PACKINGS[ending](b"From: b\n") + PACKINGS[ending](b"c"))
    for path in (tmp_path, tmp_path / f"2003-May.txt{ending}"):
        with Export(path) as export:
            assert export.read("2003-May.txt") == b"From: a\n" * 9
            assert export.head("2003-May.txt", 4) == b"From"
    with Export(tmp_path / f"2003-May.txt{ending}") as export:
        assert export.name == "2003-May.txt"
    with Export(tmp_path) as export:
        assert export.files("*.txt") == ["2003-June.txt", "2003-May.txt"]
        assert export.read("2003-June.txt") == b"From: b\nc"  # written in two goes, as logs are
        export.read("2003-May.txt")
        assert export.done == export.size


def test_two_files_never_share_a_name(tmp_path: Path) -> None:
    for name in ("a.txt", "a.txt.gz", "b.txt.gz", "b.txt.zst"):
        (tmp_path / name).write_bytes(PACKINGS.get(Path(name).suffix, bytes)(name.encode()))
    with Export(tmp_path) as export:
        assert {export.read(name) for name in export.files()} == {b"a.txt", b"a.txt.gz", b"b.txt.gz", b"b.txt.zst"}


def test_a_frame_that_looks_back_two_gigabytes_is_read(tmp_path: Path) -> None:
    """As those of Reddit archives do: of itself the library stops at 128 MB."""
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    (tmp_path / "RC.zst").write_bytes(compressor.compress(b'{"id":"1"}\n') + compressor.flush())
    with Export(tmp_path / "RC.zst") as export:
        assert list(export.lines("RC")) == [(1, b'{"id":"1"}')]


def test_what_is_left_out_and_what_is_private(tmp_path: Path) -> None:
    assert Export(tmp_path).include_private is False
    assert Export(tmp_path, include_private=True).include_private is True
    with Export(tmp_path) as export:
        export.left_out["private messages"] += 3
        assert export.left_out == {"private messages": 3}


def test_what_macos_adds_is_left_out(tmp_path: Path) -> None:
    litter = {"__MACOSX/a/._users.json": b"", "a/.DS_Store": b"", "a/._x.json": b"", "a/users.json": b"[]"}
    with Export(packed(tmp_path / "mac.zip", litter)) as export:
        assert export.files() == ["users.json"]


def test_a_name_in_utf_8_that_the_zip_does_not_declare_is_read_as_meant(tmp_path: Path) -> None:
    path = packed(tmp_path / "odd.zip", {"caf\N{LATIN SMALL LETTER E WITH ACUTE}/1.json": b"[]", "b\\c.json": b""})
    path.write_bytes(path.read_bytes().replace(b"\x14\0\0\x08", b"\x14\0\0\0"))
    with Export(path) as export:
        assert export.files() == ["b/c.json", "café/1.json"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with Export(tmp_path) as export, pytest.raises(ExportError, match=r"users\.json is missing from"):
        export.read("users.json")
    with pytest.raises(ExportError, match="No such file"):
        Export(tmp_path / "nowhere")


def test_a_link_that_leads_outside_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.json").write_bytes(b"[]")
    inside = tmp_path / "export"
    inside.mkdir()
    (inside / "a.json").write_bytes(b"[]")
    (inside / "again.json").symlink_to("a.json")
    (inside / "key.json").symlink_to(tmp_path / "secret" / "key.json")
    (inside / "folder").symlink_to(tmp_path / "secret")
    (inside / "gone.json").symlink_to("nothing")
    os.mkfifo(inside / "pipe.json")
    with Export(inside) as export:
        assert export.files() == ["a.json", "again.json"]


def test_lines_have_numbers_and_no_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_RECORD", 8)
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\n\nlonger than eight\nlast")
    with Export(tmp_path) as export:
        assert list(export.lines("a.txt")) == [(1, b"one"), (2, b""), (3, b"longer t"), (4, b"last")]


def test_a_small_file_is_decoded_or_said_to_be_broken(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"id":"1","text":"\\ud83d"}')
    (tmp_path / "b.json").write_bytes(b'{"id":1}')
    with Export(tmp_path) as export:
        assert export.decode("a.json", Said) == Said("1", "\ufffd")
        with pytest.raises(ExportError, match=r"b\.json in .* Expected `str`, got `int` - at `\$\.id`"):
            export.decode("b.json", Said)


class Person(msgspec.Struct):
    name: str


class Told(msgspec.Struct, rename="camel"):
    id: str
    sent_at: str = ""
    by: Person | None = None
    seen_by: list[Person] = []
    votes: dict[str, Person] = {}


TOLD = b"""{"id":"1", "sentAt":"x", "sent_at":"y", "by":{"name":"a","age":1},
    "seenBy":[{"name":"b","age":2},{"name":"c"}], "votes":{"up":{"name":"d","mood":"good"}}, "blocks":[{}]}"""
UNKNOWN = {"Told.sent_at": 1, "Told.blocks": 1, "Person.age": 2, "Person.mood": 1}


def test_fields_that_no_struct_names_are_counted(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(TOLD)
    (tmp_path / "list.json").write_bytes(b"[" + TOLD + b"]")
    (tmp_path / "keyed.json").write_bytes(b'{"rows":[' + TOLD + b',{"id":"2"}]}')
    with Export(tmp_path) as export:
        export.decode("one.json", Told)
        assert export.unknown == UNKNOWN
    with Export(tmp_path) as export:
        export.decode("list.json", list[Told])
        assert export.unknown == UNKNOWN
    for name, key in (("list.json", None), ("keyed.json", "rows")):
        with Export(tmp_path) as export:
            assert all(isinstance(each, Told) for each in export.array(name, Told, key))
            assert export.unknown == UNKNOWN


def test_only_the_first_records_are_compared_with_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[" + b",".join([b'{"id":"1","x":1}'] * 70) + b"]")
    (tmp_path / "b.json").write_bytes(b"[" + b",".join([b'{"id":"1","y":1}'] * 70) + b"]")
    (tmp_path / "c.json").write_bytes(b"[" + b",".join([b'{"id":"1","z":1}'] * 70) + b"]")
    with Export(tmp_path) as export:
        for name in export.files():
            list(export.array(name, Said))
        assert export.unknown == {"Said.x": 70, "Said.y": 30}


# Hostile and damaged archives


@pytest.mark.parametrize("name", ["/etc/a.json", "../a.json", "x/../../a.json", "C:\\a.json", "c:/a", "..\\a.json"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    for pack, ending in ((packed, "zip"), (tarred, "tar")):
        with pytest.raises(ExportError, match="leads out of the export"):
            Export(pack(tmp_path / f"evil.{ending}", {"a.json": b"[]", name: b"[]"}))


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    for pack, ending in ((packed, "zip"), (tarred, "tar")):
        path = pack(tmp_path / f"twice.{ending}", {"a/b.json": b"[1]", "a\\b.json": b"[2]"})
        with pytest.raises(ExportError, match=r"'a/b\.json' twice"):
            Export(path)


def test_too_many_files_folders_or_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "many.zip", {f"{number}.json": b"12345" for number in range(6)})
    deep = packed(tmp_path / "deep.zip", {"d/" * 33 + "a.json": b""})
    with pytest.raises(ExportError, match="32 folders deep"):
        Export(deep)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 5)
    with pytest.raises(ExportError, match="more than 5 files"):
        Export(path)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 6)
    monkeypatch.setattr(archive, "MAX_TOTAL", 29)
    with pytest.raises(ExportError, match="more than"):
        Export(path)
    monkeypatch.setattr(archive, "MAX_TOTAL", 30)
    Export(path).__exit__(None, None, None)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "bomb.zip", {"a.json": b" " * (20 << 20)})
    with pytest.raises(ExportError, match="shrink over 300 times"):
        Export(bomb)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * (20 << 20)))
    with (
        Export(tmp_path / "bomb.json.gz") as export,
        pytest.raises(ExportError, match="grows over 300 times"),
    ):
        export.read("bomb.json")
    tiny = packed(tmp_path / "blanks.zip", {"a.json": b" " * (1 << 20)})
    with Export(tiny) as export:
        assert len(export.read("a.json")) == 1 << 20  # blanks, and harmless


@pytest.mark.parametrize("ending", PACKINGS)
def test_a_bomb_in_any_packing_is_refused_as_it_grows(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"bomb.json{ending}").write_bytes(PACKINGS[ending](b" " * (20 << 20)))
    with Export(tmp_path) as export, pytest.raises(ExportError, match="grows over 300 times"):
        export.read("bomb.json")
    with pytest.raises(ExportError, match="grows over 300 times"):
        Export(tarred(tmp_path / f"bomb.tar{ending}", {"a.json": b" " * (20 << 20)}))


def test_nothing_is_left_behind_of_a_compressed_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spool"))
    (tmp_path / "spool").mkdir()
    with Export(tarred(tmp_path / "a.tgz", {"a.json": b"[1]"})) as export:
        assert export.read("a.json") == b"[1]"
        assert not list((tmp_path / "spool").iterdir())
    (tmp_path / "spool").rmdir()
    with pytest.raises(ExportError, match=r"a\.tgz cannot be decompressed: .*Unpack it"):
        Export(tmp_path / "a.tgz")


def test_links_and_devices_in_a_tar_are_not_files(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "odd.tar", "w") as tar:
        for number, kind in enumerate([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]):
            info = tarfile.TarInfo(f"{number}.json")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        tar.addfile(tarfile.TarInfo("real.json"))
    with Export(tmp_path / "odd.tar") as export:
        assert export.files() == ["real.json"]


def test_a_header_without_measure_is_not_taken_into_memory(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "long.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("n" * (2 << 20)))
    with pytest.raises(ExportError, match="not a tar, or is damaged"):
        Export(tmp_path / "long.tar")


def test_a_tar_cut_anywhere_is_said_to_be_incomplete(tmp_path: Path) -> None:
    for ending in ("tar", "tar.gz"):
        path = tarred(tmp_path / f"a.{ending}", {"a.json": b"[1]", "b/c.json": b"[2]" * 300})
        whole = path.read_bytes()
        size_of_all = len(whole) if ending == "tar.gz" else 3 * 512 + 1024  # without the padding behind it
        for size in range(0, size_of_all, 7):
            path.write_bytes(whole[:size])
            with pytest.raises(ExportError, match=r"incomplete|not a tar|cut off"):
                Export(path)


def test_a_flipped_bit_in_a_tar_is_no_traceback(tmp_path: Path) -> None:
    whole = tarred(tmp_path / "a.tar", {"a.json": b"[1]", "b/" + "c" * 200: b"[2]"}).read_bytes()
    chance = random.Random(8)
    for _ in range(500):
        content = bytearray(whole)
        content[chance.randrange(5000)] ^= 1 << chance.randrange(8)
        (tmp_path / "a.tar").write_bytes(content)
        with suppress(ExportError), Export(tmp_path / "a.tar") as export:
            for name in export.files():
                export.read(name)


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "overlap.zip", {"a.json": b"[1, 2, 3]", "b.json": b"[1, 2, 3]"})
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\1\2")
    struct.pack_into("<I", content, second + 42, 0)  # where b.json is said to begin
    path.write_bytes(content)
    with pytest.raises(ExportError, match="overlaps"):
        Export(path)


@pytest.mark.parametrize("stated", [3, 5000])
def test_a_size_that_is_not_the_real_one_is_noticed(tmp_path: Path, stated: int) -> None:
    path = packed(tmp_path / "lying.zip", {"a.json": b"[" + b"1," * 500 + b"1]"})
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rindex(b"PK\1\2") + 24, stated)
    path.write_bytes(content)
    with Export(path) as export:
        for read in (export.read, lambda name: export.open(name).read()):
            with pytest.raises(ExportError, match="damaged"):
                read("a.json")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "locked.zip", {"a.json": b"[]"})
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ExportError, match=r"locked\.zip: 'a\.json' is encrypted"):
        Export(path)


def test_a_zip_cut_anywhere_is_said_to_be_incomplete(tmp_path: Path) -> None:
    whole = packed(tmp_path / "slack.zip", {"a.json": b"[1]", "b/c.json": b"[2]"}).read_bytes()
    for size in range(len(whole)):
        (tmp_path / "slack.zip").write_bytes(whole[:size])
        expected = "is not a zip" if size == 1 else rf"slack\.zip is incomplete \({size} bytes\): download it again"
        with pytest.raises(ExportError, match=expected):
            Export(tmp_path / "slack.zip")


def test_a_page_saved_as_a_zip_is_no_zip(tmp_path: Path) -> None:
    (tmp_path / "slack.zip").write_bytes(b"<html>Please sign in</html>")
    with pytest.raises(ExportError, match="not a zip"):
        Export(tmp_path / "slack.zip")


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_flipped_bit_lets_no_row_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(archive, "SMALL", small)
    monkeypatch.setattr(archive, "BLOCK", small or 256)
    rows = [{"id": str(number), "text": random.Random(number).randbytes(20).hex()} for number in range(300)]
    whole = packed(tmp_path / "a.zip", {"a.json": json.dumps(rows).encode()}).read_bytes()
    chance = random.Random(7)
    for _ in range(200):
        content = bytearray(whole)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        (tmp_path / "a.zip").write_bytes(content)
        found: list[Said | Refused] = []
        try:
            with Export(tmp_path / "a.zip") as export:
                for name in export.files("*"):
                    found += export.array(name, Said)
        except ExportError:
            assert not found
        else:
            assert told(found) in ([str(number) for number in range(300)], [])


@pytest.mark.parametrize("ending", PACKINGS)
def test_a_cut_compressed_file_is_said_to_be_incomplete(tmp_path: Path, ending: str) -> None:
    whole = PACKINGS[ending](random.Random(1).randbytes(5000))
    for size in (2, 11, 100, len(whole) - 1):
        (tmp_path / f"a.json{ending}").write_bytes(whole[:size])
        with Export(tmp_path) as export, pytest.raises(ExportError, match=r"incomplete|damaged"):
            export.read("a.json")


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_file_that_is_still_being_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(archive, "SMALL", small)
    (tmp_path / "a.json").write_bytes(b"[1,")
    with Export(tmp_path) as export:
        (tmp_path / "a.json").write_bytes(b"[1,2]")
        with pytest.raises(ExportError, match="still being written"):
            export.read("a.json")


# The elements of a list


def test_one_bad_record_is_refused_alone(tmp_path: Path) -> None:
    found = elements(tmp_path, b'[{"id":"1"},{"id":2},{"id":"3"}]')
    assert found == [
        Said("1"),
        Refused("rows.json", "byte 12", "Expected `str`, got `int` - at `$.id`", b'{"id":2}'),
        Said("3"),
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"id":"2","text":"\xff\xfe"}', "not valid UTF-8"),
        (b'{"id":"2","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deep"),
        (b'{"id":"2","text":"say "hi" "}', "JSON is malformed"),
        (b'{"id":"2","text":"odd " quote"}', "JSON is malformed"),
        (b'{"id":"2","text":"two\nlines"}', "JSON is malformed"),
        (b'{"id":"2","x":[{"a":1},{"b":2}}', "JSON is malformed"),
        (b'{"id":"2"}}', "JSON is malformed"),
        (b'{"id":"2","x":NaN}', "JSON is malformed"),
        (b"{}", "Object missing required field `id`"),
        (b"17", "Expected `object`, got `int`"),
        (b"null", "Expected `object`, got `null`"),
    ],
)
@pytest.mark.parametrize("blocks", [False, True])
def test_whatever_is_wrong_with_a_record_its_neighbours_are_read(
    tmp_path: Path, request: pytest.FixtureRequest, bad: bytes, reason: str, blocks: bool
) -> None:
    if blocks:
        request.getfixturevalue("in_small_blocks")
    good = b'{"id":"1","text":"a },{ \\" b","reactions":[{"n":"x"},{"n":"y"}]}'
    found = elements(tmp_path, b"[" + b", ".join([good, bad, good, good]) + b"]")
    assert [Said("1", 'a },{ " b')] * 3 == [each for each in found if isinstance(each, Said)]
    (refused,) = [each for each in found if isinstance(each, Refused)]
    assert refused.reason.startswith(reason)
    assert refused.raw == bad
    assert refused.place == f"byte {len(good) + 3}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\ud800", "\ufffd"),
        (r"a\udc00b", "a\ufffdb"),
        (r"\ud83d\ude00", "\N{GRINNING FACE}"),
        (r"\ud83d\ud83d\ude00", "\ufffd\N{GRINNING FACE}"),
        (r"\\ud800", r"\ud800"),
        (r"\\\ud800", "\\\ufffd"),
    ],
)
def test_half_a_surrogate_pair_is_replaced(tmp_path: Path, written: str, meant: str) -> None:
    (found,) = elements(tmp_path, b'[{"id":"1","text":"%b"}]' % written.encode())
    assert found.text == meant


def test_what_comes_out_nests_64_deep_at_most(tmp_path: Path) -> None:
    def rows(depth: int) -> bytes:
        return b'[{"a":1},{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b'},{"a":3}]'

    assert [type(each) for each in elements(tmp_path, rows(64), dict)] == [dict, dict, dict]
    assert [type(each) for each in elements(tmp_path, rows(65), dict)] == [dict, Refused, dict]
    for depth in (128, 900, 1100, 200_000):
        assert [type(each) for each in elements(tmp_path, rows(depth), dict)] == [dict, Refused, dict]


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b"[]", []),
        (b"\xef\xbb\xbf [ ] \n", []),
        (b"", ["there should be a list in it"]),
        (b'{"ok":false}', ["there should be a list in it"]),
        (b'\xef\xbb\xbf[{"id":"1"}]', ["1"]),
        (b'[{"id":"1"}] x', ["1", "the list has no proper end: is the file cut off?"]),
        (b'[{"id":"1"}', ["1", "the list has no proper end: is the file cut off?"]),
        (b'[{"id":"1"},', ["1", "the list has no proper end: is the file cut off?"]),
        (b'[{"id":"1"},{"id":"2","te', ["1", "the list has no proper end: is the file cut off?"]),
    ],
)
def test_the_end_and_the_beginning_of_a_list(tmp_path: Path, content: bytes, ids: list[str]) -> None:
    assert told(elements(tmp_path, content)) == ids


def test_the_end_of_a_blocks_last_element_is_guessed_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "GLANCE", 200)
    rows = [{"id": str(number), "r": [{"n": [{}, {}]}, {"n": "},{"}], "z": {}} for number in range(50)]
    whole = json.dumps(rows)[1:].encode()
    cuts = range(1000, len(whole))
    guesses = [archive._likely_end(whole[:cut]) for cut in cuts]
    right = sum(guess == archive._end_of_run(whole[:cut]) for guess, cut in zip(guesses, cuts, strict=True))
    assert right > 0.8 * len(cuts)  # a wrong guess costs time, and nothing else


@pytest.mark.usefixtures("in_small_blocks")
def test_a_list_cut_at_any_byte_keeps_its_complete_records(tmp_path: Path) -> None:
    rows = [{"id": str(number), "text": 'a },{ " \\ b]', "r": [{"n": 1}, {"n": 2}]} for number in range(30)]
    whole = json.dumps(rows).encode()
    ends = [len(json.dumps(rows[: count + 1])) - 1 for count in range(30)]
    for size in range(1, len(whole)):
        *kept, last = elements(tmp_path, whole[:size])
        assert [each.id for each in kept] == [str(number) for number in range(sum(end <= size for end in ends))]
        assert isinstance(last, Refused)
        place = int(last.place.removeprefix("byte "))
        assert whole[place:size].startswith(last.raw)
        assert place >= max((end for end in ends if end <= size), default=0)


def test_a_list_under_a_key_is_found_between_other_things(tmp_path: Path) -> None:
    head = b'{"guild":{"messages":[1]},"text":"\\"messages\\":[2]","n":[[3]], "messages" : ['
    for tail in (b"]}", b'], "count": 2}', b"]", b'\n],\n"x":[{"a":1},{"b":2}]}\n'):
        found = elements(tmp_path, head + b'{"id":"1"},\n{"id":"2"}' + tail, key="messages")
        assert told(found) == ["1", "2"]
    assert told(elements(tmp_path, head + b'{"id":"1"},{"id', key="messages"))[0] == "1"
    assert told(elements(tmp_path, head + b"]}", key="posts")) == ["there should be a list called 'posts' in it"]


def test_utf_16_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="UTF-16"):
        elements(tmp_path, "[]".encode("utf-16"))


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("packing", ["file", "zip", "gz"])
def test_a_large_file_is_read_in_blocks_to_the_same_end(tmp_path: Path, indent: int | None, packing: str) -> None:
    chance = random.Random(3)
    rows: list[dict[str, Any]] = [
        {
            "id": str(number),
            "text": chance.choice(["x", "},{", '"', "]"]) * chance.randrange(300),
            "r": [{}, {"a": []}],
        }
        for number in range(20_000)
    ]
    rows[5000]["text"] = "long " * (1 << 20)
    rows[15_000]["id"] = 5
    content = json.dumps({"a": {}, "messages": rows, "z": 1}, indent=indent).encode()
    (tmp_path / "rows.json").write_bytes(content)
    path = tmp_path / "rows.json"
    if packing == "zip":
        path = packed(tmp_path / "rows.zip", {"rows.json": content})
    if packing == "gz":
        path = tmp_path / "gz" / "rows.json.gz"
        path.parent.mkdir()
        path.write_bytes(gzip.compress(content, 1))
    with Export(path) as export:
        found = list(export.array("rows.json", Said, key="messages"))
        assert export.done == export.size
    assert [each.text for each in found if isinstance(each, Said)] == [row["text"] for row in rows if row["id"] != 5]
    assert sum(isinstance(each, Refused) for each in found) == 1


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    row = json.dumps({"id": "1", "text": "hello " * 30, "r": [{"n": 1}]}).encode()
    peaks = []
    for count in (20_000, 200_000):
        with (tmp_path / "rows.json").open("wb") as file:
            file.write(b"[" + row)
            for _ in range(count):
                file.write(b"," + row)
            file.write(b"]")
        tracemalloc.start()
        with Export(tmp_path / "rows.json") as export:
            assert sum(1 for _ in export.array("rows.json", Said)) == count + 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
    assert peaks[1] < 10 << 20


def test_a_record_beyond_all_measure_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_RECORD", 4 << 20)
    huge = b'{"id":"2","text":"' + b"x" * (20 << 20) + b'"}'
    for after in (b',{"id":"3"}', b""):
        first, refused, *rest = elements(tmp_path, b'[{"id":"1"},' + huge + after + b"]")
        assert first == Said("1")
        assert refused.reason == "broken, or larger than 4 MB"
        assert len(refused.raw) == 1 << 20
        assert rest == ([Said("3")] if after else [])


@given(st.binary(max_size=200), st.sampled_from([None, "messages"]), st.sampled_from([Said, dict, object]))
def test_no_bytes_make_it_stumble(content: bytes, key: str | None, type: Any) -> None:
    window = archive._Window(io.BytesIO(content))
    with suppress(ExportError):  # what begins like UTF-16
        list(archive._Elements("a", type, archive._Fields()).streamed(window, key))


PIECES = st.sampled_from([*'[]{},:"\\ \n1aé', '"id":"1"', '{"id":"1"}', "},{", "\\ud800", "null", '"messages":['])


@given(st.lists(PIECES).map("".join), st.sampled_from([None, "messages"]))
def test_no_text_makes_it_stumble(content: str, key: str | None) -> None:
    opening = "[" if key is None else '{"messages":['
    window = archive._Window(io.BytesIO((opening + content).encode()))
    found = _elements(window, key)
    assert all(isinstance(each, Said | Refused) for each in found)


RECORD = st.fixed_dictionaries({"id": st.text(), "text": st.text(st.characters(codec=None))})


@given(st.lists(RECORD), st.sampled_from([None, 1]), st.booleans())
def test_what_json_writes_is_read_back(rows: list[dict[str, str]], indent: int | None, ascii_only: bool) -> None:
    content = json.dumps(rows, indent=indent, ensure_ascii=True if _has_halves(rows) else ascii_only).encode()
    found = _elements(archive._Window(io.BytesIO(content)), None)
    assert [each.text for each in found if isinstance(each, Said)] == [_whole(row["text"]) for row in rows]


def _elements(window: archive._Window, key: str | None) -> list[Said | Refused]:
    return list(chain.from_iterable(archive._Elements("a", Said, archive._Fields()).streamed(window, key)))


def _whole(text: str) -> str:
    """Text with halves of pairs joined where they meet, and replaced where they stand alone."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _has_halves(rows: list[dict[str, str]]) -> bool:
    return any("\ud800" <= letter <= "\udfff" for row in rows for value in row.values() for letter in value)
