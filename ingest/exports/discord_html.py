"""Discord: the HTML pages of DiscordChatExporter, one a channel or thread, in a folder or zip.

Ids are those of its JSON, so a server loaded from both is one; times are exact, for they are part of a message's id.
The server's own id is told by the address of its icon only, and a channel's by the name of its file, "... [id].html":
where one is missing the name stands for it. It is told of direct messages only that they are private.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Literal, NamedTuple

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain, unescape
from ingest.exports.discord import DELETED

PLATFORM = "discord"
FORMAT = Format(
    group="Chats",
    get=("DiscordChatExporter, a program of its own: choose the server's channels and threads > Export > Format: HTML"),
    holds="messages with replies, threads and reactions; who is a bot",
    cannot_tell="when something was edited; a server's id where it has no icon; deleted messages",
    is_seen=True,
)

BLOCK = 1 << 20
BORN = datetime(2015, 1, 1, tzinfo=UTC)  # when Discord's ids begin to count milliseconds
VALUE = r"""(?:"([^"]*)"|([^\s>"]+))"""  # newer pages leave out the quotes that are not needed

ID = re.compile(r"[0-9]{1,19}")
ENTRY = re.compile(r'<div class="?preamble__entry"?>(.*?)</div>', re.DOTALL)
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
ICON = re.compile(r'preamble__guild-icon"?\s+src="?[^">\s]*/icons/(\d+)/')  # an invitation has an icon too
FILE_ID = re.compile(r"\[(\d+)\](?: \([^()]*\))?(?: \[part \d+\])?\.\w+$")

POSTAMBLE = re.compile(rb'<div class="?postamble"?>')
GROUP = re.compile(rb'<div class="?chatlog__message-group"?>|' + POSTAMBLE.pattern)
CUT_OFF = "the page is cut off here"
MESSAGE = re.compile(r'<div\b[^>]*\bdata-message-id="?(\w*)"?[^>]*>')
AUTHOR = re.compile(
    r'<span class="?(?:chatlog__author(?:-name)?|chatlog__system-notification-author)"?(?=\s)([^>]*)>(.*?)</span>'
    r'(\s*<span class="?chatlog__(?:author|bot)-tag)?',
    re.DOTALL,
)
USER = re.compile(r'data-user-id="?(\d+)')
HANDLE = re.compile(rf"title={VALUE}")
ANSWERED = re.compile(r"""chatlog__(?:reply|reference)-link"?\s+onclick="scrollToMessage\(event,\s*'(\d+)'\)""")
CONTENT = re.compile(r'<div class="?chatlog__content\b[^>]*>')
SYSTEM = re.compile(
    r'chatlog__system-notification-content"?>(.*?)<span class="?chatlog__system-notification-t', re.DOTALL
)
DIV = re.compile(r"<(/?)div\b")
EDITED = re.compile(r'<span class="?chatlog__edited-timestamp.*?</span>', re.DOTALL)
QUOTED = re.compile(
    r'<div class="?chatlog__markdown-quote"?>\s*<div class="?chatlog__markdown-quote-border"?></div>\s*'
    r'<div class="?chatlog__markdown-quote-content"?>(.*?)</div>\s*</div>',
    re.DOTALL,
)
EMOJI = re.compile(rf'<img\b[^>]*\bclass="?chatlog__emoji\b[^>]*?\balt={VALUE}[^>]*>')
MENTION = re.compile(rf'<span class="?chatlog__markdown-mention"?\s+title={VALUE}')
REACTION = re.compile(
    rf'<div class="?chatlog__reaction"?\s+title={VALUE}.*?<span class="?chatlog__reaction-count"?>(\d+)', re.DOTALL
)
ATTACHED = re.compile(r'<div class="?chatlog__(?:attachment|sticker)[\s">]')


class Page(NamedTuple):
    """What a file says before its messages. `parent` is the channel that a thread hangs under."""

    file: str
    guild: str
    guild_id: str | None
    place_id: str | None
    name: str
    parent: str | None

    @property
    def is_private(self) -> bool:
        return self.guild == "Direct Messages"


class Author(NamedTuple):
    """Who wrote a group of messages."""

    id: str
    name: str
    handle: str | None
    is_bot: bool


class Piece(NamedTuple):
    """One message's part of a page, and its author."""

    id: str
    html: str
    author: Author


class Place(NamedTuple):
    """Where a page's messages were said."""

    channel_id: str
    thread_id: str | None = None
    title: str | None = None


