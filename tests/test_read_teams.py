"""Microsoft Teams: posts and their replies in the answers of the Graph API."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import teams
from tests.damage import damaged

HARBOUR = Path(__file__).parent / "fixtures" / "teams" / "harbour"
TEAM = "11111111-2222-3333-4444-555555555555"
HELP, LOUNGE = "19:help@thread.tacv2", "19:lounge@thread.tacv2"
ROOT = f"{HELP}:1714550000001"


def records(path: Path = HARBOUR, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(teams.read(export))


def messages(path: Path = HARBOUR) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def test_the_team_is_the_source_and_its_channels_are_forums_unless_they_are_laid_out_as_chats() -> None:
    assert records()[0] == Source("teams", TEAM, "Harbour")
    channels = {record.id: record for record in records() if isinstance(record, Channel)}
    assert channels == {HELP: Channel(HELP, "help", "forum"), LOUNGE: Channel(LOUNGE, "lounge", "chat")}


def test_every_public_row_becomes_a_message_or_is_refused() -> None:
    found = records()
    assert sum(isinstance(record, Message) for record in found) == 2 + 3 + 3 + 1
    (refused,) = (record for record in found if isinstance(record, Refused))
    assert (refused.file, refused.place) == ("messages.json", "reply to 1714550000001")


def test_replies_hang_on_their_post_whether_they_come_inside_it_or_alone() -> None:
    found = messages()
    assert (found[ROOT].conversation_id, found[ROOT].parent_id, found[ROOT].basis) == (ROOT, None, None)
    for name in ("1714550060001", "1714550120001", "1714550600000"):
        reply = found[f"{HELP}:{name}"]
        assert (reply.conversation_id, reply.parent_id, reply.basis) == (ROOT, ROOT, "thread")


def test_in_a_chat_a_message_answers_the_one_it_refers_to() -> None:
    answer = messages()[f"{LOUNGE}:1714550710000"]
    assert (answer.conversation_id, answer.parent_id, answer.basis) == (None, f"{LOUNGE}:1714550700000", "explicit")
    assert answer.attachments == 0


def test_text_is_plain_of_either_type_and_files_are_counted() -> None:
    found = messages()
    assert (found[ROOT].text, found[ROOT].title) == ("Where do I moor, Grace W.?", "Mooring")
    assert found[ROOT].attachments == 1
    assert found[f"{HELP}:1714550120001"].text == "thanks <3"


def test_mentions_are_people_and_reactions_are_theirs() -> None:
    assert messages()[ROOT].mentions == ("g1",)  # and the channel
    reactions = [record for record in records() if isinstance(record, Reaction)]
    assert reactions == [Reaction(ROOT, "like", "g1"), Reaction(ROOT, "anchor", "a1")]


def test_owners_are_staff_and_apps_are_bots() -> None:
    assert {record.id: record for record in records() if isinstance(record, Member)} == {
        "g1": Member("g1", "Grace W.", email="grace@harbour.example.org", is_staff=True),
        "a1": Member("a1", "Ada Lark", email="ada@example.org"),
        "bot1": Member("bot1", "Tides", is_bot=True),
    }


def test_events_deletions_edits_and_times() -> None:
    found = messages()
    event, gone = found[f"{HELP}:1714550200000"], found[f"{HELP}:1714550400000"]
    assert (event.kind, event.member_id) == ("system", None)
    assert (gone.text, gone.deleted_at) == ("", datetime(2024, 5, 1, 10, 7, tzinfo=UTC))
    assert found[f"{HELP}:1714550120001"].edited_at == datetime(2024, 5, 1, 10, 3, tzinfo=UTC)
    assert found[ROOT].sent_at == datetime(2024, 5, 1, 10, 0, 0, 1000, UTC)
    assert found[ROOT].permalink == "https://teams.microsoft.com/l/message/1714550000001"


def test_private_channels_and_chats_are_left_out_unless_asked_for() -> None:
    with Export(HARBOUR) as export:
        assert "secret" not in str(list(teams.read(export)))
        assert export.left_out == {"private messages": 3}
    found = records(include_private=True)
    assert sum("secret" in record.text for record in found if isinstance(record, Message)) == 3
    assert Channel("19:a1_g1@unq.gbl.spaces", "direct messages", "chat", is_private=True) in found


def test_two_teams_at_once_are_asked_for_one_by_one(tmp_path: Path) -> None:
    text = (HARBOUR / "messages.json").read_text()
    (tmp_path / "a.json").write_text(text)
    (tmp_path / "b.json").write_text(text.replace(TEAM, "another"))
    with pytest.raises(ExportError, match="2 teams"):
        records(tmp_path)


def test_one_answer_alone_is_enough(tmp_path: Path) -> None:
    (row,) = json.loads((HARBOUR / "replies.json").read_text())["value"]
    (tmp_path / "message.json").write_text(json.dumps(row, indent=1))
    assert list(messages(tmp_path)) == [f"{HELP}:1714550600000"]


def test_an_export_without_messages_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(ExportError, match="holds no messages"):
        records(tmp_path)


def test_a_damaged_export_is_read_or_refused_but_never_falls_over(tmp_path: Path) -> None:
    for spoilt in damaged(HARBOUR, tmp_path, times=300):
        with suppress(ExportError):
            assert isinstance(records(spoilt, include_private=True)[0], Source)
