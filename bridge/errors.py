"""The one hierarchy of errors that a person is meant to read.

Every message is a full sentence that says what is wrong, where, and what to do. The command line prints
it without a traceback; anything that is not a `BridgeError` is a bug and keeps its traceback.
"""

from __future__ import annotations

__all__ = [
    "BridgeError",
    "ConfigError",
    "ExpressionError",
    "MappingError",
    "PacketError",
    "SchemaError",
    "SourceError",
    "UsageError",
]


class BridgeError(Exception):
    """Base of all errors that a person can mend."""


class UsageError(BridgeError):
    """A wrong option, argument or configuration (exit status 2)."""


class ConfigError(UsageError):
    """A configuration file that cannot be used."""


class ExpressionError(UsageError):
    """A filter expression that is malformed, or names an unknown field or function."""


class MappingError(UsageError):
    """A mapping file that is malformed, or does not fit the alert schema."""


class SchemaError(BridgeError):
    """An Avro schema that is missing, unreadable or not Avro."""


class SourceError(BridgeError):
    """A source or sink (file, folder, socket, journal) that cannot be opened, read or written."""


class PacketError(BridgeError):
    """One packet that cannot be used; it costs that packet, never the stream.

    Parameters
    ----------
    reason
        What is wrong, as a clause without the packet's name ("datum ends inside field 'candidate.jd'").
    field
        Dotted path of the field concerned, where one is.
    findings
        All that is wrong, one sentence each, where the reason names only the first.
    """

    def __init__(self, reason: str, *, field: str | None = None, findings: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.findings = findings
