"""Archiving topics: each message as it came, in one tar file a night and topic, exactly once.

The order is what makes it so: tar files to the disk, then one transaction with the rows of the index and
the positions, then the next messages. Killed at any moment, the next run cuts off what the index does not
know of, and goes on at the index's positions.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.alerts.packet import Envelope, Packet
from bridge.alerts.store import SchemaStore
from bridge.bulk.glance import alert_id
from bridge.bulk.index import Index, Row
from bridge.bulk.members import member_bytes
from bridge.bulk.nights import NIGHT_BEGINS_H, night_of
from bridge.bulk.raw import Message, open_messages, place_of
from bridge.bulk.tarfiles import TarFiles
from bridge.errors import SourceError
from bridge.streams.kafka.instance import member_of
from bridge.streams.kafka.messages import items_of
from bridge.streams.sink import writing

__all__ = ["Archived", "archive_topics"]

LOCK = ".archive.lock"
_UNSAFE = re.compile(r"[^A-Za-z0-9_+-]+")
_NOTHING = Envelope()


@dataclass(slots=True)
class Archived:
    """What one run has done.

    Attributes
    ----------
    messages, bytes
        Archived, and the size of their values.
    resumed
        Messages that the archive held before.
    gaps
        Messages that the broker had deleted before they were read.
    files
        Tar files that were written to.
    """

    messages: int = 0
    bytes: int = 0
    resumed: int = 0
    gaps: int = 0
    files: tuple[str, ...] = ()


def archive_topics(
    url: str,
    folder: Path,
    store: SchemaStore,
    *,
    kafka_config: str | os.PathLike[str] | None = None,
    start: str = "earliest",
    follow: bool = True,
    night_begins_h: float = NIGHT_BEGINS_H,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Archived], None] = lambda _: None,
    now: Callable[[], float] = time.time,
) -> Archived:
    """Archive topics into a folder, from where an earlier run ended.

    Parameters
    ----------
    url
        ``kafka://host[:9092][,host]/topic[,topic]``.
    folder
        Of the archive; made if it is not there.
    store
        Where schemas are looked up, to find the alerts' ids. What cannot be decoded is archived as well.
    kafka_config
        Settings of the client: a file, or the name of a preset.
    start
        "earliest" or "latest": where a new archive begins.
    follow
        Wait for new messages until told to stop; otherwise end with those that are there.
    night_begins_h
        Hour of the UTC day at which a new night, and with it a new file, begins.
    stop
        Asked after every batch.
    progress
        Told what has been done, after every batch.
    now
        Unix seconds (UTC); the time of messages that have none.

    Raises
    ------
    UsageError
        If the URL or a setting cannot be used.
    SourceError
        If the folder cannot be written, another process archives into it, or Kafka cannot be used.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), Index(folder) as index:
        files = TarFiles(folder, index)
        done = Archived(resumed=index.count())
        source = open_messages(
            url,
            kafka_config=kafka_config,
            start=start,
            resume=index.positions(),
            follow=follow,
            stop=stop,
            member=member_of(folder),
        )
        names: set[str] = set()
        told = 0
        try:
            for messages, positions in source.batches():
                for gap in source.gaps[told:]:
                    done.gaps += gap.size
                    if not gap.size:
                        index.begin_anew(source.cursors.key(gap.place))
                told = len(source.gaps)
                if messages or positions:
                    rows = [_keep(message, files, store, night_begins_h, now) for message in messages]
                    sizes = files.secure()
                    index.add(rows, positions, sizes)
                    names |= sizes.keys()
                    done.messages += len(rows)
                    done.bytes += sum(row.size for row in rows)
                    done.files = tuple(sorted(names))
                progress(done)
        finally:
            files.close()
    return done


def _keep(
    message: Message, files: TarFiles, store: SchemaStore, night_begins_h: float, now: Callable[[], float]
) -> Row:
    origin = message.origin
    topic, number = place_of(origin.partition)
    identifier, ending = _name(message, store)
    stem = f"-{_UNSAFE.sub('_', identifier)[:100]}" if identifier else ""
    member = f"{number}/{origin.offset:012d}{stem}.{ending}"
    time_s = now() if message.timestamp_ms is None else message.timestamp_ms / 1000
    data, content = member_bytes(
        member,
        message.value,
        origin.envelope or _NOTHING,
        place=(topic, number, origin.offset),
        mtime_s=time_s,
    )
    tar, start = files.append(topic, night_of(time_s, night_begins_h), data)
    timestamp_ms = message.timestamp_ms
    return Row(
        origin.partition, origin.offset, timestamp_ms, identifier, tar, member, start + content, message.size
    )


def _name(message: Message, store: SchemaStore) -> tuple[str, str]:
    """The alert's id, where one is found, and the ending of its file."""
    if message.value is None:
        return "", "none"
    if message.value[:1] == b"<":
        return "", "xml"
    if message.value[:1] in (b"{", b"["):
        return "", "json"
    item = next(iter(items_of(message.value, message.origin, store, None)), None)
    ending = "avro" if message.value[:4] == b"Obj\x01" else "bin"
    return (alert_id(item), ending) if isinstance(item, Packet) else ("", ending)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    path = folder / LOCK
    with writing(path):
        lock = path.open("a")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SourceError(
                f"Another process archives into {folder}; give this one another folder."
            ) from None
        yield
