"""YouTube: saved answers of the Data API, comment threads with their replies, as .json files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._members import Members

PLATFORM = "youtube"
FORMAT = Format(
    group="Social platforms",
    get="save the Data API's answers as .json: commentThreads, comments, videos",
    holds="everybody's comments under one channel's videos, and the replies to them; the channel is staff",
    cannot_tell="replies beyond those saved; whom a reply within a thread answers; live chat",
    is_seen=True,
)

GLANCE = 4 << 20  # an answer holds 100 threads at most: this is all of it
ANSWER = re.compile(rb'"youtube#comment(?:ListResponse)?"|"topLevelComment"\s*:\s*\{')
# Titles before comments, and threads before further replies, which do not say under which video they are.
ORDER = (re.compile(rb'"youtube#video(?:ListResponse)?"'), re.compile(rb'"topLevelComment"\s*:\s*\{'), ANSWER)
UNDER_ITEMS = re.compile(rb'\s*\{(?:[^\[\]{}]|\{[^{}]*\})*?"items"\s*:\s*\[')
OWNER = re.compile(rb'"channelId"\s*:\s*"([^"]+)"')
OWNER_NAME = re.compile(rb'"channelTitle"\s*:\s*("(?:[^"\\]|\\.)*")')
VIDEO = re.compile(rb'"videoId"\s*:\s*"([^"]+)"')
UNSEEN = {"heldForReview", "likelySpam", "rejected"}


class Author(msgspec.Struct, frozen=True):
    """The channel of a comment's author; missing for accounts that are gone."""

    value: str = ""


