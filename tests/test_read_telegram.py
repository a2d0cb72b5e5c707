"""Telegram: groups, channels, topics and whole accounts as Telegram Desktop writes them."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Channel, Member, Message, Messages, Reaction, Record, Refused, Source, singly
from ingest.archive import Export, ExportError
from ingest.exports import telegram

FIXTURES = Path(__file__).parent / "fixtures" / "telegram"
DESK, ROPEWALK, ACCOUNT = FIXTURES / "harbour-desk", FIXTURES / "ropewalk-2019.json", FIXTURES / "account"
GROUP, TOPIC = "1700000001", "1700000001/3"


def records(path: Path, *, private: bool = False) -> list[Record]:
    with Export(path, include_private=private) as export:
        return list(telegram.read(export))


def messages(path: Path = DESK, *, private: bool = False) -> dict[str, Message]:
    return {record.id: record for record in records(path, private=private) if isinstance(record, Message)}


def desk(number: int) -> Message:
    return messages()[f"{GROUP}:{number}"]


def group(*said: dict[str, Any], **head: Any) -> dict[str, Any]:
    """A group's result.json."""
    rows = [{"id": at, "type": "message", "date_unixtime": "1775037600", **row} for at, row in enumerate(said, 1)]
    return {"name": "Quay", "type": "private_supergroup", "id": 17, **head, "messages": rows}


def write(folder: Path, content: dict[str, Any], indent: int | None = 1) -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=False))
    return path


def test_a_group_is_the_source_and_its_own_first_channel() -> None:
    (source, channel, *_) = records(DESK)
    assert source == Source("telegram", GROUP, "Harbour desk")
    assert channel == Channel(GROUP, "Harbour desk", "chat")


def test_a_private_group_exported_alone_was_handed_over_and_is_read() -> None:
    (source, channel, *_) = records(ROPEWALK)
    assert source == Source("telegram", "9300001", "Ropewalk")
    assert channel == Channel("9300001", "Ropewalk", "chat", is_private=True)


@pytest.mark.parametrize("kind", ["personal_chat", "bot_chat", "saved_messages", "replies", "verification_codes"])
def test_a_private_conversation_is_read_only_when_asked_for(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, group({"text": "hush", "from": "Ada", "from_id": "user1"}, type=kind, name=None))
    with pytest.raises(ExportError, match="--include-private"):
        records(path)
    assert messages(path, private=True)["17:1"].text == "hush"
    name = kind.replace("_", " ").capitalize()
    assert records(path, private=True)[:2] == [
        Source("telegram", "17", name),
        Channel("17", name, "chat", is_private=True),
    ]


def test_a_topic_is_a_channel_and_what_begins_in_it_answers_nobody() -> None:
    assert Channel(TOPIC, "Moorings", "chat", updated_at=datetime(2026, 4, 2, 8, tzinfo=UTC)) in records(DESK)
    assert sorted(
        (message.id, message.parent_id) for message in messages().values() if message.channel_id == TOPIC
    ) == [
        (f"{GROUP}:3", None),  # opens it
        (f"{GROUP}:4", None),  # points to what opens it
        (f"{GROUP}:5", f"{GROUP}:4"),
        (f"{GROUP}:6", f"{GROUP}:5"),
    ]


def test_a_reply_names_its_parent_be_it_missing_or_in_another_chat() -> None:
    links = {message.id.split(":")[1]: (message.parent_id, message.basis) for message in messages().values()}
    assert {number: link for number, link in links.items() if link != (None, None)} == {
        "-999999997": (f"{GROUP}:-999999998", "explicit"),
        "5": (f"{GROUP}:4", "explicit"),
        "6": (f"{GROUP}:5", "explicit"),
        "8": ("1700000009:77", "explicit"),
        "10": (f"{GROUP}:11111", "explicit"),
    }


def test_what_was_said_before_a_group_grew_has_an_id_of_its_own_and_no_address() -> None:
    assert desk(-999999998).permalink is None
    assert desk(4).permalink == f"https://t.me/c/{GROUP}/4"


def test_service_lines_are_system_and_say_what_happened() -> None:
    system = {message.id.split(":")[1]: message.text for message in messages().values() if message.kind == "system"}
    assert system == {
        "1": "migrate from group: Harbour",
        "2": "invite members: Linus",
        "3": "topic created: Moorings",
    }
    assert desk(2).member_id == "user502"


