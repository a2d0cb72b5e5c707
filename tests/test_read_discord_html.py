"""Discord: the pages of DiscordChatExporter, of today and of some years ago."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import discord, discord_html

FIXTURES = Path(__file__).parent / "fixtures"
HARBOUR = FIXTURES / "discord_html" / "harbour"
PAGE = HARBOUR / "Harbour - Text Channels - general [7000000000000000001].html"
GUILD, GENERAL, HELP = "9000000000000000001", "7000000000000000001", "category:help"
ADA, GRACE = "8000000000000000001", "8000000000000000002"
FIRST = 1400000000000000000


def records(path: Path = HARBOUR, *, private: bool = False) -> list[Record]:
    with Export(path, include_private=private) as export:
        return list(discord_html.read(export))


def messages(path: Path = HARBOUR) -> dict[int, Message]:
    return {int(record.id) - FIRST: record for record in records(path) if isinstance(record, Message)}


def changed(folder: Path, *changes: tuple[str, str], name: str = PAGE.name) -> Path:
    """The page of the general channel, with other words in it."""
    html = PAGE.read_text()
    for old, new in changes:
        assert old in html
        html = html.replace(old, new)
    (folder / name).write_text(html)
    return folder


def test_a_server_loaded_from_pages_and_from_json_is_one() -> None:
    with Export(FIXTURES / "discord" / "harbour") as export:
        theirs = list(discord.read(export))
    ours = records()
    assert isinstance(theirs[0], Source)
    assert ours[0] == Source("discord", GUILD, "Harbour")
    assert (theirs[0].platform, theirs[0].id, theirs[0].name) == ("discord", GUILD, "Harbour")
    for kind in (Member, Channel):
        ids = [{record.id for record in found if isinstance(record, kind)} for found in (ours, theirs)]
        assert ids[0] & ids[1], "the same people, and the same channel"


def test_every_message_of_every_page_is_read() -> None:
    assert sorted(messages()) == [1, 2, 3, 4, 5, 6, 20, 21, 31, 32]
    assert not [record for record in records() if isinstance(record, Refused)]


def test_a_time_is_the_exact_one_that_is_in_the_id(tmp_path: Path) -> None:
    """The id, and its time, are the example of Discord's own manual."""
    folder = changed(tmp_path, ("data-message-id=1400000000000000002", "data-message-id=175928847299117063"))
    (message,) = (found for found in messages(folder).values() if found.id == "175928847299117063")
    assert message.sent_at == datetime(2016, 4, 30, 11, 18, 25, 796_000, tzinfo=UTC)


def test_the_words_are_plain() -> None:
    assert messages()[1].text == "Where do I moor, please? ⚓:quay:\na <b>"
    assert messages()[3].text == "> Where do I moor\nAt pier 5, @Ada & Co:\n1 < 2"
    assert messages()[5].text == "", "what a bot shows below its words is not said"
    assert (messages()[31].text, messages()[32].text) == ("Fish?", "Or soup")


def test_of_a_group_the_first_says_who_wrote_it() -> None:
    assert [messages()[number].member_id for number in (1, 2, 3, 4)] == [ADA, ADA, GRACE, None]
    assert [messages()[number].member_id for number in (31, 32)] == [ADA, ADA]


def test_members_are_told_once_without_the_digits_of_old_names() -> None:
    assert [(r.id, r.name, r.handle, r.is_bot) for r in records() if isinstance(r, Member)] == [
        (ADA, "Ada & Co", "ada", False),
        (GRACE, "Grace", "grace", False),
        ("8000000000000000003", "tide-bot", "tide-bot", True),
    ]


def test_a_reply_names_its_parent_unless_that_was_deleted() -> None:
    links = {number: (message.parent_id, message.basis) for number, message in messages().items() if message.basis}
    assert links == {
        3: (str(FIRST + 1), "explicit"),
        21: (None, "thread"),
        32: (str(FIRST + 31), "explicit"),
    }


def test_a_pin_is_a_system_line_and_no_reply() -> None:
    pin = messages()[6]
    assert (pin.kind, pin.text, pin.parent_id, pin.member_id) == (
        "system", "pinned a message to this channel.", None, GRACE,
    )  # fmt: skip


def test_mentions_reactions_and_attachments() -> None:
    assert messages()[3].mentions == (ADA,)
    assert messages()[1].attachments == 1
    assert [record for record in records() if isinstance(record, Reaction)] == [
        Reaction(str(FIRST + 1), "thumbsup", count=3),
        Reaction(str(FIRST + 1), 'quay "5"'),
    ]


def test_threads_are_conversations_in_the_channel_they_hang_under() -> None:
    where = {number: (m.channel_id, m.conversation_id, m.title) for number, m in messages().items()}
    assert where[1] == (GENERAL, None, None)
    assert where[21] == (HELP, str(FIRST + 20), "Engine trouble")
    assert where[32] == (GENERAL, str(FIRST + 30), "Lunch plans")
    kinds = {(record.id, record.name, record.kind) for record in records() if isinstance(record, Channel)}
    assert (HELP, "help", "forum") in kinds
    assert (GENERAL, "general", "chat") in kinds


def test_a_link_leads_to_the_message_where_all_of_it_is_known(tmp_path: Path) -> None:
    assert messages()[1].permalink == f"https://discord.com/channels/{GUILD}/{GENERAL}/{FIRST + 1}"
    assert messages()[21].permalink == f"https://discord.com/channels/{GUILD}/{FIRST + 20}/{FIRST + 21}"
    assert messages(changed(tmp_path, name="general.html"))[1].permalink is None


def test_a_server_without_an_icon_goes_by_its_name(tmp_path: Path) -> None:
    assert records(changed(tmp_path, (f"icons/{GUILD}/", "embed/avatars/")))[0] == Source(
        "discord", "Harbour", "Harbour"
    )


