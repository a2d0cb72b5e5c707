"""A bare page: what a real page drew, drawn again from literals. It asks nothing and works nothing out.

It is the least a page like that can cost: a figure is made beforehand, a table is a frame already, and what
is left is Streamlit's own work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa
import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1.element_tree import Block, Node, parse_tree_from_messages

from bench.figures import Broken

Draw = Callable[[], Any]


def literals(messages: Iterable[ForwardMsg]) -> list[Draw]:
    """What a page sent, as literals: each draws its part again."""
    return _all(parse_tree_from_messages(list(messages)).main.children.values())


def _all(nodes: Iterable[Node]) -> list[Draw]:
    return [_block(node) if isinstance(node, Block) else _element(node) for node in nodes]


def _element(node: Any) -> Draw:
    if node.type not in ELEMENTS:
        raise Broken(f"bench/bare.py cannot draw the element {node.type!r} yet")
    return ELEMENTS[node.type](node.proto, getattr(node, "key", None))


def _block(block: Block) -> Draw:
    inside = list(block.children.values())
    if inside and all(each.type == "column" for each in inside):
        return _columns([each for each in inside if isinstance(each, Block)])
    if block.type not in BLOCKS:
        raise Broken(f"bench/bare.py cannot draw the container {block.type!r} yet")
    room, drawn = BLOCKS[block.type](block.proto, block.key), _all(inside)

    def fill() -> None:
        with room():
            for each in drawn:
                each()

    return fill


def _columns(columns: list[Block]) -> Draw:
    weights = [each.proto.weight for each in columns]
    drawn = [_all(each.children.values()) for each in columns]

    def fill() -> None:
        for column, inside in zip(st.columns(weights), drawn, strict=True):
            with column:
                for each in inside:
                    each()

    return fill


def _frame(proto: Any, key: str | None) -> Draw:
    frame = pa.ipc.open_stream(proto.arrow_data.data).read_all()
    more = {"on_select": "rerun", "selection_mode": "single-row"} if proto.selection_mode else {}
    more |= {"column_config": json.loads(proto.columns), "alt": proto.alt}
    return partial(st.dataframe, frame, hide_index=True, key=key, **more)


def _chart(proto: Any, _: str | None) -> Draw:
    """A figure and not a dict: Streamlit checks a dict on every draw, and that takes longest."""
    figure = go.Figure(json.loads(proto.spec))
    return partial(st.plotly_chart, figure, theme=None, config=json.loads(proto.config), alt=proto.alt)


def _choice(widget: Callable[..., Any], proto: Any, key: str | None, **more: Any) -> Draw:
    return partial(widget, proto.label, list(proto.options), key=key, **_bound(proto), **more)


def _metric(proto: Any, _: str | None) -> Draw:
    trail = list(proto.chart_data)
    return partial(st.metric, proto.label, proto.body, help=proto.help, chart_data=trail, delta_color="off")


def _bound(proto: Any) -> dict[str, Any]:
    return {"bind": "query-params"} if proto.query_param_key else {}


def _opens(room: Any, key: str | None) -> dict[str, Any]:
    """Whether to open it runs the page again."""
    return {"key": key, "on_change": "rerun"} if room.id else {}


def _button(proto: Any, key: str | None) -> Draw:
    if proto.is_form_submitter:
        return partial(st.form_submit_button, proto.label, type=proto.type)
    return partial(st.button, proto.label, key=key, type=proto.type)


def _link(proto: Any, _: str | None) -> Draw:
    """To somewhere else: a bare app has no page of that name. Its address is as long."""
    address = f"https://bare.example/{proto.page_script_hash}?{proto.query_string}"
    return partial(st.page_link, address, label=proto.label, icon=proto.icon or None)


def _buttons(proto: Any, key: str | None) -> Draw:
    options = [each.content for each in proto.options]
    chosen = options[proto.default[0]] if proto.default else None
    return partial(st.segmented_control, proto.label, options, default=chosen, key=key, **_bound(proto))


ELEMENTS: dict[str, Callable[[Any, str | None], Draw]] = {
    "button": _button,
    "button_group": _buttons,
    "caption": lambda proto, _: partial(st.caption, proto.body),
    "code": lambda proto, _: partial(st.code, proto.code_text, language=proto.language),
    "dataframe": _frame,
    "divider": lambda _proto, _: st.divider,
    "download_button": lambda proto, key: partial(
        st.download_button, proto.label, lambda: b"", "bare.csv", key=key, on_click="ignore", type=proto.type
    ),
    "header": lambda proto, _: partial(st.header, proto.body),
    "html": lambda proto, _: partial(st.html, proto.body),
    "info": lambda proto, _: partial(st.info, proto.body),
    "link_button": lambda proto, _: partial(st.link_button, proto.label, proto.url, type=proto.type),
    "markdown": lambda proto, _: partial(st.markdown, proto.body),
    "metric": _metric,
    "multiselect": partial(_choice, st.multiselect),
    "page_link": _link,
    "pagination": lambda proto, key: partial(st.pagination, proto.num_pages, key=key, **_bound(proto)),
    "plotly_chart": _chart,
    "progress": lambda proto, _: partial(st.progress, proto.value, proto.text),
    "radio": lambda proto, key: _choice(st.radio, proto, key, index=proto.default, horizontal=proto.horizontal),
    "selectbox": lambda proto, key: _choice(st.selectbox, proto, key, index=proto.default),
    "subheader": lambda proto, _: partial(st.subheader, proto.body),
    "success": lambda proto, _: partial(st.success, proto.body),
    "text": lambda proto, _: partial(st.text, proto.body),
    "text_input": lambda proto, key: partial(st.text_input, proto.label, key=key, max_chars=proto.max_chars or None),
    "title": lambda proto, _: partial(st.title, proto.body),
    "toggle": lambda proto, key: partial(st.toggle, proto.label, key=key, help=proto.help, **_bound(proto)),
}

BLOCKS: dict[str, Callable[[Any, str | None], Draw]] = {
    "chat_message": lambda proto, _: partial(st.chat_message, proto.name),
    "expandable": lambda proto, key: partial(st.expander, proto.expandable.label, **_opens(proto.expandable, key)),
    "expander": lambda proto, key: partial(st.expander, proto.label, **_opens(proto, key)),
    "flex_container": lambda proto, _: partial(
        st.container,
        border=proto.flex_container.border,
        horizontal=proto.flex_container.direction == proto.flex_container.HORIZONTAL,
    ),
    "form": lambda proto, _: partial(st.form, proto.form.form_id, border=proto.form.border),
    "grid_container": lambda proto, _: partial(st.grid, proto.columns, min_column_width=proto.min_column_width_px),
    "popover": lambda proto, key: partial(
        st.popover, proto.popover.label, type=proto.popover.type, **_opens(proto.popover, key)
    ),
}
