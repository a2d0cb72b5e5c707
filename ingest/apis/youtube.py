"""YouTube: comments on the videos of one channel (--channel UC...), or on some of them (--videos ID,ID).

Threads run by when they began, the newest first, and a new reply brings none forward: threads of the last thirty days
are asked for each time, and a reply to an older one is not found; nor is an edit deep in a long thread. A day has
10,000 units, and each request costs one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any

import msgspec

from ingest.apis._client import Client, Dialect, Line, PullError, Refusal
from ingest.apis._service import At, Estimate, Held, Known, Page, Place, Wanted, walked

READER = "youtube"
DIALECT = Dialect(READER, "YouTube")
TERMS = (
    "YouTube wants what its API answered asked for again or deleted within 30 days, and gone here what is deleted "
    "there: Hearth looks every day. Comments may not be sold, nor used to say who somebody is."
)
SECRETS = {
    "YOUTUBE_API_KEY": "In the Google Cloud console make a project, enable the YouTube Data API v3, then Credentials, "
    "Create credentials, API key. It costs nothing.",
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(days=30)  # so old may a thread be for its new replies to be found
IS_WHOLE = True  # a reply does not say under which video it is: its thread does

PAGE, BATCH = 100, 50
TRIES = 4
PASSING = {"rateLimitExceeded", "userRateLimitExceeded", "processingFailure", "backendError"}
SPENT = {"quotaExceeded", "dailyLimitExceeded"}
KEY = {"keyInvalid", "keyExpired", "accessNotConfigured", "ipRefererBlocked", "API_KEY_INVALID", "SERVICE_DISABLED"}
COMMENT = (
    "kind,id,snippet(textOriginal,textDisplay,authorDisplayName,authorChannelId,channelId,videoId,parentId,likeCount,"
    "publishedAt,updatedAt)"
)
THREADS = (
    "kind,nextPageToken,items(kind,id,snippet(channelId,videoId,totalReplyCount,isPublic,"
    f"topLevelComment({COMMENT})),replies(comments({COMMENT})))"
)
REPLIES = f"kind,nextPageToken,items({COMMENT})"
TITLES = "kind,items(kind,id,snippet(channelId,channelTitle,title))"


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of YouTube needs."""

    channel: Annotated[str, "its id, which begins with UC"]
    videos: Annotated[str, "only these, by their ids, with commas; else all"] = ""
    address: Annotated[str, "of another server that speaks as YouTube does"] = "https://www.googleapis.com/youtube/v3"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"UC[\w-]{10,40}", self.channel):
            raise ValueError(
                f"channel must be an id that begins with UC, not {self.channel!r}: on the channel's page choose "
                "About, Share channel, Copy channel ID"
            )


class Said(msgspec.Struct, frozen=True, rename="camel"):
    """What must be known of a thread."""

    published_at: datetime | None = None
    video_id: str = ""
    total_reply_count: int = 0
    top_level_comment: Comment | None = None


class Replies(msgspec.Struct, frozen=True):
    """Some of its replies."""

    comments: list[Comment] = []


class Comment(msgspec.Struct, frozen=True):
    """A thread or a comment."""

    id: str
    snippet: Said = Said()
    replies: Replies = Replies()

    @property
    def began(self) -> datetime | None:
        top = self.snippet.top_level_comment
        return top.snippet.published_at if top else None


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """A list, and where it goes on."""

    items: list[Comment] = []
    next_page_token: str | None = None


def connect(wanted: Wanted, line: Line, known: Known) -> Channel:
    """One channel."""
    assert isinstance(wanted, Options)  # noqa: S101
    # In a header and not in the address, which others may write down.
    headers = {"X-Goog-Api-Key": line.secret("YOUTUBE_API_KEY", SECRETS["YOUTUBE_API_KEY"])}
    return Channel(wanted, Client(line, wanted.address, headers), known)


