"""How is the community? Six numbers of one week, whether they really changed, and what moved them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import polars as pl
import streamlit as st

from data.settings import Targets
from metrics import guard
from metrics.explain import Explanation
from metrics.metric import Question, metrics
from pages import _ask, _figures, _filters, _limits, _show, _words
from pages._ask import Row, kept
from pages._figures import Trail
from pages._filters import WEEK, Week
from pages._safe import label, line
from pages._sheet import Number, Place, Sheet

DAY = 24.0
DAYS = "the week's days"
TRAIL = 26
"""So many weeks lead to each number."""
CARD, HALF = 190, 602
"""The least width of a number's card, and of three of them."""
LIMITS = "The scorer misses sarcasm and slang, knows English only, and reads complaints too kindly: trust the change."
LOOKS_BACK = "Every week looks back over the same 26 weeks; an older ask is not waited for here."
ADD_UP = (
    "The parts of each way to look at it (seen by) add up to {apart} points. Rate: its own share changed. "
    "Mix: there is more or less of it."
)
HOLM = (
    "By Holm's rule (1979): of m numbers the least doubtful must be m times less doubtful than alone, the next m − 1 "
    "times, and so on. A page on which nothing changed then raises a false alarm in 5 % of weeks at most."
)
UNSAID = "what the team says is unknown"
"""Where nobody is known as staff."""
HEARD = ("negative", "neutral", "positive")
Rows = Sequence[Row]
People = tuple[str, str, _filters.Asked]
Found = dict[str, Number | Exception]


def page() -> None:
    """Draw the page: the sentence, the six numbers, what moved them, the platforms, and the sheet to print."""
    week = _filters.week()
    if week is None:
        st.info("There is no complete week yet. Numbers start after the first one, Monday to Sunday.")
        return
    found = {title: _show.attempted(partial(make, week)) for title, make in NUMBERS.items()}
    judged, how = _together(found)
    if _filters.is_first(week):
        judged, how = {title: _alone(each) for title, each in judged.items()}, ""
    moved: dict[str, Explanation] = {}
    with _show.contained("The week in a sentence"):
        st.subheader(headline(judged))
        st.caption(f"{level(week)} {how}", help=HOLM if how else None)
        why = "" if _filters.has_team(week.view) else UNSAID
        _show.trust(week.alone, week.monday + WEEK, "this week", DAYS, _dotted(week), why)
    buttons = st.container(horizontal=True, vertical_alignment="center")
    _numbers(judged)
    with _show.contained("What moved it"):
        moved = _moved(judged)
        _show_moved(moved)
    if len(_filters.platforms(week.view)) > 1:
        with _show.contained("By platform"):
            answered_by_platform(week)
    with _show.contained("The report"):
        _show.sheet(_sheet_of(week, judged, how, moved), buttons)


def _numbers(judged: Found) -> None:
    """Six side by side, or three above three: where there is no room for six, five would leave one alone."""
    titles = list(judged)
    with st.grid(2, min_column_width=HALF):
        for half in (titles[:3], titles[3:]):
            with st.grid(3, min_column_width=CARD, height="stretch"):
                for title in half:
                    with _show.contained(title):
                        _show.number(_known(judged[title]))


def _known(number: Number | Exception) -> Number:
    if isinstance(number, Exception):
        raise number
    return number


def _together(found: Found) -> tuple[Found, str]:
    """The numbers, their changes judged as those of one page, and how."""
    known = {title: each for title, each in found.items() if isinstance(each, Number)}
    family = guard.guard(each.change for each in known.values())
    told = zip(known.items(), family.changes, strict=True)
    return found | {title: replace(each, change=change) for (title, each), change in told}, family.sentence


def _alone(number: Number | Exception) -> Number | Exception:
    """A number of the very first week: nothing lies before it, so nothing is said of a change."""
    if isinstance(number, Exception):
        return number
    change = replace(number.change, verdict="too early", because=_words.NO_BEFORE, doubt=None)
    return replace(number, change=change, before="")


# In words ---------------------------------------------------------------------------------------