class Snippet(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """What a comment, a thread or a video says of itself."""

    text_original: str = ""
    text_display: str = ""
    author_display_name: str = ""
    author_channel_id: Author | None = None
    channel_id: str = ""
    video_id: str = ""
    parent_id: str = ""
    published_at: str = ""
    updated_at: str = ""
    like_count: int = 0
    moderation_status: str = ""
    title: str = ""
    total_reply_count: int = 0
    top_level_comment: msgspec.Raw = msgspec.Raw(b"")


class Replies(msgspec.Struct, frozen=True):
    """Some of a thread's replies: where there are more, an answer of comments.list has them."""

    comments: list[msgspec.Raw] = []


class Item(msgspec.Struct, frozen=True, gc=False):
    """A thread, a comment or a video; or, in a list of whole answers, one of these with its items."""

    id: str = ""
    kind: str = ""
    snippet: Snippet = Snippet()
    replies: Replies = Replies()
    items: list[msgspec.Raw] = []


ITEM = msgspec.json.Decoder(Item)


class At(NamedTuple):
    """Where an item stands."""

    file: str
    number: int


class Answer(NamedTuple):
    """A file, and what it tells of the channel and the videos."""

    name: str
    rank: int
    is_list: bool
    is_answer: bool
    owners: set[str]
    videos: set[str]
    title: str


class Under(NamedTuple):
    """Whose video a comment is under, which one, and which comment."""

    owner_id: str
    video_id: str = ""
    thread_id: str = ""


def detects(export: Export) -> float:
    """High when one of the first .json files is an answer with comments."""
    return 0.95 if any(ANSWER.search(export.head(name)) for name in islice(export.files("*.json"), 12)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the channel whose videos these are, then every comment. Comments that nobody sees yet are left out."""
    answers = _answers(export)
    source = _source(export, answers)
    yield source
    comments = _Comments(export, source)
    for answer in sorted(answers, key=lambda answer: answer.rank):
        for number, item in enumerate(_items(export, answer), 1):
            yield from [item] if isinstance(item, Refused) else comments.records(item, At(answer.name, number))


class _Comments:
    """What must be remembered between comments."""

    def __init__(self, export: Export, source: Source) -> None:
        self.export, self.source = export, source
        self.members = Members()
        self.channels: dict[str, str] = {}  # each with the name it was told with
        self.videos: dict[str, str] = {}  # of the threads that have more replies than their answer holds

    def records(self, item: Item, at: At) -> Iterator[Record]:
        """A thread with its replies, a comment, a video's title, or all of another answer."""
        said = item.snippet
        top = said.top_level_comment
        if item.items:
            for raw in item.items:
                yield from self._inside(raw, None, at)
        elif top:
            under = Under(said.channel_id or self.source.id, said.video_id)
            if said.total_reply_count > len(item.replies.comments):
                self.videos[item.id] = said.video_id
            yield from self._inside(top, under, at)
            for raw in item.replies.comments:
                yield from self._inside(raw, under._replace(thread_id=item.id), at)
        elif said.title and not said.text_display:
            yield from self._channel(item.id, said.title)
        elif said.text_original or said.text_display or item.kind == "youtube#comment":
            yield from self._comment(item, Under(self.source.id), at)

    def _inside(self, raw: msgspec.Raw, under: Under | None, at: At) -> Iterator[Record]:
        """An item inside an item: a wrong one takes none of the others with it."""
        try:
            item = ITEM.decode(raw)
        except UNFIT as error:
            yield _refused(bytes(raw), at, str(error))
            return
        yield from self._comment(item, under, at) if under else self.records(item, at)

    def _comment(self, item: Item, under: Under, at: At) -> Iterator[Record]:
        said = item.snippet
        if said.moderation_status in UNSEEN:
            self.export.left_out["comments that nobody sees yet"] += 1
            return
        sent_at, edited_at = moment(said.published_at), moment(said.updated_at)
        if sent_at is None or not item.id:
            yield _refused(msgspec.json.encode(item), at, "it has no time that can be read, or no id")
            return
        parent_id = said.parent_id or under.thread_id or thread_of(item.id)
        owner_id = said.channel_id or under.owner_id
        video_id = said.video_id or under.video_id or self.videos.get(parent_id or "", "")
        yield from self._channel(video_id or owner_id)
        yield from self._author(said, owner_id)
        yield Message(
            item.id,
            video_id or owner_id,
            (said.author_channel_id or Author()).value or None,
            sent_at,
            said.text_original or plain(said.text_display),
            conversation_id=parent_id or item.id,
            parent_id=parent_id,
            basis="explicit" if parent_id else None,
            edited_at=edited_at if edited_at and edited_at > sent_at else None,
            permalink=link(video_id, item.id) if video_id else None,
        )
        if said.like_count > 0:
            yield Reaction(item.id, "like", count=said.like_count)

    def _author(self, said: Snippet, owner_id: str) -> Iterator[Member]:
        if said.author_channel_id and (member_id := said.author_channel_id.value):
            name = said.author_display_name
            handle = name if name.startswith("@") else None
            yield from self.members.tell(Member(member_id, name or member_id, handle, is_staff=member_id == owner_id))

    def _channel(self, channel_id: str, title: str = "") -> Iterator[Channel]:
        """A video; or the channel itself, on whose page people could speak until 2022."""
        if channel_id not in self.channels or (title and title != self.channels[channel_id]):
            name = title or (self.source.name if channel_id == self.source.id else channel_id)
            self.channels[channel_id] = name
            yield Channel(channel_id, name, "forum")


def thread_of(comment_id: str) -> str | None:
    """The comment that a reply answers: a reply's id begins with its thread's."""
    thread, dot, _ = comment_id.partition(".")
    return thread if dot and thread else None


def link(video_id: str, comment_id: str) -> str:
    """Where a comment can be seen."""
    return f"https://www.youtube.com/watch?v={video_id}&lc={comment_id}"


def moment(written: str) -> datetime | None:
    """A time in UTC, None where it cannot be read."""
    try:
        found = datetime.fromisoformat(written)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _answers(export: Export) -> list[Answer]:
    """The files that matter."""
    answers = []
    for name in export.files("*.json"):
        head = export.head(name, GLANCE).removeprefix(b"\xef\xbb\xbf")
        rank = next((rank for rank, kind in enumerate(ORDER) if kind.search(head)), None)
        if rank is None:
            continue
        owners, videos = ({each.decode("utf-8", "replace") for each in kind.findall(head)} for kind in (OWNER, VIDEO))
        is_list, is_answer = head.lstrip().startswith(b"["), bool(UNDER_ITEMS.match(head))
        answers.append(Answer(name, rank, is_list, is_answer, owners, videos, _title(head)))
    return answers


def _title(head: bytes) -> str:
    """The channel's name, which only answers about videos tell."""
    found = OWNER_NAME.search(head)
    try:
        return msgspec.json.decode(found[1], type=str) if found else ""
    except UNFIT:
        return ""


def _source(export: Export, answers: list[Answer]) -> Source:
    """The channel that the comments were made to; where no answer tells it, the only video, or the export's name."""
    if not any(answer.rank for answer in answers):
        raise ExportError(f"youtube: {export.name} holds no answer of the API with comments.")
    owners = set[str]().union(*(answer.owners for answer in answers))
    if len(owners) > 1:
        several = ", ".join(sorted(owners)[:5])
        raise ExportError(f"youtube: {export.name} has comments to several channels ({several}). Load them one by one.")
    videos = set[str]().union(*(answer.videos for answer in answers))
    only = owners or (videos if len(videos) == 1 else set())
    source_id = next(iter(only), export.name.removesuffix(".json"))
    return Source(PLATFORM, source_id, next(filter(None, (answer.title for answer in answers)), source_id))


def _items(export: Export, answer: Answer) -> Iterator[Item | Refused]:
    """A list of items, an answer that has one, or a single item."""
    if answer.is_answer or answer.is_list:
        return export.array(answer.name, Item, key="items" if answer.is_answer else None)
    return iter([_single(export, answer.name)])


def _single(export: Export, name: str) -> Item | Refused:
    try:
        return export.decode(name, Item)
    except ExportError as error:
        return Refused(name, "byte 0", str(error), export.head(name, 1024))


def _refused(raw: bytes, at: At, reason: str) -> Refused:
    return Refused(at.file, f"record {at.number}", reason, raw[: 1 << 20])
