"""Every field of every real alert, read by the lens and by fastavro."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_alerts import all_packets, decoded, file_packets, load_lsst_schema, lsst_packets
from same import same

from bridge.alerts.column import Column
from bridge.alerts.fields import follow, list_fields
from bridge.alerts.lens import Lens, compile_lens, datum_end
from bridge.alerts.lens.runtime import Mismatch
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import PacketError, SchemaError


@pytest.fixture(scope="module")
def packets(shared_data: Path, lsst_distribution: Path) -> list[Packet]:
    found = all_packets(shared_data, lsst_distribution)
    assert len(found) == 28
    return found


@pytest.fixture
def no_fastavro(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where the lens gives up and asks fastavro."""

    def refuse(*_: Any) -> None:
        pytest.fail("the lens fell back to fastavro")

    monkeypatch.setattr(Lens, "_decode", refuse)


def all_paths(schema: Schema) -> tuple[str, ...]:
    arrays = (
        name for name, (node, _) in schema.root.fields.items() if node.without_null()[0].kind == "array"
    )
    leaves = (field.path for field in list_fields(schema))
    return (*leaves, *schema.root.fields, *(f"len({name})" for name in arrays))


@pytest.mark.parametrize("to_end", [False, True])
@pytest.mark.no_cover
def test_every_field_at_once(packets: list[Packet], no_fastavro: None, to_end: bool) -> None:
    compared = 0
    for packet in packets:
        lens = compile_lens(packet.schema, all_paths(packet.schema), to_end)
        record = decoded(packet)
        for field, value in zip(lens.fields, lens.read(packet), strict=True):
            assert same(follow(record, field), value), (packet.origin, field)
            compared += 1
    assert compared > 28 * 180


@pytest.mark.no_cover
def test_fields_alone(packets: list[Packet], no_fastavro: None) -> None:
    for packet in {packet.schema: packet for packet in packets}.values():
        record = decoded(packet)
        for path in all_paths(packet.schema)[::8]:
            lens = Lens(packet.schema, [path])
            assert same(follow(record, lens.fields[0]), lens.read(packet)[0]), path


@pytest.mark.no_cover
def test_habits_learned_from_one_alert_do_not_change_what_another_says(packets: list[Packet]) -> None:
    """The lens learns from the first light curve it meets; whichever that is, all others read the same."""
    lsst = packets[:7]
    paths = all_paths(lsst[0].schema)
    wanted = [Lens(packet.schema, paths).read(packet) for packet in lsst]
    for first in lsst:
        lens = Lens(first.schema, paths)
        lens.read(first)
        for packet, values in zip(lsst, wanted, strict=True):
            assert all(map(same, values, lens.read(packet)))


def test_ends_are_found_among_following_records(packets: list[Packet]) -> None:
    for packet in packets:
        two = packet.datum * 2
        assert datum_end(packet.schema, two, 0, len(two)) == len(packet.datum)


def test_columns_are_numpy_arrays_of_the_writers_type(shared_data: Path) -> None:
    (packet,) = file_packets(shared_data / "alerts" / "ztf-ZTF19acihgng.avro")
    lens = Lens(packet.schema, ["prv_candidates.jd", "prv_candidates.magpsf", "prv_candidates.candid"])
    jd, magpsf, candid = lens.read(packet)
    assert [column.values.dtype for column in (jd, magpsf, candid)] == [np.float64, np.float32, np.int64]
    assert jd.valid is None
    assert isinstance(magpsf, Column)
    assert magpsf.valid is not None
    assert (magpsf.valid == candid.valid).all(), "an upper limit has neither magnitude nor candid"


def test_another_versions_packet_is_refused_when_read_to_its_end(
    shared_data: Path, lsst_distribution: Path
) -> None:
    wrong = load_lsst_schema(lsst_distribution, 11, 1)
    for packet in lsst_packets(shared_data, lsst_distribution):
        with pytest.raises(PacketError):
            Lens(wrong, ["diaSource.ra"], to_end=True)(packet.data, packet.start, packet.stop)


def test_truncated_at_fifty_places(shared_data: Path, lsst_distribution: Path) -> None:
    packet = lsst_packets(shared_data, lsst_distribution)[0]
    lens = Lens(
        packet.schema, ["diaSource.ra", "prvDiaSources.psfFlux", "diaObject.nDiaSources"], to_end=True
    )
    size = packet.stop - packet.start
    for stop in range(packet.start, packet.stop, size // 50):
        with pytest.raises(PacketError, match=r"too early|does not decode"):
            lens(packet.data, packet.start, stop)


def test_a_traceback_shows_the_generated_lines(shared_data: Path) -> None:
    (packet,) = file_packets(shared_data / "alerts" / "ztf-ZTF19acihgng.avro")
    lens = Lens(packet.schema, ["candidate.ra"])
    with pytest.raises(Mismatch) as caught:
        lens._program(packet.data, 0, 10)
    assert "raise Mismatch" in "".join(traceback.format_exception(caught.value))
    assert any(name.startswith("<lens of ztf.alert") for name in linecache.cache)


def test_an_unknown_field_is_answered_with_the_nearest(packets: list[Packet]) -> None:
    ztf = next(packet.schema for packet in packets if packet.schema.name == "ztf.alert")
    with pytest.raises(SchemaError, match=r"'candidate\.magpsf'"):
        Lens(ztf, ["candidate.magpfs"])
    with pytest.raises(SchemaError, match=r"Did you mean 'candidate\.rb'"):
        Lens(ztf, ["rb"])
    with pytest.raises(SchemaError, match="not an array"):
        Lens(ztf, ["len(candid)"])
    with pytest.raises(SchemaError, match="has no fields"):
        Lens(ztf, ["candid.jd"])
