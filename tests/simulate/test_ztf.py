"""Simulated ZTF alerts: the bytes are Avro's, the numbers agree with each other, the histories grow."""

from __future__ import annotations

import gzip
import io
from collections import defaultdict
from typing import Any

import fastavro
import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time

from bridge.alerts.lens import compile_lens
from bridge.simulate import SimulatedAlert, Visit, simulate, writer_schema
from bridge.simulate.ztf import ZtfSimulator
from tests.simulate.reading import decode, encode

Night = list[tuple[Visit, list[tuple[SimulatedAlert, dict[str, Any]]]]]


@pytest.fixture(scope="module")
def night() -> Night:
    """Eight visits: three fields twice each, and the first field again a night later."""
    visits = simulate("ztf", seed=5, visits=8, alerts=40)
    return [(visit, [(alert, decode(alert)) for alert in visit]) for visit in visits]


def every(night: Night) -> list[tuple[SimulatedAlert, dict[str, Any]]]:
    return [pair for _, alerts in night for pair in alerts]


@pytest.mark.parametrize("version", ["3.3", "4.02"])
def test_every_alert_encodes_again_to_the_same_bytes(version: str) -> None:
    for visit in simulate("ztf", seed=2, visits=2, alerts=15, version=version):
        for alert in visit:
            record = decode(alert)
            assert record["schemavsn"] == version
            assert ("fp_hists" in record) == (version == "4.02")
            assert encode(alert, record) == alert.packet.datum


def test_each_message_is_one_container_with_its_schema(night: Night) -> None:
    for alert, _ in every(night)[:20]:
        blocks = list(fastavro.block_reader(io.BytesIO(alert.data)))
        assert [block.num_records for block in blocks] == [1]
        assert blocks[0].codec == "null"
        start = alert.data.index(b"avro.schema")
        assert 20_000 < alert.packet.start - start < 28_000
        assert alert.data.endswith(alert.data[alert.packet.stop :])
        assert len(alert.data) - alert.packet.stop == 16


