"""Alerts into topics of a real broker and out of them again, as the commands do it."""

from __future__ import annotations

import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka_broker import Broker
from reading import items, read_all

from bridge.alerts.packet import Packet
from bridge.alerts.store import SchemaStore, open_store
from bridge.bulk.pace import Pace
from bridge.bulk.produce import produce
from bridge.bulk.raw import open_messages
from bridge.cli import main
from bridge.simulate import simulate
from bridge.streams import open_source
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.sink import KafkaSink
from bridge.streams.kafka.url import parse_url

EVENING = 1_772_750_000_000

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Runs a command; gives exit status, standard output, standard error."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))

    def run(*words: object) -> tuple[int, str, str]:
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        out, err = capfdbinary.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, out.decode(), err.decode()

    return run


@pytest.fixture
def alerts(tmp_path: Path) -> Path:
    folder = tmp_path / "alerts"
    folder.mkdir()
    for visit in simulate("ztf", visits=2, alerts=10, seed=3):
        for alert in visit:
            (folder / f"{alert.identifier}.avro").write_bytes(alert.data)
    return folder


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_alerts_go_into_a_topic_and_come_out_as_the_same_files(
    kafka: Broker, topics: Any, alerts: Path, call: Call, tmp_path: Path
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new('through', partitions=2)}"
    status, out, _ = call("produce", alerts, "--to", url, "--json")
    summary = json.loads(out)
    assert status == 0
    assert (summary["sent"], summary["messages"], summary["refused"]) == (20, 20, 0)
    assert summary["bytes"] == sum(len(data) for data in bytes_in(alerts).values())
    words = (
        "consume",
        url,
        "--once",
        "-o",
        tmp_path / "out",
        "--stamps",
        tmp_path / "stamps",
        "--every",
        "5",
    )
    status, out, err = call(*words)
    assert status == 0, err
    assert bytes_in(tmp_path / "out") == bytes_in(alerts)
    assert len(out.splitlines()) == 4
    assert len(list((tmp_path / "stamps").glob("*-science.fits.gz"))) == 20
    assert min((tmp_path / "stamps").iterdir()).read_bytes()[:2] == b"\x1f\x8b"


def test_real_alerts_of_all_framings_come_out_as_they_went_in(
    kafka: Broker, topics: Any, call: Call, shared_data: Path, lsst_distribution: Path, tmp_path: Path
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new('real', partitions=2)}"
    given, kept = shared_data / "alerts", tmp_path / "kept"
    schemas = ("--schemas", lsst_distribution)
    status, out, _ = call("produce", given, "--to", url, *schemas, "--rate", 2000, "--json")
    assert status == 0
    assert json.loads(out)["messages"] == 28
    status, out, _ = call("consume", url, "--once", "-o", kept, *schemas)
    assert status == 0
    assert len(out.splitlines()) == 28
    files = [*given.glob("ztf-*.avro"), *given.rglob("*.bin")]
    assert {path.read_bytes() for path in files} <= set(bytes_in(kept).values())
    # Records out of files of many come in containers of their own, with the bytes of their datum.
    store = open_store(lsst_distribution)
    before, after = (
        {item.datum for item in items(read_all(str(path), store=store)) if isinstance(item, Packet)}
        for path in (given, kept)
    )
    assert before == after


def test_visits_go_at_once_and_each_is_timed(
    kafka: Broker, topics: Any, call: Call, shared_data: Path
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new()}"
    words = ("produce", shared_data / "alerts/fink-ztf-2019-11.avro", "--to", url, "--json")
    _, out, _ = call(*words, "--visit", 4, "--interval", 0.05)
    summary = json.loads(out)
    assert summary["messages"] == 11
    assert len(summary["visits_s"]) == 3
    assert summary["seconds"] >= 0.1
    assert summary["late"] == 0
    for contradiction in (("--visit", 4, "--rate", 1), ("--interval", 3)):
        status, _, _ = call(*words, *contradiction)
        assert status == 2


def test_a_rate_is_kept_by_the_clock(kafka: Broker, topics: Any, shared_data: Path) -> None:
    now = [100.0]
    url = parse_url(f"kafka://{kafka.bootstrap}/{topics.new()}")
    source = open_source(shared_data / "alerts/fink-ztf-2019-11.avro", store=SchemaStore())
    with KafkaSink(url, KafkaSettings()) as sink:
        done = produce(
            *((item for batch in source for item in batch), sink, Pace(rate_hz=0.5)),
            clock=lambda: now[0],
            wait=lambda seconds: now.__setitem__(0, now[0] + seconds),
        )
    assert (done.messages, done.late) == (11, 0)
    assert now[0] == pytest.approx(120.0)


