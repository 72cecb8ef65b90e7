"""Files of alerts in, VOEvents out, on all cores: the library behind ``voevent-bridge convert``."""

from __future__ import annotations

from bridge.convert.inputs import open_input, read_inputs
from bridge.convert.outputs import EventSink, open_event_sink
from bridge.convert.run import Tally, convert

__all__ = [
    "EventSink",
    "Tally",
    "convert",
    "open_event_sink",
    "open_input",
    "read_inputs",
]
