"""IRC: the logs of irssi, WeeChat, ZNC, HexChat, mIRC, energymech, eggdrop, Supybot and of public log sites.

All of them write a time, then `<nick> words`; they differ in where the day stands: in each line, in a line of its own,
or in the file's name. Their clock is taken for UTC unless a line says otherwise. A nick is all that is known of a
member; whoever changes it stays the same member until the end of the file. There are no ids, so a message is named by
a hash of what it is: the same line in two logs is one message. Lines of one minute are kept in order by microseconds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import islice, takewhile
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports._format import Format

PLATFORM = "irc"
FORMAT = Format(
    group="Chats",
    get=(
        "the folder in which the client or bouncer keeps its logs: irssi ~/irclogs, WeeChat "
        "~/.local/share/weechat/logs, ZNC users/NAME/moddata/log, HexChat ~/.config/hexchat/logs, mIRC "
        "%APPDATA%\\mIRC\\logs"
    ),
    holds="a channel's lines, joins and nick changes",
    cannot_tell='whom a line answers, but by "nick:" before it; more of a person than a nick; the time zone',
    lacks=("no replies", "no member ids", "no time zone"),
    is_seen=True,
)

OTHER = {".csv", ".gif", ".htm", ".html", ".jpg", ".js", ".json", ".mbox", ".md", ".parquet", ".pdf", ".png", ".xml"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BACK = timedelta(hours=2)  # a clock set right, or the end of summer time, goes back by less
AFTERNOON = timedelta(hours=12)

# Of a path: "irc.libera.#help.weechatlog", "libera/#help/2024-05-01.log", "#help_20240501.log"
CHANNEL = re.compile(
    r"(?:([^/]+?)[._])?([#&][^/\s]+?)(?:[._-]?\d{4}-?\d\d-?\d\d)?(?:\.(?:weechatlog|irclog|log|txt)[^/]*)?(?=/|$)"
)
NO_NETWORK = re.compile(r"\d*|(?:irc\W?)?logs?|irc|raw|text", re.IGNORECASE)
DATED = re.compile(r"(?<!\d)(\d{4})[-_./]?(\d\d)[-_./]?(\d\d)(?!\d)|(?<!\d)(\d\d)([A-Z][a-z]{2})(\d{4})(?!\d)")
SPOKEN_OF = re.compile(rb"(?:joined |Session Ident: |Now talking (?:in|on) )([#&][^\s,]+?)\.?\s")

STAMP = re.compile(
    r"\[?(?:(\d{4}-\d\d-\d\d)[T ]|([A-Z][a-z]{2}) (\d\d) )?(\d\d):([0-5]\d)(?::([0-5]\d)(?:[.,]\d+)?)?"
    r"(Z|[+-]\d\d:?\d\d)?\]?[ \t]+"
)
FRAME = re.compile(
    r"(?:-{3} (?:Log (?:opened|closed)|Day changed)|\*{4} (?:BEGIN|ENDING) LOGGING AT"
    r"|Session (?:Start|Time|Close|Ident):|\[[\d:]+\] ---)(?: \w{3} (\w{3}) +(\d\d?)(?: [\d:]+)? (\d{4})\s*$| )"
)
WORDS = re.compile(
    r"<[~&@%+! ]*+([^<>]+)>[ \t]?(.*)"
    r"|(?!-->|<--|--\t|=!=|\*)[~&@%+!]*+([^\s<>]+)\t(.*)"
    r"|Action: (\S+) (.*)"
    r"|\(([^\s/()]+)/[#&][^)\s]*\) (.*)"  # relayed from another network
    r"|-([^\s:(!]+)(?:[:(]\S*)?- (.*)"  # a notice
)
DEED = re.compile(r"\*[ \t]+(\S+)(?:[ \t]+(.*)|$)")
EVENT = re.compile(
    r"(?:===|-!-|\*\*\*|-->|<--|--|=!=)[ \t]+(.*)"
    r"|(Nick change: .*|[^\s<]+ \([^\s@]+@\S+\) (?:joined|left|got) .*|(?:Topic changed on|#\S+: mode change) .*)"
)
HAPPENED = re.compile(
    r"\S+(?: [\[(<]\S*[\])>])? (?:has (?:joined|left|quit|been kicked|changed the topic|set the)|is now known as"
    r"|gives channel|removes channel|was kicked)\b"
    r"|\S+ sets mode: |(?:Joins|Parts|Quits): |Now talking|Topic |Disconnected"
)
RENAMED = re.compile(r"(?:Nick change: )?(\S+) (?:is now known as|->) (\S+)")
CAME_OR_WENT = re.compile(r"(?:Joins: |Parts: |Quits: )?(\S+) (?:[\[(<]\S*[\])>] *)?(?:has )?(?:joined|left|quit|$)")
HOST = re.compile(r" ?[\[(<][^\s\[\]()<>@]*@[^\s\[\]()<>]*[\])>]")
ADDRESSED = re.compile(r"@?([^\s:,;]+)[:,;](?=\s|$)")
CONTROL = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9A-Fa-f]{6})?|[\x00-\x08\x0b-\x1f\x7f]")
BOT = re.compile(  # the known ones only: many a member is called mikebot
    r"(?:chan|nick|memo)serv|ubot(?:u|tu|\d)|floodbot\d*|meetingology|meetbot|zodbot|supybot|limnoria|(?:irc)?logbot"
)


class Line(NamedTuple):
    """What a line tells: somebody's words, or an event (no nick)."""

    nick: str | None
    text: str


