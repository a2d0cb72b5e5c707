"""The one safe door for what people wrote: names, titles, messages, file names, reasons.

Everything read from an export passes through here before it reaches a screen or a file. Each
surface has its own form, because each reads different characters as orders: `plain` for text and
table cells, `label` where Streamlit insists on Markdown, `figure_text` for Plotly, `csv` for a
spreadsheet, `web_link` for an address.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

import polars as pl

from data import export

_JOINER = "\u2060"  # takes no room, yet keeps a parser from seeing an address
# C0 and C1 controls but for tab and line feed, then all that reorders or breaks the text around it.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff]")
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200e\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_ADDRESS = re.compile(r"://|www\.|[@:]", re.IGNORECASE)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_MARKUP = [  # each mark of Markdown, as chats and forums have it, and what stays of it
    (re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+|```\w*[ \t]*$)", re.MULTILINE), ""),
    (re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*\)"), r"\1"),
    (re.compile(r"<?https?://(?:www\.)?([^\s/<>()]+)[^\s<>()]*>?"), r"\1"),
    (re.compile(r"(\*\*|~~|\|\||`{1,3})(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<!\w)(__?)(?=\S)([^_\n]+)(?<=\S)\1(?![\w.])"), r"\2"),
]
_PIECE = re.compile(r"[^-_/.]+[-_/.]*|[-_/.]+")
_LOOKED_AT = 4000
"""So many characters of a text are looked through for its first own words."""


def plain(text: str | None) -> str:
    """Text for a text surface: nothing hidden, and no word of it turns its neighbours around."""
    if not text:
        return ""
    if text.isascii() and text.isprintable():
        return text
    seen = _UNSEEN.sub(_picture, text.replace("\r\n", "\n"))
    return f"\u2068{seen}\u2069" if _RIGHT_TO_LEFT.search(seen) else seen


def line(text: str | None, length: int = 140) -> str:
    """The same on one line, cut to `length` characters."""
    flat = " ".join((text or "")[: 4 * length].split())
    return plain(flat if len(flat) <= length else flat[: length - 1].rstrip() + "…")


def gist(text: str | None, length: int = 140) -> str:
    """Somebody's own words on one line: no quote where more follows, no mark of Markdown, links in short."""
    lines = (text or "")[:_LOOKED_AT].splitlines()
    own = "\n".join(each for each in lines if not each.lstrip().startswith(">")).strip() or "\n".join(lines)
    for mark, stays in _MARKUP:
        own = mark.sub(stays, own)
    return line(own, length)


def narrow(text: str | None, width: int, length: int = 140) -> str:
    """The same on one line, for a cell of so many letters across: a longer word would be broken anywhere."""
    return line(" ".join(part for word in line(text, length).split() for part in _parts(word, width)), length)


def _parts(word: str, width: int) -> list[str]:
    """A word in parts that fit a width, each ending where a hyphen, an underscore, a slash or a point lets it."""
    parts = [""]
    for piece in _PIECE.findall(word):
        if parts[-1] and len(parts[-1]) + len(piece) > width:
            parts.append("")
        parts[-1] += piece
    return parts


def label(text: str | None, length: int = 140) -> str:
    """Text for a Markdown label: no link, picture, formula, colour or emphasis comes of it."""
    unlinked = _ADDRESS.sub(lambda found: found[0][0] + _JOINER + found[0][1:], line(text, length))
    return _PUNCTUATION.sub(r"\\\1", unlinked)


def figure_text(text: str | None, length: int = 60) -> str:
    """Text for Plotly, which would draw tags as markup and dollars as formulas."""
    return html.escape(line(text, length), quote=False).replace("$", "&#36;")


def markup(text: str | None, length: int = 140) -> str:
    """Text for a file of ours that is HTML: no tag, attribute or entity comes of it."""
    return html.escape(line(text, length))


def web_link(address: str | None) -> tuple[str, str] | None:
    """An http(s) address and its host, to be shown beside it; None for anything else."""
    if not address or not address.isascii() or not address.isprintable() or " " in address:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return address, parts.hostname


def cells(frame: pl.DataFrame) -> pl.DataFrame:
    """A table whose every text cell went through `plain`."""
    # Not by map_elements: a thread of Polars that asks for Python's lock, while another holds it to wait for that
    # thread, waits for ever, and with it all readers.
    texts = [each for each in frame if each.dtype == pl.String]
    return frame.with_columns(
        pl.Series(each.name, [None if text is None else plain(text) for text in each.to_list()], pl.String)
        for each in texts
    )


def csv(frame: pl.DataFrame) -> bytes:
    """A CSV file a spreadsheet opens without running it: a text that could be a formula gets a `'`."""
    return export.calm(frame).write_csv(quote_style="always").encode()


def _picture(found: re.Match[str]) -> str:
    """A control character as its picture (␀), any other unseen one by its number."""
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"‹U+{code:04X}›"
