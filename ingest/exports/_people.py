"""Who has been met in an export, where only some messages show that their writer is staff."""

from __future__ import annotations


class People:
    """Remembers members, and who of them was ever seen as staff: that stays so.

    Not to be seen as staff says nothing. A description that says so should have no date, so that it never
    replaces one of another load that says otherwise.
    """

    def __init__(self) -> None:
        self._is_staff: dict[str, bool] = {}

    def knows(self, member_id: str, is_staff: bool) -> bool:
        """Whether this has been said before; from now on it has."""
        known = self._is_staff.get(member_id)
        if known is None or (is_staff and not known):
            self._is_staff[member_id] = is_staff
            return False
        return True
