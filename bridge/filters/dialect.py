"""Tables of sqlglot's nodes: which the filter language has, under which name, and how others are refused.

Names and not classes, because the supported versions of sqlglot do not all have the same classes.
"""

from __future__ import annotations

__all__ = [
    "CAST_TYPES",
    "COMPARISONS",
    "FUNCTION_NAMES",
    "HARMLESS",
    "OPERATORS",
    "REFUSED",
    "TRANSLATED",
]

CAST_TYPES = {
    "DOUBLE": "DOUBLE",
    "FLOAT": "FLOAT",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "TEXT": "VARCHAR",
    "VARCHAR": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
}
COMPARISONS = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
OPERATORS = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Mod": "%"}
FUNCTION_NAMES = {"Pow": "power", "Avg": "avg", "IsNan": "isnan", "Nullif": "nullif", "Stddev": "stddev"}
HARMLESS = frozenset({"safe", "typed", "big_int", "ignore_nulls"})  # flags that sqlglot sets by itself
REFUSED = {
    "Subquery": "Sub-selects",
    "Select": "Sub-selects",
    "Exists": "Sub-selects",
    "Window": "Window functions",
    "Lambda": "Lambdas",
    "JSONExtract": "Lambdas and JSON operators",
    "Placeholder": "Parameters",
    "Parameter": "Parameters",
    "Star": "Stars",
    "Distinct": "DISTINCT",
    "Order": "ORDER BY in a function",
    "Filter": "FILTER clauses",
    "RegexpLike": "Regular expressions (use LIKE)",
    "SimilarTo": "Regular expressions (use LIKE)",
    "IntDiv": "Integer divisions (use floor(a / b))",
    "DPipe": "Concatenations",
    "Interval": "Dates and intervals",
    "Any": "LIKE ANY and comparisons with ANY",
    "All": "Comparisons with ALL",
}

# The nodes of sqlglot that have a translation of their own, by a method of that name.
TRANSLATED = frozenset(
    {
        "Bracket",
        "Column",
        "Dot",
        "Literal",
        "Boolean",
        "Null",
        "Neg",
        "And",
        "Or",
        "Not",
        "Is",
        "NullSafeEQ",
        "NullSafeNEQ",
    }
    | {"Between", "In", "Like", "ILike", "Escape", "Case", "If", "Cast", "TryCast"}
)
