"""phpBB: a dump of the board's MySQL database (.sql, .sql.gz), from its own backup page, phpMyAdmin or mysqldump.

Topics and people stand behind the posts, so a dump is gone through twice. E-mail addresses, IP addresses and passwords
are never looked at. A forum that neither guests nor every registered member may see is private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import MAX_RAW, Export, ExportError
from ingest.exports import _bbcode
from ingest.exports._format import Format
from ingest.exports._html import unescape
from ingest.exports._sqldump import Row, find, moment, number, rows

PLATFORM = "phpbb"
FORMAT = Format(
    group="Forums, questions and code",
    get=(
        "as an administrator: Administration Control Panel > Maintenance > Backup, full, as a file; or "
        "phpMyAdmin > Export; or mysqldump"
    ),
    holds="forums everybody may read: topics, posts, edits, members; who moderates",
    cannot_tell="replies without a quote of a post id; likes",
)

TABLE = re.compile(
    rb'(?:CREATE\s+TABLE|INSERT\s+INTO)[^(;]{0,200}?[`"\s.](\w*?)(?:acl_options|bbcodes|posts|privmsgs)[`"]?\s*\('
)
OURS = re.compile(rb"\b(?:bbcode_uid|auth_option_id|enable_bbcode)\b")
NAMES = {  # tables that say what something is called
    "acl_roles": ("role_id", "role_name"),
    "config": ("config_name", "config_value"),
    "forums": ("forum_id", "forum_name"),
    "groups": ("group_id", "group_name"),
}
ABOUT = (*NAMES, "acl_groups", "topics", "user_group", "users")
SAID = ("posts", "posts_text", "privmsgs")

EVERYBODY = {"GUESTS", "REGISTERED"}
STAFF = {"ADMINISTRATORS", "GLOBAL_MODERATORS"}
LEVELS = {"1", "2"}  # of phpBB 2: administrators and moderators
NO_ACCESS = "ROLE_FORUM_NOACCESS"
NOBODY = {"", "-1", "0", "1"}  # guests, and members who are gone: -1 in phpBB 2
ROBOT, FOUNDER = "2", "3"  # of a user's types: search engines, and who set up the board
APPROVED, DELETED, AGAIN = "1", "2", "3"  # what a post's visibility may be; 0 waits for a moderator
PERSONAL = "private messages"

COMMENT = re.compile(r"<!--[^<>]{0,200}-->")
SMILEY = re.compile(r'<img (?=[^<>]*+>)[^<>]*?alt="([^"<>]*)"[^<>]*>')
MARK = re.compile(r"<[^<>]*>")

Get = Callable[[str], str]


class Topic(NamedTuple):
    title: str
    first_post_id: str


class Grant(NamedTuple):
    """What a group may do in a forum: by a role, or by one right alone, which may be given or refused."""

    group_id: str
    forum_id: str
    role_id: str
    setting: str


class Account(NamedTuple):
    name: str
    is_staff: bool
    is_bot: bool


def detects(export: Export) -> float:
    """High where a dump begins with tables that only phpBB has."""
    return 0.9 if find(export, OURS, TABLE) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one board, then its posts. Private messages, closed forums and posts not yet approved are left out."""
    found = find(export, OURS, TABLE)
    if not found:
        raise ExportError(f"phpbb: {export.name} holds no dump of a phpBB board: give its .sql or .sql.gz file.")
    file, prefix = found
    board = _Board(export, file, prefix)
    for row in rows(export, file, {prefix + table for table in ABOUT}, counted=False):
        if isinstance(row, Row):
            board.learn(row.table.removeprefix(prefix), row.text)
    yield board.source()
    for row in rows(export, file, {prefix + table for table in SAID}):
        yield from [row] if isinstance(row, Refused) else board.records(row)
    yield from board.rest()


