"""An app of bare pages: the same outer works as Hearth's, and nothing that is read or asked."""

from __future__ import annotations

import gc
import os
from functools import partial
from pathlib import Path

import msgspec
import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench import bare
from bench.pages import FRONT

PAGES = Path(__file__).parent.parent / "pages"
MARK, STYLE = (PAGES / "hearth.svg").read_text(), PAGES / "hearth.css"


@st.cache_resource
def recorded() -> dict[str, list[bare.Draw]]:
    """The pages, by name, as HEARTH_BARE holds them."""
    told = msgspec.msgpack.decode(Path(os.environ["HEARTH_BARE"]).read_bytes(), type=dict[str, list[bytes]])
    made = {name: bare.literals(map(ForwardMsg.FromString, messages)) for name, messages in told.items()}
    # As dashboard.py does: else every run would look through all libraries for garbage, and seem three times as dear.
    gc.collect()
    gc.freeze()
    return made


def draw(name: str) -> None:
    """Draw a page again."""
    for each in recorded()[name]:
        each()


st.logo(MARK, size="large")
pages = [st.Page(partial(draw, name), title=name, url_path=name, default=name == FRONT) for name in recorded()]
page = st.navigation(pages, position="top")
st.html(STYLE)
st.set_page_config(f"{page.title} · Hearth", "🔥", layout="wide")
page.run()
