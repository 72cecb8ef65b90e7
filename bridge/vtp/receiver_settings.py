"""Limits and timings of the receiver for authors, with the reasons for their defaults."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import ConfigError
from bridge.vtp.frames import MAX_FRAME_BYTES
from bridge.vtp.settings import HOLD_S

__all__ = ["ReceiverSettings"]


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """How authors are served.

    Parameters
    ----------
    local_ivo
        Our identifier, in every answer.
    max_event_bytes
        Longest event taken: what is longer no Comet downstream would take.
    idle_timeout_s
        A connection that brings no whole message for so long is closed, as Comet closes every one. Time in
        which an author waits for our answer does not count.
    max_unread
        So many messages that name no event are answered; the next closes the connection.
    max_pending, max_pending_bytes
        Nothing more is read from an author that has so many events, or bytes of events, unanswered.
    max_all_pending_bytes
        Nothing more is read from any author while all together have so many bytes of events unanswered.
    max_rate
        From one address so many messages a second are read, after a first burst of ten seconds' worth; what
        is sent faster waits in the author's socket. 0: as many as come.
    hold_s
        An author that is disconnected for what it has sent is not listened to any more, and its connection is
        closed so many seconds later.
    """

    local_ivo: str
    max_event_bytes: int = MAX_FRAME_BYTES
    idle_timeout_s: float = 20.0
    max_unread: int = 20
    max_pending: int = 512
    max_pending_bytes: int = 4 << 20
    max_all_pending_bytes: int = 64 << 20
    max_rate: int = 0
    hold_s: float = HOLD_S

    def __post_init__(self) -> None:
        if not self.local_ivo.startswith("ivo://"):
            raise ConfigError(f"The broker's identifier '{self.local_ivo}' must start with 'ivo://'.")
        for name in ("max_event_bytes", "max_unread", "max_pending", "max_pending_bytes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"The receiver's setting '{name}' must be at least 1.")
        if self.max_rate < 0:
            raise ConfigError("The receiver's setting 'max_rate' must be 0 or more messages a second.")
        if self.idle_timeout_s <= 0:
            raise ConfigError("The receiver's setting 'idle_timeout' must be more than 0 seconds.")
