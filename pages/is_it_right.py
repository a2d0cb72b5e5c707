"""Is it right? People label some messages, and see how often Hearth heard them as they do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap

import msgspec
import polars as pl
import streamlit as st

from data.marks import MarksError, Target
from metrics import judging
from metrics.judging import LABELS, Counts, Estimate, Judgement
from pages import _ask, _marks, _show, _words
from pages._ask import Row, kept
from pages._reader import introduce, leave, who
from pages._safe import gist, label, line, plain

SEED = 1
"""Decides which messages are drawn. Another number draws others."""
CHOICES = {"negative": "1", "neutral": "2", "positive": "3", "unsure": "4"}
"""What can be said of a message, and the key that says it."""
UNDO = "U"
NAMES = {"unsure": "Cannot tell"}
TROUBLE = "what could not be kept"
ROOM = 200
"""Height of a message: the buttons under it stay where they are."""
LIMITS = """
- **Mockery is heard as praise.** “Great, it broke again” sounds pleased to it.
- **Slang and the words of your house** are heard as a stranger would. What they mean can be told in `hearth.toml`,
  under `[sentiment.words]`.
- **Mixed feelings get one label**, the stronger one.
- **Where most people complain** it hears too few of the complaints: in a set of complaints to airlines, truly at −47,
  it counted −23.
- **Other languages, and messages of only links or code,** are not classified: {unknown} here.
- **People differ, too.** Two who label the same messages agree on about four of five.
"""


def page() -> None:
    """Draw the message to label and what is known so far; below, how right Hearth is."""
    counted = _counted()
    if not sum(counted.values()):
        st.subheader("No message is classified yet, so there is nothing to judge.")
        if _ask.state().settings.sentiment.scorer == "off":
            st.caption("The scorer is off: under [sentiment] in hearth.toml. With another one: python -m ingest derive")
            return
        st.caption("Messages are classified while they are loaded.")
        _show.how_to_load("Load something")
        return
    try:
        given = pl.DataFrame(_ask.marks().current("label"))
        stamp = _ask.marks().stamp
    except MarksError as error:
        st.error("The labels cannot be read.")
        st.text(plain(str(error)))
        return
    judged, drawn = _judged(stamp), _ask.pulse()
    st.subheader(_finding(judged, given.filter(pl.col("value") != "unsure").height))
    with _show.contained("What the numbers know"):
        _marks.watch(_marks.follow(_marks.standing()), drawn)
    left, right = st.columns([3, 2], gap="medium")
    with left, _show.contained("The message to label"):
        _labelling(given)
    with right, _show.contained("The known limits"):
        _limits()
    if judged:
        with _show.contained("How right it is"):
            _results(judged, stamp)


def _finding(judged: Judgement | None, given: int) -> str:
    """What is known, in a sentence."""
    if judged is None:
        told = (
            _words.count(given, "message is labelled", "messages are labelled") if given else "no message is labelled"
        )
        return f"We can't tell yet how right it is: {told}, and {judging.FEW} are needed."
    return f"Of 10 messages about {judged.accuracy.value * 10:.0f} are heard as people hear them."


# Labelling --------------------------------------------------------------------------------------


def _labelling(given: pl.DataFrame) -> None:
    """One message, the buttons, and how far it has come."""
    drawn = _drawn()
    left = drawn.join(given, left_on=["platform", "source", "message_id"], right_on=["platform", "source", "native_id"],
                      how="anti", maintain_order="left")  # fmt: skip
    done = len(drawn) - len(left)
    st.progress(done / max(len(drawn), 1), f"{done} of {len(drawn)} labelled")
    name = who()
    if not name:
        _introduce()
        return
    if trouble := st.session_state.pop(TROUBLE, None):
        st.warning("Your last choice was not kept. Nothing else is lost; try again.")
        st.text(plain(trouble))
    if left.is_empty():
        st.markdown("All of them are labelled. Thank you! After the next load there may be new ones.")
    else:
        _message(left.row(0, named=True), name)
    _afterwards(given.filter(pl.col("by") == name), name)


def _introduce() -> None:
    """Ask who is there, once a visit."""
    st.markdown(
        "You see one message at a time and say how it sounds to you: by a button, or by the keys 1, 2, 3 and 4. What "
        "Hearth heard is not shown, so that it cannot lead you. Every label is kept with the name of who gave it."
    )
    introduce("Your name", "a label says who gave it")


def _message(message: Row, who: str) -> None:
    """The words, where they were said, and the choices. By whom, and what Hearth heard, would lead the reader."""
    zone = _ask.state().settings.zone
    place = f"{label(message['channel_name'])} · {_words.platform(label(message['platform']))}"
    st.caption(f"{place} · {_words.moment(message['sent_at'], zone)}")
    with st.container(height=ROOM, border=True):
        if message["title"]:
            st.markdown(f"**{label(gist(message['title']))}**")
        st.text(plain(message["text"]))
    with st.container(horizontal=True, gap="small"):
        for value, key in CHOICES.items():
            st.button(
                _named(value),
                key=f"{value} {message['line_id']}",  # a press that comes late speaks of the message it was meant for
                on_click=_choose,
                args=(message, value, who),
                shortcut=key,
            )


def _afterwards(own: pl.DataFrame, who: str) -> None:
    """Who is labelling, and the way back."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        last = int(own["id"].max()) if len(own) else None  # type: ignore[arg-type]
        st.button(
            "Undo",
            key=f"undo {last}",
            on_click=_take_back,
            args=(last, who),
            disabled=last is None,
            shortcut=UNDO,
            type="tertiary",
        )
        st.caption(f"Labelling as **{label(who)}**, {len(own)} so far", width="content")
        st.button("Somebody else?", on_click=leave, type="tertiary")


