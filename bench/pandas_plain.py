"""The questions of the metrics as an analyst would put them in pandas: a function each, named as the metric.

They say what bench/plain/ says in SQL, row for row, and leave out the same. The tables are in memory already, and
there is one source, so that ids alone are keys: both are to pandas' advantage.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd  # type: ignore[import-untyped] # ships no types

NEVER = 1e6
"""Hours: those not answered yet stand behind all others."""


@dataclass(frozen=True)
class Raw:
    """The raw tables, with the columns that are asked for below."""

    messages: pd.DataFrame
    members: pd.DataFrame
    scores: pd.DataFrame
    reactions: pd.DataFrame
    listed: int  # rows of a list

    @property
    def ends_at(self) -> pd.Timestamp:
        """When the data ends."""
        return self.messages["sent_at"].max()

    def staff(self) -> pd.Series:
        """Ids of the team."""
        return self.members.loc[self.members["is_staff"], "member_id"]


def answered_within(raw: Raw) -> pd.DataFrame:
    """Answered within 1, 4, 24 and 72 hours, of asks old enough."""
    asked = _answered(raw)
    parts = [_in_time(asked, hours, raw.ends_at).assign(hours=hours) for hours in (1, 4, 24, 72)]
    return pd.concat(parts).sort_values(["week", "hours"])


def reply_rate(raw: Raw) -> pd.DataFrame:
    """Answered in a day."""
    return _in_time(_answered(raw), 24, raw.ends_at)


def within_target(raw: Raw) -> pd.DataFrame:
    """Answered in eight hours."""
    return _in_time(_answered(raw), 8, raw.ends_at).rename(columns={"asks": "due"})


def time_to_first_response(raw: Raw) -> pd.DataFrame:
    """Quantiles of the wait."""
    asked = _answered(raw)
    hours = asked["hours"].fillna(NEVER).groupby(asked["week"])
    found = {f"hours_p{q}": hours.quantile(q / 100) for q in (50, 75, 90)}
    answered_only = asked.groupby("week")["hours"].median()
    return pd.DataFrame(found | {"hours_p50_answered_only": answered_only, "asks": hours.size()}).reset_index()


def staff_response(raw: Raw) -> pd.DataFrame:
    """Staff first within a day."""
    asked = _old(_answered(raw), raw, 24)
    hours = asked["hours"].where(asked["is_staff_first"], NEVER)
    told = pd.DataFrame(
        {
            "week": asked["week"],
            "share": hours <= 24,
            "hours": hours,
            "peer_first": (asked["hours"] <= 24) & ~asked["is_staff_first"],
        }
    ).groupby("week")
    return told.agg(
        share=("share", "mean"), hours_p50=("hours", "median"), peer_first=("peer_first", "sum"), asks=("share", "size")
    ).reset_index()


def peer_first_share(raw: Raw) -> pd.DataFrame:
    """Who answered first in a day."""
    asked = _old(_answered(raw), raw, 24)
    answered = asked["hours"] <= 24
    told = asked.assign(answered=answered, staff_first=answered & asked["is_staff_first"]).groupby("week")
    return told.agg(
        answered=("answered", "sum"), staff_first=("staff_first", "sum"), asks=("answered", "size")
    ).reset_index()


def responder_load(raw: Raw) -> pd.DataFrame:
    """What hangs on the busiest."""
    load = _answered(raw).groupby(["week", "answered_by"]).size().rename("replies").reset_index()
    load = load.sort_values(["week", "replies"], ascending=[True, False])
    weeks = load.groupby("week")["replies"]
    load["place"], load["share"] = weeks.cumcount() + 1, weeks.cumsum() / weeks.transform("sum")
    places = load.groupby("week")
    return pd.DataFrame(
        {
            "top1_share": places["share"].first(),
            "top3_share": load[load["place"] <= 3].groupby("week")["share"].last(),
            "people_for_half": load[load["share"] >= 0.5].groupby("week")["place"].first(),
        }
    ).reset_index()


def waiting_now(raw: Raw) -> pd.DataFrame:
    """Who is waiting when the data ends."""
    asked = _answered(raw)
    asked = asked[asked["answered_at"].isna()]
    past = (asked["sent_at"] < raw.ends_at - pd.Timedelta(hours=24)).sum()
    told = len(asked), asked["member_id"].nunique(), past, asked["sent_at"].min()
    return pd.DataFrame([told], columns=["asks", "people", "past_target", "longest_since"])


def unanswered(raw: Raw) -> pd.DataFrame:
    """The newest who wait."""
    asked = _answered(raw, "text", "channel_id")
    asked = asked[asked["answered_at"].isna()].sort_values(["sent_at", "message_id"], ascending=[False, True])
    named = asked.head(raw.listed).merge(raw.members[["member_id", "name"]], on="member_id")
    return named[["sent_at", "channel_id", "message_id", "name", "text"]]


def two_way_conversations(raw: Raw) -> pd.DataFrame:
    """The asker spoke again, within three days."""
    asked = _old(_answered(raw), raw, 72)
    again = _again(raw, asked, 72)
    told = asked.assign(share=asked["message_id"].isin(again["conversation_id"])).groupby("week")["share"]
    return told.agg(share="mean", conversations="size").reset_index()


def time_to_next_response(raw: Raw) -> pd.DataFrame:
    """Waits of those who asked and spoke again."""
    asked = _openers(raw)[["message_id", "member_id"]]
    said = _spoken(raw).merge(asked, left_on="conversation_id", right_on="message_id", suffixes=("", "_asked"))
    said = said.sort_values(["conversation_id", "sent_at"])
    thread = said.groupby("conversation_id")
    before_by, next_by = thread["member_id"].shift(), thread["member_id"].shift(-1)
    is_turn = (said["member_id"] == said["member_id_asked"]) & before_by.notna() & (before_by != said["member_id"])
    next_at = thread["sent_at"].shift(-1).where(next_by != said["member_id"])
    hours = _hours(next_at - said["sent_at"]).fillna(NEVER)
    waits = hours[is_turn].groupby(said["week"])
    return pd.DataFrame(
        {"hours_p50": waits.quantile(0.5), "hours_p90": waits.quantile(0.9), "turns": waits.size()}
    ).reset_index()


def member_flow(raw: Raw) -> pd.DataFrame:
    """New, retained, returning, reactivated, lapsed."""
    visit = _member_weeks(raw)
    ago = visit["week"] - visit.groupby("member_id")["week"].shift()
    week, weeks = visit["week"], ago.dt.days
    told = pd.DataFrame(
        {
            "week": week,
            "new": weeks.isna(),
            "retained": weeks == 7,
            "returning": (weeks > 7) & (weeks <= 56),
            "reactivated": weeks > 56,
        }
    ).groupby("week")
    flow = told.sum().assign(members=told.size())
    return flow.assign(lapsed=flow["members"].shift() - flow["retained"]).reset_index()


def retention(raw: Raw) -> pd.DataFrame:
    """Of last week's members, those of this week."""
    visit = _member_weeks(raw)
    is_back = visit.groupby("member_id")["week"].shift(-1) - visit["week"] == pd.Timedelta(days=7)
    told = is_back.groupby(visit["week"] + pd.Timedelta(days=7)).agg(share="mean", members="size")
    return told.reset_index()


