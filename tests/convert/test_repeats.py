"""One IVORN, one content: what comes again is known again, however much has come in between."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.convert.repeats import Repeats
from bridge.voevent.event import Event
from bridge.voevent.naming import event_file_name


def event(ivorn: str, content: str = "", *, relayed: bool = False) -> Event:
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Event(ivorn, content.encode(), "test", "", None, None, "", digest, relayed=relayed)


def test_an_authored_event_has_one_content() -> None:
    judge = Repeats()
    assert judge(event("ivo://a/b#1", "x")) == "new"
    assert judge(event("ivo://a/b#1", "x")) == "again"
    assert judge(event("ivo://a/b#1", "y")) == "conflict"
    assert judge(event("ivo://a/b#1", "x")) == "again"


def test_a_relayed_event_may_come_in_several_editions_each_once() -> None:
    judge = Repeats()
    verdicts = [judge(event("ivo://gcn#1", text, relayed=True)) for text in "abcabc"]
    assert verdicts == ["new", "edition", "edition", "again", "again", "again"]


def test_our_own_event_come_home_is_no_edition() -> None:
    judge = Repeats()
    judge(event("ivo://a/b#1", "x"))
    assert judge(event("ivo://a/b#1", "z", relayed=True)) == "again"


@given(
    st.lists(
        st.builds(
            event,
            st.integers(0, 20).map(lambda number: f"ivo://a/b#{number}"),
            st.sampled_from("xyz"),
            relayed=st.booleans(),
        )
    )
)
def test_it_judges_as_a_dictionary_would(events: list[Event]) -> None:
    judge = Repeats()
    authored: dict[str, str] = {}
    relayed: dict[str, set[str]] = {}
    for one in events:
        if not one.relayed and one.ivorn not in relayed:
            known = authored.setdefault(one.ivorn, one.digest)
            assert (judge(one) == "conflict") == (known != one.digest)
        elif one.relayed and one.ivorn not in authored:
            seen = relayed.setdefault(one.ivorn, set())
            assert (judge(one) == "again") == (one.digest in seen)
            seen.add(one.digest)


@pytest.mark.no_cover
def test_a_hundred_thousand_events_are_remembered_in_a_few_megabytes() -> None:
    judge = Repeats()
    events = [event(f"ivo://a/b#{number}") for number in range(100_000)]
    assert {judge(one) for one in events} == {"new"}
    assert {judge(one) for one in events} == {"again"}
    assert judge._keys.buffer_info()[1] * 16 <= 5_000_000


LETTERS = st.text("aB/#_+.-é~ ", max_size=12)


@given(st.one_of(LETTERS, LETTERS.map("ivo://{}".format)), st.one_of(LETTERS, LETTERS.map("ivo://{}".format)))
def test_two_identifiers_never_have_one_file(first: str, second: str) -> None:
    names = event_file_name(first), event_file_name(second)
    assert (names[0] == names[1]) == (first == second)
    for name in names:
        assert name.isascii()
        assert "/" not in name
        assert not name.startswith(".")
        assert len(name) < 230


def test_usual_identifiers_have_names_without_a_checksum() -> None:
    assert event_file_name("ivo://org.example/feed/ztf#ZTF19a-1") == "org.example_feed_ztf+ZTF19a-1.xml"
    assert len(event_file_name("ivo://org.example/" + "x" * 500 + "#1")) < 230
    assert event_file_name("ivo://a.b/c#1", "ab") != event_file_name("ivo://a.b/c#1")
