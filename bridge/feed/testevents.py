"""Test events: a sign of life through the whole chain, as stock brokers send it.

The identifier is Comet's (the broker's own, ``#TestEvent-`` and the time), so that subscribers who look for
it find it. It is an event like any other: it is in the journal, and durable subscribers get it later.
"""

from __future__ import annotations

import hashlib
import time

from bridge import __version__
from bridge.journal import NewEntry
from bridge.voevent.xmltext import escape

__all__ = ["make_test_event"]


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
