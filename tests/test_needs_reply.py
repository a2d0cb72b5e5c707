"""What a text says of itself, in fifteen languages: a question without its mark, courtesy, thanks, or none."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests import sparse

LANGUAGES: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("languages.toml").read_text("utf-8")
)

MARKED = {
    "Chinese": "坏了？",
    "Arabic": "حقا؟",
    "Armenian": "Ինչու՞",
    "Greek": "γιατί\u037e",
    "Greek, as its keyboards write it": "Τι ώρα είναι;",
}

SHORT = {  # one that is too short, and one of three words
    "two signs of Chinese to a word": ("灯坏了啊呢", "灯坏了还要换"),
    "two of Japanese, with the long sound": ("サーバー", "サーバーエラー"),
    "four of Thai": ("ขอบคุณครับ", "หลอดไฟของฉันเสียอีกแล้ว"),
    "words of Hindi, whatever their marks": ("नमस्ते दोस्तों", "लैंप फिर बुझ गया"),
    "words of Korean": ("램프가 꺼졌어요", "램프가 또 꺼졌어요"),
    "an emoji with its mark is no word": ("lamp ❤️ dark", "my lamp ❤️ dark"),
}

EXPECTED = [
    *((reason, language, text) for reason, by in LANGUAGES.items() for language in by for text in by[language]),
    *(("question", language, text) for language, text in MARKED.items()),
    *(("too short", rule, text) for rule, (text, _) in SHORT.items()),
    *(("chat", rule, text) for rule, (_, text) in SHORT.items()),
    ("question", "thanks that go on to ask", "Thanks, that solved it. How do I clean the glass"),
    ("chat", "thanks, and it is not over", "Thanks, that solved it for an hour but the lamp is dark again"),
    ("chat", "over, but nobody is thanked", "I fixed my lamp with a new cable yesterday"),
    ("chat", "thanks alone for what is not over", "Thanks for the new cable and all the wick you sent"),
    (
        "chat",
        "so long that more may be in it",
        f"Thanks, that solved it. {'The lamp stands on the table by the door. ' * 8}",
    ),
    ("chat", "a semicolon that is not Greek", "first the lamp; then the cable"),
]


@pytest.fixture(scope="module")
def reasons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Why each text needs a reply or none: all somebody says in a chat, who may have been there before."""
    rows = [
        {"by": f"member{number}", "at": "2026-01-05T10:00Z", "channel": f"chat{number}", "text": text}
        for number, (_, _, text) in enumerate(EXPECTED)
    ]
    store = sparse.store_of(tmp_path_factory.mktemp("words"), rows, forum=(), since=None)
    said = "select messages.text, asks.reason from asks inner join messages using (source_key, message_id)"
    return dict(store.query(said).iter_rows())


@pytest.mark.parametrize(("reason", "language", "text"), EXPECTED)
def test_what_a_text_says_of_itself(reason: str, language: str, text: str, reasons: dict[str, str]) -> None:
    assert reasons[text] == reason, language


def test_every_language_is_tried_in_every_way() -> None:
    """A language that data/words.toml gains comes with its sentences here."""
    words = tomllib.loads((Path(__file__).parent.parent / "data" / "words.toml").read_text("utf-8"))
    known = set().union(*(part for name, part in words.items() if name != "unspaced"))
    assert [set(by) for by in LANGUAGES.values()] == [known] * len(LANGUAGES)
