"""Filters: SQL conditions, or Python functions, that decide which alerts go on."""

from __future__ import annotations

from bridge.filters.cap_keys import Cap
from bridge.filters.caps import Capper, Held
from bridge.filters.filter import AnyFilter, Filter, FilterSet, Predicate, Selector, parse_filter
from bridge.filters.load import load_filters
from bridge.filters.python_filter import PythonFilter
from bridge.filters.together import Together

__all__ = [
    "AnyFilter",
    "Cap",
    "Capper",
    "Filter",
    "FilterSet",
    "Held",
    "Predicate",
    "PythonFilter",
    "Selector",
    "Together",
    "load_filters",
    "parse_filter",
]
