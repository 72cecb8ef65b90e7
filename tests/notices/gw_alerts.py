"""Gravitational-wave alerts as LIGO, Virgo and KAGRA send them, and the schemas that they are held against.

The schemas come from the distribution igwn-gwalert-schema, read as data files. The alerts are made, with the
form and the kind of numbers of the mock alerts in LVK's public user guide.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import jsonschema
import numpy as np
import pytest
from astropy.io import fits

from bridge.alerts.packet import Document, Origin, Packet
from bridge.alerts.schema import Schema, parse_schema

KINDS = ("EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION")
EXTERNAL = {
    "gcn_notice_id": 524666471,
    "ivorn": "ivo://nasa.gsfc.gcn/Fermi#GBM_Fin_Pos2017-08-17T12:41:06.47_524666471_0-389",
    "observatory": "Fermi",
    "search": "GRB",
    "time_difference": 2.02,
    "time_coincidence_far": 2.14387838137e-14,
    "time_sky_position_coincidence_far": 6.410749524018777e-16,
    "combined_skymap": None,
}


def distribution_file(name: str) -> str:
    """A file of the distribution, found without importing it."""
    spec = importlib.util.find_spec("igwn_gwalert_schema")
    for root in spec.submodule_search_locations or () if spec else ():
        return (Path(root) / name).read_text(encoding="utf-8")
    pytest.fail("LVK's schemas are not here: pip install igwn-gwalert-schema")


@cache
def validator() -> jsonschema.Draft202012Validator:
    """Judge of alerts in JSON, by LVK's own schema."""
    return jsonschema.Draft202012Validator(json.loads(distribution_file("igwn.alerts.Alert.schema.json")))


def avro_schema() -> Schema:
    """LVK's own Avro schema."""
    return parse_schema(distribution_file("igwn.alerts.Alert.avsc"))


@cache
def sky_map(seed: int = 1) -> bytes:
    """A small multi-order map as FITS."""
    density = np.random.default_rng(seed).random(12)
    columns = [
        fits.Column("UNIQ", "K", array=np.arange(4, 16)),
        fits.Column("PROBDENSITY", "D", array=density / density.sum(), unit="sr-1"),
    ]
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(out)
    return out.getvalue()


def gw_alert(kind: str, *, superevent: str = "MS181101ab", created: str = "", **event: Any) -> dict[str, Any]:
    """An alert of one kind; `event` replaces what is said of the event."""
    hour = KINDS.index(kind)
    whole: dict[str, Any] = {
        "time": "2018-11-01T22:22:46.654Z",
        "far": 9.11069936486e-14,
        "significant": True,
        "instruments": ["H1", "L1", "V1"],
        "group": "CBC",
        "pipeline": "gstlal",
        "search": "MDC",
        "classification": {"BNS": 0.95, "NSBH": 0.01, "BBH": 0.03, "Terrestrial": 0.01},
        "properties": {"HasNS": 0.95, "HasRemnant": 0.91, "HasMassGap": 0.01},
        "mchirp_source": {"bin_edges": [0.1, 0.87, 1.74, 5.5], "probabilities": [0.02, 0.97, 0.01]},
        "duration": None,
        "central_frequency": None,
        "skymap": base64.b64encode(sky_map()).decode(),
    }
    return {
        "alert_type": kind,
        "time_created": created or f"2018-11-01T22:{30 + hour}:49Z",
        "superevent_id": superevent,
        "urls": {"gracedb": f"https://gracedb.ligo.org/superevents/{superevent}/view/"},
        "event": None if kind == "RETRACTION" else whole | event,
        "external_coinc": None,
    }


def in_json(alert: dict[str, Any], topic: str = "", offset: int = 0) -> Document:
    """An alert as GCN sends it."""
    partition = f"kafka://broker/{topic}/0" if topic else "alert.json"
    return Document(json.dumps(alert).encode(), "json", Origin(partition, offset))


def in_avro(alert: dict[str, Any]) -> Packet:
    """An alert as Hopskotch carries it: images as bytes."""
    record = json.loads(json.dumps(alert))
    for part, name in (("event", "skymap"), ("external_coinc", "combined_skymap")):
        if record[part] and record[part][name]:
            record[part][name] = base64.b64decode(record[part][name])
    schema, out = avro_schema(), io.BytesIO()
    fastavro.schemaless_writer(out, schema.parsed, record)
    return Packet(out.getvalue(), 0, len(out.getvalue()), schema, Origin("hopskotch", 0))
