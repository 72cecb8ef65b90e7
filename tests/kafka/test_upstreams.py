"""Each file of the page on upstreams at work on a real broker that asks for what the service asks for."""

from __future__ import annotations

import fcntl
import json
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from feeding import entries_of, identifiers
from gw_alerts import KINDS, gw_alert, in_avro
from kafka_broker import Broker
from kafka_config import PASSWORD, USER
from kafka_tokens import CLIENT_ID, CLIENT_SECRET, TokenEndPoint
from processes import bridge_command, ready_port, running, wait_for
from reading import QUICK, items, read_all
from registry_stand_in import StandIn

from bridge.alerts.lens import compile_lens
from bridge.alerts.ocf_write import frame_ocf
from bridge.alerts.packet import Packet
from bridge.alerts.store import SchemaStore, open_store
from bridge.errors import SourceError
from bridge.filters import FilterSet, parse_filter
from bridge.journal import JournalReader

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "upstreams.md").read_text(encoding="utf-8")
REGISTRY = "https://rubin-alert-schemas.slac.stanford.edu/schema-registry"
CREDENTIALS = {
    "LSST_KAFKA_USERNAME": USER,
    "LSST_KAFKA_PASSWORD": PASSWORD,
    "HOP_USERNAME": USER,
    "HOP_PASSWORD": PASSWORD,
    "ANTARES_API_KEY": USER,
    "ANTARES_API_SECRET": PASSWORD,
    "GCN_CLIENT_ID": CLIENT_ID,
    "GCN_CLIENT_SECRET": CLIENT_SECRET,
}


@dataclass
class Upstream:
    """A service as a broker plays it, and a feed with the service's file from the page.

    Parameters
    ----------
    broker
        Plays the service.
    topics
        Makes and fills its topics.
    folder
        Of the feed.
    """

    broker: Broker
    topics: Any
    folder: Path

    def configure(
        self, section: str, listener: str, settings: str = "", *, file: int = 0, **replaced: str
    ) -> str:
        """Write a file of a section, with the broker's address; gives the first topic."""
        found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
        assert found
        text = re.findall(r"^```toml\n(.*?)^```", found[1], re.M | re.S)[file]
        for written, real in replaced.items():
            assert text.count(written) == 1
            text = text.replace(written, real)
        source = re.search(r'^from = "kafka://[^/]*/(.*?)"', text, re.M)
        preset = re.search(r'^kafka_config = "(.*?)"', text, re.M)
        assert source
        assert preset
        there = f"kafka://{self.broker.address(listener)}/{source[1]}"
        text = re.sub(r'^from = ".*?"', f'from = "{there}"', text, flags=re.M)
        text = text.replace(preset[0], 'kafka_config = "here.toml"')
        (self.folder / "feed.toml").write_text(text)
        # What the broker of the tests has of its own: the alerts are there before the feed is.
        own = f'{QUICK}auto.offset.reset = "earliest"\n'
        (self.folder / "here.toml").write_text(f'preset = "{preset[1]}"\n{own}{settings}')
        self.where = re.findall(r'^where = "(.*?)"', text, re.M)
        self.journal = self.folder / re.findall(r'^file = "(.*?)\.journal"', text, re.M)[0]
        return source[1].split(",")[0]

    def passing(self, packets: list[Packet], path: str) -> list[str]:
        """Identifiers of the packets that meet the file's condition."""
        (where,) = self.where
        passes = FilterSet([parse_filter(where)]).compile(packets[0].schema)
        lens = compile_lens(packets[0].schema, (path,))
        return sorted(str(lens.read(p)[0]) for p in packets if passes(p.data, p.start, p.stop))

    @contextmanager
    def feed(self) -> Iterator[Path]:
        """The feed at work; gives its log."""
        log = self.folder / "feed.log"
        command = bridge_command("serve", self.folder / "feed.toml", "--broadcast", 0)
        with running([*command, "--interface", "127.0.0.1"], log) as process:
            ready_port(process, log)
            yield log

    def published(self, count: int) -> list[Any]:
        """Run the feed until it has published so many events; gives them."""
        with self.feed() as log:
            wait_for(lambda: self._count() >= count or "Traceback" in log.read_text(), f"{count} ({log})")
        return entries_of(self.folder, self.journal.name)

    def refused(self, count: int) -> list[str]:
        """Run the feed until so many messages are dead letters; gives them."""
        dead = self.folder / f"{self.journal.name}.dead-letters"
        with self.feed() as log:
            wait_for(lambda: len(list(dead.glob("*.json"))) >= count, f"{count} refused ({log})")
        return [path.read_text() for path in dead.glob("*.json")]

    def _count(self) -> int:
        try:
            with JournalReader.open(self.journal.with_suffix(".journal")) as reader:
                return reader.last_seq()
        except SourceError:
            return 0


