"""Which accounts are one person: what people say of it, and which pairs they might be asked about.

A decision is a row of the journal about a pair of accounts, `same` or `different`, with who and when; it can be taken
back. Accounts that are the same as a third are the same. Nothing is merged by itself: a suggestion is only a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from data.marks import Marks, Row, Target

if TYPE_CHECKING:
    import polars as pl

    from data.settings import RosterRow, Settings
    from data.store import Store

KIND: Final = "person"
Verdict = Literal["same", "different"]
WORDS: Final[dict[Verdict, str]] = {"same": "the same person", "different": "different people"}

LIKE_TEAM: Final = 10
"""So many people of each source are looked at who answer as if they belonged on the roster."""


@dataclass(frozen=True, order=True)
class Account:
    """An account, in its platform's own words."""

    platform: str
    source: str
    member_id: str

    def __str__(self) -> str:
        """As a list names it, and as a person may name it."""
        return ":".join(astuple(self))


Pair = tuple[Account, Account]


@dataclass(frozen=True)
class Identities:
    """Who is who in one community: its accounts, and what people decided of them."""

    store: Store
    marks: Marks

    def suggestions(self, limit: int = 20, settings: Settings | None = None) -> pl.DataFrame:
        """Pairs of accounts that may be one person's, the strongest first, as data/reads/identities.sql says them.

        Never a bot or an unknown account, and no pair of which it is known already, be it by way of others. With
        settings the twins of the team stand first: without a weight, as nothing but a name speaks for them.
        """
        found = self.store.read("identities", limit=limit, **_known(_said(self._standing())))
        team = [_pair_told(*pair) for pair in self.twins(settings)] if settings else []
        both = type(found)(team, found.schema).vstack(found)
        return both.unique(("account", "other_account"), keep="first", maintain_order=True).head(limit)

    def twins(self, settings: Settings) -> list[tuple[Row, Row]]:
        """Accounts of one name in the team, also in one source: on the roster by id, or as if they belonged there.

        None of a platform whose members are not followed, and no pair of which somebody decided. Each account is a row
        with platform, source, member_id, name, handle and messages.
        """
        named = self.store.read("named", ids=tuple(row.id for row in settings.roster if row.id)).to_dicts()
        held = [each for each in named if any(_is_of(row, each) for row in settings.roster)]
        alike: dict[str, dict[Account, Row]] = {}
        for each in (*held, *self.store.read("suggested_roles", limit=LIKE_TEAM).to_dicts()):
            if each["platform"] not in settings.privacy.no_profiles:
                account = Account(each["platform"], each["source"], each["member_id"])
                name = each["name"] or each["handle"] or each["member_id"]
                alike.setdefault(name.casefold(), {})[account] = each
        known = _said(self._standing())
        pairs = [(of, pair) for of in alike.values() for pair in pairwise(sorted(of))]
        return [(of[one], of[other]) for of, (one, other) in pairs if (one, other) not in known]

    def decided(self) -> list[Row]:
        """The decisions that count, the oldest first: id, value, one and other as text, by, at, note."""
        kept = ("id", "value", "by", "at", "note")
        pairs = [(row, _pair(row)) for row in self._standing()]
        return [{**{name: row[name] for name in kept}, "one": str(a), "other": str(b)} for row, (a, b) in pairs]

    def decide(self, value: Verdict, one: str, other: str, by: str, note: str | None = None) -> int:
        """Say whose two accounts are, each named as a list names it; the decision's number.

        Raises LookupError where an account is none or a bot's; ValueError where it is an account and itself, where it
        is known already, where it contradicts what others decided, and where nobody signs.
        """
        first, second = sorted((self._account(one), self._account(other)))
        if first == second:
            raise ValueError(f"{first} is one account. Name two.")
        _check(_said(self._standing()), value, (first, second))
        return self.marks.add(KIND, _target(first, second), value, by, note)

    def undo(self, number: int, by: str) -> int:
        """Take a decision about people back; the number of this row. Raises LookupError where none has that number."""
        if number not in {row["id"] for row in self._standing()}:
            raise LookupError(f"no decision about people that counts now has the number {number}")
        return self.marks.undo(number, by)

    def _account(self, named: str) -> Account:
        found = self.store.read("account", account=named).to_dicts()
        if not found:
            raise LookupError(f"no account {named}; it is written as platform:source:id, such as slack:T1:U7")
        if found[0].pop("is_bot"):
            raise LookupError(f"{named} is a bot: only people's accounts can be one person's")
        return Account(**found[0])

    def _standing(self) -> list[Row]:
        rows: list[Row] = self.marks.current(KIND).to_pylist()
        return rows