def test_a_text_of_parts_is_joined_and_mentions_are_kept() -> None:
    assert desk(4).text == "Where do I moor, Grace? See the map"
    assert desk(4).mentions == ("user502",)
    assert desk(4).attachments == 1


def test_control_characters_are_read_though_telegram_writes_them_wrong() -> None:
    assert desk(5).text == "At pier 5.\x07 Path: C:\\xampp\\x07"


@pytest.mark.parametrize("shift", range(12))
def test_an_escape_is_mended_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    monkeypatch.setattr(telegram, "BLOCK", 64)
    path = tmp_path / "result.json"
    said = "x" * shift + r"\x07\\x07\\\x1F\\\\x0a\"\n" * 3
    path.write_text('{"name": "Quay", "type": "public_supergroup", "id": 17, "messages": [{"id": 1, '
                    f'"type": "message", "date_unixtime": "1775037600", "text": "{said}"}}]}}')  # fmt: skip
    assert messages(path)["17:1"].text == "x" * shift + '\x07\\x07\\\x1f\\\\x0a"\n' * 3


def test_a_poll_is_its_question_and_answers() -> None:
    assert desk(10).text == "Lunch?\n- Fish\n- Soup"


def test_times_are_the_exact_ones_where_they_are_told() -> None:
    assert desk(4).sent_at == datetime(2026, 4, 2, 8, 5, tzinfo=UTC)
    assert desk(4).edited_at == datetime(2026, 4, 2, 8, 6, tzinfo=UTC)


def test_in_an_old_export_a_time_is_taken_as_utc_and_1970_is_none() -> None:
    asked, answered = messages(ROPEWALK).values()
    assert asked.sent_at == datetime(2019, 6, 1, 8, tzinfo=UTC)
    assert asked.edited_at == datetime(2019, 6, 1, 8, 5, tzinfo=UTC)
    assert answered.edited_at is None


def test_a_senders_number_in_an_old_export_is_the_user_of_a_new_one() -> None:
    assert messages(ROPEWALK)["9300001:20"].member_id == desk(8).member_id == "user501"


def test_a_deleted_account_is_nobody() -> None:
    assert desk(6).member_id is None
    assert "user504" not in {record.id for record in records(DESK) if isinstance(record, Member)}


def test_members_are_told_with_their_newest_name_and_what_they_are() -> None:
    told = [(r.id, r.name, r.is_bot, r.is_staff) for r in records(DESK) if isinstance(r, Member)]
    assert told == [
        ("user501", "Ada", False, False),
        (f"channel{GROUP}", "Harbour desk", False, True),  # an admin who speaks as the group
        ("user502", "Grace", False, False),
        ("user503", "Linus", False, False),
        ("user505", "Tide Watch", True, False),  # has buttons under its words, as only bots do
        ("user501", "Ada L.", False, False),
    ]


@pytest.mark.parametrize(
    ("name", "is_bot"), [("SpliceBot", True), ("Rope Bot", True), ("rope_bot", True), ("Ada Talbot", False)]
)
def test_a_bot_is_known_by_its_name(tmp_path: Path, name: str, is_bot: bool) -> None:
    path = write(tmp_path, group({"text": "hi", "from": name, "from_id": "user1"}))
    assert [record.is_bot for record in records(path) if isinstance(record, Member)] == [is_bot]


def test_reactions_name_who_is_known_and_count_the_others() -> None:
    assert [record for record in records(DESK) if isinstance(record, Reaction)] == [
        Reaction(f"{GROUP}:4", "⚓", "user501"),
        Reaction(f"{GROUP}:4", "⚓", count=2),
        Reaction(f"{GROUP}:4", "custom emoji", count=1 + 2),
    ]


def test_what_telegram_could_not_export_and_what_has_no_date_is_refused() -> None:
    (unsupported,) = (record for record in records(DESK) if isinstance(record, Refused))
    assert unsupported.place == f"message 9 of chat {GROUP}"
    assert unsupported.raw == b'{"id":9,"type":"unsupported"}'
    (undated,) = (record for record in records(ROPEWALK) if isinstance(record, Refused))
    assert "no date" in undated.reason


