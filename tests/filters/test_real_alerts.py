"""Filters over the real alerts pick the alerts that DuckDB picks, and read light curves as fastavro does."""

from __future__ import annotations

import io
import math
import random
import statistics
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import pytest

from bridge.alerts.fields import list_fields
from bridge.alerts.framing import items_from_message
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema
from bridge.alerts.store import open_store
from bridge.filters import Filter, FilterSet

SQL_TYPES = {"boolean": "BOOLEAN", "int": "BIGINT", "long": "BIGINT", "float": "DOUBLE", "double": "DOUBLE"}


def read_packets(path: Path) -> list[Packet]:
    items = items_from_message(path.read_bytes(), Origin(path.name, 0), open_store())
    return [item for item in items if isinstance(item, Packet)]


@pytest.fixture(scope="session")
def groups(shared_data: Path, lsst_distribution: Path) -> list[list[Packet]]:
    """Real alerts, those of one schema together."""
    files = [
        *sorted((shared_data / "alerts").glob("*.avro")),
        *sorted((shared_data / "alerts").glob("*/*.bin")),
    ]
    by_schema: dict[Schema, list[Packet]] = {}
    for path in files:
        for packet in read_packets(path):
            by_schema.setdefault(packet.schema, []).append(packet)
    assert sum(map(len, by_schema.values())) == 28
    return list(by_schema.values())


def decode(packet: Packet) -> dict[str, Any]:
    datum = io.BytesIO(packet.data[packet.start : packet.stop])
    return fastavro.schemaless_reader(datum, packet.schema.parsed)


def missing_as_none(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def load(packets: list[Packet]) -> tuple[duckdb.DuckDBPyConnection, dict[str, list[Any]]]:
    """A table of the detection's scalars, and their values by path."""
    record = "candidate" if "candidate" in decode(packets[0]) else "diaSource"
    fields = [
        field
        for field in list_fields(packets[0].schema)
        if field.names[0] == record
        and len(field.names) == 2
        and field.kind == "scalar"
        and field.type != "bytes"
    ]
    alerts = [decode(packet)[record] for packet in packets]
    values = {field.path: [missing_as_none(alert[field.names[1]]) for alert in alerts] for field in fields}
    connection = duckdb.connect()
    columns = ", ".join(f'"{field.names[1]}" {SQL_TYPES.get(field.type, "VARCHAR")}' for field in fields)
    connection.execute(f"CREATE TABLE {record} ({columns}, row_number INTEGER)")
    marks = ", ".join("?" * (len(fields) + 1))
    for number in range(len(packets)):
        row = [column[number] for column in values.values()]
        connection.execute(f"INSERT INTO {record} VALUES ({marks})", [*row, number])
    return connection, values


def random_condition(draw: random.Random, values: dict[str, list[Any]]) -> str:
    path = draw.choice(list(values))
    known = [value for value in values[path] if value is not None and value not in (math.inf, -math.inf)]
    column = f'{path.split(".")[0]}."{path.split(".")[1]}"'
    if not known or draw.random() < 0.1:
        return f"{column} IS {draw.choice(['', 'NOT '])}NULL"
    limit = draw.choice(known)
    if isinstance(limit, bool):
        return f"{column} IS {draw.choice(['', 'NOT '])}TRUE"
    if isinstance(limit, str):
        escaped = limit.replace("'", "''")
        return draw.choice(
            [f"{column} = '{escaped}'", f"{column} <> '{escaped}'", f"{column} LIKE '{escaped[:2]}%'"]
        )
    shown = f"{limit:.17e}" if isinstance(limit, float) else limit
    shown = f"CAST({shown} AS DOUBLE)" if isinstance(limit, float) else shown
    return f"{column} {draw.choice(['=', '<>', '<', '<=', '>', '>='])} {shown}"


@pytest.mark.no_cover
def test_random_conditions_pick_what_duckdb_picks(groups: list[list[Packet]]) -> None:
    draw = random.Random(20260401)
    for packets in groups:
        connection, values = load(packets)
        record = next(iter(values)).split(".")[0]
        texts = []
        for _ in range(60):
            a, b, c = (random_condition(draw, values) for _ in range(3))
            texts.append(
                draw.choice(
                    [f"{a} AND {b} AND {c}", f"NOT ({a} AND {b}) OR {c}", f"{a} AND NOT ({b} OR {c})"]
                )
            )
        select = FilterSet([Filter(text) for text in texts]).compile(packets[0].schema)
        found = [select.read(packet) for packet in packets]
        for index, text in enumerate(texts):
            rows = connection.execute(f"SELECT row_number FROM {record} WHERE {text} ORDER BY 1").fetchall()
            assert [n for n, passed in enumerate(found) if index in passed] == [n for (n,) in rows], text


def test_published_cut_picks_the_reliable_detections(groups: list[list[Packet]]) -> None:
    text = (
        "candidate.rb >= 0.65 AND candidate.magpsf < 18.5 "
        "AND (candidate.distnr > 1 OR candidate.distnr IS NULL)"
    )
    seen = 0
    for packets in groups:
        if "candidate" not in decode(packets[0]):
            continue
        predicate = Filter(text).compile(packets[0].schema)
        for packet in packets:
            candidate = decode(packet)["candidate"]
            rb, distnr = candidate["rb"], candidate["distnr"]
            by_hand = (
                rb is not None
                and rb >= 0.65
                and candidate["magpsf"] < 18.5
                and (distnr is None or distnr > 1)
            )
            assert predicate.read(packet) is by_hand
            seen += 1
    assert seen == 14


@pytest.mark.no_cover
def test_light_curve_aggregates_are_those_of_the_decoded_records(groups: list[list[Packet]]) -> None:
    for packets in groups:
        array, name = (
            ("prv_candidates", "magpsf")
            if "candidate" in decode(packets[0])
            else ("prvDiaSources", "psfFlux")
        )
        for packet in packets:
            records = decode(packet)[array]
            values = [v for v in (missing_as_none(record[name]) for record in records or []) if v is not None]
            column = f"{array}.{name}"
            expected = {
                "count": len(values),
                "min": None,
                "max": None,
                "first": None,
                "last": None,
                "avg": None,
            }
            if values:
                expected |= {"min": min(values), "max": max(values), "first": values[0], "last": values[-1]}
                expected |= {"avg": statistics.fmean(values), "median": statistics.median(values)}
            if len(values) > 1:
                expected["stddev"] = statistics.stdev(values)
            for function, value in expected.items():
                text = f"{function}({column}) IS NULL"
                if value is not None:
                    text = f"abs({function}({column}) - {value!r}) <= 1e-12 * abs({value!r})"
                assert Filter(text).compile(packet.schema).read(packet), text
            length = "IS NULL" if records is None else f"= {len(records)}"
            assert Filter(f"length({array}) {length}").compile(packet.schema).read(packet)


def test_cone_around_an_alert_finds_it_and_the_far_side_does_not(groups: list[list[Packet]]) -> None:
    for packets in groups:
        for packet in packets:
            alert = decode(packet)
            record = "candidate" if "candidate" in alert else "diaSource"
            ra, dec = alert[record]["ra"], alert[record]["dec"]
            near = f"cone({record}.ra, {record}.dec, {ra!r}, {dec + 1e-4!r}, 0.00011)"
            far = f"cone({record}.ra, {record}.dec, {(ra + 180) % 360!r}, {-dec!r}, 179)"
            select = FilterSet([Filter(near), Filter(far), Filter(f"NOT {far}")]).compile(packet.schema)
            assert select.read(packet) == [0, 2]
