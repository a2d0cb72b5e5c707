"""A model that you bring: any sequence classifier as ONNX, in a folder. Slower than ours a thousand times.

It hears each message alone. Batches would be faster by a third, but a quantised model measures a whole batch before
it rounds: beside other messages the same text was heard with chances up to 0.26 apart, and 3 labels of 100 changed.
So speed comes from hearing as many messages at once as there are threads, and a text has one score.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.enrich import words
from ingest.enrich.language import CODES
from ingest.enrich.linear import Floats, Linear
from ingest.enrich.scorer import LABELS, Texts, rows
from ingest.enrich.words import UNCLASSIFIED, Flag, raised

LONGEST: Final = 512  # tokens, where the folder does not say less; a message's time grows faster than its length
TWO: Final = ("negative", "positive")
INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
UNHEARD: Final = (np.zeros(len(LABELS)), False)


class ModelError(LookupError):
    """A model that cannot be used: where it is, why, and what to do."""


class Config(msgspec.Struct):
    """What we read of config.json. Exporters write it, all but `language`: name it where the model knows only that."""

    id2label: dict[int, str] = {}
    max_position_embeddings: int = LONGEST
    language: str | list[str] | None = None  # such as "en" or ["en", "de"]


class Model:
    """A tokenizer and a network."""

    def __init__(self, folder: Path) -> None:
        self.path, self.config = _network(folder), _config(folder)
        self._tokenizer = _tokenizer(folder / "tokenizer.json", self.config.max_position_embeddings)
        self._session = _session(self.path)
        self._inputs = {each.name: each.type for each in self._session.get_inputs()}
        if unknown := sorted(set(self._inputs) - set(INPUTS)):
            raise ModelError(f"{self.path}: the model asks for {', '.join(unknown)}; we have {', '.join(INPUTS)}.")
        outputs = [each.name for each in self._session.get_outputs()]
        self._output = "logits" if "logits" in outputs else outputs[0]
        self.places = _places(folder, self.config, self._tried())

    def hear(self, text: str) -> tuple[Floats, bool]:
        """The chances of the three labels, and whether only the beginning was heard."""
        found, is_cut = self._logits(text)
        grown = np.exp(found - found.max())
        return np.asarray(np.bincount(self.places, grown / grown.sum(), len(LABELS)), np.float64), is_cut

    def _logits(self, text: str) -> tuple[Floats, bool]:
        read = self._tokenizer.encode(text)
        tokens = dict(zip(INPUTS, (read.ids, read.attention_mask, read.type_ids), strict=True))
        given = {name: np.array([tokens[name]], _kind(type_)) for name, type_ in self._inputs.items()}
        found = self._session.run([self._output], given)[0]
        return found.astype(np.float64).reshape(-1), bool(read.overflowing)

    def _tried(self) -> int:
        """How many labels there are, after a short text and the longest: better now than in the middle of a night."""
        try:
            return min(len(self._logits(text)[0]) for text in ("ok", "ok " * LONGEST))
        except Exception as error:  # noqa: BLE001 - the runtime's exceptions have no class in common
            most = self._tokenizer.truncation["max_length"]
            raise ModelError(
                f"{self.path}: the model fails on a text of 1 or of {most} tokens ({_first_line(error)}). If it takes "
                "fewer, name how many as max_position_embeddings in its config.json; if it takes one length only, "
                "export it again with dynamic axes."
            ) from None


class Strong:
    """A model from a folder. It hears what the others hear: without quotes, code and names, in the house's words.

    The same on one machine at any time; another kind of processor may differ in the third digit.
    """

    name = "strong"
    at_once = 256

    def __init__(self, model: Model, ear: Linear, version: str, threads: int) -> None:
        self._model, self._ear = model, ear
        self.version, self.threads = version, threads
        self.languages = _languages(model)

    @classmethod
    def load(cls, folder: Path | None, meanings: Mapping[str, str], threads: int | None = None) -> Strong:
        """The scorer with the model of a folder. A model of two labels knows no neutral: its chance is always 0."""
        if folder is None:
            raise ModelError(
                "The scorer 'strong' needs a folder with model.onnx and tokenizer.json: name it as `folder` under "
                "[sentiment] in hearth.toml."
            )
        model = Model(folder)
        if LABELS.index("neutral") not in model.places:
            sys.stderr.write(f"{folder}: this model knows no neutral; all it hears is negative or positive.\n")
        return cls(model, Linear.load(meanings), _version(folder, model, meanings), threads or os.cpu_count() or 1)

    def score(self, texts: Texts, platform: str | None = None) -> pl.DataFrame:
        """A row for each text, as in SCHEMA. The model knows no platforms."""
        del platform
        heard = self._ear.hear(words.as_texts(texts), self.languages)
        plain = heard.plain.str.replace_all(r"\s+", " ").str.strip_chars()
        asked = plain.filter(heard.flags & int(UNCLASSIFIED) == 0).unique(maintain_order=True)
        with ThreadPoolExecutor(self.threads) as pool:
            found = dict(zip(asked, pool.map(self._model.hear, asked), strict=True))
        told = [found.get(text, UNHEARD) for text in plain]
        chances = np.array([each for each, _ in told]).reshape(-1, len(LABELS))
        return rows(chances, heard.languages, heard.flags + raised(np.array([cut for _, cut in told]), Flag.truncated))


def _kind(type_: str) -> type[np.signedinteger[Any]]:
    return np.int32 if type_ == "tensor(int32)" else np.int64


def _network(folder: Path) -> Path:
    """The one ONNX file of a folder, or the one called model.onnx."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such folder. It should hold model.onnx and tokenizer.json.")
    found = sorted(folder.glob("*.onnx"))
    chosen = folder / "model.onnx" if folder / "model.onnx" in found else found[0] if len(found) == 1 else None
    if chosen is None:
        there = ", ".join(path.name for path in found) or "none"
        raise ModelError(f"{folder}: there is no model.onnx. Files of that kind: {there}; call the right one so.")
    return chosen


