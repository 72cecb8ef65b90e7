"""Whatever happens in whatever order: a durable subscriber misses nothing, and memory changes no answer."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.vtp import BroadcasterSettings, FrameReader, encode_frame
from bridge.vtp.messages import write_transport
from bridge.vtp.pages import RecentPages
from bridge.vtp.server import Broadcaster

BROKER = "ivo://org.example/broker"


@dataclass(frozen=True)
class Logged:
    seq: int
    ivorn: str
    data: bytes


class Log:
    """A log in a list; its places have gaps, as retention leaves them."""

    def __init__(self) -> None:
        self.events: list[Logged] = []
        self.places: dict[str, int] = {}

    def grow(self, count: int, step: int) -> None:
        for _ in range(count):
            seq = self.last_seq() + step
            self.events.append(Logged(seq, f"ivo://a/b#{seq}", b'<voe:VOEvent ivorn="ivo://a/b#%d"/>' % seq))

    def read(self, after: int, limit: int = 100, max_bytes: int = 1 << 20) -> list[Logged]:
        found, size = [], 0
        for event in [event for event in self.events if event.seq > after][:limit]:
            found.append(event)
            size += len(event.data)
            if size >= max_bytes:
                break
        return found

    def last_seq(self) -> int:
        return self.events[-1].seq if self.events else 0

    def first_kept_seq(self) -> int | None:
        return self.events[0].seq if self.events else None

    def seq_at(self, time_unix_s: float) -> int:
        return 0

    def cursor(self, subscriber_ivo: str) -> int | None:
        return self.places.get(subscriber_ivo)


@settings(max_examples=150)
@given(
    st.integers(0, 400),
    st.integers(1, 9),
    st.lists(
        st.tuples(st.just("grow"), st.integers(1, 20), st.integers(1, 3))
        | st.tuples(st.just("read"), st.integers(0, 3), st.integers(1, 9)),
        max_size=40,
    ),
)
def test_readers_at_any_place_get_each_event_once_and_in_order(memory: int, read_events: int, steps) -> None:
    log = Log()
    log.grow(5, 1)
    pages = RecentPages(log, memory, read_events=read_events)
    places = [0, 3, 5, 5]
    got: list[list[int]] = [[], [], [], []]
    starts = list(places)
    for action, first, second in [*steps, *[("read", n, 50) for n in range(4)] * 20]:
        if action == "grow":
            log.grow(first, second)
            pages.refresh()
        else:
            new = pages.read(places[first], second, 200)
            assert len(new) <= second
            assert b"".join(new.pieces) == b"".join(encode_frame(event.data) for event in new)
            got[first] += new.seqs
            places[first] = new.seqs[-1] if new else places[first]
    for start, seqs, place in zip(starts, got, places, strict=True):
        assert seqs == [event.seq for event in log.events if start < event.seq <= place]
    last_page = pages.read(log.last_seq(), 10, 10)
    assert not last_page
    assert pages.held_bytes <= max(memory, max(len(event.data) for event in log.events))


@settings(max_examples=150)
@given(
    st.integers(0, 400),
    st.integers(1, 9),
    st.lists(
        st.tuples(st.just("grow"), st.integers(1, 20), st.integers(1, 3))
        | st.tuples(st.just("tell"), st.integers(0, 3), st.just(0))
        | st.tuples(st.just("read"), st.integers(0, 3), st.integers(1, 9)),
        max_size=40,
    ),
)
def test_readers_who_are_told_late_what_is_new_get_each_event_once_and_in_order(
    memory: int, read_events: int, steps
) -> None:
    log = Log()
    log.grow(5, 1)
    pages = RecentPages(log, memory, read_events=read_events)
    places = [0, 3, 5, 5]
    got: list[list[int]] = [[], [], [], []]
    starts, told = list(places), log.last_seq()
    untold: list[int] = []

    def read(number: int, limit: int) -> None:
        new = pages.read(places[number], limit, 200)
        got[number] += new.seqs
        places[number] = new.seqs[-1] if new else places[number]

    def tell(with_events: bool) -> None:
        nonlocal told
        if untold:
            upto = untold.pop(0)
            if with_events:
                pages.grow([event for event in log.events if told < event.seq <= upto])
            else:
                pages.refresh()
            told = upto

    for action, first, second in steps:
        if action == "grow":
            log.grow(first, second)
            untold.append(log.last_seq())
        elif action == "tell":
            # One commit in four comes when nobody listens.
            tell(first > 0)
        else:
            read(first, second)
    while untold:
        tell(True)
    for number in range(4):
        while places[number] < log.last_seq():
            before = places[number]
            read(number, 50)
            assert places[number] > before
    for start, seqs in zip(starts, got, strict=True):
        assert seqs == [event.seq for event in log.events if event.seq > start]
    assert pages.held_bytes <= max(memory, max(len(event.data) for event in log.events))


def test_who_listens_live_reads_nothing_from_the_log() -> None:
    log = Log()
    pages = RecentPages(log, 10_000)
    assert not pages.read(0, 10, 10_000)
    before = pages.reads
    for _ in range(5):
        head = log.last_seq()
        log.grow(20, 1)
        pages.grow([event for event in log.events if event.seq > head])
        assert len(pages.read(head, 50, 10_000)) == 20
        assert not pages.read(log.last_seq(), 50, 10_000)
    assert pages.reads == before


class Subscriber:
    """A durable subscriber that comes, goes, and acknowledges as it likes."""

    IVO = "ivo://org.example/peer"

    def __init__(self) -> None:
        self.owed: list[int] = []
        self.got: list[int] = []
        self.acked: set[int] = set()
        self.protocol = None

    def come(self, broadcaster: Broadcaster) -> None:
        self.transport = StringTransport()
        self.frames = FrameReader()
        self.protocol = broadcaster.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        self.say(write_transport("authenticate", BROKER, 0, response=self.IVO))

    def say(self, payload: bytes) -> None:
        self.protocol.dataReceived(encode_frame(payload))

    def take(self) -> None:
        for frame in self.frames.feed(self.transport.value()):
            if isinstance(frame, bytes) and b":VOEvent" in frame:
                seq = int(frame.split(b"#")[1].split(b'"')[0])
                self.owed.append(seq)
                self.got.append(seq)
        self.transport.clear()

    def ack(self, index: int) -> None:
        if self.owed:
            seq = self.owed.pop(index % len(self.owed))
            self.acked.add(seq)
            self.say(write_transport("ack", f"ivo://a/b#{seq}", 0))

    def go(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionError()))
        self.protocol = None
        self.owed.clear()


STEPS = st.lists(
    st.tuples(st.sampled_from(["grow", "ack", "ack", "ack", "leave", "crash", "second"]), st.integers(0, 9)),
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(1, 5))
def test_a_durable_subscriber_misses_nothing_through_disconnections_and_crashes(steps, window: int) -> None:
    clock, log, peer = Clock(), Log(), Subscriber()
    options = BroadcasterSettings(local_ivo=BROKER, window=window, page_events=3, durable_max_age_s=None)

    def start() -> Broadcaster:
        return Broadcaster(log, options, save_cursors=log.places.update, clock=clock)

    def settle() -> None:
        for _ in range(6):
            clock.advance(0)
        if peer.protocol is not None:
            peer.take()

    broadcaster = start()
    peer.come(broadcaster)
    clock.advance(1)
    for action, number in steps:
        if action == "grow":
            log.grow(number, 1 + number % 2)
            broadcaster.wake()
        elif action == "ack":
            peer.ack(number)
        elif action == "second":
            clock.advance(1)
        else:
            before = len(peer.got)
            peer.go()
            if action == "crash":
                clock = Clock()
                broadcaster = start()
            peer.come(broadcaster)
            settle()
            # It is never sent again what lies before the place that was saved.
            assert all(seq > log.places.get(peer.IVO, 0) for seq in peer.got[before:])
        settle()
    while peer.owed:
        peer.ack(0)
        settle()
    missing = [event.seq for event in log.events if event.seq not in peer.acked]
    assert missing == []
