"""The settings of one community, read from hearth.toml. Every setting has a default."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import msgspec

Role = Literal["staff", "member", "bot"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class SettingsError(Exception):
    """A setting that cannot be used: file, line, and what is allowed there. `row`: where in its table, in words."""

    def __init__(self, message: str, row: str = "") -> None:
        super().__init__(message)
        self.row = row


@cache
def _zones() -> set[str]:
    return available_timezones()  # looks through a thousand files


def _known_zone(name: str) -> None:
    if name not in _zones():
        raise ValueError(f"time_zone {name!r} is not known")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says what stays the same for all parts: a name that is not known is a mistake."""


class CommunitySettings(Rule, frozen=True):
    """What the community is called, and where its days are cut."""

    name: str = "Your community"
    time_zone: str = "UTC"
    brands: tuple[str, ...] = ()  # words that call on us, such as the product's name

    def __post_init__(self) -> None:
        _known_zone(self.time_zone)


class RosterRow(Rule, frozen=True):
    """Who somebody is, and when. The roster wins over the platform's own flags; the first row that fits counts."""

    role: Role
    platform: str | None = None
    source: str | None = None
    id: str | None = None
    name: str | None = None
    email_domain: str | None = None
    pattern: str | None = None  # of a name or handle, with * and ?
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        if not (self.id or self.name or self.email_domain or self.pattern):
            raise ValueError("a roster row needs one of: id, name, email_domain, pattern")
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError("valid_to must be after valid_from")


class SourceRow(Rule, frozen=True):
    """What a source is called here, where its export names it badly."""

    platform: str
    source: str  # its id, or what its export calls it
    name: str

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name must not be empty")


class ChannelRow(Rule, frozen=True):
    """What a channel is for, and how soon an ask there should be answered."""

    channel: str  # id or name, with * and ?
    platform: str | None = None
    source: str | None = None
    purpose: Literal["help", "chat"] | None = None
    target_hours: float | None = None
    calendar: str | None = None

    def __post_init__(self) -> None:
        if self.target_hours is not None and self.target_hours <= 0:
            raise ValueError("target_hours must be above 0")


class Calendar(Rule, frozen=True):
    """When somebody is there to answer. Rows of one name are its versions: each holds until the next one's day."""

    name: str
    time_zone: str | None = None  # the community's, when left out
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    opens: time = time(9)
    closes: time = time(17)  # 00:00 is midnight at the day's end
    holidays: tuple[date, ...] = ()
    valid_from: date | None = None  # since ever, when left out

    def __post_init__(self) -> None:
        if self.time_zone is not None:
            _known_zone(self.time_zone)
        if self.opens >= self.closes > time(0):
            raise ValueError("closes must be after opens")


class Retention(Rule, frozen=True):
    """How long words are kept. Numbers already derived from them stay."""

    text_days: int | None = None

    def __post_init__(self) -> None:
        if self.text_days is not None and self.text_days < 1:
            raise ValueError("text_days must be at least 1")


class Sentiment(Rule, frozen=True):
    """Who says how messages sound."""

    scorer: Literal["linear", "vader", "strong", "off"] = "linear"
    folder: str | None = None  # where the model of "strong" lies
    threads: int | None = None  # messages that "strong" hears at once; as many as there are processors, when left out
    words: dict[str, str] = {}  # the house's own, in plain words; an empty meaning leaves the phrase out

    def __post_init__(self) -> None:
        if self.scorer == "strong" and not self.folder:
            raise ValueError("folder must name where the model of the scorer 'strong' lies")
        if self.threads is not None and self.threads < 1:
            raise ValueError("threads must be at least 1")

    @property
    def model_folder(self) -> Path | None:
        """Where the model of "strong" lies, if it is named."""
        return Path(self.folder).expanduser() if self.folder else None


class MarksSettings(Rule, frozen=True):
    """Where what people decide is kept."""

    url: str | None = None  # such as postgresql+psycopg://me@host/hearth; a file in the data folder, when left out


class Privacy(Rule, frozen=True):
    """What is not shown of single members, though the data would tell."""

    no_profiles: tuple[str, ...] = ("discord",)  # platforms whose terms forbid to follow members over time


class Priority(Rule, frozen=True):
    """How much each of these makes an ask more urgent than others. Together they are the whole."""

    past_target: float = 0.4  # it has waited for longer than the channel's target
    newcomer: float = 0.15  # it is somebody's first post
    unhappy: float = 0.15
    question: float = 0.1  # it asks, or calls on the team or the brand
    let_down: float = 0.1  # nobody answered what its author asked before
    age: float = 0.1  # it has waited for three days; less before, and again weeks later

    def __post_init__(self) -> None:
        weights = msgspec.structs.asdict(self)
        for name, weight in weights.items():
            if not 0 <= weight <= 1:
                raise ValueError(f"{name} must be from 0 to 1")
        if not any(weights.values()):
            raise ValueError("past_target, or another weight, must be above 0")


