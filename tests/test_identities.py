"""One person with several accounts: said by people alone, counted once, and taken back without a trace."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from data.identities import Account, Identities, merged
from data.marks import FILE, Marks, Target
from data.records import Member, Source
from data.store import Chunk, Store
from ingest.__main__ import app
from tests import sparse
from tests.command import hearth
from tests.test_metrics import ALL, rows_of

ACME, BOLT = "forum:acme:", "chat:bolt:"


class Community:
    """A store with its journal, and a person who decides."""

    def __init__(self, folder: Path, rows: Sequence[dict[str, Any]] = (), **options: Any) -> None:
        self.store, self.marks, self.options = Store(folder), Marks(folder), options
        self.identities = Identities(self.store, self.marks)
        if rows:
            self.load(rows)

    def load(self, rows: Sequence[dict[str, Any]]) -> None:
        sparse.load(self.store, rows, **self.options)

    def derive(self) -> None:
        with self.store.loading(sparse.settings()) as loader:
            loader.derive()
            loader.publish()

    def merge(self, *pairs: tuple[str, str]) -> list[int]:
        numbers = [self.identities.decide("same", one, other, "Ana") for one, other in pairs]
        self.derive()
        return numbers

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Every metric, and every table but the ledger, which tells of the loads themselves."""
        names = self.store.query("select table_name from duckdb_tables() order by all")["table_name"].to_list()
        kept = {name: self.store.query(f"from {name} order by all").to_dicts() for name in names if name not in LEDGER}
        return kept | {f"metric {name}": rows_of(self.store, name) for name in ALL}

    def waiting(self, population: str = "asks") -> set[str]:
        return {row["message"] for row in rows_of(self.store, "unanswered", population=population)}

    def suggested(self, *given: str) -> list[tuple[Any, ...]]:
        rows = self.identities.suggestions(limit=50).to_dicts()
        return [tuple(row[name] for name in given or ("account", "other_account")) for row in rows]


LEDGER = ("loads", "chunks")


@pytest.fixture
def community(tmp_path: Path) -> Iterator[Community]:
    made = Community(tmp_path)
    yield made
    made.marks.close()


def lively() -> list[dict[str, Any]]:
    """Nine people in two sources for ten weeks, in threads, with long silences, moods and a helper."""
    rng, rows = random.Random(5), []
    first = datetime(2026, 1, 5, 9, tzinfo=UTC)
    for number in range(420):
        source, platform = rng.choice([("acme", "forum"), ("bolt", "chat")])
        at = first + timedelta(hours=4 * number, minutes=rng.randrange(200))
        who = rng.choice(["staff_kim", *(f"p{n}" for n in range(8) if n > 2 or (at.month + n) % 3)])
        thread = rng.randrange(number // 6, number // 6 + 3)
        row = {"id": f"{source}-{number}", "by": who, "at": at, "source": source, "platform": platform}
        if number % 6:
            row["in"] = f"{source}-{thread * 6}"
        rows.append({**row, "sounds": rng.choice(["negative", "neutral", "positive", ""])})
    return rows


def test_merged_and_taken_back_every_number_is_what_it_was(community: Community) -> None:
    """Every table and every metric, exactly; and the merge did change a good part of them."""
    community.load(lively())
    before = community.everything()
    numbers = community.merge(
        (f"{ACME}p1", f"{BOLT}p2"), (f"{BOLT}p2", f"{ACME}p5"), (f"{ACME}p3", f"{ACME}p4"), (f"{BOLT}p6", f"{ACME}p6")
    )
    during = community.everything()
    changed = {name for name in before if before[name] != during[name]}
    assert {"people", "asks", "member_days", "reply_pairs", "newcomers", "lapses", "later_turns"} <= changed
    assert {f"metric {name}" for name in ("member_flow", "retention", "unanswered", "relationship_depth")} <= changed
    assert not any(name.startswith("metric") and len(during[name]) == 0 < len(before[name]) for name in before)
    for number in numbers:
        community.identities.undo(number, "Ben")
    community.derive()
    after = community.everything()
    for name, rows in before.items():
        assert after[name] == rows, name


def test_whatever_is_loaded_first_a_shared_person_is_the_same(tmp_path: Path) -> None:
    """What is loaded into one source also changes what follows for the others that it shares a person with."""
    rows, pairs = lively(), [(f"{ACME}p1", f"{BOLT}p2"), (f"{ACME}p6", f"{BOLT}p6")]
    whole, parts = Community(tmp_path / "whole", rows), Community(tmp_path / "parts", rows[150:])
    whole.merge(*pairs)
    parts.merge(*reversed(pairs))
    for source in ("bolt", "acme"):
        parts.load([row for row in rows[:150] if row["source"] == source])
    one, other = whole.everything(), parts.everything()
    for name, found in one.items():
        assert other[name] == found, name
    whole.marks.close()
    parts.marks.close()


ACCOUNTS = [Account("forum", "acme", f"p{number}") for number in range(6)]
PAIRS = st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)).filter(lambda pair: pair[0] < pair[1]))


