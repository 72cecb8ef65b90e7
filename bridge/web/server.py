"""The HTTP port of a feed: ``/health``, ``/status`` and ``/metrics``, to be read and nothing else.

Meant for the machine itself or a network that is trusted: who can reach it sees who subscribes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson
from twisted.internet.error import CannotListenError
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site

from bridge.errors import BridgeError, SourceError
from bridge.web.metrics import CONTENT_TYPE, render_metrics
from bridge.web.snapshot import FeedStatus

__all__ = ["listen", "site"]

_log = logging.getLogger(__name__)

_PLAIN = "text/plain; charset=utf-8"

_Answer = tuple[int, str, bytes]


def site(status: Callable[[], FeedStatus]) -> Site:
    """What a feed answers.

    Parameters
    ----------
    status
        Gives the state of the feed; called once for each request, in the reactor's thread.
    """

    def health() -> _Answer:
        now = status()
        text = "".join(f"{problem}\n" for problem in now.problems) or "ok\n"
        return (200 if now.healthy else 503), _PLAIN, text.encode()

    def document() -> _Answer:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return 200, "application/json", orjson.dumps(status().document(), option=options)

    def metrics() -> _Answer:
        return 200, CONTENT_TYPE, render_metrics(status())

    root = _Pages({b"/health": health, b"/status": document, b"/metrics": metrics})
    # Requests are asked every few seconds for years: they are not logged.
    made = Site(root, timeout=30, logFormatter=_no_line)  # type: ignore[no-untyped-call]
    made.noisy = False
    return made


def listen(status: Callable[[], FeedStatus], port: int, interface: str, reactor: Any) -> Any:
    """Answer on a TCP port; 0 takes a free one.

    Raises
    ------
    SourceError
        If the port is taken or may not be used.
    """
    try:
        return reactor.listenTCP(port, site(status), interface=interface)
    except CannotListenError as error:
        why = getattr(error.socketError, "strerror", None) or error.socketError
        raise SourceError(
            f"Port {port} of {interface or 'this machine'} cannot be opened for HTTP ({why}). "
            "Give another one with --http, or leave it out."
        ) from error


def _no_line(_timestamp: str, _request: object) -> str:
    return ""


class _Pages(Resource):
    """All there is: one answer for each path, and plain words for everything else."""

    isLeaf = True  # noqa: N815

    def __init__(self, answers: Mapping[bytes, Callable[[], _Answer]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._answers = answers

    def render(self, request: Request) -> bytes:
        code, kind, body = self._answer(request.method, request.path)
        request.setResponseCode(code)
        headers = cast("Any", request.responseHeaders)
        for name, value in (
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ):
            headers.setRawHeaders(name, [value])
        return body

    def _answer(self, method: bytes, path: bytes) -> _Answer:
        if method not in (b"GET", b"HEAD"):
            return 405, _PLAIN, b"This can be read (GET) and nothing else.\n"
        answer = self._answers.get(path)
        if answer is None:
            return 404, _PLAIN, b"There are /health, /status and /metrics.\n"
        try:
            return answer()
        except BridgeError as error:
            return 503, _PLAIN, f"{error}\n".encode()
        except Exception:
            # Twisted would show the traceback to whoever asks.
            _log.exception("The status cannot be given; this is a bug.")
            return 500, _PLAIN, b"The status cannot be given; the log of the feed says why.\n"