def test_lines_name_the_alert_and_json_lines_say_the_same_to_programs(
    kafka: Broker, topics: Any, call: Call, shared_data: Path
) -> None:
    topic = topics.new("lines")
    topics.fill(topic, min((shared_data / "alerts").glob("ztf-*.avro")).read_bytes(), timestamp=EVENING)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    _, out, _ = call("consume", url, "--once")
    _, lines, _ = call("consume", url, "--once", "--json")
    first, last = map(json.loads, lines.splitlines())
    assert first["object"].startswith("ZTF")
    assert first["time"] == "2026-03-05T22:33:20.000Z"
    assert first["kind"] == "container"
    assert last["summary"]["messages"] == 1
    for text in (first["id"], first["object"], first["observed"], f"{first['magnitude']:.2f} mag"):
        assert text in out
    _, lines, _ = call("consume", url, "--once", "--json", "--no-decode")
    assert json.loads(lines.splitlines()[0]).keys() == {
        *("topic", "partition", "offset", "time", "bytes", "kind"),
    }


def test_what_cannot_be_decoded_is_named_and_saved_all_the_same(
    kafka: Broker, topics: Any, call: Call, tmp_path: Path
) -> None:
    topic = topics.new("bad")
    topics.fill(topic, b"\x00\x00\x00\x27\x0fxyz", b"<broken", b"")
    url = f"kafka://{kafka.bootstrap}/{topic}"
    status, _, err = call("consume", url, "--once", "-o", tmp_path / "out")
    assert status == 1
    assert "9999" in err
    assert bytes_in(tmp_path / "out") == {
        f"{topic}-0-0.bin": b"\x00\x00\x00\x27\x0fxyz",
        f"{topic}-0-1.xml": b"<broken",
        f"{topic}-0-2.bin": b"",
    }
    status, _, _ = call("consume", url, "--once", "--no-decode")
    assert status == 0


def test_count_ends_the_reading_of_a_topic_that_goes_on(kafka: Broker, topics: Any, call: Call) -> None:
    topic = topics.new("counted")
    topics.fill(topic, *[b"<v/>"] * 5)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    _, out, _ = call("consume", url, "--start", "earliest", "--no-decode", "--count", "3")
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize("frame", ["ocf", "confluent", "bare", "keyed"])
def test_frames_change_and_datums_do_not(
    kafka: Broker, topics: Any, alerts: Path, call: Call, frame: str
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new('framed')}"
    more = ("--schema-id", "402") if frame == "confluent" else ()
    status, _, err = call("produce", alerts, "--to", url, "--framing", frame, "--count", 3, *more)
    assert status == 0, err
    before = [item for item in items(read_all(str(alerts))) if isinstance(item, Packet)][:3]
    source = open_messages(url, follow=False, stop=lambda: False)
    after = [message for messages, _ in source.batches() for message in messages]
    keys = {message.origin.envelope.key for message in after if message.origin.envelope}
    assert keys == {before[0].schema.text.encode() if frame == "keyed" else None}
    head = b"\x00\x00\x00\x01\x92" if frame == "confluent" else b""
    for old, new in zip(before, after, strict=True):
        assert new.value == (old.data if frame == "ocf" else head + old.datum)


def test_wire_format_without_an_id_is_a_usage_error(
    kafka: Broker, topics: Any, alerts: Path, call: Call
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new('noid')}"
    status, _, err = call("produce", alerts, "--to", url, "--framing", "confluent")
    assert status == 2
    assert "needs an id" in err


def test_a_voevent_in_xml_is_not_sent_in_a_frame_that_it_cannot_have(
    kafka: Broker, topics: Any, alerts: Path, call: Call, tmp_path: Path
) -> None:
    (alerts / "event.xml").write_bytes(b"<VOEvent/>")
    (alerts / "notice.json").write_bytes(b'{"ra": 1}')
    url = f"kafka://{kafka.bootstrap}/{topics.new('unframed')}"
    more = ("--framing", "confluent", "--schema-id", "7", "--dead-letters", tmp_path / "dead")
    status, out, err = call("produce", alerts, "--to", url, *more, "--json")
    assert (status, json.loads(out)["messages"], json.loads(out)["refused"]) == (1, 20, 2)
    assert "event.xml#0: it is a VOEvent in XML, and only Avro goes out with --framing confluent" in err
    assert "notice.json#0: it is a JSON document, and only Avro" in err
    assert b"<VOEvent/>" in bytes_in(tmp_path / "dead").values()
    assert call("produce", alerts / "event.xml", "--to", url)[0] == 0


def test_messages_of_four_megabytes_go_all_the_way(
    kafka: Broker, topics: Any, call: Call, tmp_path: Path
) -> None:
    here, there = (topics.new(name, max_message_bytes=str(5 << 20)) for name in ("large", "again"))
    large = b"<v>" + bytes(range(65, 91)) * 161_319 + b"</v>"
    (tmp_path / "large.xml").write_bytes(large)
    place = f"kafka://{kafka.bootstrap}"
    assert call("produce", tmp_path / "large.xml", "--to", f"{place}/{here}")[0] == 0
    assert call("archive", f"{place}/{here}", "-o", tmp_path / "archive", "--once")[0] == 0
    assert call("replay", tmp_path / "archive", "--to", f"{place}/{there}", "--speed", "max")[0] == 0
    call("consume", f"{place}/{there}", "--once", "--no-decode", "-o", tmp_path / "out")
    assert list(bytes_in(tmp_path / "out").values()) == [large]


