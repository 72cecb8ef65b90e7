"""Columns out of captured bytes, all of one number type at once, so that a short light curve is quick.

A column of thirty rows costs NumPy's overhead and nothing else, so the columns of an array that have one
type are made in one go and share their memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.alerts.column import DTYPES, Column
from bridge.alerts.lens.runtime import Mismatch, long_of, text_of
from bridge.alerts.lens.varints import MOST, decode_varints
from bridge.alerts.schema import Node

__all__ = ["ColumnMaker", "RawColumn", "fixed_values", "long_values", "raw_columns", "scalar_decoder"]

# What a group captured of each row: bytes, at least one, or None for null.
Captured = list[bytes | None]

# How values of fixed width lie in a datum (Avro is little-endian), and what stands for them at a null.
_LAYOUT = {
    "boolean": ("?", b"\0"),
    "float": ("<f4", np.array(np.nan, "<f4").tobytes()),
    "double": ("<f8", np.array(np.nan, "<f8").tobytes()),
}

# Up to so many distinct integers are decoded one by one, more by NumPy.
_FEW = 16
# A varint has ten bytes at most; of the tenth one bit is left of 64.
_WEIGHTS = np.uint64(1) << np.arange(0, 70, 7, dtype=np.uint64)
_SEPTET, _ONE = np.uint8(0x7F), np.uint64(1)
_TEN_BYTES = np.dtype("S10")
_VALUE_IN_16 = np.dtype({"names": ["value"], "formats": ["<i8"], "itemsize": 16})
_LITTLE = sys.byteorder == "little"


class ColumnMaker:
    """Makes the columns of an array of what was captured of its rows.

    Parameters
    ----------
    nodes
        Types of the captured values, in the order of a row.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._width = len(nodes)
        self._families: dict[str, list[int]] = {}
        self._objects: list[tuple[int, Callable[[bytes], Any]]] = []
        for index, node in enumerate(nodes):
            if node.kind in DTYPES:
                family = "long" if node.kind == "int" else node.kind
                self._families.setdefault(family, []).append(index)
            else:
                self._objects.append((index, scalar_decoder(node)))

    def __call__(self, captured: Captured, count: int) -> list[Column]:
        """Make the columns.

        Parameters
        ----------
        captured
            Row after row, what each group captured; None for null.
        count
            Number of rows.
        """
        columns: list[Any] = [None] * self._width
        for family, members in self._families.items():
            items: Captured = []
            for index in members:
                items += captured[index :: self._width]
            table = _values(family, items).reshape(len(members), count)
            masks: list[npt.NDArray[np.bool_] | None] = [None] * len(members)
            if not all(items):
                valid = _present(items).reshape(len(members), count)
                full: list[bool] = np.all(valid, axis=1).tolist()
                masks = [None if whole else valid[place] for place, whole in enumerate(full)]
            for place, index in enumerate(members):
                columns[index] = Column(table[place], masks[place])
        for index, decode in self._objects:
            columns[index] = _objects(captured[index :: self._width], decode)
        return columns


class RawColumn:
    """A column as it was captured, for a caller that wants texts: a `Column` only where it is asked for one.

    Parameters
    ----------
    items
        Shape (n,): the encoded value of each row, None for null.
    node
        Its type.
    """

    __slots__ = ("_column", "items", "node")

    def __init__(self, items: Captured, node: Node) -> None:
        self.items = items
        self.node = node
        self._column: Column | None = None

    def __len__(self) -> int:
        return len(self.items)

    def decode(self, item: bytes) -> Any:
        """The value that was captured as `item`."""
        return _decoder(self.node)(item)

    @property
    def column(self) -> Column:
        """The column, decoded when it is first wanted."""
        if self._column is None:
            (self._column,) = ColumnMaker([self.node])(self.items, len(self.items))
        return self._column

    @property
    def values(self) -> npt.NDArray[Any] | list[Any]:
        """As `Column.values`."""
        return self.column.values

    @property
    def valid(self) -> npt.NDArray[np.bool_] | None:
        """As `Column.valid`; the values are not decoded for it."""
        return _present(self.items) if None in self.items else None


def raw_columns(nodes: Sequence[Node]) -> Callable[[Captured, int], list[RawColumn]]:
    """What makes raw columns, in place of a `ColumnMaker`."""
    width = len(nodes)

    def make(captured: Captured, _count: int) -> list[RawColumn]:
        return [RawColumn(captured[index::width], node) for index, node in enumerate(nodes)]

    return make


def scalar_decoder(node: Node) -> Callable[[bytes], Any]:
    """What turns the captured bytes of a string, enum or fixed into its value."""
    if node.kind == "string":
        return text_of
    if node.kind == "enum":
        known = dict(enumerate(node.symbols))

        def decode(encoded: bytes) -> str:
            symbol = known.get(long_of(encoded))
            if symbol is None:
                raise Mismatch
            return symbol

        return decode
    return bytes


def _decoder(node: Node) -> Callable[[bytes], Any]:
    if node.kind in ("int", "long"):
        return long_of
    if node.kind in _LAYOUT:
        return lambda item: fixed_values(node.kind, [item]).item()
    return scalar_decoder(node)


def fixed_values(kind: str, items: Captured) -> npt.NDArray[Any]:
    """Values of fixed width (boolean, float, double) of their bytes; False or NaN for None."""
    layout, blank = _LAYOUT[kind]
    if not all(items):
        items = [item or blank for item in items]
    values = np.frombuffer(b"".join(items), layout)  # type: ignore[arg-type]
    return values if _LITTLE else values.astype(values.dtype.newbyteorder("="))


def long_values(items: Captured) -> npt.NDArray[np.int64]:
    """Values of zigzag varints; 0 for None."""
    if not all(items):
        items = [item or b"\0" for item in items]
    if len(items) <= MOST:
        lanes = np.frombuffer(decode_varints(items), _VALUE_IN_16)  # type: ignore[arg-type]
        return lanes["value"].astype(np.int64, copy=False)
    if len(set(items[: 2 * _FEW])) <= _FEW and len(distinct := set(items)) <= _FEW:
        known = {item: long_of(item) for item in distinct}  # type: ignore[arg-type]
        return np.array([known[item] for item in items], np.int64)
    # As texts of ten bytes: NumPy pads them in C.
    septets = np.array(items, _TEN_BYTES).view(np.uint8).reshape(-1, 10) & _SEPTET
    n = septets.dot(_WEIGHTS)
    signs = n & _ONE
    n >>= _ONE
    n ^= -signs
    values: npt.NDArray[np.int64] = n.view(np.int64)
    return values


def _values(family: str, items: Captured) -> npt.NDArray[Any]:
    return long_values(items) if family == "long" else fixed_values(family, items)


def _present(items: Captured) -> npt.NDArray[np.bool_]:
    return np.frombuffer(bytes([item is not None for item in items]), np.bool_)


def _objects(items: Captured, decode: Callable[[bytes], Any]) -> Column:
    """A column of Python objects, each distinct encoding decoded once."""
    known: dict[bytes | None, Any] = {item: decode(item) for item in set(items) if item is not None}
    known[None] = None
    return Column([known[item] for item in items], _present(items) if None in items else None)
