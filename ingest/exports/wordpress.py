"""WordPress: the WXR file under Tools, Export, with the posts, pages and comments of a blog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._members import Members, guest_id
from ingest.exports._moments import iso
from ingest.exports._xml import Element, elements, said

PLATFORM = "wordpress"
FORMAT = Format(
    group="Social platforms",
    get="in the blog's admin: Tools > Export > All content > Download Export File",
    holds="posts, pages and everybody's comments, with what each answers",
    cannot_tell="guests without an e-mail address are nobody; every author counts as staff",
)

VERSION = b"<wp:wxr_version>"
CHANNELS = {"post": "Posts", "page": "Pages"}
PUBLIC = {"publish", "inherit"}  # an attachment inherits; drafts, the bin and what waits for review are not out
AUTOMATIC = {"pingback", "trackback"}  # another blog's software says that it links here
UNAPPROVED = {"0": "unapproved comments", "spam": "spam"}  # any other answer but 1 means the bin


def detects(export: Export) -> float:
    """High when one of the first .xml files says that it is WXR."""
    return 0.95 if _files(export) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one blog, then each part's authors, posts and the comments below them.

    Every author of the export is staff. Drafts, private and protected posts are left out with what hangs below them,
    and so are comments that were not approved.
    """
    names = _files(export)
    if not names:
        raise ExportError(f"wordpress: {export.name} holds no WXR file. Export it under Tools, Export.")
    head = export.head(names[0])
    address = said(head, "wp:base_blog_url") or said(head, "link") or export.name
    yield Source(PLATFORM, re.sub(r"^https?://|/+$", "", address), said(head, "title") or address)
    blog = _Blog(export)
    for name in names:
        for element in elements(export, name, "wp:author", "item"):
            if isinstance(element, Refused):
                yield element
            else:
                yield from blog.author(element) if element.name == "wp:author" else blog.item(element, name)


class _Blog:
    """What must be remembered between the posts of one blog."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.members = Members()
        self.logins: dict[str, str] = {}
        self.channels: set[str] = set()

    def author(self, author: Element) -> Iterator[Member]:
        login = author["wp:author_login"]
        author_id = author["wp:author_id"] or f"login:{login}"
        self.logins[login] = author_id
        name = author["wp:author_display_name"] or login
        yield from self.members.tell(
            Member(author_id, name, login or None, author["wp:author_email"] or None, is_staff=True)
        )

    def item(self, item: Element, file: str) -> Iterator[Record]:
        type_, comments = item["wp:post_type"], item.all("wp:comment")
        if type_ not in CHANNELS and not comments:
            self.export.left_out["items that are no posts"] += 1
            return
        is_private = item["wp:status"] == "private" or bool(item["wp:post_password"])
        if not is_private and item["wp:status"] not in PUBLIC:
            self.export.left_out["drafts"] += 1 + len(comments)
        elif is_private and not self.export.include_private:
            self.export.left_out["private messages"] += 1 + len(comments)
        else:
            channel_id = "private" if is_private else type_
            yield from self._channel(channel_id)
            yield from self._post(item, channel_id, file)
            for comment in comments:
                yield from self._comment(comment, channel_id, item, file)

    def _channel(self, channel_id: str) -> Iterator[Channel]:
        if channel_id not in self.channels:
            self.channels.add(channel_id)
            name = CHANNELS.get(channel_id, channel_id.capitalize())
            yield Channel(channel_id, name, "forum", is_private=channel_id == "private")

    def _post(self, item: Element, channel_id: str, file: str) -> Iterator[Record]:
        post_id, sent_at = item["wp:post_id"], _moment(item, "wp:post_date")
        if not post_id or not sent_at:
            yield item.refused(file, "its date cannot be read" if post_id else "it has no id")
            return
        login = item["dc:creator"]
        if login and login not in self.logins:  # the list of authors lacks who has been removed since
            self.logins[login] = f"login:{login}"
            yield from self.members.tell(Member(f"login:{login}", login, login, is_staff=True))
        edited_at = _moment(item, "wp:post_modified")
        yield Message(
            post_id, channel_id, self.logins.get(login), sent_at, _text(item["content:encoded"]),
            title=plain(item["title"]) or None, conversation_id=post_id,
            edited_at=edited_at if edited_at and edited_at > sent_at else None, permalink=item["link"] or None,
        )  # fmt: skip

    def _comment(self, comment: Element, channel_id: str, item: Element, file: str) -> Iterator[Record]:
        comment_id, sent_at, post_id = comment["wp:comment_id"], _moment(comment, "wp:comment_date"), item["wp:post_id"]
        if comment["wp:comment_approved"] != "1":
            self.export.left_out[UNAPPROVED.get(comment["wp:comment_approved"], "deleted comments")] += 1
            return
        if not comment_id or not sent_at or not post_id:
            yield comment.refused(file, "its date cannot be read" if comment_id and post_id else "it has no id")
            return
        is_automatic = comment["wp:comment_type"] in AUTOMATIC
        member = None if is_automatic else self._speaker(comment)
        yield from self.members.tell(member) if member else ()
        answered = comment["wp:comment_parent"]
        yield Message(
            f"comment:{comment_id}", channel_id, member.id if member else None, sent_at,
            _text(comment["wp:comment_content"]),
            kind="system" if is_automatic else "message", conversation_id=post_id,
            parent_id=f"comment:{answered}" if answered not in ("", "0", comment_id) else post_id, basis="explicit",
            permalink=f"{item['link']}#comment-{comment_id}" if item["link"] else None,
        )  # fmt: skip

    def _speaker(self, comment: Element) -> Member | None:
        """A user of the blog, or a guest by the address left; a guest with a name alone is nobody."""
        user_id, name, email = (comment[f"wp:comment_{part}"] for part in ("user_id", "author", "author_email"))
        member_id = user_id if user_id not in ("", "0") else guest_id(email)
        if member_id is None:
            return None
        return self.members.get(member_id) or Member(member_id, name or "guest", email=email.lower() or None)


def _files(export: Export) -> list[str]:
    return [name for name in islice(export.files("*.xml"), 100) if VERSION in export.head(name)]


def _moment(element: Element, name: str) -> datetime | None:
    """The moment in UTC; else the blog's own time, taken as UTC, which is all that some old exports have."""
    return iso(element[f"{name}_gmt"]) or iso(element[name])


def _text(content: str) -> str:
    """WordPress makes lines of what has no paragraphs of its own only when it shows them."""
    return plain(content if "<p" in content else content.replace("\n", "<br>"))
