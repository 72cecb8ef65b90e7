"""The lens: reads the wanted fields of a datum and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from bridge.alerts.decode import decode_datum
from bridge.alerts.fields import Field, follow, resolve
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema

__all__ = ["Lens", "compile_lens"]


class Lens:
    """Reads fields of a datum."""

    def __init__(self, schema: Schema, paths: Sequence[str], *, to_end: bool = False) -> None:
        self.schema = schema
        self.fields: tuple[Field, ...] = tuple(resolve(schema, path) for path in paths)
        self.to_end = to_end

    def __call__(self, data: bytes, start: int = 0, stop: int | None = None) -> tuple[Any, ...]:
        """Values of the fields, in the order asked for."""
        record = decode_datum(self.schema, data, start, stop)
        return tuple(follow(record, field) for field in self.fields)

    def read(self, packet: Packet) -> tuple[Any, ...]:
        """Values of the fields of a packet."""
        return self(packet.data, packet.start, packet.stop)


@lru_cache(maxsize=256)
def compile_lens(schema: Schema, paths: tuple[str, ...], to_end: bool = False) -> Lens:
    """The lens for these paths, compiled once."""
    return Lens(schema, paths, to_end=to_end)
