"""A command of Hearth as its user gives it, within this process: what Python takes to start is no part of it."""

from __future__ import annotations

import importlib
import io
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser import ROOT


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    content: bytes
    complaint: bytes

    @property
    def stdout(self) -> str:
        return self.content.decode()

    @property
    def stderr(self) -> str:
        return self.complaint.decode()


def hearth(room: str, *words: object, data: Path | None = None, check: int | None = 0, **environment: str) -> Told:
    """Run a command of a room; where its data lies, if it needs any, and how it has to end."""
    main: Callable[[], None] = importlib.import_module(f"{room}.__main__").main
    given = [*map(str, words), *(["--data", str(data)] if data else [])]
    out, err = io.BytesIO(), io.BytesIO()
    with (
        _as_alone([f"python -m {room}", *given], environment),
        redirect_stdout(io.TextIOWrapper(out, "utf-8", write_through=True)),
        redirect_stderr(io.TextIOWrapper(err, "utf-8", write_through=True)),
    ):
        code = _end(main)
        told = Told(code, out.getvalue(), err.getvalue())
    if check is not None:
        assert told.code == check, told.stderr
    return told


def _end(main: Callable[[], None]) -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextmanager
def _as_alone(words: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    """The words, the folder, the environment and the signals of a process of its own."""
    stops = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        patch.chdir(ROOT)
        for name, value in {"HEARTH_SETTINGS": "hearth.toml", **environment}.items():
            patch.setenv(name, value)
        yield
    signal.signal(signal.SIGTERM, stops)
