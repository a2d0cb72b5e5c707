"""Stack Exchange: questions of one site (--site stackoverflow.com --tagged redis), their answers and comments.

Questions run by their last activity, the oldest first, so that an edit or a new answer brings them again. A comment is
no activity: questions of the last thirty days are asked for each time, and a comment on an older one shows only once
that is active again. Requests are counted by the day: 300 without a key, 10,000 with one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any

import msgspec

from ingest.apis._client import Client, Dialect, Line, PullError, Refusal
from ingest.apis._client import LostPlace as Lost
from ingest.apis._service import At, Estimate, Held, Known, Page, Place, Wanted

READER = "stackexchange"
DIALECT = Dialect(READER, "Stack Exchange")
TERMS = (
    "What is said there is under CC BY-SA: name its author and link to it wherever you show it. Stack Exchange does "
    "not want models trained on it, and forbids to ask again before the pause it asks for is over."
)
SECRETS = {
    "STACKEXCHANGE_KEY": "Not needed, but it allows 10,000 requests a day in place of 300: register an application at "
    "https://stackapps.com/apps/oauth/register and take its key.",
}
OPTIONAL = frozenset(SECRETS)
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(hours=1)
IS_WHOLE = True  # lists run by activity: only a whole sweep tells all that was said in a range

PAGE = 100
RECENT = timedelta(days=30)  # so old may a question be for its new comments to be found
TICK = timedelta(seconds=1)  # what was active within the second of the last one may not have been on its page
TRIES = 4
PASSING = {500, 502, 503}  # error ids: internal_error, throttle_violation, temporarily_unavailable
AGAIN_IN = re.compile(r"in (\d+) seconds")
DATES = {"activity": "last_activity_date", "creation": "creation_date"}
FIELDS = {
    "": "items has_more quota_remaining backoff error_id error_name error_message",
    "question": "question_id title body creation_date last_activity_date last_edit_date owner link score "
    "accepted_answer_id answer_count comment_count answers comments",
    "answer": "answer_id question_id body creation_date last_edit_date owner score comment_count comments",
    "comment": "comment_id post_id body_markdown creation_date owner score",
    "post": "post_id",
    "shallow_user": "user_id display_name",
}
INCLUDE = ";".join(f"{kind}.{field}" for kind, fields in FIELDS.items() for field in fields.split())


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Stack Exchange needs."""

    site: Annotated[str, "such as stackoverflow.com"]
    tagged: Annotated[str, "one tag or several, with commas; else the whole site"] = ""
    address: Annotated[str, "of another server that speaks as Stack Exchange does"] = (
        "https://api.stackexchange.com/2.3"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", self.site):
            raise ValueError(f"site must be an address such as stackoverflow.com, not {self.site!r}")

    @property
    def tags(self) -> tuple[str, ...]:
        """Each tag by itself: what has any of them is wanted."""
        return tuple(dict.fromkeys(re.split(r"[\s,;]+", self.tagged.strip().lower())))


class Post(msgspec.Struct, frozen=True):
    """What must be known of a question or an answer to see whether it came whole."""

    question_id: int = 0
    answer_id: int = 0
    creation_date: int = 0
    last_activity_date: int = 0
    answer_count: int = 0
    comment_count: int = 0
    answers: list[Post] = []
    comments: list[msgspec.Raw] = []


class Id(msgspec.Struct, frozen=True):
    """The id of whatever it is."""

    post_id: int | None = None
    comment_id: int | None = None
    filter: str = ""


class Wrapper(msgspec.Struct, frozen=True):
    """What every answer is wrapped in."""

    items: list[msgspec.Raw] = []
    has_more: bool = False
    quota_remaining: int | None = None
    backoff: int = 0
    total: int | None = None


class Reached(msgspec.Struct, frozen=True):
    """Where a list goes on: at a moment, and after so many pages where one second holds more than a page."""

    since: datetime | None
    page: int = 1
    oldest: datetime | None = None  # of all so far


def connect(wanted: Wanted, line: Line, known: Known) -> Site:  # noqa: ARG001
    """One site."""
    assert isinstance(wanted, Options)  # noqa: S101
    key = line.secret("STACKEXCHANGE_KEY", SECRETS["STACKEXCHANGE_KEY"], default="")
    return Site(wanted, Client(line, wanted.address), key or None)


class Site(Place):
    """One site of Stack Exchange, or some of its tags."""

    def __init__(self, wanted: Options, client: Client, key: str | None) -> None:
        self._wanted, self._client, self._key = wanted, client, key
        self.source = wanted.site.lower()
        self._filter, self._left = "", 1

    def streams(self) -> tuple[str, ...]:
        """Questions by activity, then once more those that are recent, tag by tag."""
        return tuple(f"{kind}:{tag}" for tag in self._wanted.tags for kind in ("questions", "recent"))

    def fetch(self, stream: str, at: At) -> Page:
        """One page of questions, or what one of them came without."""
        kind, _, what = stream.partition(":")
        if kind == "questions":
            return self._questions("activity", what, at, at.since)
        if kind == "recent" and (at.mark is None or at.since is None):
            return Page(None, covers=False, mark="told")  # the first sweep of all questions told them
        if kind == "recent":
            assert at.since is not None  # noqa: S101
            return self._questions("creation", what, at, at.since - RECENT)
        return self._rest(stream.replace(":", "/"), at)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What is not there any more when it is asked for by its id. A hundred at a time."""
        while some := list(islice(held, PAGE)):
            for path, prefix in (("comments", "comment:"), ("posts", "")):
                ids = {each.id for each in some if each.id.startswith("comment:") == bool(prefix)}
                numbers = {each.removeprefix(prefix): each for each in ids}
                missing = numbers.keys() - self._there(path, numbers)
                missing -= self._there(path, missing)  # nothing is taken for deleted that was missing only once
                yield frozenset(numbers[each] for each in missing)

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By how many questions there are."""
        totals = list[int | None]()
        for stream, where in at.items():
            kind, _, tag = stream.partition(":")
            if kind == "questions":
                totals.append(self._total("activity", tag, where.since))
            elif where.mark and where.since:
                totals.append(self._total("creation", tag, where.since - RECENT))
        known = [total for total in totals if total is not None]
        if len(known) < len(totals):
            return Estimate(None, note="the site does not tell how many questions there are")
        requests = 1 + sum(total // (PAGE - 1) + 1 for total in known)  # the first asks for the filter
        return Estimate(requests, note="what a question comes without costs a request each, which is rare")

    def _questions(self, order: str, tag: str, at: At, since: datetime | None) -> Page:
        reached = msgspec.json.decode(at.cursor, type=Reached) if at.cursor else Reached(since)
        body, told = self._page(_listed(order, tag, reached), reached, order)
        posts = [DIALECT.decoded(each, Post) for each in told.items]
        moments = [_moment(post.creation_date) for post in posts]
        oldest = min([*moments, *filter(None, [reached.oldest])], default=None)
        cursor = _after(told, [_date(post, order) for post in posts], reached, oldest)
        is_all = order == "activity" and cursor is None
        return Page(
            cursor, body if posts else None, "questions.json", sum(map(_size, posts)),
            (at.since or oldest) if is_all else None, is_forward=True, covers=is_all, mark="told",
            follow=tuple(name for post in posts for name in _unfinished(post)),
        )  # fmt: skip

    def _page(self, params: dict[str, Any], reached: Reached, order: str) -> tuple[bytes, Wrapper]:
        """A page of a list. An empty one, or one with what is older, is not believed the first time."""
        for _ in range(2):
            body, told = self._asked("/questions", params)
            dates = [_date(DIALECT.decoded(each, Post), order) for each in told.items]
            is_older = reached.since is not None and any(date < reached.since - TICK for date in dates)
            if dates and not is_older:
                break
        if is_older:
            raise Lost("it answers with what is older than what was asked for")
        return body, told

    def _rest(self, path: str, at: At) -> Page:
        """More answers or comments: /questions/ID/answers, /posts/ID/comments."""
        kind, number = path.split("/")
        page = int(at.cursor or 1)
        path = f"/questions/{number}/answers" if kind == "answers" else f"/posts/{number}/comments"
        body, told = self._asked(path, {"sort": "creation", "order": "asc", "page": page, "pagesize": PAGE})
        posts = [DIALECT.decoded(each, Post) for each in told.items]
        follow = tuple(name for post in posts for name in _unfinished(post)) if kind == "answers" else ()
        cursor = str(page + 1) if told.has_more else None
        return Page(cursor, body if posts else None, f"{kind}.json", len(posts), covers=False, follow=follow)

    def _there(self, path: str, ids: Any) -> set[str]:
        if not ids:
            return set()
        _, told = self._asked(f"/{path}/{';'.join(sorted(ids))}", {"pagesize": PAGE})
        found = [DIALECT.decoded(each, Id) for each in told.items]
        return {str(each.comment_id if path == "comments" else each.post_id) for each in found}

    def _total(self, order: str, tag: str, since: datetime | None) -> int | None:
        return self._asked("/questions", {**_listed(order, tag, Reached(since)), "filter": "total"})[1].total

    def _asked(self, path: str, params: Mapping[str, Any]) -> tuple[bytes, Wrapper]:
        """An answer with the fields that are wanted. A pause that it asks for is kept before the next one."""
        given = {"site": self._wanted.site, "key": self._key, **params}
        given.setdefault("filter", self._filter or self._made_filter())
        return self._got(path, given)

    def _made_filter(self) -> str:
        """The name of the list of fields, which the service gives to it."""
        given = {"base": "none", "unsafe": "true", "include": INCLUDE, "key": self._key}
        _, told = self._got("/filters/create", given)
        self._filter = DIALECT.decoded(told.items[0], Id).filter if told.items else ""
        if not self._filter:
            raise PullError("stackexchange: it made no filter of fields. What was pulled is kept; try again later.")
        return self._filter

    def _got(self, path: str, params: Mapping[str, Any]) -> tuple[bytes, Wrapper]:
        for _ in range(TRIES):
            if self._left < 1:
                raise PullError(
                    "stackexchange: the requests of today are used up; there are new ones from midnight UTC on. What "
                    f"was pulled is kept; give the same command again then. {SECRETS['STACKEXCHANGE_KEY']}"
                )
            try:
                body = self._client.get(path, params).body
            except Refusal as refusal:
                self._client.line.hold(self._pause(refusal))
                continue
            told = DIALECT.decoded(body, Wrapper)
            self._left = 1 if told.quota_remaining is None else told.quota_remaining
            self._client.line.hold(told.backoff)
            return body, told
        raise PullError("stackexchange: it asks for one pause after the other. What was pulled is kept; try later.")

    def _pause(self, refusal: Refusal) -> float:
        """How long to wait after an error that passes; PullError for any other, in its own words."""
        try:
            said = refusal.answer.json()
            number, message = said["error_id"], str(said["error_message"])
        except (ValueError, KeyError, TypeError):
            raise refusal from None
        if number not in PASSING:
            is_key = self._key is not None and "`key`" in message
            mend = f" So STACKEXCHANGE_KEY is not right: {SECRETS['STACKEXCHANGE_KEY']}" if is_key else ""
            said = f"{self._client.line.clean(message)} ({said.get('error_name')})."
            raise PullError(f"stackexchange: {self._wanted.site}: {said}{mend}") from None
        told = AGAIN_IN.search(message)
        return float(told[1]) + 1 if told else 30.0


def _listed(order: str, tag: str, reached: Reached) -> dict[str, Any]:
    return {
        "tagged": tag or None, "sort": order, "order": "asc", "pagesize": PAGE, "page": reached.page,
        "min": int(reached.since.timestamp()) if reached.since else None,
    }  # fmt: skip


def _after(told: Wrapper, dates: list[datetime], reached: Reached, oldest: datetime | None) -> str | None:
    """Where a list goes on; a full page is no end, whatever it says."""
    if not dates or (len(dates) < PAGE and not told.has_more):
        return None
    since = max(dates) - TICK
    is_further = reached.since is None or since > reached.since
    following = Reached(since, 1, oldest) if is_further else Reached(reached.since, reached.page + 1, oldest)
    return msgspec.json.encode(following).decode()


def _unfinished(post: Post) -> Iterator[str]:
    """The streams by which a question or an answer becomes whole."""
    if not post.answer_id and len(post.answers) < post.answer_count:
        yield f"answers:{post.question_id}"
    if len(post.comments) < post.comment_count:
        yield f"comments:{post.answer_id or post.question_id}"
    for answer in post.answers:
        yield from _unfinished(answer)


def _size(post: Post) -> int:
    return 1 + len(post.comments) + sum(map(_size, post.answers))


def _date(post: Post, order: str) -> datetime:
    return _moment(getattr(post, DATES[order]))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
