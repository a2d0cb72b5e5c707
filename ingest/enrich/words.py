"""What of a message is scored: what its writer says, without quotes, code, links, names and signatures."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from enum import IntFlag
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

LONGEST: Final = 20_000  # bytes; what is longer is a paste, not an opinion
PARTS: Final = (
    r"(?s:```.*?(?:```|\z))",  # fenced code
    r"(?s:<(?:pre|code|blockquote)>.*?</(?:pre|code|blockquote)>)",
    r"`[^`\n]+`",
    r"(?m:^[ \t]*(?:>|&gt;).*$)",  # quotes
    r"(?m:^On .{1,200} wrote:[ \t]*$)",
    r"(?s:\n-- ?\n.*\z)",  # a signature, as mail has marked it since 1994
    r"(?m:^Sent from my .{1,40}$)",
    r"https?://\S+",
    r"www\.\S+",
    r"<[@#!][^>\n]{1,80}>",  # Slack's and Discord's mentions
    r"[\w.+-]*@\w[\w.-]*",  # other mentions, and addresses
)
LEFT_OUT: Final = "|".join(PARTS)
BOT: Final = r"(?i)\bI am a bot\b|\bI'm a bot\b|action was performed automatically|\bbeep boop\b"


class Flag(IntFlag):
    """Why a message is unclassified, or what was met on the way."""

    not_text = 1
    empty = 2
    too_long = 4
    nothing_said = 8  # only code, links, quotes, names, numbers or signs
    bot = 16
    language = 32  # not one that the scorer knows
    overlay = 64  # words of the house were read in its sense; the message is classified all the same
    truncated = 128  # the scorer heard its beginning only; it is classified by that


UNCLASSIFIED: Final = Flag.not_text | Flag.empty | Flag.too_long | Flag.nothing_said | Flag.bot | Flag.language


def names(flags: int) -> list[str]:
    """The flags by name."""
    return [str(flag.name) for flag in Flag if flag & flags]


def raised(where: npt.NDArray[np.bool_], flag: Flag) -> pl.Series:
    """A flag where it holds, else 0."""
    return pl.Series(where, dtype=pl.Boolean).cast(pl.UInt16) * int(flag)


class Overlay:
    """Words of the house, each with the plain words it stands for: `lgtm` = `looks great`."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = {phrase.lower(): meaning for phrase, meaning in meanings.items()}
        phrases = sorted(self._meanings, key=lambda phrase: (-len(phrase), phrase))
        short = [phrase for phrase in phrases if phrase.isascii() and phrase.isalnum() and len(phrase) < 3]
        self._short = f"(?i-u)\\b(?:{'|'.join(short)})\\b" if short else "[^\\s\\S]"
        self._long = sorted(set(phrases) - set(short))
        # Small letters, grouped by the first: so the engine goes on only where a phrase can begin.
        firsts = {phrase[0]: [each for each in phrases if each[0] == phrase[0]] for phrase in phrases}
        self._exact = re.compile("|".join(_branch(first, each) for first, each in firsts.items()))

    def read(self, texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The texts in plain words, and which of them changed."""
        if not self._meanings:
            return texts, texts.is_null() & False
        # Most messages have none of them; `ty` would be met in every `party` but for the word's edges.
        is_hinted = texts.str.contains_any(self._long, ascii_case_insensitive=True) | texts.str.contains(self._short)
        hinted = is_hinted.arg_true()
        before = texts.gather(hinted)
        after = pl.Series([self._exact.sub(self._meaning, text.lower()) for text in before], dtype=pl.String)
        changed = pl.repeat(value=False, n=len(texts), eager=True, dtype=pl.Boolean).scatter(
            hinted, before.str.to_lowercase() != after
        )
        return texts.scatter(hinted, after), changed

    def _meaning(self, found: re.Match[str]) -> str:
        """What a phrase stands for, if it is no part of a longer word; an emoji may touch what is beside it."""
        before = found.string[found.start() - 1 : found.start()]
        if found[0][0].isascii() and (before.isalnum() or before == "_"):
            return found[0]
        return f" {self._meanings[found[0]]} "


def _branch(first: str, phrases: list[str]) -> str:
    rests = (re.escape(each[1:]) + r"(?!\w)" * each[-1].isascii() for each in phrases)
    return f"{re.escape(first)}(?:{'|'.join(rests)})"


@cache
def default_overlay() -> dict[str, str]:
    """The words that any community uses."""
    found: dict[str, str] = tomllib.loads((Path(__file__).parent / "overlay.toml").read_text("utf-8"))["words"]
    return found


def as_texts(given: object) -> pl.Series:
    """Anything as a column of text: what is no text is null, half a character is a question mark."""
    if isinstance(given, pl.Series):
        return given if given.dtype == pl.String else pl.Series([None] * len(given), dtype=pl.String)
    texts = [text if isinstance(text, str) else None for text in given]  # type: ignore[attr-defined]
    try:
        return pl.Series(texts, dtype=pl.String)
    except UnicodeEncodeError:
        whole = [None if text is None else text.encode(errors="replace").decode() for text in texts]
        return pl.Series(whole, dtype=pl.String)


def _cut(texts: pl.Series) -> pl.Series:
    """The texts without what is left out; most have nothing of it, and need no copy."""
    cut = texts.str.contains(LEFT_OUT).arg_true()
    return texts.scatter(cut, texts.gather(cut).str.replace_all(LEFT_OUT, " "))


def _emptied(texts: pl.Series, where: pl.Series) -> pl.Series:
    return texts.set(where, "") if where.any() else texts  # a copy costs more than the look


def said(texts: pl.Series, overlay: Overlay) -> tuple[pl.Series, pl.Series]:
    """What each message says, empty where it is not to be scored, and its flags."""
    is_text, is_short = texts.is_not_null(), texts.str.len_bytes().fill_null(0) <= LONGEST
    kept = _emptied(texts, ~(is_text & is_short))
    is_bot = kept.str.contains(BOT)
    plain, is_read = overlay.read(_emptied(_cut(kept), is_bot))
    flags = (
        (~is_text).cast(pl.UInt16) * Flag.not_text
        + (is_text & (texts.str.len_bytes() == 0).fill_null(value=False)).cast(pl.UInt16) * Flag.empty
        + (~is_short).cast(pl.UInt16) * Flag.too_long
        + is_bot.cast(pl.UInt16) * Flag.bot
        + is_read.cast(pl.UInt16) * Flag.overlay
    )
    return plain, flags
