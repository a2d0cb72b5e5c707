"""The nouns: what every reader yields and the store keeps.

Ids are text, byte for byte as the platform wrote them, and unique within (platform, source).
Times are aware UTC. Text is plain: the reader has undone its platform's escapes and markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal

import msgspec
import pyarrow as pa

Basis = Literal["explicit", "thread", "mention", "inferred"]
"""How a message came to its conversation: the platform's reply-to, its thread, a mention, or our guess."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """One workspace, server, subreddit, page or list. The first record of every export."""

    platform: str
    id: str
    name: str
    covered_since: datetime | None = None  # the range the export states, where it states one
    covered_until: datetime | None = None
    # That range is all it covers: what lies outside came along, to complete a conversation. Without `covered_since` it
    # begins with the first message; without `covered_until` nothing is covered.
    is_exact: bool = False


class Channel(msgspec.Struct, frozen=True, gc=False):
    """A place inside a source. `forum`: the platform gives every conversation its own thread."""

    id: str
    name: str
    kind: Literal["chat", "forum"] | None = None
    is_private: bool = False
    updated_at: datetime | None = None  # the moment this description was true; the newest wins


class Member(msgspec.Struct, frozen=True, gc=False):
    """An account. Two accounts are never one member, and a name is never an id."""

    id: str
    name: str
    handle: str | None = None
    email: str | None = None  # only its domain and a hash are stored
    is_bot: bool = False
    is_staff: bool = False  # the platform's own flag; the roster in hearth.toml wins over it
    updated_at: datetime | None = None


class Message(msgspec.Struct, frozen=True, gc=False):
    """Something said (`message`), or a join, pin or topic line (`system`).

    `conversation_id` is the platform's own thread, named by its first message's id where there is
    one. `parent_id` is the message answered. Either may name a message that this export lacks.
    """

    id: str
    channel_id: str
    member_id: str | None  # None: a deleted or unknown account
    sent_at: datetime
    text: str
    kind: Literal["message", "system"] = "message"
    title: str | None = None  # subject or topic
    conversation_id: str | None = None
    parent_id: str | None = None
    basis: Basis | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    mentions: tuple[str, ...] = ()  # member ids
    attachments: int = 0
    permalink: str | None = None


class Messages(msgspec.Struct, frozen=True, gc=False):
    """Many messages at once, column by column, for readers whose plain rows come by the million.

    The table's columns are Message's fields by name; a column left out has its default in every row.
    """

    table: pa.Table

    def singly(self) -> Iterator[Message]:
        """The same, one by one."""
        for row in self.table.to_pylist():
            utc = {name: value.astimezone(UTC) for name, value in row.items() if isinstance(value, datetime)}
            yield msgspec.convert({**row, **utc}, Message)


class Reaction(msgspec.Struct, frozen=True, gc=False):
    """An acknowledgement: never a reply. `member_id` is None where only a count is known."""

    message_id: str
    name: str
    member_id: str | None = None
    count: int = 1


class Audience(msgspec.Struct, frozen=True, gc=False):
    """A follower, like or impression total: the vanity drawer."""

    measure: str
    measured_at: datetime
    value: float
    of: str = ""  # the post or page it counts; empty for the whole source


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A record of the export that could not be read: kept, with its place and reason."""

    file: str
    place: str  # "line 12" or "byte 3456"
    reason: str
    raw: bytes


Record = Source | Channel | Member | Message | Messages | Reaction | Audience | Refused


def singly(records: Iterable[Record]) -> Iterator[Record]:
    """The same records, each message on its own."""
    for record in records:
        if isinstance(record, Messages):
            yield from record.singly()
        else:
            yield record
