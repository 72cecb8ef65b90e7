"""Named contents into a folder or a tar archive, so that nothing half-written is ever seen.

Packets and events are kept alike: a file appears under its name when it is whole.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bridge.streams.durable import sync_files
from bridge.streams.sink import BaseSink, writing

__all__ = ["FolderOutlet", "Outlet", "TarOutlet", "UniqueNames", "write_whole"]

GZIP_LEVEL = 3
"""Cutouts are compressed already, so higher levels cost time and gain little."""


class Outlet(Protocol):
    """Takes named contents; as a context manager it is closed, or after an error discarded."""

    def put(self, name: str, content: bytes) -> None:
        """Keep a content under a name; raises `SourceError` if that fails."""

    def secure(self) -> None:
        """Have what was written outlive a power failure, where that is possible before the end."""


class UniqueNames:
    """Makes names unique within one run: the second content of one name gets ``-2``."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        count = self._seen.get(name, 0) + 1
        self._seen[name] = count
        if count == 1:
            return name
        stem, dot, ending = name.rpartition(".")
        return self(f"{stem}-{count}{dot}{ending}")


def write_whole(path: Path, content: bytes) -> None:
    """Write one file, which appears under its name when it is whole; a device or pipe is written to.

    Raises
    ------
    SourceError
        If it cannot be written.
    """
    with writing(path):
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _replace(path.resolve() if path.is_symlink() else path, content)


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class FolderOutlet(BaseSink):
    """One file each, written under a hidden name and renamed when it is whole.

    A later run replaces files of the same name, so a run that is repeated after a crash leaves the same
    files.

    Parameters
    ----------
    folder
        Made if it is not there.
    unique
        Give the second content of one name in this run another name; otherwise it replaces the first.
    durable
        Remember what was written since the last `secure`, which then brings it to the disk.

    Raises
    ------
    SourceError
        If it cannot be made.
    """

    def __init__(self, folder: Path, *, unique: bool = True, durable: bool = False) -> None:
        self.folder = folder
        self._durable = durable
        self._unsure: set[Path] = set()
        self._unique: Callable[[str], str] = UniqueNames() if unique else str
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, content: bytes) -> None:
        """Write a file; raises `SourceError` if that fails."""
        name = self._unique(name)
        path = self.folder / name
        with writing(path):
            _replace(path, content)
        if self._durable:
            self._unsure.add(path)

    def secure(self) -> None:
        """Wait until what was written is on the disk; raises `SourceError` if that fails."""
        sync_files(self._unsure)
        self._unsure.clear()


class TarOutlet(BaseSink):
    """A tar archive, gzipped unless its name ends in ``.tar``, that appears when it is closed.

    Parameters
    ----------
    path
        Ends in ``.tar``, ``.tar.gz`` or ``.tgz``.
    now
        Time of the members, in seconds since the epoch.

    Raises
    ------
    SourceError
        If it cannot be written.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._unique = UniqueNames()
        self._now = now
        self._temporary = path.with_name(f".{path.name}.tmp")
        with writing(path):
            if path.name.lower().endswith(".tar"):
                self._tar = tarfile.TarFile.open(self._temporary, "w")
            else:
                self._tar = tarfile.TarFile.open(self._temporary, "w:gz", compresslevel=GZIP_LEVEL)

    def put(self, name: str, content: bytes) -> None:
        """Add a member; raises `SourceError` if that fails."""
        info = tarfile.TarInfo(self._unique(name))
        info.size = len(content)
        info.mtime = int(self._now())
        with writing(self.path):
            self._tar.addfile(info, io.BytesIO(content))
        # tarfile would remember every member, for look-ups that a writer never makes.
        self._tar.members.clear()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Finish the archive and give it its name."""
        try:
            with writing(self.path):
                self._tar.close()
                self._temporary.replace(self.path)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written."""
        if self._tar.fileobj is not None:
            # What closing cannot write any more is thrown away in the next line.
            with contextlib.suppress(OSError):
                self._tar.fileobj.close()
        self._temporary.unlink(missing_ok=True)
