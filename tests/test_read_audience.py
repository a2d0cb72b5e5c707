"""Audience totals: whose they are, which day they are of, and what number stands there, in whatever language."""

from __future__ import annotations

import random
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from data.records import Audience, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import audience

FIXTURES = Path(__file__).parent / "fixtures" / "audience"
MAY_31 = datetime(2026, 5, 31, tzinfo=UTC)


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(audience.read(export))


def totals(path: Path) -> dict[str, list[tuple[datetime, float, str]]]:
    """What was counted, by measure."""
    found: dict[str, list[tuple[datetime, float, str]]] = {}
    for record in records(path):
        if isinstance(record, Audience):
            found.setdefault(record.measure, []).append((record.measured_at, record.value, record.of))
    return found


def detects(path: Path) -> float:
    with Export(path) as export:
        return audience.detects(export)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("fixture", "source"),
    [
        ("x_content_2026-05-01_2026-05-31.csv", Source("x", "@lighthouse", "@lighthouse")),
        ("x_overview.csv", Source("x", "audience", "x totals")),
        ("x_tweets_2019.csv", Source("x", "@foghorn", "@foghorn")),
        ("meta_facebook.csv", Source("facebook", "61550000000001", "The Pier")),
        ("meta_instagram_de.csv", Source("instagram", "audience", "instagram totals")),
        ("Content 2026-05-01_2026-05-31 The Pier", Source("youtube", "audience", "youtube totals")),
        ("youtube_es.csv", Source("youtube", "audience", "youtube totals")),
        ("linkedin_followers.csv", Source("linkedin", "audience", "linkedin totals")),
        ("linkedin_posts.csv", Source("linkedin", "audience", "linkedin totals")),
        ("guild-leavers.csv", Source("discord", "audience", "discord totals")),
        ("popular-text-channels-2026-05-31.csv", Source("discord", "audience", "discord totals")),
        ("plain.csv", Source("audience", "audience", "audience totals")),
    ],
)
def test_a_file_says_whose_totals_it_holds(fixture: str, source: Source) -> None:
    assert detects(FIXTURES / fixture) == 0.9
    assert records(FIXTURES / fixture)[0] == source


def test_a_posts_totals_are_of_the_last_day_in_the_files_name() -> None:
    found = totals(FIXTURES / "x_content_2026-05-01_2026-05-31.csv")
    root, reply = (f"https://x.com/lighthouse/status/{id_}" for id_ in ("2050123055014871040", "2050138154509271040"))
    assert found["impressions"] == [(MAY_31, 1204, root), (MAY_31, 90, reply)]
    assert found["url clicks"] == [(MAY_31, 7, root), (MAY_31, 0, reply)]
    assert len(found) == 13
    assert "post id" not in found


def test_without_one_they_are_of_the_day_it_was_posted(tmp_path: Path) -> None:
    content = (FIXTURES / "x_content_2026-05-01_2026-05-31.csv").read_text()
    (tmp_path / "content.csv").write_text(content)
    assert {day for day, *_ in totals(tmp_path / "content.csv")["likes"]} == {datetime(2026, 5, 1, tzinfo=UTC)}


def test_a_days_totals_are_of_that_day_whatever_the_files_name_says(tmp_path: Path) -> None:
    (tmp_path / "overview-2026-06-30.csv").write_text((FIXTURES / "x_overview.csv").read_text())
    found = totals(tmp_path / "overview-2026-06-30.csv")
    assert found["impressions"] == [(MAY_31, 2871, ""), (datetime(2026, 5, 30, tzinfo=UTC), 12_400, "")]
    assert found["likes"] == [(MAY_31, 24, "")], "an empty field is no zero"


def test_an_old_table_of_tweets_is_read() -> None:
    found = totals(FIXTURES / "x_tweets_2019.csv")
    at, link = datetime(2019, 2, 3, 10, tzinfo=UTC), "https://twitter.com/foghorn/status/1090000000000000001"
    assert found["impressions"] == [(at, 500, link)]
    assert found["engagement rate"] == [(at, 0.02, link)]
    assert "promoted impressions" not in found


