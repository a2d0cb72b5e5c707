"""How messages sound, from a load to the numbers: each text heard once, by one version of one scorer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from data.marks import Marks, Target
from data.records import Source
from data.settings import Sentiment, Settings
from data.store import Store
from ingest.load import Job, derive_again, listen, load
from ingest.progress import Progress
from tests import sparse
from tests.command import hearth
from tests.sparse import put

ROOT = Path(__file__).parent.parent
QUIET = Progress(quiet=True)
HOUSE = Settings(sentiment=Sentiment(words={"splendiferous": "positive"}))
TALK = [
    {"id": "a", "by": "ana", "at": "2026-01-05T10:00Z", "text": "This is awful, it broke again and nobody helps."},
    {"id": "b", "by": "ben", "at": "2026-01-05T11:00Z", "text": "I love it, thank you so much, great work!"},
    {"id": "c", "by": "cem", "at": "2026-01-05T12:00Z", "text": "I love it, thank you so much, great work!"},
    {"id": "d", "by": "dov", "at": "2026-01-05T13:00Z", "text": "```print('hello')```"},
    {"id": "e", "by": "eve", "at": "2026-01-05T14:00Z", "text": "Jeg vet ikke hvor lampen min har blitt av i dag."},
    {"id": "f", "by": "bot_hello", "at": "2026-01-05T15:00Z", "text": "What a great and lovely day to be a bot!"},
]


def unheard(store: Store, rows: list[dict[str, str]] = TALK, source: str = "acme") -> None:
    """Put messages into a store, without anybody listening."""
    with store.loading(Settings()) as loader:
        begun = loader.begin(Source("forum", source, source.title()), "a.json")
        loader.take(begun, sparse.chunk(rows, [], ["help"]))
        loader.finish(begun)


def labels(store: Store) -> dict[str, str | None]:
    found = store.query(
        "select messages.message_id, sentiments.label from sentiments inner join messages "
        "on sentiments.line_id = hash(messages.source_key, messages.message_id)"
    )
    return dict(found.iter_rows())


def test_each_distinct_text_is_heard_once_and_bots_never(tmp_path: Path) -> None:
    store = Store(tmp_path)
    unheard(store)
    derive_again(store, Settings(), QUIET)
    assert labels(store) == {"a": "negative", "b": "positive", "c": "positive", "d": None, "e": None}
    scores = store.query("select count(*) as n, count(distinct text_key) as texts from scores").row(0)
    assert scores == (4, 4)
    before = store.query("select * from scores order by all").to_dicts()
    unheard(store)
    derive_again(store, Settings(), QUIET)
    assert store.query("select * from scores order by all").to_dicts() == before


def test_a_source_that_comes_later_is_heard_at_once(tmp_path: Path) -> None:
    """By the load that brings it: the scorer is in use already, and none of it counts as news."""
    (tmp_path / "first.csv").write_text("author,date,text\nana,2026-01-05T10:00Z,I love it so much!\n")
    (tmp_path / "later.csv").write_text("author,date,text\nben,2026-01-05T10:00Z,This is awful and it broke again.\n")
    store = Store(tmp_path / "data")
    for name in ("first", "later"):
        load(Job([tmp_path / f"{name}.csv"], source=name), store, Settings(), QUIET)
    assert sorted(labels(store).values(), key=str) == ["negative", "positive"]
    unheard(store, TALK[:1], "quiet")
    with store.loading(Settings()) as loader:
        loader.derive()
    derive_again(store, Settings(), QUIET)
    assert len(labels(store)) == 3, "whatever was left out is heard by the command that works everything out again"


def test_another_version_hears_everything_again_and_nothing_is_mixed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    unheard(store)
    derive_again(store, Settings(), QUIET)
    old = store.query("select distinct version from scores").item()
    derive_again(store, HOUSE, QUIET)
    assert store.query("select distinct version from scores").item() != old
    assert store.query("select count(*) from scores").item() == 4
    assert store.query("select version from scorer").item() == store.query("select distinct version from scores").item()


def test_an_ask_needs_a_reply_when_it_sounds_unhappy(tmp_path: Path) -> None:
    """No question mark, no newcomer, in a chat channel: the words alone."""
    store = Store(tmp_path)
    rows = [{**TALK[0], "channel": "lounge"}, {**TALK[1], "channel": "lounge"}]
    with store.loading(Settings()) as loader:
        begun = loader.begin(Source("forum", "acme", "Acme"), "a.json")
        loader.take(begun, sparse.chunk(rows, [], []))
        loader.finish(begun)
    derive_again(store, Settings(), QUIET)
    found = store.query("select message_id, reason, needs_reply, sentiment from asks order by 1").rows()
    assert found == [("a", "unhappy", True, "negative"), ("b", "chat", False, "positive")]


LISTEN = """
import sys
from pathlib import Path
from typing import Any
from data.settings import Settings
from data.store import Store
from ingest import load
from ingest.enrich import linear
from ingest.progress import Progress
linear.Linear.at_once = 1
load.QUICK = 1
load.listen(Store(Path(sys.argv[1])), Settings(), Progress(quiet=True))
"""


def test_what_was_heard_is_kept_when_the_plug_is_pulled(tmp_path: Path) -> None:
    store = Store(tmp_path)
    unheard(store)
    environment = {**os.environ, "HEARTH_FAIL_AT": "scores:2", "PYTHONPATH": "."}
    command = [sys.executable, "-c", LISTEN, str(tmp_path)]
    assert subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode == 137
    assert listen(store, Settings(), QUIET)[:2] == (2, 0)
    assert labels(store)["a"] == "negative"


def test_a_sample_leaves_the_rest_unclassified_until_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path)
    unheard(store)
    assert listen(store, Settings(), QUIET, 1)[:2] == (1, 3)
    assert store.query("select count(*) from scores").item() == 1
    assert listen(store, Settings(), QUIET)[:2] == (3, 0)
    assert labels(store)["b"] == "positive"


def test_words_that_are_no_longer_kept_still_sound(tmp_path: Path) -> None:
    store, keep = Store(tmp_path), Settings(retention=sparse.settings({"retention": {"text_days": 30}}).retention)
    unheard(store)
    derive_again(store, Settings(), QUIET)
    before = labels(store)
    for _ in range(2):
        derive_again(store, keep, QUIET)
        assert store.query("select distinct text from messages")["text"].to_list() == [""]
        assert labels(store) == before


def test_where_nobody_listens_nothing_is_classified(tmp_path: Path) -> None:
    store = Store(tmp_path)
    unheard(store)
    derive_again(store, Settings(sentiment=Sentiment(scorer="off")), QUIET)
    assert set(labels(store).values()) == {None}
    assert store.query("select count(*) from scores").item() == 0


def test_what_a_person_says_wins_until_it_is_taken_back(tmp_path: Path) -> None:
    store, marks = Store(tmp_path), Marks(tmp_path)
    unheard(store)
    derive_again(store, Settings(), QUIET)
    before, asks = labels(store), "select message_id, reason, needs_reply, sentiment from asks order by 1"
    asked = store.query(asks).rows()
    given = marks.add("label", Target("forum", "acme", "b"), "negative", "kim")
    marked = marks.add("ask", Target("forum", "acme", "a"), "no_reply", "kim")
    derive_again(store, Settings(), QUIET)
    assert labels(store) == before | {"b": "negative"}
    assert store.query(asks).rows()[0][1:3] == ("marked: no reply needed", False)
    marks.undo(given, "kim")
    marks.undo(marked, "kim")
    derive_again(store, Settings(), QUIET)
    assert labels(store) == before
    assert store.query(asks).rows() == asked


def test_a_slow_scorer_waits_to_be_told(tmp_path: Path) -> None:
    """Until it has listened, the numbers stay those of ours; afterwards a load leaves new texts unclassified."""
    pytest.importorskip("onnxruntime", reason="the strong scorer's packages are not installed")
    from tests import tiny

    model = tiny.folder(tmp_path / "model")
    strong = Settings(sentiment=Sentiment(scorer="strong", folder=str(model)))
    store = Store(tmp_path / "data")
    unheard(store)
    derive_again(store, strong, QUIET)
    assert store.query("select name from scorer").item() == "linear"
    listen(store, strong, QUIET)
    assert store.query("select name from scorer").item() == "strong"
    unheard(store, [{"id": "z", "by": "ana", "at": "2026-01-06T10:00Z", "text": "A great great lamp, this one."}])
    derive_again(store, strong, QUIET)
    assert labels(store)["z"] is None


def test_private_content_is_read_only_with_a_reason_that_is_kept(tmp_path: Path) -> None:
    export = tmp_path / "talk"
    for name, value in {
        "users.json": [{"id": "U1", "team_id": "T1", "name": "ana"}],
        "channels.json": [{"id": "C1", "name": "general"}],
        "groups.json": [{"id": "G1", "name": "board"}],
        "general/2026-01-05.json": [{"type": "message", "ts": "1767607200.000100", "user": "U1", "text": "How is it?"}],
        "board/2026-01-05.json": [{"type": "message", "ts": "1767607300.000100", "user": "U1", "text": "In secret."}],
    }.items():
        (export / name).parent.mkdir(parents=True, exist_ok=True)
        (export / name).write_text(json.dumps(value))
    (out,) = _load(export, tmp_path / "a")
    assert (out["messages"], sum(out["left_out"].values())) == (1, 1)
    (all_of_it,) = _load(export, tmp_path / "b", "--include-private", "everybody agreed on 3 May")
    assert (all_of_it["messages"], all_of_it["left_out"]) == (2, {})
    assert Store(tmp_path / "b").query("select private_reason from loads").item() == "everybody agreed on 3 May"


def _load(export: Path, data: Path, *more: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "ingest", "load", str(export), "--json", "--data", str(data), *more]
    loads: list[dict[str, Any]] = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)[
        "loads"
    ]
    return loads


def test_where_nothing_has_changed_nothing_is_worked_out_copied_or_published(tmp_path: Path) -> None:
    """And what people say, other settings, or a text that nobody heard do change something."""
    store, marks = Store(tmp_path), Marks(tmp_path)
    unheard(store)

    def files() -> set[tuple[str, int]]:
        return {(each.name, each.stat().st_ino) for each in tmp_path.glob("*.duckdb*")}

    assert derive_again(store, Settings(), QUIET), "nobody had heard a text"
    before = files()
    assert derive_again(store, Settings(), QUIET) is None
    assert files() == before
    given = marks.add("label", Target("forum", "acme", "b"), "negative", "kim")
    assert derive_again(store, Settings(), QUIET)
    marks.undo(given, "kim")
    assert derive_again(store, Settings(), QUIET)
    assert derive_again(store, HOUSE, QUIET), "other words of the house"
    shorter = Settings(retention=sparse.settings({"retention": {"text_days": 30}}).retention)
    assert derive_again(store, shorter, QUIET), "words are older than they may be"
    assert derive_again(store, shorter, QUIET) is None
    with store.loading(shorter):
        pass  # a load that ended before it published anything
    assert derive_again(store, shorter, QUIET), "what is published may not be all"


def test_derive_says_that_nothing_has_changed(tmp_path: Path) -> None:
    put(tmp_path, TALK)
    assert hearth("ingest", "derive", data=tmp_path).stdout.startswith("Published snap-")
    said = hearth("ingest", "derive", data=tmp_path).stdout
    assert said == f"Nothing has changed since {Store(tmp_path).snapshot} was published, so it stays.\n"
    told = json.loads(hearth("ingest", "derive", "--json", data=tmp_path).stdout)
    assert told == {"snapshot": Store(tmp_path).snapshot}
