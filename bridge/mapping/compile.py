"""Compiles a mapping and a writer schema into one function from packet to VOEvent.

The function is generated as source text: straight lines without a look at the mapping, one lens for all
fields, one batch per float width. The source is registered with linecache, so a traceback shows the line
that failed, and `Translator.source` shows all of it.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from bridge.alerts.lens import compile_lens
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import MappingError, UsageError
from bridge.mapping.model import Mapping
from bridge.mapping.options import TranslateOptions
from bridge.mapping.source import write_source
from bridge.voevent.event import Event

__all__ = ["Translator", "compile_translator"]

_numbers = itertools.count(1)


class Translator:
    """A compiled translation; use `compile_translator` to get one.

    Attributes
    ----------
    mapping, schema, options
        What it was compiled from.
    paths, lens
        The fields of the alert that it reads, and what reads them.
    source
        The generated source.
    """

    def __init__(self, mapping: Mapping, schema: Schema, options: TranslateOptions) -> None:
        self.mapping = mapping
        self.schema = schema
        self.options = options
        written = write_source(mapping, schema, options)
        self.paths = written.paths
        self.source = written.text
        self.lens = compile_lens(schema, written.paths, to_end=True, raw=True, encoded=written.encoded)
        namespace: dict[str, Any] = {
            **written.constants,
            "READ": self.lens.read,
            "VIEW": memoryview,
            "EVENT": Event,
        }
        filename = f"<translator {next(_numbers)}: {mapping.key}, {schema.name}>"
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        exec(compile(self.source, filename, "exec"), namespace)
        self._translate: Callable[[Packet, str, Any], Event] = namespace["translate"]

    def __repr__(self) -> str:
        return f"<Translator {self.mapping.key} for {self.schema.name}>"

    def __call__(
        self, packet: Packet, *, date: str, cites: str | Callable[[str], str | None] | None = None
    ) -> Event:
        """Translate one packet.

        Parameters
        ----------
        packet
            An alert written with the schema that this was compiled for.
        date
            When the VOEvent is authored: UTC, ISO 8601 with seconds.
        cites
            IVORN of an earlier event of the same object, to be cited as followed up; or a function that
            finds it by the object's key. A packet never cites itself.

        Raises
        ------
        PacketError
            If the packet cannot become an event, with reason and field.
        UsageError
            If the packet has another schema (programs that mix streams must look translators up by schema).
        """
        if packet.schema is not self.schema:
            raise UsageError(
                f"This translator was compiled for schema {self.schema.name}, and the packet was written "
                f"with {packet.schema.name}: compile one for each schema."
            )
        return self._translate(packet, date, cites)


@lru_cache(maxsize=256)
def compile_translator(
    mapping: Mapping, schema: Schema, options: TranslateOptions | None = None
) -> Translator:
    """The translator for a mapping and a writer schema, compiled once.

    Parameters
    ----------
    mapping
        From `load_mapping` or `choose_mapping`.
    schema
        The writer schema of the packets.
    options
        How to translate; None for the defaults.

    Raises
    ------
    MappingError
        If the mapping names a field that the schema lacks and that is not optional, or uses one wrongly; or
        if it reads documents.
    """
    if mapping.reads_documents:
        raise MappingError(
            f"Mapping {mapping.key} reads notices as a whole, so there is no translator for schema "
            f"{schema.name}."
        )
    return Translator(mapping, schema, options or TranslateOptions())
