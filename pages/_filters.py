"""What the reader chose to look at. It stands in the page's address, so that a link shows the same view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from metrics import guard
from metrics.metric import By, Question
from pages import _ask, _words
from pages._ask import kept
from pages._safe import label, line

Address = dict[str, list[str]]
Asked = tuple[tuple[str, tuple[str, ...]], ...]
"""What an address says, name by name."""
WEEK = timedelta(weeks=1)
WEEK_OF = "Week of "
SPANS: dict[str, int | None] = {"4 weeks": 4, "13 weeks": 13, "26 weeks": 26, "A year": 52, "All time": None}
USUAL = "26 weeks"
OWN = "Own dates"
MEMBER, SHOWN = "member", "member shown last"
ANEW = "anew"
"""Stands in an address that is to be followed to the letter, and says its period."""
OWN_WORDS = (MEMBER, ANEW, "find")
"""What the address of one page says, and no other has a use for."""
CHOICES = (
    "period", "dates", "whose", "table", "role", "reason", "sentiment", "kind", "answered", "contains", "columns",
    "sort", "ascending", "rows", "by", "count", "part",
)  # fmt: skip
"""What a link to the rows of a number may choose, or has to leave open."""
ROSTER = "Who is who"
"""What the part of Sources with the roster is called."""
NAMED = 4
"""So many sources are named one by one."""
EVER = datetime(1970, 1, 1, tzinfo=UTC)
SENTENCE = 400
"""So long a comparison may be told: the guard's longest has three figures and a reason."""
NEIGHBOURS = 9
"""So many pages of a long table are offered: the first, the last, and two on each side of the one that is shown."""
LARGEST = 300
"""So many channels are offered, the busiest first: a longer list would travel with every click."""


