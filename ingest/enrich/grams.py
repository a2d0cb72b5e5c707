"""What the scorer sees in a text: its words with their negation, pairs of words, and pieces of words, hashed.

All sums are of whole numbers and every hash is of bytes, so that two machines see the same.
A text is folded first: ASCII letters small, a sign repeated more than twice only twice, any space one space.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.uint32]
Code = TypeVar("Code", bound=Callable[..., Any])

LONGEST_PIECE: Final = 5
REACH: Final = 3  # words that a "not" turns round
PER_BYTE: Final = 2 + LONGEST_PIECE  # the most slots that one byte can fill
MARKS: Final = 1 << 18
ENGLISH: Final = 1  # marks of a word
NEGATES: Final = 2
NEGATIONS: Final = (
    "not no never none nobody nothing neither nor nowhere without cannot cant wont dont doesnt didnt isnt arent "
    "wasnt werent havent hasnt hadnt shouldnt wouldnt couldnt aint hardly barely can't won't don't doesn't didn't "
    "isn't aren't wasn't weren't haven't hasn't hadn't shouldn't wouldn't couldn't ain't"
)

PRIME: Final = np.uint64(0x100000001B3)
WORD_SEED: Final = np.uint64(0xCBF29CE484222325)
PIECE_SEED: Final = np.uint64(0x84222325CBF29CE4)
NEGATED: Final = np.uint64(0x9E3779B97F4A7C15)
PAIRED: Final = np.uint64(0x9DDFEA08EB382D69)
SIGN, LETTER, DIGIT = 0, 1, 2


def _kinds() -> Bytes:
    kinds = np.full(256, SIGN, np.uint8)
    kinds[[39, *range(97, 123), *range(128, 256)]] = LETTER
    kinds[48:58] = DIGIT
    return kinds


KINDS: Final = _kinds()


def compiled(function: Code) -> Code:
    """The function as machine code, kept for the next start where a folder can be written."""
    try:
        return cast(Code, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba found no folder to write to
        return cast(Code, numba.njit(nogil=True)(function))


@compiled
def fold(text: Bytes, folded: Bytes) -> int:
    """Write the folded text between two spaces; its length. `folded` must be 2 longer than the text."""
    folded[0] = 32
    size = 1
    for read in text:
        byte = 32 if read < 33 else read + 32 if 65 <= read <= 90 else read
        if byte == folded[size - 1] and (byte == 32 or (byte < 128 and size > 1 and byte == folded[size - 2])):
            continue
        folded[size] = byte
        size += 1
    if folded[size - 1] != 32:
        folded[size] = 32
        size += 1
    return size


@compiled
def slot(hashed: np.uint64, slots: int) -> np.uint32:
    """Where a hash falls among so many slots."""
    mixed = (hashed ^ (hashed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.uint32(((mixed >> np.uint64(32)) * np.uint64(slots)) >> np.uint64(32))


@compiled
def hash_bytes(text: Bytes, since: int, until: int) -> np.uint64:
    """FNV-1a, 64 bits."""
    hashed = WORD_SEED
    for at in range(since, until):
        hashed = (hashed ^ np.uint64(text[at])) * PRIME
    return hashed


@compiled
def token_end(text: Bytes, at: int) -> int:
    """Where the token at this place ends. Letters stay together, signs stay together, an emoji stands alone."""
    if is_emoji(text[at]):
        return min(at + (4 if text[at] >= 0xF0 else 3), len(text))
    is_sign = KINDS[text[at]] == SIGN
    end = at + 1
    while end < len(text) and text[end] != 32 and (KINDS[text[end]] == SIGN) == is_sign and not is_emoji(text[end]):
        end += 1
    return end


@compiled
def is_emoji(byte: int) -> bool:
    """Whether a character that begins so is an emoji or a symbol."""
    return byte == 0xE2 or byte >= 0xF0


@compiled
def words(text: Bytes, marks: Bytes, slots: int, found: Slots) -> tuple[int, int, int]:
    """Fill `found` with the slots of tokens and pairs: how many, how many are words, how many of these English."""
    filled = spoken = english = reach = 0
    before = np.uint64(0)
    at = 1
    while at < len(text):
        if text[at] == 32:
            at += 1
            continue
        end = token_end(text, at)
        hashed = hash_bytes(text, at, end)
        found[filled] = slot(hashed ^ NEGATED if reach > 0 else hashed, slots)
        found[filled + 1] = slot((before * PAIRED) ^ hashed, slots)
        filled += 2
        if KINDS[text[at]] == SIGN:
            reach = 0
        elif KINDS[text[at]] != DIGIT and not is_emoji(text[at]):
            mark = marks[slot(hashed, MARKS)]
            spoken += 1
            english += mark & ENGLISH if text[at] < 128 else 0
            reach = REACH if mark & NEGATES else max(0, reach - 1)
        before, at = hashed, end
    return filled, spoken, english


@compiled
def pieces(text: Bytes, slots: int, since: int, found: Slots) -> int:
    """Fill `found` with the slots of every piece of 2 to 5 bytes that does not span two words; how many."""
    filled = np.uint64(0)
    for at in range(len(text) - 1):
        hashed = (PIECE_SEED ^ np.uint64(text[at])) * PRIME
        for end in range(at + 1, min(at + LONGEST_PIECE, len(text))):
            hashed = (hashed ^ np.uint64(text[end])) * PRIME
            found[filled] = np.uint32(since) + slot(hashed, slots)
            filled += np.uint64(1)
            if text[end] == 32:
                break
    return int(filled)
