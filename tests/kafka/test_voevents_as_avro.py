"""VOEvents through topics as Avro: registered, filtered by value, archived, and XML again at the end."""

from __future__ import annotations

import json
import re
import shlex
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from committed import committed
from feeding import entries_of, feed_command
from kafka_broker import Broker
from lxml import etree
from processes import PlainSubscriber, bridge_command, ready_port, running, wait_for
from reading import settings
from registry_stand_in import StandIn

from bridge.cli import main
from bridge.validate import validate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "voevent-avro.md"
FROM_START = 'auto.offset.reset = "earliest"\n'
LEAST = 600_000
CONDITION = f"What.Param['TrigID'].value > {LEAST}"

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Runs a command; gives exit status, standard output, standard error."""
    # Answers of registries are kept on disk; those of one stand-in say nothing about another.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))

    def run(*words: object) -> tuple[int, str, str]:
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        out, err = capfdbinary.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, out.decode(), err.decode()

    return run


@pytest.fixture(scope="module")
def originals(shared_data: Path) -> list[bytes]:
    """Some hundred real VOEvents of all streams in the archive."""
    with tarfile.open(shared_data / "voevents/sample-2014-2016.tar.gz") as tar:
        members = [member for member in tar if member.isfile()][::12]
        return [tar.extractfile(member).read() for member in members]  # type: ignore[union-attr]


@pytest.fixture
def folder(originals: list[bytes], tmp_path: Path) -> Path:
    made = tmp_path / "voevents"
    made.mkdir()
    for number, xml in enumerate(originals):
        (made / f"{number:04}.xml").write_bytes(xml)
    return made


def canonical(packets: Iterable[bytes]) -> set[bytes]:
    """The canonical forms, comments included."""
    return {etree.tostring(etree.fromstring(xml), method="c14n", with_comments=True) for xml in packets}


def is_wanted(xml: bytes) -> bool:
    """What the condition says, by lxml alone: all Params of this name are looked at, the first decides."""
    values = etree.fromstring(xml).xpath("What/Param[@name='TrigID']/@value")
    return bool(values) and float(values[0]) > LEAST


@pytest.mark.interop
@pytest.mark.parametrize("framing", ["confluent", "ocf"])
def test_real_voevents_pass_topics_as_avro_and_reach_a_subscriber_as_they_were(
    kafka: Broker, topics: Any, folder: Path, originals: list[bytes], call: Call, tmp_path: Path, framing: str
) -> None:
    keeps_bytes = framing == "ocf"
    avro, log = tmp_path / "events.avro", tmp_path / "feed.log"
    log.touch()
    source, target = (f"kafka://{kafka.bootstrap}/{topics.new(name)}" for name in ("voevents", "sharp"))
    wanted = [xml for xml in originals if is_wanted(xml)]
    assert 50 < len(wanted) < len(originals) - 50
    with StandIn() as registry:
        assert call("convert", folder, "--to", "avro", "-o", avro, *["--keep-xml"] * keeps_bytes)[0] == 0
        words = ["--registry", registry.url, "--subject", "voevents-value"]
        status, out, err = call(
            *("produce", avro, "--to", source, "--framing", framing, "--json"),
            *(words if framing == "confluent" else ()),
        )
        assert status == 0, err
        assert json.loads(out)["messages"] == len(originals)
        named = {json.loads(sent["schema"])["namespace"] for sent in registry.sent}
        assert named == ({"org.voevent_bridge.voevent.v1"} if framing == "confluent" else set())
        asked = ("--once", "--schemas", registry.url, "--json")
        status, out, err = call("filter", "--from", source, "--to", target, "--where", CONDITION, *asked)
        assert status == 0, err
        assert json.loads(out)["kept"] == len(wanted)
        more = ("--broadcast", 0, "--schemas", registry.url)
        feed = feed_command(target, tmp_path, "feed", settings(tmp_path, FROM_START), *more)
        with running(feed, log) as process:
            subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/plain")
            subscriber.start()
            wait_for(lambda: len(subscriber.events) >= len(set(wanted)), "all VOEvents")
            subscriber.stop()
    received = [xml for _, xml in subscriber.events]
    assert canonical(received) == canonical(wanted)
    assert len(received) == len(canonical(wanted))
    if keeps_bytes:
        assert set(received) == set(wanted)


@pytest.mark.interop
def test_a_topic_of_voevents_is_shown_saved_archived_and_replayed(
    kafka: Broker, topics: Any, folder: Path, originals: list[bytes], call: Call, tmp_path: Path
) -> None:
    source, again = (f"kafka://{kafka.bootstrap}/{topics.new(name)}" for name in ("voevents", "again"))
    with StandIn() as registry:
        avro, known = tmp_path / "events.avro", ("--schemas", registry.url)
        assert call("convert", folder, "--to", "avro", "-o", avro)[0] == 0
        framed = ("--framing", "confluent", "--registry", registry.url)
        assert call("produce", avro, "--to", source, *framed)[0] == 0
        status, out, err = call("consume", source, "--once", "-o", tmp_path / "saved", "--json", *known)
        assert status == 0, err
        lines = [json.loads(line) for line in out.splitlines()[:-1]]
        roots = [etree.fromstring(xml) for xml in originals]
        assert {line["id"] for line in lines} == {root.get("ivorn") for root in roots}
        placed = [float(C1.text) for root in roots for C1 in root.iterfind(".//Position2D/Value2/C1")]
        assert sorted(line["ra_deg"] for line in lines if "ra_deg" in line) == sorted(placed)
        assert call("archive", source, "--once", "-o", tmp_path / "archive", *known)[0] == 0
        assert call("replay", tmp_path / "archive", "--to", again, "--speed", "max")[0] == 0
        assert call("consume", again, "--once", "-o", tmp_path / "replayed", "--quiet", *known)[0] == 0
        (night,) = (tmp_path / "archive").rglob("*.tar")
        for kept in (tmp_path / "saved", night, tmp_path / "replayed"):
            back = tmp_path / f"{kept.name}-as-xml"
            status, _, err = call("convert", kept, "-o", back, *known)
            assert status == 0, err
            assert canonical(path.read_bytes() for path in back.iterdir()) == canonical(originals), kept


@pytest.fixture
def good_and_bad(originals: list[bytes]) -> tuple[list[bytes], dict[bytes, list[str]]]:
    """Real VOEvents that are valid; and between them some that are not, each with what is found."""
    valid = [xml for xml in originals if validate(xml, words=False).passes()]
    spoilt = {
        xml.replace(b' role="', b' rule="').replace(b"<Who>", b"<Whom/><Who>"): ["rule", "Whom", "role"]
        for xml in valid[5:50:9]
    }
    return valid[:60], spoilt


@pytest.mark.interop
def test_a_strict_feed_passes_the_valid_and_keeps_the_others_with_all_findings(
    kafka: Broker,
    topics: Any,
    good_and_bad: tuple[list[bytes], dict[bytes, list[str]]],
    call: Call,
    tmp_path: Path,
) -> None:
    good, bad = good_and_bad
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for number, xml in enumerate([*good[:30], *bad, *good[30:]]):
        (mixed / f"{number:04}.xml").write_bytes(xml)
    source = f"kafka://{kafka.bootstrap}/{topics.new('voevents')}"
    with StandIn() as registry:
        avro, framed = tmp_path / "mixed.avro", ("--framing", "confluent", "--registry", registry.url)
        assert call("convert", mixed, "--to", "avro", "-o", avro, "--keep-xml")[0] == 0
        assert call("produce", avro, "--to", source, *framed)[0] == 0
        more = ("--broadcast", 0, "--once", "--strict", "--schemas", registry.url)
        feed = feed_command(source, tmp_path, "feed", settings(tmp_path), *more)
        with running(feed, tmp_path / "feed.log") as process:
            assert process.wait(60) == 1, (tmp_path / "feed.log").read_text()
        assert [entry.data for entry in entries_of(tmp_path, "feed")] == good
        notes = sorted((tmp_path / "feed.dead-letters").glob("*.json"), key=lambda path: path.name)
        assert len(notes) == len(bad)
        again = tmp_path / "dead-as-xml"
        dead = (tmp_path / "feed.dead-letters").glob("*.bin")
        assert call("convert", *dead, "-o", again, "--schemas", registry.url)[0] == 0
        assert {path.read_bytes() for path in again.iterdir()} == set(bad)
    for path, words in zip(notes, bad.values(), strict=True):
        note = json.loads(path.read_text())
        assert "not a valid VOEvent 2.0 (line " in note["reason"]
        for word in words:
            assert any(word in finding for finding in note["findings"]), (word, note["findings"])


@pytest.mark.interop
def test_a_strict_filter_sends_what_is_invalid_aside_with_all_findings(
    kafka: Broker, topics: Any, good_and_bad: tuple[list[bytes], dict[bytes, list[str]]], call: Call
) -> None:
    good, bad = good_and_bad
    hopeless = good[0].replace(b"<What>", b"<What>" + b'<Param name="a" dataType="flot"/>' * 2000, 1)
    assert hopeless != good[0]
    bad = {**bad, hopeless: ["'flot' is not one of"]}
    source, target, dead = (topics.new(name) for name in ("voevents", "valid", "dead"))
    topics.fill(source, *good[:30], *bad, *good[30:])
    at = f"kafka://{kafka.bootstrap}"
    words = ("--where", "ivorn IS NOT NULL", "--strict", "--once", "--dead-letters", f"{at}/{dead}", "--json")
    status, out, err = call("filter", "--from", f"{at}/{source}", "--to", f"{at}/{target}", *words)
    assert status == 1, err
    summary = json.loads(out)
    assert (summary["kept"], summary["refused"]) == (len(good), len(bad))
    assert [message.value for message in committed(kafka, target)] == good
    refused = committed(kafka, dead)
    assert [message.value for message in refused] == list(bad)
    for message, expected in zip(refused, bad.values(), strict=True):
        headers = {name: (value or b"").decode() for name, value in message.headers}
        assert "not a valid VOEvent 2.0 (line " in headers["reason"]
        assert len(headers["findings"]) < 11_000, "a broker takes only so much beside a packet"
        for word in expected:
            assert any(word in line for line in headers["findings"].splitlines()), (word, headers)


@pytest.mark.interop
@pytest.mark.no_cover
def test_the_session_on_the_page_runs_from_top_to_bottom(
    kafka: Broker,
    topics: Any,
    folder: Path,
    originals: list[bytes],
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    block = re.search(r"<!-- runs with kafka -->\n```console\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert block
    text = block[1]
    for name in ("voevents", "sharp"):
        text = re.sub(rf"kafka://localhost/{name}\b", f"kafka://{kafka.bootstrap}/{topics.new(name)}", text)
    wanted = {xml for xml in originals if is_wanted(xml)}
    valid = {xml for xml in wanted if validate(xml, words=False).passes()}
    with StandIn() as registry:
        lines = text.replace("http://localhost:8081", registry.url).splitlines()
        *before, last = (shlex.split(line.removeprefix("$ voevent-bridge ")) for line in lines)
        for words in before:
            status, _, err = call(*words)
            assert status == 0, (words, err)
        last += ["--broadcast", "0", "--interface", "127.0.0.1", "--journal", "feed.journal"]
        with running(bridge_command(*last), tmp_path / "feed.log") as process:
            assert process.wait(60) == int(valid != wanted), (tmp_path / "feed.log").read_text()
    assert {entry.data for entry in entries_of(tmp_path, "feed")} == valid
