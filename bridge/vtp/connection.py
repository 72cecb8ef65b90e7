"""The broadcaster's side of one VTP connection, without sockets or clocks.

Bytes and the time go in; bytes to send and events come out. It knows the protocol's rules (authenticate
first, iamalive every minute, an answer to everything) and who has acknowledged what; it does not know
where events come from.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import PacketError
from bridge.vtp.acks import AckReader
from bridge.vtp.allowance import Allowance
from bridge.vtp.events import Acked, Alive, Authenticated, Dead, Event, GraceOver, Nacked, Stray
from bridge.vtp.flight import Flight
from bridge.vtp.frames import FrameReader, Oversize, encode_frame, frame_prefix
from bridge.vtp.messages import Transport, parse_transport, write_transport
from bridge.vtp.settings import BroadcasterSettings

__all__ = ["BroadcasterConnection"]

_REASON_CHARS = 300
_MESSAGES_AT_ONCE = 256
# Five at once, then one in two seconds: a peer introduces itself once, or again when its filters change.
_INTRODUCTIONS_HZ = 0.5


class BroadcasterConnection:
    """State of one subscriber's connection.

    Parameters
    ----------
    settings
        Limits and timings.
    now
        Time of the connection, in Unix seconds, as all times given to the methods.
    """

    def __init__(self, settings: BroadcasterSettings, now: float) -> None:
        self.settings = settings
        self.flight = Flight()
        self.ivo: str | None = None
        self.filters: tuple[str, ...] = ()
        self.acked = 0
        self.nacked = 0
        self.sent = 0
        self.sent_bytes = 0
        self.dead: Dead | None = None
        self._frames = FrameReader(settings.max_message_bytes)
        self._acks = AckReader()
        self._out: list[bytes] = []
        self._serving = False
        self._grace_ends_at: float | None = now + settings.authenticate_grace_s
        self._next_iamalive_at = now + settings.iamalive_interval_s
        self._unanswered: list[float] = []
        self._strays = 0
        self._introductions = Allowance(_INTRODUCTIONS_HZ, now)
        self._out.append(encode_frame(write_transport("authenticate", settings.local_ivo, now)))

    @property
    def serving(self) -> bool:
        """Whether it is known who the peer is, or that it will not say: events may be sent."""
        return self._serving and self.dead is None

    @property
    def has_answered(self) -> bool:
        """Whether the peer has acknowledged or refused any event yet."""
        return bool(self.acked or self.nacked)

    @property
    def room(self) -> int:
        """How many events may be sent now."""
        window = self.settings.window
        if not self.has_answered:
            window = min(window, self.settings.first_window)
        return max(0, window - len(self.flight)) if self.serving else 0

    @property
    def next_tick_at(self) -> float:
        """When `tick` has something to do, at the earliest (Unix seconds)."""
        times = [self._next_iamalive_at]
        if self._grace_ends_at is not None:
            times.append(self._grace_ends_at)
        if self.flight.oldest_sent_at is not None:
            times.append(self.flight.oldest_sent_at + self.settings.ack_timeout_s)
        return min(times)

    def pieces_to_send(self) -> list[bytes]:
        """Bytes for the peer since the last call, in pieces as they are at hand."""
        pieces = self._out
        self._out = []
        return pieces

    def data_to_send(self) -> bytes:
        """Bytes for the peer since the last call."""
        return b"".join(self.pieces_to_send())

    def send(self, seq: int, ivorn: str, data: bytes, now: float) -> None:
        """Send one event; its place in the journal must be beyond those before.

        Raises
        ------
        RuntimeError
            When there is no room: the caller asks `room` first.
        """
        self.send_all((seq,), (ivorn,), (frame_prefix(data), data), len(data), now)

    def send_all(
        self, seqs: Sequence[int], ivorns: Sequence[str], pieces: Sequence[bytes], size: int, now: float
    ) -> None:
        """Send events that are framed already, as they are for all peers together.

        Parameters
        ----------
        seqs, ivorns
            Places, rising and beyond those before, and identifiers; at least one.
        pieces
            Frames in pieces.
        size
            Bytes of the events.

        Raises
        ------
        RuntimeError
            When there is not so much room.
        """
        if len(seqs) > self.room:
            raise RuntimeError("the peer has no room for another event")
        self.flight.sent(ivorns, seqs, now)
        self.sent += len(seqs)
        self.sent_bytes += size
        self._out += pieces

    def skip(self, seq: int) -> None:
        """Pass over an event that the peer does not get."""
        self.flight.skipped(seq)

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the peer. Whatever they are, this does not raise."""
        events: list[Event] = []
        frames = self._frames.feed(data, _MESSAGES_AT_ONCE)
        while frames and self.dead is None:
            self._read(frames, now, events)
            # What nobody will read is not even cut into messages: thousands of empty ones come at once.
            frames = self._frames.feed(b"", _MESSAGES_AT_ONCE) if len(frames) == _MESSAGES_AT_ONCE else []
        return events

    def _read(self, frames: Sequence[bytes | Oversize], now: float, events: list[Event]) -> None:
        at = 0
        while at < len(frames) and self.dead is None:
            acks = self._acks.leading(frames, at)
            if acks:
                events += self._acknowledged(acks)
                at += len(acks)
                continue
            frame = frames[at]
            at += 1
            if isinstance(frame, Oversize):
                events.append(
                    self._die(f"it announced a message of {frame.length} bytes, so it does not speak VTP")
                )
                break
            try:
                message = parse_transport(frame)
            except PacketError as error:
                events += self._overlook(f"it sent {error.reason}")
            else:
                events += self._take(message, now)

    def tick(self, now: float) -> list[Event]:
        """Do what is due by now."""
        events: list[Event] = []
        if self.dead is not None:
            return events
        if self._grace_ends_at is not None and now >= self._grace_ends_at:
            self._grace_ends_at = None
            self._serving = True
            events.append(GraceOver())
        oldest = self.flight.oldest_sent_at
        if oldest is not None and now >= oldest + self.settings.ack_timeout_s:
            waited = f"{now - oldest:.0f} s"
            events.append(self._die(f"it has not acknowledged {self.flight.oldest_ivorn} for {waited}"))
        elif now >= self._next_iamalive_at:
            events.extend(self._beat(now))
        return events

    def _beat(self, now: float) -> list[Event]:
        if len(self._unanswered) >= 2:
            return [self._die(f"it has not answered iamalive for {now - self._unanswered[0]:.0f} s")]
        self._unanswered.append(now)
        # After a long pause of the machine one message is enough.
        self._next_iamalive_at = now + self.settings.iamalive_interval_s
        self._out.append(encode_frame(write_transport("iamalive", self.settings.local_ivo, now)))
        return []

    def _take(self, message: Transport, now: float) -> list[Event]:
        if message.role == "authenticate":
            if self._introductions.spend(1, now) > now:
                return [self._die("it introduces itself again and again")]
            return self._authenticated(message)
        if message.role == "iamalive":
            if not self._unanswered:
                return self._overlook("it sent iamalive unasked")
            self._strays = 0
            self._unanswered.clear()
            return [Alive()]
        if message.role == "ack":
            return self._acknowledged([message.origin])
        (seq,) = self.flight.settle([message.origin])
        if seq is None:
            return self._unasked("nak", message.origin)
        self._strays = 0
        self.nacked += 1
        return [Nacked(message.origin, seq, (message.result or "no reason given")[:_REASON_CHARS])]

    def _acknowledged(self, ivorns: list[str]) -> list[Event]:
        places = self.flight.settle(ivorns)
        settled = tuple(seq for seq in places if seq is not None)
        self.acked += len(settled)
        if len(settled) == len(ivorns):
            self._strays = 0
            return [Acked(settled)]
        events: list[Event] = []
        for ivorn, seq in zip(ivorns, places, strict=True):
            if seq is not None:
                self._strays = 0
                events.append(Acked((seq,)))
                continue
            events += self._unasked("ack", ivorn)
            if self.dead is not None:
                break
        return events

    def _unasked(self, role: str, origin: str) -> list[Event]:
        return self._overlook(f"it sent {role} for '{origin[:_REASON_CHARS]}', which it had not to answer")

    def _authenticated(self, message: Transport) -> list[Event]:
        late = self._serving
        self._strays = 0
        self._serving = True
        self._grace_ends_at = None
        self.ivo = message.response[:_REASON_CHARS] if message.response else None
        self.filters = message.filters
        return [Authenticated(self.ivo, self.filters, late, message.since)]

    def _overlook(self, reason: str) -> list[Event]:
        self._strays += 1
        if self._strays > self.settings.max_strays:
            return [self._die(f"it sent {self._strays} senseless messages in a row; the last: {reason}")]
        return [Stray(reason, first=self._strays == 1)]

    def _die(self, reason: str) -> Dead:
        self.dead = Dead(reason)
        return self.dead
