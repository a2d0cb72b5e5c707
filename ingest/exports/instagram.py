"""Instagram: the JSON of "Download your information"; only the account's own posts and comments, and followers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from data.records import Channel, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _meta
from ingest.exports._format import Format
from ingest.exports._meta import Account, Ids, Label, mended, moment

PLATFORM = "instagram"
FORMAT = Format(
    group="Social platforms",
    get=(
        "in Instagram: Settings > Accounts Center > Your information and permissions > Download (or Export) "
        "your information, format JSON"
    ),
    holds="the account's own posts, reels and comments, and its follower total",
    cannot_tell="comments received, which only the Graph API tells; stories; ids",
    lacks=("own posts only", "no replies"),
    is_seen=True,
)

# Folders and files change their names with the years. A list tells what it is by its key, or by its file's name.
LIST = re.compile(rb'\s*(?:\{\s*"(\w+)"\s*:\s*)?\[\s*\{')
KINDS = {
    "comments": re.compile(
        r"comments_(?:media|reels|story)_comments|(?:post_|reels_)?comments(?:_\d+)?\.json|hype\.json"
    ),
    "posts": re.compile(
        r"ig_(?:reels|igtv|other|posts?)_media|(?:posts|reels|igtv_videos|other_content)(?:_\d+)?\.json"
    ),
    "followers": re.compile(r"relationships_followers|followers(?:_\d+)?\.json"),
}
ROWS = re.compile(rb'"(?:string_map_data|string_list_data|media)"\s*:')
LABELS = re.compile(rb'"label_values"\s*:')
FOLDER = re.compile(r"instagram-(.+?)(?:-\d{4}-\d\d?-\d\d?.*)?|([\w.]+)_20\d{6}(?:_part_\d+)?", re.IGNORECASE)
OWNER = re.compile("media owner|media-eigenaar", re.IGNORECASE)
HANDLE = re.compile(
    "username|gebruikersnaam|benutzername|nom d.utilisateur|nom de profil|nombre de usuario|nome de usuário|"
    "nome utente|brugernavn|brukernavn|användarnamn|käyttäjänimi|nazwa użytkownika|kullanıcı adı|имя пользователя",
    re.IGNORECASE,
)
FULL_NAME = re.compile("name|naam|nom|nombre|nome|navn|namn|nimi|imię|ad|isim|имя", re.IGNORECASE)

PLACES = {
    "own": Channel("posts", "Own posts", "forum"),
    "elsewhere": Channel("comments", "Comments elsewhere", "forum"),
}


class Value(msgspec.Struct, frozen=True, gc=False):
    """What a label holds: words, or a time."""

    value: str = ""
    timestamp: float | None = None


class Medium(msgspec.Struct, frozen=True, gc=False):
    """A picture or film of a post; a post of one has its words here."""

    title: str = ""
    creation_timestamp: float | None = None


class Row(msgspec.Struct, frozen=True, gc=False):
    """A comment or a post. In the oldest shape of a comment, `title` is whose post it is under."""

    title: str = ""
    creation_timestamp: float | None = None
    timestamp: float | None = None
    media: list[Medium] = []
    string_map_data: dict[str, Value] = {}
    string_list_data: list[Value] = []
    label_values: list[Label | list[Label]] = []
    fbid: str | int | None = None


class Profile(msgspec.Struct, frozen=True):
    """The account, in words of its own language."""

    string_map_data: dict[str, Value] = {}


class ProfileFile(msgspec.Struct, frozen=True):
    """personal_information.json."""

    profile_user: list[Profile] = []


class Files(msgspec.Struct):
    """The files that matter, each with the key that its list is under."""

    comments: dict[str, str | None] = {}
    posts: dict[str, str | None] = {}
    followers: dict[str, str | None] = {}
    threads: list[str] = []
    profiles: list[str] = []


class Saying(NamedTuple):
    """A row, whatever its shape: when, what, and whose post it is under, where that is told."""

    at: float | None
    text: str
    owner: str = ""


def detects(export: Export) -> float:
    """High when one of the files that hold comments, posts or followers begins as Instagram's do."""
    begins = ((name, _meta.head(export, name)) for name in _meta.likely(export))
    is_ours = any(_kind(export, name, head) in KINDS for name, head in begins)
    return 0.95 if is_ours else _meta.inbox_alone(export, "instagram", "facebook")