def _choose(message: Row, value: str, who: str) -> None:
    """Keep a choice, with the weight that the message was drawn with."""
    target = Target(message["platform"], message["source"], message["message_id"])
    note = msgspec.json.encode({"weight": message["weight"]}).decode()
    try:
        _ask.marks().add("label", target, value, who, note)
    except MarksError as error:
        st.session_state[TROUBLE] = str(error)


def _take_back(number: int, who: str) -> None:
    try:
        _ask.marks().undo(number, who)
    except MarksError as error:
        st.session_state[TROUBLE] = str(error)


# Knowing ----------------------------------------------------------------------------------------


@kept(2)
def _drawn() -> pl.DataFrame:
    """The messages to label, in their order, with their words and weights."""
    drawn = judging.draw(_ask.read("label_pool", seed=SEED)).select("line_id", "weight")
    words = _ask.read("to_label", lines=tuple(drawn["line_id"].to_list()))
    return drawn.join(words, "line_id", maintain_order="left")


@kept(2)
def _labelled(stamp: str) -> pl.DataFrame:  # noqa: ARG001 - a part of the key
    """Every labelled message with what people and what Hearth said of it, as metrics/judging.py wants it."""
    given = pl.DataFrame(_ask.marks().current("label")).select(
        "platform",
        "source",
        "native_id",
        pl.col("value").alias("truth"),
        pl.col("note").str.json_path_match("$.weight").cast(pl.Float64).fill_null(1.0).alias("weight"),
    )
    asked = {name: tuple(given[column].to_list()) for name, column in TARGET.items()}
    return given.join(_ask.read("labelled", **asked), list(TARGET.values()))


TARGET = {"platforms": "platform", "sources": "source", "ids": "native_id"}


@kept(2)
def _judged(stamp: str) -> Judgement | None:
    return judging.judge(_labelled(stamp), _counted())


@kept(16)
def _counted(platform: str | None = None) -> Counts:
    """How many messages Hearth gave each label, everywhere or on one platform."""
    rows = _ask.read("labels_given").drop_nulls("label")
    part = rows if platform is None else rows.filter(pl.col("platform") == platform)
    return dict(part.group_by("label").agg(pl.col("messages").sum()).iter_rows())


# Showing ----------------------------------------------------------------------------------------


def _limits() -> None:
    """What it cannot hear, whatever the labels say."""
    rows = _ask.read("labels_given")
    unknown = int(rows.filter(pl.col("label").is_null())["messages"].sum())
    count = f"{_words.whole(unknown)} of {_words.count(int(rows['messages'].sum()), 'message')}"
    with st.container(border=True):
        st.markdown("**What it is known to get wrong**")
        st.markdown(LIMITS.format(unknown=count))


def _results(judged: Judgement, stamp: str) -> None:
    """The community's own figures."""
    for column, card in zip(st.columns(3), _cards(judged), strict=True):
        with column:
            _show.card(*card)
    st.caption("Weekly health tells the change against your own past: that leans less on how right each label is.")
    labelled = _labelled(stamp)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**What people said, and what Hearth heard**")
        _show.table(_confusion(labelled), "How often each label was heard as each")
        st.caption(_left_out(labelled))
    with right:
        st.markdown("**What it gets wrong most**")
        _mistakes(labelled)
    st.markdown("**Platform by platform**")
    _show.table(_platforms(labelled, judged), "How right it is on each platform")
    st.caption(
        "Lean: what to add to the log-odds of each label to set a platform right, held back while labels are few; none "
        f"under {judging.FEW} labels, and none where no more messages would be right with it. The adjusted net of a "
        "platform with fewer labels is reckoned by how it errs elsewhere."
    )


