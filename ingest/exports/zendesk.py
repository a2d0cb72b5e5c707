"""Zendesk: the JSON export of tickets with their comments, the API's answers, or a CSV of ticket comments."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import msgspec

from data.records import Channel, Member, Message, Record, Refused, Source
from ingest.archive import Export, ExportError
from ingest.exports import _answers, _rows
from ingest.exports._answers import Row, Shape
from ingest.exports._format import Format
from ingest.exports._html import plain
from ingest.exports._members import Members

PLATFORM = "zendesk"
FORMAT = Format(
    group="Help desks, and everything else",
    get=(
        "in Zendesk, where exports are switched on: Admin Center > Account > Tools > Reports > Export > JSON "
        "export, Tickets; or save the API's answers"
    ),
    holds="tickets with their public comments; who is an agent",
    cannot_tell="a CSV of tickets alone holds no words; without roles, agents are inferred",
)

HOST = re.compile(rb"https://([\w-]+\.zendesk\.com)/")
API = re.compile(rb"\.zendesk\.com/api/v2/(?:tickets|users)/|\"ticket_id\"\s*:\s*\d|\"requester\"\s*:\s*\{")
COMMENTS = re.compile(rb"\"(?:plain|html)_body\"\s*:|\"author_id\"\s*:[^{}]*\"body\"\s*:|\"comments\"\s*:\s*\[\s*\{")
STAFF = {"agent", "admin"}
NOBODY = {"", "0"}
ROBOT = "-1"  # Zendesk itself
FEW = 20  # files that are looked into to know the export

RENAMED = {"user_id": "author_id", "comment_id": "id", "created": "created_at", "is_public": "public"}
Id = int | str


class Person(msgspec.Struct):
    """An account. The end-user's role is "end-user"."""

    id: Id
    name: str | None = None
    email: str | None = None
    role: str | None = None


class Group(msgspec.Struct):
    """The agents to whom a ticket was given."""

    id: Id
    name: str | None = None


class Ticket(msgspec.Struct):
    """What is known of a ticket: the export holds its people whole, the API only their numbers."""

    id: Id
    subject: str | None = None
    status: str | None = None
    description: str | None = None
    created_at: datetime | None = None
    requester: Person | None = None
    requester_id: Id | None = None
    submitter: Person | None = None
    assignee: Person | None = None
    assignee_id: Id | None = None
    collaborator: list[Person] = []
    collaborator_ids: list[Id] = []
    email_cc_ids: list[Id] = []
    group: Group | None = None
    is_public: bool = True

    def staff(self) -> set[str]:
        """Who is known as the desk's own, by what the ticket says."""
        return {str(person) for person in (self.assignee.id if self.assignee else None, self.assignee_id) if person}

    def customers(self) -> set[str]:
        """Who asked, and who was copied in."""
        asked = self.requester.id if self.requester else self.requester_id
        copied = [person.id for person in self.collaborator]
        return {str(id_) for id_ in (asked, *copied, *self.collaborator_ids, *self.email_cc_ids) if id_ is not None}


class Comment(msgspec.Struct):
    """Something said in a ticket, or a note that only agents see."""

    id: Id
    created_at: datetime
    author_id: Id | None = None
    ticket_id: Id | None = None
    body: str | None = None
    html_body: str | None = None
    public: bool = True
    attachments: list[Any] | None = None
    of: Ticket | None = None  # the ticket it lies in


TICKET = set(Ticket.__struct_fields__)
SHAPE = Shape(
    holders=("users", "tickets", "ticket", "results", "comments"),
    is_row=lambda row: "author_id" in row or _is_ticket(row) or _is_user(row),
    told=lambda row: {"of": {key: value for key, value in row.items() if key in TICKET}} if _is_ticket(row) else {},
)


def detects(export: Export) -> float:
    """High when one of the first files holds Zendesk's tickets with comments, less so where none has its address."""
    files = list(_files(export, FEW))
    return 0.0 if not files else 0.9 if any(HOST.search(export.head(name)) for name in files) else 0.6


def read(export: Export) -> Iterator[Record]:
    """Yield one help desk, then the public comments of its tickets. Agents' private notes are left out."""
    files = sorted(_files(export), key=_order)
    if not files:
        raise ExportError(f"zendesk: {export.name} holds no ticket comments. A CSV of tickets alone has none.")
    hosts = (HOST.search(export.head(name)) for name in files)
    host = next((found[1].decode() for found in hosts if found), None)
    yield Source(PLATFORM, host or export.name, host or export.name)
    desk = _Desk(export, host)
    for name in files:
        for found in _rows.rows(export, name, SHAPE, _is_sheet, RENAMED):
            yield from [found] if isinstance(found, Refused) else desk.records(name, *found)
    yield from desk.openers()


