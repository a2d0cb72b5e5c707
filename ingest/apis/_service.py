"""What a service has to offer so that ingest/pull.py can keep up with it.

A service only knows how to ask. It hands out pages: bytes in the very form that a reader in ingest/exports reads, and
where the next page begins. Keeping the place, limits, retries, budgets, loading and erasing are done for it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple, Protocol, cast

import msgspec

from data.settings import Rule
from ingest import apis
from ingest.apis._client import Line, checked

Bill = Mapping[str, int]
"""Resources by kind, such as {"post": 10, "user": 3}: what a service charges for."""


class Wanted(Rule, frozen=True, kw_only=True):
    """A row of [[pulls]] in hearth.toml, or the options of one `pull`. A service adds its own."""

    service: str
    on: Annotated[bool, "each source has its switch"] = True
    since: Annotated[date | None, "go back to this day, and no further"] = None
    deletions: Annotated[bool, "look once a day whether what is held is still there"] = True
    budget_dollars: Annotated[float | None, "at most so much a month"] = None
    budget_resources: Annotated[int | None, "at most so many posts and authors a month"] = None
    run_dollars: Annotated[float | None, "at most so much in one run"] = None
    run_resources: Annotated[int | None, "at most so many in one run"] = None
    prices: Annotated[Mapping[str, float], "dollars for one of each, where they changed"] = {}

    def __post_init__(self) -> None:
        for name in ("budget_dollars", "budget_resources", "run_dollars", "run_resources"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} must not be below 0")
        if (address := getattr(self, "address", None)) is not None:
            checked(address)
        if any(price < 0 for price in self.prices.values()):
            raise ValueError("prices must not be below 0")

    @property
    def place(self) -> str:
        """What is asked for, in the words in which it was, such as `reddit lumo`."""
        needed = (field.name for field in msgspec.structs.fields(self) if field.required)
        return " ".join(str(getattr(self, name)) for name in needed)

    @property
    def has_budget(self) -> bool:
        """Whether what a month may cost is bounded."""
        return self.budget_dollars is not None or self.budget_resources is not None


class At(msgspec.Struct, frozen=True):
    """Where a stream stands."""

    cursor: str | None = None  # what the last page gave; None: a sweep begins
    since: datetime | None = None  # all before it has been told, or is not wanted; the overlap is taken off already
    mark: str | None = None  # what the last whole sweep noted, such as its newest id
    bill: Bill = {}  # the most that this answer may cost, for a service that charges

    def is_reached(self, oldest: datetime | None) -> bool:
        """Whether a sweep that came back to this moment may end."""
        return self.since is not None and oldest is not None and oldest <= self.since


class Page(msgspec.Struct, frozen=True):
    """One answer, as it came.

    `oldest` and `newest` are moments of what a list tells, not of what came along. A sweep runs from the newest
    backwards, unless `is_forward`. A list of names, or what merely completes a conversation, covers nothing.
    """

    cursor: str | None  # where the next page begins; None: the stream is through
    body: bytes | None = None  # None: it holds nothing worth reading
    name: str = "page.json"  # the file name by which the reader knows what it is; not unique
    messages: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    is_forward: bool = False
    covers: bool = True  # between those moments it tells all that was said
    is_capped: bool = False  # the service ends its list here, although there is more
    mark: str | None = None
    note: str = ""  # what cannot be had, in words, where the place itself tells
    follow: tuple[str, ...] = ()  # streams to go through once because of this page: a conversation, its next part
    billed: Bill = {}
    charged: Mapping[str, tuple[str, ...]] = {}  # by kind, the ids of what is charged for once a day of UTC


class Held(msgspec.Struct, frozen=True):
    """A message that the store holds, to be looked for again."""

    id: str
    conversation_id: str | None
    member_id: str | None  # None: nobody is named here
    channel_id: str | None = None
    permalink: str | None = None


class Recent(NamedTuple):
    """What one account has said of late in one conversation."""

    conversation_id: str
    member_id: str
    messages: int
    is_new: bool  # nothing is held that this account said before


class Known(Protocol):
    """What the store knows already of this source."""

    def messages(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that are messages we hold."""

    def members(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that are accounts we hold."""

    def sizes(self, conversations: Iterable[str]) -> dict[str, int]:
        """How many messages we hold of conversations, deleted ones too."""

    def there(self, conversations: Iterable[str]) -> dict[str, int]:
        """The same without those that are deleted."""

    def a_day(self) -> float | None:
        """How many messages a day there were of late; None where nothing is known yet."""

    def recent(self, since: datetime) -> list[Recent]:
        """Who said how much since then, and in which conversations."""


class Estimate(msgspec.Struct, frozen=True):
    """What a pull will ask for, before the first call."""

    requests: int | None  # None: nobody can know
    resources: Bill = {}
    note: str = ""  # how sure it is, and why


class Room(Protocol):
    """What is left of a budget."""

    def fits(self, bill: Bill) -> bool:
        """Whether so much may still be spent."""


class Place(Protocol):
    """One subreddit, forum or account, and how to ask for it. To be derived from."""

    source: str  # the id of the source: the one that the reader gives an export of it
    named: str = ""  # as people write it, where that differs
    address: str | None = None  # before the paths by which what was said can be opened, where no answer tells

    def streams(self) -> tuple[str, ...]:
        """What is swept, in this order, such as ("posts", "comments"). Asked for when a round of sweeps begins."""

    def fetch(self, stream: str, at: At) -> Page:
        """Ask for one page. Raises LostPlace where the service no longer knows the cursor."""

    def estimate(self, at: Mapping[str, At]) -> Estimate:
        """What a pull will ask for, from where each stream stands. Makes no call that costs money.

        Unless it was told to: then `most` says what one such call costs, as of a stream named "estimate".
        """

    def gone(self, held: Iterator[Held]) -> Iterator[frozenset[str]] | None:  # noqa: ARG002
        """Of what is held, the ids that are deleted upstream, as they are found. None: it cannot be asked.

        Where LOOK_BACK is set, `held` may be only what is younger.
        """
        return None

    def most(self, stream: str, at: At, room: Room) -> Bill | None:  # noqa: ARG002
        """The most that one answer may cost, made to fit the room; None where nothing fits. {}: nothing is charged."""
        return {}


class Service(Protocol):
    """A module of this folder. The first line of its docstring is its help.

    PLATFORM is named where it is not the reader's: that of Meta's API reads Facebook's and Instagram's. OPTIONAL, where
    it can do without some of its credentials. LOOK_BACK, where it cannot be asked after single messages but only for
    all that is there: deletions are looked for so far back, and once in that time all the way.
    """

    READER: str  # the reader of its pages, in ingest/exports
    TERMS: str  # what the platform forbids or asks, in a sentence or two
    SECRETS: Mapping[str, str]  # the names of its credentials in the environment, and how to come by each
    PRICES: Mapping[str, float]  # dollars for one resource of each kind; empty: nothing is charged
    OVERLAP: timedelta  # so much of what was told is asked for again, for late comers
    IS_WHOLE: bool  # its pages explain one another: none is read before the sweeps are through
    Options: type[Wanted]

    def connect(self, wanted: Wanted, line: Line, known: Known) -> Place:
        """The place that is wanted. Reads credentials by `line.secret`, and asks for nothing yet."""


def walked(place: Place, at: Mapping[str, At]) -> tuple[int, list[str]]:
    """For an estimate where asking is free: how many pages the lists have, and the streams that they lead to."""
    pages, follow = 0, dict[str, None]()
    for name, where in at.items():
        page = place.fetch(name, where)
        pages, follow = pages + 1, follow | dict.fromkeys(page.follow)
        while page.cursor is not None:
            page = place.fetch(name, msgspec.structs.replace(where, cursor=page.cursor))
            pages, follow = pages + 1, follow | dict.fromkeys(page.follow)
    return pages, list(follow)


def services() -> dict[str, Service]:
    """Every service by its file name: there is no list to keep. A name with a leading underscore is none."""
    names = sorted(each.name for each in pkgutil.iter_modules(apis.__path__) if not each.name.startswith("_"))
    return {name: cast(Service, importlib.import_module(f"ingest.apis.{name}")) for name in names}
