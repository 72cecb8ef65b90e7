"""Texts in XML: a parser reads back what the alert said, but for characters that XML cannot hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.voevent.xmltext import REPLACEMENT, escape, is_uri

ILLEGAL = {chr(code) for code in (*range(0x20), 0xFFFE, 0xFFFF) if code not in (9, 10, 13)}
TEXTS = st.text(alphabet=st.characters(exclude_categories=[]), max_size=40)


@given(TEXTS)
def test_a_text_comes_back_from_an_attribute_and_from_an_element(text: str) -> None:
    xml = b'<a v="%b">%b</a>' % (escape(text), escape(text))
    root = etree.fromstring(xml)
    expected = "".join(REPLACEMENT if c in ILLEGAL or "\ud800" <= c <= "\udfff" else c for c in text)

    assert root.get("v") == expected
    assert (root.text or "") == expected


def test_the_end_of_a_cdata_section_is_harmless() -> None:
    assert escape("]]>") == b"]]&gt;"


def test_uris_with_blanks_are_known() -> None:
    assert is_uri("https://example.org/a?b=c#d")
    assert not is_uri("https://example.org/a b")
    assert not is_uri("example.org")
    assert not is_uri("")
