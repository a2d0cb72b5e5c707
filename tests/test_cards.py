"""Definition cards and fingerprints: what a number says of itself, and that everything made of it says the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from data.settings import Settings
from data.store import Store
from metrics import guard, metric
from metrics.__main__ import app as command
from metrics.metric import Answer, Question, ask, metrics
from pages import _ask
from tests import sparse

HERE = metric.HERE
ALL = sorted(metrics())
FIELDS = ["title", "asks", "formula", "unit", "better", "leaves out", "needs", "source"]
MONDAY = date(2026, 10, 5)
TALK = [
    {"id": "a", "by": "ann", "at": "2026-10-05T09:00Z", "in": "a", "text": "How do I bend it?"},
    {"id": "b", "by": "staff", "at": "2026-10-05T11:00Z", "in": "a", "to": "a", "text": "Warm it first."},
    {"id": "c", "by": "cem", "at": "2026-10-07T09:00Z", "in": "c", "text": "Is anybody there?"},
    {"id": "d", "by": "ann", "at": "2026-10-12T09:00Z", "in": "d", "text": "And how do I glue it?"},
    {"id": "e", "by": "bob", "at": "2026-10-19T12:00Z", "in": "e", "text": "Good morning to all of you here"},
]
LATER = [{"id": "f", "by": "dee", "at": "2026-10-20T12:00Z", "in": "f", "text": "Which glue?"}]


def head_of(name: str) -> list[str]:
    """The lines at the head of a metric's file, as they stand there."""
    lines = (HERE / f"{name}.sql").read_text("utf-8").splitlines()
    return lines[: next(place for place, line in enumerate(lines) if not line.startswith("--"))]


def one_line(text: str) -> str:
    return " ".join(text.split())


# --- cards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_every_metric_says_all_that_a_card_needs(name: str) -> None:
    """In one order, each in a line; then what else there is to know."""
    head = head_of(name)
    told = dict(line.removeprefix("-- ").split(": ", 1) for line in head[: head.index("--")])
    assert [key for key in told if key != "finish"] == FIELDS
    assert all(value.strip() for value in told.values())
    assert told["better"] in {"higher", "lower"}
    assert " ".join(head[head.index("--") + 1 :]).strip("- ")


@pytest.mark.parametrize("name", ALL)
def test_the_command_line_prints_the_card_with_the_sql_at_the_end(name: str) -> None:
    head = head_of(name)
    said = [line.split(": ", 1)[1] for line in head[: head.index("--")] if not line.startswith("-- finish")]
    about = one_line(" ".join(line.removeprefix("--") for line in head[head.index("--") :]))
    body = (HERE / f"{name}.sql").read_text("utf-8").partition(head[-1] + "\n")[2]
    printed = CliRunner().invoke(command, [name, "--card"]).output
    assert printed.endswith(body)
    assert all(each in one_line(printed) for each in [*said, about, f"{name}-{metrics()[name].version}"])
    told = json.loads(CliRunner().invoke(command, [name, "--card", "--format", "json"]).output)
    assert [
        told[key] for key in ("title", "question", "formula", "unit", "better", "leaves_out", "needs", "source")
    ] == said
    assert (told["name"], told["about"], told["sql"]) == (name, about, body)


def test_a_card_has_no_columns() -> None:
    refused = CliRunner().invoke(command, ["reply_rate", "--card", "--format", "csv"])
    assert refused.exit_code == 2
    assert "choose table or json" in refused.output


