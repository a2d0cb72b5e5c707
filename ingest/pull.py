"""Keep up with the APIs: never lose the place, never ask for more than is paid for, load what came.

A pull sweeps each stream of a place from the newest back to what was told before. Every page goes into the spool
together with the cursor after it before the next one is asked for, so the same command goes on wherever it was cut off.
What was pulled goes through the platform's reader, as an export would, and is then erased from the spool.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from data.records import Messages, Record, Source
from data.settings import Settings, SettingsError
from data.spool import FILE, Kept, Spent, Spool, Stream
from data.store import Store
from ingest.apis._client import BudgetSpent, Line, LostPlace, Pace, PullError, Refusal, Unset
from ingest.apis._service import At, Bill, Held, Page, Place, Recent, Service, Wanted, services
from ingest.archive import ExportError, Pages
from ingest.load import Failed, Loaded, forget_source, load_pulled, load_records, readers
from ingest.progress import Progress
from ingest.wanted import called, chosen, needs_budget

if TYPE_CHECKING:
    import polars as pl  # other commands have no use for it

RESTARTS = 3  # of one sweep that lost its place
EXPIRED = (400, 404, 410, 422)  # how services answer to a cursor that they no longer know
# What an answer of another shape than expected may raise.
UNLIKE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError)
DENIED, MISSING = (401, 403), (404, 405, 410)
EMPTY = 1000  # pages in a row with nothing on them: a service that leads nowhere
UNSURE = timedelta(minutes=10)  # around midnight: a service's clock may be on another day than ours
DUE = timedelta(hours=20)  # so that a daily pull looks for deletions every time
FEW = 100  # of what is held: more than these, and more than half of all, are not forgotten without a question
WHOLE = " whole"  # after a pull's name: the last time that it looked for deletions all the way back
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class Pulled(msgspec.Struct):
    """What one pull gave."""

    service: str
    source: str
    named: str  # the source, as people write it
    pages: int
    messages: int  # on those pages; what became of them is in `loads`
    spent: dict[str, int]
    dollars: float
    deleted: int  # found deleted upstream, and deleted here
    gaps: list[str]  # what could not be had, in words
    loads: list[Loaded]
    waiting: int = 0  # pages that are kept, but not loaded yet


class Summary(msgspec.Struct):
    """What a whole run gave. `snapshot` is None where nothing was published."""

    pulls: list[Pulled]
    failed: list[Failed]
    seconds: float
    snapshot: str | None


class Forecast(msgspec.Struct):
    """What a pull would ask for: a dry run."""

    service: str
    source: str
    named: str  # the source, as people write it
    requests: int | None  # None: the service does not tell how much there is
    resources: dict[str, int]
    dollars: float
    note: str


@dataclass
class Job:
    """What to pull, and how."""

    rows: Sequence[Mapping[str, Any]]
    pace: Pace | None = None
    first: int = 1  # the number of the first row; COMMAND where it stands in no file
    lines: Sequence[str] = ()  # where each row begins, in words
    look_now: bool = False  # for deletions, whenever that was last done

    def called(self, row: Mapping[str, Any], number: int) -> str:
        """A row by where it stands, and its service's name."""
        return called(row, number, self.lines[number - 1] if len(self.lines) == len(self.rows) else "")


def pull(job: Job, store: Store, settings: Settings, progress: Progress) -> Summary:
    """Pull every row, and load what came. One that fails does not stop the others. Busy while another pull runs."""
    began, before = time.monotonic(), store.snapshot
    summary = Summary([], [], 0, None)
    with Spool(store.folder) as spool:
        for number, row in enumerate(job.rows, job.first):
            with _noted(job.called(row, number), summary.failed):
                service, wanted = chosen(row, number)
                if wanted.on:
                    with (
                        _remembered(spool, wanted, job.pace or Pace()) as begun,
                        closing(Pull(service, wanted, job, spool, store, settings, progress)) as one,
                    ):
                        begun.append(one)
                        summary.pulls.append(one.pulled)
                        one.run()
    summary.seconds = round(time.monotonic() - began, 3)
    summary.snapshot = store.snapshot if store.snapshot != before else None
    return summary


