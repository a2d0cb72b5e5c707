"""The demo keeps its word: its true numbers hold, its exports have the real shape and read back unchanged."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from types import ModuleType
from zoneinfo import ZoneInfo

import msgspec
import pytest

from data import demo, lanterns
from data.demo import Community, write_discord, write_mbox, write_slack
from data.records import Channel, Member, Message, Reaction, Record, Source
from ingest.archive import Export
from ingest.exports import discord, mail, slack

DAY = timedelta(days=1)
PLATFORMS = ("slack", "discord", "mail")
LARGE = Community(asks_a_day=180.0, seed=3)
TRUTH = LARGE.truth


@dataclass
class Talk:
    """A conversation on the mailing list: who began it, and what came after."""

    opener: Message
    rest: list[Message]

    @property
    def hours(self) -> float:
        """Until somebody else answered."""
        waits = (each.sent_at - self.opener.sent_at for each in self.rest if self.is_other(each))
        return min(waits, default=timedelta.max) / timedelta(hours=1)

    def is_other(self, message: Message) -> bool:
        return message.member_id != self.opener.member_id


@cache
def records(platform: str, seed: int = 7) -> list[Record]:
    return list(Community(seed=seed).records(platform))


def messages(platform: str) -> list[Message]:
    return [each for each in records(platform) if isinstance(each, Message)]


@cache
def mails() -> list[Record]:
    return list(LARGE.records("mail"))


def talks_of(found: list[Record]) -> list[Talk]:
    """The list's conversations that a member opened."""
    staff = {each.id for each in found if isinstance(each, Member) and each.is_staff}
    talks: dict[str, Talk] = {}
    for each in (each for each in found if isinstance(each, Message)):
        if each.parent_id:
            talks[each.id] = talks[each.parent_id]
            talks[each.id].rest.append(each)
        else:
            talks[each.id] = Talk(each, [])
    return [talk for key, talk in talks.items() if key == talk.opener.id and talk.opener.member_id not in staff]


def asks_of(found: list[Record]) -> list[Talk]:
    """All but the praise, which its words tell apart."""
    return [talk for talk in talks_of(found) if not like("good").search(talk.opener.text)]


@cache
def talks() -> list[Talk]:
    return talks_of(mails())


@cache
def asks() -> list[Talk]:
    return asks_of(mails())


@cache
def like(slot: str) -> re.Pattern[str]:
    """A pattern of the sentences of one kind, with anything in their slots."""
    words = tomllib.loads(Path(demo.__file__).with_name("demo_words.toml").read_text("utf-8"))
    phrases = {phrase for lists in words.values() for phrase in lists.get(slot, ())}
    telling = [re.split(r"\{\w+\}", phrase) for phrase in phrases if len(re.sub(r"\{\w+\}", "", phrase)) > 12]
    return re.compile("|".join(".+?".join(map(re.escape, parts)) for parts in telling))


def is_unhappy(message: Message) -> bool:
    return bool(like("moan").search(message.text) or like("angry").search(message.text))


def is_weekend(message: Message) -> bool:
    return message.sent_at.weekday() >= 5


def answered(talks: list[Talk], hours: float = 24) -> float:
    return mean(talk.hours < hours for talk in talks)


def usual_and_recent() -> tuple[list[Talk], list[Talk]]:
    """Asks from Monday to Friday, old enough to judge, before and since answers come faster."""
    ripe = [each for each in asks() if not is_weekend(each.opener) and each.opener.sent_at < LARGE.until - DAY]
    since = LARGE.recent_since
    return [t for t in ripe if t.opener.sent_at < since], [t for t in ripe if t.opener.sent_at >= since]


def digest(found: list[Record]) -> str:
    return hashlib.sha256(msgspec.json.encode(found)).hexdigest()


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_seed_says_the_same_each_time_and_another_seed_something_else(platform: str) -> None:
    assert digest(list(Community().records(platform))) == digest(records(platform))
    assert digest(records(platform, seed=8)) != digest(records(platform))


