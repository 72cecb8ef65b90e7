"""Writing past the reactor, on Twisted's own descriptor with a socket that takes what a test lets it."""

from __future__ import annotations

from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IPushProducer
from twisted.internet.testing import StringTransport
from zope.interface import implementer

from bridge.vtp.prompt import PromptProducer


class Loop:
    """As much of a reactor as a descriptor needs to be told that it may write."""

    def __init__(self) -> None:
        self.writers: set[FileDescriptor] = set()

    def addWriter(self, writer: FileDescriptor) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: FileDescriptor) -> None:
        self.writers.remove(writer)


class Socket(FileDescriptor):
    """Takes at most so many bytes at a time."""

    def __init__(self, takes: int) -> None:
        self.loop = Loop()
        super().__init__(self.loop)
        self.connected = 1
        self.takes = takes
        self.wire = b""
        self.lost = False

    def writeSomeData(self, data: bytes) -> int | Exception:
        if self.lost:
            return ConnectionLost()
        taken = bytes(data[: self.takes])
        self.takes -= len(taken)
        self.wire += taken
        return len(taken)


@implementer(IPushProducer)
class Producer:
    def __init__(self) -> None:
        self.said: list[str] = []

    def pauseProducing(self) -> None:
        self.said.append("pause")

    def resumeProducing(self) -> None:
        self.said.append("resume")

    def stopProducing(self) -> None:
        self.said.append("stop")


def connected(takes: int) -> tuple[Socket, Producer, PromptProducer]:
    socket, producer = Socket(takes), Producer()
    socket.registerProducer(producer, True)
    return socket, producer, PromptProducer(socket)


def test_what_the_socket_takes_needs_no_reactor() -> None:
    socket, producer, writer = connected(takes=100)
    writer.write([b"one"])
    writer.write([b", ", b"two"])
    assert (socket.wire, socket.loop.writers, producer.said) == (b"one, two", set(), [])


def test_who_does_not_take_all_is_sent_no_more_until_it_has() -> None:
    socket, producer, writer = connected(takes=5)
    writer.write([b"abc", b"def"])
    assert (socket.wire, producer.said) == (b"abcde", ["pause"])
    writer.write([b"ghi"])
    assert socket.wire == b"abcde", "in the order of the calls"
    socket.takes = 2
    socket.doWrite()
    assert (socket.wire, producer.said) == (b"abcdefg", ["pause"])
    socket.takes = 100
    socket.doWrite()
    assert (socket.wire, producer.said) == (b"abcdefghi", ["pause", "resume"])
    assert not socket.loop.writers
    writer.write([b"j"])
    assert socket.wire == b"abcdefghij", "promptly again"


def test_a_lost_connection_is_left_for_the_reactor_to_find() -> None:
    socket, producer, writer = connected(takes=5)
    socket.lost = True
    writer.write([b"abc"])
    assert socket.loop.writers == {socket}
    assert isinstance(socket.doWrite(), ConnectionLost)
    assert producer.said == ["pause"]


def test_what_is_no_socket_is_written_to_in_its_own_way() -> None:
    transport = StringTransport()
    PromptProducer(transport).write([b"a", b"b"])
    assert transport.value() == b"ab"
