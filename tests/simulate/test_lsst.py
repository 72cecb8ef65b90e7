"""Simulated LSST alerts: the bytes are Avro's, the numbers agree with each other, the histories grow."""

from __future__ import annotations

import io
import math
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time

from bridge.alerts.lens import compile_lens
from bridge.simulate import KINDS, SimulatedAlert, Visit, simulate
from tests.simulate.reading import decode, encode

Night = list[tuple[Visit, list[tuple[SimulatedAlert, dict[str, Any]]]]]


@pytest.fixture(scope="module")
def night() -> Night:
    """Ten visits: four fields twice each, and the first field again a night later."""
    visits = simulate("lsst", seed=7, visits=10, alerts=30, backlog=12)
    return [(visit, [(alert, decode(alert)) for alert in visit]) for visit in visits]


def every(night: Night) -> list[tuple[SimulatedAlert, dict[str, Any]]]:
    return [pair for _, alerts in night for pair in alerts]


@pytest.mark.parametrize(("version", "identifier"), [("10.0", 1000), ("11.1", 1101)])
def test_every_alert_encodes_again_to_the_same_bytes(version: str, identifier: int) -> None:
    for visit in simulate("lsst", seed=3, visits=2, alerts=12, backlog=5, version=version):
        for alert in visit:
            assert alert.data[:5] == b"\0" + identifier.to_bytes(4, "big")
            assert encode(alert, decode(alert)) == alert.data[5:]


def test_identifiers_are_never_used_twice(night: Night) -> None:
    alerts = [alert.identifier for alert, _ in every(night)]
    assert len(set(alerts)) == len(alerts) == 300
    rows = {}
    for _, record in every(night):
        for row in [*(record["prvDiaSources"] or []), record["diaSource"]]:
            known = rows.setdefault(row["diaSourceId"], row["midpointMjdTai"])
            assert known == row["midpointMjdTai"]


def test_a_later_alert_carries_the_earlier_ones_unchanged(night: Night) -> None:
    emitted: dict[int, list[dict[str, Any]]] = defaultdict(list)
    carried = 0
    for _, record in every(night):
        source = record["diaSource"]
        if not source["diaObjectId"]:
            continue
        history = record["prvDiaSources"] or []
        before = emitted[source["diaObjectId"]]
        tail = history[len(history) - len(before) :]
        np.testing.assert_equal(tail, before)
        carried += len(before)
        before.append(source)
    assert carried > 100


def test_histories_ascend_and_end_with_the_visit(night: Night) -> None:
    for visit, alerts in night:
        for _, record in alerts:
            now = record["diaSource"]["midpointMjdTai"]
            assert now == visit.midpoint_mjd_tai
            earlier = [row["midpointMjdTai"] for row in record["prvDiaSources"] or []]
            assert earlier == sorted(set(earlier))
            assert all(now - 365.25 <= time < now for time in earlier)
            forced = [row["midpointMjdTai"] for row in record["prvDiaForcedSources"] or []]
            assert forced == sorted(set(forced))
            assert not forced or forced[-1] == now


def test_numbers_of_a_source_agree_with_each_other(night: Night) -> None:
    for alert, record in every(night):
        source = record["diaSource"]
        assert record["diaSourceId"] == source["diaSourceId"] == alert.identifier
        assert source["snr"] == pytest.approx(abs(source["psfFlux"]) / source["psfFluxErr"], rel=1e-4)
        assert source["snr"] > 5
        assert source["isNegative"] == (source["psfFlux"] < 0)
        assert source["scienceFlux"] - source["templateFlux"] == pytest.approx(
            source["psfFlux"], abs=1e-3 * abs(source["templateFlux"]) + 1
        )
        assert 0 <= source["reliability"] <= 1
        assert 0 <= source["detector"] <= 188
        assert 0 < source["raErr"] < 1e-4


def test_visit_id_is_the_night_in_chile(night: Night) -> None:
    for visit, alerts in night:
        evening = Time(visit.midpoint_mjd_tai - 0.5, format="mjd", scale="tai").strftime("%Y%m%d")
        assert str(visit.identifier)[:8] == evening
        assert {record["diaSource"]["visit"] for _, record in alerts} == {visit.identifier}
        assert {record["diaSource"]["band"] for _, record in alerts} == {visit.band}


def test_habits_of_real_packets_are_kept(night: Night) -> None:
    for alert, record in every(night):
        source = record["diaSource"]
        assert source["parentDiaSourceId"] == 0
        assert math.isnan(source["psfLnL"])
        if alert.kind == "asteroid":
            assert source["diaObjectId"] == 0
            assert source["ssObjectId"] == int(alert.object_id) > 0
            assert record["diaObject"] is None
            assert record["prvDiaSources"] is None
            assert record["ssSource"]["ssObjectId"] == source["ssObjectId"]
            assert record["ssSource"]["designation"] == record["mpc_orbits"]["designation"]
        else:
            assert source["ssObjectId"] == 0
            assert source["diaObjectId"] == record["diaObject"]["diaObjectId"] == int(alert.object_id)
            assert record["ssSource"] is None
            assert record["mpc_orbits"] is None