@pytest.mark.parametrize("where", ["bolt", "acme"])
def test_what_is_loaded_later_leaves_a_merged_person_where_they_were(where: str, tmp_path: Path) -> None:
    """Into a source in which they have no account, and into their own."""
    rows, later = lively(), said("zoe", "2026-03-20", where)
    one, other = (f"{ACME}{name}" for name in sorted({row["by"] for row in rows if row.get("by")})[:2])
    after = Community(tmp_path / "after", rows)
    after.merge((one, other))
    after.load([later])
    at_once = Community(tmp_path / "at once", [*rows, later])
    at_once.merge((one, other))
    assert after.everything() == at_once.everything()


@given(pairs=PAIRS, rng=st.randoms(use_true_random=False))
def test_merges_in_any_order_make_the_same_people(pairs: list[tuple[Account, Account]], rng: random.Random) -> None:
    """Beside groups that are joined one after another."""
    groups: list[set[Account]] = []
    for pair in pairs:
        touching = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touching] + [set(pair).union(*touching)]
    rows = [_row(pair, "same") for pair in pairs]
    found = merged(rows)
    persons = {row["person"] for row in found}
    assert {frozenset(_accounts(found, person)) for person in persons} == {frozenset(group) for group in groups}
    rng.shuffle(rows)
    assert merged([*rows, _row((ACCOUNTS[0], Account("z", "z", "z")), "different")]) == found


def _row(pair: tuple[Account, Account], value: str) -> dict[str, str]:
    one, other = pair
    named = json.dumps([one.member_id, other.platform, other.source, other.member_id])
    return {"platform": one.platform, "source": one.source, "native_id": named, "value": value}


def _accounts(rows: list[dict[str, str | int]], person: str | int) -> set[Account]:
    return {
        Account(str(row["platform"]), str(row["source"]), str(row["member_id"]))
        for row in rows
        if row["person"] == person
    }


# --- what one person means ---------------------------------------------------------------------------------------


def said(by: str, at: str, source: str = "acme", **rest: Any) -> dict[str, Any]:
    platform = {"acme": "forum", "bolt": "chat"}[source]
    return {"id": f"{by}-{at}", "by": by, "at": f"{at}T10:00Z", "source": source, "platform": platform, **rest}


def test_a_merged_account_never_stops_the_clock_of_its_own_ask(community: Community) -> None:
    found = said("ana_home", "2026-01-05", to="ana-2026-01-05", text="Found it by myself.")
    community.load([said("ana", "2026-01-05"), {**found, "at": "2026-01-05T12:00Z"}])
    assert community.waiting() == set()
    (number,) = community.merge((f"{ACME}ana", f"{ACME}ana_home"))
    assert community.waiting() == {"ana-2026-01-05"}
    assert rows_of(community.store, "time_to_first_response")[0]["answered"] == 0
    assert community.store.query("from reply_pairs").is_empty()
    community.identities.undo(number, "Ana")
    community.derive()
    assert community.waiting() == set()


