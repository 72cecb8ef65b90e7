"""What people write into the form, and what is meant by it."""

from __future__ import annotations

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import UsageError
from bridge.inspect.sexagesimal import sexagesimal_dec, sexagesimal_ra
from bridge.journal import Cone, Search
from bridge.web.asking import Asked, parse_place, read_asked, read_seq, search_of

NOW = 1_775_044_800.0


def meant(**filled: str) -> Search:
    return search_of(Asked(**filled), NOW)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("ZT26#", "*[zZ][tT]26#*"),
        ("ivo://org.example/feed", "ivo://org.example/feed*"),
        ("ivo://org.example/*#1?3", "ivo://org.example/*#1?3"),
        ("#[0-9]", "#[0-9]"),
    ],
)
def test_a_part_of_an_identifier_is_looked_for_unless_there_are_wildcards(text: str, pattern: str) -> None:
    assert meant(ivorn=text).glob == pattern


@pytest.mark.parametrize(
    "text",
    ["187.70593 12.39112", "187.70593,12.39112", "187.70593 , +12.39112", "12:30:49.4232 +12:23:28.032",
     "12h30m49.4232s +12d23m28.032s", "12 30 49.4232 +12 23 28.032", " 12:30:49.4232, 12:23:28.032 "],
)  # fmt: skip
def test_positions_as_people_write_them(text: str) -> None:
    assert parse_place(text) == (pytest.approx(187.70593), pytest.approx(12.39112))


@given(st.floats(0, 359.9999), st.floats(-89.9999, 89.9999))
def test_sexagesimal_positions_are_read_as_they_are_written(ra_deg: float, dec_deg: float) -> None:
    hours, degrees = sexagesimal_ra(ra_deg, 8), sexagesimal_dec(dec_deg, 7)
    for text in (f"{hours} {degrees}", f"{hours}, {degrees}", f"{hours} {degrees}".replace(":", " ")):
        ra, dec = parse_place(text)
        assert (ra, dec) == (pytest.approx(ra_deg, abs=1e-9), pytest.approx(dec_deg, abs=1e-9))


@pytest.mark.parametrize(
    ("filled", "sentence"),
    [
        ({"position": "Virgo"}, "is no position"),
        ({"position": "1 2 3"}, "is no position"),
        ({"position": "1 99"}, "There is no position 1, 99"),
        ({"position": "nan 1"}, "There is no position"),
        ({"position": "1 2", "radius": "wide"}, "is no radius"),
        ({"position": "1 2", "radius": "200"}, "cannot have the radius 200"),
        ({"role": "rumour"}, "There is no role 'rumour'"),
        ({"since": "yesterday"}, "Since is 'yesterday'"),
        ({"until": "12"}, "Until is '12'"),
        ({"before": "-1"}, "no place in the journal"),
        ({"before": "9" * 19}, "no place in the journal"),
    ],
)
def test_a_field_that_cannot_be_understood_is_named(filled: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        meant(**filled)


def test_all_fields_together() -> None:
    found = meant(
        stream="ivo://a/b", about="ZTF18x", role="test", since="1d", until="2026-04-01T11:00:00+01:00",
        position="10 -5", radius="30arcmin", before="77",
    )  # fmt: skip
    assert found == Search(
        stream="ivo://a/b", object_key="ZTF18x", role="test", since=NOW - 86_400, until=NOW - 7_200,
        cone=Cone(10, -5, 0.5), before=77,
    )  # fmt: skip
    assert meant() == Search()
    assert meant(position="1 2").cone == Cone(1, 2, 1.0)


@settings(max_examples=30)
@given(st.builds(Asked, *[st.text(st.characters(codec="utf-8"), max_size=20).map(str.strip)] * 9))
def test_the_address_of_a_page_says_what_was_asked(asked: Asked) -> None:
    arguments = {
        name.encode(): [value.encode() for value in values]
        for name, values in parse_qs(urlsplit(asked.address()).query).items()
    }
    assert read_asked(arguments) == asked


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from([*Asked.__slots__]), st.text(max_size=30)))
def test_any_form_is_a_search_or_a_sentence(filled: dict[str, str]) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(meant(**filled), Search)


@pytest.mark.parametrize(
    ("given", "seq"),
    [([b"7"], 7), ([b"1", b"2"], 2), ([b"0"], None), ([b"-1"], None), ([b"7 OR 1=1"], None),
     ([b"\xff"], None), ([b"9223372036854775807"], None), (["\u0663".encode()], None)],
)  # fmt: skip
def test_a_place_is_a_number_above_zero(given: list[bytes], seq: int | None) -> None:
    assert read_seq({b"seq": given}) == seq
    assert read_seq({}) is None


def test_what_is_too_long_is_cut() -> None:
    assert len(read_asked({b"ivorn": [b"x" * 100_000]}).ivorn) == 500