@pytest.fixture
def upstream(kafka: Broker, topics: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    for name, value in {**CREDENTIALS, "ANTARES_CA_FILE": str(kafka.ca_file)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return Upstream(kafka, topics, tmp_path)


@pytest.fixture
def fresh(kafka: Broker, topics: Any) -> Iterator[Callable[[str], str]]:
    """Makes a topic of exactly a name, which goes with the test: other tests' patterns fit it, too."""
    made: list[str] = []

    def make(name: str) -> str:
        made.append(topics.new(name, exact=True))
        return name

    # Other processes run tests of this file on the same broker.
    with (kafka.folder / "upstreams.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield make
        for gone in topics.admin.delete_topics(made).values() if made else ():
            gone.result(60)
        wait_for(lambda: topics.admin.list_topics(timeout=10).topics.keys().isdisjoint(made), "topics to go")


def packets_of(path: Path, store: SchemaStore | None = None) -> list[Packet]:
    return [i for i in items(read_all(str(path), store=store or SchemaStore())) if isinstance(i, Packet)]


@pytest.mark.interop
def test_ztf_has_a_topic_a_night(upstream: Upstream, topics: Any, fresh: Any, shared_data: Path) -> None:
    topic = upstream.configure("ZTF", "PLAIN")
    packets = [p for path in sorted((shared_data / "alerts").glob("ztf-*.avro")) for p in packets_of(path)]
    night = fresh(topic.replace("{yyyymmdd}", time.strftime("%Y%m%d", time.gmtime())))
    topics.fill(night, *(packet.data for packet in packets))
    expected = upstream.passing(packets, "candid")
    assert expected
    assert sorted(identifiers(upstream.published(len(expected)))) == expected


@pytest.mark.interop
def test_rubin_has_a_password_and_a_registry(
    upstream: Upstream, topics: Any, fresh: Any, shared_data: Path, lsst_distribution: Path
) -> None:
    store = open_store(lsst_distribution)
    packets = packets_of(shared_data / "alerts/lsst-v10.0-framed", store)
    with StandIn() as registry:
        registry.put("/schemas/ids/1000", {"schema": packets[0].schema.text})
        topic = fresh(upstream.configure("Rubin", "SCRAM", **{REGISTRY: registry.url}))
        topics.fill(topic, *(packet.data for packet in packets))
        expected = upstream.passing(packets, "diaSourceId")
        assert expected
        assert sorted(identifiers(upstream.published(len(expected)))) == expected
        assert registry.asked == ["/schema-registry/schemas/ids/1000"]


@pytest.mark.interop
@pytest.mark.parametrize(
    ("file", "alerts", "path"),
    [(0, "fink-ztf-2019-11.avro", "candid"), (1, "fink-lsst-2026-03.avro", "diaSource.diaSourceId")],
    ids=["ztf", "lsst"],
)
def test_fink_puts_the_schema_into_the_key(
    upstream: Upstream, topics: Any, fresh: Any, shared_data: Path, file: int, alerts: str, path: str
) -> None:
    topic = fresh(upstream.configure("Fink", "PLAIN", file=file))
    packets = packets_of(shared_data / "alerts" / alerts)
    for packet in packets:
        topics.fill(topic, packet.datum, key=packet.schema.text)
    expected = upstream.passing(packets, path)
    assert expected
    assert sorted(identifiers(upstream.published(len(expected)))) == expected


@pytest.mark.interop
def test_lasair_sends_what_a_filter_selects(upstream: Upstream, topics: Any, fresh: Any) -> None:
    topic = fresh(upstream.configure("Lasair", "PLAIN"))
    rows = [{"diaObjectId": n, "ra": 10.5, "decl": -3.25, "UTC": "2026-03-05 08:12:33"} for n in (7, 8)]
    topics.fill(topic, b'{"diaObjectId": 6, "UTC": "2026-03-05 08:12:33"}')
    topics.fill(topic, *(json.dumps(row).encode() for row in rows))
    stems = [entry.ivorn.rpartition("-")[0] for entry in upstream.published(2)]
    assert stems == [f"ivo://org.example/lasair/lasair#{n}" for n in (7, 8)]
    assert "no position by any name that mapping 'lasair' knows" in upstream.refused(1)[0]


@pytest.mark.interop
def test_what_is_no_alert_is_named_and_kept(upstream: Upstream, topics: Any, fresh: Any) -> None:
    topic = fresh(upstream.configure("ANTARES", "PLAINTLS"))
    topics.fill(topic, b'{"diaObjectId": 1, "ra": 10.5, "decl": -3.25}', b"x\x9c of no use")
    assert len(upstream.refused(2)) == 2


@pytest.mark.interop
def test_gcn_gives_a_token_to_whoever_has_credentials(
    upstream: Upstream, fresh: Any, topics: Any, shared_data: Path
) -> None:
    with TokenEndPoint() as service:
        here = (
            f'security.protocol = "sasl_plaintext"\nsasl.oauthbearer.token.endpoint.url = "{service.url}"\n'
        )
        upstream.configure("GCN", "OAUTH", here)
        sent = voevents(shared_data, 20)
        topics.fill(fresh("gcn.classic.voevent.FERMI_GBM_FLT_POS"), *sent[:12])
        topics.fill(fresh("gcn.notices.svom.voevent.grm"), *sent[12:])
        assert sorted(entry.data for entry in upstream.published(len(sent))) == sorted(sent)
        assert service.given


@pytest.mark.interop
def test_gcn_s_json_becomes_voevents_with_sky_maps_and_citations(
    upstream: Upstream, fresh: Any, topics: Any, shared_data: Path
) -> None:
    notices = [path.read_bytes() for path in sorted((shared_data / "notices").glob("*.json"))]
    alerts = [gw_alert(kind, superevent="S230518h") for kind in KINDS]
    with TokenEndPoint() as service:
        here = (
            f'security.protocol = "sasl_plaintext"\nsasl.oauthbearer.token.endpoint.url = "{service.url}"\n'
        )
        # The topics of other tests are there as well.
        upstream.configure("GCN", "OAUTH", here, file=1, **{"gcn.notices.*": "gcn.notices.swift.*"})
        topics.fill(fresh("gcn.notices.swift.bat.guano"), *notices)
        topics.fill(fresh("igwn.gwalert"), *(json.dumps(alert).encode() for alert in alerts))
        entries = upstream.published(len(notices) + len(alerts))
    waves = [entry for entry in entries if entry.ivorn.startswith("ivo://gwnet/LVC#S230518h-")]
    assert [int(entry.ivorn.split("-")[1]) for entry in waves] == [1, 2, 3, 4, 5]
    assert waves[-1].data.count(b'cite="retraction"') == 4
    maps = sorted(path.name for path in (upstream.folder / "skymaps").iterdir())
    assert [name.split("-")[1] for name in maps] == ["1", "2", "3", "4"]
    assert len(entries) - len(waves) == len(notices)


@pytest.mark.interop
def test_hopskotch_has_a_password_under_tls(
    upstream: Upstream, fresh: Any, topics: Any, kafka: Broker, shared_data: Path
) -> None:
    topic = fresh(upstream.configure("Hopskotch", "SCRAMTLS", f'ssl.ca.location = "{kafka.ca_file}"\n'))
    sent = voevents(shared_data, 5)
    for number, event in enumerate(sent):
        topics.fill(topic, event, headers=[("_id", bytes([number]) * 16), ("_format", b"voevent")])
    # As LVK's alerts are there: Avro containers.
    wave = frame_ocf(in_avro(gw_alert("INITIAL", superevent="S230518h", search="AllSky")))
    topics.fill(topic, wave, headers=[("_id", b"w" * 16), ("_format", b"avro")])
    topics.fill(topic, wave, headers=[("_id", b"v" * 16), ("_format", b"avro"), ("_test", b"true")])
    entries = upstream.published(len(sent) + 1)
    assert [entry.data for entry in entries[:-1]] == sent
    assert (entries[-1].ivorn, entries[-1].role) == ("ivo://gwnet/LVC#S230518h-1-Initial", "observation")


def voevents(shared_data: Path, count: int) -> list[bytes]:
    """Different ones."""
    found: dict[bytes, None] = {}
    with tarfile.open(shared_data / "voevents/sample-2014-2016.tar.gz") as tar:
        for member in tar:
            if member.isfile() and len(found) < count:
                found[tar.extractfile(member).read()] = None  # type: ignore[union-attr]
    return list(found)
