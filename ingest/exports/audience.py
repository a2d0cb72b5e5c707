"""Audience totals: CSV or XLSX of X, Meta, YouTube Studio, LinkedIn pages and Discord, or date,platform,metric,value.

Followers, likes and impressions, for the vanity drawer: no messages. Meta and YouTube translate their headers, so what
a column is, is told by what stands in it: dates, links to posts, numbers. Words for the usual measures are known in
seven languages; others keep the name they have. Times that state no zone count as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from data.records import Audience, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _sheets, _workbook
from ingest.exports._format import Format
from ingest.exports._moments import utc
from ingest.exports._sheets import Row, Sheet
from ingest.exports._workbook import Workbook

PLATFORM = "audience"
FORMAT = Format(
    group="Social platforms",
    get=(
        "X: Premium > Analytics > Content > the download arrow. Meta Business Suite: Content or Insights > "
        "Export. YouTube Studio: Analytics > Advanced mode > Export current view > CSV. A LinkedIn page: "
        "Analytics > Followers, or Content > Export. Discord: Server Settings > Server Insights > the "
        "download arrow. Or any table of date,platform,metric,value"
    ),
    holds="followers, likes and impressions, for the vanity drawer: no messages",
    cannot_tell="anything about people; an old `.xls`, as LinkedIn gives it, must be saved as XLSX or CSV first",
)

PLAIN = ("date", "platform", "metric", "value")  # the table that anybody can write
SIGNS = (  # columns that only one platform's totals have together
    ("discord", {"interval_start_timestamp"}),
    ("discord", {"channel_id", "readers", "chatters"}),
    ("x", {"impressions", "engagements", "profile visits"}),
    ("linkedin", {"organic followers", "total followers"}),
    ("linkedin", {"impressions (organic)", "clicks (organic)"}),
    ("youtube", {"views", "watch time (hours)"}),
)
HOSTS = {"x": "x", "twitter": "x"} | {name: name for name in ("facebook", "instagram", "linkedin", "youtube")}
WORDS = {
    "impressions": "impressionen impresiones impressões impression vertoningen",
    "reach": "reichweite couverture alcance copertura bereik",
    "views": "aufrufe vues visualizaciones visualizações visualizzazioni weergaven",
    "likes": "„gefällt_mir“-angaben mentions_j’aime me_gusta curtidas mi_piace vind-ik-leuks",
    "reactions": "reaktionen réactions reacciones reações reazioni",
    "comments": "kommentare commentaires comentarios comentários commenti opmerkingen",
    "shares": "geteilte_inhalte partages compartidos compartilhamentos condivisioni",
    "followers": "follower abonnés seguidores volgers",
    "subscribers": "abonnenten suscriptores inscritos iscritti",
    "watch time (hours)": "wiedergabezeit_(stunden)",
}
MEASURES = {word.replace("_", " "): name for name, words in WORDS.items() for word in words.split()}
TELLING = {"impressions", "reach", "views"}  # a table of messages may count likes, but hardly these
ENGLISH = {"date", "time", "publish time", "video publish time", "created date"}
DATES = {"date", "datum", "fecha", "data"}
GROUPS = {"days_in_guild", "channel_id"}  # numbers that say what a row is about
NOT_COUNTED = re.compile(r"\bid\b|^is |^(duration|dauer|durée|duración|duração|durata|duur)( \(.*\))?$")
LINK = re.compile(r"https?://(?:\w+\.)?(\w+)\.com/(\S+)")
VIDEO = re.compile(r"[\w-]{11}")
NUMBER = re.compile(r"([-+−]?)(\d[\d.,]*)([kmb]?)", re.IGNORECASE)
UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
SPACES = re.compile(r"[\s'’]")  # between groups of digits, in some languages
NUMERIC_DAY = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?:,? +(\d{1,2}:\d\d(?::\d\d)?))?")
ANYTHING = re.compile(r"\S")
STATED_DAY = re.compile(r"\d{4}-\d\d-\d\d")
MONTHS = (
    *("jan gen ene", "feb fév fev", "mar mär mrt", "apr avr abr", "may mai mei mag", "jun juin giu"),
    *("jul juil lug", "aug août ago", "sep set", "oct okt ott out", "nov", "dec dez déc dic"),
)
MONTH = {word: number for number, words in enumerate(MONTHS, 1) for word in words.split()}


class Table(NamedTuple):
    """What the columns of one file are, by their places."""

    sheet: Sheet
    platform: str
    account: tuple[str, str] | None  # id and name of whose totals these are, where the rows tell
    when: int | None
    of: int | None
    named: int | None  # the column that names the measure, where each row has its own
    measures: dict[int, str]
    is_day_first: bool
    made_at: datetime | None  # the last day in the file's name, where a row is not of one day: a post's whole life


def detects(export: Export) -> float:
    """High where the first tables are totals of one platform; low for another spreadsheet, to say what to do."""
    if _is_old(export):
        return 0.25
    least = 0.0
    if _workbook.is_workbook(export):
        export, least = Workbook(export), 0.25
    tables = [table for name in islice(_names(export), 5) if (table := _table(export, name))]
    return 0.9 if len({table.platform for table in tables}) == 1 else least


def read(export: Export) -> Iterator[Record]:
    """Yield the account, page or server, and each number that was counted."""
    if _is_old(export):
        raise ExportError(
            f"audience: {export.name} is a spreadsheet of the old kind (.xls), which is not read. "
            "Save it as XLSX, or each of its sheets as CSV, and load that."
        )
    if _workbook.is_workbook(export):
        export = Workbook(export)
    tables = [table for name in _names(export) if (table := _table(export, name))]
    yield _source(export, tables)
    for table in tables:
        is_first = True
        for row in _sheets.rows(export, table.sheet):
            if isinstance(row, Refused):
                yield row
            elif not (is_first and _is_sum(row, table)):
                yield from _counted(row, table)
            is_first = False


def _source(export: Export, tables: list[Table]) -> Source:
    platforms = sorted({table.platform for table in tables})
    if len(platforms) != 1:
        found = f"totals of {', '.join(platforms)}. Load them one by one" if tables else "no table of audience totals"
        raise ExportError(f"audience: {export.name} holds {found}.")
    for table in tables:
        if table.when is None and table.made_at is None:
            raise ExportError(
                f"audience: {table.sheet.file} does not say which day it is of. "
                "Put the day into its name, as in totals-2026-05-31.csv."
            )
    accounts = {table.account for table in tables if table.account}
    id_, name = accounts.pop() if len(accounts) == 1 else (PLATFORM, f"{platforms[0]} totals")
    return Source(platforms[0], id_, name)


def _counted(row: Row, table: Table) -> Iterator[Audience | Refused]:
    """The numbers of a row, all or none of them."""
    fields = row.fields
    of = fields[table.of].strip() if table.of is not None else ""
    measured_at = table.made_at
    if measured_at is None and table.when is not None:
        measured_at = _moment(fields[table.when], table.is_day_first)
    counted = []
    for place, measure in table.measures.items():
        value = _number(fields[place], has_decimal_comma=table.sheet.delimiter == ";")
        if measured_at is None or (value is None and re.search(r"\w", fields[place])):
            reason = f"{table.sheet.columns[place]!r} is not a number" if measured_at else "its date cannot be read"
            raw = table.sheet.delimiter.join(fields).encode("utf-8", "replace")
            yield Refused(table.sheet.file, f"line {row.line}", reason, raw)
            return
        if value is not None:
            name = fields[table.named].strip() if table.named is not None else measure
            counted.append(Audience(name, measured_at, value, of))
    yield from counted


def _is_sum(row: Row, table: Table) -> bool:
    """YouTube puts the sum of all first: where the others have their date, it has none, or the word for total."""
    return table.when is not None and not re.search(r"\d", row.fields[table.when])


# What the columns are


def _table(export: Export, name: str) -> Table | None:
    """The totals in a file, if it holds any."""
    sheet = _sheets.find(export, name, _is_header)
    if not sheet:
        return None
    header = [MEASURES.get(column.casefold(), column.casefold()) for column in sheet.columns]
    sample = _sheets.first(export, sheet)
    when = _when(header, sample)
    if when is not None:
        sample = [row for row in sample if re.search(r"\d", row[when])]
    is_plain = set(PLAIN) <= set(header)
    of = header.index("platform") if is_plain else _of(header, sample)
    measures = {header.index("value"): ""} if is_plain else _measures(header, sample, {when, of})
    platform = PLATFORM if is_plain else _platform(header, sample, of, set(measures.values()))
    if not platform or not measures:
        return None
    is_daily = when is not None and (of is None or header[of] in {"platform", *GROUPS})
    return Table(
        sheet,
        platform,
        _account(header, sample, of),
        when,
        of,
        header.index("metric") if is_plain else None,
        measures,
        when is not None and _is_day_first([row[when] for row in sample], is_translated=header[when] not in ENGLISH),
        None if is_daily else _made_at(name) or _made_at(export.name),
    )


def _names(export: Export) -> Iterator[str]:
    return (name for name in export.files() if name.lower().endswith((".csv", ".tsv")))


def _is_old(export: Export) -> bool:
    """An .xls is known by its first bytes."""
    names = export.files()
    return len(names) == 1 and names[0].lower().endswith(".xls") and export.head(names[0], 4) == b"\xd0\xcf\x11\xe0"


def _is_header(columns: list[str]) -> bool:
    words = [column for column in columns if column]
    return len(words) > 1 and len(set(words)) == len(words) and not any(map(_is_value, words))


def _is_value(written: str) -> bool:
    return _number(written) is not None or _moment(written) is not None or LINK.match(written) is not None


def _when(header: list[str], sample: list[list[str]]) -> int | None:
    """The column of dates: one that is called so, else the first in which nothing else stands."""
    dated = [place for place in range(len(header)) if _holds(sample, place, _is_date, re.compile(r"\d"))]
    return min(dated, key=lambda place: (header[place] not in DATES, place), default=None)


def _of(header: list[str], sample: list[list[str]]) -> int | None:
    """The column that says what a row is about: a post by its link or id, a video, a channel."""
    tests: tuple[Callable[[int], bool], ...] = (
        lambda place: header[place] in GROUPS,
        lambda place: bool(re.search("permalink|(post|update|tweet) (link|url)", header[place])),
        lambda place: _holds(sample, place, LINK.match),
        lambda place: _holds(sample, place, VIDEO.fullmatch) and not _holds(sample, place, str.isdecimal),
    )
    return next((place for test in tests for place in range(len(header)) if test(place)), None)


def _measures(header: list[str], sample: list[list[str]], taken: set[int | None]) -> dict[int, str]:
    """The columns of numbers, but for those that are no count."""
    counts = (
        place
        for place in range(len(header))
        if place not in taken and header[place] and not NOT_COUNTED.search(header[place])
    )
    return {place: header[place] for place in counts if _holds(sample, place, _is_number, re.compile(r"\w"))}


def _holds(
    sample: list[list[str]], place: int, test: Callable[[str], object], looked_at: re.Pattern[str] = ANYTHING
) -> bool:
    """Whether all that stands in a column passes, as far as it is looked at, and anything does."""
    values = [row[place].strip() for row in sample if looked_at.search(row[place])]
    return bool(values) and all(map(test, values))


def _platform(header: list[str], sample: list[list[str]], of: int | None, measures: set[str]) -> str | None:
    """Whose totals these are: by columns that only one platform has, by where the links lead, by a video's id."""
    for platform, columns in SIGNS:
        if columns <= set(header):
            return platform
    if of is None or not sample or not measures & TELLING or len(measures) < 2:
        return None
    link = LINK.match(sample[0][of].strip())
    return HOSTS.get(link[1].lower()) if link else "youtube"


