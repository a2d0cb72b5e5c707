"""HTML that members wrote, as text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.exports import _html
from ingest.exports._html import plain, unescape

SIMPLE_TAGS = (
    "<p>",
    "</p>",
    '<p dir="auto">',
    "<br>",
    "<br />",
    "<b>",
    "</b>",
    "</span>",
    '<a href="/x">',
    "</a>",
    "<li>",
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("no markup,  but\nspaces", "no markup, but spaces"),
        ("fish &amp; chips &lt;3 caf&eacute; &#128512; &nbsp;", "fish & chips <3 café 😀"),
        ("<p>One.</p><p>Two.</p>", "One.\nTwo."),
        ("one<br>two<BR/>three", "one\ntwo\nthree"),
        ("<p>a\n  wrapped\r\n line</p>\n\n<p></p><p> </p><div>next</div>", "a wrapped line\nnext"),
        ("<ul><li>milk</li><li>bread</li></ul>done", "milk\nbread\ndone"),
        ("<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<h1>Head</h1>body", "Head\nbody"),
        ("a <b>bold</b><i>ly</i> word", "a boldly word"),
    ],
)
def test_paragraphs_and_breaks_become_lines(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('see <a href="https://example.org/long">the guide</a>, please', "see the guide, please"),
        ('<a href="https://example.org/x">https://example.org/x</a>', "https://example.org/x"),
        (
            '<a href="https://example.org/far/away?a=1&amp;b=2">example.org/far…</a>',
            "https://example.org/far/away?a=1&b=2",
        ),
        ('<a href="https://example.org/far/away">https://example.org/f...</a>', "https://example.org/far/away"),
        ('<a href="https://example.org/">and so on...</a>', "and so on..."),
        ('<a><span class="invisible">https://</span>example.org</a>', "https://example.org"),
        ('<a href="https://example.org/"><p>more…</p></a>', "more…"),
    ],
)
def test_a_link_is_its_words_and_a_bare_one_its_whole_address(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<blockquote><p>why?</p><p>how?</p></blockquote><p>so</p>", "> why?\n> how?\nso"),
        ("<blockquote>a<blockquote>b</blockquote>c</blockquote>d", "> a\n> b\n> c\nd"),
        ('<aside class="quote"><div>mia:</div><blockquote>hi</blockquote></aside>hello', "> mia:\n> hi\nhello"),
        ("</blockquote>x<blockquote>open", "x\n> open"),
        ("<blockquote><pre>a\n\nb</pre></blockquote>", "> a\n>\n> b"),
    ],
)
def test_a_quotation_is_marked_on_every_line_once(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<pre><code>\nif x:\n    go()\n\n    stop()\n</code></pre>after", "if x:\n    go()\n\n    stop()\nafter"),
        ("use <code>a  b</code>", "use a b"),
        ("<pre>  indented</pre>", "  indented"),
    ],
)
def test_code_stands_as_it_was_written(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('thanks <img class="emoji" alt=":heart:" src="x.png">!', "thanks :heart:!"),
        ("<img src=x alt='a &quot;cat&quot;'/>", 'a "cat"'),
        ("<IMG SRC=x ALT=cat>", "cat"),
        ('<img data-alt="no" src="x">pic', "pic"),
        ('<img alt="">', ""),
        ('<img title="don\'t" alt="b > c">', "b > c"),
    ],
)
def test_an_image_is_its_alternative_text(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<script>if (a < b) { '</p>' }</script>b", "ab"),
        ("a<STYLE>p {}</Style >b", "ab"),
        ("<head><title>x</title></head><body>b", "b"),
        ("<svg><path d='x'/><text>no</text></svg>yes", "yes"),
        ("a<!-- wp:paragraph > -->b<!doctype html>c<?php x ?>d<![CDATA[e]]>f", "abcdf"),
        ("end <script>never closed", "end never closed"),
        ("end <!-- never closed", "end"),
        ("x &lt;script&gt; y", "x <script> y"),
    ],
)
def test_what_nobody_wrote_to_be_read_is_left_out(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("I <3 you", "I <3 you"),
        ("if a <b then &amp; c", "if a <b then & c"),
        ("it's <b class=it's>fine</b> it's", "it's fine it's"),
        ("</p></a></div>x</pre>", "x"),
        ("&unknown; &#xD800; &#0; &", "&unknown; \ufffd \ufffd &"),
        ("\ud800<p>", "\ud800"),
    ],
)
def test_broken_markup_is_taken_as_it_comes(html: str, text: str) -> None:
    assert plain(html) == text


PIECES = ["<", ">", "/", "!--", "-->", "a", "p", " ", "=", '"', "'", "&", "#", ";", "pre", "\n"]


@given(st.lists(st.sampled_from(["one", "two.", "…", " ", "\n", "&lt;b", "&nbsp;", *SIMPLE_TAGS])).map("".join))
def test_the_short_way_says_what_the_long_one_does(html: str) -> None:
    if _html.SIMPLE.fullmatch(html):
        assert _html._lined(html) == _html._paged(html)


@pytest.mark.parametrize(
    "html",
    [
        '<p title="a > b">x</p>',
        "<p class=x>x</p>",
        "<pre>x</pre>",
        "<blockquote>x</blockquote>",
        '<a href="https://example.org/far">example.org.</a>',
        "a <b",
        "<p><!-- x --></p>",
        "<script>x</script>",
    ],
)
def test_whatever_needs_a_closer_look_goes_the_long_way(html: str) -> None:
    assert not _html.SIMPLE.fullmatch(html)


@given(st.lists(st.sampled_from(PIECES)))
def test_no_text_raises(pieces: list[str]) -> None:
    plain("".join(pieces))


def test_text_without_markup_keeps_its_words() -> None:
    words = "every word of this stays & none is <lost>"
    assert plain(words.replace("&", "&amp;").replace("<", "&lt;")) == words


HOSTILE = [
    '<a "',
    "<a b='",
    '<a b="',
    "<!--",
    "<!",
    "<script",
    "<script>",
    "</",
    "<a =",
    "<img a ",
    "<a href=x>y",
    "<pre>\n",
    "&#",
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("end", ["", ">"])
def test_time_grows_with_the_length_only(piece: str, end: str) -> None:
    """A quadratic reading of a million characters would take hours."""
    began = time.monotonic()
    plain(piece * (1_000_000 // len(piece)) + end)
    assert time.monotonic() - began < 5


def test_nesting_of_any_depth() -> None:
    assert plain("<blockquote><div>" * 100_000 + "deep" + "</div></blockquote>" * 100_000 + "up") == "> deep\nup"


@pytest.mark.parametrize("number", ["9" * 5000, "x" + "F" * 5000, "0" * 5000 + "65"])
def test_a_number_that_is_no_letter_is_a_sign_for_none(number: str) -> None:
    assert unescape(f"a &#{number}; b &amp; c") == "a \ufffd b & c"
    assert plain(f"<p>a &#{number}; b</p>") == "a \ufffd b"
