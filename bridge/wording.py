"""Numbers with their nouns in sentences for people: "1 event", "1,204 events".

Every room tells people how many, so it belongs to none of them; like errors, it imports nothing.
"""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and what it counts.

    Parameters
    ----------
    number
        How many.
    noun
        What, in the singular.
    plural
        The plural, where an ``s`` at the end does not make it.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
