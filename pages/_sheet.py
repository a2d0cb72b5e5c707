"""A week on one sheet of paper: what the browser prints in place of Weekly health, and the report as a file.

It asks for nothing from anywhere, runs no script, and is light whatever the screen is. Every word that people wrote
goes through the safe door.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template

from metrics.guard import Change
from metrics.metric import Question
from pages import _words
from pages._figures import LIGHT, Trail
from pages._filters import Asked
from pages._safe import markup

WIDE, HIGH = 240, 60
"""Of a drawn trail, in its own units: it takes the width it is given."""
NOTE = "Bands are 95\u00a0% intervals. Only whole weeks count; what is not known is unknown, not 0."
STYLE = (Path(__file__).parent / "sheet.css").read_text("utf-8")


@dataclass(frozen=True)
class Number:
    """One of the numbers: its value, how sure it is, what it was, what may be said of the change, and its weeks.

    question: whose rows are behind it. people: the page that lists those behind it, what the link says, and what its
    address needs.
    """

    title: str
    value: str
    note: str
    before: str
    change: Change
    trail: Trail
    about: str
    question: Question
    people: tuple[str, str, Asked]


@dataclass(frozen=True)
class Place:
    """A platform: its name, its share over the weeks, and the weeks."""

    name: str
    value: str
    trail: Trail


@dataclass(frozen=True)
class Sheet:
    """All that stands on it. trust: how far the data reaches. moved: what moved a number. how: it was judged.

    silent: the platforms that have no place, in a sentence. limited: the sources whose format limits a number.
    unknown: what nobody can tell, a sentence each. fingerprints: what each figure is of, and its fingerprint.
    """

    community: str
    week: str
    trust: str
    headline: str
    level: str
    numbers: tuple[Number, ...]
    moved: tuple[str, ...]
    places: tuple[Place, ...]
    silent: str
    limited: str
    how: str
    fingerprints: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...] = ()


def printed(sheet: Sheet) -> str:
    """For the page itself: unseen on a screen, and on paper all there is."""
    return f"<style>{STYLE}</style>{body(sheet)}"


def document(sheet: Sheet) -> str:
    """A file that needs nothing but itself."""
    return _DOCUMENT.substitute(
        title=f"{markup(sheet.week)} · {markup(sheet.community)}", style=STYLE, body=body(sheet)
    )


_DOCUMENT = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>$style</style>
</head>
<body class="hearth-file">
<main>
$body
</main>
</body>
</html>
""")


def body(sheet: Sheet) -> str:
    """The sheet as HTML, without its style."""
    return "\n".join(
        [
            '<div class="hearth-sheet" lang="en">',
            f"<header><strong>Weekly health · {markup(sheet.community)}</strong>",
            f"<span>{markup(sheet.week)}</span></header>",
            f'<p class="trust">{markup(sheet.trust, 600)}</p>',
            f"<h1>{markup(sheet.headline, 400)}</h1>",
            f"<p>{markup(sheet.level, 400)}</p>",
            *(f"<p class='silent'>{markup(each, 400)}</p>" for each in sheet.unknown),
            f'<section class="numbers">{"".join(map(_number, sheet.numbers))}</section>',
            *_told("What moved it", (f"<p>{markup(each, 400)}</p>" for each in sheet.moved)),
            *_told("By platform: answered within a day, over the weeks drawn", map(_place, sheet.places), "places"),
            *([f"<p class='silent'>{markup(sheet.silent, 400)}</p>"] if sheet.silent else []),
            *([f"<p class='silent'>{markup(sheet.limited, 400)}</p>"] if sheet.limited else []),
            f"<footer><p>{markup(sheet.how, 400)} {NOTE}</p>",
            f"<p>{' · '.join(f'{markup(of)}: {markup(each)}' for of, each in sheet.fingerprints)}</p></footer>",
            "</div>",
        ]
    )


def _told(title: str, parts: Iterable[str], kind: str = "moved") -> list[str]:
    """A part with its heading; none where there is nothing to tell."""
    inside = "".join(parts)
    return [f'<h2>{title}</h2><section class="{kind}">{inside}</section>'] if inside else []


def _number(number: Number) -> str:
    shape, _, verdict, because = _words.verdict(number.change)
    why = f"<small>: {markup(because)}</small>" if because else ""
    kind = number.change.verdict.replace(" ", "-")
    return (
        f"<article><h3>{markup(number.title)}</h3><p class='value'>{markup(number.value)}</p>"
        f"<p>{markup(number.note)}</p><p class='verdict {kind}'>{shape} {verdict}{why}</p>"
        f"<p class='before'>{markup(number.before)}</p>{_drawn(number.trail, number.title)}</article>"
    )


