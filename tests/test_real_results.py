"""Every metric on real exports: none fails, what must add up does, and another way of counting agrees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from data.settings import Settings
from data.store import Store
from ingest.load import Job, load
from ingest.progress import Progress
from metrics.metric import By, Question, ask, metrics

SAMPLES = [
    "slack/bcneng+bcneng-slack-exporter-typescript",
    "mailman_pipermail/MichaelChirico+r-mailing-list-archive/r-package-devel",
    "discord_dce_json_derived/meshcore_dev",
    "discourse_posts/jamesob+delving-bitcoin-archive/posts",
    "zulip_archive/NCAR+zulip-archive",
    "stackexchange/mattly+ssdug-graphql",
]
THREADED = ("discord", "discourse", "zulip")  # every message names its conversation, and no clock is wrong
SPLITS = (None, *get_args(By))
FLOW = ("new", "retained", "returning", "reactivated")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def store(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    missing = [each for each in SAMPLES if not (samples / each).exists()]
    if missing:
        pytest.skip(f"not among the sample exports of this machine: {', '.join(missing)}")
    store = Store(tmp_path_factory.mktemp("real"))
    load(Job([samples / each for each in SAMPLES]), store, Settings(), Progress(quiet=True))
    return store


@pytest.fixture(scope="module")
def answers(store: Store) -> dict[tuple[str, By | None], Rows]:
    """Every metric's rows, whole and split each way."""
    asked = [Question(name, by=by) for name in metrics() for by in SPLITS]
    return {(each.name, each.by): ask(store, Settings(), each).rows.to_dicts() for each in asked}


@pytest.fixture(scope="module")
def said(store: Store) -> pl.DataFrame:
    """What people said, straight from the messages: no bots, nothing deleted, no system lines."""
    return store.query(
        "select sources.platform, messages.* exclude (text), coalesce(members.is_staff, false) as is_staff "
        "from messages inner join sources using (source_key) left join members using (source_key, member_id) "
        "where messages.kind = 'message' and messages.deleted_at is null "
        "and not coalesce(members.is_bot or members.name like '%[bot]', false)"
    ).with_columns(
        week=pl.col("sent_at").dt.convert_time_zone("UTC").dt.date().dt.truncate("1w"),
        conversation=pl.coalesce("conversation_id", "message_id"),
    )