@dataclass(frozen=True)
class View:
    """A period `[since, until)` and the places in it. Open ends are None; no places means all of them."""

    as_of: datetime
    since: date | None = None
    until: date | None = None
    platforms: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    inferred: bool = False
    moves: str = field(default="", compare=False)  # what its period is called, where that moves on with the data

    @property
    def places(self) -> dict[str, tuple[str, ...]]:
        """Its places, as the store's tables ask for them."""
        return {"platforms": self.platforms, "sources": self.sources, "channels": self.channels}

    def question(
        self, name: str, by: By | None = None, hours: float | None = None, limit: int | None = None
    ) -> Question:
        """One metric, asked of this view."""
        return Question(
            name,
            self.since,
            self.until,
            by,
            platforms=self.platforms,
            sources=self.sources,
            channels=self.channels,
            hours=hours,
            inferred=self.inferred,
            limit=limit,
        )

    def covers(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of one of the store's tables that lie in this view's places."""
        chosen = {"platform": self.platforms, "source": self.sources, "channel": self.channels}
        tests = [
            pl.col(column).is_in(list(values))
            for column, values in chosen.items()
            if values and column in frame.columns
        ]
        return frame.filter(tests) if tests else frame


@dataclass(frozen=True)
class Week:
    """One complete week, the weeks around it that are drawn, and the same number of weeks up to now."""

    monday: date
    view: View
    now: View

    @property
    def alone(self) -> View:
        """The week and nothing else."""
        return replace(self.view, since=self.monday, until=self.monday + WEEK)

    @property
    def judged(self) -> View:
        """The weeks by which it is judged, whatever is drawn."""
        weeks = guard.weeks_up_to(self.monday)
        return replace(self.view, since=weeks.since, until=weeks.until)

    @property
    def led_to(self) -> View:
        """As many weeks as are drawn, the last of them the chosen one."""
        since, until = self.view.since, self.view.until
        later = until - self.monday - WEEK if until else timedelta()
        return replace(self.view, since=since and since - later, until=self.monday + WEEK)

    @property
    def lately(self) -> View:
        """The 26 weeks up to the newest, and what has come since."""
        return replace(self.view, since=_monday(self.view.as_of) - guard.LOOK_BACK, until=None)


@dataclass(frozen=True)
class Weeks:
    """A period of complete weeks, and as many just before it: None where the period is all time."""

    newest: date
    view: View
    before: View | None

    @property
    def length(self) -> str:
        """How long it and the one before are: "26 weeks"."""
        return f"{(self.newest + WEEK - self.view.since).days // 7} weeks" if self.view.since else "all weeks"

    def change(self, name: str) -> str:
        """Whether a metric changed since the weeks before, as the guard tells it; nothing where there are none."""
        return f"{label(_ask.change(self.view.question(name)).sentence, SENTENCE)}." if self.before else ""


def weeks() -> Weeks | None:
    """The places, and a period that ends with the newest complete week; None where there is none yet."""
    with st.container(horizontal=True, vertical_alignment="center"):
        view = _places()
        span = _span(list(SPANS))
    mondays = _complete_weeks(view).values()
    if not mondays:
        return None
    until = max(mondays) + WEEK
    since = _back(until, span)
    before = None if since is None else replace(view, since=_back(since, span), until=since)
    return Weeks(until - WEEK, replace(view, since=since, until=until), before)


def week() -> Week | None:
    """The places, and a complete week to look at; None where there is none yet."""
    with st.container(horizontal=True, vertical_alignment="center"):
        view = _places()
        weeks = _complete_weeks(view)
        _meet_week(weeks)
        name = st.selectbox(
            "Week",
            list(weeks),
            key="week",
            bind="query-params",
            label_visibility="collapsed",
            placeholder="No complete week yet",
            width=210,
        )
        span = _span(list(SPANS))
    if name not in weeks:
        return None
    monday, newest = weeks[name], max(weeks.values()) + WEEK
    # While the newest weeks hold the chosen one they stay: to choose among them asks nothing new.
    since = _back(newest, span)
    until = newest if since is None or monday >= since else monday + WEEK
    drawn = replace(view, since=_back(until, span), until=until)
    return Week(monday, drawn, now=replace(view, since=since))


def _meet_week(weeks: Mapping[str, date]) -> None:
    """Understand an address from a reader whose browser writes days in another order."""
    asked = st.query_params.get("week", "").removeprefix(WEEK_OF)
    if not asked or WEEK_OF + asked in weeks:
        return
    for name, monday in weeks.items():
        if asked in _words.days(monday):
            st.session_state["week"] = st.query_params["week"] = name


def period() -> View:
    """The places and a period that ends with the data."""
    with st.container(horizontal=True, vertical_alignment="center"):
        view = _places()
        span = _span(["This week", "Last week", *SPANS, OWN])
        if span == OWN:
            return _own_dates(view)
    monday = _monday(view.as_of)
    if span == "This week":
        return replace(view, since=monday, moves=span)
    if span == "Last week":
        return replace(view, since=monday - WEEK, until=monday, moves=span)
    return replace(view, since=_back(monday, span), moves="" if SPANS[span] is None else span)


def places() -> View:
    """The places alone, for a page whose lists each look back as far as they need."""
    with st.container(horizontal=True, vertical_alignment="center"):
        return _places()


def choice(title: str, options: list[str], key: str) -> str:
    """One of a few words, the first unless the reader chose another."""
    chosen = st.segmented_control(
        title,
        options,
        default=options[0],
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )
    return str(chosen or options[0])


def sought(title: str, such_as: str, key: str = "find", width: int = 420, **options: Any) -> str:
    """The words that the reader looks for."""
    found: str = st.text_input(title, key=key, bind="query-params", placeholder=such_as, width=width, **options)
    return found.strip()


def one_of(
    title: str, names: Mapping[str, str], key: str, blank: Mapping[str, object] | None = None, **options: Any
) -> str:
    """One of some things by its name; nothing where none is chosen. Another choice blanks what hangs on it."""
    chosen = st.selectbox(
        title,
        list(names),
        format_func=lambda value: names.get(value, str(value)),
        key=key,
        bind="query-params",
        on_change=lambda: st.session_state.update(blank or {}),
        **options,
    )
    return chosen if chosen in names else ""


def some_of(title: str, names: Mapping[str, str], key: str, **options: Any) -> tuple[str, ...]:
    """Some of some things by their names; none means all of them."""
    chosen = st.multiselect(
        title,
        list(names),
        format_func=lambda value: names.get(value, str(value)),
        key=key,
        bind="query-params",
        placeholder="All",
        **options,
    )
    return tuple(value for value in chosen if value in names)


def folded(title: str, keys: Iterable[str], key: str, usual: str | None = None) -> DeltaGenerator:
    """A small window for fields that few need; its name says how many of them are set, and not to what is usual."""
    values = (st.session_state.get(name, st.query_params.get_all(name)) for name in keys)
    given = sum(bool(value) and value not in (usual, [usual]) for value in values)
    return st.popover(f"{title}: {given}" if given else title, key=key, width="content")


def switched(title: str, key: str, about: str) -> bool:
    """Whether something is on."""
    return st.toggle(title, key=key, bind="query-params", help=about)


def page_of(pages: int) -> int:
    """The page of a long table that is shown, from 0."""
    shown = st.pagination(pages, max_visible_pages=NEIGHBOURS, key="rows", bind="query-params") if pages > 1 else 1
    return min(shown, pages) - 1


def member() -> str:
    """The account whose page the address asks for, written platform:source:id; empty where it asks for none."""
    found: str = st.query_params.get(MEMBER, "")
    if st.session_state.get(SHOWN, found) != found:
        st.query_params[MEMBER] = found  # between two members' pages the browser's address would stay as it is
    st.session_state[SHOWN] = found
    return found


def to_member(account: str) -> Address:
    """The address of a member's page, with what is chosen now, so that nothing is lost on the way."""
    return {**_chosen_now(), MEMBER: [account]}


def to_rows(asked: Asked) -> Address:
    """The address of the rows behind a number: the places that are chosen now, and what the rows need."""
    kept = {name: values for name, values in _chosen_now().items() if name not in CHOICES}
    return {**kept, **{name: list(values) for name, values in asked}}


def of_days(since: date, until: date) -> Asked:
    """A period of its own, as an address says it."""
    return (ANEW, (OWN,)), ("dates", (str(since), str(until - timedelta(days=1))))


def of_weeks() -> Asked:
    """The usual period up to now, whatever is chosen, as an address says it."""
    return ((ANEW, (USUAL,)),)


def arrive() -> None:
    """Follow an address to the letter where it says so: what was chosen before would win over it.

    The period is told apart, because Streamlit drops from the address what a field of the page before is bound to.
    """
    if period := st.query_params.pop(ANEW, None):
        for name in CHOICES:
            st.session_state.pop(name, None)
        if period == OWN:
            st.session_state["period"] = st.query_params["period"] = OWN


def _chosen_now() -> Address:
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in OWN_WORDS}