def test_meta_keys_on_the_link_for_excel_spoils_the_id() -> None:
    found = totals(FIXTURES / "meta_facebook.csv")
    first, second = "https://www.facebook.com/thepier/posts/pfbid01", "https://www.facebook.com/reel/77"
    published = datetime(2026, 5, 4, 10, 30, tzinfo=UTC), datetime(2026, 5, 21, 23, 5, tzinfo=UTC)
    assert found["views"] == [(published[0], 1500, first), (published[1], 80, second)]
    assert found["total clicks"] == [(published[0], 55, first)]
    assert sorted(found) == [
        *("comments", "reach", "reactions", "reactions, comments and shares", "shares", "total clicks", "views"),
    ]


def test_german_headers_numbers_and_days_are_understood() -> None:
    found = totals(FIXTURES / "meta_instagram_de.csv")
    first, second = datetime(2026, 5, 4, 10, 30, tzinfo=UTC), datetime(2026, 5, 21, 8, tzinfo=UTC)
    links = "https://www.instagram.com/p/AAA/", "https://www.instagram.com/p/BBB/"
    assert found["views"] == [(first, 1500, links[0]), (second, 12_345, links[1])]
    assert found["reach"] == [(first, 900, links[0]), (second, 1234, links[1])]
    assert found["likes"] == [(first, 12, links[0]), (second, 7, links[1])]
    assert found["gespeichert"] == [(first, 1, links[0])], "a word we do not know stays"
    assert len(found) == 5


def test_youtubes_sum_of_all_is_no_video() -> None:
    found = totals(FIXTURES / "Content 2026-05-01_2026-05-31 The Pier")
    assert found["views"] == [(MAY_31, 3529, "R26qwMQVoos"), (MAY_31, 854, "1o9DxIZKzbc")]
    assert found["watch time (hours)"] == [(MAY_31, 10.25, "R26qwMQVoos"), (MAY_31, 2.25, "1o9DxIZKzbc")]
    assert not {"duration", "video title"} & set(found)
    spanish = datetime(2026, 4, 26, tzinfo=UTC)
    assert totals(FIXTURES / "youtube_es.csv") == {
        "views": [(spanish, 940, "R26qwMQVoos")],
        "impressions": [(spanish, 2000, "R26qwMQVoos")],
        "subscribers": [(spanish, 1, "R26qwMQVoos")],
    }


def test_linkedins_lines_above_the_header_are_passed_by() -> None:
    found = totals(FIXTURES / "linkedin_posts.csv")
    link = "https://www.linkedin.com/feed/update/urn:li:activity:7200000000000000001"
    assert found["impressions"] == [(datetime(2026, 5, 4, tzinfo=UTC), 300, link)]
    daily = totals(FIXTURES / "linkedin_followers.csv")
    days = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 13, tzinfo=UTC)
    assert daily["total followers"] == [(days[0], 4, ""), (days[1], 2, "")]


def test_discords_rows_keep_what_they_are_about() -> None:
    day = datetime(2026, 5, 1, tzinfo=UTC)
    assert totals(FIXTURES / "guild-leavers.csv") == {"leavers": [(day, 4, "0"), (day, 2, "7")]}
    found = totals(FIXTURES / "popular-text-channels-2026-05-31.csv")
    assert found["readers"] == [(MAY_31, 40, "7000000000000000002")]


def test_a_table_without_days_asks_for_one_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "popular-text-channels.csv"
    path.write_text((FIXTURES / "popular-text-channels-2026-05-31.csv").read_text())
    with pytest.raises(ExportError, match="Put the day into its name"):
        records(path)


def test_anybodys_table_names_its_own_measures_and_what_cannot_be_read_is_refused() -> None:
    found = totals(FIXTURES / "plain.csv")
    assert found["readers"] == [
        (datetime(2026, 5, 1, tzinfo=UTC), 1204, "newsletter"),
        (datetime(2026, 5, 8, tzinfo=UTC), 1250, "newsletter"),
    ]
    assert found["downloads"] == [(datetime(2026, 5, 8, tzinfo=UTC), 3500, "podcast")]
    refused = [record for record in records(FIXTURES / "plain.csv") if isinstance(record, Refused)]
    assert [(row.place, row.reason, row.raw) for row in refused] == [
        ("line 5", "its date cannot be read", b"soon,podcast,downloads,3"),
        ("line 6", "'value' is not a number", b"2026-05-15,podcast,downloads,lots"),
    ]


def test_a_row_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    lines = (FIXTURES / "linkedin_followers.csv").read_text().splitlines()
    found = records(write(tmp_path / "a.csv", *lines, *lines[1:] * 30, "05/14/2026,1,2,3,oops", "05/15/2026,1,2,3,6"))
    (refused,) = (record for record in found if isinstance(record, Refused))
    assert refused.reason == "'Total followers' is not a number"
    days = {record.measured_at.day for record in found if isinstance(record, Audience)}
    assert days == {1, 13, 15}


