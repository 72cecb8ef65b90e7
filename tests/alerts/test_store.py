"""Where schemas come from, in which order, and what is said when there is none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fastavro.schema
import pytest
from real_alerts import load_lsst_schema

from bridge.alerts.schema import parse_schema
from bridge.alerts.schema_files import inline_references, load_schema_file, lsst_id, lsst_version, scan_folder
from bridge.alerts.store import SchemaStore, open_store
from bridge.alerts.user_schemas import keep_schema, schema_from_file, user_folder
from bridge.errors import SchemaError, SourceError, UsageError


def record(name: str, doc: str = "") -> dict[str, object]:
    return {"type": "record", "name": name, "doc": doc, "fields": [{"name": "i", "type": "long"}]}


def put(path: Path, schema: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema))
    return path


def nobody(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home")}


def test_all_lsst_schemas_of_the_distribution_equal_fastavros_reading(
    lsst_distribution: Path, tmp_path: Path
) -> None:
    store = open_store(environ=nobody(tmp_path))
    files = [file for file in scan_folder(lsst_distribution) if file.schema_id]
    assert {300, 704, 900, 1000, 1100, 1101} <= {file.schema_id for file in files}
    for file in files:
        assert file.schema_id is not None
        major, minor = divmod(file.schema_id, 100)
        ours = store.by_id(file.schema_id)
        assert ours.name == f"lsst.v{major}_{minor}.alert"
        assert ours.fingerprint == load_lsst_schema(lsst_distribution, major, minor).fingerprint


def test_the_distribution_is_read_without_importing_it(lsst_distribution: Path, tmp_path: Path) -> None:
    open_store(environ=nobody(tmp_path)).by_id(1000)
    assert "lsst.alert.packet" not in sys.modules


def test_the_packages_own_schemas_serve_without_anything_installed(tmp_path: Path) -> None:
    store = open_store(environ=nobody(tmp_path))
    own = SchemaStore((store.folders[-1],))
    assert own.by_id(1000).name == "lsst.v10_0.alert"
    assert own.by_name("lsst/10.0") is own.by_id(1000)
    assert own.by_name("ztf/4.02").name == "ztf.alert"


def test_the_users_word_comes_first_then_what_he_kept_then_the_rest(tmp_path: Path) -> None:
    environ = nobody(tmp_path)
    named = tmp_path / "named"
    put(named / "1000.avsc", record("named"))
    keep_schema(parse_schema(record("kept")), 1000, folder=user_folder(environ))
    keep_schema(parse_schema(record("kept")), 1101, folder=user_folder(environ))
    store = open_store(named, environ=environ)
    assert store.by_id(1000).name == "named"
    assert store.by_id(1101).name == "kept"
    assert store.by_name("ztf/3.3").name == "ztf.alert"


def test_a_schema_is_loaded_once_and_is_one_object(tmp_path: Path) -> None:
    path = put(tmp_path / "5.avsc", record("r"))
    store = SchemaStore((("test", tmp_path),))
    first = store.by_id(5)
    path.unlink()
    assert store.by_id(5) is first
    assert first is parse_schema(json.dumps(record("r")))


@pytest.mark.parametrize(
    ("file", "schema", "schema_id", "alias"),
    [
        ("10/0/lsst.v10_0.alert.avsc", record("lsst.v10_0.alert"), 1000, "lsst/10.0"),
        ("lsst/11.1.avsc", record("lsst.v11_1.alert"), 1101, "lsst/11.1"),
        ("704.avsc", record("anything"), 704, "704"),
        ("mine.avsc", record("lsst.v12_3.alert"), 1203, "mine"),
        ("ztf/4.02.avsc", record("ztf.alert"), None, "ztf/4.02"),
    ],
)
def test_a_file_is_known_by_its_name_or_else_by_its_content(
    tmp_path: Path, file: str, schema: dict[str, object], schema_id: int | None, alias: str
) -> None:
    put(tmp_path / file, schema)
    put(tmp_path / "10/0/lsst.v10_0.diaSource.avsc", record("lsst.v10_0.diaSource"))
    put(tmp_path / ".hidden.avsc", record("hidden"))
    store = SchemaStore((("test", tmp_path),))
    (entry,) = store.entries()
    assert (store.id_of(entry), entry.file.alias) == (schema_id, alias)
    assert store.by_name(alias).name == schema["name"]
    assert store.by_name(str(schema["name"])).name == schema["name"]
    if schema_id is not None:
        assert store.by_id(schema_id) is store.by_name(str(schema_id))


def test_one_name_with_two_schemas_must_be_said_exactly(tmp_path: Path) -> None:
    put(tmp_path / "ztf/3.3.avsc", record("ztf.alert"))
    put(tmp_path / "ztf/4.02.avsc", {**record("ztf.alert"), "fields": []})
    with pytest.raises(SchemaError, match=r"say which one: ztf/3\.3, ztf/4\.02"):
        SchemaStore((("test", tmp_path),)).by_name("ztf.alert")


def test_an_unknown_name_or_id_says_how_to_go_on() -> None:
    with pytest.raises(SchemaError, match="schemas list"):
        SchemaStore().by_name("nowhere.alert")
    with pytest.raises(SchemaError, match=r"705 \(v7\.5 in LSST's numbering\).*schemas fetch 705"):
        SchemaStore().by_name("705")
    with pytest.raises(SchemaError, match="Schema id 4000000000 is not known"):
        SchemaStore().by_id(4_000_000_000)


def test_a_stream_of_unknown_ids_does_not_fill_the_memory() -> None:
    store = SchemaStore()
    for schema_id in range(3000):
        with pytest.raises(SchemaError):
            store.by_id(schema_id)
    assert len(store._refused) == 1000


def test_an_unknown_id_is_looked_for_again_after_a_while(tmp_path: Path) -> None:
    now = [0.0]
    store = SchemaStore((("test", tmp_path),), clock=lambda: now[0])
    with pytest.raises(SchemaError):
        store.by_id(5)
    put(tmp_path / "5.avsc", record("late"))
    store._files = None
    with pytest.raises(SchemaError):
        store.by_id(5)
    now[0] = 61
    assert store.by_id(5).name == "late"


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    whole = {"type": "record", "name": "a.whole", "fields": [{"name": "p", "type": "a.part"}]}
    path = put(tmp_path / "whole.avsc", whole)
    with pytest.raises(SchemaError, match=r"'a\.part'.*a\.part\.avsc"):
        load_schema_file(path)
    (tmp_path / "a.part.avsc").write_text("{not json")
    with pytest.raises(SchemaError, match=r"a\.part\.avsc is not JSON"):
        load_schema_file(path)
    put(tmp_path / "a.part.avsc", record("a.part"))
    assert load_schema_file(path).root.fields["p"][0].name == "a.part"
    with pytest.raises(SchemaError, match="cannot be used"):
        load_schema_file(put(tmp_path / "bad.avsc", {"type": "record", "fields": []}))
    with pytest.raises(SchemaError, match="cannot be read"):
        load_schema_file(tmp_path / "missing.avsc")
    store = SchemaStore((("test", tmp_path),))
    assert [store.name_of(entry) for entry in store.entries()] == ["a.part", "", "a.whole"]


def test_references_are_written_out_once_in_every_place_a_type_can_stand() -> None:
    parts = {
        "n.leaf": record("n.leaf"),
        "n.kind": {"type": "enum", "name": "kind", "namespace": "n", "symbols": ["A"]},
    }
    schema = {
        "type": "record",
        "name": "top",
        "namespace": "n",
        "fields": [
            {"name": "a", "type": ["null", "leaf"]},
            {"name": "b", "type": {"type": "array", "items": "n.leaf"}},
            {"name": "c", "type": {"type": "map", "values": "kind"}},
            {"name": "d", "type": "kind"},
            {"name": "self", "type": ["null", "top"]},
        ],
    }
    asked: list[str] = []
    joined = inline_references(schema, lambda name: asked.append(name) or parts[name])
    assert asked == ["n.leaf", "n.kind"]
    names = parse_schema(joined).root.fields
    assert names["b"][0].element.name == "n.leaf"
    assert names["c"][0].element.name == "n.kind"
    assert inline_references(joined, lambda name: pytest.fail(name)) == joined
    fastavro.schema.parse_schema(joined)


def test_lsst_numbers() -> None:
    assert lsst_id("lsst.v7_4.alert") == 704
    assert lsst_id("lsst.v7_4.diaSource") is None
    assert lsst_id("ztf.alert") is None
    assert (lsst_version(1101), lsst_version(99), lsst_version(10_000)) == ("11.1", "", "")


def test_the_users_folder_follows_the_desktop_specification(tmp_path: Path) -> None:
    assert user_folder({"XDG_DATA_HOME": "/data", "HOME": "/h"}) == Path("/data/voevent-bridge")
    assert user_folder({"XDG_DATA_HOME": "relative", "HOME": "/h"}) == Path("/h/.local/share/voevent-bridge")


def test_a_kept_schema_is_found_by_the_next_command(tmp_path: Path, shared_data: Path) -> None:
    environ = nobody(tmp_path)
    alert = shared_data / "alerts" / "fink-lsst-2026-03.avro"
    schema = schema_from_file(alert)
    path = keep_schema(schema, 77, folder=user_folder(environ))
    store = open_store(environ=environ)
    assert store.by_id(77).fingerprint == schema.fingerprint
    assert path.name == "77.avsc"
    assert [p.name for p in path.parent.iterdir()] == ["77.avsc"]
    assert keep_schema(schema, folder=user_folder(environ)).name.startswith("topLevelRecord.value-")
    lsst = parse_schema(record("lsst.v12_0.alert"))
    assert keep_schema(lsst, 1200, folder=user_folder(environ)).name == "lsst.v12_0.alert.avsc"
    assert open_store(environ=environ).by_id(1200).name == "lsst.v12_0.alert"


def test_what_cannot_be_kept_is_said_in_a_sentence(tmp_path: Path) -> None:
    schema = parse_schema(record("r"))
    with pytest.raises(UsageError, match="from 0 to"):
        keep_schema(schema, -1, folder=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be written"):
        keep_schema(schema, 1, folder=tmp_path / "file")
    with pytest.raises(SchemaError, match="cannot be read"):
        schema_from_file(tmp_path / "missing.avro")
    (tmp_path / "cut.avro").write_bytes(b"Obj\x01\x04")
    with pytest.raises(SchemaError, match="no whole header"):
        schema_from_file(tmp_path / "cut.avro")


def test_schemas_must_be_a_folder_or_a_url(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a folder nor the URL"):
        open_store(tmp_path / "missing")