def _config(folder: Path) -> Config:
    path = folder / "config.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Config) if path.exists() else Config()
    except msgspec.DecodeError as error:
        raise ModelError(f"{path}: it cannot be read ({error}). Bring the one that came with the model.") from None


def _tokenizer(path: Path, positions: int) -> Any:
    """What cuts a text into tokens, as the model was taught; never more than it has places for."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise _missing() from None
    if not path.exists():
        raise ModelError(f"{path}: there is no such file. The exporter of the model writes it beside the model.")
    try:
        found = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 - the library raises nothing finer
        raise ModelError(f"{path}: it is no tokenizer ({_first_line(error)}).") from None
    found.no_padding()
    found.enable_truncation((found.truncation or {}).get("max_length") or min(positions, LONGEST))
    return found


def _session(path: Path) -> Any:
    """The network, ready to run: one thread for each text, whose steps are then always in one order."""
    try:
        import onnxruntime
    except ImportError:
        raise _missing() from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # what goes wrong is raised as well, and told in our words
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the runtime's exceptions have no class in common
        raise ModelError(f"{path}: it is no model that can be run ({_first_line(error)}).") from None


def _missing() -> ModelError:
    return ModelError(
        "The scorer 'strong' needs the packages onnxruntime and tokenizers: `make strong` installs what "
        "requirements-strong.txt lists."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _places(folder: Path, config: Config, count: int) -> npt.NDArray[np.int64]:
    """Which of our labels each of the model's is: by name, or in order where its names say nothing (LABEL_0)."""
    named = [config.id2label.get(at, "") for at in range(count)]
    if all(re.fullmatch(r"(?:LABEL_\d+)?", name) for name in named):
        named = list({len(LABELS): LABELS, len(TWO): TWO}.get(count, named))
    found = [_place(name) for name in named]
    if None in found or not {_place(name) for name in TWO} <= set(found):
        told = ", ".join(name or "(no name)" for name in named)
        raise ModelError(
            f"{folder / 'config.json'}: the model's labels are {told}. Name each so that it says negative, neutral or "
            "positive, under id2label."
        )
    return np.array(found, np.int64)


def _place(name: str) -> int | None:
    found = [at for at, label in enumerate(LABELS) if label[:3] in name.lower()]
    return found[0] if len(found) == 1 else None


def _languages(model: Model) -> frozenset[str] | None:
    named = model.config.language or None
    found = frozenset([named] if isinstance(named, str) else named or ())
    if unknown := sorted(found - set(CODES.values())):
        known = ", ".join(sorted(CODES.values()))
        raise ModelError(
            f"{model.path.with_name('config.json')}: the language {unknown[0]!r} is none of {known}. "
            "For a model of any language leave `language` out."
        )
    return found or None


def _version(folder: Path, model: Model, meanings: Mapping[str, str]) -> str:
    """Changes with any file that can change a score, and with the words of the house."""
    # Exporters keep the weights of a large model beside it: model.onnx.data, model.onnx_data.
    files: Sequence[Path] = [*sorted(folder.glob(f"{model.path.name}*")), folder / "tokenizer.json"]
    total = hashlib.sha256(json.dumps(sorted(meanings.items())).encode())
    for path in [*files, folder / "config.json"]:
        if path.exists():
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:12]