def _back(day: date, span: str) -> date | None:
    """The day so many weeks before; None for all time."""
    weeks = SPANS[span]
    return None if weeks is None else day - weeks * WEEK


def _span(spans: list[str]) -> str:
    return st.selectbox(
        "Period",
        spans,
        spans.index(USUAL),
        key="period",
        bind="query-params",
        label_visibility="collapsed",
        width=130,
    )


def _own_dates(view: View) -> View:
    """Two days that the reader picked; the second may still be missing."""
    last = last_day(view.as_of)
    picked = st.date_input(
        "Dates",
        (last - 4 * WEEK, last),
        key="dates",
        bind="query-params",
        label_visibility="collapsed",
        width=230,
    )
    since, last = [*picked, None, None][:2]
    return replace(view, since=since, until=last and last + timedelta(days=1))


def _places() -> View:
    """One small window with everything that narrows the places; its name says what is chosen."""
    with st.popover(_title(), key="places", width=210):  # with a period beside it as wide as a phone
        platforms = _pick("Platforms", "platform", View(EVER))
        sources = _pick("Sources", "source", View(EVER, platforms=platforms))
        channels = _pick("Channels", "channel", View(EVER, platforms=platforms, sources=sources))
        inferred = st.toggle(
            "Count guessed replies",
            key="guessed",
            bind="query-params",
            help="In a channel without threads a line seems to answer whoever just named its speaker or, where only "
            "two are talking, the line before. That is a guess, so it is left out unless you ask for it.",
        )
    view = View(EVER, None, None, platforms, sources, channels, inferred)
    return replace(view, as_of=_span_of(view)[1])


