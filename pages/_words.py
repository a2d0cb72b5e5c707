"""How a number reads: short, plain, and honest about what is not known.

The words are English, and so are the names of the months, which cannot be mistaken anywhere. Thousands are set apart,
and day, month and year stand in the order, as the reader's browser would have it: "9 Nov 2026" or "Nov 9, 2026".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from metrics import guard

UNKNOWN = "unknown"
FEW = guard.FEW
"""Under so many, a share is told as "7 of 12": a percentage would claim more than is known."""
VERDICTS: dict[guard.Verdict, tuple[str, str]] = {
    "clear better": ("▲", "green"),
    "clear worse": ("▼", "red"),
    "no clear change": ("●", "gray"),
    "too early": ("◔", "gray"),
    "too few to compare": ("○", "gray"),
    "cannot be compared": ("○", "gray"),
}
"""A verdict's shape and the theme's colour for it. The shape points where it is good, not where it is more."""
NO_BEFORE = "there is no week before it"
"""Why nothing can be said of a change in the very first week."""
BAND = f"the band is the 95\u00a0% interval, hollow points stand on fewer than {FEW}."

SOUNDS = "How words sound is a scorer's guess: it misses sarcasm and slang, and knows English only."
"""To be said wherever it is told how somebody sounds."""
BETWEEN = {
    "’": "de-CH de-LI it-CH rm",
    ".": "ca da de el es gl hr id is it nl pt ro sl sr tr vi",
    "\u202f": "be bg cs de-AT et fi fr hu hy ka kk lt lv nb nn no pl pt-PT ru sk sq sv uk",
}
"""What stands between thousands, and in which languages and countries; a comma in all the others."""
SPELLED = {
    "github": "GitHub", "google_plus": "Google+", "irc": "IRC", "linkedin": "LinkedIn", "phpbb": "phpBB",
    "rocketchat": "Rocket.Chat", "stackexchange": "Stack Exchange", "vbulletin": "vBulletin", "whatsapp": "WhatsApp",
    "wordpress": "WordPress", "x": "X", "youtube": "YouTube",
}  # fmt: skip
"""The platforms whose names are more than a word with a capital."""
DAYS = {
    "%b %-d, %Y": "en-US en-CA en-PH en-PR en-GU en-VI",
    "%Y %b %-d": "hu ja ko lt mn si zh",
}
"""How a day is written, and in which languages and countries; day, month, year in all the others."""
_BETWEEN = {name: mark for mark, names in BETWEEN.items() for name in names.split()}
_DAYS = {name: form for form, names in DAYS.items() for name in names.split()}


def between() -> str:
    """What stands between the thousands of a number, as the reader's browser says."""
    return _of_locale(_BETWEEN, ",")


def day_form() -> str:
    """How a day is written, as the reader's browser says, in the words of strftime."""
    return _of_locale(_DAYS, "%-d %b %Y")


def manner() -> tuple[str, str]:
    """How the reader's browser writes numbers and days. Belongs to the key of kept words."""
    return between(), day_form()


def _of_locale(known: Mapping[str, str], usual: str) -> str:
    language, _, country = (st.context.locale or "").partition("-")
    return known.get(f"{language}-{country}") or known.get(language) or usual


def verdict(change: guard.Change) -> tuple[str, str, str, str]:
    """A verdict's shape, its colour, its words and its reason; in the first week of all it is no verdict."""
    shape, color = VERDICTS[change.verdict]
    if change.because == NO_BEFORE:
        return shape, color, "the first week", "nothing to compare it with yet"
    return shape, color, change.verdict, change.because


def percent(share: float | None) -> str:
    """0.613 as "61 %"."""
    return UNKNOWN if share is None else f"{share * 100:.0f}\u00a0%"


def rate(share: float | None, of: int | None) -> str:
    """A share of `of` things: "61 %", or "7 of 12" where they are few."""
    if share is None or not of:
        return UNKNOWN
    if of >= FEW:
        return percent(share)
    counted = share * of
    about = "" if abs(counted - round(counted)) < 0.01 else "about "  # asks too young to judge make parts of one
    return f"{about}{counted:.0f} of {of}"


def part(share: float | None, of: int | None, noun: str, plural: str = "") -> str:
    """The beginning of a finding: "61 % of asks", "7 of 12 asks"."""
    nouns = plural or f"{noun}s"
    if share is None or not of:
        return f"An unknown share of {nouns}"
    return f"{rate(share, of)} {'of ' if of >= FEW else ''}{noun if of == 1 else nouns}"


def interval(low: float | None, high: float | None, of: int | None, noun: str) -> str:
    """How sure a share is, and of what: "54–68 % of 193 asks"."""
    if not of or low is None or high is None:
        return f"of {count(of, noun)}" if of else f"no {noun}s"
    if of < FEW:
        return "too few for a percentage"
    return f"{low * 100:.0f}–{high * 100:.0f}\u00a0% of {count(of, noun)}"


