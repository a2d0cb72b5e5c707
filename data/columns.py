"""Records as columns: what the database takes in one go, instead of row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from data.records import Audience, Channel, Member, Message, Messages, Reaction, Refused
from data.settings import Calendar, ChannelRow, RosterRow, Weekday, midnight

MICROSECONDS = pa.timestamp("us", "UTC")
RAW_KEPT = 65_536  # bytes of a refused record that the quarantine keeps
ALWAYS = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))

ROSTER = pa.schema(
    [(name, pa.string()) for name in ("role", "platform", "source", "id", "name", "email_domain", "pattern")]
    + [("valid_from", MICROSECONDS), ("valid_to", MICROSECONDS), ("position", pa.int32())]
)
CHANNEL_RULES = pa.schema(
    [(name, pa.string()) for name in ("channel", "platform", "source", "purpose", "calendar")]
    + [
        ("target_hours", pa.float64()),
        ("position", pa.int32()),
        (
            "versions",
            pa.list_(
                pa.struct(
                    [
                        ("time_zone", pa.string()),
                        ("days", pa.list_(pa.int64())),  # 1 is Monday
                        ("opens", pa.duration("us")),
                        ("closes", pa.duration("us")),
                        ("holidays", pa.list_(pa.date32())),
                        ("valid_from", pa.date32()),
                        ("valid_to", pa.date32()),
                    ]
                )
            ),
        ),
    ]
)


MARKS = pa.schema([(name, pa.string()) for name in ("platform", "source", "message_id", "value")])
PERSONS = pa.schema([*((name, pa.string()) for name in ("platform", "source", "member_id")), ("person", pa.int32())])

STRINGS = (
    "id",
    "channel_id",
    "member_id",
    "text",
    "kind",
    "title",
    "conversation_id",
    "parent_id",
    "basis",
    "permalink",
)
MESSAGES = pa.schema(
    [(name, pa.string()) for name in STRINGS]
    + [(name, MICROSECONDS) for name in ("sent_at", "edited_at", "deleted_at")]
    + [("mentions", pa.list_(pa.string())), ("attachments", pa.int32())]
)
DEFAULTS = {"kind": "message", "attachments": 0, "mentions": []}


def message_table(messages: list[Message], many: list[Messages]) -> pa.Table:
    """Messages that came singly and by the table, as one table."""
    return pa.concat_tables([_singles(messages), *(_filled(each.table) for each in many)])


def _singles(messages: list[Message]) -> pa.Table:
    table = {name: _strings(list(map(attrgetter(name), messages))) for name in STRINGS}
    for name in ("sent_at", "edited_at", "deleted_at"):
        table[name] = _moments(list(map(attrgetter(name), messages)))
    table["mentions"] = pa.array([each.mentions for each in messages], pa.list_(pa.string()))
    table["attachments"] = pa.array([each.attachments for each in messages], pa.int32())
    return pa.table(table, schema=MESSAGES)


def _filled(table: pa.Table) -> pa.Table:
    """A reader's table with every column of the schema."""
    given = set(table.column_names)
    return pa.table(
        {
            field.name: table[field.name]
            if field.name in given
            else pa.repeat(pa.scalar(DEFAULTS.get(field.name), field.type), table.num_rows)
            for field in MESSAGES
        },
        schema=MESSAGES,
    )


def refused_rows(table: pa.Table, file: str, reason: str) -> list[Refused]:
    """Rows that cannot be kept, as the quarantine takes them."""
    return [
        Refused(file, f"message {row['id']}", reason, msgspec.json.encode(row, enc_hook=str))
        for row in table.to_pylist()
    ]


