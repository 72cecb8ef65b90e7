"""Times and cones of a search as people write them: ``12h``, ``2026-04-01T12:00:00Z``, ``187.7,12.4,0.5``.

Apart from the search itself, which knows seconds and degrees; the command line and the web page both ask in
these words.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bridge.errors import ConfigError, UsageError
from bridge.journal.search import Cone
from bridge.units import parse_duration

__all__ = ["parse_cone", "parse_radius", "parse_time"]

_RADIUS = re.compile(r"([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)\s*(deg|arcmin|arcsec)?")
_PER_DEGREE = {None: 1.0, "deg": 1.0, "arcmin": 60.0, "arcsec": 3600.0}


def parse_time(text: str, what: str, now: float) -> float:
    """A moment in Unix seconds: a time in ISO 8601 (UTC where it names no zone), or a duration ago.

    Parameters
    ----------
    text
        As people write it.
    what
        The option or field, for the message.
    now
        What durations count from, in Unix seconds.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now - parse_duration(text, what)
        except ConfigError as error:
            raise ConfigError(f"{error} Or give a time: 2026-04-01T12:00:00Z.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def parse_radius(text: str) -> float | None:
    """An angle in degrees: ``0.5``, ``30arcmin``, ``10arcsec``; None where it is none."""
    radius = _RADIUS.fullmatch(text.strip())
    return None if radius is None else float(radius[1]) / _PER_DEGREE[radius[2]]


def parse_cone(text: str, what: str) -> Cone:
    """A cone written as ``RA,DEC,RADIUS``, in degrees.

    Raises
    ------
    UsageError
        If it is none; `what` names the option.
    """
    parts = [part.strip() for part in text.split(",")]
    radius_deg = parse_radius(parts[-1])
    try:
        ra_deg, dec_deg = map(float, parts[:-1])
        if radius_deg is None:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"{what} is {text!r}; give right ascension, declination and radius in degrees: 187.7,12.4,0.5."
        ) from None
    return Cone(ra_deg, dec_deg, radius_deg)
