"""The HTTP port of a feed: pages for people, and ``/health``, ``/status`` and ``/metrics`` for programs.

All of it is to be read, and nothing can be changed there. Meant for the machine itself or a network that is
trusted: who can reach it sees who subscribes.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import orjson
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from bridge.errors import BridgeError, SourceError
from bridge.web.answer import Answer, text_answer
from bridge.web.front import Arguments, Front
from bridge.web.markup import file_bytes
from bridge.web.metrics import CONTENT_TYPE, render_metrics
from bridge.web.snapshot import FeedStatus

__all__ = ["listen", "site"]

_log = logging.getLogger(__name__)

_FILES = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

Answering = Callable[[Arguments], "Answer | Deferred[Answer]"]


def site(status: Callable[[], FeedStatus], front: Front) -> Site:
    """What a feed answers.

    Parameters
    ----------
    status
        Gives the state of the feed; called once for each request, in the reactor's thread.
    front
        Makes the pages for people.
    """

    def health(_: Arguments) -> Answer:
        now = status()
        text = "".join(f"{problem}\n" for problem in now.problems) or "ok\n"
        return text_answer(text, 200 if now.healthy else 503)

    def document(_: Arguments) -> Answer:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return Answer(200, "application/json", orjson.dumps(status().document(), option=options))

    def metrics(_: Arguments) -> Answer:
        return Answer(200, CONTENT_TYPE, render_metrics(status()))

    answers: dict[str, Answering] = {
        "": front.feed,
        "events": front.events,
        "event": front.event,
        "event.xml": front.packet,
        "health": health,
        "status": document,
        "metrics": metrics,
        **{name: functools.partial(_file, name) for name in _FILES},
    }
    root = _Pages({f"/{name}".encode(): answer for name, answer in answers.items()})
    # Requests are asked every few seconds for years: they are not logged.
    made = Site(root, timeout=30, logFormatter=_no_line)  # type: ignore[no-untyped-call]
    made.noisy = False
    return made


def listen(status: Callable[[], FeedStatus], journal: Path, port: int, interface: str, reactor: Any) -> Any:
    """Answer on a TCP port; 0 takes a free one.

    Parameters
    ----------
    status
        Gives the state of the feed; called in the reactor's thread.
    journal
        The file of its journal, in which events are looked up.
    port, interface
        Where to listen.
    reactor
        Twisted's reactor.

    Raises
    ------
    SourceError
        If the port is taken or may not be used.
    """
    front = Front(status, journal, deferToThread, reactor)
    try:
        opened = reactor.listenTCP(port, site(status, front), interface=interface)
    except CannotListenError as error:
        why = getattr(error.socketError, "strerror", None) or error.socketError
        raise SourceError(
            f"Port {port} of {interface or 'this machine'} cannot be opened for HTTP ({why}). "
            "Give another one with --http, or leave it out."
        ) from error
    # When its threads have ended.
    reactor.addSystemEventTrigger("after", "shutdown", front.close)
    return opened


def _no_line(_timestamp: str, _request: object) -> str:
    return ""


def _file(name: str, _: Arguments) -> Answer:
    return Answer(200, _FILES[name], file_bytes(name))


class _Pages(Resource):
    """All there is: one answer for each path, and plain words for everything else."""

    isLeaf = True  # noqa: N815

    def __init__(self, answers: Mapping[bytes, Answering]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._answers = answers

    def render(self, request: Request) -> Any:
        """Called by Twisted for each request."""
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)

        def finish(answer: Answer) -> None:
            if not gone:
                _write(request, answer)

        answer: Deferred[Answer] = maybeDeferred(cast("Any", self._answer), request)
        answer.addErrback(_explained).addCallback(finish)
        return NOT_DONE_YET

    def _answer(self, request: Request) -> Answer | Deferred[Answer]:
        if request.method not in (b"GET", b"HEAD"):
            return text_answer("This can be read (GET) and nothing else.\n", 405)
        answer = self._answers.get(request.path)
        if answer is None:
            says = "There are the pages / and /events; /health, /status and /metrics for programs.\n"
            return text_answer(says, 404)
        return answer(request.args or {})


def _write(request: Any, answer: Answer) -> None:
    packed = answer.packed is not None and b"gzip" in (request.getHeader(b"accept-encoding") or b"")
    body = cast("bytes", answer.packed) if packed else answer.body
    request.setResponseCode(answer.code)
    headers = {
        "content-type": answer.kind,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **({"content-encoding": "gzip"} if packed else {}),
        **({"vary": "accept-encoding"} if answer.packed is not None else {}),
        **dict(answer.headers),
    }
    for name, value in headers.items():
        request.responseHeaders.setRawHeaders(name.encode(), [value.encode()])
    if request.method != b"HEAD":
        request.write(body)
    request.finish()


def _explained(failure: Failure) -> Answer:
    if isinstance(failure.value, BridgeError):
        return text_answer(f"{failure.value}\n", 503)
    # Twisted would show the traceback to whoever asks.
    _log.error("This cannot be shown; that is a bug.", exc_info=failure.value)
    return text_answer("This cannot be shown; the log of the feed says why.\n", 500)
