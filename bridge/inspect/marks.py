"""One mark and one colour for each band, the same on paper and in the terminal.

Colours are Okabe and Ito's (2008), which colour-blind people tell apart; marks differ as well, so a
drawing without colours still reads.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["HOLLOW", "Mark", "mark_of"]


class Mark(NamedTuple):
    """How a band is drawn: colour (hex), matplotlib marker, terminal sign, ASCII sign, terminal colour."""

    colour: str
    marker: str
    sign: str
    ascii: str
    style: str


MARKS = {
    "u": Mark("#56B4E9", "p", "✚", "u", "bright_cyan"),
    "g": Mark("#009E73", "o", "●", "g", "green"),
    "r": Mark("#D55E00", "s", "■", "r", "red"),
    "i": Mark("#CC79A7", "^", "▲", "i", "magenta"),
    "z": Mark("#E69F00", "D", "◆", "z", "yellow"),
    "y": Mark("#000000", "*", "★", "y", "white"),
    "Y": Mark("#000000", "*", "★", "Y", "white"),
    "J": Mark("#0072B2", "P", "✦", "J", "blue"),
    "H": Mark("#56B4E9", "X", "✖", "H", "cyan"),
    "K": Mark("#F0E442", "h", "⬟", "K", "bright_yellow"),
}
HOLLOW = {"●": "○", "■": "□", "▲": "△", "◆": "◇", "★": "☆", "✚": "✛", "✦": "✧", "✖": "✕", "⬟": "⬠"}
"""Sign of a source that is fainter than its reference, where the value does not say so."""

OTHERS = (
    Mark("#0072B2", "o", "●", "o", "blue"),
    Mark("#D55E00", "s", "■", "x", "red"),
    Mark("#009E73", "^", "▲", "+", "green"),
    Mark("#E69F00", "D", "◆", "*", "yellow"),
)


def mark_of(band: str, bands: tuple[str, ...] = ()) -> Mark:
    """The mark of a band; unknown ones take turns in the order of `bands`."""
    if band in MARKS:
        return MARKS[band]
    unknown = [other for other in bands if other not in MARKS]
    return OTHERS[unknown.index(band) % len(OTHERS) if band in unknown else 0]
