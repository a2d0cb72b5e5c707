"""What a command line is given wrongly is told in one plain line, with what is allowed and the nearest guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.meant import meant
from tests.command import hearth
from tests.sparse import put

ROW = {"by": "ann", "at": "2026-10-05T09:00Z", "id": "a"}
WRONG = [
    ("metrics --by chanel", "--by chanel: there is none; did you mean channel? There are: platform, source, channel"),
    ("metrics answerd_within", "no metric 'answerd_within'; did you mean answered_within? There are: answered_within,"),
    ("metrics reply_rate --population asked", "--population asked: there is none; did you mean asks?"),
    ("metrics reply_rate --hours abc", "--hours abc: this is not a number"),
    ("metrics reply_rate --hours 0", "--hours 0: this is too small; it has to be at least 0.001"),
    ("metrics reply_rate --limit some", "--limit some: this is not a whole number"),
    ("metrics reply_rate --limit 3", "reply_rate takes no --limit"),
    ("metrics unanswered --by channel", "unanswered takes no --by"),
    ("metrics net_sentiment --hours 4", "net_sentiment takes no --hours"),
    ("metrics reply_rate --format xml", "--format xml: there is none; there are: table, csv,"),
    ("metrics reply_rate --fromat csv", "--fromat: there is no such option; did you mean --format?"),
    ("metrics reply_rate --since 2026-13-01", "--since: '2026-13-01' is not a day; write it like 2026-01-05"),
    ("metrics reply_rate --since", "--since needs a value"),
    ("metrics reply_rate twice", "twice: this word is not expected here. More: "),
    (
        "metrics reply_rate --compare",
        "a comparison needs the first day of its period and the day after the last: --since and",
    ),
    ("metrics reply_rate --platform foru", "--platform foru: there is none; did you mean forum?"),
    ("data export mesages", "no table 'mesages'; did you mean messages?"),
    ("data exprt", "exprt: there is no such command; did you mean export?"),
    ("data export", "TABLE is missing. One of: asks,"),
    ("data export asks --answered perhaps", "--answered perhaps: there is none; there are: yes, no"),
    ("data export asks --output rows.parqet", "rows.parqet: no format ends in .parqet; did you mean .parquet?"),
    ("data export asks --output .", ". is a folder. Name a file in it, such as rows.csv"),
    (
        "data export messages --reason question",
        "messages cannot be filtered by reason; it can by: since, until, platform",
    ),
    ("ingest lod", "lod: there is no such command; did you mean load?"),
    ("ingest load", "PATHS is missing. Exports: files, folders or zips."),
    ("ingest status --jsn", "--jsn: there is no such option; did you mean --json?"),
    ("ingest score --sample 0", "--sample 0: this is too small; it has to be at least 1"),
    ("ingest people undo x --by me", "NUMBER x: this is not a whole number"),
    ("ingest people same a b", "--by is missing. Who decides"),
]


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[words for words, _ in WRONG])
def test_a_wrong_use_is_one_line_with_what_is_right(words: str, told: str, tmp_path: Path) -> None:
    """No box, no library's own words, nothing on standard output, and a code of its own."""
    put(tmp_path, [ROW])
    room, *rest = words.split()
    done = hearth(room, *rest, check=2, HEARTH_DATA=str(tmp_path))
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith(f"hearth: {told}")
    assert not any(alien in done.stderr for alien in ("Value error", "Usage:", "╭"))


def test_of_many_channels_the_nearest_are_named_and_how_many_more_there_are(tmp_path: Path) -> None:
    put(tmp_path, [{**ROW, "id": f"m{number}", "channel": f"room-{number:02}"} for number in range(57)])
    for words in ("metrics reply_rate", "data export messages"):
        told = hearth(*words.split(), "--channel", "room-5x", check=2, HEARTH_DATA=str(tmp_path)).stderr
        assert "--channel room-5x: there is none; did you mean room-5" in told
        assert told.endswith(", and 37 more\n")
        assert told.count("room-") == 20 + 2


def test_without_a_word_a_room_shows_its_help() -> None:
    assert "Load exports." in hearth("ingest", check=2).stdout


def test_a_guess_is_made_only_where_a_name_is_near() -> None:
    assert meant("Slak", ["discord", "Slack"]) == "; did you mean Slack? There are: discord, Slack"
    assert meant("myspace", ["discord", "slack"]) == "; there are: discord, slack"
    assert meant("myspace", []) == "; there are none"