def test_candid_is_made_of_night_time_channel_and_number(night: Night) -> None:
    seen = set()
    for alert, record in every(night):
        row = record["candidate"]
        assert record["candid"] == row["candid"] == alert.identifier
        assert row["candid"] // 1_000_000 == row["pid"]
        assert row["pid"] // 1_000_000_000 == row["nid"]
        assert (row["pid"] // 10) % 100 == row["rcid"]
        seen.add(row["candid"])
    assert len(seen) == 8 * 40


def test_jd_is_the_start_of_the_exposure_in_utc(night: Night) -> None:
    for visit, alerts in night:
        start = Time(visit.midpoint_mjd_tai - 15 / 86400, format="mjd", scale="tai").utc.jd
        for _, record in alerts:
            assert record["candidate"]["jd"] == pytest.approx(start, abs=1e-6)


def test_a_later_alert_carries_the_earlier_ones(night: Night) -> None:
    emitted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    carried = 0
    for _, record in every(night):
        rows = {row["candid"]: row for row in record["prv_candidates"] if row["candid"] is not None}
        for earlier in emitted[record["objectId"]]:
            row = rows[earlier["candid"]]
            different = {name for name in row if row[name] != earlier[name]}
            assert different <= {"pdiffimfilename"}
            carried += 1
        emitted[record["objectId"]].append(record["candidate"])
    assert carried > 60


def test_histories_ascend_within_thirty_days(night: Night) -> None:
    for _, record in every(night):
        now = record["candidate"]["jd"]
        for name in ("prv_candidates", "fp_hists"):
            dates = [row["jd"] for row in record[name]]
            assert dates == sorted(set(dates))
            assert all(now - 30 <= jd < now for jd in dates)
            assert 8 <= len(dates) <= 88
        assert [row["jd"] for row in record["fp_hists"]] == [row["jd"] for row in record["prv_candidates"]]


def test_upper_limits_have_no_detection_and_still_a_limit(night: Night) -> None:
    limits = [row for _, r in every(night) for row in r["prv_candidates"] if row["candid"] is None]
    assert limits
    for row in limits:
        for name in ("ra", "dec", "magpsf", "isdiffpos", "rb", "ssnamenr"):
            assert row[name] is None
        assert 18 < row["diffmaglim"] < 22
        assert row["magzpsci"] is not None


def test_numbers_of_a_candidate_agree_with_each_other(night: Night) -> None:
    for alert, record in every(night):
        row = record["candidate"]
        assert row["isdiffpos"] in ("t", "f")
        assert row["magpsf"] < row["diffmaglim"] + 0.2
        assert row["magdiff"] == pytest.approx(row["magap"] - row["magpsf"], abs=1e-4)
        assert row["magfromlim"] == pytest.approx(row["diffmaglim"] - row["magap"], abs=1e-4)
        assert row["elong"] == pytest.approx(row["aimage"] / row["bimage"], rel=1e-4)
        assert row["jdstarthist"] <= row["jdendhist"] == row["jd"]
        detections = sum(past["candid"] is not None for past in record["prv_candidates"])
        assert row["ndethist"] == detections + 1
        assert row["fid"] == "_gri".index(next(v.band for v, a in night if (alert, record) in a))


def test_asteroids_are_named_and_others_say_null(night: Night) -> None:
    for alert, record in every(night):
        row = record["candidate"]
        if alert.kind == "asteroid":
            assert row["ssnamenr"][:2] == "20"
            assert 0 <= row["ssdistnr"] < 2
        else:
            assert (row["ssdistnr"], row["ssmagnr"], row["ssnamenr"]) == (-999, -999, "null")


def test_real_ones_score_higher_than_artefacts(night: Night) -> None:
    scores = defaultdict(list)
    for alert, record in every(night):
        scores[alert.kind == "bogus"].append(record["candidate"]["drb"])
    assert min(scores[False]) > max(scores[True])


def test_forced_flux_in_dn_is_the_candidates_magnitude(night: Night) -> None:
    compared = 0
    for _, record in every(night):
        forced = {row["jd"]: row for row in record["fp_hists"]}
        for row in record["prv_candidates"]:
            fp = forced[row["jd"]]
            if row["candid"] is None or fp["procstatus"] != "0":
                continue
            magnitude = fp["magzpsci"] - 2.5 * np.log10(abs(fp["forcediffimflux"]))
            assert magnitude == pytest.approx(row["magpsf"], abs=1e-3)
            assert (fp["forcediffimflux"] > 0) == (row["isdiffpos"] == "t")
            compared += 1
    assert compared > 500


def test_failed_forced_photometry_says_so(night: Night) -> None:
    rows = [row for _, record in every(night) for row in record["fp_hists"]]
    failed = [row for row in rows if row["procstatus"] != "0"]
    assert failed
    assert all(row["forcediffimflux"] == row["forcediffimfluxunc"] == -99999 for row in failed)


def test_stamps_open_and_subtract(night: Night) -> None:
    for alert, record in every(night)[:40]:
        planes = {}
        for name in ("Science", "Template", "Difference"):
            stamp = record[f"cutout{name}"]
            assert stamp["fileName"].startswith(f"candid{alert.identifier}")
            assert 12_000 < len(stamp["stampData"]) < 15_500
            raw = gzip.decompress(stamp["stampData"])
            assert len(raw) == 20_160
            with fits.open(io.BytesIO(raw)) as file:
                file.verify("exception")
                planes[name] = file[0].data.astype(float)
        assert planes["Science"].shape == (63, 63)
        scale = 1e-5 * abs(planes["Template"]).max() + 0.01
        expected = planes["Science"] - planes["Template"]
        np.testing.assert_allclose(planes["Difference"], expected, atol=scale)
        if alert.kind in ("supernova", "asteroid") and record["candidate"]["scorr"] > 15:
            row, column = np.unravel_index(planes["Difference"].argmax(), (63, 63))
            assert (abs(row - 31) < 3) & (abs(column - 31) < 3)


def test_lens_reads_the_packets_in_place(night: Night) -> None:
    for alert, record in every(night)[:20]:
        lens = compile_lens(alert.packet.schema, ("candidate.magpsf", "prv_candidates.magpsf"))
        magnitude, history = lens.read(alert.packet)
        assert magnitude == record["candidate"]["magpsf"]
        assert history.tolist() == [row["magpsf"] for row in record["prv_candidates"]]


def test_sizes_are_those_of_real_packets() -> None:
    """Real ones: 66.7, 68.5 and 77.0 kB (minimum, median, maximum of seven, most of schema 3.3)."""
    visits = simulate("ztf", visits=4, alerts=50, version="3.3")
    sizes = sorted(len(alert.data) for visit in visits for alert in visit)
    assert sizes[0] > 64_000
    assert 66_000 < sizes[len(sizes) // 2] < 74_000
    assert sizes[-1] < 80_000


@pytest.mark.no_cover
def test_a_long_run_forgets_what_no_packet_needs() -> None:
    """Forty nights: histories slide with their thirty days, and objects of one night leave no trace."""
    simulator = ZtfSimulator(writer_schema("ztf", "4.02"), "4.02", 1, 12, 61105.2, None)
    for number in range(40 * 6):
        visit = simulator.visit(number)
    assert len(simulator.tracks) < 3 * 12 + 12
    for place in simulator.fields.values():
        assert place.past_count == 0
        assert len(place.seen) <= 2 * 32
    for alert in visit:
        record = decode(alert)
        dates = [row["jd"] for row in record["prv_candidates"]]
        assert dates == sorted(set(dates))
        assert record["candidate"]["jd"] - dates[0] <= 30
        assert 40 < len(dates) <= 61
