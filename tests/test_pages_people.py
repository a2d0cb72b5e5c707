"""Pages about people: a member's page, who talks with whom, who answers, and what they must not tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import plotly.graph_objects as go
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from data.demo import Community
from data.identities import Identities
from data.settings import Settings
from data.store import Store
from ingest.load import Job, load, load_demo
from ingest.progress import Progress
from metrics.metric import Question, ask
from pages import _ask, _figures
from tests import sparse
from tests.test_pages import FRAME, words

Open = Callable[..., AppTest]
PEOPLE_PAGES = ("member.py", "people_to_reach.py", "relationships.py", "responsiveness.py")
OTHERS = ("returning_members.py", "definitions.py", "vanity_drawer.py")
EVIL = "**x** [y](https://evil.example) <b onclick=alert(1)> $1 :red[z] ![p](https://evil.example/p.png)"


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page over a folder's data, at an address."""

    def open_page(folder: Path, page: str = "member.py", **address: str) -> AppTest:
        monkeypatch.setenv("HEARTH_DATA", str(folder))
        app = AppTest.from_file(str(FRAME), default_timeout=60).run()
        app.switch_page(page)
        app.query_params.update(address)
        app.run()
        assert not app.exception
        assert not app.warning, "no card failed"
        return app

    return open_page


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A small made-up community in three places."""
    store = _ask._store(tmp_path_factory.mktemp("people"))
    load_demo(store, Settings(), Progress(True), Community(days=150, asks_a_day=4.0))
    return store


# Ann asks three times: Sue of the team answers after 2 h, Ben after 30 min, nobody the third. She answers Ben, twice.
ANN = [
    {"id": "a", "by": "ann", "at": "2026-10-05T09:00Z", "in": "a", "text": "How do I bend it?", "permalink": "https://f.example/a"},
    {"id": "a1", "by": "staff_sue", "at": "2026-10-05T11:00Z", "in": "a", "to": "a", "text": "Warm it first."},
    {"id": "a2", "by": "ann", "at": "2026-10-05T12:00Z", "in": "a", "to": "a1", "text": "And if it still breaks?"},
    {"id": "b", "by": "ben", "at": "2026-10-06T09:00Z", "in": "b", "text": "Where is the door?"},
    {"id": "b1", "by": "ann", "at": "2026-10-06T10:00Z", "in": "b", "to": "b", "text": "Round the back."},
    {"id": "c", "by": "ann", "at": "2026-10-07T09:00Z", "in": "c", "text": "Which glue holds?"},
    {"id": "c1", "by": "ben", "at": "2026-10-07T09:30Z", "in": "c", "to": "c", "text": "The one with patience."},
    {"id": "d", "by": "ben", "at": "2026-10-08T09:00Z", "in": "d", "text": "Where is the key?"},
    {"id": "d1", "by": "ann", "at": "2026-10-08T10:00Z", "in": "d", "to": "d", "text": "Under the mat."},
    {"id": "e", "by": "ann", "at": "2026-10-13T09:00Z", "in": "e", "text": "Is anybody there?"},
    {"id": "f", "by": "ann", "at": "2026-10-14T09:00Z", "in": "f", "text": "A secret", "deleted": "2026-10-14T10:00Z"},
    {"id": "g", "by": "bot_feed", "at": "2026-10-15T09:00Z", "in": "g", "text": "beep"},
    {"id": "h", "by": "annie", "at": "2026-10-15T10:00Z", "in": "h", "text": "Are there kits?", "platform": "discord"},
]  # fmt: skip


@pytest.fixture
def ann(tmp_path: Path) -> Store:
    sparse.put(tmp_path / "ann", ANN, until="2026-10-20T00:00Z")
    return _ask._store(tmp_path / "ann")


def links(app: AppTest) -> dict[str, str]:
    """Whose page each link of a page opens."""
    return {each.value.strip("*"): parse_qs(each.proto.query_string).get("member", [""])[0] for each in app.page_link}


def drawn(app: AppTest, index: int) -> dict[str, Any]:
    figure: dict[str, Any] = json.loads(app.get("plotly_chart")[index].proto.spec)
    go.Figure(figure)
    return figure


# A member's page ----------------------------------------------------------------------------------------------------


def test_a_members_page_tells_what_became_of_what_they_said(see: Open, ann: Store) -> None:
    """Two of three asks have a reply, one of them of the team's; a follow-up waits; newest first."""
    app = see(ann.folder, member="forum:acme:ann")
    said = words(app)
    assert "Ann was here on 5 days, and asked 3 times: 2 have a reply." in said
    assert {card.label: card.value for card in app.metric} == {
        "Visits": "5",
        "Asks answered": "2 of 3",
        "Half within": "2 h",
        "Talks with": "2",
    }
    assert "**Staff\\_Sue** of the team replied after 2 h · ask: question" in said
    assert "**Ben** replied after 30 min · ask: question" in said
    assert "**No reply for 14 days** · follow-up: more to say" in said
    shown = [each.value for each in app.text]
    assert [text for text in shown if text.endswith("?")] == [
        "Is anybody there?", "Which glue holds?", "And if it still breaks?", "How do I bend it?",
    ]  # fmt: skip
    assert shown[shown.index("How do I bend it?") + 1] == "Warm it first."
    assert "This message was deleted." in shown
    assert "A secret" not in said
    assert [link.proto.url for link in app.get("link_button")] == ["https://f.example/a"]


