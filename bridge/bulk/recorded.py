"""What was recorded, message by message: our own archives, and archives of alerts as ZTF publishes them.

A member of our archives knows key, headers and time of its message. Other members are alerts as they are;
their time is that of the exposure.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.alerts.archive import EMPTY_TAR, list_files
from bridge.alerts.framing import MESSAGE_LIMIT, items_from_message
from bridge.alerts.packet import Envelope, Origin, Packet
from bridge.alerts.recorded_member import envelope_of
from bridge.alerts.store import SchemaStore
from bridge.bulk.glance import observed_unix_s
from bridge.bulk.index import NAME, Index
from bridge.errors import SourceError

__all__ = ["Recorded", "read_recorded"]

_NOTHING = Envelope()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message of an archive.

    Parameters
    ----------
    value
        Its bytes; None for a tombstone.
    name
        Of its file or member.
    envelope
        Key, headers and time, as far as they were recorded.
    time_unix_s
        When it was sent, or else when it was observed, in Unix seconds (UTC); None where nothing says so.
    """

    value: bytes | None
    name: str
    envelope: Envelope
    time_unix_s: float | None


def read_recorded(path: str | os.PathLike[str], store: SchemaStore) -> Iterator[Recorded]:
    """Messages of an archive in the order in which they lie there.

    Parameters
    ----------
    path
        A tar file, compressed or not; a folder of ``archive`` (night by night); a folder of such files or of
        single alerts; one alert.
    store
        Where schemas are looked up for the time of plain alerts.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    folder = Path(path)
    if not folder.is_dir():
        yield from _read_file(folder, store)
    elif (folder / NAME).is_file():
        yield from _read_archive(folder, store)
    else:
        for name in list_files(folder):
            yield from _read_file(Path(name), store)


def _read_archive(folder: Path, store: SchemaStore) -> Iterator[Recorded]:
    with Index(folder) as index:
        tars = index.tars()
    for name, size in tars.items():
        if not size:
            continue
        if not (folder / name).exists():
            raise SourceError(f"{folder / name} is not there, but the index of the archive names it.")
        yield from _read_file(folder / name, store)


def _read_file(path: Path, store: SchemaStore) -> Iterator[Recorded]:
    try:
        if _is_only_zeros(path):
            raise SourceError(f"{path} holds nothing but zeros, as a crash leaves files; it is no archive.")
        # Opened to be read forward: nothing is unpacked to disk, and archives may be larger than memory.
        with tarfile.open(path, "r|*", errors="surrogateescape") as tar:
            for info in tar:
                # tarfile would remember every member of a night.
                tar.members.clear()  # type: ignore[attr-defined]
                if info.isreg() and not Path(info.name).name.startswith("."):
                    yield _of_member(tar, info, path, store)
    except tarfile.ReadError as error:
        if _is_alert_file(path):
            yield _plain(_contents(path), path.name, store)
            return
        raise SourceError(f"{path} cannot be read as an archive to its end ({error}).") from None
    except (OSError, EOFError, tarfile.TarError, sqlite3.Error) as error:
        raise SourceError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def _of_member(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path, store: SchemaStore) -> Recorded:
    if info.size > MESSAGE_LIMIT:
        raise SourceError(f"{path}: {info.name} has {info.size >> 20} MB, more than any message.")
    file = tar.extractfile(info)
    value = file.read() if file is not None else b""
    if len(value) < info.size:
        raise SourceError(f"{path} ends inside {info.name}.")
    known = envelope_of(info)
    if known is None:
        return _plain(value, info.name, store)
    envelope, is_tombstone = known
    time_ms = envelope.timestamp_ms
    time_s = float(info.mtime) if time_ms is None else time_ms / 1000
    return Recorded(None if is_tombstone else value, info.name, envelope, time_s)


def _plain(value: bytes, name: str, store: SchemaStore) -> Recorded:
    item = next(iter(items_from_message(value, Origin(name, 0), store)), None)
    return Recorded(value, name, _NOTHING, observed_unix_s(item) if isinstance(item, Packet) else None)


def _is_only_zeros(path: Path) -> bool:
    """Whether it is zeros as far as one looks, and longer than an archive without members."""
    with path.open("rb") as file:
        return file.read(len(EMPTY_TAR) + 1) == EMPTY_TAR + b"\0"


def _is_alert_file(path: Path) -> bool:
    """Whether a file that is no tar may be an alert by itself."""
    with path.open("rb") as file:
        return file.read(5)[:4] in (b"Obj\x01", b"<?xm") or path.suffix in (".bin", ".avro", ".xml", ".json")


def _contents(path: Path) -> bytes:
    if path.stat().st_size > MESSAGE_LIMIT:
        raise SourceError(f"{path} is no archive, and larger than any message.")
    return path.read_bytes()
