"""Facebook: the account's own posts and comments, as every generation of the download writes them."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.records import Audience, Channel, Member, Message, Reaction, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import facebook
from ingest.exports._meta import mended
from tests.damage import damaged

FIXTURES = Path(__file__).parent / "fixtures" / "facebook"
CAFE = FIXTURES / "facebook-harbourcafe-2025-11-02-AbCd1234"
OLD = FIXTURES / "facebook-graceh"
PAGE = FIXTURES / "page"


def records(path: Path, include_private: bool = False) -> list[Record]:
    with Export(path, include_private=include_private) as export:
        return list(facebook.read(export))


def messages(path: Path = CAFE, include_private: bool = False) -> list[Message]:
    return [record for record in records(path, include_private) if isinstance(record, Message)]


def saying(text: str, path: Path = CAFE, include_private: bool = False) -> Message:
    (found,) = {message.id: message for message in messages(path, include_private) if message.text == text}.values()
    return found


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return folder


def test_every_row_of_posts_and_comments_becomes_one_message_or_one_refusal() -> None:
    found = records(CAFE)
    assert sum(isinstance(record, Message) for record in found) == 4 + 2 + 3 + 2 + 2
    assert [r.reason[:14] for r in found if isinstance(r, Refused)] == ["it has no time", "Expected `floa"]
    assert [r.place for r in found if isinstance(r, Refused)] == ["record 4", "byte 757"]


def test_the_account_is_the_source_and_its_staff() -> None:
    assert records(CAFE)[:2] == [
        Source("facebook", "harbourcafe", "Harbour Café"),
        Member("harbourcafe", "Harbour Café", "harbourcafe", is_staff=True),
    ]
    assert {message.member_id for message in messages()} == {"harbourcafe"}


def test_without_a_profile_the_account_goes_by_the_downloads_name_then_by_its_own(tmp_path: Path) -> None:
    assert records(OLD)[0] == Source("facebook", "graceh", "Grace Høj")
    assert records(PAGE)[0] == Source("facebook", 'name:Quay "House"', 'Quay "House"')
    with zipfile.ZipFile(tmp_path / "download.zip", "w") as packed:
        for path in (PAGE / "this_profile's_activity_across_facebook").rglob("*.json"):
            packed.write(path, f"facebook-quayhouse-2026-3-6/{path.relative_to(PAGE)}")
    assert records(tmp_path / "download.zip")[0] == Source("facebook", "quayhouse", 'Quay "House"')


def test_letters_are_mended_only_where_they_were_mangled() -> None:
    assert mended("cafÃ© â\x9a\x93") == "café ⚓"
    for right in ("café", "naïve – ✓", "Straße", "plain", "É", "日本"):
        assert mended(right) == right
    assert saying("Æøå, tak!", OLD).text == "Æøå, tak!"
    assert saying("Déjà bien écrit – ✓", PAGE).text


def test_the_same_words_in_the_same_second_are_two_messages() -> None:
    twice = [message for message in messages() if message.text.startswith("Open from six")]
    assert [message.title for message in twice] == [
        "Harbour Café replied to Grace's comment.",
        "Harbour Café replied to Ada's comment.",
    ]
    assert twice[1].id == f"{twice[0].id}:2"


def test_a_comment_that_two_files_hold_is_one() -> None:
    coats = [message for message in messages() if message.text == "Bring a coat"]
    assert len(coats) == 2
    assert coats[0] == coats[1]


def test_a_group_is_a_channel_found_in_the_row_or_in_its_title_in_any_language() -> None:
    assert saying("Bring a coat").channel_id == "group:Boats"
    assert saying("We have one on the quay").channel_id == "group:Boats of the North"
    assert saying("Soup tonight").channel_id == "group:Boats of the North"  # a title in Dutch; not "Boats"
    assert saying("Chairs to give away").channel_id == "group:Free Things"  # no longer a member there
    names = {record.id: record.name for record in records(CAFE) if isinstance(record, Channel)}
    assert names["group:Boats"] == "Boats"
    assert names["groups"] == "Groups"


def test_posts_say_what_was_attached_and_whether_they_were_changed() -> None:
    terrace = saying("Nieuw terras, très joli")
    assert (terrace.attachments, terrace.channel_id, terrace.kind) == (1, "posts", "message")
    assert terrace.sent_at == datetime(2025, 10, 9, 8, 58, 20, tzinfo=UTC)
    assert terrace.edited_at == datetime(2025, 10, 9, 8, 59, 20, tzinfo=UTC)
    assert terrace.sent_at.tzinfo is UTC


def test_a_row_without_words_or_pictures_is_a_system_line() -> None:
    assert [message.title for message in messages() if message.kind == "system"] == [
        "Harbour Café updated its cover photo."
    ]


def test_the_newest_files_name_their_fields_in_the_accounts_language() -> None:
    congratulation = saying("Gefeliciteerd, Grace! 🎉")
    assert (congratulation.id, congratulation.channel_id) == ("400000000000001", "posts")
    nested = saying("Élan")
    assert (nested.id, nested.attachments) == ("400000000000002", 1)
    assert nested.sent_at == datetime(2025, 10, 9, 9, 1, 50, tzinfo=UTC)


def test_likes_and_old_wordings_are_not_messages() -> None:
    assert "an older wording" not in str(records(CAFE))
    assert "likes" not in str(records(CAFE))


def test_followers_are_one_total_at_the_last_that_came() -> None:
    assert [record for record in records(PAGE) if isinstance(record, Audience)] == [
        Audience("followers", datetime(2025, 10, 9, 8, 53, 22, tzinfo=UTC), 3)
    ]


def test_private_threads_are_left_out_and_counted() -> None:
    with Export(CAFE) as export:
        found = list(facebook.read(export))
        assert export.left_out == {"private messages": 5}
    assert "Zijn jullie open" not in str(found)


def test_private_threads_are_read_where_that_is_allowed() -> None:
    found = records(CAFE, include_private=True)
    assert Channel("thread:grace_77", "Grace é", "chat", is_private=True) in found
    question = saying("Zijn jullie open? é", include_private=True)
    assert (question.member_id, question.attachments) == ("name:Grace", 1)
    assert question.sent_at == datetime(2025, 10, 9, 9, 5, tzinfo=UTC)
    answer = saying("Ja, om zes uur", include_private=True)
    assert answer.member_id == "harbourcafe"
    assert Reaction(answer.id, "❤", "name:Grace") in found
    (unsent,) = (message for message in messages(CAFE, True) if message.deleted_at)
    assert unsent.text == ""
    call = saying("called you", include_private=True)
    assert (call.kind, call.member_id) == ("system", None)
    assert len([message for message in messages(CAFE, True) if message.channel_id == "thread:grace_77"]) == 4


def test_secrets_and_addresses_never_leave_the_download() -> None:
    assert "192.0.2.7" not in str(records(CAFE, include_private=True))
    assert "cafe@example.org" not in str(records(CAFE, include_private=True))


def test_a_file_that_was_cut_off_keeps_what_it_has(tmp_path: Path) -> None:
    name = "your_facebook_activity/posts/your_posts__check_ins__photos_and_videos_1.json"
    content = (CAFE / name).read_bytes()
    (tmp_path / "your_posts_1.json").write_bytes(content[: content.index(b"updated its")])
    found = records(tmp_path)
    assert [type(record) for record in found] == [Source, Member, Channel, Message, Refused]


def test_a_download_without_words_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="format JSON"):
        records(write(tmp_path, "your_facebook_activity/likes.json", [{"reaction": 1}]))


def test_an_inbox_alone_is_told_from_instagrams_by_its_folders(tmp_path: Path) -> None:
    inbox = CAFE / "your_facebook_activity" / "messages"
    for folder, sure in (("your_facebook_activity", 0.6), ("your_instagram_activity", 0.0), ("some", 0.25)):
        shutil.copytree(inbox, tmp_path / folder[-12:] / folder / "messages")
        with Export(tmp_path / folder[-12:]) as export:
            assert facebook.detects(export) == sure


@pytest.mark.parametrize("fixture", [CAFE, OLD, PAGE], ids=lambda path: path.name)
def test_damage_never_stops_the_reader(tmp_path: Path, fixture: Path) -> None:
    for spoilt in damaged(fixture, tmp_path):
        with Export(spoilt) as export:
            assert 0 <= facebook.detects(export) <= 1
        try:
            assert isinstance(records(spoilt, include_private=True)[0], Source)
        except ExportError:
            continue


def test_bytes_that_are_read_twice_are_counted_once() -> None:
    with Export(CAFE, include_private=True) as export:
        for _ in facebook.read(export):
            assert export.done <= export.size
