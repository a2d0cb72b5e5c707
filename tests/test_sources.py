"""The operator's page: what is loaded by upload, what is told of it, and the settings that are edited there."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from data.identities import Identities
from data.marks import Marks
from data.settings import Settings
from data.spool import Spool, looked_at
from data.store import Store
from ingest.__main__ import app as command
from ingest.load import Job, load
from ingest.progress import Progress
from pages import _ask, _child
from pages._safe import label
from tests import sparse
from tests.test_pages import FEW, FRAME, words

FIXTURES = Path(__file__).parent / "fixtures"
SETTINGS = """# Kept by hand.
[community]
name = "Acme"

[[roster]]
role = "bot"  # since ever
name = "Beeper"
"""
ACME = {"community": {"name": "Acme"}, "roster": [{"role": "bot", "name": "Beeper"}]}
Open = Callable[..., AppTest]


def zipped(*folders: str) -> bytes:
    """Made-up exports in one zip."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for place in (FIXTURES / folder for folder in folders):
            for file in sorted(place.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(place))
    return held.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of settings and data, both empty of people."""
    (tmp_path / "hearth.toml").write_text(SETTINGS)
    monkeypatch.setenv("HEARTH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HEARTH_SETTINGS", str(tmp_path / "hearth.toml"))
    return tmp_path


@pytest.fixture
def see(home: Path) -> Open:
    """Open a page over this home's data, as a reader would."""
    assert home.exists()

    def open_page(page: str = "sources.py", part: str = "") -> AppTest:
        app = AppTest.from_file(str(FRAME), default_timeout=60).run()
        app.switch_page(page).run()
        return app.button_group(key="part").set_value(part).run() if part else app

    return open_page


def loaded(home: Path) -> Store:
    """A few people who have spoken, by the settings of this home."""
    store = _ask._store(home / "data")
    sparse.load(store, FEW, ACME)
    return store


def ended(app: AppTest, home: Path) -> AppTest:
    """The page after the work that runs."""
    work = _child.newest(home / "data")
    assert work is not None
    assert work.ended.wait(120)
    return app.run()


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader[0].upload(name, content)
    return app.run().button(key="load").click().run()


# First visit, and uploads --------------------------------------------------------------------------


def test_a_first_export_by_upload_is_told_in_words_and_leaves_nothing_behind(see: Open, home: Path) -> None:
    """Its name, though it would be a path, is only a name; every record is accounted for."""
    app = upload(see(), "../../evil/slack.zip", zipped("slack/quay"))
    room = next((home / "data" / "uploads").iterdir())
    assert room.stat().st_mode & 0o777 == 0o700
    app = ended(app, home)
    said = words(app)
    assert not app.exception
    assert "evil/slack.zip" not in {each.name for each in home.rglob("*")}
    (load,) = _ask._store(home / "data").read("loads").to_dicts()
    assert f"{load['read']} records read = {load['inserted']:,} inserted + 0 updated + 0 unchanged" in said
    assert "slack\\.zip is in**, as Slack" in said
    assert "Left out on purpose: " in said
    assert "private" in said
    assert "Nobody who spoke matches row 1 of the roster: name \\= Beeper" in said
    assert not list((home / "data" / "uploads").iterdir())
    assert app.file_uploader == [] or not app.file_uploader[0].value, "what is loaded need not stay in memory"


def test_several_files_and_private_words_only_for_a_reason(see: Open, home: Path) -> None:
    app = see()
    app.text_input(key="private").set_value("--the members agreed on 3 May").run()
    app.file_uploader[0].upload("quay.zip", zipped("slack/quay")).upload("song.mp3", b"ID3 la la la")
    app = ended(app.run().button(key="load").click().run(), home)
    assert "quay\\.zip is in**" in words(app)
    assert "song\\.mp3 was not loaded" in words(app), "one that fails does not stop the others"
    (load,) = Store(home / "data").read("loads").to_dicts()
    assert load["private_reason"] == "--the members agreed on 3 May"
    assert not load["left_out"]
    box = app.button_group(key="part").set_value("Load more").run().file_uploader[0]
    assert not box.value, "what is in need not stay there"
    assert "song\\.mp3 was not loaded" in words(app.switch_page("unanswered.py").run()), "until somebody closes it"
    assert "song\\.mp3" not in words(app.button(key="close").click().run())


