"""The demo: Lantern Makers as records with known true numbers, and as real-shaped exports of any size.

for platform, records in Community().sources():
    for record in records():
        ...
write_slack(Path("big.zip"), messages=1_000_000)
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from functools import partial
from itertools import groupby, islice, takewhile
from pathlib import Path
from statistics import NormalDist
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from data.lanterns import DISCORD, EMOJI, MAIL, PLACES, SLACK, UNTIL, Habits, Life, Person, Place, Post
from data.records import Channel, Reaction, Record, Source

NAME = "Lantern Makers"
PACIFIC = ZoneInfo("America/Los_Angeles")  # Slack cuts its day files there
CATEGORY = "1013554411778244609"
DELETED = "456226577798135808"  # the one account Discord shows for every deleted one

Row = dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """What a metric should find, apart from chance. Weekends are slower and have their own share."""

    answered_24h: float  # of asks made from Monday to Friday, before answers came faster
    answered_24h_weekend: float
    answered_24h_recent: float  # Monday to Friday, since answers come faster
    hours_p50: float  # by then half of all asks are answered; Monday to Friday, before
    hours_p50_recent: float
    never_share: float
    staff_share: float  # of first answers, while somebody of the team is on duty
    unhappy_share: float  # of asks
    recovered_share: float  # of unhappy asks that were answered and whose asker spoke again
    newcomers_a_week: float
    return_welcomed: float
    return_unwelcomed: float
    praise_answered: float
    bot_posts_a_day: float  # apart from the greetings of the welcome bot: one to each newcomer
    waiting_hours: float = 72.0  # how long the unhappy newcomer on Slack has waited at the end


@dataclass(frozen=True)
class Community(Habits):
    """A made-up community: see Habits for what can be set."""

    name: str = NAME

    @property
    def truth(self) -> Truth:
        """The numbers a test can hold the metrics against."""
        usual = self.wait_hours, self.never_share
        recent = self.recent_wait_hours, self.recent_never_share
        return Truth(
            answered_24h=self._answered(24, *usual),
            answered_24h_weekend=self._answered(24 / self.weekend_slowdown, *usual),
            answered_24h_recent=self._answered(24, *recent),
            hours_p50=self._half(*usual),
            hours_p50_recent=self._half(*recent),
            never_share=self.never_share,
            staff_share=self.staff_share,
            unhappy_share=self.unhappy_share,
            recovered_share=self.recovered_share,
            newcomers_a_week=7 * self.asks_a_day * self.newcomers_per_ask,
            return_welcomed=self.return_welcomed,
            return_unwelcomed=self.return_unwelcomed,
            praise_answered=self.praise_answered,
            bot_posts_a_day=self.asks_a_day * self.bot_posts_per_ask * (SLACK.share + DISCORD.share),
        )

    def sources(self) -> list[tuple[str, Callable[[], Iterator[Record]]]]:
        """(platform, its records) for each platform. The second may be called again, and says the same."""
        return [(platform, partial(self.records, platform)) for platform in PLACES]

    def records(self, platform: str) -> Iterator[Record]:
        """One platform's records: its Source first, each Member before the first message that names them."""
        place, known = PLACES[platform], set[str]()
        yield Source(platform, place.id, self.name, self.since, self.until)
        yield from place.channels
        for post in takewhile(lambda post: post.at < self.until.timestamp(), Life(self, place).posts()):
            for person in post.people():
                if person.id not in known and not person.is_gone(place):
                    known.add(person.id)
                    yield person.member(place)
            message = post.message(place)
            yield message
            yield from (Reaction(message.id, name, person.id) for name, person in post.reactions)

    def roster(self) -> list[tuple[str, str, str]]:
        """(platform, member id, name) of everybody on the team."""
        teams = {platform: Life(self, place).team for platform, place in PLACES.items()}
        return [(platform, person.id, person.name) for platform, team in teams.items() for person in team]

    def _answered(self, hours: float, median: float, never: float) -> float:
        return (1 - never) * NormalDist(math.log(median), self.wait_spread).cdf(math.log(hours))

    def _half(self, median: float, never: float) -> float:
        return math.exp(NormalDist(math.log(median), self.wait_spread).inv_cdf(0.5 / (1 - never)))


def write_slack(path: Path, messages: int, seed: int = 7, days: int = 730, until: datetime = UNTIL) -> Path:
    """A Slack workspace export of exactly `messages` rows: a zip, or a folder if the path has no .zip."""
    people: dict[str, Person] = {}
    posts = _posts(SLACK, messages, seed, days, until)
    with _files(path) as write:
        for day, todays in groupby(posts, lambda post: datetime.fromtimestamp(post.at, PACIFIC).date()):
            rows: dict[str, list[Row]] = {}
            for post in todays:
                people |= {person.id: person for person in post.people()}
                rows.setdefault(post.channel.name, []).append(_slack_row(post))
            for channel, said in rows.items():
                write(f"{channel}/{day}.json", said)
        write("channels.json", [_slack_channel(channel, list(people)[:50]) for channel in SLACK.channels])
        write("users.json", [_slack_user(person) for person in people.values() if person.id[0] == "U"])
        write("integration_logs.json", [])
    return path


