"""Any table, filtered, sorted and cut to columns: the query whose first rows a page shows is the one a file is made of.

A table is one .sql file in data/tables/. A view leaves out the lines of the filters it does not use and the columns it
does not want; every value is bound by name, and every name comes from the file.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from data.meant import meant
from data.settings import Settings, midnight
from data.store import Store, words_since

HERE = Path(__file__).parent / "tables"
PAGE = 1000
"""So many rows travel to the reader at a time."""
LETTERS = 1000
"""So much of a text is shown on a page; a file has all of it."""
WHOLE = 2**31 - 1
"""As many letters as no text has."""
SOME = 20
"""So many places are named to who looks for one that is not there."""
BATCH = 20_000
"""So many rows are in memory while a file is written."""
ROLES = ("member", "staff", "bot")
SENTIMENTS = ("negative", "neutral", "positive", "unclassified")
KINDS = ("new", "retained", "returning", "reactivated")
PROFILES = ("members", "visits", "drifting")
"""Tables and metrics that follow single members over time: where a platform's terms forbid that, it is left out."""
_LISTS = ("platforms", "sources", "channels", "roles", "reasons", "sentiments", "kinds")


@dataclass(frozen=True)
class Table:
    """What can be looked into: its columns in order, and the filters it takes."""

    name: str
    title: str
    about: str
    filters: tuple[str, ...]
    columns: tuple[str, ...]
    order: str  # how it is sorted where nobody asks otherwise; also what settles ties
    sql: str


@dataclass(frozen=True)
class View:
    """A table over days `[since, until)` in the community's time zone, filtered, sorted and cut to columns.

    An empty list, or None, means all.
    """

    table: str
    since: date | None = None
    until: date | None = None
    platforms: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    inferred: bool = False
    roles: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    sentiments: tuple[str, ...] = ()
    answered: bool | None = None
    contains: str = ""
    columns: tuple[str, ...] = ()
    sort: str = ""
    is_descending: bool = True
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Half a character, of a damaged address or a terminal with another alphabet, can be neither asked nor written.
        object.__setattr__(self, "contains", re.sub("[\ud800-\udfff]", "\ufffd", self.contains))

    @property
    def active(self) -> dict[str, Any]:
        """The filters that are set, by name."""
        table = tables()[self.table]
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: said[name] for name in table.filters if said[name] not in (None, (), "")}


@dataclass(frozen=True)
class Extract:
    """Rows on their way into a file: what is told of them beside it, and a door to them, batch by batch."""

    name: str
    fingerprint: str
    rows: int
    about: Mapping[str, Any]
    open: Callable[[], AbstractContextManager[pa.RecordBatchReader]]


@cache
def tables() -> dict[str, Table]:
    """Every table by its file's name."""
    return {path.stem: _table(path) for path in sorted(HERE.glob("*.sql"))}


def named(name: str) -> Table:
    """One table. Raises LookupError, with the names there are."""
    if name not in tables():
        raise LookupError(
            f"no table {name!r}{meant(name, tables())}. "
            "For the rows of a metric: python -m metrics NAME --format xlsx --output FILE"
        )
    return tables()[name]


def meaning(column: str, of: str = "") -> str:
    """What a column means, in a table or metric; nothing where nobody has said."""
    said = _meanings()
    return said.get(of, {}).get(column) or said["columns"].get(column, "")


def check(view: View) -> None:
    """Refuse what the table does not have. Raises LookupError, with what it has."""
    table = named(view.table)
    for column in (*view.columns, *filter(None, [view.sort])):
        if column not in table.columns:
            raise LookupError(f"{view.table} has no column {column!r}{meant(column, table.columns)}")
    plain = View(view.table)
    for name in (*_LISTS, "answered", "contains"):
        if getattr(view, name) != getattr(plain, name) and name not in table.filters:
            there = ", ".join(each[:-1] if each in _LISTS else each for each in table.filters)
            asked = name[:-1] if name in _LISTS else name
            raise LookupError(f"{view.table} cannot be filtered by {asked}; it can by: {there}")
    few = (("role", view.roles, ROLES), ("sentiment", view.sentiments, SENTIMENTS), ("kind", view.kinds, KINDS))
    for what, chosen, known in few:
        if missing := [each for each in chosen if each not in known]:
            raise LookupError(f"no {what} {missing[0]!r}{meant(missing[0], known)}")
    if view.since and view.until and view.since >= view.until:
        raise LookupError(f"the period is empty: {view.since} is not before {view.until}")


