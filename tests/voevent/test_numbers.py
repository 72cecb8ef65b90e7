"""Numbers and their texts: every text comes back, and what is a number is one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import PacketError
from bridge.voevent.numbers import MOST_DECIMALS, format_number, read_number, value_of


@given(st.text() | st.from_regex(r"[ +-]?[0-9]{0,25}(\.[0-9]{0,25})?(e-?[0-9]{1,3})?", fullmatch=True))
def test_every_text_comes_back(text: str) -> None:
    assert format_number(*read_number(text)) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", (0, None, 0)),
        ("-17", (-17, None, 0)),
        ("7.50", (7.5, None, 2)),
        ("-0.0", (-0.0, None, 1)),
        ("-0", (0, "-0", 0)),
        (" 5.00", (5.0, " 5.00", 0)),
        ("+7", (7, "+7", 0)),
        ("007", (7, "007", 0)),
        ("1.5E3", (1500.0, "1.5E3", 0)),
        (".5", (0.5, ".5", 0)),
        ("3.", (3.0, "3.", 0)),
        ("1060135832015015002", (1060135832015015002, None, 0)),
        ("-9223372036854775808", (-(2**63), None, 0)),
        ("9223372036854775808", (2.0**63, "9223372036854775808", 0)),
        ("1e999", (None, "1e999", 0)),
        ("0x3", (None, "0x3", 0)),
        ("NaN", (None, "NaN", 0)),
        ("1_000", (None, "1_000", 0)),
        ("\u0663", (None, "\u0663", 0)),
        ("", (None, "", 0)),
    ],
)
def test_what_is_a_number_is_one(text: str, value: tuple[object, str | None, int]) -> None:
    found = read_number(text)
    assert found == value
    assert type(found[0]) is type(value[0])


@given(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_a_person_gives_is_that_number(number: float) -> None:
    value, text, decimals = value_of(number)
    written = format_number(value, text, decimals)
    assert written is not None
    assert float(written) == float(number)
    assert value == number


def test_numbers_that_are_none_have_the_names_that_xml_schema_gives_them() -> None:
    assert [value_of(each)[1] for each in (math.nan, math.inf, -math.inf)] == ["NaN", "INF", "-INF"]


@pytest.mark.parametrize("decimals", [-1, MOST_DECIMALS + 1, 2**31 - 1])
def test_a_record_cannot_ask_for_any_number_of_decimals(decimals: int) -> None:
    assert format_number(1.5, None, MOST_DECIMALS) == "1.5" + "0" * (MOST_DECIMALS - 1)
    with pytest.raises(PacketError, match=f"asks for {decimals} decimals"):
        format_number(1.5, None, decimals)


def test_what_is_no_number_is_none_with_decimals_either() -> None:
    assert format_number(math.nan, None, 2) == "NaN"
