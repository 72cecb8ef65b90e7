"""The HTTP port of a feed: pages for people, and ``/health``, ``/status`` and ``/metrics`` for programs.

All of it is to be read, and nothing can be changed there. Meant for the machine itself or a network that is
trusted: who can reach it sees who subscribes.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from bridge.errors import BridgeError
from bridge.web.answer import Answer, text_answer
from bridge.web.front import Arguments, Front
from bridge.web.markup import file_bytes
from bridge.web.metrics import CONTENT_TYPE, render_metrics
from bridge.web.snapshot import FeedStatus

__all__ = ["site"]

_log = logging.getLogger(__name__)

_FILES = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

# Who says nothing for so long is disconnected, in seconds.
_IDLE_S = 30.0

Answering = Callable[[Arguments], "Answer | Deferred[Answer]"]


def site(
    status: Callable[[], FeedStatus], front: Front, released: Callable[[str], None] = lambda _: None
) -> Site:
    """What a feed answers.

    Parameters
    ----------
    status
        Gives the state of the feed; called once for each request, in the reactor's thread.
    front
        Makes the pages for people.
    released
        Called with the address of a visitor when its connection has ended.
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
    made = _Counted(root, timeout=_IDLE_S, logFormatter=_no_line)  # type: ignore[no-untyped-call]
    made.noisy = False
    made.released = released
    return made


def _no_line(_timestamp: str, _request: object) -> str:
    return ""


def _file(name: str, _: Arguments) -> Answer:
    return Answer(200, _FILES[name], file_bytes(name))


class _Counted(Site):
    """Says when a connection ends; Twisted's own does not."""

    released: Callable[[str], None]

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        """Called by Twisted for each connection."""
        protocol: Any = super().buildProtocol(addr)  # type: ignore[no-untyped-call]
        ended = protocol.connectionLost

        def connection_lost(reason: Failure) -> None:
            self.released(getattr(addr, "host", "?"))
            ended(reason)

        protocol.connectionLost = connection_lost
        return protocol


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
