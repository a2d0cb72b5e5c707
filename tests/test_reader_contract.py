"""What every reader of exports promises, checked on each one's own fixtures.

A fixture is an export in tests/fixtures/<reader>/: each entry there, where the reader knows every one
of them for its own; else the folder as a whole.
"""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
import pytest

import ingest.exports
from data.records import Audience, Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export

FIXTURES = Path(__file__).parent / "fixtures"
KNOWN = 0.2  # a reader that says less does not take the export for its own

# Message ids a fixture holds twice on purpose, because real exports do.
REPEATED = {
    "facebook": {"4a0be0545459ba2f482a"},
    "youtube": {"UgA1.r2"},
    "mail": {"two@example.org"},
    "reddit": {"t1_c2"},
    "x": {"2050485442880471040"},
    "discourse": {"104", "301"},
    "telegram_bot": {"1000000077:11"},
    "slack_api": {"C0GENERAL:1714586400.000100"},
    "mastodon": {"https://far.example/users/grace/statuses/77"},
    "bluesky": {"at://did:plc:harbourharbourharbour222/app.bsky.feed.post/3lab22222222a"},
}

# How many rows (messages, system lines, broken ones) each fixture holds, counted by hand.
ROWS = {
    "discord/harbour": 18,
    "generic/chat.json": 2,
    "generic/events.ndjson": 3,
    "generic/posts.csv": 3,
    "generic/comments.tsv": 1,
    "generic/harbour-group": 3,
    "generic/messages.csv": 2,
    "discourse/archive": 3,
    "discourse/pages": 9,  # and two that not everybody may read, left out
    "discourse/topic-31.json": 3,
    "discourse_backup/harbour-talk-2026-05-05-033000-v20260501": 9,  # and three that not everybody may read
    "discourse_backup/unanswered-asks.csv": 4,
    "discourse_backup/user_archive-cy-260505-101010-3": 1,  # and a personal message
    "phpbb/harbour-board.sql": 8,  # and four that not everybody may read
    "phpbb/quay-2009.sql": 2,
    "phpbb/slip-2003.sql": 3,  # and a private message
    "vbulletin/lighthouse-2012.sql": 6,  # and three that not everybody may read
    "telegram/account": 2,  # and three private ones, left out
    "telegram/harbour-desk": 12,
    "telegram/ropewalk-2019.json": 3,
    "telegram_bot/ropewalk.json": 8,  # one of them comes along with an answer; and a private one, left out
    "x/lighthouse": 9,
    "x/foghorn-2013": 3,
    "x/foghorn-2019": 1,
    "x_api_v2/lighthouse-mentions": 7,  # and one for followers, left out
    "x_api_v2/foghorn-search.ndjson": 4,
    "rocketchat/answers": 9,
    "rocketchat/messages.ndjson": 3,
    "gitter/harbour": 5,
    "matrix/element": 14,
    "matrix/answers": 2,
    "teams/harbour": 10,
    "zulip/harbour-archive": 10,
    "zulip/harbour-export": 7,
    "zulip/harbour-answers": 4,
    "stackexchange/sailing.example.com": 11,
    "stackexchange/api": 5,
    "reddit/harbour-answers.json": 10,
    "reddit/harbour-dump": 11,
    "slack/quay": 14,
    "slack_api/harbour": 4,  # and a private one, left out
    "slack/boatyard-2016": 7,
    "slack/slipway": 4,
    "mail/harbour-help": 9,
    "mail/lighthouse@example.org-2024-05.mbox": 4,
    "facebook/facebook-harbourcafe-2025-11-02-AbCd1234": 15,
    "facebook/facebook-graceh": 2,
    "facebook/page": 3,
    "instagram/instagram-quay_bakery-2025-11-02-AbCd1234": 11,
    "instagram/harbour.mail_20210304": 2,
    "instagram/instagram-lighthouse-2026-06-01-Zz": 2,
    "meta_api/quayhouse": 13,
    "meta_api/lighthouse": 9,
    "youtube/harbour": 10,
    "youtube/all-answers.json": 2,
    "youtube/one-comment.json": 1,
    "youtube_takeout/takeout-2023": 6,
    "youtube_takeout/takeout-2026": 5,
    "youtube_takeout/komentari.csv": 2,
    "youtube_takeout/my-comments.html": 4,
    "google_plus/takeout-json": 9,
    "google_plus/takeout-html": 6,
    "wordpress/harbour.WordPress.2024-04-01.xml": 11,
    "disqus/harbour-blog-2023-06-01.xml": 10,
    "blogger/takeout": 6,
    "blogger/blog-01-01-2011.xml": 4,
    "mail/pier-takeout": 4,
    "zendesk/tickets.json": 8,
    "zendesk/api": 4,
    "zendesk/csv": 5,
    "chatwoot/conversation-50.json": 7,
    "chatwoot/conversations.json": 2,
    "chatwoot/tables": 3,
    "lemmy/dump": 9,
    "lemmy/post.json": 1,
    "irc/public-log": 16,
    "irc/irssi": 7,
    "irc/irc.harbournet.#harbour.weechatlog": 8,
    "irc/znc": 10,
    "irc/harbour.log.01May2024": 7,
    "irc/hexchat": 5,
    "irc/mirc": 5,
    "irc/supybot.log": 4,
    "mattermost/export.jsonl": 10,
    "mattermost/answers": 5,
    "reddit/RC_2012-01.ndjson": 3,
    "reddit/script.json": 4,
    "reddit_account/export_ada_l": 7,  # and three private messages, left out
    "github/harbour-rest": 10,
    "github/harbour-discussions.json": 5,
    "github/gh-list.json": 3,
    "mastodon/api-2026": 9,  # and a post for followers, left out
    "mastodon/archive-2026": 6,  # and two private posts, left out
    "bluesky/harbour.car": 6,
    "bluesky/thread.json": 4,
    "bluesky/feed.jsonl": 6,
    "discord_csv/harbour": 8,
    "discord_html/harbour": 10,
    "discord_api/harbour": 5,  # and a private one, left out
    "discord_package/package": 4,  # and a direct message, left out
    "linkedin/Complete_LinkedInDataExport_05-31-2026": 7,  # and a post for connections and three messages, left out
    "twcs/twcs.csv": 5,
    "twcs/pandas.csv": 11,
    "twcs/excel.csv": 2,
    "whatsapp/WhatsApp Chat with Quay help.txt": 12,
    "whatsapp/WhatsApp Chat - Sailors": 10,
    # Totals only: what is left to count is what was refused.
    "audience/Content 2026-05-01_2026-05-31 The Pier": 0,
    "audience/guild-leavers.csv": 0,
    "audience/linkedin_followers.csv": 0,
    "audience/linkedin_posts.csv": 0,
    "audience/meta_facebook.csv": 0,
    "audience/meta_instagram_de.csv": 0,
    "audience/plain.csv": 2,
    "audience/popular-text-channels-2026-05-31.csv": 0,
    "audience/x_content_2026-05-01_2026-05-31.csv": 0,
    "audience/x_overview.csv": 0,
    "audience/x_tweets_2019.csv": 0,
    "audience/youtube_es.csv": 0,
}


