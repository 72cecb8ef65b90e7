"""An archive sent again: at the speed at which it was recorded, a multiple of it, or as fast as it goes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from bridge.bulk.pace import keep_pace
from bridge.bulk.recorded import Recorded
from bridge.errors import SourceError
from bridge.streams.kafka.outbox import Outbox
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.sink import check_target
from bridge.streams.kafka.url import KafkaUrl
from bridge.streams.outlets import FolderOutlet, TarOutlet

__all__ = ["Receiver", "Replayed", "ToFiles", "ToTopic", "replay"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


class Receiver(Protocol):
    """Where messages go."""

    def take(self, message: Recorded) -> None:
        """Send a message; raises `SourceError` if that fails."""

    def close(self) -> None:
        """Wait until all have arrived; raises `SourceError` if they do not."""

    def discard(self) -> None:
        """Give up."""


class ToTopic:
    """Sends messages to a topic as they were: value, key, headers and, unless told otherwise, time.

    Parameters
    ----------
    url
        Brokers and one topic.
    settings
        Of the client.
    new_times
        Let messages have the present time.
    """

    def __init__(self, url: KafkaUrl, settings: KafkaSettings, *, new_times: bool = False) -> None:
        self._topic = check_target(url)
        self._outbox = Outbox(url, settings)
        self._new_times = new_times

    def take(self, message: Recorded) -> None:
        """Send a message; raises `SourceError` if it, or one before it, cannot be delivered."""
        envelope = message.envelope
        self._outbox.send(
            self._topic,
            message.value,
            key=envelope.key,
            headers=envelope.headers,
            timestamp_ms=None if self._new_times else envelope.timestamp_ms,
        )

    def close(self) -> None:
        """Wait until the broker has all; raises `SourceError` if it does not take them."""
        self._outbox.flush()

    def discard(self) -> None:
        """Send nothing more; what the broker has stays there."""
        self._outbox.discard()


class ToFiles:
    """Writes each message into a file, which appears when it is whole; tombstones are passed over."""

    def __init__(self, outlet: FolderOutlet | TarOutlet) -> None:
        self._outlet = outlet

    def take(self, message: Recorded) -> None:
        """Write a file; raises `SourceError` if that fails."""
        if message.value is not None:
            self._outlet.put(_UNSAFE.sub("_", message.name).strip("._")[-150:], message.value)

    def close(self) -> None:
        """Finish: an archive gets its name."""
        self._outlet.close()

    def discard(self) -> None:
        """Give up: nothing half-written stays behind."""
        self._outlet.discard()


@dataclass(slots=True)
class Replayed:
    """What has been sent.

    Attributes
    ----------
    sent, bytes
        Messages and the size of their values.
    untimed
        Messages without a time, sent right after those before.
    recorded_s, seconds
        Length of the recording, and of the replay.
    """

    sent: int = 0
    bytes: int = 0
    untimed: int = 0
    recorded_s: float = 0.0
    seconds: float = 0.0


def replay(
    messages: Iterable[Recorded],
    receiver: Receiver,
    speed: float | None,
    *,
    progress: Callable[[Replayed], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Replayed:
    """Send recorded messages; when this returns, all have arrived.

    Parameters
    ----------
    messages
        In the order in which they are sent. One that is older than the one before is sent right after it.
    receiver
        Where they go; it is closed.
    speed
        1 for the recorded speed, 10 for ten times as fast, None for as fast as it goes.
    progress, stop
        Told what has been done; asked before every message.
    clock, wait
        Monotonic seconds; waits for seconds.

    Raises
    ------
    SourceError
        If the archive ends early, or messages cannot be sent.
    """
    done = Replayed()
    began = clock()
    first_s: float | None = None
    try:
        for message in messages:
            if stop():
                break
            if message.time_unix_s is None:
                done.untimed += 1
            else:
                first_s = message.time_unix_s if first_s is None else first_s
                done.recorded_s = max(done.recorded_s, message.time_unix_s - first_s)
                if speed is not None:
                    keep_pace(began + (message.time_unix_s - first_s) / speed, clock, wait, stop)
                    if stop():
                        break
            receiver.take(message)
            done.sent += 1
            done.bytes += len(message.value or b"")
            done.seconds = clock() - began
            progress(done)
    except SourceError:
        # What came before the damage is of use where it can be told from the rest.
        receiver.close()
        raise
    except BaseException:
        receiver.discard()
        raise
    receiver.close()
    done.seconds = clock() - began
    return done
