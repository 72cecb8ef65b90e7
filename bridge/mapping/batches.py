"""All numbers of one type of an alert as texts, in one batch: single values and the columns of its arrays.

A call of NumPy or orjson costs as much as fifty numbers, and an alert has a hundred single ones and a dozen
short columns. So they are joined as the bytes in which they were captured, and rendered together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from bridge.alerts.lens import RawColumn
from bridge.alerts.lens.columns import fixed_values, long_values
from bridge.alerts.lens.runtime import long_of
from bridge.mapping.numbers import NOTHING, array_text, split_cells
from bridge.mapping.shown import AnyColumn, Encoded, Shown, shown_items

__all__ = ["Cells", "NumberBatch", "TextColumn"]

Cells = list[bytes]

_NULL: dict[bytes | None, bytes] = {None: b""}
# Texts of the integers that are one byte, and of null.
_ONE_BYTE = _NULL | {bytes([n]): b"%d" % long_of(bytes([n])) for n in range(128)}

# So many distinct values of a column that has no batch are kept with their texts.
_REMEMBERED = 1024


class NumberBatch:
    """Renders numbers of one Avro type.

    Parameters
    ----------
    avro_type
        ``float``, ``double``, ``boolean``, ``long``, or ``int`` where most are expected to be of one byte.
    absent
        For each column, texts that mean "none", other than null and NaN.
    """

    def __init__(self, avro_type: str, absent: Sequence[frozenset[bytes]]) -> None:
        self._type = avro_type
        self._absent = absent
        # Hardly any column has sentinels, and all sentinels begin alike (-999.0, -99999.0): one search in the
        # whole text is cheaper than a look at each cell.
        listed: frozenset[bytes] = frozenset().union(*absent)
        self._beginning = _common_beginning(listed) if listed else None

    def __call__(self, columns: Sequence[Encoded], singles: Encoded) -> list[Any]:
        """Texts of the numbers.

        Parameters
        ----------
        columns
            Encoded values of columns of arrays; None for null.
        singles
            Encoded values; None for null.

        Returns
        -------
        For each column a list of texts (empty for none), then the text of each single value (None, an empty
        text or `NOTHING` for none).
        """
        items: list[bytes | None] = []
        for column in columns:
            items += column
        size = len(items)
        items += singles
        if not items:
            return [[] for _ in columns]
        text, cells, blanks = self._render(items)
        own_texts = cells[size:]
        blanks = blanks or self._is_suspect(text, own_texts)
        out: list[Any] = []
        end = 0
        for column, absent in zip(columns, self._absent, strict=True):
            start, end = end, end + len(column)
            own = cells[start:end]
            if blanks:
                own = [b"" if cell == NOTHING or cell in absent else cell for cell in own]
            out.append(own)
        return out + own_texts

    def _render(self, items: list[bytes | None]) -> tuple[bytes, Cells, bool]:
        """All texts, joined and one by one, and whether some of these must become empty yet."""
        if self._type in ("int", "long"):
            return self._integers(items)
        values = fixed_values(self._type, items)
        text = array_text(values)
        if self._type == "boolean":
            cells = text[1:-1].split(b",")
            return text, _without_nulls(cells, items), False
        # No text of a number has the letter n; NaN and infinities are written as null.
        if b"n" not in text:
            return text, text[1:-1].split(b","), False
        if np.count_nonzero(np.isinf(values)):
            return text, split_cells(text, values), True
        # The lens gives NaN at a null, so one replacement empties all those cells.
        text = text.replace(NOTHING, b"")
        return text, text[1:-1].split(b","), False

    def _integers(self, items: list[bytes | None]) -> tuple[bytes, Cells, bool]:
        if self._type == "int":
            try:
                return b"", list(map(_ONE_BYTE.__getitem__, items)), self._beginning is not None
            except KeyError:
                pass
        text = array_text(long_values(items))
        return text, _without_nulls(text[1:-1].split(b","), items), False

    def _is_suspect(self, text: bytes, singles: Sequence[bytes]) -> bool:
        """Whether the beginning of a sentinel stands somewhere in the columns' part of the text."""
        if self._beginning is None:
            return False
        # The singles come last; they may be a little shorter here than in the text, never longer.
        return text.find(self._beginning, 0, len(text) - len(b",".join(singles))) >= 0


class TextColumn:
    """Renders a column that has no batch: codes, conversions, texts.

    Their values are few (bands, signs), so the texts of those that were met are kept.

    Parameters
    ----------
    render
        Text of a value, or None.
    """

    def __init__(self, render: Callable[[Any], bytes | None]) -> None:
        self._render = render
        self._known = dict(_NULL)

    def __call__(self, column: AnyColumn | None, shown: Shown | None = None) -> Cells:
        """Texts of a column (empty for a null array).

        Parameters
        ----------
        column
            As the lens gives it.
        shown
            The rows that are shown; None for all.
        """
        if column is None:
            return []
        if isinstance(column, RawColumn):
            items = shown_items(column, shown)
            try:
                return list(map(self._known.__getitem__, items))
            except KeyError:
                return self._met(column, items)
        values = column.tolist() if shown is None else shown.pick(column.tolist())
        texts = {value: self._render(value) or b"" for value in set(values) if value is not None}
        texts[None] = b""
        return [texts[value] for value in values]

    def _met(self, column: RawColumn, items: Encoded) -> Cells:
        """The texts where some of them are not known yet."""
        known = self._known
        if len(known) > _REMEMBERED:
            known = dict(_NULL)
        for item in set(items).difference(known):
            if item is not None:
                known[item] = self._render(column.decode(item)) or b""
        self._known = known
        return [known[item] for item in items]


def _without_nulls(cells: Cells, items: Encoded) -> Cells:
    if all(items):
        return cells
    return [b"" if item is None else cell for item, cell in zip(items, cells, strict=True)]


def _common_beginning(texts: Iterable[bytes]) -> bytes:
    first, last = min(texts, default=b""), max(texts, default=b"")
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return first[: sum(1 for _ in alike)]
