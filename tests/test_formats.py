"""Each reader says of itself how to come by its format and what it cannot tell; everybody else says it after it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from data.lacks import LACKS
from ingest.apis._service import services
from ingest.formats import formats
from ingest.load import readers
from pages import _documents
from tests.command import hearth

ALL = {each.name: each for each in formats()}
AT_LAST = "print it anew: .venv/bin/python -m ingest formats --markdown > docs/platforms.md"


def test_the_document_is_what_the_readers_say(root: Path) -> None:
    """One place for each fact: the reader's own file."""
    assert hearth("ingest", "formats", "--markdown").stdout == (root / "docs/platforms.md").read_text("utf-8"), AT_LAST


def test_the_pages_read_the_same_in_the_document() -> None:
    told = {each.name: each for each in _documents.readers()}
    assert told.keys() == ALL.keys() == readers().keys()
    for name, each in told.items():
        mine = ALL[name]
        assert (each.reads, each.get, each.holds) == (mine.about, f"{mine.get}.", f"{mine.holds}.")
        assert (list(each.lacks), each.cannot_tell) == (mine.lacks, f"{mine.cannot_tell}.")


@pytest.mark.parametrize("name", ALL)
def test_a_reader_says_all_that_people_ask(name: str) -> None:
    """In phrases; and whoever downloads by hand learns where: a menu, a program, an address, or what to save."""
    each = ALL[name]
    phrases = (each.about.removesuffix("."), each.get, each.holds, each.cannot_tell)
    assert all(phrase and "\n" not in phrase and not phrase.endswith(".") for phrase in phrases)
    assert set(each.lacks) <= LACKS.keys()
    assert re.search(r" > |\bsave\b|~/|mysqldump|hearth\.toml|Takeout", each.get), "where does one get it?"


def test_what_is_pulled_is_said_beside_what_is_downloaded() -> None:
    pulled = {service: name for name, each in ALL.items() for service in each.pulled_by}
    assert pulled == {service: each.READER for service, each in services().items()}


def test_the_list_has_every_format_by_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wide as the screen; on a narrow one, names stand above what is told of them."""
    for columns in (200, 80, 40):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = hearth("ingest", "formats").stdout.splitlines()
        shown = [line for line in lines if not re.search(r"\S{25}", line)]  # an address cannot be cut
        assert max(map(len, shown)) <= min(columns, 120)
        assert [line for line in lines if line in {each.group for each in ALL.values()}] == list(
            dict.fromkeys(each.group for each in ALL.values())
        )
        assert {line.split()[0] for line in lines if line and line[0] != " "} >= ALL.keys()


def test_one_format_is_told_in_full() -> None:
    said = " ".join(hearth("ingest", "formats", "whatsapp").stdout.split())
    for part in ("Get it: on the phone", "In short: no replies, no member ids, no time zone", "--platform whatsapp"):
        assert part in said
    assert "export a chat from one phone only" in said, "what its reader has to say beside"


def test_a_program_gets_them_as_json() -> None:
    told = {each["name"]: each for each in json.loads(hearth("ingest", "formats", "--json").stdout)}
    assert told.keys() == ALL.keys()
    assert told["slack"]["platform"] == "slack"
    assert told["discord_csv"]["lacks"] == ["no replies"]
    (one,) = json.loads(hearth("ingest", "formats", "x", "--json").stdout)
    assert one == told["x"]


def test_a_format_that_is_not_there_is_told_with_the_nearest() -> None:
    assert "slak: there is no such format; did you mean slack?" in hearth("ingest", "formats", "slak", check=2).stderr


def test_where_no_export_is_found_one_learns_what_would_be(tmp_path: Path) -> None:
    """A folder with something else in it may be a table of one's own; an empty one holds none."""
    (tmp_path / "notes").mkdir()
    empty = hearth("ingest", "load", tmp_path / "notes", data=tmp_path / "data", check=1).stderr
    assert "this folder is empty" in empty
    (tmp_path / "notes" / "to-do.md").write_text("Buy rope.")
    other = hearth("ingest", "load", tmp_path / "notes", data=tmp_path / "data", check=1).stderr
    assert "python -m ingest formats" in empty
    assert "python -m ingest formats" in other
    assert "[[tables]]" in other
    assert "[[tables]]" not in empty