# --- versions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The room of metrics, to be changed at will."""
    room = tmp_path / "metrics"
    shutil.copytree(HERE, room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(metric, "HERE", room)
    monkeypatch.setattr(guard, "HERE", room)
    _forget()
    yield room
    _forget()


def _forget() -> None:
    for kept in (metric.metrics, metric._macros, guard.version):
        kept.cache_clear()


def _versions() -> dict[str, str]:
    _forget()
    return {each.name: each.version for each in metrics().values()} | {"guard": guard.version()}


CHANGES = [
    ("reply_rate.sql", "select", "select all", {"reply_rate"}),
    ("reply_rate.sql", "-- better: higher", "-- better: lower", {"reply_rate"}),
    ("reply_rate.sql", "-- leaves out: ", "-- leaves out: nothing but ", set()),
    ("reply_rate.sql", "-- needs: ", "-- needs: member ids, ", set()),
    ("reply_rate.sql", "Younger asks", "The younger asks", set()),
    ("macros/asks.sql", "select", "select all", set(ALL)),
    ("quantify.py", "TRUST: Final = 0.5", "TRUST: Final = 0.6", {"net_sentiment"}),
    ("guard.py", "DOUBT = 0.05", "DOUBT = 0.01", {"guard"}),
    ("statistics/reach.sql", "select", "select all", {"guard"}),
    ("statistics/repeats.sql", "select", "select all", {"guard"}),
    ("statistics/macros.sql", "select", "select all", {"guard"}),
]


@pytest.mark.parametrize(("file", "old", "new", "changed"), CHANGES)
def test_a_version_changes_with_what_can_change_the_number(
    file: str, old: str, new: str, changed: set[str], copied: Path
) -> None:
    """The SQL, the macros, the code that finishes it; of a verdict, how it is judged. Never with the header's words."""
    before = _versions()
    text = (copied / file).read_text("utf-8")
    assert old in text
    (copied / file).write_text(text.replace(old, new), "utf-8")
    assert {name for name, version in _versions().items() if version != before[name]} == changed


# --- fingerprints ------------------------------------------------------------------------------------------------


@pytest.fixture
def talk(tmp_path: Path) -> Store:
    sparse.put(tmp_path / "talk", TALK)
    return _ask._store(tmp_path / "talk")  # the pages' own: a folder has one reader a process


def week(name: str, monday: date = MONDAY, hours: float | None = None) -> Question:
    return Question(name, monday, monday + timedelta(weeks=1), hours=hours)


def test_a_chart_its_table_and_every_file_carry_one_fingerprint(talk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DATA", str(talk.folder))
    asked: list[Question] = []

    def listened(store: Store, settings: Settings, question: Question) -> Answer:
        asked.append(question)
        return ask(store, settings, question)

    monkeypatch.setattr(_ask, "ask", listened)
    frame = Path(__file__).parent.parent / "pages" / "_frame.py"
    page = AppTest.from_file(str(frame), default_timeout=60).run()
    drawn = json.loads(page.get("plotly_chart")[0].proto.spec)["layout"]["meta"]["fingerprint"]
    (question,) = {each for each in asked if each.name == "answered_within" and not each.by}
    assert drawn == ask(talk, Settings(), question).fingerprint
    options = ["answered_within", "--since", str(question.since), "--until", str(question.until), "--hours", "24"]
    for form in ("table", "csv", "json", "parquet"):
        done = CliRunner().invoke(command, [*options, "--format", form, "--data", str(talk.folder)])
        assert f"[{drawn}]" in done.stderr
    assert pl.read_parquet_metadata(BytesIO(done.stdout_bytes))["fingerprint"] == drawn


def test_another_load_or_another_setting_is_another_fingerprint(talk: Store) -> None:
    first = ask(talk, Settings(), week("reply_rate"))
    other = ask(talk, sparse.settings({"community": {"brands": ["Lumo"]}}), week("reply_rate"))
    sparse.load(talk, LATER)
    later = ask(talk, Settings(), week("reply_rate"))
    assert len({first.fingerprint, other.fingerprint, later.fingerprint}) == 3


class Overtaken:
    """A store into which a load comes while it is asked for the first time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.times = 0

    @property
    def snapshot(self) -> str | None:
        return self.store.snapshot

    def query(self, sql: str, params: Mapping[str, object] | None = None, macros: str = "") -> pl.DataFrame:
        rows = self.store.query(sql, params, macros)
        self.times += 1
        if self.times == 1:
            sparse.load(self.store, LATER)
        return rows


def test_rows_are_of_the_data_that_their_fingerprint_names(talk: Store) -> None:
    told = ask(Overtaken(talk), Settings(), Question("waiting_now"))
    fresh = ask(talk, Settings(), Question("waiting_now"))
    assert (told.fingerprint, told.rows.to_dicts()) == (fresh.fingerprint, fresh.rows.to_dicts())


@pytest.fixture
def later(talk: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], Callable[[], pl.DataFrame]]:
    state = _ask.State(talk.folder, talk.snapshot, Settings(), "")
    monkeypatch.setattr(_ask, "state", lambda: state)
    return _ask.later


def test_a_file_of_a_shortened_list_holds_all_of_it(
    talk: Store, later: Callable[..., Callable[[], pl.DataFrame]]
) -> None:
    short, whole = (ask(talk, Settings(), Question("unanswered", limit=limit)) for limit in (1, None))
    assert short.fingerprint == whole.fingerprint
    assert (len(short.rows), len(later(short)())) == (1, len(whole.rows))
    assert len(whole.rows) > 1


def test_a_file_never_bears_the_name_of_older_data(
    talk: Store, later: Callable[..., Callable[[], pl.DataFrame]]
) -> None:
    """What was drawn is downloaded as it was drawn; what would have to be asked again is refused."""
    short, whole = (ask(talk, Settings(), Question("unanswered", limit=limit)) for limit in (1, None))
    files = later(short), later(whole)
    sparse.load(talk, LATER)
    assert files[1]().to_dicts() == whole.rows.to_dicts()
    with pytest.raises(LookupError, match="reload the page"):
        files[0]()


@pytest.mark.parametrize("name", ["reply_rate", "answered_within", "time_to_first_response", "member_flow"])
def test_a_verdict_carries_both_answers_and_who_judged(name: str, talk: Store) -> None:
    hours = 24.0 if name == "answered_within" else None
    now, before = (week(name, monday, hours) for monday in (MONDAY + timedelta(weeks=1), MONDAY))
    told = guard.compare(talk, Settings(), now).fingerprints
    assert told == (*(ask(talk, Settings(), each).fingerprint for each in (now, before)), f"guard-{guard.version()}")
