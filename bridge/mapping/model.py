"""A mapping as values: how one family of alert schemas becomes a VOEvent, after its TOML file was read.

Kept apart from the reader (`load`) and the compiler (`compile`), because both, the checker and the generic
mapping speak in these terms. What goes into the packet, value by value, is in `content`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from bridge.alerts.fields import has_path
from bridge.alerts.schema import Schema
from bridge.mapping.content import Cutout, Group, Inference, Paths, Reference, Table, Value

__all__ = [
    "CiteRule",
    "Instant",
    "Mapping",
    "Match",
    "Observatory",
    "Place",
    "RoleRule",
    "Who",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRule:
    """The packet gets `role` if the value at `path` is `equals`, or its text meets `matches` (documents)."""

    path: str
    equals: Any
    role: str
    matches: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CiteRule:
    """If the value at `path` is `equals`, all earlier packets about the object are cited as `cite`."""

    path: str
    equals: Any
    cite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observatory:
    """Name of the observatory and its WGS 84 position in degrees and metres, where the mapping gives it."""

    name: str
    longitude_deg: float | None = None
    latitude_deg: float | None = None
    altitude_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Position: paths of right ascension and declination (deg), and the error radius.

    `error_from` names one-sigma errors (deg on the sky) whose quadratic sum is the radius; where they are
    missing or absent the constant `error_deg` is written. Of documents: `error` is the path of the radius
    (deg), and position and time may be missing unless they are `needed`.
    """

    ra: Paths
    dec: Paths
    error_deg: float
    error_from: Paths = ()
    about: str = ""
    system: str = "UTC-ICRS-TOPO"
    observatory: Observatory | None = None
    error: Paths = ()
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """Time of the observation: path, scale (`times.SCALES`), and an exposure time (s) whose half is added.

    Of documents: with `or_earlier`, a document without a time has that of the last packet about its object.
    """

    paths: Paths
    scale: str
    half_of: Paths = ()
    or_earlier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Author: who runs the bridge, and whom the data come from."""

    title: str = "voevent-bridge"
    short_name: str = ""
    contact_name: str = ""
    contact_email: str = ""
    contributors: tuple[str, ...] = ()
    about: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which writer schemas: full name (regular expression), fields that must and must not be there.

    Which documents: the topic that they come from or the URL under ``$schema`` (regular expressions), or
    their fields.
    """

    name: str = ""
    fields: Paths = ()
    without: Paths = ()
    schema_url: str = ""
    topic: str = ""

    def accepts(self, schema: Schema, has: Any) -> bool:
        """Whether this schema is meant; `has` says whether a path exists in it."""
        if self.name and re.fullmatch(self.name, schema.name) is None:
            return False
        return all(has(schema, path) for path in self.fields) and not any(
            has(schema, path) for path in self.without
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mapping:
    """Everything that a mapping file says. Compared and hashed by identity, so compiled code is cached by it.

    `absent` are the values that mean "none" in all fields that do not say otherwise: texts for texts, numbers
    for float and double. `left_out` maps patterns of paths to the reason why they do not go into the packet.
    With `rest`, every scalar that nothing else names becomes a Param, and every array a Table.

    With `reads_documents`, it is for JSON notices and Avro alerts that are read as a whole (`documents`):
    then `params` stand directly in What, `author` is the authority of identifiers that go on as another's,
    `subject` is the packet's Description, `cite_rules` say what cites earlier packets, and `how_each` adds a
    Description to How for each element of an array.
    """

    key: str
    title: str
    match: Match
    event_id: str
    place: Place
    instants: tuple[Instant, ...]
    about: str = ""
    object_key: Paths = ()
    role: str = "observation"
    role_rules: tuple[RoleRule, ...] = ()
    absent: tuple[Any, ...] = ()
    who: Who = field(default_factory=Who)
    how: str = ""
    how_references: tuple[Reference, ...] = ()
    why: str = ""
    inferences: tuple[Inference, ...] = ()
    references: tuple[Reference, ...] = ()
    groups: tuple[Group, ...] = ()
    tables: tuple[Table, ...] = ()
    cutouts: tuple[Cutout, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    rest: bool = False
    filename: str = ""
    reads_documents: bool = False
    params: tuple[Value, ...] = ()
    author: str = ""
    subject: str = ""
    cite_rules: tuple[CiteRule, ...] = ()
    how_each: Value | None = None

    def reason_left_out(self, path: str) -> str | None:
        """Why a field does not go into the packet, where the mapping says so."""
        for pattern, reason in self.left_out.items():
            if fnmatchcase(path, pattern):
                return reason
        return None


def first_path(schema: Schema, paths: Paths) -> str | None:
    """The first of several alternative paths that the schema has."""
    for path in paths:
        if has_path(schema, path):
            return path
    return None