def test_the_timeline_can_be_narrowed_to_what_still_waits(see: Open, ann: Store) -> None:
    app = see(ann.folder, member="forum:acme:ann")
    app.session_state["only forum:acme:ann"] = "Without a reply"
    app.run()
    assert [each.value for each in app.text] == ["Is anybody there?", "And if it still breaks?"]


def test_it_tells_whom_they_talk_with_and_leads_there(see: Open, ann: Store) -> None:
    """Ben: one reply from him and two back, on three days both ways. Sue: one of hers, one back, on one day."""
    app = see(ann.folder, member="forum:acme:ann")
    assert links(app) == {"Find somebody else": "", "Ben": "forum:acme:ben", "Staff\\_Sue": "forum:acme:staff_sue"}
    said = words(app)
    assert "1 reply from them, 2 back, on 3 days, last on 8 Oct 2026; first to answer 1 ask, after 30 min" in said
    assert "1 reply from them, 1 back, on 1 day" in said
    assert ":small[deep]" in said
    assert ":small[of the team]" in said


def test_the_pictures_of_a_members_weeks_are_what_they_did(see: Open, ann: Store) -> None:
    """Three days in the first week, two... of which one was all deleted: only one counts in the second."""
    app = see(ann.folder, member="forum:acme:ann")
    assert drawn(app, 0)["data"][0]["y"] == [4, 1]
    assert "How they sound is unknown: none of their messages is classified." in words(app)


def test_how_somebody_sounds_is_a_hint(see: Open, tmp_path: Path) -> None:
    rows = [{"by": "ann", "at": f"2026-10-0{day}T09:00Z", "id": f"{day}", "sounds": "positive"} for day in (5, 6)]
    sparse.load(_ask._store(tmp_path), rows, until="2026-10-20T00:00Z")
    said = words(see(tmp_path, member="forum:acme:ann"))
    assert "2 of 2 messages sound positive, 0 negative" in said
    assert "Of one person it is a hint, not a finding." in said


def test_many_messages_come_a_page_at_a_time(see: Open, tmp_path: Path) -> None:
    """40 of them: the third page has the ten oldest."""
    rows = [
        {"by": "ann", "at": f"2026-10-05T{9 + n // 60:02}:{n % 60:02}Z", "id": f"{n}", "text": f"Line {n}"}
        for n in range(40)
    ]
    sparse.load(_ask._store(tmp_path), rows, until="2026-10-20T00:00Z")
    app = see(tmp_path, member="forum:acme:ann")
    assert [each.value for each in app.text] == [f"Line {n}" for n in range(39, 24, -1)]
    app.session_state["page forum:acme:ann "] = 3
    app.run()
    assert [each.value for each in app.text] == [f"Line {n}" for n in range(9, -1, -1)]


