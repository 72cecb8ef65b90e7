"""Angles as people read them: hours, minutes and seconds, rounded as a whole."""

from __future__ import annotations

__all__ = ["sexagesimal_dec", "sexagesimal_ra"]


def sexagesimal_ra(ra_deg: float, decimals: int = 3) -> str:
    """Right ascension as ``hh:mm:ss.sss``.

    Parameters
    ----------
    ra_deg
        Degrees; taken modulo 360.
    decimals
        Decimal places of the seconds of time.

    Returns
    -------
    str
        Rounded as a whole, so it never reads ``:60.000`` and wraps to ``00:00:00`` after 23:59:59.999...
    """
    ticks = round((ra_deg % 360.0) * 240.0 * 10**decimals) % (86_400 * 10**decimals)
    return _split(ticks, decimals)


def sexagesimal_dec(dec_deg: float, decimals: int = 2) -> str:
    """Declination as ``+dd:mm:ss.ss``.

    Parameters
    ----------
    dec_deg
        Degrees.
    decimals
        Decimal places of the arc seconds.

    Returns
    -------
    str
        Always signed, rounded as a whole (never ``:60.00``, never ``-00:00:00.00``).
    """
    ticks = round(abs(dec_deg) * 3600.0 * 10**decimals)
    return ("-" if dec_deg < 0 and ticks else "+") + _split(ticks, decimals)


def _split(ticks: int, decimals: int) -> str:
    seconds, fraction = divmod(ticks, 10**decimals)
    minutes, second = divmod(seconds, 60)
    whole, minute = divmod(minutes, 60)
    tail = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{whole:02d}:{minute:02d}:{second:02d}{tail}"
