"""The real VOEvents: 3,421 of an archive, and the two examples of the 2.1 draft."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_voevents(shared_data: Path) -> list[bytes]:
    folder = shared_data / "voevents"
    packets = [path.read_bytes() for path in sorted(folder.glob("*.xml"))]
    with tarfile.open(folder / "sample-2014-2016.tar.gz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None:
                packets.append(stream.read())
    assert len(packets) == 3423
    return packets
