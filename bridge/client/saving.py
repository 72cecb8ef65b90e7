"""A folder of events, one file each, in which nothing half-written is ever seen and no edition is lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bridge.streams.outlets import FolderOutlet
from bridge.voevent.naming import event_file_name

__all__ = ["EventFolder"]


class EventFolder:
    """Keeps events under names made from their IVORNs.

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
        self._outlet = FolderOutlet(folder, unique=False)
        self._folder = folder

    def save(self, ivorn: str, xml: bytes) -> Path:
        """Keep an event, unless it is there; another edition under the same IVORN gets a file beside it.

        Raises
        ------
        SourceError
            If the file cannot be written.
        """
        name = event_file_name(ivorn)
        if self._holds_other(self._folder / name, xml):
            name = event_file_name(ivorn, hashlib.sha256(xml).hexdigest())
        path = self._folder / name
        if not path.exists():
            self._outlet.put(name, xml)
        return path

    @staticmethod
    def _holds_other(path: Path, xml: bytes) -> bool:
        try:
            return path.read_bytes() != xml
        except OSError:
            return False