@pytest.mark.parametrize(
    ("written", "english", "german"),
    [
        ("1204", 1204, 1204),
        ("1,234", 1234, 1.234),
        ("1.234", 1.234, 1234),
        ("1.234.567", 1_234_567, 1_234_567),
        ("1,234.5", 1234.5, 1234.5),
        ("1.234,5", 1234.5, 1234.5),
        ("0.123", 0.123, 0.123),
        ("0,123", 0.123, 0.123),
        ("12.4K", 12_400, 12_400),
        ("1,5m", 1_500_000, 1_500_000),
        ("1.234K", 1234, 1234),
        ("5.22%", 5.22, 5.22),
        ("5,2 %", 5.2, 5.2),
        ("12 345", 12_345, 12_345),
        ("12’345", 12_345, 12_345),
        ("-3", -3, -3),
        ("−3", -3, -3),
        ("", None, None),
        ("-", None, None),
        ("< 15", None, None),
        ("0:41", None, None),
        ("1e400", None, None),
    ],
)
def test_numbers_of_either_way_of_writing(written: str, english: float | None, german: float | None) -> None:
    assert audience._number(written) == pytest.approx(english)
    assert audience._number(written, has_decimal_comma=True) == pytest.approx(german)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-05-04", (2026, 5, 4)),
        ("2026-05-04 23:30 -0200", (2026, 5, 5)),
        ("2026-05-04 10:00:00 UTC", (2026, 5, 4)),
        ("05/04/2026", (2026, 5, 4)),
        ("5/4/2026, 9:05", (2026, 5, 4)),
        ("Mon, May 4, 2026", (2026, 5, 4)),
        ("4 mai 2026", (2026, 5, 4)),
        ("mar. 5 août 2025", (2025, 8, 5)),
        ("4 de julho de 2026", (2026, 7, 4)),
        ("04 juil. 2026", (2026, 7, 4)),
        ("4. März 2026", (2026, 3, 4)),
        ("4. Dez. 2026", (2026, 12, 4)),
        ("Feb 31, 2026", None),
        ("13/13/2026", None),
        ("2026-13-01", None),
        ("Lifetime", None),
        ("1204", None),
        ("May 2026", None),
    ],
)
def test_days_of_any_language(written: str, day: tuple[int, int, int] | None) -> None:
    found = audience._moment(written)
    assert found is None if day is None else found is not None and (found.year, found.month, found.day) == day


@pytest.mark.parametrize(
    ("header", "first", "second", "day"),
    [
        ("Date", "05/04/2026", "05/13/2026", (5, 4)),
        ("Date", "05/04/2026", "13/04/2026", (4, 5)),
        ("Date", "05/04/2026", "06/04/2026", (5, 4)),
        ("Fecha", "05/04/2026", "06/04/2026", (4, 5)),
        ("Fecha", "05/04/2026", "05/13/2026", (5, 4)),
        ("Date", "05.04.2026", "06.04.2026", (4, 5)),
    ],
)
def test_which_is_the_month_is_told_by_the_file(
    tmp_path: Path, header: str, first: str, second: str, day: tuple[int, int]
) -> None:
    path = write(tmp_path / "a.csv", f"{header},Views,Watch time (hours)", f"{first},1,1", f"{second},1,1")
    found = totals(path)["views"][0][0]
    assert (found.month, found.day) == day


