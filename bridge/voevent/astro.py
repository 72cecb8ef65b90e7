"""Position, time and tables of an event as astropy has them; astropy is asked for only here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bridge.errors import PacketError, UsageError
from bridge.voevent.tables import as_declared

if TYPE_CHECKING:
    from bridge.voevent.model import VOEvent
    from bridge.voevent.what import Table

__all__ = ["astropy_table", "astropy_time", "sky_coord"]

# ISO times of these systems; GPS time runs 19 s behind TAI (IS-GPS-200).
_SCALES = {name: name.lower() for name in ("UTC", "TT", "TDB", "TAI", "TCB", "TCG", "UT1")}
_SCALES |= {"TDT": "tt", "GPS": "tai"}
_GPS_BEHIND_TAI_S = 19.0
_UNITS_S = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def sky_coord(event: VOEvent) -> Any:
    """The position as `astropy.coordinates.SkyCoord`, FK5 or ICRS.

    Raises
    ------
    UsageError
        If astropy is not installed.
    PacketError
        If the event has no position in one of these frames.
    """
    position = event.position
    if position is None:
        raise PacketError(f"event {event.ivorn} has no position in ICRS or FK5")
    coordinates = _astropy("coordinates")
    return coordinates.SkyCoord(position.ra_deg, position.dec_deg, unit="deg", frame=position.frame.lower())


def astropy_time(event: VOEvent) -> Any:
    """The time as `astropy.time.Time`, in its own scale (UTC if none is named, or one that astropy lacks).

    Raises
    ------
    UsageError
        If astropy is not installed.
    PacketError
        If the event has no time, or one that is not ISO 8601.
    """
    written = event.time
    if not written:
        raise PacketError(f"event {event.ivorn} has no time")
    system = event.time_scale or "UTC"
    time = event.coords.time if event.coords is not None else None
    offset = time.time_instant.time_offset if time is not None and time.time_instant is not None else None
    try:
        moment = _astropy("time").Time(written.rstrip("Z"), scale=_SCALES.get(system, "utc"))
    except ValueError:
        raise PacketError(f"event {event.ivorn} has the time {written!r}, which is not ISO 8601") from None
    seconds = _GPS_BEHIND_TAI_S if system == "GPS" else 0.0
    if offset is not None and offset.number:
        unit = time.unit if time is not None and time.unit else "s"
        if unit not in _UNITS_S:
            raise PacketError(f"event {event.ivorn} has a time offset in {unit!r}, which is no unit of time")
        seconds += offset.number * _UNITS_S[unit]
    return moment + seconds * _astropy("units").s if seconds else moment


def astropy_table(table: Table) -> Any:
    """The table as `astropy.table.Table`: numbers masked where a cell has none, units, UCDs as ``meta``.

    A column in which some cells are numbers and others texts, or that is declared a string, is one of
    texts. Units that astropy does not know are kept as they are written.

    Raises
    ------
    UsageError
        If astropy is not installed.
    """
    tables, units = _astropy("table"), _astropy("units")
    columns = []
    for number, (field, found) in enumerate(table.columns()):
        values = as_declared(field, found)
        numeric = all(value is None or not isinstance(value, str) for value in values)
        missing = [value is None for value in values]
        filled: list[Any] = ["" if value is None else str(value) for value in values]
        if numeric and not all(missing):
            filled = [0 if value is None else value for value in values]
        columns.append(
            tables.MaskedColumn(
                filled,
                name=field.name or f"col{number + 1}",
                mask=missing,
                unit=units.Unit(field.unit, parse_strict="silent") if field.unit else None,
                description=" ".join(field.descriptions) or None,
                meta={"ucd": field.ucd} if field.ucd else None,
            )
        )
    return tables.Table(columns, meta={"name": table.name, "description": " ".join(table.descriptions)})


def _astropy(part: str) -> Any:
    try:
        return import_module(f"astropy.{part}")
    except ModuleNotFoundError:
        raise UsageError("This needs astropy, which is not installed: pip install astropy.") from None