def test_the_demo_covers_two_years_on_three_platforms() -> None:
    assert [name for name, _ in Community().sources()] == list(PLATFORMS)
    assert 25_000 <= sum(len(messages(platform)) for platform in PLATFORMS) <= 40_000
    for platform in PLATFORMS:
        first, *rest = records(platform)
        assert isinstance(first, Source)
        assert not any(isinstance(each, Source) for each in rest)
        moments = [each.sent_at for each in messages(platform)]
        assert first.covered_since is not None
        assert first.covered_since <= moments[0] < first.covered_since + DAY
        assert lanterns.UNTIL - 4 * DAY < moments[-1] < lanterns.UNTIL == first.covered_until


@pytest.mark.parametrize("platform", PLATFORMS)
def test_whatever_a_message_names_was_told_before_it(platform: str) -> None:
    members, channels, ids = set[str](), set[str](), set[str]()
    for each in records(platform):
        if isinstance(each, Member):
            members.add(each.id)
        elif isinstance(each, Channel):
            channels.add(each.id)
        elif isinstance(each, Message):
            assert each.id not in ids
            ids.add(each.id)
            assert each.channel_id in channels
            assert {each.member_id, *each.mentions} - {None} <= members
            assert {each.parent_id, each.conversation_id} - {None} <= ids
        elif isinstance(each, Reaction):
            assert each.message_id in ids
            assert each.member_id in members


def test_as_many_asks_as_promised_are_answered_within_a_day() -> None:
    usual, recent = usual_and_recent()
    weekend = [each for each in asks() if is_weekend(each.opener) and each.opener.sent_at < LARGE.recent_since]
    assert answered(usual) == pytest.approx(TRUTH.answered_24h, abs=0.02)
    assert answered(recent) == pytest.approx(TRUTH.answered_24h_recent, abs=0.03)
    assert answered(weekend) == pytest.approx(TRUTH.answered_24h_weekend, abs=0.03)
    assert TRUTH.answered_24h_weekend < TRUTH.answered_24h < TRUTH.answered_24h_recent


def test_half_of_all_asks_are_answered_by_the_promised_hour() -> None:
    usual, recent = usual_and_recent()
    assert median(talk.hours for talk in usual) == pytest.approx(TRUTH.hours_p50, rel=0.06)
    assert median(talk.hours for talk in recent) == pytest.approx(TRUTH.hours_p50_recent, rel=0.1)


def test_as_many_asks_as_promised_are_never_answered() -> None:
    usual, _ = usual_and_recent()
    assert mean(not any(map(talk.is_other, talk.rest)) for talk in usual) == pytest.approx(TRUTH.never_share, abs=0.02)


def test_where_nothing_ever_changed_the_last_weeks_are_as_the_others() -> None:
    unchanged = list(Community(asks_a_day=180.0, seed=3, recent_weeks=0).records("mail"))
    recent = [talk for talk in asks_of(unchanged) if talk.opener.sent_at >= LARGE.recent_since]
    ripe = [t for t in recent if not is_weekend(t.opener) and t.opener.sent_at < LARGE.until - DAY]
    assert answered(ripe) == pytest.approx(TRUTH.answered_24h, abs=0.03)


def test_the_team_gives_its_share_of_first_answers_and_rests_on_its_days_off() -> None:
    staff = {each.id: each.name for each in mails() if isinstance(each, Member) and each.is_staff}
    firsts = [next((m for m in talk.rest if talk.is_other(m)), None) for talk in asks()]
    share = mean(each.member_id in staff for each in firsts if each)
    assert TRUTH.staff_share - 0.08 < share < TRUTH.staff_share + 0.02
    load = Counter(staff[m.member_id] for m in firsts if m and m.member_id in staff)
    assert len(load) == 5
    assert load.most_common(1)[0][0] == "Ana Ribeiro"
    assert load["Ana Ribeiro"] / load.total() > 0.33
    zone = ZoneInfo("Europe/Lisbon")
    spoke = [m for m in mails() if isinstance(m, Message) and m.member_id and staff.get(m.member_id) == "Ana Ribeiro"]
    replies = [m for m in spoke if m.parent_id and not like("praise_reply").search(m.text)]
    assert not [m for m in replies if m.sent_at.astimezone(zone).weekday() >= 5]


