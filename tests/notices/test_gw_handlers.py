"""Handlers that were written for LVC's VOEvents, as their authors wrote them, run unchanged on ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gcn
import numpy as np
from astropy.io import fits
from gw_alerts import KINDS, gw_alert, in_json
from lxml import etree
from notice_packets import DATE

from bridge.mapping import TranslateOptions
from bridge.pipeline import Pipeline, Plan
from bridge.voevent.event import Event

seen: list[tuple[str, ...]] = []


# As users of pygcn wrote it after LVK's user guide: choose by type, read all Params by name, open the map.
@gcn.handlers.include_notice_types(
    gcn.notice_types.LVC_EARLY_WARNING,
    gcn.notice_types.LVC_PRELIMINARY,
    gcn.notice_types.LVC_INITIAL,
    gcn.notice_types.LVC_UPDATE,
    gcn.notice_types.LVC_RETRACTION,
)
def process_gcn(payload: bytes, root: Any) -> None:
    if root.attrib["role"] != "observation":
        return
    params = {elem.attrib["name"]: elem.attrib["value"] for elem in root.iterfind(".//Param")}
    if params["AlertType"] == "Retraction":
        seen.append(("retracted", params["GraceID"]))
        return
    if params["Group"] != "CBC" or float(params["FAR"]) > 1e-7:
        return
    if float(params["HasRemnant"]) > 0.5 and "skymap_fits" in params:
        with fits.open(params["skymap_fits"], cache=False) as hdus:
            table = hdus[1].data
            best = int(np.argmax(table["PROBDENSITY"]))
            seen.append((params["AlertType"], params["GraceID"], str(table["UNIQ"][best])))


def test_a_pygcn_handler_of_old_runs_on_all_five_types(tmp_path: Path) -> None:
    seen.clear()
    go = Pipeline(Plan(options=TranslateOptions(cutouts=tmp_path)), date=lambda: DATE)
    alerts = [gw_alert(kind, superevent="S230518h", search="AllSky") for kind in KINDS]
    alerts.insert(2, gw_alert("PRELIMINARY", superevent="MS230518x"))
    alerts.insert(3, gw_alert("PRELIMINARY", superevent="S230518z", search="AllSky", group="Burst"))
    for alert in alerts:
        event = go(in_json(alert))
        assert isinstance(event, Event)
        process_gcn(event.xml, etree.fromstring(event.xml))
    types = ["EarlyWarning", "Preliminary", "Initial", "Update"]
    assert [each[:2] for each in seen] == [(kind, "S230518h") for kind in types] + [("retracted", "S230518h")]
    assert len({each[2] for each in seen[:-1]}) == 1


def is_gw(ivorn: str) -> bool:
    """How telescopes told a gravitational wave from other events."""
    return ivorn.startswith("ivo://gwnet/LVC#") and ivorn.split("#")[1].split("-")[-1] != "Retraction"


def test_a_handler_that_takes_the_identifier_apart_finds_what_it_found() -> None:
    go = Pipeline(Plan(), date=lambda: DATE)
    events = [go(in_json(gw_alert(kind, superevent="S230518h"))) for kind in KINDS]
    ivorns = [event.ivorn for event in events if isinstance(event, Event)]
    assert [is_gw(ivorn) for ivorn in ivorns] == [True] * 4 + [False]
    assert [ivorn.split("#")[1].split("-")[:2] for ivorn in ivorns] == [
        ["S230518h", str(n)] for n in range(1, 6)
    ]