class Channel(Place):
    """One channel. Remembers the videos of which the titles were asked for."""

    def __init__(self, wanted: Options, client: Client, known: Known) -> None:
        self._wanted, self._client, self._known = wanted, client, known
        self.source = wanted.channel
        self._titled = set[str]()

    def streams(self) -> tuple[str, ...]:
        """All threads of the channel, or those of each video. What was met before is loaded by now."""
        self._titled.clear()
        return tuple(f"video:{each}" for each in re.findall(r"[\w-]+", self._wanted.videos)) or ("threads",)

    def fetch(self, stream: str, at: At) -> Page:
        """One page of threads, the replies of one, or the titles of videos."""
        kind, _, what = stream.partition(":")
        if kind == "replies":
            return self._replies(what, at)
        return self._titles(what) if kind == "titles" else self._threads(what, at)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What is not there any more when it is asked for by its id. Fifty at a time."""
        while some := {each.id for each in islice(held, BATCH)}:
            missing = some - self._there(some)
            yield frozenset(missing - self._there(missing))  # not taken for deleted if it was missing only once

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By going through the threads, which costs as many units as it finds pages."""
        pages, follow = walked(self, at)
        return Estimate(
            pages + len(follow), note="a unit each, of 10,000 a day; threads with over 100 replies take more"
        )

    def _threads(self, video: str, at: At) -> Page:
        body, told = self._listed(video, at)
        if told is None:
            return Page(None, covers=False, note=f"comments are turned off under {video or self._wanted.channel}")
        oldest = min(filter(None, (each.began for each in told.items)), default=None)
        return Page(
            None if at.is_reached(oldest) else told.next_page_token, body if told.items else None, "threads.json",
            sum(1 + len(each.replies.comments) for each in told.items), oldest,
            follow=(*self._unfinished(told.items), *self._untitled(told.items)),
        )  # fmt: skip

    def _listed(self, video: str, at: At) -> tuple[bytes, Answer | None]:
        """A page of threads; an empty one is not believed the first time. None where nobody may comment."""
        params = {
            "part": "id,snippet,replies", "order": "time", "maxResults": PAGE, "pageToken": at.cursor,
            "textFormat": "plainText", "videoId": video or None, "fields": THREADS,
            "allThreadsRelatedToChannelId": None if video else self._wanted.channel,
        }  # fmt: skip
        for _ in range(2):
            try:
                body = self._asked("/commentThreads", params)
            except Refusal as refusal:
                if "commentsDisabled" in _reasons(refusal):
                    return b"", None
                raise
            told = DIALECT.decoded(body, Answer)
            if told.items:
                break
        return body, told

    def _unfinished(self, threads: list[Comment]) -> Iterator[str]:
        """Threads that have more replies than came along, where we do not hold as many already."""
        short = [each for each in threads if each.snippet.total_reply_count > len(each.replies.comments)]
        there = self._known.there(each.id for each in short)
        held = self._known.messages(reply.id for each in short for reply in each.replies.comments)
        for each in short:
            is_new = any(reply.id not in held for reply in each.replies.comments)
            if is_new or there.get(each.id, 0) != each.snippet.total_reply_count + 1:
                yield f"replies:{each.id}"

    def _untitled(self, threads: list[Comment]) -> Iterator[str]:
        """Whatever is loaded tells its videos' titles with it: else their ids would take their place."""
        videos = {each.snippet.video_id for each in threads} - self._titled - {""}
        self._titled |= videos
        some = sorted(videos)
        for start in range(0, len(some), BATCH):
            yield "titles:" + ",".join(some[start : start + BATCH])

    def _replies(self, thread: str, at: At) -> Page:
        params = {
            "part": "id,snippet", "parentId": thread, "maxResults": PAGE, "pageToken": at.cursor,
            "textFormat": "plainText", "fields": REPLIES,
        }  # fmt: skip
        try:
            body = self._asked("/comments", params)
        except Refusal as refusal:
            if refusal.status == 404:  # it was deleted meanwhile
                return Page(None, covers=False)
            raise
        told = DIALECT.decoded(body, Answer)
        token = told.next_page_token
        return Page(token, body if told.items else None, "replies.json", len(told.items), covers=False)

    def _titles(self, videos: str) -> Page:
        body = self._asked("/videos", {"part": "snippet", "id": videos, "maxResults": BATCH, "fields": TITLES})
        return Page(None, body, "videos.json", covers=False)

    def _there(self, ids: set[str]) -> set[str]:
        if not ids:
            return set()
        params = {"part": "id", "id": ",".join(sorted(ids)), "maxResults": PAGE, "fields": "kind,items(id)"}
        return {each.id for each in DIALECT.decoded(self._asked("/comments", params), Answer).items}

    def _asked(self, path: str, params: Mapping[str, Any]) -> bytes:
        for _ in range(TRIES):
            try:
                return self._client.get(path, params).body
            except Refusal as refusal:
                reasons = _reasons(refusal)
                if not reasons & PASSING:
                    raise self._told(refusal, reasons) from None
                self._client.line.hold(30)
        raise PullError("youtube: it asks for one pause after the other. What was pulled is kept; try again later.")

    def _told(self, refusal: Refusal, reasons: set[str]) -> PullError:
        if reasons & SPENT:
            return PullError(
                "youtube: the units of today are used up; there are new ones from midnight Pacific time on. What was "
                "pulled is kept; give the same command again then."
            )
        if reasons & KEY:
            return PullError(f"youtube: YOUTUBE_API_KEY is not valid for this. {SECRETS['YOUTUBE_API_KEY']}")
        if reasons & {"channelNotFound", "videoNotFound"}:
            return PullError(f"youtube: there is no such channel or video ({', '.join(sorted(reasons))}).")
        return refusal


def _reasons(refusal: Refusal) -> set[str]:
    """Why it refuses, in its own words: the errors of one kind, and the details of the other."""
    try:
        error = refusal.answer.json()["error"]
        said = [*error.get("errors", ()), *error.get("details", ())]
        return {str(each.get("reason")) for each in said}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
