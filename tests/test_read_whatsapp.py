"""WhatsApp: chats as phones of both systems and many countries write them."""

from __future__ import annotations

import random
import re
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import whatsapp

FIXTURES = Path(__file__).parent / "fixtures" / "whatsapp"
QUAY, SAILORS = FIXTURES / "WhatsApp Chat with Quay help.txt", FIXTURES / "WhatsApp Chat - Sailors"

SLOOP = "My boat is 9 m long: a sloop.\n\n13/05/2026, 25:00 is no time of mine"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(whatsapp.read(export))


def messages(path: Path = QUAY) -> list[Message]:
    return [record for record in records(path) if isinstance(record, Message)]


def chat(folder: Path, *lines: str, name: str = "WhatsApp Chat with Quay.txt") -> Path:
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_a_chat_is_one_source_with_one_channel_named_after_it() -> None:
    assert records(QUAY)[:2] == [
        Source("whatsapp", "Quay help", "Quay help"),
        Channel("Quay help", "Quay help", "chat", is_private=True),
    ]


def test_every_row_of_an_android_chat() -> None:
    (notice, *rest) = messages()
    assert (notice.kind, notice.member_id) == ("system", None)
    assert [(m.sent_at, m.kind, m.text, m.attachments) for m in rest] == [
        (at(2026, 5, 13, 8, 58), "system", 'Ada created group "Quay: help"', 0),
        (at(2026, 5, 13, 8, 59), "system", "+…123 joined using a group link.", 0),
        (at(2026, 5, 13, 9, 0), "message", "Hello, where do I moor?\n" + SLOOP, 0),
        (at(2026, 5, 13, 9, 0), "message", "Anybody?", 0),
        (at(2026, 5, 13, 9, 4), "message", "@+…123 at pier 5", 0),
        (at(2026, 5, 13, 9, 5), "message", "", 1),
        (at(2026, 5, 13, 9, 5), "message", "This is the pier", 1),
        (at(2026, 5, 13, 23, 59), "message", "", 0),
        (at(2026, 6, 1, 7, 0), "message", "@+…123 are you in?", 0),
        (at(2026, 6, 1, 7, 1), "message", "POLL:\nLunch?\nOPTION: Fish (1 vote)\nOPTION: Soup (0 votes)", 0),
    ]


def test_every_row_of_an_iphones_chat() -> None:
    assert [(m.sent_at, m.member_id, m.kind, m.text, m.attachments) for m in messages(SAILORS)] == [
        (at(2026, 5, 13, 8, 58, 1), None, "system", "Messages and calls are end-to-end encrypted.", 0),
        (at(2026, 5, 13, 8, 58, 2), None, "system", "Ada changed this group's icon", 0),
        (at(2026, 5, 13, 0, 0, 0), "~Grace", "message", "Who sails tonight?\nAnd who at noon?", 0),
        (at(2026, 5, 13, 12, 0, 0), "Ada", "message", "I do, with @Grace", 0),
        (at(2026, 5, 13, 12, 1, 9), "Ada", "message", "", 1),
        (at(2026, 5, 13, 12, 1, 10), "Ada", "message", "the chart", 1),
        (at(2026, 6, 1, 13, 0, 0), "~Grace", "message", "", 0),
        (at(2026, 6, 1, 13, 0, 5), "Ada", "message", "See you", 0),
        (at(2026, 6, 1, 13, 0, 6), "Ada", "message", "POLL:\nWhen?\nOPTION: Now (2 votes)", 0),
        (at(2026, 6, 1, 13, 0, 7), "Ada", "message", "[6/1/26, 9:00:00\u202fAM] is when we met", 0),
    ]


def test_a_phone_number_is_hashed_and_shown_by_its_last_digits() -> None:
    (phone, ada, _) = (record for record in records(QUAY) if isinstance(record, Member))
    assert (phone.name, ada.name) == ("+…123", "Ada")
    assert re.fullmatch(r"phone:[0-9a-f]{16}", phone.id)
    assert "555" not in str([record for record in records(QUAY) if not isinstance(record, Refused)])


def test_a_mention_is_of_the_member_it_names() -> None:
    (phone, *_) = (record.id for record in records(QUAY) if isinstance(record, Member))
    assert [message.mentions for message in messages() if message.mentions] == [(phone,), (phone,)]


