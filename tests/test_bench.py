"""The bench measures what it says it does, and refuses to count what must not count."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from bench import __main__ as command
from bench import derive, dialects, load, metrics, pages, pandas_plain, peers, readers
from bench.figures import Broken, Figure, as_json, table
from data.settings import read_settings
from data.store import Store
from metrics import metric

MESSAGES = 2000
INSERTED = {"read": 3, "inserted": 3, "updated": 0, "unchanged": 0, "refused": 0}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def found(work: Path) -> dict[str, Figure]:
    """One round of loads; the database it leaves serves the other parts."""
    return {figure.what: figure for figure in load.figures(MESSAGES, work=work, repeats=1)}


@pytest.fixture(scope="module")
def folder(work: Path, found: dict[str, Figure]) -> Path:
    assert found
    return work / f"data-{MESSAGES}"


def test_a_goal_is_met_up_to_its_figure_and_missed_above() -> None:
    verdicts = [Figure("a", "b", value, goal=2.0).verdict for value in (1.9, 2.0, 2.01)]
    assert verdicts == ["met", "met", "MISSED"]
    assert Figure("a", "b", 9.0).verdict == ""


def test_the_table_names_figure_goal_verdict_and_baseline() -> None:
    *_, part, line = table([Figure("load", "time", 2.5, goal=2.0, against="json.loads")]).splitlines()
    assert (part, line.split()) == ("load", ["time", "2.50", "x", "<=", "2", "x", "MISSED", "json.loads"])


def test_a_small_export_is_held_to_no_goal(found: dict[str, Figure]) -> None:
    """Python's start alone takes longer than json.loads on so few messages."""
    assert found["time waited, sentiment aside"].value > 1
    assert 0.02 < found["most memory"].value < 1
    assert {figure.goal for figure in found.values()} == {None}


def test_the_export_is_written_once(work: Path, found: dict[str, Figure]) -> None:
    assert found
    before = load.export(MESSAGES, work).stat()
    assert load.export(MESSAGES, work).stat().st_mtime_ns == before.st_mtime_ns
    assert not list(work.glob("unfinished-*"))


