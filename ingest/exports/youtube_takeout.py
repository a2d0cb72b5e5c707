"""YouTube: what an account wrote itself, from Google Takeout: comments .csv, live chats .csv, my-comments.html."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _sheets
from ingest.exports._format import Format
from ingest.exports._html import plain, unescape
from ingest.exports._members import Members
from ingest.exports.youtube import link, moment, thread_of

PLATFORM = "youtube"
FORMAT = Format(
    group="Social platforms",
    get=(
        "on takeout.google.com: Deselect all > YouTube and YouTube Music > All YouTube data included: only "
        "comments and live chats > Next step"
    ),
    holds="what the account wrote itself: comments, live chats, and the older my-comments.html",
    cannot_tell="what others said and answered; the videos' titles",
    lacks=("own posts only",),
)

# The header has its columns in four orders, with capitals or without, and in the account's language.
NAMES = {
    "id": re.compile(r"(?:comment|live chat|reactie|kommentar).id", re.IGNORECASE),
    "channel": re.compile(r"(?:channel|kanaal|kanal).id", re.IGNORECASE),
    "sent_at": re.compile(r"(?:comment|live chat) create timestamp", re.IGNORECASE),
    "parent": re.compile(r"parent comment id", re.IGNORECASE),
    "video": re.compile(r"video.id", re.IGNORECASE),
    "post": re.compile(r"post.id", re.IGNORECASE),
    "text": re.compile(r"(?:comment|live chat) text|reactietekst|kommentartext", re.IGNORECASE),
}
# Values look the same in every language: a column that no name tells is the first to hold such a one.
SHAPES = {
    "id": re.compile(r"Ug[\w-]{8,}(?:\.[\w-]+)?"),
    "channel": re.compile(r"UC[\w-]{22}"),
    "sent_at": re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*"),
    "text": re.compile(r"\{\"(?:text|takeoutSegments|mention|link)\".*", re.DOTALL),
    "video": re.compile(r"[\w-]{11}"),
}
NEEDED = {"id", "channel", "sent_at", "text"}
TITLED = re.compile(r"(^|/)channel[^/]*\.csv$", re.IGNORECASE)

LISTED = re.compile(rb"<li>.{0,400}?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.{0,400}?youtube\.com/", re.DOTALL)
STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)")
HREF = re.compile(r"""href=["']([^"'<>]+)""")
BREAK = re.compile(r"<br\s*/?>")
BLOCK = 1 << 20
MAX_ITEM = 1 << 20  # bytes; what is longer is no comment, of which none has over 10,000 letters


class Mention(msgspec.Struct, frozen=True, rename="camel"):
    """The channel that a text names."""

    external_channel_id: str = ""


class Segment(msgspec.Struct, frozen=True):
    """A part of a comment's text."""

    text: str = ""
    mention: Mention | None = None


class Segments(msgspec.Struct, frozen=True, rename="camel"):
    """A comment's text until June 2024; since then its parts stand one after the other without brackets."""

    takeout_segments: list[Segment]


class Table(NamedTuple):
    """A CSV, and at which place each of its columns stands."""

    sheet: _sheets.Sheet
    columns: dict[str, int]
    channel_id: str  # of the first row

    @property
    def is_chat(self) -> bool:
        return "live chat" in " ".join(self.sheet.columns).lower()


class Comment(NamedTuple):
    """What either dialect tells of a comment. An id of our own making leads to no page."""

    id: str
    place_id: str
    channel_id: str
    sent_at: datetime
    text: str
    parent_id: str | None = None
    video_id: str = ""
    mentions: tuple[str, ...] = ()
    is_chat: bool = False
    is_made_up: bool = False


def detects(export: Export) -> float:
    """High for a table of comments or live chats, and for the page that held the comments until 2021."""
    names = (name for name in islice(export.files(), 3000) if name.endswith((".csv", ".html")))
    likely = sorted(names, key=lambda name: not re.search("comment|chat|react|komm", name.lower()))[:12]
    return 0.95 if any(_table(export, name) or _is_page(export, name) for name in likely) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the account's channel, its staff, and all that it wrote under videos and in live chats."""
    tables = [table for name in export.files("*.csv") if (table := _table(export, name))]
    pages = [name for name in export.files("*.html") if _is_page(export, name)]
    if not tables and not pages:
        raise ExportError(
            f"youtube_takeout: {export.name} holds no comments. Choose YouTube, then comments, in Takeout."
        )
    account = Counter(table.channel_id for table in tables if table.channel_id).most_common(1)
    source_id = account[0][0] if account else export.name.removesuffix(".html")
    yield Source(PLATFORM, source_id, name := _name(export) or source_id)
    own = _Own(export, source_id, name)
    for table in tables:
        yield from own.rows(table)
    for page in pages:
        yield from own.items(page)


class _Own:
    """What must be remembered between comments."""

    def __init__(self, export: Export, source_id: str, name: str) -> None:
        self.export, self.source_id, self.name = export, source_id, name
        self.members = Members()  # a Takeout may hold several channels of one account
        self.places: set[str] = set()

    def rows(self, table: Table) -> Iterator[Record]:
        for row in _sheets.rows(self.export, table.sheet):
            if isinstance(row, Refused):
                yield row
                continue
            fields = {field: row.fields[at] for field, at in table.columns.items()}
            sent_at = moment(fields["sent_at"])
            if sent_at is None or not fields["id"] or not fields["channel"]:
                raw = "\t".join(row.fields).encode("utf-8", "replace")
                yield Refused(table.sheet.file, f"line {row.line}", "it has no time, id or channel", raw)
                continue
            text, mentions = _said(fields["text"])
            video_id = fields.get("video", "")
            place_id = (video_id or fields.get("post") or "unknown") + (":live" if table.is_chat else "")
            yield from self._comment(
                Comment(
                    fields["id"], place_id, fields["channel"], sent_at, text, fields.get("parent"), video_id, mentions,
                    table.is_chat,
                )
            )  # fmt: skip

    def items(self, page: str) -> Iterator[Record]:
        """Each list item says when, under which video and, in most, by a link, which comment it is."""
        seen = Counter[str]()
        for number, item in enumerate(_list_items(self.export, page), 1):
            before, *rest = BREAK.split(item, maxsplit=1)
            stamp = STAMP.search(before)
            sent_at = moment(f"{stamp[1]}T{stamp[2]}Z") if stamp else None
            if sent_at is None:
                yield Refused(page, f"record {number}", "it has no time that can be read", item.encode())
                continue
            asked = [parse_qs(urlsplit(unescape(href)).query) for href in HREF.findall(before)]
            video_id, comment_id = (next((query[key][0] for query in asked if key in query), "") for key in ("v", "lc"))
            text = plain("".join(rest))
            made_up = hashlib.sha256(f"{video_id}\0{sent_at}\0{text}".encode("utf-8", "replace")).hexdigest()[:20]
            seen[made_up] += 1
            made_up += f":{seen[made_up]}" if seen[made_up] > 1 else ""
            yield from self._comment(
                Comment(
                    comment_id or made_up, video_id or "unknown", self.source_id, sent_at, text, video_id=video_id,
                    is_made_up=not comment_id,
                )
            )  # fmt: skip

    def _comment(self, comment: Comment) -> Iterator[Record]:
        if comment.place_id not in self.places:
            self.places.add(comment.place_id)
            yield Channel(comment.place_id, comment.place_id, "chat" if comment.is_chat else "forum")
        name = self.name if comment.channel_id == self.source_id else comment.channel_id
        yield from self.members.tell(Member(comment.channel_id, name, is_staff=True))
        parent_id = comment.parent_id or thread_of(comment.id)
        is_linked = comment.video_id and not comment.is_chat and not comment.is_made_up
        yield Message(
            comment.id,
            comment.place_id,
            comment.channel_id,
            comment.sent_at,
            comment.text,
            conversation_id=None if comment.is_chat else thread_of(comment.id) or parent_id or comment.id,
            parent_id=parent_id,
            basis="explicit" if parent_id else None,
            mentions=comment.mentions,
            permalink=link(comment.video_id, comment.id) if is_linked else None,
        )


# Tables


def _table(export: Export, name: str) -> Table | None:
    """A CSV with comments, its columns found by their names, or by what they hold."""
    if not name.lower().endswith(".csv"):
        return None
    sheet = _sheets.find(export, name, lambda columns: _named(columns).keys() >= NEEDED)
    sheet = sheet or _sheets.find(export, name, lambda columns: len(columns) > len(NEEDED))
    if sheet is None:
        return None
    rows = _sheets.first(export, sheet)
    columns = _shaped(rows) | _named(sheet.columns)
    if not columns.keys() >= NEEDED:
        return None
    return Table(sheet, columns, rows[0][columns["channel"]] if rows else "")


def _named(columns: list[str]) -> dict[str, int]:
    found = {
        field: [at for at, column in enumerate(columns) if name.fullmatch(column)] for field, name in NAMES.items()
    }
    return {field: places[0] for field, places in found.items() if places}


def _shaped(rows: list[list[str]]) -> dict[str, int]:
    """The first column of each shape. A comment's own id stands before its parent's in every order there is."""
    columns: dict[str, int] = {}
    for at, values in enumerate(zip(*rows, strict=False)):
        said = [value for value in values if value]
        fits = (field for field, shape in SHAPES.items() if said and all(map(shape.fullmatch, said)))
        if (field := next(fits, None)) and field not in columns and (field == "video" or len(said) == len(rows)):
            columns[field] = at
    return columns


def _said(written: str) -> tuple[str, tuple[str, ...]]:
    """The text of a comment and the channels it names, from JSON in either arrangement; else as it is."""
    whole = written.replace("\r\n", "\n")
    inside = whole.replace("\n", "\\n").replace("\t", "\\t")
    try:
        if inside.startswith('{"takeoutSegments"'):
            segments = msgspec.json.decode(inside, type=Segments).takeout_segments
        else:
            segments = msgspec.json.decode(f"[{inside}]", type=list[Segment])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return whole, ()
    named = (segment.mention.external_channel_id for segment in segments if segment.mention)
    return "".join(segment.text for segment in segments), tuple(filter(None, named))


def _name(export: Export) -> str:
    """The channel's name, which stands in a table of its own, under a header in the account's language."""
    for file in export.files("*.csv"):
        if not TITLED.search(file):
            continue
        sheet = _sheets.find(export, file, lambda columns: any("title" in column.lower() for column in columns))
        rows = _sheets.first(export, sheet) if sheet else []
        if sheet and rows:
            return rows[0][next(at for at, column in enumerate(sheet.columns) if "title" in column.lower())]
    return ""


# The page


def _is_page(export: Export, name: str) -> bool:
    return name.lower().endswith(".html") and bool(LISTED.search(export.head(name)))


def _list_items(export: Export, name: str) -> Iterator[str]:
    """What stands between <li> and </li>, one after the other: the page is a single line of any length."""
    with export.open(name) as stream:
        held = b""
        while block := stream.read(BLOCK):
            *items, held = (held + block).split(b"</li>")
            for item in items:
                yield _item(item)
            held = held[-MAX_ITEM:]
        if b"<li>" in held:
            yield _item(held)


def _item(raw: bytes) -> str:
    return raw.rpartition(b"<li>")[2].decode("utf-8", "replace")
