"""XML exports as a stream of elements: a file of any size, with any damage, and no entity ever resolved."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from data.records import Refused
from ingest.archive import BLOCK, MAX_JSON_DEPTH, MAX_RAW, MAX_RECORD, Export, ExportError
from ingest.exports._html import unescape

MAX_AGAIN = 256 << 20  # bytes read a second time after elements that never end: else a crafted file could take hours
ENCODED = re.compile(rb"""<\?xml[^>]{0,200}encoding=["'](iso-8859-\d+|windows-125\d)["']""", re.IGNORECASE)
# XML has no control signs, but exports do: blanks of the same length keep every place in the file true.
BLANKED = bytes(32 if byte < 32 and byte not in b"\t\n\r" else byte for byte in range(256))
CONTROL = re.compile(rb"&#(?:[xX]0*(?:1?[0-8bBcCeEfF]|1[9aAdD])|0*(?:[0-8]|1[124-9]|2\d|3[01]));")

PERSONAL = re.compile(r"(?i)(email|_ip|ipaddress)$")  # of no use for mending what is refused
ENDLESS = {
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
}


class Element:
    """One element with all that is in it. Names keep their prefix: "wp:comment"."""

    __slots__ = ("at", "attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str], at: int) -> None:
        self.name = name
        self.attributes = attributes
        self.at = at  # its first byte in the file
        self.text = ""
        self.children: list[Element] = []

    def __getitem__(self, name: str) -> str:
        """The words in the first child of that name; empty where there is none."""
        return next((child.text.strip() for child in self.children if child.name == name), "")

    def all(self, name: str) -> list[Element]:
        return [child for child in self.children if child.name == name]

    def attribute(self, child: str, name: str) -> str:
        """An attribute of the first child of that name; empty where there is none."""
        return next((each.attributes.get(name, "") for each in self.children if each.name == child), "")

    def refused(self, file: str, reason: str) -> Refused:
        """The element as a record that cannot be read, written again as it was, but for addresses."""
        return Refused(file, f"byte {self.at}", reason, _written(self).encode("utf-8", "replace")[:MAX_RAW])


def elements(export: Export, name: str, *wanted: str) -> Iterator[Element | Refused]:
    """Every outermost element of one of these names. One that is broken comes out as Refused, and the rest is kept.

    Raises ExportError where the file declares entities of its own: a page can be made to unfold without end by them.
    """
    found = ENCODED.search(export.head(name, 1024))
    decoder = codecs.getincrementaldecoder(found[1].decode() if found else "utf-8")("replace")
    reading = _Reading(name, wanted)
    with export.open(name) as stream:
        while block := stream.read(BLOCK):
            yield from reading.feed(_sound(decoder.decode(block)))
    yield from reading.feed(_sound(decoder.decode(b"", final=True)), is_last=True)


def said(head: bytes, name: str) -> str:
    """The words of the first element of that name in the first bytes of a file; empty where there is none."""
    pattern = rf"<{re.escape(name)}(?:\s[^>]*)?>\s*(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))"
    found = re.search(pattern, head.decode("utf-8", "replace"), re.DOTALL)
    return (found[1] or unescape(found[2] or "")).strip() if found else ""


def _written(element: Element) -> str:
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attributes.items())
    inside = "".join(_written(child) for child in element.children if not PERSONAL.search(child.name))
    inside = inside or escape(element.text)
    return f"<{element.name}{attributes}>{inside}</{element.name}>"


def _sound(text: str) -> bytes:
    raw = text.encode().translate(BLANKED)
    return CONTROL.sub(lambda found: b" " * len(found[0]), raw) if b"&#" in raw else raw


class _Unfit(Exception):
    """Why an element that is good XML is not taken."""


class _Endless(_Unfit):
    """What is wrong began with the element itself: others may lie inside it."""


class _Reading:
    """One file on its way through expat, which begins anew at the next element after a broken one."""

    def __init__(self, file: str, wanted: tuple[str, ...]) -> None:
        self.file = file
        self.wanted = frozenset(wanted)
        names = b"|".join(re.escape(name.encode()) for name in wanted)
        self.opening = re.compile(rb"<(?:%b)(?=[\s/>])" % names)
        self.window = b""  # from the element we are in, else from the last tag
        self.offset = 0  # where in the file the window begins
        self.again = MAX_AGAIN
        self.found: list[Element] = []
        self.pieces: list[str] = []
        self._begin(0, b"")

    def feed(self, block: bytes, *, is_last: bool = False) -> Iterator[Element | Refused]:
        unread: int | None = len(self.window)
        self.window += block
        if self.is_lost:
            unread = self._resume(0)
        while unread is not None:
            error = self._parse(unread, is_last)
            found, self.found = self.found, []
            yield from found
            unread = None
            if error:
                refused, unread = self._mend(error, is_last)
                yield from refused
        self._trim()

    def _begin(self, at: int, inside: bytes) -> None:
        """A new parser, for what begins at a place of the file, as if inside some other element already."""
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.EntityDeclHandler = self._declared
        self.zero = at - len(inside)
        self.stack: list[Element] = []
        self.is_lost = False
        self.parser = parser
        parser.Parse(inside)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.stack and name not in self.wanted:
            return
        element = Element(name, attributes, self.zero + self.parser.CurrentByteIndex)
        if self.stack:
            self.stack[-1].children.append(element)
        self.stack.append(element)
        self.pieces = []
        if len(self.stack) > MAX_JSON_DEPTH:
            raise _Unfit(f"nested more than {MAX_JSON_DEPTH} deep")

    def _end(self, _name: str) -> None:
        if self.stack:
            element = self.stack.pop()
            element.text = "".join(self.pieces)
            self.pieces = []
            if not self.stack:
                self.found.append(element)

    def _data(self, text: str) -> None:
        if self.stack:
            self.pieces.append(text)

    def _declared(self, *_: object) -> None:
        raise ExportError(f"{self.file} declares XML entities, which no true export does. It was not read.")

    def _parse(self, unread: int, is_last: bool) -> Exception | None:
        try:
            self.parser.Parse(memoryview(self.window)[unread:], is_last)
        except (expat.ExpatError, _Unfit) as error:
            return error
        is_endless = self.stack and len(self.window) > MAX_RECORD
        return _Endless(f"longer than {MAX_RECORD >> 20} MB") if is_endless else None

    def _mend(self, error: Exception, is_last: bool) -> tuple[list[Refused], int | None]:
        """What is refused, and where in the window to go on."""
        broken = max(0, self.zero + self.parser.ErrorByteIndex - self.offset)
        since = self.stack[0].at - self.offset if self.stack else max(0, self.window.rfind(b"<", 0, broken + 1))
        is_resumed, is_inside = self.zero != 0, bool(self.stack)
        is_endless = is_last or isinstance(error, _Endless)
        unread = self._resume((since if is_endless else broken) + 1)
        if is_endless and unread is not None:
            self.again -= len(self.window) - unread
        if is_resumed and not is_inside and not self._looks_begun(since):
            return [], unread  # the end tag of what we only pretended to be inside of, or the file's end after damage
        reason = _reason(error)
        raw = self.window[since : len(self.window) if unread is None else unread][:MAX_RAW]
        return [Refused(self.file, f"byte {self.offset + since}", reason, raw)], unread

    def _looks_begun(self, position: int) -> bool:
        return self.opening.match(self.window, position) is not None

    def _resume(self, position: int) -> int | None:
        """Begin anew at the next element that is wanted. None where the window holds none."""
        opening = self.opening.search(self.window, position) if self.again > 0 else None
        if opening is None:
            self.stack, self.is_lost = [], True
            return None
        self._begin(self.offset + opening.start(), b"<resumed>")
        return opening.start()

    def _trim(self) -> None:
        begun = self.stack[0].at - self.offset if self.stack else self.window.rfind(b"<")
        kept = begun if begun >= 0 else len(self.window)
        self.window, self.offset = self.window[kept:], self.offset + kept


def _reason(error: Exception) -> str:
    if isinstance(error, expat.ExpatError) and error.code in ENDLESS:
        return "it has no proper end: is the file cut off?"
    return f"broken XML: {error}" if isinstance(error, expat.ExpatError) else str(error)