def test_what_went_well_is_told_until_its_reader_goes_on(see: Open, home: Path) -> None:
    """Nobody has to close it, and whoever comes later is not told of it at all: the ledger has it."""
    app = ended(upload(see(), "quay.zip", zipped("slack/quay")), home)
    assert "quay\\.zip is in**" in words(app)
    assert "quay\\.zip is in**" in words(app.run()), "not gone at the next click"
    assert "quay\\.zip is in**" not in words(app.switch_page("unanswered.py").run())
    assert "quay\\.zip is in**" not in words(app.switch_page("sources.py").run())
    assert "quay\\.zip is in**" not in words(see())


def test_an_export_that_comes_again_is_said_to_bring_nothing_new(see: Open, home: Path) -> None:
    ended(upload(see(), "quay.zip", zipped("slack/quay")), home)
    app = ended(upload(see(part="Load more"), "quay (1).zip", zipped("slack/quay")), home)
    assert "**Nothing new in quay \\(1\\)\\.zip**: what can be read of it was in already, as Slack" in words(app)
    assert "zip is in**" not in words(app)


def test_the_team_is_counted_beside_the_members(see: Open, home: Path) -> None:
    ended(upload(see(), "quay.zip", zipped("slack/quay")), home)
    row, (told,) = see().dataframe[0].value.iloc[0], Store(home / "data").read("sources").to_dicts()
    assert told["staff"]
    assert [row[name] for name in ("members", "staff", "bots")] == [told[name] for name in ("members", "staff", "bots")]


def test_where_another_choice_may_help_the_file_stays_in_the_box(see: Open, home: Path) -> None:
    app = see()
    app.selectbox(key="kind of export").set_value("discord").run()
    app = ended(upload(app, "quay.zip", zipped("slack/quay")), home)
    assert [each.name for each in app.file_uploader[0].value] == ["quay.zip"]


def test_a_source_that_ended_long_ago_is_not_told_as_complete(see: Open, home: Path) -> None:
    """Its last day is the one that Weekly health names: data up to midnight ends the day before."""
    store = loaded(home)
    gone = [{"by": "ann", "at": "2026-03-02T09:00Z", "platform": "mail", "source": "list", "id": "gone"}]
    sparse.load(store, gone, ACME, since="2026-03-01T00:00Z", until="2026-04-25T00:00Z")
    app = see()
    assert "**No day is missing up to where each source ends**" in words(app)
    assert "Every day is present of Forum; Mail, which ended on 24 Apr 2026." in words(app)
    assert "ends on 24 Apr 2026, " in words(app)
    assert "Mail List ends on 24 Apr 2026." in words(app.switch_page("weekly_health.py").run())


@pytest.mark.parametrize(
    ("name", "content", "kind", "said"),
    [
        (
            "cut.zip",
            zipped("slack/quay")[:-400],
            "",
            "cut.zip was not loaded.*(incomplete|cut off|not a|broken|damaged)",
        ),
        ("song.mp3", b"ID3 la la la", "", "song.mp3 was not loaded.*no export is recognised"),
        ("quay.zip", zipped("slack/quay"), "discord", "quay.zip was not loaded"),
    ],
)
def test_what_cannot_be_loaded_is_told_by_its_name_and_nothing_is_kept(
    see: Open, home: Path, name: str, content: bytes, kind: str, said: str
) -> None:
    app = see()
    if kind:
        app.selectbox(key="kind of export").set_value(kind).run()
    app = ended(upload(app, name, content), home)
    told = words(app).replace("\\", "").replace("\n", " ")
    assert re.search(said, told), told
    assert "uploads" not in told, "where we keep it is nobody's business"
    assert Store(home / "data").snapshot is None
    assert not list((home / "data" / "uploads").iterdir())


def test_where_two_kinds_fit_one_is_chosen_and_loaded(see: Open, home: Path) -> None:
    app = ended(upload(see(), "both.zip", zipped("slack/boatyard-2016", "telegram/account")), home)
    assert "was not loaded yet" in words(app)
    kinds = app.selectbox(key="kind of export").options
    assert set(kinds[1:3]) == {"slack", "telegram"}, "the likely ones come first"
    app.selectbox(key="kind of export").set_value("slack").run()
    app = ended(app.button(key="load").click().run(), home)
    assert Store(home / "data").read("sources")["platform"].to_list() == ["slack"]


