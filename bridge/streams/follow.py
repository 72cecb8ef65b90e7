"""Watching a folder for files that arrive, by looking at it again and again.

Looking works on every file system, network mounts included. A file is taken once, when it is whole: its
writer renames it into place; for a writer that does not, a file that was touched within the last second is
left alone until its size stays the same from one look to the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.alerts.archive import list_files

__all__ = ["Follower"]

SETTLED_S = 1.0


class Follower:
    """Paths of files as they appear.

    Parameters
    ----------
    folder
        Watched with all folders under it.
    interval_s
        Between two looks, in seconds.
    sleep, now
        Waits for seconds; tells the time in seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        interval_s: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._interval_s = interval_s
        self._sleep = sleep
        self._now = now
        self._taken: set[str] = set()
        self._sizes: dict[str, int] = {}

    def __iter__(self) -> Iterator[str | None]:
        """Paths, in order within one look; None when there is nothing more, before each wait."""
        while True:
            for path in self.look():
                self._taken.add(path)
                yield path
            yield None
            self._sleep(self._interval_s)

    def look(self) -> list[str]:
        """Files that are new and whole now."""
        ready: list[str] = []
        sizes: dict[str, int] = {}
        for path in list_files(self._folder):
            if path in self._taken:
                continue
            try:
                status = Path(path).stat()
            except OSError:
                # Gone again, or a link to nothing yet: the next look will tell.
                continue
            size = status.st_size
            settled = self._now() - status.st_mtime >= SETTLED_S or self._sizes.get(path) == size
            if size and settled:
                ready.append(path)
            else:
                sizes[path] = size
        self._sizes = sizes
        return ready
