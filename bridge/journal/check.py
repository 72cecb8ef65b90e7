"""Looks through a whole journal for damage: the file's structure, and every packet in it.

SQLite's own check says whether the file can be read; whether the packets in it are those that were
published only their digests can say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from bridge.errors import SourceError
from bridge.journal.reader import JournalReader
from bridge.wording import counted

__all__ = ["Checked", "check_journal"]

_NAMED = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has found.

    Parameters
    ----------
    packets, size_bytes
        Packets looked at, and their bytes.
    faults
        What is wrong, in sentences; at most the first twenty of each kind.
    """

    packets: int
    size_bytes: int
    faults: tuple[str, ...]


def check_journal(reader: JournalReader, progress: Callable[[int, int], None] | None = None) -> Checked:
    """Check the structure of the file, then packet by packet size and digest.

    A feed may go on meanwhile. A relayed packet is known by its digest, so every byte of it is checked; of an
    authored one the digest is that of the alert, and only its size is.

    Parameters
    ----------
    progress
        Called now and then with the place reached and the newest place.
    """
    faults: list[str] = []
    try:
        reader.check()
    except SourceError as error:
        return Checked(0, 0, (str(error),))
    last = reader.last_seq()
    packets = size = place = 0
    while page := reader.identities(place, 64):
        for seq, ivorn, kind, digest, size_bytes, data in page:
            packets += 1
            size += len(data)
            what = None
            if ivorn is None:
                what = "is a packet of which nothing is known"
            elif len(data) != size_bytes:
                what = f"has {counted(len(data), 'byte')} and was published with {size_bytes}"
            elif kind == "relayed" and hashlib.sha256(data).digest() != digest:
                what = "is not what was published: its digest is another"
            if what is not None and len(faults) < _NAMED:
                faults.append(f"Event {seq} ({ivorn}) {what}.")
        place = page[-1][0]
        if progress is not None:
            progress(place, last)
    faults += [
        f"The place of subscriber '{ivo}' is {cursor.seq}, beyond the newest event, {last}."
        for ivo, cursor in reader.cursors().items()
        if cursor.seq > reader.last_seq()
    ][:_NAMED]
    return Checked(packets, size, tuple(faults))
