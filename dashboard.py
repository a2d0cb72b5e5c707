"""The front door: `streamlit run dashboard.py` serves Hearth behind strict headers.

The pages live in pages/. Their frame is the script Streamlit runs, so that every address, typed or
linked, passes it first: with `st.navigation` in this file a direct link to a page would skip it.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers as Brought
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages._reader import COOKIE, cookie

HERE = Path(__file__).parent
PLAIN = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")
"""Streamlit's own page."""
OURS = PLAIN.replace("<head>", "<head>\n" + (HERE / "pages" / "head.html").read_text("utf-8"), 1)
"""The same with what it lacks."""


def content_policy() -> str:
    """What a page may load: this server and nothing else.

    Its own page holds inline scripts, Streamlit's and ours; their hashes are allowed, not inline scripts as such.
    """
    inline = re.findall(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", OURS, re.DOTALL)
    digests = (hashlib.sha256(each.encode()).digest() for each in inline)
    hashes = " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)
    rules = {
        "default-src": "'self'",
        "script-src": f"'self' 'wasm-unsafe-eval' {hashes}",
        "style-src": "'self' 'unsafe-inline'",  # Streamlit and Plotly write style attributes
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{rule} {value}" for rule, value in rules.items())


class Headers:
    """Adds the security headers to every answer, and keeps the server's own figures from strangers.

    A browser without the reader's cookie gets one with the page: so the name that somebody gives outlives a reload.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = {
            "Content-Security-Policy": content_policy(),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                if headers.get("content-type", "").startswith("text/html") and COOKIE not in _cookies(scope):
                    headers.append("Set-Cookie", cookie())
            await send(message)

        if scope["type"] == "http" and scope["path"].endswith("/_stcore/metrics") and not _is_here(scope):
            refusal = PlainTextResponse("Only this machine may read the server's figures.", status_code=403)
            await refusal(scope, receive, send_guarded)
        else:
            await self.app(scope, receive, send_guarded)


def _cookies(scope: Scope) -> str:
    """What a browser brings along."""
    return Brought(scope=scope).get("cookie", "")


def _is_here(scope: Scope) -> bool:
    """Whether a request comes from this machine, and was not handed on by a proxy."""
    host = (scope.get("client") or ("", 0))[0]
    return host in ("127.0.0.1", "::1") and b"x-forwarded-for" not in dict(scope["headers"])


@asynccontextmanager
async def warm(_: object) -> AsyncIterator[None]:
    """Load the heavy libraries before the first visitor asks for them, and before two ask at once. Stop what runs."""
    import_module("pandas")  # Plotly fails where it meets one that is half loaded
    import_module("pages._show")
    import_module("httpx")  # of Unanswered, where asks are handed over
    # Streamlit looks through everything in memory for garbage after each run of a page: 40 of 60 ms, were it not told
    # that the libraries stay.
    gc.collect()
    gc.freeze()
    yield
    import_module("pages._child").stop_all()


async def linked(_: Request) -> HTMLResponse:
    """A page that somebody opens by its address."""
    return HTMLResponse(OURS, headers={"Cache-Control": "no-cache"})


def addresses() -> list[str]:
    """Where each page lies, below the server's base path if it has one: Streamlit does not put it before our routes."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    names = ("", *(page.stem for page in (HERE / "pages").glob("[!_]*.py")))
    return [f"/{base}/{name}" if base else f"/{name}" for name in names]


app = st.App(
    HERE / "pages" / "_frame.py",
    middleware=[Middleware(Headers)],
    routes=[Route(each, linked) for each in addresses()],
    lifespan=warm,
)
