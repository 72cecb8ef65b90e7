"""Whether a file that has appeared in a folder is whole, although nobody says so.

A careful writer renames it into place. Of any other writer we see that it still has the file open (Linux
tells, on its own file systems), or else that it was at it a moment ago.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

if sys.platform == "linux":
    import fcntl

__all__ = ["CLOSED_S", "OPEN_S", "SETTLED_S", "Wholeness", "is_closed"]

SETTLED_S = 1.0
"""A file that was not touched for so long is taken for whole where nobody tells who has it open (seconds)."""

CLOSED_S = 0.2
"""The same for a file that nobody has open for writing: time for a writer that closes it to open it again."""

OPEN_S = 60.0
"""The same for a file that somebody has open for writing: a copy over a slow network may pause for long."""


class Wholeness:
    """Judges files look by look; remembers those that were not whole yet."""

    def __init__(self) -> None:
        # By path: size and time of modification (ns), and since when by our clock.
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}

    def __call__(self, path: str, now: float) -> bool:
        """Whether a file is whole at the time `now` (seconds since the epoch)."""
        try:
            status = Path(path).stat()
        except OSError:
            # Gone again, or a link to nothing yet: the next look will tell.
            return False
        if not status.st_size:
            return False
        state = (status.st_size, status.st_mtime_ns)
        before = self._seen.get(path)
        since = before[1] if before is not None and before[0] == state else now
        # The file system's clock may be another one, and ahead of ours; so both are asked.
        untouched_s = max(now - status.st_mtime, now - since)
        if untouched_s >= OPEN_S:
            return True
        # A file that was renamed, or given the time of its original, after the last write.
        renamed = status.st_ctime_ns > status.st_mtime_ns
        closed = is_closed(path) if renamed or untouched_s >= CLOSED_S else False
        if closed or (closed is None and untouched_s >= SETTLED_S):
            return True
        self._seen[path] = (state, since)
        return False

    def forget_all_but(self, paths: Collection[str]) -> None:
        """Keep in mind only files that are still waiting."""
        for path in self._seen.keys() - paths:
            del self._seen[path]


def is_closed(path: str) -> bool | None:
    """Whether no process has a file open for writing; None where that cannot be told.

    The kernel grants a read lease on no other file (fcntl(2), "Leases"). Where leases are not to be had
    (other systems, network mounts, a file of another user) nobody tells.
    """
    if sys.platform != "linux":
        return None
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        # Whoever opens the file in between makes the kernel send a signal, which is to be one without effect.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return False if error.errno == errno.EAGAIN else None
    finally:
        os.close(file)
    return True