def read(export: Export) -> Iterator[Record]:
    """Yield the account as a source and its staff, then what it wrote. Private threads are left out."""
    files = _files(export)
    if not (files.comments or files.posts or files.followers or files.threads):
        raise ExportError(
            f"instagram: {export.name} holds no posts, comments or messages. Ask for the download in the format JSON."
        )
    account = _account(export, files.profiles)
    yield Source(PLATFORM, account.id, account.name)
    yield account.member()
    told = set[str]()
    for kind in ("comments", "posts"):
        for name, key in getattr(files, kind).items():
            yield from _messages(export, name, key, account, kind, told)
    yield from _meta.followers(export, files.followers)
    yield from _meta.inbox(export, files.threads, account)


def _messages(
    export: Export, name: str, key: str | None, account: Account, kind: str, told: set[str]
) -> Iterator[Record]:
    ids = Ids()
    for number, row in enumerate(export.array(name, Row, key=key), 1):
        if isinstance(row, Refused):
            yield row
            continue
        saying = _saying(row)
        sent_at = moment(saying.at)
        if sent_at is None:
            yield _meta.untimed(row, name, number)
            continue
        is_own = kind == "posts" or (saying.owner and saying.owner == account.handle)
        channel = PLACES["own" if is_own else "elsewhere"]
        if channel.id not in told:
            told.add(channel.id)
            yield channel
        yield Message(
            str(row.fbid) if row.fbid else ids.of(kind, saying.at, saying.owner, saying.text),
            channel.id,
            account.id,
            sent_at,
            saying.text,
            title=f"@{saying.owner}" if saying.owner else None,
            attachments=len(row.media),
        )


def _saying(row: Row) -> Saying:
    if row.string_map_data:
        return _mapped(row.string_map_data)
    labels = list(_meta.flat(row.label_values))
    if labels:
        stamps = (label.timestamp_value for label in labels)
        return Saying(row.timestamp or next(filter(None, stamps), None), _meta.words(labels))
    if row.string_list_data:
        (first, *_) = row.string_list_data
        return Saying(first.timestamp, mended(first.value), mended(row.title))
    medium = row.media[0] if row.media else Medium()
    return Saying(row.creation_timestamp or medium.creation_timestamp, mended(row.title or medium.title))


def _mapped(values: Mapping[str, Value]) -> Saying:
    """A comment whose labels may be in any language: the words stand before the owner, and the time is a number."""
    said = {_label(label): mended(value.value) for label, value in values.items() if value.value}
    owners = list(filter(_is_owner, said)) or list(said)[1:2]
    texts = [text for label, text in said.items() if label not in owners]
    at = next((value.timestamp for value in values.values() if value.timestamp), None)
    return Saying(at, texts[0] if texts else "", said[owners[0]] if owners else "")


_label = lru_cache(mended)  # there are only a few, again and again


@lru_cache
def _is_owner(label: str) -> bool:
    return OWNER.fullmatch(label) is not None


def _files(export: Export) -> Files:
    files = Files()
    for name in export.files("*.json"):
        head = b"" if _meta.THREAD.search(name) else _meta.head(export, name)
        kind = _kind(export, name, head)
        if kind in KINDS:
            getattr(files, kind)[name] = _key(head)
        elif kind:
            getattr(files, kind).append(name)
    return files


def _key(head: bytes) -> str | None:
    """The key that a file's list is under, if it is not the file itself."""
    found = LIST.match(head)
    return found[1].decode() if found and found[1] else None


def _kind(export: Export, name: str, head: bytes) -> str | None:
    """Which of Files a file belongs to. Facebook's newest files differ from these by their folders only."""
    if _meta.is_thread(name, head):
        return "threads"
    if b'"profile_user"' in head:
        return "profiles"
    is_labelled = LABELS.search(head) and ("instagram" in _meta.where(export, name) or b"instagram.com" in head)
    if not LIST.match(head) or not (is_labelled or ROWS.search(head)):
        return None
    told_by = _key(head) or name.rpartition("/")[2]
    return next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(told_by)), None)


def _account(export: Export, names: list[str]) -> Account:
    """Whose download it is: by its profile, else by the download's own name."""
    profile = next(filter(None, (_profile(export, name) for name in names)), {})
    handle = next((value for label, value in profile.items() if HANDLE.fullmatch(label)), "")
    folder = next(filter(None, map(FOLDER.fullmatch, [export.name, *export.wrapping.split("/")])), None)
    handle = handle or (folder[1] or folder[2] if folder else "")
    name = next((value for label, value in profile.items() if FULL_NAME.fullmatch(label)), "") or handle
    return Account(handle or export.name, name or export.name, handle or None)


def _profile(export: Export, name: str) -> dict[str, str]:
    try:
        found = export.decode(name, ProfileFile).profile_user
    except ExportError:
        return {}
    return {mended(label): mended(value.value) for each in found for label, value in each.string_map_data.items()}
