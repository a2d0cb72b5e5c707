"""Mattermost: posts, replies and people in a bulk export and in the API's answers."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import mattermost
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "mattermost"
BULK, ANSWERS = FIXTURES / "export.jsonl", FIXTURES / "answers"
ROOT = "harbour/help:1714550001500:ada"


def records(path: Path, *, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(mattermost.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in records(path) if isinstance(record, Message)}


def members(path: Path) -> dict[str, Member]:
    return {record.id: record for record in records(path) if isinstance(record, Member)}


def test_the_team_is_the_source_by_its_name_or_its_id() -> None:
    assert records(BULK)[0] == Source("mattermost", "harbour", "harbour")
    assert records(ANSWERS)[0] == Source("mattermost", "t1", "Harbour")


@pytest.mark.parametrize(("path", "said", "refused"), [(BULK, 7, 3), (ANSWERS, 4, 1)])
def test_every_public_row_becomes_a_message_or_is_refused(path: Path, said: int, refused: int) -> None:
    found = records(path)
    assert sum(isinstance(record, Message) for record in found) == said
    assert sum(isinstance(record, Refused) for record in found) == refused


def test_what_is_refused_has_its_place() -> None:
    refused = [(record.file, record.place) for record in records(BULK) if isinstance(record, Refused)]
    assert refused == [
        ("export.jsonl", "line 10"),  # a reply
        ("export.jsonl", "post harbour/help:100000000000000000:ada"),  # its time
        ("export.jsonl", "line 19"),  # cut off
    ]


def test_replies_hang_on_their_root_wherever_they_stand() -> None:
    found = messages(BULK)
    reply = found["harbour/help:1714550002500:grace"]
    assert (reply.conversation_id, reply.parent_id, reply.basis) == (ROOT, ROOT, "thread")
    assert (found[ROOT].conversation_id, found[ROOT].parent_id, found[ROOT].basis) == (None, None, None)
    reply = messages(ANSWERS)["p2"]
    assert (reply.conversation_id, reply.parent_id, reply.basis) == ("p1", "p1", "thread")


def test_joins_are_system_lines_also_where_an_old_export_does_not_say_so() -> None:
    system = [name for name, message in messages(BULK).items() if message.kind == "system"]
    assert system == ["harbour/help:1714550000000:ada", "harbour/help:1714550012000:ada"]


def test_people_have_names_roles_and_bots() -> None:
    assert members(BULK) == {
        "ada": Member("ada", "Ada Lark", "ada", "ada@example.org"),
        "grace": Member("grace", "Grace W.", "grace", "grace@harbour.example.org", is_staff=True),
        "tidebot": Member("tidebot", "Tides", "tidebot", is_bot=True),
        "webhook:ships": Member("webhook:ships", "ships", is_bot=True),
    }
    assert members(ANSWERS) == {
        "u1": Member("u1", "Ada Lark", "ada", "ada@example.org"),
        "u2": Member("u2", "Grace W.", "grace", is_staff=True),
        "u9": Member("u9", "u9", is_bot=True),
    }


def test_what_a_webhook_posts_is_not_the_words_of_whoever_set_it_up() -> None:
    assert messages(BULK)["harbour/help:1714550010000:grace"].member_id == "webhook:ships"


def test_usernames_in_the_text_are_mentions_of_those_who_have_them() -> None:
    assert messages(BULK)[ROOT].mentions == ("grace",)  # "@grace." ends a sentence
    assert messages(ANSWERS)["p1"].mentions == ("u2",)


def test_times_edits_deletions_and_files() -> None:
    root = messages(BULK)[ROOT]
    assert root.sent_at == datetime(2024, 5, 1, 7, 53, 21, 500_000, UTC)
    assert root.edited_at == datetime(2024, 5, 1, 7, 53, 25, tzinfo=UTC)
    gone = messages(ANSWERS)["p3"]
    assert (gone.text, gone.deleted_at) == ("", datetime(2024, 5, 1, 7, 54, 40, tzinfo=UTC))
    assert messages(BULK)["harbour/help:1714550002500:grace"].attachments == 1
    assert messages(ANSWERS)["p2"].attachments == 2


def test_a_deletion_at_no_moment_is_one_all_the_same(tmp_path: Path) -> None:
    shutil.copytree(ANSWERS, tmp_path, dirs_exist_ok=True)
    for file in tmp_path.glob("*.json*"):
        file.write_text(re.sub(r'("delete_at": )[1-9]\d+', rf"\g<1>{10**18}", file.read_text("utf-8")), "utf-8")
    gone = messages(tmp_path)["p3"]
    assert (gone.text, gone.deleted_at) == ("", gone.sent_at)


def test_reactions_are_read_in_either_form() -> None:
    assert [r for r in records(BULK) if isinstance(r, Reaction)] == [Reaction(ROOT, "anchor", "grace")]
    assert [r for r in records(ANSWERS) if isinstance(r, Reaction)] == [Reaction("p1", "eyes", "u2")]


@pytest.mark.parametrize(("path", "hidden"), [(BULK, 4), (ANSWERS, 1)])
def test_what_is_private_is_left_out_and_counted_unless_it_is_asked_for(path: Path, hidden: int) -> None:
    with Export(path) as export:
        assert "secret" not in str(list(mattermost.read(export)))
        assert export.left_out == {"private messages": hidden}
    found = records(path, include_private=True)
    private = {record.id for record in found if isinstance(record, Channel) and record.is_private}
    texts = [record.text for record in found if isinstance(record, Message) and record.channel_id in private]
    broken = [record for record in found if isinstance(record, Refused) and b"secret" in record.raw]
    assert len(texts) + len(broken) == hidden
    assert all("secret" in text for text in texts)


def test_a_zip_around_it_changes_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as packed:
        packed.write(BULK, "import.jsonl")
        packed.writestr("data/plan.png", b"")
    found = records(tmp_path / "export.zip")
    assert {record.id for record in found if isinstance(record, Message)} == set(messages(BULK))


def test_an_export_without_posts_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ExportError, match="holds no posts"):
        records(tmp_path)


@pytest.mark.parametrize("path", [BULK, ANSWERS], ids=["bulk", "answers"])
def test_a_damaged_export_is_read_or_refused_but_never_falls_over(path: Path, tmp_path: Path) -> None:
    for spoilt in damaged(path, tmp_path):
        with suppress(ExportError):
            assert isinstance(records(spoilt, include_private=True)[0], Source)


def test_a_post_that_does_not_say_its_channel_is_refused(tmp_path: Path) -> None:
    post = {"id": "p1", "create_at": 1714550000000, "user_id": "u1", "channel_id": "", "message": "x"}
    (tmp_path / "page.json").write_text(json.dumps({"order": ["p1"], "posts": {"p1": post}}))
    (refused,) = (record for record in records(tmp_path) if isinstance(record, Refused))
    assert refused.reason == "it does not say its id and its channel"