def write_discord(path: Path, messages: int, seed: int = 7, days: int = 730, until: datetime = UNTIL) -> Path:
    """A new folder of DiscordChatExporter files, one a channel or thread, of exactly `messages` messages.

    Raises FileExistsError where the folder already holds such files.
    """
    path.mkdir(parents=True, exist_ok=True)
    sizes: dict[Path, int] = {}
    for post in _posts(DISCORD, messages, seed, days, until):
        file = path / _discord_file(post)
        with file.open("ab" if file in sizes else "xb") as out:
            out.write(b",\n" if file in sizes else _discord_head(post, until))
            out.write(msgspec.json.encode(_discord_row(post)))
        sizes[file] = sizes.get(file, 0) + 1
    for file, size in sizes.items():
        with file.open("ab") as out:
            out.write(b'\n],\n"messageCount": %d\n}\n' % size)
    return path


def write_mbox(path: Path, messages: int, seed: int = 7, days: int = 730, until: datetime = UNTIL) -> Path:
    """A folder of pipermail's quarterly text files, of exactly `messages` mails."""
    path.mkdir(parents=True, exist_ok=True)
    for quarter, mails in groupby(_posts(MAIL, messages, seed, days, until), _quarter):
        with (path / f"{quarter}.txt").open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(_mail(post) for post in mails)
    return path


def _posts(place: Place, messages: int, seed: int, days: int, until: datetime) -> Iterator[Post]:
    """That many posts, of a community a little larger than it takes to say them by `until`."""
    enough = 1.02 * messages + 6 * math.sqrt(messages)  # few messages are mostly chance
    habits = Habits(seed, until, days, asks_a_day=enough / days / place.rows_per_ask)
    return islice(Life(habits, place).posts(), messages)


@contextmanager
def _files(path: Path) -> Iterator[Callable[[str, object], None]]:
    """A way to write JSON files into a zip or a folder. Its bytes do not depend on the clock."""

    def keep(name: str, content: object) -> None:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(msgspec.json.encode(content))

    if path.suffix != ".zip":
        yield keep
        return
    with zipfile.ZipFile(path, "w") as archive:
        deflated = partial(archive.writestr, compress_type=zipfile.ZIP_DEFLATED, compresslevel=2)
        yield lambda name, content: deflated(zipfile.ZipInfo(name), msgspec.json.encode(content))


# Slack


def _slack_row(post: Post) -> Row:
    if post.is_deleted:  # Slack keeps a deleted message only where it began a thread
        said: Row = {"subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted."}
    elif post.person.id[0] == "B":
        said = {"subtype": "bot_message", "bot_id": post.person.id, "username": post.person.name}
    else:
        said = {"user": post.person.id, "team": SLACK.id} | _slack_extras(post)
    text = post.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = f"<@{post.mention.id}> {text}" if post.mention else text
    return {"type": "message", "ts": post.ts, "text": text} | said | _slack_thread(post)


def _slack_extras(post: Post) -> Row:
    reactions = [{"name": name, "users": ids, "count": len(ids)} for name, ids in _reacted(post).items()]
    photo = {"id": f"F{post.seq:010X}", "name": "lamp.jpg", "mimetype": "image/jpeg"}
    extras = {
        "subtype": "channel_join" if post.kind == "system" else None,
        "edited": post.edited and {"user": post.person.id, "ts": f"{post.edited}.000000"},
        "files": [photo] * post.photos,
        "reactions": reactions,
    }
    return {name: value for name, value in extras.items() if value}


def _slack_thread(post: Post) -> Row:
    """What ties a row to its thread. The first row also counts the replies after the end of the export."""
    if post.root:
        return {"thread_ts": post.root.ts, "parent_user_id": post.root.person.id}
    if not post.replies:
        return {}
    people = list(dict.fromkeys(reply.person.id for reply in post.replies))
    latest = max(post.replies, key=lambda reply: (reply.at, reply.seq))
    return {
        "thread_ts": post.ts,
        "reply_count": len(post.replies),
        "reply_users_count": len(people),
        "reply_users": people,
        "latest_reply": latest.ts,
    }


def _slack_channel(channel: Channel, members: list[str]) -> Row:
    return {
        "id": channel.id,
        "name": channel.name,
        "created": 1_690_000_000,
        "creator": "U07WELCOME0",
        "is_archived": False,
        "is_general": channel.name == "general",
        "members": members,
        "topic": {"value": ""},
        "purpose": {"value": f"{NAME}: {channel.name}"},
    }


def _slack_user(person: Person) -> Row:
    """An account. Of a deleted one, Slack forgets all but the name."""
    profile = {"real_name": person.name, "display_name": person.name}
    user = {"id": person.id, "team_id": SLACK.id, "name": person.handle, "deleted": person.is_closed}
    known = {
        "real_name": person.name,
        "tz": person.zone.key,
        "is_admin": person.is_staff,
        "is_bot": person.is_bot,
        "updated": person.joined,
    }
    return user | {"profile": profile} | ({} if person.is_closed else known)


