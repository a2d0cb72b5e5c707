"""Facebook: the JSON of "Download your information", of a person or a page; only the account's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from data.records import Channel, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _meta
from ingest.exports._format import Format
from ingest.exports._meta import Account, Ids, Label, mended, moment

PLATFORM = "facebook"
FORMAT = Format(
    group="Social platforms",
    get=(
        "on facebook.com: Settings & privacy > Settings > Accounts Center > Your information and permissions "
        "> Download (or Export) your information, format JSON; for a page, switch to it first"
    ),
    holds="the account's own posts, comments and posts in groups",
    cannot_tell="what others said; what a comment answers; ids",
    lacks=("own posts only", "no replies"),
)

# Folders and files change their names with the years and the language, the first key of a file only its ending.
KEY = re.compile(
    rb'\s*\{\s*"((comments|group_comments|group_posts|status_updates|followers)(_v\d+)?)"\s*:\s*\['
    rb'(?(3)|\s*\{\s*"(?:timestamp|attachments|data|title|name)")'
)
LIST = re.compile(rb'\s*\[\s*\{\s*"(?:timestamp|attachments|data|title|media|label_values|fbid)"\s*:')
POSTS = re.compile(rb'"(?:post|update_timestamp)"\s*:')
LABELS = re.compile(rb'"label_values"\s*:')
OTHER = re.compile(rb'"(?:reaction|string_map_data|string_list_data)"\s*:')
POSTS_NAME = re.compile(r"(^|/)(your|profile)_posts?[^/]*\.json$")
LABELS_NAME = re.compile(  # without Instagram's names
    r"(^|/)(?!edit|like|[^/]*(?:reaction|poll)|posts_\d|post_comments)[^/]*?(post|comment)[^/]*\.json$"
)
AUTHOR = re.compile(rb'"author"\s*:\s*("(?:[^"\\]|\\.)*")')
FOLDER = re.compile(r"facebook-(.+?)(?:-\d{4}-\d\d?-\d\d?.*)?", re.IGNORECASE)
IN_GROUP = re.compile(r" (?:posted|shared .+|added .+|commented on .+|replied to .+) in (.+?)\.?$")

PLACES = {
    "posts": Channel("posts", "Own posts", "forum"),
    "comments": Channel("comments", "Comments elsewhere", "forum"),
}


class Name(msgspec.Struct, frozen=True):
    """The account's name, as the oldest and the newest profile files write it."""

    full_name: str = ""


class Profile(msgspec.Struct, frozen=True):
    """Whose download it is."""

    name: Name | str = ""
    username: str = ""
    profile_uri: str = ""


class ProfileFile(msgspec.Struct, frozen=True):
    """profile_information.json."""

    profile_v2: Profile | None = None
    profile: Profile | None = None


class Joined(msgspec.Struct, frozen=True):
    """The name of a group, in your_group_membership_activity.json."""

    name: str = ""


class Membership(msgspec.Struct, frozen=True):
    """A group that the account joined, or left."""

    data: list[Joined] = []


class Comment(msgspec.Struct, frozen=True, gc=False):
    """A comment; `group` where it was made in one."""

    comment: str = ""
    timestamp: float | None = None
    group: str = ""


class Datum(msgspec.Struct, frozen=True, gc=False):
    """A part of a row: a post's words, a comment, or when the post was changed."""

    post: str = ""
    comment: Comment | None = None
    update_timestamp: float | None = None


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """Pictures, links and places of a post."""

    data: list[msgspec.Raw] = []


class Row(msgspec.Struct, frozen=True, gc=False):
    """A post or a comment. `title` says what was done: "Ada replied to Grace's comment."."""

    timestamp: float | None = None
    data: list[Datum] = []
    attachments: list[Attachment] = []
    title: str = ""
    label_values: list[Label | list[Label]] = []
    media: list[msgspec.Raw] = []
    fbid: str | int | None = None


class Spoken(NamedTuple):
    """A file of posts or comments, and the key that its list is under."""

    name: str
    key: str | None
    kind: str  # "posts" or "comments"
    is_of_groups: bool


class Files(msgspec.Struct):
    """The files that matter."""

    said: list[Spoken] = []
    followers: dict[str, str | None] = {}
    threads: list[str] = []
    groups: list[str] = []
    profiles: list[str] = []


def detects(export: Export) -> float:
    """High when one of the files that hold posts or comments begins as Facebook's do."""
    begins = ((name, _meta.head(export, name)) for name in _meta.likely(export))
    is_ours = any(_kind(export, name, head) in ("posts", "comments") for name, head in begins)
    return 0.95 if is_ours else _meta.inbox_alone(export, "facebook", "instagram")


def read(export: Export) -> Iterator[Record]:
    """Yield the account as a source and its staff, then what it wrote. Private threads are left out."""
    files = _files(export)
    if not (files.said or files.threads or files.followers):
        raise ExportError(
            f"facebook: {export.name} holds no posts, comments or messages. Ask for the download in the format JSON."
        )
    account = _account(export, files)
    yield Source(PLATFORM, account.id, account.name)
    yield account.member()
    own = _Own(account, _groups(export, files.groups))
    for file in files.said:
        yield from own.records(export, file)
    yield from _meta.followers(export, files.followers)
    yield from _meta.inbox(export, files.threads, account)


