"""What a reader says of its format, beside the first line of its docstring: the one place for these facts."""

from __future__ import annotations

from typing import Literal, NamedTuple

from data.lacks import Lack

Group = Literal["Social platforms", "Chats", "Forums, questions and code", "Help desks, and everything else"]


class Format(NamedTuple):
    """How to come by an export, what it holds, and what it cannot tell: phrases, with no full stop at their end.

    lacks: what none of its forms tells although numbers need it, which the pages then say beside those numbers. Where
    only some of them hold nothing but one account's own posts, it is said of the sources in which nobody else spoke.
    """

    group: Group
    get: str  # what to download, and where in the platform's menus; or what else makes such a file
    holds: str
    cannot_tell: str
    lacks: tuple[Lack, ...] = ()
    is_seen: bool = False  # it was run on real exports, not only on made-up ones of the documented shape
