"""From a packet to a report: decode it, see by its fields which view fits, say where it came from."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.alerts.decode import decode_packet
from bridge.alerts.packet import Packet
from bridge.errors import PacketError
from bridge.inspect.common import add_place
from bridge.inspect.generic import view_generic
from bridge.inspect.lsst import is_lsst_like, view_lsst
from bridge.inspect.report import FactList, Report
from bridge.inspect.ztf import is_ztf_like, view_ztf

__all__ = ["report_alert"]

FRAMINGS = {"ocf": "Avro file", "confluent": "Confluent wire format", "bare": "bare Avro", "xml": "XML"}


def report_alert(packet: Packet, *, index: int = 0, count: int | None = 1) -> Report:
    """Report on a survey alert.

    Parameters
    ----------
    packet
        The alert.
    index, count
        Which alert of how many in its file or archive, counted from 0; `count` is None where unknown.

    Raises
    ------
    PacketError
        If the datum does not decode, is not a record, or lacks what its own schema promises.
    """
    record = decode_packet(packet)
    if not isinstance(record, Mapping):
        raise PacketError(f"the datum is a {packet.schema.name} and not a record, so it is no alert")
    try:
        if is_ztf_like(record):
            return view_ztf(record, _identity(packet, index, count))
        if is_lsst_like(record):
            return view_lsst(record, _identity(packet, index, count), packet.schema.name)
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError, PacketError):
        # The schema resembles a survey's but is not: show what is there without assuming more.
        pass
    return view_generic(record, _identity(packet, index, count))


def _identity(packet: Packet, index: int, count: int | None) -> FactList:
    facts = FactList()
    add_place(facts, packet.origin, index, count)
    facts.add("framing", "Framing", packet.framing, FRAMINGS[packet.framing])
    facts.add("schema", "Schema", packet.schema.name)
    facts.add("schema_sha256", "", packet.schema.fingerprint, "")
    return facts
