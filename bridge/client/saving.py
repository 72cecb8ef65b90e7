"""A folder of events, one file each, on the disk before an event is acknowledged; no edition is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bridge.client.received import ReceivedEvent
from bridge.streams.durable import sync_folder, write_durably
from bridge.streams.sink import writing
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
        if not folder.is_dir():
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.absolute().parent)
        self._folder = folder

    def save(self, events: Sequence[ReceivedEvent]) -> list[Path]:
        """Keep events that are not there yet; gives a path for each, whose file is on the disk.

        Another edition under the same IVORN gets a file beside it. Many take little more time than one.

        Raises
        ------
        SourceError
            If a file cannot be written.
        """
        paths: list[Path] = []
        new: dict[str, bytes] = {}
        for event in events:
            name = event_file_name(event.ivorn)
            known = new.get(name) or self._content(name)
            if known is not None and known != event.xml:
                name = event_file_name(event.ivorn, hashlib.sha256(event.xml).hexdigest())
                known = new.get(name) or self._content(name)
            if known != event.xml:
                new[name] = event.xml
            paths.append(self._folder / name)
        # Also without new files: a run that was killed may have left names that the disk does not know yet.
        write_durably(self._folder, new)
        return paths

    def _content(self, name: str) -> bytes | None:
        path = self._folder / name
        with writing(path):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None