def _account(header: list[str], sample: list[list[str]], of: int | None) -> tuple[str, str] | None:
    """The account or page that all rows are of, where they say so."""
    found = set()
    for row in sample:
        named = dict(zip(header, row, strict=True))
        id_ = named.get("page id") or named.get("account id") or ""
        link = LINK.match(row[of]) if of is not None else None
        if link and HOSTS.get(link[1]) == "x" and "/status/" in link[2]:
            handle = link[2].partition("/")[0]
            found.add((f"@{handle}", f"@{handle}"))
        elif id_.isdecimal():
            found.add((id_, named.get("page name") or named.get("account name") or id_))
    return found.pop() if len(found) == 1 else None


def _made_at(name: str) -> datetime | None:
    days = [day for written in STATED_DAY.findall(name) if (day := _moment(written))]
    return max(days, default=None)


# Numbers and dates, in anybody's way of writing


def _is_number(written: str) -> bool:
    return _number(written) is not None


def _number(written: str, *, has_decimal_comma: bool = False) -> float | None:
    """A number as written in English or not: 1,234 and 1.234,5 and 12.4K and 3 %. None where it is none.

    One comma or point with three digits behind it could mean either: then the file's own way decides.
    """
    found = NUMBER.fullmatch(SPACES.sub("", written).removesuffix("%"))
    if not found:
        return None
    sign, digits, unit = found.groups()
    last = max(digits.rfind(","), digits.rfind("."))
    mark = digits[last : last + 1] if last >= 0 else ""
    whole, decimals = (digits[:last], digits[last + 1 :]) if mark else (digits, "")
    is_either = len(decimals) == 3 and whole.isdecimal() and whole.lstrip("0") and not unit
    is_grouping = mark in whole or (is_either and (mark == ",") != has_decimal_comma) if mark else False
    whole, decimals = (whole + decimals, "") if is_grouping else (whole, decimals)
    value = float(f"{re.sub('[,.]', '', whole)}.{decimals}") * UNITS[unit.lower()]
    return -value if sign in {"-", "−"} else value


