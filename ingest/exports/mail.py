"""Mailing lists: pipermail's months, an mbox, HyperKitty's .mbox.gz, groups.io's zip, a Google Group's Takeout."""

from __future__ import annotations

import contextlib
import email
import email.errors
import email.header
import email.message
import email.utils
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath
from typing import NamedTuple

from data.records import Basis, Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format
from ingest.exports._html import plain

PLATFORM = "mail"
FORMAT = Format(
    group="Forums, questions and code",
    get=(
        "pipermail: the archive's page > Gzip'd Text, of each month. HyperKitty: the list's page > Download. "
        "groups.io: Admin > Settings > Export Group Data. Google Groups: takeout.google.com > Groups. Or any "
        "mbox"
    ),
    holds="a list's mails with what each answers; people by a hash of their address",
    cannot_tell="who is staff",
    is_seen=True,
)

NAMED = re.compile(r"(^|.*/)(mbox|[^/]*\.mbo?x|[^/]*(19|20)\d\d[^/]*\.txt)", re.IGNORECASE)
PLAIN = re.compile(r"(.*/)?[^/.]+|.*\.(txt|mail|eml)", re.IGNORECASE)
STAMP = re.compile(rb"\d\d?:\d\d.*\d{4}")
HEADER = re.compile(rb"([\x21-\x39\x3b-\x7e]+):(?!//)[ \t]*(.*)")
LINK = re.compile(r"<(https?://[^<>\s]+)>")
ANGLED = re.compile(r"<([^<>\s]+)>")
REPLY = r"(?:re|aw|antw|sv|vs|odp|ref|rif|ris|res|tr|fwd?|wg)(?:\[\d+\]|\(\d+\))?\s*:"
EXTERNAL = r"\[ext(?:ern(?:al)?)?\]"  # a mail gateway's warning
BOT = re.compile(r"mailer-daemon|no-?reply|do-?not-?reply|\[bot\]|^(postmaster|listserv|mailman)\b", re.IGNORECASE)
BROKEN = (LookupError, ValueError, RecursionError, email.errors.MessageError)  # what bad MIME raises
TOPIC = "x-gm-thrid"  # in a Takeout of a Google Group
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)

WROTE = r"(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|schreef|skrev|napisał)"
ATTRIBUTION = re.compile(
    rf"^[ \t?]*(?:On|Am|Le|El|Il|Op|Den|Dnia)\b(?=[^\n]*\d)[^\n]*?(?:\n(?![>\n])[^\n]*?){{0,3}}?"
    rf"\b{WROTE}\b[^\n]{{0,80}}:[ \t]*$"
    rf"|^(?![>\n])[^\n]{{0,120}}?(?:\n[^>\n]{{0,80}}?)?\b{WROTE}\b[^\n]{{0,40}}:[ \t]*(?=\n\s*>)"
    r"|^\d{4}-\d\d-\d\d \d\d?:\d\d[^\n]*(?:\n[^\n]*)?>:[ \t]*$",
    re.MULTILINE,
)
ESCAPED = re.compile(r"^>(?=>*From )", re.MULTILINE)  # a mailbox's own mark, not a quotation's
QUOTED = re.compile(r"^[ \t]*>.*\n?", re.MULTILINE)
BARRED = re.compile(r"^[ \t]*[>|].*\n?", re.MULTILINE)
USES_BARS = re.compile(rf"{WROTE}:?[ \t]*\n+\| ")  # elsewhere a bar may begin a table, or a line of code
SCRUBBED = re.compile(
    r"^-{14} next part -{14}\n(?:An? (.*) (?:was|were) scrubbed\.\.\.\n(?:[A-Z][\w-]*: .*(?:\n|$))*)?"
    r"|^[ \t]*\[\[?alternative HTML version deleted\]\]?[ \t]*$",
    re.MULTILINE,
)
# From here on somebody else speaks: a signature, an Outlook quotation, the list's or groups.io's own footer.
REST = re.compile(
    r"^(?:-- |-{2,} ?Original Message ?-{2,}.*|-----BEGIN PGP SIGNATURE-----"
    r"|-(?:=-){8,}|(?:_{20,}\s*)?From: .+\n(?:Sent|Date|To): .+|_{20,}\n.*mailing list.*)$",
    re.MULTILINE | re.IGNORECASE,
)

# Two ways in which archives hide addresses: "x at y", and, on stat.ethz.ch since 2018, letters struck out.
AT = re.compile(r"\s+(?:at|@ending from|@end\|ng \|rom)\s+|\(a\)|\(at\)")
STRUCK_AT = re.compile(r"@ending from|@end\|ng \|rom")
STRIKE = str.maketrans("as.ilf", "@@@|||")


