"""The rooms and the documents are in order; and each rule really sees what it forbids."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests import rooms
from tests.command import hearth
from tests.conftest import ROOT

Rule = Callable[[Path], list[str]]


@cache
def ingest_help() -> str:
    """What the command line says of itself, with and without a command."""
    return "\n".join(hearth("ingest", *words, "--help").stdout for words in ([], ["load"]))


def platforms_untold(root: Path) -> list[str]:
    """Every platform has a fixture, and a line in what `python -m ingest --help` really says."""
    return rooms.platforms_untold(root, ingest_help())


RULES: list[Rule] = [
    rooms.imports,
    rooms.connections,
    rooms.sql_in_python,
    rooms.pasted_values,
    rooms.charts,
    rooms.filters,
    rooms.unsafe_markup,
    rooms.open_doors,
    rooms.metrics_untold,
    platforms_untold,
    rooms.pages_unlisted,
    rooms.long_functions,
    rooms.vague_names,
    rooms.machine_traces,
    rooms.dead_links,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its(rule: Rule, root: Path) -> None:
    complaints = rule(root)
    assert not complaints, f"{rule.__doc__}\n" + "\n".join(complaints)


LONG = "def endless():\n" + "    pass\n" * rooms.LONGEST_FUNCTION
OFFENCES: list[tuple[Rule, str, str]] = [
    (rooms.imports, "ingest/load.py", "import streamlit as st"),
    (rooms.imports, "ingest/load.py", "from plotly import graph_objects"),
    (rooms.imports, "ingest/load.py", "def late():\n    from metrics.metric import ask"),
    (rooms.imports, "ingest/load.py", "import importlib\nimportlib.import_module('pages._show')"),
    (rooms.imports, "ingest/exports/slack.py", "import duckdb"),
    (rooms.imports, "ingest/apis/reddit.py", "from duckdb import connect"),
    (rooms.imports, "metrics/metric.py", "import duckdb"),
    (rooms.imports, "metrics/metric.py", "from ingest import load"),
    (rooms.imports, "metrics/metric.py", "import pages"),
    (rooms.imports, "pages/weekly.py", "import duckdb"),
    (rooms.imports, "pages/weekly.py", "from ingest import exports"),
    (rooms.imports, "pages/weekly.py", "from ingest.exports.slack import read"),
    (rooms.imports, "data/store.py", "import metrics.metric"),
    (rooms.imports, "dashboard.py", "from data.store import Store"),
    (rooms.connections, "data/demo.py", "import duckdb\nduckdb.connect('x')"),
    (rooms.connections, "data/demo.py", "import duckdb as quack\nopener = quack.connect"),
    (rooms.connections, "ingest/load.py", "from duckdb import connect as door"),
    (rooms.sql_in_python, "pages/weekly.py", "query = 'select count(*) from asks'"),
    (rooms.sql_in_python, "data/store.py", "query = f'  DELETE FROM {table}'"),
    (
        rooms.sql_in_python,
        "data/store.py",
        "query = '''\n-- why\nwith asks as (select 1) from asks'''",
    ),
    (rooms.sql_in_python, "data/store.py", "run('create or replace temp table staged as select 1')"),
    (rooms.sql_in_python, "data/store.py", "run(f\"attach '{path}' as old\")"),
    (rooms.pasted_values, "metrics/reply_rate.sql", "select * from {table}"),
    (rooms.pasted_values, "data/derive/lines.sql", "select 1 where name = '%(name)s'"),
    (rooms.charts, "pages/weekly.py", "import streamlit as st\nst.plotly_chart({})"),
    (rooms.charts, "pages/weekly.py", "left.line_chart(rows)"),
    (rooms.charts, "pages/weekly.py", "import plotly.graph_objects as go"),
    (rooms.filters, "pages/weekly.py", "import streamlit as st\nst.query_params['since']"),
    (rooms.filters, "pages/weekly.py", "st.selectbox('Source', names, bind='query-params')"),
    (rooms.unsafe_markup, "pages/_show.py", "st.markdown(text, unsafe_allow_html=True)"),
    (rooms.unsafe_markup, "pages/_show.py", "st.markdown(text, **{'unsafe_allow_html': True})"),
    (rooms.open_doors, ".streamlit/config.toml", "server.enableCORS = false"),
    (rooms.metrics_untold, "metrics/reply_rate.sql", "select 1"),
    (rooms.pages_unlisted, "pages/weekly.py", "'''A page.'''"),
    (rooms.long_functions, "data/store.py", LONG),
    (rooms.long_functions, "tests/test_store.py", LONG),
    (rooms.vague_names, "pages/utils.py", ""),
    (rooms.vague_names, "data/_common.sql", ""),
    (rooms.vague_names, "ingest/core/reader.py", ""),
    (rooms.machine_traces, "README.md", "It is in /{}/main".format("work")),
    (rooms.machine_traces, "requirements.txt", "--{}-url somewhere".format("index")),
    (rooms.dead_links, "docs/README.md", "See [the guide](guide.md#start)."),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    OFFENCES,
    ids=[f"{rule.__name__} in {path}: {text[-40:]}" for rule, path, text in OFFENCES],
)
def test_a_rule_sees_what_it_forbids(rule: Rule, path: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, path, text)
    complaints = rule(tmp_path)
    assert complaints
    assert all(path.partition("/")[0] in complaint for complaint in complaints)


def test_a_platform_without_fixture_or_help_is_seen(tmp_path: Path) -> None:
    write(tmp_path, "ingest/exports/slack.py", "")
    write(tmp_path, "tests/fixtures/slack/users.json", "[]")
    write(tmp_path, "ingest/exports/usenet.py", "")
    assert len(rooms.platforms_untold(tmp_path, "reads slack and more")) == 2
    assert rooms.platforms_untold(tmp_path, "reads slack")[0].startswith("ingest/exports/usenet.py")


TIDY = {
    "dashboard.py": "from pages import _frame\nlisted = ['weekly.py']",
    ".streamlit/config.toml": (ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"),
    "data/store.py": "import duckdb\nduckdb.connect('x')\nrun('commit')\nrun('set threads = 2')",
    "data/settings.py": "'''select a row: words for a reader'''",
    "data/derive/lines.sql": "select {role: kind} as pair, regexp_full_match(name, '[a-z]{4}') from asks -- {name}",
    "ingest/load.py": "import duckdb\nfrom data import store\nsocket.connect('x')",
    "ingest/exports/slack.py": "from data import records\nHINT = 'Select a file from it'\nSTATE = 'set'",
    "metrics/macros/asks.sql": "select 1",
    "metrics/reply_rate.sql": "select 1 where asked_at >= $since",
    "metrics/metric.py": "from data import store",
    "pages/_show.py": "import plotly.graph_objects as go\nst.plotly_chart({})",
    "pages/_filters.py": "st.query_params\nst.date_input('x', bind='query-params')",
    "pages/weekly.py": "from metrics import metric\n_show.weekly_chart(list(map(str, [1])))",
    "tests/examples/reply_rate.toml": "",
    "tests/fixtures/slack/base.json": "{}",
    "tests/test_store.py": "LONG = 'select 1 from asks'",
    "README.md": "`reply_rate` [a](dashboard.py) [b](https://x.org) [c](#d) bench/work/x\n```\n[d](e)\n```",
}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule is not platforms_untold])
def test_a_tidy_house_is_left_in_peace(rule: Rule, tmp_path: Path) -> None:
    for path, text in TIDY.items():
        write(tmp_path, path, text)
    assert rule(tmp_path) == []


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")
