"""Slack: workspace exports of today and of 2016, and what other tools write in their shape."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Channel, Member, Message, Messages, Reaction, Record, Refused, Source, singly
from ingest.archive import Export, ExportError
from ingest.exports import slack

FIXTURES = Path(__file__).parent / "fixtures" / "slack"
QUAY, BOATYARD, SLIPWAY = FIXTURES / "quay", FIXTURES / "boatyard-2016", FIXTURES / "slipway"
ADA, BEN, EVE, GONE = "U0000ADA1", "U0000BEN1", "U0000EVE1", "U000GONE1"
ROOT = "C0GENERAL:1714586400.000100"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(slack.read(export))


def messages(path: Path) -> dict[str, Message]:
    """By ts."""
    return {record.id.rpartition(":")[2]: record for record in records(path) if isinstance(record, Message)}


def members(path: Path) -> dict[str, Member]:
    return {record.id: record for record in records(path) if isinstance(record, Member)}


def workspace(folder: Path, *rows: dict[str, Any], **files: Any) -> Path:
    """An export of one channel, with rows like `{"text": "hi"}`, and files by their name."""
    day = folder / "general" / "2024-05-01.json"
    day.parent.mkdir(parents=True)
    day.write_text(
        json.dumps([{"type": "message", "user": "U1", "ts": f"{100 + n}.5"} | row for n, row in enumerate(rows)])
    )
    for name, content in {"channels": [{"id": "C1", "name": "general"}], **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def one(folder: Path, row: dict[str, Any], **files: Any) -> Message:
    (message,) = [each for each in records(workspace(folder, row, **files)) if isinstance(each, Message)]
    return message


def test_the_workspace_its_channels_and_its_members() -> None:
    source, *rest = records(QUAY)
    assert source == Source("slack", "T0000QUAY", "quay")
    assert [each for each in rest if isinstance(each, Channel)] == [
        Channel("C0GENERAL", "general", "chat"),
        Channel("C000HELP1", "help", "chat"),
    ]
    moment = datetime(2024, 4, 24, 23, 6, 40, tzinfo=UTC)
    seen_at = datetime(2024, 5, 2, 7, 30, 0, 300, tzinfo=UTC)
    assert members(QUAY) == {
        ADA: Member(ADA, "ada.a", "ada", "ada@quay.example", is_staff=True, updated_at=moment),
        BEN: Member(BEN, "Ben Bos", "ben", updated_at=moment.replace(second=41)),
        GONE: Member(GONE, "gone", "gone", updated_at=datetime(2017, 7, 14, 2, 40, tzinfo=UTC)),
        "USLACKBOT": Member("USLACKBOT", "Slackbot", "slackbot", is_bot=True),
        EVE: Member(EVE, "eve", "eve.ek", updated_at=seen_at),  # of another workspace: not in users.json
        "B0000TIDE": Member(
            "B0000TIDE", "Tide clock", is_bot=True, updated_at=datetime(2024, 5, 1, 19, 0, 0, 100, UTC)
        ),
        "B00DEPLOY": Member("B00DEPLOY", "Deployer", is_bot=True, updated_at=datetime(2024, 5, 1, 19, 10, 0, 100, UTC)),
    }


def test_a_root_with_replies() -> None:
    assert messages(QUAY)["1714586400.000100"].channel_id == "C000HELP1", "ts is unique in its channel only"
    (root,) = [each for each in records(QUAY) if isinstance(each, Message) and each.id == ROOT]
    assert root == Message(
        ROOT,
        "C0GENERAL",
        BEN,
        datetime(2024, 5, 1, 18, 0, 0, 100, tzinfo=UTC),
        "Hi @ada.a, does the winch <A> & the crane (https://quay.example/crane) work? "
        "See #help or https://quay.example",
        conversation_id=ROOT,
        edited_at=datetime(2024, 5, 1, 18, 5, tzinfo=UTC),
        mentions=(ADA,),
    )


@pytest.mark.parametrize(
    ("ts", "member_id", "text"),
    [
        ("1714629599.000200", ADA, "Yes, both do."),
        ("1714635000.000300", EVE, "Not on Sundays"),  # in the next day's file
        ("1714636800.000100", ADA, "@here back at ten"),  # thread_broadcast: a reply shown in the channel too
    ],
)
def test_a_reply(ts: str, member_id: str, text: str) -> None:
    reply = messages(QUAY)[ts]
    assert (reply.member_id, reply.text, reply.kind) == (member_id, text, "message")
    assert (reply.conversation_id, reply.parent_id, reply.basis) == (ROOT, ROOT, "thread")


def test_a_reply_whose_root_is_not_in_the_export_keeps_its_place() -> None:
    assert messages(QUAY)["1714637400.000100"].parent_id == "C0GENERAL:1700000000.000100"


def test_the_day_is_that_of_ts_not_of_the_file() -> None:
    # In general/2024-05-01.json, for in California it is 22:59 on the first of May.
    assert messages(QUAY)["1714629599.000200"].sent_at == datetime(2024, 5, 2, 5, 59, 59, 200, tzinfo=UTC)


def test_reactions_and_those_that_are_only_counted() -> None:
    assert [each for each in records(QUAY) if isinstance(each, Reaction)] == [
        Reaction(ROOT, "eyes", ADA),
        Reaction(ROOT, "eyes", EVE),
        Reaction(ROOT, "eyes", None, 3),
        Reaction(ROOT, "+1::skin-tone-2", GONE),
    ]


def test_a_deleted_root_is_a_deleted_message_of_nobody() -> None:
    gone = messages(QUAY)["1714638000.000100"]
    assert (gone.member_id, gone.text, gone.kind, gone.deleted_at) == (None, "", "message", gone.sent_at)


@pytest.mark.parametrize(
    ("subtype", "kind"),
    [
        *[(name, "message") for name in ("", "file_share", "me_message", "thread_broadcast", "bot_message")],
        *[(name, "message") for name in ("file_comment", "tombstone")],
        *[(name, "system") for name in ("channel_join", "channel_leave", "channel_topic", "channel_name", "bot_add")],
        *[(name, "system") for name in ("pinned_item", "huddle_thread", "reminder_add", "something_new")],
    ],
)
def test_what_is_said_and_what_is_a_system_line(tmp_path: Path, subtype: str, kind: str) -> None:
    assert one(tmp_path, {"subtype": subtype, "text": "x"}).kind == kind


def test_files_and_previews_are_counted_and_tokens_cut_out() -> None:
    assert messages(QUAY)["1714586400.000100"].attachments == 2
    shared = messages(QUAY)["1714586401.000100"]
    assert shared.text == "look: a.png (https://files.example/a.png?t=[token removed]) and [token removed]"
    assert shared.attachments == 1
    assert "xox" not in repr(records(QUAY))


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("&lt;b&gt; &amp;lt; &quot;", "<b> &lt; &quot;"),
        ("<@U2>", "@Ben"),
        ("<@U2|old name>", "@Ben"),
        ("<@U9|niner> and <@U9>", "@niner and @U9"),
        ("<#C1|general> <#C1|> <#C1> <#C9>", "#general #general #general #C9"),
        ("<!here> <!channel> <!here|@here>", "@here @channel @here"),
        ("<!subteam^S1|@crew> <!subteam^S1>", "@crew @S1"),
        ("<!date^1392734382^{date}|18 Feb 2014>", "18 Feb 2014"),
        ("<https://a.b/?x=1&amp;y=2>", "https://a.b/?x=1&y=2"),
        ("<https://a.b|here &amp; there>", "here & there (https://a.b)"),
        ("<http://a.b|a.b> <mailto:x@y.z|x@y.z> <https://a.b|>", "a.b x@y.z https://a.b"),
        ("a < b, <b>bold</b>", "a < b, <b>bold</b>"),
        ("xoxe.xoxp-1-Mi0yLT xoxp-12-34-ab! box-1", "[token removed] [token removed]! box-1"),
        ("&lt;@U2&gt;", "<@U2>"),
    ],
)
def test_text_is_plain(tmp_path: Path, written: str, plain: str) -> None:
    users = [{"id": "U1", "name": "u"}, {"id": "U2", "name": "b", "profile": {"display_name": "Ben"}}]
    assert one(tmp_path, {"text": written}, users=users).text == plain


def test_mentions_are_member_ids_each_once(tmp_path: Path) -> None:
    text = "<@U2> <@W3|three> <@U2> <!here> &lt;@U4&gt;"
    assert one(tmp_path, {"text": text}).mentions == ("U2", "W3")


@pytest.mark.parametrize(
    ("row", "member"),
    [
        ({"bot_id": "B1", "bot_profile": {"name": "Pager"}}, Member("B1", "Pager", is_bot=True)),
        (
            {"bot_id": "B1", "subtype": "bot_message", "user": None, "username": "p"},
            Member("B1", "p", is_bot=True),
        ),
        ({"bot_id": "B1", "user": None}, Member("B1", "B1", is_bot=True)),
        (
            {"bot_id": None, "subtype": "bot_message", "user": None, "username": "p"},
            Member("bot:p", "p", is_bot=True),
        ),
        ({"user": "USLACKBOT"}, Member("USLACKBOT", "Slackbot", is_bot=True)),
        ({"user": "U7"}, Member("U7", "U7")),
        ({"user": "U7", "user_profile": {"name": "x", "real_name": "X Y"}}, Member("U7", "X Y", "x")),
        ({"user": "U7", "user_profile": "odd", "subtype": "channel_join"}, Member("U7", "U7")),
    ],
)
@pytest.mark.parametrize("users", [{}, {"users": [{"id": "U1", "name": "u"}]}])
def test_who_wrote_it(tmp_path: Path, row: dict[str, Any], member: Member, users: dict[str, Any]) -> None:
    path = workspace(tmp_path, row, row, **users)
    known = {"U1"} if users else set()
    (found,) = [each for each in members(path).values() if each.id not in known]
    assert (found.id, found.name, found.handle, found.is_bot) == (
        member.id,
        member.name,
        member.handle,
        member.is_bot,
    )
    assert {each.member_id for each in messages(path).values()} == {member.id}


def test_a_name_that_comes_later_is_told_later(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"subtype": "channel_join"},
        {"user_profile": {"name": "una"}},
        {"user_profile": {"name": "una"}},
    ]
    path = workspace(tmp_path, *rows, users=[{"id": "U2", "name": "b"}])
    told = [each for each in records(path) if isinstance(each, Member) and each.id == "U1"]
    assert [(each.name, each.updated_at) for each in told] == [
        ("U1", None),  # no time, so that it never takes the place of a real name
        ("una", datetime(1970, 1, 1, 0, 1, 41, 500_000, tzinfo=UTC)),
    ]


def test_the_dialect_of_2016() -> None:
    found = messages(BOATYARD)
    assert sorted(found) == [f"1458200{n}00.00000{n + 2}" for n in range(7)]
    said = {ts[-1]: each for ts, each in found.items()}
    assert [said[ts].kind for ts in sorted(said)] == ["system", *["message"] * 5, "system"]
    assert (said["3"].text, said["3"].mentions) == (
        "@cede: the hull of @finn leaks",
        ("U0OLDCEDE", "U0STRANGE"),
    )
    assert (said["4"].member_id, said["4"].text, said["4"].attachments) == ("B0OLDRSS1", "", 1)
    assert (said["5"].member_id, said["5"].text) == ("bot:painter", "paint is dry")
    assert (said["6"].member_id, said["6"].attachments) == ("U0OLDDAAN", 1)
    assert (said["7"].member_id, said["7"].text) == ("U0OLDCEDE", "fix it > now"), "the comment, not its caption"
    assert said["8"].member_id == "U0OLDCEDE", "who added a bot is not the bot"
    assert not any(each.conversation_id for each in found.values())


def test_without_users_json_names_come_from_the_messages() -> None:
    found = messages(SLIPWAY)
    assert found["1717200000.000100"].text == "hello @Gust G", "though Gust speaks later"
    assert members(SLIPWAY)["U0000FINN"].name == "finn the second", "the newest"
    assert records(SLIPWAY)[0] == Source("slack", "T00SLPWAY", "slipway")
    assert found["1717300000.000100"].basis == "thread"
    assert found["1717300001.000100"].conversation_id is None, "an empty thread_ts is none"


def test_a_folder_that_channels_json_lacks_is_known_by_its_name(tmp_path: Path) -> None:
    assert [each for each in records(SLIPWAY) if isinstance(each, Channel)] == [Channel("name:ropes", "ropes", "chat")]
    path = workspace(tmp_path, {}, channels=[{"id": "C2", "name": "other"}])
    assert {each.channel_id for each in messages(path).values()} == {"name:general"}


def test_an_archived_channel_does_not_take_the_folder_of_its_namesake(tmp_path: Path) -> None:
    rooms = [{"id": "C1", "name": "general"}, {"id": "C0", "name": "general", "is_archived": True}]
    for number, channels in enumerate((rooms, rooms[::-1])):
        assert one(tmp_path / str(number), {}, channels=channels).channel_id == "C1"


def test_private_channels_and_direct_messages_are_counted_and_read_when_asked_for() -> None:
    with Export(QUAY) as export:
        said = sum(isinstance(record, Message) for record in slack.read(export))
        assert export.left_out == {"private messages": 3}  # a row in each of three folders
    with Export(QUAY, include_private=True) as export:
        found = list(slack.read(export))
        assert not export.left_out
    assert sum(isinstance(record, Message) for record in found) == said + 3
    closed = {record.id: record.name for record in found if isinstance(record, Channel) and record.is_private}
    private = [record for record in found if isinstance(record, Message) and record.channel_id in closed]
    assert len(private) == 3
    assert "direct messages" in closed.values()
    assert "staff-only" in closed.values()


def test_private_channels_and_direct_messages_are_not_read_unless_asked_for(tmp_path: Path) -> None:
    assert "between us" not in repr(records(QUAY))
    assert len(messages(QUAY)) + 1 == 14  # one ts is in both channels
    closed = [{"id": "C1", "name": "general"}, {"id": "C2", "name": "quiet", "is_private": True}]
    path = workspace(tmp_path / "private", {}, channels=closed)
    for folder in ("quiet", "C2", "D0123ABCD", "mpdm-a--b-1"):
        shutil.copytree(path / "general", path / folder)
    assert {each.channel_id for each in messages(path).values()} == {"C1"}
    assert [each.id for each in records(path) if isinstance(each, Channel)] == ["C1"]
    (path / "groups.json").write_text('[{"id": 5')
    with pytest.raises(ExportError, match=r"groups\.json"):
        records(path)


@pytest.mark.parametrize(
    ("files", "row", "id"),
    [
        (
            {
                "users": [
                    {"id": "U1", "team_id": "T1"},
                    {"id": "U2", "team_id": "T1"},
                    {"id": "U3", "team_id": "T0"},
                ]
            },
            {},
            "T1",
        ),
        ({"users": [{"id": "U1"}]}, {"team": "T2"}, "T2"),
        ({"channels": [{"id": "C1", "name": "general", "is_general": True}]}, {"text": '"team":"T9"'}, "C1"),
        ({}, {}, "Acme Slack export May 1 2024 - Jun 2 2024"),
    ],
)
def test_the_id_of_the_workspace(tmp_path: Path, files: dict[str, Any], row: dict[str, Any], id: str) -> None:
    path = workspace(tmp_path / "Acme Slack export May 1 2024 - Jun 2 2024", row, **files)
    assert records(path)[0] == Source(
        "slack",
        id,
        "Acme",
        covered_until=datetime(2024, 6, 2, 7, tzinfo=UTC),  # midnight in California
    )


@pytest.mark.parametrize(
    ("title", "name", "until"),
    [
        ("Acme & Co Slack export Jan 1 2016 - Feb 30 2016", "Acme & Co", None),
        ("acme slack export", "acme", None),
        ("Slack exporters", "Slack exporters", None),
        ("Acme Slack export Nov 1 2023 - Jan 5 2024 (1)", "Acme", datetime(2024, 1, 5, 8, tzinfo=UTC)),
    ],
)
def test_the_name_of_the_workspace(tmp_path: Path, title: str, name: str, until: datetime | None) -> None:
    source = records(workspace(tmp_path / title, {}))[0]
    assert isinstance(source, Source)
    assert (source.name, source.covered_until) == (name, until)


def test_one_bad_row_is_refused_alone_and_odd_parts_are_forgiven(tmp_path: Path) -> None:
    odd = {
        "reactions": 5,
        "edited": "yes",
        "files": {},
        "attachments": None,
        "user_profile": [],
        "blocks": "x",
    }
    path = workspace(tmp_path, {"text": "a"}, {"ts": 5}, {"ts": "soon"}, {"user": ["U1"]}, {"text": "b"} | odd)
    found = records(path)
    assert [each.text for each in found if isinstance(each, Message)] == ["a", "b"]
    refused = [each for each in found if isinstance(each, Refused)]
    assert [each.reason for each in refused] == [
        "Expected `str`, got `int` - at `$.ts`",
        "its ts is no time",
        "Expected `str | null`, got `array` - at `$.user`",
    ]
    assert {each.file for each in refused} == {"general/2024-05-01.json"}
    assert all(b'"ts"' in each.raw for each in refused)


def test_a_row_that_comes_twice_is_two_messages(tmp_path: Path) -> None:
    path = workspace(tmp_path, {"ts": "1.5"}, {"ts": "1.5"})
    assert sum(isinstance(each, Message) for each in records(path)) == 2


@pytest.mark.parametrize("wrapping", ["", "Quay Slack export/"])
def test_a_zip_is_read_as_its_folder_is(tmp_path: Path, wrapping: str) -> None:
    with zipfile.ZipFile(tmp_path / "quay.zip", "w") as zipped:
        for file in sorted(QUAY.rglob("*.json")):
            zipped.write(file, wrapping + file.relative_to(QUAY).as_posix())
    assert records(tmp_path / "quay.zip") == records(QUAY)
    with Export(tmp_path / "quay.zip") as export:
        assert slack.detects(export) > 0.9


def test_an_export_without_public_messages_is_said_to_be_none(tmp_path: Path) -> None:
    path = workspace(tmp_path / "a", {}, groups=[{"id": "C1", "name": "general"}])
    (tmp_path / "empty").mkdir()
    for each in (path, tmp_path / "empty"):
        with pytest.raises(ExportError, match="no day file of a public channel"):
            records(each)


def test_day_files_that_are_not_slacks_are_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "2024-05-01.json").write_text('[{"ts": 5, "text": "x"}]')
    with Export(tmp_path) as export:
        assert slack.detects(export) == 0


def test_by_the_table_or_one_by_one_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a channel holds much, its plain rows come as columns: the same messages, reactions and members."""
    for export in (QUAY, BOATYARD, SLIPWAY):
        one_by_one = records(export)
        with monkeypatch.context() as patch:
            patch.setattr(slack, "MANY", 3)
            by_the_table = records(export)
        assert any(isinstance(each, Messages) for each in by_the_table)
        assert sorted(map(repr, singly(by_the_table))) == sorted(map(repr, one_by_one))


