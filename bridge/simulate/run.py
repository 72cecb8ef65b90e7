"""The simulator's front door: checks what was asked for and gives visits one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import SchemaError, UsageError
from bridge.resources import schemas_folder
from bridge.simulate.lsst import LsstSimulator
from bridge.simulate.model import Survey, Visit
from bridge.simulate.ztf import ZtfSimulator

__all__ = ["DEFAULT_VERSIONS", "VERSIONS", "simulate", "writer_schema"]

VERSIONS: dict[str, tuple[str, ...]] = {"ztf": ("3.3", "4.02"), "lsst": ("10.0", "11.1")}
DEFAULT_VERSIONS = {"ztf": "4.02", "lsst": "11.1"}
# The evening of 2026-03-05 in California and Chile.
START_MJD_TAI = {"ztf": 61105.2, "lsst": 61105.09}
MOST_ALERTS = 50_000


def simulate(
    survey: Survey,
    *,
    seed: int = 1,
    visits: int = 2,
    alerts: int = 100,
    start_mjd_tai: float | None = None,
    version: str | None = None,
    backlog: int | None = None,
) -> Iterator[Visit]:
    """Simulate a survey, visit by visit.

    Visits come in pairs of one field, field after field, and start anew every night. Equal arguments give
    equal bytes. Objects that are detected again carry the bytes of their earlier detections.

    Parameters
    ----------
    survey
        "ztf" (one Object Container File per alert) or "lsst" (Confluent wire format).
    seed
        Of all random numbers; not negative.
    visits
        How many.
    alerts
        Alerts per visit, up to 50,000.
    start_mjd_tai
        Middle of the first exposure, MJD in TAI (default: an evening in March 2026).
    version
        Schema version: "3.3" or "4.02" (ZTF), "10.0" or "11.1" (LSST); default the newer one.
    backlog
        Most exposures of a field before the first visit, from which objects have a history (default: 28, 14
        and so on for ZTF, 378 to 693 for LSST; 0 for objects without a past).

    Raises
    ------
    UsageError
        If an argument is out of range.
    SchemaError
        If the schema cannot be found.
    """
    if survey not in VERSIONS:
        raise UsageError(f"There is no survey '{survey}' to simulate; choose ztf or lsst.")
    chosen = version or DEFAULT_VERSIONS[survey]
    if chosen not in VERSIONS[survey]:
        known = " or ".join(VERSIONS[survey])
        raise UsageError(f"Alerts of {survey} cannot be simulated with schema {chosen}; choose {known}.")
    if seed < 0:
        raise UsageError(f"The seed is {seed}, but must not be negative.")
    if visits < 0:
        raise UsageError(f"The number of visits is {visits}, but must not be negative.")
    if not 1 <= alerts <= MOST_ALERTS:
        raise UsageError(f"{alerts} alerts per visit were asked for; give a number from 1 to {MOST_ALERTS}.")
    if backlog is not None and backlog < 0:
        raise UsageError(f"The backlog is {backlog} exposures, but must not be negative.")
    start = START_MJD_TAI[survey] if start_mjd_tai is None else start_mjd_tai
    if not 58_000 <= start <= 70_000:
        raise UsageError(f"The start is MJD {start}, but must lie between 58000 (2017) and 70000 (2050).")
    return _visits(survey, seed, visits, alerts, start, chosen, backlog)


def writer_schema(survey: Survey, version: str) -> Schema:
    """The schema that simulated alerts are written with.

    Raises
    ------
    SchemaError
        If its file is missing.
    """
    path = schemas_folder() / survey / f"{version}.avsc"
    try:
        return parse_schema(path.read_bytes())
    except OSError as error:
        raise SchemaError(
            f"The schema {path} cannot be read ({error.strerror}); install voevent-bridge anew."
        ) from error


def _visits(
    survey: Survey, seed: int, visits: int, alerts: int, start: float, version: str, backlog: int | None
) -> Iterator[Visit]:
    schema = writer_schema(survey, version)
    simulator: LsstSimulator | ZtfSimulator
    if survey == "lsst":
        major, minor = version.split(".")
        # The registry numbers schemas 100 times the major version plus the minor one.
        name = 100 * int(major) + int(minor)
        simulator = LsstSimulator(schema, name, seed, alerts, start, backlog)
    else:
        simulator = ZtfSimulator(schema, version, seed, alerts, start, backlog)
    for number in range(visits):
        yield simulator.visit(number)