def test_the_column_that_is_called_date_is_the_date(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Video publish time,Date,Views,Watch time (hours)", "2026-04-01,2026-05-31,3,1")
    assert totals(path)["views"] == [(MAY_31, 3, "")]


def test_messages_with_links_and_likes_are_not_taken_for_totals(tmp_path: Path) -> None:
    link = "https://x.com/lighthouse/status/1"
    path = write(tmp_path / "a.csv", "date,text,url,likes,replies", f"2026-05-01,Hello,{link},3,4")
    assert detects(path) == 0
    with pytest.raises(ExportError, match="no table of audience totals"):
        records(path)


def test_totals_of_several_platforms_are_asked_for_one_by_one(tmp_path: Path) -> None:
    for name in ("plain.csv", "x_overview.csv"):
        (tmp_path / name).write_text((FIXTURES / name).read_text())
    assert detects(tmp_path) == 0
    with pytest.raises(ExportError, match=r"audience, x\. Load them one by one"):
        records(tmp_path)


def workbook(path: Path, *, since_1904: bool = False) -> Path:
    """LinkedIn's totals of a page, written by another program than reads them here."""
    with xlsxwriter.Workbook(path, {"date_1904": since_1904}) as book:
        day = book.add_format({"num_format": "mm/dd/yyyy"})
        share = book.add_format({"num_format": "0.00%"})
        book.add_worksheet("Read me").write("A1", "Kept by Ada & co")
        sheet = book.add_worksheet("New followers")
        sheet.write_rich_string("A1", "Followers of ", day, "the page", ", by day")
        sheet.write_row("A3", ["Date", "Sponsored followers", "Organic followers", "Total followers", "Rate"])
        for number, (when, *counts, rate) in enumerate(((1, 0, 3, 1234.5, 0.0345), (13, None, 2, 1e15, 1))):
            sheet.write_datetime(3 + 2 * number, 0, datetime(2026, 5, when), day)  # noqa: DTZ001 - a sheet knows no zone
            sheet.write_row(3 + 2 * number, 1, counts)
            sheet.write(3 + 2 * number, 4, rate, share)
        sheet.write_row("A8", ["soon", 1, 1, 1])
    return path


@pytest.mark.parametrize("since_1904", [False, True])
def test_an_xlsx_is_read_as_its_sheets_would_be_as_csv(since_1904: bool, tmp_path: Path) -> None:
    path = workbook(tmp_path / "followers.xlsx", since_1904=since_1904)
    first, second = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 13, tzinfo=UTC)
    assert detects(path) == 0.9
    assert records(path)[0] == Source("linkedin", "audience", "linkedin totals")
    assert totals(path) == {
        "sponsored followers": [(first, 0, "")],  # of an empty cell nothing is said
        "organic followers": [(first, 3, ""), (second, 2, "")],
        "total followers": [(first, 1234.5, ""), (second, 1e15, "")],
        "rate": [(first, 3.45, ""), (second, 100, "")],
    }
    (refused,) = [record for record in records(path) if isinstance(record, Refused)]
    assert (refused.file, refused.place, refused.reason) == ("New followers.csv", "line 8", "its date cannot be read")


def test_a_workbook_without_totals_says_what_it_lacks(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet().write("A1", "Nothing")
    assert 0.2 <= detects(tmp_path / "a.xlsx") < 0.5
    with pytest.raises(ExportError, match="no table of audience totals"):
        records(tmp_path / "a.xlsx")


def test_a_sheet_that_is_nearly_all_nothing_fills_no_memory(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet("Far").write(1_048_575, 16_383, "here")
    with pytest.raises(ExportError, match="the sheet Far is too large"):
        records(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/worksheets/sheet2.xml", "xl/sharedStrings.xml", "xl/styles.xml"]
)
def test_a_damaged_workbook_or_one_that_unfolds_without_end_is_not_read(part: str, tmp_path: Path) -> None:
    whole = workbook(tmp_path / "a.xlsx")
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]>'
    for insert, kept in ((bomb, 1.0), (b"", 0.66)):
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
            for name in old.namelist():
                raw = old.read(name)
                changed = raw.replace(b"?>", b"?>" + insert, 1)[: int(len(raw) * kept) + len(insert)]
                new.writestr(name, changed if name == part else raw)
        with pytest.raises(ExportError):
            records(tmp_path / "b.xlsx")


def test_an_old_spreadsheet_is_asked_for_as_xlsx_or_csv(tmp_path: Path) -> None:
    (tmp_path / "page_followers.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert 0.2 <= detects(tmp_path / "page_followers.xls") < 0.5
    with pytest.raises(ExportError, match="Save it as XLSX, or each of its sheets as CSV"):
        records(tmp_path / "page_followers.xls")


def test_damaged_bytes_never_stop_the_reader(tmp_path: Path) -> None:
    dice = random.Random(5)
    files = sorted(FIXTURES.rglob("*.csv"))
    for _ in range(400):
        victim = dice.choice(files)
        content = victim.read_bytes()
        at = dice.randrange(len(content))
        kept = content[:at] if dice.random() < 0.3 else content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]
        (tmp_path / victim.name).write_bytes(kept)
        try:
            found = records(tmp_path / victim.name)
        except ExportError:
            continue
        finally:
            (tmp_path / victim.name).unlink()
        assert isinstance(found[0], Source)
