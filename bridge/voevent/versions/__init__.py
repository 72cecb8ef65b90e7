"""From one version of VOEvent to another: 1.1 to 2.0, 2.0 to 2.1, 2.1 to 2.0, and what is lost on the way.

A packet stays what it is: elements, comments, CDATA and blanks that the other version can hold are not
touched. What it cannot hold is named, never dropped in silence.
"""

from __future__ import annotations

from bridge.voevent.versions.convert import Conversion, to_version
from bridge.voevent.versions.names import version_of
from bridge.voevent.versions.raise_1_1 import raise_1_1
from bridge.voevent.versions.steps import Change, Stepped

__all__ = ["Change", "Conversion", "Stepped", "raise_1_1", "to_version", "version_of"]
