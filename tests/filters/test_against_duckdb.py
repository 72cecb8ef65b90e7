"""Random expressions over random rows mean the same here and in DuckDB.

An expression is made as a pair: our text, and DuckDB's with our rules spelled out (NaN is NULL, a division
by zero and an integer overflow are NULL).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.alerts.schema import Schema
from bridge.filters import Filter, FilterSet
from bridge.filters.check import Checker
from bridge.filters.emit import Emitter
from bridge.filters.syntax import parse_expression

Pair = tuple[str, str]
Draw = Callable[..., Any]

DOUBLES = [None, 0.0, -0.0, 1.0, -1.5, 2.0, 7.25, -7.5, 1e-300, 1e300, 0.285, math.inf, -math.inf]
INTEGERS = [None, 0, 1, -1, 2, 3, 7, -7, 3037000500]
BOOLEANS = [None, True, False]
TEXTS = [None, "", "a", "ab", "b", "A%b", "a_b", "ZTF18é", "\n"]
ROWS = 48
COLUMNS = {
    "d0": (DOUBLES, "DOUBLE"),
    "d1": (DOUBLES, "DOUBLE"),
    "d2": (DOUBLES, "DOUBLE"),
    "i0": (INTEGERS, "BIGINT"),
    "i1": (INTEGERS, "BIGINT"),
    "b0": (BOOLEANS, "BOOLEAN"),
    "b1": (BOOLEANS, "BOOLEAN"),
    "b2": (BOOLEANS, "BOOLEAN"),
    "s0": (TEXTS, "VARCHAR"),
    "s1": (TEXTS, "VARCHAR"),
    "s2": (TEXTS, "VARCHAR"),
}
REQUIRED = {"d0", "i0", "b0", "s0"}
NAN = "'NaN'::DOUBLE"


def make_rows() -> list[dict[str, Any]]:
    rows = []
    for number in range(ROWS):
        row = {}
        for place, (name, (values, _)) in enumerate(COLUMNS.items()):
            choices = [value for value in values if value is not None] if name in REQUIRED else values
            row[name] = choices[(number * (2 * place + 1) + number // len(choices) + place) % len(choices)]
        rows.append(row)
    return rows


ROW_VALUES = make_rows()


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    columns = ", ".join(f"{name} {kind}" for name, (_, kind) in COLUMNS.items())
    connection.execute(f"CREATE TABLE alerts (row_number INTEGER, {columns})")
    marks = ", ".join("?" * (len(COLUMNS) + 1))
    connection.executemany(
        f"INSERT INTO alerts VALUES ({marks})", [[n, *row.values()] for n, row in enumerate(ROW_VALUES)]
    )
    return connection


@pytest.fixture(scope="module")
def packets(encode: Callable[..., bytes]) -> list[bytes]:
    # NULL doubles are sent as NaN in every second row: they must read the same
    rows = [
        {k: math.nan if v is None and k == "d1" and n % 2 else v for k, v in row.items()}
        for n, row in enumerate(ROW_VALUES)
    ]
    return [encode(**row) for row in rows]


def boolean(draw: Draw, depth: int) -> Pair:
    if depth == 0:
        name = draw(
            st.sampled_from(["b0", "b1", "b2", "TRUE", "FALSE", "NULL::BOOLEAN", "i0 < 2", "d1 >= 1.0"])
        )
        return (name.replace("1.0", "1e0"), name.replace("1.0", "1::DOUBLE"))
    kind = draw(
        st.sampled_from(
            [
                "compare",
                "and",
                "or",
                "not",
                "is",
                "between",
                "in",
                "case",
                "like",
                "text",
                "same",
                "cast",
                "coalesce",
                "switch",
                "null",
            ]
        )
    )
    below = depth - 1
    if kind in ("and", "or"):
        parts = [boolean(draw, below) for _ in range(draw(st.integers(2, 3)))]
        return join(parts, f" {kind.upper()} ")
    if kind == "not":
        return around("NOT ({})", boolean(draw, below))
    if kind == "is":
        test = draw(
            st.sampled_from(["IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS NULL", "IS NOT NULL"])
        )
        return around(f"(({{}}) {test})", boolean(draw, below))
    if kind == "null":
        test = draw(st.sampled_from(["IS NULL", "IS NOT NULL"]))
        return around(f"({{}} {test})", draw(st.sampled_from([number, text]))(draw, below))
    if kind == "compare":
        sort = draw(st.sampled_from([number, number, text]))
        operator = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
        return around(f"({{}} {operator} {{}})", sort(draw, below), sort(draw, below))
    if kind == "same":
        sort = draw(st.sampled_from([number, text, boolean]))
        word = draw(st.sampled_from(["IS DISTINCT FROM", "IS NOT DISTINCT FROM"]))
        if sort is boolean and draw(st.booleans()):
            word = draw(st.sampled_from(["=", "<>"]))
        return around(f"(({{}}) {word} ({{}}))", sort(draw, below), sort(draw, below))
    if kind == "between":
        sort = draw(st.sampled_from([number, text]))
        word = draw(st.sampled_from(["BETWEEN", "NOT BETWEEN"]))
        return around(f"({{}} {word} {{}} AND {{}})", *(sort(draw, below) for _ in range(3)))
    if kind == "in":
        sort = draw(st.sampled_from([number, text]))
        word = draw(st.sampled_from(["IN", "NOT IN"]))
        listed = [sort(draw, draw(st.sampled_from([0, 0, below]))) for _ in range(draw(st.integers(1, 3)))]
        if draw(st.booleans()):
            constants = ["1e0", "2", "NULL", "0"] if sort is number else ["'a'", "'b'", "NULL"]
            listed = [
                (c, c.replace("1e0", "1::DOUBLE"))
                for c in draw(st.lists(st.sampled_from(constants), min_size=1))
            ]
        value, (ours, theirs) = sort(draw, below), join(listed, ", ")
        return f"({value[0]} {word} {ours})", f"({value[1]} {word} {theirs})"
    if kind == "like":
        word = draw(st.sampled_from(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"]))
        pattern = draw(st.text("ab%_A!", max_size=5).filter(lambda p: p.replace("!!", "").count("!") == 0))
        escape = " ESCAPE '!'" if "!" in pattern else ""
        return around(f"({{}} {word} '{pattern}'{escape})", text(draw, below))
    if kind == "case":
        return around("(CASE WHEN {} THEN {} ELSE {} END)", *(boolean(draw, below) for _ in range(3)))
    if kind == "switch":
        return around(
            "(CASE {} WHEN {} THEN {} WHEN {} THEN {} END)",
            *(sort(draw, below) for sort in (text, text, boolean, text, boolean)),
        )
    if kind == "cast":
        return around("CAST({} AS BOOLEAN)", whole(draw, below))
    if kind == "coalesce":
        return around(
            draw(st.sampled_from(["COALESCE({}, {})", "NULLIF({}, {})"])),
            boolean(draw, below),
            boolean(draw, below),
        )
    return around("({} = {})", text(draw, below), text(draw, below))


def around(form: str, *pairs: Pair) -> Pair:
    return form.format(*(p[0] for p in pairs)), form.format(*(p[1] for p in pairs))


def join(pairs: list[Pair], between: str) -> Pair:
    return f"({between.join(p[0] for p in pairs)})", f"({between.join(p[1] for p in pairs)})"


def number(draw: Draw, depth: int) -> Pair:
    return draw(st.sampled_from([whole, real, real]))(draw, depth)


def whole(draw: Draw, depth: int) -> Pair:
    if depth == 0:
        value = draw(st.sampled_from(["i0", "i1", "2", "-3", "NULL"]))
        return value, f"{value}::BIGINT"
    below = depth - 1
    kind = draw(
        st.sampled_from(
            ["+", "-", "*", "%", "neg", "case", "coalesce", "length", "cast", "abs", "sign", "nullif"]
        )
    )
    a, b = whole(draw, below), whole(draw, below)
    if kind == "%":
        return f"({a[0]} % {b[0]})", f"({a[1]} % nullif({b[1]}, 0))"
    if kind in "+-*":
        return f"({a[0]} {kind} {b[0]})", f"TRY({a[1]} {kind} {b[1]})"
    if kind == "neg":
        return f"(- {a[0]})", f"TRY(- ({a[1]}))"
    if kind == "case":
        return around("(CASE WHEN {} THEN {} ELSE {} END)", boolean(draw, below), a, b)
    if kind in ("coalesce", "nullif"):
        return around(f"{kind}({{}}, {{}})", a, b)
    if kind == "length":
        return around("length({})", text(draw, below))
    if kind == "cast":
        ours, theirs = real(draw, below)
        to = draw(st.sampled_from(["BIGINT", "INTEGER"]))
        return f"CAST({ours} AS {to})", f"TRY_CAST({theirs} AS {to})::BIGINT"
    if kind == "sign":
        ours, theirs = real(draw, below)
        return f"sign({ours})", f"sign({theirs})::BIGINT"
    return f"abs({a[0]})", f"TRY(abs({a[1]}))"


def real(draw: Draw, depth: int) -> Pair:
    if depth == 0:
        value = draw(st.sampled_from(["d0", "d1", "d2", "1.5", "-2.25e0", "NULL"]))
        return value if value != "NULL" else "CAST(NULL AS DOUBLE)", f"{value}::DOUBLE"
    below = depth - 1
    kind = draw(
        st.sampled_from(
            [
                "+",
                "-",
                "*",
                "/",
                "%",
                "neg",
                "case",
                "coalesce",
                "least",
                "greatest",
                "floor",
                "ceil",
                "abs",
                "round",
                "cast",
                "nullif",
            ]
        )
    )
    a, b = real(draw, below), number(draw, below)
    if kind in "+-*":
        return f"({a[0]} {kind} {b[0]})", f"nullif({a[1]} {kind} {b[1]}, {NAN})"
    if kind == "/":
        return f"({b[0]} / {a[0]})", f"nullif({b[1]} / nullif({a[1]}, 0), {NAN})"
    if kind == "%":
        return f"({a[0]} % {b[0]})", f"nullif(({a[1]}) % nullif({b[1]}, 0), {NAN})"
    if kind == "neg":
        return around("(- {})", a)
    if kind == "case":
        return around("(CASE WHEN {} THEN {} ELSE {} END)", boolean(draw, below), a, b)
    if kind in ("coalesce", "least", "greatest"):
        return around(f"{kind}({{}}, {{}})", a, b)
    if kind == "nullif":
        return around("nullif({}, {})", a, b)
    if kind == "cast":
        return around("CAST({} AS DOUBLE)", whole(draw, below))
    if kind == "round":
        return around(f"round({{}}, {draw(st.integers(-3, 3))})", a)
    return around(f"{kind}({{}})", a)


def text(draw: Draw, depth: int) -> Pair:
    if depth == 0:
        value = draw(st.sampled_from(["s0", "s1", "s2", "'a'", "'b'", "CAST(NULL AS VARCHAR)"]))
        return value, value
    below = depth - 1
    kind = draw(
        st.sampled_from(["lower", "upper", "case", "coalesce", "nullif", "least", "greatest", "cast", "leaf"])
    )
    if kind in ("lower", "upper"):
        return around(f"{kind}({{}})", text(draw, below))
    if kind == "case":
        return around("(CASE WHEN {} THEN {} END)", boolean(draw, below), text(draw, below))
    if kind == "cast":
        return around("CAST({} AS VARCHAR)", draw(st.sampled_from([whole, boolean]))(draw, below))
    if kind == "leaf":
        return text(draw, 0)
    return around(f"{kind}({{}}, {{}})", text(draw, below), text(draw, below))


@st.composite
def expressions(draw: Draw, sort: Callable[[Draw, int], Pair]) -> Pair:
    return sort(draw, draw(st.integers(1, 3)))


def ask(database: duckdb.DuckDBPyConnection, expression: str) -> list[Any]:
    query = f"SELECT {expression} FROM alerts ORDER BY row_number"
    return list(itertools.chain.from_iterable(database.execute(query).fetchall()))


def value_of(schema: Schema, text: str) -> Callable[[bytes], Any]:
    """The value of any expression, by the checker and the generator alone."""
    checker = Checker(schema, text)
    node = checker.check(parse_expression(text))
    paths = list(checker.fields)
    emitter = Emitter({p: p for p in paths}, {p: p for p in paths}, {})
    code = compile(emitter.plain(node), text, "eval")

    def evaluate(row: dict[str, Any]) -> Any:
        numbers = {p for p in paths if p[0] in "di"}
        values = {p: math.nan if row[p] is None and p in numbers else row[p] for p in paths}
        found = eval(code, {**emitter.names, **values})
        return None if found is None or found != found else found

    return evaluate


relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@relaxed
@given(pair=expressions(boolean))
def test_condition_is_true_false_or_null_where_duckdb_says_so(
    pair: Pair, database: duckdb.DuckDBPyConnection, schema: Schema, packets: list[bytes]
) -> None:
    ours, theirs = pair
    expected = ask(database, theirs)
    forms = ["{}", "({}) IS TRUE", "({}) IS FALSE", "({}) IS NULL", "NOT ({})"]
    select = FilterSet([Filter(form.format(ours)) for form in forms]).compile(schema)
    wanted = {True: [0, 1], False: [2, 4], None: [3]}
    for row, packet, answer in zip(ROW_VALUES, packets, expected, strict=True):
        assert select(packet) == wanted[answer], row
    predicate = Filter(ours).compile(schema)
    assert [predicate(packet) for packet in packets] == [answer is True for answer in expected]


@relaxed
@given(pair=st.one_of(expressions(whole), expressions(real), expressions(text), expressions(boolean)))
def test_value_is_duckdb_s(pair: Pair, database: duckdb.DuckDBPyConnection, schema: Schema) -> None:
    ours, theirs = pair
    evaluate = value_of(schema, ours)
    for row, answer in zip(ROW_VALUES, ask(database, theirs), strict=True):
        found = evaluate(row)
        if isinstance(answer, float) and found is not None:
            assert found == pytest.approx(answer, rel=1e-14, abs=0), row
        else:
            assert found == answer, row


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("sqrt(d1)", "CASE WHEN d1 >= 0 THEN sqrt(d1) END"),
        ("exp(d1)", "exp(d1)"),
        ("ln(d1)", "CASE WHEN d1 > 0 THEN ln(d1) END"),
        ("log10(d1)", "CASE WHEN d1 > 0 THEN log10(d1) END"),
        ("log(d1)", "CASE WHEN d1 > 0 THEN log(d1) END"),
        ("log(2, d1)", "CASE WHEN d1 > 0 THEN log(2, d1) END"),
        ("power(d1, 2)", "power(d1, 2)"),
        ("power(d2, 3)", "power(d2, 3)"),
        ("power(d1, d2)", "CASE WHEN NOT (d1 = 0 AND d2 < 0) THEN nullif(power(d1, d2), 'NaN'::DOUBLE) END"),
        ("power(i0, i1)", "CASE WHEN NOT (i0 = 0 AND i1 < 0) THEN power(i0, i1) END"),
        ("sin(d1)", "CASE WHEN isfinite(d1) THEN sin(d1) END"),
        ("cos(d1)", "CASE WHEN isfinite(d1) THEN cos(d1) END"),
        ("tan(d1)", "CASE WHEN isfinite(d1) THEN tan(d1) END"),
        ("radians(d1)", "radians(d1)"),
        ("degrees(d1)", "degrees(d1)"),
        ("CAST(d1 AS FLOAT)", "TRY_CAST(d1 AS FLOAT)::DOUBLE"),
        ("CAST(s1 AS DOUBLE)", "TRY_CAST(s1 AS DOUBLE)"),
        ("CAST('-12.5e1' AS DOUBLE)", "'-12.5e1'::DOUBLE"),
        ("CAST(' 17 ' AS BIGINT)", "' 17 '::BIGINT"),
        ("CAST('yes' AS BOOLEAN)", "'yes'::BOOLEAN"),
        ("CAST('No' AS BOOLEAN)", "'No'::BOOLEAN"),
        ("round(i0, -1)", "round(i0, -1)"),
        ("round(d1)", "round(d1)"),
        ("abs(i0 - 9223372036854775807 - 1)", "TRY(abs(i0 - 9223372036854775807 - 1))"),
        ("- -9223372036854775808", "NULL"),
        ("greatest(s1, s2, 'aa')", "greatest(s1, s2, 'aa')"),
    ],
)
def test_function_gives_what_duckdb_gives(
    ours: str, theirs: str, database: duckdb.DuckDBPyConnection, schema: Schema
) -> None:
    evaluate = value_of(schema, ours)
    for row, answer in zip(ROW_VALUES, ask(database, theirs), strict=True):
        found = evaluate(row)
        assert (found is None) == (answer is None), row
        assert found == (pytest.approx(answer, rel=1e-12, abs=0) if isinstance(answer, float) else answer), (
            row
        )