def forecast(
    job: Job, store: Store, settings: Settings, progress: Progress, failed: list[Failed] | None = None
) -> list[Forecast]:
    """What the same pull would ask for. Nothing is kept, and no call is made that costs money.

    Given `failed`, what cannot be told is noted there, and the others go on.
    """
    found: list[Forecast] = []
    with Spool(store.folder) as spool:
        for number, row in enumerate(job.rows, job.first):
            with _noted(job.called(row, number), failed) if failed is not None else nullcontext():
                service, wanted = chosen(row, number, is_rehearsed=True)
                if wanted.on:
                    with _free_to_say(service, wanted):
                        one = Pull(service, wanted, job, spool, store, settings, progress, is_rehearsed=True)
                        with closing(one):
                            found.append(one.forecast())
    return found


def forget(job: Job, store: Store, settings: Settings, progress: Progress, platform: str, source: str) -> str:
    """Take a source out again with all that pulls keep of it, and publish. Busy while a pull runs.

    SettingsError where a row of the job would bring it back: who forgets a source wants it gone.
    """
    pulls = [f"{name}:{source}" for name in _services_of(platform)]
    with Spool(store.folder) as spool:
        _refuse_listed(job, pulls, spool)
        return forget_source(store, settings, progress, platform, source, lambda: _forget(spool, pulls))


def pulls_called(store: Store, platform: str, source: str) -> list[str]:
    """The pulls that go by this name, as `status` has it: also those of which nothing was ever loaded."""
    if not (store.folder / FILE).exists():
        return []
    called = {f"{name} {source}" for name in _services_of(platform)}
    ended = {f"{name}:{source}" for name in _services_of(platform)}
    with Spool(store.folder) as spool:
        return [pull for pull, named in spool.pulls().items() if pull in ended or named in called]


def forget_unloaded(job: Job, store: Store, pulls: Sequence[str]) -> int:
    """Forget pulls of which nothing was loaded, as `forget` does; how many pages waited."""
    with Spool(store.folder) as spool:
        _refuse_listed(job, pulls, spool)
        pages = sum(spool.waiting(pull)[0] for pull in pulls)
        _forget(spool, pulls)
    return pages


def _services_of(platform: str) -> list[str]:
    return [name for name, service in services().items() if _platform(service) == platform]


def _refuse_listed(job: Job, pulls: Sequence[str], spool: Spool) -> None:
    for number, row in enumerate(job.rows, job.first):
        if _pulls(row, number, spool) in pulls:
            raise SettingsError(
                f"{job.called(row, number)}: the next pull would bring it back whole. Write on = false there, "
                "then give the same command again."
            )


def _forget(spool: Spool, pulls: Iterable[str]) -> None:
    spool.forget([kept for pull in pulls for kept in (pull, f"{pull}{WHOLE}")])


def _pulls(row: Mapping[str, Any], number: int, spool: Spool) -> str | None:
    """What a row turned out to pull; None where it is switched off or wrong, or never pulled anything."""
    with suppress(SettingsError):
        _, wanted = chosen(row, number)
        return spool.pull_of(_written(wanted)) if wanted.on else None
    return None


def _platform(service: Service) -> str:
    return str(getattr(service, "PLATFORM", readers()[service.READER].PLATFORM))


def _written(wanted: Wanted) -> str:
    """What is asked for, as it may be kept."""
    return Line("").clean(wanted.place)


@contextmanager
def _remembered(spool: Spool, wanted: Wanted, pace: Pace) -> Iterator[list[Pull]]:
    """Keep whether a pull failed, and why, for who asks later. It says itself which it is, once it knows."""
    begun: list[Pull] = []

    def note(error: Exception | None) -> None:
        one = begun[0] if begun else None
        line, place = one.line if one else Line(wanted.service), _written(wanted)
        reason = line.clean(str(error)).removeprefix(f"{wanted.service}: ") if error else None
        named = f"{wanted.service} {one.pulled.named}" if one else place
        spool.note_try(place, one.name if one else None, named, datetime.fromtimestamp(pace.now(), UTC), reason)

    try:
        yield begun
    except (PullError, ExportError) as error:
        note(error)
        raise
    note(None)


