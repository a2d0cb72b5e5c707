"""A model that you bring: it hears what the others hear, alone, and says what is wrong with its folder."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import sentiment as bench
from ingest.enrich import words
from ingest.enrich.scorer import LABELS, SCHEMA, scorer
from tests import tiny
from tests.conftest import ROOT

pytest.importorskip("onnxruntime", reason="the scorer 'strong' is not installed: make strong")
pytest.importorskip("tokenizers", reason="the scorer 'strong' is not installed: make strong")

from ingest.enrich.strong import ModelError, Strong

REAL = bench.SETS.parent / "strong"
CHANCES = [f"p_{label}" for label in LABELS]
TEXTS = [
    "great",
    "awful table",
    "great " * 40,
    "table",
    "",
    "awful awful GREAT",
    "`great`",
    "great",
    "und",
    "table " * 9,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def strong(folder: Path) -> Strong:
    return Strong.load(folder, words.default_overlay(), threads=2)


def test_chances_are_those_of_the_model(strong: Strong) -> None:
    """Great weighs 3 for positive: e^3 = 20.09 beside 1 and 1, so 20.09 / 22.09 and 1 / 22.09."""
    row = strong.score(["great"]).row(0, named=True)
    assert [row[name] for name in CHANCES] == pytest.approx([0.0453, 0.0453, 0.9094], abs=1e-4)
    assert (row["label"], row["confidence"]) == ("positive", row["p_positive"])


def test_a_text_has_one_score_in_any_company(strong: Strong, folder: Path) -> None:
    alone = [strong.score([text]).row(0) for text in TEXTS]
    assert strong.score(TEXTS).rows() == alone
    assert strong.score(TEXTS[::-1]).rows() == alone[::-1]
    assert Strong.load(folder, words.default_overlay(), threads=1).score(pl.Series(TEXTS)).rows() == alone


def test_in_a_batch_it_would_not(strong: Strong) -> None:
    """The reason why each is heard alone: beside forty times great, one table is rounded away."""
    batch = np.full((2, 40), tiny.WORDS["great"])
    batch[1, 0] = tiny.WORDS["table"]
    given_ = {"input_ids": batch, "attention_mask": np.array([[1] * 40, [1] + [0] * 39])}
    together = strong._model._session.run(["logits"], given_)[0][1]
    assert together != pytest.approx(strong._model._logits("table")[0], abs=0.01)


@given(st.lists(st.one_of(st.text(), st.none(), st.binary(), st.text(alphabet="\ud800a>`@<\n\0 ")), max_size=9))
def test_no_input_is_an_error_and_it_leaves_out_what_ours_does(strong: Strong, texts: list[object]) -> None:
    rows, ours = strong.score(texts), scorer().score(texts)
    assert rows.schema == SCHEMA
    assert rows["flags"].to_list() == (ours["flags"] & ~words.Flag.language).to_list()
    assert rows["label"].is_null().to_list() == (rows["flags"] & int(words.UNCLASSIFIED) > 0).to_list()


def test_quotes_and_code_are_not_heard_and_words_of_the_house_are(folder: Path) -> None:
    ours = Strong.load(folder, {"glowy": "great"})
    rows = ours.score(["> awful\ngreat", "`awful`", "a  Glowy\n\ntable", "a great table"])
    assert rows["label"].to_list() == ["positive", None, "positive", "positive"]
    assert rows.row(2)[:3] == rows.row(3)[:3]
    assert [words.names(flags) for flags in rows["flags"]] == [[], ["nothing_said"], ["overlay"], []]


def test_a_cut_text_is_flagged(tmp_path: Path) -> None:
    ours = Strong.load(tiny.folder(tmp_path, kept_to=4), {})
    rows = ours.score(["great " * 4, "great " * 4 + "awful awful awful"])
    assert [words.names(flags) for flags in rows["flags"]] == [[], ["truncated"]]
    assert rows["p_positive"][0] == rows["p_positive"][1]


@pytest.mark.parametrize(
    ("weights", "names", "chances"),
    [
        ("nup", None, [0.0453, 0.0453, 0.9094]),
        ("nup", ["LABEL_0", "LABEL_1", "LABEL_2"], [0.0453, 0.0453, 0.9094]),
        ("pnu", ["POS", "NEG", "NEU"], [0.0453, 0.0453, 0.9094]),
        ("np", None, [0.0474, 0, 0.9526]),
        ("pn", ["Positive", "Negative"], [0.0474, 0, 0.9526]),
        ("nnupp", ["Very Negative", "Negative", "Neutral", "Positive", "Very Positive"], [0.0463, 0.0231, 0.9306]),
    ],
)
def test_labels_are_found_by_name_else_in_order(
    tmp_path: Path, weights: str, names: list[str] | None, chances: list[float]
) -> None:
    """Of two labels 20.09 / 21.09; of five, two weigh 20.09: 40.17 / 43.17, 2 / 43.17 and 1 / 43.17."""
    rows = [{"n": tiny.NEGATIVE, "u": tiny.NEUTRAL, "p": tiny.POSITIVE}[each] for each in weights]
    config: dict[str, object] | None = (
        None if names is None else {"id2label": {str(at): name for at, name in enumerate(names)}}
    )
    row = Strong.load(tiny.folder(tmp_path, rows, config), {}).score(["great"]).row(0)
    assert list(row[:3]) == pytest.approx(chances, abs=1e-4)


def test_a_model_without_neutral_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Strong.load(tiny.folder(tmp_path, [tiny.NEGATIVE, tiny.POSITIVE]), {})
    assert "knows no neutral" in capsys.readouterr().err


def test_a_model_of_one_language_leaves_others_out(tmp_path: Path) -> None:
    texts = ["this is a great table", "Das funktioniert leider überhaupt nicht mehr"]
    heard = {}
    for known in (None, "en", ["en", "de"]):
        ours = Strong.load(tiny.folder(tmp_path, config={"language": known}), {})
        heard[str(known)] = ours.score(texts)["label"].is_null().to_list()
    assert heard == {"None": [False, False], "en": [False, True], "['en', 'de']": [False, False]}


def test_the_version_changes_with_every_file_and_the_words(tmp_path: Path) -> None:
    found = [Strong.load(tiny.folder(tmp_path), {}).version, Strong.load(tmp_path, {"a": "b"}).version]
    found.append(Strong.load(tiny.folder(tmp_path, config={"id2label": {}}), {}).version)
    found.append(Strong.load(tiny.folder(tmp_path, kept_to=9), {}).version)
    found.append(Strong.load(tiny.folder(tmp_path, [tiny.POSITIVE, tiny.NEUTRAL, tiny.NEGATIVE]), {}).version)
    (tmp_path / "model.onnx.data").write_bytes(b"weights of a large model")
    found.append(Strong.load(tmp_path, {}).version)
    assert len(set(found)) == len(found)
    assert found[-1] == Strong.load(tmp_path, {}).version


def test_it_never_asks_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("somebody opened a connection")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert Strong.load(folder, {}).score(["great"])["label"].item() == "positive"


def spoil(folder: Path, what: str) -> None:
    """Take the piece of a name away, or overwrite it."""
    path, _, text = what.partition(": ")
    if text:
        (folder / path).write_text(text)
    else:
        (folder / path).unlink()


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ("model.onnx", "there is no model.onnx. Files of that kind: none"),
        ("tokenizer.json", "tokenizer.json: there is no such file"),
        ("model.onnx: nothing", "model.onnx: it is no model that can be run"),
        ("tokenizer.json: nothing", "tokenizer.json: it is no tokenizer"),
        ("config.json: nothing", "config.json: it cannot be read"),
        ('config.json: {"language": "klingon"}', "the language 'klingon' is none of ar, de, en"),
        (
            'config.json: {"id2label": {"0": "joy", "1": "anger", "2": "fear"}}',
            "the model's labels are joy, anger, fear",
        ),
        (
            'config.json: {"id2label": {"0": "negative", "1": "neutral", "2": "neutral"}}',
            "labels are negative, neutral",
        ),
    ],
)
def test_a_spoilt_folder_is_told_with_what_to_do(tmp_path: Path, spoilt: str, message: str) -> None:
    spoil(tiny.folder(tmp_path), spoilt)
    with pytest.raises(ModelError, match=message) as caught:
        scorer("strong", folder=tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_network_that_cannot_hear_is_told_before_the_night(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="of 1 or of 512 tokens"):
        Strong.load(tiny.folder(tmp_path, places=64), {})
    ours = Strong.load(tiny.folder(tmp_path, places=64, config={"max_position_embeddings": 64}), {})
    assert words.names(ours.score(["great " * 65])["flags"].item()) == ["truncated"]
    with pytest.raises(ModelError, match="if it takes one length only"):
        Strong.load(tiny.folder(tmp_path, tokens=64), {})
    with pytest.raises(ModelError, match="asks for pixel_values"):
        Strong.load(tiny.folder(tmp_path, inputs=["input_ids", "attention_mask", "pixel_values"]), {})
    with pytest.raises(ModelError, match=r"labels are \(no name\), "):
        Strong.load(tiny.folder(tmp_path, [tiny.NEUTRAL] * 4, config={}), {})


def test_the_right_file_must_be_plain(tmp_path: Path) -> None:
    model = tiny.folder(tmp_path) / "model.onnx"
    model.rename(tmp_path / "model_quantized.onnx")
    assert Strong.load(tmp_path, {}).score(["great"])["label"].item() == "positive"
    (tmp_path / "old.onnx").write_text("nothing")
    with pytest.raises(ModelError, match=r"model_quantized\.onnx, old\.onnx; call the right one so"):
        Strong.load(tmp_path, {})


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_missing_packages_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelError, match="needs the packages onnxruntime and tokenizers: `make strong` installs"):
        Strong.load(folder, {})


def test_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="name it as `folder` under"):
        scorer("strong")
    with pytest.raises(ModelError, match="nowhere: there is no such folder"):
        scorer("strong", folder=tmp_path / "nowhere")


def command(tmp_path: Path, folder: Path) -> list[str]:
    settings, said = tmp_path / "hearth.toml", tmp_path / "said.txt"
    settings.write_text(f'[sentiment]\nscorer = "strong"\nfolder = "{folder}"\nthreads = 1\n')
    said.write_text("great\nawful\n\n")
    return [sys.executable, "-m", "ingest", "sentiment", str(said), "--settings", str(settings)]


def test_the_settings_choose_it_and_progress_is_told_apart(tmp_path: Path, folder: Path) -> None:
    done = subprocess.run(command(tmp_path, folder), cwd=ROOT, capture_output=True, text=True, check=True)
    assert [json.loads(line)["label"] for line in done.stdout.splitlines()] == ["positive", "negative", None]
    assert "How messages sound: 3" in done.stderr
    ours = subprocess.run(
        [*command(tmp_path, folder), "--scorer", "linear"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ours.stdout != done.stdout


def test_a_bar_on_the_terminal_leaves_the_file_whole(tmp_path: Path, folder: Path) -> None:
    """The bar's library takes over what is printed while it shows."""
    outer, inner = pty.openpty()
    done = subprocess.run(
        command(tmp_path, folder), cwd=ROOT, stdout=subprocess.PIPE, stderr=inner, text=True, check=True
    )
    os.close(inner)
    os.close(outer)
    assert len(done.stdout.splitlines()) == 3


def test_a_wrong_folder_is_wrong_usage(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, tmp_path / "nowhere"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "there is no such" in done.stderr) == (2, True)


@pytest.mark.skipif(not (bench.SETS.exists() and REAL.is_dir()), reason="no real model lies beside the project")
def test_a_real_model_is_nearer_than_ours_and_the_same_in_any_batch() -> None:
    """A multilingual model quantised to bytes, whose scores do differ in batches."""
    table = pl.read_parquet(bench.SETS).filter(source="tweeteval_val").sample(200, seed=1)
    real = scorer("strong", folder=REAL)
    scores = real.score(table["text"])
    assert bench.recall(scores, table["label"]) > bench.recall(scorer().score(table["text"], "x"), table["label"])
    assert scores[:20].equals(pl.concat(real.score([text]) for text in table["text"][:20]))
    assert real.score(["Das funktioniert leider überhaupt nicht mehr"])["label"].item() == "negative"
