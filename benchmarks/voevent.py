"""VOEvents from XML to Avro and back, beside lxml's bare parse and serialise; and the sizes of both.

Run it as ``voevent-bridge bench voevent``. Every packet is first taken there and back, and its canonical form
(C14N) compared. Times are medians of CPU time per packet, taken in turns so that a busy machine slows all
alike. XML to Avro learns the kinds of packets that come (`bridge.voevent.habits`), as it does in a stream;
the time without what was learned is shown beside it.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import cramjam
import fastavro
from lxml import etree

from benchmarks.common import alerts_folder, describe_machine, in_turns, median_us, versions
from bridge.mapping import choose_mapping, compile_translator
from bridge.simulate import simulate
from bridge.voevent.avro import decode_record, schema_text
from bridge.voevent.habits import Habits, xml_to_avro
from bridge.voevent.model import VOEvent
from bridge.voevent.write_xml import write_xml

__all__ = ["measure", "report"]

GZIP_LEVEL = 6
ZSTD_LEVEL = 3
BLOCK = 64
SAMPLE = 8


def measure(*, rounds: int = 9) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        How often each direction is run over every eighth packet.

    Returns
    -------
    Plain data: machine, versions, the input, sizes of the whole corpus in bytes, median CPU times per packet
    (us), and their ratios to lxml's parse and serialise.

    Raises
    ------
    AssertionError
        If a packet is not the same document after Avro.
    """
    packets, origin = _packets()
    datums = []
    for xml in packets:
        datum = xml_to_avro(xml)
        assert _canonical(write_xml(decode_record(datum))) == _canonical(xml), xml[:200]
        datums.append(datum)
    return {
        "benchmark": "voevent",
        "peer": "lxml: parse and serialise, nothing else",
        "machine": describe_machine(),
        "versions": versions("lxml", "fastavro", "cramjam"),
        "rounds": rounds,
        "input": origin,
        "packets": len(packets),
        "sizes": _sizes(packets, datums),
        "tasks": _times(packets[::SAMPLE], datums[::SAMPLE], rounds),
    }


def report(result: dict[str, Any]) -> str:
    """The result as a table."""
    machine = result["machine"]
    lines = [
        f"VOEvent in XML and Avro: {result['input']}, all the same in C14N after Avro.",
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
        "",
        f"{'CPU time per packet':<44}{'us':>9}{'x lxml':>9}",
    ]
    lines += [f"{task['task']:<44}{task['us']:>9.0f}{task['ratio']:>9.2f}" for task in result["tasks"]]
    whole = result["sizes"]["XML"]
    lines += ["", f"{'Size of all packets':<44}{'bytes':>12}{'of XML':>9}"]
    lines += [f"{name:<44}{size:>12,}{size / whole:>9.1%}" for name, size in result["sizes"].items()]
    return "\n".join(lines)


def _packets() -> tuple[list[bytes], str]:
    folder = alerts_folder()
    archive = folder.parent / "voevents" / "sample-2014-2016.tar.gz" if folder else None
    if archive is not None and archive.is_file():
        with tarfile.open(archive) as members:
            streams = [members.extractfile(member) for member in members if member.isfile()]
            found = [stream.read() for stream in streams if stream is not None]
        return found, f"{len(found):,} real packets of 28 streams"
    visit = next(simulate("ztf", visits=1, alerts=200, seed=1, version="3.3"))
    made = []
    for alert in visit:
        translate = compile_translator(choose_mapping(alert.packet.schema), alert.packet.schema)
        made.append(translate(alert.packet, date="2026-11-20T00:00:00").xml)
    return made, f"{len(made)} packets of SIMULATED alerts (no real ones at hand: set SHARED_DATA)"


def _times(packets: list[bytes], datums: list[bytes], rounds: int) -> list[dict[str, Any]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    schema = fastavro.parse_schema(json.loads(schema_text()))

    def peer(xml: bytes) -> object:
        return etree.tostring(etree.fromstring(xml, parser))

    tasks: list[tuple[str, Callable[[bytes], object], list[bytes]]] = [
        ("lxml parse and serialise", peer, packets),
        ("XML to Avro", xml_to_avro, packets),
        ("XML to Avro, of kinds never met", _of_a_new_kind, packets),
        ("Avro to XML", lambda datum: write_xml(decode_record(datum)), datums),
        ("XML to dataclasses", VOEvent.parse, packets),
        ("Avro to record", decode_record, datums),
        ("Avro to record, fastavro", lambda d: fastavro.schemaless_reader(io.BytesIO(d), schema), datums),
    ]
    taken = in_turns([_over(function, inputs) for _, function, inputs in tasks], rounds)
    medians = [median_us(seconds) / len(packets) for seconds in taken]
    return [
        {"task": name, "us": median, "ratio": median / medians[0]}
        for (name, _, _), median in zip(tasks, medians, strict=True)
    ]


def _of_a_new_kind(xml: bytes) -> bytes:
    return Habits().encode(xml)


def _over(function: Callable[[bytes], object], inputs: list[bytes]) -> Callable[[], None]:
    def run() -> None:
        for each in inputs:
            function(each)

    return run


def _sizes(packets: list[bytes], datums: list[bytes]) -> dict[str, int]:
    blocks = [b"".join(datums[start : start + BLOCK]) for start in range(0, len(datums), BLOCK)]
    xml_blocks = [b"".join(packets[start : start + BLOCK]) for start in range(0, len(packets), BLOCK)]
    return {
        "XML": sum(map(len, packets)),
        f"XML, gzip {GZIP_LEVEL}, each by itself": sum(
            len(gzip.compress(xml, GZIP_LEVEL)) for xml in packets
        ),
        f"XML, zstd {ZSTD_LEVEL}, blocks of {BLOCK}": sum(map(_zstd, xml_blocks)),
        "Avro, one shared schema": sum(map(len, datums)),
        f"Avro, gzip {GZIP_LEVEL}, each by itself": sum(map(_gzip, datums)),
        f"Avro, zstd {ZSTD_LEVEL}, each by itself": sum(map(_zstd, datums)),
        f"Avro, zstd {ZSTD_LEVEL}, blocks of {BLOCK}": sum(map(_zstd, blocks)),
        "the schema, once": len(schema_text()),
    }


def _gzip(data: bytes) -> int:
    return len(gzip.compress(data, GZIP_LEVEL))


def _zstd(data: bytes) -> int:
    return len(bytes(cramjam.zstd.compress(data, ZSTD_LEVEL)))


def _canonical(xml: bytes) -> bytes:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.tostring(etree.fromstring(xml, parser).getroottree(), method="c14n")
