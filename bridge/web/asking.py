"""What somebody asks for in the address of a page, as a search of the journal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from bridge.errors import UsageError
from bridge.journal import Cone, Search
from bridge.journal.asking import parse_radius, parse_time

__all__ = ["Asked", "parse_place", "read_asked", "read_seq", "search_of"]

ROLES = ("observation", "prediction", "utility", "test")

# More than any of these needs; identifiers are at most a few hundred characters long.
_LONGEST = 500
_LAST_SEQ = 2**62
_WILD = re.compile(r"[*?[]")
_NUMBER = r"[0-9]+(?:\.[0-9]*)?"
_SEXAGESIMAL = re.compile(rf"([+-]?)({_NUMBER})[:hd°\s]\s*({_NUMBER})[:m'′\s]\s*({_NUMBER})[s\"″]?")
_DEFAULT_RADIUS_DEG = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of the search form, as they were filled in.

    Parameters
    ----------
    ivorn
        Part of an IVORN in whatever case, how it begins (from ``ivo://``), or a pattern with ``*`` and ``?``.
    stream
        IVORNs with this part before ``#``.
    about
        An object: events about it.
    role
        Of the events.
    since, until
        Times, or durations ago.
    position, radius
        Where, in degrees or sexagesimal, and how far around.
    before
        Only places before this one: the next page of a long list.
    """

    ivorn: str = ""
    stream: str = ""
    about: str = ""
    role: str = ""
    since: str = ""
    until: str = ""
    position: str = ""
    radius: str = ""
    before: str = ""

    def address(self, **changed: object) -> str:
        """The address of the page that shows this, with some fields changed."""
        asked = replace(self, **{name: str(value) for name, value in changed.items()})
        given = {each.name: getattr(asked, each.name) for each in fields(asked) if getattr(asked, each.name)}
        return f"events?{urlencode(given)}" if given else "events"


def read_asked(arguments: Mapping[bytes, list[bytes]]) -> Asked:
    """The form as it came with a request; of a field that came often the last counts."""
    given = {
        each.name: _text(arguments[each.name.encode()][-1])
        for each in fields(Asked)
        if arguments.get(each.name.encode())
    }
    return Asked(**given)


def read_seq(arguments: Mapping[bytes, list[bytes]]) -> int | None:
    """The place of one event, from ``seq``; None where that is no place."""
    return _place(_text(arguments.get(b"seq", [b""])[-1]))


def search_of(asked: Asked, now: float) -> Search:
    """The search that is meant.

    Parameters
    ----------
    asked
        The form.
    now
        What durations count from, in Unix seconds.

    Raises
    ------
    UsageError
        If a field cannot be understood; the sentence names it.
    """
    if asked.role and asked.role not in ROLES:
        raise UsageError(f"There is no role {asked.role!r}; there are {', '.join(ROLES)}.")
    before = _place(asked.before) if asked.before else None
    if asked.before and before is None:
        raise UsageError(f"{asked.before!r} is no place in the journal; begin with the first page.")
    return Search(
        glob=_pattern(asked.ivorn) if asked.ivorn else None,
        stream=asked.stream or None,
        object_key=asked.about or None,
        role=asked.role or None,
        since=parse_time(asked.since, "Since", now) if asked.since else None,
        until=parse_time(asked.until, "Until", now) if asked.until else None,
        cone=_cone(asked),
        before=before,
    )


def parse_place(text: str) -> tuple[float, float]:
    """Right ascension and declination in degrees, from degrees or from hours and degrees.

    Raises
    ------
    UsageError
        If it is no position: ``187.7 12.4``, ``12:30:49.4 +12:23:28`` and ``12h30m49s +12d23m28s`` are.
    """
    pair = re.split(r"[\s,]+", text.strip())
    try:
        ra_deg, dec_deg = map(float, pair)
    except ValueError:
        pass
    else:
        return ra_deg, dec_deg
    # Three numbers each may be apart by the same blanks as the two angles are.
    halves = [" ".join(pair[:3]), " ".join(pair[3:])] if len(pair) == 6 else pair
    found = [_SEXAGESIMAL.fullmatch(half) for half in halves]
    if len(found) != 2 or found[0] is None or found[1] is None:
        raise UsageError(
            f"{text!r} is no position; give right ascension and declination, as 187.7 12.4 (degrees) or "
            "12:30:49.4 +12:23:28."
        )
    return 15.0 * _angle(found[0]), _angle(found[1])


def _angle(match: re.Match[str]) -> float:
    sign, whole, minutes, seconds = match.groups()
    value = float(whole) + float(minutes) / 60 + float(seconds) / 3600
    return -value if sign == "-" else value


def _cone(asked: Asked) -> Cone | None:
    if not asked.position:
        return None
    radius_deg = parse_radius(asked.radius) if asked.radius else _DEFAULT_RADIUS_DEG
    if radius_deg is None:
        raise UsageError(f"{asked.radius!r} is no radius; give degrees, or for example 30arcmin or 10arcsec.")
    return Cone(*parse_place(asked.position), radius_deg)


def _pattern(text: str) -> str:
    """People look for a part of an identifier, in whatever case; who writes wildcards means them."""
    if _WILD.search(text):
        return text
    if text.startswith("ivo://"):
        # As it is written: so the index finds it.
        return f"{text}*"
    letters = (f"[{c.lower()}{c.upper()}]" if c.isascii() and c.isalpha() else c for c in text)
    return f"*{''.join(letters)}*"


def _place(text: str) -> int | None:
    place = int(text) if re.fullmatch(r"[0-9]{1,19}", text) else 0
    return place if 0 < place <= _LAST_SEQ else None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()[:_LONGEST]
