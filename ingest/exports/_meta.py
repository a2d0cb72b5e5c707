"""What the downloads of Facebook and Instagram have in common: mangled letters, rows without ids, the inbox."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import msgspec

from data.records import Audience, Channel, Member, Message, Reaction, Record, Refused
from ingest.archive import Export, ExportError
from ingest.exports._moments import epoch

THREAD = re.compile(r"(^|/)message_\d+\.json$")
THREAD_HEAD = re.compile(rb'\s*\{\s*"(?:participants|messages)"\s*:\s*\[')
SPOKEN = {None, "Generic", "Share"}  # not calls, and not who came and went
NOBODY = {"", "facebook user", "instagram user"}  # the one name that every deleted account is shown with
# The labels under which the newest files hold what was said, in some of the languages that they come in.
WORDS = re.compile(
    "comment|message|post|text|caption|content|kommentar|nachricht|beitrag|bildunterschrift|commentaire|légende|"
    "publication|comentario|mensaje|publicación|comentário|mensagem|legenda|publicação|commento|messaggio|didascalia|"
    "opmerking|reactie|bericht|bijschrift|komentarz|wiadomość|yorum|mesaj|gönderi|bình luận|コメント|メッセージ|"
    "キャプション|댓글|메시지|评论|留言",
    re.IGNORECASE,
)


class Account(NamedTuple):
    """Whose download it is: the one account whose words are in it."""

    id: str
    name: str
    handle: str | None = None

    def member(self) -> Member:
        return Member(self.id, self.name, self.handle, is_staff=True)


class Label(msgspec.Struct, frozen=True, gc=False):
    """A field of the newest files: its name in the account's language and its value, or more fields."""

    label: str = ""
    value: Any = ""
    timestamp_value: float | None = None
    inside: list[Label | list[Label]] = msgspec.field(name="dict", default_factory=list)


class Follower(msgspec.Struct, frozen=True):
    """Somebody who follows, and since when: on Facebook here, on Instagram in the list's only entry."""

    timestamp: float | None = None
    string_list_data: list[Follower] = []


class Acknowledged(msgspec.Struct, frozen=True):
    """A reaction to a private message."""

    reaction: str
    actor: str = ""


class Said(msgspec.Struct, frozen=True):
    """A private message. One with a picture has no `content` at all."""

    timestamp_ms: float
    sender_name: str = ""
    content: str = ""
    type: str | None = None
    is_unsent: bool = False
    reactions: list[Acknowledged] = []
    photos: list[msgspec.Raw] = []
    videos: list[msgspec.Raw] = []
    audio_files: list[msgspec.Raw] = []
    files: list[msgspec.Raw] = []
    gifs: list[msgspec.Raw] = []
    share: Any = None
    sticker: Any = None

    @property
    def attachments(self) -> int:
        parts = (self.photos, self.videos, self.audio_files, self.files, self.gifs)
        return sum(map(len, parts)) + (self.share is not None) + (self.sticker is not None)


class Thread(msgspec.Struct, frozen=True):
    """What a file of private messages says beside them."""

    title: str = ""


class Ids:
    """Ids for rows that have none: by content, counted where the same stands twice in one file."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, *parts: object) -> str:
        written = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
        content = hashlib.sha256(written).hexdigest()[:20]
        times = self._seen[content] = self._seen.get(content, 0) + 1
        return content if times == 1 else f"{content}:{times}"


def head(export: Export, name: str) -> bytes:
    """How a file begins, without a byte order mark."""
    return export.head(name).removeprefix(b"\xef\xbb\xbf")


def where(export: Export, name: str) -> str:
    """A file's name with all the folders above it that are known: they name the platform in any language."""
    return f"{export.name}/{export.wrapping}{name}".lower()


def is_thread(name: str, begins: bytes) -> bool:
    """Whether a file holds private messages."""
    return bool(THREAD.search(name) or (THREAD_HEAD.match(begins) and b'"timestamp_ms"' in begins))


def likely(export: Export) -> list[str]:
    """A dozen files to judge a download by: not every one of the thousands that an inbox has."""
    names = islice((name for name in export.files("*.json") if not THREAD.search(name)), 2000)
    return sorted(names, key=lambda name: not re.search("post|comment|follow|reel|group", name.lower()))[:12]


