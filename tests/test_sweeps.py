"""What a sweep has told, page by page: the watermark never passes what was not told; no range is claimed before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from data.spool import Stream
from ingest.apis._service import Page
from ingest.pull import after_page, claim, gap_after

DAY = datetime(2026, 3, 2, tzinfo=UTC)
POSTS = Stream("posts")


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def back(cursor: str | None, oldest: float | None, **more: object) -> Page:
    return Page(cursor, oldest=None if oldest is None else at(oldest), **more)  # type: ignore[arg-type]


def on(cursor: str | None, oldest: float | None, newest: float | None) -> Page:
    moments = {"oldest": oldest, "newest": newest}
    return Page(cursor, is_forward=True, **{k: None if v is None else at(v) for k, v in moments.items()})  # type: ignore[arg-type]


def again(stream: Stream, *, is_loaded: bool = True) -> Stream:
    """The next run's sweep."""
    rest = {"covered_since": None, "covered_until": None} if is_loaded else {}
    return replace(stream, is_open=True, cursor=None, new_mark=None, asked_at=None, reached=None, **rest)  # type: ignore[arg-type]


def test_a_sweep_moves_the_watermark_only_at_its_end_and_to_where_it_began() -> None:
    first = after_page(POSTS, back("b", 9, mark="7"), at(10))
    assert (first.told_until, first.is_open, claim([first])) == (None, True, (at(9), at(10)))
    done = after_page(first, back(None, 2), at(11))
    assert (done.told_until, done.mark, done.is_open) == (at(10), "7", False), "not the moment of the last page"
    assert claim([done]) == (None, at(10)), "it begins where the place does"


def test_a_sweep_that_meets_what_was_told_covers_what_lies_between() -> None:
    told = after_page(POSTS, back(None, 2), at(10))
    quiet = after_page(again(told), back(None, None), at(34))
    assert claim([quiet]) == (at(10), at(34)), "a quiet day is covered"
    met = after_page(again(told), back(None, 9), at(20), is_back=True)
    assert claim([met]) == (at(9), at(20))


def test_a_first_sweep_that_goes_back_to_a_wanted_day_covers_no_more() -> None:
    assert claim([after_page(POSTS, back(None, 5), at(10), is_back=True)]) == (at(5), at(10))


def test_a_list_that_ends_too_early_leaves_a_gap() -> None:
    told = after_page(POSTS, back(None, 2), at(10))
    short = after_page(again(told), back(None, 30, is_capped=True), at(40))
    assert claim([short]) == (at(30), at(40))
    assert "up to 2026-03-02 10:00 UTC" in (gap_after(again(told), back(None, 30, is_capped=True)) or "")
    assert gap_after(again(told), back(None, 9, is_capped=True)) is None, "it reached what was told before"
    assert "load an export" in (gap_after(POSTS, back(None, 9, is_capped=True)) or "")
    assert "its end is missing" in (gap_after(POSTS, back(None, None, is_capped=True, covers=False)) or "")


def test_what_was_told_but_not_loaded_is_claimed_later_where_it_touches() -> None:
    told = after_page(POSTS, back(None, 2), at(10), is_back=True)
    later = after_page(again(told, is_loaded=False), back("c", 15), at(20))
    assert claim([later]) == (at(15), at(20)), "in between nothing is known yet"
    met = after_page(later, back(None, 9), at(21), is_back=True)
    assert claim([met]) == (at(2), at(20))


def test_of_several_streams_only_what_all_told_is_claimed() -> None:
    posts = after_page(POSTS, back("b", 4), at(10))
    comments = Stream("comments")
    assert claim([posts, comments]) is None, "comments have not begun"
    comments = after_page(comments, back("b", 6), at(9))
    assert claim([posts, comments]) == (at(6), at(9))
    whole = after_page(comments, back(None, 3), at(9))
    assert claim([posts, whole]) == (at(4), at(9)), "what has a beginning does not shorten the others"
    names = after_page(Stream("names"), Page(None, covers=False), at(11))
    assert claim([posts, names]) == (at(4), at(10)), "a list of names covers nothing"
    once = after_page(Stream("conversation:1", is_lasting=False), Page(None), at(12))
    assert claim([posts, once]) == (at(4), at(10))
    assert claim([]) is None


def test_a_list_that_runs_forward_moves_the_watermark_with_each_page() -> None:
    first = after_page(POSTS, on("b", 1, 4), at(10))
    assert (first.told_until, claim([first])) == (at(4), (at(1), at(4)))
    done = after_page(first, on(None, 4, 8), at(11))
    assert (done.told_until, claim([done])) == (at(10), (at(1), at(10)))
    cut_off = after_page(again(done), on("c", 12, 15), at(20))
    assert (cut_off.told_until, claim([cut_off])) == (at(15), (at(10), at(15)))
    quiet = after_page(again(done), on(None, None, None), at(30))
    assert claim([quiet]) == (at(10), at(30))
