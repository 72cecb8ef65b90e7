"""Columns of a light curve as texts: every row that is shown, nothing of the others, sentinels left empty."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.alerts.column import column_of
from bridge.alerts.lens import RawColumn
from bridge.alerts.lens.encode import encode, encoded_column
from bridge.alerts.schema import Node
from bridge.mapping import batches
from bridge.mapping.batches import NumberBatch, TextColumn
from bridge.mapping.shown import Shown, shown_items
from bridge.mapping.tables import TablePlan

NONE: frozenset[bytes] = frozenset()
PLAN = {"name": "detections", "head": b"", "fields": b""}


def column(*values: Any, kind: str = "long") -> RawColumn:
    made = encoded_column(values, kind)
    assert isinstance(made, RawColumn)
    return made


INTS = st.none() | st.integers(-64, 63) | st.integers(-(2**31), 2**31 - 1)


@given(st.lists(INTS, max_size=8), st.lists(INTS, max_size=8))
def test_ints_read_the_same_whether_they_are_one_byte_or_more(
    first: list[int | None], second: list[int | None]
) -> None:
    encoded = [[encode(value, "int") for value in values] for values in (first, second)]
    texts = [[b"" if value is None else b"%d" % value for value in values] for values in (first, second)]

    assert NumberBatch("int", [NONE, NONE])(encoded, []) == texts
    assert NumberBatch("long", [NONE, NONE])(encoded, []) == texts


@pytest.mark.parametrize("values", [[1, -9, None], [1, -9, None, 70_000]])
def test_an_int_that_means_none_is_empty_in_its_own_column_only(values: list[int | None]) -> None:
    encoded = [encode(value, "int") for value in values]
    mine, other = NumberBatch("int", [frozenset({b"-9"}), NONE])([encoded, encoded], [])

    assert mine[:3] == [b"1", b"", b""]
    assert other[:3] == [b"1", b"-9", b""]


def test_infinities_nan_nulls_and_sentinels_share_a_batch() -> None:
    """orjson writes all but the last as null; infinities survive, a single value keeps its sentinel."""
    values = [math.inf, -math.inf, math.nan, None, -999.0, 18.472]
    encoded = [encode(value, "float") for value in values]
    cells, *singles = NumberBatch("float", [frozenset({b"-999.0"})])([encoded], encoded)

    assert cells == [b"INF", b"-INF", b"", b"", b"", b"18.472"]
    assert singles == [b"INF", b"-INF", b"null", b"null", b"-999.0", b"18.472"]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.booleans())
def test_texts_are_those_of_the_rows_that_are_shown(codes: list[int], decoded: bool) -> None:
    """Of captured rows, and of rows that fastavro had to decode."""
    render = TextColumn(lambda code: None if code == 3 else b"<%d>" % code)
    values = [None if code == 4 else code for code in codes]
    texts = [b"" if code in (3, 4) else b"<%d>" % code for code in codes]
    given_column = column_of(values, "long") if decoded else column(*values)
    even = Shown(range(0, len(codes), 2))

    for _ in range(2):
        assert render(given_column) == texts
        assert render(given_column, even) == texts[::2]
    assert render(None) == []


def test_a_column_of_ever_new_texts_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_REMEMBERED", 10)
    render = TextColumn(lambda number: b"%d" % number)
    for start in range(0, 1000, 7):
        assert render(column(*range(start, start + 7))) == [b"%d" % n for n in range(start, start + 7)]
        assert len(render._known) <= 20


def test_a_chooser_parts_rows_and_the_newest_of_them_stay() -> None:
    candid, jd = column(7, None, 8, None, 9), column(*[3.0, 1.0, 1.0, 2.0, 2.0], kind="double")
    detections = TablePlan(**PLAN, keep_null=False, newest=None)
    limits = TablePlan(**PLAN, keep_null=True, newest=None)
    newest = TablePlan(**PLAN, keep_null=False, newest=2)

    assert list(detections.choose(candid, jd, candid).positions) == [0, 2, 4]
    assert list(limits.choose(candid, jd, candid).positions) == [1, 3]
    # By time, not by place: the rows of 3.0 and 2.0, in the order of the array.
    assert list(newest.choose(candid, jd, candid).positions) == [0, 4]
    assert detections.choose(jd, jd, jd) is None, "all rows"
    assert limits.choose(jd, jd, jd).positions == []
    assert detections.choose(None, None, None) is None, "a null array"


def test_rows_that_fastavro_decoded_are_chosen_alike() -> None:
    """A text may be empty and yet be there."""
    names = column_of(["", None, "b"], "string")
    detections = TablePlan(**PLAN, keep_null=False, newest=None)
    limits = TablePlan(**PLAN, keep_null=True, newest=None)

    assert list(detections.choose(names, None, names).positions) == [0, 2]
    assert list(limits.choose(names, None, names).positions) == [1]
    whole = column_of(["", "b"], "string")
    assert detections.choose(whole, None, whole) is None
    assert limits.choose(whole, None, whole).positions == []


@given(st.lists(st.integers(-200, 200) | st.none(), max_size=9), st.data())
def test_any_rows_can_be_picked(values: list[int | None], data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.sampled_from(range(len(values))), unique=True)) if values else []
    items = shown_items(column(*values), Shown(positions))

    assert list(items) == [encode(values[position], "long") for position in positions]
    assert shown_items(None, Shown([0])) == ()
    assert RawColumn(list(items), Node("long")).column.tolist() == [
        values[position] for position in positions
    ]
