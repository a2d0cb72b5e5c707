"""Every metric against its worked examples, and the laws that hold for all of them."""

from __future__ import annotations

import hashlib
import json
import random
import re
import tomllib
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from data.marks import Marks, Target
from data.store import Store
from metrics.metric import By, Question, ask, metrics
from tests import sparse
from tests.command import hearth
from tests.conftest import made_once

EXAMPLES = Path(__file__).parent / "examples"
ALL = sorted(metrics())
ABOUT_ASKS = ["answered_within", "reply_rate", "time_to_first_response", "unanswered"]


def _examples() -> list[Any]:
    return [
        pytest.param(path.stem, example, id=f"{path.stem}: {example['why'].splitlines()[0]}")
        for path in sorted(EXAMPLES.glob("*.toml"))
        for example in tomllib.loads(path.read_text("utf-8"))["example"]
    ]


def _question(name: str, given: dict[str, Any]) -> Question:
    lists: dict[str, Any] = {key: tuple(given[key]) for key in ("platforms", "sources", "channels") if key in given}
    days: dict[str, Any] = {key: date.fromisoformat(given[key]) for key in ("since", "until") if key in given}
    rest = {key: value for key, value in given.items() if key not in {*lists, *days}}
    return Question(name, **rest, **lists, **days)


def rows_of(store: Store, name: str, settings: dict[str, Any] | None = None, **given: Any) -> list[dict[str, Any]]:
    """A metric's rows, as the command line gives them."""
    return ask(store, sparse.settings(settings), _question(name, given)).rows.to_dicts()


def example_store(folder: Path, example: dict[str, Any]) -> Store:
    """A community as a worked example tells of it: what people decided first, then one load, then `more` of them."""
    store, given = Store(folder), example.get("settings")
    _decide(folder, example.get("marks", []))
    for part in (example, *example.get("more", [])):
        options = {key: part[key] for key in ("members", "forum", "since", "until", "audience") if key in part}
        sparse.load(store, part.get("messages", []), given=given, **options)
    return store


def _decide(folder: Path, marks: list[dict[str, str]]) -> None:
    if marks:
        folder.mkdir(parents=True, exist_ok=True)
        with closing(Marks(folder)) as journal:
            for mark in marks:
                journal.add(mark["kind"], Target("forum", "acme", mark["message"]), mark["value"], by="mia")


