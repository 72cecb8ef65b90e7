"""Numbers of a VOEvent: a text becomes a number that the same text can be made of again.

XML writes numbers as text, and the text says more than the number: `-1.0000` is measured to four decimals. So
a number is kept as three values, which everything in this room shares: the number itself, how many decimals
it was written with, and the text where these two do not restore it (`1.5E3`, `+7`, ` 5.00`, `abc`).
"""

from __future__ import annotations

import math
import re

from bridge.errors import PacketError

__all__ = ["MOST_DECIMALS", "Value", "format_number", "read_number", "value_of"]

INTEGERS = range(-(2**63), 2**63)
"""What an Avro long holds."""

MOST_DECIMALS = 30
"""Numbers that are written with more are kept as texts, and a record that asks for more is not believed."""

# The form that number and decimals restore; the group holds the decimals.
_PLAIN = re.compile(rf"-?(?:0|[1-9][0-9]{{0,18}})(?:\.([0-9]{{1,{MOST_DECIMALS}}}))?")
# xs:float and xs:integer, less NaN and the infinities: those are no numbers to compare with.
_NUMBER = re.compile(r"[ \t\r\n]*([+-]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?)[ \t\r\n]*")
_LONGEST = 400


Value = tuple[int | float | None, str | None, int]
"""A number (None where the text is none), its text (None where the others restore it), its decimals."""


def read_number(text: str) -> Value:
    """The number that a text says, and what else is needed to restore the text.

    Parameters
    ----------
    text
        Any text: of an attribute, of an element, of a table's cell.
    """
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        fraction = plain[1]
        if fraction is None:
            if text != "-0" and int(text) in INTEGERS:
                return int(text), None, 0
        else:
            number = float(text)
            decimals = len(fraction)
            if f"{number:.{decimals}f}" == text:
                return number, None, decimals
    loose = _NUMBER.fullmatch(text) if len(text) < _LONGEST else None
    if loose is None:
        return None, text, 0
    if loose[2] is None and loose[3] is None and loose[4] is None and int(loose[1]) in INTEGERS:
        return int(loose[1]), text, 0
    number = float(loose[1])
    return number if math.isfinite(number) else None, text, 0


def format_number(number: int | float | None, text: str | None, decimals: int) -> str | None:
    """The text of a number; None where there is neither a number nor a text.

    Parameters
    ----------
    number, text, decimals
        As in `Value`. A float with no decimals stated is written in the shortest form that reads back as it.

    Raises
    ------
    PacketError
        If more decimals are asked for than a number has, which would cost any amount of memory.
    """
    if text is not None:
        return text
    if number is None:
        return None
    if decimals:
        if not 0 < decimals <= MOST_DECIMALS:
            raise PacketError(f"a number asks for {decimals} decimals; 0 to {MOST_DECIMALS} are possible")
        if math.isfinite(number):
            return f"{number:.{decimals}f}"
    if isinstance(number, float):
        return repr(number) if math.isfinite(number) else _names_of_infinity(number)
    return str(number)


def value_of(value: int | float | str | None) -> Value:
    """A number or text that a person gives, as three values.

    Parameters
    ----------
    value
        A text is read as `read_number` does; a number is written in its shortest form.
    """
    if value is None:
        return None, None, 0
    if isinstance(value, str):
        return read_number(value)
    text = format_number(value, None, 0)
    assert text is not None
    return read_number(text)


def _names_of_infinity(number: float) -> str:
    # XML Schema 1.0, part 2, section 3.2.4: the lexical space of float.
    return "NaN" if math.isnan(number) else "INF" if number > 0 else "-INF"
