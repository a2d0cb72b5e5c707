"""XML exports as a stream of elements, whatever their damage."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from data.records import Refused
from ingest.archive import BLOCK, Export, ExportError
from ingest.exports._xml import Element, elements, said

ITEM = "<item><id>{}</id><x><![CDATA[a < b]]></x></item>\n"


def found(folder: Path, content: str | bytes, *wanted: str) -> list[Element | Refused]:
    path = folder / "export.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with Export(path) as export:
        return list(elements(export, "export.xml", *(wanted or ("item",))))


def ids(each: list[Element | Refused]) -> list[str]:
    return [element["id"] if isinstance(element, Element) else "refused" for element in each]


def test_an_element_has_its_children_words_and_attributes(tmp_path: Path) -> None:
    (item,) = found(tmp_path, '<a><wp:item n="1"><b k="v"> x &amp; y </b><b>2</b><c/></wp:item></a>', "wp:item")
    assert isinstance(item, Element)
    assert (item.name, item.attributes, item.at) == ("wp:item", {"n": "1"}, 3)
    assert (item["b"], item["c"], item["d"]) == ("x & y", "", "")
    assert [each.text for each in item.all("b")] == [" x & y ", "2"]
    assert (item.attribute("b", "k"), item.attribute("b", "n"), item.attribute("d", "k")) == ("v", "", "")


def test_only_outermost_elements_come_out(tmp_path: Path) -> None:
    assert ids(found(tmp_path, "<a><item><id>1</id><item><id>2</id></item></item><item/></a>")) == ["1", ""]


def test_a_large_file_comes_in_pieces_that_cut_anywhere(tmp_path: Path) -> None:
    count = 3 * BLOCK // len(ITEM)
    each = found(tmp_path, "<a>" + "".join(ITEM.format(number) for number in range(count)) + "</a>")
    assert ids(each) == [str(number) for number in range(count)]
    raw = (tmp_path / "export.xml").read_bytes()
    assert all(raw.startswith(b"<item>", element.at) for element in each if isinstance(element, Element))


@pytest.mark.parametrize(
    "broken",
    [
        "<item><id>2</x></item>",
        "<item><id>2</item>",
        "<item><id>2 < 3</id></item>",
        "<item><id a=1>2</id></item>",
        '<item a="1" a="2"><id>2</id></item>',
        "<item><id>&nope;</id></item>",
        "<item>" + "<d>" * 70 + "</d>" * 70 + "</item>",
    ],
)
def test_a_broken_element_costs_only_itself(broken: str, tmp_path: Path) -> None:
    each = found(tmp_path, "<a>" + ITEM.format(1) + broken + "\n" + ITEM.format(3) + ITEM.format(4) + "</a>")
    assert ids(each) == ["1", "refused", "3", "4"]
    (refused,) = (element for element in each if isinstance(element, Refused))
    raw = (tmp_path / "export.xml").read_bytes()
    assert raw[int(refused.place.removeprefix("byte ")) :].startswith(refused.raw)
    assert refused.raw.decode().strip() == broken
    assert refused.reason


def test_what_is_never_closed_does_not_cost_what_follows(tmp_path: Path) -> None:
    each = found(tmp_path, "<a><item><id><![CDATA[1</id></item><item><id>2</id></item><item><id>3</id></item></a>")
    assert ids(each) == ["refused", "2", "3"]


def test_many_broken_elements_each_cost_themselves(tmp_path: Path) -> None:
    broken = "<item><id>x</item>"
    count = 2 * BLOCK // (len(ITEM) + len(broken))
    each = found(tmp_path, "<a>" + (ITEM.format(1) + broken) * count + "</a>")
    assert ids(each) == ["1", "refused"] * count


@pytest.mark.parametrize("cut", [3, 40, 52, 60, 75, 90])
def test_a_file_cut_off_keeps_what_is_whole(cut: int, tmp_path: Path) -> None:
    whole = "<a>" + ITEM.format(1) + ITEM.format(2) + "</a>"
    each = found(tmp_path, whole[:cut])
    kept = whole[:cut].count("</item>")
    assert ids(each) == [*map(str, range(1, kept + 1)), "refused"]
    assert isinstance(each[-1], Refused)
    assert "cut off" in each[-1].reason


def test_control_signs_and_bad_bytes_do_not_cost_a_message(tmp_path: Path) -> None:
    raw = b"<a><item><id>a\x08b\xffc&#x1F;d&#0;e&#xA;f</id></item></a>"
    assert ids(found(tmp_path, raw)) == ["a b\ufffdc      d    e\nf"]


def test_an_old_encoding_is_read_as_declared(tmp_path: Path) -> None:
    raw = '<?xml version="1.0" encoding="ISO-8859-1"?><a><item><id>été</id></item></a>'.encode("latin-1")
    assert ids(found(tmp_path, raw)) == ["été"]


def test_entities_are_never_unfolded(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"export\.xml declares XML entities"):
        found(tmp_path, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><item><id>&x;</id></item></a>')


def test_a_doctype_elsewhere_is_never_fetched(tmp_path: Path) -> None:
    assert ids(found(tmp_path, '<!DOCTYPE a SYSTEM "http://example.invalid/a.dtd"><a><item><id>1</id></item></a>')) == [
        "1"
    ]


@pytest.mark.parametrize("piece", ["<item><![CDATA[", "<item>", "<item a='", "<item></x>", "<item><b>", "<!--<item>"])
def test_time_grows_with_the_length_only(piece: str, tmp_path: Path) -> None:
    began = time.monotonic()
    found(tmp_path, "<a>" + piece * (BLOCK // 2 // len(piece)))
    assert time.monotonic() - began < 8


def test_a_refused_element_is_written_as_it_was(tmp_path: Path) -> None:
    (item,) = found(tmp_path, '<a><item k="&lt;&quot;"><id>1 &amp; 2</id><b/></item></a>')
    assert isinstance(item, Element)
    raw = b"<item k='&lt;\"'><id>1 &amp; 2</id><b></b></item>"
    assert item.refused("f.xml", "why") == Refused("f.xml", "byte 3", "why", raw)


def test_the_words_before_the_first_element() -> None:
    head = b"<rss><title> a &amp; b </title><wp:name><![CDATA[c & d]]></wp:name><link href='x'/><n a='1'>2</n>"
    assert [said(head, name) for name in ("title", "wp:name", "n", "nope")] == ["a & b", "c & d", "2", ""]
