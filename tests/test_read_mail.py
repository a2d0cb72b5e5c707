"""Mailing lists: what a mailbox says, and what it only seems to say."""

from __future__ import annotations

import gzip
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import mail

PIPERMAIL = Path(__file__).parent / "fixtures" / "mail" / "harbour-help"
MBOX = Path(__file__).parent / "fixtures" / "mail" / "lighthouse@example.org-2024-05.mbox"

TAKEOUT = Path(__file__).parent / "fixtures" / "mail" / "pier-takeout"


def records(path: Path) -> list[Record]:
    with Export(path) as export:
        return list(mail.read(export))


def messages(path: Path) -> dict[str, Message]:
    return {record.id: record for record in reversed(records(path)) if isinstance(record, Message)}


def one_mail(folder: Path, text: str) -> Message:
    """A mailbox of a single mail, whose headers stand above its text."""
    (folder / "2020-May.txt").write_bytes(b"From a at b.c  Fri May  1 09:00:00 2020\n" + text.encode())
    (message,) = messages(folder).values()
    return message


HEADERS = "From: a at b.c (A)\nDate: Fri, 1 May 2020 09:00:00 +0000\nMessage-ID: <x@b.c>\n"


def test_every_mail_becomes_one_message_or_one_refused() -> None:
    found = records(PIPERMAIL)
    assert sum(isinstance(record, Message) for record in found) == 7
    assert sum(isinstance(record, Refused) for record in found) == 2


def test_a_list_is_one_source_with_one_channel_where_each_subject_has_its_thread() -> None:
    assert records(PIPERMAIL)[:2] == [
        Source("mail", "harbour-help", "harbour-help"),
        Channel("harbour-help", "harbour-help", "forum"),
    ]


def test_a_lone_mbox_is_named_by_its_list_id() -> None:
    assert records(MBOX)[0] == Source("mail", "lighthouse.example.org", "lighthouse.example.org")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("2020-May.txt", "harbour"),
        ("pier@example.org-2024-05.mbox", "pier@example.org"),
        ("pier.mbox", "pier"),
    ],
)
def test_without_a_list_id_a_lone_file_is_named_by_itself_or_by_its_folder(
    tmp_path: Path, file: str, name: str
) -> None:
    path = tmp_path / "harbour" / file
    path.parent.mkdir()
    path.write_bytes((PIPERMAIL / "2016q1.txt").read_bytes())
    assert records(path)[0] == Source("mail", name, name)


def test_a_sentence_that_begins_with_from_does_not_split_a_mail() -> None:
    assert "From what I read, the east quay is full." in messages(PIPERMAIL)["one@example.org"].text


def test_a_forwarded_header_in_the_text_does_not_split_a_mail(tmp_path: Path) -> None:
    body = "\nLook:\n\nFrom Uncle Bob\nDate: once upon a time\n\nFrom the docs at 10:00, 2020 edition\nhttps://example.org\n"
    assert one_mail(tmp_path, HEADERS + body).text.count("From") == 2


def test_an_address_is_one_member_whether_the_archive_hides_it_or_not() -> None:
    members = [record for record in records(PIPERMAIL) if isinstance(record, Member)]
    ada = [member for member in members if member.name == "Ada Lovelace"]
    assert [member.email for member in ada] == ["ada.lovelace@example.org"]
    said = messages(PIPERMAIL)
    assert said["one@example.org"].member_id == said["four@example.org"].member_id == ada[0].id
    assert ada[0].id.startswith("mail:")
    assert "example" not in ada[0].id


def test_only_addresses_that_can_be_read_are_passed_on(tmp_path: Path) -> None:
    hidden = "From: @d@ @end|ng |rom ex@mp|e@org (Ada)\nDate: Fri, 1 May 2020 09:00:00 +0000\n\nHi\n"
    one_mail(tmp_path, hidden)
    assert [record.email for record in records(tmp_path) if isinstance(record, Member)] == [None]


def test_a_person_behind_the_lists_own_address_is_known_by_name() -> None:
    assert messages(MBOX)["b@example.org"].member_id == "name:keeper"


