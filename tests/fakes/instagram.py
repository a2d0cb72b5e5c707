"""A made-up account that speaks as Instagram does: media, comments with the first answers inside, replies."""

from __future__ import annotations

from typing import Any

from tests.fakes import facebook
from tests.fakes.facebook import FIRST, Item, left, no, stamp
from tests.fakes.server import Reply, Request, back

TOKEN = facebook.TOKEN
ACCOUNT_ID = "17840001"
NAMES = ("quayhouse", "ada.l", "bo_m", "cem", "dia")
INSIDE = 1  # answers inside a comment: fewer than Instagram gives, so that there are more of them


class Instagram(facebook.Facebook):
    """The same people; only the account itself posts, and no comment says what has been changed."""

    SECRETS = {"INSTAGRAM_TOKEN": TOKEN}  # noqa: RUF012
    ORDINARY = {"inside": 50}  # noqa: RUF012

    def __init__(self, *given: Any, inside: int = INSIDE, **more: Any) -> None:
        self.inside = inside
        super().__init__(*given, **more)

    def row(self) -> dict[str, Any]:
        return {"service": "instagram", "account": ACCOUNT_ID, "address": self.address}

    def truth(self) -> dict[str, str]:
        return {str(item.number): f"Word {item.number} said" for item in self.left()}

    def place(self) -> str:
        return ACCOUNT_ID

    def _about(self) -> dict[str, Any]:
        return {"id": ACCOUNT_ID, "username": NAMES[0], "name": "Quay House", "followers_count": 9, "media_count": 3}

    def _answer(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case [number, "media"] if number == ACCOUNT_ID:
                return self._list(list(left(back(self.posts))), request, self._post)
            case [number, "replies"] if comment := self._found(number):
                return self._list(list(left(comment.below)), request, self._reply)
        return super()._answer(request)

    def _by_ids(self, ids: list[str]) -> Reply:
        if gone := [each for each in ids if not self._found(each)]:
            return no(100, f"Unsupported get request. Object with ID '{gone[0]}' does not exist", "OAuthException")
        return Reply({each: {"id": each} for each in ids})

    def _below(self, number: str, request: Request) -> Reply:
        post = self._found(number)
        if not post:
            return no(100, "Unsupported get request. Object does not exist", "GraphMethodException")
        comments = [item for item in left(back(post.below)) if item.parent is post]
        return self._list(comments, request, self._comment)

    def _found(self, number: str) -> Item | None:
        place = int(number) - FIRST
        found = self.items[place] if 0 <= place < len(self.items) else None
        return found if found and not found.is_deleted else None

    def _post(self, item: Item) -> dict[str, Any]:
        return {
            "id": str(item.number), "caption": item.said, "media_type": "IMAGE", "timestamp": stamp(item.at),
            "username": NAMES[0], "permalink": f"https://www.instagram.com/p/A{item.number}/",
            "like_count": item.number % 3, "comments_count": len(list(left(item.below))),
        }  # fmt: skip

    def _comment(self, item: Item) -> dict[str, Any]:
        answers = list(left(item.below))
        told = self._reply(item)
        if answers:
            more = f"{self.HOST}/{item.number}/replies?access_token={TOKEN}&after={answers[0].number}"
            paging = {"cursors": {"after": "QVF"}, **({"next": more} if len(answers) > self.inside else {})}
            told["replies"] = {"data": [self._reply(each) for each in answers[: self.inside]], "paging": paging}
        return told

    def _reply(self, item: Item) -> dict[str, Any]:
        return {
            "id": str(item.number), "text": item.said, "timestamp": stamp(item.at), "username": NAMES[item.who],
            "like_count": item.number % 2,
        }  # fmt: skip

    def _author(self) -> int:
        return 0


FAKE = Instagram