def cohort_return(raw: Raw) -> pd.DataFrame:
    """Shares of a month's members in the months after."""
    said = _members(raw)
    active = pd.DataFrame(
        {"member_id": said["member_id"], "month": said["sent_at"].dt.year * 12 + said["sent_at"].dt.month - 1}
    ).drop_duplicates()
    active["cohort"] = active.groupby("member_id")["month"].transform("min")
    counted = active.groupby(["cohort", "month"]).size().rename("share").reset_index()
    counted["share"] /= counted.groupby("cohort")["share"].transform("first")
    counted["month"] -= counted["cohort"]
    year, month = counted["cohort"] // 12, counted["cohort"] % 12 + 1
    return counted.assign(cohort=pd.to_datetime({"year": year, "month": month, "day": 1}))


def drifting(raw: Raw) -> pd.DataFrame:
    """Regulars who have fallen silent."""
    said = _members(raw, "text")
    said = said[said["sent_at"] > raw.ends_at - pd.Timedelta(days=180)]
    said = said.assign(day=said["sent_at"].dt.normalize()).sort_values(["member_id", "sent_at"])
    visit = said[["member_id", "day"]].drop_duplicates()
    visit["gap"] = visit.groupby("member_id")["day"].diff().dt.days
    regular = visit.groupby("member_id").agg(active_days=("day", "size"), day=("day", "max"), gap=("gap", "median"))
    silent = (raw.ends_at.normalize() - regular["day"]).dt.days
    regular = regular[(regular["active_days"] >= 5) & (silent >= (3 * regular["gap"]).clip(lower=14))]
    last = said.drop_duplicates("member_id", keep="last")[["member_id", "sent_at", "text"]]
    found = regular[["active_days"]].reset_index().merge(last, on="member_id").rename(columns={"sent_at": "last_at"})
    return found.sort_values(["active_days", "last_at", "member_id"], ascending=[False, True, True]).head(raw.listed)


