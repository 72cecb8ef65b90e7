"""Alert bytes to VOEvent bytes, all history that fits: ours against fastavro and voevent-parse.

Run it as ``voevent-bridge bench translate``. The content of the packets is compared before any time is
taken; times are medians of CPU time, taken in turns so that a busy machine slows all alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from benchmarks.common import describe_machine, in_turns, lsst_alerts, median_us, versions, ztf_alerts
from benchmarks.peer_translate import Peer, differences
from bridge.alerts.ocf import single_packet
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.store import open_store
from bridge.mapping import choose_mapping, compile_translator

__all__ = ["measure", "report"]

DATE = "2026-11-20T00:00:00"
PEER_DATE = datetime(2026, 11, 20, tzinfo=UTC).replace(tzinfo=None)
LSST_ID = 1000


def measure(*, rounds: int = 9) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        How often each alert is translated by each side (the quick side several times a round).

    Returns
    -------
    Plain data: machine, versions, and per survey the inputs, median CPU times (us) and the ratios.

    Raises
    ------
    AssertionError
        If our packet and a peer's do not have the same content.
    """
    ztf, ztf_origin = ztf_alerts()
    lsst, lsst_origin = lsst_alerts(lambda: open_store().by_id(LSST_ID))
    return {
        "benchmark": "translate",
        "peers": {
            "objectify": "fastavro + voevent-parse, all elements objectified, as voevent-parse's own are",
            "plain": "fastavro + voevent-parse, light-curve tables built from plain lxml elements",
        },
        "machine": describe_machine(),
        "versions": versions("fastavro", "lxml", "numpy", "orjson", "voevent-parse"),
        "rounds": rounds,
        "surveys": [
            _survey("ZTF, OCF", ztf_origin, ztf, rounds, ocf=True),
            _survey("LSST, framed", lsst_origin, lsst, rounds, ocf=False),
        ],
    }


def _survey(name: str, origin: str, packets: Sequence[Packet], rounds: int, *, ocf: bool) -> dict[str, Any]:
    lines = [_alert(name, packet, rounds, ocf=ocf) for packet in packets]
    times = ("ours_us", "container_us", "lens_us", "objectify_us", "plain_us")
    total = {key: round(sum(line[key] for line in lines), 1) for key in times}
    return {
        "name": name,
        "input": origin,
        "alerts": lines,
        **total,
        "ratio_objectify": round(total["objectify_us"] / total["ours_us"], 1),
        "ratio_plain": round(total["plain_us"] / total["ours_us"], 1),
    }


def _alert(name: str, packet: Packet, rounds: int, *, ocf: bool) -> dict[str, Any]:
    message = packet.data
    mapping = choose_mapping(packet.schema)
    event = _ours(packet, ocf=ocf)
    shown = {
        table.get("name"): len(table.findall("Data/TR")) for table in etree.fromstring(event).iter("Table")
    }
    functions: list[Callable[[], bytes]] = [lambda: _ours(packet, ocf=ocf)]
    for plain in (False, True):
        peer = Peer(mapping, packet.schema, ocf=ocf, plain_tables=plain)
        found = differences(event, peer(message, shown, PEER_DATE))
        assert not found, f"{name}: the packets differ: {found[:3]}"
        functions.append(lambda peer=peer: peer(message, shown, PEER_DATE))  # type: ignore[misc]
    # Of ours: what the container takes, and the lens; the rest are numbers to texts and texts to XML.
    lens = compile_translator(mapping, packet.schema).lens
    functions += [lambda: _packet(packet, ocf=ocf), lambda: lens.read(packet)]  # type: ignore[list-item]
    ours, objectify, plain_us, container, reading = (
        median_us(times) for times in in_turns(functions, rounds)
    )
    return {
        "input_bytes": len(message),
        "output_bytes": len(event),
        "rows": sum(shown.values()),
        "ours_us": round(ours, 1),
        "container_us": round(container, 1),
        "lens_us": round(reading, 1),
        "objectify_us": round(objectify, 1),
        "plain_us": round(plain_us, 1),
        "ratio_objectify": round(objectify / ours, 1),
        "ratio_plain": round(plain_us / ours, 1),
    }


def _ours(packet: Packet, *, ocf: bool) -> bytes:
    """From the bytes of the message, as a source does: the container is taken apart each time."""
    packet = _packet(packet, ocf=ocf)
    translator = compile_translator(choose_mapping(packet.schema), packet.schema)
    return translator(packet, date=DATE).xml


def _packet(packet: Packet, *, ocf: bool) -> Packet:
    found = single_packet(packet.data, Origin("ztf", 0)) if ocf else packet
    assert found is not None
    return found


def report(result: dict[str, Any]) -> str:
    """The result as a table for people."""
    machine = result["machine"]
    lines = [
        "Alert bytes to VOEvent bytes, all history that fits (median CPU time)",
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
        *(f"peer {name}: {text}" for name, text in result["peers"].items()),
        *(f"{survey['name']}: {survey['input']}" for survey in result["surveys"]),
        "",
        f"{'input':16} {'bytes in':>9} {'bytes out':>9} {'rows':>5} {'ours us':>9} "
        f"{'objectify us':>13} {'ratio':>7} {'plain us':>10} {'ratio':>7}",
    ]
    for survey in result["surveys"]:
        for alert in survey["alerts"]:
            sizes = f"{alert['input_bytes']:9} {alert['output_bytes']:9} {alert['rows']:5}"
            lines.append(f"{survey['name']:16} {sizes} {_times(alert)}")
        lines.append(f"{survey['name'] + ', all':42} {_times(survey)}")
    lines.append("")
    lines += [
        f"Of ours, {survey['name']}: {survey['container_us'] / survey['ours_us']:.0%} container, "
        f"{survey['lens_us'] / survey['ours_us']:.0%} lens, the rest numbers to texts and texts to XML"
        for survey in result["surveys"]
    ]
    return "\n".join(lines)


def _times(line: dict[str, Any]) -> str:
    return (
        f"{line['ours_us']:9.0f} {line['objectify_us']:13.0f} {line['ratio_objectify']:6.1f}x "
        f"{line['plain_us']:10.0f} {line['ratio_plain']:6.1f}x"
    )
