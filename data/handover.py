"""Hand an ask to a help desk: one request with the ask and its conversation as JSON, to the address in the settings.

Nothing is sent anywhere else: no redirect is followed, no proxy asked, and the settings take only https:// and this
machine. The secret comes from the environment, and no message tells it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

SECRET: Final = "HEARTH_HANDOVER_SECRET"  # noqa: S105 - the name of the variable that holds it
SECONDS: Final = 10.0  # to connect, to send, and for each piece of the answer
TOLD: Final = 200  # bytes of a refusal that are told


class HandoverError(Exception):
    """Why an ask was not handed over, and what to do."""


class Private(HandoverError):
    """What was said in a private place goes nowhere unless somebody says so."""


def hand_over(url: str, body: Mapping[str, Any], *, although_private: bool = False) -> str:
    """Send an ask with its conversation; the host that took it.

    `body` holds `id`, the same each time for one ask, and `is_private`. Raises Private, and HandoverError where the
    help desk cannot be reached or refuses.
    """
    host = urlsplit(url).hostname or url
    if body["is_private"] and not although_private:
        raise Private("This was said in a private place. Say that it may leave it, then hand it over again.")
    try:
        with (
            httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", url, content=msgspec.json.encode(body), headers=_headers(str(body["id"]))) as answer,
        ):
            if not answer.is_success:
                raise HandoverError(_refusal(host, answer))
    except httpx.TimeoutException:
        raise HandoverError(f"{host} did not answer within {SECONDS:.0f} seconds. Try again later.") from None
    except httpx.HTTPError as error:
        raise HandoverError(f"{host} could not be reached ({error}). Is url under [handover] right?") from None
    return host


def _headers(number: str) -> dict[str, str]:
    secret = os.environ.get(SECRET)
    key = {"Idempotency-Key": f'"{number}"'} if number.isascii() and number.isprintable() else {}
    return {"Content-Type": "application/json", **key} | ({"Authorization": f"Bearer {secret}"} if secret else {})


def _refusal(host: str, answer: httpx.Response) -> str:
    """What a help desk says instead of yes."""
    said = f"{host} refused it: {answer.status_code} {answer.reason_phrase}."
    if answer.is_redirect:
        return f"{said} It points elsewhere, which is not followed: set url under [handover] to where it leads."
    if answer.status_code in (401, 403):
        return f"{said} Is the secret in {SECRET} the one it expects?"
    body = next(answer.iter_bytes(TOLD), b"").decode("utf-8", "replace")
    return f"{said} {' '.join(body.split())}".strip()
