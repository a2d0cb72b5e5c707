"""vBulletin (3 and 4): a dump of the board's MySQL database (.sql, .sql.gz), from phpMyAdmin or mysqldump.

Threads and people stand behind the posts, so a dump is gone through twice. E-mail addresses, IP addresses and passwords
are never looked at. A forum that registered members may not see is private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import MAX_RAW, Export, ExportError
from ingest.exports import _bbcode
from ingest.exports._format import Format
from ingest.exports._html import unescape
from ingest.exports._sqldump import Row, find, moment, number, rows

PLATFORM = "vbulletin"
FORMAT = Format(
    group="Forums, questions and code",
    get="on the board's server: phpMyAdmin > Export, or mysqldump",
    holds="forums every member may read: threads, posts with what each answers, members; who is staff",
    cannot_tell="edits; likes",
)

TABLE = re.compile(
    rb'(?:CREATE\s+TABLE|INSERT\s+INTO)[^(;]{0,200}?[`"\s.](\w*?)(?:adminhelp|announcement|pmtext|post|thread)[`"]?\s*\('
)
OURS = re.compile(rb"\b(?:adminhelpid|announcementid|pagetext)\b")
ABOUT = ("deletionlog", "forum", "forumpermission", "setting", "thread", "user")
SAID = ("pmtext", "post")

VISIBLE, DELETED = "1", "2"  # what may be said of a post or a thread; 0 waits for a moderator
NOBODY = {"", "0"}  # guests, and members who are gone
REGISTERED = "2"
ODD = ("1", "3", "5", "7", "9")  # the first bit of a group's rights in a forum is that it may see it
PRIVILEGES = {"5", "6", "7"}  # the groups every board begins with: super moderators, administrators, moderators
NUMERIC = re.compile(r"&#\d{1,7};")  # how older boards keep letters their character set lacks
PERSONAL = "private messages"

Get = Callable[[str], str]


class Thread(NamedTuple):
    """A thread, and the forum it stands in."""

    title: str
    forum_id: str
    first_post_id: str
    visible: str


class Forum(NamedTuple):
    """A forum, and the forums around it, nearest first."""

    name: str
    within: list[str]


class Account(NamedTuple):
    name: str
    is_staff: bool


NOWHERE = Thread("", "unknown", "", VISIBLE)


def detects(export: Export) -> float:
    """High where a dump begins with tables that only vBulletin has."""
    return 0.9 if find(export, OURS, TABLE) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one board, then its posts. Private messages and posts not yet approved are left out."""
    found = find(export, OURS, TABLE)
    if not found:
        raise ExportError(
            f"vbulletin: {export.name} holds no dump of a vBulletin board: give its .sql or .sql.gz file."
        )
    file, prefix = found
    board = _Board(export, file, prefix)
    for row in rows(export, file, {prefix + table for table in ABOUT}, counted=False):
        if isinstance(row, Row):
            board.learn(row.table.removeprefix(prefix), row.text)
    yield board.source()
    for row in rows(export, file, {prefix + table for table in SAID}):
        yield from [row] if isinstance(row, Refused) else board.records(row)


