"""Compiles a schema and a list of wanted fields into Python source that reads them.

The source is a straight run of regular expressions, each as long as the types allow, with jumps between
them where a length is data. It ends after the last wanted field, unless the whole datum is to be walked.
The generated lines are known to `linecache`, so a traceback shows them.
"""

from __future__ import annotations

import linecache
import re
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from bridge.alerts.column import column_of
from bridge.alerts.fields import Field, descend
from bridge.alerts.lens import runtime
from bridge.alerts.lens.arrays import ArraySkipper, MakeColumns, RowReader
from bridge.alerts.lens.columns import ColumnMaker, raw_columns, scalar_decoder
from bridge.alerts.lens.encode import encode, encoded_column
from bridge.alerts.lens.habits import Habit, Shape, render_element, render_stretches
from bridge.alerts.lens.patterns import FIXED_FORMATS, is_regular, skip_pattern, string_pattern, tag
from bridge.alerts.lens.wants import Want, want_tree
from bridge.alerts.schema import Node, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Program", "Unsupported", "compile_end", "compile_program"]

Program = Callable[[bytes, int, int], tuple[Any, ...]]

_serial = count(1)


class Unsupported(Exception):  # noqa: N818 - an answer, not an error: the lens then uses fastavro throughout
    """The schema cannot be compiled (it is recursive, or has a union of more than 64 types)."""


def compile_program(
    schema: Schema,
    fields: Sequence[Field],
    *,
    to_end: bool,
    short_strings: bool,
    raw: bool = False,
    encoded: frozenset[int] = frozenset(),
) -> Program:
    """Compile a function ``(data, start, stop) -> values``.

    Parameters
    ----------
    schema
        The writer schema.
    fields
        The wanted fields; their values come in this order.
    to_end
        Walk the datum to its end and demand that it ends at `stop`.
    short_strings
        Take strings as short, so that patterns can pass over them; a longer one is a `Mismatch`.
    raw
        Give columns as they were captured.
    encoded
        Positions in `fields` of numbers that are given as they were captured.

    Raises
    ------
    Unsupported
        If the schema cannot be compiled.
    """
    names: dict[str, Any] = {}
    body = _Body(names, fields, to_end=to_end, short_strings=short_strings)
    body.encoded = encoded
    if raw:
        body.columns = raw_columns
        names["column_of"] = encoded_column
    body.emit(schema.root, want_tree(schema.root, fields))
    body.flush(last=not to_end)
    if to_end:
        body.line("if p != e: raise Mismatch")
    values = "".join(f"v{index}, " for index in range(len(fields)))
    body.line(f"return ({values})")
    program: Program = body.define("look", f"lens of {schema.name}")
    return program


def compile_end(schema: Schema, *, short_strings: bool) -> Callable[[bytes, int, int], int]:
    """Compile a function ``(data, start, stop) -> position`` that finds where a datum ends."""
    body = _Body({}, (), to_end=True, short_strings=short_strings)
    body.emit(schema.root, Want())
    body.flush()
    body.line("return p")
    walk: Callable[[bytes, int, int], int] = body.define("end", f"end of {schema.name}")
    return walk