def test_object_is_named_after_its_first_source_and_counts_them(night: Night) -> None:
    for _, record in every(night):
        thing = record["diaObject"]
        if thing is None:
            continue
        rows = [*(record["prvDiaSources"] or []), record["diaSource"]]
        assert rows[0]["diaSourceId"] == thing["diaObjectId"]
        assert thing["nDiaSources"] == len(rows)
        assert thing["firstDiaSourceMjdTai"] == rows[0]["midpointMjdTai"]
        for band in {row["band"] for row in rows}:
            fluxes = np.array([row["psfFlux"] for row in rows if row["band"] == band])
            errors = np.array([row["psfFluxErr"] for row in rows if row["band"] == band])
            assert thing[f"{band}_psfFluxNdata"] == len(fluxes)
            mean = np.average(fluxes, weights=errors**-2)
            assert thing[f"{band}_psfFluxMean"] == pytest.approx(mean, rel=1e-4, abs=0.1)
            assert thing[f"{band}_psfFluxMax"] == pytest.approx(fluxes.max())


def test_asteroids_move_between_two_visits_of_a_field(night: Night) -> None:
    places = defaultdict(list)
    for alert, record in every(night):
        if alert.kind == "asteroid":
            places[alert.object_id].append((record["diaSource"]["ra"], record["diaSource"]["dec"]))
    moved = [
        3600 * math.hypot((b[0] - a[0]) * math.cos(math.radians(a[1])), b[1] - a[1])
        for a, b in (pair for pair in places.values() if len(pair) == 2)
    ]
    assert moved
    assert all(0.05 < arcsec < 2 for arcsec in moved)


def test_geometry_of_an_asteroid_closes(night: Night) -> None:
    for alert, record in every(night):
        if alert.kind != "asteroid":
            continue
        place = record["ssSource"]
        topo = np.array([place[f"topo_{axis}"] for axis in "xyz"])
        helio = np.array([place[f"helio_{axis}"] for axis in "xyz"])
        assert np.linalg.norm(topo) == pytest.approx(place["topoRange"], rel=1e-5)
        assert np.linalg.norm(helio) == pytest.approx(place["helioRange"], rel=1e-5)
        assert np.linalg.norm(helio - topo) == pytest.approx(1.0, abs=0.02)
        assert 0 <= place["phaseAngle"] < 90
        orbit = record["mpc_orbits"]
        assert orbit["q"] == pytest.approx(orbit["a"] * (1 - orbit["e"]))


def test_stamps_open_and_subtract(night: Night) -> None:
    for alert, record in every(night)[:40]:
        planes = {}
        for name in ("Science", "Template", "Difference"):
            data = record[f"cutout{name}"]
            with fits.open(io.BytesIO(data)) as file:
                file.verify("exception")
                assert [hdu.name for hdu in file] == ["PRIMARY", "UNCERT", "PSFIMAGE"]
                assert file[0].data.shape == file[1].data.shape == (30, 30)
                assert file[2].data.sum() == pytest.approx(1, abs=1e-6)
                planes[name] = file[0].data.astype(float)
                assert file[0].header["CRVAL1"] == pytest.approx(record["diaSource"]["ra"])
            assert len(data) in ((34560,) if name != "Template" else (46080, 51840, 69120))
        difference = planes["Science"] - planes["Template"]
        scale = 1e-5 * abs(planes["Template"]).max() + 0.01
        np.testing.assert_allclose(planes["Difference"], difference, atol=scale)
        if alert.kind in ("supernova", "asteroid", "variable") and record["diaSource"]["snr"] > 15:
            sign = -1 if record["diaSource"]["isNegative"] else 1
            row, column = np.unravel_index((sign * planes["Difference"]).argmax(), (30, 30))
            assert abs(row - 14.5) < 5
            assert abs(column - 14.5) < 5


def test_lens_reads_the_packets_in_place(night: Night) -> None:
    for alert, record in every(night)[:20]:
        lens = compile_lens(
            alert.packet.schema,
            ("diaSource.psfFlux", "prvDiaSources.midpointMjdTai", "diaObject.nDiaSources"),
        )
        flux, times, count = lens.read(alert.packet)
        assert flux == record["diaSource"]["psfFlux"]
        expected = [row["midpointMjdTai"] for row in record["prvDiaSources"] or []]
        assert (times.tolist() if times is not None else []) == expected
        assert count == (record["diaObject"] or {}).get("nDiaSources")


def test_all_kinds_appear_and_truth_is_not_in_the_packet(night: Night) -> None:
    assert {alert.kind for alert, _ in every(night)} == set(KINDS)
    assert not any(b"supernova" in alert.data or b"rr_lyrae" in alert.data for alert, _ in every(night))


def test_sizes_are_those_of_real_packets() -> None:
    """Real ones with the present schema: 118.9, 252.6 and 299.7 kB (minimum, median, maximum of seven)."""
    sizes = sorted(len(alert.data) for visit in simulate("lsst", visits=2, alerts=60) for alert in visit)
    assert 110_000 < sizes[0] < 125_000
    assert 220_000 < sizes[len(sizes) // 2] < 280_000
    assert 280_000 < sizes[-1] < 340_000
