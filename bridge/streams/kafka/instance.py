"""A name for this process that the next one in its place has too, and no other.

A process that was killed has left a place in its group and perhaps an open transaction. Whoever comes under
the same name takes both over at once; two processes under one name would throw each other out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bridge.errors import SourceError, UsageError

__all__ = ["Instance", "claim_instance", "member_of"]

MOST = 1000


@dataclass(frozen=True, slots=True)
class Instance:
    """A name that is ours for as long as this is kept.

    Parameters
    ----------
    name
        The name.
    lock
        The open file that is locked; the lock goes with the process, however that ends.
    """

    name: str
    lock: IO[bytes]

    def close(self) -> None:
        """Give the name back."""
        self.lock.close()


def member_of(place: Path) -> str:
    """Name within a group of whoever keeps its positions in a place: positions and place go together.

    Parameters
    ----------
    place
        A journal, or the folder of an archive.
    """
    here = f"{socket.gethostname()}:{place.resolve()}"
    return f"voevent-bridge-{hashlib.sha256(here.encode()).hexdigest()[:16]}"


def claim_instance(group: str, name: str = "", folder: Path | None = None) -> Instance:
    """Take a name within a group: the one given, or the first of this host's that is free.

    Parameters
    ----------
    group
        The consumer group.
    name
        What the user calls this process.
    folder
        Where the locks are; by default a folder of this user's among the temporary files.

    Raises
    ------
    UsageError
        If a process on this host has the name already.
    SourceError
        If the locks cannot be made.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"voevent-bridge-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, MOST):
            candidate = name or f"{socket.gethostname()}-{number}"
            mark = hashlib.sha256(f"{group}\0{candidate}".encode()).hexdigest()[:24]
            lock = (folder / f"{mark}.lock").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                if name:
                    raise UsageError(
                        f"A process named {name!r} is at work in the group {group} already; give each "
                        "its own --instance, or none."
                    ) from None
            else:
                return Instance(candidate, lock)
    except OSError as error:
        raise SourceError(f"{folder} cannot be used for locks ({error.strerror or error}).") from error
    raise SourceError(f"This host has {MOST} processes in the group {group} already.")