def test_a_role_is_the_accounts_and_a_person_is_not_thanked_by_themselves(community: Community) -> None:
    """Kim praises in private, and answers from the account of the team: the ask waits, the praise is not thanked."""
    praise = said("kim", "2026-01-05", sounds="positive")
    reply = said("staff_kim", "2026-01-07", to=praise["id"], text="Turn it twice, then wait.", reactions=["staff_kim"])
    community.load([{**praise, "reactions": ["staff_kim"]}, said("ben", "2026-01-06", to=praise["id"]), reply])
    (thanked,) = community.store.query("select thanked_at, is_reacted from praise").to_dicts()
    assert (thanked["thanked_at"], thanked["is_reacted"]) == (sparse.moment(reply["at"]), True)
    community.merge((f"{ACME}kim", f"{ACME}staff_kim"))
    (thanked,) = community.store.query("select thanked_at, is_reacted from praise").to_dicts()
    assert (thanked["thanked_at"], thanked["is_reacted"]) == (None, False)
    told = community.store.query("select member_id, role, messages, first_at, last_at from people order by member_id")
    assert [(row["member_id"], row["role"], row["messages"]) for row in told.to_dicts()] == [
        ("ben", "member", 1),
        ("kim", "member", 1),
        ("staff_kim", "staff", 1),
    ]
    assert told["first_at"].to_list() == told["last_at"].to_list()


def test_a_first_message_is_the_first_of_all_accounts_in_whatever_source(community: Community) -> None:
    """ana is new on the forum in March; on the chat she spoke in January. What is loaded later counts, too."""
    community.load([said("ana", "2026-03-02"), said("ana_b", "2026-03-20", "bolt")])
    community.merge((f"{ACME}ana", f"{BOLT}ana_b"))
    newcomers = "select member_id from people where is_newcomer_known"
    assert community.store.query(newcomers)["member_id"].to_list() == ["ana"]
    (arrived,) = community.store.query("from newcomers").to_dicts()
    assert (arrived["message_id"], arrived["back_at"]) == ("ana-2026-03-02", sparse.moment("2026-03-20T10:00Z"))
    community.load([said("ana_b", "2026-01-05", "bolt")])
    assert community.store.query(newcomers)["member_id"].to_list() == ["ana_b"]
    assert community.store.query("from newcomers")["message_id"].to_list() == ["ana_b-2026-01-05"]
    asks = community.store.query("select message_id from asks where is_newcomer")["message_id"].to_list()
    assert asks == ["ana_b-2026-01-05"]


def test_the_data_of_the_source_of_the_first_message_says_whether_it_is_a_newcomers(community: Community) -> None:
    """The chat's data begins when ana comes there: she may be old there, but she was new on the forum before."""
    community.options = {"since": "2025-10-01T00:00Z"}
    community.load([said("ana", "2026-01-05")])
    community.options = {"since": "2026-02-01T00:00Z"}
    community.load([said("ana_b", "2026-02-02", "bolt")])
    community.merge((f"{ACME}ana", f"{BOLT}ana_b"))
    assert community.store.query("from newcomers")["message_id"].to_list() == ["ana-2026-01-05"]


@pytest.mark.parametrize("at", ["2026-01-05", "2026-01-20"])
def test_who_speaks_on_in_another_source_has_not_lapsed(at: str, community: Community) -> None:
    """On the same day, or within the 28: what counts is the last word of all."""
    community.options = {"until": "2026-04-01T00:00Z"}
    community.load([said("ana", "2026-01-05"), {**said("ana_b", at, "bolt"), "at": f"{at}T12:00Z"}])
    assert community.store.query("from lapses").height == 2
    community.merge((f"{ACME}ana", f"{BOLT}ana_b"))
    assert community.store.query("select last_at from lapses")["last_at"].to_list() == [sparse.moment(f"{at}T12:00Z")]


def test_a_regular_who_goes_on_elsewhere_does_not_drift(community: Community) -> None:
    community.options = {"until": "2026-03-01T00:00Z"}
    days = [f"2026-01-{day:02}" for day in range(5, 15)]
    own = [said("ana" if int(day[-2:]) % 2 else "ana_home", day) for day in days]
    community.load([*own, said("ana_b", "2026-02-27", "bolt")])
    before = rows_of(community.store, "drifting")
    assert {row["member"] for row in before} == {"ana", "ana_home"}
    community.merge((f"{ACME}ana", f"{ACME}ana_home"))
    (drifting,) = rows_of(community.store, "drifting")
    assert (drifting["member"], drifting["active_days"], drifting["message"]) == ("ana_home", 10, "ana_home-2026-01-14")
    community.merge((f"{ACME}ana", f"{BOLT}ana_b"))
    assert rows_of(community.store, "drifting") == []


