"""Sinks keep packets byte for byte, and nothing half-written ever has a final name."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import fastavro
import pytest

from bridge.alerts.archive import read_path
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import parse_schema
from bridge.alerts.store import SchemaStore, open_store
from bridge.errors import SourceError, UsageError
from bridge.streams import open_sink
from bridge.streams.container_sink import PipeSink
from bridge.streams.file_sinks import FileSink
from bridge.streams.naming import file_bytes, file_name
from bridge.streams.outlets import TarOutlet
from bridge.streams.sink import writing

PLAIN = parse_schema(
    {"type": "record", "name": "r", "fields": [{"name": "candid", "type": ["null", "long"]}]}
)
OTHER = parse_schema({"type": "record", "name": "o", "fields": [{"name": "i", "type": "long"}]})


def packet(datum: bytes, *, schema: object = PLAIN, member: str = "", offset: int = 0) -> Packet:
    return Packet(datum, 0, len(datum), schema, Origin("night.tar.gz", offset, member))  # type: ignore[arg-type]


def real_packets(shared_data: Path) -> list[Packet]:
    store = open_store(environ={"HOME": "/nonexistent"})
    return [item for item in read_path(shared_data / "alerts", store) if isinstance(item, Packet)]


def datums(path: Path) -> list[bytes]:
    store = open_store(environ={"HOME": "/nonexistent"})
    return [item.datum for item in read_path(path, store) if isinstance(item, Packet)]


def only_ztf(packets: list[Packet]) -> list[Packet]:
    return [p for p in packets if p.whole and p.framing == "ocf"]


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("target", ["kept", "kept.tar", "kept.tar.gz", "kept.tgz"])
def test_every_real_alert_comes_back_with_its_bytes(
    target: str, shared_data: Path, lsst_distribution: Path, tmp_path: Path
) -> None:
    packets = real_packets(shared_data)
    assert len(packets) == 28
    with open_sink(tmp_path / target) as sink:
        for item in packets:
            sink.write(item)
    assert sorted(datums(tmp_path / target)) == sorted(item.datum for item in packets)
    assert left_in(tmp_path) == [target]


def test_a_message_is_kept_exactly_as_it_arrived(
    shared_data: Path, lsst_distribution: Path, tmp_path: Path
) -> None:
    with open_sink(tmp_path / "kept") as sink:
        for item in real_packets(shared_data):
            sink.write(item)
    for file in (shared_data / "alerts").rglob("*.bin"):
        assert (tmp_path / "kept" / file.name).read_bytes() == file.read_bytes()
    alert = shared_data / "alerts" / "ztf-739260766315010006.avro"
    assert (tmp_path / "kept" / "739260766315010006.avro").read_bytes() == alert.read_bytes()
    assert not [name for name in left_in(tmp_path / "kept") if name.startswith(".")]


def test_one_container_holds_the_records_of_many_messages(shared_data: Path, tmp_path: Path) -> None:
    fink = [p for p in real_packets(shared_data) if p.schema.name == "topLevelRecord"]
    with open_sink(tmp_path / "fink.avro") as sink:
        for item in fink:
            sink.write(item)
    assert datums(tmp_path / "fink.avro") == [item.datum for item in fink]
    with (tmp_path / "fink.avro").open("rb") as file:
        assert len(list(fastavro.reader(file))) == 11


def test_a_second_schema_begins_a_second_container(tmp_path: Path) -> None:
    with open_sink(tmp_path / "all.avro") as sink:
        for item in (packet(b"\x02\x02"), packet(b"\x06", schema=OTHER), packet(b"\x02\x04")):
            sink.write(item)
    assert left_in(tmp_path) == ["all.2.avro", "all.avro"]
    assert datums(tmp_path / "all.avro") == [b"\x02\x02", b"\x02\x04"]
    assert datums(tmp_path / "all.2.avro") == [b"\x06"]


def test_a_pipe_holds_one_schema_and_says_so() -> None:
    out = io.BytesIO()
    with PipeSink(out) as sink:
        sink.write(packet(b"\x02\x02"))
        sink.write(packet(b"\x02\x04"))
        with pytest.raises(SourceError, match=r"schema o, those before it r.*folder"):
            sink.write(packet(b"\x06", schema=OTHER))
    assert [record["candid"] for record in fastavro.reader(io.BytesIO(out.getvalue()))] == [1, 2]


def test_standard_output_carries_a_container() -> None:
    script = (
        "from bridge.alerts.packet import Origin, Packet\n"
        "from bridge.alerts.schema import parse_schema\n"
        "from bridge.streams import open_sink\n"
        "with open_sink('-') as sink:\n"
        "    sink.write(Packet(b'\\x02', 0, 1, parse_schema('\"long\"'), Origin('p', 0)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert list(fastavro.reader(io.BytesIO(done.stdout))) == [1]


@pytest.mark.parametrize("target", ["kept.tar", "kept.tar.gz", "kept.avro"])
def test_an_interrupted_run_leaves_nothing_and_keeps_the_older_file(target: str, tmp_path: Path) -> None:
    (tmp_path / target).write_bytes(b"older")

    def run() -> None:
        with open_sink(tmp_path / target) as sink:
            sink.write(packet(b"\x02\x02"))
            sink.write(packet(b"\x06", schema=OTHER))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert left_in(tmp_path) == [target]
    assert (tmp_path / target).read_bytes() == b"older"


def test_packets_without_an_id_are_named_from_where_they_came(tmp_path: Path) -> None:
    assert file_name(packet(b"\x02\x54")) == "42.avro"
    assert file_name(packet(b"\x00", offset=7)) == "night-7.avro"
    assert file_name(packet(b"\x00", member="a/b c.avro")) == "b_c.avro"
    assert file_name(packet(b"\x02", member="..")) == "packet-0.avro"
    assert file_name(packet(b"\x06", schema=OTHER, offset=3)) == "night-3.avro"
    wired = Packet(b"\x00\x00\x00\x00\x07\x02\x54", 5, 7, PLAIN, Origin("t", 0), "confluent")
    assert file_name(wired) == "42.bin"
    assert file_bytes(wired) == wired.data


def test_two_packets_of_one_id_in_one_run_are_both_kept_and_a_second_run_changes_nothing(
    tmp_path: Path,
) -> None:
    for _ in range(2):
        with open_sink(tmp_path / "kept") as sink:
            for _ in range(3):
                sink.write(packet(b"\x02\x54"))
        assert left_in(tmp_path / "kept") == ["42-2.avro", "42-3.avro", "42.avro"]


def test_members_of_a_tar_have_the_time_of_writing(tmp_path: Path) -> None:
    with FileSink(TarOutlet(tmp_path / "t.tar", now=lambda: 1_700_000_000.5)) as sink:
        sink.write(packet(b"\x02\x54"))
    with tarfile.open(tmp_path / "t.tar") as tar:
        assert [(m.name, m.mtime) for m in tar] == [("42.avro", 1_700_000_000)]


def test_an_empty_run_leaves_an_archive_that_reads_as_empty(tmp_path: Path) -> None:
    for name in ("e.tar", "e.tar.gz", "e.avro", "folder"):
        open_sink(tmp_path / name).close()
    assert left_in(tmp_path) == ["e.tar", "e.tar.gz", "folder"]
    assert [datums(tmp_path / name) for name in ("e.tar", "e.tar.gz", "folder")] == [[], [], []]


def test_places_that_cannot_be_written_are_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("")
    for target, words in (
        ("file.txt/folder", "cannot be written"),
        ("missing/all.avro", "is not there"),
        ("missing/all.tar", "cannot be written"),
    ):
        with pytest.raises(SourceError, match=words):
            open_sink(tmp_path / target)
    with pytest.raises(UsageError, match="is a file"):
        open_sink(tmp_path / "file.txt")
    for url in ("vtp://host", "http://host/file"):
        with pytest.raises(UsageError, match="cannot be written by this version"):
            open_sink(url)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_in_one_sentence() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(SourceError, match="is full"):
        PipeSink(full).write(packet(b"\x02\x02"))


def test_other_failures_of_the_disk_keep_their_reason() -> None:
    with pytest.raises(SourceError, match="Read-only file system"), writing("x"):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    with pytest.raises(BrokenPipeError), writing("x"):
        raise BrokenPipeError


def test_a_folder_that_becomes_unwritable_leaves_no_half_file(tmp_path: Path) -> None:
    sink = open_sink(tmp_path / "kept")
    (tmp_path / "kept" / "42.avro").mkdir()
    with pytest.raises(SourceError, match="cannot be written"):
        sink.write(packet(b"\x02\x54"))
    assert left_in(tmp_path / "kept") == ["42.avro"]


def test_an_unknown_store_is_no_hindrance_to_keeping(tmp_path: Path) -> None:
    with open_sink(tmp_path / "kept") as sink:
        sink.write(packet(b"\x02\x54"))
    (again,) = read_path(tmp_path / "kept", SchemaStore())
    assert isinstance(again, Packet)
    assert again.schema.text == PLAIN.text
