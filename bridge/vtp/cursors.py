"""Where each subscriber starts, and how far the durable ones have come.

The one policy about subscribers' places in the log stands here: newcomers, those that return, and two
connections under one name. Writing is somebody else's (`save`), off the network's thread, now and then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred

from bridge.errors import BridgeError
from bridge.vtp.pages import EventLog
from bridge.vtp.settings import BroadcasterSettings
from bridge.vtp.twisted_types import Call, Timer

__all__ = ["CursorKeeper", "SaveCursors"]

SaveCursors = Callable[[Mapping[str, int]], None]

RETRY_S = 30.0
"""After a failed write (a full disk, mostly) the next comes so much later, in seconds."""

_log = logging.getLogger(__name__)


class CursorKeeper:
    """Knows and saves the places of durable subscribers.

    Parameters
    ----------
    log
        Where places of earlier runs are found.
    settings
        Newcomers, and how far back a subscriber that returns is served.
    save
        Writes places; called through `run`. None keeps them in memory only.
    run
        Runs a function, usually in a thread, and tells when it has ended.
    timer
        For writing now and then.
    wall
        Unix seconds; the timer's if not given.
    """

    def __init__(
        self,
        log: EventLog,
        settings: BroadcasterSettings,
        save: SaveCursors | None,
        run: Callable[[Callable[[], None]], Deferred[Any]],
        timer: Timer,
        wall: Callable[[], float] | None = None,
    ) -> None:
        self._log = log
        self.settings = settings
        self._save = save
        self._run = run
        self._timer = timer
        self._wall = wall or timer.seconds
        self._known: dict[str, int] = {}
        self._places: dict[str, dict[object, int]] = {}
        self._unsaved: set[str] = set()
        self._call: Call | None = None
        self._writing = False
        self._closed = False

    @property
    def durable(self) -> bool:
        """Whether places are kept at all."""
        return self.settings.durable_max_age_s != 0

    def newcomer_start(self, newest_at_connect: int) -> int:
        """Place after which a subscriber that nobody knows is served.

        Parameters
        ----------
        newest_at_connect
            The newest place when it connected: what was published while it introduced itself is its due.
        """
        newcomers = self.settings.newcomers
        if newcomers == "now":
            return newest_at_connect
        if newcomers == "start":
            # Not from the very first: what is removed may still be in memory, in parts.
            first = self._log.first_kept_seq()
            return newest_at_connect if first is None else min(first - 1, newest_at_connect)
        return min(newest_at_connect, self._log.seq_at(self._wall() - float(newcomers)))

    def saved(self, ivo: str) -> int | None:
        """Place of a subscriber that is known; None for a newcomer, or when nobody is durable."""
        if not self.durable:
            return None
        place = self._known.get(ivo)
        if place is None:
            place = self._log.cursor(ivo)
        if place is None:
            return None
        age = self.settings.durable_max_age_s
        if age is None:
            return place
        earliest = self._log.seq_at(self._wall() - age)
        if earliest > place:
            _log.warning(
                "subscriber %r returns too late: events %d to %d are older than %.0f s and are not sent",
                ivo,
                place + 1,
                earliest,
                age,
                extra={"subscriber": ivo, "first_seq": place + 1, "last_seq": earliest},
            )
        return max(place, earliest)

    def connections_of(self, ivo: str) -> int:
        """How many connections use this identifier now."""
        return len(self._places.get(ivo, ()))

    def move(self, ivo: str, connection: object, seq: int) -> None:
        """Note the place of one connection under a name; the name's place is that of its slowest."""
        if not self.durable:
            return
        places = self._places.setdefault(ivo, {})
        if places.get(connection) == seq:
            return
        places[connection] = seq
        self._note(ivo, min(places.values()))

    def leave(self, ivo: str, connection: object) -> None:
        """Note that a connection has gone; its place stays unless another under its name is connected."""
        places = self._places.get(ivo)
        if places is None:
            return
        places.pop(connection, None)
        if places:
            self._note(ivo, min(places.values()))
        else:
            del self._places[ivo]

    def _note(self, ivo: str, seq: int) -> None:
        if self._known.get(ivo) == seq:
            return
        self._known[ivo] = seq
        self._unsaved.add(ivo)
        if self._call is None and self._save is not None and not self._closed:
            self._call = self._timer.callLater(self.settings.cursor_interval_s, self._write)

    def _write(self) -> None:
        self._call = None
        if self._writing:
            # The disk is slower than the interval: one write at a time, or an old place could overtake.
            self._call = self._timer.callLater(self.settings.cursor_interval_s, self._write)
            return
        places = self._take()
        save = self._save
        if places and save is not None:
            self._writing = True
            self._run(lambda: save(places)).addErrback(self._failed, places).addBoth(self._written)

    def _take(self) -> dict[str, int]:
        places = {ivo: self._known[ivo] for ivo in self._unsaved}
        self._unsaved.clear()
        return places

    def _failed(self, failure: Any, places: Mapping[str, int]) -> None:
        self._unsaved.update(places)
        _log.error("subscribers' places could not be saved: %s", failure.getErrorMessage())
        if self._call is None and not self._closed:
            self._call = self._timer.callLater(RETRY_S, self._write)

    def _written(self, result: object) -> None:
        self._writing = False

    def close(self) -> None:
        """Save what has moved, now, in the caller's thread; nothing is saved after.

        Where that fails the log says so: the rest of an end goes on.
        """
        self._closed = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        places = self._take()
        if places and self._save is not None:
            try:
                self._save(places)
            except BridgeError as error:
                _log.error("subscribers' places could not be saved, so they get some events again: %s", error)
