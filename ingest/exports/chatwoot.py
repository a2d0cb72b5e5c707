"""Chatwoot: conversations and messages as the API answers them, or a CSV of its messages table."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports import _answers, _rows
from ingest.exports._answers import Row, Shape
from ingest.exports._format import Format
from ingest.exports._members import Members

PLATFORM = "chatwoot"
FORMAT = Format(
    group="Help desks, and everything else",
    get=("save the API's answers to /conversations and their /messages; or a CSV of the database's table messages"),
    holds="conversations with their messages; who is an agent or a bot",
    cannot_tell="the host, only the account's number; inbox names",
)

ANSWER = re.compile(rb'"message_type"\s*:')
DESK = re.compile(rb'"(?:inbox_id|conversation_id)"\s*:')
ACCOUNT = re.compile(rb'"account_id"\s*:\s*(\d+)')
PHONE = re.compile(r"\+?[\d\s().-]{7,}")
KINDS = {"0": "incoming", "1": "outgoing", "2": "activity", "3": "template"}
SIDES = {
    "user": "user",
    "contact": "contact",
    "agentbot": "bot",
    "captain::assistant": "bot",
    "captainassistant": "bot",
}
AUTOMATION = Member("automation", "Automation", is_bot=True)  # campaigns, and what came in by the API without a sender
FEW = 20  # files that are looked into to know the export
HEADER = {"id", "content", "message_type", "conversation_id", "private", "created_at"}
NAMES = {"users": "user", "contacts": "contact"}  # sheets of the tables beside the messages

SHAPE = Shape(
    holders=("data", "payload", "conversations", "messages"),
    is_row=lambda row: "message_type" in row or "messages" in row,
    told=lambda row: {"conversation_id": row.get("id"), "inbox_id": row.get("inbox_id")} if "messages" in row else {},
)

Id = int | str


class Sender(msgspec.Struct):
    """An agent, a contact or a bot: each kind counts from 1."""

    id: Id
    name: str | None = None
    email: str | None = None
    type: str | None = None


class Raw(msgspec.Struct):
    """A message, a private note, or a line such as "Conversation was resolved by Ada"."""

    id: Id
    created_at: datetime
    conversation_id: Id
    message_type: Id
    content: str | None = None
    private: bool = False
    inbox_id: Id | None = None
    updated_at: datetime | None = None
    content_attributes: Any = None
    sender: Sender | None = None
    sender_type: str | None = None
    sender_id: Id | None = None
    attachments: list[Any] = []

    @property
    def kind(self) -> str:
        """Incoming, outgoing, activity or template, however it is written."""
        return KINDS.get(str(self.message_type), str(self.message_type))


def detects(export: Export) -> float:
    """High when one of the first files holds Chatwoot's messages."""
    return 0.9 if next(_files(export, FEW), None) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one account, then the messages of its conversations. Agents' private notes are left out."""
    files = list(_files(export))
    if not files:
        raise ExportError(f"chatwoot: {export.name} holds no messages with a message_type and conversation_id.")
    yield _source(export, files)
    desk = _Desk(export)
    for name in filter(_rows.is_sheet, export.files()):
        yield from desk.people(name)
    for name in files:
        for found in _rows.rows(export, name, SHAPE, _is_sheet, {}):
            yield from [found] if isinstance(found, Refused) else desk.records(name, *found)


