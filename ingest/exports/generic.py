"""Any table of messages: CSV, TSV, NDJSON or a JSON list, its columns named in hearth.toml or plainly."""

from __future__ import annotations

import codecs
import csv
import email.utils
import hashlib
import io
import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain

PLATFORM = "generic"
FORMAT = Format(
    group="Help desks, and everything else",
    get=(
        "from wherever it comes; say in hearth.toml, under [[tables]], which column is what: sent_at and text, and "
        "where there are any id, member (an account's own id), name, handle, email, channel, conversation, parent "
        "(the id of what it answers), title, edited_at, deleted_at, is_bot, is_staff, kind, permalink. Facebook "
        "groups, Khoros answers and a hand-made MySpace table are known by their columns"
    ),
    holds=(
        "what its columns say: who, when and what, and the channel, the conversation and the reply where "
        "there are columns for them"
    ),
    cannot_tell="what the file does not hold",
)

Field = Literal[
    "id", "channel", "member", "name", "handle", "email", "sent_at", "text", "title", "conversation",
    "parent", "edited_at", "deleted_at", "is_bot", "is_staff", "kind", "permalink",
]  # fmt: skip
REQUIRED: tuple[Field, ...] = ("sent_at", "text")
COMMON: dict[Field, str] = {
    "id": "id message_id msg_id post_id tweet_id comment_id",
    "sent_at": "sent_at created_at timestamp date time datetime created_utc published_at posted_at created",
    "text": "text body content message raw comment",
    "member": "member_id author_id user_id sender_id member author user from username sender",
    "name": "name display_name author_name user_name full_name username author user",
    "handle": "handle screen_name username",
    "email": "email email_address author_email",
    "title": "title subject",
    "channel": "channel channel_name topic subreddit forum channel_id",
    "conversation": "conversation conversation_id thread thread_id thread_ts topic_id",
    "parent": "parent parent_id in_reply_to reply_to reply_to_id in_response_to_tweet_id",
    "edited_at": "edited_at",
    "deleted_at": "deleted_at",
    "is_bot": "is_bot bot",
    "is_staff": "is_staff staff",
    "kind": "kind",
    "permalink": "permalink url link",
}
DELIMITED = (".csv", ".tsv")
LINES = (".ndjson", ".jsonl")
YES = {"1", "true", "t", "yes", "y"}
NEVER = {"", "0", "false", "f", "no", "n", "none", "null", "-", "0000-00-00", "0000-00-00 00:00:00"}
NOBODY = {"", "[deleted]"}
UNTOLD = "whether it is deleted cannot be read: its deleted_at is no time, yes or no"
EPOCH = re.compile(r"\d{9,}(\.\d+)?")
EPOCH_UNITS = ((1e14, 1e6), (1e11, 1e3), (0, 1))  # from this size on a number counts this many to a second
MAX_FIELD = 1 << 20  # characters; what is longer is a quote that was never closed
RECORD, TEXT = msgspec.json.Decoder(dict[str, msgspec.Raw]), msgspec.json.Decoder(str)
FILES = 20  # so many are looked at to find out whether there are tables at all
LOOK = 50  # how many JSON records are looked at for their keys


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One [[tables]] of hearth.toml: which files it reads, and what their columns are.

    A column is a header's name, a key, a path of keys ("author.id"), or "=something" for a fixed value.
    """

    match: str = "*"
    platform: str = PLATFORM
    source: str | None = None
    name: str | None = None
    channel: str | None = None
    kind: Literal["chat", "forum"] | None = None
    time_zone: str = "UTC"
    sent_at_format: str | None = None
    markup: Literal["plain", "html"] = "plain"
    columns: dict[Field, str] = {}


ALLOWED: dict[str, tuple[str, ...]] = {
    "columns": get_args(Field),
    "kind": ("chat", "forum"),
    "markup": ("plain", "html"),
}


class Shipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What generic.toml holds: tables that are known by their columns."""

    tables: tuple[Table, ...]


class Row(NamedTuple):
    """A record by column, and where it stands."""

    place: str
    values: Mapping[str, str]


