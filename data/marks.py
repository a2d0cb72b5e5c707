"""What people decide, kept apart from what was loaded, so that no reload and no new rule can lose it.

One journal, to which rows are only ever added: the newest decision about a thing counts, and taking one back is a row
of its own. So two people at once lose nothing, and who decided what, and when, can always be told. A thing is named
as its platform names it: (platform, source, native id); a pair of accounts by both (data/identities.py). SQLite in the
data folder, or PostgreSQL by its address.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from data.settings import MARKS, has_marks

FILE: Final = MARKS
PATIENCE: Final = 30  # seconds that one writer waits for the others
LONGEST_NAME: Final = 80
KINDS: Final = {
    "label": ("negative", "neutral", "positive", "unsure"),  # how a message sounds, to a person
    "ask": ("answered", "no_reply", "snoozed", "mine"),  # what became of an ask, beyond what the export shows
    "person": ("same", "different"),  # whether two accounts are one person's
    "note": ("note",),  # words about an ask, for the others who answer
    "handover": ("sent",),  # that an ask went to a help desk
    "reach": ("done",),  # that somebody had a word of ours for what they said, wherever we said it
    "reader": ("here",),  # which name was given in a browser, which is named by a digest of its cookie
}

Row = dict[str, Any]


class MarksError(Exception):
    """What is wrong with the journal of decisions, and what to do."""


class _Moment(sa.TypeDecorator[datetime]):
    """A moment in UTC: SQLite would forget the zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only its plain integers count up by themselves
