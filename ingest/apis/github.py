"""GitHub: issues, pull requests, their comments and discussions of one repository (--repository OWNER/NAME).

Lists of issues and comments run by when each last changed, the oldest change first, so that an edit is told again and
nothing is passed over when something before it goes. Only GraphQL tells discussions, and when an issue's own words were
edited, and only to who has signed in. What a review of a pull request says as a whole is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from ingest.apis._client import Answer, Client, Dialect, Line, LostPlace, PullError, Refusal
from ingest.apis._service import At, Estimate, Held, Known, Page, Place, Wanted, walked
from ingest.exports import github

READER = "github"
DIALECT = Dialect(READER, "GitHub")
TERMS = (
    "GitHub forbids to use what its API answers for spam or to sell personal data, and to ask faster than its limits "
    "allow: 60 requests an hour, 5,000 with a token. A private repository is left out, unless you say why not."
)
SECRETS = {
    "GITHUB_TOKEN": "Settings, Developer settings, Fine-grained tokens: read access to Issues, Pull requests and "
    "Discussions of the repository; of a public one, a token without any permission does.",
}
OPTIONAL = frozenset(SECRETS)
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(hours=1)
IS_WHOLE = True  # lists run by changes: only a whole sweep tells all that was said in a range

LISTS = {"issues": "issues", "comments": "issues/comments", "lines": "pulls/comments"}
ANCHORS = {"issues/comments": "issuecomment-", "pulls/comments": "discussion_r"}
PAGE = 100
TICK = timedelta(seconds=1)  # what changed within the second of the last one may not have been on its page
MISSING, DELETED = (404, 410), 410
UNSIGNED = "discussions are left out: only who signed in with GITHUB_TOKEN may ask for them"
TRIES = 3  # at a question to which GraphQL answers with an error that may pass
LINK = re.compile(r'<([^>]+)>;\s*rel="(\w+)"')

SAID = (
    "url body createdAt updatedAt lastEditedAt authorAssociation author { __typename login } "
    "reactionGroups { content reactors { totalCount } }"
)
NEXT = "pageInfo { hasNextPage endCursor }"
ANSWERED = f"{SAID} isMinimized minimizedReason deletedAt"
OPENING = f"number title category {{ name }} {SAID}"


def _comments(comments: int, replies: int, after: str = "") -> str:
    inner = f"replies(first: {replies}) {{ {NEXT} nodes {{ {ANSWERED} }} }}"
    return f"comments(first: {comments}{after}) {{ {NEXT} nodes {{ id {ANSWERED} {inner} }} }}"


DISCUSSIONS = f"""query Discussions($owner: String!, $name: String!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    discussions(first: 20, after: $after, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      totalCount {NEXT} nodes {{ {OPENING} {_comments(30, 20)} }}
    }}
  }}
}}"""
DISCUSSION = f"""query Discussion($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    discussion(number: $number) {{ {OPENING} {_comments(50, 50, ", after: $after")} }}
  }}
}}"""
REPLIES = f"""query Replies($id: ID!, $after: String) {{
  node(id: $id) {{
    ... on DiscussionComment {{
      id {ANSWERED} discussion {{ {OPENING} }}
      replies(first: 100, after: $after) {{ {NEXT} nodes {{ {ANSWERED} }} }}
    }}
  }}
}}"""

# REST tells when an issue changed, be it only by a label, and not when its words did.
EDITED = """query Edited($ids: [ID!]!) {
  nodes(ids: $ids) { id ... on Issue { lastEditedAt } ... on PullRequest { lastEditedAt } }
}"""


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of GitHub needs."""

    repository: Annotated[str, "such as lumo/lamp"]
    private: Annotated[str | None, "why a private repository may be read"] = None
    address: Annotated[str, "of GitHub Enterprise: https://HOST/api/v3"] = "https://api.github.com"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository):
            raise ValueError(f"repository must be like owner/name, not {self.repository!r}")


