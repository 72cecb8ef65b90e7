"""A glance at an alert: the handful of values by which people tell alerts apart, read by the lens alone.

The names of the fields differ between surveys and versions; the first that a schema has is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bridge.alerts.fields import resolve
from bridge.alerts.lens import Lens, compile_lens
from bridge.alerts.packet import Document, Item, Packet, Refusal
from bridge.alerts.schema import Schema
from bridge.errors import PacketError, SchemaError
from bridge.inspect.epochs import MJD_OF_JD, Epoch
from bridge.voevent.headline import read_headline

__all__ = ["Glance", "alert_id", "cutouts_of", "glance", "observed_unix_s"]

UNIX_EPOCH_MJD = 40_587
ZTF_BANDS = {1: "g", 2: "r", 3: "i"}

_VOEVENT_POSITION = "WhereWhen.ObsDataLocation.ObservationLocation.AstroCoords.Position2D.Value2"

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "alert_id": ("diaSourceId", "candid", "alertId", "diaSource.diaSourceId", "ivorn"),
    "object_id": ("objectId", "diaSource.diaObjectId", "diaObject.diaObjectId"),
    "ss_object_id": ("diaSource.ssObjectId",),
    "ra_deg": ("candidate.ra", "diaSource.ra", f"{_VOEVENT_POSITION}.C1.value"),
    "dec_deg": ("candidate.dec", "diaSource.dec", "diaSource.decl", f"{_VOEVENT_POSITION}.C2.value"),
    "magnitude": ("candidate.magpsf",),
    "flux_njy": ("diaSource.psfFlux", "diaSource.psFlux"),
    "band": ("candidate.fid", "diaSource.band", "diaSource.filterName"),
    "jd_utc": ("candidate.jd",),
    "mjd_tai": ("diaSource.midpointMjdTai", "diaSource.midPointTai"),
    "history": ("len(prv_candidates)", "len(prvDiaSources)"),
}
_CUTOUTS = ("Science", "Template", "Difference")


@dataclass(frozen=True, slots=True)
class Glance:
    """What is seen at a glance; None where the alert does not say it.

    Parameters
    ----------
    alert_id, object_id
        Of the detection and of the object.
    ra_deg, dec_deg
        Position in degrees.
    magnitude, flux_njy
        Brightness as the survey gives it: a difference magnitude, or a difference flux in nJy.
    band
        Of the exposure.
    observed
        Moment of the exposure.
    history
        Number of earlier detections in the packet.
    schema
        Name of the writer schema, or kind of the document.
    problem
        Why nothing could be read, else empty.
    """

    alert_id: str | None = None
    object_id: str | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    magnitude: float | None = None
    flux_njy: float | None = None
    band: str | None = None
    observed: Epoch | None = None
    history: int | None = None
    schema: str = ""
    problem: str = ""

    @property
    def observed_utc(self) -> str | None:
        """ISO 8601 in UTC, or None."""
        if self.observed is None:
            return None
        try:
            return self.observed.utc + "Z"
        except PacketError:
            return None


def glance(item: Item) -> Glance:
    """Look at an item; one that cannot be read says why."""
    if isinstance(item, Refusal):
        return Glance(problem=item.reason)
    if isinstance(item, Document):
        return _document(item)
    names, lens = _lens(item.schema, tuple(_FIELDS))
    try:
        found: dict[str, Any] = dict(zip(names, lens.read(item), strict=True)) if lens else {}
    except PacketError as error:
        return Glance(schema=item.schema.name, problem=error.reason)
    observed: Epoch | None = None
    if found.get("jd_utc") is not None:
        observed = Epoch(found["jd_utc"] - MJD_OF_JD, "UTC")
    elif found.get("mjd_tai") is not None:
        observed = Epoch(found["mjd_tai"], "TAI")
    band = found.get("band")
    # LSST writes 0 where a source belongs to no static object but to the solar system.
    owner = found.get("object_id") or found.get("ss_object_id")
    return Glance(
        alert_id=_text(found.get("alert_id")),
        object_id=_text(owner),
        ra_deg=found.get("ra_deg"),
        dec_deg=found.get("dec_deg"),
        magnitude=found.get("magnitude"),
        flux_njy=found.get("flux_njy"),
        band=ZTF_BANDS.get(band, str(band)) if isinstance(band, int) else band,
        observed=observed,
        history=found.get("history"),
        schema=item.schema.name,
    )


def alert_id(packet: Packet) -> str:
    """The alert's own id, or empty text."""
    _, lens = _lens(packet.schema, ("alert_id",))
    try:
        return (_text(lens.read(packet)[0]) or "") if lens else ""
    except PacketError:
        return ""


def observed_unix_s(packet: Packet) -> float | None:
    """When the exposure was made, in Unix seconds (UTC), or None."""
    names, lens = _lens(packet.schema, ("jd_utc", "mjd_tai"))
    try:
        found = dict(zip(names, lens.read(packet), strict=True)) if lens else {}
        if found.get("jd_utc") is not None:
            mjd_utc: float = found["jd_utc"] - MJD_OF_JD
        elif found.get("mjd_tai") is not None:
            mjd_utc = Epoch(found["mjd_tai"], "TAI").mjd_utc
        else:
            return None
    except PacketError:
        return None
    return (mjd_utc - UNIX_EPOCH_MJD) * 86_400.0


def cutouts_of(packet: Packet) -> dict[str, bytes]:
    """The postage stamps of an alert as they are (FITS, at ZTF gzipped), by name; none where there are none.

    Raises
    ------
    PacketError
        If the datum cannot be read.
    """
    names, lens = _cutout_lens(packet.schema)
    if lens is None:
        return {}
    values = zip(names, lens.read(packet), strict=True)
    return {name: value for name, value in values if isinstance(value, bytes) and value}


def _document(item: Document) -> Glance:
    if item.kind == "json":
        return Glance(schema="JSON")
    try:
        head = read_headline(item.data)
    except PacketError as error:
        return Glance(schema="VOEvent", problem=error.reason)
    return Glance(alert_id=head.ivorn, ra_deg=head.ra_deg, dec_deg=head.dec_deg, schema="VOEvent")


@lru_cache(maxsize=128)
def _lens(schema: Schema, wanted: tuple[str, ...]) -> tuple[tuple[str, ...], Lens | None]:
    paths = {name: path for name in wanted if (path := _first_scalar(schema, _FIELDS[name]))}
    return tuple(paths), compile_lens(schema, tuple(paths.values())) if paths else None


@lru_cache(maxsize=64)
def _cutout_lens(schema: Schema) -> tuple[tuple[str, ...], Lens | None]:
    paths = {
        name.lower(): path
        for name in _CUTOUTS
        if (path := _first_scalar(schema, (f"cutout{name}.stampData", f"cutout{name}")))
    }
    return tuple(paths), compile_lens(schema, tuple(paths.values())) if paths else None


def _first_scalar(schema: Schema, paths: tuple[str, ...]) -> str:
    for path in paths:
        try:
            field = resolve(schema, path)
        except SchemaError:
            continue
        # A number of a VOEvent is long or double, as it was written.
        if field.kind in ("scalar", "length") or (field.kind, field.type) == ("value", "double"):
            return path
    return ""


def _text(value: object) -> str | None:
    return None if value is None else str(value)
