"""IRC: the same talk as eight clients and bouncers write it down."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import irc
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "irc"
WEECHAT = FIXTURES / "irc.harbournet.#harbour.weechatlog"
EGGDROP = FIXTURES / "harbour.log.01May2024"


def records(path: Path, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(irc.read(export))


def messages(path: Path) -> list[Message]:
    return [record for record in records(path) if isinstance(record, Message)]


def said(path: Path) -> list[tuple[str | None, str]]:
    return [(message.member_id, message.text) for message in messages(path) if message.kind == "message"]


def log(folder: Path, *lines: str, name: str = "#harbour.2024-05-01.log") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            FIXTURES / "irssi",
            [("grace", "evening"), ("ada", "grace: is the lock open?"), ("grace", "nods"), ("grace", "until nine")],
        ),
        (
            WEECHAT,
            [
                ("ada", "any news of the <b>lock</b>?"),
                ("grace", "ada: none"),
                ("ada", "sighs"),
                ("ada", "bye"),
            ],
        ),
        (
            FIXTURES / "znc",
            [
                ("ada", "red café open?"),
                ("grace", "ada: yes"),
                ("grace", "from nine"),
                ("ada", "now I am ada"),
                ("ada", "morning"),
                ("chanserv", "welcome"),
            ],
        ),
        (EGGDROP, [("ada", "which tide?"), ("ada", "looks"), ("ada", "low"), ("grace", "quiet")]),
        (FIXTURES / "hexchat", [("ada", "new year soon?"), ("grace", "cheers"), ("grace", "ada: now")]),
        (FIXTURES / "mirc", [("ada", "lights out?"), ("ada", "late"), ("ada", "later")]),
        (FIXTURES / "supybot.log", [("ada", "ten metres?"), ("ada", "measures"), ("grace", "ada: nine")]),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_words_and_deeds_are_told_apart_from_events(path: Path, words: list[tuple[str, str]]) -> None:
    assert said(path) == words


def test_a_public_log_is_read_with_its_notices_and_relayed_words() -> None:
    assert said(FIXTURES / "public-log") == [
        ("ada", "where do I moor?"),
        ("ada", "hello"),
        ("ada", "hello"),
        ("grace[w]", "ada: berth 5"),
        ("grace[w]", "or berth 6"),
        ("ada", "waves"),
        ("ada", "grace|away, thanks"),
        ("spam", "buy ropes"),
        ("bo", "hi from the quay"),
        ("ubotu", "ada: see http://harbour.example.org/berths"),
        ("no", "well: no"),
    ]


@pytest.mark.parametrize(
    ("path", "times"),
    [
        (FIXTURES / "irssi", {"evening": "2024-04-30T23:51", "nods": "2024-05-01T00:03"}),
        (FIXTURES / "hexchat", {"new year soon?": "2024-12-31T23:00:05", "ada: now": "2025-01-01T00:00:02"}),
        (FIXTURES / "mirc", {"late": "2024-05-01T23:59", "later": "2024-05-02T00:01"}),
        (FIXTURES / "supybot.log", {"ten metres?": "2024-05-01T07:16:35", "ada: nine": "2024-05-01T07:16:50"}),
        (FIXTURES / "znc", {"from nine": "2024-05-01T09:00:08.000001", "morning": "2024-05-02T08:00"}),
        (EGGDROP, {"low": "2024-05-01T00:09", "quiet": "2024-05-02T00:01"}),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_the_day_is_found_wherever_it_stands(path: Path, times: dict[str, str]) -> None:
    found = {message.text: message.sent_at for message in messages(path)}
    for words, time in times.items():
        assert found[words] == datetime.fromisoformat(time).replace(tzinfo=UTC)


def test_a_log_that_counts_to_twelve_goes_on_in_the_afternoon() -> None:
    times = {message.text: f"{message.sent_at:%d %H:%M}" for message in messages(FIXTURES / "public-log")}
    assert times["ada: berth 5"] == "01 11:59"
    assert times["or berth 6"] == "01 12:59"
    assert times["grace|away, thanks"] == "01 13:02"


def test_a_log_that_counts_to_twenty_four_goes_on_the_next_day(tmp_path: Path) -> None:
    path = log(tmp_path, "[21:00] <ada> a", "[23:59] <ada> b", "[00:01] <ada> c", "[11:00] <ada> d", "[00:02] <ada> e")
    assert [message.sent_at.day for message in messages(path)] == [1, 1, 2, 2, 3]


def test_a_clock_set_right_is_no_midnight(tmp_path: Path) -> None:
    path = log(tmp_path, "[03:00:00] <ada> a", "[02:00:05] <ada> b")
    assert [f"{message.sent_at:%d %H}" for message in messages(path)] == ["01 03", "01 02"]


def test_a_log_that_nowhere_tells_its_day_is_refused_line_by_line(tmp_path: Path) -> None:
    found = records(log(tmp_path, "[21:00] <ada> a", "[21:01] <ada> b", name="#harbour.log"))
    refused = [record for record in found if isinstance(record, Refused)]
    assert [record.place for record in refused] == ["line 1", "line 2"]
    assert "tells its day" in refused[0].reason


def test_folders_above_the_export_date_it_only_where_they_are_numbers(tmp_path: Path) -> None:
    for folder, count in (("2008/04/07", 1), ("backup-2024-01-01/logs", 0)):
        place = tmp_path / folder
        place.mkdir(parents=True)
        assert len(messages(log(place, "[21:00] <ada> a", name="#harbour.txt"))) == count


@pytest.mark.parametrize(
    ("path", "source", "channel"),
    [
        (FIXTURES / "irssi", "HarbourNet", "#harbour"),
        (WEECHAT, "harbournet", "#harbour"),
        (FIXTURES / "znc", "harbournet", "#harbour"),
        (FIXTURES / "public-log", "#harbour", "#harbour"),
        (FIXTURES / "mirc", "#harbour", "#harbour"),
        (EGGDROP, "#harbour", "#harbour"),  # only its lines tell the channel
        (FIXTURES / "supybot.log", "#harbour", "#harbour"),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_the_network_or_else_the_channel_is_the_source(path: Path, source: str, channel: str) -> None:
    found = records(path)
    assert found[0] == Source("irc", source, source)
    assert [record for record in found if isinstance(record, Channel)] == [Channel(channel, channel, "chat")]


def test_several_channels_without_a_network_go_by_the_folder(tmp_path: Path) -> None:
    log(tmp_path / "logs", "[21:00] <ada> a", name="#one.2024-05-01.log")
    log(tmp_path / "logs", "[21:00] <ada> a", name="#two.2024-05-01.log")
    source, *rest = records(tmp_path / "logs")
    assert source == Source("irc", "logs", "logs")
    assert [record.id for record in rest if isinstance(record, Channel)] == ["#one", "#two"]


def test_a_talk_between_two_is_left_out_and_counted_unless_it_is_asked_for() -> None:
    with Export(FIXTURES / "irssi") as export:
        assert "secret" not in str(list(irc.read(export)))
        assert export.left_out == {"private messages": 2}
    found = records(FIXTURES / "irssi", include_private=True)
    assert Channel("private:ben", "ben", "chat", is_private=True) in found
    private = [r.text for r in found if isinstance(r, Message) and r.channel_id == "private:ben"]
    assert private == ["secret word", "secret answer"]


def test_whoever_changes_their_nick_stays_who_they_were() -> None:
    assert ("ada", "bye") in said(WEECHAT)  # as ada_
    assert ("grace[w]", "or berth 6") in said(FIXTURES / "public-log")  # as grace|away
    assert [r.id for r in records(WEECHAT) if isinstance(r, Member)] == ["ada", "grace"]


def test_a_nick_under_which_nothing_was_said_is_nobody(tmp_path: Path) -> None:
    assert ("grace", "ada: yes") in said(FIXTURES / "znc")  # was Guest1
    path = log(tmp_path, "[10:00] <bob> a", "[10:01] *** bob is now known as bob_", "[10:02] <bob_> b")
    assert [member for member, _ in said(path)] == ["bob", "bob"]


def test_whoever_goes_back_to_a_nick_in_use_before_is_that_member_again(tmp_path: Path) -> None:
    lines = ("[10:00] <bob> a", "[10:01] <bob_> b", "[10:02] *** bob_ is now known as bob", "[10:03] <BOB> c")
    assert [member for member, _ in said(log(tmp_path, *lines))] == ["bob", "bob_", "bob"]


def test_a_nick_that_somebody_left_is_anybodys_again(tmp_path: Path) -> None:
    renamed = ("[10:00] <bob> a", "[10:01] *** bob is now known as eve", "[10:02] <eve> b")
    arrived = ("[10:03] *** Quits: eve (e@example.org)", "[10:04] *** Joins: eve (f@example.org)", "[10:05] <eve> c")
    assert [member for member, _ in said(log(tmp_path, *renamed, *arrived))] == ["bob", "bob", "eve"]


def test_the_nick_at_the_beginning_of_a_line_is_a_mention_of_somebody_who_spoke() -> None:
    found = {message.text: (message.mentions, message.basis) for message in messages(FIXTURES / "public-log")}
    assert found["ada: berth 5"] == (("ada",), "mention")
    assert found["grace|away, thanks"] == (("grace[w]",), "mention")
    assert found["well: no"] == ((), None)
    assert all(message.parent_id is None for message in messages(FIXTURES / "public-log"))


def test_events_are_system_lines_without_anybodys_address() -> None:
    for path in FIXTURES.iterdir():
        for message in messages(path):
            if message.kind == "system":
                assert message.member_id is None
                assert "@" not in message.text
    assert messages(FIXTURES / "public-log")[0].text == "ada has joined #harbour"


def test_only_well_known_bots_are_taken_for_bots() -> None:
    found = {r.id: r.is_bot for path in FIXTURES.iterdir() for r in records(path) if isinstance(r, Member)}
    assert {name for name, is_bot in found.items() if is_bot} == {"ubotu", "chanserv"}


def test_what_is_no_line_of_a_chat_is_refused() -> None:
    (refused,) = (record for record in records(FIXTURES / "public-log") if isinstance(record, Refused))
    assert (refused.place, refused.raw) == ("line 16", b"[01:06] broken line")


def test_the_same_words_twice_in_a_minute_are_two_messages_and_in_two_logs_one(tmp_path: Path) -> None:
    lines = ("[10:00] <ada> hello", "[10:00] <ada> hello", "[10:01] <ada> x")
    first = messages(log(tmp_path / "a", *lines))
    second = messages(log(tmp_path / "b", "[09:59] *** Joins: eve (e@example.org)", *lines, "[10:02] <ada> y"))
    assert len({message.id for message in first}) == 3
    assert {message.id for message in first} < {message.id for message in second}
    assert first[0].sent_at < first[1].sent_at


def test_a_folder_without_logs_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("nothing here\n")
    with pytest.raises(ExportError, match=r"\[12:34\] <nick> words"):
        records(tmp_path)


@pytest.mark.parametrize("path", sorted(FIXTURES.iterdir()), ids=lambda path: path.name)
def test_a_damaged_log_is_read_or_refused_but_never_falls_over(path: Path, tmp_path: Path) -> None:
    for spoilt in damaged(path, tmp_path, times=100):
        with suppress(ExportError):
            assert isinstance(records(spoilt, include_private=True)[0], Source)


def test_real_help_channels_are_read_line_by_line(samples: Path) -> None:
    """Every line of the raw logs, once; and whom people address is whom they answer, as annotators saw it."""
    root = samples / "irc" / "jkkummerfeld+irc-disentanglement" / "data" / "train"
    raw = {path: path.read_bytes().split(b"\n")[:-1] for path in sorted(root.glob("*.raw.txt"))}
    found = records(samples / "irc")
    assert found[0] == Source("irc", "#ubuntu", "#ubuntu")
    assert sum(isinstance(record, Message | Refused) for record in found) == sum(map(len, raw.values())) == 220_463
    kinds = Counter(record.kind for record in found if isinstance(record, Message))
    words = re.compile(rb"\[\d\d:\d\d\] (<|-\S+:#ubuntu- | \* |\(\S+/#)")
    assert kinds["message"] == sum(bool(words.match(line)) for lines in raw.values() for line in lines)

    right = wrong = 0
    for path in list(raw)[::5]:
        lines = messages(path)
        for child, parents in answers(path).items():
            if mentions := lines[child].mentions:
                is_right = any(lines[parent].member_id in mentions for parent in parents)
                right, wrong = right + is_right, wrong + (not is_right)
    assert right > 3000
    assert right / (right + wrong) > 0.85  # the others go on with their own words


def answers(path: Path) -> dict[int, list[int]]:
    """The lines that each annotated line answers."""
    found: dict[int, list[int]] = {}
    for line in Path(str(path).replace(".raw.", ".annotation.")).read_text().splitlines():
        earlier, later = sorted(int(number) for number in line.split()[:2])
        if earlier != later:
            found.setdefault(later, []).append(earlier)
    return found


@pytest.mark.parametrize("sign", ["(", "[", "<", "@", "& ", "(a@", "*** a (", "-"])
@pytest.mark.parametrize("begins", ["", "* ", "*** ", "<", "<a ", "-", "*** ada (x@"])
def test_a_long_run_of_one_sign_takes_no_longer_than_its_length(tmp_path: Path, sign: str, begins: str) -> None:
    run = sign * (100_000 // len(sign))
    began = monotonic()
    records(log(tmp_path / "a", "[10:00] <ada> one", f"[10:01] {begins}{run}", "[10:02] <ada> three"))
    assert monotonic() - began < 1
