"""Equality of decoded values as the tests mean it: NaN equals NaN, and 1, 1.0 and True are three things."""

from __future__ import annotations

import math
from typing import Any

from bridge.alerts.column import Column


def same(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, Column):
        if not isinstance(got, Column) or isinstance(wanted.values, list) != isinstance(got.values, list):
            return False
        if not isinstance(wanted.values, list) and wanted.values.dtype != got.values.dtype:  # type: ignore[union-attr]
            return False
        return same(wanted.tolist(), got.tolist())
    if type(wanted) is not type(got):
        return False
    if isinstance(wanted, list):
        return len(wanted) == len(got) and all(map(same, wanted, got))
    if isinstance(wanted, dict):
        return wanted.keys() == got.keys() and all(same(wanted[key], got[key]) for key in wanted)
    if isinstance(wanted, float):
        return wanted == got or (math.isnan(wanted) and math.isnan(got))
    return bool(wanted == got)