def test_of_an_account_only_public_chats_are_read_and_the_rest_is_counted() -> None:
    with Export(ACCOUNT) as export:
        found = list(telegram.read(export))
        assert export.left_out == {"private messages": 2 + 0 + 1}
        assert export.done == export.size
    assert found[0] == Source("telegram", "user502", "Grace \x07 of the {harbour}")
    assert [(r.id, r.name) for r in found if isinstance(r, Channel)] == [
        ("1700000009", 'Notices, "messages": ['),
        ("1700000010", "Sailors"),
    ]
    assert [r.id for r in found if isinstance(r, Message)] == ["1700000009:77", "1700000010:77"]


def test_of_an_account_everything_is_read_when_asked_for() -> None:
    assert list(messages(ACCOUNT, private=True)) == [
        "501:1", "501:2", "1700000009:77", "1700000010:77", "9300002:5",
    ]  # fmt: skip


def test_an_account_of_private_chats_only_says_what_to_do(tmp_path: Path) -> None:
    content = {"about": "Data", "chats": {"about": "", "list": [group({"text": "a"}, type="private_group")]}}
    with pytest.raises(ExportError, match="Export the group alone"):
        records(write(tmp_path, content))


def test_an_account_without_its_owners_name_is_still_one_source(tmp_path: Path) -> None:
    content = {"about": "Data", "chats": {"about": "", "list": [group({"text": "a"}, type="public_supergroup")]}}
    assert records(write(tmp_path, content))[0] == Source("telegram", "account", "Telegram account")


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_the_layout_of_the_file_does_not_matter(tmp_path: Path, indent: int | None) -> None:
    content = json.loads((ACCOUNT / "result.json").read_text().replace(r"\x07", r"\u0007"))
    assert records(write(tmp_path, content, indent), private=True) == records(ACCOUNT, private=True)


def test_chats_far_longer_than_a_block_are_read_whole(tmp_path: Path) -> None:
    chats = [
        group(*({"text": f"{number} " + "ö" * 200} for number in range(4000)), id=chat, type="public_supergroup")
        for chat in (1, 2, 3)
    ]
    found = messages(write(tmp_path, {"about": "Data", "chats": {"list": chats}}))
    assert len(found) == 12_000
    assert found["3:4000"].text.startswith("3999 ")


def test_a_message_that_does_not_fit_is_refused_alone_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, group({"text": "a"}, {"text": 5}, {"text": "c"}))
    (refused,) = (record for record in records(path) if isinstance(record, Refused))
    assert refused.place.endswith(" of the messages of chat 17")
    assert list(messages(path)) == ["17:1", "17:3"]


def test_a_chat_of_an_account_that_does_not_say_which_it_is_is_refused(tmp_path: Path) -> None:
    good = group({"text": "a"}, type="public_supergroup")
    bad = group({"text": "b"}, id="none")
    found = records(write(tmp_path, {"about": "Data", "chats": {"list": [bad, good]}}))
    assert [type(record) for record in found] == [Source, Refused, Channel, Message]


def test_several_exports_at_once_are_asked_for_singly(tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(DESK, tmp_path / name)
    with Export(tmp_path) as export:
        assert telegram.detects(export) == 0, "each of them is an export: the folder is none"
    with pytest.raises(ExportError, match="singly"):
        records(tmp_path)


def test_the_html_variant_is_known_and_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "messages.html").write_text('<html><body><div class="page_wrap"></div></body></html>')
    with Export(tmp_path) as export:
        assert telegram.detects(export) == 0.5
    with pytest.raises(ExportError, match="machine-readable JSON"):
        records(tmp_path)


@pytest.mark.parametrize("name", ["harbour-desk/result.json", "account/result.json", "ropewalk-2019.json"])
def test_no_damage_ever_raises_anything_but_an_export_error(tmp_path: Path, name: str) -> None:
    whole, dice, path = (FIXTURES / name).read_bytes(), random.Random(7), tmp_path / "result.json"
    for _ in range(150):
        broken = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.3 else whole)
        for _ in range(dice.randrange(1, 4) if broken else 0):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken)
        with Export(path) as export:
            telegram.detects(export)
            try:
                list(telegram.read(export))
            except ExportError as error:
                assert str(error).startswith(("telegram: ", "result.json"))  # noqa: PT017 - one of hundreds may raise


