"""Asks a feed how it is, over its HTTP port."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import orjson

from bridge.errors import SourceError, UsageError

__all__ = ["DEFAULT_PORT", "read_status", "url_of"]

DEFAULT_PORT = 8097

# Far above what a thousand subscribers need.
_MOST_BYTES = 16 << 20


def url_of(target: str | None) -> str:
    """The URL of a feed's status.

    Parameters
    ----------
    target
        ``host``, ``host:port``, ``:port`` or an ``http(s)://`` URL; None for this machine.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    text = target or f"127.0.0.1:{DEFAULT_PORT}"
    if text.startswith(":"):
        text = f"127.0.0.1{text}"
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urllib.parse.urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        raise UsageError(
            f"'{text}' is no address of a feed; give HOST:PORT or a URL such as http://host:8097."
        )
    place = parts.netloc if port or "://" in text else f"{parts.netloc}:{DEFAULT_PORT}"
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{place}{path if path.endswith('/status') else path + '/status'}"


def read_status(url: str, timeout_s: float = 10.0) -> dict[str, Any]:
    """The status document of a feed.

    Raises
    ------
    SourceError
        If nobody answers in time, or the answer is no status of a feed.
    """
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            document = orjson.loads(answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        text = error.read(500).decode(errors="replace").strip()
        raise SourceError(f"{url} answers with status {error.code}: {text or error.reason}") from None
    except http.client.HTTPException:
        raise SourceError(f"What answers at {url} does not speak HTTP; give the port of --http.") from None
    except OSError as error:
        why = getattr(error, "reason", None) or error
        raise SourceError(
            f"No feed answers at {url} ({getattr(why, 'strerror', None) or why}). It may not run, or have no "
            "HTTP port: give it one with --http, or [http] port in its configuration."
        ) from None
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or not {"healthy", "problems", "broadcast"} <= document.keys():
        raise SourceError(f"What answers at {url} is no feed of voevent-bridge.")
    return document
