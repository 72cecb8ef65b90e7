"""Listens with released pygcn as its users do, and keeps each packet's bytes as a numbered file."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import gcn

folder = Path(sys.argv[1])
numbers = itertools.count()


def keep(payload: bytes, root: object) -> None:
    part = folder / f"{next(numbers):06d}.part"
    part.write_bytes(payload)
    part.rename(part.with_suffix(".xml"))


gcn.listen(host=["127.0.0.1"], port=int(sys.argv[2]), handler=keep)
