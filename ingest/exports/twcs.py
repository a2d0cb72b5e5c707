"""X: the research file "Customer Support on Twitter" (twcs.csv), and copies of it that pandas or Excel saved again.

Accounts are numbers in it, but for the companies, which are staff. Saved again, an id may be 3.0, the ids' own column
may have lost its name, and rows may be blank by the hundred thousand, or broken. `response_tweet_id` says again, and
after Excel often wrongly, what `in_response_to_tweet_id` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from data.records import Channel, Member, Messages, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _sheets
from ingest.exports._format import Format
from ingest.exports._sheets import Row, Sheet
from ingest.exports.x import moment

PLATFORM = "x"
FORMAT = Format(
    group="Social platforms",
    get="on kaggle.com: the data set Customer Support on Twitter > Download; load twcs.csv",
    holds=("three million posts between customers and companies, with what each answers; the companies are staff"),
    cannot_tell="who the customers are; which company a question without an answer was for",
    is_seen=True,
)

COLUMNS = ("author_id", "inbound", "created_at", "text", "in_response_to_tweet_id")  # no other file has all five
IS_STAFF = {"true": False, "false": True}  # by what `inbound` says
CHANNEL = Channel("posts", "posts", "forum")
MENTION = re.compile(r"@(\w+)")
NOBODY: list[str] = []
MANY = 2_000  # rows that make a table: more at once only keep the garbage collector busy


def detects(export: Export) -> float:
    """High where one of the first CSVs has the columns of twcs.csv."""
    return 0.95 if any(_sheet(export, name) for name in islice(export.files("*.csv"), 5)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the one source that every copy and slice of the file belongs to, its accounts, and its posts."""
    sheets = [sheet for name in export.files("*.csv") if (sheet := _sheet(export, name))]
    if not sheets:
        raise ExportError(f"x: {export.name} holds no CSV with the columns {', '.join(COLUMNS)}.")
    yield Source(PLATFORM, "customer-support-on-twitter", "Customer Support on Twitter")
    yield CHANNEL
    companies: dict[str, bool] = {}  # every account met, and whether it is a company's
    for sheet in sheets:
        found = _sheets.rows(export, sheet)
        while batch := list(islice(found, MANY)):
            yield from (row for row in batch if isinstance(row, Refused))
            if rows := [row for row in batch if isinstance(row, Row)]:
                yield from _records(rows, sheet, companies)


def _sheet(export: Export, name: str) -> Sheet | None:
    """A file's table. Excel copies leave the ids' column, the first, without a name."""
    sheet = _sheets.find(export, name, lambda columns: set(COLUMNS) <= set(columns))
    if sheet and "tweet_id" not in sheet.columns:
        return sheet._replace(columns=["tweet_id", *sheet.columns[1:]]) if not sheet.columns[0] else None
    return sheet


def _records(rows: list[Row], sheet: Sheet, companies: dict[str, bool]) -> Iterator[Record]:
    """The accounts and posts of some rows; refused are those without an id, an author, a side or a time."""
    fields = dict(zip(sheet.columns, zip(*(row.fields for row in rows), strict=True), strict=True))
    ids, authors = [_id(written) for written in fields["tweet_id"]], fields["author_id"]
    sides = [IS_STAFF.get(written.strip().lower()) for written in fields["inbound"]]
    sent_at = [_microseconds(written) for written in fields["created_at"]]
    faults = list(map(_fault, ids, authors, sides, sent_at))
    for row, fault, author, side in zip(rows, faults, authors, sides, strict=True):
        if fault:
            yield Refused(sheet.file, f"line {row.line}", fault, ",".join(row.fields).encode("utf-8", "replace"))
        elif side is not None and side > companies.get(author, -1):
            companies[author] = side
            yield Member(author, author, author if side else None, is_staff=side)
    parents = [_id(written) or None for written in fields["in_response_to_tweet_id"]]
    table = _table(ids, authors, sent_at, fields["text"], parents).filter(pa.array([not fault for fault in faults]))
    yield from [Messages(table)] if len(rows) > MANY // 2 else Messages(table).singly()


def _fault(post_id: str, author: str, is_staff: bool | None, sent_at: int | None) -> str | None:
    if not (post_id and author):
        return "it has no tweet_id" if author else "it has no author_id"
    if is_staff is None:
        return "inbound is neither True nor False"
    return "its time cannot be read" if sent_at is None else None


def _table(
    ids: list[str], authors: Sequence[str], sent_at: list[int | None], texts: Sequence[str], parents: list[str | None]
) -> pa.Table:
    text = pa.array(texts, pa.string())
    for escape, sign in (("\r\n", "\n"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = pc.replace_substring(text, escape, sign)
    parent_id = pa.array(parents, pa.string())
    return pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "channel_id": pa.repeat(CHANNEL.id, len(ids)),
            "member_id": pa.array(authors, pa.string()),
            "sent_at": pa.array(sent_at, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "text": text,
            "parent_id": parent_id,
            "basis": pc.if_else(parent_id.is_valid(), "explicit", pa.scalar(None, pa.string())),
            "mentions": pa.array([_mentions(said) for said in texts], pa.list_(pa.string())),
        }
    )


def _id(written: str) -> str:
    """An id without the ".0" that pandas adds in a column with gaps."""
    return written.strip().removesuffix(".0")


def _mentions(text: str) -> list[str]:
    """The accounts addressed: numbers, as the authors are."""
    found = MENTION.findall(text) if "@" in text else NOBODY
    return found if len(found) < 2 else list(dict.fromkeys(found))


def _microseconds(written: str) -> int | None:
    """A time as X writes it, or ISO 8601 as pandas does, since 1970; None where it cannot be read."""
    try:
        return round(moment(written).timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        return None
