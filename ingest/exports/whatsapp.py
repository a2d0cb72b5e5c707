"""WhatsApp: the .txt, or the .zip around it, that "Export chat" writes on Android and iPhone.

Such a file tells neither ids nor replies nor its time zone. So
- times are taken as UTC, which they are off by the phone's distance from it;
- a message's id is made from its minute (or second), its author, and which of the author's messages in it it is: that
  stays the same in a later, longer export, also after an edit or a deletion;
- an author is known by the name in the phone's contacts, so export a chat from one phone only. A phone number in the
  place of a name is kept as a hash, and shown by its last digits;
- whether 3/4 is in March or in April is found from all dates of the file, and asked for where they leave it open.

A chat is always one that somebody chose to hand over, and it is not told whether two people or a group talk in it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format

PLATFORM = "whatsapp"
FORMAT = Format(
    group="Chats",
    get=(
        "on the phone, in the chat: Android ⋮ > More > Export chat, iPhone the chat's name > Export Chat; without media"
    ),
    holds="one chat's messages and joins, with the names that the phone's contacts give people",
    cannot_tell=("reactions; the time zone (UTC is assumed); sometimes whether day or month comes first (it asks)"),
    lacks=("no replies", "no member ids", "no time zone"),
    is_seen=True,
)

Order = Literal["dmy", "mdy", "ymd"]

MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"  # which way to write; phones strew them about
SEPARATOR = rf"[{MARKS}]*(?:[/.\-‐-–]|[年月년월])[{MARKS}\s]*"
BEGINS = re.compile(
    rf"[{MARKS}]*(?P<bracket>\[?)(?P<a>\d{{1,4}})(?P<separator>{SEPARATOR})(?P<b>\d{{1,2}}){SEPARATOR}(?P<c>\d{{1,4}})[日일]?"
    r"(?P<before>[^\d\n]{1,20})(?P<hour>\d{1,2})(?:[:.]|\s?h\s?)(?P<minute>\d\d)(?:(?:[:.]|\s?min\s?)(?P<second>\d\d))?"
    r"(?P<after>[^\d\n\]]{0,16}?)(?:\]|\s[-–]\s|:\s)\s?(?P<rest>.*)",
    re.DOTALL,
)
NAMED = re.compile(r"(?P<name>[^:\n]{1,100}?)\s?:(?:[ \u202f\xa0]|$)(?P<text>.*)", re.DOTALL)
QUOTES = re.compile('["“”„«»]')  # `Ada named the group "Quay: help"` is no message by `Ada named the group "Quay`
PHONE = re.compile(r"\+?[(\d][\d\s().‐-―-]{5,}\d")
CALLED = re.compile(r"\+\d[\d\s().‐-―-]{5,}\d")
MENTION = re.compile(rf"@(?:\u2068([^\u2069\n]+)\u2069|[{MARKS}]*\+?(\d{{7,15}})\b)")
ISOLATES = re.compile("[\u200e\u202a-\u202e\u2066-\u2069\ufeff]")  # but not the one that people type: U+200F
TITLED = re.compile(
    r"(?i).*\bwhatsapp\b.*?(?:\s[-–]\s|\s(?:with|mit|con|com|avec|met|med|z|ze|с|со|з|ile|dengan|cu|s|na|kanssa)\s)(.+)"
)
ANSWERS: dict[str, Order] = {"dd-mm": "dmy", "mm-dd": "mdy"}
ANSWER = re.compile(r"(?i)[\s_(]*\b(dd-mm|mm-dd)\b\)?")  # how a person says which, in the name of the file

MORNING = frozenset((
    "am", "öö", "sa", "pd", "de", "pg", "fm", "dop", "vorm", "vm", "ap", "πμ", "ص", "قظ", "לפנהצ", "ก่อนเที่ยง", "पूर्वाह्न",
    "முற்பகல்", "претпл", "проб", "上午", "凌晨", "早上", "오전", "午前",
))  # fmt: skip
AFTERNOON = frozenset((
    "pm", "ös", "ch", "md", "du", "ptg", "em", "odp", "nachm", "nm", "ip", "μμ", "م", "بظ", "אחהצ", "หลังเที่ยง", "अपराह्न",
    "பிற்பகல்", "попл", "слоб", "下午", "中午", "晚上", "오후", "午後",
))  # fmt: skip
CLOCK = frozenset({"", "h", "s", "uhr", "น"})  # words after a time that say nothing

OMITTED = re.compile(
    r"(?i)[\u200e\u200f][^\u200e\n]{0,40}(?:omitted|gelassen|weggelaten|omitid|omess|absent|omis|ocult|pominięt|utelämn"
    r"|utelat|udelad|jätet|пропущен|опущен|dahil edilmedi|kihagy|vynechá|省略|略過|생략|תמיט|השמט|استبعاد)[^\n]{0,20}$"
)
PLACED = re.compile(r"(?i)\blocation: https://maps\.|\u200e[^\n:]{1,30}: https://maps\.")
ATTACHED = re.compile(
    r"\u200e?<[^<>:\n]{2,30}: ?[^<>\n]+\.\w{2,5}>|^(?:\u200e[^\n]+|[A-Z]{3,4}-\d{8}-WA\d+)\.\w{2,5} \([^()\n]+\)\n?"
)
SHUT_OUT = re.compile(r"\u200e?<[^<>\n]{4,40}>")  # Android's "<Media omitted>", in any language
EDITED = re.compile(
    r"(?i)\s*(?:\u200e<[^<>\n]{4,50}>|<[^<>\n]*(?:edited|bearbeitet|editad|modifi|bewerkt|изменен|düzenlendi)[^<>\n]*>)$"
)
POLL = re.compile(r"[\u200e]?[^\W\d_]{4,12}\s?:\s?\n")
DELETED = frozenset((
    "this message was deleted", "you deleted this message", "diese nachricht wurde gelöscht",
    "du hast diese nachricht gelöscht", "se eliminó este mensaje", "este mensaje fue eliminado",
    "eliminaste este mensaje", "ce message a été supprimé", "vous avez supprimé ce message", "mensagem apagada",
    "esta mensagem foi apagada", "essa mensagem foi apagada", "você apagou esta mensagem", "apagou esta mensagem",
    "questo messaggio è stato eliminato", "hai eliminato questo messaggio", "dit bericht is verwijderd",
    "u hebt dit bericht verwijderd", "je hebt dit bericht verwijderd", "данное сообщение удалено",
    "вы удалили данное сообщение", "сообщение удалено", "bu mesaj silindi", "bu mesajı sildiniz",
    "ta wiadomość została usunięta", "usunięto tę wiadomość", "pesan ini telah dihapus", "anda menghapus pesan ini",
    "detta meddelande har raderats", "denne besked blev slettet", "このメッセージは削除されました", "此消息已删除",
    "此訊息已刪除", "삭제된 메시지입니다", "تم حذف هذه الرسالة", "ההודעה נמחקה",
))  # fmt: skip

FOUNDED = date(2009, 1, 1)


class Layout(NamedTuple):
    """How one file is written: whether its rows begin with a bracket, the order of its dates, its chat's name."""

    bracket: str
    order: Order
    name: str