def merged(decisions: Iterable[Mapping[str, Any]]) -> list[dict[str, str | int]]:
    """Accounts that are one person with others, by what counts now: platform, source, member_id and person, a number.

    The order in which they were merged changes nothing.
    """
    of = _persons(_said(decisions))
    number = {person: number for number, person in enumerate(sorted(set(of.values())))}
    return [
        {"platform": each.platform, "source": each.source, "member_id": each.member_id, "person": number[of[each]]}
        for each in sorted(of)
    ]


def _pair_told(one: Row, other: Row) -> Row:
    """Two accounts of one name as a suggestion."""
    told = {"weight": None, "shared": ["name"]}
    for place, row in (("", one), ("other_", other)):
        account = Account(row["platform"], row["source"], row["member_id"])
        told |= {f"{place}account": str(account)} | {
            f"{place}{each}": row[each] for each in ("name", "handle", "messages")
        }
    return told


def _is_of(row: RosterRow, account: Row) -> bool:
    """Whether a row of the roster names just this account."""
    places = (row.platform in (None, account["platform"]), row.source in (None, account["source"]))
    return row.id == account["member_id"] and all(places)


def _persons(said: Mapping[Pair, Verdict]) -> dict[Account, Account]:
    """The person of each merged account, named by the least of the person's accounts."""
    of: dict[Account, Account] = {}

    def least(account: Account) -> Account:
        while of.setdefault(account, account) != account:
            account = of[account]
        return account

    for pair in (pair for pair, value in said.items() if value == "same"):
        first, second = sorted(map(least, pair))
        of[second] = first
    return {account: least(account) for account in of}


def _check(said: Mapping[Pair, Verdict], value: Verdict, pair: Pair) -> None:
    """Refuse what is known already, and what would make two accounts both one person's and two people's."""
    after = {**said, pair: value}
    if said.get(pair) == value or (value == "same" and _is_one(_persons(said), pair)):
        raise ValueError(f"{pair[0]} and {pair[1]}: that they are {WORDS[value]} is known already.")
    persons = _persons(after)
    for apart in (each for each in after if after[each] == "different" and _is_one(persons, each)):
        raise ValueError(
            f"{pair[0]} and {pair[1]} cannot be {WORDS[value]}: by other decisions {apart[0]} and {apart[1]} would be "
            "both the same person and different people. Take the wrong one back, then try again."
        )


def _is_one(of: Mapping[Account, Account], pair: Pair) -> bool:
    one, other = (of.get(each, each) for each in pair)
    return one == other


def _known(said: Mapping[Pair, Verdict]) -> dict[str, tuple[str | int, ...]]:
    """What the suggestions leave out, as they ask for it: accounts that somebody spoke of, and people told apart."""
    of = {each: each for pair in said for each in pair} | _persons(said)
    number = {account: number for number, account in enumerate(sorted(of))}
    apart = [(number[of[one]], number[of[other]]) for (one, other), value in said.items() if value == "different"]
    return {
        "platforms": tuple(each.platform for each in number),
        "sources": tuple(each.source for each in number),
        "ids": tuple(each.member_id for each in number),
        "persons": tuple(number[of[each]] for each in number),
        "ones": tuple(min(pair) for pair in apart),
        "others": tuple(max(pair) for pair in apart),
    }


def _said(decisions: Iterable[Mapping[str, Any]]) -> dict[Pair, Verdict]:
    return {_pair(row): row["value"] for row in decisions}


def _target(one: Account, other: Account) -> Target:
    """A pair as the journal names it: by the lesser account, with the other in its id."""
    native_id = msgspec.json.encode([one.member_id, *astuple(other)]).decode()
    return Target(one.platform, one.source, native_id)


def _pair(row: Mapping[str, Any]) -> Pair:
    member_id, *other = msgspec.json.decode(row["native_id"], type=tuple[str, str, str, str])
    return Account(row["platform"], row["source"], member_id), Account(*other)
