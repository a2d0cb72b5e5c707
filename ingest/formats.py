"""Every format that is read, as its reader tells of it: for a terminal, for a program, and as docs/platforms.md."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from shutil import get_terminal_size
from textwrap import fill
from typing import get_args

import msgspec

from data.lacks import Lack
from ingest.apis._service import services
from ingest.exports._format import Group
from ingest.load import readers

WIDEST, NARROW = 120, 72
UNSEEN = 100  # columns, where nobody knows how many there are
LOAD = ".venv/bin/python -m ingest load PATH"
INTRO = """# What Hearth reads

`python -m ingest load PATH` looks inside and finds the reader; where two are equally sure it asks for
`--platform NAME`. Private content (direct messages, private channels, followers-only posts) is left out and counted,
unless `--include-private REASON` says why it may be read; the reason is kept in the ledger. E-mail addresses are kept
only as a hash and their domain; IP addresses, phone numbers outside the text and tokens in addresses are dropped.

Readers marked *seen* were run on real exports; the others on made-up ones of the documented shape. Platforms rename
their menus now and then: then look for "export" or "download your data" nearby. What a format lacks although numbers
need it stands **in bold**; the dashboard says so again beside each number that it limits.

Each reader says all this of itself, in its own file in `ingest/exports`, and this page is a copy of it:
`.venv/bin/python -m ingest formats --markdown > docs/platforms.md`.
"""


class Told(msgspec.Struct):
    """What one reader says of its format. `about`: what it reads, in a line; `more`: what else there is to know."""

    name: str
    platform: str
    group: Group
    about: str
    get: str
    pulled_by: list[str]  # the services that fetch the same, by `pull NAME`
    holds: str
    cannot_tell: str
    lacks: list[Lack]
    is_seen: bool
    more: str


def formats() -> list[Told]:
    """All of them, group by group."""
    order = get_args(Group)
    return sorted(map(_told, readers()), key=lambda each: order.index(each.group))


def _told(name: str) -> Told:
    reader = readers()[name]
    about, _, more = (sys.modules[f"ingest.exports.{name}"].__doc__ or "").partition("\n")
    said = reader.FORMAT
    pulled_by = [service for service, each in services().items() if name == each.READER]
    return Told(
        name,
        reader.PLATFORM,
        said.group,
        about,
        said.get,
        pulled_by,
        said.holds,
        said.cannot_tell,
        list(said.lacks),
        said.is_seen,
        more.strip(),
    )


def listed(told: Iterable[Told]) -> str:
    """For people: group by group, as wide as their terminal."""
    width = min(WIDEST, get_terminal_size((UNSEEN, 0)).columns)
    parts = []
    for group, each_of in groupby(told, lambda each: each.group):
        parts += [group, *("\n".join(_entry(each, width)) for each in each_of)]
    parts.append(
        _filled(f"One of them in full: .venv/bin/python -m ingest formats NAME. To load: {LOAD}", width, "", "")
    )
    return "\n\n".join(parts)


def in_full(told: Told) -> str:
    """One of them, with all that its reader has to say."""
    width = min(WIDEST, get_terminal_size((UNSEEN, 0)).columns)
    more = re.split(r"\n(?=\n|- )", f"\n{told.more}") if told.more else []
    parts = [_filled(" ".join(part.split()), width, "", "  " * part.startswith("- ")) for part in more]
    loads = [f"Load it: {LOAD}", f"If it is not recognised, add: --platform {told.name}"]
    return "\n".join([*_entry(told, width), *parts, "", *loads])


def _entry(told: Told, width: int) -> Iterator[str]:
    """A format's name, and beside it (on a narrow screen below) what there is to know."""
    column = 0 if width < NARROW else 18
    if not column:
        yield told.name
    indent = " " * (column or 2)
    first = f"{told.name:<{column}}" if column else indent
    yield _filled(told.about, width, first, indent)
    for title, text in _facts(told, "{}"):
        yield _filled(f"{title}: {text}", width, indent, f"{indent}  ")


def _filled(text: str, width: int, first: str, others: str) -> str:
    return fill(
        text, width, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


def _facts(told: Told, bold: str) -> Iterator[tuple[str, str]]:
    yield "Get it", f"{told.get}."
    if told.pulled_by:
        yield "Or pull it", ", ".join(f"`python -m ingest pull {name}`" for name in told.pulled_by)
    yield "Holds", f"{told.holds}."
    if told.lacks:
        yield "In short", bold.format(", ".join(told.lacks)) + (", unless pulled" if told.pulled_by else "")
    yield "Cannot tell", f"{told.cannot_tell}."


def document() -> str:
    """All of docs/platforms.md."""
    parts = [INTRO]
    for group, each_of in groupby(formats(), lambda each: each.group):
        parts += [f"## {group}\n", *map(_section, each_of)]
    return "\n".join(parts)


def _section(told: Told) -> str:
    facts = "".join(f"- {title}: {text}\n" for title, text in _facts(told, "**{}**"))
    return f"### {told.name}{' *seen*' if told.is_seen else ''}\n\n{told.about}\n\n{facts}"
