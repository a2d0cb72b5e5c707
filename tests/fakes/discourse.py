"""A made-up forum that speaks as Discourse does: /posts.json, /t/ID.json, /site.json, /about.json."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back

PEOPLE = ("ada", "bo", "cem", "dia", "eli", "fay", "gus")
KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef0123456789abcdef"
PAGE = 50


@dataclass
class Post:
    """What the forum knows of a post."""

    id: int
    topic: int
    number: int
    who: int
    said: str
    at: datetime
    answers: int | None = None
    edited: datetime | None = None
    is_deleted: bool = False


class Discourse(Fake):
    """`posts` is the truth. `window`: as older forums do, it looks in fifty numbers. A topic comes in parts."""

    def __init__(
        self, script: Script | None = None, size: int = 180, *, window: bool = False, key: str = "", part: int = 20
    ) -> None:
        super().__init__(script)
        self.posts: list[Post] = []
        self.topics: dict[int, list[Post]] = {}
        self.begun: list[int] = []
        self.window, self.key, self.part = window, key, part
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        return {"service": "discourse", "address": self.address}

    def say(self) -> Post:
        """Somebody writes, in an old topic or a new one."""
        self.now += timedelta(minutes=self.chance.randint(5, 90))
        number = len(self.posts) + 1
        topic = self.chance.choice(self.begun) if self.begun and self.chance.random() < 0.8 else 1000 + number
        if topic not in self.topics:
            self.topics[topic] = []
            self.begun.append(topic)
        thread = self.topics[topic]
        answered = self.chance.choice(thread).number if thread and self.chance.random() < 0.5 else None
        who = self.chance.randrange(len(PEOPLE))
        post = Post(number, topic, len(thread) + 1, who, f"Word {number} of {PEOPLE[who]}?", self.now, answered)
        thread.append(post)
        self.posts.append(post)
        return post

    def change(self) -> None:
        """Somebody edits or deletes one of the last posts."""
        post = self.chance.choice(self.posts[-20:])
        if self.chance.random() < 0.5:
            post.said, post.edited = post.said + " Indeed!", self.now
        else:
            post.is_deleted = True

    def truth(self) -> dict[str, str]:
        return {str(post.id): f"Word {post.id} of" for post in self.left()}

    def left(self) -> list[Post]:
        """The posts that are there."""
        return [post for post in self.posts if not post.is_deleted]

    def answer(self, request: Request) -> Reply:
        if self.key and request.headers.get("api-key") != self.key:
            return Reply({"errors": [f"no such key {request.headers.get('api-key')}"]}, 403)
        parts = request.path.strip("/").removesuffix(".json").split("/")
        match parts:
            case ["posts"]:
                return self._posts(request)
            case ["site"]:
                return Reply({"categories": [{"id": 7, "name": "Travel", "slug": "travel", "read_restricted": False}]})
            case ["about"]:
                return Reply({"about": {"stats": {"posts_count": len(self.left()), "topics_count": len(self.topics)}}})
            case ["t", topic, *number]:
                return self._topic(int(topic), int(number[0]) if number else 1)
        return Reply({"errors": ["not found"]}, 404)

    def _posts(self, request: Request) -> Reply:
        if self.misled == "lost" and "before" in request.query:
            return Reply({"errors": ["invalid"]}, 400)
        if self.misled == "loop":
            request.query.pop("before", None)
        found = [] if self.misled == "empty" else self._page(request)
        return Reply({"latest_posts": [self._post(post) for post in found]})

    def _page(self, request: Request) -> list[Post]:
        before = int(request.query.get("before") or len(self.posts))
        least = before - PAGE if self.window else 0
        found = takewhile(lambda post: post.id > least, back(self.posts, before + 1, lambda post: post.id))
        return list(islice((post for post in found if not post.is_deleted), PAGE))

    def _topic(self, topic: int, number: int) -> Reply:
        posts = [post for post in self.topics.get(topic, []) if not post.is_deleted]
        if not posts:
            return Reply({"errors": ["gone"], "error_type": "not_found"}, 404)
        near = sorted(posts, key=lambda post: abs(post.number - number))[: self.part]
        shown = [self._post(post, bare=True) for post in sorted(near, key=lambda post: post.number)]
        return Reply({
            "post_stream": {"posts": shown, "stream": [post.id for post in posts]},
            "id": topic, "title": f"Topic {topic}", "slug": f"topic-{topic}", "category_id": 7,
            "archetype": "regular", "posts_count": len(posts),
        })  # fmt: skip

    def _post(self, post: Post, *, bare: bool = False) -> dict[str, Any]:
        name = PEOPLE[post.who]
        told = {
            "id": post.id, "name": name.title(), "username": name, "created_at": stamp(post.at),
            "avatar_template": f"/user_avatar/127.0.0.1/{name}/{{size}}/{post.who}_2.png",
            "cooked": f"<p>{post.said}</p>", "post_number": post.number, "post_type": 1,
            "updated_at": stamp(post.edited or post.at), "reply_to_post_number": post.answers,
            "topic_id": post.topic, "topic_slug": f"topic-{post.topic}", "version": 2 if post.edited else 1,
            "actions_summary": [{"id": 2, "count": post.id % 3}], "moderator": False, "admin": post.who == 0,
            "staff": post.who == 0, "user_id": post.who + 1, "hidden": False, "trust_level": 1, "deleted_at": None,
            "user_deleted": False, "wiki": False,
        }  # fmt: skip
        return told if bare else told | {"topic_title": f"Topic {post.topic}", "category_id": 7}


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


FAKE = Discourse
