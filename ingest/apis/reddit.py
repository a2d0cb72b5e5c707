"""Reddit: one subreddit (--subreddit NAME), its posts with all that was answered, by praw.

A list of Reddit's ends after about a thousand items, whatever there was before: pull at least once a day, and load a
dump of what is older. Each new post is asked for again as a whole, so that its conversation is complete.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from ingest.apis._client import Line, LostPlace, PullError, checked, session
from ingest.apis._service import At, Estimate, Held, Known, Page, Place, Wanted, walked

if TYPE_CHECKING:
    from praw import Reddit

READER = "reddit"
TERMS = (
    "Reddit asks for its approval before any use of its API, in writing for commercial use, forbids to train models on "
    "what it answers, and wants gone here what is deleted there: Hearth looks every day, and forgets words and author."
)
SECRETS = {
    "REDDIT_CLIENT_ID": "Make an app of the kind 'script' at https://www.reddit.com/prefs/apps once Reddit approved.",
    "REDDIT_CLIENT_SECRET": "It stands beside the app's id at https://www.reddit.com/prefs/apps.",
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(hours=1)
IS_WHOLE = False

PAGE = 100
CAP = 950  # a list of at least so many ends because Reddit's lists end, not because there was no more
NAMES = 5  # the last of a page, should the very last be deleted before the next page is asked for
MORE = 50  # answers of a hundred comments each that complete one conversation
NOBODY = {None, "[deleted]"}
GONE = {"[deleted]", "[removed]", "[ Removed by Reddit ]"}


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Reddit needs."""

    subreddit: Annotated[str, "its name, such as lumo"]
    address: Annotated[str | None, "of another server that speaks as Reddit does"] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.subreddit.removeprefix("r/").replace("_", "").isalnum():
            raise ValueError(f"subreddit must be one name, such as lumo, not {self.subreddit!r}")


class Reached(msgspec.Struct, frozen=True):
    """Where a list goes on. Reddit's own `after` is not enough: what it names may be deleted by then."""

    count: int  # items so far
    latest: float  # no item to come is newer
    oldest: float
    names: list[str]  # the last ones to ask after, the oldest first


class Left(msgspec.Struct, frozen=True):
    """What is missing of a conversation: comments by id, and branches that are too deep for one answer."""

    comments: list[str] = []
    branches: list[str] = []
    answers: int = 0


def connect(wanted: Wanted, line: Line, known: Known) -> Subreddit:
    """One subreddit."""
    assert isinstance(wanted, Options)  # noqa: S101
    from praw import Reddit

    logging.getLogger("prawcore").setLevel(logging.ERROR)  # our own patience tells what it waits for
    name = wanted.subreddit.removeprefix("r/")
    address = checked(wanted.address) if wanted.address else None
    reddit = Reddit(
        client_id=line.secret("REDDIT_CLIENT_ID", SECRETS["REDDIT_CLIENT_ID"]),
        client_secret=line.secret("REDDIT_CLIENT_SECRET", SECRETS["REDDIT_CLIENT_SECRET"]),
        user_agent=f"python:hearth:1 (community health of r/{name})",
        oauth_url=address or "https://oauth.reddit.com",
        reddit_url=address or "https://www.reddit.com",
        check_for_updates=False,
        check_for_async=False,
        requestor_kwargs={"session": session(line)},
    )
    return Subreddit(reddit, name, line, known)


