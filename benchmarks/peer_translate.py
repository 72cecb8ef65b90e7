"""The named peer of the translate benchmark: fastavro and voevent-parse, written as a competent user would.

The schema is parsed once, every constant is looked up once, tables are plain lxml elements. What
voevent-parse 1.0.3 cannot do on Python 3.10 and later (add_how) is done with lxml. The packet has the same
content as ours; `differences` says so before any time is taken.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import numpy as np
import voeventparse as vp
from lxml import etree, objectify

from bridge.alerts.fields import resolve
from bridge.alerts.schema import Schema
from bridge.errors import SchemaError
from bridge.mapping import Mapping
from bridge.mapping.content import Value
from bridge.mapping.convert import CONVERSIONS

__all__ = ["Peer", "differences"]

MJD_0 = datetime(1858, 11, 17, tzinfo=UTC)
TAI_MINUS_UTC_S = 37


@dataclass(frozen=True)
class Item:
    """One Param or column, ready for use."""

    name: str
    path: tuple[str, ...]
    ucd: str | None
    unit: str | None
    about: str
    data_type: str
    text: Callable[[Any], str | None]


class Peer:
    """Translates with fastavro and voevent-parse.

    Parameters
    ----------
    mapping, schema
        What a user would have typed as constants.
    ocf
        Whether messages are OCF files (else bare datums behind a five-byte frame).
    plain_tables
        Build tables from plain lxml elements, which is quicker; else from objectified ones, which is what
        voevent-parse's functions give and take.
    """

    def __init__(self, mapping: Mapping, schema: Schema, *, ocf: bool, plain_tables: bool) -> None:
        self.mapping, self.schema, self.ocf = mapping, schema, ocf
        self.plain_tables = plain_tables
        self.groups = [
            (
                group.name,
                group.about,
                [item for value in group.params if (item := self._item(value, ""))],
                [(name, path.split(".")) for name, path in group.flags if self._has(path)],
            )
            for group in mapping.groups
        ]
        self.tables = [
            (table, [item for value in table.columns if (item := self._item(value, table.source[0] + "."))])
            for table in mapping.tables
            if self._has(table.source[0])
        ]

    def __call__(self, message: bytes, rows: dict[str, int], date: datetime) -> bytes:
        """One message to one VOEvent; `rows` says how many of the newest rows of each table fit."""
        if self.ocf:
            record: Any = next(iter(fastavro.reader(io.BytesIO(message))))
        else:
            record = fastavro.schemaless_reader(io.BytesIO(message[5:]), self.schema.parsed)
        lsst = "diaSource" in record
        event_id = record["diaSourceId"] if lsst else record["candid"]
        stream = "voevent-bridge.local/feed/" + ("lsst" if lsst else "ztf")
        packet = vp.Voevent(stream=stream, stream_id=str(event_id), role=vp.definitions.roles.observation)
        vp.set_who(packet, date=date, author_ivorn="voevent-bridge.local/feed")
        vp.set_author(packet, title=self.mapping.who.title, contributor=list(self.mapping.who.contributors))
        packet.Who.Description = self.mapping.who.about
        for name, about, items, flags in self.groups:
            params = [param for item in items if (param := _param(item, record)) is not None]
            if flags:
                params += _flags(flags, record)
            if params:
                group = vp.Group(params, name=name)
                group.insert(0, _text("Description", about))
                packet.What.append(group)
        for table, items in self.tables:
            element = self._table(table, items, record, rows)
            if element is not None:
                packet.What.append(element)
        self._where_when(packet, record, lsst=lsst)
        how = etree.SubElement(packet, "How")
        how.append(_text("Description", self.mapping.how))
        return bytes(vp.dumps(packet))

    def _table(self, table: Any, items: list[Item], record: Any, rows: dict[str, int]) -> Any:
        source = list(record[table.source[0]] or [])
        if table.where_set:
            source = [row for row in source if row[table.where_set] is not None]
        if table.where_null:
            source = [row for row in source if row[table.where_null] is None]
        if table.current:
            source.append(record[table.current])
        source = source[len(source) - rows.get(table.name, 0) :]
        if not source:
            return None
        element = (etree if self.plain_tables else objectify).Element("Table", name=table.name)
        element.append(_text("Description", table.about))
        for item in items:
            attributes = {"name": item.name, "ucd": item.ucd, "unit": item.unit, "dataType": item.data_type}
            field = etree.SubElement(element, "Field", {k: v for k, v in attributes.items() if v})
            if item.about:
                self._leaf(field, "Description", item.about)
        data = etree.SubElement(element, "Data")
        for row in source:
            tr = etree.SubElement(data, "TR")
            for item in items:
                self._leaf(tr, "TD", item.text(row[item.path[-1]]))
        return element

    def _leaf(self, parent: Any, tag: str, text: str | None) -> None:
        leaf = etree.SubElement(parent, tag)
        if self.plain_tables:
            leaf.text = text
        elif text is not None:
            leaf._setText(text)

    def _where_when(self, packet: Any, record: Any, *, lsst: bool) -> None:
        place = self.mapping.place
        if lsst:
            part = record["diaSource"]
            moment = MJD_0 + timedelta(days=part["midpointMjdTai"], seconds=-TAI_MINUS_UTC_S)
            error = float(f"{math.hypot(part['raErr'], part['decErr']):.4g}")
        else:
            part = record["candidate"]
            moment = MJD_0 + timedelta(days=part["jd"] - 2_400_000.5, seconds=part["exptime"] / 2)
            error = place.error_deg
        coords = vp.Position2D(
            ra=part["ra"],
            dec=part["dec"],
            err=error,
            units="deg",
            system=vp.definitions.sky_coord_system.utc_icrs_topo,
        )
        name = place.observatory.name if place.observatory else ""
        vp.add_where_when(packet, coords=coords, obs_time=moment, observatory_location=name)

    def _has(self, path: str) -> bool:
        try:
            resolve(self.schema, path)
        except SchemaError:
            return False
        return True

    def _item(self, value: Value, prefix: str) -> Item | None:
        path = next((prefix + path for path in value.paths if self._has(prefix + path)), None)
        if path is None:
            return None
        kind = resolve(self.schema, path).type
        absent = self.mapping.absent if value.absent is None else value.absent
        if value.absent is None and kind in ("int", "long"):
            absent = ()
        numeric = {"int": "int", "long": "int", "float": "float", "double": "float"}
        data_type = numeric.get(kind, "string")
        if value.codes:
            data_type = "string"
        elif value.convert:
            data_type = CONVERSIONS[value.convert].data_type
        return Item(
            value.name,
            tuple(path.split(".")),
            value.ucd or None,
            value.unit or None,
            value.about,
            data_type,
            _texter(value, kind, frozenset(absent)),
        )


def _texter(value: Value, kind: str, absent: frozenset[Any]) -> Callable[[Any], str | None]:
    convert = CONVERSIONS[value.convert].function if value.convert else None
    codes = value.codes or {}

    def text(raw: Any) -> str | None:
        if raw is None or raw in absent or raw != raw:
            return None
        if convert is not None:
            return convert(raw)
        if codes:
            return codes.get(str(raw), str(raw))
        if kind == "float":
            return str(np.float32(raw))
        if isinstance(raw, bool):
            return "true" if raw else "false"
        return str(raw)

    return text


def _param(item: Item, record: Any) -> Any:
    value = record
    for name in item.path:
        if value is None:
            return None
        value = value[name]
    text = item.text(value)
    if text is None:
        return None
    param = vp.Param(item.name, value=text, unit=item.unit, ucd=item.ucd, dataType=item.data_type, ac=False)
    if item.about:
        param.Description = item.about
    return param


def _flags(flags: list[tuple[str, list[str]]], record: Any) -> list[Any]:
    about = "names of the flags that are true; every flag named neither here nor in flags_unknown is false"
    values = [(name, record[path[0]][path[1]]) for name, path in flags]
    true = " ".join(name for name, value in values if value)
    null = " ".join(name for name, value in values if value is None)
    out = [vp.Param("flags", value=true or "none", ucd="meta.code", dataType="string", ac=False)]
    out[0].Description = about
    if null:
        out.append(vp.Param("flags_unknown", value=null, ucd="meta.code", dataType="string", ac=False))
        out[1].Description = "names of the flags that are null"
    return out


def _text(name: str, text: str) -> Any:
    element = objectify.E.__getattr__(name)(text)
    objectify.deannotate(element, cleanup_namespaces=True)
    return element


def differences(ours: bytes, theirs: bytes) -> list[str]:
    """Where two packets differ in content: all of What, position, time to a millisecond, How, ids."""
    a, b = etree.fromstring(ours), etree.fromstring(theirs)
    found: list[str] = []
    if (a.get("ivorn"), a.get("role")) != (b.get("ivorn"), b.get("role")):
        found.append("root attributes")
    texts = ("Who/AuthorIVORN", "Who/Date", "Who/Author/title", "How/Description")
    found += [path for path in texts if a.findtext(path) != b.findtext(path)]
    for path in ("C1", "C2", "Error2Radius"):
        mine = a.findtext(f"WhereWhen/ObsDataLocation/ObservationLocation//Position2D//{path}")
        if float(mine) != float(b.findtext(f".//Position2D//{path}")):
            found.append(path)
    times = [datetime.fromisoformat(root.findtext(".//ISOTime")) for root in (a, b)]
    if abs(times[0] - times[1]) > timedelta(milliseconds=1.1):
        found.append("ISOTime")
    # Our root description of What, references and notes of shedding have no part in the comparison.
    mine = [element for element in a.find("What") if element.tag in ("Group", "Table")]
    for element in mine:
        for note in [d for d in element.findall("Description")[1:] if element.tag == "Table"]:
            element.remove(note)
    others = [element for element in b.find("What") if element.tag in ("Group", "Table")]
    if len(mine) != len(others):
        return [*found, f"{len(mine)} and {len(others)} groups and tables"]
    for one, other in zip(mine, others, strict=True):
        found += _compare(one, other)
    return found


def _compare(one: Any, other: Any) -> list[str]:
    children = list(one), list(other)
    if one.tag != other.tag or len(children[0]) != len(children[1]):
        return [f"{one.tag} {one.get('name')}: {len(children[0])} and {len(children[1])} children"]
    attributes = dict(one.attrib), dict(other.attrib)
    values = [item.pop("value", None) for item in attributes]
    if (
        attributes[0] != attributes[1]
        or not _same(*values)
        or not _same((one.text or "").strip(), other.text or "")
    ):
        return [f"{one.tag} {dict(one.attrib)} {one.text!r} and {dict(other.attrib)} {other.text!r}"]
    return [line for pair in zip(*children, strict=True) for line in _compare(*pair)]


def _same(one: str | None, other: str | None) -> bool:
    if one == other:
        return True
    try:
        return float(one or "") == float(other or "")
    except ValueError:
        return False
