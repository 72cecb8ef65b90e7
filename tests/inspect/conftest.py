"""Real alerts as packets, and reports on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.alerts.archive import read_path
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import parse_schema
from bridge.alerts.store import SchemaStore, open_store
from bridge.inspect.alert import report_alert
from bridge.inspect.report import Report


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> SchemaStore:
    return open_store(environ={"XDG_DATA_HOME": str(tmp_path_factory.mktemp("home"))})


@pytest.fixture(scope="session")
def packets(store: SchemaStore) -> Callable[[Path], list[Packet]]:
    def read(path: Path) -> list[Packet]:
        return [item for item in read_path(path, store) if isinstance(item, Packet)]

    return read


@pytest.fixture(scope="session")
def supernova(shared_data: Path, packets: Callable[[Path], list[Packet]]) -> Report:
    """A ZTF alert with 32 earlier detections in two bands and two limits, rising, then fading."""
    return report_alert(packets(shared_data / "alerts" / "ztf-ZTF19acihgng.avro")[0])


@pytest.fixture(scope="session")
def fading_star(shared_data: Path, packets: Callable[[Path], list[Packet]]) -> Report:
    """A ZTF alert that is fainter than the reference image."""
    return report_alert(packets(shared_data / "alerts" / "ztf-739260766315010006.avro")[0])


@pytest.fixture(scope="session")
def fink_lsst(shared_data: Path, packets: Callable[[Path], list[Packet]]) -> list[Report]:
    found = packets(shared_data / "alerts" / "fink-lsst-2026-03.avro")
    return [report_alert(packet, index=i, count=len(found)) for i, packet in enumerate(found)]


@pytest.fixture(scope="session")
def encode() -> Callable[..., Packet]:
    """Makes a packet of a record and a schema of ours."""
    import io

    import fastavro

    def make(schema: dict[str, Any], record: dict[str, Any]) -> Packet:
        parsed = parse_schema(schema)
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, parsed.parsed, record)
        data = stream.getvalue()
        return Packet(data, 0, len(data), parsed, Origin("made.avro", 0))

    return make


@pytest.fixture(scope="session")
def fact() -> Callable[[Report, str, str], Any]:
    """Looks a fact up by section and key."""

    def look(report: Report, section: str, key: str) -> Any:
        for part in report.sections:
            if part.key == section:
                for found in part.facts:
                    if found.key == key:
                        return found
        raise KeyError((section, key))

    return look
