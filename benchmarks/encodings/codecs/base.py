"""What an encoding is: a pair of functions compiled for one schema, with the names people know it by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.alerts.schema import Schema

__all__ = ["Codec", "Pair", "Record", "UnsuitableError"]

Record = dict[str, Any]


class UnsuitableError(Exception):
    """An encoding that cannot hold records of this schema; the message says why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Records to bytes and back."""

    encode: Callable[[Sequence[Record]], bytes]
    decode: Callable[[bytes], list[Record]]


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoding as a competent user of one library would program it.

    Attributes
    ----------
    key, name
        For programs and for people.
    family
        Avro, XML, VOEvent, JSON, MessagePack or Arrow.
    library
        The distribution that does the work.
    compile
        What can be done once per schema is done here, and not timed.
    batches
        Whether several records fit into one file.
    """

    key: str
    name: str
    family: str
    library: str
    compile: Callable[[Schema], Pair]
    batches: bool = False