def _pick(title: str, column: str, view: View) -> tuple[str, ...]:
    """Choose some of a column's values by name; none means all of them."""
    return some_of(title, _names(column, view), column)


@kept(256)
def _names(column: str, view: View) -> dict[str, str]:
    """Each value of a column and the name it goes by, the busiest first. A name used twice is told apart."""
    shown = "platform" if column == "platform" else f"{column}_name"
    names: dict[str, str] = {}
    places = view.covers(_ask.read("places"))
    known = places.group_by(column).agg(
        pl.col("messages").sum(), pl.col(shown).first().alias("name"), pl.col("source_name").first()
    )
    busiest = known.sort("messages", column, descending=[True, False]).head(LARGEST)
    for row in busiest.iter_rows(named=True):
        name = _words.platform(row["name"]) if column == "platform" else line(row["name"], 40)
        if name in names.values():
            name = f"{name} ({line(row['source_name'], 30)}, {line(row[column], 20)})"
        names[row[column]] = name
    return names


@kept(256)
def _span_of(view: View) -> tuple[datetime, datetime]:
    """The first and the last moment that the places of a view cover."""
    places = view.covers(_ask.read("places"))
    first, last = places["first_at"].min(), places["as_of"].max()
    return (first, last) if isinstance(first, datetime) and isinstance(last, datetime) else (EVER, EVER)


def _title() -> str:
    """The chosen places in a few words: as this session knows them, or a first visit's address."""
    chosen = [
        names[value]
        for column in ("channel", "source", "platform")
        for names in (_names(column, View(EVER)),)
        for value in st.session_state.get(column) or _by_name(names, st.query_params.get_all(column))
        if value in names
    ]
    if not chosen:
        return "All places"
    return label(chosen[0]) + (f" and {len(chosen) - 1} more" if len(chosen) > 1 else "")


def _by_name(names: Mapping[str, str], said: list[str]) -> list[str]:
    """The values that go by these names: an address holds what the reader sees."""
    return [value for value, name in names.items() if name in said]


