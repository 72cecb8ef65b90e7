"""Minimal valid FITS files, written by hand (FITS standard 4.0, sections 3 and 4).

The simulator makes three images for each alert; a FITS library would take most of its time.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "Value", "header", "image_cards", "padded", "pixels"]

BLOCK = 2880
Value = str | int | float | bool
BITPIX = {"f4": -32, "f8": -64}


def header(cards: Iterable[tuple[str, Value, str]]) -> bytes:
    """Header blocks of (keyword, value, comment) cards, with END and padding."""
    text = "".join(_card(*card) for card in cards) + f"{'END':<80}"
    return text.encode("ascii") + b" " * (-len(text) % BLOCK)


def image_cards(shape: tuple[int, int], dtype: str, extension: str = "") -> list[tuple[str, Value, str]]:
    """The mandatory cards of a two-dimensional image: primary, or an extension of the given name."""
    first: tuple[str, Value, str]
    first = ("XTENSION", "IMAGE", "image extension") if extension else ("SIMPLE", True, "FITS standard")
    cards: list[tuple[str, Value, str]] = [
        first,
        ("BITPIX", BITPIX[dtype], "type of the pixels"),
        ("NAXIS", 2, "number of axes"),
        ("NAXIS1", shape[1], "columns"),
        ("NAXIS2", shape[0], "rows"),
    ]
    if extension:
        cards += [("PCOUNT", 0, ""), ("GCOUNT", 1, ""), ("EXTNAME", extension, "name of the extension")]
    return cards


def pixels(values: npt.NDArray[np.floating], dtype: str) -> bytes:
    """Pixels in big-endian order, without padding."""
    return values.astype(">" + dtype).tobytes()


def padded(data: bytes) -> bytes:
    """Data filled with zeros to whole blocks."""
    return data + bytes(-len(data) % BLOCK)


def _card(keyword: str, value: Value, comment: str) -> str:
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        text = f"{chr(39) + value.replace(chr(39), chr(39) * 2).ljust(8) + chr(39):<20}"
    elif isinstance(value, float):
        text = f"{value:>20.12E}"
    else:
        text = f"{value:>20}"
    return f"{keyword:<8}= {text}{' / ' + comment if comment else ''}"[:80].ljust(80)