def test_a_mail_from_a_machine_is_a_bots() -> None:
    bots = {record.name for record in records(PIPERMAIL) if isinstance(record, Member) and record.is_bot}
    assert bots == {"Mail Delivery Subsystem"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"Hopper, Grace" <grace@navy.example>', "Hopper, Grace"),
        ("grace at navy.example (Grace (she) Hopper)", "Grace (she) Hopper"),
        ("grace(a)navy.example", "grace"),
        ("grace at navy.example (grace at navy.example)", "grace"),
        ("Grace <grace at navy.example>", "Grace"),
        ("=?UTF-8?Q?Gr=C3=A2ce?= <GRACE@navy.example>", "Grâce"),
        ("=?nonsense?Q?Gr=C3?= <grace@navy.example>", "=?nonsense?Q?Gr=C3?="),
    ],
)
def test_a_sender_is_read_however_it_is_written(tmp_path: Path, written: str, name: str) -> None:
    message = one_mail(tmp_path, f"From: {written}\nDate: Fri, 1 May 2020 09:00:00 +0000\n\nHi\n")
    (member,) = (record for record in records(tmp_path) if isinstance(record, Member))
    assert (member.name, member.email) == (name, "grace@navy.example")
    assert message.member_id == messages(PIPERMAIL)["two@example.org"].member_id


def test_a_parent_is_in_reply_to_else_the_last_reference_else_the_subject() -> None:
    said = messages(PIPERMAIL)
    links = {name: (said[name].parent_id, said[name].basis) for name in said if "@" in name}
    assert links == {
        "one@example.org": (None, None),
        "two@example.org": ("one@example.org", "explicit"),
        "three@example.net": ("two@example.org", "thread"),
        "four@example.org": ("two@example.org", "explicit"),
        "seven@example.org": (None, None),
    }


def test_a_subject_links_answers_only(tmp_path: Path) -> None:
    """Two people who ask under the same subject do not answer each other."""
    text = (PIPERMAIL / "2016q1.txt").read_text().replace("Subject: AW: ", "Subject: ")
    (tmp_path / "2016q1.txt").write_text(text)
    assert messages(tmp_path)["three@example.net"].parent_id is None


def test_a_title_is_the_subject_without_list_tag_and_re() -> None:
    said = messages(PIPERMAIL)
    assert said["three@example.net"].title == "Where do I moor?"
    assert said["four@example.org"].title == "Fées in summer?"
    assert messages(MBOX)["b@example.org"].title == "Lämpchen"


def test_a_tag_on_half_of_the_subjects_is_not_the_lists(tmp_path: Path) -> None:
    first, second = (PIPERMAIL / "2016q1.txt").read_text().split("\n\nFrom ")[:2]
    mails = f"{first.replace('Harbour', 'New')}\n\nFrom {second.replace('[Harbour] ', '')}\n"
    (tmp_path / "2016q1.txt").write_text(mails)
    assert messages(tmp_path)["one@example.org"].title == "[New] Where do I moor?"


def test_a_tag_that_is_not_the_lists_stays_in_the_title(tmp_path: Path) -> None:
    text = (PIPERMAIL / "2016q1.txt").read_text().replace("[Harbour] Re:", "[Harbour] Re: [Urgent]")
    (tmp_path / "2016q1.txt").write_text(text)
    assert messages(tmp_path)["two@example.org"].title == "[Urgent] Where do I moor?"


def test_text_is_what_the_sender_said_without_quotes_signature_and_notices() -> None:
    said = messages(PIPERMAIL)
    assert said["one@example.org"].text == ("Hello, where do new boats moor?\nFrom what I read, the east quay is full.")
    assert said["four@example.org"].text == "Are the fees higher in summer?"
    answer = [record for record in records(PIPERMAIL) if isinstance(record, Message)][1]
    assert answer.text == "At the west quay.\nAsk for the harbour master.\n\nIt is not."
    assert answer.attachments == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("> all quoted\n>> twice\n", ""),
        ("Am 4. Januar 2016 um 11:00 schrieb Ada <a@b.c>:\n> Hallo\nGuten Tag\n", "Guten Tag"),
        ("2016-01-04 11:00 GMT+02:00 Ada <a at b.c>:\n\n> Hi\n\nYes.\n", "Yes."),
        ("On 4 May 2016, Ada wrote:\n| Is it on?\n| \nYes.\n", "Yes."),
        ("| a | table |\nstays\n", "| a | table |\nstays"),
        ("Yes.\n\n-----Original Message-----\nFrom: Ada\n\nIs it on?\n", "Yes."),
        ("Yes.\n\n________________________________\nFrom: Ada\nSent: Monday\n\nIs it on?\n", "Yes."),
        (
            "On Windows it fails.\nHe wrote a test:\nx <- 1\n",
            "On Windows it fails.\nHe wrote a test:\nx <- 1",
        ),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}\n", "café"),
    ],
)
def test_somebody_elses_words_are_left_out(tmp_path: Path, body: str, text: str) -> None:
    assert one_mail(tmp_path, HEADERS + "\n" + body).text == text


