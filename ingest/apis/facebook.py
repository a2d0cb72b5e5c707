"""Facebook: one page that you manage (--page NUMBER), its posts with all comments and their answers.

Only a page's own people may read it in full; groups and private profiles cannot be pulled at all. Comments on posts of
the last thirty days are looked for each time; those on older posts are not noticed. Meta lists about 600 posts of a
year, those that were seen most.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from ingest.apis import _graph
from ingest.apis._client import Client, Line, LostPlace, Refusal
from ingest.apis._graph import Graph, moment
from ingest.apis._service import At, Known, Page, Wanted

READER = "meta_api"
TERMS = (
    "Meta lets you keep what its API answers to run your own page, not to sell it, to profile people or to train "
    "models, and wants gone here what is deleted there: Hearth looks every day. Messages are never asked for."
)
SECRETS = {
    "FACEBOOK_PAGE_TOKEN": "Make an app at https://developers.facebook.com, give it pages_read_engagement and "
    "pages_read_user_content, and take the token of your page (me/accounts) in the Graph API Explorer; extend it there."
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(days=30)  # new comments on posts of these days are noticed
IS_WHOLE = False

ABOUT = "id,name,username,fan_count,followers_count"
SAID = "id,created_time,message,from{id,name},message_tags,attachment"
COUNTED = ",".join(
    f"reactions.type({kind.upper()}).limit(0).summary(true).as({kind})"
    for kind in ("like", "love", "care", "haha", "wow", "sad", "angry")
)
POST = (
    "id,created_time,updated_time,message,story,from{id,name},permalink_url,message_tags,attachments{media_type},"
    f"comments.filter(stream).limit(0).summary(true),{COUNTED}"
)
COMMENT = f"{SAID},parent{{id}},like_count,is_private"
PAGE = 50
MANY = 100
LATE = timedelta(hours=1)


class Options(_graph.Options, frozen=True, kw_only=True):
    """What a pull of Facebook needs."""

    page: Annotated[str, "the page's number"]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.checked(self.page, "page")


def connect(wanted: Wanted, line: Line, known: Known) -> FacebookPage:
    """The page."""
    assert isinstance(wanted, Options)  # noqa: S101
    ((name, how),) = SECRETS.items()
    client = Client(line, wanted.address, {"Authorization": f"Bearer {line.secret(name, how)}"})
    return FacebookPage(Graph(client, name, how), wanted.page, known)


class FacebookPage(_graph.Place):
    """One page."""

    LISTS = {"posts": "feed"}  # noqa: RUF012

    def fetch(self, stream: str, at: At) -> Page:
        """The page itself, a part of its posts, or of the comments below one of them."""
        if stream == "account":
            return Page(None, self.graph.asked(self.source, {"fields": ABOUT}).body, "page.json", covers=False)
        if stream == "posts":
            return self._posts(at)
        return self._comments(stream.removeprefix("comments:"), at)

    def _posts(self, at: At) -> Page:
        path = f"{self.source}/feed"
        listed = self.graph.listed(path, {"fields": POST, "limit": PAGE}, at.cursor)
        if not listed.rows and at.mark and not at.cursor:
            raise LostPlace("it answers that there is nothing")
        oldest = min((moment(row, "created_time") for row in listed.rows), default=None)
        news = max((moment(row, "updated_time") for row in listed.rows), default=None)
        for row in listed.rows:
            if f"/{self.source}/" not in row.get("permalink_url", ""):
                row.pop("permalink_url", None)  # another's, by which the reader would take the page for another
        return Page(
            None if at.is_reached(oldest) else listed.after, _graph.page(path, listed), "posts.json",
            len(listed.rows), oldest, mark=news.isoformat() if news else None,
            follow=tuple(f"comments:{number}" for number in self._lively(listed.rows, at)),
        )  # fmt: skip

    def _lively(self, rows: list[dict[str, Any]], at: At) -> list[str]:
        """The posts with comments that are new to us: touched since the last pull, or with more than we hold."""
        since = moment({"mark": at.mark}, "mark") - LATE if at.mark else None
        counts = {row["id"]: row.get("comments", {}).get("summary", {}).get("total_count", 0) for row in rows}
        sizes = self.known.sizes(counts)
        touched = {row["id"] for row in rows if since is None or moment(row, "updated_time") >= since}
        return [name for name, count in counts.items() if count and (name in touched or sizes.get(name, 0) <= count)]

    def _comments(self, post: str, at: At) -> Page:
        """All levels in one list, oldest first: what comes meanwhile comes at its end."""
        path, asked = f"{post}/comments", {"filter": "stream", "order": "chronological", "fields": COMMENT}
        try:
            listed = self.graph.listed(path, {**asked, "limit": MANY}, at.cursor)
        except Refusal as refusal:
            if at.cursor is None and _graph.code(refusal) in _graph.MISSING:
                return Page(None, covers=False)
            raise
        body = _graph.page(path, listed)
        return Page(listed.after, body, "comments.json", len(listed.rows), covers=False)
