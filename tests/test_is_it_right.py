"""The page on which people label messages: what it asks, what it keeps, and what it says of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from data.demo import Community
from data.marks import FILE, Marks, Target
from data.settings import Settings
from data.store import Store
from ingest.load import load_demo
from ingest.progress import Progress
from metrics import judging
from pages import _ask, _marks
from tests import sparse

ROOT = Path(__file__).parent.parent
SEED = 1
Begin = Callable[..., AppTest]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = _ask._store(tmp_path_factory.mktemp("demo"))
    load_demo(store, Settings(), Progress(True), Community(days=200, asks_a_day=4.0))
    return store


@pytest.fixture
def marks(demo: Store) -> Iterator[Marks]:
    """The pages' own journal, without a decision."""
    journal = _ask._marks(demo.folder)
    yield journal
    journal.close()
    for path in demo.folder.glob(f"{FILE}*"):
        path.unlink()


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Open the page over a folder's data, and tell it a name."""

    def open_page(folder: Path, who: str | None = "Ana") -> AppTest:
        monkeypatch.setenv("HEARTH_DATA", str(folder))
        monkeypatch.delenv("HEARTH_MARKS_URL", raising=False)
        app = AppTest.from_file(str(ROOT / "pages" / "_frame.py"), default_timeout=60).run()
        app = app.switch_page("is_it_right.py").run()
        if who:
            app.text_input[0].set_value(who)
            press(app, "Begin")
        return app

    return open_page


def press(app: AppTest, name: str) -> AppTest:
    """Press a button by its name."""
    next(button for button in app.button if button.label == name).click().run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """All that the page says, but for its tables."""
    kinds = (app.subheader, app.markdown, app.caption, app.text, app.warning, app.error)
    return "\n".join(str(each.value) for kind in kinds for each in kind)


def drawn(store: Store) -> pl.DataFrame:
    """The messages that are to be labelled, in their order."""
    chosen = judging.draw(store.read("label_pool", seed=SEED)).select("line_id", "weight")
    told = store.read("to_label", lines=chosen["line_id"].to_list())
    return chosen.join(told, "line_id", maintain_order="left")


def heard(store: Store, messages: pl.DataFrame) -> list[str]:
    """What the scorer said of messages, in their order."""
    columns = {"platforms": "platform", "sources": "source", "ids": "message_id"}
    scores = store.read("labelled", **{name: messages[column].to_list() for name, column in columns.items()})
    known = {row[:3]: row[3] for row in scores.select("platform", "source", "native_id", "label").iter_rows()}
    return [known[row] for row in messages.select("platform", "source", "message_id").iter_rows()]


def label(marks: Marks, store: Store, truths: list[str]) -> None:
    """Label the first messages so, as the page does."""
    for row, truth in zip(drawn(store).to_dicts(), truths, strict=False):
        target = Target(row["platform"], row["source"], row["message_id"])
        marks.add("label", target, truth, "Ana", json.dumps({"weight": row["weight"]}))


def test_an_empty_hearth_leads_to_the_first_load(begin: Begin, tmp_path: Path) -> None:
    assert "Load your first export" in words(begin(tmp_path, who=None))
    assert not (tmp_path / FILE).exists()


def test_where_nothing_is_classified_there_is_nothing_to_judge(begin: Begin, tmp_path: Path) -> None:
    """A community whose messages were not scored."""
    sparse.store_of(tmp_path, [{"id": "a", "by": "ann", "at": "2026-10-05T09:00Z", "text": "https://a.example"}])
    assert "nothing to judge" in words(begin(tmp_path, who=None))


def test_a_name_comes_first(begin: Begin, demo: Store, marks: Marks) -> None:
    """Without one there is no message and no choice; with one there is, and nothing of what the scorer said."""
    app = begin(demo.folder, who=None)
    assert [button.label for button in app.button] == ["Begin"]
    assert "no message is labelled, and 20 are needed" in words(app)
    app.text_input[0].set_value("  ")
    assert [button.label for button in press(app, "Begin").button] == ["Begin"]
    app.text_input[0].set_value(" Ana  Ruiz ")
    press(app, "Begin")
    assert [button.label for button in app.button][:4] == ["Negative", "Neutral", "Positive", "Cannot tell"]
    assert "Labelling as **Ana Ruiz**, 0 so far" in words(app)
    assert drawn(demo)["text"][0] in [text.value for text in app.text]
    assert len(marks.current("label")) == 0


def test_a_choice_is_kept_with_its_weight_and_the_next_message_comes(begin: Begin, demo: Store, marks: Marks) -> None:
    app = press(press(begin(demo.folder), "Negative"), "Cannot tell")
    first, second, third = drawn(demo).head(3).to_dicts()
    rows = marks.current("label").to_pylist()
    assert [(row["source"], row["native_id"], row["value"], row["by"]) for row in rows] == [
        (first["source"], first["message_id"], "negative", "Ana"),
        (second["source"], second["message_id"], "unsure", "Ana"),
    ]
    assert json.loads(rows[0]["note"]) == {"weight": first["weight"]}
    assert third["text"] in [text.value for text in app.text]
    assert "1 message is labelled, and 20 are needed" in words(app), "what nobody can tell is no label"


