"""X: the archive of one account, as X or Twitter hands it to its owner, back to those of 2012.

Own posts only: what they answer is mostly missing, so their conversations begin outside. The account is the
community's own side. A retweet says nothing of its own and is a system line; the versions of an edited post are
one message, under the first one's id. Direct messages, circles and protected posts are private.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from data.records import Audience, Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import unescape

PLATFORM = "x"
FORMAT = Format(
    group="Social platforms",
    get=(
        "on x.com: More > Settings and privacy > Your account > Download an archive of your data; the .zip "
        "comes a day or more later"
    ),
    holds=(
        "the account's own posts, long ones and edits too, with what each answers, counts of likes, and its "
        "follower total; back to 2012"
    ),
    cannot_tell="what others said and answered",
    lacks=("own posts only",),
    is_seen=True,
)

SCRIPT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:window\.YTD\.(\w+)\.part\d+|Grailbird\.data\.(tweets)_\w+)\s*=\s*")
POSTS = {
    "tweet": Channel("posts", "posts", "forum"),
    "tweets": Channel("posts", "posts", "forum"),
    "deleted_tweet": Channel("posts", "posts", "forum"),
    "deleted_tweets": Channel("posts", "posts", "forum"),
    "community_tweet": Channel("communities", "communities", "forum"),
    "twitter_circle_tweet": Channel("circle", "circle", "forum", is_private=True),
}
DIRECT = {"direct_message", "direct_messages", "direct_message_group", "direct_messages_group"}
MONTHS = {
    name: number
    for number, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}
FIRST_ID = datetime(2010, 11, 4, 1, 42, 54, 657_000, UTC)  # ids since then hold the milliseconds passed since then
GONE = "-1"  # the id of a mentioned account that is suspended or deleted
START = 40  # characters by which the whole text of a long post is looked up

T = TypeVar("T")
Id = Annotated[str, msgspec.Meta(min_length=1)]


class User(msgspec.Struct, frozen=True):
    """Somebody who is mentioned."""

    id_str: str | None = None


class Entities(msgspec.Struct, frozen=True):
    """What a post mentions and shows."""

    user_mentions: list[User] = []
    media: list[msgspec.Raw] = []


class Versions(msgspec.Struct, frozen=True, rename="camel"):
    """The ids of a post and of its edits, in order."""

    edit_tweet_ids: list[Id] = []


class Edit(msgspec.Struct, frozen=True, rename="camel"):
    """What a later version says of the first."""

    edit_control_initial: Versions = Versions()


class EditInfo(msgspec.Struct, frozen=True):
    """Of a first version, `initial`; of a later one, `edit`."""

    initial: Versions | None = None
    edit: Edit | None = None


class Post(msgspec.Struct, frozen=True):
    """A post. Until 2018 its words were in `text`, and ids were numbers too."""

    created_at: str
    id_str: Id
    full_text: str | None = None
    text: str | None = None
    in_reply_to_status_id_str: str | None = None
    in_reply_to_status_id: str | int | None = None
    entities: Entities = Entities()
    extended_entities: Entities = Entities()
    favorite_count: str | int = 0
    edit_info: EditInfo = EditInfo()
    deleted_at: str | None = None


class Wrapped(msgspec.Struct, frozen=True):
    """A post as files since 2019 hold it."""

    tweet: Post


class Words(msgspec.Struct, frozen=True):
    """The whole text of a long post."""

    text: str


class Note(msgspec.Struct, frozen=True, rename="camel"):
    """A long post's words. No field says which post's."""

    created_at: str
    core: Words


class Talk(msgspec.Struct, frozen=True, rename="camel"):
    """Direct messages between the same people: each is {"messageCreate": ...}, or a join and the like."""

    conversation_id: Id
    messages: list[dict[str, msgspec.Raw]]


class TalkRow(msgspec.Struct, frozen=True, rename="camel"):
    """A line of direct-messages.js."""

    dm_conversation: Talk


class Sign(msgspec.Struct, frozen=True, rename="camel"):
    """A reaction to a direct message."""

    sender_id: str
    reaction_key: str


class Direct(msgspec.Struct, frozen=True, rename="camel"):
    """A direct message, or who joined or left a group of them."""

    created_at: str
    id: str = ""
    sender_id: str | None = None
    initiating_user_id: str | None = None
    text: str = ""
    media_urls: list[str] = []
    reactions: list[Sign] = []


class UserInfo(msgspec.Struct, frozen=True, rename="camel"):
    """The account as manifest.js names it."""

    account_id: Id
    user_name: str
    display_name: str = ""


class ArchiveInfo(msgspec.Struct, frozen=True, rename="camel"):
    """When the archive was made, and whether it is one of several parts."""

    generation_date: str = ""
    is_partial_archive: bool = False


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """manifest.js."""

    user_info: UserInfo
    archive_info: ArchiveInfo = ArchiveInfo()


class AccountFields(msgspec.Struct, frozen=True, rename="camel"):
    """The account as account.js names it, beside its e-mail address, which is left alone."""

    account_id: Id
    username: str
    account_display_name: str = ""
    created_at: str = ""


class OldAccount(msgspec.Struct, frozen=True):
    """The account as user_details.js names it, until 2018."""

    id: Id
    screen_name: str
    full_name: str = ""
    created_at: str = ""


class OldArchive(msgspec.Struct, frozen=True):
    """payload_details.js: when the archive was made."""

    created_at: str = ""


class Protection(msgspec.Struct, frozen=True, rename="camel"):
    """When posts were hidden from all but followers, or shown again."""

    protected_at: str
    action: str


class Owner(NamedTuple):
    """Whose archive it is, and from when to when it reaches."""

    id: str
    handle: str
    name: str
    since: datetime | None = None
    until: datetime | None = None


def detects(export: Export) -> float:
    """High when a script assigns a list of posts or direct messages to a name of X's."""
    names = islice((name for name in export.files("*.js") if re.search("tweet|direct-message", name)), 20)
    kinds = {_kind(export, name) for name in names}
    return 0.95 if kinds & (POSTS.keys() | DIRECT) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield the account, its posts with their likes, and on request its private words."""
    files = {name: kind for name in export.files("*.js") if (kind := _kind(export, name))}
    owner = _owner(export)
    yield Source(PLATFORM, owner.id, f"@{owner.handle}", owner.since, owner.until)
    archive = _Archive(export, owner)
    yield from archive.met(owner.id)
    for name in (name for name, kind in files.items() if kind == "note_tweet"):
        yield from archive.notes(name)
    for name, kind in files.items():
        if kind in POSTS:
            yield from archive.posts(name, POSTS[kind])
        elif kind in DIRECT:
            yield from archive.direct(name)
        elif kind == "follower" and owner.until:
            yield Audience("followers", owner.until, sum(1 for _ in export.array(name, msgspec.Raw)))


class _Archive:
    """What must be remembered while an archive is read."""

    def __init__(self, export: Export, owner: Owner) -> None:
        self.export, self.owner = export, owner
        self.is_protected = _is_protected(export)
        self.told: set[str] = set()  # channels and members
        self.long: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)  # by how the text starts

    def notes(self, name: str) -> Iterator[Refused]:
        """Keep the whole text of long posts, of which the posts themselves hold the beginning."""
        for row in self.export.array(name, dict[str, Note]):
            if isinstance(row, Refused):
                yield row
                continue
            for note in row.values():
                with suppress(ValueError):
                    self.long[note.core.text[:START]].append((moment(note.created_at), note.core.text))

    def posts(self, name: str, channel: Channel) -> Iterator[Record]:
        is_wrapped = re.search(rb'\[\s*\{\s*"tweet"\s*:\s*\{', self.export.head(name, 1024))
        is_private = channel.is_private or self.is_protected
        yield from self._place(msgspec.structs.replace(channel, is_private=is_private))
        shape: type[Wrapped | Post] = Wrapped if is_wrapped else Post
        for row in self.export.array(name, shape):
            if is_private and not self.export.include_private:
                self.export.left_out["private messages"] += 1
            elif isinstance(row, Refused):
                yield row
            else:
                yield from self._post(row.tweet if isinstance(row, Wrapped) else row, name, channel)

    def _post(self, post: Post, name: str, channel: Channel) -> Iterator[Record]:
        try:
            message = self._message(post, channel)
            likes = int(post.favorite_count)
        except (ValueError, OverflowError) as error:
            yield Refused(name, f"post {post.id_str}", str(error), msgspec.json.encode(post))
            return
        if not message.deleted_at and PurePosixPath(name).name.startswith("deleted"):  # it does not say when
            message = msgspec.structs.replace(message, deleted_at=message.sent_at)
        yield message
        if likes > 0 and message.kind == "message":
            yield Reaction(message.id, "like", count=likes)

    def _message(self, post: Post, channel: Channel) -> Message:
        written_at = moment(post.created_at)
        versions = _versions(post)
        is_edit = post.id_str != versions[0]
        text = unescape(post.full_text or post.text or "")
        is_retweet = text.startswith("RT @")  # no field says so: `retweeted` is always false
        parent_id = post.in_reply_to_status_id_str or str(post.in_reply_to_status_id or "") or None
        return Message(
            versions[0],
            channel.id,
            self.owner.id,
            sent_at(versions[0]) if is_edit else written_at,
            text if is_retweet else self._whole(text, written_at),
            kind="system" if is_retweet else "message",
            parent_id=parent_id,
            basis="explicit" if parent_id else None,
            edited_at=written_at if is_edit else None,
            deleted_at=moment(post.deleted_at) if post.deleted_at else None,
            mentions=_mentions(post),
            attachments=len(post.extended_entities.media or post.entities.media),
            permalink=f"https://x.com/{self.owner.handle}/status/{versions[-1]}",
        )

    def _whole(self, text: str, written_at: datetime) -> str:
        """The text itself, or the long one it is the beginning of: of several, the one nearest in time."""
        shown, ellipsis, _ = text.rpartition("…")
        candidates = self.long.get(text[:START], ()) if ellipsis else ()
        longer = [(abs(at - written_at), note) for at, note in candidates if note.startswith(shown)]
        return min(longer)[1] if longer else text

    def direct(self, name: str) -> Iterator[Record]:
        for row in self.export.array(name, TalkRow):
            if not self.export.include_private:
                self.export.left_out["private messages"] += 1 if isinstance(row, Refused) else _size(row)
            elif isinstance(row, Refused):
                yield row
            else:
                yield from self._talk(row.dm_conversation, name)

    def _talk(self, talk: Talk, name: str) -> Iterator[Record]:
        channel_id = f"direct:{talk.conversation_id}"
        yield from self._place(Channel(channel_id, f"direct messages {talk.conversation_id}", "chat", is_private=True))
        entries = [(kind, raw) for entry in talk.messages for kind, raw in islice(entry.items(), 1)]
        for age, (kind, raw) in enumerate(reversed(entries)):  # files begin with the newest
            try:
                said = msgspec.json.decode(raw, type=Direct)
                message = _direct(said, kind, talk.conversation_id, channel_id, is_first=age == 0)
            except (*UNFIT, ValueError, OverflowError) as error:
                yield Refused(name, f"conversation {talk.conversation_id}", str(error), bytes(raw))
                continue
            if message.member_id:
                yield from self.met(message.member_id)
            yield message
            yield from (Reaction(message.id, sign.reaction_key, sign.sender_id) for sign in said.reactions)

    def met(self, member_id: str) -> Iterator[Member]:
        """Who wrote, once each. Of the others an archive tells nothing but the id."""
        if member_id not in self.told:
            self.told.add(member_id)
            is_owner = member_id == self.owner.id
            name, handle = (self.owner.name, self.owner.handle) if is_owner else (member_id, None)
            yield Member(member_id, name, handle, is_staff=is_owner, updated_at=self.owner.until if is_owner else None)

    def _place(self, channel: Channel) -> Iterator[Channel]:
        if channel.id not in self.told and (self.export.include_private or not channel.is_private):
            self.told.add(channel.id)
            yield channel


def _kind(export: Export, name: str) -> str | None:
    """What a script's list is called: tweets, note_tweet, direct_messages and so on."""
    found = SCRIPT.match(export.head(name, 1024))
    return (found[1] or found[2]).decode("ascii", "replace").lower() if found else None


