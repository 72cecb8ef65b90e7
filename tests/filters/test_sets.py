"""Sets of filters, Python filters and files of filters."""

from __future__ import annotations

import inspect
import linecache
import math
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema
from bridge.errors import BridgeError, ConfigError, ExpressionError, PacketError, UsageError
from bridge.filters import Filter, FilterSet, PythonFilter, Selector, load_filters, parse_filter

Encode = Callable[..., bytes]


def bright(alert: dict[str, Any]) -> bool:
    return alert["d0"] < 18


def broken(alert: dict[str, Any]) -> bool:
    raise KeyError("rb")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of this module, importable."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return Path(__file__).stem


def test_field_wanted_by_many_filters_is_read_once(schema: Schema, encode: Encode) -> None:
    filters = FilterSet([Filter(f"d1 > {n} AND i1 < {n}", f"f{n}") for n in range(50)])
    select = filters.compile(schema)
    assert select.paths == ("d1", "i1")
    assert select(encode(d1=10.5, i1=5)) == [6, 7, 8, 9, 10]
    assert select(encode(d1=None, i1=5)) == []
    assert filters.names[:2] == ("f0", "f1")
    assert len(filters) == len(list(filters)) == 50


def test_costly_expression_of_many_filters_is_computed_once(schema: Schema, encode: Encode) -> None:
    cuts = [Filter(f"b{n % 2} AND abs(gal_lat(d1, d2)) > {n}") for n in range(10)]
    select = FilterSet(cuts).compile(schema)
    assert select.source.count("sql_gal_lat(") == 10
    calls = []
    namespace = select.evaluate.__globals__  # type: ignore[attr-defined]
    real = namespace["sql_gal_lat"]
    namespace["sql_gal_lat"] = lambda *place: calls.append(place) or real(*place)
    assert select(encode(b0=True, b1=True, d1=192.85, d2=27.12)) == list(range(10))
    assert len(calls) == 1
    assert select(encode(b0=False, b1=None, d1=1.0, d2=2.0)) == []
    assert len(calls) == 1  # and not at all where no filter comes so far


def test_set_and_single_filters_agree(schema: Schema, encode: Encode) -> None:
    texts = [
        "s1 LIKE 'a%' AND d1 > 1",
        "s1 LIKE 'a%' OR d1 <= 1",
        "NOT s1 LIKE 'a%'",
        "count(epochs.mag) = 0",
        "TRUE",
    ]
    filters = [Filter(text) for text in texts]
    select = FilterSet(filters).compile(schema)
    for row in ({"s1": "ab", "d1": 2.0}, {"s1": "b", "d1": 0.0}, {"s1": None, "d1": math.nan}, {"s1": "a"}):
        packet = encode(**row)
        assert select(packet) == [n for n, each in enumerate(filters) if each.compile(schema)(packet)]


def test_set_without_fields_reads_nothing(schema: Schema) -> None:
    assert FilterSet([Filter("TRUE"), Filter("1 = 2")]).compile(schema)(b"") == [0]
    assert FilterSet([]).compile(schema)(b"") == []


def test_set_compiles_once_for_a_schema(schema: Schema) -> None:
    filters = FilterSet([Filter("d1 > 1")])
    assert filters.compile(schema) is filters.compile(schema)


def test_filter_says_which_fields_it_reads(schema: Schema) -> None:
    fields = Filter("d1 > 1 AND length(epochs) > 2 AND max(epochs.mag) < 18 AND d1 < 2").fields(schema)
    assert [(field.path, field.kind) for field in fields] == [
        ("d1", "scalar"),
        ("len(epochs)", "length"),
        ("epochs.mag", "column"),
    ]


def test_misfit_names_filter_field_and_schema(schema: Schema) -> None:
    filters = FilterSet([Filter("d1 > 1", "good"), Filter("candidate.rb > 0.5", "ztf-cut")])
    with pytest.raises(
        ExpressionError, match=r"Filter 'ztf-cut': Field 'candidate.rb' .* test.alert.*column 1"
    ):
        filters.compile(schema)


def test_broken_packet_is_the_lens_s_affair(schema: Schema, encode: Encode) -> None:
    predicate = Filter("s1 = 'abc'").compile(schema)
    with pytest.raises(PacketError):
        predicate(encode(s1="abc")[:9])