def net_sentiment(raw: Raw) -> pd.DataFrame:
    """Positive less negative."""
    label = _members(raw, "text_key").merge(raw.scores[["text_key", "label"]], on="text_key", how="left")
    told = pd.DataFrame(
        {
            "week": label["week"],
            "positive": label["label"] == "positive",
            "negative": label["label"] == "negative",
            "known": label["label"].notna(),
        }
    ).groupby("week")
    sums = told.sum()
    points = 100 * (sums["positive"] - sums["negative"]) / sums["known"]
    return pd.DataFrame({"points": points, "messages": told.size()}).reset_index()


def conversation_share(raw: Raw) -> pd.DataFrame:
    """Staff messages where a member has spoken before."""
    said = _spoken(raw)
    opened = said[~said["is_staff"]].groupby("conversation_id")["sent_at"].min()
    said = said[said["is_staff"]]
    is_answer = said["conversation_id"].map(opened) < said["sent_at"]
    return is_answer.groupby(said["week"]).agg(share="mean", messages="size").reset_index()


def newcomer_welcome(raw: Raw) -> pd.DataFrame:
    """First posts answered in a day."""
    newcomer = _newcomers(raw)
    newcomer = newcomer[newcomer["sent_at"] <= raw.ends_at - pd.Timedelta(hours=24)]
    return newcomer.groupby("week")["is_welcomed"].agg(share="mean", newcomers="size").reset_index()


def newcomer_return(raw: Raw) -> pd.DataFrame:
    """Newcomers back within 28 days, welcomed or not."""
    newcomer = _newcomers(raw)
    newcomer = newcomer[newcomer["sent_at"] <= raw.ends_at - pd.Timedelta(days=28)]
    later = _members(raw).merge(newcomer[["member_id", "sent_at"]], on="member_id", suffixes=("", "_first"))
    since, until = later["sent_at_first"].dt.normalize() + pd.Timedelta(days=1), pd.Timedelta(days=28)
    is_back = (later["sent_at"] >= since) & (later["sent_at"] <= later["sent_at_first"] + until)
    told = newcomer.assign(is_back=newcomer["member_id"].isin(later.loc[is_back, "member_id"]))
    return told.groupby(["week", "is_welcomed"])["is_back"].agg(share="mean", newcomers="size").reset_index()


def relationship_depth(raw: Raw) -> pd.DataFrame:
    """Pairs of a week, judged by the 90 days up to its end."""
    said = _spoken(raw)
    said = said[said["conversation_id"].notna()].sort_values(["conversation_id", "sent_at"])
    to = said.groupby("conversation_id")["member_id"].shift()
    is_reply = to.notna() & (to != said["member_id"])
    said, to = said[is_reply], to[is_reply]
    is_forth = said["member_id"] < to
    reply = pd.DataFrame(
        {
            "one": said["member_id"].where(is_forth, to),
            "other": to.where(is_forth, said["member_id"]),
            "day": said["sent_at"].dt.normalize(),
            "forth": is_forth,
            "back": ~is_forth,
        }
    )
    days = reply.groupby(["one", "other", "day"]).max().reset_index()
    weeks = days[["one", "other"]].assign(week=_week(days["day"])).drop_duplicates()
    both = weeks.merge(days, on=["one", "other"])
    age = (both["day"] - both["week"]).dt.days
    judged = (
        both[age.between(-83, 6)]
        .groupby(["one", "other", "week"])
        .agg(forth=("forth", "max"), back=("back", "max"), days=("day", "size"))
    )
    judged["two_way_share"] = judged["forth"] & judged["back"]
    judged["deep_pairs"] = judged["two_way_share"] & (judged["days"] >= 3)
    return (
        judged.groupby("week")
        .agg(pairs=("days", "size"), deep_pairs=("deep_pairs", "sum"), two_way_share=("two_way_share", "mean"))
        .reset_index()
    )


