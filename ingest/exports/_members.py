"""Who has been told of already, and who somebody is that has no account."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from data.records import Member


class Members:
    """The members of one export: each is told once, and again when there is news.

    Who was staff once stays staff, and an address once known stays known.
    """

    def __init__(self) -> None:
        self._told: dict[str, Member] = {}

    def get(self, member_id: str) -> Member | None:
        return self._told.get(member_id)

    def knows(self, member_id: str, is_staff: bool) -> bool:
        """Whether somebody is told of, and as staff if so seen now: not to be seen as staff is no news.

        Where only some messages show that their writer is staff, the others should say so with no date: else
        they would replace what another load found.
        """
        known = self._told.get(member_id)
        return known is not None and (known.is_staff or not is_staff)

    def tell(self, member: Member) -> Iterator[Member]:
        """The member, where that is news."""
        known = self._told.get(member.id)
        if known:
            is_staff, email = known.is_staff or member.is_staff, member.email or known.email
            member = msgspec.structs.replace(member, is_staff=is_staff, email=email)
        if member != known:
            self._told[member.id] = member
            yield member


def guest_id(email: str) -> str | None:
    """The member id of a guest who left an address; None without one, for a name alone is nobody's."""
    address = email.strip().lower()
    return "guest:" + hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:16] if "@" in address else None
