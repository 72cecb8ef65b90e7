"""A column of a light curve: one field of all records of an array, as NumPy where numbers allow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["DTYPES", "Column", "column_of"]

DTYPES: dict[str, type[np.generic]] = {
    "boolean": np.bool_,
    "int": np.int64,
    "long": np.int64,
    "float": np.float32,
    "double": np.float64,
}


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Values of one field over the n records of an array.

    Parameters
    ----------
    values
        Shape (n,): int64 for int and long, float32 for float, float64 for double, bool for boolean; a
        Python list for strings, bytes, enums and fixed. The value at a null is 0, NaN, False or None.
    valid
        Shape (n,), False where the value is null; None where no value is null. NaN is a value.
    """

    values: npt.NDArray[Any] | list[Any]
    valid: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def tolist(self) -> list[Any]:
        """The values as Python objects, None for null."""
        values = self.values if isinstance(self.values, list) else self.values.tolist()
        if self.valid is None:
            return list(values)
        return [value if ok else None for value, ok in zip(values, self.valid.tolist(), strict=True)]


def column_of(values: Sequence[Any], avro_type: str) -> Column:
    """Make a column of decoded values, None for null.

    Parameters
    ----------
    values
        Shape (n,): what fastavro decodes.
    avro_type
        Avro type of the values.
    """
    valid = None
    if None in values:
        valid = np.fromiter((value is not None for value in values), np.bool_, len(values))
    dtype = DTYPES.get(avro_type)
    if dtype is None:
        return Column(list(values), valid)
    if valid is not None:
        blank = dtype("nan") if avro_type in ("float", "double") else dtype(0)
        values = [blank if value is None else value for value in values]
    return Column(np.array(values, dtype), valid)
