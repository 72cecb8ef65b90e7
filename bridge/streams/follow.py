"""Watching a folder for files that arrive, by looking at it again and again.

Looking works on every file system, network mounts included. To be cheap, a look lists only those folders that
have changed since the last one; to be quick without wearing the machine out, looks follow one another ever so
shortly, but never take more than a few percent of the time. A file is taken once, when `Wholeness` says so.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.alerts.archive import is_passed_over
from bridge.errors import SourceError
from bridge.streams.wholeness import Wholeness

__all__ = ["Follower"]

_log = logging.getLogger(__name__)

# A wait is at least so many times as long as the look before it: looking takes three percent of the time.
_REST = 30
# A folder whose time is so near to ours may change again without its time changing, where file systems count
# in whole seconds or two; in seconds.
_COARSE_S = 3.0
# So often every folder is listed whatever its time says (not every network mount keeps it), in seconds.
_LIST_ALL_S = 10.0


class Follower:
    """Paths of files as they appear.

    Parameters
    ----------
    folder
        Watched with all folders under it.
    interval_s
        Between two looks, in seconds; more where a look takes long.
    sleep, now
        Waits for seconds; tells the time in seconds since the epoch.
    stopwatch
        Seconds, to see how long a look takes.
    """

    def __init__(
        self,
        folder: Path,
        interval_s: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._stopwatch = stopwatch
        self._folder = folder
        self._interval_s = interval_s
        self._sleep = sleep
        self._now = now
        self._taken: set[str] = set()
        self._whole = Wholeness()
        # Folders that need no listing until their time changes: time in ns, folders in it.
        self._quiet: dict[str, tuple[int, list[str]]] = {}
        self._listed_all_at = 0.0
        self._unreadable: set[str] = set()

    def __iter__(self) -> Iterator[str | None]:
        """Paths, in order within one look; None when there is nothing more, before each wait."""
        while True:
            began = self._stopwatch()
            ready = self.look()
            look_s = self._stopwatch() - began
            for path in ready:
                self._taken.add(path)
                yield path
            yield None
            self._sleep(max(self._interval_s, _REST * look_s))

    def look(self) -> list[str]:
        """Files that are new and whole now."""
        now = self._now()
        if not 0 <= now - self._listed_all_at < _LIST_ALL_S:
            self._quiet.clear()
            self._listed_all_at = now
        waiting: set[str] = set()
        ready: list[str] = []
        folders = [os.fspath(self._folder)]
        while folders:
            folder = folders.pop()
            status = _status(folder)
            quiet = self._quiet.get(folder)
            if quiet is not None and status is not None and quiet[0] == status.st_mtime_ns:
                folders += quiet[1]
                continue
            inner, files = self._list(folder)
            folders += inner
            unready = [path for path in files if not self._whole(path, now)]
            waiting.update(unready)
            ready += set(files).difference(unready)
            if status is not None and not unready and now - status.st_mtime > _COARSE_S:
                self._quiet[folder] = (status.st_mtime_ns, inner)
            else:
                self._quiet.pop(folder, None)
        self._whole.forget_all_but(waiting)
        ready.sort()
        return ready

    def _list(self, folder: str) -> tuple[list[str], list[str]]:
        """Folders in a folder, and files that are new."""
        inner: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith("."):
                            inner.append(entry.path)
                    elif not (entry.path in self._taken or is_passed_over(entry.name) or entry.is_dir()):
                        files.append(entry.path)
        except OSError as error:
            reason = f"The folder {folder} cannot be read ({error.strerror})."
            if folder == os.fspath(self._folder):
                raise SourceError(reason) from error
            # The others go on: somebody's private folder among them must not end a feed.
            if folder not in self._unreadable and not isinstance(error, FileNotFoundError):
                self._unreadable.add(folder)
                _log.warning("%s It is passed over until it can.", reason)
        else:
            self._unreadable.discard(folder)
        return inner, files


def _status(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except OSError:
        return None
