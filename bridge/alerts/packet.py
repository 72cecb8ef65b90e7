"""What flows through the bridge: packets, documents and refusals, each knowing where it came from.

A source yields these three and nothing else, so bad input is an item of the stream and not an exception
that ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bridge.alerts.schema import Schema

__all__ = ["Document", "Envelope", "Framing", "Item", "Origin", "Packet", "Refusal"]

Framing = Literal["ocf", "confluent", "bare", "xml", "json"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a broker carries beside a message, kept so that the message can be passed on as it came.

    Parameters
    ----------
    key
        Of the message, or None.
    headers
        Names and values, in order.
    timestamp_ms
        When the message was made, in Unix milliseconds (UTC); None where that is not known.
    """

    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message came from.

    Parameters
    ----------
    partition
        The part of the source whose messages are in a fixed order: a file, an archive, a topic partition.
    offset
        Index of the message in that part, from 0. ``(partition, offset)`` is the position a source
        resumes from.
    member
        Name of the file inside an archive or folder, for people; empty where there is none.
    envelope
        What came with the message, from a broker. It says nothing of the place, so it is not compared.
    """

    partition: str
    offset: int
    member: str = ""
    envelope: Envelope | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        inner = f" ({self.member})" if self.member else ""
        return f"{self.partition}#{self.offset}{inner}"


@dataclass(frozen=True, slots=True)
class Packet:
    """One survey alert: Avro bytes and the schema that wrote them.

    The bare Avro datum is ``data[start:stop]``; the lens reads it in place, so nothing is copied.

    Parameters
    ----------
    data
        The bytes that hold the datum: a whole message, or a decompressed block of an OCF file.
    start, stop
        Where the datum lies in `data`, in bytes.
    schema
        The writer schema.
    origin
        Where the packet came from.
    framing
        How the message was framed on arrival. ``xml`` and ``json`` are documents that filters read:
        ``data[:start]`` is the message, and the datum behind it was made of it.
    whole
        Whether `data` is the message exactly as it arrived.
    """

    data: bytes
    start: int
    stop: int
    schema: Schema
    origin: Origin
    framing: Framing = "bare"
    whole: bool = False

    @property
    def datum(self) -> bytes:
        """The bare Avro datum (a copy)."""
        return self.data[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Document:
    """A message that is text already: a VOEvent in XML, or a notice in JSON."""

    data: bytes
    kind: Literal["voevent", "json"]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that could not be used, with the reason and (as far as it was read) its bytes.

    Where the reason names the first of several faults, `findings` has them all.
    """

    origin: Origin
    reason: str
    data: bytes = b""
    findings: tuple[str, ...] = ()


Item = Packet | Document | Refusal
