"""An event as a subscriber's program gets it: the bytes, and what is in them once somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree

from bridge.errors import UsageError
from bridge.voevent.parsing import parse_packet

if TYPE_CHECKING:
    from bridge.voevent.model import VOEvent

__all__ = ["ReceivedEvent"]


class ReceivedEvent:
    """A VOEvent that a broker has sent.

    Parameters
    ----------
    ivorn
        The event's identifier.
    role
        observation, prediction, utility or test.
    xml
        The packet, byte for byte as it came.
    broker
        Where it came from: ``host:port``.
    received_at
        When it came, in Unix seconds.
    """

    __slots__ = ("_root", "_voevent", "broker", "ivorn", "received_at", "role", "xml")

    def __init__(self, ivorn: str, role: str, xml: bytes, broker: str, received_at: float) -> None:
        self.ivorn = ivorn
        self.role = role
        self.xml = xml
        self.broker = broker
        self.received_at = received_at
        self._root: etree._Element | None = None
        self._voevent: VOEvent | None = None

    def __repr__(self) -> str:
        return f"<VOEvent {self.ivorn} ({self.role}, {len(self.xml)} bytes) from {self.broker}>"

    @property
    def root(self) -> etree._Element:
        """The packet's root as an lxml element; parsed once, with entities and network off.

        Raises
        ------
        PacketError
            If it is not XML.
        """
        if self._root is None:
            self._root = parse_packet(self.xml)
        return self._root

    @property
    def voevent(self) -> VOEvent:
        """The packet as `bridge.VOEvent`, with Params, Groups, Tables and position by name; read once.

        Raises
        ------
        PacketError
            If it is no VOEvent that the model can hold.
        """
        if self._voevent is None:
            # Loaded late: who only keeps events needs none of it.
            from bridge.voevent.model import VOEvent

            self._voevent = VOEvent.parse(self.xml)
        return self._voevent

    def voeventparse(self) -> Any:
        """The packet as voevent-parse gives it, for its ``vp.get_event_position`` and the like.

        Raises
        ------
        UsageError
            If voevent-parse is not installed.
        """
        try:
            import voeventparse
        except ImportError as error:
            raise UsageError(
                "voevent-parse cannot be imported; install voevent-parse with pip, or use event.root."
            ) from error
        return voeventparse.loads(self.xml)