def test_who_is_no_contact_is_somebody_else_than_the_contact_of_that_name() -> None:
    assert [(r.id, r.name) for r in records(SAILORS) if isinstance(r, Member)] == [("~Grace", "Grace"), ("Ada", "Ada")]


@pytest.mark.parametrize(("path", "row"), [(QUAY, 8), (SAILORS, 6)])
def test_a_deleted_message_is_kept_as_deleted(path: Path, row: int) -> None:
    deleted = [at for at, message in enumerate(messages(path)) if message.deleted_at]
    assert deleted == [row]


def test_a_time_that_is_none_is_refused_with_its_line() -> None:
    (refused,) = (record for record in records(QUAY) if isinstance(record, Refused))
    assert (refused.place, refused.reason) == ("line 15", "there is no such time")
    assert refused.raw == b"01/06/2026, 25:00 - Linus: from a clock that is wrong"


def test_ids_stay_the_same_in_a_later_longer_and_edited_export(tmp_path: Path) -> None:
    early = chat(tmp_path, "13/05/26, 09:00 - Ada: one", "13/05/26, 09:00 - Ada: two", "13/05/26, 09:00 - Bo: hm")
    before = [message.id for message in messages(early)]
    late = chat(
        tmp_path, "13/05/26, 09:00 - Ada: one! <This message was edited>",
        "13/05/26, 09:00 - Ada: This message was deleted", "13/05/26, 09:00 - Bo: hm", "13/05/26, 09:01 - Bo: ah",
    )  # fmt: skip
    after = [message.id for message in messages(late)]
    assert after[:3] == before
    assert len(set(after)) == 4


def test_ids_do_not_depend_on_how_the_phone_writes_dates(tmp_path: Path) -> None:
    german = messages(chat(tmp_path, "13.05.26, 21:00 - Ada: one", name="WhatsApp-Chat mit Quay.txt"))
    american = messages(chat(tmp_path, "5/13/26, 9:00\u202fPM - Ada: one", name="WhatsApp Chat with Quay.txt"))
    assert german == american


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("20/01/19, 11:23 - Ada: x", (2019, 1, 20, 11, 23)),
        ("1/20/19, 11:23 PM - Ada: x", (2019, 1, 20, 23, 23)),
        ("20/01/2019 11:23 - Ada: x", (2019, 1, 20, 11, 23)),
        ("20/01/2019 à 11:23 - Ada: x", (2019, 1, 20, 11, 23)),
        ("2019-01-20 kl. 11:23 - Ada: x", (2019, 1, 20, 11, 23)),
        ("20.1.2019 klo 11.23 - Ada: x", (2019, 1, 20, 11, 23)),
        ("20.01.19, 11:23 - Ada: x", (2019, 1, 20, 11, 23)),
        ("20-01-19 11:23 - Ada: x", (2019, 1, 20, 11, 23)),
        ("20/1/2019, 12:05 a. m. - Ada: x", (2019, 1, 20, 0, 5)),
        ("20/1/2019, 12:05 p.\xa0m. - Ada: x", (2019, 1, 20, 12, 5)),
        ("20/1/2019, 3:05 μ.μ. - Ada: x", (2019, 1, 20, 15, 5)),
        ("20/01/2019, 3:05 ÖS - Ada: x", (2019, 1, 20, 15, 5)),
        ("2019/1/20 下午3:45 - Ada: x", (2019, 1, 20, 15, 45)),
        ("2019. 1. 20. 오전 3:45 - Ada: x", (2019, 1, 20, 3, 45)),
        ("2019年1月20日 下午3:45 - Ada: x", (2019, 1, 20, 15, 45)),
        ("[2019/01/20 15:45:12] Ada: x", (2019, 1, 20, 15, 45, 12)),
        ("[20/01/19, 11:23:45] Ada: x", (2019, 1, 20, 11, 23, 45)),
        ("[20.01.19, 11:23:45] Ada: x", (2019, 1, 20, 11, 23, 45)),
        ("[2019-01-20 11 h 23 min 45 s] Ada : x", (2019, 1, 20, 11, 23, 45)),
        ("20/01/19, 11:23:45: Ada: x", (2019, 1, 20, 11, 23, 45)),
        ("[٢٠\u200f/١\u200f/٢٠١٩، ١١:٢٣:٤٥ م] Ada: x", (2019, 1, 20, 23, 23, 45)),
        ("20/1/2562 11:23 - Ada: x", (2019, 1, 20, 11, 23)),
        ("19/1/20, 11:23 - Ada: x\n19/1/31, 11:23 - Ada: y\n20/1/31, 11:23 - Ada: y", (2019, 1, 20, 11, 23)),
    ],
)
def test_a_date_of_any_country(tmp_path: Path, line: str, moment: tuple[int, ...]) -> None:
    first = messages(chat(tmp_path, line))[0]
    assert (first.sent_at, first.member_id, first.text) == (at(*moment), "Ada", "x")