def test_how_often_a_regular_comes_is_told_by_the_source_of_their_last_words(community: Community) -> None:
    """Every other day on the forum, last on the 13th; on the days between on the chat, last on the 12th."""
    community.options = {"until": "2026-03-01T00:00Z"}
    forum = [said("ana", f"2026-01-{day:02}") for day in range(5, 14, 2)]
    community.load([*forum, *(said("ana_b", f"2026-01-{day:02}", "bolt") for day in range(4, 13, 2))])
    assert len(rows_of(community.store, "drifting")) == 2
    community.merge((f"{ACME}ana", f"{BOLT}ana_b"))
    (drifting,) = rows_of(community.store, "drifting")
    assert (drifting["member"], drifting["active_days"], drifting["usual_gap"]) == ("ana", 5, 2.0)


def test_a_person_is_one_member_wherever_members_are_counted(community: Community) -> None:
    """Here in the same weeks on the forum, twice, and on the chat; their ask is one row."""
    weeks = [f"2026-01-{day:02}" for day in (5, 12, 19)]
    community.options = {"until": "2026-04-01T00:00Z"}
    community.load([said(who, day, at) for day in weeks for who, at in (("a", "acme"), ("b", "acme"), ("c", "bolt"))])
    community.merge((f"{ACME}a", f"{ACME}b"), (f"{ACME}a", f"{BOLT}c"))
    whole: dict[str, Any] = {"since": "2026-01-12", "until": "2026-01-26"}
    flow, retained = (rows_of(community.store, name, **whole) for name in ("member_flow", "retention"))
    assert {(row["members"], row["retained"]) for row in flow + retained} == {(1, 1)}
    cohort = rows_of(community.store, "cohort_return")
    assert {(row["cohort"], row["members"]) for row in cohort} == {(date(2026, 1, 1), 1)}
    assert len(rows_of(community.store, "unanswered")) == community.store.query("from asks").height
    assert {row["visits"] for row in rows_of(community.store, "unanswered")} == {3}
    assert set(community.store.read("sources")["members"].to_list()) == {1}


@pytest.mark.parametrize(("asks", "named"), [("ana", "ana_home"), ("ana_home", "ana")])
def test_a_mention_of_one_account_answers_what_was_asked_from_another(
    asks: str, named: str, community: Community
) -> None:
    """In a chat the mention ties an answer to the ask: the one named has asked from their other account."""
    community.options = {"forum": ()}
    answer = said("ben", "2026-01-05", mentions=[named], text="Turn it twice, then wait.")
    community.load([said(asks, "2026-01-05"), {**answer, "at": "2026-01-05T12:00Z"}, said(named, "2026-01-09")])
    ask = f"{asks}-2026-01-05"
    assert ask in community.waiting("openers")
    community.merge((f"{ACME}ana", f"{ACME}ana_home"))
    assert ask not in community.waiting("openers")


# --- deciding ----------------------------------------------------------------------------------------------------


def known(community: Community, members: Sequence[Member], others: Sequence[Member] = ()) -> None:
    """Accounts on the forum, and others on the chat, each of whom said something."""
    with community.store.loading(sparse.settings()) as loader:
        for platform, source, accounts in (("forum", "acme", members), ("chat", "bolt", others)):
            rows = [{"id": each.id, "by": each.id, "at": "2026-01-05T10:00Z"} for each in accounts]
            begun = loader.begin(Source(platform, source, source.title()), source)
            found = sparse.chunk(rows, (), ())
            loader.take(begun, Chunk(messages=found.messages, channels=found.channels, members=list(accounts)))
            loader.finish(begun)
        loader.derive()
        loader.publish()