def _direct(said: Direct, kind: str, conversation_id: str, channel_id: str, is_first: bool) -> Message:
    if kind == "messageCreate" and not said.id:
        raise ValueError("it has no id")
    return Message(
        said.id or f"{conversation_id}:{kind}:{said.created_at}",
        channel_id,
        said.sender_id or said.initiating_user_id,
        moment(said.created_at),
        unescape(said.text),
        kind="message" if kind == "messageCreate" else "system",
        conversation_id=conversation_id,
        basis=None if is_first else "thread",
        attachments=len(said.media_urls),
    )


def _size(row: TalkRow) -> int:
    return len(row.dm_conversation.messages)


def _versions(post: Post) -> list[str]:
    """The ids of a post's versions, the first one first: its own, unless it was edited."""
    info = post.edit_info
    versions = info.initial or (info.edit.edit_control_initial if info.edit else Versions())
    return versions.edit_tweet_ids or [post.id_str]


def sent_at(post_id: str) -> datetime:
    """When the post with that id was sent, to the second, as X itself tells it. Posts can be edited since 2022."""
    return (FIRST_ID + timedelta(milliseconds=int(post_id) >> 22)).replace(microsecond=0)


def _mentions(post: Post) -> tuple[str, ...]:
    ids = (user.id_str for user in post.entities.user_mentions)
    return tuple(dict.fromkeys(id_ for id_ in ids if id_ and id_ != GONE))