def headline(found: Found) -> str:
    """What clearly changed, the worse first; or that nothing did, or that nobody can tell: no more than the tiles."""
    verdicts = {title: _verdict(each) for title, each in found.items()}
    clear = [PHRASES[title][verdict] for verdict in guard.CLEAR for title, each in verdicts.items() if each == verdict]
    steady = list(verdicts.values()).count("no clear change")
    untold = len(found) - len(clear) - steady
    if clear:
        said = "; ".join(clear)
        return f"{said[0].upper()}{said[1:]} than the week before.{_others(steady, untold)}"
    if not steady:
        return _nothing_told(found)
    if not untold:
        return "Nothing changed clearly in this week."
    if steady < untold:
        none = "it did not clearly change" if steady == 1 else "none of them clearly changed"
        return f"Too little to compare this week: only {steady} of the {len(found)} numbers can be; {none}."
    return f"No clear change in what can be compared: {steady} of the {len(found)} numbers."


def _verdict(number: Number | Exception) -> guard.Verdict:
    """A number's verdict; one that could not be worked out cannot be compared."""
    return "cannot be compared" if isinstance(number, Exception) else number.change.verdict


def _others(steady: int, untold: int) -> str:
    """What is said of the numbers that did not clearly change."""
    if not untold:
        return f" None of the other {steady} shows a clear change." if steady > 1 else ""
    shown = f"No clear change in {steady} other{'s' if steady > 1 else ''}; " if steady else ""
    rest = f"{shown}{untold} cannot be compared." if shown else f"The other {untold} cannot be compared."
    return f" {rest}"


def _nothing_told(found: Found) -> str:
    """Why not one of the numbers can be compared."""
    if all(isinstance(each, Number) and each.change.because == _words.NO_BEFORE for each in found.values()):
        return "This is the first whole week, so there is nothing to compare it with yet."
    reasons = {_verdict(each) for each in found.values()}
    if reasons == {"too early"}:
        return "It is too early to tell whether anything changed in this week."
    if reasons == {"too few to compare"}:
        return "We can't tell whether anything changed: there is too little in this week or the one before."
    return "We can't tell whether anything changed in this week: none of the numbers can be compared."


def level(week: Week) -> str:
    """Where the week stands, whether it changed or not."""
    now = _row(_ask.weekly(_answered(week)), week.monday)
    if now.get("asks") == 0:
        return "Nobody asked anything this week."
    if now.get("share") is None:
        return "We can't tell how this week went: too few of its days are covered."
    of = "of asks" if now["asks"] >= _words.FEW else "asks"
    return f"{_words.rate(now['share'], now['asks'])} {of} were answered within a day."


PHRASES: dict[str, dict[guard.Verdict, str]] = {
    title: {"clear worse": worse, "clear better": better}
    for title, worse, better in (
        ("Answered within 24 h", "fewer people were answered within a day", "more people were answered within a day"),
        ("Waiting past target now", "more asks waited past their target", "fewer asks waited past their target"),
        ("Newcomers welcomed", "fewer newcomers were welcomed", "more newcomers were welcomed"),
        ("Returning members", "fewer members came back", "more members came back"),
        ("Net sentiment", "members sounded less pleased", "members sounded more pleased"),
        ("Conversation share", "less of what we said answered people", "more of what we said answered people"),
    )
}


def _trust(week: Week, safe: Callable[[str], str]) -> str:
    """How far each source reaches, how much of the week is covered, and which sources ended."""
    reached = _filters.reached(week.alone, week.monday + WEEK, "this week", DAYS, safe)
    return f"{_filters.reaches(week.view, safe)} · {reached}{_dotted(week)}"


def _dotted(week: Week) -> str:
    """What a dotted line means, where a trail has one."""
    return " A dotted line in a trail: there a source ends." if _cuts(week, _led(week.monday, TRAIL)) else ""


# The six numbers --------------------------------------------------------------------------------


@kept(64, is_worded=True)
def answered(week: Week) -> Number:
    """The share of the week's asks that were answered within a day."""
    question = _answered(week)
    now, before = _weeks(question, week)
    return Number(
        "Answered within 24 h",
        _words.rate(now.get("share"), now.get("asks")),
        _words.interval(now.get("low"), now.get("high"), now.get("asks"), "ask") + _without_guesses(week),
        f"week before: {_words.rate(before.get('share'), before.get('asks'))}",
        _ask.of_week(week.alone.question("answered_within", hours=DAY)),
        _share_trail(_ask.weekly(question), week, "asks", "ask", _targets().answered_within),
        _asks(question),
        question,
        _explored("The asks", week, "Asks"),
    )


