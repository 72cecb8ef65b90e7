"""The lens: reads the wanted fields of an alert and passes over all others without decoding them.

A writer schema and a list of paths are compiled once into regular expressions over bytes (`compiler`,
`patterns`). What does not match is decoded in full by fastavro, which gives the same answer or a clear
error: the lens is right if and only if it agrees with fastavro.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import fastavro

from bridge.alerts.column import column_of
from bridge.alerts.decode import decode_datum, refuse_weightless
from bridge.alerts.fields import Field, follow, resolve
from bridge.alerts.lens.columns import RawColumn
from bridge.alerts.lens.compiler import Program, Unsupported, compile_end, compile_program
from bridge.alerts.lens.encode import encode, encoded_column
from bridge.alerts.lens.runtime import Mismatch
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import PacketError

__all__ = ["Lens", "RawColumn", "compile_lens", "datum_end"]

# What generated code meets in bytes that are not what the schema promises.
_REFUSED = (Mismatch, UnicodeDecodeError)


class Lens:
    """Reads fields of alerts of one writer schema.

    Parameters
    ----------
    schema
        The writer schema.
    paths
        The wanted fields (see `bridge.alerts.fields.resolve`).
    to_end
        Walk each datum to its end, so that a truncated one or one with bytes left over is refused.
        Without it nothing behind the last wanted field is looked at.
    raw
        Give columns as `RawColumn` (those of texts only where the datum could be read without fastavro):
        for callers that make texts of them.
    encoded
        Positions in `paths` of numbers that are wanted as the bytes in which they are encoded.

    Raises
    ------
    SchemaError
        If a path leads nowhere in the schema.
    """

    def __init__(
        self,
        schema: Schema,
        paths: Sequence[str],
        *,
        to_end: bool = False,
        raw: bool = False,
        encoded: frozenset[int] = frozenset(),
    ) -> None:
        self.schema = schema
        self.fields: tuple[Field, ...] = tuple(resolve(schema, path) for path in paths)
        self.to_end = to_end
        self.raw = raw
        self.encoded = encoded
        self._program = self._compile(short_strings=True) or self._decode
        self._jumping: Program | None = None

    def __call__(self, data: bytes, start: int = 0, stop: int | None = None) -> tuple[Any, ...]:
        """Read a datum.

        Parameters
        ----------
        data, start, stop
            The datum is ``data[start:stop]``.

        Returns
        -------
        The values in the order of the paths: Python values, `Column`, or None; see `Field.kind`.

        Raises
        ------
        PacketError
            If the datum does not fit the schema.
        """
        stop = len(data) if stop is None else stop
        try:
            return self._program(data, start, stop)
        except _REFUSED:
            return self._second_look(data, start, stop)

    def read(self, packet: Packet) -> tuple[Any, ...]:
        """Read a packet; as calling the lens with its bytes."""
        return self(packet.data, packet.start, packet.stop)

    def _second_look(self, data: bytes, start: int, stop: int) -> tuple[Any, ...]:
        """Take strings as long; then, if that does not match either, ask fastavro."""
        if self._jumping is None:
            self._jumping = self._compile(short_strings=False) or self._decode
        try:
            return self._jumping(data, start, stop)
        except _REFUSED:
            return self._decode(data, start, stop)

    def _compile(self, *, short_strings: bool) -> Program | None:
        if self.schema.has_weightless_arrays:
            return None
        try:
            return compile_program(
                self.schema,
                self.fields,
                to_end=self.to_end,
                short_strings=short_strings,
                raw=self.raw,
                encoded=self.encoded,
            )
        except Unsupported:
            return None

    def _decode(self, data: bytes, start: int, stop: int) -> tuple[Any, ...]:
        record = decode_datum(self.schema, data, start, stop)
        make = encoded_column if self.raw else column_of
        values = [follow(record, field, make) for field in self.fields]
        for index in self.encoded:
            values[index] = encode(values[index], self.fields[index].type)
        return tuple(values)


@lru_cache(maxsize=256)
def compile_lens(
    schema: Schema,
    paths: tuple[str, ...],
    to_end: bool = False,
    raw: bool = False,
    encoded: frozenset[int] = frozenset(),
) -> Lens:
    """The lens for these paths, compiled once."""
    return Lens(schema, paths, to_end=to_end, raw=raw, encoded=encoded)


def datum_end(schema: Schema, data: bytes, start: int, stop: int) -> int:
    """Find where the datum that begins at `start` ends, without decoding it.

    Raises
    ------
    PacketError
        If no datum of this schema begins there, or it goes on behind `stop`.
    """
    for walk in _walks(schema):
        try:
            return walk(data, start, stop)
        except _REFUSED:
            continue
    if schema.has_weightless_arrays:
        refuse_weightless(schema)
    stream = io.BytesIO(data[start:stop])
    try:
        fastavro.schemaless_reader(stream, schema.parsed)
    except Exception as error:
        raise PacketError(f"no datum of schema {schema.name} can be read ({error!r})") from None
    return start + stream.tell()


@lru_cache(maxsize=256)
def _walks(schema: Schema) -> tuple[Callable[[bytes, int, int], int], ...]:
    if schema.has_weightless_arrays:
        return ()
    try:
        return tuple(compile_end(schema, short_strings=short) for short in (True, False))
    except Unsupported:
        return ()
