"""What an export may lack although numbers need it: the words for it, on every screen and in every table."""

from __future__ import annotations

from typing import Literal, NamedTuple

Lack = Literal["own posts only", "no replies", "no member ids", "no time zone"]


class Lacking(NamedTuple):
    """What a metric's header says that it needs, and what follows for a number where that is missing."""

    needs: str
    so: str


LACKS: dict[Lack, Lacking] = {
    "own posts only": Lacking(
        "others' posts",
        "only what one account said itself is in such an export: what others asked and answered is not, so that its "
        "rates and counts are low by nature",
    ),
    "no replies": Lacking(
        "replies",
        "such an export does not say who answers whom, so that all but replies by name are guessed, and left out "
        "unless guessed replies are counted: rates are low by nature",
    ),
    "no member ids": Lacking(
        "member ids",
        "people are known by their names alone: whoever changes it counts as somebody new, and two of one name as one",
    ),
    "no time zone": Lacking(
        "the time zone", "the clock in such an export is taken for UTC, so that hours and days may be shifted"
    ),
}
