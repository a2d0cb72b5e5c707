"""X: one account (--account HANDLE), by tweepy: its posts, who mentions it, and what else those conversations hold.

X charges for every post and author that it hands out, so a pull wants a budget: --budget-dollars 5 is what a month may
cost. Authors that are known are not asked for again. X tells the newest 800 mentions and 3,200 posts; of a conversation
it finds the last seven days, and what was answered before. With --owned true own posts cost a fifth: the account must
own the app, and the other four keys be given. A dry run is free and guesses from what was said of late; with
--count true it asks X, for half a cent a question.
"""

from __future__ import annotations

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import responses
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec

from ingest.apis._client import Answer, Line, LostPlace, PullError, Refusal, checked, session
from ingest.apis._service import At, Bill, Estimate, Held, Known, Page, Place, Room, Wanted
from ingest.exports.x import FIRST_ID, sent_at

if TYPE_CHECKING:
    import requests
    import tweepy

READER = "x_api_v2"
TERMS = (
    "X asks that what is deleted, protected or suspended there goes here too, within a day of being asked: Hearth asks "
    "X every day, and that costs nothing. Its terms forbid to train models on posts, and to look into what people are "
    "or believe. Protected accounts are left out."
)
SECRETS = {
    "X_BEARER_TOKEN": "Make an app at https://console.x.com, buy credit there, and copy its bearer token.",
    "X_API_KEY": "Only for --owned true: the app's API key.",
    "X_API_SECRET": "Only for --owned true: the app's API key secret.",
    "X_ACCESS_TOKEN": "Only for --owned true: the account's own access token for the app.",
    "X_ACCESS_SECRET": "Only for --owned true: the secret of that access token.",
}
OPTIONAL = frozenset(SECRETS) - {"X_BEARER_TOKEN"}
# As X told them in August 2026. Where they change: prices = { post = 0.005 } in the row of [[pulls]].
PRICES: Mapping[str, float] = {"post": 0.005, "user": 0.010, "owned": 0.001, "count": 0.005}
OVERLAP = timedelta(minutes=5)
IS_WHOLE = False

