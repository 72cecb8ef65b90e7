"""What the generated code of a lens calls: integers, jumps over arrays and maps, rows of light curves.

All functions take the bytes ``d``, a position ``p`` and the end ``e`` of the datum, and raise `Mismatch`
where the bytes are not what the schema promises; the lens then asks fastavro.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import fastavro
import numpy as np

from bridge.alerts.column import Column
from bridge.alerts.lens.habits import ENOUGH, Habit, learn, render_element
from bridge.alerts.lens.patterns import skip_pattern
from bridge.alerts.schema import Node, parse_schema

__all__ = [
    "ArraySkipper",
    "Mismatch",
    "RowReader",
    "SpanDecoder",
    "blocks",
    "long_of",
    "read_long",
    "skip_bytes",
]

Match = Callable[[bytes, int, int], "re.Match[bytes] | None"]

_SMALL = [(n >> 1) ^ -(n & 1) for n in range(128)]
_MASK = (1 << 64) - 1

# So many rows of one habit are matched by one pattern: it saves a match object for each of the others.
AT_ONCE = 8


class Mismatch(Exception):  # noqa: N818 - a signal between the lens and its generated code
    """The bytes do not have the form that the pattern expects."""


def long_of(encoded: bytes) -> int:
    """The value of a zigzag varint."""
    if len(encoded) == 1:
        return _SMALL[encoded[0]]
    n = shift = 0
    for byte in encoded:
        n |= (byte & 0x7F) << shift
        shift += 7
    n &= _MASK
    return (n >> 1) ^ -(n & 1)


def read_long(d: bytes, p: int, e: int) -> tuple[int, int]:
    """The varint at `p` and the position after it."""
    start = p
    while True:
        if p >= e or p - start >= 10:
            raise Mismatch
        p += 1
        if d[p - 1] < 0x80:
            return long_of(d[start:p]), p


def skip_bytes(d: bytes, p: int, e: int) -> int:
    """The position after the bytes or string at `p`."""
    length, p = read_long(d, p, e)
    if length < 0 or length > e - p:
        raise Mismatch
    return p + length


def blocks(d: bytes, p: int, e: int) -> tuple[int, int, int]:
    """Read the head of a block of an array or map.

    Returns
    -------
    count, position, end
        Number of elements (0 ends the array), position of the first, and the position after the block
        where the block says its size in bytes, else -1.
    """
    count, p = read_long(d, p, e)
    if count >= 0:
        return count, p, -1
    size, p = read_long(d, p, e)
    if size < 0 or size > e - p:
        raise Mismatch
    return -count, p, p + size


class ArraySkipper:
    """Jumps over an array whose elements are regular.

    Patterns for 1, 2, 4 ... 256 elements, compiled when first needed, compose to any count.
    """

    def __init__(self, element: Node) -> None:
        self._node = element
        self._element = skip_pattern(element)
        self._powers: dict[int, Match] = {}
        self._learned = element.kind != "record"

    def __call__(self, d: bytes, p: int, e: int) -> tuple[int, int]:
        """Number of elements of the array at `p`, and the position after it."""
        total = 0
        while True:
            count, p, end = blocks(d, p, e)
            if not count:
                return total, p
            total += count
            p = end if end >= 0 else self._skip(count, d, p, e)

    def _skip(self, count: int, d: bytes, p: int, e: int) -> int:
        if not self._element:
            return p
        if count > e - p:
            raise Mismatch
        if count >= ENOUGH and not self._learned:
            self._learn(count, d, p, e)
        power = 256
        while count:
            while count >= power:
                match = (self._powers.get(power) or self._compile(power))(d, p, e)
                if match is None:
                    raise Mismatch
                p = match.end()
                count -= power
            power >>= 1
        return p

    def _learn(self, count: int, d: bytes, p: int, e: int) -> None:
        habits = learn(self._node, d, p, e, count)
        usual = [render_element(self._node, habit, lambda _, node: skip_pattern(node)) for habit in habits]
        self._element = b"|".join([*usual, self._element])
        self._powers.clear()
        self._learned = True

    def _compile(self, power: int) -> Match:
        pattern = b"(?:(?>%s)){%d}+" % (self._element, power)
        self._powers[power] = compiled = re.compile(pattern, re.DOTALL).match
        return compiled


class RowReader:
    """Reads columns of an array whose elements are regular records: one match an element, all in C.

    Parameters
    ----------
    element
        Type of an element.
    render
        Gives the pattern of an element that keeps a habit, with a group for each wanted field; the
        groups are the same whatever the habit.
    columns
        For each group, what makes a `Column` of the captured bytes (None where null).
    """

    def __init__(
        self,
        element: Node,
        render: Callable[[Habit], bytes],
        columns: Sequence[Callable[[Sequence[bytes | None]], Column]],
    ) -> None:
        self._node = element
        self._render = render
        self._columns = columns
        self._scanners = [(1, _scanner(render({})))]
        self._learned = element.kind != "record"

    def __call__(self, d: bytes, p: int, e: int) -> tuple[tuple[Column, ...], int, int]:
        """The columns of the array at `p`, its number of elements, and the position after it."""
        # Row after row, the captured fields of each: one flat list, of which each column is a slice.
        captured: list[bytes | None] = []
        total = 0
        while True:
            count, p, end = blocks(d, p, e)
            if not count:
                break
            if count > e - p:
                raise Mismatch
            if count >= ENOUGH and not self._learned:
                self._learn(count, d, p, e)
            p = self._read(count, d, p, e, captured)
            if end not in (-1, p):
                raise Mismatch
            total += count
        width = len(self._columns)
        columns = tuple(make(captured[index::width]) for index, make in enumerate(self._columns))
        return columns, total, p

    def _read(self, count: int, d: bytes, p: int, e: int, captured: list[bytes | None]) -> int:
        """Read `count` elements, each run of them by the first pattern that fits."""
        while count:
            for rows, scanner in self._scanners:
                matches = list(islice(iter(scanner(d, p, e).match, None), count // rows))
                if matches:
                    p = matches[-1].end()
                    count -= len(matches) * rows
                    for match in matches:
                        captured += match.groups()
                    break
            else:
                raise Mismatch
        return p

    def _learn(self, count: int, d: bytes, p: int, e: int) -> None:
        usual = [self._render(habit) for habit in learn(self._node, d, p, e, count)]
        several = [(AT_ONCE, _scanner(b"(?>%s)" % pattern * AT_ONCE)) for pattern in usual]
        single = [(1, _scanner(pattern)) for pattern in usual]
        self._scanners = [*several, *single, *self._scanners]
        self._learned = True


def _scanner(pattern: bytes) -> Any:
    # `Pattern.scanner` (a match object after another, in C) is what finditer uses; typeshed leaves it out.
    return re.compile(pattern, re.DOTALL).scanner  # type: ignore[attr-defined]


class SpanDecoder:
    """Decodes the bytes of one value with fastavro, for what is not a number, text or column."""

    def __init__(
        self, node: Node, names: tuple[str, ...], follow: Callable[[Any, tuple[str, ...]], Any]
    ) -> None:
        self._schema = parse_schema(node.to_json()).parsed
        self._names = names
        self._follow = follow

    def __call__(self, span: bytes) -> Any:
        """The value, or the part of it that the remaining names lead to."""
        try:
            value = fastavro.schemaless_reader(io.BytesIO(span), self._schema)
        except Exception as error:
            raise Mismatch from error
        return self._follow(value, self._names) if self._names else value


def fixed_column(dtype: str, target: type[np.generic]) -> Callable[[Sequence[bytes | None]], Column]:
    """Make columns of values of fixed width (`dtype` is how they lie in the datum)."""
    width = np.dtype(dtype).itemsize
    blank = np.array([np.nan if dtype[1] == "f" else 0]).astype(dtype).tobytes()

    def make(group: Sequence[bytes | None]) -> Column:
        valid = None
        if None in group:
            valid = np.fromiter((item is not None for item in group), np.bool_, len(group))
            group = [blank if item is None else item for item in group]
        return Column(np.frombuffer(b"".join(group), dtype).astype(target, copy=False), valid)  # type: ignore[arg-type]

    assert len(blank) == width
    return make


def long_column(group: Sequence[bytes | None]) -> Column:
    """Make a column of varints."""
    valid = None
    if None in group:
        valid = np.fromiter((item is not None for item in group), np.bool_, len(group))
        group = [b"\0" if item is None else item for item in group]
    distinct: set[bytes] = set(group)  # type: ignore[arg-type]
    if len(distinct) <= _FEW:
        known = {item: long_of(item) for item in distinct}
        return Column(np.array([known[item] for item in group], np.int64), valid)  # type: ignore[index]
    padded = b"".join([item.ljust(10, b"\0") for item in group])  # type: ignore[union-attr]
    septets = np.frombuffer(padded, np.uint8).reshape(-1, 10).astype(np.uint64) & np.uint64(0x7F)
    n = (septets << _SHIFTS).sum(axis=1, dtype=np.uint64)
    signs = np.uint64(0) - (n & np.uint64(1))
    return Column(((n >> np.uint64(1)) ^ signs).view(np.int64), valid)


def list_column(decode: Callable[[bytes], Any]) -> Callable[[Sequence[bytes | None]], Column]:
    """Make columns of Python objects, each distinct encoding decoded once."""

    def make(group: Sequence[bytes | None]) -> Column:
        known: dict[bytes | None, Any] = {item: decode(item) for item in set(group) if item is not None}
        valid = None
        if None in group:
            known[None] = None
            valid = np.fromiter((item is not None for item in group), np.bool_, len(group))
        return Column([known[item] for item in group], valid)

    return make


# Up to so many distinct values are decoded one by one, more by NumPy.
_FEW = 16

_SHIFTS = np.arange(0, 70, 7, dtype=np.uint64)
