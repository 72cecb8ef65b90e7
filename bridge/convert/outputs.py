"""Where converted events go: a folder, a tar archive, one file, or standard output."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO, Protocol

from bridge.errors import SourceError, UsageError
from bridge.streams.outlets import FolderOutlet, Outlet, TarOutlet
from bridge.streams.sink import BaseSink, writing
from bridge.streams.source import refuse_brokers
from bridge.voevent.event import Event
from bridge.voevent.naming import event_file_name

__all__ = ["EventSink", "open_event_sink"]


class EventSink(BaseSink, ABC):
    """Takes events one by one. As a context manager it is closed, or after an error discarded."""

    @abstractmethod
    def write(self, event: Event) -> None:
        """Keep an event; raises `SourceError` if that fails."""

    def write_edition(self, event: Event) -> None:
        """Keep an event beside another one that has the same IVORN."""
        self.write(event)


def open_event_sink(out: str) -> EventSink:
    """Open a place for events by its name.

    Parameters
    ----------
    out
        ``-`` for standard output (packet after packet, each with its XML declaration); a name ending in
        ``.tar``, ``.tar.gz`` or ``.tgz``; a name ending in ``.xml`` for one single event; else a folder,
        with one file per event.

    Raises
    ------
    UsageError, SourceError
        If it is of no such kind, or cannot be written.
    """
    refuse_brokers(out, "written")
    if not out:
        raise UsageError("The output has an empty name; give a folder, a .tar, .tar.gz, .xml, or '-'.")
    if out == "-":
        if sys.stdout is None:
            raise UsageError("There is no standard output to write to: it is closed. Name a folder with -o.")
        return _PipeSink(sys.stdout.buffer)
    path = Path(out)
    name = path.name.lower()
    if path.is_dir():
        return _OutletSink(FolderOutlet(path, unique=False))
    if name.endswith((".tar", ".tar.gz", ".tgz")):
        return _OutletSink(TarOutlet(path))
    if name.endswith(".xml"):
        return _OneFileSink(path)
    if path.exists() or name.endswith((".avro", ".json", ".gz", ".zip")):
        raise UsageError(f"{path} cannot take VOEvents: name a folder, a .tar, .tar.gz, .xml, or '-'.")
    return _OutletSink(FolderOutlet(path, unique=False))


class _ClosableOutlet(Outlet, Protocol):
    def close(self) -> None: ...

    def discard(self) -> None: ...


class _OutletSink(EventSink):
    def __init__(self, outlet: _ClosableOutlet) -> None:
        self._outlet = outlet

    def write(self, event: Event) -> None:
        self._outlet.put(event_file_name(event.ivorn), event.xml)

    def write_edition(self, event: Event) -> None:
        self._outlet.put(event_file_name(event.ivorn, event.digest), event.xml)

    def close(self) -> None:
        self._outlet.close()

    def discard(self) -> None:
        self._outlet.discard()


class _OneFileSink(EventSink):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._outlet = FolderOutlet(path.parent)
        self._written = False

    def write(self, event: Event) -> None:
        if self._written:
            raise SourceError(
                f"{self._path} holds the first event, and there are more: an .xml file has room for one. "
                "Name a folder or a .tar.gz with -o."
            )
        self._outlet.put(self._path.name, event.xml)
        self._written = True


class _PipeSink(EventSink):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, event: Event) -> None:
        with writing("standard output"):
            self._stream.write(event.xml if event.xml.endswith(b"\n") else event.xml + b"\n")

    def close(self) -> None:
        with writing("standard output"):
            self._stream.flush()
