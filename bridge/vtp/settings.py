"""Limits and timings of the broadcaster, with the reasons for their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.errors import ConfigError
from bridge.vtp.frames import MAX_FRAME_BYTES

__all__ = ["HOLD_S", "BroadcasterSettings", "Newcomers"]

HOLD_S = 2.0
"""So long a connection that is of no more use is held, or its peer would come again at once."""

Newcomers = Literal["now", "start"] | float


@dataclass(frozen=True, slots=True)
class BroadcasterSettings:
    """How subscribers are served.

    Parameters
    ----------
    local_ivo
        Our identifier, in every message.
    newcomers
        From where a subscriber that the journal does not know is served: ``"now"``, ``"start"``, or so
        many seconds back.
    durable_max_age_s
        A known subscriber is sent at most what was published so many seconds before it came back; None
        sends all that the journal has kept, 0 treats everybody as a newcomer.
    window
        Most events unacknowledged on their way to one subscriber. Stock Comet handles 500 to 900 a
        second and pygcn one at a time, so 100 keep both busy over any distance.
    first_window
        Most events on their way to a subscriber that has not answered for any yet. Where Python has no gdbm,
        stock Comet may fail over its first events if several come at once, and then over all others, too: it
        acknowledges them and drops them.
    ack_timeout_s
        A subscriber that leaves an event unacknowledged so long is dropped; its cursor stays before it.
    iamalive_interval_s
        Time between iamalive messages. Comet gives up after 120 s of silence, pygcn after 150 s.
    authenticate_grace_s
        How long an answer to authenticate is waited for before a subscriber is served as anonymous.
    max_event_bytes
        Longer events are not sent to subscribers: Comet would close the connection.
    max_message_bytes
        Longest message taken from a subscriber.
    max_strays
        So many senseless messages in a row are overlooked.
    max_filters, max_filter_chars
        Bounds on the XPath filters of one subscriber.
    page_events, page_bytes
        How much is read from the journal at a time, for one subscriber.
    cache_bytes
        Newest events kept in memory for all subscribers together.
    cursor_interval_s
        Time between writes of the durable subscribers' cursors.
    drain_s
        How long, when the broker ends, answers to what is under way are waited for.
    hold_s
        A peer that is dropped is not listened to any more, and its connection is closed so many seconds
        later: who comes again at once comes less often.
    """

    local_ivo: str
    newcomers: Newcomers = "now"
    durable_max_age_s: float | None = 7 * 86_400.0
    window: int = 100
    first_window: int = 1
    ack_timeout_s: float = 120.0
    iamalive_interval_s: float = 60.0
    authenticate_grace_s: float = 1.0
    max_event_bytes: int = MAX_FRAME_BYTES
    max_message_bytes: int = MAX_FRAME_BYTES
    max_strays: int = 20
    max_filters: int = 20
    max_filter_chars: int = 2_000
    page_events: int = 64
    page_bytes: int = 256 << 10
    cache_bytes: int = 8 << 20
    cursor_interval_s: float = 1.0
    drain_s: float = 5.0
    hold_s: float = HOLD_S

    def __post_init__(self) -> None:
        if not self.local_ivo.startswith("ivo://"):
            raise ConfigError(f"The broker's identifier '{self.local_ivo}' must start with 'ivo://'.")
        for name in (
            "window",
            "first_window",
            "page_events",
            "page_bytes",
            "max_event_bytes",
            "max_message_bytes",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"The broadcaster's setting '{name}' must be at least 1.")
        for name in ("ack_timeout_s", "iamalive_interval_s", "cursor_interval_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"The broadcaster's setting '{name}' must be more than 0 seconds.")