def test_an_odd_row_among_many_is_refused_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack, "MANY", 2)
    odd = {"text": "when?", "ts": "soon"}
    found = records(workspace(tmp_path, {"text": "one"}, odd, {"text": "three"}, users=[{"id": "U1", "name": "una"}]))
    assert [each.text for each in found if isinstance(each, Message)] == ["one", "three"]
    assert [each.reason for each in found if isinstance(each, Refused)] == ["its ts is no time"]


def test_a_real_export_of_2020(samples: Path) -> None:
    found = records(samples / "slack" / "bcneng+bcneng-slack-exporter-typescript")
    said = [each for each in found if isinstance(each, Message)]
    assert not [each for each in found if isinstance(each, Refused)]
    assert len(said) == 1320
    assert len({each.id for each in said}) == 1320
    assert sum(each.parent_id is not None for each in said) == 873
    assert sum(each.kind == "system" for each in said) == 98 + 5
    ids = {each.id for each in said}
    assert sum(each.parent_id not in ids for each in said if each.parent_id) == 33
    assert sum(each.count for each in found if isinstance(each, Reaction)) >= 874
    assert not any("<@" in each.text or "&amp;" in each.text for each in said)


def test_a_real_export_of_2016(samples: Path) -> None:
    found = records(samples / "slack" / "hfaran+slack-export-viewer" / "testarchive.zip")
    said = [each for each in found if isinstance(each, Message)]
    bots = {each.id for each in found if isinstance(each, Member) and each.is_bot}
    assert len(said) == 158
    assert sum(each.member_id in bots for each in said) == 94
    assert sum(each.kind == "system" for each in said) == 8 + 3
    assert found[0] == Source("slack", "T0BMHLSRH", "testarchive")
    assert not [each for each in found if isinstance(each, Refused)]
