"""What becomes of items: real alerts translated, filtered, relayed, and refused one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import relayable, without_dates
from real_alerts import file_packets, lsst_packets

from bridge.alerts.packet import Document, Item, Origin, Packet, Refusal
from bridge.alerts.schema import parse_schema
from bridge.alerts.store import SchemaStore
from bridge.errors import ConfigError, ExpressionError, MappingError, SourceError
from bridge.mapping import TranslateOptions
from bridge.pipeline import Pipeline, Plan
from bridge.pipeline.voevents import packet_of, voevent_schema
from bridge.streams import open_source
from bridge.voevent.event import Event


@pytest.fixture
def ztf(shared_data: Path) -> list[Packet]:
    files = sorted((shared_data / "alerts").glob("ztf-*.avro"))
    return [packet for file in files for packet in file_packets(file)]


@pytest.fixture
def lsst(shared_data: Path, lsst_distribution: Path) -> list[Packet]:
    return lsst_packets(shared_data, lsst_distribution)


def document(data: bytes, kind: str = "voevent") -> Document:
    return Document(data, kind, Origin("/a.xml", 0))  # type: ignore[arg-type]


def test_every_real_alert_becomes_an_event(ztf: list[Packet], lsst: list[Packet]) -> None:
    pipeline = Pipeline(Plan())
    events = [pipeline(packet) for packet in [*ztf, *lsst]]
    assert all(isinstance(event, Event) for event in events)
    assert len({event.ivorn for event in events if isinstance(event, Event)}) == len(ztf) + len(lsst)


def test_a_later_event_cites_what_the_caller_knows_of_the_object(ztf: list[Packet]) -> None:
    pipeline = Pipeline(
        Plan(), previous=lambda key: f"ivo://earlier/{key}", date=lambda: "2026-01-01T00:00:00"
    )
    event = pipeline(ztf[0])
    assert isinstance(event, Event)
    assert f"ivo://earlier/{event.object_key}".encode() in event.xml
    assert b"<Date>2026-01-01T00:00:00</Date>" in event.xml


def test_a_filter_for_another_survey_costs_the_packets_of_that_survey_only(
    ztf: list[Packet], lsst: list[Packet]
) -> None:
    pipeline = Pipeline(Plan(where=("candidate.rb > 2", "candidate.magpsf > 0")))
    assert isinstance(pipeline(ztf[0]), Event)
    refusal = pipeline(lsst[0])
    assert isinstance(refusal, Refusal)
    assert "candidate" in refusal.reason
    assert refusal.data == lsst[0].data
    assert isinstance(pipeline(ztf[1]), Event)


def test_a_filter_that_fits_nothing_is_told_at_the_first_packet(ztf: list[Packet]) -> None:
    with pytest.raises(ExpressionError, match=r"candidate\.rb"):
        Pipeline(Plan(where=("candidate.rbb > 2",)))(ztf[0])


def test_where_the_plan_is_known_to_fit_an_odd_first_packet_is_refused(
    ztf: list[Packet], lsst: list[Packet]
) -> None:
    pipeline = Pipeline(Plan(where=("candidate.magpsf > 0",)), lenient=True)
    assert isinstance(pipeline(lsst[0]), Refusal)
    assert isinstance(pipeline(ztf[0]), Event)


def test_filters_of_a_file_and_of_the_command_line_are_alternatives(
    ztf: list[Packet], tmp_path: Path
) -> None:
    file = tmp_path / "filters.toml"
    file.write_text('[[filter]]\nname = "all"\nwhere = "candidate.magpsf > 0"\n')
    never = ("candidate.magpsf < 0",)
    assert Pipeline(Plan(where=never))(ztf[0]) is None
    assert isinstance(Pipeline(Plan(where=never, filters_file=file))(ztf[0]), Event)
    with pytest.raises(ConfigError, match="cannot be read"):
        Pipeline(Plan(filters_file=tmp_path))


def test_a_mapping_by_name_that_fits_no_packet_is_told_and_one_that_fits_some_costs_the_others(
    ztf: list[Packet], lsst: list[Packet]
) -> None:
    with pytest.raises(MappingError, match="Did you mean 'lsst'"):
        Pipeline(Plan(mapping="lssst"))
    with pytest.raises(MappingError):
        Pipeline(Plan(mapping="ztf"))(lsst[0])
    pipeline = Pipeline(Plan(mapping="ztf"))
    assert isinstance(pipeline(ztf[0]), Event)
    assert isinstance(pipeline(lsst[0]), Refusal)
    assert isinstance(pipeline(ztf[1]), Event)


def test_a_mapping_is_proven_even_if_the_filter_drops_everything(ztf: list[Packet]) -> None:
    pipeline = Pipeline(Plan(mapping="ztf", where=("candidate.magpsf < 0",)))
    assert not pipeline.proven
    assert pipeline(ztf[0]) is None
    assert pipeline.proven


def test_a_truncated_packet_is_refused_with_its_own_bytes(ztf: list[Packet]) -> None:
    whole = ztf[0]
    cut = Packet(whole.data[:500], 0, 500, whole.schema, whole.origin, "confluent", whole=True)
    refusal = Pipeline(Plan())(cut)
    assert isinstance(refusal, Refusal)
    assert refusal.data == whole.data[:500]


def test_a_refused_record_of_a_container_comes_back_as_a_container_of_its_own(
    shared_data: Path, tmp_path: Path
) -> None:
    items: list[Item] = [
        item
        for batch in open_source(shared_data / "alerts" / "fink-ztf-2019-11.avro", store=SchemaStore())
        for item in batch
    ]
    pipeline = Pipeline(Plan(where=("candidate.nothing > 1",)), lenient=True)
    refusal = pipeline(items[3])
    assert isinstance(refusal, Refusal)
    (tmp_path / "one.avro").write_bytes(refusal.data)
    (batch,) = open_source(tmp_path / "one.avro", store=SchemaStore())
    (again,) = batch
    assert isinstance(again, Packet)
    assert isinstance(items[3], Packet)
    assert again.datum == items[3].datum
    first, second = Pipeline(Plan())(items[3]), Pipeline(Plan())(again)
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert without_dates(first.xml) == without_dates(second.xml)


def test_voevents_pass_byte_for_byte(shared_data: Path) -> None:
    pipeline = Pipeline(Plan())
    archive = shared_data / "voevents" / "sample-2014-2016.tar.gz"
    items = [item for batch in open_source(archive, store=SchemaStore()) for item in batch]
    assert len(items) > 3000
    for item in items[::40]:
        event = pipeline(item)
        assert isinstance(event, Event)
        assert event.relayed
        assert event.xml == item.data


def test_strict_refuses_what_the_schema_refuses_and_nothing_else(shared_data: Path) -> None:
    archive = shared_data / "voevents" / "sample-2014-2016.tar.gz"
    items = [item for batch in open_source(archive, store=SchemaStore()) for item in batch][::10]
    strict = Pipeline(Plan(strict=True))
    outcomes = [strict(item) for item in items]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert 0 < len(refused) < len(items) / 10
    assert all("not a valid VOEvent 2.0 (line " in outcome.reason for outcome in refused)


def test_strict_says_how_a_packet_of_another_version_becomes_one_that_brokers_take(shared_data: Path) -> None:
    example = document((shared_data / "voevents" / "voevent-2.1-example-1.xml").read_bytes(), "voevent")
    datum = packet_of(example).datum
    avro = Packet(datum, 0, len(datum), voevent_schema(), example.origin, "bare", True)
    for item in (example, avro):
        refusal = Pipeline(Plan(strict=True))(item)
        assert isinstance(refusal, Refusal)
        assert "it is a VOEvent 2.1; convert --to-version 2.0 makes one" in refusal.reason
        assert refusal.data == item.data, "as it came"


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"<html><body/></html>", "voevent", "no VOEvent"),
        (b"<voe:VOEvent", "voevent", "not well-formed"),
        (b"<VOEvent/>", "voevent", "no ivorn"),
        (b'{"alert": 1}', "json", "no position by any name that mapping 'generic-json' knows"),
    ],
)
def test_documents_that_are_no_voevents_are_refused_in_words(data: bytes, kind: str, reason: str) -> None:
    refusal = Pipeline(Plan())(document(data, kind))
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason
    assert refusal.data == data


def test_an_entity_bomb_costs_nothing() -> None:
    bomb = (
        b'<!DOCTYPE d [<!ENTITY a "'
        + b"a" * 100
        + b'">'
        + b"".join(
            b'<!ENTITY b%d "%s">' % (n, b"&b%d;" % (n - 1) * 50 if n else b"&a;" * 50) for n in range(9)
        )
        + b"]>"
        + relayable(1, "&b8;").partition(b"\n")[2]
    )
    outcome = Pipeline(Plan())(document(bomb))
    assert isinstance(outcome, (Event, Refusal))


def test_a_folder_for_cutouts_that_cannot_be_made_is_an_error_of_the_run(
    ztf: list[Packet], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    plan = Plan(options=TranslateOptions(cutouts=tmp_path / "file" / "below"))
    with pytest.raises(SourceError, match="Cutouts cannot be written"):
        Pipeline(plan)(ztf[0])


def test_an_alert_of_no_known_survey_becomes_an_event_or_a_sentence() -> None:
    schema = parse_schema({"type": "record", "name": "odd", "fields": [{"name": "i", "type": "long"}]})
    outcome = Pipeline(Plan())(Packet(b"\x02", 0, 1, schema, Origin("/odd.bin", 0), "bare", whole=True))
    assert isinstance(outcome, Refusal)
    assert "\n" not in outcome.reason