@pytest.mark.parametrize(
    ("days", "last"),
    [
        (("03/04/26", "05/04/26", "13/04/26"), (2026, 4, 13)),  # no month is the 13th
        (("04/03/26", "04/05/26", "04/13/26"), (2026, 4, 13)),
        (("03/04/26", "05/04/26", "01/05/26"), (2026, 5, 1)),  # read the other way it would go back from May to January
        (("04/03/26", "04/05/26", "05/01/26"), (2026, 5, 1)),
        (("05/05/26", "06/06/26"), (2026, 6, 6)),  # either way
        (("03/04/25", "03/12/25"), None),
        (("3.4.26", "5.4.26"), (2026, 4, 5)),  # a month never comes before a dot
        (("01/02/26",), None),
    ],
)
def test_the_order_of_dates_is_found_or_asked_for(
    tmp_path: Path, days: tuple[str, ...], last: tuple[int, int, int] | None
) -> None:
    path = chat(tmp_path, *(f"{day}, 09:00 - Ada: x" for day in days))
    if last:
        assert messages(path)[-1].sent_at == at(*last, 9)
        return
    with pytest.raises(ExportError, match='put "dd-mm" or "mm-dd" into the name'):
        records(path)


@pytest.mark.parametrize(("answer", "month"), [("dd-mm", 4), ("mm-dd", 3)])
def test_the_name_of_the_file_can_answer_and_is_no_part_of_the_chats_name(
    tmp_path: Path, answer: str, month: int
) -> None:
    path = chat(tmp_path, "03/04/26, 09:00 - Ada: x", name=f"WhatsApp Chat with Quay ({answer}).txt")
    assert messages(path)[0].sent_at.month == month
    assert records(path)[0] == Source("whatsapp", "Quay", "Quay")


def test_an_answer_does_not_overrule_the_dates(tmp_path: Path) -> None:
    path = chat(tmp_path, "13/04/26, 09:00 - Ada: x", name="WhatsApp Chat with Quay mm-dd.txt")
    assert messages(path)[0].sent_at == at(2026, 4, 13, 9)


def test_a_word_beside_the_time_that_is_not_known_is_not_guessed(tmp_path: Path) -> None:
    (refused,) = (r for r in records(chat(tmp_path, "20/01/19, 11:23 zz - Ada: x")) if isinstance(r, Refused))
    assert "'zz' is in the morning or in the afternoon" in refused.reason


@pytest.mark.parametrize(
    ("text", "said", "attachments"),
    [
        ("<Medien ausgeschlossen>", "", 1),
        ("\u200eBild weggelassen", "", 1),
        ("\u200eimagen omitida", "", 1),
        ("plan.pdf • \u200e3 pages \u200edocument omitted", "plan.pdf • 3 pages", 1),
        ("\u200eplan.pdf (Datei angehängt)", "", 1),
        ("location: https://maps.google.com/?q=1,2", "", 1),
        ("\u200eUbicación: https://maps.google.com/?q=1,2", "", 1),
        ("null", "", 1),
        ("see \u200e<Se editó este mensaje.>", "see", 0),
        ("a <b> c", "a <b> c", 0),
        ("I omitted <it>", "I omitted <it>", 0),
    ],
)
def test_what_the_phone_writes_in_place_of_words(tmp_path: Path, text: str, said: str, attachments: int) -> None:
    (message,) = messages(chat(tmp_path, f"20/01/19, 11:23 - Ada: {text}"))
    assert (message.text, message.attachments, message.kind) == (said, attachments, "message")


