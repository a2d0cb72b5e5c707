"""A help desk on this machine, that asks are handed to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Serve = Callable[..., "Desk"]


class Desk:
    """A help desk on this machine: what it was sent, and what it says to it."""

    def __init__(self, status: int, says: bytes, headers: dict[str, str], silence: float) -> None:
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.silent = threading.Event()
        desk = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                desk.heard.append((self.path, dict(self.headers), json.loads(body)))
                desk.silent.wait(silence)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(says)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def close(self) -> None:
        self.silent.set()
        self.server.shutdown()
        self.server.server_close()