class Reader(Protocol):
    """A module of ingest/exports."""

    PLATFORM: str
    __doc__: str | None
    __name__: str

    def detects(self, export: Export) -> float: ...
    def read(self, export: Export) -> Iterator[Record]: ...


READERS: dict[str, Reader] = {
    found.name: cast("Reader", import_module(f"ingest.exports.{found.name}"))
    for found in pkgutil.iter_modules(ingest.exports.__path__)
    if not found.name.startswith("_")
}


def detects(reader: Reader, path: Path) -> float:
    with Export(path) as export:
        return reader.detects(export)


def read(reader: Reader, path: Path) -> list[Record]:
    with Export(path) as export:
        return list(reader.read(export))


def exports(name: str) -> list[Path]:
    """The fixtures of a reader."""
    folder = FIXTURES / name
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    alone = entries and all(detects(READERS[name], entry) >= KNOWN for entry in entries)
    return entries if alone or not entries else [folder]


CASES = [pytest.param(name, path, id=f"{name}-{path.name}") for name in READERS for path in exports(name)]
each_fixture = pytest.mark.parametrize(("name", "path"), CASES)
each_reader = pytest.mark.parametrize("name", READERS)


def moments(value: object) -> Iterator[datetime]:
    """Every time in a record."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from moments(getattr(value, field))


@each_reader
def test_a_reader_says_what_it_reads_in_one_line(name: str) -> None:
    reader = READERS[name]
    line = (reader.__doc__ or "").strip().partition("\n")[0]
    assert line.endswith("."), "the first line is the help text"
    assert reader.PLATFORM


@each_reader
def test_a_reader_has_a_fixture(name: str) -> None:
    assert exports(name), f"tests/fixtures/{name} is empty or missing"


@each_fixture
def test_a_reader_knows_its_own_better_than_any_other_does(name: str, path: Path) -> None:
    values = {other: detects(reader, path) for other, reader in READERS.items()}
    assert all(0 <= value <= 1 for value in values.values())
    best = max(values.values())
    assert [other for other, value in values.items() if value == best] == [name], values


@each_reader
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("notes.txt", b"From time to time: milk\n10:30 bread, 2026\n"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("settings.json", b'{"name": "x", "messages": 5, "channel": {"id": "1"}}'),
        ("page.html", b"<!doctype html><title>x</title><p>From here</p>"),
        ("empty.csv", b""),
        ("broken.json", b'[{"id": '),
        ("nothing", b""),
    ],
)
def test_a_reader_leaves_what_is_not_its_own(name: str, file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    assert detects(READERS[name], tmp_path / file) < KNOWN
    assert detects(READERS[name], tmp_path) < KNOWN


@each_fixture
def test_the_source_comes_first_and_once(name: str, path: Path) -> None:
    found = read(READERS[name], path)
    assert isinstance(found[0], Source)
    assert sum(isinstance(record, Source) for record in found) == 1
    assert found[0].platform
    assert found[0].id
    assert found[0].name


@each_fixture
def test_a_fixture_holds_messages_or_totals(name: str, path: Path) -> None:
    kind = Audience if name == "audience" else Message
    assert any(isinstance(record, kind) for record in read(READERS[name], path))


@each_fixture
def test_every_row_becomes_one_message_or_one_refused(name: str, path: Path) -> None:
    rows = sum(isinstance(record, Message | Refused) for record in read(READERS[name], path))
    fixture = path.relative_to(FIXTURES).as_posix()
    assert ROWS.get(fixture) == rows, f"count the rows of {fixture} by hand and write them into ROWS"


@each_fixture
def test_times_are_aware_and_utc(name: str, path: Path) -> None:
    for record in read(READERS[name], path):
        for moment in moments(record):
            assert moment.tzinfo is UTC, record


@each_fixture
def test_message_ids_are_unique(name: str, path: Path) -> None:
    ids = Counter(record.id for record in read(READERS[name], path) if isinstance(record, Message))
    assert {id_ for id_, times in ids.items() if times > 1} <= REPEATED.get(name, set())


@each_fixture
def test_what_a_message_names_is_told_or_empty_never_blank(name: str, path: Path) -> None:
    """A parent may be missing from the export; a channel or an author may not."""
    found = read(READERS[name], path)
    channels = {record.id for record in found if isinstance(record, Channel)}
    members = {record.id for record in found if isinstance(record, Member)}
    for message in (record for record in found if isinstance(record, Message)):
        assert message.channel_id in channels
        assert message.member_id is None or message.member_id in members
        assert message.parent_id != message.id
        assert "" not in (message.id, message.parent_id, message.conversation_id, message.title)


@each_fixture
def test_an_answer_says_how_it_is_known(name: str, path: Path) -> None:
    for message in read(READERS[name], path):
        if isinstance(message, Message) and message.parent_id:
            assert message.basis is not None
            assert message.basis != "inferred", "guessing is for data/derive"


@each_fixture
def test_reactions_are_on_messages_of_the_export(name: str, path: Path) -> None:
    found = read(READERS[name], path)
    ids = {record.id for record in found if isinstance(record, Message)}
    assert {record.message_id for record in found if isinstance(record, Reaction)} <= ids


@each_fixture
def test_channels_and_members_are_not_told_again_without_news(name: str, path: Path) -> None:
    last: dict[tuple[type, str], Any] = {}
    for record in read(READERS[name], path):
        if isinstance(record, Channel | Member):
            undated = msgspec.structs.replace(record, updated_at=None)
            assert last.get((type(record), record.id)) != undated
            last[type(record), record.id] = undated


@each_fixture
def test_what_is_refused_has_a_place_and_a_reason(name: str, path: Path) -> None:
    for record in read(READERS[name], path):
        if isinstance(record, Refused):
            assert record.file
            assert record.place
            assert record.reason


@each_fixture
def test_reading_twice_yields_the_same(name: str, path: Path) -> None:
    assert read(READERS[name], path) == read(READERS[name], path)


@each_fixture
def test_all_bytes_are_counted_for_the_progress_bar(name: str, path: Path) -> None:
    with Export(path) as export:
        for _ in READERS[name].read(export):
            assert 0 <= export.done <= export.size
        assert export.done > 0
