"""Instagram: one professional account of yours (--account NUMBER), its pictures and films with comments and answers.

Comments on what was posted in the last thirty days are looked for each time; those on older posts are not noticed.
Neither stories nor messages are asked for, and comments that the account hid are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from ingest.apis import _graph
from ingest.apis._client import Client, Line, LostPlace, Refusal
from ingest.apis._graph import Graph, Listed, moment
from ingest.apis._service import At, Known, Page, Wanted

READER = "meta_api"
PLATFORM = "instagram"
TERMS = (
    "Meta lets you keep what its API answers to run your own account, not to sell it, to profile people or to train "
    "models, and wants gone here what is deleted there: Hearth looks every day. Messages are never asked for."
)
SECRETS = {
    "INSTAGRAM_TOKEN": "Make an app at https://developers.facebook.com, give it instagram_basic, "
    "instagram_manage_comments and pages_read_engagement, and take a token for the page that the account is connected "
    "with in the Graph API Explorer; extend it there."
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(days=30)  # new comments on posts of these days are noticed
IS_WHOLE = False

ABOUT = "id,username,name,followers_count,media_count"
MEDIA = "id,caption,media_type,timestamp,username,permalink,like_count,comments_count,children{id,media_type,timestamp}"
REPLY = "id,text,timestamp,username,like_count"
COMMENT = f"{REPLY},replies.limit(50){{{REPLY}}}"
MANY = 50


class Options(_graph.Options, frozen=True, kw_only=True):
    """What a pull of Instagram needs."""

    account: Annotated[str, "the account's number, such as 17841400000000000"]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.checked(self.account, "account")


def connect(wanted: Wanted, line: Line, known: Known) -> InstagramAccount:
    """The account."""
    assert isinstance(wanted, Options)  # noqa: S101
    ((name, how),) = SECRETS.items()
    client = Client(line, wanted.address, {"Authorization": f"Bearer {line.secret(name, how)}"})
    return InstagramAccount(Graph(client, name, how), wanted.account, known)


class InstagramAccount(_graph.Place):
    """One account."""

    LISTS = {"posts": "media"}  # noqa: RUF012

    def fetch(self, stream: str, at: At) -> Page:
        """The account itself, a part of its posts, of the comments below one, or of the answers to a comment."""
        if stream == "account":
            return Page(None, self.graph.asked(self.source, {"fields": ABOUT}).body, "user.json", covers=False)
        if stream == "posts":
            return self._posts(at)
        edge, _, number = stream.partition(":")
        return self._below(edge, number, at)

    def _posts(self, at: At) -> Page:
        path = f"{self.source}/media"
        listed = self.graph.listed(path, {"fields": MEDIA, "limit": MANY}, at.cursor)
        if not listed.rows and at.mark and not at.cursor:
            raise LostPlace("it answers that there is nothing")
        moments = [moment(row, "timestamp") for row in listed.rows]
        oldest = min(moments, default=None)
        return Page(
            None if at.is_reached(oldest) else listed.after, _graph.page(path, listed), "media.json", len(listed.rows),
            oldest, mark=max(moments).isoformat() if moments else None,
            follow=tuple(f"comments:{row['id']}" for row in listed.rows if row.get("comments_count", 1)),
        )  # fmt: skip

    def _below(self, edge: str, number: str, at: At) -> Page:
        """Comments with the first fifty answers to each; who has more is asked again for all of them."""
        path, fields = f"{number}/{edge}", COMMENT if edge == "comments" else REPLY
        try:
            listed = self.graph.listed(path, {"fields": fields, "limit": MANY}, at.cursor)
        except Refusal as refusal:
            if at.cursor is None and _graph.code(refusal) in _graph.MISSING:
                return Page(None, covers=False)
            raise
        answers = [_taken(row) for row in listed.rows]
        follow = tuple(f"replies:{row['id']}" for row, inside in zip(listed.rows, answers, strict=True) if inside.after)
        count = len(listed.rows) + sum(len(inside.rows) for inside in answers)
        return Page(listed.after, _graph.page(path, listed), f"{edge}.json", count, covers=False, follow=follow)


def _taken(row: dict[str, Any]) -> Listed:
    """The answers inside a comment. The address of further ones holds the token, so it goes."""
    inside = row.get("replies") or {}
    return Listed(inside.get("data", []), _graph.following(inside.pop("paging", None) or {}))
