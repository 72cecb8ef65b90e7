"""VTP's framing: a 4-byte big-endian length, then so many bytes. No XML here, no sockets.

Kept apart because both ends, every role and the tests need exactly this and nothing else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["MAX_FRAME_BYTES", "FrameReader", "Oversize", "encode_frame", "frame_prefix", "stranger_of"]

MAX_FRAME_BYTES = 99_999
"""The longest message that every stock client takes: Comet closes the connection beyond it."""

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Oversize:
    """A length prefix beyond the limit: the connection can only be closed, for what follows has no start."""

    length: int


def frame_prefix(payload: bytes) -> bytes:
    """What goes on the wire before a message."""
    return _LENGTH.pack(len(payload))


def encode_frame(payload: bytes) -> bytes:
    """One message as it goes on the wire."""
    return frame_prefix(payload) + payload


def stranger_of(length: int) -> str | None:
    """What speaks where a length should be, as a clause ("speaks HTTP"); None for one that is not known."""
    begin = _LENGTH.pack(length)
    # A record of TLS begins with its kind (20 to 23) and the version 3.x.
    if begin[0] in range(20, 24) and begin[1] == 3:
        return "speaks TLS"
    if begin in (b"HTTP", b"SSH-"):
        return f"speaks {begin[:4].decode().rstrip('-')}"
    if all(0x20 <= byte < 0x7F for byte in begin):
        return f"speaks another protocol than VTP (it began with {begin.decode()!r})"
    return None


class FrameReader:
    """Cuts a byte stream into messages, however the network has chopped it.

    Parameters
    ----------
    max_length
        Longest message taken, in bytes. A longer one is not waited for: its prefix alone gives an
        `Oversize`, and the rest of the stream is ignored.
    """

    def __init__(self, max_length: int = MAX_FRAME_BYTES) -> None:
        self.max_length = max_length
        self._rest = bytearray()
        self._wanted = _LENGTH.size
        self._broken = False

    @property
    def pending_bytes(self) -> int:
        """How many bytes of an unfinished message are held."""
        return len(self._rest)

    def feed(self, data: bytes, most: int | None = None) -> list[bytes | Oversize]:
        """Take bytes as they came; give the messages that are now complete, in order.

        Parameters
        ----------
        most
            Give so many at most, and more when called again, with nothing if nothing has come; None: all.
        """
        if self._broken:
            return []
        rest = self._rest
        if rest:
            rest += data
            if len(rest) < self._wanted:
                return []
            data = bytes(rest)
            rest.clear()
        found: list[bytes | Oversize] = []
        start, stop = 0, len(data)
        wanted = _LENGTH.size
        while start + _LENGTH.size <= stop:
            (length,) = _LENGTH.unpack_from(data, start)
            if length > self.max_length:
                found.append(Oversize(length))
                self._broken = True
                return found
            end = start + _LENGTH.size + length
            if end > stop:
                wanted += length
                break
            found.append(data[start + _LENGTH.size : end])
            start = end
            if len(found) == most:
                break
        if start < stop:
            rest += data[start:]
            self._wanted = wanted
        return found
