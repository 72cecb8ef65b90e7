"""What the fuzzer sends: real messages and events, damaged ones, noise, and false lengths, cut anywhere.

All of it comes from a seed, so that what was found can be found again.
"""

from __future__ import annotations

import itertools
import random
import struct
from collections.abc import Iterator, Sequence

from benchmarks.feed_events import make_events
from bridge.vtp import encode_frame, write_transport

__all__ = ["BROKER", "IVORNS", "NOW", "TOKENS", "Noise", "own_messages", "real_events"]

BROKER, PEER = "ivo://org.example/broker", "ivo://org.example/peer"
NOW = 1_770_000_000.0
IVORNS = tuple(f"ivo://org.example/stream#{number}" for number in range(40))

TOKENS = (
    b"<", b">", b"&", b"&amp;", b"&#0;", b"&#" + b"9" * 5_000 + b";", b"&#xD800;", b"]]>", b"<!--", b"-->",
    b"<![CDATA[", b"<?x?>", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b" " * 300, b"\xc3\xa9" * 100,
    b'<?xml version="1.0" encoding="UTF-16"?>', b'encoding="rot13"', b'xmlns:x="y"', b"<x:y/>",
    b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY y "&x;&x;">]>', b"&x;",
    b"<Meta>", b"</Meta>", b"<Origin>", b"</Origin>", b"<Result>no</Result>", b"<Transport ",
    b"<voe:VOEvent ", b'role="ack"', b'role="nak"', b'role=""', b'ivorn="ivo://a.b/c#d"', b'ivorn=""',
    b'<Param name="xpath-filter" value="//Param[@value &gt; 3]"/>',
    b'<Param name="xpath-filter" value="(((("/>',
    b'<Param name="since" value="seq:999999999999999999"/>',
    b'<Param name="since" value="0001-01-01T00:00+14:00"/>',
)  # fmt: skip
"""What parsers stumble over."""

_BOMB = (
    b'<!DOCTYPE l [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (step + 1, b"&a%d;" % step * 10) for step in range(10))
    + b"]><Transport role='&a10;'><Origin>&a10;</Origin></Transport>"
)
_MONSTERS = (
    b"<a>" * 20_000,
    b"<a " + b" ".join(b"b%d='c'" % number for number in range(2_000)) + b"/>",
    b'<T:Transport xmlns:T="x" role="ack">' + b"<a/>" * 5_000 + b"</T:Transport>",
    b"<" + b"a" * 60_000,
    b"&" * 50_000,
    _BOMB,
)
_LENGTHS = (0, 1, 3, 99_999, 100_000, 1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def own_messages() -> list[bytes]:
    """Every kind of Transport message, of all kinds of senders."""
    found = [write_transport("iamalive", BROKER, NOW), write_transport("authenticate", BROKER, NOW)]
    found.append(write_transport("iamalive", BROKER, NOW, response=PEER))
    for since in (None, "12h", "seq:7", "2026-11-21T07:30:00Z", IVORNS[0]):
        filters = ["//Param[@name='a']", "not("] if since else []
        found.append(
            write_transport("authenticate", BROKER, NOW, response=PEER, since=since, filters=filters)
        )
    for ivorn in IVORNS:
        found.append(write_transport("ack", ivorn, NOW, response=PEER))
        found.append(write_transport("nak", ivorn, NOW, response=PEER, result="no room & no time"))
    return found


def real_events(count: int) -> list[bytes]:
    """Events as brokers send them."""
    return [event.data for event in make_events(count, "fuzz")]


class Noise:
    """Makes frames, and cuts the stream of them anywhere.

    Parameters
    ----------
    seed
        The same seed gives the same bytes.
    messages, events
        What is sent whole, and damaged.
    """

    def __init__(self, seed: int, messages: Sequence[bytes], events: Sequence[bytes]) -> None:
        self.chance = random.Random(seed)
        self._messages = messages
        self._events = events

    def chunks(self, frames: int) -> Iterator[tuple[int, bytes]]:
        """So many frames as pieces of bytes, each with the number of frames that end in it."""
        chance = self.chance
        stream, ends = bytearray(), 0
        for number in range(frames):
            stream += self.frame()
            ends += 1
            if chance.random() < 0.6 and number < frames - 1:
                continue
            if chance.random() < 0.7:
                yield ends, bytes(stream)
            else:
                cuts = sorted(chance.randrange(len(stream) + 1) for _ in range(chance.randint(1, 3)))
                bounds = itertools.pairwise([0, *cuts, len(stream)])
                pieces = [bytes(stream[start:stop]) for start, stop in bounds]
                yield from ((0, piece) for piece in pieces[:-1])
                yield ends, pieces[-1]
            stream.clear()
            ends = 0

    def frame(self) -> bytes:
        """One frame, whatever it holds."""
        chance = self.chance
        draw = chance.random()
        if draw < 0.01:
            # From here on nothing is where it seems to be.
            return struct.pack(">I", chance.choice(_LENGTHS)) + chance.randbytes(chance.randrange(40))
        return encode_frame(self.payload(draw))

    def payload(self, draw: float) -> bytes:
        """One message; `draw` (0 to 1) says of which kind."""
        chance = self.chance
        if draw < 0.10:
            return chance.randbytes(int(chance.expovariate(1 / 40)))
        if draw < 0.101:
            return chance.choice(_MONSTERS)
        whole = chance.choice(self._messages if chance.random() < 0.8 else self._events)
        if draw < 0.5:
            return whole
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            self._damage(damaged)
        return bytes(damaged)

    def _damage(self, data: bytearray) -> None:
        chance = self.chance
        start = chance.randrange(len(data) + 1)
        length = int(chance.expovariate(1 / 12))
        match chance.randrange(6):
            case 0:
                data[start : start + length] = chance.randbytes(length)
            case 1:
                del data[start : start + length]
            case 2:
                data[start:start] = chance.choice(TOKENS)
            case 3:
                data[start : start + length] = chance.choice(TOKENS)
            case 4:
                data[start:start] = data[start : start + 20 * length]
            case _:
                data[start:] = chance.choice(self._messages)[start:]
