"""The frame around every page: what it is called, what stands at the top, and who may pass."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from data.settings import SettingsError
from pages import _ask, _filters, _load, _show
from pages._safe import label, plain

HERE = Path(__file__).parent
MARK, STYLE = HERE / "hearth.svg", HERE / "hearth.css"


def main() -> None:
    """Draw the frame, then the page the address names."""
    st.logo(MARK.read_text(), size="large")
    page = st.navigation(
        [
            st.Page("weekly_health.py", title="Weekly health", default=True),
            st.Page("unanswered.py", title="Unanswered"),
            st.Page("people_to_reach.py", title="People to reach"),
            st.Page("responsiveness.py", title="Responsiveness"),
            st.Page("returning_members.py", title="Returning members"),
            st.Page("relationships.py", title="Relationships"),
            st.Page("explore.py", title="Explore"),
            st.Page("is_it_right.py", title="Is it right?"),
            st.Page("sources.py", title="Sources"),
            st.Page("definitions.py", title="Definitions"),
            st.Page("vanity_drawer.py", title="The vanity drawer"),
            st.Page("member.py", title="A member", visibility="hidden"),
        ],
        position="top",
    )
    _filters.arrive()
    st.html(STYLE)
    st.set_page_config(f"{page.title} · Hearth", "🔥", layout="wide")
    try:
        state = _ask.begin()
    except SettingsError as error:
        st.error("The settings cannot be used. Correct them, then reload the page.")
        st.text(plain(str(error)))
        return
    _draw(page, is_empty=state.snapshot is None)


def _draw(page: StreamlitPage, *, is_empty: bool) -> None:
    """The head that all pages share, and the page; or what to do where nothing is loaded."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(f"{page.title} :gray[· {label(_ask.community())}]", width="content")
        if not is_empty and _ask.read("sources")["is_demo"].any():
            st.badge("Demo: made-up people", color="orange")
    _show.follow_theme(st.context.theme.type)
    _load.status(page.title)
    if is_empty:
        _load.first_visit()
        return
    _load.outdated()
    with _show.contained(page.title):
        page.run()


main()
