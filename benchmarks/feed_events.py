"""The events that the feed's benchmark sends: real VOEvents under new identifiers, as many as are wanted.

Both sides make them anew from the same rule, so a subscriber knows every byte that has to come.
"""

from __future__ import annotations

import itertools
import os
import re
import tarfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from bridge.errors import PacketError
from bridge.voevent.acceptance import examine

__all__ = ["BenchEvent", "make_events", "origin_of_events"]

_IVORN = re.compile(rb"""(<(?:\w+:)?VOEvent\s[^>]*?\bivorn=["'])([^"'&]*)(["'])""", re.DOTALL)
# Spread over all streams and years; each of them is examined as brokers do, which takes a while.
_EVERY = 8
# What a broker of the field refuses or cannot name is no part of a comparison of speeds.
_PLAIN = re.compile(rb"ivo://[a-z][a-z0-9.]{2,}/[A-Za-z0-9./_-]+#[A-Za-z0-9._:+-]+\Z")


class BenchEvent(NamedTuple):
    """One event: its identifier, and its bytes."""

    ivorn: str
    data: bytes


def make_events(count: int, tag: str) -> list[BenchEvent]:
    """So many events, no two alike, from the real ones in turn.

    Parameters
    ----------
    tag
        Part of every identifier: events of another tag are other events.
    """
    templates = itertools.cycle(_templates()[0])
    events = []
    for number, (head, ivorn, tail) in zip(range(count), templates, strict=False):
        name = b"%s.%s%d" % (ivorn, tag.encode(), number)
        events.append(BenchEvent(name.decode(), head + name + tail))
    return events


def origin_of_events() -> str:
    """What the events are made of, in words."""
    templates, words = _templates()
    mean = sum(map(len, itertools.chain.from_iterable(templates))) / len(templates)
    return f"{words}, {mean:.0f} bytes on average, each time under another identifier"


@lru_cache(maxsize=1)
def _templates() -> tuple[list[tuple[bytes, bytes, bytes]], str]:
    found = []
    for data in itertools.islice(_real_events(), None, None, _EVERY):
        match = _IVORN.search(data)
        if match and _PLAIN.match(match[2]) and _is_taken(data):
            found.append((data[: match.start(2)], match[2], data[match.end(2) :]))
    if found:
        return found, f"{len(found)} real VOEvents"
    return [_made_up()], "one made-up VOEvent (no real ones at hand: set SHARED_DATA)"


def _is_taken(data: bytes) -> bool:
    try:
        examine(data)
    except PacketError:
        return False
    return True


def _real_events() -> Iterator[bytes]:
    given = os.environ.get("SHARED_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    sample = folder / "voevents" / "sample-2014-2016.tar.gz"
    if not sample.is_file():
        return
    with tarfile.open(sample) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                yield file.read()


def _made_up() -> tuple[bytes, bytes, bytes]:
    params = b"".join(b'<Param name="p%d" value="%d" unit="mag" ucd="phot.mag"/>' % (n, n) for n in range(56))
    head = (
        b"<?xml version='1.0' encoding='UTF-8'?>\n"
        b'<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test" ivorn="'
    )
    tail = (
        b'"><Who><AuthorIVORN>ivo://org.example/author</AuthorIVORN>'
        b"<Date>2026-01-01T00:00:00</Date></Who><What>" + params + b"</What></voe:VOEvent>\n"
    )
    return head, b"ivo://org.example/bench#e", tail
