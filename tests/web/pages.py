"""Asks a feed's HTTP port over strings, without a network, and reads the pages as a browser would."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from twisted.internet.address import IPv4Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from bridge.journal import Journal, NewEntry
from bridge.web import FeedStatus
from bridge.web.front import Front
from bridge.web.server import site
from tests.web.states import NOW, state

Answered = tuple[int, dict[str, str], bytes]


def digest_of(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def entry(ivorn: str, data: bytes = b"<x/>", role: str = "test", **others: object) -> NewEntry:
    values: dict = {"kind": "relayed", "digest": digest_of(data)} | others
    return NewEntry(ivorn=ivorn, data=data, role=role, **values)


@dataclass
class Asked:
    """A feed whose pages can be asked for; its clock stands still."""

    front: Front
    clock: Clock
    status: Callable[[], FeedStatus]

    def get(self, path: str, method: str = "GET", headers: str = "") -> Answered:
        """One request, as a browser of 1996 would send it."""
        made = site(self.status, self.front)
        made.doStart()
        transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 5000))
        protocol = made.buildProtocol(None)
        protocol.makeConnection(transport)
        protocol.dataReceived(f"{method} {path} HTTP/1.0\r\n{headers}\r\n".encode())
        head, _, body = transport.value().partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        answered = dict(line.lower().split(": ", 1) for line in lines[1:])
        protocol.connectionLost(None)
        made.doStop()
        # The desk rests as long as it worked; on this clock that is no time.
        self.clock.advance(0)
        return int(lines[0].split(" ")[1]), answered, body

    def page(self, path: str, code: int = 200) -> Page:
        found, headers, body = self.get(path)
        assert found == code, body.decode()
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in headers["content-security-policy"]
        return read_page(body)


@contextmanager
def asked(
    folder: Path, *entries: NewEntry, status: Callable[[], FeedStatus] = state, at: float = NOW - 60
) -> Iterator[Asked]:
    """A feed whose journal holds some events, published a minute before the status was taken."""
    path = folder / "feed.journal"
    with Journal.open(path, clock=lambda: at) as journal:
        journal.append(entries, {})
    clock = Clock()
    front = Front(status, path, maybeDeferred, clock, wall=lambda: NOW)
    yield Asked(front, clock, status)
    front.close()


@dataclass
class Page(HTMLParser):
    """What a browser makes of a page: text, elements with attributes, links."""

    words: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.elements if tag == "a"]


ALLOWED = frozenset(
    re.findall(
        r"\w+",
        "a body button circle code details div dd dl dt ellipse footer form g h1 h2 h3 head header html "
        "input label li link main meta nav noscript option p path pre rect script section select span strong "
        "summary svg table tbody td text th thead time title tr ul",
    )
)


def read_page(body: bytes) -> Page:
    """A page, after a look at whether anything in it could do harm."""
    page = Page()
    page.feed(body.decode())
    page.close()
    for tag, attributes in page.elements:
        assert tag in ALLOWED, tag
        assert not any(name.startswith("on") or name in ("style", "srcdoc") for name in attributes), (
            attributes
        )
        if tag == "script":
            assert attributes == {"src": "live.js", "defer": None}
        for name in ("href", "action"):
            target = attributes.get(name)
            if target is not None:
                assert target.startswith(("https://", "http://")) or ":" not in target.partition("?")[0], (
                    target
                )
    return page