class Row(NamedTuple):
    """A message or system line: where it stands, how it begins, and all its lines."""

    line: int
    begun: re.Match[str]
    lines: list[str]


class Said(NamedTuple):
    """What a row says. One without own words is WhatsApp's."""

    text: str
    attachments: int = 0
    is_system: bool = False
    is_deleted: bool = False


def detects(export: Export) -> float:
    """High for one .txt that begins like a chat, higher if it is named like one; 0 for several of them."""
    named = sorted(export.files("*.txt"), key=lambda name: not _is_named(export, name))
    chats = [name for name in named[:10] if _is_chat(export, name)]
    if len(chats) != 1:
        return 0.0
    return 0.95 if _is_named(export, chats[0]) else 0.5


def read(export: Export) -> Iterator[Record]:
    """Yield the chat as one source with one channel, then each row of it."""
    file = _chat(export)
    layout = _layout(export, file)
    yield Source(PLATFORM, layout.name, layout.name)
    yield Channel(layout.name, layout.name, "chat", is_private=True)
    chat = _Chat(file, layout)
    for row in _rows(export, file, layout.bracket):
        yield from [row] if isinstance(row, Refused) else chat.records(row)


class _Chat:
    """What must be remembered between the rows of a chat."""

    def __init__(self, file: str, layout: Layout) -> None:
        self.file, self.layout = file, layout
        self.members: set[str] = set()
        self.turns: dict[date, Counter[tuple[datetime, str]]] = {}  # of the last days: rows come nearly in order

    def records(self, row: Row) -> Iterator[Record]:
        sent_at = _moment(row.begun, self.layout.order)
        if isinstance(sent_at, str):
            yield Refused(self.file, f"line {row.line}", sent_at, "\n".join(row.lines).encode())
            return
        named = NAMED.fullmatch("\n".join([row.begun["rest"], *row.lines[1:]]))
        author = ISOLATES.sub("", named["name"]).strip() if named else ""
        if named is None or not author or QUOTES.search(author):
            yield self._message(sent_at, None, _line(row))
            return
        said = _said(named["text"])
        member_id, name = _who(author)
        if not said.is_system and member_id not in self.members:
            self.members.add(member_id)
            yield Member(member_id, name, updated_at=sent_at)
        yield self._message(sent_at, member_id, said, _mentions(named["text"]))

    def _message(self, sent_at: datetime, member_id: str | None, said: Said, mentions: tuple[str, ...] = ()) -> Message:
        return Message(
            self._id(sent_at, member_id or ""),
            self.layout.name,
            None if said.is_system else member_id,
            sent_at,
            said.text,
            kind="system" if said.is_system else "message",
            deleted_at=sent_at if said.is_deleted else None,  # it is not told when: certainly not before
            mentions=mentions,
            attachments=said.attachments,
        )

    def _id(self, sent_at: datetime, author: str) -> str:
        turns = self.turns.setdefault(sent_at.date(), Counter())
        if len(self.turns) > 7:
            del self.turns[next(iter(self.turns))]
        turns[sent_at, author] += 1
        return _hash(f"{sent_at.isoformat()} {turns[sent_at, author]} {author}")