def shown_and_wanted(store: Store, name: str, example: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """What a metric says of that community, and what it has to: the columns that the example names."""
    rows = rows_of(store, name, example.get("settings"), **example.get("question", {}))
    if "sort" in example:
        rows.sort(key=lambda row: row[example["sort"]])
    expected = example["rows"]
    shown = [{key: _plain(row[key]) for key in expected[0]} for row in rows] if expected else rows
    wanted = [{key: _wanted(value) for key, value in row.items()} for row in expected]
    return shown, [pytest.approx(row, abs=example.get("within", 1e-6)) for row in wanted]


def example_told_once(between: Path, example: dict[str, Any]) -> Store:
    """The same for who only asks: the mutants of a metric ask what its examples asked."""
    told = json.dumps(example, sort_keys=True, default=str)
    folder = between / f"example-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    return Store(made_once(folder, lambda mine: example_store(mine, example)))


@pytest.mark.parametrize(("name", "example"), _examples())
def test_worked_example(name: str, example: dict[str, Any], between_workers: Path) -> None:
    shown, wanted = shown_and_wanted(example_told_once(between_workers, example), name, example)
    assert shown == wanted


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _wanted(value: Any) -> Any:
    """TOML has no null: a worked example writes "unknown"."""
    return None if value == "unknown" else value


# --- laws --------------------------------------------------------------------------------------------------------

MONDAY = "2026-01-05"
QUIET: list[dict[str, Any]] = [
    {"id": "q1", "by": "ana", "at": "2026-01-05T10:00Z"},
    {"id": "q2", "by": "ben", "at": "2026-01-06T10:00Z"},
    {"id": "a2", "by": "staff_kim", "at": "2026-01-06T12:00Z", "to": "q2", "text": "Turn it twice, then wait."},
    {"id": "q3", "by": "cem", "at": "2026-01-13T10:00Z"},
    {"id": "late", "by": "ana", "at": "2026-01-20T10:00Z", "text": "I moved house and took all my lamps along."},
]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Those few, for all who only ask."""
    return sparse.store_of(tmp_path_factory.mktemp("quiet"), QUIET)


def _everything(store: Store) -> dict[str, pl.DataFrame]:
    return {name: ask(store, sparse.settings(), Question(name)).rows for name in ALL}


def _same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    for name, rows in one.items():
        assert rows.to_dicts() == other[name].to_dicts(), name


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return sparse.store_of(tmp_path_factory.mktemp("empty"), [], since=None)


@pytest.mark.parametrize("name", ALL)
def test_an_empty_community_is_no_error_and_never_a_zero_share(name: str, empty: Store) -> None:
    for row in ask(empty, sparse.settings(), Question(name)).rows.to_dicts():
        assert row.get("share") is None


@pytest.mark.parametrize("by", get_args(By))
@pytest.mark.parametrize("name", ALL)
def test_every_metric_splits_and_filters(name: str, by: By, quiet: Store) -> None:
    answer = ask(quiet, sparse.settings(), Question(name, by=by, platforms=("forum",), channels=("help",)))
    if "week" in answer.rows.columns:
        assert set(answer.rows[by]) == {{"platform": "forum", "source": "acme", "channel": "help"}[by]}
    nobody = ask(quiet, sparse.settings(), Question(name, platforms=("elsewhere",))).rows.to_dicts()
    assert all(row.get("asks", 0) in (0, None) and row.get("members") in (0, None) for row in nobody)


@pytest.fixture(scope="module")
def quiet_until(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two more, at the first moment of the second week and after."""
    extra = [
        {"id": "edge", "by": "dov", "at": "2026-01-12T00:00Z"},
        {"id": "later", "by": "eve", "at": "2026-01-12T00:01Z"},
    ]
    return sparse.store_of(tmp_path_factory.mktemp("until"), QUIET + extra)


@pytest.mark.parametrize("name", ALL)
def test_a_message_at_until_is_not_counted(name: str, quiet: Store, quiet_until: Store) -> None:
    """A period is [since, until): what is said at the first moment after it changes nothing in it."""
    if name == "data_trust":
        pytest.skip("counts all messages of a source, whatever the period")
    given: dict[str, Any] = {"since": MONDAY, "until": "2026-01-12"}
    assert rows_of(quiet, name, **given) == rows_of(quiet_until, name, **given)


NEVER_STOPS_THE_CLOCK: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "a bot": lambda: [{"id": "x", "by": "bot_hello", "at": "2026-01-05T11:00Z", "to": "q1"}],
    "the asker": lambda: [{"id": "x", "by": "ana", "at": "2026-01-05T11:00Z", "to": "q1"}],
    "a system line": lambda: [{"id": "x", "by": "zoe", "at": "2026-01-05T11:00Z", "in": "q1", "kind": "system"}],
    "a deleted reply": lambda: [
        {"id": "x", "by": "zoe", "at": "2026-01-05T11:00Z", "to": "q1", "text": "", "deleted": "2026-01-05T12:00Z"}
    ],
    "an edit": lambda: [{"id": "q1", "by": "ana", "at": "2026-01-05T10:00Z", "edited": "2026-01-05T11:00Z"}],
}


@pytest.mark.parametrize("who", NEVER_STOPS_THE_CLOCK)
def test_never_stops_the_clock(who: str, tmp_path: Path) -> None:
    extra = NEVER_STOPS_THE_CLOCK[who]()
    store = sparse.store_of(tmp_path, [row for row in QUIET if row["id"] != extra[0]["id"]] + extra)
    waiting = {row["message"] for row in rows_of(store, "unanswered")}
    assert waiting == {"q1", "q3", "late"}
    assert rows_of(store, "time_to_first_response")[0]["answered"] == 1


def test_a_reaction_is_no_reply(tmp_path: Path) -> None:
    rows = [{**row, "reactions": ["zoe"]} if row["id"] == "q1" else row for row in QUIET]
    assert {row["message"] for row in rows_of(sparse.store_of(tmp_path, rows), "unanswered")} == {"q1", "q3", "late"}


def test_loading_twice_or_in_another_order_changes_nothing(tmp_path: Path) -> None:
    store = sparse.store_of(tmp_path / "once", QUIET)
    once = _everything(store)
    sparse.load(store, QUIET)
    _same(once, _everything(store))
    other = sparse.store_of(tmp_path / "parts", QUIET[3:])
    for part in (QUIET[1:4], QUIET[:2]):
        sparse.load(other, part)
    _same(once, _everything(other))


def test_an_old_export_does_not_age_past_as_of(quiet: Store) -> None:
    """The wait of an ask nobody answered ends where the data ends, whatever the clock on the wall says."""
    (row,) = [r for r in rows_of(quiet, "unanswered") if r["message"] == "q3"]
    assert row["age_hours"] == 7 * 24


