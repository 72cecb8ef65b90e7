"""What is seen of real alerts at a glance is what fastavro decodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.alerts.archive import read_path
from bridge.alerts.decode import decode_packet
from bridge.alerts.packet import Document, Origin, Packet, Refusal
from bridge.alerts.store import SchemaStore
from bridge.bulk.consume import Consumed, Consumer, describe_message, message_line
from bridge.bulk.glance import Glance, alert_id, cutouts_of, glance, observed_unix_s
from bridge.bulk.kinds import kind_of
from bridge.bulk.raw import Message, kafka_url
from bridge.errors import UsageError
from bridge.pipeline.voevents import packet_of

PLACE = Origin("kafka://cluster/topic/0", 7)


def packets(path: Path) -> list[Packet]:
    return [item for item in read_path(path, SchemaStore()) if isinstance(item, Packet)]


def test_a_ztf_alert_at_a_glance(shared_data: Path) -> None:
    for path in sorted((shared_data / "alerts").glob("ztf-*.avro")):
        (packet,) = packets(path)
        decoded: Any = decode_packet(packet)
        seen = glance(packet)
        candidate = decoded["candidate"]
        assert (seen.alert_id, seen.object_id) == (str(decoded["candid"]), decoded["objectId"])
        assert (seen.ra_deg, seen.dec_deg) == (candidate["ra"], candidate["dec"])
        assert seen.magnitude == candidate["magpsf"]
        assert seen.band == {1: "g", 2: "r", 3: "i"}[candidate["fid"]]
        observed = observed_unix_s(packet)
        assert observed == pytest.approx((candidate["jd"] - 2_440_587.5) * 86_400, abs=1e-3)
        assert alert_id(packet) == seen.alert_id
        cutouts = cutouts_of(packet)
        assert cutouts == {
            name.lower(): decoded[f"cutout{name}"]["stampData"]
            for name in ("Science", "Template", "Difference")
            if decoded[f"cutout{name}"]
        }


def test_an_lsst_alert_at_a_glance(shared_data: Path) -> None:
    for packet in packets(shared_data / "alerts/fink-lsst-2026-03.avro"):
        decoded: Any = decode_packet(packet)
        seen = glance(packet)
        source = decoded["diaSource"]
        assert seen.alert_id == str(source["diaSourceId"])
        assert (seen.ra_deg, seen.dec_deg, seen.flux_njy) == (source["ra"], source["dec"], source["psfFlux"])
        assert seen.band == source["band"]
        assert seen.object_id == str(source["diaObjectId"] or source["ssObjectId"])
        observed, tai_minus_utc_s = observed_unix_s(packet), 37.0
        expected = (source["midpointMjdTai"] - 40_587) * 86_400 - tai_minus_utc_s
        assert observed == pytest.approx(expected, abs=2e-3)
        line = message_line(Message(packet.data, PLACE), seen)
        assert "nJy" in line
        assert "topic/0/7" in line


def test_a_datum_cut_off_says_so_instead_of_values(shared_data: Path) -> None:
    packet = packets(shared_data / "alerts/fink-lsst-2026-03.avro")[0]
    short = Packet(packet.data[: packet.start + 5], packet.start, packet.start + 5, packet.schema, PLACE)
    assert glance(short).problem
    assert alert_id(short) in ("", alert_id(packet))
    assert observed_unix_s(short) is None


def test_documents_and_refusals_at_a_glance() -> None:
    xml = b'<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" ivorn="ivo://a/b#1"/>'
    assert glance(Document(xml, "voevent", PLACE)).alert_id == "ivo://a/b#1"
    assert glance(Document(b"<a>", "voevent", PLACE)).problem
    assert glance(Document(b"{}", "json", PLACE)).schema == "JSON"
    assert glance(Refusal(PLACE, "why")).problem == "why"


def test_strange_names_do_not_reach_the_terminal_raw() -> None:
    line = message_line(Message(b"x", PLACE), Glance(alert_id="\x1b[2Jgone", schema="s"))
    assert "\x1b" not in line
    assert "gone" in line


@pytest.mark.parametrize(
    ("value", "key", "kind"),
    [
        (None, None, "none"),
        (b"Obj\x01...", None, "container"),
        (b"\x00\x00\x00\x03\xe9..", None, "schema 1001"),
        (b"\x00\x00\x00\x03\xe9..", b'{"type": "record", "fields": []}', "keyed"),
        (b" <x/>", None, "xml"),
        (b"\n{}", b"key", "json"),
        (b"\x1f\x8b\x08", None, "gzip"),
        (b"\x02abc", None, "bare"),
        (b"", None, "bare"),
    ],
)
def test_kinds_are_told_by_the_first_bytes(value: bytes | None, key: bytes | None, kind: str) -> None:
    assert kind_of(value, key) == kind


def test_every_nth_message_is_shown_and_all_are_counted() -> None:
    shown: list[int] = []
    consumer = Consumer(SchemaStore(), lambda message, _: shown.append(message.origin.offset), every=3)
    messages = [Message(b"{}", Origin("kafka://c/t/0", offset)) for offset in range(7)]
    consumer.take(messages[:4])
    consumer.take(messages[4:])
    assert shown == [0, 3, 6]
    assert consumer.done == Consumed(7, 14)
    expected = {"topic": "t", "partition": 0, "offset": 6, "bytes": 2, "kind": "json"}
    assert describe_message(messages[6], None) == expected


def test_only_topics_are_watched_and_archived() -> None:
    with pytest.raises(UsageError, match="names no topic"):
        kafka_url("alerts/")


def test_a_voevent_in_avro_is_known_by_its_ivorn_and_position(shared_data: Path) -> None:
    xml = (shared_data / "voevents" / "voevent-2.1-example-1.xml").read_bytes()
    document = Document(xml, "voevent", PLACE)
    seen, expected = glance(packet_of(document)), glance(document)
    assert expected.ra_deg is not None
    assert (seen.alert_id, seen.ra_deg, seen.dec_deg) == (
        expected.alert_id,
        expected.ra_deg,
        expected.dec_deg,
    )
