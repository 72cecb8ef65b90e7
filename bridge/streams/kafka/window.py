"""How much may be under way to a broker at once.

The library is given no more of a topic than one request can hold: an idempotent producer that has messages
waiting behind a request asks its socket without a pause whether the answer is there (librdkafka 2.16), which
takes a whole processor, and where the broker has few of them, its answers with it.
"""

from __future__ import annotations

__all__ = ["MOST_BYTES", "NEARBY_S", "WINDOW_BYTES", "Window"]

WINDOW_BYTES = 900_000
"""Of one topic, to a broker nearby: a request (the library's ``batch.size``) less its overhead."""

NEARBY_S = 5e-3
"""A broker that confirms later than this is far away: more may be under way, to fill the longer line."""

MOST_BYTES = 32 << 20
"""Of all topics together."""


class Window:
    """Counts what is under way: of each topic what a request holds, so that those of many stay large.

    Attributes
    ----------
    bytes
        Values of messages that were sent and not confirmed.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._by_topic: dict[str, int] = {}
        self._fastest_s: float | None = None

    @property
    def limit_bytes(self) -> int:
        """How much of a topic may be under way: more, the longer the broker takes at its fastest."""
        distance = (self._fastest_s or 0.0) / NEARBY_S
        return min(MOST_BYTES, int(WINDOW_BYTES * max(1.0, distance)))

    def has_room(self, topic: str, size: int) -> bool:
        """Whether a message of this size may be sent; the first may always."""
        under_way = self._by_topic.get(topic, 0)
        if under_way and under_way + size > self.limit_bytes:
            return False
        return not self.bytes or self.bytes + size <= MOST_BYTES

    def sent(self, topic: str, size: int) -> None:
        """Note a message."""
        self.bytes += size
        self._by_topic[topic] = self._by_topic.get(topic, 0) + size

    def settled(self, topic: str, size: int) -> None:
        """Note that a message is confirmed, or given up."""
        self.bytes -= size
        self._by_topic[topic] -= size

    def confirmed_after(self, latency_s: float) -> None:
        """Note how long a message took to be confirmed, in seconds."""
        self._fastest_s = latency_s if self._fastest_s is None else min(self._fastest_s, latency_s)
