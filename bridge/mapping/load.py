"""Mapping files: TOML in, `Mapping` out, every mistake named with its place and what was probably meant."""

from __future__ import annotations

import re
import tomllib

from bridge.errors import MappingError
from bridge.mapping.load_content import read_cutout, read_group, read_inference, read_scalars, read_table
from bridge.mapping.model import (
    Instant,
    Mapping,
    Match,
    Observatory,
    Place,
    Reference,
    RoleRule,
    Who,
)
from bridge.mapping.section import Section
from bridge.mapping.times import SCALES

__all__ = ["parse_mapping"]

ROLES = ("observation", "prediction", "utility", "test")
SYSTEMS = (
    "UTC-ICRS-TOPO",
    "UTC-FK5-TOPO",
    "UTC-ICRS-GEO",
    "UTC-FK5-GEO",
    "TT-ICRS-TOPO",
    "TT-FK5-TOPO",
    "TT-ICRS-GEO",
    "TT-FK5-GEO",
    "TDB-ICRS-BARY",
    "TDB-FK5-BARY",
)


def parse_mapping(text: str, *, key: str, filename: str = "") -> Mapping:
    """Read a mapping from TOML text.

    Parameters
    ----------
    text
        The file's content.
    key
        Short name of the mapping ("ztf").
    filename
        Where the text came from, for messages.

    Raises
    ------
    MappingError
        If it is not TOML, lacks something, or has a key, conversion, scale or role that does not exist.
    """
    where = f"Mapping {filename or key}"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{where} is not TOML: {error}.") from error
    top = Section(where, data)
    event = top.section("event")
    where_section = top.section("where")
    how = top.section("how")
    why = top.section("why")
    role_rules = tuple(_role_rule(rule) for rule in event.sections("role_rules"))
    mapping = Mapping(
        key=key,
        filename=filename,
        title=top.take("title", str, needed=True),
        about=top.take("about", str),
        match=_match(top.section("match")),
        event_id=_event_id(event),
        object_key=event.paths("object"),
        role=event.choice("role", ROLES, "observation"),
        role_rules=role_rules,
        absent=read_scalars(event, "absent") or (),
        who=_who(top.section("who")),
        place=_place(where_section),
        instants=_instants(top),
        how=how.take("about", str),
        how_references=_references(how),
        why=why.take("about", str),
        inferences=tuple(read_inference(item) for item in why.sections("inference")),
        references=_references(top),
        groups=tuple(read_group(item) for item in top.sections("group")),
        tables=tuple(read_table(item) for item in top.sections("table")),
        cutouts=tuple(read_cutout(item) for item in top.sections("cutout")),
        left_out=_left_out(top),
        rest=top.take("rest", bool),
    )
    for section in (event, where_section, how, why, top):
        section.finish()
    _check_names(where, mapping)
    return mapping


def _match(section: Section) -> Match:
    match = Match(
        name=section.take("name", str), fields=section.paths("fields"), without=section.paths("without")
    )
    try:
        re.compile(match.name)
    except re.error as error:
        raise MappingError(f"{section.where}, 'name': not a regular expression ({error}).") from error
    section.finish()
    return match


def _event_id(section: Section) -> str:
    template = section.take("id", str, needed=True)
    if template.count("#") != 1 or template.startswith(("#", "/", "ivo:")) or template.endswith("#"):
        raise MappingError(
            f"{section.where}, 'id': {template!r} must be a stream, '#' and what identifies the event in it, "
            "for example 'ztf#{candid}'; the author's ivo://... is put before it."
        )
    return template


def _role_rule(section: Section) -> RoleRule:
    if "equals" not in section.left:
        raise MappingError(f"{section.where} has no 'equals', the value for which the rule holds.")
    section.known.append("equals")
    rule = RoleRule(
        path=section.take("path", str, needed=True),
        equals=section.left.pop("equals"),
        role=section.choice("role", ROLES, "test"),
    )
    section.finish()
    return rule


def _who(section: Section) -> Who:
    who = Who(
        title=section.take("title", str, "voevent-bridge"),
        short_name=section.take("short_name", str),
        contact_name=section.take("contact_name", str),
        contact_email=section.take("contact_email", str),
        contributors=section.paths("contributors"),
        about=section.take("about", str),
        reference=section.take("reference", str),
    )
    section.finish()
    return who


def _place(section: Section) -> Place:
    observatory = None
    if "observatory" in section.left:
        inner = section.section("observatory")
        observatory = Observatory(
            name=inner.take("name", str, needed=True),
            longitude_deg=inner.take("longitude_deg", float) if "longitude_deg" in inner.left else None,
            latitude_deg=inner.take("latitude_deg", float) if "latitude_deg" in inner.left else None,
            altitude_m=inner.take("altitude_m", float) if "altitude_m" in inner.left else None,
        )
        inner.finish()
    section.known.append("observatory")
    return Place(
        ra=section.paths("ra", needed=True),
        dec=section.paths("dec", needed=True),
        error_deg=section.take("error_deg", float, needed=True),
        error_from=section.paths("error_from"),
        about=section.take("about", str),
        system=section.choice("system", SYSTEMS, "UTC-ICRS-TOPO"),
        observatory=observatory,
    )


def _instants(top: Section) -> tuple[Instant, ...]:
    if isinstance(top.left.get("when"), dict):
        top.left["when"] = [top.left["when"]]
    instants = []
    for section in top.sections("when"):
        instants.append(
            Instant(
                paths=section.paths("path", needed=True),
                scale=section.choice("scale", tuple(SCALES)),
                half_of=section.paths("add_half_of"),
            )
        )
        if not instants[-1].scale:
            raise MappingError(f"{section.where} has no 'scale': one of {', '.join(SCALES)}.")
        section.finish()
    if not instants:
        raise MappingError(f"{top.where} has no [when]: path and scale of the observation's time.")
    return tuple(instants)


def _references(section: Section) -> tuple[Reference, ...]:
    references = []
    for item in section.sections("reference"):
        references.append(Reference(uri=item.take("uri", str, needed=True), about=item.take("about", str)))
        item.finish()
    return tuple(references)


def _left_out(top: Section) -> dict[str, str]:
    section = top.take("left_out", dict)
    for pattern, reason in section.items():
        if not isinstance(reason, str) or not reason:
            raise MappingError(f"{top.where}, [left_out], {pattern!r}: the reason is missing.")
    return section


def _check_names(where: str, mapping: Mapping) -> None:
    """Names must be unique at each level (VOEvent 2.1, beyond the XSD), or readers find only one of two."""
    names = [group.name for group in mapping.groups] + [table.name for table in mapping.tables]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise MappingError(f"{where}: two groups or tables are named {sorted(twice)[0]!r}; rename one.")
