"""Files that outlive a power failure, for who lets go of what they hold: acknowledged, committed.

A file that was written and closed is in memory only for half a minute more; its name belongs to the folder.
To wait for the disk takes milliseconds, so who writes many files at once waits for all of them together.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from bridge.streams.sink import writing

__all__ = ["sync_files", "sync_folder", "write_durably"]

# A file system writes its journal once for all who wait at that moment; more threads find it no faster.
_THREADS = 8

_numbers = itertools.count()

Thing = TypeVar("Thing")


def write_durably(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files that are on the disk when this returns; each appears under its name when it is whole.

    Parameters
    ----------
    folder
        An existing folder.
    contents
        Names, and what is to be in the files. A file of the same name is replaced.

    Raises
    ------
    SourceError
        If one cannot be written: of the others some may be there, whole.
    """
    # Others may write into the same folder; and the final names may be as long as can be.
    halves = {name: folder / f".{os.getpid()}-{next(_numbers)}.tmp" for name in contents}

    def write(name: str) -> None:
        with writing(folder / name), halves[name].open("wb") as file:
            file.write(contents[name])
            file.flush()
            os.fsync(file.fileno())

    try:
        _for_each(write, halves)
        for name, half in halves.items():
            with writing(folder / name):
                half.replace(folder / name)
        sync_folder(folder)
    except BaseException:
        for half in halves.values():
            half.unlink(missing_ok=True)
        raise


def sync_files(paths: Iterable[Path]) -> None:
    """Bring files that were written, and their names, to the disk; one that is gone by now is nobody's loss.

    Raises
    ------
    SourceError
        If the disk does not take one.
    """
    known = set(paths)

    def sync(path: Path) -> None:
        with writing(path), contextlib.suppress(FileNotFoundError):
            _sync(path)

    _for_each(sync, known)
    for folder in {path.parent for path in known}:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Bring to the disk which names are in a folder.

    Raises
    ------
    SourceError
        If the disk does not take it.
    """
    with writing(folder):
        try:
            _sync(folder)
        except OSError as error:
            # Some network file systems keep names by themselves, and know no such request.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _for_each(work: Callable[[Thing], None], things: Collection[Thing]) -> None:
    """Wait for the disk on behalf of all things together; raises the first error when all have ended."""
    if len(things) < 2:
        for thing in things:
            work(thing)
        return
    with ThreadPoolExecutor(min(_THREADS, len(things))) as pool:
        list(pool.map(work, things))
