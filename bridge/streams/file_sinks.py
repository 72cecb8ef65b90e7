"""Packets kept one file each, in a folder or as members of a tar archive."""

from __future__ import annotations

from bridge.alerts.packet import Packet
from bridge.streams.naming import file_bytes, file_name
from bridge.streams.outlets import FolderOutlet, TarOutlet
from bridge.streams.sink import BaseSink

__all__ = ["FileSink"]


class FileSink(BaseSink):
    """One file per packet, named by the alert's id, in its own framing.

    Parameters
    ----------
    outlet
        Where the files go.
    """

    def __init__(self, outlet: FolderOutlet | TarOutlet) -> None:
        self._outlet = outlet

    def write(self, packet: Packet) -> None:
        """Keep the packet's file; raises `SourceError` if that fails."""
        self._outlet.put(file_name(packet), file_bytes(packet))

    def secure(self) -> None:
        """Bring the files of a folder to the disk; raises `SourceError` if that fails."""
        self._outlet.secure()

    def close(self) -> None:
        """Finish: an archive gets its name."""
        self._outlet.close()

    def discard(self) -> None:
        """Give up: nothing half-written stays behind."""
        self._outlet.discard()
