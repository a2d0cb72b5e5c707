"""Reddit, one account's own data: the .zip of tables that reddit.com/settings/data-request sends.

It holds what the account said, never what others answered: parents are ids of comments it lacks. The account counts
as staff, for who loads an account's own data speaks with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _sheets, reddit
from ingest.exports._format import Format

PLATFORM = reddit.PLATFORM
FORMAT = Format(
    group="Social platforms",
    get=("on reddit.com/settings/data-request > Request data; the .zip comes as a private message, within a month"),
    holds="one account's own posts and comments, with the ids of what they answer",
    cannot_tell="what others said and answered; edits; deletions",
    lacks=("own posts only",),
)

PUBLIC = re.compile(r"(?:.*/)?(?:comments|posts)(?:_\d+)?\.csv")  # large tables come in numbered parts
PRIVATE = re.compile(r"(?:.*/)?(?:messages|messages_archive|chat_history)(?:_\d+)?\.csv")
STATISTICS = re.compile(r"(?:.*/)?statistics\.csv")
COLUMNS = {"id", "permalink", "date", "subreddit"}
KNOWN = (COLUMNS, {"id", "date", "from"}, {"message_id", "created_at"}, {"statistic", "value"})
ADDRESS = re.compile(  # an IP's, of either kind, but not 09:30:00
    rb"\b(?:\d{1,3}\.){3}\d{1,3}\b|[0-9a-fA-F:]{0,30}::[0-9a-fA-F:]{0,30}|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"
)
INBOX = Channel("messages", "Private messages", "chat", True)


class Row(dict[str, str]):
    """A row of a table by its columns; one that it lacks is empty."""

    def __missing__(self, column: str) -> str:
        return ""


def detects(export: Export) -> float:
    """High when comments.csv or posts.csv has Reddit's columns."""
    return 0.9 if any(_sheets.find(export, name, COLUMNS.issubset) for name in _files(export, PUBLIC)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the account with its submissions and comments, a channel for each subreddit."""
    name = _account(export)
    yield Source(PLATFORM, f"u/{name}".lower(), f"u/{name}")
    account = Member(name, name, is_staff=True)
    told: set[Record] = {account}
    yield account
    for file in _files(export, PUBLIC):
        yield from _untold(_records(export, file, lambda row: _said(row, name)), told)
    for file in _files(export, PRIVATE):
        private = _records(export, file, lambda row: _whispered(row, name))
        if export.include_private:
            yield from _untold(private, told)
        else:
            export.left_out["private messages"] += sum(isinstance(each, Message | Refused) for each in private)


def _said(row: Row, account: str) -> Iterator[Record]:
    """A submission or a comment. A comment's parent may be a bare id; without one it answers the submission."""
    link = reddit.POST_LINK.search(row["link"])
    post = reddit.Post(
        _id(row["id"]),
        _moment(row["date"]),
        author=account,
        subreddit=row["subreddit"],
        body=row["body"],
        title=row["title"] or None,
        url=row["url"],
        link_id=link[1] if link else None,
        parent_id=row["parent"],
        permalink=row["permalink"],
    )
    place = reddit.channel(post)
    yield place
    yield reddit.message(post, place.id, account)


def _whispered(row: Row, account: str) -> Iterator[Record]:
    """A private message, or a line of a chat. Whom it went to is not kept."""
    is_chat = "message_id" in row
    place = Channel(row["channel_url"] or "chat", row["channel_name"] or "Chat", "chat", True) if is_chat else INBOX
    writer = row["username"] if is_chat else row["from"]
    is_known = writer not in reddit.NOBODY
    parent_id = row["thread_parent_message_id"] or None
    message = Message(
        _id(row["message_id"]) if is_chat else f"t4_{_id(row['id'])}",
        place.id,
        writer if is_known else None,
        _moment(row["created_at"] if is_chat else row["date"]),
        row["message"] if is_chat else row["body"],
        title=row["subject"] or None,
        conversation_id=row["thread_id"] or parent_id,
        parent_id=parent_id,
        basis="explicit" if parent_id else None,
    )
    yield place
    if is_known and writer != account:
        yield Member(writer, writer)
    yield message


def _id(written: str) -> str:
    if not written:
        raise ValueError("it has no id")
    return written


def _moment(written: str) -> datetime:
    """A time such as 2023-01-15 12:34:56 UTC."""
    moment = datetime.fromisoformat(written.removesuffix(" UTC"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _account(export: Export) -> str:
    for file in _files(export, STATISTICS):
        for found in _rows(export, file):
            if not isinstance(found, Refused) and found[1]["statistic"] == "account name" and found[1]["value"]:
                return found[1]["value"]
    raise ExportError(
        f"reddit_account: {export.name} lacks statistics.csv, which names the account. Load the whole zip."
    )


def _untold(records: Iterable[Record], told: set[Record]) -> Iterator[Record]:
    """Each channel and member once."""
    for record in records:
        if isinstance(record, Channel | Member):
            if record in told:
                continue
            told.add(record)
        yield record


def _records(export: Export, file: str, read_row: Callable[[Row], Iterator[Record]]) -> Iterator[Record]:
    for found in _rows(export, file):
        if isinstance(found, Refused):
            yield found
            continue
        line, row = found
        try:
            yield from read_row(row)
        except (ValueError, OverflowError) as error:
            row.pop("ip", None)
            yield Refused(file, f"line {line}", str(error), msgspec.json.encode(row))


def _files(export: Export, names: re.Pattern[str]) -> list[str]:
    return [name for name in export.files("*.csv") if names.fullmatch(name)]


def _rows(export: Export, file: str) -> Iterator[Refused | tuple[int, Row]]:
    """The rows of a table and their lines. A broken one is kept as it came, without anything like an IP address."""
    sheet = _sheets.find(export, file, lambda columns: any(known.issubset(columns) for known in KNOWN))
    if sheet is None:
        yield Refused(file, "line 1", "its columns are not those that Reddit writes", b"")
        return
    for row in _sheets.rows(export, sheet):
        if isinstance(row, Refused):
            yield msgspec.structs.replace(row, raw=ADDRESS.sub(b"", row.raw))
        else:
            yield row.line, Row(zip(sheet.columns, row.fields, strict=True))
