"""Runs a command, and tells as JSON what that took.

It stands between, and is small, because a process is charged with the memory of the one that started it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time


def watch(command: list[str]) -> dict[str, str | float]:
    """What the process said, how it ended, its seconds, its processor seconds, its gigabytes at most."""
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603 - Hearth itself, or a pinned peer
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "said": done.stdout.decode("utf-8", "replace"),
        "code": done.returncode,
        "waited": time.monotonic() - began,
        "worked": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024 / 1e9,
    }


if __name__ == "__main__":
    print(json.dumps(watch(sys.argv[1:])))