@pytest.mark.parametrize("wrong", [None, 5, -1.5, "", "x", [], ["x", None], {}, [[]], True, 10**30])
def test_a_field_of_another_type_costs_at_most_its_own_message(tmp_path: Path, wrong: object) -> None:
    rows = json.loads((DESK / "result.json").read_text().replace(r"5.\x07", "5."))["messages"]
    for at, row in enumerate(rows):
        for key in row:
            changed = {**group(), "messages": [*rows[:at], {**row, key: wrong}, *rows[at + 1 :]]}
            found = records(write(tmp_path, changed))
            refused = [record for record in found if isinstance(record, Refused)]
            assert sum(isinstance(record, Message) for record in found) + len(refused) == len(rows)
            assert len(refused) <= 2, "the one that is always refused, and this"


def test_a_real_channel_and_made_up_chats_of_others_are_read_whole(samples: Path) -> None:
    for path in (samples / "telegram").rglob("result.json"):
        plain = json.loads(path.read_text())
        chats = [plain] if "messages" in plain else plain["chats"]["list"]
        rows = Counter(row["type"] for chat in chats for row in chat["messages"])
        found = records(path, private=True)
        kinds = Counter("service" if r.kind == "system" else r.kind for r in found if isinstance(r, Message))
        assert kinds == rows
        texts = [row["text"] for chat in chats for row in chat["messages"] if isinstance(row.get("text"), str)]
        assert set(filter(None, texts)) <= {record.text for record in found if isinstance(record, Message)}


def test_by_the_table_or_one_by_one_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a chat holds much, what was simply said comes as columns: the same messages, reactions and members."""
    entity = [{"type": "mention_name", "text": "Ben", "user_id": 8}, " see ", {"type": "bold", "text": "this"}]
    odd: list[dict[str, Any]] = [
        {"text": entity, "reply_to_message_id": 1, "reactions": [{"type": "emoji", "count": 3, "emoji": "🔥"}]},
        {"photo": "a.jpg", "edited": "2026-04-01T12:00:00", "edited_unixtime": "1775037660"},
        {"edited": "1970-01-01T00:00:00", "edited_unixtime": "0"},
        {"reply_to_message_id": 5, "reply_to_peer_id": "channel9"},
        {"reply_to_message_id": 5, "text": "itself"},
        {"from": "Ada, renamed"},
        {"from_id": 7, "from": "Ada, renamed"},
        {"inline_bot_buttons": [[{"text": "Go"}]]},
        {"poll": {"question": "Tea?", "answers": [{"text": "Yes"}]}},
        {"type": "service", "action": "topic_created", "title": "Knots", "actor": "Ada", "actor_id": "user7"},
        {"reply_to_message_id": 10},
    ]
    said = [{"from": "Ada", "from_id": "user7", "text": f"Said {at}", **row} for at, row in enumerate(odd * 2)]
    exports = [DESK, ROPEWALK, *(write(_made(tmp_path / kind), group(*said, type=kind)) for kind in telegram.SHARED)]
    for export in exports:
        one_by_one = records(export)
        with monkeypatch.context() as patch:
            patch.setattr(telegram, "MANY", 2)
            by_the_table = records(export)
        assert sorted(map(repr, singly(by_the_table))) == sorted(map(repr, one_by_one))
        assert any(isinstance(each, Messages) for each in by_the_table) == (export != ROPEWALK)


@pytest.mark.parametrize(
    "odd",
    [
        {"date_unixtime": "soon", "date": "2026-04-01T12:00:00"},
        {"date_unixtime": "5"},
        {"date_unixtime": "99999999999999"},
        {"date_unixtime": "99999999999999999999"},
        {"edited": "yes", "edited_unixtime": "later"},
        {"text": "\ud83d"},
    ],
)
def test_an_odd_row_among_many_spoils_no_other(odd: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    rows = [{"from": "Ada", "from_id": "user7", "text": str(at)} for at in range(5)]
    (tmp_path / "result.json").write_text(json.dumps(group(*rows, {**rows[0], **odd}, *rows)))
    one_by_one = records(tmp_path)
    monkeypatch.setattr(telegram, "MANY", 20)
    assert sorted(map(repr, singly(records(tmp_path)))) == sorted(map(repr, one_by_one))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
