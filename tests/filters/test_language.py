"""What the language accepts, what it refuses, and how it says so."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.schema import Schema
from bridge.errors import ExpressionError
from bridge.filters import Filter
from bridge.filters.sqltext import MAX_DEPTH

Encode = Callable[..., bytes]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The expression is empty"),
        ("-- nothing", "not valid SQL|no condition"),
        ("d1 >", "not valid SQL at line 1, column 4"),
        ("d1 > 1 d2", "not valid SQL at line 1, column 9 near 'd2'"),
        ("d1 > 1; DROP TABLE alerts", "holds a semicolon"),
        ("d1 > (SELECT 1)", "Sub-selects cannot be used"),
        ("d1 IN (SELECT 1)", "Sub-selects cannot be used"),
        ("EXISTS (SELECT 1)", "Sub-selects cannot be used"),
        ("avg(epochs.mag) OVER () > 1", "Window functions cannot be used"),
        ("d1 > ?", "Parameters cannot be used"),
        ("d1 > $limit", "Parameters cannot be used"),
        ("count(*) > 1", "Stars cannot be used"),
        ("count(DISTINCT epochs.mag) > 1", "DISTINCT cannot be used"),
        ("first(epochs.mag ORDER BY epochs.flux) > 1", "ORDER BY in a function cannot be used"),
        ("count(epochs.mag) FILTER (WHERE b1) > 1", "FILTER clauses cannot be used"),
        ("epochs[1] IS NULL", "a name in single quotes"),
        ("s1 SIMILAR TO 'a+'", "Regular expressions"),
        ("s1 LIKE s2", "pattern of LIKE is a string in quotes"),
        ("s1 LIKE 'a!' ESCAPE '!'", "ends with its escape character"),
        ("s1 LIKE 'a' ESCAPE 'xy'", "ESCAPE belongs behind LIKE, with one character"),
        ("s1 || s2 = 'a'", "Concatenations cannot be used"),
        ("d1 // 2 = 1", "Integer divisions"),
        ("if(b1, b1, b2)", "write CASE WHEN"),
        ("d1 IS 5", "IS takes NULL, TRUE, FALSE"),
        ("CAST(d1 AS DATE) IS NULL", "DATE is not a type that CAST knows"),
        ("CAST(d1 AS DECIMAL(3, 1)) > 1", "is not a type that CAST knows"),
        (
            "lenght(s1) > 1",
            r"lenght\(\) is not a function that filters know at column 1. Did you mean length",
        ),
        ("__import__('os') = 1", "is not a function that filters know"),
        ("power(d1) > 1", r"power\(\) takes 2 arguments, not 1|not valid SQL"),
        ("cone(d1, d2, 3, 4) ", r"cone\(\) takes 5 arguments, not 4 at column 1"),
        ("cone(d1, d2, 3, 94, 1)", "declination of 94 degrees"),
        ("cone(d1, d2, 3, 4, -1)", "radius of -1 degrees"),
        ("d9 > 1", "Field 'd9' is unknown in schema test.alert"),
        ("b1 AND\n  epochs.magg > 1", r"Did you mean 'epochs.mag'.*\(In the filter at line 2, column 3.\)"),
        ("d1.value > 1", "has no fields"),
        ("d1", "'d1' is DOUBLE, but a condition is wanted; compare it with something"),
        ("NOT i1", "is INTEGER, but a condition"),
        ("d1 LIKE '1%'", "'d1' is DOUBLE, but a string before LIKE is wanted"),
        ("d1 > 'a'", r"cannot mix 'd1' \(DOUBLE\) with 'a' \(VARCHAR\)"),
        ("b1 > 0", "cannot mix 'b1'"),
        ("b1 < b2", "BOOLEAN, which has no order"),
        ("s1 + 1 > 2", "'s1' is VARCHAR, but a number is wanted"),
        ("epochs.mag > 18", "light-curve column, with a value for each epoch"),
        ("max(d1) > 1", r"'d1' is a single value; of several values take least\(\) or greatest\(\)"),
        ("max(epochs.mag + 1) > 1", r"max\(\) takes a light-curve column such as"),
        ("max(d1, d2) > 1", r"max\(\) takes 1 argument, not 2"),
        ("avg(epochs.band) > 1", "cannot be taken of 'epochs.band', a column of string"),
        ("first(epochs.image) IS NULL", r"only count\(\) can be taken"),
        ("isnan(d1 + 1)", r"isnan\(\) takes the name of a float or double field"),
        ("isnan(i1)", r"isnan\(\) takes the name of a float or double field"),
        ("length(d1) > 1", "a string or an array in length"),
        ("stamp = 'a'", "can only be tested with IS"),
        ("coalesce(stamp, stamp) IS NULL", "can only be tested with IS"),
        ("CAST(stamp AS VARCHAR) = 'a'", "can only be tested with IS"),
        ('"when" > 5', "'when' can only be tested"),
        ("round(d1, i1) > 1", r"round\(\) takes its digits as a whole number"),
        ("round(d1, 400) > 1", r"round\(\) takes its digits as a whole number"),
        ("i1 > 9223372036854775808", "is not a number that fits 64 bits"),
        ("d1 > 1e400", "is not a number that fits 64 bits"),
        ("i1 > " + "9" * 5000, "is not a number that fits 64 bits"),
        ('"a b" > 1', "not a name that an Avro field can have"),
        ('"a.b" > 1', "not a name that an Avro field can have"),
        ("greatest(b1, b2)", "takes numbers or strings"),
        ("CASE WHEN b1 THEN 1 ELSE 'a' END = 1", "The results of CASE cannot mix"),
        ("d1 > 1" + " " * 20_000, "20000 are allowed"),
    ],
)
def test_refusal_is_a_sentence(text: str, sentence: str, schema: Schema) -> None:
    with pytest.raises(ExpressionError, match=sentence) as refusal:
        Filter(text, "bright").compile(schema)
    assert str(refusal.value).startswith("Filter 'bright': ")
    assert str(refusal.value).rstrip(")").endswith((".", "?"))
    assert "\x1b" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("d1 = 1.5", True),
        ("D1 = 1.5", None),
        ('"d1" == 1.5 AND d1 != 2', True),
        ("d1 ** 2 = 2.25 AND pow(d1, 2) = 2.25", True),
        ("d1::INTEGER = 2", True),
        ("ifnull(d2, 7) = 7", True),
        ("x >= 0.65", False),
        ("x >= CAST(0.65 AS FLOAT)", True),
        ("scores.g > 0.5", True),
        ("scores.r > 0.5", False),
        ("scores.r IS NULL", True),
        ("length(epochs) = 3 AND epochs IS NOT NULL", True),
        ("length(epochs.mag) = 3", True),
        ("length(stamp) = 4 AND stamp IS NOT NULL", True),
        ("length(s1) = 3 AND s1 ILIKE 'ZT_'", True),
        ('"when" IS NULL', True),
        ("min(epochs.mag) = 17.5 AND max(epochs.mag) = 18.5 AND avg(epochs.mag) = 18", True),
        ("count(epochs.mag) = 2 AND sum(epochs.number) = 3", True),
        ("first(epochs.band) = 'g' AND last(epochs.band) = 'r' AND max(epochs.band) = 'r'", True),
        ("first(epochs.good) IS FALSE AND last(epochs.good)", True),
        ("median(epochs.mag) = 18 AND stddev(epochs.flux) > 0.7", True),
        ("isnan(d0) AND d0 IS NULL", True),
        ("isnan(d2) IS NULL AND isnan(d1) = FALSE", True),
        ("(NULL) IS NULL", True),
        ("NULL", False),
        ("TRUE", True),
        ("coalesce(NULL, NULL) IS NULL", True),
        ("(CASE WHEN b1 THEN NULL END) + i1 IS NULL AND -(CASE s1 WHEN 'ZTF' THEN NULL END) IS NULL", True),
        ("nullif(NULL, 1) + 1 IS NULL AND NOT coalesce(NULL = NULL, FALSE) AND s1 IN (NULL, 'ZTF')", True),
        ("s1 IN (NULL)", False),
        ("separation(d1, i1, NULL, 0) IS NULL AND isnan(d1) IS NOT NULL AND NOT (isnan(d1) = b1)", True),
        ("(cone(d1, 0, 1, 0, 1) = b1) AND cone(d1, NULL, 1, 0, 1) IS NULL", True),
        ("b1 IN (TRUE, NULL)", True),
        ("s1 NOT IN ('a', NULL)", False),
        ("d1 BETWEEN 1 AND 2 /* a comment */", True),
        ("i1 = 9223372036854775807 AND i1 + 1 IS NULL AND -i1 - 2 IS NULL", True),
        ("i1 * i1 IS NULL AND abs(i1) > 0", True),
        ("d1 / 0 IS NULL AND i1 % 0 IS NULL AND ln(0) IS NULL AND sqrt(-1) IS NULL", True),
        ("1e308 * 10 > d1 AND exp(1000) > d1 AND power(10, 400) > d1 AND power(-10, 401) < d1", True),
        (
            "CAST('abc' AS DOUBLE) IS NULL AND CAST(1e10 AS INTEGER) IS NULL AND CAST(1e39 AS FLOAT) IS NULL",
            True,
        ),
        ("CAST('1_000' AS BIGINT) IS NULL AND CAST('0x10' AS DOUBLE) IS NULL", True),
        ("abmag(3631e9) BETWEEN -0.01 AND 0.01 AND abmag(-1) IS NULL", True),
    ],
)
def test_condition_on_one_alert(text: str, passes: bool | None, schema: Schema, encode: Encode) -> None:
    epochs = [
        {"mag": 17.5, "flux": 1.0, "number": 1, "band": "g", "good": None, "image": None},
        {"mag": None, "flux": 2.0, "number": None, "band": None, "good": False, "image": b""},
        {"mag": 18.5, "flux": float("nan"), "number": 2, "band": "r", "good": True, "image": None},
    ]
    packet = encode(
        d0=float("nan"),
        d1=1.5,
        x=0.65,
        i1=2**63 - 1,
        b1=True,
        s1="ZTF",
        stamp=b"1234",
        scores={"g": 0.9},
        epochs=epochs,
    )
    if passes is None:
        with pytest.raises(ExpressionError, match="Did you mean"):
            Filter(text).compile(schema)
    else:
        assert Filter(text).compile(schema)(packet) is passes


DEPTHS = (1, 20, MAX_DEPTH // 4, MAX_DEPTH - 2, MAX_DEPTH, 200, 900)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("opening", "middle", "closing"),
    [
        ("(", "b1", ")"),
        ("NOT ", "b1", ""),
        ("NOT (", "b1 IS TRUE", ")"),
        ("CASE WHEN b1 THEN ", "b1", " END"),
        ("CASE s1 WHEN 'a' THEN ", "b1", " END"),
        ("(b1 AND (b2 OR ", "b0", "))"),
        ("b1 = (", "b1 = b2", ")"),
        ("((", "b1", ") IS NOT DISTINCT FROM b2)"),
        ("coalesce(b2, ", "b1", ")"),
        ("nullif(", "b1", ", b2)"),
        ("b1 IN (b2, ", "b1", ")"),
        ("- ", "d1", " > 0"),
        ("abs(", "d1", ")"),
        ("d1 + (", "d1", ")"),
        ("1 / (d1 + ", "d1", ")"),
        ("power(2, ", "d1", ")"),
        ("i1 - (", "i1", ")"),
        ("d1 BETWEEN 1 AND (", "d1", ")"),
    ],
)
def test_deep_nesting_compiles_or_is_refused(
    opening: str, middle: str, closing: str, depth: int, schema: Schema, encode: Encode
) -> None:
    text = opening * depth + middle + closing * (depth if closing.strip()[-1:] in (")", "D", "") else 1)
    if middle[0] in "di" and not text.endswith("> 0"):
        text += " > 0" if "BETWEEN" not in opening else ""
    packet = encode(b1=True, b2=None, s1="b", d1=1.0, i1=1)
    refusal = ""
    try:
        assert Filter(text).compile(schema)(packet) in (True, False)
    except ExpressionError as error:
        refusal = str(error)
    if depth <= 20 and "BETWEEN" not in opening:
        assert not refusal
    elif refusal:
        assert re.search("nested too deeply|characters|BOOLEAN|cannot mix", refusal)


def test_long_conjunction_is_no_nesting(schema: Schema, encode: Encode) -> None:
    predicate = Filter(" AND ".join(f"d1 > {n}" for n in range(1500))).compile(schema)
    assert predicate(encode(d1=1500.0)) is True
    assert predicate(encode(d1=1000.0)) is False


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.text("d1sbNOTAND()<>=+-*/%'\". ,:0;$?[]{}\n", max_size=40))
def test_any_text_is_a_filter_or_an_expression_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert Filter(text).text == text


def test_generated_source_cannot_be_broken_into(schema: Schema, encode: Encode) -> None:
    evil = "'\n    raise SystemExit  # \\"
    predicate = Filter(f"s1 = '{evil.replace(chr(39), chr(39) * 2)}'", evil).compile(schema)
    assert predicate(encode(s1=evil)) is True
    assert predicate(encode(s1="a")) is False
