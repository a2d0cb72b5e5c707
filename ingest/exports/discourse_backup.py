"""Discourse backup: what an administrator downloads (.tar.gz or .sql.gz), or CSV of Data Explorer or a user's archive.

A dump tells of topics and people behind the posts, so it is gone through twice. E-mail addresses, IP addresses and
personal messages stand in it too, and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from data.records import Record, Refused, Source
from ingest.archive import MAX_RAW, Export, ExportError
from ingest.exports._format import Format
from ingest.exports.discourse import HOST, LIKE, PLATFORM, Category, Forum, Number, Post, address, at
from ingest.exports.generic import delimited

FORMAT = Format(
    group="Forums, questions and code",
    get=(
        "as an administrator: Admin > Backups > Backup, then Download (without uploads); Data Explorer: run a "
        "query > CSV; one account: its profile > Preferences > Account > Export your data"
    ),
    holds="a backup: all public topics with posts and replies, and who is staff; a CSV what stands in it",
    cannot_tell="who liked; of a user archive the ids of posts, and what others said",
)

DUMP = b"PostgreSQL database dump"
OURS = (b"discourse_functions", b"badge_groupings", b"category_featured_topics")  # stand early in every dump
FILES = 20  # so many are looked at to find out whose they are
LOOK = 1 << 20  # this early
COPY = re.compile(rb'COPY (?:public\.)?"?(\w+)"? \(([^)]*)\) FROM stdin;')
TABLES = frozenset({"categories", "posts", "site_settings", "topics", "users"})
ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
DATED = re.compile(r"-\d{4}-\d\d-\d\d-\d{6}.*$|\.\w+$")  # the end of a backup's name, or of any file's

URL = re.compile(r"https?://([^/\s]+)(?:/\S*)?/t/(?:[^/\s]*/)?(\d+)/(\d+)")
NO_CATEGORY = "-"  # of a personal message, and of what its own author may no longer see
FIELDS = frozenset(Post.__struct_fields__)
ALIASES = {"post_id": "id", "title": "topic_title"}
EXPLORED = {"id", "topic_id", "post_number", "created_at"}
ARCHIVED = {"categories", "is_pm", "post_raw", "post_cooked", "url", "created_at"}


class Topic(NamedTuple):
    """A topic of the dump. Personal messages are topics too."""

    title: str | None
    category_id: str | None
    deleted_at: str | None
    is_personal: bool


class Person(NamedTuple):
    """An account of the dump, in the words of a post."""

    username: str | None
    name: str | None
    staff: bool


class Row(NamedTuple):
    """A row of a dump by column, and the line it stands on. A broken row has no values."""

    table: str
    line: int
    values: Mapping[str, str | None]
    raw: bytes


class Owner(msgspec.Struct):
    """Whose archive it is."""

    id: Number | None = None
    username: str | None = None
    name: str | None = None


class Preferences(Owner):
    """The owner, or what holds the owner."""

    user: Owner | None = None


UNKNOWN = Topic(None, None, None, is_personal=False)


def detects(export: Export) -> float:
    """High where a dump names tables that only Discourse has, or a CSV the numbers of its posts."""
    tables = islice(export.files("*.csv"), FILES)
    return 0.9 if _dump(export) or any(_is_table(export, name) for name in tables) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one forum, then its posts. Whispers, personal messages and closed categories are left out."""
    if dump := _dump(export):
        return _Backup(export, dump).records()
    if tables := _tables(export):
        return _from_tables(export, tables)
    raise ExportError(f"discourse: {export.name} holds no dump.sql, and no CSV with topic_id and post_number.")


