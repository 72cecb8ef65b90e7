"""voevent-bridge: survey alerts (Avro) in, VOEvent 2.0 over VTP out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bridge import errors

if TYPE_CHECKING:
    from bridge.client.submit import submit
    from bridge.client.subscribe import subscribe
    from bridge.voevent.model import VOEvent

__all__ = ["VOEvent", "__version__", "errors", "submit", "subscribe"]

__version__ = "0.1.0"

# Loaded when it is asked for: a command that needs none of it starts without lxml.
_LAZY = {
    "VOEvent": "bridge.voevent.model",
    "submit": "bridge.client.submit",
    "subscribe": "bridge.client.subscribe",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'bridge' has no attribute {name!r}")
