"""What a member wrote in BBCode, as plain text: for every board that keeps it so."""

from __future__ import annotations

import re

TAGS = (
    "align|attach|attachment|b|center|code|color|colour|email|flash|font|h|highlight|html|i|indent|img|imgur|justify|left"
    "|li|list|media|mention|noparse|php|post|quote|right|s|size|spoiler|strike|sub|sup|table|td|th|thread|tr|u|ul|ol|url"
    r"|user|video|youtube|\*"
)
TAG = re.compile(rf"\[(/?)({TAGS})(?=[\]=:; ])([^\[\]\n]*+)\]", re.IGNORECASE)
VERBATIM = {"code", "php", "html", "noparse"}
UNSAID = {"img", "imgur", "attach", "attachment", "flash", "media", "video", "youtube"}  # their words are an address
CLOSING = {name: re.compile(rf"\[/{name}\b[^\[\]\n]*+\]", re.IGNORECASE) for name in VERBATIM | UNSAID}
BREAKING = {"*", "li", "tr", "quote"}
CITED = re.compile(r"(?:post_id=|post: ?|;n?)(\d+)\b")


def words(text: str) -> str:
    """What a post says, without what it quotes. Of a link its words are left, of an image nothing.

    Anything in brackets that is no tag stays, and so does a quotation that is never closed.
    """
    said, quotes, unclosed, position = list[str](), list[int](), set[str](), 0
    while tag := TAG.search(text, position):
        said.append(text[position : tag.start()])
        position = tag.end()
        name, is_closing = tag[2].lower(), bool(tag[1])
        if name in VERBATIM | UNSAID and not is_closing and name not in unclosed:
            if closing := CLOSING[name].search(text, position):
                said.append(text[position : closing.start()] if name in VERBATIM else "")
                position = closing.end()
            else:
                unclosed.add(name)
        elif name == "quote" and not is_closing:
            quotes.append(len(said))
        elif name == "quote" and quotes:
            del said[quotes.pop() :]
        said.append("\n" if name in BREAKING else "")
    lines = ("".join(said) + text[position:]).replace("\r\n", "\n").split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip()


def cited(text: str) -> str | None:
    """The id of the first post that a post quotes, where the quotation tells it."""
    for tag in TAG.finditer(text):
        if tag[2].lower() == "quote" and not tag[1] and (found := CITED.search(tag[3])):
            return found[1]
    return None


def attached(text: str) -> int:
    """How many images, films and files stand in a post."""
    return sum(tag[2].lower() in UNSAID and not tag[1] for tag in TAG.finditer(text))
