"""Moments as platforms write them: in UTC, and None where they are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from ingest.exports._moments import epoch, epoch_ms, iso, settle, utc

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FAR_EAST = timezone(timedelta(hours=14))
NEVER = datetime(1, 1, 1, tzinfo=FAR_EAST)  # the day before the first of all


class Said(msgspec.Struct):
    at: datetime
    text: str = ""


class Talk(msgspec.Struct):
    said: Said
    edited_at: datetime | None = None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOON, NOON),
        (datetime(2026, 5, 2, 2, tzinfo=FAR_EAST), NOON),
        (datetime(2026, 5, 1, 12), NOON),  # noqa: DTZ001 - what has no zone is UTC already
        (NEVER, None),
        (None, None),
    ],
)
def test_a_moment_is_put_into_utc(moment: datetime | None, expected: datetime | None) -> None:
    found = utc(moment)
    assert found == expected
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-05-01T12:00:00Z", NOON),
        ("2026-05-01 14:00:00+02:00", NOON),
        ("2026-05-01T12:00", NOON),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("noon", None),
        ("\ud800", None),
        ("", None),
        (None, None),
    ],
)
def test_iso_8601_is_read_or_is_none(written: str | None, expected: datetime | None) -> None:
    assert iso(written) == expected


@pytest.mark.parametrize("seconds", [1e308, -1e308, float("nan"), float("inf"), 10**30, None])
def test_seconds_that_are_no_moment_are_none(seconds: float | None) -> None:
    assert epoch(seconds) is None


def test_seconds_and_thousandths_are_counted_from_1970() -> None:
    assert epoch(1_777_636_800) == NOON
    assert epoch(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert epoch_ms(1_777_636_800_001) == NOON + timedelta(milliseconds=1)
    assert epoch_ms(10**30) is None
    assert epoch_ms(None) is None


def test_every_moment_in_a_struct_is_put_into_utc() -> None:
    talk = Talk(Said(datetime(2026, 5, 2, 2, tzinfo=FAR_EAST)), datetime(2026, 5, 1, 12))  # noqa: DTZ001 - as above
    settle(talk)
    assert talk == Talk(Said(NOON), NOON)
    assert talk.said.at.tzinfo is UTC


def test_a_struct_with_a_moment_outside_all_time_is_none() -> None:
    with pytest.raises(ValueError, match="its at lies outside all time"):
        settle(Talk(Said(NEVER)))