@contextmanager
def _free_to_say(service: Service, wanted: Wanted) -> Iterator[None]:
    """That a service charges nothing can be told also where more cannot."""
    try:
        yield
    except Unset as lacking:
        if service.PRICES:
            raise
        how_much = "It costs nothing; how many requests it takes can be told only with the credential."
        raise PullError(f"{wanted.service}: {how_much} {str(lacking).removeprefix(f'{wanted.service}: ')}") from None


@contextmanager
def _noted(name: str, failed: list[Failed]) -> Iterator[None]:
    """Note why a pull could not go on, and go on with the next."""
    try:
        yield
    except (PullError, ExportError, SettingsError) as error:
        failed.append(Failed(name, str(error), is_misused=isinstance(error, SettingsError)))


class Pull:
    """One place of one service: from its streams to the store."""

    def __init__(
        self, service: Service, wanted: Wanted, job: Job, spool: Spool, store: Store, settings: Settings,
        progress: Progress, *, is_rehearsed: bool = False,
    ) -> None:  # fmt: skip
        self.service, self.wanted, self.job, self.spool = service, wanted, job, spool
        self.store, self.settings, self.progress = store, settings, progress
        self.reader, self.platform = readers()[service.READER], _platform(service)
        self._tell: Callable[[str], None] | None = None
        self.line = Line(wanted.service, job.pace, self._count_down, self._announce)
        self.known = _Known(store, self.platform)
        try:
            # A service may have to be asked which place it is, and may let us wait already.
            with self._told(f"{wanted.service}: asking which place it is"), self._accepted():
                self.place: Place = service.connect(wanted, self.line, self.known)
            if not is_rehearsed:  # that needs no credential before its first call
                self.line.check()
        except BaseException:
            self.close()
            raise
        self.known.source = self.place.source
        self.name = f"{wanted.service}:{self.place.source}"
        self.prices = {**service.PRICES, **wanted.prices}
        self.budget = Budget(wanted, self.prices, spool, self.line.pace)
        named = self.place.named or self.place.source
        self.pulled = Pulled(wanted.service, self.place.source, named, 0, 0, {}, 0, 0, [], [])
        self._empty, self._restarts = Counter[str](), Counter[str]()  # by stream: empty pages in a row, lost places

    def run(self) -> None:
        """Go on where the last run stopped, then sweep once more what it had left open; then look for deletions."""
        with self._told(f"{self.wanted.service} {self.pulled.named}"):
            began, is_first = self._now(), not self.spool.streams(self.name)
            if is_first:
                self.progress.note(f"{self.wanted.service}: {self.service.TERMS}")
                is_first = not self.known.is_there()
            self.spool.resume(self.name)
            self._reach_back()
            was_open = any(each.is_resumed for each in self.spool.streams(self.name))
            for _ in range(1 + was_open):  # the second time for what was said since
                with self._accepted():
                    self.spool.begin(self.name, self.place.streams())
                self._sweep_all()
            if self.wanted.deletions and is_first and not self.job.look_now:
                self._note_looked(began, is_whole=True, can_tell=self.place.gone(iter(())) is not None)
            elif self.wanted.deletions:
                self._look_for_deletions()

    def close(self) -> None:
        """Let go of every connection."""
        self.line.opened.close()

    def forecast(self) -> Forecast:
        """What a pull would ask for now."""
        streams = [] if self._is_earlier and self.service.OVERLAP else self.spool.streams(self.name)
        found = {each.name: self._at(each) for each in streams if each.is_lasting}
        bill = self.place.most("estimate", self._first(), self.budget)
        if bill is None:
            raise BudgetSpent(self.budget.said())
        if bill and not self.wanted.has_budget:
            raise SettingsError(f"{self.wanted.service}: {needs_budget(self.job.first)}")
        self.line.meter = self.budget.meter(bill) if bill else None
        with self._told(f"{self.wanted.service} {self.pulled.named}: looking how much there is"), self._accepted():
            told = self.place.estimate({name: found.get(name, self._first()) for name in self.place.streams()})
        cost = dollars(told.resources, self.prices)
        return Forecast(
            self.wanted.service, self.place.source, self.pulled.named, told.requests, dict(told.resources),
            round(cost, 4), told.note,
        )  # fmt: skip

    def _sweep_all(self) -> None:
        self._restarts.clear()
        try:
            while left := self.spool.left(self.name):
                self._sweep(left)
        except PullError:
            if not self.service.IS_WHOLE and claim(self.spool.streams(self.name)):
                self._deliver()
            self.pulled.waiting, _ = self.spool.waiting(self.name)
            raise
        finally:
            self.pulled.spent = self.budget.spent_now()
            self.pulled.dollars = round(dollars(self.pulled.spent, self.prices), 4)
        self._deliver()

    def _sweep(self, left: list[Stream]) -> None:
        """Go through a stream; where pages are paid for, only one page further, for others may be further behind."""
        stream = behind(left) if self.service.PRICES else left[0]
        while stream.is_open:
            try:
                stream = self._page(stream)
            except LostPlace as lost:
                self._restarts[stream.name] += 1
                self._empty[stream.name] = 0
                if (restarts := self._restarts[stream.name]) > RESTARTS:
                    raise PullError(
                        f"{self.wanted.service}: {stream.name} lost its place {restarts} times ({lost}). What was "
                        "pulled is kept; give the same command again later."
                    ) from None
                self._say(f"{lost}; {stream.name} begins again")
                stream = self.spool.again(self.name, stream.name)
            if self.service.PRICES and not self._empty[stream.name]:  # an answer of no use by itself is completed first
                return

    def _page(self, stream: Stream) -> Stream:
        """Ask for one page and keep it with the cursor after it; the stream after it."""
        at = self._at(stream)
        bill = self.place.most(stream.name, at, self.budget)
        if bill is None:
            raise BudgetSpent(self.budget.said())
        self.line.meter = self.budget.meter(bill) if bill else None
        page = self._fetched(stream, msgspec.structs.replace(at, bill=bill))
        asked_at = self.line.asked_at or self._now()
        after = after_page(stream, page, asked_at, is_back=at.is_reached(page.oldest))
        self._empty[stream.name] = 0 if page.messages or page.oldest else self._empty[stream.name] + 1
        if after.cursor is not None and self.spool.is_met(self.name, stream.name, after.cursor):
            raise LostPlace("it leads back to a page that was there before")
        if self._empty[stream.name] > EMPTY:
            raise LostPlace(f"{EMPTY:,} pages in a row hold nothing")
        kept = Kept(page.name, page.body, page.messages) if page.body is not None else None
        self.spool.keep(self.name, after, kept, page.follow, self.budget.settled(page.billed, page.charged))
        self._count(stream, page)
        return after

    def _fetched(self, stream: Stream, at: At) -> Page:
        with self._accepted(is_begun=at.cursor is not None):
            page = self.place.fetch(stream.name, at)
            names = (page.cursor or "", page.mark or "", *page.follow, *chain.from_iterable(page.charged.values()))
            if not all(isinstance(each, str) for each in names):
                raise TypeError("an id, or where it goes on, is no text")
        return page

    @contextmanager
    def _accepted(self, *, is_begun: bool = False) -> Iterator[None]:
        """Say in words why something was refused: a lost place, a wrong address, or a credential and how to get it."""
        try:
            yield
        except Refusal as refusal:
            if refusal.status in DENIED:
                raise PullError(self._denied(refusal)) from None
            if is_begun and refusal.status in EXPIRED:
                raise LostPlace("it does not know the place any more") from None
            address = getattr(self.wanted, "address", None)
            if refusal.status in MISSING and address and address not in type(self.wanted).__struct_defaults__:
                raise PullError(f"{refusal} Is {address} the address of {self.wanted.service}?") from None
            raise
        except UNLIKE as error:
            said = self.line.clean(f"{type(error).__name__}: {error}")[:200]
            raise PullError(
                f"{self.wanted.service}: what it answers is not what it used to answer ({said}). What was pulled is "
                "kept; give the same command again later. If it stays so, tell those who make Hearth."
            ) from error

    def _denied(self, refusal: Refusal) -> str:
        """Which credential was not accepted, or would be needed."""
        given = self.line.given or self.service.SECRETS
        ways = " ".join(f"{name}: {how}" for name, how in self.service.SECRETS.items() if name in given)
        why = (
            f"{' with '.join(self.line.given)} is not accepted (any more), or may not see this."
            if self.line.given
            else "It is not open to everybody, and no credential is set."
        )
        return f"{refusal} {why} {ways} What was pulled is kept; the same command goes on.".replace("  ", " ")

    def _count(self, stream: Stream, page: Page) -> None:
        self.pulled.pages += 1
        self.pulled.messages += page.messages
        where = f", back to {page.oldest:%Y-%m-%d %H:%M}" if page.oldest else ""
        self._say(f"{stream.name}: page {self.pulled.pages:,}, {self.pulled.messages:,} messages so far{where}")
        self.pulled.gaps += [gap for gap in (gap_after(stream, page), page.note) if gap and gap not in self.pulled.gaps]

    def _at(self, stream: Stream) -> At:
        first = self._first()
        told = stream.told_until - self.service.OVERLAP if stream.told_until else None
        since = max(filter(None, (told, first.since)), default=None)
        return At(stream.cursor, since if stream.is_lasting else None, stream.mark)

    def _first(self) -> At:
        day = self.wanted.since
        return At(None, datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None)

    @property
    def _is_earlier(self) -> bool:
        """Whether a day is wanted that lies before the one to which pulls went back until now."""
        reach, day = self.spool.reach(self.name), self.wanted.since
        return bool(reach and day and day.isoformat() < reach)

    def _reach_back(self) -> None:
        """Where an earlier day is wanted than before, all since then is gone through once more."""
        reach, day = self.spool.reach(self.name), self.wanted.since
        is_earlier = self._is_earlier
        if is_earlier and not self.service.OVERLAP:
            self.pulled.gaps.append(f"{self.wanted.service} tells nothing twice: load an export of what is older.")
        elif is_earlier:
            self.progress.note(f"{self.wanted.service}: all since {day} is asked for again; before, it was {reach}.")
        if reach is None or is_earlier:
            again = is_earlier and bool(self.service.OVERLAP)
            self.spool.note_reach(self.name, day.isoformat() if day else "", again=again)

    def _deliver(self) -> None:
        """Load what waits in the spool with the range it covers, then erase it there."""
        _, messages = self.spool.waiting(self.name)
        pages = self.spool.pages(self.name) if messages else {}  # names alone tell nothing new
        told = claim(self.spool.streams(self.name))
        if not pages and (told is None or not self.known.is_there()):
            self.spool.erase(self.name, is_claimed=False)
            return
        self._say("all that came is being loaded")
        since, until = told or (None, None)
        source = Source(self.platform, self.place.source, self.place.source, since, until, is_exact=True)
        try:
            loaded = load_pulled(
                Pages(self.place.source, pages, self.spool.read, self.place.address), self.reader, source,
                self.name.replace(":", " ", 1), self.store, self.settings, self.progress,
            )  # fmt: skip
        except ExportError as error:
            self._set_aside(pages, error)
        self.pulled.loads += loaded.loads
        self.spool.erase(self.name, is_claimed=told is not None)

    def _set_aside(self, pages: Iterable[str], error: ExportError) -> NoReturn:
        """Of a page that its reader cannot read nothing is kept: else it would be in the way of every pull to come."""
        file = next((each for each in pages if each in str(error)), None)
        if file is None:
            raise error
        self.spool.discard(self.name, file)
        raise PullError(
            f"{self.wanted.service}: {self.line.clean(str(error))}. It was left out; the same command asks for it "
            "again, and loads what else came. If it stays so, tell those who make Hearth."
        ) from None

    def _look_for_deletions(self) -> None:
        """Delete here what was deleted upstream, once a day."""
        import polars as pl

        now, looked = self._now(), self.spool.looked(self.name)
        if not self.known.is_there() or (looked and now - looked < DUE and not self.job.look_now):
            return
        held, back = self.known.held(), None if self.job.look_now else self._looks_back(now)
        some = held if back is None else held.filter(pl.col("sent_at") >= now - back)
        rows = some.select("message_id", "conversation_id", "member_id", "channel_id", "permalink").iter_rows()
        found = self.place.gone(Held(*row) for row in rows)
        gone: set[str] = set()
        try:
            with self._accepted():
                for ids in found or ():
                    gone |= ids
                    self._say(f"{len(gone):,} of {len(some):,} are deleted")
        finally:
            if gone and (self.job.look_now or len(gone) <= max(FEW, len(held) / 2)):
                self._bury(held.filter(pl.col("message_id").is_in(sorted(gone))), now)
                gone = set()
        if gone:
            raise PullError(
                f"{self.wanted.service}: {len(gone):,} of {len(held):,} messages seem to be deleted there. So many at "
                "once may be a fault of theirs, so they were kept. If it is true, give the command again with "
                "--deletions-now."
            )
        is_whole = back is None or self.spool.looked(f"{self.name}{WHOLE}") is None
        self._note_looked(now, is_whole=is_whole, can_tell=found is not None)

    def _note_looked(self, at: datetime, *, is_whole: bool, can_tell: bool) -> None:
        """Note when deletions were looked for: what is pulled for the first time was just seen there."""
        if is_whole:
            self.spool.note_looked(f"{self.name}{WHOLE}", at, can_tell=can_tell)
        self.spool.note_looked(self.name, at, can_tell=can_tell)
        if not can_tell:
            self.pulled.gaps.append(f"{self.wanted.service} does not tell what is deleted there, so it stays here.")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.line.pace.now(), UTC)

    def _looks_back(self, now: datetime) -> timedelta | None:
        """How far back to look for deletions; None: all the way, which is too much for each day where all is listed."""
        back: timedelta | None = getattr(self.service, "LOOK_BACK", None)
        whole = self.spool.looked(f"{self.name}{WHOLE}")
        return None if back and whole and now - whole >= back else back

    def _bury(self, held: pl.DataFrame, now: datetime) -> None:
        """Of a deleted message only its place stays: neither its words nor who wrote it."""
        import polars as pl

        source = Source(self.platform, self.place.source, self.place.source, is_exact=True)
        told = held.select(
            pl.col("message_id").alias("id"), "channel_id", pl.lit(None, pl.String).alias("member_id"), "sent_at",
            pl.lit("").alias("text"), "kind", "conversation_id", "parent_id", "basis",
            pl.lit(now).dt.convert_time_zone("UTC").alias("deleted_at"),
        )  # fmt: skip
        self._say(f"{len(held):,} that are deleted there are being deleted here")
        records: Iterator[Record] = iter([source, Messages(told.to_arrow())])
        loaded = load_records(
            records, f"{self.name.replace(':', ' ', 1)} deletions", self.store, self.settings, self.progress
        )
        self.pulled.loads += loaded.loads
        self.pulled.deleted += len(held)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Tell in words how far one step of it is."""
        with self.progress.told(what) as self._tell:
            yield

    def _say(self, text: str) -> None:
        if self._tell:
            self._tell(text)

    def _count_down(self, text: str) -> None:
        if self.progress.has_countdown:
            self._say(text)

    def _announce(self, text: str) -> None:
        if not self.progress.has_countdown:
            self.progress.note(f"{self.wanted.service}: {text}")


def after_page(stream: Stream, page: Page, asked_at: datetime, *, is_back: bool = False) -> Stream:
    """Where a stream stands once a page of it is kept. `is_back`: it reached what was told before, or is not wanted."""
    asked = stream.asked_at or asked_at
    is_through = page.cursor is None
    after = replace(
        stream, cursor=page.cursor, is_open=not is_through, asked_at=asked,
        new_mark=page.mark if page.is_forward and page.mark else stream.new_mark or page.mark,
    )  # fmt: skip
    if page.covers:
        after = _forward(after, page) if page.is_forward else _back(after, page, is_back=is_back)
    if not is_through or not stream.is_lasting:
        return after
    since, until = after.told or (None, None)
    return replace(
        after,
        told_until=asked,
        mark=after.new_mark or stream.mark,
        covered_since=since,
        covered_until=until,
        reached=None,
    )


def _forward(stream: Stream, page: Page) -> Stream:
    """A page that goes on from what was told: with it the watermark moves."""
    told = page.oldest if page.is_capped else stream.told_until or page.oldest
    since = stream.covered_since or told
    newest = max(filter(None, (stream.told_until, page.newest)), default=None)
    until = newest if stream.is_open else stream.asked_at
    return replace(stream, covered_since=since, covered_until=until if since else None, told_until=newest)


def _back(stream: Stream, page: Page, *, is_back: bool) -> Stream:
    """A page on the way back: at its end the sweep meets what was told before, or the very beginning of the place."""
    met = None if stream.is_open or page.is_capped else stream.told_until or (None if is_back else BEGINNING)
    return replace(stream, reached=min(filter(None, (stream.reached, page.oldest, met)), default=None))


def behind(left: Sequence[Stream]) -> Stream:
    """Of open streams, a list that has not begun, else the one that came least far back.

    A range is covered once every list tells of it: where a budget ends, they shall have come about as far.
    """
    lists = [each for each in left if each.is_lasting and (not each.asked_at or each.reached)]
    return max(lists, key=lambda each: (not each.asked_at, each.reached or BEGINNING), default=left[0])


def gap_after(stream: Stream, page: Page) -> str | None:
    """What cannot be had because the service ends its list with this page, in words."""
    if not page.is_capped:
        return None
    if page.oldest is None:
        return f"{stream.name}: it is longer than what can be had; its end is missing."
    ends = f"{stream.name}: the list ends at {page.oldest:%Y-%m-%d %H:%M} UTC"
    if stream.told_until is None:
        return f"{ends}. What is older cannot be had this way: load an export of it."
    if page.oldest <= stream.told_until:
        return None
    return (
        f"{ends}, and was told before up to {stream.told_until:%Y-%m-%d %H:%M} UTC. What was said in between is "
        "missing. Pull more often."
    )


def claim(streams: Iterable[Stream]) -> tuple[datetime | None, datetime] | None:
    """The range of which every stream told all: None as long as one of them has not begun.

    Without its first moment it begins where the place does.
    """
    lasting = [each for each in streams if each.is_lasting]
    told = [each.told for each in lasting if each.told]
    if not told or any(each.is_open and not each.asked_at for each in lasting):
        return None
    since, until = max(each[0] for each in told), min(each[1] for each in told)
    return (None if since == BEGINNING else since, until) if since < until else None


class _Known:
    """What the store knows of the source."""

    def __init__(self, store: Store, platform: str) -> None:
        self._store, self._platform, self.source = store, platform, ""

    def messages(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that are messages we hold."""
        return set(self._read("held_messages", ids)["message_id"])

    def members(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that are accounts we hold."""
        return set(self._read("held_members", ids)["member_id"])

    def sizes(self, conversations: Iterable[str]) -> dict[str, int]:
        """How many messages we hold of conversations, deleted ones too."""
        return self._counted("messages", conversations)

    def there(self, conversations: Iterable[str]) -> dict[str, int]:
        """The same without those that are deleted."""
        return self._counted("there", conversations)

    def a_day(self) -> float | None:
        """How many messages a day there were of late."""
        if not self._store.snapshot:
            return None
        ((days, messages),) = self._store.read("held_a_day", platform=self._platform, source=self.source).iter_rows()
        return messages / days if days else None

    def recent(self, since: datetime) -> list[Recent]:
        """Who said how much since then, and in which conversations."""
        if not self._store.snapshot:
            return []
        rows = self._store.read("held_recent", platform=self._platform, source=self.source, since=since)
        return [Recent(*row) for row in rows.iter_rows()]

    def held(self) -> pl.DataFrame:
        """Every message that is held and was not deleted."""
        return self._store.read("held", platform=self._platform, source=self.source)

    def is_there(self) -> bool:
        """Whether anything of the source was loaded."""
        if not self._store.snapshot:
            return False
        found = self._store.read("loads").filter(platform=self._platform, source=self.source)
        return not found.is_empty()

    def _counted(self, what: str, conversations: Iterable[str]) -> dict[str, int]:
        return dict(self._read("held_conversations", conversations).select("conversation_id", what).iter_rows())

    def _read(self, name: str, ids: Iterable[str]) -> pl.DataFrame:
        import polars as pl

        if not self._store.snapshot:
            named = ("message_id", "member_id", "conversation_id", "messages", "there")
            return pl.DataFrame(schema=dict.fromkeys(named, pl.String))
        return self._store.read(name, platform=self._platform, source=self.source, ids=sorted(set(ids)))


class Budget:
    """What may still be spent, counted before it is asked for, so that no fault can exceed it."""

    def __init__(self, wanted: Wanted, prices: Mapping[str, float], spool: Spool, pace: Pace) -> None:
        self._wanted, self._prices, self._spool = wanted, prices, spool
        self._pace = pace
        self._asked_at = self._now()  # when the last attempt began
        self._run = self._asked_at.isoformat()
        self._bill: Bill = {}
        self._dear: Bill = {}  # what was last asked whether it fits
        self._fits_month = False  # whether that was no fault of the month's budget
        self._reserved: tuple[int, ...] = ()

    def fits(self, bill: Bill) -> bool:
        """Whether so much may still be spent."""
        wanted, self._dear = self._wanted, bill
        month, run = self._spent_in(f"{self._now():%Y-%m}"), self._spent_now()
        self._fits_month, fits_run = (
            all(limit is None or spent <= limit + 1e-9 for limit, spent in limits)
            for limits in (
                (
                    (wanted.budget_resources, sum(month.values()) + sum(bill.values())),
                    (wanted.budget_dollars, dollars(month, self._prices) + dollars(bill, self._prices)),
                ),
                (
                    (wanted.run_resources, sum(run.values()) + sum(bill.values())),
                    (wanted.run_dollars, dollars(run, self._prices) + dollars(bill, self._prices)),
                ),
            )
        )
        return self._fits_month and fits_run

    def meter(self, bill: Bill) -> Budget:
        """Count each attempt at a page that may cost so much."""
        self._bill, self._reserved = bill, ()
        return self

    def ask(self) -> None:
        """Reserve what one attempt may cost. What an attempt before it reserved was lost, and may have been charged."""
        self._reserved, self._asked_at = (), self._now()
        if not self.fits(self._bill):
            raise BudgetSpent(self.said())
        self._reserved = self._spool.reserve(self._wanted.service, f"{self._asked_at:%Y-%m}", self._run, self._bill)

    def refused(self) -> None:
        """Nothing was charged for the last attempt."""
        self._spool.release(self._reserved)
        self._reserved = ()

    def settled(self, billed: Bill, charged: Mapping[str, tuple[str, ...]]) -> Spent | None:
        """What a page cost in the end, to be written down with it."""
        if not self._prices:
            return None
        if (self._asked_at - UNSURE).day != (self._asked_at + UNSURE).day:  # taken for a repetition, it might be none
            billed, charged = Counter(billed) + Counter({kind: len(ids) for kind, ids in charged.items()}), {}
        spent = Spent(
            self._wanted.service, f"{self._asked_at:%Y-%m}", self._run, billed, self._reserved, charged,
            f"{self._asked_at:%Y-%m-%d}",
        )  # fmt: skip
        self._bill, self._reserved = {}, ()
        return spent

    def spent_now(self) -> dict[str, int]:
        """What this run has spent."""
        return self._spent_now() if self._prices else {}

    def said(self) -> str:
        """That the budget is used up, in words: the month's, or only that of a run."""
        month, run = self._spent_in(f"{self._now():%Y-%m}"), self._spent_now()
        spent = f"${dollars(run, self._prices):.2f} in this run, ${dollars(month, self._prices):.2f} this month"
        which, then = "the budget", "goes on next month, or with a larger budget"
        if self._fits_month:
            which = "what one run may spend"
            then = "goes on" if run else "goes on with a larger run_dollars or run_resources"
        return (
            f"{self._wanted.service}: {which} is used up: {spent}, and the next page might cost more than is left "
            f"(${dollars(self._dear, self._prices):.2f}). What was pulled is kept; the same command {then}."
        )

    def _spent_in(self, month: str) -> dict[str, int]:
        return self._spool.spent(self._wanted.service, month)

    def _spent_now(self) -> dict[str, int]:
        return self._spool.spent(self._wanted.service, None, self._run)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._pace.now(), UTC)


def dollars(bill: Bill, prices: Mapping[str, float]) -> float:
    """What resources cost."""
    return sum(prices.get(kind, 0) * count for kind, count in bill.items())
