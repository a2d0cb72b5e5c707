"""LinkedIn: one person's own posts and comments, from Settings, "Get a copy of your data".

Whose posts the comments are under, and what others answered, LinkedIn hands out to nobody. Comments have no id of their
own: they get one from what they say and when. What only connections may see, and messages, are private.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Literal, NamedTuple
from urllib.parse import unquote

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _sheets
from ingest.exports._format import Format
from ingest.exports._sheets import Row, Sheet

PLATFORM = "linkedin"
FORMAT = Format(
    group="Social platforms",
    get=("on linkedin.com: Me > Settings & Privacy > Data privacy > Get a copy of your data > the larger data archive"),
    holds="one person's own posts and comments, public ones",
    cannot_tell="whose post a comment is under; what others said and answered; ids",
    lacks=("own posts only", "no replies"),
)

Kind = Literal["profile", "shares", "comments", "messages"]
HEADERS: dict[Kind, set[str]] = {
    "profile": {"First Name", "Last Name"},
    "shares": {"Date", "ShareLink", "ShareCommentary"},
    "comments": {"Date", "Link", "Message"},
    "messages": {"CONVERSATION ID", "FROM", "DATE", "CONTENT"},
}
NAME = re.compile(r"(profile|shares|comments|messages)(?:_(\d+))?\.csv")  # whole archives add the member's number
GONE = {"", "LinkedIn Member"}  # what is left of a closed account
POSTS = Channel("posts", "posts", "forum")
POST = re.compile(r"(activity|share|ugcPost)[:-](\d+)")

Fields = Mapping[str, str]


class Owner(NamedTuple):
    """Whose archive it is."""

    id: str
    name: str


def detects(export: Export) -> float:
    """High where a file of posts, comments or messages has LinkedIn's columns."""
    return 0.95 if any(kind != "profile" for _, kind in _files(export)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the person, what they posted and commented, and on request their messages."""
    files = _files(export)
    archive = _Archive(export, _owner(export, files))
    yield Source(PLATFORM, archive.owner.id, archive.owner.name)
    yield Member(archive.owner.id, archive.owner.name, is_staff=True)
    yield POSTS
    for sheet, kind in files:
        for row in _sheets.rows(export, sheet) if kind != "profile" else ():
            yield from archive.records(row, sheet, kind)


class _Archive:
    """What must be remembered between rows."""

    def __init__(self, export: Export, owner: Owner) -> None:
        self.export, self.owner = export, owner
        self.told: set[str] = {owner.id}
        self.said: Counter[str] = Counter()  # rows without an id, by their content

    def records(self, row: Row | Refused, sheet: Sheet, kind: Kind) -> Iterator[Record]:
        fields = {} if isinstance(row, Refused) else dict(zip(sheet.columns, row.fields, strict=True))
        if not self.export.include_private and (kind == "messages" or "CONNECTION" in fields.get("Visibility", "")):
            self.export.left_out["private messages"] += 1
        elif isinstance(row, Refused):
            yield row
        else:
            try:
                yield from {"shares": self._share, "comments": self._comment}.get(kind, self._message)(fields)
            except ValueError as error:
                raw = sheet.delimiter.join(row.fields).encode("utf-8", "replace")
                yield Refused(sheet.file, f"line {row.line}", f"its time cannot be read: {error}", raw)

    def _share(self, fields: Fields) -> Iterator[Record]:
        """A post. One without words or a picture passes on somebody else's, which says nothing of its own."""
        text, link, media = _text(fields["ShareCommentary"]), fields["ShareLink"], fields.get("MediaUrl", "")
        sent_at = _moment(fields["Date"])
        yield Message(
            _post(link) or self._id(link, fields["Date"], text),
            POSTS.id,
            self.owner.id,
            sent_at,
            text,
            kind="message" if text or media else "system",
            attachments=1 if media else 0,
            permalink=link if link.startswith("https://") else None,
        )

    def _comment(self, fields: Fields) -> Iterator[Record]:
        text, link = _text(fields["Message"]), fields["Link"]
        post_id = _post(link)
        yield Message(
            self._id(link, fields["Date"], text),
            POSTS.id,
            self.owner.id,
            _moment(fields["Date"]),
            text,
            conversation_id=post_id,
            basis="thread" if post_id else None,
            permalink=link if link.startswith("https://") else None,
        )

    def _message(self, fields: Fields) -> Iterator[Record]:
        sent_at, conversation_id = _moment(fields["DATE"]), fields["CONVERSATION ID"]
        channel_id = f"messages:{conversation_id}"
        if channel_id not in self.told:
            self.told.add(channel_id)
            name = fields.get("CONVERSATION TITLE") or f"messages {conversation_id}"
            yield Channel(channel_id, name, "chat", is_private=True)
        member_id = yield from self._writer(fields)
        text = _text(fields["CONTENT"])
        yield Message(
            self._id(conversation_id, fields["DATE"], member_id or "", text),
            channel_id,
            member_id,
            sent_at,
            text,
            title=fields.get("SUBJECT") or None,
            conversation_id=conversation_id or None,
        )

    def _writer(self, fields: Fields) -> Generator[Member, None, str | None]:
        """Who wrote a message, told once: by the address of the profile, where there still is one."""
        name = fields["FROM"]
        if name == self.owner.name:
            return self.owner.id
        if name in GONE:
            return None
        member_id = fields.get("SENDER PROFILE URL") or f"name:{name.casefold()}"
        if member_id not in self.told:
            self.told.add(member_id)
            yield Member(member_id, name)
        return member_id

    def _id(self, *said: str) -> str:
        content = hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:20]
        self.said[content] += 1
        return f"row:{content}:{self.said[content]}"


def _files(export: Export) -> list[tuple[Sheet, Kind]]:
    """The files we read, each with its table and what it holds."""
    found = []
    for name in export.files("*.csv"):
        named = NAME.fullmatch(PurePosixPath(name).name.lower())
        for kind, columns in HEADERS.items():
            if named and named[1] == kind and (sheet := _sheets.find(export, name, columns.issubset)):
                found.append((sheet._replace(escape="\\") if kind == "comments" else sheet, kind))
    return found


def _owner(export: Export, files: list[tuple[Sheet, Kind]]) -> Owner:
    """Who it is: by the name in Profile.csv, else by the number in the files' names. Else ExportError."""
    for sheet, kind in files:
        for row in _sheets.rows(export, sheet) if kind == "profile" else ():
            if isinstance(row, Row):
                fields = dict(zip(sheet.columns, row.fields, strict=True))
                name = f"{fields['First Name']} {fields['Last Name']}".strip()
                return Owner(f"name:{name.casefold()}", name)
    for sheet, _ in files:
        if (named := NAME.fullmatch(PurePosixPath(sheet.file).name.lower())) and named[2]:
            return Owner(named[2], f"member {named[2]}")
    raise ExportError(
        f"linkedin: no file in {export.name} tells whose archive it is. Load all of it, with Profile.csv."
    )


def _post(link: str) -> str | None:
    """The post a link leads to, "activity:7200000000000000001": also where it goes on to a comment."""
    found = POST.search(unquote(link))
    return f"{found[1]}:{found[2]}" if found else None


def _text(written: str) -> str:
    """The words; some exports put each line of them into quotes of its own."""
    return written.replace("\r\n", "\n").replace('"\n"', "\n").strip()


def _moment(written: str) -> datetime:
    """A time, always UTC. Else ValueError."""
    at = datetime.fromisoformat(written.strip().removesuffix(" UTC"))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
