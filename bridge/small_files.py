"""Files that people write by hand, read at once: configurations, filters, mappings, schemas, certificates.

A wrong name on the command line may be a device without end or a night's archive, which nobody wants in
memory; like errors, this is for every room and imports nothing.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

__all__ = ["MOST_BYTES", "read_small", "read_small_text"]

MOST_BYTES = 16 << 20
"""More than any such file has; the largest schemas have some 200 kB."""


def read_small(path: Path) -> bytes:
    """The bytes of a file that has 16 MB at most.

    Raises
    ------
    OSError
        If it cannot be read; with ``EFBIG`` if it has more.
    """
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def read_small_text(path: Path) -> str:
    """The text of such a file, in UTF-8; the mark that some editors put before it is left out.

    Raises
    ------
    OSError
        As `read_small`.
    UnicodeDecodeError
        If it is not UTF-8.
    """
    return read_small(path).decode("utf-8-sig").replace("\r\n", "\n")
