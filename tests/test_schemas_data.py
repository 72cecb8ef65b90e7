"""The Avro schemas that travel with the project, held against the surveys' own ones.

Layout is what a schema must get right: the Avro parsing canonical form decides which bytes it reads.
Descriptions are ours, so they are only checked for being there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.schema import load_schema, to_parsing_canonical_form

from bridge.resources import schemas_folder

FILES = sorted(schemas_folder().rglob("*.avsc"))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def shipped(name: str) -> Any:
    return read_json(schemas_folder() / f"{name}.avsc")


def records(node: Any) -> Iterator[dict[str, Any]]:
    """Every record stated inside a schema, outermost first."""
    if isinstance(node, dict):
        if node.get("type") == "record":
            yield node
        for value in node.values():
            yield from records(value)
    elif isinstance(node, list):
        for value in node:
            yield from records(value)


def field_names(schema: Any, record: str) -> list[str]:
    return next([f["name"] for f in r["fields"]] for r in records(schema) if r["name"] == record)


def defaults_and_logical_types(schema: Any) -> dict[str, Any]:
    """What the canonical form leaves out and a reader still needs, by 'record.field'."""
    found = {}
    for record in records(schema):
        name = record["name"].rsplit(".", 1)[-1]
        for field in record["fields"]:
            branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
            logical = [b.get("logicalType") for b in branches if isinstance(b, dict)]
            found[f"{name}.{field['name']}"] = (
                "default" in field,
                field.get("default"),
                [kind for kind in logical if kind],
            )
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_each_schema_is_avro_and_describes_every_field(path: Path) -> None:
    schema = read_json(path)
    fastavro.parse_schema(schema)
    without = [
        f"{record['name']}.{field['name']}"
        for record in records(schema)
        for field in record["fields"]
        if len(field.get("doc", "")) < 8
    ]
    assert not without


def test_all_four_schemas_are_here() -> None:
    names = {f"{p.parent.name}/{p.stem}" for p in FILES}
    assert names >= {"ztf/3.3", "ztf/4.02", "lsst/10.0", "lsst/11.1"}


@pytest.mark.parametrize("version", ["10.0", "11.1"])
def test_lsst_schema_has_the_layout_of_the_observatorys(version: str, lsst_distribution: Path) -> None:
    major, minor = version.split(".")
    name = f"lsst.v{major}_{minor}.alert"
    real = load_schema(str(lsst_distribution / major / minor / f"{name}.avsc"))
    ours = shipped(f"lsst/{version}")
    assert to_parsing_canonical_form(ours) == to_parsing_canonical_form(real)
    assert defaults_and_logical_types(ours) == defaults_and_logical_types(real)


def test_ztf_3_3_schema_has_the_layout_of_real_alerts(shared_data: Path) -> None:
    compared = 0
    for path in sorted((shared_data / "alerts").glob("ztf-*.avro")):
        with path.open("rb") as file:
            real = json.loads(fastavro.reader(file).metadata["avro.schema"])
        if real["version"] == "3.3":
            ours = shipped("ztf/3.3")
            assert to_parsing_canonical_form(ours) == to_parsing_canonical_form(real)
            assert defaults_and_logical_types(ours) == defaults_and_logical_types(real)
            compared += 1
    assert compared >= 1


def test_ztf_4_02_schema_has_the_known_counts_and_order() -> None:
    schema = shipped("ztf/4.02")
    counts = {r["name"]: len(r["fields"]) for r in records(schema)}
    assert counts == {"alert": 10, "candidate": 103, "prv_candidate": 57, "fp_hist": 29, "cutout": 2}
    outer = [field["name"] for field in schema["fields"]]
    assert outer[5:8] == ["prv_candidates", "fp_hists", "cutoutScience"]
    assert field_names(schema, "fp_hist")[18:22] == [
        "jd",
        "forcediffimflux",
        "forcediffimfluxunc",
        "procstatus",
    ]


def test_ztf_4_02_differs_from_3_3_only_in_union_order_and_forced_photometry() -> None:
    old, new = shipped("ztf/3.3"), shipped("ztf/4.02")
    for record in ("candidate", "prv_candidate", "cutout"):
        assert field_names(old, record) == field_names(new, record)
    for record in records(new):
        for field in record["fields"]:
            if isinstance(field["type"], list):
                assert field["type"][0] == "null", field["name"]
                assert field.get("default") is None


def test_ids_of_the_two_lsst_versions_cannot_be_swapped() -> None:
    old, new = shipped("lsst/10.0"), shipped("lsst/11.1")
    assert (old["namespace"], new["namespace"]) == ("lsst.v10_0", "lsst.v11_1")
    assert len(field_names(old, "diaSource")) == 98
    assert len(field_names(new, "diaSource")) == 102
    added = [name for name in field_names(new, "diaSource") if name not in field_names(old, "diaSource")]
    assert added == ["exposureTime", "trailAlgorithm", "trail_flag", "reliabilityVersion"]