@kept(64, is_worded=True)
def waiting(week: Week) -> Number:
    """The asks that wait longer than their channel's target, as things stand when the data ends."""
    question = week.lately.question("waiting_now")
    (now,) = _ask.rows(question)
    weeks = _ask.weekly(week.judged.question("waiting_now"))
    end, before = (_words.whole(_row(weeks, day).get("past_target")) for day in (week.monday, week.monday - WEEK))
    longest = f"the oldest for {_words.age(now['hours_longest'])}" if now["past_target"] else "nobody waits too long"
    today = _words.day(_filters.last_day(week.view.as_of))
    of = f"now, on {today}: of {_words.count(now['asks'], 'ask')} without a reply"
    return Number(
        "Waiting past target now",
        _words.whole(now["past_target"]),
        f"{of}, {longest}",
        f"compared: {end} at the chosen week's end, {before} a week before",
        _ask.of_week(week.alone.question("waiting_now")),
        _count_trail(weeks, week, "past_target", _targets().waiting_now),
        f"{_asks(question)} {LOOKS_BACK}",
        question,
        ("unanswered.py", "Who waits", _filters.of_weeks()),
    )


@kept(64, is_worded=True)
def newcomers(week: Week) -> Number:
    """The newcomers whose first post was answered within a day."""
    question = week.judged.question("newcomer_welcome")
    now, before = _weeks(question, week)
    value = f"{now['welcomed']:,} of {now['newcomers']:,}" if now.get("share") is not None else _words.UNKNOWN
    sure = _words.interval(now.get("low"), now.get("high"), now.get("newcomers"), "newcomer")
    if now.get("share") is None:
        is_young = _filters.is_young(week.view, week.monday)
        sure = "the data starts under 60 days before" if is_young else "no first post whose wait can be told"
    elif now["newcomers"] >= _words.FEW:
        sure = f"{_words.percent(now['share'])} ({now['low'] * 100:.0f}–{now['high'] * 100:.0f}\u00a0%)"
    return Number(
        "Newcomers welcomed",
        value,
        sure,
        f"week before: {_words.rate(before.get('share'), before.get('newcomers'))}",
        _ask.of_week(week.alone.question("newcomer_welcome")),
        _share_trail(_ask.weekly(question), week, "newcomers", "newcomer", _targets().newcomer_welcome),
        _asks(question),
        question,
        _explored("Who came", week, "Newcomers"),
    )


@kept(64, is_worded=True)
def returning(week: Week) -> Number:
    """The members who had posted before."""
    question = week.judged.question("member_flow")
    now, before = _weeks(question, week)
    change = _ask.of_week(week.alone.question("member_flow"), "back")
    usual = ""
    if change.now.low is not None and change.now.high is not None:
        usual = f"; {change.now.low:,.0f}–{change.now.high:,.0f} by its usual swing"
    return Number(
        "Returning members",
        _words.whole(guard.count_of(now, "back")),
        f"{_words.whole(now.get('retained'))} retained{usual}",
        f"week before: {_words.whole(guard.count_of(before, 'back'))}",
        change,
        _count_trail(_ask.weekly(question), week, "back", _targets().returning_members),
        f"{_asks(question)} Returning: all who had posted before. Retained: also the week before.",
        question,
        _explored("Who came back", week, "Visits", kind=("retained", "returning", "reactivated")),
    )


@kept(64, is_worded=True)
def sentiment(week: Week) -> Number:
    """How members sound, against the community's own past: the level leans on the scorer."""
    question = week.judged.question("net_sentiment")
    now, before = _weeks(question, week)
    is_told = now.get("points") is not None and now["messages"] >= guard.FEW_WORDS
    negative = f", {_words.percent(now['negative_share'])} negative" if is_told else ""
    return Number(
        "Net sentiment",
        _words.net(now),
        f"{_words.net_range(now)}{negative}",
        f"week before: {_words.net(before)}",
        guard.points(_ask.rows(question), week.monday),
        _net_trail(_ask.rows(question), week, _targets().net_sentiment),
        f"{_asks(question)} {_words.percent(now.get('unclassified_share'))} of messages are unclassified. {LIMITS}",
        question,
        _explored("What they said", week, "Messages", role=("member",), sentiment=HEARD),
    )


