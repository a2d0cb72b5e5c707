"""Any table as a page of rows and as a file: the same rows, and nothing in them that a program would run."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from data import explore, export
from data.__main__ import app as command
from data.demo import Community
from data.explore import View
from data.records import Channel, Member, Message, Source
from data.settings import Settings
from data.store import Chunk, Store
from ingest.load import load_demo
from ingest.progress import Progress
from metrics.__main__ import app as metrics_command
from metrics.extract import Shown, extract, shown
from metrics.metric import Question, ask, metrics
from pages import _ask
from tests import sparse
from tests.test_pages import FRAME, words
from tests.test_safe import FORMULAS, HOSTILE

STILL = [
    "\ufffe\uffff",
    "_x0041_",
    "a\x00b\x1b",
    "line\nline\r\nline",
    "https://evil.example",
    "mailto:a@b.example",
    "0123",
    "1e5",
]
ODD = [*FORMULAS, *HOSTILE, *STILL]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A small made-up community in three places."""
    store = _ask._store(tmp_path_factory.mktemp("demo"))
    load_demo(store, Settings(), Progress(True), Community(days=120, asks_a_day=3.0))
    return store


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Members who write what a spreadsheet would run, under names that it would run too."""
    rows = [
        {"id": f"m{n}", "by": f"u{n}", "at": f"2026-10-05T09:{n:02}Z", "in": f"m{n}", "text": text, "title": text[:50],
         "permalink": "https://forum.example/1"}
        for n, text in enumerate(ODD)
    ]  # fmt: skip
    members = [{"id": f"u{n}", "name": text} for n, text in enumerate(ODD)]
    return sparse.store_of(tmp_path_factory.mktemp("odd"), rows, members=members)


def whole(store: Store, view: View, settings: Settings | None = None) -> list[dict[str, Any]]:
    """All the rows of a view, as its query gives them."""
    with explore.extract(store, settings or Settings(), view).open() as reader:
        return pl.DataFrame(reader.read_all()).to_dicts()


def written(store: Store, view: View, form: str) -> bytes:
    to = io.BytesIO()
    export.write(explore.extract(store, Settings(), view), form, to)
    return to.getvalue()


def moment(value: object) -> object:
    """As a text file tells it."""
    if isinstance(value, datetime):
        told = value.astimezone(UTC).isoformat(timespec=_exact(value.microsecond))
        return told.replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _exact(microseconds: int) -> str:
    return "microseconds" if microseconds % 1000 else "milliseconds" if microseconds else "seconds"


# What is in a view --------------------------------------------------------------------------------


def test_the_rows_are_those_that_the_metrics_count(demo: Store) -> None:
    """Messages are those of the sources, asks those that need a reply, and who waits is who is unanswered."""
    said = ask(demo, Settings(), Question("data_trust")).rows["messages"].sum()
    waiting = ask(demo, Settings(), Question("unanswered")).rows
    rate = ask(demo, Settings(), Question("answered_within", hours=24.0)).rows.filter(pl.col("week").is_null())
    assert explore.count(demo, Settings(), View("messages")) == said
    assert explore.count(demo, Settings(), View("asks")) == rate["asks"].item()
    unanswered = whole(demo, View("asks", answered=False))
    assert {row["message"] for row in unanswered} == set(waiting["message"])
    late = {row["message"] for row in unanswered if row["is_past_target"]}
    assert late == set(waiting.filter("is_past_target")["message"])


FILTERS: list[tuple[View, Any]] = [
    (View("messages", roles=("staff",)), lambda row: row["role"] == "staff"),
    (View("messages", sentiments=("negative",)), lambda row: row["sentiment"] == "negative"),
    (View("messages", sentiments=("unclassified",)), lambda row: row["sentiment"] is None),
    (View("messages", contains="LAMP"), lambda row: "lamp" in f"{row['title']} {row['text']}".lower()),
    (View("messages", platforms=("slack", "mail")), lambda row: row["platform"] in ("slack", "mail")),
    (View("messages", channels=("help",)), lambda row: row["channel_name"] == "help"),
    (View("messages", sources=("T07LANTERN",)), lambda row: row["source"] == "T07LANTERN"),
    (
        View("messages", since=date(2026, 10, 1), until=date(2026, 10, 8)),
        lambda row: date(2026, 10, 1) <= row["sent_at"].date() < date(2026, 10, 8),
    ),
    (View("asks", reasons=("newcomer", "unhappy")), lambda row: row["reason"] in ("newcomer", "unhappy")),
    (View("asks", answered=True), lambda row: row["answered_at"] is not None),
    (
        View("asks", sentiments=("negative",), answered=False),
        lambda row: row["sentiment"] == "negative" and not row["is_answered"],
    ),
    (View("conversations", answered=False), lambda row: row["unanswered"] > 0),
    (View("conversations", answered=True), lambda row: row["asks"] > 0 and row["unanswered"] == 0),
    (View("members", roles=("staff", "bot")), lambda row: row["role"] in ("staff", "bot")),
    (View("newcomers", answered=True), lambda row: row["is_answered"]),
    (View("visits", kinds=("new", "retained")), lambda row: row["kind"] in ("new", "retained")),
]  # fmt: skip


@pytest.mark.parametrize(("view", "fits"), FILTERS, ids=map(str, range(len(FILTERS))))
def test_a_filter_leaves_what_fits_and_nothing_else(demo: Store, view: View, fits: Any) -> None:
    everything = whole(demo, View(view.table))
    found = whole(demo, view)
    assert found == [row for row in everything if fits(row)]
    assert 0 < len(found) < len(everything)
    assert explore.count(demo, Settings(), view) == len(found)


@pytest.mark.parametrize("table", explore.tables())
def test_sorting_and_pages_reach_all_rows(demo: Store, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By columns of each kind, both ways, what is unknown last; pages together are the whole."""
    everything = whole(demo, View(table))
    for column in explore.named(table).columns[::4]:
        for is_descending in (True, False):
            found = [row[column] for row in whole(demo, View(table, sort=column, is_descending=is_descending))]
            known = sorted((each for each in found if each is not None), reverse=is_descending)
            assert found == known + [None] * (len(everything) - len(known))
    monkeypatch.setattr(explore, "PAGE", -(-len(everything) // 2))
    pages = [explore.rows(demo, Settings(), View(table), number).to_dicts() for number in (0, 1, 2)]
    assert [*pages[0], *pages[1]] == everything
    assert pages[2] == []


def test_members_count_what_they_said_in_the_view(demo: Store) -> None:
    """Their messages and asks there add up to the view's."""
    there = View("members", platforms=("slack",), since=date(2026, 10, 1))
    members = whole(demo, there)
    messages = [row for row in whole(demo, replace(there, table="messages")) if row["member"]]
    asks = [row for row in whole(demo, replace(there, table="asks")) if row["member"]]
    assert sum(row["messages"] for row in members) == len(messages)
    assert sum(row["asks"] for row in members) == len(asks)
    assert sum(row["unanswered"] for row in members) == sum(not row["is_answered"] for row in asks)
    assert {row["member"] for row in members} == {row["member"] for row in messages}


def test_every_column_says_what_it_means(demo: Store) -> None:
    """Of every table, and of every metric, split or not."""
    dumb = [
        (table.name, name)
        for table in explore.tables().values()
        for name in table.columns
        if not explore.meaning(name, table.name)
    ] + [
        (name, column)
        for name in metrics()
        for column in ask(demo, Settings(), Question(name, by="platform")).rows.columns
        if not explore.meaning(column, name)
    ]
    assert dumb == []


@pytest.mark.parametrize(
    "value", ["x' or 1=1 --", "%", "_", "$since", "'; drop table messages; --", "\\", "\x00", "\ud800"]
)
def test_hostile_words_are_only_looked_for(demo: Store, value: str) -> None:
    holding = [row for row in whole(demo, View("messages")) if value in f"{row['title'] or ''} {row['text'] or ''}"]
    assert explore.count(demo, Settings(), View("messages", contains=value)) == len(holding) < 100
    assert value == "\ud800" or whole(demo, View("messages", platforms=(value,))) == []
    for view in (
        View("messages", sort=value),
        View("asks", columns=("text", value)),
        View(value),
        View("messages", roles=(value,)),
    ):
        with pytest.raises(LookupError, match=r"no (column|table|role)"):
            explore.query(view)


def test_each_role_is_the_one_of_then(tmp_path: Path) -> None:
    """Ann was a member until March; what she said before stays a member's."""
    rows = [
        {"by": "ann", "at": "2026-02-02T09:00Z", "text": "How do I bend it?"},
        {"by": "ann", "at": "2026-03-02T09:00Z", "text": "You warm it first."},
        {"by": "bob", "at": "2026-02-02T10:00Z", "text": "You warm it first, I think."},
        {"by": "bob", "at": "2026-03-02T10:00Z", "text": "Does it bend now?"},
    ]
    roster = [
        {"role": "staff", "id": "ann", "valid_from": date(2026, 3, 1)},
        {"role": "staff", "id": "bob", "valid_to": date(2026, 3, 1)},
    ]
    store = sparse.store_of(tmp_path, rows, given={"roster": roster})
    told = {(row["member"], row["sent_at"].month): row["role"] for row in whole(store, View("messages"))}
    assert told == {("ann", 2): "member", ("ann", 3): "staff", ("bob", 2): "staff", ("bob", 3): "member"}


def test_who_answered_has_the_role_of_then(tmp_path: Path) -> None:
    """Bob answered as staff, and has left since; whoever closed their account answered as a member."""
    rows: list[dict[str, Any]] = [
        {"id": "q1", "by": "ann", "at": "2026-02-02T09:00Z", "text": "How do I bend it?"},
        {"by": "bob", "to": "q1", "at": "2026-02-02T10:00Z", "text": "You warm it first, I think."},
        {"by": "bob", "at": "2026-03-02T10:00Z", "text": "Does it bend now?"},
        {"id": "q2", "by": "ann", "at": "2026-02-03T09:00Z", "text": "How do I dry it?"},
        {"by": None, "to": "q2", "at": "2026-02-03T10:00Z", "text": "Leave it in the sun."},
    ]
    store = sparse.store_of(
        tmp_path, rows, given={"roster": [{"role": "staff", "id": "bob", "valid_to": date(2026, 3, 1)}]}
    )
    told = {row["message"]: (row["answered_by"], row["answered_by_role"]) for row in whole(store, View("asks"))}
    assert told["q1"] == ("Bob", "staff")
    assert told["q2"] == (None, "member")


@pytest.mark.parametrize("table", explore.tables())
def test_the_shown_query_says_what_all_its_names_are_bound_to(table: str) -> None:
    view = View(table, since=date(2026, 10, 1), platforms=("mail",), contains="lamp")
    assert set(re.findall(r"\$(\w+)", explore.query(view))) == set(explore.bound(view, Settings()))


# What never comes out -----------------------------------------------------------------------------


def test_deleted_and_outdated_words_never_come_out(tmp_path: Path) -> None:
    """Not in any table, not in a metric, not by looking for them; also those that have grown old since the load."""
    rows = [
        {"id": "old", "by": "ann", "at": "2024-01-05T09:00Z", "in": "old", "text": "secret of old?", "title": "secret"},
        {"id": "new", "by": "bob", "at": "2026-10-05T09:00Z", "in": "new", "text": "Is it open?"},
        {"id": "gone", "by": "cem", "at": "2026-10-06T09:00Z", "in": "new", "to": "new", "text": "secret reply",
         "deleted": "2026-10-06T10:00Z"},
    ]  # fmt: skip
    store = sparse.store_of(tmp_path, rows, since="2023-01-01T00:00Z")
    settings = sparse.settings({"retention": {"text_days": 365}})
    for table in explore.tables():
        assert "secret" not in repr(whole(store, View(table), settings))
        assert explore.count(store, settings, View(table, contains="secret")) == 0
    assert "secret of old?" in repr(whole(store, View("messages")))
    assert "secret reply" not in repr(whole(store, View("messages")))
    assert "secret" not in repr(ask(store, settings, Question("unanswered")).rows.to_dicts())
    assert {row["message"]: row["is_deleted"] for row in whole(store, View("messages"))} == {
        "old": False,
        "new": False,
        "gone": True,
    }


@pytest.mark.parametrize("reason", [None, "the works council agreed"])
def test_private_words_come_out_only_where_a_reason_was_given(tmp_path: Path, reason: str | None) -> None:
    """And they are marked."""
    store = Store(tmp_path)
    said = Message("m1", "c1", "ann", datetime(2026, 10, 5, tzinfo=UTC), "Is it a secret?")
    with store.loading(Settings()) as loader:
        days = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC)  # so that newcomers can be told
        load = loader.begin(Source("slack", "T1", "Acme", *days), "a.zip")
        load.private_reason = reason
        loader.take(
            load,
            Chunk([said], channels=[Channel("c1", "board", "forum", is_private=True)], members=[Member("ann", "Ann")]),
        )
        loader.finish(load)
        loader.derive()
        loader.publish()
    for table in explore.tables():
        found = whole(store, View(table))
        assert [row["is_private"] for row in found] == ([True] if reason else [])


def test_members_are_not_followed_where_the_terms_forbid_it(demo: Store) -> None:
    """The rows leave Discord out, and say so; the settings can open it."""
    extracted = explore.extract(demo, Settings(), View("members"))
    assert {row["platform"] for row in whole(demo, View("members"))} == {"mail", "slack"}
    assert any("Without discord" in said for said in extracted.about["left out"])
    opened = sparse.settings({"privacy": {"no_profiles": []}})
    assert "discord" in {row["platform"] for row in whole(demo, View("members"), opened)}
    assert not any("Without" in said for said in explore.extract(demo, opened, View("members")).about["left out"])
    drifting = ask(demo, Settings(), Question("drifting"))
    assert "discord" not in shown(Settings(), drifting, Shown())["platform"]
    assert explore.fingerprint(opened, View("members"), "s1") != explore.fingerprint(Settings(), View("members"), "s1")


# Files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", explore.tables())
def test_every_format_holds_the_same_rows(demo: Store, table: str) -> None:
    view = View(table, since=date(2026, 10, 1), platforms=("mail", "slack"), sort=explore.named(table).columns[-1])
    rows = whole(demo, view)
    assert len(rows) > 20
    assert pq.read_table(io.BytesIO(written(demo, view, "parquet"))).to_pylist() == rows
    texts = [{name: moment(value) for name, value in row.items()} for row in rows]
    assert json.loads(written(demo, view, "json")) == texts
    raw = pl.read_csv(written(demo, view, "raw-csv"), infer_schema=False).to_dicts()
    assert raw == [{name: _as_text(value) for name, value in row.items()} for row in texts]
    calm = list(csv.DictReader(io.StringIO(written(demo, view, "csv").decode(), newline="")))
    assert calm == [{name: _calm(value) for name, value in row.items()} for row in texts]
    assert _sheet(written(demo, view, "xlsx")) == [
        {name: _as_cell(value) for name, value in row.items()} for row in rows
    ]


def _as_text(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _calm(value: object) -> str:
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@") else _as_text(value) or ""


def _as_cell(value: object) -> object:
    """Excel knows milliseconds and no zones, 16 digits, and no empty text."""
    if isinstance(value, float):
        return float(f"{value:.16G}")
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=round(value.microsecond / 1000) * 1000)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - Excel knows no day without a time
    return value if value != "" else None


def _sheet(content: bytes, name: str | None = None) -> list[dict[str, object]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    lines = [[cell.value for cell in line] for line in book[name or book.sheetnames[0]].iter_rows()]
    return [dict(zip(map(str, lines[0]), line, strict=True)) for line in lines[1:]]


@pytest.mark.parametrize("table", ["messages", "members", "asks"])
def test_no_text_is_a_formula_a_link_or_a_number(odd: Store, table: str) -> None:
    """In Excel's files, words stay as they were written; in a CSV they begin with an apostrophe."""
    rows = whole(odd, View(table))
    assert len(rows) > 20
    content = written(odd, View(table), "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert [cell.value for cell in cells if cell.data_type in "fe" or cell.hyperlink] == []
    texts = {cell.value for cell in cells if cell.data_type == "s"}
    assert table == "asks" or {"=1+1", "@sum", "0123", "1e5", "https://evil.example"} <= texts
    for row in csv.reader(io.StringIO(written(odd, View(table), "csv").decode(), newline="")):
        assert not any(field.lstrip(" \t\r\n\u200b\ufeff")[:1] in set("=+-@＝＋－＠") for field in row if field)
    raw = written(odd, View(table), "raw-csv").decode()
    assert "'=1+1" not in raw
    assert "=1+1" in raw


def test_excel_keeps_words_and_ids_to_the_letter(odd: Store) -> None:
    """What XML has no sign for is a replacement; controls are told by their number, as Excel does."""
    kept = {row["message"]: row["text"] for row in _sheet(written(odd, View("messages"), "xlsx"))}
    for number, text in enumerate(ODD):
        expected = text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
        told = str(kept[f"m{number}"] or "")
        told = openpyxl.utils.escape.unescape(told)
        assert told.replace("\r\n", "\n") == expected.replace("\r\n", "\n")


def test_what_excel_cannot_hold_is_said(odd: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer text is cut, more rows go on in further sheets, and all of it is counted."""
    monkeypatch.setattr(export, "LETTERS", 10)
    monkeypatch.setattr(export, "LINES", 11)
    to = io.BytesIO()
    notes = export.write(explore.extract(odd, Settings(), View("messages", columns=("message", "text"))), "xlsx", to)
    book = openpyxl.load_workbook(to)
    sheets = -(-len(ODD) // 10)
    assert book.sheetnames == ["messages", *(f"messages {n}" for n in range(2, sheets + 1)), "about"]
    assert sum(sheet.max_row - 1 for sheet in book.worksheets[:-1]) == len(ODD)
    longer = sum(len(text) > 10 for text in ODD)
    assert notes == [
        f"{longer} texts are longer than the 10 characters of a cell, and cut.",
        f"The rows are on {sheets} sheets: one holds 10 at most.",
    ]


def test_a_file_says_what_it_is(demo: Store, tmp_path: Path) -> None:
    """Excel in a second sheet, Parquet in its metadata, CSV and JSON in a file beside them: all the same."""
    view = View("asks", since=date(2026, 10, 1), contains="lamp", inferred=True)
    extracted = explore.extract(demo, Settings(), view)
    beside = json.loads(export.about(extracted))
    assert beside["fingerprint"] == explore.fingerprint(Settings(), view, demo.snapshot or "")
    assert beside["rows"] == len(whole(demo, view))
    assert beside["filters"] == {"contains": "lamp", "guessed replies": "counted"}
    assert beside["period"] == "2026-10-01 to the data's end, days of UTC"
    assert set(beside["as of"].values()) == {"2026-11-16T00:00:00Z"}
    assert json.loads(pq.read_schema(io.BytesIO(written(demo, view, "parquet"))).metadata[b"hearth"]) == beside
    book = openpyxl.load_workbook(io.BytesIO(written(demo, view, "xlsx")))
    told = {line[0].value: line[1].value for line in book["about"].iter_rows()}
    assert told["fingerprint"] == beside["fingerprint"]
    assert told["filters: contains"] == "lamp"
    assert told["columns: hours"] == explore.meaning("hours", "asks")
    export.save(extracted, "csv", tmp_path / "asks.csv")
    assert json.loads((tmp_path / "asks.csv.about.json").read_text("utf-8")) == beside


@pytest.mark.parametrize("form", export.FORMATS)
def test_the_same_rows_are_the_same_file(demo: Store, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, also where the database cuts its answer elsewhere; without any row it is still a file."""
    monkeypatch.setattr(explore, "BATCH", 300)
    view = View("messages", since=date(2026, 9, 1))
    assert written(demo, view, form) == written(demo, view, form)
    assert len(written(demo, replace(view, contains="nobody says this"), form)) > 1


def test_no_batch_is_larger_than_asked(demo: Store) -> None:
    """So memory does not grow with the rows."""
    with demo.stream(explore.query(View("messages")), explore.values(View("messages"), Settings()), 100) as reader:
        sizes = [batch.num_rows for batch in reader]
    assert set(sizes[:-1]) == {100}
    assert 0 < sizes[-1] <= 100
    assert sum(sizes) == explore.count(demo, Settings(), View("messages"))


def test_a_file_is_whole_or_not_there(demo: Store, tmp_path: Path) -> None:
    """Whoever gives up half-way leaves nothing behind, and the data can be asked again."""

    def give_up(_: int) -> None:
        raise KeyboardInterrupt

    for form in export.FORMATS:
        with pytest.raises(KeyboardInterrupt):
            export.save(explore.extract(demo, Settings(), View("messages")), form, tmp_path / "rows", give_up)
    assert list(tmp_path.iterdir()) == []
    assert whole(demo, View("asks"))


def test_newer_data_is_not_passed_off_under_an_older_fingerprint(tmp_path: Path) -> None:
    store = sparse.store_of(tmp_path, [{"by": "ann", "at": "2026-10-05T09:00Z"}])
    extracted = explore.extract(store, Settings(), View("messages"))
    sparse.load(store, [{"by": "bob", "at": "2026-10-06T09:00Z", "id": "b"}])
    with pytest.raises(LookupError, match="newer data has come"):
        export.write(extracted, "csv", io.BytesIO())


# The command line ---------------------------------------------------------------------------------


def run(*args: str, of: Any = command) -> tuple[int, str]:
    result = CliRunner().invoke(of, [*args])
    told = f"{result.output}{getattr(result, 'stderr', '')}{result.exception or ''}"
    return result.exit_code, told


def test_the_command_writes_the_file_that_the_page_gives(demo: Store, tmp_path: Path) -> None:
    view = View(
        "asks", date(2026, 10, 1), date(2026, 11, 1), ("slack",), reasons=("question",), sentiments=("neutral",),
        answered=True, contains="lamp", columns=("text", "hours"), sort="hours", is_descending=False,
    )  # fmt: skip
    said = (
        "export asks --since 2026-10-01 --until 2026-11-01 --platform slack --reason question --sentiment neutral "
        "--answered yes --contains lamp --columns text,hours --sort hours --ascending --data"
    )
    for name, form in export.FORMATS.items():
        file = tmp_path / f"asks{form.ending}"
        code, told = run(*said.split(), str(demo.folder), "--output", str(file))
        assert code == 0, told
        assert explore.fingerprint(Settings(), view, demo.snapshot or "") in told
        assert file.read_bytes() == written(demo, view, name)
    assert len(whole(demo, view)) > 0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["export", "nope"], "no table 'nope'; there are: asks, conversations, members, messages"),
        (["export", "asks", "--platform", "myspace"], "there is none; there are: discord, mail, slack"),
        (["export", "asks", "--reason", "boredom"], "--reason boredom: there is none; there are: "),
        (["export", "asks", "--columns", "text,nope"], "asks has no column 'nope'; there are: asked_at"),
        (["export", "members", "--answered", "yes"], "members cannot be filtered by answered"),
        (["export", "asks", "--sentiment", "bored"], "no sentiment 'bored'; there are: negative"),
        (["export", "asks", "--since", "2026-10-02", "--until", "2026-10-01"], "2026-10-02 is not before 2026-10-01"),
        (["export", "asks", "--format", "xls"], "no format 'xls'; did you mean xlsx? There are: csv, raw-csv, xlsx"),
        (["export", "asks", "--output", "no/such/folder.csv"], "there is no such folder"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told_with_the_right_ones(demo: Store, args: list[str], told: str) -> None:
    code, said = run(*args, "--data", str(demo.folder))
    assert code != 0
    assert told in said


def test_a_metrics_rows_become_the_same_files(demo: Store, tmp_path: Path) -> None:
    """From `python -m metrics`, with columns and sorting."""
    answer = ask(demo, Settings(), Question("reply_rate", by="channel"))
    as_ = Shown(("channel", "share"), "share")
    for name, form in export.FORMATS.items():
        file, to = tmp_path / f"rate{form.ending}", io.BytesIO()
        said = ["reply_rate", "--by", "channel", "--columns", "channel,share", "--sort", "share", "--output", str(file)]
        code, told = run(*said, "--data", str(demo.folder), of=metrics_command)
        assert code == 0, told
        export.write(extract(demo, Settings(), answer, as_), name, to)
        assert file.read_bytes() == to.getvalue()
    best = answer.rows["share"].drop_nulls().sort(descending=True).to_list()
    shares = [row["share"] for row in _sheet((tmp_path / "rate.xlsx").read_bytes())][: len(best)]
    assert shares == pytest.approx(best, abs=1e-15)  # Excel's files hold 16 digits


# The page -----------------------------------------------------------------------------------------


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open the page over a folder's data, at an address."""

    def open_page(folder: Path, address: Mapping[str, Any] | None = None) -> AppTest:
        monkeypatch.setenv("HEARTH_DATA", str(folder))
        app = AppTest.from_file(str(FRAME), default_timeout=60)
        app.query_params.update(address or {})
        app.run()
        return app.switch_page("explore.py").run()

    return open_page


def test_the_page_shows_the_rows_of_its_query(see: Any, demo: Store) -> None:
    app = see(
        demo.folder,
        {"period": "All time", "table": "Asks", "reason": ["newcomer"], "sort": "Hours", "columns": ["Hours", "Text"]},
    )
    found = whole(demo, View("asks", reasons=("newcomer",), columns=("hours", "text"), sort="hours"))
    assert f"{len(found):,} asks" in words(app)
    assert app.dataframe[0].value["hours"].tolist() == [row["hours"] for row in found]
    assert list(app.dataframe[0].value.columns) == ["hours", "text"]
    query = app.code[0].value
    assert "order by hours desc nulls last" in query
    assert "-- $reasons = ['newcomer']" in query
    assert " --reason=newcomer --columns=hours,text --sort=hours --output asks.xlsx" in app.code[1].value


@pytest.mark.parametrize(
    ("period", "is_said"),
    [("26 weeks", True), ("Last week", True), ("All time", False), ("Own dates", False)],
)
def test_a_command_whose_days_stay_while_the_address_moves_on_says_so(
    see: Any, demo: Store, period: str, is_said: bool
) -> None:
    app = see(demo.folder).selectbox(key="period").set_value(period).run()
    assert (f"“{period}”, which moves on with the data" in words(app)) is is_said
    assert ("The command keeps to these days" in words(app)) is is_said
    assert ("--since=" in app.code[1].value) is (period != "All time")


@pytest.mark.parametrize("name", ["Reply rate", "Unanswered", "Drifting", "Audience"])
def test_a_metric_is_a_table_too(see: Any, demo: Store, name: str) -> None:
    app = see(demo.folder, {"period": "All time", "table": f"Metric: {name}"})
    assert not app.exception
    assert not app.warning
    assert name in app.subheader[0].value


WILD = ["x' or 1=1 --", "<script>alert(1)</script>", "\x00", "../../etc/passwd", "-1", "9" * 40, "", "\u202egnp", "%"]


@pytest.mark.parametrize("value", WILD)
def test_a_wild_address_shows_the_plain_page(see: Any, demo: Store, value: str) -> None:
    """No error, and no row more than the filters leave."""
    names = [
        "table",
        "columns",
        "sort",
        "role",
        "reason",
        "sentiment",
        "answered",
        "rows",
        "period",
        "ascending",
        "by",
        "platform",
    ]
    app = see(demo.folder, dict.fromkeys(names, value))
    assert not app.exception
    assert not app.warning
    assert not app.error
    plain = see(demo.folder)
    assert app.subheader[0].value == plain.subheader[0].value
    looked = see(demo.folder, {"contains": value, "period": "All time"})
    assert not looked.exception
    assert not looked.warning
    count = explore.count(demo, Settings(), View("messages", contains=value.strip()))
    assert f"{count:,} message" in looked.subheader[0].value


def test_a_long_file_is_prepared_first(see: Any, demo: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it waits for the click, until another file is asked for."""
    monkeypatch.setattr(export, "AT_ONCE", 10)
    app = see(demo.folder)
    app.button(key="prepare").click().run()
    assert not app.exception
    assert "prepare" not in [each.key for each in app.button]
    app.radio(key="file").set_value("parquet").run()
    assert "prepare" in [each.key for each in app.button]
