"""Stack Exchange: a site of the data dump, its Posts.xml, Comments.xml and Users.xml in a folder or zip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._html import plain
from ingest.exports._members import Members
from ingest.exports._moments import iso
from ingest.exports._xml import Element, elements

PLATFORM = "stackexchange"

POSTS, COMMENTS, USERS = "Posts.xml", "Comments.xml", "Users.xml"
BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?\?>\s*)?(?:<!DOCTYPE[^>]*>\s*)?<posts>", re.DOTALL)
QUESTION, ANSWER = "1", "2"  # the other types are tag wikis, nominations and the like: nobody speaks in them
ROBOT = "-1"  # Community, which bumps questions and owns what has no owner


def detects(export: Export) -> float:
    """High when a Posts.xml begins as the dump's do."""
    folder = _folder(export)
    return 0.95 if folder is not None and BEGINNING.match(export.head(folder + POSTS, 1024)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one site with one channel, its members, its questions and answers, then the comments on them."""
    folder = _folder(export)
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
