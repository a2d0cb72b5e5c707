"""Customer Support on Twitter: who asked, which company answered, and what was lost when the file was saved again."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Messages, Record, Refused, Source, singly
from ingest.archive import Export, ExportError
from ingest.exports import twcs

FIXTURES = Path(__file__).parent / "fixtures" / "twcs"
ORIGINAL, PANDAS, EXCEL = (FIXTURES / name for name in ("twcs.csv", "pandas.csv", "excel.csv"))
HEADER = "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(twcs.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in singly(records(path)) if isinstance(record, Message)}


def refused(path: Path) -> list[Refused]:
    return [record for record in records(path) if isinstance(record, Refused)]


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join((HEADER, *rows)) + "\n")
    return path


def test_the_original_is_read_row_by_row() -> None:
    said = messages(ORIGINAL)
    assert list(said) == ["101", "102", "103", "104", "106"]
    assert said["102"] == Message(
        "102",
        "posts",
        "FerryHelp",
        datetime(2017, 10, 11, 7, 10, tzinfo=UTC),
        "@115001 It is, with 1 < 2 boats & a smile.\nSee you! ^MM",
        parent_id="101",
        basis="explicit",
        mentions=("115001",),
    )
    assert said["103"].text == '@FerryHelp @FerryHelp "smile" noted'


def test_every_copy_is_of_the_one_source() -> None:
    for path in (ORIGINAL, PANDAS, EXCEL, FIXTURES):
        found = records(path)
        assert found[0] == Source("x", "customer-support-on-twitter", "Customer Support on Twitter")
        assert [record for record in found if isinstance(record, Channel)] == [Channel("posts", "posts", "forum")]
    assert messages(FIXTURES).keys() == messages(ORIGINAL).keys() | messages(PANDAS).keys() | messages(EXCEL).keys()


def test_a_company_is_staff_and_a_customer_is_a_number() -> None:
    assert [record for record in records(ORIGINAL) if isinstance(record, Member)] == [
        Member("115001", "115001"),
        Member("FerryHelp", "FerryHelp", "FerryHelp", is_staff=True),
        Member("115002", "115002"),
        Member("115003", "115003"),
    ]


def test_a_company_that_first_writes_to_another_is_told_again_once_it_answers(tmp_path: Path) -> None:
    at = "Wed Oct 11 06:55:44 +0000 2017"
    rows = [f"{n},FerryHelp,{inbound},{at},hm,," for n, inbound in enumerate(["True", "False", "True"], 1)]
    told = [record for record in records(write(tmp_path / "twcs.csv", *rows)) if isinstance(record, Member)]
    assert [member.is_staff for member in told] == [False, True]


def test_answers_name_their_parents_there_or_not() -> None:
    assert {id_: message.parent_id for id_, message in messages(ORIGINAL).items()} == {
        "101": None,
        "102": "101",
        "103": "102",
        "104": "101",
        "106": "999",
    }
    assert {message.basis for message in messages(ORIGINAL).values() if message.parent_id} == {"explicit"}
    assert messages(ORIGINAL)["101"].basis is None


def test_each_account_addressed_is_mentioned_once() -> None:
    assert messages(ORIGINAL)["103"].mentions == ("FerryHelp",)
    assert messages(ORIGINAL)["104"].mentions == ("115001", "FerryHelp")
    assert messages(ORIGINAL)["106"].mentions == ()


def test_what_pandas_did_is_undone() -> None:
    said = messages(PANDAS)
    assert list(said) == ["201", "203", "205", "210"]
    assert (said["201"].parent_id, said["201"].text) == ("203", "@115001 We are sorry, truly.")
    assert said["205"].member_id == "FerryHelp"


def test_what_is_broken_is_refused_and_the_next_row_is_safe() -> None:
    assert sorted((int(row.place.removeprefix("line ")), row.reason) for row in refused(PANDAS)) == [
        (4, "it has 6 fields, the header has 8"),
        (6, "it has 3 fields, the header has 8"),
        (8, "inbound is neither True nor False"),
        (9, "its time cannot be read"),
        (10, "it has no tweet_id"),
        (11, "it has no author_id"),
        (12, "',' expected after '\"'"),
    ]
    lines = PANDAS.read_text().splitlines()
    for row in refused(PANDAS):
        assert row.raw.decode() == lines[int(row.place.removeprefix("line ")) - 1]
    assert messages(PANDAS)["210"].text == "after it, safe"


def test_what_excel_did_is_undone_and_blank_rows_are_none() -> None:
    said = messages(EXCEL)
    assert {id_: message.text for id_, message in said.items()} == {
        "301": "@115007 Déjà vu; we’re sorry",
        "302": "No coffee aboard?",
    }
    assert (said["301"].parent_id, said["301"].member_id) == ("302", "FerryCafé")
    assert not refused(EXCEL)
    assert Member("FerryCafé", "FerryCafé", "FerryCafé", is_staff=True) in records(EXCEL)


def test_a_header_that_joined_files_repeat_is_no_row(tmp_path: Path) -> None:
    row = "7,115001,True,Wed Oct 11 06:55:44 +0000 2017,hm,,"
    path = write(tmp_path / "twcs.csv", row, HEADER, row.replace("7,", "8,", 1))
    assert list(messages(path)) == ["7", "8"]
    assert not refused(path)


def test_times_that_pandas_parsed_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "twcs.csv", "7,115001,True,2017-10-11 08:55:44+02:00,hm,,")
    assert messages(path)["7"].sent_at == datetime(2017, 10, 11, 6, 55, 44, tzinfo=UTC)


def test_a_mark_before_the_header_and_empty_fields_behind_a_row_do_no_harm(tmp_path: Path) -> None:
    row = "7,115001,True,Wed Oct 11 06:55:44 +0000 2017,hm,,"
    path = tmp_path / "twcs.csv"
    path.write_text(f"{HEADER}\n{row},,\n{row},,x\n,,\n", encoding="utf-8-sig")
    assert list(messages(path)) == ["7"]
    assert [row.reason for row in refused(path)] == ["it has 9 fields, the header has 7"]


def test_utf_16_and_tabs_are_read_too(tmp_path: Path) -> None:
    row = "7,115001,True,Wed Oct 11 06:55:44 +0000 2017,👍 ok,,"
    (tmp_path / "twcs.csv").write_text(f"{HEADER}\n{row}\n".replace(",", "\t"), encoding="utf-16")
    assert messages(tmp_path / "twcs.csv")["7"].text == "👍 ok"


def test_many_rows_come_in_tables_and_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one = messages(ORIGINAL)
    monkeypatch.setattr(twcs, "MANY", 2)
    assert sum(isinstance(record, Messages) for record in records(ORIGINAL)) == 2
    assert messages(ORIGINAL) == one_by_one
    assert len(messages(PANDAS)) + len(refused(PANDAS)) == 11
    empty = write(tmp_path / "empty.csv")
    assert [type(record) for record in records(empty)] == [Source, Channel]


def test_another_csv_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("tweet_id,text\n1,hm\n")
    with pytest.raises(ExportError, match="in_response_to_tweet_id"):
        records(tmp_path / "a.csv")


@pytest.mark.parametrize("fixture", [ORIGINAL, PANDAS, EXCEL])
def test_damaged_bytes_never_stop_the_reader(tmp_path: Path, fixture: Path) -> None:
    dice = random.Random(5)
    content = fixture.read_bytes()
    for _ in range(200):
        at = dice.randrange(len(content))
        kept = content[:at] if dice.random() < 0.3 else content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]
        (tmp_path / fixture.name).write_bytes(kept)
        try:
            found = records(tmp_path / fixture.name)
        except ExportError:
            continue
        assert isinstance(found[0], Source)


@pytest.mark.parametrize(
    ("folder", "rows", "broken", "answers"),
    [
        ("naman-tiwari+Customer-Support-on-Twitter", 93, 0, 68),
        ("monalisapatra26+data_visualization", 4_999, 2, 3_694),
    ],
)
def test_a_real_file_is_read_whole(samples: Path, folder: str, rows: int, broken: int, answers: int) -> None:
    (path,) = (samples / "x_twcs" / folder).glob("*.csv")
    with path.open(newline="") as file:
        sound = [row for row in csv.DictReader(file) if row["in_response_to_tweet_id"] is not None]
    said = messages(path)
    assert (len(said), len(refused(path))) == (rows, broken)
    assert list(said) == [row["tweet_id"] for row in sound]
    assert sum(message.parent_id is not None for message in said.values()) == answers
    staff = {record.id for record in records(path) if isinstance(record, Member) and record.is_staff}
    assert staff == {row["author_id"] for row in sound if row["inbound"] == "False"}
    for row in sound:
        assert said[row["tweet_id"]].sent_at.strftime("%a %b %d %H:%M:%S +0000 %Y") == row["created_at"]
