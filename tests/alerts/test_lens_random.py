"""The lens is right if and only if it agrees with fastavro: on every schema, value and layout of blocks."""

from __future__ import annotations

import io

import fastavro
import pytest
from avro_strategies import Case, cases, name_types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same import same

from bridge.alerts.fields import follow, list_fields, resolve
from bridge.alerts.lens import Lens, datum_end
from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import PacketError

NULLS = {"type": "array", "items": "null"}

relaxed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def paths_of(schema: Schema) -> list[str]:
    """Every path there is: leaves, whole top-level fields, lengths of arrays."""
    paths = [field.path for field in list_fields(schema)] + list(schema.root.fields)
    for name, (node, _) in schema.root.fields.items():
        if node.without_null()[0].kind == "array":
            paths.append(f"len({name})")
    return paths


def decode(case: Case) -> dict[str, object]:
    stream = io.BytesIO(case.datum)
    record = fastavro.schemaless_reader(stream, case.schema.parsed)
    assert stream.tell() == len(case.datum)
    assert isinstance(record, dict)
    return record


@given(cases(), st.data())
@relaxed
def test_every_field_of_every_datum_is_what_fastavro_decodes(case: Case, data: st.DataObject) -> None:
    record = decode(case)
    paths = paths_of(case.schema)
    wanted = data.draw(st.one_of(st.just(paths), st.lists(st.sampled_from(paths), min_size=1, max_size=4)))
    before = data.draw(st.binary(max_size=5))
    framed = before + case.datum + b"\x02\x02\x02"
    for to_end in (False, True):
        lens = Lens(case.schema, wanted, to_end=to_end)
        values = lens(framed, len(before), len(before) + len(case.datum))
        for field, value in zip(lens.fields, values, strict=True):
            assert same(follow(record, field), value), field


@given(cases())
@relaxed
def test_the_end_of_a_datum_is_found_whatever_follows(case: Case) -> None:
    framed = b"\x01\x02\x03" + case.datum + b"\x00\x02\x04\x80"
    assert datum_end(case.schema, framed, 3, len(framed)) == 3 + len(case.datum)


@given(cases(), st.data())
@relaxed
def test_a_truncated_datum_is_refused_or_its_sound_part_is_right(case: Case, data: st.DataObject) -> None:
    if not case.datum:
        return
    stop = data.draw(st.integers(0, len(case.datum) - 1))
    paths = data.draw(st.lists(st.sampled_from(paths_of(case.schema)), max_size=4))
    with pytest.raises(PacketError):
        Lens(case.schema, paths, to_end=True)(case.datum, 0, stop)
    with pytest.raises(PacketError):
        datum_end(case.schema, case.datum, 0, stop)
    lens = Lens(case.schema, paths)
    try:
        values = lens(case.datum, 0, stop)
    except PacketError:
        return
    record = decode(case)
    for field, value in zip(lens.fields, values, strict=True):
        assert same(follow(record, field), value), field


@given(cases(), st.data())
@relaxed
def test_whatever_fastavro_reads_from_damaged_bytes_the_lens_reads_too(
    case: Case, data: st.DataObject
) -> None:
    if not case.datum:
        return
    damaged = bytearray(case.datum)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    lens = Lens(case.schema, [field.path for field in list_fields(case.schema)], to_end=True)
    stream = io.BytesIO(damaged)
    try:
        record = fastavro.schemaless_reader(stream, case.schema.parsed)
        sound = stream.tell() == len(damaged)
    except Exception:
        sound = False
    try:
        values = lens(bytes(damaged))
    except PacketError:
        assert not sound
        return
    if sound:
        for field, value in zip(lens.fields, values, strict=True):
            assert same(follow(record, field), value), field


@given(cases())
@relaxed
def test_a_byte_too_many_is_refused(case: Case) -> None:
    with pytest.raises(PacketError, match="left over"):
        Lens(case.schema, [], to_end=True)(case.datum + b"\0")


def test_unknown_names_are_answered_with_the_nearest() -> None:
    schema = Schema('{"type": "record", "name": "a", "fields": [{"name": "magpsf", "type": "float"}]}')
    with pytest.raises(Exception, match="'magpsf'"):
        resolve(schema, "magpfs")


def test_elements_without_bytes_cannot_fill_the_memory() -> None:
    """Ten bytes may claim 2**59 nulls; fastavro would make them all."""
    schema = parse_schema(name_types({"type": "record", "fields": [{"name": "n", "type": NULLS}]}))
    claim = b"\x80" * 8 + b"\x10\x00"
    for paths in ([], ["n"], ["len(n)"]):
        with pytest.raises(PacketError, match="take no bytes"):
            Lens(schema, paths)(claim)
    with pytest.raises(PacketError, match="take no bytes"):
        datum_end(schema, claim, 0, len(claim))
