"""Lemmy: posts and comments as the API of an instance answers them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _answers, _rows
from ingest.exports._answers import Row, Shape
from ingest.exports._format import Format
from ingest.exports._members import Members

PLATFORM = "lemmy"
FORMAT = Format(
    group="Social platforms",
    get="save the instance's API's answers as .json: /api/v3/post/list, /api/v3/comment/list",
    holds="a community's posts and comments, with what each answers",
    cannot_tell="who moderates, unless they wrote",
)

VIEW = re.compile(rb'"(?:post|comment)"\s*:\s*\{')
PLACED = re.compile(rb'"community"\s*:\s*\{|"community_view"\s*:\s*\{')
FEDERATED = re.compile(rb'"ap_id"\s*:\s*"https?://')
HOST = re.compile(rb'"(?:actor_id|ap_id)"\s*:\s*"https?://([^/"]+)/c/')
FEW = 20  # files that are looked into to know the export

SHAPE = Shape(
    holders=("post_view", "comment_view", "posts", "comments", "items"),
    is_row=lambda row: isinstance(row.get("post"), dict) and ("counts" in row or "creator" in row),
    told=lambda _: {},
)


class Person(msgspec.Struct):
    """An account. A name is unique on its own instance only, which `actor_id` names."""

    id: int
    name: str
    display_name: str | None = None
    bot_account: bool = False
    admin: bool = False
    deleted: bool = False


class Community(msgspec.Struct):
    """A place for posts. One that is private, or for subscribers of this instance, says so."""

    id: int
    name: str
    title: str | None = None
    visibility: str = "Public"


class Said(msgspec.Struct):
    """A post or a comment, by the names of both; since 1.0 dates end in _at."""

    id: int
    published: datetime | None = None
    published_at: datetime | None = None
    updated: datetime | None = None
    updated_at: datetime | None = None
    name: str | None = None
    body: str | None = None
    url: str | None = None
    content: str = ""
    path: str = ""
    ap_id: str | None = None
    deleted: bool = False
    removed: bool = False

    def parent_id(self, post_id: str) -> str:
        """What a comment answers: "0.5.7" is number 7, and answers number 5; "0.7" answers the post."""
        above = self.path.split(".")[-2:-1]
        return f"comment:{above[0]}" if above and above[0] not in ("", "0") else post_id


class View(msgspec.Struct):
    """A post, or a comment with the post it is about, and who wrote it where."""

    post: Said
    creator: Person
    community: Community
    comment: Said | None = None
    creator_is_moderator: bool = False
    creator_is_admin: bool = False


def detects(export: Export) -> float:
    """High when one of the first files holds posts or comments of Lemmy."""
    return 0.9 if next(_files(export, FEW), None) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one instance with a channel for each community, its posts and comments. Who moderates is staff."""
    files = list(_files(export))
    if not files:
        raise ExportError(f"lemmy: {export.name} holds no posts or comments as Lemmy's API answers them.")
    hosts = (HOST.search(export.head(name)) for name in files)
    host = next((found[1].decode("utf-8", "replace") for found in hosts if found), export.name)
    yield Source(PLATFORM, host, host)
    instance = _Instance(export)
    for name in files:
        for found in _rows.rows(export, name, SHAPE, lambda _: False, {}):
            yield from [found] if isinstance(found, Refused) else instance.records(name, *found)


class _Instance:
    """What must be remembered between the posts of one instance."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.members = Members()
        self.channels: set[str] = set()

    def records(self, file: str, place: str, row: Row) -> Iterator[Record]:
        told = row["comment"] if isinstance(row.get("comment"), dict) else row["post"]
        view = _rows.converted(row, View, file, place)
        if isinstance(view, Refused):
            yield _rows.refused(told, Said, file, place, view.reason)
            return
        said = view.comment or view.post
        sent_at = said.published_at or said.published
        is_private = view.community.visibility == "Private"
        if sent_at is None:
            yield _rows.refused(told, Said, file, place, "it has no date")
        elif is_private and not self.export.include_private:
            self.export.left_out["private messages"] += 1
        else:
            yield from self._place(view.community, is_private=is_private)
            yield from self._author(view)
            yield self._message(view, said, sent_at)

    def _place(self, community: Community, *, is_private: bool) -> Iterator[Channel]:
        channel_id = str(community.id)
        if channel_id not in self.channels:
            self.channels.add(channel_id)
            yield Channel(channel_id, community.name, "forum", is_private=is_private)

    def _author(self, view: View) -> Iterator[Member]:
        person = view.creator
        if not person.deleted:
            is_staff = view.creator_is_moderator or view.creator_is_admin or person.admin
            name = person.display_name or person.name
            yield from self.members.tell(
                Member(str(person.id), name, person.name, is_bot=person.bot_account, is_staff=is_staff)
            )

    def _message(self, view: View, said: Said, sent_at: datetime) -> Message:
        post_id, is_comment = str(view.post.id), view.comment is not None
        changed_at = said.updated_at or said.updated
        is_gone = said.deleted or said.removed
        text = said.content if is_comment else said.body or said.url or ""
        return Message(
            f"comment:{said.id}" if is_comment else post_id,
            str(view.community.id),
            None if view.creator.deleted else str(view.creator.id),
            sent_at,
            "" if is_gone else text.strip(),
            title=None if is_comment or is_gone else said.name or None,
            conversation_id=post_id,
            parent_id=said.parent_id(post_id) if is_comment else None,
            basis="explicit" if is_comment else None,
            edited_at=None if is_gone else changed_at,
            deleted_at=(changed_at or sent_at) if is_gone else None,
            permalink=said.ap_id or None,
        )


def _files(export: Export, limit: int | None = None) -> Iterator[str]:
    for name in islice(_answers.likely(export), limit):
        head = _answers.beginning(export, name)
        if VIEW.search(head) and PLACED.search(head) and FEDERATED.search(head):
            yield name
