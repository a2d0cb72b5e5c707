"""hearth.toml: every setting has a default, and a wrong one is named with its file, line and what is allowed."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from data.settings import (
    CommunitySettings,
    Handover,
    Priority,
    Privacy,
    Settings,
    SettingsError,
    data_folder,
    read_settings,
)  # fmt: skip


def wrong(tmp_path: Path, text: str) -> str:
    path = tmp_path / "hearth.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    return str(caught.value).replace(str(path), "hearth.toml")


def test_nothing_set_is_every_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEARTH_SETTINGS", raising=False)
    assert read_settings() == Settings()


def test_the_example_in_the_project_is_right(root: Path) -> None:
    assert read_settings(root / "hearth.toml").community.time_zone == "UTC"


def test_everything_set_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hearth.toml"
    path.write_text("""
[community]
name = "Lumo"
time_zone = "Europe/Berlin"
brands = ["Lumo"]
[[roster]]
role = "staff"
platform = "slack"
email_domain = "lumo.example"
valid_from = 2024-01-01
[[channels]]
channel = "help-*"
purpose = "help"
target_hours = 8
calendar = "office"
[[calendars]]
name = "office"
opens = 08:30:00
holidays = [2026-12-25]
""")
    found = read_settings(path)
    assert found.roster[0].valid_from == date(2024, 1, 1)
    assert found.channels[0].target_hours == 8
    assert found.calendars[0].opens == time(8, 30)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[roster]]\nrole = "staff"\nname = "a"\n\n[[roster]]\nrole = "boss"\nname = "b"\n',
            "hearth.toml, line 6: Invalid enum value 'boss' (role). Allowed: staff, member, bot.",
        ),
        (
            '[community]\nname = "A"\ntime_zone = "Berlin"\n',
            "hearth.toml, line 3: time_zone 'Berlin' is not known. Allowed: a name such as 'Europe/Berlin' or 'UTC'.",
        ),
        (
            '[community]\nname = "A"\n\n[[rooster]]\nid = "x"\n',
            (
                "hearth.toml, line 4: Object contains unknown field `rooster`."
                " Allowed: community, sources, roster, channels, calendars, retention, sentiment, marks, privacy,"
                " priority, handover, targets, tables, pulls."
            ),
        ),
        (
            "[priority]\nage = 0.2\nnewcomer = 1.5\n",
            "hearth.toml, line 3: newcomer must be from 0 to 1. Allowed: a number from 0 to 1.",
        ),
        (
            '[priority]\nunhappy = "much"\n',
            "hearth.toml, line 2: Expected `float`, got `str` (unhappy). Allowed: a number from 0 to 1.",
        ),
        (
            "[priority]\nurgency = 1\n",
            (
                "hearth.toml, line 2: Object contains unknown field `urgency`."
                " Allowed: past_target, newcomer, unhappy, question, let_down, age."
            ),
        ),
        (
            '[handover]\nurl = "http://desk.example"\n',
            (
                "hearth.toml, line 2: url must begin with https:// (http:// on this machine only) and hold no password."
                " Allowed: an address such as 'https://desk.example/hooks/hearth'."
            ),
        ),
        (
            "[targets]\nanswered_within = 80\n",
            "hearth.toml, line 2: answered_within is a share from 0 to 1, such as 0.8.",
        ),
        (
            '[[channels]]\nchannel = "help"\ntarget_hours = -3\n',
            "hearth.toml, line 3: target_hours must be above 0.",
        ),
        (
            '[[channels]]\nchannel = "help"\ncalendar = "nights"\n',
            "hearth.toml, line 3: calendar 'nights' is not one of the calendars: none is set.",
        ),
        (
            '[[calendars]]\nname = "o"\nopens = 17:00:00\ncloses = 09:00:00\n',
            "hearth.toml, line 4: closes must be after opens. Allowed: a time such as 17:00:00.",
        ),
        (
            '[[channels]]\nchannel = "help"\ntarget_hours = "soon"\n',
            "hearth.toml, line 3: Expected `float | null`, got `str` (target_hours).",
        ),
        (
            '[sentiment]\nscorer = "strong"\n',
            "hearth.toml, line 1: folder must name where the model of the scorer 'strong' lies.",
        ),
        (
            '[sentiment]\nscorer = "oracle"\n',
            "hearth.toml, line 2: Invalid enum value 'oracle' (scorer). Allowed: linear, vader, strong, off.",
        ),
        (
            "[sentiment]\nthreads = 0\n",
            "hearth.toml, line 2: threads must be at least 1.",
        ),
        (
            '[[roster]]\nrole = "bot"\n',
            "hearth.toml, line 1: a roster row needs one of: id, name, email_domain, pattern.",
        ),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, message: str) -> None:
    assert wrong(tmp_path, text) == message


def test_a_calendar_may_close_at_midnight_and_have_versions_but_not_two_of_one_day(tmp_path: Path) -> None:
    version = '[[calendars]]\nname = "office"\ncloses = 00:00:00\n'
    path = tmp_path / "hearth.toml"
    path.write_text(version + version + "valid_from = 2026-01-01\n")
    assert [each.valid_from for each in read_settings(path).calendars] == [None, date(2026, 1, 1)]
    assert "each needs a valid_from of its own" in wrong(tmp_path, version + version)
    assert "closes must be after opens" in wrong(tmp_path, version.replace("00:00:00", "08:00:00"))


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    assert "line 2" in wrong(tmp_path, "[community]\nname = \n")


def test_a_settings_file_asked_for_by_name_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such settings file"):
        read_settings(tmp_path / "none.toml")


def test_folders_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DATA", "/somewhere")
    assert data_folder() == Path("/somewhere")
    assert data_folder(Path("/given")) == Path("/given")


def test_the_fingerprint_changes_with_what_can_change_a_number() -> None:
    plain = Settings()
    assert plain.fingerprint == Settings().fingerprint
    assert plain.fingerprint != Settings(CommunitySettings(brands=("Lumo",))).fingerprint
    assert plain.fingerprint == Settings(tables=({"match": "*.csv"},)).fingerprint
    assert plain.fingerprint == Settings(handover=Handover("https://desk.example")).fingerprint
    for ordering in (Settings(privacy=Privacy(no_profiles=())), Settings(priority=Priority(age=0.5))):
        assert plain.fingerprint != ordering.fingerprint, "the order of Unanswered changes"
        assert plain.derived_fingerprint == ordering.derived_fingerprint, "and nothing that a load works out"
    assert plain.derived_fingerprint != Settings(CommunitySettings(brands=("Lumo",))).derived_fingerprint
