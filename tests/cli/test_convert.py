"""``convert`` as a user calls it: any input to any output, and every mistake in a sentence."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Outcome, call, contents, make_tar, relayable, without_dates
from lxml import etree
from packets import GOOD, RICH_21

from bridge.alerts.packet import Packet
from bridge.alerts.store import SchemaStore
from bridge.simulate import simulate
from bridge.streams import open_sink, open_source
from bridge.validate import validate

Convert = Callable[..., Outcome]

# IVORNs that the real alerts must come out under, whatever they came in.
ZTF = {
    "ztf-472263571115115000.avro",
    "ztf-ZTF19acihgng.avro",
    "ztf-739260766315010006.avro",
}


@pytest.fixture
def convert(capsysbinary: pytest.CaptureFixture[bytes]) -> Convert:
    return lambda *words: call(capsysbinary, "convert", *words)


@pytest.fixture
def alerts(shared_data: Path) -> Path:
    return shared_data / "alerts"


@pytest.fixture
def one(alerts: Path) -> Path:
    return alerts / "ztf-ZTF19acihgng.avro"


def ivorns(packets: bytes) -> list[str]:
    """Of the packets that follow one another on standard output."""
    texts = packets.split(b"<?xml")[1:]
    return [str(etree.fromstring(b"<?xml" + text).get("ivorn")) for text in texts]


def same(first: dict[str, bytes], second: dict[str, bytes]) -> bool:
    return {n: without_dates(c) for n, c in first.items()} == {n: without_dates(c) for n, c in second.items()}


def test_a_folder_of_all_real_alerts_becomes_one_file_per_event(
    convert: Convert, alerts: Path, lsst_distribution: Path, tmp_path: Path
) -> None:
    outcome = convert(alerts, "-o", tmp_path / "out")
    assert outcome.status == 0
    assert "28 read, 28 written" in outcome.err
    assert "0 refused" in outcome.err
    files = contents(tmp_path / "out")
    assert len(files) == 28
    for content in files.values():
        assert len(content) < 100_000
        assert etree.QName(etree.fromstring(content)).localname == "VOEvent"


def test_one_alert_goes_to_standard_output_by_default(convert: Convert, one: Path) -> None:
    outcome = convert(one)
    assert outcome.status == 0
    assert len(ivorns(outcome.out)) == 1


def inputs_of(files: dict[str, bytes], folder: Path) -> dict[str, Path]:
    """The same alerts as files of every kind."""
    loose = folder / "loose" / "deep"
    loose.mkdir(parents=True)
    for name, content in files.items():
        (loose / name).write_bytes(content)
    zipped = folder / "zipped"
    zipped.mkdir()
    for name, content in files.items():
        (zipped / f"{name}.gz").write_bytes(gzip.compress(content))
    tar = make_tar(folder / "night.tar", files)
    twice = folder / "night.bin"
    twice.write_bytes(gzip.compress(tar.read_bytes()))
    return {
        "folder": folder / "loose",
        "gzipped files": zipped,
        "tar": tar,
        "tar.gz": make_tar(folder / "night.tar.gz", files, "w:gz"),
        "tar.bz2": make_tar(folder / "night.tbz", files, "w:bz2"),
        "tar.xz": make_tar(folder / "night.txz", files, "w:xz"),
        "tar in gzip by any name": twice,
    }


def test_every_kind_of_input_to_every_kind_of_output_gives_the_same_events(
    convert: Convert, alerts: Path, tmp_path: Path
) -> None:
    files = {name: (alerts / name).read_bytes() for name in sorted(ZTF)}
    inputs = inputs_of(files, tmp_path)
    expected: dict[str, bytes] = {}
    for number, (kind, path) in enumerate(inputs.items()):
        out = tmp_path / f"out{number}"
        assert convert(path, "-o", out).status == 0, kind
        expected = expected or contents(out)
        assert len(expected) == 3
        assert same(contents(out), expected), kind
    for name in ("events.tar", "events.tar.gz", "events.tgz"):
        assert convert(inputs["folder"], "-o", tmp_path / name).status == 0
        with tarfile.open(tmp_path / name) as tar:
            members = {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
        assert same(members, expected), name
    outcome = convert(inputs["tar"], "-o", "-")
    assert sorted(ivorns(outcome.out)) == sorted(ivorns(b"".join(expected.values())))
    assert convert(inputs["tar"], inputs["folder"], "-o", tmp_path / "both").status == 0
    assert same(contents(tmp_path / "both"), expected)


def test_one_event_goes_into_an_xml_file_and_a_second_does_not(
    convert: Convert, alerts: Path, one: Path, tmp_path: Path
) -> None:
    assert convert(one, "-o", tmp_path / "event.xml").status == 0
    assert ivorns((tmp_path / "event.xml").read_bytes())
    outcome = convert(alerts / "fink-ztf-2019-11.avro", "-o", tmp_path / "more.xml")
    assert outcome.status == 1
    assert "room for one" in outcome.err


def test_standard_input_is_read_as_what_it_is(one: Path) -> None:
    command = [sys.executable, "-m", "bridge", "convert", "-"]
    done = subprocess.run(command, input=one.read_bytes(), capture_output=True, check=False)
    assert done.returncode == 0
    assert len(ivorns(done.stdout)) == 1


def test_a_record_of_many_comes_out_as_it_does_alone(convert: Convert, alerts: Path, tmp_path: Path) -> None:
    assert convert(alerts / "fink-lsst-2026-03.avro", "-o", tmp_path / "a").status == 0
    kept = tmp_path / "kept"
    with open_sink(kept) as sink:
        for batch in open_source(alerts / "fink-lsst-2026-03.avro", store=SchemaStore()):
            for item in batch:
                assert isinstance(item, Packet)
                sink.write(item)
    assert convert(kept, "-o", tmp_path / "b").status == 0
    assert len(contents(tmp_path / "a")) == 7
    assert same(contents(tmp_path / "a"), contents(tmp_path / "b"))


def test_relayed_voevents_come_out_byte_for_byte_every_edition_of_them(
    convert: Convert, shared_data: Path, tmp_path: Path
) -> None:
    archive = shared_data / "voevents" / "sample-2014-2016.tar.gz"
    with tarfile.open(archive) as tar:
        originals = {tar.extractfile(info).read() for info in tar if info.isfile()}  # type: ignore[union-attr]
    outcome = convert(archive, "-o", tmp_path / "out", "--jobs", 1)
    assert outcome.status == 0
    assert set(contents(tmp_path / "out").values()) == originals


def test_two_editions_of_one_ivorn_are_two_files_and_a_copy_is_none(convert: Convert, tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    for name, text in (("a", "first"), ("b", "second"), ("c", "first"), ("d", "third")):
        (inbox / f"{name}.xml").write_bytes(relayable(1, text))
    outcome = convert(inbox, "-o", tmp_path / "out", "--json")
    document = json.loads(outcome.out)
    assert (outcome.status, document["written"], document["duplicates"]) == (0, 3, 1)
    assert set(contents(tmp_path / "out").values()) == {relayable(1, t) for t in ("first", "second", "third")}
    outcome = convert(inbox, "-o", tmp_path / "out.tar")
    assert "3 written, 1 written before" in outcome.err


def test_an_alert_that_comes_twice_is_written_once_and_another_content_is_refused(
    convert: Convert, one: Path, tmp_path: Path
) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    data = one.read_bytes()
    (inbox / "a.avro").write_bytes(data)
    (inbox / "b.avro").write_bytes(data)
    outcome = convert(inbox, "-o", tmp_path / "out", "--json")
    assert (outcome.status, json.loads(outcome.out)["duplicates"]) == (0, 1)
    # One bit of the last cutout's last byte.
    (inbox / "c.avro").write_bytes(data[:-17] + bytes([data[-17] ^ 1]) + data[-16:])
    outcome = convert(inbox, "-o", tmp_path / "out")
    assert outcome.status == 1
    assert "another content" in outcome.err
    assert len(contents(tmp_path / "out")) == 1


def test_strict_refuses_voevents_that_are_not_valid(convert: Convert, tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "good.xml").write_bytes(relayable(1))
    (inbox / "bad.xml").write_bytes(relayable(2).replace(b"<Who>", b"<Whom/><Who>"))
    assert convert(inbox, "-o", tmp_path / "all").status == 0
    outcome = convert(inbox, "-o", tmp_path / "strict", "--strict")
    assert outcome.status == 1
    assert "bad.xml#0: it is not a valid VOEvent 2.0 (line " in outcome.err
    assert list(contents(tmp_path / "strict").values()) == [relayable(1)]


def test_a_condition_keeps_some_and_counts_the_others(convert: Convert, alerts: Path, tmp_path: Path) -> None:
    outcome = convert(
        alerts / "fink-ztf-2019-11.avro", "-o", tmp_path / "out", "--where", "candidate.magpsf < 18", "--json"
    )
    document = json.loads(outcome.out)
    assert outcome.status == 0
    assert document["read"] == 11 == document["written"] + document["dropped"]
    assert 0 < document["written"] < 11
    assert document["bytes_out"] == sum(map(len, contents(tmp_path / "out").values()))


def test_a_mistyped_field_is_named_with_the_nearest(convert: Convert, one: Path, tmp_path: Path) -> None:
    outcome = convert(one, "-o", tmp_path / "out", "--where", "candidate.magps < 18")
    assert outcome.status == 2
    assert "candidate.magpsf" in outcome.err
    assert contents(tmp_path / "out") == {}


def test_what_cannot_be_read_is_named_and_the_rest_is_done(
    convert: Convert, one: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.avro"
    outcome = convert(missing, one, "-o", tmp_path / "out", "--dead-letters", tmp_path / "dead", "--json")
    assert outcome.status == 1
    assert f"Refused {missing}#0: {missing} cannot be read (No such file or directory)." in outcome.err
    assert json.loads(outcome.out)["written"] == 1
    assert len(contents(tmp_path / "out")) == 1


def test_of_many_refused_items_twenty_are_named(convert: Convert, tmp_path: Path) -> None:
    tar = make_tar(tmp_path / "bad.tar", {f"{n}.txt": b"nothing" for n in range(30)})
    outcome = convert(tar, "-o", tmp_path / "out", "--dead-letters", tmp_path / "dead")
    assert outcome.status == 1
    assert outcome.err.count("Refused ") == 21
    assert "Refused 10 more." in outcome.err
    assert len(contents(tmp_path / "dead")) == 60


def test_equal_bytes_on_one_and_on_two_processes(
    convert: Convert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.convert.run.ALONE_S", 0.0)
    files = {
        f"{survey}-{alert.identifier}.avro": alert.data
        for survey in ("ztf", "lsst")
        for visit in simulate(survey, visits=1, alerts=120, seed=8, backlog=10)
        for alert in visit
    } | {"z.xml": relayable(1), "zz.txt": b"nothing"}
    tar = make_tar(tmp_path / "in.tar", files)
    summaries = []
    for jobs in (1, 2):
        outcome = convert(tar, "-o", tmp_path / f"{jobs}.tar", "--jobs", jobs, "--json")
        assert outcome.status == 1
        summary = json.loads(outcome.out)
        del summary["seconds"]
        summaries.append(summary)
    assert summaries[0] == summaries[1]
    unpacked = []
    for jobs in (1, 2):
        with tarfile.open(tmp_path / f"{jobs}.tar") as tar_out:
            unpacked.append(
                [(info.name, without_dates(tar_out.extractfile(info).read())) for info in tar_out]  # type: ignore[union-attr]
            )
    assert len(unpacked[0]) == 241
    assert unpacked[0] == unpacked[1]


def test_history_role_author_and_mapping_are_as_asked(convert: Convert, one: Path, tmp_path: Path) -> None:
    asked = (
        "--history",
        "none",
        "--role",
        "test",
        "--local-ivo",
        "ivo://org.example/x",
        "--mapping",
        "generic",
    )
    root = etree.fromstring(convert(one, *asked).out)
    assert root.get("role") == "test"
    assert str(root.get("ivorn")).startswith("ivo://org.example/x/")
    assert len(convert(one, "--history", "all").out) > len(convert(one, "--history", "none").out)


def test_cutouts_go_into_a_folder(convert: Convert, one: Path, tmp_path: Path) -> None:
    outcome = convert(one, "--cutouts", tmp_path / "stamps", "-o", tmp_path / "out")
    assert outcome.status == 0
    assert any(path.is_file() for path in (tmp_path / "stamps").rglob("*"))


def test_a_bare_message_needs_its_schema(convert: Convert, alerts: Path, tmp_path: Path) -> None:
    import fastavro
    import fastavro.schema

    with (alerts / "ztf-ZTF19acihgng.avro").open("rb") as file:
        reader = fastavro.reader(file)
        schema = json.loads(reader.metadata["avro.schema"])
        record = next(reader)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    (tmp_path / "bare.bin").write_bytes(out.getvalue())
    (tmp_path / "ztf.avsc").write_text(json.dumps(schema))
    without = convert(tmp_path / "bare.bin")
    assert without.status == 1
    assert "say which schema wrote it" in without.err
    assert convert(tmp_path / "bare.bin", "--schema", tmp_path / "ztf.avsc").status == 0


MISTAKES: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "broker in": (2, "cannot be read by this version", ("vtp://host:8099",)),
    "broker out": (2, "cannot be written by this version", ("{one}", "-o", "kafka://host/topic")),
    "empty input": (2, "name is empty", ("",)),
    "empty output": (2, "empty name", ("{one}", "-o", "")),
    "json on stdout": (2, "--json needs -o", ("{one}", "--json")),
    "unknown mapping": (2, "Did you mean 'ztf'", ("{one}", "--mapping", "ztff")),
    "mapping is a folder": (2, "cannot be read", ("{one}", "--mapping", "{tmp}/")),
    "no number": (2, "neither 'all', 'none' nor a number", ("{one}", "--history", "²")),
    "negative history": (2, "neither 'all', 'none' nor a number", ("{one}", "--history", "-5")),
    "negative jobs": (2, "not in the range", ("{one}", "--jobs", "-1")),
    "bad author": (2, "author identifier", ("{one}", "--local-ivo", "http://x")),
    "bad expression": (2, "Filter", ("{one}", "--where", "candidate.magpsf <")),
    "bad URL for cutouts": (2, "URL", ("{one}", "--cutouts", "https://x.org/")),
    "bad registry": (2, "neither a folder nor the URL", ("{one}", "--schemas", "ftp://x")),
    "schema is no schema": (2, "--schema", ("{one}", "--schema", "/dev/null")),
    "schema is a folder": (2, "Is a directory", ("{one}", "--schema", "{tmp}")),
    "dead letters are a file": (2, "is a file", ("{one}", "--dead-letters", "{one}")),
    "output is a file": (2, "cannot take VOEvents", ("{one}", "-o", "{one}")),
    "output below a file": (1, "cannot be written", ("{one}", "-o", "{one}/below")),
    "tar in no folder": (1, "cannot be written", ("{one}", "-o", "{tmp}/no/x.tar")),
    "cutouts below a file": (1, "Cutouts cannot be written", ("{one}", "--cutouts", "{one}/below")),
    "no input": (2, "Missing argument", ()),
    "unknown option": (2, "No such option", ("{one}", "--wear")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_one_sentence(convert: Convert, one: Path, tmp_path: Path, mistake: str) -> None:
    status, sentence, words = MISTAKES[mistake]
    outcome = convert(*(word.format(one=one, tmp=tmp_path) for word in words))
    assert outcome.status == status
    assert sentence in " ".join(outcome.err.split())
    assert outcome.out == b""


def test_huge_numbers_do_no_harm(convert: Convert, one: Path, tmp_path: Path) -> None:
    assert convert(one, "--history", "9" * 40, "--jobs", "100000", "-o", tmp_path / "out").status == 0


def test_names_that_are_not_utf8_are_named_all_the_same(convert: Convert, one: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    raw = os.fsencode(inbox)
    (inbox / os.fsdecode(b"good\xff.avro")).write_bytes(one.read_bytes())
    (inbox / os.fsdecode(b"bad\xff.avro")).write_bytes(b"nothing")
    outcome = convert(inbox, "-o", tmp_path / "out", "--dead-letters", tmp_path / "dead")
    assert outcome.status == 1
    assert f"Refused {raw.decode()}/bad" in outcome.err
    assert len(contents(tmp_path / "out")) == 1
    assert len(contents(tmp_path / "dead")) == 2


@pytest.mark.parametrize(
    ("redirection", "status", "sentence"),
    [
        ("<&-", 2, b"no standard input"),
        (">&-", 2, b"no standard output"),
        ("2>&-", 0, b""),
        ("| head -c 10", 0, b""),
    ],
)
def test_closed_and_broken_pipes(one: Path, redirection: str, status: int, sentence: bytes) -> None:
    source = "-" if redirection == "<&-" else str(one)
    line = f'set -o pipefail; "{sys.executable}" -m bridge convert "{source}" {redirection}'
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Error" not in done.stderr or sentence


def test_to_version_converts_and_names_what_is_lost(convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xml").write_text(GOOD)
    (tmp_path / "in" / "b.xml").write_text(RICH_21)
    out = tmp_path / "out"
    outcome = convert(str(tmp_path / "in"), "--to-version", "2.0", "-o", str(out), "--json")
    assert outcome.status == 0
    document = json.loads(outcome.out)
    assert document["written"] == 2
    (lost,) = document["lost"]
    assert lost["ivorn"] == "ivo://example.org/s?1"
    assert "PositionName goes (M31)." in lost["what"]
    assert "Lost from ivo://example.org/s?1: Contributor@role='Researcher' goes." in outcome.err
    written = [path.read_bytes() for path in out.rglob("*.xml")]
    assert len(written) == 2
    assert all(validate(xml).version == "2.0" and validate(xml).passes() for xml in written)
    assert GOOD.encode() in written


def test_alerts_can_be_written_in_2_1(convert: Convert, one: Path) -> None:
    outcome = convert(str(one), "--to-version", "2.1")
    verdict = validate(outcome.out)
    assert verdict.version == "2.1"
    assert [each.rule.id for each in verdict.findings] == ["new-version"]