def _is_named(export: Export, name: str) -> bool:
    names = (PurePosixPath(name).name, export.path.name)
    return names[0] == "_chat.txt" or any("whatsapp" in each.lower() for each in names)


def _is_chat(export: Export, name: str) -> bool:
    """Whether a row begins in the first line, and one of the first is by somebody. A log says <nick> instead."""
    lines = _text(export.head(name, 8192)).split("\n")
    begun = [found for line in lines[:20] if (found := BEGINS.match(line))]
    spoken = any(not found["rest"].startswith("<") and NAMED.match(found["rest"]) for found in begun)
    return bool(begun) and begun[0].string == lines[0] and (spoken or _is_named(export, name))


def _chat(export: Export) -> str:
    names = [name for name in export.files("*.txt") if _is_chat(export, name)]
    if len(names) == 1:
        return names[0]
    if names:
        raise ExportError(f"whatsapp: {export.name} holds several chats ({', '.join(names[:5])}). Load them singly.")
    raise ExportError(f'whatsapp: {export.name} holds no chat. Give what "Export chat" saved: a .zip, or a .txt.')


def _layout(export: Export, file: str) -> Layout:
    """What a first pass over the whole file tells."""
    first: re.Match[str] | None = None
    days: dict[tuple[str, str, str], None] = {}
    for _, line in export.lines(file, counted=False):
        begun = BEGINS.match(_text(line))
        first = first or begun
        if begun and first and begun["bracket"] == first["bracket"]:
            days[begun["a"], begun["b"], begun["c"]] = None
    if first is None:
        raise ExportError(f"whatsapp: {file} is empty")
    answer = ANSWER.search(export.path.name)
    order = _order(list(days), first["separator"], answer[1].lower() if answer else "")
    if order is None:
        raise ExportError(
            f"whatsapp: the dates in {file} may have the day first or the month first: none is after the 12th. "
            'Export the chat again later, or put "dd-mm" or "mm-dd" into the name of the file, and load it again.'
        )
    return Layout(first["bracket"], order, _name(export, file, first))


def _order(days: list[tuple[str, str, str]], separator: str, answer: str) -> Order | None:
    """The order in which every day exists and none is before the one above it; None if that leaves a choice."""
    if len(days[0][0]) > 2 or "." in separator:  # nobody writes a month before a dot
        return "ymd" if len(days[0][0]) > 2 else "dmy"
    likely: list[Order] = sorted(("dmy", "mdy"), key=lambda order: _faults(days, order))
    least, other = (_faults(days, order) for order in likely)
    if least[0] and len(days[0][2]) == 2 and not _faults(days, "ymd")[0]:
        return "ymd"
    if least < other or _days(days, "dmy") == _days(days, "mdy"):
        return likely[0]
    return ANSWERS.get(answer)


def _faults(days: list[tuple[str, str, str]], order: str) -> tuple[int, int]:
    """How many days do not exist, and how many come after a later one."""
    found = _days(days, order)
    real = [day for day in found if day]
    return len(found) - len(real), sum(later < earlier for earlier, later in pairwise(real))


def _days(days: list[tuple[str, str, str]], order: str) -> list[date | None]:
    return [_day(parts, order) for parts in days]


@lru_cache(1024)
def _day(parts: tuple[str, str, str], order: str) -> date | None:
    """A day WhatsApp can have seen. Thai phones count 543 years more."""
    told = {letter: int(part) for letter, part in zip(order, parts, strict=True)}
    year = told["y"] + (2000 if told["y"] < 100 else -543 if told["y"] > 2400 else 0)
    try:
        day = date(year, told["m"], told["d"])
    except ValueError:
        return None
    return day if FOUNDED <= day <= datetime.now(UTC).date() + timedelta(days=1) else None


