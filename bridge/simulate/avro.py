"""Many Avro records at a time: columns in, rows of bytes out.

A simulated night needs hundreds of thousands of light-curve rows, and an encoder that walks one record at a
time would take minutes. Here each field is encoded for all rows at once with NumPy, and each row's bytes are
kept, so that every later packet of the same object reuses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.alerts.schema import Node

__all__ = ["Maybe", "RowEncoder", "Rows", "encode_bytes", "encode_long"]

Bytes2D = npt.NDArray[np.uint8]
FIXED = {"boolean": "<u1", "float": "<f4", "double": "<f8"}
# Rows encoded in one go: enough for NumPy to be fast, few enough to stay in the processor's cache.
CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Maybe:
    """A nullable column: `values` where `valid`, null elsewhere (both of length n)."""

    values: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded records: row i is ``data[ends[i - 1]:ends[i]]``, the first one starts at 0."""

    data: bytes
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> bytes:
        start = int(self.ends[index - 1]) if index else 0
        return self.data[start : int(self.ends[index])]


def encode_long(value: int) -> bytes:
    """One int or long: zigzag, then seven bits a byte (Avro specification, binary encoding)."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def encode_bytes(value: bytes) -> bytes:
    """One bytes or string value: its length, then itself."""
    return encode_long(len(value)) + value


class RowEncoder:
    """Encodes records of one flat schema (no nested records, arrays or maps).

    Parameters
    ----------
    node
        The record's type.
    """

    def __init__(self, node: Node) -> None:
        self.fields = [(name, *_branches(kind)) for name, (kind, _) in node.fields.items()]

    def __call__(self, count: int, values: Mapping[str, Any]) -> Rows:
        """Encode `count` records.

        Parameters
        ----------
        count
            How many.
        values
            For each field either one value for all rows (bool, int, float, str or None) or a column of length
            `count`: an array (numbers, booleans, or 'S' for strings) or a `Maybe`. No field may be missing.
        """
        parts: list[tuple[Bytes2D, npt.NDArray[np.int64] | None] | bytes] = []
        for name, kind, null, index in self.fields:
            value = values[name]
            if isinstance(value, (np.ndarray, Maybe)):
                parts.append(_column(value, kind, null, index))
                continue
            constant = _constant(value, kind, null, index)
            if parts and isinstance(parts[-1], bytes):
                parts[-1] += constant
            else:
                parts.append(constant)
        chunks, lengths = [], []
        for start in range(0, count, CHUNK):
            data, sizes = _join(parts, start, min(start + CHUNK, count))
            chunks.append(data)
            lengths.append(sizes)
        ends = np.cumsum(np.concatenate(lengths)) if lengths else np.zeros(0, np.int64)
        return Rows(b"".join(chunks), ends)


def _branches(node: Node) -> tuple[str, int | None, int | None]:
    """Type of the value, index of null in the union, index of the value in the union (None: no union)."""
    if node.kind != "union":
        return node.kind, None, None
    kinds = [branch.kind for branch in node.branches]
    value = next(i for i, kind in enumerate(kinds) if kind != "null")
    return kinds[value], kinds.index("null"), value


def _constant(value: Any, kind: str, null: int | None, index: int | None) -> bytes:
    if value is None:
        if null is None:
            raise ValueError(f"a field of type {kind} cannot be null")
        return encode_long(null)
    tag = b"" if index is None else encode_long(index)
    if kind in FIXED:
        return tag + np.array(value, FIXED[kind]).tobytes()
    if kind in ("int", "long"):
        return tag + encode_long(int(value))
    return tag + encode_bytes(value.encode() if isinstance(value, str) else value)


def _column(
    column: npt.NDArray[Any] | Maybe, kind: str, null: int | None, index: int | None
) -> tuple[Bytes2D, npt.NDArray[np.int64] | None]:
    values = column.values if isinstance(column, Maybe) else column
    lengths: npt.NDArray[np.int64] | None = None
    if kind in FIXED:
        fixed = np.ascontiguousarray(values, FIXED[kind])
        body: Bytes2D = fixed.view(np.uint8).reshape(len(fixed), fixed.itemsize)
    elif kind in ("int", "long"):
        body, lengths = _varints(np.asarray(values, np.int64))
    else:
        body, lengths = _strings(values)
    if index is not None:
        tag = np.full((len(body), 1), 2 * index, np.uint8)
        body = np.hstack([tag, body])
        lengths = None if lengths is None else lengths + 1
    if isinstance(column, Maybe) and not column.valid.all():
        if null is None:
            raise ValueError(f"a column of type {kind} cannot hold nulls")
        body[~column.valid, 0] = 2 * null
        filled = body.shape[1] if lengths is None else lengths
        lengths = np.where(column.valid, filled, 1)
    if lengths is not None and (lengths == body.shape[1]).all():
        lengths = None
    return body, lengths


def _varints(values: npt.NDArray[np.int64]) -> tuple[Bytes2D, npt.NDArray[np.int64]]:
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    top = int(zigzag.max()) if len(zigzag) else 0
    width = max(1, -(-top.bit_length() // 7))
    shifts = (7 * np.arange(width)).astype(np.uint64)
    groups = (zigzag[:, None] >> shifts).astype(np.uint64)
    lengths = np.maximum(1, (groups != 0).sum(axis=1)).astype(np.int64)
    more = np.arange(width) < (lengths - 1)[:, None]
    return ((groups & np.uint64(0x7F)).astype(np.uint8) | (more * np.uint8(0x80)), lengths)


def _strings(values: npt.NDArray[Any]) -> tuple[Bytes2D, npt.NDArray[np.int64]]:
    """Strings of at most 63 bytes (one length byte), or longer ones that are all of one length."""
    text = np.ascontiguousarray(values, f"S{values.dtype.itemsize}")
    sizes = np.char.str_len(text).astype(np.int64)
    prefix = encode_long(text.itemsize)
    if len(prefix) > 1 and (sizes != text.itemsize).any():
        raise ValueError("a column of strings beyond 63 bytes must have them all of one length")
    body = np.empty((len(text), len(prefix) + text.itemsize), np.uint8)
    body[:, : len(prefix)] = np.frombuffer(prefix, np.uint8) if len(prefix) > 1 else 2 * sizes[:, None]
    body[:, len(prefix) :] = text.view(np.uint8).reshape(len(text), text.itemsize)
    return body, sizes + len(prefix)


def _join(
    parts: list[tuple[Bytes2D, npt.NDArray[np.int64] | None] | bytes], start: int, stop: int
) -> tuple[bytes, npt.NDArray[np.int64]]:
    count = stop - start
    width = sum(len(part) if isinstance(part, bytes) else part[0].shape[1] for part in parts)
    matrix = np.empty((count, width), np.uint8)
    sizes = np.full(count, width, np.int64)
    keep: npt.NDArray[np.bool_] | None = None
    at = 0
    for part in parts:
        if isinstance(part, bytes):
            matrix[:, at : at + len(part)] = np.frombuffer(part, np.uint8)
            at += len(part)
            continue
        body, lengths = part
        span = body.shape[1]
        matrix[:, at : at + span] = body[start:stop]
        if lengths is not None:
            keep = np.ones((count, width), np.bool_) if keep is None else keep
            keep[:, at : at + span] = np.arange(span) < lengths[start:stop, None]
            sizes -= span - lengths[start:stop]
        at += span
    return (matrix if keep is None else matrix[keep]).tobytes(), sizes
