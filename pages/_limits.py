"""Where a source's format limits a number: which sources those are, and what follows for the number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from data.lacks import LACKS, Lack
from data.settings import midnight
from metrics.metric import Question, metrics
from pages import _ask, _documents, _filters, _words
from pages._ask import kept

OWN: Lack = "own posts only"
NAMED = 10
"""So many sources are named at most."""
Limited = tuple[tuple[str, str, tuple[Lack, ...]], ...]
"""Platform, source name, and what its format lacks of what the number needs."""


def said(questions: Iterable[Question], safe: Callable[[str], str], most: int = 1) -> str:
    """What limits these numbers, in a line: what which source lacks, or how many of them, where they are over `most`.

    Their names go through a safe door. Empty: nothing limits them.
    """
    told = (
        f"{lack} ({_words.count(len(names), 'source') if len(names) > most else ', '.join(names)})"
        for lack, names in _by_lack(questions, safe).items()
    )
    line = "; ".join(told)
    return line and f"Limited: {line}"


def why(question: Question, safe: Callable[[str], str]) -> str:
    """What follows for the number, a point for each lack, with its sources."""
    return "\n".join(
        f"- **{lack}** ({', '.join(names[:NAMED])}{' and others' if len(names) > NAMED else ''}): {LACKS[lack].so}."
        for lack, names in _by_lack([question], safe).items()
    )


def _by_lack(questions: Iterable[Question], safe: Callable[[str], str]) -> dict[Lack, list[str]]:
    """The sources that lack something these numbers need, in the order of the lacks."""
    found = {each: None for question in questions for each in limits(question)}
    named = [(f"{safe(_words.platform(platform))} {safe(name)}", lacks) for platform, name, lacks in found]
    by_lack = {lack: list(dict.fromkeys(name for name, lacks in named if lack in lacks)) for lack in LACKS}
    return {lack: names for lack, names in by_lack.items() if names}


@kept(256)
def limits(question: Question) -> Limited:
    """The sources in a question's places and period that lack what its number needs, the busiest first."""
    needs = metrics()[question.name].needs.split(", ")
    found = (
        (row["platform"], row["source_name"], tuple(each for each in lacks if LACKS[each].needs in needs))
        for row, lacks in _lacking()
        if _is_asked(row, question)
    )
    return tuple(each for each in found if each[2])


def _is_asked(source: _ask.Row, question: Question) -> bool:
    """Whether a source lies in the question's places, and some of its data in the period."""
    view = _filters.View(
        _filters.EVER, platforms=question.platforms, sources=question.sources, channels=question.channels
    )
    zone = _ask.state().settings.zone
    since = midnight(question.since, zone) or _filters.EVER
    until = midnight(question.until, zone) or datetime.max.replace(tzinfo=UTC)
    places = view.covers(_ask.read("places")).filter(platform=source["platform"], source=source["source"])
    return not places.is_empty() and source["first_at"] < until and source["as_of"] >= since


@kept(4)
def _lacking() -> list[tuple[_ask.Row, tuple[Lack, ...]]]:
    """The sources that lack something, each with what none of its loads told: the busiest first."""
    known = {each.name: each.lacks for each in _documents.readers()}
    sources = _ask.read("sources").sort("messages", descending=True).to_dicts()
    found = ((row, [known.get(name, ()) for name in row["readers"] or ()]) for row in sources)
    return [(row, _common(lacks, row)) for row, lacks in found if lacks]


def _common(lacks: Sequence[tuple[Lack, ...]], source: _ask.Row) -> tuple[Lack, ...]:
    """What all of them lack. Of one account's own posts nothing else need be said; where others speak, they are not."""
    common = tuple(lack for lack in LACKS if all(lack in each for each in lacks))
    if OWN not in common:
        return common
    is_alone = source["members"] + source["staff"] + source["bots"] <= 1
    return (OWN,) if is_alone else tuple(lack for lack in common if lack != OWN)
