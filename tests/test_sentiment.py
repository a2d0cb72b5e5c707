"""How a message sounds: what is scored, what is not, and that a score is the same everywhere."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import sentiment as bench
from ingest.enrich import words
from ingest.enrich.linear import PLATFORMS, WEIGHTS, Linear, exponential
from ingest.enrich.scorer import LABELS, SCHEMA, scorer
from ingest.enrich.train import codebook
from metrics import quantify
from tests.command import hearth
from tests.conftest import ROOT

PROBES = tomllib.loads((ROOT / "tests" / "probes.toml").read_text("utf-8"))["probe"]
OURS = scorer()


def label(text: object, platform: str | None = None) -> str | None:
    found: str | None = OURS.score([text], platform)["label"].item()
    return found


def flags(text: object) -> list[str]:
    return words.names(OURS.score([text])["flags"].item())


def said(text: str) -> str:
    return " ".join(words.said(pl.Series([text]), words.Overlay({}))[0].item().split())


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe['kind']}: {probe['text'][:40]}")
def test_a_probe_sounds_as_a_person_hears_it(probe: dict[str, str]) -> None:
    """A probe that names what it `fails_as` is a known failure: when it is mended, the card must say so."""
    heard = label(probe["text"]) or "unclassified"
    assert heard == probe.get("fails_as", probe["label"])


def test_there_are_enough_probes_of_every_kind() -> None:
    kinds = {probe["kind"] for probe in PROBES}
    assert len(PROBES) >= 100
    assert kinds >= {"negation", "sarcasm", "developer", "thanks", "emoji", "slang", "code", "question", "language"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("> you are all idiots\nI agree with the plan", "I agree with the plan"),
        ("see `kill -9` and\n```\nfatal\n```\nplease", "see and please"),
        ("```never closed\nfatal", ""),
        ("read https://bad.example/awful?x=1 now", "read now"),
        ("hi <@U123|hate> and @terrible_name, bye", "hi and , bye"),
        ("write to awful.person@bad.example today", "write to today"),
        ("Good idea.\n-- \nAwful Signature Ltd", "Good idea."),
        ("Yes.\nOn Tue, 3 May 2022 Ana wrote:\n> broken", "Yes."),
    ],
)
def test_only_what_the_writer_says_is_scored(text: str, kept: str) -> None:
    assert said(text) == kept


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("", "empty"),
        (None, "not_text"),
        (float("nan"), "not_text"),
        (b"great", "not_text"),
        (["great"], "not_text"),
        ("great " * 10_000, "too_long"),
        ("`great()`", "nothing_said"),
        (" \n\t", "nothing_said"),
        ("1234 ...", "nothing_said"),
        ("I am a bot, and this is great", "bot"),
        ("これは素晴らしいですね", "language"),
        ("Das funktioniert leider überhaupt nicht mehr", "language"),
    ],
)
def test_what_cannot_be_scored_is_unclassified_and_says_why(text: object, flag: str) -> None:
    row = OURS.score([text]).row(0, named=True)
    assert flag in words.names(row["flags"])
    assert [row[name] for name in SCHEMA if name not in {"flags", "language"}] == [None] * 5


@given(
    st.lists(
        st.one_of(st.text(), st.none(), st.integers(), st.binary(), st.text(alphabet="\ud800a>`@<\n\0 ")), max_size=20
    )
)
def test_no_input_is_an_error_and_neighbours_change_nothing(texts: list[object]) -> None:
    together = OURS.score(texts)
    assert together.schema == SCHEMA
    for row, text in zip(together.rows(), texts, strict=True):
        assert OURS.score([text]).row(0) == row


def test_hostile_texts_take_no_time() -> None:
    began = time.process_time()
    rows = OURS.score(["`" * 19_999, "<@" * 9_999, "a." * 9_999, "\n> " * 6_000, "\0" * 5000, "😀" * 4999])
    assert time.process_time() - began < 2
    assert len(rows) == 6


def test_batches_of_any_size_score_alike() -> None:
    texts = [f"this is {word} number {at}" for at in range(9000) for word in ("great", "awful")]
    whole = OURS.score(texts)
    assert whole.equals(pl.concat(OURS.score(texts[at : at + 7001]) for at in range(0, len(texts), 7001)))


def test_a_score_is_the_same_on_every_machine() -> None:
    """Whole-number sums and plain steps: the digits are those of the machine that taught it."""
    row = OURS.score(["Thanks, but it is still not working for me"], "github").row(0)
    assert [float(np.float32(chance)) for chance in row[:3]] == pytest.approx(FROZEN, abs=1e-7)


FROZEN = [0.20708296, 0.16155279, 0.63136423]


def test_the_exponential_is_right() -> None:
    power = np.linspace(-40, 0, 999)
    assert exponential(power) == pytest.approx(np.exp(power), rel=1e-9)


def test_shares_of_a_row_add_to_one_and_the_label_is_the_largest() -> None:
    rows = OURS.score(["I love it", "I hate it", "The meeting is on Tuesday"])
    chances = rows.select(pl.nth(0, 1, 2)).to_numpy()
    assert chances.sum(axis=1) == pytest.approx(1)
    assert (
        rows["label"].to_list() == [LABELS[at] for at in chances.argmax(axis=1)] == ["positive", "negative", "neutral"]
    )


def test_the_house_may_say_what_its_words_mean() -> None:
    assert label("the frobnicator is sick") != "positive"
    ours = scorer(words={"is sick": "is great , I love it"})
    assert ours.score(["the frobnicator is SICK", "is sickness"])["label"][0] == "positive"
    assert ours.version != OURS.version


def test_a_phrase_is_not_found_inside_a_word() -> None:
    texts, changed = words.Overlay({"ty": "thanks", "👍": "great"}).read(pl.Series(["party", "Ty!", "tyre ty", "ok👍"]))
    assert changed.to_list() == [False, True, True, True]
    assert [" ".join(text.split()) for text in texts] == ["party", "thanks !", "tyre thanks", "ok great"]


def test_a_platform_turns_the_doubtful() -> None:
    texts = ["I updated the page", "Please add the logs", "It is the same for me"] * 3
    scores = {kind: OURS.score(texts, platform)["p_neutral"].sum() for platform, kind in PLATFORMS.items()}
    assert len(set(scores.values())) == 3


def test_an_unknown_scorer_is_told_which_there_are() -> None:
    with pytest.raises(LookupError, match="no scorer 'oracle'; there are: linear, vader, strong"):
        scorer("oracle")


def test_vader_scores_the_same_words() -> None:
    rows = scorer("vader").score(["> awful\nI love it", "`x`", None])
    assert rows["label"].to_list() == ["positive", None, None]


def test_the_weights_are_small_and_the_card_names_their_version() -> None:
    assert WEIGHTS.stat().st_size < 1_000_000
    assert Linear.load({}).version in WEIGHTS.with_name("CARD.md").read_text("utf-8")


def _drawn(true: tuple[int, int, int]) -> pl.DataFrame:
    """Scores of a scorer taught on equal shares that is right seven times in ten, of messages of these labels."""
    rows = []
    for at, count in enumerate(true):
        for heard in range(3):
            chances = [0.7 if each == heard else 0.15 for each in range(3)]
            rows += [[*chances, LABELS[heard]]] * round(count * (0.7 if heard == at else 0.15))
    return pl.DataFrame(rows, schema=["p_negative", "p_neutral", "p_positive", "label"], orient="row")


def test_the_estimated_net_is_nearer_the_truth_than_a_count() -> None:
    """600 negative, 300 neutral, 100 positive: -50. The count says 465 - 205 of 1,000 less: -27.5."""
    found = quantify.shares(_drawn((600, 300, 100)))
    assert found is not None
    assert quantify.TRUST == 0.5
    assert found.net == pytest.approx((-50 - 27.5) / 2, abs=0.5)
    assert found.net_from < -50 < -27.5 < found.net_to


def test_nothing_classified_has_no_shares() -> None:
    assert quantify.shares(OURS.score(["", None])) is None


def test_unclassified_messages_are_counted_apart() -> None:
    found = quantify.shares(OURS.score(["I love it", "", "I hate it"]))
    assert found is not None
    assert (found.classified, found.unclassified) == (2, 1)


def test_the_codebook_keeps_nothing_for_nothing() -> None:
    weights = np.zeros((4000, 2), np.float32)
    weights[1000:] = np.random.default_rng(1).normal(size=(3000, 2))
    codes, pairs = codebook(weights, np.ones(4000, np.int64))
    assert not codes[:1000].any()
    assert np.abs(pairs[codes] - weights).mean() < 0.1


def test_a_file_is_scored_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "said.txt"
    path.write_bytes("I love it\n\n\xff\nEs ist leider völlig kaputt\n".encode("latin-1"))
    done = hearth("ingest", "sentiment", path)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(told[0]) == ["label", "negative", "neutral", "positive", "confidence", "language", "flags"]
    assert [each["label"] for each in told] == ["positive", None, None, None]
    assert told[1]["flags"] == ["empty"]


def test_a_column_of_a_table_is_scored(tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_text('id,text\n1,"I hate it,\nall of it"\n2,\n')
    assert [
        json.loads(line)["label"]
        for line in hearth("ingest", "sentiment", path, "--column", "text").stdout.splitlines()
    ] == [
        "negative",
        None,
    ]
    missing = hearth("ingest", "sentiment", path, "--column", "body", check=None)
    assert (missing.code, "there are: id, text" in missing.stderr) == (1, True)


@pytest.mark.skipif(not bench.SETS.exists(), reason="the labelled messages are not beside the project")
def test_it_is_as_right_as_the_card_says() -> None:
    table = pl.read_parquet(bench.SETS)
    for name, (least, platform) in bench.GOALS.items():
        rows = table.filter(pl.col("source") == name)
        scores = OURS.score(rows["text"], platform)
        assert bench.recall(scores, rows["label"]) >= least
        assert bench.calibration(scores, rows["label"]) < 5
