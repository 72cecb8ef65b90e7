"""Encoded records that were decoded again and compared: the only way to a size or a time here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from benchmarks.encodings.codecs import Codec, Pair
from benchmarks.encodings.content import Message
from benchmarks.encodings.equality import difference
from bridge.alerts.schema import Schema

__all__ = ["ContentError", "checked_batch", "checked_files", "pair_for"]

STRICTLY = 100
"""So many records of a batch are compared type by type; the rest by Python's quicker equality, where it "
"holds."""


class ContentError(AssertionError):
    """An encoding that gives back something else than was put in; its numbers would mean nothing."""


@cache
def pair_for(codec: Codec, schema: Schema) -> Pair:
    """The encoding compiled for a schema, once."""
    return codec.compile(schema)


def checked_files(codec: Codec, messages: Sequence[Message]) -> list[bytes]:
    """Each message in a file of its own.

    Raises
    ------
    ContentError
        If a message comes back with another value anywhere.
    UnsuitableError
        If the encoding cannot hold records of this schema.
    """
    files = []
    for number, message in enumerate(messages):
        pair = pair_for(codec, message.schema)
        data = pair.encode([message.record])
        _compare(codec, [message], pair.decode(data), first=number)
        files.append(data)
    return files


def checked_batch(codec: Codec, messages: Sequence[Message]) -> bytes:
    """All messages in one file; they have one schema.

    Raises
    ------
    ContentError
        If a message comes back with another value anywhere.
    """
    pair = pair_for(codec, messages[0].schema)
    data = pair.encode([message.record for message in messages])
    _compare(codec, messages, pair.decode(data))
    return data


def _compare(codec: Codec, messages: Sequence[Message], decoded: Sequence[object], first: int = 0) -> None:
    if len(decoded) != len(messages):
        raise ContentError(f"{codec.name}: {len(messages)} records went in, {len(decoded)} came back.")
    for number, (message, record) in enumerate(zip(messages, decoded, strict=True)):
        if number >= STRICTLY and record == message.record:
            continue
        found = difference(message.schema.root, message.record, record)
        if found:
            raise ContentError(f"{codec.name} ({codec.library}), record {first + number}: {found}.")
