"""Where the disk is full nothing half-written stays, neither under the name that was given nor hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.convert import open_event_sink
from bridge.errors import SourceError
from bridge.streams.outlets import TarOutlet, write_whole

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


def test_a_container_whose_header_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / ".events.avro.tmp").symlink_to("/dev/full")
    with pytest.raises(SourceError, match="is full"):
        open_event_sink(str(tmp_path / "events.avro"), "avro")
    assert not list(tmp_path.iterdir())


def test_an_archive_that_cannot_even_be_closed(tmp_path: Path) -> None:
    # gzip keeps what it packs, and only closing shows that it does not fit.
    (tmp_path / ".all.tar.gz.tmp").symlink_to("/dev/full")
    outlet = TarOutlet(tmp_path / "all.tar.gz")
    outlet.put("a", b"a")
    with pytest.raises(SourceError, match="is full"):
        outlet.close()
    assert not list(tmp_path.iterdir())


def test_one_file_appears_whole_through_links_and_never_in_place_of_a_device(tmp_path: Path) -> None:
    report, link = tmp_path / "report.json", tmp_path / "latest.json"
    link.symlink_to(report)
    write_whole(link, b"{}")
    assert link.is_symlink()
    assert report.read_bytes() == b"{}"
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    write_whole(null, b"{}")
    assert not null.is_file()
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match="cannot be written"):
        write_whole(tmp_path / "folder", b"{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "folder",
        "latest.json",
        "null",
        "report.json",
    ]
