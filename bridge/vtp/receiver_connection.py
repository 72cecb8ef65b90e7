"""The receiver's side of one VTP connection from an author, without sockets or clocks.

Bytes and the time go in; events that were offered, and bytes to send, come out. Whether an event is taken
is for others to say (`accept`, `refuse`), later and in any order; the author gets its answers in the order
in which it sent, so one that sends many at once can tell them apart even when they have one identifier.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bridge.vtp.allowance import Allowance
from bridge.vtp.frames import FrameReader, Oversize, encode_frame
from bridge.vtp.messages import write_ack, write_transport
from bridge.vtp.receiver_settings import ReceiverSettings

__all__ = ["Closing", "Offered", "ReceiverConnection", "ReceiverEvent", "Senseless", "salvage_ivorn"]

SHORTEST_EVENT_BYTES = 40
"""No shorter message can be a VOEvent: its element, identifier and namespace take more."""

_MESSAGES_AT_ONCE = 256
_REASON_CHARS = 1_000
_IVORN = re.compile(rb"""\bivorn\s*=\s*(?:"([^"<]{1,500})"|'([^'<]{1,500})')""")


class Offered(NamedTuple):
    """An author has sent a message; answer it by its number."""

    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Closing:
    """The connection is of no more use: send what is to be sent, then close it.

    Parameters
    ----------
    reason
        Why, as a clause about the author.
    rude
        Whether it is for what the author has sent, and would send again at once if it came again.
    """

    reason: str
    rude: bool = True


@dataclass(frozen=True, slots=True)
class Senseless:
    """An author has sent what cannot be an event, and has been told so."""

    reason: str


ReceiverEvent = Offered | Closing | Senseless


class ReceiverConnection:
    """State of one author's connection.

    Parameters
    ----------
    settings
        Limits and timings.
    now
        Time of the connection, in Unix seconds, as all times given to the methods.
    allowance
        Messages that this author may send, shared by all of its connections; None: as many as it likes.
    """

    def __init__(self, settings: ReceiverSettings, now: float, allowance: Allowance | None = None) -> None:
        self.settings = settings
        self._allowance = allowance
        self._waits_until: float | None = None
        self.offered = 0
        self.accepted = 0
        self.refused = 0
        self.pending_bytes = 0
        self.closing: Closing | None = None
        self._frames = FrameReader(settings.max_event_bytes)
        self._heard_at = now
        self._unread = 0
        self._sizes: dict[int, int] = {}
        self._answers: dict[int, bytes] = {}
        self._next = 0
        self._out: list[bytes] = []

    @property
    def pending(self) -> int:
        """Messages that have no answer yet."""
        return len(self._sizes)

    @property
    def full(self) -> bool:
        """Whether nothing more should be read before some answers are given."""
        settings = self.settings
        return (
            self.pending >= settings.max_pending
            or self.pending_bytes >= settings.max_pending_bytes
            or self._waits_until is not None
        )

    @property
    def next_tick_at(self) -> float | None:
        """When `tick` has something to do, at the earliest (Unix seconds); None while answers are due."""
        if self.closing is not None:
            return None
        if self._waits_until is not None:
            return self._waits_until
        if self._sizes:
            return None
        return self._heard_at + self.settings.idle_timeout_s

    def data_to_send(self) -> bytes:
        """Bytes for the author since the last call."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes, now: float) -> list[ReceiverEvent]:
        """Take bytes from the author. Whatever they are, this does not raise."""
        if self.closing is not None:
            return []
        events: list[ReceiverEvent] = []
        frames = self._frames.feed(data, _MESSAGES_AT_ONCE)
        while frames and self.closing is None:
            self._read(frames, now, events)
            # What nobody will answer is not even cut into messages.
            frames = self._frames.feed(b"", _MESSAGES_AT_ONCE) if len(frames) == _MESSAGES_AT_ONCE else []
        if self._allowance is not None and events:
            free_at = self._allowance.spend(len(events), now)
            self._waits_until = free_at if free_at > now else None
        return events

    def _read(self, frames: Sequence[bytes | Oversize], now: float, events: list[ReceiverEvent]) -> None:
        self._heard_at = now
        for frame in frames:
            number = self.offered
            self.offered += 1
            if isinstance(frame, Oversize):
                self._sizes[number] = 0
                reason = (
                    f"it has {frame.length} bytes, and a broker takes {self.settings.max_event_bytes} at most"
                )
                self.refuse(number, "", f"Event rejected: {reason}", now)
                events.append(self._close(f"it announced a message of {frame.length} bytes"))
                return
            self._sizes[number] = len(frame)
            self.pending_bytes += len(frame)
            if len(frame) >= SHORTEST_EVENT_BYTES:
                events.append(Offered(number, frame))
                continue
            reason = f"a message of {len(frame)} bytes is no VOEvent"
            events.append(Senseless(reason))
            events += self.refuse(number, "", f"Event rejected: {reason}", now)
            if self.closing is not None:
                return

    def accept(self, number: int, ivorn: str, now: float) -> None:
        """Acknowledge a message: its event is published."""
        self.accepted += 1
        self._unread = 0
        self._answer(number, write_ack(ivorn, now, self.settings.local_ivo), newly_heard_at=now)

    def refuse(self, number: int, ivorn: str, reason: str, now: float) -> list[ReceiverEvent]:
        """Refuse a message, with the reason.

        Parameters
        ----------
        ivorn
            The event's identifier; empty where the message has none that can be read.
        """
        self.refused += 1
        self._unread = 0 if ivorn else self._unread + 1
        message = write_transport(
            "nak", ivorn, now, response=self.settings.local_ivo, result=reason[:_REASON_CHARS]
        )
        self._answer(number, message, newly_heard_at=now)
        if self._unread > self.settings.max_unread and self.closing is None:
            return [self._close(f"it sent {self._unread} messages in a row that are no events")]
        return []

    def tick(self, now: float) -> list[ReceiverEvent]:
        """Do what is due by now."""
        due = self.next_tick_at
        if due is None or now < due:
            return []
        if self._waits_until is not None:
            # It was we who did not listen.
            self._waits_until = None
            self._heard_at = now
            return []
        return [self._close(f"it has sent no whole message for {now - self._heard_at:.0f} s", rude=False)]

    def _answer(self, number: int, message: bytes, newly_heard_at: float) -> None:
        self.pending_bytes -= self._sizes.pop(number)
        # What the author does next it can only do when it has the answer.
        self._heard_at = max(self._heard_at, newly_heard_at)
        self._answers[number] = encode_frame(message)
        while self._next in self._answers:
            self._out.append(self._answers.pop(self._next))
            self._next += 1

    def _close(self, reason: str, *, rude: bool = True) -> Closing:
        self.closing = Closing(reason, rude)
        return self.closing


def salvage_ivorn(data: bytes) -> str:
    """The identifier of a packet that could not be parsed, as far as it can be guessed; or empty."""
    found = _IVORN.search(data[:4_096])
    return html.unescape((found[1] or found[2]).decode("utf-8", "replace")).strip() if found else ""