class _Desk:
    """What must be remembered between the messages of one account."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.members = Members()
        self.channels: set[str] = set()
        self.begun: set[str] = set()

    def people(self, name: str) -> Iterator[Member]:
        """The agents or contacts of a table beside the messages."""
        side = NAMES.get(PurePosixPath(name).stem.lower())
        if side and _rows.columns(export=self.export, name=name, is_header=_names_people):
            for found in _rows.rows(self.export, name, SHAPE, _names_people, {}):
                if not isinstance(found, Refused) and "id" in found[1]:
                    row = found[1]
                    yield from self.members.tell(_member(side, row["id"], row.get("name"), row.get("email")))

    def records(self, file: str, place: str, row: Row) -> Iterator[Record]:
        if "message_type" not in row:  # a conversation, whose messages follow
            return
        raw = _rows.converted(row, Raw, file, place)
        if isinstance(raw, Refused):
            yield raw
        elif raw.private:
            self.export.left_out["private notes"] += 1
        else:
            yield from self._message(raw)

    def _message(self, raw: Raw) -> Iterator[Record]:
        channel = Channel(f"inbox:{raw.inbox_id}", f"Inbox {raw.inbox_id}", "forum") if raw.inbox_id else INBOX
        if channel.id not in self.channels:
            self.channels.add(channel.id)
            yield channel
        member = None if raw.kind == "activity" else self._speaker(raw)
        yield from self.members.tell(member) if member else ()
        conversation_id = f"conversation:{raw.conversation_id}"
        has_begun = conversation_id in self.begun
        self.begun.add(conversation_id)
        told = _attributes(raw.content_attributes)
        answered = str(told.get("in_reply_to") or raw.id)
        parent_id = answered if answered != str(raw.id) else None
        is_deleted = told.get("deleted") is True
        yield Message(
            str(raw.id), channel.id, member.id if member else None, raw.created_at,
            "" if is_deleted else (raw.content or "").strip(),
            kind="system" if raw.kind in ("activity", "template") else "message", conversation_id=conversation_id,
            parent_id=parent_id, basis="explicit" if parent_id else "thread" if has_begun else None,
            deleted_at=(raw.updated_at or raw.created_at) if is_deleted else None,
            attachments=len(raw.attachments),
        )  # fmt: skip

    def _speaker(self, raw: Raw) -> Member | None:
        sender = raw.sender or (Sender(raw.sender_id) if raw.sender_id else None)
        if sender is None:
            return None if raw.kind == "incoming" else AUTOMATION
        side = SIDES.get((sender.type or raw.sender_type or "").replace("_", "").lower())
        side = side or ("contact" if raw.kind == "incoming" else "user")
        known = self.members.get(f"{side}:{sender.id}")
        return known if known and not sender.name else _member(side, sender.id, sender.name, sender.email)


INBOX = Channel("inbox", "Inbox", "forum")


def _member(side: str, id_: Id, name: str | None, email: str | None) -> Member:
    """A contact who wrote from a telephone is often named by its number, which is not kept."""
    is_named = name and not PHONE.fullmatch(name.strip())
    return Member(
        f"{side}:{id_}",
        name if name and is_named else f"{side} {id_}",
        email=(email or "").lower() or None,
        is_bot=side == "bot",
        is_staff=side == "user",
    )


def _attributes(written: object) -> Row:
    """What else is told of a message: in a sheet this is JSON inside a field."""
    if isinstance(written, str):
        try:
            written = _answers.decoded(written.encode("utf-8", "replace"))
        except UNFIT:
            return {}
    return written if isinstance(written, dict) else {}


def _source(export: Export, files: list[str]) -> Source:
    for name in files:
        found = ACCOUNT.search(export.head(name))
        account = _rows.first(export, name, "account_id") if _rows.is_sheet(name) else found and found[1].decode()
        if account:
            return Source(PLATFORM, f"account:{account}", f"Chatwoot account {account}")
    return Source(PLATFORM, export.name, export.name)


def _files(export: Export, limit: int | None = None) -> Iterator[str]:
    yield from (name for name in islice(export.files(), limit) if _rows.columns(export, name, _is_sheet))
    for name in islice(_answers.likely(export), limit):
        head = _answers.beginning(export, name)
        if ANSWER.search(head) and DESK.search(head):
            yield name


def _is_sheet(columns: Collection[str]) -> bool:
    return set(columns) >= HEADER


def _names_people(columns: Collection[str]) -> bool:
    return {"id", "name", "email"} <= set(columns)