def test_the_strongest_suggestion_comes_first_and_says_why(community: Community) -> None:
    many = [Member(f"x{number}", f"Ana Other{number}") for number in range(30)]
    known(
        community,
        [
            Member("1", "A. Ruiz", "ar", "ana@lumo.example"), Member("2", "Bea Kirsch", "nightowl"),
            Member("3", "Cem Acar", "c.acar"), Member("4", "ana", None), Member("5", "Dov Levi", "dov"), *many,
        ],
        [
            Member("a", "Somebody", "else", " Ana@Lumo.example"), Member("b", "bea kirsch", "Night_Owl"),
            Member("c", "C. A.", "@CAcar"), Member("d", "Ana", None), Member("e", "Dov Levi", "levi_d"),
        ],
    )  # fmt: skip
    assert community.suggested("other_account", "account", "shared") == [
        (f"{ACME}1", f"{BOLT}a", ["e-mail"]),
        (f"{ACME}2", f"{BOLT}b", ["handle", "name"]),
        (f"{ACME}3", f"{BOLT}c", ["handle"]),
        (f"{ACME}5", f"{BOLT}e", ["name"]),
        (f"{ACME}4", f"{BOLT}d", ["handle", "name"]),  # thirty others are called Ana, too
    ]
    weights = community.identities.suggestions()["weight"].to_list()
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == 29, "30 for the address; their handles differ"
    assert weights[1] == pytest.approx(2 * weights[2], abs=0.15)


def test_two_of_one_name_in_one_source_are_rather_two_people(community: Community) -> None:
    """Unless they share an address, or a handle besides."""
    known(
        community,
        [
            Member("1", "Bea Kirsch"), Member("2", "Bea Kirsch"), Member("3", "Dov Levi", "dov"),
            Member("4", "Dov Levi", "dov"), Member("5", "Eve", None, "eve@lumo.example"),
            Member("6", "Evelyn Ito", None, "eve@lumo.example"),
        ],
    )  # fmt: skip
    assert community.suggested("account", "shared") == [(f"{ACME}5", ["e-mail"]), (f"{ACME}3", ["handle", "name"])]


def test_what_many_bear_or_anybody_may_be_called_suggests_nothing(community: Community) -> None:
    """Nine of one full name, a first name alone, and what is no name."""
    crowd = [Member(f"j{number}", "John Smith", f"john{number}") for number in range(9)]
    nobody = [("1", "Admin", "admin"), ("2", "user 17", None), ("3", "???", "???"), ("4", "Zoe", "z_one")]
    others = [("a", "admin", "Admin"), ("b", "User 17", None), ("c", "???", "???"), ("d", "Zoe", "z_two")]
    known(community, [*crowd, *(Member(*each) for each in nobody)], [Member(*each) for each in others])
    assert community.suggested() == []


def test_bots_and_unknown_accounts_are_never_suggested_and_never_merged(community: Community) -> None:
    known(community, [Member("1", "Helper[bot]", "nightowl")], [Member("b", "Bea Kirsch", "nightowl")])
    community.load([{"id": "gone", "by": None, "at": "2026-01-05T10:00Z", "text": "Was it here?"}])
    assert community.suggested() == []
    with pytest.raises(LookupError, match="forum:acme:1 is a bot"):
        community.identities.decide("same", f"{ACME}1", f"{BOLT}b", "Ana")
    with pytest.raises(LookupError, match="no account forum:acme:; it is written as"):
        community.identities.decide("same", ACME, f"{BOLT}b", "Ana")
    assert len(community.marks.current("person")) == 0


def test_suggestions_merge_nothing_and_ask_nothing_twice(community: Community) -> None:
    """Four accounts of one look: merged, told apart and taken back, also by way of others."""
    look = ("Bea Kirsch", "nightowl")
    known(community, [Member("1", *look), Member("2", *look)], [Member("a", *look), Member("b", *look)])
    before = community.everything()
    assert len(community.suggested()) == 6
    assert not (community.store.folder / FILE).exists()
    community.derive()
    assert community.everything() == before

    decide = community.identities.decide
    same = decide("same", f"{ACME}1", f"{BOLT}a", "Ana")
    assert len(community.suggested()) == 3, "one question about two people, by whichever account"
    decide("same", f"{ACME}2", f"{ACME}1", "Ana")
    assert community.suggested() == [(f"{BOLT}a", f"{BOLT}b")]
    different = decide("different", f"{BOLT}b", f"{ACME}2", "Ana")
    assert community.suggested() == [], "whoever is another than one of a person's accounts is another than all"
    community.identities.undo(different, "Ben")
    assert len(community.suggested()) == 1
    community.identities.undo(same, "Ben")
    assert len(community.suggested()) == 3


