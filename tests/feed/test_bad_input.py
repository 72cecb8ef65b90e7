"""All that can be wrong with input, at once: each costs one packet and one sentence, and the rest goes on."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastavro
import pytest
from calling import contents, make_tar, relayable
from processes import bridge_command
from real_alerts import decoded, load_lsst_schema, lsst_packets

from bridge.journal import JournalReader


@dataclass
class Mess:
    """A folder of good and bad files; what the reason of each bad one must say."""

    folder: Path
    good: int = 0
    bad: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, content: bytes, reason: str = "") -> None:
        (self.folder / name).write_bytes(content)
        if reason:
            self.bad[name] = reason
        else:
            self.good += 1


def as_lsst_9(record: dict[str, Any], distribution: Path) -> bytes:
    """A real alert of schema 10.0 in the wire format of 9.0, as far as 9.0 has its fields."""
    schema = load_lsst_schema(distribution, 9, 0)
    out = io.BytesIO()
    parsed = fastavro.parse_schema(json.loads(schema.text))
    defaults = filled(parsed, record)
    fastavro.schemaless_writer(out, parsed, defaults)
    return b"\0" + struct.pack(">I", 900) + out.getvalue()


def filled(schema: Any, value: Any) -> Any:
    """A value for a schema: what it has of the fields, and zeros for those that it lacks."""
    if isinstance(schema, list):
        if value is None and "null" in schema:
            return None
        return filled(next(branch for branch in schema if branch != "null"), value)
    kind = schema if isinstance(schema, str) else schema["type"]
    if isinstance(kind, (dict, list)):
        return filled(kind, value)
    if kind == "record":
        given = value if isinstance(value, dict) else {}
        return {each["name"]: filled(each["type"], given.get(each["name"])) for each in schema["fields"]}
    if kind == "array":
        return [filled(schema["items"], each) for each in value or ()]
    if value is not None:
        return value
    return {"string": "", "bytes": b"", "boolean": False, "long": 0, "int": 0}.get(kind, 0.0)


def edited(file: Path, **changes: Any) -> bytes:
    """A real ZTF alert with other values in its candidate."""
    with file.open("rb") as stream:
        reader = fastavro.reader(stream)
        schema = json.loads(reader.metadata["avro.schema"])
        record = next(reader)
    assert isinstance(record, dict)
    for path, value in changes.items():
        inner, _, name = path.rpartition("__")
        (record[inner] if inner else record)[name] = value
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), [record])
    return out.getvalue()


def without_id(file: Path) -> bytes:
    """A real ZTF alert whose schema lacks the alert's number."""
    with file.open("rb") as stream:
        reader = fastavro.reader(stream)
        schema = json.loads(reader.metadata["avro.schema"])
        record = next(reader)
    assert isinstance(record, dict)
    schema["fields"] = [each for each in schema["fields"] if each["name"] != "candid"]
    del record["candid"]
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), [record])
    return out.getvalue()


