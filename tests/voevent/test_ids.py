"""Identifiers: Comet's own parser is the judge of what is acceptable."""

from __future__ import annotations

import pytest
from comet.utility.voevent import parse_ivoid
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import UsageError
from bridge.voevent.ids import check_authority, is_acceptable, is_safe, local_id


def comet_accepts(ivorn: str) -> bool:
    try:
        parse_ivoid(ivorn)
    except Exception:
        return False
    return True


@given(
    st.one_of(
        st.text(max_size=30),
        st.text(alphabet="ivo:/#.~-_+%?abcAB12é ", max_size=24).map(lambda text: "ivo://" + text),
    )
)
def test_what_we_accept_is_what_comet_accepts(ivorn: str) -> None:
    # Comet's pattern ends in "$", which lets a final line feed through; ours does not.
    if not ivorn.endswith("\n"):
        assert is_acceptable(ivorn) == comet_accepts(ivorn)


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
def test_whatever_names_an_event_its_ivorn_is_safe(local: str) -> None:
    ivorn = f"ivo://example.org/bridge/ztf#{local_id(local)}"

    assert is_acceptable(ivorn)
    assert comet_accepts(ivorn)


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_events_never_share_an_ivorn(one: str, other: str) -> None:
    assert (local_id(one) == local_id(other)) == (one == other)


def test_numbers_and_names_of_surveys_are_left_as_they_are() -> None:
    assert local_id("ZTF19acihgng") == "ZTF19acihgng"
    assert is_safe("ivo://example.org/b/ztf#1060135832015015002")
    assert not is_safe("ivo://example.org/b/ztf")
    assert not is_safe("ivo://Example.org/b#1")


@pytest.mark.parametrize(
    "author",
    ["ivo://ab/c", "IVO://example.org", "ivo://example.org/a b", "ivo://example.org/a#b", "example.org", ""],
)
def test_an_author_that_brokers_refuse_is_refused_at_once(author: str) -> None:
    with pytest.raises(UsageError, match=r"ivo://example\.org/bridge"):
        check_authority(author)


def test_a_final_slash_is_forgiven() -> None:
    assert check_authority("ivo://example.org/bridge/") == "ivo://example.org/bridge"