def every(answers: dict[tuple[str, By | None], Rows], *columns: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The rows that have something in all these columns, each with the whole story for when it is wrong."""
    for (name, by), rows in answers.items():
        for row in rows:
            if all(row.get(column) is not None for column in columns):
                yield (name, by, row), row


def test_every_metric_has_something_to_say(answers: dict[tuple[str, By | None], Rows]) -> None:
    silent = {name for (name, by), rows in answers.items() if by is None and not rows}
    assert silent <= {"audience"}  # none of these exports counts followers


def test_members_are_new_or_came_back_in_one_way(answers: dict[tuple[str, By | None], Rows]) -> None:
    found = [(what, row) for what, row in every(answers, "members", "lapsed") if what[0] == "member_flow"]
    assert len(found) > 1000
    for what, row in found:
        assert row["members"] == sum(row[kind] for kind in FLOW), what


def test_who_stayed_or_lapsed_was_there_the_week_before(answers: dict[tuple[str, By | None], Rows]) -> None:
    rows = {row["week"]: row for row in answers["member_flow", None] if row["week"] and row["members"] is not None}
    pairs = [(row, rows.get(week.fromordinal(week.toordinal() - 7))) for week, row in rows.items()]
    compared = [(row["retained"] + row["lapsed"], before["members"]) for row, before in pairs if before]
    assert len(compared) > 100
    assert [one for one, _ in compared] == [other for _, other in compared]


def test_shares_are_shares_and_lie_within_their_interval(answers: dict[tuple[str, By | None], Rows]) -> None:
    for what, row in every(answers, "share"):
        assert 0 <= row["share"] <= 1, what
    for what, row in every(answers, "share", "low", "high"):
        assert 0 <= row["low"] <= row["share"] + 1e-9, what
        assert row["share"] - 1e-9 <= row["high"] <= 1, what
    for what, row in every(answers, "answered", "asks"):
        assert 0 <= row["answered"] <= row["asks"], what
    for what, row in every(answers, "top1_share", "top3_share"):
        assert 0 < row["top1_share"] <= row["top3_share"] <= 1, what


def test_waits_and_points_stay_in_their_order(answers: dict[tuple[str, By | None], Rows]) -> None:
    for what, row in every(answers, "points", "low", "high"):
        assert -100 <= row["low"] <= row["points"] <= row["high"] <= 100, what
    for what, row in every(answers, "hours_p50", "hours_p90"):
        assert 0 <= row["hours_p50"] <= row["hours_p90"], what
    for what, row in every(answers, "share", "staff_share", "answered", "asks"):  # peer_first_share
        assert row["share"] * row["answered"] + row["staff_share"] * row["asks"] <= row["answered"] + 1e-6, what


@pytest.mark.parametrize("name", ["answered_within", "reply_rate", "time_to_first_response", "unanswered"])
@pytest.mark.parametrize("by", SPLITS)
def test_asks_add_up(name: str, by: By | None, answers: dict[tuple[str, By | None], Rows]) -> None:
    """An ask belongs to one week, source and channel: the whole period is the sum of its weeks, and of its parts."""
    whole = count_asks(answers["time_to_first_response", None], whole=True)
    if name == "unanswered":
        rate = next(row for row in answers["time_to_first_response", None] if row["week"] is None)
        assert len(answers[name, by]) == rate["asks"] - rate["answered"]
        return
    rows = [row for row in answers[name, by] if row.get("hours", 24) == 24]
    assert count_asks(rows, whole=True) == count_asks(rows, whole=False) == whole


def count_asks(rows: Rows, *, whole: bool) -> int:
    return sum(row["asks"] + row.get("too_young", 0) for row in rows if (row["week"] is None) is whole)


# --- the same, counted another way -------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["slack", "stackexchange", *THREADED])
def test_members_a_week_are_the_accounts_that_wrote(platform: str, store: Store, said: pl.DataFrame) -> None:
    rows = ask(store, Settings(), Question("member_flow", platforms=(platform,))).rows.drop_nulls()
    mine = said.filter(pl.col("platform") == platform, pl.col("member_id").is_not_null(), ~pl.col("is_staff"))
    counted = mine.group_by("week").agg(counted=pl.col("member_id").n_unique())
    both = rows.join(counted, on="week", how="left", maintain_order="left")
    assert both.height > 1
    assert both["members"].to_list() == both["counted"].fill_null(0).to_list()


@pytest.mark.parametrize("platform", THREADED)
def test_openers_and_the_answered_are_those_of_the_messages(platform: str, store: Store, said: pl.DataFrame) -> None:
    question = Question("time_to_first_response", platforms=(platform,), population="openers")
    (row,) = ask(store, Settings(), question).rows.filter(pl.col("week").is_null()).to_dicts()
    mine = said.filter(pl.col("platform") == platform)
    openers = mine.filter(pl.col("parent_id").is_null(), pl.col("basis").is_null(), ~pl.col("is_staff"))
    later = mine.join(openers, on="conversation", suffix="_asked").filter(pl.col("sent_at") > pl.col("sent_at_asked"))
    answered = later.filter(pl.col("member_id").ne_missing(pl.col("member_id_asked")))["conversation"].n_unique()
    assert (row["asks"], row["answered"]) == (openers.height, answered)


def test_messages_and_unknown_members_are_those_of_the_messages(store: Store) -> None:
    rows = ask(store, Settings(), Question("data_trust")).rows
    kept = store.query(
        "select sources.platform, messages.member_id from messages inner join sources using (source_key) "
        "where messages.kind = 'message'"
    ).group_by("platform").agg(pl.len(), unknown=pl.col("member_id").null_count())  # fmt: skip
    both = rows.join(kept, on="platform", how="full")
    assert both.height == len(SAMPLES)
    assert both["messages"].to_list() == both["len"].to_list()
    shares: list[Any] = [pytest.approx(share) for share in (both["unknown"] / both["len"]).to_list()]
    assert both["unknown_member_share"].to_list() == shares