def test_the_numbers_follow_a_label_as_they_follow_any_mark(
    begin: Begin, demo: Store, marks: Marks, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(marks.current("label")) == 0
    called: list[bool] = []
    monkeypatch.setattr(_marks.Follower, "call", lambda *_, is_new: called.append(is_new))
    app = begin(demo.folder)
    assert called == []
    app = press(app, "Negative")
    assert called == [True]
    assert "1 mark is newer than the numbers" in words(app)


def test_undo_brings_the_message_back(begin: Begin, demo: Store, marks: Marks) -> None:
    """Only one's own: Ben's label of the third message stays."""
    app = press(press(begin(demo.folder), "Negative"), "Positive")
    third = drawn(demo).row(2, named=True)
    marks.add("label", Target(third["platform"], third["source"], third["message_id"]), "neutral", "Ben")
    press(app, "Undo")
    assert drawn(demo)["text"][1] in [text.value for text in app.text]
    assert [row["by"] for row in marks.current("label").to_pylist()] == ["Ana", "Ben"]
    press(app, "Undo")
    undo = next(button for button in app.button if button.label == "Undo")
    assert undo.disabled
    assert [row["by"] for row in marks.current("label").to_pylist()] == ["Ben"]


def test_nothing_is_told_of_the_scorer_before_twenty_labels(begin: Begin, demo: Store, marks: Marks) -> None:
    label(marks, demo, ["neutral"] * 19)
    app = begin(demo.folder)
    assert not app.metric
    assert not app.dataframe
    press(app, "Neutral")
    assert [card.label for card in app.metric] == ["Heard as people hear it", "Net, as counted", "Net, adjusted"]


def test_the_figures_are_those_of_the_judge(begin: Begin, demo: Store, marks: Marks) -> None:
    """People agree with the scorer, but hear every third of what it calls positive as negative."""
    said = heard(demo, drawn(demo))
    truths = ["negative" if each == "positive" and n % 3 == 0 else each for n, each in enumerate(said)]
    label(marks, demo, truths)
    app = begin(demo.folder)
    told = drawn(demo).with_columns(truth=pl.Series(truths), label=pl.Series(said))
    given = demo.read("labels_given").drop_nulls("label").group_by("label").agg(pl.col("messages").sum())
    judged = judging.judge(told, dict(given.iter_rows()))
    assert judged
    net = judged.adjusted(judged.counted).value
    assert {card.label: card.value for card in app.metric} == {
        "Heard as people hear it": f"{judged.accuracy.value * 100:.0f}\u00a0%",
        "Net, as counted": f"{judged.plain:+.0f}".replace("-", "−"),
        "Net, adjusted": f"{net:+.0f}".replace("-", "−"),
    }
    assert net < judged.plain - 5
    confusion, mistakes, platforms = (frame.value for frame in app.dataframe)
    wrong = sum(each != truth for each, truth in zip(said, truths, strict=True))
    assert confusion["heard as positive"].tolist()[0] == wrong == mistakes["messages"].tolist()[0]
    assert mistakes["people said"].tolist() == ["Negative"]
    assert set(platforms["platform"]) == {"Discord", "Mail", "Slack"}
    assert sum(platforms["labels"]) == len(truths)
    assert "All of them are labelled" in words(app)


def test_labels_outlive_a_reload(begin: Begin, tmp_path: Path) -> None:
    """The same community is loaded again, and more with it: what people said is still there, and still counts."""
    store = _ask._store(tmp_path)
    load_demo(store, Settings(), Progress(True), Community(days=60))
    press(begin(tmp_path), "Negative")
    load_demo(store, Settings(), Progress(True), Community(days=90))
    app = begin(tmp_path, who="Ben")
    assert "1 message is labelled, and 20 are needed" in words(app)


def test_a_journal_that_cannot_be_read_is_told_and_the_rest_of_hearth_goes_on(
    begin: Begin, demo: Store, marks: Marks
) -> None:
    marks.close()
    (demo.folder / FILE).write_bytes(b"not a database" * 100)
    app = begin(demo.folder, who=None)
    assert "The labels cannot be read" in words(app)
    assert FILE in words(app)
    assert not app.exception


def test_a_choice_that_cannot_be_kept_is_told(begin: Begin, demo: Store, marks: Marks) -> None:
    """The message stays, and the next try is kept."""
    marks.undo(marks.add("label", Target("slack", "T1", "1"), "neutral", "Ben"), "Ben")  # else there is no journal yet
    app = begin(demo.folder)
    with closing(sqlite3.connect(demo.folder / FILE)) as full:
        full.execute("create trigger full before insert on journal begin select raise(abort, 'disk is full'); end")
        press(app, "Negative")
        full.execute("drop trigger full")
    assert "was not kept" in words(app)
    assert "disk is full" in words(app)
    assert drawn(demo)["text"][0] in [text.value for text in app.text]
    press(app, "Negative")
    assert "was not kept" not in words(app)
    assert len(marks.current("label")) == 1