def test_as_many_are_unhappy_as_promised_and_as_many_of_them_turn_round() -> None:
    unhappy = [talk for talk in asks() if is_unhappy(talk.opener)]
    assert len(unhappy) / len(asks()) == pytest.approx(TRUTH.unhappy_share, abs=0.015)
    words = [m.text for talk in unhappy for m in talk.rest if not talk.is_other(m)]
    relieved = sum(bool(like("relief").search(text)) for text in words)
    still = sum(bool(like("still").search(text)) for text in words)
    assert relieved / (relieved + still) == pytest.approx(TRUTH.recovered_share, abs=0.06)


def test_praise_is_answered_as_often_as_promised() -> None:
    praise = [talk for talk in talks() if like("good").search(talk.opener.text)]
    ripe = [talk for talk in praise if talk.opener.sent_at < LARGE.until - 7 * DAY]
    assert mean(bool(talk.rest) for talk in ripe) == pytest.approx(TRUTH.praise_answered, abs=0.05)


def test_newcomers_who_were_welcomed_come_back_more_often() -> None:
    days: dict[str | None, set[date]] = defaultdict(set)
    for each in mails():
        if isinstance(each, Message):
            days[each.member_id].add(each.sent_at.date())
    since, until = (LARGE.since + 60 * DAY).date(), (LARGE.until - 29 * DAY).date()
    came = {True: list[bool](), False: list[bool]()}
    for talk in talks():
        first = talk.opener.sent_at.date()
        visits = days[talk.opener.member_id]
        if since <= first == min(visits) < until:
            came[talk.hours < 24].append(any(0 < (visit - first).days <= 28 for visit in visits))
    assert mean(came[True]) == pytest.approx(TRUTH.return_welcomed, abs=0.03)
    assert mean(came[False]) == pytest.approx(TRUTH.return_unwelcomed, abs=0.04)
    a_week = 7 * (len(came[True]) + len(came[False])) / (until - since).days
    assert a_week == pytest.approx(TRUTH.newcomers_a_week * lanterns.MAIL.share, rel=0.08)


def test_the_bot_feeds_write_as_often_as_promised_and_never_on_the_list() -> None:
    fed = [m for p in PLATFORMS for m in messages(p) if m.text.startswith("[lantern-")]
    assert len(fed) / 730 == pytest.approx(Community().truth.bot_posts_a_day, rel=0.08)
    assert {m.id for m in fed}.isdisjoint(m.id for m in messages("mail"))


def test_people_write_by_day_and_less_on_weekends() -> None:
    spoken = [m for p in PLATFORMS for m in messages(p) if not m.text.startswith("[lantern-")]
    hours = Counter(m.sent_at.hour for m in spoken)
    days = Counter(m.sent_at.weekday() for m in spoken)
    assert max(hours.values()) > 2 * min(hours.values())
    assert days[5] + days[6] < 0.75 * (days[0] + days[1])


def test_an_unhappy_newcomer_has_waited_three_days_at_the_end() -> None:
    waiting = [m for m in messages("slack") if m.sent_at.replace(microsecond=0) == lanterns.UNTIL - 3 * DAY]
    (ask,) = [m for m in waiting if is_unhappy(m)]
    assert next(m for m in messages("slack") if m.member_id == ask.member_id) is ask
    assert not [m for m in messages("slack") if m.parent_id == ask.id and m.member_id != ask.member_id]
    assert Community().truth.waiting_hours == 72


def test_some_regulars_have_drifted_away() -> None:
    drifted = 0
    for platform in PLATFORMS:
        days: dict[str | None, set[date]] = defaultdict(set)
        for m in messages(platform):
            if m.sent_at > lanterns.UNTIL - 180 * DAY:
                days[m.member_id].add(m.sent_at.date())
        for seen in map(sorted, (visits for visits in days.values() if len(visits) >= 5)):
            gap = median((b - a).days for a, b in pairwise(seen))
            drifted += (lanterns.UNTIL.date() - seen[-1]).days >= max(14, 3 * gap)
    assert drifted >= 5


