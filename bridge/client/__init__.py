"""VTP clients on plain sockets: sending events as an author."""

from __future__ import annotations

__all__: list[str] = []