@pytest.fixture
def mess(shared_data: Path, lsst_distribution: Path, tmp_path: Path) -> Mess:
    alerts = shared_data / "alerts"
    ztf = alerts / "ztf-ZTF19acihgng.avro"
    other = alerts / "ztf-739260766315010006.avro"
    wire = sorted((alerts / "lsst-v10.0-framed").glob("*.bin"))
    made = Mess(tmp_path / "in")
    made.folder.mkdir()
    made.put("good.avro", ztf.read_bytes())
    made.put("good.xml", relayable(1))
    made.put("good.bin", wire[0].read_bytes())
    made.put("good10.tar", make_tar(tmp_path / "x.tar", {"a.avro": other.read_bytes()}).read_bytes())
    made.put("truncated.avro", ztf.read_bytes()[:-9_000], "end")
    made.put("header.avro", ztf.read_bytes()[:300], "header")
    made.put("truncated.bin", wire[1].read_bytes()[:5_000], "ends")
    made.put("garbage.bin", bytes(range(1, 256)) * 8, "no Avro container, wire format, XML or JSON")
    made.put("empty.avro", b"", "empty")
    made.put("unknown-id.bin", b"\0\xff\xff\xff\xff" + wire[2].read_bytes()[5:], "Schema id 4294967295")
    made.put("nan.avro", edited(ztf, candidate__ra=float("nan"), candid=1), "ra")
    # The mapping for ZTF does not fit it, and the generic one finds another number in it.
    made.put("no-id.avro", without_id(ztf))
    made.put("notes.txt", b"Nights at Palomar.\n", "no Avro container, wire format, XML or JSON")
    made.put("image.fits", b"SIMPLE  =                    T" + b" " * 2850, "no Avro container")
    made.put("page.xml", b"<html><body/></html>", "no VOEvent")
    made.put("broken.xml", relayable(2)[:-20], "not well-formed")
    made.put("notice.json", b'{"alert_type": "initial"}', "it has no position")
    packed = make_tar(tmp_path / "y.tgz", {"b.avro": other.read_bytes() * 1}, "w:gz").read_bytes()
    made.put("truncated.tar.gz", packed[: len(packed) // 2], "ends inside b.avro")
    (record,) = [decoded(packet) for packet in lsst_packets(shared_data, lsst_distribution)[3:4]]
    made.put("lsst9.bin", as_lsst_9(record, lsst_distribution))
    return made


def test_a_folder_of_everything_that_is_wrong_costs_exactly_that(mess: Mess, tmp_path: Path) -> None:
    command = bridge_command(
        *("convert", mess.folder, "-o", tmp_path / "out", "--dead-letters", tmp_path / "dead", "--json")
    )
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "Traceback" not in said
    summary = json.loads(done.stdout)
    refused = {
        line.split("#")[0].rpartition("/")[2]: line
        for line in said.splitlines()
        if line.startswith("Refused ")
    }
    assert set(refused) == set(mess.bad)
    for name, reason in mess.bad.items():
        assert reason in refused[name], name
        assert refused[name].endswith("."), name
    assert (summary["written"], summary["refused"]) == (mess.good, len(mess.bad))
    assert len(contents(tmp_path / "out")) == mess.good
    notes = {
        Path(note["partition"]).name: (note, path.with_suffix(".bin").read_bytes())
        for path in (tmp_path / "dead").glob("*.json")
        for note in [json.loads(path.read_bytes())]
    }
    assert set(notes) == set(mess.bad)
    for name, (note, data) in notes.items():
        assert mess.bad[name] in note["reason"]
        assert note["bytes"] == len(data)
        if not name.endswith((".avro", ".gz")):
            assert data == (mess.folder / name).read_bytes()


@pytest.mark.no_cover
def test_the_feed_goes_on_over_all_of_it_and_does_not_read_it_twice(mess: Mess, tmp_path: Path) -> None:
    command = bridge_command(
        *("serve", "--from", mess.folder, "--journal", tmp_path / "feed.journal", "--once"),
        *("--broadcast", 0, "--log-format", "json"),
    )
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert b"Traceback" not in done.stderr
    with JournalReader.open(tmp_path / "feed.journal") as journal:
        assert journal.last_seq() == mess.good
    again = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert again.returncode == 0, again.stderr


def test_a_schema_that_is_not_at_hand_is_named_with_the_remedy(mess: Mess, tmp_path: Path) -> None:
    # Without the distribution: its namespace is hidden behind an empty package of the same name.
    hidden = tmp_path / "hidden" / "lsst"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").touch()
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(hidden.parent), str(Path.cwd())]),
        "VOEVENT_BRIDGE_HOME": str(tmp_path / "home"),
        "XDG_DATA_HOME": str(tmp_path / "home"),
    }
    command = bridge_command("convert", mess.folder / "lsst9.bin", "-o", tmp_path / "out")
    done = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
    assert done.returncode == 1
    assert b"Schema id 900 (v9.0 in LSST's numbering) is not known" in done.stderr
    assert b"pip install --no-deps lsst-alert-packet" in done.stderr
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_an_lsst_9_packet_is_not_read_with_another_schema(mess: Mess, tmp_path: Path) -> None:
    command = bridge_command("convert", mess.folder / "lsst9.bin")
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert b"v9_0" in done.stdout or b"9.0" in done.stdout
