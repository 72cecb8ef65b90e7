"""Decompression of OCF blocks, bounded so that a few bytes cannot ask for all the memory there is."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable

import cramjam

from bridge.errors import PacketError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["BLOCK_LIMIT", "CODECS", "decompress_block"]

BLOCK_LIMIT = 256 << 20
"""Largest block that is read, in bytes, before and after decompression."""


def decompress_block(payload: bytes, codec: str) -> bytes:
    """The plain bytes of a block.

    Parameters
    ----------
    payload
        The block as it lies in the file, between its length and its sync marker.
    codec
        One of `CODECS`.

    Raises
    ------
    PacketError
        If it is damaged, fails its checksum, or is larger than `BLOCK_LIMIT`.
    """
    try:
        plain = CODECS[codec](payload)
    except PacketError:
        raise
    except Exception as error:  # each library has its own, some of them bare
        raise PacketError(f"its {codec} data are damaged ({error})") from error
    if len(plain) > BLOCK_LIMIT:
        raise PacketError(f"it grows beyond {BLOCK_LIMIT >> 20} MB when it is decompressed")
    return plain


def _null(payload: bytes) -> bytes:
    return payload


def _deflate(payload: bytes) -> bytes:
    engine = zlib.decompressobj(-15)
    plain = engine.decompress(payload, BLOCK_LIMIT + 1)
    if not engine.eof and len(plain) <= BLOCK_LIMIT:
        raise PacketError("its deflate data end too early")
    return plain


def _snappy(payload: bytes) -> bytes:
    # Raw snappy, then the big-endian CRC32 of the plain bytes (Avro specification, "Required Codecs").
    if len(payload) < 4:
        raise PacketError("its snappy data end too early")
    body, checksum = payload[:-4], int.from_bytes(payload[-4:], "big")
    if cramjam.snappy.decompress_raw_len(body) > BLOCK_LIMIT:
        raise PacketError(f"it grows beyond {BLOCK_LIMIT >> 20} MB when it is decompressed")
    plain = bytes(cramjam.snappy.decompress_raw(body))
    if zlib.crc32(plain) != checksum:
        raise PacketError("its snappy data fail their checksum (CRC32)")
    return plain


def _bzip2(payload: bytes) -> bytes:
    engine = bz2.BZ2Decompressor()
    plain = engine.decompress(payload, BLOCK_LIMIT + 1)
    if not engine.eof and len(plain) <= BLOCK_LIMIT:
        raise PacketError("its bzip2 data end too early")
    return plain


def _xz(payload: bytes) -> bytes:
    engine = lzma.LZMADecompressor()
    plain = engine.decompress(payload, BLOCK_LIMIT + 1)
    if not engine.eof and len(plain) <= BLOCK_LIMIT:
        raise PacketError("its xz data end too early")
    return plain


def _zstandard(payload: bytes) -> bytes:
    engine = zstd.ZstdDecompressor()
    plain: bytes = engine.decompress(payload, BLOCK_LIMIT + 1)
    if not engine.eof and len(plain) <= BLOCK_LIMIT:
        raise PacketError("its zstandard data end too early")
    return plain


CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": _null,
    "deflate": _deflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
    "bzip2": _bzip2,
    "xz": _xz,
}
