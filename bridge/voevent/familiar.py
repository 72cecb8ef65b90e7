"""Packets in a shape that has been examined before: what is left to look at is their values.

The packets of one stream have the same tags, names and blanks, and differ in their values. So when a markup
has come a few times with packets that are good, a pattern is made of it (`bridge.voevent.shape`) that
has all in it that must not differ, and of what type each value has to be. From then on a packet that matches
is well-formed and valid like the first, and has its headline in the same places. All others go through parser
and schema, as do packets with CDATA, comments, control characters or anything but ASCII.
"""

from __future__ import annotations

import logging
import threading
from collections import deque

from bridge.voevent.headline import Headline
from bridge.voevent.shape import Shape, has_sound_references, markup_of

__all__ = ["FamiliarPackets"]

_log = logging.getLogger(__name__)

_MOST_SHAPES = 512
# Of one markup; packets of one stream have few units, systems and roles.
_MOST_CONSTANTS = 64
# So many are tried on a packet, that a stranger cannot make each packet dear.
_MOST_ALIKE = 16
# A longer packet is seldom like another, and to make its pattern would hold the others up.
_LONGEST = 10_000
# When so many in a row have had a markup of their own, one of a few is remembered.
_UNKNOWN, _ONE_OF = 64, 16
# So many wait to be made; what comes beyond them will come again.
_MOST_WAITING = 64


class FamiliarPackets:
    """The shapes of packets that were examined and taken; safe to use from several threads.

    Parameters
    ----------
    after
        How often a markup has to come before a shape is made of it, which takes some milliseconds.
    at_leisure
        Shapes are made in `study` only, and not in `learn`.
    """

    def __init__(self, after: int = 2, *, at_leisure: bool = False) -> None:
        self._after = after
        self._at_leisure = at_leisure
        # By markup, one of each.
        self._waiting: dict[bytes, tuple[bytes, Headline]] = {}
        # By the number of quotation marks, newest first; what is in it is replaced and never changed.
        self._shapes: dict[int, tuple[Shape, ...]] = {}
        self._learnt: deque[tuple[int, Shape]] = deque()
        # How often a markup has come while it, or its constants, were not known.
        self._met: dict[bytes, int] = {}
        self._unknown = 0
        self._lock = threading.Lock()

    def headline_of(self, xml: bytes) -> Headline | None:
        """The headline of a packet that is good for sure; None where parser and schema have to say."""
        for shape in self._shapes.get(xml.count(b'"'), ()):
            match = shape.match(xml)
            if match is not None:
                return shape.headline_of(match) if b"&" not in xml or has_sound_references(xml) else None
        return None

    def learn(self, xml: bytes, headline: Headline) -> None:
        """Take note of a packet that has been found to be good, and of what it is."""
        if len(xml) > _LONGEST:
            return
        self._unknown += 1
        if self._unknown > _UNKNOWN and self._unknown % _ONE_OF:
            return
        markup = markup_of(xml)
        if markup is None:
            return
        with self._lock:
            if markup in self._waiting:
                return
            times = self._met.get(markup, 0) + 1
            if times == 1:
                while len(self._met) >= 2 * _MOST_SHAPES:
                    del self._met[next(iter(self._met))]
            else:
                self._unknown = 0
            self._met[markup] = times
            if not 0 <= times - self._after < _MOST_CONSTANTS or len(self._waiting) >= _MOST_WAITING:
                return
            self._waiting[markup] = xml, headline
        if not self._at_leisure:
            self.study()

    @property
    def has_to_study(self) -> bool:
        """Whether `study` has something to do."""
        return bool(self._waiting)

    def study(self) -> None:
        """Make one of the shapes that wait to be made."""
        with self._lock:
            markup = next(iter(self._waiting), None)
            if markup is None:
                return
            xml, headline = self._waiting.pop(markup)
        if self.headline_of(xml) is not None:
            return
        try:
            shape = Shape.of(xml, headline)
        except Exception:
            # The packet is good, and others like it are read as it was.
            _log.exception("No shape could be made of %s; this is a bug.", headline.ivorn)
            return
        if shape is not None:
            with self._lock:
                self._remember(xml.count(b'"'), shape)

    def _remember(self, marks: int, shape: Shape) -> None:
        alike = self._shapes.get(marks, ())
        self._shapes[marks] = (shape, *alike[: _MOST_ALIKE - 1])
        self._learnt.append((marks, shape))
        while len(self._learnt) > _MOST_SHAPES:
            marks, oldest = self._learnt.popleft()
            left = tuple(each for each in self._shapes.get(marks, ()) if each is not oldest)
            if left:
                self._shapes[marks] = left
            else:
                self._shapes.pop(marks, None)