def detects(export: Export) -> float:
    """High when one of the first pages begins as DiscordChatExporter's do."""
    return 0.95 if any(_page(export, name) for name in islice(export.files("*.html"), 5)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one server, then each page's messages."""
    names = sorted(export.files("*.html"), key=lambda name: name.removesuffix(".html"))
    found = [page for name in names if (page := _page(export, name))]
    kept = [page for page in found if export.include_private or not page.is_private]
    guild = _Guild(_source(export, kept, len(found)), kept)
    yield guild.source
    for page in found:
        if page in kept:
            yield from guild.records(export, page)
        else:
            export.left_out["private messages"] += sum(1 for _ in _pieces(export, page))


def moment(message_id: str) -> datetime:
    """When a message was sent, which is the beginning of its id."""
    return BORN + timedelta(milliseconds=int(message_id) >> 22)


def could_be_channel(name: str) -> bool:
    """Whether a name can be a text channel's: Discord allows neither blanks nor capitals in those."""
    return name != "" and name == name.lower() and not re.search(r"\s", name)


class _Guild:
    """What must be remembered between the messages of one server."""

    def __init__(self, source: Source, pages: list[Page]) -> None:
        self.source = source
        self.ids = {page.name: page.place_id for page in pages if page.place_id and not page.parent}
        self.channels: dict[str, Channel] = {}
        self.members: dict[str, Member] = {}
        self.handles: dict[str, str] = {}  # of those who have spoken: whose each is

    def records(self, export: Export, page: Page) -> Iterator[Record]:
        place: Place | None = None
        for piece in _pieces(export, page):
            if isinstance(piece, Refused):
                yield piece
                continue
            is_first = place is None
            if place is None:
                place = self._place(page, piece)
                yield from self._channel(page, place, piece)
            yield from self._message(place, piece, is_first)

    def _place(self, page: Page, first: Piece) -> Place:
        """A thread's id is its first message's, unless that points to the message outside with which it began."""
        if page.parent is None:
            return Place(page.place_id or f"category:{page.name}")
        answered = ANSWERED.search(first.html)
        thread_id = page.place_id or (answered[1] if answered else first.id)
        return Place(self.ids.get(page.parent) or f"category:{page.parent}", thread_id, page.name)

    def _channel(self, page: Page, place: Place, first: Piece) -> Iterator[Channel]:
        """Only in a forum do threads hold the message with which they began."""
        kind: Literal["chat", "forum"] | None = "chat" if page.parent is None else None
        if place.thread_id == first.id:
            kind = "forum"
        known = self.channels.get(place.channel_id)
        if known is None or (kind and known.kind is None):
            channel = Channel(place.channel_id, page.parent or page.name, kind, page.is_private)
            self.channels[channel.id] = channel
            yield channel

    def _message(self, place: Place, piece: Piece, is_first: bool) -> Iterator[Record]:
        sent_at = moment(piece.id)
        member_id = yield from self._member(piece.author, sent_at)
        answered = ANSWERED.search(piece.html)
        parent_id = answered[1] if answered and not (is_first and answered[1] == place.thread_id) else None
        system = SYSTEM.search(piece.html)
        mentioned = (self.handles.get(_handle(*found)) for found in MENTION.findall(piece.html))
        yield Message(
            piece.id,
            place.channel_id,
            member_id,
            sent_at,
            plain(system[1]) if system else _said(piece.html),
            kind="system" if system else "message",
            title=place.title,
            conversation_id=place.thread_id,
            parent_id=parent_id,
            basis="explicit" if parent_id else "thread" if place.thread_id and not is_first else None,
            mentions=tuple(dict.fromkeys(filter(None, mentioned))),
            attachments=len(ATTACHED.findall(piece.html)),
            permalink=self._permalink(place.thread_id or place.channel_id, piece.id),
        )
        for quoted, bare, count in REACTION.findall(piece.html):
            yield Reaction(piece.id, unescape(quoted or bare), count=int(count))

    def _member(self, author: Author, seen_at: datetime) -> Generator[Member, None, str | None]:
        """Tell who wrote, where it is news, and return the id."""
        if author.id == DELETED:
            return None
        known = self.members.get(author.id)
        if known is None or (known.name, known.handle, known.is_bot) != author[1:]:
            member = Member(author.id, author.name, author.handle, is_bot=author.is_bot, updated_at=seen_at)
            self.members[author.id] = member
            self.handles[author.handle or ""] = author.id
            yield member
        return author.id

    def _permalink(self, place_id: str, message_id: str) -> str | None:
        if not (self.source.id.isdecimal() and place_id.isdecimal()):
            return None
        return f"https://discord.com/channels/{self.source.id}/{place_id}/{message_id}"


def _page(export: Export, name: str) -> Page | None:
    """What a page says before its messages; None for some other page."""
    head = export.head(name).decode(errors="replace")
    entries = [unescape(entry).strip() for entry in ENTRY.findall(head)]
    if len(entries) < 2 or "chatlog" not in head:
        return None
    title, icon, file_id = TITLE.search(head), ICON.search(head), FILE_ID.search(name)
    guild, path = entries[:2]
    place = unescape(title[1]).strip().removeprefix(f"{guild} - ") if title else ""
    if not place or not path.endswith(place):
        place = path.rpartition(" / ")[2]
    parents = path.removesuffix(place).removesuffix(" / ").split(" / ")
    is_thread = could_be_channel(parents[-1]) and (len(parents) > 1 or not could_be_channel(place))
    return Page(
        name, guild, icon and icon[1], file_id and file_id[1], place or "unknown", parents[-1] if is_thread else None
    )


def _source(export: Export, pages: list[Page], files: int) -> Source:
    guilds = sorted({page.guild for page in pages})
    ids = {page.guild_id for page in pages if page.guild_id}
    if len(guilds) > 1 or len(ids) > 1:
        raise ExportError(f"discord: {export.name} holds several servers ({', '.join(guilds)}). Load them one by one.")
    if not guilds and files:
        raise ExportError(
            f"discord: {export.name} holds direct messages only, left out unless asked for: --include-private"
        )
    if not guilds:
        raise ExportError(f"discord: {export.name} holds no page of DiscordChatExporter.")
    return Source(PLATFORM, next(iter(ids), guilds[0]), guilds[0])


def _pieces(export: Export, page: Page) -> Iterator[Piece | Refused]:
    """Each message of a page. Its author stands above the first of a group, in older pages above the group."""
    for offset, group, is_closed in _groups(export, page.file):
        html = group.decode(errors="replace")
        starts = [found.start() for found in MESSAGE.finditer(html)]
        author = _author(html[: starts[0]]) if starts else None
        for start, end in pairwise([*starts, len(html)]):
            part = html[start:end]
            author = _author(part) or author
            piece = _piece(part, author, is_closed or end < len(html))
            place = f"byte {offset + len(html[:start].encode())}"
            yield Refused(page.file, place, piece, part.encode()) if isinstance(piece, str) else piece
        if not (is_closed or starts):
            yield Refused(page.file, f"byte {offset}", CUT_OFF, group[:1024])


def _groups(export: Export, file: str) -> Iterator[tuple[int, bytes, bool]]:
    """Groups of messages: where each begins, its HTML, and whether another or the page's end follows it."""
    held, offset = b"", 0
    with export.open(file) as stream:
        while block := stream.read(BLOCK):
            held += block
            starts = [found.start() for found in GROUP.finditer(held)]
            for start, end in pairwise(starts):
                yield offset + start, held[start:end], True
            if starts:
                held, offset = held[starts[-1] :], offset + starts[-1]
    if not POSTAMBLE.match(held):
        yield offset, held, False


def _piece(html: str, author: Author | None, is_whole: bool) -> Piece | str:
    """A message, or why there is none."""
    found = MESSAGE.match(html)
    message_id = found[1] if found else ""
    if not is_whole:
        return CUT_OFF
    if not ID.fullmatch(message_id):
        return "its id is not a number"
    return Piece(message_id, html, author) if author else "it does not say who wrote it"


def _author(html: str) -> Author | None:
    found = AUTHOR.search(html)
    user = USER.search(found[1]) if found else None
    if found is None or user is None:
        return None
    handle = HANDLE.search(found[1])
    name = unescape(found[2]).strip()
    return Author(user[1], name or user[1], _handle(*handle.groups()) if handle else None, found[3] is not None)


def _handle(quoted: str | None, bare: str | None) -> str:
    """A name without the four digits that told namesakes apart until 2023."""
    return re.sub(r"#\d{4}$", "", unescape(quoted or bare or ""))


def _said(html: str) -> str:
    """A message's own words, without the quotation above a reply and without previews below."""
    begun = CONTENT.search(html)
    if begun is None:
        return ""
    depth, end = 1, len(html)
    for found in DIV.finditer(html, begun.end()):
        depth += -1 if found[1] else 1
        if not depth:
            end = found.start()
            break
    words = EDITED.sub("", html[begun.end() : end])
    words = EMOJI.sub(_sign, QUOTED.sub(r"<blockquote>\1</blockquote>", words))
    return plain(f"<pre>{words}</pre>").strip()


def _sign(emoji: re.Match[str]) -> str:
    """An emoji itself, or a server's own as its name between colons."""
    name = emoji[1] or emoji[2] or ""
    return f":{name}:" if re.fullmatch(r"[A-Za-z0-9_]+", name) else name
