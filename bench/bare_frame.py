"""The frame around bare pages: the same outer works as pages/_frame.py, and nothing that is read or asked."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from bench import bare

MARK = (Path(__file__).parent.parent / "pages" / "hearth.svg").read_text()


def main() -> None:
    """Draw the frame, then the page the session names."""
    st.logo(MARK, size="large")
    chosen = st.session_state["bare page"]
    pages = [
        st.Page(partial(bare.draw, name), title=name, url_path=name, default=name == chosen) for name in bare.RECORDED
    ]
    page = st.navigation(pages, position="top")
    st.set_page_config(f"{page.title} · Hearth", "🔥", layout="wide")
    page.run()


main()