def net(row: Mapping[str, Any]) -> str:
    """Net sentiment: "+12", "−4", or that there are too few messages to say."""
    if row.get("points") is None:
        return UNKNOWN
    if row["messages"] < guard.FEW_WORDS:
        return "too few"
    return signed(row["points"])


def net_range(row: Mapping[str, Any]) -> str:
    """How sure the net sentiment is, and of what: "+4 to +19 of 812 messages"."""
    of = count(row.get("messages"), "classified message")
    if row.get("points") is None or row["messages"] < guard.FEW_WORDS:
        return f"of {of}"
    return f"{signed(row['low'])} to {signed(row['high'])} of {of}"


def signed(number: float) -> str:
    """A number with its sign, but for 0: "+12", "−4"."""
    return f"{number:+.0f}".replace("-", "−").replace("+0", "0").replace("−0", "0")


def points(apart: float) -> str:
    """A difference of shares, in points: "+20", "−5"."""
    return signed(apart * 100)


def count(number: int | None, noun: str, plural: str = "") -> str:
    """A number of things: "1 ask", "193 asks", "12,400 messages"."""
    if number is None:
        return f"{UNKNOWN} {plural or noun + 's'}"
    return f"{whole(number)} {noun if number == 1 else plural or noun + 's'}"


def whole(number: float | None) -> str:
    """12400 as "12,400", or as the reader's browser writes it."""
    if number is None:
        return UNKNOWN
    digits = f"{number:,.0f}"
    return digits if abs(number) < 1000 else digits.replace(",", between())


def wait(hours: float | None, unknown: str = UNKNOWN) -> str:
    """A wait in two units at most: "40 min", "5 h 10 min", "3 d 4 h"."""
    if hours is None:
        return unknown
    minutes = round(hours * 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    return _two(minutes // 1440, "d", minutes % 1440 // 60, "h")


def half_wait(row: Mapping[str, Any]) -> str:
    """The median wait; not reached while fewer than half have been answered."""
    return wait(row.get("hours_p50"), "not yet" if row.get("asks") else UNKNOWN)


def age(hours: float) -> str:
    """An age as a word: "20 minutes", "5 hours", "2 days", "12 weeks", "3 years"."""
    for size, unit, noun in ((2 * 8766, 8766, "year"), (24 * 7 * 9, 168, "week"), (48, 24, "day"), (1, 1, "hour")):
        if hours >= size:
            return count(int(hours // unit), noun)
    return count(int(hours * 60), "minute")


def ordinal(number: int, noun: str) -> str:
    """A place in a row: "1st visit", "14th visit"."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{whole(number)}{ending} {noun}"


def day(when: date, form: str = "") -> str:
    """A day, such as "9 Nov 2026", or as the reader's browser would order it."""
    return (form or day_form()).replace("%-d", str(when.day)).replace("%b", f"{when:%b}").replace("%Y", str(when.year))


def days(when: date) -> set[str]:
    """A day in all the ways that readers write it."""
    return {day(when, form) for form in (*DAYS, "%-d %b %Y")}


def moment(when: datetime | None, zone: ZoneInfo) -> str:
    """A time where the community lives, and how far that is from UTC: "Sun 15 Nov 2026, 23:40 UTC+1"."""
    if when is None:
        return UNKNOWN
    here = when.astimezone(zone)
    return f"{here:%a} {day(here)}, {here:%H:%M} {_offset(here)}"


def days_in_tables() -> str:
    """How a table writes what `day` says: in the words of its formats, Moment.js's."""
    return day_form().replace("%-d", "D").replace("%b", "MMM").replace("%Y", "YYYY")


def moments_in_tables(zone: ZoneInfo) -> str:
    """How a table writes what `moment` says, but for the day of the week, which it has no room for."""
    return f"{days_in_tables()}, HH:mm [UTC]{'' if zone.key == 'UTC' else 'Z'}"


def reach(when: datetime, zone: ZoneInfo) -> str:
    """How far data reaches: a moment, but "the end of Fri 24 Apr 2026" rather than the next day's midnight."""
    here, before = when.astimezone(zone), (when - timedelta(microseconds=1)).astimezone(zone)
    return moment(when, zone) if here.date() == before.date() else f"the end of {before:%a} {day(before)}"


def _offset(here: datetime) -> str:
    """How far a clock is from UTC: "UTC", "UTC+1", "UTC−3:30"."""
    minutes = round((here.utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else "+"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "") if minutes else "UTC"


def column(name: str) -> str:
    """A column's name as a heading: "is_newcomer" as "Newcomer"."""
    return name.replace("_", " ").removeprefix("is ").capitalize()


def platform(name: str) -> str:
    """A platform's name as people write it."""
    return SPELLED.get(name) or name.capitalize().replace("_", " ")


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big} {big_unit}" + (f" {small} {small_unit}" if small else "")
