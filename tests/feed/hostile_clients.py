"""Hostile clients, in a process of their own: ``python -m tests.feed.hostile_clients BROADCAST RECEIVE``.

It reads words from standard input, one a line: ``all`` lets them loose, ``flood`` opens the 2,000 connections
as well. The end of the input ends it, once so much of each was tried (``LEAST``) that it counts; then it says
as JSON what was done. They come from addresses of their own (127.0.0.2 and up), so that the broker's log
tells them from others.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import resource
import socket
import struct
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

from bridge.vtp import encode_frame, write_transport
from bridge.vtp.frames import FrameReader

BROKER = "ivo://org.example/broker"
FLOOD, FLOOD_ADDRESSES = 2_000, ("127.0.0.2", "127.0.0.3")
FLOOD_BEYOND = 100
OTHERS = "127.0.0.4"
AUTHENTICATES = 10_000
# A machine with much else to do takes its time for that.
LEAST = {
    "garbage": 100,
    "nonsense": 50,
    "huge": 50,
    "specks": 20,
    "monsters": 40,
    "authenticates": 20,
    "catastrophic filters": 100,
    "connections": FLOOD + FLOOD_BEYOND,
}
PATIENCE_S = 120.0

TRANSPORT = b'<T:Transport xmlns:T="x" role="authenticate"><Origin>ivo://a/b</Origin>'
DEEP = b"<a>" * 30_000
WIDE = TRANSPORT + b"<a/>" * 24_000 + b"</T:Transport>"
MANY_FILTERS, TOO_MANY_FILTERS = (
    TRANSPORT
    + b"<Meta>"
    + b"".join(b'<Param name="xpath-filter" value="//a%d"/>' % number for number in range(count))
    + b"</Meta></T:Transport>"
    for count in (400, 2_000)
)
LAUGHS = (
    b'<!DOCTYPE l [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (step + 1, b"&a%d;" % step * 10) for step in range(10))
    + b"]><voe:VOEvent xmlns:voe='http://www.ivoa.net/xml/VOEvent/v2.0' role='&a10;' "
    + b"ivorn='ivo://a.b/c#d'>&a10;</voe:VOEvent>"
)
QUADRATIC = b'<!DOCTYPE l [<!ENTITY a "' + b"x" * 50_000 + b'">]><l>' + b"&a;" * 15_000 + b"</l>"
DIGITS = b'<T:Transport role="ack"><Origin>&#' + b"9" * 5_000 + b";</Origin></T:Transport>"
NESTED = TRANSPORT + b"<a>" * 300
MONSTERS = (DEEP, WIDE, NESTED, MANY_FILTERS, TOO_MANY_FILTERS, LAUGHS, QUADRATIC, DIGITS)

counts: Counter[str] = Counter()
numbers = itertools.count()
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(port: int, address: str = OTHERS, receive_buffer: int | None = None) -> Streams:
    plain = socket.socket()
    if receive_buffer is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.setblocking(False)
    plain.bind((address, 0))
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=plain, limit=1 << 12)


def hello(*filters: str) -> bytes:
    return encode_frame(write_transport("authenticate", BROKER, 0, filters=filters))


async def never_reads(port: int) -> None:
    _, writer = await connect(port, receive_buffer=4_096)
    writer.write(hello())
    await asyncio.Event().wait()


async def reads_a_byte_a_second(port: int) -> None:
    reader, writer = await connect(port, receive_buffer=4_096)
    writer.write(hello())
    while await reader.read(1):
        await asyncio.sleep(1)


async def hears(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(1 << 16):
            pass


async def sends(port: int, name: str, pieces: Iterator[bytes], pause_s: float) -> None:
    """Sends until it is disconnected, and comes again."""
    while True:
        reader, writer = await connect(port)
        ears = asyncio.ensure_future(hears(reader))
        with contextlib.suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                counts[name] += 1
                await writer.drain()
                await asyncio.sleep(pause_s)
                if ears.done():
                    break
        ears.cancel()
        writer.close()


def garbage() -> Iterator[bytes]:
    while True:
        yield struct.pack(">I", 50) + random.randbytes(random.randrange(200))


def nonsense() -> Iterator[bytes]:
    while True:
        yield encode_frame(random.randbytes(30))


def huge_lengths() -> Iterator[bytes]:
    yield from (struct.pack(">I", length) for length in itertools.cycle([0xFFFFFFFF, 0x7FFFFFFF, 100_000]))


def specks() -> Iterator[bytes]:
    """Thousands of empty messages, of four bytes each."""
    while True:
        yield bytes(1 << 16)


def monsters() -> Iterator[bytes]:
    yield from map(encode_frame, itertools.cycle(MONSTERS))


def authenticates() -> Iterator[bytes]:
    while True:
        yield hello("//Param", f"//Param[@value='{next(numbers)}']") * AUTHENTICATES


async def leaves_frames_half(port: int) -> None:
    reader, writer = await connect(port)
    writer.write(struct.pack(">I", 90_000) + b"<" * 45_000)
    await hears(reader)


def catastrophe() -> str:
    """An expression whose cost is the number of elements to the tenth power, each time another one."""
    text = f"count(//*) > {1000 + next(numbers)}"
    for _ in range(9):
        text = f"count(//*[{text}]) > 0"
    return text


async def filters_catastrophically(port: int) -> None:
    """Answers as one should; comes again with other expressions when its own are known to be too dear."""
    while True:
        reader, writer = await connect(port)
        counts["catastrophic filters"] += 20
        writer.write(hello(*(catastrophe() for _ in range(20))))
        frames = FrameReader()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(3):
                while data := await reader.read(1 << 16):
                    for frame in frames.feed(data):
                        if isinstance(frame, bytes) and b"VOEvent " in frame:
                            ivorn = frame.split(b'ivorn="')[1].split(b'"')[0].decode()
                            writer.write(encode_frame(write_transport("ack", ivorn, 0)))
        writer.close()


def flood(port: int, kept: list[socket.socket]) -> None:
    """Connections that say nothing and read nothing; then more than an address may have."""
    for number in range(FLOOD + FLOOD_BEYOND):
        address = FLOOD_ADDRESSES[number % len(FLOOD_ADDRESSES)]
        kept.append(socket.create_connection(("127.0.0.1", port), 20, (address, 0)))
    counts["connections"] = len(kept)


async def main(broadcast: int, receive: int) -> None:
    # In earnest they are on machines of their own.
    os.nice(19)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    every: list[Callable[[], Awaitable[None]]] = [
        *[lambda: never_reads(broadcast)] * 10,
        *[lambda: never_reads(receive)] * 10,
        *[lambda: reads_a_byte_a_second(broadcast)] * 10,
        *[lambda port=port: leaves_frames_half(port) for port in (broadcast, receive)] * 25,
        *[lambda port=port: sends(port, "garbage", garbage(), 0.01) for port in (broadcast, receive)] * 2,
        *[lambda port=port: sends(port, "nonsense", nonsense(), 0.02) for port in (broadcast, receive)],
        *[lambda port=port: sends(port, "huge", huge_lengths(), 0.1) for port in (broadcast, receive)] * 2,
        *[lambda port=port: sends(port, "specks", specks(), 0.1) for port in (broadcast, receive)],
        *[lambda port=port: sends(port, "monsters", monsters(), 0.1) for port in (broadcast, receive)] * 2,
        *[lambda: sends(broadcast, "authenticates", authenticates(), 0.1)] * 3,
        *[lambda: filters_catastrophically(broadcast)] * 5,
    ]
    tasks = set()
    kept: list[socket.socket] = []
    while word := (await lines.readline()).decode().strip():
        tasks |= {
            asyncio.ensure_future(start())
            for start in {"all": every, "flood": [lambda: asyncio.to_thread(flood, broadcast, kept)]}[word]
        }
        print(word, flush=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while any(counts[name] < least for name, least in LEAST.items()):
                await asyncio.sleep(0.1)
    failed = [repr(task.exception()) for task in tasks if task.done() and task.exception()]
    print(json.dumps({"failed": failed, **counts}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