class _Body:
    """The lines of one generated function, and the pattern that is being built for the next of them."""

    def __init__(
        self, names: dict[str, Any], fields: Sequence[Field], *, to_end: bool, short_strings: bool
    ) -> None:
        self.names = names
        self.fields = fields
        self.to_end = to_end
        self.short_strings = short_strings
        self.lines: list[str] = []
        self.depth = 1
        self.parts: list[bytes] = []
        self.groups: list[tuple[Node, list[int]]] = []
        self.maybe: list[int] = []
        self.left = len(fields)
        self.records: list[Node] = []
        self.columns: Callable[[Sequence[Node]], MakeColumns] = ColumnMaker
        self.encoded: frozenset[int] = frozenset()
        for name in ("Mismatch", "blocks", "long_of", "read_long", "skip_bytes"):
            names[name] = getattr(runtime, name)
        names.update(join=b"".join, text=runtime.text_of)
        names.setdefault("column_of", column_of)

    @property
    def done(self) -> bool:
        """Whether nothing is wanted of the rest of the datum."""
        return not self.left and not self.to_end

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def indented(self, head: str) -> Iterator[None]:
        self.line(head)
        self.depth += 1
        lines = len(self.lines)
        yield
        if len(self.lines) == lines:
            self.line("pass")
        self.depth -= 1

    def name(self, prefix: str, value: Any) -> str:
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def define(self, name: str, title: str) -> Any:
        """Compile the lines into a function of that name."""
        head = [f"def {name}(d, p, e):"]
        if self.maybe:
            head.append("    " + "".join(f"v{index} = " for index in self.maybe) + "None")
        source = "\n".join([*head, *self.lines, ""])
        file = f"<{title}, {next(_serial)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), self.names)
        return self.names[name]

    def inner(self, fields: Sequence[Field]) -> _Body:
        """The body of a function that reads one value inside this one."""
        body = _Body(self.names, fields, to_end=True, short_strings=self.short_strings)
        body.records = [*self.records]
        body.columns = self.columns
        body.encoded = self.encoded
        return body

    def regular(self, node: Node) -> bool:
        return is_regular(node, strings=self.short_strings)

    def regular_element(self, node: Node) -> bool:
        """Whether a pattern can say the element of an array; its strings are always taken as short."""
        return is_regular(node)

    # Types, in the order in which they are met

    def emit(self, node: Node, want: Want) -> None:
        """Add what reads one value of a type."""
        if want.spans:
            self.emit_span(node, want)
        elif node.kind == "record":
            self.emit_record(node, want)
        elif self.regular(node) and not want.has_spans_below():
            self.parts.append(self.pattern(node, want))
        elif node.kind == "union":
            self.emit_union(node, want)
        elif node.kind == "array":
            self.emit_array(node, want)
        elif node.kind == "map":
            self.emit_map(node)
        else:
            self.emit_bytes(node, want)

    def emit_record(self, node: Node, want: Want) -> None:
        if node in self.records:
            raise Unsupported
        self.records.append(node)
        for name, (inner, _) in node.fields.items():
            if self.done:
                break
            self.emit(inner, want.children.get(name, _NOTHING))
        self.records.pop()

    def emit_span(self, node: Node, want: Want) -> None:
        self.flush()
        start = f"s{len(self.names)}"
        self.names[start] = None
        self.line(f"{start} = p")
        # To know where the span ends it must be walked to its end, whatever else is wanted in it.
        walked, self.to_end = self.to_end, True
        self.emit(node, want.without_spans())
        self.flush()
        self.to_end = walked
        for index, rest in want.spans:
            decoder = self.name("span", runtime.SpanDecoder(node, rest, descend))
            value = f"{decoder}(d[{start}:p])"
            if self.fields[index].kind == "column":
                value = f"{self.name('column', runtime.picked_column)}({value}, {self.fields[index].type!r})"
            if index in self.encoded:
                value = f"{self.name('encode', encode)}({value}, {self.fields[index].type!r})"
            self.line(f"v{index} = {value}")
            self.left -= 1

    def emit_union(self, node: Node, want: Want) -> None:
        if len(node.branches) > 64:
            raise Unsupported
        self.flush()
        self.maybe += want.indices()
        self.line("if p >= e: raise Mismatch")
        self.line("t = d[p]; p += 1")
        inner, _ = node.without_null()
        for index, branch in enumerate(node.branches):
            with self.indented(f"{'el' if index else ''}if t == {2 * index}:"):
                if branch is inner:
                    self.emit(branch, want)
                elif not self.done:
                    self.emit(branch, _NOTHING)
                self.flush()
        self.line("else: raise Mismatch")

    def emit_array(self, node: Node, want: Want) -> None:
        self.flush()
        element = node.element
        columns = [*want.elements]
        for child in want.children.values():
            columns += child.indices()
        if columns and self.regular_element(element):
            self.emit_rows(element, want)
        elif columns:
            self.emit_rows_one_by_one(element, want, columns)
        elif self.regular_element(element):
            skipper = self.name("skip", ArraySkipper(element))
            self.line(f"n, p = {skipper}(d, p, e)")
        else:
            skip = self.skipper(element)
            self.loop("n", [f"p = {skip}(d, p, e)"])
        for index in want.lengths:
            self.line(f"v{index} = n")
            self.left -= 1

    def emit_rows(self, element: Node, want: Want) -> None:
        rows = Want(scalars=want.elements, children=want.children)
        body = self.inner(self.fields)
        body.pattern(element, rows)
        groups = body.groups

        def render(habit: Habit) -> bytes:
            if not habit:
                return self.inner(self.fields).pattern(element, rows)
            kept = {name: token for name, token in habit.items() if name not in rows.children}
            for name in habit.keys() & rows.children.keys():
                # A wanted field that is null by habit is left open, so that its group exists in every
                # pattern; of a wanted string the length is left open, because it is captured with it.
                node, branch = element.fields[name][0], habit[name][:1]
                if node.branches[branch[0] >> 1] is node.without_null()[0]:
                    kept[name] = branch
            again = self.inner(self.fields)
            return render_element(
                element, kept, lambda name, n: again.pattern(n, rows.children.get(name, _NOTHING))
            )

        def render_mixed(shapes: Counter[Shape]) -> bytes:
            again = self.inner(self.fields)
            return render_stretches(
                element, shapes, rows.children, lambda name, n: again.pattern(n, rows.children[name])
            )

        reader = RowReader(element, render, render_mixed, self.columns([node for node, _ in groups]))
        targets = "".join(f"v{indices[0]}, " for _, indices in groups)
        self.line(f"({targets}), n, p = {self.name('rows', reader)}(d, p, e)")
        for _, (first, *others) in groups:
            for other in others:
                self.line(f"v{other} = v{first}")
            self.left -= 1 + len(others)

    def emit_rows_one_by_one(self, element: Node, want: Want, columns: list[int]) -> None:
        inner = self.inner(self.fields)
        inner.emit(element, Want(scalars=want.elements, children=want.children))
        inner.flush()
        inner.line("return p, (" + "".join(f"v{index}, " for index in columns) + ")")
        function = f"row{len(self.names)}"
        self.names[function] = None
        inner.define(function, "lens of an element")
        rows = f"r{function}"
        self.line(f"{rows} = []")
        self.loop("n", [f"p, r = {function}(d, p, e)", f"{rows}.append(r)"])
        for position, index in enumerate(columns):
            kind = self.fields[index].type
            self.line(f"v{index} = column_of([r[{position}] for r in {rows}], {kind!r})")
            self.left -= 1

    def emit_map(self, node: Node) -> None:
        self.flush()
        skip = self.skipper(node.element)
        self.loop("n", ["p = skip_bytes(d, p, e)", f"p = {skip}(d, p, e)"])

    def emit_bytes(self, node: Node, want: Want) -> None:
        self.flush()
        if not want.scalars:
            self.line("p = skip_bytes(d, p, e)")
            return
        self.line("n, p = read_long(d, p, e)")
        self.line("if n < 0 or n > e - p: raise Mismatch")
        decode = ".decode()" if node.kind == "string" else ""
        self.line("".join(f"v{index} = " for index in want.scalars) + f"d[p:p + n]{decode}")
        self.line("p += n")
        self.left -= len(want.scalars)

    def loop(self, total: str, lines: list[str]) -> None:
        """Walk the blocks of an array or map, doing `lines` for each element."""
        self.line(f"{total} = 0")
        with self.indented("while True:"):
            self.line("c, p, q = blocks(d, p, e)")
            self.line("if not c: break")
            self.line("if c > e - p: raise Mismatch")
            self.line(f"{total} += c")
            with self.indented("for _ in range(c):"):
                for line in lines:
                    self.line(line)
            self.line("if q not in (-1, p): raise Mismatch")

    def skipper(self, node: Node) -> str:
        """Name of a function that passes over one value."""
        inner = self.inner(())
        inner.emit(node, _NOTHING)
        inner.flush()
        inner.line("return p")
        name = f"pass{len(self.names)}"
        self.names[name] = None
        inner.define(name, "jump over an element")
        return name

    # Patterns

    def pattern(self, node: Node, want: Want) -> bytes:
        """The pattern of one value of a regular type, with a group for each wanted primitive."""
        if not want.scalars and not want.children:
            return skip_pattern(node)
        if node.kind == "record":
            return b"".join(
                self.pattern(n, want.children.get(k, _NOTHING)) for k, (n, _) in node.fields.items()
            )
        if node.kind == "union":
            inner, _ = node.without_null()
            branches = (
                tag(index) + (self.pattern(branch, want) if branch is inner else skip_pattern(branch))
                for index, branch in enumerate(node.branches)
            )
            return b"(?:" + b"|".join(branches) + b")"
        self.groups.append((node, want.scalars))
        self.left -= len(want.scalars)
        if node.kind == "fixed" and not node.size:
            raise Unsupported
        content = string_pattern() if node.kind == "string" else skip_pattern(node)
        return b"(" + content + b")"

    def flush(self, *, last: bool = False) -> None:
        """Emit the pattern built so far, and what decodes its groups."""
        pattern, groups = b"".join(self.parts), self.groups
        self.parts, self.groups = [], []
        if not pattern:
            return
        self.line(f"m = {self.name('match', re.compile(pattern, re.DOTALL).match)}(d, p, e)")
        self.line("if m is None: raise Mismatch")
        if not last:
            self.line("p = m.end()")
        if not groups:
            return
        # Every group goes into a variable: that of a field which is wanted as it is encoded, or its own.
        names = []
        for group, (_, wanted) in enumerate(groups):
            first, *others = [f"v{i}" for i in wanted if i in self.encoded] or [f"g{group}"]
            names.append((first, others))
        self.line("".join(f"{first}, " for first, _ in names) + "= m.groups()")
        for first, others in names:
            for other in others:
                self.line(f"{other} = {first}")
        left = [
            (name, node, decoded)
            for (name, _), (node, wanted) in zip(names, groups, strict=True)
            if (decoded := [i for i in wanted if i not in self.encoded])
        ]
        fixed = [each for each in left if each[1].kind in FIXED_FORMATS]
        if fixed:
            self.decode_fixed(fixed)
        for name, node, wanted in left:
            if node.kind not in FIXED_FORMATS:
                targets = "".join(f"v{index} = " for index in wanted)
                decode = (
                    "long_of" if node.kind in ("int", "long") else self.name("decode", scalar_decoder(node))
                )
                self.line(f"{targets}None if {name} is None else {decode}({name})")

    def decode_fixed(self, fixed: list[tuple[str, Node, list[int]]]) -> None:
        """Decode all groups of fixed width by one call; where some are null, with blanks in their places."""
        formats = [FIXED_FORMATS[node.kind] for _, node, _ in fixed]
        targets = "".join(f"v{wanted[0]}, " for _, _, wanted in fixed)
        captured = "".join(f"{name}, " for name, _, _ in fixed)
        unpack = self.name("unpack", struct.Struct("<" + "".join(formats)).unpack)
        blanks = self.name("blanks", [bytes(struct.calcsize("<" + each)) for each in formats])
        self.line(f"try: {targets}= {unpack}(join(({captured})))")
        with self.indented("except TypeError:"):
            self.line(
                f"values = {unpack}(join([b if x is None else x for x, b in zip(({captured}), {blanks})]))"
            )
            self.line(f"{targets}= [None if x is None else y for x, y in zip(({captured}), values)]")
        for _, _, (first, *others) in fixed:
            for other in others:
                self.line(f"v{other} = v{first}")


_NOTHING = Want()
