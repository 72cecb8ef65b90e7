"""The tar files of an archive, to which members are appended so that a crash costs nothing.

A file is complete at every moment at which nobody writes: its end mark stands behind the last member and is
written over by the next. What the index does not know of was being written in a crash, and is cut off.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from bridge.bulk.index import Index
from bridge.bulk.members import END
from bridge.errors import SourceError
from bridge.streams.durable import sync_folder
from bridge.streams.sink import writing

__all__ = ["TarFiles"]

MOST_OPEN = 16
"""Late messages keep yesterday's files open; more than these are closed, the one unused longest first."""


class TarFiles:
    """All tar files of an archive.

    Parameters
    ----------
    folder
        Of the archive.
    index
        Knows the files and their lengths.

    Raises
    ------
    SourceError
        If a file cannot be mended after a crash.
    """

    def __init__(self, folder: Path, index: Index) -> None:
        self._folder = folder
        self._index = index
        self._open: dict[tuple[str, str], tuple[str, BinaryIO]] = {}
        self._sizes: dict[str, int] = index.tars()
        self._secured = dict(self._sizes)
        self._touched: dict[str, BinaryIO] = {}
        self.cut_bytes = 0
        for name, size in self._sizes.items():
            self._mend(folder / name, size)

    def append(self, topic: str, night: str, data: bytes) -> tuple[str, int]:
        """Append a member.

        Returns
        -------
        tuple
            Name of the file, and where the member begins in it.

        Raises
        ------
        SourceError
            If it cannot be written.
        """
        name, file = self._file(topic, night)
        start = self._sizes[name]
        with writing(self._folder / name):
            if name not in self._touched:
                file.seek(start)
                self._touched[name] = file
            file.write(data)
        self._sizes[name] = start + len(data)
        return name, start

    def secure(self) -> dict[str, int]:
        """Bring all that was appended to the disk; gives the new lengths of the files."""
        for name, file in self._touched.items():
            with writing(self._folder / name):
                file.write(END)
                file.flush()
                os.fsync(file.fileno())
        sizes = {name: self._sizes[name] for name in self._touched}
        self._secured |= sizes
        self._touched.clear()
        while len(self._open) > MOST_OPEN:
            self._open.pop(next(iter(self._open)))[1].close()
        return sizes

    def close(self) -> None:
        """Close all files; what was appended and not secured is cut off."""
        for name, file in self._open.values():
            # A full disk that broke the writing breaks the closing, too; it has been told by then.
            with contextlib.suppress(OSError, SourceError):
                file.close()
            if name in self._touched:
                with contextlib.suppress(SourceError):
                    self._mend(self._folder / name, self._secured[name])
        self._open.clear()
        self._touched.clear()

    def _file(self, topic: str, night: str) -> tuple[str, BinaryIO]:
        # Taken out and put in again: the order of the table is that of use.
        known = self._open.pop((topic, night), None)
        if known is None:
            known = self._find(topic, night)
        self._open[topic, night] = known
        return known

    def _find(self, topic: str, night: str) -> tuple[str, BinaryIO]:
        name = self._index.newest_tar(topic, night)
        if name is not None and (self._folder / name).exists():
            with writing(self._folder / name):
                return name, (self._folder / name).open("r+b")
        if name is not None and not self._sizes[name]:
            # A crash came between the note of it and the file.
            return name, self._make(name)
        # A file that its owner has taken away is left alone: the night goes on in another.
        number = 1
        while name is None or name in self._sizes or (self._folder / name).exists():
            name = f"{topic}-{night}.tar" if number == 1 else f"{topic}-{night}.{number}.tar"
            number += 1
        self._index.add_tar(name, topic, night)
        self._sizes[name] = self._secured[name] = 0
        return name, self._make(name)

    def _make(self, name: str) -> BinaryIO:
        path = self._folder / name
        with writing(path):
            file = path.open("x+b")
        sync_folder(self._folder)
        return file

    def _mend(self, path: Path, size: int) -> None:
        if not path.exists():
            return
        with writing(path):
            found = path.stat().st_size
            if found < size:
                raise SourceError(
                    f"{path} has {found} bytes, and the index says {size}: somebody has shortened it. Put it "
                    "back, or move it away; its messages are then in no other file."
                )
            self.cut_bytes += max(0, found - size - len(END))
            if found == size + len(END) and _tail(path, size) == END:
                return
            with path.open("r+b") as file:
                # What was written over the end mark in a crash may have any length.
                file.truncate(size)
                file.seek(size)
                file.write(END)


def _tail(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read()