def test_some_members_come_back_after_months() -> None:
    seen: dict[str | None, list[datetime]] = defaultdict(list)
    for platform in PLATFORMS:
        for m in messages(platform):
            seen[m.member_id].append(m.sent_at)
    assert sum(any(b - a > 56 * DAY for a, b in pairwise(moments)) for moments in seen.values()) >= 10


def test_every_state_a_page_shows_is_there() -> None:
    said = messages("slack") + messages("discord")
    assert any(m.kind == "system" for m in said)
    assert any(m.deleted_at for m in messages("slack"))
    assert any(m.member_id is None for m in messages("discord"))
    assert any(m.edited_at for m in said)
    assert any(m.attachments for m in said)
    assert any(m.mentions and m.kind == "message" and not m.parent_id for m in said)
    assert {m.basis for m in messages("slack")} == {None, "thread"}
    assert {m.basis for m in messages("discord")} == {None, "thread", "explicit"}
    assert {m.basis for m in messages("mail")} == {None, "explicit"}
    assert any("```" in m.text for m in said)
    assert all(any(word in m.text for m in said) for word in ("Hallo", "Hola", "Bonjour", "Thanks!", "+1"))
    assert len({m.text for m in said}) > 8_000
    assert not [m.text for m in said if re.search(r"\{\w+\}", m.text)]


def test_the_roster_names_five_people_on_every_platform() -> None:
    roster = Community().roster()
    assert Counter(platform for platform, _, _ in roster) == dict.fromkeys(PLATFORMS, 5)
    staff = {each.id for p in PLATFORMS for each in records(p) if isinstance(each, Member) and each.is_staff}
    assert {member_id for _, member_id, _ in roster} == staff


def test_a_slack_export_has_slacks_shape(tmp_path: Path) -> None:
    path = write_slack(tmp_path / "lantern.zip", 3_000)
    with zipfile.ZipFile(path) as archive:
        files = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    users, channels = files.pop("users.json"), files.pop("channels.json")
    assert files.pop("integration_logs.json") == []
    rows = [(name, row) for name, found in files.items() for row in found]
    assert len(rows) == 3_000
    assert {name.split("/")[0] for name in files} == {each["name"] for each in channels}
    for name, row in rows:
        day = datetime.fromtimestamp(float(row["ts"]), ZoneInfo("America/Los_Angeles")).date()
        assert re.fullmatch(rf"[a-z-]+/{day}\.json", name)
        assert re.fullmatch(r"\d{10}\.\d{6}", row["ts"])
        assert "<" not in re.sub(r"<@\w+>", "", row["text"])
    named = {user["id"] for user in users}
    assert {row["user"] for _, row in rows if "user" in row} - {"USLACKBOT"} <= named
    assert all("tz" not in user for user in users if user["deleted"])
    assert any(user["deleted"] for user in users)
    assert {row.get("subtype") for _, row in rows} >= {None, "channel_join", "bot_message"}
    roots = {row["ts"] for _, row in rows if "reply_count" in row}
    assert all(row["thread_ts"] in roots for _, row in rows if "thread_ts" in row)


def test_a_slack_export_is_the_same_each_time_and_spread_over_the_days_asked_for(tmp_path: Path) -> None:
    again = [write_slack(tmp_path / name, 5_000, days=100) for name in ("a.zip", "b.zip")]
    assert again[0].read_bytes() == again[1].read_bytes()
    assert again[0].read_bytes() != write_slack(tmp_path / "c.zip", 5_000, seed=8, days=100).read_bytes()
    folder = write_slack(tmp_path / "folder", 5_000, days=100)
    with zipfile.ZipFile(again[0]) as archive:
        assert contents(folder) == {name: archive.read(name) for name in archive.namelist()}
    days = sorted({file.stem for file in folder.glob("*/*.json")})
    assert date.fromisoformat(days[0]) - (lanterns.UNTIL - 100 * DAY).date() <= 2 * DAY
    assert (lanterns.UNTIL.date() - date.fromisoformat(days[-1])).days < 20


