"""Any encoding inside gzip or Zstandard, at the levels that their command-line tools take."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable

from benchmarks.encodings.codecs.base import Codec, Pair
from bridge.alerts.schema import Schema

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["GZIP_LEVEL", "ZSTD_LEVEL", "gzipped", "zstd_compressed"]

GZIP_LEVEL = 6
ZSTD_LEVEL = 3


def gzipped(codec: Codec) -> Codec:
    """The encoding inside gzip."""

    def compile_pair(schema: Schema) -> Pair:
        pair = codec.compile(schema)
        return Pair(
            lambda records: gzip.compress(pair.encode(records), GZIP_LEVEL, mtime=0),
            lambda data: pair.decode(gzip.decompress(data)),
        )

    return _wrapped(codec, "gzip", compile_pair)


def zstd_compressed(codec: Codec) -> Codec:
    """The encoding inside Zstandard."""

    def compile_pair(schema: Schema) -> Pair:
        pair = codec.compile(schema)
        return Pair(
            lambda records: zstd.compress(pair.encode(records), ZSTD_LEVEL),
            lambda data: pair.decode(zstd.decompress(data)),
        )

    return _wrapped(codec, "zstd", compile_pair)


def _wrapped(codec: Codec, how: str, compile_pair: Callable[[Schema], Pair]) -> Codec:
    return Codec(
        f"{codec.key}-{how}", f"{codec.name}, {how}", codec.family, codec.library, compile_pair, codec.batches
    )