def test_without_an_address_somebody_is_found_by_name(see: Open, ann: Store) -> None:
    """Never a bot, and nobody on a platform where members are not followed."""
    app = see(ann.folder)
    assert list(links(app)) == ["Ann", "Ben", "Staff\\_Sue"], "the last to speak first"
    assert "Without Discord: the platform's terms forbid" in words(app)
    app.text_input(key="find").set_value("BE").run()
    assert links(app) == {"Ben": "forum:acme:ben"}
    app.text_input(key="find").set_value("' or 1=1 --").run()
    assert "Nobody is called so." in words(app)


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("forum:acme:nobody", "Nobody here has this account"),
        ("forum:acme:bot_feed", "is a bot, and has no page"),
        ("<b>", "Nobody here has this account"),
    ],
)
def test_an_account_without_a_page_says_why(see: Open, ann: Store, account: str, said: str) -> None:
    assert said in words(see(ann.folder, member=account))


def test_members_are_not_shown_where_terms_forbid_it_until_the_settings_say_so(
    see: Open, ann: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says why and which setting; nothing of the person is on the page."""
    app = see(ann.folder, member="discord:acme:annie")
    said = words(app)
    assert "Single members of Discord are not shown" in said
    assert "take it out of `no_profiles` under `[privacy]` in `hearth.toml`" in said
    assert "Annie" not in said
    assert "kits" not in said
    (tmp_path / "hearth.toml").write_text("[privacy]\nno_profiles = []\n", "utf-8")
    monkeypatch.setenv("HEARTH_SETTINGS", str(tmp_path / "hearth.toml"))
    assert "Annie was here on 1 day, and asked 1 time: it has no reply." in words(
        see(ann.folder, member="discord:acme:annie")
    )


def test_a_merged_persons_page_leaves_the_closed_platforms_account_out(see: Open, ann: Store) -> None:
    """Annie is Ann, somebody says: her page has Ann's words, and of Discord only that there is an account."""
    Identities(ann, _ask._marks(ann.folder)).decide("same", "forum:acme:ann", "discord:acme:annie", "Ana")
    with ann.loading(Settings()) as loader:
        loader.derive()
        loader.publish()
    app = see(ann.folder, member="forum:acme:ann")
    said = words(app)
    assert "Ann was here on 5 days, and asked 3 times" in said
    assert "kits" not in said
    assert "Annie" not in said
    assert "1 account of platforms whose members are not followed" in said


def test_accounts_that_may_be_the_same_persons_are_a_question(see: Open, tmp_path: Path) -> None:
    """With the command that answers it, quoted for a shell, whatever the account is called."""
    rows = [
        {"by": "quillan", "at": "2026-10-05T09:00Z", "id": "1"},
        {"by": "u'; rm -rf ~", "at": "2026-10-05T10:00Z", "id": "2", "platform": "slack"},
    ]
    members = [{"id": "quillan", "name": "Quillan Zed"}, {"id": "u'; rm -rf ~", "name": "Quillan Zed"}]
    sparse.load(_ask._store(tmp_path), rows, members=members, until="2026-10-20T00:00Z")
    app = see(tmp_path, member="forum:acme:quillan")
    app.session_state["same forum:acme:quillan"] = True
    app.run()
    assert """people same forum:acme:quillan 'slack:acme:u'"'"'; rm -rf ~' --by""" in words(app)


# Lists and pictures of people ---------------------------------------------------------------------------------------


def test_who_answers_is_counted_as_the_metric_counts(see: Open, demo: Store) -> None:
    """The first of the list is the busiest of responder_load, over the platforms that may name people."""
    since, until = date(2026, 5, 18), date(2026, 11, 16)
    question = Question("responder_load", since, until, platforms=("mail", "slack"))
    told = ask(demo, Settings(), question).rows.row(by_predicate=pl.col("week").is_null(), named=True)
    app = see(demo.folder, "responsiveness.py")
    places = {"platforms": ("mail", "slack"), "sources": (), "channels": ()}
    rows = demo.read("responders", **places, since=since, until=until, zone="UTC", inferred=False, limit=3)
    assert rows["replies"][0] / rows["of_all"][0] == pytest.approx(told["top1_share"])
    assert rows["replies"].sum() / rows["of_all"][0] == pytest.approx(told["top3_share"])
    assert rows["of_all"][0] == told["replies"]
    assert f"{rows['name'][0]} answered first most often: {rows['replies'][0]} of {told['replies']} times" in words(app)
    assert rows["account"][0] in [parse_qs(each.proto.query_string)["member"][0] for each in app.page_link]


def test_asks_of_all_members_are_the_metrics_asks(demo: Store) -> None:
    """Each member's page counts their own; all together they are reply_rate's."""
    (rate,) = ask(demo, Settings(), Question("reply_rate", hours=24.0)).rows.filter(pl.col("week").is_null()).to_dicts()
    people = demo.query((Path(__file__).parent / "askers.sql").read_text("utf-8"))["person"]
    counted = pl.concat(demo.read("member_asks", person=person, closed=()) for person in people)
    assert counted["old_enough"].sum() == rate["asks"]
    assert counted["in_a_day"].sum() == rate["answered"]


def test_follow_ups_left_open_are_those_nobody_answered(see: Open, tmp_path: Path) -> None:
    """Ann asks on in two conversations; in one of them Ben goes on too. Thanks wait for nothing."""
    more = [
        {"id": "c2", "by": "ann", "at": "2026-10-07T10:00Z", "in": "c", "to": "c1", "text": "And which brush?"},
        {"id": "c3", "by": "ben", "at": "2026-10-07T11:00Z", "in": "c", "to": "c2", "text": "A soft one."},
        {"id": "c4", "by": "ann", "at": "2026-10-07T12:00Z", "in": "c", "to": "c3", "text": "Thank you!"},
    ]
    sparse.load(_ask._store(tmp_path), [*ANN, *more], until="2026-10-20T00:00Z")
    app = see(tmp_path, "responsiveness.py")
    assert "1 follow-up is left open" in words(app)
    assert [each.value for each in app.text] == ["And if it still breaks?"]


def test_pairs_are_named_and_drawn_and_lead_to_their_pages(see: Open, ann: Store) -> None:
    """Ann and Ben on three days, both ways; Ann and Sue on one. A diamond is the team."""
    app = see(ann.folder, "relationships.py")
    assert re.search(r"1 pair talks often and both ways in 90 days; (Ann and Ben|Ben and Ann) on 3 days", words(app))
    figure = next(each for each in map(drawn, [app] * 8, range(8)) if each["layout"].get("shapes"))
    assert len(figure["layout"]["shapes"]) == 2
    assert sorted(note["text"] for note in figure["layout"]["annotations"]) == ["Ann", "Ben", "Staff_Sue"]
    assert sorted(figure["data"][0]["marker"]["symbol"]) == ["circle", "circle", "diamond"]
    assert links(app)["Ben"] == "forum:acme:ben"


def test_pairs_are_not_told_where_members_may_not_be_followed(see: Open, tmp_path: Path) -> None:
    sparse.load(_ask._store(tmp_path), [row | {"platform": "discord"} for row in ANN], until="2026-10-20T00:00Z")
    for page, said in (("relationships.py", "Who talks with whom"), ("responsiveness.py", "Who answers")):
        app = see(tmp_path, page)
        assert f"{said} is not told here" in words(app)
        assert links(app) == {}


def pairs(count: int) -> pl.DataFrame:
    """Everybody talks with the next but one, on fewer and fewer days."""
    rows = [
        {
            "name": f"Name number {n}", "role": "staff" if n % 7 == 0 else "member", "account": f"slack:t:{n:02}",
            "other_name": f"Name number {n + 2}", "other_role": "member", "other_account": f"slack:t:{n + 2:02}",
            "days": max(3, count - n), "one_to_other": 3, "other_to_one": 2,
        }
        for n in range(count)
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_names_round_a_ring_never_touch(count: int) -> None:
    """On each side they stand at heights of their own, a line of text apart; there are not too many; and it is
    the same picture every time."""
    figure = _figures.figure(pairs(count), _figures.Web(), _figures.LIGHT)
    assert figure == _figures.figure(pairs(count), _figures.Web(), _figures.LIGHT)
    go.Figure(figure)
    notes = figure["layout"]["annotations"]
    assert len(notes) <= _figures.KNOTS
    for side in ("left", "right"):
        heights = sorted(note["y"] for note in notes if note["xanchor"] == side)
        pixels = [(high - low) / 2.1 * (figure["layout"]["height"] - 30) for low, high in pairwise(heights)]
        assert min(pixels, default=99) > 26, "two lines of small text"
    knots = set(zip(figure["data"][0]["x"], figure["data"][0]["y"], strict=True))
    assert len(knots) == len(notes)
    assert len(figure["layout"]["shapes"]) == sum(
        len({row["account"], row["other_account"]} & {f"slack:t:{n:02}" for n in range(count + 2)}) == 2
        for row in _figures._in_view(pairs(count))
    )


def test_who_stayed_away_is_not_a_number_below_zero() -> None:
    """The axis counts up from its line and down from it."""
    rows = pl.DataFrame({"week": [date(2026, 10, 5)], "new": [120], "lapsed": [80]})
    figure = _figures.figure(rows, _figures.Stack(("new",), "lapsed"), _figures.LIGHT)
    axis = figure["layout"]["yaxis"]
    assert dict(zip(axis["tickvals"], axis["ticktext"], strict=True)) == {
        -50: "50",
        0: "0",
        50: "50",
        100: "100",
        150: "150",
    }


# All pages of people ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PEOPLE_PAGES)
def test_no_name_or_word_becomes_markup_or_a_door(see: Open, tmp_path: Path, page: str) -> None:
    """A name, a title, a text and an address, all hostile, in every list of people."""
    rows = [row | {"title": EVIL, "text": f"{EVIL}?", "permalink": "javascript:alert(1)"} for row in ANN]
    members = [{"id": who, "name": EVIL} for who in ("ann", "ben", "staff_sue", "annie")]
    sparse.load(_ask._store(tmp_path), rows, members=members, until="2026-10-20T00:00Z")
    for address in ({}, {"member": "forum:acme:ann"}) if page == "member.py" else ({},):
        app = see(tmp_path, page, **address)
        written = [*app.markdown, *app.caption, *app.subheader, *app.page_link, *app.expander]
        told = "\n".join(getattr(each, "value", "") or getattr(each, "label", "") for each in written)
        assert r"\*\*x\*\*" in told
        unescaped = re.sub(r"\\.", "", told)
        assert not any(mark in unescaped for mark in ("**x**", "[y]", "<b", "://", ":red", "![p"))
        assert app.get("link_button") == []
        figures = "".join(each.proto.spec for each in app.get("plotly_chart"))
        assert "<b onclick" not in figures


@pytest.mark.parametrize("page", [*PEOPLE_PAGES, *OTHERS])
def test_a_page_stands_over_the_demo(see: Open, demo: Store, page: str) -> None:
    app = see(demo.folder, page)
    assert app.subheader


def test_an_empty_hearth_has_no_members(see: Open, tmp_path: Path) -> None:
    assert "Load your first export" in words(see(tmp_path, member="forum:acme:ann"))


def test_pages_of_people_stand_over_real_exports(see: Open, samples: Path, tmp_path: Path) -> None:
    """Of two platforms; and each of the last to speak has a page."""
    store = _ask._store(tmp_path)
    real = ("slack/hfaran+slack-export-viewer", "mailman_pipermail")
    load(Job([samples / each for each in real]), store, Settings(), Progress(True))
    for page in (*PEOPLE_PAGES, *OTHERS):
        see(tmp_path, page)
    found = store.read("members_named", text="", closed=(), limit=2)
    for account, name in found.select("account", "name").iter_rows():
        app = see(tmp_path, member=account)
        assert " was here on " in app.subheader[0].value, name
