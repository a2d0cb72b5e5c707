"""Blogger: a blog's feed.atom from Google Takeout, or the older backup blog-MM-DD-YYYY.xml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._members import Members
from ingest.exports._moments import iso
from ingest.exports._xml import Element, elements, said

PLATFORM = "blogger"
FORMAT = Format(
    group="Social platforms",
    get=(
        "on takeout.google.com: Deselect all > Blogger > Next step; load its feed.atom. The older way: "
        "Settings > Back up content > Download"
    ),
    holds="posts, pages and everybody's comments, with what each answers",
    cannot_tell="anonymous readers",
)

BLOG = re.compile(r"tag:blogger\.com,1999:blog-([^.<]+)")
KIND = re.compile(r"kind#(\w+)$")
REPLIED = re.compile(r"/comments/default/(\d+)")
PROFILE = re.compile(r"https?://(?:www\.)?(?:blogger\.com/profile|plus\.google\.com)/(\d+)")
POSTS = {"post", "page"}


def detects(export: Export) -> float:
    """High when one of the first .atom or .xml files is a feed of a Blogger blog."""
    return 0.95 if _files(export) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one blog, then its posts, by staff, and the comments on them; of each only what is public."""
    names = _files(export)
    if len(names) != 1:
        many = f"several blogs ({', '.join(names)}). Load them one by one." if names else "no Blogger feed."
        raise ExportError(f"blogger: {export.name} holds {many}")
    head = export.head(names[0])
    blog = BLOG.search(said(head, "id"))
    name = said(head, "title") or export.name
    yield Source(PLATFORM, blog[1] if blog else export.name, name)
    yield Channel("blog", name, "forum")
    reading = _Blog(export, names[0])
    for entry in elements(export, names[0], "entry"):
        yield from [entry] if isinstance(entry, Refused) else reading.records(entry)


class _Blog:
    """What must be remembered between the entries of one blog."""

    def __init__(self, export: Export, file: str) -> None:
        self.export = export
        self.file = file
        self.members = Members()

    def records(self, entry: Element) -> Iterator[Record]:
        kind = _kind(entry)
        if kind not in POSTS and kind != "comment":  # the template and the settings
            return
        if left_out := _left_out(entry, kind):
            self.export.left_out[left_out] += 1
            return
        sent_at, id_ = iso(entry["published"]), _short(entry["id"])
        answered = None if kind in POSTS else _answered(entry)
        if not id_ or not sent_at or (kind == "comment" and not answered):
            reason = "its date cannot be read" if id_ and not sent_at else "it does not say which post it is about"
            yield entry.refused(self.file, reason if id_ else "it has no id")
            return
        member = _author(entry, is_staff=kind in POSTS)
        yield from self.members.tell(member) if member else ()
        post_id, parent_id = answered or (id_, None)
        yield Message(
            id_, "blog", member.id if member else None, sent_at, plain(entry["content"]),
            title=(plain(entry["title"]) or None) if kind in POSTS else None,  # a comment's are only its first words
            conversation_id=post_id, parent_id=parent_id if parent_id != id_ else post_id,
            basis="explicit" if parent_id else None, permalink=_link(entry, "alternate") or None,
        )  # fmt: skip


def _kind(entry: Element) -> str:
    if kind := entry["blogger:type"]:
        return kind.lower()
    terms = (KIND.search(category.attributes.get("term", "")) for category in entry.all("category"))
    return next((found[1] for found in terms if found), "")


def _left_out(entry: Element, kind: str) -> str | None:
    """Why an entry is not public; None where it is. A backup says only which posts are drafts."""
    control = next(iter(entry.all("app:control")), None)
    status = entry["blogger:status"] or ("DRAFT" if control and control["app:draft"] == "yes" else "LIVE")
    if status == "LIVE":
        return None
    if kind in POSTS:
        return "deleted posts" if "TRASHED" in status else "drafts"
    return "spam" if "SPAM" in status else "deleted comments" if "TRASHED" in status else "unapproved comments"


def _answered(entry: Element) -> tuple[str, str] | None:
    """The post a comment is about, and what it answers: that, or another comment."""
    about = entry["blogger:parent"] or entry.attribute("thr:in-reply-to", "ref")
    comment = _short(entry["blogger:inReplyTo"])
    if replied := REPLIED.search(_link(entry, "related")):
        comment = f"post-{replied[1]}"
    return (_short(about), comment or _short(about)) if about else None


def _short(id_: str) -> str:
    """An id without the blog's own: "post-5" of "tag:blogger.com,1999:blog-1.post-5"."""
    return BLOG.sub("", id_).removeprefix(".")


def _link(entry: Element, rel: str) -> str:
    return next(
        (link.attributes.get("href", "") for link in entry.all("link") if link.attributes.get("rel") == rel), ""
    )


def _author(entry: Element, *, is_staff: bool) -> Member | None:
    """An account by its profile's number; one whose profile is hidden by its name. Who is anonymous is nobody."""
    author = next(iter(entry.all("author")), None)
    if author is None:
        return None
    name, profile = author["name"], PROFILE.search(author["uri"])
    is_account = is_staff or author["blogger:type"] == "BLOGGER"
    if profile or (is_account and name):
        return Member(profile[1] if profile else f"name:{name}", name or "unknown", is_staff=is_staff)
    return None


def _files(export: Export) -> list[str]:
    """The feeds of blogs. What the account's owner wrote on other blogs lies beside them in a Takeout."""
    names = [name for name in islice(export.files(), 1000) if name.endswith((".atom", ".xml"))][:20]
    return [name for name in names if "Comments/" not in name and _is_feed(export.head(name, 8192))]


def _is_feed(head: bytes) -> bool:
    return b"<feed" in head and b"tag:blogger.com,1999:blog-" in head