class Row(msgspec.Struct, frozen=True):
    """What an issue or a comment must tell so that the place in its list is known."""

    html_url: str
    created_at: datetime
    updated_at: datetime
    node_id: str = ""

    @property
    def place(self) -> github.Place:
        found = github.ADDRESS.match(self.html_url)
        if not found:
            raise PullError(f"github: {self.html_url} is no address of an issue or comment.")
        return github.Place(*found.groups())


class Reached(msgspec.Struct, frozen=True):
    """Where a list goes on: after a change, and after so many pages where one second holds more than a page."""

    since: datetime | None
    page: int = 1
    oldest: datetime | None = None  # of all so far


class Repository(msgspec.Struct, frozen=True):
    """What a repository tells of itself."""

    full_name: str
    created_at: datetime
    private: bool = False
    has_discussions: bool = False


def connect(wanted: Wanted, line: Line, known: Known) -> Repo:
    """One repository."""
    assert isinstance(wanted, Options)  # noqa: S101
    token = line.secret("GITHUB_TOKEN", SECRETS["GITHUB_TOKEN"], default="")
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    rest = Client(line, wanted.address, headers)
    graph = Client(line, wanted.address.rstrip("/").removesuffix("/v3"), headers) if token else None
    return Repo(wanted, rest, graph, known)