def _is_date(written: str) -> bool:
    return _moment(written) is not None or _moment(written, is_day_first=True) is not None


def _is_day_first(dates: Sequence[str], *, is_translated: bool) -> bool:
    """Whether 05/04/2026 is in April: where another date of the file has a month over 12, it is told; else guessed."""
    found = [match for written in dates if (match := NUMERIC_DAY.match(written.strip()))]
    if any(int(match[1]) > 12 for match in found) or any(match[2] == "." for match in found):
        return True
    return is_translated and not any(int(match[3]) > 12 for match in found)


def _moment(written: str, is_day_first: bool = False) -> datetime | None:
    """A day or time in UTC: ISO 8601, 05/31/2026 10:30, 31.05.2026, "Sun, May 31, 2026" or "31 mai 2026"."""
    written = written.strip()
    try:
        if STATED_DAY.match(written):
            at = datetime.fromisoformat(re.sub(r" (?=[+-]\d)|(?<=\d) ?UTC$", "", written))
        elif numeric := NUMERIC_DAY.fullmatch(written):
            first, _, second, year, clock = numeric.groups()
            day, month = (first, second) if is_day_first else (second, first)
            at = datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2} {clock or '00:00':0>5}")
        else:
            return _in_words(written)
    except ValueError:
        return None
    return utc(at)


def _in_words(written: str) -> datetime | None:
    """A day whose month is a word, in any of the languages known: of several words the last, for some are weekdays."""
    months = [number for word in re.findall(r"[^\W\d_]+", written.casefold()) if (number := _month(word))]
    days = re.findall(r"(?<!\d)\d{1,2}(?!\d)", written)
    years = re.findall(r"(?<!\d)\d{4}(?!\d)", written)
    if not months or len(days) != 1 or len(years) != 1:
        return None
    try:
        return datetime(int(years[0]), months[-1], int(days[0]), tzinfo=UTC)
    except ValueError:
        return None


def _month(word: str) -> int | None:
    return MONTH.get(word[:4]) or MONTH.get(word[:3])
