"""All numbers of one type of an alert as texts, in one batch: single values and the columns of its arrays.

A call of NumPy or orjson costs as much as fifty numbers, and an alert has a hundred single ones and a dozen
short columns. So they are joined as the bytes in which they were captured, and rendered together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.alerts.column import Column
from bridge.alerts.lens import RawColumn
from bridge.alerts.lens.columns import fixed_values, long_values
from bridge.mapping.numbers import NOTHING, array_text, split_cells

__all__ = ["AnyColumn", "Cells", "NumberBatch", "rendered"]

Cells = list[bytes]
AnyColumn = Column | RawColumn

# Bytes without which no infinity is among numbers of a type (IEEE 754, little-endian).
_INFINITIES = {
    "float": (b"\0\0\x80\x7f", b"\0\0\x80\xff"),
    "double": (b"\0\0\xf0\x7f", b"\0\0\xf0\xff"),
}


class NumberBatch:
    """Renders numbers of one Avro type.

    Parameters
    ----------
    avro_type
        ``float``, ``double``, ``boolean``, or ``long`` for int as well.
    absent
        For each column, texts that mean "none", other than null and NaN.
    """

    def __init__(self, avro_type: str, absent: Sequence[frozenset[bytes]]) -> None:
        self._type = avro_type
        self._infinities = _INFINITIES.get(avro_type, ())
        self._absent = absent
        # Hardly any column has sentinels, and all sentinels begin alike (-999.0, -99999.0): one search in the
        # whole text is cheaper than a look at each cell.
        listed: frozenset[bytes] = frozenset().union(*absent)
        self._beginning = _common_beginning(listed) if listed else None

    def __call__(self, columns: Sequence[RawColumn | None], singles: Sequence[bytes | None]) -> list[Any]:
        """Texts of the numbers.

        Parameters
        ----------
        columns
            Columns of arrays; None for those of a null array.
        singles
            Encoded values; None for null.

        Returns
        -------
        For each column a list of texts (empty for none), then the text of each single value (None, an empty
        text or `NOTHING` for none).
        """
        items: list[bytes | None] = []
        for column in columns:
            if column is not None:
                items += column.items
        size = len(items)
        items += singles
        if not items:
            return [[] for _ in columns]
        values = long_values(items) if self._type == "long" else fixed_values(self._type, items)
        text = array_text(values)
        blanks = NOTHING in text
        # The lens gives NaN at a null, and NaN is written as null: one replacement empties all those cells.
        if blanks and not self._has_infinity(values):
            text = text.replace(NOTHING, b"")
            blanks = False
        cells = split_cells(text, values)
        own_texts = cells[size:]
        if not self._infinities:
            own_texts = _without_nulls(own_texts, singles)
        suspect = self._is_suspect(text, own_texts) if size else False
        out: list[Any] = []
        end = 0
        for column, absent in zip(columns, self._absent, strict=True):
            if column is None:
                out.append([])
                continue
            start, end = end, end + len(column.items)
            own = cells[start:end]
            if not self._infinities:
                own = _without_nulls(own, column.items)
            if blanks or suspect:
                own = [b"" if cell == NOTHING or cell in absent else cell for cell in own]
            out.append(own)
        return out + own_texts

    def _has_infinity(self, values: npt.NDArray[Any]) -> bool:
        content = values.tobytes()
        return any(each in content for each in self._infinities) and bool(np.isinf(values).any())

    def _is_suspect(self, text: bytes, singles: Sequence[bytes | None]) -> bool:
        """Whether the beginning of a sentinel stands somewhere in the columns' part of the text."""
        if self._beginning is None:
            return False
        tail = sum(len(single) + 1 for single in singles if single is not None)
        return text.find(self._beginning, 0, len(text) - tail) >= 0


def rendered(render: Callable[[Any], bytes | None], column: AnyColumn | None) -> Cells:
    """Texts of a column that has no batch (empty for none); each distinct value is rendered once."""
    if column is None:
        return []
    if isinstance(column, RawColumn):
        return [cell or b"" for cell in column.map(render)]
    values = column.tolist()
    cache = {value: render(value) or b"" for value in set(values) if value is not None}
    cache[None] = b""
    return [cache[value] for value in values]


def _without_nulls(cells: Cells, items: Sequence[bytes | None]) -> Cells:
    if None not in items:
        return cells
    return [b"" if item is None else cell for item, cell in zip(items, cells, strict=True)]


def _common_beginning(texts: Iterable[bytes]) -> bytes:
    first, last = min(texts, default=b""), max(texts, default=b"")
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return first[: sum(1 for _ in alike)]
