"""What the rows of a light curve usually look like, learned from the first that are met.

Most of the time that a pattern takes goes into asking, at each nullable field, whether it is null, and at
each string how long it is. The rows of one survey agree on most of the answers, so the answers of the first
rows become patterns of their own, tried before the general one. They are guesses that a match checks byte
by byte: a row that breaks the habit costs time, never truth.

A habit is of whole rows (LSST's are nearly all alike) or of the stretches between wanted fields: in ZTF's
light curves detections and upper limits alternate, and one pattern that offers both forms of each stretch
reads any succession of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence

from bridge.alerts.lens.patterns import SHORT_STRING, run_pattern, skip_pattern, string_pattern
from bridge.alerts.lens.runtime import long_of
from bridge.alerts.schema import Node

__all__ = ["ENOUGH", "Habit", "Shape", "habits_of", "observe", "render_element", "render_stretches"]

# Rows to learn from; fewer say little.
ENOUGH = 16

# Rows that differ from the commonest in at most so many fields share its habit.
_NEAR = 12
_MOST_HABITS = 3
# A field belongs to a habit where it breaks it in at most this share of the rows.
_RARE = 0.02

# Forms that are offered of a stretch between wanted fields.
_MOST_FORMS = 4

# Of each field that is a union, its first byte: the branch that the habit takes. Where that is a string, its
# length may follow, as it is encoded.
Habit = Mapping[str, bytes]
Shape = tuple[bytes, ...]


def observe(element: Node, d: bytes, p: int, e: int, count: int) -> Counter[Shape]:
    """Shapes of the elements that lie one after the other at `p`, and how often each is met.

    Parameters
    ----------
    element
        Type of the elements; only records have shapes.
    d, p, e
        Bytes, position of the first element, end of the datum.
    count
        Number of elements.
    """
    shapes: Counter[Shape] = Counter()
    unions = [inner for inner, _ in element.fields.values() if inner.kind == "union"]
    if not unions:
        return shapes
    groups = (
        b"(%s)" % skip_pattern(inner) if inner.kind == "union" else skip_pattern(inner)
        for inner, _ in element.fields.values()
    )
    match = re.compile(b"".join(groups), re.DOTALL).match
    for _ in range(min(count, 1024)):
        found = match(d, p, e)
        if found is None:
            break
        p = found.end()
        shapes[tuple(map(_token, unions, found.groups()))] += 1
    return shapes


def habits_of(element: Node, shapes: Counter[Shape]) -> list[Habit]:
    """Habits of whole rows.

    Parameters
    ----------
    element
        Type of the elements.
    shapes
        What `observe` saw of them.

    Returns
    -------
    At most three habits, the commonest first; none where there is nothing to gain.
    """
    unions = [name for name, (inner, _) in element.fields.items() if inner.kind == "union"]
    shapes = Counter(shapes)
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


def render_stretches(
    element: Node, shapes: Counter[Shape], wanted: Container[str], part: Callable[[str, Node], bytes]
) -> bytes:
    """The pattern of an element whose stretches between wanted fields have one of their usual forms.

    Parameters
    ----------
    element
        Type of the elements.
    shapes
        What `observe` saw of them.
    wanted
        Names of the fields that `part` renders; the others are passed over.
    part
        Gives the pattern of a field.
    """
    place = {name: i for i, name in enumerate(n for n, (u, _) in element.fields.items() if u.kind == "union")}
    rendered, stretch = b"", list[tuple[str, Node]]()
    for name, (inner, _) in element.fields.items():
        if name in wanted:
            rendered += _render_stretch(stretch, shapes, place)
            tag = _usual_value(inner, shapes, place[name]) if name in place else b""
            rendered += re.escape(tag) + part(name, inner.without_null()[0]) if tag else part(name, inner)
            stretch.clear()
        else:
            stretch.append((name, inner))
    return rendered + _render_stretch(stretch, shapes, place)


def _usual_value(node: Node, shapes: Counter[Shape], i: int) -> bytes:
    """The first byte of a nullable field's value, where no row has null; else nothing.

    A field that is null by habit stays open, so that its group exists in every pattern.
    """
    value = node.branches.index(node.without_null()[0])
    return b"" if any(shape[i][0] >> 1 != value for shape in shapes) else bytes([2 * value])


def _render_stretch(
    stretch: Sequence[tuple[str, Node]], shapes: Counter[Shape], place: Mapping[str, int]
) -> bytes:
    forms: Counter[Shape] = Counter()
    places = [place[name] for name, _ in stretch if name in place]
    for shape, n in shapes.items():
        forms[tuple(shape[i] for i in places)] += n
    forms = _without_changing_lengths(forms)
    usual = [form for form, n in forms.most_common(_MOST_FORMS) if n > _RARE * forms.total()]
    general = b"".join(skip_pattern(inner) for _, inner in stretch)
    if not places:
        return general
    alternatives = []
    for form in usual:
        tokens = iter(form)
        alternatives.append(
            b"".join(
                _render_token(inner, next(tokens), _lengths(shapes, place[name]))
                if name in place
                else skip_pattern(inner)
                for name, inner in stretch
            )
        )
    # Atomic, because the general form matches whatever the others do: one look at it is enough.
    return b"(?>" + b"|".join([*alternatives, general]) + b")"


def _lengths(shapes: Counter[Shape], i: int) -> list[int]:
    """The commonest lengths of a string, where the shapes tell them."""
    found: Counter[int] = Counter()
    for shape, n in shapes.items():
        if len(shape[i]) > 1:
            found[long_of(shape[i][1:])] += n
    return [length for length, _ in found.most_common(_MOST_FORMS)]


def _without_changing_lengths(forms: Counter[Shape]) -> Counter[Shape]:
    """The forms with a string's length left open where it differs from row to row."""
    lengths: dict[tuple[int, bytes], set[bytes]] = {}
    for form in forms:
        for i, token in enumerate(form):
            lengths.setdefault((i, token[:1]), set()).add(token)
    opened: Counter[Shape] = Counter()
    for form, n in forms.items():
        opened[tuple(t if len(lengths[i, t[:1]]) == 1 else t[:1] for i, t in enumerate(form))] += n
    return opened


def _render_token(node: Node, token: bytes, lengths: Sequence[int]) -> bytes:
    branch = node.branches[token[0] >> 1]
    if branch.kind != "string":
        return re.escape(token) + skip_pattern(branch)
    # Another object's strings may have another length: the usual ones come first, and the others pass too.
    usual = [long_of(token[1:])] if len(token) > 1 else lengths
    return re.escape(token[:1]) + string_pattern(*[n for n in usual if n <= SHORT_STRING])


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
            rendered += re.escape(token) + run_pattern(long_of(token[1:]))
    return rendered


def _token(node: Node, encoded: bytes) -> bytes:
    """What a habit may say of an encoded union: its branch, and the length of a string."""
    if node.branches[encoded[0] >> 1].kind != "string":
        return encoded[:1]
    return encoded[:2] if encoded[1] < 0x80 else encoded[:3]


def _distance(a: Shape, b: Shape) -> int:
    """In how many unions two rows take different branches."""
    return sum(x[0] != y[0] for x, y in zip(a, b, strict=True))