def test_what_is_no_decision_is_refused_and_nothing_written(community: Community) -> None:
    look = ("Bea Kirsch", "nightowl")
    known(community, [Member("1", *look), Member("2", *look), Member("3", *look)])
    one, two, three = (f"{ACME}{number}" for number in "123")
    decide = community.identities.decide
    with pytest.raises(ValueError, match="forum:acme:1 is one account"):
        decide("same", one, one, "Ana")
    with pytest.raises(ValueError, match="needs the name"):
        decide("same", one, two, " ")
    first = decide("same", two, one, "Ana", note="said so")
    second = decide("same", two, three, "Ben")
    for value, pair in (("same", (one, two)), ("same", (three, one))):
        with pytest.raises(ValueError, match="that they are the same person is known already"):
            decide(value, *pair, "Cem")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="forum:acme:1 and forum:acme:3 would be both the same person and different"):
        decide("different", one, three, "Cem")
    with pytest.raises(LookupError, match="counts now has the number 99"):
        community.identities.undo(99, "Cem")
    told = [{**row, "at": None} for row in community.identities.decided()]
    assert told == [
        {"id": first, "value": "same", "by": "Ana", "at": None, "note": "said so", "one": one, "other": two},
        {"id": second, "value": "same", "by": "Ben", "at": None, "note": None, "one": two, "other": three},
    ]
    assert decide("different", three, two, "Cem") > second, "of one and the same pair the newest word counts"
    assert [row["value"] for row in community.identities.decided()] == ["same", "different"]


def test_other_kinds_of_decisions_are_not_taken_back_by_mistake(community: Community) -> None:
    known(community, [Member("1", "Bea Kirsch"), Member("2", "Bea")])
    label = community.marks.add("label", Target("forum", "acme", "1"), "neutral", "Ana")
    with pytest.raises(LookupError, match=f"has the number {label}"):
        community.identities.undo(label, "Ana")


def people(folder: Path, *words: str, code: int = 0) -> str:
    """What `python -m ingest people ...` prints, errors too."""
    done = CliRunner().invoke(app, ["people", *words, "--data", str(folder)], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    return done.output


def test_the_commands_suggest_decide_and_take_back(community: Community) -> None:
    known(community, [Member("1", "Bea Kirsch", "owl")], [Member("b", "Bea Kirsch", "owl")])
    folder, pair = community.store.folder, (f"{BOLT}b", f"{ACME}1")
    (found,) = json.loads(people(folder, "suggest", "--json"))
    assert ((found["account"], found["other_account"]), found["shared"]) == (pair, ["handle", "name"])
    assert all(account in people(folder, "suggest") for account in pair)
    assert "Nobody has decided" in people(folder, "decided")
    assert "--by" in people(folder, "same", *pair, code=2)
    assert "no account chat:bolt:z" in people(folder, "same", pair[0], "chat:bolt:z", "--by", "Ana", code=2)
    kept = people(folder, "same", *pair, "--by", "Ana Ruiz", "--note", "she said so")
    assert kept.startswith("Kept as decision 1. It counts from the next load on")
    assert "No two accounts" in people(folder, "suggest")
    assert "Ana Ruiz" in people(folder, "decided")
    community.derive()
    assert community.store.query("select count(distinct person_id) from people").item() == 1
    assert "Took decision 1 back" in people(folder, "undo", "1", "--by", "Ben")
    assert "has the number 1" in people(folder, "undo", "1", "--by", "Ben", code=2)
    people(folder, "different", *pair, "--by", "Ben")
    (decided,) = json.loads(people(folder, "decided", "--json"))
    assert (decided["value"], decided["by"]) == ("different", "Ben")
    assert json.loads(people(folder, "suggest", "--json")) == []


def test_without_data_the_commands_say_what_to_do(tmp_path: Path) -> None:
    assert "Nothing is loaded yet" in hearth("ingest", "people", "suggest", data=tmp_path, check=1).stderr
    assert list(tmp_path.iterdir()) == []
