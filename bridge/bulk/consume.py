"""Messages of a topic for a person: a line for each, packets and cutouts into folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.alerts.packet import Item, Packet, Refusal
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.bulk.glance import Glance, cutouts_of, glance
from bridge.bulk.kinds import kind_of
from bridge.bulk.raw import Message, place_of
from bridge.errors import PacketError
from bridge.streams.kafka.messages import items_of
from bridge.streams.naming import file_bytes, file_name
from bridge.streams.outlets import Outlet

__all__ = ["Consumed", "Consumer", "describe_message", "message_line", "utc_text"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


@dataclass(slots=True)
class Consumed:
    """What has come.

    Attributes
    ----------
    messages, bytes
        Read, and the size of their values.
    saved, stamps
        Files with packets, and with cutouts.
    unreadable
        Messages that could not be decoded; they are saved like the others.
    """

    messages: int = 0
    bytes: int = 0
    saved: int = 0
    stamps: int = 0
    unreadable: int = 0


@dataclass
class Consumer:
    """Shows and saves messages.

    Parameters
    ----------
    store, default_schema
        Where schemas are looked up; writer schema of bare messages.
    show
        Takes a message with what was seen in its first item (None where nothing is decoded), if any.
    complain
        Takes what could not be decoded.
    every
        Show one of so many messages, beginning with the first.
    decode
        Look into messages; otherwise they are only counted, named by their place and saved.
    packets, stamps
        Where packets and cutouts go.
    """

    store: SchemaStore
    show: Callable[[Message, Glance | None], None] | None
    complain: Callable[[Refusal], None] = lambda _: None
    default_schema: Schema | None = None
    every: int = 1
    decode: bool = True
    packets: Outlet | None = None
    stamps: Outlet | None = None
    done: Consumed = field(default_factory=Consumed)

    def take(self, messages: Iterable[Message]) -> None:
        """Work on some messages; raises `SourceError` if a file cannot be written."""
        for message in messages:
            self._take(message)
        for outlet in (self.packets, self.stamps):
            if outlet is not None:
                outlet.secure()

    def _take(self, message: Message) -> None:
        done = self.done
        shown = self.show is not None and done.messages % self.every == 0
        done.messages += 1
        done.bytes += message.size
        items: list[Item] = []
        if self.decode and (shown or self.packets is not None or self.stamps is not None):
            items = list(items_of(message.value, message.origin, self.store, self.default_schema))
        faults = [item for item in items if isinstance(item, Refusal)]
        done.unreadable += bool(faults)
        for fault in faults:
            self.complain(fault)
        seen: Glance | None = None
        if shown and self.show is not None:
            if items:
                seen = glance(items[0])
                if seen.problem and not faults:
                    done.unreadable += 1
                    self.complain(Refusal(message.origin, seen.problem, message.value or b""))
            self.show(message, seen)
        if self.packets is not None and message.value is not None:
            self.packets.put(*_file(message, items))
            done.saved += 1
        if self.stamps is not None:
            for item in items:
                if isinstance(item, Packet):
                    self._cut(item)

    def _cut(self, packet: Packet) -> None:
        assert self.stamps is not None
        try:
            cutouts = cutouts_of(packet)
        except PacketError as error:
            self.done.unreadable += 1
            self.complain(Refusal(packet.origin, error.reason, packet.data))
            return
        stem = Path(file_name(packet)).stem
        for name, image in cutouts.items():
            self.stamps.put(f"{stem}-{name}{_image_ending(image)}", image)
            self.done.stamps += 1


def describe_message(message: Message, seen: Glance | None) -> dict[str, Any]:
    """A message as a JSON object; what is not known is left out."""
    topic, partition = place_of(message.origin.partition)
    envelope = message.origin.envelope
    document: dict[str, Any] = {
        "topic": topic,
        "partition": partition,
        "offset": message.origin.offset,
        "time": None if message.timestamp_ms is None else utc_text(message.timestamp_ms / 1000),
        "bytes": message.size,
        "kind": kind_of(message.value, envelope.key if envelope else None),
    }
    if seen is not None:
        document |= {
            "schema": seen.schema or None,
            "id": seen.alert_id,
            "object": seen.object_id,
            "ra_deg": seen.ra_deg,
            "dec_deg": seen.dec_deg,
            "band": seen.band,
            "magnitude": seen.magnitude,
            "flux_njy": seen.flux_njy,
            "observed": seen.observed_utc,
            "history": seen.history,
            "problem": seen.problem or None,
        }
    return {key: value for key, value in document.items() if value is not None}


def message_line(message: Message, seen: Glance | None) -> str:
    """A message on one line: place, id, object, position, brightness, time of exposure, size."""
    topic, partition = place_of(message.origin.partition)
    envelope = message.origin.envelope
    parts = [f"{topic}/{partition}/{message.origin.offset}"]
    if seen is None or seen.problem:
        parts.append(kind_of(message.value, envelope.key if envelope else None))
        if message.timestamp_ms is not None:
            parts.append(utc_text(message.timestamp_ms / 1000))
    else:
        parts += [part for part in (seen.alert_id, seen.object_id) if part is not None]
        if seen.ra_deg is not None and seen.dec_deg is not None:
            parts.append(f"{seen.ra_deg:.5f} {seen.dec_deg:+.5f}")
        if seen.magnitude is not None:
            parts.append(f"{seen.band or '?'} {seen.magnitude:.2f} mag")
        elif seen.flux_njy is not None:
            parts.append(f"{seen.band or '?'} {seen.flux_njy:.0f} nJy")
        if seen.observed_utc is not None:
            parts.append(seen.observed_utc)
        if seen.history is not None:
            parts.append(f"{seen.history} earlier")
        if seen.alert_id is None:
            parts.append(seen.schema)
    parts.append(f"{message.size / 1000:.1f} kB")
    line = "  ".join(parts)
    # Names come from strangers and go to a terminal.
    return line if line.isprintable() else ascii(line)[1:-1]


def utc_text(time_unix_s: float) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(time_unix_s, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _file(message: Message, items: list[Item]) -> tuple[str, bytes]:
    """Name and content of the file that a message becomes."""
    assert message.value is not None
    if len(items) == 1 and isinstance(items[0], Packet):
        # A bare datum is framed, because a file that does not say its schema could not be read again.
        return file_name(items[0]), file_bytes(items[0])
    topic, partition = place_of(message.origin.partition)
    kind = kind_of(message.value)
    ending = {"container": "avro", "xml": "xml", "json": "json", "gzip": "gz"}.get(kind, "bin")
    return f"{_UNSAFE.sub('_', topic)}-{partition}-{message.origin.offset}.{ending}", message.value


def _image_ending(image: bytes) -> str:
    if image.startswith(b"\x1f\x8b"):
        return ".fits.gz"
    return ".fits" if image.startswith(b"SIMPLE") else ".bin"