def test_bytes_in_no_known_encoding_are_read_as_latin(tmp_path: Path) -> None:
    raw = b"From a at b.c  Fri May  1 09:00:00 2020\n" + HEADERS.encode() + b"\ncaf\xe9\n"
    (tmp_path / "2020-May.txt").write_bytes(raw)
    assert messages(tmp_path)["x@b.c"].text == "café"


def test_mime_parts_are_decoded_and_attachments_counted() -> None:
    first = messages(MBOX)["a@navy.example"]
    assert (first.text, first.attachments) == ("Das Lämpchen ist aus.", 1)
    assert first.permalink == "https://example.org/archives/lighthouse/a/"


def test_a_mail_in_html_only_is_read_as_text_without_its_quotation() -> None:
    assert messages(MBOX)["b@example.org"].text == "It is on & well."


def test_html_that_opens_tags_without_end_is_read_in_no_time(tmp_path: Path) -> None:
    began = time.process_time()
    page = "<style " * 50_000 + "<" * 200_000 + "<blockquote>" * 50_000 + "quoted" + "</blockquote>" * 50_000 + "said"
    assert one_mail(tmp_path, HEADERS + "Content-Type: text/html\n\n" + page).text.endswith("said")
    assert time.process_time() - began < 5


def test_an_unknown_charset_costs_nothing_and_an_escaped_from_is_no_quotation() -> None:
    assert messages(MBOX)["c@example.org"].text == "From here it is readable all the same."


@pytest.mark.parametrize(
    "mime",
    [
        "Content-Type: text/plain; charset=utéf\n\nsaid",
        "Content-Type: multipart/mixed; boundary=never\n\nsaid",
        "Content-Transfer-Encoding: base64\n\nsaid?",
        "".join(f"Content-Type: multipart/mixed; boundary=x{n}\n\n--x{n}\n" for n in range(2000)) + "\nsaid",
    ],
    ids=["charset", "boundary", "base64", "nested deep"],
)
def test_broken_mime_never_costs_the_mail(tmp_path: Path, mime: str) -> None:
    assert one_mail(tmp_path, HEADERS + mime + "\n").id == "x@b.c"


def test_times_are_utc_and_a_time_without_a_zone_is_taken_as_utc() -> None:
    said = [record for record in records(PIPERMAIL) if isinstance(record, Message)]
    assert said[0].sent_at == datetime(2016, 1, 4, 10, tzinfo=UTC)
    assert said[4].sent_at == datetime(2018, 5, 1, 10, tzinfo=UTC)
    assert {message.sent_at.tzinfo for message in said} == {UTC}


def test_an_impossible_date_is_refused_with_its_place_and_reason() -> None:
    refused = [record for record in records(PIPERMAIL) if isinstance(record, Refused)]
    assert [(record.file, record.place) for record in refused] == [
        ("2019q1.txt", "line 8"),
        ("2019q1.txt", "line 16"),
    ]
    assert "1970" in refused[0].reason
    assert refused[1].reason == "its date cannot be read: yesterday, about noon"
    assert refused[1].raw.startswith(b"From grace at navy.example  Thu Jan  3")
    (undated,) = (record for record in records(MBOX) if isinstance(record, Refused))
    assert undated.reason == "it has no date"