def _moment(begun: re.Match[str], order: Order) -> datetime | str:
    """The moment, or why there is none."""
    day = _day((begun["a"], begun["b"], begun["c"]), order)
    if day is None:
        return "there is no such day"
    before, after = _word(begun["before"]), _word(begun["after"])
    hour, is_half = int(begun["hour"]), not MORNING.union(AFTERNOON).isdisjoint((before, after))
    if is_half:
        hour = hour % 12 + 12 * (not AFTERNOON.isdisjoint((before, after)))
    elif after not in CLOCK:
        return f"it cannot be told whether {begun['after'].strip()!r} is in the morning or in the afternoon"
    try:
        return datetime.combine(day, time(hour, int(begun["minute"]), int(begun["second"] or 0)), UTC)
    except ValueError:
        return "there is no such time"


@lru_cache(1024)
def _word(text: str) -> str:
    """A word beside a time, without what differs between phones: `p. m.` is `pm`."""
    return re.sub(rf"[\s{MARKS}.,،״\"'\[-]", "", text.casefold())


def _rows(export: Export, file: str, bracket: str) -> Iterator[Row | Refused]:
    """Each row with the lines that follow it, up to the next."""
    held: Row | None = None
    for number, line in export.lines(file):
        text = _text(line)
        begun = BEGINS.match(text)
        if begun and begun["bracket"] == bracket:
            if held:
                yield held
            held = Row(number, begun, [text])
        elif held:
            held.lines.append(text)
        elif line.strip():
            yield Refused(file, f"line {number}", "no message has begun before it", line)
    if held:
        yield held


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


def _name(export: Export, file: str, first: re.Match[str]) -> str:
    """The chat's name: the file's, or that of what holds an iPhone's _chat.txt, whose first line tells it too."""
    holder = PurePosixPath(file).stem
    if holder == "_chat":
        holder = export.path.resolve().parent.name if export.name == "_chat.txt" else export.name
    # neither the answer to our question nor the "(1)" of a second download belongs to it
    holder = re.sub(r"\s*\(\d\)$", "", ANSWER.sub("", holder)).strip()
    if found := TITLED.fullmatch(holder):
        return found[1]
    by = NAMED.match(first["rest"])
    by_group = by["name"] if by and by["text"].startswith("\u200e") else ""
    return ISOLATES.sub("", by_group).strip() or holder or "WhatsApp chat"


def _line(row: Row) -> Said:
    """What WhatsApp itself says, without the phone numbers in it."""
    text = ISOLATES.sub("", "\n".join([row.begun["rest"], *row.lines[1:]]))
    return Said(CALLED.sub(lambda found: _masked(found[0]), text).strip(), is_system=True)


def _said(text: str) -> Said:
    """Tell a member's own words from what WhatsApp writes in their place; it marks most of that with U+200E."""
    words = MENTION.sub(lambda found: "@" + _who(found[1] or found[2])[1], text)
    bare = ISOLATES.sub("", words).strip()
    if bare.rstrip(".").casefold() in DELETED:
        return Said("", is_deleted=True)
    if SHUT_OUT.fullmatch(text.strip()) or PLACED.match(text) or text == "null":  # what could be seen once
        return Said("", 1)
    words, omitted = OMITTED.subn("", words)
    words, attached = ATTACHED.subn("", words)
    if omitted or attached:
        return Said(ISOLATES.sub("", words).strip(), omitted + attached)
    if words.startswith("\u200e") and not POLL.match(words):
        return Said(CALLED.sub(lambda found: _masked(found[0]), bare), is_system=True)
    return Said(ISOLATES.sub("", EDITED.sub("", words)).strip())


def _mentions(text: str) -> tuple[str, ...]:
    return tuple(_who(found[1] or found[2])[0] for found in MENTION.finditer(text))


@lru_cache(1024)
def _who(author: str) -> tuple[str, str]:
    """An author's id and name. Somebody who is no contact is `~ Ada` and somebody else than Ada."""
    bare = ISOLATES.sub("", author)
    if PHONE.fullmatch(bare):
        return "phone:" + _hash(_digits(bare)), _masked(bare)
    return re.sub(r"^~\s+", "~", bare), bare.lstrip("~ \u202f\xa0") or bare


def _masked(phone: str) -> str:
    return f"+…{_digits(phone)[-3:]}"


def _digits(phone: str) -> str:
    return "".join(str(int(digit)) for digit in phone if digit.isdecimal())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