class Mail(NamedTuple):
    """One mail of a mailbox: its lines, the first of them the separator, and its unfolded headers."""

    file: str
    line: int
    lines: list[bytes]
    headers: dict[str, str]
    below: int  # where in `lines` the headers end

    @property
    def id(self) -> str:
        """The Message-ID; for a mail without one, a name made from what it has."""
        found = _ids(self.headers.get("message-id", ""))
        if found:
            return found[0]
        parts = [self.lines[0].decode("latin-1"), *map(self.headers.get, ("date", "subject", "from"))]
        return "sha:" + _hash("\n".join(part or "" for part in parts))


class Sender(NamedTuple):
    """Who wrote a mail. `address` is None where the archive hides it."""

    id: str | None
    name: str
    address: str | None


def detects(export: Export) -> float:
    """High when one of the first files begins with a mailbox's separator line."""
    likely = (name for name in export.files() if NAMED.fullmatch(name) or PLAIN.fullmatch(name))
    return 0.95 if any(_is_mailbox(export, name) for name in islice(likely, 10)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one source with one channel, then every mail in the order of the archive's months."""
    names = _mailboxes(export)
    heads = [_head(export, name) for name in {names[0]: None, names[-1]: None}]
    list_id = _list_id(export, names[0], heads[0])
    yield Source(PLATFORM, list_id, list_id)
    yield Channel(list_id, list_id, "forum")
    archive = _Archive(list_id, _prefix(heads))
    for name in names:
        for mail in _mails(export, name):
            yield from [mail] if isinstance(mail, Refused) else archive.records(mail)


class _Archive:
    """What must be remembered between the mails of one list."""

    def __init__(self, channel_id: str, prefix: str) -> None:
        self.channel_id = channel_id
        decoration = "|".join(filter(None, (prefix, EXTERNAL, REPLY)))
        self.decoration = re.compile(rf"(?:\s*(?:{decoration}))*\s*", re.IGNORECASE)
        self.latest = datetime.now(UTC) + timedelta(days=1)
        self.members: dict[str, Member] = {}
        self.subjects: dict[str, str] = {}  # bare subject -> the last message that had it
        self.topics: set[str | None] = set()  # Google's own threads that have begun

    def records(self, mail: Mail) -> Iterator[Record]:
        sent_at = _moment(mail.headers.get("date"), self.latest)
        if isinstance(sent_at, str):
            yield Refused(mail.file, f"line {mail.line}", sent_at, b"\n".join(mail.lines))
            return
        sender = _sender(mail.headers.get("from", ""))
        yield from self._member(sender, sent_at)
        title, parent_id, basis = self._place(mail)
        text, attachments = _said(mail)
        yield Message(
            mail.id, self.channel_id, sender.id, sent_at, text,
            title=title, conversation_id=mail.headers.get(TOPIC), parent_id=parent_id, basis=basis,
            attachments=attachments,
            permalink=next(iter(LINK.findall(mail.headers.get("archived-at", ""))), None),
        )  # fmt: skip

    def _member(self, sender: Sender, sent_at: datetime) -> Iterator[Member]:
        if sender.id is None:
            return
        known = self.members.get(sender.id)
        address = sender.address or (known.email if known else None)
        if known is None or (known.name, known.email) != (sender.name, address):
            is_bot = bool(BOT.search(sender.name) or BOT.search(address or ""))
            known = Member(sender.id, sender.name, email=address, is_bot=is_bot, updated_at=sent_at)
            self.members[sender.id] = known
            yield known

    def _place(self, mail: Mail) -> tuple[str | None, str | None, Basis | None]:
        """Title, parent and basis."""
        subject = _decoded(mail.headers.get("subject", ""))
        title = self.decoration.sub("", subject, count=1)
        is_reply = re.search(REPLY, subject[: len(subject) - len(title)], re.IGNORECASE) is not None
        similar = self.subjects.get(title.casefold())
        if title:
            self.subjects[title.casefold()] = mail.id
        return title or None, *self._parent(mail, similar if is_reply else None)

    def _parent(self, mail: Mail, similar: str | None) -> tuple[str | None, Basis | None]:
        """In-Reply-To, else the last of References, else Google's topic, else the same subject."""
        named = _ids(mail.headers.get("in-reply-to", ""))[:1] or _ids(mail.headers.get("references", ""))[-1:]
        topic = mail.headers.get(TOPIC)
        has_begun = topic in self.topics
        self.topics.add(topic)
        if named and named[0] != mail.id:
            return named[0], "explicit"
        if topic:
            return None, "thread" if has_begun else None
        return (similar, "thread") if similar and similar != mail.id else (None, None)


def _mailboxes(export: Export) -> list[str]:
    """The files that hold mail, oldest month first. A file named like a mailbox counts without a look."""
    names = [
        name
        for name in export.files()
        if NAMED.fullmatch(name) or (PLAIN.fullmatch(name) and _is_mailbox(export, name))
    ]
    if not names:
        raise ExportError(f"mail: {export.name} holds no mailbox. Give the .txt, .txt.gz or .mbox files of a list.")
    lists = {str(PurePosixPath(name).parent) for name in names if not re.search(r"(^|/)\d[^/]*/[^/]*$", name)}
    if len(lists) > 1:
        raise ExportError(f"mail: {export.name} holds several lists ({_some(lists)}). Load them one by one.")
    return sorted(names, key=_month)


def _some(words: Iterable[str]) -> str:
    first = sorted(words)
    return ", ".join(first[:5]) + (", ..." if len(first) > 5 else "")


def _month(name: str) -> tuple[int, int, int, str]:
    """A sorting key from names like 2025-January.txt, 2025q1.txt, 202501.txt, list-2025-01.mbox.gz."""
    found = re.search(r"((?:19|20)\d\d)[-_]?(q[1-4]|\d\d|[a-z]{3})?[-_]?(\d\d)?", name.lower())
    if not found:
        return 0, 0, 0, name
    year, part, day = found[1], found[2] or "", found[3] or "0"
    if part.startswith("q"):
        month = 3 * int(part[1]) - 2
    else:
        month = int(part) if part.isdigit() else "janfebmaraprmayjunjulaugsepoctnovdec".find(part or "?") // 3 + 1
    return int(year), month, int(day), name


def _head(export: Export, name: str) -> list[bytes]:
    """The first lines of a file, without the last, which may be cut."""
    return export.head(name).split(b"\n")[:-1]


def _is_mailbox(export: Export, name: str) -> bool:
    lines = list(islice((line for line in _head(export, name) if line.strip()), 2))
    return len(lines) == 2 and _begins(lines[0], lines[1])


def _begins(separator: bytes, below: bytes) -> bool:
    """A mail begins where a header follows a dated `From ` line: sentences begin with "From " too."""
    return separator.startswith(b"From ") and bool(HEADER.fullmatch(below)) and bool(STAMP.search(separator))


def _list_id(export: Export, name: str, head: list[bytes]) -> str:
    """The folder's name if it is an address, as in a Takeout; else List-Id if the mails say it; else a name."""
    outside = export.path.resolve() if export.path.is_dir() else export.path.resolve().parent
    folder = PurePosixPath(name).parent.name or PurePosixPath(export.wrapping).name or outside.name
    if re.fullmatch(r"[^@\s]+@[\w-]+(\.[\w-]+)+", folder):
        return folder
    said = re.search(rb"(?mi)^list-id:[^<\n]*<([^<>\s]+)>", b"\n".join(head))
    if said:
        return said[1].decode("latin-1")
    if name != export.name:  # then it is one file of several, in a folder, a zip or a tar
        return export.name
    stem = re.sub(r"(?i)\.(mbo?x|txt)$", "", name)
    return re.sub(r"[-_.]?(19|20)\d\d.*$", "", stem) or export.path.resolve().parent.name


def _prefix(heads: list[list[bytes]]) -> str:
    """The tag a list puts before its subjects, as a pattern; empty if under half of the subjects have one."""
    subject = re.compile(rf"Subject: (?:{REPLY}\s*)*(\[[^\[\]]+\])?", re.IGNORECASE)
    found = [subject.match(line.decode("latin-1")) for head in heads for line in head]
    tags = Counter(match[1] for match in found if match)
    tag, times = tags.most_common(1)[0] if tags else (None, 0)
    return re.escape(tag) if tag and times * 2 > tags.total() else ""


def _mails(export: Export, name: str) -> Iterator[Mail | Refused]:
    """Cut a mailbox into mails. Text before the first is refused."""
    start, held = 1, list[bytes]()
    for number, line in export.lines(name):
        if held and _begins(held[-1], line):
            separator = held.pop()
            if any(held):
                yield _mail(name, start, held)
            start, held = number - 1, [separator]
        held.append(line)
    if any(held):
        yield _mail(name, start, held)


def _mail(file: str, number: int, lines: list[bytes]) -> Mail | Refused:
    if len(lines) < 2 or not _begins(lines[0], lines[1]):
        reason = "no mail begins here: a mail begins with a line like `From x at y  Mon Jan  5 10:00:00 2026`"
        return Refused(file, f"line {number}", reason, b"\n".join(lines))
    headers: dict[str, str] = {}
    name = ""
    for size, line in enumerate(lines[1:], 1):
        if found := HEADER.fullmatch(line):
            name = found[1].decode("latin-1").lower()
            headers[name] = headers.get(name) or _text(found[2])
        elif line[:1] in (b" ", b"\t") and line.strip():
            headers[name] += " " + _text(line).strip()
        else:
            return Mail(file, number, lines, headers, size)
    return Mail(file, number, lines, headers, len(lines))


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _ids(value: str) -> list[str]:
    """Message ids without their angles; a lone id may stand without them."""
    return ANGLED.findall(value) or [value.strip()] * ("@" in value and " " not in value.strip())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _moment(date: str | None, latest: datetime) -> datetime | str:
    """The moment in UTC, or why there is none. A date without a zone is taken as UTC."""
    if not date:
        return "it has no date"
    try:
        moment = email.utils.parsedate_to_datetime(date)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return f"its date cannot be read: {date}"
    return moment if EARLIEST <= moment <= latest else f"its date cannot be right: {date}"


def _decoded(value: str) -> str:
    """A header with its RFC 2047 words decoded; as it stands where they are broken."""
    if "=?" in value:
        with contextlib.suppress(*BROKEN):
            value = str(email.header.make_header(email.header.decode_header(value)))
    return " ".join(value.split())


def _sender(value: str) -> Sender:
    """Read `Name <address>` or `address (Name)`.

    A member's id is made from the address after every letter an archive may strike out was struck
    out, so an address hidden in 2019 is the same member as the readable one of 2016.
    """
    if found := re.fullmatch(r"\s*(.*?)\s*<([^<>]*)>.*", value):
        name, written = found.groups()
    elif found := re.fullmatch(r"\s*(.*?)\s+\((.*)\)\s*", value):
        written, name = found.groups()
    else:
        name, written = "", value.strip()
    address = AT.sub("@", written).replace(" ", "").lower()
    name = _decoded(name).strip("\"' ")
    if " via " in name:  # the list put its own address there: only the name tells people apart
        name = name.split(" via ")[0].strip("\"' ")
        return Sender("name:" + name.casefold(), name, None)
    if "@" not in address:
        return Sender("name:" + name.casefold() if name else None, name, None)
    name = name if name and not AT.search(name) and "@" not in name else address.split("@")[0]
    hidden = STRUCK_AT.search(written)
    return Sender("mail:" + _hash(address.translate(STRIKE)), name, None if hidden else address)


def _said(mail: Mail) -> tuple[str, int]:
    """What the sender wrote, without quotations, signature and footers; and how many attachments."""
    text, attachments = _text(b"\n".join(mail.lines[mail.below :])), 0
    if "content-type" in mail.headers or "content-transfer-encoding" in mail.headers:
        with contextlib.suppress(*BROKEN):
            text, attachments = _body(email.message_from_bytes(b"\n".join(mail.lines[1:])))
    attachments += sum(found[1] not in (None, "HTML attachment") for found in SCRUBBED.finditer(text))
    uses_bars = "\n| " in text and USES_BARS.search(text)
    for unsaid in (ESCAPED, SCRUBBED, ATTRIBUTION, BARRED if uses_bars else QUOTED):
        text = unsaid.sub("", text)
    if rest := REST.search(text):
        text = text[: rest.start()]
    return re.sub(r"\n\s*\n", "\n\n", text).strip(), attachments


def _body(message: email.message.Message) -> tuple[str, int]:
    """The plain text of a MIME mail, else its HTML as text; and how many attachments it has."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    attached = [part for part in parts if part.get_filename() or part.get_content_disposition() == "attachment"]
    spoken = [part for part in parts if part not in attached]
    for kind, said in (("text/plain", str), ("text/html", _said_in_html)):
        texts = [said(_payload(part)) for part in spoken if part.get_content_type() == kind]
        if any(texts):
            return "\n".join(texts), len(attached)
    return "", len(attached)


def _payload(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset() or "utf-8").replace("\r\n", "\n")
    except BROKEN:
        return _text(content).replace("\r\n", "\n")


def _said_in_html(page: str) -> str:
    return re.sub(r"^--$", "-- ", plain(page), flags=re.MULTILINE)  # the blank makes it a signature's mark
