"""What the rows of a light curve usually look like, learned from the first that are met.

Most of the time that a pattern takes goes into asking, at each nullable field, whether it is null. The
rows of one survey agree on most of the answers, so the answers of the first rows become patterns of their
own, tried before the general one. They are guesses that a match checks byte by byte: a row that breaks
the habit costs time, never truth.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from bridge.alerts.lens.patterns import skip_pattern
from bridge.alerts.schema import Node

__all__ = ["ENOUGH", "Habit", "learn", "render_element"]

# Rows to learn from; fewer say little.
ENOUGH = 16

# Rows that differ from the commonest in at most so many fields share its habit.
_NEAR = 12
_MOST_HABITS = 3
# A field belongs to a habit where it breaks it in at most this share of the rows.
_RARE = 0.02

# Of each field that is a union: the branch that the habit takes.
Habit = Mapping[str, int]


def learn(element: Node, d: bytes, p: int, e: int, count: int) -> list[Habit]:
    """Find the habits of the elements that lie one after the other at `p`.

    Parameters
    ----------
    element
        Type of the elements; only records have habits.
    d, p, e
        Bytes, position of the first element, end of the datum.
    count
        Number of elements.

    Returns
    -------
    At most three habits, the commonest first; none where there is nothing to gain.
    """
    unions = [name for name, (inner, _) in element.fields.items() if inner.kind == "union"]
    if not unions:
        return []
    groups = (
        b"(%s)" % skip_pattern(inner) if inner.kind == "union" else skip_pattern(inner)
        for inner, _ in element.fields.values()
    )
    match = re.compile(b"".join(groups), re.DOTALL).match
    shapes: Counter[bytes] = Counter()
    for _ in range(min(count, 1024)):
        found = match(d, p, e)
        if found is None:
            break
        p = found.end()
        shapes[bytes(group[0] for group in found.groups())] += 1
    habits: list[Habit] = []
    while shapes and len(habits) < _MOST_HABITS:
        commonest = shapes.most_common(1)[0][0]
        near = {shape: n for shape, n in shapes.items() if _distance(shape, commonest) <= _NEAR}
        rows = sum(near.values())
        if rows < ENOUGH / 4:
            break
        habits.append(
            {
                name: commonest[i] >> 1
                for i, name in enumerate(unions)
                if sum(n for shape, n in near.items() if shape[i] != commonest[i]) <= _RARE * rows
            }
        )
        shapes = Counter({shape: n for shape, n in shapes.items() if shape not in near})
    return habits


def render_element(element: Node, habit: Habit, part: Callable[[str, Node], bytes]) -> bytes:
    """The pattern of an element that keeps a habit; `part` gives the pattern of a field's value."""
    rendered = b""
    for name, (inner, _) in element.fields.items():
        if name in habit:
            branch = habit[name]
            rendered += re.escape(bytes([2 * branch])) + part(name, inner.branches[branch])
        else:
            rendered += part(name, inner)
    return rendered


def _distance(a: bytes, b: bytes) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))