@kept(64, is_worded=True)
def _complete_weeks(view: View) -> dict[str, date]:
    """The weeks that were over when the data ended, the newest first: their names and their Mondays."""
    newest = _monday(view.as_of) - WEEK
    oldest = _monday(_span_of(view)[0])
    mondays = [newest - index * WEEK for index in range((newest - oldest).days // 7 + 1)]
    return {WEEK_OF + _words.day(monday): monday for monday in mondays}


@kept(256)
def target(view: View) -> float | None:
    """The hours within which an ask should be answered, where all the places agree on them."""
    hours = view.covers(_ask.read("places"))["target_hours"].unique().to_list()
    return hours[0] if len(hours) == 1 else None


@kept(256)
def platforms(view: View) -> tuple[str, ...]:
    """The platforms that the view's places are on."""
    return tuple(sorted(view.covers(_ask.read("places"))["platform"].unique()))


@kept(256)
def covered(view: View) -> float | None:
    """The share of the period's days that loads cover; None where there are none."""
    days = view.covers(_ask.read("coverage")).filter(
        pl.lit(True) if view.since is None else pl.col("day") >= view.since,
        pl.lit(True) if view.until is None else pl.col("day") < view.until,
    )
    share = days["is_covered"].mean()
    return share if isinstance(share, float) else None


def closed(view: View) -> list[str]:
    """The view's platforms whose terms forbid to follow single members over time."""
    return [name for name in platforms(view) if name in _ask.closed()]


def followed(view: View) -> View | None:
    """The view without those platforms; None where nothing is left of it."""
    left = tuple(name for name in platforms(view) if name not in _ask.closed())
    return replace(view, platforms=left) if left else None


@kept(64, is_worded=True)
def reaches(view: View, safe: Callable[[str], str]) -> str:
    """How far the data of each source reaches, the busiest first; their names through a safe door."""
    zone = _ask.state().settings.zone
    found = view.covers(_ask.read("sources")).sort("messages", descending=True).to_dicts()
    names: dict[str, list[str]] = {}
    for each in found[:NAMED]:
        name = f"{safe(_words.platform(each['platform']))} {safe(each['source_name'])}"
        names.setdefault(_words.reach(each["as_of"], zone), []).append(name)
    told = [f"{', '.join(each)} to {moment}" for moment, each in names.items()]
    if len(found) > NAMED:
        oldest = _words.moment(min(each["as_of"] for each in found), zone)
        told.append(f"{len(found) - NAMED} more, the oldest to {oldest}")
    return f"Data: {'; '.join(told)}"


def freshness(view: View, until: date, of: str, days: str) -> str:
    """How far the data reaches and how much of the period it covers; or how many sources end before the period."""
    reaches = f"Data to {_words.reach(view.as_of, _ask.state().settings.zone)}"
    if short := len(ended(view, until)):
        all_of_them = _words.count(len(view.covers(_ask.read("sources"))), "source")
        return f"{reaches} · {short} of {all_of_them} {'ends' if short == 1 else 'end'} before {of} does"
    return f"{reaches} · {_words.percent(covered(view))} of {days} covered"


def notes(view: View, until: date, of: str, days: str, more: str = "") -> list[str]:
    """What else to know of a period's data: how far each source reaches, and which end before `until`, with `more`."""
    told = [f"{reaches(view, label)}."] if view.covers(_ask.read("sources"))["as_of"].n_unique() > 1 else []
    return told + ([f"{reached(view, until, of, days, label)}{more}"] if ended(view, until) else [])


def reached(view: View, until: date, of: str, days: str, safe: Callable[[str], str]) -> str:
    """How much of a period is covered; where sources end before `until`, of those days that the data reaches."""
    share = _words.percent(covered(view))
    short = endings(view, until, safe)
    if not short:
        return f"{share} of {days} covered"
    return f"Not all of it reaches {of}: {'; '.join(short)}. Of {days} it does reach, {share} are covered."


def is_young(view: View, monday: date) -> bool:
    """Whether a source of the view began so lately that a first message need not be a newcomer's."""
    begun = [each.date() for each in view.covers(_ask.read("sources"))["first_at"].drop_nulls()]
    return any(monday - timedelta(days=60) < first < monday + WEEK for first in begun)


def is_first(week: Week) -> bool:
    """Whether the data begins so late that no whole week lies before this one."""
    begun = _span_of(week.view)[0].astimezone(_ask.state().settings.zone).date()
    return begun > week.monday - WEEK


def has_team(view: View) -> bool:
    """Whether anybody who spoke in the view's sources is known as staff."""
    return bool(view.covers(_ask.read("sources"))["staff"].sum())


def to_roster() -> Address:
    """The address of the roster, where it is said who is staff."""
    return to_rows(((ANEW, ("1",)), ("part", (ROSTER,))))


def ended(view: View, by: date) -> list[_ask.Row]:
    """The sources of a view whose data ends before a day, with their last `day`: what follows says nothing."""
    sources = view.covers(_ask.read("sources")).to_dicts()
    for source in sources:
        source["day"] = last_day(source["as_of"])
    return [source for source in sources if source["day"] < by - timedelta(days=1)]


def endings(view: View, by: date, safe: Callable[[str], str]) -> list[str]:
    """Those sources in words, each with its last day. Their names go through a safe door."""
    return [
        f"{safe(_words.platform(each['platform']))} {safe(each['source_name'])} ends on {_words.day(each['day'])}"
        for each in ended(view, by)
    ]


def last_day(as_of: datetime) -> date:
    """The last day that data up to a moment says anything of, where the community lives: of midnight the day before."""
    return (as_of - timedelta(microseconds=1)).astimezone(_ask.state().settings.zone).date()


def _monday(moment: datetime) -> date:
    """The Monday of the week a moment lies in, where the community lives."""
    day = moment.astimezone(_ask.state().settings.zone).date()
    return day - timedelta(days=day.weekday())
