"""What a member wrote in HTML, as plain text: for every reader whose platform hands out HTML.

Tokens are found with possessive patterns, each of them from where the one before it ended, so that the time it takes
grows with the length only, also on pages made to be slow, on which `html.parser` needs minutes.
"""

from __future__ import annotations

import re
from html import unescape as resolved

# A quote opens a value only after "=": elsewhere in a tag an apostrophe is only an apostrophe.
VALUE = r"""=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+"""
TOKEN = re.compile(
    rf"""<!--.*?(?:-->|\Z) | <[!?][^>]*+>? | <(/?)([a-zA-Z][^\s/>]*+)((?:[^>=]++|{VALUE})*+)(>|\Z)""",
    re.DOTALL | re.VERBOSE,
)
ENDLESS = re.compile(r"&#[xX]?[0-9a-fA-F]{8,}+;?")  # a number that is no letter, and may be too long to be one
ATTRIBUTE = re.compile(r"""([^\s=/>"']++)(?:\s*+=\s*+(?:"([^"]*+)|'([^']*+)|([^\s"'][^\s]*+)))?+""")
UNSAID = frozenset({"script", "style", "head", "title", "svg", "template", "iframe", "object"})
CLOSING = {name: re.compile(rf"</{name}[^>]*+>?", re.IGNORECASE) for name in UNSAID}
QUOTING = frozenset({"blockquote", "aside"})
BREAKING = QUOTING.union(
    ("address", "article", "br", "caption", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure"),
    ("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre"),
    ("section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul"),
)
PLAIN = frozenset({"b", "code", "em", "i", "span", "strong"})  # what changes the looks only


# Most of what people write is no more than this, and takes half the time: lines, looks, and links whose words are no
# address cut short.
LOOKS, LINES = "b|code|em|i|span|strong", "div|h[1-6]|li|ol|p|ul"
GIVEN = r'(?:\s++[\w:-]++="[^"<>]*+")*+\s*+'
SIMPLE = re.compile(
    rf"(?:[^<]++|</?(?:{LOOKS}|{LINES}){GIVEN}>|<br\s*+/?>|<a{GIVEN}>[^<]*+(?<![.…;\s])</a>)*+", re.DOTALL
)
BREAK = re.compile(rf"<(?:br|/?(?:{LINES})(?=[\s>]))[^>]*+>")
TAG = re.compile(r"<[^>]*+>")


def unescape(text: str) -> str:
    """Text without the escapes of HTML, however odd they are: nothing is raised."""
    return resolved(ENDLESS.sub("\ufffd", text) if "&#" in text else text) if "&" in text else text


def plain(html: str) -> str:
    """HTML as text: one line for each paragraph, list item, table row or <br>, and each line of code as it stands.

    A line of a quotation (blockquote, aside), however deep, begins with "> ". A link is its words, or its whole
    address where they are that address cut short; an image is its alternative text. Scripts and styles are left out.
    Anything is taken, broken markup too, and nothing is raised.
    """
    return _lined(html) if SIMPLE.fullmatch(html) else _paged(html)


def _lined(html: str) -> str:
    lines = [TAG.sub("", line) if "<" in line else line for line in BREAK.split(html) if line]
    return "\n".join(filter(None, [" ".join(unescape(line).split()) for line in lines]))


def _paged(html: str) -> str:
    page, position, unsaid = _Page(), 0, UNSAID
    while position >= 0:
        position, unsaid = _read(page, html, position, unsaid)
    return page.text()


def _read(page: _Page, html: str, position: int, unsaid: frozenset[str]) -> tuple[int, frozenset[str]]:
    """Say what follows up to something unsaid, and tell where that ends; -1 where nothing is left."""
    for token in TOKEN.finditer(html, position):
        start, after = token.span()
        if start > position:
            page.say(html[position:start])
        position, name = after, token[2]
        if not token[4] and name:  # never closed: it was no tag, but somebody's "a <b"
            position = start
            break
        if name is None or name in PLAIN:
            continue
        name = name.lower()
        if token[1]:
            page.leave(name)
        elif name not in unsaid:
            page.enter(name, token[3])
        elif closing := CLOSING[name].search(html, position):
            return closing.end(), unsaid
        else:
            return position, unsaid - {name}  # never closed: better its words than none
    page.say(html[position:])
    return -1, unsaid


class _Page:
    """The lines said so far, and where in the page we are."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []  # the pieces of the line being said
        self.quotes = 0
        self.code: int | None = None  # the number of lines before the code we are in
        self.link: tuple[str, int] | None = None  # its address, and where in the line it began

    def say(self, raw: str) -> None:
        text = unescape(raw)
        if self.code is None or "\n" not in text:
            self.line.append(text)
            return
        first, *rest = text.split("\n")
        self.line.append(first)
        for line in rest:
            self._end()
            self.line = [line]

    def enter(self, name: str, attributes: str) -> None:
        if name in BREAKING:
            self._end()
            if name in QUOTING:
                self.quotes += 1
            elif name == "pre":
                self.code = len(self.lines)
        elif name == "a":
            self.link = attributes, len(self.line)
        elif name == "img":
            self.line.append(_attribute(attributes, "alt"))
        elif name in ("td", "th"):
            self.line.append(" ")

    def leave(self, name: str) -> None:
        if name == "a":
            if self.link:
                self._whole(*self.link)
                self.link = None
        elif name in BREAKING and name != "br":
            self._end(is_blank_kept=False)
            if name in QUOTING:
                self.quotes = max(0, self.quotes - 1)
            elif name == "pre":
                self.code = None

    def text(self) -> str:
        self._end(is_blank_kept=False)
        return "\n".join(self.lines).strip("\n")

    def _whole(self, attributes: str, since: int) -> None:
        """A bare link that is shown cut short is told whole."""
        shown = "".join(self.line[since:]).strip()
        bare = shown.rstrip(".…")
        if bare != shown and bare and bare in (address := _attribute(attributes, "href")):
            self.line[since:] = [address]

    def _end(self, is_blank_kept: bool = True) -> None:
        """End the line. A blank one is only kept inside code."""
        if not self.line and self.code is None:
            self.link = None
            return
        said, self.line, self.link = "".join(self.line), [], None
        text = " ".join(said.split()) if self.code is None else said.rstrip()
        if text or (is_blank_kept and self.code is not None and len(self.lines) > self.code):
            self.lines.append(f"> {text}".rstrip() if self.quotes else text)


def _attribute(attributes: str, wanted: str) -> str:
    for name, *values in ATTRIBUTE.findall(attributes):
        if name.lower() == wanted:
            return unescape("".join(values)).strip()
    return ""
