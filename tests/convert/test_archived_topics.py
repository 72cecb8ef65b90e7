"""The folder in which ``archive`` keeps topics is read like any other: its alerts, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.alerts.packet import Envelope, Origin, Packet, Refusal
from bridge.alerts.store import open_store
from bridge.bulk.index import NAME, Index, Row
from bridge.bulk.members import member_bytes
from bridge.bulk.reframe import reframed
from bridge.bulk.tarfiles import TarFiles
from bridge.cli import main
from bridge.simulate import simulate
from bridge.streams import open_source
from bridge.streams.follow import Follower

PARTITION = "kafka://cluster/ztf/0"


@pytest.fixture(scope="module")
def alerts() -> list[Packet]:
    return [alert.packet for visit in simulate("ztf", visits=1, alerts=3, seed=5) for alert in visit]


def archived(folder: Path, messages: list[tuple[bytes | None, Envelope]]) -> Path:
    """An archive as the command leaves it behind."""
    folder.mkdir(exist_ok=True)
    with Index(folder) as index:
        files = TarFiles(folder, index)
        rows = []
        for offset, (value, envelope) in enumerate(messages):
            name = f"0/{offset}.avro"
            data, start = member_bytes(name, value, envelope, place=("ztf", 0, offset), mtime_s=0)
            tar, at = files.append("ztf", "20260305", data)
            rows.append(Row(PARTITION, offset, None, "", tar, name, at + start, len(value or b"")))
        index.add(rows, {PARTITION: len(rows)}, files.secure())
        files.close()
    return folder


def test_the_index_is_left_aside_without_a_word(
    alerts: list[Packet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = archived(tmp_path / "archive", [(packet.data, Envelope()) for packet in alerts])
    # As it lies there while the archive is being written.
    (folder / f"{NAME}-wal").write_bytes(b"\x37\x7f\x06\x82")
    (folder / f"{NAME}-shm").write_bytes(bytes(100))
    with pytest.raises(SystemExit) as end:
        main(["convert", str(folder), "-o", str(tmp_path / "voevents")])
    assert (end.value.code, len(list((tmp_path / "voevents").iterdir()))) == (0, len(alerts))
    err = capsys.readouterr().err
    assert "3 read, 3 written" in err
    assert "Refused" not in err
    follower = Follower(folder, 1, now=lambda: 4e9)
    assert follower.look() == [str(folder / "ztf-20260305.tar")]


def test_a_bare_alert_is_read_with_the_schema_that_was_its_message_s_key(
    alerts: list[Packet], tmp_path: Path
) -> None:
    keyed = [reframed(packet, "keyed", lambda _: 0) for packet in alerts]
    messages = [(item.data, item.origin.envelope or Envelope()) for item in keyed]
    folder = archived(tmp_path, messages)
    found = [item for batch in open_source(folder, store=open_store()) for item in batch]
    assert [item.datum for item in found if isinstance(item, Packet)] == [each.datum for each in alerts]


def test_a_message_without_a_value_is_nothing_and_one_with_a_broken_key_is_refused(
    alerts: list[Packet], tmp_path: Path
) -> None:
    broken = Envelope(b'{"type": "record", "fields": 7}')
    messages: list[tuple[bytes | None, Envelope]] = [
        (None, Envelope(b"gone")),
        (alerts[0].datum, broken),
        (alerts[1].data, Envelope(b"a key that is no schema")),
    ]
    folder = archived(tmp_path, messages)
    refusal, alert = (item for batch in open_source(folder, store=open_store()) for item in batch)
    assert isinstance(refusal, Refusal)
    assert "The key of the message is no usable schema" in refusal.reason
    assert refusal.data == alerts[0].datum
    assert isinstance(alert, Packet)
    assert alert.origin == Origin(str(folder / "ztf-20260305.tar"), 1, "0/2.avro")