Fields = Mapping[Field, str]


class Plan(NamedTuple):
    """How one file is read."""

    file: str
    table: Table
    columns: dict[Field, str]
    zone: ZoneInfo


def detects(export: Export) -> float:
    """Low, so that a platform's own reader wins; higher where hearth.toml or column names explain a file."""
    sure, lists = _named(export)
    mapped = [table for table in _tables(export) if table.match != "*"]
    likely = (name for name in sure + lists if any(_is_mapped(name, table) for table in mapped))
    if any(name in sure or _is_list(export, name) for name in islice(likely, FILES)):
        return 0.3
    names = list(islice(chain(sure, (name for name in lists[:FILES] if _is_list(export, name))), 3))
    if any(_known(export, name) for name in names):
        return 0.3
    tables = [columns for name in names if len(columns := _found(export, name)) > 1]
    if any(set(REQUIRED) <= set(_recognised(columns, {})) for columns in tables):
        return 0.25
    return 0.2 if tables else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one source, then each row of each file that a mapping, or its column names, explain."""
    plans = _plans(export)
    yield _source(export, [plan.table for plan in plans])
    community = _Community()
    for plan in plans:
        for row in _rows(export, plan.file):
            yield from [row] if isinstance(row, Refused) else community.records(row, plan)


class _Community:
    """What must be remembered between rows."""

    def __init__(self) -> None:
        self.channels: set[str] = set()
        self.members: dict[str, Member] = {}
        self.nameless: Counter[str] = Counter()  # rows without an id, by their content

    def records(self, row: Row, plan: Plan) -> Iterator[Record]:
        fields = {
            field: column[1:] if column.startswith("=") else row.values.get(column, "")
            for field, column in plan.columns.items()
        }
        sent_at = _moment_or_none(fields["sent_at"], plan)
        if sent_at is None:
            yield Refused(plan.file, row.place, _no_time(fields["sent_at"]), msgspec.json.encode(row.values))
            return
        try:
            deleted_at = _deleted_at(fields.get("deleted_at", ""), plan, sent_at)
        except (ValueError, OverflowError, OSError):
            yield Refused(plan.file, row.place, UNTOLD, msgspec.json.encode(row.values))
            return
        channel_id = fields.get("channel") or _default_channel(plan)
        if channel_id not in self.channels:
            self.channels.add(channel_id)
            yield Channel(channel_id, channel_id, plan.table.kind)
        member = _member(fields)
        if member and self.members.get(member.id) != member:
            self.members[member.id] = member
            yield msgspec.structs.replace(member, updated_at=sent_at)
        message = _message(self._id(fields, channel_id), fields, plan, channel_id, member, sent_at)
        yield msgspec.structs.replace(message, deleted_at=deleted_at) if deleted_at else message

    def _id(self, fields: Fields, channel_id: str) -> str:
        if found := fields.get("id"):
            return found
        said = "\n".join((channel_id, fields.get("member", ""), fields["sent_at"], fields["text"]))
        content = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:20]
        self.nameless[content] += 1
        return f"row:{content}:{self.nameless[content]}"


def _message(
    row_id: str, fields: Fields, plan: Plan, channel_id: str, member: Member | None, sent_at: datetime
) -> Message:
    conversation_id, parent_id = fields.get("conversation") or None, fields.get("parent") or None
    return Message(
        row_id,
        channel_id,
        member.id if member else None,
        sent_at,
        plain(fields["text"]) if plan.table.markup == "html" else fields["text"].replace("\r\n", "\n"),
        kind="system" if fields.get("kind", "").lower() == "system" else "message",
        title=fields.get("title") or None,
        conversation_id=conversation_id,
        parent_id=parent_id,
        basis="explicit" if parent_id else None,  # no column says which message opened a conversation: the first did
        edited_at=_moment_or_none(fields.get("edited_at", ""), plan),
        permalink=link if (link := fields.get("permalink", "")).startswith(("https://", "http://")) else None,
    )


def _member(fields: Fields) -> Member | None:
    """A table that has names only gives a member the id "name:...", so that it is never taken for one."""
    name = fields.get("name") or fields.get("handle") or ""
    member_id = fields.get("member") or (f"name:{name.casefold()}" if name not in NOBODY else "")
    if member_id in NOBODY:
        return None
    return Member(
        member_id,
        name or member_id,
        handle=fields.get("handle") or None,
        email=fields.get("email") or None,
        is_bot=fields.get("is_bot", "").lower() in YES,
        is_staff=fields.get("is_staff", "").lower() in YES,
    )


def _default_channel(plan: Plan) -> str:
    """Where no column says it: the mapping's channel, else the file's folder, else the file."""
    path = PurePosixPath(plan.file)
    return (plan.table.channel or "").removeprefix("=") or path.parent.name or path.stem


def _no_time(written: str) -> str:
    if not written:
        return "it has no time"
    return "its time cannot be read: set sent_at_format in [[tables]] of hearth.toml"


def _deleted_at(written: str, plan: Plan, sent_at: datetime) -> datetime | None:
    """When a message was deleted, if it was: a bare yes does not tell when. Else ValueError, OverflowError or OSError.

    What cannot be read is not taken for either: people would see what is gone, or lose what is not.
    """
    said = written.strip().lower()
    return None if said in NEVER else sent_at if said in YES else _moment(written, plan)


def _moment_or_none(written: str, plan: Plan) -> datetime | None:
    try:
        return _moment(written, plan) if written else None
    except (ValueError, OverflowError, OSError):
        return None


def _moment(written: str, plan: Plan) -> datetime:
    """A time in UTC: by the mapping's format, else epoch s, ms or µs, ISO 8601, RFC 2822. Else ValueError."""
    written = written.strip()
    if plan.table.sent_at_format:
        moment = datetime.strptime(written, plan.table.sent_at_format)  # noqa: DTZ007 - its zone is set below
    elif EPOCH.fullmatch(written):
        number = float(written)
        return datetime.fromtimestamp(number / next(unit for size, unit in EPOCH_UNITS if number >= size), UTC)
    else:
        moment = _iso_or_rfc(
            re.sub(r" ?(UTC|GMT)$", "+00:00", written) if written.endswith(("UTC", "GMT")) else written
        )
    return (moment if moment.tzinfo else moment.replace(tzinfo=plan.zone)).astimezone(UTC)


