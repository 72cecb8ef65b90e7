"""Stock subscribers, all at once: a released Comet, a released pygcn and a plain socket on one feed."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from processes import (
    PlainSubscriber,
    bridge_command,
    comet_command,
    ready_port,
    received_by_comet,
    running,
    saved_by_comet,
    wait_for,
)

from bridge.journal import JournalReader
from bridge.simulate import simulate
from bridge.streams import open_sink

RECEIVE_WITH_PYGCN = Path(__file__).parent.parent / "vtp" / "receive_with_pygcn.py"


@pytest.mark.interop
@pytest.mark.no_cover
def test_comet_and_pygcn_on_one_feed_get_every_event_byte_for_byte_as_it_is_in_the_journal(
    shared_data: Path, lsst_distribution: Path, tmp_path: Path
) -> None:
    inbox, packets, log = tmp_path / "in", tmp_path / "packets", tmp_path / "feed.log"
    for folder in (inbox, packets):
        folder.mkdir()
    feed = bridge_command(
        *("serve", "--from", inbox, "--journal", tmp_path / "feed.journal", "--newcomers", "start"),
        *("--interface", "127.0.0.1", "--broadcast", 0),
    )
    with running(feed, log) as process:
        port = ready_port(process, log)
        comet = comet_command(port, tmp_path / "comet", "ivo://subscriber.test/comet")
        pygcn = [sys.executable, str(RECEIVE_WITH_PYGCN), str(packets), str(port)]
        plain = PlainSubscriber(port, "ivo://subscriber.test/plain")
        plain.start()
        with running(comet, tmp_path / "comet.log"), running(pygcn, tmp_path / "pygcn.log"):
            # Both are there before the first alert: pygcn keeps no place, and would miss what came before it.
            wait_for(lambda: log.read_text().count(" connects") >= 3, "the subscribers")
            # Real alerts, VOEvents of others, and simulated alerts in wire format.
            with open_sink(inbox) as sink:
                for visit in simulate("lsst", visits=1, alerts=40, seed=9, backlog=30):
                    for alert in visit:
                        sink.write(alert.packet)
            for file in sorted((shared_data / "alerts").glob("*.avro")):
                part = inbox / f".{file.name}"
                part.write_bytes(file.read_bytes())
                part.rename(inbox / file.name)
            with JournalReader.open(tmp_path / "feed.journal") as journal:
                wait_for(lambda: len(journal.positions()) == 45, "all files to be read")
                entries = journal.read(0, 1000, max_bytes=1 << 30)
                assert len(entries) == 40 + 21
                wait_for(lambda: len(plain.events) >= len(entries), "the plain subscriber to have all")
                wait_for(lambda: len(list(packets.glob("*.xml"))) >= len(entries), "pygcn to have all")
                wait_for(lambda: saved_by_comet(tmp_path / "comet") >= len(entries), "Comet to have all")
        plain.stop()
    expected = Counter(entry.data for entry in entries)
    assert Counter(received_by_comet(tmp_path / "comet")) == expected
    assert Counter(path.read_bytes() for path in packets.glob("*.xml")) == expected
    assert plain.events == [(entry.ivorn, entry.data) for entry in entries]