def test_a_date_in_the_future_is_refused(tmp_path: Path) -> None:
    later = datetime(datetime.now(UTC).year + 1, 6, 1, tzinfo=UTC)
    mail_then = f"From: a at b.c (A)\nDate: {later:%d %b %Y} 09:00:00 +0000\n\nHi\n"
    (tmp_path / "2020-May.txt").write_text("From a at b.c  Fri May  1 09:00:00 2020\n" + mail_then)
    assert [type(record) for record in records(tmp_path)] == [Source, Channel, Refused]


def test_a_mail_without_an_id_gets_the_same_one_each_time() -> None:
    ids = [name for name in messages(PIPERMAIL) if name.startswith("sha:")]
    assert len(ids) == 1
    assert ids == [name for name in messages(PIPERMAIL) if name.startswith("sha:")]


def test_a_repeated_message_id_is_yielded_twice() -> None:
    ids = [record.id for record in records(PIPERMAIL) if isinstance(record, Message)]
    assert ids.count("two@example.org") == 2


def test_months_are_read_in_the_order_of_the_calendar() -> None:
    names = [
        "2015-April.txt",
        "2015-January.txt",
        "2014q4.txt",
        "2015-December.txt",
        "Week-of-Mon-20150209.txt",
    ]
    assert sorted(names, key=mail._month) == [names[i] for i in (2, 1, 4, 0, 3)]


def test_an_answer_by_subject_goes_to_an_earlier_month(tmp_path: Path) -> None:
    asked = (PIPERMAIL / "2016q1.txt").read_text().split("\n\nFrom ")[0]
    (tmp_path / "2016-January.txt").write_text(asked + "\n")
    answer = asked.replace("[Harbour]", "AW: [Harbour]").replace("<one@", "<late@")
    (tmp_path / "2016-April.txt").write_text(answer + "\n")
    assert messages(tmp_path)["late@example.org"].parent_id == "one@example.org"


def test_an_html_part_that_was_taken_out_is_no_attachment(tmp_path: Path) -> None:
    notice = "\nHi\n-------------- next part --------------\nAn HTML attachment was scrubbed...\nURL: <https://a.b/c>\n"
    message = one_mail(tmp_path, HEADERS + notice)
    assert (message.text, message.attachments) == ("Hi", 0)


def test_an_attached_text_is_not_said(tmp_path: Path) -> None:
    part = "--x\nContent-Type: text/plain{}\n\n{}\n"
    body = part.format("", "said") + part.format("; name=log.txt", "logged") + "--x--\n"
    message = one_mail(tmp_path, HEADERS + "Content-Type: multipart/mixed; boundary=x\n\n" + body)
    assert (message.text, message.attachments) == ("said", 1)


def test_packed_months_and_zips_are_read_alike(tmp_path: Path) -> None:
    folder = tmp_path / "harbour-help"
    folder.mkdir()
    with zipfile.ZipFile(tmp_path / "harbour-help.zip", "w") as packed:
        for month in PIPERMAIL.iterdir():
            (folder / (month.name + ".gz")).write_bytes(gzip.compress(month.read_bytes()))
            packed.write(month, f"harbour-help/{month.name}")
    assert records(folder) == records(PIPERMAIL) == records(tmp_path / "harbour-help.zip")


def test_text_before_the_first_mail_is_refused_not_lost(tmp_path: Path) -> None:
    (tmp_path / "2016q1.txt").write_bytes(b"torn off\n" + (PIPERMAIL / "2016q1.txt").read_bytes())
    found = records(tmp_path)
    assert [(record.place, record.raw) for record in found if isinstance(record, Refused)] == [("line 1", b"torn off")]
    assert sum(isinstance(record, Message) for record in found) == 3


def test_two_lists_at_once_are_asked_for_one_by_one(tmp_path: Path) -> None:
    for name in ("pier", "quay"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "2016q1.txt").write_bytes((PIPERMAIL / "2016q1.txt").read_bytes())
    with pytest.raises(ExportError, match=r"several lists \(pier, quay\)"):
        records(tmp_path)


def test_a_folder_without_mail_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("From me to you\n")
    with pytest.raises(ExportError, match="holds no mailbox"):
        records(tmp_path)


