"""Takes packets out of topics for a person: shows every Nth, keeps packets, saves stamps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from bridge.alerts.decode import decode_packet
from bridge.alerts.packet import Document, Item, Packet, Refusal
from bridge.errors import PacketError
from bridge.streams.naming import file_bytes, file_name
from bridge.streams.outlets import FolderOutlet

__all__ = ["Consumed", "consume", "document_of", "stamps_of", "summary_of"]

GZIP = b"\x1f\x8b"
IDS = ("diaSourceId", "candid", "alertId")
DETECTIONS = ("diaSource", "candidate")


@dataclass(slots=True)
class Consumed:
    """How many messages were read, of how many bytes, and how many of them refused."""

    read: int = 0
    bytes: int = 0
    refused: int = 0


def consume(
    batches: Iterable[Sequence[Item]],
    *,
    show: Callable[[Item, Any], None],
    refuse: Callable[[Refusal], None],
    keep: FolderOutlet | None = None,
    stamps: FolderOutlet | None = None,
    every: int = 1,
    decode: bool = True,
    count: int | None = None,
    progress: Callable[[Consumed], None] = lambda _: None,
) -> Consumed:
    """Go through a source.

    Parameters
    ----------
    batches
        What the source gives.
    show
        Called with every Nth item and, for an alert, its decoded record (None without `decode`).
    refuse
        Called with what cannot be read; without `decode` nothing is refused.
    keep
        Where all packets are kept, byte for byte.
    stamps
        Where the cutout images of the shown alerts are kept.
    every
        N.
    decode
        Read alerts; otherwise messages are only bytes.
    count
        End after so many messages.
    progress
        Called after each batch.
    """
    done = Consumed()
    for batch in batches:
        for item in batch:
            done.read += 1
            done.bytes += _size(item)
            if isinstance(item, Refusal) and decode:
                done.refused += 1
                refuse(item)
            else:
                if keep is not None:
                    keep.put(*_file(item, decode))
                if (done.read - 1) % every == 0:
                    try:
                        record = decode_packet(item) if decode and isinstance(item, Packet) else None
                    except PacketError as error:
                        done.refused += 1
                        refuse(Refusal(item.origin, str(error), item.data))
                    else:
                        show(item, record)
                        if stamps is not None and record is not None:
                            for name, content in stamps_of(record):
                                stamps.put(name, content)
            if done.read == count:
                return done
        progress(done)
    return done


def stamps_of(record: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """File names and contents of an alert's cutouts, as they are (FITS, or gzipped FITS).

    Surveys write a cutout as plain bytes (LSST), or as a record with the bytes in it (ZTF, Fink, WINTER).
    """
    identity = _identity(record)
    for name, value in record.items():
        data = value.get("stampData") if isinstance(value, dict) else value
        if name.lower().startswith("cutout") and isinstance(data, bytes) and data:
            yield f"{identity}-{name}.fits{'.gz' if data.startswith(GZIP) else ''}", data


def summary_of(item: Item, record: Mapping[str, Any] | None) -> str:
    """One line about an item: where it came from, how large it is, and what it is about."""
    origin = item.origin
    place = f"{'/'.join(PurePath(origin.partition).parts[-2:])}#{origin.offset}"
    words = [place, f"{_size(item) / 1000:.1f} kB"]
    if isinstance(item, Document):
        words.append(item.kind)
    if isinstance(item, Packet):
        words.append(item.schema.name)
    if record is not None:
        words.append(_identity(record))
        detection: dict[str, Any] = next(
            (record[n] for n in DETECTIONS if isinstance(record.get(n), dict)), {}
        )
        if isinstance(detection.get("ra"), float) and isinstance(detection.get("dec"), float):
            words.append(f"ra {detection['ra']:.5f} dec {detection['dec']:+.5f} deg")
    return "  ".join(words)


def document_of(item: Item, record: Any) -> dict[str, Any]:
    """An item as a JSON object; an alert's images and other bytes are given by their length."""
    origin = item.origin
    topic, number = PurePath(origin.partition).parts[-2:]
    envelope = origin.envelope
    return {
        "topic": topic,
        "partition": int(number),
        "offset": origin.offset,
        "timestamp_ms": envelope.timestamp_ms if envelope is not None else None,
        "bytes": _size(item),
        "schema": item.schema.name if isinstance(item, Packet) else None,
        "alert": _plain(record),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    # NaN is not JSON; dates, decimals and the like are read best as text.
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int | str) else str(value)


def _identity(record: Mapping[str, Any]) -> str:
    return next((str(record[name]) for name in IDS if record.get(name) is not None), "alert")


def _size(item: Item) -> int:
    if isinstance(item, Packet) and not item.whole:
        return item.stop - item.start
    return len(item.data)


def _file(item: Item, decode: bool) -> tuple[str, bytes]:
    if decode and isinstance(item, Packet):
        return file_name(item), file_bytes(item)
    ending = {"voevent": "xml", "json": "json"}[item.kind] if isinstance(item, Document) else "bin"
    stem = "-".join(PurePath(item.origin.partition).parts[-2:])
    return f"{stem}-{item.origin.offset}.{ending}", item.data
