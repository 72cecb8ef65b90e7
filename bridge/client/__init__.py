"""VTP clients on plain sockets: sending events as an author, and listening to a broker."""

from __future__ import annotations

__all__: list[str] = []
