"""Real alerts as packets beside fastavro's own decode of the same bytes: the judge of every translation."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
import pytest

from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema, parse_schema


@dataclass(frozen=True)
class Alert:
    """One alert: the packet, and what fastavro makes of it."""

    packet: Packet
    record: dict[str, Any]


def alert_of(schema: Schema, record: dict[str, Any], name: str = "made") -> Alert:
    """A record as a packet of its schema, and back through fastavro (float32 is rounded on the way)."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema.parsed, record)
    datum = buffer.getvalue()
    return Alert(Packet(datum, 0, len(datum), schema, Origin(name, 0)), decode(schema, datum))


def decode(schema: Schema, datum: bytes) -> dict[str, Any]:
    """What fastavro makes of a datum."""
    return fastavro.schemaless_reader(io.BytesIO(datum), schema.parsed)


def read_ocf(path: Path) -> list[Alert]:
    """Alerts of an OCF file, datum by datum."""
    data = path.read_bytes()
    reader = fastavro.reader(io.BytesIO(data))
    schema = parse_schema(reader.metadata["avro.schema"])
    return [alert_of(schema, record, path.name) for record in reader]


def lsst_schema(folder: Path, major: int, minor: int) -> Schema:
    """One version of the survey's schema, from its own distribution."""
    path = folder / str(major) / str(minor) / f"lsst.v{major}_{minor}.alert.avsc"
    return parse_schema(fastavro.schema.load_schema(str(path)))


@pytest.fixture(scope="session")
def ztf_alerts(shared_data: Path) -> list[Alert]:
    return [alert for path in sorted((shared_data / "alerts").glob("ztf-*.avro")) for alert in read_ocf(path)]


@pytest.fixture(scope="session")
def fink_ztf_alerts(shared_data: Path) -> list[Alert]:
    return read_ocf(shared_data / "alerts" / "fink-ztf-2019-11.avro")


@pytest.fixture(scope="session")
def fink_lsst_alerts(shared_data: Path) -> list[Alert]:
    return read_ocf(shared_data / "alerts" / "fink-lsst-2026-03.avro")


@pytest.fixture(scope="session")
def lsst_alerts(shared_data: Path, lsst_distribution: Path) -> list[Alert]:
    schema = lsst_schema(lsst_distribution, 10, 0)
    alerts = []
    for path in sorted((shared_data / "alerts" / "lsst-v10.0-framed").glob("*.bin")):
        data = path.read_bytes()
        packet = Packet(data, 5, len(data), schema, Origin(path.name, 0), "confluent", whole=True)
        alerts.append(Alert(packet, decode(schema, data[5:])))
    return alerts


@pytest.fixture(scope="session")
def real_alerts(
    ztf_alerts: list[Alert],
    fink_ztf_alerts: list[Alert],
    fink_lsst_alerts: list[Alert],
    lsst_alerts: list[Alert],
) -> list[Alert]:
    return [*ztf_alerts, *fink_ztf_alerts, *fink_lsst_alerts, *lsst_alerts]


@pytest.fixture(scope="session", name="make_alert")
def make_alert_fixture() -> Callable[..., Alert]:
    return alert_of


@pytest.fixture(scope="session", name="judge")
def judge_fixture() -> Callable[..., tuple[int, int]]:
    """The judge, as a function."""
    spec = importlib.util.spec_from_file_location("mapping_judge", Path(__file__).with_name("judge.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    judge: Callable[..., tuple[int, int]] = module.judge
    return judge


@pytest.fixture(scope="session")
def lsst_version() -> Callable[[Path, int, int], Schema]:
    return lsst_schema
