"""Events as records of one Avro container: many in a block, compressed, under one schema."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from pathlib import Path
from typing import BinaryIO

from bridge.alerts.ocf_header import MAGIC, write_long
from bridge.convert.event_sink import EventSink
from bridge.convert.forms import datum_of
from bridge.errors import SourceError
from bridge.pipeline.voevents import voevent_schema
from bridge.streams.sink import writing
from bridge.voevent.event import Event

__all__ = ["ContainerEventSink"]

_BLOCK_BYTES = 64 << 10


class ContainerEventSink(EventSink):
    """A container of VOEvents with the codec that every Avro library has, deflate.

    Parameters
    ----------
    target
        A path, under which the file appears when it is closed; or an open stream, which stays open.
    keep_xml
        Keep the packets' bytes beside what was made of them.

    Raises
    ------
    SourceError
        If the folder is not there or cannot be written.
    """

    def __init__(self, target: Path | BinaryIO, *, keep_xml: bool = False) -> None:
        self._keep_xml = keep_xml
        self._path = target if isinstance(target, Path) else None
        self._temporary: Path | None = None
        self._name: Path | str = "Standard output"
        if isinstance(target, Path):
            self._name = target
            self._temporary = target.with_name(f".{target.name}.tmp")
            with writing(target):
                self._file: BinaryIO = self._temporary.open("wb")
        else:
            self._file = target
        self._block: list[bytes] = []
        self._size = 0
        text = voevent_schema().text.encode()
        self._sync = hashlib.blake2b(text, digest_size=16, person=b"voevent ocf").digest()
        entries = ((b"avro.codec", b"deflate"), (b"avro.schema", text))
        framed = b"".join(write_long(len(part)) + part for entry in entries for part in entry)
        try:
            with writing(self._name):
                self._file.write(MAGIC + write_long(len(entries)) + framed + b"\0" + self._sync)
        except SourceError:
            self.discard()
            raise

    def write(self, event: Event) -> None:
        """Append an event.

        Raises
        ------
        PacketError
            If it is not a VOEvent.
        SourceError
            If it cannot be written.
        """
        datum = datum_of(event, keep_xml=self._keep_xml)
        self._block.append(datum)
        self._size += len(datum)
        if self._size >= _BLOCK_BYTES:
            self._flush()

    def close(self) -> None:
        """Write the last block, and give the file its name."""
        try:
            self._flush()
            with writing(self._name):
                if self._temporary is None:
                    self._file.flush()
                else:
                    assert self._path is not None
                    self._file.close()
                    self._temporary.replace(self._path)
        except SourceError:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written."""
        if self._temporary is not None:
            # What closing cannot write any more is thrown away in the next line.
            with contextlib.suppress(OSError):
                self._file.close()
            self._temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        if not self._block:
            return
        # Raw deflate, as the Avro specification (1.11, required codecs) wants it.
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = packer.compress(b"".join(self._block)) + packer.flush()
        with writing(self._name):
            self._file.write(write_long(len(self._block)) + write_long(len(packed)) + packed + self._sync)
        self._block.clear()
        self._size = 0