def check_places(store: Store, chosen: Mapping[str, Iterable[str]]) -> None:
    """Refuse a platform, source or channel that is not there: it would look like silence. Raises LookupError."""
    places = store.read("places")
    for column, names in chosen.items():
        shown = [column] if column == "platform" else [column, f"{column}_name"]
        known = {value for each in shown for value in places[each].to_list()}
        if missing := [each for each in names if each not in known]:
            there = sorted(places[shown[-1]].unique().to_list())
            some = there if len(there) <= SOME else get_close_matches(missing[0], there, SOME, 0)
            more = f", and {len(there) - SOME:,} more" if len(there) > SOME else ""
            raise LookupError(f"--{column} {missing[0]}: there is none{meant(missing[0], some)}{more}")


def with_names(store: Store, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows split by source for people to read: each source by its name; one that shares it with another also by its id.

    A file, and what programs read, keeps the ids.
    """
    sources = store.read("sources").select("source", name="source_name").unique()
    is_shared = pl.struct("source").n_unique().over("name") > 1
    told = pl.when(is_shared).then(pl.format("{} ({})", "name", "source")).otherwise("name")
    names = dict(sources.select("source", told.alias("told")).rows())
    return rows.with_columns(pl.col("source").replace(names))


def query(view: View, *, is_page: bool = False) -> str:
    """The query of a view: of one page of it, or of all its rows."""
    check(view)
    table = named(view.table)
    kept = {*view.active, *(["page"] if is_page else [])}
    sql = re.sub(r"\n[^\n]* -- if: (\w+)(?=\n)", lambda line: line[0] if line[1] in kept else "", table.sql)
    sql = re.sub(r" -- if: \w+(?=\n)", "", sql).replace(_listed(table.columns), _listed(view.columns or table.columns))
    if not view.sort:
        return sql
    direction = "desc" if view.is_descending else "asc"
    return sql.replace(_ordered(table.order), _ordered(f"{view.sort} {direction} nulls last, {table.order}"))


def values(view: View, settings: Settings, page: int = 0) -> dict[str, Any]:
    """What the query's names are bound to."""
    zone = settings.zone
    return {
        **{name: list(getattr(view, name)) for name in _LISTS},
        "since_at": midnight(view.since, zone),
        "until_at": midnight(view.until, zone),
        "zone": settings.community.time_zone,
        "inferred": view.inferred,
        "answered": view.answered,
        "contains": view.contains,
        "words_since": words_since(settings),
        "no_profiles": list(settings.privacy.no_profiles),
        "letters": LETTERS,
        "limit": PAGE,
        "offset": page * PAGE,
    }


def bound(view: View, settings: Settings) -> dict[str, Any]:
    """The values that a view's query speaks of. A file has whole texts."""
    sql = query(view)
    whole = values(view, settings) | {"letters": WHOLE}
    return {name: value for name, value in whole.items() if f"${name}" in sql}


def rows(store: Store, settings: Settings, view: View, page: int = 0) -> pl.DataFrame:
    """One page of a view's rows, long texts cut."""
    return store.query(query(view, is_page=True), values(view, settings, page))


def count(store: Store, settings: Settings, view: View) -> int:
    """How many rows a view has."""
    whole = query(replace(view, columns=(), sort=""))
    table = named(view.table)
    counted = whole.replace(_listed(table.columns), "    count(*)::bigint as rows\n").replace(
        f"order by {table.order}", ""
    )
    return int(store.query(counted, values(view, settings))["rows"].item())


def extract(store: Store, settings: Settings, view: View) -> Extract:
    """All the rows of a view, for a file. Reading them raises LookupError where newer data has come meanwhile."""
    snapshot = store.snapshot or ""
    asked = values(view, settings) | {"letters": WHOLE}
    about = _about(store, settings, view)

    def reading() -> AbstractContextManager[pa.RecordBatchReader]:
        if store.snapshot != snapshot:
            raise LookupError(
                f"{view.table}: newer data has come meanwhile. Reload the page, or give the command again."
            )
        return store.stream(query(view), asked, BATCH)

    return Extract(view.table, about["fingerprint"], about["rows"], about, reading)


def fingerprint(settings: Settings, view: View, snapshot: str) -> str:
    """Which definition, settings, view and data made these rows: table-definition-settings-view-data."""
    closed = settings.privacy.no_profiles if view.table in PROFILES else ()
    asked = _short(repr((replace(view, columns=(), sort="", is_descending=True), closed)), 6)
    data = re.sub(r"\D", "", snapshot).lstrip("0") or "0"
    return f"{view.table}-{_short(named(view.table).sql, 8)}-{settings.fingerprint[:6]}-{asked}-{data}"


def left_out(settings: Settings, table: str, columns: Iterable[str], platforms: Iterable[str]) -> list[str]:
    """What these rows of a table or metric do not hold although the data would, in sentences."""
    days, has_words = settings.retention.text_days, "text" in columns
    told = ["What was deleted comes without its words."] if has_words else []
    if days and has_words:
        told.append(f"Words older than {days:,} days are not kept.")
    closed = sorted(set(platforms) & set(settings.privacy.no_profiles)) if table in PROFILES else []
    if closed:
        told.append(
            f"Without {' and '.join(closed)}: the platform's terms forbid to follow single members over time; "
            "no_profiles under [privacy] in hearth.toml decides."
        )
    return told


def _about(store: Store, settings: Settings, view: View) -> dict[str, Any]:
    """What a file says of itself. The same for the same rows, whenever it is made."""
    table, sql = named(view.table), query(view)
    return {
        "what": f"{table.title}. {table.about}",
        "fingerprint": fingerprint(settings, view, store.snapshot or ""),
        "rows": count(store, settings, view),
        **circumstances(store, settings, view),
        "filters": {name: chosen for name, chosen in view.active.items() if name not in ("since", "until")}
        | ({"guessed replies": "counted"} if view.inferred else {}),
        "sorted by": "".join(re.findall(r"\norder by (.*)\n", sql)),
        "left out": left_out(settings, view.table, table.columns, store.read("places")["platform"].unique()),
        "columns": {name: meaning(name, view.table) for name in view.columns or table.columns},
        "query": sql,
        "values": {name: value for name, value in bound(view, settings).items() if name != "words_since"},
    }


def circumstances(store: Store, settings: Settings, view: Any) -> dict[str, Any]:
    """Of a view or a metric's question: its period, its time zone, and up to when each of its sources reaches."""
    last = view.until - timedelta(days=1) if view.until else "the data's end"
    sources = [
        row
        for row in store.read("sources").to_dicts()
        if (not view.platforms or row["platform"] in view.platforms)
        and (not view.sources or {row["source"], row["source_name"]} & set(view.sources))
    ]
    return {
        "as of": {f"{row['platform']}, {row['source_name']} ({row['source']})": row["as_of"] for row in sources},
        "period": f"{view.since or 'the beginning'} to {last}, days of {settings.community.time_zone}",
        "times": "UTC",
    }


@cache
def _meanings() -> dict[str, dict[str, str]]:
    return tomllib.loads((HERE / "columns.toml").read_text("utf-8"))


def _table(path: Path) -> Table:
    """Read a table from its file: a head of lines `-- name: words`, and a last select of one column a line."""
    text = path.read_text("utf-8")
    head, _, sql = text.partition("\n--\n")
    said = dict(line.removeprefix("-- ").split(": ", 1) for line in head.splitlines())
    sql = re.sub(r"\A(--.*\n)+", "", sql)
    ((listed, order),) = re.findall(r"\nselect\n((?:    \w+,?\n)+)from viewed\norder by (.*)\n", sql)
    columns = tuple(re.findall(r"\w+", listed))
    return Table(path.stem, said["title"], said["about"], tuple(said["filters"].split(", ")), columns, order, sql)


def _listed(columns: Iterable[str]) -> str:
    return ",\n".join(f"    {name}" for name in columns) + "\n"


def _ordered(order: str) -> str:
    return f"\norder by {order}\n"


def _short(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
