"""Reddit: saved answers of its API, as PRAW gets them, and dumps of Pushshift or Arctic Shift, .zst or plain.

A member's id is the account's name. Reddit never lets an account change its name, nor gives a name out twice, and
every form of export has it; the id proper, t2_..., is missing from dumps before 2018, from an account's own data and
from what most scripts write, so that by it one member would be two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports import _answers
from ingest.exports._answers import Answer, Row, Shape
from ingest.exports._format import Format
from ingest.exports._members import Members
from ingest.exports._moments import epoch, settle

PLATFORM = "reddit"
FORMAT = Format(
    group="Social platforms",
    get=(
        "save the API's answers, as PRAW gets them; or take a subreddit's dump from the Arctic Shift download "
        "tool, .zst or unpacked"
    ),
    holds="a subreddit's posts and comments, with what each answers and who has a badge",
    cannot_tell='bots but by name; staff without a badge; comments behind "more"',
    is_seen=True,
)

GONE = {"[deleted]", "[removed]", "[ Removed by Reddit ]"}
NOBODY = {None, "", "[deleted]", "[removed]"}
STAFF = {"moderator", "admin"}
BOT = re.compile(r"AutoModerator|.*(?:Bot|[_-]bot)")  # Reddit has no flag for bots: the name must tell
MENTION = re.compile(r"(?<![\w/])/?u/([\w-]{3,20})")
POST_LINK = re.compile(r"/comments/(\w+)")
MEDIA = ("https://i.redd.it/", "https://v.redd.it/")
SITE = "https://www.reddit.com"

PLACED = re.compile(rb'"subreddit(?:_id|_name_prefixed)?"\s*:|"kind"\s*:\s*"(?:Listing|t1|t3|more)"')
POSTED = re.compile(rb'"(?:link_id|parent_id|selftext|num_comments|is_self|subreddit_id)"\s*:')

SAID = {"body", "selftext", "title", "link_id", "created_utc"}  # what makes an object a submission or a comment
OTHER = {"display_name", "link_karma", "dest"}  # what makes it something else
# Where an answer, or a script's file, keeps more of them, in the order in which they are read.
HOLDERS = ("submission", "submissions", "posts", "json", "data", "things", "children", "comments", "replies")
FEW = 20  # files that are looked into to know the export
LOOK = 100  # so many posts of each file tell a subreddit's export from one of many subreddits

Id = Annotated[str, msgspec.Meta(min_length=1)]
Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class Named(msgspec.Struct):
    """An account or a subreddit, where a script wrote the whole object."""

    name: str = ""
    display_name: str = ""

    def __str__(self) -> str:
        return self.display_name or self.name


class Meta(msgspec.Struct, gc=False):
    """What Arctic Shift saw when it looked again after 36 hours."""

    was_deleted_later: bool = False


class Post(msgspec.Struct, gc=False):
    """A submission, which has a title, or a comment. Dumps of 2007 to 2015 have `created_utc` as text."""

    id: Id
    created_utc: Aware
    author: str | Named | None = None
    subreddit: str | Named | None = None
    body: str | None = None
    title: str | None = None
    selftext: str | None = None
    url: str | None = None
    link_id: str | None = None
    parent_id: str | None = None
    permalink: str | None = None
    edited: float | bool | None = None
    distinguished: str | None = None
    removed_by_category: str | None = None
    subreddit_type: str | None = None
    media_metadata: dict[str, Any] | None = None
    meta: Meta | None = msgspec.field(default=None, name="_meta")
    comments: Any = None
    replies: Any = None

    @property
    def is_comment(self) -> bool:
        return bool(self.link_id or self.parent_id) or (self.body is not None and self.title is None)


ONE = msgspec.json.Decoder(Post, strict=False)


def detects(export: Export) -> float:
    """High when one of the first files holds Reddit's submissions or comments."""
    return 0.9 if any(_files(export, FEW)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one subreddit with its posts; of several at once, Reddit itself with a channel for each."""
    files = list(_files(export))
    if not files:
        raise ExportError(f"reddit: {export.name} holds no submissions or comments of Reddit.")
    yield _source(export, files)
    reddit = _Reddit()
    for name in files:
        for post in _posts(export, name):
            if isinstance(post, Refused):
                yield post
            elif post.subreddit_type == "private" and not export.include_private:
                export.left_out["private messages"] += 1
            else:
                yield from reddit.records(post)


class _Reddit:
    """What must be remembered between posts: the subreddits, and who has been met."""

    def __init__(self) -> None:
        self._channels: set[str] = set()
        self._members = Members()

    def records(self, post: Post) -> Iterator[Record]:
        place = channel(post)
        if place.id not in self._channels:
            self._channels.add(place.id)
            yield place
        author = str(post.author or "")
        if author in NOBODY:
            yield message(post, place.id, None)
            return
        is_staff = post.distinguished in STAFF
        if not self._members.knows(author, is_staff):
            seen_at = post.created_utc if is_staff else None
            is_bot = BOT.fullmatch(author) is not None
            yield from self._members.tell(Member(author, author, None, None, is_bot, is_staff, seen_at))
        yield message(post, place.id, author)


def channel(post: Post) -> Channel:
    """The subreddit: letters' case counts for nothing in its name."""
    subreddit = _subreddit(post) or "unknown"
    return Channel(subreddit.lower(), f"r/{subreddit}", "forum", post.subreddit_type == "private")


def message(post: Post, channel_id: str, member_id: str | None) -> Message:
    """A submission, named t3_..., or a comment, t1_.... What was deleted or removed keeps its place, not its words."""
    bare = post.id[3:] if post.id.startswith(("t1_", "t3_")) else post.id
    is_comment = post.is_comment
    said = post.body if is_comment else post.selftext or post.body or post.url
    is_gone = (
        said in GONE or post.removed_by_category is not None or (post.meta is not None and post.meta.was_deleted_later)
    )
    text = "" if is_gone or not said else _plain(said)
    post_id = _fullname("t3", post.link_id or _linked(post) if is_comment else bare)
    parent_id = _parent_id(post, post_id) if is_comment else None
    return Message(
        f"t1_{bare}" if is_comment else f"t3_{bare}",
        channel_id,
        member_id,
        post.created_utc,
        text,
        title=_plain(post.title) if post.title and not is_comment and not is_gone else None,
        conversation_id=post_id,
        parent_id=parent_id,
        basis="explicit" if parent_id else None,
        edited_at=_edited_at(post),
        deleted_at=post.created_utc if is_gone else None,  # when is not told
        mentions=tuple(dict.fromkeys(MENTION.findall(text))) if "u/" in text else (),
        attachments=len(post.media_metadata or ()) or int((post.url or "").startswith(MEDIA)),
        permalink=_permalink(post, post_id, bare),
    )


def _fullname(kind: str, written: str | None) -> str | None:
    if not written or written.startswith(("t1_", "t3_")):
        return written or None
    return f"{kind}_{written}"


def _linked(post: Post) -> str | None:
    found = POST_LINK.search(post.permalink or "")
    return found[1] if found else None


def _parent_id(post: Post, post_id: str | None) -> str | None:
    """What a comment answers. A parent without its kind is another comment, unless it is the submission."""
    written = _fullname("t1", post.parent_id)
    return post_id if not written or (post_id and written[3:] == post_id[3:]) else written


def _plain(text: str) -> str:
    """The words without the API's escapes. Markdown stays as it was typed."""
    if "&" in text:
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text.replace("\r\n", "\n") if "\r" in text else text


def _edited_at(post: Post) -> datetime | None:
    """Very old posts only say that they were edited."""
    if not post.edited or post.edited is True:
        return None
    return epoch(post.edited)


def _permalink(post: Post, post_id: str | None, bare: str) -> str | None:
    if post.permalink:
        return post.permalink if post.permalink.startswith("https://") else SITE + post.permalink
    if not post_id:
        return None
    return f"{SITE}/comments/{post_id[3:]}" + (f"/_/{bare}" if post.is_comment else "")


def _subreddit(post: Post) -> str | None:
    if not post.subreddit and (placed := re.search(r"/r/(\w+)/", post.permalink or "")):
        return placed[1]
    return str(post.subreddit or "") or None


def _source(export: Export, files: list[str]) -> Source:
    """The subreddit, by the first posts of each file. Its name is its id, for not every form has another."""
    found: dict[str, str] = {}
    for name in files:
        for post in islice(_posts(export, name), LOOK):
            if isinstance(post, Post) and (subreddit := _subreddit(post)):
                found.setdefault(subreddit.lower(), subreddit)
    export.done = 0  # this was only a first look: the bytes count when the posts are read
    if len(found) != 1:
        return Source(PLATFORM, "reddit", "Reddit")
    ((source_id, name),) = found.items()
    return Source(PLATFORM, source_id, f"r/{name}")


# How a file holds its posts


def _files(export: Export, most: int | None = None) -> Iterator[str]:
    for name in islice(_answers.likely(export), most):
        head = _answers.beginning(export, name)
        if PLACED.search(head) and POSTED.search(head):
            yield name


def _posts(export: Export, name: str) -> Iterator[Post | Refused]:
    """Nearly every line or element is one post, but it may be a whole tree of comments."""
    for answer in _answers.answers(export, name):
        if isinstance(answer, Refused):
            yield answer
            continue
        try:
            post = ONE.decode(answer.raw)
        except UNFIT:
            yield from _unfolded(answer, name)
            continue
        is_tree = isinstance(post.replies, dict | list) or isinstance(post.comments, dict | list)
        is_plain = not is_tree and post.created_utc.tzinfo is UTC
        yield from [post] if is_plain else _unfolded(answer, name)


def _unfolded(answer: Answer, file: str) -> Iterator[Post | Refused]:
    for row in _answers.unfolded(answer, file, SHAPE):
        if isinstance(row, Refused):
            yield row
            continue
        try:
            post = msgspec.convert(row, Post, strict=False)
            settle(post)
            yield post
        except (*UNFIT, ValueError) as error:
            yield _answers.refused(row, file, answer.place, SHAPE, error)


def _is_post(thing: Row) -> bool:
    """Not a subreddit, which has a title too, an account, nor a private message, which has a body."""
    return not SAID.isdisjoint(thing) and OTHER.isdisjoint(thing)


def _told(post: Row) -> Row:
    """What a script's file says of a comment only by where it lies: below this."""
    is_comment = "link_id" in post or "title" not in post
    name = f"t{1 if is_comment else 3}_{str(post.get('id')).removeprefix('t1_').removeprefix('t3_')}"
    link_id = post.get("link_id") if is_comment else name
    return {"subreddit": post.get("subreddit"), "link_id": link_id, "parent_id": name}


SHAPE = Shape(HOLDERS, _is_post, _told)
