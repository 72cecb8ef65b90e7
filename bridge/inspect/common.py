"""What every survey's view needs in the same way: the sections on place and time, and the cutouts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.alerts.packet import Origin
from bridge.errors import PacketError
from bridge.inspect.epochs import Epoch
from bridge.inspect.fits import read_image
from bridge.inspect.report import Cutout, FactList, Position, Section
from bridge.inspect.sexagesimal import sexagesimal_dec, sexagesimal_ra
from bridge.sky import gal_lat, gal_lon

__all__ = ["add_place", "angle_text", "collect_cutouts", "position_section", "when_section"]

CUTOUT_NAMES = (
    ("science", ("cutoutScience", "cutout_science")),
    ("template", ("cutoutTemplate", "cutout_template")),
    ("difference", ("cutoutDifference", "cutout_difference")),
)


def add_place(facts: FactList, origin: Origin, index: int, count: int | None) -> None:
    """Note where a packet came from.

    Parameters
    ----------
    facts
        Where to note it.
    origin
        Of the packet.
    index, count
        Which one of how many in its file or archive, counted from 0; `count` is None where unknown.
    """
    place = "standard input" if origin.partition == "-" else Path(origin.partition).name
    if origin.member:
        place += f", member {origin.member}"
    if count != 1:
        many = f"more than {index}" if count is None else str(count)
        place += f", number {index} of {many} (counted from 0)"
    facts.add("file", "File", {"path": origin.partition, "member": origin.member or None}, place)
    facts.add("index", "", index, "")
    facts.add("count", "", count, "")


def position_section(position: Position) -> Section:
    """The section on where: degrees, sexagesimal and galactic.

    Parameters
    ----------
    position
        ICRS degrees.
    """
    facts = FactList()
    ra, dec = position.ra_deg, position.dec_deg
    facts.add("ra_deg", "RA, Dec", ra, f"{_degrees(ra)}  {_degrees(dec, '+')} deg ({position.frame})")
    facts.add("dec_deg", "", dec, "")
    hms, dms = sexagesimal_ra(ra), sexagesimal_dec(dec)
    facts.add("sexagesimal", "", {"ra": hms, "dec": dms}, f"{hms}  {dms}")
    longitude, latitude = (gal_lon(ra, dec), gal_lat(ra, dec))
    facts.add(
        "galactic_deg",
        "Galactic l, b",
        {"l": longitude, "b": latitude},
        f"{longitude:.4f}  {latitude:+.4f} deg",
    )
    error = position.error_deg
    facts.add("error_deg", "Error", error, None if error is None else angle_text(error))
    return facts.section("where", "Where")


def when_section(epoch: Epoch, note: str) -> FactList:
    """Facts on when, ready for a view to add its own.

    Parameters
    ----------
    epoch
        The moment of the alert.
    note
        What moment of the exposure it is, or empty.
    """
    facts = FactList()
    facts.add("utc", "UTC", epoch.utc + "Z", f"{epoch.utc}Z{f' ({note})' if note else ''}")
    facts.add(f"mjd_{epoch.scale.lower()}", "MJD", epoch.mjd, f"{epoch.mjd:.6f} {epoch.scale}")
    if epoch.scale != "UTC":
        facts.add("mjd_utc", "", epoch.mjd_utc, f"{epoch.mjd_utc:.6f} UTC")
    return facts


def _degrees(angle: float, sign: str = "") -> str:
    """Up to seven decimals (0.4 mas), without the zeros that the packet did not give."""
    whole, _, decimals = f"{angle:{sign}.7f}".partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"


def angle_text(degrees: float) -> str:
    """An angle in the unit that suits its size."""
    arcsec = degrees * 3600
    if arcsec < 1:
        return f"{arcsec * 1000:.3g} mas"
    if arcsec < 120:
        return f"{arcsec:.3g}″"
    return f"{degrees * 60:.3g}′" if degrees < 2 else f"{degrees:.3g}°"


def collect_cutouts(record: Mapping[str, Any], arcsec_per_pixel: float | None) -> tuple[Cutout, ...]:
    """Read the postage stamps of an alert; one that is damaged is named with its problem.

    Parameters
    ----------
    record
        The alert; a cutout is bytes, or a record with `stampData`.
    arcsec_per_pixel
        The camera's scale, for images that do not say it.
    """
    cutouts = []
    for name, fields in CUTOUT_NAMES:
        data = next((record[field] for field in fields if record.get(field) is not None), None)
        sense = ""
        if isinstance(data, Mapping):
            sense = _sense(str(data.get("fileName") or ""))
            data = data.get("stampData")
        if not isinstance(data, bytes) or not data:
            continue
        try:
            image = read_image(data)
            cutouts.append(Cutout(name, image, arcsec_per_pixel=arcsec_per_pixel, sense=sense))
        except PacketError as error:
            cutouts.append(Cutout(name, None, problem=error.reason))
    return tuple(cutouts)


def _sense(file_name: str) -> str:
    """ZTF turns a negative difference round to make the source positive; the file's name says so."""
    if "refmsci" in file_name:
        return "template − science"
    return "science − template" if "scimref" in file_name else ""
