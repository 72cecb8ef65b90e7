"""What the Fink broker adds to an alert: classifications, scores and cross-matches, for ZTF and for LSST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.inspect.report import FactList, Section
from bridge.inspect.values import identifier, number, percent_text, text

__all__ = ["fink_section"]

# Scores of Fink's ZTF science modules that lie between 0 and 1.
ZTF_SCORES = (
    ("rf_snia_vs_nonia", "SN Ia (forest)"),
    ("rfscore", "SN Ia (forest)"),
    ("snn_snia_vs_nonia", "SN Ia (SuperNNova)"),
    ("snn_sn_vs_all", "SN (SuperNNova)"),
    ("snn", "SN (SuperNNova)"),
    ("rf_kn_vs_nonkn", "Kilonova"),
    ("mulens", "Microlensing"),
    ("anomaly_score", "Anomaly"),
)
LSST_SCORES = (
    ("snnSnVsOthers_score", "SN (SuperNNova)"),
    ("earlySNIa_score", "Early SN Ia"),
    ("cats_score", "CATS"),
)
LSST_MATCHES = (
    ("simbad_otype", "SIMBAD type"),
    ("gaiadr3_DR3Name", "Gaia DR3"),
    ("tns_fullname", "TNS"),
    ("tns_type", "TNS type"),
    ("gcvs_type", "GCVS type"),
    ("vsx_Type", "VSX type"),
    ("x3hsp_type", "3HSP type"),
    ("x4lac_type", "4LAC type"),
    ("spicy_class", "SPICY class"),
    ("mangrove_HyperLEDA_name", "HyperLEDA"),
)
FLAGS = (
    ("is_sso", "solar-system object"),
    ("is_first", "first detection"),
    ("is_cataloged", "in a catalogue"),
)


def fink_section(record: Mapping[str, Any]) -> Section:
    """The section on Fink's added values; without facts where Fink added none."""
    facts = FactList()
    facts.add("finkclass", "Class", text(record, "finkclass"))
    facts.add("cdsxmatch", "SIMBAD type", text(record, "cdsxmatch"))
    facts.add("tnsclass", "TNS type", text(record, "tnsclass", "tns", "tns_type_recomputed"))
    for name, label in ZTF_SCORES:
        _add_score(facts, record, name, label)
    _add_lsst(facts, record)
    if not facts.section("", "").facts and ("cdsxmatch" in record or "clf" in record):
        facts.add("classified", "Class", False, "none yet")
    return facts.section("fink", "Fink's classification")


def _add_lsst(facts: FactList, record: Mapping[str, Any]) -> None:
    scores, matches, verdict = (_part(record, name) for name in ("clf", "xm", "pred"))
    said = {name: verdict.get(name) for name, _ in FLAGS if verdict.get(name) is not None}
    if said:
        true = [label for name, label in FLAGS if said.get(name)]
        facts.add("flags", "Verdict", said, ", ".join(true) or "none of: " + ", ".join(x for _, x in FLAGS))
    code = scores.get("cats_class")
    if isinstance(code, int) and code > 0:
        facts.add("cats_class", "CATS class code", code)
    for name, label in LSST_SCORES:
        # CATS gives class -1 with score 0 where it did not look.
        if name != "cats_score" or (isinstance(code, int) and code > 0):
            _add_score(facts, scores, name, label)
    for name, label in LSST_MATCHES:
        facts.add(name, label, text(matches, name))
    parallax, error = number(matches, "gaiadr3_Plx"), number(matches, "gaiadr3_e_Plx")
    if parallax is not None and error is not None:
        facts.add("gaia_parallax_mas", "Parallax", parallax, f"{parallax:.2f} ± {error:.2f} mas")
    redshift, error = number(matches, "legacydr8_zphot"), number(matches, "legacydr8_e_zphot")
    if redshift is not None and redshift > 0:
        shown = f"{redshift:.2f}" + (f" ± {error:.2f}" if error is not None else "")
        facts.add("legacydr8_zphot", "Photometric z", redshift, f"{shown} (Legacy DR8)")
    facts.add("main_label_crossmatch", "Main label", identifier(verdict, "main_label_crossmatch"))


def _add_score(facts: FactList, record: Mapping[str, Any], name: str, label: str) -> None:
    score = number(record, name)
    # -1 is Fink's mark for "not computed"; a plain 0 of a ZTF module is one, too, but says "no" as well.
    if score is not None and score >= 0:
        facts.add(name, label, score, percent_text(score))


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = record.get(name)
    return part if isinstance(part, Mapping) else {}
