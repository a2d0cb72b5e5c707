"""Who is this? What one member said, who answered and how soon, and whom they know."""

from __future__ import annotations

import shlex

import polars as pl
import streamlit as st

from pages import _ask, _figures, _filters, _show, _words
from pages._ask import Row
from pages._safe import gist, label, line, plain, web_link

FOUND = 20
"""So many people are listed when somebody looks for one."""
PAGE = 15
"""So many messages stand on one page of the timeline."""
MET = 10
"""So many people are listed whom somebody talks with."""
LONGEST = 1200
"""So many letters of a message are shown; the platform has the rest."""
ONLY = {"Everything": "", "Asks": "asks", "Without a reply": "waiting"}


def page() -> None:
    """Draw the member whom the address asks for, or a way to find one."""
    account = _filters.member()
    found = _ask.read("member", account=account).to_dicts() if account else []
    if not account:
        _find("Whose page?")
    elif not found:
        _find("Nobody here has this account")
        st.text(line(account))
    elif found[0]["platform"] in _ask.closed():
        st.subheader(f"Single members of {label(_words.platform(found[0]['platform']))} are not shown")
        st.markdown(f"{_show.WHY_CLOSED[0].upper()}{_show.WHY_CLOSED[1:]}. What counts many people together stays.")
    elif found[0]["role"] == "bot":
        st.subheader(f"{label(found[0]['name'] or 'This account')} is a bot, and has no page")
    else:
        _draw(found)


def _find(title: str) -> None:
    """A search by name, and who was found, the last to speak first."""
    sought = _filters.sought("Find somebody by name", "such as Ana")
    st.subheader(title)
    closed = _ask.closed()
    people = _ask.read("members_named", text=sought, closed=closed, limit=FOUND).to_dicts()
    if not people:
        st.markdown("Nobody is called so. Fewer letters may find more.")
    elif not sought:
        st.caption("The last to speak:")
    for row in people:
        _show.somebody(row["name"] or "Somebody", _apart(row), row["account"], row["platform"])
    shut = sorted(set(_ask.read("sources")["platform"]) & set(closed))
    if shut:
        st.caption(_show.left_out(shut))


def _apart(row: Row) -> str:
    """What tells somebody from others of the same name: where, the handle, how much they said, and when last."""
    told = [label(_words.platform(row["platform"])), label(row["source_name"], 40)]
    told += [f"@{label(row['handle'], 40)}"] if row["handle"] else []
    last = _words.day(row["last_at"].astimezone(_ask.state().settings.zone))
    return ", ".join([*told, _words.count(row["messages"], "message"), f"last on {last}"])


def _draw(found: list[Row]) -> None:
    """Somebody's page: in words, in numbers, what was said, and with whom."""
    open_ones = [row for row in found if row["platform"] not in _ask.closed()]
    who = {"person": found[0]["person"], "closed": _ask.closed()}
    (asks,) = _ask.read("member_asks", **who).to_dicts()
    met = _ask.read("member_met", **who, limit=MET).to_dicts()
    st.subheader(_sentence(open_ones, asks))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_reach(open_ones), width="content")
        st.page_link("member.py", label="Find somebody else", query_params=_filters.to_member(""))
    with st.grid(4, min_column_width=170):
        for title, card in _cards(open_ones, asks, met).items():
            _show.card(title, *card)
    left, right = st.columns([3, 2], gap="medium")
    with left, _show.contained("What they said"):
        _timeline(open_ones, who)
    with right:
        with _show.contained("Whom they talk with"), st.container(border=True):
            _met(met)
        with _show.contained("Their weeks"):
            _weeks(who)
        with _show.contained("Their accounts"), st.container(border=True):
            _accounts(open_ones, len(found) - len(open_ones))


# In words and numbers ---------------------------------------------------------------------------


def _sentence(accounts: list[Row], asks: Row) -> str:
    """Who, how often here, and how their asks fared."""
    team = " of the team" if accounts[0]["role"] == "staff" else ""
    here = f"{_name(accounts[0])}{team} was here on {_words.count(asks['visits'], 'day')}"
    if not asks["asks"]:
        return f"{here}, and has asked nothing."
    if asks["answered"] == asks["asks"]:
        fate = "it has a reply" if asks["asks"] == 1 else "all have a reply"
    else:
        fate = f"{asks['answered']:,} have a reply" if asks["answered"] != 1 else "1 has a reply"
        fate = "it has no reply" if asks["asks"] == 1 else fate
    return f"{here}, and asked {_words.count(asks['asks'], 'time')}: {fate}."


def _reach(accounts: list[Row]) -> str:
    """Since when they are known, and until when the data would show them."""
    zone = _ask.state().settings.zone
    first = min(accounts, key=lambda row: row["first_at"])
    since = "First post" if first["is_newcomer_known"] else "First seen"
    until = max(row["as_of"] for row in accounts)
    return f"{since} {_words.moment(first['first_at'], zone)} · data to {_words.moment(until, zone)}"