class Log(NamedTuple):
    """A file, and the network and channel its path names, if it does."""

    file: str
    network: str | None = None
    channel: str | None = None


def detects(export: Export) -> float:
    """High when most of the first lines of a file are a chat's."""
    return 0.9 if any(_is_log(export, name) for name in islice(_candidates(export), 12)) else 0.0


def read(export: Export) -> Iterator[Record]:
    """Yield one network or channel, then the lines of its logs, file after file."""
    logs = [_log(export, name) for name in _candidates(export) if _is_log(export, name)]
    if not logs:
        raise ExportError(f"irc: {export.name} holds no log. Its lines should look like: [12:34] <nick> words")
    named = {log.channel for log in logs if log.channel}
    fallback = _spoken_of(export, logs) if len(named) != 1 else min(named)
    yield _source(export, logs, named or {fallback})
    chat = _Chat(export)
    for log in logs:
        # Beside logs of channels, one that names none is of a talk between two people, or of the server itself.
        is_private = bool(named) and log.channel is None
        name = PurePosixPath(log.file).stem if is_private else log.channel or fallback
        yield from chat.records(log.file, Channel(f"private:{name}" if is_private else name, name, "chat", is_private))


class _Chat:
    """What must be remembered between files."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.told: set[str] = set()

    def records(self, file: str, channel: Channel) -> Iterator[Record]:
        clock, nicks = _Clock(_day(self.export, file)), _Nicks()
        if channel.is_private and not self.export.include_private:
            self.export.left_out["private messages"] += sum(1 for _ in self._lines(file, clock, nicks))
            return
        yield from self._new(channel)
        for line in self._lines(file, clock, nicks):
            if isinstance(line, Refused):
                yield line
                continue
            member_id = nicks.speak(line.nick) if line.nick else None
            if line.nick and member_id:
                yield from self._new(Member(member_id, line.nick, is_bot=BOT.fullmatch(member_id) is not None))
            yield _message(line, channel, member_id, clock, nicks)

    def _new(self, record: Channel | Member) -> Iterator[Channel | Member]:
        key = f"{type(record).__name__} {record.id}"
        if key not in self.told:
            self.told.add(key)
            yield record

    def _lines(self, file: str, clock: _Clock, nicks: _Nicks) -> Iterator[Line | Refused]:
        """The lines that tell something, while `clock` and `nicks` follow them."""
        for number, raw in self.export.lines(file):
            text = _text(raw)
            if frame := FRAME.match(text):
                clock.begin(frame[1], frame[2], frame[3])
                continue
            stamp = STAMP.match(text)
            if stamp:
                clock.read(stamp)
            line = _line(text[stamp.end() :] if stamp else text)
            if line is None or not (stamp or text.startswith("===")):
                if text.strip():
                    yield Refused(file, f"line {number}", "it is no line of a chat", raw)
            elif clock.now is None:
                yield Refused(file, f"line {number}", "neither a line before it nor the file's name tells its day", raw)
            else:
                if line.nick is None:
                    nicks.follow(line.text)
                yield line


class _Nicks:
    """Who is who in one file. A member's id is the nick, in small letters, under which they first spoke."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}  # where it is another than the nick itself
        self.spoke: set[str] = set()

    def speak(self, nick: str) -> str:
        member_id = self.ids.get(nick.lower(), nick.lower())
        self.spoke.add(member_id)
        return member_id

    def known(self, nick: str) -> str | None:
        member_id = self.ids.get(nick.lower(), nick.lower())
        return member_id if member_id in self.spoke else None

    def follow(self, event: str) -> None:
        """Take note of who renamed themselves, came or went."""
        if renamed := RENAMED.match(event):
            old, new = renamed[1].lower(), renamed[2].lower()
            member_id = self.ids.pop(old, old)
            self.ids.pop(new, None)
            # Who said nothing as Guest123, or goes back to a nick they have used, is known by the new one.
            if member_id in self.spoke and new not in self.spoke:
                self.ids[new] = member_id
        elif gone := CAME_OR_WENT.match(event):
            self.ids.pop(gone[1].lower(), None)


