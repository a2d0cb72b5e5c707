"""Moments as platforms write them, in UTC. What has no zone is UTC already; what is no moment is None, never an error.

A day may be written that no calendar in UTC has, such as the first of the year 1 east of Greenwich.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC."""
    try:
        return moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError:
        return None


def settle(struct: msgspec.Struct) -> None:
    """Put every moment of a struct, and of the structs in it, into UTC. ValueError where one of them is none there."""
    for field in struct.__struct_fields__:
        value = getattr(struct, field)
        if isinstance(value, datetime):
            if (moment := utc(value)) is None:
                raise ValueError(f"its {field} lies outside all time")
            setattr(struct, field, moment)
        elif isinstance(value, msgspec.Struct):
            settle(value)


def iso(written: str | None) -> datetime | None:
    """A moment in ISO 8601."""
    try:
        return utc(datetime.fromisoformat(written)) if written else None
    except ValueError:
        return None


def epoch(seconds: float | None) -> datetime | None:
    """So many seconds after the first of 1970."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def epoch_ms(milliseconds: int | None) -> datetime | None:
    """So many thousandths of a second after the first of 1970, to the last of them."""
    try:
        return None if milliseconds is None else FIRST + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