def _strings(values: Sequence[str | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:  # half a surrogate pair: no UTF-8 can hold it
        return pa.array([None if v is None else v.encode("utf-8", "replace").decode() for v in values], pa.string())


def _moments(values: Sequence[datetime | None]) -> pa.Array:
    """Aware datetimes as microseconds. pyarrow itself asks each for its offset, which is 30 times slower."""
    if not any(values):
        return pa.nulls(len(values), MICROSECONDS)
    seconds = pa.array([None if value is None else value.timestamp() for value in values], pa.float64())
    return pc.round(pc.multiply(seconds, 1e6)).cast(pa.int64()).cast(MICROSECONDS)


def channel_table(channels: list[Channel]) -> pa.Table:
    """Channels."""
    return pa.table(
        {
            "channel_id": _strings([each.id for each in channels]),
            "name": _strings([each.name for each in channels]),
            "kind": _strings([each.kind for each in channels]),
            "is_private": pa.array([each.is_private for each in channels], pa.bool_()),
            "updated_at": _moments([each.updated_at for each in channels]),
        }
    )


def member_table(members: list[Member]) -> pa.Table:
    """Members: of an address only its domain and a hash."""
    addresses = [each.email.strip().lower() if each.email else None for each in members]
    return pa.table(
        {
            "member_id": _strings([each.id for each in members]),
            "name": _strings([each.name for each in members]),
            "handle": _strings([each.handle for each in members]),
            "email_hash": _strings([a and hashlib.sha256(a.encode("utf-8", "replace")).hexdigest() for a in addresses]),
            "email_domain": _strings([a and a.rpartition("@")[2] for a in addresses]),
            "is_bot": pa.array([each.is_bot for each in members], pa.bool_()),
            "is_staff": pa.array([each.is_staff for each in members], pa.bool_()),
            "updated_at": _moments([each.updated_at for each in members]),
        }
    )


def reaction_table(reactions: list[Reaction]) -> pa.Table:
    """Reactions."""
    return pa.table(
        {
            "message_id": _strings([each.message_id for each in reactions]),
            "name": _strings([each.name for each in reactions]),
            "member_id": _strings([each.member_id for each in reactions]),
            "count": pa.array([each.count for each in reactions], pa.int32()),
        }
    )


def audience_table(audience: list[Audience]) -> pa.Table:
    """Audience totals."""
    return pa.table(
        {
            "measure": _strings([each.measure for each in audience]),
            "of_what": _strings([each.of for each in audience]),
            "measured_at": _moments([each.measured_at for each in audience]),
            "value": pa.array([each.value for each in audience], pa.float64()),
        }
    )


def refused_table(refused: list[Refused], *, keeps_raw: bool = True) -> pa.Table:
    """Refused records, each once; without their bytes where those are not to be kept."""
    distinct = {
        hashlib.sha256(f"{each.file}\0{each.reason}\0".encode() + each.raw).hexdigest(): each for each in refused
    }
    return pa.table(
        {
            "refused_id": _strings(list(distinct)),
            "file": _strings([each.file for each in distinct.values()]),
            "place": _strings([each.place for each in distinct.values()]),
            "reason": _strings([each.reason for each in distinct.values()]),
            "raw": pa.array([each.raw[: RAW_KEPT if keeps_raw else 0] for each in distinct.values()], pa.binary()),
        }
    )


def roster_table(roster: Sequence[RosterRow], zone: ZoneInfo) -> pa.Table:
    """The roster, its days as moments: a row holds from the midnight of valid_from up to that of valid_to."""
    rows = [
        {
            **msgspec.structs.asdict(row),
            "position": position,
            "pattern": row.pattern.lower() if row.pattern else None,
            "valid_from": midnight(row.valid_from, zone) or ALWAYS[0],
            "valid_to": midnight(row.valid_to, zone) or ALWAYS[1],
        }
        for position, row in enumerate(roster)
    ]
    return pa.Table.from_pylist(rows, schema=ROSTER)


def mark_table(decided: Sequence[Mapping[str, str]] = ()) -> pa.Table:
    """What people decided of single messages: platform, source, message_id, value."""
    rows = [{**row, "message_id": row["native_id"]} for row in decided]
    return pa.Table.from_pylist(rows, schema=MARKS)


def person_table(accounts: Sequence[Mapping[str, str | int]] = ()) -> pa.Table:
    """Accounts that are one person with others: platform, source, member_id, and the person by a number."""
    return pa.Table.from_pylist(accounts, schema=PERSONS)


def channel_rule_table(channels: Sequence[ChannelRow], calendars: Sequence[Calendar], time_zone: str) -> pa.Table:
    """What the settings say of channels, in their order, each with the versions of its calendar."""
    rows = [
        {
            **msgspec.structs.asdict(row),
            "position": position,
            "versions": _versions([each for each in calendars if each.name == row.calendar], time_zone),
        }
        for position, row in enumerate(channels)
    ]
    return pa.Table.from_pylist(rows, schema=CHANNEL_RULES)


def _versions(calendar: Sequence[Calendar], time_zone: str) -> list[dict[str, Any]]:
    """A calendar's versions in their order, each up to the day of the next."""
    ordered = sorted(calendar, key=lambda each: each.valid_from or ALWAYS[0].date())
    days = [each.valid_from or ALWAYS[0].date() for each in ordered] + [ALWAYS[1].date()]
    return [
        {
            "time_zone": each.time_zone or time_zone,
            "days": [get_args(Weekday).index(day) + 1 for day in each.days],
            "opens": _since_midnight(each.opens),
            "closes": _since_midnight(each.closes) or timedelta(days=1),
            "holidays": each.holidays,
            "valid_from": valid_from,
            "valid_to": valid_to,
        }
        for each, (valid_from, valid_to) in zip(ordered, pairwise(days), strict=True)
    ]


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)
