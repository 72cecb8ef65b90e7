"""From where a subscriber wants to be served: a time, a place in the broker's journal, or its last event.

It travels as a Param named ``since`` in the answer to authenticate. Brokers that do not know it pass it over,
as VTP asks of them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Protocol

from bridge.errors import UsageError

__all__ = ["SINCE_PARAM", "check_since", "place_since"]

SINCE_PARAM = "since"

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd])", re.ASCII)
_SEQ = re.compile(r"seq:([0-9]{1,18})", re.ASCII)


class Places(Protocol):
    """What is asked of the log of events."""

    def seq_at(self, time_unix_s: float) -> int:
        """The place after which events published at or since a time follow."""
        ...

    def seq_of(self, ivorn: str) -> int | None:
        """The first place of an event; None for one that the log does not know."""
        ...


def check_since(text: str) -> str:
    """Check what a person has written, and give it without blanks around it.

    Raises
    ------
    UsageError
        If it says neither a time nor a place.
    """
    text = text.strip()
    known = (
        _AGE.fullmatch(text) or _SEQ.fullmatch(text) or text.startswith("ivo://") or _time(text) is not None
    )
    if not known:
        raise UsageError(
            f"{text!r} does not say since when: give a duration (12h), a time (2026-11-21T07:30:00Z), a "
            "place in the broker's journal (seq:1234), or the IVORN of the last event (ivo://...)."
        )
    return text


def place_since(text: str, log: Places, now: float) -> int | None:
    """The place after which a subscriber is served that asks so.

    An event that was published in two editions counts from the first: something twice rather than nothing.

    Parameters
    ----------
    text
        What the subscriber said, which may be anything.
    log
        Where places are found.
    now
        Unix seconds.

    Returns
    -------
    int or None
        None when it makes no sense, or the event is not known.
    """
    text = text.strip()
    if match := _AGE.fullmatch(text):
        return log.seq_at(now - float(match[1]) * _UNITS_S[match[2]])
    if match := _SEQ.fullmatch(text):
        return int(match[1])
    if text.startswith("ivo://"):
        return log.seq_of(text)
    moment = _time(text)
    return None if moment is None else log.seq_at(moment)


def _time(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
