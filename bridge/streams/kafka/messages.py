"""From one Kafka message to items: what the alert services put into value, key and headers.

Fink sends bare datums with the writer schema as the message's key. GCN's heartbeat and messages without a
value (tombstones of compacted topics) carry nothing to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.alerts.framing import MESSAGE_LIMIT, items_from_message
from bridge.alerts.packet import Envelope, Item, Origin, Refusal
from bridge.alerts.recorded_member import schema_in_key
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.errors import SchemaError

__all__ = ["items_of", "origin_of"]

TIMESTAMP_NOT_AVAILABLE = 0


def origin_of(message: Any, partition: str) -> Origin:
    """Where a message came from, with what came beside its value.

    Parameters
    ----------
    message
        Of confluent-kafka.
    partition
        Name of its partition, as positions have it.
    """
    kind, time_ms = message.timestamp()
    headers = tuple((name, _bytes(value)) for name, value in message.headers() or ())
    envelope = Envelope(_bytes(message.key()), headers, None if kind == TIMESTAMP_NOT_AVAILABLE else time_ms)
    return Origin(partition, message.offset(), envelope=envelope)


def items_of(
    value: bytes | None, origin: Origin, store: SchemaStore, default_schema: Schema | None
) -> Iterator[Item]:
    """What a message holds; nothing for a message without a value.

    All items of one message have its offset.

    Parameters
    ----------
    value
        The message.
    origin
        Where it came from; its key may be the writer schema.
    store
        Where schemas are looked up by id.
    default_schema
        Writer schema of bare messages whose key says none.
    """
    if value is None:
        return iter(())
    if len(value) > MESSAGE_LIMIT:
        limit = MESSAGE_LIMIT >> 20
        return iter((Refusal(origin, f"The message is larger than {limit} MB.", value[:1024]),))
    key = origin.envelope.key if origin.envelope is not None else None
    try:
        schema = schema_in_key(key) or default_schema
    except SchemaError as error:
        return iter((Refusal(origin, str(error), value),))
    items = items_from_message(value, origin, store, schema, step=0)
    # A dead letter is the message, not the part of it in which the reader stumbled.
    return (Refusal(origin, i.reason, value) if isinstance(i, Refusal) else i for i in items)


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
