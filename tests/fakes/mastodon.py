"""A made-up instance that speaks as Mastodon does: accounts/ID/statuses, notifications, context, statuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from tests.fakes.server import Fake, Reply, Request, Script, back, latest

TOKEN = "Zq3-made-up-token-of-an-instance-0042"
OWN = "harbour"
PEOPLE = (OWN, "ada", "bo@far.example", "cem@far.example", "dia")
SECRET_WORDS = "only between us"


@dataclass
class Post:
    """What the instance knows of a post. A direct one is seen by its writer and our account only."""

    number: int
    who: str
    said: str
    at: datetime
    parent: Post | None = None
    is_mention: bool = False
    is_direct: bool = False
    is_boost: bool = False
    edited: datetime | None = None
    is_deleted: bool = False
    answers: list[Post] = field(default_factory=list)
    boosts: list[Post] = field(default_factory=list)
    thread: list[Post] = field(default_factory=list)  # of a root, with itself

    @property
    def root(self) -> Post:
        return self.parent.root if self.parent else self

    @property
    def is_answered(self) -> bool:
        return any(not each.is_deleted for each in self.answers)

    @property
    def is_heard(self) -> bool:
        """Whether it reaches the account by itself."""
        return self.who == OWN or self.is_mention


class Mastodon(Fake):
    """`posts` is the truth. Threads of others become ours when one of them mentions us; then all who follow do."""

    SECRETS = {"MASTODON_TOKEN": TOKEN}  # noqa: RUF012

    def __init__(self, script: Script | None = None, size: int = 160, *, is_old: bool = False) -> None:
        super().__init__(script)
        self.posts: dict[int, Post] = {}
        self.own: list[Post] = []
        self.mentions: list[Post] = []
        self.is_old = is_old
        for _ in range(size):
            self.say()

    def row(self) -> dict[str, Any]:
        host = self.address.removeprefix("http://")
        return {"service": "mastodon", "account": f"{OWN}@{host}", "address": self.address}

    def say(self) -> Post:
        """Somebody begins a thread, goes on with one, passes something on, or whispers."""
        self.now += timedelta(minutes=self.chance.randint(1, 40))
        number, kind = 110_000_000 + len(self.posts), self.chance.random()
        said = f"Word {number}"
        talk = (
            post for post in reversed(self.posts.values()) if not (post.is_deleted or post.is_direct or post.is_boost)
        )
        open_ones = latest(talk, 100)
        if kind < 0.05:
            post = Post(number, self._other(), SECRET_WORDS, self.now, is_mention=True, is_direct=True)
        elif kind < 0.1 and open_ones:
            post = Post(number, OWN, "", self.now, self.chance.choice(open_ones), is_boost=True)
        elif kind < 0.4 or not open_ones:
            post = Post(number, self.chance.choice(PEOPLE), said, self.now)
        else:
            parent = self.chance.choice(open_ones[-30:])
            post = Post(number, self.chance.choice(PEOPLE), said, self.now, parent)
            is_ours = any(each.is_heard for each in parent.root.thread)
            post.is_mention = post.who != OWN and (is_ours or self.chance.random() < 0.4)
        self.posts[number] = post
        self.own += [post] if post.who == OWN else []
        self.mentions += [post] if post.is_mention else []
        if post.parent:
            (post.parent.boosts if post.is_boost else post.parent.answers).append(post)
        if not post.is_boost:
            post.root.thread.append(post)
        return post

    def change(self) -> None:
        post = self.chance.choice(self.left()[-15:])
        if self.chance.random() < 0.5 or not self._may_go(post):
            post.said, post.edited = post.said + " Indeed!", self.now
        else:
            self._delete(post)

    def delete(self, count: int) -> None:
        some = self.left()
        self.chance.shuffle(some)
        for post in islice(filter(self._may_go, some), count):  # each is looked at once those before it are gone
            self._delete(post)

    def truth(self) -> dict[str, str]:
        """What is there and was ours to hear, by its address."""
        heard = {id(post.root) for post in self.left() if post.is_heard and not (post.is_direct or post.is_boost)}
        told = [post for post in self.left() if post.is_boost or (id(post.root) in heard and not post.is_direct)]
        return {self._uri(post): self._uri(post.parent) if post.is_boost else f"Word {post.number}" for post in told}

    def left(self) -> list[Post]:
        return [post for post in self.posts.values() if not post.is_deleted]

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply({"error": "The access token is invalid"}, 401)
        reply = self._answer(request)
        reset = self.now + timedelta(minutes=5)
        return Reply(reply.value, reply.status, {
            "X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "298", "X-RateLimit-Reset": reset.isoformat(),
            **reply.headers,
        })  # fmt: skip

    def _answer(self, request: Request) -> Reply:  # noqa: PLR0911
        match request.path.strip("/").split("/")[2:]:
            case ["accounts", "verify_credentials"]:
                return Reply({**self._account(OWN), "source": {"privacy": "private", "sensitive": False}})
            case ["accounts", "1", "statuses"]:
                return self._list(self.own, request, self._status)
            case ["notifications"]:
                assert request.many["types[]"] == ["mention"]
                return self._list(self.mentions, request, self._notification)
            case ["statuses"] if not self.is_old:
                numbers = [int(number) for number in request.many["id[]"]]
                assert len(numbers) <= 20
                return Reply([self._status(self.posts[number]) for number in numbers if self._seen(number)])
            case ["statuses", number] if self._seen(int(number)):
                return Reply(self._status(self.posts[int(number)]))
            case ["statuses", number, "context"] if self._seen(int(number)):
                return Reply(self._context(self.posts[int(number)]))
        return Reply({"error": "Record not found"}, 404)

    def _seen(self, number: int) -> bool:
        return number in self.posts and not self.posts[number].is_deleted

    def _list(self, posts: list[Post], request: Request, told: Any) -> Reply:
        before, limit = request.query.get("max_id"), int(request.query["limit"])
        if before and self.misled == "lost":
            return Reply({"error": "Record not found"}, 404)
        if self.misled == "loop":
            before = None
        if self.misled == "empty":
            return Reply([])
        earlier = back(posts, int(before) if before else None, lambda post: post.number)
        page = list(islice((post for post in earlier if not post.is_deleted), limit))
        headers = {}
        if len(page) == limit:
            older = f"{self.address}{request.path}?limit={limit}&max_id={page[-1].number}"
            newer = f"{self.address}{request.path}?limit={limit}&min_id={page[0].number}"
            headers = {"Link": f'<{older}>; rel="next", <{newer}>; rel="prev"'}
        return Reply([told(post) for post in page], headers=headers)

    def _context(self, post: Post) -> dict[str, Any]:
        above = list[Post]()
        while (post_above := (above[0] if above else post).parent) and not post_above.is_deleted:
            above.insert(0, post_above)
        below = [each for each in post.root.thread if not each.is_deleted and self._is_below(each, post)]
        return {"ancestors": list(map(self._status, above)), "descendants": list(map(self._status, below))}

    def _is_below(self, post: Post, above: Post) -> bool:
        return post.parent is not None and (post.parent is above or self._is_below(post.parent, above))

    def _notification(self, post: Post) -> dict[str, Any]:
        return {
            "id": str(post.number), "type": "mention", "created_at": stamp(post.at), "account": self._account(post.who),
            "status": self._status(post),
        }  # fmt: skip

    def _status(self, post: Post) -> dict[str, Any]:
        parent = None if post.is_boost else post.parent
        told = {
            "id": str(post.number), "created_at": stamp(post.at), "uri": self._uri(post), "url": self._url(post),
            "in_reply_to_id": str(parent.number) if parent else None,
            "in_reply_to_account_id": self._account(parent.who)["id"] if parent else None,
            "sensitive": False, "spoiler_text": "", "visibility": "direct" if post.is_direct else "public",
            "language": "en", "favourites_count": post.number % 3, "reblogs_count": 0,
            "replies_count": sum(not each.is_deleted for each in post.answers),
            "edited_at": stamp(post.edited) if post.edited else None, "content": f"<p>{post.said}</p>",
            "account": self._account(post.who), "tags": [], "emojis": [], "poll": None,
            "media_attachments": [{"id": "3", "type": "image"}] * (post.number % 2),
            "mentions": [{"id": "1", "username": OWN, "acct": OWN, "url": f"{self.address}/@{OWN}"}]
            if post.is_mention else [], "reblog": None, "card": None,
        }  # fmt: skip
        return told | {"reblog": self._status(post.parent)} if post.is_boost and post.parent else told

    def _account(self, who: str) -> dict[str, Any]:
        name, _, host = who.partition("@")
        home = f"https://{host}" if host else self.address
        return {
            "id": str(PEOPLE.index(who) + 1), "username": name, "acct": who, "display_name": name.title(), "bot": False,
            "url": f"{home}/@{name}", "uri": f"{home}/users/{name}", "followers_count": 12, "note": "<p>Hello</p>",
        }  # fmt: skip

    def _uri(self, post: Post | None) -> str:
        assert post
        return f"{self._account(post.who)['uri']}/statuses/{post.number}{'/activity' if post.is_boost else ''}"

    def _url(self, post: Post) -> str:
        return f"{self._account(post.who)['url']}/{post.number}"

    def _other(self) -> str:
        return self.chance.choice(PEOPLE[1:])

    def _may_go(self, post: Post) -> bool:
        """Not the only one by which its thread reached us, and nothing that others answered unheard by us."""
        heard = [each for each in post.root.thread if each.is_heard and not each.is_deleted]
        is_first = bool(heard) and post is heard[0]
        return not post.is_deleted and (
            post.is_boost or not (is_first or post.is_answered or any(not each.is_deleted for each in post.boosts))
        )

    def _delete(self, post: Post) -> None:
        post.is_deleted = True
        for each in post.boosts:
            each.is_deleted = True


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


FAKE = Mastodon