class Subreddit(Place):
    """One subreddit, asked by praw: it signs in, renews its token and keeps to Reddit's pace."""

    def __init__(self, reddit: Reddit, name: str, line: Line, known: Known) -> None:
        self._reddit, self._name, self._line, self._known = reddit, name, line, known
        self.source = name.lower()

    def streams(self) -> tuple[str, ...]:
        """Posts, then comments: those on older posts show only there."""
        return ("new", "comments")

    def fetch(self, stream: str, at: At) -> Page:
        """One page of a list, or a part of one conversation."""
        if stream in self.streams():
            return self._list(stream, at)
        return self._conversation(stream.removeprefix("conversation:"), at)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What Reddit no longer shows, or shows without its words or its author. A hundred at a time."""
        while some := {each.id: each for each in islice(held, PAGE)}:
            answer = self._asked("api/info", {"id": ",".join(sorted(some))})
            told = {thing["data"]["name"]: thing["data"] for thing in _children(answer)}
            gone = (name for name, each in some.items() if name not in told or _is_gone(told[name], each))
            yield frozenset(gone)

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By going through the lists, which is quick and free; how long a conversation is shows only later."""
        pages, conversations = walked(self, at)
        count = len(conversations)
        return Estimate(1 + pages + count, note=f"{count:,} conversations; long ones take several requests")

    def _list(self, stream: str, at: At) -> Page:
        reached = msgspec.json.decode(at.cursor, type=Reached) if at.cursor else None
        answer, things = self._page(stream, reached)
        is_first = stream == "comments" and at.since is None
        if not things and not reached and at.since:
            raise LostPlace("it answers that there is nothing")
        if not things:
            is_capped = reached is not None and reached.count >= CAP
            oldest = _moment(reached.oldest) if reached else None
            return Page(None, oldest=oldest, is_capped=is_capped, covers=not is_first)
        if reached and things[0]["created_utc"] > reached.latest:
            raise LostPlace("it answers with what is newer than what was asked for")
        oldest = _moment(things[-1]["created_utc"])
        return Page(
            None if at.is_reached(oldest) else _after(answer, things, reached),
            msgspec.json.encode(answer), f"{stream}.json", len(things), oldest,
            covers=not is_first, follow=self._conversations(things, at),
        )  # fmt: skip

    def _page(self, stream: str, reached: Reached | None) -> tuple[Any, list[dict[str, Any]]]:
        """The page after what was reached; after an item before it, where the last one is deleted by now."""
        answer, things = None, list[dict[str, Any]]()
        for after in reversed(reached.names) if reached else (None, None):
            answer = self._asked(f"r/{self._name}/{stream}", {"limit": PAGE, "after": after})
            things = [thing["data"] for thing in _children(answer)]
            if things:
                break
        return answer, sorted(things, key=lambda thing: -float(thing["created_utc"]))

    def _conversations(self, things: list[dict[str, Any]], at: At) -> tuple[str, ...]:
        """Those to be had as a whole: of new posts that were answered, and of comments on posts that we lack."""
        fresh = [thing for thing in things if not at.is_reached(_moment(thing["created_utc"]))]
        posts = {
            thing["name"]: thing["num_comments"] for thing in fresh if "num_comments" in thing and "title" in thing
        }
        roots = {thing["link_id"] for thing in fresh if "link_id" in thing}
        sizes = self._known.sizes(posts.keys() | roots)
        short = {name for name, comments in posts.items() if comments and sizes.get(name, 0) <= comments}
        return tuple(f"conversation:{name}" for name in sorted(short | roots - sizes.keys()))

    def _conversation(self, name: str, at: At) -> Page:
        left = msgspec.json.decode(at.cursor, type=Left) if at.cursor else None
        if left is None:
            answer = self._asked(f"comments/{name[3:]}", {"limit": 500, "sort": "old"})
        elif left.comments:
            some = ",".join(left.comments[:PAGE])
            answer = self._asked("api/morechildren", {"link_id": name, "children": some, "api_type": "json"})
        else:
            answer = self._asked(f"comments/{name[3:]}/_/{left.branches[0]}", {"limit": 500})
        return _part(answer, left or Left(), is_first=left is None)

    def _asked(self, path: str, params: Mapping[str, Any]) -> Any:
        """Ask by praw; what it raises, in words that name no secret."""
        from praw.exceptions import RedditAPIException
        from prawcore.exceptions import BadRequest, PrawcoreException, RequestException

        self._line.wait_for_room()
        given = {name: value for name, value in params.items() if value is not None}
        try:
            return self._reddit.request(method="GET", path=path, params=given)
        except RequestException as error:
            if isinstance(error.original_exception, PullError):
                raise error.original_exception from None
            raise PullError("reddit: the connection failed. What was pulled is kept; try again later.") from None
        except (BadRequest, RedditAPIException):
            raise LostPlace("it does not know the place any more") from None
        except PrawcoreException as error:
            raise PullError(self._said(error)) from None

    def _said(self, error: Exception) -> str:
        kind, what = type(error).__name__, f"reddit: r/{self._name}"
        status = getattr(getattr(error, "response", None), "status_code", None)
        if kind in {"OAuthException", "InvalidToken", "InsufficientScope"} or status == 401:
            return (
                f"{what}: Reddit does not accept REDDIT_CLIENT_ID with REDDIT_CLIENT_SECRET (any more). Look at "
                "https://www.reddit.com/prefs/apps whether the app is there and approved, and set both anew."
            )
        if kind in {"Forbidden", "NotFound", "Redirect", "UnavailableForLegalReasons"}:
            return f"{what}: it is private, banned or not there ({kind}). Look at https://www.reddit.com/r/{self._name}"
        return f"{what}: Reddit refused ({kind}{f', {status}' if status else ''}). What was pulled is kept; try later."


