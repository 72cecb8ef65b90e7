"""Reading forward through bytes that may be huge, compressed, or broken off.

Archives of a night run to tens of gigabytes, so everything that reads a file goes through this one buffer.
A fault underneath (a truncated gzip, a failing disk) is kept as a sentence and looks like the end of the
data: what was read until then is still delivered, and the caller says where it broke.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Generator, Iterable, Iterator
from typing import BinaryIO

__all__ = ["ForwardReader", "chunks_of", "compression_of", "decompress_chunks"]

CHUNK = 1 << 18
INFLATED = 1 << 18


class ForwardReader:
    """A buffer over chunks of bytes that only moves forward.

    It offers what `tarfile` wants of a file (`read`, `tell`, forward `seek`) and looks ahead.

    Parameters
    ----------
    chunks
        The bytes in pieces of any size. An `OSError`, `EOFError`, `zlib.error` or `lzma.LZMAError` raised by
        it ends the data and becomes `fault`.

    Attributes
    ----------
    fault
        Why the data ended before its time, as a clause; None while all is well.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._position = 0
        self._base = 0
        self.fault: str | None = None
        self._fault_told = False

    def has(self, size: int) -> bool:
        """Whether `size` more bytes are there; they are brought into the buffer."""
        have = len(self._buffer) - self._position
        if have >= size:
            return True
        parts = [self._buffer[self._position :]]
        while have < size:
            chunk = self._pull()
            if not chunk:
                break
            parts.append(chunk)
            have += len(chunk)
        self._base += self._position
        self._position = 0
        self._buffer = b"".join(parts)
        return have >= size

    def peek(self, size: int) -> bytes:
        """The next `size` bytes (fewer at the end), without moving."""
        self.has(size)
        return self._buffer[self._position : self._position + size]

    def read(self, size: int) -> bytes:
        """The next `size` bytes (fewer at the end)."""
        self.has(size)
        found = self._buffer[self._position : self._position + size]
        self._position += len(found)
        return found

    def tell(self) -> int:
        """Bytes passed so far."""
        return self._base + self._position

    def seek(self, target: int) -> int:
        """Move forward to `target`, or to the end of the data."""
        position = target - self._base
        if self._position <= position <= len(self._buffer):
            self._position = position
            return target
        missing = target - self.tell()
        if missing < 0:
            raise ValueError(f"cannot go back from {self.tell()} to {target}")
        while missing > 0:
            step = len(self.read(min(missing, CHUNK)))
            if not step:
                break
            missing -= step
        return self.tell()

    def skip_past(self, needle: bytes, keep: int = 0) -> tuple[bool, bytes]:
        """Move behind the next occurrence of `needle`, or to the end.

        Returns
        -------
        tuple
            Whether it was found, and the bytes passed before it (the first `keep` of them).
        """
        kept = bytearray()
        while True:
            at = self._buffer.find(needle, self._position)
            end = at if at >= 0 else max(len(self._buffer) - len(needle) + 1, self._position)
            kept += self._buffer[self._position : min(end, self._position + keep - len(kept))]
            if at >= 0:
                self._position = at + len(needle)
                return True, bytes(kept)
            self._position = end
            if not self.has(len(self._buffer) - end + 1):
                kept += self._buffer[self._position :][: keep - len(kept)]
                self._position = len(self._buffer)
                return False, bytes(kept)

    def ending(self) -> str:
        """Clause on why the data ended here; afterwards `untold_fault` has nothing more to say."""
        self._fault_told = True
        return self.fault or "the data end"

    def untold_fault(self) -> str | None:
        """The fault, if nobody has reported it through `ending`."""
        return None if self._fault_told else self.fault

    def _pull(self) -> bytes:
        if self.fault is not None:
            return b""
        try:
            for chunk in self._chunks:
                if chunk:
                    return chunk
        except OSError as error:
            self.fault = f"it cannot be read further ({error.strerror or error})"
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            self.fault = f"its compressed data are damaged or cut off ({error})"
        return b""


def chunks_of(file: BinaryIO, size: int = CHUNK) -> Iterator[bytes]:
    """The content of an open file in pieces; a pipe gives what it has."""
    read = getattr(file, "read1", file.read)
    while chunk := read(size):
        yield chunk


def compression_of(head: bytes) -> str | None:
    """Name of the compression ("gzip", "bzip2", "xz") that the first bytes announce, or None."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    # Behind "BZh" and the level comes the first block or, where there is none, the end of the stream.
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    return None


def decompress_chunks(chunks: Iterable[bytes], compression: str) -> Iterator[bytes]:
    """Decompress piece by piece, never more than a quarter megabyte at a time, whatever a bomb would like.

    Several compressed streams one after the other are read as one, as the command line tools do; zero bytes
    behind the last are padding.

    Raises
    ------
    EOFError
        If the data end before the compressed stream does.
    zlib.error, OSError, lzma.LZMAError
        If the data are damaged.
    """
    source = iter(chunks)
    pending = b""
    while True:
        while not pending:
            piece = next(source, None)
            if piece is None:
                return
            pending = piece.lstrip(b"\0")
        if compression == "gzip":
            pending = yield from _inflate(pending, source)
        else:
            pending = yield from _expand(
                bz2.BZ2Decompressor() if compression == "bzip2" else lzma.LZMADecompressor(), pending, source
            )
        pending = pending.lstrip(b"\0")


def _inflate(pending: bytes, source: Iterator[bytes]) -> Generator[bytes, None, bytes]:
    """One gzip member; returns what lies behind it."""
    engine = zlib.decompressobj(wbits=31)
    while not engine.eof:
        if not pending:
            pending = next(source, b"")
            if not pending:
                raise EOFError("the gzip stream has no end")
        yield engine.decompress(pending, INFLATED)
        pending = engine.unconsumed_tail
    return engine.unused_data


def _expand(
    engine: bz2.BZ2Decompressor | lzma.LZMADecompressor, pending: bytes, source: Iterator[bytes]
) -> Generator[bytes, None, bytes]:
    """One bzip2 or xz stream; returns what lies behind it."""
    while not engine.eof:
        if engine.needs_input and not pending:
            pending = next(source, b"")
            if not pending:
                raise EOFError("the compressed stream has no end")
        yield engine.decompress(pending, INFLATED)
        pending = b""
    return engine.unused_data