class Repo(Place):
    """One repository, asked over REST, and for its discussions over GraphQL."""

    def __init__(self, wanted: Options, rest: Client, graph: Client | None, known: Known) -> None:
        self._wanted, self._rest, self._graph, self._known = wanted, rest, graph, known
        self.source = wanted.repository.lower()
        self._about: Repository | None = None

    def streams(self) -> tuple[str, ...]:
        """Issues first: they say how far back everything goes. Discussions where there are any that we may ask for."""
        return (*LISTS, "discussions") if self._discusses() else tuple(LISTS)

    def fetch(self, stream: str, at: At) -> Page:
        """One page of a list, or a part of one conversation."""
        kind, _, what = stream.partition(":")
        if kind == "discussions":
            return self._discussions(at)
        if kind == "discussion":
            return _part(self._discussion(int(what), at.cursor))
        if kind == "replies":
            return _part(self._replies(what, at.cursor))
        return self._talk(what, at) if kind == "talk" else self._list(stream, at)

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]]:
        """What the full lists lack, and what is answered with 404 or 410 when it is asked for by its own address."""
        self._about = None
        self._repository()
        rows = list(held)
        for path, anchor in ANCHORS.items():
            yield self._missing(path, anchor, {each.id for each in rows if each.id.startswith(anchor)})
        there = {row.place.conversation_id for page in self._walk("issues") for row in page}
        for conversation, messages in groupby(rows, lambda each: each.conversation_id):
            if conversation and conversation not in there:
                yield self._gone_of(conversation, {each.id for each in messages})

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """By how many there are; discussions since the last pull by going through them."""
        pages = 1
        for name, path in LISTS.items():
            asked = self._count(path, at[name].since) // (PAGE - 1) + 1
            pages += asked * 2 if name == "issues" and self._graph else asked
        note = "" if "discussions" in at else "without discussions; "
        if "discussions" in at:
            lists, follow = walked(self, {"discussions": at["discussions"]})
            long = {name: At() for name in follow if name.startswith("discussion:")}
            parts, replies = walked(self, long)
            pages += lists + parts + len({*follow, *replies} - long.keys())
        return Estimate(pages, note=f"{note}what old conversations hold that are new to us comes on top")

    # Issues and comments

    def _repository(self) -> Repository:
        if self._about is None:
            self._about = DIALECT.decoded(self._asked("", {}).body, Repository)
        if self._about.full_name.lower() != self.source:
            raise PullError(
                f"github: {self._wanted.repository} is {self._about.full_name} now. Give that name; what is held under "
                "the old one stays a source of its own."
            )
        if self._about.private and not self._wanted.private:
            raise PullError(
                f"github: {self._wanted.repository} is private, so it is left out. If it may be read, say why: "
                '--private REASON, or private = "..." in its row of [[pulls]].'
            )
        return self._about

    def _list(self, stream: str, at: At) -> Page:
        reached = msgspec.json.decode(at.cursor, type=Reached) if at.cursor else Reached(at.since)
        answer, rows = self._page(LISTS[stream], reached)
        body = self._with_edits(answer.body, rows) if stream == "issues" and rows and self._graph else answer.body
        oldest = min((row.created_at for row in rows), default=reached.oldest)
        oldest = min(filter(None, (oldest, reached.oldest)), default=None)
        cursor = _after(answer, rows, reached, oldest)
        is_all = stream == "issues" and cursor is None  # and by it the other lists, which are asked for after it
        since = at.since or oldest or self._repository().created_at
        return Page(
            cursor, body if rows else None, f"{stream}.json", len(rows), since if is_all else None,
            is_forward=True, covers=is_all, follow=self._conversations(rows, at) if stream == "issues" else (),
            note=UNSIGNED if self._repository().has_discussions and not self._graph else "",
        )  # fmt: skip

    def _page(self, path: str, reached: Reached) -> tuple[Answer, list[Row]]:
        """A page of what changed since. An empty one, or one with older changes, is not believed the first time."""
        params = _params(path, "updated", reached.page, reached.since)
        for _ in range(2):
            answer = self._asked(path, params)
            rows = DIALECT.decoded(answer.body, list[Row])
            is_older = reached.since is not None and any(row.updated_at < reached.since for row in rows)
            if rows and not is_older:
                break
        if is_older:
            raise LostPlace("it answers with what changed before that")
        return answer, rows

    def _with_edits(self, body: bytes, rows: list[Row]) -> bytes:
        """The same issues, each with the moment in which its words were edited."""
        ids = [row.node_id for row in rows if row.node_id and row.updated_at > row.created_at]
        if not ids:
            return body
        found = {each["id"]: each.get("lastEditedAt") for each in self._queried(EDITED, ids=ids)["nodes"] if each}
        issues = msgspec.json.decode(body)
        return msgspec.json.encode([{**each, "edited_at": found.get(each.get("node_id"))} for each in issues])

    def _conversations(self, rows: list[Row], at: At) -> tuple[str, ...]:
        """Of those that began before our time and are new to us, all that was said."""
        old = {row.place.conversation_id: row.place for row in rows if at.since and row.created_at < at.since}
        new = [old[name] for name in sorted(old.keys() - self._known.sizes(old).keys())] if old else []
        lines = tuple(f"talk:pulls/{place.number}/comments" for place in new if place.kind == "pull")
        return tuple(f"talk:issues/{place.number}/comments" for place in new) + lines

    def _talk(self, path: str, at: At) -> Page:
        page = int(at.cursor or 1)
        answer = self._asked(path, {"per_page": PAGE, "page": page})
        rows = DIALECT.decoded(answer.body, list[Row])
        cursor = str(page + 1) if len(rows) == PAGE or "next" in _links(answer) else None
        return Page(cursor, answer.body if rows else None, "comments.json", len(rows), covers=False)

    def _walk(self, path: str) -> Iterator[list[Row]]:
        """A whole list. What comes after something that goes meanwhile may be passed over."""
        page = 1
        while True:
            answer = self._asked(path, _params(path, "created", page, None))
            rows = DIALECT.decoded(answer.body, list[Row])
            yield rows
            if len(rows) < PAGE and "next" not in _links(answer):
                return
            page += 1

    def _missing(self, path: str, anchor: str, ids: set[str]) -> frozenset[str]:
        for rows in self._walk(path) if ids else ():
            ids -= {row.place.message_id for row in rows}
        return frozenset(each for each in ids if self._status(f"{path}/{each.removeprefix(anchor)}") in MISSING)

    def _status(self, path: str) -> int:
        try:
            return self._rest.get(f"/repos/{self._wanted.repository}/{path}").status
        except Refusal as refusal:
            return refusal.status

    def _count(self, path: str, since: datetime | None) -> int:
        answer = self._asked(path, {**_params(path, "updated", 1, since), "per_page": 1})
        last = _links(answer).get("last")
        return int(parse_qs(urlsplit(last).query)["page"][0]) if last else len(DIALECT.decoded(answer.body, list[Row]))

    def _asked(self, path: str, params: Mapping[str, Any]) -> Answer:
        try:
            return self._rest.get(f"/repos/{self._wanted.repository}/{path}".rstrip("/"), params)
        except Refusal as refusal:
            raise self._told(refusal) from None

    def _told(self, refusal: Refusal) -> PullError:
        if refusal.status == 401:
            return PullError(f"github: GITHUB_TOKEN is not valid (any more). {SECRETS['GITHUB_TOKEN']}")
        if refusal.status in (403, 404):
            return PullError(
                f"{refusal} {self._wanted.repository} is not there, or not to be seen without a GITHUB_TOKEN that may "
                f"read it. {SECRETS['GITHUB_TOKEN']}"
            )
        return refusal

    # Discussions

    def _discusses(self) -> bool:
        return self._graph is not None and self._repository().has_discussions

    def _discussions(self, at: At) -> Page:
        for _ in range(2):  # an empty list is not believed the first time
            data = self._queried(DISCUSSIONS, after=at.cursor)
            found = data["repository"]["discussions"]
            if found["nodes"]:
                break
        changed = min((_moment(each["updatedAt"]) for each in found["nodes"]), default=None)
        cursor = None if at.is_reached(changed) else _next(found)
        unfinished = tuple(name for each in found["nodes"] for name in _unfinished(each))
        body = msgspec.json.encode({"data": data}) if found["nodes"] else None
        return Page(cursor, body, "discussions.json", _said(found["nodes"]), covers=False, follow=unfinished)

    def _discussion(self, number: int, after: str | None) -> tuple[Any, str | None] | None:
        """A discussion with some of its comments, and where the others begin. None where it is not there."""
        discussion = self._queried(DISCUSSION, number=number, after=after)["repository"]["discussion"]
        return (discussion, _next(discussion["comments"])) if discussion else None

    def _replies(self, id: str, after: str | None) -> tuple[Any, str | None] | None:
        """The same of one comment and its replies."""
        comment = self._queried(REPLIES, id=id, after=after)["node"]
        if not comment:
            return None
        discussion = {**comment.pop("discussion"), "comments": {"nodes": [comment]}}
        return discussion, _next(comment["replies"])

    def _gone_of(self, conversation: str, ids: set[str]) -> frozenset[str]:
        """What is gone of a conversation that is not among the issues."""
        number = int(conversation.rpartition("#")[2])
        if not self._discusses():
            return frozenset(ids if self._status(f"issues/{number}") == DELETED else ())
        for _ in range(2):  # nothing is taken for deleted that was missing only once
            left = self._left(number)
            if left is None:
                return frozenset(ids if self._status(f"issues/{number}") in MISSING else ())
            ids = ids - left
            if not ids:
                break
        return frozenset(ids)

    def _left(self, number: int) -> set[str] | None:
        """The ids of all that a discussion still has."""
        left, after = set[str](), None
        while True:
            found = self._discussion(number, after)
            if found is None:
                return None
            left |= set(_ids(found[0]))
            for name in _unfinished(found[0]):
                left |= self._left_of(name) if name.startswith("replies:") else set()
            after = found[1]
            if after is None:
                return left

    def _left_of(self, name: str) -> set[str]:
        left, after, is_first = set[str](), None, True
        while (is_first or after) and (found := self._replies(name.removeprefix("replies:"), after)):
            left |= set(_ids(found[0]))
            after, is_first = found[1], False
        return left

    def _queried(self, query: str, **variables: Any) -> Any:
        """GraphQL answers 200 also where it refuses."""
        assert self._graph is not None  # noqa: S101
        owner, _, name = self._wanted.repository.partition("/")
        given = {"owner": owner, "name": name, **variables} if "$owner" in query else variables
        for _ in range(TRIES):
            try:
                answer = self._graph.send("POST", "/graphql", body={"query": query, "variables": given}).json()
            except Refusal as refusal:
                raise self._told(refusal) from None
            errors = answer.get("errors") or []
            kinds = {each.get("type") for each in errors}
            if not errors or (kinds == {"NOT_FOUND"} and answer.get("data")):
                return answer["data"]
            if "INVALID_CURSOR_ARGUMENTS" in kinds:
                raise LostPlace("it does not know the place any more")
            self._graph.line.hold(60 if "RATE_LIMITED" in kinds else 5)
        raise PullError(f"github: GraphQL refuses: {self._graph.line.clean(str(errors[0].get('message')))}")