def _after(answer: Any, things: list[dict[str, Any]], reached: Reached | None) -> str:
    """Where the list goes on. Its end is believed when nothing comes after two items; more, where more was promised."""
    is_end = not answer["data"].get("after") and len(things) < PAGE
    last = things[-NAMES:]
    following = Reached(
        len(things) + (reached.count if reached else 0), last[0]["created_utc"], last[-1]["created_utc"],
        [each["name"] for each in last[-2 if is_end else 0 :]],
    )  # fmt: skip
    return msgspec.json.encode(following).decode()


def _part(answer: Any, left: Left, *, is_first: bool) -> Page:
    """A part of a conversation, and what is missing still."""
    found, comments, branches = _walked(answer)
    if left.comments:
        comments, branches = [*left.comments[PAGE:], *comments], [*left.branches, *branches]
    elif not is_first:
        branches = [*left.branches[1:], *branches]
    rest = Left(list(dict.fromkeys(comments)), list(dict.fromkeys(branches)), left.answers + 1)
    is_through = not (rest.comments or rest.branches) or rest.answers > MORE
    return Page(
        None if is_through else msgspec.json.encode(rest).decode(), msgspec.json.encode(answer) if found else None,
        "conversation.json", found, covers=False, is_capped=rest.answers > MORE,
    )  # fmt: skip


def _walked(answer: Any) -> tuple[int, list[str], list[str]]:
    """How many posts and comments are in an answer, the comments it only names, and the branches it cuts off."""
    found, comments, branches, waiting = 0, list[str](), list[str](), [answer]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, list):
            waiting += thing
        elif isinstance(thing, dict) and thing.get("kind") == "more":
            comments += thing["data"].get("children", ())
            branches += [] if thing["data"].get("children") else [thing["data"]["parent_id"][3:]]
        elif isinstance(thing, dict):
            found += thing.get("kind") in {"t1", "t3"}
            inner = thing.get("data") or thing.get("json") or {}
            waiting += [inner[key] for key in ("children", "things", "replies", "data") if key in inner]
    return found, comments, branches


def _children(answer: Any) -> list[dict[str, Any]]:
    try:
        return [thing for thing in answer["data"]["children"] if thing["kind"] in {"t1", "t3"}]
    except (KeyError, TypeError):
        raise PullError("reddit: what it answers is no list. What was pulled is kept; try again later.") from None


def _is_gone(thing: Mapping[str, Any], held: Held) -> bool:
    """Whether its words are, or the account of which we still hold the name."""
    words = thing.get("body", thing.get("selftext"))
    is_unnamed = held.member_id is not None and thing.get("author") in NOBODY
    return is_unnamed or words in GONE or thing.get("removed_by_category") is not None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
