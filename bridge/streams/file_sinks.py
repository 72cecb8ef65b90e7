"""Packets kept one file each: in a folder, or as members of a tar archive."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from bridge.alerts.packet import Packet
from bridge.streams.naming import file_bytes, file_name
from bridge.streams.sink import BaseSink, writing

__all__ = ["FolderSink", "TarSink"]

GZIP_LEVEL = 3
"""Cutouts are compressed already, so higher levels cost time and gain little."""


class _Names:
    """Makes names unique within one run: the second packet of one id gets ``-2``."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def unique(self, name: str) -> str:
        count = self._seen.get(name, 0) + 1
        self._seen[name] = count
        if count == 1:
            return name
        stem, dot, ending = name.rpartition(".")
        return self.unique(f"{stem}-{count}{dot}{ending}")


class FolderSink(BaseSink):
    """One file per packet; each is written under a hidden name and renamed when it is whole.

    A packet of a later run replaces the file of the same name, so a run that is repeated after a crash
    leaves the same files.

    Parameters
    ----------
    folder
        Made if it is not there.

    Raises
    ------
    SourceError
        If it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = _Names()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, packet: Packet) -> None:
        """Write the packet's file; raises `SourceError` if that fails."""
        name = self._names.unique(file_name(packet))
        path = self.folder / name
        temporary = self.folder / f".{name}.tmp"
        with writing(path):
            try:
                temporary.write_bytes(file_bytes(packet))
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


class TarSink(BaseSink):
    """A tar archive, gzipped if its name says so, that appears when it is closed.

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
        self._names = _Names()
        self._now = now
        self._temporary = path.with_name(f".{path.name}.tmp")
        with writing(path):
            if path.name.lower().endswith(".tar"):
                self._tar = tarfile.TarFile.open(self._temporary, "w")
            else:
                self._tar = tarfile.TarFile.open(self._temporary, "w:gz", compresslevel=GZIP_LEVEL)

    def write(self, packet: Packet) -> None:
        """Add a member; raises `SourceError` if that fails."""
        content = file_bytes(packet)
        info = tarfile.TarInfo(self._names.unique(file_name(packet)))
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
            self._tar.fileobj.close()
        self._temporary.unlink(missing_ok=True)