class _Clock:
    """The time of each line, where few lines tell the day."""

    def __init__(self, day: date | None) -> None:
        self.day = day
        self.late = timedelta()  # half a day, in the afternoon of a log that counts to twelve
        self.last = timedelta()
        self.counts_to_twelve = True
        self.now = _midnight(day) if day else None
        self.stamp = ""
        self.said: Counter[Line] = Counter()  # in this minute, or second
        self.lines = 0

    def begin(self, month: str | None, day: str | None, year: str | None) -> None:
        """Take the day from a line of its own."""
        with suppress(ValueError):
            if month and day and year:
                self._on(date(int(year), _month(month), int(day)))

    def read(self, stamp: re.Match[str]) -> None:
        """Take the time from a line. One that lies hours before the last has passed midnight, or noon."""
        if stamp[0] == self.stamp:
            return
        self.stamp = stamp[0]
        full, month, day, hours, minutes, seconds, zone = stamp.groups()
        with suppress(ValueError):
            if full:
                self._on(date.fromisoformat(full))
            elif month and self.day:
                number = _month(month)
                self._on(date(self.day.year + (number < self.day.month), number, int(day)))
        time = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
        if time + BACK < self.last:
            self._turn(time)
        self.counts_to_twelve = self.counts_to_twelve and hours <= "12"
        self.last = time
        if self.day:
            self._at(_midnight(self.day) + self.late + time - _offset(zone))

    def next(self, line: Line) -> tuple[datetime, str]:
        """The line's own moment, and its name: a hash of what it is, and how often it was said in that minute."""
        moment = self.now or datetime.min.replace(tzinfo=UTC)
        said = f"{moment:%Y-%m-%dT%H:%M:%S}\n{line.nick}\n{line.text}\n{self.said[line]}"
        sent_at = moment + timedelta(microseconds=self.lines)
        self.said[line] += 1
        self.lines += 1
        return sent_at, blake2b(said.encode(errors="replace"), digest_size=10).hexdigest()

    def _on(self, day: date) -> None:
        if day != self.day or self.late:
            self.day, self.late, self.last, self.stamp = day, timedelta(), timedelta(), ""
            self._at(_midnight(day))

    def _turn(self, time: timedelta) -> None:
        is_noon = self.counts_to_twelve and self.last >= timedelta(hours=11) and time < timedelta(hours=2)
        if is_noon and not self.late:
            self.late = AFTERNOON
        elif self.day:
            self.day, self.late = self.day + timedelta(days=1), timedelta()

    def _at(self, now: datetime) -> None:
        if now != self.now:
            self.now, self.lines = now, 0
            self.said.clear()


