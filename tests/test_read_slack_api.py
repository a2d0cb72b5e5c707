"""Slack's API: its answers and an export of the same words are one conversation."""

from __future__ import annotations

import json
from pathlib import Path

from data.records import Channel, Member, Message, Reaction, Record, Source, singly
from ingest.archive import Export
from ingest.exports import slack, slack_api

HARBOUR = Path(__file__).parent / "fixtures" / "slack_api" / "harbour"
ADA, BEN = "U0000ADA1", "U0000BEN1"
ROOT = "C0GENERAL:1714586400.000100"


def records(path: Path = HARBOUR, *, private: bool = False) -> list[Record]:
    with Export(path, include_private=private) as export:
        return list(singly(slack_api.read(export)))


def messages(found: list[Record]) -> dict[str, Message]:
    return {each.id: each for each in found if isinstance(each, Message)}


def test_the_workspace_its_public_channels_and_its_members() -> None:
    found = records()
    assert found[0] == Source("slack", "T0000QUAY", "T0000QUAY")
    assert [each for each in found if isinstance(each, Channel)] == [Channel("C0GENERAL", "general", "chat")]
    assert {each for each in found if isinstance(each, Member)} == {
        Member(ADA, "ada.a", "ada", is_staff=True),
        Member(BEN, "Ben Bos", "ben"),
    }
    assert [each for each in found if isinstance(each, Reaction)][:2] == [
        Reaction(ROOT, "eyes", BEN),
        Reaction(ROOT, "eyes", None, 1),
    ]


def test_what_is_private_or_of_no_known_channel_is_left_out(tmp_path: Path) -> None:
    with Export(HARBOUR) as export:
        assert "berths" not in str(list(singly(slack_api.read(export))))
        assert export.left_out["private messages"] == 1
    assert "Not for everybody" in {each.text for each in messages(records(private=True)).values()}
    (tmp_path / "a.json").write_text((HARBOUR / "history.json").read_text())
    assert messages(records(tmp_path)) == {}, "no list says that its channel is open"
    assert len(messages(records(tmp_path, private=True))) == 2


def test_a_writer_without_an_id_is_nobody(tmp_path: Path) -> None:
    answer = json.loads((HARBOUR / "history.json").read_text())
    answer["messages"][0]["user"] = ""
    for name in ("channels", "users"):
        (tmp_path / f"{name}.json").write_bytes((HARBOUR / f"{name}.json").read_bytes())
    (tmp_path / "history.json").write_text(json.dumps(answer))
    said = messages(records(tmp_path))[f"C0GENERAL:{answer['messages'][0]['ts']}"]
    assert said.member_id is None
    assert said.text


def test_it_is_the_same_conversation_as_in_an_export(tmp_path: Path) -> None:
    day = tmp_path / "general" / "2024-05-01.json"
    day.parent.mkdir()
    answers = [json.loads((HARBOUR / name).read_text()) for name in ("history.json", "replies.json")]
    rows = {row["ts"]: row for answer in answers for row in answer["messages"]}
    day.write_text(json.dumps([rows[ts] for ts in sorted(rows)]))
    for name, key in (("channels", "channels"), ("users", "members")):
        answer = json.loads((HARBOUR / f"{name}.json").read_text())
        (tmp_path / f"{name}.json").write_text(json.dumps(answer[key][: 1 if name == "channels" else 2]))
    with Export(tmp_path) as export:
        exported = messages(list(singly(slack.read(export))))
        assert slack_api.detects(export) == 0
    assert messages(records()) == exported
    assert exported[f"{ROOT[:-17]}1714586460.000200"].parent_id == ROOT
