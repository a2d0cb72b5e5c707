"""What people wrote reaches a screen or a file as words, never as orders."""

from __future__ import annotations

import ast
import csv
import io
import re
import string
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import _safe

HOSTILE = [
    "![x](http://attacker.example/x.png)",
    "<img src=http://attacker.example/x.png onerror=alert(1)>",
    "<script>window.PWNED = 1</script>",
    "[click](http://attacker.example/link)",
    "http://attacker.example/bare",
    "WWW.attacker.example",
    "me@attacker.example",
    "[x](javascript:alert(1))",
    "<a href='http://attacker.example'>free</a>",
    "<b style='font-size:90px'>BIG</b>",
    ":red[forged] :material/warning: :smile:",
    "**bold** _em_ `code` ~~gone~~",
    "# Heading\n\n- list\n1. one\n> quote",
    "$\\href{javascript:alert(1)}{x}$",
    "\u202egnp.exe",
    "\u2067mixed\u2069 שלום",
    "a\x00b\x07c\x1b[31m\x85",
    '=HYPERLINK("http://attacker.example")',
    "data:text/html,<script>alert(1)</script>",
    "| a |\n|---|\n| 1 |",
    "[ref]: http://attacker.example\n[ref]",
    "z" * 5000,
]
ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
TURNING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2067]")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_has_no_mark_that_markdown_reads(text: str) -> None:
    """Every punctuation mark is escaped, and no address is left in one piece."""
    shown = _safe.label(text)
    assert set(ESCAPED.sub("", shown)).isdisjoint(string.punctuation)
    assert "://" not in shown.replace("\\", "")
    assert "\n" not in shown
    assert not re.search(r"www\.|@\w", shown.replace("\\", ""), re.IGNORECASE)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_figure_gets_no_tag_and_no_formula(text: str) -> None:
    """Plotly would draw tags, and dollars as formulas."""
    shown = _safe.figure_text(text)
    assert not re.search(r"[<>$\n]", shown)
    assert '"' not in text or "&quot;" not in shown


@given(st.text())
def test_text_keeps_its_words_and_loses_its_power(text: str) -> None:
    """Whatever is typed: no control character, nothing that turns the line around, and no letter lost."""
    shown = _safe.plain(text)
    assert not TURNING.search(shown)
    kept = [letter for letter in text if letter.isalnum()]
    assert [letter for letter in kept if letter not in shown] == []


def test_control_characters_are_seen() -> None:
    assert _safe.plain("a\x00b\x1bc\x7fd\u202ee") == "a␀b␛c␡d‹U+202E›e"


def test_right_to_left_words_stay_among_themselves() -> None:
    """Their isolation ends where they end."""
    assert _safe.plain("שלום") == "\u2068שלום\u2069"
    assert _safe.plain("hello") == "hello"


def test_ordinary_words_are_left_alone() -> None:
    words = "Müller & Söhne: 3 < 4, 👩‍👩‍👧 naïve 日本語\nsecond line"
    assert _safe.plain(words) == words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Hi**, see [the docs](https://x.y/z) or https://git.example/a/b?c=1", "Hi, see the docs or git.example"),
        ("> Somebody else's words.\n>> Older ones.\nMy _own_ ~~words~~", "My own words"),
        ("> Only a quote", "Only a quote"),
        ("## How?\n- with `glue`\n```py\nx = 2 * 3 * 4\n```", "How? with glue x = 2 * 3 * 4"),
        ("snake_case_name and __init__.py stay, 2*3*4 too", "snake_case_name and __init__.py stay, 2*3*4 too"),
        ("**not closed", "**not closed"),
        (None, ""),
    ],
)
def test_a_gist_is_somebodys_own_words_without_the_marks(text: str | None, said: str) -> None:
    assert _safe.gist(text) == said


@given(st.text(st.sampled_from("*_~|`[](>#- \nab"), max_size=400))
def test_a_gist_is_safe_and_ends_whatever_the_marks_are(text: str) -> None:
    """Marks that never close, or one in another: no word is lost, nothing hangs."""
    shown = _safe.gist(text)
    assert len(shown) <= 140
    assert "\n" not in shown


def test_a_long_name_breaks_where_a_reader_would() -> None:
    """After a hyphen or the like, not before it is needed; a word without one stays whole."""
    assert _safe.narrow("meshcore-troubleshooting-eu · Discord", 17) == "meshcore- troubleshooting- eu · Discord"
    assert _safe.narrow("general_help_and_support", 17) == "general_help_and_ support"
    assert _safe.narrow("r-package-devel · Mail", 17) == "r-package-devel · Mail"
    assert _safe.narrow("abcdefghijklmnopqrstuvwxyz", 17) == "abcdefghijklmnopqrstuvwxyz"


def test_a_line_is_one_line_and_has_an_end() -> None:
    assert _safe.line("a\n\n b\tc") == "a b c"
    assert _safe.line("z" * 5000, 10) == "z" * 9 + "…"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://slack.example/archives/C1/p1", "slack.example"),
        ("http://forum.example/t/1", "forum.example"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//forum.example/t", None),
        ("https://slack.example@attacker.example/", None),
        ("https://exa\u202emple.example", None),
        ("https://a b", None),
        ("http://[", None),
        (None, None),
    ],
)
def test_only_a_web_address_becomes_a_link(address: str | None, host: str | None) -> None:
    """And its host is shown, so that nobody is sent somewhere unseen."""
    found = _safe.web_link(address)
    assert (found and found[1]) == host
    assert found is None or found[0] == address


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@sum",
    "\t=1",
    "\r=1",
    "\n1",
    " =1",
    "\u200b=1",
    "＝1",
    "＋1",
    "－1",
    "＠a",
    "\ufeff=1",
]


def test_no_cell_of_a_file_is_a_formula() -> None:
    """A text that a spreadsheet would run gets an apostrophe; a negative number stays a number."""
    frame = pl.DataFrame({"text": [*FORMULAS, "fine", 'a "b", c'], "number": [-5] * (len(FORMULAS) + 2)})
    rows = list(csv.reader(io.StringIO(_safe.csv(frame).decode(), newline="")))[1:]
    assert [text for text, _ in rows] == [*("'" + formula for formula in FORMULAS), "fine", 'a "b", c']
    assert {number for _, number in rows} == {"-5"}


def test_no_page_uses_a_surface_that_reads_markup(root: Path) -> None:
    """st.table and st.write read Markdown, picture and link columns fetch, st.html draws.

    Two draw by st.html: the frame our own style, and the sheet, whose every word is escaped (tests/test_weekly.py).
    """
    closed = {"write", "table", "html", "iframe", "ImageColumn", "MarkdownColumn", "LinkColumn", "json"}
    found = [
        f"{path.name} {node.attr}"
        for path in (root / "pages").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in closed and ast.unparse(node.value).startswith("st")
    ]
    assert sorted(found) == ["_frame.py html", "_show.py html"]