@pytest.mark.parametrize(
    ("path", "name", "parent"),
    [
        ("Text Channels / general", "general", None),
        ("general", "general", None),
        ("general / Lunch", "Lunch", "general"),
        ("Rooms / help / fuel", "fuel", "help"),
        ("Rooms / A / Lounge", "Lounge", None),  # its category is "Rooms / A"
        ("Rooms / help / a / b", "a / b", "help"),
    ],
)
def test_a_thread_is_told_from_a_channel_by_what_it_hangs_under(
    tmp_path: Path, path: str, name: str, parent: str | None
) -> None:
    said = (("Text Channels / general", path), ("Harbour - general", f"Harbour - {name}"))
    found = messages(changed(tmp_path, *said, name="x.html"))[2]
    assert found.title == (name if parent else None)
    assert found.channel_id == f"category:{parent or name}"


def test_direct_messages_are_left_out_counted_and_read_when_asked_for(tmp_path: Path) -> None:
    shutil.copytree(HARBOUR, tmp_path, dirs_exist_ok=True)
    entry = ("<div class=preamble__entry>Harbour<", "<div class=preamble__entry>Direct Messages<")
    changed(tmp_path, entry, (f"icons/{GUILD}/", "embed/avatars/"), name="z.html")
    with Export(tmp_path) as export:
        assert sum(isinstance(record, Message) for record in discord_html.read(export)) == 10
        assert export.left_out == {"private messages": 6}
    (tmp_path / "dm").mkdir()
    (tmp_path / "z.html").rename(tmp_path / "dm" / "z.html")
    with pytest.raises(ExportError, match="--include-private"):
        records(tmp_path / "dm")
    assert sum(isinstance(record, Message) for record in records(tmp_path / "dm", private=True)) == 6


def test_two_servers_at_once_are_asked_for_one_by_one(tmp_path: Path) -> None:
    shutil.copytree(HARBOUR, tmp_path, dirs_exist_ok=True)
    changed(tmp_path, ("<div class=preamble__entry>Harbour<", "<div class=preamble__entry>Airport<"), name="z.html")
    with pytest.raises(ExportError, match=r"several servers \(Airport, Harbour\)"):
        records(tmp_path)


def test_a_folder_of_other_pages_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!doctype html><title>x</title><p>From here</p>")
    with pytest.raises(ExportError, match="no page of DiscordChatExporter"):
        records(tmp_path)


def test_a_message_without_a_sound_id_or_author_is_refused_alone(tmp_path: Path) -> None:
    bad = ("data-message-id=1400000000000000002", "data-message-id=none"), ("data-user-id=8000000000000000003", "")
    found = records(changed(tmp_path, *bad))
    reasons = [record.reason for record in found if isinstance(record, Refused)]
    assert reasons == ["its id is not a number", "it does not say who wrote it"]
    assert sum(isinstance(record, Message) for record in found) == 4


def test_a_place_is_where_the_message_begins_in_the_file(tmp_path: Path) -> None:
    folder = changed(tmp_path, ("data-message-id=1400000000000000004", "data-message-id=x"))
    (refused,) = (record for record in records(folder) if isinstance(record, Refused))
    at = int(refused.place.removeprefix("byte "))
    assert (folder / PAGE.name).read_bytes()[at:].startswith(b"<div id=chatlog__message-container-1400000000000000004")


def test_a_page_that_was_cut_off_keeps_what_it_has(tmp_path: Path) -> None:
    whole = PAGE.read_bytes()
    (tmp_path / PAGE.name).write_bytes(whole[: whole.index(b"1 &lt; 2")])
    found = records(tmp_path)
    assert sum(isinstance(record, Message) for record in found) == 2
    assert [record.reason for record in found if isinstance(record, Refused)] == ["the page is cut off here"]


def test_the_size_of_a_block_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = records()
    for size in (7, 64, 500):
        monkeypatch.setattr(discord_html, "BLOCK", size)
        assert records() == expected


def test_no_damage_ever_raises_anything_but_an_export_error(tmp_path: Path) -> None:
    whole, dice = PAGE.read_bytes(), random.Random(7)
    for _ in range(300):
        broken = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.3 else whole)
        for _ in range(dice.randrange(1, 9) if broken else 0):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        (tmp_path / PAGE.name).write_bytes(broken)
        with Export(tmp_path) as export:
            discord_html.detects(export)
            try:
                list(discord_html.read(export))
            except ExportError as error:
                assert str(error).startswith("discord: ")  # noqa: PT017 - one of hundreds may raise


def test_real_pages_are_read_whole_and_agree_with_json_of_the_same_messages(samples: Path) -> None:
    pages = [path.read_text() for path in (samples / "discord_dce_html").rglob("*.html")]
    stated = sum(int(number) for page in pages for number in re.findall(r"Exported (\d+) message", page))
    replies = sum(len(re.findall(r"chatlog__reply-link onclick", page)) for page in pages)
    found = records(samples / "discord_dce_html")
    ours = {record.id: record for record in found if isinstance(record, Message)}
    assert len(ours) == stated == 455
    assert sum(message.parent_id is not None for message in ours.values()) == replies == 112
    assert not [record for record in found if isinstance(record, Refused)]
    with Export(samples / "discord_dce_json_derived" / "meshcore_dev") as export:
        theirs = {record.id: record for record in discord.read(export) if isinstance(record, Message)}
    for field in ("sent_at", "member_id", "parent_id", "basis", "conversation_id", "kind", "permalink"):
        wrong = Counter(getattr(ours[id_], field) == getattr(theirs[id_], field) for id_ in ours)
        assert wrong == {True: 455}, field
