"""`python -m ingest`, as its user meets it: real exports, summaries that add up, errors that say what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from data.settings import Settings
from data.store import Store
from ingest.archive import Export
from ingest.load import Job, Summary, find, load, readers
from ingest.progress import Progress
from tests.command import hearth

ROOT = Path(__file__).parent.parent
FIXTURES = Path(__file__).parent / "fixtures"


def started(room: str, *words: object, data: Path, check: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, from Python's start to its end."""
    done = subprocess.run(
        [sys.executable, "-m", room, *map(str, words), "--data", str(data)],
        capture_output=True, text=True, cwd=ROOT, check=False, env={**os.environ, "HEARTH_SETTINGS": "hearth.toml"},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == check, done.stderr
    return done


def take(store: Store, *paths: Path) -> Summary:
    return load(Job(paths), store, Settings(), Progress(quiet=True))


@pytest.mark.parametrize(
    ("sample", "platform", "expected"),
    [
        (
            "slack/bcneng+bcneng-slack-exporter-typescript",
            "slack",
            {"read": 1320, "messages": 1217, "system": 103, "duplicate": 0, "refused": 0},
        ),
        (
            "mailman_pipermail/MichaelChirico+r-mailing-list-archive/r-package-devel",
            "mail",
            {"read": 11114, "messages": 11111, "system": 0, "duplicate": 3, "refused": 0},
        ),
        (
            "discord_dce_json_derived/meshcore_dev",
            "discord",
            {"read": 30925, "messages": 30863, "system": 62, "duplicate": 0, "refused": 0},
        ),
    ],
)
def test_a_real_export_loads_with_every_record_accounted_for(
    sample: str, platform: str, expected: dict[str, int], samples: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    (loaded,) = take(store, samples / sample).loads
    assert loaded.platform == platform
    assert {key: getattr(loaded, key) for key in expected} == expected
    assert loaded.inserted == loaded.messages + loaded.system
    before = store.query("select count(*) as n, sum(hash(messages)) as h from messages").to_dicts()
    (again,) = take(store, samples / sample).loads
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, loaded.read)
    assert store.query("select count(*) as n, sum(hash(messages)) as h from messages").to_dicts() == before


def test_the_summary_is_one_json_object_with_every_fate(tmp_path: Path) -> None:
    done = started("ingest", "load", FIXTURES / "slack" / _fixture("slack"), "--json", data=tmp_path)
    summary = json.loads(done.stdout)
    assert set(summary) == {"loads", "failed", "unmatched", "seconds", "snapshot"}
    (each,) = summary["loads"]
    assert {"path", "platform", "source", "read", "inserted", "updated", "unchanged", "refused"} <= set(each)
    assert {"messages", "system", "members", "channels", "reactions"} <= set(each)
    assert each["read"] == each["inserted"] + each["updated"] + each["unchanged"] + each["refused"] > 0
    assert summary["snapshot"] == "snap-000001.duckdb"


def test_the_summary_says_who_spoke_and_counts_one_of_a_thing_as_one(tmp_path: Path) -> None:
    """Three members of whom two spoke and a third joined, one channel; the number on a page is of those who spoke."""
    (tmp_path / "acme" / "help").mkdir(parents=True)
    people = [{"id": name, "name": name} for name in ("U1", "U2", "U3")]
    said = [
        {"type": "message", "user": user, "text": "Hello to all of you", "ts": f"17000000{place}0.000100", "blocks": []}
        for place, user in enumerate(("U1", "U2", "U1"))
    ]
    said.append({"type": "message", "subtype": "channel_join", "user": "U3", "text": "joined", "ts": "1700000090.0001"})
    for name, content in (("users", people), ("channels", [{"id": "C1", "name": "help"}]), ("help/2023-11-14", said)):
        (tmp_path / "acme" / f"{name}.json").write_text(json.dumps(content), "utf-8")
    told = hearth("ingest", "load", tmp_path / "acme", data=tmp_path / "data").stdout
    assert "kept 3 messages, 1 system line, 0 duplicates; 3 members, 2 of whom spoke, 1 channel, 0 reactions" in told
    assert "no number needs these details, so they stay in the export: type, blocks" in told
    assert "text" not in told, "which is read, if not at first sight"
    assert "3 messages by 2 members, 2023-11-14" in hearth("ingest", "status", data=tmp_path / "data").stdout
    again = json.loads(hearth("ingest", "load", tmp_path / "acme", "--json", data=tmp_path / "data").stdout)["loads"][0]
    assert (again["members"], again["spoke"], again["unchanged"]) == (3, 2, 4)


def _fixture(platform: str) -> str:
    return min(path.name for path in (FIXTURES / platform).iterdir() if not path.name.startswith("."))


def test_a_dry_run_says_the_same_and_keeps_nothing(tmp_path: Path) -> None:
    export = FIXTURES / "slack" / _fixture("slack")
    rehearsed = json.loads(hearth("ingest", "load", export, "--dry-run", "--json", data=tmp_path / "a").stdout)
    done = json.loads(hearth("ingest", "load", export, "--json", data=tmp_path / "b").stdout)
    assert rehearsed["loads"] == done["loads"]
    assert rehearsed["snapshot"] is None
    assert Store(tmp_path / "a").snapshot is None


def test_a_refused_record_is_kept_aside_and_exit_is_3(tmp_path: Path) -> None:
    export = tmp_path / "talk.ndjson"
    export.write_text(
        '{"id": "1", "author": "ana", "created_at": "2026-01-05T10:00:00Z", "text": "How?", "channel": "help"}\n'
        "{broken\n"
        '{"id": "2", "author": "ben", "created_at": "2026-01-05T11:00:00Z", "text": "So.", "channel": "help"}\n'
    )
    done = started("ingest", "load", export, "--json", data=tmp_path / "data", check=3)
    (each,) = json.loads(done.stdout)["loads"]
    assert (each["read"], each["inserted"], each["refused"]) == (3, 2, 1)
    again = hearth("ingest", "load", export, "--json", data=tmp_path / "data", check=3)
    assert json.loads(again.stdout)["loads"][0]["unchanged"] == 2
    assert Store(tmp_path / "data").read("refused").height == 1
    assert "talk.ndjson" in hearth("ingest", "status", data=tmp_path / "data").stdout


def test_a_program_is_told_how_far_a_load_is_and_what_failed(tmp_path: Path) -> None:
    """Lines of JSON on standard error, the summary alone on standard output, also where nothing could be loaded."""
    done = hearth("ingest", "load", FIXTURES / "slack" / "quay", "--json", data=tmp_path / "data", check=None)
    steps = [json.loads(line) for line in done.stderr.splitlines()]
    assert steps[0]["step"] == "quay"
    assert steps[0]["unit"] == "bytes"
    assert steps[0]["of"] > 1000
    assert steps[-1]["step"] == "Publishing"
    failed = hearth("ingest", "load", ROOT / "README.md", "--json", data=tmp_path / "data", check=1)
    assert "no export is recognised" in json.loads(failed.stdout)["failed"][0]["reason"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["load", "nowhere.zip"], 1, "there is no such file or folder"),
        (["load", "README.md"], 1, "no export is recognised here"),
        (["load"], 2, "PATHS is missing"),
        (["load", "README.md", "--platform", "slak"], 2, "slak: there is no such reader; did you mean slack?"),
        (["load", "README.md", "--settings", "nowhere.toml"], 2, "nowhere.toml: there is no such settings file"),
        (["derive"], 1, "Nothing is loaded yet"),
        (["retry"], 1, "Nothing is loaded yet"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(words: list[str], code: int, says: str, tmp_path: Path) -> None:
    assert says in " ".join(hearth("ingest", *words, data=tmp_path, check=code).stderr.split())


def test_that_nothing_is_loaded_yet_is_no_fault_of_status(tmp_path: Path) -> None:
    said = hearth("ingest", "status", data=tmp_path)
    assert (said.stdout.count("\n"), said.stderr) == (1, "")
    assert said.stdout.startswith("Nothing is loaded yet. Load an export: ")
    told = json.loads(hearth("ingest", "status", "--json", data=tmp_path).stdout)
    assert told.pop("snapshot") is None
    assert told.keys() == {"sources", "refused", "pulls", "failed", "unmatched"}
    assert not any(told.values())


def test_status_shows_where_the_first_refused_record_stands_and_how_it_begins(tmp_path: Path) -> None:
    """In one line, and nothing in it that a terminal would obey."""
    path = tmp_path / "talk.csv"
    path.write_text(
        'id,time,author,text\n1,2026-05-04T10:00Z,ana,Hello?\n2,some day,"ev\x1b[2Jil\n",Hi\n3,never,ben,Ho\n'
    )
    hearth("ingest", "load", path, "--platform", "generic", data=tmp_path / "data", check=3)
    (line,) = (
        each for each in hearth("ingest", "status", data=tmp_path / "data").stdout.splitlines() if "refused" in each
    )
    assert line.startswith("refused 2 of talk.csv: ")
    assert "line 3" in line
    assert "some day" in line
    assert "\x1b" not in line


def test_one_bad_export_among_several_does_not_stop_the_others(tmp_path: Path) -> None:
    """Be it bad at first sight, or only once it is read."""
    slack, discord = (FIXTURES / platform / _fixture(platform) for platform in ("slack", "discord"))
    broken, private, folder = tmp_path / "broken.zip", tmp_path / "result.json", tmp_path / "several"
    broken.write_bytes(b"PK\x03\x04 and no more")
    private.write_text('{"name": "Ada", "type": "personal_chat", "id": 5, "messages": []}')
    folder.mkdir()
    (folder / "broken.zip").symlink_to(broken)
    (folder / "discord").symlink_to(discord)
    done = hearth("ingest", "load", broken, slack, private, folder, "--json", data=tmp_path / "data", check=1)
    summary = json.loads(done.stdout)
    assert [each["platform"] for each in summary["loads"]] == ["slack", "discord"]
    assert [Path(each["path"]) for each in summary["failed"]] == [broken, folder / "broken.zip", private]
    assert "is a private chat" in summary["failed"][2]["reason"]
    for path in (broken, folder / "broken.zip", private):
        assert f"hearth: {path} was not loaded. " in done.stderr
    assert set(Store(tmp_path / "data").read("sources")["platform"]) == {"slack", "discord"}


def test_where_every_export_is_bad_nothing_is_published(tmp_path: Path) -> None:
    done = started("ingest", "load", "nowhere.zip", "README.md", data=tmp_path, check=1)
    assert "there is no such file or folder" in done.stderr
    assert "no export is recognised here" in done.stderr
    assert Store(tmp_path).snapshot is None


def test_fields_that_no_reader_knows_are_named_in_the_summary(tmp_path: Path) -> None:
    export = tmp_path / "result.json"
    said = {"id": 1, "type": "message", "date_unixtime": "1775037600", "from": "Ada", "from_id": "user1", "text": "Hi"}
    odd = [{**said, "id": 2, "moon": 1, "sun": 1, "rain": 1}, {**said, "id": 3, "moon": 1, "sun": 1, "tide": 1}]
    head = {"name": "Quay", "type": "public_supergroup", "id": 17}
    export.write_text(json.dumps({**head, "messages": [said]}))
    assert "fields not read" not in hearth("ingest", "load", export, data=tmp_path / "data").stdout
    export.write_text(json.dumps({**head, "messages": [said, *odd, {**said, "id": 4, "moon": 1}]}))
    told = hearth("ingest", "load", export, data=tmp_path / "data").stdout
    assert "  no number needs these details, so they stay in the export: moon, sun, rain and 1 more\n" in told


def test_a_row_of_the_roster_that_matches_nobody_is_named(tmp_path: Path) -> None:
    settings, export = tmp_path / "own.toml", FIXTURES / "slack" / _fixture("slack")
    settings.write_text(
        '[[roster]]\nrole = "staff"\npattern = "*"\n\n[[roster]]\nrole = "staff"\nname = "Nobody Atall"\n'
        'platform = "slack"\n'
    )
    alone = "[[roster]] row 2: platform = slack, name = Nobody Atall: nobody who spoke matches it."
    told = hearth("ingest", "load", export, "--settings", settings, data=tmp_path / "data").stdout
    assert [line for line in told.splitlines() if "roster" in line] == [alone]
    told = hearth("ingest", "status", "--settings", settings, data=tmp_path / "data").stdout
    assert [line for line in told.splitlines() if "roster" in line] == [alone]
    assert "roster" not in hearth("ingest", "status", data=tmp_path / "data").stdout


def test_a_platform_that_no_reader_has_is_refused_with_the_list(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("this lamp is great\n")
    done = hearth("ingest", "sentiment", tmp_path / "said.txt", "--platform", "redit", check=2)
    assert "there is no such platform" in done.stderr
    assert "reddit" in done.stderr
    hearth("ingest", "sentiment", tmp_path / "said.txt", "--platform", "reddit")


def test_a_second_load_names_the_first_and_exits_at_once(tmp_path: Path) -> None:
    with Store(tmp_path).loading(Settings()):
        done = hearth("ingest", "load", FIXTURES / "slack" / _fixture("slack"), data=tmp_path, check=4)
    assert f"process {os.getpid()}" in done.stderr


def test_the_demo_is_loaded_once_and_says_it_is_a_demo(tmp_path: Path) -> None:
    summary = json.loads(hearth("ingest", "demo", "--json", data=tmp_path).stdout)
    assert {each["platform"] for each in summary["loads"]} == {"slack", "discord", "mail"}
    assert "left out" in hearth("ingest", "demo", data=tmp_path).stderr
    assert set(Store(tmp_path).read("sources")["is_demo"]) == {True}


def test_a_folder_of_exports_is_loaded_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for platform in ("slack", "discord"):
        (folder / platform).symlink_to(FIXTURES / platform / _fixture(platform))
    assert {reader.PLATFORM for _, reader in find(folder, None, Settings())} == {"slack", "discord"}


def test_a_folder_of_exports_of_several_kinds_leaves_none_out(tmp_path: Path) -> None:
    """One of them could be read from the folder as a whole; the others would be dropped without a word."""
    folder = tmp_path / "exports"
    folder.mkdir()
    for platform in ("slack", "discord", "mail"):
        (folder / platform).symlink_to(FIXTURES / platform / _fixture(platform))
    (folder / "talk.csv").write_text("id,author,created_at,text\n1,ana,2026-01-05T10:00:00Z,How?\n")
    found = [reader.PLATFORM for _, reader in find(folder, None, Settings())]
    assert sorted(found) == ["discord", "generic", "mail", "slack"]


def test_made_up_people_leave_when_real_ones_come(tmp_path: Path) -> None:
    hearth("ingest", "demo", data=tmp_path)
    hearth("ingest", "load", FIXTURES / "slack" / _fixture("slack"), data=tmp_path)
    store = Store(tmp_path)
    assert store.read("sources")["is_demo"].to_list() == [False]
    for table in ("messages", "asks", "people", "source_days", "conversations"):
        assert store.query(f"select count(distinct source_key) as n from {table}").item() == 1, table  # noqa: S608
    left = store.query("select count(*) from member_days where place_id not in (select place_id from places)")
    assert left.item() == 0


def test_a_reader_knows_an_export_by_a_few_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export of ten years has thousands, of lists, objects or tables, and every reader is asked."""
    for kind, content in (
        ("list.json", '[{"ts": "1700000000.000100", "user": "U1", "text": "Hello"}]'),
        ("object.json", '{"id": 1, "topic_id": 2, "raw": "Hello"}'),
        ("csv", "id,topic\n1,2\n"),
    ):
        (tmp_path / kind).mkdir()
        for day in range(100):
            (tmp_path / kind / f"{day}.{kind}").write_text(content)
    looked: list[str] = []

    head = Export.head

    def noted(export: Export, name: str, *size: int) -> bytes:
        looked.append(name)
        return head(export, name, *size)

    monkeypatch.setattr(Export, "head", noted)
    for folder in tmp_path.iterdir():
        with Export(folder) as export:
            for name, reader in readers().items():
                looked.clear()
                reader.detects(export)
                assert len(looked) < 60, f"{name} looks at {len(looked)} files of {folder.name}"


def test_a_place_that_is_not_there_is_refused(harbour: Path) -> None:
    refused = hearth("metrics", "reply_rate", "--platform", "fax", data=harbour, check=2)
    assert "there is none; there are: slack" in refused.stderr


def test_the_first_row_of_a_ticket_opens_it_whatever_the_ticket_is_called(tmp_path: Path) -> None:
    """A ticket's number is no row's id: its earliest message is the ask all the same."""
    export = tmp_path / "desk.csv"
    export.write_text(
        "id,author,created_at,text,thread,channel\n"
        "1,ana,2026-01-05T10:00:00Z,How do I open it?,A1,help\n"
        "2,kim,2026-01-05T12:00:00Z,Turn it twice.,A1,help\n"
        "3,ben,2026-01-05T13:00:00Z,Where is the key?,A2,help\n"
    )
    hearth("ingest", "load", export, data=tmp_path / "data")
    (row,) = json.loads(hearth("metrics", "waiting_now", "--format", "json", data=tmp_path / "data").stdout)
    assert (row["of_asks"], row["asks"]) == (2, 1)


def test_help_names_every_reader() -> None:
    said = hearth("ingest", "load", "--help").stdout
    assert all(f"{name}:" in said for name in readers())


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one small load, for who only asks."""
    folder = tmp_path_factory.mktemp("harbour")
    hearth("ingest", "load", FIXTURES / "slack" / _fixture("slack"), data=folder)
    return folder


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_a_metric_is_printed_in_every_format(form: str, harbour: Path) -> None:
    said = hearth("metrics", "reply_rate", "--format", form, data=harbour).content
    first = {"table": "│ week", "csv": "week,share", "json": '[{"week":null', "parquet": "PAR1"}[form]
    assert first.encode() in said
    if form == "json":
        columns = ["week", "share", "low", "high", "answered", "asks", "too_young"]
        assert list(msgspec.json.decode(said, type=list[dict[str, Any]])[0]) == columns


def test_the_metrics_are_listed_with_their_questions(tmp_path: Path) -> None:
    listed = hearth("metrics", data=tmp_path).stdout
    assert "reply_rate" in listed
    assert "how many were answered in time?" in listed
    assert "there are:" in hearth("metrics", "nope", data=tmp_path, check=2).stderr
    assert (
        "write it like 2026-01-05" in hearth("metrics", "reply_rate", "--since", "soon", data=tmp_path, check=2).stderr
    )


def test_the_words_of_the_house_reach_the_scorer(tmp_path: Path) -> None:
    settings, said = tmp_path / "hearth.toml", tmp_path / "said.txt"
    settings.write_text('[sentiment.words]\n"glowy" = "great , I love it"\n')
    said.write_text("this lamp is glowy\n")
    done = hearth("ingest", "sentiment", said, "--settings", settings)
    assert json.loads(done.stdout)["label"] == "positive"


def test_a_command_imports_only_what_it_needs() -> None:
    """Not what only other commands use: together these take longer to import than a small export takes to load."""
    others = {"polars", "pandas", "numba", "httpx", "requests", "praw", "tweepy", "sqlalchemy", "data.demo"}
    said = f"import sys, ingest.__main__; print(*sorted({others!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []


def test_what_comes_again_under_another_name_is_said_to_count_twice_and_can_be_forgotten(tmp_path: Path) -> None:
    """A chat is named by its file: a copy with another name is another source, though it holds the same."""
    chat, data = FIXTURES / "whatsapp" / "WhatsApp Chat with Quay help.txt", tmp_path / "data"
    copy = shutil.copy(chat, tmp_path / "Copy.txt")
    alone = hearth("ingest", "load", chat, FIXTURES / "slack" / "quay", data=data, check=3, HEARTH_SETTINGS=DEAF)
    assert "twice" not in alone.stdout + alone.stderr
    before = tables(data)
    again = hearth("ingest", "load", copy, data=data, check=3, HEARTH_SETTINGS=DEAF)
    assert "11 records of it counted twice: whatsapp Quay help has the same" in again.stdout
    told = " ".join(again.stderr.split())
    assert "python -m ingest forget whatsapp Copy;" in told
    assert "into the other: add --source 'Quay help'" in told
    once_more = hearth("ingest", "load", copy, data=data, check=3, HEARTH_SETTINGS=DEAF)
    assert "twice" not in once_more.stdout + once_more.stderr, "it was said once"
    assert "8 messages of whatsapp Copy would leave" in hearth(*FORGET, data=data, check=2).stderr
    gone = hearth(*FORGET, "--yes", data=data, HEARTH_SETTINGS=DEAF).stdout
    assert gone.startswith("Forgot 8 messages of whatsapp Copy.")
    assert tables(data) == before
    joined = hearth("ingest", "load", copy, "--source", "Quay help", data=data, check=3, HEARTH_SETTINGS=DEAF)
    assert "twice" not in joined.stdout + joined.stderr
    assert tables(data) == before


FORGET = ("ingest", "forget", "whatsapp", "Copy")
DEAF = str(ROOT / "bench" / "deaf.toml")  # how messages sound is no matter here, and takes its time


def test_a_longer_export_under_another_name_is_known_too(tmp_path: Path) -> None:
    """What is there already may be the smaller part of what is new; another talk of the same days is no copy."""
    rows = [f"{n},ana,2026-01-05T10:{n:02}:00Z,How {n}?,help" for n in range(40)]
    head = "id,author,created_at,text,channel"
    other = [row.replace("-05T", "-06T") for row in rows]
    for name, part in (("first", rows[:10]), ("longer", rows), ("other", other)):
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *part]) + "\n")
    found = {}
    for name in ("first", "longer", "other"):
        export, data = tmp_path / f"{name}.csv", tmp_path / "data"
        done = hearth("ingest", "load", export, "--json", data=data, HEARTH_SETTINGS=DEAF)
        (found[name],) = json.loads(done.stdout)["loads"]
    assert {name: (each["twin"], each["shared"]) for name, each in found.items()} == {
        "first": (None, 0),
        "longer": ("first", 10),
        "other": (None, 0),
    }