def _cards(accounts: list[Row], asks: Row, met: list[Row]) -> dict[str, tuple[str, str, str]]:
    """Visits, asks, waits, people: the value, of what it is, and what else there is to say."""
    zone = _ask.state().settings.zone
    first, last = (
        _words.day(pick(row[end] for row in accounts).astimezone(zone))
        for pick, end in ((min, "first_at"), (max, "last_at"))
    )
    messages = _words.count(sum(row["messages"] for row in accounts), "message")
    waiting = asks["asks"] - asks["answered"]
    in_a_day = f"within a day {asks['in_a_day']:,} of {asks['old_enough']:,} old enough"
    of_all, deep = (met[0]["in_all"], met[0]["deep"]) if met else (0, 0)
    return {
        "Visits": (_words.whole(asks["visits"]), f"days, from {first} to {last}", messages),
        "Asks answered": (
            f"{asks['answered']:,} of {asks['asks']:,}" if asks["asks"] else "none asked",
            in_a_day if asks["asks"] else "an ask is what needs a reply",
            f"{waiting:,} without a reply" if asks["asks"] else "",
        ),
        "Half within": (
            _words.wait(asks["hours_p50"], "not yet" if asks["old_enough"] else _words.UNKNOWN),
            f"of {_words.count(asks['old_enough'], 'ask')} at least a day old",
            "those without a reply count as never",
        ),
        "Talks with": (
            _words.whole(of_all),
            f"{'person' if of_all == 1 else 'people'}, {deep:,} of them deeply",
            "both ways, on 3 days of 90",
        ),
    }


# What they said ---------------------------------------------------------------------------------


