"""A mapping as values: how one family of alert schemas becomes a VOEvent, after its TOML file was read.

Kept apart from the reader (`load`) and the compiler (`compile`), because both, the checker and the generic
mapping speak in these terms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from bridge.alerts.fields import has_path
from bridge.alerts.schema import Schema

__all__ = [
    "CiteRule",
    "Cutout",
    "Group",
    "Inference",
    "Instant",
    "Mapping",
    "Match",
    "Observatory",
    "Place",
    "Reference",
    "RoleRule",
    "Table",
    "Value",
    "Who",
]

Paths = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of the alert that becomes a Param or a column of a Table.

    Parameters
    ----------
    name
        Name in the packet.
    paths
        Where it lies in the alert: the first path that the writer schema has.
    ucd, unit, about
        UCD1+, VOUnit, description in a few words; empty where there is none.
    convert
        Name of a conversion, or empty.
    codes
        Words for numbers or texts, where the alert carries codes; a code without a word is left as it is.
    absent
        Values that mean "none"; None for those of the whole mapping.
    optional
        Whether a schema may lack it.
    constant
        A text that stands in every packet, in place of a path (documents only).
    type
        VOEvent dataType, where it is not that of the value itself (documents only).
    join
        What stands between the elements of an array (documents only).
    """

    name: str
    paths: Paths
    ucd: str = ""
    unit: str = ""
    about: str = ""
    convert: str = ""
    codes: dict[str, str] | None = None
    absent: tuple[Any, ...] | None = None
    optional: bool = False
    constant: str | None = None
    type: str = ""
    join: str = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A Group of Params. `flags` are boolean paths of which the packet names those that are true.

    Of documents: `type` is the Group's type, `each` says how every other key of a JSON object becomes a
    Param.
    """

    name: str
    about: str = ""
    params: tuple[Value, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    type: str = ""
    each: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A Table, one row per record of an array.

    Parameters
    ----------
    name, about
        Name and description in the packet.
    source
        The array, by its first path that the schema has.
    columns
        Columns; their paths lie in the array.
    time
        Column path by which rows are old or new.
    where_set, where_null
        Path in the array: only rows in which it is (not) set. At most one of the two is given.
    current
        Record of the alert's own detection, added as the last row; empty for none.
    optional
        Whether a schema may lack the array.
    """

    name: str
    source: Paths
    columns: tuple[Value, ...]
    about: str = ""
    time: str = ""
    where_set: str = ""
    where_null: str = ""
    current: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A URI (a template with ``{path}``), and what lies there."""

    uri: str
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """An image: where its bytes lie and how they are packed ("fits", "fits.gz", "multiorder.fits").

    Of documents: the reference to a saved file goes into the Param `param` of a Group `group`.
    """

    name: str
    path: str
    format: str = "fits"
    about: str = ""
    param: str = ""
    group: str = ""


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
class Inference:
    """A class with a probability, for Why. Left out where the score is absent or outside 0 to 1.

    `each` is a JSON object of classes and their probabilities, in place of `name` and `probability`.
    """

    name: str
    probability: Paths
    concept: str = ""
    concept_from: Paths = ()
    codes: dict[str, str] | None = None
    relation: str = ""
    about: str = ""
    absent: tuple[Any, ...] | None = None
    optional: bool = True
    each: Paths = ()


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
