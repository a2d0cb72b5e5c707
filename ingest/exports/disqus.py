"""Disqus: the XML export of a forum under Admin, Community, Export, with its threads and comments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._members import Members, guest_id
from ingest.exports._moments import iso
from ingest.exports._xml import Element, elements, said

PLATFORM = "disqus"
FORMAT = Format(
    group="Social platforms",
    get="on disqus.com: Admin > Community > Export; the .xml.gz comes by e-mail",
    holds="threads and everybody's comments, with what each answers",
    cannot_tell="guests without an e-mail address are nobody",
)

ROOT, NAMESPACE = b"<disqus", b"http://disqus.com/disqus-internals"
ID = "dsq:id"


def detects(export: Export) -> float:
    """High when one of the first .xml files begins as a Disqus export."""
    return 0.95 if _file(export) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one forum, then a message for each page that has a thread, by staff, and the comments on it.

    Comments that are deleted, spam or not approved are left out.
    """
    name = _file(export)
    if name is None:
        raise ExportError(f"disqus: {export.name} holds no Disqus export. Ask for one under Admin, Community, Export.")
    forum = said(export.head(name), "forum") or export.name
    yield Source(PLATFORM, forum, forum)
    yield Channel(forum, "Comments", "forum")
    reading = _Forum(export, name, forum)
    for element in elements(export, name, "thread", "post"):
        if isinstance(element, Refused):
            yield element
        else:
            yield from reading.thread(element) if element.name == "thread" else reading.post(element)


class _Forum:
    """What must be remembered between the comments of one forum."""

    def __init__(self, export: Export, file: str, channel_id: str) -> None:
        self.export = export
        self.file = file
        self.channel_id = channel_id
        self.members = Members()

    def thread(self, thread: Element) -> Iterator[Record]:
        """The page that is commented on. Who owns the site owns its threads."""
        thread_id, sent_at = thread.attributes.get(ID), iso(thread["createdAt"])
        if _is(thread, "isDeleted"):
            self.export.left_out["deleted pages"] += 1
            return
        if not thread_id or not sent_at:
            yield thread.refused(self.file, "its date cannot be read" if thread_id else "it has no id")
            return
        member = _author(thread, is_staff=True)
        yield from self.members.tell(member) if member else ()
        yield Message(
            f"thread:{thread_id}", self.channel_id, member.id if member else None, sent_at, plain(thread["message"]),
            title=plain(thread["title"]) or None, conversation_id=f"thread:{thread_id}",
            permalink=thread["link"] or None,
        )  # fmt: skip

    def post(self, post: Element) -> Iterator[Record]:
        post_id, sent_at = post.attributes.get(ID), iso(post["createdAt"])
        thread_id, answered = post.attribute("thread", ID), post.attribute("parent", ID)
        if left_out := _left_out(post):
            self.export.left_out[left_out] += 1
            return
        if not post_id or not thread_id or not sent_at:
            yield post.refused(self.file, "its date cannot be read" if post_id and thread_id else "it has no thread")
            return
        member = _author(post, is_staff=False)
        yield from self.members.tell(member) if member else ()
        yield Message(
            post_id, self.channel_id, member.id if member else None, sent_at, plain(post["message"]),
            conversation_id=f"thread:{thread_id}",
            parent_id=answered if answered and answered != post_id else f"thread:{thread_id}", basis="explicit",
        )  # fmt: skip


def _left_out(post: Element) -> str | None:
    """Why a comment is not shown. Spam is deleted too, so that is asked first; old exports lack isApproved."""
    if _is(post, "isSpam"):
        return "spam"
    if _is(post, "isDeleted"):
        return "deleted comments"
    return "unapproved comments" if post["isApproved"].lower() == "false" else None


def _is(element: Element, flag: str) -> bool:
    return element[flag].lower() == "true"


def _author(element: Element, *, is_staff: bool) -> Member | None:
    """An account by its user name, or a guest by the address left; a guest with a name alone is nobody."""
    author = next(iter(element.all("author")), None)
    if author is None:
        return None
    name, handle, email = author["name"], author["username"], author["email"].lower()
    member_id = handle or guest_id(email)
    if member_id is None:
        return None
    return Member(member_id, name or handle or "guest", handle or None, email or None, is_staff=is_staff)


def _file(export: Export) -> str | None:
    heads = ((name, export.head(name, 4096)) for name in islice(export.files("*.xml"), 20))
    return next((name for name, head in heads if ROOT in head and NAMESPACE in head), None)