class _Board:
    """What a board is, and what must be remembered between its posts."""

    def __init__(self, export: Export, file: str, prefix: str) -> None:
        self.export, self.file, self.prefix = export, file, prefix
        self.settings: dict[str, str] = {}
        self.forums: dict[str, Forum] = {}
        self.may_view: dict[str, bool] = {}  # where a forum has rules of its own for registered members
        self.threads: dict[str, Thread] = {}
        self.deletions: dict[tuple[str, str], str] = {}  # their moments
        self.accounts: dict[str, Account] = {}
        self.told: set[tuple[type, str]] = set()

    def learn(self, table: str, get: Get) -> None:
        """Take in a row of a table that comes before or behind the posts."""
        match table:
            case "setting":
                self.settings[get("varname")] = unescape(get("value"))
            case "forum":
                self.forums[get("forumid")] = Forum(unescape(get("title")), get("parentlist").split(","))
            case "forumpermission":
                if get("usergroupid") == REGISTERED:
                    self.may_view[get("forumid")] = get("forumpermissions").endswith(ODD)
            case "deletionlog":
                self.deletions[get("type"), get("primaryid")] = get("dateline")
            case "thread":
                forum_id, visible = get("forumid") or NOWHERE.forum_id, get("visible") or VISIBLE
                self.threads[get("threadid")] = Thread(unescape(get("title")), forum_id, get("firstpostid"), visible)
            case "user":
                groups = {get("usergroupid"), *get("membergroupids").split(",")}
                self.accounts[get("userid")] = Account(unescape(get("username")), not PRIVILEGES.isdisjoint(groups))

    def source(self) -> Source:
        """The board by its address, if it tells one."""
        stem = re.sub(r"\.\w+$", "", self.export.name)
        address = re.sub(r"^https?://|/+$", "", self.settings.get("bburl", ""))
        return Source(PLATFORM, address or stem, self.settings.get("bbtitle") or address or stem)

    def records(self, row: Row) -> Iterator[Record]:
        get = row.text
        if row.table == f"{self.prefix}pmtext":
            channel, left_out = Channel(PERSONAL, PERSONAL, "forum", is_private=True), PERSONAL
        else:
            channel, left_out = self._forum(get)
        if left_out and not self.export.include_private:
            self.export.left_out[left_out] += 1
            return
        try:
            message = self._personal(get) if channel.id == PERSONAL else self._message(get, channel.id)
        except (ValueError, OverflowError, OSError) as error:
            yield Refused(self.file, row.place, str(error), row.raw[:MAX_RAW])
            return
        yield from self._once(channel)
        if message.member_id:
            account = self.accounts[message.member_id]
            yield from self._once(Member(message.member_id, account.name, is_staff=account.is_staff))
        yield message

    def _once(self, record: Channel | Member) -> Iterator[Record]:
        if (type(record), record.id) not in self.told:
            self.told.add((type(record), record.id))
            yield record

    def _forum(self, get: Get) -> tuple[Channel, str]:
        """Where a post stands, and as what it is left out, if it is."""
        thread = self.threads.get(get("threadid"), NOWHERE)
        forum = self.forums.get(thread.forum_id, Forum(thread.forum_id, []))
        near = next((each for each in (thread.forum_id, *forum.within) if each in self.may_view), None)
        is_private = near is not None and not self.may_view[near]
        channel = Channel(thread.forum_id, forum.name, "forum", is_private=is_private)
        return channel, PERSONAL if is_private else "posts not approved" if "0" in (
            get("visible"),
            thread.visible,
        ) else ""

    def _message(self, get: Get, forum_id: str) -> Message:
        post_id, thread_id = number(get("postid"), "postid"), number(get("threadid"), "threadid")
        thread, written = (
            self.threads.get(thread_id, NOWHERE),
            NUMERIC.sub(lambda found: unescape(found[0]), get("pagetext")),
        )
        is_first = post_id == thread.first_post_id
        parent_id = (
            None if is_first else _bbcode.cited(written) or (get("parentid") if get("parentid") != "0" else None)
        )
        # Whoever does not choose what to answer answers the first post.
        is_chosen = parent_id is not None and parent_id != thread.first_post_id
        return Message(
            post_id,
            forum_id,
            self._author(get("userid")),
            moment(get("dateline")),
            _bbcode.words(written),
            title=thread.title or unescape(get("title")) or None,
            conversation_id=f"thread:{thread_id}",
            parent_id=parent_id or None,
            basis=None if is_first else "explicit" if is_chosen else "thread",
            deleted_at=self._deleted_at(get, thread),
            attachments=_bbcode.attached(written),
            permalink=f"{url}/showthread.php?p={post_id}#post{post_id}"
            if (url := self.settings.get("bburl"))
            else None,
        )

    def _deleted_at(self, get: Get, thread: Thread) -> datetime | None:
        """The moment a post or its thread was deleted; that of the post, where no log tells it."""
        for kind, each, visible in (
            ("post", get("postid"), get("visible")),
            ("thread", get("threadid"), thread.visible),
        ):
            if visible == DELETED:
                return moment(self.deletions.get((kind, each)) or get("dateline"))
        return None

    def _personal(self, get: Get) -> Message:
        message_id = number(get("pmtextid"), "pmtextid")
        return Message(
            f"pm:{message_id}",
            PERSONAL,
            self._author(get("fromuserid")),
            moment(get("dateline")),
            _bbcode.words(get("message")),
            title=unescape(get("title")) or None,
            conversation_id=f"pm:{message_id}",
        )

    def _author(self, user_id: str) -> str | None:
        return user_id if user_id in self.accounts and user_id not in NOBODY else None
