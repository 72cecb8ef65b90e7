"""What a mapping puts into a packet, as values: Params and Groups, Tables, images, references, classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Cutout", "Group", "Inference", "Paths", "Reference", "Table", "Value"]

Paths = tuple[str, ...]
"""Alternative paths of one value: the first that a schema has, or that leads to a value, counts."""


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
