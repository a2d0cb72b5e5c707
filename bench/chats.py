"""What the made-up community says, as exports that other tools read too: Telegram's, WhatsApp's and Discord's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from data.demo import Community
from data.lanterns import DISCORD
from data.records import Member, Message

TELEGRAM = b'{\n "name": "Lantern Makers",\n "type": "public_supergroup",\n "id": 1700000042,\n "messages": [\n'
GUILD = b'{"guild": {"id": "1013554411778244608", "name": "Lantern Makers", "iconUrl": null},\n'
CHANNEL = b'"channel": {"id": "1013554412642271232", "type": "GuildTextChat", "name": "bench-talk"},\n"messages": [\n'


def write_telegram(path: Path, messages: int) -> None:
    """A result.json of one public group, laid out as Telegram Desktop does."""
    numbers: dict[str, int] = {}  # Telegram counts a chat's messages
    with path.open("wb") as out:
        out.write(TELEGRAM)
        for number, (message, author) in enumerate(_said(messages), 1):
            numbers[message.id] = number
            row = _telegram_row(message, author, number, numbers.get(message.parent_id or ""))
            out.write(b",\n" * (number > 1) + msgspec.json.format(msgspec.json.encode(row), indent=1))
        out.write(b"\n ]\n}\n")


def write_whatsapp(path: Path, messages: int) -> None:
    """The text that an Android phone exports: no ids, no answers, minutes only."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for message, author in _said(messages):
            out.write(f"{message.sent_at:%d/%m/%Y, %H:%M} - {author.name}: {message.text}\n")


def write_discord(path: Path, messages: int) -> None:
    """DiscordChatExporter's file of one channel."""
    with path.open("wb") as out:
        out.write(GUILD + CHANNEL)
        for number, (message, author) in enumerate(_said(messages)):
            out.write(b",\n" * (number > 0) + msgspec.json.encode(_discord_row(message, author)))
        out.write(b'\n],\n"messageCount": %d}\n' % messages)


def _said(messages: int) -> Iterator[tuple[Message, Member]]:
    """So many messages, each with its author."""
    enough = 1.2 * messages + 20 * math.sqrt(messages)  # joins are left out, and few messages are mostly chance
    community = Community(asks_a_day=enough / Community().days / DISCORD.rows_per_ask)
    return islice(_spoken(community), messages)


def _spoken(community: Community) -> Iterator[tuple[Message, Member]]:
    members: dict[str | None, Member] = {}
    for record in community.records("discord"):
        if isinstance(record, Member):
            members[record.id] = record
        elif isinstance(record, Message) and record.kind == "message" and record.member_id in members:
            yield record, members[record.member_id]


def _telegram_row(message: Message, author: Member, number: int, parent: int | None) -> dict[str, Any]:
    edited = _telegram_moment(message.edited_at, "edited", "edited_unixtime") if message.edited_at else {}
    return {
        "id": number,
        "type": "message",
        **_telegram_moment(message.sent_at, "date", "date_unixtime"),
        **edited,
        "from": author.name,
        "from_id": f"user{author.id}",
        **({"reply_to_message_id": parent} if parent else {}),
        "text": message.text,
        "text_entities": [{"type": "plain", "text": message.text}],
    }


def _telegram_moment(at: datetime, local: str, unix: str) -> dict[str, str]:
    return {local: f"{at:%Y-%m-%dT%H:%M:%S}", unix: str(int(at.timestamp()))}


def _discord_row(message: Message, author: Member) -> dict[str, Any]:
    person = {"id": author.id, "name": author.handle or author.name, "discriminator": "0000", "nickname": author.name}
    return {
        "id": message.id,
        "type": "Reply" if message.parent_id else "Default",
        "timestamp": message.sent_at.isoformat(timespec="milliseconds"),
        "timestampEdited": message.edited_at and message.edited_at.isoformat(timespec="milliseconds"),
        "isPinned": False,
        "content": message.text,
        "author": {**person, "isBot": author.is_bot, "roles": []},
        "attachments": [],
        "embeds": [],
        "reactions": [],
        "mentions": [],
        **({"reference": {"messageId": message.parent_id}} if message.parent_id else {}),
    }
