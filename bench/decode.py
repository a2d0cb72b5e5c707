"""The baseline of a load: `json.loads` on each file of an export, and nothing else on the clock."""

from __future__ import annotations

import json
import sys
import time
import zipfile
from typing import Any


def decode(path: str, is_kept: bool) -> dict[str, float]:
    """Seconds that json.loads takes in all: `waited` on the wall's clock, `worked` on the processor's.

    Results that are kept cost more than results dropped file by file, because Python's garbage collector
    looks through them again and again. A program that goes on to use them keeps them.
    """
    kept: list[Any] = []
    waited = worked = 0.0
    with zipfile.ZipFile(path) as export:
        for name in export.namelist():
            raw = export.read(name)
            waiting, working = time.perf_counter(), time.process_time()
            content = json.loads(raw)
            if is_kept:
                kept.append(content)
            waited += time.perf_counter() - waiting
            worked += time.process_time() - working
    return {"waited": waited, "worked": worked}


if __name__ == "__main__":
    print(json.dumps(decode(sys.argv[1], sys.argv[2] == "kept")))