def test_a_larger_load_is_held_to_the_memory_of_the_smaller_and_leaves_no_database(
    work: Path, found: dict[str, Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "LARGE", MESSAGES + 1000)
    grown = load._memory_growth(found["most memory"].value / 2, MESSAGES, work)
    assert grown.value == pytest.approx(2, rel=0.25)
    assert grown.verdict == "MISSED"
    assert not (work / f"data-{load.LARGE}").exists()


@pytest.mark.parametrize(
    "told", [INSERTED | {"read": 2}, INSERTED | {"inserted": 2}, INSERTED | {"inserted": 2, "refused": 1}]
)
def test_a_load_that_lost_or_refused_a_record_does_not_count(told: dict[str, int]) -> None:
    load.account([INSERTED], 3, "inserted")
    with pytest.raises(Broken, match="3 rows went in, and all should be inserted"):
        load.account([told], 3, "inserted")


def test_a_process_that_fails_does_not_count() -> None:
    with pytest.raises(Broken, match="ended with 3"):
        load.run("-c", "raise SystemExit(3)")


def test_a_process_answers_for_its_own_memory_and_time_alone() -> None:
    """Not for the one that started it, nor for one that ran before."""
    greedy, modest = (
        load.run("-c", "sum(range(3_000_000)); bytes(range(256)) * 1_000_000"),
        load.run("-c", ""),
    )
    assert greedy.peak - modest.peak > 0.2
    assert modest.peak < 0.05
    assert greedy.worked > modest.worked


def test_what_is_made_of_other_files_is_made_anew(tmp_path: Path) -> None:
    folder = load.database(1000, tmp_path)
    notes = [tmp_path / "slack-1000.made-by", folder / "made-by"]
    published = (folder / "snap-000001.duckdb").stat().st_mtime_ns
    load.database(1000, tmp_path)
    for note in notes:
        note.write_text("other files")
    written = (tmp_path / "slack-1000.zip").stat().st_mtime_ns
    load.database(1000, tmp_path)
    assert (folder / "snap-000001.duckdb").stat().st_mtime_ns > published
    assert (tmp_path / "slack-1000.zip").stat().st_mtime_ns > written
    assert "other files" not in {note.read_text() for note in notes}


def test_every_metric_is_measured_beside_its_plain_twins(folder: Path) -> None:
    found = metrics.figures(MESSAGES, folder, smaller=folder, rounds=1)
    named = {whom: {each.what for each in found if each.part.endswith(f"beside {whom}")} for whom in metrics.GOALS}
    assert named["plain SQL"] == named["pandas"] == set(metric.metrics()) - {"audience"}
    assert named["fewer messages"] == set(metric.metrics())
    assert {each.goal for each in found} == {None}
    assert [each.what for each in found if "without" in each.part] == ["audience"]


def test_metrics_are_held_to_their_goals_where_there_are_enough_messages(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {("reply_rate", ""): 1.0, ("reply_rate", "plain SQL"): 4.0, ("audience", ""): 0.1}
    monkeypatch.setattr(metrics, "_times", lambda *_: times)
    monkeypatch.setattr(load, "MANY", MESSAGES)
    figure = metrics.figures(MESSAGES, folder)[0]
    assert (figure.value, figure.goal, figure.verdict) == (0.25, 0.2, "MISSED")


@pytest.mark.parametrize("name", metrics.PLAIN)
def test_both_plain_twins_say_the_same(name: str, folder: Path) -> None:
    """They are written apart: where one did less than the question asks, its rows would differ."""
    store = Store(folder)
    in_sql = metrics.plain(store, name)
    in_pandas = pl.from_pandas(getattr(pandas_plain, name)(metrics.raw_tables(store)).reset_index(drop=True))
    assert len(in_sql) > 0
    assert_frame_equal(_plain(in_sql), _plain(in_pandas.select(in_sql.columns)))


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Every figure as a float, every moment without a zone: the two libraries have types of their own."""
    return rows.with_columns(
        (pl.selectors.numeric() | pl.selectors.boolean()).cast(pl.Float64),
        pl.selectors.date().cast(pl.Datetime("us")),
        pl.selectors.datetime().cast(pl.Datetime("us", "UTC")).dt.replace_time_zone(None),
    )


def test_a_plain_twin_puts_the_question_of_its_metric(folder: Path) -> None:
    """Where the two definitions are one, so are the figures."""
    store, same = Store(folder), ["week", "members", "new", "retained"]
    rows = metric.ask(store, read_settings(), metric.Question("member_flow")).rows
    ours = rows.filter(pl.col("week").is_not_null() & (pl.col("members") > 0))
    assert_frame_equal(ours.select(same), metrics.plain(store, "member_flow").select(same))


def test_a_derivation_is_measured_beside_a_copy_and_after_new_messages(folder: Path) -> None:
    whole, after = derive.figures(MESSAGES, folder, rounds=1)
    assert whole.value > 1
    assert 0 < after.value < 2
    assert (whole.goal, after.goal) == (None, None)


def test_new_messages_follow_on_the_last_with_their_threads_and_newcomers(folder: Path) -> None:
    store, settings = Store(folder), read_settings()
    before = _told(store)
    with store.rehearsal() as copy:
        with copy.loading(settings) as loader:
            derive._take_later(store, loader, turn=1)
            with pytest.raises(Broken, match="1,000 new messages should be inserted"):
                derive._take_later(store, loader, turn=1)
            loader.derive()
            loader.publish()
        after = _told(copy)
    assert after["messages"] == before["messages"] + derive.NEW
    assert after["since"] == before["since"]
    assert after["channels"] == before["channels"]
    assert after["until"] > before["until"]
    assert before["people"] < after["people"] < before["people"] + derive.NEW / 2
    assert before["threads"] < after["threads"]
    assert before["orphans"] == after["orphans"]


def _told(store: Store) -> dict[str, Any]:
    """What the database holds, and how many replies have lost what they answer."""
    asked = """
        select
            count(*) as messages, min(sent_at) as since, max(sent_at) as until,
            count(distinct channel_id) as channels, count(distinct member_id) as people,
            count(distinct conversation_id) as threads,
            count(*) filter (
                where parent_id is not null and not exists(
                    select 1 from messages as parent
                    where
                        parent.message_id = messages.parent_id and parent.sent_at < messages.sent_at
                        and parent.conversation_id = messages.conversation_id
                )
            ) as orphans
        from messages
    """
    return store.query(asked).row(0, named=True)


def test_every_page_is_measured_beside_a_bare_one_that_sends_as_much(folder: Path) -> None:
    costs = pages.measure(folder, runs=2, loads=0)
    assert sorted(costs) == sorted(path.name for path in (pages.ROOT / "pages").glob("[!_]*.py"))
    for each in costs.values():
        assert abs(each.bare[-1].sent / each.repeated[-1].sent - 1) < 0.05
        assert all(run.worked > 0 for run in (*each.bare, *each.repeated, *each.new))


def test_new_filters_show_something_else_each_time(folder: Path) -> None:
    with pages.serving(pages.DASHBOARD, HEARTH_DATA=folder) as server:
        reader = pages.Session(server, "")
        seen = [_charts(reader)]
        for view in reader.views()[7:10]:
            reader.look(*view)
            assert _charts(reader) not in seen
            seen.append(_charts(reader))
        reader.run()
        assert _charts(reader) == seen[-1]


def _charts(reader: pages.Session) -> list[str]:
    return [node.proto.spec for node in reader.drawn() if node.type == "plotly_chart"]


def test_a_page_that_drew_an_error_does_not_count(folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "hearth.toml"
    wrong.write_text("[community\n")
    with (
        pages.serving(pages.DASHBOARD, HEARTH_DATA=folder, HEARTH_SETTINGS=wrong) as server,
        pytest.raises(Broken, match="drew an element of kind error"),
    ):
        pages.Session(server, "")


def test_a_missed_goal_ends_with_zero_and_a_lost_record_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "figures", lambda *_: [Figure("load", "time", 9.0, goal=2.0)])
    done = CliRunner().invoke(command.app, ["load", "--json"])
    assert (done.exit_code, json.loads(done.stdout)[0]["verdict"]) == (0, "MISSED")

    def broken(*_: object) -> list[Figure]:
        raise Broken("a record was lost")

    monkeypatch.setattr(load, "figures", broken)
    monkeypatch.setattr("sys.argv", ["bench", "load"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1


def test_a_peer_that_is_not_to_be_had_is_reported_with_its_reason(tmp_path: Path) -> None:
    """Not as a figure, and not as a broken run: the machine may have no node, or no registry."""
    gone = peers.Peer("hearth", "0", is_node=False, words={"whatsapp": ("-c", "")})
    commands = [["no-such-installer"], [sys.executable, "-c", "raise SystemExit('ERROR: there is no such version')"]]
    reasons = []
    for step in commands:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(peers, "_steps", lambda *_, step=step: [step])
            (told,) = peers.figures(MESSAGES, tmp_path, peers=[gone])
        reasons.append(told.against)
        assert math.isnan(told.value)
        assert table([told]).splitlines()[-1].split() == ["no", "figure", *told.against.split()]
    assert reasons == [
        "it does not install: no-such-installer is not on this machine",
        "it does not install: ERROR: there is no such version",
    ]
    assert json.loads(as_json([told]))[0]["value"] is None


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("raise ValueError('no such chat')", "it ended with 1: ValueError: no such chat"),
        ("print('3 messages')", "it read 3 of 4 messages"),
        ("", "it read nothing of 4 messages"),
    ],
)
def test_a_peer_that_fails_or_leaves_messages_out_has_no_figure(program: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(peers.Unfit, match=reason):
        peers.run(_peer(program, tmp_path), "whatsapp", tmp_path / "chat.txt", tmp_path, 4)


def test_a_peer_is_given_the_file_and_finds_nothing_of_its_last_run(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, tempfile; spool = pathlib.Path(tempfile.gettempdir());"
        "assert not list(spool.iterdir()); (spool / 'left').touch();"
        "print(pathlib.Path(sys.argv[1]).read_text())"
    )
    (tmp_path / "chat.txt").write_text("4 messages")
    peer = _peer(program, tmp_path)
    for _ in range(2):
        assert peers.run(peer, "whatsapp", tmp_path / "chat.txt", tmp_path, 4).waited > 0


def _peer(program: str, home: Path) -> peers.Peer:
    """A program of ours in a peer's place."""
    (home / "bin").mkdir()
    (home / "bin" / "python").symlink_to(sys.executable)
    return peers.Peer("ours", "1", is_node=False, words={"whatsapp": ("-c", program)})


def test_a_failed_command_says_why_in_one_line() -> None:
    assert peers.why("npm warn old\nnpm error code E404\nnpm error more") == "npm error code E404"
    assert peers.why("Traceback:\n  raise Odd\nOddError: here\n") == "OddError: here"
    assert peers.why("killed\n") == "killed"
    assert peers.why("") == "it does not say why"


def test_only_time_waited_beside_a_peer_is_held_to_its_goal() -> None:
    ours, theirs = load.Run("", 3.0, 4.0, 0.5), load.Run("", 10.0, 8.0, 0.25)
    found = list(peers.compared("telegram", ours, theirs, 0.25))
    assert [(each.what, each.value, each.verdict) for each in found] == [
        ("time waited", 0.3, "MISSED"), ("processor time", 0.5, ""), ("most memory", 2.0, ""),
    ]  # fmt: skip
    assert found[0].against == "3.00 s to 10.00 s"


@pytest.mark.parametrize("platform", peers.EXPORTS)
def test_an_export_for_peers_holds_so_many_messages(platform: str, tmp_path: Path) -> None:
    path = peers._export(platform, MESSAGES, tmp_path)
    done = load.load(path, tmp_path / "data", MESSAGES)
    assert done.said["loads"][0]["platform"] == platform


def test_peers_are_measured_only_when_they_are_named() -> None:
    assert set(command.Part) - set(command.USUAL) == {command.Part.peers}


def test_every_reader_of_json_is_measured() -> None:
    """All that read JSON, but for those whose JSON is no messages, and for what a bot is told page by page."""
    measured = {dialect.reader for dialect in dialects.dialects()}
    fixtures = {
        path.parent.name for path in dialects.FIXTURES.glob("*/*") if path.suffix in {".json", ".ndjson", ".jsonl"}
    }
    assert fixtures - {"telegram_bot"} <= measured


@pytest.mark.parametrize("dialect", dialects.dialects(), ids=lambda dialect: dialect.name)
def test_a_dialect_is_written_at_length_and_read_whole(dialect: dialects.Dialect, tmp_path: Path) -> None:
    """Every copy of a fixture's rows adds as many messages as the one before, and json.loads takes all of it."""
    exports = [tmp_path / str(copies) / Path(dialect.fixture).name for copies in (2, 3, 4)]
    for copies, export in enumerate(exports, 2):
        dialect.write(export, copies)
        assert all(json.loads(raw) for raw in dialect.raws(export))
    few, more, most = (readers.said(dialect, export) for export in exports)
    assert 0 < more - few == most - more


def test_a_reader_is_measured_without_what_starting_takes(tmp_path: Path) -> None:
    (figure,) = readers.figures(2000, tmp_path, repeats=1, wanted="gitter")
    assert (figure.part, figure.what, figure.goal) == ("readers", "gitter", None)
    assert 0 < figure.value < 100
    assert "to read" in figure.against
