"""The benchmark of encodings in its short form: same tables by the same clock, figures, JSON as described."""

from __future__ import annotations

import builtins
import copy
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import encodings
from benchmarks.encodings import files, markdown, measure, report
from benchmarks.encodings.claims import Claim, Condition, judge
from benchmarks.encodings.codecs import available
from benchmarks.encodings.content import (
    alert_contents,
    cut_history,
    history_rows,
    sample,
    variant,
)
from benchmarks.encodings.report import FIGURES
from benchmarks.encodings.timing import Clock
from bridge.cli.bench import command

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.usefixtures("peers"), pytest.mark.no_cover]


def described() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PROJECT / "benchmarks/encodings/result.schema.json").read_bytes())
    return loaded


def test_the_same_clock_gives_the_same_page(
    shared_data: Path, lsst_distribution: Path, ticking: Callable[[], Clock]
) -> None:
    first, second = (
        measure(rounds=1, counts=(1, 2), kinds=("voevent",), most=3, clock=ticking(), load=lambda: 0.0)
        for _ in range(2)
    )
    assert first == second
    assert markdown(first) == markdown(second)
    assert report(first) == report(second)


def test_result_is_as_its_schema_describes(measured: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(described())
    jsonschema.validate(measured, described())
    broken = copy.deepcopy(measured)
    del broken["contents"][0]["encodings"][0]["bytes"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, described())


def test_real_alerts_are_measured_in_four_variants_and_voevents_whole(measured: dict[str, Any]) -> None:
    found = {(c["key"], c["part"]): c for c in measured["contents"]}
    assert [part for key, part in found if key == "ztf"] == ["whole", "no cutouts", "no history", "neither"]
    assert found["ztf", "whole"]["origin"] == "3 real alerts"
    assert "real VOEvents" in found["voevent", "whole"]["origin"]
    families = {row["family"] for row in found["ztf", "whole"]["encodings"]}
    assert families == {"Avro", "XML", "VOEvent", "JSON", "MessagePack", "Arrow"}
    libraries = {row["library"] for row in found["ztf", "whole"]["encodings"]}
    assert {
        "fastavro",
        "avro",
        "lxml",
        "Python",
        "voevent-parse",
        "orjson",
        "msgpack",
        "pyarrow",
    } <= libraries


def test_sizes_are_what_the_encodings_imply(measured: dict[str, Any]) -> None:
    found = {
        (c["key"], c["part"]): {r["codec"]: r["bytes"] for r in c["encodings"]} for c in measured["contents"]
    }
    whole, without = found["ztf", "whole"], found["ztf", "no cutouts"]
    assert whole["avro-wire"] == whole["avro-bare"] + 5
    assert whole["avro-ocf-apache"] == pytest.approx(whole["avro-ocf"], rel=0.01)
    assert whole["xml"] < whole["xml-long"]
    assert whole["xml"] == whole["xml-etree"]
    # Base64 takes four characters for three bytes.
    cutouts = next(c["cutout_bytes"] for c in measured["contents"])
    assert whole["xml"] - without["xml"] == pytest.approx(cutouts * 4 / 3, rel=0.02)
    assert whole["avro-bare"] - without["avro-bare"] == pytest.approx(cutouts, rel=0.01)


def test_figures_are_drawn_and_not_empty(drawn: dict[str, bytes]) -> None:
    from matplotlib.image import imread

    assert drawn.keys() == {f"{key}.{kind}" for key in FIGURES for kind in ("png", "svg")}
    for name, data in drawn.items():
        if name.endswith(".svg"):
            assert data.count(b"<path") > 20
            continue
        image = imread(io.BytesIO(data))
        assert image.shape[1] == 1200
        assert 0.005 < np.mean(image[..., :3].mean(axis=2) < 0.5) < 0.5
        # Grey throughout: nothing is told by colour.
        assert np.ptp(image[..., :3], axis=2).max() < 0.02


def test_page_and_text_name_machine_verdicts_and_inputs(measured: dict[str, Any]) -> None:
    page, text = markdown(measured), report(measured)
    for said in (page, text):
        assert measured["machine"]["processor"] in said
        assert "fastavro" in said
        assert "3 real alerts" in said
        assert all(claim["verdict"] in said for claim in measured["claims"])
    assert all(f"figures/{key}.svg" in page for key in FIGURES)
    assert all(line.count("|") == 7 for line in page.splitlines() if line.startswith("| Avro is "))


def test_six_claims_are_judged_each_by_its_conditions(measured: dict[str, Any]) -> None:
    claims = {claim["key"]: claim for claim in measured["claims"]}
    assert list(claims) == ["size", "speed", "half", "third", "compressed", "seconds"]
    assert claims["half"]["verdict"] == "does not hold"
    assert claims["third"]["verdict"] == "depends"
    met = [c["condition"] for c in claims["third"]["conditions"] if c["met"]]
    assert all("without" in condition for condition in met)


@pytest.mark.parametrize(
    ("met", "verdict"), [((True, True), "holds"), ((True, False), "depends"), ((False,), "does not hold")]
)
def test_verdict_follows_from_the_conditions(met: tuple[bool, ...], verdict: str) -> None:
    conditions = tuple(Condition("x", 1.0, each) for each in met)
    assert Claim("k", "c", "s", "q", 1.0, conditions, "r").verdict == verdict


def test_a_machine_on_which_avro_shines_gets_other_verdicts(measured: dict[str, Any]) -> None:
    other = copy.deepcopy(measured)
    for content in other["contents"]:
        for row in content["encodings"]:
            if row["family"] == "Avro":
                row["bytes"] /= 100
                for way in ("encode", "decode"):
                    row[way]["cpu"]["median_us"] /= 1000
    other["transport"]["seconds"]["whole"]["median"] = 99.0
    verdicts = {claim["key"]: claim["verdict"] for claim in judge(other)}
    assert verdicts == {
        "size": "holds", "speed": "holds", "half": "holds", "third": "holds", "compressed": "holds",
        "seconds": "depends",
    }  # fmt: skip


def test_history_grows_the_alert_in_every_encoding(measured: dict[str, Any]) -> None:
    lines = measured["history"][0]["lines"]
    rows = [line["rows"] for line in lines]
    assert rows == sorted(set(rows))
    assert rows[0] == 0
    for codec in lines[0]["bytes"]:
        sizes = [line["bytes"][codec] for line in lines]
        assert sizes == sorted(sizes)


def test_a_schema_costs_less_per_alert_in_a_longer_file(measured: dict[str, Any]) -> None:
    sizes = {(b["codec"], b["alerts"]): b["bytes_per_alert"] for b in measured["batches"]["lines"]}
    assert sizes["avro-ocf", 4] < sizes["avro-ocf", 1] / 2


def test_what_is_not_installed_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"msgpack", "voeventparse"}
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] in missing:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in ("benchmarks.encodings.codecs.messagepack", "msgpack", "voeventparse"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "voeventparse", None)
    found = available()
    assert not {"msgpack", "voevent-parse"} & {codec.key for codec in found.codecs}
    assert "xml" in {codec.key for codec in found.codecs}
    assert [text.partition(" ")[0] for text in found.missing] == ["voevent-parse", "msgpack"]


