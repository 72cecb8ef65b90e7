"""Notices through a whole feed: to a stock Comet, over a restart, with dead letters for what cannot be."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from calling import without_dates
from gw_alerts import KINDS, gw_alert
from lxml import etree
from notice_packets import cited, params_of
from processes import (
    bridge_command,
    comet_command,
    ready_port,
    received_by_comet,
    running,
    saved_by_comet,
    wait_for,
)

from bridge.alerts.store import SchemaStore
from bridge.convert import convert, open_event_sink, read_inputs
from bridge.journal import JournalReader
from bridge.journal.entry import Entry
from bridge.pipeline import Plan
from bridge.simulate import simulate
from bridge.streams import open_sink


def put(inbox: Path, name: str, content: bytes) -> None:
    part = inbox / f".{name}"
    part.write_bytes(content)
    part.rename(inbox / name)


def entries_of(journal: Path) -> list[Entry]:
    with JournalReader.open(journal) as reader:
        return reader.read(0, 1000, max_bytes=1 << 30)


@pytest.mark.interop
@pytest.mark.no_cover
def test_a_stock_comet_takes_notices_and_a_restarted_feed_goes_on_counting_and_citing(
    shared_data: Path, tmp_path: Path
) -> None:
    inbox, journal, log = tmp_path / "in", tmp_path / "feed.journal", tmp_path / "feed.log"
    inbox.mkdir()
    log.touch()
    feed = bridge_command(
        *("serve", "--from", inbox, "--journal", journal, "--newcomers", "start", "--cutouts"),
        *(tmp_path / "maps", "--cutouts-url", "https://example.org/maps", "--interface", "127.0.0.1"),
        *("--broadcast", 0, "--local-ivo", "ivo://org.example/feed"),
    )
    alerts = {kind: json.dumps(gw_alert(kind, superevent="S230518h")).encode() for kind in KINDS}
    notices = {path.name: path.read_bytes() for path in (shared_data / "notices").glob("*.json")}
    with running(feed, log) as process:
        port = ready_port(process, log)
        with running(
            comet_command(port, tmp_path / "comet", "ivo://subscriber.test/comet"), tmp_path / "c.log"
        ):
            wait_for(lambda: " connects" in log.read_text(), "Comet")
            for kind in KINDS[:3]:
                put(inbox, f"{kind}.json", alerts[kind])
            for name, content in notices.items():
                put(inbox, name, content)
            put(inbox, "nothing.json", b'{"hello": "world"}')
            put(inbox, "again.json", b" " + alerts["INITIAL"])
            wait_for(lambda: saved_by_comet(tmp_path / "comet") >= 11, "Comet to have all")
        first = Counter(received_by_comet(tmp_path / "comet"))
    skip = log.stat().st_size
    with running(feed, log) as process:
        ready_port(process, log, skip)
        put(inbox, "z-update.json", alerts["UPDATE"])
        wait_for(lambda: len(entries_of(journal)) == 12, "the update")
        put(inbox, "z-retraction.json", alerts["RETRACTION"])
        wait_for(lambda: len(entries_of(journal)) == 13, "the retraction")
    entries = entries_of(journal)
    assert Counter(entry.data for entry in entries[:11]) == first
    waves = {entry.ivorn: etree.fromstring(entry.data) for entry in entries if "gwnet" in entry.ivorn}
    # Files of a folder come in any order; those after the restart go on from the first three.
    assert sorted(int(params_of(root)["Pkt_Ser_Num"]) for root in waves.values()) == [1, 2, 3, 4, 5]
    update, retraction = list(waves)[3:]
    assert update == "ivo://gwnet/LVC#S230518h-4-Update"
    assert retraction == "ivo://gwnet/LVC#S230518h-5-Retraction"
    assert cited(waves[update]) == [("supersedes", ivorn) for ivorn in list(waves)[:3]]
    assert cited(waves[retraction]) == [("retraction", ivorn) for ivorn in list(waves)[:4]]
    assert waves[retraction].findtext(".//ISOTime") == "2018-11-01T22:22:46.654"
    url = params_of(waves[update])["skymap_fits"]
    assert (tmp_path / "maps" / url.removeprefix("https://example.org/maps/")).is_file()
    (reason,) = (tmp_path / "feed.dead-letters").glob("*.json")
    assert "no position by any name" in reason.read_text()


@pytest.mark.no_cover
def test_convert_counts_and_cites_in_the_order_of_its_inputs_on_any_number_of_cores(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(30):
        for index, kind in enumerate(KINDS):
            alert = gw_alert(kind, superevent=f"S2305{number:02d}a")
            (source / f"{number:03d}-{index}.json").write_text(json.dumps(alert))
    with open_sink(source) as sink:
        for visit in simulate("ztf", visits=1, alerts=120, seed=2):
            for packet in visit:
                sink.write(packet.packet)
    alone, together = (converted(source, tmp_path / str(jobs), jobs) for jobs in (1, 2))
    assert alone == together
    assert len(alone) == 150 + 120
    last = etree.fromstring(alone["gwnet_LVC+S230507a-5-Retraction.xml"])
    assert len(cited(last)) == 4


def converted(source: Path, target: Path, jobs: int) -> dict[str, bytes]:
    """The events of a folder by their file names, without the time of writing."""

    def refuse(refusal: object) -> None:
        raise AssertionError(refusal)

    batches = read_inputs([str(source)], SchemaStore())
    with open_event_sink(str(target)) as sink:
        convert(batches, Plan(), write=sink.write, refuse=refuse, jobs=jobs, alone_s=0)
    return {path.name: without_dates(path.read_bytes()) for path in target.iterdir()}