class _Own:
    """What must be remembered between the rows of one account."""

    def __init__(self, account: Account, groups: list[str]) -> None:
        self.account = account
        self.groups = groups
        self.channels = set[str]()

    def records(self, export: Export, file: Spoken) -> Iterator[Record]:
        ids = Ids()
        for number, row in enumerate(export.array(file.name, Row, key=file.key), 1):
            if isinstance(row, Refused):
                yield row
                continue
            labels = list(_meta.flat(row.label_values)) if row.label_values else []
            sent_at = moment(_time(row, labels))
            if sent_at is None:
                yield _meta.untimed(row, file.name, number)
                continue
            channel = self._channel(row, file)
            if channel.id not in self.channels:
                self.channels.add(channel.id)
                yield channel
            text = _text(row) or _meta.words(labels)
            row_id = str(row.fbid) if row.fbid else ids.of(file.kind, sent_at.timestamp(), text)
            yield self._message(row_id, channel.id, sent_at, text, row)

    def _message(self, row_id: str, channel_id: str, sent_at: datetime, text: str, row: Row) -> Message:
        attachments = len(row.media) + sum(len(each.data) for each in row.attachments)
        edited_at = moment(max([datum.update_timestamp or 0 for datum in row.data], default=0))
        return Message(
            row_id,
            channel_id,
            self.account.id,
            sent_at,
            text,
            kind="message" if text or attachments else "system",
            title=mended(row.title) or None,
            edited_at=edited_at if edited_at and edited_at > sent_at else None,
            attachments=attachments,
        )

    def _channel(self, row: Row, file: Spoken) -> Channel:
        """The group a row names; else the one whose name is in its title, which may be in any language."""
        group = next((mended(datum.comment.group) for datum in row.data if datum.comment and datum.comment.group), "")
        if file.is_of_groups and not group:
            title = mended(row.title)
            english = IN_GROUP.search(title)
            group = next((name for name in self.groups if name in title), english[1] if english else "")
        if group:
            return Channel(f"group:{group}", group, "forum")
        return Channel("groups", "Groups", "forum") if file.is_of_groups else PLACES[file.kind]


def _time(row: Row, labels: list[Label]) -> float | None:
    """In seconds: the row's own, else its comment's, else one of its labels'."""
    inside = (datum.comment.timestamp for datum in row.data if datum.comment)
    return row.timestamp or next(filter(None, (*inside, *(label.timestamp_value for label in labels))), None)


def _text(row: Row) -> str:
    said = (datum.post or (datum.comment.comment if datum.comment else "") for datum in row.data)
    return "\n".join(mended(text) for text in said if text)


def _files(export: Export) -> Files:
    files = Files()
    for name in export.files("*.json"):
        head = b"" if _meta.THREAD.search(name) else _meta.head(export, name)
        kind = _kind(export, name, head)
        found = KEY.match(head)
        key = found[1].decode() if found else None
        if kind in ("posts", "comments"):
            files.said.append(Spoken(name, key, kind, "group" in f"{key} {name.rpartition('/')[2]}"))
        elif kind == "followers":
            files.followers[name] = key
        elif kind == "thread":
            files.threads.append(name)
        elif name.endswith("your_group_membership_activity.json"):
            files.groups.append(name)
        elif name.endswith("profile_information.json"):
            files.profiles.append(name)
    return files


def _kind(export: Export, name: str, head: bytes) -> str | None:
    """What a file holds: posts, comments, followers, a thread, or nothing of interest."""
    if _meta.is_thread(name, head):
        return "thread"
    if found := KEY.match(head):
        key = found[2].decode()
        return key if key == "followers" else "comments" if key.endswith("comments") else "posts"
    if not LIST.match(head) or OTHER.search(head):
        return None
    if LABELS.search(head):
        named = "instagram" not in _meta.where(export, name) and LABELS_NAME.search(name)
        return f"{named[2]}s" if named else None
    return "posts" if POSTS.search(head) or POSTS_NAME.search(name) else None


def _account(export: Export, files: Files) -> Account:
    """Whose download it is: by its profile, else by the download's own name, else by a comment's author."""
    profile = next(filter(None, (_profile(export, name) for name in files.profiles)), Profile())
    name = mended(profile.name if isinstance(profile.name, str) else profile.name.full_name)
    handle = profile.username or re.split(r"[/=]", profile.profile_uri.rstrip("/"))[-1]
    folder = next(filter(None, map(FOLDER.fullmatch, [export.name, *export.wrapping.split("/")])), None)
    handle = handle or (folder[1] if folder else "")
    name = name or _author(export, files)
    return Account(handle or (f"name:{name}" if name else export.name), name or handle or export.name, handle or None)


def _profile(export: Export, name: str) -> Profile | None:
    try:
        found = export.decode(name, ProfileFile)
    except ExportError:
        return None
    return found.profile_v2 or found.profile


def _author(export: Export, files: Files) -> str:
    for name, _, kind, _ in files.said:
        if kind == "comments" and (found := AUTHOR.search(export.head(name))):
            try:
                return mended(msgspec.json.decode(found[1], type=str))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
    return ""


def _groups(export: Export, names: list[str]) -> list[str]:
    """The names of all groups of the account, longest first: "Boats" may be a part of another's name."""
    rows = (row for name in names for row in export.array(name, Membership, key="groups_joined_v2"))
    joined = (mended(each.name) for row in rows if not isinstance(row, Refused) for each in row.data)
    return sorted(set(filter(None, joined)), key=len, reverse=True)
