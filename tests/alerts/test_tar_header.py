"""Headers of plain tar members: the short way reads what `tarfile` reads, or leaves it to it."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.tar_header import plain_member


def header(name: str, size: int = 1_234, *, layout: int = tarfile.USTAR_FORMAT, **values) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    for key, value in values.items():
        setattr(member, key, value)
    return member.tobuf(layout, "utf-8", "surrogateescape")


def agree(block: bytes) -> bool:
    """Whether the short way knows the header; then it has to say what tarfile says."""
    found = plain_member(block)
    if found is None:
        return False
    told = tarfile.TarInfo.frombuf(block, tarfile.ENCODING, "surrogateescape")
    assert (*found, "") == (told.name, told.size, told.linkname)
    assert told.isreg()
    assert not told.issparse()
    return True


@pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["a.xml", "night/é.xml", "x" * 100, "odd\udcff"])
def test_plain_members_of_all_formats_are_known(layout: int, name: str) -> None:
    if len(name) == 100 or layout != tarfile.PAX_FORMAT or name.isascii():
        assert agree(header(name, mtime=1_700_000_000, uid=1000, uname="me", layout=layout)[-512:])


@pytest.mark.parametrize(
    "block",
    [
        header("folder", type=tarfile.DIRTYPE),
        header("link", type=tarfile.SYMTYPE, linkname="a"),
        header("old", type=tarfile.AREGTYPE),
        header("sparse", type=tarfile.GNUTYPE_SPARSE, layout=tarfile.GNU_FORMAT),
        header(f"{'deep/' * 30}name"),
        header("huge", 1 << 40, layout=tarfile.GNU_FORMAT),
        header("a")[:148] + b"000000\0 " + header("a")[156:],
        bytes(512),
        b"",
    ],
    ids=["folder", "link", "old", "sparse", "prefix", "huge", "wrong sum", "zeros", "nothing"],
)
def test_others_are_left_to_tarfile(block: bytes) -> None:
    assert plain_member(block) is None


@pytest.mark.skipif(shutil.which("tar") is None, reason="there is no tar program")
@pytest.mark.parametrize("layout", ["gnu", "ustar", "v7", "posix"])
def test_what_the_tar_program_writes_is_read(tmp_path: Path, layout: str) -> None:
    (tmp_path / "event.xml").write_bytes(b"<x/>" * 300)
    archive = tmp_path / "events.tar"
    subprocess.run(
        ["tar", f"--format={layout}", "-cf", archive, "-C", tmp_path, "event.xml"], check=True, timeout=20
    )
    data = archive.read_bytes()
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    assert sum(agree(block) for block in blocks) == (layout != "v7")


@settings(max_examples=300)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.integers(0, 1 << 33),
    st.lists(st.tuples(st.integers(0, 511), st.binary(min_size=1, max_size=12)), max_size=2),
    st.booleans(),
)
def test_damaged_headers_are_never_read_differently(name: str, size: int, changes, mend: bool) -> None:
    try:
        block = bytearray(header(name.replace("\0", "_"), size))
    except ValueError:
        return
    for at, piece in changes:
        block[at : at + len(piece)] = piece
    del block[512:]
    if mend:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    agree(bytes(block))


def test_archives_with_odd_members_among_plain_ones_are_read_whole(tmp_path: Path) -> None:
    from bridge.alerts.archive import read_path
    from bridge.alerts.packet import Document
    from bridge.alerts.store import open_store

    names = [
        "a.xml",
        f"{'deep/' * 40}b.xml",
        "c.xml",
        "é" * 80 + ".xml",
        ".hidden.xml",
        "d/.x/e.xml",
        "f.xml",
    ]
    for layout in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        path = tmp_path / f"{layout}.tar"
        kept = [name for name in names if layout != tarfile.USTAR_FORMAT or len(name.encode()) < 100]
        with tarfile.open(path, "w", format=layout) as archive:
            for name in kept:
                data = b"<x>%s</x>" % name.encode()
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        items = [item for item in read_path(path, open_store()) if isinstance(item, Document)]
        assert [item.data for item in items] == [
            b"<x>%s</x>" % name.encode() for name in kept if name != ".hidden.xml"
        ]
        assert [item.origin.member for item in items] == [name for name in kept if name != ".hidden.xml"]
