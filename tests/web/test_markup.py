"""Text from strangers becomes text in a page, whatever it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inspect.values import printable
from bridge.web.markup import Markup, cells, escape, fill, join, tag
from tests.web.pages import Page

NASTY = st.text(st.sampled_from("<>&\"'`=/ \x00\x1b‮aon\n\t]-!")) | st.text()


def read(markup: Markup) -> Page:
    page = Page()
    page.feed(markup)
    page.close()
    return page


def expected(text: str) -> str:
    """What is to be seen of a text: all of it, but for control characters."""
    return "\n".join(printable(line.replace("\t", " ")) for line in text.split("\n"))


@given(NASTY)
def test_any_text_is_only_text(text: str) -> None:
    page = read(tag("p", text))
    assert [name for name, _ in page.elements] == ["p"]
    assert "".join(page.words) == expected(text)


@given(NASTY)
def test_any_text_is_only_the_value_of_an_attribute(text: str) -> None:
    ((name, attributes),) = read(tag("a", "here", title=text, class_="b")).elements
    assert (name, attributes) == ("a", {"title": expected(text), "class": "b"})


@given(st.lists(NASTY, max_size=4))
def test_what_is_markup_already_is_not_escaped_again(texts: list[str]) -> None:
    once = join(texts, " & ")
    assert escape(once) is once
    assert tag("p", once) == tag("p", *[part for text in texts for part in (text, " & ")][:-1])


def test_attributes_are_named_as_in_html_and_left_out_where_there_is_nothing_to_say() -> None:
    assert tag("input", aria_label="x", for_=None, disabled=True, hidden=False, value="") == (
        '<input aria-label="x" disabled value="">'
    )
    assert cells("td", 1, ("2", "number"), None) == '<tr><td>1</td><td class="number">2</td><td></td></tr>'
    assert cells("th", "a") == '<tr><th scope="col">a</th></tr>'


def test_a_template_escapes_what_goes_in_and_wants_all_of_it() -> None:
    values = dict.fromkeys(("ivorn", "links", "known", "packet"), "<b>$ivorn</b>")
    page = fill("event", values)
    assert "<b>" not in page
    assert page.count("&lt;b&gt;$ivorn&lt;/b&gt;") == 4
    with pytest.raises(KeyError, match="packet"):
        fill("event", {name: "" for name in values if name != "packet"})


def test_control_characters_and_turned_text_do_not_reach_the_page() -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f‪-‮]", escape("a\x00\x1b[2J‮b\r"))