def _reacted(post: Post) -> dict[str, list[str]]:
    """Who reacted with what."""
    names = dict.fromkeys(name for name, _ in post.reactions)
    return {name: [person.id for other, person in post.reactions if other == name] for name in names}


# Discord


def _discord_file(post: Post) -> str:
    """The file a post belongs in: its channel's, or its thread's."""
    channel = _discord_channel(post)
    name = re.sub(r'[\\/:*?"<>|.]', "_", channel["name"])
    return f"{NAME} - {channel['category']} - {name} [{channel['id']}].json"


def _discord_channel(post: Post) -> Row:
    """The channel a post stands in. A thread is one too, and its category is the channel it hangs under."""
    here, thread = post.channel, post.head
    if here.kind == "forum" and thread:
        found = thread.id(DISCORD), "GuildPublicThread", here.id, here.name, thread.title
    else:
        found = here.id, "GuildTextChat", CATEGORY, "Workshop", here.name
    return dict(zip(("id", "type", "categoryId", "category", "name"), found, strict=True))


def _discord_head(post: Post, until: datetime) -> bytes:
    """What a file says before its messages."""
    head = {
        "guild": {"id": DISCORD.id, "name": NAME, "iconUrl": None},
        "channel": _discord_channel(post) | {"topic": None},
        "dateRange": {"after": None, "before": None},
        "exportedAt": until.isoformat(),
    }
    return msgspec.json.encode(head)[:-1] + b',\n"messages": [\n'


def _discord_row(post: Post) -> Row:
    message = post.message(DISCORD)
    place = {"channelId": _discord_channel(post)["id"], "guildId": DISCORD.id}
    told = "GuildMemberJoin" if post.kind == "system" else "Default"
    photo = {"id": message.id, "fileName": "lamp.jpg", "fileSizeBytes": 81_920}
    row = {
        "id": message.id,
        "type": "Reply" if post.parent else told,
        "timestamp": message.sent_at.isoformat(timespec="milliseconds"),
        "timestampEdited": message.edited_at and message.edited_at.isoformat(),
        "isPinned": False,
        "content": message.text,
        "author": _discord_user(post.person),
        "attachments": [photo] * post.photos,
        "embeds": [],
        "stickers": [],
        "reactions": _discord_reactions(post),
        "mentions": [_discord_user(post.mention)] if post.mention else [],
    }
    return row | ({"reference": {"messageId": message.parent_id} | place} if post.parent else {})


def _discord_reactions(post: Post) -> list[Row]:
    people = {person.id: _discord_user(person) for person in post.people()}
    return [
        {
            "emoji": {"id": "", "name": EMOJI[name], "code": name},
            "count": len(ids),
            "users": [people[each] for each in ids],
        }
        for name, ids in _reacted(post).items()
    ]


def _discord_user(person: Person) -> Row:
    team = [{"id": "1013554411778244700", "name": "Team", "color": "#B0431B", "position": 1}]
    return {
        "id": DELETED if person.is_closed else person.id,
        "name": "Deleted User" if person.is_closed else person.handle,
        "discriminator": "0000",
        "nickname": "Deleted User" if person.is_closed else person.name,
        "isBot": person.is_bot,
        "roles": team if person.is_staff else [],
    }


# Mail


def _quarter(post: Post) -> str:
    sent_at = post.sent_at(MAIL)
    return f"{sent_at.year}q{(sent_at.month + 2) // 3}"


def _mail(post: Post) -> str:
    """One mail as pipermail archives it: addresses with " at ", lines that begin with "From " escaped."""
    person, parent, sent_at = post.person, post.parent, post.sent_at(MAIL)
    address = person.id.replace("@", " at ")
    lines = [
        f"From {address}  {sent_at.ctime()}",
        f"From: {address} ({_encoded(person.name)})",
        f"Date: {format_datetime(sent_at.astimezone(person.zone))}",
        "Subject: " + _encoded(f"[lantern] {'Re: ' * bool(parent)}{post.title}"),
    ]
    if parent:
        lines += [f"In-Reply-To: <{parent.id(MAIL)}>", "References: " + "\n\t".join(_ancestors(post))]
    lines += [f"Message-ID: <{post.id(MAIL)}>", ""]
    if parent:
        quoted = [f"> {line}" for line in parent.text.splitlines()]
        lines += [f"On {parent.sent_at(MAIL):%d %b %Y}, {parent.person.name} wrote:", *quoted, ""]
    text = re.sub("(?m)^From ", ">From ", post.text)
    return "\n".join([*lines, text, "", "-- ", person.name, "", "", ""])


def _ancestors(post: Post) -> list[str]:
    """The ids of the mails a mail goes back to, oldest first."""
    return [*_ancestors(post.parent), f"<{post.parent.id(MAIL)}>"] if post.parent else []


def _encoded(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=500).encode()
