"""Matrix: what was said in a room, after all edits and redactions, however its events are ordered."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import matrix
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "matrix"
ELEMENT, ANSWERS = FIXTURES / "element", FIXTURES / "answers"
ROOM, ADA, GRACE, TIDES = (
    "!abc:harbour.example.org",
    "@ada:example.org",
    "@grace:harbour.example.org",
    "@tides:harbour.example.org",
)


def records(path: Path, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(matrix.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def second(number: int) -> datetime:
    return datetime.fromtimestamp(1714550000 + number, UTC)


def test_the_rooms_server_is_the_source_and_the_export_names_the_room() -> None:
    assert records(ELEMENT)[0] == Source("matrix", "harbour.example.org", "harbour.example.org")
    assert [r for r in records(ELEMENT) if isinstance(r, Channel)] == [Channel(ROOM, 'Harbour "help"', "chat")]


def test_words_and_events_of_the_room_are_rows_and_changes_of_others_are_not() -> None:
    kinds = {name: message.kind for name, message in messages(ELEMENT).items()}
    assert [name for name, kind in kinds.items() if kind == "message"] == [
        "$1",
        "$3",
        "$4",
        "$5",
        "$6",
        "$7",
        "$9",
        "$b",
    ]
    assert [name for name, kind in kinds.items() if kind == "system"] == ["$c", "$j", "$p", "$r", "$d"]
    assert sum(isinstance(record, Refused) for record in records(ELEMENT)) == 1


@pytest.mark.parametrize(
    ("path", "name", "text", "at"), [(ELEMENT, "$1", "Where to moor?", 12), (ANSWERS, "$20", "high?", 120)]
)
def test_an_edit_by_its_own_author_is_what_a_message_says(path: Path, name: str, text: str, at: int) -> None:
    message = messages(path)[name]
    assert (message.text, message.edited_at) == (text, second(at))


def test_the_newest_edit_counts_whatever_comes_first(tmp_path: Path) -> None:
    export = json.loads((ANSWERS / "help.json").read_text())
    older = json.loads(json.dumps(export["chunk"][0]).replace("$22", "$older").replace("high?", "older?"))
    older["origin_server_ts"] -= 1000
    for chunk in ([older, *export["chunk"]], [*export["chunk"], older]):
        (tmp_path / "help.json").write_text(json.dumps({"chunk": chunk}))
        assert messages(tmp_path)["$20"].text == "high?"


@pytest.mark.parametrize(("path", "name", "at"), [(ELEMENT, "$7", 61), (ANSWERS, "$21", 115)])
def test_a_redacted_message_has_no_words(path: Path, name: str, at: int) -> None:
    message = messages(path)[name]
    assert (message.text, message.deleted_at) == ("", second(at))


def test_replies_threads_and_replies_in_threads() -> None:
    links = {name: (m.conversation_id, m.parent_id, m.basis) for name, m in messages(ELEMENT).items()}
    assert links["$1"] == (None, None, None)
    assert links["$3"] == (None, "$1", "explicit")
    assert links["$4"] == ("$1", "$1", "thread")  # it only names the message before for older clients
    assert links["$5"] == ("$1", "$4", "explicit")


def test_what_a_reply_repeats_is_not_its_own_words() -> None:
    assert messages(ELEMENT)["$3"].text == "Berth 5"


def test_mentions_are_told_or_linked() -> None:
    assert messages(ELEMENT)["$1"].mentions == (GRACE,)
    assert messages(ELEMENT)["$3"].mentions == (TIDES,)  # and not whom the repeated words link


def test_people_have_names_powers_and_programs_are_bots() -> None:
    assert {record.id: record for record in records(ELEMENT) if isinstance(record, Member)} == {
        GRACE: Member(GRACE, "Grace W.", "grace", is_staff=True),
        ADA: Member(ADA, "ada", "ada"),
        TIDES: Member(TIDES, "tides", "tides", is_bot=True),
    }


def test_files_unreadable_words_and_reactions() -> None:
    found = messages(ELEMENT)
    assert (found["$9"].attachments, found["$1"].attachments) == (1, 0)
    assert (found["$b"].kind, found["$b"].text) == ("message", "")
    assert [record for record in records(ELEMENT) if isinstance(record, Reaction)] == [Reaction("$1", "👍", GRACE)]


def test_a_permalink_leads_to_the_message() -> None:
    assert messages(ELEMENT)["$1"].permalink == "https://matrix.to/#/%21abc%3Aharbour.example.org/%241"


def test_a_room_that_lets_in_only_the_invited_is_left_out_unless_asked_for() -> None:
    with Export(ANSWERS) as export:
        assert "secret" not in str(list(matrix.read(export)))
        assert export.left_out == {"private messages": 2}  # and the event that closes it
    found = records(ANSWERS, include_private=True)
    assert Channel("!priv:harbour.example.org", "!priv:harbour.example.org", "chat", is_private=True) in found
    assert [r.text for r in found if isinstance(r, Message) and r.id == "$30"] == ["secret crew"]


def test_an_export_without_events_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(ExportError, match="format JSON"):
        records(tmp_path)


@pytest.mark.parametrize("path", [ELEMENT, ANSWERS], ids=["element", "answers"])
def test_a_damaged_export_is_read_or_refused_but_never_falls_over(path: Path, tmp_path: Path) -> None:
    for spoilt in damaged(path, tmp_path):
        with suppress(ExportError):
            assert isinstance(records(spoilt, include_private=True)[0], Source)
