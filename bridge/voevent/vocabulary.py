"""The vocabularies of What: is this a UCD, is this a unit. Astropy judges, where it is installed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

__all__ = ["Checker", "vocabulary_checkers"]

Checker = Callable[[str], str | None]


@cache
def vocabulary_checkers() -> tuple[Checker, Checker] | None:
    """Functions that say what is wrong with a UCD and with a unit; None without astropy."""
    try:
        from astropy import units
        from astropy.io.votable.ucd import parse_ucd
    except ImportError:
        return None

    def check_ucd(text: str) -> str | None:
        try:
            parse_ucd(text, check_controlled_vocabulary=True)
        except ValueError as error:
            return str(error)
        return None

    def check_unit(text: str) -> str | None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                units.Unit(text, format="vounit")
            except (ValueError, Warning) as error:
                return str(error).splitlines()[0]
        return None

    return check_ucd, check_unit