HOST = "https://api.twitter.com"  # where tweepy asks
LISTS = {"posts": (5, 3200), "mentions": (5, 800)}  # the shortest page, and how much there is at most
SHORTEST, MOST = 10, 100  # posts on a page of what is found by search
NEAR = 10  # a list that ends so near to its cap was cut off
FOUND = timedelta(days=7) - timedelta(minutes=10)  # search looks back so far
LATE = timedelta(minutes=1)  # a post may show up so late: it is asked for again, which X does not charge twice a day
AT_ONCE = 11  # conversations in one question of 512 letters
DEEP = 20  # so many answers are followed upwards, where search no longer finds them
COUNTS = 10  # questions for counts of conversations, in a dry run
NEW_AUTHORS = 0.3  # for each post by others, as long as nothing is known
MORE = 0.1  # for each mention, what completes its conversation
A_TALK = 3  # posts in a conversation, as long as nothing is known
TWEET = ("attachments", "author_id", "conversation_id", "created_at", "edit_history_tweet_ids", "entities")
TWEET_FIELDS = [*TWEET, "in_reply_to_user_id", "note_tweet", "public_metrics", "referenced_tweets"]
USER_FIELDS = ["id", "name", "username", "protected"]
KEEPS = {"scrub_geo"}  # a reason of compliance that leaves the post where it is: no place is held here
PATIENCE = 60  # looks at a compliance job
ONCE_MORE = 3
LATELY, ENOUGH = timedelta(days=28), 50  # what an estimate looks at, and how many posts tell something


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of X needs."""

    account: Annotated[str, "its handle, such as lumo"]
    owned: Annotated[bool, "the account owns the app: its own posts cost a fifth"] = False
    count: Annotated[bool, "let a dry run ask X how much there is, for half a cent a question"] = False
    address: Annotated[str | None, "of another server that speaks as X does"] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        name = self.account.removeprefix("@").replace("_", "")
        if not (name.isascii() and name.isalnum() and len(self.account) <= 16):
            raise ValueError(f"account must be a handle, such as lumo, not {self.account!r}")


class Mark(msgspec.Struct, frozen=True):
    """What a whole sweep of a list noted."""

    user: str  # the account's id
    newest: str | None = None


class Waiting(msgspec.Struct, frozen=True):
    """Posts that are paid for, and not to be read before their authors are known: one may be protected."""

    answer: Any
    authors: list[str]
    users: list[Any] = []
    is_end: bool = False


class Reached(msgspec.Struct, frozen=True):
    """Where a stream goes on."""

    user: str | None = None  # the account's id
    since: str | None = None  # the post from which on this is new
    token: str | None = None
    until: str | None = None  # the list is asked for once more, from this post back
    oldest: str | None = None
    count: int = 0
    ids: list[str] = []  # conversations, or posts, to ask for still
    waiting: Waiting | None = None


def connect(wanted: Wanted, line: Line, known: Known) -> Account:
    """One account."""
    assert isinstance(wanted, Options)  # noqa: S101
    import tweepy

    logging.getLogger("tweepy").setLevel(logging.ERROR)  # it would tell headers, with the token in them
    bearer = line.secret("X_BEARER_TOKEN", SECRETS["X_BEARER_TOKEN"])
    names = ("X_API_KEY", "X_API_SECRET", "X_ACCESS_TOKEN", "X_ACCESS_SECRET") if wanted.owned else ()
    own = [line.secret(name, SECRETS[name]) for name in names]
    client = tweepy.Client(bearer, *own, wait_on_rate_limit=False)
    client.session = session(line)
    if wanted.address:
        client.session.mount(HOST, _elsewhere(checked(wanted.address)))
    return Account(client, wanted, line, known)


class Account(Place):
    """One account, asked for by tweepy. Remembers what this pull has met, so that it is not asked for again."""

    def __init__(self, client: tweepy.Client, wanted: Options, line: Line, known: Known) -> None:
        import requests

        client.return_type = requests.Response  # as X told it
        self._client, self._wanted, self._line, self._known = client, wanted, line, known
        self._plain = session(line, is_json=False)
        self._handle = wanted.account.removeprefix("@")
        self.source = self._handle.lower()
        self._user: str | None = None
        self._seen: set[str] = set()  # posts
        self._met: set[str] = set()  # authors
        self._followed: dict[str, set[str]] = defaultdict(set)  # conversations, by the list that led to them

    def streams(self) -> tuple[str, ...]:
        """Conversations of late come last: whoever answers us there mentions us, and is known by then."""
        return (*LISTS, "conversations")

    def most(self, stream: str, at: At, room: Room) -> Bill | None:
        """As many posts as can be paid for together with their authors."""
        if stream == "estimate":
            return _fitting(room, 1, 1, lambda _: {"count": 1}) if self._wanted.count else {}
        reached = self._reached(stream, at)
        if reached.waiting:
            return _fitting(room, 1, min(MOST, len(reached.waiting.authors)), lambda many: {"user": many})
        if stream in LISTS and not reached.user:
            return _fitting(room, 1, 1, lambda _: {"user": 1})
        if stream not in LISTS and not reached.ids:
            return {}
        least, highest, kind = self._lengths(stream, reached)
        many = _fitting(room, least, highest, lambda many: {kind: many, "user": 1 if stream == "posts" else many})
        return {kind: many[kind]} if many else None

    def _lengths(self, stream: str, reached: Reached) -> tuple[int, int, str]:
        if stream.startswith("missing:"):
            return 1, min(MOST, len(reached.ids)), "post"
        kind = "owned" if stream == "posts" and self._wanted.owned else "post"
        return LISTS[stream][0] if stream in LISTS else SHORTEST, MOST, kind

    def fetch(self, stream: str, at: At) -> Page:
        """One page of posts; or the authors of the page before, which is then whole."""
        reached = self._reached(stream, at)
        if reached.waiting:
            return self._authors(stream, at, reached, reached.waiting)
        if stream in LISTS and not reached.user:
            return self._account(reached)
        if stream not in LISTS and not reached.ids:
            return Page(None, covers=False, mark=self._now_id() if stream == "conversations" else None)
        answer = self._asked(self._question(stream, at, reached)).json()
        after, is_end = self._after(stream, at, reached, answer)
        posts, kind = _posts(answer), next(iter(at.bill))
        charged = {kind: tuple(post["id"] for post in posts)}
        if authors := self._unknown(posts):
            waiting = Waiting(answer, authors, is_end=is_end)
            return Page(_written(msgspec.structs.replace(after, waiting=waiting)), covers=False, charged=charged)
        return self._page(stream, at, after, Waiting(answer, [], is_end=is_end), charged)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """By X's batch compliance: first the posts, then all posts of accounts that are gone."""
        said = defaultdict[str, set[str]](set)
        for each in held:
            said[each.member_id or ""].add(each.id)
        yield frozenset(self._judged("tweets", sorted(set().union(*said.values()))))
        lost = self._judged("users", sorted(said.keys() - {""}))
        yield frozenset(post for member in lost for post in said.get(member, ()))

    # Where a stream stands

    def _reached(self, stream: str, at: At) -> Reached:
        if at.cursor:
            return msgspec.json.decode(at.cursor, type=Reached)
        kind, _, ids = stream.rpartition(":")
        if stream in LISTS:
            self._followed[stream].clear()
            mark = msgspec.json.decode(at.mark, type=Mark) if at.mark else Mark(self._user or "")
            return Reached(mark.user or None, mark.newest)
        if stream == "conversations":
            since = max(int(at.mark), int(self._id_before(FOUND))) if at.mark else None
            return Reached(since=str(since) if since else None, ids=sorted(self._recent()))
        some = [each for each in ids.split(",") if each.isdecimal()]  # X refuses all of them for one that is no id
        return Reached(ids=some if kind == "conversation" else self._lacking(some))

    def _after(self, stream: str, at: At, reached: Reached, answer: Any) -> tuple[Reached, bool]:
        """Where it goes on after an answer, and whether that was the end."""
        if stream.startswith("missing:"):
            rest = reached.ids[next(iter(at.bill.values())) :]
            return Reached(ids=rest), not rest
        ids = [int(post["id"]) for post in _posts(answer)]
        if ids and reached.oldest and max(ids) >= int(reached.oldest):
            raise LostPlace("it answers with what is newer than what was asked for")
        oldest = str(min(ids)) if ids else reached.oldest
        count, token = reached.count + len(ids), answer.get("meta", {}).get("next_token")
        after = msgspec.structs.replace(reached, token=token, oldest=oldest, count=count)
        if token:
            return after, False
        if not ids and oldest and not reached.until:  # an empty page says little: once more, which is free
            return msgspec.structs.replace(after, until=oldest), False
        rest = reached.ids[AT_ONCE:]
        return Reached(reached.user, reached.since, ids=rest) if rest else after, not rest

    def _lacking(self, ids: Iterable[str]) -> list[str]:
        """Those of some posts that are neither held nor met."""
        lacking = set(ids) - self._seen
        return sorted(lacking - self._known.messages(lacking))

    def _recent(self) -> set[str]:
        """The conversations in which something was said within the time that search looks back."""
        return {each.conversation_id for each in self._known.recent(self._now() - FOUND)}

    def _unknown(self, posts: Iterable[Any]) -> list[str]:
        authors = {post["author_id"] for post in posts if "author_id" in post} - self._met
        return sorted(authors - self._known.members(authors))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._line.pace.now(), UTC)

    def _id_before(self, time: timedelta) -> str:
        """The id that a post of then would have: X counts them by the clock."""
        return str(((self._now() - time - FIRST_ID) // timedelta(milliseconds=1)) << 22)

    def _now_id(self) -> str:
        return self._id_before(LATE)

    # What is asked

    def _question(self, stream: str, at: At, reached: Reached) -> Callable[[], requests.Response]:
        ask, (many,) = self._client, at.bill.values()
        if stream.startswith("missing:"):
            return partial(ask.get_tweets, reached.ids[:many], tweet_fields=TWEET_FIELDS)
        given: dict[str, Any] = {"max_results": many, "since_id": reached.since, "until_id": reached.until}
        given["tweet_fields"] = TWEET_FIELDS
        if stream not in LISTS:
            return partial(
                ask.search_recent_tweets, self._query(reached.ids[:AT_ONCE]), next_token=reached.token, **given
            )
        given |= {"pagination_token": reached.token, "start_time": None if reached.since else at.since}
        if stream == "mentions":
            return partial(ask.get_users_mentions, reached.user, **given)
        return partial(ask.get_users_tweets, reached.user, exclude="retweets", user_auth=self._wanted.owned, **given)

    def _query(self, conversations: Iterable[str]) -> str:
        """What others say there without mentioning us: the rest is told by the lists, and paid for once."""
        ids = " OR ".join(f"conversation_id:{each}" for each in conversations)
        return f"({ids}) -from:{self._handle} -@{self._handle} -is:retweet"

    def _asked(self, ask: Callable[[], Any]) -> requests.Response:
        """Ask by tweepy; what it raises, in words that name no secret."""
        from tweepy.errors import HTTPException

        try:
            answer: requests.Response = ask()
        except HTTPException as error:
            status = error.response.status_code
            named = responses.get(status, "")
            said = self._line.clean(" ".join(str(each) for each in error.api_messages if str(each) != named))[:200]
            what = f"x: {urlsplit(error.response.url).path} was answered {status} {named}. {said}"
            raise Refusal(what.strip(), Answer(status, {}, b"")) from None
        return answer

    def _account(self, reached: Reached) -> Page:
        answer = self._asked(partial(self._client.get_user, username=self._handle, user_fields=USER_FIELDS)).json()
        if "data" not in answer:
            raise PullError(f"x: there is no account @{self._handle}, or it is suspended. Look at https://x.com")
        self._user = str(answer["data"]["id"])
        after = msgspec.structs.replace(reached, user=self._user)
        return Page(_written(after), covers=False, charged={"user": (self._user,)})

    def _authors(self, stream: str, at: At, reached: Reached, waiting: Waiting) -> Page:
        """The authors of a page of posts, as many as can be paid for; with the last of them the page is whole."""
        some = waiting.authors[: at.bill["user"]]
        found = _posts(self._asked(partial(self._client.get_users, ids=some, user_fields=USER_FIELDS)).json())
        protected = {user["id"] for user in found if user.get("protected")}
        self._met.update(set(some) - protected)  # each load must be told anew whose posts it is to leave out
        charged = {"user": tuple(user["id"] for user in found)}
        waiting = msgspec.structs.replace(
            waiting, authors=waiting.authors[len(some) :], users=[*waiting.users, *found]
        )  # fmt: skip
        if waiting.authors:
            return Page(_written(msgspec.structs.replace(reached, waiting=waiting)), covers=False, charged=charged)
        return self._page(stream, at, msgspec.structs.replace(reached, waiting=None), waiting, charged)

    # What is handed on

    def _page(
        self, stream: str, at: At, after: Reached, whole: Waiting, charged: Mapping[str, tuple[str, ...]]
    ) -> Page:
        posts = _posts(whole.answer)
        self._seen.update(each for post in posts for each in (post["id"], *post.get("edit_history_tweet_ids", ())))
        body = {**whole.answer, "includes": {"users": whole.users}} if whole.users else whole.answer
        oldest = sent_at(after.oldest) if after.oldest and stream in LISTS else None
        is_capped = whole.is_end and stream in LISTS and after.count >= LISTS[stream][1] - NEAR
        if whole.is_end and stream in LISTS and not is_capped and not after.since:
            oldest = at.since or oldest  # nothing was said before
        return Page(
            None if whole.is_end else _written(after), msgspec.json.encode(body) if posts else None,
            f"{stream.partition(':')[0]}.json", len(posts), oldest,
            covers=stream in LISTS, is_capped=is_capped, mark=self._mark(stream, after, posts, is_end=whole.is_end),
            follow=self._follow(stream, posts), charged=charged,
        )  # fmt: skip

    def _mark(self, stream: str, after: Reached, posts: list[Any], *, is_end: bool) -> str | None:
        if stream == "conversations":
            return self._now_id()
        if stream not in LISTS or not (posts or is_end):
            return None
        newest = min(max((int(post["id"]) for post in posts), default=0), int(self._now_id()))
        return _written(Mark(after.user or "", str(max(newest, int(after.since or 0))) if posts else after.since))

    def _follow(self, stream: str, posts: list[Any]) -> tuple[str, ...]:
        """What completes the conversations of a page: the rest of new ones, and what was answered."""
        depth = int(stream.split(":")[1]) + 1 if stream.startswith("missing:") else 1
        wanted = {each["id"] for post in posts for each in post.get("referenced_tweets", ()) if _is_answered(each)}
        wanted |= {post["conversation_id"] for post in posts if "conversation_id" in post}
        lacking = self._lacking(wanted) if depth <= DEEP else []
        found = [f"missing:{depth}:{','.join(some)}" for some in batches(lacking, MOST)]
        return (*self._rest(stream, posts), *found) if stream in LISTS else tuple(found)

    def _rest(self, stream: str, posts: list[Any]) -> list[str]:
        """Conversations that are new here, and of which search may still find something."""
        earliest = self._now() - FOUND
        said = {post["conversation_id"] for post in posts if _is_talk(post) and sent_at(post["id"]) > earliest}
        new = said - self._recent().union(*self._followed.values()) if said else set[str]()
        self._followed[stream] |= new
        return [f"conversation:{','.join(some)}" for some in batches(sorted(new), AT_ONCE)]

    # What is gone there

    def _judged(self, kind: str, ids: list[str]) -> set[str]:
        """Those of some posts or users that are to go: X looks through them as a job of its own."""
        job = self._begun(kind) if ids else None
        for look in range(PATIENCE if job else 0):
            assert job  # noqa: S101
            if job["status"] == "complete":
                return self._results(job["download_url"])
            if job["status"] == "created":
                self._sent("PUT", job["upload_url"], "\n".join(ids).encode())
            elif job["status"] != "in_progress":
                raise PullError(f"x: its look for what was deleted ended as {job['status']}. Give the command again.")
            self._line.wait(min(60.0, 1.5**look), f"X looks which of {len(ids):,} {kind} are gone")
            job = self._asked(partial(self._client.get_compliance_job, job["id"])).json()["data"]
        if job:
            raise PullError("x: its look for what was deleted takes long. Give the same command again later.")
        return set()

    def _begun(self, kind: str) -> dict[str, Any]:
        """A job that waits for its ids, such as one that an earlier run left; X takes one of a kind at a time."""
        for look in range(PATIENCE):
            jobs = _posts(self._asked(partial(self._client.get_compliance_jobs, kind)).json())
            if not any(job["status"] == "in_progress" for job in jobs):
                break
            self._line.wait(min(60.0, 1.5**look), "X is busy with an earlier look for what was deleted")
        soon = self._now() + LATE
        for job in jobs:
            if job["status"] == "created" and datetime.fromisoformat(job["upload_expires_at"]) > soon:
                return dict(job)
        made = self._asked(partial(self._client.create_compliance_job, kind, name="hearth")).json()
        return dict(made["data"])

    def _results(self, url: str) -> set[str]:
        """What X found, a line each; it names only what has changed."""
        for _ in range(ONCE_MORE):
            with suppress(ValueError, KeyError, TypeError):
                rows = [json.loads(line) for line in self._sent("GET", url).splitlines() if line.strip()]
                return {str(row["id"]) for row in rows if row["action"] == "delete" and row["reason"] not in KEEPS}
        raise PullError("x: what was deleted there came back unreadable. Give the same command again later.")

    def _sent(self, method: str, url: str, body: bytes | None = None) -> bytes:
        """To or from where a job keeps its lists: another host, which gets no credential, for the address is one."""
        try:
            checked(url)
        except ValueError:
            raise PullError("x: where it keeps the lists of what was deleted others may read along.") from None
        answer = self._plain.request(method, url, data=body, headers={"Content-Type": "text/plain"})
        if answer.status_code >= 300:
            raise PullError(f"x: the lists of what was deleted were answered {answer.status_code}. Try again later.")
        return answer.content

    # What a pull would cost

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """From what was said of late; or from X's own counts, where that may cost something."""
        recent = self._known.recent(self._now() - LATELY)
        user = next((msgspec.json.decode(each.mark, type=Mark).user for name, each in at.items()
                     if name in LISTS and each.mark), None)  # fmt: skip
        by_others = [each for each in recent if each.member_id != user]
        said = sum(each.messages for each in by_others)
        own_share = 1 - said / sum(each.messages for each in recent) if recent else 0.0
        posts, note = self._counted(at) if self._wanted.count else self._guessed(at, own_share)
        if not at["conversations"].mark:
            posts["conversations"] += round(MORE * posts["mentions"])
        authors = len({each.member_id for each in by_others if each.is_new}) / said if said >= ENOUGH else NEW_AUTHORS
        users = round((posts["mentions"] + posts["conversations"]) * authors) + (0 if user else 1)
        bill = Counter(user=users, post=posts["mentions"] + posts["conversations"])
        bill["owned" if self._wanted.owned else "post"] += posts["posts"]
        talks = sum(each.messages for each in recent) / len({each.conversation_id for each in recent}) if recent else 0
        new = round((posts["posts"] + posts["mentions"]) / (talks or A_TALK))
        pages = _parts(posts["posts"], MOST) + 2 * _parts(posts["mentions"], MOST)  # with the authors of each
        return Estimate(
            pages + _parts(len(self._recent()), AT_ONCE) + _parts(new, AT_ONCE) + (0 if user else 1),
            {kind: many for kind, many in bill.items() if many},
            f"{note}{' The budget holds anyway.' if self._wanted.has_budget else ''}",
        )

    def _counted(self, at: Mapping[str, At]) -> tuple[Counter[str], str]:
        """How many posts X counts, of the last seven days."""
        queries = {"posts": f"from:{self._handle}", "mentions": f"@{self._handle} -from:{self._handle}"}
        posts = Counter(
            {
                name: min(self._count(f"{query} -is:retweet", at[name]), LISTS[name][1])
                for name, query in queries.items()
            }
        )
        parts = list(batches(sorted(self._recent()), AT_ONCE))
        for some in parts[:COUNTS]:
            posts["conversations"] += self._count(self._query(some), at["conversations"])
        posts["conversations"] = posts["conversations"] * len(parts) // min(len(parts), COUNTS) if parts else 0
        if at["conversations"].mark:  # X counted those that are known; what completes new ones comes on top
            posts["conversations"] += round(MORE / 2 * posts["mentions"])
        return posts, "X counted the last seven days; what completes conversations, and new authors, are guessed."

    def _count(self, query: str, at: At) -> int:
        mark = msgspec.json.decode(at.mark) if at.mark else None
        since = mark["newest"] if isinstance(mark, dict) else mark
        earliest = self._now() - FOUND
        given: dict[str, Any] = {"start_time": max(at.since or earliest, earliest)}
        if since and int(since) > int(self._id_before(FOUND)):
            given = {"since_id": str(since)}
        asked = self._asked(partial(self._client.get_recent_tweets_count, query, granularity="day", **given))
        return int(asked.json()["meta"]["total_tweet_count"])

    def _guessed(self, at: Mapping[str, At], own_share: float) -> tuple[Counter[str], str]:
        a_day = self._known.a_day()
        told = at["mentions"].since
        if a_day is None or told is None:
            most = Counter({name: cap for name, (_, cap) in LISTS.items()})
            return most, "At most, for nothing is known yet; with --count true X says more, for half a cent a question."
        said = a_day * (self._now() - told - OVERLAP) / timedelta(days=1)
        own = round(said * own_share)
        return Counter(posts=own, mentions=round(said) - own), f"From {a_day:,.1f} posts a day of late."


def _fitting(room: Room, least: int, most: int, bill: Callable[[int], Bill]) -> Bill | None:
    """The largest bill that fits, by halves; None where not even the least does."""
    if not room.fits(bill(least)):
        return None
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if room.fits(bill(middle)) else (least, middle - 1)
    return bill(least)


def _parts(many: int, size: int) -> int:
    """How many parts of a size there are."""
    return -(-many // size)


def batches(ids: list[str], size: int) -> Iterator[list[str]]:
    """The ids, so many at a time."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _posts(answer: Any) -> list[Any]:
    """What a list holds; of nothing found, X tells no list at all."""
    posts = answer.get("data", [])
    return posts if isinstance(posts, list) else [posts]


def _is_answered(reference: Mapping[str, str]) -> bool:
    return reference["type"] == "replied_to"


def _is_talk(post: Mapping[str, Any]) -> bool:
    """Whether anything was answered in its conversation, as far as the post tells."""
    is_root = post.get("conversation_id") == post["id"]
    return "conversation_id" in post and not (is_root and post.get("public_metrics", {}).get("reply_count") == 0)


def _written(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()


def _elsewhere(address: str) -> requests.adapters.BaseAdapter:
    """Leads what tweepy asks of its one host to another address."""
    import requests

    class Elsewhere(requests.adapters.HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *given: Any, **named: Any) -> requests.Response:
            request.url = address + (request.url or "").removeprefix(HOST)
            return super().send(request, *given, **named)

    return Elsewhere()