def test_an_archive_is_replayed_with_key_headers_and_time(
    kafka: Broker, topics: Any, call: Call, tmp_path: Path
) -> None:
    here, there, now = topics.new("here"), topics.new("there"), topics.new("now")
    topics.fill(here, b"<a/>", key=b"\xff", headers=[("h", b"\x00")], timestamp=EVENING)
    topics.fill(here, b"<b/>", timestamp=EVENING + 50)
    place = f"kafka://{kafka.bootstrap}"
    call("archive", f"{place}/{here}", "-o", tmp_path / "archive", "--once")
    status, out, _ = call("replay", tmp_path / "archive", "--to", f"{place}/{there}", "--json")
    summary = json.loads(out)
    assert status == 0
    assert summary["recorded_s"] == pytest.approx(0.05)
    assert summary["seconds"] >= 0.05
    before, after = (items(read_all(f"{place}/{topic}")) for topic in (here, there))
    assert [item.data for item in after] == [item.data for item in before]
    assert [item.origin.envelope for item in after] == [item.origin.envelope for item in before]
    call("replay", tmp_path / "archive", "--to", f"{place}/{now}", "--speed", "max", "--new-times")
    times = [item.origin.envelope.timestamp_ms for item in items(read_all(f"{place}/{now}"))]  # type: ignore[union-attr]
    assert all(time.time() * 1000 - each < 60_000 for each in times if each is not None)


def test_a_plain_archive_is_replayed_into_a_topic_and_a_folder(
    kafka: Broker, topics: Any, alerts: Path, call: Call, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "ztf_public.tar.gz", "w:gz") as tar:
        for path in sorted(alerts.iterdir()):
            tar.add(path, path.name)
    topic = topics.new("public")
    url = f"kafka://{kafka.bootstrap}/{topic}"
    status, out, _ = call("replay", tmp_path / "ztf_public.tar.gz", "--to", url, "--speed", "1e6", "--json")
    summary = json.loads(out)
    assert status == 0
    assert summary["sent"] == 20
    assert summary["untimed"] == 0
    assert summary["recorded_s"] > 10
    assert sorted(i.data for i in items(read_all(url))) == sorted(bytes_in(alerts).values())
    call("replay", tmp_path / "ztf_public.tar.gz", "--to", tmp_path / "folder", "--speed", "max")
    assert bytes_in(tmp_path / "folder") == bytes_in(alerts)


def test_a_look_tells_ends_lag_kinds_and_ages(
    kafka: Broker, topics: Any, alerts: Path, call: Call, lsst_distribution: Path, shared_data: Path
) -> None:
    topic = topics.new("looked", partitions=2)
    wire = min((shared_data / "alerts/lsst-v10.0-framed").glob("*.bin")).read_bytes()
    topics.fill(topic, *[wire] * 3, partition=1)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    call("consume", url, "--once", "--group", f"group-{topic}", "--no-decode")
    topics.fill(topic, min(alerts.iterdir()).read_bytes(), partition=0, timestamp=EVENING)
    status, out, _ = call("monitor", url, "--once", "--json", "--group", f"group-{topic}")
    look = json.loads(out)
    assert status == 0
    assert look["kinds"] == {"schema 1000": 3, "container": 1}
    assert [(each["end"], each["messages"]) for each in look["partitions"]] == [(1, 1), (3, 3)]
    assert [each["lag"] for each in look["partitions"]] == [None, 0]
    assert look["message_age_s"]["min"] < 60
    assert look["message_age_s"]["max"] > 1e6
    assert look["alert_age_s"]["min"] > 1e6
    _, out, _ = call("monitor", url, "--once")
    assert topic in out
    assert "3 schema 1000" in out
    _, out, _ = call("monitor", url, "--interval", "0.1", "--count", "2", "--json")
    assert len(out.splitlines()) == 2
    assert json.loads(out.splitlines()[1])["rate_hz"] == 0


def test_a_watcher_sees_what_comes_and_says_when_the_broker_is_not_there(
    kafka: Broker, topics: Any, call: Call
) -> None:
    from bridge.bulk.monitor import watch

    topic = topics.new("watched")
    stopped: list[bool] = []
    looks = watch(
        f"kafka://{kafka.bootstrap}/{topic}", SchemaStore(), interval_s=0.1, stop=lambda: bool(stopped)
    )
    seen = next(looks)
    topics.fill(topic, *[b"<v/>"] * 7)
    limit = time.monotonic() + 60
    total = 0
    while total < 7 and time.monotonic() < limit:
        seen = next(looks)
        total += seen.messages
    assert total == 7
    assert seen.partitions[0].end == 7
    assert seen.document()["bytes"] == 4 * seen.messages
    stopped.append(True)
    assert not list(looks)
    status, _, err = call("monitor", "kafka://127.0.0.1:1/x", "--once", "--kafka-config", "no-such.toml")
    assert status == 2
    assert "no-such.toml" in err