def moment(written: str) -> datetime:
    """A time as X writes it, "Sun Dec 31 14:36:59 +0000 2023", or ISO 8601, in UTC. Else ValueError."""
    if month := MONTHS.get(written[4:7]):
        written = f"{written[26:]}-{month:02}-{written[8:10]} {written[11:25]}"
    at = datetime.fromisoformat(written.replace(" +", "+"))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _moment_or_none(written: str) -> datetime | None:
    try:
        return moment(written)
    except (ValueError, OverflowError):
        return None


def _assigned(export: Export, file: str, type: type[T]) -> T | None:
    """What the script of that name holds behind its "=", where it is there and fits."""
    for name in export.files():
        if PurePosixPath(name).name == file:
            with suppress(*UNFIT):
                return msgspec.json.decode(export.read(name).partition(b"=")[2], type=type)
    return None


def _owner(export: Export) -> Owner:
    """Whose archive it is. Raises ExportError where no file tells."""
    manifest = _assigned(export, "manifest.js", Manifest)
    accounts = _assigned(export, "account.js", list[dict[str, AccountFields]]) or []
    archive = manifest.archive_info if manifest else ArchiveInfo()
    until = _moment_or_none(archive.generation_date)
    if account := next((account for row in accounts for account in row.values()), None):
        name = account.account_display_name or account.username
        since = None if archive.is_partial_archive else _moment_or_none(account.created_at)
        return Owner(account.account_id, account.username, name, since, until)
    if manifest:
        user = manifest.user_info
        return Owner(user.account_id, user.user_name, user.display_name or user.user_name, None, until)
    if old := _assigned(export, "user_details.js", OldAccount):
        made = _assigned(export, "payload_details.js", OldArchive) or OldArchive()
        since, until = _moment_or_none(old.created_at), _moment_or_none(made.created_at)
        return Owner(old.id, old.screen_name, old.full_name or old.screen_name, since, until)
    raise ExportError(
        f"x: no file in {export.name} tells whose archive it is. Load the whole archive as X handed it out, with "
        "data/manifest.js or data/account.js."
    )


def _is_protected(export: Export) -> bool:
    """Whether only followers could see the posts when the archive was made."""
    history = _assigned(export, "protected-history.js", list[dict[str, Protection]]) or []
    steps = [step for row in history for step in row.values()]
    if steps:
        last = max(steps, key=lambda step: step.protected_at)
        return last.action.lower().startswith("protect")
    old = islice(export.files("*tweets/*.js"), 1)
    return any(re.search(rb'"protected"\s*:\s*true', export.head(name)) for name in old)
