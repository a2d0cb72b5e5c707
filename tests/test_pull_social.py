"""Mastodon, Bluesky, Facebook and Instagram: what is theirs alone. What every pull must keep is in test_pull.py."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from data.store import Store
from ingest.apis import _graph
from ingest.apis._client import Line
from ingest.apis._service import At, Place, Recent, services
from tests.fakes import bluesky, facebook, mastodon
from tests.fakes.server import Fake, Reply, Request
from tests.test_pull import compare, held, pace, place, run

SOCIAL = ("bluesky", "facebook", "instagram", "mastodon")


class Nothing:
    """A store that holds nothing."""

    def messages(self, ids: Iterable[str]) -> set[str]:  # noqa: ARG002
        return set()

    def members(self, ids: Iterable[str]) -> set[str]:  # noqa: ARG002
        return set()

    def sizes(self, conversations: Iterable[str]) -> dict[str, int]:  # noqa: ARG002
        return {}

    def there(self, conversations: Iterable[str]) -> dict[str, int]:  # noqa: ARG002
        return {}

    def a_day(self) -> float | None:
        return None

    def recent(self, since: datetime) -> list[Recent]:  # noqa: ARG002
        return []


@contextmanager
def asked(fake: Fake, say: Callable[[str], None] = print) -> Iterator[Place]:
    service, line = services()[fake.row()["service"]], Line("test", pace(fake), say)
    with line.opened:
        yield service.connect(msgspec.convert(fake.row(), service.Options), line, Nothing())


def bodies(known: Place) -> bytes:
    """All that a first pull would keep."""
    found, streams = b"", list(known.streams())
    for stream in streams:
        at, is_through = At(), False
        while not is_through:
            page = known.fetch(stream, at)
            found += page.body or b""
            at, is_through = At(page.cursor), page.cursor is None
            streams += [name for name in page.follow if name not in streams]
    return found


@pytest.mark.parametrize("service", SOCIAL)
def test_no_page_that_is_kept_holds_a_token_or_a_private_word(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with place(service, monkeypatch, size=120) as fake:
        if isinstance(fake, mastodon.Mastodon):
            assert any(post.is_direct for post in fake.posts.values())
        with asked(fake) as known:
            kept = bodies(known)
        assert kept.count(b"Word ") >= 30
        for secret in (*fake.SECRETS.values(), *fake.tokens, mastodon.SECRET_WORDS):
            assert secret.encode() not in kept


@pytest.mark.parametrize("service", SOCIAL)
def test_a_credential_that_is_not_accepted_is_named_and_not_told(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(service, monkeypatch, size=3) as fake:
        ((name, _),) = fake.SECRETS.items()
        monkeypatch.setenv(name, "a-token-that-nobody-knows")
        (failed,) = run(fake, tmp_path).failed
        assert name in failed.reason
        assert "nobody-knows" not in failed.reason


def test_a_token_of_another_mastodon_account_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with place("mastodon", monkeypatch, size=3) as fake:
        (failed,) = run(fake, tmp_path, account=fake.row()["account"].replace("harbour", "ada")).failed
        assert "belongs to @harbour@" in failed.reason


@pytest.mark.parametrize("is_old", [False, True])
def test_deletions_are_found_on_an_instance_of_any_age(
    is_old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before version 4.3 posts could be asked for one by one only."""
    with place("mastodon", monkeypatch, size=60, is_old=is_old) as fake:
        run(fake, tmp_path)
        fake.delete(4)
        assert run(fake, tmp_path, look=True).pulls[0].deleted > 0
        compare(fake, tmp_path)


def test_a_session_of_bluesky_is_renewed_once_and_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("bluesky", monkeypatch, size=40) as fake:
        assert isinstance(fake, bluesky.Bluesky)
        plain, spent = fake.answer, list[str]()

        def expiring(request: Request) -> Reply:
            if "getPostThread" in request.path and not spent:
                spent.append(request.path)
                fake.expired()
            return plain(request)

        monkeypatch.setattr(fake, "answer", expiring)
        assert not run(fake, tmp_path).failed
        assert fake.asked["/xrpc/com.atproto.server.refreshSession"] == 1
        assert fake.asked["/xrpc/com.atproto.server.createSession"] == 1
        compare(fake, tmp_path)


