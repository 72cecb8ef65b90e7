"""A registry's answers, good and bad, from a real HTTP server that speaks Confluent's REST protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from registry_stand_in import StandIn

from bridge.alerts.framing import items_from_message
from bridge.alerts.packet import Origin, Packet, Refusal
from bridge.alerts.patience import Patience
from bridge.alerts.registry import Registry
from bridge.alerts.schema import parse_schema
from bridge.alerts.store import SchemaStore, open_store
from bridge.errors import SchemaError, UsageError

SCHEMA = {"type": "record", "name": "r", "fields": [{"name": "i", "type": "long"}]}
PART = {"type": "record", "name": "n.part", "fields": [{"name": "i", "type": "long"}]}
WHOLE = {"type": "record", "name": "n.whole", "fields": [{"name": "p", "type": "n.part"}]}


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def naps() -> list[float]:
    return []


def registry(server: StandIn, naps: list[float]) -> Registry:
    return Registry(server.url, timeout_s=5, sleep=naps.append)


def test_a_packet_in_wire_format_gets_its_schema_from_the_registry(server: StandIn, tmp_path: Path) -> None:
    server.put("/schemas/ids/1101", {"schema": json.dumps(SCHEMA)})
    store = open_store(server.url, environ={"HOME": str(tmp_path)})
    message = b"\x00" + (1101).to_bytes(4, "big") + b"\x02"
    for _ in range(3):
        (item,) = items_from_message(message, Origin("t", 0), store)
        assert isinstance(item, Packet)
        assert item.schema.name == "r"
    assert server.asked == ["/schema-registry/schemas/ids/1101"]


def test_a_restart_goes_on_while_the_registry_is_down(
    server: StandIn, naps: list[float], tmp_path: Path
) -> None:
    server.put("/schemas/ids/7", {"schema": json.dumps(SCHEMA)})
    before = SchemaStore(registry=registry(server, naps), registry_copies=tmp_path)
    schema = before.by_id(7)
    server.answers.clear()
    after = SchemaStore(registry=registry(server, naps), registry_copies=tmp_path)
    assert after.by_id(7).fingerprint == schema.fingerprint
    assert len(server.asked) == 1
    other = SchemaStore(registry=Registry("http://127.0.0.1:9/other", attempts=1), registry_copies=tmp_path)
    with pytest.raises(SchemaError):
        other.by_id(7)


def test_a_named_registry_is_the_only_authority_on_ids(server: StandIn, tmp_path: Path) -> None:
    store = open_store(server.url, environ={"HOME": str(tmp_path)})
    with pytest.raises(SchemaError, match="does not know schema id 1000"):
        store.by_id(1000)


def test_an_id_that_the_registry_does_not_know_is_asked_once_a_minute(
    server: StandIn, naps: list[float]
) -> None:
    now = [0.0]
    store = SchemaStore(registry=registry(server, naps), clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 59.0, 61.0):
        (item,) = items_from_message(b"\x00\x00\x00\x00\x05..", Origin("t", 0), store)
        assert isinstance(item, Refusal)
        assert "does not know schema id 5" in item.reason
    assert len(server.asked) == 2
    assert naps == []


def test_a_registry_that_stumbles_is_asked_again(server: StandIn, naps: list[float]) -> None:
    server.put("/schemas/ids/7", {"schema": json.dumps(SCHEMA)})
    server.answers["/schema-registry/schemas/ids/7"].insert(0, (503, b"busy"))
    assert registry(server, naps).fetch(7).name == "r"
    assert naps == [1.0]


def test_a_registry_that_is_down_is_left_alone_for_a_while(server: StandIn, naps: list[float]) -> None:
    server.put("/schemas/ids/7", b"busy", status=503)
    now = [0.0]
    store = SchemaStore(registry=registry(server, naps), clock=lambda: now[0])
    for _ in range(3):
        for schema_id in (7, 8, 9):
            with pytest.raises(SchemaError, match="HTTP status 503"):
                store.by_id(schema_id)
    assert len(server.asked) == 3
    server.put("/schemas/ids/7", {"schema": json.dumps(SCHEMA)})
    now[0] = 10.0
    assert store.by_id(7).name == "r"


def test_who_has_patience_waits_for_a_registry_and_refuses_nothing(
    server: StandIn, naps: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    server.put("/schemas/ids/7", b"busy", status=503)
    troubles: list[str | None] = []

    def sleep(_seconds: float) -> None:
        troubles.append(patience.trouble)
        if len(troubles) == 30:
            server.put("/schemas/ids/7", {"schema": json.dumps(SCHEMA)})

    patience = Patience(lambda: False, sleep)
    store = SchemaStore(registry=registry(server, naps), patience=patience, clock=lambda: len(troubles) / 2)
    (item,) = items_from_message(b"\x00\x00\x00\x00\x07\x02", Origin("t", 0), store)
    assert isinstance(item, Packet)
    assert all("HTTP status 503" in str(trouble) for trouble in troubles)
    assert patience.trouble is None
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, "said once, and once that it is over"
    assert "Alerts wait for it" in told[0]
    assert "no alert was lost" in told[1]


def test_patience_ends_with_the_feed(server: StandIn, naps: list[float]) -> None:
    server.put("/schemas/ids/7", b"busy", status=503)
    slept: list[float] = []
    store = SchemaStore(
        registry=registry(server, naps), patience=Patience(lambda: len(slept) >= 3, slept.append)
    )
    with pytest.raises(SchemaError, match="HTTP status 503"):
        store.by_id(7)
    assert sum(slept) < 5


def test_a_registry_that_is_down_is_given_up_with_a_remedy(server: StandIn, naps: list[float]) -> None:
    server.put("/schemas/ids/7", b"busy", status=500)
    with pytest.raises(SchemaError, match=r"HTTP status 500, 3 attempts.*--schemas DIR"):
        registry(server, naps).fetch(7)
    nobody = Registry("http://127.0.0.1:9", sleep=naps.append)
    with pytest.raises(SchemaError, match="cannot be asked"):
        nobody.fetch(7)
    assert naps == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<html>Welcome</html>", "did not answer as a schema registry"),
        (b"[1, 2]", "did not answer as a schema registry"),
        (b"\xff\xfe", "did not answer as a schema registry"),
        ({"schema": "{nonsense"}, "unusable schema id 7"),
        ({"schema": json.dumps({"type": "record"})}, "unusable schema id 7"),
        ({"schema": "syntax = 'proto3';", "schemaType": "PROTOBUF"}, "no Avro schema"),
        ({"other": 1}, "no Avro schema"),
    ],
)
def test_garbage_from_a_registry_is_a_sentence(
    server: StandIn, naps: list[float], answer: object, words: str
) -> None:
    server.put("/schemas/ids/7", answer)
    with pytest.raises(SchemaError, match=words):
        registry(server, naps).fetch(7)


def test_a_refusal_is_not_repeated(server: StandIn, naps: list[float]) -> None:
    server.put("/schemas/ids/7", b"", status=401)
    with pytest.raises(SchemaError, match="HTTP status 401"):
        registry(server, naps).fetch(7)
    assert len(server.asked) == 1


def test_a_schema_in_parts_is_joined(server: StandIn, naps: list[float]) -> None:
    references = [{"name": "n.part", "subject": "part subject", "version": 2}]
    server.put("/schemas/ids/7", {"schema": json.dumps(WHOLE), "references": references})
    server.put("/subjects/part%20subject/versions/2", {"schema": json.dumps(PART)})
    assert registry(server, naps).fetch(7).root.fields["p"][0].name == "n.part"
    server.put("/schemas/ids/8", {"schema": json.dumps(WHOLE), "references": [{"name": "n.other"}]})
    with pytest.raises(SchemaError, match=r"refers to 'n\.part'"):
        registry(server, naps).fetch(8)


def test_the_latest_of_a_subject(server: StandIn, naps: list[float]) -> None:
    server.put("/subjects/alert-packet/versions/latest", {"id": 1101, "schema": json.dumps(SCHEMA)})
    schema_id, schema = registry(server, naps).fetch_latest("alert-packet")
    assert (schema_id, schema.name) == (1101, "r")
    server.put("/subjects/alert-packet/versions/latest", {"schema": json.dumps(SCHEMA)})
    with pytest.raises(SchemaError, match="no id"):
        registry(server, naps).fetch_latest("alert-packet")


def test_only_web_addresses_are_registries() -> None:
    for url in ("file:///etc/passwd", "ftp://x", "registry.example.org", "http://"):
        with pytest.raises(UsageError, match="not the URL of a schema registry"):
            Registry(url)
    assert Registry("https://user:secret@reg.example.org:8081/a/").slug == "reg.example.org_8081_a"


def test_a_producers_schema_gets_its_id_from_the_registry(server: StandIn, naps: list[float]) -> None:
    server.put("/subjects/alert-packet/versions", {"id": 1101})
    schema = parse_schema(SCHEMA)
    assert registry(server, naps).register("alert-packet", schema) == 1101
    assert server.sent == [{"schema": schema.text, "schemaType": "AVRO"}]


def test_a_schema_that_the_registry_refuses_comes_with_its_reason(server: StandIn, naps: list[float]) -> None:
    refusal = {"error_code": 409, "message": "Schema being registered is incompatible"}
    server.put("/subjects/alert-packet/versions", refusal, status=409)
    with pytest.raises(SchemaError, match=r"refuses the schema r under 'alert-packet': .* is incompatible"):
        registry(server, naps).register("alert-packet", parse_schema(SCHEMA))
    server.put("/subjects/alert-packet/versions", {"version": 1})
    with pytest.raises(SchemaError, match="gave no id"):
        registry(server, naps).register("alert-packet", parse_schema(SCHEMA))