def _params(path: str, order: str, page: int, since: datetime | None) -> dict[str, Any]:
    return {
        "state": "all" if path == "issues" else None, "sort": order, "direction": "asc", "per_page": PAGE,
        "page": page if page > 1 else None, "since": f"{since:%Y-%m-%dT%H:%M:%SZ}" if since else None,
    }  # fmt: skip


def _after(answer: Answer, rows: list[Row], reached: Reached, oldest: datetime | None) -> str | None:
    """Where a list goes on; a full page is no end, whatever its links say."""
    if not rows or (len(rows) < PAGE and "next" not in _links(answer)):
        return None
    since = max(row.updated_at for row in rows) - TICK
    is_further = reached.since is None or since > reached.since
    following = Reached(since, 1, oldest) if is_further else Reached(reached.since, reached.page + 1, oldest)
    return msgspec.json.encode(following).decode()


def _links(answer: Answer) -> dict[str, str]:
    """The addresses of other pages, by what they are: next, last."""
    return {kind: address for address, kind in LINK.findall(answer.headers.get("link", ""))}


def _next(connection: Mapping[str, Any]) -> str | None:
    info = connection["pageInfo"]
    return info["endCursor"] if info["hasNextPage"] else None


def _part(found: tuple[Any, str | None] | None) -> Page:
    """A part of a discussion, in the shape of its list."""
    if found is None:
        return Page(None, covers=False)
    discussion, cursor = found
    follow = tuple(name for name in _unfinished(discussion) if name.startswith("replies:"))
    body = msgspec.json.encode({"data": {"repository": {"discussion": discussion}}})
    return Page(cursor, body, "discussion.json", _said([discussion]), covers=False, follow=follow)


def _unfinished(discussion: Mapping[str, Any]) -> Iterator[str]:
    """The streams by which a discussion becomes whole."""
    comments = discussion["comments"]
    if comments.get("pageInfo", {}).get("hasNextPage"):
        yield f"discussion:{discussion['number']}"
    for comment in comments["nodes"]:
        if comment["replies"]["pageInfo"]["hasNextPage"]:
            yield f"replies:{comment['id']}"


def _all(discussion: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield discussion
    for comment in discussion["comments"]["nodes"]:
        yield comment
        yield from comment["replies"]["nodes"]


def _said(discussions: list[Any]) -> int:
    return sum(1 for discussion in discussions for _ in _all(discussion))


def _ids(discussion: Mapping[str, Any]) -> Iterator[str]:
    """The ids of all that is there of a discussion."""
    for each in _all(discussion):
        if (found := github.ADDRESS.match(each["url"])) and not each.get("deletedAt"):
            yield github.Place(*found.groups()).message_id


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)
