"""An ask goes to one address and nowhere else; what comes of it is told in words."""

from __future__ import annotations

import pytest

from data import handover
from data.handover import SECRET, HandoverError, Private, hand_over
from data.settings import Handover
from tests.desk import Serve

ASK = {"id": "forum:acme:q1", "is_private": False, "text": "Where is it? 💡"}


def test_it_is_sent_as_json_with_the_secret(desk: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, "sesame")
    taker = desk()
    assert hand_over(taker.url, ASK) == "127.0.0.1"
    ((path, headers, body),) = taker.heard
    assert (path, body) == ("/hook", ASK)
    assert headers["Authorization"] == "Bearer sesame"
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == '"forum:acme:q1"'


def test_without_a_secret_none_is_sent_and_a_proxy_is_not_asked(desk: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    taker = desk()
    hand_over(taker.url, ASK | {"id": "forum:acme:ü"})
    assert {"Authorization", "Idempotency-Key"}.isdisjoint(taker.heard[0][1])


def test_a_private_conversation_goes_only_when_somebody_says_so(desk: Serve) -> None:
    taker = desk()
    with pytest.raises(Private, match="private place"):
        hand_over(taker.url, ASK | {"is_private": True})
    assert taker.heard == []
    hand_over(taker.url, ASK | {"is_private": True}, although_private=True)
    assert len(taker.heard) == 1


@pytest.mark.parametrize(
    ("status", "says", "told"),
    [
        (500, b"out of\n paper" + b"z" * 900, "127.0.0.1 refused it: 500 Internal Server Error. out of paper"),
        (401, b"", f"Is the secret in {SECRET} the one it expects"),
        (302, b"", "It points elsewhere, which is not followed"),
    ],
)
def test_a_refusal_is_told(desk: Serve, monkeypatch: pytest.MonkeyPatch, status: int, says: bytes, told: str) -> None:
    monkeypatch.setenv(SECRET, "sesame")
    elsewhere = desk()
    taker = desk(status, says, {"Location": elsewhere.url} if status == 302 else {})
    with pytest.raises(HandoverError, match="refused it") as caught:
        hand_over(taker.url, ASK)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "sesame" not in str(caught.value)
    assert elsewhere.heard == []


def test_nobody_waits_for_ever(desk: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "SECONDS", 0.3)
    with pytest.raises(HandoverError, match="did not answer within 0 seconds"):
        hand_over(desk(silence=5).url, ASK)
    with pytest.raises(HandoverError, match="could not be reached"):
        hand_over("http://127.0.0.1:1/hook", ASK)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://desk.example/hook?board=7", True),
        ("http://127.0.0.1:8000/hook", True),
        ("http://localhost/hook", True),
        ("http://[::1]/hook", True),
        ("http://desk.example/hook", False),
        ("http://localhost.example/hook", False),
        ("https://ana:sesame@desk.example/hook", False),
        ("ftp://desk.example/hook", False),
        ("https://", False),
        ("https://[", False),
        ("desk.example", False),
    ],
)
def test_what_is_sent_is_read_by_nobody_on_the_way(url: str, *, is_allowed: bool) -> None:
    if is_allowed:
        assert Handover(url).url == url
        return
    with pytest.raises(ValueError, match="url must begin with https://"):
        Handover(url)