def _iso_or_rfc(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return email.utils.parsedate_to_datetime(written)


# Which files, and what their columns are


def _files(export: Export) -> list[str]:
    sure, lists = _named(export)
    return sorted(sure + [name for name in lists if _is_list(export, name)])


def _named(export: Export) -> tuple[list[str], list[str]]:
    """The files whose names say that they are tables, and those that may hold a list."""
    names = export.files()
    sure = [name for name in names if name.lower().endswith((*DELIMITED, *LINES))]
    return sure, [name for name in names if name.lower().endswith(".json")]


def _is_list(export: Export, name: str) -> bool:
    return re.match(rb"(?:\xef\xbb\xbf)?\s*\[\s*\{", export.head(name, 1024)) is not None


def _tables(export: Export) -> list[Table]:
    return [_table(mapping, row) for row, mapping in enumerate(export.mappings, 1)]


def _table(mapping: Mapping[str, Any], row: int) -> Table:
    try:
        return msgspec.convert(dict(mapping), Table)
    except msgspec.ValidationError as error:
        allowed = next((names for part, names in ALLOWED.items() if f"$.{part}`" in str(error)), None)
        if "unknown field" in str(error):
            allowed = Table.__struct_fields__
        told = f" Allowed: {', '.join(allowed)}." if allowed else ""
        raise ExportError(f"hearth.toml: [[tables]], row {row}: {error}.{told}") from None


def _is_mapped(name: str, table: Table) -> bool:
    return fnmatchcase(name, table.match) or fnmatchcase(PurePosixPath(name).name, table.match)


@cache
def _shipped() -> tuple[Table, ...]:
    return msgspec.toml.decode((Path(__file__).parent / "generic.toml").read_bytes(), type=Shipped).tables


def _known(export: Export, name: str) -> Table | None:
    """The shipped table all of whose columns a file has."""
    found = set(_found(export, name))
    return next((table for table in _shipped() if found.issuperset(table.columns.values())), None)


def _plans(export: Export) -> list[Plan]:
    """The files that a mapping matches; without one, all tables. The first mapping that matches counts."""
    names, tables = _files(export), _tables(export)
    mapped = [(name, next((table for table in tables if _is_mapped(name, table)), None)) for name in names]
    chosen = [(name, table) for name, table in mapped if table]
    chosen = chosen or [(name, table) for name in names if (table := _known(export, name))]
    chosen = chosen or [(name, Table()) for name in names]
    if not chosen:
        raise ExportError(f"generic: {export.name} holds no .csv, .tsv, .ndjson or .jsonl, and no .json list.")
    return [Plan(name, table, _columns(export, name, table), _zone(table)) for name, table in chosen]


def _zone(table: Table) -> ZoneInfo:
    try:
        return ZoneInfo(table.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ExportError(f"hearth.toml: [[tables]]: there is no time zone {table.time_zone!r}") from None


def _source(export: Export, tables: list[Table]) -> Source:
    stem = export.name if export.path.is_dir() else PurePosixPath(export.name.removesuffix(".gz")).stem
    if len({(table.platform, table.source) for table in tables}) > 1:
        raise ExportError(f"generic: {export.name} has files of several sources. Load them one by one.")
    table = tables[0]
    source_id = table.source or stem
    return Source(table.platform, source_id, table.name or source_id)


def _columns(export: Export, name: str, table: Table) -> dict[Field, str]:
    """Which column holds each field: as the mapping says, the rest by common names."""
    found = _found(export, name)
    columns = _recognised(found, table.columns)
    fixed = {"", *(column for column in columns.values() if column.startswith("="))}
    sparse = not name.lower().endswith(DELIMITED)  # JSON records may leave a key out
    for field, column in columns.items():
        if column not in found and column not in fixed and not (sparse and field not in REQUIRED):
            raise ExportError(f"hearth.toml: {name} has no column {column!r}. Its columns: {', '.join(found)}")
    missing = [field for field in REQUIRED if not columns.get(field)]
    if missing:
        raise ExportError(_unmapped(name, found, columns, missing))
    return {field: column for field, column in columns.items() if column}


def _unmapped(name: str, found: list[str], columns: Fields, missing: list[Field]) -> str:
    asked = {**columns, **dict.fromkeys(missing, "...")}
    mapping = ", ".join(f"{field} = {json.dumps(column, ensure_ascii=False)}" for field, column in asked.items())
    return (
        f"generic: in {name} no column is known to be its {' or '.join(missing)}. "
        f"Its columns: {', '.join(found)}. Say which is which in hearth.toml:\n\n"
        f'[[tables]]\nmatch = "{PurePosixPath(name).name}"\ncolumns = {{ {mapping} }}\n'
    )


def _recognised(found: Iterable[str], given: Mapping[Field, str]) -> dict[Field, str]:
    """The given columns, then those with a common name; letters' case, spaces and dashes do not count."""
    plain = {re.sub(r"[\s-]+", "_", column.strip().lower()): column for column in reversed(list(found))}
    columns = dict(given)
    for field, names in COMMON.items():
        free = (plain[name] for name in names.split() if name in plain and plain[name] not in columns.values())
        if field not in columns and (column := next(free, None)) is not None:
            columns[field] = column
    return columns


def _found(export: Export, name: str) -> list[str]:
    """A file's columns: its header, or the keys of its first records."""
    text = _start(export, name)
    if name.lower().endswith(DELIMITED):
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)), [])
        return [column.strip() for column in first]
    return list(dict.fromkeys(key for record in islice(_first_objects(text), LOOK) for key in record))


