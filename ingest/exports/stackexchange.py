"""Stack Exchange: a site of the data dump, its Posts.xml, Comments.xml and Users.xml, or saved answers of its API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain, unescape
from ingest.exports._members import Members
from ingest.exports._moments import iso
from ingest.exports._xml import Element, elements

PLATFORM = "stackexchange"
FORMAT = Format(
    group="Forums, questions and code",
    get=(
        "on a site, signed in: your profile > Settings > Data dump access; unpack the .7z and load its "
        "folder; or save the API's answers"
    ),
    holds="questions, answers and comments of a whole site, with members and edits",
    cannot_tell="who is staff; which comment a comment answers",
    is_seen=True,
)

POSTS, COMMENTS, USERS = "Posts.xml", "Comments.xml", "Users.xml"
BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?\?>\s*)?(?:<!DOCTYPE[^>]*>\s*)?<posts>", re.DOTALL)
QUESTION, ANSWER = "1", "2"  # the other types are tag wikis, nominations and the like: nobody speaks in them
ROBOT = "-1"  # Community, which bumps questions and owns what has no owner

WRAPPED = re.compile(rb'\s*\{\s*"items"\s*:\s*\[')
MARKS = re.compile(rb'"(?:question_id|answer_id|comment_id)"\s*:\s*\d')
FEW = 20  # files that are looked into to know the export
Moment = Annotated[int, msgspec.Meta(ge=0, le=253402300799)]


class Owner(msgspec.Struct, frozen=True):
    """Whose it is; without an id where the account is gone."""

    user_id: int | None = None
    display_name: str = ""


class Post(msgspec.Struct, frozen=True):
    """A question, an answer or a comment of the API: the ids tell which."""

    creation_date: Moment
    question_id: int | None = None
    answer_id: int | None = None
    comment_id: int | None = None
    post_id: int | None = None
    owner: Owner = Owner()
    title: str | None = None
    body: str = ""
    body_markdown: str | None = None
    last_edit_date: Moment | None = None
    accepted_answer_id: int | None = None
    answers: list[Post] = []
    comments: list[Post] = []
    link: str = ""


def detects(export: Export) -> float:
    """High when a Posts.xml begins as the dump's do, or one of the first .json files is an answer of the API."""
    if any(_is_answer(export, name) for name in islice(export.files("*.json"), FEW)):
        return 0.95
    folder = _folder(export)
    return 0.95 if folder is not None and BEGINNING.match(export.head(folder + POSTS, 1024)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one site with one channel, its members, its questions and answers, then the comments on them."""
    folder = _folder(export)
    answers = [name for name in export.files("*.json") if _is_answer(export, name)] if folder is None else []
    if answers:
        yield from _told(export, answers)
        return
    if folder is None:
        raise ExportError(f"stackexchange: {POSTS} is missing from {export.name}. Unpack the site's 7z file first.")
    name = PurePosixPath(folder).name or export.name
    yield Source(PLATFORM, name, name)
    yield Channel("questions", "Questions and answers", "forum")
    site = _Site(f"https://{name}/" if "." in name else None)
    for file, records in ((USERS, site.member), (POSTS, site.post), (COMMENTS, site.comment)):
        if folder + file in export.files(folder + file):
            for row in elements(export, folder + file, "row"):
                yield from [row] if isinstance(row, Refused) else records(row, folder + file)


class _Site:
    """What must be remembered between the rows of one site."""

    def __init__(self, address: str | None) -> None:
        self.address = address
        self.members = Members()

    def member(self, row: Element, _file: str) -> Iterator[Record]:
        user_id = row.attributes.get("Id")
        if user_id:  # one without an id is nobody's author: nothing is lost
            name = row.attributes.get("DisplayName") or f"user {user_id}"
            yield from self.members.tell(Member(user_id, name, is_bot=user_id == ROBOT))

    def post(self, row: Element, file: str) -> Iterator[Record]:
        get = row.attributes.get
        post_id, sent_at = get("Id"), iso(get("CreationDate"))
        if not post_id or not sent_at:
            yield row.refused(file, "it has no id" if not post_id else "its date cannot be read")
            return
        type_, question_id = get("PostTypeId"), get("ParentId") or None
        is_answer = type_ == ANSWER and question_id is not None and question_id != post_id
        yield from self._author(get("OwnerUserId"))
        yield Message(
            post_id, "questions", get("OwnerUserId") or None, sent_at, plain(get("Body", "")),
            kind="message" if type_ in (QUESTION, ANSWER) else "system",
            title=get("Title") or None,
            conversation_id=question_id if is_answer else post_id,
            parent_id=question_id if is_answer else None,
            basis="explicit" if is_answer else None,
            edited_at=iso(get("LastEditDate")),
            permalink=self._link(f"{'a' if is_answer else 'q'}/{post_id}"),
        )  # fmt: skip
        if accepted := get("AcceptedAnswerId"):
            yield Reaction(accepted, "accepted", get("OwnerUserId") or None)

    def comment(self, row: Element, file: str) -> Iterator[Record]:
        get = row.attributes.get
        comment_id, post_id, sent_at = get("Id"), get("PostId"), iso(get("CreationDate"))
        if not comment_id or not post_id or not sent_at:
            yield row.refused(file, "it has no date that can be read" if comment_id and post_id else "it has no id")
            return
        yield from self._author(get("UserId"))
        yield Message(
            f"comment:{comment_id}", "questions", get("UserId") or None, sent_at, get("Text", ""),
            parent_id=post_id, basis="explicit", permalink=self._link(f"posts/comments/{comment_id}"),
        )  # fmt: skip

    def told(self, post: Post) -> Iterator[Record]:
        """A question of the API with all that is below it, or an answer or a comment."""
        if post.comment_id:
            yield from self._said(post, f"comment:{post.comment_id}", str(post.post_id), None)
            return
        question_id = str(post.question_id)
        if post.answer_id:
            yield from self._said(post, str(post.answer_id), question_id, question_id)
        else:
            yield from self._said(post, question_id, None, question_id)
        for below in (*post.answers, *post.comments):
            yield from self.told(below)

    def _said(self, post: Post, id: str, parent_id: str | None, conversation_id: str | None) -> Iterator[Record]:
        user_id = str(post.owner.user_id) if post.owner.user_id is not None else None
        if user_id and not self.members.get(user_id):
            name = unescape(post.owner.display_name) or f"user {user_id}"
            yield from self.members.tell(Member(user_id, name, is_bot=user_id == ROBOT))
        kind = "posts/comments" if post.comment_id else "a" if parent_id else "q"
        yield Message(
            id, "questions", user_id, _moment(post.creation_date),
            plain(post.body) if post.body_markdown is None or post.body else unescape(post.body_markdown),
            title=unescape(post.title) if post.title else None, conversation_id=conversation_id, parent_id=parent_id,
            basis="explicit" if parent_id else None,
            edited_at=_moment(post.last_edit_date) if post.last_edit_date else None,
            permalink=self._link(f"{kind}/{id.removeprefix('comment:')}"),
        )  # fmt: skip
        if post.accepted_answer_id:
            yield Reaction(str(post.accepted_answer_id), "accepted", user_id)

    def _author(self, user_id: str | None) -> Iterator[Member]:
        """One of whom Users.xml does not tell: only the number is known."""
        if user_id and not self.members.get(user_id):
            yield from self.members.tell(Member(user_id, f"user {user_id}", is_bot=user_id == ROBOT))

    def _link(self, path: str) -> str | None:
        return self.address and self.address + path


def _folder(export: Export) -> str | None:
    """Where Posts.xml lies, with a slash; empty for the top. None where there is none, or more than one."""
    found = [name for name in export.files(f"*{POSTS}") if PurePosixPath(name).name == POSTS]
    return found[0].removesuffix(POSTS) if len(found) == 1 else None


# Answers of the API


def _is_answer(export: Export, name: str) -> bool:
    """Whether a file is an answer with questions, answers or comments."""
    head = export.head(name)
    return bool(WRAPPED.match(head) and MARKS.search(head))


def _told(export: Export, answers: list[str]) -> Iterator[Record]:
    """One site, named by its questions' addresses; by the export where there are none."""
    hosts = (_host(item) for name in answers for item in islice(export.array(name, Post, "items"), 1))
    name = next(filter(None, hosts), export.name.removesuffix(".json"))
    export.done = 0  # this was only a first look: the bytes count when the items are read
    yield Source(PLATFORM, name, name)
    yield Channel("questions", "Questions and answers", "forum")
    site = _Site(f"https://{name}/" if "." in name else None)
    for file in answers:
        for number, item in enumerate(export.array(file, Post, "items"), 1):
            if isinstance(item, Refused):
                yield item
            elif item.question_id or (item.comment_id and item.post_id):
                yield from site.told(item)
            else:
                yield Refused(file, f"record {number}", "it has no id", msgspec.json.encode(item))


def _host(item: Post | Refused) -> str | None:
    return urlsplit(item.link).hostname if isinstance(item, Post) else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
