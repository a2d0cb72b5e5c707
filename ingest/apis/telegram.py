"""Telegram: one group or channel (--chat -1001234567890 or @name) that a bot of yours is in, from now on.

A bot is told nothing of what was said before it came, and Telegram keeps what it has to tell for 24 hours: pull at
least twice a day, and load an export of Telegram Desktop for what was before. Telegram never tells a bot what was
deleted. Give each group a bot of its own, which no other program asks: what is told once is not told again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NoReturn

import msgspec

from ingest.apis._client import Client, Line, LostPlace, PullError, Refusal
from ingest.apis._service import At, Estimate, Known, Page, Place, Wanted
from ingest.exports.telegram_bot import bare

READER = "telegram_bot"
TERMS = (
    "Telegram forbids to train language models on what bots are told, and asks for a privacy policy: tell the group "
    "that Hearth listens. What other groups or people say to the same bot is passed over and never kept."
)
SECRETS = {
    "TELEGRAM_BOT_TOKEN": (
        "Talk to @BotFather: /newbot gives the token, /setprivacy Disable lets the bot hear everything. Then add the "
        "bot to the group."
    )
}
PRICES: Mapping[str, float] = {}
OVERLAP = timedelta(0)  # what was told is not told again
IS_WHOLE = False

PAGE = 100
KEPT = timedelta(hours=24)
RENUMBERED = timedelta(days=6)  # after a week of silence Telegram begins to count anew
KINDS = ("message", "edited_message", "channel_post", "edited_channel_post")
PLACE = {"message_id", "chat", "forum_topic_created"}
STRANGE = "telegram: what it answers is not what the Bot API answers. Is `address` right?"
BEGINS = "A bot is told nothing that was said before it came: load an export of Telegram Desktop for that."
DEAF = "The bot hears only what is said to it: tell @BotFather /setprivacy, Disable, and add the bot to the group anew."


class Options(Wanted, frozen=True, kw_only=True):
    """What a pull of Telegram needs."""

    chat: Annotated[str, "its number, such as -1001234567890, or a public @name"]
    address: Annotated[str, "of a Bot API server of your own"] = "https://api.telegram.org"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.chat.startswith("@") and not (self.chat[:1] == "-" and self.chat[1:].isdecimal()):
            wish = "a number such as -1001234567890, with its sign, or a public @name"
            raise ValueError(f"chat must be {wish}, not {self.chat!r}")


def connect(wanted: Wanted, line: Line, known: Known) -> Group:
    """One group or channel. Of a public one the name is known, and Telegram is asked for its number."""
    assert isinstance(wanted, Options)  # noqa: S101
    token = line.secret("TELEGRAM_BOT_TOKEN", SECRETS["TELEGRAM_BOT_TOKEN"])
    return Group(Client(line, f"{wanted.address}/bot{token}"), wanted.chat, known)


class Group(Place):
    """One group or channel, as a bot hears it."""

    def __init__(self, client: Client, chat: str, known: Known) -> None:
        self._client, self._line, self._known = client, client.line, known
        self._chat = int(self._asked("getChat", {"chat_id": chat})["id"] if chat.startswith("@") else chat)
        self.source, self.named = bare(self._chat), chat

    def streams(self) -> tuple[str, ...]:
        """All that a bot is told comes in one list."""
        return ("updates",)

    def fetch(self, stream: str, at: At) -> Page:  # noqa: ARG002
        """The next updates. That we have the ones before is told by asking for these."""
        offset, note = int(at.cursor) if at.cursor else None, ""
        if offset is None:
            offset, note = self._noted(at.mark), self._warning(is_first=at.mark is None)
        updates = self._updates(offset) or self._updates(offset)  # nothing is believed the second time
        if offset is not None and updates and updates[0]["update_id"] < offset:
            raise LostPlace("it answers with what was told before")
        is_late = at.cursor is None and at.mark is not None and at.since is not None and self._now() - at.since > KEPT
        return self._page(updates, at, note, since=self._now() - KEPT if is_late else None)

    def estimate(self, at: Mapping[str, At]) -> Estimate:  # noqa: ARG002
        """By the number of updates that wait."""
        waiting = self._asked("getWebhookInfo").get("pending_update_count")
        if waiting is None:
            return Estimate(None, note="Telegram does not tell how many updates wait")
        return Estimate(3 + -(-waiting // PAGE), note=f"{waiting:,} updates wait, of all the chats the bot is in")

    def _page(self, updates: list[dict[str, Any]], at: At, note: str, since: datetime | None) -> Page:
        ours = self._ours(updates)
        new = [said["date"] for each in ours if (said := each.get("message") or each.get("channel_post"))]
        moments = [datetime.fromtimestamp(date, UTC) for date in new]
        following = str(updates[-1]["update_id"] + 1) if updates else None
        return Page(
            following, msgspec.json.encode({"ok": True, "result": ours}) if ours else None, "updates.json", len(ours),
            since or min(moments, default=None), max(moments, default=None), is_forward=True,
            is_capped=since is not None, note=note,
            mark=f"{following} {self._line.pace.now():.0f}" if following else at.mark if at.cursor is None else None,
        )  # fmt: skip

    def _updates(self, offset: int | None) -> list[dict[str, Any]]:
        asked = {"offset": offset, "limit": PAGE, "timeout": 0, "allowed_updates": json.dumps(KINDS)}
        found = self._asked("getUpdates", asked)
        if not isinstance(found, list) or not all(isinstance(each, dict) and "update_id" in each for each in found):
            raise PullError(STRANGE)
        return sorted(found, key=lambda update: int(update["update_id"]))

    def _ours(self, updates: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What was said in our chat. Of an answered message that we hold, no more than its place."""
        ours = [each for each in updates if _said(each).get("chat", {}).get("id") == self._chat]
        answered = [to for each in ours if (to := _said(each).get("reply_to_message"))]
        held = self._known.messages(f"{self.source}:{to['message_id']}" for to in answered)
        for to in answered:
            if f"{self.source}:{to['message_id']}" in held:
                for name in to.keys() - PLACE:
                    del to[name]
        return ours

    def _noted(self, mark: str | None) -> int | None:
        """Where the last pull ended, unless Telegram may have begun to count anew since."""
        offset, _, moved_at = (mark or "").partition(" ")
        is_fresh = bool(mark) and self._line.pace.now() - float(moved_at) < RENUMBERED.total_seconds()
        return int(offset) if is_fresh else None

    def _warning(self, *, is_first: bool) -> str:
        """What cannot be had, in words."""
        hears_all = self._asked("getMe").get("can_read_all_group_messages", True)
        return " ".join([BEGINS] * is_first + [DEAF] * (not hears_all))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._line.pace.now(), UTC)

    def _asked(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = self._client.get(f"/{method}", params).json()
        except Refusal as refusal:
            _refused(refusal)
        if not isinstance(answer, dict) or "result" not in answer:
            raise PullError(STRANGE)
        return answer["result"]


def _said(update: Mapping[str, Any]) -> dict[str, Any]:
    """The message that an update tells; empty where it tells something else."""
    return next((update[kind] for kind in KINDS if kind in update), {})


def _refused(refusal: Refusal) -> NoReturn:
    if refusal.status in (401, 404):
        raise PullError(
            "telegram: it does not accept TELEGRAM_BOT_TOKEN (any more). Ask @BotFather for the bot's token: /mybots, "
            "API Token. What was pulled is kept."
        ) from None
    if refusal.status == 409:
        raise PullError(
            "telegram: another program asks with this bot, or a webhook is set (409). Stop it, call deleteWebhook, or "
            "give Hearth a bot of its own. What was pulled is kept."
        ) from None
    raise refusal