class Handover(Rule, frozen=True):
    """Where an ask is handed to: a help desk that takes it as JSON. The secret is in HEARTH_HANDOVER_SECRET."""

    url: str | None = None

    def __post_init__(self) -> None:
        if self.url is not None and not _is_guarded(self.url):
            raise ValueError("url must begin with https:// (http:// on this machine only) and hold no password")


class Targets(Rule, frozen=True):
    """What Weekly health draws as a dashed line, where you have set yourselves one. Shares from 0 to 1."""

    answered_within: float | None = None  # a day
    waiting_now: float | None = None  # asks past their target, at most
    newcomer_welcome: float | None = None
    returning_members: float | None = None
    net_sentiment: float | None = None  # points
    conversation_share: float | None = None

    def __post_init__(self) -> None:
        for name in ("answered_within", "newcomer_welcome", "conversation_share"):
            if not 0 <= (getattr(self, name) or 0) <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, such as 0.8")


class Settings(Rule, frozen=True):
    """Everything hearth.toml can say."""

    community: CommunitySettings = CommunitySettings()
    sources: tuple[SourceRow, ...] = ()
    roster: tuple[RosterRow, ...] = ()
    channels: tuple[ChannelRow, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    retention: Retention = Retention()
    sentiment: Sentiment = Sentiment()
    marks: MarksSettings = MarksSettings()
    privacy: Privacy = Privacy()
    priority: Priority = Priority()
    handover: Handover = Handover()
    targets: Targets = Targets()
    tables: tuple[dict[str, Any], ...] = ()  # how to read a CSV or NDJSON file: see ingest/exports/generic.py
    pulls: tuple[dict[str, Any], ...] = ()  # what to pull from APIs: see ingest/apis/_service.py

    def __post_init__(self) -> None:
        names = {calendar.name for calendar in self.calendars}
        if len({(calendar.name, calendar.valid_from) for calendar in self.calendars}) < len(self.calendars):
            raise ValueError("calendars of one name are its versions: each needs a valid_from of its own")
        for row in self.channels:
            if row.calendar and row.calendar not in names:
                known = ", ".join(sorted(names)) or "none is set"
                raise ValueError(f"calendar {row.calendar!r} is not one of the calendars: {known}")

    @property
    def zone(self) -> ZoneInfo:
        """The community's time zone."""
        return ZoneInfo(self.community.time_zone)

    @property
    def fingerprint(self) -> str:
        """Ten characters that change when a setting that can change a number does."""
        return _short(self._counted)

    @property
    def derived_fingerprint(self) -> str:
        """The same without what only orders or hides: nothing that a load works out hangs on it."""
        derived = msgspec.structs.replace(self._counted, privacy=Privacy(), priority=Priority(), sources=self.sources)
        return _short(derived)

    @property
    def _counted(self) -> Settings:
        sentiment = msgspec.structs.replace(self.sentiment, threads=None)
        return msgspec.structs.replace(
            self,
            sources=(),
            tables=(),
            pulls=(),
            marks=MarksSettings(),
            handover=Handover(),
            targets=Targets(),
            sentiment=sentiment,
        )


PARTS: dict[str, type[Rule]] = {
    "": Settings,
    "community": CommunitySettings,
    "sources": SourceRow,
    "roster": RosterRow,
    "channels": ChannelRow,
    "calendars": Calendar,
    "retention": Retention,
    "sentiment": Sentiment,
    "marks": MarksSettings,
    "privacy": Privacy,
    "priority": Priority,
    "handover": Handover,
    "targets": Targets,
}


def _short(settings: Settings) -> str:
    return hashlib.sha256(msgspec.json.encode(settings, order="deterministic")).hexdigest()[:10]


def _is_guarded(address: str) -> bool:
    """Whether what is sent there can be read by nobody on the way, and the address tells no password."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_here = host in ("localhost", "127.0.0.1", "::1")
    return bool(host) and "@" not in parts.netloc and (parts.scheme == "https" or (parts.scheme == "http" and is_here))


def midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    """The moment a day begins in a time zone, in UTC; None for no day."""
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def settings_path(given: Path | None = None) -> Path:
    """The settings file: the one given, else HEARTH_SETTINGS, else hearth.toml here."""
    return given or Path(os.environ.get("HEARTH_SETTINGS") or "hearth.toml")


def data_folder(given: Path | None = None) -> Path:
    """The folder that holds the database: the one given, else HEARTH_DATA, else data/ here.

    Raises SettingsError where a file stands in its way.
    """
    folder = given or Path(os.environ.get("HEARTH_DATA") or "data")
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise SettingsError(f"{folder}: {there} is a file. --data, or HEARTH_DATA, names the folder of the database.")
    return folder


def read_settings(given: Path | None = None) -> Settings:
    """Read hearth.toml. A missing file is an empty one, unless it was asked for by name.

    Raises SettingsError with the file, the line and what is allowed.
    """
    path = settings_path(given)
    if not path.exists():
        if given or os.environ.get("HEARTH_SETTINGS"):
            raise SettingsError(f"{path}: there is no such settings file. Leave the setting out to use the defaults.")
        return Settings()
    try:
        return parse_settings(path.read_text("utf-8"), path)
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text. Save it as UTF-8.") from None


def parse_settings(text: str, path: Path) -> Settings:
    """The settings that a text holds. Raises SettingsError as if it stood in that file."""
    try:
        return msgspec.convert(tomllib.loads(text), Settings)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
    except msgspec.ValidationError as error:
        raise _explain(path, text, str(error)) from None


def _explain(path: Path, text: str, message: str) -> SettingsError:
    """Turn a validation message that ends in a path such as `$.roster[1].role` into file, line and allowed values."""
    where = re.search(r" - at `(?:key in )?\$\.?([^`]*)`$", message)
    what = message[: where.start()] if where else message
    steps = [step for step in (where.group(1) if where else "").split(".") if step and step != "[...]"]
    table = steps[0] if steps else ""
    unknown = re.search(r"unknown field `([^`]+)`", what)
    # Our own messages begin with the setting they speak of.
    key = unknown.group(1) if unknown else steps[-1] if len(steps) > 1 else what.split(" ", 1)[0]
    allowed = ", ".join(PARTS[_bare(table)].__struct_fields__) if unknown else _allowed(key)
    said = f"{what}{f' ({key})' if steps[1:] else ''}." + (f" Allowed: {allowed}." if allowed else "")
    number = re.search(r"\[(\d+)\]", table)
    row = f"{_bare(table)}, row {int(number[1]) + 1}: {said}" if number else said
    return SettingsError(f"{path}, line {_line(text, table, key)}: {said}", row)


def _line(text: str, table: str, key: str) -> int:
    """The line of a key in a table such as `roster[1]`, else of the table, else of the key wherever it stands."""
    keys = list(_keys(text))
    exact = [line for line, within, found in keys if within == table and found == key]
    headed = [line for line, within, _ in keys if table and within == table]
    named = [line for line, within, found in keys if key in (found, _bare(within))]
    return (exact or headed or named or [1])[0]


def lines_of(table: str, given: Path | None = None) -> list[str]:
    """Where each row of a table begins in the settings file, such as `hearth.toml, line 9`."""
    path = settings_path(given)
    headers = ((line, within) for line, within, key in _keys(path.read_text("utf-8")) if not key)
    return [f"{path}, line {line}" for line, within in headers if _bare(within) == table]


def _bare(table: str) -> str:
    return re.sub(r"\[\d+\]", "", table)


def _keys(text: str) -> Iterator[tuple[int, str, str]]:
    """Each line's table (`roster[1]`) and key."""
    table, seen = "", {"": 0}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.\-]+)", line):
            table = header.group(2)
            if header.group(1) == "[[":
                seen[table] = seen.get(table, -1) + 1
                table = f"{table}[{seen[table]}]"
            yield number, table, ""
        elif setting := re.match(r"\s*([\w\-]+)\s*=", line):
            yield number, table, setting.group(1)


def _allowed(key: str) -> str:
    choices = {
        "role": "staff, member, bot",
        "purpose": "help, chat",
        "scorer": "linear, vader, strong, off",
        "days": "mon, tue, wed, thu, fri, sat, sun",
        "time_zone": "a name such as 'Europe/Berlin' or 'UTC'",
        "opens": "a time such as 09:00:00",
        "closes": "a time such as 17:00:00",
        "url": "an address such as 'https://desk.example/hooks/hearth'",
        **dict.fromkeys(Priority.__struct_fields__, "a number from 0 to 1"),
    }
    return choices.get(key, "")


MARKS = "marks.sqlite"  # the journal's file, where it lies in the data folder


def marks_place(folder: Path, settings: Settings) -> Path | str:
    """Where the community's journal is: HEARTH_MARKS_URL, else what the settings say, else the data folder."""
    return os.environ.get("HEARTH_MARKS_URL") or settings.marks.url or folder


def has_marks(place: Path | str) -> bool:
    """Whether there is a journal to read: one in a folder is made by the first decision."""
    return isinstance(place, str) or (place / MARKS).exists()
