"""A hundred filters as brokers have them: each a small piece of the sky, and a cut in one more field."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import fastavro

from benchmarks.filters import by_hand
from benchmarks.stream_variants import FIELD_RA_DEG
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema

__all__ = ["Condition", "filter_file", "kept_by_hand", "make_conditions"]

Condition = tuple[str, str, float]
"""Field, ``>=`` or ``<``, limit."""

WIDTH_DEG = 0.006
"""How much of the simulated field, in right ascension, a filter looks at."""

CUTS = {
    "diaSource.snr": (60.0, 90.0),
    "diaSource.reliability": (0.9, 0.98),
    "diaSource.psfFlux": (6e3, 2e4),
}


def make_conditions(count: int, seed: int) -> list[list[Condition]]:
    """So many filters of three conditions each."""
    draw = random.Random(seed)
    made: list[list[Condition]] = []
    for _ in range(count):
        west = round(draw.uniform(*FIELD_RA_DEG), 4)
        path = draw.choice(sorted(CUTS))
        cut = (path, ">=", round(draw.uniform(*CUTS[path]), 4))
        made.append([("diaSource.ra", ">=", west), ("diaSource.ra", "<", round(west + WIDTH_DEG, 4)), cut])
    return made


def filter_file(made: Iterable[Sequence[Condition]]) -> str:
    """The filters as ``--filters`` takes them."""
    tables = []
    for number, parts in enumerate(made):
        where = " AND ".join(f"{path} {operator} {limit}" for path, operator, limit in parts)
        tables.append(f'[[filter]]\nname = "filter-{number}"\nwhere = "{where}"\n')
    return "\n".join(tables)


def kept_by_hand(packets: Iterable[Packet], made: Iterable[list[Condition]]) -> Iterator[int]:
    """Identifiers of the alerts that the same conditions keep as Python on what fastavro decodes."""
    accepts = [by_hand(parts) for parts in made]
    head: Any = None
    for packet in packets:
        head = head or _head_schema(packet.schema)
        alert: Any = fastavro.schemaless_reader(io.BytesIO(packet.data[packet.start : packet.stop]), head)
        if any(accept(alert) for accept in accepts):
            yield alert["diaSourceId"]


def _head_schema(schema: Schema) -> Any:
    """The schema's first fields, up to the source: what lies behind is not decoded."""
    fields = schema.json["fields"]
    names = [one["name"] for one in fields]
    return fastavro.parse_schema(schema.json | {"fields": fields[: names.index("diaSource") + 1]})
