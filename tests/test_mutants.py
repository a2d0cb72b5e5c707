"""Every mistake of tests/mutants.toml, made in the SQL one at a time, is noticed by a worked example."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from data import store
from data.store import Store
from metrics import metric
from tests.test_metrics import ALL, EXAMPLES, example_store, example_told_once, shown_and_wanted

ROOT = Path(__file__).parent.parent
READ_ONCE = (metric.metrics, metric._macros, store._text, store.statements)
FEWEST = 3  # mutants a metric
DERIVING = "data"  # what its files say is worked out when a community is loaded, not when it is asked

Kind = Literal[
    "wrong join",  # rows lost, doubled or of somebody else
    "boundary",  # <= for <, a minute or a day too much
    "another window",  # hours, days or weeks of another length, or from another moment
    "answered only",  # who still waits is left out, or young asks are not
    "mean for median",  # or an ordinary share for a statistic
    "self-replies",
    "bots counted",  # or system lines, deleted messages, strangers
    "wrong role",  # staff for member, now for then
    "counted twice",  # rows for people, weeks for the period
    "unknown as zero",  # a hole in the data, an empty denominator
    "wrong words",  # what a text says of itself
    "wrong sign",
]


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mistake: the text that stands once in the file, and what it becomes.

    `caught_by` is a metric, or a metric and how the `why` of its example begins: the start of a worked example's name.
    Where it is left out, it is the file's own metric.
    """

    kind: Kind
    was: str
    becomes: str
    caught_by: str

    @property
    def name(self) -> str:
        return self.caught_by.partition(": ")[0]


def _mutants() -> list[Any]:
    said = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text("utf-8"))
    found = [
        (file, msgspec.convert({"caught_by": Path(file).stem, **row}, Mutant))
        for file, rows in said.items()
        for row in rows
    ]
    found.sort(key=lambda each: each[1].name)
    return [pytest.param(*each, id=f"{each[0]}: {each[1].was} -> {each[1].becomes}") for each in found]


MUTANTS = _mutants()


def _mutated(file: str, mutant: Mutant) -> str:
    text = (ROOT / file).read_text("utf-8")
    if (count := text.count(mutant.was)) != 1:
        pytest.fail(
            f"not anchored: {mutant.was!r} stands {count} times in {file}, not once. The file has changed: "
            "give this mutant another piece of it, in tests/mutants.toml."
        )
    return text.replace(mutant.was, mutant.becomes)


def _examples(mutant: Mutant) -> list[dict[str, Any]]:
    examples = tomllib.loads((EXAMPLES / f"{mutant.name}.toml").read_text("utf-8"))["example"]
    found = [each for each in examples if f"{mutant.name}: {each['why']}".startswith(mutant.caught_by)]
    assert found, f"tests/mutants.toml: no worked example begins with {mutant.caught_by!r}"
    return found


def _notices(store: Store, name: str, example: dict[str, Any]) -> bool:
    shown, wanted = shown_and_wanted(store, name, example)
    return shown != wanted


def _forget() -> None:
    for remembered in READ_ONCE:
        remembered.cache_clear()


@pytest.fixture
def read_anew() -> Iterator[None]:
    """What a file says is remembered: forgotten before, for the mutant to be read, and after, for it not to stay."""
    _forget()
    yield
    _forget()


@pytest.mark.parametrize(("file", "mutant"), MUTANTS)
@pytest.mark.usefixtures("read_anew")
def test_is_caught(
    file: str, mutant: Mutant, between_workers: Path, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A mutant has to run: SQL that is refused proves nothing."""

    def community(example: dict[str, Any]) -> Store:
        if file.startswith(DERIVING):
            return example_store(tmp_path_factory.mktemp(mutant.name), example)
        return example_told_once(between_workers, example)

    mutated, read_text = _mutated(file, mutant), Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, *how: mutated if path == ROOT / file else read_text(path, *how))
    if not any(_notices(community(each), mutant.name, each) for each in _examples(mutant)):
        pytest.fail(f"survived ({mutant.kind}): no worked example of {mutant.caught_by!r} tells the two apart")


def test_every_metric_has_mutants() -> None:
    files = Counter(mutant.values[0] for mutant in MUTANTS)
    assert not {name for name in ALL if files[f"metrics/{name}.sql"] < FEWEST}
