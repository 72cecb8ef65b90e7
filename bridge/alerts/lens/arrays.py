"""Arrays of regular elements: passed over by the hundred, or read as columns, one match for several rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from bridge.alerts.lens.habits import ENOUGH, Habit, Shape, habits_of, observe, render_element
from bridge.alerts.lens.patterns import skip_pattern
from bridge.alerts.lens.runtime import Mismatch, blocks
from bridge.alerts.schema import Node

__all__ = ["ArraySkipper", "MakeColumns", "RowReader"]

MakeColumns = Callable[[list[bytes | None], int], Sequence[Any]]
Match = Callable[[bytes, int, int], "re.Match[bytes] | None"]

# So many rows of one habit are matched by one pattern: it saves a match object for each of the others.
AT_ONCE = 8

# After so many rows that broke the habits they are learned anew, a few times: the first light curve that is
# met may be an odd one.
_UNUSUAL = 64
_LESSONS = 4


class ArraySkipper:
    """Jumps over an array whose elements are regular.

    Patterns for 1, 2, 4 ... 256 elements, compiled when first needed, compose to any count.
    """

    def __init__(self, element: Node) -> None:
        self._node = element
        self._element = skip_pattern(element)
        self._powers: dict[int, Match] = {}
        self._learned = element.kind != "record"

    def __call__(self, d: bytes, p: int, e: int) -> tuple[int, int]:
        """Number of elements of the array at `p`, and the position after it."""
        total = 0
        while True:
            count, p, end = blocks(d, p, e)
            if not count:
                return total, p
            total += count
            p = end if end >= 0 else self._skip(count, d, p, e)

    def _skip(self, count: int, d: bytes, p: int, e: int) -> int:
        if not self._element:
            return p
        if count > e - p:
            raise Mismatch
        if count >= ENOUGH and not self._learned:
            self._learn(count, d, p, e)
        power = 256
        while count:
            while count >= power:
                match = (self._powers.get(power) or self._compile(power))(d, p, e)
                if match is None:
                    raise Mismatch
                p = match.end()
                count -= power
            power >>= 1
        return p

    def _learn(self, count: int, d: bytes, p: int, e: int) -> None:
        habits = habits_of(self._node, observe(self._node, d, p, e, count))
        usual = [render_element(self._node, habit, lambda _, node: skip_pattern(node)) for habit in habits]
        self._element = b"|".join([*usual, self._element])
        self._powers.clear()
        self._learned = True

    def _compile(self, power: int) -> Match:
        pattern = b"(?:(?>%s)){%d}+" % (self._element, power)
        self._powers[power] = compiled = re.compile(pattern, re.DOTALL).match
        return compiled


class RowReader:
    """Reads columns of an array whose elements are regular records: one match an element, all in C.

    Parameters
    ----------
    element
        Type of an element.
    render
        Gives the pattern of an element that keeps a habit, with a group for each wanted field; the
        groups are the same whatever the habit.
    render_mixed
        Gives the pattern of an element that is like those that were seen, from one wanted field to the
        next; with the same groups.
    columns
        Makes the columns of what was captured, row after row, and the number of rows.
    """

    def __init__(
        self,
        element: Node,
        render: Callable[[Habit], bytes],
        render_mixed: Callable[[Counter[Shape]], bytes],
        columns: MakeColumns,
    ) -> None:
        self._node = element
        self._render = render
        self._render_mixed = render_mixed
        self._columns = columns
        self._general = (1, _scanner(render({})))
        self._scanners = [self._general]
        self._shapes: Counter[Shape] = Counter()
        self._lessons = _LESSONS if element.kind == "record" else 0
        self._unusual = _UNUSUAL

    def __call__(self, d: bytes, p: int, e: int) -> tuple[Sequence[Any], int, int]:
        """The columns of the array at `p`, its number of elements, and the position after it."""
        # Row after row, the captured fields of each: one flat list, of which each column is a slice.
        captured: list[bytes | None] = []
        total = 0
        while True:
            count, p, end = blocks(d, p, e)
            if not count:
                break
            if count > e - p:
                raise Mismatch
            if self._unusual >= _UNUSUAL and count >= ENOUGH and self._lessons:
                self._learn(count, d, p, e)
            p = self._read(count, d, p, e, captured)
            if end not in (-1, p):
                raise Mismatch
            total += count
        return self._columns(captured, total), total, p

    def _read(self, count: int, d: bytes, p: int, e: int, captured: list[bytes | None]) -> int:
        """Read `count` elements, each run of them by the first pattern that fits."""
        while count:
            for rows, scanner in self._scanners:
                if rows > count:
                    continue
                matches = list(islice(iter(scanner(d, p, e).match, None), count // rows))
                if matches:
                    p = matches[-1].end()
                    count -= len(matches) * rows
                    if scanner is self._general[1]:
                        self._unusual += len(matches)
                    for match in matches:
                        captured += match.groups()
                    break
            else:
                raise Mismatch
        return p

    def _learn(self, count: int, d: bytes, p: int, e: int) -> None:
        self._shapes += observe(self._node, d, p, e, count)
        habits = habits_of(self._node, self._shapes)
        # Rows of more than one habit may follow each other in any order: one pattern reads them all.
        usual = (
            [self._render(habits[0])]
            if len(habits) == 1
            else [self._render_mixed(self._shapes)]
            if habits
            else []
        )
        several = [(AT_ONCE, _scanner(b"(?>%s)" % pattern * AT_ONCE)) for pattern in usual]
        single = [(1, _scanner(pattern)) for pattern in usual]
        self._scanners = [*several, *single, self._general]
        self._unusual = 0
        self._lessons -= 1


def _scanner(pattern: bytes) -> Any:
    # `Pattern.scanner` (a match object after another, in C) is what finditer uses; typeshed leaves it out.
    return re.compile(pattern, re.DOTALL).scanner  # type: ignore[attr-defined]
