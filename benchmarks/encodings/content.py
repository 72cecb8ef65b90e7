"""What is encoded: alerts and VOEvents as records with the schemas that wrote them, whole and in parts.

Every encoding gets the same records. An alert keeps the schema text that it came with, because the size of
an embedded schema is part of what is compared.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from benchmarks.common import alerts_folder, simulated
from bridge.alerts.decode import decode_datum, decode_packet
from bridge.alerts.ocf import read_ocf
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema, parse_schema
from bridge.alerts.store import open_store

__all__ = [
    "CUTOUTS",
    "PARTS",
    "Content",
    "Message",
    "alert_contents",
    "cut_history",
    "history_rows",
    "sample",
    "simulated_batch",
    "variant",
]

LSST_ID = 1000
CUTOUTS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
HISTORY = ("prv_candidates", "fp_hists", "prvDiaSources", "prvDiaForcedSources")
# Fink's own light curve of a ZTF alert, as columns.
FINK_HISTORY = ("cjd", "cfid", "cmagpsf", "csigmapsf", "cmagnr", "csigmagnr", "cmagzpsci", "cisdiffpos")
MOST_BYTES = 1_000_000
PARTS = ("whole", "no cutouts", "no history", "neither")
"""The variants of an alert that are measured."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record and its writer schema."""

    schema: Schema
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """Messages of one kind, and where they are from.

    Attributes
    ----------
    key, name
        Short name for programs, and for people.
    part
        One of `PARTS`.
    origin
        How many, real or simulated, in words.
    messages
        Never empty.
    received_bytes
        Mean size of the messages as they arrived, in bytes; None where they were cut.
    """

    key: str
    name: str
    part: str
    origin: str
    messages: tuple[Message, ...]
    received_bytes: float | None = None


def alert_contents() -> Iterator[Content]:
    """Alerts of ZTF, LSST and Fink: the real ones, or simulated ones (of Fink there are only real ones)."""
    folder = alerts_folder()
    real: dict[str, list[Packet]] = {"ztf": [], "lsst": [], "fink-ztf": [], "fink-lsst": []}
    if folder is not None:
        for path in sorted(folder.glob("*.avro")):
            kind = next((k for k in ("fink-ztf", "fink-lsst", "ztf") if path.name.startswith(k)), None)
            if kind is not None:
                items = read_ocf(path.read_bytes(), Origin(path.name, 0))
                real[kind] += [item for item in items if isinstance(item, Packet)]
        for path in sorted((folder / "lsst-v10.0-framed").glob("*.bin")):
            data = path.read_bytes()
            schema = open_store().by_id(LSST_ID)
            real["lsst"].append(Packet(data, 5, len(data), schema, Origin(path.name, 0), "confluent", True))
    names = {"ztf": "ZTF", "lsst": "LSST", "fink-ztf": "Fink, of ZTF", "fink-lsst": "Fink, of LSST"}
    for key, packets in real.items():
        origin = f"{len(packets)} real alerts"
        if not packets:
            if key.startswith("fink"):
                continue
            packets, origin = simulated(key, 3)
        elif sum(p.stop - p.start for p in packets) > MOST_BYTES:
            by_size = sorted(packets, key=lambda p: p.stop - p.start)
            packets = [by_size[0], by_size[len(by_size) // 2], by_size[-1]]
            origin = f"the smallest, the median and the largest of {origin}"
        received = [len(p.data) if p.whole else p.stop - p.start for p in packets]
        yield Content(
            key, names[key], "whole", origin, tuple(map(_message, packets)), sum(received) / len(received)
        )


def simulated_batch(count: int) -> Content:
    """Different ZTF alerts of one schema, as many as wanted: real ones are too few to fill a file with.

    Repeating a few real ones would let a compressor find the repetitions.
    """
    packets, _ = simulated("ztf", count, of=count)
    # By size they come; a file of one has the median alert, and any longer one a fair mixture.
    middle = packets.pop(len(packets) // 2)
    random.Random(1).shuffle(packets)
    messages = tuple(map(_message, [middle, *packets]))
    return Content("ztf-simulated", "ZTF", "whole", f"{count} simulated alerts", messages)


def variant(content: Content, part: str) -> Content | None:
    """The same alerts without cutouts, without history, or without either; None if that changes nothing."""
    if part == "whole":
        return content
    names = {"no cutouts": CUTOUTS, "no history": (*HISTORY, *FINK_HISTORY)}
    gone = names.get(part, (*CUTOUTS, *HISTORY, *FINK_HISTORY))
    messages = tuple(
        Message(m.schema, {k: None if k in gone else v for k, v in m.record.items()})
        for m in content.messages
    )
    if messages == content.messages:
        return None
    return Content(content.key, content.name, part, content.origin, messages)


def cut_history(message: Message, rows: int) -> Message:
    """The alert with at most so many rows in each of its light curves, the newest ones, and no cutouts."""
    record = {
        key: None if key in CUTOUTS else (value or [])[-rows:] if rows and key in HISTORY else value
        for key, value in message.record.items()
    }
    if not rows:
        record |= {key: None for key in HISTORY if key in record}
    return Message(message.schema, record)


def history_rows(message: Message) -> int:
    """Rows of all light curves of an alert together."""
    return sum(len(message.record.get(key) or ()) for key in HISTORY)


def sample(sizes: Sequence[int], limit_bytes: int) -> tuple[int, ...]:
    """Which messages are of middling size: as many as fit into the limit, and at least one."""
    order = sorted(range(len(sizes)), key=lambda n: sizes[n])
    middle = (len(order) - 1) / 2
    chosen: list[int] = []
    total = 0
    for position in sorted(range(len(order)), key=lambda n: (abs(n - middle), n)):
        index = order[position]
        if chosen and total + sizes[index] > limit_bytes:
            break
        chosen.append(index)
        total += sizes[index]
    return tuple(sorted(chosen))


def _message(packet: Packet) -> Message:
    plain = without_logical_types(packet.schema)
    if plain is packet.schema:
        return Message(plain, decode_packet(packet))
    return Message(plain, decode_datum(plain, packet.data, packet.start, packet.stop))


@lru_cache
def without_logical_types(schema: Schema) -> Schema:
    """The schema with times as the integers that are stored: MessagePack and JSON have no times."""

    def strip(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: strip(value) for key, value in part.items() if key != "logicalType"}
        return [strip(each) for each in part] if isinstance(part, list) else part

    stripped = strip(schema.json)
    return schema if stripped == schema.json else parse_schema(stripped)