def inbox_alone(export: Export, own: str, other: str) -> float:
    """How sure an inbox without anything else makes: the two platforms' look alike, but for the folders' names."""
    threads = (name for name in export.files("*.json") if THREAD.search(name))
    thread = next(threads, None) or next((name for name in likely(export) if is_thread(name, head(export, name))), None)
    if thread is None or other in where(export, thread):
        return 0.0
    return 0.6 if own in where(export, thread) else 0.25


def mended(text: str) -> str:
    """Text whose UTF-8 bytes were written as so many Latin-1 letters, put right if that is what happened."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def moment(seconds: float | None) -> datetime | None:
    """A time in UTC; None where there is none, or none that can be: 0 stands for none."""
    return epoch(seconds or None)


def flat(labels: Iterable[Label | list[Label]]) -> Iterator[Label]:
    """Every field, also those inside others."""
    for label in labels:
        if isinstance(label, list):
            yield from flat(label)
        else:
            yield label
            yield from flat(label.inside)


def words(labels: Iterable[Label]) -> str:
    """What was said, of a row that is made of labels."""
    said = (label.value for label in labels if _is_of_words(label.label))
    return next((mended(value) for value in said if value and isinstance(value, str)), "")


@lru_cache
def _is_of_words(label: str) -> bool:
    return WORDS.fullmatch(mended(label)) is not None


def untimed(row: object, file: str, number: int) -> Refused:
    """A row without a time cannot take its place in any conversation."""
    return Refused(file, f"record {number}", "it has no time", msgspec.json.encode(row))


def followers(export: Export, files: dict[str, str | None]) -> Iterator[Record]:
    """How many follow the account, as of the last who began to. `files`: each with the key its list is under."""
    since: list[float] = []
    count = 0
    for file, key in files.items():
        for row in export.array(file, Follower, key=key):
            if isinstance(row, Refused):
                yield row
                continue
            count += 1
            since += [each.timestamp for each in (row, *row.string_list_data) if each.timestamp]
    if measured_at := moment(max(since, default=None)):
        yield Audience("followers", measured_at, count)


def inbox(export: Export, files: list[str], account: Account) -> Iterator[Record]:
    """The private threads. Without leave to load them they are counted only."""
    if not export.include_private:
        rows = (row for file in files for row in export.array(file, msgspec.Raw, key="messages"))
        if count := sum(not isinstance(row, Refused) for row in rows):
            export.left_out["private messages"] += count
        return
    told = {account.name: account.id}
    channels = set[str]()
    for file in files:
        folder = PurePosixPath(file).parent.name or PurePosixPath(file).stem
        channel = Channel(f"thread:{folder}", _title(export, file) or folder, "chat", is_private=True)
        if channel.id not in channels:
            channels.add(channel.id)
            yield channel
        yield from _thread(export, file, channel, told)


def _title(export: Export, file: str) -> str:
    """A thread's name, which stands behind its messages; empty where the file is cut off before it."""
    try:
        return mended(export.decode(file, Thread, counted=False).title)
    except ExportError:
        return ""


def _thread(export: Export, file: str, channel: Channel, told: dict[str, str]) -> Iterator[Record]:
    """The messages of a file. People are known by name only, the account itself excepted."""
    ids = Ids()
    for number, said in enumerate(export.array(file, Said, key="messages"), 1):
        sent_at = None if isinstance(said, Refused) else moment(said.timestamp_ms / 1000)
        if isinstance(said, Refused) or sent_at is None:
            yield said if isinstance(said, Refused) else untimed(said, file, number)
            continue
        names = [mended(said.sender_name), *(mended(each.actor) for each in said.reactions)]
        for name in names:
            if name.lower() not in NOBODY and name not in told:
                told[name] = f"name:{name}"
                yield Member(told[name], name)
        text = mended(said.content)
        yield Message(
            said_id := ids.of(channel.id, said.timestamp_ms, said.sender_name, text),
            channel.id,
            told.get(names[0]),
            sent_at,
            text,
            kind="message" if said.type in SPOKEN else "system",
            deleted_at=sent_at if said.is_unsent else None,
            attachments=said.attachments,
        )
        for each, name in zip(said.reactions, names[1:], strict=True):
            yield Reaction(said_id, mended(each.reaction), told.get(name))
