"""Recognises events that come again within one run, in some 30 bytes for each event that has come.

The same rules as the journal's: what we author has one content under one IVORN for ever, what we relay is
known by its IVORN and bytes. They are kept here without a database, because a run over files needs to
remember only itself.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import Literal

from bridge.voevent.event import Event

__all__ = ["Repeats", "Verdict"]

Verdict = Literal["new", "again", "edition", "conflict"]
"""New; the same event once more; a relayed event with other bytes; an authored one with another content."""

_START = 1 << 12


class Repeats:
    """What has come so far.

    An open-addressing table of 64-bit digests: among ten million events two are taken for one another with a
    probability of 3e-6.
    """

    def __init__(self) -> None:
        self._keys = array("Q", bytes(8 * _START))
        self._values = array("Q", bytes(8 * _START))
        self._count = 0

    def __call__(self, event: Event) -> Verdict:
        """Judge an event, and remember it."""
        # The lowest bit of a value says whether the event was relayed.
        content = int(event.digest[:16], 16) & ~1 | event.relayed
        known = self._swap(_digest(event.ivorn), content)
        if not event.relayed:
            if known is None:
                return "new"
            return "again" if known == content else "conflict"
        if known is None:
            verdict: Verdict = "new"
        elif known == content or not known & 1:
            # Or our own event come home.
            return "again"
        else:
            verdict = "edition"
        # Third and later editions under one IVORN are told apart by identifier and content together.
        seen = self._swap(_digest(f"{event.ivorn}\0{event.digest}"), content)
        return verdict if seen is None else "again"

    def _swap(self, key: int, value: int) -> int | None:
        """The value that a key has; if it has none, it gets this one."""
        if 3 * self._count >= 2 * len(self._keys):
            self._grow()
        at = self._place(key)
        if self._keys[at]:
            return self._values[at]
        self._keys[at], self._values[at] = key, value
        self._count += 1
        return None

    def _place(self, key: int) -> int:
        mask = len(self._keys) - 1
        at = key & mask
        while self._keys[at] and self._keys[at] != key:
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        old = [(key, value) for key, value in zip(self._keys, self._values, strict=True) if key]
        self._keys = array("Q", bytes(16 * len(self._keys)))
        self._values = array("Q", bytes(8 * len(self._keys)))
        for key, value in old:
            at = self._place(key)
            self._keys[at], self._values[at] = key, value


def _digest(text: str) -> int:
    # Never zero: that marks a free place.
    return int.from_bytes(blake2b(text.encode(errors="backslashreplace"), digest_size=8).digest(), "big") or 1