def test_what_counts_twice_is_said_with_the_command_that_takes_it_out_again(see: Open, home: Path) -> None:
    """A chat is named by its file; how to come by one stands where its kind is chosen."""
    app = see()
    app.selectbox(key="kind of export").set_value("whatsapp").run()
    assert "Where to get it: on the phone, in the chat" in words(app)
    chat = (FRAME.parent.parent / "tests/fixtures/whatsapp/WhatsApp Chat with Quay help.txt").read_bytes()
    app = ended(upload(app, "Quay.txt", chat), home)
    assert "counts twice" not in words(app)
    app = ended(upload(see(part="Load more"), "My copy.txt", chat), home)
    assert "counts twice**: 11 records of it, by id and time, came under another name before, *Quay*" in words(app)
    (command,) = (each.value for each in app.code if "forget" in each.value)
    assert command.endswith(".venv/bin/python -m ingest forget whatsapp 'My copy' --yes")


def test_a_load_from_elsewhere_is_named_and_waited_for(see: Open, home: Path) -> None:
    app = see()
    with Store(home / "data").loading(Settings()):
        app = ended(app.button(key="demo").click().run(), home)
        assert "a load is running already" in words(app)
        assert f"process {os.getpid()}" in words(app)


def test_the_demo_is_one_click_shows_how_far_it_is_and_can_be_cancelled(
    see: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child gets no secret of ours; while it works, nothing else begins."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-secret")
    app = see().button(key="demo").click().run()
    work = _child.newest(home / "data")
    assert work is not None
    assert b"xoxb" not in Path(f"/proc/{work.process.pid}/environ").read_bytes()
    assert "Making up a community" in words(app)
    with pytest.raises(_child.CannotStart, match="is running since"):
        _child.start("Another", "demo", home / "data", home / "hearth.toml")
    app = ended(app.button(key="cancel").click().run(), home)
    assert "was cancelled" in words(app)
    app = ended(app.button(key="demo").click().run(), home)
    assert "Lantern Makers" in words(app)
    assert "Demo: made-up people" in "".join(each.value for each in app.markdown)


@given(st.text())
def test_no_name_is_a_path(name: str) -> None:
    calm = _child.calm_name(name)
    assert calm
    assert Path(calm).name == calm
    assert not calm.startswith(".")
    assert len(calm.encode()) < 250 or len(calm) <= 101


def test_a_name_keeps_what_a_reader_looks_at() -> None:
    for name in ("WhatsApp Chat with Jörg's crew.txt", "lighthouse@example.org-2024-05.mbox.gz", "RC_2005-12.zst"):
        assert _child.calm_name(name).replace("_s", "'s") == name
    assert _child.calm_name("C:\\Users\\me\\export.zip") == "export.zip"


