"""Decoding simulated alerts with fastavro, the reference for every test of the simulator."""

from __future__ import annotations

import io
from typing import Any

import fastavro

from bridge.simulate import SimulatedAlert


def decode(alert: SimulatedAlert) -> dict[str, Any]:
    """The whole record; every byte of the message must be accounted for."""
    packet = alert.packet
    if packet.framing == "ocf":
        records = list(fastavro.reader(io.BytesIO(alert.data)))
        assert len(records) == 1
        record: dict[str, Any] = records[0]
        assert record == fastavro.schemaless_reader(io.BytesIO(packet.datum), packet.schema.parsed, None)
        return record
    stream = io.BytesIO(packet.datum)
    record = fastavro.schemaless_reader(stream, packet.schema.parsed, None)
    assert stream.tell() == len(packet.datum)
    return record


def encode(alert: SimulatedAlert, record: dict[str, Any]) -> bytes:
    """The record encoded by fastavro with the alert's schema."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, alert.packet.schema.parsed, record)
    return stream.getvalue()