def test_datum_inside_a_message(schema: Schema, encode: Encode) -> None:
    datum = encode(d1=2.0, s2="x")
    data = b"\0\0\0\0\1" + datum + b"tail"
    predicate = Filter("d1 = 2 AND s2 = 'x'").compile(schema)
    packet = Packet(data, 5, 5 + len(datum), schema, Origin("p", 0), "confluent", whole=True)
    assert predicate(data, 5, 5 + len(datum))
    assert predicate.read(packet)
    assert FilterSet([Filter("d1 = 2")]).compile(schema).read(packet) == [0]


def test_traceback_shows_the_generated_lines(schema: Schema, encode: Encode) -> None:
    predicate = Filter("abs(sign(d1)) > 0 AND sqrt(d1) > 1").compile(schema)
    predicate.evaluate.__globals__["sql_sqrt"] = None  # type: ignore[attr-defined]
    with pytest.raises(TypeError) as failure:
        predicate(encode(d1=4.0))
    shown = "".join(traceback.format_exception(failure.value))
    assert "sql_sqrt(f0) > 1" in shown
    assert inspect.getsource(predicate.evaluate) == predicate.source  # type: ignore[arg-type]
    linecache.checkcache()
    assert inspect.getsource(predicate.evaluate) == predicate.source  # type: ignore[arg-type]


def test_python_filter_gets_the_whole_alert(here: str, schema: Schema, encode: Encode) -> None:
    each = parse_filter(f" python:{here}:bright", "mine")
    assert isinstance(each, PythonFilter)
    assert each.fields(schema) == ()
    predicate = each.compile(schema)
    assert predicate(encode(d0=17.0)) is True
    assert predicate(encode(d0=19.0)) is False
    assert predicate.paths == ()
    select = FilterSet([each, Filter("d0 > 16"), each]).compile(schema)
    assert select(encode(d0=17.0)) == [0, 1, 2]
    assert select(encode(d0=19.0)) == [1]
    with pytest.raises(PacketError, match="left over"):
        predicate(encode(d0=17.0) + b"x")


