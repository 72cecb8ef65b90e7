"""Arrow and Parquet: columns instead of records, which pays for batches."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.encodings.codecs.base import Codec, Pair, Record
from bridge.alerts.schema import Node, Schema

__all__ = ["CODECS"]

SCALARS = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
}


def columns(
    key: str, name: str, write: Callable[[Any, io.BytesIO], None], read: Callable[[bytes], Any]
) -> Codec:
    """An encoding of Arrow tables."""

    def compile_pair(schema: Schema) -> Pair:
        arrow_schema = pa.schema(_fields(schema.root))

        def encode(records: Sequence[Record]) -> bytes:
            out = io.BytesIO()
            write(pa.Table.from_pylist(list(records), schema=arrow_schema), out)
            return out.getvalue()

        def decode(data: bytes) -> list[Record]:
            rows: list[Record] = read(data).to_pylist(maps_as_pydicts="strict")
            return rows

        return Pair(encode, decode)

    return Codec(key, name, "Arrow", "pyarrow", compile_pair, batches=True)


def _fields(node: Node) -> list[Any]:
    return [_field(name, inner) for name, (inner, _) in node.fields.items()]


def _field(name: str, node: Node) -> Any:
    inner, nullable = node.without_null()
    return pa.field(name, _type(inner), nullable=nullable)


def _type(node: Node) -> Any:
    if node.kind == "record":
        return pa.struct(_fields(node))
    if node.kind == "array":
        return pa.list_(_field("item", node.element))
    if node.kind == "map":
        return pa.map_(pa.string(), _type(node.element.without_null()[0]))
    return SCALARS[node.kind]


def _write_stream(table: Any, out: io.BytesIO) -> None:
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)


def _read_stream(data: bytes) -> Any:
    return pa.ipc.open_stream(data).read_all()


def _write_parquet(table: Any, out: io.BytesIO) -> None:
    pq.write_table(table, out, compression="zstd")


def _read_parquet(data: bytes) -> Any:
    return pq.read_table(io.BytesIO(data))


CODECS = (
    columns("arrow", "Arrow stream", _write_stream, _read_stream),
    columns("parquet", "Parquet, zstd", _write_parquet, _read_parquet),
)
