"""X: saved answers of the API (version 2): posts found, mentions, a conversation, one or several pages.

What X tells depends on the fields that were asked for; ask for author_id, conversation_id, created_at,
referenced_tweets, entities, public_metrics and note_tweet, and expand author_id and referenced_tweets.id. A post
without a date has the one that its id holds. Of the posts that an answer includes beside those asked for, only the
answered ones are read: those that are merely quoted or shared were not said here. A retweet is a system line. The
versions of an edited post are one message, under the first one's id, which the later ones name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports import _answers
from ingest.exports._answers import Answer
from ingest.exports._format import Format
from ingest.exports._html import unescape
from ingest.exports._members import Members
from ingest.exports.x import moment, sent_at

PLATFORM = "x"
FORMAT = Format(
    group="Social platforms",
    get="save the API's answers as .json or .ndjson: a search, an account's mentions, a conversation",
    holds="posts of everybody that was asked for, with what each answers and who wrote it",
    cannot_tell=(
        "what was not asked for: without `author_id`, `conversation_id` and `referenced_tweets`, nobody and "
        "no thread; whose account it is"
    ),
    is_seen=True,
)

POSTS = Channel("posts", "posts", "forum")
TEXT = re.compile(rb'"text"\s*:\s*"')
OWN = re.compile(rb'"(?:edit_history_tweet_ids|referenced_tweets)"\s*:\s*\[|"(?:author|conversation)_id"\s*:\s*"\d+"')
EDITED = re.compile(rb'"edit_history_tweet_ids"\s*:\s*\[\s*("\d+"(?:\s*,\s*"\d+")+)\s*\]')
FEW = 20  # files that are looked into to know the export
FIRST = 29_700_859_247  # the first id that holds a time

Id = Annotated[str, msgspec.Meta(pattern=r"^\d{1,19}$")]


class Reference(msgspec.Struct, frozen=True, gc=False):
    """What a post goes back to; `type` is replied_to, quoted or retweeted."""

    type: str
    id: Id


class Metrics(msgspec.Struct, frozen=True, gc=False):
    """How often a post was liked."""

    like_count: int = 0


class Mention(msgspec.Struct, frozen=True, gc=False):
    """Somebody who is mentioned."""

    id: str | None = None


class Entities(msgspec.Struct, frozen=True):
    """What stands in a post beside words."""

    mentions: list[Mention] = []


class Attachments(msgspec.Struct, frozen=True):
    """Pictures, films and polls, by their keys."""

    media_keys: list[str] = []
    poll_ids: list[str] = []


class Note(msgspec.Struct, frozen=True, gc=False):
    """The whole text of a long post."""

    text: str = ""


class Post(msgspec.Struct, frozen=True):
    """A post. Unless more was asked for, X tells only its id, its text and the ids of its versions."""

    id: Id
    text: str
    author_id: Id | None = None
    conversation_id: Id | None = None
    created_at: str | None = None
    referenced_tweets: list[Reference] = []
    edit_history_tweet_ids: list[Id] = []
    public_metrics: Metrics = Metrics()
    entities: Entities = Entities()
    attachments: Attachments = Attachments()
    note_tweet: Note = Note()

    @property
    def parent_id(self) -> str | None:
        """The post answered, which in_reply_to_user_id would not tell."""
        return next((each.id for each in self.referenced_tweets if each.type == "replied_to"), None)

    @property
    def is_retweet(self) -> bool:
        """Whether it only repeats another. Where nothing says so, its text does."""
        return self.text.startswith("RT @") or any(each.type == "retweeted" for each in self.referenced_tweets)


class User(msgspec.Struct, frozen=True, gc=False):
    """An account. What a protected one writes is for its followers."""

    id: Id
    name: str
    username: str | None = None
    protected: bool = False


class Includes(msgspec.Struct, frozen=True):
    """Who wrote, and posts beside those asked for."""

    users: list[msgspec.Raw] = []
    tweets: list[msgspec.Raw] = []


class Page(msgspec.Struct, frozen=True):
    """One answer; of nothing found, X tells only `meta`. `errors` are posts that it shows no longer, or not to all."""

    data: msgspec.Raw = msgspec.Raw()
    includes: Includes = Includes()
    errors: list[msgspec.Raw] = []
    meta: msgspec.Raw = msgspec.Raw()


def detects(export: Export) -> float:
    """High where one of the first files holds posts with fields that only X names so."""
    return 0.9 if next(_files(export, FEW), None) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one source named after the export, its writers, and every post once."""
    names = list(_files(export)) or list(_answers.likely(export))
    if not names:
        raise ExportError(f"x_api_v2: {export.name} holds no saved answers of X's API with posts.")
    yield Source(PLATFORM, export.name, export.name)
    yield POSTS
    pages = _Pages(export, _firsts(export, names))
    for name in names:
        for answer in _answers.answers(export, name):
            yield from [answer] if isinstance(answer, Refused) else pages.records(answer, name)


