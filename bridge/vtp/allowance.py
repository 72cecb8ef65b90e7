"""How many messages a peer may send: an allowance that fills with time and is spent message by message."""

from __future__ import annotations

__all__ = ["BURST_S", "Allowance"]

BURST_S = 10.0
"""So many seconds' worth may usually be spent at once."""


class Allowance:
    """A bucket of tokens, one a message; one for each who is bounded, be it a connection or an address.

    Parameters
    ----------
    rate
        Tokens that come in a second.
    now
        Time, in Unix seconds, as all times given to the methods.
    burst_s
        So many seconds' worth may be spent at once.
    """

    def __init__(self, rate: float, now: float, burst_s: float = BURST_S) -> None:
        self.rate = rate
        self._most = rate * burst_s
        self._tokens = self._most
        self._counted_at = now

    def spend(self, messages: int, now: float) -> float:
        """Spend tokens, more than there are if need be.

        Returns
        -------
        float
            From when on more may be read (Unix seconds): `now` unless there is a debt.
        """
        self._tokens = min(self._most, self._tokens + (now - self._counted_at) * self.rate)
        self._counted_at = now
        self._tokens -= messages
        return now if self._tokens >= 0 else now - self._tokens / self.rate