def test_a_post_of_bluesky_whose_writer_gave_no_time_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("bluesky", monkeypatch, size=40) as fake:
        assert isinstance(fake, bluesky.Bluesky)
        plain = fake._view
        bad = next(post for post in fake.posts.values() if post.who == mastodon.OWN and not post.is_boost)

        def view(post: mastodon.Post) -> dict[str, object]:
            told = plain(post)
            return {**told, "record": {**told["record"], "createdAt": "yesterday"}} if post is bad else told

        monkeypatch.setattr(fake, "_view", view)
        summary = run(fake, tmp_path)
        assert not summary.failed
        assert sum(load.refused for load in summary.pulls[0].loads) >= 1
        assert fake.truth().keys() - held(tmp_path).keys() == {fake._uri(bad)}


def limited(fake: Fake, code: int, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The third request is too many."""
    plain, count = fake.answer, []

    def answer(request: Request) -> Reply:
        count.append(1)
        if len(count) != 3:
            return plain(request)
        return Reply(facebook.no(code, "Too many calls", "OAuthException").value, 400, headers)

    monkeypatch.setattr(fake, "answer", answer)


@pytest.mark.parametrize("code", sorted(_graph.LIMITED))
def test_metas_limits_are_waited_for_as_long_as_meta_says(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"X-Business-Use-Case-Usage": json.dumps({"500": [{"estimated_time_to_regain_access": 7}]})}
    with place("facebook", monkeypatch, size=10) as fake:
        limited(fake, code, told, monkeypatch)
        said, began = list[str](), fake.now
        with asked(fake, said.append) as known:
            assert all(known.fetch("posts", At()).messages for _ in range(4))
        assert timedelta(minutes=7) <= fake.now - began < timedelta(minutes=8)
        assert "its limit is used up; going on in 420 s" in said


def test_who_is_told_to_come_back_in_hours_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"X-Business-Use-Case-Usage": json.dumps({"500": [{"estimated_time_to_regain_access": 90}]})}
    with place("facebook", monkeypatch, size=10) as fake:
        limited(fake, 32, told, monkeypatch)
        (failed,) = run(fake, tmp_path).failed
        assert "come back at" in failed.reason
        assert not run(fake, tmp_path).failed
        compare(fake, tmp_path)


def test_a_limit_of_meta_that_is_nearly_used_up_slows_a_pull_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("facebook", monkeypatch, size=10) as fake:
        plain = fake.answer

        def answer(request: Request) -> Reply:
            reply = plain(request)
            reply.headers["X-App-Usage"] = json.dumps({"call_count": 96, "total_time": 3, "total_cputime": 3})
            return reply

        monkeypatch.setattr(fake, "answer", answer)
        began = fake.now
        run(fake, tmp_path)
        calls = sum(fake.asked.values())
        assert fake.now - began >= timedelta(seconds=_graph.REST * (calls - 1))


def test_words_that_look_like_an_address_of_meta_mislead_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place("facebook", monkeypatch, size=60) as fake:
        assert isinstance(fake, facebook.Facebook)
        for item in fake.items:
            item.said += (
                " https://graph.facebook.com/v23.0/777_1/comments?a https://graph.facebook.com/v23.0/500_1/likes?"
            )
        fake.chance = random.Random(1)
        assert not run(fake, tmp_path).failed
        rows = Store(tmp_path).query("select message_id, conversation_id, parent_id from messages").rows()
        found = {name: (conversation, parent) for name, conversation, parent in rows}
        for item in fake.left():
            parent = item.parent.id if item.parent else None
            assert found[item.id] == ((item.post or item).id, parent)
