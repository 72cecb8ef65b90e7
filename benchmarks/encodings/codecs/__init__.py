"""The encodings, one library a module; those of a library that is not installed are left out by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from benchmarks.encodings.codecs.base import Codec, Pair, Record, UnsuitableError
from benchmarks.encodings.codecs.compressed import GZIP_LEVEL, ZSTD_LEVEL, gzipped, zstd_compressed

__all__ = [
    "GZIP_LEVEL",
    "ZSTD_LEVEL",
    "Available",
    "Codec",
    "Pair",
    "Record",
    "UnsuitableError",
    "available",
    "gzipped",
    "zstd_compressed",
]

# Module, the distribution it needs.
MODULES = (
    ("avro_fastavro", "fastavro"),
    ("avro_apache", "avro"),
    ("xml_elements", "lxml"),
    ("xml_voevent", "lxml"),
    ("json_orjson", "orjson"),
    ("messagepack", "msgpack"),
    ("arrow", "pyarrow"),
)
COMPRESSED = ("xml", "voevent", "json", "msgpack")


@dataclass(frozen=True, slots=True)
class Available:
    """The encodings that can run here, and in words those that cannot."""

    codecs: tuple[Codec, ...]
    missing: tuple[str, ...]


def available() -> Available:
    """All encodings whose libraries are installed."""
    found: list[Codec] = []
    missing: list[str] = []
    for name, distribution in MODULES:
        try:
            module = importlib.import_module(f"benchmarks.encodings.codecs.{name}")
        except ImportError:
            missing.append(f"{distribution} is not installed (pip install {distribution})")
            continue
        for codec in module.CODECS:
            found.append(codec)
            if codec.key in COMPRESSED:
                found += [gzipped(codec), zstd_compressed(codec)]
        if name == "xml_voevent":
            try:
                found.append(module.with_voevent_parse(importlib.import_module("voeventparse")))
            except ImportError:
                missing.append("voevent-parse is not installed (it wants Python 3.11)")
    return Available(tuple(found), tuple(missing))
