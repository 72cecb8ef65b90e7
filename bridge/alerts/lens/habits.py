"""What the rows of a light curve usually look like, learned from the first that are met.

Most of the time that a pattern takes goes into asking, at each nullable field, whether it is null, and at
each string how long it is. The rows of one survey agree on most of the answers, so the answers of the first
rows become patterns of their own, tried before the general one. They are guesses that a match checks byte
by byte: a row that breaks the habit costs time, never truth.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from bridge.alerts.lens.patterns import run_pattern, skip_pattern
from bridge.alerts.schema import Node

__all__ = ["ENOUGH", "Habit", "learn", "render_element"]

# Rows to learn from; fewer say little.
ENOUGH = 16

# Rows that differ from the commonest in at most so many fields share its habit.
_NEAR = 12
_MOST_HABITS = 3
# A field belongs to a habit where it breaks it in at most this share of the rows.
_RARE = 0.02

# Of each field that is a union, its first byte: the branch that the habit takes. Where that is a string, a
# second byte may follow: its length.
Habit = Mapping[str, bytes]
Shape = tuple[bytes, ...]


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
    nodes = [element.fields[name][0] for name in unions]
    groups = (
        b"(%s)" % skip_pattern(inner) if inner.kind == "union" else skip_pattern(inner)
        for inner, _ in element.fields.values()
    )
    match = re.compile(b"".join(groups), re.DOTALL).match
    shapes: Counter[Shape] = Counter()
    for _ in range(min(count, 1024)):
        found = match(d, p, e)
        if found is None:
            break
        p = found.end()
        shapes[tuple(map(_token, nodes, found.groups()))] += 1
    habits: list[Habit] = []
    while shapes and len(habits) < _MOST_HABITS:
        commonest = shapes.most_common(1)[0][0]
        near = {shape: n for shape, n in shapes.items() if _distance(shape, commonest) <= _NEAR}
        rows = sum(near.values())
        if rows < ENOUGH / 4:
            break
        habit: dict[str, bytes] = {}
        for i, name in enumerate(unions):
            # The branch and the length where (nearly) all rows have both; else the branch alone, if that.
            for token in (commonest[i], commonest[i][:1]):
                if sum(n for shape, n in near.items() if not shape[i].startswith(token)) <= _RARE * rows:
                    habit[name] = token
                    break
        habits.append(habit)
        shapes = Counter({shape: n for shape, n in shapes.items() if shape not in near})
    return habits


def render_element(element: Node, habit: Habit, part: Callable[[str, Node], bytes]) -> bytes:
    """The pattern of an element that keeps a habit; `part` gives the pattern of a field's value."""
    rendered = b""
    for name, (inner, _) in element.fields.items():
        token = habit.get(name)
        if token is None:
            rendered += part(name, inner)
        elif len(token) == 1:
            rendered += re.escape(token) + part(name, inner.branches[token[0] >> 1])
        else:
            rendered += re.escape(token) + run_pattern(token[1] >> 1)
    return rendered


def _token(node: Node, encoded: bytes) -> bytes:
    """What a habit may say of an encoded union: its branch, and the length of a string below 64 bytes."""
    is_string = node.branches[encoded[0] >> 1].kind == "string"
    return encoded[:2] if is_string and encoded[1] < 0x80 else encoded[:1]


def _distance(a: Shape, b: Shape) -> int:
    """In how many unions two rows take different branches."""
    return sum(x[0] != y[0] for x, y in zip(a, b, strict=True))
