"""Acknowledgements known by their bytes: a busy broadcaster gets a hundred thousand a second.

A fast path beside `bridge.vtp.messages`, which reads everything. It knows the two common shapes, Comet's and
our own, and takes nothing in them that XML could mean otherwise; all else is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.vtp.messages import TRANSPORT_NAMESPACE

__all__ = ["AckReader", "plain_ack"]

# Text that stands for itself: printable ASCII without markup ('&', '<', and '>' as in ']]>').
_TEXT = rb"[ !-%'-;=?-~]*+"
_VALUE = rb"[ !#-%'-;=?-~]*+"
# An identifier also has no blanks, which a reader would strip at its ends.
_NAME = rb"[!-%'-;=?-~]++"
_BLANK = rb"[ \t\r\n]*+"
_COMET = (
    rb' xmlns:xsi="http://www\.w3\.org/2001/XMLSchema-instance" version="1\.0" xsi:schemaLocation="'
    + _VALUE + rb'"'
)  # fmt: skip
_PLAIN_ACK = re.compile(
    rb"<\?xml version='1\.0' encoding='UTF-8'\?>\n"
    rb'<trn:Transport xmlns:trn="' + re.escape(TRANSPORT_NAMESPACE.encode()) + rb'"'
    rb"(?:" + _COMET + rb'| version="1\.0") role="ack">'
    + _BLANK + rb"<Origin>(" + _NAME + rb")</Origin>"
    + _BLANK + rb"(?:<Response>" + _TEXT + rb"</Response>" + _BLANK + rb")?+"
    rb"<TimeStamp>" + _TEXT + rb"</TimeStamp>" + _BLANK + rb"</trn:Transport>" + _BLANK
)  # fmt: skip
_PLAIN_NAME = re.compile(_NAME)
# A longer one is not remembered: thousands of strangers' connections must not hold a hundred kilobytes each.
_USUAL_BYTES = 2_000


def plain_ack(payload: bytes) -> str | None:
    """The IVORN that a message acknowledges, if it is an acknowledgement of a common shape.

    None says nothing about the message; an IVORN is what `parse_transport` would find as its origin.
    """
    match = _PLAIN_ACK.fullmatch(payload)
    return match[1].decode("ascii") if match is not None else None


class AckReader:
    """Reads one peer's acknowledgements.

    They differ in the IVORN, and in the time once a second. So what stands before the IVORN and behind it is
    compared with that of the last one, and only if it is something else with the pattern: what follows an
    accepted head and precedes an accepted tail, and is a plain name, the pattern would take.
    """

    def __init__(self) -> None:
        self._head = b"\0"
        self._tail = b""

    def leading(self, payloads: Sequence[object], start: int = 0) -> list[str]:
        """The IVORNs of the plain acknowledgements from a place on, up to the first other message."""
        found: list[str] = []
        head, tail = self._head, self._tail
        head_length, tail_length = len(head), len(tail)
        name_of = _PLAIN_NAME.fullmatch
        for payload in payloads[start:] if start else payloads:
            if not isinstance(payload, bytes):
                break
            if payload.startswith(head) and payload.endswith(tail):
                name = payload[head_length:-tail_length]
                if name_of(name):
                    found.append(name.decode("ascii"))
                    continue
            match = _PLAIN_ACK.fullmatch(payload)
            if match is None:
                break
            found.append(match[1].decode("ascii"))
            if len(payload) > _USUAL_BYTES:
                continue
            self._head = head = payload[: match.start(1)]
            self._tail = tail = payload[match.end(1) :]
            head_length, tail_length = len(head), len(tail)
        return found
