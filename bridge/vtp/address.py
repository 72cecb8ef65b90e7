"""Where a broker is: ``host``, ``host:port``, ``[::1]:port`` or ``vtp://host:port``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.errors import UsageError

__all__ = ["BROADCAST_PORT", "RECEIVE_PORT", "Address", "parse_address"]

BROADCAST_PORT = 8099
"""VTP's port for subscribers (Comet's default)."""

RECEIVE_PORT = 8098
"""VTP's port for authors (Comet's default)."""

_ADDRESS = re.compile(
    r"(?:vtp://)?(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s\[\]:/@?#]+))(?::(?P<port>\d{1,5}))?/?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address: a name or number, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str, default_port: int) -> Address:
    """Read an address as people write it.

    Raises
    ------
    UsageError
        If it is none.
    """
    match = _ADDRESS.fullmatch(text.strip())
    port = int(match["port"] or default_port) if match else 0
    if match is None or not 1 <= port <= 65_535:
        raise UsageError(
            f"{text!r} is no address of a broker; write host or host:port, for example "
            f"broker.example.org:{default_port}."
        )
    return Address(match["six"] or match["host"], port)