@pytest.fixture(scope="module")
def with_a_hole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two exports with a hole of a week between them."""
    folder = tmp_path_factory.mktemp("hole")
    store = sparse.store_of(folder, QUIET[:3], since="2026-01-05T00:00Z", until="2026-01-11T20:00Z")
    sparse.load(store, QUIET[4:], since="2026-01-19T00:00Z", until="2026-01-25T20:00Z")
    return store


@pytest.mark.parametrize("name", [name for name in ALL if name in ABOUT_ASKS or name == "member_flow"])
def test_uncovered_days_are_unknown_never_zero(name: str, with_a_hole: Store) -> None:
    """That week is null."""
    hole = [row for row in rows_of(with_a_hole, name) if row.get("week") == date(2026, 1, 12)]
    assert all(row[key] is None for row in hole for key in ("share", "low", "members", "hours_p50") if key in row)
    assert hole or name == "unanswered"


def test_members_are_new_retained_returning_or_reactivated_each_week(tmp_path: Path) -> None:
    days = [date(2025, 1, 6) + timedelta(days=step) for step in range(0, 364, 3)]
    people = [f"p{number}" for number in range(12)]
    rows = [
        {"id": f"{who}-{day}", "by": who, "at": f"{day}T0{index % 9}:00Z"}
        for index, who in enumerate(people)
        for step, day in enumerate(days)
        if (step * (index + 3)) % (7 + index * 4) < 2
    ]
    questions: tuple[dict[str, Any], ...] = (
        {},
        {"since": "2025-06-02", "until": "2025-09-01"},
        {"since": "2025-06-04", "until": "2025-08-29"},
    )
    store = sparse.store_of(tmp_path, rows)
    for question in questions:
        for row in rows_of(store, "member_flow", **question):
            assert row["members"] == row["new"] + row["retained"] + row["returning"] + row["reactivated"], row


def test_the_whole_period_is_one_week_when_the_period_is(quiet: Store) -> None:
    """The row without a week is computed from the facts by the same rules, so for one week both are equal."""
    names = ("conversation_share", "member_flow", "newcomer_welcome", "relationship_depth", "reply_rate", "retention")
    for name in (*names, "time_to_first_response", "two_way_conversations", "unanswered_then_lost"):
        whole, week = rows_of(quiet, name, since="2026-01-12", until="2026-01-19")
        assert {**whole, "week": None} == {**week, "week": None}, name


@pytest.fixture(scope="module")
def half_a_year(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two channels in which some people answer each other, and others come."""
    rng = random.Random(5)
    rows: list[dict[str, Any]] = []
    for number in range(400):
        at = f"{date(2025, 9, 1) + timedelta(days=number // 2)}T{rng.randrange(10, 20)}:00Z"
        row = {
            "id": f"m{number}",
            "by": f"p{rng.randrange(9) + number // 100}",
            "at": at,
            "channel": rng.choice(("help", "lounge")),
        }
        rows.append(row | {"to": rng.choice(rows[-9:])["id"]} if rng.random() < 0.6 and rows else row)
    return sparse.store_of(tmp_path_factory.mktemp("half"), rows)


@pytest.mark.parametrize("name", ["cohort_return", "member_flow", "relationship_depth", "retention"])
def test_all_channels_named_are_the_whole_source(name: str, half_a_year: Store) -> None:
    """What is kept of whole sources is what a choice of channels works out anew."""
    periods: tuple[dict[str, Any], ...] = (
        {}, {"since": "2025-12-01", "until": "2026-02-02"}, {"since": "2025-12-03", "until": "2026-02-05"},
    )  # fmt: skip
    for period in periods:
        whole = rows_of(half_a_year, name, **period)
        assert whole == rows_of(half_a_year, name, channels=("help", "lounge"), **period)
        assert len(whole) > 1


def test_an_open_period_counts_a_member_once(quiet: Store) -> None:
    """Without a first day the period begins where the data does."""
    whole, stated = rows_of(quiet, "member_flow")[0], rows_of(quiet, "member_flow", since="2025-01-01")[0]
    assert whole == stated
    assert whole["members"] == whole["new"] == 3


def test_the_same_fingerprint_for_the_same_question_and_another_for_another(quiet: Store) -> None:
    first, again, other = (
        ask(quiet, sparse.settings(), Question("reply_rate", hours=hours)).fingerprint for hours in (24, 24, 48)
    )
    assert first == again != other


def test_a_split_begins_with_what_has_something(tmp_path: Path) -> None:
    """The first rows of `--by channel` are worth reading: channels in which nothing was counted come last."""
    rows = [{"by": "ann", "at": "2026-01-06T09:00Z", "in": name, "id": name, "channel": name} for name in ("zoo", "me")]
    rows.append({"by": "ann", "at": "2026-01-06T10:00Z", "in": "abc", "id": "abc", "channel": "abc", "text": "Thanks!"})
    store = sparse.store_of(tmp_path, rows, forum=["abc", "me", "zoo"], until="2026-01-14T00:00Z")
    for name in ("reply_rate", "answered_within"):
        channels = ask(store, sparse.settings(), Question(name, by="channel")).rows["channel"]
        assert channels.unique(maintain_order=True).to_list() == ["me", "zoo", "abc"], name


