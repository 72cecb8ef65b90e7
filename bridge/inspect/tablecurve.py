"""A light curve out of a VOEvent's Tables, where their columns say enough: a time, and a magnitude or flux.

UCDs decide where there are any, names where there are none. A table that stays doubtful stays a table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from bridge.errors import PacketError
from bridge.inspect.curve import LightCurve, Point, Role
from bridge.inspect.epochs import Epoch, jd_to_mjd, mjd_of_iso
from bridge.inspect.report import Table

__all__ = ["curve_of_tables"]

JD_FROM = 2_300_000.0
MJD_FROM, MJD_TO = 30_000.0, 150_000.0
NOW_DAYS = 60 / 86_400
"""How near to the event's own time a point may be the event's own: start or middle of an exposure."""

TIME_NAME = re.compile(r"(^|_)(mjd|jd|hjd|bjd|time|date|epoch)|(mjd|jd)(tai|utc)?$", re.IGNORECASE)
VALUE_NAME = re.compile(r"mag|flux", re.IGNORECASE)
ERROR_NAME = re.compile(r"err|sig|unc", re.IGNORECASE)
BAND_NAME = re.compile(r"^(band|filter|fid|filtername|passband)$", re.IGNORECASE)
LIMIT_NAME = re.compile(r"lim", re.IGNORECASE)
FORCED_NAME = re.compile(r"forced", re.IGNORECASE)
FID_BANDS = {"1": "g", "2": "r", "3": "i"}
NEGATIVE = frozenset({"f", "false", "0", "-1"})


def curve_of_tables(tables: Iterable[Table], event_mjd: float | None) -> LightCurve | None:
    """Join the light-curve tables of a VOEvent.

    Parameters
    ----------
    tables
        All tables of the event; those that are not recognised, or in another unit than the first that is,
        are passed over.
    event_mjd
        The event's own time (UTC), to mark its point, or None.

    Returns
    -------
    LightCurve or None
    """
    points: list[Point] = []
    unit = quantity = scale = ""
    for table in tables:
        found = _Columns.find(table)
        if found is None or (points and found.unit != unit):
            continue
        rows = list(found.points(table))
        if rows and not points:
            unit, quantity, scale = found.unit, found.quantity, found.scale
        points += rows
    _mark_current(points, scale, event_mjd)
    return LightCurve.from_points(points, quantity=quantity, unit=unit, scale=scale)


def _mark_current(points: list[Point], scale: str, event_mjd: float | None) -> None:
    """Mark the detection that is the event's own: the nearest in time, if it is near."""
    found = [i for i, point in enumerate(points) if point.role == "detection"]
    if event_mjd is None or not found:
        return
    offsets = [abs(_utc(points[i].mjd, scale) - event_mjd) for i in found]
    if min(offsets) < NOW_DAYS:
        nearest = found[offsets.index(min(offsets))]
        points[nearest] = points[nearest]._replace(current=True)


def _utc(mjd: float, scale: str) -> float:
    try:
        return Epoch(mjd, "TAI").mjd_utc if scale == "TAI" else mjd
    except PacketError:
        return mjd


class _Columns:
    """Which column of a table is what."""

    def __init__(self, time: int, value: int, error: int | None, band: int | None, sign: int | None) -> None:
        self.time, self.value, self.error, self.band, self.sign = time, value, error, band, sign
        self.unit = self.quantity = self.scale = ""
        self.role: Role = "detection"

    @classmethod
    def find(cls, table: Table) -> _Columns | None:
        names = [column.split(" [")[0] for column in table.columns]
        units = [column.partition(" [")[2].rstrip("]") for column in table.columns]
        ucds = [ucd.lower() for ucd in table.ucds]
        time = _first(names, ucds, TIME_NAME, ("time.epoch", "time"))
        value = _brightness_column(names, ucds)
        if time is None or value is None:
            return None
        error = next(
            (
                i
                for i, name in enumerate(names)
                if i != value and (ucds[i].startswith("stat.err") or ERROR_NAME.search(name))
                and (VALUE_NAME.search(name) or "phot" in ucds[i] or units[i] == units[value])
            ),
            None,
        )  # fmt: skip
        band = _first(names, ucds, BAND_NAME, ("instr.bandpass", "instr.filter"))
        sign = next((i for i, name in enumerate(names) if name.lower() == "isdiffpos"), None)
        found = cls(time, value, error, band, sign)
        found.unit = units[value] or ("mag" if "mag" in names[value].lower() else "")
        found.quantity = names[value]
        about = f"{names[time]} {table.name} {table.description}".lower()
        found.scale = "TAI" if "tai" in names[time].lower() or "(tai)" in about else ""
        if not found.scale and ("utc" in names[time].lower() or "(utc)" in about):
            found.scale = "UTC"
        if LIMIT_NAME.search(names[value]) or LIMIT_NAME.search(table.name):
            found.role = "limit"
        elif FORCED_NAME.search(table.name):
            found.role = "forced"
        return found

    def points(self, table: Table) -> Iterator[Point]:
        for row in table.rows:
            mjd, value = _mjd(_cell(row, self.time)), _number(_cell(row, self.value))
            if mjd is None or value is None:
                continue
            error = _number(_cell(row, self.error))
            band = _cell(row, self.band) or "?"
            negative = _cell(row, self.sign).lower() in NEGATIVE if self.sign is not None else False
            yield Point(
                mjd=mjd,
                value=value,
                error=math.nan if error is None else error,
                band=FID_BANDS.get(band, band),
                role=self.role,
                fainter=negative or (self.unit != "mag" and value < 0),
            )


def _first(names: list[str], ucds: list[str], name: re.Pattern[str], wanted: tuple[str, ...]) -> int | None:
    for ucd in wanted:
        for i, found in enumerate(ucds):
            if found.split(";")[0] == ucd:
                return i
    return next((i for i, found in enumerate(names) if name.search(found)), None)


def _brightness_column(names: list[str], ucds: list[str]) -> int | None:
    for i, ucd in enumerate(ucds):
        if ucd.startswith(("phot.mag", "phot.flux")) and "stat.err" not in ucd:
            return i
    for i, name in enumerate(names):
        if VALUE_NAME.search(name) and not ERROR_NAME.search(name) and not ucds[i].startswith("stat.err"):
            return i
    return None


def _cell(row: tuple[str, ...], column: int | None) -> str:
    return row[column].strip() if column is not None and column < len(row) else ""


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _mjd(text: str) -> float | None:
    value = _number(text)
    if value is None:
        return mjd_of_iso(text) if text else None
    if value > JD_FROM:
        return jd_to_mjd(value)
    return value if MJD_FROM < value < MJD_TO else None