def _message(line: Line, channel: Channel, member_id: str | None, clock: _Clock, nicks: _Nicks) -> Message:
    sent_at, name = clock.next(line)
    addressed = ADDRESSED.match(line.text) if member_id else None
    to = nicks.known(addressed[1]) if addressed else None
    is_answer = to is not None and to != member_id
    return Message(
        f"{channel.id}:{name}",
        channel.id,
        member_id,
        sent_at,
        line.text if member_id else " ".join(HOST.sub("", line.text).split()),
        kind="message" if member_id else "system",
        basis="mention" if is_answer else None,
        mentions=(to,) if to and is_answer else (),
    )


def _line(body: str) -> Line | None:
    """What stands behind the time."""
    if words := WORDS.match(body):
        nick, text = (found for found in words.groups() if found is not None)
        return Line(nick.rstrip().replace("] ", "]"), text)  # a log site put blanks behind brackets
    if event := EVENT.match(body):
        return Line(None, event[1] or event[2] or "")
    if deed := DEED.match(body):
        text = body[1:].lstrip()
        return Line(None, text) if HAPPENED.match(text) else Line(deed[1], deed[2] or "")
    return None


def _candidates(export: Export) -> Iterator[str]:
    """Files that may be logs. A corpus may keep the same lines several times over: then the raw ones count."""
    names = [name for name in export.files() if PurePosixPath(name).suffix.lower() not in OTHER]
    copies = {name.replace(".raw.", ".ascii.") for name in names if ".raw." in name}
    return (name for name in names if name not in copies)


def _is_log(export: Export, name: str) -> bool:
    head = _text(export.head(name, 16384))
    lines = [line for line in head.split("\n")[:200] if line.strip()]
    bodies = [line[stamp.end() :] for line in lines if (stamp := STAMP.match(line))]
    found = sum(_line(body) is not None for body in bodies)
    frame = sum(line.startswith("=== ") or FRAME.match(line) is not None for line in lines)
    return found > 0 and 2 * (found + frame) >= len(lines)


def _log(export: Export, file: str) -> Log:
    for path in (f"{export.wrapping}{file}", export.path.resolve().name):
        if found := CHANNEL.search(unquote(path)):
            above = found[1].removeprefix("irc.") if found[1] else PurePosixPath(path[: found.start()]).name
            return Log(file, None if NO_NETWORK.fullmatch(above) else above, found[2].lower())
    return Log(file)


def _spoken_of(export: Export, logs: list[Log]) -> str:
    """The channel that the lines name most often, where no path names one."""
    heads = (export.head(log.file) for log in logs[:50])
    named = Counter(_text(found[1]).lower() for head in heads for found in SPOKEN_OF.finditer(head))
    return named.most_common(1)[0][0] if named else export.name


def _source(export: Export, logs: list[Log], channels: set[str]) -> Source:
    """The network, where all paths name the same; else the channel, if it is the only one."""
    networks = {log.network for log in logs if log.channel}
    name = next(iter(networks)) if len(networks) == 1 else None
    name = name or (min(channels) if len(channels) == 1 else export.name)
    return Source(PLATFORM, name, name)


def _day(export: Export, file: str) -> date | None:
    """The last day that a file's path names: in the export, or in the folders 2024/05/01 above it."""
    *above, name = export.path.resolve().parts
    numbered = takewhile(str.isdecimal, reversed(above))
    path = "/".join((*reversed(list(numbered)), name, f"{export.wrapping}{file}"))
    for found in reversed(list(DATED.finditer(path))):
        with suppress(ValueError):
            if found[1]:
                return date(int(found[1]), int(found[2]), int(found[3]))
            return date(int(found[6]), _month(found[5]), int(found[4]))
    return None


def _month(name: str) -> int:
    return MONTHS.index(name) + 1


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta()
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -offset if zone[0] == "-" else offset


def _text(raw: bytes) -> str:
    """A line without colours and other signs that are not seen. Old clients wrote no UTF-8."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    return text if text.isprintable() else CONTROL.sub("", text)