def test_an_id_with_two_authors_is_no_edit_without_a_word(tmp_path: Path) -> None:
    """Within one export or against what is here: one row passes for the newer copy of the other, which is said."""
    head, first = "id,author,created_at,text,edited_at,deleted_at", "1,ana,2026-01-05T10:00Z,Hi,,"
    exports = {
        "within": [first, "1,ben,2026-01-05T11:00Z,Ho,2026-01-05T12:00Z,", "2,ana,2026-01-05T13:00Z,So,,"],
        "here": ["2,ben,2026-01-05T13:00Z,So,2026-01-05T14:00Z,", "3,ana,2026-01-06T10:00Z,Ah,,"],
        "again": ["3,ana,2026-01-06T10:00Z,Ah!,2026-01-06T11:00Z,"],
        "gone": ["3,,2026-01-06T10:00Z,,,2026-01-06T12:00Z"],
    }
    said = {}
    for name, rows in exports.items():
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n")
        job = ("ingest", "load", tmp_path / f"{name}.csv", "--source", "quay")
        done = hearth(*job, data=tmp_path / "data", HEARTH_SETTINGS=DEAF)
        said[name] = "1 record named another author than one of the same id" in done.stdout
    assert said == {"within": True, "here": True, "again": False, "gone": False}


def test_what_is_forgotten_leaves_the_files_and_nobody_forgets_by_a_slip(tmp_path: Path) -> None:
    quay, slipway = (FIXTURES / "slack" / name for name in ("quay", "slipway"))
    hearth("ingest", "load", quay, slipway, data=tmp_path, HEARTH_SETTINGS=DEAF)
    wrong = hearth("ingest", "forget", "slack", "qay", "--yes", data=tmp_path, check=2)
    assert "slack qay: there is no such source" in wrong.stderr
    assert said_in(tmp_path, b"does the winch")
    hearth("ingest", "forget", "slack", "quay", "--yes", data=tmp_path, HEARTH_SETTINGS=DEAF)
    assert not said_in(tmp_path, b"does the winch")
    (left,) = Store(tmp_path).read("sources")["source_name"]
    hearth("ingest", "forget", "slack", left, "--yes", data=tmp_path, HEARTH_SETTINGS=DEAF)
    assert Store(tmp_path).read("sources").is_empty()
    assert "there are none" in hearth("ingest", "forget", "slack", left, "--yes", data=tmp_path, check=2).stderr


def said_in(folder: Path, words: bytes) -> bool:
    return any(words in path.read_bytes() for path in folder.iterdir() if path.is_file())


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What was loaded, and some of what follows from it."""
    names = ("sources", "messages", "reactions", "members", "places", "people", "asks", "member_weeks", "scores")
    return {name: Store(folder).query(f"from {name} order by all").to_dicts() for name in names}