@kept(64, is_worded=True)
def conversation(week: Week) -> Number:
    """How much of what the team says in public answers a member."""
    question = week.judged.question("conversation_share")
    now, before = (_with_posts(row) for row in _weeks(question, week))
    return Number(
        "Conversation share",
        _words.rate(now.get("share"), now.get("posts")),
        _words.interval(now.get("low"), now.get("high"), now.get("posts"), "post")
        if _filters.has_team(week.view)
        else "nobody is known as staff",
        f"week before: {_words.rate(before.get('share'), before.get('posts'))}",
        _ask.of_week(week.alone.question("conversation_share")),
        _share_trail([*map(_with_posts, _ask.rows(question))], week, "posts", "post", _targets().conversation_share),
        _asks(question),
        question,
        _explored("Our posts", week, "Messages", role=("staff",)),
    )


def _explored(words: str, week: Week, table: str, **filters: tuple[str, ...]) -> People:
    """A link to the rows of the number's own week, in Explore."""
    days = _filters.of_days(week.monday, week.monday + WEEK)
    return "explore.py", words, (*days, ("table", (table,)), *filters.items())


NUMBERS: dict[str, Callable[[Week], Number]] = {
    "Answered within 24 h": answered,
    "Waiting past target now": waiting,
    "Newcomers welcomed": newcomers,
    "Returning members": returning,
    "Net sentiment": sentiment,
    "Conversation share": conversation,
}


# What moved it, and where -----------------------------------------------------------------------


def _moved(found: Found) -> dict[str, Explanation]:
    """What moved the shares that clearly changed."""
    clear = {
        title: each.change
        for title, each in found.items()
        if isinstance(each, Number) and each.change.verdict in guard.CLEAR and each.change.metric in guard.shares()
    }
    return {title: _ask.moved(_of(found[title]), change) for title, change in clear.items()}


def _of(number: Number | Exception) -> Question:
    """The question about the week alone."""
    question = _known(number).question
    return replace(question, since=question.until and question.until - WEEK)


def _show_moved(moved: dict[str, Explanation]) -> None:
    """A sentence for each, and the parts behind it, which add up to the change."""
    for title, found in moved.items():
        if not found.sentence:
            continue
        words = f"What moved it · {title}: {_whole(found.sentence)}"
        with st.expander(words, key=f"moved-{title}", on_change="rerun") as opened:
            if opened.open:
                _show.table(_parts(found), f"What moved {title}, part by part")
                apart = _words.points(found.change.difference or 0)
                st.caption(f"{ADD_UP.format(apart=apart)} Fingerprint: {found.fingerprint}")


def _whole(sentence: str) -> str:
    """A sentence of several names in full: a label alone is cut."""
    return " ".join(label(word) for word in sentence.split(" "))


def _parts(found: Explanation) -> pl.DataFrame:
    """The parts as a table, in points."""
    return found.rows.select(
        pl.col("dimension").alias("seen by"),
        pl.col("group").map_elements(line, return_dtype=pl.String).alias("what"),
        pl.col("n_before").alias("week before"),
        pl.col("n").alias("this week"),
        pl.col("share_before").alias("before_share"),
        pl.col("share").alias("now_share"),
        (pl.col("rate_part") * 100).alias("rate, points"),
        (pl.col("mix_part") * 100).alias("mix, points"),
        (pl.col("part") * 100).alias("together, points"),
    )


def answered_by_platform(week: Week) -> None:
    """The share answered within a day on each platform."""
    question = _by_platform(week)
    ends = tuple((each["platform"], each["day"]) for each in _filters.ended(week.view, week.monday + WEEK))
    shape = _figures.Line("share", "asks", "share", "low", "high", is_split=True, ends=ends)
    note = "One line a platform, all on the same scale; the share beside a name is of all these weeks."
    drawn = _ask.answer(question).rows["week"].drop_nulls()
    if any(day >= min(drawn, default=date.max) for _, day in ends):
        note += " A dotted line: there a source ends."
    _show.chart(_ask.answer(question), shape, f"By platform · {_spread(question)}", f"{note}{_silent(week, label)}")