class _Desk:
    """What must be remembered between the comments of one help desk."""

    def __init__(self, export: Export, host: str | None) -> None:
        self.export = export
        self.host = host
        self.members = Members()
        self.channels: set[str] = set()
        self.tickets: dict[str, Ticket] = {}  # those whose comments lie elsewhere
        self.begun: set[str] = set()

    def records(self, file: str, place: str, row: Row) -> Iterator[Record]:
        if "author_id" in row:
            comment = _rows.converted(row, Comment, file, place)
            yield from [comment] if isinstance(comment, Refused) else self._comment(comment, file, place, row)
            return
        # What is wrong with a ticket is wrong with each of its comments, too: they are refused, and it is not.
        if _is_ticket(row) and isinstance(ticket := _rows.converted(row, Ticket, file, place), Ticket):
            yield from self._ticket(ticket, has_comments="comments" in row)
        elif _is_user(row) and isinstance(person := _rows.converted(row, Person, file, place), Person):
            yield from self.members.tell(_member(person, person.role in STAFF))

    def openers(self) -> Iterator[Record]:
        """The first words of tickets whose comments are not in the export."""
        for ticket_id, ticket in self.tickets.items():
            asked = ticket.requester.id if ticket.requester else ticket.requester_id
            if ticket_id not in self.begun and ticket.created_at and ticket.description and ticket.is_public:
                first = Comment(f"ticket:{ticket_id}", ticket.created_at, asked, ticket_id, ticket.description)
                yield from self._message(first, ticket, str(asked or ""))

    def _ticket(self, ticket: Ticket, *, has_comments: bool) -> Iterator[Member]:
        staff = ticket.staff()
        for person in filter(None, (ticket.requester, ticket.submitter, ticket.assignee, *ticket.collaborator)):
            is_staff = person.role in STAFF if person.role else str(person.id) in staff
            yield from self.members.tell(_member(person, is_staff))
        if not has_comments:
            self.tickets[str(ticket.id)] = ticket

    def _comment(self, comment: Comment, file: str, place: str, row: Row) -> Iterator[Record]:
        ticket_id = comment.of.id if comment.of else comment.ticket_id
        if ticket_id is None:
            yield _rows.refused(row, Comment, file, place, "it does not say which ticket it is in")
            return
        ticket = comment.of or self.tickets.get(str(ticket_id)) or Ticket(ticket_id)
        if ticket.status == "deleted":
            self.export.left_out["deleted tickets' comments"] += 1
        elif not comment.public:
            self.begun.add(str(ticket_id))
            self.export.left_out["private notes"] += 1
        else:
            yield from self._message(comment, ticket, str(comment.author_id or ""))

    def _message(self, comment: Comment, ticket: Ticket, author_id: str) -> Iterator[Record]:
        member_id = None if author_id in NOBODY else author_id
        yield from self._author(author_id, ticket) if member_id else ()
        channel = Channel(str(ticket.group.id), ticket.group.name or "tickets", "forum") if ticket.group else TICKETS
        if channel.id not in self.channels:
            self.channels.add(channel.id)
            yield channel
        ticket_id = str(ticket.id)
        is_first = ticket_id not in self.begun
        self.begun.add(ticket_id)
        yield Message(
            str(comment.id), channel.id, member_id, comment.created_at,
            plain(comment.html_body) if comment.html_body else (comment.body or "").strip(),
            title=(ticket.subject or None) if is_first else None, conversation_id=f"ticket:{ticket_id}",
            basis=None if is_first else "thread", attachments=len(comment.attachments or ()),
            permalink=f"https://{self.host}/agent/tickets/{ticket_id}" if self.host else None,
        )  # fmt: skip

    def _author(self, author_id: str, ticket: Ticket) -> Iterator[Member]:
        """Somebody of whom only the number is known is an agent if neither the asker nor copied in."""
        if self.members.get(author_id):
            return
        customers = ticket.customers()
        is_staff = author_id in ticket.staff() or (bool(customers) and author_id not in customers)
        is_bot = author_id == ROBOT
        yield from self.members.tell(
            Member(
                author_id, "Zendesk" if is_bot else f"user {author_id}", is_bot=is_bot, is_staff=is_staff and not is_bot
            )
        )


TICKETS = Channel("tickets", "Tickets", "forum")


def _member(person: Person, is_staff: bool) -> Member:
    email = (person.email or "").lower() or None
    return Member(str(person.id), person.name or f"user {person.id}", email=email, is_staff=is_staff)


def _is_ticket(row: Row) -> bool:
    return "requester_id" in row or ("requester" in row and "subject" in row)


def _is_user(row: Row) -> bool:
    return "role" in row and "name" in row


def _is_sheet(columns: Collection[str]) -> bool:
    """Comments, or the tickets or users beside them."""
    names = {RENAMED.get(column, column) for column in columns}
    return _is_comments(columns) or {"id", "subject", "requester_id"} <= names or {"id", "name", "role"} <= names


def _is_comments(columns: Collection[str]) -> bool:
    names = {RENAMED.get(column, column) for column in columns}
    return {"ticket_id", "author_id", "body", "public", "created_at"} <= names


def _files(export: Export, limit: int | None = None) -> Iterator[str]:
    """The files of an export of Zendesk; none where none of them holds what was said."""
    sheets = [name for name in islice(export.files(), limit) if _rows.columns(export, name, _is_sheet)]
    answers = [name for name in islice(_answers.likely(export), limit) if API.search(_answers.beginning(export, name))]
    has_comments = any(_rows.columns(export, name, _is_comments) for name in sheets)
    if has_comments or any(COMMENTS.search(export.head(name)) for name in answers):
        yield from sheets + answers


def _order(name: str) -> tuple[int, str]:
    """People first, then tickets, then what was said, as far as the files' names tell."""
    stem = PurePosixPath(name).stem.lower()
    return (0 if "user" in stem else 2 if "comment" in stem else 1), name
