"""The PROXY protocol, versions 1 and 2: a load balancer says in front of the first byte who connects.

Without sockets: bytes go in, the address comes out. The specification is HAProxy's ("The PROXY protocol",
2020/03/05). What is not to the letter is refused, because an address decides who is let in.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from dataclasses import dataclass

__all__ = ["NotProxied", "Proxied", "read_proxy_header"]

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V1_LONGEST = 107
_V2_HEAD = struct.Struct("!12sBBH")
_V2_LONGEST = 4_096
_V1 = re.compile(rb"PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})\r\n\Z")
_LENGTHS = {0x11: 4, 0x21: 16}


class NotProxied(Exception):  # noqa: N818 - an answer that the connection's owner acts on
    """The bytes do not begin with a header of the PROXY protocol."""


@dataclass(frozen=True, slots=True)
class Proxied:
    """What the header says.

    Parameters
    ----------
    host, port
        Who connects; None where the proxy speaks for itself (health checks) or does not know.
    size
        Bytes of the header.
    """

    host: str | None
    port: int
    size: int


def read_proxy_header(data: bytes) -> Proxied | None:
    """Read the header at the beginning of a connection.

    Parameters
    ----------
    data
        All that has come so far.

    Returns
    -------
    Proxied
        The header; None while it is not complete.

    Raises
    ------
    NotProxied
        If it is none.
    """
    if data[:12] == _SIGNATURE[: len(data)]:
        return _version_2(data)
    if data[:6] == b"PROXY "[: len(data)]:
        return _version_1(data)
    raise NotProxied("it does not begin with a PROXY header")


def _version_1(data: bytes) -> Proxied | None:
    end = data.find(b"\r\n", 0, _V1_LONGEST)
    if end < 0:
        if len(data) >= _V1_LONGEST:
            raise NotProxied("its PROXY header does not end")
        return None
    line = data[: end + 2]
    if line.startswith(b"PROXY UNKNOWN") and line[13:14] in (b" ", b"\r"):
        return Proxied(None, 0, len(line))
    match = _V1.match(line)
    if match is None:
        raise NotProxied("its PROXY header is malformed")
    family = 4 if match[1] == b"TCP4" else 6
    try:
        host = ipaddress.ip_address(match[2].decode("ascii"))
        ipaddress.ip_address(match[3].decode("ascii"))
    except ValueError:
        raise NotProxied("its PROXY header has no address") from None
    port = int(match[4])
    if host.version != family or port > 65_535 or int(match[5]) > 65_535:
        raise NotProxied("its PROXY header is malformed")
    return Proxied(str(host), port, len(line))


def _version_2(data: bytes) -> Proxied | None:
    if len(data) < _V2_HEAD.size:
        return None
    _, version_command, family, length = _V2_HEAD.unpack_from(data)
    command = version_command & 0x0F
    if version_command >> 4 != 2 or command > 1:
        raise NotProxied("its PROXY header is of a version that is not known")
    if length > _V2_LONGEST:
        raise NotProxied(f"its PROXY header has {length} bytes")
    size = _V2_HEAD.size + length
    if len(data) < size:
        return None
    width = _LENGTHS.get(family)
    if command == 0 or width is None:
        return Proxied(None, 0, size)
    if length < 2 * width + 4:
        raise NotProxied("its PROXY header is too short for its addresses")
    start = _V2_HEAD.size
    host = ipaddress.ip_address(data[start : start + width])
    (port,) = struct.unpack_from("!H", data, start + 2 * width)
    return Proxied(str(host), port, size)
