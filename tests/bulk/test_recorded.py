"""Archives of every kind are read message by message; of damaged ones, what there is, and why no more."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.alerts.packet import Envelope
from bridge.alerts.store import SchemaStore
from bridge.bulk.index import NAME, Index, Row
from bridge.bulk.members import member_bytes
from bridge.bulk.recorded import Recorded, read_recorded
from bridge.bulk.tarfiles import TarFiles
from bridge.errors import SourceError

KEY = "kafka://cluster/topic/0"


def tar_of(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def read(path: Path) -> list[Recorded]:
    return list(read_recorded(path, SchemaStore()))


def test_plain_archives_have_the_times_of_the_exposures(tmp_path: Path, shared_data: Path) -> None:
    alerts = {path.name: path.read_bytes() for path in (shared_data / "alerts").glob("ztf-*.avro")}
    (tmp_path / "night.tar.gz").write_bytes(gzip.compress(tar_of({**alerts, "._hidden": b"x"})))
    found = read(tmp_path / "night.tar.gz")
    assert {each.name: each.value for each in found} == alerts
    # ZTF's public survey began in 2018.
    assert all(each.time_unix_s and each.time_unix_s > 1.51e9 for each in found)


def test_folders_and_single_alerts_are_archives_too(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of({"1.xml": b"<a/>", "2.xml": b"<b/>"}))
    (tmp_path / "b.xml").write_bytes(b"<c/>")
    assert [each.value for each in read(tmp_path)] == [b"<a/>", b"<b/>", b"<c/>"]
    assert [each.value for each in read(tmp_path / "b.xml")] == [b"<c/>"]


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_a_truncated_archive_gives_what_it_has_and_says_so(tmp_path: Path, ending: str) -> None:
    whole = tar_of({"1.xml": b"<a/>", "2.bin": bytes(range(256)) * 40})
    data = gzip.compress(whole[:3000]) if ending == "tar.gz" else whole[:3000]
    path = tmp_path / f"x.{ending}"
    path.write_bytes(data)
    found = []
    with pytest.raises(SourceError, match=r"x\.tar"):
        found.extend(each.value for each in read_recorded(path, SchemaStore()))
    assert found == [b"<a/>"]
    path.write_bytes(gzip.compress(whole)[:-30])
    with pytest.raises(SourceError, match=r"x\.tar"):
        read(path)


def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SourceError, match=r"notes\.txt cannot be read as an archive"):
        read(tmp_path / "notes.txt")
    with pytest.raises(SourceError, match="No such file"):
        read(tmp_path / "nowhere.tar")


def test_an_archive_of_ours_is_read_night_by_night_and_misses_nothing_in_silence(tmp_path: Path) -> None:
    with Index(tmp_path) as index:
        files = TarFiles(tmp_path, index)
        rows = []
        for offset, night in enumerate(("20260306", "20260305", "20260306")):
            data, start = member_bytes(
                f"0/{offset}", b"%d" % offset, Envelope(None, (), offset), place=("t", 0, offset), mtime_s=0
            )
            tar, at = files.append("t", night, data)
            rows.append(Row(KEY, offset, offset, "", tar, f"0/{offset}", at + start, 1))
        index.add(rows, {KEY: 3}, files.secure())
        files.close()
    assert [each.value for each in read(tmp_path)] == [b"1", b"0", b"2"]
    assert [each.time_unix_s for each in read(tmp_path)] == [0.001, 0.0, 0.002]
    (tmp_path / "t-20260305.tar").unlink()
    with pytest.raises(SourceError, match="the index of the archive names it"):
        read(tmp_path)


def test_what_was_not_secured_is_gone_after_closing(tmp_path: Path) -> None:
    data, _ = member_bytes("0/0", b"x" * 5000, Envelope(), place=("t", 0, 0), mtime_s=0)
    with Index(tmp_path) as index:
        files = TarFiles(tmp_path, index)
        files.append("t", "20260305", data)
        index.add((), {}, files.secure())
        files.append("t", "20260305", data)
        files.close()
        with tarfile.open(tmp_path / "t-20260305.tar") as tar:
            assert tar.getnames() == ["0/0"]
        (tmp_path / "t-20260305.tar").write_bytes(b"")
    with Index(tmp_path) as index, pytest.raises(SourceError, match="shortened"):
        TarFiles(tmp_path, index)


def test_an_index_never_takes_a_message_twice(tmp_path: Path) -> None:
    row = Row(KEY, 5, None, "id", "t.tar", "m", 0, 0)
    with Index(tmp_path) as index:
        index.add_tar("t.tar", "t", "20260305")
        index.add([row], {KEY: 6}, {})
        with pytest.raises(SourceError, match="has a message already"):
            index.add([Row(KEY, 6, None, "", "t.tar", "m", 0, 0), row], {KEY: 7}, {"t.tar": 99})
        assert (index.count(), index.positions(), index.tars()) == (1, {KEY: 6}, {"t.tar": 0})
        index.begin_anew(KEY)
        index.add([row], {KEY: 6}, {})
        assert index.count() == 2


def test_another_file_of_the_same_name_is_no_index(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("not a database at all, but long enough to be looked at" * 30)
    with pytest.raises(SourceError, match="cannot be used"):
        Index(tmp_path)
