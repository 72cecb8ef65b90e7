"""Opening a sink by its URL; what every sink of packets has in common."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bridge.alerts.packet import Packet
from bridge.errors import SourceError, UsageError
from bridge.streams.kafka.url import is_kafka_url, parse_url
from bridge.streams.source import refuse_brokers

__all__ = ["BaseSink", "Sink", "open_sink", "writing"]


class Sink(Protocol):
    """Where packets are kept. As a context manager it is closed, or after an error discarded.

    Attributes
    ----------
    takes_notices
        Whether it has a place for JSON, too; an Avro container has not.
    """

    takes_notices: bool

    def write(self, packet: Packet) -> None:
        """Keep a packet, byte for byte; raises `SourceError` if that fails."""

    def secure(self) -> None:
        """Have what was written outlive a power failure, where that is possible before the end."""

    def close(self) -> None:
        """Finish: what was written appears under its final name."""

    def discard(self) -> None:
        """Give up: nothing half-written stays behind."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BaseSink:
    """The context manager's part of a sink."""

    def secure(self) -> None:
        """Have what was written outlive a power failure, where that is possible before the end."""

    takes_notices = True

    def close(self) -> None:
        """Finish: what was written appears under its final name."""

    def discard(self) -> None:
        """Give up: nothing half-written stays behind."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.discard()


def open_sink(
    url: str | os.PathLike[str],
    *,
    kafka_config: str | os.PathLike[str] | None = None,
    durable: bool = False,
) -> Sink:
    """Open a place to keep packets in.

    Parameters
    ----------
    url
        A folder (one file per packet, made if it is not there), a name ending in ``.tar``, ``.tar.gz`` or
        ``.tgz``, a name ending in ``.avro`` (one container of many records), ``-`` (such a container on
        standard output), or ``kafka://host[:9092]/topic``.
    kafka_config
        Settings of the Kafka client: a file, or the name of a preset.
    durable
        Have `Sink.secure` bring the files of a folder to the disk.

    Returns
    -------
    Sink
        Files appear under their final names when they are whole; a topic has all when the sink is closed.

    Raises
    ------
    UsageError
        If the URL is of a kind that cannot be written.
    SourceError
        If the place cannot be written.
    """
    # The sinks build on this module, so they can only be imported when one is wanted.
    from bridge.streams.container_sink import ContainerSink, PipeSink
    from bridge.streams.file_sinks import FileSink
    from bridge.streams.outlets import FolderOutlet, TarOutlet

    text = os.fspath(url)
    if not text:
        raise UsageError("The output has an empty name; give a folder, a .tar, .tar.gz, .avro, or '-'.")
    if is_kafka_url(text):
        from bridge.streams.kafka.settings import load_settings
        from bridge.streams.kafka.sink import KafkaSink

        return KafkaSink(parse_url(text), load_settings(kafka_config))
    refuse_brokers(text, "written")
    if text == "-":
        if sys.stdout.isatty():
            raise UsageError("Packets are binary and would spoil the terminal; send '-' to a pipe or a file.")
        return PipeSink(sys.stdout.buffer)
    path = Path(text)
    if path.is_dir():
        return FileSink(FolderOutlet(path, durable=durable))
    name = path.name.lower()
    if name.endswith((".tar", ".tar.gz", ".tgz")):
        return FileSink(TarOutlet(path))
    if name.endswith(".avro"):
        return ContainerSink(path)
    if path.exists():
        raise UsageError(
            f"{path} is a file; packets are kept in a folder, or in a file named .avro, .tar or .tar.gz."
        )
    return FileSink(FolderOutlet(path, durable=durable))


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn what goes wrong while `path` is written into one sentence (`SourceError`)."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SourceError(f"{path} cannot be written: the disk (or the quota) is full.") from error
        raise SourceError(f"{path} cannot be written ({error.strerror or error}).") from error
