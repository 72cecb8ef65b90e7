"""Test events: a sign of life through the whole chain, as stock brokers send it.

The identifier is Comet's (the broker's own, ``#TestEvent-`` and the time), so that subscribers who look for
it find it. It is an event like any other: it is in the journal, and durable subscribers get it later.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.threads import deferToThread

from bridge import __version__
from bridge.errors import SourceError
from bridge.feed.clockwork import Chore, Clockwork
from bridge.feed.writer import Writer
from bridge.journal import Appended, NewEntry
from bridge.voevent.xmltext import escape

__all__ = ["Heartbeat", "make_test_event"]

_log = logging.getLogger(__name__)


def make_test_event(local_ivo: str, at_unix_s: float) -> NewEntry:
    """A VOEvent 2.0 of role ``test``.

    Parameters
    ----------
    local_ivo
        The broker's identifier.
    at_unix_s
        Now, in Unix seconds; two test events of one second are one.
    """
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_unix_s))
    ivorn = f"{local_ivo}#TestEvent-{when}"
    author = escape(local_ivo)
    data = (
        b"<?xml version='1.0' encoding='UTF-8'?>\n"
        b'<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" '
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xsi:schemaLocation="http://www.ivoa.net/xml/VOEvent/v2.0 '
        b'http://www.ivoa.net/xml/VOEvent/VOEvent-v2.0.xsd" version="2.0" role="test" ivorn="'
        + escape(ivorn)
        + b'"><Who><AuthorIVORN>'
        + author
        + b"</AuthorIVORN><Date>"
        + when.encode()
        + b"</Date></Who><What><Description>Test event of the broker, made by voevent-bridge "
        + escape(__version__)
        + b".</Description></What></voe:VOEvent>\n"
    )
    return NewEntry(ivorn, data, "authored", hashlib.sha256(ivorn.encode()).digest(), "test")


class Heartbeat:
    """Publishes test events, each in its time.

    Parameters
    ----------
    local_ivo
        The broker's identifier.
    writer
        The journal's writer.
    note
        Called in another thread with what the journal says.
    reactor
        Twisted's reactor.
    """

    def __init__(
        self, local_ivo: str, writer: Writer, note: Callable[[Appended], None], reactor: Any
    ) -> None:
        self._local_ivo = local_ivo
        self._writer = writer
        self._note = note
        self._reactor = reactor
        self._clockwork = Clockwork([], reactor)

    def every(self, interval_s: float) -> None:
        """Have one so often from now on, in seconds; 0 for none."""
        self.stop()
        if interval_s:
            self._clockwork = Clockwork([Chore(lambda: deferToThread(self._beat), interval_s)], self._reactor)
            self._clockwork.start()

    def stop(self) -> None:
        """Have no more."""
        self._clockwork.stop()

    def _beat(self) -> None:
        try:
            appended = self._writer.append([make_test_event(self._local_ivo, time.time())])
        except SourceError as error:
            _log.error("%s There is no test event this time.", error)
        else:
            self._note(appended)
