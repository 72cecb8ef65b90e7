"""The subscriber's side of one VTP connection, without sockets or clocks.

Bytes and the time go in; events of the stream, and bytes to send, come out. It introduces itself when the
broker asks, answers signs of life, and knows when the broker has been silent for too long. An event is
acknowledged when its receiver says so, not before.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from bridge.errors import ConfigError, PacketError
from bridge.vtp.frames import FrameReader, Oversize, encode_frame, stranger_of
from bridge.vtp.messages import Transport, parse_transport, safe_parser, write_transport

__all__ = [
    "NO_GREETING",
    "Arrived",
    "Greeted",
    "Lost",
    "Odd",
    "StreamEvent",
    "SubscriberConnection",
    "SubscriberSettings",
]


NO_GREETING = ", not even a greeting; is this its port for subscribers, and does it want TLS?"
"""Goes behind what a broker did before it has ever spoken: brokers greet at once."""


@dataclass(frozen=True, slots=True)
class SubscriberSettings:
    """How to subscribe.

    Parameters
    ----------
    local_ivo
        Our identifier; None stays nameless, and no broker remembers us.
    filters
        XPath filters that the broker is asked to apply.
    silence_s
        A broker that has sent nothing for so long is given up; brokers send iamalive every minute.
    max_event_bytes
        Longest message taken. Brokers may send more than Comet takes (99,999 bytes), so this is generous.
    """

    local_ivo: str | None = None
    filters: tuple[str, ...] = ()
    silence_s: float = 120.0
    max_event_bytes: int = 4 << 20

    def __post_init__(self) -> None:
        if self.local_ivo is not None and not self.local_ivo.startswith("ivo://"):
            raise ConfigError(f"The identifier '{self.local_ivo}' must start with 'ivo://'.")


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event of the stream, byte for byte; acknowledge it by its identifier."""

    ivorn: str
    role: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Greeted:
    """The broker has asked who we are, and was told."""

    broker_ivo: str


@dataclass(frozen=True, slots=True)
class Odd:
    """Something that makes no sense here and is overlooked."""

    reason: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is of no more use: close it, and connect again later."""

    reason: str


StreamEvent = Arrived | Greeted | Odd | Lost


class SubscriberConnection:
    """State of a connection to a broker that sends events.

    Parameters
    ----------
    settings
        Who we are, and what we want.
    now
        Time of the connection, in Unix seconds, as all times given to the methods.
    since
        From where to be served, for brokers that understand it (`bridge.vtp.since`).
    """

    def __init__(self, settings: SubscriberSettings, now: float, since: str | None = None) -> None:
        self.settings = settings
        self.lost: Lost | None = None
        self.received = 0
        self.acked = 0
        self._since = since
        self._frames = FrameReader(settings.max_event_bytes)
        self._heard_at = now
        self._heard = False
        self._out: list[bytes] = []

    @property
    def next_tick_at(self) -> float:
        """When `tick` has something to do, at the earliest (Unix seconds)."""
        return self._heard_at + self.settings.silence_s

    def data_to_send(self) -> bytes:
        """Bytes for the broker since the last call."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes, now: float) -> list[StreamEvent]:
        """Take bytes from the broker. Whatever they are, this does not raise."""
        events: list[StreamEvent] = []
        if self.lost is not None:
            return events
        for frame in self._frames.feed(data):
            self._heard_at, self._heard = now, True
            if isinstance(frame, Oversize):
                stranger = stranger_of(frame.length)
                self.lost = Lost(
                    f"it {stranger} on this port"
                    if stranger
                    else f"it announced a message of {frame.length} bytes; at most "
                    f"{self.settings.max_event_bytes} are taken"
                )
                events.append(self.lost)
                break
            event = self._read(frame, now)
            if event is not None:
                events.append(event)
        return events

    def acknowledge(self, ivorn: str, now: float) -> None:
        """Tell the broker that an event has arrived, and needs not be sent again."""
        self.acked += 1
        self._out.append(encode_frame(write_transport("ack", ivorn, now, response=self.settings.local_ivo)))

    def _read(self, frame: bytes, now: float) -> StreamEvent | None:
        try:
            root = etree.fromstring(frame, parser=safe_parser())
        except (etree.XMLSyntaxError, ValueError):
            root = None
        if root is not None and etree.QName(root).localname == "VOEvent":
            ivorn = root.get("ivorn", "").strip()
            if not ivorn:
                return Odd("it sent a VOEvent without ivorn, which cannot be acknowledged", frame)
            self.received += 1
            return Arrived(ivorn, root.get("role", "observation"), frame)
        try:
            message = parse_transport(frame)
        except PacketError as error:
            return Odd(f"it sent {error.reason}", frame)
        return self._answer(message, now)

    def _answer(self, message: Transport, now: float) -> StreamEvent | None:
        ivo = self.settings.local_ivo
        if message.role == "iamalive":
            self._out.append(encode_frame(write_transport("iamalive", message.origin, now, response=ivo)))
            return None
        if message.role == "authenticate":
            reply = write_transport(
                "authenticate",
                message.origin,
                now,
                response=ivo,
                filters=self.settings.filters,
                since=self._since,
                # Comet writes Meta even when it is empty.
                meta=True,
            )
            self._out.append(encode_frame(reply))
            return Greeted(message.origin)
        return Odd(f"it sent {message.role}, which only subscribers send")

    @property
    def heard(self) -> bool:
        """Whether the broker has said anything at all."""
        return self._heard

    def end(self) -> str:
        """What it means that the broker has closed the connection, as a clause about it."""
        if self._heard:
            return "it has closed the connection"
        return f"it has closed the connection and said nothing{NO_GREETING}"

    def excuse(self, now: float) -> None:
        """Count the broker's silence from now on: until now it was we who did not read."""
        self._heard_at = now

    def tick(self, now: float) -> list[StreamEvent]:
        """Do what is due by now."""
        if self.lost is not None or now < self.next_tick_at:
            return []
        said = f"it has sent nothing for {now - self._heard_at:.0f} s"
        if not self._heard:
            said += NO_GREETING
        self.lost = Lost(said)
        return [self.lost]
