"""Writes the source of a translator: which lines a mapping and a schema come to.

Kept apart from `compile`, which turns the text into a function. Every line of the result does one thing to
one alert, in the order of the packet: read, render, check, Who, What, WhereWhen, How, Why, Citations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bridge.alerts.schema import Schema
from bridge.errors import MappingError
from bridge.mapping import elements, parts
from bridge.mapping.content import Group, Paths, Value
from bridge.mapping.fit import fit
from bridge.mapping.model import Mapping, first_path
from bridge.mapping.options import TranslateOptions
from bridge.mapping.rest import with_rest
from bridge.mapping.scalars import Scalars, data_type
from bridge.mapping.source_tables import TableWriter
from bridge.voevent.ids import check_authority
from bridge.voevent.xmltext import escape, is_uri

__all__ = ["Written", "write_source"]

NO_IDS: frozenset[Any] = frozenset({None, 0, ""})

# A group of so many values is rendered by one template where none of them is missing.
MANY = 4


@dataclass(frozen=True, slots=True)
class Written:
    """A translator's source, the paths it reads (in the order of READ), which of them as encoded numbers, and
    the constants it refers to."""

    text: str
    paths: Paths
    encoded: frozenset[int]
    constants: dict[str, Any]


def write_source(mapping: Mapping, schema: Schema, options: TranslateOptions) -> Written:
    """Write the translator of a mapping for one writer schema.

    Raises
    ------
    MappingError
        If the mapping does not fit the schema.
    """
    return _Writer(with_rest(mapping, schema), schema, options).write()


class _Writer:
    def __init__(self, mapping: Mapping, schema: Schema, options: TranslateOptions) -> None:
        self.mapping = mapping
        self.schema = schema
        self.options = options
        self.author = check_authority(options.local_ivo)
        self.scalars = Scalars(mapping, schema)
        self.const = self.scalars.constant
        self.body: list[str] = []
        self.tables = TableWriter(self.scalars, options)

    def write(self) -> Written:
        self._place_and_time()
        self._head()
        self.const("FIT", fit)
        tables = self._what()
        self._tail(tables)
        lines = [
            f"# Translator of mapping {self.mapping.key!r} for schema {self.schema.name!r}.",
            "def translate(packet, date, cites):",
            f"    ({', '.join(self.scalars.targets)},) = READ(packet)",
            *("    " + line for line in self.scalars.lines()),
            *("    " + line for line in self.body),
        ]
        return Written("\n".join(lines) + "\n", *self.scalars.wanted, self.scalars.constants)

    def _raws(self, template: str, what: str) -> tuple[list[str], list[str]]:
        holes = re.findall(r"\{([^{}]*)\}", template)
        paths = [self.scalars.needed(tuple(hole.split("|")), what) for hole in holes]
        return paths, [self.scalars.raw(path) for path in paths]

    def _place_and_time(self) -> None:
        place, add = self.mapping.place, self.body.append
        ra, dec = self.scalars.needed(place.ra, "[where] ra"), self.scalars.needed(place.dec, "[where] dec")
        self.ra, self.dec = self.scalars.raw(ra), self.scalars.raw(dec)
        self.ra_text, _ = self.scalars.text(Value(name="ra", paths=(ra,)), ra)
        self.dec_text, _ = self.scalars.text(Value(name="dec", paths=(dec,)), dec)
        self.const("CHECK_POSITION", parts.check_position)
        add(f"CHECK_POSITION({self.ra}, {self.dec}, {ra!r}, {dec!r})")
        self.const("RADIUS", parts.error_radius(repr(place.error_deg).encode()))
        errors = [self.scalars.raw(path) for path in place.error_from if first_path(self.schema, (path,))]
        complete = errors and len(errors) == len(place.error_from)
        self.radius = f"RADIUS({', '.join(errors)})" if complete else repr(repr(place.error_deg).encode())
        instant = next((item for item in self.mapping.instants if first_path(self.schema, item.paths)), None)
        if instant is None:
            known = ", ".join(path for item in self.mapping.instants for path in item.paths)
            raise MappingError(
                f"Mapping {self.mapping.key}, [when]: schema {self.schema.name} has none of {known}."
            )
        path = self.scalars.needed(instant.paths, "[when] path")
        self.const("WHEN", parts.instant_renderer(path, instant.scale))
        half = first_path(self.schema, instant.half_of)
        arguments = [self.scalars.raw(item) for item in (path, half) if item]
        add(f"when = WHEN({', '.join(arguments)})")

    def _head(self) -> None:
        add, mapping = self.body.append, self.mapping
        template = mapping.event_id.replace("{schema}", re.sub(r"[^A-Za-z0-9._-]", "-", self.schema.name))
        paths, raws = self._raws(template, "[event] id")
        self.const("IVORN", parts.ivorn_renderer(f"{self.author}/", template, paths))
        add(f"ivorn = IVORN({', '.join(raws)})")
        add(f"role = {self.options.role or mapping.role!r}")
        if self.options.role is None:
            for rule in mapping.role_rules:
                path = first_path(self.schema, (rule.path,))
                if path:
                    add(f"if {self.scalars.raw(path)} == {rule.equals!r}: role = {rule.role!r}")
        head, tail = elements.who_pieces(mapping, self.author)
        self.const("ROOT_HEAD", elements.ROOT_HEAD)
        self.const("WHO_HEAD", b'">' + head)
        self.const("WHO_TAIL", tail)
        self.const("CHECK_DATE", parts.check_date)
        self.const("ESCAPE", escape)
        add(
            "out = [ROOT_HEAD, role.encode(), b'\" ivorn=\"', ESCAPE(ivorn), "
            "WHO_HEAD, CHECK_DATE(date), WHO_TAIL]"
        )

    def _what(self) -> list[str]:
        add = self.body.append
        self.const("WHAT_HEAD", b"\n<What>" + elements.described(self.mapping.about))
        add("out.append(WHAT_HEAD)")
        for index, group in enumerate(self.mapping.groups):
            self._group(index, group)
        calls: list[str] = []
        if self.options.history != "none":
            written = [self.tables.write(index, table) for index, table in enumerate(self.mapping.tables)]
            calls = [call for call in written if call is not None]
        self._references()
        self._cutouts()
        return calls

    def _group(self, index: int, group: Group) -> None:
        lines: list[str] = []
        texts: list[str] = []
        none: set[bytes | None] = {None, b""}
        template = b""
        for number, value in enumerate(group.params):
            path = self.scalars.chosen(value)
            if path is None:
                continue
            text, absent = self.scalars.text(value, path)
            field = self.scalars.fields[path]
            head, tail = elements.param_pieces(value, data_type(value, field))
            head_name = self.const(f"H{index}_{number}", head)
            tail_name = self.const(f"T{index}_{number}", tail)
            test = f"{text} is not None" if not absent else f"{text} not in {self.scalars.absent(absent)}"
            lines.append(f"if {test}: out += ({head_name}, {text}, {tail_name})")
            texts.append(text)
            none |= absent
            template += b"%b%%b%b" % (head.replace(b"%", b"%%"), tail.replace(b"%", b"%%"))
        if len(texts) >= MANY:
            # Usually all values are there, and the group is one template.
            lines = self._whole_or_each(index, texts, none, template, lines)
        flags = [(name, path) for name, path in group.flags if first_path(self.schema, (path,))]
        if flags:
            lines += self._flags(index, flags)
        if not lines:
            return
        about = elements.described(group.about)
        start = self.const(f"GROUP_{index}", b'\n<Group name="%b">%b' % (escape(group.name), about))
        self.body += [f"# {group.name}", f"mark = len(out); out.append({start})", *lines]
        self.body += ["if len(out) == mark + 1: out.pop()", "else: out.append(b'</Group>')"]

    def _whole_or_each(
        self, index: int, texts: list[str], none: set[bytes | None], template: bytes, each: list[str]
    ) -> list[str]:
        values = f"({', '.join(texts)},)"
        known = self.const(f"NONE_OF_{index}", frozenset(none))
        whole = self.const(f"WHOLE_{index}", template)
        return [
            f"values = {values}",
            f"if {known}.isdisjoint(values): out.append({whole} % values)",
            "else:",
            *("    " + line for line in each),
        ]

    def _flags(self, index: int, flags: list[tuple[str, str]]) -> list[str]:
        named = self.const(f"FLAGS_{index}", parts.flag_names([name for name, _ in flags]))
        about = (
            "names of the flags that are true; every flag named neither here nor in flags_unknown is false"
        )
        head, tail = elements.param_pieces(
            Value(name="flags", paths=(), ucd="meta.code", about=about), "string"
        )
        unknown, end = elements.param_pieces(
            Value(name="flags_unknown", paths=(), ucd="meta.code", about="names of the flags that are null"),
            "string",
        )
        pieces = self.const(f"FLAG_PIECES_{index}", (head, tail, unknown, end))
        raws = ", ".join(self.scalars.raw(path) for _, path in flags)
        return [
            f"flags, unknown = {named}(({raws},))",
            f"out += ({pieces}[0], flags or b'none', {pieces}[1])",
            f"if unknown: out += ({pieces}[2], unknown, {pieces}[3])",
        ]

    def _references(self) -> None:
        self.first_reference = "b''"
        for index, item in enumerate(self.mapping.references):
            paths = re.findall(r"\{([^{}]*)\}", item.uri)
            if not is_uri(re.sub(r"\{[^{}]*\}", "x", item.uri)):
                raise MappingError(f"Mapping {self.mapping.key}, reference {item.uri!r}: this is not a URI.")
            if any(first_path(self.schema, (path,)) is None for path in paths):
                continue
            raws = [self.scalars.raw(path) for path in paths]
            name = self.const(f"URI_{index}", parts.uri_renderer(item.uri, item.about, NO_IDS))
            call = f"{name}({', '.join(raws)})"
            if self.first_reference == "b''":
                self.first_reference = call
            else:
                self.body.append(f"out.append({call})")

    def _cutouts(self) -> None:
        self.body.append("attachments = []")
        if self.options.cutouts == "omit":
            return
        for index, cutout in enumerate(self.mapping.cutouts):
            if first_path(self.schema, (cutout.path,)) is None:
                continue
            render = parts.cutout_renderer(cutout, self.options.cutouts, self.options.cutouts_url)
            name = self.const(f"CUTOUT_{index}", render)
            raw = self.scalars.raw(cutout.path)
            target = "attachments" if self.options.cutouts == "embed" else "out"
            self.body.append(f"image = {name}({raw}, ivorn)")
            self.body.append(f"if image: {target}.append(image)")

    def _tail(self, tables: list[str]) -> None:
        add, mapping = self.body.append, self.mapping
        place = elements.place_pieces(mapping.place)
        for index, piece in enumerate(place):
            self.const(f"PLACE_{index}", piece)
        self.const("PLACE_0", b"\n</What>" + place[0])
        add("# WhereWhen, How, Why, Citations")
        add(
            f"after = [PLACE_0, when.encode(), PLACE_1, {self.ra_text}, PLACE_2, {self.dec_text}, PLACE_3, "
            f"{self.radius}, PLACE_4]"
        )
        how = elements.how_element(mapping)
        if how:
            add(f"after.append({self.const('HOW', how)})")
        self._why()
        self.const("CITATION", parts.citation)
        keys = [path for path in mapping.object_key if first_path(self.schema, (path,))]
        self.const("OBJECT", parts.object_key(NO_IDS))
        add(f"key = OBJECT({', '.join(self.scalars.raw(path) for path in keys)})")
        add("if callable(cites): cites = cites(key) if key else None")
        add("if cites and cites != ivorn: after.append(CITATION(cites))")
        add(f"after += ({self.first_reference}, b'\\n</voe:VOEvent>\\n')")
        add(f"tables = [pair for pair in ({''.join(pair + ', ' for pair in tables)}) if pair[1] is not None]")
        add(f"xml, shed = FIT(out, tables, attachments, after, {self.options.max_bytes})")
        add("content = VIEW(packet.data)[packet.start:packet.stop]")
        add(f"return EVENT(ivorn, xml, role, key, float({self.ra}), float({self.dec}), when, content, shed)")

    def _why(self) -> None:
        calls = []
        for index, inference in enumerate(self.mapping.inferences):
            path = first_path(self.schema, inference.probability)
            if path is None:
                continue
            text, absent = self.scalars.text(
                Value(name=inference.name, paths=(path,), absent=inference.absent), path
            )
            arguments = [self.scalars.raw(path)]
            arguments.append(
                f"None if {text} in {self.scalars.absent(absent)} else {text}" if absent else text
            )
            concept = first_path(self.schema, inference.concept_from)
            if concept:
                arguments.append(self.scalars.raw(concept))
            name = self.const(f"INFER_{index}", parts.inference_renderer(inference))
            calls.append(f"{name}({', '.join(arguments)})")
        if calls:
            about = elements.described(self.mapping.why)
            self.const("WHY_HEAD", b"\n<Why>" + about)
            self.body.append(f"why = {' + '.join(calls)}")
            self.body.append("if why: after += (WHY_HEAD, why, b'</Why>')")
