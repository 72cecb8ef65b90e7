"""Tar archives read member by member as they stream past; nothing is unpacked to disk.

`tarfile` knows the header formats; its own loop is not used, because it keeps every member it has seen (a
night's archive has hundreds of thousands) and takes a damaged header for the end of the archive.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from bridge.alerts.framing import MESSAGE_LIMIT, items_from_message
from bridge.alerts.packet import Item, Origin, Refusal
from bridge.alerts.reader import ForwardReader
from bridge.alerts.recorded_member import envelope_of, schema_in_key
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.alerts.tar_header import plain_member
from bridge.errors import SchemaError, SourceError

__all__ = ["is_tar", "stream_tar"]

BLOCK = tarfile.BLOCKSIZE
LONGEST_HEADER = 1 << 20


def is_tar(head: bytes) -> bool:
    """Whether a file that begins with these 512 bytes is a tar archive (its header's checksum tells)."""
    if len(head) < BLOCK:
        return False
    if head[257:262] == b"ustar":
        return True
    try:
        tarfile.TarInfo.frombuf(head[:BLOCK], "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        return False
    return True


def stream_tar(
    reader: ForwardReader, partition: str, store: SchemaStore, default_schema: Schema | None = None
) -> Iterator[Item]:
    """Items of a tar archive, with their running index in the archive as offset.

    Folders, hidden files and tombstones are passed over. Links, devices, sparse
    files and members beyond the size of any message are refused, and so is a member that holds no alert.

    Parameters
    ----------
    reader
        Positioned at the first header, decompressed.
    partition
        Name of the archive in the origins.
    store, default_schema
        As `items_from_message`.
    """
    offset = 0
    member = ""
    try:
        for member, size, data_at, unwanted, info in _members(reader):
            if (info is not None and info.isdir()) or is_hidden(member):
                continue
            origin = Origin(partition, offset, member)
            if unwanted:
                yield Refusal(origin, unwanted)
                offset += 1
                continue
            reader.seek(data_at)
            data = reader.read(size)
            if len(data) < size:
                yield Refusal(origin, f"The archive ends inside {member}: {reader.ending()}.", data)
                return
            for item in _items(info, data, origin, store, default_schema):
                yield item
                offset = item.origin.offset + 1
    except _DamagedTarError as error:
        after = f" after {member}" if member else ""
        yield Refusal(
            Origin(partition, offset), f"The archive is damaged{after}: {error}; what follows is lost."
        )


def _items(
    info: tarfile.TarInfo | None,
    data: bytes,
    origin: Origin,
    store: SchemaStore,
    default_schema: Schema | None,
) -> Iterator[Item]:
    """What a member holds; of one that was a message of a topic, as that message would be read."""
    if info is None:
        return items_from_message(data, origin, store, default_schema)
    try:
        envelope, is_tombstone = envelope_of(info) or (None, False)
        if envelope is not None:
            default_schema = schema_in_key(envelope.key) or default_schema
    except (SchemaError, SourceError) as error:
        return iter((Refusal(origin, str(error), data),))
    return iter(()) if is_tombstone else items_from_message(data, origin, store, default_schema)


class _DamagedTarError(Exception):
    pass


class _HeaderFile:
    """The reader as `tarfile` sees it; a header that claims gigabytes for a file name is not believed."""

    def __init__(self, reader: ForwardReader) -> None:
        self._reader = reader
        self.tell = reader.tell
        self.seek = reader.seek

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LONGEST_HEADER:
            raise tarfile.ReadError(f"a header claims {size} bytes")
        return self._reader.read(size)


class _Member(NamedTuple):
    """A member: name, size and place of its data, why it is not wanted, and its header if it is odd."""

    name: str
    size: int
    data_at: int
    unwanted: str
    info: tarfile.TarInfo | None = None


def _members(reader: ForwardReader) -> Iterator[_Member]:
    try:
        # The constructor reads the first header; afterwards it serves as the state that headers refer to.
        tar = tarfile.TarFile(fileobj=cast(BinaryIO, _HeaderFile(reader)), mode="r", errors="surrogateescape")
        first = tar.next()
        member = _looked_at(first) if first is not None else None
        end = tar.offset
        while member is not None:
            yield member
            reader.seek(end)
            if reader.tell() < end:
                # The member was passed over, so nobody has noticed yet that it is not all there.
                raise _DamagedTarError(f"{reader.ending()} inside it")
            head = reader.peek(BLOCK)
            while head and not head.strip(b"\0"):
                # The end, unless another archive was appended: late alerts come so.
                reader.read(len(head))
                head = reader.peek(BLOCK)
            if not head:
                return
            if len(head) < BLOCK:
                raise _DamagedTarError(f"{reader.ending()} inside a header")
            plain = plain_member(head) if not tar.pax_headers else None
            if plain is None:
                member = _looked_at(tarfile.TarInfo.fromtarfile(tar))
                end = tar.offset
            else:
                name, size = plain
                data_at = reader.tell() + BLOCK
                member = _Member(name, size, data_at, _too_large(name, size))
                end = data_at + -(-size // BLOCK) * BLOCK
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise _DamagedTarError(f"{reader.fault or error}") from error


def _looked_at(info: tarfile.TarInfo) -> _Member:
    if info.issparse():
        unwanted = f"{info.name} is a sparse file, which no alert is."
    elif not info.isreg():
        unwanted = f"{info.name} is no regular file but a link or device; only files are read."
    else:
        unwanted = _too_large(info.name, info.size)
    return _Member(info.name, info.size, info.offset_data, unwanted, info)


def _too_large(name: str, size: int) -> str:
    if size <= MESSAGE_LIMIT:
        return ""
    return f"{name} has {size >> 20} MB, more than any message ({MESSAGE_LIMIT >> 20} MB)."


def is_hidden(name: str) -> bool:
    """Whether a file's or member's own name begins with a dot (also macOS's ``._`` companions)."""
    if not name.startswith(".") and "/." not in name:
        return False
    return PurePosixPath(name).name.startswith(".")
