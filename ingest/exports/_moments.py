"""Moments as platforms write them, in UTC. What has no zone is UTC already; what is no moment is None, never an error.

A day may be written that no calendar in UTC has, such as the first of the year 1 east of Greenwich.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC."""
    if moment is None or moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None


def settle(struct: msgspec.Struct) -> None:
    """Put every moment of a struct, and of the structs in it, into UTC. ValueError where one of them is none there."""
    for field in _timed(type(struct)):
        value = getattr(struct, field)
        if value is None:
            continue
        if isinstance(value, datetime):
            if value.tzinfo is UTC:
                continue
            if (moment := utc(value)) is None:
                raise ValueError(f"its {field} lies outside all time")
            setattr(struct, field, moment)
        elif isinstance(value, msgspec.Struct):
            settle(value)


@cache
def _timed(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a struct that may hold a moment or another struct."""
    hints = get_type_hints(kind)
    return tuple(field for field in kind.__struct_fields__ if _may_tell(hints[field]))


def _may_tell(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, datetime | msgspec.Struct):
        return True
    return any(map(_may_tell, get_args(hint)))


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