def test_a_discord_export_has_the_exporters_shape(tmp_path: Path) -> None:
    path = write_discord(tmp_path / "lantern", 2_000)
    assert contents(path) == contents(write_discord(tmp_path / "again", 2_000))
    files = {file.name: json.loads(file.read_bytes()) for file in path.iterdir()}
    assert sum(len(found["messages"]) for found in files.values()) == 2_000
    for name, found in files.items():
        channel, spoken = found["channel"], found["messages"]
        assert name.endswith(f"[{channel['id']}].json")
        assert list(found)[-1] == "messageCount"
        assert found["messageCount"] == len(spoken)
        for row in spoken:
            epoch = datetime.fromtimestamp(((int(row["id"]) >> 22) + 1_420_070_400_000) / 1000, UTC)
            assert abs(epoch - datetime.fromisoformat(row["timestamp"])) < timedelta(milliseconds=1)
            assert (row["type"] == "Reply") == ("reference" in row)
        if channel["type"] == "GuildPublicThread":
            assert spoken[0]["id"] == channel["id"]
            assert channel["category"] == "help-desk"
    with pytest.raises(FileExistsError):
        write_discord(path, 2_000)


def test_a_mailing_list_archive_has_pipermails_shape(tmp_path: Path) -> None:
    path = write_mbox(tmp_path / "lantern-makers", 1_500)
    assert contents(path) == contents(write_mbox(tmp_path / "again", 1_500))
    texts = {file.name: file.read_text("utf-8") for file in path.iterdir()}
    assert all(re.fullmatch(r"20\d\dq[1-4]\.txt", name) for name in texts)
    separator = r"(?m)^From \S+ at \S+  \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\nFrom: \S+ at \S+ \(.+\)\nDate: "
    assert sum(len(re.findall(separator, text)) for text in texts.values()) == 1_500
    assert sum(len(re.findall("(?m)^From ", text)) for text in texts.values()) == 1_500
    ids = set(re.findall(r"(?m)^Message-ID: (<\S+@\S+>)$", "".join(texts.values())))
    assert len(ids) == 1_500
    assert set(re.findall(r"(?m)^In-Reply-To: (<\S+>)$", "".join(texts.values()))) <= ids


@pytest.mark.parametrize("size", [1, 37])
def test_a_small_export_has_exactly_that_many_rows(tmp_path: Path, size: int) -> None:
    rows = [json.loads(f.read_bytes()) for f in write_slack(tmp_path / "s", size).glob("*/*.json")]
    assert sum(map(len, rows)) == size
    files = [json.loads(f.read_bytes()) for f in write_discord(tmp_path / "d", size).iterdir()]
    assert sum(found["messageCount"] for found in files) == size
    texts = [f.read_text("utf-8") for f in write_mbox(tmp_path / "m", size).iterdir()]
    assert sum(text.count("\nMessage-ID: ") for text in texts) == size


def read_back(reader: ModuleType, path: Path) -> list[Record]:
    with Export(path) as export:
        assert reader.detects(export) > 0.9
        return list(reader.read(export))


def told(platform: str, size: int) -> Iterator[Message]:
    place = lanterns.PLACES[platform]
    for post in demo._posts(place, size, 7, 730, lanterns.UNTIL):
        yield post.message(place)


@pytest.mark.parametrize(("reader", "write"), [(slack, write_slack), (discord, write_discord), (mail, write_mbox)])
def test_what_is_written_reads_back_as_the_records_say(
    tmp_path: Path, reader: ModuleType, write: Callable[..., Path]
) -> None:
    found = read_back(reader, write(tmp_path / "lantern-makers", 4_000))
    platform = reader.PLATFORM
    read = {m.id: msgspec.structs.replace(m, permalink=None) for m in found if isinstance(m, Message)}
    wanted = {m.id: m for m in told(platform, 4_000)}
    if platform == "mail":  # its reader makes a member's id from the address, whose letters may be hidden
        assert len({m.member_id for m in read.values()}) == len({m.member_id for m in wanted.values()})
        wanted = {m.id: msgspec.structs.replace(m, member_id=read[m.id].member_id) for m in wanted.values()}
    assert len(wanted) == 4_000
    assert read == wanted
    assert {each.id for each in found if isinstance(each, Source)} == {lanterns.PLACES[platform].id}