class _Pages:
    """What must be remembered from one page to the next."""

    def __init__(self, export: Export, firsts: dict[str, str]) -> None:
        self.export, self.firsts = export, firsts
        self.members = Members()
        self.handles: dict[str, str | None] = {}
        self.protected: set[str] = set()
        self.included: set[str] = set()  # pages that answer the same post repeat it

    def records(self, answer: Answer, file: str) -> Iterator[Record]:
        """The posts of a page, or the one post that an answer is."""
        page = _answers.row(answer.raw, Page, file, answer.place)
        if isinstance(page, Refused):
            yield page
            return
        yield from self._users(page.includes.users, file, answer.place)
        if page.errors:
            self.export.left_out["posts that X withheld"] += len(page.errors)
        is_page = page.data or page.meta or page.errors
        answered: set[str] = set()
        for place, raw in _listed(page.data if is_page else msgspec.Raw(answer.raw), answer.place):
            post = _answers.row(raw, Post, file, place)
            if isinstance(post, Post) and post.parent_id:
                answered.add(post.parent_id)
            yield from self._kept(post, file, place, raw)
        yield from self._included(page.includes.tweets, answered, file, answer.place)

    def _included(self, tweets: list[msgspec.Raw], answered: set[str], file: str, place: str) -> Iterator[Record]:
        for raw in tweets:
            post = _answers.row(raw, Post, file, f"{place}, included")
            if isinstance(post, Post):
                if post.id in self.included:
                    continue
                if post.id not in answered:
                    self.export.left_out["posts only quoted or shared"] += 1
                    continue
                self.included.add(post.id)
            yield from self._kept(post, file, f"{place}, included", raw)

    def _users(self, users: list[msgspec.Raw], file: str, place: str) -> Iterator[Member | Refused]:
        for raw in users:
            user = _answers.row(raw, User, file, f"{place}, a user")
            if isinstance(user, Refused):
                yield user
                continue
            self.handles[user.id] = user.username
            if user.protected and not self.export.include_private:
                self.protected.add(user.id)  # who says nothing here is not kept either: a pull would take it for known
                continue
            yield from self.members.tell(Member(user.id, user.name, user.username))

    def _kept(self, post: Post | Refused, file: str, place: str, raw: bytes) -> Iterator[Record]:
        if isinstance(post, Refused):
            yield post
        elif post.author_id in self.protected:
            self.export.left_out["private messages"] += 1
        else:
            try:
                message = self._message(post)
            except (ValueError, OverflowError) as error:
                yield Refused(file, place, f"post {post.id}: {error}", bytes(raw))
                return
            if post.author_id and not self.members.get(post.author_id):
                yield from self.members.tell(Member(post.author_id, post.author_id))
            yield message
            if post.public_metrics.like_count > 0 and message.kind == "message":
                yield Reaction(message.id, "like", count=post.public_metrics.like_count)

    def _message(self, post: Post) -> Message:
        written_at = _written_at(post)
        versions = post.edit_history_tweet_ids or [post.id]
        is_edit = post.id != versions[0]
        handle = self.handles.get(post.author_id or "") or "i"  # X finds a post by its number alone
        is_thread = post.conversation_id not in {None, versions[0]}
        return Message(
            versions[0],
            POSTS.id,
            post.author_id,
            sent_at(versions[0]) if is_edit else written_at,
            unescape(post.note_tweet.text or post.text),
            kind="system" if post.is_retweet else "message",
            conversation_id=post.conversation_id,
            parent_id=self.firsts.get(post.parent_id or "", post.parent_id),
            basis="explicit" if post.parent_id else "thread" if is_thread else None,
            edited_at=written_at if is_edit else None,
            mentions=tuple(dict.fromkeys(each.id for each in post.entities.mentions if each.id)),
            attachments=len(post.attachments.media_keys) + len(post.attachments.poll_ids),
            permalink=f"https://x.com/{handle}/status/{versions[-1]}",
        )


def _firsts(export: Export, names: list[str]) -> dict[str, str]:
    """Of edited posts, the first version's id by those of the later ones: an answer names the one it answers."""
    done = export.done
    answers = (answer for name in names for answer in _answers.answers(export, name))
    found = (EDITED.findall(answer.raw) for answer in answers if isinstance(answer, Answer))
    histories = (msgspec.json.decode(b"[%b]" % ids, type=list[str]) for each in found for ids in each)
    firsts = {later: first for first, *rest in histories for later in rest}
    export.done = done  # all of it is read once more
    return firsts


def _written_at(post: Post) -> datetime:
    if post.created_at:
        return moment(post.created_at)
    if int(post.id) < FIRST:
        raise ValueError("it has no created_at")
    return sent_at(post.id)


def _listed(data: msgspec.Raw, place: str) -> list[tuple[str, msgspec.Raw]]:
    """The posts of a page, each with its place. Of one post alone, X makes no list."""
    if not data:
        return []
    try:
        posts = msgspec.json.decode(data, type=list[msgspec.Raw])
    except UNFIT:
        return [(place, data)]
    return [(f"{place}, post {number}", raw) for number, raw in enumerate(posts, 1)]


def _files(export: Export, limit: int | None = None) -> Iterator[str]:
    for name in islice(_answers.likely(export), limit):
        head = _answers.beginning(export, name)
        if TEXT.search(head) and OWN.search(head):
            yield name