def test_python_filter_that_fails_costs_one_packet(here: str, schema: Schema, encode: Encode) -> None:
    predicate = PythonFilter(f"{here}:broken", "mine").compile(schema)
    with pytest.raises(PacketError, match=r"the Python filter 'mine' raised KeyError\('rb'\)"):
        predicate(encode())


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("python:math", "is written python:module:function"),
        ("python::f", "is written python:module:function"),
        ("python:no.such.module:f", "'no.such.module' of a Python filter cannot be imported"),
        ("python:math:no_such", "'math' has no function 'no_such'"),
        ("python:math:pi", "'math' has no function 'pi'"),
    ],
)
def test_python_filter_that_is_none(target: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse_filter(target)


def test_file_of_filters(tmp_path: Path, schema: Schema, encode: Encode) -> None:
    path = tmp_path / "filters.toml"
    path.write_text(
        '[[filter]]\nname = "bright"\nwhere = "d1 < 18"\ndescription = "For small telescopes."\n\n'
        '[[filter]]\nname = "north"\nwhere = """\nd2 > 0\n  AND b0\n"""\n'
    )
    filters = load_filters(path)
    assert filters.names == ("bright", "north")
    assert filters.compile(schema)(encode(d1=17.0, d2=1.0, b0=True)) == [0, 1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"must hold \[\[filter\]\] tables"),
        ("filter = 3", r"must hold \[\[filter\]\] tables"),
        ("filter = [3]", "Filter 1 in .* is not a table"),
        ("x = 1\n[[filter]]\nname='a'\nwhere='TRUE'", "and nothing else"),
        ("[[filter]]\nname='a'", "Filter 1 in .* needs a where that is a string"),
        ("[[filter]]\nwhere='TRUE'", "needs a name that is a string"),
        ("[[filter]]\nname='a/b'\nwhere='TRUE'", "a name has up to 100"),
        ("[[filter]]\nname='a'\nwhere='TRUE'\nlimit=3", "unknown key 'limit'"),
        (
            "[[filter]]\nname='a'\nwhere='TRUE'\n[[filter]]\nname='a'\nwhere='TRUE'",
            "two filters with the name 'a'",
        ),
        (
            "[[filter]]\nname='a'\nwhere='d1 >'",
            r"Filter 'a': The expression is not valid SQL .*\(In .*filters.toml.\)",
        ),
        ("[[filter]", "is not TOML"),
        ("\udcff", "is not TOML"),
    ],
)
def test_file_that_is_none(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "filters.toml"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError if "SQL" not in sentence else ExpressionError, match=sentence):
        load_filters(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read \(No such file"):
        load_filters(tmp_path / "none.toml")


TEXTS = [
    "log(d1, d2) > 0 AND power(d1, d2) > 0 AND tan(d1) > 0 AND round(d1, 3) > 0 AND exp(d1) > 0",
    "cone(d1, d2, d0, d1, d2) OR separation(d1, d2, d0, 4) > 1 OR gal_lon(d0, d1) > 1 OR ecl_lat(d0, d2) > 0",
    "i1 * i0 + i2 - i1 % i0 > 0 OR round(i1, -2) = abs(i0) OR floor(d1) = ceil(d2) OR sign(d0) = -1",
    "CAST(d1 AS INTEGER) = 1 OR CAST(s1 AS DOUBLE) > 0 OR CAST(s0 AS BIGINT) > 0 OR CAST(s2 AS BOOLEAN)",
    "CAST(d1 AS FLOAT) > 0 OR CAST(d0 AS VARCHAR) LIKE '%e_5%' OR upper(s1) ILIKE '_İ%'",
    "length(s2) > 3 OR least(i1, d1) > 0 OR greatest(s1, s2) > s0 OR coalesce(d1, i1, 1) > 1",
    "sum(epochs.number) > 0 OR stddev(epochs.flux) > 0 OR sum(epochs.flux) < 0 OR median(epochs.mag) > 1",
    "max(epochs.band) > 'a' OR avg(epochs.number) > 1 OR last(epochs.good) OR min(epochs.flux) / d1 > i1",
    "abmag(d1) < 20 OR ln(i1) > 1 OR log10(d0) > 1 OR sqrt(x) > 1 OR degrees(d1) > 1 OR radians(d2) > 1",
    "CASE s1 WHEN s2 THEN d1 WHEN s0 THEN i1 END > 1 OR nullif(d1, i1) IN (d2, i0, NULL)",
]
anything = st.floats() | st.none()
integers = st.integers(-(2**63), 2**63 - 1)
epoch = st.fixed_dictionaries(
    {
        "mag": st.floats(width=32) | st.none(),
        "flux": st.floats(),
        "number": integers | st.none(),
        "band": st.text(max_size=3) | st.none(),
        "good": st.booleans() | st.none(),
        "image": st.none(),
    }
)
row = st.fixed_dictionaries(
    {
        "d0": st.floats(),
        "d1": anything,
        "d2": anything,
        "x": st.floats(width=32) | st.none(),
        "i0": integers,
        "i1": integers | st.none(),
        "s0": st.text(max_size=8),
        "s1": st.none() | st.text("0123456789.eE+- infa", max_size=8),
        "s2": st.none() | st.text(max_size=8),
        "epochs": st.none() | st.lists(epoch, max_size=4),
    }
)


@pytest.fixture(scope="module")
def everything(schema: Schema) -> Selector:
    """Of each text three filters: that it is TRUE, FALSE, NULL."""
    forms = [form for text in TEXTS for form in (text, f"NOT ({text})", f"({text}) IS NULL")]
    return FilterSet([Filter(form) for form in forms]).compile(schema)


@settings(max_examples=200, deadline=None)
@given(values=row)
def test_no_values_make_a_filter_raise(values: dict[str, Any], everything: Selector, encode: Encode) -> None:
    passed = everything(encode(**values))
    for first in range(0, 3 * len(TEXTS), 3):  # TRUE, FALSE or NULL, and never two of them
        assert len({first, first + 1, first + 2} & set(passed)) == 1


def test_refusals_are_for_people() -> None:
    assert issubclass(ExpressionError, UsageError)
    assert issubclass(UsageError, BridgeError)
