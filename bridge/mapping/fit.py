"""Putting a packet together under its size limit: what must go, goes in a fixed order and leaves a note.

Cutouts go first, the last one listed first. Then rows of the light curve, oldest first, from the last table
of the mapping upwards (forced photometry stands after detections). Most packets fit, so all is joined
first; of one that does not, the sizes are added up before it is joined again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.errors import PacketError
from bridge.voevent.xmltext import escape

__all__ = ["Aging", "Attachment", "Shell", "fit"]

ROW_HEAD = b"\n<TR><TD>"
ROW_TAIL = b"</TD></TR>"
ROW_BREAK = ROW_TAIL + ROW_HEAD
DATA_HEAD = b"\n<Data>" + ROW_HEAD
DATA_TAIL = ROW_TAIL + b"\n</Data></Table>"


class Shell(Protocol):
    """A Table without its rows: its name, the XML before a note, the XML between the note and the rows."""

    @property
    def name(self) -> str: ...
    @property
    def head(self) -> bytes: ...
    @property
    def fields(self) -> bytes: ...


class Aging(Protocol):
    """Rows of a Table, as XML cells, that know which of them are old."""

    @property
    def cells(self) -> list[bytes]: ...
    def oldest_first(self) -> Sequence[int]: ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """An embedded cutout: its name and its XML."""

    name: str
    xml: bytes


def fit(
    before: Sequence[bytes],
    tables: Sequence[tuple[Shell, Aging]],
    attachments: Sequence[Attachment],
    after: Sequence[bytes],
    max_bytes: int,
) -> tuple[bytes, tuple[str, ...]]:
    """Join a packet, leaving out what does not fit.

    Parameters
    ----------
    before, after
        XML before the tables, and after the attachments (it begins with the end of What).
    tables, attachments
        What may shrink.
    max_bytes
        Size limit of the result.

    Returns
    -------
    The packet, and what went, as short sentences.

    Raises
    ------
    PacketError
        If it does not fit even without history and cutouts.
    """
    parts = list(before)
    for plan, rows in tables:
        parts += (plan.head, plan.fields, DATA_HEAD, ROW_BREAK.join(rows.cells), DATA_TAIL)
    parts += [item.xml for item in attachments]
    parts += after
    xml = b"".join(parts)
    if len(xml) <= max_bytes:
        return xml, ()
    return _shrink(b"".join(before), tables, attachments, b"".join(after), max_bytes, len(xml))


def _shrink(
    head: bytes,
    tables: Sequence[tuple[Shell, Aging]],
    attachments: Sequence[Attachment],
    tail: bytes,
    max_bytes: int,
    total: int,
) -> tuple[bytes, tuple[str, ...]]:
    shed: list[str] = []
    outside: list[bytes] = []
    kept = list(attachments)
    notes_bytes = 0

    def note(sentence: str) -> None:
        nonlocal notes_bytes
        shed.append(sentence)
        outside.append(_note(sentence))
        notes_bytes += len(outside[-1])

    while kept and total + notes_bytes > max_bytes:
        gone = kept.pop()
        total -= len(gone.xml)
        note(f"Cutout {gone.name} is left out to keep the packet within {max_bytes} bytes.")

    bodies: list[bytes] = []
    for plan, rows in reversed(tables):
        shell = len(plan.head) + len(plan.fields) + len(DATA_HEAD) + len(DATA_TAIL)
        if total + notes_bytes <= max_bytes:
            body = ROW_BREAK.join(rows.cells)
            bodies.append(b"".join((plan.head, plan.fields, DATA_HEAD, body, DATA_TAIL)))
            continue
        count = len(rows.cells)
        widest = _row_note(plan.name, count, count, max_bytes)
        budget = total + notes_bytes + len(_note(widest)) - max_bytes
        gone_rows: set[int] = set()
        for index in rows.oldest_first():
            if budget <= 0:
                break
            gone_rows.add(index)
            budget -= len(rows.cells[index]) + len(ROW_BREAK)
            total -= len(rows.cells[index]) + len(ROW_BREAK)
        sentence = _row_note(plan.name, len(gone_rows), count, max_bytes)
        if len(gone_rows) == count:
            # The last row had no break of its own.
            total += len(ROW_BREAK) - shell
            note(sentence)
            continue
        left = [cell for index, cell in enumerate(rows.cells) if index not in gone_rows]
        shed.append(sentence)
        remark = _note(sentence)
        total += len(remark)
        body = ROW_BREAK.join(left)
        bodies.append(b"".join((plan.head, remark, plan.fields, DATA_HEAD, body, DATA_TAIL)))
    if total + notes_bytes > max_bytes:
        raise PacketError(
            f"the packet has {total + notes_bytes} bytes without history and cutouts, "
            f"and {max_bytes} are allowed"
        )
    xml = b"".join((head, *reversed(bodies), *(item.xml for item in kept), *outside, tail))
    return xml, tuple(shed)


def _row_note(name: str, gone: int, count: int, max_bytes: int) -> str:
    return (
        f"The oldest {gone} of {count} rows of {name} are left out "
        f"to keep the packet within {max_bytes} bytes."
    )


def _note(sentence: str) -> bytes:
    return b"\n<Description>%b</Description>" % escape(sentence)