def _first_objects(text: str) -> Iterator[list[str]]:
    decoder, at = json.JSONDecoder(), 0
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n,["))
        try:
            _, end = decoder.raw_decode(text, at)
            record = msgspec.json.decode(text[at:end], type=dict[str, msgspec.Raw])
        except (ValueError, *UNFIT):
            return
        yield [key for key, _ in _flat(record)]
        at = end


# Rows


def _rows(export: Export, name: str) -> Iterator[Row | Refused]:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in DELIMITED:
        return delimited(export, name)
    return _json_lines(export, name) if suffix in LINES else _json_list(export, name)


def delimited(export: Export, name: str) -> Iterator[Row | Refused]:
    """The rows of a CSV. Empty rows are no rows; a row with a field too few or too many is refused.

    A header is no row either, wherever it stands: joined files repeat it.
    """
    with _text(export, name, newline="") as stream:
        header = _found(export, name)
        rows = _Delimited(stream, _delimiter(_start(export, name)), len(header))
        while True:
            try:
                row = rows.next()
            except csv.Error as error:
                yield Refused(name, f"line {rows.line}", str(error), rows.give_back())
                continue
            if row is None:
                return
            if any(row) and [column.strip() for column in row] != header:
                yield Row(f"line {rows.line}", dict(zip(header, row, strict=True)))


class _Delimited:
    """Rows of a CSV, each with the lines it took.

    All but the first line of a broken row can be given back: one lost quote must not swallow what follows.
    """

    def __init__(self, stream: Iterable[str], delimiter: str, width: int) -> None:
        self.stream = iter(stream)
        self.width = width  # how many fields a row must have
        self.delimiter = delimiter
        self.returned: deque[str] = deque()
        self.taken: list[str] = []
        self.line = 1  # where the row began
        csv.field_size_limit(MAX_FIELD)

    def next(self) -> list[str] | None:
        """The next row, None at the end; csv.Error where it is broken."""
        self.line += len(self.taken)
        self.taken.clear()
        row = next(csv.reader(self._lines(), delimiter=self.delimiter, strict=True), None)
        if row and any(row) and len(row) != self.width:
            raise csv.Error(f"it has {len(row)} fields, the header has {self.width}")
        return row

    def _lines(self) -> Iterator[str]:
        while (line := self.returned.popleft() if self.returned else next(self.stream, None)) is not None:
            self.taken.append(line)
            yield line

    def give_back(self) -> bytes:
        """Keep the row's first line, which is returned; the others are read again."""
        self.returned.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        return "".join(self.taken).encode("utf-8", "replace")


def _json_lines(export: Export, name: str) -> Iterator[Row | Refused]:
    with _text(export, name, newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield Row(f"line {number}", dict(_flat(RECORD.decode(line))))
            except UNFIT as error:
                raw = line.rstrip("\r\n").encode("utf-8", "replace")
                yield Refused(name, f"line {number}", str(error), raw)


def _json_list(export: Export, name: str) -> Iterator[Row | Refused]:
    for number, record in enumerate(export.array(name, dict[str, msgspec.Raw]), 1):
        if isinstance(record, Refused):
            yield record
            continue
        try:
            yield Row(f"record {number}", dict(_flat(record)))
        except UNFIT as error:
            yield Refused(name, f"record {number}", str(error), msgspec.json.encode(record))


def _flat(record: Mapping[str, msgspec.Raw], above: str = "") -> Iterator[tuple[str, str]]:
    """Each key, or path of keys, and its value as text. Numbers stay as they were written."""
    for key, value in record.items():
        raw = bytes(value)
        if raw.startswith(b"{"):
            yield from _flat(RECORD.decode(raw), f"{above}{key}.")
        elif raw.startswith(b'"'):
            yield above + key, TEXT.decode(raw)
        else:
            yield above + key, "" if raw == b"null" else raw.decode("utf-8", "replace")


def _text(export: Export, name: str, newline: str) -> io.TextIOWrapper:
    encoding = _encoding(export.head(name, 4))
    return io.TextIOWrapper(export.open(name), encoding=encoding, errors="replace", newline=newline)


def _start(export: Export, name: str) -> str:
    head = export.head(name)
    return head.decode(_encoding(head), "replace")


def _encoding(head: bytes) -> str:
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)
