"""A VOEvent as a value: what it says, whichever form it came in and whichever it goes out in.

The classes (here and in `what`, `where`, `why`) hold all of VOEvent 2.0 and 2.1, and of 1.1 what 2.0 kept.
They are frozen: `dataclasses.replace` makes a changed event of one. How the XML was laid out is in `layout`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bridge.errors import UsageError
from bridge.voevent.grammar import attribute, child, plain, text_child
from bridge.voevent.layout import Layout
from bridge.voevent.named import Named
from bridge.voevent.what import Group, Param, Reference, Table, What
from bridge.voevent.where import AstroCoords, WhereWhen
from bridge.voevent.why import Citations, How, Who, Why

if TYPE_CHECKING:
    from bridge.voevent.position import Position

__all__ = ["VOEvent"]


@dataclass(frozen=True, slots=True, repr=False)
class VOEvent:
    """One VOEvent packet.

    Parameters
    ----------
    ivorn
        Its identifier.
    role
        observation, prediction, utility or test; None where it is not written, which means observation.
    version
        1.1, 2.0 or 2.1.
    schema_location
        Where the root says that its schema lies (``xsi:schemaLocation``).
    who, what, where_when, how, why, citations, description, reference
        Its parts, each None where it is missing.
    layout
        What the XML says beyond that (order, blanks, comments, unknown parts); None for the canonical layout.
    xml
        The packet as it came, where that was kept: then `to_xml` gives these very bytes.
    """

    ivorn: str | None = attribute("ivorn")
    role: str | None = attribute("role")
    version: str | None = attribute("version")
    schema_location: str | None = plain("schemaLocation")
    who: Who | None = child("Who", Who)
    what: What | None = child("What", What)
    where_when: WhereWhen | None = child("WhereWhen", WhereWhen)
    how: How | None = child("How", How)
    why: Why | None = child("Why", Why)
    citations: Citations | None = child("Citations", Citations)
    description: str | None = text_child("Description")
    reference: Reference | None = child("Reference", Reference)
    layout: Layout | None = plain("layout", Layout)
    xml: bytes | None = plain("xml")

    @classmethod
    def parse(cls, data: bytes, *, keep_xml: bool = False) -> VOEvent:
        """Read a packet in XML, of any version.

        Parameters
        ----------
        data
            The document. Entities, DTDs and the network are off.
        keep_xml
            Keep the bytes too, so that `to_xml` gives them back.

        Raises
        ------
        PacketError
            If it is not well-formed XML, or not a VOEvent.
        """
        from bridge.voevent.read_xml import read_xml

        data = _bytes_of(data)
        event = cls.from_dict(read_xml(data))
        return replace(event, xml=data) if keep_xml else event

    def to_xml(self) -> bytes:
        """The packet in XML: the bytes that were kept, or the same document in UTF-8.

        Raises
        ------
        PacketError
            If a text has a character that XML cannot hold.
        """
        from bridge.voevent.write_xml import write_xml

        return self.xml if self.xml is not None else write_xml(self._record())

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> VOEvent:
        """Of a dictionary with the names of the XML; what is left out is empty.

        Raises
        ------
        PacketError
            If it is no VOEvent; the message names the field.
        """
        from bridge.voevent.records import from_record

        return from_record(cls, record)

    def to_dict(self) -> dict[str, Any]:
        """The packet as a dictionary of plain values with the names of the XML, without what is empty."""
        from bridge.voevent.records import without_empty

        return without_empty(self._record())

    @classmethod
    def from_avro(cls, data: bytes, writer_schema: str | None = None) -> VOEvent:
        """Read a packet in Avro.

        Parameters
        ----------
        data
            A bare datum of the project's schema, or a container file with one record.
        writer_schema
            The schema (JSON) that a bare datum was written with, if it is another version.

        Raises
        ------
        PacketError
            If it is not a VOEvent in Avro.
        """
        from bridge.voevent.avro import decode_record

        return cls.from_dict(decode_record(_bytes_of(data), writer_schema))

    def to_avro(self) -> bytes:
        """The packet as a bare Avro datum of the schema ``voevent/1.0``.

        Raises
        ------
        PacketError
            If a value does not fit the schema, as an integer beyond 64 bits.
        """
        from bridge.voevent.avro import encode_record

        return encode_record(self._record())

    @classmethod
    def from_json(cls, text: bytes | str) -> VOEvent:
        """Read a packet in JSON, as `to_json` writes it.

        Raises
        ------
        PacketError
            If it is not JSON, or not a VOEvent; the message says where.
        """
        from bridge.voevent.json_text import read_json

        return cls.from_dict(read_json(text))

    def to_json(self, *, indent: bool = False) -> bytes:
        """The packet in JSON: its dictionary, kept bytes as base64.

        Parameters
        ----------
        indent
            Lay it out for people.

        Raises
        ------
        PacketError
            If a text is not Unicode.
        """
        from bridge.voevent.json_text import write_json

        return write_json(self.to_dict(), indent=indent)

    @classmethod
    def from_voeventparse(cls, packet: Any) -> VOEvent:
        """Of an object of voevent-parse; its `dumps` writes the XML that is read.

        Raises
        ------
        UsageError
            If voevent-parse is not installed.
        """
        return cls.parse(_voeventparse().dumps(packet))

    def to_voeventparse(self) -> Any:
        """As an object of voevent-parse.

        Raises
        ------
        UsageError
            If voevent-parse is not installed.
        """
        return _voeventparse().loads(self.to_xml())

    def sky_coord(self) -> Any:
        """The position as `astropy.coordinates.SkyCoord`; see `bridge.voevent.astro.sky_coord`."""
        from bridge.voevent.astro import sky_coord

        return sky_coord(self)

    def astropy_time(self) -> Any:
        """The time as `astropy.time.Time`; see `bridge.voevent.astro.astropy_time`."""
        from bridge.voevent.astro import astropy_time

        return astropy_time(self)

    def to_votable(self) -> bytes:
        """Params, Groups and Tables as VOTable; see `bridge.voevent.votable.write_votable`."""
        from bridge.voevent.votable import write_votable

        return write_votable(self)

    def _record(self) -> dict[str, Any]:
        from bridge.voevent.records import to_record

        return to_record(self)

    @property
    def params(self) -> Named[Param]:
        """The Params at the top of What, by name; of several with one name the first."""
        return Named(self.what.params if self.what is not None else (), "Param")

    @property
    def groups(self) -> Named[Group]:
        """The Groups, by name; of several with one name the first."""
        return Named(self.what.groups if self.what is not None else (), "Group")

    @property
    def tables(self) -> Named[Table]:
        """The Tables, by name; of several with one name the first."""
        return Named(self.what.tables if self.what is not None else (), "Table")

    @property
    def coords(self) -> AstroCoords | None:
        """Time and position of what was observed."""
        place = self.where_when.location if self.where_when is not None else None
        return place.observation.coords if place is not None and place.observation is not None else None

    @property
    def coord_system(self) -> str | None:
        """The coordinate system by its identifier, such as ``UTC-FK5-GEO``."""
        place = self.where_when.location if self.where_when is not None else None
        if place is None or place.observation is None:
            return None
        system, coords = place.observation.system, place.observation.coords
        return (system.id if system is not None else None) or (coords.coord_system_id if coords else None)

    @property
    def time_scale(self) -> str | None:
        """The scale of `time`, such as ``UTC`` or ``TAI``; None where nothing says it, which means UTC."""
        from bridge.voevent.systems import scale_of_system

        place = self.where_when.location if self.where_when is not None else None
        system = place.observation.system if place is not None and place.observation is not None else None
        frame = system.time_frame if system is not None else None
        time = self.coords.time if self.coords is not None else None
        instant = time.time_instant if time is not None else None
        return scale_of_system(
            self.coord_system, instant.time_scale if instant else None, frame.time_scale if frame else None
        )

    @property
    def position(self) -> Position | None:
        """Where it was, or None where the packet has no position that can be."""
        from bridge.voevent.position import position_of

        return position_of(self)

    @property
    def time(self) -> str | None:
        """When it was, as it is written (ISO 8601; its scale is `time_scale`)."""
        time = self.coords.time if self.coords is not None else None
        if time is None:
            return None
        if time.time_instant is not None and time.time_instant.iso_time is not None:
            return time.time_instant.iso_time.strip()
        interval = time.time_interval
        return interval.start.strip() if interval is not None and interval.start is not None else None

    def __repr__(self) -> str:
        from bridge.voevent.display import describe

        return describe(self)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        from bridge.voevent.display import describe_html

        return describe_html(self)


def _voeventparse() -> Any:
    try:
        return import_module("voeventparse")
    except ModuleNotFoundError:
        raise UsageError(
            "This needs voevent-parse, which is not installed: pip install voevent-parse."
        ) from None


def _bytes_of(data: Any) -> bytes:
    """The bytes of a packet; a text or a path is what one gives at first, and is told what to give."""
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    raise TypeError(
        f"A packet is read from its bytes, not from {type(data).__name__}: give Path(name).read_bytes()."
    )