def _post(values: Mapping[str, Any], refused: Refused) -> Post | Refused:
    """A post from text in columns, whatever other columns there are."""
    told = {field: value for field, value in values.items() if field in FIELDS and value not in (None, "")}
    if likes := values.get("like_count"):
        told["actions_summary"] = [{"id": LIKE, "count": likes}]
    try:
        return msgspec.convert(told, Post, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        return msgspec.structs.replace(refused, reason=str(error))


# The dump


class _Backup:
    """One dump: a first pass for what posts belong to, a second for the posts."""

    def __init__(self, export: Export, file: str) -> None:
        self.export, self.file = export, file
        self.topics: dict[str | None, Topic] = {}
        self.people: dict[str | None, Person] = {}
        self.categories: list[Category] = []
        self.host = self.title = ""

    def records(self) -> Iterator[Record]:
        for row in _rows(self.export, self.file, counted=False):
            self._learn(row)
        source_id = self.host or DATED.sub("", self.export.name)
        yield Source(PLATFORM, source_id, self.title or source_id)
        forum = Forum(self.export, at(self.host), self.categories)
        for row in _rows(self.export, self.file, counted=True):
            if row.table == "posts":
                yield from self._post(row, forum)
        yield from forum.rest()

    def _learn(self, row: Row) -> None:
        get = row.values.get
        match row.table:
            case "posts" if not self.host:
                host = HOST.search(row.raw)
                self.host = host[1].decode() if host else ""
            case "topics":
                is_personal = get("archetype") == "private_message"
                self.topics[get("id")] = Topic(get("title"), get("category_id"), get("deleted_at"), is_personal)
            case "users":
                is_staff = "t" in (get("admin"), get("moderator"))
                if is_staff or get("last_posted_at", "") is not None:  # most accounts only read
                    self.people[get("id")] = Person(get("username"), get("name"), is_staff)
            case "categories":
                is_closed = get("read_restricted") == "t"
                self.categories.append(Category(get("id") or "", get("name") or "", is_closed))
            case "site_settings" if get("name") == "title":
                self.title = get("value") or ""

    def _post(self, row: Row, forum: Forum) -> Iterator[Record]:
        topic = self.topics.get(row.values.get("topic_id"), UNKNOWN)
        if topic.is_personal and not self.export.include_private:
            self.export.left_out["private messages"] += 1
            return
        person = self.people.get(row.values.get("user_id"))
        told = {
            **row.values,
            "deleted_at": row.values.get("deleted_at") or topic.deleted_at,
            "user_deleted": row.values.get("user_deleted") == "t",
            "topic_title": topic.title,
            "category_id": topic.category_id,
            **(person._asdict() if person else {"user_id": None}),
        }
        post = _post(told, Refused(self.file, f"line {row.line}", "", row.raw[:MAX_RAW]))
        yield from [post] if isinstance(post, Refused) else forum.records(post, self.file)


def _dump(export: Export) -> str | None:
    for name in export.files("*.sql"):
        if DUMP in export.head(name, 4096):
            head = export.head(name, LOOK)
            if any(ours in head for ours in OURS):
                return name
    return None


def _rows(export: Export, file: str, *, counted: bool) -> Iterator[Row]:
    """The rows of the tables we read, in the dump's order."""
    table, columns = "", list[str]()
    for number, line in export.lines(file, counted=counted):
        if not table:
            if line.startswith(b"COPY ") and (begun := COPY.fullmatch(line)):
                table, columns = begun[1].decode(), begun[2].decode("utf-8", "replace").replace('"', "").split(", ")
        elif line == rb"\.":
            table = ""
        elif table in TABLES:
            values = line.split(b"\t")
            fits = len(values) == len(columns)
            yield Row(table, number, dict(zip(columns, map(_value, values), strict=True)) if fits else {}, line)
    if table:
        raise ExportError(f"{file} is cut off in its table {table}: download it again")


def _value(raw: bytes) -> str | None:
    if b"\\" in raw:
        if raw == rb"\N":
            return None
        raw = ESCAPE.sub(lambda found: ESCAPED.get(found[1], found[1]), raw)
    return raw.decode("utf-8", "replace")


# Tables


def _tables(export: Export) -> list[str]:
    """The CSV files that hold posts: what an administrator asked the database, or one member's archive."""
    return [name for name in export.files("*.csv") if _is_table(export, name)]


def _is_table(export: Export, name: str) -> bool:
    return _holds_posts(_header(export, name))


def _header(export: Export, name: str) -> set[str]:
    first = export.head(name, 4096).decode("utf-8", "replace").partition("\n")[0]
    return {ALIASES.get(column, column) for column in re.findall(r"\w+", first)}


def _holds_posts(header: set[str]) -> bool:
    return header >= ARCHIVED or (header >= EXPLORED and not header.isdisjoint(("raw", "cooked")))


def _from_tables(export: Export, tables: list[str]) -> Iterator[Record]:
    owner, host = _owner(export), _host(export, tables)
    source_id = host or DATED.sub("", export.name)
    yield Source(PLATFORM, source_id, source_id)
    forum = Forum(export, at(host), [])
    for table in tables:
        for row in delimited(export, table):
            if isinstance(row, Refused):
                yield row
            elif row.values.get("categories") == NO_CATEGORY and not export.include_private:
                export.left_out["private messages"] += 1
            else:
                refused = Refused(table, row.place, "", msgspec.json.encode(row.values)[:MAX_RAW])
                post = _post(_told(row.values, owner), refused)
                yield from [post] if isinstance(post, Refused) else forum.records(post, table)
    yield from forum.rest()


def _told(values: Mapping[str, str], owner: Owner) -> dict[str, Any]:
    """A row in the words of a post. An archive tells no post's id, only where it stands."""
    told: dict[str, Any] = {ALIASES.get(column, column): value for column, value in values.items()}
    for field in ("created_at", "updated_at", "deleted_at"):
        told[field] = told.get(field, "").replace(" UTC", "Z")
    if "is_pm" not in values:
        return told
    if where := URL.match(values.get("url", "")):
        told |= {"id": address(where[2], where[3]), "topic_id": where[2], "post_number": where[3]}
    author = {"user_id": owner.id, "username": owner.username, "name": owner.name}
    said = {"cooked": values.get("post_cooked"), "raw": values.get("post_raw")}
    return told | author | said | {"category_id": values.get("categories")}


def _owner(export: Export) -> Owner:
    for name in export.files("*preferences.json"):
        found = export.decode(name, Preferences)
        return found.user or found
    return Owner()


def _host(export: Export, tables: list[str]) -> str | None:
    """The forum's address: the first that pictures or links tell."""
    for table in tables:
        head = export.head(table)
        if found := HOST.search(head) or re.search(rb"https?://([\w.-]+)/t/[^/\s]*/\d+/\d+", head):
            return found[1].decode()
    return None