def test_what_a_killed_dashboard_left_is_swept(home: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    left = home / "data" / "uploads" / f"{process.pid}-0123"
    left.mkdir(parents=True)
    (left / "words.txt").write_text("private")
    work = _child.start("Working", "derive", home / "data", home / "hearth.toml")
    assert not left.exists()
    assert work.ended.wait(60)
    assert work.outcome
    assert "Nothing is loaded yet" in work.outcome.said


def test_a_dashboard_that_is_stopped_stops_its_work_and_leaves_no_upload(home: Path) -> None:
    export = io.BytesIO(zipped("slack/quay"))
    work = _child.start("Loading", "load", home / "data", home / "hearth.toml", (), [("quay.zip", export)])
    _child.stop_all()
    assert work.ended.is_set()
    assert work.process.returncode != 0
    assert not list((home / "data" / "uploads").iterdir())


# Quarantine ----------------------------------------------------------------------------------------


def test_a_refused_record_is_tried_again_where_its_export_lies_and_named_where_it_does_not(
    see: Open, home: Path
) -> None:
    export = home / "talk.ndjson"
    good = '{"id": "1", "author": "ana", "created_at": "2026-01-05T10:00:00Z", "text": "How?", "channel": "help"}\n'
    export.write_text(good + "{broken\n")
    load(Job([export]), Store(home / "data"), sparse.settings(ACME), Progress(quiet=True))
    app = see()
    assert "1 record was refused" in words(app)
    export.write_text(good + good.replace('"1"', '"2"'))
    app = ended(app.button(key="retry").click().run(), home)
    assert "Nothing was refused" in words(app)
    export.write_text(good + "{broken\n")
    load(Job([export]), Store(home / "data"), sparse.settings(ACME), Progress(quiet=True))
    export.unlink()
    app = see()
    assert "retry" not in {each.key for each in app.button}
    assert "To try again, load once more under *Load more*: talk\\.ndjson" in words(app)


# Numbers that are out of date ----------------------------------------------------------------------


def test_numbers_of_an_older_hearth_say_so_on_every_page_and_are_worked_out_by_a_button(see: Open, home: Path) -> None:
    sparse.load(Store(home / "data"), FEW, ACME)
    database = duckdb.connect(str(home / "data" / "hearth.duckdb"))  # which the snapshot shares
    database.execute("update about set derived_with = 'an older rule'; drop table asks; checkpoint")
    database.close()
    for page in ("weekly_health.py", "unanswered.py", "sources.py"):
        app = see(page)
        assert not app.exception
        assert "worked out by an older Hearth" in words(app)
        assert "ingest derive" in words(app)
    app = ended(app.button(key="derive").click().run(), home)
    assert "older Hearth" not in words(app)
    assert not see("unanswered.py").warning


@pytest.mark.parametrize("days", [0, 2])
def test_a_source_that_is_pulled_says_when_deletions_there_were_looked_for(see: Open, home: Path, days: int) -> None:
    """Within a day as a line; after that as a warning."""
    loaded(home)
    with Spool(home / "data") as spool:
        spool.begin("reddit:*lumo*", ["new"])
        spool.note_looked("reddit:*lumo*", datetime.now(UTC) - timedelta(days=days), can_tell=True)
    app = see()
    assert not app.exception
    shown, (said,) = app.warning if days else app.caption, looked_at(home / "data")
    (told,) = [each.value for each in shown if "lumo" in each.value]
    assert label(said.said(datetime.now(UTC)).partition(" WARNING")[0]) in told
    assert ("may still be here" in told) == bool(days)
    assert bool(app.warning) == bool(days)


WHY = " Nobody may see it without being asked in." * 8 + " Give another name."


def test_a_pull_that_failed_is_told_with_when_and_why_until_one_works(see: Open, home: Path) -> None:
    loaded(home)
    with Spool(home / "data") as spool:
        spool.note_try(
            "reddit lumo", None, "reddit *lumo*", datetime.now(UTC) - timedelta(hours=3), f"[It](x) is *closed*.{WHY}"
        )
    (said,) = [each.value for each in see().warning if "pull failed" in each.value]
    assert label("reddit *lumo*: the last pull failed 3 h ago, at ") in said
    assert label(f"[It](x) is *closed*.{WHY}", 1000) in said, "what to do stands at its end"
    with Spool(home / "data") as spool:
        spool.note_try("reddit lumo", "reddit:lumo", "reddit lumo", datetime.now(UTC), None)
    assert not see().warning


def test_settings_changed_by_hand_wait_to_be_worked_in(see: Open, home: Path) -> None:
    loaded(home)
    assert "settings have changed" not in words(see())
    (home / "hearth.toml").write_text(SETTINGS.replace("Acme", "Acme Ltd"))
    assert "The settings have changed since these numbers" in words(see("weekly_health.py"))


def test_data_of_a_newer_hearth_asks_for_an_update(home: Path) -> None:
    store = Store(home / "data")
    sparse.load(store, FEW)
    database = duckdb.connect(str(home / "data" / "hearth.duckdb"))
    database.execute("update about set schema_version = 999; checkpoint")
    database.close()
    assert store.outdated(Settings()) == "newer"


# Settings ------------------------------------------------------------------------------------------


def edited(app: AppTest, part: str, edits: dict[str, Any]) -> AppTest:
    """What a reader writes into the table of a part."""
    app.session_state[f"{part}-0"] = {"edited_rows": {}, "added_rows": [], "deleted_rows": [], **edits}
    return app.run()


def test_the_roster_is_edited_counted_and_taken_back(see: Open, home: Path) -> None:
    store = loaded(home)
    roles = "select name, role from people order by name"
    before = store.query(roles).to_dicts()
    app = edited(see(part="Who is who"), "roster", {"added_rows": [{"role": "staff", "name": "ann"}]})
    app = ended(app.button(key="save-roster").click().run(), home)
    text = (home / "hearth.toml").read_text()
    assert tomllib.loads(text)["roster"] == [{"role": "bot", "name": "Beeper"}, {"role": "staff", "name": "ann"}]
    assert "# Kept by hand." in text
    assert "# since ever" in text
    assert {row["name"]: row["role"] for row in store.query(roles).to_dicts()}["Ann"] == "staff"
    assert "The numbers are worked out anew" in words(app)
    assert "It was of the roster: hearth\\.toml goes back" in words(app)
    app = ended(app.button(key="undo").click().run(), home)
    assert (home / "hearth.toml").read_text() == SETTINGS
    assert store.query(roles).to_dicts() == before
    assert "undo" not in {each.key for each in app.button}, "the same press again would do the contrary"
    assert "The last save, of the roster, is taken back." in words(app)
    assert app.button(key="redo").label == "Put it back"
    app = ended(app.button(key="redo").click().run(), home)
    assert (home / "hearth.toml").read_text() == text
    assert app.button(key="undo").label == "Take back the last save"


def test_a_row_by_id_says_whom_it_means_and_keeps_that_to_itself(see: Open, home: Path) -> None:
    """The name stands beside the id to be read; the file does not get it."""
    store = loaded(home)
    ((account, name),) = store.query("select member_id, name from people where name = 'Ann'").rows()
    app = edited(see(part="Who is who"), "roster", {"added_rows": [{"role": "staff", "id": account}]})
    ended(app.button(key="save-roster").click().run(), home)
    assert tomllib.loads((home / "hearth.toml").read_text())["roster"][1] == {"role": "staff", "id": account}
    tables: list[Any] = [*see(part="Who is who").dataframe]
    (rows,) = [each.value for each in tables if "called" in each.value.columns]
    assert list(rows["called"].fillna("")) == ["", f"{name}, 3 messages, last on 12 Oct 2026"]


@pytest.mark.parametrize(
    ("part", "where", "row", "said"),
    [
        ("Who is who", "roster", {"role": "staff"}, "roster, row 2: a roster row needs one of: id, name, email_domain"),
        ("Who is who", "roster", {"role": "boss", "name": "Bo"}, "Allowed: staff, member, bot"),
        (
            "Channels and hours",
            "channels",
            {"channel": "x", "target_hours": -1},
            "channels, row 1: target_hours must be",
        ),
        ("Channels and hours", "calendars", {"name": "o", "time_zone": "Mars"}, "time_zone 'Mars' is not known"),
        ("Channels and hours", "calendars", {"name": "o", "holidays": "Xmas"}, "Xmas"),
    ],
)
def test_a_wrong_row_says_what_is_allowed_and_cannot_be_saved(
    see: Open, home: Path, part: str, where: str, row: dict[str, Any], said: str
) -> None:
    loaded(home)
    app = edited(see(part=part), where, {"added_rows": [row]})
    assert "This cannot be saved yet." in words(app)
    assert said in words(app)
    assert f"save-{where}" not in {each.key for each in app.button}
    assert (home / "hearth.toml").read_text() == SETTINGS


def test_a_file_that_may_not_be_written_gives_the_text_to_paste(see: Open, home: Path) -> None:
    loaded(home)
    (home / "hearth.toml").chmod(0o444)
    calendar = {"name": "office", "days": ["mon", "fri"], "holidays": "2026-12-25, 2027-01-01"}
    app = edited(see(part="Channels and hours"), "calendars", {"added_rows": [calendar]})
    assert "may not write" in words(app)
    pasted = next(each.value for each in app.code if "[[calendars]]" in each.value)
    assert tomllib.loads(pasted)["calendars"][0]["holidays"] == [date(2026, 12, 25), date(2027, 1, 1)]
    assert (home / "hearth.toml").read_text() == SETTINGS


def helpers(home: Path) -> Store:
    """Two people of one name who answer what others ask."""
    rows: list[dict[str, Any]] = []
    for n in range(12):
        by, at = ("ivy", "ivy2")[n % 2], f"2026-10-{n + 10}T"
        rows += [
            {"id": str(n), "by": f"m{n}", "at": f"{at}09:00Z", "in": str(n), "text": "How?"},
            {"by": by, "at": f"{at}10:00Z", "to": str(n), "in": str(n), "text": "So."},
        ]
    store = _ask._store(home / "data")
    sparse.load(store, rows, ACME, [{"id": "ivy", "name": "Ivy"}, {"id": "ivy2", "name": "Ivy"}])
    return store


def tick(app: AppTest, part: str, *places: int) -> AppTest:
    ticked = {place: {"add": True} for place in places}
    app.session_state[f"{part}-suggested-0"] = {"edited_rows": ticked, "added_rows": [], "deleted_rows": []}
    return app.run()


def test_what_is_ticked_is_saved_with_what_is_written_by_one_button_and_leaves_the_suggestions(
    see: Open, home: Path
) -> None:
    """They are named by their id, so that a new name changes nothing; the file says beside it who that is."""
    store = helpers(home)
    app = see(part="Who is who")
    assert "People who may be missing here: 2" in {each.label for each in app.expander}
    app = edited(tick(app, "roster", 0), "roster", {"added_rows": [{"role": "staff", "name": "Ann"}]})
    assert (home / "hearth.toml").read_text() == SETTINGS, "a tick alone saves nothing"
    assert "1 suggestion is ticked. Nothing is saved yet." in words(app)
    app = app.button(key="save-roster").click().run()
    assert tomllib.loads((home / "hearth.toml").read_text())["roster"][1:] == [
        {"role": "staff", "name": "Ann"},
        {"role": "staff", "platform": "forum", "source": "acme", "id": "ivy"},
    ]
    assert "People who may be missing here: 1" in {each.label for each in app.expander}, "at once"
    app = ended(app, home)
    assert store.query("select role from people where member_id = 'ivy'").item() == "staff"
    assert "People who may be missing here: 1" in {each.label for each in app.expander}


def test_two_of_one_name_are_told_apart(see: Open, home: Path) -> None:
    """By account, how much they said and when last: where they are suggested, and where a row names one of them."""
    helpers(home)
    app = see(part="Who is who")
    tables: list[Any] = list(app.dataframe)
    (shown,) = [each.value for each in tables if "account" in each.value.columns]
    assert list(shown["who"]) == ["Ivy", "Ivy"]
    assert list(shown["account"]) == ["ivy", "ivy2"]
    assert list(shown["messages"]) == [6, 6]
    assert [str(each)[:10] for each in shown["last_seen"]] == ["2026-10-20", "2026-10-21"]


def test_somebody_who_stands_twice_is_a_question_with_the_command_that_answers_it(see: Open, home: Path) -> None:
    """Suggested or in the roster already; once somebody has said yes or no it is asked no more."""
    helpers(home)
    app = see(part="Who is who")
    said = words(app).replace("\\", "").replace("\u2060", "")
    assert "**Ivy** stands here twice." in said
    asked = CliRunner().invoke(command, ["people", "suggest", "--json", "--data", str(home / "data")])
    pairs = [(each["account"], each["other_account"], each["shared"]) for each in json.loads(asked.stdout)]
    assert pairs == [("forum:acme:ivy", "forum:acme:ivy2", ["name"])], "the command names whom the page names"
    assert 'people same forum:acme:ivy forum:acme:ivy2 --by "Your name"' in said
    path = home / "hearth.toml"
    path.write_text(
        path.read_text() + '\n[[roster]]\nrole = "staff"\nplatform = "forum"\nsource = "acme"\nid = "ivy"\n'
    )
    assert "stands here twice" in words(see(part="Who is who")), "one of them in the roster, the other suggested"
    with closing(Marks(home / "data")) as journal:
        Identities(Store(home / "data"), journal).decide("different", "forum:acme:ivy", "forum:acme:ivy2", "Ana")
    assert "stands here twice" not in words(see(part="Who is who"))
