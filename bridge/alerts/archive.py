"""A file of any known kind as a stream of items: message, container, tar, compressed or not, or stdin.

The content decides what a file is, not its name. Files up to a few megabytes are read at once, larger ones
piece by piece, so a container or archive may be larger than memory.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bridge.alerts.framing import MESSAGE_LIMIT, items_from_message
from bridge.alerts.ocf import stream_ocf
from bridge.alerts.ocf_header import MAGIC
from bridge.alerts.packet import Item, Origin, Refusal
from bridge.alerts.reader import ForwardReader, chunks_of, compression_of, decompress_chunks
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.alerts.tarball import BLOCK, is_tar, stream_tar
from bridge.errors import SourceError

__all__ = [
    "ARCHIVE_INDEX",
    "EMPTY_TAR",
    "is_passed_over",
    "list_files",
    "read_file",
    "read_path",
    "read_stream",
]

AT_ONCE = 8 << 20
EMPTY_TAR = bytes(10240)
"""An archive without members, as tar writes it. Other runs of zeros are what a crash leaves of files."""

UNFINISHED = (".tmp", ".part", "~")

ARCHIVE_INDEX = "index.sqlite"
"""What the archive of topics keeps beside its tar files: no alerts, but where they lie."""

# SQLite's log and shared memory lie there, too, while the archive is written.
_INDEX_FILES = frozenset(ARCHIVE_INDEX + ending for ending in ("", "-wal", "-shm", "-journal"))


def read_path(
    path: str | os.PathLike[str], store: SchemaStore, default_schema: Schema | None = None
) -> Iterator[Item]:
    """Items of a file, of every file under a folder, or of standard input (``-``).

    Parameters
    ----------
    path
        File, folder or ``-``. Each file is a partition of its own, named by its path.
    store, default_schema
        As `items_from_message`.

    Raises
    ------
    SourceError
        If the path is missing or cannot be read. A file inside a folder that cannot be read is a `Refusal`.
    """
    text = os.fspath(path)
    if text == "-":
        return read_stream(sys.stdin.buffer, "-", store, default_schema)
    if Path(text).is_dir():
        return _read_folder(Path(text), store, default_schema)
    return read_file(text, store, default_schema)


def _read_folder(folder: Path, store: SchemaStore, default_schema: Schema | None) -> Iterator[Item]:
    for path in list_files(folder):
        try:
            # Opening a pipe that lies about in a folder would wait for its writer for ever.
            if Path(path).exists() and not Path(path).is_file():
                raise SourceError(f"{path} is no regular file but a device or pipe; only files are read.")
            yield from read_file(path, store, default_schema)
        except SourceError as error:
            yield Refusal(Origin(path, 0), str(error))


def read_file(
    path: str | os.PathLike[str], store: SchemaStore, default_schema: Schema | None = None
) -> Iterator[Item]:
    """Items of one file, opened at once.

    Raises
    ------
    SourceError
        If it is missing, unreadable, or no regular file or pipe.
    """
    name = os.fspath(path)
    try:
        file = Path(name).open("rb", buffering=0)  # noqa: SIM115 - _contents closes it
    except OSError as error:
        raise SourceError(f"{name} cannot be opened ({error.strerror or error}).") from error
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= AT_ONCE:
        with file:
            try:
                data = file.readall()
            except OSError as error:
                raise SourceError(f"{name} cannot be read ({error.strerror or error}).") from error
        if data.startswith(MAGIC):
            return items_from_message(data, Origin(name, 0), store, default_schema)
        return _contents(ForwardReader((data,)), name, store, default_schema)
    return _closing(file, name, store, default_schema)


def read_stream(
    file: BinaryIO, partition: str, store: SchemaStore, default_schema: Schema | None = None
) -> Iterator[Item]:
    """Items of an open binary file or pipe, read once from where it stands.

    Parameters
    ----------
    file
        Gives bytes; it need not be seekable, and is not closed.
    partition
        Its name in the origins.
    store, default_schema
        As `items_from_message`.
    """
    return _contents(ForwardReader(chunks_of(file)), partition, store, default_schema)


def list_files(folder: Path) -> list[str]:
    """Paths of the files under a folder, sorted; those that are passed over are left out.

    Raises
    ------
    SourceError
        If the folder cannot be listed.
    """

    def fail(error: OSError) -> None:
        raise SourceError(f"The folder {error.filename} cannot be read ({error.strerror}).") from error

    found: list[str] = []
    for root, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(root, name) for name in files if not is_passed_over(name)]  # noqa: PTH118
    found.sort()
    return found


def is_passed_over(name: str) -> bool:
    """Whether a file of this name in a folder is hidden, still being written, or an archive's index."""
    return name.startswith(".") or name.endswith(UNFINISHED) or name in _INDEX_FILES


def _closing(
    file: BinaryIO, partition: str, store: SchemaStore, default_schema: Schema | None
) -> Iterator[Item]:
    with file:
        yield from read_stream(file, partition, store, default_schema)


def _contents(
    reader: ForwardReader, partition: str, store: SchemaStore, default_schema: Schema | None
) -> Iterator[Item]:
    compression = compression_of(reader.peek(BLOCK))
    if compression is not None:
        reader = ForwardReader(decompress_chunks(_rest(reader), compression))
    offset = 0
    for item in _plain(reader, partition, store, default_schema):
        yield item
        offset = item.origin.offset + 1
    fault = reader.untold_fault()
    if fault is not None:
        yield Refusal(Origin(partition, offset), f"{partition} cannot be read to its end: {fault}.")


def _rest(reader: ForwardReader) -> Iterator[bytes]:
    while chunk := reader.read(1 << 18):
        yield chunk
    fault = reader.untold_fault()
    if fault is not None:
        raise OSError(fault)


def _plain(
    reader: ForwardReader, partition: str, store: SchemaStore, default_schema: Schema | None
) -> Iterator[Item]:
    head = reader.peek(BLOCK)
    origin = Origin(partition, 0)
    if is_tar(head):
        yield from stream_tar(reader, partition, store, default_schema)
    elif head.startswith(MAGIC):
        yield from stream_ocf(reader, origin)
    elif compression_of(head) is not None:
        yield Refusal(origin, f"{partition} is compressed more than once; unpack it once.")
    else:
        data = reader.read(MESSAGE_LIMIT + 1)
        if len(data) > MESSAGE_LIMIT:
            reason = f"{partition} is no container or archive and too large for one message"
            yield Refusal(origin, f"{reason} (over {MESSAGE_LIMIT >> 20} MB).")
        elif reader.fault is not None:
            yield Refusal(origin, f"{partition} cannot be read: {reader.ending()}.", data)
        elif data != EMPTY_TAR:
            yield from items_from_message(data, origin, store, default_schema)