def coverage_by_hour(raw: Raw) -> pd.DataFrame:
    """Asks and staff by hour of the week."""
    asked = _old(_answered(raw), raw, 4)
    told = (asked["hours"] <= 4).groupby(_hour(asked["sent_at"])).agg(asks="size", share="mean")
    said = _spoken(raw)
    said = said[said["is_staff"]]
    staff = said["member_id"].groupby(_hour(said["sent_at"])).nunique()
    told = told.assign(staff=staff).fillna({"staff": 0}).rename_axis("hour").reset_index()
    return told.assign(weekday=told["hour"] // 24 + 1, hour=told["hour"] % 24)


def detractor_recovery(raw: Raw) -> pd.DataFrame:
    """Unhappy asks: answered, spoken of again, ended better."""
    label = raw.scores.set_index("text_key")["label"]
    asked = _old(_answered(raw, "text_key"), raw, 168)
    asked = asked[asked["text_key"].map(label) == "negative"]
    again = _again(raw, asked, 168, "text_key").sort_values("sent_at").drop_duplicates("conversation_id", keep="last")
    ended = again.set_index("conversation_id")["text_key"].map(label).reindex(asked["message_id"])
    steps = pd.DataFrame(
        {
            "week": asked["week"],
            "answered": asked["hours"] <= 168,
            "spoke_again": asked["message_id"].isin(again["conversation_id"]),
            "recovered": (ended.notna() & (ended != "negative")).to_numpy(),
        }
    ).groupby("week")
    return steps.sum().assign(negative=steps.size()).reset_index()


def praise_thanked(raw: Raw) -> pd.DataFrame:
    """Praise that staff thanked for within three days."""
    said = _spoken(raw, "text", "text_key")
    pleased = raw.scores.loc[raw.scores["positive"] >= 0.6, "text_key"]
    praise = said[~said["is_staff"] & said["text_key"].isin(pleased) & said["text"].str.strip().str.contains(" ")]
    praise = _old(praise, raw, 72)
    staff = said.loc[said["is_staff"], ["conversation_id", "sent_at"]].dropna()
    reply = praise[["message_id", *staff.columns]].merge(staff, on="conversation_id", suffixes=("", "_reply"))
    later = reply["sent_at_reply"] - reply["sent_at"]
    thanked = reply.loc[(later > pd.Timedelta(0)) & (later <= pd.Timedelta(hours=72)), "message_id"]
    reacted = raw.reactions.loc[raw.reactions["member_id"].isin(raw.staff()), "message_id"]
    is_thanked = praise["message_id"].isin(thanked)
    is_reacted_only = praise["message_id"].isin(reacted) & ~is_thanked
    told = praise.assign(thanked=is_thanked, reacted_only=is_reacted_only).groupby("week")
    return told.agg(
        thanked=("thanked", "sum"), reacted_only=("reacted_only", "sum"), praise=("thanked", "size")
    ).reset_index()


def staff_presence(raw: Raw) -> pd.DataFrame:
    """Who of the team was there, on which days, and what they said."""
    said = _spoken(raw, "text", "parent_id")
    said = said[said["is_staff"]].sort_values(["sent_at", "message_id"])
    is_substantive = (said["text"].str.len() >= 20) & ~said["text"].duplicated()
    said = said.assign(day=said["sent_at"].dt.normalize(), is_substantive=is_substantive)
    reply = said[said["parent_id"].notna()].groupby("week")
    told = {
        "people": reply["member_id"].nunique(),
        "days": said.groupby("week")["day"].nunique(),
        "replies": reply.size(),
        "substantive": reply["is_substantive"].sum(),
    }
    return pd.DataFrame(told).fillna(0).reset_index()


def unanswered_then_lost(raw: Raw) -> pd.DataFrame:
    """Members whose last words before 28 days of silence were an ask that nobody answered."""
    said = _members(raw).sort_values(["member_id", "sent_at"])
    next_at = said.groupby("member_id")["sent_at"].shift(-1).fillna(raw.ends_at)
    last = said[next_at - said["sent_at"] >= pd.Timedelta(days=28)]
    asked = _answered(raw)
    last = last[last["member_id"].isin(asked["member_id"])]
    hours = asked.set_index("message_id")["hours"].fillna(NEVER)
    told = (last["message_id"].map(hours) > 28 * 24).groupby(last["week"])
    return told.agg(lost="sum", lapsed="size").reset_index()


def data_trust(raw: Raw) -> pd.DataFrame:
    """How complete, and how fresh."""
    said = raw.messages[raw.messages["kind"] == "message"]
    is_bot = said["member_id"].isin(raw.members.loc[raw.members["is_bot"], "member_id"])
    is_known, is_staff = said["member_id"].notna(), said["member_id"].isin(raw.staff())
    heard = said.loc[is_known & ~is_bot & ~is_staff, "text_key"].isin(
        raw.scores.loc[raw.scores["label"].notna(), "text_key"]
    )
    told = {
        "source_key": said["source_key"].iloc[0],
        "as_of": said["sent_at"].max(),
        "days": said["sent_at"].dt.normalize().nunique(),
        "bot_share": is_bot.mean(),
        "unknown_member_share": (~is_known).mean(),
        "unclassified_share": 1 - heard.mean(),
        "messages": len(said),
    }
    return pd.DataFrame([told])


def _spoken(raw: Raw, *columns: str) -> pd.DataFrame:
    """What people said, with the columns that the question needs."""
    wanted = list(dict.fromkeys(("message_id", "member_id", "conversation_id", "sent_at", *columns)))
    bots = raw.members.loc[raw.members["is_bot"], "member_id"]
    messages = raw.messages
    is_said = (messages["kind"] == "message") & messages["deleted_at"].isna() & messages["member_id"].notna()
    said = messages.loc[is_said & ~messages["member_id"].isin(bots), wanted]
    return said.assign(is_staff=said["member_id"].isin(raw.staff()), week=_week(said["sent_at"]))


def _members(raw: Raw, *columns: str) -> pd.DataFrame:
    said = _spoken(raw, *columns)
    return said[~said["is_staff"]]


def _openers(raw: Raw, *columns: str) -> pd.DataFrame:
    said = _members(raw, "text", "parent_id", *columns)
    return said[said["parent_id"].isna() & said["text"].str.contains("?", regex=False)]


def _answered(raw: Raw, *columns: str) -> pd.DataFrame:
    """One row an opener, with its first answer."""
    asked = _openers(raw, *columns)
    first = _first_reply(raw, asked.assign(conversation_id=asked["message_id"]))
    asked = asked.merge(first, on="message_id", how="left")
    is_staff_first = asked["answered_by"].isin(raw.staff())
    return asked.assign(is_staff_first=is_staff_first, hours=_hours(asked["answered_at"] - asked["sent_at"]))


def _first_reply(raw: Raw, posts: pd.DataFrame) -> pd.DataFrame:
    """message_id of those posts that anybody else spoke after, in their conversation: answered_at, answered_by."""
    said = _spoken(raw)[["conversation_id", "member_id", "sent_at"]].dropna()
    posts = posts[["message_id", "conversation_id", "member_id", "sent_at"]]
    reply = said.merge(posts, on="conversation_id", suffixes=("", "_asked"))
    reply = reply[(reply["member_id"] != reply["member_id_asked"]) & (reply["sent_at"] > reply["sent_at_asked"])]
    reply = reply.sort_values("sent_at").drop_duplicates("message_id")
    return reply[["message_id", "sent_at", "member_id"]].set_axis(["message_id", "answered_at", "answered_by"], axis=1)


def _again(raw: Raw, asked: pd.DataFrame, hours: int, *columns: str) -> pd.DataFrame:
    """What askers said after the first answer, so many hours after asking at most."""
    asked = asked.loc[asked["answered_at"].notna(), ["message_id", "member_id", "sent_at", "answered_at"]]
    keys = ["conversation_id", "member_id"]
    said = _spoken(raw, *columns).merge(
        asked.rename(columns={"message_id": "conversation_id"}), on=keys, suffixes=("", "_asked")
    )
    until = said["sent_at_asked"] + pd.Timedelta(hours=hours)
    return said[(said["sent_at"] > said["answered_at"]) & (said["sent_at"] <= until)]


def _newcomers(raw: Raw) -> pd.DataFrame:
    """Members' first posts, and whether anybody answered in a day."""
    first = _members(raw).sort_values("sent_at").drop_duplicates("member_id")
    first = first[first["sent_at"] >= raw.messages["sent_at"].min() + pd.Timedelta(days=60)]
    posts = first.assign(conversation_id=first["conversation_id"].fillna(first["message_id"]))
    found = first.merge(_first_reply(raw, posts), on="message_id", how="left")
    return found.assign(is_welcomed=found["answered_at"] <= found["sent_at"] + pd.Timedelta(hours=24))


def _member_weeks(raw: Raw) -> pd.DataFrame:
    return _members(raw)[["member_id", "week"]].drop_duplicates().sort_values(["member_id", "week"])


def _in_time(asked: pd.DataFrame, hours: int, ends_at: pd.Timestamp) -> pd.DataFrame:
    asked = asked[asked["sent_at"] <= ends_at - pd.Timedelta(hours=hours)]
    return (asked["hours"] <= hours).groupby(asked["week"]).agg(share="mean", asks="size").reset_index()


def _old(asked: pd.DataFrame, raw: Raw, hours: int) -> pd.DataFrame:
    return asked[asked["sent_at"] <= raw.ends_at - pd.Timedelta(hours=hours)]


def _week(at: pd.Series) -> pd.Series:
    return at.dt.normalize() - pd.to_timedelta(at.dt.day_of_week, unit="D")


def _hour(at: pd.Series) -> pd.Series:
    return at.dt.day_of_week * 24 + at.dt.hour


def _hours(wait: pd.Series) -> pd.Series:
    return wait.dt.total_seconds() / 3600