_journal = sa.Table(
    "journal",
    sa.MetaData(),
    sa.Column("id", _number, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("platform", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("native_id", sa.String, nullable=False),
    sa.Column("value", sa.String),
    sa.Column("note", sa.String),
    sa.Column("until", _Moment),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("at", _Moment, nullable=False),
    sa.Column("undoes", _number, sa.ForeignKey("journal.id"), index=True),
    sa.Index("journal_target", "kind", "platform", "source", "native_id"),
    sqlite_autoincrement=True,
)

_TYPES = {"id": pa.int64(), "undoes": pa.int64(), "until": pa.timestamp("us", "UTC"), "at": pa.timestamp("us", "UTC")}
SCHEMA: Final = pa.schema([(column.name, _TYPES.get(column.name, pa.string())) for column in _journal.columns])
"""The columns of every table handed out: a row a decision. Of `value` and `undoes` one is null."""


@dataclass(frozen=True)
class Target:
    """What a decision is about, in its platform's own words."""

    platform: str
    source: str
    native_id: str


class Marks:
    """The journal of one community. Safe to share between threads, and between processes."""

    def __init__(self, place: Path | str) -> None:
        """`place`: the data folder, or the address of a database such as postgresql+psycopg://me@host/hearth."""
        self._place = place

    @property
    def stamp(self) -> str:
        """Changes whenever anything is decided or taken back: a part of the key of all that is kept of it."""
        if not has_marks(self._place):
            return ""  # a question makes no journal
        # The count too: on PostgreSQL a lower number can become visible after a higher one.
        (row,) = self._read(sa.select(sa.func.count().label("rows"), sa.func.max(_journal.c.id).label("newest")))
        return f"{row['rows']}-{row['newest']}"

    def add(
        self, kind: str, target: Target, value: str, by: str, note: str | None = None, until: datetime | None = None
    ) -> int:
        """Write a decision down; its number. It counts from now on, instead of what was decided before.

        until: where a decision ends by itself, as a snooze does. Raises ValueError for a kind or value there is not.
        """
        return self.add_all(kind, [target], value, by, note, until)[0]

    def add_all(
        self,
        kind: str,
        targets: Sequence[Target],
        value: str,
        by: str,
        note: str | None = None,
        until: datetime | None = None,
    ) -> list[int]:
        """Write the same down of several things, of all or of none; the numbers, in their order."""
        if value not in KINDS.get(kind, ()):
            raise ValueError(f"there is no mark {kind} = {value!r}; there are: {_known()}")
        if until is not None and until.tzinfo is None:
            raise ValueError(f"until {until} needs a time zone")
        row = {"kind": kind, "value": value, "note": note, "until": until, **_signed(by)}
        return self._write([sa.insert(_journal).values(**row, **asdict(target)) for target in targets])

    def undo(self, number: int, by: str) -> int:
        """Take a decision back; the number of this row. What was decided before it counts again.

        Raises LookupError where no decision has that number: an undo cannot be undone, but decided anew.
        """
        return self.undo_all([number], by)[0]

    def undo_all(self, numbers: Sequence[int], by: str) -> list[int]:
        """Take several back, all or none; the numbers of these rows."""
        signed = _signed(by)
        missing = [f"no decision has the number {number}" for number in numbers]
        return self._write([_undoing(number, signed) for number in numbers], missing)

    def current(self, kind: str) -> pa.Table:
        """What counts now: for each target the newest decision that was not taken back, the oldest first.

        One whose `until` is over no longer counts; what was decided before it does again.
        """
        if not has_marks(self._place):
            return _table([])  # a question makes no journal
        of = _journal.c
        is_on = sa.or_(of.until.is_(None), of.until > datetime.now(UTC))
        standing = sa.select(sa.func.max(of.id)).where(of.kind == kind, is_on, *_not_undone())
        newest = standing.group_by(of.platform, of.source, of.native_id)
        return _table(self._read(sa.select(_journal).where(of.id.in_(newest)).order_by(of.id)))

    def history(self, kind: str, target: Target, *others: str) -> pa.Table:
        """All that was ever decided about a target, and taken back, in order: of one kind, or of `others` too."""
        if not has_marks(self._place):
            return _table([])
        about = [_journal.c[name] == value for name, value in asdict(target).items()]
        told = sa.select(_journal).where(_journal.c.kind.in_((kind, *others)), *about)
        return _table(self._read(told.order_by(_journal.c.id)))

    def lately(self, kinds: Sequence[str], count: int) -> pa.Table:
        """The last so many decisions of these kinds that were not taken back, whoever made them; the newest first."""
        if not has_marks(self._place):
            return _table([])
        of = _journal.c
        told = sa.select(_journal).where(of.kind.in_(kinds), *_not_undone())
        return _table(self._read(told.order_by(of.id.desc()).limit(count)))

    def close(self) -> None:
        """Let go of the database; the next question opens it again."""
        if "_engine" in self.__dict__:
            self.__dict__.pop("_engine").dispose()

    def _read(self, question: sa.Executable) -> list[Row]:
        with self._in_words(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(question).mappings()]

    def _write(self, rows: Sequence[sa.Insert], missing: Sequence[str] = ()) -> list[int]:
        numbers: list[int] = []
        with self._in_words(), self._engine.begin() as connection:
            for row in rows:
                number: int | None = connection.execute(row.returning(_journal.c.id)).scalar()
                if number is None:
                    raise LookupError(missing[len(numbers)])
                numbers.append(number)
        return numbers

    @cached_property
    def _engine(self) -> sa.Engine:
        if isinstance(self._place, str):
            engine = sa.create_engine(self._place, pool_pre_ping=True)
        else:
            engine = _sqlite(self._place)
        try:
            _lay_out(engine)
        except DBAPIError:
            if not sa.inspect(engine).has_table(_journal.name):  # else another process was quicker
                raise
        return engine

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """What the database cannot do, told to the person who asked; the password of its address is not."""
        try:
            yield
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise MarksError(f"{self._called}: decisions cannot be read or kept here. {_advice(error)}") from error

    @property
    def _called(self) -> str:
        if isinstance(self._place, Path):
            return str(self._place / FILE)
        try:
            return sa.make_url(self._place).render_as_string(hide_password=True)
        except SQLAlchemyError:
            return "the address under [marks]"


def _sqlite(folder: Path) -> sa.Engine:
    """A file that its owner alone may read, and that readers and a writer can share."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(folder / FILE, os.O_CREAT | os.O_RDWR, 0o600))
    engine = sa.create_engine(f"sqlite:///{folder / FILE}", connect_args={"timeout": PATIENCE})

    @sa.event.listens_for(engine, "connect")
    def _steer(connection: Any, _: object) -> None:
        connection.executescript((Path(__file__).parent / "marks.sql").read_text("utf-8"))

    return engine


def _lay_out(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateTable(_journal, if_not_exists=True))
        for index in _journal.indexes:
            connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))


def _undoing(number: int, signed: Row) -> sa.Insert:
    """The row that takes a decision back: one statement, so that no other writer comes in between."""
    of = _journal.c
    same = [of.kind, of.platform, of.source, of.native_id]
    taken = sa.select(*same, of.id, sa.literal(signed["by"]), sa.literal(signed["at"], _Moment))
    names = [*(each.name for each in same), "undoes", "by", "at"]
    return sa.insert(_journal).from_select(names, taken.where(of.id == number, of.undoes.is_(None)))


def _not_undone() -> tuple[sa.ColumnElement[bool], ...]:
    of = _journal.c
    undone = sa.select(of.undoes).where(of.undoes.is_not(None))
    return of.undoes.is_(None), of.id.not_in(undone)


def _table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def _signed(by: str) -> Row:
    name = " ".join(by.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise ValueError(f"a decision needs the name of who made it, of {LONGEST_NAME} letters at most")
    return {"by": name, "at": datetime.now(UTC)}


def _known() -> str:
    return "; ".join(f"{kind} = {', '.join(values)}" for kind, values in KINDS.items())


def _advice(error: Exception) -> str:
    """What to do about it."""
    if isinstance(error, ImportError):
        return f"Its driver is not installed ({error.name}). For PostgreSQL: pip install 'psycopg[binary]'"
    if isinstance(error, NoSuchModuleError | sa.exc.ArgumentError):
        return "The address cannot be read. One is like postgresql+psycopg://me:secret@host/hearth"
    said = str(getattr(error, "orig", None) or error).splitlines()[0]
    return f"It said: {said}. Is there room on the disk, is the folder yours, is the server up? Then try again."
