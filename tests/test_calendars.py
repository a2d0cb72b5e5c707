"""Open hours: what a calendar says of a wait, on the days that are not like the others."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.store import Store
from tests import sparse

BERLIN = "Europe/Berlin"
CHANNELS = [{"channel": "help", "target_hours": 8.0, "calendar": "office"}]


def waits(folder: Path, pairs: list[tuple[str, str | None]], *versions: dict[str, Any], **said: str) -> list[Any]:
    """How long each ask waited in open hours: until its reply, or until the data ends."""
    rows: list[dict[str, Any]] = []
    for number, (asked, answered) in enumerate(pairs):
        rows.append({"id": f"q{number}", "by": f"m{number}", "at": asked})
        if answered:
            rows.append({"by": "staff_kim", "at": answered, "to": f"q{number}", "text": "Turn it twice, then wait."})
    given = {"channels": CHANNELS, "calendars": [{"name": "office", **each} for each in versions]}
    store = sparse.store_of(folder, rows, given=given, until=said.get("until", "2026-12-31T00:00Z"))
    return business(store)["hours"].to_list()


def business(store: Store) -> pl.DataFrame:
    """Hours in which the calendar was open: until the reply or so far, and so far."""
    return store.query(
        "select (coalesce(asks.business_reply, places.business_as_of) - asks.business_asked) / 3.6e9 as hours, "
        "(places.business_as_of - asks.business_asked) / 3.6e9 as age "
        "from asks join places using (place_id) order by asks.message_id"
    )


def test_evenings_weekends_and_holidays_are_no_wait(tmp_path: Path) -> None:
    pairs: list[tuple[str, str | None]] = [
        ("2026-01-06T10:00Z", "2026-01-06T12:30Z"),  # within a day
        ("2026-01-06T16:00Z", "2026-01-07T10:00Z"),  # overnight: 1 + 1
        ("2026-01-09T16:00Z", "2026-01-12T10:00Z"),  # over the weekend: 1 + 1
        ("2026-01-10T10:00Z", "2026-01-11T10:00Z"),  # asked and answered out of hours
        ("2026-01-13T16:00Z", "2026-01-15T10:00Z"),  # Wednesday is a holiday: 1 + 1
        ("2026-01-14T10:00Z", "2026-01-14T12:00Z"),  # on the holiday itself
    ]
    assert waits(tmp_path, pairs, {"holidays": [date(2026, 1, 14)]}) == pytest.approx([2.5, 2, 2, 0, 2, 0])


def test_opening_follows_the_wall_clock_when_summer_time_begins_and_ends(tmp_path: Path) -> None:
    """9:00 in Berlin is 8:00 UTC on Friday, 27 March and 7:00 on Monday; in October the other way round."""
    pairs: list[tuple[str, str | None]] = [
        ("2026-03-27T15:00Z", "2026-03-30T07:30Z"),  # Fr 16:00 to Mo 9:30 there: 1 + 0.5
        ("2026-10-23T14:00Z", "2026-10-26T08:30Z"),  # Fr 16:00 to Mo 9:30 there: 1 + 0.5
    ]
    assert waits(tmp_path, pairs, {"time_zone": BERLIN}) == pytest.approx([1.5, 1.5])


def test_a_day_that_is_open_round_the_clock_has_23_or_25_hours(tmp_path: Path) -> None:
    always = {"time_zone": BERLIN, "days": ["sun"], "opens": time(0), "closes": time(0)}
    pairs: list[tuple[str, str | None]] = [
        ("2026-03-28T12:00Z", "2026-03-30T12:00Z"),
        ("2026-10-24T12:00Z", "2026-10-26T12:00Z"),
        ("2026-11-07T12:00Z", "2026-11-09T12:00Z"),
    ]
    assert waits(tmp_path, pairs, always) == pytest.approx([23, 25, 24])


def test_a_version_changes_nothing_before_its_day(tmp_path: Path) -> None:
    """From Wednesday, 7 January on it opens at noon; what is waited over both days follows each day's own version."""
    pairs: list[tuple[str, str | None]] = [
        ("2026-01-06T09:00Z", "2026-01-06T13:00Z"),  # Tuesday: 4
        ("2026-01-06T16:00Z", "2026-01-07T13:00Z"),  # Tuesday 1, Wednesday 1
        ("2026-01-07T09:00Z", "2026-01-07T13:00Z"),  # Wednesday: 1
    ]
    late = {"opens": time(12), "valid_from": date(2026, 1, 7)}
    assert waits(tmp_path / "two", pairs, late, {}) == pytest.approx([4, 2, 1])  # in whatever order they stand
    assert waits(tmp_path / "one", pairs, late) == [None, None, 1]  # before the first there is no calendar


def test_versions_in_two_time_zones_are_never_open_twice(tmp_path: Path) -> None:
    """New York is open until midnight of the 6th, 5:00 UTC; Auckland's 7th begins before, on the 6th at 11:00 UTC."""
    whole = {"days": ["tue", "wed"], "opens": time(0), "closes": time(0)}
    moved = {**whole, "time_zone": "Pacific/Auckland", "valid_from": date(2026, 1, 7)}
    pairs: list[tuple[str, str | None]] = [("2026-01-06T05:00Z", "2026-01-07T23:00Z")]
    # Tuesday in New York ends on the 7th at 5:00 UTC, Wednesday in Auckland on the 7th at 11:00: 24 + 6.
    assert waits(tmp_path, pairs, {**whole, "time_zone": "America/New_York"}, moved) == pytest.approx([30])


def test_who_still_waits_has_waited_until_the_data_ends(tmp_path: Path) -> None:
    assert waits(tmp_path, [("2026-01-06T16:00Z", None)], {}, until="2026-01-07T11:00Z") == pytest.approx([3])


def test_without_a_calendar_there_are_no_open_hours(tmp_path: Path) -> None:
    store = sparse.store_of(tmp_path, [{"by": "ana", "at": "2026-01-06T10:00Z"}])
    assert business(store).rows() == [(None, None)]


def test_words_that_are_no_longer_kept_still_say_what_they_said(tmp_path: Path) -> None:
    """A courtesy stays one, in the turns that wait and in the team's replies, when its words are gone."""
    rows = [
        {"id": "q1", "by": "ana", "at": "2026-01-06T06:00Z"},
        {"by": "staff_kim", "at": "2026-01-06T07:00Z", "to": "q1", "text": "Turn it twice, then wait."},
        {"by": "ana", "at": "2026-01-06T08:00Z", "to": "q1", "text": "Thanks a lot!"},
        {"by": "staff_kim", "at": "2026-01-06T09:00Z", "to": "q1", "text": "Thank you!"},
        {"by": "ana", "at": "2026-01-06T10:00Z", "to": "q1", "text": "It went dark again just now."},
    ]
    store = Store(tmp_path)
    sparse.load(store, rows)
    said = "select message_id, said from later_turns union all select message_id, said from staff_replies order by all"
    before = store.query(said).rows()
    assert before == [("m1", None), ("m2", "courtesy"), ("m3", "courtesy"), ("m4", None)]
    for brand in ("Lumo", "Lamp"):  # a change of the settings works everything out anew
        sparse.load(store, rows, {"retention": {"text_days": 30}, "community": {"brands": [brand]}})
    assert store.query("select distinct text from messages")["text"].to_list() == [""]
    assert store.query(said).rows() == before