def _timeline(accounts: list[Row], who: dict[str, str | tuple[str, ...]]) -> None:
    """The messages, the newest first, each with the reply it got; a page at a time."""
    account = accounts[0]["account"]
    with st.container(border=True):
        only = st.segmented_control(
            "What they said", list(ONLY), default="Everything", required=True, key=f"only {account}"
        )
        messages = sum(row["messages"] for row in accounts)
        chosen = ONLY[only or "Everything"]
        number = int(st.session_state.get(f"page {account} {chosen}", 1))
        said = _ask.read("member_said", **who, only=chosen, skip=(number - 1) * PAGE, limit=PAGE + 1).to_dicts()
        if not said:
            st.markdown("Nothing they said has no reply." if chosen == "waiting" else "Nothing here.")
        for message in said[:PAGE]:
            _message(message)
        pages = -(-messages // PAGE) if not chosen else number + (len(said) > PAGE)
        if pages > 1:
            st.pagination(pages, key=f"page {account} {chosen}")


def _message(row: Row) -> None:
    """When and where, the words, what became of them, and a door to the platform."""
    zone = _ask.state().settings.zone
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            marks = [
                _words.moment(row["sent_at"], zone),
                label(row["channel_name"], 40),
                label(_words.platform(row["platform"])),
            ]
            marks += ["edited"] if row["is_edited"] else []
            st.caption(" · ".join(marks), width="content")
            if link := web_link(row["permalink"]):
                st.link_button(f"Open on {label(link[1])}", link[0], type="tertiary")
        if row["title"] and not row["is_deleted"]:
            st.markdown(f"**{label(gist(row['title']))}**")
        st.text("This message was deleted." if row["is_deleted"] else _cut(row["text"]) or _show.UNKEPT)
        _fate(row)


def _fate(row: Row) -> None:
    """What became of it: who replied, after how long and with which words; or for how long it waits."""
    asked = f"{row['what']}: {label(row['reason'] or 'more to say')}" if row["needs_reply"] else ""
    if row["reply_at"] is None:
        if asked:
            st.caption(f"**No reply for {_words.age(row['hours'])}** · {asked}")
        return
    with st.container(border=True, gap="xxsmall"):
        name = label(row["reply_name"] or "Somebody", 60)
        team = " of the team" if row["reply_role"] == "staff" else ""
        st.caption(f"**{name}**{team} replied after {_words.wait(row['hours'])}" + (f" · {asked}" if asked else ""))
        st.text(line(row["reply_text"], 280) or _show.UNKEPT)


def _cut(text: str | None) -> str:
    return plain(text if text is None or len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} …")


# With whom, when, as whom -----------------------------------------------------------------------


def _met(met: list[Row]) -> None:
    """Who answers them and whom they answer, those of the most days first."""
    if not met:
        st.markdown("**No exchange of replies with anybody yet**")
        return
    st.markdown(f"**Talks with {_words.count(met[0]['in_all'], 'person', 'people')}**")
    for row in met:
        with st.container(gap="xxsmall"):
            marks = ["of the team"] * (row["role"] == "staff") + ["deep"] * row["is_deep"]
            _show.somebody(row["name"] or "Somebody", ", ".join(marks), row["account"], "")
            st.caption(_exchange(row))
    if met[0]["in_all"] > len(met):
        st.caption(f"{len(met)} of {met[0]['in_all']:,} in all. Deep: both replied, on 3 or more days of 90.")


def _exchange(row: Row) -> str:
    """How much went to and fro, and how soon they answered."""
    told = f"{_words.count(row['to_them'], 'reply', 'replies')} from them, {row['by_them']:,} back, "
    told += f"on {_words.count(row['days'], 'day')}, last on {_words.day(row['last_day'])}"
    if row["first_answers"]:
        soon = "after" if row["first_answers"] == 1 else "half of them within"
        told += f"; first to answer {_words.count(row['first_answers'], 'ask')}, {soon} {_words.wait(row['hours_p50'])}"
    return told


def _weeks(who: dict[str, str | tuple[str, ...]]) -> None:
    """On how many days of each week they were there, and how they sounded."""
    weeks = _ask.read("member_history", **who)
    there = weeks.filter(pl.col("days") > 0)
    span = f"the last {_words.count(len(weeks), 'covered week')} up to their last post"
    _show.picture(
        weeks,
        _figures.Stack(("days",)),
        f"Here in {len(there):,} of {_words.count(len(weeks), 'week')}",
        f"A bar: the days of a week on which they posted, in {span}.",
        "member-weeks",
    )
    heard = {each: int(weeks[each].sum()) for each in ("positive", "neutral", "negative", "unclassified")}
    total = sum(heard.values())
    if total and total == heard["unclassified"]:
        st.caption("How they sound is unknown: none of their messages is classified.")
    elif total:
        _show.picture(
            weeks,
            _figures.Stack(("positive", "neutral", "unclassified"), "negative"),
            f"{heard['positive']:,} of {_words.count(total, 'message')} sound positive, {heard['negative']:,} negative",
            f"Messages by week, in {span}; negative ones below the line. {_words.SOUNDS} "
            "Of one person it is a hint, not a finding.",
            "member-sounds",
        )


def _accounts(accounts: list[Row], left_out: int) -> None:
    """The accounts that are theirs, those that might be, and how to say so."""
    st.markdown(f"**{_words.count(len(accounts), 'account')}**")
    for row in accounts:
        handle = f", @{label(row['handle'], 40)}" if row["handle"] else ""
        where = f"{label(_words.platform(row['platform']))}, {label(row['source_name'], 40)}"
        st.markdown(f"{_name(row)}{handle} · {where}")
    if left_out:
        st.caption(
            f"{_words.count(left_out, 'account')} of platforms whose members are not followed stay out of this page."
        )
    if len(accounts) > 1:
        st.caption("Somebody said that these are one person's. What was decided, and how to take it back:")
        st.code(".venv/bin/python -m ingest people decided", language="shell")
    asked = st.expander("Could other accounts be theirs?", on_change="rerun", key=f"same {accounts[0]['account']}")
    if asked.open:
        with asked:
            _suggestions([row["account"] for row in accounts])


def _suggestions(mine: list[str]) -> None:
    """Accounts that share something rare with theirs: a question, never an answer."""
    pairs = _ask.suggestions().filter(pl.col("account").is_in(mine) | pl.col("other_account").is_in(mine))
    open_ones = [
        row for row in (_other(pair, mine) for pair in pairs.to_dicts()) if row["platform"] not in _ask.closed()
    ]
    if not open_ones:
        st.markdown("No other account shares a rare name, handle or address with theirs.")
        return
    for row in open_ones[:MET]:
        platform = label(_words.platform(row["platform"]))
        _show.somebody(row["name"] or "Somebody", platform, row["account"], row["platform"])
        st.caption(
            f"Shares {' and '.join(row['shared'])}; {_words.count(row['messages'], 'message')}. If they are one person:"
        )
        accounts = " ".join(shlex.quote(plain(each)) for each in (row["mine"], row["account"]))
        st.code(
            f'.venv/bin/python -m ingest people same {accounts} --by "Your name"', language="shell", wrap_lines=True
        )


def _other(pair: Row, mine: list[str]) -> Row:
    """The account of a pair that is not theirs, and what the two share."""
    far, near = ("other_", "") if pair["account"] in mine else ("", "other_")
    account = pair[f"{far}account"]
    return {
        "name": pair[f"{far}name"], "account": account, "messages": pair[f"{far}messages"],
        "platform": account.partition(":")[0], "mine": pair[f"{near}account"], "shared": pair["shared"],
    }  # fmt: skip


def _name(row: Row) -> str:
    return label(row["name"] or "Somebody", 60)


page()
