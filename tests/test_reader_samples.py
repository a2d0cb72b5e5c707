"""Real exports through one real load: every row has a fate, counted another way, and loading twice changes nothing."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from data.settings import Settings
from data.store import Store
from ingest.archive import ExportError
from ingest.load import Job, Loaded, find, load
from ingest.progress import Progress
from tests.test_reader_contract import CASES, FIXTURES

Count = Callable[[Path], int]


def matches(pattern: str, files: str) -> Count:
    """How often something stands in the files of that name."""
    return lambda path: sum(len(re.findall(pattern, text, re.MULTILINE)) for text in texts(path, files))


def texts(path: Path, files: str) -> Iterator[str]:
    for file in sorted(path.rglob(files)) if path.is_dir() else [path]:
        yield file.read_bytes().decode("utf-8", "replace")


def rows(files: str, key: str | None = None) -> Count:
    """How many elements the lists of JSON files have."""
    return lambda path: sum(len(found[key] if key else found) for found in map(json.loads, texts(path, files)))


def files(pattern: str) -> Count:
    return lambda path: sum(1 for _ in path.rglob(pattern))


def stated(path: Path) -> int:
    """What the pages of DiscordChatExporter say themselves."""
    said = (re.findall(r"Exported ([\d,]+) message", text) for text in texts(path, "*.html"))
    return sum(int(number.replace(",", "")) for numbers in said for number in numbers)


def lines_of_zstd(path: Path) -> int:
    (file,) = path.rglob("*.zst")
    with file.open("rb") as packed:
        return zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(packed).read().count(b"\n")


def lines_of_csv(path: Path) -> int:
    (file,) = path.rglob("*.csv")
    with file.open(encoding="utf-8", newline="") as table:
        return sum(1 for _ in csv.reader(table)) - 1


def known(number: int) -> Count:
    """What the reader's own test counts in another way, or what the samples' README says."""
    return lambda _: number


DAY = r"^\[?\d\d?[./]\d\d?[./]\d\d(?:\d\d)?,? "

# The export, its reader, its rows counted without the reader, and of these: system lines, duplicates, refused ones.
SAMPLES: list[tuple[str, str, Count, tuple[int, int, int]]] = [
    ("discord_dce_html/MrAlders0n+meshcore-discord-archive", "discord_html", stated, (4, 0, 0)),
    ("discord_dce_json_derived/meshcore_dev", "discord", rows("*.json", "messages"), (62, 0, 0)),
    ("discourse_api/discourse+discourse_api", "discourse", matches(r'"cooked"\s*:', "*.json"), (0, 3, 0)),
    ("discourse_posts/jamesob+delving-bitcoin-archive/posts", "discourse", files("*.json"), (0, 64, 0)),
    (
        "facebook_instagram_api/sns-sdks+python-facebook/facebook/apidata/comments/comments_p1.json",
        "meta_api", rows("*", "data"), (0, 0, 0),
    ),
    ("github_api/dogsheep+github-to-sqlite", "github", matches(r'"author_association"', "*.json"), (0, 1, 0)),
    ("mailman_pipermail/MichaelChirico+r-mailing-list-archive/r-package-devel", "mail",
     matches(r"^From .+ \d\d:\d\d:\d\d \d{4}$", "*.txt"), (0, 3, 0)),
    ("mastodon/dealingwith+masto-archive", "mastodon", rows("outbox.json", "orderedItems"), (326, 0, 0)),
    ("reddit_praw/unpacked", "reddit", matches(r'"(?:link_id|selftext)\\?"', "*.json"), (0, 15, 0)),
    ("reddit_pushshift/tanaym42+anlp-project", "reddit", lines_of_zstd, (0, 0, 0)),
    ("slack/bcneng+bcneng-slack-exporter-typescript", "slack", rows("????-??-??.json"), (103, 0, 0)),
    ("slack/hfaran+slack-export-viewer", "slack", known(158), (11, 0, 0)),
    ("stackexchange/mattly+ssdug-graphql", "stackexchange", known(177 + 230), (8, 0, 0)),
    ("telegram/AiratFaiz+pachumarchive", "telegram", rows("result.json", "messages"), (0, 0, 0)),
    ("whatsapp/joweich+chat-miner/test_mmddyy_24hrs.txt", "whatsapp", matches(DAY, "*"), (3, 0, 0)),
    ("whatsapp/joweich+chat-miner/test_[mmddyy]_24hrs.txt", "whatsapp", matches(DAY, "*"), (3, 0, 0)),
    ("x_archive/alrocar+tw", "x", matches(r'^\s*"full_text" : ', "tweets.js"), (9, 0, 0)),
    ("x_twcs/monalisapatra26+data_visualization", "twcs", known(5_001), (0, 0, 2)),
    ("x_twcs/naman-tiwari+Customer-Support-on-Twitter", "twcs", lines_of_csv, (0, 0, 0)),
    ("youtube_api/sns-sdks+python-youtube/comments/comments_by_parent_paged_1.json", "youtube",
     rows("*", "items"), (0, 0, 0)),
    ("zulip_archive/NCAR+zulip-archive", "zulip", matches(r'"sender_full_name":', "*/[0-9]*/*.json"), (91, 0, 0)),
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def loads(samples: Path, store: Store) -> tuple[list[Loaded], list[Loaded]]:
    """What a first load of all samples gave, and what a second of the same."""
    job = Job([samples / sample for sample, *_ in SAMPLES])
    first, second = (load(job, store, Settings(), Progress(quiet=True)).loads for _ in range(2))
    return first, second


@pytest.mark.parametrize("number", range(len(SAMPLES)), ids=[sample for sample, *_ in SAMPLES])
def test_every_row_of_a_real_export_has_a_fate(
    number: int, samples: Path, loads: tuple[list[Loaded], list[Loaded]]
) -> None:
    sample, _, count, (system, duplicate, refused) = SAMPLES[number]
    found = loads[0][number]
    assert Path(found.path).is_relative_to(samples / sample)
    assert found.read == count(samples / sample)
    assert (found.system, found.duplicate, found.refused) == (system, duplicate, refused)
    assert found.read == found.inserted + found.updated + found.unchanged + found.refused
    assert found.read == found.messages + found.system + found.duplicate + found.refused


def test_a_second_load_changes_nothing(loads: tuple[list[Loaded], list[Loaded]], store: Store) -> None:
    first, second = loads
    for before, again in zip(first, second, strict=True):
        assert (again.inserted, again.updated, again.unchanged) == (0, 0, again.read - again.refused), again.path
        assert (again.read, again.messages, again.refused) == (before.read, before.messages, before.refused)
    # The same channel is there as JSON and as pages: one message each.
    pages = sum(each.messages + each.system for each in first if "discord_dce_html" in each.path)
    (kept,) = store.query("select count(*) as n from messages").to_dicts()
    assert kept["n"] == sum(each.messages + each.system for each in first) - pages


@pytest.mark.parametrize(("sample", "reader"), [(sample, reader) for sample, reader, *_ in SAMPLES])
def test_a_real_export_is_known_by_its_reader(sample: str, reader: str, samples: Path) -> None:
    ((_, found),) = find(samples / sample, None, Settings())
    assert getattr(found, "__name__", "").rpartition(".")[2] == reader


@pytest.mark.parametrize(("name", "path"), CASES)
def test_a_fixture_is_known_by_its_reader(name: str, path: Path) -> None:
    ((_, found),) = find(path, None, Settings())
    assert getattr(found, "__name__", "").rpartition(".")[2] == name


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("notes.txt", b"From time to time: milk\n" * 100_000),
        ("table.json", b'{"a": [1, 2, 3]}\n' * 100_000),
        ("page.html", b"<p>" * 1_000_000),
        ("dump.sql", b"CREATE TABLE a (b int);\n" * 100_000),
        ("noise", bytes(range(256)) * 10_000),
        ("blanks", b" " * 3_000_000),
        ("brackets.json", b"[" * 3_000_000),
    ],
)
def test_what_is_no_export_is_told_apart_in_under_a_second(file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    find(FIXTURES / "discord" / "harbour", None, Settings())  # so that the readers are imported
    began = time.monotonic()
    with pytest.raises(ExportError, match="no export is recognised"):
        find(tmp_path / file, None, Settings())
    assert time.monotonic() - began < 1