def test_a_google_group_goes_by_its_address_in_any_language() -> None:
    assert records(TAKEOUT)[0] == Source("mail", "pier@googlegroups.com", "pier@googlegroups.com")
    with_folder = TAKEOUT / "Groups" / "googlegroups.com" / "pier@googlegroups.com"
    assert records(with_folder) == records(with_folder / "temas.mbox") == records(TAKEOUT)


def test_a_google_groups_own_topics_are_its_conversations() -> None:
    found = {id_: (m.conversation_id, m.parent_id, m.basis) for id_, m in messages(TAKEOUT).items()}
    assert found == {
        "one@example.com": ("2861652718", None, None),
        "two@example.com": ("2861652718", None, "thread"),
        "three@example.com": ("2861652718", "two@example.com", "explicit"),
        "four@example.com": ("999", None, None),  # the same subject is another topic
    }


def test_a_signature_in_html_and_a_footer_of_groups_io_are_not_said() -> None:
    assert messages(TAKEOUT)["one@example.com"].text == "Which nets?"
    assert messages(TAKEOUT)["two@example.com"].text == "The green ones."


HYPERKITTY = """From ada(a)example.com Wed May  1 08:00:00 2024
From: Ada L. <ada(a)example.com>
To: pier(a)lists.example.org
Subject: [Pier] =?utf-8?q?L=C3=A4mpchen?=
Date: Wed, 01 May 2024 10:00:00 +0200
Message-ID: <one@example.com>
Content-Type: multipart/mixed; boundary="=="
MIME-Version: 1.0

--==
Content-Type: text/plain; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: quoted-printable

Is it on=3F

--==--

From grace(a)example.com Wed May  1 09:00:00 2024
From: grace(a)example.com
To: pier(a)lists.example.org
Subject: [Pier] Re: =?utf-8?q?L=C3=A4mpchen?=
Date: Wed, 01 May 2024 09:00:00 +0000
Message-ID: <two@example.com>
In-Reply-To: one@example.com

Yes.
"""


def test_hyperkittys_packed_mbox_goes_by_the_lists_address(tmp_path: Path) -> None:
    path = tmp_path / "pier@lists.example.org-2024-05-2024-06.mbox.gz"
    path.write_bytes(gzip.compress(HYPERKITTY.encode()))
    assert records(path)[0] == Source("mail", "pier@lists.example.org", "pier@lists.example.org")
    first, second = messages(path)["one@example.com"], messages(path)["two@example.com"]
    assert (first.title, first.text) == ("Lämpchen", "Is it on?")
    assert (second.title, second.parent_id, second.basis) == ("Lämpchen", "one@example.com", "explicit")
    emails = [record.email for record in records(path) if isinstance(record, Member)]
    assert emails == ["ada@example.com", "grace@example.com"]


def test_groups_ios_zip_goes_by_its_list_id(tmp_path: Path) -> None:
    text = HYPERKITTY.replace("To: pier", "List-Id: <pier.groups.io>\nTo: pier")
    with zipfile.ZipFile(tmp_path / "download.zip", "w") as packed:
        packed.writestr("messages.mbox", text)
        packed.writestr("members.csv", "Email\nada@example.com\n")
    assert records(tmp_path / "download.zip")[0] == Source("mail", "pier.groups.io", "pier.groups.io")
    assert len(messages(tmp_path / "download.zip")) == 2


def test_a_real_archive_of_eleven_thousand_mails_is_read_whole_and_fast(samples: Path) -> None:
    began = time.process_time()
    found = records(samples / "mailman_pipermail/MichaelChirico+r-mailing-list-archive/r-package-devel")
    took = time.process_time() - began
    said = [record for record in found if isinstance(record, Message)]
    assert len(said) + sum(isinstance(record, Refused) for record in found) == 11_114
    assert took < 11_114 / 1_000, "slower than 1,000 mails a second"
    ids = {message.id for message in said}
    answers = [message for message in said if message.parent_id]
    assert sum(message.parent_id in ids for message in answers) / len(answers) > 0.95
    by_name: dict[str, set[str]] = {}
    for member in found:
        if isinstance(member, Member):
            by_name.setdefault(member.name, set()).add(member.id)
    assert sum(map(len, by_name.values())) / len(by_name) < 1.1, "hidden addresses make people several members"
