"""What somebody may have meant by a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def meant(wrong: str, known: Iterable[str]) -> str:
    """The end of a complaint: the name it is nearest to, if any, and all there are."""
    names = list(known)
    near = get_close_matches(wrong.lower(), [name.lower() for name in names], 1)
    guess = next((name for name in names if name.lower() in near), "")
    there = f"here are: {', '.join(names)}" if names else "here are none"
    return f"; did you mean {guess}? T{there}" if guess else f"; t{there}"