def test_what_has_no_weeks_says_how_far_back_it_looks_and_the_page(tmp_path: Path) -> None:
    """The page begins with 26 weeks: with the day that is named the command tells the page's figure."""
    rows = [{"by": "ann", "at": at, "in": at, "id": at} for at in ("2025-03-04T09:00Z", "2026-01-06T09:00Z")]
    sparse.store_of(tmp_path, rows, until="2026-01-14T00:00Z")
    told = hearth("metrics", "waiting_now", "--format", "json", data=tmp_path)
    assert json.loads(told.stdout)[0]["asks"] == 2
    days = "Of all days, 2025-03-04 to 2026-01-13"
    assert f"{days}; the page Unanswered begins with the last 26 weeks: --since 2025-07-14" in told.stderr
    weekly = hearth("metrics", "reply_rate", data=tmp_path).stderr
    assert f"{days}; the pages begin with 26 weeks: --since 2025-07-14 --until 2026-01-12\n" in weekly
    told = hearth("metrics", "waiting_now", "--format", "json", "--since", "2025-07-14", data=tmp_path)
    assert json.loads(told.stdout)[0]["asks"] == 1
    assert "Of all days" not in told.stderr
    assert "From 2025-07-14 to 2026-01-13" in told.stderr


def test_where_everything_was_forgotten_a_metric_says_so(tmp_path: Path) -> None:
    store = sparse.store_of(tmp_path, [{"by": "ann", "at": "2026-01-06T09:00Z", "id": "1"}])
    ((platform, source),) = store.read("sources").select("platform", "source").rows()
    assert hearth("ingest", "forget", platform, source, "--yes", data=tmp_path).code == 0
    told = hearth("metrics", "reply_rate", data=tmp_path)
    assert told.code == 0
    assert "Nothing is loaded any more." in told.stderr


def test_a_printed_table_calls_sources_by_name_and_programs_by_id(tmp_path: Path) -> None:
    rows = [{"by": "ann", "at": "2026-01-06T09:00Z", "in": name, "id": name, "source": name} for name in ("t1", "t2")]
    sparse.load(Store(tmp_path), rows, {"sources": [{"platform": "forum", "source": "t1", "name": "Lamp team"}]})
    asked = ("metrics", "reply_rate", "--by", "source")
    table = hearth(*asked, data=tmp_path).stdout
    assert "Lamp team" in table
    assert "T2" in table
    assert {row["source"] for row in json.loads(hearth(*asked, "--format", "json", data=tmp_path).stdout)} == {
        "t1",
        "t2",
    }


def test_what_is_unknown_or_empty_says_why(tmp_path: Path) -> None:
    """As the pages do; and where all is known, nothing."""
    rows = [{"by": f"m{each}", "at": "2026-01-06T09:00Z", "in": str(each), "id": str(each)} for each in range(3)]
    sparse.store_of(tmp_path, rows, since="2026-01-05T00:00Z", until="2026-01-14T00:00Z")

    def why(*words: str) -> list[str]:
        return hearth("metrics", *words, data=tmp_path).stderr.splitlines()[2:]

    assert why("reply_rate") == []
    assert why("staff_response")[0].startswith("Unknown: nobody who spoke here is known as staff. Name them under")
    young = "Unknown: who is new can be told after 60 days of data, and here there is less."
    assert why("newcomer_welcome")[0] == young
    assert why("within_target")[0].startswith("Unknown: no channel has a calendar.")
    assert why("detractor_recovery") == ["There is nothing of the kind in these days and places."]
    store = sparse.store_of(tmp_path / "gap", rows, since="2026-01-05T00:00Z", until="2026-01-07T00:00Z")
    late = [{"by": "ann", "at": "2026-03-03T09:00Z", "in": "x", "id": "x"}]
    sparse.load(store, late, since="2026-03-02T00:00Z", until="2026-03-04T00:00Z")
    gap = hearth("metrics", "reply_rate", data=tmp_path / "gap").stderr
    assert re.search(r"Unknown: only \d\d?\u00a0% of these days are covered by a load\.", gap)


def test_an_unknown_metric_names_the_known_ones(quiet: Store) -> None:
    with pytest.raises(LookupError, match="no metric 'nope'; there are: answered_within"):
        ask(quiet, sparse.settings(), Question("nope"))
