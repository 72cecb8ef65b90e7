"""Opening a source by its URL, and the source that reads files, folders and archives."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.alerts.archive import list_files, read_file, read_stream
from bridge.alerts.packet import Item, Origin, Refusal
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.errors import SourceError, UsageError
from bridge.streams.batch import Batch, Gatherer, Source, first_wanted, is_finished
from bridge.streams.follow import Follower
from bridge.streams.kafka.url import is_kafka_url, parse_url

__all__ = ["MAX_BYTES", "MAX_ITEMS", "PathSource", "open_source"]

MAX_ITEMS = 256
MAX_BYTES = 8 << 20


def open_source(
    url: str | os.PathLike[str],
    *,
    store: SchemaStore,
    resume: Mapping[str, int] | None = None,
    follow: bool = False,
    default_schema: Schema | None = None,
    stop: Callable[[], bool] | None = None,
    interval_s: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
    kafka_config: str | os.PathLike[str] | None = None,
    start: str | None = None,
    member: str = "",
) -> Source:
    """Open what a URL names.

    Parameters
    ----------
    url
        ``-`` (standard input), a file, a folder, a tar archive, compressed or not; or
        ``kafka://host[:9092][,host]/topic[,topic]``.
    store
        Where schemas are looked up.
    resume
        Positions of an earlier run (`Batch.positions` put together); what lies before them is passed over.
        Standard input has no positions.
    follow
        Wait for new files in a folder. Writers must create a file under a name that begins with ``.`` or
        ends in ``.tmp``, ``.part`` or ``~``, and rename it when it is whole. Of topics: wait for new
        messages; otherwise the source ends with those that are there now. Other sources end at their end.
    default_schema
        Writer schema of bare messages.
    stop
        Asked between files and batches; the source ends when it says True.
    interval_s
        Between two looks at a folder, in seconds.
    sleep, now
        Waits for seconds; tells the time in seconds since the epoch, as files' times are told.
    kafka_config
        Settings of the Kafka client: a file, or the name of a preset.
    start
        "earliest" or "latest", over the settings: where topics begin that `resume` does not know.
    member
        Name of this process in its consumer group, the same in every run.

    Returns
    -------
    Source
        Yields batches of at most 256 items and about 8 MB; while it waits, an empty one at every look.

    Raises
    ------
    UsageError
        If the URL is of a kind that cannot be read.
    SourceError
        If the path is missing or cannot be read.
    """
    text = os.fspath(url)
    if is_kafka_url(text):
        # Kafka's client library is loaded only where it is wanted.
        from bridge.streams.kafka.settings import load_settings
        from bridge.streams.kafka.source import KafkaSource

        return KafkaSource(
            parse_url(text),
            load_settings(kafka_config).starting(start),
            store,
            resume or {},
            follow=follow,
            default_schema=default_schema,
            stop=stop or (lambda: False),
            sleep=sleep,
            now=now,
            member=member,
        )
    refuse_brokers(text, "read")
    path = text if text == "-" else os.path.abspath(text)  # noqa: PTH100 - links keep their own names
    is_folder = path != "-" and Path(path).is_dir()
    if path != "-":
        _check_readable(path)
    follower = None
    if follow and is_folder:
        follower = Follower(Path(path), interval_s, sleep=sleep, now=now)
    return PathSource(
        path,
        store,
        dict(resume or {}),
        default_schema,
        stop or (lambda: False),
        is_folder=is_folder,
        follower=follower,
    )


def refuse_brokers(url: str, verb: str) -> None:
    """Say what is possible today, for a URL that names a broker.

    Raises
    ------
    UsageError
        If the URL has a scheme.
    """
    scheme, found, _ = url.partition("://")
    if found and scheme.isalnum():
        raise UsageError(
            f"{scheme}:// URLs cannot be {verb} by this version ({url}). "
            "kafka:// URLs, files, folders, tar archives and '-' (standard input or output) can."
        )


def _check_readable(path: str) -> None:
    try:
        if Path(path).is_dir():
            os.scandir(path).close()
        else:
            Path(path).stat()
            if not os.access(path, os.R_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}).") from error


@dataclass
class PathSource:
    """Batches out of a file, a folder or standard input; see `open_source`."""

    path: str
    store: SchemaStore
    resume: dict[str, int]
    default_schema: Schema | None
    stop: Callable[[], bool]
    is_folder: bool = False
    follower: Follower | None = None
    max_items: int = field(default=MAX_ITEMS, kw_only=True)
    max_bytes: int = field(default=MAX_BYTES, kw_only=True)

    @property
    def trouble(self) -> str | None:
        """None: a file or folder that cannot be read is refused, or ends the source."""
        return None

    def __iter__(self) -> Iterator[Batch]:
        gather = Gatherer(self.max_items, self.max_bytes)
        for path in self._paths():
            if self.stop():
                break
            if path is None:
                # All there is has been read: hand it over before waiting for more.
                yield gather.take()
                continue
            yield from self._read(path, gather)
        if gather:
            yield gather.take()

    def _paths(self) -> Iterator[str | None]:
        if self.follower is not None:
            yield from self.follower
        elif self.is_folder:
            yield from list_files(Path(self.path))
        else:
            yield self.path

    def _read(self, path: str, gather: Gatherer) -> Iterator[Batch]:
        wanted = 0
        if path == "-":
            items, size = read_stream(sys.stdin.buffer, "-", self.store, self.default_schema), None
        else:
            try:
                wanted = first_wanted(self.resume.get(path))
                size = Path(path).stat().st_size
                if is_finished(self.resume.get(path, 0), size):
                    return
                items = self._open(path)
            except (OSError, SourceError) as error:
                reason = (
                    f"{path} cannot be read ({error.strerror})." if isinstance(error, OSError) else str(error)
                )
                if not self.is_folder:
                    raise SourceError(reason) from error
                # It leaves no position: once it is mended, the next run reads it from its first item.
                if gather.add(Refusal(Origin(path, 0), reason), counted=False):
                    yield gather.take()
                return
        for item in items:
            if item.origin.offset >= wanted and gather.add(item, counted=size is not None):
                yield gather.take()
                if self.stop():
                    return
        if size is not None:
            gather.finish(path, size)

    def _open(self, path: str) -> Iterator[Item]:
        if self.is_folder and not Path(path).is_file():
            raise SourceError(f"{path} is no regular file but a device or pipe; only files are read.")
        return read_file(path, self.store, self.default_schema)
