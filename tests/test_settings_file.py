"""hearth.toml written by the dashboard: comments and order stay, nothing wrong is ever written, undo brings it back."""

from __future__ import annotations

import re
import tomllib
from datetime import date, time
from pathlib import Path

import pytest

from data.settings import SettingsError, read_settings
from data.settings_file import (
    can_redo,
    can_undo,
    last_changed,
    may_write,
    only_rows,
    redo_settings,
    rows_of,
    settings_text,
    undo_settings,
    with_rows,
    write_settings,
)

OURS = """# Acme's settings, kept by hand.
[community]
name = "Acme"              # as on the sign
time_zone = "Europe/Berlin"

# The team.
[[roster]]
role = "staff"             # since ever
name = "Ana Ruiz"

[[roster]]
role = "bot"
pattern = "*-feed"

# What channels are for.
[[channels]]
channel = "help-*"
purpose = "help"
"""


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "hearth.toml"
    path.write_text(OURS)
    return path


def test_a_changed_row_leaves_every_other_line_as_it_was(ours: Path) -> None:
    ana, feed = rows_of(OURS, "roster")
    changed = with_rows(OURS, "roster", [(0, {**ana, "role": "member"}), (1, feed)], ours)
    assert changed == OURS.replace('role = "staff" ', 'role = "member" ', 1)


def test_new_rows_are_added_and_one_that_is_gone_takes_only_its_own_lines(ours: Path) -> None:
    ana, _ = rows_of(OURS, "roster")
    new = {"role": "staff", "platform": "slack", "id": "0042", "valid_from": date(2026, 1, 5), "note": "Bo\u202e\nLi"}
    changed = with_rows(OURS, "roster", [(0, ana), (None, new)], ours)
    assert "*-feed" not in changed
    for kept in ("# Acme's settings", "# as on the sign", "# The team.", "# since ever", "# What channels are for."):
        assert kept in changed
    assert tomllib.loads(changed)["roster"][1] == {key: value for key, value in new.items() if key != "note"}
    second = with_rows(OURS, "roster", [(1, rows_of(OURS, "roster")[1])], ours)
    assert second == OURS.replace('[[roster]]\nrole = "staff"             # since ever\nname = "Ana Ruiz"\n', "", 1)
    assert "# BoLi" in changed, "who it is stands behind, as one harmless line"


def test_a_part_that_is_emptied_is_gone_and_a_first_row_makes_it(ours: Path) -> None:
    emptied = with_rows(OURS, "roster", [], ours)
    assert "roster" not in tomllib.loads(emptied)
    calendar = {"name": "office", "days": ["mon", "tue"], "opens": time(9), "holidays": [date(2026, 12, 25)]}
    filled = with_rows(emptied, "calendars", [(None, calendar)], ours)
    assert tomllib.loads(filled)["calendars"] == [{key: value for key, value in calendar.items() if key != "opens"}], (
        "a new row does not spell out the default"
    )


def test_rows_of_one_line_stay_rows_of_one_line(tmp_path: Path) -> None:
    text = 'roster = [{role = "staff", id = "1"}, {role = "bot", id = "2"}]  # both\n'
    changed = with_rows(
        text, "roster", [(1, {"role": "bot", "id": "3"}), (None, {"role": "staff", "id": "4"})], tmp_path
    )
    assert [row["id"] for row in tomllib.loads(changed)["roster"]] == ["3", "4"]
    assert changed.count("\n") == 1
    assert changed.endswith("# both\n")


@pytest.mark.parametrize(
    ("part", "row", "said"),
    [
        ("roster", {"role": "boss", "name": "Bo"}, "roster, row 3.*'boss'.*Allowed: staff, member, bot"),
        ("roster", {"role": "staff"}, "roster, row 3.*needs one of: id, name, email_domain, pattern"),
        ("channels", {"channel": "x", "target_hours": -1.0}, "channels, row 2.*must be above 0"),
        ("channels", {"channel": "x", "calendar": "nope"}, "'nope' is not one of the calendars"),
        (
            "calendars",
            {"name": "o", "opens": time(18), "closes": time(9)},
            "calendars, row 1.*closes must be after opens",
        ),
    ],
)
def test_what_cannot_be_used_is_never_written_and_says_its_row_and_what_is_allowed(
    ours: Path, part: str, row: dict[str, object], said: str
) -> None:
    rows = [*enumerate(rows_of(OURS, part)), (None, row)]  # type: ignore[arg-type]
    with pytest.raises(SettingsError) as caught:
        with_rows(OURS, part, rows, ours)  # type: ignore[arg-type]
    assert re.search(said, caught.value.row), caught.value.row
    assert ours.read_text() == OURS


def test_undo_brings_back_the_file_to_the_letter_and_only_redo_the_change(ours: Path) -> None:
    """A second undo changes nothing, and says so; each time one file holds what the other press would bring."""
    ours.chmod(0o640)
    changed = with_rows(OURS, "roster", [(0, rows_of(OURS, "roster")[0])], ours)
    assert (can_undo(ours), can_redo(ours), last_changed(ours)) == (False, False, ())
    write_settings(ours, changed, OURS)
    assert len(read_settings(ours).roster) == 1
    assert (can_undo(ours), can_redo(ours), last_changed(ours)) == (True, False, ("roster",))
    undo_settings(ours)
    assert ours.read_text() == OURS
    assert (can_undo(ours), can_redo(ours), last_changed(ours)) == (False, True, ("roster",))
    with pytest.raises(SettingsError, match="nothing to undo"):
        undo_settings(ours)
    assert ours.read_text() == OURS
    redo_settings(ours)
    assert ours.read_text() == changed
    assert ours.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in ours.parent.iterdir()) == ["hearth.toml", "hearth.toml.before"]


def test_a_new_save_is_what_is_taken_back_then_and_what_was_undone_is_forgotten(ours: Path) -> None:
    first = with_rows(OURS, "roster", [(0, rows_of(OURS, "roster")[0])], ours)
    second = with_rows(OURS, "channels", [], ours)
    write_settings(ours, first, OURS)
    undo_settings(ours)
    write_settings(ours, second, OURS)
    assert (can_undo(ours), can_redo(ours), last_changed(ours)) == (True, False, ("channels",))
    with pytest.raises(SettingsError, match="nothing to bring back"):
        redo_settings(ours)


def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(ours: Path) -> None:
    ours.write_text(OURS + "# a note\n")
    with pytest.raises(SettingsError, match="changed by somebody else"):
        write_settings(ours, OURS, OURS)
    assert ours.read_text().endswith("# a note\n")


def test_a_file_that_is_not_there_yet_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "hearth.toml"
    assert may_write(path)
    write_settings(path, with_rows("", "roster", [(None, {"role": "staff", "name": "Ana"})], path), settings_text(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_settings(path).roster[0].name == "Ana"


def test_a_read_only_file_is_left_alone_and_the_rows_can_be_pasted(ours: Path) -> None:
    ours.chmod(0o444)
    assert not may_write(ours)
    assert not may_write(ours.parent / "nowhere" / "hearth.toml")
    assert tomllib.loads(only_rows("channels", [{"channel": "help", "purpose": "help"}])) == {
        "channels": [{"channel": "help", "purpose": "help"}]
    }
