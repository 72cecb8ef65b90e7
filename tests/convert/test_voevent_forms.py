"""VOEvents between XML, Avro and JSON on the command line, filtered in each form, and shown."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import fastavro
import pytest
from calling import Outcome, call

from bridge.voevent.model import VOEvent

Run = Callable[..., Outcome]

NAMESPACE = 'xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0"'


def packet(number: int, value: str) -> bytes:
    # Written as no program here writes, so that only kept bytes can be the same.
    return (
        f"<?xml version = '1.0'?>\n<voe:VOEvent   {NAMESPACE} ivorn='ivo://example.org/s#{number}' "
        f'role="test" version="2.0"><What><!-- odd --><Param value="{value}" name="signif"/></What>'
        "</voe:VOEvent>\n"
    ).encode()


@pytest.fixture
def packets(tmp_path: Path) -> Path:
    folder = tmp_path / "packets"
    folder.mkdir()
    for number, value in enumerate(("1.50", "9.5", "words", "12", "5.0")):
        (folder / f"{number}.xml").write_bytes(packet(number, value))
    return folder


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Outcome]:
    def command(*words: str | Path, status: int = 0) -> Outcome:
        outcome = call(capsysbinary, *map(str, words))
        assert outcome.status == status, outcome.err
        return outcome

    return command


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_a_folder_becomes_one_container_and_comes_back(run: Run, packets: Path, tmp_path: Path) -> None:
    run("convert", packets, "--to", "avro", "-o", tmp_path / "events.avro")
    with (tmp_path / "events.avro").open("rb") as file:
        records = list(fastavro.reader(file))
    assert [record["What"]["Param"][0]["value"] for record in records] == [1.5, 9.5, None, 12, 5.0]

    run("convert", tmp_path / "events.avro", "-o", tmp_path / "back")
    assert [VOEvent.parse(xml) for xml in contents(tmp_path / "back")] == [
        VOEvent.parse(xml) for xml in contents(packets)
    ]


@pytest.mark.parametrize("form", ["avro", "json"])
def test_kept_packets_come_back_byte_for_byte(run: Run, packets: Path, tmp_path: Path, form: str) -> None:
    run("convert", packets, "--to", form, "--keep-xml", "-o", tmp_path / "there")
    run("convert", tmp_path / "there", "-o", tmp_path / "back")

    assert [path.suffix for path in sorted((tmp_path / "there").iterdir())] == [f".{form}"] * 5
    assert contents(tmp_path / "back") == contents(packets)


def test_json_goes_to_standard_output_line_by_line(run: Run, packets: Path) -> None:
    lines = run("convert", packets, "--to", "json").out.splitlines()

    assert [json.loads(line)["ivorn"] for line in lines] == [f"ivo://example.org/s#{n}" for n in range(5)]


def test_a_container_goes_to_standard_output(run: Run, packets: Path) -> None:
    data = run("convert", packets, "--to", "avro").out

    assert len(list(fastavro.reader(io.BytesIO(data)))) == 5


@pytest.mark.parametrize(
    ("to", "name"), [("avro", "x.json"), ("json", "x.avro"), ("voevent", "x.avro"), ("json", "x.jsonl")]
)
def test_a_name_that_does_not_fit_the_form_is_refused(
    run: Run, packets: Path, tmp_path: Path, to: str, name: str
) -> None:
    run("convert", packets, "--to", to, "-o", tmp_path / name, status=2)
    assert not (tmp_path / name).exists()


def test_xml_is_filtered_by_its_params_and_kept_byte_for_byte(
    run: Run, packets: Path, tmp_path: Path
) -> None:
    where = ("--where", "What.Param['signif'].value > 5")
    run("filter", "--from", packets, "--to", tmp_path / "kept", *where)

    assert contents(tmp_path / "kept") == [packet(1, "9.5"), packet(3, "12")]
    assert {path.suffix for path in (tmp_path / "kept").iterdir()} == {".xml"}


def test_avro_is_filtered_by_the_same_text(run: Run, packets: Path, tmp_path: Path) -> None:
    run("convert", packets, "--to", "avro", "-o", tmp_path / "events.avro")
    condition = "What.Param['signif'].value > 5 OR What.Param['signif'].text = 'words'"
    run("filter", "--from", tmp_path / "events.avro", "--to", tmp_path / "kept.avro", "--where", condition)

    with (tmp_path / "kept.avro").open("rb") as file:
        assert [record["ivorn"][-1] for record in fastavro.reader(file)] == ["1", "2", "3"]


def test_convert_filters_voevents_too(run: Run, packets: Path, tmp_path: Path) -> None:
    run("convert", packets, "-o", tmp_path / "kept", "--where", "What.Param['signif'].value > 5")

    assert contents(tmp_path / "kept") == [packet(1, "9.5"), packet(3, "12")]


def test_a_filter_for_voevents_with_a_wrong_name_is_told(run: Run, packets: Path, tmp_path: Path) -> None:
    for command in (["filter", "--from", packets, "--to"], ["convert", packets, "-o"]):
        result = run(*command, tmp_path / "kept", "--where", "What.Parm['signif'].value > 5", status=2)
        assert "'What' has no 'Parm'" in result.err


def test_a_filter_for_alerts_lets_voevents_through_convert_and_refuses_them_in_filter(
    run: Run, packets: Path, tmp_path: Path
) -> None:
    run("convert", packets, "-o", tmp_path / "all", "--where", "candidate.rb > 0.5")
    assert contents(tmp_path / "all") == contents(packets)

    result = run(
        "filter", "--from", packets, "--to", tmp_path / "none", "--where", "candidate.rb > 0.5", status=1
    )
    assert "no filter is for VOEvents" in result.err


def test_a_strict_filter_refuses_what_meets_the_condition_and_is_not_valid(
    run: Run, packets: Path, tmp_path: Path
) -> None:
    spoilt = {number: packet(number, "7").replace(b"<What>", b"<What><Parm/>") for number in (5, 6)}
    spoilt[6] = spoilt[6].replace(b'"7"', b'"1"')
    for number, xml in spoilt.items():
        (packets / f"{number}.xml").write_bytes(xml)
    run("convert", packets, "--to", "avro", "--keep-xml", "-o", tmp_path / "events.avro")

    for source in (packets, tmp_path / "events.avro"):
        kept, dead = tmp_path / f"{source.name}-kept", tmp_path / f"{source.name}-dead"
        words = ("--where", "What.Param['signif'].value > 5", "--strict", "--dead-letters", dead)
        result = run("filter", "--from", source, "--to", kept, *words, status=1)
        assert "7 read, 2 kept, 1 refused" in result.err
        (note,) = (json.loads(path.read_bytes()) for path in dead.glob("*.json"))
        assert "not a valid VOEvent 2.0 (line 2: Parm may not stand here" in note["reason"]
        assert any("Parm" in finding for finding in note["findings"])
        run("convert", *dead.glob("*.bin"), "-o", tmp_path / f"{source.name}-again")
        assert contents(tmp_path / f"{source.name}-again") == [spoilt[5]]


def test_an_event_in_avro_is_shown_as_the_event_that_it_is(run: Run, packets: Path, tmp_path: Path) -> None:
    run("convert", packets, "--to", "avro", "-o", tmp_path / "events.avro")
    shown = json.loads(run("inspect", tmp_path / "events.avro", "--index", "1", "--json").out)

    assert shown["kind"] == "voevent"
    assert "ivo://example.org/s#1" in shown["title"]


def test_a_tar_of_json_is_written_and_read(run: Run, packets: Path, tmp_path: Path) -> None:
    run("convert", packets, "--to", "json", "-o", tmp_path / "events.tar.gz")
    with tarfile.open(tmp_path / "events.tar.gz") as archive:
        assert [name.rpartition(".")[2] for name in archive.getnames()] == ["json"] * 5
    run("convert", tmp_path / "events.tar.gz", "-o", tmp_path / "back")

    assert len(contents(tmp_path / "back")) == 5


def test_json_that_is_no_event_costs_itself(run: Run, packets: Path, tmp_path: Path) -> None:
    bad = {"$schema": "org.voevent_bridge.voevent.v1", "What": {"Param": [{"name": 3}]}}
    (packets / "bad.json").write_text(json.dumps(bad))
    result = run("convert", packets, "-o", tmp_path / "back", status=1)

    assert "What.Param[0].name must be text" in result.err
    assert len(contents(tmp_path / "back")) == 5
