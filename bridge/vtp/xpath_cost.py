"""A bound on what an XPath 1.0 expression can cost, found from its text alone.

XPath has no such bound of its own: a search of the whole tree inside a predicate runs once for every
node, one inside that once for every pair. An evaluation cannot be interrupted, so it is judged before.
"""

from __future__ import annotations

import re

__all__ = ["MAX_DEPTH", "MAX_INNER_SEARCHES", "MAX_SEARCHES", "cost_refusal"]

MAX_SEARCHES = 8
MAX_INNER_SEARCHES = 1
MAX_DEPTH = 4

_TOKEN = re.compile(
    r"""\s+|"[^"]*"|'[^']*'|\d+(?:\.\d*)?|\.\d+|//|/|::|\.\.|\.|!=|<=|>=|[\w][\w.-]*(?::(?!:)[\w][\w.-]*)?|."""
)
_OPERATORS = frozenset(
    ["(", "[", ",", "|", "+", "-", "=", "!=", "<", ">", "<=", ">=", "and", "or", "div", "mod"]
)
_WIDE_AXES = frozenset(
    [
        "ancestor",
        "ancestor-or-self",
        "descendant",
        "descendant-or-self",
        "following-sibling",
        "parent",
        "preceding-sibling",
    ]
)
# libxml2 merges their results in quadratic time: one step on a 99 kB packet takes minutes.
_FORBIDDEN_AXES = frozenset(["following", "preceding"])


def cost_refusal(expression: str) -> str | None:
    """Why an expression may cost too much; None when it cannot.

    Steps that leave the node's own subtree or search it (``//``, ``..``, a path from the root, the wide
    axes) count as searches: eight in all, and one inside predicates. Predicates nest four deep. Judged
    on the safe side: an element called ``and`` or ``div`` may cost an expression its acceptance.

    Parameters
    ----------
    expression
        Correct XPath 1.0.
    """
    depth = searches = inner = 0
    tokens = [token for token in _TOKEN.findall(expression) if not token.isspace()]
    begins = True  # an operand, so perhaps a path, begins with the next token
    ends = False  # the token before ended an operand
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        axis = token if following == "::" else ""
        if axis in _FORBIDDEN_AXES:
            return f"the axis '{axis}' is not offered"
        if token == "[":
            depth += 1
            if depth > MAX_DEPTH:
                return f"its predicates nest deeper than {MAX_DEPTH}"
        elif token == "]":
            depth -= 1
        elif token in ("//", "..") or (token == "/" and begins) or axis in _WIDE_AXES:
            searches += 1
            inner += depth > 0
        # After an operand a star multiplies; elsewhere it stands for any name.
        begins = token in _OPERATORS or (token == "*" and ends)
        ends = not begins and token not in ("/", "//", "::", "@")
    if searches > MAX_SEARCHES:
        return f"it searches the tree more than {MAX_SEARCHES} times"
    if inner > MAX_INNER_SEARCHES:
        return "it searches the tree more than once inside its predicates"
    return None
