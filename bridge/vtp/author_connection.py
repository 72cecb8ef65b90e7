"""The author's side of one VTP connection, without sockets or clocks: events go out, answers come in.

Answers name an identifier, and our own broker gives them in the order of the events. So an answer is matched
by its identifier first, and by its turn where no event under way has that one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bridge.errors import PacketError
from bridge.vtp.frames import FrameReader, Oversize, encode_frame, stranger_of
from bridge.vtp.messages import parse_transport

__all__ = ["Answer", "AuthorConnection"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a broker said of the event with this number; `reason` is empty where it gave none."""

    number: int
    accepted: bool
    reason: str


class AuthorConnection:
    """State of a connection to a broker that takes events."""

    def __init__(self) -> None:
        self._frames = FrameReader(1 << 20)
        self._waiting: deque[tuple[int, str]] = deque()
        self._out: list[bytes] = []

    @property
    def waiting(self) -> tuple[int, ...]:
        """Numbers of the events that have no answer yet, in the order in which they were sent."""
        return tuple(number for number, _ in self._waiting)

    def send(self, number: int, ivorn: str, data: bytes) -> None:
        """Send an event; its answer will bear the number."""
        self._waiting.append((number, ivorn))
        self._out.append(encode_frame(data))

    def data_to_send(self) -> bytes:
        """Bytes for the broker since the last call."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes) -> list[Answer]:
        """Take bytes from the broker.

        Raises
        ------
        PacketError
            When it does not speak VTP; the connection is of no more use.
        """
        answers: list[Answer] = []
        for frame in self._frames.feed(data):
            if isinstance(frame, Oversize):
                stranger = stranger_of(frame.length)
                raise PacketError(
                    f"it {stranger}"
                    if stranger
                    else f"it announced a message of {frame.length} bytes, so it does not speak VTP"
                )
            message = parse_transport(frame)
            if message.role in ("iamalive", "authenticate"):
                raise PacketError(
                    f"it sent {message.role}: this port serves subscribers; authors have another one (8098)"
                )
            number = self._settle(message.origin)
            if number is None:
                raise PacketError(f"it sent {message.role} although no event waits for an answer")
            reason = message.result or ""
            answers.append(Answer(number, message.role == "ack", reason))
        return answers

    def _settle(self, ivorn: str) -> int | None:
        for place, (number, sent) in enumerate(self._waiting):
            if sent == ivorn:
                del self._waiting[place]
                return number
        return self._waiting.popleft()[0] if self._waiting else None