def test_a_call_on_an_iphone_is_a_system_line(tmp_path: Path) -> None:
    (message,) = messages(chat(tmp_path, "[20/01/19, 11:23:45] Ada: \u200eMissed voice call"))
    assert (message.kind, message.member_id) == ("system", None)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("WhatsApp Chat with Tea with Ada.txt", "Tea with Ada"),
        ("WhatsApp-Chat mit Quay (1).txt", "Quay"),
        ("Chat de WhatsApp con Quay.txt", "Quay"),
        ("Discussion WhatsApp avec Quay.txt", "Quay"),
        ("Чат WhatsApp с Quay.txt", "Quay"),
        ("quay.txt", "quay"),
    ],
)
def test_a_chat_is_named_by_its_file(tmp_path: Path, name: str, source: str) -> None:
    assert records(chat(tmp_path, "20/01/19, 11:23 - Ada: x", name=name))[0] == Source("whatsapp", source, source)


def test_an_iphones_chat_is_the_same_in_its_zip_its_folder_and_alone(tmp_path: Path) -> None:
    packed = tmp_path / "WhatsApp Chat - Sailors.zip"
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.write(SAILORS / "_chat.txt", "_chat.txt")
        zipped.writestr("00000012-PHOTO.jpg", b"\xff\xd8")
        zipped.writestr("00000013-notes.txt", b"milk")
    (tmp_path / "_chat.txt").write_bytes((SAILORS / "_chat.txt").read_bytes())
    assert records(packed) == records(SAILORS) == records(tmp_path / "_chat.txt")


def test_several_chats_in_a_folder_are_taken_singly(tmp_path: Path) -> None:
    for name in ("WhatsApp Chat with A.txt", "WhatsApp Chat with B.txt"):
        chat(tmp_path, "20/01/19, 11:23 - Ada: x", name=name)
    with Export(tmp_path) as export:
        assert whatsapp.detects(export) == 0
    with pytest.raises(ExportError, match="singly"):
        records(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "2019-01-20 11:23:45,123 - root - INFO: started\n",
        "[2019-01-20 11:23:45] <ada> hello: you\n[2019-01-20 11:23:46] <bo> hm\n",
        "[03:41] <ada> hello: you\n",
        "Notes of 20/01/19, 11:23 - Ada: x\n",
    ],
)
def test_a_log_or_note_is_no_chat(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.txt").write_text(text)
    with Export(tmp_path / "notes.txt") as export:
        assert whatsapp.detects(export) == 0
    with pytest.raises(ExportError, match="Export chat"):
        records(tmp_path / "notes.txt")


def test_bytes_that_are_no_text_do_not_cost_the_message(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat with Quay.txt"
    path.write_bytes(b"20/01/19, 11:23 - Ada: caf\xe9\r\n20/01/19, 11:24 - Ada: \x00\r\n")
    assert [message.text for message in messages(path)] == ["caf\ufffd", "\x00"]


@pytest.mark.parametrize("path", [QUAY, SAILORS / "_chat.txt"])
def test_no_damage_ever_raises_anything_but_an_export_error(tmp_path: Path, path: Path) -> None:
    whole, dice, damaged = path.read_bytes(), random.Random(7), tmp_path / path.name
    for _ in range(200):
        broken = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.3 else whole)
        for _ in range(dice.randrange(1, 4) if broken else 0):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        damaged.write_bytes(broken)
        with Export(damaged) as export:
            whatsapp.detects(export)
            try:
                list(whatsapp.read(export))
            except ExportError as error:
                assert str(error).startswith("whatsapp: ")  # noqa: PT017 - one of hundreds may raise


def test_samples_in_five_ways_of_writing_dates_are_the_same_chat(samples: Path) -> None:
    found = []
    for path in sorted((samples / "whatsapp").rglob("test_*.txt")):
        rows = sum(bool(re.match(r"\[?\d+/\d+/\d+", line)) for line in path.read_text().split("\n"))
        said = messages(path)
        assert len(said) == rows == 9
        assert Counter(message.kind for message in said) == {"message": 6, "system": 3}
        found.append([(message.id, message.sent_at, message.text) for message in said])
    assert len(found) == 5
    assert all(each == found[0] for each in found)
