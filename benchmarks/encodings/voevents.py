"""Real VOEvents as records: the tree of elements, which every encoding can hold, and back to XML.

A VOEvent is XML to begin with. What is compared here is its content as a tree (tags, attributes, texts;
blanks between elements and comments left out), so any of the encodings could carry any packet.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from typing import Any

import lxml.etree as tree

from benchmarks.common import alerts_folder, ztf_alerts
from benchmarks.encodings.codecs import Codec, Pair, Record, gzipped, zstd_compressed
from benchmarks.encodings.content import Content, Message
from bridge.alerts.schema import Schema, parse_schema
from bridge.mapping import choose_mapping, compile_translator

__all__ = ["SCHEMA", "packet_codecs", "read_tree", "voevent_content"]

SCHEMA: Schema = parse_schema(
    {
        "type": "record",
        "name": "org.voevent_bridge.bench.element",
        "doc": "An XML element without blanks between its children.",
        "fields": [
            {"name": "tag", "type": "string"},
            {"name": "attributes", "type": {"type": "map", "values": "string"}},
            {"name": "text", "type": ["null", "string"], "default": None},
            {"name": "children", "type": {"type": "array", "items": "element"}},
        ],
    }
)
MOST = 60


def voevent_content() -> Content:
    """One packet of each author and kind in the archive sample, or else translations of ZTF alerts."""
    folder = alerts_folder()
    archives = sorted((folder.parent / "voevents").glob("*.tar.gz")) if folder else []
    packets = _one_of_a_kind(archives[0]) if archives else []
    origin = f"{len(packets)} real VOEvents, one of a kind"
    if not packets:
        alerts, _ = ztf_alerts()
        packets = [
            compile_translator(choose_mapping(a.schema), a.schema)(a, date="2026-01-01T00:00:00").xml
            for a in alerts
        ]
        origin = f"{len(packets)} VOEvents MADE of ZTF alerts (no real ones at hand: set SHARED_DATA)"
    messages = tuple(Message(SCHEMA, read_tree(tree.fromstring(packet))) for packet in packets)
    received = sum(map(len, packets)) / len(packets)
    return Content("voevent", "VOEvent", "whole", origin, messages, received)


def packet_codecs() -> tuple[Codec, ...]:
    """XML as it is on the wire: the tree written without indentation, plain and compressed."""
    plain = Codec("xml", "XML", "XML", "lxml", _compile)
    return plain, gzipped(plain), zstd_compressed(plain)


def read_tree(element: Any) -> Record:
    """The record of an element."""
    children = [read_tree(child) for child in element.iterchildren(tag=tree.Element)]
    text = element.text
    return {
        "tag": element.tag,
        "attributes": dict(element.attrib),
        "text": text if text and (text.strip() or not children) else None,
        "children": children,
    }


def _write_tree(parent: Any, record: Record) -> Any:
    element = (
        tree.Element(record["tag"], record["attributes"])
        if parent is None
        else tree.SubElement(parent, record["tag"], record["attributes"])
    )
    element.text = record["text"]
    for child in record["children"]:
        _write_tree(element, child)
    return element


def _compile(_schema: Schema) -> Pair:
    def encode(records: Sequence[Record]) -> bytes:
        text: bytes = tree.tostring(_write_tree(None, records[0]), encoding="UTF-8", xml_declaration=True)
        return text

    return Pair(encode, lambda data: [read_tree(tree.fromstring(data))])


def _one_of_a_kind(archive: Any) -> list[bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as members:
        for member in members:
            # Author and kind are the folders, which come once for each month.
            kind = member.name.partition("/")[2].rpartition("/")[0]
            if member.isfile() and kind not in found:
                stream = members.extractfile(member)
                assert stream is not None
                data = stream.read()
                if _is_a_tree(data):
                    found[kind] = data
    return [found[kind] for kind in sorted(found)][:MOST]


def _is_a_tree(data: bytes) -> bool:
    """Whether text stands only where an element has no children."""
    try:
        root = tree.fromstring(data)
    except tree.XMLSyntaxError:
        return False
    return not any((element.tail or "").strip() for element in root.iter())