def _cards(judged: Judgement) -> Iterator[tuple[str, str, str, str]]:
    """Each headline: what it is, its value, how sure it is, and a second note."""
    accuracy, recall, net = judged.accuracy, judged.recall, judged.adjusted(judged.counted)
    averaged = f"averaged over the three labels {_words.percent(recall.value)}, {_range(recall)}"
    of = f"{_range(accuracy)} of {judged.labels} labels"
    yield "Heard as people hear it", _words.percent(accuracy.value), of, averaged
    of = f"of {_words.count(sum(judged.counted.values()), 'classified message')}"
    yield "Net, as counted", _points(judged.plain), "positive less negative labels, in points", of
    sure = f"{_points(net.low)} to {_points(net.high)}, by how it was seen to err"
    yield "Net, adjusted", _points(net.value), sure, "a 95\u00a0% interval, by the labels so far"


def _confusion(labelled: pl.DataFrame) -> pl.DataFrame:
    found = judging.confusion(labelled)
    named = pl.col("truth").replace_strict({each: _named(each) for each in LABELS}, return_dtype=pl.String)
    return found.select(named.alias("people said"), *(pl.col(each).alias(f"heard as {each}") for each in LABELS))


def _left_out(labelled: pl.DataFrame) -> str:
    """Labels that no figure rests on."""
    unsure = labelled.filter(pl.col("truth") == "unsure").height
    unheard = labelled.filter(pl.col("truth") != "unsure", pl.col("label").is_null()).height
    return f"Left out: {unsure} that people could not tell, {unheard} that are no longer classified."


def _mistakes(labelled: pl.DataFrame) -> None:
    found = judging.mistakes(labelled)
    if found.is_empty():
        st.caption("Nothing so far: every label agrees.")
        return
    rows = list(starmap(_mistake, found.select("truth", "label", "messages", "share", "words").iter_rows()))
    _show.table(pl.DataFrame(rows), "The commonest mistakes")
    st.caption("Share: of all classified messages. Words are those that mark such messages among the labelled ones.")


def _mistake(truth: str, heard: str, messages: int, share: float, words: list[str]) -> Row:
    return {
        "people said": _named(truth),
        "heard as": heard,
        "messages": messages,
        "share": share,
        "words": ", ".join(line(word, 20) for word in words) or "–",
    }


def _platforms(labelled: pl.DataFrame, judged: Judgement) -> pl.DataFrame:
    return pl.DataFrame([_platform(row, labelled, judged) for row in judging.corrections(labelled).to_dicts()])


def _platform(row: Row, labelled: pl.DataFrame, judged: Judgement) -> Row:
    """One platform's labels, its lean, and its net: by its own labels where there are enough."""
    counted = _counted(row["platform"])
    own = judging.judge(labelled.filter(pl.col("platform") == row["platform"]), counted)
    net = (own or judged).adjusted(counted)
    plain_net = 100 * (counted.get("positive", 0) - counted.get("negative", 0)) / max(sum(counted.values()), 1)
    return {
        "platform": _words.platform(row["platform"]),
        "labels": row["labels"],
        "right": f"{row['right']} of {row['labels']}",
        "right with a lean": f"{row['right_corrected']} of {row['labels']}" if own else "too few labels",
        "lean": ", ".join(f"{each} {_decimal(row[each])}" for each in LABELS if row[each]) or "none",
        "net, as counted": _points(plain_net),
        "net, adjusted": f"{_points(net.value)} ({_points(net.low)} to {_points(net.high)})",
    }


def _named(value: str) -> str:
    return NAMES.get(value, value.capitalize())


def _range(share: Estimate) -> str:
    return f"{share.low * 100:.0f}–{share.high * 100:.0f}\u00a0%"


def _decimal(value: float) -> str:
    """Log-odds, such as "+0.4" or "−0.1"."""
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "−")


def _points(value: float) -> str:
    """Points, such as "+12" or "−4"."""
    return "0" if abs(value) < 0.5 else f"{value:+.0f}".replace("-", "−")


page()