def _place(place: Place) -> str:
    name = f"<strong>{markup(place.name)}</strong> {markup(place.value)}"
    return f"<article><p>{name}</p>{_drawn(place.trail, place.name)}</article>"


# Drawing ----------------------------------------------------------------------------------------


def _drawn(trail: Trail, title: str) -> str:
    """The trail as a picture within the page: Streamlit lets no drawing through that is not a picture."""
    encoded = b64encode(svg(trail).encode()).decode()
    return f'<img alt="{markup(told(trail, title))}" src="data:image/svg+xml;base64,{encoded}">'


def told(trail: Trail, title: str) -> str:
    """What a trail shows, for who does not see it."""
    known = [place for place, value in enumerate(trail.values) if value is not None]
    if not known:
        return f"{title}: nothing is known of these weeks"
    ends = [" ".join(trail.told[place].split("<br>")[:2]) for place in (known[0], known[-1])]
    cut = f"; {_words.count(len(trail.cuts), 'source ends', 'sources end')} within" if trail.cuts else ""
    return f"{title}, {_words.count(len(trail.weeks), 'week')}. {'; '.join(dict.fromkeys(ends))}{cut}"


def svg(trail: Trail) -> str:
    """The line over its band, its last point, the target dashed; what is unknown is grey, never 0."""
    parts = [_unknown(trail), *(_cut(trail, place) for place in trail.cuts)]
    for run in trail.runs():
        ends = trail.banded(run)
        around = [(place, low) for place, low, _ in ends] + [(place, high) for place, _, high in reversed(ends)]
        parts.append(f'<polygon points="{_points(trail, around)}" fill="{LIGHT.ember}" fill-opacity="0.15"/>')
        line = [(place, trail.values[place] or 0.0) for place in run]
        parts.append(f'<polyline points="{_points(trail, line)}" fill="none" stroke="{LIGHT.ember}" stroke-width="2"/>')
    parts += [_dot(trail, place, trail.values[place] or 0.0) for place in sorted(trail.dots())]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif">'
        f"{''.join(parts)}{_target(trail)}</svg>"
    )


def _unknown(trail: Trail) -> str:
    """A grey stripe for each week that nobody knows."""
    each = (WIDE - 12) / max(len(trail.weeks) - 1, 1)
    size = f'y="4" width="{each:.1f}" height="{HIGH - 8}" fill="{LIGHT.faint}"'
    return "".join(
        f'<rect x="{_across(trail, place) - each / 2:.1f}" {size}/>'
        for place, value in enumerate(trail.values)
        if value is None
    )


def _target(trail: Trail) -> str:
    if trail.target is None:
        return ""
    up = _up(trail, trail.target)
    return (
        f'<line x1="0" x2="{WIDE}" y1="{up:.1f}" y2="{up:.1f}" stroke="{LIGHT.ink}" stroke-dasharray="4 3"/>'
        f'<text x="2" y="{max(up - 3, 9):.1f}" font-size="10" fill="{LIGHT.ink}">{markup(trail.target_told)}</text>'
    )


def _cut(trail: Trail, place: float) -> str:
    """A dotted line where a source ended."""
    across = f"{_across(trail, place):.1f}"
    return (
        f'<line x1="{across}" x2="{across}" y1="4" y2="{HIGH - 4}" stroke="{LIGHT.muted}" stroke-width="1.5" '
        'stroke-dasharray="1.5 3"/>'
    )


def _dot(trail: Trail, place: int, value: float) -> str:
    where = f'cx="{_across(trail, place):.1f}" cy="{_up(trail, value):.1f}"'
    return f'<circle {where} r="3.5" fill="{LIGHT.ember}"/>'


def _points(trail: Trail, found: list[tuple[int, float]]) -> str:
    return " ".join(f"{_across(trail, place):.1f},{_up(trail, value):.1f}" for place, value in found)


def _across(trail: Trail, place: float) -> float:
    return 6 + (WIDE - 12) * place / max(len(trail.weeks) - 1, 1)


def _up(trail: Trail, value: float) -> float:
    """Down from the top, as SVG counts."""
    return 5 + (HIGH - 10) * (trail.top - value) / ((trail.top - trail.floor) or 1)