class _Board:
    """What a board is, and what must be remembered between its posts."""

    def __init__(self, export: Export, file: str, prefix: str) -> None:
        self.export, self.file, self.prefix = export, file, prefix
        self.names: dict[str, dict[str, str]] = {table: {} for table in NAMES}
        self.topics: dict[str, Topic] = {}
        self.accounts: dict[str, Account] = {}
        self.staff: set[str] = set()  # members of the groups that keep order
        self.granted: list[Grant] = []
        self.open: set[str] = set()  # forums
        self.told: set[tuple[type, str]] = set()
        self.headless: dict[str, Row] = {}  # posts of phpBB 2, whose words stand in another table

    def learn(self, table: str, get: Get) -> None:
        """Take in a row of a table that comes before or behind the posts."""
        match table:
            case "topics":
                self.topics[get("topic_id")] = Topic(unescape(get("topic_title")), get("topic_first_post_id"))
            case "user_group":
                if get("user_pending") != "1" and self._keeps_order(get("group_id")):
                    self.staff.add(get("user_id"))
            case "users":
                self._account(get)
            case "acl_groups":
                self.granted.append(Grant(get("group_id"), get("forum_id"), get("auth_role_id"), get("auth_setting")))
            case _:
                name, called = NAMES[table]
                self.names[table][get(name)] = unescape(get(called))

    def _account(self, get: Get) -> None:
        if get("user_lastpost_time") != "0":  # most accounts never said a word
            kind = get("user_type")
            is_staff = kind == FOUNDER or get("user_level") in LEVELS or self._keeps_order(get("group_id"))
            self.accounts[get("user_id")] = Account(unescape(get("username")), is_staff, kind == ROBOT)

    def _keeps_order(self, group_id: str) -> bool:
        return self.names["groups"].get(group_id) in STAFF

    def source(self) -> Source:
        """The board by its address, if it tells one."""
        stem = re.sub(r"\.\w+$", "", self.export.name)
        config = self.names["config"]
        address = config.get("server_name", "") + config.get("script_path", "").rstrip("/")
        self.open = {grant.forum_id for grant in self.granted if self._is_open(grant)}
        return Source(PLATFORM, address or stem, config.get("sitename") or address or stem)

    def records(self, row: Row) -> Iterator[Record]:
        table = row.table.removeprefix(self.prefix)
        if table == "privmsgs" and self.export.include_private and "msg_id" in row.values:
            yield from self._told(row, Channel(PERSONAL, PERSONAL, "forum", is_private=True), self._personal)
        elif table == "privmsgs":
            self.export.left_out[PERSONAL] += 1
        elif table == "posts" and "post_text" not in row.values:
            self.headless[row.values.get("post_id") or ""] = row
        elif table == "posts":
            yield from self._post(row)
        elif head := self.headless.pop(row.values.get("post_id") or "", None):
            yield from self._post(head._replace(values={**head.values, **row.values}))

    def rest(self) -> Iterator[Refused]:
        """Posts whose words did not follow."""
        for row in self.headless.values():
            yield Refused(self.file, row.place, "its words are not in the dump", row.raw[:MAX_RAW])

    def _post(self, row: Row) -> Iterator[Record]:
        get = row.text
        is_private = bool(self.granted) and get("forum_id") not in self.open
        seen = get("post_visibility") or get("post_approved") or APPROVED
        kind = PERSONAL if is_private else "posts not approved" if seen not in (APPROVED, DELETED, AGAIN) else None
        if kind and not self.export.include_private:
            self.export.left_out[kind] += 1
            return
        forum_id = get("forum_id")
        channel = Channel(
            forum_id, self.names["forums"].get(forum_id, f"forum {forum_id}"), "forum", is_private=is_private
        )
        yield from self._told(row, channel, self._message)

    def _is_open(self, grant: Grant) -> bool:
        may = (
            self.names["acl_roles"].get(grant.role_id) != NO_ACCESS
            if grant.role_id not in ("", "0")
            else grant.setting == "1"
        )
        return may and self.names["groups"].get(grant.group_id) in EVERYBODY

    def _told(self, row: Row, channel: Channel, build: Callable[[Get], Message]) -> Iterator[Record]:
        try:
            message = build(row.text)
        except (ValueError, OverflowError, OSError) as error:
            yield Refused(self.file, row.place, str(error), row.raw[:MAX_RAW])
            return
        yield from self._once(channel)
        if account := self.accounts.get(message.member_id) if message.member_id else None:
            is_staff = account.is_staff or message.member_id in self.staff
            yield from self._once(Member(message.member_id or "", account.name, None, None, account.is_bot, is_staff))
        yield message

    def _once(self, record: Channel | Member) -> Iterator[Record]:
        if (type(record), record.id) not in self.told:
            self.told.add((type(record), record.id))
            yield record

    def _message(self, get: Get) -> Message:
        post_id, topic = number(get("post_id"), "post_id"), self.topics.get(get("topic_id"))
        title = (topic.title if topic else unescape(get("post_subject"))) or None
        is_first = topic is not None and topic.first_post_id == post_id
        written = _written(get("post_text"))
        cited = None if is_first else _bbcode.cited(written)
        return Message(
            post_id,
            number(get("forum_id"), "forum_id"),
            self._author(get("poster_id")),
            moment(get("post_time")),
            _bbcode.words(written),
            title=title,
            conversation_id=f"topic:{number(get('topic_id'), 'topic_id')}",
            parent_id=cited,
            basis="explicit" if cited else None if is_first else "thread",
            edited_at=moment(get("post_edit_time")) if get("post_edit_time") not in ("", "0") else None,
            deleted_at=moment(get("post_delete_time")) if get("post_visibility") == DELETED else None,
            attachments=_bbcode.attached(written),
            permalink=self._permalink(post_id),
        )

    def _personal(self, get: Get) -> Message:
        message_id = number(get("msg_id"), "msg_id")
        root_id = message_id if get("root_level") in ("", "0") else get("root_level")
        return Message(
            f"pm:{message_id}",
            PERSONAL,
            self._author(get("author_id")),
            moment(get("message_time")),
            _bbcode.words(_written(get("message_text"))),
            title=unescape(get("message_subject")) or None,
            conversation_id=f"pm:{root_id}",
            basis=None if root_id == message_id else "thread",
        )

    def _author(self, poster_id: str) -> str | None:
        return poster_id if poster_id in self.accounts and poster_id not in NOBODY else None

    def _permalink(self, post_id: str) -> str | None:
        config = self.names["config"]
        if not (server := config.get("server_name")):
            return None
        scheme, path = config.get("server_protocol") or "https://", config.get("script_path", "").strip("/")
        return f"{scheme}{server}/{path}{'/' if path else ''}viewtopic.php?p={post_id}#p{post_id}"


def _written(stored: str) -> str:
    """What somebody wrote, BBCode and all: the board keeps it as XML (from 3.2) or as HTML, each around the tags."""
    bare = SMILEY.sub(r"\1", COMMENT.sub("", stored))
    return unescape(MARK.sub("", bare))
