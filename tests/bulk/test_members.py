"""A message goes into a tar file and comes out the same, whatever its key, headers and bytes are."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.packet import Envelope
from bridge.alerts.recorded_member import envelope_of
from bridge.bulk.members import END, member_bytes
from bridge.errors import SourceError

ENVELOPES = st.builds(
    Envelope,
    st.none() | st.binary(max_size=2000),
    st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.binary())).map(
        tuple
    ),
    st.none() | st.integers(0, 1 << 42),
)
MESSAGES = st.lists(st.tuples(st.none() | st.binary(max_size=2000), ENVELOPES), max_size=4)


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_messages_come_out_of_a_tar_as_they_went_in(messages: list[tuple[bytes | None, Envelope]]) -> None:
    parts = []
    for offset, (value, envelope) in enumerate(messages):
        data, start = member_bytes(
            f"0/{offset}.bin", value, envelope, place=("topic", 0, offset), mtime_s=1.5e9
        )
        assert len(data) % 512 == 0
        assert data[start:].startswith(value or b"")
        parts.append(data)
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts) + END)) as tar:
        found = []
        for info in tar:
            known = envelope_of(info)
            assert known is not None
            envelope, is_tombstone = known
            content = tar.extractfile(info)
            assert content is not None
            found.append((None if is_tombstone else content.read(), envelope))
    assert found == messages


def test_a_member_of_another_archive_is_no_message_of_ours() -> None:
    assert envelope_of(tarfile.TarInfo("candid.avro")) is None


def test_a_damaged_header_is_told() -> None:
    info = tarfile.TarInfo("0/1.bin")
    for damaged in ('{"key": "!"}', '{"headers": 3}', "[]", "{"):
        info.pax_headers = {"comment": f'{{"voevent-bridge":{damaged}}}'}
        with pytest.raises(SourceError, match=r"0/1\.bin says of its message"):
            envelope_of(info)


@pytest.mark.skipif(shutil.which("tar") is None, reason="there is no tar program here")
def test_a_tar_program_lists_and_unpacks_it_without_a_word(tmp_path: Path) -> None:
    envelope = Envelope(b"\xff", (("h", b"\x00"),), 1_772_750_000_000)
    data, _ = member_bytes("0/7.xml", b"<a/>", envelope, place=("t", 0, 7), mtime_s=0)
    (tmp_path / "t.tar").write_bytes(data + END)
    done = subprocess.run(
        ["tar", "-xvf", "t.tar"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout.split() or done.stderr.split()[1:]) == ["0/7.xml"]
    assert not done.stdout or not done.stderr
    assert (tmp_path / "0/7.xml").read_bytes() == b"<a/>"