def _by_platform(week: Week) -> Question:
    """On each platform, in as many weeks as are drawn, up to the chosen one: as the trails end with it."""
    return week.led_to.question("answered_within", "platform", DAY)


def _silent(week: Week, safe: Callable[[str], str]) -> str:
    """The platforms without one ask in all the weeks drawn, in a sentence; nothing where there are none."""
    rows = [row for row in _ask.rows(_by_platform(week)) if row["week"] is None]
    asked = {row["platform"] for row in rows if row["asks"]}
    names = [safe(_words.platform(name)) for name in _filters.platforms(week.view) if name not in asked]
    return f" Nobody asked on {' or '.join(names)} in these weeks." if names else ""


def _spread(question: Question) -> str:
    """How far the platforms lie apart, in words."""
    known = [row for row in _ask.rows(question) if row["week"] is None and row["share"] is not None]
    known.sort(key=lambda row: row["share"])
    if not known:
        return "No platform can be told yet"
    if len(known) == 1:
        return f"Only {label(_words.platform(known[0]['platform']))} can be told yet"
    least, most = (
        f"{_words.rate(row['share'], row['asks'])} on {label(_words.platform(row['platform']))}"
        for row in (known[0], known[-1])
    )
    until = "" if question.until is None else f" up to {_words.day(question.until - timedelta(days=1))}"
    return f"Answered within a day, over the weeks{until}: from {least} to {most}"


# The sheet --------------------------------------------------------------------------------------


def _sheet_of(week: Week, found: Found, how: str, moved: dict[str, Explanation]) -> Sheet:
    numbers = tuple(each for each in found.values() if isinstance(each, Number))
    told = {title: each for title, each in moved.items() if each.sentence}
    is_split = len(_filters.platforms(week.view)) > 1
    marks = [(each.title, _ask.answer(each.question).fingerprint) for each in numbers]
    marks += [(f"What moved {title}", each.fingerprint) for title, each in told.items()]
    marks += [("By platform", _ask.answer(_by_platform(week)).fingerprint)] if is_split else []
    return Sheet(
        community=_ask.community(),
        week=f"Week of {_words.day(week.monday)}",
        trust=_trust(week, line),
        headline=headline(found),
        level=level(week),
        numbers=numbers,
        moved=tuple(f"{title}: {each.sentence}" for title, each in told.items()),
        places=_places(week) if is_split else (),
        silent=_silent(week, line).strip() if is_split else "",
        limited=_limits.said((each.question for each in numbers), line, most=3),
        how=how,
        fingerprints=tuple(marks),
        unknown=tuple(_unknown(week, found)),
    )


def _unknown(week: Week, found: Found) -> Iterator[str]:
    """What the sheet cannot tell, as the page says it."""
    if not _filters.has_team(week.view):
        yield f"Nobody who spoke here is known as staff, so {UNSAID}."
    for title, each in found.items():
        if isinstance(each, Exception):
            yield f"{title} could not be worked out."


@kept(64, is_worded=True)
def _places(week: Week) -> tuple[Place, ...]:
    """The platforms with most asks, each with its weeks."""
    rows = _ask.rows(_by_platform(week))
    whole = sorted((row for row in rows if row["week"] is None and row["asks"]), key=lambda row: -row["asks"])[:6]
    return tuple(
        Place(
            _words.platform(row["platform"]),
            _words.rate(row["share"], row["asks"]),
            _share_trail(
                [each for each in rows if each["platform"] == row["platform"]],
                replace(week, view=replace(week.view, platforms=(row["platform"],))),
                "asks",
                "ask",
            ),
        )
        for row in whole
    )


# Trails -----------------------------------------------------------------------------------------


def _share_trail(rows: Rows, week: Week, of: str, noun: str, target: float | None = None) -> Trail:
    """A share over the weeks, from 0 to 1."""

    def told(row: Row) -> str:
        sure = _words.interval(row["low"], row["high"], row[of], noun)
        return f"{_words.rate(row['share'], row[of])}<br>{sure}"

    said = "" if target is None else f"target {_words.percent(target)}"
    return _trail(rows, week, lambda row: (row["share"], row["low"], row["high"]), told, (0.0, 1.0), target, said)


