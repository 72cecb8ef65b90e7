"""VTP's Transport messages (VTP 2.0, sections 3 and 4): read tolerantly, written exactly.

Reading has to take what stock clients really send: pygcn uses another namespace and local time, and
puts an IVORN unescaped into its acknowledgement, so that it is no XML at all. Writing fills byte
templates: two acknowledgements a millisecond must not cost an element tree each.
"""

from __future__ import annotations

import html
import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Literal, cast

from lxml import etree

from bridge.errors import PacketError
from bridge.vtp.since import SINCE_PARAM

__all__ = [
    "FILTER_PARAM",
    "TRANSPORT_NAMESPACE",
    "Role",
    "Transport",
    "parse_transport",
    "safe_parser",
    "write_ack",
    "write_transport",
]

Role = Literal["iamalive", "authenticate", "ack", "nak"]

TRANSPORT_NAMESPACE = "http://www.telescope-networks.org/xml/Transport/v1.1"
FILTER_PARAM = "xpath-filter"

_ROLES = ("iamalive", "authenticate", "ack", "nak")
_HEAD = (
    "<?xml version='1.0' encoding='UTF-8'?>\n"
    f'<trn:Transport xmlns:trn="{TRANSPORT_NAMESPACE}" version="1.0" role="%s">'
    "<Origin>%s</Origin>%s<TimeStamp>%s</TimeStamp>%s</trn:Transport>"
)
# Characters that XML cannot hold, not even as references (XML 1.0, section 2.2).
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Four are usual, and two dozen filters: what lies behind so many is not looked at, for each costs time.
_MOST_CHILDREN = 200
# A tree of twenty thousand elements takes a parser several milliseconds, for which all others would wait.
_MOST_TAGS = 500
# Markup, blanks before it (which no parser likes), and the marks of byte order.
_XML_BEGINNINGS = (b"<", b" ", b"\t", b"\r", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SHOWN_BYTES = 12
# Printable ASCII but for ``&``, ``<`` and ``>``: most identifiers, which XML holds as they are.
_PLAIN = re.compile("[ -%'-;=?-~]*")
# Not by xml.sax.saxutils: it imports all of HTTP and e-mail, which every process would wait for at its start.
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE = _IN_TEXT | str.maketrans({"\n": "&#10;", "\t": "&#9;"})
_SALVAGE_ROOT = re.compile(r"<(?:[\w.-]+:)?Transport\s[^<]*?\brole\s*=\s*[\"'](\w+)[\"']", re.ASCII)


@dataclass(frozen=True, slots=True)
class Transport:
    """One Transport message.

    Parameters
    ----------
    role
        What it is.
    origin
        Broker's identifier (iamalive, authenticate) or the event's IVORN (ack, nak).
    response
        Identifier of the one who answers; None in a broker's own message and from nameless subscribers.
    filters
        XPath filters of a subscriber's answer to authenticate.
    since
        From where it wants to be served (`bridge.vtp.since`); None when it does not say.
    result
        Reason of a nak, or text of an ack.
    exact
        False when the message was no XML and its parts were found by their tags.
    """

    role: Role
    origin: str
    response: str | None = None
    filters: tuple[str, ...] = ()
    result: str | None = None
    exact: bool = True
    since: str | None = None


def safe_parser() -> etree.XMLParser:
    """An XML parser that fetches nothing, expands nothing and refuses trees of absurd size."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )


def parse_transport(payload: bytes) -> Transport:
    """Read a message from a peer.

    Parameters
    ----------
    payload
        One frame's content; the frame reader has bounded its length.

    Raises
    ------
    PacketError
        When it is no Transport message of a known role.
    """
    tags = payload.count(b"<")
    if tags > _MOST_TAGS:
        raise PacketError(f"a message of {tags} tags; more than {_MOST_TAGS} are not read")
    if not payload.startswith(_XML_BEGINNINGS) and b"Transport" not in payload:
        # Noise needs no parser to be known as such, and comes as fast as the network brings it.
        raise PacketError(f"not XML (it begins with {payload[:_SHOWN_BYTES]!r})")
    try:
        root = etree.fromstring(payload, parser=safe_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        salvaged = _salvage(payload)
        if salvaged is None:
            raise PacketError(f"not XML ({error})") from None
        return salvaged
    if root.getroottree().docinfo.internalDTD is not None:
        raise PacketError("a message with a document type, which VTP does not have")
    name = etree.QName(root).localname
    if name != "Transport":
        raise PacketError(f"a {name} where a Transport message belongs")
    role = root.get("role")
    if role not in _ROLES:
        raise PacketError(f"a Transport message of unknown role '{role}'")
    children = list(_elements(root))
    texts = {etree.QName(child).localname: (child.text or "").strip() for child in children}
    filters, since, result = _meta(children)
    return Transport(
        role=cast("Role", role),
        origin=texts.get("Origin", ""),
        response=texts.get("Response") or None,
        filters=filters,
        result=result,
        since=since,
    )


def _elements(parent: etree._Element) -> Iterator[etree._Element]:
    return (child for child in islice(parent, _MOST_CHILDREN) if isinstance(child.tag, str))


def _meta(children: Sequence[etree._Element]) -> tuple[tuple[str, ...], str | None, str | None]:
    filters: list[str] = []
    since: str | None = None
    result: str | None = None
    for meta in children:
        if etree.QName(meta).localname != "Meta":
            continue
        for child in _elements(meta):
            name = etree.QName(child).localname
            if name == "Param" and child.get("name") == FILTER_PARAM:
                filters.append(child.get("value") or "")
            elif name == "Param" and child.get("name") == SINCE_PARAM:
                since = (child.get("value") or "").strip()
            elif name == "filter" and child.get("type") == "xpath":
                # Comet's form before version 2; Comet still reads it.
                filters.append(child.text or "")
            elif name == "Result":
                result = (child.text or "").strip()
    return tuple(text for text in filters if text.strip()), since or None, result or None


def _salvage(payload: bytes) -> Transport | None:
    text = payload.decode("utf-8", "replace")
    root = _SALVAGE_ROOT.search(text)
    if root is None or root[1] not in _ROLES:
        return None
    body = text[root.end() :]
    origin = _between(body, "Origin")
    if not origin:
        return None
    return Transport(
        role=cast("Role", root[1]),
        origin=origin,
        response=_between(body, "Response"),
        result=_between(body, "Result"),
        exact=False,
    )


def _between(text: str, tag: str) -> str | None:
    inner = text.partition(f"<{tag}>")[2].partition(f"</{tag}>")
    try:
        return html.unescape(inner[0]).strip() or None if inner[1] else None
    except ValueError:
        # A character reference of thousands of digits, which Python reads as no number.
        return None


def write_transport(
    role: Role,
    origin: str,
    now: float,
    *,
    response: str | None = None,
    filters: Sequence[str] = (),
    since: str | None = None,
    result: str | None = None,
    meta: bool = False,
) -> bytes:
    """One message, valid against Comet's ``transport-1.1.xsd``.

    Parameters
    ----------
    role, origin, response, filters, since, result
        As in `Transport`.
    now
        Unix seconds, written as TimeStamp (UTC).
    meta
        Write the element Meta even if there is nothing in it, as Comet's subscribers do.
    """
    stamp = _stamp(math.floor(now))
    answer = "" if response is None else f"<Response>{_text(response)}</Response>"
    params = [(FILTER_PARAM, text) for text in filters]
    if since is not None:
        params.append((SINCE_PARAM, since))
    inside = "".join([f'<Param name="{name}" value={_quote(_legal(text))}/>' for name, text in params])
    if result is not None:
        inside += f"<Result>{_text(result)}</Result>"
    if inside or meta or (role == "authenticate" and response is not None):
        inside = f"<Meta>{inside}</Meta>"
    return (_HEAD % (role, _text(origin), answer, stamp, inside)).encode()


def write_ack(ivorn: str, now: float, response: str) -> bytes:
    """An acknowledgement of an event, as `write_transport` writes it."""
    if not _PLAIN.fullmatch(ivorn):
        return write_transport("ack", ivorn, now, response=response)
    head, tail = _around_origin(math.floor(now), response)
    return head + ivorn.encode() + tail


@lru_cache(maxsize=64)
def _around_origin(unix_s: int, response: str) -> tuple[bytes, bytes]:
    """What stands before and behind the identifier in each acknowledgement of a second."""
    head, _, tail = write_transport("ack", "\x7f", unix_s, response=response).partition(b"\x7f")
    return head, tail


@lru_cache(maxsize=4)
def _stamp(unix_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)


def _quote(text: str) -> str:
    """An attribute's value in double quotation marks, or in single ones where these spare a reference."""
    inside = text.translate(_IN_ATTRIBUTE)
    if '"' in inside and "'" not in inside:
        return f"'{inside}'"
    return '"' + inside.replace('"', "&quot;") + '"'


def _text(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _legal(text).translate(_IN_TEXT)
