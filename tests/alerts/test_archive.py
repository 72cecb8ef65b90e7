"""Files of every kind as streams of items: nothing unpacked, nothing lost in silence, memory flat."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.archive import EMPTY_TAR, list_files, read_file, read_path, read_stream
from bridge.alerts.framing import MESSAGE_LIMIT
from bridge.alerts.ocf_write import ocf_block, ocf_header
from bridge.alerts.packet import Document, Item, Packet, Refusal
from bridge.alerts.reader import ForwardReader, compression_of, decompress_chunks
from bridge.alerts.schema import parse_schema
from bridge.alerts.store import SchemaStore
from bridge.errors import SourceError

STORE = SchemaStore()
PACK = {"": lambda data: data, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def tar_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def ztf_alerts(shared_data: Path) -> dict[str, bytes]:
    files = sorted((shared_data / "alerts").glob("ztf-*.avro"))
    return {file.name: file.read_bytes() for file in files}


def items_of(data: bytes, tmp_path: Path, name: str = "file") -> list[Item]:
    path = tmp_path / name
    path.write_bytes(data)
    return list(read_path(path, STORE))


def kinds(items: list[Item]) -> list[str]:
    return [type(item).__name__ for item in items]


@pytest.mark.parametrize("ending", PACK)
def test_a_tar_of_real_alerts_gives_each_alert_as_it_was(
    ending: str, shared_data: Path, tmp_path: Path
) -> None:
    alerts = ztf_alerts(shared_data)
    items = items_of(PACK[ending](tar_of(alerts)), tmp_path, f"night.tar{ending}")
    assert [item.data for item in items] == list(alerts.values())
    assert [item.origin.member for item in items] == list(alerts)
    assert [item.origin.offset for item in items] == [0, 1, 2]
    assert {item.origin.partition for item in items} == {str(tmp_path / f"night.tar{ending}")}
    assert all(isinstance(item, Packet) and item.whole for item in items)


@pytest.mark.parametrize("ending", PACK)
def test_a_file_of_many_records_compressed_or_not(ending: str, shared_data: Path, tmp_path: Path) -> None:
    data = (shared_data / "alerts" / "fink-ztf-2019-11.avro").read_bytes()
    items = items_of(PACK[ending](data), tmp_path, f"part.avro{ending}")
    plain = list(read_file(shared_data / "alerts" / "fink-ztf-2019-11.avro", STORE))
    assert [p.datum for p in items if isinstance(p, Packet)] == [
        p.datum for p in plain if isinstance(p, Packet)
    ]
    assert len(items) == 11


def test_a_member_of_many_records_counts_each_record(shared_data: Path, tmp_path: Path) -> None:
    many = (shared_data / "alerts" / "fink-ztf-2019-11.avro").read_bytes()
    one = next(iter(ztf_alerts(shared_data).values()))
    items = items_of(tar_of({"a": one, "b": many, "c": gzip.compress(one), "d": one}), tmp_path)
    assert [item.origin.offset for item in items] == list(range(14))
    assert [item.origin.member for item in items] == ["a", *["b"] * 11, "c", "d"]


def test_what_is_no_alert_in_a_tar_is_refused_by_name_and_hidden_files_are_passed_over(
    tmp_path: Path,
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:

        def add(
            name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, size: int | None = None
        ) -> None:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.size = len(content) if size is None else size
            info.linkname = "elsewhere" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            tar.addfile(info, io.BytesIO(content))

        add("night/", kind=tarfile.DIRTYPE)
        add("night/README", b"Alerts of one night")
        add("night/.hidden", b"junk")
        add("night/._a.avro", b"junk of another system")
        add("night/link.avro", kind=tarfile.SYMTYPE)
        add("night/hard.avro", kind=tarfile.LNKTYPE)
        add("night/pipe", kind=tarfile.FIFOTYPE)
        add("night/empty.avro")
        add("night/" + "long-" * 60 + ".xml", b"<v/>")
        add("night/huge.bin", bytes(MESSAGE_LIMIT + 1))
        add("night/last.json", b"{}")
    items = items_of(out.getvalue(), tmp_path)
    assert kinds(items) == ["Refusal"] * 5 + ["Document", "Refusal", "Document"]
    reasons = [item.reason for item in items if isinstance(item, Refusal)]
    words = ["no Avro container", "link or device", "link or device", "link or device", "empty", "64 MB"]
    for reason, word in zip(reasons, words, strict=True):
        assert word in reason
    assert [item.origin.offset for item in items] == list(range(8))
    assert len(items[5].origin.member) > 300


def test_a_sparse_member_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    if not any((Path(p) / "tar").exists() for p in os.environ.get("PATH", "").split(os.pathsep)):
        pytest.skip("needs GNU tar")
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(5_000_000)
        file.seek(2_500_000)
        file.write(b"x")
    (tmp_path / "next.xml").write_bytes(b"<v/>")
    done = subprocess.run(
        ["tar", "-S", "-cf", "s.tar", "holes", "next.xml"], cwd=tmp_path, check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("this tar writes no sparse files")
    items = list(read_path(tmp_path / "s.tar", STORE))
    assert kinds(items) == ["Refusal", "Document"]
    assert isinstance(items[0], Refusal)
    assert "sparse" in items[0].reason


def test_a_tar_cut_anywhere_gives_its_whole_members_and_says_where_it_broke(tmp_path: Path) -> None:
    members = {f"{i}.xml": b"<v>%d</v>" % i + bytes(b"x" * (600 * i)) for i in range(3)}
    data = tar_of(members)
    end = data.rindex(b"x" * 600)
    for cut in range(1, end, 37):
        items = list(read_stream(io.BytesIO(data[:cut]), "cut", STORE))
        good = [item for item in items if isinstance(item, Document)]
        assert [item.data for item in good] == list(members.values())[: len(good)]
        border = cut in (1024, 3072 - 512)
        assert border or isinstance(items[-1], Refusal), cut
        assert [item.origin.offset for item in items] == list(range(len(items)))


def test_a_cut_gzip_delivers_what_was_read_and_then_one_refusal(shared_data: Path, tmp_path: Path) -> None:
    alerts = {f"{i}-{name}": data for i in range(4) for name, data in ztf_alerts(shared_data).items()}
    packed = gzip.compress(tar_of(alerts), 1)
    for part in (0.05, 0.3, 0.5, 0.77, 0.99):
        items = items_of(packed[: int(len(packed) * part)], tmp_path)
        assert kinds(items[:-1]) == ["Packet"] * (len(items) - 1)
        assert isinstance(items[-1], Refusal)
        assert "compressed data are damaged or cut off" in items[-1].reason
    assert len(items) > 10


def test_a_damaged_header_ends_a_tar_with_a_sentence_and_not_in_silence(tmp_path: Path) -> None:
    data = bytearray(tar_of({"a.xml": b"<v/>", "b.xml": b"<v/>", "c.xml": b"<v/>"}))
    data[1024 + 10] ^= 0xFF
    items = items_of(bytes(data), tmp_path)
    assert kinds(items) == ["Document", "Refusal"]
    assert isinstance(items[1], Refusal)
    assert "damaged after a.xml" in items[1].reason


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_archive_appended_to_another_is_read_too(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    first, second = tar_of({"a.xml": b"<v/>"}), tar_of({"b.xml": b"<v/>"})
    items = items_of(pack(first) + pack(second), tmp_path)
    assert [item.origin.member for item in items] == ["a.xml", "b.xml"]
    items = items_of(pack(first) + pack(b"something else" * 100), tmp_path)
    assert kinds(items) == ["Document", "Refusal"]


def test_a_tar_header_cannot_ask_for_all_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    info.size = 5_000_000_000
    items = items_of(tar_of({"a.xml": b"<v/>"})[:1024] + info.tobuf() + bytes(2048), tmp_path)
    assert kinds(items) == ["Document", "Refusal"]
    assert isinstance(items[1], Refusal)
    assert "5000000000" in items[1].reason


def test_an_empty_tar_is_empty_and_a_file_of_zeros_is_not_a_tar(tmp_path: Path) -> None:
    assert items_of(tar_of({}), tmp_path) == []
    assert items_of(gzip.compress(EMPTY_TAR), tmp_path) == []
    assert kinds(items_of(bytes(5000), tmp_path)) == ["Refusal"]
    assert kinds(items_of(b"", tmp_path)) == ["Refusal"]


def test_a_damaged_compressed_file_is_a_refusal(tmp_path: Path) -> None:
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        packed = pack(b"<v>" + os.urandom(5000) + b"</v>")
        for bad in (packed[:1000], packed[:100] + b"garbage" + packed[107:]):
            items = items_of(bad, tmp_path)
            assert kinds(items) == ["Refusal"], pack
    assert kinds(items_of(gzip.compress(gzip.compress(b"<v/>")), tmp_path)) == ["Refusal"]


def test_an_uncompressed_giant_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "giant").open("wb") as file:
        file.write(b"<")
        file.truncate(MESSAGE_LIMIT + 2)
    (item,) = read_path(tmp_path / "giant", STORE)
    assert isinstance(item, Refusal)
    assert "too large" in item.reason


def test_a_folder_is_read_in_order_without_hidden_and_unfinished_files(
    shared_data: Path, tmp_path: Path
) -> None:
    alert = next(iter(ztf_alerts(shared_data).values()))
    for name in ("b.avro", "a/2.avro", "a/1.avro", ".x.avro", "c.avro.tmp", "d.part", "e~", ".git/f.avro"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(alert)
    items = list(read_path(tmp_path, STORE))
    assert [item.origin.partition for item in items] == [
        str(tmp_path / name) for name in ("a/1.avro", "a/2.avro", "b.avro")
    ]
    assert {item.origin.offset for item in items} == {0}


def test_a_pipe_or_dead_link_in_a_folder_costs_one_refusal_each(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dead").symlink_to("nowhere")
    (tmp_path / "good.xml").write_bytes(b"<v/>")
    assert kinds(list(read_path(tmp_path, STORE))) == ["Refusal", "Document", "Refusal"]


def test_a_missing_path_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be opened"):
        read_path(tmp_path / "missing.avro", STORE)
    with pytest.raises(SourceError, match="cannot be read"):
        list_files(tmp_path / "missing")


def test_standard_input_is_read_as_it_comes(shared_data: Path, tmp_path: Path) -> None:
    alerts = ztf_alerts(shared_data)
    script = (
        "from bridge.alerts.archive import read_path\n"
        "from bridge.alerts.store import SchemaStore\n"
        "print([(i.origin.member, len(i.data)) for i in read_path('-', SchemaStore())])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=gzip.compress(tar_of(alerts)), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == str([(name, len(data)) for name, data in alerts.items()])


def gigabytes(block: bytes, times: int) -> Iterator[bytes]:
    for _ in range(times):
        yield block


def test_memory_stays_flat_over_a_container_larger_than_memory_would_like() -> None:
    schema = parse_schema({"type": "record", "name": "r", "fields": [{"name": "b", "type": "bytes"}]})
    datum = b"\x80\x89\x7a" + bytes(1_000_000)
    packet = Packet(datum, 0, len(datum), schema, None)  # type: ignore[arg-type]

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.chunks = iter([ocf_header(schema), *[ocf_block(packet)] * 300])

        def read1(self, size: int) -> bytes:
            return next(self.chunks, b"")

    tracemalloc.start()
    count = sum(isinstance(item, Packet) for item in read_stream(Pipe(), "pipe", STORE))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 300
    assert peak < 20_000_000


def test_memory_stays_flat_over_a_tar_of_many_members() -> None:
    member = tar_of({"alert.xml": b"<v/>" + b"x" * 3000})[: 512 + 3072]

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 4000

        def read1(self, size: int) -> bytes:
            self.left -= 1
            return member if self.left >= 0 else b""

    tracemalloc.start()
    count = sum(1 for _ in read_stream(Pipe(), "pipe", STORE))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4000
    # The members are 14 MB together; what the collector has not come to yet may be some of it.
    assert peak < 6_000_000


def test_a_disk_that_fails_gives_what_was_read_and_the_reason() -> None:
    data = tar_of({"a.xml": b"<v/>", "b.xml": b"<v/>" * 1000})

    def failing() -> Iterator[bytes]:
        yield data[:1600]
        raise OSError(5, "Input/output error")

    class Disk(io.RawIOBase):
        def __init__(self) -> None:
            self.chunks = failing()

        def read1(self, size: int) -> bytes:
            return next(self.chunks)

    items = list(read_stream(Disk(), "disk", STORE))  # type: ignore[arg-type]
    assert kinds(items) == ["Document", "Refusal"]
    assert isinstance(items[1], Refusal)
    assert "Input/output error" in items[1].reason


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=20), st.integers(0, 700)), max_size=4),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_no_damage_to_a_tar_raises(damage: list[tuple[int, bytes, int]], mended: bool) -> None:
    members = {
        "a.xml": b"<v/>",
        "long-" * 40 + ".json": b"{}",
        "b.avro": b"Obj\x01" + b"z" * 700,
        "c.xml": b"<v/>",
    }
    data = bytearray(tar_of(members))
    for at, inserted, removed in damage:
        data[at : at + removed] = inserted
    if mended:
        # Right checksums let the damage through to the fields behind them.
        for at in range(0, min(len(data), 5000) - 511, 512):
            if data[at + 257 : at + 262] == b"ustar":
                total = 256 + sum(data[at : at + 148]) + sum(data[at + 156 : at + 512])
                data[at + 148 : at + 156] = b"%06o\0 " % total
    items = list(read_stream(io.BytesIO(bytes(data)), "tar", STORE))
    assert all(isinstance(item, (Packet, Document, Refusal)) for item in items)
    if not damage:
        assert kinds(items) == ["Document", "Document", "Refusal", "Document"]


@given(st.binary(max_size=400), st.sampled_from(["gzip", "bzip2", "xz", "none"]), st.integers(1, 50))
@settings(max_examples=150, deadline=None)
def test_any_pieces_and_any_bytes_read_alike(data: bytes, compression: str, piece: int) -> None:
    pack = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "none": bytes}[compression]
    packed = pack(data) * 2 + bytes(5) if compression != "none" else data * 2
    pieces = [packed[i : i + piece] for i in range(0, len(packed), piece)]
    if compression != "none":
        assert compression_of(packed) == compression
        reader = ForwardReader(decompress_chunks(pieces, compression))
    else:
        reader = ForwardReader(pieces)
    assert reader.peek(3) == (data * 2)[:3]
    assert reader.read(7) + reader.read(10_000) == data * 2
    assert reader.fault is None
    assert reader.tell() == len(data) * 2


@given(st.binary(max_size=80), st.binary(min_size=1, max_size=3), st.integers(1, 9), st.integers(0, 20))
@settings(max_examples=200, deadline=None)
def test_a_marker_is_found_wherever_the_pieces_end(data: bytes, needle: bytes, piece: int, keep: int) -> None:
    reader = ForwardReader(data[i : i + piece] for i in range(0, len(data), piece))
    found, passed = reader.skip_past(needle, keep)
    at = data.find(needle)
    assert found == (at >= 0)
    assert passed == (data[:at] if found else data)[:keep]
    assert reader.read(1000) == (data[at + len(needle) :] if found else b"")


def test_a_reader_does_not_go_back() -> None:
    reader = ForwardReader([b"abc", b"def"])
    assert reader.seek(4) == 4
    assert reader.read(9) == b"ef"
    with pytest.raises(ValueError, match="cannot go back"):
        reader.seek(2)
    assert reader.seek(100) == 6