def _count_trail(rows: Rows, week: Week, column: str, target: float | None = None) -> Trail:
    """A count over the weeks, from 0."""
    counts = [guard.count_of(row, column) or 0 for row in rows if row["week"]]
    ends = 0.0, 1.1 * max([*counts, target or 0, 1])
    said = "" if target is None else f"target {target:,.0f}"
    return _trail(
        rows,
        week,
        lambda row: (guard.count_of(row, column), None, None),
        lambda row: _words.whole(guard.count_of(row, column)),
        ends,
        target,
        said,
    )


def _net_trail(rows: Rows, week: Week, target: float | None = None) -> Trail:
    """Net sentiment over the weeks, as far below 0 as above; of too few messages nothing is drawn."""
    enough = [row for row in rows if row["points"] is not None and row["messages"] >= guard.FEW_WORDS]
    reach = min(100.0, max([20.0, abs(target or 0), *(abs(row[end]) for row in enough for end in ("low", "high"))]))
    said = "" if target is None else f"target {target:+.0f}"
    return _trail(
        enough,
        week,
        lambda row: (row["points"], row["low"], row["high"]),
        lambda row: f"{_words.net(row)}<br>{_words.net_range(row)}",
        (-reach, reach),
        target,
        said,
    )


def _trail(
    rows: Rows,
    week: Week,
    read: Callable[[Row], tuple[float | None, float | None, float | None]],
    told: Callable[[Row], str],
    ends: tuple[float, float],
    target: float | None,
    target_told: str,
) -> Trail:
    """The weeks up to the chosen one, from the first of which there is a row."""
    known = {row["week"]: row for row in rows if row["week"] and row["week"] <= week.monday}
    first = min([week.monday, *known])
    count = min(TRAIL, (week.monday - first) // WEEK + 1)
    mondays = _led(week.monday, count)
    points = [read(known[day]) if day in known else (None, None, None) for day in mondays]
    values, lows, highs = zip(*points, strict=True)
    said = tuple(
        f"Week of {_words.day(day)}<br>{told(known[day]) if day in known else _words.UNKNOWN}" for day in mondays
    )
    return Trail(mondays, values, lows, highs, *ends, said, target, target_told, _cuts(week, mondays))


def _led(monday: date, count: int) -> tuple[date, ...]:
    """So many weeks, the last of them the chosen one."""
    return tuple(monday - (count - 1 - place) * WEEK for place in range(count))


def _cuts(week: Week, mondays: Sequence[date]) -> tuple[float, ...]:
    """Where among these weeks a source ended, in weeks from the first one's middle: a fall after it need be none."""
    days = {each["day"] for each in _filters.ended(week.view, week.monday + WEEK)}
    places = (_figures.cut(mondays[0], day) for day in sorted(days))
    return tuple(place for place in places if 0 < place < len(mondays) - 1)


# Rows -------------------------------------------------------------------------------------------


def _answered(week: Week) -> Question:
    return week.judged.question("answered_within", hours=DAY)


def _targets() -> Targets:
    return _ask.state().settings.targets


def _asks(question: Question) -> str:
    """What a metric asks, in its own words."""
    return metrics()[question.name].asks


def _weeks(question: Question, week: Week) -> tuple[Row, Row]:
    """The rows of a week and of the week before; an empty one where there is none."""
    rows = _ask.weekly(question)
    return _row(rows, week.monday), _row(rows, week.monday - WEEK)


def _row(rows: Iterable[Row], monday: date) -> Row:
    return next((row for row in rows if row["week"] == monday), {})


def _with_posts(row: Row) -> Row:
    """Of what a conversation share is."""
    return row | {"posts": row["conversation"] + row["broadcast"]} if row else row


def _without_guesses(week: Week) -> str:
    """Where guessed replies are counted, the figure without them stands beside."""
    if not week.view.inferred:
        return ""
    certain = replace(week, view=replace(week.view, inferred=False))
    now, _ = _weeks(_answered(certain), certain)
    return f"; {_words.rate(now.get('share'), now.get('asks'))} without guessed replies"


page()
