"""What Slack, Telegram, Discord and Zulip each do in their own way when they are asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from data.spool import Spool
from data.store import Store
from tests.fakes.discord import Discord
from tests.fakes.server import Fake
from tests.fakes.slack import Slack
from tests.fakes.telegram import Telegram
from tests.fakes.zulip import Zulip
from tests.test_pull import FACTS, compare, held, place, run, tables


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    with place("slack", monkeypatch, size=40) as fake:
        yield fake


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    with place("telegram", monkeypatch, size=40) as fake:
        yield fake


@pytest.fixture
def discord(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    with place("discord", monkeypatch, size=60) as fake:
        yield fake


@pytest.fixture
def zulip(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    with place("zulip", monkeypatch, size=90) as fake:
        yield fake


def failed(fake: Fake, folder: Path, **row: Any) -> str:
    (why,) = run(fake, folder, **row).failed
    return why.reason


def gaps(fake: Fake, folder: Path, **row: Any) -> str:
    summary = run(fake, folder, **row)
    assert summary.failed == []
    return " ".join(summary.pulls[0].gaps)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("service", ["slack", "discord", "zulip"])
def test_what_is_pulled_in_parts_is_what_is_pulled_at_once(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(service, monkeypatch, size=40) as fake:
        run(fake, tmp_path / "parts", deletions=False)
        for _ in range(2):
            for _ in range(10):
                fake.say()
            run(fake, tmp_path / "parts", deletions=False)
        run(fake, tmp_path / "once", deletions=False)
        parts, once = tables(tmp_path / "parts"), tables(tmp_path / "once")
        assert [name for name in (*FACTS, "asks", "conversations") if parts[name] != once[name]] == []


@pytest.mark.parametrize("service", ["slack", "discord", "zulip"])
def test_what_is_deleted_there_is_gone_here_after_one_look(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(service, monkeypatch, size=60) as fake:
        run(fake, tmp_path)
        fake.delete(15)
        (pulled,) = run(fake, tmp_path, look=True).pulls
        assert pulled.deleted <= 15
        compare(fake, tmp_path)
        (again,) = run(fake, tmp_path, look=True).pulls
        assert again.deleted == 0


@pytest.mark.parametrize(
    ("service", "secret", "words"),
    [
        ("slack", "SLACK_TOKEN", "invalid_auth.*SLACK_TOKEN"),
        ("telegram", "TELEGRAM_BOT_TOKEN", "TELEGRAM_BOT_TOKEN.*BotFather"),
        ("discord", "DISCORD_BOT_TOKEN", "DISCORD_BOT_TOKEN.*Reset the token"),
        ("zulip", "ZULIP_API_KEY", "ZULIP_API_KEY.*Settings"),
    ],
)
def test_a_credential_that_is_not_valid_is_named_and_not_shown(
    service: str, secret: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(service, monkeypatch, size=3) as fake:
        monkeypatch.setenv(secret, "1234567890:old-and-no-longer-good-one-000000")
        why = failed(fake, tmp_path)
        assert re.search(words, why)
        assert "no-longer-good" not in why


# Slack


def test_slack_says_which_channels_the_app_is_not_in_and_what_its_plan_hides(slack: Slack, tmp_path: Path) -> None:
    slack.most = 4
    said = gaps(slack, tmp_path)
    assert "not in 1 public channels" in said
    assert "fifteen messages a minute" in said
    slack.is_limited, slack.most = True, 200
    assert "load an export of it" in gaps(slack, tmp_path / "free")


def test_what_slacks_plan_hides_is_not_taken_for_deleted(slack: Slack, tmp_path: Path) -> None:
    run(slack, tmp_path)
    before = held(tmp_path)
    slack.is_limited, slack.hides = True, slack.said[15].at
    gone = slack.roots[-1]
    gone.is_deleted = all(not each.is_deleted for each in gone.replies)
    run(slack, tmp_path, look=True)
    left = held(tmp_path)
    assert before.keys() - left.keys() == {f"{gone.room}:{gone.ts}"} - slack.truth().keys()


def test_slack_sees_an_edit_and_an_answer_of_the_last_two_weeks(slack: Slack, tmp_path: Path) -> None:
    run(slack, tmp_path)
    root = next(each for each in reversed(slack.said) if not each.root)
    root.said, root.edited = "Said otherwise", slack.now
    slack.say(to=root)
    run(slack, tmp_path)
    found = held(tmp_path)
    assert found[f"{root.room}:{root.ts}"] == "Said otherwise"
    assert f"{root.room}:{root.replies[-1].ts}" in found


def test_slack_keeps_to_the_channels_that_are_named(slack: Slack, tmp_path: Path) -> None:
    run(slack, tmp_path, channels="#help")
    assert {id_.partition(":")[0] for id_ in held(tmp_path)} == {"C000HELP1"}
    assert "no public channel nowhere" in failed(slack, tmp_path, channels="nowhere")


def test_slack_being_busy_keeps_what_was_pulled(slack: Slack, tmp_path: Path) -> None:
    slack.refusal = "internal_error"
    assert "again later" in failed(slack, tmp_path)
    slack.refusal = ""
    assert not run(slack, tmp_path).failed


# Telegram


def test_telegram_says_that_it_begins_now_and_what_the_bot_does_not_hear(telegram: Telegram, tmp_path: Path) -> None:
    telegram.hears_all = False
    said = gaps(telegram, tmp_path)
    assert "before it came" in said
    assert "setprivacy" in said
    assert "before it came" not in gaps(telegram, tmp_path), "that is said once"


def test_telegram_leaves_a_gap_where_updates_were_lost(telegram: Telegram, tmp_path: Path) -> None:
    run(telegram, tmp_path)
    told = telegram.now
    telegram.say()
    telegram.now += timedelta(days=3)
    telegram.say()
    assert "What was said in between is missing. Pull more often." in gaps(telegram, tmp_path)
    lost = Store(tmp_path).query("select count(*) from source_days where not is_covered").item()
    assert lost >= 1, f"nothing is known of the days after {told}"
    assert len(held(tmp_path)) == 41


def test_telegram_that_counts_anew_after_a_silent_week_is_not_misunderstood(telegram: Telegram, tmp_path: Path) -> None:
    run(telegram, tmp_path)
    telegram.now += timedelta(days=8)
    telegram.next = 300
    said = telegram.say()
    run(telegram, tmp_path)
    assert f"1234567890:{said.id}" in held(tmp_path)


def test_telegram_passes_over_what_others_say_to_the_bot(telegram: Telegram, tmp_path: Path) -> None:
    run(telegram, tmp_path)
    assert b"Between us" not in everything(tmp_path)
    with Spool(tmp_path) as spool:
        assert spool.pages("telegram:1234567890") == {}


def test_telegram_with_a_webhook_says_what_to_do(telegram: Telegram, tmp_path: Path) -> None:
    telegram.has_webhook = True
    assert "deleteWebhook" in failed(telegram, tmp_path)
    telegram.has_webhook = False
    assert not run(telegram, tmp_path).failed
    assert len(held(tmp_path)) == 40


def test_telegram_finds_a_public_group_by_its_name(telegram: Telegram, tmp_path: Path) -> None:
    run(telegram, tmp_path, chat="@lumo")
    compare(telegram, tmp_path)
    assert "chat must be" in failed(telegram, tmp_path, chat="lumo")


# Discord


def test_discord_keeps_no_name_unless_it_is_wanted(discord: Discord, tmp_path: Path) -> None:
    run(discord, tmp_path)
    asked = "select count(*) from members where name <> member_id"
    assert Store(tmp_path).query(asked).item() == 0
    run(discord, tmp_path / "named", names=True)
    assert Store(tmp_path / "named").query(asked).item() == 5


def test_discord_says_that_words_are_withheld_and_channels_left_out(discord: Discord, tmp_path: Path) -> None:
    assert gaps(discord, tmp_path) == "1 channels that not everybody may see are left out."
    discord.withheld = True
    assert "Message Content Intent" in gaps(discord, tmp_path / "blank")


def test_discord_without_the_bot_says_to_invite_it(discord: Discord, tmp_path: Path) -> None:
    assert "Invite it" in failed(discord, tmp_path, guild="12345")
    assert "guild must be" in failed(discord, tmp_path, guild="lumo")


# Zulip


def test_an_older_zulip_that_answers_with_the_anchor_is_pulled_whole(zulip: Zulip, tmp_path: Path) -> None:
    zulip.is_old = True
    run(zulip, tmp_path)
    compare(zulip, tmp_path)


def test_zulip_says_what_its_plan_hides(zulip: Zulip, tmp_path: Path) -> None:
    zulip.limited = 50
    assert "What is older cannot be had this way" in gaps(zulip, tmp_path)
    assert len(held(tmp_path)) == 50


def test_zulip_names_the_organization_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest.apis import zulip as service
    from ingest.apis._client import Line

    for name, secret in Zulip.SECRETS.items():
        monkeypatch.setenv(name, secret)
    for address, source in {
        "https://lumo.zulipchat.com": "lumo",
        "https://chat.example.org": "chat.example.org",
    }.items():
        line = Line("zulip")
        with line.opened:
            options = service.Options(service="zulip", address=address)
            assert service.connect(options, line, None).source == source  # type: ignore[arg-type]
