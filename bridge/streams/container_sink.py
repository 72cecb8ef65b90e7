"""Packets kept as records of one Avro container, each in a block of its own.

A container has one schema. When a stream changes its schema, a file sink begins a second container beside the
first; a pipe cannot, and says so.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

from bridge.alerts.ocf_write import ocf_block, ocf_header
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import SourceError
from bridge.streams.sink import BaseSink, writing

__all__ = ["ContainerSink", "PipeSink"]


class ContainerSink(BaseSink):
    """A container file that appears when the sink is closed; ``name.2.avro`` holds a second schema's packets.

    Parameters
    ----------
    path
        Of the first container; without any packet no file is made.

    Raises
    ------
    SourceError
        If its folder is not there.
    """

    takes_notices = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: dict[Schema, tuple[BinaryIO, Path, Path]] = {}
        if not path.parent.is_dir():
            raise SourceError(f"{path} cannot be written: the folder {path.parent} is not there.")

    def write(self, packet: Packet) -> None:
        """Append a record; raises `SourceError` if that fails."""
        if packet.schema not in self._open:
            self._begin(packet.schema)
        file, _, path = self._open[packet.schema]
        with writing(path):
            file.write(ocf_block(packet))

    def close(self) -> None:
        """Give the containers their names."""
        try:
            for file, temporary, path in self._open.values():
                with writing(path):
                    file.close()
                    temporary.replace(path)
        except BaseException:
            self.discard()
            raise
        self._open.clear()

    def discard(self) -> None:
        """Remove what was written."""
        for file, temporary, _ in self._open.values():
            # What closing cannot write any more is thrown away in the next line.
            with contextlib.suppress(OSError):
                file.close()
            temporary.unlink(missing_ok=True)
        self._open.clear()

    def _begin(self, schema: Schema) -> None:
        number = len(self._open) + 1
        path = self.path if number == 1 else self.path.with_name(f"{self.path.stem}.{number}.avro")
        temporary = path.with_name(f".{path.name}.tmp")
        with writing(path):
            file = temporary.open("wb")
            self._open[schema] = (file, temporary, path)
            file.write(ocf_header(schema))


class PipeSink(BaseSink):
    """A container on a pipe; it is complete after every packet.

    Parameters
    ----------
    file
        Open for binary writing; not closed.
    """

    takes_notices = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._schema: Schema | None = None

    def write(self, packet: Packet) -> None:
        """Append a record.

        Raises
        ------
        SourceError
            If the packet's schema is not that of the packets before, or the pipe cannot be written.
        """
        with writing("Standard output"):
            if self._schema is None:
                self._schema = packet.schema
                self._file.write(ocf_header(packet.schema))
            elif packet.schema is not self._schema:
                raise SourceError(
                    f"{packet.origin} has schema {packet.schema.name}, those before it {self._schema.name}, "
                    "and one container holds one schema; write to a folder or a .tar instead of '-'."
                )
            self._file.write(ocf_block(packet))

    def close(self) -> None:
        """Hand the last bytes over."""
        with writing("Standard output"):
            self._file.flush()