def test_without_matplotlib_the_page_says_that_figures_are_missing(
    measured: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    written = files(measured)
    assert list(written) == ["encodings.md"]
    assert b"No figure: matplotlib is not installed." in written["encodings.md"]


def test_simulated_alerts_stand_in_and_the_result_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHARED_DATA", str(tmp_path))
    contents = list(alert_contents())
    assert [content.key for content in contents] == ["ztf", "lsst"]
    assert all("SIMULATED" in content.origin for content in contents)


def test_variants_lack_what_they_say(shared_data: Path) -> None:
    ztf = next(alert_contents())
    cut = variant(ztf, "no cutouts")
    assert cut is not None
    assert cut.messages[0].record["cutoutScience"] is None
    assert history_rows(cut.messages[0]) == history_rows(ztf.messages[0]) > 0
    neither = variant(ztf, "neither")
    assert neither is not None
    assert history_rows(neither.messages[0]) == 0
    assert variant(neither, "no cutouts") is None


def test_cut_history_keeps_the_newest_rows(shared_data: Path) -> None:
    message = next(alert_contents()).messages[0]
    cut = cut_history(message, 3)
    assert cut.record["prv_candidates"] == message.record["prv_candidates"][-3:]
    assert history_rows(cut_history(message, 0)) == 0


def test_sample_takes_messages_of_middling_size() -> None:
    assert sample([5, 1, 3, 2, 4], 4) == (2,)
    assert sample([5, 1, 3, 2, 4], 9) == (2, 3, 4)
    assert sample([50, 10, 30, 20, 40], 1) == (2,)


def test_command_writes_result_page_and_figures(
    measured: dict[str, Any], drawn: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(encodings, "figures", lambda _: drawn)
    monkeypatch.setattr(
        encodings, "measure", lambda *, rounds: {**measured, "levels": {"gzip": rounds, "zstd": 3}}
    )
    done = CliRunner().invoke(command, ["encodings", "--rounds", "7", "--json", "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["levels"]["gzip"] == 7
    assert {path.name for path in tmp_path.iterdir()} == {
        "encodings.json", "encodings.md", "encodings.txt", "figures",
    }  # fmt: skip
    assert "gzip is at level 7" in " ".join((tmp_path / "encodings.md").read_text().split())
    assert len(list((tmp_path / "figures").iterdir())) == 8
