"""What the API of Mastodon, or of a server that speaks like it, answers: statuses, mentions and whole threads.

Numbers are an instance's own. What is known everywhere, and stands in archives too, is the address of a post (`uri`),
so that is its id; which number has which address is gathered before anything is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import UNFIT, Export
from ingest.exports import _answers
from ingest.exports._answers import Row, Shape
from ingest.exports._html import plain
from ingest.exports._members import Members
from ingest.exports._moments import settle

ACCOUNT = "account.json"
OPEN = {"public", "unlisted"}
STATUS = re.compile(rb'"in_reply_to_account_id"\s*:')
PARTS = {"uri", "account", "visibility", "created_at"}
FEW = 20  # files that are looked into to know the export

Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Id = Annotated[str, msgspec.Meta(min_length=1)]


class Account(msgspec.Struct):
    """An account. Before version 4.2 only the address of its page is told."""

    id: Id
    acct: str
    url: str
    username: str = ""
    display_name: str = ""
    bot: bool = False
    uri: str | None = None

    @property
    def address(self) -> str:
        return self.uri or self.url

    @property
    def handle(self) -> str:
        """Its name with its host, as everybody sees it."""
        name, _, host = self.acct.partition("@")
        return f"@{name}@{host or urlsplit(self.address).netloc}".removesuffix("@")


class Mention(msgspec.Struct):
    id: str
    url: str = ""


class Option(msgspec.Struct):
    title: str = ""


class Poll(msgspec.Struct):
    options: list[Option] = []


class Boosted(msgspec.Struct):
    """What was passed on."""

    uri: Id


class Status(msgspec.Struct):
    """A post; with `reblog`, that another's was passed on."""

    id: Id
    uri: Id
    created_at: Aware
    account: Account
    visibility: str
    url: str | None = None
    edited_at: Aware | None = None
    in_reply_to_id: str | None = None
    content: str = ""
    spoiler_text: str = ""
    mentions: list[Mention] = []
    media_attachments: list[Any] = []
    poll: Poll | None = None
    reblog: Boosted | None = None
    favourites_count: Annotated[int, msgspec.Meta(lt=2**31)] = 0


SHAPE = Shape(("status", "ancestors", "descendants"), lambda row: row.keys() >= PARTS, lambda _: {})


def is_there(export: Export) -> bool:
    """Whether it holds the account, and statuses."""
    return bool(accounts(export)) and any(_files(export, FEW))


def accounts(export: Export) -> list[str]:
    """The files in which the account tells of itself."""
    return [name for name in export.files(f"*{ACCOUNT}") if name.rpartition("/")[2] == ACCOUNT]


def read(export: Export, platform: str, place: Channel, whispers: Channel) -> Iterator[Record]:
    """Yield the account, which is staff, and everybody's posts. Those to followers or single people are left out."""
    own = _account(export)
    yield Source(platform, own.handle.removeprefix("@").lower(), own.handle)
    numbers = _Numbers(export, own)
    members, channels = Members(), set[str]()
    for status in _statuses(export):
        if isinstance(status, Refused):
            yield status
            continue
        channel = place if status.visibility in OPEN else whispers
        if channel.is_private and not export.include_private:
            export.left_out["private messages"] += 1
            continue
        if channel.id not in channels:
            channels.add(channel.id)
            yield channel
        yield from members.tell(_member(status.account, own))
        yield numbers.message(status, channel)
        if status.favourites_count > 0 and not status.reblog:
            yield Reaction(status.uri, "favourite", count=status.favourites_count)


class _Numbers:
    """Which post and which account an instance's numbers stand for."""

    def __init__(self, export: Export, own: Account) -> None:
        self._instance = own.url.partition("/@")[0]
        self._posts = dict[str, str]()
        self._accounts = {own.id: own.address}
        for status in _statuses(export):
            if isinstance(status, Status):
                self._posts[status.id] = status.uri
                self._accounts[status.account.id] = status.account.address
        export.done = 0  # the bytes count when the posts are read

    def message(self, status: Status, channel: Channel) -> Message:
        """A post, as an archive of its writer tells it."""
        author = status.account.address
        if status.reblog:
            passed_on = status.reblog.uri
            return Message(
                status.uri, channel.id, author, status.created_at, passed_on, kind="system", permalink=_link(passed_on)
            )
        options = [f"- {option.title}" for option in status.poll.options if option.title] if status.poll else []
        parent_id = self._parent(status.in_reply_to_id)
        mentions = [self._accounts.get(each.id, each.url) for each in status.mentions]
        return Message(
            status.uri,
            channel.id,
            author,
            status.created_at,
            "\n".join([plain(status.content), *options]).strip(),
            title=status.spoiler_text or None,
            parent_id=parent_id,
            basis="explicit" if parent_id else None,
            edited_at=status.edited_at,
            mentions=tuple(dict.fromkeys(each for each in mentions if each)),
            attachments=len(status.media_attachments),
            permalink=self._permalink(status),
        )

    def _parent(self, number: str | None) -> str | None:
        """What is answered. A post that may not be seen here has no address, and was answered all the same."""
        return self._posts.get(number, f"{self._instance}/statuses/{number}") if number else None

    def _permalink(self, status: Status) -> str | None:
        """Where the account's own people see it, and can answer: on their instance."""
        if "@" in status.account.acct:
            return _link(f"{self._instance}/@{status.account.acct}/{status.id}")
        return _link(status.url) or _link(status.uri)


def _member(account: Account, own: Account) -> Member:
    name = account.display_name or account.handle
    return Member(account.address, name, account.handle, is_bot=account.bot, is_staff=account.id == own.id)


def _link(address: str | None) -> str | None:
    return address if address and address.startswith(("https://", "http://")) else None


def _account(export: Export) -> Account:
    return export.decode(accounts(export)[0], Account)


def _files(export: Export, most: int | None = None) -> Iterator[str]:
    for name in list(_answers.likely(export))[:most]:
        if STATUS.search(_answers.beginning(export, name)):
            yield name


def _statuses(export: Export) -> Iterator[Status | Refused]:
    for name in _files(export):
        for found in _answers.placed(export, name, SHAPE):
            if isinstance(found, Refused):
                yield found
            else:
                place, row = found
                yield _status(row, name, place)


def _status(row: Row, file: str, place: str) -> Status | Refused:
    try:
        status: Any = msgspec.convert(row, Status)
        settle(status)
    except (*UNFIT, OverflowError) as error:
        return _answers.refused(row, file, place, SHAPE, error)
    return status  # type: ignore[no-any-return]
