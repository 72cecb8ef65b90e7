"""Many zigzag varints at once: the same numbers as one by one, whatever lies beside them."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.alerts.lens.columns import long_values
from bridge.alerts.lens.encode import encode
from bridge.alerts.lens.runtime import long_of
from bridge.alerts.lens.varints import MOST, decode_varints

LONGS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(LONGS | st.integers(-70, 70), max_size=12), st.integers(1, 90))
@example([-1, 0, -(2**63), 2**63 - 1, 1], 52)
def test_numbers_decoded_together_are_the_numbers_one_by_one(values: list[int], times: int) -> None:
    """From a few, which are one large integer, to more than that takes."""
    values = (values * times)[: MOST + 40]
    items = [encode(value, "long") for value in values]

    assert long_values(items).tolist() == values
    assert long_values([None, *items]).tolist() == [0, *values]


@given(st.lists(st.binary(min_size=10, max_size=10), min_size=1, max_size=5))
def test_bits_beyond_the_64th_never_reach_the_neighbour(digits: list[bytes]) -> None:
    """A pattern takes any ten bytes as a varint: what is too large for a long is cut, as it is one by one."""
    items = [bytes([*(0x80 | byte for byte in item[:9]), item[9] & 0x7F]) for item in digits]
    lanes = np.frombuffer(decode_varints(items), "<i8")

    assert lanes[::2].tolist() == [(long_of(item) + 2**63) % 2**64 - 2**63 for item in items]
