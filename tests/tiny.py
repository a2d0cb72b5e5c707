"""A classifier small enough to reckon by hand, as a folder that the scorer "strong" reads.

The network adds up a weight for each word and label, then rounds the sums to bytes as quantised models do: by the
range of whatever is heard together. It is written down in ONNX's own form (Protocol Buffers), which takes fewer lines
than the package that writes it takes megabytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

WORDS = {"[PAD]": 0, "[UNK]": 1, "great": 2, "awful": 3, "table": 4}
NEGATIVE, NEUTRAL, POSITIVE = [0, 0, 0, 3, 0], [9, 0, 0, 0, 1], [0, 0, 3, 0, 0]  # a weight for each of WORDS
FLOAT, INT64 = 1, 7

Value = int | str | bytes
Floats = npt.NDArray[np.float32]


def folder(
    path: Path,
    weights: Sequence[Sequence[float]] = (NEGATIVE, NEUTRAL, POSITIVE),
    config: dict[str, object] | None = None,
    inputs: Sequence[str] = ("input_ids", "attention_mask"),
    places: int = 600,
    tokens: int | str = "any",
    kept_to: int | None = None,
) -> Path:
    """A model with a label for each row of weights.

    It has `places` for tokens, or takes just so many `tokens`; the tokenizer keeps to `kept_to`.
    """
    path.mkdir(exist_ok=True)
    (path / "model.onnx").write_bytes(network(np.array(weights, np.float32).T, inputs, places, tokens))
    (path / "tokenizer.json").write_text(tokenizer(kept_to))
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    return path


def tokenizer(kept_to: int | None) -> str:
    """A token for each word. Padding stands in many such files, and must not be heard."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    found = Tokenizer(models.WordLevel(WORDS, "[UNK]"))
    found.normalizer = normalizers.Lowercase()
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.enable_padding(length=16)
    if kept_to:
        found.enable_truncation(kept_to)
    text: str = found.to_str()
    return text


def network(weights: Floats, inputs: Sequence[str], places: int, tokens: int | str) -> bytes:
    """The bytes of model.onnx."""
    nodes = [
        node("CumSum", ["attention_mask", "second"], ["place"]),
        node("Gather", ["places", "place"], ["placed"]),  # fails beyond the last, as real ones do
        node("Cast", ["attention_mask"], ["mask"], to=FLOAT),
        node("Mul", ["mask", "placed"], ["kept"]),
        node("Unsqueeze", ["kept", "third"], ["wide"]),
        node("Gather", ["weights", "input_ids"], ["each"]),
        node("Mul", ["each", "wide"], ["heard"]),
        node("ReduceSum", ["heard", "second"], ["sums"], keepdims=0),
        node("DynamicQuantizeLinear", ["sums"], ["bytes", "scale", "zero"]),
        node("DequantizeLinear", ["bytes", "scale", "zero"], ["logits"]),
    ]
    numbers = {"weights": weights, "places": np.ones(places + 1, np.float32)}
    axes = {"second": np.array([1]), "third": np.array([2])}
    kept = [told(5, tensor(name, each)) for name, each in (numbers | axes).items()]
    asked = [told(11, value(name, INT64, ["batch", tokens])) for name in inputs]
    found = told(12, value("logits", FLOAT, ["batch", weights.shape[1]]))
    graph = b"".join([*(told(1, each) for each in nodes), told(2, "tiny"), *kept, *asked, found])
    return told(1, 8) + told(7, graph) + told(8, told(2, 13))


def node(kind: str, inputs: list[str], outputs: list[str], **numbers: int) -> bytes:
    attributes = [told(5, told(1, name) + told(3, number) + told(20, 2)) for name, number in numbers.items()]
    parts = [*(told(1, name) for name in inputs), *(told(2, name) for name in outputs), told(4, kind), *attributes]
    return b"".join(parts)


def tensor(name: str, numbers: npt.NDArray[np.float32 | np.int64]) -> bytes:
    kind = FLOAT if numbers.dtype == np.float32 else INT64
    sizes = b"".join(told(1, size) for size in numbers.shape)
    return sizes + told(2, kind) + told(8, name) + told(9, numbers.tobytes())


def value(name: str, kind: int, sizes: list[int | str]) -> bytes:
    shape = b"".join(told(1, told(1 if isinstance(size, int) else 2, size)) for size in sizes)
    return told(1, name) + told(2, told(1, told(1, kind) + told(2, shape)))


def told(field: int, given: Value) -> bytes:
    """A numbered field of a message: a number, or bytes with their length."""
    if isinstance(given, int):
        return number(field << 3) + number(given)
    raw = given.encode() if isinstance(given, str) else given
    return number(field << 3 | 2) + number(len(raw)) + raw


def number(given: int) -> bytes:
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    return bytes([given]) if given < 128 else bytes([given & 127 | 128]) + number(given >> 7)
