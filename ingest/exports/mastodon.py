"""Mastodon: an account's archive from Preferences > Import and export, the .zip or .tar.gz with outbox.json.

It holds the account's own posts, with the addresses of what they answer, and nothing of anybody else; saved answers of
the API, with the account's own in account.json, also hold what others said. The account is the community's own side.
A boost says nothing of its own and is a system line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _statuses
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._moments import settle

PLATFORM = "mastodon"
FORMAT = Format(
    group="Social platforms",
    get="on the account's server: Preferences > Import and export > Data export > Request your archive",
    holds=(
        "the account's own public posts, with the addresses of what they answer; saved answers of the API "
        "also hold others' posts"
    ),
    cannot_tell="from the archive: what others said and answered; likes and boosts received",
    lacks=("own posts only",),
    is_seen=True,
)

PUBLIC = {"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"}
ACCOUNT = re.compile(r"https?://(?P<host>[^/\s]+)/(?:users/|@|u/|profile/)?(?P<name>[^/\s]+)")
POSTS = Channel("posts", "posts", "forum")
WHISPERS = Channel("private", "followers only and direct", "forum", is_private=True)

Id = Annotated[str, msgspec.Meta(min_length=1)]
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Several = list[str] | str | None


class Actor(msgspec.Struct, rename="camel"):
    """The account, as actor.json tells it. `type` is Service where it is marked as automated."""

    id: Id
    type: str = "Person"
    name: str | None = None
    preferred_username: str | None = None


class Mention(msgspec.Struct):
    """A tag of a post; a hashtag's or emoji's is not of the type Mention."""

    type: str | None = None
    href: str | None = None


class Option(msgspec.Struct):
    name: str | None = None


class Note(msgspec.Struct, rename="camel"):
    """A post; with `one_of` or `any_of`, a poll."""

    id: Id
    content: str | None = None
    summary: str | None = None  # what is shown instead, until somebody clicks
    in_reply_to: str | None = None
    conversation: str | None = None
    context: str | None = None  # since 2025, what `conversation` was
    updated: Aware | None = None
    url: str | None = None
    tag: list[Mention] = []
    attachment: list[msgspec.Raw] = []
    one_of: list[Option] = []
    any_of: list[Option] = []


class Activity(msgspec.Struct):
    """A line of the outbox: Create, with a post, or Announce, with the address of one."""

    id: Id
    type: str
    published: Aware
    object: Note | str
    actor: str | None = None
    to: Several = None
    cc: Several = None

    @property
    def is_public(self) -> bool:
        """To everybody, or, unlisted, with a copy to everybody."""
        return not PUBLIC.isdisjoint(_listed(self.to)) or not PUBLIC.isdisjoint(_listed(self.cc))


def detects(export: Export) -> float:
    """High when outbox.json begins as a list of activities, or where the API's answers lie beside account.json."""
    names = export.files("outbox.json")
    return 0.95 if names and b'"orderedItems"' in export.head(names[0]) else 0.9 * _statuses.is_there(export)


def read(export: Export) -> Iterator[Record]:
    """Yield the account with its posts. Those to followers only or to single people are left out."""
    if not export.files("outbox.json") and _statuses.accounts(export):
        yield from _statuses.read(export, PLATFORM, POSTS, WHISPERS)
        return
    if not export.files("outbox.json"):
        raise ExportError(f"mastodon: {export.name} has no outbox.json. Request the archive of your posts and uploads.")
    actor = _actor(export)
    found = ACCOUNT.match(actor.id)
    handle = f"@{actor.preferred_username or found['name']}@{found['host']}" if found else actor.id
    yield Source(PLATFORM, handle.removeprefix("@").lower(), handle)
    is_bot = actor.type == "Service"
    yield Member(actor.id, actor.name or handle, handle, is_bot=is_bot, is_staff=True)
    told = set[str]()
    for activity in export.array("outbox.json", Activity, key="orderedItems"):
        if isinstance(activity, Refused):
            yield activity
        elif (is_public := activity.is_public) or export.include_private:
            yield from _records(activity, POSTS if is_public else WHISPERS, actor.id, told)
        else:
            export.left_out["private messages"] += 1


def _actor(export: Export) -> Actor:
    """The account; where actor.json is missing, who posted first."""
    if export.files("actor.json"):
        return export.decode("actor.json", Actor)
    for activity in export.array("outbox.json", Activity, key="orderedItems"):
        if isinstance(activity, Activity) and activity.actor:
            export.done = 0  # the bytes count when the posts are read
            return Actor(activity.actor)
    raise ExportError(f"mastodon: {export.name} lacks actor.json, which names the account. Load the whole archive.")


def _records(activity: Activity, channel: Channel, member_id: str, told: set[str]) -> Iterator[Record]:
    try:
        settle(activity)
        message = _message(activity, channel.id, member_id)
    except ValueError as error:
        yield Refused("outbox.json", activity.id, str(error), msgspec.json.encode(activity))
        return
    if channel.id not in told:
        told.add(channel.id)
        yield channel
    yield message


def _message(activity: Activity, channel_id: str, member_id: str) -> Message:
    note, sent_at = activity.object, activity.published
    if isinstance(note, str) or activity.type != "Create":
        boosted = note if isinstance(note, str) else note.id
        return Message(activity.id, channel_id, member_id, sent_at, boosted, kind="system", permalink=_link(boosted))
    options = [f"- {option.name}" for option in note.one_of + note.any_of if option.name]
    mentions = [tag.href for tag in note.tag if tag.type == "Mention" and tag.href]
    return Message(
        note.id,
        channel_id,
        member_id,
        sent_at,
        "\n".join([plain(note.content or ""), *options]).strip(),
        title=note.summary or None,
        conversation_id=note.conversation or note.context or None,
        parent_id=note.in_reply_to or None,
        basis="explicit" if note.in_reply_to else None,
        edited_at=note.updated,
        mentions=tuple(dict.fromkeys(mentions)),
        attachments=len(note.attachment),
        permalink=_link(note.url) or _link(note.id),
    )


def _link(address: str | None) -> str | None:
    return address if address and address.startswith(("https://", "http://")) else None


def _listed(field: Several) -> list[str]:
    return [field] if isinstance(field, str) else field or []
